//! A stream of bytes from a server, or to one, over one connection: a piece at a time, whatever the size of the whole.

use std::io::{self, Read as _};
use std::ops::ControlFlow;
use std::time::Duration;

use tokio::sync::mpsc::Receiver;
use tokio::time::timeout;

use crate::item::transfer::{finish, piece, sign};
use crate::model::Server;
use crate::shell::Script;
use crate::transport::{Bytes, Connector, Output, TransportError};

/// How long a server may take for all of it.
const TOTAL: Duration = Duration::from_secs(24 * 3600);

/// How long it may be silent: a dump that is brought back makes its indexes at the end.
const IDLE: Duration = Duration::from_secs(3600);

/// How much travels to a server at once.
const PIECE: usize = 4 * 1024 * 1024;

/// The status of a script that found the lock broken: it has ended the session.
const LOST: i32 = 75;

/// Why a stream broke off.
#[derive(Debug)]
pub enum Broken {
    /// The way to the server, or the server.
    Transport(TransportError),
    /// This side: what was to be written or read.
    Here(io::Error),
}

impl From<TransportError> for Broken {
    fn from(error: TransportError) -> Self {
        Self::Transport(error)
    }
}

/// Runs `script` and hands over what it prints. All of it has come only when this returns an [`Output`].
///
/// # Errors
/// Why it broke off.
pub async fn fetch(
    connector: &Connector,
    server: &Server,
    script: &Script,
    on_bytes: &mut (dyn FnMut(&[u8]) -> io::Result<()> + Send),
) -> Result<Output, Broken> {
    let mut session = connector.open(server).await?;
    session.limits().total = TOTAL;
    session.limits().idle = IDLE;
    let mut trouble = None;
    let received = session
        .receive(script, &mut |bytes| match on_bytes(bytes) {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => {
                trouble = Some(error);
                ControlFlow::Break(())
            }
        })
        .await;
    if let Some(error) = trouble {
        return Err(Broken::Here(error));
    }
    session.close().await;
    Ok(received?)
}

/// What an import is made of, as it comes; the first error is the last of it.
pub type Source = Receiver<io::Result<Vec<u8>>>;

/// How an import ended on the server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Brought {
    /// `done`, `undone`, `lost`, or before anything was changed `stopped`, `unsaved`, `packed` (the server cannot unpack
    /// it), `gone`, `locked` or `filled`; `lost-lock` when somebody broke the lock.
    pub result: String,
    /// What was said about it; with `filled` how many objects are there.
    pub said: String,
    /// How much was brought.
    pub bytes: u64,
    /// Whether something was in the place of it.
    pub replaces: bool,
    /// What is worth knowing beside that, a sentence each.
    pub notices: Vec<String>,
}

/// Takes the server's lock with `lock` (see [`crate::plan::lock::take`]), runs `begin`, brings what `source` gives, at the
/// pace at which it does, and has it ended, unless `begin` itself has said how it ended. What breaks off in between is taken back by the server itself.
///
/// # Errors
/// Why it broke off.
pub async fn bring(
    connector: &Connector,
    server: &Server,
    (lock, wait): (&Script, Duration),
    begin: &Script,
    source: &mut Source,
) -> Result<Brought, Broken> {
    let mut session = connector.open(server).await?;
    session.limits().total = TOTAL;
    session.limits().idle = IDLE;
    let mut brought = Brought::default();
    let mut said = Vec::new();
    session.limits().idle += wait;
    let locking = session
        .exchange(lock, &mut |line| said.push(line.to_owned()))
        .await?;
    if !said.iter().any(|line| line == "@taken") {
        let locked = said.iter().find_map(|line| line.strip_prefix("@locked "));
        let (result, why) = match locked {
            Some(holder) => ("locked", holder.to_owned()),
            None => ("stopped", [said.join("\n"), locking.stderr].join("\n")),
        };
        result.clone_into(&mut brought.result);
        why.trim().clone_into(&mut brought.said);
        return Ok(brought);
    }
    let mut on_line = |line: &str| {
        if let Some(result) = line.strip_prefix("@result ") {
            result.clone_into(&mut brought.result);
        } else if line == "@replaces" {
            brought.replaces = true;
        } else if let Some(notice) = line.strip_prefix("@notice ") {
            brought.notices.push(notice.to_owned());
        } else if let Some(by) = line.strip_prefix("@lost ") {
            "lost-lock".clone_into(&mut brought.result);
            by.clone_into(&mut brought.said);
        } else if let Some(objects) = line.strip_prefix("@filled ") {
            "filled".clone_into(&mut brought.result);
            objects.clone_into(&mut brought.said);
        }
    };
    let started = session.exchange(begin, &mut on_line).await?;
    if started.status != 0 {
        if brought.result.is_empty() {
            "stopped".clone_into(&mut brought.result);
        }
        if brought.said.is_empty() {
            brought.said = started.stderr;
        }
        return Ok(brought);
    }
    // A server waits for the next script no longer than this.
    let signs = session.limits().hold / 3;
    let mut bytes_sent = 0;
    loop {
        let Ok(next) = timeout(signs, source.recv()).await else {
            let output = session.exchange(&sign(), &mut on_line).await?;
            if output.status == LOST {
                return Ok(brought);
            }
            continue;
        };
        // The session goes away with the error, and so does what was brought.
        let Some(bytes) = next
            .map(|bytes| gather(bytes, source))
            .transpose()
            .map_err(Broken::Here)?
        else {
            break;
        };
        bytes_sent += bytes.len() as u64;
        let (length, mut rest) = (bytes.len() as u64, &bytes[..]);
        let mut sent = Bytes {
            length,
            read: &mut |chunk| rest.read_exact(chunk),
        };
        let output = session
            .send(&piece(length), &mut sent, &mut on_line)
            .await?;
        if output.status == LOST {
            return Ok(brought);
        }
        if output.status != 0 {
            // Nobody reads any more: the end tells why.
            break;
        }
    }
    let ended = session.exchange(&finish(), &mut on_line).await?;
    if ended.status == LOST {
        return Ok(brought);
    }
    session.close().await;
    brought.said = ended.stderr;
    brought.bytes = bytes_sent;
    Ok(brought)
}

/// What has come, with what is there already after it, up to a piece.
fn gather(first: io::Result<Vec<u8>>, source: &mut Source) -> io::Result<Vec<u8>> {
    let mut bytes = first?;
    while bytes.len() < PIECE
        && let Ok(more) = source.try_recv()
    {
        bytes.extend(more?);
    }
    Ok(bytes)
}
