//! `fleet ban-address`: keeps an address or a network out, on every server with the firewall.

use clap::Args;
use jiff::Timestamp;

use super::firewall::{change, recorded, refused, usage};
use super::flags::Staging;
use super::{Ending, Example, Group, Verb};
use crate::context::Context;
use crate::diagnostic::Diagnostic;
use crate::kind::firewall::{Ban, Own};
use crate::kind::rule::{addresses, parse};

/// Bans addresses.
#[derive(Args, Debug)]
pub struct BanAddress {
    /// Addresses and networks: `198.51.100.7`, `2001:db8::/32`
    #[arg(value_name = "ADDRESS", required = true)]
    addresses: Vec<String>,
    /// They may come in again after this time: `2h`, `30d` [default: never]
    #[arg(long, value_name = "TIME")]
    expires: Option<String>,
    /// Why
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    #[command(flatten)]
    staging: Staging,
}

impl Verb for BanAddress {
    const NAME: &'static str = "ban-address";
    const ABOUT: &'static str = "Keep an address out of every server with the firewall";
    const GROUP: Group = Group::Of("rule");
    const EXAMPLES: &'static [Example] = &[
        ("fleet ban-address 198.51.100.7 --expires 7d --reason 'tries passwords'", ""),
        ("fleet ban-address 2001:db8::/32", "A whole network, for good"),
    ];

    fn run(self, context: &Context) -> anyhow::Result<Ending> {
        let inventory = context.inventory()?;
        let mut problems = Vec::new();
        let mut networks = Vec::new();
        let recorded = recorded(context)?.map(|(_, firewall)| firewall).unwrap_or_default();
        // From where fleet and the admins come.
        let operators = addresses::sources("", &recorded.ssh_from, &inventory.servers).unwrap_or_default();
        let fleet = Own::of(inventory.servers.values());
        for text in &self.addresses {
            let network = match parse::network(text) {
                Ok(network) => network,
                Err(refusal) => {
                    problems.push(usage(refusal));
                    continue;
                }
            };
            let operator = operators.networks.iter().find(|own| own.contains(&network) || network.contains(*own));
            if let Some(own) = fleet.within(&network) {
                problems.push(Diagnostic::usage(own).hint("what belongs to the fleet cannot be banned"));
            } else if let Some(own) = operator {
                let own = parse::network_text(own);
                let message = format!("`{text}` cannot be banned: fleet and its admins come from `{own}` by SSH");
                problems.push(Diagnostic::usage(message).hint("`fleet enable-firewall --ssh-from` says from where they come"));
            } else {
                networks.push(network);
            }
        }
        let seconds = match self.expires.as_deref().map(parse::seconds) {
            Some(Err(refusal)) => {
                problems.push(usage(refusal));
                None
            }
            Some(Ok(seconds)) => Some(seconds),
            None => None,
        };
        refused(problems)?;
        if recorded.on.is_empty() {
            context.ui.warn("the firewall is enabled nowhere yet: the ban is only recorded");
        }
        let reason = self.reason;
        change(context, Self::NAME, self.staging, |firewall, now| {
            let until = seconds.and_then(|seconds| Timestamp::from_second(now.as_second().saturating_add(seconds)).ok());
            for network in networks {
                let since = Timestamp::from_second(now.as_second()).unwrap_or(now);
                let ban = Ban { since, until, reason: reason.clone() };
                firewall.bans.insert(parse::network_text(&network), ban);
            }
            Ok(())
        })
    }
}
