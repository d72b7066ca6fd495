//! A program that makes the way to a server: `ProxyCommand` of `ssh_config`(5), whose input and output are the stream.
//!
//! It is run as OpenSSH does it: by the user's shell, with `exec` in front, in the user's environment. It ends with the
//! stream; what it says on its standard error is kept, and told when the connection fails.

use std::io;
use std::path::Path;
use std::pin::Pin;
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::{Sleep, sleep, timeout};

use super::error::TransportError;

/// How much is kept of what it says, in bytes: the end of it.
const KEPT: usize = 4096;

/// How long it may take to end after it was asked to.
const GRACE: Duration = Duration::from_secs(2);

/// How long it may take to see for itself that its input has ended.
const NOTICES: Duration = Duration::from_millis(250);

/// How long to wait for its end when the connection has gone.
const ENDING: Duration = Duration::from_secs(6);

/// A command with what it is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ProxyCommand(String);

/// The values of the tokens of `ProxyCommand` and `ProxyJump` (`ssh_config`(5), "TOKENS").
pub(super) struct Tokens<'a> {
    /// `%h`: where the server is.
    pub(super) host: &'a str,
    /// `%n`: the address of the inventory.
    pub(super) address: &'a str,
    /// `%k`: `HostKeyAlias`, else the same.
    pub(super) alias: &'a str,
    /// `%p`.
    pub(super) port: u16,
    /// `%r`: who logs in.
    pub(super) user: &'a str,
}

impl Tokens<'_> {
    /// The value of a setting with its tokens replaced.
    ///
    /// # Errors
    /// Those of [`ProxyCommand::new`].
    pub(super) fn expand(&self, setting: &str, text: &str) -> Result<String, TransportError> {
        let mut out = String::with_capacity(text.len());
        let mut letters = text.chars();
        while let Some(letter) = letters.next() {
            if letter != '%' {
                out.push(letter);
                continue;
            }
            let token = letters.next();
            let value = match token {
                Some('h') => self.host,
                Some('k') => self.alias,
                Some('n') => self.address,
                Some('p') => &self.port.to_string(),
                Some('r') => self.user,
                Some('%') => {
                    out.push('%');
                    continue;
                }
                _ => {
                    let token: String = token.into_iter().collect();
                    return Err(unusable(
                        setting,
                        text,
                        &format!("it has no token `%{token}`"),
                    ));
                }
            };
            if !is_plain(value) {
                return Err(unusable(
                    setting,
                    text,
                    &format!("`{value}` cannot stand in a line for the shell"),
                ));
            }
            out.push_str(value);
        }
        Ok(out)
    }
}

impl ProxyCommand {
    /// `command` as `ssh -G` prints it, with its tokens replaced.
    ///
    /// # Errors
    /// When it has a token that there is not, or the value of one could mean something to the shell: OpenSSH does not quote
    /// them either.
    pub(super) fn new(command: &str, tokens: &Tokens<'_>) -> Result<Self, TransportError> {
        tokens.expand("ProxyCommand", command).map(Self)
    }

    /// The line without its tokens.
    pub(super) fn line(&self) -> &str {
        &self.0
    }

    /// Starts it.
    pub(super) fn start(
        &self,
        shell: &Path,
        silence: Duration,
    ) -> Result<(ProxyStream, Helper), TransportError> {
        let failed = |error: &io::Error| {
            let how = format!("cannot be run by `{}`: {error}", shell.display());
            self.failure(how, String::new())
        };
        let mut child = Command::new(shell)
            .arg("-c")
            .arg(format!("exec {}", self.0))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // An interrupt at the terminal is for fleet, which lets a running transaction end.
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| failed(&error))?;
        let (Some(stdin), Some(stdout), Some(stderr)) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            return Err(failed(&io::Error::other("it has no streams")));
        };
        let said = Arc::new(Mutex::new(Vec::new()));
        let (over, ended) = watch::channel(None);
        let (leash, dropped) = oneshot::channel();
        let listening = tokio::spawn(listen(stderr, Arc::clone(&said)));
        tokio::spawn(watch_over(child, listening, dropped, over));
        let stream = ProxyStream {
            stdin,
            stdout,
            silence,
            stuck: None,
            _leash: leash,
        };
        let helper = Helper {
            command: self.clone(),
            said,
            ended,
        };
        Ok((stream, helper))
    }

    fn failure(&self, how: String, said: String) -> TransportError {
        TransportError::ProxyCommand {
            command: self.0.clone(),
            how,
            said,
        }
    }
}

fn unusable(setting: &str, text: &str, reason: &str) -> TransportError {
    TransportError::Settings {
        reason: format!("`{setting} {text}` of ssh_config(5) cannot be used: {reason}"),
        hint: Some("see TOKENS in ssh_config(5)".to_owned()),
    }
}

/// Whether a value is nothing but itself in a line for the shell, and no option.
fn is_plain(value: &str) -> bool {
    let allowed = |c: char| c.is_alphanumeric() || "._-:@%+/,".contains(c);
    !value.starts_with('-') && value.chars().all(allowed)
}

/// Keeps the end of what it says; reads on in any case, so that it is never held up.
async fn listen(mut stderr: ChildStderr, said: Arc<Mutex<Vec<u8>>>) {
    let mut piece = [0; 1024];
    while let Ok(length @ 1..) = stderr.read(&mut piece).await {
        let mut said = said.lock().unwrap_or_else(PoisonError::into_inner);
        said.extend_from_slice(&piece[..length]);
        let surplus = said.len().saturating_sub(KEPT);
        said.drain(..surplus);
    }
}

/// Waits for its end, and brings that about once the stream is dropped, with all that it has started.
async fn watch_over(
    mut child: Child,
    listening: JoinHandle<()>,
    dropped: oneshot::Receiver<()>,
    over: watch::Sender<Option<End>>,
) {
    let group = child.id().and_then(|id| i32::try_from(id).ok());
    let group = group.and_then(Pid::from_raw);
    let by_itself = tokio::select! {
        status = child.wait() => Some(status),
        _ = dropped => timeout(NOTICES, child.wait()).await.ok(),
    };
    let end = match by_itself {
        Some(Ok(status)) if status.success() => End::Well,
        Some(Ok(status)) => End::Badly(status.to_string()),
        Some(Err(error)) => End::Badly(error.to_string()),
        None => {
            // As OpenSSH ends it.
            signal(group, Signal::HUP);
            if timeout(GRACE, child.wait()).await.is_err() {
                signal(group, Signal::KILL);
                // What is left of it is reaped by the runtime.
                drop(child);
            }
            End::Ended
        }
    };
    // What it said last may still be on its way; something that it left behind may keep the stream open.
    drop(timeout(GRACE, listening).await);
    over.send_replace(Some(end));
}

/// How it ended.
#[derive(Clone, Debug)]
enum End {
    Well,
    Badly(String),
    /// By us.
    Ended,
}

fn signal(group: Option<Pid>, signal: Signal) {
    if let Some(group) = group {
        let _ = kill_process_group(group, signal);
    }
}

/// What is known of a running command, for whoever has to say why a connection failed.
#[derive(Clone, Debug)]
pub(super) struct Helper {
    command: ProxyCommand,
    said: Arc<Mutex<Vec<u8>>>,
    ended: watch::Receiver<Option<End>>,
}

impl Helper {
    /// What it says about a connection that did not come about: `None` when it has ended well and said nothing, so that it
    /// is not to blame.
    pub(super) async fn blame(&mut self) -> Option<TransportError> {
        let ended = self.end().await;
        let said = self.words();
        let how = match ended {
            Some(End::Badly(how)) => format!("failed ({how})"),
            _ if said.is_empty() => return None,
            _ => "made no connection".to_owned(),
        };
        Some(self.command.failure(how, said))
    }

    /// The same when nothing came within the limit.
    pub(super) fn slow(&self, limit: Duration) -> TransportError {
        let how = format!("made no connection within {} s", limit.as_secs_f64());
        self.command.failure(how, self.words())
    }

    /// The last line that it said, when the connection broke because it failed.
    pub(super) async fn last_words(&mut self) -> Option<String> {
        let End::Badly(_) = self.end().await? else {
            return None;
        };
        let words = self.words();
        words.lines().last().map(str::to_owned)
    }

    async fn end(&mut self) -> Option<End> {
        let ended = timeout(ENDING, self.ended.wait_for(Option::is_some)).await;
        ended.ok()?.ok()?.clone()
    }

    fn words(&self) -> String {
        let said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&said)
            .lines()
            .map(|line| line.chars().filter(|c| !c.is_control()).collect::<String>())
            .filter(|line| !line.trim().is_empty())
            .collect::<Vec<_>>()
            .join("\n")
    }
}

/// Its input and output; dropped, the command is ended.
pub(super) struct ProxyStream {
    stdin: ChildStdin,
    stdout: ChildStdout,
    silence: Duration,
    /// Since it takes no more: russh asks for a sign of life only while it is not busy sending.
    stuck: Option<Pin<Box<Sleep>>>,
    _leash: oneshot::Sender<()>,
}

impl AsyncRead for ProxyStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stdout).poll_read(cx, buf)
    }
}

impl AsyncWrite for ProxyStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stdin).poll_write(cx, bytes);
        if written.is_ready() {
            self.stuck = None;
            return written;
        }
        let silence = self.silence;
        let stuck = self.stuck.get_or_insert_with(|| Box::pin(sleep(silence)));
        match stuck.as_mut().poll(cx) {
            Poll::Ready(()) => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
            Poll::Pending => Poll::Pending,
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stdin).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stdin).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expand(command: &str, user: &str) -> Result<String, String> {
        let tokens = Tokens {
            host: "192.0.2.1",
            address: "web-1",
            alias: "the-web",
            port: 2222,
            user,
        };
        let made = ProxyCommand::new(command, &tokens);
        made.map(|made| made.0).map_err(|error| error.to_string())
    }

    #[test]
    fn tokens_are_replaced_and_nothing_reaches_the_shell_by_them() {
        assert_eq!(
            expand("nc -x 'p r:%p' %h %p %n %k %r 100%%", "bob").as_deref(),
            Ok("nc -x 'p r:2222' 192.0.2.1 2222 web-1 the-web bob 100%")
        );
        for (command, user, reason) in [
            ("nc %h %x", "bob", "it has no token `%x`"),
            ("nc %", "bob", "it has no token `%`"),
            (
                "ssh -l %r x",
                "$(id)",
                "`$(id)` cannot stand in a line for the shell",
            ),
            (
                "ssh -l %r x",
                "-oX",
                "`-oX` cannot stand in a line for the shell",
            ),
            (
                "ssh -l %r x",
                "a b",
                "`a b` cannot stand in a line for the shell",
            ),
        ] {
            let error = expand(command, user).expect_err(command);
            assert!(error.ends_with(reason), "{error}");
        }
        // What is not asked for does no harm.
        assert_eq!(expand("nc %h", "$(id)").as_deref(), Ok("nc 192.0.2.1"));
    }
}
