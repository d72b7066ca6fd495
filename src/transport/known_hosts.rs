//! Whether a host key is the right one, by the `known_hosts` files (sshd(8), section "`SSH_KNOWN_HOSTS` FILE FORMAT").
//!
//! The rules are those of OpenSSH with `StrictHostKeyChecking yes`; a test compares the two.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use ring::hmac;
use russh::keys::ssh_key::certificate::CertType;
use russh::keys::ssh_key::known_hosts::{HostPatterns, Marker};
use russh::keys::{Algorithm, Certificate, HashAlg, PublicKey};

use super::error::{Place, TransportError};
use super::pattern;

mod record;

pub(super) use record::{append, line, replace};

/// The port that `known_hosts` names without brackets.
const SSH_PORT: u16 = 22;

/// The files of a run, each read once.
#[derive(Default)]
pub(super) struct Files {
    read: Mutex<HashMap<PathBuf, Arc<File>>>,
}

impl Files {
    /// The file at `path`; a missing one is empty.
    pub(super) fn get(&self, path: &Path) -> Arc<File> {
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(file) = read.get(path) {
            return Arc::clone(file);
        }
        let file = Arc::new(File::read(path));
        read.insert(path.to_owned(), Arc::clone(&file));
        file
    }

    /// Forgets `path`, which has been written to.
    pub(super) fn forget(&self, path: &Path) {
        self.read
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(path);
    }
}

/// One `known_hosts` file, split into lines but not yet into keys: most lines are about other servers.
pub(super) struct File {
    path: PathBuf,
    lines: Vec<Line>,
    /// Why it could not be read.
    unreadable: Option<String>,
}

/// A line that may hold a key.
struct Line {
    number: usize,
    marker: Option<Marker>,
    /// A marker that is not known: OpenSSH skips such a line.
    hosts: Hosts,
    key: String,
}

/// Whom a line is about.
enum Hosts {
    Patterns(String),
    Hashed { salt: Vec<u8>, hash: [u8; 20] },
    Garbage,
}

impl File {
    fn read(path: &Path) -> Self {
        let (text, unreadable) = match std::fs::read(path) {
            Ok(bytes) => (String::from_utf8_lossy(&bytes).into_owned(), None),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => (String::new(), None),
            Err(error) => (String::new(), Some(error.to_string())),
        };
        Self {
            unreadable,
            ..Self::parse(path, &text)
        }
    }

    /// Splits `text`; nothing in it is an error before it is needed.
    pub(super) fn parse(path: &Path, text: &str) -> Self {
        let lines = text
            .lines()
            .enumerate()
            .filter_map(|(index, line)| Line::parse(index + 1, line))
            .collect();
        Self {
            path: path.to_owned(),
            lines,
            unreadable: None,
        }
    }
}

impl Line {
    /// Splits a line at blanks and tabs; `None` for comments and empty lines.
    fn parse(number: usize, text: &str) -> Option<Self> {
        let text = text.trim();
        if text.is_empty() || text.starts_with('#') {
            return None;
        }
        let mut words = text.split_ascii_whitespace();
        let mut first = words.next()?;
        let mut marker = None;
        let mut garbage = false;
        if first.starts_with('@') {
            marker = first.parse().ok();
            garbage = marker.is_none();
            first = words.next().unwrap_or_default();
        }
        let hosts = if garbage {
            Hosts::Garbage
        } else if first.starts_with('|') {
            match first.parse() {
                Ok(HostPatterns::HashedName { salt, hash }) => Hosts::Hashed { salt, hash },
                _ => Hosts::Garbage,
            }
        } else {
            Hosts::Patterns(first.to_owned())
        };
        let algorithm = words.next().unwrap_or_default();
        let blob = words.next().unwrap_or_default();
        Some(Self {
            number,
            marker,
            hosts,
            key: format!("{algorithm} {blob}"),
        })
    }

    fn matches(&self, name: &str) -> bool {
        match &self.hosts {
            Hosts::Patterns(patterns) => pattern::list_matches(patterns, name),
            Hosts::Hashed { salt, hash } => {
                let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, salt);
                hmac::sign(&key, name.as_bytes()).as_ref() == hash
            }
            Hosts::Garbage => false,
        }
    }
}

/// The name of a server for its host key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct HostName {
    /// What `known_hosts` lines are matched with: `name`, or `[name]:port`.
    pub(super) lookup: String,
    /// The second try of OpenSSH for a port other than 22.
    without_port: Option<String>,
    /// The name that a host certificate has to carry.
    principal: String,
}

impl HostName {
    /// For a server at `host` and `port`, with `HostKeyAlias` of `ssh_config`(5) if there is one.
    pub(super) fn new(host: &str, port: u16, alias: Option<&str>) -> Self {
        if let Some(alias) = alias {
            return Self {
                lookup: alias.to_ascii_lowercase(),
                without_port: None,
                principal: alias.to_owned(),
            };
        }
        let host = host.to_ascii_lowercase();
        if port == SSH_PORT {
            Self {
                lookup: host.clone(),
                without_port: None,
                principal: host,
            }
        } else {
            Self {
                lookup: format!("[{host}]:{port}"),
                without_port: Some(host.clone()),
                principal: host,
            }
        }
    }
}

/// One key that is recorded for a server.
struct Recorded {
    marker: Option<Marker>,
    key: PublicKey,
    place: Place,
}

/// What is recorded for one server, ready to judge the key it presents.
pub(super) struct Policy {
    name: HostName,
    /// Fingerprints that fleet itself has pinned; when there are any, a plain key must be one of them.
    pinned: Vec<String>,
    recorded: Vec<Recorded>,
    /// Recorded under the name without the port.
    fallback: Vec<Recorded>,
    files: Vec<PathBuf>,
    notes: Vec<String>,
}

impl Policy {
    /// Collects what `files` say about `name`.
    pub(super) fn new(name: HostName, files: &[Arc<File>], pinned: Vec<String>) -> Self {
        let mut notes = Vec::new();
        for file in files {
            if let Some(reason) = &file.unreadable {
                notes.push(format!(
                    "`{}` cannot be read: {reason}",
                    file.path.display()
                ));
            }
        }
        let recorded = collect(&name.lookup, files, &mut notes);
        let fallback = name
            .without_port
            .as_deref()
            .map(|name| collect(name, files, &mut notes))
            .unwrap_or_default();
        Self {
            name,
            pinned,
            recorded,
            fallback,
            files: files.iter().map(|file| file.path.clone()).collect(),
            notes,
        }
    }

    /// The algorithms to ask the server for, those with a recorded key first: a server has several keys, and
    /// presents the one that is asked for.
    pub(super) fn algorithms(&self, all: &[Algorithm]) -> Vec<Algorithm> {
        let known: Vec<Algorithm> = self
            .recorded
            .iter()
            .chain(&self.fallback)
            .filter(|entry| entry.marker.is_none())
            .map(|entry| family(&entry.key.algorithm()))
            .collect();
        let (mut first, rest): (Vec<_>, Vec<_>) = all
            .iter()
            .cloned()
            .partition(|algorithm| known.contains(&family(algorithm)));
        first.extend(rest);
        first
    }

    /// Whether there is any key to compare with.
    pub(super) fn is_known(&self) -> bool {
        !(self.recorded.is_empty() && self.fallback.is_empty() && self.pinned.is_empty())
    }

    /// Whether a certificate authority may speak for the server.
    pub(super) fn has_authority(&self) -> bool {
        self.recorded
            .iter()
            .any(|entry| entry.marker == Some(Marker::CertAuthority))
    }

    /// Judges a plain host key.
    pub(super) fn check_key(&self, key: &PublicKey) -> Result<(), TransportError> {
        self.check_revoked(key)?;
        let got = describe(key);
        if !self.pinned.is_empty() {
            let fingerprint = key.fingerprint(HashAlg::Sha256).to_string();
            return if self.pinned.contains(&fingerprint) {
                Ok(())
            } else {
                Err(TransportError::HostKeyChanged {
                    host: self.name.lookup.clone(),
                    expected: self.pinned.clone(),
                    got,
                    place: None,
                })
            };
        }
        let plain = || self.recorded.iter().filter(|entry| entry.marker.is_none());
        if plain().any(|entry| same(&entry.key, key)) {
            return Ok(());
        }
        if let Some(first) = plain().next() {
            return Err(TransportError::HostKeyChanged {
                host: self.name.lookup.clone(),
                expected: plain().map(|entry| describe(&entry.key)).collect(),
                got,
                place: Some(first.place.clone()),
            });
        }
        if self
            .fallback
            .iter()
            .any(|entry| entry.marker.is_none() && same(&entry.key, key))
        {
            return Ok(());
        }
        Err(TransportError::HostKeyUnknown {
            host: self.name.lookup.clone(),
            got,
            files: self.files.clone(),
            notes: self.notes.clone(),
        })
    }

    /// Judges a host certificate; one whose authority is not trusted counts as the plain key it certifies.
    pub(super) fn check_certificate(
        &self,
        certificate: &Certificate,
        now: SystemTime,
    ) -> Result<(), TransportError> {
        let key = PublicKey::new(certificate.public_key().clone(), "");
        self.check_revoked(&key)?;
        let authority = PublicKey::new(certificate.signature_key().clone(), "");
        self.check_revoked(&authority)?;
        let trusted = self.recorded.iter().any(|entry| {
            entry.marker == Some(Marker::CertAuthority) && same(&entry.key, &authority)
        });
        if !trusted || !self.pinned.is_empty() {
            return self.check_key(&key);
        }
        match certificate_fault(certificate, &self.name.principal, now) {
            None => Ok(()),
            Some(reason) => Err(TransportError::HostCertificate {
                host: self.name.lookup.clone(),
                reason,
            }),
        }
    }

    fn check_revoked(&self, key: &PublicKey) -> Result<(), TransportError> {
        let revoked = self
            .recorded
            .iter()
            .chain(&self.fallback)
            .find(|entry| entry.marker == Some(Marker::Revoked) && same(&entry.key, key));
        match revoked {
            None => Ok(()),
            Some(entry) => Err(TransportError::HostKeyRevoked {
                host: self.name.lookup.clone(),
                got: describe(key),
                place: entry.place.clone(),
            }),
        }
    }
}

/// What is wrong with a certificate of a trusted authority (PROTOCOL.certkeys of OpenSSH).
fn certificate_fault(
    certificate: &Certificate,
    principal: &str,
    now: SystemTime,
) -> Option<String> {
    if certificate.cert_type() != CertType::Host {
        return Some("it is not a host certificate".to_owned());
    }
    let now = now
        .duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0, |since| since.as_secs());
    let authority = certificate.signature_key().fingerprint(HashAlg::Sha256);
    if now < certificate.valid_after() {
        return Some("it is not valid yet".to_owned());
    }
    if now >= certificate.valid_before() {
        return Some("it has expired".to_owned());
    }
    if certificate.validate_at(now, [&authority]).is_err() {
        return Some("its signature is wrong".to_owned());
    }
    // What OpenSSH has left out of `CASignatureAlgorithms` since 8.2; the library would take them.
    if matches!(
        certificate.signature().algorithm(),
        Algorithm::Rsa { hash: None } | Algorithm::Dsa
    ) {
        return Some("it is signed with SHA-1".to_owned());
    }
    if !certificate.critical_options().is_empty() {
        return Some("it has critical options, of which a host certificate knows none".to_owned());
    }
    let principals = certificate.valid_principals();
    // As names, not as patterns: ssh(1) takes no wildcards here either.
    if principals.is_empty() || principals.iter().any(|name| name == principal) {
        None
    } else {
        Some(format!("it is for {}", principals.join(", ")))
    }
}

/// Every key that `files` have for `name`.
fn collect(name: &str, files: &[Arc<File>], notes: &mut Vec<String>) -> Vec<Recorded> {
    let mut found = Vec::new();
    for file in files {
        for line in file.lines.iter().filter(|line| line.matches(name)) {
            match PublicKey::from_openssh(&line.key) {
                Ok(key) => found.push(Recorded {
                    marker: line.marker,
                    key,
                    place: Place {
                        file: file.path.clone(),
                        line: line.number,
                    },
                }),
                Err(_) => notes.push(format!(
                    "{}:{}: the key of this line cannot be read",
                    file.path.display(),
                    line.number
                )),
            }
        }
    }
    found
}

fn same(one: &PublicKey, other: &PublicKey) -> bool {
    one.key_data() == other.key_data()
}

/// An algorithm without the hash, which for RSA is no part of the key.
fn family(algorithm: &Algorithm) -> Algorithm {
    match algorithm {
        Algorithm::Rsa { .. } => Algorithm::Rsa { hash: None },
        other => other.clone(),
    }
}

/// A key as `ssh-ed25519 SHA256:...`.
pub(super) fn describe(key: &PublicKey) -> String {
    format!(
        "{} {}",
        key.algorithm().as_str(),
        key.fingerprint(HashAlg::Sha256)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_signed_with_sha_1_is_refused() {
        let authority = include_str!("recorded/authority.pub");
        let line = format!("@cert-authority h.example {authority}");
        let file = Arc::new(File::parse(Path::new("known_hosts"), &line));
        let policy = Policy::new(HostName::new("h.example", 22, None), &[file], Vec::new());
        for (text, fault) in [
            (include_str!("recorded/host-cert-sha512.pub"), None),
            (
                include_str!("recorded/host-cert-sha1.pub"),
                Some("it is signed with SHA-1"),
            ),
        ] {
            let certificate = Certificate::from_openssh(text.trim()).expect("a certificate");
            let verdict = policy.check_certificate(&certificate, SystemTime::UNIX_EPOCH);
            assert_eq!(
                verdict.err(),
                fault.map(|fault| TransportError::HostCertificate {
                    host: "h.example".to_owned(),
                    reason: fault.to_owned(),
                })
            );
        }
    }
}
