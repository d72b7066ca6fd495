//! DNS zones on `PowerDNS`: a primary placed by capacity, secondaries that transfer it, records, templates, DNSSEC.

use std::borrow::Cow;
use std::collections::BTreeSet;

use clap::{Args, ValueEnum};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::wanted::Wanted;
use super::{Claim, Compile, Edge, Heard, Live, Scope, SecretId, Spec, Summary, Words};
use crate::diagnostic::Invalid;
use crate::item::Item;
use crate::item::ruleset::{Served, TCP, UDP};
use crate::model::{ResourceName, Role, Server, ServerName};
use crate::shell::Script;

mod absorb;
mod check;
mod compile;
pub mod file;
pub mod lint;
mod live;
mod name;
mod place;
pub mod records;
mod rules;
mod service;
mod template;
mod token;
mod types;
mod value;

pub use compile::{Line, export};
pub use records::{RecordSet, Typed};

/// Settings of a DNS zone.
#[derive(Args, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Zone {
    /// Another server that serves it, with the records transferred from the first; may be repeated or separated by
    /// commas
    #[arg(
        long,
        value_name = "SERVER",
        value_delimiter = ',',
        help_heading = "Servers"
    )]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    secondary: Vec<String>,
    /// So many more such servers, chosen by room
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(0..=12), help_heading = "Servers")]
    #[serde(skip_serializing_if = "Option::is_none")]
    secondaries: Option<u32>,
    /// Name of a name server of the zone; may be repeated or separated by commas [default: ns1, ns2, ... in the zone, with
    /// the addresses of its servers]
    #[arg(
        long,
        value_name = "NAME",
        value_delimiter = ',',
        help_heading = "Servers"
    )]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    ns: Vec<String>,
    /// Name of the primary name server in the SOA [default: the first of the name servers]
    #[arg(long, value_name = "NAME", help_heading = "Zone")]
    #[serde(skip_serializing_if = "Option::is_none")]
    mname: Option<String>,
    /// Sign the zone (DNSSEC); `show-zone --ds` prints what the parent zone needs [default: off]
    #[arg(long, value_name = "ON", help_heading = "Servers")]
    #[serde(skip_serializing_if = "Option::is_none")]
    dnssec: Option<Switch>,
    /// Which key secures the transfers between the servers, counted from 1; a higher number makes a new one, and the
    /// one before stays valid until the next
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=9999), help_heading = "Servers")]
    #[serde(skip_serializing_if = "Option::is_none")]
    transfer_key: Option<u32>,
    /// Mail address of whoever answers for the zone [default: hostmaster@ZONE]
    #[arg(long, value_name = "ADDRESS", help_heading = "Zone")]
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<String>,
    /// Seconds that others may keep a record that has no time to live of its own [default: 1h]
    #[arg(long, value_name = "TIME", help_heading = "Zone")]
    #[serde(skip_serializing_if = "Option::is_none")]
    ttl: Option<String>,
    /// Seconds that others may keep that something is not there [default: 5m]
    #[arg(long, value_name = "TIME", help_heading = "Zone")]
    #[serde(skip_serializing_if = "Option::is_none")]
    negative_ttl: Option<String>,
    /// How often secondaries ask for changes, if no notice reaches them [default: 1h]
    #[arg(long, value_name = "TIME", help_heading = "Zone")]
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh: Option<String>,
    /// After what time they ask again, if the primary does not answer [default: 10m]
    #[arg(long, value_name = "TIME", help_heading = "Zone")]
    #[serde(skip_serializing_if = "Option::is_none")]
    retry: Option<String>,
    /// After what time without an answer they stop to serve the zone [default: 2w]
    #[arg(long, value_name = "TIME", help_heading = "Zone")]
    #[serde(skip_serializing_if = "Option::is_none")]
    expire: Option<String>,
    /// Begin with the records of a template: none, default, mail, google, microsoft365, or a file [default: default
    /// with --address, else none]
    #[arg(long, value_name = "TEMPLATE", help_heading = "Records")]
    #[serde(skip)]
    template: Option<String>,
    /// Address in the template's records: IPv4, IPv6, or `site:DOMAIN` for those of the site's server; may be repeated
    #[arg(
        long,
        value_name = "ADDRESS",
        value_delimiter = ',',
        help_heading = "Records"
    )]
    #[serde(skip)]
    address: Vec<String>,
    /// Begin with the records of a master file (RFC 1035); `-` reads standard input
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with = "template",
        help_heading = "Records"
    )]
    #[serde(skip)]
    file: Option<std::path::PathBuf>,
    /// The records, in their one order and form.
    #[arg(skip)]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    records: Vec<RecordSet>,
    /// The serial that the zone had elsewhere: it goes on from there.
    #[arg(skip)]
    #[serde(skip_serializing_if = "Option::is_none")]
    serial: Option<u32>,
    /// The keys of its transfers, the newest last.
    #[arg(skip)]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    keys: Vec<TransferKey>,
}

/// The types of records with a form of their own: `A`, `AAAA`, ...
pub fn record_types() -> impl Iterator<Item = &'static str> {
    types::RecordType::words()
}

/// The words for the templates of a zone's records.
pub fn template_words() -> impl Iterator<Item = &'static str> {
    template::WORDS.into_iter()
}

/// On or off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Switch {
    /// On.
    On,
    /// Off.
    Off,
}

/// A key that servers sign transfers with (TSIG, RFC 8945).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TransferKey {
    /// Counted from 1.
    number: u32,
    /// The sealed secret, in Base64.
    secret: SecretId,
}

impl Spec for Zone {
    const KIND: &'static str = "zone";
    const PLURAL: &'static str = "zones";
    const ABOUT: &'static str = "a DNS zone";
    const NAME: &'static str = "DOMAIN";
    const ROLE: Option<Role> = Some(Role::Dns);
    const CHECKED: bool = true;
    const SERVES: bool = true;
    const LIVE: Option<Live> = Some(Live {
        flag: Some("serials"),
        help: "Ask each name server for the serial that it serves",
    });
    const ALONE: Option<(&'static str, &'static str)> = Some((
        "ds",
        "Print only the DS records of a signed zone, for its parent zone",
    ));
    const AGREE: &'static [&'static str] = &["serial", "_sample"];
    const EXAMPLE: &'static str = "fleet add-zone example.com --secondaries 1 --address 192.0.2.10";

    fn tells_nothing(&self, name: &str) -> Option<super::Told> {
        let message =
            || format!("zone {name} is not signed, so that its parent zone needs nothing");
        let hint = || format!("`fleet set-zone {name} --dnssec on` signs it");
        (!self.is_signed()).then(|| (message(), hint()))
    }

    fn canonical_name(input: &str) -> Result<String, Invalid> {
        check::zone_name(input)
    }

    fn absorb(&mut self, name: &str, edge: &mut dyn Edge) -> Result<(), Invalid> {
        self.absorb_all(name, edge)
    }

    fn sets(id: &str) -> &'static [&'static str] {
        match id {
            "template" | "address" => &["records"],
            "file" => &[
                "records",
                "serial",
                "ttl",
                "mname",
                "email",
                "refresh",
                "retry",
                "expire",
                "negative_ttl",
            ],
            // With secondaries come the keys of the transfers.
            "secondary" => &["secondary", "keys"],
            "secondaries" => &["secondaries", "keys"],
            "transfer_key" => &["transfer_key", "keys"],
            _ => &[],
        }
    }

    fn inherit(&mut self, there: &Self) {
        // A key stays what it is, also when the installation's own, from which it follows, is another one by now.
        for key in &mut self.keys {
            let same = |known: &&TransferKey| known.number == key.number;
            if let Some(known) = there.keys.iter().find(same) {
                *key = known.clone();
            }
        }
        // Which one is in use is not asked for again with every change of the servers.
        let newest = there.keys.last().map(|key| key.number);
        if self.transfer_key.is_none() && newest == Some(there.transfer_key.unwrap_or(1)) {
            self.keys.clone_from(&there.keys);
        }
    }

    fn retain(&mut self, there: &Self) {
        if self.has_secondaries() && self.keys.is_empty() {
            self.keys.clone_from(&there.keys);
            self.transfer_key = there.transfer_key;
        }
    }

    fn validate(&self, name: &str, _now: Timestamp) -> Result<(), Invalid> {
        self.check(name).map(drop)
    }

    fn scope(&self) -> Scope {
        Scope::Beside {
            named: self.named_secondaries(),
            more: self.secondaries.unwrap_or(0),
        }
    }

    fn follows(&self, _name: &str) -> Vec<ResourceName> {
        records::sites(&self.records).into_iter().collect()
    }

    fn released(&self, _name: &str, gone: &ResourceName) -> Option<Self> {
        let mut zone = self.clone();
        records::let_go(&mut zone.records, gone);
        Some(zone)
    }

    fn claims(&self, name: &str) -> Vec<Claim> {
        vec![Claim {
            space: "zone",
            name: name.to_owned(),
        }]
    }

    fn items(&self, input: &Compile<'_>) -> Result<Vec<Item>, Invalid> {
        compile::items(self, input)
    }

    fn directions(&self, name: &str, servers: &[&Server]) -> Vec<(String, String)> {
        let Ok(checked) = self.check(name) else {
            return Vec::new();
        };
        let delegated = compile::delegated(self, &checked, servers);
        vec![("name servers".to_owned(), delegated.join("\n"))]
    }

    fn worded(&self) -> Vec<(&'static str, Words)> {
        let default = self.ttl.as_deref().and_then(value::seconds);
        let default = default.unwrap_or(check::TTL);
        let rows = self.records.iter().flat_map(|set| {
            let ttl = set.ttl.unwrap_or(default).to_string();
            let row = move |value: &String| {
                vec![
                    set.name.clone(),
                    ttl.clone(),
                    set.rtype.clone(),
                    value.clone(),
                ]
            };
            set.values.iter().map(row)
        });
        let records = Words::Table(&["name", "ttl", "type", "value"], rows.collect());
        let mut numbers = self.keys.iter().rev().map(|key| key.number);
        let newest = numbers.next().map_or_else(String::new, |number| {
            format!("number {number} signs the transfers")
        });
        let older = numbers.map(|number| format!("number {number} is still valid"));
        let keys: Vec<String> = std::iter::once(newest).chain(older).collect();
        vec![
            ("records", records),
            ("keys", Words::Lines(keys.join("\n"))),
        ]
    }

    fn ask(specs: &[(&str, Self)], out: &mut Script) {
        live::ask(specs, out);
    }

    fn sample(specs: &[(&str, Self, &[String])], out: &mut Script) {
        live::sample(specs, out);
    }

    fn catch_up(names: &[&str], out: &mut Script) {
        live::catch_up(names, out);
    }

    fn heard(lines: &[&str], now: Timestamp) -> Heard {
        live::heard(lines, now)
    }

    fn wanted(&self, _name: &str, suspended: bool) -> Vec<Wanted> {
        if suspended {
            Vec::new()
        } else {
            vec![Wanted::Zone]
        }
    }

    fn serves(&self) -> BTreeSet<Served> {
        [UDP, TCP]
            .map(|protocol| Served { protocol, port: 53 })
            .into()
    }

    fn summary(&self, _name: &str) -> Summary {
        let records: usize = self.records.iter().map(|set| set.values.len()).sum();
        let signed = if self.is_signed() { "yes" } else { "no" };
        vec![
            ("records", Cow::from(records.to_string())),
            ("dnssec", signed.into()),
        ]
    }
}

impl Zone {
    /// Whether it is signed.
    pub fn is_signed(&self) -> bool {
        self.dnssec == Some(Switch::On)
    }

    /// The records, in their one order.
    pub fn records(&self) -> &[RecordSet] {
        &self.records
    }

    /// The records, to change; [`Spec::validate`] says afterwards whether they can be.
    pub fn records_mut(&mut self) -> &mut Vec<RecordSet> {
        &mut self.records
    }

    fn named_secondaries(&self) -> Vec<ServerName> {
        self.secondary
            .iter()
            .filter_map(|name| name.parse().ok())
            .collect()
    }

    /// Whether other servers transfer it.
    fn has_secondaries(&self) -> bool {
        !self.secondary.is_empty() || self.secondaries.unwrap_or(0) > 0
    }
}

#[cfg(test)]
mod tests;
