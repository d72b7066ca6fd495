//! `fleet move-rule`: asks a rule before or after others.

use clap::Args;

use super::edit::Edit;
use super::flags::Staging;
use super::{Ending, Example, Group, Verb};
use crate::context::Context;
use crate::diagnostic::Diagnostic;
use crate::kind::rule::{Rule, rank};
use crate::kind::{Edge as _, Spec, kind};

/// Moves a rule.
#[derive(Args, Debug)]
#[command(override_usage = "fleet move-rule [OPTIONS] <NAME> --before|--after <RULE>\n       fleet move-rule [OPTIONS] <NAME> --first|--last")]
#[group(id = "place", required = true, multiple = false, args = ["before", "after", "first", "last"])]
pub struct MoveRule {
    /// The rule
    #[arg(value_name = "NAME")]
    name: String,
    /// Ask it before that rule
    #[arg(long, value_name = "RULE")]
    before: Option<String>,
    /// Ask it after that rule
    #[arg(long, value_name = "RULE")]
    after: Option<String>,
    /// Ask it before all others
    #[arg(long)]
    first: bool,
    /// Ask it after all others
    #[arg(long)]
    last: bool,
    #[command(flatten)]
    staging: Staging,
}

impl Verb for MoveRule {
    const NAME: &'static str = "move-rule";
    const ABOUT: &'static str = "Move a rule: the first that matches decides";
    const GROUP: Group = Group::Of("rule");
    const EXAMPLES: &'static [Example] = &[("fleet move-rule web --before no-mail", "")];

    fn run(self, context: &Context) -> anyhow::Result<Ending> {
        let kind = kind(Rule::KIND).ok_or_else(|| anyhow::anyhow!("there is no kind of rules"))?;
        let mut edge = context.edge();
        let others = edge.others(Rule::KIND).map_err(Diagnostic::failed)?;
        let name = self.name.to_ascii_lowercase();
        let rank_of = |value: &serde_json::Value| value.get("rank").and_then(serde_json::Value::as_i64);
        let neighbours = others.iter().filter(|(other, _)| *other != name);
        let (before, after) = if self.first {
            (neighbours.min_by_key(|(name, value)| (rank_of(value), name.clone())).map(|(name, _)| name.clone()), None)
        } else if self.last {
            (None, neighbours.max_by_key(|(name, value)| (rank_of(value), name.clone())).map(|(name, _)| name.clone()))
        } else {
            (self.before, self.after)
        };
        let rank = rank::of(&name, before.as_deref(), after.as_deref(), &others)
            .map_err(|(message, hint)| Diagnostic::usage(message).hint(hint))?;
        let edit = Edit {
            command: Self::NAME,
            staging: self.staging,
            kind,
            name: &name,
        };
        edit.run::<Rule>(context, None, |rule, _| {
            rule.set_rank(rank);
            Ok(())
        })
    }
}
