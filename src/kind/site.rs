//! Websites: nginx, with PHP-FPM where a site wants it. The struct is the flags, the stored JSON and the manifest.

use std::collections::BTreeSet;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::wanted::Wanted;
use super::{Claim, Compile, Edge, Entries, SecretId, Spec, Summary, Words};
use crate::diagnostic::Invalid;
use crate::item::Item;
use crate::item::ruleset::{Served, TCP};
use crate::model::{DomainName, Role, Server};

mod absorb;
mod access;
mod auth;
mod check;
mod content;
mod files;
mod logs;
mod nginx;
mod php;
mod proxy;
mod redirect;
mod scan;
mod shared;
mod tls;
mod upstreams;
mod values;
mod vhost;

#[cfg(test)]
pub(in crate::kind) mod tests;

/// The system user of the site of that name.
pub fn user_name(domain: &DomainName) -> String {
    files::user_name(domain)
}

/// The directory of the site of that name, which is root's: in it lies what is served, and what is not.
pub fn home(domain: &DomainName) -> String {
    format!("{}/{domain}", files::HOMES)
}

/// The logs of the site of that name: what they are called, and where they are.
pub fn log_files(domain: &str) -> [(&'static str, String); 3] {
    logs::places(domain)
}

/// The settings of a website.
///
/// A setting that is absent has its default, which is what makes it possible to take one back. Fields that end in
/// `_file`, `no_...` and `auth_user` are arguments only: [`Spec::absorb`] turns them into the fields that are stored.
#[allow(clippy::struct_excessive_bools)] // Each is a flag of the command line.
#[derive(Clone, Debug, Default, PartialEq, Args, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Site {
    /// What serves it [default: proxy with --upstream, php with --php, else static]
    #[arg(long, value_name = "TYPE")]
    #[serde(skip_serializing_if = "Option::is_none")]
    r#type: Option<SiteType>,

    /// Another name it answers to; `*.example.com` for every name below; may be repeated
    #[arg(
        long,
        value_name = "NAME",
        value_delimiter = ',',
        help_heading = "Names"
    )]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    alias: Vec<String>,
    /// Answer to `www.DOMAIN` too [default: when DOMAIN is a registrable name such as example.com]
    #[arg(
        long,
        num_args = 0,
        default_missing_value = "true",
        overrides_with = "no_www"
    )]
    #[arg(help_heading = "Names")]
    #[serde(skip_serializing_if = "Option::is_none")]
    www: Option<bool>,
    /// Do not answer to `www.DOMAIN`
    #[arg(long, help_heading = "Names")]
    #[serde(skip)]
    no_www: bool,
    /// The one name it is served under; its other names redirect there
    #[arg(long, value_name = "NAME", help_heading = "Names")]
    #[serde(skip_serializing_if = "Option::is_none")]
    canonical: Option<String>,

    /// The directory that is served, below the site's home [default: public]
    #[arg(long, value_name = "DIR", help_heading = "Content")]
    #[serde(skip_serializing_if = "Option::is_none")]
    root: Option<String>,
    /// A file that stands for its directory, best first; may be repeated [default: index.html; with PHP index.php first]
    #[arg(
        long,
        value_name = "FILE",
        value_delimiter = ',',
        help_heading = "Content"
    )]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    index: Vec<String>,
    /// Page for a status: `404=/404.html` or `500,502=/sorry.html`; may be repeated
    #[arg(long, value_name = "STATUS=PATH", help_heading = "Content")]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    error_page: Vec<String>,
    /// Answer paths that are no file with the first index file [default: with PHP]
    #[arg(
        long,
        num_args = 0,
        default_missing_value = "true",
        overrides_with = "no_single_page"
    )]
    #[arg(help_heading = "Content")]
    #[serde(skip_serializing_if = "Option::is_none")]
    single_page: Option<bool>,
    /// Answer paths that are no file with 404
    #[arg(long, help_heading = "Content")]
    #[serde(skip)]
    no_single_page: bool,
    /// Let browsers keep styles, scripts, images and fonts for this long: `30d`
    #[arg(long, value_name = "TIME", help_heading = "Content")]
    #[serde(skip_serializing_if = "Option::is_none")]
    cache: Option<String>,
    /// Compress answers [default]
    #[arg(
        long,
        num_args = 0,
        default_missing_value = "true",
        overrides_with = "no_gzip"
    )]
    #[arg(hide = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    gzip: Option<bool>,
    /// Do not compress answers
    #[arg(long, help_heading = "Content")]
    #[serde(skip)]
    no_gzip: bool,
    /// A header for every answer: `X-Frame-Options: DENY`; may be repeated
    #[arg(long, value_name = "NAME: VALUE", help_heading = "Content")]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    header: Vec<String>,

    /// Redirect the whole site; a URL without a path keeps the path that was asked for
    #[arg(long, value_name = "URL", help_heading = "Redirects")]
    #[serde(skip_serializing_if = "Option::is_none")]
    redirect: Option<String>,
    /// Status of the redirect: 301, 302, 307 or 308 [default: 301]
    #[arg(long, value_name = "STATUS", help_heading = "Redirects")]
    #[serde(skip_serializing_if = "Option::is_none")]
    redirect_code: Option<u16>,
    /// Redirect one path: `/old=/new` or `/old=https://example.org/,302`; may be repeated
    #[arg(long, value_name = "OLD=NEW[,STATUS]", help_heading = "Redirects")]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    redirect_path: Vec<String>,

    /// Largest request body [default: 64M]
    #[arg(long, value_name = "SIZE", help_heading = "Access")]
    #[serde(skip_serializing_if = "Option::is_none")]
    max_body: Option<String>,
    /// Only these addresses or networks may come in; may be repeated
    #[arg(
        long,
        value_name = "CIDR",
        value_delimiter = ',',
        help_heading = "Access"
    )]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    allow: Vec<String>,
    /// These addresses or networks may not come in, whatever --allow says; may be repeated
    #[arg(
        long,
        value_name = "CIDR",
        value_delimiter = ',',
        help_heading = "Access"
    )]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    deny: Vec<String>,
    /// Requests per address: `10r/s` or `30r/m`, with `,burst=N` of slack [default burst: the rate]
    #[arg(long, value_name = "RATE[,burst=N]", help_heading = "Access")]
    #[serde(skip_serializing_if = "Option::is_none")]
    rate_limit: Option<String>,
    /// Ask for a password; this user may come in; may be repeated
    #[arg(
        long,
        value_name = "USER",
        value_delimiter = ',',
        help_heading = "Access"
    )]
    #[serde(skip)]
    auth_user: Vec<String>,
    /// Take the passwords from a file, one line for each --auth-user; `-` is standard input
    #[arg(
        long,
        value_name = "FILE",
        requires = "auth_user",
        help_heading = "Access"
    )]
    #[serde(skip)]
    auth_password_file: Option<PathBuf>,
    #[arg(skip)]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    auth: Vec<AuthUser>,

    /// Where requests go: `127.0.0.1:3000[,weight=2]`, `https://HOST`, `unix:/run/app.sock`; may be repeated
    #[arg(long, value_name = "UPSTREAM", help_heading = "Proxy")]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    upstream: Vec<String>,
    /// Host name that the upstream is asked for [default: the one the visitor asked for]
    #[arg(long, value_name = "HOST", help_heading = "Proxy")]
    #[serde(skip_serializing_if = "Option::is_none")]
    upstream_host: Option<String>,
    /// Check the certificate of an https upstream [default]
    #[arg(
        long,
        num_args = 0,
        default_missing_value = "true",
        overrides_with = "no_upstream_verify"
    )]
    #[arg(hide = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    upstream_verify: Option<bool>,
    /// Do not check the certificate of an https upstream
    #[arg(long, help_heading = "Proxy")]
    #[serde(skip)]
    no_upstream_verify: bool,
    /// Let websockets through
    #[arg(
        long,
        num_args = 0,
        default_missing_value = "true",
        overrides_with = "no_websocket"
    )]
    #[arg(help_heading = "Proxy")]
    #[serde(skip_serializing_if = "Option::is_none")]
    websocket: Option<bool>,
    /// Do not let websockets through [default]
    #[arg(long, hide = true)]
    #[serde(skip)]
    no_websocket: bool,
    /// How long the upstream may be silent [default: 60s]
    #[arg(long, value_name = "TIME", help_heading = "Proxy")]
    #[serde(skip_serializing_if = "Option::is_none")]
    proxy_timeout: Option<String>,

    /// PHP version [default: the newest on the server]
    #[arg(long, value_name = "VERSION", help_heading = "PHP")]
    #[serde(skip_serializing_if = "Option::is_none")]
    php: Option<String>,
    /// Memory of one request [default: 256M]
    #[arg(long, value_name = "SIZE", help_heading = "PHP")]
    #[serde(skip_serializing_if = "Option::is_none")]
    php_memory: Option<String>,
    /// Largest uploaded file [default: as --max-body]
    #[arg(long, value_name = "SIZE", help_heading = "PHP")]
    #[serde(skip_serializing_if = "Option::is_none")]
    php_upload: Option<String>,
    /// Requests at the same time [default: 5]
    #[arg(long, value_name = "N", help_heading = "PHP")]
    #[serde(skip_serializing_if = "Option::is_none")]
    php_children: Option<u32>,
    /// Time of one request [default: 60s]
    #[arg(long, value_name = "TIME", help_heading = "PHP")]
    #[serde(skip_serializing_if = "Option::is_none")]
    php_timeout: Option<String>,
    /// A setting of php.ini: `max_input_vars=5000`; may be repeated
    #[arg(long, value_name = "KEY=VALUE", help_heading = "PHP")]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    php_ini: Vec<String>,
    /// Run no scripts below this path, where visitors upload files: `/uploads`; may be repeated
    #[arg(long, value_name = "PATH", help_heading = "PHP")]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    php_deny: Vec<String>,

    /// Certificate and the chain after it, in PEM
    #[arg(long = "tls-certificate", value_name = "FILE", help_heading = "TLS")]
    #[serde(skip)]
    tls_certificate_file: Option<PathBuf>,
    #[arg(skip)]
    #[serde(skip_serializing_if = "Option::is_none")]
    tls_certificate: Option<String>,
    /// Private key of the certificate, in PEM, without a passphrase
    #[arg(long = "tls-key", value_name = "FILE", help_heading = "TLS")]
    #[serde(skip)]
    tls_key_file: Option<PathBuf>,
    #[arg(skip)]
    #[serde(skip_serializing_if = "Option::is_none")]
    tls_key: Option<TlsKey>,
    /// Redirect http to https [default: with a certificate]
    #[arg(
        long,
        num_args = 0,
        default_missing_value = "true",
        overrides_with = "no_force_https"
    )]
    #[arg(hide = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    force_https: Option<bool>,
    /// Serve http beside https
    #[arg(long, help_heading = "TLS")]
    #[serde(skip)]
    no_force_https: bool,
    /// Make browsers insist on https for this long: `180d[,subdomains][,preload]`, or `off` [default: off]
    #[arg(long, value_name = "TIME", help_heading = "TLS")]
    #[serde(skip_serializing_if = "Option::is_none")]
    hsts: Option<String>,

    /// Listen on IPv6 [default: when the server has it]
    #[arg(
        long,
        num_args = 0,
        default_missing_value = "true",
        overrides_with = "no_ipv6"
    )]
    #[arg(hide = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    ipv6: Option<bool>,
    /// Do not listen on IPv6
    #[arg(long, help_heading = "Server")]
    #[serde(skip)]
    no_ipv6: bool,
    /// Write an access log [default]
    #[arg(
        long,
        num_args = 0,
        default_missing_value = "true",
        overrides_with = "no_access_log"
    )]
    #[arg(hide = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    access_log: Option<bool>,
    /// Write no access log
    #[arg(long, help_heading = "Server")]
    #[serde(skip)]
    no_access_log: bool,
    /// Days to keep logs [default: 14]
    #[arg(long, value_name = "N", help_heading = "Server")]
    #[serde(skip_serializing_if = "Option::is_none")]
    log_days: Option<u32>,
    /// nginx directives for the site's server block; tested before they are live
    #[arg(long = "snippet", value_name = "FILE", help_heading = "Server")]
    #[serde(skip)]
    snippet_file: Option<PathBuf>,
    #[arg(skip)]
    #[serde(skip_serializing_if = "Option::is_none")]
    snippet: Option<String>,
    /// Path that is requested after each change to see that the site answers [default: /]
    #[arg(long, value_name = "PATH", help_heading = "Server")]
    #[serde(skip_serializing_if = "Option::is_none")]
    health_path: Option<String>,
    /// Statuses that count as well [default: 200-499]
    #[arg(long, value_name = "MIN-MAX", help_heading = "Server")]
    #[serde(skip_serializing_if = "Option::is_none")]
    health_status: Option<String>,
    /// Text that the answer must contain in a health sweep, within its first 256 KiB
    #[arg(long, value_name = "TEXT", help_heading = "Server")]
    #[serde(skip_serializing_if = "Option::is_none")]
    health_text: Option<String>,
    /// Warn in a health sweep where visitors do not trust its certificate [default]
    #[arg(
        long,
        num_args = 0,
        default_missing_value = "true",
        overrides_with = "no_health_trust"
    )]
    #[arg(hide = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    health_trust: Option<bool>,
    /// Do not judge in a health sweep who signed its certificate: self-signed behind a CDN, an authority of your own
    #[arg(long, help_heading = "Server")]
    #[serde(skip)]
    no_health_trust: bool,
}

/// What serves a site.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SiteType {
    /// Files.
    Static,
    /// PHP, with a pool of processes of its own.
    Php,
    /// Another server behind this one.
    Proxy,
}

impl SiteType {
    /// The word for it in flags, JSON and tables.
    pub fn word(self) -> &'static str {
        match self {
            Self::Static => "static",
            Self::Php => "php",
            Self::Proxy => "proxy",
        }
    }
}

/// A user of basic authentication.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuthUser {
    user: String,
    /// The sealed hash of the password (crypt(5), `$6$`).
    password: SecretId,
}

/// A private key, sealed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TlsKey {
    /// The sealed PEM text.
    key: SecretId,
    /// SHA-256 of the public key's bits in hexadecimal: tells whether a certificate belongs to it.
    public: String,
}

impl Spec for Site {
    const KIND: &'static str = "site";
    const PLURAL: &'static str = "sites";
    const ABOUT: &'static str = "a website";
    const NAME: &'static str = "DOMAIN";
    const ROLE: Option<Role> = Some(Role::Web);
    const CHECKED: bool = true;
    const SERVES: bool = true;
    const HOSTS: bool = true;
    const EXAMPLE: &'static str = "fleet add-site example.com --server sg-1";
    const ENTRIES: &'static [Entries] = &[Entries {
        flag: "auth-user",
        field: "auth",
        key: "user",
        help: "Let this user in no more; may be repeated",
    }];
    const STATE: &'static str = "is live";

    fn canonical_name(input: &str) -> Result<String, Invalid> {
        check::site_name(input).map(String::from)
    }

    fn absorb(&mut self, name: &str, edge: &mut dyn Edge) -> Result<(), Invalid> {
        self.absorb_all(name, edge)
    }

    fn sets(id: &str) -> &'static [&'static str] {
        match id {
            "no_www" => &["www"],
            "no_single_page" => &["single_page"],
            "no_gzip" => &["gzip"],
            "no_upstream_verify" => &["upstream_verify"],
            "no_websocket" => &["websocket"],
            "no_force_https" => &["force_https"],
            "no_ipv6" => &["ipv6"],
            "no_access_log" => &["access_log"],
            "no_health_trust" => &["health_trust"],
            "auth_user" | "auth_password_file" => &["auth"],
            "tls_certificate_file" => &["tls_certificate"],
            "tls_key_file" => &["tls_key"],
            "snippet_file" => &["snippet"],
            _ => &[],
        }
    }

    fn inherit(&mut self, there: &Self) {
        // The same key; what stands for it is another once the installation has another key of its own.
        if let (Some(key), Some(known)) = (&mut self.tls_key, &there.tls_key)
            && key.public == known.public
        {
            key.clone_from(known);
        }
    }

    fn validate(&self, name: &str, _now: Timestamp) -> Result<(), Invalid> {
        let checked = self.check(name);
        let mut invalid = match &checked {
            Ok(_) => Invalid::default(),
            Err(invalid) => invalid.clone(),
        };
        self.check_certificate(name, &mut invalid);
        invalid.into_result()
    }

    fn claims(&self, name: &str) -> Vec<Claim> {
        let Ok(checked) = self.check(name) else {
            return Vec::new();
        };
        let hosts = checked.names.iter().map(|pattern| Claim {
            space: "host",
            name: pattern.to_string(),
        });
        let user = Claim {
            space: "user",
            name: checked.user,
        };
        hosts.chain([user]).collect()
    }

    fn items(&self, input: &Compile<'_>) -> Result<Vec<Item>, Invalid> {
        files::items(&self.check(input.name)?, input)
    }

    fn directions(&self, name: &str, _servers: &[&Server]) -> Vec<(String, String)> {
        let Ok(checked) = self.check(name) else {
            return Vec::new();
        };
        let host = checked.canonical.as_ref().unwrap_or(&checked.domain);
        let scheme = if checked.tls.is_some() {
            "https"
        } else {
            "http"
        };
        let mut directions = vec![("address".to_owned(), format!("{scheme}://{host}/"))];
        if !matches!(checked.backend, check::Backend::Proxy(_)) {
            directions.push(("files".to_owned(), files::Paths::of(&checked, None).root));
        }
        directions
    }

    fn wanted(&self, name: &str, suspended: bool) -> Vec<Wanted> {
        match self.check(name) {
            Ok(site) if !suspended => vec![Wanted::Page(Box::new(files::page(&site)))],
            _ => Vec::new(),
        }
    }

    fn serves(&self) -> BTreeSet<Served> {
        let tls = self.tls_certificate.is_some().then_some(443);
        let ports = [Some(80), tls].into_iter().flatten();
        ports
            .map(|port| Served {
                protocol: TCP,
                port,
            })
            .collect()
    }

    fn worded(&self) -> Vec<(&'static str, Words)> {
        let users: Vec<&str> = self.auth.iter().map(|user| user.user.as_str()).collect();
        vec![("auth", Words::Lines(users.join("\n")))]
    }

    fn summary(&self, name: &str) -> Summary {
        let site_type = self.site_type();
        let php = match (site_type, &self.php) {
            (SiteType::Php, Some(version)) => version.clone().into(),
            (SiteType::Php, None) => "newest".into(),
            _ => "".into(),
        };
        let tls = if self.tls_certificate.is_some() {
            "yes"
        } else {
            "no"
        };
        vec![
            ("type", site_type.word().into()),
            ("aliases", self.aliases(name).into()),
            ("tls", tls.into()),
            ("php", php),
        ]
    }
}

impl Site {
    /// What serves it: as it says, else what its other settings imply.
    fn site_type(&self) -> SiteType {
        self.r#type.unwrap_or_else(|| {
            if !self.upstream.is_empty() {
                SiteType::Proxy
            } else if self.php.is_some() {
                SiteType::Php
            } else {
                SiteType::Static
            }
        })
    }
}
