//! `fleet list-locks`: who has the lock of which server, since when, and what for.

use std::collections::BTreeMap;

use clap::Args;
use serde_json::json;

use super::ask::ask;
use super::selection::select;
use super::{Ending, Example, Group, Verb};
use crate::context::Context;
use crate::diagnostic::{Class, Diagnostic};
use crate::model::{Server, ServerName};
use crate::plan::lock::{self, Held};
use crate::ui::{Cell, Table, Tone, format};

/// Asks the servers who has their locks, and tells of a sweep that is at work on the state database. A lock is held while
/// something is changed on a server, and goes with the connection of its fleet; of a fleet that is gone without a word it
/// expires a minute after its last sign.
#[derive(Args, Debug)]
pub struct ListLocks {
    /// Only these servers: `sg-1,jkt-*,region=singapore,!sg-3` [default: all active ones]
    #[arg(long, value_name = "SELECTOR")]
    server: Vec<String>,
}

impl Verb for ListLocks {
    const NAME: &'static str = "list-locks";
    const ABOUT: &'static str = "List who is at work on which server, and with what";
    const GROUP: Group = Group::Tasks;
    const EXAMPLES: &'static [Example] = &[
        ("fleet list-locks", ""),
        ("fleet list-locks --server sg-1 --json", ""),
    ];

    fn run(self, context: &Context) -> anyhow::Result<Ending> {
        let servers = select(context, &self.server)?;
        let (locks, problems) = held(context, &servers)?;
        let sweep = context.state_to_read()?.and_then(|state| state.sweeper());
        let values: Vec<_> = locks
            .iter()
            .map(|(server, held)| {
                json!({
                    "server": server,
                    "who": held.who,
                    "operator": held.operator,
                    "host": held.host,
                    "process": held.process,
                    "task": held.task,
                    "command": held.command,
                    "held_s": held.held_s,
                    "sign_s": held.sign_s,
                    "expires_s": held.expires_s(),
                    "work": held.work,
                    "processes": held.processes,
                })
            })
            .collect();
        let problem_lines: Vec<&str> = problems.iter().map(|p| p.message.as_str()).collect();
        let value = json!({ "locks": values, "sweep": sweep, "problems": problem_lines });
        context.ui.show(&value, |page| {
            let mut table = Table::new()
                .column("server")
                .column("by")
                .number("task")
                .number("for")
                .number("sign")
                .column("until")
                .column("command");
            for (server, held) in &locks {
                table.row(row(server, held));
            }
            if !table.is_empty() {
                page.table(&table);
            }
            if let Some(words) = &sweep {
                page.line(&format!("a sweep is at work on this state: {words}"));
            }
        })?;
        if !context.globals.wants_json() {
            for problem in &problems {
                context.ui.problem(problem);
            }
            if locks.is_empty() && sweep.is_none() && problems.len() < servers.len() {
                let others = if problems.is_empty() { "" } else { " on the other servers" };
                context.ui.note(&format!("nothing is locked{others}"));
            }
        }
        Ok(if problems.is_empty() {
            Ending::Done
        } else {
            Ending::With(Class::Partial)
        })
    }
}

/// The locks of these servers that are held, and why some servers did not tell.
pub(super) fn held(
    context: &Context,
    servers: &[&Server],
) -> anyhow::Result<(BTreeMap<ServerName, Held>, Vec<Diagnostic>)> {
    let questions = servers.iter().map(|server| ((*server).clone(), lock::look()));
    let (answers, problems) = ask(context, questions.collect())?;
    let held = answers.into_iter().filter_map(|(server, answer)| {
        let held = lock::held(answer.lines.iter().map(String::as_str))?;
        Some((server, held))
    });
    Ok((held.collect(), problems))
}

fn row(server: &ServerName, held: &Held) -> Vec<Cell> {
    let by = match (&held.operator, &held.host) {
        (Some(operator), Some(host)) => format!("{operator} on {host}"),
        _ => held.who.clone(),
    };
    let ago = |seconds: Option<u64>| seconds.map(format::seconds).unwrap_or_default();
    let until = match held.expires_s() {
        _ if !held.work.is_empty() => format!("{} has ended", held.work.join(", ")),
        Some(seconds) => format!("{} without a sign", format::seconds(seconds)),
        None => String::new(),
    };
    vec![
        Cell::new(server.to_string(), Tone::Strong),
        by.into(),
        held.task.map(|task| task.to_string()).unwrap_or_default().into(),
        ago(held.held_s).into(),
        ago(held.sign_s).into(),
        until.into(),
        held.command.clone().unwrap_or_default().into(),
    ]
}
