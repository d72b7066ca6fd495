//! Counts over the whole state, for those who look at all of it at once: a few scans, nothing parsed.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

use super::Read;
use super::rows::{self, count, json, status, text, time};
use crate::diagnostic::Diagnostic;
use crate::model::{PlacementStatus, ServerName};

/// What is placed on a server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Held {
    /// Units of weight; what is being removed counts until it is gone.
    pub load: u64,
    /// Resources.
    pub resources: u64,
}

/// Placements of a kind on a server that the server has not followed yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unsettled {
    /// The server.
    pub server: ServerName,
    /// The kind's word.
    pub kind: String,
    /// Pending, failed or removing.
    pub status: PlacementStatus,
    /// How many.
    pub number: u64,
}

/// A check that is not well.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct UnwellCheck {
    /// The server that it looks at, or on which it looks at something.
    pub server: ServerName,
    /// Which check it is among those of the server: `certificate of site example.com`.
    pub subject: String,
    /// Whether it does not work; else it needs attention.
    pub is_bad: bool,
    /// Since when.
    pub since: Timestamp,
    /// Why.
    pub reasons: Vec<String>,
}

impl Read {
    /// What is placed on each server that has anything.
    pub fn held(&self) -> Result<BTreeMap<ServerName, Held>, Diagnostic> {
        let found = self.all(
            "SELECT server, SUM(weight), COUNT(*) FROM placements GROUP BY server",
            [],
            |row| {
                let held = Held {
                    load: count(row, 1)?,
                    resources: count(row, 2)?,
                };
                Ok((rows::server(row, 0)?, held))
            },
        )?;
        Ok(found.into_iter().collect())
    }

    /// How many resources of each kind there should be; kinds without any are left out.
    pub fn kind_counts(&self) -> Result<BTreeMap<String, u64>, Diagnostic> {
        let found = self.all(
            "SELECT kind, COUNT(*) FROM resources WHERE removed_at IS NULL GROUP BY kind",
            [],
            |row| Ok((row.get(0)?, count(row, 1)?)),
        )?;
        Ok(found.into_iter().collect())
    }

    /// What servers have not followed yet, in order of server, kind and status.
    pub fn unsettled(&self) -> Result<Vec<Unsettled>, Diagnostic> {
        self.all(
            "SELECT p.server, r.kind, p.status, COUNT(*)
             FROM placements p JOIN resources r ON r.id = p.resource_id
             WHERE p.status <> 'applied'
             GROUP BY p.server, r.kind, p.status ORDER BY p.server, r.kind, p.status",
            [],
            |row| {
                Ok(Unsettled {
                    server: rows::server(row, 0)?,
                    kind: row.get(1)?,
                    status: status(row, 2)?,
                    number: count(row, 3)?,
                })
            },
        )
    }

    /// The checks that are not well, the bad ones first, then in order of server.
    pub fn unwell_checks(&self) -> Result<Vec<UnwellCheck>, Diagnostic> {
        self.all(
            "SELECT server, subject, status, since, reasons FROM health_statuses
             WHERE subject <> '' AND status <> 'ok' ORDER BY status, server, subject",
            [],
            |row| {
                Ok(UnwellCheck {
                    server: rows::server(row, 0)?,
                    subject: row.get(1)?,
                    is_bad: text(row, 2)? == "bad",
                    since: time(row, 3)?,
                    reasons: json(row, 4)?,
                })
            },
        )
    }
}
