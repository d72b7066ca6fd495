//! `fleet health`: a look at all servers at once, and what is the matter with them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::Args;
use serde_json::json;

use super::checking::{self, CheckArgs};
use super::notifying::Complaints;
use super::selection::select;
use super::{look, maintenance, notifying, prometheus};
use super::{Ending, Example, Group, Verb};
use crate::context::Context;
use crate::diagnostic::{Class, Diagnostic};
use crate::health::Look;
use crate::inventory::value;
use crate::model::notification::Maintenance;
use crate::model::{Health as Verdict, Patience, Server, ServerName, Standing, Status};
use crate::state::{SubjectName, Sweeper, Sweeping};
use crate::ui::format;

mod changes;
mod history;
mod pending;
mod table;
mod watch;

pub(super) use history::uptime;

/// Looks at the servers, all at the same time, and records what it sees. A status changes when several looks in a row
/// agree (`[health] fail_after` and `recover_after` of the inventory): what this look saw is shown, and what is
/// confirmed where that differs.
///
/// With `-q`, for cron, only what is confirmed counts: each change of a confirmed status since the last `-q` is one line,
/// also the recovery, and the exit code is 5 while a server is confirmed not to be online. Without `-q` it is 5 when
/// this look saw one that is not online.
///
/// Two sweeps never overlap: with `-q` the second one looks at nothing and tells what is confirmed, else it waits for the
/// first. Of one that takes longer than a sweep may (it was stopped, or waits for a passphrase) it says so, with exit code 8.
#[derive(Args, Debug)]
pub struct Health {
    /// Only these servers: `sg-1,jkt-*,region=singapore,!sg-3` [default: all active ones]
    #[arg(long = "server", value_name = "SELECTOR")]
    servers: Vec<String>,
    /// How long the look at one server may take [default: `health_timeout` of the inventory, else 10s]
    #[arg(long, value_name = "TIME", value_parser = parse_timeout)]
    timeout: Option<Duration>,
    /// Look at nothing, but show uptime over 1, 7 and 30 days, and the changes of status
    #[arg(long, conflicts_with_all = ["timeout", "watch", "apply_pending", "prometheus"])]
    history: bool,
    /// Look again and again, every so many seconds [default: 10], until Ctrl-C; without a terminal, print a line for each change
    #[arg(
        long,
        value_name = "SECS",
        num_args = 0..=1,
        default_missing_value = "10",
        value_parser = clap::value_parser!(u32).range(1..=86_400)
    )]
    watch: Option<u32>,
    /// Finish what was tried while a server was away, now that it is reached again; not what was staged, stopped or halted
    #[arg(long, conflicts_with = "watch")]
    apply_pending: bool,
    /// Write what is seen to this file, for the textfile collector of Prometheus's `node_exporter`
    #[arg(long, value_name = "FILE", conflicts_with = "watch")]
    prometheus: Option<PathBuf>,
    #[command(flatten)]
    checks: CheckArgs,
}

fn parse_timeout(text: &str) -> Result<Duration, String> {
    let refused = |refused: value::Refused| refused.hint.unwrap_or(refused.message);
    let timeout = value::duration(text).map_err(refused)?;
    if timeout < Duration::from_millis(100) {
        return Err("at least 100ms".to_owned());
    }
    Ok(timeout)
}

impl Verb for Health {
    const NAME: &'static str = "health";
    const ABOUT: &'static str = "Look at all servers at once, and say what is wrong";
    const GROUP: Group = Group::Health;
    const EXAMPLES: &'static [Example] = &[
        ("fleet health", ""),
        ("fleet health --server region=singapore --timeout 3s", ""),
        (
            "fleet health -q --apply-pending",
            "For cron: speaks when a status changed, and finishes what waited for a server",
        ),
        ("fleet health --watch 5", "A screen that follows the servers"),
        ("fleet health --history", "Uptime, and what happened"),
        (
            "fleet health -q --prometheus /var/lib/prometheus/node-exporter/fleet.prom",
            "Metrics for Prometheus",
        ),
        (
            "fleet health --json | jq -r '.servers[] | select(.health != \"online\") | .name'",
            "The names of those that are not online",
        ),
    ];

    fn run(self, context: &Context) -> anyhow::Result<Ending> {
        let inventory = context.inventory()?;
        let servers = self.checks.narrow(context, select(context, &self.servers)?)?;
        let limit = self.timeout.unwrap_or(inventory.settings.health_timeout);
        if self.history {
            return history::show(context, &servers);
        }
        if let Some(seconds) = self.watch {
            let every = Duration::from_secs(u64::from(seconds));
            return watch::watch(context, &servers, &self.checks, limit, every);
        }
        let checking = self.checks.checking(context, &servers)?;
        // While somebody looks for the passphrase, others can look at the servers.
        let connector = context.connector()?;
        context.block_on(connector.unlock_keys(&servers))?;
        let lock = match lock(context, limit) {
            Ok(Sweeping::We(lock)) => Ok(lock),
            Ok(Sweeping::Another(other)) if context.globals.quiet => {
                return tell(context, &servers, limit, &other);
            }
            Ok(Sweeping::Another(other)) => return Err(busy(context, &other).into()),
            // What cannot be recorded is shown all the same.
            Err(error) => Err(error),
        };
        let (began, clock) = (context.now(), Instant::now());
        let progress = context.ui.progress(servers.len());
        for server in &servers {
            progress.state(server.name.as_str(), "looking");
        }
        let on_look = |look: &Look| progress.end(look.server.as_str());
        let looking =
            look::look_and_check(context, &connector, &servers, limit, Some(checking), on_look);
        let looks = context.block_on(looking)??;
        drop(progress);
        let took = clock.elapsed();
        let events = lock.and_then(|lock| {
            let events = look::record(context, &looks)?;
            drop(lock);
            Ok(events)
        });
        let known = Known::read(context, &servers).unwrap_or_default();

        let mut value = table::report(&looks, &known);
        maintenance::note(&mut value, &known.resting);
        let told = context.globals.quiet.then(|| changes::untold(&known));
        value["changes"] = match &told {
            Some(changes) => changes::to_json(changes),
            None => json!(events.as_deref().unwrap_or_default()),
        };
        let json = context.globals.wants_json();
        if !json {
            context.ui.show(&value, |page| {
                if let Some(changes) = &told {
                    changes::print(page, changes, context.now());
                } else {
                    table::print(page, &looks, &known, context.now());
                    maintenance::print(page, &looks, &known.resting);
                }
            })?;
        }
        events?;
        notify(context)?;
        // A full disk keeps nobody from what else is to be done.
        let written = match &self.prometheus {
            Some(file) => prometheus::write(context, file, &looks, began, took),
            None => Ok(()),
        };
        let applied = if self.apply_pending {
            pending::apply(context, &looks, &known)?
        } else {
            None
        };
        if json {
            if let Some(applied) = &applied {
                value["applied"] = applied.value.clone();
            }
            context.ui.show(&value, |_| {})?;
        }
        if let Some(changes) = &told {
            changes::note(context, changes, &known)?;
        }
        written?;
        let well = if told.is_some() {
            known.is_well()
        } else {
            let mut seen = looks.iter();
            seen.all(|look| {
                (look.observation.health == Verdict::Online && !checking::any_bad(look))
                    || known.resting.contains_key(&look.server)
            })
        };
        Ok(ending(well, applied.map(|applied| applied.ending)))
    }
}

/// What a sweep comes to. What was tried and failed is graver than what is not well.
fn ending(well: bool, applied: Option<Ending>) -> Ending {
    match applied {
        Some(Ending::With(class)) => Ending::With(class),
        _ if !well => Ending::With(Class::Unhealthy),
        _ => Ending::Done,
    }
}

/// Tells people what is to be told. When that fails, it waits for the next sweep, and the sweep itself has not failed.
fn notify(context: &Context) -> anyhow::Result<()> {
    if let Err(error) = context.block_on(notifying::deliver(context, Complaints::Told))? {
        context.ui.warn(&format!(
            "what is to be told waits for the next sweep: {error:#}"
        ));
    }
    Ok(())
}

/// With `-q`, while another sweep is at work: looks at nothing, and tells what is confirmed by now. So a change is told
/// also when somebody watches the fleet all the time. One that has come to no end for long (it is stopped, or waits for a
/// passphrase) leaves everybody blind, and that is told too.
fn tell(
    context: &Context,
    servers: &[&Server],
    limit: Duration,
    other: &Sweeper,
) -> anyhow::Result<Ending> {
    let known = Known::read(context, servers)?;
    let changes = changes::untold(&known);
    let mut value = table::report(&[], &known);
    value["changes"] = changes::to_json(&changes);
    context.ui.show(&value, |page| changes::print(page, &changes, context.now()))?;
    changes::note(context, &changes, &known)?;
    notify(context)?;
    let blind = longest(context, limit)? + context.inventory()?.health.longest_gap;
    if age(context, other).is_some_and(|age| age > blind) {
        let error = busy(context, other);
        context.ui.warn(&format!("nothing was looked at: {}", error.message));
        return Ok(Ending::With(error.class));
    }
    Ok(ending(known.is_well(), None))
}

/// What is confirmed of the servers of this sweep.
#[derive(Debug, Default)]
struct Known {
    /// Of the servers, and of the checks on them.
    standings: BTreeMap<SubjectName, Standing>,
    /// How many looks it takes, by server.
    patience: BTreeMap<ServerName, Patience>,
    /// Those in maintenance: what is wrong with them is expected.
    resting: BTreeMap<ServerName, Maintenance>,
}

impl Known {
    fn read(context: &Context, servers: &[&Server]) -> anyhow::Result<Self> {
        let settings = &context.inventory()?.health;
        let names: BTreeSet<ServerName> = servers.iter().map(|s| s.name.clone()).collect();
        let now = context.now();
        let (standings, resting) = match context.state_to_read()? {
            Some(state) => state.read(|read| {
                Ok::<_, Diagnostic>((read.standings(&names)?, read.maintenance(now)?))
            })?,
            None => (BTreeMap::new(), BTreeMap::new()),
        };
        let patience = servers
            .iter()
            .map(|server| (server.name.clone(), settings.rules(server).patience));
        Ok(Self {
            standings,
            patience: patience.collect(),
            resting,
        })
    }

    /// What is confirmed of a server itself.
    fn of(&self, server: &ServerName) -> Option<&Standing> {
        self.standings.get(&(server.clone(), String::new()))
    }

    /// How often the change was seen that is not confirmed yet, and how often it has to be.
    fn progress(&self, server: &ServerName) -> Option<(u32, u32)> {
        let standing = self.of(server)?;
        let turning = standing.turning.as_ref()?;
        let patience = self.patience.get(server)?;
        Some((turning.times, standing.needed(*patience)?))
    }

    /// Whether every server is confirmed to be online, and no check is bad, but for those in maintenance.
    fn is_well(&self) -> bool {
        self.standings.iter().all(|((server, _), standing)| {
            standing.status.is_well()
                || standing.status == Status::Warn
                || self.resting.contains_key(server)
        })
    }
}

/// Takes the right to sweep. With `-q` another sweep is left alone; else it is waited for, but not longer than it may
/// take since it began.
fn lock(context: &Context, limit: Duration) -> anyhow::Result<Sweeping> {
    let words = format!(
        "process {}, since {}",
        std::process::id(),
        format::time(context.now())
    );
    let started = Instant::now();
    let longest = longest(context, limit)?;
    let mut said = false;
    loop {
        let sweeping = context.state()?.begin_sweep(&words)?;
        match &sweeping {
            Sweeping::Another(other)
                if !context.globals.quiet
                    && started.elapsed() < longest
                    && age(context, other).is_none_or(|age| age < longest) =>
            {
                if !std::mem::replace(&mut said, true) {
                    let words = &other.words;
                    context.ui.note(&format!("waiting for another sweep ({words})"));
                }
                std::thread::sleep(Duration::from_millis(50));
            }
            _ => return Ok(sweeping),
        }
    }
}

/// What a sweep takes besides the looks.
const GRACE: Duration = Duration::from_secs(2);

/// How long a sweep of the whole fleet takes at most, with that limit of a look.
fn longest(context: &Context, limit: Duration) -> anyhow::Result<Duration> {
    let rounds = context.inventory()?.servers.len().div_ceil(look::PARALLEL);
    let rounds = u32::try_from(rounds).unwrap_or(u32::MAX).max(1);
    Ok((limit + checking::LIMIT).saturating_mul(rounds).saturating_add(GRACE))
}

/// For how long another sweep has been at work.
fn age(context: &Context, other: &Sweeper) -> Option<Duration> {
    // By the clock that has stamped the file.
    let age = context.clock().duration_since(other.began?);
    age.try_into().ok()
}

fn busy(context: &Context, other: &Sweeper) -> Diagnostic {
    let words = &other.words;
    let lasts = age(context, other).filter(|age| age.as_secs() >= 60);
    let lasts = lasts.map(|age| format!(" for {}", format::seconds(age.as_secs())));
    let lasts = lasts.unwrap_or_default();
    let message = format!("another sweep is at work{lasts} ({words})");
    Diagnostic::new(Class::Locked, message)
        .hint("`fleet list-servers` shows what it has seen so far")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_tried_and_failed_is_graver_than_what_is_away() {
        let failed = Ending::With(Class::Partial);
        let unhealthy = Ending::With(Class::Unhealthy);
        for (well, applied, expected) in [
            (true, None, Ending::Done),
            (true, Some(Ending::Done), Ending::Done),
            (true, Some(failed), failed),
            (false, None, unhealthy),
            (false, Some(Ending::Done), unhealthy),
            (false, Some(failed), failed),
        ] {
            assert_eq!(ending(well, applied), expected, "{well} {applied:?}");
        }
    }
}
