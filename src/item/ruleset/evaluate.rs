//! What the rules do with a connection: asked before they are sent, so that nobody is locked out.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::Ruleset;
use super::rule::{Packet, Rate, TCP, Verdict};

/// What decides about a packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decider {
    /// A rule of the admin's.
    Rule(String),
    /// A rule that ends by itself, so that nothing may depend on it.
    Expiring(String),
    /// A rule that lets in so few connections that nothing may depend on it, and its rate.
    Slow(String, Rate),
    /// A ban.
    Ban(String),
    /// No rule lets it in.
    Nobody,
}

/// A connection that the rules cut.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cut {
    /// What needs it: `the connection from 192.0.2.1 to port 22, by which fleet came`.
    pub what: String,
    /// What cuts it.
    pub by: Decider,
}

impl Cut {
    /// Both, in a sentence.
    pub fn reason(&self) -> String {
        let what = &self.what;
        match &self.by {
            Decider::Rule(name) => format!("rule `{name}` would cut {what}"),
            Decider::Expiring(name) => format!("only rule `{name}` lets in {what}, and that rule ends by itself"),
            Decider::Slow(name, rate) => format!("rule `{name}` would let in only {rate} of {what}"),
            Decider::Ban(network) => format!("the ban of `{network}` would cut {what}"),
            Decider::Nobody => format!("no rule would let in {what}"),
        }
    }
}

/// A connection that something depends on.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Need {
    /// Where it comes from.
    pub from: IpAddr,
    /// Number of its protocol.
    pub protocol: u8,
    /// The port it asks for.
    pub port: u16,
    /// What needs it: `zone transfer of example.com`.
    pub what: String,
}

/// Where whoever may come asks for what a resource serves: `tcp 80`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Served {
    /// Number of its protocol.
    pub protocol: u8,
    /// The port.
    pub port: u16,
}

impl Ruleset {
    /// What keeps a packet out; `None` when it comes in for good.
    pub fn keeps_out(&self, packet: &Packet) -> Option<Decider> {
        let base = self.base.as_ref()?;
        if packet.from.is_loopback() {
            return None;
        }
        let banned = base.banned.keys().find(|network| network.contains(&packet.from));
        if let Some(network) = banned {
            return Some(Decider::Ban(network.to_string()));
        }
        let mut expiring = None;
        for rule in self.rules().filter(|rule| rule.matches(packet, &base.sets)) {
            let slow = rule.rate.filter(|rate| rate.is_slow());
            match (rule.verdict, slow, rule.until) {
                // What is more than the rate is dropped, whatever comes after it.
                (Verdict::Allow, Some(rate), _) => return Some(Decider::Slow(rule.name.to_string(), rate)),
                (Verdict::Allow, None, None) => return None,
                (Verdict::Allow, None, Some(_)) => {
                    expiring.get_or_insert_with(|| Decider::Expiring(rule.name.to_string()));
                }
                _ => return Some(Decider::Rule(rule.name.to_string())),
            }
        }
        let comes = |sources: &super::Sources| {
            sources.any
                || sources.networks.iter().any(|network| network.contains(&packet.from))
                || sources
                    .sets
                    .iter()
                    .filter_map(|name| base.sets.get(name))
                    .flatten()
                    .any(|network| network.contains(&packet.from))
        };
        let opening = self.openings.values().any(|opening| {
            (opening.protocol, opening.port) == (packet.protocol, packet.port) && comes(&opening.sources)
        });
        let ssh = packet.protocol == TCP && base.ssh_ports.contains(&packet.port) && comes(&base.ssh_from);
        if opening || ssh {
            return None;
        }
        Some(expiring.unwrap_or(Decider::Nobody))
    }

    /// Every connection that these rules cut and something depends on; `by` is the one by which the server was reached:
    /// the address it came from and the port it asked for.
    pub fn cuts(&self, by: Option<(IpAddr, u16)>) -> Vec<Cut> {
        let mut needs: BTreeSet<Need> = self.needs.clone();
        for (name, opening) in &self.openings {
            // One address of each network stands for it.
            needs.extend(opening.sources.networks.iter().map(|network| Need {
                from: network.addr(),
                protocol: opening.protocol,
                port: opening.port,
                what: format!("what comes from {network} for {name}"),
            }));
        }
        if let Some((from, port)) = by {
            needs.insert(Need {
                from,
                protocol: TCP,
                port,
                what: format!("the connection from {from} to port {port} by which fleet comes"),
            });
        }
        needs
            .into_iter()
            .filter_map(|need| {
                let packet = Packet { from: need.from, protocol: need.protocol, port: need.port };
                let by = self.keeps_out(&packet)?;
                Some(Cut { what: need.what, by })
            })
            .collect()
    }
}
