//! Migrations: the schema's history, brought up to date on opening, after a backup.

use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::backup::Backup;
use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use super::failure::explain;
use super::open::mark_ours;
use crate::diagnostic::Diagnostic;

/// Every migration ever released, oldest first; `user_version` counts those a database has had. Append only.
pub(super) const MIGRATIONS: &[&str] = &[include_str!("migrations/1.sql")];

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

/// `fleet.db.backup-1-20260102T030405Z`: the version it holds and when it was taken.
fn backup_path(path: &Path, version: usize, now: Timestamp) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(
        ".backup-{version}-{}",
        now.strftime("%Y%m%dT%H%M%SZ")
    ));
    name.into()
}

/// Copies the database with what is still in its log. Written under another name first, so that a backup that
/// bears its name is whole.
fn back_up(source: &Connection, target: &Path, path: &Path) -> Result<(), Diagnostic> {
    let unable = |error: &dyn std::fmt::Display| {
        Diagnostic::failed(format!(
            "the state file `{}` is to be upgraded, and its backup `{}` cannot be written: {error}",
            path.display(),
            target.display()
        ))
        .hint("free space beside it, or make its directory writable; nothing was changed")
    };
    let mut unfinished = target.as_os_str().to_owned();
    unfinished.push(format!(".{}", std::process::id()));
    let unfinished = PathBuf::from(unfinished);
    let copy = || -> rusqlite::Result<()> {
        let mut destination = Connection::open_with_flags(
            &unfinished,
            OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
        )?;
        Backup::new(source, &mut destination)?.run_to_completion(
            1024,
            Duration::from_millis(1),
            None,
        )?;
        // A copy of a log-mode database is one too; as a single file it is easier to carry away.
        destination.pragma_update_and_check(None, "journal_mode", "delete", |_| Ok(()))
    };
    super::open::create_new_file(&unfinished).map_err(|error| unable(&error))?;
    let copied = copy()
        .map_err(|error| unable(&error))
        .and_then(|()| std::fs::rename(&unfinished, target).map_err(|error| unable(&error)));
    if copied.is_err() {
        // Whatever is left of the attempt is of no use; the error that is reported is the one above.
        let _ = std::fs::remove_file(&unfinished);
    }
    copied
}
