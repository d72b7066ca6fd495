//! Replacing the inventory's file: one writer at a time, all of the new text or none of it, mode and owner kept.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::diagnostic::{Class, Diagnostic, Diagnostics};

/// How often and how long to wait for another fleet that edits the file: 10 s.
const ATTEMPTS: u32 = 500;
const PAUSE: Duration = Duration::from_millis(20);

/// Gives the text of the file at `path` to `change`, and puts the text it returns in its place (`None`: it stays).
///
/// The file is locked meanwhile (flock(2)); when an editor without our lock wrote it, `change` gets the newer text.
/// A symbolic link is followed.
pub(super) fn replace<T>(
    path: &Path,
    change: impl Fn(&str) -> Result<(Option<String>, T), Diagnostics>,
) -> Result<T, Diagnostics> {
    replace_within(path, ATTEMPTS, change)
}

/// As [`replace`], with a number of attempts, [`PAUSE`] apart.
pub(super) fn replace_within<T>(
    path: &Path,
    attempts: u32,
    change: impl Fn(&str) -> Result<(Option<String>, T), Diagnostics>,
) -> Result<T, Diagnostics> {
    // What is read is what `Inventory::load` reads, with its errors.
    super::read_text(path)?;
    let failed = |error: std::io::Error| {
        Diagnostic::failed(format!(
            "cannot write the inventory `{}`: {error}",
            path.display()
        ))
        .hint("its directory must be writable by you: the file is replaced as a whole")
    };
    let real = fs::canonicalize(path).map_err(failed)?;
    for _ in 0..attempts {
        let mut file = open(&real).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                std::thread::sleep(PAUSE);
                continue;
            }
            Err(TryLockError::Error(error)) => return Err(failed(error).into()),
        }
        if !is_current(&file, &real) {
            continue;
        }
        let mut text = String::new();
        file.read_to_string(&mut text).map_err(failed)?;
        let (new, value) = change(&text)?;
        let Some(new) = new else {
            return Ok(value);
        };
        let beside = write_beside(&real, &file, &new).map_err(failed)?;
        // An editor knows nothing of the lock; what it saved meanwhile must not be lost.
        let untouched =
            is_current(&file, &real) && fs::read(&real).is_ok_and(|now| now == text.as_bytes());
        let renamed = if untouched {
            fs::rename(&beside, &real)
        } else {
            Ok(())
        };
        if !untouched || renamed.is_err() {
            // It may be gone already; there is nothing else to be done about it.
            let _ = fs::remove_file(&beside);
        }
        renamed.map_err(failed)?;
        if untouched {
            if let Some(directory) = real.parent() {
                File::open(directory)
                    .and_then(|d| d.sync_all())
                    .map_err(failed)?;
            }
            return Ok(value);
        }
    }
    Err(Diagnostic::new(
        Class::Locked,
        format!(
            "another program keeps the inventory `{}` locked",
            path.display()
        ),
    )
    .hint("try again when the other fleet is done")
    .into())
}

/// Writes a new file, which must not exist yet, with mode 0644 less the umask.
pub fn create(path: &Path, text: &str) -> std::io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).open(path)?;
    let written = file
        .write_all(text.as_bytes())
        .and_then(|()| file.sync_all());
    if written.is_err() {
        // Half an inventory is worse than none.
        let _ = fs::remove_file(path);
    }
    written
}

/// Opens the file at `path` to be locked: for writing where we may, since NFS gives an exclusive lock on no other
/// (flock(2)).
fn open(path: &Path) -> std::io::Result<File> {
    let both = OpenOptions::new().read(true).write(true).open(path);
    both.or_else(|_| File::open(path))
}

/// Whether `path` is still this file: a replaced one is another inode.
fn is_current(file: &File, path: &Path) -> bool {
    match (file.metadata(), fs::metadata(path)) {
        (Ok(own), Ok(now)) => (own.dev(), own.ino()) == (now.dev(), now.ino()),
        _ => false,
    }
}

/// Writes `text` to a file beside `real`, with the mode and owner of `like`, safe on the disk.
fn write_beside(real: &Path, like: &File, text: &str) -> std::io::Result<PathBuf> {
    let name = real.file_name().unwrap_or_default().to_string_lossy();
    let beside = real.with_file_name(format!(".{name}.{}.new", std::process::id()));
    // Left over from a process of the same number that died here; nobody else has it while we hold the lock.
    let _ = fs::remove_file(&beside);
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&beside)?;
    let complete = |file: &mut File| {
        let old = like.metadata()?;
        let new = file.metadata()?;
        if (old.uid(), old.gid()) != (new.uid(), new.gid()) {
            // Only root may give a file away; for others it becomes their own.
            let _ = chown(&beside, Some(old.uid()), Some(old.gid()));
        }
        file.write_all(text.as_bytes())?;
        file.set_permissions(fs::Permissions::from_mode(old.mode() & 0o7777))?;
        file.sync_all()
    };
    if let Err(error) = complete(&mut file) {
        let _ = fs::remove_file(&beside);
        return Err(error);
    }
    Ok(beside)
}
