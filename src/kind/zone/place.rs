//! The value of a LOC record (RFC 1876): a place on Earth.

use std::fmt::Write as _;

use super::token::Token;
use crate::kind::reason::{Reason, refuse_with_hint, shown};

/// Degrees, minutes and seconds of latitude and longitude, altitude, size and precisions, all written out.
pub(super) fn parse(tokens: &[Token]) -> Result<String, Reason> {
    let words: Vec<&str> = tokens.iter().map(|token| token.text.as_str()).collect();
    read(&words).map_or_else(
        || {
            refuse_with_hint(
                format!("`{}` is not a place", shown(&words.join(" "))),
                "such as `51 30 12.748 N 0 7 39.611 W 0m`: degrees, minutes, seconds, N or S; the same with E or W; \
                 metres above sea level; and if you like size and precisions in metres (RFC 1876, 3)",
            )
        },
        Ok,
    )
}

fn read(words: &[&str]) -> Option<String> {
    let mut rest = words;
    let latitude = angle(&mut rest, 90, ["N", "S"])?;
    let longitude = angle(&mut rest, 180, ["E", "W"])?;
    let (altitude, others) = rest.split_first()?;
    let altitude = metres(altitude, -100_000.0, 42_849_672.95)?;
    if others.len() > 3 {
        return None;
    }
    let mut out = format!("{latitude} {longitude} {altitude}m");
    // The defaults of RFC 1876: a metre, ten kilometres, ten metres.
    for (at, default) in ["1.00", "10000.00", "10.00"].into_iter().enumerate() {
        let size = match others.get(at) {
            Some(word) => metres(word, 0.0, 90_000_000.0)?,
            None => default.to_owned(),
        };
        let _ = write!(out, " {size}m");
    }
    Some(out)
}

/// `d [m [s]] N|S`.
fn angle(rest: &mut &[&str], max: u32, sides: [&str; 2]) -> Option<String> {
    let at = rest
        .iter()
        .position(|word| sides.iter().any(|side| side.eq_ignore_ascii_case(word)))?;
    let (numbers, side) = (&rest[..at], rest[at].to_ascii_uppercase());
    *rest = &rest[at + 1..];
    let degrees = super::value::number(numbers.first()?)?;
    let minutes = numbers
        .get(1)
        .map_or(Some(0), |word| super::value::number(word))?;
    let seconds = numbers.get(2).map_or(Some(0.0), |word| decimal(word))?;
    let whole = f64::from(degrees) + f64::from(minutes) / 60.0 + seconds / 3600.0;
    if numbers.len() > 3 || minutes > 59 || seconds >= 59.9995 || whole > f64::from(max) {
        return None;
    }
    Some(format!("{degrees} {minutes} {seconds:.3} {side}"))
}

fn metres(word: &str, min: f64, max: f64) -> Option<String> {
    let word = word.strip_suffix(['m', 'M']).unwrap_or(word);
    let (sign, digits) = match word.strip_prefix('-') {
        Some(digits) => (-1.0, digits),
        None => (1.0, word),
    };
    let value = sign * decimal(digits)?;
    (min..=max).contains(&value).then(|| format!("{value:.2}"))
}

/// Digits with at most one dot.
fn decimal(word: &str) -> Option<f64> {
    let fine = word.starts_with(|c: char| c.is_ascii_digit())
        && word.len() <= 16
        && word.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    word.parse().ok().filter(|_| fine)
}
