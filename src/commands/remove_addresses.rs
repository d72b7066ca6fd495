//! `fleet remove-addresses`: takes addresses out of a named set, or the whole set away.

use clap::Args;

use super::firewall::{change, refused, usage};
use super::flags::Staging;
use super::{Ending, Example, Group, Verb};
use crate::context::Context;
use crate::diagnostic::Diagnostic;
use crate::kind::rule::{Rule, parse};
use crate::kind::{Spec, from_json};
use crate::state::Filter;

/// Removes addresses from a set.
#[derive(Args, Debug)]
pub struct RemoveAddresses {
    /// The set
    #[arg(value_name = "SET")]
    set: String,
    /// Addresses and networks, as they were added
    #[arg(value_name = "ADDRESS", required_unless_present = "all")]
    addresses: Vec<String>,
    /// The whole set
    #[arg(long, conflicts_with = "addresses")]
    all: bool,
    #[command(flatten)]
    staging: Staging,
}

impl Verb for RemoveAddresses {
    const NAME: &'static str = "remove-addresses";
    const ABOUT: &'static str = "Take addresses out of a set";
    const GROUP: Group = Group::Of("rule");
    const EXAMPLES: &'static [Example] = &[("fleet remove-addresses office 192.0.2.0/24", "")];

    fn run(self, context: &Context) -> anyhow::Result<Ending> {
        let users = users(context, &self.set)?;
        change(context, Self::NAME, self.staging, |firewall, _| {
            let unknown = || {
                Diagnostic::usage(format!("there is no set of addresses {}", crate::diagnostic::ticked(&self.set)))
                    .hint("`fleet list-addresses` shows the sets")
            };
            let Some(members) = firewall.sets.get_mut(&self.set.to_ascii_lowercase()) else {
                return refused(vec![unknown()]);
            };
            let mut problems = Vec::new();
            for text in &self.addresses {
                match parse::network(text) {
                    Ok(network) if members.remove(&parse::network_text(&network)) => {}
                    Ok(_) => problems.push(Diagnostic::usage(format!("`{text}` is not in the set"))),
                    Err(refusal) => problems.push(usage(refusal)),
                }
            }
            refused(problems)?;
            if self.all || members.is_empty() {
                refused(users)?;
                firewall.sets.remove(&self.set.to_ascii_lowercase());
            }
            Ok(())
        })
    }
}

/// The rules that refer to a set, each as a reason to keep it.
fn users(context: &Context, set: &str) -> anyhow::Result<Vec<Diagnostic>> {
    let Some(state) = context.state_to_read()? else {
        return Ok(Vec::new());
    };
    let filter = Filter {
        kind: Some(Rule::KIND),
        ..Filter::default()
    };
    let mut users = Vec::new();
    for resource in state.read(|read| read.resources(&filter))? {
        let rule: Rule = from_json(&resource.spec)?;
        if rule.refers_to(set) {
            let name = &resource.name.name;
            users.push(
                Diagnostic::usage(format!("rule `{name}` refers to the set"))
                    .hint(format!("`fleet set-rule {name} --from ...` changes it first")),
            );
        }
    }
    Ok(users)
}
