//! `fleet list-runs`: the runs of a cron job, as its servers recorded them; the newest first.

use std::collections::BTreeMap;

use clap::Args;
use serde_json::{Value, json};

use super::show::find;
use super::{Ending, Example, Group, Verb, ask, run_cron};
use crate::context::Context;
use crate::diagnostic::{Class, Diagnostic};
use crate::kind::cron::{self, PastRun};
use crate::kind::kind;
use crate::model::{Resource, Server, ServerName};
use crate::plan::follow::staying;
use crate::shell::Script;
use crate::ui::{Cell, Table, Tone, format};

/// Lists the runs of a cron job.
#[derive(Args, Debug)]
pub struct ListRuns {
    /// The job
    #[arg(value_name = "NAME", required = true)]
    name: String,
    /// Only on these of its servers
    #[arg(long, value_name = "SELECTOR")]
    server: Vec<String>,
    /// How many of each server, counted from the newest
    #[arg(short = 'n', long, value_name = "NUMBER", default_value_t = 20,
          value_parser = clap::value_parser!(u32).range(1..=500))]
    limit: u32,
}

impl Verb for ListRuns {
    const NAME: &'static str = "list-runs";
    const ABOUT: &'static str = "List the runs of a cron job and how they ended";
    const GROUP: Group = Group::Of("cron");
    const EXAMPLES: &'static [Example] = &[("fleet list-runs backup -n 100", "")];

    fn run(self, context: &Context) -> anyhow::Result<Ending> {
        let job = job(context, &self.name)?;
        let servers = if self.server.is_empty() {
            let inventory = context.inventory()?;
            let on = staying(&job.placements);
            on.filter_map(|placement| inventory.servers.get(&placement.server)).collect()
        } else {
            run_cron::servers(context, &job, &self.server)?
        };
        let (mut runs, problems) = runs(context, &job, &servers, self.limit)?;
        for of_server in runs.values_mut() {
            of_server.truncate(usize::try_from(self.limit).unwrap_or(usize::MAX));
        }
        let value: BTreeMap<&ServerName, &Vec<PastRun>> = runs.iter().collect();
        context.ui.show(&json!({ "cron": job.name.name, "runs": value }), |page| {
            if runs.values().any(|runs| !runs.is_empty()) {
                page.table(&table(&runs));
            }
        })?;
        if !context.globals.wants_json() {
            if problems.is_empty() && runs.values().all(Vec::is_empty) {
                context.ui.note("it has not run yet");
            }
            for problem in &problems {
                context.ui.problem(problem);
            }
        }
        Ok(if problems.is_empty() {
            Ending::Done
        } else {
            Ending::With(Class::Partial)
        })
    }
}

/// The cron job called `name`.
pub(super) fn job(context: &Context, name: &str) -> anyhow::Result<Resource> {
    let kind = kind("cron").ok_or_else(|| anyhow::anyhow!("there is no kind `cron`"))?;
    let state = context.state_to_read()?;
    find(state.as_ref(), kind, name)
}

/// The runs that each server knows of, the newest first.
type Runs = BTreeMap<ServerName, Vec<PastRun>>;

/// The last runs of a job on each of these servers, and why some servers did not tell.
pub(super) fn runs(
    context: &Context,
    job: &Resource,
    servers: &[&Server],
    limit: u32,
) -> anyhow::Result<(Runs, Vec<Diagnostic>)> {
    let name = &job.name.name;
    let mut script = Script::new();
    cron::ask_runs(name, limit, &mut script);
    let questions = servers.iter().map(|server| ((*server).clone(), script.clone()));
    let (answers, problems) = ask::ask(context, questions.collect())?;
    let mut runs = BTreeMap::new();
    for (server, answer) in answers {
        let lines: Vec<&str> = answer.lines.iter().map(String::as_str).collect();
        runs.insert(server, cron::runs(name, &lines, context.now()));
    }
    Ok((runs, problems))
}

fn table(runs: &Runs) -> Table {
    let mut table = Table::new()
        .column("run")
        .column("server")
        .column("began")
        .column("result")
        .number("took")
        .number("tried")
        .column("by")
        .number("output");
    for (server, run) in runs.iter().flat_map(|(server, runs)| runs.iter().map(move |run| (server, run))) {
        let tone = match run.exit_code {
            Some(0) => Tone::Good,
            Some(_) => Tone::Bad,
            None => Tone::Warn,
        };
        let by = if run.by_hand { "hand" } else { "cron" };
        table.row([
            Cell::new(run.id.clone(), Tone::Strong),
            server.to_string().into(),
            run.at.clone().into(),
            Cell::new(run.result.clone(), tone),
            run.took().into(),
            Value::from(run.attempts).to_string().into(),
            by.into(),
            format::bytes(run.output).into(),
        ]);
    }
    table
}
