//! Tests of the picture: what is recorded becomes it, and the worst come first.
#![allow(clippy::unwrap_used)]

use std::path::Path;

use super::*;
use crate::kind::Ties;
use crate::model::{Observation, Patience, ResourceName, Sight, Status};
use crate::state::{Comparison, NewResource, PlacementResult, State, Write};

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_767_000_000 + second).unwrap()
}

fn name(text: &str) -> ServerName {
    text.parse().unwrap()
}

fn inventory() -> Inventory {
    let text = "
        [servers.a-1]
        address = '192.0.2.1'
        region = 'asia'
        capacity = 10
        [servers.a-2]
        address = '192.0.2.2'
        region = 'asia'
        capacity = 2
        [servers.e-1]
        address = '192.0.2.3'
        region = 'europe'
        [servers.old]
        address = '192.0.2.4'
        active = false
        [servers.never]
        address = '192.0.2.5'
    ";
    Inventory::parse(Path::new("inventory.toml"), text, None).unwrap()
}

fn see(write: &Write<'_>, server: &str, health: Health, second: i64, reasons: &[&str]) {
    let observation = Observation {
        at: at(second),
        health,
        reasons: reasons.iter().map(ToString::to_string).collect(),
        facts: None,
    };
    let gap = std::time::Duration::from_secs(900);
    write
        .record_observation(&name(server), &observation, Patience::NONE, gap)
        .unwrap();
}

fn add(write: &Write<'_>, site: &str, server: &str, result: Option<PlacementResult>) {
    let name_of_site = ResourceName::new("site", site);
    let new = NewResource {
        name: &name_of_site,
        spec: &serde_json::json!({}),
        weight: 1,
        ties: &Ties::default(),
    };
    let id = write.insert_resource(&new, at(0)).unwrap();
    write.place(id, &name(server)).unwrap();
    if let Some(result) = result {
        write.settle_placement(id, &name(server), &result).unwrap();
    }
}

fn state(directory: &tempfile::TempDir) -> State {
    let mut state = State::open(&directory.path().join("state.db"), at(0)).unwrap();
    let applied = || Some(PlacementResult::Applied { generation: 1 });
    let failed = || {
        Some(PlacementResult::Failed {
            reason: "no".to_owned(),
        })
    };
    state
        .write(|write| {
            see(write, "a-1", Health::Online, 50, &[]);
            see(write, "a-2", Health::Online, 60, &[]);
            see(write, "e-1", Health::Offline, 10, &["no route to host"]);
            see(write, "old", Health::Online, 1, &[]);
            add(write, "one.example", "a-1", applied());
            add(write, "two.example", "a-2", applied());
            add(write, "three.example", "a-2", failed());
            add(write, "four.example", "e-1", None);
            add(write, "five.example", "gone", applied());
            for (subject, status) in [
                ("http of site one.example", Status::Ok),
                ("mail", Status::Warn),
                ("nginx", Status::Bad),
            ] {
                let reasons = vec!["because".to_owned()];
                let sight = Sight {
                    at: at(9),
                    status,
                    reasons,
                };
                write
                    .record_sight(&name("a-1"), subject, &sight, Patience::NONE)
                    .unwrap();
            }
            write.cordon(&name("a-1"), "disk", at(5)).unwrap();
            let drift = ["file /etc/x".to_owned(), "file /etc/y".to_owned()];
            let comparison = Comparison {
                at: at(7),
                drift: drift.into(),
            };
            write.record_comparison(&name("a-1"), &comparison).unwrap();
            write.settle_drift(&name("a-1"), ["file /etc/y"]).unwrap();
            Ok::<_, Diagnostic>(())
        })
        .unwrap();
    state
}

#[test]
fn what_is_recorded_becomes_the_picture() {
    let directory = tempfile::tempdir().unwrap();
    let state = state(&directory);
    let inventory = inventory();
    let picture = state
        .read(|read| Picture::take(&inventory, Some(read), at(100), 5))
        .unwrap();

    let worst: Vec<&str> = picture
        .worst_first()
        .iter()
        .map(|server| server.name.as_str())
        .collect();
    assert_eq!(worst, ["e-1", "a-2", "never", "a-1", "old"]);
    assert_eq!(picture.strays, [name("gone")]);
    let checks: Vec<(&str, bool)> = picture
        .checks
        .iter()
        .map(|c| (c.subject.as_str(), c.is_bad))
        .collect();
    assert_eq!(checks, [("nginx", true), ("mail", false)]);

    let history = state.read(|read| History::read(read, at(100))).unwrap();
    let hours = history.hours();
    let seen: u64 = hours.iter().map(|hour| hour.known).sum();
    assert_eq!(seen, 4, "a look each at four servers");
    assert_eq!(hours.iter().map(|hour| hour.offline).sum::<u64>(), 1);
    assert!(history.at(HOURS - 1) <= at(100) && at(100) < history.at(HOURS));

    let summary = picture.summary();
    assert_eq!(
        summary.health_words(),
        "1 offline, 1 unknown, 2 online, 1 inactive"
    );
    assert_eq!((summary.load, summary.placements), (4, 4));
    assert_eq!(summary.capacity, 10 + 2 + 50 + 50);
    assert_eq!(summary.to_do.words().count(), 2);
    assert_eq!((summary.to_do.failed, summary.to_do.pending), (1, 1));
    assert_eq!((summary.drift, summary.cordoned), (1, 1));
    // That of a server which is not active does not count.
    assert_eq!(summary.oldest_look, Some(at(10)));
    assert_eq!(summary.newest_look, Some(at(60)));

    let [kind] = picture.kinds.as_slice() else {
        panic!("one kind: {:?}", picture.kinds);
    };
    assert_eq!((kind.plural.as_str(), kind.resources), ("sites", 5));

    let regions = picture.regions();
    let names: Vec<_> = regions.iter().map(|group| group.region).collect();
    assert_eq!(names, [Some("asia"), Some("europe"), None]);
    assert_eq!(regions[0].summary.load, 3);

    let down = &picture.servers[2];
    assert_eq!(down.reasons, ["no route to host"]);
    assert_eq!(down.since, Some(at(10)));
    assert!(down.needs_attention());
    let drifted = &picture.servers[0];
    assert_eq!(drifted.drift, ["file /etc/x"]);
    assert_eq!(drifted.compared_at, Some(at(7)));
    assert_eq!(drifted.cordoned.as_deref(), Some("disk"));
    assert_eq!(drifted.fullness(), 100);
}

#[test]
fn without_a_state_there_is_the_inventory() {
    let picture = Picture::take(&inventory(), None, at(0), 5).unwrap();
    let summary = picture.summary();
    assert_eq!(summary.health_words(), "4 unknown, 1 inactive");
    assert_eq!(summary.oldest_look, None);
    assert!(picture.kinds.is_empty() && picture.tasks.is_empty());
}
