//! Queries of `comparisons`: what the last plan of each server found changed there by others.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use rusqlite::params;

use super::rows::{self, json, millis, time, to_json};
use super::{Read, Write};
use crate::diagnostic::Diagnostic;
use crate::model::ServerName;

/// What the last plan of a whole server found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comparison {
    /// When that was.
    pub at: Timestamp,
    /// The items that were no longer as fleet had made them, as `TYPE NAME`.
    pub drift: BTreeSet<String>,
}

impl Read {
    /// The last comparison of each server that was compared.
    pub fn comparisons(&self) -> Result<BTreeMap<ServerName, Comparison>, Diagnostic> {
        let found = self.all("SELECT server, at, drift FROM comparisons", [], |row| {
            let comparison = Comparison {
                at: time(row, 1)?,
                drift: json(row, 2)?,
            };
            Ok((rows::server(row, 0)?, comparison))
        })?;
        Ok(found.into_iter().collect())
    }
}

impl Write<'_> {
    /// Records that all of a server was compared, and what had drifted and still has.
    pub fn record_comparison(
        &self,
        server: &ServerName,
        comparison: &Comparison,
    ) -> Result<(), Diagnostic> {
        let drift = to_json(&comparison.drift).map_err(|e| self.explain(&e))?;
        self.change(
            "INSERT INTO comparisons (server, at, drift) VALUES ($1, $2, $3)
             ON CONFLICT (server) DO UPDATE SET at = excluded.at, drift = excluded.drift",
            params![server.as_str(), millis(comparison.at), drift],
        )?;
        Ok(())
    }

    /// Takes `made` off what has drifted on a server: it is as it should be again, whatever else there was not looked at.
    pub fn settle_drift(
        &self,
        server: &ServerName,
        made: impl IntoIterator<Item = impl AsRef<str>>,
    ) -> Result<(), Diagnostic> {
        let found = self.first(
            "SELECT at, drift FROM comparisons WHERE server = $1",
            params![server.as_str()],
            |row| {
                Ok(Comparison {
                    at: time(row, 0)?,
                    drift: json(row, 1)?,
                })
            },
        )?;
        let Some(mut comparison) = found else {
            return Ok(());
        };
        let before = comparison.drift.len();
        for item in made {
            comparison.drift.remove(item.as_ref());
        }
        if comparison.drift.len() < before {
            self.record_comparison(server, &comparison)?;
        }
        Ok(())
    }
}
