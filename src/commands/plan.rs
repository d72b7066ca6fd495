//! `fleet plan`: what `fleet apply` would change; changes nothing.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::carry_out::Run;
use super::flags::Flags;
use super::plan_file::{self, Parts};
use super::selection::Selection;
use super::{Ending, Example, Group, Verb};
use crate::apply::{Outcome, ServerReport};
use crate::context::Context;
use crate::diagnostic::Class;
use crate::shell::quote;
use crate::state::PLANS_LAST;
use crate::ui::format;

/// Shows what would change.
#[derive(Args, Debug)]
#[allow(clippy::struct_excessive_bools, reason = "flags are what they are")]
pub struct Plan {
    #[command(flatten)]
    selection: Selection,
    /// Show the changes of files line by line
    #[arg(long)]
    diff: bool,
    /// Exit with 6 when there are changes
    #[arg(long)]
    detailed_exitcode: bool,
    /// Write the plan to a file, for `fleet apply FILE`
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Plan what `apply --force` does: replace what fleet did not write or what was edited since, and insist on what is refused
    #[arg(long, conflicts_with = "adopt")]
    force: bool,
    /// Plan to take over what fleet did not write or what was edited since, as it is
    #[arg(long)]
    adopt: bool,
}

impl Verb for Plan {
    const NAME: &'static str = "plan";
    const ABOUT: &'static str = "Show what `fleet apply` would change, and change nothing";
    const GROUP: Group = Group::Apply;
    const EXAMPLES: &'static [Example] = &[
        ("fleet plan --diff", "With the changes of files line by line"),
        ("fleet plan --server sg-1", ""),
        ("fleet plan --out reviewed.plan", "For `fleet apply reviewed.plan`: exactly that, or nothing"),
        ("fleet plan --detailed-exitcode -q", "For cron: exit 6 and speak only when something drifted"),
    ];

    fn run(self, context: &Context) -> anyhow::Result<Ending> {
        let flags = Flags {
            force: self.force,
            adopt: self.adopt,
            ..Flags::default()
        };
        if let Some(path) = &self.out {
            plan_file::refuse_other(path)?;
        }
        let jobs = self.selection.choose(context)?.jobs(context)?;
        let parts = Parts::of(&jobs);
        let run = Run::new(context, Self::NAME, &flags)?;
        let reports = run.look(context, jobs, self.diff)?;
        // What is shown is in the file by then.
        let write = |path| plan_file::write(context, path, &reports, parts, &flags);
        let id = self.out.as_deref().map(write).transpose()?;
        Run::show(context, &reports, self.diff, json!({}))?;
        if let (Some(path), Some(id)) = (&self.out, id) {
            let last = format::count(usize::try_from(PLANS_LAST.as_hours() / 24).unwrap_or(0), "day");
            context.ui.note(&format!(
                "plan {} is in `{}`; `fleet apply {}` carries out exactly that, within {last}",
                &id[..8],
                path.display(),
                quote(&path.display().to_string()),
            ));
        }
        Ok(ending(&reports, self.detailed_exitcode))
    }
}

/// What a look amounts to, for the exit code. What is blocked counts as a server that failed: who goes by the code must
/// not take it for done.
pub(super) fn ending(reports: &[ServerReport], detailed: bool) -> Ending {
    let whole = |report: &ServerReport| report.outcome == Outcome::Looked && report.plan.blocked.is_empty();
    if !reports.iter().all(whole) {
        Ending::With(Class::Partial)
    } else if detailed && reports.iter().any(|report| !report.plan.is_empty()) {
        Ending::With(Class::Pending)
    } else {
        Ending::Done
    }
}
