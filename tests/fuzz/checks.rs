//! Any text as what a server found out of its sites, zones and services: it is judged, and nothing endless is kept of it.

#![no_main]

use fleet::health::checks::{Asked, judge, parse};
use fleet::kind::wanted::{Certificate, Page};
use fleet::model::check::CheckLimits;
use fleet::model::health::ServerFacts;
use fleet::model::{ResourceName, ServerName};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let findings = parse(text.lines());
    let page = Page {
        host: "a.example".to_owned(),
        path: "/".to_owned(),
        status_min: 200,
        status_max: 499,
        text: Some("x".to_owned()),
        certificate: Some(Certificate {
            path: "/a.pem".to_owned(),
            pem: String::new(),
            trusted: true,
        }),
        php: true,
    };
    let asked = Asked {
        pages: vec![(ResourceName::new("site", "a.example"), page)],
        zones: vec![ResourceName::new("zone", "a.example")],
        mariadb: true,
        postgres: true,
        cron: true,
        only: false,
    };
    let server: ServerName = "sg-1".parse().expect("a name");
    let now = jiff::Timestamp::from_second(1_795_175_700).expect("a time");
    let limits = CheckLimits::default();
    let checks = judge(&server, &ServerFacts::default(), &asked, &findings, now, &limits);
    for check in &checks {
        assert!(check.detail.chars().count() < 4096, "{check:?}");
        assert!(!check.detail.chars().any(char::is_control), "{check:?}");
    }
});
