//! Items to which many resources of a server contribute: what those that a job is not about add to them, and what
//! happens where one of them cannot be compiled.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{Share, is_applied, is_leaving, why};
use crate::diagnostic::Invalid;
use crate::item::{Applied, Item, Key};
use crate::model::{Resource, ResourceName};
use crate::plan::{Blocked, Desired};

/// What completes the folding items of one server's share.
pub(super) struct Folding<'a> {
    pub(super) share: &'a Share<'a>,
    pub(super) compile: &'a dyn Fn(&Resource) -> Result<Vec<Item>, Invalid>,
    /// What of the job could not be compiled: why, and what to do.
    pub(super) failed: BTreeMap<ResourceName, (String, Option<String>)>,
}

impl Folding<'_> {
    /// Adds what the others contribute to the folding items that the job touches. The share of one that cannot be compiled
    /// would be lost: then the item stays as it was applied, and those of the job that want it otherwise are held back.
    /// Returns those of the others of which all is there when these items are.
    pub(super) fn complete(
        mut self,
        wanted: &mut Desired,
        applied: &mut BTreeMap<Key, Applied>,
        blocked: &mut Vec<Blocked>,
        left_out: &mut Vec<Blocked>,
    ) -> Vec<Arc<Resource>> {
        let scene = &*self.share.scene;
        let left: BTreeSet<&ResourceName> = left_out.iter().map(|b| &b.resource).collect();
        let is_mine = |name: &ResourceName| scene.is_mine(name) && !left.contains(name);
        let own = applied
            .iter()
            .filter(|(_, known)| known.owners.iter().any(is_mine))
            .map(|(key, _)| key);
        let touched: BTreeSet<Key> = own
            .chain(wanted.items.keys())
            .filter(|key| key.item_type.folds())
            .cloned()
            .collect();
        if touched.is_empty() {
            return Vec::new();
        }
        let mut shares: Vec<(&Arc<Resource>, Vec<Item>)> = Vec::new();
        for resource in self.share.there.iter() {
            if is_mine(&resource.name) || is_leaving(resource, self.share.server) {
                continue;
            }
            match (self.compile)(resource) {
                Ok(items) => shares.push((resource, items)),
                Err(invalid) => {
                    self.failed.insert(resource.name.clone(), why(&invalid));
                }
            }
        }
        let mut back: Vec<Blocked> = Vec::new();
        let mut held: BTreeSet<Key> = BTreeSet::new();
        for key in &touched {
            let Some(known) = applied.get(key) else {
                continue;
            };
            let lost = known
                .owners
                .iter()
                .find_map(|owner| self.failed.get_key_value(owner));
            if let Some((lost, (reason, hint))) = lost {
                held.insert(key.clone());
                let wanting = self.wanting(
                    &is_mine,
                    wanted.items.get(key).map(|w| &w.owners[..]),
                    known,
                );
                back.extend(wanting.into_iter().map(|resource| Blocked {
                    resource,
                    reason: format!("{lost} belongs to it too and cannot be compiled: {reason}"),
                    hint: hint.clone(),
                }));
            }
        }
        let mut carried = Vec::new();
        for (resource, mut items) in shares {
            let is_there = |item: &Item| {
                let key = item.key();
                let folded = touched.contains(&key) && !held.contains(&key);
                folded
                    || applied
                        .get(&key)
                        .is_some_and(|known| known.props == item.wanted())
            };
            let is_carried = items.iter().all(is_there);
            items.retain(|item| touched.contains(&item.key()));
            if !items.is_empty() {
                if is_carried {
                    carried.push(Arc::clone(resource));
                }
                // Items that fold do not clash.
                let _ = wanted.add(&resource.name, items);
            }
        }
        for key in &held {
            wanted.items.remove(key);
            applied.remove(key);
        }
        for one in back {
            wanted.withdraw(&one.resource);
            let asked = scene.is_asked(&one.resource);
            let them = if asked { &mut *blocked } else { &mut *left_out };
            them.push(one);
        }
        carried
    }

    /// Those of the job for which an item should be, or was, there. Where the job is about all of the server, what has
    /// followed already wants no other one; and which it is that cannot be compiled is told of it by itself.
    fn wanting(
        &self,
        is_mine: &dyn Fn(&ResourceName) -> bool,
        wanted_by: Option<&[ResourceName]>,
        known: &Applied,
    ) -> Vec<ResourceName> {
        let is_whole = self.share.scene.only.is_none();
        let there = self.share.there.iter().filter(|resource| {
            let name = &resource.name;
            let wants = wanted_by.is_some_and(|owners| owners.contains(name))
                || known.owners.contains(name);
            let has_followed = is_whole && is_applied(resource, self.share.server);
            wants && is_mine(name) && !has_followed && !self.failed.contains_key(name)
        });
        there.map(|resource| resource.name.clone()).collect()
    }
}
