//! From the recorded resources to what is to be done on each server.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use self::folding::Folding;
use super::only::Only;
use crate::apply::{Job, Work};
use crate::diagnostic::{Diagnostic, Invalid};
use crate::inventory::Inventory;
use crate::item::{Applied, Item, Key, Probe};
use crate::kind::{self, Fleet, Scope, SecretId, Secrets};
use crate::model::health::ServerFacts;
use crate::model::{
    Health, Placement, PlacementStatus, Resource, ResourceName, Server, ServerName,
};
use crate::plan::follow::{Surroundings, moves, staying};
use crate::plan::reviewed::Expected;
use crate::plan::{Blocked, Desired, desired};
use crate::shell::Secret;
use crate::state::{Mark, Read};

/// How many sites beside those that change are asked whether they still answer; twice what is needed, since some
/// may not have answered before.
const NEIGHBOURS: usize = 4;

/// What is on a server, or has to go from it. Each resource is there once for all its servers: one that is on all of them
/// has as many placements.
pub(super) type There = Arc<[Arc<Resource>]>;

/// Jobs, and what they are made of, to record how they end.
#[derive(Debug, Default)]
#[allow(clippy::struct_field_names, reason = "it is what they are")]
pub(super) struct Jobs<'a> {
    pub(super) jobs: Vec<Job<'a>>,
    /// The resources of each job, with their placements.
    pub(super) resources: BTreeMap<ServerName, There>,
    /// By which it is known later whether these are still so.
    pub(super) marks: BTreeMap<ServerName, Mark>,
    /// What they are narrowed to.
    pub(super) only: Only,
    /// Whether each is about all that its server should have.
    pub(super) whole: bool,
}

impl<'a> Jobs<'a> {
    /// Takes out the jobs of these servers, in their order.
    pub(super) fn take(&mut self, names: &[ServerName]) -> Self {
        let all = std::mem::take(&mut self.jobs).into_iter();
        let mut by_name: BTreeMap<ServerName, Job<'a>> =
            all.map(|job| (job.server.name.clone(), job)).collect();
        let mut taken = Self {
            whole: self.whole,
            only: self.only.clone(),
            ..Self::default()
        };
        for name in names {
            taken.jobs.extend(by_name.remove(name));
            let resources = self.resources.remove_entry(name);
            taken.resources.extend(resources);
            taken.marks.extend(self.marks.remove_entry(name));
        }
        self.jobs.extend(by_name.into_values());
        taken
    }
}

/// Jobs that are done only where they come to the expected plans.
pub(super) fn expecting<'a>(
    jobs: Vec<Job<'a>>,
    expected: &BTreeMap<ServerName, Expected>,
) -> Vec<Job<'a>> {
    let expecting = |job: Job<'a>| {
        let plan = expected.get(&job.server.name).cloned();
        let prepare = job.prepare;
        Job {
            server: job.server,
            prepare: Box::new(move || {
                Ok(Work {
                    expected: plan,
                    ..prepare()?
                })
            }),
        }
    };
    jobs.into_iter().map(expecting).collect()
}

/// What all jobs are made from.
pub(super) struct Source<'r, 'a> {
    pub(super) read: &'r Read,
    pub(super) inventory: &'a Inventory,
    pub(super) secrets: Box<dyn Secrets + Send + Sync + 'a>,
    /// The servers to work on.
    pub(super) servers: Vec<&'a Server>,
    /// Only these resources.
    pub(super) only: Option<BTreeSet<ResourceName>>,
}

/// The secrets that can be opened without asking anybody: all that neighbours are worth.
struct AtHand<'a>(&'a dyn Secrets);

impl Secrets for AtHand<'_> {
    fn open(&self, id: &SecretId) -> Result<Secret, String> {
        self.0.open_at_hand(id)
    }
}

impl<'a> Source<'_, 'a> {
    /// A job for each server that has, or had, something to do with fleet.
    pub(super) fn jobs(self) -> Result<Jobs<'a>, Diagnostic> {
        let names: BTreeSet<ServerName> = self.servers.iter().map(|s| s.name.clone()).collect();
        let mut facts = self.read.facts(&names)?;
        let mut applied = self.read.applied_on_each(&names)?;
        let mut on = self.resources_on(&names)?;
        let mut jobs = Jobs {
            whole: self.only.is_none(),
            only: self.only.clone().into(),
            marks: self.read.marks(&names)?,
            ..Jobs::default()
        };
        let servers = self.servers.clone();
        let scene = Arc::new(self.scene(&names)?);
        for server in servers {
            let there = on.remove(&server.name).unwrap_or_default();
            let applied = applied.remove(&server.name).unwrap_or_default();
            if there.is_empty() && applied.is_empty() {
                continue;
            }
            let share = Share {
                server,
                facts: facts.remove(&server.name),
                there: there.into(),
                scene: Arc::clone(&scene),
            };
            jobs.resources.insert(server.name.clone(), share.mine());
            jobs.jobs.push(Job {
                server: server.clone(),
                prepare: Box::new(move || Ok(share.work(applied.values()?))),
            });
        }
        Ok(jobs)
    }

    /// What is, or has to go from, each of the servers, in order of kind and name. What follows the inventory is taken
    /// to be where it belongs by now, whether or not that is recorded yet.
    fn resources_on(
        &self,
        names: &BTreeSet<ServerName>,
    ) -> Result<BTreeMap<ServerName, Vec<Arc<Resource>>>, Diagnostic> {
        let mut roaming: BTreeMap<i64, Resource> = self
            .read
            .roaming()?
            .into_iter()
            .map(|resource| (resource.id, resource))
            .collect();
        if !roaming.is_empty() {
            let surroundings = surroundings(self.read, self.inventory)?;
            for resource in roaming.values_mut() {
                move_on(resource, &surroundings);
            }
        }
        let mut on: BTreeMap<ServerName, Vec<Arc<Resource>>> = BTreeMap::new();
        let mut put = |resource: Resource| {
            let resource = Arc::new(resource);
            for placement in &resource.placements {
                if names.contains(&placement.server) {
                    let there = on.entry(placement.server.clone()).or_default();
                    there.push(Arc::clone(&resource));
                }
            }
        };
        for resource in self.read.resources_on(names)? {
            put(roaming.remove(&resource.id).unwrap_or(resource));
        }
        if !roaming.is_empty() {
            roaming.into_values().for_each(put);
            for there in on.values_mut() {
                there.sort_by(|a, b| a.name.cmp(&b.name));
            }
        }
        Ok(on)
    }

    fn scene(self, on: &BTreeSet<ServerName>) -> Result<Scene<'a>, Diagnostic> {
        let mut only = self.only.clone();
        if let (Some(all), Some(asked)) = (&mut only, &self.only) {
            for name in asked {
                all.extend(self.read.followers(name)?);
            }
        }
        let mut followed = self.read.followed(only.as_ref())?;
        if only.is_some() {
            // Whatever else is there may have to be compiled too, where several contribute to an item.
            followed.extend(self.read.followed_on(on)?);
        }
        Ok(Scene {
            asked: self.only,
            followed,
            only: only.map(Arc::new),
            servers: &self.inventory.servers,
            secrets: self.secrets,
        })
    }
}

/// One server's share of what is to be done.
struct Share<'a> {
    server: &'a Server,
    facts: Option<ServerFacts>,
    /// The resources that are there, or have to go.
    there: There,
    scene: Arc<Scene<'a>>,
}

impl Share<'_> {
    /// The resources that the job is about.
    fn mine(&self) -> There {
        if self.scene.only.is_none() {
            return Arc::clone(&self.there);
        }
        let mine = |resource: &&Arc<Resource>| self.scene.is_mine(&resource.name);
        self.there.iter().filter(mine).cloned().collect()
    }

    /// What is to be done; `applied` is what was last applied there.
    fn work(&self, mut applied: BTreeMap<Key, Applied>) -> Work {
        let Self { server, there, .. } = self;
        let scene = &*self.scene;
        let facts = self.facts.as_ref();
        let compile = |resource: &Resource, secrets: &dyn Secrets| {
            let fleet = Fleet {
                servers: scene.servers,
                resources: &scene.followed,
            };
            desired::items(resource, server, facts, secrets, fleet)
        };
        let mut wanted = Desired::default();
        let mut blocked = Vec::new();
        let mut left_out = Vec::new();
        let mut failed = BTreeMap::new();
        let mut neighbours: Vec<Probe> = Vec::new();
        for resource in there.iter() {
            if is_leaving(resource, server) {
                continue;
            }
            let mine = scene.is_mine(&resource.name);
            if !mine && (neighbours.len() >= NEIGHBOURS || !is_applied(resource, server)) {
                continue;
            }
            let at_hand = AtHand(&*scene.secrets);
            let compiled = compile(resource, if mine { &*scene.secrets } else { &at_hand });
            let block = |reason: String, hint: Option<String>| Blocked {
                resource: resource.name.clone(),
                reason,
                hint,
            };
            match compiled {
                Ok(items) if mine => {
                    if let Err(clash) = wanted.add(&resource.name, items) {
                        blocked.push(block(clash.to_string(), None));
                    }
                }
                Ok(items) => neighbours.extend(items.into_iter().filter_map(|item| match item {
                    Item::Probe(probe) => Some(probe),
                    _ => None,
                })),
                Err(invalid) if mine => {
                    let (reason, hint) = why(&invalid);
                    failed.insert(resource.name.clone(), (reason.clone(), hint.clone()));
                    let asked = scene.is_asked(&resource.name);
                    let them = if asked { &mut blocked } else { &mut left_out };
                    them.push(block(reason, hint));
                }
                Err(_) => {}
            }
        }
        let folding = Folding {
            share: self,
            compile: &|resource| compile(resource, &*scene.secrets),
            failed,
        };
        let carried = folding.complete(&mut wanted, &mut applied, &mut blocked, &mut left_out);
        let only = scene.only_without(&left_out);
        let is_mine = |name: &ResourceName| only.as_ref().is_none_or(|only| only.contains(name));
        // What cannot be compiled is not known to be unwanted: whatever it owns stays.
        let unknown: BTreeSet<&ResourceName> = blocked.iter().map(|b| &b.resource).collect();
        applied.retain(|key, known| {
            let any = |test: &dyn Fn(&ResourceName) -> bool| known.owners.iter().any(test);
            wanted.items.contains_key(key)
                || (!any(&|owner| unknown.contains(owner)) && any(&|owner| is_mine(owner)))
        });
        Work {
            desired: wanted,
            applied,
            expected: None,
            blocked,
            left_out,
            carried,
            removed_by: there
                .iter()
                .filter(|resource| is_mine(&resource.name))
                .filter_map(|resource| {
                    let here = placement(resource, server)?;
                    Some((resource.name.clone(), here.from_trash?))
                })
                .collect(),
            neighbours,
            only,
            led: there
                .iter()
                .filter_map(|resource| led(resource, server))
                .collect(),
        }
    }
}

/// A resource that is on this server beside another one, and which that is.
fn led(resource: &Resource, server: &Server) -> Option<(ResourceName, ServerName)> {
    let first = staying(&resource.placements).find(|placement| placement.position == 0)?;
    if resource.removed_at.is_some() || first.server == server.name {
        return None;
    }
    let kind = kind::kind(&resource.name.kind)?;
    let beside = matches!((kind.scope)(&resource.spec), Ok(Scope::Beside { .. }));
    beside.then(|| (resource.name.clone(), first.server.clone()))
}

/// What the jobs of all servers look at.
struct Scene<'a> {
    /// The resources that were asked for; `None` for all.
    asked: Option<BTreeSet<ResourceName>>,
    /// These and what follows them.
    only: Option<Arc<BTreeSet<ResourceName>>>,
    /// What the specs refer to.
    followed: BTreeMap<ResourceName, Resource>,
    /// The inventory.
    servers: &'a BTreeMap<ServerName, Server>,
    secrets: Box<dyn Secrets + Send + Sync + 'a>,
}

impl Scene<'_> {
    fn is_mine(&self, name: &ResourceName) -> bool {
        self.only.as_ref().is_none_or(|only| only.contains(name))
    }

    /// Whose job it is, when these could not be compiled: what they own is not known to be unwanted.
    fn only_without(&self, left_out: &[Blocked]) -> Option<Arc<BTreeSet<ResourceName>>> {
        let only = self.only.as_ref()?;
        if left_out.is_empty() {
            return Some(Arc::clone(only));
        }
        let mut rest = BTreeSet::clone(only);
        for blocked in left_out {
            rest.remove(&blocked.resource);
        }
        Some(Arc::new(rest))
    }

    fn is_asked(&self, name: &ResourceName) -> bool {
        self.asked.as_ref().is_none_or(|asked| asked.contains(name))
    }
}

/// What decides where resources belong that follow the inventory.
pub(super) fn surroundings<'a>(
    read: &Read,
    inventory: &'a Inventory,
) -> Result<Surroundings<'a>, Diagnostic> {
    let is_down = |health: Option<Health>| matches!(health, Some(Health::Offline | Health::Error));
    let records = read.servers()?.into_iter();
    Ok(Surroundings {
        servers: &inventory.servers,
        down: records
            .filter(|(_, record)| is_down(record.health))
            .map(|(name, _)| name)
            .collect(),
    })
}

/// Moves a resource that follows the inventory to where it belongs now. Where its selector matches nothing any more, it
/// stays: that is more likely a mistake in the inventory than a wish.
fn move_on(resource: &mut Resource, surroundings: &Surroundings<'_>) {
    let Some(kind) = kind::kind(&resource.name.kind) else {
        return;
    };
    let Ok(scope) = (kind.scope)(&resource.spec) else {
        return;
    };
    let Ok(Some(targets)) = surroundings.targets(&scope, &resource.placements, None) else {
        return;
    };
    let (come, go) = moves(&resource.placements, &targets);
    for placement in &mut resource.placements {
        if go.contains(&placement.server) {
            placement.status = PlacementStatus::Removing;
        }
    }
    resource.placements.retain(|p| !come.contains(&p.server));
    resource
        .placements
        .extend(come.into_iter().map(|server| Placement {
            server,
            position: 0,
            status: PlacementStatus::Pending,
            reason: None,
            applied_generation: 0,
            from_trash: None,
        }));
    resource.placements.sort_by(|a, b| a.server.cmp(&b.server));
}

/// Why a resource cannot be compiled, and what to do.
fn why(invalid: &Invalid) -> (String, Option<String>) {
    let reasons: Vec<_> = invalid.problems.iter().map(|p| &*p.message).collect();
    let hint = invalid.problems.iter().find_map(|p| p.hint.clone());
    (reasons.join("; "), hint)
}

fn is_leaving(resource: &Resource, server: &Server) -> bool {
    resource.removed_at.is_some() || status(resource, server) == Some(PlacementStatus::Removing)
}

fn is_applied(resource: &Resource, server: &Server) -> bool {
    status(resource, server) == Some(PlacementStatus::Applied)
}

fn status(resource: &Resource, server: &Server) -> Option<PlacementStatus> {
    Some(placement(resource, server)?.status)
}

fn placement<'r>(resource: &'r Resource, server: &Server) -> Option<&'r Placement> {
    let mut placements = resource.placements.iter();
    placements.find(|placement| placement.server == server.name)
}

/// The servers on which something is placed, or was and has not gone.
pub(super) fn servers_in_use(read: &Read) -> Result<BTreeSet<ServerName>, Diagnostic> {
    Ok(read.placement_counts()?.into_keys().collect())
}

mod folding;
#[cfg(test)]
mod tests;
