//! `fleet show-run`: what a run of a cron job printed.

use clap::Args;
use serde_json::json;

use super::list_runs::{job, runs};
use super::{Ending, Example, Group, Verb, ask, run_cron};
use crate::context::Context;
use crate::diagnostic::{Diagnostic, ticked};
use crate::kind::cron;
use crate::shell::Script;

/// Shows what a run of a cron job printed, as far as it is kept.
#[derive(Args, Debug)]
pub struct ShowRun {
    /// The job
    #[arg(value_name = "NAME", required = true)]
    name: String,
    /// The run, as `list-runs` has it [default: the last one]
    #[arg(value_name = "RUN")]
    run: Option<String>,
    /// On this of its servers; needed when it is on several
    #[arg(long, value_name = "SERVER")]
    server: Option<String>,
}

/// How far back a run is looked for.
const MOST: u32 = 500;

impl Verb for ShowRun {
    const NAME: &'static str = "show-run";
    const ABOUT: &'static str = "Show what a run of a cron job printed";
    const GROUP: Group = Group::Of("cron");
    const EXAMPLES: &'static [Example] = &[
        ("fleet show-run backup", "The last one"),
        ("fleet show-run backup 1795175821707-626 --server sg-1", "Another one"),
    ];

    fn run(self, context: &Context) -> anyhow::Result<Ending> {
        let job = job(context, &self.name)?;
        let terms: Vec<String> = self.server.iter().cloned().collect();
        let servers = run_cron::servers(context, &job, &terms)?;
        let [server] = servers[..] else {
            let message = format!("{} is on several of these servers", job.name);
            return Err(Diagnostic::usage(message).hint("name one of them").into());
        };
        let (mut found, problems) = runs(context, &job, &servers, MOST)?;
        if let Some(problem) = problems.into_iter().next() {
            return Err(problem.into());
        }
        let mut past = found.remove(&server.name).unwrap_or_default().into_iter();
        let wanted = match &self.run {
            Some(id) => past.find(|run| run.id == *id),
            None => past.find(|run| run.result != "left out"),
        };
        let Some(run) = wanted else {
            let error = match &self.run {
                Some(id) => Diagnostic::usage(format!("cron {} has no run {}", ticked(&job.name.name), ticked(id)))
                    .hint(format!("`fleet list-runs {}` lists them", job.name.name)),
                None => Diagnostic::failed(format!("cron {} has not run on `{}` yet", ticked(&job.name.name), server.name)),
            };
            return Err(error.into());
        };
        let mut script = Script::new();
        cron::ask_output(&job.name.name, &run.id, &mut script);
        let (answers, problems) = ask::ask(context, vec![(server.clone(), script)])?;
        if let Some(problem) = problems.into_iter().next() {
            return Err(problem.into());
        }
        let lines = answers.into_values().next().map(|answer| answer.lines).unwrap_or_default();
        let value = json!({
            "cron": job.name.name,
            "server": server.name,
            "run": run,
            "output": lines.join("\n"),
        });
        context.ui.show(&value, |page| {
            for line in &lines {
                page.line(line);
            }
        })?;
        let took = run.took();
        let took = if took.is_empty() { String::new() } else { format!(", {took}") };
        context.ui.note(&format!("run {} of {}: {}{took}", run.id, run.at, run.result));
        Ok(Ending::Done)
    }
}
