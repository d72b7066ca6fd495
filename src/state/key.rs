//! The key that seals secrets: a private file beside the configuration, made when the first secret is stored.
//!
//! The state database holds secrets only sealed (ChaCha20-Poly1305, RFC 8439, a random nonce each, bound to their
//! id), so that a copy of it or a backup gives none away without this file.

use std::fmt;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::hmac;
use ring::rand::{SecureRandom, SystemRandom};

use crate::diagnostic::Diagnostic;
use crate::kind::SecretId;
use crate::shell::Secret;

/// The first word of a key file.
const MARK: &str = "fleet-key-1";

/// A secret as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealed {
    /// What stands for it in specs.
    pub id: SecretId,
    /// Nonce, ciphertext and tag.
    pub bytes: Vec<u8>,
}

/// The key, ready for use.
pub struct SealingKey {
    aead: LessSafeKey,
    names: hmac::Key,
    salts: hmac::Key,
}

impl fmt::Debug for SealingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealingKey(…)")
    }
}

impl SealingKey {
    /// Reads the key file; an error when it is missing, readable by others, or no key.
    pub fn load(path: &Path) -> Result<Self, Diagnostic> {
        match read(path)? {
            Some(key) => Ok(key),
            None => Err(Diagnostic::failed(format!(
                "the key that opens stored secrets is not at `{}`",
                path.display()
            ))
            .hint("restore it from a backup, or name it with `FLEET_KEY_FILE`")
            .hint("a lost key cannot be replaced; what it sealed is to be set again")),
        }
    }

    /// Reads the key file, or makes it (0600) with a new random key.
    pub fn load_or_create(path: &Path) -> Result<Self, Diagnostic> {
        if let Some(key) = read(path)? {
            return Ok(key);
        }
        create(path).map_err(|error| {
            Diagnostic::failed(format!(
                "the key that seals secrets cannot be made at `{}`: {error}",
                path.display()
            ))
            .hint("`FLEET_KEY_FILE` names another place")
        })?;
        // Another fleet may have made it first: what counts is what is there now.
        Self::load(path)
    }

    /// Seals a secret. Equal secrets have equal ids, and the id tells nothing without the key.
    pub fn seal(&self, secret: &Secret) -> Result<Sealed, Diagnostic> {
        let tag = hmac::sign(&self.names, secret.reveal().as_bytes());
        let id = SecretId(format!("sec_{}", hex(&tag.as_ref()[..16])));
        let nonce: [u8; NONCE_LEN] = random().map_err(|()| no_random_bytes())?;
        let mut text = secret.reveal().as_bytes().to_vec();
        self.aead
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(id.0.as_bytes()),
                &mut text,
            )
            .map_err(|_| Diagnostic::failed("the secret is too long to be sealed"))?;
        let bytes = [&nonce[..], &text].concat();
        Ok(Sealed { id, bytes })
    }

    /// Opens a sealed secret; `None` when it was sealed with another key, for another id, or is damaged.
    pub fn open(&self, sealed: &Sealed) -> Option<Secret> {
        let (nonce, text) = sealed.bytes.split_at_checked(NONCE_LEN)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let mut text = text.to_vec();
        let opened = self
            .aead
            .open_in_place(nonce, Aad::from(sealed.id.0.as_bytes()), &mut text)
            .ok()?;
        Some(Secret::new(str::from_utf8(opened).ok()?))
    }

    /// Bytes that follow from `secret` and `purpose`, and that tell nothing of either without the key: a salt that
    /// is the same when the same password is given again.
    pub fn derive(&self, secret: &Secret, purpose: &str) -> [u8; 32] {
        let mut signing = hmac::Context::with_key(&self.salts);
        // The length keeps (`a`, `bc`) apart from (`ab`, `c`).
        signing.update(&(purpose.len() as u64).to_be_bytes());
        signing.update(purpose.as_bytes());
        signing.update(secret.reveal().as_bytes());
        let mut bytes = [0; 32];
        bytes.copy_from_slice(signing.sign().as_ref());
        bytes
    }

    /// One master key in the file, and a key for each use made from it, so that neither weakens the other.
    fn from_master(master: &[u8; 32]) -> Option<Self> {
        let master = hmac::Key::new(hmac::HMAC_SHA256, master);
        let aead = hmac::sign(&master, b"fleet: seal");
        let names = hmac::sign(&master, b"fleet: names of secrets");
        let salts = hmac::sign(&master, b"fleet: salts");
        Some(Self {
            aead: LessSafeKey::new(UnboundKey::new(&CHACHA20_POLY1305, aead.as_ref()).ok()?),
            names: hmac::Key::new(hmac::HMAC_SHA256, names.as_ref()),
            salts: hmac::Key::new(hmac::HMAC_SHA256, salts.as_ref()),
        })
    }
}

/// The key at `path`; `None` when nothing is there.
fn read(path: &Path) -> Result<Option<SealingKey>, Diagnostic> {
    let shown = path.display();
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => {
            return Err(Diagnostic::failed(format!(
                "the key file `{shown}` cannot be read: {error}"
            )));
        }
    };
    let mut text = String::new();
    let mode = file
        .metadata()
        .and_then(|found| {
            Read::take(&mut file, 4096).read_to_string(&mut text)?;
            Ok(found.mode())
        })
        .map_err(|error| {
            Diagnostic::failed(format!("the key file `{shown}` cannot be read: {error}"))
        })?;
    if mode & 0o077 != 0 {
        return Err(Diagnostic::failed(format!(
            "the key file `{shown}` can be used by others (mode {:04o})",
            mode & 0o7777
        ))
        .hint(format!(
            "`chmod 600 {shown}`, and consider who may have read it"
        )));
    }
    let key = text
        .trim()
        .strip_prefix(MARK)
        .and_then(|rest| unhex(rest.trim()))
        .and_then(|master| SealingKey::from_master(&master));
    match key {
        Some(key) => Ok(Some(key)),
        None => Err(Diagnostic::failed(format!(
            "the key file `{shown}` does not hold a fleet key"
        ))
        .hint("restore it from a backup, or name another with `FLEET_KEY_FILE`")),
    }
}

/// Makes the key file. It appears whole under its name, and one that is there already is left alone.
fn create(path: &Path) -> std::io::Result<()> {
    let no_random = |()| std::io::Error::other("the operating system gives no random bytes");
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(directory)?;
    let master: [u8; 32] = random().map_err(no_random)?;
    let mark: [u8; 8] = random().map_err(no_random)?;
    let mut unfinished = path.as_os_str().to_owned();
    unfinished.push(format!(".{}", hex(&mark)));
    let unfinished = PathBuf::from(unfinished);
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&unfinished)?;
    let made = file
        .write_all(format!("{MARK} {}\n", hex(&master)).as_bytes())
        .and_then(|()| file.sync_all())
        .and_then(|()| match std::fs::hard_link(&unfinished, path) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
            linked => linked,
        });
    std::fs::remove_file(&unfinished)?;
    made?;
    // Without this a power cut may keep what was sealed and lose the name of the key.
    File::open(directory)?.sync_all()
}

fn random<const N: usize>() -> Result<[u8; N], ()> {
    let mut bytes = [0; N];
    SystemRandom::new().fill(&mut bytes).map_err(|_| ())?;
    Ok(bytes)
}

fn no_random_bytes() -> Diagnostic {
    Diagnostic::failed("the operating system gives no random bytes")
}

fn hex(bytes: &[u8]) -> String {
    let digit = |value: u8| char::from(b"0123456789abcdef"[usize::from(value)]);
    let pairs = bytes.iter().flat_map(|b| [digit(b >> 4), digit(b & 15)]);
    pairs.collect()
}

fn unhex(text: &str) -> Option<[u8; 32]> {
    if text.len() != 64 || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    let mut bytes = [0; 32];
    for (index, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[2 * index..2 * index + 2], 16).ok()?;
    }
    Some(bytes)
}
