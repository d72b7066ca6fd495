//! `fleet run-cron`: a cron job at once, with its output as it comes.

use std::time::Duration;

use clap::Args;
use serde_json::{Value, json};

use super::show::find;
use super::{Ending, Example, Group, Verb};
use crate::apply::{self, Answer};
use crate::context::{Context, interrupted};
use crate::diagnostic::{Class, Diagnostic};
use crate::kind::{cron, kind};
use crate::model::selector::Selector;
use crate::model::{Resource, Server};
use crate::plan::follow::staying;
use crate::shell::Script;
use crate::transport::TransportError;
use crate::ui::Tone;

/// Runs a cron job now, as it would run at its time: as the same user, with the same limits, kept in its history. Only
/// the random delay and the mail are left out. It ends with 0 when the job does.
#[derive(Args, Debug)]
pub struct RunCron {
    /// The job
    #[arg(value_name = "NAME", required = true)]
    name: String,
    /// On these of its servers; needed when it is on several
    #[arg(long, value_name = "SELECTOR")]
    server: Vec<String>,
}

/// Longer than any job may take: what limits it is its own setting.
const PATIENCE: Duration = Duration::from_secs(60 * 86_400);

impl Verb for RunCron {
    const NAME: &'static str = "run-cron";
    const ABOUT: &'static str = "Run a cron job now and show its output";
    const GROUP: Group = Group::Of("cron");
    const EXAMPLES: &'static [Example] = &[
        ("fleet run-cron backup", ""),
        ("fleet run-cron backup --server sg-1", "One that is on several servers"),
    ];

    fn run(self, context: &Context) -> anyhow::Result<Ending> {
        let kind = kind("cron").ok_or_else(|| anyhow::anyhow!("there is no kind `cron`"))?;
        let state = context.state_to_read()?;
        let resource = find(state.as_ref(), kind, &self.name)?;
        drop(state);
        let servers = servers(context, &resource, &self.server)?;
        context.record(Self::NAME, |record| {
            let mut script = Script::new();
            cron::run_now(&resource.name.name, &mut script);
            let mut values = Vec::new();
            let mut endings = Vec::new();
            for server in &servers {
                if servers.len() > 1 {
                    context.ui.live(|page| {
                        page.toned_line(&format!("on {}", server.name), Tone::Strong);
                    });
                }
                let answer = follow(context, server, &script)?;
                let ended = Ended::of(&answer);
                ended.tell(context, &resource, server, &answer);
                record.outcome(&server.name, ended.status(), ended.reason(), Vec::new())?;
                values.push(ended.to_json(server, &answer));
                endings.push(ended);
            }
            let value = json!({ "cron": resource.name.name, "task": record.id(), "servers": values });
            context.ui.show(&value, |_| {})?;
            Ok(ending(&endings))
        })
    }
}

/// The servers that are meant: all that the selector matches of those the job is on, or the only one.
pub(super) fn servers<'c>(
    context: &'c Context,
    resource: &Resource,
    terms: &[String],
) -> anyhow::Result<Vec<&'c Server>> {
    let inventory = context.inventory()?;
    let on: Vec<&Server> = staying(&resource.placements)
        .filter_map(|placement| inventory.servers.get(&placement.server))
        .collect();
    let names = || {
        let names: Vec<String> = on.iter().map(|server| format!("`{}`", server.name)).collect();
        names.join(", ")
    };
    if terms.is_empty() {
        if let [_] = on[..] {
            return Ok(on);
        }
        let error = match on[..] {
            [] => Diagnostic::failed(format!("{} is on no server", resource.name)),
            _ => Diagnostic::usage(format!("{} is on several servers: {}", resource.name, names()))
                .hint("`--server` says which; `--server '*'` means all of them, one after the other"),
        };
        return Err(error.into());
    }
    let selected = Selector::parse(terms)?.select(&inventory.servers)?;
    let chosen: Vec<&Server> = selected
        .into_iter()
        .filter(|server| on.iter().any(|there| there.name == server.name))
        .collect();
    if chosen.is_empty() {
        let message = format!("{} is on none of these servers", resource.name);
        return Err(Diagnostic::usage(message).hint(format!("it is on {}", names())).into());
    }
    Ok(chosen)
}

/// Runs it on a server, and shows what it prints as it comes.
fn follow(
    context: &Context,
    server: &Server,
    script: &Script,
) -> anyhow::Result<Result<Answer, TransportError>> {
    let connector = context.connector()?;
    context.block_on(async {
        let mut interrupts = context.interrupts()?;
        let show = |line: &str| {
            context.ui.live(|page| {
                page.line(line);
            });
        };
        tokio::select! {
            answer = apply::follow(&connector, server, script, PATIENCE, show) => Ok(answer),
            _ = interrupts.wait_for(|count| *count > 0) => {
                Err(interrupted().hint("the job goes on, and `fleet show-cron` tells how it ended").into())
            }
        }
    })?
}

/// What the runner's own reasons begin with, when it does not run a job (`kind/cron/runner.sh`).
const REFUSAL: &str = "cron-run: ";

/// How it ended on a server.
enum Ended {
    /// The job ran, and ended with this status.
    Ran(i32),
    /// It did not run; why.
    Not(String),
    /// The server was not reached, or lost.
    Lost { why: String, unreachable: bool },
}

impl Ended {
    fn of(answer: &Result<Answer, TransportError>) -> Self {
        match answer {
            // What the job prints comes as its output; this is the runner itself. Its shell may have something to say of
            // a job that a signal ended, and that is no reason.
            Ok(answer) => match answer.stderr.lines().find_map(|line| line.strip_prefix(REFUSAL)) {
                Some(why) if answer.status != 0 => Self::Not(why.to_owned()),
                _ => Self::Ran(answer.status),
            },
            Err(error) => Self::Lost {
                why: error.to_string(),
                unreachable: error.is_unreachable(),
            },
        }
    }

    fn status(&self) -> &'static str {
        match self {
            Self::Ran(0) => "done",
            Self::Ran(_) | Self::Not(_) => "failed",
            Self::Lost { unreachable: true, .. } => "unreachable",
            Self::Lost { .. } => "interrupted",
        }
    }

    fn reason(&self) -> Option<String> {
        match self {
            Self::Ran(0) => None,
            Self::Ran(code) => Some(format!("exit code {code}")),
            Self::Not(why) | Self::Lost { why, .. } => Some(why.clone()),
        }
    }

    fn tell(
        &self,
        context: &Context,
        resource: &Resource,
        server: &Server,
        answer: &Result<Answer, TransportError>,
    ) {
        if context.globals.wants_json() {
            return;
        }
        let (name, on) = (&resource.name, &server.name);
        match (self, answer) {
            (Self::Ran(0), _) => context.ui.note(&format!("{name} on {on}: done")),
            (Self::Ran(code), _) => {
                let problem = Diagnostic::failed(format!("{name} on {on} ended with exit code {code}"));
                context.ui.problem(&problem);
            }
            (Self::Not(why), _) => {
                let problem = Diagnostic::failed(format!("{name} on {on} did not run: {why}"));
                context.ui.problem(&problem);
            }
            (Self::Lost { .. }, Err(error)) => context.ui.problem(&error.diagnostic(on)),
            (Self::Lost { .. }, Ok(_)) => {}
        }
    }

    fn to_json(&self, server: &Server, answer: &Result<Answer, TransportError>) -> Value {
        let lines = answer.as_ref().map_or(&[][..], |answer| answer.lines.as_slice());
        let code = match self {
            Self::Ran(code) => Some(*code),
            _ => None,
        };
        json!({
            "server": server.name,
            "outcome": self.status(),
            "exit_code": code,
            "reason": self.reason(),
            "output": lines.join("\n"),
        })
    }
}

fn ending(endings: &[Ended]) -> Ending {
    let all_done = endings.iter().all(|ended| matches!(ended, Ended::Ran(0)));
    let any_lost = endings.iter().any(|ended| matches!(ended, Ended::Lost { .. }));
    let any_done = endings.iter().any(|ended| matches!(ended, Ended::Ran(0)));
    if all_done {
        Ending::Done
    } else if any_lost || any_done {
        Ending::With(Class::Partial)
    } else {
        Ending::With(Class::Failed)
    }
}
