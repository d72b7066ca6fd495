//! What only the servers know of zones: the serial they serve, and what the parent of a signed zone needs.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::Zone;
use super::name::Name;
use crate::item::zone::LISTENS;
use crate::kind::Heard;
use crate::shell::Script;

/// How many of a zone's records are asked for after a change: first those that have changed.
const SAMPLE: usize = 8;

/// Asks a server about zones, with `dig` on the server itself.
pub(super) fn ask(specs: &[(&str, Zone)], out: &mut Script) {
    let questions = specs.iter().map(|(name, _)| format!("{name}. SOA"));
    dig(&questions.collect::<Vec<_>>(), out);
    let signed: Vec<&str> = specs
        .iter()
        .filter(|(_, spec)| spec.is_signed())
        .map(|(name, _)| *name)
        .collect();
    for name in signed {
        out.line(
            "echo @ds {}\npdnsutil export-zone-ds {} 2>/dev/null",
            &[name, name],
        );
    }
    out.raw(":\n");
}

/// Asks for what was changed of zones, and for some of the rest. Comes after [`ask`], by which it is known what is a zone.
pub(super) fn sample(specs: &[(&str, Zone, &[String])], out: &mut Script) {
    let questions: Vec<String> = specs
        .iter()
        .flat_map(|(name, spec, touched)| questions(name, spec, touched))
        .collect();
    if !questions.is_empty() {
        dig(&questions, out);
    }
}

/// The records of a zone to ask for.
fn questions(name: &str, spec: &Zone, touched: &[String]) -> Vec<String> {
    let zone = Name::zone(name);
    let changed: Vec<String> = touched
        .iter()
        .filter_map(|part| {
            let (owner, rtype) = part.split_once(' ')?;
            // As it is typed, not as the server keeps it.
            let owner = Name::in_file(owner, &zone).ok()?;
            (rtype != "ALIAS").then(|| format!("{owner} {rtype}"))
        })
        .collect();
    let mut chosen = spread(&changed, SAMPLE);
    let rest: Vec<String> = spec
        .records
        .iter()
        .filter(|set| set.rtype != "ALIAS" && set.rtype != "SOA")
        .map(|set| format!("{} {}", set.absolute(&zone), set.rtype))
        .filter(|question| !changed.contains(question))
        .collect();
    chosen.extend(spread(&rest, SAMPLE - chosen.len()));
    chosen
}

/// At most so many of these, evenly, and the last among them.
fn spread(all: &[String], most: usize) -> Vec<String> {
    if most == 0 {
        return Vec::new();
    }
    let step = all.len().div_ceil(most).max(1);
    all.iter().rev().step_by(step).cloned().collect()
}

/// Puts questions to the server's own name server, all in one go.
fn dig(questions: &[String], out: &mut Script) {
    out.raw(LISTENS)
        .raw("pdns_at\ncommand -v dig >/dev/null && printf '%s\\n'")
        .words(questions.iter().map(String::as_str));
    out.raw(" | timeout 30 dig \"@$pdns_address\" -p \"$pdns_port\" +tries=1 +time=3 +noall +answer -f - 2>/dev/null\n:\n");
}

/// Has a server transfer zones from their first one now: it may have asked before there was anything, and else waits for a
/// notice, or for as long as the zone says (`refresh`).
pub(super) fn catch_up(names: &[&str], out: &mut Script) {
    for name in names {
        out.line(
            "timeout 10 pdns_control retrieve {} >/dev/null 2>&1 || :",
            &[name],
        );
    }
}

/// Reads what they said.
pub(super) fn heard(lines: &[&str], _now: Timestamp) -> Heard {
    let mut heard = Heard::new();
    let mut samples: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut signed: Option<String> = None;
    for line in lines {
        if let Some(name) = line.strip_prefix("@ds ") {
            signed = Some(name.to_owned());
            continue;
        }
        let words: Vec<&str> = line.split_ascii_whitespace().collect();
        match words[..] {
            // `example.com. 3600 IN SOA ns1. hostmaster. 2026112000 ...`
            [name, _, "IN", "SOA", _, _, serial, ..] => {
                let name = name.trim_end_matches('.').to_owned();
                heard
                    .entry(name)
                    .or_default()
                    .push(("serial", serial.to_owned().into()));
            }
            // `example.com. IN DS 12345 13 2 hash ; ( SHA256 digest )`
            [name, "IN", "DS", ..] if signed.is_some() => {
                let record = line.split(" ;").next().unwrap_or(line).trim();
                let columns = heard
                    .entry(name.trim_end_matches('.').to_owned())
                    .or_default();
                match columns.iter_mut().find(|(heading, _)| *heading == "ds") {
                    Some((_, text)) => *text = format!("{text}\n{record}").into(),
                    None => columns.push(("ds", record.to_owned().into())),
                }
            }
            // Another answer: it belongs to the zone that its name ends with.
            [name, _, "IN", ..] => {
                let mut at = Some(name.trim_end_matches('.'));
                while let Some(zone) = at {
                    if heard.contains_key(zone) {
                        samples
                            .entry(zone.to_owned())
                            .or_default()
                            .push(words.join(" "));
                        break;
                    }
                    at = zone.split_once('.').map(|(_, above)| above);
                }
            }
            _ => {}
        }
    }
    for (zone, mut answers) in samples {
        // Several values come in any order.
        answers.sort();
        heard
            .entry(zone)
            .or_default()
            .push(("_sample", answers.join("\n").into()));
    }
    heard
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
mod tests {
    use super::*;
    use crate::kind::zone::RecordSet;

    #[test]
    fn what_has_changed_is_asked_for_before_anything_else() {
        let records = (0..100).map(|n| RecordSet {
            name: format!("h{n}"),
            rtype: "A".to_owned(),
            ttl: None,
            values: vec!["192.0.2.1".to_owned()],
        });
        let spec = Zone {
            records: records.collect(),
            ..Zone::default()
        };
        let touched = |parts: &[&str]| parts.iter().map(|part| (*part).to_owned()).collect();
        let two: Vec<String> = touched(&["h37.example.com. A", "gone@x.example.com. TXT"]);
        let asked = questions("example.com", &spec, &two);
        assert_eq!(
            asked[..2],
            ["gone\\@x.example.com. TXT", "h37.example.com. A"]
        );
        assert_eq!(asked.len(), SAMPLE);
        let different: std::collections::BTreeSet<_> = asked.iter().collect();
        assert_eq!(different.len(), SAMPLE, "{asked:?}");
        // Of many some, from all over.
        let many: Vec<String> = (0..50).map(|n| format!("h{n}.example.com. A")).collect();
        let asked = questions("example.com", &spec, &many);
        assert!(
            asked.len() <= SAMPLE && asked.iter().all(|one| many.contains(one)),
            "{asked:?}"
        );
        assert_eq!(asked[0], "h49.example.com. A");
        assert!(questions("example.com", &Zone::default(), &[]).is_empty());
    }
}
