//! The audit record of one command.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::ServerName;

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
    /// What happened on each server, in the order it was reported.
    pub outcomes: Vec<TaskOutcome>,
}

/// What a task did on one server.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TaskOutcome {
    /// The server.
    pub server: ServerName,
    /// `changed`, `unchanged`, `failed`, `unreachable`, `reverted`, `interrupted`.
    pub status: String,
    /// Milliseconds it took, connection included.
    pub duration_ms: u64,
    /// Why it did not succeed.
    pub reason: Option<String>,
    /// The changes made: `update file /etc/nginx/...`.
    pub changes: Vec<String>,
}
