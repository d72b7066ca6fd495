//! Files on this machine: what is to be sent, and where what comes is kept until it is whole.

use std::collections::{BTreeSet, VecDeque};
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read};
use std::os::unix::fs::{FileExt as _, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

/// What the names of parts begin with here, and how much of the sum follows; the directory of those on a server.
const PART: &str = ".fleet-copy-";
const PART_SUM: usize = 16;
const STAGE: &str = ".fleet-copy";

/// A file to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its path below the top, `/` between the parts; of a single file its name.
    pub name: String,
    /// Where it is here.
    pub path: PathBuf,
    /// Its permission bits, without setuid and its like.
    pub mode: u32,
    /// In bytes.
    pub size: u64,
    /// SHA-256 in hexadecimal.
    pub sha256: String,
}

/// What is to be sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tree {
    /// Whether the top is a directory.
    pub is_dir: bool,
    /// Permission bits of the top, if it is one.
    pub mode: u32,
    /// What the top is called; `None` for one without a name that could be given to it elsewhere (`/`).
    pub name: Option<String>,
    /// The directories below it, parents first: name and permission bits.
    pub dirs: Vec<(String, u32)>,
    /// The files.
    pub files: Vec<Entry>,
    /// What is neither.
    pub skipped: Vec<String>,
}

impl Tree {
    /// Looks at a file, or at a directory and all below it, and reads everything once for the sums. Links below a
    /// directory are left out, and so is what a copy that broke off has left.
    ///
    /// # Errors
    /// The path that could not be read, and why.
    pub fn look(top: &Path) -> Result<Self, (PathBuf, io::Error)> {
        let metadata = fs::metadata(top).map_err(|error| (top.to_owned(), error))?;
        let mut tree = Self {
            is_dir: metadata.is_dir(),
            mode: metadata.mode() & 0o777,
            name: name_of(top),
            ..Self::default()
        };
        if metadata.is_dir() {
            tree.walk(top, "")?;
        } else if metadata.is_file() {
            let name = top
                .file_name()
                .map(|name| name.to_string_lossy().into_owned());
            tree.files
                .push(entry(top, name.unwrap_or_default(), &metadata)?);
        } else {
            let error = io::Error::other("it is neither a file nor a directory");
            return Err((top.to_owned(), error));
        }
        Ok(tree)
    }

    fn walk(&mut self, dir: &Path, prefix: &str) -> Result<(), (PathBuf, io::Error)> {
        let failed = |error| (dir.to_owned(), error);
        let mut inside = fs::read_dir(dir)
            .and_then(Iterator::collect::<io::Result<Vec<_>>>)
            .map_err(failed)?;
        inside.sort_by_key(fs::DirEntry::file_name);
        for found in inside {
            let path = found.path();
            let own = match found.file_name().into_string() {
                Ok(own) => own,
                Err(own) => {
                    self.skipped.push(format!("{prefix}{}", own.display()));
                    continue;
                }
            };
            if is_part(&own) {
                continue;
            }
            let name = format!("{prefix}{own}");
            let metadata = fs::symlink_metadata(&path).map_err(|error| (path.clone(), error))?;
            if metadata.is_dir() {
                self.dirs.push((name.clone(), metadata.mode() & 0o777));
                self.walk(&path, &format!("{name}/"))?;
            } else if metadata.is_file() {
                self.files.push(entry(&path, name, &metadata)?);
            } else {
                self.skipped.push(name);
            }
        }
        Ok(())
    }

    /// The bytes of all files.
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.size).sum()
    }
}

/// Whether a name is that of what a copy that broke off has left.
fn is_part(name: &str) -> bool {
    let is_sum = |sum: &str| sum.len() == PART_SUM && sum.bytes().all(|c| c.is_ascii_hexdigit());
    name == STAGE || name.strip_prefix(PART).is_some_and(is_sum)
}

/// What a path is called by itself; `.` and `..` as the directory that they are.
fn name_of(path: &Path) -> Option<String> {
    let name = match path.file_name() {
        Some(name) => name.to_owned(),
        None => fs::canonicalize(path).ok()?.file_name()?.to_owned(),
    };
    name.into_string().ok()
}

/// Parts of files, in the order in which they are sent.
#[derive(Default)]
pub(super) struct Pieces {
    waiting: VecDeque<Piece>,
    /// The last file that was opened.
    open: Option<(PathBuf, File)>,
    /// The files that have become shorter; zeros were sent for what they no longer had.
    pub(super) shorter: BTreeSet<usize>,
}

/// A part of a file that is to be sent.
struct Piece {
    index: usize,
    path: PathBuf,
    offset: u64,
    length: u64,
}

impl Pieces {
    /// Adds a part of the file with that number.
    pub(super) fn push(&mut self, index: usize, path: PathBuf, offset: u64, length: u64) {
        self.waiting.push_back(Piece {
            index,
            path,
            offset,
            length,
        });
    }

    /// The bytes that have not been read.
    pub(super) fn left(&self) -> u64 {
        self.waiting.iter().map(|piece| piece.length).sum()
    }

    /// Fills `chunk`, which is not longer than what is left.
    pub(super) fn read(&mut self, mut chunk: &mut [u8]) -> Result<(), (PathBuf, io::Error)> {
        while !chunk.is_empty()
            && let Some(piece) = self.waiting.front_mut()
        {
            let most = usize::try_from(piece.length)
                .unwrap_or(usize::MAX)
                .min(chunk.len());
            let (own, rest) = chunk.split_at_mut(most);
            let failed = |error| (piece.path.clone(), error);
            let file = match &mut self.open {
                Some((path, file)) if *path == piece.path => file,
                open => {
                    let file = File::open(&piece.path).map_err(failed)?;
                    &mut open.insert((piece.path.clone(), file)).1
                }
            };
            let read = fill(file, piece.offset, own).map_err(failed)?;
            if read < most {
                own[read..].fill(0);
                self.shorter.insert(piece.index);
            }
            piece.offset += most as u64;
            piece.length -= most as u64;
            if piece.length == 0 {
                self.waiting.pop_front();
            }
            chunk = rest;
        }
        Ok(())
    }
}

/// Reads from `offset` until `bytes` are full or the file ends; returns how many there were.
fn fill(file: &File, offset: u64, bytes: &mut [u8]) -> io::Result<usize> {
    let mut read = 0;
    while read < bytes.len() {
        match file.read_at(&mut bytes[read..], offset + read as u64) {
            Ok(0) => break,
            Ok(more) => read += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(read)
}

fn entry(
    path: &Path,
    name: String,
    metadata: &fs::Metadata,
) -> Result<Entry, (PathBuf, io::Error)> {
    let (size, sha256) = sum(path).map_err(|error| (path.to_owned(), error))?;
    Ok(Entry {
        name,
        path: path.to_owned(),
        mode: metadata.mode() & 0o777,
        size,
        sha256,
    })
}

/// Size and SHA-256 of a file.
fn sum(path: &Path) -> io::Result<(u64, String)> {
    let mut sum = Sum::default();
    let mut file = File::open(path)?;
    let size = sum.read(&mut file)?;
    Ok((size, sum.finish()))
}

/// A SHA-256 under way.
#[derive(Default)]
pub(super) struct Sum(Sha256);

impl Sum {
    /// Takes bytes in.
    pub(super) fn take(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// Takes in all that is left of a file; returns how much that was.
    fn read(&mut self, file: &mut File) -> io::Result<u64> {
        let mut buffer = vec![0; 256 * 1024];
        let mut size = 0;
        loop {
            let read = file.read(&mut buffer)?;
            if read == 0 {
                return Ok(size);
            }
            self.take(&buffer[..read]);
            size += read as u64;
        }
    }

    /// In lower-case hexadecimal, as sha256sum(1) prints it.
    pub(super) fn finish(self) -> String {
        use std::fmt::Write as _;

        self.0
            .finalize()
            .iter()
            .fold(String::with_capacity(64), |mut hex, byte| {
                let _ = write!(hex, "{byte:02x}");
                hex
            })
    }
}

/// A file that is coming in: under a name of its own beside its target until it is whole.
pub(super) struct Incoming {
    target: PathBuf,
    part: PathBuf,
    pub(super) file: File,
    pub(super) sum: Sum,
    /// How much of it was there already.
    pub(super) had: u64,
}

impl Incoming {
    /// Begins it, or goes on where an earlier attempt at the same content broke off; `None` while another copy has it.
    /// It is locked (flock(2)): what two add to one file is neither's.
    pub(super) fn begin(target: &Path, sha256: &str, size: u64) -> io::Result<Option<Self>> {
        let name = format!("{PART}{}", &sha256[..PART_SUM.min(sha256.len())]);
        let part = target.with_file_name(name);
        if fs::symlink_metadata(&part).is_ok_and(|part| !part.is_file()) {
            fs::remove_file(&part)?;
        }
        let mut options = OpenOptions::new();
        options.read(true).append(true).create(true).mode(0o600);
        let mut file = loop {
            let file = options.open(&part)?;
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => return Ok(None),
                Err(TryLockError::Error(error)) => return Err(error),
            }
            // Another copy may have put it under its name before it was ours.
            let own = file.metadata()?;
            let is_own = |there: fs::Metadata| (there.dev(), there.ino()) == (own.dev(), own.ino());
            if fs::symlink_metadata(&part).is_ok_and(is_own) {
                break file;
            }
        };
        if file.metadata()?.len() > size {
            file.set_len(0)?;
        }
        let mut sum = Sum::default();
        let had = sum.read(&mut file)?;
        Ok(Some(Self {
            target: target.to_owned(),
            part,
            file,
            sum,
            had,
        }))
    }

    /// Takes away what has no room: it must not keep the disk full.
    pub(super) fn give_up(self) {
        // There is a graver error to be told.
        let _ = fs::remove_file(&self.part);
    }

    /// Puts it under its name if it is what it should be; `false`, and it is gone, if not.
    pub(super) fn finish(self, sha256: &str, mode: u32) -> io::Result<bool> {
        if self.sum.finish() != sha256 {
            fs::remove_file(&self.part)?;
            return Ok(false);
        }
        self.file
            .set_permissions(fs::Permissions::from_mode(mode))?;
        self.file.sync_all()?;
        fs::rename(&self.part, &self.target)?;
        Ok(true)
    }
}

/// Whether a file is there with this content and these permission bits.
pub(super) fn is_same(path: &Path, sha256: &str, size: u64, mode: u32) -> bool {
    let Ok(metadata) = fs::symlink_metadata(path) else {
        return false;
    };
    metadata.is_file()
        && metadata.len() == size
        && metadata.mode() & 0o777 == mode
        && sum(path).is_ok_and(|(_, own)| own == sha256)
}
