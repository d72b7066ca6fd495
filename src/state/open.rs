//! Opening the state file: creating it privately, refusing what is not ours, and setting SQLite's switches.

use std::fs::{DirBuilder, OpenOptions};
use std::io::ErrorKind;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use rusqlite::{Connection, ErrorCode, MAIN_DB, OpenFlags};

use super::backups::refuse_lost;
use super::failure::{explain, explain_without_connection, read_only};
use super::migrate;
use super::network;
use super::presence::Presence;
use crate::diagnostic::Diagnostic;

/// How long a statement waits for other writers.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

/// `FLET`: tells a state file from other programs' databases (<https://sqlite.org/fileformat2.html>, offset 68).
pub(super) const APPLICATION_ID: i32 = 0x464c_4554;

/// See [`super::State::open`].
pub(super) fn open(
    path: &Path,
    now: Timestamp,
    patience: Duration,
) -> Result<(Connection, Presence), Diagnostic> {
    refuse_lost(path)?;
    create_privately(path)?;
    let presence = Presence::enter(path, patience)?;
    let mut connection = Connection::open_with_flags(
        on_disk(path),
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )
    .map_err(|error| explain_without_connection(&error, path))?;
    // SQLite falls back to reading when it may not write; that would fail later, in the middle of the work.
    let readonly = connection
        .is_readonly(MAIN_DB)
        .map_err(|error| explain(&error, &connection, path))?;
    if readonly {
        return Err(read_only(&path.display()));
    }
    let fail = |connection: &Connection, error: &rusqlite::Error| explain(error, connection, path);
    connection
        .busy_timeout(patience)
        .map_err(|error| fail(&connection, &error))?;
    check_ours(&connection, path).inspect_err(|_| presence.withdraw())?;
    // A log would be faster, and is not safe there.
    let journal = if network::is_shared(path) {
        "delete"
    } else {
        "wal"
    };
    use_journal(&connection, journal, patience).map_err(|error| fail(&connection, &error))?;
    set_switches(&connection).map_err(|error| fail(&connection, &error))?;
    migrate::migrate(&mut connection, path, now)?;
    Ok((connection, presence))
}

/// See [`super::State::open_read_only`].
pub(super) fn open_read_only(
    path: &Path,
    patience: Duration,
) -> Result<(Connection, Presence), Diagnostic> {
    let shown = path.display();
    match std::fs::metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return Err(
                Diagnostic::failed(format!("there is no state file at `{shown}`"))
                    .hint("the first command that changes something creates it"),
            );
        }
        Ok(found) if !found.is_file() => return Err(not_a_file(path)),
        _ => {}
    }
    let presence = Presence::enter(path, patience)?;
    let connection = Connection::open_with_flags(
        on_disk(path),
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )
    .map_err(|error| explain_without_connection(&error, path))?;
    connection
        .busy_timeout(patience)
        .and_then(|()| set_switches(&connection))
        .map_err(|error| explain(&error, &connection, path))?;
    check_ours(&connection, path).inspect_err(|_| presence.withdraw())?;
    migrate::check_current(&connection, path)?;
    Ok((connection, presence))
}

/// `path` as SQLite takes it for a file: `:memory:` alone would be a database that nobody finds again.
fn on_disk(path: &Path) -> PathBuf {
    if path.is_absolute() {
        path.to_owned()
    } else {
        Path::new(".").join(path)
    }
}

/// Makes the missing directories (0700) and the missing file (0600), so that the admin's umask does not decide who
/// reads it. SQLite gives its log the file's mode.
fn create_privately(path: &Path) -> Result<(), Diagnostic> {
    if let Some(directory) = path.parent().filter(|d| !d.as_os_str().is_empty()) {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(directory)
            .map_err(|error| {
                Diagnostic::failed(format!(
                    "the directory `{}` of the state file cannot be made: {error}",
                    directory.display()
                ))
                .hint("`--state` names another place")
            })?;
    }
    match create_new_file(path) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            let found = std::fs::metadata(path);
            if found.is_ok_and(|found| !found.is_file()) {
                return Err(not_a_file(path));
            }
            Ok(())
        }
        Err(error) => Err(Diagnostic::failed(format!(
            "the state file `{}` cannot be made: {error}",
            path.display()
        ))
        .hint("its directory must be writable by you; `--state` names another place")),
    }
}

/// Makes an empty file that only its owner reads.
pub(super) fn create_new_file(path: &Path) -> std::io::Result<()> {
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .map(drop)
}

fn not_a_file(path: &Path) -> Diagnostic {
    Diagnostic::usage(format!("the state file `{}` is not a file", path.display()))
        .hint("`--state`, `FLEET_STATE` and `[settings] state` name the file itself")
}

/// Refuses the database of another program, before anything is written to it.
fn check_ours(connection: &Connection, path: &Path) -> Result<(), Diagnostic> {
    let look = || {
        // In this order: another fleet may be making tables and mark together in between.
        let tables: i64 =
            connection.query_row("SELECT count(*) FROM sqlite_master", [], |row| row.get(0))?;
        let id: i32 = connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
        Ok(id == APPLICATION_ID || (id == 0 && tables == 0))
    };
    match look() {
        Ok(true) => Ok(()),
        Ok(false) => Err(Diagnostic::usage(format!(
            "the state file `{}` is the database of another program",
            path.display()
        ))
        .hint(
            "check `--state`, `FLEET_STATE` and `[settings] state`; fleet has not touched the file",
        )),
        Err(error) => Err(explain(&error, connection, path)),
    }
}

/// Switches to the write-ahead log (`wal`), in which readers and the writer do not wait for each other, or to the
/// rollback journal (`delete`). The switch needs the file alone and does not use the busy timeout, so two fleets on
/// a new file repeat it.
pub(super) fn use_journal(
    connection: &Connection,
    journal: &str,
    patience: Duration,
) -> rusqlite::Result<()> {
    let started = Instant::now();
    loop {
        match connection.pragma_update_and_check(None, "journal_mode", journal, |_| Ok(())) {
            Err(error)
                if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy)
                    && started.elapsed() < patience =>
            {
                std::thread::sleep(Duration::from_millis(10));
            }
            result => return result,
        }
    }
}

fn set_switches(connection: &Connection) -> rusqlite::Result<()> {
    // FULL syncs the log at every commit: with less, a power cut takes back what was already reported as done.
    connection.pragma_update(None, "synchronous", "full")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "trusted_schema", false)?;
    // Statements are few and used often; the default of 16 is fewer than we have.
    connection.set_prepared_statement_cache_capacity(128);
    Ok(())
}

/// Marks the database as fleet's.
pub(super) fn mark_ours(connection: &Connection) -> rusqlite::Result<()> {
    connection.pragma_update(None, "application_id", APPLICATION_ID)
}
