//! `fleet retry`: does the servers of a task that failed or were not reached.

use std::time::{Duration, Instant};

use clap::{Args, Command, FromArgMatches};
use serde_json::json;

use super::carry_out::Run;
use super::flags::Flags;
use super::list_tasks::result;
use super::placing::follow_inventory;
use super::plan_file::PlanFile;
use super::run;
use super::selection::Chosen;
use super::{Ending, Example, Group, Verb};
use crate::context::{Context, Globals};
use crate::diagnostic::Diagnostic;
use crate::model::fold::fold;
use crate::model::{Course, Server, Task};
use crate::state::{Read, Write};
use crate::ui::format;

/// How far back the newest task with servers is looked for.
const LATEST: u32 = 200;

/// Does again what a task did not finish: the servers that failed, were away or locked, or were not begun, with what is
/// recorded now of the resources that the task was about. Waves and `--force` are those of the task unless they are given.
/// Of a plan in a file only what the file says is done, as long as it fits.
#[derive(Args, Debug)]
pub struct Retry {
    /// The task [default: the newest that went over servers]
    #[arg(value_name = "TASK")]
    task: Option<i64>,
    #[command(flatten)]
    flags: Flags,
}

impl Verb for Retry {
    const NAME: &'static str = "retry";
    const ABOUT: &'static str = "Do the servers again that a task did not finish";
    const GROUP: Group = Group::Apply;
    const EXAMPLES: &'static [Example] = &[
        ("fleet retry", "What the newest task left"),
        ("fleet retry 12 --dry-run", "What that would change on the servers that task 12 left"),
        ("fleet retry 12 --waves 1,100%", ""),
    ];

    fn run(self, context: &Context) -> anyhow::Result<Ending> {
        let task = self.find(context)?;
        let left = task.unfinished();
        if left.is_empty() {
            context.ui.show(&json!({ "retry_of": task.id, "servers": [] }), |_| {})?;
            context.ui.note(&format!(
                "nothing to do: task {} (`fleet {}`) is done on all of its servers",
                task.id,
                task.line()
            ));
            return Ok(Ending::Done);
        }
        let inventory = context.inventory()?;
        let mut servers: Vec<&Server> = Vec::new();
        for name in &left {
            match inventory.servers.get(*name) {
                Some(server) if server.active => servers.push(server),
                Some(_) => context.ui.warn(&format!("`{name}` is left out: it is not active")),
                None => context.ui.warn(&format!("`{name}` is left out: it is not in the inventory")),
            }
        }
        if servers.is_empty() {
            context.ui.show(&json!({ "retry_of": task.id, "servers": [] }), |_| {})?;
            context.ui.note("nothing to do: none of them takes part");
            return Ok(Ending::Done);
        }
        let first = first(context, &task)?;
        let count = format::count(servers.len(), "server");
        let names = fold(servers.iter().map(|server| &server.name));
        context.ui.note(&format!(
            "again {names} ({count}) of task {}, `fleet {}`",
            task.id,
            first.line()
        ));
        if first.command == run::Run::NAME {
            return self.run_again(context, &task, &first, &servers);
        }
        let Some(course) = task.course.clone() else {
            let message = format!("task {} is a `{}`, which goes over no servers", task.id, task.command);
            return Err(Diagnostic::usage(message)
                .hint(format!("type it again: `fleet {}`", first.line()))
                .into());
        };
        self.apply_again(context, &task, course, servers)
    }
}

impl Retry {
    fn find(&self, context: &Context) -> anyhow::Result<Task> {
        let Some(state) = context.state_to_read()? else {
            return Err(Diagnostic::usage("there are no tasks yet").into());
        };
        let task = if let Some(id) = self.task {
            state.read(|read| read.task(id))?.ok_or_else(|| {
                Diagnostic::usage(format!("there is no task {id}")).hint("`fleet list-tasks` lists them")
            })?
        } else {
            let mut tasks = state.read(|read| read.tasks(LATEST))?.into_iter();
            tasks.find(|task| task.course.is_some()).ok_or_else(|| {
                Diagnostic::usage(format!("none of the newest {LATEST} tasks went over servers"))
                    .hint("name one: `fleet retry TASK`")
            })?
        };
        if result(&task, &context.host()).0 == "running" {
            return Err(Diagnostic::usage(format!("task {} still runs", task.id))
                .hint("wait until it has ended")
                .into());
        }
        Ok(task)
    }

    fn apply_again(
        mut self,
        context: &Context,
        task: &Task,
        course: Course,
        servers: Vec<&Server>,
    ) -> anyhow::Result<Ending> {
        let started = Instant::now();
        let flags = &mut self.flags;
        let plan = match &course.reviewed {
            Some(_) if flags.force || flags.adopt => {
                let message = format!("task {} carried out a reviewed plan, which says what of files that others wrote", task.id);
                return Err(Diagnostic::usage(message)
                    .hint("`--force` and `--adopt` belong to `fleet plan --out`")
                    .into());
            }
            Some(plan) => Some(PlanFile::again(context, task.id, plan, &servers)?),
            None => None,
        };
        if !flags.force && !flags.adopt {
            flags.force = course.force;
            flags.adopt = course.adopt;
        }
        let waves = &mut flags.in_waves;
        waves.waves = waves.waves.take().or(course.waves);
        waves.max_failures = waves.max_failures.or(course.max_failures);
        let pause = Duration::from_millis(course.wave_pause_ms);
        waves.wave_pause = waves.wave_pause.or(Some(pause));
        waves.away_fails |= course.away_fails;
        waves.check(context.inventory()?)?;
        let mut run = Run::new(context, Self::NAME, &self.flags)?;
        let chosen = match &plan {
            Some(plan) => Chosen::of(plan.servers(context)?, course.resources),
            None => Chosen::of(servers, course.resources),
        };
        if let Some(plan) = plan {
            plan.fits(context, &chosen.jobs(context)?)?;
            run.expected = Some(plan.expected());
        }
        if self.flags.dry_run {
            let reports = run.preview(context, chosen.jobs(context)?, true, json!({ "retry_of": task.id }))?;
            return Ok(super::plan::ending(&reports, false));
        }
        let inventory = context.inventory()?;
        context.record(Self::NAME, |record| {
            let begin = |write: &Write<'_>| {
                write.record_retry(record.id(), task.id)?;
                follow_inventory(write, inventory)
            };
            for sentence in context.state()?.write(begin)? {
                context.ui.warn(&sentence);
            }
            let rolled = run.change(context, record.id(), chosen.jobs(context)?)?;
            super::apply::finish(context, record.id(), &rolled, started, super::apply::IDLE)
        })
    }

    /// Runs the command of a `fleet run` again, as it was typed.
    fn run_again(
        self,
        context: &Context,
        task: &Task,
        first: &Task,
        servers: &[&Server],
    ) -> anyhow::Result<Ending> {
        let again = || {
            let names = fold(servers.iter().map(|server| &server.name));
            format!("type it again, with `--server {names}`")
        };
        if first.arguments.iter().any(|word| word.contains("********")) {
            let message = format!("what task {} ran is not on record as a whole", first.id);
            return Err(Diagnostic::usage(message).hint(again()).into());
        }
        let parser = Globals::augment_args(run::Run::augment_args(Command::new(run::Run::NAME)));
        let words = std::iter::once(run::Run::NAME.to_owned()).chain(first.arguments.iter().cloned());
        let matches = parser.try_get_matches_from(words);
        let typed = matches.and_then(|matches| run::Run::from_arg_matches(&matches));
        let typed = typed.map_err(|_| {
            let message = format!("task {} cannot be read: `fleet {}`", first.id, first.line());
            Diagnostic::usage(message).hint(again())
        })?;
        typed.again(context, (task.id, first), servers, self.flags.in_waves, self.flags.dry_run)
    }
}

/// The task that was typed, where this one does another again.
fn first(context: &Context, task: &Task) -> anyhow::Result<Task> {
    let state = context.state()?;
    let mut first = task.clone();
    while let Some(of) = first.retry_of {
        first = state
            .read(|read: &Read| read.task(of))?
            .ok_or_else(|| Diagnostic::failed(format!("task {of} is not on record")))?;
    }
    Ok(first)
}
