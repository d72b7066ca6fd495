//! `fleet plan`: what `fleet apply` would change; changes nothing.

use clap::Args;
use serde_json::json;

use super::carry_out::Run;
use super::flags::Flags;
use super::selection::Selection;
use super::{Ending, Example, Group, Verb};
use crate::apply::{Outcome, ServerReport};
use crate::context::Context;
use crate::diagnostic::Class;

/// Shows what would change.
#[derive(Args, Debug)]
pub struct Plan {
    #[command(flatten)]
    selection: Selection,
    /// Show the changes of files line by line
    #[arg(long)]
    diff: bool,
    /// Exit with 6 when there are changes
    #[arg(long)]
    detailed_exitcode: bool,
}

impl Verb for Plan {
    const NAME: &'static str = "plan";
    const ABOUT: &'static str = "Show what `fleet apply` would change, and change nothing";
    const GROUP: Group = Group::Apply;
    const EXAMPLES: &'static [Example] = &[
        ("fleet plan --diff", "With the changes of files line by line"),
        ("fleet plan --server sg-1", ""),
        ("fleet plan --detailed-exitcode -q", "For cron: exit 6 and speak only when something drifted"),
    ];

    fn run(self, context: &Context) -> anyhow::Result<Ending> {
        let flags = Flags::default();
        let jobs = self.selection.choose(context)?.jobs(context)?;
        let reports = Run::new(context, Self::NAME, &flags)?.preview(context, jobs, self.diff, json!({}))?;
        Ok(ending(&reports, self.detailed_exitcode))
    }
}

/// What a look amounts to, for the exit code.
pub(super) fn ending(reports: &[ServerReport], detailed: bool) -> Ending {
    if reports.iter().any(|report| report.outcome != Outcome::Looked) {
        Ending::With(Class::Partial)
    } else if detailed && reports.iter().any(|report| !report.plan.is_empty()) {
        Ending::With(Class::Pending)
    } else {
        Ending::Done
    }
}
