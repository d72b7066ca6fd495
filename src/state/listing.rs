//! The resources of a kind as a list shows them: one pass over two tables, nothing parsed that is not asked for.

use rusqlite::Rows;

use super::Read;
use super::resources::Filter;
use super::rows::{status, text};
use crate::diagnostic::Diagnostic;
use crate::model::PlacementStatus;

/// A resource as [`Read::each_listed`] hands it out.
#[derive(Clone, Copy, Debug)]
pub struct Listed<'a> {
    /// The name within the kind.
    pub name: &'a str,
    /// The settings, JSON.
    pub spec: &'a str,
    /// Whether it is suspended.
    pub suspended: bool,
    /// Whether it should no longer exist.
    pub removed: bool,
    /// Where it is, the first server first.
    pub placements: &'a [(String, PlacementStatus)],
}

impl Read {
    /// Calls `each` for every resource of `filter`, in the order they were recorded.
    pub fn each_listed(
        &self,
        filter: &Filter<'_>,
        each: impl FnMut(&Listed<'_>),
    ) -> Result<(), Diagnostic> {
        self.walk(filter, each)
            .map_err(|error| self.explain(&error))
    }

    fn walk(&self, filter: &Filter<'_>, mut each: impl FnMut(&Listed<'_>)) -> rusqlite::Result<()> {
        // The kind is compared here: SQLite would take the index of names for it, and then look up every row by
        // itself, where reading the whole table in its own order is several times faster.
        let (condition, values) = Filter {
            kind: None,
            ..filter.clone()
        }
        .condition();
        let mut resources = self.connection.prepare_cached(&format!(
            "SELECT id, kind, name, suspended, removed_at IS NOT NULL, spec FROM resources
             WHERE {condition} ORDER BY id"
        ))?;
        let mut resources = resources.query(rusqlite::params_from_iter(&values))?;
        let mut placements = self.connection.prepare_cached(
            "SELECT resource_id, server, status, position FROM placements
             ORDER BY resource_id, server",
        )?;
        let mut placements = Placements::new(placements.query([])?)?;
        while let Some(row) = resources.next()? {
            if filter.kind.is_some_and(|kind| text(row, 1) != Ok(kind)) {
                continue;
            }
            placements.go_to(row.get(0)?)?;
            each(&Listed {
                name: text(row, 2)?,
                suspended: row.get(3)?,
                removed: row.get(4)?,
                spec: text(row, 5)?,
                placements: &placements.found,
            });
        }
        Ok(())
    }
}

/// The placements in order of resource, read along with the resources.
struct Placements<'r> {
    rows: Rows<'r>,
    /// The row that was read last, with its resource; `None` at the end.
    next: Option<(i64, u32, (String, PlacementStatus))>,
    found: Vec<(String, PlacementStatus)>,
    /// How many of those found are first servers.
    firsts: usize,
}

impl<'r> Placements<'r> {
    fn new(rows: Rows<'r>) -> rusqlite::Result<Self> {
        let mut placements = Self {
            rows,
            next: None,
            found: Vec::new(),
            firsts: 0,
        };
        placements.step()?;
        Ok(placements)
    }

    fn step(&mut self) -> rusqlite::Result<()> {
        self.next = match self.rows.next()? {
            Some(row) => {
                let placement = (text(row, 1)?.to_owned(), status(row, 2)?);
                Some((row.get(0)?, row.get(3)?, placement))
            }
            None => None,
        };
        Ok(())
    }

    /// Collects the placements of a resource; the resources come in ascending order.
    fn go_to(&mut self, resource: i64) -> rusqlite::Result<()> {
        self.found.clear();
        self.firsts = 0;
        while let Some((of, position, placement)) = self.next.take_if(|next| next.0 <= resource) {
            if of == resource && position == 0 {
                self.found.insert(self.firsts, placement);
                self.firsts += 1;
            } else if of == resource {
                self.found.push(placement);
            }
            self.step()?;
        }
        Ok(())
    }
}
