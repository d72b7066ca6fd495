//! The commands that read: what they print at a terminal, without one, and as JSON.

mod support;

use fleet::kind::Ties;
use fleet::model::ResourceName;
use fleet::state::{NewResource, PlacementResult, State};
use serde_json::json;
use support::environment::{Environment, NOW};

/// Records sites: name, server, and why the server has not followed (or that it has).
fn with_sites(sites: &[(&str, &str, Result<(), &str>)]) -> Environment {
    let environment = Environment::new();
    let path = environment.path().join("state.db");
    let now = NOW.parse().expect("a time");
    let mut state = State::open(&path, now).expect("a new state database");
    state
        .write(|write| -> anyhow::Result<()> {
            for (name, server, followed) in sites {
                let new = NewResource {
                    name: &ResourceName::new("site", *name),
                    spec: &json!({ "alias": [format!("alias.{name}")] }),
                    weight: 1,
                    ties: &Ties::default(),
                };
                let id = write.insert_resource(&new, now)?;
                let server = server.parse().expect("a server's name");
                write.place(id, &server)?;
                let result = match followed {
                    Ok(()) => PlacementResult::Applied { generation: 1 },
                    Err(reason) => PlacementResult::Pending {
                        reason: (*reason).to_owned(),
                        away: None,
                    },
                };
                write.settle_placement(id, &server, &result)?;
            }
            Ok(())
        })
        .expect("recorded sites");
    environment.with("FLEET_STATE", &path.to_string_lossy())
}

fn two_sites() -> Environment {
    with_sites(&[
        ("example.com", "sg-1", Ok(())),
        ("example.org", "jkt-1", Err("no route to \x1b[2Jhost")),
    ])
}

#[test]
fn a_list_without_a_terminal_is_aligned_bare_and_whole() {
    let long = format!("{}.example.com", ["a".repeat(60), "b".repeat(60)].join("."));
    let environment = with_sites(&[("example.com", "sg-1", Ok(())), (&long, "jkt-1", Ok(()))]);
    let list = environment.fleet(["list-sites"]).expect(0);
    assert_eq!(list.stderr, "");
    let lines: Vec<&str> = list.stdout.lines().collect();
    assert_eq!(lines.len(), 3, "{list}");
    assert!(lines[0].starts_with("NAME  "), "{list}");
    assert!(lines[1].contains(&long), "{list}");
    let words: Vec<&str> = lines[2].split_whitespace().take(3).collect();
    assert_eq!(words, ["example.com", "sg-1", "applied"]);
    assert!(!list.stdout.contains(['\x1b', '│', '|']), "{list}");
    // The columns stand below their headings.
    let column = lines[0].find("SERVER").expect("a column of servers");
    assert!(lines[1][column..].starts_with("jkt-1"), "{list}");
}

#[test]
fn a_list_fits_the_terminal() {
    let long = format!("{}.example.com", "a".repeat(60));
    let environment = with_sites(&[("example.com", "sg-1", Ok(())), (&long, "jkt-1", Ok(()))]);
    for columns in [60, 80, 120] {
        let list = environment.fleet_at_terminal(&["list-sites", "--no-color"], columns);
        let list = list.expect(0);
        let longest = list
            .stdout
            .lines()
            .filter(|line| !line.contains("left out"));
        let longest = longest.map(|line| line.trim_end().chars().count()).max();
        assert!(longest <= Some(columns.into()), "{columns}: {list}");
        assert!(list.stdout.contains("example.com"), "{list}");
        assert!(list.stdout.contains("applied"), "{list}");
    }
}

#[test]
fn a_list_can_be_narrowed() {
    let environment = two_sites();
    let pending = environment
        .fleet(["list-sites", "--pending", "--json"])
        .expect(0);
    let pending = pending.json();
    assert_eq!(pending["sites"].as_array().map(Vec::len), Some(1));
    assert_eq!(pending["sites"][0]["name"], "example.org");
    assert_eq!(pending["sites"][0]["placements"][0]["status"], "pending");

    let named = environment
        .fleet(["list-sites", "*.com", "--json"])
        .expect(0);
    assert_eq!(named.json()["sites"][0]["name"], "example.com");

    environment.write(
        "inventory.toml",
        "[servers.sg-1]\naddress = \"192.0.2.1\"\n[servers.jkt-1]\naddress = \"192.0.2.2\"\n",
    );
    let on = environment
        .fleet(["list-sites", "--server", "jkt-*", "--json"])
        .expect(0);
    assert_eq!(on.json()["sites"][0]["name"], "example.org");
    let unknown = environment
        .fleet(["list-sites", "--server", "sg-9"])
        .expect(2);
    assert!(unknown.stderr.starts_with("error: "), "{unknown}");
}

#[test]
fn nothing_to_list_is_said_and_no_error() {
    let environment = Environment::new();
    let none = environment.fleet(["list-sites"]).expect(0);
    assert_eq!(
        (none.stdout.as_str(), none.stderr.as_str()),
        ("", "no sites found\n")
    );
    let quiet = environment.fleet(["list-sites", "--quiet"]).expect(0);
    assert_eq!((quiet.stdout.as_str(), quiet.stderr.as_str()), ("", ""));
    let json = environment.fleet(["list-sites", "--json"]).expect(0);
    assert_eq!(json.stdout, "{\"sites\":[]}\n");
    assert_eq!(json.stderr, "");
    // A command that reads leaves nothing behind.
    assert!(!environment.path().join("home/.local").exists());
}

#[test]
fn one_site_is_shown_with_its_reasons_and_nothing_that_steers_the_terminal() {
    let environment = two_sites();
    let site = environment.fleet(["show-site", "EXAMPLE.org"]).expect(0);
    assert_eq!(
        site.stdout,
        "site     example.org\n\
         status   pending\n\
         server   jkt-1 (pending: no route to \\u{1b}[2Jhost)\n\
         weight   1\n\
         created  2026-01-02 03:04:05Z (just now)\n\
         \n\
         settings\n\
         alias  alias.example.org\n\
         \n\
         address  http://example.org/\n\
         files    /srv/www/example.org/public\n"
    );
    let json = environment
        .fleet(["show-site", "example.com", "--json"])
        .expect(0);
    let json = json.json();
    assert_eq!(json["site"]["name"], "example.com");
    assert_eq!(json["site"]["spec"]["alias"][0], "alias.example.com");
    assert_eq!(json["site"]["placements"][0]["server"], "sg-1");
}

#[test]
fn an_unknown_site_is_an_error_with_the_nearest_name() {
    let environment = two_sites();
    let unknown = environment.fleet(["show-site", "exmple.com"]).expect(2);
    assert_eq!(
        unknown.stderr,
        "error: there is no site `exmple.com`\nhint: did you mean `example.com`\n"
    );
    let far = environment.fleet(["show-site", "nothing.test"]).expect(2);
    assert_eq!(
        far.stderr,
        "error: there is no site `nothing.test`\nhint: `fleet list-sites` lists them\n"
    );
    let none = Environment::new()
        .fleet(["show-site", "example.com", "--json"])
        .expect(2);
    assert_eq!(none.json()["error"]["class"], "usage");
}

#[test]
fn a_state_file_that_is_none_is_an_error_and_is_left_alone() {
    let environment = Environment::new();
    environment.write(
        "state.db",
        "this is not a database, and it is long enough to tell",
    );
    let state = environment.path().join("state.db");
    let outcome = environment.fleet(["list-sites", "--state", &state.to_string_lossy()]);
    assert_ne!(outcome.code, 0, "{outcome}");
    assert!(outcome.stderr.starts_with("error: "), "{outcome}");
    assert!(outcome.stderr.contains("[DIR]/state.db"), "{outcome}");
    assert!(environment.read("state.db").starts_with("this is not"));
    // A place that cannot be looked into is not an empty one.
    let state = environment.path().join("state.db/state.db");
    let outcome = environment.fleet(["list-sites", "--state", &state.to_string_lossy()]);
    assert_eq!(outcome.code, 1, "{outcome}");
    assert!(outcome.stderr.starts_with("error: "), "{outcome}");
    // Nor is a link that leads nowhere.
    std::os::unix::fs::symlink("gone/state.db", environment.path().join("link.db"))
        .expect("a link");
    let outcome = environment.fleet(["list-sites", "--state", "link.db"]);
    assert_eq!(outcome.code, 1, "{outcome}");
    assert!(outcome.stderr.contains("link.db"), "{outcome}");
}

/// A site on a server of the inventory.
fn placed_site() -> Environment {
    let environment = two_sites();
    environment.write(
        "inventory.toml",
        "[servers.sg-1]\naddress = \"192.0.2.1\"\n[servers.jkt-1]\naddress = \"192.0.2.2\"\n",
    );
    environment
}

#[test]
fn a_removal_asks_at_a_terminal_and_needs_a_yes_without_one() {
    let environment = placed_site();
    let unasked = environment.fleet(["remove-site", "example.com"]).expect(2);
    assert_eq!(
        unasked.stderr,
        "error: this needs a yes: remove site `example.com` (with `www.example.com`, `alias.example.com`) from `sg-1`?\n\
         hint: add `--yes`: there is no terminal to ask at\n"
    );
    let arguments = ["remove-site", "example.com", "--no-color"];
    for answer in ["n\n", "\n", "what?\n"] {
        let refused = environment.fleet_answered(&arguments, 80, answer).expect(1);
        let asked = refused.stdout.contains("from `sg-1`? [y/N]");
        assert!(asked, "{refused}");
        assert!(
            refused
                .stdout
                .contains("not confirmed, nothing was changed"),
            "{refused}"
        );
    }
    let kept = environment.fleet(["list-sites", "--json"]).expect(0);
    assert_eq!(kept.json()["sites"].as_array().map(Vec::len), Some(2));
    let tasks = environment.fleet(["list-tasks", "--json"]).expect(0);
    assert_eq!(tasks.json()["tasks"].as_array().map(Vec::len), Some(0));
}

#[test]
fn a_name_that_was_left_out_is_asked_for_at_a_terminal_only() {
    let environment = placed_site();
    let missing = environment.fleet(["add-site", "--stage"]).expect(2);
    assert!(missing.stderr.contains("missing `DOMAIN`"), "{missing}");
    let stage = ["add-site", "--server", "sg-1", "--stage"];
    let empty = environment.fleet_answered(&stage, 80, "\n").expect(2);
    assert!(empty.stdout.contains("nothing was typed"), "{empty}");
    environment
        .fleet_answered(&stage, 80, "typed.example\n")
        .expect(0);
    let list = environment
        .fleet(["list-sites", "typed.example", "--json"])
        .expect(0);
    assert_eq!(list.json()["sites"][0]["placements"][0]["server"], "sg-1");
}

#[test]
fn a_site_is_no_alias_of_itself() {
    let environment = placed_site();
    environment
        .fleet([
            "add-site",
            "self.example",
            "--alias",
            "Self.example,b.example",
            "--server",
            "sg-1",
            "--stage",
        ])
        .expect(0);
    let shown = environment
        .fleet(["show-site", "self.example", "--json"])
        .expect(0)
        .json();
    assert_eq!(
        shown["site"]["spec"]["alias"],
        serde_json::json!(["b.example"])
    );
}

#[test]
fn a_change_of_one_setting_needs_no_other() {
    let environment = Environment::new().with("FLEET_STATE", "state.db");
    environment.write(
        "inventory.toml",
        "[settings]\nssh_config = false\n[servers.sg-1]\naddress = \"192.0.2.1\"\n",
    );
    let path = environment.path().join("state.db");
    let now = NOW.parse().expect("a time");
    let mut state = State::open(&path, now).expect("a new state database");
    state
        .write(|write| {
            let new = NewResource {
                name: &ResourceName::new("cron", "tidy"),
                spec: &json!({ "schedule": "30 3 * * *", "command": "true" }),
                weight: 0,
                ties: &Ties::default(),
            };
            let id = write.insert_resource(&new, now)?;
            write.place(id, &"sg-1".parse().expect("a server's name"))
        })
        .expect("a recorded job");
    drop(state);
    environment
        .fleet(["set-cron", "tidy", "--timeout", "5m", "--stage"])
        .expect(0);
    let state = State::open_read_only(&path).expect("the state database");
    let job = state.read(|read| read.find(&ResourceName::new("cron", "tidy")));
    let spec = job.expect("a readable job").expect("the job").spec;
    assert_eq!(
        (&spec["schedule"], &spec["timeout"]),
        (&json!("30 3 * * *"), &json!("5m"))
    );
    // What is given is checked, also when it is nothing.
    let refused = environment
        .fleet(["set-cron", "tidy", "--schedule", "", "--stage"])
        .expect(2);
    assert!(refused.stderr.contains("schedule"), "{refused}");
}
