//! From the settings as they are stored to typed values: every reason why they cannot be, or what renders without fail.

use std::collections::{BTreeMap, BTreeSet};

use ipnet::IpNet;

use super::access::{Header, Rate, network};
use super::content::ErrorPage;
use super::php::{self, Ini, Php};
use super::proxy::{self, Proxy, Upstream};
use super::redirect::{self, PathRedirect, Url};
use super::tls::{Hsts, Tls};
use super::values::{
    RelativePath, Size, Span, StatusRange, UrlPath, file_name, health_text, request_target,
};
use super::{AuthUser, Site, SiteType, auth, scan};
use crate::diagnostic::Invalid;
use crate::kind::reason::{Reason, refuse};
use crate::model::DomainName;
use crate::model::domain::{DomainError, HostPattern};

const GIB: u64 = 1 << 30;
const YEAR: u64 = 31_536_000;

/// A site whose settings were checked.
#[allow(clippy::struct_excessive_bools)] // Each is a setting of its own.
#[derive(Clone, Debug)]
pub(super) struct Checked {
    /// The site's name.
    pub(super) domain: DomainName,
    /// Every name it answers to: its own first, then `www.`, then the aliases in order.
    pub(super) names: Vec<HostPattern>,
    /// The one name it is served under, when it has one.
    pub(super) canonical: Option<DomainName>,
    /// Its system user.
    pub(super) user: String,
    /// What its names in nginx's configuration end in: `a-z 0-9 _`, unique as the user is.
    pub(super) id: String,
    /// What answers.
    pub(super) backend: Backend,
    /// The directory that is served, below the home.
    pub(super) root: RelativePath,
    /// Files that stand for their directory.
    pub(super) index: Vec<String>,
    pub(super) error_pages: Vec<ErrorPage>,
    /// Whether paths that are no file are answered by the index file.
    pub(super) fallback: bool,
    /// How long browsers keep static files.
    pub(super) cache: Option<Span>,
    pub(super) gzip: bool,
    pub(super) headers: Vec<Header>,
    /// Where the whole site redirects, with the status.
    pub(super) redirect: Option<(Url, u16)>,
    pub(super) redirect_paths: Vec<PathRedirect>,
    pub(super) max_body: Size,
    pub(super) allow: Vec<IpNet>,
    pub(super) deny: Vec<IpNet>,
    pub(super) rate: Option<Rate>,
    pub(super) auth: Vec<AuthUser>,
    pub(super) tls: Option<Tls>,
    /// Whether it may listen on IPv6.
    pub(super) ipv6: bool,
    pub(super) log_access: bool,
    pub(super) log_days: u32,
    pub(super) snippet: Option<String>,
    /// What is requested after a change.
    pub(super) health_path: String,
    /// Statuses that count as well.
    pub(super) health_status: StatusRange,
    /// What the answer must contain in a health sweep.
    pub(super) health_text: Option<String>,
    /// Whether a health sweep judges who signed its certificate.
    pub(super) health_trust: bool,
}

/// What answers for a site.
#[derive(Clone, Debug)]
pub(super) enum Backend {
    /// Its files.
    Static,
    /// PHP-FPM.
    Php(Php),
    /// Another server.
    Proxy(Proxy),
}

/// The name of a site from what was typed.
pub(super) fn site_name(input: &str) -> Result<DomainName, Invalid> {
    let mut invalid = Invalid::default();
    match input.parse::<DomainName>() {
        // The name is part of file names such as `fleet-DOMAIN.conf`, and a file name has at most 255 bytes.
        Ok(domain) if domain.as_str().len() > 200 => invalid.push_with_hint(
            "",
            format!(
                "a site's name has at most 200 bytes, this one has {}",
                domain.as_str().len()
            ),
            "give the site a shorter name and this one as `--alias`",
        ),
        Ok(domain) => return Ok(domain),
        Err(error) => push_domain(&mut invalid, "", error),
    }
    Err(invalid)
}

fn push_domain(invalid: &mut Invalid, field: &str, error: DomainError) {
    match error.hint {
        Some(hint) => invalid.push_with_hint(field, error.message, hint),
        None => invalid.push(field, error.message),
    }
}

/// Collects the problems of one spec.
struct Checker(Invalid);

impl Checker {
    /// The value, or its problem noted and `None`.
    fn take<T>(&mut self, field: &'static str, result: Result<T, Reason>) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(Reason { message, hint }) => {
                match hint {
                    Some(hint) => self.0.push_with_hint(field, message, hint),
                    None => self.0.push(field, message),
                }
                None
            }
        }
    }

    /// The value of a setting that may be absent.
    fn optional<T>(
        &mut self,
        field: &'static str,
        text: Option<&String>,
        parse: impl Fn(&str) -> Result<T, Reason>,
    ) -> Option<T> {
        text.and_then(|text| self.take(field, parse(text)))
    }

    /// Every value of a list that is one.
    fn each<T>(
        &mut self,
        field: &'static str,
        texts: &[String],
        parse: impl Fn(&str) -> Result<T, Reason>,
    ) -> Vec<T> {
        texts
            .iter()
            .filter_map(|text| self.take(field, parse(text)))
            .collect()
    }

    /// A number within bounds.
    fn bounded(&mut self, field: &'static str, value: u32, max: u32) -> u32 {
        if !(1..=max).contains(&value) {
            self.0
                .push(field, format!("`{value}` is out of range: from 1 to {max}"));
        }
        value
    }
}

impl Site {
    /// The typed values of these settings, or every reason why they cannot be.
    pub(super) fn check(&self, name: &str) -> Result<Checked, Invalid> {
        let domain = site_name(name)?;
        let mut checker = Checker(Invalid::default());
        let c = &mut checker;
        let names = self.names_of(&domain, &mut c.0);
        let canonical = self.canonical_of(&names, &mut c.0);
        let user = super::files::user_name(&domain);
        self.refuse_idle(c);
        let max_body = c
            .optional("max_body", self.max_body.as_ref(), |text| {
                Size::parse(text, 100 * GIB)
            })
            .unwrap_or_else(|| mebibytes(64));
        let (backend, index) = self.check_backend(&max_body, c);
        let root = c.optional("root", self.root.as_ref(), RelativePath::parse);
        let health_path = c.optional("health_path", self.health_path.as_ref(), request_target);
        let health_status = c.optional(
            "health_status",
            self.health_status.as_ref(),
            StatusRange::parse,
        );
        let health_text = c.optional("health_text", self.health_text.as_ref(), health_text);
        let site = Checked {
            id: user[2..].replace('-', "_"),
            user,
            fallback: self
                .single_page
                .unwrap_or(matches!(backend, Backend::Php(_))),
            root: root.unwrap_or_else(|| RelativePath("public".to_owned())),
            index,
            error_pages: c.each("error_page", &self.error_page, ErrorPage::parse),
            cache: c.optional("cache", self.cache.as_ref(), |text| {
                Span::parse(text, 10 * YEAR)
            }),
            gzip: self.gzip.unwrap_or(true),
            headers: c.each("header", &self.header, Header::parse),
            redirect: self.check_redirect(&names, c),
            redirect_paths: c.each("redirect_path", &self.redirect_path, PathRedirect::parse),
            max_body,
            allow: c.each("allow", &self.allow, network),
            deny: c.each("deny", &self.deny, network),
            rate: c.optional("rate_limit", self.rate_limit.as_ref(), Rate::parse),
            auth: self.check_auth(c),
            tls: self.check_tls(c),
            ipv6: self.ipv6.unwrap_or(true),
            log_access: self.access_log.unwrap_or(true),
            log_days: c.bounded("log_days", self.log_days.unwrap_or(14), 3650),
            snippet: c.optional("snippet", self.snippet.as_ref(), snippet),
            health_path: health_path.unwrap_or_else(|| "/".to_owned()),
            health_text,
            health_trust: self.health_trust.unwrap_or(true),
            health_status: health_status.unwrap_or(StatusRange { min: 200, max: 499 }),
            backend,
            canonical,
            names,
            domain,
        };
        check_locations(&site, &mut c.0);
        checker.0.into_result()?;
        Ok(site)
    }

    /// Every name the site answers to; what cannot be one is left out.
    pub(super) fn names(&self, name: &str) -> Vec<HostPattern> {
        site_name(name).map_or_else(
            |_| Vec::new(),
            |domain| self.names_of(&domain, &mut Invalid::default()),
        )
    }

    /// The names it answers to besides its own, as a list shows them. What is stored was checked, so that nothing is
    /// parsed here but what decides about `www.`.
    pub(super) fn aliases(&self, name: &str) -> String {
        let www = self.www.unwrap_or_else(|| {
            let domain = name.parse::<DomainName>();
            domain.is_ok_and(|domain| domain.is_registrable())
        });
        let www = www.then(|| format!("www.{name}"));
        let own: Vec<&str> = www.as_deref().into_iter().collect();
        let others = self.alias.iter().map(String::as_str);
        let others = others.filter(|alias| !own.contains(alias));
        let all: Vec<&str> = own.iter().copied().chain(others).collect();
        all.join(" ")
    }

    fn names_of(&self, domain: &DomainName, invalid: &mut Invalid) -> Vec<HostPattern> {
        let mut names = vec![HostPattern::Exact(domain.clone())];
        let www = domain.below("www");
        match (self.www, www) {
            (Some(true), None) => invalid.push("www", format!("`www.{domain}` is too long")),
            (Some(true), Some(www)) => names.push(HostPattern::Exact(www)),
            (None, Some(www)) if domain.is_registrable() => names.push(HostPattern::Exact(www)),
            _ => {}
        }
        let mut seen: BTreeSet<HostPattern> = names.iter().cloned().collect();
        for alias in &self.alias {
            match alias.parse::<HostPattern>() {
                Err(error) => push_domain(invalid, "alias", error),
                // Naming what is there already is no mistake: `--alias www.example.com`.
                Ok(pattern) => {
                    if seen.insert(pattern.clone()) {
                        names.push(pattern);
                    }
                }
            }
        }
        names
    }

    fn canonical_of(&self, names: &[HostPattern], invalid: &mut Invalid) -> Option<DomainName> {
        let text = self.canonical.as_deref()?;
        match text.parse::<DomainName>() {
            Err(error) => push_domain(invalid, "canonical", error),
            Ok(name) if names.contains(&HostPattern::Exact(name.clone())) => return Some(name),
            Ok(name) => invalid.push_with_hint(
                "canonical",
                format!("`{name}` is not a name of this site"),
                format!(
                    "one of {}, or add `--alias {name}`",
                    names
                        .iter()
                        .map(|name| format!("`{name}`"))
                        .collect::<Vec<_>>()
                        .join(", ")
                ),
            ),
        }
        None
    }

    /// Refuses settings that would do nothing for this type of site.
    fn refuse_idle(&self, c: &mut Checker) {
        let site_type = self.site_type();
        let php = [
            ("php", self.php.is_some()),
            ("php_memory", self.php_memory.is_some()),
            ("php_upload", self.php_upload.is_some()),
            ("php_children", self.php_children.is_some()),
            ("php_timeout", self.php_timeout.is_some()),
            ("php_ini", !self.php_ini.is_empty()),
            ("php_deny", !self.php_deny.is_empty()),
        ];
        let proxy = [
            ("upstream", !self.upstream.is_empty()),
            ("upstream_host", self.upstream_host.is_some()),
            ("upstream_verify", self.upstream_verify.is_some()),
            ("websocket", self.websocket.is_some()),
            ("proxy_timeout", self.proxy_timeout.is_some()),
        ];
        let files = [
            ("index", !self.index.is_empty()),
            ("single_page", self.single_page.is_some()),
            ("cache", self.cache.is_some()),
        ];
        let mut refuse = |settings: &[(&'static str, bool)], needed: &str| {
            for (field, _) in settings.iter().filter(|(_, given)| *given) {
                c.0.push_with_hint(
                    *field,
                    format!("means nothing for a {} site", site_type.word()),
                    format!("leave it out, or give `--type {needed}`"),
                );
            }
        };
        if site_type != SiteType::Php {
            refuse(&php, "php");
        }
        if site_type == SiteType::Proxy {
            refuse(&files, "static");
        } else {
            refuse(&proxy, "proxy");
        }
    }

    fn check_backend(&self, max_body: &Size, c: &mut Checker) -> (Backend, Vec<String>) {
        let index = c.each("index", &self.index, file_name);
        let index_or = |default: &[&str]| {
            if index.is_empty() {
                default.iter().map(|file| (*file).to_owned()).collect()
            } else {
                index
            }
        };
        match self.site_type() {
            SiteType::Static => (Backend::Static, index_or(&["index.html"])),
            SiteType::Php => (
                Backend::Php(self.check_php(max_body, c)),
                index_or(&["index.php", "index.html"]),
            ),
            SiteType::Proxy => (
                self.check_proxy(c).map_or(Backend::Static, Backend::Proxy),
                index_or(&["index.html"]),
            ),
        }
    }

    fn check_php(&self, max_body: &Size, c: &mut Checker) -> Php {
        let size = |text: &str| Size::parse(text, 64 * GIB);
        let upload = c
            .optional("php_upload", self.php_upload.as_ref(), size)
            .unwrap_or_else(|| max_body.clone());
        if upload.bytes > max_body.bytes {
            c.0.push_with_hint(
                "php_upload",
                format!(
                    "`{}` is more than the largest request body, `{}`",
                    upload.text, max_body.text
                ),
                format!("raise that too: `--max-body {}`", upload.text),
            );
        }
        let ini = c.each("php_ini", &self.php_ini, Ini::parse);
        let mut keys = BTreeSet::new();
        for ini in &ini {
            if !keys.insert(ini.key()) {
                c.0.push("php_ini", format!("`{}` is given twice", ini.key()));
            }
        }
        let timeout = c.optional("php_timeout", self.php_timeout.as_ref(), |text| {
            Span::parse(text, 86_400)
        });
        Php {
            version: c.optional("php", self.php.as_ref(), php::version),
            memory: c
                .optional("php_memory", self.php_memory.as_ref(), size)
                .unwrap_or_else(|| mebibytes(256)),
            upload,
            children: c.bounded("php_children", self.php_children.unwrap_or(5), 1000),
            timeout: timeout.map_or(60, |span| span.seconds),
            deny: c.each("php_deny", &self.php_deny, UrlPath::parse),
            ini,
        }
    }

    /// The upstreams; `None` when the whole site redirects anyway, or when there is a problem.
    fn check_proxy(&self, c: &mut Checker) -> Option<Proxy> {
        let upstreams = c.each("upstream", &self.upstream, Upstream::parse);
        let host = c.optional("upstream_host", self.upstream_host.as_ref(), proxy::host);
        let timeout = c.optional("proxy_timeout", self.proxy_timeout.as_ref(), |text| {
            Span::parse(text, 86_400)
        });
        if self.upstream.is_empty() && self.redirect.is_none() {
            c.0.push_with_hint(
                "upstream",
                "a proxy site needs one",
                "such as `--upstream 127.0.0.1:3000`",
            );
        }
        let mut addresses = BTreeSet::new();
        for upstream in &upstreams {
            if !addresses.insert(&upstream.address) {
                let message = format!("`{}` is given twice", upstream.address);
                c.0.push_with_hint("upstream", message, "for more requests, give it a `weight`");
            }
        }
        if upstreams.is_empty() {
            return None;
        }
        let proxy = proxy::checked(
            upstreams,
            host,
            self.upstream_verify.unwrap_or(true),
            self.websocket.unwrap_or(false),
            timeout.map_or(60, |span| span.seconds),
        );
        c.take("upstream", proxy)
    }

    fn check_redirect(&self, names: &[HostPattern], c: &mut Checker) -> Option<(Url, u16)> {
        if self.redirect_code.is_some() && self.redirect.is_none() {
            c.0.push_with_hint(
                "redirect_code",
                "there is no redirect of the whole site",
                "give `--redirect URL`; a single path has its own: `/old=/new,302`",
            );
        }
        let code = c.take(
            "redirect_code",
            redirect::code(self.redirect_code.unwrap_or(301)),
        );
        let url = c.optional("redirect", self.redirect.as_ref(), Url::parse)?;
        let own = names.iter().any(|name| match name {
            HostPattern::Exact(name) => name.as_str() == url.host,
            HostPattern::Below(parent) => url
                .host
                .strip_suffix(parent.as_str())
                .is_some_and(|front| front.ends_with('.')),
        });
        if own {
            c.0.push_with_hint(
                "redirect",
                format!(
                    "`{}` is a name of this site, so it would never end",
                    url.host
                ),
                "for one name of several use `--canonical`, for https `--tls-certificate`",
            );
        }
        Some((url, code?))
    }

    fn check_auth(&self, c: &mut Checker) -> Vec<AuthUser> {
        for (at, user) in self.auth.iter().enumerate() {
            c.take("auth_user", auth::check_user(&user.user));
            if self.auth[..at].iter().any(|other| other.user == user.user) {
                c.0.push("auth_user", format!("`{}` is given twice", user.user));
            }
        }
        self.auth.clone()
    }

    fn check_tls(&self, c: &mut Checker) -> Option<Tls> {
        let hsts = c
            .optional("hsts", self.hsts.as_ref(), Hsts::parse)
            .flatten();
        let (certificate, key) = match (&self.tls_certificate, &self.tls_key) {
            (Some(certificate), Some(key)) => (certificate, key),
            (Some(_), None) => {
                c.0.push("tls_key", "a certificate needs its private key");
                return None;
            }
            (None, Some(_)) => {
                c.0.push("tls_certificate", "a private key needs its certificate");
                return None;
            }
            (None, None) => {
                let needs = "a certificate is needed: `--tls-certificate` and `--tls-key`";
                if hsts.is_some() {
                    c.0.push_with_hint("hsts", "the site has no https", needs);
                }
                if self.force_https == Some(true) {
                    c.0.push_with_hint("force_https", "the site has no https", needs);
                }
                return None;
            }
        };
        let force = self.force_https.unwrap_or(true);
        if hsts.is_some() && !force {
            c.0.push_with_hint(
                "hsts",
                "browsers are told to insist on https, but http is not redirected there",
                "leave out `--no-force-https`, or give `--hsts off`",
            );
        }
        // What is in it is looked at by `check_certificate`; that it is PEM and nothing else, here.
        let certificate = c.take("tls_certificate", super::tls::certificates_of(certificate))?;
        Some(Tls {
            certificate,
            key: key.key.clone(),
            force,
            hsts,
        })
    }
}

fn mebibytes(count: u64) -> Size {
    Size {
        bytes: count << 20,
        text: format!("{count}M"),
    }
}

/// A snippet that is complete directives.
fn snippet(text: &str) -> Result<String, Reason> {
    if text.len() > 64 * 1024 {
        return refuse("it is larger than 64 KiB");
    }
    if let Some(bad) = text
        .chars()
        .find(|c| c.is_control() && !"\n\t".contains(*c))
    {
        return refuse(format!(
            "there is a control character in it (U+{:04X})",
            u32::from(bad)
        ));
    }
    match scan::check_snippet(text) {
        Ok(()) => Ok(format!("{}\n", text.trim_end_matches('\n'))),
        Err(error) => refuse(format!("line {}: {}", error.line, error.message)),
    }
}

/// Refuses what nginx would call a duplicate location.
fn check_locations(site: &Checked, invalid: &mut Invalid) {
    let mut seen: BTreeMap<&UrlPath, &str> = BTreeMap::new();
    for page in &site.error_pages {
        seen.insert(&page.page, "an error page");
    }
    for redirect in &site.redirect_paths {
        if let Some(what) = seen.insert(&redirect.from, "a redirect") {
            invalid.push(
                "redirect_path",
                format!("`{}` is {what} already", redirect.from.0),
            );
        }
    }
    let mut statuses = BTreeSet::new();
    for status in site.error_pages.iter().flat_map(|page| &page.statuses) {
        if !statuses.insert(status) {
            invalid.push("error_page", format!("`{status}` has two pages"));
        }
    }
}
