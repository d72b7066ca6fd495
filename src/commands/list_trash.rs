//! `fleet list-trash`: what was removed and is still on the servers, asked of all of them at once.

use clap::Args;
use serde_json::{Value, json};

use super::selection::select;
use super::{Ending, Example, Group, Verb, trash};
use crate::context::Context;
use crate::diagnostic::{Class, Diagnostic};
use crate::model::{Server, Task};
use crate::state::Read;
use crate::ui::{Cell, Table, Tone, format};

/// Lists what is in the trash of servers.
#[derive(Args, Debug)]
pub struct ListTrash {
    /// Only on these servers: `sg-1,jkt-*,region=singapore,!sg-3` [default: all active ones]
    #[arg(long, value_name = "SELECTOR", value_delimiter = ',')]
    server: Vec<String>,
}

impl Verb for ListTrash {
    const NAME: &'static str = "list-trash";
    const ABOUT: &'static str = "List what was removed and can be put back";
    const GROUP: Group = Group::Tasks;
    const EXAMPLES: &'static [Example] = &[
        ("fleet list-trash", ""),
        ("fleet list-trash --server sg-1 --json", ""),
    ];

    fn run(self, context: &Context) -> anyhow::Result<Ending> {
        let servers = chosen(context, &self.server)?;
        let (entries, problems) = trash::look(context, &servers)?;
        let commands = commands(context, &entries)?;
        let values = entries.iter().zip(&commands).map(|(entry, command)| {
            let mut value = json!(entry);
            value["command"] = json!(command);
            value
        });
        let now = context.now();
        let value = json!({
            "trash": values.collect::<Vec<Value>>(),
            "problems": problems.iter().map(|p| &p.message).collect::<Vec<_>>(),
        });
        context.ui.show(&value, |page| {
            if entries.is_empty() {
                return;
            }
            let mut table = Table::new()
                .number("task")
                .column("what")
                .column("server")
                .column("removed")
                .number("size")
                .column("by");
            for (entry, command) in entries.iter().zip(&commands) {
                table.row([
                    Cell::new(entry.task.to_string(), Tone::Strong),
                    entry.what.clone().into(),
                    entry.server.to_string().into(),
                    format::age(entry.at, now).into(),
                    format::bytes(entry.size).into(),
                    command.clone().unwrap_or_default().into(),
                ]);
            }
            page.table(&table);
        })?;
        if !context.globals.wants_json() {
            for problem in &problems {
                context.ui.problem(problem);
            }
            if entries.is_empty() && problems.is_empty() {
                context.ui.note("the trash is empty");
            } else if !entries.is_empty() {
                context.ui.hint("`fleet undo TASK` puts back what a task removed");
            }
        }
        Ok(if problems.is_empty() {
            Ending::Done
        } else {
            Ending::With(Class::Partial)
        })
    }
}

/// The selected servers; all active ones when none are named.
pub(super) fn chosen<'c>(
    context: &'c Context,
    terms: &[String],
) -> anyhow::Result<Vec<&'c Server>> {
    if !terms.is_empty() {
        return select(context, terms);
    }
    let servers = context.inventory()?.servers.values();
    Ok(servers.filter(|server| server.active).collect())
}

/// The command of each entry's task, where that is on record here: another fleet may have a task of that number.
fn commands(context: &Context, entries: &[trash::Entry]) -> anyhow::Result<Vec<Option<String>>> {
    let Some(state) = context.state_to_read()? else {
        return Ok(vec![None; entries.len()]);
    };
    let command = |read: &Read, entry: &trash::Entry| {
        let task = read.task(entry.task)?;
        let same = |task: &Task| {
            let apart = entry.at.duration_since(task.started_at).abs();
            apart < jiff::SignedDuration::from_hours(24)
        };
        Ok(task.filter(same).map(|task| task.command))
    };
    Ok(state.read(|read| {
        let commands = entries.iter().map(|entry| command(read, entry));
        commands.collect::<Result<Vec<_>, Diagnostic>>()
    })?)
}
