//! The values of a rule's settings: each parses its text, or says why not and what to write instead.

use std::collections::BTreeSet;
use std::net::IpAddr;

use ipnet::IpNet;

use crate::diagnostic::ticked;
use crate::item::ruleset::{ICMP, ICMPV6, Label, Ports, Rate, TCP, UDP, Unit, WITH_PORTS};
use crate::model::selector::Selector;

/// Why a value is refused, and what to write instead.
pub type Refused = (String, String);

fn refuse<T>(text: &str, message: &str, hint: &str) -> Result<T, Refused> {
    Err((format!("{} {message}", ticked(text)), hint.to_owned()))
}

/// A number from 0 to `most`, in decimal digits alone.
fn number(text: &str, most: u64) -> Option<u64> {
    let digits = (1..=10).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    let value = text.parse().ok().filter(|_| digits)?;
    (value <= most).then_some(value)
}

/// The name of a rule or of a set of addresses.
pub fn label(text: &str) -> Result<Label, Refused> {
    let lower = text.to_ascii_lowercase();
    lower
        .parse()
        .or_else(|hint: String| refuse(text, "is not a name that a rule can have", &hint))
}

/// `443`, or `1000-2000`.
pub fn ports(text: &str) -> Result<Ports, Refused> {
    let port = |text: &str| {
        number(text, 65_535)
            .and_then(|port| u16::try_from(port).ok())
            .filter(|port| *port > 0)
    };
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    match (port(first), port(last)) {
        (Some(first), Some(last)) if first <= last => Ok(Ports { first, last }),
        (Some(_), Some(_)) => refuse(
            text,
            "is a range that ends before it begins",
            "such as `1000-2000`",
        ),
        _ => refuse(
            text,
            "is not a port",
            "a number from 1 to 65535, or a range such as `1000-2000`",
        ),
    }
}

/// The same ports without overlaps: nftables takes none.
pub fn merged(ports: impl IntoIterator<Item = Ports>) -> BTreeSet<Ports> {
    let sorted: BTreeSet<Ports> = ports.into_iter().collect();
    let mut merged: Vec<Ports> = Vec::new();
    for next in sorted {
        match merged.last_mut() {
            Some(before) if u32::from(next.first) <= u32::from(before.last) + 1 => {
                before.last = before.last.max(next.last);
            }
            _ => merged.push(next),
        }
    }
    merged.into_iter().collect()
}

/// The protocols with a name that one may use (IANA, "Protocol Numbers").
const PROTOCOLS: [(&str, u8); 12] = [
    ("tcp", TCP),
    ("udp", UDP),
    ("igmp", 2),
    ("ipip", 4),
    ("dccp", 33),
    ("gre", 47),
    ("esp", 50),
    ("ah", 51),
    ("ospf", 89),
    ("vrrp", 112),
    ("sctp", 132),
    ("udplite", 136),
];

/// `tcp`, `udp`, `icmp` (of both families), another name, or a number; `any` is none at all.
pub fn protocols(text: &str) -> Result<BTreeSet<u8>, Refused> {
    let lower = text.to_ascii_lowercase();
    if let Some((_, protocol)) = PROTOCOLS.iter().find(|(word, _)| *word == lower) {
        return Ok(BTreeSet::from([*protocol]));
    }
    match lower.as_str() {
        "any" => Ok(BTreeSet::new()),
        "icmp" => Ok(BTreeSet::from([ICMP, ICMPV6])),
        other => {
            if let Some(number) = number(other, 255).and_then(|number| u8::try_from(number).ok()) {
                return Ok(BTreeSet::from([number]));
            }
            let words: Vec<&str> = PROTOCOLS.iter().map(|(word, _)| *word).collect();
            let hint = format!("any, icmp, {}, or a number to 255", words.join(", "));
            refuse(text, "is not a protocol", &hint)
        }
    }
}

/// Whether packets of all these protocols ask for a port.
pub fn have_ports(protocols: &BTreeSet<u8>) -> bool {
    protocols
        .iter()
        .all(|protocol| WITH_PORTS.contains(protocol))
}

/// One value of `--from`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// Anywhere.
    Any,
    /// An address or a network.
    Network(IpNet),
    /// The servers that a term of a selector matches.
    Servers(String),
    /// A named set of addresses.
    Set(Label),
}

/// `any`, an address, a network, `server:SELECTOR`, `set:NAME`.
pub fn source(text: &str) -> Result<Source, Refused> {
    if text.eq_ignore_ascii_case("any") {
        return Ok(Source::Any);
    }
    if let Some(term) = text.strip_prefix("server:") {
        return match Selector::parse(&[term.to_owned()]) {
            Ok(selector) if !selector.is_all() && plain_term(term) => {
                Ok(Source::Servers(term.to_owned()))
            }
            Ok(_) => refuse(
                text,
                "names no server",
                "such as `server:web-1`, `server:role=web` or `server:*`",
            ),
            Err(errors) => {
                let error = errors.0.first();
                let hint = error
                    .and_then(|error| error.hints.first())
                    .map_or("such as `server:role=web`", |h| h);
                refuse(
                    text,
                    error.map_or("is not a selector", |error| &error.message),
                    hint,
                )
            }
        };
    }
    if let Some(name) = text.strip_prefix("set:") {
        return label(name).map(Source::Set);
    }
    network(text).map(Source::Network)
}

/// An address or a network of one family.
pub fn network(text: &str) -> Result<IpNet, Refused> {
    const HINT: &str = "such as `192.0.2.7`, `192.0.2.0/24` or `2001:db8::/32`";
    let network = match text.parse::<IpAddr>() {
        Ok(address) => IpNet::from(address),
        Err(_) => match text.parse::<IpNet>() {
            Ok(network) => network,
            Err(_) => return refuse(text, "is not an address or a network", HINT),
        },
    };
    if let IpNet::V6(v6) = network
        && let Some(v4) = v6.addr().to_ipv4_mapped()
    {
        return refuse(
            text,
            "is an IPv4 address in the clothes of IPv6",
            &format!("write `{v4}`"),
        );
    }
    if network.trunc() != network {
        return refuse(
            text,
            "has bits behind its prefix",
            &format!("the network is `{}`", network.trunc()),
        );
    }
    Ok(network)
}

/// A network as it is stored: an address without its prefix.
pub fn network_text(network: &IpNet) -> String {
    if network.prefix_len() == network.max_prefix_len() {
        network.addr().to_string()
    } else {
        network.to_string()
    }
}

/// `10/minute`.
pub fn rate(text: &str) -> Result<Rate, Refused> {
    const HINT: &str = "such as `10/minute`: 1 to 65535 in a second, minute, hour or day";
    let Some((count, unit)) = text.split_once('/') else {
        return refuse(text, "is not a rate", HINT);
    };
    let unit = match unit {
        "s" | "sec" => "second",
        "m" | "min" => "minute",
        "h" => "hour",
        "d" => "day",
        word => word,
    };
    let count = number(count, 65_535)
        .and_then(|count| u32::try_from(count).ok())
        .filter(|count| *count > 0);
    match (count, Unit::ALL.iter().find(|known| known.word() == unit)) {
        (Some(count), Some(per)) => Ok(Rate { count, per: *per }),
        _ => refuse(text, "is not a rate", HINT),
    }
}

/// `2h`, `1h30m`: in seconds, from 10 seconds to 10 years.
pub fn seconds(text: &str) -> Result<i64, Refused> {
    const HINT: &str = "such as `30m`, `2h`, `7d` or `1d12h`, from 10s to 3650d";
    const MOST: u64 = 3650 * 86_400;
    let mut rest = text;
    let mut total: u64 = 0;
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let (count, behind) = rest.split_at(digits);
        let unit = match behind.bytes().next() {
            Some(b's') => 1,
            Some(b'm') => 60,
            Some(b'h') => 3600,
            Some(b'd') => 86_400,
            Some(b'w') => 7 * 86_400,
            _ => return refuse(text, "is not a time", HINT),
        };
        let Some(count) = number(count, MOST) else {
            return refuse(text, "is not a time", HINT);
        };
        total = total.saturating_add(count.saturating_mul(unit));
        rest = &behind[1..];
    }
    match i64::try_from(total) {
        Ok(seconds) if (10..=MOST).contains(&total) => Ok(seconds),
        _ => refuse(text, "is not a time", HINT),
    }
}

/// Words for people: one line, without what makes a line look like another one.
pub fn comment(text: &str) -> Result<String, Refused> {
    let text = text.trim();
    if text.is_empty() || text.chars().count() > 200 {
        return refuse(text, "is not a comment", "1 to 200 characters");
    }
    // Directional marks (Unicode Standard Annex 9) and what is invisible.
    let marks = |c: char| matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{61c}');
    match text.chars().find(|c| c.is_control() || marks(*c)) {
        Some(bad) => refuse(
            text,
            &format!("holds an invisible character (U+{:04X})", u32::from(bad)),
            "one line of plain text",
        ),
        None => Ok(text.to_owned()),
    }
}

/// Whether a term of a selector is one, and holds nothing that can be in no name.
pub fn plain_term(term: &str) -> bool {
    term.bytes().all(|b| b.is_ascii_graphic() && b != b',')
}
