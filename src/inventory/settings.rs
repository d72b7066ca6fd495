//! `[settings]` of the inventory.

use std::path::PathBuf;
use std::time::Duration;

use toml::de::DeTable;

use super::read::Reader;
use super::value;
use crate::model::{Share, Waves};

/// What holds for every run with this inventory. Flags and environment variables go before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InventorySettings {
    /// The state database; `None` leaves it to the user's data directory.
    pub state: Option<PathBuf>,
    /// The file of host keys that is read first and pinned into; `None` is the user's `~/.ssh/known_hosts`.
    pub known_hosts: Option<PathBuf>,
    /// Whether `ssh_config(5)` counts.
    pub ssh_config: bool,
    /// Who runs fleet, for the record; `None` is the local user.
    pub operator: Option<String>,
    /// Servers worked on at the same time.
    pub parallel: usize,
    /// For name lookup and TCP connection to a server.
    pub connect_timeout: Duration,
    /// For a script on a server that prints nothing.
    pub idle_timeout: Duration,
    /// For all that is done on one server in one run.
    pub total_timeout: Duration,
    /// For the look at one server's health, connection included.
    pub health_timeout: Duration,
    /// Health older than this is looked at again before something is placed.
    pub health_max_age: Duration,
    /// How long to wait for another fleet at work on a server.
    pub lock_wait: Duration,
    /// In which waves a change goes over its servers; `None` is all at once.
    pub waves: Option<Waves>,
    /// How many servers may fail before a change stops.
    pub max_failures: Option<Share>,
    /// How long a change waits after each wave before it looks whether all is well.
    pub wave_pause: Duration,
    /// Prints the key that opens stored secrets; run with `sh -c`.
    pub key_command: Option<String>,
    /// How long what was removed stays in the trash of the servers, and can be put back.
    pub trash_retention: Duration,
}

impl Default for InventorySettings {
    fn default() -> Self {
        Self {
            state: None,
            known_hosts: None,
            ssh_config: true,
            operator: None,
            parallel: 32,
            connect_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(60),
            total_timeout: Duration::from_secs(600),
            health_timeout: Duration::from_secs(10),
            health_max_age: Duration::from_secs(300),
            lock_wait: Duration::from_secs(60),
            waves: None,
            max_failures: None,
            wave_pause: Duration::ZERO,
            key_command: None,
            trash_retention: Duration::from_secs(30 * 86400),
        }
    }
}

pub(super) const KEYS: [&str; 16] = [
    "state",
    "known_hosts",
    "ssh_config",
    "operator",
    "parallel",
    "connect_timeout",
    "idle_timeout",
    "total_timeout",
    "health_timeout",
    "health_max_age",
    "lock_wait",
    "waves",
    "max_failures",
    "wave_pause",
    "key_command",
    "trash_retention",
];

const ALIASES: [(&str, &str); 9] = [
    ("database", "state"),
    ("state_file", "state"),
    ("forks", "parallel"),
    ("timeout", "total_timeout"),
    ("lock_timeout", "lock_wait"),
    ("serial", "waves"),
    ("batches", "waves"),
    ("max_fail_percentage", "max_failures"),
    ("retention", "trash_retention"),
];

/// Reads the table; what is wrong with it is noted and left at its default.
pub(super) fn read(reader: &mut Reader<'_, '_>, table: &DeTable<'_>) -> InventorySettings {
    let mut settings = InventorySettings::default();
    let least = Duration::from_millis(100);
    for (key, value) in table {
        let entry = (key.get_ref().as_ref(), value);
        match entry.0 {
            "state" => settings.state = reader.path(entry, value::path),
            "known_hosts" => settings.known_hosts = reader.path(entry, value::path),
            "ssh_config" => set(&mut settings.ssh_config, reader.boolean(entry)),
            "operator" => {
                settings.operator =
                    reader.string(entry, |text| value::plain(text).map(str::to_owned));
            }
            "parallel" => {
                let number = reader.integer(entry, 1, 1000);
                set(
                    &mut settings.parallel,
                    number.and_then(|n| usize::try_from(n).ok()),
                );
            }
            "connect_timeout" => set(&mut settings.connect_timeout, reader.duration(entry, least)),
            "idle_timeout" => set(&mut settings.idle_timeout, reader.duration(entry, least)),
            "total_timeout" => set(&mut settings.total_timeout, reader.duration(entry, least)),
            "health_timeout" => set(&mut settings.health_timeout, reader.duration(entry, least)),
            "health_max_age" => {
                set(
                    &mut settings.health_max_age,
                    reader.duration(entry, Duration::ZERO),
                );
            }
            "lock_wait" => set(
                &mut settings.lock_wait,
                reader.duration(entry, Duration::ZERO),
            ),
            "waves" => settings.waves = reader.string(entry, parsed),
            "max_failures" => settings.max_failures = reader.string(entry, parsed),
            "wave_pause" => set(
                &mut settings.wave_pause,
                reader.duration(entry, Duration::ZERO),
            ),
            "key_command" => {
                settings.key_command =
                    reader.string(entry, |text| value::plain(text).map(str::to_owned));
            }
            "trash_retention" => set(
                &mut settings.trash_retention,
                reader.duration(entry, Duration::from_secs(3600)),
            ),
            _ => reader.unknown_key(key, &KEYS, &ALIASES),
        }
    }
    settings
}

fn set<T>(target: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *target = value;
    }
}

/// A value that says itself what is wrong with it.
fn parsed<T: std::str::FromStr<Err = String>>(text: &str) -> Result<T, value::Refused> {
    text.parse().map_err(|why| value::Refused {
        message: "is refused".to_owned(),
        hint: Some(why),
    })
}
