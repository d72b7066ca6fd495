//! `fleet health --prometheus FILE`: a sweep as a file for `node_exporter`'s textfile collector.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;

use super::maintenance;
use crate::context::Context;
use crate::diagnostic::Diagnostic;
use crate::health::Look;
use crate::health::metrics::{Known, Placed, Sweep, metrics};
use crate::model::ServerName;

/// The programs that read it run as other users.
const MODE: u32 = 0o644;

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
    replace(path, &text).map_err(|error| {
        Diagnostic::failed(format!("cannot write `{}`: {error}", path.display())).into()
    })
}

/// Puts `text` in the place of the file at once: a collector sees the old one or the new one. The file beside it does
/// not end in `.prom`, so that no collector reads that.
fn replace(path: &Path, text: &str) -> io::Result<()> {
    let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?;
    let mut beside = std::ffi::OsString::from(".");
    beside.push(name);
    beside.push(format!(".{}", std::process::id()));
    let beside: PathBuf = path.with_file_name(beside);
    let written = (|| {
        // What a killed run left is of the same process number, and nobody's.
        let _ = fs::remove_file(&beside);
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(MODE)
            .open(&beside)?;
        file.write_all(text.as_bytes())?;
        // The umask may have taken something away.
        file.set_permissions(Permissions::from_mode(MODE))?;
        file.sync_all()?;
        fs::rename(&beside, path)
    })();
    if written.is_err() {
        let _ = fs::remove_file(&beside);
    }
    written
}
