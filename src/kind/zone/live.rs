//! What only the servers know of zones: the serial they serve, and what the parent of a signed zone needs.

use jiff::Timestamp;

use super::Zone;
use crate::kind::Heard;
use crate::shell::Script;

/// Asks a server about zones, with `dig` on the server itself.
pub(super) fn ask(specs: &[(&str, Zone)], out: &mut Script) {
    out.raw("command -v dig >/dev/null && printf '%s. SOA\\n'")
        .words(specs.iter().map(|(name, _)| *name));
    out.raw(" | dig @127.0.0.1 +tries=1 +time=3 +noall +answer -f - 2>/dev/null\n");
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

/// Reads what they said.
pub(super) fn heard(lines: &[&str], _now: Timestamp) -> Heard {
    let mut heard = Heard::new();
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
            _ => {}
        }
    }
    heard
}
