//! The same conversation with a shell on this machine.

use std::path::Path;
use std::process::Stdio;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};

use super::Limits;
use super::bootstrap::Marks;
use super::error::TransportError;
use super::session::{Conversation, Event, Reader};
use super::writer::Writer;

/// Where `sh` and `sudo` are looked for.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// How much is read at once.
const PIECE: usize = 64 * 1024;

/// The outputs of the child process, and its end.
pub(super) struct LocalReader {
    child: Child,
    stdout: Option<ChildStdout>,
    stderr: Option<ChildStderr>,
    out: Vec<u8>,
    err: Vec<u8>,
    reaped: bool,
}

impl LocalReader {
    /// The next piece of either output; its end when both are closed.
    pub(super) async fn next(&mut self) -> Event {
        loop {
            tokio::select! {
                piece = read(&mut self.stdout, &mut self.out), if self.stdout.is_some() => match piece {
                    Some(bytes) => return Event::Out(bytes),
                    None => self.stdout = None,
                },
                piece = read(&mut self.stderr, &mut self.err), if self.stderr.is_some() => match piece {
                    Some(bytes) => return Event::Err(bytes),
                    None => self.stderr = None,
                },
                status = self.child.wait(), if self.stdout.is_none() && self.stderr.is_none() && !self.reaped => {
                    self.reaped = true;
                    return match status {
                        Ok(status) => match status.code() {
                            Some(code) => Event::Status(code),
                            // It says "signal: 9 (SIGKILL)".
                            None => Event::Signal(status.to_string().replace("signal: ", "")),
                        },
                        Err(_) => Event::Closed,
                    };
                }
                else => return Event::Closed,
            }
        }
    }
}

/// Reads one piece; `None` at the end or on an error, which for a pipe is the end too.
async fn read<R: AsyncReadExt + Unpin>(
    from: &mut Option<R>,
    buffer: &mut Vec<u8>,
) -> Option<Vec<u8>> {
    let stream = from.as_mut()?;
    buffer.resize(PIECE, 0);
    match stream.read(buffer).await {
        Ok(0) | Err(_) => None,
        Ok(n) => Some(buffer[..n].to_vec()),
    }
}

/// The input of the child process.
pub(super) struct LocalWriter(Option<ChildStdin>);

impl LocalWriter {
    /// Writes all of `bytes`, or says `false`: a child that has gone shows in the reading half.
    pub(super) async fn send(&mut self, bytes: &[u8]) -> bool {
        let Some(stdin) = &mut self.0 else {
            return false;
        };
        stdin.write_all(bytes).await.is_ok() && stdin.flush().await.is_ok()
    }

    /// Closes it.
    pub(super) fn finish(&mut self) {
        self.0 = None;
    }
}

/// Starts the shell loop on this machine.
pub(super) fn start(
    marks: Marks,
    limits: &Limits,
    sudo: bool,
    home: Option<&Path>,
) -> Result<Conversation, TransportError> {
    let words = marks.local_command(limits.hold, sudo);
    let mut command = Command::new(&words[0]);
    command
        .args(&words[1..])
        // As on a server, where nothing of this environment arrives: it may hold what is nobody's business there (the
        // tokens of a CI job), and what changes how programs work.
        .env_clear()
        .env("PATH", PATH)
        .env("LC_ALL", "C")
        .envs(home.map(|home| ("HOME", home)))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        // An interrupt at the terminal is for fleet, which lets a running transaction end.
        .process_group(0);
    let mut child = command.spawn().map_err(|error| {
        if sudo && error.kind() == std::io::ErrorKind::NotFound {
            TransportError::NoSudo {
                user: "this user".to_owned(),
                said: "sudo is not installed on this machine".to_owned(),
            }
        } else {
            TransportError::Unreachable {
                address: words[0].clone(),
                reason: error.to_string(),
            }
        }
    })?;
    let stdin = child.stdin.take();
    let reader = LocalReader {
        stdout: child.stdout.take(),
        stderr: child.stderr.take(),
        child,
        out: Vec::new(),
        err: Vec::new(),
        reaped: false,
    };
    Ok(Conversation::new(
        Reader::Local(Box::new(reader)),
        Writer::Local(LocalWriter(stdin)),
        marks,
    ))
}
