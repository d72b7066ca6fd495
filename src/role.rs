//! What a role needs on a server, as items: packages and the services they bring. Pure.

use std::fmt;

use crate::item::{Item, Package, Service};
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

/// The items that `role` needs on a server with `release`; `None` for a role that fleet has nothing to place for.
pub fn items(role: Role, release: Release) -> Option<Vec<Item>> {
    let (packages, units) = match role {
        Role::Web => (
            &WEB[..],
            vec!["nginx".to_owned(), format!("php{}-fpm", release.php())],
        ),
        Role::Database => (
            &DATABASE[..],
            vec!["mariadb".to_owned(), "postgresql".to_owned()],
        ),
        Role::Dns => return None,
    };
    let packages = packages.iter().map(|name| {
        Item::from(Package {
            name: (*name).to_owned(),
        })
    });
    let services = units.into_iter().map(|unit| Item::from(Service { unit }));
    Some(packages.chain(services).collect())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
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
                .unwrap()
                .iter()
                .map(|item| item.key().to_string())
                .collect();
            assert!(keys.contains(&format!("service {unit}")), "{keys:?}");
            assert!(keys.contains(&"package nginx".to_owned()), "{keys:?}");
        }
    }

    #[test]
    fn every_role_that_a_kind_needs_can_be_set_up() {
        for kind in &KINDS {
            let Some(role) = kind.role else { continue };
            assert!(items(role, Release::Debian12).is_some(), "{}", kind.word);
        }
    }
}
