//! `fleet apply`: makes the servers as they should be.

use std::time::Instant;

use clap::Args;
use serde_json::json;

use super::carry_out::{Run, summary, to_json};
use super::flags::Flags;
use super::placing::follow_inventory;
use super::rollout::{Rolled, goes_on};
use super::selection::Selection;
use super::{Ending, Example, Group, Verb};
use crate::context::Context;
use crate::state::Write;


/// Makes the servers as they should be.
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
        ("fleet apply --force", "Also replace files that somebody edited"),
    ];

    fn run(self, context: &Context) -> anyhow::Result<Ending> {
        let started = Instant::now();
        let mut run = Run::new(context, Self::NAME, &self.flags)?;
        run.parallel = self.parallel.map_or(run.parallel, usize::from);
        if self.require_all {
            run.require_all = true;
            run.rollout = run.rollout.at_once();
        }
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
            finish(context, record.id(), &run.change(context, record.id(), chosen.jobs(context)?)?, started)
        })
    }
}

/// Shows how an apply ended.
pub(super) fn finish(
    context: &Context,
    task: i64,
    rolled: &Rolled,
    started: Instant,
) -> anyhow::Result<Ending> {
    let reports = &rolled.reports;
    let mut value = json!({ "task": task, "servers": to_json(reports) });
    rolled.add_to(&mut value);
    context.ui.show(&value, |_| {})?;
    if reports.is_empty() {
        context
            .ui
            .note("nothing to do: nothing is placed on these servers");
    }
    summary(context, reports, started);
    rolled.tell(context, Some(&goes_on(task)));
    rolled.ending(context)
}
