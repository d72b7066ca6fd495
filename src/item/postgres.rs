//! A database of PostgreSQL, and the roles that may log in to one.
//!
//! Each database has three roles that nobody logs in as: `NAME:own` owns it and all that its owners make, `NAME:rw`
//! reads and writes rows, `NAME:ro` reads them. A user is a member of one of them, and may come in by its own lines of
//! `pg_hba.conf` alone. All of a server is read in one session of `psql` as `postgres`, and changed in another.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use ipnet::IpNet;

use super::sql::Sql;
use super::transfer::Importer;
use super::{Atom, ItemType, Phase, Props, Removal, Steps, props};
use crate::model::Access;
use crate::shell::{Script, Secret};

mod facts;
mod statements;

use super::sql::{Dialect, Step};

/// What the scripts need.
pub(super) const FUNCTIONS: &str = include_str!("postgres/functions.sh");

/// The note of a role's database, for when it goes away.
const DATABASE: &str = "_database";

/// Something inside PostgreSQL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Postgres {
    key: String,
    object: Object,
}

/// What it is.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Object {
    Database(Database),
    Role(Role),
    /// Another password for one that else stays as it was taken over.
    Password(Role),
}

/// A database, with the three roles behind its users.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Database {
    /// Its name.
    pub name: String,
    /// Its encoding: `UTF8`.
    pub encoding: String,
    /// Its locale; `None` for that of the cluster.
    pub locale: Option<String>,
    /// Schemas beside `public`.
    pub schemas: Vec<String>,
    /// Extensions in it.
    pub extensions: Vec<String>,
}

/// A role that logs in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Role {
    /// Its name.
    pub name: String,
    /// The database it may use.
    pub database: String,
    /// What it may do there.
    pub access: Access,
    /// What is kept of its password ([`super::verifier::scram`]).
    pub verifier: Secret,
    /// How many connections it may have at once; 0 for any number.
    pub connections: u32,
    /// Until when its password holds, as `2026-11-20 12:00:00` in UTC.
    pub expires: Option<String>,
    /// Whether it is kept out.
    pub locked: bool,
    /// Where it may come from.
    pub from: Vec<From>,
}

/// Where a role may come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum From {
    /// The server itself.
    Local,
    /// These addresses.
    Net(IpNet),
    /// Anywhere.
    Any,
}

impl Postgres {
    /// A database.
    pub fn database(database: Database) -> Self {
        Self {
            key: format!("database {}", database.name),
            object: Object::Database(database),
        }
    }

    /// A role that logs in.
    pub fn role(role: Role) -> Self {
        Self {
            key: format!("user {}", role.name),
            object: Object::Role(role),
        }
    }
}

impl Postgres {
    /// The question how many tables, functions and types are in a database.
    pub(super) fn count(database: &Database) -> String {
        let mut sql = sql();
        sql.raw("\\connect ").name(&database.name).raw(
            "\nSELECT count(*) FROM (SELECT oid, 'pg_class'::regclass AS what, relnamespace AS inside FROM pg_class \
             UNION ALL SELECT oid, 'pg_proc'::regclass, pronamespace FROM pg_proc) AS all_there \
             JOIN pg_namespace n ON n.oid = inside WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' \
             AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = what AND d.objid = all_there.oid \
             AND d.deptype = 'e');\n",
        );
        sql.text().to_owned()
    }

    /// The statements that make a database again, empty.
    pub(super) fn again(database: &Database) -> String {
        let mut sql = statements::drop(&database.name).forward;
        for step in statements::make(database, None) {
            sql.append(&step.forward);
        }
        sql.text().to_owned()
    }

    /// The question whose answer sets again what goes with a database: which role its owners take.
    pub(super) fn roles_of(database: &Database) -> String {
        statements::settings_of(&database.name).text().to_owned()
    }
}

/// The password file of a client that logs in as `importer` (the manual of libpq, "The Password File").
pub(super) fn credentials(importer: &Importer) -> Secret {
    let password = importer.password.reveal();
    let password = password.replace('\\', "\\\\").replace(':', "\\:");
    Secret::new(format!("127.0.0.1:*:*:{}:{password}\n", importer.user))
}

/// The role behind the users of an access.
fn group(database: &str, access: Access) -> String {
    let suffix = match access {
        Access::Owner => "own",
        Access::ReadWrite => "rw",
        Access::ReadOnly => "ro",
    };
    format!("{database}:{suffix}")
}

impl Role {
    /// Its lines of `pg_hba.conf`; the first that fits decides.
    fn lines(&self) -> Vec<String> {
        let (database, name) = (&self.database, &self.name);
        let mut lines = Vec::new();
        let mut allow = |address: &str| {
            lines.push(format!("host \"{database}\" \"{name}\" {address} scram-sha-256"));
        };
        for from in &self.from {
            match from {
                From::Local => {
                    allow("127.0.0.1/32");
                    allow("::1/128");
                }
                From::Net(network) => allow(&network.to_string()),
                From::Any => allow("all"),
            }
        }
        if self.from.contains(&From::Local) {
            lines.push(format!("local \"{database}\" \"{name}\" scram-sha-256"));
        }
        lines.push(format!("host all \"{name}\" all reject"));
        lines.push(format!("local all \"{name}\" reject"));
        lines
    }
}

impl Atom for Postgres {
    const WORD: &'static str = "postgres";

    fn name(&self) -> &str {
        &self.key
    }

    fn wanted(&self) -> Props {
        let yes = |is: bool| if is { "yes" } else { "no" }.to_owned();
        match &self.object {
            Object::Database(database) => {
                let mut wanted = props([
                    ("encoding", database.encoding.clone()),
                    ("owner", group(&database.name, Access::Owner)),
                    ("grants", facts::GRANTS.to_owned()),
                ]);
                if let Some(locale) = &database.locale {
                    wanted.insert("locale".to_owned(), locale.clone());
                }
                for schema in &database.schemas {
                    wanted.insert(format!("schema {schema}"), "yes".to_owned());
                }
                for extension in &database.extensions {
                    wanted.insert(format!("extension {extension}"), "yes".to_owned());
                }
                wanted
            }
            Object::Role(role) | Object::Password(role) => props([
                ("password", super::verifier::print(role.verifier.reveal())),
                ("grants", format!("{} on {}", role.access, role.database)),
                ("connections", role.connections.to_string()),
                (
                    "expires",
                    role.expires.clone().unwrap_or_else(|| "never".to_owned()),
                ),
                ("locked", yes(role.locked)),
                ("pg_hba", role.lines().join("; ")),
                (DATABASE, role.database.clone()),
            ]),
        }
    }

    fn guarded(&self, _fact: &Props) -> bool {
        // Whoever made it counts on it.
        true
    }

    fn repaired(&self) -> bool {
        true
    }

    fn theirs(&self, _fact: &Props) -> bool {
        // What is in it would go to the trash with the resource.
        matches!(self.object, Object::Database(_))
    }

    fn kept(&self, task: i64) -> Option<String> {
        match &self.object {
            Object::Database(database) => Some(format!(
                "/var/lib/fleet/trash/{task}/postgres-{}/dump.sql.gz",
                database.name
            )),
            Object::Role(_) | Object::Password(_) => None,
        }
    }

    fn spared(&self, as_found: &Props, gave: &Props) -> Option<(Self, Props)> {
        let wanted = self.wanted();
        let differs = |prop: &str| gave.get(prop) != wanted.get(prop);
        let password_alone = wanted.keys().all(|prop| differs(prop) == (prop == "password"));
        let Object::Role(role) = &self.object else {
            return None;
        };
        // Among the roles behind a database it would lose what it has made; and where the database was taken over too, there
        // are none.
        if !password_alone || as_found.get("grants") == wanted.get("grants") {
            return None;
        }
        let mut then = as_found.clone();
        then.insert("password".to_owned(), wanted["password"].clone());
        let item = Self {
            key: self.key.clone(),
            object: Object::Password(role.clone()),
        };
        Some((item, then))
    }

    fn observe(names: &[&str], out: &mut Script) {
        let mut questions = facts::questions();
        for name in names {
            if let Some(database) = name.strip_prefix("database ") {
                facts::inside(database, &mut questions);
            }
        }
        out.raw(FUNCTIONS)
            .raw("if command -v psql >/dev/null; then\nprintf %s ")
            .arg(questions.text())
            .raw(" | postgres_sql 2>/dev/null || printf '?\\t%s\\n'")
            .words(names.iter().copied())
            .raw("\nfi\n");
    }

    fn facts(lines: &[&str]) -> BTreeMap<String, Props> {
        facts::read(lines)
    }

    fn apply(changes: &[(&Self, Option<&Props>)], steps: &mut Steps) {
        let mut work: Vec<Step> = Vec::new();
        let mut kept = statements::sql();
        let mut lines = String::new();
        let mut users = Vec::new();
        let mut returns = Script::new();
        let mut returned = Vec::new();
        for (item, before) in changes {
            match &item.object {
                Object::Database(database) => match steps.restored(ItemType::Postgres, &item.key) {
                    Some(task) => {
                        let words = [&task.to_string(), &database.name];
                        returns.line("postgres_return {} {}", &words.map(String::as_str));
                        returned.push(database.name.as_str());
                    }
                    None => work.extend(statements::make(database, *before)),
                },
                // It comes back with its database, and is as it should be afterwards.
                Object::Role(role) if returned.contains(&role.database.as_str()) => {
                    work.push(statements::admit_again(role));
                }
                Object::Role(role) => {
                    if before.is_some() {
                        statements::keep(&role.name, &mut kept);
                    }
                    work.push(statements::admit(role, *before));
                }
                Object::Password(role) => {
                    statements::keep(&role.name, &mut kept);
                    work.push(statements::set_password(role));
                }
            }
            if let Object::Role(role) = &item.object {
                users.push(role.name.as_str());
                for line in role.lines() {
                    let _ = writeln!(lines, "{line} #fleet:{}", role.name);
                }
            }
        }
        let script = steps.at(Phase::Objects);
        script
            .raw(FUNCTIONS)
            .append(&returns)
            .raw("step 'changing PostgreSQL'\n");
        Dialect::Postgres.run("changed", &kept, &work, script);
        statements::hba(&lines, &users, script);
        let mut undo = Script::new();
        undo.raw(FUNCTIONS);
        for name in &returned {
            let users = changes.iter().filter_map(|(item, _)| match &item.object {
                Object::Role(role) if role.database == **name => Some(role.name.as_str()),
                _ => None,
            });
            let users: Vec<&str> = users.collect();
            let gone = statements::unreturn(name, &users);
            undo.line("postgres_unreturn {} {}", &[name, gone.text()]);
        }
        undo.append(&statements::unrun("changed", &work));
        steps.undo(undo);
    }

    fn remove(removals: &[Removal<'_>], steps: &mut Steps) {
        let task = steps.task.to_string();
        let mut work: Vec<Step> = Vec::new();
        let mut kept = statements::sql();
        let mut dumps = Script::new();
        let mut back = Script::new();
        let mut users = Vec::new();
        for removal in removals {
            let Some(name) = removal.name.strip_prefix("database ") else {
                continue;
            };
            // Its users come back with it, and first.
            let mut own = statements::sql();
            for access in Access::ALL {
                statements::keep(&group(name, access), &mut own);
            }
            for other in removals {
                let is_of = other.applied.get(DATABASE).is_some_and(|of| of == name);
                if let Some(user) = other.name.strip_prefix("user ").filter(|_| is_of) {
                    statements::keep(user, &mut own);
                }
            }
            dumps.line("step {}", &[&format!("saving the database {name}")]);
            dumps.line("postgres_trash {} {} {}", &[&task, name, own.text()]);
            back.line(
                "if did postgres gone {}; then postgres_back {} {}; fi",
                &[&(work.len() + 1).to_string(), &task, name],
            );
            work.push(statements::drop(name));
        }
        for removal in removals {
            if let Some(user) = removal.name.strip_prefix("user ") {
                statements::keep(user, &mut kept);
                let database = removal.applied.get(DATABASE).map_or("", String::as_str);
                work.push(statements::dismiss(user, database));
                users.push(user);
            }
        }
        for removal in removals {
            if let Some(name) = removal.name.strip_prefix("database ") {
                work.push(statements::drop_groups(name));
            }
        }
        steps.at(Phase::Objects).raw(FUNCTIONS).append(&dumps);
        let script = steps.at(Phase::Finish);
        script.raw(FUNCTIONS).raw("step 'changing PostgreSQL'\n");
        Dialect::Postgres.run("gone", &kept, &work, script);
        statements::hba("", &users, script);
        let mut undo = statements::unrun("gone", &work);
        undo.append(&back);
        steps.undo(undo);
    }
}

/// No statement yet.
fn sql() -> Sql {
    statements::sql()
}

#[cfg(test)]
mod tests;
