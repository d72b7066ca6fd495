//! Queries of `placements`: where each resource is, and how loaded each server.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::params;

use super::rows;
use super::{Read, Write};
use crate::diagnostic::Diagnostic;
use crate::model::{ResourceName, ServerName};

/// What became of a placement in a transaction on its server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PlacementResult {
    /// The server holds this generation.
    Applied {
        /// The generation that was compiled and applied.
        generation: i64,
    },
    /// Not tried, or not reached: what is to be done there stays so, and what is as it should be as well.
    Pending {
        /// Why.
        reason: String,
        /// The task that found the server away, where a sweep may finish it when the server is back.
        away: Option<i64>,
    },
    /// Cut off in the middle: it is done or undone there, nobody knows which.
    Unknown {
        /// Why.
        reason: String,
        /// As in [`Self::Pending`].
        away: Option<i64>,
    },
    /// Tried and undone.
    Failed {
        /// Why.
        reason: String,
    },
    /// Everything of it is off the server.
    Removed,
}

impl Read {
    /// The units placed on each server that has any; what is being removed counts until it is gone.
    pub fn loads(&self) -> Result<BTreeMap<ServerName, u64>, Diagnostic> {
        let mut loads = BTreeMap::new();
        self.each(
            "SELECT server, SUM(weight) FROM placements GROUP BY server",
            [],
            |row| {
                loads.insert(rows::server(row, 0)?, rows::count(row, 1)?);
                Ok(())
            },
        )?;
        Ok(loads)
    }

    /// The units placed on one server.
    pub fn load(&self, server: &ServerName) -> Result<u64, Diagnostic> {
        let load = self.first(
            "SELECT COALESCE(SUM(weight), 0) FROM placements WHERE server = $1",
            params![server.as_str()],
            |row| rows::count(row, 0),
        )?;
        Ok(load.unwrap_or(0))
    }

    /// What waits for each server since it was away: resources that are not there yet, or not in their present settings,
    /// and those that are to go. What was staged, stopped or not begun is not among them, nor what was tried and failed,
    /// nor what a task left that has not ended: its rollout may still be halted.
    pub fn waiting(&self) -> Result<BTreeMap<ServerName, BTreeSet<ResourceName>>, Diagnostic> {
        let mut waiting: BTreeMap<ServerName, BTreeSet<ResourceName>> = BTreeMap::new();
        self.each(
            "SELECT placements.server, resources.kind, resources.name
             FROM placements
             JOIN resources ON resources.id = placements.resource_id
             JOIN tasks ON tasks.id = placements.away_task
             WHERE placements.status IN ('pending', 'removing') AND tasks.ended_at IS NOT NULL",
            [],
            |row| {
                let (kind, name) = (rows::text(row, 1)?, rows::text(row, 2)?);
                let on_server = waiting.entry(rows::server(row, 0)?).or_default();
                on_server.insert(ResourceName::new(kind, name));
                Ok(())
            },
        )?;
        Ok(waiting)
    }

    /// How many resources are placed on each server that has any.
    pub fn placement_counts(&self) -> Result<BTreeMap<ServerName, u64>, Diagnostic> {
        let mut counts = BTreeMap::new();
        self.each(
            "SELECT server, COUNT(*) FROM placements GROUP BY server",
            [],
            |row| {
                counts.insert(rows::server(row, 0)?, rows::count(row, 1)?);
                Ok(())
            },
        )?;
        Ok(counts)
    }

    /// How many resources of each kind are on each server, by how they stand.
    pub fn placed(&self) -> Result<BTreeMap<(ServerName, String, &'static str), u64>, Diagnostic> {
        let mut placed = BTreeMap::new();
        self.each(
            "SELECT p.server, r.kind, p.status, COUNT(*)
             FROM placements p JOIN resources r ON r.id = p.resource_id
             GROUP BY p.server, r.kind, p.status",
            [],
            |row| {
                let status = rows::status(row, 2)?.word();
                placed.insert(
                    (rows::server(row, 0)?, row.get(1)?, status),
                    rows::count(row, 3)?,
                );
                Ok(())
            },
        )?;
        Ok(placed)
    }

    /// The kinds of the resources on each server that has any.
    pub fn kinds_placed(&self) -> Result<BTreeMap<ServerName, BTreeSet<String>>, Diagnostic> {
        let mut kinds: BTreeMap<ServerName, BTreeSet<String>> = BTreeMap::new();
        self.each(
            "SELECT DISTINCT p.server, r.kind FROM placements p JOIN resources r ON r.id = p.resource_id",
            [],
            |row| {
                let of_server = kinds.entry(rows::server(row, 0)?).or_default();
                of_server.insert(row.get(1)?);
                Ok(())
            },
        )?;
        Ok(kinds)
    }
}

impl Write<'_> {
    /// Places a resource on a server, pending, with the resource's weight, as its first. A placement that was to be
    /// taken away is wanted again; any other stays as it is.
    pub fn place(&self, resource: i64, server: &ServerName) -> Result<(), Diagnostic> {
        self.place_at(resource, server, 0)
    }

    /// Like [`Self::place`], at a position: 0 for the first server, 1 for those beside it.
    pub fn place_at(
        &self,
        resource: i64,
        server: &ServerName,
        position: u32,
    ) -> Result<(), Diagnostic> {
        self.noting(resource, || self.put(resource, server, position))
    }

    /// Places a resource on all of `come`, each as [`Self::place`] does, and takes it off all of `leave`. That is one change
    /// of it: to note each server by itself would write all its placements down as often as there are servers.
    pub fn move_to(
        &self,
        resource: i64,
        come: &[ServerName],
        leave: &[ServerName],
    ) -> Result<(), Diagnostic> {
        if come.is_empty() && leave.is_empty() {
            return Ok(());
        }
        self.noting(resource, || {
            for server in come {
                self.put(resource, server, 0)?;
            }
            for server in leave {
                self.take_off(resource, server)?;
            }
            Ok(())
        })
    }

    fn put(&self, resource: i64, server: &ServerName, position: u32) -> Result<(), Diagnostic> {
        self.change(
            "INSERT INTO placements (resource_id, server, position, status, weight)
             SELECT id, $1, $2, 'pending', weight FROM resources WHERE id = $3
             ON CONFLICT (resource_id, server) DO UPDATE
             SET status = 'pending', reason = NULL, away_task = NULL, position = excluded.position
             WHERE placements.status = 'removing' OR placements.position <> excluded.position",
            params![server.as_str(), position, resource],
        )
        .map(drop)
    }

    fn take_off(&self, resource: i64, server: &ServerName) -> Result<(), Diagnostic> {
        self.change(
            "UPDATE placements SET status = 'removing', reason = NULL, away_task = NULL
             WHERE resource_id = $1 AND server = $2",
            params![resource, server.as_str()],
        )
        .map(drop)
    }

    /// Notes that the content of a resource whose removal by task number `task` is undone is in the trash of its servers:
    /// in that of the task that carried it out there.
    pub fn place_from_trash(&self, resource: i64, task: i64) -> Result<(), Diagnostic> {
        self.change(
            "UPDATE placements SET from_trash = COALESCE(
                 (SELECT removals.task_id FROM removals
                  WHERE removals.resource_id = placements.resource_id
                    AND removals.server = placements.server), $1)
             WHERE resource_id = $2 AND status = 'pending'",
            params![task, resource],
        )?;
        Ok(())
    }

    /// Notes that a task is about to move what is removed of a resource to the trash of a server.
    pub fn record_removal(
        &self,
        resource: i64,
        server: &ServerName,
        task: i64,
    ) -> Result<(), Diagnostic> {
        self.change(
            "INSERT INTO removals (resource_id, server, task_id) VALUES ($1, $2, $3)
             ON CONFLICT (resource_id, server) DO UPDATE SET task_id = excluded.task_id",
            params![resource, server.as_str(), task],
        )?;
        Ok(())
    }

    /// Marks a placement as to be taken off its server; it counts there until it is gone.
    pub fn displace(&self, resource: i64, server: &ServerName) -> Result<(), Diagnostic> {
        self.noting(resource, || self.take_off(resource, server))
    }

    /// Forgets a placement whose server is gone for good, without touching the server.
    pub fn forget_placement(&self, resource: i64, server: &ServerName) -> Result<(), Diagnostic> {
        self.change(
            "DELETE FROM placements WHERE resource_id = $1 AND server = $2",
            params![resource, server.as_str()],
        )?;
        Ok(())
    }

    /// Leaves to the admin what a task did not do on servers that were away: its rollout was halted.
    pub fn leave_to_admin(&self, task: i64) -> Result<(), Diagnostic> {
        self.change(
            "UPDATE placements SET away_task = NULL WHERE away_task = $1",
            params![task],
        )?;
        Ok(())
    }

    /// Records what became of a placement. The desired state may have changed since the plan was made: a newer
    /// generation stays pending, and what is to be taken away stays so until it is [`PlacementResult::Removed`].
    pub fn settle_placement(
        &self,
        resource: i64,
        server: &ServerName,
        result: &PlacementResult,
    ) -> Result<(), Diagnostic> {
        match result {
            PlacementResult::Applied { generation } => {
                let settled = self.change(
                "UPDATE placements SET
                     applied_generation = $1,
                     status = CASE
                         WHEN status = 'removing' THEN status
                         WHEN $1 = (SELECT generation FROM resources WHERE id = resource_id) THEN 'applied'
                         ELSE 'pending' END,
                     from_trash = NULL,
                     reason = NULL,
                     away_task = NULL
                 WHERE resource_id = $2 AND server = $3 AND applied_generation <= $1",
                params![generation, resource, server.as_str()],
            )?;
                // What was put back is not in the trash any more.
                self.change(
                    "DELETE FROM removals WHERE resource_id = $1 AND server = $2 AND EXISTS (
                         SELECT 1 FROM placements
                         WHERE placements.resource_id = removals.resource_id
                           AND placements.server = removals.server AND status = 'applied')",
                    params![resource, server.as_str()],
                )?;
                settled
            }
            PlacementResult::Pending { reason, away } => self.change(
                "UPDATE placements SET
                     status = CASE status WHEN 'removing' THEN status ELSE 'pending' END,
                     reason = $1,
                     away_task = $2
                 WHERE resource_id = $3 AND server = $4 AND status <> 'applied'",
                params![reason, away, resource, server.as_str()],
            )?,
            PlacementResult::Unknown { reason, away } => self.change(
                "UPDATE placements SET
                     status = CASE status WHEN 'removing' THEN status ELSE 'pending' END,
                     reason = $1,
                     away_task = $2
                 WHERE resource_id = $3 AND server = $4",
                params![reason, away, resource, server.as_str()],
            )?,
            PlacementResult::Failed { reason } => self.change(
                "UPDATE placements SET
                     status = CASE status WHEN 'removing' THEN status ELSE 'failed' END,
                     reason = $1,
                     away_task = NULL
                 WHERE resource_id = $2 AND server = $3",
                params![reason, resource, server.as_str()],
            )?,
            PlacementResult::Removed => {
                let gone = self.change(
                    "DELETE FROM placements
                     WHERE resource_id = $1 AND server = $2 AND status = 'removing'",
                    params![resource, server.as_str()],
                )?;
                if gone > 0 {
                    self.forget_checks_of(resource, server)?;
                }
                gone
            }
        };
        Ok(())
    }
}
