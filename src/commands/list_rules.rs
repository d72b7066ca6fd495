//! `fleet list-rules`: the rules in the order in which they are asked, with those that can never decide marked.

use std::collections::{BTreeMap, BTreeSet};

use clap::Args;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::ask::ask;
use super::list::status_of;
use super::{Ending, Example, Group, Verb, firewall};
use crate::context::Context;
use crate::diagnostic::{Class, Diagnostic};
use crate::inventory::Inventory;
use crate::item::ruleset::{Base, Live, Ruleset, live, live_question};
use crate::kind::rule::{Rule, parse};
use crate::kind::{Spec, from_json};
use crate::model::selector::Selector;
use crate::model::{Resource, Server, ServerName};
use crate::plan::follow::staying;
use crate::state::Filter;
use crate::ui::{Cell, Table, Tone, format};

/// Lists the rules.
#[derive(Args, Debug)]
pub struct ListRules {
    /// Only the rules of these servers: `sg-1,role=web`
    #[arg(long, value_name = "SELECTOR")]
    server: Vec<String>,
    /// Ask the servers how often each rule was hit since the rules were last loaded there
    #[arg(long)]
    counters: bool,
    /// Show the tables of others on the servers too
    #[arg(long)]
    existing: bool,
}

/// A rule with what is known of it.
struct Row {
    resource: Resource,
    spec: Rule,
    /// Where it is in force.
    on: BTreeSet<ServerName>,
    notes: BTreeSet<String>,
}

impl Verb for ListRules {
    const NAME: &'static str = "list-rules";
    const ABOUT: &'static str = "List the rules in order; those that never decide are marked";
    const GROUP: Group = Group::Of("rule");
    const EXAMPLES: &'static [Example] = &[
        ("fleet list-rules", ""),
        ("fleet list-rules --server sg-1 --counters --existing", "With hits, and beside the tables of others there"),
    ];

    fn run(self, context: &Context) -> anyhow::Result<Ending> {
        let inventory = context.inventory()?;
        let only: Option<BTreeSet<ServerName>> = if self.server.is_empty() {
            None
        } else {
            let selected = Selector::parse(&self.server)?.select(&inventory.servers)?;
            Some(selected.into_iter().map(|server| server.name.clone()).collect())
        };
        let rows = rows(context, inventory, only.as_ref())?;
        let enabled = enabled(context)?;
        let asked: Vec<&Server> = inventory
            .servers
            .values()
            .filter(|server| server.active && only.as_ref().map_or(enabled.contains(&server.name), |only| only.contains(&server.name)))
            .collect();
        let (said, problems) = if self.counters || self.existing {
            said(context, &asked)?
        } else {
            (BTreeMap::new(), Vec::new())
        };
        let value = json!({
            "rules": rows.iter().map(|row| row.json(&said, self.counters)).collect::<Vec<_>>(),
            "existing": self.existing.then(|| {
                said.iter().map(|(server, live)| (server.to_string(), live.others.join("\n").into())).collect::<serde_json::Map<String, Value>>()
            }),
        });
        if rows.is_empty() && !context.globals.wants_json() {
            context.ui.note("no rules found");
        }
        let table = table(&rows, &said, self.counters, context.now());
        context.ui.show(&value, |page| {
            if !rows.is_empty() {
                page.table(&table);
            }
            for (server, live) in said.iter().filter(|_| self.existing) {
                page.end().toned_line(&format!("on {server}, not of fleet"), Tone::Strong);
                if live.others.is_empty() {
                    page.toned_line("no other tables", Tone::Dim);
                }
                for line in &live.others {
                    page.line(line);
                }
            }
        })?;
        for problem in &problems {
            context.ui.problem(problem);
        }
        Ok(if problems.is_empty() { Ending::Done } else { Ending::With(Class::Partial) })
    }
}

/// The servers where the firewall is enabled.
fn enabled(context: &Context) -> anyhow::Result<BTreeSet<ServerName>> {
    let found = firewall::recorded(context)?;
    let placements = found.iter().flat_map(|(resource, _)| staying(&resource.placements));
    Ok(placements.map(|placement| placement.server.clone()).collect())
}

fn rows(
    context: &Context,
    inventory: &Inventory,
    only: Option<&BTreeSet<ServerName>>,
) -> anyhow::Result<Vec<Row>> {
    let Some(state) = context.state_to_read()? else {
        return Ok(Vec::new());
    };
    let filter = Filter {
        kind: Some(Rule::KIND),
        servers: only,
        removing: true,
        ..Filter::default()
    };
    let enabled = enabled(context)?;
    let mut rows = Vec::new();
    for resource in state.read(|read| read.resources(&filter))? {
        let spec: Rule = from_json(&resource.spec)?;
        let placed = staying(&resource.placements).map(|placement| &placement.server);
        let placed = placed.filter(|server| only.is_none_or(|only| only.contains(*server)));
        let on: BTreeSet<ServerName> = placed.filter(|server| enabled.contains(*server)).cloned().collect();
        let mut notes = BTreeSet::new();
        if spec.expires_at().is_some_and(|end| end <= context.now()) {
            notes.insert("expired".to_owned());
        } else if on.is_empty() && !resource.suspended && resource.removed_at.is_none() {
            notes.insert("no firewall there".to_owned());
        }
        rows.push(Row { resource, spec, on, notes });
    }
    rows.sort_by(|a, b| (a.spec.rank(), &a.resource.name).cmp(&(b.spec.rank(), &b.resource.name)));
    let sets = firewall::recorded(context)?.map(|(_, firewall)| firewall.sets).unwrap_or_default();
    let sets = sets.into_iter().map(|(name, members)| {
        (name, members.iter().filter_map(|text| parse::network(text).ok()).collect())
    });
    mark_idle(&mut rows, &sets.collect(), inventory);
    Ok(rows)
}

/// Marks the rules that never decide; servers with the same rules are looked at once.
fn mark_idle(
    rows: &mut [Row],
    sets: &BTreeMap<String, BTreeSet<ipnet::IpNet>>,
    inventory: &Inventory,
) {
    let servers: BTreeSet<ServerName> = rows.iter().flat_map(|row| row.on.clone()).collect();
    let mut seen: BTreeSet<Vec<usize>> = BTreeSet::new();
    for server in servers {
        let there: Vec<usize> = (0..rows.len())
            .filter(|index| rows[*index].on.contains(&server) && !rows[*index].resource.suspended)
            .collect();
        if !seen.insert(there.clone()) {
            continue;
        }
        let mut ruleset = Ruleset {
            base: Some(Base { sets: sets.clone(), ..Base::default() }),
            ..Ruleset::default()
        };
        for index in &there {
            let row = &mut rows[*index];
            match row.spec.compiled(&row.resource.name.name, &inventory.servers) {
                Ok(rule) => {
                    ruleset.rules.insert((rule.rank, rule.name.clone()), rule);
                }
                Err(invalid) => row.notes.extend(invalid.problems.into_iter().map(|problem| problem.message)),
            }
        }
        for index in there {
            let name = &rows[index].resource.name.name;
            if let Some(idle) = ruleset.idle(name) {
                rows[index].notes.insert(idle.words());
            }
        }
    }
}

fn said(
    context: &Context,
    servers: &[&Server],
) -> anyhow::Result<(BTreeMap<ServerName, Live>, Vec<Diagnostic>)> {
    let questions = servers.iter().map(|server| ((*server).clone(), live_question()));
    let (answers, problems) = ask(context, questions.collect())?;
    let said = answers
        .into_iter()
        .map(|(server, answer)| (server, live(answer.lines.iter().map(String::as_str))));
    Ok((said.collect(), problems))
}

impl Row {
    fn json(&self, said: &BTreeMap<ServerName, Live>, counters: bool) -> Value {
        let mut value = json!(self.resource);
        value["in_force_on"] = json!(self.on);
        value["notes"] = json!(self.notes);
        if counters {
            let name = &self.resource.name.name;
            for (server, live) in said {
                if let Some(hits) = live.hits.get(name) {
                    value["counters"][server.as_str()] = json!({ "packets": hits.packets, "bytes": hits.bytes });
                }
            }
        }
        value
    }
}

fn table(rows: &[Row], said: &BTreeMap<ServerName, Live>, counters: bool, now: Timestamp) -> Table {
    let mut table = Table::new().column("name").column("action").column("asks").column("from").column("servers").column("status");
    if counters {
        table = table.number("packets").number("bytes");
    }
    table = table.extra("expires").column("notes").extra("comment");
    for row in rows {
        let name = &row.resource.name.name;
        let statuses: Vec<_> = row.resource.placements.iter().map(|placement| placement.status).collect();
        let (status, tone) = status_of(&statuses.into_iter(), row.resource.removed_at.is_some(), row.resource.suspended);
        let on: Vec<&str> = row.on.iter().map(ServerName::as_str).collect();
        let on = if on.len() > 3 { format::count(on.len(), "server") } else { on.join(",") };
        let [action, asks, from] = &row.spec.summary(name)[..] else {
            continue;
        };
        let mut cells = vec![
            Cell::from(name.clone()),
            Cell::from(action.1.to_string()),
            Cell::from(asks.1.to_string()),
            Cell::from(from.1.to_string()),
            Cell::from(on),
            Cell::new(status, tone),
        ];
        if counters {
            let hits = said.values().filter_map(|live| live.hits.get(name));
            let (packets, bytes) = hits.fold((0_u64, 0_u64), |(packets, bytes), hits| {
                (packets.saturating_add(hits.packets), bytes.saturating_add(hits.bytes))
            });
            cells.push(Cell::from(packets.to_string()));
            cells.push(Cell::from(bytes.to_string()));
        }
        let expires = row.spec.expires_at().filter(|end| *end > now);
        cells.push(Cell::from(expires.map(format::time).unwrap_or_default()));
        let notes: Vec<&str> = row.notes.iter().map(String::as_str).collect();
        cells.push(Cell::new(notes.join("; "), Tone::Warn));
        cells.push(Cell::from(row.spec.comment().unwrap_or_default().to_owned()));
        table.row(cells);
    }
    table
}
