//! Queries of `tasks` and `task_outcomes`: who ran what, and how it ended.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rusqlite::{Row, params};

use super::rows::{self, count, json, json_if_any, millis, time, time_if_any, to_json};
use super::{Read, Write};
use crate::diagnostic::Diagnostic;
use crate::model::{Course, Task, TaskOutcome};

/// A command that begins.
#[derive(Clone, Debug)]
pub struct NewTask<'a> {
    /// The verb: `add-site`.
    pub command: &'a str,
    /// The arguments, secrets already masked.
    pub arguments: &'a [String],
    /// `FLEET_OPERATOR`, else the local user's name.
    pub operator: &'a str,
    /// Name of this machine.
    pub host: &'a str,
    /// Number of this process.
    pub process: u32,
}

impl Read {
    /// The newest `limit` tasks with their outcomes, newest first.
    pub fn tasks(&self, limit: u32) -> Result<Vec<Task>, Diagnostic> {
        let mut tasks = self.all(
            "SELECT id, command, arguments, operator, host, started_at, ended_at, exit_code, process,
                    retry_of, course
             FROM tasks ORDER BY id DESC LIMIT $1",
            params![limit],
            task,
        )?;
        let Some(oldest) = tasks.last().map(|task| task.id) else {
            return Ok(tasks);
        };
        let mut outcomes: BTreeMap<i64, Vec<TaskOutcome>> = BTreeMap::new();
        self.each(
            "SELECT server, status, duration_ms, reason, changes, task_id
             FROM task_outcomes WHERE task_id >= $1 ORDER BY task_id, position",
            params![oldest],
            |row| {
                let of_task = outcomes.entry(row.get(5)?).or_default();
                of_task.push(outcome(row)?);
                Ok(())
            },
        )?;
        for task in &mut tasks {
            task.outcomes = outcomes.remove(&task.id).unwrap_or_default();
        }
        Ok(tasks)
    }

    /// One task with its outcomes.
    pub fn task(&self, id: i64) -> Result<Option<Task>, Diagnostic> {
        let found = self.first(
            "SELECT id, command, arguments, operator, host, started_at, ended_at, exit_code, process,
                    retry_of, course
             FROM tasks WHERE id = $1",
            params![id],
            task,
        )?;
        let Some(mut task) = found else {
            return Ok(None);
        };
        task.outcomes = self.all(
            "SELECT server, status, duration_ms, reason, changes
             FROM task_outcomes WHERE task_id = $1 ORDER BY position",
            params![id],
            outcome,
        )?;
        Ok(Some(task))
    }
}

impl Write<'_> {
    /// Records that a command begins; returns the task's number. One that is killed never ends. What this transaction
    /// changes from here on is noted as its work.
    pub fn begin_task(&self, new: &NewTask<'_>, now: Timestamp) -> Result<i64, Diagnostic> {
        let arguments = to_json(new.arguments).map_err(|e| self.explain(&e))?;
        let id = self.first(
            "INSERT INTO tasks (command, arguments, operator, host, process, started_at)
             VALUES ($1, $2, $3, $4, $5, $6) RETURNING id",
            params![
                new.command,
                arguments,
                new.operator,
                new.host,
                new.process,
                millis(now)
            ],
            |row| row.get(0),
        )?;
        let id = id.ok_or_else(|| Diagnostic::failed("the task was not recorded"))?;
        self.in_task(id);
        Ok(id)
    }

    /// Records how a task goes over its servers.
    pub fn record_course(&self, task: i64, course: &Course) -> Result<(), Diagnostic> {
        let course = to_json(course).map_err(|e| self.explain(&e))?;
        self.change(
            "UPDATE tasks SET course = $1 WHERE id = $2",
            params![course, task],
        )?;
        Ok(())
    }

    /// Records that a task does again what another did not finish.
    pub fn record_retry(&self, task: i64, of: i64) -> Result<(), Diagnostic> {
        self.change(
            "UPDATE tasks SET retry_of = $1 WHERE id = $2",
            params![of, task],
        )?;
        Ok(())
    }

    /// Records what a task did on one server.
    pub fn record_task_outcome(&self, task: i64, outcome: &TaskOutcome) -> Result<(), Diagnostic> {
        let changes = to_json(&outcome.changes).map_err(|e| self.explain(&e))?;
        let duration = i64::try_from(outcome.duration_ms).unwrap_or(i64::MAX);
        self.change(
            "INSERT INTO task_outcomes
                 (task_id, position, server, status, duration_ms, reason, changes)
             SELECT $1, COALESCE(MAX(position), 0) + 1, $2, $3, $4, $5, $6
             FROM task_outcomes WHERE task_id = $1",
            params![
                task,
                outcome.server.as_str(),
                outcome.status,
                duration,
                outcome.reason,
                changes
            ],
        )?;
        Ok(())
    }

    /// Records that a command ended.
    pub fn end_task(&self, task: i64, exit_code: u8, now: Timestamp) -> Result<(), Diagnostic> {
        self.change(
            "UPDATE tasks SET ended_at = $1, exit_code = $2 WHERE id = $3",
            params![millis(now), exit_code, task],
        )?;
        Ok(())
    }
}

fn task(row: &Row<'_>) -> rusqlite::Result<Task> {
    Ok(Task {
        id: row.get(0)?,
        command: row.get(1)?,
        arguments: json(row, 2)?,
        operator: row.get(3)?,
        host: row.get(4)?,
        started_at: time(row, 5)?,
        ended_at: time_if_any(row, 6)?,
        exit_code: row.get(7)?,
        process: row.get(8)?,
        retry_of: row.get(9)?,
        course: json_if_any(row, 10)?,
        outcomes: Vec::new(),
    })
}

fn outcome(row: &Row<'_>) -> rusqlite::Result<TaskOutcome> {
    Ok(TaskOutcome {
        server: rows::server(row, 0)?,
        status: row.get(1)?,
        duration_ms: count(row, 2)?,
        reason: row.get(3)?,
        changes: json(row, 4)?,
    })
}
