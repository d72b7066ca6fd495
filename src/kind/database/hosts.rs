//! Where a user of a database may come from.

use std::collections::BTreeSet;
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use ipnet::IpNet;

use super::Engine;
use crate::kind::Compile;
use crate::model::{Selector, Server, ServerName};

/// Where a user may come from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Host {
    /// The server itself.
    Local,
    /// These addresses.
    Net(IpNet),
    /// The servers that a selector matches, also those that are added later.
    Servers(String),
    /// Anywhere at all.
    Any,
}

impl FromStr for Host {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let shown = crate::diagnostic::ticked(text);
        match text {
            "localhost" => return Ok(Self::Local),
            "any" | "%" => return Ok(Self::Any),
            _ => {}
        }
        if let Some(selector) = text.strip_prefix("server:") {
            return match Selector::parse(&[selector.to_owned()]) {
                Ok(parsed) if !parsed.is_all() => Ok(Self::Servers(selector.to_owned())),
                Ok(_) => Err(format!("{shown} names no server")),
                Err(errors) => {
                    let said: Vec<String> = errors.0.into_iter().map(|e| e.message).collect();
                    Err(said.join("; "))
                }
            };
        }
        if let Ok(address) = text.parse::<IpAddr>() {
            return Ok(Self::of_net(address.into()));
        }
        match text.parse::<IpNet>() {
            Ok(network) if network.trunc() == network => Ok(Self::of_net(network)),
            Ok(network) => Err(format!(
                "{shown} has bits behind its prefix: the network is `{}`",
                network.trunc()
            )),
            Err(_) => Err(format!(
                "{shown} is none of `localhost`, an address, a network, `server:SELECTOR`, `any`"
            )),
        }
    }
}

impl Host {
    fn of_net(network: IpNet) -> Self {
        if network.addr().is_loopback() {
            Self::Local
        } else {
            Self::Net(network)
        }
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Local => f.write_str("localhost"),
            Self::Any => f.write_str("any"),
            Self::Servers(selector) => write!(f, "server:{selector}"),
            Self::Net(network) if network.prefix_len() == network.max_prefix_len() => {
                write!(f, "{}", network.addr())
            }
            Self::Net(network) => write!(f, "{network}"),
        }
    }
}

/// Hosts as they are stored: in order, each once. One that is none stays, for the check to refuse it.
pub fn canonical(hosts: &[String]) -> Vec<String> {
    let texts = hosts.iter().map(|text| {
        let host = text.parse::<Host>();
        host.map_or_else(|_| text.clone(), |host| host.to_string())
    });
    texts.collect::<BTreeSet<_>>().into_iter().collect()
}

/// Why a host cannot be one of `engine`.
pub(super) fn refuse(host: &Host, engine: Engine) -> Option<String> {
    match (engine, host) {
        (Engine::Mariadb, Host::Net(IpNet::V6(network)))
            if network.prefix_len() != network.max_prefix_len() =>
        {
            Some(format!(
                "MariaDB has no way to write the network `{network}`: name its addresses, or `any`"
            ))
        }
        _ => None,
    }
}

/// Where a user may come from, with servers as their addresses.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Source {
    /// The server itself.
    Local,
    /// These addresses.
    Net(IpNet),
    /// Anywhere.
    Any,
}

impl Source {
    /// As the host part of an account of MariaDB.
    pub(super) fn mariadb(&self) -> String {
        match self {
            Self::Local => "localhost".to_owned(),
            Self::Any => "%".to_owned(),
            Self::Net(network) if network.prefix_len() == network.max_prefix_len() => {
                network.addr().to_string()
            }
            Self::Net(network) => format!("{}/{}", network.network(), network.netmask()),
        }
    }
}

/// The sources of `hosts` for a database on the server that is compiled for.
///
/// # Errors
/// Servers without a known address, in words.
pub(super) fn sources(hosts: &[String], input: &Compile<'_>) -> Result<BTreeSet<Source>, String> {
    let mut sources = BTreeSet::new();
    for host in hosts {
        match host.parse::<Host>()? {
            Host::Local => {
                sources.insert(Source::Local);
            }
            Host::Any => {
                sources.insert(Source::Any);
            }
            Host::Net(network) => {
                sources.insert(Source::Net(network));
            }
            Host::Servers(text) => {
                let words = |errors: crate::diagnostic::Diagnostics| {
                    let said: Vec<String> = errors.0.into_iter().map(|e| e.message).collect();
                    said.join("; ")
                };
                let selector = Selector::parse(std::slice::from_ref(&text)).map_err(words)?;
                let selected = match selector.select(input.fleet.servers) {
                    Ok(selected) => selected,
                    Err(errors) if text.parse::<ServerName>().is_ok() => return Err(words(errors)),
                    // One that matches nobody (any more) lets nobody in.
                    Err(_) => Vec::new(),
                };
                for server in selected {
                    if server.name == input.server.name {
                        sources.insert(Source::Local);
                    } else {
                        sources.extend(addresses(server)?.into_iter().map(Source::Net));
                    }
                }
            }
        }
    }
    Ok(sources)
}

fn addresses(server: &Server) -> Result<Vec<IpNet>, String> {
    let addresses = server.known_addresses();
    if addresses.is_empty() {
        return Err(format!(
            "the address of server `{}` is not known: give it an `ipv4` or `ipv6` in the inventory",
            server.name
        ));
    }
    Ok(addresses.into_iter().map(IpNet::from).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_read_and_written_back_in_one_way() {
        for (text, written) in [
            ("localhost", "localhost"),
            ("127.0.0.1", "localhost"),
            ("::1", "localhost"),
            ("%", "any"),
            ("192.0.2.7", "192.0.2.7"),
            ("192.0.2.7/32", "192.0.2.7"),
            ("10.0.0.0/8", "10.0.0.0/8"),
            ("2001:DB8::1", "2001:db8::1"),
            ("server:role=web", "server:role=web"),
        ] {
            assert_eq!(
                text.parse::<Host>().map(|h| h.to_string()),
                Ok(written.to_owned())
            );
        }
        for text in [
            "",
            "10.0.0.1/8",
            "%.example.com",
            "server:",
            "a'b",
            "10.0.0.0/33",
            "host",
        ] {
            assert!(text.parse::<Host>().is_err(), "{text}");
        }
    }

    #[test]
    fn mariadb_writes_networks_with_masks() {
        let net = |text: &str| Source::Net(text.parse().expect("a network"));
        assert_eq!(net("10.8.0.0/13").mariadb(), "10.8.0.0/255.248.0.0");
        assert_eq!(net("192.0.2.7/32").mariadb(), "192.0.2.7");
        assert_eq!(net("fd83::11/128").mariadb(), "fd83::11");
        assert!(
            refuse(
                &Host::Net("fd83::/64".parse().expect("a network")),
                Engine::Mariadb
            )
            .is_some()
        );
        assert!(
            refuse(
                &Host::Net("fd83::/64".parse().expect("a network")),
                Engine::Postgres
            )
            .is_none()
        );
    }
}
