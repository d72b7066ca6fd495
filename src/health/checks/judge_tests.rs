//! Findings of each kind, and what is said of them.
#![allow(clippy::unwrap_used)]

use super::super::answers::parse;
use super::*;

const NOW: &str = "2026-06-01T12:00:00Z";

fn site(host: &str, text: Option<&str>) -> (ResourceName, Page) {
    let page = Page {
        host: host.to_owned(),
        path: "/".to_owned(),
        status_min: 200,
        status_max: 399,
        text: text.map(ToOwned::to_owned),
        certificate: None,
        php: false,
    };
    (ResourceName::new("site", host), page)
}

/// What is said of these lines: `status aspect [resource]: detail`.
fn verdicts(asked: &Asked, facts: &ServerFacts, lines: &str) -> Vec<String> {
    let checks = judge(
        &"sg-1".parse().unwrap(),
        facts,
        asked,
        &parse(lines.lines()),
        NOW.parse().unwrap(),
        &CheckLimits::default(),
    );
    let line = |check: &Check| {
        assert_eq!(check.key.from, Vantage::Server);
        let (status, aspect) = (check.status.word(), check.key.aspect.word());
        match &check.key.subject.resource {
            Some(resource) => format!("{status} {aspect} {resource} {}", check.detail),
            None => format!("{status} {aspect}: {}", check.detail),
        }
    };
    checks.iter().map(line).collect()
}

fn own(lines: &str) -> Vec<String> {
    let facts = ServerFacts {
        kernel: "6.1.0-13-amd64".to_owned(),
        services: [("nginx".to_owned(), "active".to_owned())].into(),
        ..ServerFacts::default()
    };
    verdicts(&Asked::default(), &facts, lines)
}

#[test]
fn the_server_itself() {
    let table: &[(&str, &[&str])] = &[
        ("", &[]),
        ("check reboot no", &["ok reboot: no restart is required"]),
        (
            "check reboot required\ncheck reboot for linux-image\ncheck reboot for dbus",
            &["warn reboot: a restart is required, by `linux-image`, `dbus`"],
        ),
        (
            "check reboot no\ncheck kernel 6.1.0-13-amd64\ncheck kernel 6.1.0-9-amd64\ncheck kernel 6.5.0-1-cloud-amd64",
            &["ok reboot: no restart is required"],
        ),
        (
            "check reboot no\ncheck kernel 6.1.0-13-amd64\ncheck kernel 6.1.0-22-amd64",
            &[
                "warn reboot: a restart is required: the kernel 6.1.0-13-amd64 runs, 6.1.0-22-amd64 is installed",
            ],
        ),
        // Newer than what the archive has: nothing to do.
        (
            "check lists 1780315200\ncheck update git 1:2-2 1:2-1\ncheck updates read",
            &["ok updates: no security update waits"],
        ),
        (
            "check lists 1780315200\ncheck update git 1-1 1-0 1-2\ncheck updates read",
            &["warn updates: 1 security update waits: `git`"],
        ),
        (
            "check lists 1780315200\ncheck update a 1 2\ncheck update b 1 2\ncheck update c 1 2\ncheck update d 1 2\ncheck updates read",
            &["warn updates: 4 security updates wait: `a`, `b`, `c` and 1 more"],
        ),
        // A list that was cut off says nothing.
        ("check lists 1780315200\ncheck update a 1 2", &[]),
        (
            "check lists 1700000000\ncheck updates read",
            &[
                "warn updates: its package lists are 929 days old, so that security updates are not seen",
            ],
        ),
        ("check mail 0", &["ok mail: no mail waits to be sent"]),
        ("check mail 99", &["ok mail: 99 messages wait to be sent"]),
        (
            "check mail 100",
            &["warn mail: 100 messages wait to be sent"],
        ),
        (
            "check mail 10000",
            &["warn mail: 10,000 messages or more wait to be sent"],
        ),
        (
            "check nginx valid\ncheck listens 80",
            &["ok nginx: the configuration of nginx is valid"],
        ),
        (
            "check nginx valid",
            &["bad nginx: nothing listens on port 80"],
        ),
        (
            "check nginx invalid [emerg] unknown directive",
            &["bad nginx: nginx would not start with its configuration: [emerg] unknown directive"],
        ),
        (
            "check php 8.2 valid\ncheck php 8.4 invalid no pool",
            &["bad php: PHP-FPM 8.4 would not start with its configuration: no pool"],
        ),
        (
            "check updates nolists",
            &[
                "warn updates: it has no package lists of a security archive, so that security updates are not seen",
            ],
        ),
        ("check lists 1780000000\ncheck update git 1 2", &[]),
        ("check cron active", &["ok cron: the cron daemon runs"]),
        (
            "check cron inactive",
            &["bad cron: the cron daemon is inactive, but cron jobs are placed here"],
        ),
        ("check cron ", &[]),
        (
            "check mariadb silent Can't connect",
            &["bad mariadb: MariaDB does not answer: Can't connect"],
        ),
        (
            "check postgres 13/main silent\ncheck postgres 15/main answers",
            &["ok postgres: PostgreSQL answers"],
        ),
        (
            "check postgres 15/main silent",
            &["bad postgres: PostgreSQL does not answer"],
        ),
    ];
    for (lines, expected) in table {
        assert_eq!(own(lines), *expected, "{lines}");
    }
}

#[test]
fn sites_and_zones() {
    let asked = Asked {
        pages: vec![
            site("a.example", None),
            site("b.example", Some("welcome")),
            site("c.example", None),
            site("d.example", None),
            site("e.example", None),
            site("f.example", None),
        ],
        zones: vec![
            ResourceName::new("zone", "example.net"),
            ResourceName::new("zone", "example.org"),
        ],
        ..Asked::default()
    };
    let lines = "check zone example.org.\ncheck zones asked\n\
        check page 200 0.0123 0 http://a.example/\ncheck page 200 0.1 23 http://b.example/\ncheck text 1 without\n\
        check page 500 0.1 0 http://c.example/\ncheck page 000 5 28 http://d.example/ Operation timed out\n\
        check page 000 0 7 http://e.example/ Couldn't connect\ncheck page 301 2.5 0 http://f.example/\n\
        check page 200 0 0 http://stranger.example/\ncheck end";
    assert_eq!(
        verdicts(&asked, &ServerFacts::default(), lines),
        [
            "ok http: all sites were asked for: 6",
            "ok http site a.example answers 200 in 12 ms",
            "bad http site b.example answers 200, but without the text `welcome`",
            "bad http site c.example answers 500 instead of 200-399",
            "bad http site d.example does not answer within 5 s",
            "bad http site e.example does not answer: Couldn't connect",
            "warn http site f.example answers 301, but only after 2.5 s",
            "bad dns zone example.net is not answered for by the server itself",
            "ok dns zone example.org is answered for",
        ]
    );
    // Cut off: what was not found out is not told as bad.
    let cut = "check page 200 0.0123 0 http://a.example/";
    assert_eq!(
        verdicts(&asked, &ServerFacts::default(), cut),
        [
            "warn http: only 1 of 6 sites could be asked for in time",
            "ok http site a.example answers 200 in 12 ms",
        ]
    );
    // Without curl nothing was asked.
    assert!(
        verdicts(
            &asked,
            &ServerFacts::default(),
            "check pages unasked\ncheck end"
        )
        .is_empty()
    );
}

#[test]
fn certificates_on_the_disk() {
    let mut asked = Asked {
        pages: vec![site("a.example", None)],
        ..Asked::default()
    };
    asked.pages[0].1.certificate = Some(wanted::Certificate {
        path: "/etc/nginx/fleet/a/tls.crt".to_owned(),
        pem: "not one".to_owned(),
        trusted: true,
    });
    let said = |line: &str| {
        verdicts(
            &asked,
            &ServerFacts::default(),
            &format!("{line}\ncheck end"),
        )
    };
    assert_eq!(
        said("check file /etc/nginx/fleet/a/tls.crt missing"),
        ["bad certificate site a.example misses its certificate `/etc/nginx/fleet/a/tls.crt`"]
    );
    assert_eq!(
        said("check file /etc/nginx/fleet/a/tls.crt other AAAA"),
        [
            "bad certificate site a.example has a certificate in `/etc/nginx/fleet/a/tls.crt` that is none"
        ]
    );
    assert!(said("check file /etc/passwd missing").is_empty());
}
