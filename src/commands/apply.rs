//! `fleet apply`: makes the servers as they should be.

use std::time::Instant;

use clap::Args;
use serde_json::json;

use super::carry_out::{Run, summary, to_json};
use super::flags::Flags;
use super::placing::follow_inventory;
use super::rolled::{Rolled, goes_on};
use super::plan_file::{PlanFile, is_plan};
use super::selection::{Chosen, Selection};
use super::{Ending, Example, Group, Verb};
use crate::apply::Outcome;
use crate::context::Context;
use crate::diagnostic::Diagnostic;
use crate::state::Write;


/// Makes the servers as they should be. With the file that `fleet plan --out` has written in place of resources, exactly
/// the changes of that plan are made: when one of them would be another one by now, nothing is changed anywhere.
#[derive(Args, Debug)]
pub struct Apply {
    #[command(flatten)]
    selection: Selection,
    /// Servers at the same time [default: the inventory's, else 32]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    parallel: Option<u16>,
    /// Change nothing anywhere unless every server can be changed
    #[arg(long, conflicts_with = "waves")]
    require_all: bool,
    #[command(flatten)]
    flags: Flags,
}

impl Verb for Apply {
    const NAME: &'static str = "apply";
    const ABOUT: &'static str = "Make the servers as they should be";
    const GROUP: Group = Group::Apply;
    const EXAMPLES: &'static [Example] = &[
        ("fleet apply", "Everything, on all servers at once"),
        ("fleet apply --server region=singapore", ""),
        ("fleet apply 'site:*.example.com' --dry-run", "What that would change, with diffs"),
        ("fleet apply --waves 1,10%,100% --wave-pause 1m", "Each wave only when the one before is well"),
        ("fleet apply reviewed.plan", "What `fleet plan --out reviewed.plan` has shown, or nothing"),
        ("fleet apply --force", "Also replace files that somebody edited"),
    ];

    fn run(self, context: &Context) -> anyhow::Result<Ending> {
        if let Some(word) = self.selection.alone().filter(|word| is_plan(word)) {
            let word = word.to_owned();
            return self.reviewed(context, &word);
        }
        let started = Instant::now();
        let run = self.to_run(context)?;
        let chosen = self.selection.choose(context)?;
        if self.flags.dry_run {
            let jobs = chosen.jobs(context)?;
            let reports = run.preview(context, jobs, true, json!({}))?;
            return Ok(super::plan::ending(&reports, false));
        }
        let inventory = context.inventory()?;
        context.record(Self::NAME, |record| {
            let follow = |write: &Write<'_>| follow_inventory(write, inventory);
            for sentence in context.state()?.write(follow)? {
                context.ui.warn(&sentence);
            }
            let rolled = run.change(context, record.id(), chosen.jobs(context)?)?;
            finish(context, record.id(), &rolled, started, IDLE)
        })
    }
}

impl Apply {
    /// How it goes, by its flags.
    fn to_run(&self, context: &Context) -> anyhow::Result<Run<'_>> {
        let mut run = Run::new(context, Self::NAME, &self.flags)?;
        run.parallel = self.parallel.map_or(run.parallel, usize::from);
        if self.require_all {
            run.require_all = true;
            run.rollout = run.rollout.at_once();
        } else {
            self.flags.in_waves.check(context.inventory()?)?;
        }
        Ok(run)
    }

    /// Carries out the plan of a file.
    fn reviewed(mut self, context: &Context, word: &str) -> anyhow::Result<Ending> {
        let started = Instant::now();
        if self.selection.names_servers() || self.flags.force || self.flags.adopt {
            let message = format!("`{word}` says already which servers, and what of files that others wrote");
            return Err(Diagnostic::usage(message)
                .hint("`--server`, `--force` and `--adopt` belong to `fleet plan --out`")
                .into());
        }
        let plan = PlanFile::read(context, word)?;
        let only = plan.mode(&mut self.flags);
        let chosen = Chosen::of(plan.servers(context)?, only);
        let mut run = self.to_run(context)?;
        run.expected = Some(plan.expected());
        plan.fits(context, &chosen.jobs(context)?)?;
        if self.flags.dry_run {
            let reports = run.preview(context, chosen.jobs(context)?, true, json!({}))?;
            return Ok(super::plan::ending(&reports, false));
        }
        let inventory = context.inventory()?;
        context.record(Self::NAME, |record| {
            let follow = |write: &Write<'_>| follow_inventory(write, inventory);
            for sentence in context.state()?.write(follow)? {
                context.ui.warn(&sentence);
            }
            let rolled = run.change(context, record.id(), chosen.jobs(context)?)?;
            let idle = "nothing to do: the plan has no changes";
            let ending = finish(context, record.id(), &rolled, started, idle)?;
            if rolled.reports.iter().any(|report| report.outcome == Outcome::Stale) {
                context.ui.note("nothing was changed");
            }
            Ok(ending)
        })
    }
}

/// What is said where no server has anything placed.
pub(super) const IDLE: &str = "nothing to do: nothing is placed on these servers";

/// Shows how an apply ended; `idle` is what is said where there was nothing to do.
pub(super) fn finish(
    context: &Context,
    task: i64,
    rolled: &Rolled,
    started: Instant,
    idle: &str,
) -> anyhow::Result<Ending> {
    let reports = &rolled.reports;
    let mut value = json!({ "task": task, "servers": to_json(reports) });
    rolled.add_to(&mut value);
    context.ui.show(&value, |_| {})?;
    if reports.is_empty() {
        context.ui.note(idle);
    }
    summary(context, reports, started);
    rolled.tell(context, Some(&goes_on(task)));
    rolled.ending(context)
}
