//! Writing into a `known_hosts` file.

use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use russh::keys::PublicKey;

use super::HostName;

/// The line that records `key` for `name`.
pub(in crate::transport) fn line(name: &HostName, key: &PublicKey) -> String {
    let blob = key.to_bytes().unwrap_or_default();
    format!(
        "{} {} {}",
        name.lookup,
        key.algorithm().as_str(),
        STANDARD.encode(blob)
    )
}

/// Appends `line` to the `known_hosts` file at `path`, durably and under a lock; creates it with mode 0600.
///
/// A line that is there already is not written again.
pub(in crate::transport) fn append(path: &Path, line: &str) -> std::io::Result<()> {
    use std::io::{Read, Seek, SeekFrom, Write};
    use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};

    if let Some(parent) = path.parent() {
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(parent)?;
    }
    let mut file = std::fs::OpenOptions::new()
        .read(true)
        .append(true)
        .create(true)
        .mode(0o600)
        .open(path)?;
    file.lock()?;
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(0))?;
    file.read_to_end(&mut bytes)?;
    if bytes
        .split(|b| *b == b'\n')
        .any(|there| there.trim_ascii() == line.as_bytes())
    {
        return Ok(());
    }
    let mut text = String::new();
    if bytes.last().is_some_and(|b| *b != b'\n') {
        text.push('\n');
    }
    text.push_str(line);
    text.push('\n');
    file.write_all(text.as_bytes())?;
    file.sync_all()
}
