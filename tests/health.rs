//! `fleet health` as a process, on this machine and on addresses where nobody answers.

mod support;

use std::net::TcpListener;

use support::environment::Environment;

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
        .prepare("SELECT server, status FROM health_statuses ORDER BY server")
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
fn the_table_fits_80_columns_and_quiet_shows_only_what_is_unwell() {
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

    let outcome = environment
        .fleet(["health", "-q", "--server", "closed", "--state", "state.db"])
        .expect(5);
    assert!(outcome.stdout.contains("closed  offline"), "{outcome}");
    assert_eq!(outcome.stderr, "");
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
