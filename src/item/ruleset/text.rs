//! The ruleset as text: a shell script that loads it, at once and whenever the server boots.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use ipnet::IpNet;

use super::rule::{Label, ICMP, ICMPV6, Ports, Rule, Sources, TCP, Verdict};
use super::span::{Family, Span, expiring};
use super::{Base, Ruleset};

/// `ICMPv6` by which a server finds its neighbours, its routers and who listens (RFC 4890, section 4.4): also from who is
/// banned, for what is on the same link would be lost.
const ICMPV6_LINK: &str = "130-136, 141-143, 148, 149, 151-153";

/// Errors of `ICMPv6` without which connections hang.
const ICMPV6_ERRORS: &str = "1-4";

/// ICMP errors without which connections hang (RFC 1191): unreachable, time exceeded, parameter problem.
const ICMP_ERRORS: &str = "3, 11, 12";

/// Elements of sets that end by themselves: the second of the epoch, the set, the element.
type Expiring = Vec<(i64, String, String)>;

impl Ruleset {
    /// The script that loads it; empty without a base.
    ///
    /// Run twice it does no harm. What has expired by the server's clock is left out, so that a server which boots does
    /// not begin to count anew.
    pub fn script(&self) -> String {
        let Some(base) = &self.base else {
            return String::new();
        };
        let mut text = Text::default();
        text.all(self, base);
        let mut script = String::from(
            "#!/bin/sh\n\
            # Written by fleet, which writes it anew with every change of a rule. Loads the table `inet fleet`; those of\n\
            # others are not touched.\n\
            PATH=/usr/sbin:/usr/bin:/sbin:/bin\n\
            now=$(date +%s)\n\
            {\n\
            cat <<'END'\n\
            add table inet fleet\n\
            delete table inet fleet\n\
            table inet fleet {\n",
        );
        script.push_str(&text.sets);
        let _ = write!(
            script,
            "\tchain input {{\n\t\ttype filter hook input priority filter; policy drop;\n{}\t}}\n}}\nEND\n",
            text.rules
        );
        if !text.expiring.is_empty() {
            script.push_str(
                "while read -r until set element; do\n\
                \t[ \"$until\" -le \"$now\" ] ||\n\
                \t\tprintf 'add element inet fleet %s { %s timeout %ss }\\n' \"$set\" \"$element\" \"$((until - now))\"\n\
                done <<'END'\n",
            );
            for (until, set, element) in &text.expiring {
                let _ = writeln!(script, "{until} {set} {element}");
            }
            script.push_str("END\n");
        }
        script.push_str("} | nft -f -\n");
        script
    }
}

/// A ruleset under construction.
#[derive(Default)]
struct Text {
    sets: String,
    rules: String,
    expiring: Expiring,
}

impl Text {
    fn all(&mut self, ruleset: &Ruleset, base: &Base) {
        self.rule("iif lo accept comment \"base loopback\"");
        self.rule(&format!(
            "icmpv6 type {{ {ICMPV6_LINK} }} accept comment \"base link\""
        ));
        // Before what is established, so that a ban ends what goes on.
        for family in Family::ALL {
            let banned = base.banned.iter().map(|(network, until)| (*network, *until));
            let pieces = expiring(banned, family);
            if pieces.is_empty() {
                continue;
            }
            let name = self.set("banned", family, "flags interval,timeout", &pieces);
            self.rule(&format!("{} saddr @{name} counter drop comment \"banned\"", word(family)));
        }
        self.rule("ct state established,related counter accept comment \"base established\"");
        self.rule("ct state invalid counter drop comment \"base invalid\"");
        // What began before the kernel kept track of connections looks new: for as long as this set has its family in it
        // (`firewall_load` puts it there), it goes on. No connection begins without SYN.
        self.sets.push_str(
            "\tset earlier {\n\t\ttype nf_proto\n\t\tflags dynamic,timeout\n\t}\n",
        );
        self.rule("tcp flags & syn == 0 meta nfproto @earlier accept comment \"base earlier\"");
        self.rule(&format!("icmp type {{ {ICMP_ERRORS} }} accept comment \"base icmp\""));
        self.rule(&format!("icmpv6 type {{ {ICMPV6_ERRORS} }} accept comment \"base icmp\""));
        self.rule("ip6 saddr fe80::/10 udp sport 547 udp dport 546 accept comment \"base dhcp\"");
        for rule in ruleset.rules() {
            self.own(rule, &base.sets);
        }
        for (name, opening) in &ruleset.openings {
            let label = Label::of(name);
            let mark = format!("counter accept comment \"opening {label}\"");
            let protocols = BTreeSet::from([opening.protocol]);
            let ports = BTreeSet::from([Ports::from(opening.port)]);
            for source in sources(&opening.sources, &base.sets) {
                self.rule(&joined(&[&source, &asked(&protocols, &ports), &mark]));
            }
        }
        let ports = base.ssh_ports.iter().map(|port| Ports::from(*port)).collect();
        for source in sources(&base.ssh_from, &base.sets) {
            let asked = asked(&BTreeSet::from([TCP]), &ports);
            self.rule(&joined(&[&source, &asked, "counter accept comment \"base ssh\""]));
        }
        self.rule("icmp type echo-request counter accept comment \"base ping\"");
        self.rule("icmpv6 type echo-request counter accept comment \"base ping\"");
        self.rule("counter drop comment \"base rest\"");
    }

    fn rule(&mut self, text: &str) {
        let _ = writeln!(self.rules, "\t\t{text}");
    }

    /// Adds a set and returns its name.
    fn set(&mut self, name: &str, family: Family, flags: &str, pieces: &[(Span, Option<i64>)]) -> String {
        let name = format!("{name}-{}", family.digit());
        let _ = write!(
            self.sets,
            "\tset {name} {{\n\t\ttype ipv{}_addr\n\t\t{flags}\n",
            family.digit()
        );
        let mut lasting = Vec::new();
        for (span, until) in pieces {
            match until {
                None => lasting.push(span.text(family)),
                Some(until) => self.expiring.push((*until, name.clone(), span.text(family))),
            }
        }
        if !lasting.is_empty() {
            let _ = writeln!(self.sets, "\t\telements = {{ {} }}", lasting.join(",\n\t\t\t"));
        }
        self.sets.push_str("\t}\n");
        name
    }

    /// Adds a rule of the admin's.
    fn own(&mut self, rule: &Rule, sets: &BTreeMap<String, BTreeSet<IpNet>>) {
        if let Some(comment) = &rule.comment {
            let comment: String = comment.chars().filter(|c| !c.is_control()).collect();
            self.rule(&format!("# {comment}"));
        }
        let label = &rule.name;
        // A rule cannot end by itself, the elements of a set can: without them it matches nothing.
        let from: Vec<String> = if let Some(until) = rule.until {
            let mut from = Vec::new();
            for family in Family::ALL {
                let spans = rule.sources.spans(sets, family);
                if !spans.is_empty() {
                    let pieces: Vec<_> = spans.into_iter().map(|span| (span, Some(until))).collect();
                    let name = self.set(&format!("until-{label}"), family, "flags interval,timeout", &pieces);
                    from.push(format!("{} saddr @{name}", word(family)));
                }
            }
            from
        } else {
            sources(&rule.sources, sets)
        };
        if from.is_empty() {
            return;
        }
        if let Some(rate) = rule.rate {
            for family in Family::ALL {
                if rule.sources.spans(sets, family).is_empty() {
                    continue;
                }
                let memory = format!("size 65535\n\t\tflags dynamic,timeout\n\t\ttimeout {}", rate.per.memory());
                let name = self.set(&format!("rate-{label}"), family, &memory, &[]);
                let key = match family {
                    Family::V4 => "ip saddr",
                    // Whoever has one address has a whole /64 of them.
                    Family::V6 => "ip6 saddr and ffff:ffff:ffff:ffff::",
                };
                let limit = format!(
                    "add @{name} {{ {key} limit rate over {rate} burst {} packets }} counter drop comment \"rate {label}\"",
                    rate.count
                );
                let own = word(family);
                let other = if family == Family::V4 { "ip6 " } else { "ip " };
                for source in from.iter().filter(|source| !source.starts_with(other)) {
                    debug_assert!(source.is_empty() || source.starts_with(own), "a source has a family");
                    self.rule(&joined(&[source, &asked(&rule.protocols, &rule.ports), &limit]));
                }
            }
        }
        for source in &from {
            let asked_for = asked(&rule.protocols, &rule.ports);
            if rule.log {
                let log = format!("limit rate 10/minute burst 20 packets log prefix \"fleet {label}: \"");
                self.rule(&joined(&[source, &asked_for, &log]));
            }
            let mark = format!("comment \"rule {label}\"");
            match rule.verdict {
                Verdict::Allow => self.rule(&joined(&[source, &asked_for, "counter accept", &mark])),
                Verdict::Deny => self.rule(&joined(&[source, &asked_for, "counter drop", &mark])),
                Verdict::Reject => {
                    // Who asks over TCP understands a reset at once.
                    if rule.protocols.is_empty() || rule.protocols.contains(&TCP) {
                        let tcp = asked(&BTreeSet::from([TCP]), &rule.ports);
                        self.rule(&joined(&[source, &tcp, "counter reject with tcp reset", &mark]));
                    }
                    let others: BTreeSet<u8> =
                        rule.protocols.iter().copied().filter(|protocol| *protocol != TCP).collect();
                    if rule.protocols.is_empty() || !others.is_empty() {
                        let others = asked(&others, &rule.ports);
                        self.rule(&joined(&[source, &others, "counter reject", &mark]));
                    }
                }
            }
        }
    }
}

/// The word of a family's header.
fn word(family: Family) -> &'static str {
    match family {
        Family::V4 => "ip",
        Family::V6 => "ip6",
    }
}

/// What a rule asks of the source address: one text for each family, or an empty one for any address.
fn sources(from: &Sources, sets: &BTreeMap<String, BTreeSet<IpNet>>) -> Vec<String> {
    if from.any {
        return vec![String::new()];
    }
    Family::ALL
        .into_iter()
        .filter_map(|family| {
            let spans = from.spans(sets, family);
            let texts: Vec<String> = spans.iter().map(|span| span.text(family)).collect();
            match &texts[..] {
                [] => None,
                texts => Some(format!("{} saddr {}", word(family), list(texts))),
            }
        })
        .collect()
}

/// What a rule asks of the protocol and the port.
fn asked(protocols: &BTreeSet<u8>, ports: &BTreeSet<Ports>) -> String {
    // By number: a bare server has no /etc/protocols to look names up in.
    let numbers: Vec<String> = protocols.iter().map(u8::to_string).collect();
    let protocol = match &numbers[..] {
        [] => String::new(),
        numbers => format!("meta l4proto {}", list(numbers)),
    };
    if ports.is_empty() {
        return protocol;
    }
    let ports: Vec<String> = ports
        .iter()
        .map(|ports| match ports {
            Ports { first, last } if first == last => first.to_string(),
            Ports { first, last } => format!("{first}-{last}"),
        })
        .collect();
    joined(&[&protocol, "th dport", &list(&ports)])
}

fn list(values: &[String]) -> String {
    match values {
        [one] => one.clone(),
        values => format!("{{ {} }}", values.join(", ")),
    }
}

fn joined(parts: &[&str]) -> String {
    let parts: Vec<&str> = parts.iter().copied().filter(|part| !part.is_empty()).collect();
    parts.join(" ")
}

/// The word for a protocol's number where there is a usual one.
pub fn protocol_word(number: u8) -> String {
    match number {
        ICMP => "icmp".to_owned(),
        ICMPV6 => "icmpv6".to_owned(),
        TCP => "tcp".to_owned(),
        super::rule::UDP => "udp".to_owned(),
        other => other.to_string(),
    }
}
