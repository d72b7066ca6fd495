//! A fleet on record, in which everything that others may write is hostile.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use fleet::diagnostic::Diagnostic;
use fleet::kind::Ties;
use fleet::model::check::{Aspect, Check, Status as Found, Subject, Unit, Vantage};
use fleet::model::health::{DiskUse, ServerFacts};
use fleet::model::notification::Maintenance;
use fleet::model::{Health, Observation, Patience, ResourceName, ServerName, Sight, Status};
use fleet::state::{Comparison, NewResource, PlacementResult, State};
use jiff::Timestamp;

use crate::support::environment::{Environment, NOW};

const EVIL: &str =
    "</td><script>alert(1)</script><img src=x onerror=alert(2)>\"'&amp;\u{202e}\u{1b}[2J";

/// What may be typed: nothing that steers a terminal.
const TYPED: &str = "</td><script>alert(1)</script><img src=x onerror=alert(2)>\"'&amp;";

const REGIONS: [&str; 5] = ["singapore", "jakarta", "frankfurt", "virginia", "sao-paulo"];

pub(crate) fn name(index: usize) -> ServerName {
    let region = &REGIONS[index % REGIONS.len()][..3];
    format!("{region}-{}", index / REGIONS.len() + 1)
        .parse()
        .expect("a name")
}

/// `servers` servers with eight sites each; every tenth is unwell, and all texts would like to be markup.
pub(crate) fn hostile(servers: usize) -> Environment {
    let environment = Environment::new()
        .with("FLEET_STATE", "state.db")
        .with("FLEET_OPERATOR", EVIL);
    let mut inventory = "[settings]\nssh_config = false\n".to_owned();
    for index in 0..servers {
        let region = REGIONS[index % REGIONS.len()];
        let _ = write!(
            inventory,
            "[servers.{}]\naddress = \"10.0.{}.{}\"\nregion = \"{region}\"\ncapacity = {}\n",
            name(index),
            index / 250,
            index % 250 + 1,
            8 + index * 7 % 30
        );
    }
    environment.write("inventory.toml", &inventory);
    let first = name(0);
    environment
        .fleet(["cordon", first.as_str(), "--reason", TYPED])
        .expect(0);
    let mut state = State::open(&environment.path().join("state.db"), now()).expect("a state");
    state
        .write(|write| {
            for index in 0..servers {
                let (seen, gap) = (observation(index), Duration::from_secs(900));
                write.record_observation(&name(index), &seen, Patience::NONE, gap)?;
                if index % 11 == 2 {
                    let status = if index % 2 == 0 {
                        Status::Warn
                    } else {
                        Status::Bad
                    };
                    let reasons = vec![format!("the certificate expires in 5 days {EVIL}")];
                    let sight = Sight {
                        at: seen.at,
                        status,
                        reasons,
                    };
                    let subject = format!("certificate of site {EVIL}{index}");
                    write.record_sight(&name(index), &subject, &sight, Patience::NONE)?;
                }
                write.record_measured(&name(index), &measured(index), seen.at)?;
                if index % 13 == 5 {
                    let window = Maintenance {
                        since: now(),
                        until: now() + jiff::SignedDuration::from_hours(3),
                        reason: EVIL.to_owned(),
                        operator: EVIL.to_owned(),
                    };
                    write.begin_maintenance(&name(index), &window)?;
                }
                if index % 9 == 4 {
                    let comparison = Comparison {
                        at: now(),
                        drift: [format!("file /etc/{EVIL}")].into(),
                    };
                    write.record_comparison(&name(index), &comparison)?;
                }
                for site in 0..8 {
                    let resource = ResourceName::new(
                        ["site", "database"][site % 2],
                        format!("{EVIL}{index}-{site}"),
                    );
                    let new = NewResource {
                        name: &resource,
                        spec: &serde_json::json!({}),
                        weight: 1,
                        ties: &Ties::default(),
                    };
                    let id = write.insert_resource(&new, now())?;
                    write.place(id, &name(index))?;
                    let result = match (index + site) % 40 {
                        7 => PlacementResult::Failed {
                            reason: EVIL.to_owned(),
                        },
                        8 => PlacementResult::Pending {
                            reason: EVIL.to_owned(),
                            away: None,
                        },
                        _ => PlacementResult::Applied { generation: 1 },
                    };
                    write.settle_placement(id, &name(index), &result)?;
                }
            }
            Ok::<_, Diagnostic>(())
        })
        .expect("a recorded fleet");
    drop(state);
    remember(&environment.path().join("state.db"), servers);
    environment
}

/// A site that nobody has typed.
fn site(index: usize) -> ResourceName {
    ResourceName::new("site", format!("{EVIL}{index}.example.com"))
}

/// What the checks of a site measured, from both sides, and of its certificate.
fn measured(index: usize) -> Vec<Check> {
    let subject = Subject::resource(name(index), site(index));
    let took = f64::from(u32::try_from(3 + index * 37 % 1_900).expect("a small number"));
    let days = i64::try_from(index * 11 % 90).expect("a small number") - 2;
    let mut certificate = Check::new(
        subject.clone(),
        Aspect::Certificate,
        Vantage::Here,
        Found::Ok,
        "expires",
    );
    certificate.expires = Some(now() + jiff::SignedDuration::from_hours(24 * days));
    let answer = |from, ms: f64| {
        Check::new(subject.clone(), Aspect::Http, from, Found::Ok, "answers")
            .measured(ms, Unit::Milliseconds)
    };
    vec![
        answer(Vantage::Server, took),
        answer(Vantage::Here, took + 40.0),
        certificate,
    ]
}

fn now() -> Timestamp {
    NOW.parse().expect("a time")
}

/// A week of looks, as the sums of them that are kept by the hour.
fn remember(path: &Path, servers: usize) {
    const HOUR: i64 = 3_600_000;
    let mut connection = rusqlite::Connection::open(path).expect("the state");
    let all = connection.transaction().expect("a transaction");
    {
        let mut insert = all
            .prepare(
                "INSERT OR IGNORE INTO health_samples
                     (span, at, server, worst, looks, known_ms, up_ms, answered, connect_ms, load, memory, disk)
                 VALUES ($1, $2, $3, $4, 12, $1, $5, $6, $7, 600, 5000, 40)",
            )
            .expect("a statement");
        let last = now().as_millisecond() / HOUR;
        for index in 0..servers {
            for hour in 0..168_i64 {
                let i = i64::try_from(index).expect("a small number");
                let worst = match (i * 31 + hour * 7) % 97 {
                    0..2 if i % 3 == 0 => 1,
                    5 if i % 7 == 3 => 2,
                    _ if (60..66).contains(&hour) && i % 5 == 2 => 2,
                    _ if (90..120).contains(&hour) && i % 10 == 7 => 1,
                    _ if hour == 140 && i % 20 == 8 => 3,
                    _ => 0,
                };
                // Nobody looked for half a night.
                if (30..34).contains(&hour) {
                    continue;
                }
                let answered = if worst < 2 { 12 } else { 0 };
                let busy = if hour % 24 > 16 { 60 } else { 0 };
                let took = answered * (20 + i * 13 % 90 + (hour * 37 + i * 11) % 23 + busy);
                let up = if worst < 2 { HOUR } else { 0 };
                insert
                    .execute(rusqlite::params![
                        HOUR,
                        (last - hour) * HOUR,
                        name(index).as_str(),
                        worst,
                        up,
                        answered,
                        took
                    ])
                    .expect("a sample");
            }
        }
    }
    {
        let mut insert = all
            .prepare(
                "INSERT OR IGNORE INTO answer_samples (at, server, kind, name, looks, took_ms)
                 VALUES ($1, $2, 'site', $3, 36, $4)",
            )
            .expect("a statement");
        let last = now().as_millisecond() / (3 * HOUR);
        for index in 0..servers {
            let i = i64::try_from(index).expect("a small number");
            // Nobody looked for a day.
            for part in (1..56_i64).filter(|part| !(20..28).contains(part)) {
                let busy = if part % 8 > 5 { 120 } else { 0 };
                let took = 36 * (3 + i * 37 % 400 + (part * 31 + i * 11) % 29 + busy);
                insert
                    .execute(rusqlite::params![
                        (last - part) * 3 * HOUR,
                        name(index).as_str(),
                        site(index).name,
                        took
                    ])
                    .expect("a sample");
            }
        }
    }
    all.commit().expect("samples");
}

fn observation(index: usize) -> Observation {
    let (health, reasons) = match index % 10 {
        3 if index % 20 == 3 => (Health::Offline, vec![format!("no route to host {EVIL}")]),
        3 => (
            Health::Degraded,
            vec!["disk `/` is 93% full".to_owned(), EVIL.to_owned()],
        ),
        8 if index % 40 == 8 => (Health::Error, vec!["its host key has changed".to_owned()]),
        _ => (Health::Online, Vec::new()),
    };
    let before = now().as_second() - 40 - i64::try_from(index % 7 * 30).expect("a small number");
    let reached = matches!(health, Health::Online | Health::Degraded);
    Observation {
        at: Timestamp::from_second(before).expect("a time"),
        health,
        reasons,
        facts: reached.then(|| facts(index)),
    }
}

fn facts(index: usize) -> ServerFacts {
    let some = index as u64;
    ServerFacts {
        connect_ms: 20 + some * 13 % 180,
        os: EVIL.to_owned(),
        load: [
            0.1,
            f64::from(u32::try_from(some * 17 % 300).expect("a small number")) / 100.0,
            0.2,
        ],
        memory_total: 8 << 30,
        memory_available: (1 + some % 7) << 30,
        disks: vec![DiskUse {
            mount: EVIL.to_owned(),
            total: 100,
            used: some * 31 % 90,
            available: 100 - some * 31 % 90,
            ..DiskUse::default()
        }],
        ..ServerFacts::default()
    }
}
