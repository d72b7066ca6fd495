//! The firewall of a server: the table `inet fleet` of nftables, to which many resources contribute.
//!
//! It is one item, loaded as a whole in one transaction of the kernel. New rules are put on trial: a timer on the server
//! brings the old ones back unless a new connection confirms, and only then the server gets them at its next boot.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use ipnet::IpNet;

use super::{Atom, Phase, Props, Refusal, Removal, Steps, file, props};
use crate::shell::Script;

mod cover;
mod evaluate;
mod live;
#[cfg(test)]
mod load_tests;
mod rule;
mod span;
#[cfg(test)]
mod tests;
mod text;

pub use cover::Idle;
pub use evaluate::{Cut, Decider, Need, Served};
pub use live::{Hits, Live, live, question as live_question};
pub use rule::{
    ICMP, ICMPV6, Label, Packet, Ports, Rate, Rule, Sources, TCP, UDP, Unit, Verdict, WITH_PORTS,
};
pub use text::protocol_word;

/// The name of the only item of this type.
pub const NAME: &str = "fleet";

/// The script that loads the rules when the server boots.
pub const BOOT: &str = "/etc/fleet/firewall";

/// In place of the hash of the rules, where those in force are not those of [`BOOT`].
pub const EDITED: &str = "edited";

/// The notes of edited rules: what nftables lists of those in force, and what it would list if the script for the next
/// boot were loaded.
pub const IN_FORCE: &str = "_in_force";
/// See [`IN_FORCE`].
pub const IN_SCRIPT: &str = "_in_script";

/// The shell functions that observe, load, confirm and undo.
const OBSERVE: &str = include_str!("ruleset/observe.sh");
const LOAD: &str = include_str!("ruleset/load.sh");
const UNDO: &str = include_str!("ruleset/undo.sh");

/// The unit that runs [`BOOT`] before the network is up.
const UNIT: &str = include_str!("ruleset/fleet-firewall.service");
/// What keeps the rules when somebody else's `nftables.service` begins with `flush ruleset`, as Debian's does.
const DROP_IN: &str = include_str!("ruleset/nftables.conf");

/// All that fleet's table holds, or the share of one resource.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ruleset {
    /// The base policy; without it the rules are only kept for the day when the firewall is enabled here, and there is
    /// no table.
    pub base: Option<Base>,
    /// The admin's rules, by rank and name.
    pub rules: BTreeMap<(i64, Label), Rule>,
    /// What other resources open, asked after the admin's rules.
    pub openings: BTreeMap<String, Opening>,
    /// Connections that something depends on: rules that cut one are refused.
    pub needs: BTreeSet<Need>,
}

/// The base policy: what is established, loopback, what ICMP must do, and SSH come in; all else needs a rule.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Base {
    /// The ports of sshd.
    pub ssh_ports: BTreeSet<u16>,
    /// From where fleet and the admins come.
    pub ssh_from: Sources,
    /// Networks that are kept out, each until a second of the epoch or for ever.
    pub banned: BTreeMap<IpNet, Option<i64>>,
    /// Named sets of addresses that rules refer to.
    pub sets: BTreeMap<String, BTreeSet<IpNet>>,
}

/// A port that a resource needs open to some addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opening {
    /// Number of the protocol.
    pub protocol: u8,
    /// The port.
    pub port: u16,
    /// Who may come.
    pub sources: Sources,
}

impl Ruleset {
    /// The share of a resource that opens one port to some sources, where the firewall is enabled.
    ///
    /// `name` tells it from other openings: `database shop, user app`. Rules of the admin's that cut what is opened are
    /// refused.
    pub fn opening(name: &str, port: u16, protocol: u8, sources: Sources) -> Self {
        let opening = Opening {
            protocol,
            port,
            sources,
        };
        Self {
            openings: BTreeMap::from([(name.to_owned(), opening)]),
            ..Self::default()
        }
    }

    /// The share of a rule.
    pub fn rule(rule: Rule) -> Self {
        let rules = BTreeMap::from([((rule.rank, rule.name.clone()), rule)]);
        Self { rules, ..Self::default() }
    }

    /// The rules in the order in which they are asked.
    pub fn rules(&self) -> impl Iterator<Item = &Rule> {
        self.rules.values()
    }

    /// Adds the share of another resource.
    fn take_in(&mut self, other: &Self) {
        if let Some(base) = &other.base {
            self.base = Some(base.clone());
        }
        self.rules.extend(other.rules.clone());
        self.openings.extend(other.openings.clone());
        self.needs.extend(other.needs.clone());
    }

    /// Names of sets that rules refer to and that do not exist, with the rule.
    pub fn missing_sets(&self) -> Vec<(&Label, &str)> {
        let Some(base) = &self.base else {
            return Vec::new();
        };
        let rules = self.rules().flat_map(|rule| rule.sources.sets.iter().map(move |set| (&rule.name, set)));
        rules.filter(|(_, set)| !base.sets.contains_key(*set)).map(|(rule, set)| (rule, set.as_str())).collect()
    }
}

impl Atom for Ruleset {
    const WORD: &'static str = "ruleset";
    const FOLDS: bool = true;

    fn fold(&mut self, other: &Self) {
        self.take_in(other);
    }

    fn name(&self) -> &str {
        NAME
    }

    fn wanted(&self) -> Props {
        if self.base.is_none() {
            return props([("table", "no".to_owned()), ("boot", "no".to_owned())]);
        }
        props([
            ("table", "yes".to_owned()),
            ("boot", "yes".to_owned()),
            ("rules", file::sha256(&self.script())),
        ])
    }

    fn refusals(&self, by: Option<&str>) -> Vec<Refusal> {
        let hint = |by: &Decider| match by {
            Decider::Ban(network) => format!("`fleet unban-address {network}`"),
            Decider::Slow(..) => "give it a higher rate, at least 6/minute; `--force` insists".to_owned(),
            Decider::Nobody => "add a rule that lets it in; `--force` insists".to_owned(),
            _ => "let it in by a rule before that one; `--force` insists".to_owned(),
        };
        let missing = self.missing_sets().into_iter().map(|(rule, set)| Refusal {
            reason: format!("rule `{rule}` refers to a set of addresses `{set}` that does not exist"),
            hint: format!("`fleet add-addresses {set} ADDRESS...` makes it"),
            absolute: true,
        });
        let cuts = self.cuts(by.and_then(connection)).into_iter().map(|cut| Refusal {
            reason: cut.reason(),
            hint: hint(&cut.by),
            absolute: matches!(cut.by, Decider::Ban(_)),
        });
        missing.chain(cuts).collect()
    }

    fn guarded(&self, fact: &Props) -> bool {
        // Rules in force that are not those of the script for the next boot are a drift. Where they are, and fleet does not
        // know that script, a fleet with another state wrote it, or somebody who means to keep it.
        let rules = fact.get("rules").filter(|rules| *rules != EDITED);
        rules.is_some() && rules != self.wanted().get("rules")
    }

    fn observe(_names: &[&str], out: &mut Script) {
        let (unit, drop_in) = (file::sha256(UNIT), file::sha256(DROP_IN));
        out.raw(OBSERVE).raw("firewall_facts").words([BOOT, &unit, &drop_in]).raw("\n");
    }

    fn facts(lines: &[&str]) -> BTreeMap<String, Props> {
        let mut seen: BTreeMap<&str, &str> = BTreeMap::new();
        seen.extend(lines.iter().filter_map(|line| line.split_once(' ')));
        let Some(table) = seen.get("table") else {
            return BTreeMap::new();
        };
        let mut fact = props([
            ("table", (*table).to_owned()),
            ("boot", seen.get("boot").copied().unwrap_or("no").to_owned()),
        ]);
        if let Some(rules) = seen.get("rules") {
            fact.insert("rules".to_owned(), (*rules).to_owned());
        }
        for note in [IN_FORCE, IN_SCRIPT] {
            let listed = lines.iter().filter_map(|line| line.strip_prefix(&note[1..])?.strip_prefix(' '));
            let text: String = listed.flat_map(|line| [line, "\n"]).collect();
            if !text.is_empty() {
                fact.insert(note.to_owned(), text);
            }
        }
        BTreeMap::from([(NAME.to_owned(), fact)])
    }

    fn apply(changes: &[(&Self, Option<&Props>)], steps: &mut Steps) {
        for (ruleset, _) in changes {
            let script = ruleset.script();
            if script.is_empty() {
                take_away(steps);
                continue;
            }
            steps
                .at(Phase::Network)
                .raw(LOAD)
                .raw("firewall_load")
                .words([script.as_str(), UNIT, DROP_IN, UNDO])
                .raw("\n");
            steps.undo(undoing());
        }
    }

    fn remove(_removals: &[Removal<'_>], steps: &mut Steps) {
        take_away(steps);
    }
}

/// Nobody is locked out by that, so it needs no trial.
fn take_away(steps: &mut Steps) {
    steps.at(Phase::Network).raw(LOAD).raw("firewall_unload\n");
    steps.undo(undoing());
}

fn undoing() -> Script {
    let mut undo = Script::new();
    undo.raw(UNDO).raw("firewall_undo\n");
    undo
}

/// The address and the port of `SSH_CONNECTION` (`sshd(8)`): from where it comes, and which port it asked for.
pub fn connection(seen_as: &str) -> Option<(IpAddr, u16)> {
    let fields: Vec<&str> = seen_as.split(' ').collect();
    let [from, _, _, port] = fields[..] else {
        return None;
    };
    // A link-local address has its interface behind it; an IPv4 address may come in the form of IPv6.
    let from: IpAddr = from.split('%').next()?.parse().ok()?;
    Some((from.to_canonical(), port.parse().ok()?))
}

/// The script by which a new connection says that it came through the new rules of the transaction `id`.
pub fn confirmation(id: &str) -> Script {
    let mut script = Script::new();
    script.line("ln -s confirmed {} && echo @confirmed", &[&format!(
        "{}/{id}/verdict",
        super::TRANSACTIONS
    )]);
    script
}
