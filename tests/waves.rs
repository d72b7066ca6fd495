//! Waves and retries: who is begun when, what stops a run, and what goes on from there.
#![allow(clippy::format_push_string, reason = "a test reads better with it")]

#[path = "support/environment.rs"]
#[allow(dead_code, reason = "not all of it is used here")]
mod environment;
#[path = "support/sshd.rs"]
mod sshd;

use std::os::unix::fs::PermissionsExt as _;

use environment::Environment;
use russh::keys::ssh_key::LineEnding;
use sshd::{Behaviour, Sshd, new_key};
use tokio::runtime::Runtime;

/// Servers with real shells, and an environment that knows them and has looked at them once.
struct Shells {
    environment: Environment,
    servers: Vec<Sshd>,
    _runtime: Runtime,
}

fn shells(count: usize, settings: &str) -> Shells {
    let runtime = Runtime::new().expect("a runtime");
    let environment = Environment::new().with("FLEET_STATE", "state.db");
    let mut inventory = format!("[settings]\nssh_config = false\n{settings}\n");
    let (mut known, mut servers) = (String::new(), Vec::new());
    for number in 1..=count {
        let server = runtime.block_on(Sshd::start(Behaviour::default()));
        let port = server.address.port();
        inventory.push_str(&format!(
            "[servers.web-{number}]\naddress = \"127.0.0.1\"\nport = {port}\nroles = []\n"
        ));
        known += &server.known_hosts_line();
        known += "\n";
        servers.push(server);
    }
    environment.write("inventory.toml", &inventory);
    environment.write("home/.ssh/known_hosts", &known);
    let key = new_key().to_openssh(LineEnding::LF).expect("a key");
    let path = environment.write("home/.ssh/id_ed25519", &key);
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).expect("its mode");
    // What is the matter with this machine already does not stop a wave.
    environment.fleet(["health"]);
    Shells {
        environment,
        servers,
        _runtime: runtime,
    }
}

impl Shells {
    /// A line that notes in a file which server it ran on, and fails on `broken` while `sound` is missing there.
    fn line(&self, broken: usize) -> String {
        let directory = self.environment.path().display();
        let port = self.servers[broken - 1].address.port();
        format!(
            "port=${{SSH_CONNECTION##* }}; echo $port >>{directory}/ran; \
             [ $port != {port} ] || [ -e {directory}/sound ]"
        )
    }

    /// The servers on which it ran, by their numbers, in that order.
    fn ran(&self) -> Vec<usize> {
        let ports = self.environment.read("ran");
        let number = |port: &str| {
            let mut servers = self.servers.iter();
            let at = servers.position(|server| server.address.port().to_string() == port);
            at.expect("a server") + 1
        };
        ports.lines().map(number).collect()
    }
}

#[test]
fn a_broken_canary_stops_a_run_and_a_retry_goes_on() {
    let fleet = shells(4, "");
    let line = fleet.line(2);
    let stopped = fleet
        .environment
        .fleet(["run", "--waves", "web-2,1,100%", &line])
        .expect(3);
    for part in [
        "wave 1 of 3: web-2 (1 server)",
        "stopped after wave 1 of 3: web-2 failed",
        "not begun: web-[1,3-4] (3 servers)",
        "`fleet retry 1` goes on",
    ] {
        assert!(stopped.stderr.contains(part), "no `{part}`: {stopped}");
    }
    assert_eq!(fleet.ran(), [2]);

    fleet.environment.write("sound", "");
    let again = fleet.environment.fleet(["retry", "--json"]).expect(0);
    assert_eq!(
        again.json()["servers"].as_array().map(Vec::len),
        Some(4),
        "{again}"
    );
    assert_eq!(fleet.ran()[..3], [2, 2, 1], "the canary first again");
    let task = fleet.environment.fleet(["show-task", "2", "--json"]).json();
    assert_eq!(task["task"]["retry_of"], 1, "{task:#}");
    assert_eq!(task["task"]["command"], "retry", "{task:#}");

    let nothing = fleet.environment.fleet(["retry"]).expect(0);
    assert!(
        nothing.stderr.contains("nothing to do: task 2"),
        "{nothing}"
    );
    assert_eq!(fleet.ran().len(), 5);
}

#[test]
fn a_passphrase_is_asked_for_once_whatever_the_number_of_waves() {
    let fleet = shells(3, "");
    let key = new_key()
        .encrypt(&mut russh::keys::key::safe_rng(), "open")
        .expect("an encrypted key");
    let key = key.to_openssh(LineEnding::LF).expect("a key");
    fleet.environment.write("home/.ssh/id_ed25519", &key);
    // Bash makes it a pipe, which is empty when it is read a second time.
    let template = fleet
        .environment
        .command(["run", "--waves", "1,1,100%", "echo in"]);
    let line = "FLEET_KEY_PASSPHRASE_FILE=<(echo open) exec \"$0\" \"$@\"";
    let mut command = std::process::Command::new("bash");
    command
        .args(["-c", line])
        .arg(template.get_program())
        .args(template.get_args())
        .current_dir(fleet.environment.path())
        .env_clear();
    for (name, value) in template.get_envs() {
        command.env(name, value.unwrap_or_default());
    }
    let output = command.output().expect("bash");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{stderr}");
    assert!(stderr.contains("wave 3 of 3"), "{stderr}");
}

#[test]
fn as_many_may_fail_as_is_said_and_settings_are_the_default() {
    let fleet = shells(4, "waves = \"1\"\nmax_failures = \"25%\"");
    let line = fleet.line(1);
    let all = fleet.environment.fleet(["run", &line]).expect(3);
    assert!(all.stderr.contains("wave 4 of 4: web-4"), "{all}");
    assert_eq!(fleet.ran(), [1, 2, 3, 4]);
    let stricter = fleet
        .environment
        .fleet(["run", "--max-failures", "0", "--json", &line])
        .expect(3);
    assert_eq!(stricter.json()["stopped"]["wave"], 1, "{stricter}");
    let at_once = fleet.environment.fleet(["run", "--waves", "100%", &line]);
    assert!(!at_once.expect(3).stderr.contains("wave"));
}

#[test]
fn a_server_that_is_unwell_after_its_wave_stops_the_next() {
    let fleet = shells(2, "");
    // Its host key is not known any more: the look after the wave fails.
    let known = fleet.environment.path().join("home/.ssh/known_hosts");
    let line = format!("rm {}", known.display());
    let stopped = fleet
        .environment
        .fleet(["run", "--waves", "1", "--json", &line])
        .expect(3);
    let value = stopped.json();
    assert_eq!(value["stopped"]["reason"], "web-1 is not well", "{stopped}");
    assert_eq!(
        value["servers"].as_array().map(Vec::len),
        Some(1),
        "{stopped}"
    );
}

/// An inventory of servers that nobody listens at.
fn away() -> Environment {
    let environment = Environment::new();
    let mut inventory = String::from("[settings]\nstate = \"state.db\"\nssh_config = false\n");
    for number in 1..=3 {
        inventory.push_str(&format!(
            "[servers.sg-{number}]\naddress = \"127.0.0.{number}\"\nport = 1\n"
        ));
    }
    environment.write("inventory.toml", &inventory);
    for number in 1..=3 {
        let site = format!("s{number}.example");
        let server = format!("sg-{number}");
        environment
            .fleet(["add-site", &site, "--server", &server, "--stage"])
            .expect(0);
    }
    environment
}

#[test]
fn a_server_that_is_away_stops_nothing_unless_that_is_asked_for() {
    let environment = away();
    let went_on = environment.fleet(["apply", "--waves", "1"]).expect(3);
    assert!(
        went_on.stderr.contains("wave 3 of 3: sg-3 (1 server)"),
        "{went_on}"
    );
    assert!(!went_on.stderr.contains("stopped"), "{went_on}");

    let stopped = environment
        .fleet(["apply", "--waves", "1", "--away-fails", "--json"])
        .expect(3)
        .json();
    assert_eq!(stopped["stopped"]["reason"], "sg-1 failed", "{stopped:#}");
    let outcomes = stopped["servers"].as_array().expect("servers").iter();
    let outcomes: Vec<String> = outcomes
        .map(|server| server["outcome"].to_string())
        .collect();
    assert_eq!(outcomes, ["\"unreachable\"", "\"waiting\"", "\"waiting\""]);
    let task = environment
        .fleet(["show-task", &stopped["task"].to_string()])
        .expect(0);
    assert!(
        task.stdout.contains("an earlier wave was not well"),
        "{task}"
    );

    // It goes on as the task was told to go.
    let again = environment
        .fleet(["retry", &stopped["task"].to_string()])
        .expect(3);
    for part in [
        "again sg-[1-3] (3 servers) of task 5",
        "stopped after wave 1 of 3",
    ] {
        assert!(again.stderr.contains(part), "no `{part}`: {again}");
    }
    let chosen = environment
        .fleet(["retry", "--waves", "100%", "--dry-run"])
        .expect(3);
    assert!(!chosen.stderr.contains("wave 1 of"), "{chosen}");
}

#[test]
fn what_cannot_be_retried_is_refused_with_what_to_do_instead() {
    let environment = away();
    for (arguments, part) in [
        (&["retry", "99"][..], "there is no task 99"),
        (&["retry", "1"], "nothing to do: task 1"),
        (&["retry"], "none of the newest 200 tasks went over servers"),
        (&["apply", "--waves", "0"], "has no end"),
        (&["apply", "--waves", "1", "--require-all"], "--require-all"),
        (&["apply", "--waves", "sg-9"], "unknown server `sg-9`"),
        (&["apply", "--max-failures", "lots"], "neither a number"),
    ] {
        let outcome = environment.fleet(arguments);
        assert!(outcome.stderr.contains(part), "no `{part}`: {outcome}");
    }
}

#[test]
fn a_task_that_was_killed_does_not_run_in_the_process_that_has_its_number_now() {
    let fleet = shells(1, "");
    fleet.environment.fleet(["run", "--", "false"]).expect(1);
    // In a container each fleet is process 1.
    let template = fleet.environment.command(["retry", "1"]);
    let mut command = std::process::Command::new("sh");
    command
        .args(["-c", "read -r _ && exec \"$@\"", "sh"])
        .arg(template.get_program())
        .args(template.get_args())
        .current_dir(fleet.environment.path())
        .env_clear()
        .envs(
            template
                .get_envs()
                .filter_map(|(name, value)| Some((name, value?))),
        )
        .stdin(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped());
    let mut child = command.spawn().expect("a shell");
    let state = rusqlite::Connection::open(fleet.environment.path().join("state.db"));
    let killed = "UPDATE tasks SET exit_code = NULL, ended_at = NULL, process = $1 WHERE id = 1";
    let state = state.expect("the state");
    state.execute(killed, [child.id()]).expect("a task");
    drop(state);
    let mut stdin = child.stdin.take().expect("its input");
    std::io::Write::write_all(&mut stdin, b"go\n").expect("it reads");
    let output = child.wait_with_output().expect("it ends");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("again web-1 (1 server) of task 1"), "{said}");
}
