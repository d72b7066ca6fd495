//! What the servers of a resource tell of it: what must be the same on all of them side by side, and who lags.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::commands::agree::{agrees, laggards};
use crate::commands::ask::{self, Known};
use crate::kind::{Kind, Summary};
use crate::model::{PlacementStatus, Resource, ServerName};
use crate::plan::follow::staying;
use crate::ui::{Cell, Page, Table, Tone};

/// Of a server that answered and told nothing: its service is stopped, or has never heard of it.
const SILENT: &str = "tells nothing of it";

fn behind(kind: &Kind, resource: &Resource, known: &Known) -> BTreeSet<ServerName> {
    let laggards = laggards(kind, resource, known).into_iter();
    laggards.map(|laggard| laggard.server).collect()
}

/// By server, what it tells; with `lags` where several are to tell the same.
pub(super) fn json(kind: &Kind, resource: &Resource, known: &Known) -> Map<String, Value> {
    let mut live: Map<String, Value> = known
        .columns
        .iter()
        .map(|((server, _), columns)| (server.to_string(), ask::json(kind, columns).into()))
        .collect();
    if agrees(kind, resource) {
        let behind = behind(kind, resource, known);
        let asked = staying(&resource.placements).map(|placement| &placement.server);
        for server in asked.filter(|server| known.answered.contains(*server)) {
            let told = live
                .entry(server.to_string())
                .or_insert_with(|| Map::new().into());
            told["lags"] = behind.contains(server).into();
        }
    }
    live
}

/// Prints it.
pub(super) fn print(page: &mut Page, kind: &Kind, resource: &Resource, known: &Known) {
    let together = agrees(kind, resource) && !known.answered.is_empty();
    if together {
        page.end()
            .toned_line("on its servers", Tone::Strong)
            .table(&side_by_side(kind, resource, known));
    }
    if !together && !kind.agree.is_empty() && !resource.suspended {
        for placement in staying(&resource.placements) {
            let server = &placement.server;
            let silent = known.answered.contains(server) && known.of(server, &resource.name.name).is_none();
            if silent && placement.status == PlacementStatus::Applied {
                let fields = [("state", SILENT.to_owned(), Tone::Bad)];
                page.end().toned_line(&format!("on {server}"), Tone::Strong).fields(fields);
            }
        }
    }
    // What several tell alike is there once.
    let mut parts: Vec<(Vec<&str>, Summary)> = Vec::new();
    for ((server, _), columns) in &known.columns {
        let mut own = columns.clone();
        own.retain(|(heading, _)| !(heading.starts_with('_') || together && kind.agree.contains(heading)));
        match parts.iter_mut().find(|(_, told)| together && *told == own) {
            Some((servers, _)) => servers.push(server.as_str()),
            None => parts.push((vec![server.as_str()], own)),
        }
    }
    for (servers, own) in parts.iter().filter(|(_, own)| !together || !own.is_empty()) {
        let heading = format!("on {}", servers.join(", "));
        let fields = own.iter().map(|(heading, text)| (*heading, text.to_string(), Tone::Plain));
        page.end().toned_line(&heading, Tone::Strong).fields(fields);
    }
}

fn side_by_side(kind: &Kind, resource: &Resource, known: &Known) -> Table {
    let headings = kind.agree.iter().filter(|heading| !heading.starts_with('_'));
    let headings: Vec<&str> = headings.copied().collect();
    let mut table = Table::new().column("server");
    for heading in &headings {
        table = table.column(*heading);
    }
    table = table.column("state");
    let behind = behind(kind, resource, known);
    // Nobody lags behind a first one that is silent.
    let known_of_first = staying(&resource.placements)
        .next()
        .is_some_and(|first| known.of(&first.server, &resource.name.name).is_some());
    for (at, placement) in staying(&resource.placements).enumerate() {
        let server = &placement.server;
        let columns = known.of(server, &resource.name.name);
        let told = |heading: &&str| {
            let found = columns?.iter().find(|(own, _)| own == heading);
            found.map(|(_, text)| text.to_string())
        };
        let (state, tone) = match columns {
            _ if !known.answered.contains(server) => ("did not answer", Tone::Warn),
            None => (SILENT, Tone::Bad),
            Some(_) if !known_of_first => ("tells it alone", Tone::Warn),
            Some(_) if behind.contains(server) => ("lags behind", Tone::Warn),
            Some(_) if at == 0 => ("the first", Tone::Good),
            Some(_) => ("follows", Tone::Good),
        };
        let mut row = vec![Cell::from(server.to_string())];
        row.extend(headings.iter().map(|heading| Cell::from(told(heading).unwrap_or_default())));
        row.push(Cell::new(state, tone));
        table.row(row);
    }
    table
}
