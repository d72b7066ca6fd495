//! Checks of a health sweep on a real server: a site whose certificate expires, one that answers 500, and what waits.

use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::world::World;

/// `status from detail` of the checks of one aspect of a resource, or of the server itself.
fn said(server: &Value, aspect: &str, resource: Option<&str>) -> Vec<String> {
    let checks = server["checks"].as_array().expect("the checks");
    checks
        .iter()
        .filter(|check| check["aspect"] == aspect && check["resource"]["name"].as_str() == resource)
        .map(|check| {
            let word = |key: &str| check[key].as_str().expect("a word").to_owned();
            format!("{} {} {}", word("status"), word("from"), word("detail"))
        })
        .collect()
}

#[track_caller]
fn expect(server: &Value, aspect: &str, resource: Option<&str>, beginnings: &[&str]) {
    let said = said(server, aspect, resource);
    let fits = said.len() == beginnings.len()
        && said
            .iter()
            .zip(beginnings)
            .all(|(line, begin)| line.starts_with(begin));
    assert!(fits, "{aspect} of {resource:?}: {said:?}\n{server:#}");
}

/// A certificate that expires in five days, and its key.
fn self_signed(world: &World) {
    let made = Command::new("openssl")
        .args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
        ])
        .args(["-nodes", "-days", "5", "-subj", "/CN=soon.example"])
        .args([
            "-addext",
            "subjectAltName=DNS:soon.example,DNS:www.soon.example",
        ])
        .args(["-keyout", "key.pem", "-out", "certificate.pem"])
        .current_dir(world.home.path())
        .output()
        .expect("openssl runs");
    assert!(made.status.success(), "{made:?}");
}

/// Makes something of everything need attention.
fn spoil(world: &World) {
    world.sh(
        "lab-1",
        "echo '<?php http_response_code(500);' >/srv/www/broken.example/public/index.php
         chown --reference=/srv/www/broken.example/public /srv/www/broken.example/public/index.php
         echo moved >/srv/www/text.example/public/index.html
         echo 'server { listen nowhere:; }' >/etc/nginx/conf.d/zz-test.conf
         touch /run/reboot-required
         mkdir -p /var/spool/postfix/deferred && (cd /var/spool/postfix/deferred && seq 1 150 | xargs touch)
         printf 'Package: bash\\nVersion: 99:1\\n\\nPackage: not-there\\nVersion: 1\\n' \\
             >/var/lib/apt/lists/deb.debian.org_debian-security_dists_bookworm-security_main_binary-amd64_Packages",
    );
}

#[test]
fn what_is_wrong_with_sites_and_services_is_seen_from_both_sides() {
    let Some(world) = World::new(&["lab-1"]) else {
        return;
    };
    self_signed(&world);
    for line in [
        "setup-server lab-1 --role web",
        "add-site soon.example --tls-certificate certificate.pem --tls-key key.pem",
        "add-site broken.example --type php",
        "add-site text.example --health-text <title>text.example</title>",
        "add-cron job --server lab-1 --schedule @daily --command true",
    ] {
        world.fleet(line).expect(0);
    }
    // The exit code is also that of the load, and the machine may be at work.
    let well = world.fleet("health --site text.example --json").json();
    let server = &well["servers"][0];
    let answers = ["ok server answers 200 in ", "ok here answers 200 in "];
    let answered = said(server, "http", Some("text.example"));
    assert_eq!(answered.len(), 2, "{server:#}");
    for (line, begin) in answered.iter().zip(answers) {
        // It may be slow on a machine at work.
        assert!(
            line.starts_with(begin) || line.starts_with("warn"),
            "{line}"
        );
    }

    spoil(&world);
    let report = world.json("health", 5);
    let server = &report["servers"][0];
    let expiring = "has a certificate that expires in ";
    expect(
        server,
        "certificate",
        Some("soon.example"),
        &[
            &format!("bad server {expiring}"),
            &format!("bad here {expiring}"),
        ],
    );
    let failing = "answers 500 instead of 200-499";
    expect(
        server,
        "http",
        Some("broken.example"),
        &[
            &format!("bad server {failing}"),
            &format!("bad here {failing}"),
        ],
    );
    let without = "answers 200, but without the text `<title>text.example</title>`";
    expect(
        server,
        "http",
        Some("text.example"),
        &[
            &format!("bad server {without}"),
            &format!("bad here {without}"),
        ],
    );
    expect(server, "cron", None, &["ok server the cron daemon runs"]);
    expect(
        server,
        "reboot",
        None,
        &["warn server a restart is required"],
    );
    expect(server, "mail", None, &["warn server 150 messages wait"]);
    expect(
        server,
        "updates",
        None,
        &["warn server 1 security update waits: `bash`"],
    );
    let invalid = "nginx would not start with its configuration: ";
    expect(server, "nginx", None, &[&format!("bad server {invalid}")]);
    // What is checked is not the server's own health.
    assert!(
        !server["reasons"].to_string().contains(invalid),
        "{server:#}"
    );

    // The sites alone do not make the server unwell, but the command fails for them.
    world.sh("lab-1", "rm /etc/nginx/conf.d/zz-test.conf");
    let printed = world
        .fleet("health --server-only --site broken.example")
        .expect(5);
    assert!(
        printed.stdout.contains("site broken.example answers 500"),
        "{printed}"
    );
    assert!(!printed.stdout.contains("soon.example"), "{printed}");
    let none = world.fleet("health --no-checks --json").json();
    assert_eq!(none["servers"][0]["checks"], serde_json::json!([]));

    what_was_measured_is_kept(&world);
    a_watch_checks_too(&world);
}

/// For those who ask nothing of a server.
fn what_was_measured_is_kept(world: &World) {
    let status = world.json("status", 0);
    let next = &status["expiries"]["next"][0];
    assert_eq!(next["resource"]["name"], "soon.example", "{status:#}");
    assert_eq!(status["answers"]["sites"], 3, "{status:#}");
    let slowest = &status["answers"]["slowest"][0];
    assert!(
        slowest["on_server_ms"].is_u64() && slowest["from_here_ms"].is_u64(),
        "{slowest:#}"
    );
}

/// Its first look is the second one that sees that the text is missing.
fn a_watch_checks_too(world: &World) {
    let mut watch = world.start("health --watch 1");
    let began = Instant::now();
    let is_confirmed = || {
        let status = world.json("status", 0);
        let checks = status["checks"].as_array().expect("checks");
        checks
            .iter()
            .any(|check| check["subject"] == "http of site text.example")
    };
    while !is_confirmed() {
        if began.elapsed() > Duration::from_secs(60) {
            watch.kill();
            panic!("the watch makes no checks");
        }
        std::thread::sleep(Duration::from_millis(200));
    }
    watch.interrupt();
    watch.outcome(world).expect(0);
}

#[test]
fn a_slow_site_and_a_zone_that_is_not_answered_for_are_seen_from_both_sides() {
    let limits = "\n[health]\nresponse_time = \"1s\"\n";
    let Some(world) = World::with(&["lab-1"], |inventory| inventory + limits) else {
        return;
    };
    for line in [
        "setup-server lab-1 --role dns",
        "add-site slow.example --server lab-1 --type php",
        "add-zone z.example --server lab-1 --secondaries 0 --address 192.0.2.1",
    ] {
        world.fleet(line).expect(0);
    }
    let well = world.fleet("health --json").json();
    let server = &well["servers"][0];
    let zone = Some("z.example");
    expect(
        server,
        "dns",
        zone,
        &["ok server is answered for", "ok here is answered for"],
    );

    world.sh(
        "lab-1",
        "echo '<?php usleep(1600000); echo \"late\";' >/srv/www/slow.example/public/index.php
         chown --reference=/srv/www/slow.example/public /srv/www/slow.example/public/index.php
         rm -f /srv/www/slow.example/public/index.html
         echo \"delete from domains where name = 'z.example';\" | sqlite3 /var/lib/powerdns/pdns.sqlite3
         pdns_control rediscover >/dev/null && pdns_control purge >/dev/null",
    );
    let report = world.json("health", 5);
    let server = &report["servers"][0];
    let late = "answers 200, but only after ";
    expect(
        server,
        "http",
        Some("slow.example"),
        &[&format!("warn server {late}"), &format!("warn here {late}")],
    );
    let unanswered = [
        "bad server is not answered for by the server itself",
        "bad here is not answered for by its server (code 5)",
    ];
    expect(server, "dns", zone, &unanswered);

    // With nobody at port 53 there is no answer at all.
    world.sh("lab-1", "systemctl stop pdns");
    let report = world.json("health", 5);
    let unanswered = [
        "bad server is not answered for by the server itself",
        "bad here is not answered for: no answer from its server on port 53",
    ];
    expect(&report["servers"][0], "dns", zone, &unanswered);
}
