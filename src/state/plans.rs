//! Queries of `plans`: the keys of plans that were written to files, by which their files are known again.

use jiff::{SignedDuration, Timestamp};
use rusqlite::params;

use super::rows::millis;
use super::{Read, Write};
use crate::diagnostic::Diagnostic;

/// How long the file of a plan can be applied.
pub const PLANS_LAST: SignedDuration = SignedDuration::from_hours(30 * 24);

impl Read {
    /// The key of a plan; `None` for one that this state has not made, or long ago.
    pub fn plan_key(&self, id: &str) -> Result<Option<Vec<u8>>, Diagnostic> {
        self.first("SELECT key FROM plans WHERE id = $1", params![id], |row| {
            row.get(0)
        })
    }

    /// The number of the newest task; 0 when there is none.
    pub fn newest_task(&self) -> Result<i64, Diagnostic> {
        let newest = self.first("SELECT COALESCE(MAX(id), 0) FROM tasks", [], |row| {
            row.get(0)
        })?;
        Ok(newest.unwrap_or(0))
    }
}

impl Write<'_> {
    /// Remembers the key of a plan, and forgets those of plans that are too old.
    pub fn add_plan(&self, id: &str, key: &[u8], now: Timestamp) -> Result<(), Diagnostic> {
        let oldest = now.saturating_sub(PLANS_LAST).unwrap_or(now);
        self.change(
            "DELETE FROM plans WHERE made_at < $1",
            params![millis(oldest)],
        )?;
        self.change(
            "INSERT INTO plans (id, made_at, key) VALUES ($1, $2, $3)",
            params![id, millis(now), key],
        )?;
        Ok(())
    }
}
