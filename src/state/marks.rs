//! What the work on a server is made from, as one number: by it whoever has waited for a server knows whether somebody has
//! changed any of it meanwhile.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use rusqlite::Row;
use rusqlite::types::ValueRef;

use super::Read;
use super::rows::{placeholders, text};
use crate::diagnostic::Diagnostic;
use crate::model::ServerName;

/// Another one as soon as a resource of the server, or one that these refer to, was changed, placed or taken away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark(u64);

impl Read {
    /// The mark of each of `servers` that has resources. How far a server has followed is no part of it, and of what was
    /// last applied there nothing but what a change of the resources has led to can matter.
    pub fn marks(
        &self,
        servers: &BTreeSet<ServerName>,
    ) -> Result<BTreeMap<ServerName, Mark>, Diagnostic> {
        let list = placeholders(1, servers.len());
        let own = format!(
            "SELECT p.server, r.id, r.generation, p.position, p.from_trash,
                    CASE p.status WHEN 'removing' THEN 1 ELSE 0 END
             FROM placements p JOIN resources r ON r.id = p.resource_id
             WHERE p.server IN ({list}) ORDER BY p.server, r.id"
        );
        // Where those are counts too: a zone has the addresses of the servers of its sites.
        let followed = format!(
            "SELECT p.server, f.id, f.generation, fp.server, fp.position,
                    CASE fp.status WHEN 'removing' THEN 1 ELSE 0 END
             FROM placements p
             JOIN links l ON l.resource_id = p.resource_id
             JOIN resources f ON f.kind = l.kind AND f.name = l.name AND f.removed_at IS NULL
             LEFT JOIN placements fp ON fp.resource_id = f.id
             WHERE p.server IN ({list}) ORDER BY p.server, p.resource_id, f.id, fp.server"
        );
        let mut hashers: BTreeMap<String, DefaultHasher> = BTreeMap::new();
        for sql in [own, followed] {
            let names = servers.iter().map(ServerName::as_str);
            self.each(&sql, rusqlite::params_from_iter(names), |row| {
                let server = text(row, 0)?;
                if !hashers.contains_key(server) {
                    hashers.insert(server.to_owned(), DefaultHasher::new());
                }
                hashers
                    .get_mut(server)
                    .map_or(Ok(()), |hasher| add(hasher, row))
            })?;
        }
        let marks = servers.iter().filter_map(|server| {
            let hasher = hashers.get(server.as_str())?;
            Some((server.clone(), Mark(hasher.finish())))
        });
        Ok(marks.collect())
    }
}

/// Adds what a row has after the name of the server.
fn add(hasher: &mut DefaultHasher, row: &Row<'_>) -> rusqlite::Result<()> {
    for column in 1..row.as_ref().column_count() {
        match row.get_ref(column)? {
            ValueRef::Integer(number) => number.hash(hasher),
            ValueRef::Text(bytes) => bytes.hash(hasher),
            _ => None::<i64>.hash(hasher),
        }
    }
    Ok(())
}
