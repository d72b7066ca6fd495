//! One rule of the firewall: what it matches, and what becomes of it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use ipnet::IpNet;

use super::span::{Family, Span, spans};

/// What becomes of a packet that a rule matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It comes in.
    Allow,
    /// It is dropped without a word.
    Deny,
    /// It is dropped, and the sender is told.
    Reject,
}

/// A name that is safe in a ruleset of nftables: 1 to 63 of `a-z 0-9 . _ -`, beginning with a letter or digit.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Label(String);

impl Label {
    /// The name of something of another kind, with what cannot stand in a label replaced by `-`.
    pub fn of(text: &str) -> Self {
        let fine = |c: char| if c.is_ascii_lowercase() || c.is_ascii_digit() || "._-".contains(c) { c } else { '-' };
        let mut label: String = text.chars().flat_map(char::to_lowercase).map(fine).take(63).collect();
        if !label.starts_with(|c: char| c.is_ascii_alphanumeric()) {
            label.insert(0, 'x');
            label.truncate(63);
        }
        Self(label)
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Label {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if (1..=63).contains(&text.len()) && Self::of(text).0 == text {
            Ok(Self(text.to_owned()))
        } else {
            Err("1 to 63 of `a-z 0-9 . _ -`, beginning with a letter or digit".to_owned())
        }
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Number of TCP in the protocol field of IP (IANA, "Protocol Numbers").
pub const TCP: u8 = 6;
/// That of UDP.
pub const UDP: u8 = 17;
/// That of ICMP for IPv4.
pub const ICMP: u8 = 1;
/// That of ICMP for IPv6.
pub const ICMPV6: u8 = 58;
/// The protocols whose packets begin with a source and a destination port: TCP, UDP, DCCP, SCTP, UDP-Lite.
pub const WITH_PORTS: [u8; 5] = [TCP, UDP, 33, 132, 136];

/// Ports that follow each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ports {
    /// The first one.
    pub first: u16,
    /// The last one.
    pub last: u16,
}

impl From<u16> for Ports {
    fn from(port: u16) -> Self {
        Self { first: port, last: port }
    }
}

/// Where packets come from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sources {
    /// From anywhere.
    pub any: bool,
    /// From these networks.
    pub networks: BTreeSet<IpNet>,
    /// From the networks of these sets of addresses.
    pub sets: BTreeSet<String>,
}

impl Sources {
    /// From anywhere.
    pub fn any() -> Self {
        Self { any: true, ..Self::default() }
    }

    /// From these networks.
    pub fn networks(networks: impl IntoIterator<Item = IpNet>) -> Self {
        Self { networks: networks.into_iter().collect(), ..Self::default() }
    }

    /// The addresses of a family, with the sets looked up in `sets`.
    pub(super) fn spans(&self, sets: &BTreeMap<String, BTreeSet<IpNet>>, family: Family) -> Vec<Span> {
        if self.any {
            return vec![Span { first: 0, last: family.last() }];
        }
        let named = self.sets.iter().filter_map(|name| sets.get(name)).flatten();
        spans(self.networks.iter().chain(named), family)
    }
}

/// So many new connections in such a time, from each address (IPv6: from each /64).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// How many.
    pub count: u32,
    /// In how long.
    pub per: Unit,
}

/// The unit of a rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// A second.
    Second,
    /// A minute.
    Minute,
    /// An hour.
    Hour,
    /// A day.
    Day,
}

impl Unit {
    /// Every unit.
    pub const ALL: [Self; 4] = [Self::Second, Self::Minute, Self::Hour, Self::Day];

    /// The word for it, in flags and in nftables.
    pub fn word(self) -> &'static str {
        match self {
            Self::Second => "second",
            Self::Minute => "minute",
            Self::Hour => "hour",
            Self::Day => "day",
        }
    }

    fn seconds(self) -> u64 {
        match self {
            Self::Second => 1,
            Self::Minute => 60,
            Self::Hour => 3600,
            Self::Day => 86400,
        }
    }

    /// How long an address is remembered that was not seen again.
    pub(super) fn memory(self) -> &'static str {
        match self {
            Self::Second | Self::Minute => "2m",
            Self::Hour => "2h",
            Self::Day => "2d",
        }
    }
}

/// How many connections a minute whoever works over them needs at the least: a command of fleet makes one or two, and then
/// somebody looks with their own client.
const NEEDED: u64 = 6;

impl Rate {
    /// Whether nothing that is needed may depend on it: the first connection passes, and the next ones find it used up.
    pub(super) fn is_slow(self) -> bool {
        u64::from(self.count) * 60 < NEEDED * self.per.seconds()
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.count, self.per.word())
    }
}

/// A rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Its name.
    pub name: Label,
    /// Where it stands: the lowest is asked first, among equal ones by name.
    pub rank: i64,
    /// What becomes of what it matches.
    pub verdict: Verdict,
    /// Numbers of protocols; none at all is any.
    pub protocols: BTreeSet<u8>,
    /// Ports that are asked for; none at all is any.
    pub ports: BTreeSet<Ports>,
    /// Where it comes from.
    pub sources: Sources,
    /// What is more than this is dropped.
    pub rate: Option<Rate>,
    /// Whether the server logs it.
    pub log: bool,
    /// The second of the epoch in which it ends by itself.
    pub until: Option<i64>,
    /// What it is for, in the admin's words.
    pub comment: Option<String>,
}

/// A packet that begins a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packet {
    /// Where it comes from.
    pub from: std::net::IpAddr,
    /// Number of its protocol.
    pub protocol: u8,
    /// The port it asks for.
    pub port: u16,
}

impl Rule {
    /// Whether it matches a packet.
    pub(super) fn matches(&self, packet: &Packet, sets: &BTreeMap<String, BTreeSet<IpNet>>) -> bool {
        let protocol = self.protocols.is_empty() || self.protocols.contains(&packet.protocol);
        let port = self.ports.is_empty()
            || self.ports.iter().any(|ports| (ports.first..=ports.last).contains(&packet.port));
        let from = super::span::number(packet.from);
        protocol
            && port
            && self
                .sources
                .spans(sets, Family::of(packet.from))
                .iter()
                .any(|span| (span.first..=span.last).contains(&from))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_is_safe_and_any_text_becomes_one() {
        for fine in ["web", "a.b-c_d", "9", &"a".repeat(63)] {
            assert_eq!(fine.parse::<Label>().map(|label| label.to_string()), Ok(fine.to_owned()));
        }
        for bad in ["", "-a", "A", "a b", "a\"b", "a;b", "a\nb", "ü", "a}", &"a".repeat(64)] {
            assert!(bad.parse::<Label>().is_err(), "{bad}");
            assert!(Label::of(bad).as_str().parse::<Label>().is_ok(), "{bad}");
        }
    }
}
