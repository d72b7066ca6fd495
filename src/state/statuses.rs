//! Queries of `health_statuses` and `health_events`: what is confirmed of each subject, and every change of it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use rusqlite::types::Type;
use rusqlite::{Row, params};

use super::rows::{
    self, json, json_if_any, millis, placeholders, text, text_if_any, time, time_if_any, to_json,
    unfit,
};
use super::{Read, Write};
use crate::diagnostic::Diagnostic;
use crate::model::check::Vantage;
use crate::model::{HealthEvent, Patience, ServerName, Sight, Standing, Status};

/// For how long events are kept, in milliseconds: 400 days.
const KEPT: i64 = 400 * 86_400_000;

/// For how long a check keeps its status that nobody makes, in milliseconds: 7 days.
const CHECKS_KEPT: i64 = 7 * 86_400_000;

/// Which changes of status to read.
#[derive(Clone, Debug, Default)]
pub struct EventFilter<'a> {
    /// Only those with a higher number.
    pub after: Option<i64>,
    /// Only those confirmed at this time or later.
    pub since: Option<Timestamp>,
    /// Only those of this server and of the checks on it.
    pub server: Option<&'a ServerName>,
    /// At most so many, the newest.
    pub limit: Option<u32>,
}

/// Who has a status: a server, and what of it (nothing, or a check).
pub type SubjectName = (ServerName, String);

/// What [`standing`] reads.
pub(super) const COLUMNS: &str =
    "server, subject, status, since, reasons, seen, seen_at, turning, told";

impl Read {
    /// The standing of one subject; that of a server itself when `subject` is empty.
    pub fn standing(
        &self,
        server: &ServerName,
        subject: &str,
    ) -> Result<Option<Standing>, Diagnostic> {
        self.first(
            "SELECT server, subject, status, since, reasons, seen, seen_at, turning, told
             FROM health_statuses WHERE server = $1 AND subject = $2",
            params![server.as_str(), subject],
            standing,
        )
    }

    /// The standings of all servers, without those of the checks on them. Servers that the inventory no longer has may
    /// be among them.
    pub fn server_standings(&self) -> Result<BTreeMap<ServerName, Standing>, Diagnostic> {
        let mut found = BTreeMap::new();
        self.each(
            &format!("SELECT {COLUMNS} FROM health_statuses WHERE subject = ''"),
            [],
            |row| {
                found.insert(rows::server(row, 0)?, standing(row)?);
                Ok(())
            },
        )?;
        Ok(found)
    }

    /// The standings of `servers` and of all checks on them.
    pub fn standings(
        &self,
        servers: &BTreeSet<ServerName>,
    ) -> Result<BTreeMap<SubjectName, Standing>, Diagnostic> {
        let list = placeholders(1, servers.len());
        let mut found = BTreeMap::new();
        self.each(
            &format!("SELECT {COLUMNS} FROM health_statuses WHERE server IN ({list})"),
            rusqlite::params_from_iter(servers.iter().map(ServerName::as_str)),
            |row| {
                let name = (rows::server(row, 0)?, row.get(1)?);
                found.insert(name, standing(row)?);
                Ok(())
            },
        )?;
        Ok(found)
    }

    /// Changes of status, oldest first.
    pub fn events(&self, filter: &EventFilter<'_>) -> Result<Vec<HealthEvent>, Diagnostic> {
        let after = filter.after.unwrap_or(0);
        let since = filter.since.map_or(i64::MIN, millis);
        let limit = filter.limit.unwrap_or(u32::MAX);
        let mut events = match filter.server {
            None => self.all(
                "SELECT id, at, server, subject, before_status, before_since, after_status, since, reasons
                 FROM health_events WHERE id > $1 AND at >= $2 ORDER BY id DESC LIMIT $3",
                params![after, since, limit],
                event,
            )?,
            Some(server) => self.all(
                "SELECT id, at, server, subject, before_status, before_since, after_status, since, reasons
                 FROM health_events WHERE id > $1 AND at >= $2 AND server = $3
                 ORDER BY id DESC LIMIT $4",
                params![after, since, server.as_str(), limit],
                event,
            )?,
        };
        events.reverse();
        Ok(events)
    }
}

impl Write<'_> {
    /// Records what a look saw of a subject: a server (`subject` is empty) or a check on it. When that confirms a
    /// change of its status, the change is recorded with it as an event, which is returned. The first look at a
    /// subject that is well is none.
    pub fn record_sight(
        &self,
        server: &ServerName,
        subject: &str,
        sight: &Sight,
        patience: Patience,
    ) -> Result<Option<HealthEvent>, Diagnostic> {
        let before = self.standing(server, subject)?;
        self.record_sight_after(server, subject, before, sight, patience)
    }

    /// [`Self::record_sight`] for who has read the standing already.
    pub(super) fn record_sight_after(
        &self,
        server: &ServerName,
        subject: &str,
        before: Option<Standing>,
        sight: &Sight,
        patience: Patience,
    ) -> Result<Option<HealthEvent>, Diagnostic> {
        let was = before.as_ref().map(|before| (before.status, before.since));
        let (now, changed) = Standing::after(before, sight, patience);
        let reasons = to_json(&now.reasons).map_err(|e| self.explain(&e))?;
        let turning = now.turning.as_ref().map(to_json).transpose();
        let turning = turning.map_err(|e| self.explain(&e))?;
        self.change(
            "INSERT INTO health_statuses
                 (server, subject, status, since, reasons, seen, seen_at, turning)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
             ON CONFLICT (server, subject) DO UPDATE SET
                 status = excluded.status, since = excluded.since, reasons = excluded.reasons,
                 seen = excluded.seen, seen_at = excluded.seen_at, turning = excluded.turning",
            params![
                server.as_str(),
                subject,
                now.status.word(),
                millis(now.since),
                reasons,
                now.seen.word(),
                millis(now.seen_at),
                turning,
            ],
        )?;
        if !changed || (was.is_none() && now.status.is_well()) {
            return Ok(None);
        }
        self.first(
            "INSERT INTO health_events
                 (at, server, subject, before_status, before_since, after_status, since, reasons)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
             RETURNING id, at, server, subject, before_status, before_since, after_status, since, reasons",
            params![
                millis(sight.at),
                server.as_str(),
                subject,
                was.map(|(status, _)| status.word()),
                was.map(|(_, since)| millis(since)),
                now.status.word(),
                millis(now.since),
                reasons,
            ],
            event,
        )
    }

    /// Forgets the checks on a server, made from that side, that are not among `subjects` and were not made since
    /// `until`, and what they measured: what is not looked at any more has no status.
    pub fn forget_other_checks(
        &self,
        server: &ServerName,
        subjects: &BTreeSet<String>,
        side: Vantage,
        until: Timestamp,
    ) -> Result<(), Diagnostic> {
        let known = self.all(
            "SELECT subject FROM health_statuses
             WHERE server = $1 AND subject <> '' AND seen_at <= $2",
            params![server.as_str(), millis(until)],
            |row| row.get::<_, String>(0),
        )?;
        let is_gone =
            |subject: &&String| Vantage::of_name(subject) == side && !subjects.contains(*subject);
        let mut any = false;
        for gone in known.iter().filter(is_gone) {
            any = true;
            self.change(
                "DELETE FROM health_statuses WHERE server = $1 AND subject = $2",
                params![server.as_str(), gone],
            )?;
        }
        if any {
            self.forget_measured(server)?;
        }
        Ok(())
    }

    /// Forgets the checks that nobody has made for long, wherever.
    pub fn clear_old_checks(&self, now: Timestamp) -> Result<(), Diagnostic> {
        let until = millis(now).saturating_sub(CHECKS_KEPT);
        let servers = self.all(
            "SELECT DISTINCT server FROM health_statuses WHERE subject <> '' AND seen_at <= $1",
            params![until],
            |row| rows::server(row, 0),
        )?;
        for server in servers {
            self.change(
                "DELETE FROM health_statuses WHERE server = $1 AND subject <> '' AND seen_at <= $2",
                params![server.as_str(), until],
            )?;
            self.forget_measured(&server)?;
        }
        Ok(())
    }

    /// Notes that a quiet sweep has spoken of the confirmed status of these subjects.
    pub fn note_told(&self, subjects: &[(SubjectName, Status)]) -> Result<(), Diagnostic> {
        for ((server, subject), status) in subjects {
            self.change(
                "UPDATE health_statuses SET told = $1 WHERE server = $2 AND subject = $3",
                params![status.word(), server.as_str(), subject],
            )?;
        }
        Ok(())
    }

    /// Clears events that are older than they are kept.
    pub fn clear_old_events(&self, now: Timestamp) -> Result<(), Diagnostic> {
        self.change(
            "DELETE FROM health_events WHERE at < $1",
            params![millis(now).saturating_sub(KEPT)],
        )?;
        Ok(())
    }
}

/// A row of [`COLUMNS`].
pub(super) fn standing(row: &Row<'_>) -> rusqlite::Result<Standing> {
    Ok(Standing {
        status: status(row, 2)?,
        since: time(row, 3)?,
        reasons: json(row, 4)?,
        seen: status(row, 5)?,
        seen_at: time(row, 6)?,
        turning: json_if_any(row, 7)?,
        told: status_if_any(row, 8)?,
    })
}

fn event(row: &Row<'_>) -> rusqlite::Result<HealthEvent> {
    Ok(HealthEvent {
        id: row.get(0)?,
        at: time(row, 1)?,
        server: rows::server(row, 2)?,
        subject: row.get(3)?,
        before: status_if_any(row, 4)?,
        before_since: time_if_any(row, 5)?,
        after: status(row, 6)?,
        since: time(row, 7)?,
        reasons: json(row, 8)?,
    })
}

/// The status in a column.
pub(super) fn status(row: &Row<'_>, column: usize) -> rusqlite::Result<Status> {
    of_word(text(row, column)?, column)
}

/// The status in a column that may be NULL.
pub(super) fn status_if_any(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<Status>> {
    text_if_any(row, column)?
        .map(|word| of_word(word, column))
        .transpose()
}

fn of_word(word: &str, column: usize) -> rusqlite::Result<Status> {
    Status::of_word(word)
        .ok_or_else(|| unfit(column, Type::Text, format!("`{word}` is not a status")))
}
