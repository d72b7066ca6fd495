//! What each value of the inventory may be; the same rules hold in the file and for the flags of `add-server`.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use crate::diagnostic::{did_you_mean, ticked};
use crate::model::{Role, ServerName, TransportKind};

/// Units of capacity a server may have at most: far more than any server holds, and sums of it never overflow.
pub const CAPACITY_LIMIT: u32 = 1_000_000;

/// Why a value is refused, and what to write instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// What is wrong with the value; goes on after its name: "must be ...".
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl Refused {
    fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            hint: None,
        }
    }

    fn with_hint(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            hint: Some(hint.into()),
        }
    }
}

/// How `jump` is written, before the names of all servers are known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JumpText {
    /// `none`: no jump, whatever the defaults say.
    None,
    /// A name alone: a server of the inventory, or a host with a dot in its name.
    Name(String),
    /// `user@host`, `host:port`, `user@host:port`.
    Host {
        /// The user to log in as.
        user: Option<String>,
        /// Host name or address.
        address: String,
        /// TCP port.
        port: Option<u16>,
    },
}

/// Checks that hold for every string: not empty, no control characters.
pub fn plain(text: &str) -> Result<&str, Refused> {
    if text.is_empty() {
        return Err(Refused::new("is empty"));
    }
    if let Some(c) = text.chars().find(|c| c.is_control()) {
        return Err(Refused::new(match c {
            '\n' | '\r' => "contains a line break".to_owned(),
            c => format!("contains the control character `{}`", c.escape_default()),
        }));
    }
    Ok(text)
}

/// The name of a server.
pub fn server_name(text: &str) -> Result<ServerName, Refused> {
    text.parse().map_err(|rule: String| {
        let tamed: String = text
            .to_lowercase()
            .chars()
            .map(|c| {
                if c.is_ascii_alphanumeric() || "._-".contains(c) {
                    c
                } else {
                    '-'
                }
            })
            .collect();
        let message = format!("is not a server name: {rule}");
        match tamed.trim_matches(['-', '.', '_']).parse::<ServerName>() {
            Ok(near) => Refused::with_hint(message, format!("did you mean `{near}`")),
            Err(_) => Refused::new(message),
        }
    })
}

/// The two parts of `host:port`; `None` for what is an address of IPv6, or something else.
fn with_port(text: &str) -> Option<(&str, u16)> {
    let (host, port) = text.rsplit_once(':')?;
    let bare = host.trim_matches(['[', ']']);
    let is_host = if bare.contains(':') {
        bare.parse::<IpAddr>().is_ok() && text.parse::<IpAddr>().is_err()
    } else {
        true
    };
    is_host.then_some(bare).zip(port.parse().ok())
}

/// A host name, an IP address, or an alias of `ssh_config(5)`.
pub fn address(text: &str) -> Result<String, Refused> {
    plain(text)?;
    if let Some((user, host)) = text.split_once('@') {
        let hint = match with_port(host) {
            Some((host, port)) => {
                format!("write `address = \"{host}\"`, `port = {port}` and `user = \"{user}\"`")
            }
            None => format!("write `address = \"{host}\"` and `user = \"{user}\"`"),
        };
        return Err(Refused::with_hint("contains `@`", hint));
    }
    if text.parse::<IpAddr>().is_ok() {
        return Ok(text.to_ascii_lowercase());
    }
    if let Some((ip, scope)) = text.split_once('%') {
        // RFC 4007 section 11: a link-local address with its interface.
        let named = !scope.is_empty()
            && scope
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "._-".contains(c));
        if named && ip.parse::<Ipv6Addr>().is_ok() {
            return Ok(text.to_owned());
        }
    }
    let bare = text.strip_prefix('[').and_then(|t| t.strip_suffix(']'));
    if let Some(bare) = bare.filter(|bare| bare.parse::<IpAddr>().is_ok()) {
        return Err(Refused::with_hint(
            "has brackets",
            format!("write `{bare}` without them"),
        ));
    }
    if let Some((host, port)) = with_port(text) {
        return Err(Refused::with_hint(
            "contains a port",
            format!("write `address = \"{host}\"` and `port = {port}`"),
        ));
    }
    if text.contains(':') {
        return Err(Refused::new("is neither a host name nor an IP address"));
    }
    let last = text
        .trim_end_matches('.')
        .rsplit('.')
        .next()
        .unwrap_or_default();
    if text.contains('.') && !last.is_empty() && last.chars().all(|c| c.is_ascii_digit()) {
        return Err(Refused::new("is not an IPv4 address"));
    }
    if !text.is_ascii() {
        return Err(match idna::domain_to_ascii_strict(text) {
            Ok(ascii) => Refused::with_hint("is not ASCII", format!("write `{ascii}`")),
            Err(_) => Refused::new("is neither a host name nor an IP address"),
        });
    }
    let allowed = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    if !text.chars().all(allowed)
        || !text.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
    {
        return Err(Refused::new("is neither a host name nor an IP address"));
    }
    if text.len() > 253 || text.contains("..") {
        return Err(Refused::new("is not a host name"));
    }
    // As it is written: for ssh_config(5), `Host Web1` is not about `web1`.
    Ok(text.to_owned())
}

/// A login name. Directory services allow more than POSIX (`DOMAIN\user`, `user@realm`).
pub fn user(text: &str) -> Result<String, Refused> {
    plain(text)?;
    if text.starts_with('-')
        || text
            .chars()
            .any(|c| c.is_whitespace() || "'\"`$;&|<>".contains(c))
    {
        return Err(Refused::new("is not a login name"));
    }
    if text.chars().count() > 64 {
        return Err(Refused::new("is longer than 64 characters"));
    }
    Ok(text.to_owned())
}

/// A word such as a region or the key of a label.
pub fn word(text: &str) -> Result<String, Refused> {
    plain(text)?;
    let allowed = |c: char| c.is_ascii_alphanumeric() || "._-/".contains(c);
    if !text.chars().all(allowed) || text.len() > 63 {
        return Err(Refused::new(
            "may hold letters, digits and `. _ - /`, 63 at most",
        ));
    }
    Ok(text.to_owned())
}

/// The value of a label: anything on one line without a comma, which separates selectors.
pub fn label_value(text: &str) -> Result<String, Refused> {
    plain(text)?;
    if text.contains(',') {
        return Err(Refused::new("contains a comma, which separates selectors"));
    }
    if text.chars().count() > 255 {
        return Err(Refused::new("is longer than 255 characters"));
    }
    Ok(text.to_owned())
}

/// The other host through which a server is reached.
pub fn jump(text: &str) -> Result<JumpText, Refused> {
    plain(text)?;
    if text == "none" {
        return Ok(JumpText::None);
    }
    if !text.contains(['@', ':']) {
        return match address(text) {
            Ok(_) => Ok(JumpText::Name(text.to_owned())),
            Err(_) => Err(Refused::with_hint(
                "is neither a server nor a host",
                "write the name of a server, or `user@host:port`",
            )),
        };
    }
    let (login, host) = match text.rsplit_once('@') {
        Some((login, host)) => (Some(user(login)?), host),
        None => (None, text),
    };
    // An IPv6 address stands in brackets when a port follows, and may do so without one (RFC 3986).
    let (host, port) = if host.parse::<Ipv6Addr>().is_ok() {
        (host, None)
    } else if let Some((host, rest)) = host.strip_prefix('[').and_then(|h| h.split_once(']')) {
        (
            host,
            if rest.is_empty() {
                None
            } else {
                Some(rest.trim_start_matches(':'))
            },
        )
    } else {
        match host.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (host, None),
        }
    };
    let port = match port.map(str::parse::<u16>) {
        None => None,
        Some(Ok(port)) if port > 0 => Some(port),
        Some(_) => return Err(Refused::new("has a bad port: 1 to 65535")),
    };
    Ok(JumpText::Host {
        user: login,
        address: address(host)?,
        port,
    })
}

/// A public address of a server, as it goes into DNS.
pub fn ipv4(text: &str) -> Result<Ipv4Addr, Refused> {
    match plain(text)?.parse::<IpAddr>() {
        Ok(IpAddr::V4(ip)) => {
            if ip.is_unspecified() || ip.is_loopback() || ip.is_multicast() || ip.is_broadcast() {
                return Err(Refused::new("cannot be the address of a server"));
            }
            Ok(ip)
        }
        Ok(IpAddr::V6(_)) => Err(Refused::with_hint(
            "is an IPv6 address",
            "write it in `ipv6`",
        )),
        Err(_) => Err(Refused::new("is not an IPv4 address")),
    }
}

/// A public address of a server, as it goes into DNS.
pub fn ipv6(text: &str) -> Result<Ipv6Addr, Refused> {
    match plain(text)?.parse::<IpAddr>() {
        Ok(IpAddr::V6(ip)) => {
            if ip.is_unspecified()
                || ip.is_loopback()
                || ip.is_multicast()
                || ip.is_unicast_link_local()
            {
                return Err(Refused::new("cannot be the public address of a server"));
            }
            Ok(ip)
        }
        Ok(IpAddr::V4(_)) => Err(Refused::with_hint(
            "is an IPv4 address",
            "write it in `ipv4`",
        )),
        Err(_) => Err(Refused::new("is not an IPv6 address")),
    }
}

/// A role.
pub fn role(text: &str) -> Result<Role, Refused> {
    one_of("role", text, Role::ALL.map(|role| (role.word(), role)))
}

/// A transport.
pub fn transport(text: &str) -> Result<TransportKind, Refused> {
    let known = [("ssh", TransportKind::Ssh), ("local", TransportKind::Local)];
    one_of("transport", text, known)
}

fn one_of<T: Copy, const N: usize>(
    what: &str,
    text: &str,
    known: [(&'static str, T); N],
) -> Result<T, Refused> {
    if let Some((_, value)) = known.iter().find(|(word, _)| *word == text) {
        return Ok(*value);
    }
    let words = known.map(|(word, _)| word);
    let hint = match did_you_mean(text, words) {
        Some(near) => format!("did you mean `{near}`"),
        None => format!("one of {}", words.join(", ")),
    };
    Err(Refused::with_hint(format!("is not a {what}"), hint))
}

/// A file name. A leading `~/` is the home directory.
pub fn path(text: &str) -> Result<&str, Refused> {
    plain(text)?;
    if text.starts_with('~') && text != "~" && !text.starts_with("~/") {
        return Err(Refused::with_hint(
            "begins with the home directory of another user",
            "write the directory itself",
        ));
    }
    Ok(text)
}

/// The file of a private key.
pub fn identity_file(text: &str) -> Result<&str, Refused> {
    path(text)?;
    if let Some(private) = text.strip_suffix(".pub") {
        return Err(Refused::with_hint(
            "is the public half of a key",
            format!("write `{private}`"),
        ));
    }
    Ok(text)
}

/// A duration: numbers with units, `500ms`, `30s`, `5m`, `1h30m`, `2d`.
pub fn duration(text: &str) -> Result<Duration, Refused> {
    let hint = "write a number and a unit: `500ms`, `30s`, `5m`, `2h`, `1d`";
    let bad = || Refused::with_hint("is not a duration", hint);
    let mut rest = plain(text)?;
    let mut total: u64 = 0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).ok_or_else(bad)?;
        let unit_end = rest[digits..]
            .find(|c: char| c.is_ascii_digit())
            .map_or(rest.len(), |at| digits + at);
        let number: u64 = rest[..digits].parse().map_err(|_| bad())?;
        let unit = match &rest[digits..unit_end] {
            "ms" => 1,
            "s" => 1000,
            "m" | "min" => 60 * 1000,
            "h" => 3600 * 1000,
            "d" => 24 * 3600 * 1000,
            _ => return Err(bad()),
        };
        total = number
            .checked_mul(unit)
            .and_then(|ms| total.checked_add(ms))
            .ok_or_else(|| Refused::new("is too long: 365 days at most"))?;
        rest = &rest[unit_end..];
    }
    if total > 365 * 24 * 3600 * 1000 {
        return Err(Refused::new("is too long: 365 days at most"));
    }
    Ok(Duration::from_millis(total))
}

/// The message of a refused value: "`port` `0` of ..." is the caller's `subject`.
pub fn refusal(subject: &str, text: &str, refused: &Refused) -> String {
    if text.is_empty() {
        format!("{subject} {}", refused.message)
    } else {
        format!("{subject}: {} {}", ticked(text), refused.message)
    }
}
