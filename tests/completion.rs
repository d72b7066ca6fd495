//! Completion: what `fleet complete` says, and that bash, zsh and fish offer it while a line is typed.

mod support;

use std::fmt::Write as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use fleet::kind::Ties;
use fleet::model::ResourceName;
use fleet::state::{NewResource, State};
use serde_json::{Value, json};
use support::environment::Environment;

const INVENTORY: &str = r#"
[settings]
state = "state.db"
[servers.sg-1]
address = "192.0.2.1"
region = "singapore"
labels = { tier = "gold" }
[servers.sg-2]
address = "192.0.2.2"
region = "singapore"
[servers.jkt-1]
address = "192.0.2.3"
region = "jakarta"
[notifications.ops]
type = "ntfy"
url = "https://ntfy.example.com/ops"
[notifications.chat]
type = "mail"
to = ["ops@example.com"]
"#;

fn record(state: &mut State, resources: &[(&str, String, Value)]) {
    let now = "2026-01-02T03:04:05Z".parse().expect("a time");
    let work = |write: &fleet::state::Write<'_>| {
        for (kind, name, spec) in resources {
            let new = NewResource {
                name: &ResourceName::new(*kind, name),
                spec,
                weight: 1,
                ties: &Ties::default(),
            };
            write.insert_resource(&new, now)?;
        }
        Ok::<_, fleet::diagnostic::Diagnostic>(())
    };
    state.write(work).expect("recorded resources");
}

/// An inventory and a state with some of everything.
fn fleet() -> Environment {
    let environment = Environment::new();
    environment.write("inventory.toml", INVENTORY);
    let now = "2026-01-02T03:04:05Z".parse().expect("a time");
    let path = environment.path().join("state.db");
    let mut state = State::open(&path, now).expect("a new state");
    let site = |name: &str| ("site", name.to_owned(), json!({}));
    let records = json!({ "records": [
        { "name": "@", "type": "MX", "values": ["10 mail.example.net."] },
        { "name": "www", "type": "A", "values": ["192.0.2.7", "192.0.2.8"] },
        { "name": "*.dev", "type": "A", "values": ["192.0.2.9"] },
    ]});
    record(
        &mut state,
        &[
            site("example.com"),
            site("example.net"),
            site("other.org"),
            ("zone", "example.com".to_owned(), records),
            ("cron", "nightly".to_owned(), json!({})),
            (
                "database",
                "shop".to_owned(),
                json!({ "users": { "shop": {}, "report": {} } }),
            ),
            (
                "firewall",
                "fleet".to_owned(),
                json!({
                    "sets": { "office": ["192.0.2.0/24", "2001:db8::/48"] },
                    "bans": { "198.51.100.7": { "since": "2026-01-01T00:00:00Z" } },
                }),
            ),
        ],
    );
    environment
}

/// What fleet says after the line, without what it means; the first word is the directive.
fn answer(environment: &Environment, line: &str) -> String {
    let outcome = environment
        .fleet(["complete", "bash", "--line", line])
        .expect(0);
    assert_eq!(outcome.stderr, "", "{line}");
    let words = outcome
        .stdout
        .lines()
        .map(|line| line.split('\t').next().unwrap_or_default());
    words.collect::<Vec<_>>().join(" ")
}

#[test]
fn everything_that_is_named_is_offered() {
    let environment = fleet();
    for (line, expected) in [
        ("fleet show-si", "values show-site"),
        (
            "fleet show-site ",
            "values example.com example.net other.org",
        ),
        ("fleet show-site example.n", "values example.net"),
        ("fleet --json show-site o", "values other.org"),
        ("fleet show-site 'exa", "values example.com example.net"),
        ("fleet show-site other.org ", "values"),
        ("fleet list-sites other.org o", "values other.org"),
        ("fleet show-zone ", "values example.com"),
        ("fleet run-cron n", "values nightly"),
        ("fleet show-server s", "values sg-1 sg-2"),
        ("fleet add-site new.org --server j", "values jkt-1"),
        ("fleet add-site new.org --server=j", "values --server=jkt-1"),
        (
            "fleet add-site new.org --region ",
            "values jakarta singapore",
        ),
        ("fleet add-site new.org --label ", "values tier=gold"),
        ("fleet health --server r", "values region= role="),
        (
            "fleet health --server sg-1,region=",
            "values sg-1,region=jakarta sg-1,region=singapore",
        ),
        (
            "fleet health --server \\!label:t",
            "values \\!label:tier=gold",
        ),
        ("fleet plan sit", "values site:"),
        ("fleet plan s", "values shop site:"),
        ("fleet plan site:o", "values site:other.org"),
        ("fleet list-records example.com ", "values \\*.dev @ www"),
        (
            "fleet remove-record example.com www a ",
            "values 192.0.2.7 192.0.2.8",
        ),
        ("fleet add-record example.com www CNA", "values CNAME"),
        ("fleet remove-database-user shop r", "values report"),
        ("fleet add-database-user shop r", "values"),
        ("fleet remove-addresses o", "values office"),
        (
            "fleet remove-addresses office ",
            "values 192.0.2.0/24 2001:db8::/48",
        ),
        ("fleet unban-address 1", "values 198.51.100.7"),
        ("fleet test-notification ", "values chat ops"),
        ("fleet test-notification chat o", "values ops"),
        ("fleet maintenance r", "values region= role="),
        ("fleet break-lock j", "values jkt-1"),
        ("fleet set-site other.org --unset hs", "values hsts"),
        ("fleet health --site other", "values other.org"),
        ("fleet logs --site ex", "values example.com example.net"),
        ("fleet logs --service p", "values php pdns postgres"),
        (
            "fleet add-zone new.org --template m",
            "values mail microsoft365",
        ),
        ("fleet set-server sg-1 --transport l", "values local"),
        ("fleet setup-server sg-1 --role d", "values dns database"),
        ("fleet run --script ", "files"),
        ("fleet run --output-dir ", "directories"),
        ("fleet run --server sg-1 --time", "values --timeout"),
        ("fleet plan --no-c", "values --no-color"),
        ("fleet frobnicate ", "values"),
    ] {
        let expected = expected.trim_end();
        assert_eq!(answer(&environment, line), expected, "{line}");
    }
    // A flag that may be given once is not offered again.
    assert!(!answer(&environment, "fleet plan --json --j").contains("--json"));
    // Tasks come with what they did, the last first.
    environment.fleet(["cordon", "sg-1"]).expect(0);
    let tasks = environment
        .fleet(["complete", "fish", "--", "fleet", "show-task", ""])
        .expect(0);
    assert_eq!(tasks.stdout, "values\n1\tcordon sg-1\n");
}

#[test]
fn without_a_fleet_nothing_is_said_and_nothing_is_made() {
    let environment = Environment::new();
    let lines = [
        "fleet show-site ",
        "fleet show-server ",
        "fleet plan --server ",
        "fleet show-task ",
    ];
    let empty = |environment: &Environment, more: &str| {
        for line in lines {
            let said = answer(environment, &format!("{line}{more}"));
            let names = said
                .split(' ')
                .filter(|word| !word.ends_with('=') && *word != "values");
            assert_eq!(names.count(), 0, "{line}: {said}");
        }
    };
    empty(&environment, "");
    let left = std::fs::read_dir(environment.path().join("home"))
        .expect("the home")
        .count();
    assert_eq!(left, 0);

    environment.write("inventory.toml", "[servers.sg-1\n");
    empty(&environment, "");
    environment.write("inventory.toml", "[settings]\nstate = \"state.db\"\n");
    environment.write("state.db", "this is no database, whatever its name says");
    empty(&environment, "");
    // A pipe that nobody writes to is not waited for.
    let pipe = environment.path().join("pipe");
    let made = Command::new("mkfifo").arg(&pipe).status().expect("mkfifo");
    assert!(made.success());
    let environment = environment.with("FLEET_INVENTORY", &pipe.to_string_lossy());
    empty(&environment, "");
}

#[test]
fn a_state_that_is_locked_is_not_waited_for() {
    let environment = fleet();
    let path = environment.path().join("state.db");
    let locked = rusqlite::Connection::open(path).expect("the state");
    // In the rollback journal a writer keeps readers out; so does this in the write-ahead log.
    locked
        .pragma_update(None, "locking_mode", "exclusive")
        .expect("a switch");
    locked
        .pragma_update_and_check(None, "journal_mode", "delete", |_| Ok(()))
        .expect("a switch");
    locked.execute_batch("BEGIN EXCLUSIVE").expect("the lock");
    let started = Instant::now();
    assert_eq!(answer(&environment, "fleet show-site "), "values");
    // The usual patience is 10 s.
    assert!(
        started.elapsed() < Duration::from_secs(8),
        "{:?}",
        started.elapsed()
    );
}

#[test]
fn of_very_many_the_first_and_the_last_are_offered() {
    let environment = fleet();
    let now = "2026-01-02T03:04:05Z".parse().expect("a time");
    let mut state = State::open(&environment.path().join("state.db"), now).expect("the state");
    let many: Vec<_> = (0..1000)
        .map(|n| ("site", format!("n{n:03}.example.org"), json!({})))
        .collect();
    record(&mut state, &many);
    drop(state);
    let said = answer(&environment, "fleet show-site n");
    let words: Vec<&str> = said.split(' ').collect();
    assert_eq!(words.len(), 201);
    // Were the last one missing, a shell would take `n1` for the beginning of all of them.
    assert_eq!(
        (words[1], words[200]),
        ("n000.example.org", "n999.example.org")
    );
}

/// Types lines into an interactive shell at a terminal, and returns what came of it.
fn typed(environment: &Environment, shell: &[&str], lines: &str) -> String {
    let directory = std::path::Path::new(env!("CARGO_BIN_EXE_fleet"))
        .parent()
        .expect("a directory");
    let path = std::env::var("PATH").unwrap_or_default();
    let mut line = String::new();
    for word in shell {
        write!(line, "{} ", fleet::shell::quote(word)).expect("text");
    }
    // A line that is not understood as it is meant here would leave the shell waiting for more.
    let mut child = Command::new("timeout")
        .args([
            "60",
            "script",
            "--quiet",
            "--return",
            "--command",
            &line,
            "/dev/null",
        ])
        .current_dir(environment.path())
        .env_clear()
        .envs(
            environment
                .command([""; 0])
                .get_envs()
                .filter_map(|(name, value)| Some((name, value?))),
        )
        .env("PATH", format!("{}:{path}", directory.display()))
        .env("SHELL", "/bin/sh")
        .env("PS1", "$ ")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("script(1)");
    let mut stdin = child.stdin.take().expect("its input");
    std::io::Write::write_all(&mut stdin, lines.as_bytes()).expect("a shell that reads");
    drop(stdin);
    let output = child.wait_with_output().expect("its end");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn script(name: &str) -> String {
    format!("{}/completions/{name}", env!("CARGO_MANIFEST_DIR"))
}

/// A command line with tabs, and what it prints once they have completed it.
const TYPED: [(&str, &str); 4] = [
    ("fleet show-serv\tjk\t--js\t", r#""name": "jkt-1""#),
    (
        "fleet list-servers region=ja\t--js\t",
        r#""region": "jakarta""#,
    ),
    ("fleet show-site ot\t--json", r#""name": "other.org""#),
    (
        "fleet list-records example.com \\*.d\t--js\t",
        r#""192.0.2.9""#,
    ),
];

#[test]
fn bash_completes_a_line_that_is_typed() {
    let environment = fleet();
    for (line, expected) in TYPED {
        let lines = format!(". {}\n{line}\nexit\n", script("fleet.bash"));
        let seen = typed(&environment, &["bash", "--norc", "-i"], &lines);
        assert!(seen.contains(expected), "{line}: {seen}");
    }
}

#[test]
fn zsh_completes_a_line_that_is_typed() {
    let environment = fleet();
    for (line, expected) in TYPED {
        let start = format!(
            "autoload -U compinit; compinit -u -D; . {}",
            script("_fleet")
        );
        let lines = format!("{start}\n{line}\nexit\n");
        let seen = typed(&environment, &["zsh", "-f", "-i"], &lines);
        assert!(seen.contains(expected), "{line}: {seen}");
    }
}

#[test]
fn fish_offers_what_can_follow() {
    let environment = fleet();
    environment.write("check.sh", "true\n");
    environment.write("results/sg-1", "");
    let directory = std::path::Path::new(env!("CARGO_BIN_EXE_fleet"))
        .parent()
        .expect("a directory");
    let path = std::env::var("PATH").unwrap_or_default();
    for (line, expected) in [
        (
            "fleet show-serv",
            "show-server\tShow everything that is known of a server\n",
        ),
        ("fleet show-server jk", "jkt-1\tjakarta\n"),
        (
            "fleet health --server=sg-1,region=ja",
            "--server=sg-1,region=jakarta\n",
        ),
        ("fleet list-records example.com w", "www\n"),
        ("fleet run --script=che", "--script=check.sh\n"),
        ("fleet run --script che", "check.sh\n"),
        ("fleet run --script 'che", "check.sh\n"),
        ("fleet import-zone ./che", "./check.sh\n"),
        ("fleet import-zone nothing", ""),
        ("fleet run --output-dir re", "results/\tDirectory\n"),
        (
            "fleet run --output-dir=re",
            "--output-dir=results/\tDirectory\n",
        ),
        ("fleet show-site other.org ", ""),
    ] {
        let text = format!(
            "source {}; complete --do-complete {}",
            script("fleet.fish"),
            fleet::shell::quote(line)
        );
        let mut command = Command::new("fish");
        let command = command
            .args(["--no-config", "--command", &text])
            .current_dir(environment.path())
            .env_clear()
            .envs(
                environment
                    .command([""; 0])
                    .get_envs()
                    .filter_map(|(name, value)| Some((name, value?))),
            )
            .env("PATH", format!("{}:{path}", directory.display()));
        let output = command.output().expect("fish");
        assert_eq!(String::from_utf8_lossy(&output.stdout), expected, "{line}");
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{line}");
    }
}

#[test]
fn the_scripts_are_printed_whole() {
    let environment = Environment::new();
    for (shell, name) in [
        ("bash", "fleet.bash"),
        ("zsh", "_fleet"),
        ("fish", "fleet.fish"),
        ("powershell", "_fleet.ps1"),
    ] {
        let output = environment.command(["completions", shell]).output();
        let printed = output.expect("fleet runs").stdout;
        let kept = std::fs::read(script(name)).expect("a script");
        assert!(
            printed == kept,
            "{name} is not what `fleet completions {shell}` prints"
        );
    }
}
