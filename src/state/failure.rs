//! What SQLite's errors mean to an admin.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, ErrorCode};

use super::backups::{backups, damaged};
use crate::diagnostic::{Class, Diagnostic};

/// The diagnostic for an error of `connection` to the database at `path`.
pub(super) fn explain(error: &rusqlite::Error, connection: &Connection, path: &Path) -> Diagnostic {
    let diagnostic = explain_without_connection(error, path);
    if diagnostic.class == Class::Locked
        && let Some(task) = unended_task(connection)
    {
        return diagnostic.detail(task);
    }
    diagnostic
}

/// What kind of error it is. That the index of the log finds no room is told by SQLite as an error of the disk.
pub(super) fn code(error: &rusqlite::Error) -> Option<ErrorCode> {
    let extended = error.sqlite_error().map(|error| error.extended_code);
    if extended == Some(rusqlite::ffi::SQLITE_IOERR_SHMSIZE) {
        return Some(ErrorCode::DiskFull);
    }
    error.sqlite_error_code()
}

/// Like [`explain`], for a database that could not be opened.
pub(super) fn explain_without_connection(error: &rusqlite::Error, file: &Path) -> Diagnostic {
    let path = file.display();
    match code(error) {
        Some(ErrorCode::NotADatabase) if backups(file).is_ok_and(|found| !found.is_empty()) => {
            damaged(file, error)
        }
        Some(ErrorCode::NotADatabase) => Diagnostic::usage(format!(
            "the state file `{path}` is not an SQLite database"
        ))
        .hint("check `--state`, `FLEET_STATE` and `[settings] state`; fleet has not touched the file"),
        Some(ErrorCode::ReadOnly) => read_only(&path),
        Some(ErrorCode::DiskFull) => Diagnostic::failed(format!(
            "no space left to write the state file `{path}`; nothing of this change was recorded"
        ))
        .hint("free space on its file system and run the command again"),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Diagnostic::new(
            Class::Locked,
            format!("the state file `{path}` is being written by another fleet"),
        )
        .hint("run the command again when the other one is done"),
        Some(ErrorCode::DatabaseCorrupt) => damaged(file, error),
        Some(ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => {
            Diagnostic::failed(format!("the state file `{path}` cannot be opened: {error}"))
                .hint("its directory must exist and be writable, because SQLite keeps its log beside it")
        }
        Some(ErrorCode::SystemIoFailure) => {
            Diagnostic::failed(format!("the state file `{path}` cannot be read or written: {error}"))
                .hint("check the disk and the kernel's log; the file must be on a local file system")
        }
        _ => match error {
            rusqlite::Error::FromSqlConversionFailure(_, _, inner) => {
                Diagnostic::failed(format!("the state file `{path}` holds a value fleet cannot read: {inner}"))
                    .hint("`fleet list-backups` lists the backups beside it, `fleet restore-backup` goes back to one")
            }
            _ => Diagnostic::failed(format!("the state file `{path}`: {error}")),
        },
    }
}

/// The diagnostic for a file or directory that must be written and cannot.
pub(super) fn read_only(path: &std::path::Display<'_>) -> Diagnostic {
    Diagnostic::failed(format!("the state file `{path}` cannot be written"))
        .hint("the file and its directory must be writable by you; `--state` names another")
}

/// Who may be holding the lock: the newest task that has not ended. Readers are not kept out by a writer.
fn unended_task(connection: &Connection) -> Option<String> {
    // No waiting a second time.
    connection.busy_timeout(Duration::ZERO).ok()?;
    let task = connection.query_row(
        "SELECT id, command, operator, host, process, started_at FROM tasks
         WHERE ended_at IS NULL ORDER BY id DESC LIMIT 1",
        [],
        |row| {
            let id: i64 = row.get(0)?;
            let command: String = row.get(1)?;
            let operator: String = row.get(2)?;
            let host: String = row.get(3)?;
            let process: i64 = row.get(4)?;
            let since = super::rows::time(row, 5)?;
            Ok(format!(
                "possibly by task {id}: `{command}` of {operator} on {host}, process {process}, since {since}"
            ))
        },
    );
    let restored = connection.busy_timeout(super::open::PATIENCE);
    task.ok().filter(|_| restored.is_ok())
}
