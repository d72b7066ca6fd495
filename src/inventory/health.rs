//! `[health]` of the inventory: when a status changes, and from when on a figure of a server needs attention.

use std::collections::BTreeMap;
use std::ops::Range;
use std::time::Duration;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::read::Reader;
use super::source::Source;
use crate::model::check::CheckLimits;
use crate::model::health::{Rules, Thresholds};
use crate::model::{Patience, Selector, Server, ServerName};

/// How servers are judged.
#[derive(Clone, Debug, PartialEq)]
pub struct HealthSettings {
    /// What holds for every server that no override is for.
    rules: Rules,
    /// For how long what a look saw is taken to hold, when no other look follows.
    pub longest_gap: Duration,
    /// Other rules for some servers; where several are for a server, the last one goes before.
    overrides: Vec<Override>,
}

impl Default for HealthSettings {
    fn default() -> Self {
        Self {
            rules: Rules::default(),
            longest_gap: Duration::from_secs(15 * 60),
            overrides: Vec::new(),
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
struct Override {
    servers: Selector,
    /// Where in the file the selector is.
    place: Range<usize>,
    given: Given,
}

impl HealthSettings {
    /// How `server` is judged.
    pub fn rules(&self, server: &Server) -> Rules {
        let mut rules = self.rules;
        for other in &self.overrides {
            if other.servers.holds(server) {
                other.given.over(&mut rules);
            }
        }
        rules
    }
}

/// The rules that a table gives; the others are as they were.
#[derive(Clone, Debug, Default, PartialEq)]
struct Given {
    fail_after: Option<u32>,
    recover_after: Option<u32>,
    load_per_core: Option<f64>,
    memory_percent: Option<u8>,
    disk_percent: Option<u8>,
    inodes_percent: Option<u8>,
    clock_offset: Option<Duration>,
    certificate_warn: Option<Duration>,
    certificate_bad: Option<Duration>,
    signature_warn: Option<Duration>,
    response_time: Option<Duration>,
    security_updates: Option<u32>,
    package_lists: Option<Duration>,
    mail_queue: Option<u32>,
}

/// The keys of [`Given`].
const RULES: [&str; 14] = [
    "fail_after",
    "recover_after",
    "load_per_core",
    "memory_percent",
    "disk_percent",
    "inodes_percent",
    "clock_offset",
    "certificate_warn",
    "certificate_bad",
    "signature_warn",
    "response_time",
    "security_updates",
    "package_lists",
    "mail_queue",
];

pub(super) const KEYS: [&str; 16] = [
    RULES[0],
    RULES[1],
    RULES[2],
    RULES[3],
    RULES[4],
    RULES[5],
    RULES[6],
    RULES[7],
    RULES[8],
    RULES[9],
    RULES[10],
    RULES[11],
    RULES[12],
    RULES[13],
    "longest_gap",
    "overrides",
];

const OVERRIDE_KEYS: [&str; 15] = [
    "servers", RULES[0], RULES[1], RULES[2], RULES[3], RULES[4], RULES[5], RULES[6], RULES[7],
    RULES[8], RULES[9], RULES[10], RULES[11], RULES[12], RULES[13],
];

const ALIASES: [(&str, &str); 10] = [
    ("load", "load_per_core"),
    ("memory", "memory_percent"),
    ("disk", "disk_percent"),
    ("disks", "disk_percent"),
    ("inodes", "inodes_percent"),
    ("inode_percent", "inodes_percent"),
    ("clock", "clock_offset"),
    ("retries", "fail_after"),
    ("override", "overrides"),
    ("selector", "servers"),
];

/// The most looks that can be asked for before a status changes.
const MOST_LOOKS: i64 = 1000;

impl Given {
    fn over(&self, rules: &mut Rules) {
        let Rules {
            patience:
                Patience {
                    fail_after,
                    recover_after,
                },
            thresholds,
            checks,
        } = rules;
        let Thresholds {
            load_per_core,
            memory_percent,
            disk_percent,
            inodes_percent,
            clock_offset,
        } = thresholds;
        set(fail_after, self.fail_after);
        set(recover_after, self.recover_after);
        set(load_per_core, self.load_per_core);
        set(memory_percent, self.memory_percent);
        set(disk_percent, self.disk_percent);
        set(inodes_percent, self.inodes_percent);
        set(clock_offset, self.clock_offset);
        let CheckLimits {
            certificate_warn,
            certificate_bad,
            signature_warn,
            response_time,
            security_updates,
            package_lists,
            mail_queue,
        } = checks;
        set(certificate_warn, self.certificate_warn);
        set(certificate_bad, self.certificate_bad);
        set(signature_warn, self.signature_warn);
        set(response_time, self.response_time);
        set(security_updates, self.security_updates);
        set(package_lists, self.package_lists);
        set(mail_queue, self.mail_queue);
    }

    /// Reads a key, if it is one of [`RULES`]; what is wrong with it is noted and left as it was.
    fn read(&mut self, reader: &mut Reader<'_, '_>, entry: (&str, &Spanned<DeValue<'_>>)) -> bool {
        let looks = |reader: &mut Reader<'_, '_>| {
            let number = reader.integer(entry, 1, MOST_LOOKS)?;
            u32::try_from(number).ok()
        };
        let percent = |reader: &mut Reader<'_, '_>| {
            let number = reader.integer(entry, 1, 100)?;
            u8::try_from(number).ok()
        };
        let count = |reader: &mut Reader<'_, '_>| {
            let number = reader.integer(entry, 1, i64::from(u32::MAX))?;
            u32::try_from(number).ok()
        };
        match entry.0 {
            "fail_after" => self.fail_after = looks(reader),
            "recover_after" => self.recover_after = looks(reader),
            "load_per_core" => self.load_per_core = reader.number(entry, 0.01, 10_000.0),
            "memory_percent" => self.memory_percent = percent(reader),
            "disk_percent" => self.disk_percent = percent(reader),
            "inodes_percent" => self.inodes_percent = percent(reader),
            "clock_offset" => {
                self.clock_offset = reader.duration(entry, Duration::from_millis(100));
            }
            "certificate_warn" => self.certificate_warn = reader.duration(entry, Duration::ZERO),
            "certificate_bad" => self.certificate_bad = reader.duration(entry, Duration::ZERO),
            "signature_warn" => self.signature_warn = reader.duration(entry, Duration::ZERO),
            "response_time" => {
                self.response_time = reader.duration(entry, Duration::from_millis(1));
            }
            "security_updates" => self.security_updates = count(reader),
            "package_lists" => {
                self.package_lists = reader.duration(entry, Duration::from_secs(3600));
            }
            "mail_queue" => self.mail_queue = count(reader),
            _ => return false,
        }
        true
    }
}

/// Reads the table; what is wrong with it is noted and left at its default.
pub(super) fn read(reader: &mut Reader<'_, '_>, table: &DeTable<'_>) -> HealthSettings {
    let mut settings = HealthSettings::default();
    let mut given = Given::default();
    for (key, value) in table {
        let entry = (key.get_ref().as_ref(), value);
        match entry.0 {
            "longest_gap" => set(
                &mut settings.longest_gap,
                reader.duration(entry, Duration::from_secs(1)),
            ),
            "overrides" => settings.overrides = overrides(reader, value),
            _ if given.read(reader, entry) => {}
            _ => reader.unknown_key(key, &KEYS, &ALIASES),
        }
    }
    given.over(&mut settings.rules);
    settings
}

fn overrides(reader: &mut Reader<'_, '_>, value: &Spanned<DeValue<'_>>) -> Vec<Override> {
    let Some(array) = value.get_ref().as_array() else {
        let message = "`overrides` in `health` must be a list of tables";
        let hint = "write each as `[[health.overrides]]`".to_owned();
        reader.problem(&value.span(), message, Some(hint));
        return Vec::new();
    };
    let mut found = Vec::new();
    let section = std::mem::replace(&mut reader.section, "health.overrides".to_owned());
    for element in array {
        if let Some(table) = reader.table(("overrides", element)) {
            found.extend(one(reader, element, table));
        }
    }
    reader.section = section;
    found
}

fn one(
    reader: &mut Reader<'_, '_>,
    at: &Spanned<DeValue<'_>>,
    table: &DeTable<'_>,
) -> Option<Override> {
    let mut given = Given::default();
    let mut servers = None;
    let mut named = false;
    for (key, value) in table {
        let entry = (key.get_ref().as_ref(), value);
        if entry.0 == "servers" {
            named = true;
            servers = reader
                .selector(entry)
                .map(|servers| (servers, value.span()));
        } else if !given.read(reader, entry) {
            reader.unknown_key(key, &OVERRIDE_KEYS, &ALIASES);
        }
    }
    if !named {
        let message = "an entry of `health.overrides` has no `servers`";
        let hint = "write for whom it is: `servers = \"label:tier=gold,role=database\"`".to_owned();
        reader.problem(&at.span(), message, Some(hint));
    }
    servers.map(|(servers, place)| Override {
        servers,
        place,
        given,
    })
}

/// Notes overrides for servers that there are not.
pub(super) fn check(
    source: &mut Source<'_>,
    settings: &HealthSettings,
    servers: &BTreeMap<ServerName, Server>,
) {
    for other in &settings.overrides {
        for unknown in other.servers.unknown(servers) {
            let hint = unknown.hints.into_iter().next();
            let message = format!("`servers` in `health.overrides`: {}", unknown.message);
            source.problem(&other.place, &message, hint);
        }
    }
}

fn set<T>(target: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *target = value;
    }
}
