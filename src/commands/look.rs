//! Looking at servers and recording what was seen: for `health`, and before something is placed.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::checking::{self, Checking};
use super::notifying;
use crate::context::Context;
use crate::diagnostic::Diagnostic;
use crate::health::{Look, Subject, Sweep, is_stale};
use crate::kind;
use crate::model::check::{self, Extent, Vantage};
use crate::model::health::Rules;
use crate::model::{HealthEvent, Patience, Server, ServerName, Sight};
use crate::state::{Read, Write};
use crate::transport::Connector;

/// How many servers are looked at at the same time. One that does not answer keeps its place until its time limit,
/// so this is far more than this machine works on at a time.
pub(super) const PARALLEL: usize = 256;

/// For how long checks keep their status that whoever looks now leaves out: somebody else may look at all, now and then.
const LEFT_OUT: SignedDuration = SignedDuration::from_hours(2);

/// Looks at `servers` themselves.
pub(super) async fn look(
    context: &Context,
    connector: &Connector,
    servers: &[&Server],
    limit: Duration,
    on_look: impl FnMut(&Look),
) -> anyhow::Result<Vec<Look>> {
    look_and_check(context, connector, servers, limit, None, on_look).await
}

/// Looks at `servers`, and at what `checking` says, there and from here; hands each look to `on_look` as it arrives, when
/// what is seen from here is still to come.
pub(super) async fn look_and_check(
    context: &Context,
    connector: &Connector,
    servers: &[&Server],
    limit: Duration,
    checking: Option<Checking>,
    mut on_look: impl FnMut(&Look),
) -> anyhow::Result<Vec<Look>> {
    let mut checking = checking;
    let subjects = subjects(context, servers, checking.as_ref())?;
    let sweep = Sweep {
        limit,
        checks_limit: checking::LIMIT,
        parallel: PARALLEL,
        at: context.now(),
        clock: context.clock(),
    };
    let mut looks = Vec::with_capacity(subjects.len());
    let looking = sweep.run(connector, subjects, |look| {
        on_look(&look);
        looks.push(look);
    });
    let from_here = async {
        match &mut checking {
            Some(checking) => checking.visit_all(context).await,
            None => Vec::new(),
        }
    };
    let ((), from_here) = tokio::join!(looking, from_here);
    if let Some(checking) = &checking {
        checking.join(&mut looks, from_here);
    }
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
    record(context, &looks).map(drop)
}

/// Records what was seen, with the keys that were used, so that the next login offers the right one first. Returns the
/// changes of status that are confirmed by it.
pub(super) fn record(context: &Context, looks: &[Look]) -> anyhow::Result<Vec<HealthEvent>> {
    let inventory = context.inventory()?;
    let settings = &inventory.health;
    let now = context.now();
    let recorded: Result<_, Diagnostic> = context.state()?.write(|write| {
        let mut events = Vec::new();
        for look in looks {
            // One that is being added is not in the inventory yet.
            let server = inventory.servers.get(&look.server);
            let rules = server.map_or_else(Rules::default, |server| settings.rules(server));
            let (name, seen) = (&look.server, &look.observation);
            events.extend(write.record_observation(
                name,
                seen,
                rules.patience,
                settings.longest_gap,
            )?);
            events.extend(record_checks(write, look, rules.patience)?);
            let Some(peer) = &look.peer else { continue };
            if let Some(key) = &peer.login_key {
                write.remember_identity(name, key)?;
            }
            if let Some(key) = &peer.host_key {
                write.remember_host_key(name, key)?;
            }
        }
        write.clear_old_checks(now)?;
        notifying::queue(write, inventory, now)?;
        write.clear_old_samples(now)?;
        write.clear_old_answers(now)?;
        write.clear_old_events(now)?;
        Ok(events)
    });
    Ok(recorded?)
}

/// Records what the checks of a look found, by the same patience as what the look itself saw. Checks that are made no
/// more are forgotten, as far as this look can tell.
fn record_checks(
    write: &Write<'_>,
    look: &Look,
    patience: Patience,
) -> Result<Vec<HealthEvent>, Diagnostic> {
    let mut events = Vec::new();
    let mut made = BTreeSet::new();
    for check in &look.checks {
        let subject = check.key.within_server();
        let sight = Sight {
            at: look.observation.at,
            status: check.status.into(),
            reasons: match check.status {
                check::Status::Ok => Vec::new(),
                check::Status::Warn | check::Status::Bad => vec![check.detail.clone()],
            },
        };
        events.extend(write.record_sight(&look.server, &subject, &sight, patience)?);
        made.insert(subject);
    }
    let at = look.observation.at;
    write.record_measured(&look.server, &look.checks, at)?;
    for side in [Vantage::Server, Vantage::Here] {
        let until = match look.extents.of(side) {
            Extent::Part => continue,
            Extent::LeftOut => at.checked_sub(LEFT_OUT).unwrap_or(Timestamp::MIN),
            Extent::All => Timestamp::MAX,
        };
        write.forget_other_checks(&look.server, &made, side, until)?;
    }
    Ok(events)
}

/// The servers with the roles of what is placed there.
fn subjects(
    context: &Context,
    servers: &[&Server],
    checking: Option<&Checking>,
) -> anyhow::Result<Vec<Subject>> {
    let kinds = match context.state_to_read()? {
        Some(state) => state.read(Read::kinds_placed)?,
        None => BTreeMap::default(),
    };
    let settings = &context.inventory()?.health;
    let subject = |server: &&Server| {
        let kinds = kinds.get(&server.name).into_iter().flatten();
        let placed: BTreeSet<_> = kinds.filter_map(|word| kind::kind(word)?.role).collect();
        let rules = settings.rules(server);
        Subject {
            server: (*server).clone(),
            placed,
            thresholds: rules.thresholds,
            check_limits: rules.checks,
            asked: checking.and_then(|checking| checking.asked(&server.name)),
        }
    };
    Ok(servers.iter().map(subject).collect())
}
