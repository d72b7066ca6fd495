//! A directory.

use std::collections::BTreeMap;

use super::metadata::{self, Wanted};
use super::{Atom, Phase, Props, Steps};
use crate::shell::Script;

/// A directory that should exist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dir {
    /// Absolute path.
    pub path: String,
    /// Permission bits: `0o750`.
    pub mode: u32,
    /// Owning user.
    pub owner: String,
    /// Owning group.
    pub group: String,
    /// What happens to it when it is no longer wanted.
    pub on_remove: OnRemove,
}

/// What happens to a directory that is no longer wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnRemove {
    /// It stays.
    Keep,
    /// It is removed when it is empty.
    IfEmpty,
    /// It moves to the trash with all it holds.
    Trash,
}

const ON_REMOVE: &str = "_on_remove";

impl OnRemove {
    fn word(self) -> &'static str {
        match self {
            Self::Keep => "keep",
            Self::IfEmpty => "if-empty",
            Self::Trash => "trash",
        }
    }
}

/// Whether a directory that was applied with these properties moves to the trash when it is removed.
pub fn goes_to_trash(applied: &Props) -> bool {
    applied.get(ON_REMOVE).is_some_and(|word| word == "trash")
}

/// Adds the steps that make directories, each born with its mode: there is no moment at which it is open to more.
fn make(fresh: &[&Dir], steps: &mut Steps) {
    let depth = |dir: &Dir| dir.path.matches('/').count();
    let mut ordered = fresh.to_vec();
    ordered.sort_by_key(|dir| (depth(dir), dir.mode, dir.path.clone()));
    let paths: Vec<&str> = ordered.iter().map(|dir| dir.path.as_str()).collect();
    let script = steps.at(Phase::Prepare);
    script.raw("step directories\nabsent").words(paths.iter().copied()).raw("\n");
    for group in ordered.chunk_by(|a, b| depth(a) == depth(b) && a.mode == b.mode) {
        script.raw("mkdir -p -m ").arg(&format!("{:04o}", group[0].mode)).raw(" --");
        script.words(group.iter().map(|dir| dir.path.as_str())).raw("\n");
    }
    script.raw(": >\"$t/made\"\n");
    let mut undo = Script::new();
    undo.raw("unmake_dirs").words(paths.iter().rev().copied()).raw("\n");
    steps.undo(undo);
}

impl Atom for Dir {
    const WORD: &'static str = "dir";

    fn name(&self) -> &str {
        &self.path
    }

    fn wanted(&self) -> Props {
        let mut wanted = metadata::of("dir", self.mode, &self.owner, &self.group);
        wanted.insert(ON_REMOVE.to_owned(), self.on_remove.word().to_owned());
        wanted
    }

    fn guarded(&self, fact: &Props) -> bool {
        // A file where a directory should be is somebody's work; another mode is not.
        fact.get("type").map(String::as_str) != Some("dir")
    }

    fn stays(applied: &Props) -> bool {
        applied.get(ON_REMOVE).is_some_and(|word| word == "keep")
    }

    fn observe(names: &[&str], out: &mut Script) {
        metadata::observe(names, out);
    }

    fn facts(lines: &[&str]) -> BTreeMap<String, Props> {
        lines.iter().filter_map(|line| metadata::fact(line)).collect()
    }

    fn apply(changes: &[(&Self, Option<&Props>)], steps: &mut Steps) {
        let fresh: Vec<&Self> = changes
            .iter()
            .filter(|(_, before)| before.is_none_or(|b| b.get("type").is_none_or(|t| t != "dir")))
            .map(|(dir, _)| *dir)
            .collect();
        let mut undo = Script::new();
        for (dir, before) in changes {
            match before {
                Some(before) if before.get("type").is_some_and(|t| t == "dir") => {
                    let old = |name: &str| before.get(name).map_or("", String::as_str);
                    undo.line("chown -h {} -- {}", &[
                        &format!("{}:{}", old("owner"), old("group")),
                        &dir.path,
                    ]);
                    undo.line("chmod {} -- {}", &[old("mode"), &dir.path]);
                }
                // With `--force`, what stands in the way moves to the trash.
                Some(_) => steps.trash_first(&dir.path),
                None => {}
            }
        }
        steps.undo(undo);
        if !fresh.is_empty() {
            make(&fresh, steps);
        }
        let owned: Vec<Wanted<'_>> = changes
            .iter()
            .map(|(dir, _)| Wanted {
                path: dir.path.clone(),
                mode: dir.mode,
                owner: &dir.owner,
                group: &dir.group,
            })
            .collect();
        let script = steps.at(Phase::Prepare);
        metadata::set_owners(&owned, false, script);
        for (dir, _) in changes.iter().filter(|(dir, _)| !fresh.contains(dir)) {
            script.line("set_dir_mode {} {}", &[&format!("{:04o}", dir.mode), &dir.path]);
        }
    }

    fn remove(removals: &[(&str, &Props)], steps: &mut Steps) {
        for (path, applied) in removals {
            match applied.get(ON_REMOVE).map(String::as_str) {
                Some("trash") => steps.trash(path),
                Some("if-empty") => {
                    steps
                        .at(Phase::Finish)
                        .line("rmdir -- {} 2>/dev/null || :", &[path]);
                    let old = |name: &str| applied.get(name).map_or("", String::as_str);
                    let mut undo = Script::new();
                    undo.line("if [ ! -d {} ]; then", &[path]);
                    undo.line("mkdir -m {} -- {} && chown {} -- {}", &[
                        old("mode"),
                        path,
                        &format!("{}:{}", old("owner"), old("group")),
                        path,
                    ]);
                    undo.raw("fi\n");
                    steps.undo(undo);
                }
                _ => {}
            }
        }
    }
}
