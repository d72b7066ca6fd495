//! `fleet run` as a process, on SSH servers in this process, and on an address where nobody answers.

#[path = "support/environment.rs"]
#[allow(dead_code, reason = "not all of it is used here")]
mod environment;
#[path = "support/sshd.rs"]
mod sshd;

#[path = "run/copy.rs"]
mod copy;
#[path = "load/measure.rs"]
#[allow(dead_code, reason = "not all of it is used here")]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
mod measure;
#[path = "run/outcomes.rs"]
mod outcomes;

use std::ops::Deref;
use std::os::unix::fs::PermissionsExt as _;

use environment::Environment;
use russh::keys::ssh_key::LineEnding;
use sshd::{Behaviour, Sshd, new_key};
use tokio::runtime::Runtime;

/// Three servers with real shells, and an environment that knows them.
struct Three {
    environment: Environment,
    _servers: Vec<Sshd>,
    _runtime: Runtime,
}

impl Deref for Three {
    type Target = Environment;

    fn deref(&self) -> &Environment {
        &self.environment
    }
}

fn three() -> Three {
    three_with(|_| Behaviour::default())
}

fn three_with(behaviour: impl Fn(usize) -> Behaviour) -> Three {
    let runtime = Runtime::new().expect("a runtime");
    let environment = Environment::new().with("FLEET_STATE", "state.db");
    let (mut inventory, mut known, mut servers) = (String::new(), String::new(), Vec::new());
    for number in 1..=3 {
        let server = runtime.block_on(Sshd::start(behaviour(number)));
        let port = server.address.port();
        inventory.push_str(
            &[
                &format!("[servers.web-{number}]"),
                "address = \"127.0.0.1\"",
                &format!("port = {port}"),
                "user = \"me\"\n\n",
            ]
            .join("\n"),
        );
        known += &server.known_hosts_line();
        known += "\n";
        servers.push(server);
    }
    environment.write("inventory.toml", &inventory);
    environment.write("home/.ssh/known_hosts", &known);
    let key = new_key().to_openssh(LineEnding::LF).expect("a key");
    let path = environment.write("home/.ssh/id_ed25519", &key);
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).expect("its mode");
    Three {
        environment,
        _servers: servers,
        _runtime: runtime,
    }
}

#[test]
fn equal_output_is_shown_once_under_the_names_of_all() {
    let outcome = three().fleet(["run", "--", "echo", "hello"]).expect(0);
    assert_eq!(outcome.stdout, "web-[1-3] (3)\nhello\n", "{outcome}");
    assert!(
        outcome.stderr.contains("3 servers: 3 with status 0 in "),
        "{outcome}"
    );
}

#[test]
fn of_a_single_server_the_output_is_printed_alone() {
    let outcome = three()
        .fleet(["run", "--server", "web-2", "printf 'a\\nb'"])
        .expect(0);
    assert_eq!(
        (outcome.stdout.as_str(), outcome.stderr.as_str()),
        ("a\nb\n", "")
    );
}

#[test]
fn several_words_are_arguments_exactly_as_given_and_one_is_a_line() {
    let environment = three();
    let words = [
        "run", "--server", "web-1", "--", "printf", "%s|", "a b", "$HOME", "it's", "; id",
    ];
    assert_eq!(
        environment.fleet(words).expect(0).stdout,
        "a b|$HOME|it's|; id|\n"
    );
    let line = ["run", "--server", "web-1", "x=4; echo $((x + 1)) | cat"];
    assert_eq!(environment.fleet(line).expect(0).stdout, "5\n");
}

#[test]
fn with_diff_those_that_differ_are_shown_by_what_differs() {
    let environment = three();
    let first = environment.path().join("first");
    let line = format!(
        "if mkdir '{}' 2>/dev/null; then echo old; else echo new; fi; echo same",
        first.display()
    );
    let outcome = environment
        .fleet(["run", "--parallel", "1", "--diff", &line])
        .expect(0);
    assert_eq!(
        outcome.stdout, "web-[2-3] (2)\nnew\nsame\n\nweb-1\n@@ -1,2 +1,2 @@\n-new\n+old\n same\n",
        "{outcome}"
    );
}

#[test]
fn statuses_are_summed_up_in_the_exit_code() {
    let environment = three();
    let all = environment.fleet(["run", "echo no >&2; exit 7"]).expect(1);
    assert!(all.stdout.contains("web-[1-3] (3) status 7\nno\n"), "{all}");
    assert!(all.stderr.contains("3 with status 7"), "{all}");
    let only = environment.path().join("only");
    let line = format!("mkdir '{}' 2>/dev/null", only.display());
    let some = environment.fleet(["run", &line]).expect(3);
    assert!(
        some.stderr.contains("1 with status 0, 2 with status 1"),
        "{some}"
    );
    let broken = environment
        .fleet(["run", "--server", "web-1", "if then"])
        .expect(1);
    assert!(
        broken.stdout.to_lowercase().contains("syntax error"),
        "{broken}"
    );
}

#[test]
fn a_server_that_is_away_is_named_and_the_others_are_not_kept_from_it() {
    let environment = three();
    let inventory = environment.read("inventory.toml");
    let closed = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        listener.local_addr().expect("its number").port()
    };
    let away = format!("{inventory}[servers.away]\naddress = \"127.0.0.1\"\nport = {closed}\n");
    environment.write("inventory.toml", &away);
    let outcome = environment.fleet(["run", "--json", "echo here"]).expect(3);
    let servers = outcome.json()["servers"].clone();
    assert_eq!(servers[0]["server"], "away");
    assert_eq!(servers[0]["status"], serde_json::Value::Null);
    assert!(
        servers[0]["error"]
            .as_str()
            .expect("words")
            .contains("refused"),
        "{outcome}"
    );
    assert_eq!(servers[1]["stdout"], "here\n");
    let task = environment
        .fleet(["show-task", "1", "--json"])
        .expect(0)
        .json();
    assert_eq!(task["task"]["command"], "run");
    assert_eq!(
        task["task"]["outcomes"][0]["status"], "unreachable",
        "{task}"
    );
}

#[test]
fn a_script_comes_from_a_file_or_from_standard_input_and_may_end_its_shell() {
    let environment = three();
    let script = "set -eu\ncd /\nfalse || echo \"$PWD\"\nexit 3\n";
    let arguments = ["run", "--server", "web-1", "--script", "-"];
    let outcome = environment.fleet_with_input(arguments, script).expect(1);
    assert_eq!(outcome.stdout, "/\n", "{outcome}");
    assert!(outcome.stderr.contains("1 with status 3"), "{outcome}");
    environment.write("check.sh", "echo from a file");
    let arguments = ["run", "--server", "web-1", "--script", "check.sh"];
    assert_eq!(
        environment.fleet(arguments).expect(0).stdout,
        "from a file\n"
    );
}

#[test]
fn what_is_written_to_files_only_the_owner_can_read() {
    let environment = three();
    let line = "echo out; echo err >&2";
    environment
        .fleet(["run", "--output-dir", "results", line])
        .expect(0);
    assert_eq!(environment.read("results/web-2.out"), "out\n");
    assert_eq!(environment.read("results/web-2.err"), "err\n");
    let file = std::fs::metadata(environment.path().join("results/web-2.out")).expect("a file");
    assert_eq!(file.permissions().mode() & 0o777, 0o600);
}

/// More than fleet may ever need for what servers print, in KiB: 32 MiB are kept, and shown.
const MOST_MEMORY: u64 = 200 * 1024;

#[test]
fn a_server_that_never_stops_talking_takes_no_more_memory_than_its_share() {
    let environment = three();
    let first = environment.path().join("first");
    let line = format!(
        "if mkdir '{}' 2>/dev/null; then yes 'on and on and on and on and on and on'; else echo well; fi",
        first.display()
    );
    let words = ["run", "--json", "--timeout", "5s", &line];
    let ended = measure::run(&environment, "", &words);
    assert_eq!(ended.code, 3, "{ended}");
    assert_eq!(ended.stdout.matches("\"well\\n\"").count(), 2, "{ended}");
    assert!(ended.peak_kib < MOST_MEMORY, "{} KiB", ended.peak_kib);
}

#[test]
fn what_is_left_out_of_much_is_said_and_written_to_files_all_the_same() {
    let environment = three();
    // 12 MB from each, where a third of 32 MiB is kept.
    let line =
        "echo first; yes 0123456789012345678901234567890123456789 | head -c 12300000; echo last";
    let ended = measure::run(&environment, "", &["run", line]);
    assert_eq!(ended.code, 3, "{ended}");
    let from_middle = |part: &str| ended.stdout.contains(part);
    assert!(from_middle("(3)\nfirst\n0123") && from_middle("789\nlast\n"));
    let lines: Vec<&str> = ended.stdout.lines().collect();
    let gap = lines.iter().find(|line| line.starts_with('['));
    assert!(
        gap.is_some_and(|gap| gap.ends_with("MiB, left out]")),
        "{gap:?}"
    );
    assert!(
        ended
            .stderr
            .contains("server `web-2` printed more than its share of 32 MiB"),
        "{ended}"
    );
    assert!(ended.peak_kib < MOST_MEMORY, "{} KiB", ended.peak_kib);
    let words = ["run", "--json", "--output-dir", "all", line];
    let whole = environment.fleet(words).expect(0).json();
    assert!(whole["servers"][1]["left_out_bytes"].as_u64() > Some(0));
    assert_eq!(environment.read("all/web-2.out").len(), 12_300_000 + 11);
}

#[test]
fn what_is_left_out_of_standard_error_is_told() {
    let environment = three();
    let line = |bytes: u32| format!("yes ä | head -c {bytes} >&2; echo out");
    // A letter of two bytes is where what is kept of the beginning ends.
    let words = ["run", "--server", "web-1", &line(20_001)];
    let ended = environment.fleet(words).expect(0);
    assert!(!ended.stdout.contains('\u{fffd}'), "{ended}");
    let long = line(100_000);
    for directory in [&[][..], &["--output-dir", "all"]] {
        let words = [&["run", "--server", "web-1"][..], directory, &[&*long]].concat();
        let ended = environment.fleet(words).expect(3);
        let told = "server `web-1` wrote more than 32 KiB to standard error: 66 KiB of its middle";
        assert!(ended.stderr.contains(told), "{ended}");
    }
    let told = environment
        .fleet(["run", "--json", "--server", "web-1", &long])
        .expect(3)
        .json();
    let server = &told["servers"][0];
    assert_eq!(
        server["stderr_left_out_bytes"],
        100_000 - 32 * 1024,
        "{server:#}"
    );
}

#[test]
fn a_script_from_standard_input_is_kept_sealed_for_a_retry() {
    let environment = three();
    let first = environment.path().join("first");
    let script = format!(
        "password=hunter2\nif mkdir '{0}' 2>/dev/null; then exit 4; fi\necho \"$password\" | wc -c\n",
        first.display()
    );
    let words = ["run", "--json", "--script", "-"];
    let failed = environment.fleet_with_input(words, &script).expect(3);
    let servers = failed.json()["servers"].clone();
    let servers = servers.as_array().expect("servers");
    let left: Vec<_> = servers
        .iter()
        .filter(|server| server["status"] == 4)
        .collect();
    assert_eq!(left.len(), 1, "{failed}");
    let again = environment.fleet(["retry", "--json"]).expect(0);
    let done = again.json()["servers"].clone();
    assert_eq!(done.as_array().map(Vec::len), Some(1), "{again}");
    assert_eq!(
        (&done[0]["server"], &done[0]["stdout"]),
        (&left[0]["server"], &"8\n".into()),
        "{again}"
    );
    for entry in std::fs::read_dir(environment.path())
        .expect("a directory")
        .flatten()
    {
        if entry.file_name().to_string_lossy().starts_with("state.db") {
            let bytes = std::fs::read(entry.path()).expect("a file");
            let found = bytes.windows(7).any(|window| window == b"hunter2");
            assert!(!found, "in clear in {}", entry.path().display());
        }
    }
    // What is too long to be kept is said, and what to do.
    std::fs::remove_dir(&first).expect("it goes");
    let long = format!("{script}#{}\n", "x".repeat(300_000));
    environment.fleet_with_input(words, &long).expect(3);
    let refused = environment.fleet(["retry"]).expect(2);
    assert!(refused.stderr.contains("was not kept"), "{refused}");
}

/// Whether a process is there, and not only its status.
fn runs(pid: &str) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/cmdline")).is_ok_and(|line| !line.is_empty())
}

#[test]
fn a_time_limit_ends_what_runs_on_the_server_and_says_so() {
    let environment = three();
    let line = "echo $$; sleep 600 & echo $!; wait; echo \"it's never said\"";
    let words = ["run", "--server", "web-1", "--timeout", "1s", line];
    let ended = environment.fleet(words).expect(1);
    let pids: Vec<&str> = ended.stdout.lines().take(2).collect();
    for pid in &pids {
        assert!(pid.parse::<u32>().is_ok() && !runs(pid), "{pid}: {ended}");
    }
    let last = ended.stdout.lines().last();
    assert_eq!(last, Some("ended after [TIME] (`--timeout`)"), "{ended}");
    assert!(ended.stderr.contains("1 with status 124"), "{ended}");
    // On a server none would be no limit.
    environment
        .fleet(["run", "--timeout", "0s", "true"])
        .expect(2);
    // Nobody reads a command in a list of processes.
    let line = "ps -o args= -p $PPID; ps -o args= -p $$; : secret";
    let words = ["run", "--server", "web-1", "--timeout", "50s", line];
    let listed = environment.fleet(words).expect(0);
    assert!(!listed.stdout.contains("secret"), "{listed}");
    // What ends in time is as it is without a limit, whatever it says.
    for line in [
        "exit 124",
        "head -c 100000 /dev/zero | tr '\\0' x | head -c 1; cat; exit 3",
    ] {
        let with = environment
            .fleet(["run", "--timeout", "50s", line])
            .expect(1);
        let without = environment.fleet(["run", line]).expect(1);
        assert_eq!(with.stdout, without.stdout);
    }
}

#[test]
fn a_server_in_the_place_of_the_command_is_refused() {
    let environment = three();
    for (words, hint) in [
        (&["web-1", "hostname"][..], "--server web-1 -- hostname"),
        (
            &["web-1", "--", "echo", "a b"],
            "--server web-1 -- echo 'a b'",
        ),
        (&["web-1 df -h"], "--server web-1 -- 'df -h'"),
        (&["web-[12]", "uptime"], "--server 'web-[12]' -- uptime"),
        (&["web-2"], "--server web-2 -- COMMAND"),
    ] {
        let words = ["run"].iter().chain(words);
        let refused = environment.fleet(words).expect(2);
        assert!(
            refused
                .stderr
                .contains(&format!("hint: `fleet run {hint}`")),
            "{refused}"
        );
    }
    // Whoever has said where means it.
    let there = ["run", "--server", "web-*", "--", "web-1"];
    let there = environment.fleet(there).expect(1);
    assert!(there.stdout.contains("web-[1-3] (3) status 127"), "{there}");
    // At a terminal it is said on how many it runs.
    let told = |words: &[&str]| environment.fleet_at_terminal(words, 80).expect(0).stdout;
    let first = "on 3 servers; `--server` chooses";
    assert!(told(&["run", "--no-color", "true"]).contains(first));
    for words in [
        &["run", "-q", "true"][..],
        &["run", "--json", "true"],
        &["run", "--server", "web-*", "true"],
    ] {
        assert!(!told(words).contains("chooses"));
    }
}

#[test]
fn what_says_nothing_to_run_is_a_usage_error() {
    let environment = three();
    environment.fleet(["run"]).expect(2);
    environment
        .fleet(["run", "--script", "a", "--", "b"])
        .expect(2);
    let unknown = environment
        .fleet(["run", "--server", "wbe-1", "true"])
        .expect(2);
    assert!(unknown.stderr.contains("did you mean"), "{unknown}");
}
