//! `fleet empty-trash`: takes out for good what has lain in the trash of servers for some time.

use std::time::Duration;

use clap::Args;
use serde_json::json;

use super::flags::time;
use super::list_trash::chosen;
use super::{Ending, Example, Group, Verb, trash};
use crate::context::Context;
use crate::diagnostic::{Class, Diagnostic};
use crate::ui::format;

/// Empties the trash of servers.
#[derive(Args, Debug)]
pub struct EmptyTrash {
    /// What has lain there for longer than this [default: the inventory's `trash_retention`, else 30d]
    #[arg(long, value_name = "TIME", value_parser = time)]
    older_than: Option<Duration>,
    /// Only on these servers: `sg-1,jkt-*,region=singapore,!sg-3` [default: all active ones]
    #[arg(long, value_name = "SELECTOR", value_delimiter = ',')]
    server: Vec<String>,
}

impl Verb for EmptyTrash {
    const NAME: &'static str = "empty-trash";
    const ABOUT: &'static str = "Take out for good what has been in the trash for some time";
    const GROUP: Group = Group::Tasks;
    const EXAMPLES: &'static [Example] = &[
        ("fleet empty-trash --older-than 7d", ""),
        (
            "fleet empty-trash --older-than 0s --server sg-1 --yes",
            "All of it, without a question",
        ),
    ];

    fn run(self, context: &Context) -> anyhow::Result<Ending> {
        let servers = chosen(context, &self.server)?;
        let retention = context.inventory()?.settings.trash_retention;
        let older_than = self.older_than.unwrap_or(retention);
        let age = match older_than {
            Duration::ZERO => String::new(),
            age => format!(" what is older than {}", format::seconds(age.as_secs())),
        };
        let count = format::count(servers.len(), "server");
        context.confirm(&format!(
            "take{age} out of the trash of {count}? It cannot be put back any more"
        ))?;
        context.record(Self::NAME, |record| {
            let owner = context.lock_owner(Self::NAME, record.id());
            let (emptied, problems) = trash::empty(context, &servers, older_than.as_secs(), &owner)?;
            for (server, emptied) in &emptied {
                let (status, changes) = match emptied.tasks {
                    0 => ("unchanged", Vec::new()),
                    tasks => ("changed", vec![format!("delete the trash of {tasks} tasks")]),
                };
                record.outcome(server, status, None, changes)?;
            }
            let now = context.now();
            let grace = older_than.try_into()?;
            context
                .state()?
                .write(|write| write.clear_unused_secrets(grace, now))?;
            let tasks = emptied.values().map(|emptied| emptied.tasks).sum::<u64>();
            let size: u64 = emptied.values().map(|emptied| emptied.size).sum();
            let value = json!({
                "task": record.id(),
                "servers": emptied,
                "size": size,
                "problems": problems.iter().map(|p| &p.message).collect::<Vec<_>>(),
            });
            context.ui.show(&value, |page| {
                if tasks > 0 {
                    let tasks = format::count(usize::try_from(tasks).unwrap_or(usize::MAX), "task");
                    page.line(&format!("took out the trash of {tasks}: {}", format::bytes(size)));
                }
            })?;
            if !context.globals.wants_json() {
                for problem in &problems {
                    context.ui.problem(problem);
                }
                if tasks == 0 && problems.is_empty() {
                    context.ui.note("there is nothing to take out");
                }
            }
            let locked = |problem: &Diagnostic| problem.class == Class::Locked;
            Ok(if problems.is_empty() {
                Ending::Done
            } else if problems.iter().all(locked) && emptied.is_empty() {
                Ending::With(Class::Locked)
            } else {
                Ending::With(Class::Partial)
            })
        })
    }
}
