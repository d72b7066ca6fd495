//! A server as the inventory describes it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::PathBuf;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The name of a server in the inventory: 1 to 63 of `a-z 0-9 . _ -`, beginning with a letter or digit.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ServerName(String);

impl ServerName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ServerName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let first_ok = text
            .chars()
            .next()
            .is_some_and(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
        let rest_ok = text
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "._-".contains(c));
        if first_ok && rest_ok && text.len() <= 63 {
            Ok(Self(text.to_owned()))
        } else {
            Err(
                "a server name is 1 to 63 of `a-z 0-9 . _ -` and begins with a letter or digit"
                    .to_owned(),
            )
        }
    }
}

impl TryFrom<String> for ServerName {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<ServerName> for String {
    fn from(name: ServerName) -> Self {
        name.0
    }
}

impl fmt::Display for ServerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for ServerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

/// What a server may be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Websites.
    Web,
    /// DNS zones.
    Dns,
    /// Databases.
    Database,
}

impl Role {
    /// Every role, in the order they are shown.
    pub const ALL: [Self; 3] = [Self::Web, Self::Dns, Self::Database];

    /// The word for it in the inventory.
    pub fn word(self) -> &'static str {
        match self {
            Self::Web => "web",
            Self::Dns => "dns",
            Self::Database => "database",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// How scripts reach a server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TransportKind {
    /// Over SSH.
    #[default]
    Ssh,
    /// Through `sh` on this machine.
    Local,
}

/// The host through which a server is reached (as `ProxyJump` of `ssh_config`(5)).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Jump {
    /// Another server of the inventory.
    Server(ServerName),
    /// A host that is not in the inventory.
    Host {
        /// The user to log in as; the server's own when absent.
        user: Option<String>,
        /// Host name or address.
        address: String,
        /// TCP port; 22 when absent.
        port: Option<u16>,
    },
}

/// An entry of the inventory, with the defaults filled in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Server {
    /// Its name, unique in the inventory.
    pub name: ServerName,
    /// Host name or IP address where it is reached; also an alias of `ssh_config`(5).
    pub address: String,
    /// TCP port of sshd; `None` leaves it to `ssh_config`(5), else 22.
    pub port: Option<u16>,
    /// User to log in as; `None` leaves it to `ssh_config`(5), else `root`.
    pub user: Option<String>,
    /// Private key file; `None` leaves it to `ssh_config`(5), the agent and the usual files.
    pub identity_file: Option<PathBuf>,
    /// Reached through this host.
    pub jump: Option<Jump>,
    /// How scripts reach it.
    pub transport: TransportKind,
    /// Whether scripts run through `sudo -n`.
    pub r#become: bool,
    /// What it may hold, in units of weight.
    pub capacity: u32,
    /// Servers of higher priority are filled first.
    pub priority: i32,
    /// A word for where it stands.
    pub region: Option<String>,
    /// The admin's own keys and values.
    pub labels: BTreeMap<String, String>,
    /// Whether it may take resources and is swept at all.
    pub active: bool,
    /// Public IPv4 addresses, for DNS.
    pub ipv4: Vec<Ipv4Addr>,
    /// Public IPv6 addresses, for DNS.
    pub ipv6: Vec<Ipv6Addr>,
    /// What it may be used for.
    pub roles: BTreeSet<Role>,
}

impl Server {
    /// A server with fleet's defaults.
    pub fn new(name: ServerName, address: impl Into<String>) -> Self {
        Self {
            name,
            address: address.into(),
            port: None,
            user: None,
            identity_file: None,
            jump: None,
            transport: TransportKind::Ssh,
            r#become: false,
            capacity: 50,
            priority: 0,
            region: None,
            labels: BTreeMap::new(),
            active: true,
            ipv4: Vec::new(),
            ipv6: Vec::new(),
            roles: Role::ALL.into(),
        }
    }

    /// The addresses by which others know it: those of the inventory, else the one it is reached at if it is one.
    pub fn public_addresses(&self) -> Vec<IpAddr> {
        let v4 = self.ipv4.iter().copied().map(IpAddr::from);
        let v6 = self.ipv6.iter().copied().map(IpAddr::from);
        let mut known: Vec<IpAddr> = v4.chain(v6).collect();
        if known.is_empty() {
            known.extend(self.reached_at());
        }
        known
    }

    /// Every address of it that is known.
    pub fn known_addresses(&self) -> BTreeSet<IpAddr> {
        let public = self.public_addresses().into_iter();
        public.chain(self.reached_at()).collect()
    }

    fn reached_at(&self) -> Option<IpAddr> {
        self.address.parse().ok()
    }
}
