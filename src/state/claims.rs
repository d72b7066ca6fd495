//! Queries of `claims`: names that only one resource may hold.

use rusqlite::params;

use super::{Read, Write};
use crate::diagnostic::Diagnostic;
use crate::kind::Claim;
use crate::model::ResourceName;

/// A claim that another resource holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    /// What was claimed.
    pub claim: Claim,
    /// Who holds it.
    pub owner: ResourceName,
}

impl Read {
    /// Those of `claims` that a resource other than `except` holds.
    pub fn taken(&self, claims: &[Claim], except: Option<i64>) -> Result<Vec<Taken>, Diagnostic> {
        let mut taken = Vec::new();
        for claim in claims {
            let owner = self.first(
                "SELECT resources.id, resources.kind, resources.name
                 FROM claims JOIN resources ON resources.id = claims.resource_id
                 WHERE claims.space = $1 AND claims.name = $2",
                params![claim.space, claim.name],
                |row| {
                    let id: i64 = row.get(0)?;
                    let kind: String = row.get(1)?;
                    let name: String = row.get(2)?;
                    Ok((id, ResourceName::new(kind, name)))
                },
            )?;
            if let Some((id, owner)) = owner
                && Some(id) != except
            {
                taken.push(Taken {
                    claim: claim.clone(),
                    owner,
                });
            }
        }
        Ok(taken)
    }
}

impl Write<'_> {
    /// Makes `claims` the claims of a resource; an error when another holds one of them.
    pub(super) fn set_claims(&self, resource: i64, claims: &[Claim]) -> Result<(), Diagnostic> {
        self.change(
            "DELETE FROM claims WHERE resource_id = $1",
            params![resource],
        )?;
        for claim in claims {
            let holder: Option<i64> = self.first(
                "INSERT INTO claims (space, name, resource_id) VALUES ($1, $2, $3)
                 ON CONFLICT (space, name) DO UPDATE SET resource_id = claims.resource_id
                 RETURNING resource_id",
                params![claim.space, claim.name, resource],
                |row| row.get(0),
            )?;
            if holder != Some(resource) {
                let owner = self.taken(std::slice::from_ref(claim), Some(resource))?;
                let owner = owner
                    .first()
                    .map_or_else(|| "another resource".to_owned(), |t| t.owner.to_string());
                let Claim { space, name } = claim;
                return Err(Diagnostic::usage(format!(
                    "the {space} `{name}` belongs to {owner}"
                )));
            }
        }
        Ok(())
    }
}
