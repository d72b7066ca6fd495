//! What became of a run over servers, in waves or not: why it stopped, and what is left.

use serde_json::{Value, json};

use super::Ending;
use super::carry_out::{Recorder, Run, agreed, ending};
use super::jobs::Jobs;
use super::only::Only;
use super::rollout::{Toll, again};
use crate::apply::{Outcome, ServerReport};
use crate::context::Context;
use crate::diagnostic::{Class, Diagnostic};
use crate::model::fold::fold;
use crate::model::{ServerName, TaskOutcome};
use crate::state::Write;
use crate::ui::format;

/// What became of a run over servers.
pub(super) struct Rolled {
    /// What became of each server, in the order they were begun.
    pub(super) reports: Vec<ServerReport>,
    /// Why not all of them were begun.
    pub(super) halt: Option<Halt>,
}

/// Why a run stopped before every server was begun.
pub(super) struct Halt {
    /// The wave after which it stopped, from 1.
    pub(super) wave: usize,
    /// How many there are.
    pub(super) of: usize,
    /// `sg-1 failed`.
    pub(super) reason: String,
    /// Lines on what was the matter with servers.
    pub(super) details: Vec<String>,
}

impl Halt {
    /// Stopped by whoever runs it.
    pub(super) fn interrupted(wave: usize, of: usize) -> Self {
        Self {
            wave,
            of,
            reason: "interrupted".to_owned(),
            details: Vec::new(),
        }
    }

    /// As JSON.
    pub(super) fn to_json(&self) -> Value {
        json!({
            "wave": self.wave,
            "of": self.of,
            "reason": self.reason,
            "details": self.details,
        })
    }

    /// `stopped after wave 1 of 3: sg-1 failed`.
    pub(super) fn sentence(&self) -> String {
        if self.of > 1 {
            format!(
                "stopped after wave {} of {}: {}",
                self.wave, self.of, self.reason
            )
        } else {
            format!("stopped: {}", self.reason)
        }
    }
}

impl Rolled {
    /// Whether a server was not begun.
    pub(super) fn left_some(&self) -> bool {
        self.reports.iter().any(|report| !was_begun(report))
    }

    /// Notes and records which servers were not well after their wave: they are not done, so that a retry begins with
    /// them.
    pub(super) fn note(&mut self, context: &Context, task: i64, toll: &Toll) -> anyhow::Result<()> {
        for report in &mut self.reports {
            let Some(reasons) = toll.unwell.get(&report.server) else {
                continue;
            };
            if report.unwell == *reasons {
                continue;
            }
            report.unwell.clone_from(reasons);
            let outcome = TaskOutcome {
                server: report.server.clone(),
                status: "unwell".to_owned(),
                duration_ms: 0,
                reason: Some(reasons.join("; ")),
                changes: Vec::new(),
            };
            context
                .state()?
                .write(|write| write.record_task_outcome(task, &outcome))?;
        }
        Ok(())
    }

    /// Records that these servers were not begun, since the run was halted.
    pub(super) fn leave(
        &mut self,
        run: &Run<'_>,
        context: &Context,
        task: i64,
        rest: &[&ServerName],
        only: &Only,
        toll: &mut Toll,
    ) -> anyhow::Result<()> {
        let names: Vec<ServerName> = rest.iter().map(|name| (*name).clone()).collect();
        let jobs = if run.on_record && !names.is_empty() {
            again(context, &names, only)?
        } else {
            Jobs::default()
        };
        let recorder = Recorder::new(run, context, task, &jobs, toll);
        for name in names {
            let mut report = ServerReport::new(name);
            report.outcome = Outcome::Waiting;
            recorder.put(&report)?;
            self.reports.push(report);
        }
        if run.on_record {
            // Nor is it to come, unattended, to those that were away.
            let leave = |write: &Write<'_>| write.leave_to_admin(task);
            context.state()?.write(leave)?;
        }
        Ok(())
    }

    /// What it amounts to, for the exit code. Servers that were not begun have nothing to agree with yet.
    pub(super) fn ending(&self, context: &Context) -> anyhow::Result<Ending> {
        let ending = ending(&self.reports);
        match self.halt {
            Some(_) => Ok(ending),
            None => agreed(context, &self.reports, ending),
        }
    }

    /// Says why it stopped, what is done, what failed and what was not begun; `goes_on` says what to type.
    pub(super) fn tell(&self, context: &Context, goes_on: Option<&str>) {
        let Some(halt) = &self.halt else { return };
        if context.globals.wants_json() {
            return;
        }
        let names = |test: &dyn Fn(&ServerReport) -> bool| {
            let such = self.reports.iter().filter(|report| test(report));
            such.map(|report| &report.server).collect::<Vec<_>>()
        };
        let away = |report: &ServerReport| {
            matches!(report.outcome, Outcome::Unreachable | Outcome::Locked)
        };
        let groups: [(&str, Vec<&ServerName>); 4] = [
            ("done", names(&ServerReport::is_complete)),
            (
                "failed",
                names(&|r| was_begun(r) && !r.is_complete() && !away(r)),
            ),
            ("away", names(&away)),
            ("not begun", names(&|report| !was_begun(report))),
        ];
        let mut error = Diagnostic::new(Class::Partial, halt.sentence());
        for (word, servers) in groups.iter().filter(|(_, servers)| !servers.is_empty()) {
            let count = format::count(servers.len(), "server");
            let line = format!("{word}: {} ({count})", fold(servers.iter().copied()));
            error = error.detail(line);
        }
        error.details.extend(halt.details.iter().cloned());
        if let Some(line) = goes_on {
            error = error.hint(line);
        }
        context.ui.problem(&error);
    }

    /// Adds to a JSON value why it stopped.
    pub(super) fn add_to(&self, value: &mut Value) {
        if let Some(halt) = &self.halt {
            value["stopped"] = halt.to_json();
        }
    }
}

/// The line that tells how to go on with task number `task`.
pub(super) fn goes_on(task: i64) -> String {
    format!("`fleet retry {task}` goes on with the servers that failed or were not begun")
}

fn was_begun(report: &ServerReport) -> bool {
    let stopped = report.outcome == Outcome::Stopped && !report.sent;
    report.outcome != Outcome::Waiting && !stopped
}
