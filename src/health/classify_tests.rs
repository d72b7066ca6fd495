//! Verdicts as a table: what was read, and what is said about it.
#![allow(clippy::unwrap_used)]

use super::*;
use crate::health::parse;

const GIB: u64 = 1 << 30;

/// A well server of every role with everything installed.
fn well() -> Reading {
    let mut reading = Reading {
        time: Some(1.0),
        uid: Some(0),
        systemd: true,
        units_known: true,
        ..Reading::default()
    };
    reading.facts.cores = 2;
    reading.facts.memory_total = 4 * GIB;
    reading.facts.memory_available = 2 * GIB;
    reading.facts.disks = vec![disk("/", 50), disk("/srv", 50)];
    for unit in [
        "nginx",
        "php8.2-fpm",
        "pdns",
        "mariadb",
        "postgresql@15-main",
    ] {
        set(&mut reading, unit, "active");
    }
    reading
}

fn disk(mount: &str, percent: u64) -> DiskUse {
    DiskUse {
        mount: mount.into(),
        total: 110 * GIB,
        used: percent * GIB,
        available: (100 - percent) * GIB,
        inodes: 1000,
        inodes_free: 500,
        read_only: false,
    }
}

fn set(reading: &mut Reading, unit: &str, state: &str) {
    reading.facts.services.insert(unit.into(), state.into());
}

fn judge(reading: &Reading, placed: &[Role]) -> Verdict {
    classify(
        reading,
        &Role::ALL.into(),
        &placed.iter().copied().collect(),
        &Thresholds::default(),
    )
}

#[track_caller]
fn degraded(change: impl FnOnce(&mut Reading), placed: &[Role], reasons: &[&str]) {
    let mut reading = well();
    change(&mut reading);
    let verdict = judge(&reading, placed);
    assert_eq!(verdict.reasons, reasons);
    let health = if reasons.is_empty() {
        Health::Online
    } else {
        Health::Degraded
    };
    assert_eq!(verdict.health, health);
}

#[test]
fn a_well_server_is_online_whatever_is_placed() {
    degraded(|_| {}, &[], &[]);
    degraded(|_| {}, &Role::ALL, &[]);
}

#[test]
fn disks_and_inodes() {
    degraded(|r| r.facts.disks[0] = disk("/", 89), &[], &[]);
    degraded(
        |r| r.facts.disks[0] = disk("/", 90),
        &[],
        &["`/` is 90 % full, 10 GiB left"],
    );
    degraded(
        |r| r.facts.disks[1] = disk("/srv", 100),
        &[],
        &["`/srv` is 100 % full, 0 B left"],
    );
    degraded(
        |r| r.facts.disks[0].inodes_free = 99,
        &[],
        &["`/` has used 91 % of its inodes, 99 left"],
    );
    // btrfs and others have no fixed number of inodes.
    degraded(
        |r| (r.facts.disks[0].inodes, r.facts.disks[0].inodes_free) = (0, 0),
        &[],
        &[],
    );
    degraded(
        |r| r.facts.disks[1].read_only = true,
        &[],
        &["`/srv` is read-only"],
    );
    // As df does, a percent that was begun counts, and the blocks kept for root do not.
    assert_eq!(disk("/", 99).percent(), 99);
    let begun = DiskUse {
        used: 899 * GIB,
        available: 101 * GIB,
        ..disk("/", 0)
    };
    assert_eq!(begun.percent(), 90);
}

#[test]
fn memory_and_load() {
    degraded(
        |r| r.facts.memory_available = (4 * GIB).div_ceil(20),
        &[],
        &[],
    );
    degraded(
        |r| r.facts.memory_available = 4 * GIB / 20 - 1024,
        &[],
        &["205 MiB of 4.0 GiB memory available"],
    );
    degraded(
        |r| (r.facts.memory_total, r.facts.memory_available) = (0, 0),
        &[],
        &[],
    );
    degraded(|r| r.facts.load = [100.0, 8.0, 100.0], &[], &[]);
    degraded(
        |r| r.facts.load = [0.0, 8.1, 0.0],
        &[],
        &["load 8.1 on 2 processors over 5 minutes"],
    );
    degraded(
        |r| (r.facts.load, r.facts.cores) = ([0.0, 8.1, 0.0], 1),
        &[],
        &["load 8.1 on 1 processor over 5 minutes"],
    );
    degraded(
        |r| (r.facts.load, r.facts.cores) = ([0.0, 8.1, 0.0], 0),
        &[],
        &[],
    );
}

#[test]
fn the_clock_may_be_off_by_what_the_exchange_took() {
    let clock = |offset: f64, error: f64| {
        move |r: &mut Reading| (r.facts.clock_offset_s, r.facts.clock_error_s) = (offset, error)
    };
    degraded(clock(2.4, 0.5), &[], &[]);
    degraded(clock(-2.4, 0.5), &[], &[]);
    degraded(clock(2.6, 0.5), &[], &["its clock is 2.6 s ahead"]);
    degraded(clock(-2.6, 0.5), &[], &["its clock is 2.6 s behind"]);
    degraded(clock(600.0, 0.5), &[], &["its clock is 10 min ahead"]);
    degraded(clock(-86_400.0, 0.5), &[], &["its clock is 24 h behind"]);
}

#[test]
fn a_service_counts_by_what_is_placed_and_by_what_the_server_is_for() {
    for (unit, state, placed, reason) in [
        ("nginx", "failed", None, "`nginx` has failed"),
        ("nginx", "inactive", None, "`nginx` does not run"),
        ("nginx", "missing", None, ""),
        (
            "nginx",
            "missing",
            Some(Role::Web),
            "`nginx` is not installed, but sites are placed here",
        ),
        ("nginx", "missing", Some(Role::Dns), ""),
        ("nginx", "disabled", None, ""),
        (
            "nginx",
            "disabled",
            Some(Role::Web),
            "`nginx` does not run and is disabled, but sites are placed here",
        ),
        ("nginx", "deactivating", None, "`nginx` is stopping"),
        ("nginx", "reloading", Some(Role::Web), ""),
        (
            "pdns",
            "activating",
            None,
            "`pdns` is starting, or fails and is started again and again",
        ),
        (
            "pdns",
            "masked",
            Some(Role::Dns),
            "`pdns` does not run and is masked, but zones are placed here",
        ),
        ("php8.2-fpm", "inactive", None, "`php8.2-fpm` does not run"),
        // An old version that the admin has switched off.
        ("php8.2-fpm", "disabled", Some(Role::Web), ""),
        ("mariadb", "disabled", Some(Role::Database), ""),
        (
            "postgresql@15-main",
            "inactive",
            None,
            "`postgresql@15-main` does not run",
        ),
    ] {
        let reasons: Vec<&str> = Some(reason).filter(|r| !r.is_empty()).into_iter().collect();
        degraded(|r| set(r, unit, state), placed.as_slice(), &reasons);
    }
    // Not what this server is for: what the inventory does not give it does not count.
    let mut reading = well();
    set(&mut reading, "mariadb", "inactive");
    let verdict = classify(
        &reading,
        &[Role::Web].into(),
        &BTreeSet::new(),
        &Thresholds::default(),
    );
    assert_eq!(verdict.health, Health::Online);
}

#[test]
fn any_database_server_will_do() {
    let without = |states: [&'static str; 2]| {
        move |r: &mut Reading| {
            set(r, "mariadb", states[0]);
            set(r, "postgresql@15-main", states[1]);
        }
    };
    let none = "neither MariaDB nor PostgreSQL runs, but databases are placed here";
    degraded(without(["missing", "active"]), &[Role::Database], &[]);
    degraded(without(["missing", "disabled"]), &[Role::Database], &[none]);
    degraded(without(["missing", "missing"]), &[], &[]);
    degraded(
        without(["missing", "failed"]),
        &[Role::Database],
        &["`postgresql@15-main` has failed"],
    );
}

#[test]
fn a_server_with_only_nginx_is_online_while_nothing_else_is_placed() {
    let reading = parse(include_str!("recorded/debian12-bare.txt").lines());
    assert_eq!(judge(&reading, &[]).reasons, Vec::<String>::new());
    assert_eq!(
        judge(&reading, &Role::ALL).reasons,
        [
            "`nginx` is not installed, but sites are placed here",
            "`pdns` is not installed, but zones are placed here",
            "neither MariaDB nor PostgreSQL runs, but databases are placed here",
        ]
    );
}

#[test]
fn failed_units_are_told_once_and_not_without_end() {
    let fail = |units: &'static [&'static str]| {
        move |r: &mut Reading| {
            r.facts.failed_units = units.iter().map(ToString::to_string).collect();
        }
    };
    degraded(
        fail(&["backup.service"]),
        &[],
        &["unit `backup.service` has failed"],
    );
    degraded(
        fail(&["a.mount", "b.service"]),
        &[],
        &["2 units have failed: `a.mount`, `b.service`"],
    );
    degraded(
        fail(&["a.mount", "b.service", "c.service", "d.timer"]),
        &[],
        &["4 units have failed: `a.mount`, `b.service`, `c.service`, ..."],
    );
    degraded(
        |r| {
            fail(&["nginx.service"])(r);
            set(r, "nginx", "failed");
        },
        &[],
        &["`nginx` has failed"],
    );
}

#[test]
fn what_could_not_be_looked_at_is_an_error() {
    let mut reading = well();
    reading.uid = Some(1000);
    let verdict = judge(&reading, &[]);
    assert_eq!(verdict.health, Health::Error);
    assert!(verdict.reasons[0].contains("become = true"), "{verdict:?}");
    reading = well();
    reading.stopped_at = Some(Part::Start);
    assert_eq!(judge(&reading, &[]).health, Health::Error);
}

#[test]
fn a_probe_that_got_stuck_says_where() {
    degraded(
        |r| {
            r.stopped_at = Some(Part::Disks);
            (r.systemd, r.units_known) = (true, false);
        },
        &[],
        &["asking for its disk use got no answer: a network file system may hang"],
    );
    degraded(
        |r| {
            r.stopped_at = Some(Part::Units);
            r.units_known = false;
        },
        &[],
        &["systemd does not tell the state of its services"],
    );
    degraded(
        |r| (r.systemd, r.units_known) = (false, false),
        &[],
        &["systemd does not run there, so nothing is known of its services"],
    );
}

#[test]
fn the_gravest_reason_comes_first() {
    degraded(
        |r| {
            r.facts.disks[0] = disk("/", 95);
            r.facts.failed_units = vec!["x.service".into()];
            set(r, "nginx", "failed");
            r.facts.clock_offset_s = 10.0;
        },
        &[],
        &[
            "`/` is 95 % full, 5.0 GiB left",
            "`nginx` has failed",
            "unit `x.service` has failed",
            "its clock is 10.0 s ahead",
        ],
    );
}

#[test]
fn sizes_have_the_unit_that_fits() {
    for (bytes, shown) in [
        (0, "0 B"),
        (999, "999 B"),
        (1024, "1.0 KiB"),
        (10 * GIB, "10 GiB"),
        (GIB * 1023, "1.0 TiB"),
    ] {
        assert_eq!(size(bytes), shown);
    }
}

#[test]
fn thresholds_are_those_of_the_server() {
    let mut reading = well();
    reading.facts.load = [0.0, 5.0, 0.0];
    reading.facts.memory_available = GIB;
    reading.facts.clock_offset_s = 1.0;
    let judged = |thresholds: Thresholds| {
        let none = BTreeSet::new();
        classify(&reading, &none, &none, &thresholds).reasons
    };
    assert_eq!(judged(Thresholds::default()), [""; 0]);
    let strict = Thresholds {
        load_per_core: 2.4,
        memory_percent: 74,
        disk_percent: 1,
        inodes_percent: 100,
        clock_offset: std::time::Duration::from_millis(500),
    };
    let reasons = judged(strict).join("; ");
    for expected in [
        "load 5.0 on 2 processors",
        "1.0 GiB of 4.0 GiB memory available",
        "its clock is 1.0 s ahead",
        "% full",
    ] {
        assert!(reasons.contains(expected), "{expected}: {reasons}");
    }
    assert!(!reasons.contains("inodes"), "{reasons}");
}
