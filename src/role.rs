//! What a role needs on a server, as items: packages and the services they bring. Pure.

use std::fmt;

use crate::item::file::Content;
use crate::item::{File, Item, Package, Service, ZoneStore};
use crate::model::Role;
use crate::model::health::ServerFacts;

/// A release of Debian that fleet knows how to set up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Release {
    /// Debian 12, "bookworm".
    Debian12,
    /// Debian 13, "trixie".
    Debian13,
}

impl Release {
    /// The release a server has.
    ///
    /// # Errors
    /// The system it has instead, as it calls itself.
    pub fn of(facts: &ServerFacts) -> Result<Self, String> {
        match (facts.os.as_str(), facts.os_version.as_str()) {
            ("debian", "12") => Ok(Self::Debian12),
            ("debian", "13") => Ok(Self::Debian13),
            ("", _) => Err("an unknown system".to_owned()),
            // Debian's testing and unstable have no VERSION_ID.
            (os, "") => Err(format!("{os} without a version")),
            (os, version) => Err(format!("{os} {version}")),
        }
    }

    /// The version of PHP in its own packages.
    pub fn php(self) -> &'static str {
        match self {
            Self::Debian12 => "8.2",
            Self::Debian13 => "8.4",
        }
    }
}

impl fmt::Display for Release {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Debian12 => "Debian 12",
            Self::Debian13 => "Debian 13",
        })
    }
}

/// Packages of the web role: the server, PHP with the extensions that common applications ask for, `curl` to probe
/// sites with, and `logrotate`, without which their logs fill the disk.
const WEB: [&str; 12] = [
    "ca-certificates",
    "curl",
    "logrotate",
    "nginx",
    "php-curl",
    "php-fpm",
    "php-mbstring",
    "php-mysql",
    "php-pgsql",
    "php-sqlite3",
    "php-xml",
    "php-zip",
];

/// Packages of the database role: both servers with their clients, and what compresses dumps. Debian has both listen on
/// the server itself alone, and lets root (`postgres`) in through the socket without a password.
const DATABASE: [&str; 4] = ["gzip", "mariadb-client", "mariadb-server", "postgresql"];

/// Packages of the DNS role: the server with its SQLite backend, the shell of SQLite to write zones with, and `dig` to
/// ask whether they are served.
const DNS: [&str; 4] = [
    "bind9-dnsutils",
    "pdns-backend-sqlite3",
    "pdns-server",
    "sqlite3",
];

/// What `PowerDNS` needs to be told beyond Debian's own configuration, which has no backend at all. It listens on port
/// 53 alone; there is no API and no web server.
const PDNS_CONF: &str =
    "# Written by fleet (setup-server): what is needed for zones with transfers and DNSSEC.
launch=gsqlite3
gsqlite3-database=/var/lib/powerdns/pdns.sqlite3
gsqlite3-dnssec=yes
primary=yes
secondary=yes
expand-alias=yes
dname-processing=yes
api=no
webserver=no
version-string=anonymous
";

/// The configuration of a name server, and the database that it names.
fn name_server() -> [Item; 2] {
    let file = File {
        path: "/etc/powerdns/pdns.d/fleet.conf".to_owned(),
        content: Content::Text(PDNS_CONF.to_owned()),
        mode: 0o644,
        owner: "root".to_owned(),
        group: "root".to_owned(),
        service: Some("pdns".to_owned()),
        seed: false,
    };
    let store = ZoneStore {
        path: "/var/lib/powerdns/pdns.sqlite3".to_owned(),
    };
    [Item::from(file), Item::from(store)]
}

/// The items that `role` needs on a server with `release`.
pub fn items(role: Role, release: Release) -> Vec<Item> {
    let (packages, own, units) = match role {
        Role::Web => (
            &WEB[..],
            Vec::new(),
            vec!["nginx".to_owned(), format!("php{}-fpm", release.php())],
        ),
        Role::Database => (
            &DATABASE[..],
            Vec::new(),
            vec!["mariadb".to_owned(), "postgresql".to_owned()],
        ),
        Role::Dns => (&DNS[..], name_server().into(), vec!["pdns".to_owned()]),
    };
    let packages = packages.iter().map(|name| {
        Item::from(Package {
            name: (*name).to_owned(),
        })
    });
    let services = units.into_iter().map(|unit| Item::from(Service { unit }));
    packages.chain(own).chain(services).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kind::KINDS;

    fn server(os: &str, os_version: &str) -> ServerFacts {
        ServerFacts {
            os: os.to_owned(),
            os_version: os_version.to_owned(),
            ..ServerFacts::default()
        }
    }

    #[test]
    fn only_known_releases_are_set_up() {
        assert_eq!(Release::of(&server("debian", "12")), Ok(Release::Debian12));
        assert_eq!(Release::of(&server("debian", "13")), Ok(Release::Debian13));
        for (os, version, said) in [
            ("ubuntu", "24.04", "ubuntu 24.04"),
            ("debian", "11", "debian 11"),
            ("debian", "", "debian without a version"),
            ("", "", "an unknown system"),
        ] {
            assert_eq!(Release::of(&server(os, version)), Err(said.to_owned()));
        }
    }

    #[test]
    fn the_php_service_is_that_of_the_release() {
        for (release, unit) in [
            (Release::Debian12, "php8.2-fpm"),
            (Release::Debian13, "php8.4-fpm"),
        ] {
            let keys: Vec<String> = items(Role::Web, release)
                .iter()
                .map(|item| item.key().to_string())
                .collect();
            assert!(keys.contains(&format!("service {unit}")), "{keys:?}");
            assert!(keys.contains(&"package nginx".to_owned()), "{keys:?}");
        }
    }

    #[test]
    fn what_is_set_up_is_what_kinds_need() {
        for kind in &KINDS {
            let Some(role) = kind.role else { continue };
            let items = items(role, Release::Debian12);
            let is_service = |item: &Item| matches!(item, Item::Service(_));
            assert!(items.iter().any(is_service), "{}", kind.word);
        }
    }
}
