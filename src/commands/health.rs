//! `fleet health`: a look at all servers at once, and what is the matter with them.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use clap::Args;
use serde_json::{Value, json};

use super::look;
use super::{Ending, Example, Group, Verb};
use super::selection::select;
use crate::context::Context;
use crate::diagnostic::Class;
use crate::health::Look;
use crate::inventory::value;
use crate::model::Health as Verdict;
use crate::model::health::ServerFacts;
use crate::ui::{Cell, Page, Table, Tone, format};

/// Looks at the servers, all at the same time, and records what it sees. With `-q` only servers that are not online
/// are printed: nothing, when all is well. Nothing is changed on a server.
#[derive(Args, Debug)]
pub struct Health {
    /// Only these servers: `sg-1,jkt-*,region=singapore,label:tier=gold,!sg-3`
    #[arg(long = "server", value_name = "SELECTOR")]
    servers: Vec<String>,
    /// How long the look at one server may take [default: `health_timeout` of the inventory, else 10s]
    #[arg(long, value_name = "DURATION", value_parser = parse_timeout)]
    timeout: Option<Duration>,
}

fn parse_timeout(text: &str) -> Result<Duration, String> {
    let refused = |refused: value::Refused| refused.hint.unwrap_or(refused.message);
    let timeout = value::duration(text).map_err(refused)?;
    if timeout < Duration::from_millis(100) {
        return Err("at least 100ms".to_owned());
    }
    Ok(timeout)
}

impl Verb for Health {
    const NAME: &'static str = "health";
    const ABOUT: &'static str = "Look at all servers at once, and say what is wrong";
    const GROUP: Group = Group::Health;
    const EXAMPLES: &'static [Example] = &[
        ("fleet health", ""),
        ("fleet health --server region=singapore --timeout 3s", ""),
        (
            "fleet health -q",
            "For cron: silent while all servers are online; exit code 5 when one is not",
        ),
        (
            "fleet health --json | jq -r '.servers[] | select(.health != \"online\") | .name'",
            "The names of those that are not online",
        ),
    ];

    fn run(self, context: &Context) -> anyhow::Result<Ending> {
        let inventory = context.inventory()?;
        let servers = select(context, &self.servers)?;
        let limit = self.timeout.unwrap_or(inventory.settings.health_timeout);
        let connector = context.connector()?;

        let progress = context.ui.progress(servers.len());
        for server in &servers {
            progress.state(server.name.as_str(), "looking");
        }
        let looks =
            context.block_on(look::look(context, &connector, &servers, limit, |look| {
                progress.end(look.server.as_str());
            }))??;
        drop(progress);

        // What was seen is shown even when it cannot be recorded.
        let recorded = look::record(context, &looks);
        context.ui.show(&report(&looks), |page| {
            print(page, &looks, context.globals.quiet);
        })?;
        recorded?;
        if looks
            .iter()
            .all(|look| look.observation.health == Verdict::Online)
        {
            Ok(Ending::Done)
        } else {
            Ok(Ending::With(Class::Unhealthy))
        }
    }
}

/// `{"servers": [{"name", "health", "reasons", "hints", "at", "took_ms", "facts"}], "summary": {"online": 5, ...}}`;
/// `facts` is null when the server was not reached, and has the keys of [`ServerFacts`] otherwise.
fn report(looks: &[Look]) -> Value {
    let servers: Vec<Value> = looks
        .iter()
        .map(|look| {
            let hints = look
                .error
                .as_ref()
                .map(|e| e.diagnostic(&look.server).hints);
            json!({
                "name": look.server,
                "health": look.observation.health,
                "reasons": look.observation.reasons,
                "hints": hints.unwrap_or_default(),
                "at": look.observation.at,
                "took_ms": u64::try_from(look.took.as_millis()).unwrap_or(u64::MAX),
                "facts": look.observation.facts,
            })
        })
        .collect();
    let summary: BTreeMap<&str, usize> = count(looks).collect();
    json!({ "servers": servers, "summary": summary })
}

const VERDICTS: [Verdict; 4] = [
    Verdict::Online,
    Verdict::Degraded,
    Verdict::Offline,
    Verdict::Error,
];

fn count(looks: &[Look]) -> impl Iterator<Item = (&'static str, usize)> {
    VERDICTS.into_iter().map(|verdict| {
        let such = looks.iter().filter(|l| l.observation.health == verdict);
        (verdict.word(), such.count())
    })
}

fn print(page: &mut Page, looks: &[Look], quiet: bool) {
    let mut table = Table::new()
        .column("server")
        .column("health")
        .number("latency")
        .number("up")
        .number("load")
        .number("memory")
        .number("disk")
        .extra("system");
    let unwell = |look: &&Look| look.observation.health != Verdict::Online;
    for look in looks.iter().filter(|look| !quiet || unwell(look)) {
        table.row(row(look));
    }
    if table.is_empty() {
        return;
    }
    page.table(&table);
    let mut unwell = looks.iter().filter(unwell).peekable();
    if unwell.peek().is_some() {
        page.end();
    }
    let mut said = BTreeSet::new();
    for look in unwell {
        let tone = tone(look.observation.health);
        for reason in &look.observation.reasons {
            page.text(look.server.as_str(), tone)
                .text(": ", Tone::Plain)
                .line(reason);
        }
        let error = look.error.as_ref().map(|e| e.diagnostic(&look.server));
        for hint in error.into_iter().flat_map(|error| error.hints) {
            // A hundred servers behind one dead link need the advice once.
            if said.insert(hint.clone()) {
                page.text("  hint", Tone::Hint).text(": ", Tone::Plain);
                page.line(&hint);
            }
        }
    }
    if !quiet && looks.len() > 1 {
        let counts: Vec<String> = count(looks)
            .filter(|(_, number)| *number > 0)
            .map(|(word, number)| format!("{number} {word}"))
            .collect();
        page.end();
        page.line(&format!(
            "{}: {}",
            format::count(looks.len(), "server"),
            counts.join(", ")
        ));
    }
}

fn tone(health: Verdict) -> Tone {
    match health {
        Verdict::Online => Tone::Good,
        Verdict::Degraded => Tone::Warn,
        Verdict::Offline | Verdict::Error => Tone::Bad,
    }
}

fn row(look: &Look) -> Vec<Cell> {
    let health = look.observation.health;
    let mut row = vec![
        Cell::new(look.server.to_string(), Tone::Strong),
        Cell::new(health.word(), tone(health)),
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
