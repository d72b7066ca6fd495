//! `fleet show-task`: one task, with what it did on each server.

use std::time::Duration;

use clap::Args;
use serde_json::json;

use super::list_tasks::{result, to_json, took};
use super::{Ending, Example, Group, Verb};
use crate::context::Context;
use crate::diagnostic::Diagnostic;
use crate::model::{Task, TaskOutcome};
use crate::ui::{Cell, Page, Table, Tone, format};

/// Shows one task.
#[derive(Args, Debug)]
pub struct ShowTask {
    /// The task's number
    #[arg(value_name = "TASK")]
    id: i64,
}

impl Verb for ShowTask {
    const NAME: &'static str = "show-task";
    const ABOUT: &'static str = "Show what a task did on each server";
    const GROUP: Group = Group::Tasks;
    const EXAMPLES: &'static [Example] = &[("fleet show-task 12", "")];

    fn run(self, context: &Context) -> anyhow::Result<Ending> {
        let task = match context.state_to_read()? {
            Some(state) => state.read(|read| read.task(self.id))?,
            None => None,
        };
        let task = task.ok_or_else(|| {
            Diagnostic::usage(format!("there is no task {}", self.id))
                .hint("`fleet list-tasks` lists them")
        })?;
        let host = context.host();
        context
            .ui
            .show(&json!({ "task": to_json(&task, &host) }), |page| {
                print(page, &task, context, &host);
            })?;
        Ok(Ending::Done)
    }
}

fn print(page: &mut Page, task: &Task, context: &Context, host: &str) {
    let (word, tone) = result(task, host);
    let ended = match task.exit_code {
        Some(code) if code > 0 => format!("{word} (exit code {code})"),
        _ => word.to_owned(),
    };
    let started = format!(
        "{} ({})",
        format::time(task.started_at),
        format::age(task.started_at, context.now())
    );
    let mut fields = vec![
        ("task", task.id.to_string(), Tone::Strong),
        ("command", task.line(), Tone::Plain),
        ("result", ended, tone),
        (
            "by",
            format!("{} on {}, process {}", task.operator, task.host, task.process),
            Tone::Plain,
        ),
        ("started", started, Tone::Plain),
    ];
    if let Some(of) = task.retry_of {
        fields.push(("retries", format!("task {of}"), Tone::Plain));
    }
    if let Some(took) = took(task) {
        fields.push(("took", format::duration(took), Tone::Plain));
    }
    page.fields(fields);
    if task.outcomes.is_empty() {
        return;
    }
    let mut table = Table::new()
        .column("server")
        .column("result")
        .number("took")
        .number("changes")
        .column("why");
    for outcome in &task.outcomes {
        table.row([
            Cell::new(outcome.server.to_string(), Tone::Strong),
            Cell::new(outcome.status.clone(), tone_of(outcome)),
            format::duration(Duration::from_millis(outcome.duration_ms)).into(),
            outcome.changes.len().to_string().into(),
            outcome.reason.clone().unwrap_or_default().into(),
        ]);
    }
    page.end().table(&table);
    for outcome in task.outcomes.iter().filter(|o| !o.changes.is_empty()) {
        page.end()
            .toned_line(&outcome.server.to_string(), Tone::Strong);
        for change in &outcome.changes {
            page.line(&format!("  {change}"));
        }
    }
}

fn tone_of(outcome: &TaskOutcome) -> Tone {
    match outcome.status.as_str() {
        "changed" => Tone::Good,
        "unchanged" => Tone::Plain,
        _ => Tone::Bad,
    }
}
