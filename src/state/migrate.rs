//! Migrations: the schema's history, brought up to date on opening, after a backup.

use std::path::Path;

use jiff::Timestamp;
use rusqlite::{Connection, TransactionBehavior};

use super::backups::{Trouble, backup_path, copy};
use super::failure::explain;
use super::open::mark_ours;
use crate::diagnostic::Diagnostic;

/// Every migration ever released, oldest first; `user_version` counts those a database has had. Append only.
pub(super) const MIGRATIONS: &[&str] = &[
    include_str!("migrations/1.sql"),
    include_str!("migrations/2.sql"),
    include_str!("migrations/3.sql"),
];

/// Brings the schema up to date.
pub(super) fn migrate(
    connection: &mut Connection,
    path: &Path,
    now: Timestamp,
) -> Result<(), Diagnostic> {
    migrate_through(MIGRATIONS, connection, path, now)
}

/// Refuses a schema that is not the current one.
pub(super) fn check_current(connection: &Connection, path: &Path) -> Result<(), Diagnostic> {
    let version = version(connection).map_err(|error| explain(&error, connection, path))?;
    if version < MIGRATIONS.len() {
        return Err(Diagnostic::failed(format!(
            "the state file `{}` has schema {version} and this fleet reads schema {}",
            path.display(),
            MIGRATIONS.len()
        ))
        .hint("a command that may write it brings it up to date"));
    }
    refuse_future(version, MIGRATIONS.len(), path)
}

pub(super) fn migrate_through(
    migrations: &[&str],
    connection: &mut Connection,
    path: &Path,
    now: Timestamp,
) -> Result<(), Diagnostic> {
    let before = version(connection).map_err(|error| explain(&error, connection, path))?;
    refuse_future(before, migrations.len(), path)?;
    if before == migrations.len() {
        return Ok(());
    }
    if before > 0 {
        back_up(connection, &backup_path(path, before, now), path)?;
    }
    // Another fleet may have migrated since: what counts is the version inside the transaction.
    let run = |connection: &mut Connection| {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let reached = version(&transaction)?;
        for migration in migrations.iter().skip(reached) {
            transaction.execute_batch(migration)?;
        }
        if reached < migrations.len() {
            mark_ours(&transaction)?;
            let version = i64::try_from(migrations.len()).unwrap_or(i64::MAX);
            transaction.pragma_update(None, "user_version", version)?;
        }
        transaction.commit()
    };
    run(connection).map_err(|error| explain(&error, connection, path))
}

fn version(connection: &Connection) -> rusqlite::Result<usize> {
    connection.pragma_query_value(None, "user_version", |row| {
        let version: u32 = row.get(0)?;
        Ok(version as usize)
    })
}

fn refuse_future(version: usize, known: usize, path: &Path) -> Result<(), Diagnostic> {
    if version <= known {
        return Ok(());
    }
    Err(Diagnostic::failed(format!(
        "the state file `{}` has schema {version}, and this fleet knows schemas up to {known}",
        path.display()
    ))
    .hint("a newer fleet wrote it; upgrade this one"))
}

/// Copies the database before it is upgraded.
fn back_up(source: &Connection, target: &Path, path: &Path) -> Result<(), Diagnostic> {
    // What is damaged is upgraded no worse than it was.
    copy(source, target, false).map_err(|trouble| {
        let (Trouble::Unable(error) | Trouble::Unsound(error)) = trouble;
        Diagnostic::failed(format!(
            "the state file `{}` is to be upgraded, and its backup `{}` cannot be written: {error}",
            path.display(),
            target.display()
        ))
        .hint("free space beside it, or make its directory writable; nothing was changed")
    })
}
