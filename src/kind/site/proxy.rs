//! A site that another server answers for.

use std::net::IpAddr;

use super::check::Checked;
use super::nginx::{Conf, Part, fixed, joined, value};
use super::redirect::host_and_port;
use super::upstreams::Way;
use super::values::number;
use crate::kind::Compile;
use crate::kind::reason::{Reason, refuse, refuse_with_hint, shown};

/// The servers behind a site.
#[derive(Clone, Debug)]
pub(super) struct Proxy {
    pub(super) upstreams: Vec<Upstream>,
    /// Over TLS.
    pub(super) tls: bool,
    /// The Host header and TLS name, when not the visitor's.
    pub(super) host: Option<String>,
    /// The name that must be in the upstream's certificate; `None` when it is not checked.
    pub(super) verified: Option<String>,
    pub(super) websocket: bool,
    /// Seconds an upstream may be silent.
    pub(super) timeout: u64,
}

/// One server behind a site.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Upstream {
    /// As nginx writes it: `127.0.0.1:3000`, `unix:/run/app.sock`.
    pub(super) address: String,
    /// The host name, when it has one: not for an address or a socket.
    pub(super) name: Option<String>,
    /// `https`.
    pub(super) tls: bool,
    pub(super) weight: u64,
}

/// The name of the server itself, which no name server is asked for.
const LOCAL: &str = "localhost";

impl Upstream {
    /// Whether it is a name that somebody has to be asked for.
    pub(super) fn is_looked_up(&self) -> bool {
        self.name.as_ref().is_some_and(|name| name != LOCAL)
    }

    /// Parses `host:port`, `http://host[:port]`, `https://host[:port]` or `unix:/path`, with `,weight=N`.
    pub(super) fn parse(text: &str) -> Result<Self, Reason> {
        let (address, weight) = match text.split_once(',') {
            Some((address, option)) => (address, Some(option)),
            None => (text, None),
        };
        let weight = match weight {
            None => 1,
            Some(option) => match option.strip_prefix("weight=").and_then(number) {
                Some(weight @ 1..=1000) => weight,
                _ => {
                    return refuse_with_hint(
                        format!("`{}` is not an option of an upstream", shown(option)),
                        "`weight=N`, from 1 to 1000",
                    );
                }
            },
        };
        if let Some(path) = address.strip_prefix("unix:") {
            return Ok(Self {
                address: format!("unix:{}", socket(path)?),
                name: None,
                tls: false,
                weight,
            });
        }
        let (tls, default_port, authority) = match address.split_once("://") {
            Some(("http", authority)) => (false, Some(80), authority),
            Some(("https", authority)) => (true, Some(443), authority),
            Some((scheme, _)) => {
                return refuse_with_hint(
                    format!("`{}` is not a scheme of an upstream", shown(scheme)),
                    "`http`, `https` or `unix:`",
                );
            }
            None => (false, None, address),
        };
        let authority = authority.strip_suffix('/').unwrap_or(authority);
        if authority.contains(['/', '?', '#']) {
            return refuse_with_hint(
                format!("`{}` has a path", shown(text)),
                "paths go to the upstream as they were asked for; give host and port only",
            );
        }
        let (host, port) = upstream_host(authority)?;
        let Some(port) = port.or(default_port) else {
            return refuse_with_hint(
                format!("`{}` lacks its port", shown(text)),
                format!("such as `{host}:3000`"),
            );
        };
        let is_address = host.starts_with('[') || host.parse::<IpAddr>().is_ok();
        if !is_address && host != LOCAL && !host.contains('.') {
            return refuse_with_hint(
                format!("`{host}` is not a full name"),
                "nginx asks the name servers of the server, which know nothing of its `/etc/hosts`; give the address or the full name",
            );
        }
        Ok(Self {
            address: format!("{host}:{port}"),
            name: (!is_address).then_some(host),
            tls,
            weight,
        })
    }
}

/// Host and port of an upstream; unlike elsewhere a single label is fine, for `localhost` and what an upstream calls itself.
fn upstream_host(text: &str) -> Result<(String, Option<u16>), Reason> {
    let host = text.split(':').next().unwrap_or_default();
    let single = (1..=63).contains(&host.len())
        && host.starts_with(|c: char| c.is_ascii_alphabetic())
        && !host.ends_with('-')
        && host.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    if !single {
        return host_and_port(text);
    }
    // Parsed as part of a full name, so that the port is read by the same rules.
    let (_, port) = host_and_port(&format!("a.example{}", &text[host.len()..]))?;
    Ok((host.to_ascii_lowercase(), port))
}

/// The path of a Unix socket; `sun_path` of unix(7) has 108 bytes.
fn socket(path: &str) -> Result<&str, Reason> {
    let fine = path.starts_with('/')
        && path.len() <= 107
        && !path.split('/').any(|part| part == "." || part == "..")
        && path
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"/._-@".contains(&b));
    if fine {
        Ok(path)
    } else {
        refuse_with_hint(
            format!("`{}` is not the path of a socket", shown(path)),
            "an absolute path of `A-Z a-z 0-9 / . _ - @`, at most 107 bytes: `unix:/run/app.sock`",
        )
    }
}

/// The name to ask the upstream for.
pub(super) fn host(text: &str) -> Result<String, Reason> {
    let (host, port) = upstream_host(text)?;
    if host.starts_with('[') || host.parse::<IpAddr>().is_ok() {
        return refuse(format!("`{host}` is an address, not a host name"));
    }
    Ok(port.map_or(host.clone(), |port| format!("{host}:{port}")))
}

/// What must stand outside the server block.
pub(super) fn write_outside(conf: &mut Conf, site: &Checked, proxy: &Proxy) {
    Way::of(site, proxy).write_outside(conf);
    if proxy.websocket {
        let variable = joined([Part::Fixed("$fleet_connection_"), Part::Value(&site.id)]);
        conf.block("map", [fixed("$http_upgrade"), variable], |conf| {
            conf.fixed("default upgrade").fixed("\"\" \"\"");
        });
    }
}

/// The locations that pass everything on; `errors` writes the site's error pages once more.
pub(super) fn write_locations(
    conf: &mut Conf,
    site: &Checked,
    proxy: &Proxy,
    input: &Compile<'_>,
    errors: impl Fn(&mut Conf),
) {
    Way::of(site, proxy).write_locations(conf, input, errors, |conf| {
        write_request(conf, site, proxy);
    });
}

/// What an upstream is asked, and how long it may take.
fn write_request(conf: &mut Conf, site: &Checked, proxy: &Proxy) {
    conf.fixed("proxy_http_version 1.1");
    if let Some(host) = &proxy.host {
        conf.line("proxy_set_header", [fixed("Host"), value(host)]);
    } else {
        conf.fixed("proxy_set_header Host $host");
    }
    if proxy.websocket {
        let variable = joined([Part::Fixed("$fleet_connection_"), Part::Value(&site.id)]);
        conf.fixed("proxy_set_header Upgrade $http_upgrade");
        conf.line("proxy_set_header", [fixed("Connection"), variable]);
    } else {
        conf.fixed("proxy_set_header Connection \"\"");
    }
    conf.fixed("proxy_set_header X-Real-IP $remote_addr")
        .fixed("proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for")
        .fixed("proxy_set_header X-Forwarded-Host $host")
        .fixed("proxy_set_header X-Forwarded-Proto $scheme")
        // A visitor's Proxy header must not become the HTTP_PROXY of a CGI program (httpoxy).
        .fixed("proxy_set_header Proxy \"\"")
        .fixed("proxy_connect_timeout 10s");
    let timeout = format!("{}s", proxy.timeout);
    conf.line("proxy_read_timeout", [value(&timeout)]);
    conf.line("proxy_send_timeout", [value(&timeout)]);
    if !site.error_pages.is_empty() {
        conf.fixed("proxy_intercept_errors on");
    }
    if proxy.tls {
        conf.fixed("proxy_ssl_server_name on");
        let asked = proxy.host.as_deref().or(proxy.verified.as_deref());
        let named = asked.or_else(|| proxy.upstreams.iter().find_map(|u| u.name.as_deref()));
        if let Some(name) = named.and_then(|name| name.split(':').next()) {
            conf.line("proxy_ssl_name", [value(name)]);
        }
        if proxy.verified.is_some() {
            conf.fixed("proxy_ssl_verify on")
                .fixed("proxy_ssl_verify_depth 5")
                .fixed("proxy_ssl_trusted_certificate /etc/ssl/certs/ca-certificates.crt");
        }
    }
}

/// The servers behind a site, from its settings.
pub(super) fn checked(
    upstreams: Vec<Upstream>,
    host: Option<String>,
    verify: bool,
    websocket: bool,
    timeout: u64,
) -> Result<Proxy, Reason> {
    let tls = upstreams.iter().any(|upstream| upstream.tls);
    if tls && !upstreams.iter().all(|upstream| upstream.tls) {
        return refuse("either all upstreams are `https` or none is");
    }
    let verified = if tls && verify {
        let mut names: Vec<&str> = match &host {
            Some(host) => vec![host.split(':').next().unwrap_or_default()],
            None => upstreams
                .iter()
                .filter_map(|upstream| upstream.name.as_deref())
                .collect(),
        };
        names.sort_unstable();
        names.dedup();
        match names[..] {
            [name] => Some(name.to_owned()),
            _ => {
                return refuse_with_hint(
                    "no single name to look for in the certificates of these upstreams",
                    "give it with `--upstream-host`, or `--no-upstream-verify`",
                );
            }
        }
    } else {
        None
    };
    Ok(Proxy {
        upstreams,
        tls,
        host,
        verified,
        websocket,
        timeout,
    })
}
