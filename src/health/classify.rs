//! The verdict on a server from what was measured: pure; the limits are those of `[health]`.

use std::collections::BTreeSet;

use super::parse::{Part, Reading};
use crate::model::health::{DiskUse, ServerFacts, Thresholds};
use crate::model::{Health, Role};

/// Failed units named in a reason; of the rest only the number is told.
const UNITS_NAMED: usize = 3;

/// How well a server is, and why it is not online.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// The verdict.
    pub health: Health,
    /// Why it is not online, the gravest first; empty when it is.
    pub reasons: Vec<String>,
}

impl Verdict {
    /// A verdict with one reason.
    pub fn because(health: Health, reason: impl Into<String>) -> Self {
        Self {
            health,
            reasons: vec![reason.into()],
        }
    }
}

/// Judges what was read of a server. `roles` are those the inventory gives it; `placed` those of the resources
/// that fleet has placed there: software of a role that nothing is placed for may be missing.
pub fn classify(
    reading: &Reading,
    roles: &BTreeSet<Role>,
    placed: &BTreeSet<Role>,
    thresholds: &Thresholds,
) -> Verdict {
    if reading.stopped_at == Some(Part::Start) {
        return Verdict::because(
            Health::Error,
            "the login works, but the look at the server came to nothing: is its `sh` a POSIX shell",
        );
    }
    if let Some(uid) = reading.uid.filter(|uid| *uid != 0) {
        return Verdict::because(
            Health::Error,
            format!(
                "logged in as user number {uid}, who is not root: log in as root, or set `become = true`"
            ),
        );
    }
    let facts = &reading.facts;
    let mut reasons = Vec::new();
    disks(facts, thresholds, &mut reasons);
    services(reading, roles, placed, &mut reasons);
    memory_and_load(facts, thresholds, &mut reasons);
    failed_units(facts, &mut reasons);
    if facts.clock_offset_s.abs() - facts.clock_error_s > thresholds.clock_offset.as_secs_f64() {
        reasons.push(clock_reason(facts.clock_offset_s));
    }
    let health = if reasons.is_empty() {
        Health::Online
    } else {
        Health::Degraded
    };
    Verdict { health, reasons }
}

fn disks(facts: &ServerFacts, thresholds: &Thresholds, reasons: &mut Vec<String>) {
    for disk in &facts.disks {
        let mount = &disk.mount;
        // An image mounted as such (a snap, a CD) is full and read-only by nature, but none of the watched
        // directories lies on one.
        if disk.read_only {
            reasons.push(format!("`{mount}` is read-only"));
        }
        if disk.percent() >= thresholds.disk_percent {
            reasons.push(format!(
                "`{mount}` is {} % full, {} left",
                disk.percent(),
                size(disk.available)
            ));
        }
        if disk.inode_percent() >= thresholds.inodes_percent {
            reasons.push(inode_reason(disk));
        }
    }
}

fn inode_reason(disk: &DiskUse) -> String {
    format!(
        "`{}` has used {} % of its inodes, {} left",
        disk.mount,
        disk.inode_percent(),
        disk.inodes_free
    )
}

/// The role whose resources need a service.
fn role_of(unit: &str) -> Role {
    if unit == "pdns" {
        Role::Dns
    } else if unit == "mariadb" || unit.starts_with("postgresql") {
        Role::Database
    } else {
        Role::Web
    }
}

/// What is placed for a role, in words.
fn resources_of(role: Role) -> &'static str {
    match role {
        Role::Web => "sites",
        Role::Dns => "zones",
        Role::Database => "databases",
    }
}

fn services(
    reading: &Reading,
    roles: &BTreeSet<Role>,
    placed: &BTreeSet<Role>,
    reasons: &mut Vec<String>,
) {
    if reading.stopped_at == Some(Part::Disks) {
        reasons
            .push("asking for its disk use got no answer: a network file system may hang".into());
    }
    if !reading.systemd && reading.stopped_at.is_none() {
        reasons.push("systemd does not run there, so nothing is known of its services".into());
        return;
    }
    if !reading.units_known {
        // When it got stuck at the disks, systemd was not to blame.
        if reading.stopped_at != Some(Part::Disks) {
            reasons.push("systemd does not tell the state of its services".into());
        }
        return;
    }
    for (unit, state) in &reading.facts.services {
        let role = role_of(unit);
        let needed = placed.contains(&role);
        match state.as_str() {
            "failed" => reasons.push(format!("`{unit}` has failed")),
            "activating" => reasons.push(format!(
                "`{unit}` is starting, or fails and is started again and again"
            )),
            "deactivating" => reasons.push(format!("`{unit}` is stopping")),
            "inactive" if needed || roles.contains(&role) => {
                reasons.push(format!("`{unit}` does not run"));
            }
            "disabled" | "masked" if needed && (unit == "nginx" || unit == "pdns") => {
                reasons.push(format!(
                    "`{unit}` does not run and is {state}, but {} are placed here",
                    resources_of(role)
                ));
            }
            "missing" if needed && (unit == "nginx" || unit == "pdns") => reasons.push(format!(
                "`{unit}` is not installed, but {} are placed here",
                resources_of(role)
            )),
            // Active, or at rest and not needed.
            _ => {}
        }
    }
    let database_states = || {
        reading
            .facts
            .services
            .iter()
            .filter(|(unit, _)| role_of(unit) == Role::Database)
            .map(|(_, state)| state.as_str())
    };
    // Any server will do; one that is not at rest has been judged above.
    if placed.contains(&Role::Database)
        && database_states().all(|state| matches!(state, "disabled" | "masked" | "missing"))
    {
        reasons.push("neither MariaDB nor PostgreSQL runs, but databases are placed here".into());
    }
}

fn memory_and_load(facts: &ServerFacts, thresholds: &Thresholds, reasons: &mut Vec<String>) {
    let (total, available) = (facts.memory_total, facts.memory_available);
    let kept_free = u128::from(100 - thresholds.memory_percent.min(100));
    if total > 0 && u128::from(available) * 100 < u128::from(total) * kept_free {
        reasons.push(format!(
            "{} of {} memory available",
            size(available),
            size(total)
        ));
    }
    let [_, five_minutes, _] = facts.load;
    if facts.cores > 0 && five_minutes > thresholds.load_per_core * f64::from(facts.cores) {
        let processors = if facts.cores == 1 {
            "1 processor".to_owned()
        } else {
            format!("{} processors", facts.cores)
        };
        reasons.push(format!(
            "load {five_minutes:.1} on {processors} over 5 minutes"
        ));
    }
}

/// Failed units but the services that have a reason of their own.
fn failed_units(facts: &ServerFacts, reasons: &mut Vec<String>) {
    let others: Vec<&str> = facts
        .failed_units
        .iter()
        .filter(|unit| {
            unit.strip_suffix(".service")
                .is_none_or(|service| !facts.services.contains_key(service))
        })
        .map(String::as_str)
        .collect();
    let named: Vec<String> = others
        .iter()
        .take(UNITS_NAMED)
        .map(|unit| format!("`{unit}`"))
        .collect();
    match others.len() {
        0 => {}
        1 => reasons.push(format!("unit {} has failed", named[0])),
        count => {
            let dots = if count > UNITS_NAMED { ", ..." } else { "" };
            reasons.push(format!(
                "{count} units have failed: {}{dots}",
                named.join(", ")
            ));
        }
    }
}

fn clock_reason(offset_s: f64) -> String {
    let direction = if offset_s > 0.0 { "ahead" } else { "behind" };
    let off = offset_s.abs();
    if off < 120.0 {
        format!("its clock is {off:.1} s {direction}")
    } else if off < 7200.0 {
        format!("its clock is {:.0} min {direction}", off / 60.0)
    } else {
        format!("its clock is {:.0} h {direction}", off / 3600.0)
    }
}

/// Bytes in the unit that fits: `1.5 GiB`.
#[expect(clippy::cast_precision_loss, reason = "three digits are shown")]
pub(crate) fn size(bytes: u64) -> String {
    let mut value = bytes as f64;
    let mut unit = "B";
    for larger in ["KiB", "MiB", "GiB", "TiB", "PiB"] {
        if value < 1000.0 {
            break;
        }
        value /= 1024.0;
        unit = larger;
    }
    if unit == "B" || value >= 10.0 {
        format!("{value:.0} {unit}")
    } else {
        format!("{value:.1} {unit}")
    }
}

#[cfg(test)]
#[path = "classify_tests.rs"]
mod tests;
