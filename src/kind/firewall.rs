//! The firewall of the fleet: on which servers it is enabled, its base policy, bans and sets of addresses. There is one
//! such resource; its own commands change it.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

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
        for (text, ban) in &self.bans {
            let Ok(network) = parse::network(text) else {
                continue;
            };
            if let Some(own) = own_address(&network, servers.values()) {
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

/// Says whose address lies in `network`, if it is one of the fleet's or of this machine's own.
pub fn own_address<'s>(
    network: &IpNet,
    servers: impl IntoIterator<Item = &'s Server>,
) -> Option<String> {
    let text = parse::network_text(network);
    for server in servers {
        let mut own = server.known_addresses().into_iter();
        if let Some(address) = own.find(|address| network.contains(address)) {
            return Some(if text == address.to_string() {
                format!("`{text}` is server `{}` of the fleet", server.name)
            } else {
                format!(
                    "`{text}` holds {address}, which is server `{}` of the fleet",
                    server.name
                )
            });
        }
        if let Some(Jump::Host { address, .. }) = &server.jump
            && address
                .parse()
                .is_ok_and(|address: IpAddr| network.contains(&address))
        {
            return Some(format!(
                "server `{}` is reached through {address}",
                server.name
            ));
        }
    }
    let this = ["127.0.0.1", "::1"]
        .iter()
        .filter_map(|text| text.parse::<IpAddr>().ok());
    this.filter(|address| network.contains(address))
        .map(|_| format!("`{text}` is every machine's own"))
        .next()
}
