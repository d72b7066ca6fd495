//! Queries of `applied`: what was last applied to each server, for drift, conflicts and removals.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use jiff::Timestamp;
use rusqlite::types::Type;
use rusqlite::{Row, params};

use super::failure::explain_without_connection;
use super::placements::PlacementResult;
use super::rows::{self, millis, placeholders, resource_name, text, text_if_any, to_json, unfit};
use super::{Read, Write};
use crate::diagnostic::Diagnostic;
use crate::item::{Applied, Key, Props};
use crate::model::{Resource, ResourceName, ServerName};

/// How a transaction on one server ended, to be recorded as one.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// Items that are now as given here; their intents are fulfilled. `intent` is not read.
    pub applied: BTreeMap<Key, Applied>,
    /// Items that were taken away.
    pub forgotten: Vec<Key>,
    /// Items whose intent was not carried out, or undone: what was applied before is what is there.
    pub withdrawn: Vec<Key>,
    /// What became of the placements: row number of the resource, and result.
    pub placements: Vec<(i64, PlacementResult)>,
}

/// What was last applied to one server, as it is stored. A fleet has very many of these and works on few servers at
/// a time, so that they are made into values when the turn of their server comes.
#[derive(Clone, Debug, Default)]
pub struct Stored {
    /// The columns key, props, intent, adopted and owners of all rows, one after another; nothing stands for NULL.
    text: String,
    /// Where each of them ends.
    ends: Vec<usize>,
    path: PathBuf,
}

/// How many columns of `applied` a row of [`Stored`] has.
const COLUMNS: usize = 5;

impl Stored {
    /// Whether nothing was applied.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The items with what they were given.
    ///
    /// # Errors
    /// For a stored value that is none of fleet's.
    pub fn values(&self) -> Result<BTreeMap<Key, Applied>, Diagnostic> {
        let starts = [0].into_iter().chain(self.ends.iter().copied());
        let columns = starts
            .zip(&self.ends)
            .map(|(start, end)| &self.text[start..*end]);
        let columns: Vec<&str> = columns.collect();
        let rows = columns.chunks_exact(COLUMNS).map(entry);
        let entries: rusqlite::Result<_> = rows.collect();
        entries.map_err(|error| explain_without_connection(&error, &self.path))
    }

    fn push(&mut self, row: &Row<'_>, first: usize) -> rusqlite::Result<()> {
        for column in first..first + COLUMNS {
            self.text.push_str(text_if_any(row, column)?.unwrap_or(""));
            self.ends.push(self.text.len());
        }
        Ok(())
    }
}

impl Read {
    /// What was last applied to a server.
    pub fn applied_on(&self, server: &ServerName) -> Result<BTreeMap<Key, Applied>, Diagnostic> {
        let mut stored = self.applied_on_each(&BTreeSet::from([server.clone()]))?;
        stored.remove(server).unwrap_or_default().values()
    }

    /// What was last applied to each of `servers`; one without anything has no entry.
    pub fn applied_on_each(
        &self,
        servers: &BTreeSet<ServerName>,
    ) -> Result<BTreeMap<ServerName, Stored>, Diagnostic> {
        let mut found: Vec<(ServerName, Stored)> = Vec::new();
        let list = placeholders(1, servers.len());
        self.each(
            &format!(
                "SELECT server, key, props, intent, adopted, owners FROM applied
                 WHERE server IN ({list}) ORDER BY server"
            ),
            rusqlite::params_from_iter(servers.iter().map(ServerName::as_str)),
            |row| {
                let name = text(row, 0)?;
                if let Some((last, stored)) = found.last_mut()
                    && last.as_str() == name
                {
                    return stored.push(row, 1);
                }
                let mut stored = Stored {
                    path: self.path.clone(),
                    ..Stored::default()
                };
                stored.push(row, 1)?;
                found.push((rows::server(row, 0)?, stored));
                Ok(())
            },
        )?;
        Ok(found.into_iter().collect())
    }

    /// What of a resource was taken over as it was found, where it is placed.
    pub fn adopted_of(&self, resource: &Resource) -> Result<Vec<(ServerName, Key)>, Diagnostic> {
        let servers: BTreeSet<ServerName> = resource
            .placements
            .iter()
            .map(|placement| placement.server.clone())
            .collect();
        let mut found = Vec::new();
        for (server, stored) in self.applied_on_each(&servers)? {
            let own = stored.values()?.into_iter().filter(|(_, applied)| {
                applied.adopted.is_some() && applied.owners.contains(&resource.name)
            });
            found.extend(own.map(|(key, _)| (server.clone(), key)));
        }
        Ok(found)
    }

    /// The resources of a kind of which anything was taken over as it was found.
    pub fn adopted(&self, kind: &str) -> Result<BTreeSet<String>, Diagnostic> {
        let lists = self.all(
            "SELECT DISTINCT owners FROM applied WHERE adopted IS NOT NULL",
            [],
            |row| {
                let text: String = row.get(0)?;
                Ok(text)
            },
        )?;
        let lists = lists
            .iter()
            .map(|text| serde_json::from_str(text).unwrap_or_default());
        let owners = lists.flat_map(|owners: Vec<String>| owners);
        let of_kind = |owner: String| Some(owner.strip_prefix(kind)?.strip_prefix(' ')?.to_owned());
        Ok(owners.filter_map(of_kind).collect())
    }

    /// The servers where an intent was recorded and no outcome: a transaction on them may have happened or not.
    pub fn servers_with_intents(&self) -> Result<BTreeSet<ServerName>, Diagnostic> {
        let servers = self.all(
            "SELECT DISTINCT server FROM applied WHERE intent IS NOT NULL",
            [],
            |row| rows::server(row, 0),
        )?;
        Ok(servers.into_iter().collect())
    }
}

impl Write<'_> {
    /// Records what a transaction is about to give to items of a server, before it starts: if neither it nor we
    /// live to report, the next run recognises what it finds as ours.
    pub fn record_intent<'k>(
        &self,
        server: &ServerName,
        intents: impl IntoIterator<Item = (&'k Key, &'k Props, &'k [ResourceName])>,
        task: Option<i64>,
        now: Timestamp,
    ) -> Result<(), Diagnostic> {
        for (key, props, owners) in intents {
            let intent = to_json(props).map_err(|e| self.explain(&e))?;
            let owners = owners_json(owners).map_err(|e| self.explain(&e))?;
            self.change(
                "INSERT INTO applied (server, key, intent, owners, task_id, at)
                 VALUES ($1, $2, $3, $4, $5, $6)
                 ON CONFLICT (server, key) DO UPDATE SET
                     intent = excluded.intent, task_id = excluded.task_id, at = excluded.at",
                params![
                    server.as_str(),
                    key.to_string(),
                    intent,
                    owners,
                    task,
                    millis(now)
                ],
            )?;
        }
        Ok(())
    }

    /// Records how a transaction on a server ended.
    pub fn record_outcome(
        &self,
        server: &ServerName,
        outcome: &Outcome,
        task: Option<i64>,
        now: Timestamp,
    ) -> Result<(), Diagnostic> {
        for (key, applied) in &outcome.applied {
            self.record_applied(server, key, applied, task, now)?;
        }
        for key in &outcome.forgotten {
            self.change(
                "DELETE FROM applied WHERE server = $1 AND key = $2",
                params![server.as_str(), key.to_string()],
            )?;
        }
        for key in &outcome.withdrawn {
            self.withdraw_intent(server, key)?;
        }
        for (resource, result) in &outcome.placements {
            self.settle_placement(*resource, server, result)?;
        }
        Ok(())
    }

    fn record_applied(
        &self,
        server: &ServerName,
        key: &Key,
        applied: &Applied,
        task: Option<i64>,
        now: Timestamp,
    ) -> Result<(), Diagnostic> {
        let to_columns = || {
            let adopted = applied.adopted.as_ref().map(to_json).transpose()?;
            Ok((
                to_json(&applied.props)?,
                adopted,
                owners_json(&applied.owners)?,
            ))
        };
        let (props, adopted, owners) =
            to_columns().map_err(|e: rusqlite::Error| self.explain(&e))?;
        self.change(
            "INSERT INTO applied (server, key, props, adopted, owners, task_id, at)
             VALUES ($1, $2, $3, $4, $5, $6, $7)
             ON CONFLICT (server, key) DO UPDATE SET
                 props = excluded.props, intent = NULL, adopted = excluded.adopted,
                 owners = excluded.owners, task_id = excluded.task_id, at = excluded.at",
            params![
                server.as_str(),
                key.to_string(),
                props,
                adopted,
                owners,
                task,
                millis(now)
            ],
        )?;
        Ok(())
    }

    fn withdraw_intent(&self, server: &ServerName, key: &Key) -> Result<(), Diagnostic> {
        let key = key.to_string();
        self.change(
            "DELETE FROM applied
             WHERE server = $1 AND key = $2 AND props IS NULL AND adopted IS NULL",
            params![server.as_str(), key],
        )?;
        self.change(
            "UPDATE applied SET intent = NULL WHERE server = $1 AND key = $2",
            params![server.as_str(), key],
        )?;
        Ok(())
    }
}

/// Key and record from the columns key, props, intent, adopted, owners; an empty one is NULL.
fn entry(columns: &[&str]) -> rusqlite::Result<(Key, Applied)> {
    let key = columns[0]
        .parse()
        .map_err(|e: String| unfit(0, Type::Text, e))?;
    let owners: Vec<Cow<'_, str>> =
        serde_json::from_str(columns[4]).map_err(|e| unfit(4, Type::Text, e))?;
    let owners = owners
        .iter()
        .map(|owner| resource_name(owner))
        .collect::<Result<_, _>>()
        .map_err(|e| unfit(4, Type::Text, e))?;
    let props = |column: usize| {
        let text = Some(columns[column]).filter(|text| !text.is_empty());
        let parsed = text.map(serde_json::from_str::<Props>).transpose();
        parsed.map_err(|e| unfit(column, Type::Text, e))
    };
    let applied = Applied {
        props: props(1)?.unwrap_or_default(),
        intent: props(2)?,
        adopted: props(3)?,
        owners,
    };
    Ok((key, applied))
}

fn owners_json(owners: &[ResourceName]) -> rusqlite::Result<String> {
    let owners: Vec<String> = owners.iter().map(ToString::to_string).collect();
    to_json(&owners)
}
