//! Logs on servers in this process: merged, followed through rotations and cuts, and left alone when nobody listens.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use fleet::logs::{Event, Grep, Log, Query, Source, Stream};
use fleet::model::Server;
use jiff::Timestamp;
use tokio::sync::{Semaphore, mpsc};
use tokio::time::{Instant, timeout};

use crate::proxy::{Proxy, Trouble};
use crate::sshd::{Behaviour, Shell, Sshd, known_hosts_line};
use crate::{Home, server_at};

/// How long a test waits for what must come.
const LIMIT: Duration = Duration::from_secs(60);

fn append(path: &Path, text: impl AsRef<[u8]>) {
    let mut file = OpenOptions::new()
        .create(true)
        .append(true)
        .open(path)
        .unwrap();
    file.write_all(text.as_ref()).unwrap();
}

fn log(name: &str, path: &Path) -> Log {
    Log::At {
        name: name.to_owned(),
        path: path.to_str().unwrap().to_owned(),
    }
}

fn stream(home: &Home, server: Server, logs: Vec<Log>, query: Query) -> mpsc::Receiver<Event> {
    let stream = Stream {
        connector: home.connector(),
        server,
        source: Source::Files(logs),
        query,
        now: Timestamp::now(),
        doors: Arc::new(Semaphore::new(1)),
    };
    let (sender, receiver) = mpsc::channel(16);
    tokio::spawn(stream.run(sender));
    receiver
}

/// All lines of a stream that ends by itself, and the complaints of its script.
async fn all(mut events: mpsc::Receiver<Event>) -> (Vec<String>, String) {
    let mut lines = Vec::new();
    while let Some(event) = timeout(LIMIT, events.recv()).await.unwrap() {
        match event {
            Event::Line(line) => lines.push(line.text),
            Event::Ended(ended) => return (lines, ended.unwrap().stderr),
            _ => {}
        }
    }
    panic!("a stream tells how it ended");
}

/// The next line, and what else was told before it: `live`, `lost`, `back`.
async fn next(events: &mut mpsc::Receiver<Event>) -> (Vec<&'static str>, String) {
    let mut told = Vec::new();
    loop {
        match timeout(LIMIT, events.recv()).await.expect("a line in time") {
            Some(Event::Line(line)) => return (told, line.text),
            Some(Event::Live) => told.push("live"),
            Some(Event::Lost(_)) => told.push("lost"),
            Some(Event::Back) => told.push("back"),
            Some(Event::Absent(_)) => told.push("absent"),
            Some(Event::Ended(ended)) => panic!("it ended: {ended:?}"),
            None => panic!("it went away"),
        }
    }
}

async fn server() -> (Home, Sshd) {
    let home = Home::new();
    let sshd = Sshd::start(Behaviour::default()).await;
    home.know(&sshd.known_hosts_line());
    (home, sshd)
}

#[tokio::test(flavor = "multi_thread")]
async fn logs_are_merged_by_time_with_their_rotated_files() {
    let (home, sshd) = server().await;
    let (access, error) = (home.path("access.log"), home.path("error.log"));
    let request = |second: u32| {
        format!(
            "10.0.0.1 - - [20/Nov/2026:15:00:{second:02} +0100] \"GET /{second} HTTP/1.1\" 200 1\n"
        )
    };
    // Rotated twice: the older one is packed.
    append(&home.path("access.log.2"), request(1));
    let packed = std::process::Command::new("gzip")
        .arg(home.path("access.log.2"))
        .status()
        .unwrap();
    assert!(packed.success());
    append(&home.path("access.log.1"), request(10));
    append(&access, request(30) + "no time here\n" + &request(50));
    // Its time has no zone: it is the server's.
    let local = std::process::Command::new("date")
        .args(["-d", "2026-11-20T14:00:20Z", "+%Y/%m/%d %H:%M:%S"])
        .output()
        .unwrap();
    let local = String::from_utf8(local.stdout).unwrap();
    append(
        &error,
        format!("{} [error] oops\n  a trace\n", local.trim()),
    );
    append(&error, b"2026-11-20 14:00:40.5 UTC [1] \x1b[2J\xff\0x\n");
    // Whoever owns the directory must not have anything else read.
    fs::write(home.path("access.log.3;x"), request(5)).unwrap();
    std::os::unix::fs::symlink("/etc/passwd", home.path("access.log.4")).unwrap();
    let logs = || {
        vec![
            log("access", &access),
            log("error", &error),
            log("none", &home.path("none.log")),
        ]
    };
    let since = |text: &str| Query {
        since: Some(text.parse().unwrap()),
        ..Query::default()
    };
    let read = |query| all(stream(&home, server_at(sshd.address), logs(), query));

    let (lines, complaints) = read(since("2020-01-01T00:00:00Z")).await;
    assert_eq!(complaints, "");
    let short: Vec<&str> = lines
        .iter()
        .map(|line| line.split('"').nth(1).unwrap_or(line))
        .collect();
    assert_eq!(
        short,
        [
            "GET /1 HTTP/1.1",
            "GET /10 HTTP/1.1",
            &format!("{} [error] oops", local.trim()),
            "  a trace",
            "GET /30 HTTP/1.1",
            "no time here",
            "2026-11-20 14:00:40.5 UTC [1] \u{1b}[2J\u{fffd}x",
            "GET /50 HTTP/1.1",
        ]
    );
    assert_eq!(read(since("2026-11-20T14:00:30Z")).await.0, lines[4..]);
    let last = Query {
        lines: Some(3),
        ..Query::default()
    };
    assert_eq!(read(last.clone()).await.0, lines[5..]);
    let grep = |pattern: &str, fixed| Query {
        grep: Some(Grep {
            pattern: pattern.to_owned(),
            fixed,
        }),
        ..since("2020-01-01T00:00:00Z")
    };
    assert_eq!(
        read(grep("GET /[1-3]0 ", false)).await.0,
        [&*lines[1], &*lines[4]]
    );
    assert!(read(grep("[1-3]", true)).await.0.is_empty());
    assert_eq!(read(grep("[2J", true)).await.0, lines[6..7]);
    let (none, complaints) = read(grep("(", false)).await;
    assert!(
        none.is_empty() && complaints.contains("parenthesis"),
        "{complaints}"
    );
    let hostile = format!("'; touch {}; '$(id)`id`", home.path("harm").display());
    assert!(read(grep(&hostile, true)).await.0.is_empty());
    assert!(!home.path("harm").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_is_followed_through_rotations() {
    let (home, sshd) = server().await;
    let path = home.path("a.log");
    append(&path, "zero\none\n");
    let follow = Query {
        lines: Some(1),
        follow: true,
        ..Query::default()
    };
    let mut events = stream(
        &home,
        server_at(sshd.address),
        vec![log("a", &path)],
        follow,
    );
    assert_eq!(next(&mut events).await.1, "one");
    // A line counts when it is whole.
    append(&path, "tw");
    tokio::time::sleep(Duration::from_millis(1500)).await;
    append(&path, "o\nthree\n");
    assert_eq!(next(&mut events).await, (vec!["live"], "two".to_owned()));
    assert_eq!(next(&mut events).await.1, "three");
    // Rotated while it is followed, with a line more in the old one.
    fs::rename(&path, home.path("a.log.1")).unwrap();
    append(&home.path("a.log.1"), "four\n");
    append(&path, "five\n");
    for expected in ["four", "five"] {
        assert_eq!(next(&mut events).await, (vec![], expected.to_owned()));
    }
    // Cut short in place, as some rotations do.
    fs::write(&path, "").unwrap();
    tokio::time::sleep(Duration::from_millis(1500)).await;
    append(&path, "6\n");
    assert_eq!(next(&mut events).await.1, "6");
    assert_eq!(
        sshd.seen
            .connections
            .load(std::sync::atomic::Ordering::SeqCst),
        1
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_lines_are_the_last_ones_however_long_they_are() {
    let (home, sshd) = server().await;
    let path = home.path("a.log");
    append(&home.path("a.log.1"), "yesterday\n");
    append(&path, "first\n");
    let long = |number: u32| format!("{number} {}\n", "x".repeat(50_000));
    for number in 1..=3 {
        append(&path, long(number));
    }
    for (lines, expected) in [
        (0, ""),
        (1, "3"),
        (2, "23"),
        (3, "123"),
        (4, "f123"),
        (9, "yf123"),
    ] {
        let query = Query {
            lines: Some(lines),
            ..Query::default()
        };
        let events = stream(&home, server_at(sshd.address), vec![log("a", &path)], query);
        let (lines, complaints) = all(events).await;
        let first: String = lines.iter().map(|line| &line[..1]).collect();
        assert_eq!((&*first, &*complaints), (expected, ""));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_time_that_a_server_goes_away_is_told() {
    let home = Home::new();
    let sshd = Sshd::start(Behaviour::default()).await;
    let path = home.path("a.log");
    append(&path, "begin\n");
    let trouble = Trouble {
        cut_after_server: Some(20_000),
        ..Trouble::default()
    };
    let proxy = Proxy::start(sshd.address, trouble).await;
    home.know(&known_hosts_line(proxy.address, &sshd.host_key));
    let follow = Query {
        lines: Some(5),
        follow: true,
        ..Query::default()
    };
    let logs = vec![log("a", &path)];
    let mut events = stream(&home, server_at(proxy.address), logs, follow);
    assert_eq!(next(&mut events).await.1, "begin");
    // More than three connections let through.
    let text = (0..2_000).fold(String::new(), |text, n| text + &format!("{n} {:030}\n", 0));
    append(&path, text);
    let mut told = Vec::new();
    while told.len() < 4 {
        match timeout(LIMIT, events.recv()).await.expect("it is told") {
            Some(Event::Lost(_)) => told.push("lost"),
            Some(Event::Back) => told.push("back"),
            Some(_) => {}
            None => panic!("it went away"),
        }
    }
    assert_eq!(told, ["lost", "back", "lost", "back"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_or_told_twice_wherever_the_connection_breaks() {
    let mut cuts = 0;
    for cut in [3_000, 9_000] {
        let home = Home::new();
        let sshd = Sshd::start(Behaviour::default()).await;
        let path = home.path("a.log");
        append(&path, "begin\n");
        let trouble = Trouble {
            cut_after_server: Some(cut),
            ..Trouble::default()
        };
        let proxy = Proxy::start(sshd.address, trouble).await;
        home.know(&known_hosts_line(proxy.address, &sshd.host_key));
        let follow = Query {
            lines: Some(5),
            follow: true,
            ..Query::default()
        };
        let mut events = stream(
            &home,
            server_at(proxy.address),
            vec![log("a", &path)],
            follow,
        );
        if cut > 5_000 {
            assert_eq!(next(&mut events).await.1, "begin", "{cut}");
            let text = (0..2_000).fold(String::new(), |text, n| {
                text + &format!("line {n} {:030}\n", 0)
            });
            append(&path, text);
        }
        let mut lines = Vec::new();
        let mut lost = 0;
        while lost < 2 && lines.len() < 2_000 {
            let patience = if lost == 0 {
                LIMIT
            } else {
                Duration::from_secs(4)
            };
            match timeout(patience, events.recv()).await {
                Ok(Some(Event::Line(line))) => lines.push(line.text),
                Ok(Some(Event::Lost(_))) => lost += 1,
                Ok(Some(Event::Ended(ended))) => panic!("{cut}: it ended: {ended:?}"),
                Ok(Some(_)) => {}
                Ok(None) => panic!("{cut}: it went away"),
                Err(_) => break,
            }
        }
        cuts += lost;
        for (number, line) in lines.iter().enumerate().filter(|_| cut > 5_000) {
            assert!(
                line.starts_with(&format!("line {number} ")),
                "{cut}: {number} is {line}"
            );
        }
    }
    assert!(cuts > 0, "connections were cut");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_is_read_no_faster_than_it_is_taken_and_ends_with_who_reads() {
    let (home, sshd) = server().await;
    let path = home.path("a.log");
    append(&path, "begin\n");
    let follow = Query {
        lines: Some(5),
        follow: true,
        ..Query::default()
    };
    let mut events = stream(
        &home,
        server_at(sshd.address),
        vec![log("a", &path)],
        follow,
    );
    assert_eq!(next(&mut events).await.1, "begin");
    let block = (0..20_000).fold(String::new(), |text, n| text + &format!("{n} {:090}\n", 0));
    for _ in 0..10 {
        append(&path, &block);
    }
    for number in 0..1_000 {
        let (_, line) = next(&mut events).await;
        assert!(line.starts_with(&format!("{number} ")), "{line}");
    }
    // Of 20 MB at most what is on its way is held here; the shells on the server go when nobody reads.
    drop(events);
    let mark = path.display().to_string();
    let until = Instant::now() + LIMIT;
    while processes_with(&mark) > 0 {
        assert!(Instant::now() < until, "a process is left");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// How many processes have `text` in their environment: those that read a log have its path there.
fn processes_with(text: &str) -> usize {
    let own = std::process::id().to_string();
    let all = fs::read_dir("/proc").unwrap().flatten();
    let others = all.filter(|entry| entry.file_name().to_string_lossy() != own);
    let environments = others.filter_map(|entry| fs::read(entry.path().join("environ")).ok());
    environments
        .filter(|bytes| {
            bytes
                .windows(text.len())
                .any(|part| part == text.as_bytes())
        })
        .count()
}

/// What journalctl(1) prints: 500 entries, from where it is told to begin.
const JOURNALCTL: &str = r#"#!/bin/sh
n=0
for word in "$@"; do
	case $word in
	--show-cursor) echo '-- cursor: c500'; exit ;;
	--after-cursor=*) n=${word#--after-cursor=c} ;;
	esac
done
while [ "$n" -lt 500 ]; do
	n=$((n + 1))
	printf '{"__CURSOR":"c%s","__REALTIME_TIMESTAMP":"17951875280%05d","MESSAGE":"line %s"}\n' "$n" "$n" "$n"
done
case " $* " in *' -f '*) exec sleep 60 ;; esac
"#;

#[tokio::test]
async fn a_journal_that_breaks_off_in_its_past_goes_on_where_it_was() {
    let home = Home::new();
    let program = |name: &str, text: &str| {
        append(&home.path(name), text);
        fs::set_permissions(home.path(name), fs::Permissions::from_mode(0o755)).unwrap();
    };
    let dir = home.path("");
    let dir = dir.to_str().unwrap().trim_end_matches('/');
    program("journalctl", JOURNALCTL);
    program("systemctl", "#!/bin/sh\necho loaded\n");
    let first = format!("s|PATH=/usr|PATH={dir}:/usr|");
    program(
        "shell",
        &format!("#!/bin/sh\nexec /bin/sh -c \"$(printf %s \"$2\" | sed '{first}')\"\n"),
    );
    let sshd = Sshd::start(Behaviour {
        shell: Shell::Program(home.path("shell").to_str().unwrap().to_owned()),
        ..Behaviour::default()
    })
    .await;
    let trouble = Trouble {
        cut_after_server: Some(40_000),
        ..Trouble::default()
    };
    let proxy = Proxy::start(sshd.address, trouble).await;
    home.know(&known_hosts_line(proxy.address, &sshd.host_key));
    let stream = Stream {
        connector: home.connector(),
        server: server_at(proxy.address),
        source: Source::Journal(vec!["x".to_owned()]),
        query: Query {
            follow: true,
            ..Query::default()
        },
        now: Timestamp::now(),
        doors: Arc::new(Semaphore::new(1)),
    };
    let (sender, mut events) = mpsc::channel(16);
    tokio::spawn(stream.run(sender));
    let (mut all, mut lost) = (Vec::new(), 0);
    while all.len() < 500 {
        let (told, line) = next(&mut events).await;
        lost += told.iter().filter(|told| **told == "lost").count();
        all.push(line);
    }
    assert!(lost > 0);
    let expected: Vec<String> = (1..=500).map(|n| format!("line {n}")).collect();
    assert_eq!(all, expected);
}
