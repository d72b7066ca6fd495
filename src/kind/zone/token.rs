//! The words of a record in presentation format (RFC 1035, 5.1): quotes, escapes, and what they stand for.

use crate::kind::reason::{Reason, refuse, shown};

/// A word as it is written, without its quotes; escapes are still in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Token {
    /// What is written, with escapes.
    pub(super) text: String,
    /// Whether it stood in quotes.
    pub(super) quoted: bool,
}

/// The words of the value of a record on one line.
pub(super) fn tokens(line: &str) -> Result<Vec<Token>, Reason> {
    let mut tokens = Vec::new();
    let mut rest = line.trim_start_matches([' ', '\t']);
    while !rest.is_empty() {
        let (token, after) = next(rest)?;
        if token.text.is_empty() && !token.quoted {
            return refuse(format!(
                "`{}` cannot stand in a value outside of quotes",
                shown(&rest[..1])
            ));
        }
        tokens.push(token);
        rest = after.trim_start_matches([' ', '\t']);
    }
    Ok(tokens)
}

/// The first word of `text`, which begins with it, and what follows.
pub(super) fn next(text: &str) -> Result<(Token, &str), Reason> {
    let quoted = text.starts_with('"');
    let body = if quoted { &text[1..] } else { text };
    let mut chars = body.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => {
                chars.next();
            }
            '"' if quoted => return Ok((token(&body[..at], true), &body[at + 1..])),
            ' ' | '\t' | '\n' | '\r' | '(' | ')' | ';' | '"' if !quoted => {
                return Ok((token(&body[..at], false), &body[at..]));
            }
            '\n' | '\r' if quoted => break,
            _ => {}
        }
    }
    if quoted {
        return refuse(format!("`{}` has a quote without its end", shown(text)));
    }
    Ok((token(body, false), ""))
}

fn token(text: &str, quoted: bool) -> Token {
    Token {
        text: text.to_owned(),
        quoted,
    }
}

/// The bytes that `text` stands for: `\"` is a quote, `\195` a byte.
pub(super) fn bytes(text: &str) -> Result<Vec<u8>, Reason> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'\\' {
            out.push(byte);
            continue;
        }
        let Some(first) = rest.next() else {
            return refuse(format!("`{}` ends with a `\\`", shown(text)));
        };
        if !first.is_ascii_digit() {
            out.push(first);
            continue;
        }
        let number = [Some(first), rest.next(), rest.next()]
            .into_iter()
            .map(|digit| {
                digit
                    .filter(u8::is_ascii_digit)
                    .map(|d| u32::from(d - b'0'))
            })
            .try_fold(0, |number, digit| Some(number * 10 + digit?))
            .and_then(|number| u8::try_from(number).ok());
        let Some(byte) = number else {
            return refuse(format!(
                "`{}` has a `\\` and a digit that are not three digits to 255",
                shown(text)
            ));
        };
        out.push(byte);
    }
    Ok(out)
}

/// Bytes as a character-string in quotes (RFC 1035, 5.1), as `PowerDNS` writes them.
pub(super) fn quoted(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len() + 2);
    out.push('"');
    for byte in bytes {
        match byte {
            b'"' | b'\\' => {
                out.push('\\');
                out.push(char::from(*byte));
            }
            b' '..=b'~' => out.push(char::from(*byte)),
            _ => {
                use std::fmt::Write as _;
                let _ = write!(out, "\\{byte:03}");
            }
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn words_are_told_apart() {
        let words: Vec<(String, bool)> = tokens(r#"10  "a b\"c" x\ y"#)
            .unwrap()
            .into_iter()
            .map(|token| (token.text, token.quoted))
            .collect();
        assert_eq!(
            words,
            [
                ("10".to_owned(), false),
                (r#"a b\"c"#.to_owned(), true),
                (r"x\ y".to_owned(), false)
            ]
        );
        assert!(tokens("\"open").is_err());
        assert!(bytes("a\\").is_err());
        assert!(bytes("\\256").is_err());
    }

    proptest! {
        #[test]
        fn any_bytes_survive(value: Vec<u8>) {
            let text = quoted(&value);
            let (token, rest) = next(&text).unwrap();
            prop_assert_eq!(rest, "");
            prop_assert_eq!(bytes(&token.text).unwrap(), value);
        }
    }
}
