//! What is doubtful in a zone and yet not wrong: said by `check-zone`.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::Zone;
use super::name::Name;
use super::records::{RecordSet, followed};
use super::{token, value};

/// What is doubtful, and where.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Doubt {
    /// Name and type of the records: `www CNAME`.
    pub at: String,
    /// What is doubtful.
    pub message: String,
}

/// All zones of the fleet by name, among them the one that is looked at.
pub type Zones = BTreeMap<String, Zone>;

/// The zones of the fleet, prepared so that each name is found at once.
#[derive(Debug)]
pub struct Lint<'a>(BTreeMap<&'a str, Indexed<'a>>);

/// A zone, and its records by name.
#[derive(Debug)]
struct Indexed<'a> {
    spec: &'a Zone,
    at: BTreeMap<&'a str, Vec<&'a RecordSet>>,
}

impl<'a> Indexed<'a> {
    fn of(spec: &'a Zone) -> Self {
        let mut at: BTreeMap<&str, Vec<&RecordSet>> = BTreeMap::new();
        for set in &spec.records {
            at.entry(set.name.as_str()).or_default().push(set);
        }
        Self { spec, at }
    }

    /// The sets of a name.
    fn sets(&self, name: &str) -> impl Iterator<Item = &'a RecordSet> {
        self.at.get(name).into_iter().flatten().copied()
    }

    /// The set of a name and type.
    fn set(&self, name: &str, rtype: &str) -> Option<&'a RecordSet> {
        self.sets(name).find(|set| set.rtype == rtype)
    }
}

impl<'a> Lint<'a> {
    /// Prepares the zones.
    pub fn of(zones: &'a Zones) -> Self {
        let indexed = |(name, spec): (&'a String, &'a Zone)| (name.as_str(), Indexed::of(spec));
        Self(zones.iter().map(indexed).collect())
    }

    /// Everything doubtful in a zone, as far as the zones of the fleet tell.
    pub fn doubts(&self, name: &str) -> Vec<Doubt> {
        let Some(own) = self.0.get(name) else {
            return Vec::new();
        };
        let scene = Scene {
            zone: Name::zone(name),
            own,
            zones: &self.0,
        };
        let mut found = BTreeSet::new();
        for set in &own.spec.records {
            let mut say = |message: String| {
                found.insert(Doubt {
                    at: set.label(),
                    message,
                });
            };
            scene.owner(set, &mut say);
            scene.targets(set, &mut say);
            scene.texts(set, &mut say);
            scene.reverse(set, &mut say);
            scene.cut_off(set, &mut say);
        }
        scene.apex(&mut found);
        found.into_iter().collect()
    }
}

struct Scene<'a> {
    zone: Name,
    own: &'a Indexed<'a>,
    zones: &'a BTreeMap<&'a str, Indexed<'a>>,
}

impl Scene<'_> {
    /// The zone of the fleet that a name is in: the longest that fits.
    fn zone_of(&self, name: &Name) -> Option<(Name, &Indexed<'_>)> {
        let mut at = Some(name.clone());
        while let Some(here) = at {
            if let Some(zone) = self.zones.get(here.bare()) {
                return Some((here, zone));
            }
            at = here.parent();
        }
        None
    }

    /// Whether there is something of one of the types at a name, or anything if none is given; `None` when no zone of
    /// the fleet can tell.
    fn has(&self, name: &Name, types: &[&str]) -> Option<bool> {
        let (zone, indexed) = self.zone_of(name)?;
        let relative = name.relative(&zone);
        // The names that the servers get without `--ns` are there only when it is applied.
        let generated = indexed.spec.ns.is_empty()
            && relative
                .strip_prefix("ns")
                .is_some_and(|n| n.parse::<u8>().is_ok());
        let mut names = vec![relative.to_owned()];
        let mut at = name.parent();
        while let Some(parent) = at.filter(|parent| parent.is_in(&zone)) {
            names.push(match parent.relative(&zone) {
                "@" => "*".to_owned(),
                below => format!("*.{below}"),
            });
            // A delegation answers for all below it elsewhere.
            let below = parent.relative(&zone);
            if below != "@" && indexed.set(below, "NS").is_some() {
                return None;
            }
            at = parent.parent();
        }
        let mut sets = names.iter().flat_map(|name| indexed.sets(name));
        let fits = |set: &RecordSet| {
            types.is_empty()
                || types.contains(&set.rtype.as_str())
                || ["CNAME", "ALIAS", "NS"].contains(&set.rtype.as_str())
        };
        Some(generated || sets.any(fits))
    }

    fn owner(&self, set: &RecordSet, say: &mut dyn FnMut(String)) {
        let typed = Name::in_file(&format!("{}.", set.name), &self.zone);
        if set.name != "@" && typed.is_ok_and(|typed| typed.is_in(&self.zone)) {
            let full = set.absolute(&self.zone);
            say(format!(
                "it is `{full}`, as if a name in a file had lacked its final dot"
            ));
        }
    }

    fn targets(&self, set: &RecordSet, say: &mut dyn FnMut(String)) {
        let Ok(rtype) = set.record_type() else { return };
        let addresses = ["A", "AAAA"];
        let types: &[&str] = match set.rtype.as_str() {
            "MX" | "NS" | "SRV" | "ALIAS" => &addresses,
            "CNAME" | "PTR" | "DNAME" => &[],
            _ => return,
        };
        for text in set.values.iter().flat_map(|text| value::names(rtype, text)) {
            let Ok(target) = Name::in_file(&text, &self.zone) else {
                continue;
            };
            if target.as_str() == "." || (set.rtype == "DNAME") {
                continue;
            }
            if self.has(&target, types) == Some(false) {
                let what = if types.is_empty() {
                    "nothing is there"
                } else {
                    "it has no address"
                };
                say(format!("leads to `{target}`, and {what}"));
            }
            if set.rtype == "CNAME" {
                let own = set.absolute(&self.zone);
                if target == own {
                    say("leads to itself".to_owned());
                }
            }
        }
    }

    fn texts(&self, set: &RecordSet, say: &mut dyn FnMut(String)) {
        if set.rtype != "TXT" {
            return;
        }
        let texts: Vec<String> = set.values.iter().map(|text| joined(text)).collect();
        let policies: Vec<&String> = texts.iter().filter(|text| is_spf(text)).collect();
        if policies.len() > 1 {
            say("has more than one SPF policy, which is none (RFC 7208, 4.5)".to_owned());
        }
        for policy in policies {
            let mut seen = BTreeSet::new();
            let lookups = self.lookups(policy, &mut seen);
            if lookups > 10 {
                say(format!(
                    "its SPF policy takes {lookups} look-ups, more than 10 (RFC 7208, 4.6.4)"
                ));
            }
            let ends = policy
                .split_ascii_whitespace()
                .any(|term| term.ends_with("all") || term.starts_with("redirect="));
            if !ends {
                say("its SPF policy does not end with `all` or `redirect`, and so says nothing of others".to_owned());
            } else if policy
                .split_ascii_whitespace()
                .any(|term| term == "+all" || term == "all")
            {
                say("its SPF policy lets everybody send (`+all`)".to_owned());
            }
        }
        let dmarc = texts
            .iter()
            .filter(|text| text.to_ascii_lowercase().starts_with("v=dmarc1"))
            .count();
        if dmarc > 1 {
            say("has more than one DMARC policy, which is none (RFC 7489, 6.6.3)".to_owned());
        }
    }

    /// The look-ups that an SPF policy takes, with those of the policies it includes as far as the fleet has them.
    fn lookups(&self, policy: &str, seen: &mut BTreeSet<String>) -> usize {
        let mut count = 0;
        for term in policy.split_ascii_whitespace().skip(1) {
            let term = term
                .trim_start_matches(['+', '-', '~', '?'])
                .to_ascii_lowercase();
            let (word, argument) = term.split_once([':', '=', '/']).unwrap_or((&term, ""));
            if !["include", "a", "mx", "ptr", "exists", "redirect"].contains(&word) {
                continue;
            }
            count += 1;
            if ["include", "redirect"].contains(&word)
                && seen.insert(argument.to_owned())
                && let Ok(name) =
                    Name::in_file(&format!("{}.", argument.trim_end_matches('.')), &self.zone)
                && let Some((zone, indexed)) = self.zone_of(&name)
            {
                let set = indexed.set(name.relative(&zone), "TXT");
                let policy = set
                    .into_iter()
                    .flat_map(|set| &set.values)
                    .map(|text| joined(text))
                    .find(|text| is_spf(text));
                count += policy.map_or(0, |policy| self.lookups(&policy, seen));
            }
        }
        count
    }

    /// Addresses whose reverse zone the fleet has, without a name in it.
    fn reverse(&self, set: &RecordSet, say: &mut dyn FnMut(String)) {
        for text in set.values.iter().filter(|text| followed(text).is_none()) {
            let Some(name) = text
                .parse::<IpAddr>()
                .ok()
                .and_then(|address| Name::in_file(&arpa(address), &self.zone).ok())
            else {
                continue;
            };
            if ["A", "AAAA"].contains(&set.rtype.as_str())
                && self.has(&name, &["PTR"]) == Some(false)
            {
                say(format!("`{text}` has no PTR at `{}`", name.bare()));
            }
        }
    }

    /// What stands below a delegation and is no glue: nobody ever gets to see it.
    fn cut_off(&self, set: &RecordSet, say: &mut dyn FnMut(String)) {
        let mut at = set.absolute(&self.zone).parent();
        while let Some(parent) =
            at.filter(|parent| parent.is_in(&self.zone) && *parent != self.zone)
        {
            let cut = parent.relative(&self.zone);
            let is_cut = self.own.set(cut, "NS").is_some();
            if is_cut && !["A", "AAAA"].contains(&set.rtype.as_str()) {
                say(format!(
                    "is below the delegation of `{cut}`, so that nobody sees it"
                ));
            }
            at = parent.parent();
        }
    }

    fn apex(&self, found: &mut BTreeSet<Doubt>) {
        let mut say = |at: &str, message: String| {
            let at = at.to_owned();
            found.insert(Doubt { at, message });
        };
        let own = self.own.spec;
        let at = |rtype: &str| self.own.set("@", rtype);
        if at("NS").is_some_and(|set| set.values.len() == 1) || own.ns.len() == 1 {
            say(
                "@ NS",
                "there is one name server only (RFC 2182, 5)".to_owned(),
            );
        }
        let has_mail = at("MX").is_some();
        let has_policy =
            at("TXT").is_some_and(|set| set.values.iter().any(|text| is_spf(&joined(text))));
        if has_mail && !has_policy {
            say("@ TXT", "there is mail (MX) and no SPF policy".to_owned());
        }
        let Ok(checked) = own.check(self.zone.bare()) else {
            return;
        };
        if checked.retry > checked.refresh
            || checked.expire <= checked.refresh.saturating_add(checked.retry)
        {
            let message = "secondaries give up before they have asked again: expire must be above refresh and retry together (RFC 1912, 2.2)";
            say("@ SOA", message.to_owned());
        }
        for set in &own.records {
            let ttl = |rtype: &str| {
                let twin = self.own.set(&set.name, rtype);
                twin.map(|twin| twin.ttl.unwrap_or(checked.ttl))
            };
            if set.rtype == "A" && ttl("AAAA").is_some_and(|other| Some(other) != ttl("A")) {
                say(&set.label(), "its AAAA has another time to live".to_owned());
            }
        }
    }
}

/// The text of a TXT, its strings joined.
fn joined(value: &str) -> String {
    let tokens = token::tokens(value).unwrap_or_default();
    let bytes: Vec<u8> = tokens
        .iter()
        .flat_map(|token| token::bytes(&token.text).unwrap_or_default())
        .collect();
    String::from_utf8_lossy(&bytes).into_owned()
}

fn is_spf(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    text == "v=spf1" || text.starts_with("v=spf1 ")
}

/// The name under which an address has its PTR (RFC 1035, 3.5; RFC 3596, 2.5).
fn arpa(address: IpAddr) -> String {
    match address {
        IpAddr::V4(address) => {
            let [a, b, c, d] = address.octets();
            format!("{d}.{c}.{b}.{a}.in-addr.arpa.")
        }
        IpAddr::V6(address) => {
            let nibbles = address
                .octets()
                .into_iter()
                .rev()
                .flat_map(|byte| [byte & 15, byte >> 4]);
            let labels: Vec<String> = nibbles.map(|nibble| format!("{nibble:x}")).collect();
            format!("{}.ip6.arpa.", labels.join("."))
        }
    }
}
