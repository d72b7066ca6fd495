//! Redirects: of the whole site, of single paths, and of names to the canonical one.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::nginx::{Conf, Part, fixed, joined, value};
use super::values::{UrlPath, number};
use crate::kind::reason::{Reason, refuse, refuse_with_hint, shown};
use crate::model::DomainName;

/// Where a redirect goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// An absolute URL.
    Url(Url),
    /// A path of the same site, encoded, with its query if it has one.
    Path(String),
}

/// An absolute `http` or `https` URL (RFC 3986).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Url {
    /// `https://example.com:8443`, the host in A-labels.
    pub(super) origin: String,
    /// The host alone.
    pub(super) host: String,
    /// Path, query and fragment; empty when the URL has none.
    pub(super) rest: String,
}

/// Redirect of one path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PathRedirect {
    pub(super) from: UrlPath,
    pub(super) to: Target,
    pub(super) code: u16,
}

/// The redirect's status.
pub(super) fn code(code: u16) -> Result<u16, Reason> {
    if matches!(code, 301 | 302 | 307 | 308) {
        Ok(code)
    } else {
        refuse_with_hint(
            format!("`{code}` is not the status of a redirect"),
            "301 (moved for good), 302 (for now), 307 and 308 (the same, keeping the method)",
        )
    }
}

impl Url {
    pub(super) fn parse(text: &str) -> Result<Self, Reason> {
        let Some((scheme, after)) = ["https://", "http://"]
            .iter()
            .find_map(|scheme| text.strip_prefix(scheme).map(|after| (*scheme, after)))
        else {
            return refuse_with_hint(
                format!("`{}` is not an absolute URL", shown(text)),
                "it begins with `https://` or `http://`",
            );
        };
        let end = after.find(['/', '?', '#']).unwrap_or(after.len());
        let (authority, rest) = after.split_at(end);
        let (host, port) = host_and_port(authority)?;
        encoded(rest)?;
        let port = port.map_or_else(String::new, |port| format!(":{port}"));
        Ok(Self {
            origin: format!("{scheme}{host}{port}"),
            host,
            rest: rest.to_owned(),
        })
    }
}

/// Host and port of a URL's authority. The host is a domain name in A-labels or an address.
pub(super) fn host_and_port(text: &str) -> Result<(String, Option<u16>), Reason> {
    if text.contains('@') {
        return refuse("a URL with a user name in it is not taken");
    }
    let (host, port) = match text.strip_prefix('[') {
        Some(after) => match after.split_once(']') {
            Some((address, "")) => (address, None),
            Some((address, port)) => match port.strip_prefix(':') {
                Some(port) => (address, Some(port)),
                None => return refuse(format!("`{}` is not a host and port", shown(text))),
            },
            None => return refuse(format!("`{}` lacks its `]`", shown(text))),
        },
        None => match text.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (text, None),
        },
    };
    let port = match port {
        None => None,
        Some(port) => match number(port).and_then(|n| u16::try_from(n).ok()) {
            Some(port) if port > 0 => Some(port),
            _ => return refuse(format!("`{}` is not a port", shown(port))),
        },
    };
    if text.starts_with('[') {
        return match host.parse::<Ipv6Addr>() {
            Ok(address) => Ok((format!("[{address}]"), port)),
            Err(_) => refuse(format!("`{}` is not an IPv6 address", shown(host))),
        };
    }
    if let Ok(address) = host.parse::<Ipv4Addr>() {
        return Ok((address.to_string(), port));
    }
    match host.parse::<DomainName>() {
        Ok(name) => Ok((name.into(), port)),
        Err(error) => Err(Reason {
            message: error.message,
            hint: error.hint,
        }),
    }
}

/// Refuses what cannot be in the path, query and fragment of a URL as it goes over the wire.
fn encoded(text: &str) -> Result<(), Reason> {
    if text.len() > 2000 {
        return refuse("a URL has at most 2000 bytes");
    }
    let bad = text
        .chars()
        .find(|&c| !(c.is_ascii_alphanumeric() || "-._~:/?#[]@!&'()*+,;=%".contains(c)));
    if let Some(bad) = bad {
        let mut bytes = [0; 4];
        let code: Vec<String> = bad
            .encode_utf8(&mut bytes)
            .bytes()
            .map(|b| format!("%{b:02X}"))
            .collect();
        return refuse_with_hint(
            format!(
                "`{}` cannot be in the URL `{}` as it is",
                bad.escape_debug(),
                shown(text)
            ),
            format!("write it as `{}`", code.concat()),
        );
    }
    let whole = text
        .split('%')
        .skip(1)
        .all(|after| after.len() >= 2 && after.as_bytes()[..2].iter().all(u8::is_ascii_hexdigit));
    if whole {
        Ok(())
    } else {
        refuse(format!(
            "`{}` has a `%` without two hexadecimal digits",
            shown(text)
        ))
    }
}

impl PathRedirect {
    /// Parses `/old=/new[,code]`.
    pub(super) fn parse(text: &str) -> Result<Self, Reason> {
        let Some((from, to)) = text.split_once('=') else {
            return refuse_with_hint(
                format!("`{}` is not a redirect", shown(text)),
                "`/old=/new` or `/old=https://example.org/`, with `,302` for another status than 301",
            );
        };
        let (to, status) = match to.rsplit_once(',') {
            Some((to, status))
                if status.len() == 3 && status.bytes().all(|b| b.is_ascii_digit()) =>
            {
                (to, code(status.parse().unwrap_or_default())?)
            }
            _ => (to, 301),
        };
        let from_path = UrlPath::parse(from)?;
        let to = if to.starts_with("//") {
            return refuse_with_hint(
                format!("`{}` would lead to another host", shown(to)),
                "write the scheme: `https:` and then the `//`",
            );
        } else if to.starts_with('/') {
            encoded(to)?;
            Target::Path(to.to_owned())
        } else {
            Target::Url(Url::parse(to)?)
        };
        if let Target::Path(path) = &to
            && UrlPath::parse(path).is_ok_and(|path| path == from_path)
        {
            return refuse(format!("`{}` redirects to itself", shown(from)));
        }
        Ok(Self {
            from: from_path,
            to,
            code: status,
        })
    }

    /// Writes the location that redirects. The query that was asked with is kept, unless the target has its own.
    pub(super) fn write(&self, conf: &mut Conf) {
        let text = match &self.to {
            Target::Url(url) => format!("{}{}", url.origin, url.rest),
            Target::Path(path) => path.clone(),
        };
        let own_query = text.contains(['?', '#']);
        let code = self.code.to_string();
        conf.block("location", [fixed("="), value(&self.from.0)], |conf| {
            let target = if own_query {
                value(&text)
            } else {
                joined([Part::Value(&text), Part::Fixed("$is_args$args")])
            };
            conf.line("return", [value(&code), target]);
        });
    }
}

/// Writes the redirect of a whole site.
pub(super) fn write_whole(conf: &mut Conf, to: &Url, code: u16) {
    let code = code.to_string();
    conf.block("location", [fixed("/")], |conf| {
        if to.rest.is_empty() {
            let target = joined([Part::Value(&to.origin), Part::Fixed("$request_uri")]);
            conf.line("return", [value(&code), target]);
        } else {
            let target = joined([Part::Value(&to.origin), Part::Value(&to.rest)]);
            conf.line("return", [value(&code), target]);
        }
    });
}
