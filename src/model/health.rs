//! What was last seen of a server, and how well it is.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use super::Patience;
use super::check::CheckLimits;

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

/// How a server is judged.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rules {
    /// When its status changes.
    pub patience: Patience,
    /// From when on its figures need attention.
    pub thresholds: Thresholds,
    /// From when on what is checked there needs attention.
    pub checks: CheckLimits,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            patience: Patience {
                fail_after: 2,
                recover_after: 2,
            },
            thresholds: Thresholds::default(),
            checks: CheckLimits::default(),
        }
    }
}

/// From when on a figure of a server needs attention.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Thresholds {
    /// More processes than this waiting for each processor, on average over five minutes.
    pub load_per_core: f64,
    /// More memory in use than this, in percent of all.
    pub memory_percent: u8,
    /// A file system used to this share or more, in percent.
    pub disk_percent: u8,
    /// A file system with this share of its inodes used or more, in percent.
    pub inodes_percent: u8,
    /// A clock further off than this: logs, certificates and one-time codes go wrong.
    pub clock_offset: Duration,
}

impl Default for Thresholds {
    fn default() -> Self {
        Self {
            load_per_core: 4.0,
            memory_percent: 95,
            disk_percent: 90,
            inodes_percent: 90,
            clock_offset: Duration::from_secs(2),
        }
    }
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
    /// Use of the file systems that hold what fleet and its services write.
    pub disks: Vec<DiskUse>,
    /// Server clock minus this machine's, in seconds (from the middle of the exchange).
    pub clock_offset_s: f64,
    /// By how much `clock_offset_s` may be wrong: half the exchange, in seconds.
    pub clock_error_s: f64,
    /// State of each service a role may need, by unit without `.service`: systemd's word for a unit that is
    /// not at rest (`active`, `failed`, `activating`, ...), else `inactive` (though it is started at boot),
    /// `disabled`, `masked`, `missing` (not installed), or `unknown` when systemd did not answer.
    pub services: BTreeMap<String, String>,
    /// Units in state failed.
    pub failed_units: Vec<String>,
    /// Installed PHP-FPM versions, ascending: `8.2`.
    pub php: Vec<String>,
    /// nginx version, when installed: `1.22.1`.
    pub nginx: Option<String>,
    /// The rule of its time zone, as POSIX writes it: `CET-1CEST,M3.5.0,M10.5.0/3` (the end of `/etc/localtime`, tzfile(5)).
    /// Empty when unknown.
    pub timezone: String,
    /// Whether its kernel speaks IPv6 (`/proc/net/if_inet6` exists); `None` when unknown.
    pub ipv6: Option<bool>,
}

impl ServerFacts {
    /// Its time zone, for now and what is to come; `None` when unknown.
    pub fn zone(&self) -> Option<TimeZone> {
        TimeZone::posix(&self.timezone).ok()
    }
}

/// Use of one file system.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct DiskUse {
    /// Mount point.
    pub mount: String,
    /// Size in bytes.
    pub total: u64,
    /// Bytes in use.
    pub used: u64,
    /// Bytes free for ordinary users.
    pub available: u64,
    /// Inodes; 0 where the file system has no fixed number.
    pub inodes: u64,
    /// Free inodes.
    pub inodes_free: u64,
    /// Whether nobody, not even root, can write to it.
    pub read_only: bool,
}

impl DiskUse {
    /// Share of the space ordinary users may use that is used, in percent, as df(1) reckons it: without the
    /// blocks kept for root.
    pub fn percent(&self) -> u8 {
        percent(self.used, self.used.saturating_add(self.available))
    }

    /// Share of the inodes that is used, in percent; 0 where they are not limited.
    pub fn inode_percent(&self) -> u8 {
        percent(self.inodes.saturating_sub(self.inodes_free), self.inodes)
    }
}

/// `part` of `whole` in percent, rounded up, at most 100.
fn percent(part: u64, whole: u64) -> u8 {
    if whole == 0 {
        return 0;
    }
    let percent = (u128::from(part) * 100).div_ceil(u128::from(whole));
    u8::try_from(percent.min(100)).unwrap_or(100)
}
