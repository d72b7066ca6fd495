//! What is in MariaDB: one set of questions, and its answers as facts.

use std::collections::BTreeMap;

use super::EXPIRY;
use super::statements::{event, pattern};
use crate::item::{Props, UNKNOWN, props, verifier};

/// The questions. Each answer begins with a letter for what it is about.
pub(super) const QUESTIONS: &str = "
SELECT 's', @@event_scheduler;
SELECT 'e', EVENT_NAME, EXECUTE_AT, EXECUTE_AT <= UTC_TIMESTAMP()
  FROM information_schema.EVENTS WHERE EVENT_SCHEMA = 'mysql' AND EVENT_NAME LIKE 'fleet expire %';
SELECT 'd', SCHEMA_NAME, DEFAULT_CHARACTER_SET_NAME, DEFAULT_COLLATION_NAME FROM information_schema.SCHEMATA;
SELECT 'u', User, Host, JSON_VALUE(Priv, '$.access'), IF(JSON_EXISTS(Priv, '$.auth_or'), '', JSON_VALUE(Priv, '$.plugin')),
  JSON_VALUE(Priv, '$.authentication_string'), IFNULL(JSON_VALUE(Priv, '$.max_user_connections'), 0),
  IFNULL(JSON_VALUE(Priv, '$.account_locked'), 0)
  FROM mysql.global_priv WHERE NOT IFNULL(JSON_VALUE(Priv, '$.is_role'), 0);
SELECT 'g', User, Host, Db, CONCAT(Select_priv, Insert_priv, Update_priv, Delete_priv, Create_tmp_table_priv,
  Lock_tables_priv, Show_view_priv, Execute_priv, Create_priv, Drop_priv, References_priv, Index_priv, Alter_priv,
  Create_view_priv, Create_routine_priv, Alter_routine_priv, Event_priv, Trigger_priv, Delete_history_priv, Grant_priv)
  FROM mysql.db ORDER BY Db;
SELECT DISTINCT 'x', User, Host, Db, Table_name FROM mysql.tables_priv;
SELECT DISTINCT 'x', User, Host, Db, Routine_name FROM mysql.procs_priv;
SELECT DISTINCT 'x', User, Host, 'role', Role FROM mysql.roles_mapping;
";

/// The columns of a row `g` for each access, in the order of the question.
const OWNER: &str = "YYYYYYYYYYYYYYYYYYYN";
const READ_WRITE: &str = "YYYYYYYYNNNNNNNNNNNN";
const READ_ONLY: &str = "YNNNNNYNNNNNNNNNNNNN";

/// Reads the answers: name and properties of each database and each account.
pub(super) fn read(lines: &[&str]) -> BTreeMap<String, Props> {
    let rows: Vec<Vec<&str>> = lines.iter().map(|line| line.split('\t').collect()).collect();
    let mut facts = BTreeMap::new();
    let mut is_on = false;
    let mut events: BTreeMap<&str, (&str, bool)> = BTreeMap::new();
    let mut grants: BTreeMap<(&str, &str), Vec<String>> = BTreeMap::new();
    for row in &rows {
        match row[..] {
            ["s", scheduler] => is_on = scheduler == "ON",
            ["e", name, at, past] => {
                events.insert(name, (at, past == "1"));
            }
            ["d", name, charset, collation] => {
                let known = [("charset", charset.to_owned()), ("collation", collation.to_owned())];
                facts.insert(format!("database {name}"), props(known));
            }
            ["u", user, host, access, ..] if access != "0" => {
                grants.entry((user, host)).or_default().push("all databases".to_owned());
            }
            ["g", user, host, database, columns] => {
                grants.entry((user, host)).or_default().push(grant(database, columns));
            }
            ["x", user, host, database, name] => {
                grants.entry((user, host)).or_default().push(format!("some on {database}.{name}"));
            }
            _ => {}
        }
    }
    for row in &rows {
        let ["u", user, host, _, plugin, hash, connections, locked] = row[..] else {
            continue;
        };
        let event = events.get(&*event(user, host));
        let expires = match event {
            None => "never".to_owned(),
            Some(_) if !is_on => "not enforced: the event scheduler is off".to_owned(),
            Some((at, true)) if !is_true(locked) => format!("missed: {at}"),
            Some((at, _)) => (*at).to_owned(),
        };
        // One that has expired is locked for that.
        let has_passed = event.is_some_and(|(_, past)| *past);
        let password = match plugin {
            "mysql_native_password" => verifier::print(hash),
            "" => "several ways to log in".to_owned(),
            other => other.to_owned(),
        };
        let all = grants.get(&(user, host)).map(|all| all.join(", "));
        let mut fact = props([
            ("password", password),
            ("grants", all.unwrap_or_else(|| "none".to_owned())),
            ("connections", connections.to_owned()),
            ("expires", expires),
            ("locked", if is_true(locked) && !has_passed { "yes" } else { "no" }.to_owned()),
        ]);
        if let Some((at, _)) = event {
            fact.insert(EXPIRY.to_owned(), (*at).to_owned());
        }
        facts.insert(format!("user {user}@{host}"), fact);
    }
    // It may have fallen silent in the middle: what it had said by then is not all.
    for row in &rows {
        if let ["?", name] = row[..] {
            facts.insert(name.to_owned(), props([(UNKNOWN, "MariaDB does not answer".to_owned())]));
        }
    }
    facts
}

/// A row of `mysql.db` in words.
fn grant(database: &str, columns: &str) -> String {
    let what = match columns {
        OWNER => "owner",
        READ_WRITE => "read-write",
        READ_ONLY => "read-only",
        _ if columns.ends_with('Y') => "some, to hand on,",
        _ => "some",
    };
    let name = database.replace("\\_", "_").replace("\\%", "%");
    // Anything else is a pattern, or a name in another writing.
    if pattern(&name) == database {
        format!("{what} on {name}")
    } else {
        format!("{what} on {database} as a pattern")
    }
}

fn is_true(value: &str) -> bool {
    matches!(value, "1" | "true")
}
