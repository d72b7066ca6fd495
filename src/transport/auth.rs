//! Logging in: which keys are offered in which order, and who signs with them.
//!
//! A key that the server refuses counts against us (`MaxAuthTries`, `PerSourcePenalties`), so the key that worked last
//! time goes first, and only a few are offered. A private key is decrypted only after the server said it would take it.

use std::collections::HashSet;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use russh::client::{AuthResult, Handle};
use russh::keys::agent::AgentIdentity;
use russh::keys::signature::Signer as _;
use russh::keys::ssh_encoding::Encode as _;
use russh::keys::ssh_key::certificate::CertType;
use russh::keys::ssh_key::private::KeypairData;
use russh::keys::{Certificate, HashAlg, PrivateKey, PublicKey};
use russh::{Signer, client};
use tokio::time::Instant;

use super::agent::{AgentKeys, Agents, Waiting, within};
use super::error::TransportError;
use super::keyfile::{self, KeyFile, Keyrings};
use super::target::{Identities, Target};

/// How many keys are offered: one less than `MaxAuthTries` of `sshd_config`(5) is by default.
const MOST_TRIES: usize = 5;

/// The keys to log in with, the same for all logins of a run: files are read and decrypted once, whatever the number
/// of [`super::Connector`]s, and agents asked once what they hold.
pub struct LoginKeys {
    files: Keyrings,
    agents: Agents,
}

/// Who signs for a key.
#[derive(Clone)]
enum Holder {
    Agent(PathBuf),
    File(Arc<KeyFile>),
}

/// A key that may be offered.
#[derive(Clone)]
struct Candidate {
    key: PublicKey,
    certificate: Option<Certificate>,
    holder: Holder,
    label: String,
}

impl Candidate {
    fn fingerprint(&self) -> String {
        self.key.fingerprint(HashAlg::Sha256).to_string()
    }
}

/// The candidates for one server, and what was left out.
#[derive(Default)]
pub(super) struct Candidates {
    list: Vec<Candidate>,
    skipped: Vec<String>,
}

impl fmt::Debug for LoginKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LoginKeys(…)")
    }
}

impl LoginKeys {
    /// Nothing is read or asked yet.
    pub fn new(passphrase: super::Passphrase) -> Self {
        Self {
            files: Keyrings::new(passphrase),
            agents: Agents::new(),
        }
    }

    /// The same with another limit for a signature of an agent.
    #[must_use]
    pub fn with_agent_limit(mut self, limit: Duration) -> Self {
        self.agents.limit = limit;
        self
    }

    /// Whether the user is asked for a passphrase, or an agent is signing, which may ask its user as well.
    pub(super) fn is_asking(&self) -> bool {
        self.files.is_asking() || self.agents.are_signing()
    }

    /// Whether there is somebody to ask for a passphrase.
    pub(super) fn asks(&self) -> bool {
        self.files.asks()
    }

    /// Asks for the passphrase of the key by which a server let us in the last time, where that comes first and is needed.
    /// That it cannot be used is told by whoever logs in.
    pub(super) async fn unlock_remembered(
        &self,
        identities: &Identities,
        default_files: &[PathBuf],
    ) {
        let Some(remembered) = &identities.remembered else {
            return;
        };
        let Ok(found) = self.candidates(identities, default_files).await else {
            return;
        };
        if let Some(first) = found.list.first()
            && first.fingerprint() == *remembered
            && let Holder::File(file) = &first.holder
        {
            drop(self.files.unlock(file).await);
        }
    }

    /// Logs in; returns `SHA256:...` of the key that was accepted.
    ///
    /// `deadline` holds for what passes between the two machines: a passphrase prompt and an agent move it.
    pub(super) async fn log_in<H: client::Handler>(
        &self,
        handle: &mut Handle<H>,
        target: &Target,
        candidates: Candidates,
        deadline: &mut Instant,
    ) -> Result<String, LoginFailure> {
        let Candidates { list, mut skipped } = candidates;
        let mut tried = Vec::new();
        let mut said = Vec::new();
        let mut locked = None;
        for (index, candidate) in list.iter().enumerate() {
            if index == MOST_TRIES {
                skipped.extend(list[index..].iter().map(|c| c.label.clone()));
                break;
            }
            tried.push(candidate.label.clone());
            match self.offer(handle, target, candidate, deadline).await? {
                Offer::Accepted => return Ok(candidate.fingerprint()),
                Offer::Refused {
                    methods,
                    partial: true,
                } => {
                    said.push(format!(
                        "the key was accepted, but the server wants more: {methods}"
                    ));
                    break;
                }
                Offer::Refused { methods, .. } => {
                    if !methods.is_empty() && !methods.split(", ").any(|m| m == "publickey") {
                        said.push(format!("the server accepts no keys, only: {methods}"));
                        break;
                    }
                }
                Offer::Unsigned(reason) => {
                    tried.pop();
                    skipped.push(format!("{}: {reason}", candidate.label));
                }
                Offer::Locked(error) if target.identities.required => {
                    return Err(LoginFailure::Known(error));
                }
                Offer::Locked(error) => {
                    tried.pop();
                    skipped.push(error.to_string());
                    locked.get_or_insert(error);
                }
                Offer::HungUp => return Err(LoginFailure::HungUp { tried }),
            }
        }
        // The server would have taken that one.
        Err(LoginFailure::Known(locked.unwrap_or(
            TransportError::AuthRefused {
                user: target.user.clone(),
                tried,
                skipped,
                said,
            },
        )))
    }

    /// Offers one key; asks for its passphrase when the server would take it.
    async fn offer<H: client::Handler>(
        &self,
        handle: &mut Handle<H>,
        target: &Target,
        candidate: &Candidate,
        deadline: &mut Instant,
    ) -> Result<Offer, LoginFailure> {
        loop {
            let waiting = Waiting::default();
            let attempt = self.attempt(handle, &target.user, candidate, &waiting);
            let attempt = within(deadline, &waiting, attempt)
                .await
                .ok_or(LoginFailure::Slow)?;
            return Ok(match attempt {
                Ok(AuthResult::Success) => Offer::Accepted,
                Ok(AuthResult::Failure {
                    remaining_methods,
                    partial_success,
                }) => {
                    let methods: Vec<String> = remaining_methods
                        .iter()
                        .map(|method| <&str>::from(method).to_owned())
                        .collect();
                    if methods.is_empty() && handle.is_closed() {
                        Offer::HungUp
                    } else {
                        Offer::Refused {
                            methods: methods.join(", "),
                            partial: partial_success,
                        }
                    }
                }
                Err(SignFailure::Locked) => {
                    if let Holder::File(file) = &candidate.holder {
                        let asked = Instant::now();
                        let unlocked = self.files.unlock(file).await;
                        *deadline += asked.elapsed();
                        match unlocked {
                            Ok(_) => continue,
                            Err(error) => return Ok(Offer::Locked(error)),
                        }
                    }
                    Offer::Unsigned("it is locked".to_owned())
                }
                Err(SignFailure::HungUp) => Offer::HungUp,
                Err(SignFailure::Failed(reason)) => Offer::Unsigned(reason),
            });
        }
    }

    async fn attempt<H: client::Handler>(
        &self,
        handle: &mut Handle<H>,
        user: &str,
        candidate: &Candidate,
        waiting: &Waiting,
    ) -> Result<AuthResult, SignFailure> {
        let mut signer = Pen {
            keys: self,
            holder: &candidate.holder,
            waiting,
        };
        // RSA with SHA-1 is dead, and every server since OpenSSH 7.2 takes SHA-512.
        let hash = match candidate.key.algorithm() {
            russh::keys::Algorithm::Rsa { .. } => Some(HashAlg::Sha512),
            _ => None,
        };
        match &candidate.certificate {
            Some(certificate) => {
                handle
                    .authenticate_certificate_with(user, certificate.clone(), hash, &mut signer)
                    .await
            }
            None => {
                handle
                    .authenticate_publickey_with(user, candidate.key.clone(), hash, &mut signer)
                    .await
            }
        }
    }

    /// The keys for a server, in the order in which they are offered.
    ///
    /// # Errors
    /// When a key that the inventory names cannot be used.
    pub(super) async fn candidates(
        &self,
        identities: &Identities,
        default_files: &[PathBuf],
    ) -> Result<Candidates, TransportError> {
        let mut found = Candidates::default();
        let agent = match &identities.agent {
            Some(socket) => self.agents.keys(socket).await,
            None => AgentKeys::default(),
        };
        if let (Some(fault), Some(socket)) = (&agent.fault, &identities.agent) {
            found
                .skipped
                .push(format!("the agent at `{}`: {fault}", socket.display()));
        }
        let named = !identities.files.is_empty();
        for file in &identities.files {
            self.add_file(&mut found, identities, &agent, file, true)
                .await?;
        }
        if !identities.only {
            for identity in &agent.identities {
                found.list.extend(from_agent(identity, identities));
            }
        }
        if !named {
            for file in default_files {
                self.add_file(&mut found, identities, &agent, file, false)
                    .await?;
            }
        }
        let mut seen = HashSet::new();
        found.list.retain(|candidate| {
            let certificate = candidate
                .certificate
                .as_ref()
                .and_then(|certificate| certificate.to_bytes().ok());
            seen.insert((candidate.fingerprint(), certificate))
        });
        if let Some(remembered) = &identities.remembered {
            found
                .list
                .sort_by_key(|candidate| candidate.fingerprint() != *remembered);
        }
        Ok(found)
    }

    /// Reads a key file and adds it.
    async fn add_file(
        &self,
        found: &mut Candidates,
        identities: &Identities,
        agent: &AgentKeys,
        path: &Path,
        named: bool,
    ) -> Result<(), TransportError> {
        let file = match self.files.load(path).await {
            Ok(file) => file,
            Err(TransportError::KeyUnusable { reason, .. }) if !identities.required => {
                if named || path.exists() {
                    found
                        .skipped
                        .push(format!("`{}`: {reason}", path.display()));
                }
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        let Some(key) = file.public().cloned() else {
            // An old encrypted format does not even show its public half.
            return match self.files.unlock(&file).await {
                Ok(secret) => {
                    let key = secret.public_key().clone();
                    add_key(found, identities, agent, &file, key)
                }
                Err(error) if identities.required => Err(error),
                Err(error) => {
                    found.skipped.push(error.to_string());
                    Ok(())
                }
            };
        };
        add_key(found, identities, agent, &file, key)
    }
}

/// Adds the key of a file, with its certificates in front.
fn add_key(
    found: &mut Candidates,
    identities: &Identities,
    agent: &AgentKeys,
    file: &Arc<KeyFile>,
    key: PublicKey,
) -> Result<(), TransportError> {
    let path = file.path();
    let in_agent = agent.identities.iter().any(|identity| {
        matches!(identity, AgentIdentity::PublicKey { .. })
            && identity.public_key().key_data() == key.key_data()
    });
    let holder = match (&identities.agent, in_agent, file.needs_help()) {
        (Some(socket), true, true) => Holder::Agent(socket.clone()),
        _ if file.is_public_only() => {
            let reason = "it is a public key, and no agent has the private one".to_owned();
            if identities.required {
                return Err(keyfile::unusable(path, reason));
            }
            found
                .skipped
                .push(format!("`{}`: {reason}", path.display()));
            return Ok(());
        }
        _ => Holder::File(Arc::clone(file)),
    };
    let label = format!(
        "{} {} (`{}`)",
        key.algorithm().as_str(),
        key.fingerprint(HashAlg::Sha256),
        path.display()
    );
    let mut beside = path.as_os_str().to_owned();
    beside.push("-cert.pub");
    let beside = PathBuf::from(beside);
    for file in std::iter::once(&beside).chain(&identities.certificates) {
        let certificate = match keyfile::certificate(file) {
            Ok(Some(certificate)) => certificate,
            Ok(None) => continue,
            Err(reason) => {
                found
                    .skipped
                    .push(format!("`{}`: {reason}", file.display()));
                continue;
            }
        };
        if certificate.public_key() != key.key_data() {
            continue;
        }
        match fault(&certificate) {
            None => found.list.push(Candidate {
                key: key.clone(),
                certificate: Some(certificate),
                holder: holder.clone(),
                label: format!("certificate `{}` of {label}", file.display()),
            }),
            Some(reason) => found
                .skipped
                .push(format!("`{}`: {reason}", file.display())),
        }
    }
    found.list.push(Candidate {
        key,
        certificate: None,
        holder,
        label,
    });
    Ok(())
}

/// What is wrong with a user certificate, so far as the client can tell.
fn fault(certificate: &Certificate) -> Option<String> {
    let now = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0, |since| since.as_secs());
    if certificate.cert_type() != CertType::User {
        Some("it is not a user certificate".to_owned())
    } else if now >= certificate.valid_before() {
        Some("the certificate has expired".to_owned())
    } else if now < certificate.valid_after() {
        Some("the certificate is not valid yet".to_owned())
    } else {
        None
    }
}

fn from_agent(identity: &AgentIdentity, identities: &Identities) -> Option<Candidate> {
    let socket = identities.agent.clone()?;
    let (key, certificate) = match identity {
        AgentIdentity::PublicKey { key, .. } => (key.clone(), None),
        AgentIdentity::Certificate { certificate, .. } => {
            if fault(certificate).is_some() {
                return None;
            }
            let key = PublicKey::new(certificate.public_key().clone(), "");
            (key, Some(certificate.clone()))
        }
    };
    let what = if certificate.is_some() {
        "certificate of "
    } else {
        ""
    };
    Some(Candidate {
        label: format!(
            "{what}{} {} (agent, `{}`)",
            key.algorithm().as_str(),
            key.fingerprint(HashAlg::Sha256),
            identity.comment()
        ),
        key,
        certificate,
        holder: Holder::Agent(socket),
    })
}

/// How an offered key fared.
enum Offer {
    Accepted,
    Refused {
        methods: String,
        partial: bool,
    },
    Unsigned(String),
    /// The server would take it, and its file cannot be decrypted.
    Locked(TransportError),
    HungUp,
}

/// Why a login failed.
pub(super) enum LoginFailure {
    /// It is clear why.
    Known(TransportError),
    /// The time limit passed.
    Slow,
    /// The server hung up after these tries.
    HungUp {
        /// The keys that were offered.
        tried: Vec<String>,
    },
}

/// Signs for one candidate.
struct Pen<'a> {
    keys: &'a LoginKeys,
    holder: &'a Holder,
    waiting: &'a Waiting,
}

/// Why there is no signature.
enum SignFailure {
    /// The key file has to be decrypted first.
    Locked,
    /// The connection has gone.
    HungUp,
    /// Something else.
    Failed(String),
}

impl From<russh::SendError> for SignFailure {
    fn from(_: russh::SendError) -> Self {
        Self::HungUp
    }
}

impl Signer for Pen<'_> {
    type Error = SignFailure;

    async fn auth_sign(
        &mut self,
        identity: &AgentIdentity,
        hash: Option<HashAlg>,
        to_sign: Vec<u8>,
    ) -> Result<Vec<u8>, SignFailure> {
        match self.holder {
            Holder::File(file) => match file.secret() {
                Some(secret) => sign(&secret, hash, to_sign)
                    .map_err(|error| SignFailure::Failed(error.to_string())),
                None => Err(SignFailure::Locked),
            },
            Holder::Agent(socket) => {
                self.waiting.begin();
                let signed = self.keys.agents.sign(socket, identity, hash, to_sign).await;
                self.waiting.end();
                signed.map_err(|reason| SignFailure::Failed(format!("the agent: {reason}")))
            }
        }
    }
}

/// Appends the signature of `to_sign` to it, as RFC 4252 section 7 wants it.
///
/// russh signs by itself, but names a certificate of an RSA key by the SHA-1 algorithm, which servers refuse.
fn sign(
    secret: &PrivateKey,
    hash: Option<HashAlg>,
    mut to_sign: Vec<u8>,
) -> Result<Vec<u8>, russh::keys::ssh_key::Error> {
    let signature = match secret.key_data() {
        KeypairData::Rsa(pair) => (pair, hash).try_sign(&to_sign)?,
        other => other.try_sign(&to_sign)?,
    };
    signature.encode_prefixed(&mut to_sign)?;
    Ok(to_sign)
}
