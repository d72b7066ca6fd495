//! The SQLite database in which `PowerDNS` keeps its zones.

use std::collections::BTreeMap;

use super::{Atom, Phase, Props, Removal, Steps, props};
use crate::shell::Script;

/// A database with the tables of `PowerDNS`'s SQLite backend.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ZoneStore {
    /// Absolute path.
    pub path: String,
}

impl Atom for ZoneStore {
    const WORD: &'static str = "zone_store";

    fn name(&self) -> &str {
        &self.path
    }

    fn wanted(&self) -> Props {
        props([("tables", "yes".to_owned())])
    }

    fn stays(_applied: &Props) -> bool {
        true
    }

    fn observe(names: &[&str], out: &mut Script) {
        for name in names {
            // An empty file is made by a server that was started before its database was there.
            out.line("[ ! -s {} ] || printf '%s\\n' {}", &[name, name]);
        }
    }

    fn facts(lines: &[&str]) -> BTreeMap<String, Props> {
        lines
            .iter()
            .map(|path| ((*path).to_owned(), props([("tables", "yes".to_owned())])))
            .collect()
    }

    fn apply(changes: &[(&Self, Option<&Props>)], steps: &mut Steps) {
        for (store, _) in changes {
            // After the packages, which bring the schema and the user, and before the service starts.
            let script = steps.at(Phase::Prepare);
            script.line("step 'making the database of PowerDNS'\nzones_create {}", &[&store.path]);
            let mut undo = Script::new();
            undo.line("zones_uncreate {}", &[&store.path]);
            steps.undo(undo);
        }
    }

    fn remove(_removals: &[Removal<'_>], _steps: &mut Steps) {}
}
