//! Carrying out what was recorded: the servers are changed, each outcome is recorded as it arrives, and shown.

use std::collections::{BTreeMap, BTreeSet};
use std::slice;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::SignedDuration;
use serde_json::{Value, json};
use tokio::sync::watch;

use super::Ending;
use super::agree::agree;
use super::flags::Flags;
use super::foreign;
use super::jobs::{Jobs, There, expecting};
use super::only::Only;
use super::outcome;
use super::plan_file::Reviewing;
use super::rollout::{Rollout, Toll, again};
use crate::apply::{self, Event, Job, Observer, Outcome, Purpose, Request, ServerReport, Work};
use crate::context::{Context, interrupted};
use crate::diagnostic::{Class, Diagnostic};
use crate::model::{Resource, ServerName, TaskOutcome};
use crate::plan::trash::leaving;
use crate::plan::{Action, ServerPlan};
use crate::state::{Comparison, Mark, Read, State, Write};
use crate::ui::{Progress, format, plan};

mod watcher;

pub(super) use watcher::Watcher;

/// How long the trash of a server is kept: `expire` of plan/prelude.sh.
const KEPT: SignedDuration = SignedDuration::from_hours(30 * 24);

/// How a run goes over its servers.
pub(super) struct Run<'a> {
    /// The verb, for the record and for those who wait for a lock.
    pub(super) command: &'a str,
    pub(super) flags: &'a Flags,
    /// Servers at the same time.
    pub(super) parallel: usize,
    /// Change nothing unless every server can be changed.
    pub(super) require_all: bool,
    /// Whether it is put on record what was applied, so that it is taken away when it is no longer wanted.
    pub(super) on_record: bool,
    /// In which waves, and when it stops.
    pub(super) rollout: Rollout,
    /// The plans that are to be made, and no others.
    pub(super) expected: Option<Reviewing>,
}

impl<'a> Run<'a> {
    /// The usual run.
    pub(super) fn new(
        context: &Context,
        command: &'a str,
        flags: &'a Flags,
    ) -> anyhow::Result<Self> {
        let settings = &context.inventory()?.settings;
        Ok(Self {
            command,
            flags,
            parallel: settings.parallel,
            require_all: false,
            on_record: true,
            rollout: Rollout::new(&flags.in_waves, settings),
            expected: None,
        })
    }

    /// Whether a sweep may finish, alone, what is left on servers that are away. Not what was to happen on all servers or
    /// on none, nor by a plan that was reviewed: what is recorded by then may be something else.
    fn may_be_finished(&self) -> bool {
        !self.require_all && self.expected.is_none()
    }

    /// Looks at the servers and shows what would change. `extra` is added to the JSON value.
    pub(super) fn preview(
        &self,
        context: &Context,
        jobs: Jobs<'_>,
        diffs: bool,
        extra: Value,
    ) -> anyhow::Result<Vec<ServerReport>> {
        let reports = self.look(context, jobs, diffs)?;
        Self::show(context, &reports, diffs, extra)?;
        Ok(reports)
    }

    /// Looks at the servers.
    pub(super) fn look(
        &self,
        context: &Context,
        jobs: Jobs<'_>,
        diffs: bool,
    ) -> anyhow::Result<Vec<ServerReport>> {
        let purpose = Purpose::Look { contents: diffs };
        let mut watcher = Watcher::new(context, jobs.jobs.len());
        let stop = context.block_on(async { context.interrupts() })??;
        let (_halt, halt) = watch::channel(false);
        let whole = jobs.whole;
        let reports = self.run(context, jobs.jobs, purpose, &mut watcher, (&stop, &halt))?;
        drop(watcher);
        if whole {
            compared(context, &reports);
        }
        Ok(reports)
    }

    /// Shows what would change. `extra` is added to the JSON value.
    pub(super) fn show(
        context: &Context,
        reports: &[ServerReport],
        diffs: bool,
        extra: Value,
    ) -> anyhow::Result<()> {
        let mut value = extra;
        value["servers"] = reports.iter().map(preview_json).collect();
        context.ui.show(&value, |page| {
            for report in reports {
                if report.error.is_none() && !report.plan.is_empty() {
                    let contents = diffs.then(|| texts(report));
                    plan::server(page, &report.server, &report.plan, contents.as_ref());
                }
            }
        })?;
        if !context.globals.wants_json() {
            for report in reports {
                for id in &report.unfinished {
                    context.ui.warn(&format!(
                        "`{}`: transaction {id} of an earlier run is half done; the next apply rolls it back first",
                        report.server
                    ));
                }
                if let Some(error) = &report.error {
                    context.ui.problem(error);
                }
                for sentence in outcome::left_out(report) {
                    context.ui.warn(&sentence);
                }
                for sentence in outcome::adopted(report) {
                    context.ui.note(&sentence);
                }
            }
            let plans = reports
                .iter()
                .filter(|r| r.error.is_none())
                .map(|r| &r.plan);
            // That of a single server stands above its changes.
            if diffs || reports.len() != 1 || reports[0].plan.is_empty() {
                let mut summary = plan::summary(plans);
                if reports.iter().any(|report| report.error.is_some()) {
                    summary.push_str(", as far as the servers could be asked");
                }
                context.ui.note(&summary);
            }
        }
        Ok(())
    }

    /// A change as task number `task`.
    pub(super) fn purpose(&self, context: &Context, task: i64) -> anyhow::Result<Purpose> {
        let settings = &context.inventory()?.settings;
        Ok(Purpose::Change {
            task,
            owner: context.lock_owner(self.command, task).text(),
            lock_wait: self.flags.lock_wait.unwrap_or(settings.lock_wait),
            confirm: self.flags.confirm_timeout,
            retention: settings.trash_retention,
        })
    }

    /// Goes over the servers, all at once. `stop` counts the interrupts, `halt` says that no further one may be begun.
    pub(super) fn run(
        &self,
        context: &Context,
        jobs: Vec<Job<'_>>,
        purpose: Purpose,
        observer: &mut dyn Observer,
        (stop, halt): (&watch::Receiver<u32>, &watch::Receiver<bool>),
    ) -> anyhow::Result<Vec<ServerReport>> {
        if jobs.is_empty() {
            return Ok(Vec::new());
        }
        let jobs = match &self.expected {
            Some(reviewing) => expecting(jobs, &reviewing.expected),
            None => jobs,
        };
        let connector = context.connector()?;
        if self.require_all && jobs.len() > connector.at_once() {
            return Err(Diagnostic::failed(format!(
                "`--require-all` takes a connection to all {} at the same time, and this process may have {}",
                format::count(jobs.len(), "server"),
                connector.at_once()
            ))
            .hint("raise the limit of open files (`ulimit -Hn`), or choose fewer servers")
            .into());
        }
        context.block_on(async {
            let mut interrupts = stop.clone();
            let request = Request {
                purpose,
                mode: self.flags.mode(),
                parallel: self.parallel,
                require_all: self.require_all,
                exact: self.expected.is_some(),
                stop: interrupts.clone(),
                halt: halt.clone(),
            };
            let warn = async {
                let _ = interrupts.wait_for(|count| *count > 0).await;
                context.ui.warn(
                    "stopping: what runs on servers comes to its end; again to leave at once",
                );
                let _ = interrupts.wait_for(|count| *count > 1).await;
            };
            tokio::select! {
                // Said also where nothing runs any more by then.
                biased;
                () = warn => Err(interrupted()
                    .hint("`fleet apply` finds out what became of the servers, and finishes")
                    .into()),
                reports = apply::run(&connector, jobs, &request, observer) => Ok(reports),
            }
        })?
    }
}

/// What a run amounts to, for the exit code.
pub(super) fn ending(reports: &[ServerReport]) -> Ending {
    let incomplete = || reports.iter().filter(|report| !report.is_complete());
    let away = |report: &ServerReport| {
        use Outcome::{Interrupted, Stopped, Unreachable, Waiting};
        matches!(
            report.outcome,
            Unreachable | Interrupted | Stopped | Waiting
        )
    };
    if incomplete().next().is_none() {
        let is_well = reports.iter().all(|report| report.unwell.is_empty());
        if is_well {
            Ending::Done
        } else {
            Ending::With(Class::Unhealthy)
        }
    } else if incomplete().any(|report| report.outcome == Outcome::Stale) {
        Ending::With(Class::Failed)
    } else if incomplete().any(|report| report.outcome == Outcome::Reverted) {
        Ending::With(Class::Reverted)
    } else if incomplete().all(|report| report.outcome == Outcome::Locked) {
        Ending::With(Class::Locked)
    } else if reports.len() == 1 && !reports.iter().any(away) {
        Ending::With(Class::Failed)
    } else {
        Ending::With(Class::Partial)
    }
}

/// What a change amounts to that every server has made, when some of them lag behind the first all the same: said as
/// warnings.
pub(super) fn agreed(
    context: &Context,
    reports: &[ServerReport],
    ending: Ending,
) -> anyhow::Result<Ending> {
    let lagging = agree(context, reports)?;
    for problem in &lagging {
        context.ui.problem(problem);
    }
    Ok(match ending {
        Ending::Done if !lagging.is_empty() => Ending::With(Class::Partial),
        ending => ending,
    })
}

/// The reports of a change as JSON.
pub(super) fn to_json(reports: &[ServerReport]) -> Value {
    reports
        .iter()
        .map(|report| {
            let failures = report.failures.iter().map(|failure| {
                json!({
                    "resource": failure.resource.as_ref().map(ToString::to_string),
                    "reason": failure.reason,
                    "details": failure.details,
                    "undone": failure.undone,
                })
            });
            let mut value = plan::json(&report.server, &report.plan);
            value["outcome"] = report.outcome.word().into();
            value["done"] = report.done.iter().map(ToString::to_string).collect();
            value["failures"] = failures.collect();
            value["recovered"] = json!(report.recovered);
            value["error"] = json!(report.error.as_ref().map(|error| &error.message));
            value["duration_ms"] = json!(millis(report.duration));
            if !report.left_out.is_empty() {
                value["left_out"] = json!(report.left_out);
            }
            if !report.strangers.is_empty() {
                let strangers = report.strangers.iter().map(|found| {
                    json!({ "path": found.path, "owner": found.owner, "count": found.count })
                });
                value["strangers"] = strangers.collect();
            }
            if !report.notices.is_empty() {
                value["notices"] = json!(report.notices);
            }
            if report.wave > 0 {
                value["wave"] = report.wave.into();
                value["unwell"] = json!(report.unwell);
            }
            value
        })
        .collect()
}

/// Prints the errors, failures and conflicts of a change, and how it went as a whole.
pub(super) fn summary(context: &Context, reports: &[ServerReport], started: Instant) {
    if context.globals.wants_json() {
        return;
    }
    for report in reports {
        if let Some(error) = &report.error {
            context.ui.problem(error);
        }
        for failure in &report.failures {
            context.ui.problem(&outcome::failure(report, failure));
        }
        for problem in outcome::held_back(report) {
            context.ui.problem(&problem);
        }
        for sentence in outcome::left_out(report) {
            context.ui.warn(&sentence);
        }
        for (warning, hint) in outcome::strangers(report) {
            context.ui.warn(&warning);
            context.ui.hint(&hint);
        }
        for sentence in outcome::adopted(report) {
            context.ui.note(&sentence);
        }
        for notice in &report.notices {
            context
                .ui
                .warn(&format!("on `{}`: {notice}", report.server));
        }
    }
    if let Err(error) = foreign::tell(context, reports) {
        context.ui.warn(&format!("{error:#}"));
    }
    if reports.len() > 1 {
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for report in reports {
            *counts.entry(report.outcome.word()).or_default() += 1;
        }
        let counts: Vec<String> = counts
            .iter()
            .map(|(word, n)| format!("{n} {word}"))
            .collect();
        let servers = format::count(reports.len(), "server");
        let took = format::duration(started.elapsed());
        context
            .ui
            .note(&format!("{servers}: {} in {took}", counts.join(", ")));
    }
}

/// Puts on record what had drifted where it was looked. To look must be possible also where nothing can be written.
fn compared(context: &Context, reports: &[ServerReport]) {
    let at = context.now();
    let recorded = context.state().and_then(|mut state| {
        state.write(|write| {
            for report in reports {
                if let Some(drift) = outcome::drift(report) {
                    write.record_comparison(&report.server, &Comparison { at, drift })?;
                }
            }
            Ok::<_, anyhow::Error>(())
        })
    });
    if let Err(error) = recorded {
        context
            .ui
            .note(&format!("what has drifted is not remembered: {error:#}"));
    }
}

fn preview_json(report: &ServerReport) -> Value {
    let mut value = plan::json(&report.server, &report.plan);
    value["unfinished"] = json!(report.unfinished);
    value["error"] = json!(report.error.as_ref().map(|error| &error.message));
    value["duration_ms"] = json!(millis(report.duration));
    value
}

fn texts(report: &ServerReport) -> plan::Contents {
    let contents = report.contents.iter();
    contents
        .filter_map(|(path, bytes)| Some((path.clone(), String::from_utf8(bytes.clone()).ok()?)))
        .collect()
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// Follows a change and records it.
pub(super) struct Recorder<'a> {
    context: &'a Context,
    task: i64,
    on_record: bool,
    /// Whether a sweep may finish what is left on servers that are away.
    unattended: bool,
    /// Whether all of each server is looked at.
    whole: bool,
    /// What it is narrowed to.
    only: Only,
    resources: BTreeMap<ServerName, There>,
    marks: BTreeMap<ServerName, Mark>,
    progress: Progress<'a>,
    toll: &'a mut Toll,
    /// The first outcome that could not be recorded; the servers are told to the admin all the same.
    trouble: Option<Diagnostic>,
}

impl<'a> Recorder<'a> {
    /// Follows a run over these jobs.
    pub(super) fn new(
        run: &Run<'_>,
        context: &'a Context,
        task: i64,
        jobs: &Jobs<'_>,
        toll: &'a mut Toll,
    ) -> Self {
        Self {
            context,
            task,
            on_record: run.on_record,
            unattended: run.may_be_finished(),
            whole: jobs.whole,
            only: jobs.only.clone(),
            resources: jobs.resources.clone(),
            marks: jobs.marks.clone(),
            progress: context.ui.progress(jobs.jobs.len()),
            toll,
            trouble: None,
        }
    }

    /// What could not be recorded.
    pub(super) fn end(self) -> Result<(), Diagnostic> {
        self.trouble.map_or(Ok(()), Err)
    }

    fn resources(&self, server: &ServerName) -> &[Arc<Resource>] {
        self.resources
            .get(server)
            .map_or(&[][..], |resources| &**resources)
    }

    /// Records what became of a server.
    pub(super) fn put(&self, report: &ServerReport) -> Result<(), Diagnostic> {
        let unattended = self.unattended.then_some(self.task);
        let result = outcome::of(report, self.resources(&report.server), unattended);
        let entry = TaskOutcome {
            server: report.server.clone(),
            status: report.outcome.word().to_owned(),
            duration_ms: millis(report.duration),
            reason: outcome::reason(report),
            changes: report.changes_done().map(ToString::to_string).collect(),
        };
        let (task, now) = (self.task, self.context.now());
        self.record(|write| {
            if self.on_record {
                write.record_outcome(&report.server, &result, Some(task), now)?;
            }
            let made = report.done.iter().map(ToString::to_string);
            match outcome::drift(report).filter(|_| self.whole) {
                Some(drift) => {
                    let comparison = Comparison { at: now, drift };
                    write.record_comparison(&report.server, &comparison)?;
                }
                None => write.settle_drift(&report.server, made)?,
            }
            if let Some(key) = &report.login_key {
                write.remember_identity(&report.server, key)?;
            }
            write.record_task_outcome(task, &entry)
        })
    }

    fn read<T>(&self, look: impl FnOnce(&Read) -> Result<T, Diagnostic>) -> Result<T, Diagnostic> {
        self.context.state().map_err(unreadable)?.read(look)
    }

    fn record(
        &self,
        work: impl FnOnce(&Write<'_>) -> Result<(), Diagnostic>,
    ) -> Result<(), Diagnostic> {
        let mut state = self.context.state().map_err(unreadable)?;
        State::write(&mut state, work)
    }
}

fn unreadable(error: anyhow::Error) -> Diagnostic {
    error
        .downcast()
        .unwrap_or_else(|error| Diagnostic::failed(format!("{error:#}")))
}

impl Observer for Recorder<'_> {
    fn event(&mut self, server: &ServerName, event: &Event) {
        self.progress.state(server.as_str(), words(event));
    }

    fn renew(&mut self, server: &ServerName) -> Result<Option<Work>, Diagnostic> {
        if !self.on_record {
            return Ok(None);
        }
        let marks = self.read(|read| read.marks(&BTreeSet::from([server.clone()])))?;
        if marks.get(server) == self.marks.get(server) {
            return Ok(None);
        }
        let jobs = again(self.context, slice::from_ref(server), &self.only);
        let mut jobs = jobs.map_err(unreadable)?;
        self.resources.remove(server);
        self.resources.append(&mut jobs.resources);
        let work = jobs.jobs.pop().map(|job| (job.prepare)());
        // Nothing is left there of what this is about.
        Ok(Some(work.unwrap_or_else(|| Ok(Work::default()))?))
    }

    fn intend(&mut self, server: &ServerName, plan: &ServerPlan) -> Result<(), Diagnostic> {
        if !self.on_record {
            return Ok(());
        }
        let ready = plan.ready();
        let intents = ready
            .iter()
            .filter(|change| change.action != Action::Delete && change.is_recorded())
            .map(|change| (&change.key, &change.after, change.owners.as_slice()));
        // Whichever task recorded that it goes: it is in the trash of this one.
        let trashed = leaving(plan);
        let resources = self.resources(server).iter();
        let trashed = resources.filter(|resource| trashed.contains(&resource.name));
        let (task, now) = (self.task, self.context.now());
        self.record(|write| {
            // First what earlier intents have come to, since these take their place.
            write.record_outcome(server, &outcome::before(plan), Some(task), now)?;
            for resource in trashed {
                write.record_removal(resource.id, server, task)?;
            }
            write.record_intent(server, intents, Some(task), now)
        })
    }

    fn done(&mut self, report: &ServerReport) {
        if let Err(error) = self.put(report) {
            self.trouble.get_or_insert(error);
        }
        self.toll.count(report);
        if report.outcome == Outcome::Stopped && !report.sent && self.toll.is_too_much() {
            // Those that were never begun are told together.
            self.progress.end(report.server.as_str());
            return;
        }
        let resources = self.resources(&report.server);
        let (mark, text) = outcome::line(report, resources);
        self.progress
            .done(report.server.as_str(), mark, &text, report.duration);
        let ui = &self.context.ui;
        if self.context.globals.verbose > 0 {
            ui.live(|page| plan::done(page, report.changes_done()));
        }
        let kept = outcome::in_trash(report, self.task);
        if !kept.is_empty() {
            let now = self.context.now();
            let until = format::day(now.saturating_add(KEPT).unwrap_or(now));
            let kept = kept.join(", ");
            ui.note(&format!(
                "kept on `{}` until {until}: {kept}",
                report.server
            ));
        }
    }
}

fn words(event: &Event) -> &str {
    match event {
        Event::Connecting => "connecting",
        Event::Step(step) => step,
    }
}

#[cfg(test)]
mod tests;
