//! Where a site is on its server: its user, its directories, its files, and the items that make them.

use sha2::{Digest, Sha256};

use super::check::Checked;
use super::vhost;
use crate::diagnostic::Invalid;
use crate::item::dir::OnRemove;
use crate::item::file::Content;
use crate::item::{Dir, File, Item, Probe, Service, User};
use crate::kind::Compile;
use crate::model::DomainName;

/// The group nginx's workers run as (Debian's package).
const WEB_GROUP: &str = "www-data";
/// Holds every site's home.
const HOMES: &str = "/srv/www";
/// Holds every site's nginx logs. Owned by root: nginx opens logs as root, and who owns the directory could put
/// a link in place of a log (CVE-2016-1247).
const LOGS: &str = "/var/log/nginx/fleet";
/// Included by nginx's main file, in Debian's package and in nginx.org's.
const VHOSTS: &str = "/etc/nginx/conf.d";

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
}

impl Paths {
    /// The paths of a site.
    pub(super) fn of(site: &Checked) -> Self {
        let domain = &site.domain;
        let home = format!("{HOMES}/{domain}");
        Self {
            root: format!("{home}/{}", site.root.0),
            logs: format!("{LOGS}/{domain}"),
            vhost: format!("{VHOSTS}/fleet-{domain}.conf"),
            home,
        }
    }
}

/// The system user of a site: `w_`, up to 19 characters of the name for the eye, and 50 bits of its hash, so that
/// no two sites share one. 32 characters at most, as useradd(8) wants.
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
        .take(19);
    ['w', '_']
        .into_iter()
        .chain(slug)
        .chain(['_'])
        .chain(suffix)
        .collect()
}

/// The items of a site.
pub(super) fn items(site: &Checked, input: &Compile<'_>) -> Result<Vec<Item>, Invalid> {
    let paths = Paths::of(site);
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
            owner: site.user.clone(),
            group: site.user.clone(),
            service: None,
            seed: true,
        }
        .into(),
    );
    items.extend(vhost::shared(site, input)?.into_iter().map(nginx_file));
    items.push(nginx_file((
        paths.vhost.clone(),
        vhost::render(site, &paths, input)?,
    )));
    items.push(
        Service {
            unit: "nginx".to_owned(),
        }
        .into(),
    );
    items.push(probe(site, input.suspended).into());
    Ok(items)
}

/// A configuration file of nginx that anybody may read.
fn nginx_file((path, text): (String, String)) -> Item {
    File {
        path,
        content: Content::Text(text),
        mode: 0o644,
        owner: "root".to_owned(),
        group: "root".to_owned(),
        service: Some("nginx".to_owned()),
        seed: false,
    }
    .into()
}

fn dirs(site: &Checked, paths: &Paths) -> Vec<Dir> {
    let dir = |path: &str, mode, owner: &str, group: &str, on_remove| Dir {
        path: path.to_owned(),
        mode,
        owner: owner.to_owned(),
        group: group.to_owned(),
        on_remove,
    };
    let user = site.user.as_str();
    let mut dirs = vec![
        dir(HOMES, 0o755, "root", "root", OnRemove::Keep),
        // nginx comes in through the group; other sites' users do not come in at all.
        dir(&paths.home, 0o750, user, WEB_GROUP, OnRemove::Trash),
        dir(LOGS, 0o755, "root", "root", OnRemove::IfEmpty),
        dir(&paths.logs, 0o750, "root", WEB_GROUP, OnRemove::Trash),
    ];
    for below in site.root.ancestors() {
        let path = format!("{}/{below}", paths.home);
        // Gone with the home; kept when only the setting `root` changes.
        dirs.push(dir(&path, 0o755, user, user, OnRemove::Keep));
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
        tls: false,
        status_min,
        status_max,
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
            assert!(user.len() <= 32, "{user}");
            assert!(
                user.bytes()
                    .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"_-".contains(&b)),
                "{user}"
            );
        }
        assert_eq!(user_name(&"example.com".parse().unwrap()).len(), 24);
    }
}
