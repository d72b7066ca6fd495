//! Undo as it is recorded: what comes back, what is refused and why, and what goes along with a removal.

mod support;

use fleet::state::{PlacementResult, State};
use serde_json::Value;
use support::environment::{Environment, NOW, Outcome};

fn environment() -> Environment {
    let environment = Environment::new();
    let server =
        |name: &str| format!("[servers.{name}]\naddress = \"{name}.example.net\"\ncapacity = 3\n");
    environment.write("inventory.toml", &(server("sg-1") + &server("sg-2")));
    environment
}

impl Environment {
    /// Runs a command that is only recorded.
    fn stage(&self, words: &str) -> Outcome {
        let words = words.split_whitespace().chain(["--stage", "--yes"]);
        self.fleet(words)
    }

    fn spec(&self, name: &str) -> Value {
        let shown = self.fleet(["show-site", name, "--json"]).expect(0).json();
        shown["site"].clone()
    }

    fn last_task(&self) -> String {
        let tasks = self
            .fleet(["list-tasks", "--json", "-n", "1"])
            .expect(0)
            .json();
        tasks["tasks"][0]["id"].to_string()
    }
}

#[test]
fn a_setting_goes_back_and_later_ones_stay() {
    let environment = environment();
    environment
        .stage("add-site example.com --server sg-1 --cache 1d")
        .expect(0);
    let as_added = environment.spec("example.com");
    environment
        .stage("set-site example.com --cache 30d --alias a.example.com")
        .expect(0);
    environment
        .stage("set-site example.com --alias a.example.com,b.example.com")
        .expect(0);
    environment.stage("suspend-site example.com").expect(0);
    environment.stage("undo 2").expect(0);
    let there = environment.spec("example.com");
    assert_eq!(there["spec"]["cache"], "1d");
    assert_eq!(there["spec"]["alias"], serde_json::json!(["b.example.com"]));
    assert_eq!(there["suspended"], true);
    // An undo can be undone.
    environment.stage("undo 5").expect(0);
    assert_eq!(environment.spec("example.com")["spec"]["cache"], "30d");
    environment.stage("undo 6").expect(0);
    environment.stage("undo 4").expect(0);
    environment.stage("undo 3").expect(0);
    let there = environment.spec("example.com");
    assert_eq!(there["spec"], as_added["spec"]);
    assert_eq!(there["suspended"], false);
    // Its names are claimed as the settings are.
    environment
        .stage("add-site b.example.com --server sg-1")
        .expect(0);
}

#[test]
fn what_later_tasks_changed_is_refused_with_their_numbers() {
    let environment = environment();
    environment
        .stage("add-site example.com --server sg-1")
        .expect(0);
    environment
        .stage("set-site example.com --cache 1d")
        .expect(0);
    environment
        .stage("set-site example.com --cache 2d")
        .expect(0);
    let refused = environment.stage("undo 2").expect(2);
    let expected = "error: site example.com: task 3 (`set-site`) has changed `cache` since";
    assert!(refused.stderr.contains(expected), "{refused}");
    assert!(refused.stderr.contains("fleet undo 3"), "{refused}");
    let refused = environment.stage("undo 1").expect(2);
    assert!(
        refused
            .stderr
            .contains("tasks 2 (`set-site`), 3 (`set-site`) have changed it"),
        "{refused}"
    );
    // Nothing of a refused undo is recorded.
    assert_eq!(environment.last_task(), "3");
    environment.stage("undo 2 --force").expect(0);
    assert_eq!(
        environment.spec("example.com")["spec"]["cache"],
        Value::Null
    );
    environment.stage("undo 1 --force").expect(0);
    assert_ne!(environment.spec("example.com")["removed_at"], Value::Null);
    let unknown = environment.stage("undo 99").expect(2);
    assert!(unknown.stderr.contains("there is no task 99"), "{unknown}");
}

#[test]
fn what_was_removed_gets_its_place_back_if_there_is_room() {
    let environment = environment();
    environment
        .stage("add-site example.com --server sg-1 --weight 2 --alias a.example.com")
        .expect(0);
    environment.stage("remove-site example.com").expect(0);
    environment
        .fleet(["set-site", "example.com", "--cache", "1d"])
        .expect(2);
    // As if the server had followed: nothing of it is there any more.
    let state = environment.path().join("home/.local/share/fleet/state.db");
    let now = support::environment::NOW.parse().expect("a time");
    let mut open = fleet::state::State::open(&state, now).expect("a state database");
    let gone: Result<(), fleet::diagnostic::Diagnostic> = open.write(|write| {
        let server = "sg-1".parse().expect("a name");
        write.settle_placement(1, &server, &fleet::state::PlacementResult::Removed)
    });
    gone.expect("it is gone");
    environment
        .stage("add-site full.example.com --server sg-1 --weight 2")
        .expect(0);
    let full = environment.stage("undo 2").expect(4);
    assert!(
        full.stderr.contains("full: 2 of 3 units used, 2 wanted"),
        "{full}"
    );
    environment.stage("undo 2 --force").expect(0);
    let there = environment.spec("example.com");
    assert_eq!(there["placements"][0]["server"], "sg-1");
    assert_eq!(there["placements"][0]["from_trash"], 2);
    assert_eq!(there["weight"], 2);
    // Twice is once too often.
    let again = environment.stage("undo 2").expect(2);
    assert!(again.stderr.contains("it exists again"), "{again}");
    // What has taken its name meanwhile is in the way.
    environment.stage("remove-site example.com").expect(0);
    environment
        .stage("add-site a.example.com --server sg-2")
        .expect(0);
    let taken = environment.stage("undo 5 --force").expect(2);
    assert!(
        taken.stderr.contains("belongs to site a.example.com"),
        "{taken}"
    );
}

#[test]
fn a_removal_asks_for_what_else_goes() {
    let environment = environment();
    environment
        .stage("add-site example.com --server sg-1 --alias a.example.com")
        .expect(0);
    let asked = environment
        .fleet(["remove-site", "example.com", "--stage"])
        .expect(2);
    assert!(
        asked
            .stderr
            .contains("(with `www.example.com`, `a.example.com`)")
            || asked
                .stderr
                .contains("(with `a.example.com`, `www.example.com`)"),
        "{asked}"
    );
    environment
        .stage("add-cron backup --schedule @daily --command true --site example.com")
        .expect(0);
    let refused = environment.stage("remove-site example.com").expect(2);
    assert!(
        refused
            .stderr
            .contains("1 resource depends on site `example.com`"),
        "{refused}"
    );
    assert!(refused.stderr.contains("cron backup"), "{refused}");
    assert!(refused.stderr.contains("hint: `--cascade`"), "{refused}");
    // The undo of what made it is no way round.
    let refused = environment.stage("undo 1").expect(2);
    assert!(
        refused.stderr.contains("remove-site example.com --cascade"),
        "{refused}"
    );
    let gone = environment
        .fleet([
            "remove-site",
            "example.com",
            "--cascade",
            "--stage",
            "--yes",
            "--json",
        ])
        .expect(0)
        .json();
    assert_eq!(
        gone["resources"],
        serde_json::json!(["cron backup", "site example.com"])
    );
    let gone = environment
        .fleet(["show-cron", "backup", "--recorded"])
        .expect(0);
    assert!(gone.stdout.contains("removing"), "{gone}");
    environment.stage("undo 3").expect(0);
    environment
        .fleet(["show-cron", "backup", "--recorded"])
        .expect(0);
    let site = environment.spec("example.com");
    assert_eq!(site["spec"]["alias"][0], "a.example.com");
}

#[test]
fn what_changed_nothing_cannot_be_undone() {
    let environment = environment();
    environment.fleet(["cordon", "sg-1"]).expect(0);
    let refused = environment.stage("undo 1").expect(2);
    assert!(
        refused.stderr.contains("there is nothing to undo"),
        "{refused}"
    );
    environment.stage("undo 0").expect(2);
}

#[test]
fn a_zone_stays_when_the_site_goes_that_its_records_follow() {
    let environment = environment();
    let inventory = "[servers.sg-1]\naddress = \"192.0.2.1\"\nroles = [\"web\", \"dns\"]\n";
    environment.write("inventory.toml", inventory);
    let zone = || {
        let shown = environment
            .fleet(["show-zone", "example.com", "--recorded", "--json"])
            .expect(0);
        shown.json()["zone"]["spec"].to_string()
    };
    environment
        .stage("add-site example.com --server sg-1")
        .expect(0);
    environment
        .stage("add-zone example.com --server sg-1")
        .expect(0);
    environment
        .stage("add-record example.com shop A site:example.com")
        .expect(0);
    assert!(zone().contains("site:example.com"), "{}", zone());
    let refused = environment.stage("remove-site example.com").expect(2);
    assert!(refused.stderr.contains("zone example.com"), "{refused}");
    environment
        .stage("remove-site example.com --cascade")
        .expect(0);
    assert!(!zone().contains("site:example.com"), "{}", zone());
    environment.stage("undo 4").expect(0);
    assert!(zone().contains("site:example.com"), "{}", zone());
    environment.spec("example.com");
}

#[test]
fn what_is_undone_already_says_so() {
    let environment = environment().with("FLEET_STATE", "state.db");
    environment
        .stage("add-site example.com --server sg-1")
        .expect(0);
    environment.stage("undo 1").expect(0);
    let now = NOW.parse().expect("a time");
    let mut state = State::open(&environment.path().join("state.db"), now).expect("a state");
    let server = "sg-1".parse().expect("a name");
    state
        .write(|write| write.settle_placement(1, &server, &PlacementResult::Removed))
        .expect("a record");
    drop(state);
    let again = environment.fleet(["undo", "1"]).expect(0);
    assert!(again.stderr.contains("nothing to do"), "{again}");
}

#[test]
fn what_is_removed_and_still_on_a_server_is_shown_until_it_has_gone() {
    let environment = environment();
    environment
        .stage("add-site example.com --server sg-1")
        .expect(0);
    environment.stage("remove-site example.com").expect(0);
    // As if the server had refused it.
    let state = environment.path().join("home/.local/share/fleet/state.db");
    let settle = |result: PlacementResult| {
        let mut open = State::open(&state, NOW.parse().expect("a time")).expect("a state database");
        let server = "sg-1".parse().expect("a name");
        open.write(|write| write.settle_placement(1, &server, &result))
            .expect("it is recorded");
    };
    settle(PlacementResult::Failed {
        reason: "no space is left".to_owned(),
    });
    let listed = environment.fleet(["list-sites"]).expect(0);
    assert!(
        listed.stdout.contains("example.com  sg-1    removing"),
        "{listed}"
    );
    let shown = environment.fleet(["show-site", "example.com"]).expect(0);
    for part in ["removing: no space is left", "removed"] {
        assert!(shown.stdout.contains(part), "{shown}");
    }
    // Neither way out is left to be guessed.
    for line in [
        "remove-site example.com",
        "remove-site example.com --force",
        "set-site example.com --cache 1d",
    ] {
        let refused = environment.stage(line).expect(2);
        assert_eq!(
            refused.stderr,
            "error: site `example.com` is removed, but has not gone from its servers yet\n  \
             still on `sg-1`: no space is left\n\
             hint: `fleet apply` goes on with its removal\n\
             hint: `fleet undo 2` keeps it\n"
        );
    }
    environment.stage("undo 2").expect(0);
    environment
        .fleet(["set-site", "example.com", "--cache", "1d", "--stage"])
        .expect(0);
    // Removed again, and something else under its name: both are told.
    environment.stage("remove-site example.com").expect(0);
    environment
        .stage("add-site example.com --server sg-2")
        .expect(0);
    let listed = environment.fleet(["list-sites", "--json"]).expect(0).json();
    assert_eq!(listed["sites"].as_array().map(Vec::len), Some(2));
    assert_eq!(environment.spec("example.com")["removed_at"], Value::Null);
    settle(PlacementResult::Removed);
    let listed = environment.fleet(["list-sites", "--json"]).expect(0).json();
    assert_eq!(listed["sites"].as_array().map(Vec::len), Some(1));
}
