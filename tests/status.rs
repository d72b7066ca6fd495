//! `fleet status` as a process: the fleet as recorded, at a terminal and without one.

mod support;

use std::fmt::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use fleet::model::check::{Aspect, Check, Status as Found, Subject, Unit, Vantage};
use fleet::model::{Health, Observation, Patience, ResourceName, ServerName, Sight, Status};
use fleet::state::{Comparison, State};
use jiff::Timestamp;
use support::environment::{Environment, NOW};

fn now() -> Timestamp {
    NOW.parse().expect("a time")
}

/// An inventory of `servers` servers in four regions.
fn inventory(servers: usize) -> String {
    let mut text = "[settings]\nssh_config = false\n".to_owned();
    for index in 0..servers {
        let (region, host) = (index % 4, index % 250 + 1);
        let _ = write!(
            text,
            "[servers.srv-{index:04}]\naddress = \"10.0.{}.{host}\"\nregion = \"region-{region}\"\ncapacity = 4\n",
            index / 250
        );
    }
    text
}

/// Records a look at each: every tenth cannot be reached.
fn observe(path: &Path, servers: usize) {
    let before = now().as_second() - 90;
    let at = Timestamp::from_second(before).expect("a time");
    let mut state = State::open(path, now()).expect("a state");
    state
        .write(|write| {
            for index in 0..servers {
                let name: ServerName = format!("srv-{index:04}").parse().expect("a name");
                let (health, reasons) = match index % 10 {
                    3 => (
                        Health::Offline,
                        vec!["no route to \u{1b}[31mhost".to_owned()],
                    ),
                    _ => (Health::Online, Vec::new()),
                };
                let observation = Observation {
                    at,
                    health,
                    reasons,
                    facts: None,
                };
                let gap = std::time::Duration::from_secs(900);
                write.record_observation(&name, &observation, Patience::NONE, gap)?;
                if index == 5 {
                    let drift = ["file /etc/motd".to_owned()].into();
                    write.record_comparison(&name, &Comparison { at, drift })?;
                }
            }
            Ok::<_, fleet::diagnostic::Diagnostic>(())
        })
        .expect("a recorded fleet");
}

fn fleet_of(servers: usize) -> Environment {
    let environment = Environment::new().with("FLEET_STATE", "state.db");
    environment.write("inventory.toml", &inventory(servers));
    observe(&environment.path().join("state.db"), servers);
    environment
}

#[test]
fn a_few_servers_are_shown_one_by_one_the_worst_first() {
    let environment = fleet_of(6);
    let added = environment.fleet(["cordon", "srv-0001", "--reason", "disk"]);
    added.expect(0);
    let outcome = environment.fleet(["status"]).expect(0);
    let lines: Vec<&str> = outcome.stdout.lines().collect();
    assert_eq!(lines[0], "6 servers: 1 offline, 5 online; 0% full");
    assert_eq!(lines[1], "as seen 1m ago");
    assert!(lines[3].starts_with("SERVER    HEALTH"), "{outcome}");
    assert!(lines[4].starts_with("srv-0003  offline"), "{outcome}");
    assert!(lines[5].contains("1 drifted"), "{outcome}");
    assert!(outcome.stdout.contains("online, cordoned"), "{outcome}");
    assert!(
        outcome
            .stdout
            .contains("srv-0003: no route to \\u{1b}[31mhost"),
        "{outcome}"
    );
    assert!(outcome.stdout.contains("cordon srv-0001"), "{outcome}");
    assert!(
        !outcome.stdout.contains(['█', '░', '\u{1b}']),
        "no bars and colours without a terminal: {outcome}"
    );
}

#[test]
fn many_servers_are_summed_up_on_one_screen_of_80_columns() {
    let environment = fleet_of(400).with("NO_COLOR", "1");
    let outcome = environment.fleet_at_terminal(&["status"], 80).expect(0);
    let lines: Vec<&str> = outcome.stdout.lines().collect();
    assert!(lines.len() <= 40, "{outcome}");
    for line in &lines {
        assert!(line.trim_end().chars().count() <= 80, "{line}");
    }
    assert!(
        lines[0].starts_with("400 servers: 40 offline, 360 online"),
        "{outcome}"
    );
    assert!(outcome.stdout.contains("region-3"), "{outcome}");
    assert!(
        outcome.stdout.contains("and 37 more: no route"),
        "{outcome}"
    );
    assert!(outcome.stdout.contains('░'), "a bar: {outcome}");
    // script(1) ends lines as a terminal does, nothing else steers it.
    assert!(!outcome.stdout.contains('\u{1b}'), "{outcome}");
}

#[test]
fn the_exit_code_speaks_only_when_it_is_asked() {
    let environment = fleet_of(6);
    environment.fleet(["status"]).expect(0);
    let outcome = environment.fleet(["status", "--check", "-q"]).expect(5);
    assert_eq!((outcome.stdout.as_str(), outcome.stderr.as_str()), ("", ""));
    let outcome = environment.fleet(["status", "--json", "--check"]).expect(5);
    let value = outcome.json();
    assert_eq!(value["summary"]["health"]["offline"], 1);
    assert_eq!(value["servers"][5]["drift"][0], "file /etc/motd");
    assert_eq!(value["regions"].as_array().map(Vec::len), Some(4));

    // What a check saw of a server counts while it is looked at.
    let idle = fleet_of(1);
    saw(
        &idle,
        "srv-0000",
        &[("cron", "the cron daemon is inactive")],
    );
    idle.fleet(["status", "--check"]).expect(5);
    let active = inventory(1);
    idle.write("inventory.toml", &format!("{active}active = false\n"));
    idle.fleet(["status", "--check"]).expect(0);
    idle.write("inventory.toml", "");
    idle.fleet(["status", "--check"]).expect(0);

    // Without the one that is offline, the drift is left.
    let fewer = fleet_of(3);
    fewer.fleet(["status", "--check"]).expect(0);
}

#[test]
fn before_the_first_look_it_says_what_to_do() {
    let environment = Environment::new();
    environment.write("inventory.toml", &inventory(2));
    let outcome = environment.fleet(["status"]).expect(0);
    assert!(outcome.stdout.contains("2 unknown"), "{outcome}");
    assert!(outcome.stderr.contains("`fleet health`"), "{outcome}");
}

/// Records what the checks of a site on `srv-NNNN` measured.
fn measure(path: &Path, index: usize, site: &str, ms: f64, expires_in_hours: i64) {
    let server: ServerName = format!("srv-{index:04}").parse().expect("a name");
    let subject = Subject::resource(server.clone(), ResourceName::new("site", site));
    let check = |aspect| Check::new(subject.clone(), aspect, Vantage::Here, Found::Ok, "is well");
    let answer = check(Aspect::Http).measured(ms, Unit::Milliseconds);
    let mut certificate = check(Aspect::Certificate);
    certificate.expires = Some(now() + jiff::SignedDuration::from_hours(expires_in_hours));
    let mut state = State::open(path, now()).expect("a state");
    let checks = [answer, certificate];
    state
        .write(|write| write.record_measured(&server, &checks, now()))
        .expect("a record");
}

#[test]
fn maintenance_answers_and_certificates_have_a_line_each() {
    let environment = fleet_of(6);
    let path = environment.path().join("state.db");
    measure(&path, 0, "fast.example.com", 23.0, 24 * 80);
    measure(&path, 1, "slow.example.com", 812.0, 24 * 24 + 1);
    environment
        .fleet([
            "maintenance",
            "srv-0003",
            "--for",
            "2h",
            "--reason",
            "new disks",
        ])
        .expect(0);
    let outcome = environment.fleet(["status"]).expect(0);
    for line in [
        "maintenance   srv-0003 until 2026-01-02 05:04:05Z: new disks",
        "answers       2 sites: half within [TIME], 95% within [TIME]",
        "slowest       slow.example.com on srv-0001, [TIME]",
        "certificates  2, the next: slow.example.com on srv-0001 expires in 24d",
    ] {
        assert!(
            outcome.stdout.lines().any(|shown| shown == line),
            "{line}: {outcome}"
        );
    }
    // Nobody has to be told of what is being worked on.
    assert!(
        outcome.stdout.contains("offline 1m, maintenance"),
        "{outcome}"
    );
    assert!(!outcome.stdout.contains("no route"), "{outcome}");
    let server = environment.fleet(["show-server", "srv-0003"]).expect(0);
    let window = "maintenance  until 2026-01-02 05:04:05Z, by tester: new disks";
    assert!(server.stdout.contains(window), "{server}");
    let checked = environment.fleet(["status", "--check", "--json"]).expect(6);
    let value = checked.json();
    assert_eq!(value["servers"][3]["maintenance"]["reason"], "new disks");
    assert_eq!(value["answers"]["slowest"][0]["from_here_ms"], 812);
    assert_eq!(value["expiries"]["number"], 2);
    assert_eq!(
        value["expiries"]["next"][0]["resource"]["name"],
        "slow.example.com"
    );
    assert_eq!(value["summary"]["maintenance"], 1);
}

/// Records checks of a server that do not work, each with its reason.
fn saw(environment: &Environment, server: &str, checks: &[(&str, &str)]) {
    let mut state = State::open(&environment.path().join("state.db"), now()).expect("a state");
    let server: ServerName = server.parse().expect("a name");
    state
        .write(|write| {
            for (subject, reason) in checks {
                let sight = Sight {
                    at: now(),
                    status: Status::Bad,
                    reasons: vec![(*reason).to_owned()],
                };
                write.record_sight(&server, subject, &sight, Patience::NONE)?;
            }
            Ok::<_, fleet::diagnostic::Diagnostic>(())
        })
        .expect("a record");
}

#[test]
fn a_bad_day_of_many_sites_is_told_at_once() {
    let environment = fleet_of(1);
    let path = environment.path().join("state.db");
    let state = rusqlite::Connection::open(path).expect("the state");
    let many = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 30000),
            side (words) AS (VALUES (''), (', from here'))
        INSERT INTO health_statuses (server, subject, status, since, reasons, seen, seen_at)
        SELECT 'srv-0000', 'http of site s' || i || '.example' || words, 'bad', 0, '[\"answers 500\"]', 'bad', 0
        FROM n, side";
    state.execute(many, []).expect("rows");
    let began = Instant::now();
    let outcome = environment.fleet(["status"]).expect(0);
    // What grows with the square of their number takes minutes.
    assert!(
        began.elapsed() < Duration::from_secs(20),
        "{:?}",
        began.elapsed()
    );
    assert!(
        outcome.stdout.contains("and 29,995 more checks not well"),
        "{outcome}"
    );
}

#[test]
fn what_is_the_same_from_both_sides_is_told_once() {
    let environment = fleet_of(1);
    let checks = [
        ("http of site a.example", "answers 500"),
        ("http of site a.example, from here", "answers 500"),
        ("http of site b.example", "answers 500"),
        ("http of site b.example, from here", "does not answer"),
    ];
    saw(&environment, "srv-0000", &checks);
    let outcome = environment.fleet(["status"]).expect(0);
    let told: Vec<&str> = outcome
        .stdout
        .lines()
        .filter(|line| line.contains("http of"))
        .collect();
    assert_eq!(
        told,
        [
            "srv-0000: http of site a.example: answers 500",
            "srv-0000: http of site b.example: answers 500",
            "srv-0000: http of site b.example, from here: does not answer",
        ]
    );
}
