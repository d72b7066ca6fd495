//! Rules that can never decide: what they match is decided by those before them.

use super::rule::{Ports, Rule, Verdict, WITH_PORTS};
use super::{Decider, Ruleset, Served};
use super::span::{Family, Span};

/// Why a rule never decides about a packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Idle {
    /// It matches nothing: its sources are no address at all.
    Empty,
    /// Rules before it decide all that it matches in its own way.
    Unreachable(Vec<String>),
    /// Rules before it decide all that it matches, and at least a part of it otherwise.
    Shadowed(Vec<String>),
}

impl Idle {
    /// In words: `shadowed by a, b`.
    pub fn words(&self) -> String {
        match self {
            Self::Empty => "unreachable: no source address".to_owned(),
            Self::Unreachable(by) => format!("unreachable: decided by {}", by.join(", ")),
            Self::Shadowed(by) => format!("shadowed by {}", by.join(", ")),
        }
    }
}

/// More pieces than this are not looked at: the answer is then that the rule may decide.
const LIMIT: usize = 20_000;

/// A rectangle: addresses, and protocols with ports (the number of the protocol times 65,536, plus the port).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Piece {
    family: Family,
    addresses: Span,
    asked: Span,
}

impl Piece {
    /// What is left of it without `other`; `None` when they do not meet.
    fn without(&self, other: &Self) -> Option<Vec<Self>> {
        let apart = |a: Span, b: Span| a.last < b.first || b.last < a.first;
        if self.family != other.family || apart(self.addresses, other.addresses) || apart(self.asked, other.asked) {
            return None;
        }
        let (sides, middle) = split(self.addresses, other.addresses);
        let mut rest: Vec<Self> = sides.into_iter().map(|addresses| Self { addresses, ..*self }).collect();
        let (sides, _) = split(self.asked, other.asked);
        rest.extend(sides.into_iter().map(|asked| Self { asked, addresses: middle, ..*self }));
        Some(rest)
    }
}

/// What of `span` lies beside `other`, and what within.
fn split(span: Span, other: Span) -> (Vec<Span>, Span) {
    let middle = Span { first: span.first.max(other.first), last: span.last.min(other.last) };
    let mut sides = Vec::new();
    if span.first < middle.first {
        sides.push(Span { first: span.first, last: middle.first - 1 });
    }
    if middle.last < span.last {
        sides.push(Span { first: middle.last + 1, last: span.last });
    }
    (sides, middle)
}

impl Ruleset {
    /// Why the rule called `name` never decides, if it does not.
    pub fn idle(&self, name: &str) -> Option<Idle> {
        let position = self.rules().position(|rule| rule.name.as_str() == name)?;
        let rules: Vec<&Rule> = self.rules().collect();
        let (before, rule) = (&rules[..position], rules[position]);
        let mut left = self.pieces(rule);
        if left.is_empty() {
            return Some(Idle::Empty);
        }
        let (mut deciders, mut otherwise) = (Vec::new(), false);
        // What ends by itself or lets through only so many decides not for good.
        for earlier in before.iter().filter(|earlier| earlier.until.is_none()) {
            let mut met = false;
            for cover in self.pieces(earlier) {
                let mut rest = Vec::new();
                for piece in left {
                    if let Some(parts) = piece.without(&cover) {
                        met = true;
                        rest.extend(parts);
                    } else {
                        rest.push(piece);
                    }
                }
                left = rest;
                if left.len() > LIMIT {
                    return None;
                }
            }
            if met {
                deciders.push(earlier.name.to_string());
                let lets_in = |rule: &Rule| rule.verdict == Verdict::Allow;
                otherwise |= lets_in(earlier) != lets_in(rule);
            }
            if left.is_empty() {
                return Some(if otherwise { Idle::Shadowed(deciders) } else { Idle::Unreachable(deciders) });
            }
        }
        None
    }

    /// What keeps everybody out from what is served to all; `None` when a rule lets in anybody at all: who that is to be
    /// is the admin's to say. Openings are made for somebody in particular, and do not count.
    pub fn shuts_out(&self, served: Served) -> Option<Decider> {
        self.base.as_ref()?;
        let asked = (u128::from(served.protocol) << 16) + u128::from(served.port);
        let asked = Span { first: asked, last: asked };
        let everybody = |family: Family| Span { first: 0, last: family.last() };
        let mut left: Vec<Piece> = Family::ALL
            .into_iter()
            .map(|family| Piece { family, addresses: everybody(family), asked })
            .collect();
        let mut first = None;
        for rule in self.rules() {
            for cover in self.pieces(rule) {
                let mut rest = Vec::new();
                for piece in left {
                    match piece.without(&cover) {
                        None => rest.push(piece),
                        Some(_) if rule.verdict == Verdict::Allow => return None,
                        Some(parts) => {
                            first.get_or_insert_with(|| rule.name.to_string());
                            rest.extend(parts);
                        }
                    }
                }
                left = rest;
            }
            if left.is_empty() {
                break;
            }
        }
        Some(first.filter(|_| left.is_empty()).map_or(Decider::Nobody, Decider::Rule))
    }

    fn pieces(&self, rule: &Rule) -> Vec<Piece> {
        let none = std::collections::BTreeMap::new();
        let sets = self.base.as_ref().map_or(&none, |base| &base.sets);
        let whole = |protocol: u8| Span {
            first: u128::from(protocol) << 16,
            last: (u128::from(protocol) << 16) | 0xffff,
        };
        let protocols: Vec<u8> = match (rule.protocols.is_empty(), rule.ports.is_empty()) {
            (false, _) => rule.protocols.iter().copied().collect(),
            (true, false) => WITH_PORTS.to_vec(),
            (true, true) => Vec::new(),
        };
        let mut asked = Vec::new();
        if protocols.is_empty() {
            asked.push(Span { first: 0, last: 0xff_ffff });
        }
        for protocol in protocols {
            let whole = whole(protocol);
            if rule.ports.is_empty() {
                asked.push(whole);
            } else {
                asked.extend(rule.ports.iter().map(|Ports { first, last }| Span {
                    first: whole.first + u128::from(*first),
                    last: whole.first + u128::from(*last),
                }));
            }
        }
        let mut pieces = Vec::new();
        for family in Family::ALL {
            for addresses in rule.sources.spans(sets, family) {
                pieces.extend(asked.iter().map(|asked| Piece { family, addresses, asked: *asked }));
            }
        }
        pieces
    }
}
