//! Queries of `notices`, `notice_told`, `channels` and `maintenance`: what is to be told, and what was.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use rusqlite::{Row, params};

use super::rows::{self, json, millis, time, time_if_any, to_json};
use super::statuses::{COLUMNS, SubjectName, standing, status, status_if_any};
use super::{Read, Write};
use crate::diagnostic::Diagnostic;
use crate::model::notification::{Maintenance, Notice, Told};
use crate::model::{ServerName, Standing};

/// For how long is kept what was given up, in milliseconds: 30 days.
const KEPT: i64 = 30 * 86_400_000;

/// A notice that was not sent yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// What it says.
    pub notice: Notice,
    /// When it was tried first in vain.
    pub failing_since: Option<Timestamp>,
    /// Why it was not sent.
    pub error: Option<String>,
    /// Until when somebody is sending it.
    pub claimed_until: Option<Timestamp>,
    /// When it was given up.
    pub given_up_at: Option<Timestamp>,
}

/// What became of what was sent over a channel.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChannelRecord {
    /// When something was sent last.
    pub sent_at: Option<Timestamp>,
    /// When sending failed last.
    pub failed_at: Option<Timestamp>,
    /// Why.
    pub error: Option<String>,
}

impl Read {
    /// The standings of all subjects that are not well.
    pub fn unwell(&self) -> Result<BTreeMap<SubjectName, Standing>, Diagnostic> {
        let mut found = BTreeMap::new();
        self.each(
            &format!("SELECT {COLUMNS} FROM health_statuses WHERE status NOT IN ('online', 'ok')"),
            [],
            |row| {
                found.insert((rows::server(row, 0)?, row.get(1)?), standing(row)?);
                Ok(())
            },
        )?;
        Ok(found)
    }

    /// What was last told over a channel, of subjects that were not well.
    pub fn told(&self, channel: &str) -> Result<BTreeMap<SubjectName, Told>, Diagnostic> {
        let mut found = BTreeMap::new();
        self.each(
            "SELECT server, subject, status, since, at FROM notice_told WHERE channel = $1",
            params![channel],
            |row| {
                let told = Told {
                    status: status(row, 2)?,
                    since: time(row, 3)?,
                    at: time(row, 4)?,
                };
                found.insert((rows::server(row, 0)?, row.get(1)?), told);
                Ok(())
            },
        )?;
        Ok(found)
    }

    /// What was not sent yet, in the order in which it happened; what was given up is among it for some time.
    pub fn notices(&self) -> Result<Vec<Waiting>, Diagnostic> {
        self.all(
            "SELECT id, channel, at, reminder, server, subject, before_status, before_since,
                    after_status, since, reasons, attempts, failing_since, error, claimed_until,
                    given_up_at
             FROM notices ORDER BY id",
            [],
            waiting,
        )
    }

    /// What became of what was sent, by channel.
    pub fn channel_records(&self) -> Result<BTreeMap<String, ChannelRecord>, Diagnostic> {
        let records = self.all(
            "SELECT name, sent_at, failed_at, error FROM channels",
            [],
            |row| {
                let record = ChannelRecord {
                    sent_at: time_if_any(row, 1)?,
                    failed_at: time_if_any(row, 2)?,
                    error: row.get(3)?,
                };
                Ok((row.get(0)?, record))
            },
        )?;
        Ok(records.into_iter().collect())
    }

    /// The servers that are in maintenance at `now`.
    pub fn maintenance(
        &self,
        now: Timestamp,
    ) -> Result<BTreeMap<ServerName, Maintenance>, Diagnostic> {
        let found = self.all(
            "SELECT server, since, until, reason, operator FROM maintenance WHERE until > $1",
            params![millis(now)],
            |row| {
                let maintenance = Maintenance {
                    since: time(row, 1)?,
                    until: time(row, 2)?,
                    reason: row.get(3)?,
                    operator: row.get(4)?,
                };
                Ok((rows::server(row, 0)?, maintenance))
            },
        )?;
        Ok(found.into_iter().collect())
    }
}

impl Write<'_> {
    /// Stores something to be told; its number is given here.
    pub fn add_notice(&self, notice: &Notice) -> Result<(), Diagnostic> {
        let reasons = to_json(&notice.reasons).map_err(|e| self.explain(&e))?;
        self.change(
            "INSERT INTO notices
                 (channel, at, reminder, server, subject, before_status, before_since,
                  after_status, since, reasons)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
            params![
                notice.channel,
                millis(notice.at),
                notice.reminder,
                notice.server.as_str(),
                notice.subject,
                notice.before.map(crate::model::Status::word),
                notice.before_since.map(millis),
                notice.after.word(),
                millis(notice.since),
                reasons
            ],
        )?;
        Ok(())
    }

    /// Remembers what was told of a subject; forgets it with `None`.
    pub fn set_told(
        &self,
        channel: &str,
        name: &SubjectName,
        told: Option<&Told>,
    ) -> Result<(), Diagnostic> {
        let (server, subject) = (name.0.as_str(), &name.1);
        match told {
            None => self.change(
                "DELETE FROM notice_told WHERE channel = $1 AND server = $2 AND subject = $3",
                params![channel, server, subject],
            )?,
            Some(told) => self.change(
                "INSERT INTO notice_told (channel, server, subject, status, since, at)
                 VALUES ($1, $2, $3, $4, $5, $6)
                 ON CONFLICT (channel, server, subject) DO UPDATE SET
                     status = excluded.status, since = excluded.since, at = excluded.at",
                params![
                    channel,
                    server,
                    subject,
                    told.status.word(),
                    millis(told.since),
                    millis(told.at)
                ],
            )?,
        };
        Ok(())
    }

    /// Forgets what was told over a channel.
    pub fn forget_told(&self, channel: &str) -> Result<(), Diagnostic> {
        self.change(
            "DELETE FROM notice_told WHERE channel = $1",
            params![channel],
        )?;
        Ok(())
    }

    /// Forgets what was told over channels that are none of these: should one come back, it is a new one.
    pub fn forget_other_channels<'c>(
        &self,
        channels: impl Iterator<Item = &'c str>,
    ) -> Result<(), Diagnostic> {
        let kept: BTreeSet<&str> = channels.collect();
        let known = self.all("SELECT DISTINCT channel FROM notice_told", [], |row| {
            row.get::<_, String>(0)
        })?;
        for gone in known.iter().filter(|name| !kept.contains(name.as_str())) {
            self.forget_told(gone)?;
        }
        Ok(())
    }

    /// Notes that these notices are being sent, so that nobody else sends them before `until`.
    pub fn claim_notices(&self, ids: &[i64], until: Timestamp) -> Result<(), Diagnostic> {
        ids.iter().try_for_each(|id| {
            self.change(
                "UPDATE notices SET claimed_until = $1, attempts = attempts + 1 WHERE id = $2",
                params![millis(until), id],
            )
            .map(drop)
        })
    }

    /// Notes that these notices arrived: nothing more is kept of them.
    pub fn notices_sent(&self, ids: &[i64]) -> Result<(), Diagnostic> {
        ids.iter().try_for_each(|id| {
            self.change("DELETE FROM notices WHERE id = $1", params![id])
                .map(drop)
        })
    }

    /// Notes that these notices did not arrive: they go on waiting.
    pub fn notices_failed(
        &self,
        ids: &[i64],
        error: &str,
        now: Timestamp,
    ) -> Result<(), Diagnostic> {
        ids.iter().try_for_each(|id| {
            self.change(
                "UPDATE notices SET claimed_until = NULL, error = $1,
                     failing_since = COALESCE(failing_since, $2)
                 WHERE id = $3",
                params![error, millis(now), id],
            )
            .map(drop)
        })
    }

    /// Notes that these notices are not tried any more.
    pub fn give_up_notices(&self, ids: &[i64], now: Timestamp) -> Result<(), Diagnostic> {
        ids.iter().try_for_each(|id| {
            self.change(
                "UPDATE notices SET claimed_until = NULL, given_up_at = $1 WHERE id = $2",
                params![millis(now), id],
            )
            .map(drop)
        })
    }

    /// Forgets what was given up long ago, and maintenance that is over.
    pub fn clear_old_notices(&self, now: Timestamp) -> Result<(), Diagnostic> {
        self.change(
            "DELETE FROM notices WHERE given_up_at < $1",
            params![millis(now).saturating_sub(KEPT)],
        )?;
        self.change(
            "DELETE FROM maintenance WHERE until < $1",
            params![millis(now).saturating_sub(KEPT)],
        )?;
        Ok(())
    }

    /// Records what became of a message: sent, or why not.
    pub fn record_channel(
        &self,
        channel: &str,
        outcome: Result<(), &str>,
        now: Timestamp,
    ) -> Result<(), Diagnostic> {
        match outcome {
            Ok(()) => self.change(
                "INSERT INTO channels (name, sent_at) VALUES ($1, $2)
                 ON CONFLICT (name) DO UPDATE SET sent_at = excluded.sent_at",
                params![channel, millis(now)],
            )?,
            Err(error) => self.change(
                "INSERT INTO channels (name, failed_at, error) VALUES ($1, $2, $3)
                 ON CONFLICT (name) DO UPDATE SET
                     failed_at = excluded.failed_at, error = excluded.error",
                params![channel, millis(now), error],
            )?,
        };
        Ok(())
    }

    /// Puts a server into maintenance, or changes until when and why.
    pub fn begin_maintenance(
        &self,
        server: &ServerName,
        maintenance: &Maintenance,
    ) -> Result<(), Diagnostic> {
        // One that is over has begun at another time.
        self.change(
            "DELETE FROM maintenance WHERE server = $1 AND until <= $2",
            params![server.as_str(), millis(maintenance.since)],
        )?;
        self.change(
            "INSERT INTO maintenance (server, since, until, reason, operator)
             VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (server) DO UPDATE SET
                 until = excluded.until, reason = excluded.reason, operator = excluded.operator",
            params![
                server.as_str(),
                millis(maintenance.since),
                millis(maintenance.until),
                maintenance.reason,
                maintenance.operator
            ],
        )?;
        Ok(())
    }

    /// Ends the maintenance of a server; returns whether there was one at `now`.
    pub fn end_maintenance(&self, server: &ServerName, now: Timestamp) -> Result<bool, Diagnostic> {
        let ended = self.change(
            "DELETE FROM maintenance WHERE server = $1 AND until > $2",
            params![server.as_str(), millis(now)],
        )?;
        Ok(ended > 0)
    }
}

fn waiting(row: &Row<'_>) -> rusqlite::Result<Waiting> {
    Ok(Waiting {
        notice: Notice {
            id: row.get(0)?,
            channel: row.get(1)?,
            at: time(row, 2)?,
            reminder: row.get(3)?,
            server: rows::server(row, 4)?,
            subject: row.get(5)?,
            before: status_if_any(row, 6)?,
            before_since: time_if_any(row, 7)?,
            after: status(row, 8)?,
            since: time(row, 9)?,
            reasons: json(row, 10)?,
            attempts: row.get(11)?,
        },
        failing_since: time_if_any(row, 12)?,
        error: row.get(13)?,
        claimed_until: time_if_any(row, 14)?,
        given_up_at: time_if_any(row, 15)?,
    })
}
