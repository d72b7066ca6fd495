//! What the records of a zone must be together (RFC 1034, 1912, 2181, 4034, 6672).

use std::collections::{BTreeMap, BTreeSet};

use super::name::Name;
use super::records::{LONGEST_TTL, RecordSet, check_value};
use super::types::RecordType;
use super::value;
use crate::kind::reason::Reason;

/// Every rule that the records of `zone` break.
pub(super) fn problems(sets: &[RecordSet], zone: &Name) -> Vec<Reason> {
    let mut found = Found::default();
    let mut at: BTreeMap<Name, BTreeMap<RecordType, &RecordSet>> = BTreeMap::new();
    for set in sets {
        if let Some((name, rtype)) = set_problems(set, zone, &mut found)
            && at.entry(name).or_default().insert(rtype, set).is_some()
        {
            found.push(format!("`{}` is there twice", set.label()));
        }
    }
    let scene = Scene { zone, at };
    for (name, types) in &scene.at {
        scene.together(name, types, &mut found);
        scene.targets(name, types, &mut found);
    }
    found.0
}

#[derive(Default)]
struct Found(Vec<Reason>);

impl Found {
    fn push(&mut self, message: String) {
        self.0.push(Reason {
            message,
            hint: None,
        });
    }

    fn hint(&mut self, message: String, hint: impl Into<String>) {
        let hint = Some(hint.into());
        self.0.push(Reason { message, hint });
    }
}

/// The rules of one set; its name and type, where they are any.
fn set_problems(set: &RecordSet, zone: &Name, found: &mut Found) -> Option<(Name, RecordType)> {
    let label = set.label();
    let name = Name::in_file(&set.name, zone).and_then(|name| {
        if name.is_in(zone) && name.relative(zone) == set.name {
            Ok(name)
        } else {
            crate::kind::reason::refuse("its name is not in its one form")
        }
    });
    let rtype = set.record_type();
    for reason in [name.as_ref().err(), rtype.as_ref().err()]
        .into_iter()
        .flatten()
    {
        found.hint(
            format!("{label}: {}", reason.message),
            reason.hint.clone().unwrap_or_default(),
        );
    }
    let (Ok(name), Ok(rtype)) = (name, rtype) else {
        return None;
    };
    if set.ttl.is_some_and(|ttl| ttl > LONGEST_TTL) {
        found.push(format!(
            "{label}: a time to live is at most {LONGEST_TTL} (RFC 2181, 8)"
        ));
    }
    if set.values.is_empty() {
        found.push(format!("{label}: it has no value"));
    }
    let distinct: BTreeSet<&String> = set.values.iter().collect();
    if distinct.len() < set.values.len() {
        found.push(format!("{label}: a value is there twice"));
    }
    if rtype.is_single() && set.values.len() > 1 {
        found.push(format!("{label}: a name has one {rtype} at the most"));
    }
    // What the server answers with SERVFAIL, whatever is stored (`validDNSName` of its packet handler).
    let served = |b: &u8| b.is_ascii_alphanumeric() || b"-_*./@ \\:".contains(b);
    if let Some(bad) = name.labels().iter().flatten().find(|b| !served(b)) {
        found.push(format!(
            "{label}: PowerDNS does not serve names with `{}` in them",
            char::from(*bad)
        ));
    }
    for text in &set.values {
        if let Err(reason) = check_value(rtype, text, zone) {
            let message = format!("{label}: {}", reason.message);
            found.0.push(Reason {
                message,
                hint: reason.hint,
            });
        }
    }
    Some((name, rtype))
}

struct Scene<'a> {
    zone: &'a Name,
    at: BTreeMap<Name, BTreeMap<RecordType, &'a RecordSet>>,
}

impl Scene<'_> {
    /// What may not stand beside what at one name.
    fn together(&self, name: &Name, types: &BTreeMap<RecordType, &RecordSet>, found: &mut Found) {
        let shown = name.relative(self.zone);
        let is_apex = name == self.zone;
        if types.contains_key(&RecordType::CNAME) {
            if is_apex {
                found.hint(
                    "a CNAME cannot stand at the zone itself, which has SOA and NS (RFC 1912, 2.4)"
                        .to_owned(),
                    "ALIAS takes over the addresses of another name, `site:DOMAIN` those of a site",
                );
            } else if types.len() > 1 {
                let others = types.keys().filter(|rtype| **rtype != RecordType::CNAME);
                let others: Vec<String> = others.map(ToString::to_string).collect();
                found.hint(
                    format!(
                        "{shown}: a CNAME cannot stand beside {} (RFC 1034, 3.6.2)",
                        others.join(", ")
                    ),
                    "remove one or the other",
                );
            }
        }
        let addresses = [RecordType::A, RecordType::AAAA];
        if types.contains_key(&RecordType::ALIAS)
            && addresses.iter().any(|rtype| types.contains_key(rtype))
        {
            found.push(format!(
                "{shown}: an ALIAS stands for A and AAAA, which cannot stand beside it"
            ));
        }
        if types.contains_key(&RecordType::SOA) && !is_apex {
            found.push(format!(
                "{shown}: the SOA is at the zone itself (RFC 1035, 5.2)"
            ));
        }
        if types.contains_key(&RecordType::DS) {
            if is_apex {
                found.hint(
                    "a DS is not in the zone itself but in its parent (RFC 4034, 5)".to_owned(),
                    "`fleet show-zone --ds` prints what the parent needs",
                );
            } else if !types.contains_key(&RecordType::NS) {
                found.push(format!(
                    "{shown}: a DS stands beside the NS of a delegation (RFC 4035, 2.4)"
                ));
            }
        }
        let mut above = name.parent();
        while let Some(parent) = above.filter(|parent| parent.is_in(self.zone)) {
            if self
                .at
                .get(&parent)
                .is_some_and(|types| types.contains_key(&RecordType::DNAME))
            {
                found.push(format!(
                    "{shown}: nothing can be below `{}`, which is a DNAME (RFC 6672, 2.4)",
                    parent.relative(self.zone)
                ));
            }
            above = parent.parent();
        }
        let labels = name.labels();
        let wildcard_inside = labels.iter().skip(1).any(|label| label == b"*");
        if wildcard_inside {
            found.push(format!(
                "{shown}: `*` stands for names only as the first label (RFC 4592, 2.1.1)"
            ));
        }
        if labels.first().is_some_and(|label| label == b"*") && types.contains_key(&RecordType::NS)
        {
            found.push(format!(
                "{shown}: a wildcard cannot be delegated (RFC 4592, 4.2)"
            ));
        }
    }

    /// What the names that records point to must be.
    fn targets(&self, name: &Name, types: &BTreeMap<RecordType, &RecordSet>, found: &mut Found) {
        let shown = name.relative(self.zone);
        for rtype in [RecordType::NS, RecordType::MX, RecordType::SRV] {
            let Some(set) = types.get(&rtype) else {
                continue;
            };
            for text in set.values.iter().flat_map(|text| value::names(rtype, text)) {
                let Ok(target) = Name::in_file(&text, self.zone) else {
                    continue;
                };
                if target.as_str() == "." {
                    if rtype == RecordType::NS {
                        found.push(format!("{shown} NS: `.` is not a name server"));
                    }
                    continue;
                }
                if !target.is_host() && rtype != RecordType::SRV {
                    found.push(format!(
                        "{shown} {rtype}: `{target}` is not the name of a host (RFC 1123, 2.1)"
                    ));
                }
                let there = self.at.get(&target);
                if there.is_some_and(|types| types.contains_key(&RecordType::CNAME)) {
                    found.push(format!(
                        "{shown} {rtype}: `{target}` is a CNAME (RFC 2181, 10.3)"
                    ));
                }
                let has_address = there.is_some_and(|types| {
                    types.contains_key(&RecordType::A) || types.contains_key(&RecordType::AAAA)
                });
                // What a child zone answers for needs glue only when it is its own name server.
                let elsewhere = self.cut_above(&target).is_some_and(|cut| cut != *name);
                if rtype == RecordType::NS && target.is_in(self.zone) && !has_address && !elsewhere
                {
                    let relative = target.relative(self.zone);
                    found.hint(
                        format!("{shown} NS: `{relative}` is in the zone and has no address (RFC 1912, 2.8)"),
                        format!("add one: `fleet add-record {} {relative} A ADDRESS`", self.zone.bare()),
                    );
                }
            }
        }
    }

    /// The delegation that a name is at or below.
    fn cut_above(&self, name: &Name) -> Option<Name> {
        let mut at = Some(name.clone());
        while let Some(name) = at.filter(|name| name.is_in(self.zone) && name != self.zone) {
            if self
                .at
                .get(&name)
                .is_some_and(|types| types.contains_key(&RecordType::NS))
            {
                return Some(name);
            }
            at = name.parent();
        }
        None
    }
}
