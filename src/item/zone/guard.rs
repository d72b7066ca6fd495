//! Changes of a zone that are more likely a mistake than a wish.

use std::collections::{BTreeMap, BTreeSet};

use super::{Primary, TEXT};
use crate::item::Props;

/// Below so many records, every change is a large part.
const SMALL: usize = 10;

/// The share of records, in percent, of which more may not change at once.
const SHARE: usize = 30;

/// Why the change from `fact` needs somebody who insists: more than 30 % of the records are changed or deleted, or the
/// name servers of the zone itself change.
pub(super) fn drastic(fact: &Props, wanted: &Primary, zone: &str) -> Option<String> {
    let before = records(fact.get(TEXT)?);
    let text = wanted.text();
    let after = records(&text);
    let mut reasons = Vec::new();
    let apex = (format!("{zone}."), "NS");
    let apex = (apex.0.as_str(), apex.1);
    if let (Some(before), Some(after)) = (before.get(&apex), after.get(&apex)) {
        let names = |values: &BTreeSet<&str>| -> BTreeSet<String> {
            values.iter().filter_map(|value| value.split(' ').next_back()).map(str::to_owned).collect()
        };
        if names(before) != names(after) {
            reasons.push("the name servers of the zone itself change".to_owned());
        }
    }
    let count: usize = before.values().map(BTreeSet::len).sum();
    let kept: usize = before
        .iter()
        .map(|(key, values)| after.get(key).map_or(0, |after| values.intersection(after).count()))
        .sum();
    let touched = count - kept;
    if count >= SMALL && touched * 100 > count * SHARE {
        reasons.push(format!("{touched} of its {count} records are changed or deleted"));
    }
    (!reasons.is_empty()).then(|| reasons.join(", and "))
}

/// The values, each with its time to live, by name and type; the SOA is left out, as it is fleet's.
fn records(text: &str) -> BTreeMap<(&str, &str), BTreeSet<&str>> {
    let mut records: BTreeMap<(&str, &str), BTreeSet<&str>> = BTreeMap::new();
    for line in text.lines() {
        let mut words = line.splitn(4, ' ');
        if let (Some(name), Some(_ttl), Some(rtype), Some(_)) = (words.next(), words.next(), words.next(), words.next())
            && rtype != "SOA"
        {
            let value = &line[name.len() + 1..];
            records.entry((name, rtype)).or_default().insert(value);
        }
    }
    records
}
