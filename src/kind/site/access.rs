//! Who may come in, how often, and the headers of the answers.

use std::net::IpAddr;

use ipnet::IpNet;

use super::check::Checked;
use super::files::Paths;
use super::nginx::{Conf, Part, Word, fixed, joined, value};
use super::values::number;
use crate::kind::reason::{Reason, refuse, refuse_with_hint, shown};

/// An address or a network.
pub(super) fn network(text: &str) -> Result<IpNet, Reason> {
    if let Ok(address) = text.parse::<IpAddr>() {
        return Ok(address.into());
    }
    match text.parse::<IpNet>() {
        Ok(network) if network.trunc() == network => Ok(network),
        Ok(network) => refuse_with_hint(
            format!("`{}` has bits behind its prefix", shown(text)),
            format!("the network is `{}`", network.trunc()),
        ),
        Err(_) => refuse_with_hint(
            format!("`{}` is not an address or a network", shown(text)),
            "such as `192.0.2.7`, `192.0.2.0/24` or `2001:db8::/32`",
        ),
    }
}

/// Requests that one address may make.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Rate {
    /// As nginx writes it: `10r/s`.
    pub(super) rate: String,
    /// Requests above the rate that are still answered at once.
    pub(super) burst: u64,
}

impl Rate {
    /// Parses `10r/s` or `30r/m`, with `,burst=N`.
    pub(super) fn parse(text: &str) -> Result<Self, Reason> {
        let (rate, burst) = match text.split_once(',') {
            Some((rate, burst)) => (rate, Some(burst)),
            None => (text, None),
        };
        let in_range = |n: &u64| (1..=100_000).contains(n);
        let requests = rate
            .strip_suffix("r/s")
            .or_else(|| rate.strip_suffix("r/m"))
            .and_then(number)
            .filter(in_range);
        let burst = match burst {
            None => requests,
            Some(burst) => burst
                .strip_prefix("burst=")
                .and_then(number)
                .filter(in_range),
        };
        match (requests, burst) {
            (Some(_), Some(burst)) => Ok(Self {
                rate: rate.to_owned(),
                burst,
            }),
            _ => refuse_with_hint(
                format!("`{}` is not a rate", shown(text)),
                "such as `10r/s`, `30r/m` or `10r/s,burst=50`, each number from 1 to 100000",
            ),
        }
    }
}

/// A header of every answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) name: String,
    pub(super) value: String,
}

/// Headers that nginx or another setting writes, with what to use instead.
const TAKEN: &[(&str, &str)] = &[
    ("connection", "nginx decides it"),
    ("content-length", "nginx counts it"),
    ("content-encoding", "see `--gzip`"),
    ("date", "nginx writes it"),
    ("location", "see `--redirect` and `--redirect-path`"),
    ("server", "nginx writes it"),
    ("strict-transport-security", "see `--hsts`"),
    ("trailer", "nginx decides it"),
    ("transfer-encoding", "nginx decides it"),
    ("upgrade", "see `--websocket`"),
];

impl Header {
    /// Parses `Name: value` (RFC 9110, section 5).
    pub(super) fn parse(text: &str) -> Result<Self, Reason> {
        let Some((name, value)) = text.split_once(':') else {
            return refuse_with_hint(
                format!("`{}` is not a header", shown(text)),
                "such as `X-Frame-Options: DENY`",
            );
        };
        let name_fine = (1..=100).contains(&name.len())
            && name
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b));
        if !name_fine {
            return refuse_with_hint(
                format!("`{}` is not the name of a header", shown(name)),
                "letters, digits, `-` and `_`, directly before the `:`",
            );
        }
        let lower = name.to_ascii_lowercase();
        if let Some((_, instead)) = TAKEN.iter().find(|(taken, _)| *taken == lower) {
            return refuse_with_hint(format!("the header `{name}` cannot be set"), *instead);
        }
        let value = value.trim_matches(' ');
        if value.is_empty() || value.len() > 3000 {
            return refuse(format!("the value of `{name}` must have 1 to 3000 bytes"));
        }
        if let Some(bad) = value.chars().find(|c| !(' '..='~').contains(c)) {
            return refuse(format!(
                "`{}` cannot be in the value of the header `{name}`: printable ASCII only",
                bad.escape_debug()
            ));
        }
        if value.contains('$') {
            return refuse_with_hint(
                format!(
                    "`$` cannot be in the value of the header `{name}`: nginx has no way to write it"
                ),
                "for one of nginx's variables, use `--snippet`",
            );
        }
        Ok(Self {
            name: name.to_owned(),
            value: value.to_owned(),
        })
    }
}

/// What must stand outside the server block.
pub(super) fn write_zone(conf: &mut Conf, site: &Checked) {
    if let Some(rate) = &site.rate {
        let zone = joined([
            Part::Fixed("zone=fleet_"),
            Part::Value(&site.id),
            Part::Fixed(":1m"),
        ]);
        let rate = joined([Part::Fixed("rate="), Part::Value(&rate.rate)]);
        conf.line("limit_req_zone", [fixed("$binary_remote_addr"), zone, rate]);
    }
}

/// Rules of the server block: who may come in and how often.
pub(super) fn write_rules(conf: &mut Conf, site: &Checked, paths: &Paths) {
    if let Some(rate) = &site.rate {
        let burst = rate.burst.to_string();
        let zone = joined([Part::Fixed("zone=fleet_"), Part::Value(&site.id)]);
        let burst = joined([Part::Fixed("burst="), Part::Value(&burst)]);
        conf.line("limit_req", [zone, burst, fixed("nodelay")]);
        conf.fixed("limit_req_status 429");
    }
    // nginx takes the first rule that fits.
    for network in &site.deny {
        conf.line("deny", [value(&network.to_string())]);
    }
    for network in &site.allow {
        conf.line("allow", [value(&network.to_string())]);
    }
    if !site.allow.is_empty() {
        conf.fixed("deny all");
    }
    if !site.auth.is_empty() {
        conf.fixed("auth_basic Restricted");
        conf.line("auth_basic_user_file", [value(&paths.users())]);
    }
}

/// Opens a location that shows an error page to those who are kept out.
pub(super) fn write_exempt(conf: &mut Conf, site: &Checked) {
    if !site.auth.is_empty() {
        conf.fixed("auth_basic off");
    }
    if !site.allow.is_empty() || !site.deny.is_empty() {
        conf.fixed("allow all");
    }
}

/// Headers of every answer. nginx drops them all in a location that has a header of its own, so none of fleet's has.
pub(super) fn write_headers(conf: &mut Conf, site: &Checked) {
    for header in &site.headers {
        let words: [Word<'_>; 3] = [value(&header.name), value(&header.value), fixed("always")];
        conf.line("add_header", words);
    }
    write_hsts(conf, site);
}

/// Tells browsers to insist on https; for the names that redirect too, since browsers note it by name.
pub(super) fn write_hsts(conf: &mut Conf, site: &Checked) {
    if let Some(hsts) = site.tls.as_ref().and_then(|tls| tls.hsts.as_ref()) {
        let policy = hsts.policy();
        conf.line(
            "add_header",
            [
                fixed("Strict-Transport-Security"),
                value(&policy),
                fixed("always"),
            ],
        );
    }
}
