//! Looking at servers and recording what was seen: for `health`, and before something is placed.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::context::Context;
use crate::health::{Look, Subject, Sweep, is_stale};
use crate::kind;
use crate::model::{Server, ServerName};
use crate::state::{Read, State};
use crate::transport::Connector;

/// How many servers are looked at at the same time. One that does not answer keeps its place until its time limit,
/// so this is far more than this machine works on at a time.
pub(super) const PARALLEL: usize = 256;

/// Looks at `servers`, hands each result to `on_look` as it arrives, and records all of them.
pub(super) async fn look(
    context: &Context,
    connector: &Connector,
    servers: &[&Server],
    limit: Duration,
    mut on_look: impl FnMut(&Look),
) -> anyhow::Result<Vec<Look>> {
    let subjects = subjects(context, servers)?;
    let sweep = Sweep {
        limit,
        parallel: PARALLEL,
        at: context.now(),
        clock: context.clock(),
    };
    let mut looks = Vec::with_capacity(subjects.len());
    sweep
        .run(connector, subjects, |look| {
            on_look(&look);
            looks.push(look);
        })
        .await;
    looks.sort_by(|a, b| a.server.cmp(&b.server));
    Ok(looks)
}

/// Looks again at those of `servers` whose health is older than `[settings] health_max_age`, and records it, so that
/// what is placed next is placed by what is true now. Returns those it looked at.
pub(super) async fn refresh(
    context: &Context,
    connector: &Connector,
    servers: &[&Server],
) -> anyhow::Result<BTreeSet<ServerName>> {
    let settings = &context.inventory()?.settings;
    let records = match context.state_to_read()? {
        Some(state) => state.read(Read::servers)?,
        None => BTreeMap::default(),
    };
    let now = context.now();
    let stale: Vec<&Server> = servers
        .iter()
        .copied()
        .filter(|server| {
            let seen = records.get(&server.name).and_then(|r| r.observed_at);
            is_stale(seen, now, settings.health_max_age)
        })
        .collect();
    again(context, connector, &stale).await?;
    Ok(stale.iter().map(|server| server.name.clone()).collect())
}

/// Looks at `servers`, however long ago that was done before, and records it.
pub(super) async fn again(
    context: &Context,
    connector: &Connector,
    servers: &[&Server],
) -> anyhow::Result<()> {
    if servers.is_empty() {
        return Ok(());
    }
    let progress = context.ui.progress(servers.len());
    for server in servers {
        progress.state(server.name.as_str(), "looking");
    }
    let limit = context.inventory()?.settings.health_timeout;
    let looks = look(context, connector, servers, limit, |look| {
        progress.end(look.server.as_str());
    })
    .await?;
    record(&mut *context.state()?, &looks)
}

/// Records what was seen, with the keys that were used, so that the next login offers the right one first.
pub(super) fn record(state: &mut State, looks: &[Look]) -> anyhow::Result<()> {
    state.write(|write| {
        for look in looks {
            write.record_observation(&look.server, &look.observation)?;
            let Some(peer) = &look.peer else { continue };
            if let Some(key) = &peer.login_key {
                write.remember_identity(&look.server, key)?;
            }
            if let Some(key) = &peer.host_key {
                write.remember_host_key(&look.server, key)?;
            }
        }
        Ok(())
    })
}

/// The servers with the roles of what is placed there.
fn subjects(context: &Context, servers: &[&Server]) -> anyhow::Result<Vec<Subject>> {
    let kinds = match context.state_to_read()? {
        Some(state) => state.read(Read::kinds_placed)?,
        None => BTreeMap::default(),
    };
    let subject = |server: &&Server| {
        let kinds = kinds.get(&server.name).into_iter().flatten();
        let roles: BTreeSet<_> = kinds.filter_map(|word| kind::kind(word)?.role).collect();
        Subject {
            server: (*server).clone(),
            placed: roles,
        }
    };
    Ok(servers.iter().map(subject).collect())
}
