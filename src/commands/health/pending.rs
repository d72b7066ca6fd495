//! `fleet health --apply-pending`: what waited for servers that are reached again is finished, as `apply` would.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::super::carry_out::{Run, summary, to_json};
use super::super::flags::Flags;
use super::super::only::Only;
use super::super::selection::Chosen;
use super::{Health as Command, Known};
use crate::commands::Verb;
use crate::context::Context;
use crate::diagnostic::Ending;
use crate::health::Look;
use crate::model::{Health, ResourceName, Server, ServerName};
use crate::state::Read;

/// How long new firewall rules wait for a new connection: the default of `--confirm-timeout`.
const CONFIRM: Duration = Duration::from_secs(30);

/// What came of it.
pub(super) struct Applied {
    pub(super) value: Value,
    pub(super) ending: Ending,
}

/// Applies what waits, because they were away, for the servers that this sweep has reached and that are confirmed to be
/// reachable: the resources that were placed or changed there meanwhile, and those that are to go. What was staged, stopped
/// or not begun, and what was tried and failed, is left to the admin. `None` when nothing waits, and then there is no task.
pub(super) fn apply(
    context: &Context,
    looks: &[Look],
    known: &Known,
) -> anyhow::Result<Option<Applied>> {
    let started = Instant::now();
    let Some(state) = context.state_to_read()? else {
        return Ok(None);
    };
    let waiting = state.read(Read::waiting)?;
    drop(state);
    let waiting = share(looks, known, waiting);
    let all = &context.inventory()?.servers;
    let servers: Vec<&Server> = waiting.keys().filter_map(|name| all.get(name)).collect();
    if servers.is_empty() {
        return Ok(None);
    }
    let flags = Flags {
        confirm_timeout: CONFIRM,
        ..Flags::default()
    };
    let run = Run::new(context, Command::NAME, &flags)?;
    let chosen = Chosen::of(servers, Only::OnEach(waiting));
    let mut value = Value::Null;
    let ending = context.record(Command::NAME, |record| {
        let rolled = run.change(context, record.id(), chosen.jobs(context)?)?;
        value = json!({ "task": record.id(), "servers": to_json(&rolled.reports) });
        rolled.add_to(&mut value);
        summary(context, &rolled.reports, started);
        rolled.ending(context)
    })?;
    Ok(Some(Applied { value, ending }))
}

/// What waits for those servers that are back.
fn share(
    looks: &[Look],
    known: &Known,
    mut waiting: BTreeMap<ServerName, BTreeSet<ResourceName>>,
) -> BTreeMap<ServerName, BTreeSet<ResourceName>> {
    let is_up = |health: Health| matches!(health, Health::Online | Health::Degraded);
    let is_back = |name: &ServerName| {
        let look = looks.iter().find(|look| look.server == *name);
        let confirmed = known.of(name).and_then(|known| known.status.health());
        look.is_some_and(|look| is_up(look.observation.health)) && confirmed.is_some_and(is_up)
    };
    waiting.retain(|name, _| is_back(name));
    waiting
}
