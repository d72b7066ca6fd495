//! `fleet health` as a process, on this machine and on addresses where nobody answers.

mod support;

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant, SystemTime};

use fleet::diagnostic::Diagnostic;
use fleet::model::{Patience, ResourceName, ServerName, Sight, Status};
use fleet::state::{PlacementResult, State};
use jiff::Timestamp;
use support::environment::{Environment, NOW};

/// An inventory with this machine, a port that refuses, and one that never says a word.
fn inventory(silent: u16, closed: u16) -> String {
    format!(
        "[settings]\nssh_config = false\n\n\
         [servers.here]\naddress = \"here.example\"\ntransport = \"local\"\n\n\
         [servers.silent]\naddress = \"127.0.0.1\"\nport = {silent}\n\n\
         [servers.closed]\naddress = \"127.0.0.1\"\nport = {closed}\n"
    )
}

fn closed_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("its number").port()
}

#[test]
fn every_server_is_seen_recorded_and_judged_on_its_own() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let silent = listener.local_addr().expect("its number").port();
    let environment = Environment::new();
    environment.write("inventory.toml", &inventory(silent, closed_port()));

    let outcome = environment
        .fleet(["health", "--timeout", "5s", "--json", "--state", "state.db"])
        .expect(5);
    let report = outcome.json();
    let server = |name: &str| {
        let servers = report["servers"].as_array().expect("a list");
        let found = servers.iter().find(|server| server["name"] == name);
        found
            .unwrap_or_else(|| panic!("no {name}: {outcome}"))
            .clone()
    };
    assert_eq!(server("closed")["health"], "offline");
    assert_eq!(server("closed")["facts"], serde_json::Value::Null);
    assert_eq!(
        server("silent")["reasons"][0],
        "it did not answer within 5 s"
    );
    assert_ne!(server("here")["health"], "offline");
    assert!(
        server("here")["facts"]["cores"].as_u64() > Some(0),
        "{outcome}"
    );
    let offset = server("here")["facts"]["clock_offset_s"]
        .as_f64()
        .expect("a number");
    assert!(
        offset.abs() < 5.0,
        "the stopped clock of tests is no clock to compare with: {offset}"
    );

    let state = rusqlite::Connection::open(environment.path().join("state.db")).expect("the state");
    let recorded: Vec<(String, String)> = state
        .prepare("SELECT server, status FROM health_statuses WHERE subject = '' ORDER BY server")
        .expect("a statement")
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
        .expect("rows")
        .collect::<Result<_, _>>()
        .expect("rows");
    assert_eq!(recorded[0], ("closed".to_owned(), "offline".to_owned()));
    assert_eq!(recorded[2], ("silent".to_owned(), "offline".to_owned()));
    assert_eq!(recorded[1].0, "here");
}

#[test]
fn the_table_fits_80_columns() {
    let environment = Environment::new();
    environment.write("inventory.toml", &inventory(closed_port(), closed_port()));
    let outcome = environment
        .fleet(["health", "--state", "state.db"])
        .expect(5);
    let table = outcome.stdout.split("\n\n").next().expect("a table");
    assert!(table.starts_with("SERVER  HEALTH"), "{outcome}");
    assert!(
        table.lines().all(|line| line.chars().count() <= 80),
        "{outcome}"
    );
    assert!(
        outcome.stdout.contains("closed: cannot be reached"),
        "{outcome}"
    );
    assert!(outcome.stdout.contains("3 servers: "), "{outcome}");
}

/// `web` is this machine while it is `there`, and a port that refuses else.
fn web(there: bool, closed: u16) -> String {
    let how = if there {
        "transport = \"local\"".to_owned()
    } else {
        format!("port = {closed}")
    };
    format!(
        "[settings]\nssh_config = false\nstate = \"state.db\"\n\n\
         [health]\nfail_after = 2\nrecover_after = 2\n\n\
         [servers.web]\naddress = \"127.0.0.1\"\n{how}\n"
    )
}

#[test]
fn quiet_speaks_of_what_is_confirmed_once_and_of_the_recovery() {
    let environment = Environment::new();
    let closed = closed_port();
    let set = |there| environment.write("inventory.toml", &web(there, closed));
    let quiet = || environment.fleet(["health", "-q", "--no-checks"]);
    set(true);
    // How this machine is, is not up to the test: online, or degraded without systemd. So nothing else is checked.
    let first = quiet();
    let report = environment
        .fleet(["health", "--no-checks", "--json"])
        .json();
    let well = report["servers"][0]["confirmed"]
        .as_str()
        .expect("a status")
        .to_owned();
    let code = if well == "online" { 0 } else { 5 };
    assert_eq!(first.code, code, "{first}");
    assert_eq!(first.stdout.is_empty(), well == "online", "{first}");
    assert_eq!(quiet().expect(code).stdout, "");

    set(false);
    // Seen once, that is nothing yet: neither a word nor another exit code.
    assert_eq!(quiet().expect(code).stdout, "");
    // Who looks by hand sees what is, and what is confirmed; it takes nothing away from cron.
    let report = environment
        .fleet(["health", "--no-checks", "--json"])
        .expect(5)
        .json();
    assert_eq!(report["servers"][0]["health"], "offline", "{report:#}");
    assert_eq!(report["servers"][0]["confirmed"], "offline", "{report:#}");
    assert_eq!(report["changes"][0]["after"], "offline", "{report:#}");
    assert_eq!(report["changes"][0]["before"], well, "{report:#}");
    let change = quiet().expect(5);
    let expected = format!("web: offline, was {well} (");
    assert!(change.stdout.starts_with(&expected), "{change}");
    assert!(change.stdout.contains("cannot be reached"), "{change}");
    assert_eq!(change.stdout.lines().count(), 1, "{change}");
    assert_eq!(change.stderr, "");
    assert_eq!(quiet().expect(5).stdout, "");

    set(true);
    let by_hand = environment
        .fleet(["health", "--no-checks", "--json"])
        .expect(code)
        .json();
    assert_eq!(by_hand["servers"][0]["health"], well, "{by_hand:#}");
    assert_eq!(by_hand["servers"][0]["confirmed"], "offline");
    assert_eq!(by_hand["servers"][0]["turning"]["to"], well);
    assert_eq!(by_hand["servers"][0]["turning"]["looks"], 1);
    assert_eq!(by_hand["servers"][0]["turning"]["of"], 2);
    let listed = environment.fleet(["list-servers"]).expect(0);
    assert!(
        listed.stdout.contains(&format!("offline, seen {well}")),
        "{listed}"
    );
    let recovery = quiet().expect(code);
    let expected = format!("web: {well}, was offline (");
    assert!(recovery.stdout.starts_with(&expected), "{recovery}");
    assert_eq!(quiet().expect(code).stdout, "");
}

#[test]
fn what_nobody_checks_any_more_has_no_status() {
    let environment = Environment::new();
    environment.write("inventory.toml", &web(true, closed_port()));
    let path = environment.path().join("state.db");
    let now: Timestamp = NOW.parse().expect("a time");
    let web: ServerName = "web".parse().expect("a name");
    let seed = || {
        let mut state = State::open(&path, now).expect("a state");
        let seeded: Result<(), Diagnostic> = state.write(|write| {
            for (subject, hours) in [
                ("cron", 0),
                ("http of site new.example, from here", 1),
                ("http of site old.example", 3),
                ("http of site old.example, from here", 3),
            ] {
                let sight = Sight {
                    at: now - jiff::SignedDuration::from_hours(hours),
                    status: Status::Bad,
                    reasons: vec!["answers 500".to_owned()],
                };
                write.record_sight(&web, subject, &sight, Patience::NONE)?;
            }
            Ok(())
        });
        seeded.expect("a record");
    };
    for (arguments, left) in [
        // Somebody else may look at all, now and then; so what was seen lately stays.
        (
            &["--server-only"][..],
            &["http of site new.example, from here"][..],
        ),
        (
            &["--no-checks"],
            &["cron", "http of site new.example, from here"],
        ),
        // Nothing is placed there.
        (&[], &[]),
    ] {
        seed();
        let outcome = environment.fleet(["health", "-q"].iter().chain(arguments));
        let state = State::open(&path, now).expect("a state");
        let standings = state.read(|read| read.standings(&[web.clone()].into()));
        let bad: Vec<String> = standings
            .expect("the standings")
            .into_iter()
            .filter(|(_, standing)| standing.status == Status::Bad)
            .map(|((_, subject), _)| subject)
            .collect();
        assert_eq!(bad, left, "{arguments:?}: {outcome}");
    }
}

#[test]
fn a_site_that_nobody_looks_at_does_not_pass_for_well() {
    let environment = Environment::new().with("FLEET_STATE", "state.db");
    environment.write("inventory.toml", &inventory(closed_port(), closed_port()));
    for (site, server) in [("a.example", "closed"), ("b.example", "silent")] {
        let added = environment.fleet(["add-site", site, "--server", server, "--stage"]);
        added.expect(0);
    }
    let said = |sites: &str, server: &str| {
        let outcome = environment.fleet(["health", "--site", sites, "--server", server]);
        outcome.expect(2).stderr
    };
    let stderr = said("a.example", "closed");
    assert!(
        stderr.contains("site a.example is not applied yet"),
        "{stderr}"
    );
    assert!(stderr.contains("`fleet apply a.example`"), "{stderr}");

    let now: Timestamp = NOW.parse().expect("a time");
    let mut state = State::open(&environment.path().join("state.db"), now).expect("a state");
    let applied: Result<(), Diagnostic> = state.write(|write| {
        for (site, server) in [("a.example", "closed"), ("b.example", "silent")] {
            let site = write
                .find(&ResourceName::new("site", site))?
                .expect("a site");
            let result = PlacementResult::Applied {
                generation: site.generation,
            };
            write.settle_placement(site.id, &server.parse().expect("a name"), &result)?;
        }
        Ok(())
    });
    applied.expect("a record");
    drop(state);
    let looked_at = [
        "health",
        "--site",
        "a.example",
        "--server-only",
        "--server",
        "closed",
    ];
    environment.fleet(looked_at).expect(5);
    // Also where another site is there.
    let stderr = said("a.example,b.example", "closed");
    assert!(
        stderr.contains("site b.example is on none of these servers"),
        "{stderr}"
    );
    environment
        .fleet(["suspend-site", "a.example", "--stage"])
        .expect(0);
    let stderr = said("a.example", "closed");
    assert!(stderr.contains("site a.example is suspended"), "{stderr}");
}

#[test]
fn uptime_and_changes_are_told_as_history() {
    let mut environment = Environment::new();
    let closed = closed_port();
    for (minute, there) in [(0, true), (5, false), (10, false), (15, true), (20, true)] {
        environment = environment.with("FLEET_TEST_NOW", &format!("2026-01-02T03:{minute:02}:00Z"));
        environment.write("inventory.toml", &web(there, closed));
        environment.fleet(["health", "-q"]);
    }
    let history = environment.fleet(["health", "--history", "--json"]);
    let history = history.expect(0).json();
    let of_web = &history["servers"][0];
    // Five minutes up, ten down, five up.
    assert_eq!(of_web["uptime"]["day"]["known_ms"], 1_200_000);
    assert_eq!(of_web["uptime"]["day"]["percent"], 50.0);
    assert_eq!(of_web["uptime"]["month"], of_web["uptime"]["day"]);
    assert_eq!(of_web["hours"][0]["looks"], 5);
    assert_eq!(of_web["hours"][0]["worst"], "offline");
    let events = history["events"].as_array().expect("events");
    let words: Vec<&str> = events
        .iter()
        .filter_map(|event| event["after"].as_str())
        .collect();
    assert_eq!(words[words.len() - 2], "offline", "{history:#}");
    assert_eq!(events[events.len() - 1]["since"], "2026-01-02T03:15:00Z");
    assert_eq!(events[events.len() - 1]["at"], "2026-01-02T03:20:00Z");

    let shown = environment.fleet(["health", "--history"]).expect(0);
    assert!(shown.stdout.contains("50.00%"), "{shown}");
    assert!(
        shown.stdout.contains(&format!("{}x", ".".repeat(23))),
        "{shown}"
    );
    assert!(shown.stdout.contains("was offline for 10m"), "{shown}");
    let server = environment.fleet(["show-server", "web"]).expect(0);
    assert!(server.stdout.contains("50.00% in 1 day"), "{server}");
    let server = environment
        .fleet(["show-server", "web", "--json"])
        .expect(0)
        .json();
    assert_eq!(server["server"]["uptime"]["week"]["up_ms"], 600_000);
    assert_eq!(server["server"]["since"], "2026-01-02T03:15:00Z");
}

#[test]
fn a_sweep_never_overlaps_with_another_and_a_killed_one_leaves_no_lock() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let silent = listener.local_addr().expect("its number").port();
    let environment = Environment::new();
    environment.write("inventory.toml", &inventory(silent, closed_port()));
    let words = ["--state", "state.db", "--server"];
    let arguments =
        |server: &'static str| ["health", "-q"].into_iter().chain(words).chain([server]);
    let mut first = environment
        .command(arguments("silent").chain(["--timeout", "300s"]))
        .stdin(Stdio::null())
        .spawn()
        .expect("a sweep");
    let lock = environment.path().join("state.db.sweep");
    wait_until("the first has the lock", || {
        std::fs::read_to_string(&lock).is_ok_and(|text| text.contains("process"))
    });
    let second = environment.fleet(arguments("closed")).expect(0);
    assert_eq!((second.stdout.as_str(), second.stderr.as_str()), ("", ""));
    // It is waited for as long as it may take, and what takes longer leaves everybody blind.
    let hour_ago = SystemTime::now() - Duration::from_secs(3600);
    let held = File::options().write(true).open(&lock).expect("the lock");
    held.set_modified(hour_ago).expect("a time");
    let blind = environment.fleet(arguments("closed")).expect(8);
    assert!(
        blind
            .stderr
            .contains("nothing was looked at: another sweep is at work for 1h (process "),
        "{blind}"
    );
    let by_hand = environment.fleet(
        ["health", "--timeout", "100ms"]
            .into_iter()
            .chain(words)
            .chain(["closed"]),
    );
    let by_hand = by_hand.expect(8);
    assert!(
        by_hand
            .stderr
            .contains("another sweep is at work for 1h (process "),
        "{by_hand}"
    );
    first.kill().expect("a process to kill");
    first.wait().expect("its end");
    // One that is no longer at work than it may be is waited for, its checks included.
    held.lock().expect("the right to sweep");
    held.set_modified(SystemTime::now()).expect("a time");
    let other = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_secs(3));
        drop(held);
    });
    let words = [
        "health",
        "--no-checks",
        "--timeout",
        "100ms",
        "--state",
        "state.db",
    ];
    environment
        .fleet(words.into_iter().chain(["--server", "closed"]))
        .expect(5);
    other.join().expect("its end");
    let third = environment.fleet(arguments("closed")).expect(5);
    assert!(third.stdout.starts_with("closed: offline"), "{third}");
}

#[track_caller]
fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < Duration::from_secs(60), "{what}: never");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_watch_without_a_terminal_is_a_line_for_each_change_and_ends_by_an_interrupt() {
    let environment = Environment::new();
    environment.write("inventory.toml", &inventory(closed_port(), closed_port()));
    let mut watch = environment
        .command([
            "health", "--watch", "1", "--server", "closed", "--state", "state.db",
        ])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("a watch");
    let mut lines = BufReader::new(watch.stdout.take().expect("its output")).lines();
    let line = lines.next().expect("a line").expect("text");
    assert!(
        line.contains("closed: offline: cannot be reached"),
        "{line}"
    );
    let state = environment.path().join("state.db");
    wait_until("it looks again", || {
        let looks = rusqlite::Connection::open(&state)
            .and_then(|state| {
                state.query_row(
                    "SELECT looks FROM health_samples WHERE span = 86400000",
                    [],
                    |row| row.get::<_, i64>(0),
                )
            })
            .unwrap_or(0);
        looks >= 2
    });
    let interrupted = Command::new("kill")
        .args(["-INT", &watch.id().to_string()])
        .status();
    assert!(interrupted.expect("kill").success());
    let ending = watch.wait_with_output().expect("an end");
    assert_eq!(ending.status.code(), Some(0));
    assert_eq!(String::from_utf8_lossy(&ending.stderr), "");
    assert_eq!(lines.count(), 0, "nothing changed");

    let refused = environment.fleet(["health", "--watch", "--json"]).expect(2);
    assert!(refused.stdout.contains("a watch has no end"), "{refused}");
}

#[test]
fn a_watch_ends_when_nobody_reads_it_any_more() {
    let environment = Environment::new();
    environment.write("inventory.toml", &inventory(closed_port(), closed_port()));
    let mut watch = environment
        .command([
            "health", "--watch", "86400", "--server", "closed", "--state", "state.db",
        ])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("a watch");
    let mut lines = BufReader::new(watch.stdout.take().expect("its output")).lines();
    lines.next().expect("a line").expect("text");
    // The next look is tomorrow.
    drop(lines);
    let mut ending = None;
    wait_until("it ends", || {
        ending = watch.try_wait().expect("its state");
        ending.is_some()
    });
    assert_eq!(ending.and_then(|ending| ending.code()), Some(0));
}

#[test]
fn bad_arguments_are_usage_errors() {
    let environment = Environment::new();
    environment.write("inventory.toml", &inventory(1, 2));
    let unknown = environment.fleet(["health", "--server", "clsed"]).expect(2);
    assert!(unknown.stderr.contains("did you mean"), "{unknown}");
    let timeout = environment.fleet(["health", "--timeout", "soon"]).expect(2);
    assert!(
        timeout.stderr.contains("write a number and a unit"),
        "{timeout}"
    );
    let timeout = environment.fleet(["health", "--timeout", "0s"]).expect(2);
    assert!(timeout.stderr.contains("at least "), "{timeout}");
}

#[test]
fn a_state_file_that_is_no_database_is_refused() {
    let environment = Environment::new();
    environment.write("inventory.toml", &inventory(closed_port(), closed_port()));
    environment.write(
        "state.db",
        "this is no database, but long enough to be looked at",
    );
    let outcome = environment
        .fleet(["health", "--server", "closed", "--state", "state.db"])
        .expect(2);
    assert!(
        outcome.stderr.contains("not an SQLite database"),
        "{outcome}"
    );
}
