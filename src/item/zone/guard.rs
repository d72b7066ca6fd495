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

/// Name and type of the records in which the zone differs from `fact`: `www.example.com. A`.
pub(super) fn touched(fact: Option<&Props>, wanted: &Primary) -> Vec<String> {
    let before = records(fact.and_then(|fact| fact.get(TEXT)).map_or("", String::as_str));
    let text = wanted.text();
    let after = records(&text);
    let keys: BTreeSet<_> = before.keys().chain(after.keys()).collect();
    let differs = |key: &&&(&str, &str)| before.get(**key) != after.get(**key);
    keys.iter().filter(differs).map(|(name, rtype)| format!("{name} {rtype}")).collect()
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

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
mod tests {
    use super::*;
    use crate::item::zone::Row;

    #[test]
    fn what_differs_is_told_by_name_and_type() {
        let row = |name: &str, rtype: &str, ttl, content: &str| Row {
            name: name.to_owned(),
            rtype: rtype.to_owned(),
            ttl,
            content: content.to_owned(),
            auth: true,
        };
        let wanted = Primary {
            soa: row("example.com", "SOA", 60, "ns1.example.com h.example.com 0 1 2 3 4"),
            rows: vec![
                row("same.example.com", "A", 60, "192.0.2.1"),
                row("new.example.com", "A", 60, "192.0.2.1"),
                row("other.example.com", "TXT", 60, "\"x\""),
                row("longer.example.com", "A", 61, "192.0.2.1"),
                row("between.example.com", "", 0, ""),
            ],
            notify: Vec::new(),
            keys: Vec::new(),
            signed: false,
            serial: None,
        };
        let text = "example.com. 60 SOA ns1.example.com h.example.com 0 9 9 9 9\nsame.example.com. 60 A 192.0.2.1\n\
            other.example.com. 60 TXT \"y\"\nlonger.example.com. 60 A 192.0.2.1\ngone.example.com. 60 A 192.0.2.1\n";
        let fact = Props::from([(TEXT.to_owned(), text.to_owned())]);
        assert_eq!(
            touched(Some(&fact), &wanted),
            [
                "gone.example.com. A",
                "longer.example.com. A",
                "new.example.com. A",
                "other.example.com. TXT"
            ]
        );
        assert_eq!(touched(None, &wanted).len(), 4);
    }
}
