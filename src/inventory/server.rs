//! `[defaults]` and `[servers.NAME]` of the inventory: the keys of a server, and how defaults are filled in.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{Ipv4Addr, Ipv6Addr};
use std::ops::Range;
use std::path::PathBuf;

use toml::de::DeTable;

use super::read::{Entry, Reader};
use super::value::{self, CAPACITY_LIMIT, JumpText};
use crate::model::{Role, Server, ServerName, TransportKind};

/// Every key of a server, in the order they are written.
pub const SERVER_KEYS: [&str; 15] = [
    "address",
    "port",
    "user",
    "identity_file",
    "jump",
    "transport",
    "become",
    "capacity",
    "priority",
    "region",
    "labels",
    "active",
    "ipv4",
    "ipv6",
    "roles",
];

/// What other tools and habits call the keys of a server.
const ALIASES: [(&str, &str); 27] = [
    ("host", "address"),
    ("hostname", "address"),
    ("ip", "address"),
    ("ssh_host", "address"),
    ("ansible_host", "address"),
    ("ssh_port", "port"),
    ("username", "user"),
    ("ssh_user", "user"),
    ("login", "user"),
    ("key", "identity_file"),
    ("key_file", "identity_file"),
    ("ssh_key", "identity_file"),
    ("private_key", "identity_file"),
    ("bastion", "jump"),
    ("gateway", "jump"),
    ("proxy_jump", "jump"),
    ("connection", "transport"),
    ("sudo", "become"),
    ("weight", "capacity"),
    ("max_sites", "capacity"),
    ("location", "region"),
    ("datacenter", "region"),
    ("tags", "labels"),
    ("enabled", "active"),
    ("disabled", "active"),
    ("role", "roles"),
    ("public_ip", "ipv4"),
];

/// The keys that are written in one table; `None` is left to the defaults.
#[derive(Default)]
pub(super) struct Entries {
    pub(super) address: Option<Placed<String>>,
    pub(super) port: Option<Placed<u16>>,
    user: Option<String>,
    identity_file: Option<PathBuf>,
    pub(super) jump: Option<Placed<JumpText>>,
    transport: Option<TransportKind>,
    r#become: Option<bool>,
    capacity: Option<u32>,
    priority: Option<i32>,
    region: Option<String>,
    labels: BTreeMap<String, String>,
    active: Option<bool>,
    ipv4: Option<Vec<Ipv4Addr>>,
    ipv6: Option<Vec<Ipv6Addr>>,
    roles: Option<Vec<Role>>,
    /// Keys that are there but were refused: what is missing must not be reported as well.
    pub(super) refused: BTreeSet<String>,
}

/// A value and where it is written.
#[derive(Clone)]
pub(super) struct Placed<T> {
    pub(super) value: T,
    pub(super) span: Range<usize>,
}

/// Reads the keys of a server from `table`; the problems are noted.
pub(super) fn read(reader: &mut Reader<'_, '_>, table: &DeTable<'_>, is_defaults: bool) -> Entries {
    let mut entries = Entries::default();
    for (key, value) in table {
        let entry = (key.get_ref().as_ref(), value);
        if entry.0 == "address" && is_defaults {
            let message = "`address` in `defaults` would give all servers the same address";
            let hint = "write `address` in each `[servers.NAME]`".to_owned();
            reader.problem(&key.span(), message, Some(hint));
        } else if !SERVER_KEYS.contains(&entry.0) {
            reader.unknown_key(key, &SERVER_KEYS[usize::from(is_defaults)..], &ALIASES);
        } else if entries.take(reader, entry).is_none() {
            entries.refused.insert(entry.0.to_owned());
        }
    }
    entries
}

impl Entries {
    /// Takes the value of one known key; `None` when it was refused.
    fn take(&mut self, reader: &mut Reader<'_, '_>, entry: Entry<'_>) -> Option<()> {
        let span = entry.1.span();
        match entry.0 {
            "address" => {
                let value = reader.string(entry, value::address)?;
                self.address = Some(Placed { value, span });
            }
            "port" => {
                let value = u16::try_from(reader.integer(entry, 1, 65535)?).ok()?;
                self.port = Some(Placed { value, span });
            }
            "user" => self.user = Some(reader.string(entry, value::user)?),
            "identity_file" => {
                self.identity_file = Some(reader.path(entry, value::identity_file)?);
            }
            "jump" => {
                let value = reader.string(entry, value::jump)?;
                self.jump = Some(Placed { value, span });
            }
            "transport" => self.transport = Some(reader.string(entry, value::transport)?),
            "become" => self.r#become = Some(reader.boolean(entry)?),
            "capacity" => {
                let number = reader.integer(entry, 0, CAPACITY_LIMIT.into())?;
                self.capacity = Some(u32::try_from(number).ok()?);
            }
            "priority" => {
                let number = reader.integer(entry, i32::MIN.into(), i32::MAX.into())?;
                self.priority = Some(i32::try_from(number).ok()?);
            }
            "region" => self.region = Some(reader.string(entry, value::word)?),
            "labels" => self.labels = labels(reader, entry)?,
            "active" => self.active = Some(reader.boolean(entry)?),
            "ipv4" => self.ipv4 = Some(reader.strings(entry, value::ipv4)?),
            "ipv6" => self.ipv6 = Some(reader.strings(entry, value::ipv6)?),
            _ => self.roles = Some(reader.strings(entry, value::role)?),
        }
        Some(())
    }

    /// Whether the server is this machine.
    pub(super) fn is_local(&self, defaults: &Self) -> bool {
        self.transport.or(defaults.transport) == Some(TransportKind::Local)
    }

    /// The server with the defaults filled in, but without its jump, which needs the names of all servers.
    pub(super) fn to_server(&self, name: ServerName, defaults: &Self) -> Server {
        let address = self.address.as_ref().map(|address| address.value.clone());
        let mut server = Server::new(name, address.unwrap_or_else(|| "localhost".to_owned()));
        let port = self.port.as_ref().or(defaults.port.as_ref());
        server.port = port.map(|port| port.value);
        server.user = first(self.user.as_ref(), defaults.user.as_ref());
        server.identity_file = first(self.identity_file.as_ref(), defaults.identity_file.as_ref());
        server.region = first(self.region.as_ref(), defaults.region.as_ref());
        server.labels.clone_from(&defaults.labels);
        server.labels.extend(self.labels.clone());
        fill(
            &mut server.transport,
            self.transport.as_ref(),
            defaults.transport.as_ref(),
        );
        fill(
            &mut server.r#become,
            self.r#become.as_ref(),
            defaults.r#become.as_ref(),
        );
        fill(
            &mut server.capacity,
            self.capacity.as_ref(),
            defaults.capacity.as_ref(),
        );
        fill(
            &mut server.priority,
            self.priority.as_ref(),
            defaults.priority.as_ref(),
        );
        fill(
            &mut server.active,
            self.active.as_ref(),
            defaults.active.as_ref(),
        );
        fill(&mut server.ipv4, self.ipv4.as_ref(), defaults.ipv4.as_ref());
        fill(&mut server.ipv6, self.ipv6.as_ref(), defaults.ipv6.as_ref());
        if let Some(roles) = self.roles.as_ref().or(defaults.roles.as_ref()) {
            server.roles = roles.iter().copied().collect();
        }
        server
    }
}

fn first<T: Clone>(own: Option<&T>, default: Option<&T>) -> Option<T> {
    own.or(default).cloned()
}

fn fill<T: Clone>(target: &mut T, own: Option<&T>, default: Option<&T>) {
    if let Some(value) = own.or(default) {
        target.clone_from(value);
    }
}

fn labels(reader: &mut Reader<'_, '_>, entry: Entry<'_>) -> Option<BTreeMap<String, String>> {
    let table = reader.table(entry)?;
    let mut labels = BTreeMap::new();
    let mut complete = true;
    for (key, text) in table {
        let name = key.get_ref().as_ref();
        if let Err(refused) = value::word(name) {
            let subject = format!("the key of a label in `{}`", reader.section);
            let message = value::refusal(&subject, name, &refused);
            reader.problem(&key.span(), &message, refused.hint);
            complete = false;
        }
        let own = format!("labels.{name}");
        match reader.string((&own, text), value::label_value) {
            Some(text) => {
                labels.insert(name.to_owned(), text);
            }
            None => complete = false,
        }
    }
    complete.then_some(labels)
}
