//! The steps of a transaction under construction: a script per phase, and the script that undoes them.

use std::collections::{BTreeMap, BTreeSet};

use crate::shell::Script;

/// Where running transactions keep what they need to be undone.
pub const TRANSACTIONS: &str = "/var/lib/fleet/tx";

/// Name of the directory, beside what was removed, that removed content moves to.
pub const TRASH: &str = ".fleet-trash";

/// Name of the directory, in the target's own, where new content waits.
pub(super) const STAGE: &str = ".fleet-stage";

/// The phases of a transaction that items add to, in the order they run.
///
/// Between [`Phase::Stage`] and [`Phase::Services`] the transaction tests the staged configuration and moves it into
/// place; after [`Phase::Services`] it reloads and probes; [`Phase::Finish`] is the last before it is committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Install packages.
    Packages,
    /// Make users and directories.
    Prepare,
    /// Write new content beside its target.
    Stage,
    /// Enable and start services.
    Services,
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
        }
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
        let bin = self.trash_of(path);
        let kept = format!("{bin}/{}", split(path).1);
        self.at(Phase::Prepare)
            .line("mkdir -p -m 700 -- {} {}", &[split(&bin).0, &bin])
            .line("mv -T -- {} {}", &[path, &kept]);
        let mut undo = Script::new();
        undo.line(
            "if [ -e {} ] && [ ! -e {} ]; then mv -T -- {} {}; fi",
            &[&kept, path, &kept, path],
        );
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
        if !self.saves.is_empty() {
            script
                .raw("cp -a --parents -t \"$t/save\" --")
                .words(self.saves.iter().map(String::as_str))
                .raw("\n");
        }
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
        for (dir, names) in self.staged.iter().filter(|(dir, _)| inside(dir)) {
            script.raw("mv -f -t \"$root\"").arg(dir).raw(" --");
            for name in names {
                script
                    .raw(" \"$root\"")
                    .arg(&format!("{dir}/{STAGE}/{name}"));
            }
            script.raw("\n");
        }
        let deletions: Vec<_> = self.deletions.iter().filter(|path| inside(path)).collect();
        if !deletions.is_empty() {
            script.raw("rm -f --");
            for path in deletions {
                script.raw(" \"$root\"").arg(path);
            }
            script.raw("\n");
        }
        for (index, path) in self.seeds.iter().enumerate() {
            if tree.is_none() {
                script
                    .raw("mv -n -T -- \"$t\"/")
                    .arg(&format!("seed-{}", index + 1));
                script.raw(" ").arg(path).raw("\n");
            }
        }
        script
    }

    /// The steps that move removed trees to the trash.
    pub fn trashing(&self) -> Script {
        let mut script = Script::new();
        for path in &self.trashed {
            let bin = self.trash_of(path);
            script.line("mkdir -p -m 700 -- {} {}", &[split(&bin).0, &bin]);
            script.line(
                "mv -T -- {} {}",
                &[path, &format!("{bin}/{}", split(path).1)],
            );
        }
        script
    }

    /// The whole undo script; it expects `$t`.
    pub fn undoing(&self) -> Script {
        let mut script = Script::new();
        for path in self.trashed.iter().rev() {
            let kept = format!("{}/{}", self.trash_of(path), split(path).1);
            script.line(
                "if [ -e {} ] && [ ! -e {} ]; then mv -T -- {} {}; fi",
                &[&kept, path, &kept, path],
            );
        }
        for path in &self.saves {
            script.line("restore {}", &[path]);
        }
        for step in self.undo.iter().rev() {
            script.append(step);
        }
        let dirs = self.stage_dirs();
        if !dirs.is_empty() {
            script
                .raw("rm -rf --")
                .words(dirs.iter().map(String::as_str))
                .raw("\n");
        }
        script
    }

    fn trash_of(&self, path: &str) -> String {
        format!("{}/{TRASH}/{}", split(path).0, self.task)
    }
}

/// Directory and last part of an absolute path.
fn split(path: &str) -> (&str, &str) {
    match path.rsplit_once('/') {
        Some((dir, name)) => (dir, name),
        None => ("", path),
    }
}
