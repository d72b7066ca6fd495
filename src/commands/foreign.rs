//! Secrets of which a server has others than fleet would give, since what was there was taken over as it is.

use std::collections::{BTreeMap, BTreeSet};

use crate::apply::ServerReport;
use crate::context::Context;
use crate::kind::{Foreign, Kind, kind};
use crate::model::{Resource, ResourceName, ServerName};

/// Those of a resource, on whichever of its servers.
pub(super) fn of(
    context: &Context,
    kind: &Kind,
    resource: &Resource,
) -> anyhow::Result<Vec<Foreign>> {
    if (kind.secrets)(&resource.spec)?.is_empty() {
        return Ok(Vec::new());
    }
    let Some(state) = context.state_to_read()? else {
        return Ok(Vec::new());
    };
    let servers: BTreeSet<ServerName> = resource
        .placements
        .iter()
        .map(|p| p.server.clone())
        .collect();
    let mut all: Vec<Foreign> = Vec::new();
    for stored in state.read(|read| read.applied_on_each(&servers))?.values() {
        for foreign in (kind.foreign)(&resource.spec, &resource.name.name, &stored.values()?)? {
            if !all.contains(&foreign) {
                all.push(foreign);
            }
        }
    }
    Ok(all)
}

/// Tells which this run has taken over.
pub(super) fn tell(context: &Context, reports: &[ServerReport]) -> anyhow::Result<()> {
    let Some(state) = context.state_to_read()? else {
        return Ok(());
    };
    for report in reports {
        let kept = report
            .plan
            .remember
            .iter()
            .filter(|(_, applied)| applied.adopted.is_some());
        let kept: BTreeMap<_, _> = kept.cloned().collect();
        let owners: BTreeSet<&ResourceName> =
            kept.values().flat_map(|applied| &applied.owners).collect();
        for name in owners {
            let (Some(there), Some(kind)) = (state.read(|read| read.find(name))?, kind(&name.kind))
            else {
                continue;
            };
            for foreign in (kind.foreign)(&there.spec, &name.name, &kept)? {
                let (what, server) = (&foreign.what, &report.server);
                context.ui.warn(&format!(
                    "{what} is not known: it is kept as it is on `{server}`"
                ));
                context.ui.hint(&foreign.hint);
            }
        }
    }
    Ok(())
}
