//! What is asked beside the commands' own queries: names by their first letters for completion, and whether the file is sound.

use std::path::Path;

use rusqlite::params;

use super::{Read, State, backups, open};
use crate::diagnostic::Diagnostic;

impl State {
    /// Like [`Self::open_read_only`], but what cannot be read at once is an error: nobody who is typing waits for a lock.
    pub fn open_at_once(path: &Path) -> Result<Self, Diagnostic> {
        let (connection, presence) = open::open_read_only(path, std::time::Duration::ZERO)?;
        Ok(Self::of(connection, presence, path))
    }
}

impl Read {
    /// The first fault in the structure of the database (`PRAGMA quick_check`); `None` when it is sound.
    pub fn damage(&self) -> Result<Option<String>, Diagnostic> {
        backups::structure(&self.connection).map_err(|error| self.explain(&error))
    }

    /// The first `most` names of a kind that begin with `prefix`, in order, and the very last one: what all of them have
    /// in common is what these have.
    pub fn names(&self, kind: &str, prefix: &str, most: usize) -> Result<Vec<String>, Diagnostic> {
        // No name has this character, which is after all others.
        let end = format!("{prefix}\u{10ffff}");
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        let mut names = self.all(
            "SELECT name FROM resources
             WHERE kind = $1 AND name >= $2 AND name < $3 AND removed_at IS NULL ORDER BY name LIMIT $4",
            params![kind, prefix, end, most],
            |row| row.get::<_, String>(0),
        )?;
        let last = self.first(
            "SELECT name FROM resources
             WHERE kind = $1 AND name >= $2 AND name < $3 AND removed_at IS NULL ORDER BY name DESC LIMIT 1",
            params![kind, prefix, end],
            |row| row.get::<_, String>(0),
        )?;
        if names.last() != last.as_ref() {
            names.extend(last);
        }
        Ok(names)
    }
}
