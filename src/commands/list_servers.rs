//! `fleet list-servers`: the servers, how they are, and what they hold.

use std::collections::BTreeMap;

use clap::Args;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Ending, Example, Group, Verb};
use crate::context::Context;
use crate::diagnostic::Diagnostic;
use crate::model::notification::Maintenance;
use crate::model::{Role, Selector, Server, ServerName, Standing, Status, TransportKind};
use crate::state::ServerRecord;
use crate::ui::{Cell, Page, Table, Tone, format};

/// Lists the servers.
#[derive(Args, Debug)]
pub struct ListServers {
    /// Only these: `sg-1`, `jkt-*`, `region=singapore`, `label:tier=gold`, `!sg-3`
    #[arg(value_name = "SELECTOR")]
    servers: Vec<String>,
    /// The same, for those who are used to it from other commands
    #[arg(long = "server", value_name = "SELECTOR", hide = true)]
    also: Vec<String>,
}

/// What the state database knows of the servers.
#[derive(Default)]
pub(super) struct Known {
    pub(super) records: BTreeMap<ServerName, ServerRecord>,
    pub(super) loads: BTreeMap<ServerName, u64>,
    pub(super) counts: BTreeMap<ServerName, u64>,
    pub(super) maintenance: BTreeMap<ServerName, Maintenance>,
}

impl Known {
    /// Reads it; nothing is known where there is no database yet.
    pub(super) fn read(context: &Context) -> anyhow::Result<Self> {
        let Some(state) = context.state_to_read()? else {
            return Ok(Self::default());
        };
        let known = state.read(|read| {
            Ok::<_, Diagnostic>(Self {
                records: read.servers()?,
                loads: read.loads()?,
                counts: read.placement_counts()?,
                maintenance: read.maintenance(context.now())?,
            })
        })?;
        Ok(known)
    }

    /// A server with what is known of it, as JSON.
    pub(super) fn json(&self, server: &Server) -> serde_json::Result<Value> {
        let record = self.records.get(&server.name);
        let mut value = serde_json::to_value(server)?;
        value["load"] = json!(self.loads.get(&server.name).unwrap_or(&0));
        value["resources"] = json!(self.counts.get(&server.name).unwrap_or(&0));
        let standing = record.and_then(|record| record.standing.as_ref());
        value["health"] = json!(standing.map(|standing| standing.status));
        value["since"] = json!(standing.map(|standing| standing.since));
        value["seen"] = json!(standing.map(|standing| standing.seen));
        value["observed_at"] = json!(record.and_then(|record| record.observed_at));
        let cordon = record.and_then(|record| record.cordon.as_ref());
        value["cordon"] = cordon.map_or(Value::Null, |c| json!({ "at": c.at, "reason": c.reason }));
        let maintenance = self.maintenance.get(&server.name);
        value["maintenance"] = maintenance.map_or(
            Value::Null,
            |m| json!({ "since": m.since, "until": m.until, "reason": m.reason }),
        );
        Ok(value)
    }
}

impl Verb for ListServers {
    const NAME: &'static str = "list-servers";
    const ABOUT: &'static str = "List the servers, how they are, and what they hold";
    const GROUP: Group = Group::Servers;
    const EXAMPLES: &'static [Example] = &[
        ("fleet list-servers", ""),
        ("fleet list-servers 'sg-*' label:tier=gold", "Some of them"),
        ("fleet list-servers --json | jq -r '.servers[].name'", "Names alone, for a script"),
    ];

    fn run(self, context: &Context) -> anyhow::Result<Ending> {
        let all = &context.inventory()?.servers;
        let wanted: Vec<String> = self.servers.into_iter().chain(self.also).collect();
        // Without a wish everything is listed, also what is inactive.
        let servers: Vec<&Server> = if wanted.is_empty() {
            all.values().collect()
        } else {
            Selector::parse(&wanted)?.select(all)?
        };
        let known = Known::read(context)?;
        let values: Result<Vec<Value>, _> = servers.iter().map(|s| known.json(s)).collect();
        context.ui.show(&json!({ "servers": values? }), |page| {
            if !servers.is_empty() {
                print(page, &servers, &known, context.now());
            }
        })?;
        if servers.is_empty() && !context.globals.wants_json() {
            context.ui.note("the inventory has no servers");
            context.ui.hint("add one with `fleet add-server NAME --address ADDRESS`");
        }
        Ok(Ending::Done)
    }
}

fn print(page: &mut Page, servers: &[&Server], known: &Known, now: Timestamp) {
    let mut table = Table::new()
        .column("name")
        .column("health")
        .number("load")
        .column("address")
        .extra("region")
        .extra("roles")
        .extra("priority")
        .extra("labels");
    for server in servers {
        let record = known.records.get(&server.name);
        let load = known.loads.get(&server.name).copied().unwrap_or(0);
        let full = load >= u64::from(server.capacity) && server.capacity > 0;
        table.row([
            Cell::new(server.name.to_string(), Tone::Strong),
            state(server, record, known.maintenance.contains_key(&server.name), now),
            Cell::new(
                format!("{load}/{}", server.capacity),
                if full { Tone::Warn } else { Tone::Plain },
            ),
            address(server).into(),
            server.region.clone().unwrap_or_default().into(),
            roles(server).into(),
            server.priority.to_string().into(),
            labels(server).into(),
        ]);
    }
    page.table(&table);
}

/// In one cell: what an admin decided, else how well it is and since when that is known.
fn state(
    server: &Server,
    record: Option<&ServerRecord>,
    in_maintenance: bool,
    now: Timestamp,
) -> Cell {
    let record = record.cloned().unwrap_or_default();
    let (mut text, mut tone) = health(record.standing.as_ref(), now);
    if record.cordon.is_some() {
        text = format!("{text}, cordoned");
        tone = if tone == Tone::Bad { tone } else { Tone::Warn };
    }
    if in_maintenance {
        text.push_str(", maintenance");
    }
    if !server.active {
        return Cell::new("inactive", Tone::Dim);
    }
    Cell::new(text, tone)
}

/// What is confirmed, and when it was looked at last; what was seen then, where that is something else.
pub(super) fn health(standing: Option<&Standing>, now: Timestamp) -> (String, Tone) {
    let Some(standing) = standing else {
        return ("unknown".to_owned(), Tone::Dim);
    };
    let tone = match standing.status {
        Status::Online | Status::Ok => Tone::Good,
        Status::Degraded | Status::Warn => Tone::Warn,
        Status::Offline | Status::Bad | Status::Error => Tone::Bad,
    };
    let age = format::age(standing.seen_at, now);
    let word = standing.status.word();
    if standing.seen == standing.status {
        (format!("{word} {age}"), tone)
    } else {
        (format!("{word}, seen {} {age}", standing.seen.word()), tone)
    }
}

/// `host`, `host:port`, `[ipv6]:port`, or `local`.
pub(super) fn address(server: &Server) -> String {
    let address = &server.address;
    match (server.transport, server.port) {
        (TransportKind::Local, _) => "local".to_owned(),
        (TransportKind::Ssh, None) => address.clone(),
        (TransportKind::Ssh, Some(port)) if address.contains(':') => format!("[{address}]:{port}"),
        (TransportKind::Ssh, Some(port)) => format!("{address}:{port}"),
    }
}

/// `all`, `none`, or the words.
pub(super) fn roles(server: &Server) -> String {
    if server.roles.len() == Role::ALL.len() {
        return "all".to_owned();
    }
    if server.roles.is_empty() {
        return "none".to_owned();
    }
    let words: Vec<&str> = server.roles.iter().map(|role| role.word()).collect();
    words.join(",")
}

/// `key=value` of each label.
pub(super) fn labels(server: &Server) -> String {
    let labels: Vec<String> = server
        .labels
        .iter()
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    labels.join(" ")
}
