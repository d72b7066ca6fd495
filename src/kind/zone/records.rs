//! The records of a zone as they are stored: sets of one name and type, in one order and one form.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::name::Name;
use super::types::RecordType;
use super::value;
use crate::diagnostic::Invalid;
use crate::kind::reason::{Reason, refuse, refuse_with_hint, shown};
use crate::model::ResourceName;

/// What stands before the name of a site that a record follows.
const FOLLOWS: &str = "site:";

/// The longest time to live (RFC 2181, 8).
pub(super) const LONGEST_TTL: u32 = i32::MAX as u32;

/// All records of one name and type.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordSet {
    /// The name relative to the zone: `www`, `@` for the zone itself.
    pub name: String,
    /// The type: `MX`.
    #[serde(rename = "type")]
    pub rtype: String,
    /// Seconds that others may keep it; the zone's default when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttl: Option<u32>,
    /// The values, each in its one form with absolute names, or `site:example.com`.
    pub values: Vec<String>,
}

impl RecordSet {
    /// Whether it is the SOA of the zone.
    pub(super) fn is_soa(&self) -> bool {
        self.rtype == "SOA" && self.name == "@"
    }

    /// The type.
    pub(super) fn record_type(&self) -> Result<RecordType, Reason> {
        self.rtype.parse().map_err(|message| Reason {
            message,
            hint: None,
        })
    }

    /// The absolute name.
    pub(super) fn absolute(&self, zone: &Name) -> Name {
        Name::absolute(&self.name, zone)
    }

    /// What a message calls it: `www A`.
    pub(super) fn label(&self) -> String {
        format!("{} {}", self.name, self.rtype)
    }
}

/// The site that a value follows.
pub(super) fn followed(value: &str) -> Option<ResourceName> {
    value
        .strip_prefix(FOLLOWS)
        .map(|site| ResourceName::new("site", site))
}

/// A value as an admin types it, in its one form.
pub(super) fn typed_value(rtype: RecordType, text: &str, zone: &Name) -> Result<String, Reason> {
    let Some(site) = text.strip_prefix(FOLLOWS) else {
        return value::typed(rtype, text, zone);
    };
    if ![RecordType::A, RecordType::AAAA].contains(&rtype) {
        return refuse_with_hint(
            format!("a {rtype} cannot follow a site"),
            "A and AAAA can: they take the addresses of the site's server",
        );
    }
    match site.parse::<crate::model::DomainName>() {
        Ok(site) => Ok(format!("{FOLLOWS}{site}")),
        Err(error) => Err(Reason {
            message: error.message,
            hint: error.hint,
        }),
    }
}

/// A stored value is in its one form: nothing else ever reaches a server.
pub(super) fn check_value(rtype: RecordType, text: &str, zone: &Name) -> Result<(), Reason> {
    let form = if followed(text).is_some() {
        typed_value(rtype, text, zone)?
    } else {
        let tokens = super::token::tokens(text)?;
        value::parse(rtype, &tokens, value::Reading::File(zone))?
    };
    if form == text {
        Ok(())
    } else {
        refuse(format!(
            "`{}` is not in its one form, which is `{}`",
            shown(text),
            shown(&form)
        ))
    }
}

/// Which records are asked for, as it was typed: a name and a type, in the form in which they are stored.
///
/// # Errors
/// A name outside of the zone, or a type that is none.
pub fn wanted(
    zone: &str,
    name: Option<&str>,
    rtype: Option<&str>,
) -> Result<(Option<String>, Option<String>), Invalid> {
    let zone = Name::zone(zone);
    let mut invalid = Invalid::default();
    let name = name.map(|typed| match Name::owner(typed, &zone) {
        Ok(name) => name.relative(&zone).to_owned(),
        Err(reason) => {
            invalid.push_with_hint("", reason.message, reason.hint.unwrap_or_default());
            String::new()
        }
    });
    let rtype = rtype.map(|typed| match typed.parse::<RecordType>() {
        Ok(rtype) => rtype.to_string(),
        Err(message) => {
            invalid.push_with_hint("", message, types_hint());
            String::new()
        }
    });
    invalid.into_result()?;
    Ok((name, rtype))
}

fn types_hint() -> String {
    let words: Vec<&str> = RecordType::words().collect();
    format!("one of {}, or TYPE and a number", words.join(" "))
}

/// Records of one name and type as they were typed.
#[derive(Clone, Debug)]
pub struct Typed {
    /// Owner.
    pub name: Name,
    /// Type.
    pub rtype: RecordType,
    /// Values in their one form, in the order typed.
    pub values: Vec<String>,
    /// Time to live, if given.
    pub ttl: Option<u32>,
    /// Why the owner may have been meant to be another one.
    doubt: Option<Reason>,
}

impl Typed {
    /// Reads name, type, values and time to live; every problem at once. `priority` comes before each value of
    /// types that begin with one.
    pub fn read(
        zone: &str,
        name: &str,
        rtype: &str,
        values: &[String],
        ttl: Option<&str>,
        priority: Option<u16>,
    ) -> Result<Self, Invalid> {
        let zone = Name::zone(zone);
        let mut invalid = Invalid::default();
        let mut note = |reason: Reason| match reason.hint {
            Some(hint) => invalid.push_with_hint("", reason.message, hint),
            None => invalid.push("", reason.message),
        };
        let typed = name;
        let name = Name::owner(typed, &zone).map_err(&mut note).ok();
        let rtype: Option<RecordType> = rtype
            .parse()
            .map_err(|message| {
                note(Reason {
                    message,
                    hint: Some(types_hint()),
                });
            })
            .ok();
        let ttl = match ttl {
            None => None,
            Some(text) => {
                let ttl = value::seconds(text);
                if ttl.is_none() {
                    note(Reason {
                        message: format!("--ttl: `{}` is not a time to live", shown(text)),
                        hint: Some(
                            "seconds up to 2147483647, or such as `1h30m` (RFC 2181, 8)".to_owned(),
                        ),
                    });
                }
                ttl
            }
        };
        let mut forms: Vec<String> = Vec::new();
        if let Some(rtype) = rtype {
            let has_priority = ["MX", "SRV", "KX", "AFSDB", "URI", "SVCB", "HTTPS"]
                .contains(&rtype.to_string().as_str());
            if priority.is_some() && !has_priority {
                note(Reason {
                    message: format!("--priority: a {rtype} has none"),
                    hint: None,
                });
            }
            // `MX 10 mail` without quotes is one value.
            let whole = values.join(" ");
            let several = values
                .iter()
                .all(|text| typed_value(rtype, text, &zone).is_ok());
            let values = match typed_value(rtype, &whole, &zone) {
                Ok(_) if !several && priority.is_none() => std::slice::from_ref(&whole),
                _ => values,
            };
            for text in values {
                let text = match priority {
                    Some(priority) if has_priority => format!("{priority} {text}"),
                    _ => text.clone(),
                };
                match typed_value(rtype, &text, &zone) {
                    Ok(form) if !forms.contains(&form) => forms.push(form),
                    Ok(_) => {}
                    Err(reason) => note(reason),
                }
            }
        }
        match (name, rtype) {
            (Some(name), Some(rtype)) if invalid.problems.is_empty() => Ok(Self {
                doubt: name.doubt(typed, &zone),
                name,
                rtype,
                values: forms,
                ttl,
            }),
            _ => Err(invalid),
        }
    }

    fn is(&self, set: &RecordSet, zone: &Name) -> bool {
        set.name == self.name.relative(zone) && set.rtype == self.rtype.to_string()
    }

    /// Adds the values to those that are there; what is there already, is as it should be. A new name must be one without
    /// doubt.
    pub fn add_to(mut self, sets: &mut Vec<RecordSet>, zone: &str) -> Result<(), Invalid> {
        let zone = Name::zone(zone);
        let mut invalid = Invalid::default();
        let own = self.name.relative(&zone);
        if let Some(doubt) = self.doubt.take()
            && !sets.iter().any(|set| set.name == own)
        {
            invalid.push_with_hint("", doubt.message, doubt.hint.unwrap_or_default());
            return Err(invalid);
        }
        if let Some(there) = sets.iter_mut().find(|set| self.is(set, &zone)) {
            for value in self.values {
                if !there.values.contains(&value) {
                    there.values.push(value);
                } else if self.ttl.is_some() && self.ttl != there.ttl {
                    invalid.push_with_hint(
                        "",
                        format!(
                            "`{} {}` is there already, with another time to live",
                            there.label(),
                            shown(&value)
                        ),
                        "`fleet set-record` changes it",
                    );
                }
            }
            there.ttl = self.ttl.or(there.ttl);
        } else {
            sets.push(self.into_set(&zone));
        }
        sort(sets);
        invalid.into_result()
    }

    /// Puts the values in the place of all that are there; without values only the time to live changes.
    pub fn put_into(self, sets: &mut [RecordSet], zone: &str) -> Result<(), Invalid> {
        let zone = Name::zone(zone);
        if let Some(there) = sets.iter_mut().find(|set| self.is(set, &zone)) {
            there.ttl = self.ttl.or(there.ttl);
            if !self.values.is_empty() {
                there.values = self.values;
            }
        } else {
            let mut invalid = Invalid::default();
            invalid.push_with_hint(
                "",
                format!(
                    "there is no record `{} {}`",
                    self.name.relative(&zone),
                    self.rtype
                ),
                "`fleet add-record` adds one",
            );
            return Err(invalid);
        }
        sort(sets);
        Ok(())
    }

    /// Takes the values away; without values all of the name and type.
    pub fn take_from(self, sets: &mut Vec<RecordSet>, zone: &str) -> Result<(), Invalid> {
        let zone = Name::zone(zone);
        let mut invalid = Invalid::default();
        let Some(at) = sets.iter().position(|set| self.is(set, &zone)) else {
            let label = format!("{} {}", self.name.relative(&zone), self.rtype);
            invalid.push_with_hint(
                "",
                format!("there is no record `{label}`"),
                "`fleet list-records` shows what is there",
            );
            return Err(invalid);
        };
        if self.values.is_empty() {
            sets.remove(at);
            return Ok(());
        }
        for value in &self.values {
            if !sets[at].values.contains(value) {
                invalid.push(
                    "",
                    format!("there is no record `{} {}`", sets[at].label(), shown(value)),
                );
            }
        }
        sets[at].values.retain(|value| !self.values.contains(value));
        if sets[at].values.is_empty() {
            sets.remove(at);
        }
        invalid.into_result()
    }

    fn into_set(self, zone: &Name) -> RecordSet {
        RecordSet {
            name: self.name.relative(zone).to_owned(),
            rtype: self.rtype.to_string(),
            ttl: self.ttl,
            values: self.values,
        }
    }
}

/// Brings sets and their values into the one order: the zone itself first, then names by their labels from the end,
/// and types by number.
pub fn sort(sets: &mut [RecordSet]) {
    for set in sets.iter_mut() {
        set.values.sort();
    }
    sets.sort_by_cached_key(|set| {
        let labels: Vec<String> = if set.name == "@" {
            Vec::new()
        } else {
            set.name.rsplit('.').map(str::to_owned).collect()
        };
        (labels, set.record_type().ok())
    });
}

/// Takes away the records that follow `site`.
pub(super) fn let_go(sets: &mut Vec<RecordSet>, site: &ResourceName) {
    for set in &mut *sets {
        set.values
            .retain(|value| followed(value).as_ref() != Some(site));
    }
    sets.retain(|set| !set.values.is_empty());
}

/// The sites that records follow.
pub(super) fn sites(sets: &[RecordSet]) -> BTreeSet<ResourceName> {
    let values = sets.iter().flat_map(|set| &set.values);
    values.filter_map(|value| followed(value)).collect()
}
