//! A copy from a server.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::ops::ControlFlow;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use super::local::{Incoming, Sum, is_same};
use super::script::{bytes, functions, run, split};
use super::{Broken, Copied, Manner, OnBytes, PATIENCE};
use crate::model::Server;
use crate::shell::Script;
use crate::transport::{Connector, Session, TransportError};

/// The most that a list of files may take, in bytes.
const LONGEST_LIST: usize = 256 * 1024 * 1024;

/// What a server writes after each file.
const SENT: &[u8] = b"@sent\n";

/// A file there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetched {
    /// Its path below the top; empty for a single file.
    pub name: String,
    /// Permission bits.
    pub mode: u32,
    /// In bytes.
    pub size: u64,
    /// SHA-256 in hexadecimal.
    pub sha256: String,
}

/// Copies `source` of a server to `target` here; a file into it, when `into` says that it is a directory.
///
/// # Errors
/// Why it broke off as a whole; single files that fail are in what is returned.
pub async fn download(
    connector: &Connector,
    server: &Server,
    source: &str,
    target: &Path,
    manner: &Manner,
    on_bytes: &mut OnBytes<'_>,
) -> Result<Copied, Broken> {
    let mut session = connector.open(server).await?;
    session.limits().idle = PATIENCE;
    session.limits().total = PATIENCE;
    let copied = all(&mut session, source, target, manner, on_bytes).await;
    session.close().await;
    copied
}

async fn all(
    session: &mut Session,
    source: &str,
    target: &Path,
    manner: &Manner,
    on_bytes: &mut OnBytes<'_>,
) -> Result<Copied, Broken> {
    run(session, &functions()).await?;
    let source = source.trim_end_matches('/');
    let (dir, name) = split(source);
    let mut script = Script::new();
    script.line("within {} kind {} || echo '@kind away'", &[dir, name]);
    let lines = run(session, &script).await?;
    let kind = lines.iter().find_map(|line| line.strip_prefix("@kind "));
    let words: Vec<&str> = kind.unwrap_or_default().split(' ').collect();
    let refused = |why: &str| Err(Broken::Refused(format!("`{source}` {why}")));
    let mut copied = Copied::default();
    let files = match words[..] {
        ["file", mode, size, sha256] => {
            let own = file(mode, size, sha256, String::new());
            own.into_iter().collect::<Vec<_>>()
        }
        ["dir"] if manner.recursive => list(session, source, target, &mut copied).await?,
        ["dir"] => return refused("is a directory: `--recursive` copies it"),
        ["none" | "away"] => {
            return refused("is not there, or a link of somebody else is on the way");
        }
        ["link"] => {
            return refused("is a link in a directory of somebody else; name what it leads to");
        }
        _ => return refused("is neither a file nor a directory"),
    };
    let total = files.iter().map(|file| file.size).sum();
    let mut done = 0;
    for file in files {
        let (path, dir, name) = if file.name.is_empty() {
            (target.to_owned(), dir.to_owned(), name)
        } else {
            let (below, name) = split(&file.name);
            let dir = if below == "/" {
                source.to_owned()
            } else {
                format!("{source}/{below}")
            };
            (target.join(&file.name), dir, name)
        };
        let mode = manner.mode.unwrap_or(file.mode);
        if is_same(&path, &file.sha256, file.size, mode) {
            copied.unchanged += 1;
        } else {
            let place = Place {
                dir: &dir,
                name,
                path: &path,
                mode,
            };
            let shown = if file.name.is_empty() {
                source
            } else {
                &file.name
            };
            match fetch(session, &place, &file, &mut |more| {
                on_bytes(done + more, total);
            })
            .await?
            {
                Ok(bytes) => {
                    copied.files += 1;
                    copied.bytes += bytes;
                }
                Err(why) => copied.failed.push((shown.to_owned(), why)),
            }
        }
        done += file.size;
        on_bytes(done, total);
    }
    Ok(copied)
}

fn file(mode: &str, size: &str, sha256: &str, name: String) -> Option<Fetched> {
    let is_sum = sha256.len() == 64 && sha256.bytes().all(|byte| byte.is_ascii_hexdigit());
    Some(Fetched {
        name,
        mode: u32::from_str_radix(mode, 8).ok()? & 0o777,
        size: size.parse().ok()?,
        sha256: is_sum.then(|| sha256.to_owned())?,
    })
}

/// The files below a directory there; makes the directories here.
async fn list(
    session: &mut Session,
    source: &str,
    target: &Path,
    copied: &mut Copied,
) -> Result<Vec<Fetched>, Broken> {
    let mut script = Script::new();
    script.line("within {} list", &[source]);
    let all = bytes(session, &script, LONGEST_LIST).await?;
    let (mut dirs, mut files, mut sums) = (Vec::new(), Vec::new(), BTreeMap::new());
    let mut listing = true;
    for record in all.split(|byte| *byte == 0) {
        if record.is_empty() {
            listing = false;
            continue;
        }
        let Ok(text) = std::str::from_utf8(record) else {
            if listing {
                let text = String::from_utf8_lossy(record);
                let name = text.splitn(4, ' ').nth(3).unwrap_or(&text);
                copied.skipped.push(name.to_owned());
            }
            continue;
        };
        if !listing {
            if let Some((sum, name)) = text.split_once("  ") {
                sums.insert(
                    name.strip_prefix("./").unwrap_or(name).to_owned(),
                    sum.to_owned(),
                );
            }
            continue;
        }
        let words: Vec<&str> = text.splitn(4, ' ').collect();
        match words[..] {
            // A server that lies must not get at what is beside the target.
            [_, _, _, name] if !is_below(name) => copied.skipped.push(name.to_owned()),
            ["d", mode, _, name] => dirs.push((name.to_owned(), mode.to_owned())),
            ["f", mode, size, name] => {
                files.push((mode.to_owned(), size.to_owned(), name.to_owned()));
            }
            [_, _, _, name] => copied.skipped.push(name.to_owned()),
            _ => {}
        }
    }
    make_dir(target, 0o755)?;
    for (name, mode) in dirs {
        let mode = u32::from_str_radix(&mode, 8).unwrap_or(0o755);
        // What is to be written there has to get in.
        make_dir(&target.join(name), (mode & 0o777) | 0o700)?;
    }
    let mut found = Vec::new();
    for (mode, size, name) in files {
        match sums
            .get(&name)
            .and_then(|sum| file(&mode, &size, sum, name.clone()))
        {
            Some(file) => found.push(file),
            None => copied
                .failed
                .push((name, "it could not be read".to_owned())),
        }
    }
    found.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(found)
}

/// Whether a path stays below the directory it is taken from.
fn is_below(name: &str) -> bool {
    !name.is_empty() && name.split('/').all(|part| !matches!(part, "" | "." | ".."))
}

/// Makes a directory here unless it is there; a link in its place is none.
fn make_dir(path: &Path, mode: u32) -> Result<(), Broken> {
    if fs::symlink_metadata(path).is_ok_and(|there| there.is_dir()) {
        return Ok(());
    }
    let outcome = fs::DirBuilder::new().mode(mode).create(path);
    outcome.map_err(|error| Broken::Here(path.to_owned(), error))
}

/// Where a file is there, and where it goes here.
struct Place<'a> {
    dir: &'a str,
    name: &'a str,
    path: &'a Path,
    mode: u32,
}

/// Fetches one file; how many bytes that took, or why there is none.
async fn fetch(
    session: &mut Session,
    place: &Place<'_>,
    file: &Fetched,
    on_bytes: &mut (dyn FnMut(u64) + Send),
) -> Result<Result<u64, String>, Broken> {
    let here = |error| Broken::Here(PathBuf::from(place.path), error);
    if file.size == 0 && file.sha256 != Sum::default().finish() {
        let why = "it says that it is empty and is not, as the kernel's files do: `fleet run --output-dir DIR -- cat` fetches it";
        return Ok(Err(why.to_owned()));
    }
    let incoming = Incoming::begin(place.path, &file.sha256, file.size).map_err(here)?;
    let Some(mut incoming) = incoming else {
        return Ok(Err("somebody else copies the same file".to_owned()));
    };
    let (had, rest) = (incoming.had, file.size - incoming.had);
    let mut script = Script::new();
    let (offset, size) = (had.to_string(), rest.to_string());
    script.line(
        "within {} send {} {} {}",
        &[place.dir, place.name, &offset, &size],
    );
    let mut left = rest;
    let mut end = Vec::new();
    let mut trouble = None;
    let received = session
        .receive(&script, &mut |bytes| {
            let own = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len());
            let (own, after) = bytes.split_at(own);
            if let Err(error) = incoming.file.write_all(own) {
                trouble = Some(error);
                return ControlFlow::Break(());
            }
            incoming.sum.take(own);
            left -= own.len() as u64;
            on_bytes(file.size - left);
            end.extend_from_slice(after);
            if end.len() > SENT.len() {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        })
        .await;
    if let Some(error) = trouble {
        incoming.give_up();
        return Err(here(error));
    }
    match received {
        Ok(output) if output.status != 0 => {
            return Ok(Err(
                "it is not there any more, or a link of somebody else is on the way".to_owned(),
            ));
        }
        Ok(_) | Err(TransportError::Ended) => {}
        Err(error) => return Err(error.into()),
    }
    let whole = left == 0 && end == SENT;
    if incoming.finish(&file.sha256, place.mode).map_err(here)? && whole {
        Ok(Ok(rest))
    } else {
        Ok(Err("it changed while it was copied".to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_leads_out_of_the_target() {
        for name in ["a", "a/b", "..a", "a..", " ", "-r"] {
            assert!(is_below(name), "{name}");
        }
        for name in ["", "..", "../a", "a/../b", "/a", "a//b", "./a", "a/"] {
            assert!(!is_below(name), "{name}");
        }
    }
}
