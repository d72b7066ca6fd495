//! Backups of the state database: taken beside it by commands that write, verified, and thinned out.
//!
//! A backup is a file of its own, `STATE.backup-SCHEMA-TIME` (0600), made with SQLite's backup API, so that it is one
//! moment of the database whatever other fleets do meanwhile. It bears its name only when it is whole and sound.

use std::cmp::Reverse;
use std::ffi::OsStr;
use std::fs::File;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use rusqlite::backup::{Backup as Copying, StepResult};
use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::State;
use super::failure::{code, explain_without_connection};
use super::migrate::MIGRATIONS;
use super::open::{APPLICATION_ID, create_new_file};
use crate::diagnostic::Diagnostic;

/// Writing commands take a backup when the last one is as old as this.
const INTERVAL: SignedDuration = SignedDuration::from_hours(1);

/// So many of the newest are kept,
const NEWEST: usize = 4;

/// and of so many days (UTC) before, of which there are any, the last one each.
const DAYS: usize = 7;

/// How times are written in names.
const STAMP: &str = "%Y%m%dT%H%M%SZ";

/// A backup of the state database, or what [`super::repair()`] has put aside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Backup {
    /// Where it is.
    pub path: PathBuf,
    /// When it was taken, or put aside.
    pub at: Timestamp,
    /// The schema it holds; 0 where it was put aside, whose name does not say it.
    pub schema: usize,
    /// How large it is, in bytes.
    pub size: u64,
}

/// The backups beside the state database at `state`, newest first. None of them is opened.
///
/// # Errors
/// When the directory cannot be read.
pub fn backups(state: &Path) -> Result<Vec<Backup>, Diagnostic> {
    Ok(beside(state)?.0)
}

/// What going back has put aside beside the state database at `state`, newest first. None of it is opened.
///
/// # Errors
/// When the directory cannot be read.
pub fn put_aside(state: &Path) -> Result<Vec<Backup>, Diagnostic> {
    let mut aside = files(state, |name| {
        let (own, rest) = (state.file_name()?.to_str()?, name.to_str()?);
        let rest = rest.strip_prefix(own)?.strip_prefix(".aside-")?;
        let (stamp, number) = rest.split_once('-').unwrap_or((rest, "1"));
        let number: u32 = number.parse().ok()?;
        Some((time_of(stamp)?, number))
    })?;
    aside.sort_by_key(|(_, _, order)| Reverse(*order));
    let file = |(path, size, (at, _))| Backup {
        path,
        at,
        schema: 0,
        size,
    };
    Ok(aside.into_iter().map(file).collect())
}

/// The backups beside `state`, newest first, and what backups that were killed have left.
fn beside(state: &Path) -> Result<(Vec<Backup>, Vec<Backup>), Diagnostic> {
    let (mut whole, mut partial) = (Vec::new(), Vec::new());
    for (path, size, (schema, at, is_whole)) in files(state, |name| parse_name(state, name))? {
        let backup = Backup {
            path,
            at,
            schema,
            size,
        };
        if is_whole {
            whole.push(backup);
        } else {
            partial.push(backup);
        }
    }
    whole.sort_by_key(|backup: &Backup| Reverse((backup.at, backup.schema)));
    Ok((whole, partial))
}

/// The files beside `state` whose names `parse` knows, each with its size and what the name says.
fn files<T>(
    state: &Path,
    parse: impl Fn(&OsStr) -> Option<T>,
) -> Result<Vec<(PathBuf, u64, T)>, Diagnostic> {
    let directory = match state.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let unreadable = |error: std::io::Error| {
        Diagnostic::failed(format!(
            "the directory `{}` cannot be looked through for backups: {error}",
            directory.display()
        ))
    };
    let entries = match std::fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(unreadable(error)),
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry.map_err(unreadable)?;
        let name = entry.file_name();
        let Some(said) = parse(&name) else {
            continue;
        };
        match entry.metadata() {
            Ok(file) if file.is_file() => {
                found.push((state.with_file_name(&name), file.len(), said));
            }
            // Another fleet may just have thinned them out.
            _ => {}
        }
    }
    Ok(found)
}

/// Schema and time of a name like `state.db.backup-1-20260102T030405Z`, and whether nothing follows; a process that
/// is still at it adds its number.
fn parse_name(state: &Path, name: &OsStr) -> Option<(usize, Timestamp, bool)> {
    let own = state.file_name()?.to_str()?;
    let rest = name.to_str()?.strip_prefix(own)?.strip_prefix(".backup-")?;
    let (schema, stamp) = rest.split_once('-')?;
    let (stamp, process) = match stamp.split_once('.') {
        Some((stamp, process)) => (stamp, Some(process)),
        None => (stamp, None),
    };
    process.map_or(Some(0), |process| process.parse::<u32>().ok())?;
    Some((schema.parse().ok()?, time_of(stamp)?, process.is_none()))
}

fn time_of(stamp: &str) -> Option<Timestamp> {
    let at = DateTime::strptime(STAMP, stamp).ok()?;
    Some(at.to_zoned(TimeZone::UTC).ok()?.timestamp())
}

/// `state.db.backup-1-20260102T030405Z`: the schema it holds and when it was taken.
pub(super) fn backup_path(state: &Path, schema: usize, now: Timestamp) -> PathBuf {
    let mut name = state.as_os_str().to_owned();
    name.push(format!(".backup-{schema}-{}", now.strftime(STAMP)));
    name.into()
}

impl State {
    /// Takes a backup if this run has written and the last backup is older than an hour; returns where it is. Then
    /// those that are no longer needed go: kept are the four newest, and the last one of each of seven days before.
    ///
    /// # Errors
    /// When it cannot be written, or when what was copied is not sound: then the database is damaged, and nothing of
    /// the older backups goes.
    pub fn back_up_if_due(&self, now: Timestamp) -> Result<Option<PathBuf>, Diagnostic> {
        if !self.written.get() {
            return Ok(None);
        }
        let path = self.path();
        let recent = |backup: &Backup| {
            let age = now.duration_since(backup.at);
            // One of the future was taken by a wrong clock.
            !age.is_negative() && age < INTERVAL && backup.schema == MIGRATIONS.len()
        };
        if backups(path)?.iter().any(recent) {
            return Ok(None);
        }
        let target = backup_path(path, MIGRATIONS.len(), now);
        let failed = |why: &str| {
            Diagnostic::failed(format!(
                "no backup of the state file `{}` was made: {why}",
                path.display()
            ))
        };
        copy(&self.read.connection, &target, true).map_err(|error| match error {
            Trouble::Unsound(problem) => failed(&format!("it is damaged: {problem}")).hint(
                "`fleet restore-backup` goes back to the last good backup; `fleet doctor` looks at everything",
            ),
            Trouble::Unable(why) => failed(&why).hint("free space beside it, or make its directory writable"),
        })?;
        thin_out(path, now)?;
        Ok(Some(target))
    }
}

/// Deletes the backups that are no longer needed. Those of older schemas stay: there is one for each upgrade.
fn thin_out(state: &Path, now: Timestamp) -> Result<(), Diagnostic> {
    let (whole, partial) = beside(state)?;
    let current: Vec<&Backup> = whole
        .iter()
        .filter(|backup| backup.schema == MIGRATIONS.len())
        .collect();
    let left_over = partial
        .iter()
        .filter(|backup| now.duration_since(backup.at) > INTERVAL);
    for backup in unneeded(&current).into_iter().chain(left_over) {
        // Another fleet may have been faster; what cannot be deleted is only too much.
        let _ = std::fs::remove_file(&backup.path);
    }
    Ok(())
}

/// Those of `backups`, which are sorted from the newest on, that need not be kept.
fn unneeded<'a>(backups: &[&'a Backup]) -> Vec<&'a Backup> {
    let day = |backup: &Backup| backup.at.to_zoned(TimeZone::UTC).date();
    let mut days = Vec::new();
    let mut unneeded = Vec::new();
    for (number, backup) in backups.iter().enumerate() {
        let first_of_its_day = !days.contains(&day(backup));
        if first_of_its_day && days.len() < DAYS {
            days.push(day(backup));
        } else if number >= NEWEST {
            unneeded.push(*backup);
        }
    }
    unneeded
}

/// Why a copy was not made.
pub(super) enum Trouble {
    /// It could not be written.
    Unable(String),
    /// What was copied is damaged.
    Unsound(String),
}

impl From<rusqlite::Error> for Trouble {
    fn from(error: rusqlite::Error) -> Self {
        match code(&error) {
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                Self::Unsound(error.to_string())
            }
            Some(ErrorCode::DiskFull) => Self::Unable("no space is left".to_owned()),
            _ => Self::Unable(error.to_string()),
        }
    }
}

impl From<std::io::Error> for Trouble {
    fn from(error: std::io::Error) -> Self {
        match error.kind() {
            ErrorKind::StorageFull => Self::Unable("no space is left".to_owned()),
            _ => Self::Unable(error.to_string()),
        }
    }
}

/// Copies the database with what is still in its log to the new file `target`. Written under another name first, so
/// that a backup that bears its name is whole. `check` has the copy looked through.
pub(super) fn copy(source: &Connection, target: &Path, check: bool) -> Result<(), Trouble> {
    let mut unfinished = target.as_os_str().to_owned();
    unfinished.push(format!(".{}", std::process::id()));
    let unfinished = PathBuf::from(unfinished);
    let make = || -> Result<(), Trouble> {
        create_new_file(&unfinished)?;
        let mut destination = Connection::open_with_flags(
            &unfinished,
            OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
        )?;
        // Nobody else opens it, so it needs no index of a log beside it.
        destination.pragma_update_and_check(None, "locking_mode", "exclusive", |_| Ok(()))?;
        // It is synced as a whole below, and deleted if that does not come.
        destination.pragma_update(None, "synchronous", "off")?;
        copy_pages(source, &mut destination)?;
        // A copy of a log-mode database is one too; as a single file it is easier to carry away.
        destination.pragma_update_and_check(None, "journal_mode", "delete", |_| Ok(()))?;
        if check && let Some(problem) = structure(&destination)? {
            return Err(Trouble::Unsound(problem));
        }
        drop(destination);
        File::open(&unfinished)?.sync_all()?;
        std::fs::rename(&unfinished, target)?;
        Ok(())
    };
    let outcome = make();
    if outcome.is_err() {
        // Whatever is left of the attempt is of no use; the error that is reported is the one above.
        // SQLite leaves its journal beside a file that is damaged.
        let mut journal = unfinished.as_os_str().to_owned();
        journal.push("-journal");
        for left in [&unfinished, Path::new(&journal)] {
            let _ = std::fs::remove_file(left);
        }
    }
    outcome
}

/// All pages in one step: a single moment of the source, which nobody has to wait for.
fn copy_pages(source: &Connection, destination: &mut Connection) -> Result<(), Trouble> {
    let copying = Copying::new(source, destination)?;
    match copying.step(-1)? {
        StepResult::Done => Ok(()),
        _ => Err(Trouble::Unable("another fleet is writing it".to_owned())),
    }
}

/// The first fault in the structure of a database: `PRAGMA quick_check`, which reads every page and leaves out only
/// whether indices agree with their tables.
pub(super) fn structure(connection: &Connection) -> rusqlite::Result<Option<String>> {
    let verdict: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    Ok((verdict != "ok").then(|| first_line(&verdict)))
}

fn first_line(text: &str) -> String {
    let line = text
        .lines()
        .find(|line| !line.starts_with("*** in database"));
    line.unwrap_or(text).to_owned()
}

/// Everything that is wrong with a database: its structure, its indices, and references that lead nowhere.
pub(super) fn faults(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    let mut faults = Vec::new();
    let mut checks = connection.prepare("PRAGMA integrity_check(20)")?;
    let mut rows = checks.query([])?;
    while let Some(row) = rows.next()? {
        let verdict: String = row.get(0)?;
        if verdict != "ok" {
            faults.push(first_line(&verdict));
        }
    }
    let mut references = connection.prepare("PRAGMA foreign_key_check")?;
    let mut rows = references.query([])?;
    while let Some(row) = rows.next()? {
        let (table, other): (String, String) = (row.get(0)?, row.get(2)?);
        let fault = format!("a row of `{table}` refers to one of `{other}` that is not there");
        if !faults.contains(&fault) {
            faults.push(fault);
        }
    }
    Ok(faults)
}

impl Backup {
    /// Why this backup cannot take the place of the state; `None` when it can.
    pub fn fault(&self) -> Option<String> {
        let look = || -> rusqlite::Result<Option<String>> {
            let connection = Connection::open_with_flags(
                &self.path,
                OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX,
            )?;
            let id: i32 =
                connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
            let schema: u32 =
                connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
            if id != APPLICATION_ID || schema == 0 {
                return Ok(Some("it is not a state of fleet".to_owned()));
            }
            if schema as usize > MIGRATIONS.len() {
                return Ok(Some("a newer fleet wrote it".to_owned()));
            }
            Ok(faults(&connection)?.into_iter().next())
        };
        look().unwrap_or_else(|error| Some(error.to_string()))
    }
}

/// Refuses to begin anew where a state has been lost: the file is missing or empty, and there are backups of it.
///
/// # Errors
/// When that is so, or when it cannot be told.
pub fn refuse_lost(state: &Path) -> Result<(), Diagnostic> {
    let what = match std::fs::metadata(state) {
        Ok(found) if found.is_file() && found.len() == 0 => "empty",
        Err(error) if error.kind() == ErrorKind::NotFound => "gone",
        _ => return Ok(()),
    };
    let backups = backups(state)?;
    if backups.is_empty() {
        return Ok(());
    }
    Err(Diagnostic::failed(format!(
        "the state file `{0}` is {what}, and there are backups of it (`{0}.backup-*`)",
        state.display()
    ))
    .hint("`fleet restore-backup` brings the last one back")
    .hint("to begin anew, move the backups away"))
}

/// The diagnostic for a damaged state: what SQLite said, and what to do.
pub(super) fn damaged(state: &Path, error: &rusqlite::Error) -> Diagnostic {
    let diagnostic = Diagnostic::failed(format!(
        "the state file `{}` is damaged: {error}",
        state.display()
    ));
    match backups(state) {
        Ok(backups) if !backups.is_empty() => diagnostic.hint(
            "`fleet restore-backup` goes back to the last good backup, and keeps the damaged file",
        ),
        _ => diagnostic.hint(format!(
            "there is no backup beside it: keep a copy, then try `sqlite3 '{}' .recover`",
            state.display()
        )),
    }
}

/// The diagnostic for a backup that cannot be read.
pub(super) fn unreadable(backup: &Path, error: &rusqlite::Error) -> Diagnostic {
    explain_without_connection(error, backup)
}
