//! Queries of `task_changes`: what each task changed of what should be, before and after, so that it can be put back.

use rusqlite::params;

use super::rows::{json_if_any, text, to_json};
use super::{Read, Write};
use crate::diagnostic::Diagnostic;
use crate::model::{ResourceName, Snapshot, TaskChange};

impl Read {
    /// What a task changed, in order of kind and name.
    pub fn task_changes(&self, task: i64) -> Result<Vec<TaskChange>, Diagnostic> {
        self.all(
            "SELECT task_changes.resource_id, resources.kind, resources.name,
                    task_changes.before_task, task_changes.after_task
             FROM task_changes JOIN resources ON resources.id = task_changes.resource_id
             WHERE task_changes.task_id = $1
             ORDER BY resources.kind, resources.name, resources.id",
            params![task],
            |row| {
                Ok(TaskChange {
                    resource_id: row.get(0)?,
                    name: ResourceName::new(text(row, 1)?, text(row, 2)?),
                    before: json_if_any(row, 3)?,
                    after: json_if_any(row, 4)?,
                })
            },
        )
    }

    /// The tasks after `task` that changed a resource of that name, oldest first, each with its command.
    pub fn later_changes(
        &self,
        task: i64,
        name: &ResourceName,
    ) -> Result<Vec<(i64, String)>, Diagnostic> {
        self.all(
            "SELECT DISTINCT tasks.id, tasks.command
             FROM task_changes
             JOIN resources ON resources.id = task_changes.resource_id
             JOIN tasks ON tasks.id = task_changes.task_id
             WHERE task_changes.task_id > $1 AND resources.kind = $2 AND resources.name = $3
             ORDER BY tasks.id",
            params![task, name.kind, name.name],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
    }

    /// The task that recorded last that a resource should no longer exist.
    pub fn removed_by(&self, resource: i64) -> Result<Option<i64>, Diagnostic> {
        self.first(
            "SELECT MAX(task_id) FROM task_changes WHERE resource_id = $1 AND after_task IS NULL",
            params![resource],
            |row| row.get(0),
        )
        .map(Option::flatten)
    }

    fn snapshot(&self, resource: i64) -> Result<Option<Snapshot>, Diagnostic> {
        let found = self.resource(resource)?;
        let there = found.filter(|resource| resource.removed_at.is_none());
        Ok(there.as_ref().map(Snapshot::of))
    }
}

impl Write<'_> {
    /// The task whose work this is.
    pub fn task_here(&self) -> Option<i64> {
        self.task.get()
    }

    /// Makes what is changed from here on the work of a task that has begun.
    pub fn in_task(&self, task: i64) {
        self.task.set(Some(task));
    }

    /// Changes a resource with `work`, and notes what it was before and is after for the task that does it.
    pub(super) fn noting<T>(
        &self,
        resource: i64,
        work: impl FnOnce() -> Result<T, Diagnostic>,
    ) -> Result<T, Diagnostic> {
        let Some(task) = self.task.get() else {
            return work();
        };
        let before = self.snapshot(resource)?;
        let result = work()?;
        let after = self.snapshot(resource)?;
        let stored = |snapshot: Option<Snapshot>| {
            let text = snapshot.as_ref().map(to_json).transpose();
            text.map_err(|error| self.explain(&error))
        };
        // A second change of the same task leaves what was before the first.
        self.change(
            "INSERT INTO task_changes (task_id, resource_id, before_task, after_task)
             VALUES ($1, $2, $3, $4)
             ON CONFLICT (task_id, resource_id) DO UPDATE SET after_task = excluded.after_task",
            params![task, resource, stored(before)?, stored(after)?],
        )?;
        Ok(result)
    }

    /// Notes that a task has added a resource.
    pub(super) fn note_added(&self, resource: i64) -> Result<(), Diagnostic> {
        let Some(task) = self.task.get() else {
            return Ok(());
        };
        let after = self.snapshot(resource)?;
        let after = after.as_ref().map(to_json).transpose();
        let after = after.map_err(|error| self.explain(&error))?;
        self.change(
            "INSERT INTO task_changes (task_id, resource_id, after_task) VALUES ($1, $2, $3)
             ON CONFLICT (task_id, resource_id) DO UPDATE SET after_task = excluded.after_task",
            params![task, resource, after],
        )?;
        Ok(())
    }

    /// Forgets what a task changed, since it was taken back.
    pub fn forget_change(&self, task: i64, resource: i64) -> Result<(), Diagnostic> {
        self.change(
            "DELETE FROM task_changes WHERE task_id = $1 AND resource_id = $2",
            params![task, resource],
        )?;
        Ok(())
    }
}
