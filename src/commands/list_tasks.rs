//! `fleet list-tasks`: who changed what, and how it ended; the newest first.

use std::time::Duration;

use clap::Args;
use serde_json::{Value, json};

use super::{Ending, Example, Group, Verb};
use crate::context::Context;
use crate::diagnostic::Class;
use crate::model::Task;
use crate::ui::{Cell, Table, Tone, format};

/// Lists tasks.
#[derive(Args, Debug)]
pub struct ListTasks {
    /// How many, counted from the newest
    #[arg(short = 'n', long, value_name = "NUMBER", default_value_t = 20,
          value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,
}

impl Verb for ListTasks {
    const NAME: &'static str = "list-tasks";
    const ABOUT: &'static str = "List what was done, by whom, and how it ended";
    const GROUP: Group = Group::Tasks;
    const EXAMPLES: &'static [Example] = &[
        ("fleet list-tasks -n 100", ""),
        (
            "fleet list-tasks --json | jq '.tasks[] | select(.result != \"done\")'",
            "Those that did not end well",
        ),
    ];

    fn run(self, context: &Context) -> anyhow::Result<Ending> {
        let tasks = match context.state_to_read()? {
            Some(state) => state.read(|read| read.tasks(self.limit))?,
            None => Vec::new(),
        };
        let now = context.now();
        let host = context.host();
        let values: Vec<Value> = tasks.iter().map(|task| to_json(task, &host)).collect();
        context.ui.show(&json!({ "tasks": values }), |page| {
            if tasks.is_empty() {
                return;
            }
            let mut table = Table::new()
                .number("task")
                .column("started")
                .column("result")
                .number("took")
                .number("servers")
                .column("by")
                .column("command");
            for task in &tasks {
                let (result, tone) = result(task, &host);
                table.row([
                    Cell::new(task.id.to_string(), Tone::Strong),
                    format::age(task.started_at, now).into(),
                    Cell::new(result, tone),
                    took(task).map(format::duration).unwrap_or_default().into(),
                    servers(task).to_string().into(),
                    task.operator.clone().into(),
                    task.line().into(),
                ]);
            }
            page.table(&table);
        })?;
        if tasks.is_empty() && !context.globals.wants_json() {
            context.ui.note("no tasks yet");
        }
        Ok(Ending::Done)
    }
}

/// A task as JSON: what is stored, and what that amounts to.
pub(super) fn to_json(task: &Task, host: &str) -> Value {
    let mut value = json!(task);
    value["result"] = result(task, host).0.into();
    value
}

/// How a task ended, in one word. One without an end runs still, if its process does; else it was killed.
pub(super) fn result(task: &Task, host: &str) -> (&'static str, Tone) {
    const CLASSES: [Class; 8] = [
        Class::Failed,
        Class::Usage,
        Class::Partial,
        Class::NoRoom,
        Class::Unhealthy,
        Class::Pending,
        Class::Reverted,
        Class::Locked,
    ];
    match task.exit_code {
        Some(0) => ("done", Tone::Good),
        Some(code) => {
            let class = CLASSES.into_iter().find(|class| class.exit_code() == code);
            (class.unwrap_or(Class::Failed).word(), Tone::Bad)
        }
        None if task.host == host && runs(task.process) => ("running", Tone::Warn),
        None => ("interrupted", Tone::Bad),
    }
}

/// Whether that process of this machine is another fleet (proc(5)). In containers it often has the number that this one
/// has as well.
fn runs(process: u32) -> bool {
    if process == std::process::id() {
        return false;
    }
    let name = std::fs::read_to_string(format!("/proc/{process}/comm"));
    name.is_ok_and(|name| name.trim_end() == "fleet")
}

/// How long a task took; `None` while it runs, or when it was killed.
pub(super) fn took(task: &Task) -> Option<Duration> {
    let took = task.ended_at?.duration_since(task.started_at);
    Some(took.try_into().unwrap_or_default())
}

fn servers(task: &Task) -> usize {
    let mut servers: Vec<_> = task.outcomes.iter().map(|o| &o.server).collect();
    servers.sort();
    servers.dedup();
    servers.len()
}
