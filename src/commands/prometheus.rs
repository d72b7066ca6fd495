//! `fleet health --prometheus FILE`: a sweep as a file for `node_exporter`'s textfile collector.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::maintenance;
use super::replace_file::{prefix_beside, replace};
use crate::context::Context;
use crate::diagnostic::Diagnostic;
use crate::health::Look;
use crate::health::metrics::{Known, Placed, Sweep, metrics};
use crate::model::ServerName;

/// The programs that read it run as other users.
const MODE: u32 = 0o644;

/// A file that was begun longer ago is nobody's any more.
const LEFT: SignedDuration = SignedDuration::from_hours(1);

/// Writes what a sweep saw to `path`.
///
/// # Errors
/// When the state cannot be read or the file not be written; the file is then as it was.
pub(super) fn write(
    context: &Context,
    path: &Path,
    looks: &[Look],
    at: Timestamp,
    took: Duration,
) -> anyhow::Result<()> {
    let now = context.now();
    let servers = &context.inventory()?.servers;
    let mut placed = Placed::new();
    let mut waiting: BTreeMap<String, u64> = BTreeMap::new();
    for channel in context.inventory()?.channels.keys() {
        waiting.insert(channel.clone(), 0);
    }
    let mut known: BTreeMap<ServerName, Known> = servers
        .values()
        .map(|server| {
            let known = Known {
                capacity: server.capacity,
                ..Known::default()
            };
            (server.name.clone(), known)
        })
        .collect();
    if let Some(state) = context.state_to_read()? {
        let resting = maintenance::current(context, now)?;
        state.read(|read| -> Result<(), Diagnostic> {
            placed = read.placed()?;
            let loads = read.loads()?;
            let records = read.servers()?;
            let uptimes = read.uptimes(now)?;
            for (name, known) in &mut known {
                known.placed = loads.get(name).copied().unwrap_or(0);
                known.cordoned = records.get(name).is_some_and(|r| r.cordon.is_some());
                known.maintenance = resting.contains_key(name);
                if let Some(uptime) = uptimes.get(name) {
                    let shares = [
                        ("1d", uptime.day),
                        ("7d", uptime.week),
                        ("30d", uptime.month),
                    ];
                    known.uptime = shares
                        .into_iter()
                        .filter(|(_, share)| share.known_ms > 0)
                        .map(|(window, share)| (window, share.up_ms, share.known_ms))
                        .collect();
                }
            }
            for waits in read.notices()?.iter().filter(|w| w.given_up_at.is_none()) {
                *waiting.entry(waits.notice.channel.clone()).or_default() += 1;
            }
            Ok(())
        })?;
    }
    let text = metrics(&Sweep {
        at,
        took,
        looks,
        known: &known,
        placed: &placed,
        waiting: &waiting,
    });
    put(path, &text, context.clock()).map_err(|error| {
        Diagnostic::failed(format!("cannot write `{}`: {error}", path.display())).into()
    })
}

/// Puts `text` in the place of the file at once: a collector sees the old one or the new one.
fn put(path: &Path, text: &str, clock: Timestamp) -> io::Result<()> {
    let real = fs::canonicalize(path);
    clear(real.as_deref().unwrap_or(path), clock);
    replace(path, text.as_bytes(), Some(MODE))
}

/// Removes what runs have left that were killed: they had other process numbers. It is no failure when that fails.
fn clear(path: &Path, clock: Timestamp) {
    let Some(prefix) = path.file_name().map(prefix_beside) else {
        return;
    };
    let directory = match path.parent() {
        Some(directory) if !directory.as_os_str().is_empty() => directory,
        _ => Path::new("."),
    };
    let Ok(entries) = fs::read_dir(directory) else {
        return;
    };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let number = name.as_bytes().strip_prefix(prefix.as_bytes());
        if !number.is_some_and(|number| number.iter().all(u8::is_ascii_digit)) {
            continue;
        }
        let written = entry.metadata().and_then(|metadata| metadata.modified());
        let written = written.ok().and_then(|at| Timestamp::try_from(at).ok());
        if written.is_some_and(|at| clock.duration_since(at) > LEFT) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::os::unix::fs::{FileTypeExt as _, symlink};

    use super::*;

    #[test]
    fn what_is_no_file_stays_what_it_is() {
        let directory = tempfile::tempdir().unwrap();
        let now = Timestamp::UNIX_EPOCH;
        let socket = directory.path().join("socket");
        let listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        put(&socket, "text", now).unwrap_err();
        assert!(fs::metadata(&socket).unwrap().file_type().is_socket());
        drop(listener);
        let other = directory.path().join("other");
        symlink("/dev/null", &other).unwrap();
        put(&other, "text", now).unwrap();
        assert!(other.is_symlink());
        let file = directory.path().join("fleet.prom");
        let link = directory.path().join("link.prom");
        symlink("fleet.prom", &link).unwrap();
        fs::write(&file, "old").unwrap();
        put(&link, "new", now).unwrap();
        assert!(link.is_symlink());
        assert_eq!(fs::read_to_string(&file).unwrap(), "new");
        put(directory.path(), "text", now).unwrap_err();
        assert_eq!(fs::read_dir(&directory).unwrap().count(), 4);
    }
}
