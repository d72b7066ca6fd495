//! Spans of addresses: networks cut into pieces that do not overlap, as sets of nftables want them.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv4Subnets, Ipv6Net, Ipv6Subnets};

/// IPv4 or IPv6.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Family {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
}

impl Family {
    /// Both.
    pub(super) const ALL: [Self; 2] = [Self::V4, Self::V6];

    /// That of an address.
    pub(super) fn of(address: IpAddr) -> Self {
        if address.is_ipv4() { Self::V4 } else { Self::V6 }
    }

    /// Its highest address as a number.
    pub(super) fn last(self) -> u128 {
        match self {
            Self::V4 => u32::MAX.into(),
            Self::V6 => u128::MAX,
        }
    }

    /// The digit behind the names of its sets.
    pub(super) fn digit(self) -> char {
        match self {
            Self::V4 => '4',
            Self::V6 => '6',
        }
    }

    fn address(self, number: u128) -> IpAddr {
        match self {
            Self::V4 => IpAddr::V4(Ipv4Addr::from_bits(u32::try_from(number).unwrap_or(u32::MAX))),
            Self::V6 => IpAddr::V6(Ipv6Addr::from_bits(number)),
        }
    }
}

/// An address as a number.
pub(super) fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => address.to_bits().into(),
        IpAddr::V6(address) => address.to_bits(),
    }
}

/// Addresses of one family that follow each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Span {
    /// The first address, as a number.
    pub(super) first: u128,
    /// The last one.
    pub(super) last: u128,
}

impl Span {
    /// That of a network.
    pub(super) fn of(network: &IpNet) -> Self {
        Self {
            first: number(network.network()),
            last: number(network.broadcast()),
        }
    }

    /// As an element of a set of nftables: an address, a network, or `first-last`.
    pub(super) fn text(self, family: Family) -> String {
        let (first, last) = (family.address(self.first), family.address(self.last));
        let mut text = String::new();
        if first == last {
            text = first.to_string();
        } else {
            let network = match (first, last) {
                (IpAddr::V4(a), IpAddr::V4(b)) => only(Ipv4Subnets::new(a, b, 0)).map(|n: Ipv4Net| n.to_string()),
                (IpAddr::V6(a), IpAddr::V6(b)) => only(Ipv6Subnets::new(a, b, 0)).map(|n: Ipv6Net| n.to_string()),
                _ => None,
            };
            match network {
                Some(network) => text = network,
                None => {
                    let _ = write!(text, "{first}-{last}");
                }
            }
        }
        text
    }
}

/// The only one of an iterator.
fn only<T>(mut values: impl Iterator<Item = T>) -> Option<T> {
    let first = values.next()?;
    values.next().is_none().then_some(first)
}

/// The networks of a family as spans that neither overlap nor touch.
pub(super) fn spans<'a>(networks: impl IntoIterator<Item = &'a IpNet>, family: Family) -> Vec<Span> {
    let entries = networks.into_iter().map(|network| (*network, None));
    expiring(entries, family).into_iter().map(|(span, _)| span).collect()
}

/// The networks of a family as spans that do not overlap, each with the latest second until which one of the networks
/// over it holds; `None` is for ever.
pub(super) fn expiring(
    entries: impl IntoIterator<Item = (IpNet, Option<i64>)>,
    family: Family,
) -> Vec<(Span, Option<i64>)> {
    // A sweep over the ends: what begins at a point, what ends before it.
    let mut points: BTreeMap<u128, Vec<(bool, i64)>> = BTreeMap::new();
    for (network, until) in entries {
        if Family::of(network.network()) != family {
            continue;
        }
        let (span, until) = (Span::of(&network), until.unwrap_or(i64::MAX));
        points.entry(span.first).or_default().push((true, until));
        // What reaches to the last address of all never ends.
        if let Some(end) = span.last.checked_add(1) {
            points.entry(end).or_default().push((false, until));
        }
    }
    let mut open: BTreeMap<i64, usize> = BTreeMap::new();
    let mut pieces: Vec<(Span, i64)> = Vec::new();
    let mut starts = points.iter().peekable();
    while let Some((point, events)) = starts.next() {
        for (begins, until) in events {
            let count = open.entry(*until).or_default();
            if *begins {
                *count += 1;
            } else {
                *count -= 1;
            }
        }
        open.retain(|_, count| *count > 0);
        let Some(until) = open.last_key_value().map(|(until, _)| *until) else {
            continue;
        };
        let last = starts.peek().map_or(family.last(), |(next, _)| **next - 1);
        match pieces.last_mut() {
            Some((piece, same)) if *same == until && piece.last + 1 == *point => piece.last = last,
            _ => pieces.push((Span { first: *point, last }, until)),
        }
    }
    let forever = |until: i64| (until != i64::MAX).then_some(until);
    pieces.into_iter().map(|(span, until)| (span, forever(until))).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use proptest::prelude::*;

    fn net(text: &str) -> IpNet {
        text.parse().unwrap()
    }

    fn texts(entries: &[(&str, Option<i64>)], family: Family) -> Vec<String> {
        expiring(entries.iter().map(|(text, until)| (net(text), *until)), family)
            .into_iter()
            .map(|(span, until)| match until {
                Some(until) => format!("{} {until}", span.text(family)),
                None => span.text(family),
            })
            .collect()
    }

    #[test]
    fn neighbours_and_what_lies_within_become_one() {
        let networks = [("10.0.0.0/25", None), ("10.0.0.128/25", None), ("10.0.0.7/32", None)];
        assert_eq!(texts(&networks, Family::V4), ["10.0.0.0/24"]);
        let odd = [("10.0.0.5/32", None), ("10.0.0.6/31", None), ("10.0.0.8/32", None)];
        assert_eq!(texts(&odd, Family::V4), ["10.0.0.5-10.0.0.8"]);
        assert_eq!(texts(&[("::/0", None), ("2001:db8::1/128", None)], Family::V6), ["::/0"]);
        assert_eq!(texts(&[("0.0.0.0/0", Some(5))], Family::V4), ["0.0.0.0/0 5"]);
        assert!(texts(&[("::/0", None)], Family::V4).is_empty());
    }

    #[test]
    fn what_holds_longer_wins_where_two_overlap() {
        let bans = [("10.0.0.0/24", Some(100)), ("10.0.0.128/25", None), ("10.0.0.1/32", Some(50))];
        assert_eq!(texts(&bans, Family::V4), ["10.0.0.0/25 100", "10.0.0.128/25"]);
        let bans = [("10.0.0.0/30", Some(100)), ("10.0.0.1/32", Some(200))];
        assert_eq!(
            texts(&bans, Family::V4),
            ["10.0.0.0 100", "10.0.0.1 200", "10.0.0.2/31 100"]
        );
    }

    proptest! {
        #[test]
        fn every_address_holds_as_long_as_the_longest_over_it(
            entries in prop::collection::vec((0_u32..64, 26_u8..=32, prop::option::of(1_i64..9)), 0..12)
        ) {
            let entries: Vec<(IpNet, Option<i64>)> = entries
                .into_iter()
                .map(|(low, prefix, until)| {
                    let network = Ipv4Net::new(Ipv4Addr::from_bits(0x0a00_0000 + low), prefix).unwrap();
                    (IpNet::V4(network.trunc()), until)
                })
                .collect();
            let pieces = expiring(entries.iter().copied(), Family::V4);
            for pair in pieces.windows(2) {
                prop_assert!(pair[0].0.last < pair[1].0.first);
            }
            for low in 0..64 {
                let address = IpAddr::V4(Ipv4Addr::from_bits(0x0a00_0000 + low));
                let over = entries.iter().filter(|(network, _)| network.contains(&address));
                let expected = over.map(|(_, until)| until.unwrap_or(i64::MAX)).max();
                let point = number(address);
                let piece = pieces.iter().find(|(span, _)| (span.first..=span.last).contains(&point));
                prop_assert_eq!(piece.map(|(_, until)| until.unwrap_or(i64::MAX)), expected);
            }
        }
    }
}
