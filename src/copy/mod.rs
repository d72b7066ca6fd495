//! Copies of files and directories, to servers and from them: resumed where they broke off, whole or not there at all.

mod download;
mod local;
mod script;
mod upload;

use std::io;
use std::path::PathBuf;
use std::time::Duration;

pub use download::{Fetched, download};
pub use local::{Entry, Tree};
pub use upload::upload;

use crate::transport::TransportError;

/// What travels at once, in bytes: so much is sent for nothing when a disk there is full.
const PIECE: u64 = 16 * 1024 * 1024;

/// How long a server may be silent, and take: the sum of a large file on a slow disk may be hours. A connection that has
/// died is found out long before.
const PATIENCE: Duration = Duration::from_secs(24 * 3600);

/// How copies are made.
#[derive(Clone, Debug, Default)]
pub struct Manner {
    /// Directories too.
    pub recursive: bool,
    /// Permission bits of files in octal; those of the source when absent.
    pub mode: Option<u32>,
    /// `USER` or `USER:GROUP`.
    pub owner: Option<String>,
}

/// What was done on one server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Copied {
    /// Files that were copied.
    pub files: usize,
    /// Their bytes; what was there from an earlier attempt does not count.
    pub bytes: u64,
    /// Files that were the same already.
    pub unchanged: usize,
    /// What could not be copied, and why.
    pub failed: Vec<(String, String)>,
    /// What was left out: links and other things that are neither files nor directories.
    pub skipped: Vec<String>,
}

/// Why a copy broke off as a whole.
#[derive(Debug)]
pub enum Broken {
    /// The way to the server.
    Transport(TransportError),
    /// This side, and which file.
    Here(PathBuf, io::Error),
    /// What was asked for cannot be done, in words.
    Refused(String),
}

impl From<TransportError> for Broken {
    fn from(error: TransportError) -> Self {
        Self::Transport(error)
    }
}

/// Tells how far a copy is: bytes done, of all.
pub type OnBytes<'a> = dyn FnMut(u64, u64) + Send + 'a;
