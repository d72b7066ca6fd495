//! What `fleet run` records and writes to files, also of what is cut off.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::{Three, three};

/// What is on record of each server: `web-1 done`.
fn recorded(environment: &Three, task: &str) -> Vec<String> {
    let told = environment.fleet(["show-task", task, "--json"]);
    if told.code != 0 {
        return Vec::new();
    }
    let task = told.json();
    let outcomes = task["task"]["outcomes"].as_array().cloned();
    let words = |outcome: &Value| {
        let word = |key: &str| outcome[key].as_str().unwrap_or_default().to_owned();
        format!("{} {}", word("server"), word("status"))
    };
    let mut all: Vec<String> = outcomes.iter().flatten().map(words).collect();
    all.sort();
    all
}

#[test]
fn what_has_answered_before_an_interrupt_is_done_and_not_done_again() {
    let environment = three();
    let (first, go) = (
        environment.path().join("first"),
        environment.path().join("go"),
    );
    // The first one there waits, for a minute at most.
    let line = format!(
        "if mkdir '{}' 2>/dev/null; then for _ in $(seq 600); do [ ! -e '{}' ] || break; sleep 0.1; done; fi; echo well",
        first.display(),
        go.display()
    );
    let running = environment
        .command(["run", "--json", "--output-dir", "results", &line])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("a run");
    let began = Instant::now();
    while recorded(&environment, "1").len() < 2 {
        assert!(
            began.elapsed() < Duration::from_secs(50),
            "nothing is recorded"
        );
        std::thread::sleep(Duration::from_millis(50));
    }
    let interrupted = Command::new("kill")
        .args(["-INT", &running.id().to_string()])
        .status();
    assert!(interrupted.expect("kill").success());
    let ended = running.wait_with_output().expect("an end");
    fs::write(&go, "").expect("a file");
    assert_eq!(ended.status.code(), Some(3));
    let told: Value = serde_json::from_slice(&ended.stdout).expect("JSON");
    assert_eq!(told["stopped"]["reason"], "interrupted", "{told:#}");
    let servers = told["servers"].as_array().expect("servers");
    let with =
        |key: &str, value: &str| servers.iter().filter(|server| server[key] == value).count();
    assert_eq!(
        (with("stdout", "well\n"), with("error", "interrupted")),
        (2, 1),
        "{told:#}"
    );
    let cut = servers
        .iter()
        .find(|server| server["error"] == "interrupted");
    let cut = cut
        .and_then(|server| server["server"].as_str())
        .expect("a name");
    let left = recorded(&environment, "1");
    assert_eq!(left.len(), 3, "{left:?}");
    for line in &left {
        let status = if line.starts_with(cut) {
            "interrupted"
        } else {
            "done"
        };
        assert!(line.ends_with(status), "{left:?}");
    }
    assert!(
        !environment
            .path()
            .join(format!("results/{cut}.err"))
            .exists()
    );
    let again = environment.fleet(["retry", "--json"]).expect(0).json();
    let servers = again["servers"].as_array().expect("servers");
    assert_eq!(servers.len(), 1, "{again:#}");
    assert_eq!(servers[0]["server"], cut, "{again:#}");
}

#[test]
fn a_file_that_cannot_be_written_keeps_nobody_from_being_shown_and_recorded() {
    let environment = three();
    let place = environment.path().join("results/web-1.err");
    let line = format!("mkdir -p '{}'; echo out", place.display());
    let words = ["run", "--parallel", "1", "--output-dir", "results", &line];
    let outcome = environment.fleet(words).expect(3);
    assert_eq!(outcome.stdout, "web-[1-3] (3)\nout\n", "{outcome}");
    assert!(
        outcome
            .stderr
            .contains("error: cannot write `results/web-1.err`"),
        "{outcome}"
    );
    assert_eq!(
        recorded(&environment, "1"),
        ["web-1 done", "web-2 done", "web-3 done"]
    );
    // What cannot be replaced is told before anything runs.
    let refused = environment.fleet(words).expect(1);
    assert!(
        refused
            .stderr
            .contains("cannot replace `results/web-1.err`"),
        "{refused}"
    );
    assert!(recorded(&environment, "2").is_empty());
}

#[test]
fn files_hold_the_bytes_of_this_run_and_nothing_of_an_earlier_one() {
    let environment = three();
    let inventory = environment.read("inventory.toml");
    let closed = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        listener.local_addr().expect("its number").port()
    };
    let away = format!("{inventory}[servers.away]\naddress = \"127.0.0.1\"\nport = {closed}\n");
    environment.write("inventory.toml", &away);
    for name in [
        "away.out",
        "away.err",
        "web-1.out",
        "web-1.err",
        "other.out",
    ] {
        let path = environment.write(&format!("results/{name}"), "yesterday\n");
        fs::set_permissions(path, fs::Permissions::from_mode(0o644)).expect("its mode");
    }
    // One line that is longer than any may be that is shown.
    let line = "printf 'a\\000\\377\\n'; head -c 20000000 /dev/zero; printf z; echo 'no end' >&2";
    environment
        .fleet(["run", "--output-dir", "results", line])
        .expect(3);
    let results = environment.path().join("results");
    let bytes = fs::read(results.join("web-1.out")).expect("a file");
    assert_eq!((&bytes[..4], bytes.len()), (&b"a\0\xff\n"[..], 20_000_005));
    assert_eq!(bytes[20_000_004], b'z');
    assert_eq!(environment.read("results/web-1.err"), "no end\n");
    for name in ["web-1.out", "web-1.err"] {
        let mode = fs::metadata(results.join(name))
            .expect("a file")
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
    assert!(!results.join("away.out").exists() && !results.join("away.err").exists());
    assert_eq!(environment.read("results/other.out"), "yesterday\n");
}

#[test]
fn a_loop_ends_when_nobody_reads_it_any_more() {
    let line = "while :; do echo y; done | head -n 1";
    let words = ["run", "--server", "web-1", "--timeout", "50s", line];
    let outcome = three().fleet(words).expect(0);
    assert_eq!(
        (&*outcome.stdout, &*outcome.stderr),
        ("y\n", ""),
        "{outcome}"
    );
}
