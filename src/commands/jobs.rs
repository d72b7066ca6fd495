//! From the recorded resources to what is to be done on each server.

use std::collections::{BTreeMap, BTreeSet};

use crate::apply::Job;
use crate::diagnostic::Diagnostic;
use crate::item::{Applied, Item, Key, Probe};
use crate::kind::Secrets;
use crate::model::health::ServerFacts;
use crate::model::{PlacementStatus, Resource, ResourceName, Server, ServerName};
use crate::plan::{Blocked, Desired, desired};
use crate::state::Read;

/// How many sites beside those that change are asked whether they still answer; twice what is needed, since some
/// may not have answered before.
const NEIGHBOURS: usize = 4;

/// Jobs, and what they are made of, to record how they end.
#[derive(Debug, Default)]
pub(super) struct Jobs {
    pub(super) jobs: Vec<Job>,
    /// The resources of each job, with their placements.
    pub(super) resources: BTreeMap<ServerName, Vec<Resource>>,
}

/// What all jobs are made from.
pub(super) struct Source<'a> {
    pub(super) read: &'a Read,
    pub(super) secrets: &'a dyn Secrets,
    /// The servers to work on.
    pub(super) servers: Vec<&'a Server>,
    /// Only these resources.
    pub(super) only: Option<BTreeSet<ResourceName>>,
}

impl Source<'_> {
    /// A job for each server that has, or had, something to do with fleet.
    pub(super) fn jobs(&self) -> Result<Jobs, Diagnostic> {
        let names: BTreeSet<ServerName> = self.servers.iter().map(|s| s.name.clone()).collect();
        let facts = self.read.facts(&names)?;
        let mut applied = self.read.applied_on_each(&names)?;
        let mut on: BTreeMap<ServerName, Vec<Resource>> = BTreeMap::new();
        for resource in self.read.resources_on(&names)? {
            for placement in &resource.placements {
                if names.contains(&placement.server) {
                    let there = on.entry(placement.server.clone()).or_default();
                    there.push(resource.clone());
                }
            }
        }
        let mut jobs = Jobs::default();
        for server in &self.servers {
            let there = on.remove(&server.name).unwrap_or_default();
            let applied = applied.remove(&server.name).unwrap_or_default();
            if there.is_empty() && applied.is_empty() {
                continue;
            }
            let facts = facts.get(&server.name);
            let job = self.job(server, facts, &there, applied);
            let mine = there.into_iter().filter(|resource| self.is_mine(resource));
            jobs.resources.insert(server.name.clone(), mine.collect());
            jobs.jobs.push(job);
        }
        Ok(jobs)
    }

    fn is_mine(&self, resource: &Resource) -> bool {
        let only = self.only.as_ref();
        only.is_none_or(|only| only.contains(&resource.name))
    }

    fn job(
        &self,
        server: &Server,
        facts: Option<&ServerFacts>,
        there: &[Resource],
        mut applied: BTreeMap<Key, Applied>,
    ) -> Job {
        let mut wanted = Desired::default();
        let mut blocked = Vec::new();
        let mut neighbours: Vec<Probe> = Vec::new();
        for resource in there {
            if is_leaving(resource, server) {
                continue;
            }
            let mine = self.is_mine(resource);
            if !mine && (neighbours.len() >= NEIGHBOURS || !is_applied(resource, server)) {
                continue;
            }
            let compiled = desired::items(resource, server, facts, self.secrets);
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
                    let reasons: Vec<_> = invalid.problems.iter().map(|p| &*p.message).collect();
                    let hint = invalid.problems.iter().find_map(|p| p.hint.clone());
                    blocked.push(block(reasons.join("; "), hint));
                }
                Err(_) => {}
            }
        }
        // What cannot be compiled is not known to be unwanted: whatever it owns stays.
        let unknown: BTreeSet<&ResourceName> = blocked.iter().map(|b| &b.resource).collect();
        applied.retain(|key, known| {
            let any = |test: &dyn Fn(&ResourceName) -> bool| known.owners.iter().any(test);
            wanted.items.contains_key(key)
                || (!any(&|owner| unknown.contains(owner))
                    && self
                        .only
                        .as_ref()
                        .is_none_or(|only| any(&|owner| only.contains(owner))))
        });
        Job {
            server: server.clone(),
            desired: wanted,
            applied,
            only: self.only.clone(),
            blocked,
            neighbours,
        }
    }
}

fn is_leaving(resource: &Resource, server: &Server) -> bool {
    resource.removed_at.is_some() || status(resource, server) == Some(PlacementStatus::Removing)
}

fn is_applied(resource: &Resource, server: &Server) -> bool {
    status(resource, server) == Some(PlacementStatus::Applied)
}

fn status(resource: &Resource, server: &Server) -> Option<PlacementStatus> {
    let mut placements = resource.placements.iter();
    let there = placements.find(|placement| placement.server == server.name)?;
    Some(there.status)
}

/// The servers on which something is placed, or was and has not gone.
pub(super) fn servers_in_use(read: &Read) -> Result<BTreeSet<ServerName>, Diagnostic> {
    Ok(read.placement_counts()?.into_keys().collect())
}
