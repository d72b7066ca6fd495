//! Notifications as a process: a sweep tells real listeners and programs, and nothing is lost when they fail.

mod support;

use std::fs::File;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

use serde_json::Value;
use support::environment::Environment;

/// How a listener answers a request.
#[derive(Clone, Copy, PartialEq)]
enum Answer {
    Take,
    Refuse,
    /// Closes in the middle.
    Cut,
    /// Never says a word.
    Hang,
}

/// A server of the test that records the requests it got.
struct Hook {
    url: String,
    seen: Arc<Mutex<Vec<String>>>,
    answer: Arc<Mutex<Answer>>,
}

impl Hook {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("its address"));
        let seen = Arc::new(Mutex::new(Vec::new()));
        let answer = Arc::new(Mutex::new(Answer::Take));
        let (into, how) = (Arc::clone(&seen), Arc::clone(&answer));
        std::thread::spawn(move || {
            let mut open = Vec::new();
            for stream in listener.incoming() {
                let mut stream = stream.expect("a connection");
                let Some(request) = request(&mut stream) else {
                    continue;
                };
                into.lock().expect("no panic").push(request);
                let answer = match *how.lock().expect("no panic") {
                    Answer::Take => "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok",
                    Answer::Refuse => "HTTP/1.1 500 No\r\ncontent-length: 9\r\n\r\nnot today",
                    Answer::Cut => "HTTP/1.1 200 OK\r\nconte",
                    Answer::Hang => {
                        open.push(stream);
                        continue;
                    }
                };
                let _ = stream.write_all(answer.as_bytes());
            }
        });
        Self { url, seen, answer }
    }

    fn answers(&self, answer: Answer) {
        *self.answer.lock().expect("no panic") = answer;
    }

    /// The requests since the last call.
    fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.seen.lock().expect("no panic"))
    }

    /// The JSON contents of the requests since the last call.
    fn documents(&self) -> Vec<Value> {
        let bodies = self.take();
        let bodies = bodies.iter().map(|request| {
            let body = request.split_once("\r\n\r\n").expect("a body").1;
            serde_json::from_str(body).expect("JSON")
        });
        bodies.collect()
    }
}

fn request(stream: &mut TcpStream) -> Option<String> {
    let mut text = String::new();
    let mut piece = [0; 4096];
    loop {
        let length = stream.read(&mut piece).ok().filter(|length| *length > 0)?;
        text.push_str(&String::from_utf8_lossy(&piece[..length]));
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head
                .lines()
                .find_map(|l| l.strip_prefix("content-length: "));
            if body.len() >= length.map_or(0, |length| length.parse().expect("a number")) {
                return Some(text);
            }
        }
    }
}

/// What a run printed.
struct Ran {
    code: i32,
    out: String,
    err: String,
}

/// Runs fleet at `now`. Nothing is checked: which services this machine runs is not known here.
fn at(environment: &Environment, now: &str, line: &str) -> Ran {
    let mut words: Vec<&str> = line.split_whitespace().collect();
    if words.first() == Some(&"health") {
        words.push("--no-checks");
    }
    let mut command = environment.command(words);
    let output = command
        .env("FLEET_STATE", environment.path().join("state.db"))
        .env("FLEET_TEST_NOW", now)
        .env("BOT_TOKEN", "123:SECRETTOKEN")
        .stdin(Stdio::null())
        .output()
        .expect("a program that runs");
    Ran {
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// A port of this machine where nobody listens.
fn closed_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("its number").port()
}

/// An inventory whose `sg-2` cannot be reached, and whose `sg-1` is this machine or cannot either.
fn inventory(reached: bool, channels: &str) -> String {
    let server = |name: &str| {
        if reached && name == "sg-1" {
            format!("[servers.{name}]\ntransport = \"local\"\n")
        } else {
            let port = closed_port();
            format!("[servers.{name}]\naddress = \"127.0.0.1\"\nport = {port}\n")
        }
    };
    format!(
        "[settings]\nssh_config = false\n[health]\nfail_after = 1\nrecover_after = 1\n{}{}{channels}",
        server("sg-1"),
        server("sg-2")
    )
}

fn webhook(hook: &Hook, more: &str) -> String {
    format!(
        "[notifications.ops]\ntype = \"webhook\"\nurl = \"{}/x\"\n{more}\n",
        hook.url
    )
}

fn script(environment: &Environment, name: &str, text: &str) -> String {
    let path = environment.write(name, &format!("#!/bin/sh\n{text}\n"));
    let mode = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(&path, mode).expect("a script");
    path.to_string_lossy().into_owned()
}

fn secret(environment: &Environment, name: &str, text: &str) {
    let path = environment.write(name, text);
    let mode = std::fs::Permissions::from_mode(0o600);
    std::fs::set_permissions(path, mode).expect("a file");
}

const TEN: &str = "2026-01-02T10:00:00Z";

#[test]
fn a_change_is_told_once_over_every_kind_of_channel() {
    let environment = Environment::new();
    let hook = Hook::start();
    secret(
        &environment,
        "slack",
        &format!("{}/T0/SECRETPATH\n", hook.url),
    );
    let sendmail = script(&environment, "sendmail", "echo \"$*\" > mail; cat >> mail");
    let tell = script(
        &environment,
        "tell",
        "cat > told; env > environment; echo \"$1\" > argument",
    );
    let url = &hook.url;
    let channels = format!(
        "[notifications.chat]\ntype = \"slack\"\nurl_file = \"slack\"\n\
         [notifications.bot]\ntype = \"telegram\"\ntoken_variable = \"BOT_TOKEN\"\nchat = -7\nurl = \"{url}\"\n\
         [notifications.phone]\ntype = \"ntfy\"\nurl = \"{url}/topic\"\ntoken_command = \"echo tk_SECRET\"\n\
         [notifications.post]\ntype = \"mail\"\nto = [\"ops@example.com\"]\nsendmail = \"{sendmail}\"\n\
         [notifications.own]\ntype = \"command\"\ncommand = [\"{tell}\", \"$(id)\"]\n"
    ) + &webhook(&hook, "");
    environment.write("inventory.toml", &inventory(false, &channels));

    let ran = at(&environment, TEN, "health -q");
    assert_eq!((ran.code, ran.err.as_str()), (5, ""), "{}", ran.out);
    let mut requests = hook.take();
    requests.sort();
    assert_eq!(requests.len(), 4, "{requests:#?}");
    let [slack, bot, phone, ops] = [
        "POST /T0/SECRETPATH ",
        "POST /bot123:SECRETTOKEN/sendMessage ",
        "POST /topic ",
        "POST /x ",
    ]
    .map(|line| {
        let found = requests.iter().find(|request| request.starts_with(line));
        found
            .unwrap_or_else(|| panic!("no {line} in {requests:#?}"))
            .clone()
    });
    assert!(slack.contains("2 offline: sg-1, sg-2"), "{slack}");
    assert!(bot.contains(r#""chat_id":-7"#), "{bot}");
    for line in [
        "authorization: Bearer tk_SECRET\r\n",
        "title: 2 offline: sg-1, sg-2\r\n",
        "priority: high\r\n",
    ] {
        assert!(phone.contains(line), "{phone}");
    }
    let body = ops.split_once("\r\n\r\n").expect("a body").1;
    let document: Value = serde_json::from_str(body).expect("JSON");
    assert_eq!(document["changes"][1]["server"], "sg-2");
    assert_eq!(document["changes"][1]["after"], "offline");
    let mail = environment.read("mail");
    assert!(
        mail.starts_with("-t -i\nTo: ops@example.com\nSubject: [fleet] 2 offline: sg-1, sg-2\n"),
        "{mail}"
    );
    let told: Value = serde_json::from_str(&environment.read("told")).expect("JSON");
    assert_eq!(told["title"], document["title"]);
    assert_eq!(environment.read("argument"), "$(id)\n");
    let given = environment.read("environment");
    assert!(
        !given.contains("SECRET") && !given.contains("FLEET"),
        "{given}"
    );

    // Nothing has changed: nothing is told.
    let ran = at(&environment, "2026-01-02T10:05:00Z", "health -q");
    assert_eq!(ran.code, 5);
    assert_eq!(hook.take(), Vec::<String>::new());

    // One can be reached again.
    environment.write("inventory.toml", &inventory(true, &channels));
    at(&environment, "2026-01-02T10:10:00Z", "health -q");
    let told: Value = serde_json::from_str(&environment.read("told")).expect("JSON");
    assert_eq!(told["changes"][0]["before"], "offline", "{told}");
    assert_ne!(told["changes"][0]["after"], "offline", "{told}");
    assert_eq!(hook.take().len(), 4);

    // No secret is in the state, or in what is listed.
    let listed = at(&environment, TEN, "list-notifications --json").out;
    let state = std::fs::read(environment.path().join("state.db")).expect("the state");
    for text in [listed, String::from_utf8_lossy(&state).into_owned()] {
        assert!(!text.contains("SECRET"), "{text}");
    }
}

#[test]
fn what_cannot_be_sent_waits_for_the_next_sweep() {
    let environment = Environment::new();
    let hook = Hook::start();
    secret(&environment, "slack", &format!("{}/SECRETPATH", hook.url));
    let channels =
        "[notifications.ops]\ntype = \"slack\"\nurl_file = \"slack\"\ngive_up_after = \"1h\"\n";
    environment.write("inventory.toml", &inventory(false, channels));

    hook.answers(Answer::Refuse);
    let ran = at(&environment, TEN, "health -q");
    assert_eq!(
        ran.err,
        "warning: 2 changes for `ops` not told, the next sweep tries again: 127.0.0.1 answered 500: not today\n"
    );
    hook.answers(Answer::Cut);
    let ran = at(&environment, "2026-01-02T10:05:00Z", "health -q");
    // With -q it is told once.
    assert_eq!(ran.err, "");
    let ran = at(&environment, "2026-01-02T10:06:00Z", "health");
    assert!(ran.err.contains("the connection broke"), "{}", ran.err);
    assert_eq!(hook.take().len(), 3);
    let listed = at(&environment, "2026-01-02T10:06:00Z", "list-notifications");
    assert!(
        listed.out.contains("the connection broke"),
        "{}",
        listed.out
    );
    let listed = at(&environment, TEN, "list-notifications --json");
    let listed: Value = serde_json::from_str(&listed.out).expect("JSON");
    assert_eq!(listed["channels"][0]["waiting"], 2);

    // A secret that others can read is not used, and not shown.
    let file = environment.path().join("slack");
    let everybody = std::fs::Permissions::from_mode(0o644);
    std::fs::set_permissions(&file, everybody).expect("a mode");
    let ran = at(&environment, "2026-01-02T10:07:00Z", "health");
    assert!(
        ran.err.contains("can be read by everybody (mode 0644)"),
        "{}",
        ran.err
    );
    assert!(!format!("{}{}", ran.out, ran.err).contains("SECRET"));
    let owner = std::fs::Permissions::from_mode(0o600);
    std::fs::set_permissions(&file, owner).expect("a mode");

    hook.answers(Answer::Take);
    at(&environment, "2026-01-02T10:10:00Z", "health -q");
    let told = hook.documents();
    assert_eq!(told.len(), 1);
    let text = told[0]["text"].as_str().expect("a text");
    assert!(text.contains("sg-2: offline since 10:00 UTC"), "{text}");

    // What fails for too long is given up, and that is said.
    hook.answers(Answer::Refuse);
    environment.write("inventory.toml", &inventory(true, channels));
    at(&environment, "2026-01-02T11:00:00Z", "health -q");
    let ran = at(&environment, "2026-01-02T12:00:00Z", "health -q");
    assert!(
        ran.err
            .contains("1 change for `ops` will never be told: tried in vain for 1h"),
        "{}",
        ran.err
    );
    let listed = at(&environment, TEN, "list-notifications --json");
    let listed: Value = serde_json::from_str(&listed.out).expect("JSON");
    assert_eq!(listed["channels"][0]["given_up"], 1);
    assert_eq!(listed["channels"][0]["waiting"], 0);
}

#[test]
fn what_was_given_up_is_told_anew_while_it_is_so() {
    let environment = Environment::new();
    let hook = Hook::start();
    let channel = webhook(&hook, "give_up_after = \"1h\"");
    environment.write("inventory.toml", &inventory(false, &channel));
    hook.answers(Answer::Refuse);
    at(&environment, TEN, "health -q");
    let ran = at(&environment, "2026-01-02T11:00:00Z", "health -q");
    assert!(ran.err.contains("will never be told"), "{}", ran.err);
    hook.take();
    hook.answers(Answer::Take);
    let offline = |documents: Vec<Value>| {
        assert_eq!(documents.len(), 1, "{documents:?}");
        let text = documents[0]["text"].as_str().expect("a text").to_owned();
        assert!(text.contains("sg-2: offline since 10:00 UTC"), "{text}");
    };
    at(&environment, "2026-01-02T11:05:00Z", "health -q");
    offline(hook.documents());
    at(&environment, "2026-01-02T11:10:00Z", "health -q");
    assert_eq!(hook.documents(), Vec::<Value>::new());

    // A channel that was away is a new one.
    environment.write("inventory.toml", &inventory(false, ""));
    at(&environment, "2026-01-02T11:15:00Z", "health -q");
    environment.write("inventory.toml", &inventory(false, &channel));
    at(&environment, "2026-01-02T11:20:00Z", "health -q");
    offline(hook.documents());
}

#[test]
fn nobody_is_reminded_of_what_was_not_told_yet() {
    let environment = Environment::new();
    let hook = Hook::start();
    let channel = webhook(&hook, "repeat = \"1h\"");
    environment.write("inventory.toml", &inventory(false, &channel));
    hook.answers(Answer::Refuse);
    for hour in 10..14 {
        at(
            &environment,
            &format!("2026-01-02T{hour}:00:00Z"),
            "health -q",
        );
    }
    hook.take();
    hook.answers(Answer::Take);
    let kinds = |documents: Vec<Value>| -> Vec<String> {
        let changes = documents
            .iter()
            .filter_map(|told| told["changes"].as_array());
        let kinds = changes
            .flatten()
            .filter_map(|change| change["kind"].as_str());
        kinds.map(ToOwned::to_owned).collect()
    };
    at(&environment, "2026-01-02T13:05:00Z", "health -q");
    assert_eq!(kinds(hook.documents()), ["offline", "offline"]);
    at(&environment, "2026-01-02T13:10:00Z", "health -q");
    assert_eq!(kinds(hook.documents()), ["reminder", "reminder"]);
    at(&environment, "2026-01-02T13:15:00Z", "health -q");
    assert_eq!(kinds(hook.documents()), Vec::<String>::new());
}

#[test]
fn what_waits_is_sent_while_another_sweep_is_at_work() {
    let environment = Environment::new();
    let hook = Hook::start();
    environment.write("inventory.toml", &inventory(false, &webhook(&hook, "")));
    hook.answers(Answer::Refuse);
    at(&environment, TEN, "health -q");
    hook.take();
    hook.answers(Answer::Take);
    let sweep = File::open(environment.path().join("state.db.sweep")).expect("the lock");
    sweep.lock().expect("a lock");
    at(&environment, "2026-01-02T10:05:00Z", "health -q");
    assert_eq!(hook.documents().len(), 1);
}

#[test]
fn killed_while_it_sends_nothing_is_lost() {
    let environment = Environment::new();
    let hook = Hook::start();
    environment.write("inventory.toml", &inventory(false, &webhook(&hook, "")));
    hook.answers(Answer::Hang);
    let mut child = environment
        .command(["health", "-q"])
        .env("FLEET_STATE", environment.path().join("state.db"))
        .env("FLEET_TEST_NOW", TEN)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .expect("a program that starts");
    let limit = Instant::now() + Duration::from_secs(60);
    while hook.seen.lock().expect("no panic").is_empty() {
        assert!(Instant::now() < limit, "nothing was sent");
        std::thread::sleep(Duration::from_millis(10));
    }
    child.kill().expect("a process");
    child.wait().expect("a process");
    let first = hook.documents();

    // For two minutes nobody knows whether somebody still sends it; that it is over is not told before it.
    hook.answers(Answer::Take);
    let channels = webhook(&hook, "");
    environment.write("inventory.toml", &inventory(true, &channels));
    at(&environment, "2026-01-02T10:01:59Z", "health -q");
    assert_eq!(hook.documents(), Vec::<Value>::new());
    at(&environment, "2026-01-02T10:02:00Z", "health -q");
    let again = hook.documents();
    assert_eq!(again.len(), 1);
    // Whoever got it twice can tell by the numbers.
    let changes = |document: &Value| document["changes"].as_array().expect("a list").clone();
    let (first, again) = (changes(&first[0]), changes(&again[0]));
    assert_eq!(again[..2], first[..]);
    assert_eq!(
        (again.len(), &again[2]["server"], &again[2]["before"]),
        (3, &"sg-1".into(), &"offline".into())
    );
    at(&environment, "2026-01-02T10:10:00Z", "health -q");
    assert_eq!(hook.documents(), Vec::<Value>::new());
}

#[test]
fn quiet_hours_end_with_one_message() {
    let environment = Environment::new();
    let hook = Hook::start();
    let quiet = "quiet_hours = \"22:00-07:00\"\ntime_zone = \"Europe/Berlin\"";
    let channels = webhook(&hook, quiet);
    environment.write("inventory.toml", &inventory(false, &channels));
    at(&environment, "2026-01-02T01:00:00Z", "health -q");
    environment.write("inventory.toml", &inventory(true, &channels));
    at(&environment, "2026-01-02T02:00:00Z", "health -q");
    at(&environment, "2026-01-02T05:59:00Z", "health -q");
    assert_eq!(hook.documents(), Vec::<Value>::new());
    at(&environment, "2026-01-02T06:00:00Z", "health -q");
    let told = hook.documents();
    assert_eq!(told.len(), 1);
    assert_eq!(told[0]["changes"].as_array().expect("a list").len(), 3);
    let text = told[0]["text"].as_str().expect("a text");
    assert_eq!(text.lines().count(), 2, "{text}");

    // What is excepted goes through.
    let channels = webhook(&hook, &format!("{quiet}\nexcept = \"offline\""));
    environment.write("inventory.toml", &inventory(false, &channels));
    at(&environment, "2026-01-03T01:00:00Z", "health -q");
    assert_eq!(hook.documents().len(), 1);
}

#[test]
fn maintenance_is_silent_until_it_ends() {
    let environment = Environment::new();
    let hook = Hook::start();
    environment.write("inventory.toml", &inventory(false, &webhook(&hook, "")));
    let ran = at(
        &environment,
        TEN,
        "maintenance sg-* --for 2h --reason disks",
    );
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert_eq!(
        ran.out,
        "server sg-1 in maintenance until 2026-01-02 12:00:00Z\n\
         server sg-2 in maintenance until 2026-01-02 12:00:00Z\n"
    );
    let ran = at(&environment, TEN, "health");
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    assert!(ran.out.contains("maintenance"), "{}", ran.out);
    let ran = at(&environment, TEN, "place --weight 2");
    assert!(ran.out.contains("in maintenance until"), "{}", ran.out);
    let ran = at(&environment, TEN, "list-servers --json");
    let servers: Value = serde_json::from_str(&ran.out).expect("JSON");
    assert_eq!(servers["servers"][0]["maintenance"]["reason"], "disks");

    let ran = at(
        &environment,
        "2026-01-02T10:30:00Z",
        "maintenance sg-1 --end",
    );
    assert_eq!(ran.out, "server sg-1 no longer in maintenance\n");
    let ran = at(&environment, "2026-01-02T10:30:00Z", "maintenance --list");
    assert!(
        ran.out.contains("sg-2") && !ran.out.contains("sg-1"),
        "{}",
        ran.out
    );
    let ran = at(&environment, "2026-01-02T10:31:00Z", "health -q");
    assert_eq!(ran.code, 5);
    assert_eq!(hook.documents()[0]["title"], "sg-1 offline");
    at(&environment, "2026-01-02T12:00:00Z", "health -q");
    assert_eq!(hook.documents()[0]["title"], "sg-2 offline");

    for (line, complaint) in [
        ("maintenance sg-1", "--for"),
        ("maintenance sg-1 --until 2020-01-01T00:00Z", "in the past"),
        ("maintenance sg-1 --until tomorrow", "date, time and zone"),
        ("maintenance nobody --for 1h", "nobody"),
        ("maintenance --for 1h", "SELECTOR"),
    ] {
        let ran = at(&environment, TEN, line);
        assert_eq!(ran.code, 2, "{line}: {}", ran.err);
        assert!(ran.err.contains(complaint), "{line}: {}", ran.err);
    }
}

#[test]
fn channels_can_be_tried() {
    let environment = Environment::new();
    let hook = Hook::start();
    let none = at(&environment, TEN, "test-notification");
    assert_eq!(none.code, 2);
    let channels = webhook(&hook, "quiet_hours = \"00:00-23:59\"")
        + "[notifications.bad]\ntype = \"command\"\ncommand = [\"/bin/sh\", \"-c\", \"echo no such list >&2; exit 3\"]\n";
    environment.write("inventory.toml", &inventory(true, &channels));
    let ran = at(&environment, TEN, "test-notification");
    assert_eq!(ran.code, 3, "{}", ran.err);
    assert_eq!(
        ran.out,
        "bad: not sent: `/bin/sh`: exit status: 3: no such list\nops: sent\n"
    );
    let told = hook.documents();
    assert_eq!(
        (&told[0]["test"], &told[0]["changes"]),
        (&Value::from(true), &serde_json::json!([]))
    );
    assert_eq!(at(&environment, TEN, "test-notification ops").code, 0);
    assert_eq!(at(&environment, TEN, "test-notification bad").code, 1);
    let ran = at(&environment, TEN, "test-notification opz");
    assert_eq!(ran.code, 2);
    assert!(ran.err.contains("did you mean `ops`"), "{}", ran.err);
    let tasks = at(&environment, TEN, "list-tasks --json").out;
    assert!(tasks.contains("test-notification"), "{tasks}");
}

#[test]
fn a_program_that_lingers_holds_nothing_up() {
    let environment = Environment::new();
    let tell = script(
        &environment,
        "tell",
        "sleep 300 & echo $! > sleeper; cat > told",
    );
    let channels = format!("[notifications.own]\ntype = \"command\"\ncommand = [\"{tell}\"]\n");
    environment.write("inventory.toml", &inventory(true, &channels));
    let begun = Instant::now();
    let ran = at(&environment, TEN, "test-notification");
    let took = begun.elapsed();
    let sleeper = environment.read("sleeper");
    let _ = Command::new("kill").arg(sleeper.trim()).status();
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    assert!(took < Duration::from_secs(60), "{took:?}");
}

#[test]
fn a_sweep_is_written_for_prometheus_at_once_and_readable() {
    let environment = Environment::new();
    let hook = Hook::start();
    let channels = webhook(&hook, "");
    environment.write("inventory.toml", &inventory(true, &channels));
    // Whatever the umask is.
    let mut command = Command::new("sh");
    let template = environment.command([""; 0]);
    command
        .args([
            "-c",
            "umask 077; exec \"$0\" health -q --prometheus fleet.prom",
        ])
        .arg(env!("CARGO_BIN_EXE_fleet"))
        .current_dir(environment.path())
        .env_clear();
    for (name, value) in template.get_envs() {
        command.env(name, value.unwrap_or_default());
    }
    command
        .stdout(Stdio::null())
        .status()
        .expect("a program that runs");
    let path = environment.path().join("fleet.prom");
    let mode = std::fs::metadata(&path)
        .expect("a file")
        .permissions()
        .mode();
    assert_eq!(mode & 0o7777, 0o644);
    let text = environment.read("fleet.prom");
    for line in [
        "fleet_server_up{server=\"sg-2\"} 0",
        "fleet_server_placed_units{server=\"sg-2\"} 0",
        "fleet_sweep_servers 2",
        "fleet_notifications_waiting{channel=\"ops\"} 0",
    ] {
        assert!(text.lines().any(|found| found == line), "{text}");
    }
    // What a killed run has left is taken away after a while.
    let old = File::create(environment.path().join(".fleet.prom.1")).expect("a file");
    let before = SystemTime::now() - Duration::from_secs(7200);
    old.set_modified(before).expect("a time");
    environment.write(".fleet.prom.2", "");
    at(&environment, TEN, "health --prometheus fleet.prom");
    let left = std::fs::read_dir(environment.path()).expect("a directory");
    let left: Vec<String> = left
        .map(|entry| {
            entry
                .expect("a file")
                .file_name()
                .to_string_lossy()
                .into_owned()
        })
        .filter(|name| name.starts_with(".fleet.prom"))
        .collect();
    assert_eq!(left, [".fleet.prom.2"]);
    // Where the judge himself is at hand.
    if let Ok(mut judge) = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
    {
        let mut input = judge.stdin.take().expect("its input");
        input.write_all(text.as_bytes()).expect("a text");
        drop(input);
        let judged = judge.wait_with_output().expect("a verdict");
        let words = String::from_utf8_lossy(&judged.stderr);
        assert!(judged.status.success() && words.is_empty(), "{words}");
    }

    // Where it cannot be written, what else is to be done is done all the same.
    environment.write("inventory.toml", &inventory(false, &channels));
    let nowhere = "health -q --prometheus nowhere/fleet.prom";
    for changes in [2, 0] {
        let ran = at(&environment, TEN, nowhere);
        assert_eq!(ran.code, 1);
        let wanted = "cannot write `nowhere/fleet.prom`";
        assert!(ran.err.contains(wanted), "{}", ran.err);
        assert_eq!(ran.out.lines().count(), changes, "{}", ran.out);
    }
}
