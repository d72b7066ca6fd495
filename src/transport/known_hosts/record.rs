//! Writing into a `known_hosts` file.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt, fchown};
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use russh::keys::PublicKey;

use super::{HostName, Hosts, Line};

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
pub(in crate::transport) fn append(path: &Path, line: &str) -> io::Result<()> {
    if let Some(parent) = path.parent() {
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(parent)?;
    }
    let mut file = locked(path)?;
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

/// Puts `line` in the place of all that the `known_hosts` file at `path` has for exactly `name`, as a whole and
/// durably. Authorities, keys that are revoked, and lines with a pattern that is for others too stay.
pub(in crate::transport) fn replace(path: &Path, name: &HostName, line: &str) -> io::Result<()> {
    let real = fs::canonicalize(path)?;
    let mut file = locked(&real)?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    let mut new: Vec<u8> = Vec::with_capacity(bytes.len() + line.len());
    for there in bytes.split_inclusive(|byte| *byte == b'\n') {
        match without(&String::from_utf8_lossy(there), name) {
            None => new.extend_from_slice(there),
            Some(rest) => new.extend_from_slice(rest.as_bytes()),
        }
    }
    if new.last().is_some_and(|byte| *byte != b'\n') {
        new.push(b'\n');
    }
    new.extend_from_slice(line.as_bytes());
    new.push(b'\n');
    let beside = real.with_file_name(format!(".known_hosts.fleet-{}", std::process::id()));
    // Left over from a process of the same number that died here; nobody else has it while we hold the lock.
    let _ = fs::remove_file(&beside);
    let written = write_beside(&beside, &file, &new).and_then(|()| fs::rename(&beside, &real));
    if written.is_err() {
        // It may never have been made.
        let _ = fs::remove_file(&beside);
    }
    written?;
    match real.parent() {
        Some(directory) => File::open(directory)?.sync_all(),
        None => Ok(()),
    }
}

/// What is left of a line when `name` is taken out of it; `None` when it stays as it is.
fn without(text: &str, name: &HostName) -> Option<String> {
    let line = Line::parse(0, text)?;
    if line.marker.is_some() || !line.matches(&name.lookup) {
        return None;
    }
    match line.hosts {
        Hosts::Hashed { .. } => Some(String::new()),
        Hosts::Garbage => None,
        Hosts::Patterns(patterns) => {
            let is_it = |pattern: &&str| pattern.eq_ignore_ascii_case(&name.lookup);
            let others: Vec<&str> = patterns
                .split(',')
                .filter(|pattern| !is_it(pattern))
                .collect();
            if others.is_empty() {
                return Some(String::new());
            }
            let begin = text.find(&patterns)?;
            let (before, after) = (&text[..begin], &text[begin + patterns.len()..]);
            Some(format!("{before}{}{after}", others.join(",")))
        }
    }
}

fn write_beside(path: &Path, like: &File, bytes: &[u8]) -> io::Result<()> {
    let of = like.metadata()?;
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    file.set_permissions(fs::Permissions::from_mode(of.mode() & 0o7777))?;
    let own = file.metadata()?;
    if (own.uid(), own.gid()) != (of.uid(), of.gid()) {
        fchown(&file, Some(of.uid()), Some(of.gid()))?;
    }
    file.write_all(bytes)?;
    file.sync_all()
}

/// The file at `path`, made where there is none, with its lock. While that was waited for, another file may have taken
/// its place.
fn locked(path: &Path) -> io::Result<File> {
    loop {
        let file = fs::OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .mode(0o600)
            .open(path)?;
        file.lock()?;
        let (have, there) = (file.metadata()?, fs::metadata(path));
        if there.is_ok_and(|there| (there.dev(), there.ino()) == (have.dev(), have.ino())) {
            return Ok(file);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_name_is_taken_out_of_its_lines_and_of_no_others() {
        let name = HostName::new("Web-1.example", 22, None);
        for (line, left) in [
            ("web-1.example ssh-ed25519 AAAA\n", Some("")),
            ("  web-1.example ssh-ed25519 AAAA comment", Some("")),
            (
                "WEB-1.example,192.0.2.1 ssh-ed25519 AAAA web-1.example,192.0.2.1\n",
                Some("192.0.2.1 ssh-ed25519 AAAA web-1.example,192.0.2.1\n"),
            ),
            (
                "web-1.example,web-*,!web-9 ssh-rsa A\n",
                Some("web-*,!web-9 ssh-rsa A\n"),
            ),
            ("web-10.example ssh-ed25519 AAAA\n", None),
            ("[web-1.example]:2222 ssh-ed25519 AAAA\n", None),
            ("# web-1.example ssh-ed25519 AAAA\n", None),
            ("@revoked web-1.example ssh-ed25519 AAAA\n", None),
            ("@cert-authority web-1.example ssh-ed25519 AAAA\n", None),
            ("\n", None),
        ] {
            assert_eq!(without(line, &name).as_deref(), left, "{line}");
        }
        // A pattern is for others too.
        let same = without("*.example ssh-ed25519 AAAA\n", &name);
        assert_eq!(same.as_deref(), Some("*.example ssh-ed25519 AAAA\n"));
    }

    #[test]
    fn a_file_is_replaced_as_a_whole_and_stays_what_it_is() {
        let directory = tempfile::tempdir().unwrap();
        let (real, link) = (directory.path().join("real"), directory.path().join("link"));
        fs::write(
            &real,
            b"a.example ssh-rsa AAAA\nb.example x \xff\nc.example ssh-rsa AAAA",
        )
        .unwrap();
        fs::set_permissions(&real, fs::Permissions::from_mode(0o640)).unwrap();
        std::os::unix::fs::symlink("real", &link).unwrap();
        let name = HostName::new("a.example", 22, None);
        let left = format!(".known_hosts.fleet-{}", std::process::id());
        fs::write(directory.path().join(left), "half").unwrap();
        replace(&link, &name, "a.example new").unwrap();
        assert_eq!(
            fs::read(&real).unwrap(),
            b"b.example x \xff\nc.example ssh-rsa AAAA\na.example new\n"
        );
        assert_eq!(fs::metadata(&real).unwrap().mode() & 0o777, 0o640);
        assert!(link.is_symlink());
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 2);
        // Whoever waited for the lock meanwhile writes into the new file.
        let held = locked(&real).unwrap();
        std::thread::scope(|scope| {
            let waits = scope.spawn(|| append(&real, "d.example new"));
            std::thread::sleep(std::time::Duration::from_millis(50));
            replace_under(held, &real);
            waits.join().unwrap().unwrap();
        });
        assert_eq!(fs::read(&real).unwrap(), b"other\nd.example new\n");
    }

    /// Another file takes the place of the one that is locked.
    fn replace_under(held: File, real: &Path) {
        let other = real.with_file_name("other");
        fs::write(&other, "other\n").unwrap();
        fs::rename(other, real).unwrap();
        drop(held);
    }
}
