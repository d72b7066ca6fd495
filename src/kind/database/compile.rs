//! From the settings of a database to the items on its server.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use jiff::Timestamp;

use super::hosts::{Source, sources};
use super::{Database, Engine, User};
use crate::diagnostic::Invalid;
use crate::item::file::Content;
use crate::item::transfer::Carried;
use crate::item::{
    File, Item, Mariadb, Postgres, Ruleset, Service, mariadb, postgres, ruleset, verifier,
};
use crate::kind::Compile;
use crate::kind::reason::push_unopened;
use crate::shell::Secret;

/// The versions of PostgreSQL in Debian's packages, by the version of Debian.
const POSTGRES: &[(&str, &str)] = &[("12", "15"), ("13", "17")];

/// What makes MariaDB listen on more than the server itself; read last of all its files.
const MARIADB_LISTENS: (&str, &str) = (
    "/etc/mysql/mariadb.conf.d/zz-fleet-listen.cnf",
    "# Written by fleet: a user of a database may come from elsewhere.\n[mariadbd]\nbind-address = *\n",
);

/// What keeps the expiry of users working after a restart.
const MARIADB_SCHEDULES: (&str, &str) = (
    "/etc/mysql/mariadb.conf.d/zz-fleet-events.cnf",
    "# Written by fleet: an event locks a user who expires.\n[mariadbd]\nevent_scheduler = ON\n",
);

const POSTGRES_LISTENS: &str =
    "# Written by fleet: a user of a database may come from elsewhere.\nlisten_addresses = '*'\n";

/// The items of a database and its users.
pub(super) fn items(spec: &Database, input: &Compile<'_>) -> Result<Vec<Item>, Invalid> {
    let mut invalid = Invalid::default();
    let mut users = Vec::new();
    let mut unopened = Vec::new();
    for (name, user) in spec.users() {
        let open = |id| input.secrets.open(id);
        match (sources(&user.hosts, input), open(&user.password)) {
            (Ok(sources), Ok(password)) => users.push(Ready {
                name,
                user,
                sources,
                password,
            }),
            (sources, password) => {
                if let Err(refused) = sources {
                    invalid.push("user", format!("`{name}`: {refused}"));
                }
                unopened.extend(password.err().map(|why| (name.as_str(), why)));
            }
        }
    }
    push_unopened(&mut invalid, "user", &unopened);
    invalid.into_result()?;
    let mut items = match spec.engine() {
        Engine::Mariadb => mariadb_items(spec, input, &users),
        Engine::Postgres => postgres_items(spec, input, &users)?,
    };
    items.extend(openings(spec, input, &users));
    items.extend(super::settings::item(spec, input)?);
    Ok(items)
}

/// What lets users from elsewhere in where the server has a firewall: their addresses, and the port of the engine.
fn openings(spec: &Database, input: &Compile<'_>, users: &[Ready<'_>]) -> Vec<Item> {
    let mut openings = Vec::new();
    for ready in users.iter().filter(|_| !input.suspended) {
        let networks = ready.sources.iter().filter_map(|source| match source {
            Source::Net(network) => Some(*network),
            Source::Local | Source::Any => None,
        });
        let sources = ruleset::Sources {
            any: ready.sources.contains(&Source::Any),
            ..ruleset::Sources::networks(networks)
        };
        if sources.any || !sources.networks.is_empty() {
            let name = format!("user {} of database {}", ready.name, input.name);
            let port = spec.engine().port();
            openings.push(Ruleset::opening(&name, port, ruleset::TCP, sources).into());
        }
    }
    openings
}

/// A user with all that its items need.
struct Ready<'a> {
    name: &'a str,
    user: &'a User,
    sources: BTreeSet<Source>,
    password: Secret,
}

impl Ready<'_> {
    /// When it expires, unless it is kept out anyway.
    fn expires(&self, input: &Compile<'_>) -> Option<String> {
        let expires = self.user.expires.filter(|_| !input.suspended);
        expires.map(moment)
    }
}

/// A time as both engines write it, in UTC.
fn moment(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// Whether somebody may come from elsewhere.
fn is_remote(users: &[Ready<'_>]) -> bool {
    let mut sources = users.iter().flat_map(|user| &user.sources);
    sources.any(|source| *source != Source::Local)
}

fn service(unit: &str) -> Item {
    Item::from(Service {
        unit: unit.to_owned(),
    })
}

fn file(path: &str, content: &str, owner: &str, service: Option<String>) -> Item {
    Item::from(File {
        path: path.to_owned(),
        content: Content::Text(content.to_owned()),
        mode: 0o644,
        owner: owner.to_owned(),
        group: owner.to_owned(),
        service,
        seed: false,
    })
}

/// The database as dumps and imports know it.
pub(super) fn carried(spec: &Database, name: &str) -> Carried {
    match spec.engine() {
        Engine::Mariadb => Carried::Mariadb(mariadb_database(spec, name)),
        Engine::Postgres => Carried::Postgres(postgres_database(spec, name)),
    }
}

fn mariadb_database(spec: &Database, name: &str) -> mariadb::Database {
    mariadb::Database {
        name: name.to_owned(),
        charset: spec.charset().to_owned(),
        collation: spec.collation().map(str::to_owned),
    }
}

fn postgres_database(spec: &Database, name: &str) -> postgres::Database {
    postgres::Database {
        name: name.to_owned(),
        encoding: spec.charset().to_ascii_uppercase(),
        locale: spec.collation().map(str::to_owned),
        schemas: spec.schema.clone(),
        extensions: spec.extension.clone(),
    }
}

fn mariadb_items(spec: &Database, input: &Compile<'_>, users: &[Ready<'_>]) -> Vec<Item> {
    let mut items = vec![
        service("mariadb"),
        Item::from(Mariadb::database(mariadb_database(spec, input.name))),
    ];
    for ready in users {
        let hash = verifier::native(&ready.password);
        for source in &ready.sources {
            items.push(Item::from(Mariadb::account(mariadb::Account {
                user: ready.name.to_owned(),
                host: source.mariadb(),
                database: input.name.to_owned(),
                access: ready.user.access,
                verifier: hash.clone(),
                connections: ready.user.connections,
                expires: ready.expires(input),
                locked: input.suspended,
            })));
        }
    }
    if is_remote(users) {
        let (path, content) = MARIADB_LISTENS;
        items.push(file(path, content, "root", Some("mariadb".to_owned())));
    }
    if users.iter().any(|ready| ready.user.expires.is_some()) {
        let (path, content) = MARIADB_SCHEDULES;
        items.push(file(path, content, "root", None));
    }
    items
}

fn postgres_items(
    spec: &Database,
    input: &Compile<'_>,
    users: &[Ready<'_>],
) -> Result<Vec<Item>, Invalid> {
    let mut items = vec![
        service("postgresql"),
        Item::from(Postgres::database(postgres_database(spec, input.name))),
    ];
    for ready in users {
        let salt = BASE64_STANDARD.decode(&ready.user.salt);
        let salt: [u8; 16] = salt
            .ok()
            .and_then(|salt| salt.try_into().ok())
            .unwrap_or_default();
        items.push(Item::from(Postgres::role(postgres::Role {
            name: ready.name.to_owned(),
            database: input.name.to_owned(),
            access: ready.user.access,
            verifier: verifier::scram(&ready.password, &salt),
            connections: ready.user.connections,
            expires: ready.expires(input),
            locked: input.suspended,
            from: from(&ready.sources),
        })));
    }
    if is_remote(users) {
        let system = input.facts.map(|facts| facts.os_version.as_str());
        let Some((_, version)) = POSTGRES.iter().find(|(debian, _)| Some(*debian) == system) else {
            let mut invalid = Invalid::default();
            invalid.push_with_hint(
                "host",
                "PostgreSQL must listen for users from elsewhere, and fleet does not know where its settings are there",
                "Debian 12 and 13 are known; `fleet health` finds out what the server runs",
            );
            return Err(invalid);
        };
        items.push(file(
            &format!("/etc/postgresql/{version}/main/conf.d/zz-fleet-listen.conf"),
            POSTGRES_LISTENS,
            "postgres",
            Some(format!("postgresql@{version}-main")),
        ));
    }
    Ok(items)
}

/// Sources as lines of `pg_hba.conf` have them: type and address.
fn from(sources: &BTreeSet<Source>) -> Vec<postgres::From> {
    let mut all = Vec::new();
    for source in sources {
        match source {
            Source::Local => all.push(postgres::From::Local),
            Source::Any => all.push(postgres::From::Any),
            Source::Net(network) => all.push(postgres::From::Net(*network)),
        }
    }
    all
}
