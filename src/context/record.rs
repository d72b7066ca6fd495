//! The record of a command that changes something: a task in the state database, from its beginning to its end.

use std::time::{Duration, Instant};

use jiff::SignedDuration;

use super::Context;
use super::masking::masked;
use crate::diagnostic::{Class, Diagnostic, Diagnostics, Ending};
use crate::inventory::InventorySettings;
use crate::model::{ServerName, TaskOutcome};
use crate::plan::lock::Owner;
use crate::shell::quote;
use crate::state::{NewTask, Write};

/// A task that runs.
pub struct Record<'a> {
    context: &'a Context,
    id: i64,
    started: Instant,
}

impl Context {
    /// Records that the command `command` begins to change something; returns the number of its task.
    pub fn begin_task(&self, command: &str, write: &Write<'_>) -> Result<i64, Diagnostic> {
        let mut arguments = self.arguments();
        for argument in &mut arguments {
            *argument = masked(argument);
        }
        // The verb has a column of its own; global flags may stand before it.
        if let Some(verb) = arguments.iter().position(|word| word == command) {
            arguments.remove(verb);
        }
        let new = NewTask {
            command,
            arguments: &arguments,
            operator: &self.operator(),
            host: &self.host(),
            process: std::process::id(),
        };
        write.begin_task(&new, self.now())
    }

    /// What the lock of a server says of this run.
    pub fn lock_owner(&self, command: &str, task: i64) -> Owner {
        let arguments = self.arguments();
        let mut words: Vec<String> = arguments.iter().map(|word| masked(word)).collect();
        if !words.iter().any(|word| word == command) {
            words.insert(0, command.to_owned());
        }
        words.insert(0, "fleet".to_owned());
        let words: Vec<String> = words.iter().map(|word| quote(word)).collect();
        Owner {
            operator: self.operator(),
            host: self.host(),
            process: std::process::id(),
            task,
            command: words.join(" "),
        }
    }

    /// Records how a task ended. What was done is done: that its end is not on the record must not make it a
    /// failure, and is only told.
    pub fn end_task(&self, id: i64, outcome: &anyhow::Result<Ending>) {
        let exit_code = match outcome {
            Ok(ending) => ending.exit_code(),
            Err(error) => class_of(error).exit_code(),
        };
        let record = || -> anyhow::Result<()> {
            let mut state = self.state()?;
            let grace = self.trash_retention();
            state.write(|write| {
                write.end_task(id, exit_code, self.now())?;
                write.clear_unused_secrets(grace, self.now()).map(drop)
            })?;
            Ok(())
        };
        if let Err(error) = record() {
            self.ui
                .warn(&format!("the end of task {id} was not recorded: {error:#}"));
        }
    }

    /// How long what was removed can be put back.
    pub fn trash_retention(&self) -> SignedDuration {
        let inventory = self.inventory.get().and_then(Option::as_ref);
        let retention = inventory.map_or_else(
            || InventorySettings::default().trash_retention,
            |inventory| inventory.settings.trash_retention,
        );
        retention.try_into().unwrap_or(SignedDuration::MAX)
    }

    /// Runs `work` as the task of the command `command`: recorded before it begins, and again with its exit code.
    ///
    /// Call it when the arguments are checked, so that only what is really tried is on the record.
    pub fn record(
        &self,
        command: &str,
        work: impl FnOnce(&Record<'_>) -> anyhow::Result<Ending>,
    ) -> anyhow::Result<Ending> {
        let id = self
            .state()?
            .write(|write| self.begin_task(command, write))?;
        let record = Record {
            context: self,
            id,
            started: Instant::now(),
        };
        let outcome = work(&record);
        self.end_task(id, &outcome);
        outcome
    }
}

impl Record<'_> {
    /// The task's number.
    pub fn id(&self) -> i64 {
        self.id
    }

    /// Time since the task began.
    pub fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// Records what the task did on one server; `status` is one of those of [`TaskOutcome`].
    pub fn outcome(
        &self,
        server: &ServerName,
        status: &str,
        reason: Option<String>,
        changes: Vec<String>,
    ) -> Result<(), Diagnostic> {
        let outcome = TaskOutcome {
            server: server.clone(),
            status: status.to_owned(),
            duration_ms: u64::try_from(self.elapsed().as_millis()).unwrap_or(u64::MAX),
            reason,
            changes,
        };
        let mut state = self
            .context
            .state()
            .map_err(|e| Diagnostic::failed(e.to_string()))?;
        state.write(|write| write.record_task_outcome(self.id, &outcome))
    }
}

/// The class of an error; what is no diagnostic has failed.
fn class_of(error: &anyhow::Error) -> Class {
    if let Some(diagnostics) = error.downcast_ref::<Diagnostics>() {
        diagnostics.class()
    } else if let Some(diagnostic) = error.downcast_ref::<Diagnostic>() {
        diagnostic.class
    } else {
        Class::Failed
    }
}
