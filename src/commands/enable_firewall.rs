//! `fleet enable-firewall`: what is not let in by a rule stays out, on the servers of a selector.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use clap::Args;

use super::ask::ask;
use super::firewall::{enable, recorded, usage};
use super::flags::Staging;
use super::{Ending, Example, Group, Verb};
use crate::context::Context;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::item::ruleset::connection;
use crate::kind::rule::parse;
use crate::model::selector::Selector;
use crate::model::{Server, ServerName, TransportKind};
use crate::shell::Script;

/// Enables the firewall.
#[derive(Args, Debug)]
pub struct EnableFirewall {
    /// The servers, also those that match it later: `sg-1`, `role=web`, `*`
    #[arg(value_name = "SELECTOR", required = true, value_delimiter = ',')]
    on: Vec<String>,
    /// From where SSH stays open, in place of what was recorded: an address, a network, `server:SELECTOR`, or any
    /// [default: from where fleet comes, as the servers see it]
    #[arg(long, value_name = "SOURCE", value_delimiter = ',')]
    ssh_from: Vec<String>,
    #[command(flatten)]
    staging: Staging,
}

/// From where fleet comes to some servers, and to which ports.
#[derive(Default)]
struct Seen {
    from: BTreeSet<IpAddr>,
    ports: BTreeSet<u16>,
}

impl Verb for EnableFirewall {
    const NAME: &'static str = "enable-firewall";
    const ABOUT: &'static str = "Keep out what no rule lets in";
    const GROUP: Group = Group::Of("rule");
    const EXAMPLES: &'static [Example] = &[
        ("fleet enable-firewall sg-1", "SSH stays open to the address that fleet comes from"),
        ("fleet enable-firewall role=web --ssh-from 192.0.2.0/24", "On every web server, SSH only from the office"),
    ];

    fn run(self, context: &Context) -> anyhow::Result<Ending> {
        let inventory = context.inventory()?;
        let servers = Selector::parse(&self.on)?.select(&inventory.servers)?;
        let problems = self.ssh_from.iter().filter_map(|text| parse::source(text).err().map(usage));
        super::firewall::refused(problems.collect())?;
        let seen = seen(context, &servers, self.ssh_from.is_empty())?;
        let known = recorded(context)?.is_some_and(|(_, firewall)| !firewall.ssh_from.is_empty());
        if self.ssh_from.is_empty() && seen.from.is_empty() && !known {
            return Err(Diagnostic::usage("it is not known from where fleet comes to these servers")
                .hint("`--ssh-from ADDRESS` says from where SSH stays open")
                .into());
        }
        let (on, ssh_from) = (self.on, self.ssh_from);
        let enabling = servers.iter().map(|server| server.name.clone()).collect();
        enable(context, Self::NAME, self.staging, enabling, |firewall, _| {
            with(&mut firewall.on, on, &servers, &inventory.servers);
            if ssh_from.is_empty() {
                let from = seen.from.iter().map(ToString::to_string);
                for text in from.filter(|text| !firewall.ssh_from.contains(text)).collect::<Vec<_>>() {
                    firewall.ssh_from.push(text);
                }
            } else {
                firewall.ssh_from = ssh_from;
            }
            firewall.ssh_ports.extend(seen.ports);
            Ok::<_, Diagnostics>(())
        })
    }
}

/// Adds some terms, whose servers are `coming`, to those by which the firewall is enabled. A term that keeps out one of
/// these servers gives way to the names of the others that it keeps out.
fn with(
    on: &mut Vec<String>,
    terms: Vec<String>,
    coming: &[&Server],
    servers: &BTreeMap<ServerName, Server>,
) {
    for term in terms {
        on.retain(|other| *other != format!("!{term}") && *other != term);
        on.push(term);
    }
    for term in std::mem::take(on) {
        let kept_out = term.strip_prefix('!').and_then(|term| {
            let selector = Selector::parse(&[term.to_owned()]).ok()?;
            selector.select(servers).ok()
        });
        match kept_out {
            Some(kept_out) if kept_out.iter().any(|server| coming.contains(server)) => {
                let others = kept_out.iter().filter(|server| !coming.contains(server));
                on.extend(others.map(|server| format!("!{}", server.name)));
            }
            _ => on.push(term),
        }
    }
}

/// Asks the servers how fleet comes to them; what comes through another server of the fleet is let in anyway.
fn seen(context: &Context, servers: &[&Server], must: bool) -> anyhow::Result<Seen> {
    let inventory = context.inventory()?;
    let mut question = Script::new();
    question.raw(":\n");
    let asked = servers.iter().filter(|server| server.transport == TransportKind::Ssh);
    let questions = asked.map(|server| ((*server).clone(), question.clone())).collect();
    let (answers, problems) = ask(context, questions)?;
    let mut seen = Seen::default();
    for (name, answer) in &answers {
        let Some((from, port)) = answer.seen_as.as_deref().and_then(connection) else {
            continue;
        };
        seen.ports.insert(port);
        let jump = inventory.servers.get(name).and_then(|server| match &server.jump {
            Some(crate::model::Jump::Server(jump)) => inventory.servers.get(jump),
            _ => None,
        });
        if !jump.is_some_and(|jump| jump.known_addresses().contains(&from)) && !from.is_loopback() {
            seen.from.insert(from);
        }
    }
    if must {
        for problem in &problems {
            context.ui.problem(problem);
        }
    }
    Ok(seen)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::model::Role;

    #[test]
    fn what_is_enabled_is_on_whatever_kept_it_out() {
        let servers: BTreeMap<ServerName, Server> = ["db-1", "web-1", "web-2"]
            .map(|name| {
                let mut server = Server::new(name.parse().unwrap(), "192.0.2.1");
                let role = if name == "db-1" { Role::Database } else { Role::Web };
                server.roles = [role].into();
                (server.name.clone(), server)
            })
            .into();
        for (on, term, rest) in [
            (&["*", "!role=web"][..], "*", &["*"][..]),
            (&["*", "!role=web"], "web-1", &["*", "!web-2", "web-1"]),
            (&["*", "!role=web"], "role=web", &["*", "role=web"]),
            (&["*", "!web-1", "!web-2"], "role=web", &["*", "role=web"]),
            (&["*", "!role=web"], "db-1", &["*", "!role=web", "db-1"]),
            // What matches nothing at the moment keeps out nobody who comes.
            (&["*", "!role=dns"], "*", &["!role=dns", "*"]),
            (&[], "role=web", &["role=web"]),
        ] {
            let terms = vec![term.to_owned()];
            let coming = Selector::parse(&terms).unwrap().select(&servers).unwrap();
            let mut now: Vec<String> = on.iter().map(|term| (*term).to_owned()).collect();
            with(&mut now, terms, &coming, &servers);
            assert_eq!(now, rest, "{on:?} with {term}");
            let selected = Selector::parse(&now).unwrap().select(&servers).unwrap();
            assert!(coming.iter().all(|server| selected.contains(server)), "{now:?}");
        }
    }
}
