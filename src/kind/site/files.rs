//! Where a site is on its server: its user, its directories, its files, and the items that make them.

use sha2::{Digest, Sha256};

use super::check::{Backend, Checked};
use super::php::{self, Php};
use super::{auth, logs, shared, vhost};
use crate::diagnostic::Invalid;
use crate::item::dir::OnRemove;
use crate::item::file::Content;
use crate::item::{Dir, File, Item, Probe, Service, User};
use crate::kind::Compile;
use crate::kind::wanted::{Certificate, Page};
use crate::model::DomainName;
use crate::shell::Secret;

/// The group nginx's workers run as (Debian's package).
const WEB_GROUP: &str = "www-data";
/// Holds every site's home.
pub(super) const HOMES: &str = "/srv/www";
/// Holds every site's nginx logs. Owned by root: nginx opens logs as root, and who owns the directory could put
/// a link in place of a log (CVE-2016-1247).
pub(super) const LOGS: &str = "/var/log/nginx/fleet";
/// Included by nginx's main file, in Debian's package and in nginx.org's.
const VHOSTS: &str = "/etc/nginx/conf.d";
/// Holds what the sites' configuration refers to. Below `/etc/nginx`, so that a copy of that tree can be tested.
const EXTRAS: &str = "/etc/nginx/fleet";

/// The paths of one site.
#[derive(Clone, Debug)]
pub(super) struct Paths {
    /// What is served, and what the site's user keeps beside it.
    pub(super) home: String,
    /// The directory that is served.
    pub(super) root: String,
    /// nginx's logs of the site.
    pub(super) logs: String,
    /// The site's nginx configuration.
    pub(super) vhost: String,
    /// Certificate, key, users and snippet.
    pub(super) extras: String,
    /// Where PHP-FPM of the site's version listens for it; the version before it still has its own until nginx has
    /// turned to this one. Named by the user, since a socket's path has at most 107 bytes (unix(7)). Empty without PHP.
    pub(super) socket: String,
}

impl Paths {
    /// The paths of a site, with the version of PHP that it runs.
    pub(super) fn of(site: &Checked, php: Option<&str>) -> Self {
        let domain = &site.domain;
        let home = format!("{HOMES}/{domain}");
        Self {
            root: format!("{home}/{}", site.root.0),
            logs: format!("{LOGS}/{domain}"),
            vhost: format!("{VHOSTS}/fleet-{domain}.conf"),
            extras: format!("{EXTRAS}/{domain}"),
            socket: php.map_or_else(String::new, |version| {
                format!("/run/php/fleet-{}-{version}.sock", site.user)
            }),
            home,
        }
    }

    pub(super) fn certificate(&self) -> String {
        format!("{}/tls.crt", self.extras)
    }

    pub(super) fn key(&self) -> String {
        format!("{}/tls.key", self.extras)
    }

    pub(super) fn users(&self) -> String {
        format!("{}/users", self.extras)
    }

    pub(super) fn snippet(&self) -> String {
        format!("{}/snippet.conf", self.extras)
    }
}

/// The system user of a site: `w_`, up to 18 characters of the name for the eye, and 50 bits of its hash, so that
/// no two sites share one. 31 characters at most, as utmp(5) and therefore systemd-sysusers(8) want.
pub(super) fn user_name(domain: &DomainName) -> String {
    const BASE32: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
    let hash = Sha256::digest(domain.as_str());
    let suffix = hash[..10]
        .iter()
        .map(|byte| char::from(BASE32[usize::from(byte & 31)]));
    let slug = domain
        .as_str()
        .chars()
        .map(|c| if c == '.' { '-' } else { c })
        .take(18);
    ['w', '_']
        .into_iter()
        .chain(slug)
        .chain(['_'])
        .chain(suffix)
        .collect()
}

/// The items of a site.
pub(super) fn items(site: &Checked, input: &Compile<'_>) -> Result<Vec<Item>, Invalid> {
    let php = on_server(site, input)?;
    let paths = Paths::of(site, php.as_ref().map(|(_, version)| version.as_str()));
    let mut items: Vec<Item> = vec![
        User {
            name: site.user.clone(),
            home: paths.home.clone(),
            shell: "/usr/sbin/nologin".to_owned(),
            comment: format!("site {}", site.domain),
        }
        .into(),
    ];
    items.extend(dirs(site, &paths).into_iter().map(Item::from));
    items.push(
        File {
            path: format!("{}/index.html", paths.root),
            content: Content::Text(welcome(&site.domain)),
            mode: 0o644,
            // As the directory is that it lies in, so that both are given away at once.
            owner: site.user.clone(),
            group: WEB_GROUP.to_owned(),
            service: None,
            seed: true,
        }
        .into(),
    );
    for (path, text) in shared::files(site, input)? {
        items.push(config(&path, text, Some("nginx")));
    }
    items.extend(extras(site, &paths, input)?);
    let vhost = vhost::render(site, &paths, input)?;
    items.push(config(&paths.vhost, vhost, Some("nginx")));
    let rotation = format!("/etc/logrotate.d/fleet-{}", site.domain);
    items.push(config(&rotation, logs::rotation(site, &paths), None));
    if let Some((php, version)) = php {
        let unit = format!("php{version}-fpm");
        let path = format!("/etc/php/{version}/fpm/pool.d/fleet-{}.conf", site.domain);
        items.push(config(&path, php::pool(site, php, &paths), Some(&unit)));
        items.push(Service { unit }.into());
    }
    items.push(
        Service {
            unit: "nginx".to_owned(),
        }
        .into(),
    );
    items.push(probe(site, input.suspended).into());
    Ok(items)
}

/// What the site needs of its server: nginx, and the version of PHP that it runs there.
fn on_server<'a>(
    site: &'a Checked,
    input: &Compile<'_>,
) -> Result<Option<(&'a Php, String)>, Invalid> {
    let mut invalid = Invalid::default();
    // A server that was never looked at may have it.
    if input.facts.is_some_and(|facts| facts.nginx.is_none()) {
        let server = &input.server.name;
        invalid.push_with_hint("", format!("`{server}` has no nginx"), php::install(server));
    }
    let php = match &site.backend {
        Backend::Php(php) => match php::version_on(php, input) {
            Ok(version) => Some((php, version)),
            Err(problems) => {
                invalid.problems.extend(problems.problems);
                None
            }
        },
        _ => None,
    };
    invalid.into_result()?;
    Ok(php)
}

/// A configuration file that anybody may read.
fn config(path: &str, text: String, service: Option<&str>) -> Item {
    File {
        path: path.to_owned(),
        content: Content::Text(text),
        mode: 0o644,
        owner: "root".to_owned(),
        group: "root".to_owned(),
        service: service.map(ToOwned::to_owned),
        seed: false,
    }
    .into()
}

/// A file of the site's nginx configuration that not everybody may read.
fn secret(path: String, text: Secret, mode: u32, group: &str) -> Item {
    File {
        path,
        content: Content::Secret(text),
        mode,
        owner: "root".to_owned(),
        group: group.to_owned(),
        service: Some("nginx".to_owned()),
        seed: false,
    }
    .into()
}

/// Certificate, key, users and snippet, as far as the site has them, and their directory.
fn extras(site: &Checked, paths: &Paths, input: &Compile<'_>) -> Result<Vec<Item>, Invalid> {
    let mut files = Vec::new();
    if let Some(tls) = &site.tls {
        let key = input.secrets.open(&tls.key).map_err(|error| {
            let mut invalid = Invalid::default();
            invalid.push("tls_key", error);
            invalid
        })?;
        files.push(config(
            &paths.certificate(),
            tls.certificate.clone(),
            Some("nginx"),
        ));
        files.push(secret(paths.key(), key, 0o600, "root"));
    }
    if !site.auth.is_empty() {
        // nginx's workers read it with each request.
        let users = auth::user_file(&site.auth, input.secrets)?;
        files.push(secret(paths.users(), users, 0o640, WEB_GROUP));
    }
    if let Some(snippet) = &site.snippet {
        files.push(config(&paths.snippet(), snippet.clone(), Some("nginx")));
    }
    if files.is_empty() {
        return Ok(files);
    }
    let dirs = [
        dir(EXTRAS, 0o755, "root", "root", OnRemove::IfEmpty),
        dir(&paths.extras, 0o750, "root", WEB_GROUP, OnRemove::IfEmpty),
    ];
    Ok(dirs.into_iter().map(Item::from).chain(files).collect())
}

fn dir(path: &str, mode: u32, owner: &str, group: &str, on_remove: OnRemove) -> Dir {
    Dir {
        path: path.to_owned(),
        mode,
        owner: owner.to_owned(),
        group: group.to_owned(),
        on_remove,
        service: None,
    }
}

fn dirs(site: &Checked, paths: &Paths) -> Vec<Dir> {
    let user = site.user.as_str();
    let mut dirs = vec![
        dir(HOMES, 0o755, "root", "root", OnRemove::Keep),
        // Root's, so that the site's user cannot put links in place of what is below (and sshd could confine them to
        // it, sshd_config(5) `ChrootDirectory`). Everybody may pass through; what is below is closed to others.
        dir(&paths.home, 0o751, "root", WEB_GROUP, OnRemove::Trash),
        dir(LOGS, 0o755, "root", "root", OnRemove::IfEmpty),
        Dir {
            service: Some("nginx".to_owned()),
            ..dir(&paths.logs, 0o750, "root", WEB_GROUP, OnRemove::Trash)
        },
    ];
    // All below is gone with the home, and kept when only a setting changes.
    for below in site.root.ancestors() {
        let path = format!("{}/{below}", paths.home);
        dirs.push(dir(&path, 0o750, user, WEB_GROUP, OnRemove::Keep));
    }
    if matches!(site.backend, Backend::Php(_)) {
        for (name, mode) in [("logs", 0o750), ("sessions", 0o700), ("tmp", 0o700)] {
            let path = format!("{}/{name}", paths.home);
            dirs.push(dir(&path, mode, user, user, OnRemove::Keep));
        }
    }
    dirs
}

/// The request that must be answered after a change.
fn probe(site: &Checked, suspended: bool) -> Probe {
    let host = site.canonical.as_ref().unwrap_or(&site.domain);
    let (path, status_min, status_max) = if suspended {
        ("/", 503, 503)
    } else {
        (
            site.health_path.as_str(),
            site.health_status.min,
            site.health_status.max,
        )
    };
    Probe {
        host: host.to_string(),
        path: path.to_owned(),
        tls: site.tls.is_some(),
        status_min,
        status_max,
    }
}

/// What a health sweep asks it for.
pub(super) fn page(site: &Checked) -> Page {
    let probe = probe(site, false);
    let certificate = site.tls.as_ref().map(|tls| Certificate {
        path: Paths::of(site, None).certificate(),
        pem: tls.certificate.clone(),
        trusted: site.health_trust,
    });
    Page {
        host: probe.host,
        path: probe.path,
        status_min: probe.status_min,
        status_max: probe.status_max,
        text: site.health_text.clone(),
        certificate,
        php: matches!(site.backend, Backend::Php(_)),
    }
}

/// The page of a new site.
fn welcome(domain: &DomainName) -> String {
    format!(
        "<!doctype html>\n\
         <html lang=\"en\">\n\
         <meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n\
         <title>{domain}</title>\n\
         <h1>{domain}</h1>\n\
         <p>This site is ready for its content.</p>\n\
         </html>\n"
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn user_names_are_valid_and_distinct() {
        let names = [
            "example.com",
            "1.example.com",
            "a-rather-long-name.of-a-site.example.com",
            "a-rather-long-name.of-a-site.example.net",
            "a-b.example.com",
            "a.b.example.com",
        ];
        let users: BTreeSet<String> = names
            .iter()
            .map(|name| user_name(&name.parse().unwrap()))
            .collect();
        assert_eq!(users.len(), names.len());
        for user in &users {
            assert!(user.len() <= 31, "{user}");
            assert!(
                user.bytes()
                    .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"_-".contains(&b)),
                "{user}"
            );
        }
        assert_eq!(user_name(&"example.com".parse().unwrap()).len(), 24);
    }
}
