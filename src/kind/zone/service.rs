//! The parameters of SVCB and HTTPS records (RFC 9460).

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, Ipv6Addr};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::token::{self, Token};
use crate::kind::reason::{Reason, refuse, refuse_with_hint, shown};

/// Keys by number (RFC 9460, 14.3.2; `dohpath` is RFC 9461).
const KEYS: [&str; 8] = [
    "mandatory",
    "alpn",
    "no-default-alpn",
    "port",
    "ipv4hint",
    "ech",
    "ipv6hint",
    "dohpath",
];

/// The parameters in the order of their numbers, each in one form that every version of `PowerDNS` reads.
pub(super) fn params(tokens: &[Token]) -> Result<String, Reason> {
    let mut params: BTreeMap<u16, String> = BTreeMap::new();
    let mut rest = tokens.iter();
    while let Some(token) = rest.next() {
        if token.quoted {
            return refuse(format!(
                "`{}` is not a parameter: such as `alpn=h2`",
                shown(&token.text)
            ));
        }
        let (key, value) = match token.text.split_once('=') {
            // The value in quotes is the next word.
            Some((key, "")) => (
                key,
                rest.next()
                    .filter(|token| token.quoted)
                    .map(|token| token.text.as_str()),
            ),
            Some((key, value)) => (key, Some(value)),
            None => (token.text.as_str(), None),
        };
        let number = number(key)?;
        let written = param(number, key, value)?;
        if params.insert(number, written).is_some() {
            return refuse(format!("`{}` is given twice (RFC 9460, 2.2)", shown(key)));
        }
    }
    if let Some(mandatory) = params.get(&0) {
        let keys = mandatory.trim_start_matches("mandatory=").split(',');
        for key in keys {
            if !params.contains_key(&number(key)?) {
                return refuse(format!(
                    "`{}` is mandatory and not given (RFC 9460, 8)",
                    shown(key)
                ));
            }
        }
    }
    if params.contains_key(&2) && !params.contains_key(&1) {
        return refuse("`no-default-alpn` goes with `alpn` (RFC 9460, 7.1.1)");
    }
    Ok(params.into_values().collect::<Vec<_>>().join(" "))
}

fn number(key: &str) -> Result<u16, Reason> {
    if let Some(at) = KEYS.iter().position(|known| *known == key) {
        return Ok(u16::try_from(at).unwrap_or_default());
    }
    let digits = key
        .strip_prefix("key")
        .filter(|digits| *digits == "0" || !digits.starts_with('0'));
    match digits.and_then(super::value::number).map(u16::try_from) {
        Some(Ok(number)) if number < u16::MAX => Ok(number),
        _ => refuse_with_hint(
            format!("`{}` is not a parameter of a service", shown(key)),
            format!("one of {}, or `key65000` by its number", KEYS.join(", ")),
        ),
    }
}

fn param(number: u16, key: &str, value: Option<&str>) -> Result<String, Reason> {
    let name = KEYS.get(usize::from(number)).copied();
    let bytes = token::bytes(value.unwrap_or_default())?;
    let text = String::from_utf8_lossy(&bytes);
    let wrong = |what: &str| {
        refuse(format!(
            "`{}` is not {what}, which `{key}` takes",
            shown(&text)
        ))
    };
    let listed = |fine: &dyn Fn(&str) -> bool, what: &str| {
        if !text.is_empty() && text.split(',').all(fine) {
            Ok(text.to_string())
        } else {
            wrong(what)
        }
    };
    let value = match name {
        Some("mandatory") => {
            let key = |key: &str| self::number(key).is_ok_and(|number| number != 0);
            listed(&key, "a list of parameters")?
        }
        Some("alpn") => {
            let protocol = |id: &str| {
                (1..=255).contains(&id.len())
                    && id
                        .bytes()
                        .all(|b| b.is_ascii_graphic() && !b"\"\\,;()".contains(&b))
            };
            listed(&protocol, "a list of protocols such as `h2,h3`")?
        }
        Some("no-default-alpn") => {
            return match value {
                None => Ok("no-default-alpn".to_owned()),
                Some(_) => refuse("`no-default-alpn` takes no value"),
            };
        }
        Some("port") => match super::value::number(&text).map(u16::try_from) {
            Some(Ok(port)) => port.to_string(),
            _ => return wrong("a port"),
        },
        Some("ipv4hint") => listed(
            &|a| a.parse::<Ipv4Addr>().is_ok(),
            "a list of IPv4 addresses",
        )?,
        Some("ipv6hint") => listed(
            &|a| a.parse::<Ipv6Addr>().is_ok(),
            "a list of IPv6 addresses",
        )?,
        Some("ech") => match STANDARD.decode(text.as_bytes()) {
            Ok(bytes) if !bytes.is_empty() => text.to_string(),
            _ => return wrong("Base64"),
        },
        _ => {
            // By its number, which every version reads.
            let key = format!("key{number}");
            return Ok(if bytes.is_empty() {
                key
            } else {
                format!("{key}={}", token::quoted(&bytes))
            });
        }
    };
    Ok(format!("{}={value}", name.unwrap_or(key)))
}
