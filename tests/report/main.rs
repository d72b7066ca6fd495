//! `fleet report`: the page as a file, and as a real browser shows it.

#![allow(clippy::print_stdout, reason = "a test that is left out says so")]

#[path = "../support/mod.rs"]
mod support;

mod browser;
mod fleet_of;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use browser::Browser;
use serde_json::{Value, json};

/// What is looked for in the page, as it is laid out.
const AUDIT: &str = include_str!("audit.js");

/// Where screenshots are kept, to be looked at.
fn pictures() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).to_owned()
}

fn browser() -> Option<Browser> {
    let browser = Browser::start();
    if browser.is_none() {
        let lab_is_required =
            std::env::var_os("FLEET_LAB").is_some_and(|value| value == "required");
        assert!(!lab_is_required, "chromium is not installed");
        println!("left out: the report in a browser, since chromium is not installed");
    }
    browser
}

#[test]
fn a_browser_shows_it_on_a_phone_and_a_screen_by_day_and_by_night() {
    let environment = fleet_of::hostile(30);
    environment
        .fleet(["report", "--html", "page.html"])
        .expect(0);
    let page = environment.read("page.html");
    assert!(
        page.contains("<h2 id=\"maintenance\">In maintenance</h2>"),
        "{page}"
    );
    assert!(page.contains(">expired 2d ago<"), "{page}");
    let Some(mut browser) = browser() else { return };
    for (name, width, height, scheme) in [
        ("phone-light", 360, 740, "light"),
        ("phone-dark", 360, 740, "dark"),
        ("desktop-light", 1280, 900, "light"),
        ("desktop-dark", 1280, 900, "dark"),
    ] {
        browser.view(width, height, scheme);
        let requests = browser.open(&environment.path().join("page.html"));
        assert_eq!(requests.len(), 1, "{name}: {requests:?}");
        let found = browser.evaluate(AUDIT);
        let audit: Value = serde_json::from_str(found.as_str().expect("JSON")).expect("JSON");
        assert_eq!(audit["problems"], json!([]), "{name}");
        assert!(audit["texts"].as_u64() > Some(300), "{name}: {audit}");
        let png = BASE64_STANDARD
            .decode(browser.screenshot())
            .expect("a picture");
        std::fs::write(pictures().join(format!("report-{name}.png")), png)
            .expect("a writable file");
        assert_eq!(browser.complaints(), [""; 0], "{name}");
    }
    // The policy holds: whatever got into the page could load nothing.
    let refused = browser.evaluate(
        "new Promise(done => {
            addEventListener('securitypolicyviolation', e => done(e.violatedDirective));
            new Image().src = 'https://example.com/pixel.png';
            setTimeout(() => done('loaded'), 5000);
        })",
    );
    assert_eq!(refused, "img-src");
}

#[test]
fn a_thousand_servers_are_one_page_of_bounded_size() {
    let environment = fleet_of::hostile(1_000);
    let started = Instant::now();
    environment
        .fleet(["report", "--html", "page.html"])
        .expect(0);
    let took = started.elapsed();
    let page = environment.read("page.html");
    println!("1,000 servers: {} KiB in {took:?}", page.len() / 1024);
    assert!(page.len() < 2 << 20, "{} bytes", page.len());
    // It takes a hundredth of this; other tests may use all processors.
    assert!(took < Duration::from_secs(60), "{took:?}");
    assert!(page.contains("The other 940 servers"));

    let Some(mut browser) = browser() else { return };
    browser.view(1280, 900, "light");
    browser.open(&environment.path().join("page.html"));
    let png = BASE64_STANDARD
        .decode(browser.screenshot())
        .expect("a picture");
    std::fs::write(pictures().join("report-thousand.png"), png).expect("a writable file");
    browser.view(360, 740, "dark");
    browser.open(&environment.path().join("page.html"));
    let found = browser.evaluate(AUDIT);
    let audit: Value = serde_json::from_str(found.as_str().expect("JSON")).expect("JSON");
    assert_eq!(audit["problems"], json!([]));
    assert_eq!(browser.complaints(), [""; 0]);
}

#[test]
fn the_page_goes_to_a_file_or_to_stdout() {
    let environment = fleet_of::hostile(3);
    let to_file = environment
        .fleet(["report", "--html", "page.html", "--json"])
        .expect(0);
    let value = to_file.json();
    assert_eq!(value["report"]["servers"], 3);
    let page = environment.read("page.html");
    assert_eq!(value["report"]["bytes"], page.len());
    let to_stdout = environment.fleet(["report", "--html", "-"]).expect(0);
    assert_eq!(to_stdout.stdout, environment.normalise(&page));
    environment
        .fleet(["report", "--html", "-", "--json"])
        .expect(2);
    environment.fleet(["report"]).expect(2);

    environment.write("page.html", "old");
    let failed = environment
        .fleet(["report", "--html", "missing/page.html"])
        .expect(1);
    assert!(failed.stderr.contains("hint: its directory"), "{failed}");

    // Hostile words are words.
    assert!(
        !page.contains("<img") && !page.contains("<script"),
        "{page}"
    );
    assert!(page.contains("&lt;script&gt;"), "{page}");
    for heading in [
        "How fast sites answer",
        "The slowest sites",
        "Certificates that expire next",
    ] {
        assert!(page.contains(heading), "{heading}: {page}");
    }
}

#[test]
fn an_empty_fleet_has_a_page_too() {
    let environment = support::environment::Environment::new();
    environment.write("inventory.toml", "");
    let page = environment
        .fleet(["report", "--html", "-"])
        .expect(0)
        .stdout;
    assert!(page.contains("No servers yet"), "{page}");
}
