//! The table of a list, made while its rows are read: with very many resources that counts.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::{Mutex, PoisonError, mpsc};
use std::{iter, thread};

use super::list::status_of;
use crate::kind::Kind;
use crate::model::PlacementStatus;
use crate::state::Listed;
use crate::ui::{Table, Tone};

/// How many resources a processor takes at a time.
const BATCH: usize = 2_000;

/// Resources whose settings are not yet looked into. Their texts stand in one, so that handing them to another
/// processor costs one piece of memory.
#[derive(Default)]
struct Batch {
    text: String,
    rows: Vec<Row>,
}

/// Where the texts of a resource end.
struct Row {
    name: usize,
    servers: usize,
    spec: usize,
    status: (&'static str, Tone),
}

impl Batch {
    fn push(&mut self, listed: &Listed<'_>, adopted: &BTreeSet<String>) {
        self.text.push_str(listed.name);
        let name = self.text.len();
        if let [(first, _), rest @ ..] = listed.placements {
            self.text.push_str(first);
            if !rest.is_empty() {
                let _ = write!(self.text, " +{}", rest.len());
            }
        }
        let servers = self.text.len();
        self.text.push_str(listed.spec);
        let statuses = listed.placements.iter().map(|(_, status)| *status);
        let status = status_of(&statuses, listed.removed, listed.suspended);
        // Of that the other columns tell what the settings have, and not what is there.
        let is_found = status.0 == PlacementStatus::Applied.word() && adopted.contains(listed.name);
        self.rows.push(Row {
            name,
            servers,
            spec: self.text.len(),
            status: if is_found {
                ("adopted", Tone::Warn)
            } else {
                status
            },
        });
    }

    /// Name, servers, settings and status of each.
    fn rows(&self) -> impl Iterator<Item = (&str, &str, &str, (&'static str, Tone))> {
        let starts = iter::once(0).chain(self.rows.iter().map(|row| row.spec));
        starts.zip(&self.rows).map(|(start, row)| {
            let name = &self.text[start..row.name];
            let servers = &self.text[row.name..row.servers];
            (name, servers, &self.text[row.servers..row.spec], row.status)
        })
    }

    /// A table without rows, with the columns that the first of these has.
    fn columns(&self, kind: &Kind) -> Table {
        let mut summaries = self
            .rows()
            .filter_map(|(name, _, spec, _)| (kind.summary)(spec, name).ok());
        let table = Table::new()
            .column("name")
            .column("server")
            .column("status");
        let own = summaries.next().unwrap_or_default();
        own.into_iter()
            .fold(table, |table, (heading, _)| table.extra(heading))
    }

    fn add_to(&self, table: &mut Table, kind: &Kind) {
        for (name, servers, spec, (status, tone)) in self.rows() {
            let summary = (kind.summary)(spec, name).unwrap_or_default();
            let first = [(name, Tone::Strong), (servers, Tone::Plain), (status, tone)];
            table.row_of(
                first
                    .into_iter()
                    .chain(summary.iter().map(|(_, value)| (&**value, Tone::Plain))),
            );
        }
    }
}

/// The table of the resources that `read` gives, in order of name; of some something was `adopted`. While it reads, the other processors look into the
/// settings: with 100,000 sites it counts.
pub(super) fn table<E>(
    kind: &Kind,
    adopted: &BTreeSet<String>,
    read: impl FnOnce(&mut dyn FnMut(&Listed<'_>)) -> Result<(), E>,
) -> Result<Table, E> {
    let (batches, to_do) = mpsc::channel::<Batch>();
    let to_do = Mutex::new(to_do);
    let next = || to_do.lock().unwrap_or_else(PoisonError::into_inner).recv();
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        let mut workers = Vec::new();
        let mut columns: Option<Table> = None;
        let mut batch = Batch::default();
        let result = read(&mut |listed| {
            batch.push(listed, adopted);
            if batch.rows.len() < BATCH {
                return;
            }
            let columns = columns.get_or_insert_with(|| batch.columns(kind));
            if workers.len() < processors {
                let mut table = columns.clone();
                workers.push(scope.spawn(move || {
                    while let Ok(batch) = next() {
                        batch.add_to(&mut table, kind);
                    }
                    table
                }));
            }
            // The other end is kept until all is sent.
            let _ = batches.send(std::mem::take(&mut batch));
        });
        drop(batches);
        let mut rest = columns.unwrap_or_else(|| batch.columns(kind));
        batch.add_to(&mut rest, kind);
        let mut table: Option<Table> = None;
        for worker in workers {
            match worker.join() {
                Ok(part) => match &mut table {
                    Some(table) => table.append(&part),
                    None => table = Some(part),
                },
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        let mut table = match table {
            Some(mut table) => {
                table.append(&rest);
                table
            }
            None => rest,
        };
        table.sort();
        result.map(|()| table)
    })
}
