//! One SSH connection: host key check, login, and the channel with the shell.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use russh::client::{self, Handle};
use russh::keys::Algorithm;
use russh::{ChannelReadHalf, ChannelWriteHalf, Disconnect, Preferred};
use tokio::time::{Instant, sleep, timeout_at};

use super::auth::{Candidates, LoginFailure};
use super::bootstrap::Marks;
use super::client::{Client, Notes, Rejection, UNANSWERED, words};
use super::dial::{Dialled, dial};
use super::error::{Phase, TransportError};
use super::jump::{Hops, Lease};
use super::known_hosts::{self, Files, Policy};
use super::proxy::Helper;
use super::settings::{Notice, Settings};
use super::ssh_config::Answers;
use super::stream::Greeting;
use super::target::Target;
use super::{HostKey, Peer};

/// How long to wait for the reason of a broken connection.
const REASON: Duration = Duration::from_millis(200);

/// What all connections of a run share.
pub(super) struct Shared {
    pub(super) settings: Settings,
    pub(super) known_hosts: Files,
    pub(super) ssh_config: Answers,
    pub(super) hops: Hops,
}

impl Shared {
    pub(super) fn new(settings: Settings) -> Self {
        Self {
            settings,
            known_hosts: Files::default(),
            ssh_config: Answers::new(),
            hops: Hops::default(),
        }
    }

    /// What is recorded about the host key of `target`.
    fn policy(&self, target: &Target) -> Policy {
        let files: Vec<_> = target
            .user_known_hosts
            .iter()
            .chain(&target.global_known_hosts)
            .map(|path| self.known_hosts.get(path))
            .collect();
        Policy::new(target.host_name.clone(), &files, target.pinned.clone())
    }
}

/// An open connection, kept for as long as its session.
pub(super) struct Connection {
    handle: Handle<Client>,
    before: Option<Lease>,
    helper: Option<Helper>,
    notes: Arc<Mutex<Notes>>,
}

impl Connection {
    /// Why the connection has gone.
    pub(super) async fn cut(&self) -> TransportError {
        let error = lost(&self.notes).await;
        match (error, self.helper.clone()) {
            (TransportError::Cut { reason }, Some(mut helper)) => TransportError::Cut {
                reason: match helper.last_words().await {
                    Some(words) => format!("{reason}; its ProxyCommand says `{words}`"),
                    None => reason,
                },
            },
            (error, _) => error,
        }
    }

    /// Hangs up in order.
    pub(super) async fn close(self) {
        drop(
            self.handle
                .disconnect(Disconnect::ByApplication, "", "")
                .await,
        );
        drop(self.handle.await);
    }
}

/// The reason of a broken connection, which the other task may be about to write down.
async fn lost(notes: &Mutex<Notes>) -> TransportError {
    let until = Instant::now() + REASON;
    loop {
        let reason = notes
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .lost
            .clone();
        if reason.is_some() || Instant::now() > until {
            return TransportError::Cut {
                reason: reason.unwrap_or_else(|| "the server closed it".to_owned()),
            };
        }
        sleep(Duration::from_millis(5)).await;
    }
}

/// A session in the making.
pub(super) struct Opened {
    pub(super) reader: ChannelReadHalf,
    pub(super) writer: ChannelWriteHalf<client::Msg>,
    pub(super) connection: Connection,
    pub(super) peer: Peer,
}

/// Connects, logs in and starts the shell.
pub(super) async fn open(
    shared: &Shared,
    target: &Target,
    marks: &Marks,
) -> Result<Opened, TransportError> {
    let mut made = connect_and_log_in(shared, target).await?;
    let limits = &shared.settings.limits;
    let channel = timeout_at(made.deadline, made.connection.handle.channel_open_session())
        .await
        .map_err(|_| slow(shared))?;
    let channel = match channel {
        Ok(channel) => channel,
        Err(russh::Error::ChannelOpenFailure(reason)) => {
            return Err(TransportError::Protocol {
                reason: format!("the server opens no session: {reason:?}"),
            });
        }
        Err(_) => return Err(made.connection.cut().await),
    };
    // The answer is not waited for: the first script follows at once.
    let command = marks.login_command(limits.hold, target.sudo);
    if channel.exec(false, command).await.is_err() {
        return Err(made.connection.cut().await);
    }
    made.peer.handshake = made.started.elapsed().saturating_sub(made.peer.connect);
    let (reader, writer) = channel.split();
    Ok(Opened {
        reader,
        writer,
        connection: made.connection,
        peer: made.peer,
    })
}

/// Connects to a host on the way and logs in there.
pub(super) async fn log_in(
    shared: &Shared,
    target: &Target,
) -> Result<(Handle<Client>, Option<Lease>), TransportError> {
    let made = connect_and_log_in(shared, target).await?;
    Ok((made.connection.handle, made.connection.before))
}

/// A connection after the login.
struct Made {
    connection: Connection,
    peer: Peer,
    started: Instant,
    deadline: Instant,
}

async fn connect_and_log_in(shared: &Shared, target: &Target) -> Result<Made, TransportError> {
    // First of all: a key that cannot be used should not cost a connection.
    let candidates = shared
        .settings
        .keys
        .candidates(&target.identities, &shared.settings.identities)
        .await?;
    let started = Instant::now();
    let mut shaken = shake_hands(shared, target, false).await?;
    let mut deadline = shaken.deadline;
    let login_key = log_in_with(shared, target, candidates, &mut shaken, &mut deadline).await?;
    let host_key = shaken
        .notes
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .host_key
        .clone();
    Ok(Made {
        peer: Peer {
            user: target.user.clone(),
            host_key,
            login_key: Some(login_key),
            version: shaken.greeting.version(),
            connect: shaken.connect,
            handshake: Duration::ZERO,
        },
        connection: Connection {
            handle: shaken.handle,
            before: shaken.before,
            helper: shaken.helper,
            notes: shaken.notes,
        },
        started,
        deadline,
    })
}

async fn log_in_with(
    shared: &Shared,
    target: &Target,
    candidates: Candidates,
    shaken: &mut Shaken,
    deadline: &mut Instant,
) -> Result<String, TransportError> {
    let outcome = shared
        .settings
        .keys
        .log_in(&mut shaken.handle, target, candidates, deadline)
        .await;
    match outcome {
        Ok(key) => Ok(key),
        Err(LoginFailure::Known(TransportError::AuthRefused {
            user,
            tried,
            skipped,
            mut said,
        })) => {
            let notes = shaken.notes.lock().unwrap_or_else(PoisonError::into_inner);
            if !notes.banner.trim().is_empty() {
                said.push(format!("the server says: {}", notes.banner.trim()));
            }
            Err(TransportError::AuthRefused {
                user,
                tried,
                skipped,
                said,
            })
        }
        Err(LoginFailure::Known(error)) => Err(error),
        Err(LoginFailure::Slow) => Err(slow(shared)),
        Err(LoginFailure::HungUp { tried }) => {
            let error = lost(&shaken.notes).await;
            match error {
                // sshd hangs up by itself after `MaxAuthTries`.
                TransportError::Cut { reason } if reason.contains("authentication failures") => {
                    Err(TransportError::AuthRefused {
                        user: target.user.clone(),
                        tried,
                        skipped: Vec::new(),
                        said: vec![reason],
                    })
                }
                error => Err(error),
            }
        }
    }
}

fn slow(shared: &Shared) -> TransportError {
    TransportError::Timeout {
        phase: Phase::Handshake,
        limit: shared.settings.limits.handshake,
    }
}

/// Connects as far as the host key.
pub(super) async fn fetch_host_key(
    shared: &Shared,
    target: &Target,
) -> Result<HostKey, TransportError> {
    let looked = attempt(shared, target, true).await;
    let (notes, failure) = match looked {
        Ok(shaken) => (shaken.notes, None),
        Err(Failed { error, notes }) => (notes, Some(error)),
    };
    let seen = notes
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .seen
        .take();
    match (seen, failure) {
        (Some((key, verdict)), _) => Ok(HostKey {
            line: known_hosts::line(&target.host_name, &key),
            name: target.host_name.clone(),
            file: target.file_to_write(),
            key,
            verdict,
        }),
        (None, Some(error)) => Err(error),
        (None, None) => Err(TransportError::Protocol {
            reason: "the server presented no host key".to_owned(),
        }),
    }
}

/// A connection whose host key is the right one.
struct Shaken {
    handle: Handle<Client>,
    before: Option<Lease>,
    helper: Option<Helper>,
    notes: Arc<Mutex<Notes>>,
    greeting: Greeting,
    connect: Duration,
    deadline: Instant,
}

/// A handshake that failed.
struct Failed {
    error: TransportError,
    notes: Arc<Mutex<Notes>>,
}

/// Connects and checks the host key; one more time after a pause when sshd closes the connection at once.
async fn shake_hands(
    shared: &Shared,
    target: &Target,
    looking: bool,
) -> Result<Shaken, TransportError> {
    let first = match attempt(shared, target, looking).await {
        Ok(shaken) => return Ok(shaken),
        Err(failed) => failed.error,
    };
    let pause = shared.settings.limits.pause;
    let TransportError::Penalised { said, .. } = &first else {
        return Err(first);
    };
    if pause.is_zero() {
        return Err(first);
    }
    if let Some(tell) = &shared.settings.on_notice {
        tell(
            &target.name,
            &Notice::Pausing {
                said: said.clone(),
                pause,
            },
        );
    }
    sleep(pause).await;
    match attempt(shared, target, looking).await {
        Ok(shaken) => Ok(shaken),
        Err(Failed {
            error: TransportError::Penalised { said, .. },
            ..
        }) => Err(TransportError::Penalised {
            said,
            waited: Some(pause),
        }),
        Err(failed) => Err(failed.error),
    }
}

async fn attempt(shared: &Shared, target: &Target, looking: bool) -> Result<Shaken, Failed> {
    let limits = &shared.settings.limits;
    let notes = Arc::new(Mutex::new(Notes::default()));
    let failed = |error| Failed {
        error,
        notes: Arc::clone(&notes),
    };
    let started = Instant::now();
    let greeting = Greeting::default();
    let dialled = dial(shared, target, &greeting).await.map_err(failed)?;
    let Dialled {
        stream,
        before,
        mut helper,
    } = dialled;
    let connect = started.elapsed();
    // A program has yet to connect.
    let handshake = match &helper {
        Some(_) => limits.connect + limits.handshake,
        None => limits.handshake,
    };
    let deadline = Instant::now() + handshake;

    let policy = shared.policy(target);
    let known = policy.is_known();
    let config = Arc::new(config(&policy, limits.silence));
    let client = Client {
        policy,
        looking,
        notes: Arc::clone(&notes),
    };
    let shaking = timeout_at(deadline, client::connect_stream(config, stream, client));
    let error = match shaking.await {
        Ok(Ok(handle)) => {
            return Ok(Shaken {
                handle,
                before,
                helper,
                notes,
                greeting,
                connect,
                deadline,
            });
        }
        Ok(Err(Rejection::HostKey(error))) => error,
        Ok(Err(Rejection::Uninvited)) => TransportError::Protocol {
            reason: Rejection::UNINVITED.to_owned(),
        },
        Ok(Err(Rejection::Ssh(error))) => {
            let error = failure(&error, &greeting, known);
            match &mut helper {
                Some(helper) if greeting.version().is_none() => {
                    helper.blame().await.unwrap_or(error)
                }
                _ => error,
            }
        }
        Err(_) => match &helper {
            Some(helper) if greeting.version().is_none() => helper.slow(handshake),
            _ => slow(shared),
        },
    };
    Err(failed(error))
}

/// What a failed handshake means; `known` says whether there is a host key from better days.
fn failure(error: &russh::Error, greeting: &Greeting, known: bool) -> TransportError {
    let closed = matches!(
        error,
        russh::Error::IO(_) | russh::Error::Disconnect | russh::Error::HUP
    );
    let reason = words(error);
    if greeting.version().is_some() {
        return if closed {
            TransportError::Cut { reason }
        } else {
            TransportError::Protocol { reason }
        };
    }
    let said = greeting.words();
    // What sshd says for PerSourcePenalties (9.8) and MaxStartups; older ones say nothing.
    let refused = said.contains("Not allowed at this time") || said.contains("MaxStartups");
    if refused || (said.is_empty() && closed && known) {
        TransportError::Penalised { said, waited: None }
    } else if said.is_empty() {
        TransportError::Cut { reason }
    } else {
        TransportError::Protocol {
            reason: format!("this is not an SSH server: it says `{said}`"),
        }
    }
}

/// The algorithms and timers of a connection.
fn config(policy: &Policy, silence: Duration) -> client::Config {
    let mut preferred = Preferred::DEFAULT;
    let all: Vec<Algorithm> = preferred
        .key
        .iter()
        // RSA with SHA-1 is not what a host key should be checked with any more (OpenSSH 8.8 dropped it).
        .filter(|algorithm| !matches!(algorithm, Algorithm::Rsa { hash: None }))
        .cloned()
        .collect();
    if policy.has_authority() {
        preferred.host_key_certificates = all.clone().into();
    }
    preferred.key = policy.algorithms(&all).into();
    client::Config {
        preferred,
        nodelay: true,
        keepalive_interval: Some(silence / (u32::from(UNANSWERED) + 1)),
        keepalive_max: UNANSWERED.into(),
        ..client::Config::default()
    }
}
