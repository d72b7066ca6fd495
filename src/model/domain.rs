//! Domain names: checked, folded to A-labels, safe in every file and command they reach.

use std::fmt;
use std::str::FromStr;

use icu_properties::CodePointMapData;
use icu_properties::props::Script;
use idna::AsciiDenyList;
use idna::uts46::{DnsLength, Hyphens, Uts46};
use serde::{Deserialize, Serialize};

/// A fully qualified host name in lower-case A-labels (RFC 1123, RFC 5891), without the final dot.
///
/// Made of `a-z 0-9 - .` only, at least two labels, at most 253 bytes, the last label not a number: nothing in it
/// means anything to a shell, to nginx or to a file system.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DomainName(String);

/// Why a text is not a domain name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DomainError {
    /// What is wrong with it.
    pub message: String,
    /// What to write instead, where that is known.
    pub hint: Option<String>,
}

impl DomainError {
    fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            hint: None,
        }
    }

    fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl fmt::Display for DomainError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for DomainError {}

impl DomainName {
    /// The name in A-labels.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name in U-labels, as an admin would write it.
    pub fn to_unicode(&self) -> String {
        idna::domain_to_unicode(&self.0).0
    }

    /// Whether it is the name one registers, a label below a public suffix: `example.co.uk`, not `blog.example.com`.
    pub fn is_registrable(&self) -> bool {
        psl::domain_str(&self.0) == Some(self.as_str())
    }

    /// This name with `label` (a plain one, such as `www`) before it; `None` when that would be too long.
    pub fn below(&self, label: &'static str) -> Option<Self> {
        let name = format!("{label}.{}", self.0);
        (name.len() <= 253).then_some(Self(name))
    }
}

impl FromStr for DomainName {
    type Err = DomainError;

    fn from_str(text: &str) -> Result<Self, DomainError> {
        if is_plain(text) {
            return Ok(Self(text.to_owned()));
        }
        Self::mapped(text)
    }
}

impl DomainName {
    /// The name behind any text: checked, mapped and folded to A-labels.
    fn mapped(text: &str) -> Result<Self, DomainError> {
        let shown = shown(text);
        if text.is_empty() {
            return Err(DomainError::new("a domain name is needed"));
        }
        if text.len() > 1024 {
            return Err(DomainError::new(format!(
                "a domain name has at most 253 bytes, this one has {}",
                text.len()
            )));
        }
        refuse_characters(text, &shown)?;
        let text = text
            .strip_suffix(['.', '\u{3002}', '\u{ff0e}', '\u{ff61}'])
            .unwrap_or(text);
        refuse_form(text, &shown)?;
        let ascii = Uts46::new()
            .to_ascii(
                text.as_bytes(),
                AsciiDenyList::STD3,
                Hyphens::Check,
                DnsLength::Verify,
            )
            .map_err(|_| why_not_ascii(text, &shown))?
            .into_owned();
        // Mapping may have made dots and digits of other characters, so the form is looked at once more.
        refuse_form(&ascii, &shown)?;
        for label in ascii.split('.') {
            refuse_mixed_scripts(label)?;
        }
        Ok(Self(ascii))
    }
}

/// Whether `text` is a name as nearly all are: ASCII in lower case, nothing to fold, nothing to refuse. Every stored
/// name is read again for every plan, so this is worth knowing before the tables of Unicode are asked.
fn is_plain(text: &str) -> bool {
    let plain = |label: &str| {
        let bytes = label.as_bytes();
        let inner = |b: &u8| b.is_ascii_lowercase() || b.is_ascii_digit() || *b == b'-';
        (1..=63).contains(&bytes.len())
            && bytes.iter().all(inner)
            && !label.starts_with('-')
            && !label.ends_with('-')
            // `xn--` is an A-label, and any other such label is reserved (RFC 5891, 4.2.3.1).
            && bytes.get(2..4) != Some(b"--")
    };
    // A last label that begins with a letter is no number, so that the whole is no address either (inet_aton(3)).
    let last = text.rsplit_once('.').map_or("", |(_, last)| last);
    text.len() <= 253
        && last.starts_with(|c: char| c.is_ascii_lowercase())
        && text.split('.').all(plain)
}

/// `text` for a message: without control characters, and not longer than a line.
fn shown(text: &str) -> String {
    let mut out: String = text.chars().take(64).flat_map(char::escape_debug).collect();
    if text.chars().nth(64).is_some() {
        out.push('…');
    }
    out
}

/// Refuses characters that are never part of a name, and says which.
fn refuse_characters(text: &str, shown: &str) -> Result<(), DomainError> {
    if let Some((_, rest)) = text.split_once("://") {
        let name = rest.split(['/', ':', '?', '#']).next().unwrap_or_default();
        return Err(
            DomainError::new(format!("`{shown}` is a URL, not a domain name"))
                .hint(format!("give the name alone: `{}`", self::shown(name))),
        );
    }
    let Some(bad) = text.chars().find(|&c| {
        c.is_control()
            || c.is_whitespace()
            || is_invisible(c)
            || (c.is_ascii() && !c.is_ascii_alphanumeric() && !"-.".contains(c))
    }) else {
        return Ok(());
    };
    let error = DomainError::new(format!(
        "`{shown}` is not a domain name: {} cannot be in one",
        match bad {
            ' ' => "a space".to_owned(),
            _ if bad.is_ascii_graphic() => format!("`{bad}`"),
            _ => format!("the character U+{:04X}", u32::from(bad)),
        }
    ));
    Err(match bad {
        '*' => error.hint("a wildcard such as `*.example.com` can only be an alias"),
        '_' => error
            .hint("names with `_` exist in DNS records, but no host can be called so (RFC 1123)"),
        '/' => error.hint("give the name alone, without a path"),
        ':' => error.hint("give the name alone, without a port"),
        '@' => error.hint("give the name after the `@`"),
        _ => error,
    })
}

/// Characters that show nothing or turn the direction of text; UTS 46 would drop some of them without a word.
fn is_invisible(c: char) -> bool {
    matches!(
        u32::from(c),
        0x00AD | 0x034F | 0x061C | 0x115F | 0x1160 | 0x17B4 | 0x17B5 | 0x180B..=0x180F | 0x200B | 0x200E | 0x200F
            | 0x202A..=0x202E | 0x2060..=0x206F | 0x3164 | 0xFE00..=0xFE0F | 0xFEFF | 0xFFA0 | 0xFFF0..=0xFFFB
            | 0xE0000..=0xE0FFF
    )
}

/// Refuses what has no labels, an empty label, one label, or is an address.
fn refuse_form(text: &str, shown: &str) -> Result<(), DomainError> {
    if text.parse::<std::net::IpAddr>().is_ok() {
        return Err(DomainError::new(format!(
            "`{shown}` is an address, not a domain name"
        )));
    }
    if text.split('.').any(str::is_empty) {
        return Err(DomainError::new(format!(
            "`{shown}` is not a domain name: it has an empty label"
        ))
        .hint("a label is the text between two dots"));
    }
    let Some((_, last)) = text.rsplit_once('.') else {
        // Another full stop (U+3002) is found after the mapping.
        if text.is_ascii() {
            return Err(DomainError::new(format!(
                "`{shown}` is not a full domain name: it has one label only"
            ))
            .hint(format!("for a name of your own network, use one like `{shown}.internal` (RFC 6762, appendix G)")));
        }
        return Ok(());
    };
    // What a resolver takes for an address (inet_aton(3)): `1.2.3`, `0x7f.1`.
    let hexadecimal = last
        .strip_prefix("0x")
        .is_some_and(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()));
    if last.bytes().all(|b| b.is_ascii_digit()) || hexadecimal {
        return Err(DomainError::new(format!(
            "`{shown}` is not a domain name: the last label cannot be a number"
        )));
    }
    Ok(())
}

/// The rule of UTS 46 that `text` breaks.
fn why_not_ascii(text: &str, shown: &str) -> DomainError {
    let uts46 = Uts46::new();
    let lenient = uts46.to_ascii(
        text.as_bytes(),
        AsciiDenyList::STD3,
        Hyphens::Check,
        DnsLength::Ignore,
    );
    if let Ok(ascii) = lenient {
        if let Some(label) = ascii.split('.').find(|label| label.len() > 63) {
            return DomainError::new(format!(
                "`{shown}` is not a domain name: a label has at most 63 bytes, one has {}",
                label.len()
            ));
        }
        return DomainError::new(format!(
            "a domain name has at most 253 bytes, `{shown}` has {}",
            ascii.len()
        ));
    }
    if uts46
        .to_ascii(
            text.as_bytes(),
            AsciiDenyList::STD3,
            Hyphens::Allow,
            DnsLength::Ignore,
        )
        .is_ok()
    {
        return DomainError::new(format!(
            "`{shown}` is not a domain name: a label cannot begin or end with `-`, nor have `--` in third place"
        ))
        .hint("no certificate authority would sign such a name");
    }
    DomainError::new(format!(
        "`{shown}` is not a domain name that can be registered (UTS 46)"
    ))
}

/// Refuses a label whose letters come from scripts that no language mixes, as browsers do: a Cyrillic `а` in
/// `аpple` (UTS 39, section 5.2, "highly restrictive").
fn refuse_mixed_scripts(label: &str) -> Result<(), DomainError> {
    if !label.starts_with("xn--") {
        return Ok(());
    }
    let (unicode, _) = idna::domain_to_unicode(label);
    let script_of = CodePointMapData::<Script>::new();
    let mut scripts: Vec<Script> = Vec::new();
    for c in unicode.chars() {
        let script = script_of.get(c);
        if script != Script::Common && script != Script::Inherited && !scripts.contains(&script) {
            scripts.push(script);
        }
    }
    let together: [&[Script]; 3] = [
        &[
            Script::Latin,
            Script::Han,
            Script::Hiragana,
            Script::Katakana,
        ],
        &[Script::Latin, Script::Han, Script::Hangul],
        &[Script::Latin, Script::Han, Script::Bopomofo],
    ];
    let fine = scripts.len() <= 1
        || together
            .iter()
            .any(|group| scripts.iter().all(|script| group.contains(script)));
    if fine {
        return Ok(());
    }
    Err(DomainError::new(format!(
        "`{unicode}` mixes letters of different scripts that look alike"
    ))
    .hint(format!(
        "type the name anew instead of copying it; in A-labels it is `{label}`"
    )))
}

impl TryFrom<String> for DomainName {
    type Error = DomainError;

    fn try_from(text: String) -> Result<Self, DomainError> {
        text.parse()
    }
}

impl From<DomainName> for String {
    fn from(name: DomainName) -> Self {
        name.0
    }
}

impl fmt::Display for DomainName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A name a web server answers to: a domain name, or every name one label below it (`*.example.com`).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HostPattern {
    /// This name.
    Exact(DomainName),
    /// Every name one label or more below this one.
    Below(DomainName),
}

impl HostPattern {
    /// The domain name in it.
    pub fn domain(&self) -> &DomainName {
        match self {
            Self::Exact(domain) | Self::Below(domain) => domain,
        }
    }
}

impl FromStr for HostPattern {
    type Err = DomainError;

    fn from_str(text: &str) -> Result<Self, DomainError> {
        match text.strip_prefix("*.") {
            Some(rest) => {
                let domain: DomainName = rest.parse()?;
                if domain.as_str().len() > 251 {
                    return Err(DomainError::new("a domain name has at most 253 bytes"));
                }
                Ok(Self::Below(domain))
            }
            None => text.parse().map(Self::Exact),
        }
    }
}

impl fmt::Display for HostPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact(domain) => domain.fmt(f),
            Self::Below(domain) => write!(f, "*.{domain}"),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::*;

    fn parse(text: &str) -> Result<String, String> {
        text.parse::<DomainName>()
            .map(String::from)
            .map_err(|e| e.message)
    }

    #[test]
    fn most_names_are_plain() {
        for plain in ["example.com", "a.b", "4-u.example.co.uk", "x.f00"] {
            assert!(is_plain(plain), "{plain}");
        }
        for other in [
            "",
            "com",
            "a..b",
            "Example.com",
            "a.com.",
            "xn--mnchen-3ya.de",
            "-a.com",
            "a-.com",
            "a.0x1f",
            "1.2.3.4",
        ] {
            assert!(!is_plain(other), "{other}");
        }
    }

    #[test]
    fn names_are_folded() {
        for (input, expected) in [
            ("example.com", "example.com"),
            ("EXAMPLE.Com.", "example.com"),
            ("münchen.de", "xn--mnchen-3ya.de"),
            ("MÜNCHEN.de", "xn--mnchen-3ya.de"),
            ("xn--mnchen-3ya.de", "xn--mnchen-3ya.de"),
            ("straße.de", "xn--strae-oqa.de"),
            ("例え。テスト", "xn--r8jz45g.xn--zckzah"),
            ("日本語web.jp", "xn--web-s08fl0dtz6h.jp"),
            ("почта.рф", "xn--80a1acny.xn--p1ai"),
            ("ｅｘａｍｐｌｅ.com", "example.com"),
            ("a.b-c.d1.example.museum", "a.b-c.d1.example.museum"),
            ("1.example.com", "1.example.com"),
        ] {
            assert_eq!(parse(input).as_deref(), Ok(expected), "{input}");
        }
    }

    #[test]
    fn hostile_names_are_refused() {
        let long_label = format!("{}.com", "a".repeat(64));
        let long_name = format!("{}com", "abcdefghi.".repeat(30));
        for input in [
            "",
            ".",
            "..",
            "example..com",
            ".example.com",
            "example.com..",
            "localhost",
            "192.0.2.1",
            "192.0.2",
            "1.2.3.0x4",
            "2001:db8::1",
            "example.123",
            "-example.com",
            "example-.com",
            "ab--cd.com",
            "xn--a.com",
            "xn--99999999999.com",
            "exa mple.com",
            "example.com\n",
            "example.com\r\nX: y",
            "exam\0ple.com",
            "exam\tple.com",
            "example.com;reboot",
            "example.com{",
            "example.com}",
            "$(id).com",
            "`id`.com",
            "a'b.com",
            "a\"b.com",
            "a\\b.com",
            "a|b.com",
            "a&b.com",
            "a<b.com",
            "a#b.com",
            "a%2e.com",
            "a,b.com",
            "a~b.com",
            "~^.com",
            "../etc/passwd",
            "example.com/../x",
            "example.com:80",
            "user@example.com",
            "https://example.com/",
            "_dmarc.example.com",
            "*.example.com",
            "ex\u{ad}ample.com",
            "ex\u{200b}ample.com",
            "ex\u{200d}ample.com",
            "example\u{202e}moc.com",
            "ex\u{feff}ample.com",
            "ex\u{2100}ample.com",
            "\u{a0}example.com",
            "аpple.com",
            "gооgle.com",
            "xn--pple-43d.com",
            "αpple.com",
            "ωеb.com",
            &long_label,
            &long_name,
            &"a".repeat(300),
        ] {
            assert!(parse(input).is_err(), "{input:?} became {:?}", parse(input));
        }
    }

    #[test]
    fn messages_say_what_to_do() {
        let error = |text: &str| text.parse::<DomainName>().unwrap_err();
        assert_eq!(
            error("https://example.com/path").hint.unwrap(),
            "give the name alone: `example.com`"
        );
        assert!(error("a b.com").message.contains("a space"));
        assert!(error("a\u{ad}b.com").message.contains("U+00AD"));
        assert!(error("a\nb.com").message.contains("a\\nb.com"));
        assert!(error("аpple.com").message.contains("scripts"));
        assert!(
            error("intranet")
                .hint
                .unwrap()
                .contains("intranet.internal")
        );
        assert!(
            error(&format!("{}com", "abcdefghi.".repeat(30)))
                .message
                .contains("253")
        );
    }

    #[test]
    fn registrable_names_are_those_below_a_public_suffix() {
        for (name, expected) in [
            ("example.com", true),
            ("example.co.uk", true),
            ("blog.example.com", false),
            ("co.uk", false),
            ("example.github.io", true),
            ("xn--mnchen-3ya.de", true),
            ("app.internal", true),
        ] {
            let name: DomainName = name.parse().unwrap();
            assert_eq!(name.is_registrable(), expected, "{name}");
        }
    }

    #[test]
    fn wildcards_are_patterns_only() {
        let pattern: HostPattern = "*.Bücher.example".parse().unwrap();
        assert_eq!(pattern.to_string(), "*.xn--bcher-kva.example");
        for bad in ["*", "*.", "*.*.com", "a.*.com", "*.com", "*x.com"] {
            assert!(bad.parse::<HostPattern>().is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn a_plain_name_is_what_the_long_way_makes_of_it(
            labels in prop::collection::vec("[a-z0-9-]{1,6}|[a-z0-9]{1,70}|0x[0-9a-f]{0,3}|xn--[a-z]{0,5}", 0..5)
        ) {
            let text = labels.join(".");
            if is_plain(&text) {
                prop_assert_eq!(DomainName::mapped(&text), Ok(DomainName(text)));
            }
        }

        #[test]
        fn a_name_that_is_taken_holds_nothing_special(text in "\\PC{1,40}") {
            if let Ok(name) = text.parse::<DomainName>() {
                prop_assert!(name.as_str().bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'.'));
                prop_assert!(name.as_str().len() <= 253);
                prop_assert_eq!(name.as_str().parse::<DomainName>().unwrap(), name);
            }
        }
    }
}
