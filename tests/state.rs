//! The commands that tell what the state database knows, and what a bad state file does to any command.

mod support;

use std::path::PathBuf;

use fleet::kind::Ties;
use fleet::model::health::ServerFacts;
use fleet::model::{Health, Observation, Patience, ResourceName, ServerName, Status, TaskOutcome};
use fleet::state::{NewResource, NewTask, State, Write};
use jiff::Timestamp;
use serde_json::{Value, json};
use support::environment::{Environment, NOW};

const GAP: std::time::Duration = std::time::Duration::from_secs(900);

const INVENTORY: &str = r#"
[settings]
state = "fleet.db"

[defaults]
capacity = 10

[weights]
site = 2

[servers.jkt-1]
address = "192.0.2.1"
region = "jakarta"
labels = { tier = "gold" }

[servers.jkt-2]
address = "192.0.2.2"
region = "jakarta"
active = false

[servers.sg-1]
address = "192.0.2.3"
region = "singapore"

[servers.sg-2]
address = "192.0.2.4"
region = "singapore"
roles = ["dns"]
"#;

fn now() -> Timestamp {
    NOW.parse().expect("a time")
}

fn server(name: &str) -> ServerName {
    name.parse().expect("a server name")
}

fn seen(health: Health) -> Observation {
    Observation {
        at: now(),
        health,
        reasons: Vec::new(),
        facts: None,
    }
}

/// An environment with the inventory, and a state in which `fill` has written.
fn filled(
    fill: impl FnOnce(&Write<'_>) -> Result<(), fleet::diagnostic::Diagnostic>,
) -> Environment {
    let environment = Environment::new();
    environment.write("inventory.toml", INVENTORY);
    let path: PathBuf = environment.path().join("fleet.db");
    let mut state = State::open(&path, now()).expect("a new state");
    state
        .write(|write| {
            // Seen just now, so that no command looks at these servers, which are nowhere.
            for name in ["jkt-1", "jkt-2", "sg-1", "sg-2"] {
                write.record_observation(
                    &server(name),
                    &seen(Health::Online),
                    Patience::NONE,
                    GAP,
                )?;
            }
            fill(write)
        })
        .expect("a state that can be written");
    environment
}

fn add(
    write: &Write<'_>,
    name: &str,
    weight: u32,
    on: &str,
) -> Result<(), fleet::diagnostic::Diagnostic> {
    let id = write.insert_resource(
        &NewResource {
            name: &ResourceName::new("site", name),
            spec: &json!({}),
            weight,
            ties: &Ties::default(),
        },
        now(),
    )?;
    write.place(id, &server(on))
}

#[test]
fn place_tells_rank_or_every_reason_and_changes_nothing() {
    let environment = filled(|write| {
        add(write, "a.example.com", 4, "jkt-1")?;
        write.cordon(&server("sg-2"), "new disk", now())?;
        Ok(())
    });
    let outcome = environment.fleet(["place"]).expect(0);
    assert_eq!(
        outcome.stdout,
        "RANK  SERVER  LOAD  OF  USED  WHY NOT\n\
         \u{20}  1  sg-1       0  10    0%  -\n\
         \u{20}  2  jkt-1      4  10   40%  -\n\
         \u{20}  -  jkt-2      0  10    0%  not active\n\
         \u{20}  -  sg-2       0  10    0%  cordoned: new disk; has not the role `web`\n"
    );
    let value = environment
        .fleet(["place", "--label", "tier=gold", "--json"])
        .expect(0)
        .json();
    assert_eq!(value["place"]["server"], "jkt-1");
    // The inventory's weight of the kind.
    assert_eq!(value["place"]["weight"], 2);
    let listed = environment.fleet(["list-sites", "--json"]).expect(0).json();
    assert_eq!(listed["sites"].as_array().map(Vec::len), Some(1));
}

#[test]
fn place_without_room_shows_the_same_table_and_exits_with_4() {
    let environment = filled(|write| {
        write.cordon(&server("sg-1"), "new disk", now())?;
        add(write, "a.example.com", 8, "jkt-1")
    });
    let outcome = environment.fleet(["place", "--weight", "3"]).expect(4);
    assert_eq!(
        outcome.stdout,
        "RANK  SERVER  LOAD  OF  USED  WHY NOT\n\
         \u{20}  -  jkt-1      8  10   80%  full: 8 of 10 units used, 3 wanted\n\
         \u{20}  -  jkt-2      0  10    0%  not active\n\
         \u{20}  -  sg-1       0  10    0%  cordoned: new disk\n\
         \u{20}  -  sg-2       0  10    0%  has not the role `web`\n"
    );
    assert!(
        outcome
            .stderr
            .starts_with("warning: no server can take it\nhint: "),
        "{outcome}"
    );
    let json = environment
        .fleet(["place", "--weight", "3", "--json"])
        .expect(4)
        .json();
    assert_eq!(json["place"]["server"], Value::Null);
    let refusal = &json["place"]["servers"][0]["refusals"][0];
    assert_eq!(refusal["reason"], "full");

    // What a kind takes by itself: a rule or a cron job is no load.
    let cron = environment.fleet(["place", "cron", "--json"]).json();
    assert_eq!(cron["place"]["weight"], 0, "{cron:#}");
    let of_role = environment
        .fleet(["place", "--role", "dns", "--json"])
        .json();
    let role = ["role", "weight"].map(|key| of_role["place"][key].clone());
    assert_eq!(role, [Value::from("dns"), Value::from(1)], "{of_role:#}");
    let refused = environment.fleet(["place", "--weight", "3", "--server", "jkt-1"]);
    let refused = refused.expect(4);
    // Of the others nothing was asked.
    assert_eq!(refused.stdout.lines().count(), 2, "{refused}");
    let forced = environment
        .fleet(["place", "--weight", "3", "--server", "jkt-1", "--force"])
        .expect(0);
    assert!(
        forced
            .stdout
            .contains("forced: full: 8 of 10 units used, 3 wanted"),
        "{forced}"
    );
}

#[test]
fn a_database_goes_to_a_server_that_has_its_engine() {
    let environment = filled(|write| {
        for (name, postgres) in [("jkt-1", "missing"), ("sg-1", "inactive")] {
            let services = [("mariadb", "active"), ("postgresql", postgres)];
            let services = services.map(|(unit, state)| (unit.to_owned(), state.to_owned()));
            let facts = ServerFacts {
                services: services.into(),
                ..ServerFacts::default()
            };
            let seen = Observation {
                facts: Some(facts),
                ..seen(Health::Online)
            };
            write.record_observation(&server(name), &seen, Patience::NONE, GAP)?;
        }
        Ok(())
    });
    for (name, engine, on) in [("one", "mariadb", "jkt-1"), ("two", "postgres", "sg-1")] {
        let line = [
            "add-database",
            name,
            "--engine",
            engine,
            "--no-user",
            "--stage",
            "--json",
        ];
        let added = environment.fleet(line).expect(0).json();
        assert_eq!(
            added["database"]["placements"][0]["server"], on,
            "{added:#}"
        );
        environment
            .fleet(["remove-database", name, "--stage", "--yes"])
            .expect(0);
    }
    let line = [
        "add-database",
        "shop",
        "--engine",
        "postgres",
        "--no-user",
        "--stage",
        "--server",
        "jkt-1",
    ];
    let refused = environment.fleet(line).expect(4);
    assert!(
        refused.stderr.contains("jkt-1  has no PostgreSQL"),
        "{refused}"
    );
}

#[test]
fn place_refuses_what_is_not_there() {
    let environment = filled(|_| Ok(()));
    let unknown = environment.fleet(["place", "--server", "sg-9"]).expect(2);
    assert!(
        unknown.stderr.contains("unknown server `sg-9`"),
        "{unknown}"
    );
    environment.fleet(["place", "--force"]).expect(2);
    environment.fleet(["place", "--label", "gold"]).expect(2);
    environment.fleet(["place", "mailbox"]).expect(2);
    environment
        .fleet(["place", "zone", "--role", "web"])
        .expect(2);
}

#[test]
fn place_looks_first_at_the_servers_that_decide_and_whose_health_is_old() {
    let environment = Environment::new();
    // This machine, and two servers that nobody must try to reach.
    environment.write(
        "inventory.toml",
        r#"
[settings]
state = "fleet.db"
[servers.here]
transport = "local"
labels = { wanted = "yes" }
priority = 1
[servers.there]
address = "192.0.2.3"
labels = { wanted = "yes" }
[servers.nowhere]
address = "192.0.2.1"
active = false
[servers.elsewhere]
address = "192.0.2.2"
region = "jakarta"
"#,
    );
    let known = |name: &str| {
        let state = State::open(&environment.path().join("fleet.db"), now()).expect("the state");
        let servers = state
            .read(fleet::state::Read::servers)
            .expect("its servers");
        servers
            .get(&server(name))
            .and_then(|record| record.observed_at)
    };
    let arguments = ["place", "--server", "here"];
    // Whether this machine can take it or not.
    environment.fleet(arguments);
    assert_eq!(known("here"), Some(now()));
    assert_eq!(known("nowhere"), None);
    assert_eq!(known("elsewhere"), None);

    let record = |name: &str, health: Health, at: &str| {
        let mut state =
            State::open(&environment.path().join("fleet.db"), now()).expect("the state");
        let observation = Observation {
            at: at.parse().expect("a time"),
            ..seen(health)
        };
        state
            .write(|write| {
                write.record_observation(&server(name), &observation, Patience::NONE, GAP)
            })
            .expect("a state that can be written");
    };
    // Fresh enough: what is recorded counts, whatever is true.
    let fresh = "2026-01-02T03:00:00Z";
    let wanted = ["place", "--label", "wanted=yes"];
    record("there", Health::Online, fresh);
    record("here", Health::Error, fresh);
    environment.fleet(wanted).expect(0);
    assert_ne!(known("here"), Some(now()));
    // Too old: looked at again.
    record("here", Health::Error, "2026-01-02T02:59:00Z");
    environment.fleet(wanted).expect(0);
    assert_eq!(known("here"), Some(now()));
    // There is nobody else: it may have been mended.
    record("here", Health::Error, fresh);
    environment.fleet(arguments);
    assert_eq!(known("here"), Some(now()));
    // It is looked at as often as it takes to confirm that.
    let state = State::open(&environment.path().join("fleet.db"), now()).expect("the state");
    let standing = state.read(|read| read.standing(&server("here"), ""));
    let standing = standing.expect("readable").expect("looked at");
    assert_ne!(standing.status, Status::Error);
    assert_eq!(standing.turning, None);
}

#[test]
fn placement_goes_by_what_is_confirmed_and_avoids_what_cannot_be_reached_now() {
    let twice = Patience {
        fail_after: 2,
        recover_after: 2,
    };
    let see = |write: &Write<'_>, name: &str, health| {
        write.record_observation(&server(name), &seen(health), twice, GAP)
    };
    let environment = filled(|write| {
        // Degraded once is nothing, offline is left alone at once, and online once is no recovery.
        see(write, "jkt-1", Health::Degraded)?;
        see(write, "jkt-2", Health::Offline)?;
        for health in [Health::Offline, Health::Offline, Health::Online] {
            see(write, "sg-1", health)?;
        }
        Ok(())
    });
    let placed = environment.fleet(["place", "--json"]);
    let report = placed.json();
    let servers = report["place"]["servers"].as_array().expect("servers");
    let refused: Vec<&str> = servers
        .iter()
        .filter(|server| server["refusals"].to_string().contains("unhealthy"))
        .filter_map(|server| server["name"].as_str())
        .collect();
    assert_eq!(refused, ["jkt-2", "sg-1"], "{report:#}");
}

#[test]
fn tasks_are_listed_newest_first_and_shown_in_full() {
    let environment = filled(|write| {
        let begin = |command: &str, arguments: &[&str]| {
            let arguments: Vec<String> = arguments.iter().map(|a| (*a).to_owned()).collect();
            let new = NewTask {
                command,
                arguments: &arguments,
                operator: "alice",
                host: "another-machine",
                process: 4711,
            };
            write.begin_task(&new, "2026-01-02T03:00:05Z".parse().expect("a time"))
        };
        let first = begin("add-site", &["add-site", "a.example.com", "--alias", "x y"])?;
        let outcome = |name: &str, status: &str, reason: Option<&str>| TaskOutcome {
            server: server(name),
            status: status.to_owned(),
            duration_ms: 420,
            reason: reason.map(str::to_owned),
            changes: vec!["create file /etc/nginx/conf.d/fleet-a.example.com.conf".to_owned()],
        };
        write.record_task_outcome(first, &outcome("sg-1", "changed", None))?;
        write.record_task_outcome(first, &outcome("jkt-1", "failed", Some("nginx -t failed")))?;
        write.end_task(first, 3, "2026-01-02T03:00:07Z".parse().expect("a time"))?;
        begin("apply", &["apply"]).map(drop)
    });
    let listed = environment.fleet(["list-tasks"]).expect(0);
    assert_eq!(
        listed.stdout,
        "TASK  STARTED  RESULT       TOOK  SERVERS  BY     COMMAND\n\
         \u{20}  2  4m ago   interrupted     -        0  alice  apply\n\
         \u{20}  1  4m ago   partial      [TIME]        2  alice  add-site a.example.com --alias 'x y'\n"
    );
    let one = environment
        .fleet(["list-tasks", "-n", "1", "--json"])
        .expect(0);
    let tasks = one.json()["tasks"].clone();
    assert_eq!(tasks.as_array().map(Vec::len), Some(1));
    assert_eq!(tasks[0]["result"], "interrupted");
    assert_eq!(tasks[0]["id"], 2);

    let shown = environment.fleet(["show-task", "1"]).expect(0);
    for part in [
        "add-site a.example.com --alias 'x y'",
        "partial (exit code 3)",
        "alice on another-machine, process 4711",
        "2026-01-02 03:00:05Z (4m ago)",
        "nginx -t failed",
        "\n  create file /etc/nginx/conf.d/fleet-a.example.com.conf\n",
    ] {
        assert!(shown.stdout.contains(part), "`{part}` is not in {shown}");
    }
    let json = environment
        .fleet(["show-task", "1", "--json"])
        .expect(0)
        .json();
    assert_eq!(json["task"]["outcomes"][1]["status"], "failed");
    let unknown = environment.fleet(["show-task", "3"]).expect(2);
    assert_eq!(
        unknown.stderr,
        "error: there is no task 3\nhint: `fleet list-tasks` lists them\n"
    );
}

#[test]
fn without_a_state_there_are_no_tasks() {
    let environment = Environment::new();
    let listed = environment.fleet(["list-tasks"]).expect(0);
    assert_eq!(
        (listed.stdout.as_str(), listed.stderr.as_str()),
        ("", "no tasks yet\n")
    );
    let listed = environment.fleet(["list-tasks", "--json"]).expect(0);
    assert_eq!(listed.json(), json!({ "tasks": [] }));
    environment.fleet(["show-task", "1"]).expect(2);
}

#[test]
fn a_bad_state_file_is_a_clear_error_of_every_command() {
    let environment = filled(|_| Ok(()));
    environment.write("notes.txt", "milk, bread\n");
    for command in ["list-sites", "list-tasks", "place"] {
        let outcome = environment
            .fleet([command, "--state", "notes.txt"])
            .expect(2);
        assert!(
            outcome.stderr.starts_with(
                "error: the state file `notes.txt` is not an SQLite database\nhint: check `--state`"
            ),
            "{command}: {outcome}"
        );
        let outcome = environment.fleet([command, "--state", "."]).expect(2);
        assert!(
            outcome.stderr.contains("is not a file"),
            "{command}: {outcome}"
        );
    }
    assert_eq!(environment.read("notes.txt"), "milk, bread\n");
    let outcome = environment
        .fleet(["list-tasks", "--state", "notes.txt", "--json"])
        .expect(2);
    assert_eq!(outcome.json()["error"]["class"], "usage");

    let path = environment.path().join("fleet.db");
    let tampered = rusqlite::Connection::open(&path).expect("the state");
    tampered
        .pragma_update(None, "user_version", 99)
        .expect("a version");
    drop(tampered);
    let outcome = environment.fleet(["list-tasks"]).expect(1);
    assert!(outcome.stderr.contains("has schema 99"), "{outcome}");
    assert!(outcome.stderr.contains("upgrade this one"), "{outcome}");
}
