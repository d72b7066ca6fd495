//! Sweeps over servers that answer, refuse and stall, on the loopback interface.
#![allow(clippy::unwrap_used)]

use std::net::TcpListener;

use super::*;
use crate::model::TransportKind;
use crate::transport::Settings;

/// This machine, as a server.
fn local(name: &str) -> Server {
    let mut server = Server::new(name.parse().unwrap(), "127.0.0.1");
    server.transport = TransportKind::Local;
    server
}

fn at_port(name: &str, port: u16) -> Server {
    let mut server = Server::new(name.parse().unwrap(), "127.0.0.1");
    server.port = Some(port);
    server.user = Some("root".to_owned());
    server
}

fn subjects(servers: impl IntoIterator<Item = Server>) -> Vec<Subject> {
    let subject = |server| Subject {
        server,
        placed: BTreeSet::new(),
        thresholds: Thresholds::default(),
        asked: None,
        check_limits: CheckLimits::default(),
    };
    servers.into_iter().map(subject).collect()
}

async fn sweep(limit_ms: u64, parallel: usize, servers: Vec<Server>) -> (Vec<Look>, Duration) {
    let sweep = Sweep {
        limit: Duration::from_millis(limit_ms),
        checks_limit: Duration::from_secs(20),
        parallel,
        at: "2026-01-02T03:04:05Z".parse().unwrap(),
        clock: Timestamp::now(),
    };
    let connector = Connector::new(Settings::default());
    let started = Instant::now();
    let mut looks = Vec::new();
    sweep
        .run(&connector, subjects(servers), |look| looks.push(look))
        .await;
    (looks, started.elapsed())
}

#[tokio::test]
async fn this_machine_is_seen_as_it_is() {
    let (looks, _) = sweep(30_000, 8, vec![local("here")]).await;
    let look = &looks[0];
    let facts = look.observation.facts.as_ref().unwrap();
    assert_eq!(look.observation.at.to_string(), "2026-01-02T03:04:05Z");
    assert!(facts.cores > 0 && !facts.disks.is_empty());
    assert!(
        facts.clock_offset_s.abs() <= facts.clock_error_s + 0.1,
        "{} +- {}",
        facts.clock_offset_s,
        facts.clock_error_s
    );
    assert!(u128::from(facts.connect_ms) <= look.took.as_millis());
    assert_ne!(look.observation.health, Health::Offline);
}

#[tokio::test]
async fn a_dead_server_costs_its_own_limit_and_nobody_elses() {
    // Connections are accepted by the kernel, and nobody ever says a word.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port();
    let mut servers: Vec<Server> = (0..40)
        .map(|n| at_port(&format!("dead-{n}"), port))
        .collect();
    servers.push(local("here"));
    let (looks, took) = sweep(8000, 64, servers).await;
    assert_eq!(looks.len(), 41);
    assert_eq!(looks[0].server.as_str(), "here");
    assert!(
        looks[0].took < Duration::from_millis(7500),
        "{:?}",
        looks[0].took
    );
    for look in &looks[1..] {
        assert_eq!(look.observation.health, Health::Offline);
        assert_eq!(look.observation.reasons, ["it did not answer within 8 s"]);
        assert_eq!(look.observation.facts, None);
    }
    assert!(took < Duration::from_secs(20), "{took:?}");
}

#[tokio::test]
async fn a_refused_connection_is_offline_at_once_and_says_so() {
    let port = {
        let closed = TcpListener::bind("127.0.0.1:0").unwrap();
        closed.local_addr().unwrap().port()
    };
    let (looks, took) = sweep(10_000, 8, vec![at_port("closed", port)]).await;
    assert_eq!(looks[0].observation.health, Health::Offline);
    assert!(
        looks[0].observation.reasons[0].contains("refused"),
        "{:?}",
        looks[0].observation.reasons
    );
    assert!(looks[0].error.is_some());
    assert!(took < Duration::from_secs(8), "{took:?}");
}

#[tokio::test]
async fn no_more_than_so_many_at_the_same_time() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port();
    let servers = (0..4)
        .map(|n| at_port(&format!("dead-{n}"), port))
        .collect();
    let (looks, took) = sweep(300, 2, servers).await;
    assert_eq!(looks.len(), 4);
    assert!(took >= Duration::from_millis(600), "{took:?}");
}

#[tokio::test]
async fn nothing_to_look_at_ends_at_once() {
    assert!(sweep(1000, 0, Vec::new()).await.0.is_empty());
}

#[test]
fn health_is_stale_when_unknown_old_or_from_the_future() {
    let now: Timestamp = "2026-01-02T00:00:00Z".parse().unwrap();
    let age = |seconds: i64| Timestamp::from_second(now.as_second() - seconds).ok();
    let max_age = Duration::from_secs(300);
    assert!(is_stale(None, now, max_age));
    assert!(!is_stale(age(0), now, max_age));
    assert!(!is_stale(age(300), now, max_age));
    assert!(is_stale(age(301), now, max_age));
    assert!(is_stale(age(-1), now, max_age));
}

#[test]
fn a_flood_of_lines_is_not_kept() {
    let mut seen = Seen::default();
    for _ in 0..10_000 {
        seen.take(&"x".repeat(1000));
    }
    assert!(seen.lines.len() * 1000 <= MOST_OUTPUT);
    let mut seen = Seen::default();
    for _ in 0..MOST_OUTPUT {
        seen.take("");
    }
    assert!(seen.lines.len() * size_of::<String>() <= MOST_OUTPUT);
}

/// The verdict on a look that its limit ended after these lines.
fn cut_short(lines: &str, logged_in: bool) -> Verdict {
    let subject = &subjects([local("here")])[0];
    let limit = Duration::from_millis(1500);
    verdict(
        &parse(lines.lines()),
        subject,
        logged_in,
        Some(&Failure::Limit),
        limit,
    )
}

#[test]
fn a_look_that_its_limit_ended_says_how_far_it_came() {
    for (lines, logged_in, health, reason) in [
        ("", false, Health::Offline, "it did not answer within 1.5 s"),
        (
            "",
            true,
            Health::Error,
            "the login works, but the shell did not answer within 1.5 s",
        ),
        (
            "uid 0\nsystemd\nat disks\n",
            true,
            Health::Degraded,
            "asking for its disk use got no answer: a network file system may hang",
        ),
        (
            "uid 0\nsystemd\nat disks\n100 1 99 10 9 /\nat units\n",
            true,
            Health::Degraded,
            "systemd does not tell the state of its services",
        ),
    ] {
        let verdict = cut_short(lines, logged_in);
        assert_eq!(verdict, Verdict::because(health, reason), "{lines:?}");
    }
}

#[test]
fn what_the_transport_says_tells_offline_from_error() {
    let subject = &subjects([local("here")])[0];
    for (error, health) in [
        (
            TransportError::Cut {
                reason: "reset".to_owned(),
            },
            Health::Offline,
        ),
        (
            TransportError::SudoPassword {
                user: "admin".to_owned(),
            },
            Health::Error,
        ),
        (
            TransportError::HostKeyChanged {
                host: "sg-1".to_owned(),
                expected: Vec::new(),
                got: "ssh-ed25519 SHA256:x".to_owned(),
                place: None,
            },
            Health::Error,
        ),
    ] {
        let failure = Failure::Transport(error);
        let limit = Duration::from_secs(1);
        let verdict = verdict(&parse([]), subject, false, Some(&failure), limit);
        assert_eq!(verdict.health, health);
        assert_eq!(verdict.reasons.len(), 1);
    }
}
