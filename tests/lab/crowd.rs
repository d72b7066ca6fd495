//! Several fleets at once, on one server and on one state.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::world::{World, expect_words};

#[test]
fn who_finds_a_server_locked_waits_or_says_who_has_it() {
    let Some(world) = World::new(&["lab-1"]) else {
        return;
    };
    world.fleet("add-site a.example").expect(0);
    world.fleet("add-site b.example --stage").expect(0);
    let hold = |seconds: u32| {
        world.sh(
            "lab-1",
            &format!("echo 'ann on desk' >/run/fleet/owner; systemd-run -q --collect flock /run/fleet/lock sleep {seconds}
            timeout 60 sh -c 'while flock -n /run/fleet/lock true; do sleep 0.01; done'"),
        );
    };
    // For longer than anybody below takes.
    hold(600);
    let began = Instant::now();
    let locked = world.fleet("apply --lock-wait 1s").expect(8);
    assert!(
        began.elapsed() < Duration::from_secs(40),
        "{:?}",
        began.elapsed()
    );
    expect_words(
        &locked.stderr,
        &["`lab-1` is locked by ann on desk", "--lock-wait"],
    );
    world.expect_unknown("lab-1", "b.example");
    // Who only looks waits for nobody, and does not take what runs for something half done.
    let plan = world.fleet("plan --detailed-exitcode").expect(6);
    assert!(!plan.stderr.contains("half done"), "{plan}");
    let list = world.json("list-sites", 0);
    expect_words(&list["sites"][1].to_string(), &["pending", "ann on desk"]);

    world.sh("lab-1", "pkill flock; pkill -x sleep; :");
    hold(2);
    world.fleet("apply --lock-wait 20s").expect(0);
    world.expect_served("lab-1", "b.example");
}

#[test]
fn two_fleets_with_states_of_their_own_take_turns() {
    let Some(world) = World::new(&["lab-1"]) else {
        return;
    };
    for round in 0..3 {
        let runs: Vec<_> = ["one", "two"]
            .map(|name| {
                let mut command = world.command(&format!("add-site {name}{round}.example"));
                command.env("FLEET_STATE", format!("{name}.db"));
                crate::world::Running::start(command)
            })
            .into();
        for run in runs {
            run.outcome(&world).expect(0);
        }
    }
    for name in ["one", "two"] {
        for round in 0..3 {
            world.expect_served("lab-1", &format!("{name}{round}.example"));
        }
    }
    world.expect_tidy("lab-1");
    // The users have numbers of their own.
    let numbers = world.sh("lab-1", "getent passwd | cut -d : -f 3 | sort | uniq -d");
    assert_eq!(numbers, "");
}

#[test]
fn ten_fleets_on_one_state_lose_nothing_and_overfill_nothing() {
    let Some(world) = World::with(&["lab-1", "lab-2"], |inventory| {
        inventory.replace("capacity = 50", "capacity = 4")
    }) else {
        return;
    };
    let runs: Vec<_> = (0..10)
        .map(|number| world.start(&format!("add-site s{number}.example")))
        .collect();
    let mut codes: BTreeMap<i32, usize> = BTreeMap::new();
    for run in runs {
        let outcome = run.outcome(&world);
        assert!([0, 4].contains(&outcome.code), "{outcome}");
        *codes.entry(outcome.code).or_default() += 1;
    }
    assert_eq!(codes, BTreeMap::from([(0, 8), (4, 2)]));
    let list = world.json("list-sites", 0);
    let mut load: BTreeMap<String, usize> = BTreeMap::new();
    for site in list["sites"].as_array().expect("sites") {
        let placement = &site["placements"][0];
        assert_eq!(placement["status"], "applied", "{list:#}");
        let server = placement["server"].as_str().expect("a server");
        world.expect_served(server, site["name"].as_str().expect("a name"));
        *load.entry(server.to_owned()).or_default() += 1;
    }
    assert_eq!(load.into_values().collect::<Vec<_>>(), [4, 4]);
    world.expect_settled();
}
