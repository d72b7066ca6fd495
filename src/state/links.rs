//! Queries of `links`: resources that refer to other resources, by their names.

use std::collections::BTreeSet;

use rusqlite::params;

use super::{Read, Write};
use crate::diagnostic::Diagnostic;
use crate::model::ResourceName;

impl Read {
    /// The resources that should exist and refer to `name`, in order of kind and name.
    pub fn followers(&self, name: &ResourceName) -> Result<BTreeSet<ResourceName>, Diagnostic> {
        let followers = self.all(
            "SELECT resources.kind, resources.name
             FROM links JOIN resources ON resources.id = links.resource_id
             WHERE links.kind = $1 AND links.name = $2 AND resources.removed_at IS NULL",
            params![name.kind, name.name],
            |row| {
                let kind: String = row.get(0)?;
                let name: String = row.get(1)?;
                Ok(ResourceName::new(kind, name))
            },
        )?;
        Ok(followers.into_iter().collect())
    }

    /// What the resource `name` refers to.
    pub fn follows(&self, name: &ResourceName) -> Result<Vec<ResourceName>, Diagnostic> {
        self.all(
            "SELECT links.kind, links.name
             FROM resources JOIN links ON links.resource_id = resources.id
             WHERE resources.kind = $1 AND resources.name = $2 AND resources.removed_at IS NULL",
            params![name.kind, name.name],
            |row| {
                let kind: String = row.get(0)?;
                let name: String = row.get(1)?;
                Ok(ResourceName::new(kind, name))
            },
        )
    }
}

impl Write<'_> {
    /// Makes `follows` what a resource refers to.
    pub(super) fn set_links(
        &self,
        resource: i64,
        follows: &[ResourceName],
    ) -> Result<(), Diagnostic> {
        self.change(
            "DELETE FROM links WHERE resource_id = $1",
            params![resource],
        )?;
        for name in follows {
            self.change(
                "INSERT INTO links (resource_id, kind, name) VALUES ($1, $2, $3)
                 ON CONFLICT DO NOTHING",
                params![resource, name.kind, name.name],
            )?;
        }
        Ok(())
    }
}
