//! The scripts of a copy.

use std::io;
use std::ops::ControlFlow;

use super::local::Pieces;
use super::{Broken, Entry};
use crate::shell::Script;
use crate::transport::{Bytes, Session};

/// The functions, which stay in the session's shell.
pub(super) fn functions() -> Script {
    let mut script = Script::new();
    script.raw(include_str!("../plan/paths.sh"));
    script.raw(include_str!("files.sh"));
    script
}

/// Directory and last part of an absolute path.
pub(super) fn split(path: &str) -> (&str, &str) {
    match path.rsplit_once('/') {
        Some(("", name)) => ("/", name),
        Some((dir, name)) => (dir, name),
        None => ("/", path),
    }
}

/// What a part of a file is called while it waits.
pub(super) fn part(file: &Entry) -> &str {
    &file.sha256[..32]
}

/// Runs a script and gathers its lines.
pub(super) async fn run(session: &mut Session, script: &Script) -> Result<Vec<String>, Broken> {
    let mut lines = Vec::new();
    session
        .exchange(script, &mut |line| lines.push(line.to_owned()))
        .await?;
    Ok(lines)
}

/// Runs a script that takes the pieces, and gathers its lines; `on_bytes` hears how many more bytes went.
pub(super) async fn send(
    session: &mut Session,
    script: &Script,
    pieces: &mut Pieces,
    on_bytes: &mut (dyn FnMut(u64) + Send),
) -> Result<Vec<String>, Broken> {
    let mut lines = Vec::new();
    let mut trouble = None;
    let mut bytes = Bytes {
        length: pieces.left(),
        read: &mut |chunk| {
            pieces.read(chunk).map_err(|(path, error)| {
                let kind = error.kind();
                trouble = Some(Broken::Here(path, error));
                io::Error::from(kind)
            })?;
            on_bytes(chunk.len() as u64);
            Ok(())
        },
    };
    let sent = session
        .send(script, &mut bytes, &mut |line| lines.push(line.to_owned()))
        .await;
    match trouble {
        Some(broken) => Err(broken),
        None => sent.map(|_| lines).map_err(Broken::from),
    }
}

/// Runs a script and gathers its bytes, up to `most` of them.
pub(super) async fn bytes(
    session: &mut Session,
    script: &Script,
    most: usize,
) -> Result<Vec<u8>, Broken> {
    let mut all = Vec::new();
    let mut too_many = false;
    let ended = session
        .receive(script, &mut |bytes| {
            all.extend_from_slice(bytes);
            too_many = all.len() > most;
            if too_many {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        })
        .await;
    if too_many {
        return Err(Broken::Refused(
            "there are more files than fleet copies at once".to_owned(),
        ));
    }
    ended?;
    Ok(all)
}
