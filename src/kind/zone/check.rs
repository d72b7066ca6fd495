//! What must be right of a zone's settings, and the typed values behind them.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::name::Name;
use super::{Zone, records, rules, value};
use crate::diagnostic::Invalid;
use crate::kind::reason::{Reason, shown};
use crate::model::{DomainName, ServerName};

/// How long others may keep a record that has no time of its own, in a zone that says nothing else.
pub(super) const TTL: u32 = 3_600;

/// The settings of a zone that is as it should be.
pub(super) struct Checked {
    pub(super) zone: Name,
    pub(super) ns: Vec<Name>,
    /// The primary name server, when it is not the first of them.
    pub(super) mname: Option<Name>,
    pub(super) mailbox: Name,
    pub(super) ttl: u32,
    pub(super) negative_ttl: u32,
    pub(super) refresh: u32,
    pub(super) retry: u32,
    pub(super) expire: u32,
}

/// The name of a zone: a domain name, or one for addresses (`2.0.192.in-addr.arpa`, RFC 2317 too).
pub(super) fn zone_name(input: &str) -> Result<String, Invalid> {
    let mut invalid = Invalid::default();
    let lower = input.trim_end_matches('.').to_ascii_lowercase();
    if lower.ends_with(".in-addr.arpa") || lower.ends_with(".ip6.arpa") {
        match Name::in_file(&format!("{lower}."), &Name::zone("")) {
            Ok(name)
                if lower
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b"-./_".contains(&b)) =>
            {
                return Ok(name.bare().to_owned());
            }
            Ok(_) => invalid.push("", format!("`{}` is not the name of a zone", shown(input))),
            Err(reason) => invalid.push("", reason.message),
        }
        return Err(invalid);
    }
    match input.parse::<DomainName>() {
        Ok(domain) => Ok(domain.into()),
        Err(error) => {
            match error.hint {
                Some(hint) => invalid.push_with_hint("", error.message, hint),
                None => invalid.push("", error.message),
            }
            Err(invalid)
        }
    }
}

/// The problems found so far.
#[derive(Default)]
struct Notes(Invalid);

impl Notes {
    fn note(&mut self, field: &str, reason: Reason) {
        match reason.hint {
            Some(hint) => self.0.push_with_hint(field, reason.message, hint),
            None => self.0.push(field, reason.message),
        }
    }

    fn say(&mut self, field: &str, message: String) {
        self.0.push(field, message);
    }

    fn time(&mut self, field: &str, text: Option<&String>, default: u32, min: u32) -> u32 {
        let Some(text) = text else { return default };
        let found = value::seconds(text).filter(|seconds| *seconds >= min);
        if found.is_none() {
            let message = format!(
                "`{}` is not a time from {min} to {} seconds",
                shown(text),
                records::LONGEST_TTL
            );
            self.0
                .push_with_hint(field, message, "seconds, or such as `1h30m`");
        }
        found.unwrap_or(default)
    }
}

impl Zone {
    /// The settings as typed values; every problem at once.
    pub(super) fn check(&self, name: &str) -> Result<Checked, Invalid> {
        let mut notes = Notes::default();
        let zone = Name::zone(name);
        for server in &self.secondary {
            if let Err(message) = server.parse::<ServerName>() {
                notes.say("secondary", format!("`{}`: {message}", shown(server)));
            }
        }
        let ns = self.check_ns(&zone, &mut notes);
        let mut mname = None;
        if let Some(text) = &self.mname {
            match Name::target(text, &zone) {
                Ok(name) => mname = Some(name),
                Err(reason) => notes.note("mname", reason),
            }
        }
        let mailbox = mailbox(self.email.as_deref(), &zone);
        let mailbox = mailbox.unwrap_or_else(|reason| {
            notes.note("email", reason);
            zone.clone()
        });
        let ttl = notes.time("ttl", self.ttl.as_ref(), TTL, 0);
        let negative_ttl = notes.time("negative_ttl", self.negative_ttl.as_ref(), 300, 0);
        let refresh = notes.time("refresh", self.refresh.as_ref(), 3_600, 1);
        let retry = notes.time("retry", self.retry.as_ref(), 600, 1);
        let expire = notes.time("expire", self.expire.as_ref(), 1_209_600, 1);
        let newest = self.keys.last().map(|key| key.number);
        let wanted = self.transfer_key.unwrap_or(1);
        if self.has_secondaries() && newest != Some(wanted) {
            let message = "the servers have no key for the transfers, or an old one";
            let hint = format!("give `--transfer-key {wanted}` as well");
            notes.0.push_with_hint("transfer_key", message, hint);
        }
        for reason in rules::problems(&self.records, &zone) {
            notes.note("", reason);
        }
        self.check_own_names(&mut notes);
        notes.0.into_result()?;
        Ok(Checked {
            zone,
            ns,
            mname,
            mailbox,
            ttl,
            negative_ttl,
            refresh,
            retry,
            expire,
        })
    }

    /// The names that its servers get, where no others are given, need their addresses.
    fn check_own_names(&self, notes: &mut Notes) {
        let has_others = |set: &records::RecordSet| set.name == "@" && set.rtype == "NS";
        if !self.ns.is_empty() || self.records.iter().any(has_others) {
            return;
        }
        let more = self.secondaries.unwrap_or(0) as usize;
        let servers = 1 + self.secondary.len().saturating_add(more);
        let is_own = |name: &str| {
            let number = name
                .strip_prefix("ns")
                .and_then(|n| n.parse::<usize>().ok());
            number.is_some_and(|n| (1..=servers).contains(&n) && name == format!("ns{n}"))
        };
        for set in &self.records {
            let message = match set.rtype.as_str() {
                "CNAME" if is_own(&set.name) => format!(
                    "`{}` is the name of a server of the zone, which a CNAME cannot be (RFC 2181, 10.3)",
                    set.name
                ),
                "DNAME" if set.name == "@" => {
                    "the names of the zone's servers are below it, where nothing can be beside a DNAME (RFC 6672, 2.4)".to_owned()
                }
                _ => continue,
            };
            let hint = "name the servers otherwise with `fleet set-zone --ns`";
            notes.0.push_with_hint("ns", message, hint);
        }
    }

    fn check_ns(&self, zone: &Name, notes: &mut Notes) -> Vec<Name> {
        let mut ns = Vec::new();
        for text in &self.ns {
            match Name::target(text, zone) {
                Ok(name) if !name.is_host() => {
                    let message = format!(
                        "`{}` is not the name of a host (RFC 1123, 2.1)",
                        shown(text)
                    );
                    notes.say("ns", message);
                }
                Ok(name) if ns.contains(&name) => {
                    notes.say("ns", format!("`{}` is given twice", shown(text)));
                }
                Ok(name) => ns.push(name),
                Err(reason) => notes.note("ns", reason),
            }
        }
        for name in ns.iter().filter(|name| name.is_in(zone)) {
            let relative = name.relative(zone);
            let has_address = |set: &records::RecordSet| {
                set.name == relative && ["A", "AAAA"].contains(&set.rtype.as_str())
            };
            if !self.records.iter().any(has_address) {
                let message =
                    format!("`{relative}` is in the zone and has no address (RFC 1912, 2.8)");
                let hint =
                    "add its A or AAAA first; without --ns the servers get names of their own";
                notes.0.push_with_hint("ns", message, hint);
            }
        }
        ns
    }
}

/// A mail address as the SOA has it: the local part is a label (RFC 1035, 8).
fn mailbox(email: Option<&str>, zone: &Name) -> Result<Name, Reason> {
    let Some(email) = email else {
        return Name::in_file("hostmaster", zone);
    };
    let not = || Reason {
        message: format!("`{}` is not a mail address", shown(email)),
        hint: Some("such as `hostmaster@example.com`".to_owned()),
    };
    let (local, domain) = email.rsplit_once('@').ok_or_else(not)?;
    let plain = |b: u8| b.is_ascii_alphanumeric() || b".!#%&'*+-/=?^_{|}~".contains(&b);
    if local.is_empty() || local.len() > 63 || !local.bytes().all(plain) {
        return Err(not());
    }
    // In a master file it may be any name: `root.localhost.` is in very many.
    let domain = match domain.parse::<DomainName>() {
        Ok(domain) => String::from(domain),
        Err(_) => domain.to_owned(),
    };
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_.".contains(&b);
    if domain.is_empty() || !domain.bytes().all(plain) {
        return Err(not());
    }
    let local = local.replace('.', "\\.");
    let name = match domain.as_str() {
        "." => format!("{local}."),
        domain => format!("{local}.{domain}."),
    };
    Name::in_file(&name, zone).map_err(|_| not())
}

/// An address of either family.
pub(super) enum Address {
    V4(Ipv4Addr),
    V6(Ipv6Addr),
}

impl Address {
    pub(super) fn parse(text: &str) -> Option<Self> {
        text.parse()
            .map(Self::V4)
            .or_else(|_| text.parse().map(Self::V6))
            .ok()
    }
}
