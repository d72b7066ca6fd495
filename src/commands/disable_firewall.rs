//! `fleet disable-firewall`: takes fleet's table away from the servers of a selector; the rules stay recorded.

use std::collections::BTreeMap;

use clap::Args;

use super::firewall::{change, recorded};
use super::flags::Staging;
use super::{Ending, Example, Group, Verb};
use crate::context::Context;
use crate::diagnostic::{Diagnostic, Diagnostics, ticked};
use crate::model::selector::Selector;
use crate::model::{Server, ServerName};
use crate::shell::quote;

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
            let gone = without(&mut firewall.on, &on, &leaving, &inventory.servers);
            for term in gone.iter().filter(|term| !term.starts_with('!')) {
                let what = ticked(term);
                let text = format!("{what} matches no server now, and is no longer where the firewall is enabled");
                context.ui.warn(&text);
                let line = format!("`fleet enable-firewall {}`", quote(term));
                context.ui.hint(&format!("{line} enables it there, once there is one"));
            }
            Ok::<_, Diagnostics>(())
        })
    }
}

/// Takes the servers of some terms, which are `leaving`, out of the terms by which the firewall is enabled. Returns those
/// that went because they match nothing.
fn without(
    on: &mut Vec<String>,
    terms: &[String],
    leaving: &[&Server],
    servers: &BTreeMap<ServerName, Server>,
) -> Vec<String> {
    for term in terms {
        let had = on.len();
        on.retain(|other| other != term);
        if on.len() == had {
            on.push(format!("!{term}"));
        }
    }
    on.retain(|term| !leaving.iter().any(|server| server.name.as_str() == term));
    // What matches nothing any more would have the rest refused.
    let (rest, gone) = std::mem::take(on).into_iter().partition(|term| {
        let of = [term.trim_start_matches('!').to_owned()];
        Selector::parse(&of).is_ok_and(|of| of.select(servers).is_ok())
    });
    *on = rest;
    let selected = |on: &[String]| match Selector::parse(on) {
        Ok(terms) if on.iter().any(|term| !term.starts_with('!')) => terms.select(servers).unwrap_or_default(),
        _ => Vec::new(),
    };
    // A server that another term selects as well is taken out by name.
    let staying = selected(on);
    for server in leaving.iter().filter(|server| staying.contains(server)) {
        on.push(format!("!{}", server.name));
    }
    if selected(on).is_empty() {
        on.clear();
    }
    gone
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn what_is_disabled_is_off_by_whatever_terms_it_was_enabled() {
        let servers: BTreeMap<ServerName, Server> = ["sg-1", "sg-2", "sg-3"]
            .map(|name| Server::new(name.parse().unwrap(), "192.0.2.1"))
            .map(|server| (server.name.clone(), server))
            .into();
        for (on, terms, rest) in [
            (&["*"][..], "*", &[][..]),
            (&["*", "sg-2"], "*", &[]),
            (&["sg-1", "sg-2", "!sg-1"], "sg-*", &[]),
            (&["*"], "sg-1", &["*", "!sg-1"]),
            (&["*", "sg-2"], "sg-2", &["*", "!sg-2"]),
            (&["sg-1", "sg-2"], "sg-1", &["sg-2"]),
            (&["sg-1", "sg-2", "gone"], "sg-1", &["sg-2"]),
            (&["sg-1", "sg-[23]"], "sg-3", &["sg-1", "sg-[23]", "!sg-3"]),
        ] {
            let terms = [terms.to_owned()];
            let leaving = Selector::parse(&terms).unwrap().select(&servers).unwrap();
            let mut left: Vec<String> = on.iter().map(|term| (*term).to_owned()).collect();
            let gone = without(&mut left, &terms, &leaving, &servers);
            assert_eq!(left, rest, "{on:?} without {terms:?}");
            let named = |term: &str| gone.iter().any(|gone| gone == term);
            assert_eq!(on.contains(&"gone"), named("gone"), "{gone:?}");
        }
    }
}
