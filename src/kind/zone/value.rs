//! The value of a record: each field parsed and brought to one form.

use std::net::{Ipv4Addr, Ipv6Addr};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::name::Name;
use super::place;
use super::service;
use super::token::{self, Token};
use super::types::{Field, RecordType};
use crate::kind::reason::{Reason, refuse, refuse_with_hint, shown};

/// How names in a value are to be read.
#[derive(Clone, Copy, Debug)]
pub(super) enum Reading<'a> {
    /// As an admin types them, see [`Name::target`].
    Typed(&'a Name),
    /// As in a master file with this origin.
    File(&'a Name),
}

impl Reading<'_> {
    fn name(self, text: &str) -> Result<Name, Reason> {
        match self {
            Self::Typed(zone) => Name::target(text, zone),
            Self::File(origin) => Name::in_file(text, origin),
        }
    }
}

/// The longest character-string (RFC 1035, 3.3).
const LONGEST: usize = 255;

/// A value as an admin types it, in its one form; a TXT without quotes is one text.
pub(super) fn typed(rtype: RecordType, text: &str, zone: &Name) -> Result<String, Reason> {
    if let Some(bad) = text.chars().find(|c| c.is_control()) {
        return refuse(format!(
            "`{}` has the control character U+{:04X} in it",
            shown(text),
            u32::from(bad)
        ));
    }
    let plain_text = rtype == RecordType::TXT && !text.starts_with('"');
    let tokens = if plain_text {
        let text = token::quoted(text.as_bytes());
        vec![Token {
            text: text[1..text.len() - 1].to_owned(),
            quoted: true,
        }]
    } else {
        token::tokens(text)?
    };
    parse(rtype, &tokens, Reading::Typed(zone))
}

/// The words of a value in its one form.
pub(super) fn parse(
    rtype: RecordType,
    tokens: &[Token],
    reading: Reading<'_>,
) -> Result<String, Reason> {
    let Some(fields) = rtype.fields() else {
        return opaque(tokens);
    };
    let wrong =
        |message: String| refuse_with_hint(message, format!("such as `{}`", rtype.example()));
    if tokens
        .first()
        .is_some_and(|token| token.text == "\\#" && !token.quoted)
    {
        return wrong(format!("{rtype} is written in its own form"));
    }
    let mut words: Vec<String> = Vec::new();
    let mut rest = tokens;
    for field in fields {
        let Some((first, others)) = rest.split_first() else {
            if *field == Field::Params {
                break;
            }
            return wrong(format!(
                "a {rtype} has {} fields, here are {}",
                fields.len(),
                tokens.len()
            ));
        };
        if first.quoted
            && !matches!(
                field,
                Field::Text | Field::Texts | Field::Tag | Field::Params
            )
        {
            return wrong(format!("`{}` cannot be in quotes", shown(&first.text)));
        }
        rest = others;
        let taken = match field {
            Field::Texts => texts(first, &mut rest)?,
            Field::Hex => hex(&joined(first, &mut rest))?,
            Field::Base64 => in_base64(&joined(first, &mut rest))?,
            Field::Params => {
                let all = &tokens[tokens.len() - rest.len() - 1..];
                rest = &[];
                service::params(all)?
            }
            Field::Place => {
                rest = &[];
                place::parse(tokens)?
            }
            _ => match one(*field, first, reading) {
                Ok(word) => word,
                Err(reason) if reason.hint.is_none() => return wrong(reason.message),
                Err(reason) => return Err(reason),
            },
        };
        words.push(taken);
    }
    if let Some(extra) = rest.first() {
        return wrong(format!(
            "`{}` is one field too many for a {rtype}",
            shown(&extra.text)
        ));
    }
    checked(rtype, &words)?;
    Ok(words.join(" "))
}

fn one(field: Field, token: &Token, reading: Reading<'_>) -> Result<String, Reason> {
    let text = token.text.as_str();
    match field {
        Field::V4 => match text.parse::<Ipv4Addr>() {
            Ok(address) => Ok(address.to_string()),
            Err(_) => refuse(format!("`{}` is not an IPv4 address", shown(text))),
        },
        Field::V6 => match text.parse::<Ipv6Addr>() {
            Ok(address) => Ok(address.to_string()),
            Err(_) => refuse(format!("`{}` is not an IPv6 address", shown(text))),
        },
        Field::Name => reading.name(text).map(|name| name.to_string()),
        Field::Number(max) => match number(text).filter(|number| *number <= max) {
            Some(number) => Ok(number.to_string()),
            None => refuse(format!("`{}` is not a number from 0 to {max}", shown(text))),
        },
        Field::Time => match seconds(text) {
            Some(seconds) => Ok(seconds.to_string()),
            None => refuse(format!(
                "`{}` is not a time: seconds, or such as `1h30m`",
                shown(text)
            )),
        },
        Field::Tag => {
            let fine =
                (1..=15).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric());
            if fine {
                Ok(text.to_ascii_lowercase())
            } else {
                refuse(format!(
                    "`{}` is not a word of 1 to 15 letters and digits",
                    shown(text)
                ))
            }
        }
        Field::Text => {
            let bytes = token::bytes(text)?;
            if bytes.len() > LONGEST {
                return refuse(format!(
                    "a text has at most 255 bytes here, this one has {}",
                    bytes.len()
                ));
            }
            Ok(token::quoted(&bytes))
        }
        Field::Texts | Field::Hex | Field::Base64 | Field::Params | Field::Place => {
            Ok(text.to_owned())
        }
    }
}

/// A decimal number: digits alone.
pub(super) fn number(text: &str) -> Option<u32> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    text.parse().ok().filter(|_| digits)
}

/// Seconds, as a number or with the units that BIND knows: `1w2d3h4m5s`; at most 2^31 - 1 (RFC 2181, 8).
pub(super) fn seconds(text: &str) -> Option<u32> {
    let mut total: u64 = 0;
    let mut digits = String::new();
    let mut units = false;
    for c in text.chars() {
        if c.is_ascii_digit() {
            digits.push(c);
            continue;
        }
        let unit = match c.to_ascii_lowercase() {
            's' => 1,
            'm' => 60,
            'h' => 3_600,
            'd' => 86_400,
            'w' => 604_800,
            _ => return None,
        };
        total = total.checked_add(u64::from(number(&digits)?) * unit)?;
        digits.clear();
        units = true;
    }
    if !digits.is_empty() {
        if units {
            return None;
        }
        total = number(&digits)?.into();
    } else if !units {
        return None;
    }
    u32::try_from(total)
        .ok()
        .filter(|total| i32::try_from(*total).is_ok())
}

/// Character-strings, of which one that is too long is split (RFC 7208, 3.3).
fn texts(first: &Token, rest: &mut &[Token]) -> Result<String, Reason> {
    let mut out = Vec::new();
    let mut whole = 0;
    for token in [first].into_iter().chain(std::mem::take(rest)) {
        let bytes = token::bytes(&token.text)?;
        whole += bytes.len();
        if bytes.is_empty() {
            out.push("\"\"".to_owned());
        }
        out.extend(bytes.chunks(LONGEST).map(token::quoted));
    }
    // A record has at most 65,535 bytes (RFC 1035, 4.1.3), of which each string takes one more than its own; a TCP
    // message holds the rest of the answer too.
    if whole + out.len() > 60_000 {
        return refuse(format!(
            "a text of {whole} bytes does not fit into an answer"
        ));
    }
    Ok(out.join(" "))
}

fn joined(first: &Token, rest: &mut &[Token]) -> String {
    let mut out = first.text.clone();
    for token in std::mem::take(rest) {
        out.push_str(&token.text);
    }
    out
}

fn hex(text: &str) -> Result<String, Reason> {
    if text.is_empty()
        || !text.len().is_multiple_of(2)
        || !text.bytes().all(|b| b.is_ascii_hexdigit())
    {
        return refuse(format!(
            "`{}` is not an even number of hexadecimal digits",
            shown(text)
        ));
    }
    Ok(text.to_ascii_lowercase())
}

fn in_base64(text: &str) -> Result<String, Reason> {
    match STANDARD.decode(text) {
        Ok(bytes) if !bytes.is_empty() => Ok(STANDARD.encode(bytes)),
        _ => refuse(format!("`{}` is not Base64", shown(text))),
    }
}

/// The value of a type of which only the number is known: `\# 4 0a000001` (RFC 3597, 5).
fn opaque(tokens: &[Token]) -> Result<String, Reason> {
    let refused = || {
        refuse_with_hint(
            "a value of a type that is only a number is written in hexadecimal",
            "such as `\\# 4 0a000001`: the length and the bytes (RFC 3597)",
        )
    };
    let [mark, length, data @ ..] = tokens else {
        return refused();
    };
    let data: String = data
        .iter()
        .map(|token| token.text.to_ascii_lowercase())
        .collect();
    let right = mark.text == "\\#"
        && data.bytes().all(|b| b.is_ascii_hexdigit())
        && number(&length.text)
            .is_some_and(|length| length as usize * 2 == data.len() && length <= 65_000);
    if !right {
        return refused();
    }
    let length = data.len() / 2;
    Ok(format!("\\# {length} {data}").trim_end().to_owned())
}

/// What the fields of a type must be together.
fn checked(rtype: RecordType, words: &[String]) -> Result<(), Reason> {
    let digits = |at: usize| words.get(at).map_or(0, String::len);
    let is = |at: usize, value: &str| words.get(at).is_some_and(|word| word == value);
    // Bytes of a hash by the number of its algorithm.
    let hashed = |at: usize, sizes: &[(&str, usize)], what: &str| {
        for (number, bytes) in sizes {
            if is(at, number) && digits(at + 1) != bytes * 2 {
                return refuse(format!(
                    "{what} {number} has {} hexadecimal digits, here are {}",
                    bytes * 2,
                    digits(at + 1)
                ));
            }
        }
        Ok(())
    };
    match rtype.to_string().as_str() {
        "DS" | "CDS" if !(is(1, "0") && is(2, "0")) => {
            hashed(2, &[("1", 20), ("2", 32), ("4", 48)], "digest type")
        }
        "SSHFP" => hashed(1, &[("1", 20), ("2", 32)], "fingerprint type"),
        "TLSA" | "SMIMEA" => {
            for (at, what, max) in [
                (0, "usage", "3"),
                (1, "selector", "1"),
                (2, "matching type", "2"),
            ] {
                if words[at].len() > 1 || words[at].as_str() > max {
                    return refuse(format!("the {what} is from 0 to {max} (RFC 6698, 2.1)"));
                }
            }
            hashed(2, &[("1", 32), ("2", 64)], "matching type")
        }
        "CAA" if !is(0, "0") && !is(0, "128") => {
            refuse("the flags of a CAA are 0 or 128 (RFC 8659, 4.1)")
        }
        "URI" if is(2, "\"\"") => refuse("the target of a URI cannot be empty (RFC 7553, 4.4)"),
        "CDNSKEY" if !is(1, "3") => refuse("the protocol of a key is 3 (RFC 4034, 2.1.2)"),
        "SVCB" | "HTTPS" if is(0, "0") && words.len() > 2 => {
            refuse("priority 0 makes it an alias, which has no parameters (RFC 9460, 2.4.2)")
        }
        "MX" if is(1, ".") && !is(0, "0") => refuse("no mail at all is `0 .` (RFC 7505, 3)"),
        _ => Ok(()),
    }
}

/// The names in a value of its one form.
pub(super) fn names(rtype: RecordType, value: &str) -> Vec<String> {
    let Some(fields) = rtype.fields() else {
        return Vec::new();
    };
    let Ok(tokens) = token::tokens(value) else {
        return Vec::new();
    };
    let pairs = fields.iter().zip(tokens);
    pairs
        .filter(|(field, _)| **field == Field::Name)
        .map(|(_, token)| token.text)
        .collect()
}

/// A value as `PowerDNS` keeps it in its tables: names without their final dots.
pub(super) fn stored(rtype: RecordType, value: &str) -> String {
    let fields = rtype.fields().unwrap_or_default();
    let mut out = String::with_capacity(value.len());
    let mut rest = value;
    for field in fields {
        let Ok((token, after)) = token::next(rest) else {
            break;
        };
        let written = &rest[..rest.len() - after.len()];
        out.push_str(match field {
            Field::Name if token.text != "." => written.strip_suffix('.').unwrap_or(written),
            // What follows is no name, and may be any number of words.
            Field::Params | Field::Texts | Field::Hex | Field::Base64 | Field::Place => break,
            _ => written,
        });
        let next = after.trim_start_matches(' ');
        out.push_str(&after[..after.len() - next.len()]);
        rest = next;
    }
    out.push_str(rest);
    out
}
