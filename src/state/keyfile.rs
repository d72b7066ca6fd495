//! The key file: keys as text, the newest first, in a file that is its owner's alone.
//!
//! Keys that were replaced stay in it: an older copy of the state database, or another one that shares the file, needs
//! them. What a key command prints is the same text.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::key::{Master, hex, random};
use crate::diagnostic::Diagnostic;

/// The first word of a line.
const MARK: &str = "fleet-key-1";

/// The keys in a text: lines of `fleet-key-1` and 64 hexadecimal digits, or the digits alone. `None` when there are none,
/// or anything else is there.
pub(super) fn parse(text: &str) -> Option<Vec<Master>> {
    let lines = text.lines().map(str::trim);
    let lines = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
    let keys: Option<Vec<Master>> = lines
        .map(|line| Master::from_hex(line.strip_prefix(MARK).unwrap_or(line).trim()))
        .collect();
    keys.filter(|keys| !keys.is_empty())
}

/// The keys at `path`; none when nothing is there. An error when it can be used by others, or holds no key.
pub(super) fn read(path: &Path) -> Result<Vec<Master>, Diagnostic> {
    let shown = path.display();
    let unreadable = |error: std::io::Error| {
        Diagnostic::failed(format!("the key file `{shown}` cannot be read: {error}"))
    };
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(unreadable(error)),
    };
    let found = file.metadata().map_err(unreadable)?;
    let mut text = Zeroizing::new(String::with_capacity(64 << 10));
    Read::take(&mut file, 64 << 10)
        .read_to_string(&mut text)
        .map_err(unreadable)?;
    let mode = found.mode();
    if found.is_file() && mode & 0o077 != 0 {
        return Err(Diagnostic::failed(format!(
            "the key file `{shown}` can be used by others (mode {:04o})",
            mode & 0o7777
        ))
        .hint(format!(
            "`chmod 600 {shown}`, and consider who may have read it"
        )));
    }
    parse(&text).ok_or_else(|| {
        Diagnostic::failed(format!("the key file `{shown}` does not hold a fleet key"))
            .hint("restore it from a backup, or name another with `FLEET_KEY_FILE`")
    })
}

/// The keys at `path`, or a new one in a new file (0600).
pub(super) fn read_or_create(path: &Path) -> Result<Vec<Master>, Diagnostic> {
    let there = read(path)?;
    if !there.is_empty() {
        return Ok(there);
    }
    let lock = lock(path)?;
    // Another fleet may have made it meanwhile.
    let mut keys = read(path)?;
    if keys.is_empty() {
        keys.push(Master::generate()?);
        write(path, &keys)?;
    }
    drop(lock);
    Ok(keys)
}

/// Puts a new key before those that are there, and returns it.
pub(super) fn prepend(path: &Path) -> Result<Master, Diagnostic> {
    let _lock = lock(path)?;
    let mut keys = read(path)?;
    keys.insert(0, Master::generate()?);
    write(path, &keys)?;
    Ok(keys.remove(0))
}

/// Puts `key` before those that are there, unless it is one of them.
pub(super) fn keep(path: &Path, key: &Master) -> Result<(), Diagnostic> {
    let _lock = lock(path)?;
    let mut keys = read(path)?;
    if !keys.contains(key) {
        keys.insert(0, key.copy());
        write(path, &keys)?;
    }
    Ok(())
}

/// Leaves only the keys that `stays` says; returns how many went. When all would, they and the file do only if they `may`.
pub(super) fn retain(
    path: &Path,
    may: bool,
    stays: impl Fn(&Master) -> bool,
) -> Result<usize, Diagnostic> {
    if !path.exists() {
        return Ok(0);
    }
    let _lock = lock(path)?;
    let (keep, go): (Vec<_>, Vec<_>) = read(path)?.into_iter().partition(|key| stays(key));
    match (go.is_empty(), keep.is_empty()) {
        (false, false) => write(path, &keep)?,
        (false, true) if may => remove(path)?,
        _ => return Ok(0),
    }
    Ok(go.len())
}

/// Keeps other fleets from writing the file until it is dropped: what one of them adds must not get lost.
fn lock(path: &Path) -> Result<File, Diagnostic> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".lock");
    let take = || {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(directory(path))?;
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&beside)?;
        file.lock()?;
        Ok(file)
    };
    take().map_err(|error: std::io::Error| unwritable(path, &error))
}

/// Removes the file, for good when this returns.
fn remove(path: &Path) -> Result<(), Diagnostic> {
    // Through a link: what it leads to is what holds the keys.
    let target = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let gone =
        std::fs::remove_file(&target).and_then(|()| File::open(directory(&target))?.sync_all());
    match gone {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(Diagnostic::failed(format!(
            "the key file `{}` cannot be removed: {error}",
            target.display()
        ))
        .hint("it holds only keys that are not in use any more: remove it yourself")),
        _ => Ok(()),
    }
}

fn directory(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

fn unwritable(path: &Path, error: &std::io::Error) -> Diagnostic {
    Diagnostic::failed(format!(
        "the key file `{}` cannot be written: {error}",
        path.display()
    ))
    .hint("`FLEET_KEY_FILE` names another place")
}

/// Writes the file: it appears whole under its name, and is on the disk when this returns.
fn write(path: &Path, keys: &[Master]) -> Result<(), Diagnostic> {
    let mark: [u8; 8] = random()?;
    // A link stays one: the file may lie on a medium of its own.
    let target = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let mut unfinished = target.as_os_str().to_owned();
    unfinished.push(format!(".{}", hex(&mark)));
    let unfinished = PathBuf::from(unfinished);
    let mut text = Zeroizing::new(String::with_capacity(keys.len() * 80));
    for key in keys {
        text.push_str(MARK);
        text.push(' ');
        text.push_str(&key.to_hex());
        text.push('\n');
    }
    let put = || {
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&unfinished)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        std::fs::rename(&unfinished, &target)?;
        // Without this a power cut may keep what was sealed and lose the name of the key.
        File::open(directory(&target))?.sync_all()
    };
    put().map_err(|error| {
        // Whatever is left of the attempt is of no use; the error that is reported is this one.
        let _ = std::fs::remove_file(&unfinished);
        unwritable(path, &error)
    })
}
