//! How a script reaches a server: over SSH, or through `sh` on this machine.
//!
//! A [`Connector`] lives for one run; [`Connector::open`] gives a [`Session`] with one server: one connection, one
//! channel, one shell, to which any number of scripts are sent with [`Session::exchange`]. Nothing is sent to a
//! server, not even a user name, before its host key was found to be the recorded one.

mod agent;
mod auth;
mod bootstrap;
mod client;
mod dial;
mod error;
mod jump;
mod keyfile;
mod known_hosts;
mod local;
mod pattern;
mod proxy;
mod pump;
mod session;
mod settings;
mod sink;
mod ssh;
mod ssh_config;
mod stream;
mod target;
mod writer;

use std::io;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

pub use auth::LoginKeys;
pub use error::{Phase, Place, TransportError};
pub use settings::{
    AskPassphrase, Limits, Notice, OnNotice, Passphrase, Settings, SshConfig, Variable,
};

use crate::model::{Server, TransportKind};
use crate::shell::Script;
use session::{Conversation, Failure};
use sink::Sink;

/// What a script did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    /// Its exit status: that of its last command, or of its `exit`, which also ends the conversation.
    pub status: i32,
    /// What it wrote to stderr; of a long text the beginning and the end.
    pub stderr: String,
    /// How many bytes of that were left out.
    pub left_out: usize,
}

/// Bytes that a script reads.
pub struct Bytes<'a> {
    /// How many.
    pub length: u64,
    /// Fills what it is given with the next of them. An error ends the session.
    pub read: &'a mut (dyn FnMut(&mut [u8]) -> io::Result<()> + Send),
}

/// Whom a session talks to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Peer {
    /// The user that logged in; empty for this machine.
    pub user: String,
    /// `SHA256:...` of the server's host key; `None` for this machine.
    pub host_key: Option<String>,
    /// `SHA256:...` of the key that the server accepted, to be remembered for the next run.
    pub login_key: Option<String>,
    /// The server's version line, such as `SSH-2.0-OpenSSH_9.2p1`.
    pub version: Option<String>,
    /// Time until the TCP connection was there.
    pub connect: Duration,
    /// Time from there until the channel was open.
    pub handshake: Duration,
}

/// A host key as a server presents it, not yet trusted.
#[derive(Clone, Debug)]
pub struct HostKey {
    key: russh::keys::PublicKey,
    name: known_hosts::HostName,
    line: String,
    file: Option<PathBuf>,
    verdict: Result<(), TransportError>,
}

impl HostKey {
    /// Its algorithm, such as `ssh-ed25519`.
    pub fn algorithm(&self) -> String {
        self.key.algorithm().as_str().to_owned()
    }

    /// `SHA256:...`, as `ssh-keygen -l` shows it.
    pub fn fingerprint(&self) -> String {
        self.key
            .fingerprint(russh::keys::HashAlg::Sha256)
            .to_string()
    }

    /// Whether the `known_hosts` files accept it already; the error tells unknown from changed and revoked.
    pub fn verdict(&self) -> Result<(), &TransportError> {
        self.verdict.as_ref().copied()
    }

    /// The file that [`Connector::pin`] writes to.
    pub fn file(&self) -> Option<&std::path::Path> {
        self.file.as_deref()
    }
}

/// Opens sessions; one per run, cheap to clone.
///
/// It keeps what is the same for all servers: `known_hosts`, answers of `ssh -G`, jump connections. What was asked of the
/// user is kept longer, in [`Settings::keys`].
#[derive(Clone)]
pub struct Connector {
    shared: Arc<ssh::Shared>,
}

impl Connector {
    /// A connector; nothing is read or opened yet.
    pub fn new(settings: Settings) -> Self {
        Self {
            shared: Arc::new(ssh::Shared::new(settings)),
        }
    }

    /// How many servers can be talked to at the same time.
    pub fn at_once(&self) -> usize {
        self.shared.settings.at_once
    }

    /// Opens a session: connects, checks the host key, logs in and starts the shell, without waiting for its answer.
    ///
    /// # Errors
    /// Everything but what only the shell can tell (`sudo`, a login shell that runs nothing): that comes from the
    /// first [`Session::exchange`].
    pub async fn open(&self, server: &Server) -> Result<Session, TransportError> {
        let limits = self.shared.settings.limits.clone();
        let marks = bootstrap::Marks::new(nonce(), nonce());
        if server.transport == TransportKind::Local {
            let started = Instant::now();
            let conversation = local::start(
                marks,
                &limits,
                server.r#become,
                self.shared.settings.home.as_deref(),
            )?;
            return Ok(Session {
                conversation,
                connection: None,
                peer: Peer {
                    handshake: started.elapsed(),
                    ..Peer::default()
                },
                limits,
            });
        }
        let target = self.shared.target(server).await?;
        let opened = ssh::open(&self.shared, &target, &marks).await?;
        let reader = if target.via.is_some() {
            session::Reader::Shared(pump::Pump::start(opened.reader))
        } else {
            session::Reader::Ssh(opened.reader)
        };
        Ok(Session {
            conversation: Conversation::new(reader, writer::Writer::Ssh(opened.writer), marks),
            peer: opened.peer,
            connection: Some(opened.connection),
            limits,
        })
    }

    /// Asks for the passphrases that these servers are known to need, before anything is held that others wait for. Where
    /// nobody can be asked, and of servers that were never logged in to, nothing happens.
    pub async fn unlock_keys(&self, servers: &[&Server]) {
        if !self.shared.settings.keys.asks() {
            return;
        }
        let own = |server: &&&Server| server.transport != TransportKind::Local;
        let servers: Vec<Server> = servers.iter().filter(own).map(|s| (*s).clone()).collect();
        for servers in servers.chunks(self.at_once().max(1)) {
            let mut running = tokio::task::JoinSet::new();
            for server in servers {
                let server = server.clone();
                let shared = Arc::clone(&self.shared);
                running.spawn(async move {
                    if let Ok(target) = shared.target(&server).await {
                        let settings = &shared.settings;
                        let keys = &settings.keys;
                        keys.unlock_remembered(&target.identities, &settings.identities)
                            .await;
                    }
                });
            }
            while running.join_next().await.is_some() {}
        }
    }

    /// Whether the user is being asked for a passphrase, or an agent signs: the time that takes is not the servers'.
    pub fn is_asking(&self) -> bool {
        self.shared.settings.keys.is_asking()
    }

    /// Connects as far as the host key, and hangs up: nothing is sent to the server, not even a user name.
    ///
    /// # Errors
    /// When the server cannot be reached, or a host on the way refuses.
    pub async fn fetch_host_key(&self, server: &Server) -> Result<HostKey, TransportError> {
        let target = self.shared.target(server).await?;
        ssh::fetch_host_key(&self.shared, &target).await
    }

    /// Records a host key in the user's `known_hosts` file, durably.
    ///
    /// # Errors
    /// When there is no such file or it cannot be written.
    pub async fn pin(&self, key: &HostKey) -> Result<(), TransportError> {
        self.record(key, |path, key| known_hosts::append(path, &key.line))
            .await
    }

    /// Records it in the place of those that are recorded for exactly that server in the user's `known_hosts` file.
    ///
    /// # Errors
    /// When there is no such file or it cannot be written.
    pub async fn replace(&self, key: &HostKey) -> Result<(), TransportError> {
        self.record(key, |path, key| {
            known_hosts::replace(path, &key.name, &key.line)
        })
        .await
    }

    async fn record(
        &self,
        key: &HostKey,
        write: impl FnOnce(&std::path::Path, &HostKey) -> std::io::Result<()> + Send + 'static,
    ) -> Result<(), TransportError> {
        let Some(file) = key.file.clone() else {
            return Err(TransportError::Settings {
                reason: "there is no `known_hosts` file to record the host key in".to_owned(),
                hint: Some(
                    "name one with `[settings] known_hosts` in the inventory, or set HOME"
                        .to_owned(),
                ),
            });
        };
        let (own, path) = (key.clone(), file.clone());
        let written = tokio::task::spawn_blocking(move || write(&path, &own)).await;
        self.shared.known_hosts.forget(&file);
        let reason = match written {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(error)) => error.to_string(),
            Err(error) => error.to_string(),
        };
        Err(TransportError::Settings {
            reason: format!("`{}` cannot be written: {reason}", file.display()),
            hint: None,
        })
    }
}

/// A shell on a server that takes one script after the other.
///
/// Dropping it hangs up; the shell on the server ends when its running script has ended.
pub struct Session {
    conversation: Conversation,
    connection: Option<ssh::Connection>,
    peer: Peer,
    limits: Limits,
}

impl Session {
    /// Sends a script whole, hands each line of its output to `on_line`, and returns when it has ended.
    ///
    /// All scripts of a session run in the same shell: open files, variables and the working directory stay; `set -e`
    /// and `set -u` do not. A script that says `exit` ends the session, with its status. The script reads `/dev/null`.
    /// `limits().idle` and `limits().total` hold for each script. When the future is dropped, the session is over.
    ///
    /// # Errors
    /// See [`TransportError`]; after one, every further call says [`TransportError::Ended`].
    pub async fn exchange(
        &mut self,
        script: &Script,
        on_line: &mut (dyn FnMut(&str) + Send),
    ) -> Result<Output, TransportError> {
        self.put(script, None, &mut Sink::Lines(on_line)).await
    }

    /// The same with `bytes`, which the script reads, as they are, from descriptor 5 (`head -c N <&5`). It must read all
    /// of them, also when something fails: otherwise the session is over, with [`TransportError::Cut`].
    ///
    /// # Errors
    /// See [`Self::exchange`]; [`TransportError::Ended`] when the bytes could not be read here.
    pub async fn send(
        &mut self,
        script: &Script,
        bytes: &mut Bytes<'_>,
        on_line: &mut (dyn FnMut(&str) + Send),
    ) -> Result<Output, TransportError> {
        self.put(script, Some(bytes), &mut Sink::Lines(on_line))
            .await
    }

    /// The same as [`Self::exchange`], but hands over what the script prints byte for byte. While `on_bytes` does not return, nothing is read
    /// and the server waits; when it breaks, the session is over with [`TransportError::Ended`]. The bytes are whole
    /// only when this returns an [`Output`], and what they are worth is told by its status.
    ///
    /// # Errors
    /// See [`Self::exchange`].
    pub async fn receive(
        &mut self,
        script: &Script,
        on_bytes: &mut (dyn FnMut(&[u8]) -> ControlFlow<()> + Send),
    ) -> Result<Output, TransportError> {
        self.put(script, None, &mut Sink::Bytes(on_bytes)).await
    }

    async fn put(
        &mut self,
        script: &Script,
        bytes: Option<&mut Bytes<'_>>,
        sink: &mut Sink<'_>,
    ) -> Result<Output, TransportError> {
        let limits = &self.limits;
        let outcome = self
            .conversation
            .exchange(script, bytes, limits, sink)
            .await;
        match outcome {
            Ok(output) => Ok(output),
            Err(Failure::Known(error)) => Err(error),
            Err(Failure::Cut) => Err(match &self.connection {
                Some(connection) => connection.cut().await,
                None => TransportError::Cut {
                    reason: "the shell ended without a status".to_owned(),
                },
            }),
            Err(Failure::NotReady { said, status }) => {
                Err(bootstrap::not_ready(&self.peer.user, said, status))
            }
        }
    }

    /// Whom it talks to.
    pub fn peer(&self) -> &Peer {
        &self.peer
    }

    /// Client address, client port, server address and server port as the server sees them, once a script has run.
    pub fn seen_as(&self) -> Option<&str> {
        self.conversation.client()
    }

    /// The limits of the next scripts; they begin as those of the settings.
    pub fn limits(&mut self) -> &mut Limits {
        &mut self.limits
    }

    /// Hangs up in order. It does not wait for the server's answer: the shell there ends at the end of its input.
    pub async fn close(mut self) {
        let closing = async {
            self.conversation.finish().await;
            if let Some(connection) = self.connection.take() {
                connection.close().await;
            }
        };
        drop(tokio::time::timeout(session::CLOSING, closing).await);
    }
}

/// Sixteen hex digits that nobody can foresee.
fn nonce() -> String {
    use ring::rand::{SecureRandom, SystemRandom};
    use std::fmt::Write;

    let mut bytes = [0_u8; 8];
    SystemRandom::new()
        .fill(&mut bytes)
        .expect("the system has random numbers");
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
