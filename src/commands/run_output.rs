//! The files of `fleet run --output-dir`: what each server prints, as it comes.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use crate::apply::OnBytes;
use crate::diagnostic::Diagnostic;
use crate::model::{Server, ServerName};

/// A directory with a file for what each server prints, which only its owner can read: it may be anything.
pub(super) struct Files {
    dir: PathBuf,
    open: Arc<Mutex<BTreeMap<ServerName, io::Result<File>>>>,
}

impl Files {
    /// Makes the directory, unless it is there. What an earlier run left of these servers goes, so that nobody takes it
    /// for what they print now.
    pub(super) fn create(dir: &Path, servers: &[&Server]) -> Result<Self, Diagnostic> {
        std::fs::create_dir_all(dir).map_err(|error| {
            Diagnostic::failed(format!("cannot make `{}`: {error}", dir.display()))
        })?;
        for server in servers {
            for path in [out(dir, &server.name), err(dir, &server.name)] {
                match std::fs::remove_file(&path) {
                    Err(error) if error.kind() != io::ErrorKind::NotFound => {
                        let message = format!("cannot replace `{}`: {error}", path.display());
                        return Err(Diagnostic::failed(message));
                    }
                    _ => {}
                }
            }
        }
        Ok(Self {
            dir: dir.to_owned(),
            open: Arc::default(),
        })
    }

    /// What writes all that comes to its server's file.
    pub(super) fn on_bytes(&self) -> OnBytes {
        let (dir, open) = (self.dir.clone(), Arc::clone(&self.open));
        Arc::new(move |server, bytes| {
            let mut open = open.lock().unwrap_or_else(PoisonError::into_inner);
            let file = open
                .entry(server.clone())
                .or_insert_with(|| begin(&out(&dir, server)));
            // A disk that is full is told at the end.
            if let Ok(writer) = file
                && let Err(error) = writer.write_all(bytes)
            {
                *file = Err(error);
            }
        })
    }

    /// Completes the files of a server that has answered: also one that printed nothing has both. Of one that broke off,
    /// for which there is no `stderr`, what came stays, without the other file.
    pub(super) fn end(&self, server: &ServerName, stderr: Option<&str>) -> Result<(), Diagnostic> {
        let path = out(&self.dir, server);
        let begun = {
            let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
            open.remove(server)
        };
        let Some(stderr) = stderr else {
            return begun
                .map_or(Ok(()), |file| file.map(drop))
                .map_err(|error| unwritten(&path, &error));
        };
        begun
            .unwrap_or_else(|| begin(&path))
            .map_err(|error| unwritten(&path, &error))?;
        let path = err(&self.dir, server);
        let mut errors = stderr.to_owned();
        if !errors.is_empty() && !errors.ends_with('\n') {
            errors.push('\n');
        }
        begin(&path)
            .and_then(|mut file| file.write_all(errors.as_bytes()))
            .map_err(|error| unwritten(&path, &error))
    }
}

fn out(dir: &Path, server: &ServerName) -> PathBuf {
    dir.join(format!("{server}.out"))
}

fn err(dir: &Path, server: &ServerName) -> PathBuf {
    dir.join(format!("{server}.err"))
}

/// A file that was not there before, and so has this mode.
fn begin(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
}

fn unwritten(path: &Path, error: &io::Error) -> Diagnostic {
    Diagnostic::failed(format!("cannot write `{}`: {error}", path.display()))
}
