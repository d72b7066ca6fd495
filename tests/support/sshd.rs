//! An SSH server in this process: real shells or a closure behind it, and as ill-behaved as a test wants.
#![allow(dead_code, reason = "no test binary uses all of it")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::HashMap;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::process::Stdio;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use russh::keys::{Algorithm, Certificate, PrivateKey, PublicKey};
use russh::server::{Auth, ChannelOpenHandle, Handler, Msg, Session};
use russh::{
    Channel, ChannelId, ChannelMsg, ChannelReadHalf, ChannelWriteHalf, MethodKind, MethodSet,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::Command;

/// A future that a closure returns.
pub(crate) type Doing = Pin<Box<dyn Future<Output = i32> + Send>>;

/// A function that plays the login shell: the command, what arrives, where to answer.
pub(crate) type Play =
    dyn Fn(String, ChannelReadHalf, Arc<ChannelWriteHalf<Msg>>) -> Doing + Send + Sync;

/// What plays the login shell.
#[derive(Clone)]
pub(crate) enum Shell {
    /// A program that gets `-c COMMAND`, such as `/bin/sh`.
    Program(String),
    /// A function.
    Play(Arc<Play>),
}

/// How the server behaves; change what a test is about.
#[derive(Clone)]
pub(crate) struct Behaviour {
    /// Its host keys.
    pub(crate) host_keys: Vec<PrivateKey>,
    /// Its host certificates.
    pub(crate) host_certificates: Vec<Certificate>,
    /// The keys that may log in; `None` for any.
    pub(crate) authorized: Option<Vec<PublicKey>>,
    /// Whether certificates may log in.
    pub(crate) certificates: bool,
    /// Hang up after so many keys were refused, as sshd does after `MaxAuthTries`.
    pub(crate) max_tries: usize,
    /// Words before the login.
    pub(crate) banner: Option<String>,
    /// The login shell.
    pub(crate) shell: Shell,
    /// Environment of the shell, besides `SSH_CONNECTION` and `PATH`.
    pub(crate) environment: Vec<(String, String)>,
    /// Printed before the shell starts, on stdout and stderr.
    pub(crate) noise: Option<(String, String)>,
    /// Close so many connections at once, before saying anything but these words.
    pub(crate) refuse_first: usize,
    /// The words for those that are closed at once.
    pub(crate) refusal: String,
    /// Close the connection when so many bytes of input have gone to the shell.
    pub(crate) cut_input_after: Option<usize>,
    /// Let a session begin only after so long.
    pub(crate) slow_session: Duration,
    /// Refuse to open sessions.
    pub(crate) no_sessions: bool,
    /// Open a channel to the client, which has not asked for one, when it starts a shell.
    pub(crate) intrudes: bool,
}

impl Default for Behaviour {
    fn default() -> Self {
        Self {
            host_keys: vec![new_key()],
            host_certificates: Vec::new(),
            authorized: None,
            certificates: false,
            max_tries: 6,
            banner: None,
            shell: Shell::Program("/bin/sh".to_owned()),
            environment: Vec::new(),
            noise: None,
            refuse_first: 0,
            refusal: String::new(),
            cut_input_after: None,
            slow_session: Duration::ZERO,
            no_sessions: false,
            intrudes: false,
        }
    }
}

/// A new ed25519 key.
pub(crate) fn new_key() -> PrivateKey {
    PrivateKey::random(&mut russh::keys::key::safe_rng(), Algorithm::Ed25519).unwrap()
}

/// What happened on the server.
#[derive(Default)]
pub(crate) struct Seen {
    /// TCP connections.
    pub(crate) connections: AtomicUsize,
    /// Keys that were offered.
    pub(crate) offers: AtomicUsize,
    /// Logins that succeeded.
    pub(crate) logins: AtomicUsize,
    /// Logins with a certificate that succeeded.
    pub(crate) certificates: AtomicUsize,
    /// Sessions that were opened.
    pub(crate) sessions: AtomicUsize,
    /// Channels to other hosts that were opened.
    pub(crate) forwards: AtomicUsize,
    /// The users that tried to log in.
    pub(crate) users: Mutex<Vec<String>>,
    /// The commands that were given to the login shell.
    pub(crate) commands: Mutex<Vec<String>>,
}

/// A running server.
pub(crate) struct Sshd {
    /// Where it listens.
    pub(crate) address: SocketAddr,
    /// What happened on it.
    pub(crate) seen: Arc<Seen>,
    /// Its first host key.
    pub(crate) host_key: PublicKey,
    task: tokio::task::JoinHandle<()>,
}

impl Sshd {
    /// Starts a server on a free port of loopback.
    pub(crate) async fn start(behaviour: Behaviour) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Seen::default());
        let host_key = behaviour.host_keys[0].public_key().clone();
        let config = Arc::new(russh::server::Config {
            keys: behaviour.host_keys.clone(),
            certificates: behaviour.host_certificates.clone(),
            methods: MethodSet::from(&[MethodKind::PublicKey][..]),
            auth_rejection_time: Duration::from_millis(1),
            max_auth_attempts: 100,
            nodelay: true,
            ..russh::server::Config::default()
        });
        let behaviour = Arc::new(behaviour);
        let on_server = Arc::clone(&seen);
        let task = tokio::spawn(async move {
            while let Ok((mut tcp, from)) = listener.accept().await {
                let number = on_server.connections.fetch_add(1, Ordering::SeqCst);
                let behaviour = Arc::clone(&behaviour);
                let seen = Arc::clone(&on_server);
                let config = Arc::clone(&config);
                tokio::spawn(async move {
                    if number < behaviour.refuse_first {
                        drop(tcp.write_all(behaviour.refusal.as_bytes()).await);
                        return;
                    }
                    drop(tcp.set_nodelay(true));
                    let guest = Guest {
                        behaviour,
                        seen,
                        channels: HashMap::new(),
                        refused: 0,
                        connection: format!(
                            "{} {} 127.0.0.1 {}",
                            from.ip(),
                            from.port(),
                            address.port()
                        ),
                    };
                    if let Ok(running) = russh::server::run_stream(config, tcp, guest).await {
                        drop(running.await);
                    }
                });
            }
        });
        Self {
            address,
            seen,
            host_key,
            task,
        }
    }

    /// The line for a `known_hosts` file.
    pub(crate) fn known_hosts_line(&self) -> String {
        known_hosts_line(self.address, &self.host_key)
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// The `known_hosts` line of `key` for a server at `address`.
pub(crate) fn known_hosts_line(address: SocketAddr, key: &PublicKey) -> String {
    format!(
        "[{}]:{} {}\n",
        address.ip(),
        address.port(),
        key.to_openssh().unwrap()
    )
}

/// One connection.
struct Guest {
    behaviour: Arc<Behaviour>,
    seen: Arc<Seen>,
    channels: HashMap<ChannelId, Channel<Msg>>,
    refused: usize,
    connection: String,
}

impl Guest {
    fn may(&self, key: &PublicKey) -> bool {
        self.behaviour
            .authorized
            .as_ref()
            .is_none_or(|keys| keys.iter().any(|one| one.key_data() == key.key_data()))
    }

    fn refuse(&mut self) -> Result<Auth, russh::Error> {
        self.refused += 1;
        if self.refused >= self.behaviour.max_tries {
            return Err(russh::Error::Disconnect);
        }
        Ok(Auth::reject())
    }
}

impl Handler for Guest {
    type Error = russh::Error;

    async fn authentication_banner(&mut self) -> Result<Option<String>, russh::Error> {
        Ok(self.behaviour.banner.clone())
    }

    async fn auth_publickey_offered(
        &mut self,
        user: &str,
        offer: russh::server::PublicKeyOffer<'_>,
    ) -> Result<Auth, russh::Error> {
        self.seen.offers.fetch_add(1, Ordering::SeqCst);
        self.seen.users.lock().unwrap().push(user.to_owned());
        // The offer of a certificate looks like that of its key.
        if self.may(offer.public_key) || self.behaviour.certificates {
            Ok(Auth::Accept)
        } else {
            self.refuse()
        }
    }

    async fn auth_publickey(
        &mut self,
        _user: &str,
        key: russh::server::VerifiedPublicKey<'_>,
    ) -> Result<Auth, russh::Error> {
        if self.may(key.public_key) {
            self.seen.logins.fetch_add(1, Ordering::SeqCst);
            Ok(Auth::Accept)
        } else {
            self.refuse()
        }
    }

    async fn auth_openssh_certificate(
        &mut self,
        _user: &str,
        _certificate: &Certificate,
    ) -> Result<Auth, russh::Error> {
        if self.behaviour.certificates {
            self.seen.certificates.fetch_add(1, Ordering::SeqCst);
            Ok(Auth::Accept)
        } else {
            self.refuse()
        }
    }

    async fn channel_open_session(
        &mut self,
        channel: Channel<Msg>,
        reply: ChannelOpenHandle,
        _session: &mut Session,
    ) -> Result<(), russh::Error> {
        if self.behaviour.no_sessions {
            return Ok(());
        }
        tokio::time::sleep(self.behaviour.slow_session).await;
        self.seen.sessions.fetch_add(1, Ordering::SeqCst);
        self.channels.insert(channel.id(), channel);
        reply.accept().await;
        Ok(())
    }

    async fn channel_open_direct_tcpip(
        &mut self,
        channel: Channel<Msg>,
        host: &str,
        port: u32,
        _originator: &str,
        _originator_port: u32,
        reply: ChannelOpenHandle,
        _session: &mut Session,
    ) -> Result<(), russh::Error> {
        self.seen.forwards.fetch_add(1, Ordering::SeqCst);
        match TcpStream::connect((host, u16::try_from(port).unwrap())).await {
            Ok(mut tcp) => {
                reply.accept().await;
                tokio::spawn(async move {
                    let mut stream = channel.into_stream();
                    drop(tokio::io::copy_bidirectional(&mut stream, &mut tcp).await);
                });
            }
            Err(_) => reply.reject(russh::ChannelOpenFailure::ConnectFailed).await,
        }
        Ok(())
    }

    async fn exec_request(
        &mut self,
        id: ChannelId,
        command: &[u8],
        session: &mut Session,
    ) -> Result<(), russh::Error> {
        let command = String::from_utf8_lossy(command).into_owned();
        self.seen.commands.lock().unwrap().push(command.clone());
        session.channel_success(id)?;
        let Some(channel) = self.channels.remove(&id) else {
            return Ok(());
        };
        let behaviour = Arc::clone(&self.behaviour);
        let connection = self.connection.clone();
        let handle = session.handle();
        tokio::spawn(async move {
            if behaviour.intrudes {
                let opened = handle.channel_open_forwarded_tcpip("localhost", 80, "localhost", 1);
                drop(opened.await);
            }
            let (reader, writer) = channel.split();
            let writer = Arc::new(writer);
            if let Some((out, err)) = &behaviour.noise {
                drop(writer.data_bytes(out.clone().into_bytes()).await);
                drop(
                    writer
                        .extended_data_bytes(1, err.clone().into_bytes())
                        .await,
                );
            }
            let status = match &behaviour.shell {
                Shell::Program(program) => {
                    let ended =
                        run(program, &command, &connection, &behaviour, reader, &writer).await;
                    let Some(status) = ended else {
                        let cut = handle.disconnect(
                            russh::Disconnect::ByApplication,
                            "cut by the test".to_owned(),
                            String::new(),
                        );
                        drop(cut.await);
                        return;
                    };
                    status
                }
                Shell::Play(play) => play(command, reader, Arc::clone(&writer)).await,
            };
            drop(
                writer
                    .exit_status(u32::try_from(status).unwrap_or(255))
                    .await,
            );
            drop(writer.eof().await);
            drop(writer.close().await);
        });
        Ok(())
    }
}

/// Runs `program -c command` with the channel as its input and outputs; `None` when the input was to be cut.
async fn run(
    program: &str,
    command: &str,
    connection: &str,
    behaviour: &Behaviour,
    mut reader: ChannelReadHalf,
    writer: &Arc<ChannelWriteHalf<Msg>>,
) -> Option<i32> {
    let path = behaviour
        .environment
        .iter()
        .find(|(name, _)| name == "PATH")
        .map_or("/usr/local/bin:/usr/bin:/bin:/usr/games", |(_, value)| {
            value
        });
    let mut child = Command::new(program)
        .arg("-c")
        .arg(command)
        .env_clear()
        .env("PATH", path)
        .env("HOME", "/tmp")
        .env("SSH_CONNECTION", connection)
        .envs(behaviour.environment.iter().cloned())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take();
    let mut stdout = child.stdout.take().unwrap();
    let mut stderr = child.stderr.take().unwrap();

    let limit = behaviour.cut_input_after;
    let feeding = async move {
        let mut fed = 0;
        while let Some(message) = reader.wait().await {
            match message {
                ChannelMsg::Data { data } => {
                    let left = limit
                        .map_or(data.len(), |limit| limit - fed)
                        .min(data.len());
                    fed += left;
                    if let Some(pipe) = &mut stdin {
                        drop(pipe.write_all(&data[..left]).await);
                        drop(pipe.flush().await);
                    }
                    if limit.is_some_and(|limit| fed >= limit) {
                        return true;
                    }
                }
                ChannelMsg::Eof | ChannelMsg::Close => stdin = None,
                _ => {}
            }
        }
        drop(stdin);
        false
    };
    let out = async {
        let mut buffer = vec![0; 32 * 1024];
        while let Ok(n) = stdout.read(&mut buffer).await {
            if n == 0 || writer.data_bytes(buffer[..n].to_vec()).await.is_err() {
                break;
            }
        }
    };
    let err = async {
        let mut buffer = vec![0; 32 * 1024];
        while let Ok(n) = stderr.read(&mut buffer).await {
            if n == 0
                || writer
                    .extended_data_bytes(1, buffer[..n].to_vec())
                    .await
                    .is_err()
            {
                break;
            }
        }
    };
    let ending = async {
        tokio::join!(out, err);
        child.wait().await
    };
    tokio::pin!(feeding);
    tokio::pin!(ending);
    tokio::select! {
        status = &mut ending => status.ok().and_then(|status| status.code()).or(Some(255)),
        cut = &mut feeding => {
            // The shell meets the end of its input, and is given the time to do something wrong.
            let status = tokio::time::timeout(Duration::from_secs(20), ending).await;
            if cut {
                return None;
            }
            status.ok()?.ok()?.code()
        }
    }
}
