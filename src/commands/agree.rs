//! After a change of what several servers hold together: each is asked, until all of them tell the same.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use super::ask;
use crate::apply::ServerReport;
use crate::context::Context;
use crate::diagnostic::Diagnostic;
use crate::kind::{KINDS, Kind};
use crate::model::{Resource, ServerName};
use crate::plan::follow::staying;
use crate::state::Filter;

/// How long the servers have to follow.
const PATIENCE: Duration = Duration::from_secs(10);

/// Asks every server of what was changed, where a kind wants them to agree; says which lag behind.
pub(super) fn agree(
    context: &Context,
    reports: &[ServerReport],
) -> anyhow::Result<Vec<Diagnostic>> {
    let done: BTreeSet<_> = reports
        .iter()
        .flat_map(ServerReport::changes_done)
        .flat_map(|change| &change.owners)
        .collect();
    let mut problems = Vec::new();
    for kind in KINDS.iter().filter(|kind| !kind.agree.is_empty()) {
        let names: BTreeSet<String> = done
            .iter()
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
        resources
            .retain(|resource| !resource.suspended && staying(&resource.placements).count() > 1);
        problems.extend(wait(context, kind, resources)?);
    }
    Ok(problems)
}

fn wait(
    context: &Context,
    kind: &'static Kind,
    mut resources: Vec<Resource>,
) -> anyhow::Result<Vec<Diagnostic>> {
    let began = Instant::now();
    loop {
        if resources.is_empty() {
            return Ok(Vec::new());
        }
        let known = ask::about(context, kind, &resources, None)?;
        let mut lagging = Vec::new();
        resources.retain(|resource| {
            let behind = laggards(kind, resource, &known);
            let agree = behind.is_empty();
            lagging.extend(behind);
            !agree
        });
        if began.elapsed() >= PATIENCE {
            let mut problems = known.problems;
            problems.extend(lagging);
            return Ok(problems);
        }
        if !resources.is_empty() {
            std::thread::sleep(Duration::from_millis(300));
        }
    }
}

/// A diagnostic for each server that tells something else than the first.
fn laggards(kind: &Kind, resource: &Resource, known: &ask::Known) -> Vec<Diagnostic> {
    let told = |server: &ServerName, heading: &str| {
        let columns = known.of(server, &resource.name.name)?;
        let found = columns.iter().find(|(own, _)| *own == heading);
        found.map(|(_, text)| text.to_string())
    };
    let mut placements = staying(&resource.placements);
    let Some(first) = placements.next() else {
        return Vec::new();
    };
    let mut problems = Vec::new();
    for placement in placements {
        let differs = kind
            .agree
            .iter()
            .find(|heading| told(&placement.server, heading) != told(&first.server, heading));
        let Some(heading) = differs else { continue };
        let has = |server: &ServerName| match (heading.strip_prefix('_'), told(server, heading)) {
            (_, None) => format!("`{server}` has none"),
            (Some(_), Some(_)) => format!("`{server}` has its own"),
            (None, Some(text)) => format!("`{server}` has {text}"),
        };
        let what = heading.trim_start_matches('_');
        let message = format!(
            "`{}` lags behind with {}: its {what} differs: {}, {}",
            placement.server,
            resource.name,
            has(&first.server),
            has(&placement.server),
        );
        let hint = format!(
            "`fleet show-{} {}` shows whether it has followed since",
            kind.word, resource.name.name
        );
        problems.push(Diagnostic::failed(message).hint(hint));
    }
    problems
}
