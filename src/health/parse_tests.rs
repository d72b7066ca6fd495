//! Recorded, garbled and hostile output of the probe.
#![allow(clippy::unwrap_used)]

use std::fmt::Write;
use std::process::{Command, Stdio};

use proptest::prelude::*;

use super::*;
use crate::health::probe;

const DEBIAN_12: &str = include_str!("recorded/debian12-full.txt");
const DEBIAN_12_BARE: &str = include_str!("recorded/debian12-bare.txt");
const DEBIAN_13: &str = include_str!("recorded/debian13-full.txt");

fn services(reading: &Reading) -> Vec<String> {
    let pair = |(unit, state): (&String, &String)| format!("{unit}={state}");
    reading.facts.services.iter().map(pair).collect()
}

#[test]
fn a_debian_12_with_everything() {
    let reading = parse(DEBIAN_12.lines());
    assert_eq!(reading.stopped_at, None);
    assert_eq!(reading.uid, Some(0));
    assert_eq!(reading.time, Some(1_795_164_194.319_304_2));
    assert!(reading.systemd && reading.units_known);
    let facts = &reading.facts;
    assert_eq!(
        (facts.os.as_str(), facts.os_version.as_str()),
        ("debian", "12")
    );
    assert_eq!((facts.arch.as_str(), facts.cores), ("x86_64", 2));
    assert_eq!((facts.uptime_s, facts.load), (1621, [6.57, 4.75, 2.57]));
    assert_eq!(facts.memory_total, 24_684_096 * 1024);
    assert_eq!(facts.memory_available, 22_489_932 * 1024);
    assert_eq!(facts.php, ["8.2"]);
    assert_eq!(facts.nginx.as_deref(), Some("1.22.1"));
    assert_eq!(facts.ipv6, Some(true));
    assert_eq!(
        facts.disks,
        [DiskUse {
            mount: "/".into(),
            total: 270_553_174_016,
            used: 25_861_566_464,
            available: 71_711_182_848,
            inodes: 16_777_216,
            inodes_free: 16_255_852,
            read_only: false,
        }]
    );
    assert_eq!(
        services(&reading),
        [
            "mariadb=disabled",
            "nginx=active",
            "pdns=disabled",
            "php8.2-fpm=active",
            "postgresql@15-main=disabled",
        ]
    );
}

#[test]
fn a_debian_13_and_a_bare_server() {
    let reading = parse(DEBIAN_13.lines());
    assert_eq!(reading.facts.os_version, "13");
    assert_eq!(reading.facts.php, ["8.4"]);
    assert_eq!(reading.facts.nginx.as_deref(), Some("1.26.3"));
    let reading = parse(DEBIAN_12_BARE.lines());
    assert_eq!(reading.facts.nginx, None);
    assert!(reading.facts.php.is_empty());
    assert_eq!(
        services(&reading),
        [
            "mariadb=missing",
            "nginx=missing",
            "pdns=missing",
            "postgresql=missing"
        ]
    );
}

#[test]
fn the_probe_runs_in_the_shell_of_this_machine() {
    let output = Command::new("sh")
        .arg("-c")
        .arg(probe().text())
        .env_clear()
        .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
        .env("LC_ALL", "C")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    let text = String::from_utf8(output.stdout).unwrap();
    let reading = parse(text.lines());
    assert_eq!(reading.stopped_at, None, "{text}");
    assert!(reading.time.unwrap() > 1.7e9);
    assert!(reading.facts.cores > 0 && reading.facts.memory_total > 0);
    assert!(
        reading.facts.disks.iter().any(|disk| disk.mount == "/"),
        "{text}"
    );
}

#[test]
fn states_come_from_units_first_and_then_from_files() {
    let text = "service nginx enabled\nservice pdns enabled\nservice mariadb masked\nservice postgresql enabled\n\
                service php8.2-fpm disabled\nunit nginx.service failed\nunit foo.mount failed\n\
                unit php8.2-fpm.service activating\n";
    let with = |end: &str| {
        let text = format!("{text}{end}");
        services(&parse(text.lines()))
    };
    assert_eq!(
        with("units_known\nend\n"),
        [
            "mariadb=masked",
            "nginx=failed",
            "pdns=inactive",
            "php8.2-fpm=activating",
            "postgresql=disabled"
        ]
    );
    // What systemd did not tell is not guessed.
    assert_eq!(
        with("end\n"),
        [
            "mariadb=masked",
            "nginx=failed",
            "pdns=unknown",
            "php8.2-fpm=activating",
            "postgresql=unknown"
        ]
    );
    let reading = parse(text.lines());
    assert_eq!(reading.facts.failed_units, ["foo.mount", "nginx.service"]);
}

#[test]
fn it_is_known_where_the_probe_stopped() {
    for (cut_after, stopped_at) in [
        ("", Part::Start),
        ("systemd\n", Part::Start),
        ("at disks\n", Part::Disks),
        ("at units\n", Part::Units),
        ("units_known\n", Part::Units),
    ] {
        let end = DEBIAN_12.find(cut_after).unwrap() + cut_after.len();
        let reading = parse(DEBIAN_12[..end].lines());
        assert_eq!(reading.stopped_at, Some(stopped_at), "{cut_after:?}");
    }
}

#[test]
fn an_unwritable_directory_marks_the_file_system_that_holds_it() {
    let text = "at disks\n100 1 99 10 9 /\n100 1 99 10 9 /srv\n100 1 99 - - /srv/my files\n100 1 99 10 9 /s\n\
                unwritable /srv/fleet\nunwritable /srvx\nend\n";
    let reading = parse(text.lines());
    let marked: Vec<(&str, bool)> = reading
        .facts
        .disks
        .iter()
        .map(|disk| (disk.mount.as_str(), disk.read_only))
        .collect();
    assert_eq!(
        marked,
        [
            ("/", true),
            ("/srv", true),
            ("/srv/my files", false),
            ("/s", false)
        ]
    );
    assert_eq!(reading.facts.disks[2].inodes, 0);
}

#[test]
fn hostile_lines_are_neither_believed_nor_shown() {
    let long = "x".repeat(100_000);
    let text = format!(
        "time NaN\ntime -1\ntime 1e300\nuid root\nuptime inf\nload 1 2\nload 1 2 -3\nload 1e300 1 1\nmemory_total_kib -5\n\
         memory_available_kib 18446744073709551615\ncpus 3-1\ncpus 0-4294967295\nos \"de\u{1b}[31mbian\"\n\
         os_version {long}\nphp\nphp \u{7}\nnginx version: nginx/\nservice\nunit\nunit a\nat\nat lunch\n\
         at disks\n1 2 3\n99999999999999999999 1 1 1 1 /\n0 0 0 0 0 /proc\n1 1 1 1 1\nunit x.service failed\r\n"
    );
    let reading = parse(text.lines());
    let facts = &reading.facts;
    assert_eq!((reading.time, reading.uid), (None, None));
    assert_eq!((facts.uptime_s, facts.load), (0, [0.0; 3]));
    assert_eq!((facts.memory_total, facts.memory_available), (0, u64::MAX));
    assert_eq!(facts.cores, u32::MAX);
    assert_eq!(facts.os, "de[31mbian");
    assert_eq!(facts.os_version.len(), LONGEST);
    assert!(facts.php.is_empty() && facts.disks.is_empty());
    assert_eq!(facts.failed_units, ["x.service"]);
    assert_eq!(reading.stopped_at, Some(Part::Disks));
}

#[test]
fn lists_do_not_grow_without_end() {
    let mut text = String::from("at disks\n");
    for number in 0..10_000 {
        let _ = write!(
            text,
            "100 1 99 10 9 /mnt/{number}\nunit u{number}.service failed\nphp 8.{number}\nservice s{number} enabled\n"
        );
    }
    let facts = parse(text.lines()).facts;
    assert_eq!(facts.disks.len(), MOST);
    assert_eq!(facts.failed_units.len(), MOST);
    assert_eq!(facts.php.len(), MOST);
    assert_eq!(facts.services.len(), MOST);
}

#[test]
fn php_versions_ascend_by_number() {
    assert_eq!(
        parse("php 8.10\nphp 8.2\nphp 7.4\nphp 8.2".lines())
            .facts
            .php,
        ["7.4", "8.2", "8.10"]
    );
}

proptest! {
    #[test]
    fn no_output_makes_it_fail(lines in proptest::collection::vec(
        "(time|uid|uptime|load|memory_total_kib|cpus|os|php|nginx|service|unit|unwritable|at disks|at units|end)? ?.{0,40}", 0..40,
    )) {
        let text = lines.join("\n");
        let reading = parse(text.lines());
        prop_assert!(reading.facts.disks.iter().all(|disk| disk.total > 0));
        let texts = reading.facts.services.iter().flat_map(|(unit, state)| [unit, state]);
        let clean = texts.chain(&reading.facts.php).all(|text| !text.contains(char::is_control));
        prop_assert!(clean);
    }

    #[test]
    fn any_truncation_of_a_real_output_is_read(end in 0..DEBIAN_12.len()) {
        if DEBIAN_12.is_char_boundary(end) {
            let reading = parse(DEBIAN_12[..end].lines());
            // The last line may be cut inside, so that it reads as a smaller figure; `end` may not.
            prop_assert!(reading.stopped_at.is_some() || end >= DEBIAN_12.len() - 1);
        }
    }
}
