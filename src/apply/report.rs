//! What became of one server.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use crate::diagnostic::Diagnostic;
use crate::item::{Key, Probe};
use crate::model::{Resource, ResourceName, ServerName};
use crate::plan::{Blocked, Change, Progress, ServerPlan};

/// How a run ended on a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Only looked at.
    Looked,
    /// There was nothing to change.
    Unchanged,
    /// Everything that could be changed was changed.
    Changed,
    /// At least one resource failed and was undone; others may be done.
    Failed,
    /// New firewall rules were not confirmed by a new connection: everything is as before.
    Reverted,
    /// It was not reached; nothing happened there.
    Unreachable,
    /// Somebody else held its lock; nothing happened there.
    Locked,
    /// The run was stopped before everything there was tried.
    Stopped,
    /// What would be changed is not what was reviewed; nothing happened there.
    Stale,
    /// Its turn never came, since an earlier wave was not well.
    Waiting,
    /// The connection broke while a transaction ran: it is done or undone there, the next run will see which.
    Interrupted,
}

impl Outcome {
    /// The word for it in results, JSON and the record of the task.
    pub fn word(self) -> &'static str {
        match self {
            Self::Looked => "looked",
            Self::Unchanged => "unchanged",
            Self::Changed => "changed",
            Self::Failed => "failed",
            Self::Reverted => "reverted",
            Self::Unreachable => "unreachable",
            Self::Locked => "locked",
            Self::Stopped => "stopped",
            Self::Stale => "stale",
            Self::Waiting => "waiting",
            Self::Interrupted => "interrupted",
        }
    }
}

/// A resource whose changes were undone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The resource; `None` when it concerns the server as a whole.
    pub resource: Option<ResourceName>,
    /// Why.
    pub reason: String,
    /// What the tools on the server said.
    pub details: Vec<String>,
    /// What to do about it, as far as the server knows.
    pub hints: Vec<String>,
    /// Whether everything was put back; if not, the next run tries again.
    pub undone: bool,
}

/// What lies in a directory that was given to a user, and belongs to somebody else as it did before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Strangers {
    /// The directory.
    pub path: String,
    /// `USER:GROUP` of the directory.
    pub owner: String,
    /// How many files and directories.
    pub count: u64,
}

impl Strangers {
    /// What a transaction says of them.
    pub(super) fn of(said: &Progress) -> Option<Self> {
        let Progress::Strangers(text) = said else {
            return None;
        };
        let mut words = text.splitn(3, ' ');
        Some(Self {
            count: words.next()?.parse().ok()?,
            owner: words.next()?.to_owned(),
            path: words.next()?.to_owned(),
        })
    }
}

/// What became of one server.
#[derive(Clone, Debug)]
pub struct ServerReport {
    /// The server.
    pub server: ServerName,
    /// How it ended.
    pub outcome: Outcome,
    /// What differed.
    pub plan: ServerPlan,
    /// The items whose changes were made, in the order they were.
    pub done: Vec<Key>,
    /// What was undone.
    pub failures: Vec<Failure>,
    /// Resources that were not tried, since the run was to stop.
    pub untried: Vec<ResourceName>,
    /// Resources that follow what was asked for and could not be compiled: nothing of them was looked at.
    pub left_out: Vec<Blocked>,
    /// Resources that were not asked for, and are there with the items that they share with those that were.
    pub carried: Vec<Arc<Resource>>,
    /// What is worth knowing of what was done, a sentence each.
    pub notices: BTreeSet<String>,
    /// Why it was not reached, or could not be worked on.
    pub error: Option<Diagnostic>,
    /// Transactions of earlier runs that were found half done and rolled back.
    pub recovered: Vec<String>,
    /// Transactions of earlier runs that the next apply will roll back.
    pub unfinished: Vec<String>,
    /// The files that differ, as they are on the server: path to content.
    pub contents: BTreeMap<String, Vec<u8>>,
    /// `SHA256:...` of the key that the server took, to be remembered.
    pub login_key: Option<String>,
    /// What in directories that were given to a user is not theirs.
    pub strangers: Vec<Strangers>,
    /// Whether a transaction was sent.
    pub sent: bool,
    /// The requests to what was to change, by which it is known later whether it is still well.
    pub probes: Vec<Probe>,
    /// The wave it was in, from 1; 0 where all went at once.
    pub wave: usize,
    /// What was the matter with it after its wave.
    pub unwell: Vec<String>,
    /// From connecting to the end.
    pub duration: Duration,
}

impl ServerReport {
    /// An empty report.
    pub fn new(server: ServerName) -> Self {
        Self {
            server,
            outcome: Outcome::Looked,
            plan: ServerPlan::default(),
            done: Vec::new(),
            failures: Vec::new(),
            untried: Vec::new(),
            left_out: Vec::new(),
            carried: Vec::new(),
            notices: BTreeSet::new(),
            error: None,
            recovered: Vec::new(),
            unfinished: Vec::new(),
            contents: BTreeMap::new(),
            login_key: None,
            strangers: Vec::new(),
            sent: false,
            probes: Vec::new(),
            wave: 0,
            unwell: Vec::new(),
            duration: Duration::ZERO,
        }
    }

    /// The report of a server whose conversation did not come to a report: a fault in fleet.
    pub fn broken(server: ServerName, reason: &str, duration: Duration) -> Self {
        let message = format!("`{server}`: the conversation broke off: {reason}");
        Self {
            outcome: Outcome::Failed,
            error: Some(
                Diagnostic::failed(message).hint("this is a fault in fleet; please report it"),
            ),
            duration,
            ..Self::new(server)
        }
    }

    /// The changes that were made.
    pub fn changes_done(&self) -> impl Iterator<Item = &Change> {
        // The changes of a plan are in the order of their keys.
        let changes = &self.plan.changes;
        let find = |key: &Key| changes.binary_search_by(|change| change.key.cmp(key)).ok();
        self.done
            .iter()
            .filter_map(move |key| Some(&changes[find(key)?]))
    }

    /// Why a resource was not applied, if it was not.
    pub fn trouble(&self, resource: &ResourceName) -> Option<String> {
        let failures = &mut self.failures.iter();
        if let Some(failure) = failures.find(|f| f.resource.as_ref().is_none_or(|r| r == resource))
        {
            return Some(failure.reason.clone());
        }
        if let Some(blocked) = self.plan.blocked.iter().find(|b| b.resource == *resource) {
            return Some(blocked.reason.clone());
        }
        if self.plan.held().contains(resource) {
            let conflicts = self.plan.conflicts.iter();
            let reasons: Vec<String> = conflicts
                .filter(|conflict| conflict.owners.contains(resource))
                .map(|conflict| format!("`{}` {}", conflict.item.name(), conflict.reason()))
                .collect();
            return Some(reasons.join("; "));
        }
        None
    }

    /// Whether everything that was wanted is there.
    pub fn is_complete(&self) -> bool {
        matches!(self.outcome, Outcome::Unchanged | Outcome::Changed)
            && self.untried.is_empty()
            && self.plan.blocked.is_empty()
            && self.plan.conflicts.is_empty()
    }
}
