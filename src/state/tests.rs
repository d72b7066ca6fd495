//! Tests of the state database as a whole.

#![allow(clippy::unwrap_used)]

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;
use tempfile::TempDir;

use super::*;

mod backups;
mod history;
mod measured;
mod migrations;
mod open;
mod placements;
mod records;
mod secrets;
mod sql;
mod writers;

use crate::item::{Applied, Key, Props};
use crate::kind::{Claim, Ties};
use crate::model::{PlacementStatus, ResourceName, ServerName};

fn now() -> Timestamp {
    "2026-11-09T10:11:12Z".parse().unwrap()
}

fn server(name: &str) -> ServerName {
    name.parse().unwrap()
}

fn site(name: &str) -> ResourceName {
    ResourceName::new("site", name)
}

fn host(name: &str) -> Claim {
    Claim {
        space: "host",
        name: name.to_owned(),
    }
}

fn held(claims: &[Claim]) -> Ties {
    Ties {
        claims: claims.to_vec(),
        ..Ties::default()
    }
}

fn fresh() -> (TempDir, State) {
    let dir = TempDir::new().unwrap();
    let state = State::open(&dir.path().join("fleet.db"), now()).unwrap();
    (dir, state)
}

fn add(write: &Write<'_>, name: &str, weight: u32, on: &str) -> Result<i64, Diagnostic> {
    let id = write.insert_resource(
        &NewResource {
            name: &site(name),
            spec: &json!({"type": "static"}),
            weight,
            ties: &held(&[host(name)]),
        },
        now(),
    )?;
    write.place(id, &server(on))?;
    Ok(id)
}

fn props(pairs: &[(&str, &str)]) -> Props {
    pairs
        .iter()
        .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
        .collect()
}

fn key(text: &str) -> Key {
    text.parse().unwrap()
}

fn find(state: &State, name: &str) -> Option<crate::model::Resource> {
    state.read(|read| read.find(&site(name))).unwrap()
}

#[test]
fn a_resource_comes_back_as_it_was_recorded() {
    let (_dir, mut state) = fresh();
    let id = state
        .write(|write| add(write, "example.com", 3, "sg-1"))
        .unwrap();
    let found = find(&state, "example.com").unwrap();
    assert_eq!(found.id, id);
    assert_eq!(found.spec, json!({"type": "static"}));
    assert_eq!((found.weight, found.generation), (3, 1));
    assert_eq!(found.created_at, now());
    assert_eq!(found.placements.len(), 1);
    assert_eq!(found.placements[0].server, server("sg-1"));
    assert_eq!(found.placements[0].status, PlacementStatus::Pending);
    assert_eq!(found.placements[0].applied_generation, 0);
    let listed = state
        .read(|read| read.resources(&Filter::default()))
        .unwrap();
    assert_eq!(listed, [found]);
}

#[test]
fn a_second_resource_of_the_name_is_refused_and_nothing_of_it_stays() {
    let (_dir, mut state) = fresh();
    state
        .write(|write| add(write, "example.com", 1, "sg-1"))
        .unwrap();
    let error = state
        .write(|write| {
            add(write, "other.com", 1, "sg-1")?;
            add(write, "example.com", 1, "sg-2")
        })
        .unwrap_err();
    assert_eq!(error.message, "site `example.com` exists already");
    assert!(find(&state, "other.com").is_none());
}

#[test]
fn a_claim_has_one_holder() {
    let (_dir, mut state) = fresh();
    let id = state
        .write(|write| add(write, "example.com", 1, "sg-1"))
        .unwrap();
    let claims = [host("example.com"), host("free.com")];
    let taken = state.read(|read| read.taken(&claims, None)).unwrap();
    assert_eq!(taken.len(), 1);
    assert_eq!(taken[0].claim, host("example.com"));
    assert_eq!(taken[0].owner, site("example.com"));
    assert!(
        state
            .read(|read| read.taken(&claims, Some(id)))
            .unwrap()
            .is_empty()
    );
    let error = state
        .write(|write| {
            write.insert_resource(
                &NewResource {
                    name: &site("other.com"),
                    spec: &json!({}),
                    weight: 1,
                    ties: &held(&[host("other.com"), host("example.com")]),
                },
                now(),
            )
        })
        .unwrap_err();
    assert_eq!(
        error.message,
        "the host `example.com` belongs to site example.com"
    );
    assert!(find(&state, "other.com").is_none());
}

#[test]
fn a_change_makes_placements_pending_and_weighs_at_once() {
    let (_dir, mut state) = fresh();
    let id = state
        .write(|write| add(write, "example.com", 1, "sg-1"))
        .unwrap();
    state
        .write(|write| {
            write.settle_placement(
                id,
                &server("sg-1"),
                &PlacementResult::Applied { generation: 1 },
            )
        })
        .unwrap();
    let generation = state
        .write(|write| {
            write.update_resource(
                id,
                &Change {
                    spec: &json!({"type": "php"}),
                    weight: 5,
                    suspended: true,
                    ties: &held(&[host("example.org")]),
                },
                now(),
            )
        })
        .unwrap();
    assert_eq!(generation, 2);
    let found = find(&state, "example.com").unwrap();
    assert_eq!(found.spec, json!({"type": "php"}));
    assert!(found.suspended);
    assert_eq!(found.placements[0].status, PlacementStatus::Pending);
    assert_eq!(found.placements[0].applied_generation, 1);
    let loads = state.read(Read::loads).unwrap();
    assert_eq!(loads, BTreeMap::from([(server("sg-1"), 5)]));
    let held = state
        .read(|read| read.taken(&[host("example.com"), host("example.org")], None))
        .unwrap();
    assert_eq!(held.len(), 1);
    assert_eq!(held[0].claim, host("example.org"));
}

#[test]
fn a_placement_is_applied_only_for_the_generation_that_was() {
    let (_dir, mut state) = fresh();
    let id = state
        .write(|write| add(write, "example.com", 1, "sg-1"))
        .unwrap();
    let on = server("sg-1");
    let change = Change {
        spec: &json!({"n": 2}),
        weight: 1,
        suspended: false,
        ties: &Ties::default(),
    };
    // Somebody changed it while generation 1 was being applied.
    state
        .write(|write| {
            write.update_resource(id, &change, now())?;
            write.settle_placement(id, &on, &PlacementResult::Applied { generation: 1 })
        })
        .unwrap();
    let placement = find(&state, "example.com").unwrap().placements.remove(0);
    assert_eq!(placement.status, PlacementStatus::Pending);
    assert_eq!(placement.applied_generation, 1);
    state
        .write(|write| write.settle_placement(id, &on, &PlacementResult::Applied { generation: 2 }))
        .unwrap();
    let placement = find(&state, "example.com").unwrap().placements.remove(0);
    assert_eq!(placement.status, PlacementStatus::Applied);
    // A slower report of the older generation changes nothing.
    state
        .write(|write| write.settle_placement(id, &on, &PlacementResult::Applied { generation: 1 }))
        .unwrap();
    let placement = find(&state, "example.com").unwrap().placements.remove(0);
    assert_eq!(placement.status, PlacementStatus::Applied);
    assert_eq!(placement.applied_generation, 2);
}

#[test]
fn a_removed_resource_counts_until_it_is_gone_and_frees_its_name_at_once() {
    let (_dir, mut state) = fresh();
    let on = server("sg-1");
    let old = state
        .write(|write| add(write, "example.com", 4, "sg-1"))
        .unwrap();
    state
        .write(|write| write.remove_resource(old, Some(7), now()))
        .unwrap();
    assert!(find(&state, "example.com").is_none());
    assert!(
        state
            .read(|read| read.resources(&Filter::default()))
            .unwrap()
            .is_empty()
    );
    assert_eq!(state.read(|read| read.load(&on)).unwrap(), 4);
    // The name and the claim can be taken again, on the same server.
    let new = state
        .write(|write| add(write, "example.com", 1, "sg-1"))
        .unwrap();
    assert_ne!(old, new);
    assert_eq!(state.read(|read| read.load(&on)).unwrap(), 5);
    let there = state
        .read(|read| read.resources_on(&BTreeSet::from([on.clone()])))
        .unwrap();
    assert_eq!(there.iter().map(|r| r.id).collect::<Vec<_>>(), [old, new]);
    assert_eq!(there[0].removed_at, Some(now()));
    assert_eq!(there[0].placements[0].status, PlacementStatus::Removing);
    // Reports about the application of what is to be taken away do not bring it back.
    let applied = PlacementResult::Applied { generation: 2 };
    state
        .write(|write| {
            write.settle_placement(old, &on, &applied)?;
            write.settle_placement(
                old,
                &on,
                &PlacementResult::Pending {
                    reason: "offline".to_owned(),
                    away: None,
                },
            )
        })
        .unwrap();
    let row = state.read(|read| read.resource(old)).unwrap().unwrap();
    assert_eq!(row.placements[0].status, PlacementStatus::Removing);
    assert_eq!(row.placements[0].reason.as_deref(), Some("offline"));
    state
        .write(|write| {
            write.settle_placement(old, &on, &PlacementResult::Removed)?;
            // It is not what the other one's placement says.
            write.settle_placement(new, &on, &PlacementResult::Removed)
        })
        .unwrap();
    assert_eq!(state.read(|read| read.load(&on)).unwrap(), 1);
    let row = state.read(|read| read.resource(old)).unwrap().unwrap();
    assert!(row.placements.is_empty());
    assert!(
        state
            .write(|write| write.remove_resource(old, None, now()))
            .is_err()
    );
}

#[test]
fn a_displaced_placement_can_be_wanted_again() {
    let (_dir, mut state) = fresh();
    let id = state
        .write(|write| add(write, "example.com", 1, "sg-1"))
        .unwrap();
    let on = server("sg-1");
    state
        .write(|write| {
            write.displace(id, &on)?;
            write.place(id, &server("sg-2"))
        })
        .unwrap();
    let statuses = |state: &State| -> Vec<(String, PlacementStatus)> {
        find(state, "example.com")
            .unwrap()
            .placements
            .into_iter()
            .map(|p| (p.server.to_string(), p.status))
            .collect()
    };
    assert_eq!(
        statuses(&state),
        [
            ("sg-1".to_owned(), PlacementStatus::Removing),
            ("sg-2".to_owned(), PlacementStatus::Pending)
        ]
    );
    state.write(|write| write.place(id, &on)).unwrap();
    assert_eq!(statuses(&state)[0].1, PlacementStatus::Pending);
}

#[test]
fn filters_narrow() {
    let (_dir, mut state) = fresh();
    state
        .write(|write| {
            add(write, "b.com", 1, "sg-1")?;
            let a = add(write, "a.com", 1, "sg-2")?;
            write.settle_placement(
                a,
                &server("sg-2"),
                &PlacementResult::Applied { generation: 1 },
            )?;
            let gone = add(write, "gone.com", 1, "sg-2")?;
            write.remove_resource(gone, None, now())?;
            let nowhere = NewResource {
                name: &ResourceName::new("zone", "c.com"),
                spec: &json!({}),
                weight: 0,
                ties: &Ties::default(),
            };
            write.insert_resource(&nowhere, now()).map(drop)
        })
        .unwrap();
    let names = |filter: Filter<'_>| -> Vec<String> {
        let found = state.read(|read| read.resources(&filter)).unwrap();
        found.iter().map(|r| r.name.to_string()).collect()
    };
    let all = Filter::default();
    assert_eq!(
        names(all.clone()),
        ["site a.com", "site b.com", "zone c.com"]
    );
    let sites = Filter {
        kind: Some("site"),
        ..all.clone()
    };
    assert_eq!(names(sites.clone()), ["site a.com", "site b.com"]);
    let on = BTreeSet::from([server("sg-2")]);
    let on_sg_2 = Filter {
        servers: Some(&on),
        ..sites.clone()
    };
    assert_eq!(names(on_sg_2.clone()), ["site a.com"]);
    let with_removing = Filter {
        removing: true,
        ..on_sg_2
    };
    assert_eq!(names(with_removing), ["site a.com", "site gone.com"]);
    let unsettled = Filter {
        unsettled: true,
        removing: true,
        ..all.clone()
    };
    assert_eq!(names(unsettled), ["site b.com", "site gone.com"]);
    let everything = Filter {
        removing: true,
        ..all.clone()
    };
    assert_eq!(names(everything).len(), 4);
    let wanted = BTreeSet::from(["b.com".to_owned(), "nope.com".to_owned()]);
    let by_name = Filter {
        names: Some(&wanted),
        ..sites
    };
    assert_eq!(names(by_name), ["site b.com"]);
    // More than one statement takes.
    let many: BTreeSet<String> = (0..40_000).map(|n| format!("{n}.com")).collect();
    let many = &many | &BTreeSet::from(["a.com".to_owned(), "b.com".to_owned()]);
    let by_many = Filter {
        names: Some(&many),
        ..all.clone()
    };
    assert_eq!(names(by_many), ["site a.com", "site b.com"]);
    let none = BTreeSet::new();
    let on_none = Filter {
        servers: Some(&none),
        ..all
    };
    assert_eq!(names(on_none), Vec::<String>::new());
}

#[test]
fn intents_become_applied_or_are_withdrawn() {
    let (_dir, mut state) = fresh();
    let on = server("sg-1");
    let owners = [site("example.com")];
    let wanted = props(&[("mode", "0644"), ("sha256", "aa")]);
    let (kept, undone, fresh_one) = (key("file /a b"), key("file /b"), key("file /c"));
    let applied = |props: &Props| Applied {
        props: props.clone(),
        owners: owners.to_vec(),
        ..Applied::default()
    };
    let before = props(&[("mode", "0600")]);
    state
        .write(|write| {
            let outcome = Outcome {
                applied: BTreeMap::from([(undone.clone(), applied(&before))]),
                ..Outcome::default()
            };
            write.record_outcome(&on, &outcome, Some(1), now())?;
            let intents = [&kept, &undone, &fresh_one].map(|key| (key, &wanted, &owners[..]));
            write.record_intent(&on, intents, Some(2), now())
        })
        .unwrap();
    // This is what the next run finds when both sides died here.
    let found = state.read(|read| read.applied_on(&on)).unwrap();
    assert_eq!(found[&kept].intent.as_ref(), Some(&wanted));
    assert_eq!(found[&kept].props, Props::new());
    assert_eq!(found[&kept].owners, owners);
    assert_eq!(found[&undone].props, before);
    assert_eq!(found[&undone].intent.as_ref(), Some(&wanted));
    assert_eq!(
        state.read(Read::servers_with_intents).unwrap(),
        BTreeSet::from([on.clone()])
    );
    let outcome = Outcome {
        applied: BTreeMap::from([(kept.clone(), applied(&wanted))]),
        withdrawn: vec![undone.clone(), fresh_one.clone()],
        ..Outcome::default()
    };
    state
        .write(|write| write.record_outcome(&on, &outcome, Some(2), now()))
        .unwrap();
    let expected = BTreeMap::from([
        (kept.clone(), applied(&wanted)),
        (undone.clone(), applied(&before)),
    ]);
    assert_eq!(state.read(|read| read.applied_on(&on)).unwrap(), expected);
    let outcome = Outcome {
        forgotten: vec![undone],
        ..Outcome::default()
    };
    state
        .write(|write| write.record_outcome(&on, &outcome, Some(3), now()))
        .unwrap();
    let each = state
        .read(|read| read.applied_on_each(&BTreeSet::from([on.clone(), server("sg-2")])))
        .unwrap();
    assert_eq!(each.keys().collect::<Vec<_>>(), [&on]);
    let left = each[&on].values().unwrap();
    assert_eq!(left.keys().collect::<Vec<_>>(), [&kept]);
    assert!(state.read(Read::servers_with_intents).unwrap().is_empty());
}

#[test]
fn what_was_adopted_is_kept_apart() {
    let (_dir, mut state) = fresh();
    let on = server("sg-1");
    let theirs = Applied {
        props: props(&[("sha256", "aa")]),
        adopted: Some(props(&[("sha256", "bb")])),
        owners: vec![site("a.com"), site("b.com")],
        intent: None,
    };
    let outcome = Outcome {
        applied: BTreeMap::from([(key("file /a"), theirs.clone())]),
        ..Outcome::default()
    };
    state
        .write(|write| write.record_outcome(&on, &outcome, None, now()))
        .unwrap();
    let found = state.read(|read| read.applied_on(&on)).unwrap();
    assert_eq!(found[&key("file /a")], theirs);
}
