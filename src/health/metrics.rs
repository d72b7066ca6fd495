//! What a sweep saw, as metrics of Prometheus: names and units as it recommends (prometheus.io/docs/practices/naming).
//! Pure.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use super::Look;
use super::exposition::Exposition;
use crate::model::check::Status as CheckStatus;
use crate::model::health::ServerFacts;
use crate::model::{Check, Health, ServerName};

/// What is known of a server beside what was seen.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Known {
    /// What it may hold, in units of weight.
    pub capacity: u32,
    /// What is placed there, in units of weight.
    pub placed: u64,
    /// Whether it takes nothing new.
    pub cordoned: bool,
    /// Whether it is being worked on.
    pub maintenance: bool,
    /// For how long it was up within the last day, week and month, and for how long that is known, in milliseconds.
    pub uptime: Vec<(&'static str, u64, u64)>,
}

/// What is placed: server, kind and how it stands, with the number of resources.
pub type Placed = BTreeMap<(ServerName, String, &'static str), u64>;

/// A sweep.
#[derive(Debug)]
pub struct Sweep<'a> {
    /// When it began.
    pub at: Timestamp,
    /// How long it took.
    pub took: Duration,
    /// What was seen.
    pub looks: &'a [Look],
    /// What is known beside it.
    pub known: &'a BTreeMap<ServerName, Known>,
    /// What is placed.
    pub placed: &'a Placed,
    /// How many changes wait to be told, by channel.
    pub waiting: &'a BTreeMap<String, u64>,
}

/// A metric of each server: its name, what it says, and its value where there is one.
type OfServer = (&'static str, &'static str, fn(&Look, &Known) -> Option<f64>);

const OF_SERVER: [OfServer; 8] = [
    (
        "fleet_server_up",
        "Whether the server could be looked at (1) or not (0).",
        |look, _| {
            let health = look.observation.health;
            Some(flag(matches!(health, Health::Online | Health::Degraded)))
        },
    ),
    (
        "fleet_server_look_duration_seconds",
        "How long the look at the server took, connection included.",
        |look, _| Some(look.took.as_secs_f64()),
    ),
    (
        "fleet_server_look_timestamp_seconds",
        "When the server was looked at.",
        |look, _| Some(seconds(look.observation.at)),
    ),
    (
        "fleet_server_reasons",
        "How many things are wrong with the server.",
        |look, _| Some(number(look.observation.reasons.len() as u64)),
    ),
    (
        "fleet_server_capacity_units",
        "What may be placed on the server, in units of weight.",
        |_, known| Some(f64::from(known.capacity)),
    ),
    (
        "fleet_server_placed_units",
        "What is placed on the server, in units of weight.",
        |_, known| Some(number(known.placed)),
    ),
    (
        "fleet_server_cordoned",
        "Whether the server takes no new resources (1).",
        |_, known| Some(flag(known.cordoned)),
    ),
    (
        "fleet_server_maintenance",
        "Whether the server is being worked on (1).",
        |_, known| Some(flag(known.maintenance)),
    ),
];

/// A metric of each server that was reached.
type OfFacts = (&'static str, &'static str, fn(&ServerFacts) -> f64);

const OF_FACTS: [OfFacts; 8] = [
    (
        "fleet_server_connect_duration_seconds",
        "How long the connection to the server took, login included.",
        |facts| number(facts.connect_ms) / 1000.0,
    ),
    (
        "fleet_server_boot_age_seconds",
        "For how long the server has been running.",
        |facts| number(facts.uptime_s),
    ),
    (
        "fleet_server_processors",
        "Processors of the server.",
        |facts| f64::from(facts.cores),
    ),
    (
        "fleet_server_load_average",
        "Processes that run or wait to, on average over five minutes.",
        |facts| facts.load[1],
    ),
    (
        "fleet_server_memory_size_bytes",
        "Memory of the server.",
        |facts| number(facts.memory_total),
    ),
    (
        "fleet_server_memory_available_bytes",
        "Memory that new processes can have.",
        |facts| number(facts.memory_available),
    ),
    (
        "fleet_server_clock_offset_seconds",
        "How far the server's clock is ahead.",
        |facts| facts.clock_offset_s,
    ),
    (
        "fleet_server_failed_units",
        "Units of systemd that have failed.",
        |facts| number(facts.failed_units.len() as u64),
    ),
];

/// The text of a sweep.
pub fn metrics(sweep: &Sweep<'_>) -> String {
    let mut text = Exposition::new();
    whole(&mut text, sweep);
    servers(&mut text, sweep);
    disks(&mut text, sweep);
    placed(&mut text, sweep);
    checks(&mut text, sweep);
    text.finish()
}

fn whole(text: &mut Exposition, sweep: &Sweep<'_>) {
    text.metric(
        "fleet_sweep_timestamp_seconds",
        "When the last sweep began.",
    )
    .value(&[], seconds(sweep.at));
    text.metric(
        "fleet_sweep_duration_seconds",
        "How long the last sweep took.",
    )
    .value(&[], sweep.took.as_secs_f64());
    text.metric(
        "fleet_sweep_servers",
        "Servers that the last sweep looked at.",
    )
    .value(&[], number(sweep.looks.len() as u64));
    if !sweep.waiting.is_empty() {
        text.metric(
            "fleet_notifications_waiting",
            "Changes that wait to be told over a channel.",
        );
        for (channel, count) in sweep.waiting {
            text.value(&[("channel", channel)], number(*count));
        }
    }
}

fn servers(text: &mut Exposition, sweep: &Sweep<'_>) {
    if sweep.looks.is_empty() {
        return;
    }
    let nothing = Known::default();
    for (name, help, value) in OF_SERVER {
        text.metric(name, help);
        for look in sweep.looks {
            let known = sweep.known.get(&look.server).unwrap_or(&nothing);
            if let Some(value) = value(look, known) {
                text.value(&[("server", look.server.as_str())], value);
            }
        }
    }
    text.metric(
        "fleet_server_health",
        "How the server is: 1 for the status it has, 0 for the others.",
    );
    for look in sweep.looks {
        for health in [
            Health::Online,
            Health::Degraded,
            Health::Offline,
            Health::Error,
        ] {
            let labels = [("server", look.server.as_str()), ("status", health.word())];
            text.value(&labels, flag(look.observation.health == health));
        }
    }
    let uptimes = sweep.looks.iter().flat_map(|look| {
        let known = sweep.known.get(&look.server);
        let shares = known.map_or(&[][..], |known| &known.uptime);
        shares.iter().map(|share| (look.server.as_str(), share))
    });
    let uptimes: Vec<_> = uptimes.collect();
    if !uptimes.is_empty() {
        text.metric(
            "fleet_server_uptime_ratio",
            "The share of the time in which the server was up.",
        );
        for (server, (window, up, known)) in uptimes {
            let labels = [("server", server), ("window", *window)];
            text.value(&labels, number(*up) / number(*known));
        }
    }
    let facts: Vec<_> = reached(sweep).collect();
    if facts.is_empty() {
        return;
    }
    for (name, help, value) in OF_FACTS {
        text.metric(name, help);
        for (server, facts) in &facts {
            text.value(&[("server", server.as_str())], value(facts));
        }
    }
}

fn reached<'a>(sweep: &Sweep<'a>) -> impl Iterator<Item = (&'a ServerName, &'a ServerFacts)> {
    let looks = sweep.looks.iter();
    looks.filter_map(|look| Some((&look.server, look.observation.facts.as_ref()?)))
}

/// A metric of each file system.
type OfDisk = (
    &'static str,
    &'static str,
    fn(&crate::model::health::DiskUse) -> f64,
);

const OF_DISK: [OfDisk; 5] = [
    (
        "fleet_server_filesystem_size_bytes",
        "Size of a file system.",
        |disk| number(disk.total),
    ),
    (
        "fleet_server_filesystem_available_bytes",
        "What users may still write to a file system.",
        |disk| number(disk.available),
    ),
    (
        "fleet_server_filesystem_inodes",
        "Files that a file system can hold.",
        |disk| number(disk.inodes),
    ),
    (
        "fleet_server_filesystem_inodes_free",
        "Files that a file system can still take.",
        |disk| number(disk.inodes_free),
    ),
    (
        "fleet_server_filesystem_readonly",
        "Whether a file system cannot be written to (1).",
        |disk| flag(disk.read_only),
    ),
];

fn disks(text: &mut Exposition, sweep: &Sweep<'_>) {
    let disks: Vec<_> = reached(sweep)
        .flat_map(|(server, facts)| facts.disks.iter().map(move |disk| (server, disk)))
        .collect();
    if disks.is_empty() {
        return;
    }
    for (name, help, value) in OF_DISK {
        text.metric(name, help);
        for (server, disk) in &disks {
            let labels = [
                ("server", server.as_str()),
                ("mountpoint", disk.mount.as_str()),
            ];
            text.value(&labels, value(disk));
        }
    }
}

fn placed(text: &mut Exposition, sweep: &Sweep<'_>) {
    if sweep.placed.is_empty() {
        return;
    }
    text.metric(
        "fleet_resources",
        "Resources on a server, by kind and how they stand: applied, pending, failed, removing.",
    );
    for ((server, kind, status), count) in sweep.placed {
        let labels = [
            ("server", server.as_str()),
            ("kind", kind),
            ("status", status),
        ];
        text.value(&labels, number(*count));
    }
}

/// A metric of each check: its name, what it says, and its value where there is one.
type OfCheck = (&'static str, &'static str, fn(&Check) -> Option<f64>);

fn checks(text: &mut Exposition, sweep: &Sweep<'_>) {
    let all: Vec<&Check> = sweep.looks.iter().flat_map(|look| &look.checks).collect();
    if all.is_empty() {
        return;
    }
    let of_check: [OfCheck; 3] = [
        (
            "fleet_check_status",
            "What a check found: 0 all is well, 1 it needs attention, 2 it does not work.",
            |check| {
                Some(match check.status {
                    CheckStatus::Ok => 0.0,
                    CheckStatus::Warn => 1.0,
                    CheckStatus::Bad => 2.0,
                })
            },
        ),
        (
            "fleet_check_duration_seconds",
            "How long a check took.",
            |check| check.took_ms.map(|ms| number(ms) / 1000.0),
        ),
        (
            "fleet_certificate_expiry_timestamp_seconds",
            "When a certificate expires.",
            |check| check.expires.map(seconds),
        ),
    ];
    for (name, help, value) in of_check {
        let values: Vec<_> = all
            .iter()
            .filter_map(|check| Some((check, value(check)?)))
            .collect();
        if values.is_empty() {
            continue;
        }
        text.metric(name, help);
        for (check, value) in values {
            let key = &check.key;
            let resource = key.subject.resource.as_ref();
            let labels = [
                ("server", key.subject.server.as_str()),
                (
                    "kind",
                    resource.map_or("", |resource| resource.kind.as_str()),
                ),
                (
                    "resource",
                    resource.map_or("", |resource| resource.name.as_str()),
                ),
                ("check", key.aspect.word()),
                ("vantage", key.from.word()),
            ];
            text.value(&labels, value);
        }
    }
}

fn flag(is: bool) -> f64 {
    if is { 1.0 } else { 0.0 }
}

fn seconds(at: Timestamp) -> f64 {
    at.as_duration().as_secs_f64()
}

/// Counts and sizes are far below the 2^53 that a floating-point number holds exactly.
#[allow(clippy::cast_precision_loss)]
fn number(number: u64) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::super::exposition::tests::lint;
    use super::*;
    use crate::model::check::{Aspect, Subject, Vantage};
    use crate::model::health::DiskUse;
    use crate::model::{Observation, ResourceName};

    fn look(server: &str, health: Health) -> Look {
        let server: ServerName = server.parse().unwrap();
        let facts = ServerFacts {
            uptime_s: 86400,
            cores: 4,
            load: [0.0, 1.25, 0.0],
            memory_total: 1 << 33,
            memory_available: 1 << 32,
            connect_ms: 120,
            disks: vec![DiskUse {
                mount: "/srv/a \"b\"\\c\nd".to_owned(),
                total: 100,
                used: 40,
                available: 60,
                inodes: 10,
                inodes_free: 5,
                read_only: false,
            }],
            ..ServerFacts::default()
        };
        let subject = Subject::resource(server.clone(), ResourceName::new("site", "a.example"));
        let mut check = Check::new(
            subject,
            Aspect::Certificate,
            Vantage::Here,
            CheckStatus::Warn,
            "x",
        );
        check.expires = Some("2026-02-01T00:00:00Z".parse().unwrap());
        check.took_ms = Some(40);
        let reached = health == Health::Online;
        Look {
            server,
            observation: Observation {
                at: "2026-01-02T03:04:05Z".parse().unwrap(),
                health,
                reasons: Vec::new(),
                facts: reached.then_some(facts),
            },
            took: Duration::from_millis(250),
            checks: if reached { vec![check] } else { Vec::new() },
            extents: crate::model::check::Extents::default(),
            error: None,
            peer: None,
        }
    }

    #[test]
    fn a_sweep_is_text_that_keeps_the_rules() {
        let looks = [look("sg-1", Health::Online), look("sg-2", Health::Offline)];
        let one: ServerName = "sg-1".parse().unwrap();
        let known = Known {
            capacity: 100,
            placed: 7,
            cordoned: true,
            maintenance: false,
            uptime: vec![("1d", 99, 100), ("7d", 5, 5)],
        };
        let text = metrics(&Sweep {
            at: looks[0].observation.at,
            took: Duration::from_millis(1500),
            looks: &looks,
            known: &[(one.clone(), known)].into(),
            placed: &[((one, "site".to_owned(), "applied"), 3)].into(),
            waiting: &[("ops".to_owned(), 2)].into(),
        });
        assert_eq!(lint(&text), Vec::<String>::new(), "{text}");
        for line in [
            "fleet_sweep_timestamp_seconds 1767323045",
            "fleet_sweep_duration_seconds 1.5",
            "fleet_notifications_waiting{channel=\"ops\"} 2",
            "fleet_server_up{server=\"sg-1\"} 1",
            "fleet_server_up{server=\"sg-2\"} 0",
            "fleet_server_health{server=\"sg-2\",status=\"offline\"} 1",
            "fleet_server_placed_units{server=\"sg-1\"} 7",
            "fleet_server_memory_size_bytes{server=\"sg-1\"} 8589934592",
            "fleet_server_connect_duration_seconds{server=\"sg-1\"} 0.12",
            "fleet_server_uptime_ratio{server=\"sg-1\",window=\"1d\"} 0.99",
            "fleet_resources{server=\"sg-1\",kind=\"site\",status=\"applied\"} 3",
            "fleet_check_status{server=\"sg-1\",kind=\"site\",resource=\"a.example\",check=\"certificate\",vantage=\"here\"} 1",
            "fleet_server_filesystem_size_bytes{server=\"sg-1\",mountpoint=\"/srv/a \\\"b\\\"\\\\c\\nd\"} 100",
        ] {
            assert!(
                text.lines().any(|found| found == line),
                "no {line} in\n{text}"
            );
        }
        assert!(text.contains("fleet_certificate_expiry_timestamp_seconds{server=\"sg-1\",kind=\"site\",resource=\"a.example\",check=\"certificate\",vantage=\"here\"} 1769904000"));
        assert!(!text.contains("fleet_server_processors{server=\"sg-2\"}"));
    }

    #[test]
    fn a_sweep_over_nothing_is_no_broken_text() {
        let text = metrics(&Sweep {
            at: Timestamp::UNIX_EPOCH,
            took: Duration::ZERO,
            looks: &[],
            known: &BTreeMap::new(),
            placed: &Placed::new(),
            waiting: &BTreeMap::new(),
        });
        assert_eq!(lint(&text), Vec::<String>::new(), "{text}");
        assert_eq!(text.lines().count(), 9);
    }
}
