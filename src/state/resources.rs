//! Queries of `resources`: what should exist.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::Timestamp;
use rusqlite::types::Value;
use rusqlite::{Row, params};

use super::rows::{self, json, millis, placeholders, text, time, time_if_any, to_json};
use super::{Read, Write};
use crate::diagnostic::Diagnostic;
use crate::kind::Ties;
use crate::model::{Placement, Resource, ResourceName, ServerName};

/// A resource to be recorded.
#[derive(Clone, Debug)]
pub struct NewResource<'a> {
    /// Kind and name.
    pub name: &'a ResourceName,
    /// The settings.
    pub spec: &'a serde_json::Value,
    /// Units of capacity it takes on each server.
    pub weight: u32,
    /// What ties it to others; for its claims see [`Read::taken`].
    pub ties: &'a Ties,
}

/// What should be of a resource from now on.
#[derive(Clone, Debug)]
pub struct Change<'a> {
    /// The settings.
    pub spec: &'a serde_json::Value,
    /// Units of capacity it takes on each server.
    pub weight: u32,
    /// Whether it is suspended.
    pub suspended: bool,
    /// What ties it to others; for its claims see [`Read::taken`].
    pub ties: &'a Ties,
}

/// Which resources; every wish narrows. The default is everything that should exist.
#[derive(Clone, Debug, Default)]
#[allow(clippy::struct_excessive_bools, reason = "each narrows by itself")]
pub struct Filter<'a> {
    /// Of this kind.
    pub kind: Option<&'a str>,
    /// Of these names.
    pub names: Option<&'a BTreeSet<String>>,
    /// With a placement on one of these servers.
    pub servers: Option<&'a BTreeSet<ServerName>>,
    /// Only those with a placement that is not `applied`.
    pub unsettled: bool,
    /// Only those whose servers follow the inventory.
    pub roaming: bool,
    /// Only those that another refers to.
    pub followed: bool,
    /// Only those that something on one of these servers refers to.
    pub followed_on: Option<&'a BTreeSet<ServerName>>,
    /// Also the removed ones of which something is still on a server.
    pub removing: bool,
}

/// The most names that are asked for in one statement: SQLite takes 32,766 parameters.
const MOST_NAMES: usize = 10_000;

const COLUMNS: &str =
    "id, kind, name, weight, suspended, generation, created_at, updated_at, removed_at, spec";

impl Filter<'_> {
    /// The condition on `resources`, with its parameters numbered from 1.
    pub(super) fn condition(&self) -> (String, Vec<Value>) {
        let mut parts: Vec<String> = Vec::new();
        let mut values: Vec<Value> = Vec::new();
        if !self.removing {
            parts.push("removed_at IS NULL".to_owned());
        }
        if self.roaming {
            parts.push("roams = 1".to_owned());
        }
        if self.followed {
            parts.push("(kind, name) IN (SELECT kind, name FROM links)".to_owned());
        }
        if let Some(servers) = self.followed_on {
            let list = placeholders(values.len() + 1, servers.len());
            values.extend(servers.iter().map(|s| s.as_str().to_owned().into()));
            parts.push(format!(
                "(kind, name) IN (
                 SELECT l.kind, l.name FROM placements p JOIN links l ON l.resource_id = p.resource_id
                 WHERE p.server IN ({list}))"
            ));
        }
        if let Some(kind) = self.kind {
            values.push(kind.to_owned().into());
            // Beside an OR, the index of names has SQLite look up every row by itself: three times slower for a list of
            // 100,000 than to read the table in its order, and for a kind of which there are none as well.
            let column = if self.removing && self.names.is_none() {
                "kind || ''"
            } else {
                "kind"
            };
            parts.push(format!("{column} = ${}", values.len()));
        }
        if let Some(names) = self.names {
            let list = placeholders(values.len() + 1, names.len());
            values.extend(names.iter().map(|name| name.clone().into()));
            parts.push(format!("name IN ({list})"));
        }
        if self.servers.is_some() || self.unsettled || self.removing {
            let mut on = vec!["1 = 1".to_owned()];
            if let Some(servers) = self.servers {
                let list = placeholders(values.len() + 1, servers.len());
                values.extend(servers.iter().map(|s| s.as_str().to_owned().into()));
                on.push(format!("server IN ({list})"));
            }
            if self.unsettled {
                on.push("status <> 'applied'".to_owned());
            }
            let placed = format!(
                "id IN (SELECT resource_id FROM placements WHERE {})",
                on.join(" AND ")
            );
            // With `removing` alone, what is placed nowhere still counts as long as it should exist.
            if self.servers.is_none() && !self.unsettled {
                parts.push(format!("(removed_at IS NULL OR {placed})"));
            } else {
                parts.push(placed);
            }
        }
        if parts.is_empty() {
            parts.push("1 = 1".to_owned());
        }
        (parts.join(" AND "), values)
    }
}

impl Read {
    /// The resource of that name, if it should exist.
    pub fn find(&self, name: &ResourceName) -> Result<Option<Resource>, Diagnostic> {
        let found = self.first(
            "SELECT id, kind, name, weight, suspended, generation, created_at, updated_at, removed_at, spec
             FROM resources WHERE kind = $1 AND name = $2 AND removed_at IS NULL",
            params![name.kind, name.name],
            resource,
        )?;
        self.with_placements(found)
    }

    /// What had that name, should no longer exist, and is still on a server; of several the one that was removed last.
    pub fn find_removing(&self, name: &ResourceName) -> Result<Option<Resource>, Diagnostic> {
        let found = self.first(
            "SELECT id, kind, name, weight, suspended, generation, created_at, updated_at, removed_at, spec
             FROM resources WHERE kind = $1 AND name = $2 AND removed_at IS NOT NULL
             AND id IN (SELECT resource_id FROM placements)
             ORDER BY removed_at DESC, id DESC LIMIT 1",
            params![name.kind, name.name],
            resource,
        )?;
        self.with_placements(found)
    }

    /// The resource with that row number, also a removed one.
    pub fn resource(&self, id: i64) -> Result<Option<Resource>, Diagnostic> {
        let found = self.first(
            "SELECT id, kind, name, weight, suspended, generation, created_at, updated_at, removed_at, spec
             FROM resources WHERE id = $1",
            params![id],
            resource,
        )?;
        self.with_placements(found)
    }

    fn with_placements(&self, found: Option<Resource>) -> Result<Option<Resource>, Diagnostic> {
        let Some(mut resource) = found else {
            return Ok(None);
        };
        resource.placements = self.all(
            "SELECT server, status, applied_generation, reason, position, from_trash FROM placements
             WHERE resource_id = $1 ORDER BY position, server",
            params![resource.id],
            placement,
        )?;
        Ok(Some(resource))
    }

    /// The resources of `filter` with all their placements, in order of kind and name.
    pub fn resources(&self, filter: &Filter<'_>) -> Result<Vec<Resource>, Diagnostic> {
        let Some(names) = filter.names.filter(|names| names.len() > MOST_NAMES) else {
            return self.resources_at_once(filter);
        };
        let mut resources = Vec::new();
        let names: Vec<&String> = names.iter().collect();
        for part in names.chunks(MOST_NAMES) {
            let part = part.iter().map(|name| (*name).clone()).collect();
            resources.extend(self.resources_at_once(&Filter {
                names: Some(&part),
                ..filter.clone()
            })?);
        }
        resources.sort_by(|a, b| a.name.cmp(&b.name).then(a.id.cmp(&b.id)));
        Ok(resources)
    }

    fn resources_at_once(&self, filter: &Filter<'_>) -> Result<Vec<Resource>, Diagnostic> {
        let (condition, values) = filter.condition();
        let mut resources = self.all(
            &format!("SELECT {COLUMNS} FROM resources WHERE {condition}"),
            rusqlite::params_from_iter(&values),
            resource,
        )?;
        resources.sort_by(|a, b| a.name.cmp(&b.name).then(a.id.cmp(&b.id)));
        let mut places: HashMap<i64, usize> = HashMap::with_capacity(resources.len());
        for (index, resource) in resources.iter().enumerate() {
            places.insert(resource.id, index);
        }
        self.each(
            &format!(
                "SELECT server, status, applied_generation, reason, position, from_trash, resource_id FROM placements
                 WHERE resource_id IN (SELECT id FROM resources WHERE {condition})
                 ORDER BY resource_id, server"
            ),
            rusqlite::params_from_iter(&values),
            |row| {
                if let Some(index) = places.get(&row.get(6)?) {
                    resources[*index].placements.push(placement(row)?);
                }
                Ok(())
            },
        )?;
        for resource in &mut resources {
            // In order of server already, as the index has it.
            resource
                .placements
                .sort_by_key(|placement| placement.position);
        }
        Ok(resources)
    }

    /// The resources whose servers follow the inventory ([`crate::kind::Scope::roams`]), in order of kind and name.
    pub fn roaming(&self) -> Result<Vec<Resource>, Diagnostic> {
        self.resources(&Filter {
            roaming: true,
            ..Filter::default()
        })
    }

    /// The resources that others refer to, or that those of `by` refer to.
    pub fn followed(
        &self,
        by: Option<&BTreeSet<ResourceName>>,
    ) -> Result<BTreeMap<ResourceName, Resource>, Diagnostic> {
        let mut found = Vec::new();
        match by {
            None => {
                found = self.resources(&Filter {
                    followed: true,
                    ..Filter::default()
                })?;
            }
            Some(names) => {
                for name in names.iter().map(|name| self.follows(name)) {
                    for followed in name? {
                        found.extend(self.find(&followed)?);
                    }
                }
            }
        }
        Ok(by_name(found))
    }

    /// The resources that something on one of these servers refers to.
    pub fn followed_on(
        &self,
        servers: &BTreeSet<ServerName>,
    ) -> Result<BTreeMap<ResourceName, Resource>, Diagnostic> {
        let found = self.resources(&Filter {
            followed_on: Some(servers),
            ..Filter::default()
        })?;
        Ok(by_name(found))
    }

    /// What is or was meant to be on these servers, with all placements: also removed resources of which something
    /// is still there. In order of kind and name.
    pub fn resources_on(
        &self,
        servers: &BTreeSet<ServerName>,
    ) -> Result<Vec<Resource>, Diagnostic> {
        self.resources(&Filter {
            servers: Some(servers),
            removing: true,
            ..Filter::default()
        })
    }
}

fn by_name(resources: Vec<Resource>) -> BTreeMap<ResourceName, Resource> {
    let named = resources.into_iter();
    named
        .map(|resource| (resource.name.clone(), resource))
        .collect()
}

impl Write<'_> {
    /// Records a resource; returns its row number. It is placed nowhere yet.
    pub fn insert_resource(
        &self,
        new: &NewResource<'_>,
        now: Timestamp,
    ) -> Result<i64, Diagnostic> {
        let spec = to_json(new.spec).map_err(|e| self.explain(&e))?;
        let id = self
            .first(
                "INSERT INTO resources (kind, name, weight, created_at, updated_at, spec, roams)
                 VALUES ($1, $2, $3, $4, $4, $5, $6)
                 ON CONFLICT DO NOTHING
                 RETURNING id",
                params![
                    new.name.kind,
                    new.name.name,
                    new.weight,
                    millis(now),
                    spec,
                    new.ties.roams
                ],
                |row| row.get(0),
            )?
            .ok_or_else(|| {
                let ResourceName { kind, name } = new.name;
                Diagnostic::usage(format!("{kind} `{name}` exists already"))
                    .hint(format!("`fleet set-{kind} {name}` changes it"))
            })?;
        self.set_ties(id, new.ties)?;
        self.note_added(id)?;
        Ok(id)
    }

    /// Records what should be of a resource from now on; returns its new generation. Its placements become pending
    /// (those to be taken away stay so), and take the new weight at once.
    pub fn update_resource(
        &self,
        id: i64,
        change: &Change<'_>,
        now: Timestamp,
    ) -> Result<i64, Diagnostic> {
        self.noting(id, || self.update(id, change, now))
    }

    fn update(&self, id: i64, change: &Change<'_>, now: Timestamp) -> Result<i64, Diagnostic> {
        let spec = to_json(change.spec).map_err(|e| self.explain(&e))?;
        let generation = self.first(
            "UPDATE resources SET weight = $1, suspended = $2, updated_at = $3, spec = $4,
                    roams = $5, generation = generation + 1
             WHERE id = $6 AND removed_at IS NULL
             RETURNING generation",
            params![
                change.weight,
                change.suspended,
                millis(now),
                spec,
                change.ties.roams,
                id
            ],
            |row| row.get(0),
        )?;
        let generation = generation.ok_or_else(|| no_such(id))?;
        self.change(
            "UPDATE placements SET weight = $1 WHERE resource_id = $2",
            params![change.weight, id],
        )?;
        self.change(
            "UPDATE placements SET status = 'pending', reason = NULL, away_task = NULL
             WHERE resource_id = $1 AND status <> 'removing'",
            params![id],
        )?;
        self.set_ties(id, change.ties)?;
        Ok(generation)
    }

    /// Records that a resource should no longer exist: its name and claims are free at once, its placements are to
    /// be taken away, and its weight counts on each server until that is done.
    pub fn remove_resource(
        &self,
        id: i64,
        task: Option<i64>,
        now: Timestamp,
    ) -> Result<(), Diagnostic> {
        self.noting(id, || self.remove(id, task, now))
    }

    /// Records that a removed resource should exist again, as it was; returns its new generation. It is placed nowhere
    /// but where something of it has not gone yet.
    pub fn restore_resource(
        &self,
        id: i64,
        change: &Change<'_>,
        now: Timestamp,
    ) -> Result<i64, Diagnostic> {
        self.noting(id, || {
            self.change(
                "UPDATE resources SET removed_at = NULL, removed_by_task = NULL WHERE id = $1",
                params![id],
            )?;
            self.update(id, change, now)
        })
    }

    fn remove(&self, id: i64, task: Option<i64>, now: Timestamp) -> Result<(), Diagnostic> {
        let changed = self.change(
            "UPDATE resources SET removed_at = $1, removed_by_task = $2, updated_at = $1,
                    generation = generation + 1
             WHERE id = $3 AND removed_at IS NULL",
            params![millis(now), task, id],
        )?;
        if changed == 0 {
            return Err(no_such(id));
        }
        self.set_ties(id, &Ties::default())?;
        self.change(
            "UPDATE placements SET status = 'removing', reason = NULL, away_task = NULL
             WHERE resource_id = $1",
            params![id],
        )?;
        Ok(())
    }
}

impl Write<'_> {
    fn set_ties(&self, id: i64, ties: &Ties) -> Result<(), Diagnostic> {
        self.set_claims(id, &ties.claims)?;
        self.set_links(id, &ties.follows)
    }
}

/// A mistake of fleet's, or a resource that another fleet removed between two transactions.
fn no_such(id: i64) -> Diagnostic {
    Diagnostic::failed(format!("resource {id} is gone; another fleet removed it"))
}

fn resource(row: &Row<'_>) -> rusqlite::Result<Resource> {
    Ok(Resource {
        id: row.get(0)?,
        name: ResourceName::new(text(row, 1)?, text(row, 2)?),
        weight: row.get(3)?,
        suspended: row.get(4)?,
        generation: row.get(5)?,
        created_at: time(row, 6)?,
        updated_at: time(row, 7)?,
        removed_at: time_if_any(row, 8)?,
        spec: json(row, 9)?,
        placements: Vec::new(),
    })
}

fn placement(row: &Row<'_>) -> rusqlite::Result<Placement> {
    Ok(Placement {
        server: rows::server(row, 0)?,
        status: rows::status(row, 1)?,
        position: row.get(4)?,
        applied_generation: row.get(2)?,
        reason: row.get(3)?,
        from_trash: row.get(5)?,
    })
}
