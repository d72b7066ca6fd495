//! After a change of what several servers hold together: each is asked, until all of them tell the same.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use super::ask::{self, Known};
use crate::apply::ServerReport;
use crate::context::Context;
use crate::diagnostic::Diagnostic;
use crate::kind::{KINDS, Kind};
use crate::model::{Resource, ResourceName, ServerName};
use crate::plan::follow::staying;
use crate::state::Filter;

/// How long the servers have to follow.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long a server that was told to follow has to do so before it is told again.
const AGAIN: Duration = Duration::from_secs(2);

/// Asks every server of what was changed, where a kind wants them to agree; says which lag behind.
pub(super) fn agree(
    context: &Context,
    reports: &[ServerReport],
) -> anyhow::Result<Vec<Diagnostic>> {
    let mut touched: BTreeMap<&ResourceName, Vec<String>> = BTreeMap::new();
    for change in reports.iter().flat_map(ServerReport::changes_done) {
        let parts = change.item.as_ref();
        let parts = parts.map_or_else(Vec::new, |item| item.touched(change.before.as_ref()));
        for owner in &change.owners {
            touched
                .entry(owner)
                .or_default()
                .extend(parts.iter().cloned());
        }
    }
    let mut problems = Vec::new();
    for kind in KINDS.iter().filter(|kind| !kind.agree.is_empty()) {
        let names: BTreeSet<String> = touched
            .keys()
            .filter(|name| name.kind == kind.word)
            .map(|name| name.name.clone())
            .collect();
        if names.is_empty() {
            continue;
        }
        let filter = Filter {
            kind: Some(kind.word),
            names: Some(&names),
            ..Filter::default()
        };
        let mut resources = context.state()?.read(|read| read.resources(&filter))?;
        resources.retain(|resource| agrees(kind, resource));
        problems.extend(wait(context, kind, resources, &touched)?);
    }
    Ok(problems)
}

/// Whether the servers of a resource are to tell the same: more than one, of a kind that wants it.
pub(super) fn agrees(kind: &Kind, resource: &Resource) -> bool {
    !kind.agree.is_empty() && !resource.suspended && staying(&resource.placements).count() > 1
}

fn wait(
    context: &Context,
    kind: &'static Kind,
    mut resources: Vec<Resource>,
    touched: &BTreeMap<&ResourceName, Vec<String>>,
) -> anyhow::Result<Vec<Diagnostic>> {
    let began = Instant::now();
    let stop = context.block_on(async { context.interrupts() })??;
    let mut behind: BTreeMap<ServerName, Vec<String>> = BTreeMap::new();
    let mut told: Option<Instant> = None;
    loop {
        if resources.is_empty() {
            return Ok(Vec::new());
        }
        // A server that asked the first one too early may be told by nobody else that there is something by now.
        let is_due = !behind.is_empty() && told.is_none_or(|at| at.elapsed() >= AGAIN);
        if is_due {
            told = Some(Instant::now());
        }
        let known = ask::about_with(context, kind, &resources, None, |server, there, script| {
            let parts =
                |resource: &Resource| touched.get(&resource.name).map_or(&[][..], Vec::as_slice);
            let asked: Vec<_> = there
                .iter()
                .map(|resource| (resource.name.name.as_str(), &resource.spec, parts(resource)))
                .collect();
            (kind.sample)(&asked, script)?;
            if let Some(names) = behind.get(server).filter(|_| is_due) {
                let names: Vec<&str> = names.iter().map(String::as_str).collect();
                (kind.catch_up)(&names, script);
            }
            Ok(())
        })?;
        behind.clear();
        let mut lagging = Vec::new();
        resources.retain(|resource| {
            let laggards = laggards(kind, resource, &known);
            for laggard in &laggards {
                let names = behind.entry(laggard.server.clone()).or_default();
                names.push(resource.name.name.clone());
                lagging.push(laggard.diagnostic(kind, resource));
            }
            !laggards.is_empty()
        });
        if began.elapsed() >= PATIENCE || *stop.borrow() > 0 {
            let mut problems = known.problems;
            problems.extend(lagging);
            return Ok(problems);
        }
        if !resources.is_empty() {
            std::thread::sleep(Duration::from_millis(300));
        }
    }
}

/// A server that tells something else than the first one.
pub(super) struct Laggard {
    /// It.
    pub(super) server: ServerName,
    first: ServerName,
    heading: &'static str,
    /// What both tell under that heading.
    told: [Option<String>; 2],
}

impl Laggard {
    fn diagnostic(&self, kind: &Kind, resource: &Resource) -> Diagnostic {
        let has = |server: &ServerName, told: &Option<String>| match (
            self.heading.strip_prefix('_'),
            told,
        ) {
            (_, None) => format!("`{server}` has none"),
            (Some(_), Some(_)) => format!("`{server}` has its own"),
            (None, Some(text)) => format!("`{server}` has {text}"),
        };
        let [first, own] = &self.told;
        let message = format!(
            "`{}` lags behind with {}: its {} differs: {}, {}",
            self.server,
            resource.name,
            self.heading.trim_start_matches('_'),
            has(&self.first, first),
            has(&self.server, own),
        );
        let hint = format!(
            "`fleet show-{} {}` shows whether it has followed since",
            kind.word, resource.name.name
        );
        Diagnostic::failed(message).hint(hint)
    }
}

/// The servers that tell something else than the first.
pub(super) fn laggards(kind: &Kind, resource: &Resource, known: &Known) -> Vec<Laggard> {
    let told = |server: &ServerName, heading: &str| {
        let columns = known.of(server, &resource.name.name)?;
        let found = columns.iter().find(|(own, _)| *own == heading);
        found.map(|(_, text)| text.to_string())
    };
    let mut placements = staying(&resource.placements);
    let Some(first) = placements.next() else {
        return Vec::new();
    };
    let laggard = |server: &ServerName| {
        let headings = kind.agree.iter().map(|heading| {
            let told = [told(&first.server, heading), told(server, heading)];
            (*heading, told)
        });
        let mut differing = headings.filter(|(_, [first, own])| first != own);
        let (heading, told) = differing.next()?;
        Some(Laggard {
            server: server.clone(),
            first: first.server.clone(),
            heading,
            told,
        })
    };
    placements
        .filter_map(|placement| laggard(&placement.server))
        .collect()
}
