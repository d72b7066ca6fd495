//! What was last seen of a server, and how well it is.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// How well a server is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Health {
    /// Reached, and everything its roles need runs.
    Online,
    /// Reached, but something needs attention.
    Degraded,
    /// Not reached.
    Offline,
    /// Reached, but it could not be looked at (no login, no sudo, a changed host key).
    Error,
}

impl Health {
    /// The word for it in tables, JSON and the state database.
    pub fn word(self) -> &'static str {
        match self {
            Self::Online => "online",
            Self::Degraded => "degraded",
            Self::Offline => "offline",
            Self::Error => "error",
        }
    }
}

/// The result of one look at a server. Sizes are bytes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Observation {
    /// When it was taken, by this machine's clock.
    pub at: Timestamp,
    /// The verdict.
    pub health: Health,
    /// Why it is not online, one reason each.
    pub reasons: Vec<String>,
    /// What was measured; `None` when the server was not reached.
    pub facts: Option<ServerFacts>,
}

/// What a server said of itself.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ServerFacts {
    /// Milliseconds from connecting to the first answer.
    pub connect_ms: u64,
    /// `ID` of os-release(5): `debian`.
    pub os: String,
    /// `VERSION_ID` of os-release(5): `12`.
    pub os_version: String,
    /// `uname -r`.
    pub kernel: String,
    /// `uname -m`.
    pub arch: String,
    /// Processors online.
    pub cores: u32,
    /// Load averages over 1, 5 and 15 minutes.
    pub load: [f64; 3],
    /// Seconds since boot.
    pub uptime_s: u64,
    /// Total memory.
    pub memory_total: u64,
    /// Memory available without swapping.
    pub memory_available: u64,
    /// Size of the file system of each watched mount point.
    pub disks: Vec<DiskUse>,
    /// Server clock minus this machine's, in seconds (from the middle of the exchange).
    pub clock_offset_s: f64,
    /// State of each service a role needs: unit -> `active`, `failed`, `inactive`, `missing`.
    pub services: BTreeMap<String, String>,
    /// Units in state failed.
    pub failed_units: Vec<String>,
    /// Installed PHP-FPM versions, ascending: `8.2`.
    pub php: Vec<String>,
    /// nginx version, when installed: `1.22.1`.
    pub nginx: Option<String>,
}

/// Use of one file system.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct DiskUse {
    /// Mount point.
    pub mount: String,
    /// Size in bytes.
    pub total: u64,
    /// Bytes free for ordinary users.
    pub available: u64,
    /// Inodes; 0 where the file system has no fixed number.
    pub inodes: u64,
    /// Free inodes.
    pub inodes_free: u64,
}
