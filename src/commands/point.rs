//! `add-site --dns`: records for the names of a new resource, which follow it, in the zones that hold these names.

use std::collections::{BTreeMap, BTreeSet};

use crate::context::Context;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::kind::zone::{Typed, Zone};
use crate::kind::{Kind, Spec as _, Ties, from_json, to_json};
use crate::model::{Resource, ResourceName};
use crate::state::{Change, Write};

use super::add_record::zone_kind;

/// The types of the records: a server without addresses of a family gets none of its type.
const TYPES: [&str; 2] = ["A", "AAAA"];

/// Records in the zones of the fleet that the names which `ties` claims point to the resource `name`. What points there
/// already stays.
///
/// # Errors
/// Every name that no zone holds, and every record that is in the way.
pub(super) fn point(
    write: &Write<'_>,
    context: &Context,
    name: &ResourceName,
    ties: &Ties,
) -> anyhow::Result<()> {
    let kind = zone_kind()?;
    let mut problems = Vec::new();
    let mut hosts: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    for claim in ties.claims.iter().filter(|claim| claim.space == "host") {
        match zone_of(write, kind, &claim.name)? {
            Some(zone) => {
                hosts.entry(zone).or_default().insert(&claim.name);
            }
            None => problems.push(
                Diagnostic::usage(format!(
                    "{name}: no zone of the fleet holds `{}`",
                    claim.name
                ))
                .hint("`fleet add-zone` adds it, or leave `--dns` away"),
            ),
        }
    }
    for (zone, hosts) in hosts {
        let Some(there) = write.find(&ResourceName::new(kind.word, &*zone))? else {
            continue;
        };
        if let Err(Diagnostics(more)) = add(write, context, kind, &there, name, &hosts)? {
            problems.extend(more);
        }
    }
    if problems.is_empty() {
        Ok(())
    } else {
        Err(Diagnostics(problems).into())
    }
}

/// The zone that holds a name: the longest one.
fn zone_of(write: &Write<'_>, kind: &Kind, host: &str) -> Result<Option<String>, Diagnostic> {
    let mut rest = Some(host);
    while let Some(name) = rest {
        if write.find(&ResourceName::new(kind.word, name))?.is_some() {
            return Ok(Some(name.to_owned()));
        }
        rest = name.split_once('.').map(|(_, parent)| parent);
    }
    Ok(None)
}

/// Adds what is missing to one zone.
fn add(
    write: &Write<'_>,
    context: &Context,
    kind: &Kind,
    there: &Resource,
    follows: &ResourceName,
    hosts: &BTreeSet<&str>,
) -> anyhow::Result<Result<(), Diagnostics>> {
    let zone = &there.name.name;
    let subject = there.name.to_string();
    let refused = |invalid: crate::diagnostic::Invalid| invalid.into_diagnostics(&subject);
    let mut spec: Zone = from_json(&there.spec).map_err(refused)?;
    let mut problems = Vec::new();
    let value = format!("site:{}", follows.name);
    for host in hosts {
        let label = match host.strip_suffix(zone.as_str()) {
            Some("") | None => "@",
            Some(label) => label.trim_end_matches('.'),
        };
        for rtype in TYPES {
            let set = spec
                .records()
                .iter()
                .find(|set| set.name == label && set.rtype == rtype);
            match set {
                Some(set) if set.values == [value.as_str()] => continue,
                Some(set) => {
                    problems.push(
                        Diagnostic::usage(format!(
                            "{subject}: `{label} {rtype}` is there already: {}",
                            set.values.join(" ")
                        ))
                        .hint(format!(
                            "`fleet remove-record {zone} {label} {rtype}` takes it away, or leave `--dns` away"
                        )),
                    );
                    continue;
                }
                None => {}
            }
            let added = Typed::read(zone, label, rtype, std::slice::from_ref(&value), None, None)
                .and_then(|typed| typed.add_to(spec.records_mut(), zone));
            if let Err(invalid) = added {
                problems.extend(refused(invalid).0);
            }
        }
    }
    let now = context.now();
    if let Err(invalid) = spec.validate(zone, now) {
        problems.extend(refused(invalid).0);
    }
    if !problems.is_empty() {
        return Ok(Err(Diagnostics(problems)));
    }
    let stored = to_json(&spec).map_err(refused)?;
    if stored != there.spec {
        let ties = (kind.ties)(&stored, zone).map_err(refused)?;
        let change = Change {
            spec: &stored,
            weight: there.weight,
            suspended: there.suspended,
            ties: &ties,
        };
        write.update_resource(there.id, &change, now)?;
    }
    Ok(Ok(()))
}
