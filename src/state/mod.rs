//! The state database: what should exist, where it is, what was applied, and who did it. SQLite, one file.
//!
//! [`State::write`] is one transaction that excludes other writers from its first statement on, so that several
//! fleets may work on one file: what is read inside it stays true until it is committed. The SQL would also run on
//! PostgreSQL: `$n` in ascending first use, `ON CONFLICT`, `RETURNING`, text and integers only.

use std::cell::Cell;
use std::ops::Deref;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use rusqlite::{Connection, Params, Row, Transaction, TransactionBehavior};

use crate::diagnostic::Diagnostic;
use presence::Presence;

mod applied;
mod backups;
mod changes;
mod claims;
mod comparisons;
mod failure;
mod key;
mod keyfile;
mod keys;
mod links;
mod listing;
mod marks;
mod measured;
mod migrate;
mod names;
mod network;
mod notices;
mod open;
mod placements;
mod plans;
mod presence;
mod repair;
mod resources;
mod rotation;
mod rows;
mod samples;
mod secrets;
mod servers;
mod statuses;
mod summary;
mod sweeps;
mod tasks;

pub use applied::{Outcome, Stored};
pub use backups::{Backup, backups, put_aside, refuse_lost};
pub use claims::Taken;
pub use comparisons::Comparison;
pub use key::{Sealed, Sealing, SealingKey};
pub use keys::{AskPassphrase, KeyPlace, Keys, RunCommand};
pub use listing::Listed;
pub use marks::Mark;
pub use notices::{ChannelRecord, Waiting};
pub use placements::PlacementResult;
pub use plans::PLANS_LAST;
pub use repair::{Lost, Repaired, examine, repair};
pub use resources::{Change, Filter, NewResource};
pub use rotation::{Rotated, Rotation};
pub use secrets::{Vault, has_secrets};
pub use servers::{Cordon, ServerRecord};
pub use statuses::{EventFilter, SubjectName};
pub use summary::{Held, Unsettled, UnwellCheck};
pub use sweeps::{SweepLock, Sweeper, Sweeping};
pub use tasks::NewTask;

/// The state database, open.
#[derive(Debug)]
pub struct State {
    read: Read,
    /// Whether this run has committed anything.
    written: Cell<bool>,
    /// Last: it is given up when the connection is closed.
    _presence: Presence,
}

impl State {
    /// Opens the database at `path`; creates it (0600, and directories 0700) when it is missing, and brings an
    /// older schema up to date after a backup beside it, named by `now`.
    pub fn open(path: &Path, now: Timestamp) -> Result<Self, Diagnostic> {
        Self::open_patiently(path, now, open::PATIENCE)
    }

    /// Like [`Self::open`], with the time it waits for other writers.
    fn open_patiently(
        path: &Path,
        now: Timestamp,
        patience: std::time::Duration,
    ) -> Result<Self, Diagnostic> {
        let (connection, presence) = open::open(path, now, patience)?;
        Ok(Self::of(connection, presence, path))
    }

    /// Opens an existing database of the current schema for reading only; never creates or migrates.
    pub fn open_read_only(path: &Path) -> Result<Self, Diagnostic> {
        let (connection, presence) = open::open_read_only(path, open::PATIENCE)?;
        Ok(Self::of(connection, presence, path))
    }

    fn of(connection: Connection, presence: Presence, path: &Path) -> Self {
        Self {
            read: Read {
                connection,
                path: path.to_owned(),
            },
            written: Cell::new(false),
            _presence: presence,
        }
    }

    /// Where the file is.
    pub fn path(&self) -> &Path {
        &self.read.path
    }

    /// Reads from one snapshot: what other fleets commit meanwhile is not seen.
    pub fn read<T, E: From<Diagnostic>>(
        &self,
        look: impl FnOnce(&Read) -> Result<T, E>,
    ) -> Result<T, E> {
        let read = &self.read;
        // Inside another read the snapshot is already taken.
        if !read.connection.is_autocommit() {
            return look(read);
        }
        let snapshot = Transaction::new_unchecked(&read.connection, TransactionBehavior::Deferred)
            .map_err(|error| read.explain(&error))?;
        let result = look(read);
        // Nothing was written, so how it ends makes no difference.
        drop(snapshot);
        result
    }

    /// Runs `work` as one transaction that no other writer can come between, and commits it when it returns `Ok`;
    /// otherwise, and when the process dies, nothing of it happened.
    pub fn write<T, E: From<Diagnostic>>(
        &mut self,
        work: impl FnOnce(&Write<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let read = &self.read;
        let transaction =
            Transaction::new_unchecked(&read.connection, TransactionBehavior::Immediate)
                .map_err(|error| read.explain(&error))?;
        let value = work(&Write {
            read,
            task: Cell::new(None),
        })?;
        transaction.commit().map_err(|error| read.explain(&error))?;
        self.written.set(true);
        Ok(value)
    }
}

/// A look at the database inside a transaction.
#[derive(Debug)]
pub struct Read {
    connection: Connection,
    path: PathBuf,
}

/// A transaction that may write; reads too.
#[derive(Debug)]
pub struct Write<'a> {
    read: &'a Read,
    /// The task whose work this is.
    task: Cell<Option<i64>>,
}

impl Deref for Write<'_> {
    type Target = Read;

    fn deref(&self) -> &Read {
        self.read
    }
}

impl Read {
    fn explain(&self, error: &rusqlite::Error) -> Diagnostic {
        failure::explain(error, &self.connection, &self.path)
    }

    /// Calls `each` for every row.
    fn each<P: Params>(
        &self,
        sql: &str,
        params: P,
        mut each: impl FnMut(&Row<'_>) -> rusqlite::Result<()>,
    ) -> Result<(), Diagnostic> {
        let run = || {
            let mut statement = self.connection.prepare_cached(sql)?;
            let mut rows = statement.query(params)?;
            while let Some(row) = rows.next()? {
                each(row)?;
            }
            Ok(())
        };
        run().map_err(|error| self.explain(&error))
    }

    /// Every row, mapped.
    fn all<T, P: Params>(
        &self,
        sql: &str,
        params: P,
        map: impl Fn(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>, Diagnostic> {
        let mut found = Vec::new();
        self.each(sql, params, |row| {
            found.push(map(row)?);
            Ok(())
        })?;
        Ok(found)
    }

    /// The first row, mapped.
    fn first<T, P: Params>(
        &self,
        sql: &str,
        params: P,
        map: impl Fn(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Option<T>, Diagnostic> {
        let run = || {
            let mut statement = self.connection.prepare_cached(sql)?;
            let mut rows = statement.query(params)?;
            rows.next()?.map(map).transpose()
        };
        run().map_err(|error| self.explain(&error))
    }
}

impl Write<'_> {
    /// Runs a statement that changes rows; returns how many.
    fn change<P: Params>(&self, sql: &str, params: P) -> Result<usize, Diagnostic> {
        self.connection
            .prepare_cached(sql)
            .and_then(|mut statement| statement.execute(params))
            .map_err(|error| self.explain(&error))
    }
}

#[cfg(test)]
mod tests;
