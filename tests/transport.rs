//! Ring 2: the transport against an SSH server in this process, a real sshd where there is one, and shells of all kinds.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    missing_docs,
    unreachable_pub
)]

#[path = "lab/support.rs"]
mod lab_support;
#[path = "support/proxy.rs"]
mod proxy;
#[path = "support/sshd.rs"]
mod sshd;

#[path = "transport/hostile.rs"]
mod hostile;
#[path = "transport/hostkeys.rs"]
mod hostkeys;
#[path = "transport/keys.rs"]
mod keys;
#[path = "transport/lab.rs"]
mod lab;
#[path = "transport/logs.rs"]
mod logs;
#[path = "transport/narrow.rs"]
mod narrow;
#[path = "transport/proxies.rs"]
mod proxies;
#[path = "transport/scripts.rs"]
mod scripts;
#[path = "transport/streams.rs"]
mod streams;
#[path = "transport/trouble.rs"]
mod trouble;
#[path = "transport/ways.rs"]
mod ways;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use fleet::model::{Server, ServerName};
use fleet::shell::Script;
use fleet::transport::{Connector, Limits, Output, Session, Settings, SshConfig, TransportError};
use russh::keys::PrivateKey;
use russh::keys::ssh_key::LineEnding;
use sshd::{Behaviour, Sshd, new_key};

/// A home directory with a key and a `known_hosts` file, and settings that read nothing else.
pub(crate) struct Home {
    dir: tempfile::TempDir,
    pub(crate) settings: Settings,
    pub(crate) key: PrivateKey,
}

impl Home {
    /// A home whose default key is a new one.
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join(".ssh")).unwrap();
        let mut settings = Settings::new(Some(dir.path()));
        settings.global_known_hosts = Vec::new();
        settings.ssh_config = SshConfig::Ignore;
        settings.limits = Limits {
            connect: Duration::from_secs(5),
            handshake: Duration::from_secs(10),
            idle: Duration::from_secs(30),
            pause: Duration::ZERO,
            ..Limits::default()
        };
        let key = new_key();
        let home = Self { dir, settings, key };
        home.write_key(".ssh/id_ed25519", &home.key);
        home
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// Writes a file with mode 0600.
    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        use std::io::Write;
        use std::os::unix::fs::OpenOptionsExt;
        let path = self.path(name);
        let mut file = std::fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&path)
            .unwrap();
        file.write_all(text.as_bytes()).unwrap();
        path
    }

    pub(crate) fn write_key(&self, name: &str, key: &PrivateKey) -> PathBuf {
        self.write(name, &key.to_openssh(LineEnding::LF).unwrap())
    }

    /// Appends to the `known_hosts` file.
    pub(crate) fn know(&self, line: &str) {
        let path = self.path(".ssh/known_hosts");
        let before = std::fs::read_to_string(&path).unwrap_or_default();
        self.write(".ssh/known_hosts", &format!("{before}{line}"));
    }

    pub(crate) fn connector(&self) -> Connector {
        Connector::new(self.settings.clone())
    }
}

/// The server of the inventory that is reached at `address`.
pub(crate) fn server_at(address: SocketAddr) -> Server {
    named_server("web-1", address)
}

pub(crate) fn named_server(name: &str, address: SocketAddr) -> Server {
    let mut server = Server::new(
        name.parse::<ServerName>().unwrap(),
        address.ip().to_string(),
    );
    server.port = Some(address.port());
    server.user = Some("alice".to_owned());
    server
}

/// Home, server and an open session.
pub(crate) async fn session_with(behaviour: Behaviour) -> (Home, Sshd, Session) {
    let home = Home::new();
    let sshd = Sshd::start(behaviour).await;
    home.know(&sshd.known_hosts_line());
    let session = home
        .connector()
        .open(&server_at(sshd.address))
        .await
        .unwrap();
    (home, sshd, session)
}

/// A script of fixed text; tests are fleet's own source.
pub(crate) fn script(text: &str) -> Script {
    let mut script = Script::new();
    script.raw(Box::leak(text.to_owned().into_boxed_str()));
    script
}

/// Runs a script and collects its lines.
pub(crate) async fn run(
    session: &mut Session,
    text: &str,
) -> Result<(Output, Vec<String>), TransportError> {
    let mut lines = Vec::new();
    let output = session
        .exchange(&script(text), &mut |line| lines.push(line.to_owned()))
        .await?;
    Ok((output, lines))
}

/// Opens a session and expects it, or its first script, to fail.
pub(crate) async fn failure(home: &Home, server: &Server) -> TransportError {
    match home.connector().open(server).await {
        Err(error) => error,
        Ok(mut session) => run(&mut session, "echo hello\n").await.unwrap_err(),
    }
}
