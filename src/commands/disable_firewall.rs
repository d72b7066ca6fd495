//! `fleet disable-firewall`: takes fleet's table away from the servers of a selector; the rules stay recorded.

use clap::Args;

use super::firewall::{change, recorded};
use super::flags::Staging;
use super::{Ending, Example, Group, Verb};
use crate::context::Context;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::model::selector::Selector;

/// Disables the firewall.
#[derive(Args, Debug)]
pub struct DisableFirewall {
    /// The servers: `sg-1`, `role=web`, `*`
    #[arg(value_name = "SELECTOR", required = true, value_delimiter = ',')]
    on: Vec<String>,
    #[command(flatten)]
    staging: Staging,
}

impl Verb for DisableFirewall {
    const NAME: &'static str = "disable-firewall";
    const ABOUT: &'static str = "Take the firewall away; its rules stay recorded";
    const GROUP: Group = Group::Of("rule");
    const EXAMPLES: &'static [Example] = &[("fleet disable-firewall sg-1", "")];

    fn run(self, context: &Context) -> anyhow::Result<Ending> {
        let inventory = context.inventory()?;
        let leaving = Selector::parse(&self.on)?.select(&inventory.servers)?;
        if recorded(context)?.is_none_or(|(_, firewall)| firewall.on.is_empty()) {
            return Err(Diagnostic::usage("the firewall is enabled nowhere").into());
        }
        let on = self.on;
        change(context, Self::NAME, self.staging, |firewall, _| {
            for term in &on {
                let had = firewall.on.len();
                firewall.on.retain(|other| other != term);
                if firewall.on.len() == had {
                    firewall.on.push(format!("!{term}"));
                }
            }
            if !firewall.on.iter().any(|term| !term.starts_with('!')) {
                firewall.on.clear();
            }
            // A server that another term selects as well is taken out by name.
            if let Ok(staying) = Selector::parse(&firewall.on).and_then(|terms| terms.select(&inventory.servers))
                && !firewall.on.is_empty()
            {
                for server in leaving.iter().filter(|server| staying.contains(server)) {
                    firewall.on.push(format!("!{}", server.name));
                }
            } else {
                // What is left selects nothing.
                firewall.on.clear();
            }
            Ok::<_, Diagnostics>(())
        })
    }
}
