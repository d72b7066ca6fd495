//! What every command that places something needs: the candidates as inventory and state have them, and how
//! refusals are told.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::look;
use crate::context::Context;
use crate::diagnostic::{Class, Diagnostic};
use crate::kind::Kind;
use crate::model::{Health, Role, Server, ServerName, Status};
use crate::plan::place::{Candidate, Explained, Refusal, Request, explain};
use crate::state::Read;
use crate::transport::Connector;
use crate::ui::{Cell, Table, Tone, format};

/// The settings of what is to be placed, where they are known.
pub(super) type Settings<'a> = Option<(&'a Kind, &'a Value)>;

/// The servers as placement sees them for something of these settings. Called inside the transaction that records the placement, what it says
/// stays true until that is committed.
pub(super) fn candidates(
    read: &Read,
    servers: &BTreeMap<ServerName, Server>,
    now: Timestamp,
    settings: Settings<'_>,
) -> Result<Vec<Candidate>, Diagnostic> {
    let maintenance = read.maintenance(now)?;
    let loads = read.loads()?;
    let mut records = read.servers()?;
    let names = servers.keys().cloned().collect();
    let mut observations = read.observations(&names)?;
    let facts = read.facts(&names)?;
    let lacking = settings.and_then(|(kind, spec)| Some((kind.role?, (kind.lacks)(spec).ok()?)));
    let candidates = servers.values().map(|server| {
        let load = loads.get(&server.name).copied().unwrap_or(0);
        let record = records.remove(&server.name).unwrap_or_default();
        let cordoned = record.cordon.map(|cordon| cordon.reason);
        let mut candidate = Candidate::new(server, load, cordoned, record.health);
        let maintenance = maintenance.get(&server.name);
        candidate.maintenance = maintenance.map(|window| format::time(window.until));
        candidate.reasons = record.standing.map_or_else(Vec::new, |known| known.reasons);
        // What is confirmed decides. But where the last look could not get in, nothing is put, however short it lasts:
        // what is placed does not move.
        if let Some(seen) = observations.remove(&server.name)
            && is_out_of_reach(seen.health)
        {
            candidate.health = Some(seen.health);
            candidate.reasons = seen.reasons;
        }
        if facts
            .get(&server.name)
            .is_some_and(|facts| facts.nginx.is_none())
        {
            candidate.lacks.insert(Role::Web, "nginx".to_owned());
        }
        let missing = |unit: &str| {
            let facts = facts.get(&server.name);
            let state = facts.and_then(|facts| facts.services.get(unit));
            state.is_some_and(|state| state == "missing")
        };
        if missing("mariadb") && missing("postgresql") {
            let lacks = "MariaDB and no PostgreSQL".to_owned();
            candidate.lacks.insert(Role::Database, lacks);
        }
        let pdns = facts
            .get(&server.name)
            .and_then(|facts| facts.services.get("pdns"));
        if pdns.is_some_and(|state| ["missing", "masked", "disabled"].contains(&state.as_str())) {
            candidate
                .lacks
                .insert(Role::Dns, "PowerDNS that starts at boot".to_owned());
        }
        if let Some((role, lacking)) = &lacking
            && let Some(lacks) = facts.get(&server.name).and_then(lacking)
        {
            candidate.lacks.insert(*role, lacks.to_owned());
        }
        candidate
    });
    Ok(candidates.collect())
}

/// Looks again at the servers whose health is too old and decides: those that could take the resource but for it.
/// When none of them can, those that could not a moment ago are looked at too: somebody may have mended them. What is
/// seen is recorded, so that [`candidates`] has it.
pub(super) async fn refresh_health(
    context: &Context,
    connector: &Connector,
    request: &Request,
    settings: Settings<'_>,
) -> anyhow::Result<()> {
    let servers = &context.inventory()?.servers;
    let now = context.now();
    let known = || match context.state_to_read()? {
        Some(state) => Ok(state.read(|read| candidates(read, servers, now, settings))?),
        None => anyhow::Ok(unknown(servers)),
    };
    let mut all = known()?;
    for candidate in &mut all {
        candidate.health = None;
        candidate.lacks.clear();
    }
    let explained = explain(&all, request);
    let able: Vec<&Server> = explained
        .iter()
        .filter(|row| row.rank.is_some())
        .filter_map(|row| servers.get(&row.name))
        .collect();
    let looked = look::refresh(context, connector, &able).await?;
    if explain(&known()?, request)
        .iter()
        .all(|row| row.rank.is_none())
    {
        let others: Vec<&Server> = able
            .into_iter()
            .filter(|server| !looked.contains(&server.name))
            .collect();
        look::again(context, connector, &others).await?;
        confirm(context, connector, request).await?;
    }
    Ok(())
}

/// Looks again at servers that are reached and not confirmed to be, as often as it takes to confirm that they are well.
async fn confirm(
    context: &Context,
    connector: &Connector,
    request: &Request,
) -> anyhow::Result<()> {
    let inventory = context.inventory()?;
    for _ in 1..MOST_LOOKS {
        let Some(state) = context.state_to_read()? else {
            return Ok(());
        };
        let records = state.read(Read::servers)?;
        drop(state);
        let recovering: Vec<&Server> = inventory
            .servers
            .values()
            .filter(|server| {
                request
                    .only
                    .as_ref()
                    .is_none_or(|only| *only == server.name)
            })
            .filter(|server| {
                let record = records.get(&server.name);
                let standing = record.and_then(|record| record.standing.as_ref());
                standing.is_some_and(|standing| {
                    let out = |status: Status| status.health().is_some_and(is_out_of_reach);
                    out(standing.status) && !out(standing.seen)
                })
            })
            .collect();
        if recovering.is_empty() {
            return Ok(());
        }
        look::again(context, connector, &recovering).await?;
    }
    Ok(())
}

/// How often a server is looked at to confirm that it is back, before it is left to the sweeps.
const MOST_LOOKS: u32 = 5;

fn is_out_of_reach(health: Health) -> bool {
    matches!(health, Health::Offline | Health::Error)
}

/// The servers when there is no state yet.
fn unknown(servers: &BTreeMap<ServerName, Server>) -> Vec<Candidate> {
    let unknown = |server| Candidate::new(server, 0, None, None);
    servers.values().map(unknown).collect()
}

/// The error when no server takes a resource; `what` is it, as in "no server can take site `example.com`".
pub(super) fn no_room(what: &str, refused: &[(ServerName, Vec<Refusal>)]) -> Diagnostic {
    let widest = refused
        .iter()
        .map(|(server, _)| server.as_str().len())
        .max();
    let widest = widest.unwrap_or(0);
    let mut diagnostic = Diagnostic::new(Class::NoRoom, format!("no server can take {what}"));
    for (server, refusals) in refused {
        let reasons = sentence(refusals);
        diagnostic = diagnostic.detail(format!("{:<widest$}  {reasons}", server.as_str()));
    }
    if refused.is_empty() {
        return diagnostic.hint("the inventory has no servers; `fleet add-server` adds one");
    }
    let refusals: Vec<&Refusal> = refused.iter().flat_map(|(_, all)| all).collect();
    let hints = hints(&refusals);
    hints.into_iter().fold(diagnostic, Diagnostic::hint)
}

/// What helps against the refusals of a placement that found no server.
pub(super) fn hints(refusals: &[&Refusal]) -> Vec<&'static str> {
    let has = |test: fn(&Refusal) -> bool| refusals.iter().any(|refusal| test(refusal));
    let mut hints = Vec::new();
    if has(|r| matches!(r, Refusal::Full { .. })) {
        hints.push(
            "`fleet set-server NAME --capacity UNITS` makes room, `fleet add-server` adds a server",
        );
    }
    if has(|r| matches!(r, Refusal::Cordoned { .. })) {
        hints.push("`fleet uncordon NAME` lets a server take new resources again");
    }
    if has(|r| matches!(r, Refusal::Maintenance { .. })) {
        hints.push("`fleet maintenance NAME --end` ends it, and the server takes new resources");
    }
    if has(|r| matches!(r, Refusal::Unhealthy { .. })) {
        hints.push("`fleet health` tells what is wrong with the servers");
    }
    if has(|r| matches!(r, Refusal::NotSetUp { .. })) {
        hints.push("`fleet setup-server NAME` installs what the role needs");
    }
    if has(Refusal::yields_to_force) {
        hints.push(
            "`--server NAME --force` insists on a server that is full, cordoned, in maintenance or unhealthy",
        );
    }
    hints
}

/// The table of an explained placement: the servers by rank, then the refused ones.
pub(super) fn table(explained: &[Explained]) -> Table {
    let mut table = Table::new()
        .number("rank")
        .column("server")
        .number("load")
        .number("of")
        .number("used")
        .column("why not");
    for row in explained {
        let (rank, tone) = match row.rank {
            Some(1) => ("1".to_owned(), Tone::Good),
            Some(rank) => (rank.to_string(), Tone::Plain),
            None => (String::new(), Tone::Dim),
        };
        let why = match row.rank {
            Some(_) if row.refusals.is_empty() => Cell::from(""),
            Some(_) => Cell::new(format!("forced: {}", sentence(&row.refusals)), Tone::Warn),
            None => Cell::new(sentence(&row.refusals), Tone::Warn),
        };
        table.row([
            Cell::new(rank, tone),
            Cell::new(row.name.to_string(), tone),
            Cell::from(row.load.to_string()),
            Cell::from(row.capacity.to_string()),
            Cell::from(format::percent(row.load, u64::from(row.capacity))),
            why,
        ]);
    }
    table
}

/// An explained placement as JSON.
pub(super) fn to_json(request: &Request, explained: &[Explained]) -> Value {
    let servers: Vec<Value> = explained
        .iter()
        .map(|row| {
            let refusals: Vec<Value> = row
                .refusals
                .iter()
                .map(|r| json!({ "reason": r.word(), "message": r.to_string() }))
                .collect();
            json!({
                "name": row.name,
                "rank": row.rank,
                "load": row.load,
                "capacity": row.capacity,
                "refusals": refusals,
            })
        })
        .collect();
    let chosen = explained.iter().find(|row| row.rank == Some(1));
    json!({
        "server": chosen.map(|row| &row.name),
        "weight": request.weight,
        "role": request.role,
        "servers": servers,
    })
}

fn sentence(refusals: &[Refusal]) -> String {
    let reasons: Vec<String> = refusals.iter().map(ToString::to_string).collect();
    reasons.join("; ")
}
