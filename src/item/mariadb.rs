//! A database of MariaDB, and the accounts that may use one.
//!
//! All of a server is read in one session of its client as root through the socket, and changed in another. Grants are
//! compared as the columns of `mysql.db` have them, never as text. SQL travels on standard input alone.

use std::collections::BTreeMap;

use super::transfer::Importer;
use super::{Atom, ItemType, Phase, Props, Removal, Steps, props};
use crate::model::Access;
use crate::shell::{Script, Secret};

mod facts;
mod statements;

use super::sql::{Dialect, Step};

/// What the scripts need.
pub(super) const FUNCTIONS: &str = include_str!("mariadb/functions.sh");

/// The note of an account's database, for when it goes away.
const DATABASE: &str = "_database";

/// The note of a fact: the moment at which an event is to lock the account, whether or not it does.
const EXPIRY: &str = "_expires";

/// Something inside MariaDB.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mariadb {
    key: String,
    object: Object,
}

/// What it is.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Object {
    Database(Database),
    Account(Account),
}

/// A database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Database {
    /// Its name.
    pub name: String,
    /// The character set of its new tables: `utf8mb4`.
    pub charset: String,
    /// Their collation; `None` for the server's own of that character set.
    pub collation: Option<String>,
}

/// A user who comes from one place: `USER@HOST`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Its name.
    pub user: String,
    /// Where from, as MariaDB writes it: `localhost`, `192.0.2.7`, `10.0.0.0/255.255.255.0`, `%`.
    pub host: String,
    /// The database it may use.
    pub database: String,
    /// What it may do there.
    pub access: Access,
    /// The hash of its password ([`super::verifier::native`]).
    pub verifier: Secret,
    /// How many connections it may have at once; 0 for any number.
    pub connections: u32,
    /// When it is locked, as `2026-11-20 12:00:00` in UTC.
    pub expires: Option<String>,
    /// Whether it is kept out.
    pub locked: bool,
}

impl Mariadb {
    /// A database.
    pub fn database(database: Database) -> Self {
        Self {
            key: format!("database {}", database.name),
            object: Object::Database(database),
        }
    }

    /// An account.
    pub fn account(account: Account) -> Self {
        Self {
            key: format!("user {}@{}", account.user, account.host),
            object: Object::Account(account),
        }
    }
}

impl Mariadb {
    /// The question how many tables, routines and events are in a database.
    pub(super) fn count(database: &Database) -> String {
        let mut sql = statements::sql();
        sql.raw("SELECT (SELECT COUNT(*) FROM information_schema.TABLES WHERE TABLE_SCHEMA = ")
            .value(&database.name)
            .raw(") + (SELECT COUNT(*) FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = ")
            .value(&database.name)
            .raw(") + (SELECT COUNT(*) FROM information_schema.EVENTS WHERE EVENT_SCHEMA = ")
            .value(&database.name)
            .raw(");\n");
        sql.text().to_owned()
    }

    /// The statements that make a database again, empty.
    pub(super) fn again(database: &Database) -> String {
        let mut sql = statements::drop(&database.name).forward;
        sql.append(&statements::make(database, None).forward);
        sql.text().to_owned()
    }
}

/// The option file of a client that logs in as `importer`.
pub(super) fn credentials(importer: &Importer) -> Secret {
    let quoted = |text: &str| text.replace('\\', "\\\\").replace('"', "\\\"");
    Secret::new(format!(
        "[client]\nuser=\"{}\"\npassword=\"{}\"\n",
        quoted(&importer.user),
        quoted(importer.password.reveal())
    ))
}

impl Atom for Mariadb {
    const WORD: &'static str = "mariadb";

    fn name(&self) -> &str {
        &self.key
    }

    fn wanted(&self) -> Props {
        match &self.object {
            Object::Database(database) => {
                let mut wanted = props([("charset", database.charset.clone())]);
                if let Some(collation) = &database.collation {
                    wanted.insert("collation".to_owned(), collation.clone());
                }
                wanted
            }
            Object::Account(account) => props([
                (
                    "password",
                    super::verifier::print(account.verifier.reveal()),
                ),
                (
                    "grants",
                    format!("{} on {}", account.access, account.database),
                ),
                ("connections", account.connections.to_string()),
                (
                    "expires",
                    account
                        .expires
                        .clone()
                        .unwrap_or_else(|| "never".to_owned()),
                ),
                (
                    "locked",
                    if account.locked { "yes" } else { "no" }.to_owned(),
                ),
                (DATABASE, account.database.clone()),
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
                "/var/lib/fleet/trash/{task}/mariadb-{}/dump.sql.gz",
                database.name
            )),
            Object::Account(_) => None,
        }
    }

    fn observe(names: &[&str], out: &mut Script) {
        out.raw(FUNCTIONS)
            .raw("if command -v mariadb >/dev/null; then\nprintf %s ")
            .arg(facts::QUESTIONS)
            .raw(" | mariadb_sql 2>/dev/null || printf '?\\t%s\\n'")
            .words(names.iter().copied())
            .raw("\nfi\n");
    }

    fn facts(lines: &[&str]) -> BTreeMap<String, Props> {
        facts::read(lines)
    }

    fn apply(changes: &[(&Self, Option<&Props>)], steps: &mut Steps) {
        let mut work: Vec<Step> = Vec::new();
        let mut kept = statements::sql();
        let mut returns = Script::new();
        for (item, before) in changes {
            match &item.object {
                Object::Database(database) => {
                    match steps.restored(ItemType::Mariadb, &item.key) {
                        Some(task) => {
                            let words = [&task.to_string(), &database.name];
                            returns.line("mariadb_return {} {}", &words.map(String::as_str));
                            let mut undo = Script::new();
                            undo.raw(FUNCTIONS).line("mariadb_unreturn {}", &[&database.name]);
                            steps.undo(undo);
                        }
                        None => work.push(statements::make(database, *before)),
                    }
                }
                Object::Account(account) => {
                    if before.is_some() {
                        statements::keep(&account.user, &account.host, &mut kept);
                    }
                    work.extend(statements::admit(account, *before));
                }
            }
        }
        let script = steps.at(Phase::Objects);
        script.raw(FUNCTIONS).append(&returns).raw("step 'changing MariaDB'\n");
        Dialect::Mariadb.run("changed", &kept, &work, script);
        steps.undo(Dialect::Mariadb.unrun(FUNCTIONS, "changed", &work));
    }

    fn remove(removals: &[Removal<'_>], steps: &mut Steps) {
        let task = steps.task.to_string();
        let mut work: Vec<Step> = Vec::new();
        let mut kept = statements::sql();
        let mut dumps = Script::new();
        let mut undo = Script::new();
        for removal in removals {
            if let Some(account) = removal.name.strip_prefix("user ")
                && let Some((user, host)) = account.rsplit_once('@')
            {
                statements::keep(user, host, &mut kept);
                work.push(statements::dismiss(user, host, removal.fact));
            }
        }
        for removal in removals {
            let Some(name) = removal.name.strip_prefix("database ") else {
                continue;
            };
            // Its users come back with it.
            let mut users = statements::sql();
            for other in removals {
                if other
                    .applied
                    .get(DATABASE)
                    .is_some_and(|database| database == name)
                    && let Some(account) = other.name.strip_prefix("user ")
                    && let Some((user, host)) = account.rsplit_once('@')
                {
                    statements::keep(user, host, &mut users);
                }
            }
            dumps.line("step {}", &[&format!("saving the database {name}")]);
            dumps.line("mariadb_trash {} {} {}", &[&task, name, users.text()]);
            let step = statements::drop(name);
            undo.line(
                "if did mariadb gone {}; then mariadb_back {} {}; fi",
                &[&(work.len() + 1).to_string(), &task, name],
            );
            work.push(step);
        }
        steps
            .at(Phase::Objects)
            .raw(FUNCTIONS)
            .append(&dumps);
        let script = steps.at(Phase::Finish);
        script.raw(FUNCTIONS).raw("step 'changing MariaDB'\n");
        Dialect::Mariadb.run("gone", &kept, &work, script);
        let mut whole = Dialect::Mariadb.unrun(FUNCTIONS, "gone", &work);
        whole.append(&undo);
        steps.undo(whole);
    }
}

#[cfg(test)]
mod tests;
