//! `fleet maintenance`: servers that are being worked on: nobody is notified of them, and they take nothing new.

use std::collections::BTreeMap;

use clap::{ArgGroup, Args};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::selection::select;
use super::{Ending, Example, Group, Verb};
use crate::context::Context;
use crate::diagnostic::Diagnostic;
use crate::health::Look;
use crate::inventory::value;
use crate::model::notification::Maintenance as Window;
use crate::model::{Server, ServerName};
use crate::ui::{Cell, Page, Table, Tone, format};

/// Notes for how long servers are being worked on. Until then nobody is notified of what happens to them, `fleet
/// health` does not fail because of them, and they take no new resources, as if they were cordoned. What is still
/// wrong when it ends is told then.
#[derive(Args, Debug)]
#[command(override_usage = "fleet maintenance <SELECTOR>... --for <TIME> | --until <WHEN> | --end\n       \
    fleet maintenance --list [SELECTOR]...")]
#[command(group = ArgGroup::new("what").required(true).args(["length", "until", "list", "end"]))]
pub struct Maintenance {
    /// The servers: `sg-1`, `jkt-*`, `region=singapore`, `label:tier=gold`, `!sg-3`
    #[arg(value_name = "SELECTOR", required_unless_present = "list")]
    servers: Vec<String>,
    /// For how long, from now on: `2h`, `30m`, `1d`
    #[arg(long = "for", value_name = "TIME", value_parser = length)]
    length: Option<SignedDuration>,
    /// Until when, with its zone: `2026-11-20T18:00Z`
    #[arg(long, value_name = "WHEN", value_parser = moment)]
    until: Option<Timestamp>,
    /// Why, for those who wonder later
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    reason: String,
    /// List the servers that are in maintenance
    #[arg(long)]
    list: bool,
    /// End it before its time
    #[arg(long)]
    end: bool,
}

fn length(text: &str) -> Result<SignedDuration, String> {
    let length = value::duration(text).map_err(|refused| refused.hint.unwrap_or(refused.message))?;
    match SignedDuration::try_from(length) {
        Ok(length) if length >= SignedDuration::from_mins(1) => Ok(length),
        _ => Err("at least 1m".to_owned()),
    }
}

fn moment(text: &str) -> Result<Timestamp, String> {
    text.parse()
        .map_err(|_| "write date, time and zone: `2026-11-20T18:00Z`, `2026-11-20T18:00+08:00`".to_owned())
}

impl Verb for Maintenance {
    const NAME: &'static str = "maintenance";
    const ABOUT: &'static str = "Keep still about servers that are being worked on";
    const GROUP: Group = Group::Health;
    const EXAMPLES: &'static [Example] = &[
        ("fleet maintenance sg-1 --for 2h --reason 'new disks'", ""),
        ("fleet maintenance region=singapore --until 2026-11-20T18:00Z", ""),
        ("fleet maintenance --list", ""),
        ("fleet maintenance sg-1 --end", "Done before its time"),
    ];

    fn run(self, context: &Context) -> anyhow::Result<Ending> {
        let now = context.now();
        if self.list {
            return list(context, &self.servers, now);
        }
        if let Some(c) = self.reason.chars().find(|c| c.is_control()) {
            let c = c.escape_default();
            return Err(
                Diagnostic::usage(format!("`--reason` contains the control character `{c}`")).into(),
            );
        }
        let servers = select(context, &self.servers)?;
        if self.end {
            return end(context, &servers, now);
        }
        let until = match (self.length, self.until) {
            (Some(length), _) => now.checked_add(length).unwrap_or(Timestamp::MAX),
            (None, Some(until)) => until,
            (None, None) => return Err(Diagnostic::usage("missing `--for` or `--until`").into()),
        };
        if until <= now {
            return Err(Diagnostic::usage(format!(
                "`--until` is in the past: {}",
                format::time(until)
            ))
            .into());
        }
        let window = Window {
            since: now,
            until,
            reason: self.reason.trim().to_owned(),
            operator: context.operator(),
        };
        begin(context, &servers, &window)
    }
}

fn begin(context: &Context, servers: &[&Server], window: &Window) -> anyhow::Result<Ending> {
    context.record(Maintenance::NAME, |record| {
        context.state()?.write(|write| {
            servers
                .iter()
                .try_for_each(|server| write.begin_maintenance(&server.name, window))
        })?;
        let until = format::time(window.until);
        for server in servers {
            let change = format!("maintenance until {until}");
            record.outcome(&server.name, "changed", None, vec![change])?;
        }
        let names: Vec<&ServerName> = servers.iter().map(|server| &server.name).collect();
        context.ui.show(
            &json!({ "servers": names, "until": window.until, "reason": window.reason }),
            |page| {
                for name in &names {
                    page.line(&format!("server {name} in maintenance until {until}"));
                }
            },
        )?;
        Ok(Ending::Done)
    })
}

fn end(context: &Context, servers: &[&Server], now: Timestamp) -> anyhow::Result<Ending> {
    let current = current(context, now)?;
    let (ended, unchanged): (Vec<&ServerName>, Vec<&ServerName>) = servers
        .iter()
        .map(|server| &server.name)
        .partition(|name| current.contains_key(*name));
    if !ended.is_empty() {
        context.record(Maintenance::NAME, |record| {
            context.state()?.write(|write| {
                ended
                    .iter()
                    .try_for_each(|name| write.end_maintenance(name, now).map(drop))
            })?;
            for name in &ended {
                record.outcome(name, "changed", None, vec!["end of maintenance".to_owned()])?;
            }
            Ok(Ending::Done)
        })?;
    }
    context.ui.show(&json!({ "ended": ended, "unchanged": unchanged }), |page| {
        for name in &ended {
            page.line(&format!("server {name} no longer in maintenance"));
        }
        for name in &unchanged {
            page.line(&format!("server {name} was not in maintenance"));
        }
    })?;
    Ok(Ending::Done)
}

fn list(context: &Context, wanted: &[String], now: Timestamp) -> anyhow::Result<Ending> {
    let mut current = current(context, now)?;
    if !wanted.is_empty() {
        let servers = select(context, wanted)?;
        current.retain(|name, _| servers.iter().any(|server| server.name == *name));
    }
    let values: Vec<Value> = current
        .iter()
        .map(|(name, window)| {
            json!({
                "server": name,
                "since": window.since,
                "until": window.until,
                "reason": window.reason,
                "operator": window.operator,
            })
        })
        .collect();
    context.ui.show(&json!({ "maintenance": values }), |page| {
        if current.is_empty() {
            return;
        }
        let mut table = Table::new()
            .column("server")
            .column("until")
            .column("by")
            .column("reason");
        for (name, window) in &current {
            table.row([
                Cell::new(name.to_string(), Tone::Strong),
                Cell::from(format::time(window.until)),
                Cell::from(window.operator.clone()),
                Cell::from(window.reason.clone()),
            ]);
        }
        page.table(&table);
    })?;
    if current.is_empty() && !context.globals.wants_json() {
        context.ui.note("no server is in maintenance");
    }
    Ok(Ending::Done)
}

/// The servers in maintenance.
pub(super) fn current(
    context: &Context,
    now: Timestamp,
) -> anyhow::Result<BTreeMap<ServerName, Window>> {
    Ok(match context.state_to_read()? {
        Some(state) => state.read(|read| read.maintenance(now))?,
        None => BTreeMap::new(),
    })
}

/// Adds to the servers of a report until when they are in maintenance, or null.
pub(super) fn note(report: &mut Value, current: &BTreeMap<ServerName, Window>) {
    let servers = report["servers"].as_array_mut();
    for server in servers.into_iter().flatten() {
        let name = server["name"].as_str().unwrap_or_default();
        let window = current.iter().find(|(known, _)| known.as_str() == name);
        server["maintenance"] = json!(window.map(|(_, window)| window.until));
    }
}

/// Tells which of the servers that were looked at are in maintenance.
pub(super) fn print(page: &mut Page, looks: &[Look], current: &BTreeMap<ServerName, Window>) {
    for look in looks {
        if let Some(window) = current.get(&look.server) {
            let until = format::time(window.until);
            let why = match window.reason.as_str() {
                "" => String::new(),
                reason => format!(": {reason}"),
            };
            page.toned_line(
                &format!("{} is in maintenance until {until}{why}", look.server),
                Tone::Dim,
            );
        }
    }
}
