//! The files of `fleet run --output-dir`: what each server prints, as it comes.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use crate::apply::OnLine;
use crate::diagnostic::Diagnostic;
use crate::model::ServerName;

/// A directory with a file for what each server prints, which only its owner can read: it may be anything.
pub(super) struct Files {
    dir: PathBuf,
    open: Arc<Mutex<BTreeMap<ServerName, io::Result<BufWriter<File>>>>>,
}

impl Files {
    /// Makes the directory, unless it is there.
    pub(super) fn create(dir: &Path) -> Result<Self, Diagnostic> {
        std::fs::create_dir_all(dir).map_err(|error| {
            Diagnostic::failed(format!("cannot make `{}`: {error}", dir.display()))
        })?;
        Ok(Self {
            dir: dir.to_owned(),
            open: Arc::default(),
        })
    }

    /// What writes each line to its server's file.
    pub(super) fn on_line(&self) -> OnLine {
        let (dir, open) = (self.dir.clone(), Arc::clone(&self.open));
        Arc::new(move |server, line| {
            let mut open = open.lock().unwrap_or_else(PoisonError::into_inner);
            let file = open
                .entry(server.clone())
                .or_insert_with(|| begin(&out(&dir, server)));
            // A disk that is full is told at the end.
            if let Ok(writer) = file
                && let Err(error) = writer
                    .write_all(line.as_bytes())
                    .and_then(|()| writer.write_all(b"\n"))
            {
                *file = Err(error);
            }
        })
    }

    /// Completes the files of a server that has answered: also one that printed nothing has both.
    pub(super) fn end(&self, server: &ServerName, stderr: &str) -> Result<(), Diagnostic> {
        let path = out(&self.dir, server);
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let file = open.remove(server).unwrap_or_else(|| begin(&path));
        file.and_then(|mut file| file.flush())
            .map_err(|error| unwritten(&path, &error))?;
        let path = self.dir.join(format!("{server}.err"));
        let mut errors = stderr.to_owned();
        if !errors.is_empty() && !errors.ends_with('\n') {
            errors.push('\n');
        }
        begin(&path)
            .and_then(|mut file| {
                file.write_all(errors.as_bytes())
                    .and_then(|()| file.flush())
            })
            .map_err(|error| unwritten(&path, &error))
    }
}

fn out(dir: &Path, server: &ServerName) -> PathBuf {
    dir.join(format!("{server}.out"))
}

fn begin(path: &Path) -> io::Result<BufWriter<File>> {
    let file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)?;
    Ok(BufWriter::new(file))
}

fn unwritten(path: &Path, error: &io::Error) -> Diagnostic {
    Diagnostic::failed(format!("cannot write `{}`: {error}", path.display()))
}
