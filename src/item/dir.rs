//! A directory.

use std::collections::{BTreeMap, BTreeSet};

use super::metadata;
use super::{Atom, ItemType, Phase, Props, Removal, Steps};
use crate::shell::{BATCH, Script};

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
    /// The service that keeps files in it open (logs), which has to open them again when the directory was made anew.
    pub service: Option<String>,
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

/// Which of these directories lie where only root can put links: below one of root's, as far as is known here, or below
/// one of the same owner that is `fresh` too, and so root's until both are given away. In the others nothing is done by
/// its path alone.
fn below_root<'a>(dirs: &[&'a Dir], fresh: &[&Dir]) -> BTreeSet<&'a str> {
    let mut ordered = dirs.to_vec();
    ordered.sort_by_key(|dir| dir.path.len());
    let known: BTreeMap<&str, &Dir> = dirs.iter().map(|dir| (&*dir.path, *dir)).collect();
    let mut below = BTreeSet::new();
    for dir in ordered {
        let (parent, _) = dir.path.rsplit_once('/').unwrap_or_default();
        let safe = match known.get(parent) {
            Some(parent) => {
                let is_root_now = || fresh.contains(parent) && owner(parent) == owner(dir);
                below.contains(&*parent.path) && (parent.owner == "root" || is_root_now())
            }
            None => dir.owner == "root",
        };
        if safe {
            below.insert(&*dir.path);
        }
    }
    below
}

/// Adds the steps that make directories, each born with its mode: there is no moment at which it is open to more.
fn make(fresh: &[&Dir], below_root: &BTreeSet<&str>, steps: &mut Steps) {
    let depth = |dir: &Dir| dir.path.matches('/').count();
    let mut ordered = fresh.to_vec();
    ordered.sort_by_key(|dir| (depth(dir), dir.mode, dir.path.clone()));
    let paths: Vec<&str> = ordered.iter().map(|dir| dir.path.as_str()).collect();
    let script = steps.at(Phase::Prepare);
    script.raw("step directories\nabsent").words(paths.iter().copied()).raw("\n");
    let (safe, others): (Vec<&Dir>, Vec<&Dir>) =
        ordered.iter().partition(|dir| below_root.contains(&*dir.path));
    for group in safe.chunk_by(|a, b| depth(a) == depth(b) && a.mode == b.mode) {
        for group in group.chunks(BATCH) {
            script.raw("mkdir -p -m ").arg(&octal(group[0].mode)).raw(" --");
            script.words(group.iter().map(|dir| dir.path.as_str())).raw("\n");
        }
    }
    for dir in others {
        script.line("make_dir {} {}", &[&octal(dir.mode), &dir.path]);
        script.line("set_dir {} {} {}", &[&owner(dir), &octal(dir.mode), &dir.path]);
    }
    script.raw(": >\"$t/made\"\n");
    for dir in safe {
        steps.fresh_dir(&dir.path, &owner(dir));
    }
    let mut undo = Script::new();
    let theirs = ordered.iter().filter(|dir| dir.on_remove == OnRemove::Trash);
    undo.each("trash_late", theirs.map(|dir| dir.path.as_str()));
    undo.raw("unmake_dirs").words(paths.iter().rev().copied()).raw("\n");
    steps.undo(undo);
}

/// Adds the steps that put directories back from the trash, and make what is missing in them. Their undo moves them to
/// the trash again, as a whole.
fn put_back(mut dirs: Vec<&Dir>, steps: &mut Steps) {
    dirs.sort_by_key(|dir| (dir.path.matches('/').count(), dir.path.clone()));
    for dir in dirs {
        if let Some(task) = steps.restored(ItemType::Dir, &dir.path) {
            let args: [&str; 2] = [&dir.path, &task.to_string()];
            steps.at(Phase::Restore).line("from_trash {} {}", &args);
            let mut undo = Script::new();
            undo.line("into_trash {} {}", &args);
            steps.undo(undo);
        }
        let script = steps.at(Phase::Prepare);
        script.line("ensure_dir {} {} {}", &[&owner(dir), &octal(dir.mode), &dir.path]);
    }
}

/// The directories that somebody else had and a user of fleet's gets: what lies in them is as it was. Of those that lie in
/// one another the uppermost.
fn given_away<'a>(
    changes: &'a [(&'a Dir, Option<&'a Props>)],
) -> impl Iterator<Item = &'a Dir> {
    let all = changes.iter().filter_map(|(dir, before)| {
        let before = before.as_ref()?;
        let other = before.get("owner") != Some(&dir.owner) || before.get("group") != Some(&dir.group);
        (dir.owner != "root" && other).then_some(*dir)
    });
    let all: Vec<&Dir> = all.collect();
    let others = all.clone();
    all.into_iter().filter(move |dir| {
        let holds = |upper: &&Dir| {
            let below = dir.path.strip_prefix(&upper.path);
            upper.owner == dir.owner && below.is_some_and(|below| below.starts_with('/'))
        };
        !others.iter().any(holds)
    })
}

fn octal(mode: u32) -> String {
    format!("{mode:04o}")
}

fn owner(dir: &Dir) -> String {
    format!("{}:{}", dir.owner, dir.group)
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

    fn theirs(&self, _fact: &Props) -> bool {
        // What lies in it would go to the trash with the resource.
        self.on_remove == OnRemove::Trash
    }

    fn settles(&self, fact: &Props) -> bool {
        !self.guarded(fact)
    }

    fn kept(&self, task: i64) -> Option<String> {
        let (parent, name) = self.path.rsplit_once('/')?;
        let goes = self.on_remove == OnRemove::Trash;
        goes.then(|| format!("{parent}/.fleet-trash/{task}/{name}"))
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
        let is_dir = |fact: &Props| fact.get("type").is_some_and(|t| t == "dir");
        let mut fresh = Vec::new();
        let mut undo = Script::new();
        for (dir, before) in changes {
            let Some(before) = before.filter(|before| is_dir(before)) else {
                if before.is_some() {
                    // With `--force`, what stands in the way moves to the trash.
                    steps.trash_first(&dir.path);
                }
                if let Some(unit) = &dir.service {
                    steps.reload(unit);
                }
                fresh.push(*dir);
                continue;
            };
            let old = |name: &str| before.get(name).map_or("", String::as_str);
            let owner = format!("{}:{}", old("owner"), old("group"));
            undo.line("reset_dir {} {} {}", &[&owner, old("mode"), &dir.path]);
        }
        steps.undo(undo);
        let all: Vec<&Self> = changes.iter().map(|(dir, _)| *dir).collect();
        let (back, new): (Vec<&Self>, Vec<&Self>) = fresh
            .iter()
            .partition(|dir| steps.is_in_restored(&dir.path));
        if !new.is_empty() {
            make(&new, &below_root(&all, &new), steps);
        }
        if !back.is_empty() {
            put_back(back, steps);
        }
        let script = steps.at(Phase::Prepare);
        for dir in all.iter().filter(|dir| !fresh.contains(dir)) {
            script.line("set_dir {} {} {}", &[&owner(dir), &octal(dir.mode), &dir.path]);
        }
        for dir in given_away(changes).filter(|dir| !fresh.contains(dir)) {
            script.line("strangers {} {} {}", &[&dir.owner, &dir.group, &dir.path]);
        }
    }

    fn remove(removals: &[Removal<'_>], steps: &mut Steps) {
        // Children first.
        for Removal { name: path, applied, .. } in removals.iter().rev() {
            match applied.get(ON_REMOVE).map(String::as_str) {
                Some("trash") => steps.trash(path),
                Some("if-empty") => {
                    steps
                        .at(Phase::Finish)
                        .line("rmdir -- {} 2>/dev/null || :", &[path]);
                    let old = |name: &str| applied.get(name).map_or("", String::as_str);
                    let owner = format!("{}:{}", old("owner"), old("group"));
                    let mut undo = Script::new();
                    undo.line("if [ ! -d {} ]; then", &[path]);
                    undo.line("mkdir -m {} -- {} && chown {} -- {}", &[old("mode"), path, &owner, path]);
                    undo.raw("fi\n");
                    steps.undo(undo);
                }
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dir(path: &str, owner: &str) -> Dir {
        Dir {
            path: path.to_owned(),
            mode: 0o750,
            owner: owner.to_owned(),
            group: "www-data".to_owned(),
            on_remove: OnRemove::Keep,
            service: None,
        }
    }

    #[test]
    fn who_keeps_files_open_in_it_opens_them_again_when_it_is_made_anew() {
        let logs = Dir {
            service: Some("nginx".to_owned()),
            ..dir("/var/log/nginx/fleet/a", "root")
        };
        let reloads = |before: Option<&Props>| {
            let mut steps = Steps::new(1);
            Dir::apply(&[(&logs, before)], &mut steps);
            steps.reloads().len()
        };
        assert_eq!(reloads(None), 1);
        // Another mode or owner closes no file.
        assert_eq!(reloads(Some(&logs.wanted())), 0);
    }

    #[test]
    fn what_is_somebody_elses_in_a_directory_that_is_given_away_is_counted() {
        let dirs = [
            dir("/srv/www/a", "root"),
            dir("/srv/www/a/app", "w"),
            dir("/srv/www/a/app/web", "w"),
            dir("/srv/www/a/tmp", "w"),
            dir("/srv/www/a/new", "w"),
        ];
        let other = dir("/srv/www/a/app", "ann").wanted();
        let mode = Props::from([("mode".to_owned(), "0700".to_owned())]);
        let same = dirs[3].wanted().into_iter().chain(mode).collect();
        let mut steps = Steps::new(1);
        let before = [Some(&other), Some(&other), Some(&other), Some(&same), None];
        let changes: Vec<_> = dirs.iter().zip(before).collect();
        Dir::apply(&changes, &mut steps);
        let text = steps.preparing().text().to_owned();
        let asked: Vec<&str> = text.lines().filter(|line| line.contains("strangers")).collect();
        assert_eq!(asked, ["strangers w www-data /srv/www/a/app"], "{text}");
    }

    #[test]
    fn nothing_is_done_by_path_below_a_directory_of_a_user() {
        let dirs = [
            dir("/srv/www/a", "root"),
            dir("/srv/www/a/app", "w"),
            dir("/srv/www/a/app/web", "w"),
            dir("/srv/www/a/app/web/root", "root"),
            // What its parent is, is not known here.
            dir("/srv/www/b/app", "w"),
            // It is there, and so its user's.
            dir("/srv/www/c", "w"),
            dir("/srv/www/c/app", "w"),
        ];
        let there = dirs[5].wanted();
        let before = |path: &str| (path == "/srv/www/c").then_some(&there);
        let changes: Vec<(&Dir, Option<&Props>)> =
            dirs.iter().map(|dir| (dir, before(&dir.path))).collect();
        let mut steps = Steps::new(1);
        Dir::apply(&changes, &mut steps);
        let text = steps.preparing().text().to_owned();
        for by_path in [
            "mkdir -p -m 0750 -- /srv/www/a\n",
            "mkdir -p -m 0750 -- /srv/www/a/app\n",
            "mkdir -p -m 0750 -- /srv/www/a/app/web\n",
            // The deepest first, and at the very end: until then they are root's.
            "chown -h w:www-data -- /srv/www/a/app/web /srv/www/a/app\n",
        ] {
            assert!(text.contains(by_path), "{text}");
        }
        assert!(text.rfind("make_dir") < text.find("chown -h"), "{text}");
        for within in ["/srv/www/a/app/web/root", "/srv/www/b/app", "/srv/www/c/app"] {
            assert!(text.contains(&format!("make_dir 0750 {within}\n")), "{text}");
        }
    }

    #[test]
    fn empty_directories_go_before_those_they_lie_in() {
        let mut applied = dir("/etc/nginx/fleet", "root").wanted();
        applied.insert(ON_REMOVE.to_owned(), "if-empty".to_owned());
        let of = |name| Removal { name, applied: &applied, fact: &applied };
        let mut steps = Steps::new(1);
        Dir::remove(&[of("/etc/nginx/fleet"), of("/etc/nginx/fleet/a")], &mut steps);
        let text = steps.at(Phase::Finish).text();
        assert!(text.starts_with("rmdir -- /etc/nginx/fleet/a "), "{text}");
        let undo = steps.undoing().text().to_owned();
        assert!(undo.find("fleet ]") < undo.find("fleet/a ]"), "{undo}");
    }
}
