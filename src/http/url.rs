//! Addresses of HTTP servers (RFC 3986): `https://host:port/path?query`.

use std::fmt;
use std::net::Ipv6Addr;
use std::str::FromStr;

/// Where a request goes. The path may be a secret, so `Debug` tells the host alone.
#[derive(Clone, PartialEq, Eq)]
pub struct Url {
    secure: bool,
    host: String,
    port: Option<u16>,
    target: String,
}

impl Url {
    /// Whether it is `https`.
    pub fn is_secure(&self) -> bool {
        self.secure
    }

    /// The name or address of the server; an IPv6 address without brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The TCP port.
    pub fn port(&self) -> u16 {
        self.port.unwrap_or(if self.secure { 443 } else { 80 })
    }

    /// Path and query; begins with `/`.
    pub fn target(&self) -> &str {
        &self.target
    }

    /// The same server and another path and query, which begins with `/`.
    #[must_use]
    pub fn with_target(&self, target: &str) -> Option<Self> {
        let fits = target.starts_with('/') && target.chars().all(allowed);
        fits.then(|| Self {
            target: target.to_owned(),
            ..self.clone()
        })
    }

    /// `host` or `host:port`, as it stands in a request.
    pub(super) fn authority(&self) -> String {
        let host = if self.host.contains(':') {
            format!("[{}]", self.host)
        } else {
            self.host.clone()
        };
        match self.port {
            Some(port) => format!("{host}:{port}"),
            None => host,
        }
    }
}

impl fmt::Debug for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.secure { "https" } else { "http" };
        write!(f, "{scheme}://{}/…", self.authority())
    }
}

/// What may stand in a path or query as it is.
fn allowed(c: char) -> bool {
    c.is_ascii_graphic() && !"\"<>\\^`{|}#".contains(c)
}

impl FromStr for Url {
    /// What is wrong; never with the text itself in it.
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (scheme, rest) = text
            .split_once("://")
            .ok_or("does not begin with `https://` or `http://`")?;
        let secure = match scheme.to_ascii_lowercase().as_str() {
            "https" => true,
            "http" => false,
            _ => return Err("does not begin with `https://` or `http://`"),
        };
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, target) = rest.split_at(end);
        if authority.contains('@') {
            return Err("contains a login before `@`");
        }
        if target.contains('#') {
            return Err("contains a fragment (`#`)");
        }
        if !target.chars().all(allowed) {
            return Err("contains a character that must be written as `%XX`");
        }
        let (host, port) = split(authority)?;
        let port = match port.map(str::parse::<u16>) {
            None => None,
            Some(Ok(port)) if port > 0 => Some(port),
            Some(_) => return Err("has a bad port: 1 to 65535"),
        };
        let target = if target.starts_with('/') {
            target.to_owned()
        } else {
            format!("/{target}")
        };
        Ok(Self {
            secure,
            host,
            port,
            target,
        })
    }
}

/// Host and port of `host`, `host:port`, `[v6]`, `[v6]:port`.
fn split(authority: &str) -> Result<(String, Option<&str>), &'static str> {
    if let Some((host, rest)) = authority.strip_prefix('[').and_then(|h| h.split_once(']')) {
        let address: Ipv6Addr = host.parse().map_err(|_| "has a bad IPv6 address")?;
        let port = match rest {
            "" => None,
            rest => Some(rest.strip_prefix(':').ok_or("has a bad port: 1 to 65535")?),
        };
        return Ok((address.to_string(), port));
    }
    let (host, port) = match authority.split_once(':') {
        Some((host, port)) => (host, Some(port)),
        None => (authority, None),
    };
    let fits = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    if host.is_empty() || host.len() > 253 {
        return Err("has no host");
    }
    if !host.chars().all(fits) {
        return Err("has a bad host name");
    }
    Ok((host.to_ascii_lowercase(), port))
}
