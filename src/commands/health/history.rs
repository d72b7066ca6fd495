//! `fleet health --history`: uptime, the last day hour by hour, and the changes of status.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::{Value, json};

use super::changes;
use super::table::tone;
use crate::context::Context;
use crate::diagnostic::Diagnostic;
use crate::model::sample::Share;
use crate::model::{
    Health, HealthEvent, Sample, Server, ServerName, Span, Standing, Uptime,
};
use crate::state::EventFilter;
use crate::ui::{Cell, Page, Table, Tone, format};

/// Changes of status that are shown at most, the newest.
const EVENTS: usize = 50;

const HOUR: i64 = 3_600_000;

#[derive(Default)]
struct History {
    standings: BTreeMap<ServerName, Standing>,
    uptimes: BTreeMap<ServerName, Uptime>,
    /// Those of the last 24 hours.
    hours: BTreeMap<ServerName, Vec<Sample>>,
    /// Those of the last 30 days.
    days: BTreeMap<ServerName, Vec<Sample>>,
    events: Vec<HealthEvent>,
}

pub(super) fn show(context: &Context, servers: &[&Server]) -> anyhow::Result<super::Ending> {
    let now = context.now();
    let history = match context.state_to_read()? {
        Some(state) => state.read(|read| {
            let names: BTreeSet<&ServerName> = servers.iter().map(|server| &server.name).collect();
            let mut events = read.events(&EventFilter::default())?;
            events.retain(|event| names.contains(&event.server));
            Ok::<_, Diagnostic>(History {
                standings: read.server_standings()?,
                uptimes: read.uptimes(now)?,
                hours: read.all_samples(Span::Hour, first_hour(now))?,
                days: read.all_samples(Span::Day, before(now, 30 * 24))?,
                events: events.split_off(events.len().saturating_sub(EVENTS)),
            })
        })?,
        None => History::default(),
    };
    context.ui.show(&history.json(servers), |page| {
        history.print(page, servers, now);
    })?;
    Ok(super::Ending::Done)
}

fn before(now: Timestamp, hours: i64) -> Timestamp {
    let millis = now.as_millisecond().saturating_sub(hours * HOUR);
    Timestamp::from_millisecond(millis).unwrap_or(now)
}

/// The beginning of the first of the last 24 hours, of which the running one is the last.
fn first_hour(now: Timestamp) -> Timestamp {
    let millis = Span::Hour.begin(now.as_millisecond()) - 23 * HOUR;
    Timestamp::from_millisecond(millis).unwrap_or(now)
}

impl History {
    /// `{"servers": [{"name", "health", "since", "uptime": {"day", "week", "month"}, "hours", "days"}], "events"}`.
    fn json(&self, servers: &[&Server]) -> Value {
        let servers: Vec<Value> = servers
            .iter()
            .map(|server| {
                let standing = self.standings.get(&server.name);
                let none = Vec::new();
                json!({
                    "name": server.name,
                    "health": standing.map(|standing| standing.status),
                    "since": standing.map(|standing| standing.since),
                    "uptime": uptime(self.uptimes.get(&server.name)),
                    "hours": self.hours.get(&server.name).unwrap_or(&none),
                    "days": self.days.get(&server.name).unwrap_or(&none),
                })
            })
            .collect();
        json!({ "servers": servers, "events": self.events })
    }

    fn print(&self, page: &mut Page, servers: &[&Server], now: Timestamp) {
        let mut table = Table::new()
            .column("server")
            .column("health")
            .column("since")
            .number("1 day")
            .number("7 days")
            .number("30 days")
            .extra("last 24 hours");
        for server in servers {
            let standing = self.standings.get(&server.name);
            let uptime = self.uptimes.get(&server.name).copied().unwrap_or_default();
            let hours = self.hours.get(&server.name).map_or(&[][..], Vec::as_slice);
            table.row([
                Cell::new(server.name.to_string(), Tone::Strong),
                match standing {
                    Some(standing) => Cell::new(standing.status.word(), tone(standing.status)),
                    None => Cell::new("unknown", Tone::Dim),
                },
                standing
                    .map_or_else(String::new, |standing| format::age(standing.since, now))
                    .into(),
                share(uptime.day),
                share(uptime.week),
                share(uptime.month),
                strip(hours, now).into(),
            ]);
        }
        page.table(&table);
        if !self.events.is_empty() {
            page.end();
            for event in &self.events {
                changes::event(page, event);
            }
        }
    }
}

fn share(share: Share) -> Cell {
    let tone = match share.known_ms {
        0 => Tone::Dim,
        known if known == share.up_ms => Tone::Good,
        _ => Tone::Warn,
    };
    Cell::new(share.words(), tone)
}

/// A sign for each of the last 24 hours: `+` up, `!` in need of attention, `x` not reached for some time, `.` unknown.
fn strip(hours: &[Sample], now: Timestamp) -> String {
    let first = first_hour(now).as_millisecond();
    let sign = |hour: i64| {
        let at = first + hour * HOUR;
        let sample = hours.iter().find(|sample| sample.at.as_millisecond() == at);
        match sample.map(|sample| sample.worst) {
            None => '.',
            Some(Health::Online) => '+',
            Some(Health::Degraded) => '!',
            Some(Health::Offline | Health::Error) => 'x',
        }
    };
    (0..24).map(sign).collect()
}

/// `{"day": {"percent", "known_ms", "up_ms"}, "week": ..., "month": ...}`; `percent` is null while nothing is known.
pub(in crate::commands) fn uptime(uptime: Option<&Uptime>) -> Value {
    let uptime = uptime.copied().unwrap_or_default();
    let share = |share: Share| {
        json!({ "percent": share.percent(), "known_ms": share.known_ms, "up_ms": share.up_ms })
    };
    json!({
        "day": share(uptime.day),
        "week": share(uptime.week),
        "month": share(uptime.month),
    })
}
