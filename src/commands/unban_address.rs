//! `fleet unban-address`: takes bans back.

use clap::Args;

use super::firewall::{change, refused, usage};
use super::flags::Staging;
use super::{Ending, Example, Group, Verb};
use crate::context::Context;
use crate::diagnostic::Diagnostic;
use crate::kind::rule::parse;

/// Takes bans back.
#[derive(Args, Debug)]
pub struct UnbanAddress {
    /// Addresses and networks, as they were banned
    #[arg(value_name = "ADDRESS", required = true)]
    addresses: Vec<String>,
    #[command(flatten)]
    staging: Staging,
}

impl Verb for UnbanAddress {
    const NAME: &'static str = "unban-address";
    const ABOUT: &'static str = "Let a banned address in again";
    const GROUP: Group = Group::Of("rule");
    const EXAMPLES: &'static [Example] = &[("fleet unban-address 198.51.100.7", "")];

    fn run(self, context: &Context) -> anyhow::Result<Ending> {
        change(context, Self::NAME, self.staging, |firewall, _| {
            let mut problems = Vec::new();
            for text in &self.addresses {
                let network = match parse::network(text) {
                    Ok(network) => network,
                    Err(refusal) => {
                        problems.push(usage(refusal));
                        continue;
                    }
                };
                if firewall.bans.remove(&parse::network_text(&network)).is_some() {
                    continue;
                }
                let around = firewall.bans.keys().find(|banned| parse::network(banned).is_ok_and(|b| b.contains(&network)));
                let refusal = Diagnostic::usage(format!("`{text}` is not banned"));
                problems.push(match around {
                    Some(around) => refusal.hint(format!("`{around}` is, and holds it")),
                    None => refusal.hint("`fleet list-bans` shows the bans"),
                });
            }
            refused(problems)
        })
    }
}
