//! Queries of `servers`: what fleet remembers of the inventory's servers.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::params;

use super::rows::{self, json, json_if_any, millis, placeholders, time_if_any, to_json};
use super::{Read, Write};
use crate::diagnostic::Diagnostic;
use crate::model::health::ServerFacts;
use crate::model::{Health, HealthEvent, Observation, Patience, ServerName, Sight, Standing};

/// What is remembered of a server, without its last observation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServerRecord {
    /// Set when it takes no new resources.
    pub cordon: Option<Cordon>,
    /// How it is, confirmed: see [`Standing`]; `None` when it was never looked at.
    pub health: Option<Health>,
    /// What is confirmed, since when, and what was seen last.
    pub standing: Option<Standing>,
    /// When it was looked at last.
    pub observed_at: Option<Timestamp>,
    /// Fingerprint of the key that last logged in.
    pub identity: Option<String>,
    /// Fingerprint of the host key that was last accepted.
    pub host_key: Option<String>,
}

/// Since when and why a server takes no new resources.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cordon {
    /// Since when.
    pub at: Timestamp,
    /// Why; may be empty.
    pub reason: String,
}

impl Read {
    /// What is remembered of each server. Servers that the inventory no longer has may be among them.
    pub fn servers(&self) -> Result<BTreeMap<ServerName, ServerRecord>, Diagnostic> {
        let mut servers = BTreeMap::new();
        let mut standings = self.server_standings()?;
        self.each(
            "SELECT name, cordoned_at, cordon_reason, observed_at, identity, host_key FROM servers",
            [],
            |row| {
                let reason: Option<String> = row.get(2)?;
                let name = rows::server(row, 0)?;
                let standing = standings.remove(&name);
                let record = ServerRecord {
                    cordon: time_if_any(row, 1)?.map(|at| Cordon {
                        at,
                        reason: reason.unwrap_or_default(),
                    }),
                    health: standing.as_ref().and_then(|known| known.status.health()),
                    standing,
                    observed_at: time_if_any(row, 3)?,
                    identity: row.get(4)?,
                    host_key: row.get(5)?,
                };
                servers.insert(name, record);
                Ok(())
            },
        )?;
        Ok(servers)
    }

    /// The last look at each of `servers` that was looked at.
    pub fn observations(
        &self,
        servers: &BTreeSet<ServerName>,
    ) -> Result<BTreeMap<ServerName, Observation>, Diagnostic> {
        let mut observations = BTreeMap::new();
        let list = placeholders(1, servers.len());
        self.each(
            &format!(
                "SELECT name, observation, facts, observed_at = facts_at FROM servers
                 WHERE observation IS NOT NULL AND name IN ({list})"
            ),
            rusqlite::params_from_iter(servers.iter().map(ServerName::as_str)),
            |row| {
                let mut observation: Observation = json(row, 1)?;
                if row.get::<_, Option<bool>>(3)?.unwrap_or(false) {
                    observation.facts = json_if_any(row, 2)?;
                }
                observations.insert(rows::server(row, 0)?, observation);
                Ok(())
            },
        )?;
        Ok(observations)
    }

    /// What each of `servers` said of itself when it was last reached, also if it cannot be reached now.
    pub fn facts(
        &self,
        servers: &BTreeSet<ServerName>,
    ) -> Result<BTreeMap<ServerName, ServerFacts>, Diagnostic> {
        let list = placeholders(1, servers.len());
        let facts = self.all(
            &format!(
                "SELECT name, facts FROM servers WHERE facts IS NOT NULL AND name IN ({list})"
            ),
            rusqlite::params_from_iter(servers.iter().map(ServerName::as_str)),
            |row| Ok((rows::server(row, 0)?, json(row, 1)?)),
        )?;
        Ok(facts.into_iter().collect())
    }
}

impl Write<'_> {
    /// Records a look at a server: what it said of itself (what it said before is kept when this one did not reach it),
    /// a sample of what was measured, and its status. Returns the change of its status that this look confirms.
    ///
    /// What the look before this one saw is taken to have held until now, but no longer than `longest_gap`.
    pub fn record_observation(
        &self,
        server: &ServerName,
        observation: &Observation,
        patience: Patience,
        longest_gap: Duration,
    ) -> Result<Option<HealthEvent>, Diagnostic> {
        let facts = observation.facts.as_ref().map(to_json).transpose();
        let facts = facts.map_err(|e| self.explain(&e))?;
        let bare = Observation {
            facts: None,
            ..observation.clone()
        };
        let bare = to_json(&bare).map_err(|e| self.explain(&e))?;
        let at = millis(observation.at);
        let facts_at = facts.as_ref().map(|_| at);
        self.change(
            "INSERT INTO servers (name, observed_at, observation, facts, facts_at)
             VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (name) DO UPDATE SET
                 observed_at = excluded.observed_at, observation = excluded.observation,
                 facts = COALESCE(excluded.facts, servers.facts),
                 facts_at = COALESCE(excluded.facts_at, servers.facts_at)",
            params![server.as_str(), at, bare, facts, facts_at],
        )?;
        let before = self.standing(server, "")?;
        self.record_sample(server, observation, before.as_ref(), longest_gap)?;
        let sight = Sight {
            at: observation.at,
            status: observation.health.into(),
            reasons: observation.reasons.clone(),
        };
        self.record_sight_after(server, "", before, &sight, patience)
    }

    /// Cordons a server; returns whether it was not already. The reason is replaced, the time is not.
    pub fn cordon(
        &self,
        server: &ServerName,
        reason: &str,
        now: Timestamp,
    ) -> Result<bool, Diagnostic> {
        let repeated = self.change(
            "UPDATE servers SET cordon_reason = $1 WHERE name = $2 AND cordoned_at IS NOT NULL",
            params![reason, server.as_str()],
        )?;
        if repeated > 0 {
            return Ok(false);
        }
        self.change(
            "INSERT INTO servers (name, cordoned_at, cordon_reason) VALUES ($1, $2, $3)
             ON CONFLICT (name) DO UPDATE SET
                 cordoned_at = excluded.cordoned_at, cordon_reason = excluded.cordon_reason",
            params![server.as_str(), millis(now), reason],
        )?;
        Ok(true)
    }

    /// Ends a cordon; returns whether there was one.
    pub fn uncordon(&self, server: &ServerName) -> Result<bool, Diagnostic> {
        let changed = self.change(
            "UPDATE servers SET cordoned_at = NULL, cordon_reason = NULL
             WHERE name = $1 AND cordoned_at IS NOT NULL",
            params![server.as_str()],
        )?;
        Ok(changed > 0)
    }

    /// Remembers the key that logged in, to be tried first.
    pub fn remember_identity(
        &self,
        server: &ServerName,
        fingerprint: &str,
    ) -> Result<(), Diagnostic> {
        self.change(
            "INSERT INTO servers (name, identity) VALUES ($1, $2)
             ON CONFLICT (name) DO UPDATE SET identity = excluded.identity",
            params![server.as_str(), fingerprint],
        )?;
        Ok(())
    }

    /// Remembers the host key that was accepted.
    pub fn remember_host_key(
        &self,
        server: &ServerName,
        fingerprint: &str,
    ) -> Result<(), Diagnostic> {
        self.change(
            "INSERT INTO servers (name, host_key) VALUES ($1, $2)
             ON CONFLICT (name) DO UPDATE SET host_key = excluded.host_key",
            params![server.as_str(), fingerprint],
        )?;
        Ok(())
    }

    /// Forgets a server that leaves the inventory, what was measured of it, and what was applied to it. Its placements
    /// are not touched, and the events tell what happened to it.
    pub fn forget_server(&self, server: &ServerName) -> Result<(), Diagnostic> {
        self.change(
            "DELETE FROM servers WHERE name = $1",
            params![server.as_str()],
        )?;
        for forget in [
            "DELETE FROM applied WHERE server = $1",
            "DELETE FROM health_statuses WHERE server = $1",
            "DELETE FROM health_samples WHERE server = $1",
            "DELETE FROM measured WHERE server = $1",
            "DELETE FROM answer_samples WHERE server = $1",
            "DELETE FROM comparisons WHERE server = $1",
            "DELETE FROM maintenance WHERE server = $1",
        ] {
            self.change(forget, params![server.as_str()])?;
        }
        Ok(())
    }
}
