//! Waves: a change goes over its servers some at a time, each wave only when the one before it is well.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use tokio::sync::watch;

use super::carry_out::{Recorder, Run, Watcher};
use super::flags::InWaves;
use super::jobs::Jobs;
use super::look;
use super::only::Only;
use super::rolled::{Halt, Rolled};
use crate::apply::{Asking, Observer as _, Outcome, Purpose, ServerReport};
use crate::context::Context;
use crate::inventory::InventorySettings;
use crate::item::Probe;
use crate::model::fold::fold;
use crate::model::{Course, Health, PlacementStatus, Server, ServerName, Share, Waves};
use crate::plan::transaction::check as probe_script;
use crate::state::Read;
use crate::transport::Connector;
use crate::ui::format;

/// How often servers are looked at that are not well right after a change, and how long between two looks: a service
/// that was reloaded may need a moment.
const LOOKS: usize = 4;
const BETWEEN: Duration = Duration::from_millis(1500);

/// How a run goes over its servers.
#[derive(Clone, Debug, Default)]
pub(super) struct Rollout {
    waves: Option<Waves>,
    max_failures: Option<Share>,
    pause: Duration,
    away_fails: bool,
}

/// The servers that have failed, and whether they are too many.
pub(super) struct Toll {
    away_fails: bool,
    /// `None` when none are too many.
    most: Option<usize>,
    failed: BTreeSet<ServerName>,
    pub(super) unwell: BTreeMap<ServerName, Vec<String>>,
    halt: watch::Sender<bool>,
}

impl Rollout {
    /// As the flags have it, else the settings.
    pub(super) fn new(flags: &InWaves, settings: &InventorySettings) -> Self {
        Self {
            waves: flags.waves.clone().or_else(|| settings.waves.clone()),
            max_failures: flags.max_failures.or(settings.max_failures),
            pause: flags.wave_pause.unwrap_or(settings.wave_pause),
            away_fails: flags.away_fails,
        }
    }

    /// All at once.
    pub(super) fn at_once(mut self) -> Self {
        self.waves = None;
        self
    }

    /// The waves of servers that are in this order.
    pub(super) fn waves(
        &self,
        context: &Context,
        order: Vec<ServerName>,
    ) -> anyhow::Result<Vec<Vec<ServerName>>> {
        match &self.waves {
            Some(waves) => Ok(waves.of(&order, &context.inventory()?.servers)?),
            None => Ok(vec![order]),
        }
    }

    /// The toll of a run over so many servers, in waves or not.
    pub(super) fn toll(&self, servers: usize, in_waves: bool) -> Toll {
        let most = self.max_failures.map(|most| most.at_most(servers));
        Toll {
            away_fails: self.away_fails,
            most: most.or(in_waves.then_some(0)),
            failed: BTreeSet::new(),
            unwell: BTreeMap::new(),
            halt: watch::channel(false).0,
        }
    }

    /// Waits after a wave and looks at its servers, each with requests that it should answer; false when it was
    /// interrupted. What is the matter is noted in `toll`.
    pub(super) fn settle(
        &self,
        context: &Context,
        servers: &BTreeMap<ServerName, Vec<Probe>>,
        before: &BTreeMap<ServerName, Health>,
        stop: &watch::Receiver<u32>,
        toll: &mut Toll,
    ) -> anyhow::Result<bool> {
        let mut stop = stop.clone();
        let connector = context.connector()?;
        if !self.pause.is_zero() {
            context
                .ui
                .note(&format!("waiting {}", format::duration(self.pause)));
        }
        let unwell = context.block_on(async {
            let looking = async {
                tokio::time::sleep(self.pause).await;
                unwell(context, &connector, servers, before).await
            };
            tokio::select! {
                unwell = looking => unwell.map(Some),
                _ = stop.wait_for(|count| *count > 0) => Ok(None),
            }
        })??;
        let Some(unwell) = unwell else {
            return Ok(false);
        };
        toll.unwell.extend(unwell);
        toll.judge();
        Ok(true)
    }
}

impl Toll {
    /// Counts a server that is done.
    pub(super) fn count(&mut self, report: &ServerReport) {
        use Outcome::{
            Changed, Failed, Interrupted, Locked, Reverted, Stale, Unchanged, Unreachable,
        };
        let failed = match report.outcome {
            Failed | Reverted | Interrupted | Stale => true,
            Unreachable | Locked => self.away_fails,
            Changed | Unchanged => !report.is_complete(),
            _ => false,
        };
        if failed {
            self.fail(&report.server);
        }
    }

    /// Counts a server that failed.
    pub(super) fn fail(&mut self, server: &ServerName) {
        self.failed.insert(server.clone());
        self.judge();
    }

    /// Counts a server that was not reached.
    pub(super) fn away(&mut self, server: &ServerName) {
        if self.away_fails {
            self.fail(server);
        }
    }

    fn judge(&mut self) {
        if self.is_too_much() {
            self.halt.send_replace(true);
        }
    }

    /// Whether no further server may be begun.
    pub(super) fn is_too_much(&self) -> bool {
        let unwell = self
            .unwell
            .keys()
            .filter(|name| !self.failed.contains(*name));
        self.most
            .is_some_and(|most| self.failed.len() + unwell.count() > most)
    }

    /// Turns true as soon as it is too much.
    pub(super) fn watch(&self) -> watch::Receiver<bool> {
        self.halt.subscribe()
    }

    /// Why it is too much.
    pub(super) fn halt(&self, wave: usize, of: usize) -> Halt {
        let mut reasons = Vec::new();
        if !self.failed.is_empty() {
            reasons.push(format!("{} failed", fold(&self.failed)));
        }
        if !self.unwell.is_empty() {
            let verb = if self.unwell.len() == 1 { "is" } else { "are" };
            reasons.push(format!("{} {verb} not well", fold(self.unwell.keys())));
        }
        let lines = self.unwell.iter().flat_map(|(server, reasons)| {
            reasons
                .iter()
                .map(move |reason| format!("{server}: {reason}"))
        });
        Halt {
            wave,
            of,
            reason: reasons.join(", "),
            details: lines.collect(),
        }
    }
}

/// What is the matter with servers, when they have had a moment. Those that were not known to be online
/// before may be degraded.
async fn unwell(
    context: &Context,
    connector: &Connector,
    servers: &BTreeMap<ServerName, Vec<Probe>>,
    before: &BTreeMap<ServerName, Health>,
) -> anyhow::Result<BTreeMap<ServerName, Vec<String>>> {
    let inventory = context.inventory()?;
    let limit = inventory.settings.health_timeout;
    let asking = Asking {
        parallel: inventory.settings.parallel,
        patience: None,
        keep: None,
        on_bytes: None,
    };
    let mut asked: BTreeSet<&ServerName> = servers.keys().collect();
    let mut found = BTreeMap::new();
    for round in 0..LOOKS {
        if asked.is_empty() {
            break;
        }
        if round > 0 {
            tokio::time::sleep(BETWEEN).await;
        }
        found = BTreeMap::new();
        let entries = asked.iter().filter_map(|name| inventory.servers.get(*name));
        let entries: Vec<&Server> = entries.collect();
        let progress = context.ui.progress(entries.len());
        for server in &entries {
            progress.state(server.name.as_str(), "looking whether it is well");
        }
        let looks = look::look(context, connector, &entries, limit, |look| {
            progress.end(look.server.as_str());
        })
        .await?;
        look::record(context, &looks)?;
        for look in &looks {
            let seen = &look.observation;
            let was_well = before.get(&look.server) == Some(&Health::Online);
            let well =
                seen.health == Health::Online || (seen.health == Health::Degraded && !was_well);
            if !well {
                let word = seen.health.word();
                let reasons = match &seen.reasons[..] {
                    [] => vec![word.to_owned()],
                    some => some.iter().map(|why| format!("{word}: {why}")).collect(),
                };
                found.insert(look.server.clone(), reasons);
            }
        }
        let questions = entries.iter().filter_map(|server| {
            let probes = servers
                .get(&server.name)
                .filter(|probes| !probes.is_empty())?;
            (!found.contains_key(&server.name)).then(|| ((*server).clone(), probe_script(probes)))
        });
        let answers = asking.clone().all(connector, questions).await;
        for (server, answer) in answers {
            let reasons: Vec<String> = match answer {
                Ok(answer) => {
                    let lines = answer.lines.iter();
                    lines
                        .filter_map(|line| line.strip_prefix("@why ").map(str::to_owned))
                        .collect()
                }
                Err(error) => vec![error.to_string()],
            };
            if !reasons.is_empty() {
                found.insert(server, reasons);
            }
        }
        asked.retain(|name| found.contains_key(*name));
    }
    Ok(found)
}

impl Run<'_> {
    /// Changes the servers as task number `task`, records and shows how each came out.
    pub(super) fn change(
        &self,
        context: &Context,
        task: i64,
        mut jobs: Jobs<'_>,
    ) -> anyhow::Result<Rolled> {
        let mut rolled = Rolled {
            reports: Vec::new(),
            halt: None,
        };
        let order = order(&jobs);
        if order.is_empty() {
            return Ok(rolled);
        }
        let only = jobs.only.clone();
        if self.on_record {
            let course = self.course(&order, &only);
            context
                .state()?
                .write(|write| write.record_course(task, &course))?;
        }
        let all = order.len();
        let waves = self.rollout.waves(context, order)?;
        let of = waves.len();
        let mut toll = self.rollout.toll(all, of > 1);
        let before = if of > 1 {
            known_health(context)?
        } else {
            BTreeMap::new()
        };
        let stop = context.block_on(async { context.interrupts() })??;
        if of > 1 && self.expected.is_some() {
            // Not even the first wave begins when a plan does not fit on a server of the last.
            let stale = self.stale(context, &waves.concat(), &only, &stop)?;
            if !stale.is_empty() {
                let mut recorder = Recorder::new(self, context, task, &jobs, &mut toll);
                for report in &stale {
                    recorder.done(report);
                }
                recorder.end()?;
                rolled.reports = stale;
                return Ok(rolled);
            }
        }
        let purpose = self.purpose(context, task)?;
        for (index, names) in waves.iter().enumerate() {
            let wave = index + 1;
            let share = match index {
                0 => jobs.take(names),
                // What is recorded may have changed meanwhile.
                _ if self.on_record => again(context, names, &only)?,
                _ => jobs.take(names),
            };
            if of > 1 {
                let servers = format::count(names.len(), "server");
                context
                    .ui
                    .note(&format!("wave {wave} of {of}: {} ({servers})", fold(names)));
            }
            let halt = toll.watch();
            let mut recorder = Recorder::new(self, context, task, &share, &mut toll);
            let done = self.run(
                context,
                share.jobs,
                purpose.clone(),
                &mut recorder,
                (&stop, &halt),
            )?;
            recorder.end()?;
            let numbered = done.into_iter().map(|report| ServerReport {
                wave: if of > 1 { wave } else { 0 },
                ..report
            });
            let first = rolled.reports.len();
            rolled.reports.extend(numbered);
            rolled.halt = if toll.is_too_much() && (wave < of || rolled.left_some()) {
                Some(toll.halt(wave, of))
            } else if wave == of {
                None
            } else if *stop.borrow() > 0 {
                Some(Halt::interrupted(wave, of))
            } else {
                let probes = changed(&rolled.reports[first..]);
                let rollout = &self.rollout;
                if rollout.settle(context, &probes, &before, &stop, &mut toll)? {
                    rolled.note(context, task, &toll)?;
                    toll.is_too_much().then(|| toll.halt(wave, of))
                } else {
                    Some(Halt::interrupted(wave, of))
                }
            };
            if rolled.halt.is_some() {
                let rest: Vec<&ServerName> = waves[wave..].iter().flatten().collect();
                rolled.leave(self, context, task, &rest, &only, &mut toll)?;
                break;
            }
        }
        Ok(rolled)
    }

    /// Looks at servers, and returns the reports of those where the expected plan does not fit any more.
    fn stale(
        &self,
        context: &Context,
        names: &[ServerName],
        only: &Only,
        stop: &watch::Receiver<u32>,
    ) -> anyhow::Result<Vec<ServerReport>> {
        let jobs = again(context, names, only)?.jobs;
        let mut watcher = Watcher::new(context, jobs.len());
        let (_halt, halt) = watch::channel(false);
        let look = Purpose::Look { contents: false };
        let mut reports = self.run(context, jobs, look, &mut watcher, (stop, &halt))?;
        reports.retain(|report| report.outcome == Outcome::Stale);
        Ok(reports)
    }

    fn course(&self, order: &[ServerName], only: &Only) -> Course {
        Course {
            servers: order.to_vec(),
            resources: only.names(),
            force: self.flags.force,
            adopt: self.flags.adopt,
            waves: self.rollout.waves.clone(),
            max_failures: self.rollout.max_failures,
            wave_pause_ms: u64::try_from(self.rollout.pause.as_millis()).unwrap_or(u64::MAX),
            away_fails: self.rollout.away_fails,
            script: None,
            reviewed: self
                .expected
                .as_ref()
                .map(|reviewing| reviewing.plan.clone()),
        }
    }
}

/// The servers of the jobs: those first that have something recorded which is not carried out yet, since a wave in which
/// nothing changes proves nothing; by name in each half.
fn order(jobs: &Jobs<'_>) -> Vec<ServerName> {
    let mut order: Vec<ServerName> = jobs
        .jobs
        .iter()
        .map(|job| job.server.name.clone())
        .collect();
    let is_due = |server: &ServerName| {
        jobs.resources.get(server).is_some_and(|resources| {
            resources
                .iter()
                .flat_map(|resource| &resource.placements)
                .any(|placement| {
                    placement.server == *server && placement.status != PlacementStatus::Applied
                })
        })
    };
    order.sort_by_cached_key(|server| (!is_due(server), server.clone()));
    order
}

/// The servers that were changed, with the requests that they should answer.
fn changed(reports: &[ServerReport]) -> BTreeMap<ServerName, Vec<Probe>> {
    let changed = reports.iter().filter(|report| !report.done.is_empty());
    changed
        .map(|report| (report.server.clone(), report.probes.clone()))
        .collect()
}

/// The health of all servers as it was last seen.
pub(super) fn known_health(context: &Context) -> anyhow::Result<BTreeMap<ServerName, Health>> {
    let records = context.state()?.read(Read::servers)?.into_iter();
    Ok(records
        .filter_map(|(name, record)| Some((name, record.health?)))
        .collect())
}

/// The jobs of these servers by what is recorded now.
pub(super) fn again<'c>(
    context: &'c Context,
    names: &[ServerName],
    only: &Only,
) -> anyhow::Result<Jobs<'c>> {
    let all = &context.inventory()?.servers;
    let servers: Vec<&Server> = names.iter().filter_map(|name| all.get(name)).collect();
    context
        .state()?
        .read(|read| only.jobs(context, read, &servers))
}
