//! The steps of a transaction under construction: a script per phase, and the script that undoes them.

use std::collections::{BTreeMap, BTreeSet};

use crate::shell::Script;

/// The phases of a transaction, in the order they run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Save what will be replaced.
    Save,
    /// Install packages.
    Packages,
    /// Make users and directories.
    Prepare,
    /// Write new content beside its target.
    Stage,
    /// Move staged content into place, move removed content away.
    Commit,
    /// Enable, start, stop services.
    Services,
}

/// The steps of one transaction.
#[derive(Clone, Debug, Default)]
pub struct Steps {
    phases: BTreeMap<Phase, Script>,
    undo: Vec<Script>,
    reloads: BTreeSet<String>,
}

impl Steps {
    /// The script of a phase, to append to.
    pub fn at(&mut self, phase: Phase) -> &mut Script {
        self.phases.entry(phase).or_default()
    }

    /// Adds a step to the undo script; the undo runs in reverse order of these calls.
    pub fn undo(&mut self, script: Script) {
        self.undo.push(script);
    }

    /// Notes that `unit` must test its configuration before the commit and reload after it.
    pub fn reload(&mut self, unit: &str) {
        self.reloads.insert(unit.to_owned());
    }
}
