//! What one sweep saw, as a table and as JSON.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::{Value, json};

use super::super::checking;
use super::Known;
use crate::health::Look;
use crate::model::health::ServerFacts;
use crate::model::{Health, Status};
use crate::ui::{Cell, Page, Table, Tone, format};

/// `{"servers": [{"name", "health", "confirmed", "since", "turning", "reasons", "hints", "at", "took_ms", "facts", "checks"}],
/// "summary": {"online": 5, ...}}`; `health` is what was seen, `confirmed` what several looks agree on, `turning` the
/// change that is not confirmed yet. `facts` is null when the server was not reached, and has the keys of
/// [`ServerFacts`] otherwise.
pub(super) fn report(looks: &[Look], known: &Known) -> Value {
    let servers: Vec<Value> = looks
        .iter()
        .map(|look| {
            let hints = look
                .error
                .as_ref()
                .map(|e| e.diagnostic(&look.server).hints);
            let standing = known.of(&look.server);
            let turning = standing.and_then(|standing| standing.turning.as_ref());
            json!({
                "name": look.server,
                "health": look.observation.health,
                "confirmed": standing.map(|standing| standing.status),
                "since": standing.map(|standing| standing.since),
                "turning": turning.map(|turning| json!({
                    "to": turning.to,
                    "looks": turning.times,
                    "of": known.progress(&look.server).map(|(_, needed)| needed),
                    "since": turning.since,
                })),
                "reasons": look.observation.reasons,
                "hints": hints.unwrap_or_default(),
                "at": look.observation.at,
                "took_ms": u64::try_from(look.took.as_millis()).unwrap_or(u64::MAX),
                "facts": look.observation.facts,
                "checks": checking::report(look),
            })
        })
        .collect();
    let summary: BTreeMap<&str, usize> = count(looks).collect();
    json!({ "servers": servers, "summary": summary })
}

const VERDICTS: [Health; 4] = [
    Health::Online,
    Health::Degraded,
    Health::Offline,
    Health::Error,
];

fn count(looks: &[Look]) -> impl Iterator<Item = (&'static str, usize)> {
    VERDICTS.into_iter().map(|verdict| {
        let such = looks.iter().filter(|l| l.observation.health == verdict);
        (verdict.word(), such.count())
    })
}

/// The table, then what is wrong with each server, then the sum.
pub(super) fn print(page: &mut Page, looks: &[Look], known: &Known, now: Timestamp) {
    let mut table = table();
    for look in looks {
        table.row(row(look, known));
    }
    page.table(&table);
    if looks.iter().any(|look| is_worth_a_word(look, known)) {
        page.end();
    }
    let mut said = BTreeSet::new();
    for look in looks {
        words(page, look, known, now);
        let error = look.error.as_ref().map(|e| e.diagnostic(&look.server));
        for hint in error.into_iter().flat_map(|error| error.hints) {
            // A hundred servers behind one dead link need the advice once.
            if said.insert(hint.clone()) {
                page.text("  hint", Tone::Hint).text(": ", Tone::Plain);
                page.line(&hint);
            }
        }
    }
    if looks.len() > 1 {
        page.end();
        page.line(&sum(looks));
    }
}

/// `5 servers: 4 online, 1 offline`.
pub(super) fn sum(looks: &[Look]) -> String {
    let counts: Vec<String> = count(looks)
        .filter(|(_, number)| *number > 0)
        .map(|(word, number)| format!("{number} {word}"))
        .collect();
    format!(
        "{}: {}",
        format::count(looks.len(), "server"),
        counts.join(", ")
    )
}

pub(super) fn table() -> Table {
    Table::new()
        .column("server")
        .column("health")
        .number("latency")
        .number("up")
        .number("load")
        .number("memory")
        .number("disk")
        .extra("system")
}

/// Whether there is more to say of it than its row does.
pub(super) fn is_worth_a_word(look: &Look, known: &Known) -> bool {
    look.observation.health != Health::Online
        || known.progress(&look.server).is_some()
        || checking::tells(look)
}

/// A line for each reason, and what is confirmed when it is not what was seen.
pub(super) fn words(page: &mut Page, look: &Look, known: &Known, now: Timestamp) {
    let name = look.server.as_str();
    let seen = look.observation.health;
    for reason in &look.observation.reasons {
        page.text(name, tone(seen.into())).text(": ", Tone::Plain);
        page.line(reason);
    }
    let standing = known.of(&look.server);
    if let (Some(standing), Some((times, needed))) = (standing, known.progress(&look.server)) {
        page.text(name, tone(seen.into()));
        page.line(&format!(
            ": not confirmed yet, {times} of {} agree; {} since {}",
            format::count(usize::try_from(needed).unwrap_or_default(), "look"),
            standing.status.word(),
            format::age(standing.since, now)
        ));
    }
    checking::print(page, look);
}

pub(super) fn tone(status: Status) -> Tone {
    match status {
        Status::Online | Status::Ok => Tone::Good,
        Status::Degraded | Status::Warn => Tone::Warn,
        Status::Offline | Status::Bad | Status::Error => Tone::Bad,
    }
}

pub(super) fn row(look: &Look, known: &Known) -> Vec<Cell> {
    let health = look.observation.health;
    let word = match known.progress(&look.server) {
        Some((times, needed)) => format!("{} {times}/{needed}", health.word()),
        None => health.word().to_owned(),
    };
    let mut row = vec![
        Cell::new(look.server.to_string(), Tone::Strong),
        Cell::new(word, tone(health.into())),
    ];
    match &look.observation.facts {
        Some(facts) => row.extend(measured(facts)),
        None => row.extend((0..6).map(|_| Cell::from(""))),
    }
    row
}

fn measured(facts: &ServerFacts) -> [Cell; 6] {
    let used = facts.memory_total.saturating_sub(facts.memory_available);
    let fullest = facts
        .disks
        .iter()
        .map(|disk| disk.percent().max(disk.inode_percent()));
    let [_, five_minutes, _] = facts.load;
    [
        format!(
            "{}ms",
            format::thousands(usize::try_from(facts.connect_ms).unwrap_or(usize::MAX))
        )
        .into(),
        format::seconds(facts.uptime_s).into(),
        format!("{five_minutes:.2}").into(),
        format::percent(used, facts.memory_total).into(),
        fullest
            .max()
            .map_or_else(String::new, |p| format!("{p}%"))
            .into(),
        format!("{} {}", facts.os, facts.os_version)
            .trim()
            .to_owned()
            .into(),
    ]
}
