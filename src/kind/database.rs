//! Databases: MariaDB and PostgreSQL, with their users. The struct is the flags and the stored JSON.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::wanted::Wanted;
use super::{Claim, Compile, Edge, Foreign, Heard, Live, Scope, SecretId, Spec, Summary, Words};
use crate::diagnostic::Invalid;
use crate::item::transfer::Carried;
use crate::item::{Applied, Item, Key};
use crate::model::health::ServerFacts;
use crate::model::{Access, DomainName, ResourceName, Role, Server};
use crate::shell::Script;

mod check;
mod compile;
mod hosts;
mod passwords;
mod settings;
mod size;

pub use check::user_name;
pub use hosts::{Host, canonical as canonical_hosts};
pub use passwords::{NewPassword, Sealed, refuse_password};

#[cfg(test)]
mod tests;

/// The settings of a database.
///
/// `user`, `no_user` and `password_file` are arguments only: [`Spec::absorb`] makes the first user of them.
#[derive(Clone, Debug, Default, PartialEq, Args, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Database {
    /// What holds it [default: mariadb]
    #[arg(long, value_name = "ENGINE")]
    #[serde(skip_serializing_if = "Option::is_none")]
    engine: Option<Engine>,
    /// The website it belongs to: it goes to the same server
    #[arg(long, value_name = "DOMAIN")]
    #[serde(skip_serializing_if = "Option::is_none")]
    site: Option<String>,
    /// Character set of new tables (MariaDB), or encoding (PostgreSQL) [default: utf8mb4, UTF8]
    #[arg(long, value_name = "NAME")]
    #[serde(skip_serializing_if = "Option::is_none")]
    charset: Option<String>,
    /// Collation of new tables (MariaDB), or locale (PostgreSQL) [default: the server's]
    #[arg(long, value_name = "NAME")]
    #[serde(skip_serializing_if = "Option::is_none")]
    collation: Option<String>,
    /// A schema beside `public` (PostgreSQL); may be repeated
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    schema: Vec<String>,
    /// An extension to have in it (PostgreSQL); may be repeated
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    extension: Vec<String>,
    /// Write how its owner gets in to a file for the site's application, in the site's home beside what is served; only
    /// the site's user can read it [default name: database.env]
    #[arg(long, value_name = "FILE", num_args = 0..=1, require_equals = true, default_missing_value = "database.env")]
    #[serde(skip_serializing_if = "Option::is_none")]
    write_settings: Option<String>,

    /// Name of its first user, who owns all in it [default: that of the database]
    #[arg(
        long,
        value_name = "NAME",
        help_heading = "First user",
        conflicts_with = "no_user"
    )]
    #[serde(skip)]
    user: Option<String>,
    /// Make no user yet
    #[arg(long, help_heading = "First user")]
    #[serde(skip)]
    no_user: bool,
    /// File with the password, `-` for standard input [default: one is generated and shown once]
    #[arg(
        long,
        value_name = "FILE",
        help_heading = "First user",
        conflicts_with = "no_user"
    )]
    #[serde(skip)]
    password_file: Option<PathBuf>,
    /// Where the user may come from: `localhost`, an address, a network, `server:SELECTOR`, `any`; may be repeated
    /// [default: localhost]
    #[arg(
        long = "host",
        value_name = "HOST",
        help_heading = "First user",
        conflicts_with = "no_user"
    )]
    #[serde(skip)]
    hosts: Vec<String>,

    /// Its users by name.
    #[arg(skip)]
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    users: BTreeMap<String, User>,
}

/// What holds a database.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, ValueEnum, Serialize, Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Engine {
    /// MariaDB.
    #[default]
    Mariadb,
    /// PostgreSQL.
    Postgres,
}

impl Engine {
    /// The word for it in flags, JSON and tables.
    pub fn word(self) -> &'static str {
        match self {
            Self::Mariadb => "mariadb",
            Self::Postgres => "postgres",
        }
    }

    /// Its name as its makers write it.
    pub fn title(self) -> &'static str {
        match self {
            Self::Mariadb => "MariaDB",
            Self::Postgres => "PostgreSQL",
        }
    }

    /// The TCP port it listens on.
    pub fn port(self) -> u16 {
        match self {
            Self::Mariadb => 3306,
            Self::Postgres => 5432,
        }
    }
}

/// A user of a database.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct User {
    /// What it may do.
    pub access: Access,
    /// Where it may come from, as [`Host`] reads it.
    pub hosts: Vec<String>,
    /// How many connections it may have at once; 0 for any number.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub connections: u32,
    /// When it is kept out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Timestamp>,
    /// Its password, sealed.
    pub password: SecretId,
    /// What the password is hashed with, in Base64; the same when the same password is given again.
    pub salt: String,
    /// Whether fleet made the password up.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub generated: bool,
}

impl User {
    /// `report: read-only, from 192.0.2.7, until 2026-12-31T18:00:00Z`.
    fn worded(&self, name: &str) -> String {
        let mut words = vec![
            self.access.to_string(),
            format!("from {}", self.hosts.join(" and ")),
        ];
        if self.connections > 0 {
            words.push(format!("{} connections at most", self.connections));
        }
        words.extend(self.expires.map(|expires| format!("until {expires}")));
        format!("{name}: {}", words.join(", "))
    }

    /// Takes over the password of the same user as it is there, where both were generated: that is not the same twice.
    pub fn inherit(&mut self, there: &Self) {
        if self.generated && there.generated {
            self.password.clone_from(&there.password);
            self.salt.clone_from(&there.salt);
        }
    }
}

#[allow(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde hands it over like this"
)]
fn is_zero(number: &u32) -> bool {
    *number == 0
}

impl Spec for Database {
    const KIND: &'static str = "database";
    const PLURAL: &'static str = "databases";
    const ABOUT: &'static str = "a database";
    const NAME: &'static str = "NAME";
    const ROLE: Option<Role> = Some(Role::Database);
    const CHECKED: bool = true;
    const REVEALS: bool = true;
    const LIVE: Option<Live> = Some(Live {
        flag: None,
        help: "How big each is",
    });
    const NUMBERS: &'static [&'static str] = &["_bytes", "tables"];
    const EXAMPLE: &'static str = "fleet add-database shop --engine postgres";

    fn canonical_name(input: &str) -> Result<String, Invalid> {
        check::database_name(input)
    }

    fn absorb(&mut self, name: &str, edge: &mut dyn Edge) -> Result<(), Invalid> {
        self.absorb_all(name, edge)
    }

    fn sets(id: &str) -> &'static [&'static str] {
        // The first user is made with the database; see `set-database-user`.
        match id {
            "user" | "no_user" | "password_file" | "hosts" => &["users"],
            _ => &[],
        }
    }

    fn inherit(&mut self, there: &Self) {
        for (name, user) in &mut self.users {
            if let Some(known) = there.users.get(name) {
                user.inherit(known);
            }
        }
    }

    fn validate(&self, name: &str, now: Timestamp) -> Result<(), Invalid> {
        self.check(name, now)
    }

    fn scope(&self) -> Scope {
        match &self.site {
            Some(site) => Scope::With(ResourceName::new("site", site)),
            None => Scope::One,
        }
    }

    fn follows(&self, _name: &str) -> Vec<ResourceName> {
        let site = self.site.iter();
        site.map(|site| ResourceName::new("site", site)).collect()
    }

    fn lacks(&self, on: &ServerFacts) -> Option<&'static str> {
        let unit = match self.engine() {
            Engine::Mariadb => "mariadb",
            Engine::Postgres => "postgresql",
        };
        let is_missing = on
            .services
            .get(unit)
            .is_some_and(|state| state == "missing");
        is_missing.then(|| self.engine().title())
    }

    fn claims(&self, _name: &str) -> Vec<Claim> {
        let space = match self.engine() {
            Engine::Mariadb => "user of mariadb",
            Engine::Postgres => "user of postgres",
        };
        let users = self.users.keys().map(|name| Claim {
            space,
            name: name.clone(),
        });
        // Two databases of a site do not write to the same file.
        let file = settings::path(self).map(|path| Claim {
            space: "file",
            name: path,
        });
        users.chain(file).collect()
    }

    fn items(&self, input: &Compile<'_>) -> Result<Vec<Item>, Invalid> {
        compile::items(self, input)
    }

    fn wanted(&self, _name: &str, _suspended: bool) -> Vec<Wanted> {
        vec![match self.engine() {
            Engine::Mariadb => Wanted::Mariadb,
            Engine::Postgres => Wanted::Postgres,
        }]
    }

    fn summary(&self, _name: &str) -> Summary {
        let users: Vec<&str> = self.users.keys().map(String::as_str).collect();
        vec![
            ("engine", self.engine().word().into()),
            ("users", users.join(", ").into()),
            ("site", self.site.clone().unwrap_or_default().into()),
        ]
    }

    fn worded(&self) -> Vec<(&'static str, Words)> {
        let users: Vec<String> = self
            .users
            .iter()
            .map(|(name, user)| user.worded(name))
            .collect();
        vec![("users", Words::Lines(users.join("\n")))]
    }

    fn ask(specs: &[(&str, Self)], out: &mut Script) {
        size::ask(specs, out);
    }

    fn heard(lines: &[&str], _now: Timestamp) -> Heard {
        size::heard(lines)
    }

    fn directions(&self, name: &str, servers: &[&Server]) -> Vec<(String, String)> {
        let engine = self.engine();
        let scheme = match engine {
            Engine::Mariadb => "mysql",
            Engine::Postgres => "postgresql",
        };
        let url = |(user, settings): (&String, &User)| {
            let local = settings.hosts.iter().any(|host| host == "localhost");
            let host = match servers.first() {
                Some(server) if !local => server.address.as_str(),
                _ => "localhost",
            };
            (
                format!("url of {user}"),
                format!("{scheme}://{user}@{host}:{}/{name}", engine.port()),
            )
        };
        let file = settings::path(self).map(|path| ("settings in".to_owned(), path));
        self.users.iter().map(url).chain(file).collect()
    }

    fn foreign(&self, name: &str, applied: &BTreeMap<Key, Applied>) -> Vec<Foreign> {
        passwords::foreign(self, name, applied)
    }

    fn secrets(&self) -> Vec<(String, SecretId)> {
        let users = self.users.iter();
        users
            .map(|(name, user)| (format!("password of {name}"), user.password.clone()))
            .collect()
    }
}

impl Database {
    /// What holds it.
    pub fn engine(&self) -> Engine {
        self.engine.unwrap_or_default()
    }

    /// Its users by name.
    pub fn users(&self) -> &BTreeMap<String, User> {
        &self.users
    }

    /// The same, to change them.
    pub fn users_mut(&mut self) -> &mut BTreeMap<String, User> {
        &mut self.users
    }

    /// The website it belongs to.
    pub fn site(&self) -> Option<&str> {
        self.site.as_deref()
    }

    /// The character set, as given or the engine's default.
    pub fn charset(&self) -> &str {
        match (&self.charset, self.engine()) {
            (Some(charset), _) => charset,
            (None, Engine::Mariadb) => "utf8mb4",
            (None, Engine::Postgres) => "UTF8",
        }
    }

    /// The collation, if one was given.
    pub fn collation(&self) -> Option<&str> {
        self.collation.as_deref()
    }

    /// The database as dumps and imports know it.
    pub fn carried(&self, name: &str) -> Carried {
        compile::carried(self, name)
    }

    /// The owner who may come from the server itself, if there is one: name and password.
    pub fn local_owner(&self) -> Option<(&str, &SecretId)> {
        let local = |user: &User| {
            user.access == Access::Owner && user.hosts.iter().any(|host| host == "localhost")
        };
        let mut users = self.users.iter();
        let (name, user) = users.find(|(_, user)| local(user))?;
        Some((name, &user.password))
    }

    fn absorb_all(&mut self, name: &str, edge: &mut dyn Edge) -> Result<(), Invalid> {
        let mut invalid = Invalid::default();
        if let Some(site) = &mut self.site
            && let Ok(domain) = site.parse::<DomainName>()
        {
            *site = domain.into();
        }
        if !edge.is_new() {
            for (given, flag) in [
                (self.engine.is_some(), "engine"),
                (self.site.is_some(), "site"),
            ] {
                if given {
                    invalid.push_with_hint(
                        flag,
                        "cannot be changed: the database would have to move",
                        "`dump-database`, add another, and `import-database`",
                    );
                }
            }
            let users = self.user.is_some() || self.no_user || self.password_file.is_some();
            if users || !self.hosts.is_empty() {
                invalid.push_with_hint(
                    "user",
                    "is only for a new database",
                    "`add-database-user` and `set-database-user`",
                );
            }
            return invalid.into_result();
        }
        if self.no_user {
            return Ok(());
        }
        let user = self.user.clone().unwrap_or_else(|| name.to_owned());
        if let Err(refused) = user_name(&user, self.engine()) {
            invalid.push("user", refused);
            return Err(invalid);
        }
        let password = NewPassword {
            database: name,
            user: &user,
            engine: self.engine(),
            file: self.password_file.as_deref(),
            ask: false,
        };
        match password.seal(edge) {
            Ok(sealed) => {
                let hosts = if self.hosts.is_empty() {
                    vec!["localhost".to_owned()]
                } else {
                    hosts::canonical(&self.hosts)
                };
                let first = User {
                    access: Access::Owner,
                    hosts,
                    connections: 0,
                    expires: None,
                    password: sealed.password,
                    salt: sealed.salt,
                    generated: sealed.generated,
                };
                self.users.insert(user, first);
            }
            Err(refused) => invalid.push("password_file", refused),
        }
        invalid.into_result()
    }
}
