//! Going back to a backup of the state database. What was there is put aside and never deleted.

use std::fs::{File, OpenOptions};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use rusqlite::{Connection, ErrorCode, OpenFlags};
use rustix::fs::{FlockOperation, fcntl_lock};

use super::backups::{self, Backup, Trouble, backups, put_aside};
use super::failure::{explain_without_connection, read_only};
use super::presence::{Presence, in_use};
use crate::diagnostic::Diagnostic;
use crate::item::RESTORED;
use crate::model::command_line;

/// Numbers of tasks that a state may have given away after a backup, where the state cannot be asked any more: they
/// name what lies in the trash of servers, and are not given twice.
const SKIPPED: i64 = 1000;

/// How a repair went.
#[derive(Clone, Debug)]
pub struct Repaired {
    /// The backup that is the state now.
    pub from: Backup,
    /// Where the state is that was there before; `None` when there was none.
    pub aside: Option<PathBuf>,
    /// The commands after the backup that changed something, oldest first: `fleet add-site example.com`, with their times. What they
    /// recorded is not known any more.
    pub lost: Vec<Lost>,
    /// Whether `lost` is complete: the state could be asked for all of it.
    pub complete: bool,
    /// Newer backups that could not be used, and why.
    pub passed_over: Vec<(Backup, String)>,
}

/// A command that the state no longer knows of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lost {
    /// The number of its task.
    pub task: i64,
    /// When it began.
    pub at: Timestamp,
    /// The command with its arguments, as it can be typed again.
    pub line: String,
}

/// Looks through the whole state database at `path`; returns what is wrong with it, which is nothing for a sound one.
/// It takes about a second for 100,000 resources.
///
/// # Errors
/// When it cannot be looked at: it is not there, or may not be read.
pub fn examine(path: &Path) -> Result<Vec<String>, Diagnostic> {
    if let Err(error) = std::fs::metadata(path) {
        return Err(Diagnostic::failed(format!(
            "the state file `{}` cannot be looked at: {error}",
            path.display()
        )));
    }
    let _presence = Presence::enter(path, super::open::PATIENCE)?;
    let look = || backups::faults(&read_only_connection(path)?);
    match look() {
        Ok(faults) => Ok(faults),
        Err(error) => match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                Ok(vec![error.to_string()])
            }
            _ => Err(explain_without_connection(&error, path)),
        },
    }
}

fn read_only_connection(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(super::open::PATIENCE)?;
    Ok(connection)
}

/// Makes a backup the state: that at `from`, or else the newest that is sound. The caller must not have the state
/// open.
///
/// # Errors
/// When no backup can be used, when another fleet has the state open, or when the files cannot be written. Then the
/// state is as it was.
pub fn repair(path: &Path, from: Option<&Path>, now: Timestamp) -> Result<Repaired, Diagnostic> {
    let (chosen, passed_over) = choose(path, from)?;
    let (newest_task, next) = known(&chosen.path)?;
    // From here on nobody else opens it, and what is read of it is the last that was ever there.
    let alone = Presence::alone(path)?;
    // Before SQLite's lock is taken, of which it gives up all of a process when it closes the file.
    let (lost, complete) = lost(path, newest_task);
    let next = next.after(path);
    let held = exclude_others(path)?;
    let mut unfinished = path.as_os_str().to_owned();
    unfinished.push(format!(".restored.{}", std::process::id()));
    let unfinished = PathBuf::from(unfinished);
    let prepared = prepare(&chosen, &unfinished, &next)
        .and_then(|()| exchange(path, &unfinished, held.is_some(), now));
    if prepared.is_err() {
        let _ = std::fs::remove_file(&unfinished);
    }
    let aside = prepared?;
    drop((held, alone));
    Ok(Repaired {
        from: chosen,
        aside,
        lost,
        complete,
        passed_over,
    })
}

/// The backup to use, and those that were newer and are no good.
fn choose(path: &Path, from: Option<&Path>) -> Result<(Backup, Vec<(Backup, String)>), Diagnostic> {
    let all = backups(path)?;
    if let Some(from) = from {
        // What was put aside is the way back from a wrong choice; nobody is sent there without being asked.
        let all: Vec<Backup> = all.into_iter().chain(put_aside(path)?).collect();
        let same = |backup: &&Backup| {
            backup.path == from || backup.path.file_name() == Some(from.as_os_str())
        };
        let Some(backup) = all.iter().find(same) else {
            return Err(Diagnostic::usage(format!(
                "`{}` is not a backup of the state file `{}`",
                from.display(),
                path.display()
            ))
            .hint("`fleet list-backups` lists them"));
        };
        return match backup.fault() {
            None => Ok((backup.clone(), Vec::new())),
            Some(fault) => Err(Diagnostic::failed(format!(
                "`{}` is damaged: {fault}",
                backup.path.display()
            ))
            .hint("`fleet list-backups` lists the others")),
        };
    }
    let mut passed_over = Vec::new();
    for backup in all {
        match backup.fault() {
            None => return Ok((backup, passed_over)),
            Some(fault) => passed_over.push((backup, fault)),
        }
    }
    let mut none = Diagnostic::failed(format!(
        "there is no good backup of the state file `{}`",
        path.display()
    ));
    for (backup, fault) in &passed_over {
        none = none.detail(format!("`{}`: {fault}", backup.path.display()));
    }
    if !path.exists() {
        return Err(none.hint("there is no state yet, and so nothing to go back to"));
    }
    Err(none.hint(format!(
        "keep a copy of it, then try `sqlite3 '{}' .recover`",
        path.display()
    )))
}

/// The highest numbers that a state has given to rows, by table.
#[derive(Debug, Default)]
struct Numbers(Vec<(String, i64)>);

impl Numbers {
    fn of(connection: &Connection) -> rusqlite::Result<Self> {
        let mut statement = connection.prepare("SELECT name, seq FROM sqlite_sequence")?;
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(Self(rows.collect::<Result<_, _>>()?))
    }

    /// The numbers to go on from, so that none is given twice: those of the state at `path` where it can be asked,
    /// else far beyond those of the backup.
    fn after(self, path: &Path) -> Self {
        let known = read_only_connection(path).and_then(|connection| Self::of(&connection));
        let later = |(name, number): (String, i64)| {
            let there = known.as_ref().ok().and_then(|known| {
                let same = known.0.iter().find(|(other, _)| *other == name);
                same.map(|(_, number)| *number)
            });
            let number = match there {
                Some(there) => number.max(there),
                None => number.saturating_add(SKIPPED),
            };
            (name, number)
        };
        Self(self.0.into_iter().map(later).collect())
    }
}

/// The newest task in a backup, and its numbers.
fn known(backup: &Path) -> Result<(i64, Numbers), Diagnostic> {
    let look = || {
        let connection = read_only_connection(backup)?;
        let newest = connection.query_row("SELECT coalesce(max(id), 0) FROM tasks", [], |row| {
            row.get(0)
        })?;
        let mut numbers = Numbers::of(&connection)?;
        for table in ["resources", "tasks"] {
            // None was given yet.
            if !numbers.0.iter().any(|(name, _)| name == table) {
                numbers.0.push((table.to_owned(), 0));
            }
        }
        Ok((newest, numbers))
    };
    look().map_err(|error| backups::unreadable(backup, &error))
}

/// The commands in the state at `path` that are newer than the task `newest` and changed something, as far as it can be
/// read: what they changed of resources, did on servers, or noted of servers and of the key alone.
fn lost(path: &Path, newest: i64) -> (Vec<Lost>, bool) {
    let mut lost = Vec::new();
    let mut look = || -> rusqlite::Result<()> {
        let connection = read_only_connection(path)?;
        let mut statement = connection.prepare(
            "SELECT id, started_at, command, arguments FROM tasks
             WHERE id > $1 AND (
                 EXISTS (SELECT 1 FROM task_changes WHERE task_id = id)
                 OR EXISTS (SELECT 1 FROM task_outcomes WHERE task_id = id AND changes <> '[]')
                 OR exit_code = 0 AND command IN
                     ('cordon', 'uncordon', 'maintenance', 'remove-server', 'rotate-key'))
             ORDER BY id",
        )?;
        let mut rows = statement.query([newest])?;
        while let Some(row) = rows.next()? {
            let arguments: Vec<String> = super::rows::json(row, 3)?;
            let line = command_line(super::rows::text(row, 2)?, &arguments);
            lost.push(Lost {
                task: row.get(0)?,
                at: super::rows::time(row, 1)?,
                line: format!("fleet {line}"),
            });
        }
        Ok(())
    };
    let complete = look().is_ok();
    (lost, complete)
}

/// Makes sure that nothing else has the state open either (`sqlite3`, a fleet that may not write [`Presence`]): with a
/// log each process holds a shared lock on the file as long as it does (<https://sqlite.org/wal.html>). `None` when there
/// is no file.
fn exclude_others(path: &Path) -> Result<Option<File>, Diagnostic> {
    let file = match OpenOptions::new().read(true).write(true).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(_) => return Err(read_only(&path.display())),
    };
    fcntl_lock(&file, FlockOperation::NonBlockingLockExclusive).map_err(|_| in_use(path))?;
    Ok(Some(file))
}

/// Writes what will be the state; what was last applied is marked as what a later state may have changed.
fn prepare(backup: &Backup, target: &Path, numbers: &Numbers) -> Result<(), Diagnostic> {
    let unable = |error: &dyn std::fmt::Display| {
        Diagnostic::failed(format!("the backup cannot be brought back: {error}")).hint(
            "free space beside the state file, or make its directory writable; it is as it was",
        )
    };
    // Not byte by byte: what was put aside may have a log beside it.
    let copied = read_only_connection(&backup.path)
        .map_err(Trouble::from)
        .and_then(|connection| backups::copy(&connection, target, false));
    copied.map_err(|trouble| match trouble {
        Trouble::Unable(why) | Trouble::Unsound(why) => unable(&why),
    })?;
    let number = || -> rusqlite::Result<()> {
        let connection = Connection::open_with_flags(
            target,
            OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
        )?;
        for (table, number) in &numbers.0 {
            connection.execute("DELETE FROM sqlite_sequence WHERE name = $1", [table])?;
            connection.execute(
                "INSERT INTO sqlite_sequence (name, seq) VALUES ($1, $2)",
                (table, number),
            )?;
        }
        // Into the text of the JSON object, where it comes to stand first.
        connection.execute(
            "UPDATE applied SET props = $1 || substr(props, 2)
             WHERE props LIKE '{\"%' AND substr(props, 1, length($1)) <> $1",
            [format!("{{\"{RESTORED}\":\"yes\",")],
        )?;
        Ok(())
    };
    number().map_err(|error| unable(&error))
}

/// Puts the state aside with its log, and `new` in its place; returns where the old one is.
fn exchange(
    path: &Path,
    new: &Path,
    is_there: bool,
    now: Timestamp,
) -> Result<Option<PathBuf>, Diagnostic> {
    let unable = |error: std::io::Error| {
        Diagnostic::failed(format!(
            "the state file `{}` cannot be put aside: {error}",
            path.display()
        ))
        .hint("its directory must be writable by you")
    };
    let aside = free_name(path, now);
    // First the log, which would be taken for that of the new file.
    for suffix in ["-wal", "-shm", "-journal"] {
        match std::fs::rename(with_suffix(path, suffix), with_suffix(&aside, suffix)) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(unable(error)),
            _ => {}
        }
    }
    if is_there {
        // Two names for a moment, so that there is always a state.
        std::fs::hard_link(path, &aside)
            .or_else(|_| std::fs::rename(path, &aside))
            .map_err(unable)?;
    }
    std::fs::rename(new, path).map_err(unable)?;
    if let Some(directory) = path.parent().filter(|d| !d.as_os_str().is_empty()) {
        // What cannot be synced (some network file systems) is there all the same.
        let _ = File::open(directory).and_then(|directory| directory.sync_all());
    }
    Ok(is_there.then_some(aside))
}

/// A name beside the state that nothing has: `state.db.aside-20260102T030405Z`.
fn free_name(path: &Path, now: Timestamp) -> PathBuf {
    let stamp = now.strftime("%Y%m%dT%H%M%SZ").to_string();
    let mut number = 1;
    loop {
        let suffix = if number == 1 {
            format!(".aside-{stamp}")
        } else {
            format!(".aside-{stamp}-{number}")
        };
        let name = with_suffix(path, &suffix);
        let taken = ["", "-wal"]
            .iter()
            .any(|more| with_suffix(&name, more).symlink_metadata().is_ok());
        if !taken {
            return name;
        }
        number += 1;
    }
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}
