//! Writing a file for others to read: they see the old one or the new one, never a part.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use crate::diagnostic::Diagnostic;

/// Writes `content` to the file at `path` as [`replace`] does; one that is there keeps its mode.
pub(super) fn replace_file(path: &Path, content: &[u8]) -> Result<(), Diagnostic> {
    if path.is_dir() {
        return Err(Diagnostic::usage(format!(
            "`{}` is a directory",
            path.display()
        )));
    }
    replace(path, content, None).map_err(|error| {
        Diagnostic::failed(format!("cannot write `{}`: {error}", path.display())).hint(
            "its directory must be there and writable by you: the file is replaced as a whole",
        )
    })
}

/// Writes `content` to the file at `path` as a whole or not at all, with this mode, or that of the one that is there. A
/// symbolic link is followed, and what is no file (a pipe, a device) is written to and stays what it is.
pub(super) fn replace(path: &Path, content: &[u8], mode: Option<u32>) -> io::Result<()> {
    let real = match fs::canonicalize(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => path.to_owned(),
        found => found?,
    };
    let there = match fs::metadata(&real) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        found => Some(found?),
    };
    if there
        .as_ref()
        .is_some_and(|found| !found.is_file() && !found.is_dir())
    {
        let mut other = OpenOptions::new().write(true).open(&real)?;
        return other.write_all(content);
    }
    let mode = mode.map(fs::Permissions::from_mode);
    let unfinished = Unfinished::beside(&real)?;
    unfinished.fill(content, mode.or(there.map(|found| found.permissions())))?;
    fs::rename(&unfinished.path, &real)
}

/// What the file beside one begins with that is not under its name yet; the number of the process follows. It does not
/// end as the name does: who collects files by their ending does not read it.
pub(super) fn prefix_beside(name: &OsStr) -> OsString {
    let mut prefix = OsString::from(".");
    prefix.push(name);
    prefix.push(".");
    prefix
}

/// A file that is not under its name yet, and goes away unless it gets there.
struct Unfinished {
    path: PathBuf,
    file: File,
}

impl Unfinished {
    fn beside(real: &Path) -> io::Result<Self> {
        let name = real.file_name().ok_or(io::ErrorKind::InvalidInput)?;
        let mut name = prefix_beside(name);
        name.push(std::process::id().to_string());
        let path = real.with_file_name(name);
        // Left over from a process of the same number that died here.
        drop(fs::remove_file(&path));
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(&path)?;
        Ok(Self { path, file })
    }

    fn fill(&self, content: &[u8], mode: Option<fs::Permissions>) -> io::Result<()> {
        let mut file = &self.file;
        file.write_all(content)?;
        if let Some(mode) = mode {
            file.set_permissions(mode)?;
        }
        file.sync_all()
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        // Gone already when it got there.
        drop(fs::remove_file(&self.path));
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn the_old_file_is_replaced_and_keeps_its_mode() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("page.html");
        replace_file(&path, b"first").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        let link = directory.path().join("link");
        symlink(&path, &link).unwrap();
        let opened = File::open(&path).unwrap();
        replace_file(&link, b"second").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"second");
        assert_eq!(io::read_to_string(opened).unwrap(), "first");
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o640);
        assert!(link.is_symlink());
        assert_eq!(fs::read_dir(&directory).unwrap().count(), 2);
    }

    #[test]
    fn nothing_is_left_where_it_cannot_be() {
        let directory = tempfile::tempdir().unwrap();
        let missing = directory.path().join("no/page.html");
        let error = replace_file(&missing, b"text").unwrap_err();
        assert!(error.message.starts_with("cannot write"), "{error:?}");
        let error = replace_file(directory.path(), b"text").unwrap_err();
        assert!(error.message.ends_with("is a directory"), "{error:?}");
        assert_eq!(fs::read_dir(&directory).unwrap().count(), 0);
    }
}
