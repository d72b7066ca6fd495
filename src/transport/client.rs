//! What russh asks of us while a connection lives: whether the host key is right, and what the server may begin.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use russh::Channel;
use russh::client::{self, ChannelOpenHandle, DisconnectReason, Msg, Session};
use russh::keys::PublicKeyOrCertificate;

use super::error::TransportError;
use super::known_hosts::Policy;

/// How many questions may stay without an answer: the next part of the time for silence ends the connection.
pub(super) const UNANSWERED: u8 = 3;

/// What ends a connection to a server that has lost its power or its network.
const NO_LIFE: &str = "the server shows no sign of life any more";

/// The most that is shown of what a server says, in characters.
const SHOWN: usize = 300;

/// What a connection learns while it is made and lost.
#[derive(Default)]
pub(super) struct Notes {
    pub(super) host_key: Option<String>,
    pub(super) seen: Option<(russh::keys::PublicKey, Result<(), TransportError>)>,
    pub(super) lost: Option<String>,
    pub(super) banner: String,
}

/// russh's view of us.
pub(super) struct Client {
    pub(super) policy: Policy,
    /// Whether the host key is only looked at.
    pub(super) looking: bool,
    pub(super) notes: Arc<Mutex<Notes>>,
}

impl Client {
    fn note(&self, change: impl FnOnce(&mut Notes)) {
        change(&mut self.notes.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

/// Why a handshake failed.
#[derive(Debug)]
pub(super) enum Rejection {
    Ssh(russh::Error),
    HostKey(TransportError),
    /// The server opened a channel to us. Nothing is forwarded, so no honest server does; a hostile one could fill the
    /// memory with them.
    Uninvited,
}

impl Rejection {
    pub(super) const UNINVITED: &str = "the server opened a channel that nobody had asked for";
}

impl From<russh::Error> for Rejection {
    fn from(error: russh::Error) -> Self {
        Self::Ssh(error)
    }
}

impl client::Handler for Client {
    type Error = Rejection;

    async fn check_server_key(
        &mut self,
        presented: &PublicKeyOrCertificate,
    ) -> Result<bool, Rejection> {
        let verdict = match presented {
            PublicKeyOrCertificate::PublicKey { key, .. } => self.policy.check_key(key),
            PublicKeyOrCertificate::Certificate(certificate) => self
                .policy
                .check_certificate(certificate, SystemTime::now()),
        };
        let key = presented.public_key();
        self.note(|notes| {
            notes.host_key = Some(key.fingerprint(russh::keys::HashAlg::Sha256).to_string());
            notes.seen = Some((key, verdict.clone()));
        });
        if self.looking {
            return Ok(false);
        }
        verdict.map(|()| true).map_err(Rejection::HostKey)
    }

    async fn auth_banner(&mut self, banner: &str, _: &mut Session) -> Result<(), Rejection> {
        let banner: String = banner.chars().take(1024).collect();
        self.note(|notes| notes.banner = banner);
        Ok(())
    }

    async fn disconnected(&mut self, reason: DisconnectReason<Rejection>) -> Result<(), Rejection> {
        let lost = match &reason {
            DisconnectReason::ReceivedDisconnect(info) => {
                format!("the server hung up: {}", one_line(&info.message))
            }
            DisconnectReason::Error(Rejection::Ssh(error)) => words(error),
            DisconnectReason::Error(Rejection::HostKey(error)) => error.to_string(),
            DisconnectReason::Error(Rejection::Uninvited) => Rejection::UNINVITED.to_owned(),
        };
        self.note(|notes| notes.lost = Some(lost));
        Ok(())
    }

    async fn server_channel_open_forwarded_tcpip(
        &mut self,
        _: Channel<Msg>,
        _: &str,
        _: u32,
        _: &str,
        _: u32,
        _: ChannelOpenHandle,
        _: &mut Session,
    ) -> Result<(), Rejection> {
        Err(Rejection::Uninvited)
    }

    async fn server_channel_open_forwarded_streamlocal(
        &mut self,
        _: Channel<Msg>,
        _: &str,
        _: ChannelOpenHandle,
        _: &mut Session,
    ) -> Result<(), Rejection> {
        Err(Rejection::Uninvited)
    }

    async fn server_channel_open_agent_forward(
        &mut self,
        _: Channel<Msg>,
        _: ChannelOpenHandle,
        _: &mut Session,
    ) -> Result<(), Rejection> {
        Err(Rejection::Uninvited)
    }

    async fn server_channel_open_session(
        &mut self,
        _: Channel<Msg>,
        _: ChannelOpenHandle,
        _: &mut Session,
    ) -> Result<(), Rejection> {
        Err(Rejection::Uninvited)
    }

    async fn server_channel_open_direct_tcpip(
        &mut self,
        _: Channel<Msg>,
        _: &str,
        _: u32,
        _: &str,
        _: u32,
        _: ChannelOpenHandle,
        _: &mut Session,
    ) -> Result<(), Rejection> {
        Err(Rejection::Uninvited)
    }

    async fn server_channel_open_direct_streamlocal(
        &mut self,
        _: Channel<Msg>,
        _: &str,
        _: ChannelOpenHandle,
        _: &mut Session,
    ) -> Result<(), Rejection> {
        Err(Rejection::Uninvited)
    }

    async fn server_channel_open_x11(
        &mut self,
        _: Channel<Msg>,
        _: &str,
        _: u32,
        _: ChannelOpenHandle,
        _: &mut Session,
    ) -> Result<(), Rejection> {
        Err(Rejection::Uninvited)
    }
}

/// An error of russh in words of ours.
pub(super) fn words(error: &russh::Error) -> String {
    match error {
        russh::Error::Disconnect | russh::Error::HUP | russh::Error::RecvError => {
            "the server closed it".to_owned()
        }
        russh::Error::IO(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
            "the server closed it".to_owned()
        }
        russh::Error::KeepaliveTimeout => NO_LIFE.to_owned(),
        russh::Error::IO(error) if error.kind() == std::io::ErrorKind::TimedOut => {
            NO_LIFE.to_owned()
        }
        russh::Error::IO(error) => error.to_string(),
        russh::Error::NoCommonAlgo { kind, theirs, .. } => format!(
            "the server knows no {kind:?} algorithm that fleet knows (it has {})",
            one_line(&theirs.join(", "))
        ),
        other => other.to_string(),
    }
}

/// What a server says, fit to stand in a sentence: on one line, and not endless.
fn one_line(text: &str) -> String {
    let words: Vec<&str> = text
        .split(|c: char| c.is_whitespace() || c.is_control())
        .filter(|word| !word.is_empty())
        .collect();
    words.join(" ").chars().take(SHOWN).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_server_says_stays_on_one_line() {
        assert_eq!(
            one_line(" bye\r\nweb-2: all is well\u{1b}[2J\0 "),
            "bye web-2: all is well [2J"
        );
        assert_eq!(one_line(&"x ".repeat(10_000)).chars().count(), SHOWN);
    }
}
