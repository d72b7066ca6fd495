//! `fleet add-addresses`: puts addresses into a named set that rules refer to with `--from set:NAME`.

use clap::Args;

use super::firewall::{change, refused, usage};
use super::flags::Staging;
use super::{Ending, Example, Group, Verb};
use crate::context::Context;
use crate::kind::rule::parse;

/// Adds addresses to a set.
#[derive(Args, Debug)]
pub struct AddAddresses {
    /// The set; it is made with its first address
    #[arg(value_name = "SET")]
    set: String,
    /// Addresses and networks
    #[arg(value_name = "ADDRESS", required = true)]
    addresses: Vec<String>,
    #[command(flatten)]
    staging: Staging,
}

impl Verb for AddAddresses {
    const NAME: &'static str = "add-addresses";
    const ABOUT: &'static str = "Add addresses to a set, for `--from set:NAME`";
    const GROUP: Group = Group::Of("rule");
    const EXAMPLES: &'static [Example] = &[("fleet add-addresses office 192.0.2.0/24 2001:db8::/48", "")];

    fn run(self, context: &Context) -> anyhow::Result<Ending> {
        change(context, Self::NAME, self.staging, |firewall, _| {
            let mut problems = Vec::new();
            let name = parse::label(&self.set).map_err(|refusal| problems.push(usage(refusal)));
            let mut networks = Vec::new();
            for text in &self.addresses {
                match parse::network(text) {
                    Ok(network) => networks.push(parse::network_text(&network)),
                    Err(refusal) => problems.push(usage(refusal)),
                }
            }
            refused(problems)?;
            if let Ok(name) = name {
                firewall.sets.entry(name.to_string()).or_default().extend(networks);
            }
            Ok(())
        })
    }
}
