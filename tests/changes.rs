//! What commands record and say that change something, as far as it goes without a server.

mod support;

use support::environment::Environment;

/// An inventory of three servers that nobody listens at; one is not active.
const INVENTORY: &str = r#"
[settings]
state = "state.db"
ssh_config = false
health_max_age = "365d"

[servers.sg-1]
address = "127.0.0.1"
port = 1
[servers.sg-2]
address = "127.0.0.2"
port = 1
active = false
[servers.sg-3]
address = "127.0.0.3"
port = 1
"#;

fn environment() -> Environment {
    let environment = Environment::new();
    environment.write("inventory.toml", INVENTORY);
    environment
}

/// Runs a line that must end well.
#[track_caller]
fn run(environment: &Environment, line: &str) -> String {
    let outcome = environment.fleet(line.split_whitespace()).expect(0);
    outcome.stdout + &outcome.stderr
}

fn users(environment: &Environment) -> Vec<String> {
    let shown = environment
        .fleet(["show-site", "example.com", "--json"])
        .json();
    let users = shown["site"]["spec"]["auth"].as_array().cloned();
    let users = users.unwrap_or_default();
    users
        .iter()
        .map(|user| user["user"].to_string().replace('"', ""))
        .collect()
}

#[test]
fn a_user_is_added_replaced_and_removed_alone() {
    let environment = environment();
    environment.write("one", "secret-1\n");
    environment.write("two", "secret-2\nsecret-3\n");
    run(
        &environment,
        "add-site example.com --server sg-1 --stage --auth-user ann,bob --auth-password-file two",
    );
    let before = environment
        .fleet(["show-site", "example.com", "--json"])
        .json();
    run(
        &environment,
        "set-site example.com --stage --auth-user cid --auth-password-file one",
    );
    assert_eq!(users(&environment), ["ann", "bob", "cid"]);
    run(
        &environment,
        "set-site example.com --stage --auth-user ann --auth-password-file one",
    );
    assert_eq!(users(&environment), ["ann", "bob", "cid"]);
    let after = environment
        .fleet(["show-site", "example.com", "--json"])
        .json();
    let (before, after) = (
        &before["site"]["spec"]["auth"],
        &after["site"]["spec"]["auth"],
    );
    assert_ne!(before[0], after[0], "ann has another password");
    assert_eq!(before[1], after[1]);

    run(
        &environment,
        "set-site example.com --stage --remove-auth-user bob",
    );
    assert_eq!(users(&environment), ["ann", "cid"]);
    let unknown = environment
        .fleet([
            "set-site",
            "example.com",
            "--stage",
            "--remove-auth-user",
            "anne",
        ])
        .expect(2);
    for part in [
        "site `example.com` has no auth user `anne`",
        "did you mean `ann`",
    ] {
        assert!(unknown.stderr.contains(part), "{unknown}");
    }
    assert_eq!(users(&environment), ["ann", "cid"]);
    run(
        &environment,
        "set-site example.com --stage --unset auth-user",
    );
    assert!(users(&environment).is_empty());
}

#[test]
fn a_name_that_was_asked_for_is_on_record() {
    let environment = environment();
    let arguments = ["add-site", "--server", "sg-1", "--stage"];
    environment
        .fleet_answered(&arguments, 80, "example.com\n")
        .expect(0);
    let task = environment.fleet(["show-task", "1", "--json"]).json();
    let recorded = task["task"]["arguments"].as_array().expect("arguments");
    assert_eq!(recorded.last().expect("one"), "example.com", "{task:#}");
}

#[test]
fn an_inactive_server_that_is_named_takes_part_and_that_is_said() {
    let environment = environment();
    run(&environment, "add-site example.com --server sg-1 --stage");
    let said = run(&environment, "plan --server sg-2");
    let note = "`sg-2` is not active; it takes part because it is named";
    assert!(said.contains(note), "{said}");
    let said = environment.fleet(["health", "--server", "sg-2"]).expect(5);
    assert!(said.stderr.contains(note), "{said}");
    let said = environment.fleet(["health"]).expect(5);
    assert!(!said.stderr.contains("sg-2"), "{said}");
}

#[test]
fn each_step_is_told_when_it_is_asked_for_twice() {
    let environment = environment();
    run(&environment, "add-site example.com --server sg-1 --stage");
    let quiet = environment.fleet(["apply", "-v"]).expect(3);
    assert!(!quiet.stderr.contains("connecting"), "{quiet}");
    let told = environment.fleet(["apply", "-vv"]).expect(3);
    assert!(told.stderr.contains("sg-1: connecting\n"), "{told}");
}

#[test]
fn what_its_server_was_away_for_waits_for_a_sweep_and_nothing_else_does() {
    let environment = environment();
    let waiting = || -> Vec<String> {
        let state = environment.path().join("state.db");
        let state = rusqlite::Connection::open(state).expect("the state");
        let mut query = state
            .prepare("SELECT server FROM placements WHERE away_task IS NOT NULL ORDER BY server")
            .expect("a query");
        let rows = query.query_map([], |row| row.get(0)).expect("rows");
        rows.collect::<Result<_, _>>().expect("names")
    };
    run(&environment, "add-site a.example --server sg-1 --stage");
    run(&environment, "add-site b.example --server sg-3 --stage");
    assert_eq!(waiting(), [""; 0]);
    let apply = |flags: &str| {
        let line = format!("apply {flags}");
        environment.fleet(line.split_whitespace()).expect(3);
        waiting()
    };
    assert_eq!(apply("--require-all"), [""; 0]);
    assert_eq!(apply(""), ["sg-1", "sg-3"]);
    // A rollout that is halted does not go on where it was already, either.
    assert_eq!(apply("--waves 1 --away-fails"), [""; 0]);
    assert_eq!(apply("--waves 1"), ["sg-1", "sg-3"]);
    run(&environment, "set-site a.example --cache 1d --stage");
    assert_eq!(waiting(), ["sg-3"]);
    environment
        .fleet(["remove-site", "a.example", "--yes"])
        .expect(3);
    assert_eq!(waiting(), ["sg-1", "sg-3"]);
}

#[test]
fn a_plan_takes_the_place_of_nothing_but_a_plan() {
    let environment = environment();
    run(&environment, "add-site a.example --server sg-1 --stage");
    let plan = |name: &str| environment.fleet(["plan", "--out", name]);
    environment.write("notes", "precious");
    for name in ["inventory.toml", "notes", ".", "/dev/null"] {
        let refused = plan(name).expect(2);
        assert!(refused.stderr.contains("and is no plan"), "{refused}");
    }
    assert_eq!(environment.read("inventory.toml"), INVENTORY);
    // Nothing is shown that is not in the file, and with JSON the error is all there is.
    let failed = environment.fleet(["plan", "--out", "none/a.plan", "--json"]);
    let failed = failed.expect(1).json();
    let said = failed["error"]["message"].to_string();
    assert!(said.contains("cannot write `none/a.plan`"), "{said}");
    environment.write("empty", "");
    for name in ["a.plan", "empty", "a.plan"] {
        plan(name).expect(3);
        assert!(environment.read(name).contains("fleet_plan"));
    }
}

#[test]
fn a_wrong_selection_is_not_on_record() {
    let environment = environment();
    run(&environment, "add-site example.com --server sg-1 --stage");
    environment.fleet(["apply", "--server", "sg-9"]).expect(2);
    environment.fleet(["apply", "example.org"]).expect(2);
    // Nor are waves of what is not there, and what was to go over them.
    for arguments in [
        &["apply", "--waves", "sg-9"][..],
        &["apply", "--dry-run", "--waves", "sg-9"],
        &[
            "add-rule", "ssh", "--allow", "--port", "22", "--waves", "sg-9",
        ],
        &[
            "set-site",
            "example.com",
            "--max-body",
            "2M",
            "--waves",
            "sg-9",
        ],
        &["remove-site", "example.com", "--yes", "--waves", "sg-9"],
        &["run", "--waves", "sg-9", "--", "true"],
    ] {
        let refused = environment.fleet(arguments).expect(2);
        let said = "unknown server `sg-9`";
        assert!(refused.stderr.contains(said), "{arguments:?}: {refused}");
    }
    let tasks = environment.fleet(["list-tasks", "--json"]).json();
    assert_eq!(
        tasks["tasks"].as_array().expect("tasks").len(),
        1,
        "{tasks:#}"
    );
    let waves = "[settings]\nwaves = \"sg-9,1\"";
    let inventory = INVENTORY.replacen("[settings]", waves, 1);
    environment.write("inventory.toml", &inventory);
    run(&environment, "set-site example.com --max-body 2M --stage");
    let refused = environment.fleet(["apply"]).expect(2);
    let hint = "hint: it stands in `waves` under [settings] of the inventory";
    assert!(refused.stderr.contains(hint), "{refused}");
}

#[test]
fn no_server_at_all_is_not_the_same_as_no_room() {
    let environment = Environment::new();
    environment.write("inventory.toml", "");
    let said = environment.fleet(["place"]).expect(2);
    for part in ["the inventory has no servers", "fleet add-server"] {
        assert!(said.stderr.contains(part), "{said}");
    }
}

#[test]
fn of_a_server_in_maintenance_it_is_said_what_ends_that() {
    let environment = environment();
    run(&environment, "maintenance sg-* --for 2h");
    let refused = environment.fleet(["add-site", "a.example", "--server", "sg-1", "--stage"]);
    let refused = refused.expect(4);
    for words in [
        "sg-1  in maintenance until 2026-01-02 05:04:05Z",
        "hint: `fleet maintenance NAME --end`",
        "--force` insists",
    ] {
        assert!(refused.stderr.contains(words), "{words}: {refused}");
    }
    assert!(!refused.stderr.contains("uncordon"), "{refused}");
    run(&environment, "maintenance sg-1 --end");
    run(&environment, "add-site a.example --server sg-1 --stage");
}

#[test]
fn a_change_of_what_is_on_no_server_says_so() {
    let environment = environment();
    run(&environment, "add-site a.example --server sg-1 --stage");
    run(&environment, "remove-server sg-1 --forget --yes");
    let changed = environment
        .fleet(["set-site", "a.example", "--cache", "1d"])
        .expect(3);
    for words in [
        "warning: site a.example is on no server; it stays pending",
        "`fleet add-site a.example` with the same settings places it anew",
    ] {
        assert!(changed.stderr.contains(words), "{words}: {changed}");
    }
    assert!(
        !changed.stderr.contains("everything is so already"),
        "{changed}"
    );
    let there = environment.fleet(["add-site", "a.example"]).expect(2);
    let words = "site `a.example` exists already on no server, with other settings";
    assert!(there.stderr.contains(words), "{there}");
    let gone = environment
        .fleet(["remove-site", "a.example", "--yes"])
        .expect(0);
    let words = "nothing to do on servers: site a.example is on none, and on record no more";
    assert!(gone.stderr.contains(words), "{gone}");
    // What is on a server that takes no part waits for it.
    run(&environment, "add-site c.example --server sg-3 --stage");
    run(&environment, "set-server sg-3 --active=false");
    let waits = environment
        .fleet(["set-site", "c.example", "--cache", "1d"])
        .expect(3);
    let words = "site c.example is on no active server; it stays pending";
    assert!(waits.stderr.contains(words), "{waits}");
    assert!(
        !waits.stderr.contains("everything is so already"),
        "{waits}"
    );
}
