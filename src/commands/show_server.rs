//! `fleet show-server`: everything that is known of one server.

use std::collections::BTreeSet;

use clap::Args;
use serde_json::{Value, json};

use super::health::uptime;
use super::list_servers::{Known, address, health, labels, roles};
use super::{Ending, Example, Group, Verb};
use crate::context::Context;
use crate::diagnostic::Diagnostic;
use crate::model::health::ServerFacts;
use crate::model::{Jump, Observation, PlacementStatus, Resource, Server, Uptime};
use crate::ui::{Page, Table, Tone, format};

/// Shows one server.
#[derive(Args, Debug)]
pub struct ShowServer {
    /// The server
    #[arg(value_name = "NAME")]
    name: String,
}

/// What is recorded of one server besides its row.
#[derive(Default)]
struct Recorded {
    observation: Option<Observation>,
    /// What it said of itself when it was last reached.
    facts: Option<ServerFacts>,
    resources: Vec<Resource>,
    uptime: Uptime,
}

impl Verb for ShowServer {
    const NAME: &'static str = "show-server";
    const ABOUT: &'static str = "Show everything that is known of a server";
    const GROUP: Group = Group::Servers;
    const EXAMPLES: &'static [Example] = &[("fleet show-server sg-1", "")];

    fn run(self, context: &Context) -> anyhow::Result<Ending> {
        let server = context.inventory()?.server(&self.name)?;
        let known = Known::read(context)?;
        let here = BTreeSet::from([server.name.clone()]);
        let recorded = match context.state_to_read()? {
            Some(state) => state.read(|read| {
                Ok::<_, Diagnostic>(Recorded {
                    observation: read.observations(&here)?.remove(&server.name),
                    facts: read.facts(&here)?.remove(&server.name),
                    resources: read.resources_on(&here)?,
                    uptime: read.uptime(&server.name, context.now())?,
                })
            })?,
            None => Recorded::default(),
        };
        let mut value = known.json(server)?;
        value["reasons"] = json!(recorded.observation.as_ref().map(|seen| &seen.reasons));
        value["uptime"] = uptime(Some(&recorded.uptime));
        value["facts"] = json!(recorded.facts);
        let record = known.records.get(&server.name);
        value["host_key"] = json!(record.and_then(|record| record.host_key.as_ref()));
        value["resources"] = recorded.resources.iter().map(|r| placed(r, server)).collect();
        context.ui.show(&json!({ "server": value }), |page| {
            page.fields(settings(server, &known));
            page.end();
            page.fields(condition(context, server, &known, &recorded));
            if !recorded.resources.is_empty() {
                page.end();
                resources(page, server, &recorded.resources);
            }
        })?;
        Ok(Ending::Done)
    }
}

type Field = (&'static str, String, Tone);

/// What the inventory says.
fn settings(server: &Server, known: &Known) -> Vec<Field> {
    let plain = |name, value: String| (name, value, Tone::Plain);
    let mut fields = vec![
        ("server", server.name.to_string(), Tone::Strong),
        plain("address", address(server)),
    ];
    fields.extend(server.user.clone().map(|user| plain("user", user)));
    let identity = server.identity_file.as_ref();
    fields.extend(identity.map(|file| plain("identity file", file.display().to_string())));
    fields.extend(server.jump.as_ref().map(|jump| plain("jump", through(jump))));
    if server.r#become {
        fields.push(plain("become", "yes, by sudo".to_owned()));
    }
    fields.extend(server.region.clone().map(|region| plain("region", region)));
    fields.push(plain("roles", roles(server)));
    if !server.labels.is_empty() {
        fields.push(plain("labels", labels(server)));
    }
    let addresses = server.ipv4.iter().map(ToString::to_string);
    let addresses: Vec<String> = addresses.chain(server.ipv6.iter().map(ToString::to_string)).collect();
    if !addresses.is_empty() {
        fields.push(plain("public addresses", addresses.join(", ")));
    }
    let load = known.loads.get(&server.name).unwrap_or(&0);
    fields.push(plain("load", format!("{load} of {} units", server.capacity)));
    if server.priority != 0 {
        fields.push(plain("priority", server.priority.to_string()));
    }
    if !server.active {
        fields.push(("active", "no: left out of sweeps and placement".to_owned(), Tone::Warn));
    }
    fields
}

/// What was seen of it.
fn condition(
    context: &Context,
    server: &Server,
    known: &Known,
    recorded: &Recorded,
) -> Vec<Field> {
    let now = context.now();
    let record = known.records.get(&server.name).cloned().unwrap_or_default();
    let (mut text, tone) = health(record.standing.as_ref(), now);
    if let Some(standing) = &record.standing {
        text = format!(
            "{} since {}, seen {} {}",
            standing.status.word(),
            format::time(standing.since),
            standing.seen.word(),
            format::age(standing.seen_at, now)
        );
    }
    let mut fields = vec![("health", text, tone)];
    if let Some(seen) = recorded.observation.as_ref().filter(|seen| !seen.reasons.is_empty()) {
        fields.push(("because", seen.reasons.join("\n"), Tone::Plain));
    }
    if recorded.uptime.month.known_ms > 0 {
        let Uptime { day, week, month } = recorded.uptime;
        let text = format!(
            "{} in 1 day, {} in 7 days, {} in 30 days",
            day.words(),
            week.words(),
            month.words()
        );
        fields.push(("uptime", text, Tone::Plain));
    }
    if let Some(cordon) = &record.cordon {
        let reason = if cordon.reason.is_empty() { "" } else { ": " };
        let text = format!("{}{reason}{}", format::age(cordon.at, now), cordon.reason);
        fields.push(("cordoned", text, Tone::Warn));
    }
    if let Some(window) = known.maintenance.get(&server.name) {
        let reason = if window.reason.is_empty() { "" } else { ": " };
        let until = format::time(window.until);
        let text = format!("until {until}, by {}{reason}{}", window.operator, window.reason);
        fields.push(("maintenance", text, Tone::Warn));
    }
    let Some(facts) = &recorded.facts else {
        return fields;
    };
    let plain = |name, value: String| (name, value, Tone::Plain);
    fields.push(plain("system", system(facts)));
    let mut machine = summary(facts);
    machine.push(format!("up {}", format::seconds(facts.uptime_s)));
    fields.push(plain("machine", machine.join(", ")));
    if !facts.php.is_empty() {
        fields.push(plain("PHP", facts.php.join(", ")));
    }
    fields.extend(facts.nginx.clone().map(|version| plain("nginx", version)));
    fields.extend(record.host_key.map(|key| plain("host key", key)));
    fields
}

/// `debian 13 (6.12.0-1-amd64, x86_64)`.
pub(super) fn system(facts: &ServerFacts) -> String {
    let name = [facts.os.as_str(), facts.os_version.as_str()].join(" ");
    format!("{} ({}, {})", name.trim(), facts.kernel, facts.arch)
}

/// Cores, memory and disk.
pub(super) fn summary(facts: &ServerFacts) -> Vec<String> {
    let cores = usize::try_from(facts.cores).unwrap_or_default();
    let mut parts = vec![
        format::count(cores, "core"),
        format!("{} memory", format::bytes(facts.memory_total)),
    ];
    let root = facts.disks.iter().find(|disk| disk.mount == "/");
    parts.extend(root.map(|disk| format!("{} disk", format::bytes(disk.total))));
    parts
}

fn through(jump: &Jump) -> String {
    match jump {
        Jump::Server(name) => name.to_string(),
        Jump::Host { user, address, port } => {
            let user = user.as_ref().map(|user| format!("{user}@")).unwrap_or_default();
            let port = port.map(|port| format!(":{port}")).unwrap_or_default();
            format!("{user}{address}{port}")
        }
    }
}

/// How far this server has followed a resource.
fn status(resource: &Resource, server: &Server) -> PlacementStatus {
    let placement = resource.placements.iter().find(|p| p.server == server.name);
    placement.map_or(PlacementStatus::Pending, |placement| placement.status)
}

fn placed(resource: &Resource, server: &Server) -> Value {
    json!({
        "kind": resource.name.kind,
        "name": resource.name.name,
        "weight": resource.weight,
        "status": status(resource, server),
    })
}

fn resources(page: &mut Page, server: &Server, resources: &[Resource]) {
    let mut table = Table::new().column("resource").number("weight").column("status");
    for resource in resources {
        let status = status(resource, server);
        table.row([
            resource.name.to_string().into(),
            resource.weight.to_string().into(),
            status.word().into(),
        ]);
    }
    page.table(&table);
}
