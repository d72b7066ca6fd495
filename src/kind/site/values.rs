//! The values of a site's settings: each parses its text, or says why not and what to write instead.

use crate::kind::reason::{Reason, refuse, refuse_with_hint, shown};

/// A path below the site's home: `public`, `app/public`. Components of `A-Z a-z 0-9 . _ -` that do not begin with
/// `.` or `-`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct RelativePath(pub(super) String);

/// Directories of the home that are not for serving.
const RESERVED: [&str; 3] = ["logs", "tmp", "sessions"];

impl RelativePath {
    pub(super) fn parse(text: &str) -> Result<Self, Reason> {
        let text = text.strip_suffix('/').unwrap_or(text);
        if text.starts_with('/') {
            return refuse_with_hint(
                format!("`{}` is an absolute path", shown(text)),
                "give a directory below the site's home, such as `public`",
            );
        }
        if text.len() > 200 {
            return refuse("a path below the home has at most 200 bytes");
        }
        for component in text.split('/') {
            let fine = component
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b));
            if component.is_empty() || !fine || component.starts_with(['.', '-']) {
                return refuse_with_hint(
                    format!("`{}` is not a directory that can be served", shown(text)),
                    "names of `A-Z a-z 0-9 . _ -` that do not begin with `.` or `-`, with `/` between them",
                );
            }
        }
        let first = text.split('/').next().unwrap_or_default();
        if RESERVED.contains(&first) {
            return refuse_with_hint(
                format!("`{first}` in the site's home is reserved"),
                format!(
                    "fleet keeps what must not be served in {}",
                    RESERVED.join(", ")
                ),
            );
        }
        Ok(Self(text.to_owned()))
    }

    /// Each directory on the way, from the home down: `app`, `app/public`.
    pub(super) fn ancestors(&self) -> Vec<&str> {
        let ends = self.0.match_indices('/').map(|(at, _)| at);
        ends.chain([self.0.len()])
            .map(|end| &self.0[..end])
            .collect()
    }
}

/// A file name for `index`: no `/`, no leading dot.
pub(super) fn file_name(text: &str) -> Result<String, Reason> {
    let fine = !text.is_empty()
        && text.len() <= 100
        && !text.starts_with(['.', '-'])
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b));
    if fine {
        Ok(text.to_owned())
    } else {
        refuse_with_hint(
            format!("`{}` is not a plain file name", shown(text)),
            "such as `index.html`: `A-Z a-z 0-9 . _ -`, without a path",
        )
    }
}

/// A path of a URL as nginx matches it: percent-decoded, begins with `/`, without query.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct UrlPath(pub(super) String);

impl UrlPath {
    pub(super) fn parse(text: &str) -> Result<Self, Reason> {
        if !text.starts_with('/') {
            return refuse_with_hint(
                format!("`{}` is not a path", shown(text)),
                "a path begins with `/`",
            );
        }
        if text.len() > 1024 {
            return refuse("a path has at most 1024 bytes");
        }
        let Some(decoded) = percent_decoded(text) else {
            return refuse(format!(
                "`{}` has a `%` without two hexadecimal digits, or what they stand for is not UTF-8",
                shown(text)
            ));
        };
        if let Some(bad) = decoded
            .chars()
            .find(|&c| c.is_control() || "$\\".contains(c))
            .or_else(|| text.chars().find(|&c| "?#".contains(c)))
        {
            return refuse(format!(
                "`{}` cannot be in the path `{}`",
                bad.escape_debug(),
                shown(text)
            ));
        }
        if decoded.split('/').any(|part| part == "." || part == "..") || decoded.contains("//") {
            return refuse(format!(
                "`{}` is not a path that a request can have: `.`, `..` and `//` are resolved before",
                shown(text)
            ));
        }
        Ok(Self(decoded))
    }
}

/// `text` with its `%XX` resolved; `None` when one is malformed or the result is not UTF-8.
fn percent_decoded(text: &str) -> Option<String> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        rest = tail;
        if *first == b'%' {
            let digits = std::str::from_utf8(rest.get(..2)?).ok()?;
            if !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
                return None;
            }
            out.push(u8::from_str_radix(digits, 16).ok()?);
            rest = &rest[2..];
        } else {
            out.push(*first);
        }
    }
    String::from_utf8(out).ok()
}

/// Path and query of a request in its encoded form, as it goes over the wire (RFC 3986): `/status?full=1`.
pub(super) fn request_target(text: &str) -> Result<String, Reason> {
    let fine = text.starts_with('/')
        && text.len() <= 1024
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"-._~:/?[]@!$&'()*+,;=%".contains(&b));
    if fine {
        Ok(text.to_owned())
    } else {
        refuse_with_hint(
            format!("`{}` is not the path of a request", shown(text)),
            "such as `/` or `/status?full=1`; other characters percent-encoded",
        )
    }
}

/// A text that a page must contain: on one line, since that is how the server searches for it.
pub(super) fn health_text(text: &str) -> Result<String, Reason> {
    if text.is_empty() || text.len() > 1024 || text.chars().any(char::is_control) {
        refuse_with_hint(
            format!("`{}` is not a text to look for", shown(text)),
            "1 to 1024 bytes on one line",
        )
    } else {
        Ok(text.to_owned())
    }
}

/// Statuses that count as well: `200-499`, `204`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct StatusRange {
    pub(super) min: u16,
    pub(super) max: u16,
}

impl StatusRange {
    pub(super) fn parse(text: &str) -> Result<Self, Reason> {
        let (min, max) = text.split_once('-').unwrap_or((text, text));
        let status = |text: &str| {
            let digits = text.len() == 3 && text.bytes().all(|b| b.is_ascii_digit());
            text.parse::<u16>()
                .ok()
                .filter(|code| digits && (100..=599).contains(code))
        };
        match (status(min), status(max)) {
            (Some(min), Some(max)) if min <= max => Ok(Self { min, max }),
            _ => refuse_with_hint(
                format!("`{}` is not a range of statuses", shown(text)),
                "such as `200-399` or `204`, from 100 to 599",
            ),
        }
    }
}

/// A size in bytes: a number with `K`, `M` or `G` (binary), as nginx and PHP write it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Size {
    /// In bytes.
    pub(super) bytes: u64,
    /// As nginx and PHP write it: `64M`.
    pub(super) text: String,
}

impl Size {
    /// A size between 1 KiB and `max` bytes.
    pub(super) fn parse(text: &str, max: u64) -> Result<Self, Reason> {
        let upper = text.to_ascii_uppercase();
        let digits = upper.trim_end_matches(|c: char| c.is_ascii_alphabetic());
        let factor: u64 = match &upper[digits.len()..] {
            "" => 1,
            "K" => 1 << 10,
            "M" => 1 << 20,
            "G" => 1 << 30,
            _ => 0,
        };
        let number = number(digits).and_then(|n| n.checked_mul(factor));
        match number {
            Some(bytes) if factor > 0 && (1024..=max).contains(&bytes) => {
                Ok(Self { bytes, text: upper })
            }
            Some(_) if factor > 0 => refuse(format!(
                "`{}` is out of range: from `1K` to `{}M`",
                shown(text),
                max >> 20
            )),
            _ => refuse_with_hint(
                format!("`{}` is not a size", shown(text)),
                "a number with `K`, `M` or `G`, such as `64M`",
            ),
        }
    }
}

/// A stretch of time: a number with `s`, `m`, `h`, `d`, `w` or `y` (365 days).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) seconds: u64,
}

impl Span {
    /// A time between 1 second and `max` seconds.
    pub(super) fn parse(text: &str, max: u64) -> Result<Self, Reason> {
        let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
        let factor: u64 = match &text[digits.len()..] {
            "" | "s" => 1,
            "m" => 60,
            "h" => 3_600,
            "d" => 86_400,
            "w" => 604_800,
            "y" => 31_536_000,
            _ => 0,
        };
        match number(digits).and_then(|n| n.checked_mul(factor)) {
            Some(seconds) if factor > 0 && (1..=max).contains(&seconds) => Ok(Self { seconds }),
            Some(_) if factor > 0 => refuse(format!(
                "`{}` is out of range: from `1s` to `{max}s`",
                shown(text)
            )),
            _ => refuse_with_hint(
                format!("`{}` is not a time", shown(text)),
                "a number with `s`, `m`, `h`, `d`, `w` or `y`, such as `30d`",
            ),
        }
    }
}

/// A plain decimal number: digits only, no sign, no leading zeros.
pub(super) fn number(text: &str) -> Option<u64> {
    let plain = !text.is_empty()
        && text.len() <= 18
        && text.bytes().all(|b| b.is_ascii_digit())
        && (text == "0" || !text.starts_with('0'));
    if plain { text.parse().ok() } else { None }
}
