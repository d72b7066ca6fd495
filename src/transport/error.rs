//! Why a server could not be reached or talked to, in words an admin can act on.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use crate::diagnostic::{Class, Diagnostic};
use crate::model::ServerName;
use crate::shell::quote;

/// The part of a conversation that a time limit watches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Looking up the name and opening the TCP connection.
    Connect,
    /// Key exchange, host key check, authentication and the opening of the channel.
    Handshake,
    /// The script printed nothing for too long.
    Idle,
    /// The script took too long as a whole.
    Total,
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Connect => "the connection was not made",
            Self::Handshake => "the SSH handshake was not finished",
            Self::Idle => "the server said nothing",
            Self::Total => "the script did not end",
        })
    }
}

/// A line of a `known_hosts` file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The file.
    pub file: PathBuf,
    /// The line, counted from 1.
    pub line: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file.display(), self.line)
    }
}

/// Why a conversation with a server failed.
///
/// [`TransportError::diagnostic`] makes it an error message; the name of the server is given there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TransportError {
    /// No TCP connection: the name does not resolve, nobody listens, there is no route.
    Unreachable {
        /// Where the connection was tried.
        address: String,
        /// What the system said.
        reason: String,
    },
    /// A time limit passed.
    Timeout {
        /// What did not happen in time.
        phase: Phase,
        /// The limit.
        limit: Duration,
    },
    /// No `known_hosts` file has a key for the server.
    HostKeyUnknown {
        /// The name that was looked for, as `known_hosts` spells it.
        host: String,
        /// What the server presented: algorithm and `SHA256:...`.
        got: String,
        /// Where was looked.
        files: Vec<PathBuf>,
        /// Files and lines that could not be used, and why.
        notes: Vec<String>,
    },
    /// The server presented another key than the recorded one.
    HostKeyChanged {
        /// The name that was looked for.
        host: String,
        /// The recorded keys: algorithm and `SHA256:...`.
        expected: Vec<String>,
        /// What the server presented.
        got: String,
        /// Where the recorded key is; `None` when it was pinned by fleet.
        place: Option<Place>,
    },
    /// The server presented a key that is marked `@revoked`.
    HostKeyRevoked {
        /// The name that was looked for.
        host: String,
        /// The revoked key.
        got: String,
        /// Where it is revoked.
        place: Place,
    },
    /// The server presented a certificate that must not be accepted.
    HostCertificate {
        /// The name that was looked for.
        host: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The server took none of the keys.
    AuthRefused {
        /// The user that was to log in.
        user: String,
        /// The keys that were offered, in this order.
        tried: Vec<String>,
        /// Keys that were not offered, and why.
        skipped: Vec<String>,
        /// What the server would accept instead, or said.
        said: Vec<String>,
    },
    /// A key that is named in the inventory cannot be used.
    KeyUnusable {
        /// Its file.
        file: PathBuf,
        /// Why not.
        reason: String,
        /// What to do.
        hint: Option<String>,
    },
    /// `sudo` wants a password.
    SudoPassword {
        /// The user that runs `sudo`.
        user: String,
    },
    /// `sudo` is missing or refuses.
    NoSudo {
        /// The user that runs `sudo`.
        user: String,
        /// What `sudo` or the shell said.
        said: String,
    },
    /// The login shell did not start fleet's shell.
    Shell {
        /// Its exit status; `None` when a signal ended it.
        status: Option<i32>,
        /// What it printed.
        said: String,
    },
    /// The connection broke.
    Cut {
        /// What the system or the server said.
        reason: String,
    },
    /// sshd closed the connection before it said who it is: too many connections, or a penalty (`PerSourcePenalties`).
    Penalised {
        /// What it said, if anything.
        said: String,
        /// How long was waited before a second attempt, which failed too.
        waited: Option<Duration>,
    },
    /// The two sides cannot agree on the protocol.
    Protocol {
        /// What is wrong.
        reason: String,
    },
    /// The `ProxyCommand` of `ssh_config`(5) made no connection.
    ProxyCommand {
        /// The command, without tokens.
        command: String,
        /// What became of it.
        how: String,
        /// What it said on its standard error.
        said: String,
    },
    /// A host on the way could not be used.
    Jump {
        /// The host on the way, by its name where it is a server of the inventory.
        via: String,
        /// The server that it is.
        server: Option<ServerName>,
        /// What failed there.
        error: Box<TransportError>,
    },
    /// The settings for the server are not usable.
    Settings {
        /// What is wrong with them.
        reason: String,
        /// What to do.
        hint: Option<String>,
    },
    /// The conversation has ended already, by an `exit` in an earlier script or by an error.
    Ended,
}

impl TransportError {
    /// Whether the server as such could not be reached, as opposed to: it answers, but something is wrong there.
    ///
    /// This is what tells `offline` from `error` in a health sweep.
    pub fn is_unreachable(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::Cut { .. } | Self::ProxyCommand { .. } => true,
            Self::Timeout { phase, .. } => matches!(phase, Phase::Connect | Phase::Handshake),
            Self::Jump { error, .. } => error.is_unreachable(),
            _ => false,
        }
    }

    /// The message for an admin, with the next steps; `server` is the server it is about.
    pub fn diagnostic(&self, server: &ServerName) -> Diagnostic {
        let class = match self {
            Self::KeyUnusable { .. } | Self::Settings { .. } => Class::Usage,
            Self::Timeout { .. } => Class::Locked,
            _ => Class::Failed,
        };
        let mut diagnostic = Diagnostic::new(class, format!("server `{server}`: {self}"));
        for detail in self.details() {
            diagnostic = diagnostic.detail(detail);
        }
        for hint in self.hints(Some(server)) {
            diagnostic = diagnostic.hint(hint);
        }
        diagnostic
    }

    /// Lines that show the circumstances.
    fn details(&self) -> Vec<String> {
        match self {
            Self::HostKeyUnknown { notes, .. } => notes.clone(),
            Self::HostKeyChanged {
                expected,
                got,
                place,
                ..
            } => {
                let mut lines: Vec<String> = expected
                    .iter()
                    .map(|key| format!("recorded:  {key}"))
                    .collect();
                lines.push(format!("presented: {got}"));
                lines.extend(place.iter().map(|place| format!("recorded in {place}")));
                lines
            }
            Self::AuthRefused {
                tried,
                skipped,
                said,
                ..
            } => tried
                .iter()
                .map(|key| format!("tried {key}"))
                .chain(skipped.iter().map(|key| format!("not tried: {key}")))
                .chain(said.iter().cloned())
                .collect(),
            Self::NoSudo { said, .. }
            | Self::Shell { said, .. }
            | Self::ProxyCommand { said, .. } => said
                .lines()
                .filter(|line| !line.trim().is_empty())
                .map(str::to_owned)
                .collect(),
            Self::Jump { error, .. } => error.details(),
            _ => Vec::new(),
        }
    }

    /// What to do next; `server` is the one of the inventory that it is about, if it is one.
    fn hints(&self, server: Option<&ServerName>) -> Vec<String> {
        let hint = match self {
            Self::Unreachable { .. } => {
                "check `address` and `port` in the inventory, and that sshd runs and no firewall is in the way".to_owned()
            }
            Self::Timeout {
                phase: Phase::Connect,
                ..
            } => "the server is off, or a firewall drops the packets".to_owned(),
            Self::HostKeyUnknown { host, got, .. } => {
                let accept = match server {
                    Some(server) => accepting(server, got),
                    None => format!("accept it once with `ssh` to `{host}`"),
                };
                return vec![COMPARE.to_owned(), format!("then {accept}")];
            }
            Self::HostKeyChanged { host, got, place, .. } => {
                let forget = match (server, place) {
                    (Some(server), _) => accepting(server, got),
                    (None, Some(place)) => format!(
                        "`ssh-keygen -f {} -R '{host}'`, and accept the new key",
                        quote(&place.file.display().to_string())
                    ),
                    (None, None) => "accept the new key".to_owned(),
                };
                return vec![
                    "either the server was reinstalled, or somebody answers in its place: nothing was sent to it".to_owned(),
                    format!("if you know why it changed: {COMPARE}, then {forget}"),
                ];
            }
            Self::HostKeyRevoked { .. } => {
                "the key is known to be compromised; give the server a new host key".to_owned()
            }
            Self::AuthRefused { user, .. } => {
                let put = format!(
                    "put a public key of yours into `~{user}/.ssh/authorized_keys` on the server"
                );
                match server {
                    Some(server) => format!(
                        "{put}, or set `identity_file` or `user` for `{server}` in the inventory"
                    ),
                    None => put,
                }
            }
            Self::KeyUnusable {
                hint: Some(hint), ..
            }
            | Self::Settings {
                hint: Some(hint), ..
            } => hint.clone(),
            Self::SudoPassword { user } => format!(
                "allow it without a password (`{user} ALL=(ALL) NOPASSWD: ALL` in a file of /etc/sudoers.d), or log in as root"
            ),
            Self::NoSudo { user, said } if said.contains("must have a tty") => format!(
                "take `requiretty` away for `{user}` (`Defaults:{user} !requiretty` in a file of /etc/sudoers.d), or log in as root"
            ),
            Self::NoSudo { user, .. } => format!(
                "install sudo there and allow `{user}` to use it without a password, or log in as root and drop `become`"
            ),
            Self::Shell { .. } => {
                "fleet needs a login shell that runs commands, and a POSIX `/bin/sh`".to_owned()
            }
            Self::Penalised { .. } => {
                "wait a minute, then try again; see `PerSourcePenalties` and `MaxStartups` in sshd_config(5)".to_owned()
            }
            Self::ProxyCommand { .. } => {
                "run it by itself: its standard input and output must be a connection with sshd on the server".to_owned()
            }
            Self::Jump { server, error, .. } => return error.hints(server.as_ref()),
            _ => return Vec::new(),
        };
        vec![hint]
    }
}

/// How to find out which key is the right one.
const COMPARE: &str = "compare the fingerprint with the server's own (`ssh-keygen -lf` of the key of that type in /etc/ssh on its console)";

/// What accepts a key, which is given as algorithm and fingerprint.
fn accepting(server: &ServerName, got: &str) -> String {
    let fingerprint = got.split(' ').next_back().unwrap_or(got);
    format!("accept it with `fleet set-server {server} --fingerprint {fingerprint}`")
}

impl fmt::Display for TransportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreachable { address, reason } => {
                write!(f, "cannot be reached at `{address}`: {reason}")
            }
            Self::Timeout { phase, limit } => write!(f, "{phase} within {}", seconds(*limit)),
            Self::HostKeyUnknown { host, got, .. } => {
                write!(f, "the host key of `{host}` is not known: {got}")
            }
            Self::HostKeyChanged { host, .. } => {
                write!(f, "the host key of `{host}` is not the recorded one")
            }
            Self::HostKeyRevoked { host, got, place } => {
                write!(f, "the host key of `{host}` is revoked in {place}: {got}")
            }
            Self::HostCertificate { host, reason } => {
                write!(f, "the host certificate of `{host}` is not valid: {reason}")
            }
            Self::AuthRefused { user, tried, .. } if tried.is_empty() => {
                write!(f, "there is no key to log in as `{user}` with")
            }
            Self::AuthRefused { user, .. } => {
                write!(f, "the login as `{user}` was refused")
            }
            Self::KeyUnusable { file, reason, .. } => {
                write!(f, "the key `{}` cannot be used: {reason}", file.display())
            }
            Self::SudoPassword { user } => {
                write!(f, "sudo asks for a password for `{user}`")
            }
            Self::NoSudo { user, .. } => write!(f, "sudo does not work for `{user}`"),
            Self::Shell {
                status: Some(status),
                ..
            } => write!(
                f,
                "the login shell did not run the command (exit status {status})"
            ),
            Self::Shell { status: None, .. } => {
                write!(f, "the shell on the server was ended by a signal")
            }
            Self::Cut { reason } => write!(f, "the connection broke: {reason}"),
            Self::Penalised { said, waited } => {
                write!(f, "sshd closes the connection at once")?;
                if !said.is_empty() {
                    write!(f, ", saying `{said}`")?;
                }
                if let Some(waited) = waited {
                    write!(f, "; also after a pause of {}", seconds(*waited))?;
                }
                Ok(())
            }
            Self::Protocol { reason } => write!(f, "no SSH session: {reason}"),
            Self::ProxyCommand { command, how, .. } => {
                write!(f, "`ProxyCommand {command}` of ssh_config(5) {how}")
            }
            Self::Jump { via, error, .. } => write!(f, "by way of `{via}`: {error}"),
            Self::Settings { reason, .. } => f.write_str(reason),
            Self::Ended => f.write_str("the conversation has ended already"),
        }
    }
}

impl std::error::Error for TransportError {}

/// A duration as `20 s` or `0.5 s`.
fn seconds(duration: Duration) -> String {
    format!("{} s", duration.as_secs_f64())
}
