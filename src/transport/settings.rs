//! What the transport has to know about the user and the run; `context` fills it in.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::auth::LoginKeys;
use crate::model::{Server, ServerName};
use crate::shell::Secret;

/// Time limits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// For name lookup and TCP connection.
    pub connect: Duration,
    /// For key exchange, login and the opening of the channel; a passphrase prompt is not counted.
    pub handshake: Duration,
    /// For a script that prints nothing.
    pub idle: Duration,
    /// For one script as a whole.
    pub total: Duration,
    /// For a connection that shows no sign of life: sshd answers questions also while a script is silent.
    pub silence: Duration,
    /// How long a server waits for the next script before it hangs up by itself and lets go of its locks.
    pub hold: Duration,
    /// What one script may print, in bytes: whoever reads it keeps it in memory.
    pub printed: usize,
    /// How long to wait before the one second attempt at a server that closes connections at once; zero for none.
    pub pause: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            handshake: Duration::from_secs(20),
            idle: Duration::from_secs(60),
            total: Duration::from_secs(600),
            silence: Duration::from_secs(20),
            hold: Duration::from_secs(180),
            printed: 256 * 1024 * 1024,
            // PerSourcePenalties of OpenSSH refuse a source until its penalty falls below 15 s.
            pause: Duration::from_secs(16),
        }
    }
}

/// Asks for the passphrase of a key file: the file, and which attempt it is (from 1). `None` gives up.
pub type AskPassphrase = dyn Fn(&Path, u32) -> Option<Secret> + Send + Sync;

/// Where the passphrase of an encrypted key comes from.
#[derive(Clone, Default)]
pub enum Passphrase {
    /// Nowhere: an encrypted key is an error.
    #[default]
    None,
    /// It is known (read from a file by the caller).
    Known(Secret),
    /// From the user, once per key file and run; the function may block.
    Ask(Arc<AskPassphrase>),
}

impl fmt::Debug for Passphrase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "None",
            Self::Known(_) => "Known(…)",
            Self::Ask(_) => "Ask(…)",
        })
    }
}

/// Whether and how `ssh_config`(5) counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum SshConfig {
    /// It does not.
    #[default]
    Ignore,
    /// Through `ssh -G`, where the files say anything about a server.
    Use {
        /// The user's file, such as `~/.ssh/config`.
        user: Option<PathBuf>,
        /// The system's file.
        system: PathBuf,
        /// The program, such as `ssh`.
        program: PathBuf,
    },
}

/// Something that takes time or is odd, worth a line to the user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// The server closed the connection at once; there will be one more attempt after a pause.
    Pausing {
        /// What it said.
        said: String,
        /// How long.
        pause: Duration,
    },
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pausing { said, pause } => {
                write!(f, "sshd closes the connection at once")?;
                if !said.is_empty() {
                    write!(f, " (`{said}`)")?;
                }
                write!(f, "; trying again in {} s", pause.as_secs())
            }
        }
    }
}

/// The value of an environment variable that is set.
pub type Variable = dyn Fn(&str) -> Option<String> + Send + Sync;

/// Takes notices, from any thread.
pub type OnNotice = dyn Fn(&ServerName, &Notice) + Send + Sync;

/// The settings of a [`super::Connector`].
#[derive(Clone)]
pub struct Settings {
    /// The user's home directory, for `~` in `ssh_config`(5).
    pub home: Option<PathBuf>,
    /// The user's name on this machine: `ssh_config`(5) takes it when it says no `User`, and then fleet takes `root`.
    pub local_user: Option<String>,
    /// The `known_hosts` file of the inventory: read before all others, whatever `ssh_config`(5) says, and the one to be
    /// written.
    pub own_known_hosts: Option<PathBuf>,
    /// The user's `known_hosts` files; without [`Self::own_known_hosts`] the first is the one to be written.
    pub known_hosts: Vec<PathBuf>,
    /// The system's `known_hosts` files.
    pub global_known_hosts: Vec<PathBuf>,
    /// The socket of ssh-agent(1).
    pub agent: Option<PathBuf>,
    /// Key files that are tried when nothing else is said.
    pub identities: Vec<PathBuf>,
    /// The keys of the run, for all connectors of it.
    pub keys: Arc<LoginKeys>,
    /// `ssh_config`(5).
    pub ssh_config: SshConfig,
    /// The user's environment, for variables in `ssh_config`(5).
    pub variable: Arc<Variable>,
    /// The user's shell, which runs the `ProxyCommand` of `ssh_config`(5).
    pub shell: PathBuf,
    /// Time limits.
    pub limits: Limits,
    /// The servers of the inventory, for those that are reached through one another.
    pub servers: BTreeMap<ServerName, Server>,
    /// `SHA256:...` of the key that each server took last time: it is offered first.
    pub login_keys: BTreeMap<ServerName, String>,
    /// `SHA256:...` of the host keys that were pinned for a server: no other is accepted, whatever `known_hosts` says.
    pub pinned: BTreeMap<ServerName, Vec<String>>,
    /// How many servers can be talked to at the same time, for whoever talks to several.
    pub at_once: usize,
    /// Who is told about pauses.
    pub on_notice: Option<Arc<OnNotice>>,
}

impl Default for Settings {
    /// Nothing is known, nothing is in the way.
    fn default() -> Self {
        Self {
            home: None,
            local_user: None,
            own_known_hosts: None,
            known_hosts: Vec::new(),
            global_known_hosts: Vec::new(),
            agent: None,
            identities: Vec::new(),
            keys: Arc::new(LoginKeys::new(Passphrase::default())),
            ssh_config: SshConfig::default(),
            variable: Arc::new(|_| None),
            shell: PathBuf::from("/bin/sh"),
            limits: Limits::default(),
            servers: BTreeMap::new(),
            login_keys: BTreeMap::new(),
            pinned: BTreeMap::new(),
            at_once: usize::MAX,
            on_notice: None,
        }
    }
}

impl Settings {
    /// The usual places below `home`, and those of the system.
    pub fn new(home: Option<&Path>) -> Self {
        let ssh = home.map(|home| home.join(".ssh"));
        let below = |names: &[&str]| -> Vec<PathBuf> {
            ssh.iter()
                .flat_map(|ssh| names.iter().map(|name| ssh.join(name)))
                .collect()
        };
        Self {
            home: home.map(Path::to_owned),
            known_hosts: below(&["known_hosts", "known_hosts2"]),
            global_known_hosts: ["/etc/ssh/ssh_known_hosts", "/etc/ssh/ssh_known_hosts2"]
                .map(PathBuf::from)
                .to_vec(),
            identities: below(&["id_ed25519", "id_ecdsa", "id_rsa"]),
            ssh_config: SshConfig::Use {
                user: ssh.map(|ssh| ssh.join("config")),
                system: PathBuf::from("/etc/ssh/ssh_config"),
                program: PathBuf::from("ssh"),
            },
            ..Self::default()
        }
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("known_hosts", &self.known_hosts)
            .field("agent", &self.agent)
            .field("identities", &self.identities)
            .field("ssh_config", &self.ssh_config)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}
