//! What only the servers know of zones: the serial they serve, and what the parent of a signed zone needs.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::Zone;
use super::name::Name;
use crate::kind::Heard;
use crate::shell::Script;

/// How many of a zone's records are asked for.
const SAMPLE: usize = 4;

/// Asks a server about zones, with `dig` on the server itself.
pub(super) fn ask(specs: &[(&str, Zone)], out: &mut Script) {
    // First the SOA of each, then a few of its records; `dig` asks all in one go.
    let mut questions: Vec<String> = specs
        .iter()
        .map(|(name, _)| format!("{name}. SOA"))
        .collect();
    for (name, spec) in specs {
        let zone = Name::zone(name);
        let step = spec.records.len().div_ceil(SAMPLE).max(1);
        let chosen = spec
            .records
            .iter()
            .rev()
            .step_by(step)
            .filter(|set| set.rtype != "ALIAS");
        questions.extend(chosen.map(|set| format!("{} {}", set.absolute(&zone), set.rtype)));
    }
    out.raw("command -v dig >/dev/null && printf '%s\\n'")
        .words(questions.iter().map(String::as_str));
    out.raw(" | timeout 30 dig @127.0.0.1 +tries=1 +time=3 +noall +answer -f - 2>/dev/null\n");
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
