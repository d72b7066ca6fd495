//! The audit record of one command.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::shell::quote;

use super::{ResourceName, ServerName, Share, Waves};

/// Who ran what, when, and how it ended.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Task {
    /// Its number; also the mark of what its deletes moved to the trash.
    pub id: i64,
    /// The verb: `add-site`.
    pub command: String,
    /// The arguments, secrets masked.
    pub arguments: Vec<String>,
    /// `FLEET_OPERATOR`, else the local user's name.
    pub operator: String,
    /// Name of the machine fleet ran on.
    pub host: String,
    /// Number of its process there.
    pub process: u32,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended; `None` while it runs, or when it was killed.
    pub ended_at: Option<Timestamp>,
    /// Exit code; `None` while it runs, or when it was killed.
    pub exit_code: Option<u8>,
    /// The task whose servers it does again.
    pub retry_of: Option<i64>,
    /// How it goes over its servers; `None` for one that changes none.
    pub course: Option<Course>,
    /// What happened on each server, in the order it was reported.
    pub outcomes: Vec<TaskOutcome>,
}

/// What a task did on one server.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TaskOutcome {
    /// The server.
    pub server: ServerName,
    /// `changed`, `unchanged`, `failed`, `unreachable`, `locked`, `reverted`, `interrupted`, `stopped`, `waiting`, `stale`;
    /// `unwell` when it was not well after its wave; of a command that was run there `done`.
    pub status: String,
    /// Milliseconds it took, connection included.
    pub duration_ms: u64,
    /// Why it did not succeed.
    pub reason: Option<String>,
    /// The changes made: `update file /etc/nginx/...`.
    pub changes: Vec<String>,
}

impl TaskOutcome {
    /// Whether all is done there that was to be done.
    pub fn is_done(&self) -> bool {
        let well = ["changed", "unchanged", "done", "looked"];
        well.contains(&self.status.as_str()) && self.reason.is_none()
    }
}

impl Task {
    /// The command as it could be typed, without `fleet`.
    pub fn line(&self) -> String {
        command_line(&self.command, &self.arguments)
    }

    /// The servers where not all was done, or of which nothing was reported: by what was last said of each.
    pub fn unfinished(&self) -> BTreeSet<&ServerName> {
        let course = self.course.iter();
        let mut left: BTreeSet<_> = course.flat_map(|course| &course.servers).collect();
        for outcome in &self.outcomes {
            if outcome.is_done() {
                left.remove(&outcome.server);
            } else {
                left.insert(&outcome.server);
            }
        }
        left
    }
}

/// A command with its arguments as it can be typed again, without `fleet`.
pub fn command_line(command: &str, arguments: &[String]) -> String {
    // The whole line, flags before the verb included, is recorded by most commands.
    let whole = arguments.iter().any(|argument| argument == command);
    let verb = (!whole).then_some(command);
    let words = verb.into_iter().chain(arguments.iter().map(String::as_str));
    words.map(quote).collect::<Vec<_>>().join(" ")
}

/// How a task goes over its servers, for the one that does some of them again.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Course {
    /// The servers, in their order.
    pub servers: Vec<ServerName>,
    /// The resources it is about; `None` for all.
    pub resources: Option<BTreeSet<ResourceName>>,
    /// Whether files that others wrote or edited are replaced.
    pub force: bool,
    /// Whether they are taken over as they are.
    pub adopt: bool,
    /// In which waves.
    pub waves: Option<Waves>,
    /// How many servers may fail.
    pub max_failures: Option<Share>,
    /// How long to wait after each wave, in milliseconds.
    pub wave_pause_ms: u64,
    /// Whether servers that are away count as failures.
    pub away_fails: bool,
    /// The secret that is the script, where one came from standard input.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub script: Option<String>,
    /// The plan of which nothing else may be made, where one was reviewed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reviewed: Option<ReviewedPlan>,
}

/// A plan in a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReviewedPlan {
    /// Where the file was.
    pub file: String,
    /// By which the plan is known.
    pub id: String,
}
