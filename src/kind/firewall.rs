//! The firewall of the fleet: on which servers it is enabled, its base policy, bans and sets of addresses. There is one
//! such resource; its own commands change it.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use clap::Args;
use ipnet::IpNet;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::rule::addresses::sources;
use super::rule::parse;
use super::{Compile, Scope, Spec, Summary};
use crate::diagnostic::Invalid;
use crate::item::ruleset::{Base, Need, Ruleset, TCP};
use crate::item::{Item, Package};
use crate::model::{Jump, Role, Server};

/// The name of the only one.
pub const NAME: &str = "fleet";

/// The settings of the firewall.
#[derive(Clone, Debug, Default, PartialEq, Args, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Firewall {
    /// The terms of the selector whose servers have it; none at all is no server.
    #[arg(skip)]
    pub on: Vec<String>,
    /// From where SSH is open, as `--from` of a rule.
    #[arg(skip)]
    pub ssh_from: Vec<String>,
    /// Ports of sshd beside those of the inventory, as servers have said.
    #[arg(skip)]
    pub ssh_ports: BTreeSet<u16>,
    /// Who is kept out.
    #[arg(skip)]
    pub bans: BTreeMap<String, Ban>,
    /// Sets of addresses that rules refer to.
    #[arg(skip)]
    pub sets: BTreeMap<String, BTreeSet<String>>,
}

/// An address or a network that is kept out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ban {
    /// When it was banned.
    pub since: Timestamp,
    /// When it may come in again; absent for never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// Why, in the admin's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl Ban {
    /// Whether it has ended.
    pub fn is_over(&self, now: Timestamp) -> bool {
        self.until.is_some_and(|until| until <= now)
    }
}

impl Spec for Firewall {
    const KIND: &'static str = "firewall";
    const PLURAL: &'static str = "firewalls";
    const ABOUT: &'static str = "the firewall";
    const NAME: &'static str = "NAME";
    const ROLE: Option<Role> = None;
    const PLACED: bool = false;
    const WEIGHT: u32 = 0;
    const WITHOUT: &'static [&'static str] = &[
        "add-firewall",
        "set-firewall",
        "list-firewalls",
        "show-firewall",
        "suspend-firewall",
        "resume-firewall",
        "remove-firewall",
    ];
    const EXAMPLE: &'static str = "fleet enable-firewall role=web";

    fn canonical_name(input: &str) -> Result<String, Invalid> {
        if input == NAME {
            return Ok(input.to_owned());
        }
        let mut invalid = Invalid::default();
        invalid.push_with_hint(
            "",
            "there is one firewall for the fleet",
            "`fleet enable-firewall SELECTOR`",
        );
        Err(invalid)
    }

    fn validate(&self, _name: &str, _now: Timestamp) -> Result<(), Invalid> {
        let mut invalid = Invalid::default();
        if let Err(errors) = crate::model::selector::Selector::parse(&self.on) {
            for error in errors.0 {
                invalid.push_with_hint("", error.message, error.hints.join("; "));
            }
        }
        for text in &self.ssh_from {
            if let Err((message, hint)) = parse::source(text) {
                invalid.push_with_hint("ssh_from", message, hint);
            }
        }
        if !self.on.is_empty() && self.ssh_from.is_empty() {
            invalid.push_with_hint(
                "ssh_from",
                "SSH would be open to nobody",
                "`--ssh-from ADDRESS`, or `--ssh-from any`",
            );
        }
        let members = self.sets.values().flatten();
        for text in self.bans.keys().chain(members) {
            if let Err((message, hint)) = parse::network(text) {
                invalid.push_with_hint("", message, hint);
            }
        }
        for ban in self.bans.values() {
            if let Some(Err((message, hint))) = ban.reason.as_deref().map(parse::comment) {
                invalid.push_with_hint("reason", message, hint);
            }
        }
        for name in self.sets.keys() {
            if let Err((message, hint)) = parse::label(name) {
                invalid.push_with_hint("", message, hint);
            }
        }
        invalid.into_result()
    }

    /// It takes no room.
    fn scope(&self) -> Scope {
        if self.on.is_empty() {
            Scope::Nowhere
        } else {
            Scope::Every(self.on.clone())
        }
    }

    fn items(&self, input: &Compile<'_>) -> Result<Vec<Item>, Invalid> {
        let server = input.server;
        let servers = input.fleet.servers;
        let mut invalid = Invalid::default();
        let mut ssh_ports = self.ssh_ports.clone();
        ssh_ports.insert(server.port.unwrap_or(22));
        let mut ssh_from = sources("ssh_from", &self.ssh_from, servers)?;
        let mut needs = BTreeSet::new();
        for address in on_the_way(server, servers) {
            ssh_from.networks.insert(address.into());
            needs.extend(ssh_ports.iter().take(1).map(|port| Need {
                from: address,
                protocol: TCP,
                port: server.port.unwrap_or(*port),
                what: format!(
                    "SSH from {address}, through which `{}` is reached",
                    server.name
                ),
            }));
        }
        let mut banned: BTreeMap<IpNet, Option<i64>> = BTreeMap::new();
        let own = Own::of(servers.values());
        for (text, ban) in &self.bans {
            let Ok(network) = parse::network(text) else {
                continue;
            };
            if let Some(own) = own.within(&network) {
                invalid.push_with_hint("", own, format!("`fleet unban-address {text}`"));
            }
            banned.insert(network, ban.until.map(Timestamp::as_second));
        }
        invalid.into_result()?;
        let sets = self.sets.iter().map(|(name, members)| {
            let members = members.iter().filter_map(|text| parse::network(text).ok());
            (name.clone(), members.collect())
        });
        let base = Base {
            ssh_ports,
            ssh_from,
            banned,
            sets: sets.collect(),
        };
        let ruleset = Ruleset {
            base: Some(base),
            needs,
            ..Ruleset::default()
        };
        let package = Package {
            name: "nftables".to_owned(),
        };
        Ok(vec![package.into(), ruleset.into()])
    }

    fn summary(&self, _name: &str) -> Summary {
        vec![("on", self.on.join(",").into())]
    }
}

/// The addresses of what a server is reached through.
fn on_the_way(
    server: &Server,
    servers: &BTreeMap<crate::model::ServerName, Server>,
) -> BTreeSet<IpAddr> {
    match &server.jump {
        Some(Jump::Server(name)) => servers
            .get(name)
            .map(Server::known_addresses)
            .unwrap_or_default(),
        Some(Jump::Host { address, .. }) => address.parse().into_iter().collect(),
        None => BTreeSet::new(),
    }
}

/// The addresses that nobody may ban: those of the fleet, and this machine's own.
#[derive(Debug)]
pub struct Own<'s>(BTreeMap<IpAddr, Whose<'s>>);

#[derive(Clone, Copy, Debug)]
enum Whose<'s> {
    Server(&'s Server),
    WayTo(&'s Server),
    Everybody,
}

impl<'s> Own<'s> {
    /// Those of these servers.
    pub fn of(servers: impl IntoIterator<Item = &'s Server>) -> Self {
        let mut own = BTreeMap::new();
        for server in servers {
            for address in server.known_addresses() {
                own.insert(address, Whose::Server(server));
            }
            if let Some(Jump::Host { address, .. }) = &server.jump
                && let Ok(address) = address.parse()
            {
                own.entry(address).or_insert(Whose::WayTo(server));
            }
        }
        for this in [
            IpAddr::from(Ipv4Addr::LOCALHOST),
            IpAddr::from(Ipv6Addr::LOCALHOST),
        ] {
            own.entry(this).or_insert(Whose::Everybody);
        }
        Self(own)
    }

    /// Says whose address lies in `network`, if there is one.
    pub fn within(&self, network: &IpNet) -> Option<String> {
        // Addresses of one family are in their order, so those of a network are side by side.
        let (address, whose) = self
            .0
            .range(network.network()..=network.broadcast())
            .next()?;
        let text = parse::network_text(network);
        Some(match whose {
            Whose::Server(server) if text == address.to_string() => {
                format!("`{text}` is server `{}` of the fleet", server.name)
            }
            Whose::Server(server) => format!(
                "`{text}` holds {address}, which is server `{}` of the fleet",
                server.name
            ),
            Whose::WayTo(server) => {
                format!("server `{}` is reached through {address}", server.name)
            }
            Whose::Everybody => format!("`{text}` is every machine's own"),
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn what_belongs_to_the_fleet_is_found_in_a_network() {
        let mut private = Server::new("db-1".parse().unwrap(), "10.0.0.5");
        private.ipv4.push("203.0.113.5".parse().unwrap());
        private.ipv6.push("2001:db8::5".parse().unwrap());
        let mut behind = Server::new("in-1".parse().unwrap(), "in.example");
        behind.jump = Some(Jump::Host {
            user: None,
            address: "198.51.100.9".to_owned(),
            port: None,
        });
        let servers = [private, behind];
        let own = Own::of(&servers);
        for (network, said) in [
            (
                "10.0.0.5/32",
                Some("`10.0.0.5` is server `db-1` of the fleet"),
            ),
            (
                "203.0.113.0/24",
                Some("`203.0.113.0/24` holds 203.0.113.5, which is server `db-1` of the fleet"),
            ),
            (
                "2001:db8::/32",
                Some("`2001:db8::/32` holds 2001:db8::5, which is server `db-1` of the fleet"),
            ),
            (
                "198.51.100.0/24",
                Some("server `in-1` is reached through 198.51.100.9"),
            ),
            ("127.0.0.0/8", Some("`127.0.0.0/8` is every machine's own")),
            ("::1/128", Some("`::1` is every machine's own")),
            ("192.0.2.0/24", None),
            ("10.0.0.4/32", None),
            ("2001:db9::/32", None),
        ] {
            let network = network.parse().unwrap();
            assert_eq!(own.within(&network).as_deref(), said, "{network}");
        }
        assert!(own.within(&"0.0.0.0/0".parse().unwrap()).is_some());
    }
}
