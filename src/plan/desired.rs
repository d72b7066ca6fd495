//! What should be on one server: the items of all its resources, folded by key.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fmt;
use std::net::IpAddr;

use crate::diagnostic::Invalid;
use crate::item::{Item, Key, Probe};
use crate::kind::{Compile, Fleet, Secrets, kind};
use crate::model::health::ServerFacts;
use crate::model::{Placement, PlacementStatus, Resource, ResourceName, Server};

/// The items of a resource on a server; `facts` is what was last seen of that server.
///
/// # Errors
/// What the server cannot give (a PHP version it has not), or a secret that cannot be opened.
pub fn items(
    resource: &Resource,
    server: &Server,
    facts: Option<&ServerFacts>,
    secrets: &dyn Secrets,
    fleet: Fleet<'_>,
) -> Result<Vec<Item>, Invalid> {
    let Some(kind) = kind(&resource.name.kind) else {
        let mut invalid = Invalid::default();
        invalid.push(
            "",
            format!("this fleet knows no kind `{}`", resource.name.kind),
        );
        return Err(invalid);
    };
    let leaving = |p: &Placement| p.status == PlacementStatus::Removing;
    let staying: Vec<Placement>;
    let placements = if resource.placements.iter().any(leaving) {
        staying = super::follow::staying(&resource.placements)
            .cloned()
            .collect();
        &staying
    } else {
        &resource.placements
    };
    let compile = Compile {
        name: &resource.name.name,
        suspended: resource.suspended,
        generation: resource.generation,
        placements,
        server,
        facts,
        secrets,
        fleet,
    };
    (kind.items)(&resource.spec, &compile)
}

/// An item with the resources that want it.
#[derive(Clone, Debug, PartialEq)]
pub struct Wanted {
    /// The item.
    pub item: Item,
    /// The resources that want it, in the order they were added.
    pub owners: Vec<ResourceName>,
}

/// What should be on one server.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Desired {
    /// The items, by key.
    pub items: BTreeMap<Key, Wanted>,
    /// The requests that must be answered after a change of the resource.
    pub probes: Vec<(ResourceName, Probe)>,
}

/// Two resources want the same item in different shapes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clash {
    /// The item.
    pub key: Key,
    /// Who wanted it first.
    pub first: ResourceName,
    /// Who wants it otherwise.
    pub second: ResourceName,
}

impl fmt::Display for Clash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "`{}` and `{}` want `{}` in different shapes",
            self.first, self.second, self.key
        )
    }
}

impl Desired {
    /// Adds the items of a resource. Equal items of several resources are one item, and so are those of a type that
    /// folds; on a clash nothing of the resource is added.
    pub fn add(&mut self, owner: &ResourceName, items: Vec<Item>) -> Result<(), Box<Clash>> {
        let items: Vec<(Key, Item)> = items.into_iter().map(|item| (item.key(), item)).collect();
        for (key, item) in &items {
            if let Some(there) = self.items.get(key)
                && there.item != *item
                && !key.item_type.folds()
            {
                return Err(Box::new(Clash {
                    key: key.clone(),
                    first: there.owners[0].clone(),
                    second: owner.clone(),
                }));
            }
        }
        for (key, item) in items {
            if let Item::Probe(probe) = item {
                self.probes.push((owner.clone(), probe));
                continue;
            }
            let wanted = match self.items.entry(key) {
                Entry::Vacant(vacant) => vacant.insert(Wanted {
                    item,
                    owners: Vec::new(),
                }),
                Entry::Occupied(occupied) => {
                    let wanted = occupied.into_mut();
                    wanted.item.fold(&item);
                    wanted
                }
            };
            // A resource is added as a whole, so where it is among the owners, it is the last.
            if wanted.owners.last() != Some(owner) {
                wanted.owners.push(owner.clone());
            }
        }
        Ok(())
    }

    /// Puts into the items what only the server knows: see [`crate::item::File::fill`].
    pub fn fill(&mut self, name_servers: &[IpAddr]) {
        for wanted in self.items.values_mut() {
            if let Item::File(file) = &mut wanted.item {
                file.fill(name_servers);
            }
        }
    }

    /// Takes back what was added for a resource; what others want too stays.
    pub fn withdraw(&mut self, owner: &ResourceName) {
        self.items.retain(|_, wanted| {
            let had = wanted.owners.len();
            wanted.owners.retain(|other| other != owner);
            had == wanted.owners.len() || !wanted.owners.is_empty()
        });
        self.probes.retain(|(of, _)| of != owner);
    }
}
