//! `fleet doctor`: what is wrong with the set-up is found, with what to do, and nothing is changed.

mod support;

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use serde_json::Value;
use support::environment::{Environment, Outcome};

const HERE: &str = "[settings]\nstate = \"state.db\"\n[servers.here]\ntransport = \"local\"\n";

fn mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("a mode");
}

/// The findings that are not ok: status, check and message; each must have a hint.
#[track_caller]
fn problems(outcome: &Outcome) -> Vec<String> {
    let findings = outcome.json()["doctor"].clone();
    let findings = findings.as_array().expect("a list").iter();
    let wrong = findings.filter(|finding| finding["status"] != "ok");
    wrong
        .map(|finding| {
            assert!(finding["hints"][0].is_string(), "no hint: {finding}");
            let word = |key: &str| finding[key].as_str().unwrap_or_default().to_owned();
            format!("{} {}: {}", word("status"), word("check"), word("message"))
        })
        .collect()
}

#[test]
fn without_anything_it_says_how_to_begin() {
    let environment = Environment::new();
    let outcome = environment.fleet(["doctor"]).expect(1);
    assert!(
        outcome.stdout.contains("bad   inventory  there is none"),
        "{outcome}"
    );
    assert!(
        outcome.stdout.contains("hint: `fleet init` writes one"),
        "{outcome}"
    );
    let left = std::fs::read_dir(environment.path().join("home"))
        .expect("the home")
        .count();
    assert_eq!(left, 0, "something was made");
}

#[test]
fn a_set_up_that_works_is_said_to_be_well() {
    let environment = Environment::new();
    environment.write("inventory.toml", HERE);
    mode(&environment.path().join("inventory.toml"), 0o644);
    environment.fleet(["cordon", "here"]).expect(0);
    let outcome = environment.fleet(["doctor", "--here"]).expect(0);
    assert!(
        outcome.stdout.contains("`[DIR]/state.db` is sound")
            || outcome.stdout.contains("`state.db` is sound"),
        "{outcome}"
    );
    assert!(outcome.stdout.ends_with("\nall is well\n"), "{outcome}");
    let quiet = environment.fleet(["doctor", "--here", "-q"]).expect(0);
    assert_eq!((quiet.stdout.as_str(), quiet.stderr.as_str()), ("", ""));

    // This machine is reached, and has what Debian has; who runs the test may not be root.
    let whole = environment.fleet(["doctor", "--json"]);
    let findings = whole.json()["doctor"].clone();
    let of_server: Vec<&Value> = findings
        .as_array()
        .into_iter()
        .flatten()
        .filter(|f| f["server"] == "here")
        .collect();
    assert!(!of_server.is_empty(), "{whole}");
    assert!([0, 5].contains(&whole.code), "{whole}");
    assert!(
        of_server.iter().all(|f| f["check"] != "connection"),
        "{whole}"
    );
}

#[test]
fn every_problem_is_found_at_once() {
    let environment = Environment::new();
    let text = "[settings]\nstate = \"state.db\"\n[servers.gone]\naddress = \"127.0.0.1\"\nport = 1\nidentity_file = \"key\"\n";
    environment.write("inventory.toml", text);
    environment.fleet(["cordon", "gone"]).expect(0);
    for (file, bits) in [("inventory.toml", 0o666), ("state.db", 0o644)] {
        mode(&environment.path().join(file), bits);
    }
    let found = problems(&environment.fleet(["doctor", "--json"]).expect(1));
    let found = found.join("\n");
    for part in [
        "warn inventory: others may write",
        "can be read by others (mode 0644)",
        "warn known_hosts: no host key is known",
        "bad key file:",
        "bad connection:",
    ] {
        assert!(found.contains(part), "{part}: {found}");
    }
    // When only a server has a problem, the exit code says so.
    mode(&environment.write("key", "a key"), 0o600);
    environment.fleet(["doctor"]).expect(5);
    environment.fleet(["doctor", "--here"]).expect(0);
}

#[test]
fn an_inventory_with_mistakes_is_told_with_all_of_them() {
    let environment = Environment::new();
    environment.write(
        "inventory.toml",
        "[servers.a]\nadress = \"x\"\n[servers.b]\naddress = \"b\"\nport = 0\n",
    );
    let found = problems(&environment.fleet(["doctor", "--json"]).expect(1));
    assert!(found.len() >= 2, "{found:?}");
    assert!(
        found.iter().all(|line| line.starts_with("bad inventory:")),
        "{found:?}"
    );
}

#[test]
fn a_damaged_state_is_found() {
    let environment = Environment::new();
    environment.write("inventory.toml", HERE);
    mode(&environment.path().join("inventory.toml"), 0o644);
    environment.fleet(["cordon", "here"]).expect(0);
    let path = environment.path().join("state.db");
    let mut bytes = std::fs::read(&path).expect("the state");
    // The pages after the first, which has the schema.
    let middle = bytes.len() / 2;
    bytes[middle..].fill(0xa5);
    std::fs::write(&path, bytes).expect("the state");
    let found = problems(&environment.fleet(["doctor", "--here", "--json"]).expect(1));
    assert!(
        found.iter().any(|line| line.starts_with("bad state:")),
        "{found:?}"
    );

    // The first change has made a backup; nothing goes back to it unless somebody asks for that.
    let damaged = std::fs::read(&path).expect("the state");
    environment.fleet(["doctor", "--here"]).expect(1);
    assert!(std::fs::read(&path).expect("the state") == damaged);
    let repaired = environment
        .fleet(["doctor", "--here", "--repair", "--yes"])
        .expect(0);
    assert!(
        repaired.stdout.contains("the state is that of"),
        "{repaired}"
    );
    let aside = std::fs::read_dir(environment.path())
        .expect("its directory")
        .map(|entry| entry.expect("an entry").path())
        .find(|path| {
            let name = path.to_string_lossy();
            name.contains("state.db.aside-") && !name.ends_with("-wal") && !name.ends_with("-shm")
        })
        .expect("the damaged file is kept");
    assert!(std::fs::read(aside).expect("the state") == damaged);
    // It is sound now: there is nothing to repair.
    let whole = environment.fleet(["doctor", "--here", "--repair"]);
    whole.expect(0);
    environment.fleet(["show-server", "here"]).expect(0);

    environment.write(
        "state.db",
        "not a database, and quite long enough to be looked at as one",
    );
    let found = problems(&environment.fleet(["doctor", "--here", "--json"]).expect(1));
    assert!(
        found.iter().any(|line| line.starts_with("bad state:")),
        "{found:?}"
    );
}

#[test]
fn a_state_that_cannot_be_opened_keeps_nothing_else_from_being_found() {
    let environment = Environment::new();
    let text = "[settings]\nstate = \"state.db\"\n[servers.gone]\naddress = \"127.0.0.1\"\nport = 1\nidentity_file = \"key\"\n";
    environment.write("inventory.toml", text);
    environment.fleet(["cordon", "gone"]).expect(0);
    let path = environment.path().join("state.db");
    let log = environment.path().join("state.db-wal");
    for state in [None, Some(""), Some("none that anybody could read at all")] {
        let _ = std::fs::remove_file(&log);
        std::fs::remove_file(&path).expect("a state");
        if let Some(state) = state {
            environment.write("state.db", state);
        }
        let found = problems(&environment.fleet(["doctor", "--json"]).expect(1)).join("\n");
        for part in [
            "bad state:",
            "bad key file:",
            "bad servers: not looked at: the state file",
        ] {
            assert!(found.contains(part), "{state:?}: no `{part}` in {found}");
        }
        let repaired = environment.fleet(["doctor", "--repair", "--yes"]).expect(0);
        let said = "the state is that of";
        assert!(repaired.stdout.contains(said), "{state:?}: {repaired}");
        let cordoned = environment.fleet(["list-servers"]).expect(0);
        assert!(
            cordoned.stdout.contains("cordoned"),
            "{state:?}: {cordoned}"
        );
    }
}
