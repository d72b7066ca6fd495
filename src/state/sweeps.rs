//! The lock of a sweep: two of them never look at the fleet of one state database at the same time.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

use jiff::Timestamp;

use super::State;
use crate::diagnostic::Diagnostic;

/// The most that is read of what the holder of the lock says, in bytes.
const LONGEST: u64 = 512;

/// The right to sweep, until it is dropped; the system takes it back from a process that dies.
#[derive(Debug)]
pub struct SweepLock {
    _file: File,
}

/// Who sweeps.
#[derive(Debug)]
pub enum Sweeping {
    /// This process, from now on.
    We(SweepLock),
    /// Another one.
    Another(Sweeper),
}

/// A process that sweeps.
#[derive(Debug)]
pub struct Sweeper {
    /// What it said when it began.
    pub words: String,
    /// When that was; `None` where the file system does not tell.
    pub began: Option<Timestamp>,
}

impl State {
    /// Takes the right to sweep, unless another process has it. `words` are shown to those who come meanwhile:
    /// `process 17, since 2026-11-20 08:33:50Z`.
    ///
    /// The lock is on an empty file beside the database, which stays there: to remove it would let two processes hold
    /// locks on different files of one name.
    pub fn begin_sweep(&self, words: &str) -> Result<Sweeping, Diagnostic> {
        let path = self.sweep_lock_path();
        let failed = |error: std::io::Error| {
            Diagnostic::failed(format!("cannot lock `{}`: {error}", path.display()))
        };
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {
                file.set_len(0).map_err(failed)?;
                file.rewind().map_err(failed)?;
                file.write_all(words.as_bytes()).map_err(failed)?;
                Ok(Sweeping::We(SweepLock { _file: file }))
            }
            Err(TryLockError::WouldBlock) => {
                let written = file.metadata().and_then(|metadata| metadata.modified());
                let began = written.ok().and_then(|at| at.try_into().ok());
                let mut words = String::new();
                // It may be written just now: then nothing is known of the other.
                let _ = file.take(LONGEST).read_to_string(&mut words);
                Ok(Sweeping::Another(Sweeper { words, began }))
            }
            Err(TryLockError::Error(error)) => Err(failed(error)),
        }
    }

    /// What the process said that sweeps just now; `None` when nobody does.
    pub fn sweeper(&self) -> Option<String> {
        let mut file = File::open(self.sweep_lock_path()).ok()?;
        if !matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)) {
            return None;
        }
        let mut words = String::new();
        // It may be written just now: then nothing is known of the other.
        let _ = (&mut file).take(LONGEST).read_to_string(&mut words);
        Some(words)
    }

    /// `state.db.sweep` beside the database itself, whatever link led to it.
    fn sweep_lock_path(&self) -> PathBuf {
        let path = self.path();
        let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let mut name = path.into_os_string();
        name.push(".sweep");
        name.into()
    }
}
