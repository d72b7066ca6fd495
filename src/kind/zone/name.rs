//! Names in a zone: from what admins and master files write to one canonical form.

use std::fmt;

use idna::AsciiDenyList;
use idna::uts46::{DnsLength, Hyphens, Uts46};

use crate::kind::reason::{Reason, refuse, refuse_with_hint, shown};

/// A name of the DNS (RFC 1035, 3.1) as master files write it: absolute, in lower case, with the final dot.
///
/// Labels hold printable ASCII without what `PowerDNS` cannot look up (`"();$`); a dot, a backslash and `@` inside of
/// a label are escaped with a backslash, a space is `\032`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(String);

impl Name {
    /// The zone of that domain name.
    pub fn zone(domain: &str) -> Self {
        Self(format!("{domain}."))
    }

    /// The name with its final dot.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// A name as a master file has it: `@` is the origin, and what has no final dot is relative to it.
    pub fn in_file(text: &str, origin: &Self) -> Result<Self, Reason> {
        if text == "@" {
            return Ok(origin.clone());
        }
        let (labels, absolute) = labels(text)?;
        Self::of(labels, (!absolute).then_some(origin), text)
    }

    /// The owner of a record as an admin types it: relative to the zone, or the full name in the zone with or
    /// without the final dot.
    pub fn owner(text: &str, zone: &Self) -> Result<Self, Reason> {
        if text == "@" {
            return Ok(zone.clone());
        }
        let (labels, absolute) = labels(text)?;
        let full = Self::of(labels.clone(), None, text)?;
        if full.is_in(zone) {
            return Ok(full);
        }
        if absolute {
            return refuse_with_hint(
                format!("`{}` is not in the zone `{}`", shown(text), zone.bare()),
                "without the final dot a name is relative to the zone",
            );
        }
        Self::of(labels, Some(zone), text)
    }

    /// What makes it doubtful that an owner which was typed as `text` is meant to be below the zone: its end is a domain that
    /// others can have, as in `www.example.org`. Master files take it as relative all the same (RFC 1035, 5.1).
    pub fn doubt(&self, text: &str, zone: &Self) -> Option<Reason> {
        let full = Self::of(labels(text).ok()?.0, None, text).ok()?;
        let registered = psl::domain(full.bare().as_bytes())?.suffix().is_known();
        let doubtful = registered && !full.is_in(zone) && full != *self;
        doubtful.then(|| Reason {
            message: format!(
                "`{}` looks like a full name, which is not in the zone `{}`",
                shown(text),
                zone.bare()
            ),
            hint: Some(format!(
                "write `{}` for the name below the zone",
                self.bare()
            )),
        })
    }

    /// A name that a record points to as an admin types it: `mail` is in the zone, `mail.example.org` is absolute.
    pub fn target(text: &str, zone: &Self) -> Result<Self, Reason> {
        if text == "@" {
            return Ok(zone.clone());
        }
        let (labels, absolute) = labels(text)?;
        if absolute {
            return Self::of(labels, None, text);
        }
        if labels.len() == 1 {
            return Self::of(labels, Some(zone), text);
        }
        let full = Self::of(labels, None, text)?;
        // Dots inside and none at the end: one admin means the full name, another one below the zone. Only where
        // the end is a known public suffix, or the zone itself, is there no doubt.
        let known =
            psl::domain(full.bare().as_bytes()).is_some_and(|domain| domain.suffix().is_known());
        if known || full.is_in(zone) {
            return Ok(full);
        }
        refuse_with_hint(
            format!("`{}` may be a full name or one in the zone", shown(text)),
            format!("write `{full}` or `{}{zone}`", full.as_str()),
        )
    }

    fn of(mut labels: Vec<Vec<u8>>, origin: Option<&Self>, text: &str) -> Result<Self, Reason> {
        if let Some(origin) = origin {
            labels.extend(origin.labels());
        }
        let wire = labels.iter().map(|label| label.len() + 1).sum::<usize>() + 1;
        if wire > 255 {
            return refuse(format!(
                "`{}` is too long: a name takes at most 255 bytes (RFC 1035, 2.3.4)",
                shown(text)
            ));
        }
        Ok(Self(written(&labels)))
    }

    /// The bytes of each label.
    pub fn labels(&self) -> Vec<Vec<u8>> {
        labels(&self.0)
            .map(|(labels, _)| labels)
            .unwrap_or_default()
    }

    /// Whether it is `zone` or below it.
    pub fn is_in(&self, zone: &Self) -> bool {
        if zone.0 == "." || self == zone {
            return true;
        }
        let Some(head) = self.0.strip_suffix(&zone.0) else {
            return false;
        };
        // A dot that is itself escaped separates nothing.
        head.strip_suffix('.').is_some_and(|head| {
            let escapes = head.len() - head.trim_end_matches('\\').len();
            escapes % 2 == 0
        })
    }

    /// The name relative to `zone`, which it is in: `www`; `@` for the zone itself.
    pub fn relative(&self, zone: &Self) -> &str {
        if self == zone {
            return "@";
        }
        let head = self.0.strip_suffix(&zone.0).unwrap_or(&self.0);
        head.strip_suffix('.').unwrap_or(head)
    }

    /// The name of which [`Self::relative`] is `relative`.
    pub fn absolute(relative: &str, zone: &Self) -> Self {
        if relative == "@" {
            zone.clone()
        } else {
            Self(format!("{relative}.{}", zone.0))
        }
    }

    /// The name without its final dot.
    pub fn bare(&self) -> &str {
        self.0
            .strip_suffix('.')
            .filter(|bare| !bare.is_empty())
            .unwrap_or(&self.0)
    }

    /// The name one label up; `None` for the root.
    pub fn parent(&self) -> Option<Self> {
        let mut labels = self.labels();
        if labels.is_empty() {
            return None;
        }
        labels.remove(0);
        Some(Self(written(&labels)))
    }

    /// The name as `PowerDNS` keeps it in its tables: without the final dot, and with fewer escapes
    /// (`DNSName::appendEscapedLabel`).
    pub fn stored(&self) -> String {
        self.bare().replace("\\@", "@")
    }

    /// Whether it can be the name of a host (RFC 1123, 2.1).
    pub fn is_host(&self) -> bool {
        let label = |label: &Vec<u8>| {
            label
                .iter()
                .all(|b| b.is_ascii_alphanumeric() || *b == b'-')
                && label.first() != Some(&b'-')
                && label.last() != Some(&b'-')
        };
        let labels = self.labels();
        !labels.is_empty() && labels.iter().all(label)
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The labels of a name in master-file form, and whether it ends with a dot.
fn labels(text: &str) -> Result<(Vec<Vec<u8>>, bool), Reason> {
    if text.is_empty() {
        return refuse("a name is needed");
    }
    if text == "." {
        return Ok((Vec::new(), true));
    }
    if text.len() > 2048 {
        return refuse("a name takes at most 255 bytes (RFC 1035, 2.3.4)");
    }
    let mut labels = Vec::new();
    let mut label: Vec<u8> = Vec::new();
    let mut bytes = text.bytes();
    let mut ended = false;
    while let Some(byte) = bytes.next() {
        ended = false;
        match byte {
            b'.' => {
                labels.push(folded(&std::mem::take(&mut label), text)?);
                ended = true;
            }
            b'\\' => label.push(escaped(&mut bytes, text)?),
            _ => label.push(byte),
        }
    }
    if !ended {
        labels.push(folded(&label, text)?);
    }
    Ok((labels, ended))
}

/// The byte after a backslash: three decimal digits, or itself (RFC 1035, 5.1).
fn escaped(bytes: &mut std::str::Bytes<'_>, text: &str) -> Result<u8, Reason> {
    let bad = || Reason {
        message: format!("`{}` has a `\\` without a character after it", shown(text)),
        hint: None,
    };
    let first = bytes.next().ok_or_else(bad)?;
    if !first.is_ascii_digit() {
        return Ok(first);
    }
    let digits = [
        first,
        bytes.next().ok_or_else(bad)?,
        bytes.next().ok_or_else(bad)?,
    ];
    let number = std::str::from_utf8(&digits)
        .ok()
        .and_then(|digits| digits.parse().ok());
    number.map_or_else(
        || {
            refuse(format!(
                "`{}` has a `\\` that three digits to 255 must follow",
                shown(text)
            ))
        },
        Ok,
    )
}

/// A label in lower case and ASCII; refused when it is none.
fn folded(label: &[u8], text: &str) -> Result<Vec<u8>, Reason> {
    let label = if label.is_ascii() {
        label.to_ascii_lowercase()
    } else {
        in_ascii(label, text)?.into_bytes()
    };
    if label.is_empty() {
        return refuse(format!("`{}` has an empty label", shown(text)));
    }
    if label.len() > 63 {
        return refuse(format!(
            "`{}` has a label of {} bytes, at most 63 are possible (RFC 1035, 2.3.4)",
            shown(text),
            label.len()
        ));
    }
    if let Some(bad) = label
        .iter()
        .find(|b| !(b' '..=b'~').contains(b) || b"\"();$".contains(b))
    {
        return refuse(format!(
            "`{}` is not a name: `{}` cannot be in one",
            shown(text),
            char::from(*bad).escape_default()
        ));
    }
    Ok(label)
}

/// The A-label of a label with other letters (RFC 5891).
fn in_ascii(label: &[u8], text: &str) -> Result<String, Reason> {
    let not = || Reason {
        message: format!(
            "`{}` is not a name: a label cannot be written in A-labels (UTS 46)",
            shown(text)
        ),
        hint: None,
    };
    let label = std::str::from_utf8(label).map_err(|_| not())?;
    // What shows nothing would be dropped without a word.
    let invisible = |c: char| {
        c.is_control()
            || matches!(u32::from(c), 0xAD | 0x200B..=0x200F | 0x202A..=0x202E | 0x2060..=0x206F | 0xFE00..=0xFE0F | 0xFEFF)
    };
    if label.chars().any(invisible) {
        return Err(not());
    }
    let ascii = Uts46::new()
        .to_ascii(
            label.as_bytes(),
            AsciiDenyList::EMPTY,
            Hyphens::Allow,
            DnsLength::Ignore,
        )
        .map_err(|_| not())?;
    if ascii.contains('.') {
        return Err(not());
    }
    Ok(ascii.into_owned())
}

/// Labels in master-file form, with the final dot.
fn written(labels: &[Vec<u8>]) -> String {
    if labels.is_empty() {
        return ".".to_owned();
    }
    let mut out = String::new();
    for label in labels {
        for byte in label {
            match byte {
                b'.' | b'\\' | b'@' => {
                    out.push('\\');
                    out.push(char::from(*byte));
                }
                b' ' => out.push_str("\\032"),
                _ => out.push(char::from(*byte)),
            }
        }
        out.push('.');
    }
    out
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn zone() -> Name {
        Name::zone("example.com")
    }

    #[test]
    fn owners_are_in_the_zone() {
        for (typed, name, relative) in [
            ("@", "example.com.", "@"),
            ("www", "www.example.com.", "www"),
            ("WWW.Example.com", "www.example.com.", "www"),
            ("a.b", "a.b.example.com.", "a.b"),
            ("example.com.", "example.com.", "@"),
            ("*", "*.example.com.", "*"),
            ("_dmarc", "_dmarc.example.com.", "_dmarc"),
            ("münchen", "xn--mnchen-3ya.example.com.", "xn--mnchen-3ya"),
            ("a\\.b", "a\\.b.example.com.", "a\\.b"),
            (
                "notexample.com",
                "notexample.com.example.com.",
                "notexample.com",
            ),
        ] {
            let owner = Name::owner(typed, &zone()).unwrap();
            assert_eq!(owner.as_str(), name, "{typed}");
            assert_eq!(owner.relative(&zone()), relative, "{typed}");
            assert_eq!(Name::absolute(relative, &zone()), owner);
        }
        let long = "a".repeat(64);
        let deep = "abcdefgh.".repeat(30);
        for bad in [
            "",
            "..",
            "a..b",
            ".a",
            "www.example.org.",
            "a\"b",
            "a;b",
            "a(b",
            "$a",
            "a\\",
            "a\\25",
            "a\\999",
            "\u{202e}a",
            "a\u{0}b",
            "a\nb",
            &long,
            &deep,
            "a\\000b",
        ] {
            assert!(Name::owner(bad, &zone()).is_err(), "{bad:?} was taken");
        }
    }

    #[test]
    fn a_target_is_never_guessed() {
        for (typed, name) in [
            ("mail", "mail.example.com."),
            ("mail.example.org", "mail.example.org."),
            ("mail.example.com", "mail.example.com."),
            ("mail.sub.example.com", "mail.sub.example.com."),
            ("mail.internal.", "mail.internal."),
            (".", "."),
        ] {
            assert_eq!(
                Name::target(typed, &zone()).unwrap().as_str(),
                name,
                "{typed}"
            );
        }
        let doubt = Name::target("mail.dc1", &zone()).unwrap_err();
        assert_eq!(
            doubt.hint.as_deref(),
            Some("write `mail.dc1.` or `mail.dc1.example.com.`")
        );
    }

    #[test]
    fn an_escaped_dot_separates_nothing() {
        let name = Name::in_file("a\\.example.com.", &zone()).unwrap();
        assert!(!name.is_in(&zone()));
        assert!(
            Name::in_file("a\\\\.example.com.", &zone())
                .unwrap()
                .is_in(&zone())
        );
        assert_eq!(name.parent().unwrap().as_str(), "com.");
        assert_eq!(name.labels()[0], b"a.example");
    }
}
