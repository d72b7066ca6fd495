//! The steps of a transaction under construction: a script per phase, and the script that undoes them.

use std::collections::{BTreeMap, BTreeSet};

use super::{ItemType, Key, metadata};
use crate::shell::{BATCH, Script};

/// Where running transactions keep what they need to be undone.
pub const TRANSACTIONS: &str = "/var/lib/fleet/tx";

/// Name of the directory, in the target's own, where new content waits.
pub(super) const STAGE: &str = ".fleet-stage";

/// The phases of a transaction that items add to, in the order they run.
///
/// Between [`Phase::Stage`] and [`Phase::Services`] the transaction tests the staged configuration and moves it into
/// place; after [`Phase::Services`] it reloads, after [`Phase::Objects`] it probes; [`Phase::Finish`] is the last before
/// it is committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Install packages.
    Packages,
    /// Put back what is in the trash.
    Restore,
    /// Make users and directories.
    Prepare,
    /// Write new content beside its target.
    Stage,
    /// Enable and start services.
    Services,
    /// Make databases, zones and other things inside running services.
    Objects,
    /// Change what keeps connections out; last of all that can fail.
    Network,
    /// Take away what nothing uses any more.
    Finish,
}

/// The steps of one transaction.
///
/// In its scripts `$t` is the transaction's own directory, and a command that fails ends the transaction with the
/// undo. Paths handed over are absolute.
#[derive(Clone, Debug)]
pub struct Steps {
    /// The task's number: the name of its part of the trash.
    pub task: i64,
    phases: BTreeMap<Phase, Script>,
    undo: Vec<Script>,
    saves: BTreeSet<String>,
    staged: BTreeMap<String, BTreeSet<String>>,
    deletions: BTreeSet<String>,
    trashed: Vec<String>,
    seeds: Vec<String>,
    reloads: BTreeSet<String>,
    restored: BTreeMap<Key, i64>,
    replaced: BTreeSet<String>,
    kept: BTreeSet<String>,
    fresh: BTreeMap<String, String>,
    given: BTreeMap<String, Vec<String>>,
    planted: Vec<String>,
}

impl Steps {
    /// No steps yet, for the task of that number.
    pub fn new(task: i64) -> Self {
        Self {
            task,
            phases: BTreeMap::new(),
            undo: Vec::new(),
            saves: BTreeSet::new(),
            staged: BTreeMap::new(),
            deletions: BTreeSet::new(),
            trashed: Vec::new(),
            seeds: Vec::new(),
            reloads: BTreeSet::new(),
            restored: BTreeMap::new(),
            replaced: BTreeSet::new(),
            kept: BTreeSet::new(),
            fresh: BTreeMap::new(),
            given: BTreeMap::new(),
            planted: Vec::new(),
        }
    }

    /// Notes what goes back from the trash, with the task that moved it there, instead of being made anew.
    pub fn restore(&mut self, restored: BTreeMap<Key, i64>) {
        self.restored = restored;
    }

    /// The task in whose trash the content of an item is that is to go back.
    pub fn restored(&self, item_type: ItemType, name: &str) -> Option<i64> {
        let mut restored = self.restored.iter();
        restored
            .find(|(key, _)| key.item_type == item_type && key.name == name)
            .map(|(_, task)| *task)
    }

    /// Notes that somebody's work is in the file at `path`, should it be replaced.
    pub fn replace(&mut self, path: &str) {
        self.replaced.insert(path.to_owned());
    }

    /// Puts a copy of the file at `path` into the trash where somebody's work is in it; it is replaced later.
    pub(super) fn keep_work(&mut self, path: &str) {
        if !self.replaced.contains(path) || !self.kept.insert(path.to_owned()) {
            return;
        }
        let task = self.task.to_string();
        self.at(Phase::Prepare)
            .line("keep_copy {} {}", &[path, &task]);
        let mut undo = Script::new();
        undo.line("drop_copy {} {}", &[path, &task]);
        self.undo(undo);
    }

    /// Whether a path lies in a directory that goes back from the trash, so that it may be there by then.
    pub fn is_in_restored(&self, path: &str) -> bool {
        let mut dirs = self
            .restored
            .keys()
            .filter(|key| key.item_type == ItemType::Dir);
        dirs.any(|dir| {
            let below = path.strip_prefix(&dir.name);
            below.is_some_and(|below| below.is_empty() || below.starts_with('/'))
        })
    }

    /// The script of a phase, to append to.
    pub fn at(&mut self, phase: Phase) -> &mut Script {
        self.phases.entry(phase).or_default()
    }

    /// Adds a step to the undo script; the undo runs in the reverse order of these calls. It must do no harm when
    /// what it undoes has not happened yet, or was undone before.
    pub fn undo(&mut self, script: Script) {
        self.undo.push(script);
    }

    /// Notes that the file at `path` will be replaced or deleted: a copy is kept, and the undo puts it back.
    pub fn save(&mut self, path: &str) {
        self.saves.insert(path.to_owned());
    }

    /// Where the new content of `path` is to be written; the commit moves it into place.
    pub fn stage(&mut self, path: &str) -> String {
        let (dir, name) = split(path);
        self.staged
            .entry(dir.to_owned())
            .or_default()
            .insert(name.to_owned());
        format!("{dir}/{STAGE}/{name}")
    }

    /// Where the content of a seed is to be written: a name below `$t`, where nobody but root can get at it, for the
    /// directory of `path` may belong to somebody else. The commit moves it into place if nothing is there.
    pub fn seed(&mut self, path: &str) -> String {
        self.seeds.push(path.to_owned());
        format!("seed-{}", self.seeds.len())
    }

    /// Notes that the directory at `path` is made in [`Phase::Prepare`] where only root can put anything, and is given to
    /// `owner` (`USER:GROUP`) at the end of that phase: until then what is made in it may be made by its path.
    pub(super) fn fresh_dir(&mut self, path: &str, owner: &str) {
        self.give(path, owner);
        self.fresh.insert(path.to_owned(), owner.to_owned());
    }

    /// Whether `dir` is such a directory, of this owner.
    pub(super) fn is_fresh(&self, dir: &str, owner: &str) -> bool {
        self.fresh.get(dir).is_some_and(|of| of == owner)
    }

    /// Notes that the file at `path` is made in such a directory, and given away with it.
    pub(super) fn plant(&mut self, path: &str, owner: &str) {
        self.give(path, owner);
        self.planted.push(path.to_owned());
    }

    fn give(&mut self, path: &str, owner: &str) {
        // What was made a moment ago belongs to root.
        if owner != metadata::ROOT {
            self.given
                .entry(owner.to_owned())
                .or_default()
                .push(path.to_owned());
        }
    }

    /// The steps of [`Phase::Prepare`].
    pub fn preparing(&self) -> Script {
        let mut script = self.phase(Phase::Prepare).cloned().unwrap_or_default();
        for (owner, paths) in &self.given {
            let mut paths: Vec<&str> = paths.iter().map(String::as_str).collect();
            // What lies in a directory goes before it: its owner could put a link there.
            paths.sort_by_key(|path| std::cmp::Reverse(path.matches('/').count()));
            metadata::set_owner(owner, &paths, &mut script);
        }
        script
    }

    /// Notes that the file at `path` is to be deleted at the commit.
    pub fn delete(&mut self, path: &str) {
        self.deletions.insert(path.to_owned());
    }

    /// Notes that `path` and all below it is to move to the trash at the commit.
    pub fn trash(&mut self, path: &str) {
        self.trashed.push(path.to_owned());
    }

    /// Moves what stands in the way at `path` to the trash before anything is made there.
    pub fn trash_first(&mut self, path: &str) {
        let task = self.task.to_string();
        self.at(Phase::Prepare).line("trash {} {}", &[path, &task]);
        let mut undo = Script::new();
        undo.line("back {} {}", &[path, &task]);
        self.undo(undo);
    }

    /// Notes that `unit` must test its configuration before the commit and reload after it.
    pub fn reload(&mut self, unit: &str) {
        self.reloads.insert(unit.to_owned());
    }

    /// The units to test and reload.
    pub fn reloads(&self) -> &BTreeSet<String> {
        &self.reloads
    }

    /// The script of a phase, if there is one.
    pub fn phase(&self, phase: Phase) -> Option<&Script> {
        self.phases.get(&phase)
    }

    /// The steps that keep copies of what will be replaced.
    pub fn saving(&self) -> Script {
        let mut script = Script::new();
        script.each(
            "cp -a --parents -t \"$t/save\" --",
            self.saves.iter().map(String::as_str),
        );
        script
    }

    /// The directories in which content waits.
    pub fn stage_dirs(&self) -> Vec<String> {
        self.staged
            .keys()
            .map(|dir| format!("{dir}/{STAGE}"))
            .collect()
    }

    /// The steps that put staged files into place and take deleted ones away, below `tree` only when given; each
    /// path is prefixed with the shell variable `$root`, so that the same steps serve a copy and the real thing.
    pub fn commit(&self, tree: Option<&str>) -> Script {
        let mut script = Script::new();
        let inside = |path: &str| {
            tree.is_none_or(|tree| path == tree || path.starts_with(&format!("{tree}/")))
        };
        // The deepest first: what a site's configuration refers to lies below it, and a server that loses its power
        // in between must come up again.
        let mut staged: Vec<_> = self.staged.iter().filter(|(dir, _)| inside(dir)).collect();
        staged.sort_by_key(|(dir, _)| std::cmp::Reverse(dir.matches('/').count()));
        for (dir, names) in staged {
            let names: Vec<&String> = names.iter().collect();
            for names in names.chunks(BATCH) {
                script.raw("mv -f -t \"$root\"").arg(dir).raw(" --");
                for name in names {
                    let staged = format!("{dir}/{STAGE}/{name}");
                    script.raw(" \"$root\"").arg(&staged);
                }
                script.raw("\n");
            }
        }
        let inside_paths = |paths: Vec<&String>, command: &'static str, script: &mut Script| {
            let paths: Vec<_> = paths.into_iter().filter(|path| inside(path)).collect();
            for paths in paths.chunks(BATCH) {
                script.raw(command);
                for path in paths {
                    script.raw(" \"$root\"").arg(path);
                }
                script.raw("\n");
            }
        };
        inside_paths(self.deletions.iter().collect(), "rm -f --", &mut script);
        if tree.is_some() {
            inside_paths(self.trashed.iter().collect(), "rm -rf --", &mut script);
        }
        for (index, path) in self.seeds.iter().enumerate().filter(|_| tree.is_none()) {
            script
                .raw("put_seed \"$t\"/")
                .arg(&format!("seed-{}", index + 1));
            script.raw(" ").arg(path).raw("\n");
        }
        script
    }

    /// The steps that move removed trees to the trash.
    pub fn trashing(&self) -> Script {
        let mut script = Script::new();
        for path in &self.trashed {
            script.line("trash {} {}", &[path, &self.task.to_string()]);
        }
        script
    }

    /// The directories in which something is to be put into place or taken away.
    pub fn touched_dirs(&self) -> BTreeSet<&str> {
        let staged = self.staged.keys().map(String::as_str);
        let changed = self
            .deletions
            .iter()
            .chain(&self.trashed)
            .chain(&self.kept)
            .chain(&self.planted);
        staged.chain(changed.map(|path| split(path).0)).collect()
    }

    /// Those of them that are `tree` or lie in it.
    pub fn touched_in(&self, tree: &str) -> BTreeSet<&str> {
        let mut dirs = self.touched_dirs();
        dirs.retain(|dir| {
            let below = dir.strip_prefix(tree);
            below.is_some_and(|below| below.is_empty() || below.starts_with('/'))
        });
        dirs
    }

    /// The directories with a trash in which something is put.
    pub fn trash_dirs(&self) -> BTreeSet<&str> {
        let paths = self.trashed.iter().chain(&self.kept);
        paths.map(|path| split(path).0).collect()
    }

    /// The whole undo script; it expects `$t`.
    pub fn undoing(&self) -> Script {
        let mut script = Script::new();
        for path in self.trashed.iter().rev() {
            script.line("back {} {}", &[path, &self.task.to_string()]);
        }
        for step in self.undo.iter().rev() {
            script.append(step);
        }
        // Now that the directories are there again which they were in.
        for path in &self.saves {
            script.line("restore {}", &[path]);
        }
        let dirs = self.stage_dirs();
        script.each("rm -rf --", dirs.iter().map(String::as_str));
        script
    }
}

/// Directory and last part of an absolute path.
fn split(path: &str) -> (&str, &str) {
    match path.rsplit_once('/') {
        Some((dir, name)) => (dir, name),
        None => ("", path),
    }
}
