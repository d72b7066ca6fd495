//! Who has the state database open: a lock beside it, so that a backup takes its place only while nobody does.
//!
//! SQLite's own locks cannot tell. They are on the file that was there when it was opened, while its log is opened by
//! name: a process that waits for the old file would write what it has into the log of the new one. And without a log,
//! on a file system that is shared, whoever is idle holds none at all.

use std::fs::{File, OpenOptions, TryLockError};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::diagnostic::{Class, Diagnostic};

/// How long to wait before the next attempt.
const PAUSE: Duration = Duration::from_millis(10);

/// That this process has the state database open, or may exchange it, until it is dropped. The system takes it back from
/// a process that dies.
#[derive(Debug)]
pub(super) struct Presence {
    /// `None` where no lock is to be had: the directory cannot be written, or its file system has no locks.
    _file: Option<File>,
    path: PathBuf,
    made: bool,
}

/// How the lock is held.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Shared,
    Alone,
}

impl Presence {
    /// For whoever opens the database at `path`, before that is opened; waits while a backup takes its place.
    pub(super) fn enter(path: &Path, patience: Duration) -> Result<Self, Diagnostic> {
        let begun = Instant::now();
        loop {
            match Self::take(path, Way::Shared) {
                Some(presence) => return Ok(presence),
                None if begun.elapsed() < patience => std::thread::sleep(PAUSE),
                None => {
                    return Err(Diagnostic::new(
                        Class::Locked,
                        format!(
                            "another fleet puts a backup in the place of the state file `{}`",
                            path.display()
                        ),
                    )
                    .hint("run the command again when the other one is done"));
                }
            }
        }
    }

    /// For whoever puts another file in its place: refused while anybody else has it open.
    pub(super) fn alone(path: &Path) -> Result<Self, Diagnostic> {
        Self::take(path, Way::Alone).ok_or_else(|| in_use(path))
    }

    /// Takes back what [`Self::enter`] left beside a file that turned out to be none of fleet's.
    pub(super) fn withdraw(&self) {
        if self.made {
            // One that stays is empty, and in nobody's way.
            let _ = std::fs::remove_file(&self.path);
        }
    }

    /// `None` while others hold it in a way that excludes this one.
    fn take(path: &Path, way: Way) -> Option<Self> {
        let path = beside(path);
        loop {
            let Some((file, made)) = open(&path) else {
                return Some(Self {
                    _file: None,
                    path,
                    made: false,
                });
            };
            let locked = match way {
                Way::Shared => file.try_lock_shared(),
                Way::Alone => file.try_lock(),
            };
            match locked {
                Err(TryLockError::WouldBlock) => return None,
                // It may have been removed before it was locked: that lock excludes nobody.
                Ok(()) if !is_at(&file, &path) => {}
                Ok(()) | Err(TryLockError::Error(_)) => {
                    return Some(Self {
                        _file: locked.is_ok().then_some(file),
                        path,
                        made,
                    });
                }
            }
        }
    }
}

/// That somebody else has the database open.
pub(super) fn in_use(path: &Path) -> Diagnostic {
    Diagnostic::new(
        Class::Locked,
        format!(
            "the state file `{}` is in use by another fleet",
            path.display()
        ),
    )
    .hint("run the command again when the other one is done")
}

/// Opens the file of the lock, and says whether it was made; who may not write it takes a shared lock all the same.
fn open(path: &Path) -> Option<(File, bool)> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).mode(0o600);
    if let Ok(file) = options.clone().create_new(true).open(path) {
        return Some((file, true));
    }
    let file = options.open(path).or_else(|_| File::open(path));
    file.ok().map(|file| (file, false))
}

/// Whether `file` is the one that has this name now.
fn is_at(file: &File, path: &Path) -> bool {
    match (file.metadata(), path.metadata()) {
        (Ok(held), Ok(named)) => (held.dev(), held.ino()) == (named.dev(), named.ino()),
        _ => false,
    }
}

/// `state.db.open` beside the database itself, whatever link led to it. It stays there: to remove it would let two
/// processes hold locks on different files of one name.
fn beside(path: &Path) -> PathBuf {
    let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let mut name = path.into_os_string();
    name.push(".open");
    name.into()
}
