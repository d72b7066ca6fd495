//! `fleet break-lock`: takes the lock of a server away from who has it.

use std::time::Duration;

use clap::Args;
use serde_json::json;

use super::flags::time;
use super::list_locks::held;
use super::{Ending, Example, Group, Verb};
use crate::apply::follow;
use crate::context::Context;
use crate::diagnostic::{Class, Diagnostic};
use crate::plan::lock::{self, Breaking};
use crate::transport::TransportError;
use crate::ui::format;

/// How long the server may take besides what is under way there.
const PATIENCE: Duration = Duration::from_secs(300);

/// Takes the lock of a server away from the fleet that has it. That fleet notices before its next change, and what it is in
/// the middle of is taken back; what has not ended after the grace is killed and rolled back.
#[derive(Args, Debug)]
pub struct BreakLock {
    /// The server
    #[arg(value_name = "SERVER")]
    server: String,
    /// How long what is under way has to be taken back before it is killed
    #[arg(long, value_name = "TIME", value_parser = time, default_value = "30s")]
    grace: Duration,
}

impl Verb for BreakLock {
    const NAME: &'static str = "break-lock";
    const ABOUT: &'static str = "Take the lock of a server away from who has it";
    const GROUP: Group = Group::Tasks;
    const EXAMPLES: &'static [Example] = &[
        ("fleet break-lock sg-1", "Says who has it, and asks"),
        ("fleet break-lock sg-1 --grace 2m --yes", "Gives what is under way two minutes to be taken back"),
    ];

    fn run(self, context: &Context) -> anyhow::Result<Ending> {
        let server = context.inventory()?.server(&self.server)?;
        let (locks, problems) = held(context, &[server])?;
        if let Some(problem) = problems.into_iter().next() {
            return Err(problem.into());
        }
        let Some((_, held)) = locks.into_iter().next() else {
            context.ui.show(&json!({ "server": server.name, "result": "free" }), |_| {})?;
            context.ui.note(&format!("nothing to do: nobody has the lock of `{}`", server.name));
            return Ok(Ending::Done);
        };
        let who = match held.held_s {
            Some(seconds) => format!("{}, for {}", held.who, format::seconds(seconds)),
            None => held.who.clone(),
        };
        let at = if held.work.is_empty() {
            "which changes nothing just now".to_owned()
        } else {
            format!("which is in the middle of {}", held.work.join(", "))
        };
        context.confirm(&format!("break the lock of `{}`, held by {who}, {at}?", server.name))?;
        context.record(Self::NAME, |record| {
            let owner = context.lock_owner(Self::NAME, record.id());
            let script = lock::breaking(self.grace.as_secs(), &owner);
            let connector = context.connector()?;
            let progress = context.ui.progress(1);
            progress.state(server.name.as_str(), "breaking its lock");
            let answer = context.block_on(follow(&connector, server, &script, self.grace + PATIENCE, |line| {
                if let Some(step) = line.strip_prefix("@step ") {
                    progress.state(server.name.as_str(), step);
                }
            }))?;
            drop(progress);
            let breaking = answer.as_ref().ok().and_then(|answer| {
                lock::broken(answer.lines.iter().map(String::as_str))
            });
            let was = format!("break the lock of {who}");
            let (status, reason, changes) = match &breaking {
                Some(Breaking::Free) => ("unchanged", None, Vec::new()),
                Some(Breaking::Idle | Breaking::Ended | Breaking::Killed) => ("changed", None, vec![was]),
                _ => ("failed", Some(format!("could not {was}")), Vec::new()),
            };
            record.outcome(&server.name, status, reason, changes)?;
            let word = done(&server.name, answer, breaking)?;
            let value = json!({ "server": server.name, "task": record.id(), "held": held.who, "result": word.0 });
            context.ui.show(&value, |page| {
                page.line(&format!("the lock of {} is broken: {}", server.name, word.1));
            })?;
            context.ui.hint("`fleet apply` finds out what is left to do there");
            Ok(Ending::Done)
        })
    }
}

/// How it ended: a word and a sentence; an error where it did not come to that.
fn done(
    server: &crate::model::ServerName,
    answer: Result<crate::apply::Answer, TransportError>,
    breaking: Option<Breaking>,
) -> Result<(&'static str, &'static str), Diagnostic> {
    let failed = |why: &str| Diagnostic::new(Class::Locked, format!("the lock of `{server}` could not be broken: {why}"));
    let answer = answer.map_err(|error| error.diagnostic(server))?;
    match breaking {
        Some(Breaking::Free) => Ok(("free", "nobody had it any more")),
        Some(Breaking::Idle) => Ok(("idle", "its holder had changed nothing yet, and will not")),
        Some(Breaking::Ended) => Ok(("ended", "its holder has ended or taken back what it was doing")),
        Some(Breaking::Killed) => Ok(("killed", "what its holder was doing was killed and rolled back")),
        Some(Breaking::Busy(who)) => Err(failed("another one is at it, and has not come to an end")
            .detail(who)
            .hint("wait for it: what has not ended after its `--grace` is killed")),
        Some(Breaking::Stuck(processes)) => Err(failed("what has it does not end")
            .detail(format!("processes {processes}"))
            .hint("its holder has it still, and nothing was changed")),
        Some(Breaking::Unrecovered(id)) => {
            let error = Diagnostic::failed(format!(
                "the lock of `{server}` is broken, and transaction {id} could not be rolled back"
            ));
            Err(error.hint("`fleet apply` tries again"))
        }
        None => {
            let mut error = failed(&format!("the script ended with status {}", answer.status));
            error.details = answer.stderr.lines().map(str::to_owned).collect();
            Err(error)
        }
    }
}
