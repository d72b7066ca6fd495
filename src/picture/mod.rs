//! How the fleet is, from the inventory and the state alone: nothing is asked of a server, so it comes at once.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

use crate::diagnostic::Diagnostic;
use crate::inventory::Inventory;
use crate::kind::KINDS;
use crate::model::notification::Maintenance;
use crate::model::{Health, PlacementStatus, Server, ServerName, Task};
use crate::state::{Read, Unsettled, UnwellCheck};

mod history;
mod measured;
mod summary;

pub use history::{HOURS, History, Hour, Past};
pub use measured::{Answers, Expiries};
pub use summary::{Group, Summary};

/// The fleet at one moment.
#[derive(Clone, Debug)]
pub struct Picture {
    /// When it was taken.
    pub at: Timestamp,
    /// The servers of the inventory, in order of name.
    pub servers: Vec<ServerPicture>,
    /// Every kind of which there is something, in the order of the kinds.
    pub kinds: Vec<KindPicture>,
    /// The last tasks, the newest first.
    pub tasks: Vec<Task>,
    /// The checks that are not well, the bad ones first.
    pub checks: Vec<UnwellCheck>,
    /// How fast sites answer.
    pub answers: Answers,
    /// When certificates expire.
    pub expiries: Expiries,
    /// Servers that hold resources and are not in the inventory.
    pub strays: Vec<ServerName>,
}

/// A server of the picture.
#[derive(Clone, Debug, Serialize)]
pub struct ServerPicture {
    /// Its name.
    pub name: ServerName,
    /// A word for where it stands.
    pub region: Option<String>,
    /// Whether it takes part in sweeps.
    pub active: bool,
    /// How it is, as the looks have confirmed; `None` when there was none.
    pub health: Option<Health>,
    /// Since when it is so.
    pub since: Option<Timestamp>,
    /// When it was looked at last.
    pub observed_at: Option<Timestamp>,
    /// Why it is not online.
    pub reasons: Vec<String>,
    /// Why it takes no new resources (may be empty), when it is cordoned.
    pub cordoned: Option<String>,
    /// Until when it is being worked on, and why, when it is.
    pub maintenance: Option<Maintenance>,
    /// Units that it may hold.
    pub capacity: u64,
    /// Units placed there.
    pub load: u64,
    /// Resources placed there.
    pub resources: u64,
    /// What it has not followed yet.
    #[serde(flatten)]
    pub to_do: ToDo,
    /// The items that the last plan found changed by others.
    pub drift: Vec<String>,
    /// When that plan was; `None` when there was none.
    pub compared_at: Option<Timestamp>,
}

/// Resources that servers have not followed yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ToDo {
    /// Recorded, not yet applied.
    pub pending: u64,
    /// Tried, and undone.
    pub failed: u64,
    /// To be taken off.
    pub removing: u64,
}

impl ToDo {
    /// Adds `number` placements of that status.
    pub fn add(&mut self, status: PlacementStatus, number: u64) {
        match status {
            PlacementStatus::Pending => self.pending += number,
            PlacementStatus::Failed => self.failed += number,
            PlacementStatus::Removing => self.removing += number,
            PlacementStatus::Applied => {}
        }
    }

    /// Whether all is done.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Each that there is any of, with its word, the worst first.
    pub fn words(&self) -> impl Iterator<Item = (u64, &'static str)> {
        [
            (self.failed, "failed"),
            (self.pending, "pending"),
            (self.removing, "removing"),
        ]
        .into_iter()
        .filter(|(number, _)| *number > 0)
    }
}

/// A kind of resources in the picture.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct KindPicture {
    /// The kind's word.
    pub kind: String,
    /// The same for several of them.
    #[serde(skip)]
    pub plural: String,
    /// How many there should be.
    pub resources: u64,
    /// What servers have not followed yet, counted on each server.
    #[serde(flatten)]
    pub to_do: ToDo,
}

impl Picture {
    /// The picture at `at`, with that many tasks; without a state nothing is known beyond the inventory.
    pub fn take(
        inventory: &Inventory,
        read: Option<&Read>,
        at: Timestamp,
        tasks: u32,
    ) -> Result<Self, Diagnostic> {
        let Some(read) = read else {
            let servers = inventory.servers.values().map(unknown).collect();
            return Ok(Self {
                at,
                servers,
                kinds: Vec::new(),
                tasks: Vec::new(),
                checks: Vec::new(),
                answers: Answers::default(),
                expiries: Expiries::default(),
                strays: Vec::new(),
            });
        };
        let mut records = read.servers()?;
        let mut held = read.held()?;
        let mut comparisons = read.comparisons()?;
        let mut maintenance = read.maintenance(at)?;
        let mut answers = read.answers()?;
        answers.retain(|answer| inventory.servers.contains_key(&answer.server));
        let mut expiring = read.expiring()?;
        expiring.retain(|expiring| inventory.servers.contains_key(&expiring.server));
        let mut checks = read.unwell_checks()?;
        // Nobody looks at the others any more.
        checks.retain(|check| {
            inventory
                .servers
                .get(&check.server)
                .is_some_and(|s| s.active)
        });
        let unsettled = read.unsettled()?;
        let mut to_do: BTreeMap<&ServerName, ToDo> = BTreeMap::new();
        for some in &unsettled {
            let of_server = to_do.entry(&some.server).or_default();
            of_server.add(some.status, some.number);
        }
        let server = |server: &Server| {
            let mut seen = unknown(server);
            if let Some(record) = records.remove(&server.name) {
                seen.health = record.health;
                seen.observed_at = record.observed_at;
                seen.cordoned = record.cordon.map(|cordon| cordon.reason);
                if let Some(standing) = record.standing {
                    seen.since = Some(standing.since);
                    seen.reasons = standing.reasons;
                }
            }
            seen.maintenance = maintenance.remove(&server.name);
            let held = held.remove(&server.name).unwrap_or_default();
            (seen.load, seen.resources) = (held.load, held.resources);
            seen.to_do = to_do.get(&server.name).copied().unwrap_or_default();
            if let Some(comparison) = comparisons.remove(&server.name) {
                seen.drift = comparison.drift.into_iter().collect();
                seen.compared_at = Some(comparison.at);
            }
            seen
        };
        let servers = inventory.servers.values().map(server).collect();
        Ok(Self {
            at,
            servers,
            kinds: kinds(&read.kind_counts()?, &unsettled),
            tasks: read.tasks(tasks)?,
            checks,
            answers: Answers::of(answers),
            expiries: Expiries::of(expiring),
            // Those of the inventory are taken out by now.
            strays: held.into_keys().collect(),
        })
    }
}

/// What the inventory alone says of a server.
fn unknown(server: &Server) -> ServerPicture {
    ServerPicture {
        name: server.name.clone(),
        region: server.region.clone(),
        active: server.active,
        health: None,
        since: None,
        observed_at: None,
        reasons: Vec::new(),
        cordoned: None,
        maintenance: None,
        capacity: server.capacity.into(),
        load: 0,
        resources: 0,
        to_do: ToDo::default(),
        drift: Vec::new(),
        compared_at: None,
    }
}

fn kinds(counts: &BTreeMap<String, u64>, unsettled: &[Unsettled]) -> Vec<KindPicture> {
    let picture = |kind: &crate::kind::Kind| {
        let mut to_do = ToDo::default();
        for some in unsettled.iter().filter(|some| some.kind == kind.word) {
            to_do.add(some.status, some.number);
        }
        KindPicture {
            kind: kind.word.to_owned(),
            plural: kind.plural.to_owned(),
            resources: counts.get(kind.word).copied().unwrap_or_default(),
            to_do,
        }
    };
    let kinds = KINDS.iter().map(picture);
    kinds
        .filter(|kind| kind.resources > 0 || !kind.to_do.is_empty())
        .collect()
}

#[cfg(test)]
mod tests;
