//! The keys that seal secrets, as mathematics: a master key, what is made from it, and what it seals.
//!
//! The state database holds secrets only sealed (ChaCha20-Poly1305, RFC 8439, a random nonce each, bound to their
//! id), so that a copy of it or a backup gives none away without the key.

use std::fmt;

use argon2::{Algorithm, Argon2, Params, Version};
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::hmac;
use ring::rand::{SecureRandom, SystemRandom};
use zeroize::Zeroizing;

use crate::diagnostic::Diagnostic;
use crate::kind::SecretId;
use crate::shell::Secret;

/// What the sealed naming key is bound to; no secret has such an id.
const NAMING: &[u8] = b"fleet: key of the names";

/// A secret as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealed {
    /// What stands for it in specs.
    pub id: SecretId,
    /// Nonce, ciphertext and tag.
    pub bytes: Vec<u8>,
    /// Which key sealed it: see [`Sealing::epoch`].
    pub epoch: i64,
}

/// 32 bytes that open everything: a line of a key file, or what a passphrase comes to.
pub(super) struct Master(Zeroizing<[u8; 32]>);

/// How a passphrase becomes a key: Argon2id (RFC 9106) with these parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stretch {
    /// Makes it another key for each state database.
    pub salt: Vec<u8>,
    /// KiB of memory.
    pub memory: u32,
    /// Passes over it.
    pub passes: u32,
    /// Lanes.
    pub lanes: u32,
}

/// What the state database knows of the key in use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealing {
    /// Grows with each new key.
    pub epoch: i64,
    /// The key that names secrets, sealed: what opens this is the key in use.
    pub naming: Vec<u8>,
    /// How the key comes from a passphrase; `None` when it comes from a file or a command.
    pub stretch: Option<Stretch>,
}

/// The key, ready for use.
pub struct SealingKey {
    aead: LessSafeKey,
    names: hmac::Key,
    salts: hmac::Key,
    epoch: i64,
}

impl fmt::Debug for SealingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealingKey(…)")
    }
}

impl fmt::Debug for Master {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Master(…)")
    }
}

impl PartialEq for Master {
    fn eq(&self, other: &Self) -> bool {
        *self.0 == *other.0
    }
}

impl Master {
    /// A new random one.
    pub(super) fn generate() -> Result<Self, Diagnostic> {
        Ok(Self(Zeroizing::new(random()?)))
    }

    /// The same key once more.
    pub(super) fn copy(&self) -> Self {
        Self(self.0.clone())
    }

    /// The one that 64 hexadecimal digits spell.
    pub(super) fn from_hex(text: &str) -> Option<Self> {
        if text.len() != 64 || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
            return None;
        }
        let mut bytes = Zeroizing::new([0; 32]);
        for (index, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&text[2 * index..2 * index + 2], 16).ok()?;
        }
        Some(Self(bytes))
    }

    /// Its 64 hexadecimal digits.
    pub(super) fn to_hex(&self) -> Zeroizing<String> {
        Zeroizing::new(hex(self.0.as_slice()))
    }

    /// The one that a passphrase comes to.
    pub(super) fn from_passphrase(passphrase: &Secret, how: &Stretch) -> Result<Self, Diagnostic> {
        let unfit = |error: argon2::Error| {
            Diagnostic::failed(format!("the passphrase cannot become a key: {error}"))
        };
        let params = Params::new(how.memory, how.passes, how.lanes, Some(32)).map_err(unfit)?;
        let mut bytes = Zeroizing::new([0; 32]);
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into(
                passphrase.reveal().as_bytes(),
                &how.salt,
                bytes.as_mut_slice(),
            )
            .map_err(unfit)?;
        Ok(Self(bytes))
    }

    fn aead(&self) -> Option<LessSafeKey> {
        let master = hmac::Key::new(hmac::HMAC_SHA256, self.0.as_slice());
        let aead = hmac::sign(&master, b"fleet: seal");
        Some(LessSafeKey::new(
            UnboundKey::new(&CHACHA20_POLY1305, aead.as_ref()).ok()?,
        ))
    }
}

impl Stretch {
    /// With a new salt: three passes over 64 MiB, the second recommended option of RFC 9106 (4).
    pub(super) fn generate() -> Result<Self, Diagnostic> {
        Ok(Self {
            salt: random::<16>()?.to_vec(),
            memory: 64 << 10,
            passes: 3,
            lanes: 4,
        })
    }
}

impl Sealing {
    /// What is to be stored when `master` becomes the key in use.
    ///
    /// The key of names is a new one: whoever has the old key cannot try guesses on the ids of what is sealed from now on.
    pub(super) fn begin(
        master: &Master,
        stretch: Option<Stretch>,
        epoch: i64,
    ) -> Result<Self, Diagnostic> {
        let aead = master.aead().ok_or_else(no_random_bytes)?;
        let naming = Zeroizing::new(random::<32>()?);
        Ok(Self {
            epoch,
            naming: seal(&aead, NAMING, naming.as_slice())?,
            stretch,
        })
    }
}

impl SealingKey {
    /// The key in use, when `master` is it.
    pub(super) fn new(master: &Master, sealing: &Sealing) -> Option<Self> {
        let aead = master.aead()?;
        let naming = open(&aead, NAMING, &sealing.naming)?;
        // A key for each use, so that neither weakens the other.
        let naming = hmac::Key::new(hmac::HMAC_SHA256, &naming);
        let names = hmac::sign(&naming, b"fleet: names of secrets");
        let salts = hmac::sign(&naming, b"fleet: salts");
        Some(Self {
            aead,
            names: hmac::Key::new(hmac::HMAC_SHA256, names.as_ref()),
            salts: hmac::Key::new(hmac::HMAC_SHA256, salts.as_ref()),
            epoch: sealing.epoch,
        })
    }

    /// See [`Sealing::epoch`].
    pub(super) fn epoch(&self) -> i64 {
        self.epoch
    }

    /// Seals a secret. Equal secrets have equal ids, and the id tells nothing without the key.
    pub fn seal(&self, secret: &Secret) -> Result<Sealed, Diagnostic> {
        let tag = hmac::sign(&self.names, secret.reveal().as_bytes());
        let id = SecretId(format!("sec_{}", hex(&tag.as_ref()[..16])));
        self.seal_as(&id, secret)
    }

    /// Seals a secret that has an id already.
    pub(super) fn seal_as(&self, id: &SecretId, secret: &Secret) -> Result<Sealed, Diagnostic> {
        Ok(Sealed {
            bytes: seal(&self.aead, id.0.as_bytes(), secret.reveal().as_bytes())?,
            id: id.clone(),
            epoch: self.epoch,
        })
    }

    /// Opens a sealed secret; `None` when it was sealed with another key, for another id, or is damaged.
    pub fn open(&self, id: &SecretId, sealed: &[u8]) -> Option<Secret> {
        let text = open(&self.aead, id.0.as_bytes(), sealed)?;
        Some(Secret::new(str::from_utf8(&text).ok()?))
    }

    /// Bytes that follow from `secret` and `purpose`, and that tell nothing of either without the key: a salt that
    /// is the same when the same password is given again (until the key changes).
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
}

fn seal(aead: &LessSafeKey, bound_to: &[u8], text: &[u8]) -> Result<Vec<u8>, Diagnostic> {
    let nonce: [u8; NONCE_LEN] = random()?;
    // Room for the tag, so that no copy of the text stays behind where it grows.
    let mut sealed = Vec::with_capacity(NONCE_LEN + text.len() + CHACHA20_POLY1305.tag_len());
    sealed.extend_from_slice(&nonce);
    sealed.extend_from_slice(text);
    let tag = aead
        .seal_in_place_separate_tag(
            Nonce::assume_unique_for_key(nonce),
            Aad::from(bound_to),
            &mut sealed[NONCE_LEN..],
        )
        .map_err(|_| Diagnostic::failed("the secret is too long to be sealed"))?;
    sealed.extend_from_slice(tag.as_ref());
    Ok(sealed)
}

fn open(aead: &LessSafeKey, bound_to: &[u8], sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let (nonce, text) = sealed.split_at_checked(NONCE_LEN)?;
    let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
    let mut text = Zeroizing::new(text.to_vec());
    let opened = aead
        .open_in_place(nonce, Aad::from(bound_to), &mut text)
        .ok()?;
    let length = opened.len();
    text.truncate(length);
    Some(text)
}

pub(super) fn random<const N: usize>() -> Result<[u8; N], Diagnostic> {
    let mut bytes = [0; N];
    let filled = SystemRandom::new().fill(&mut bytes);
    filled.map(|()| bytes).map_err(|_| no_random_bytes())
}

fn no_random_bytes() -> Diagnostic {
    Diagnostic::failed("the operating system gives no random bytes")
}

pub(super) fn hex(bytes: &[u8]) -> String {
    let digit = |value: u8| char::from(b"0123456789abcdef"[usize::from(value)]);
    let mut text = String::with_capacity(2 * bytes.len());
    text.extend(bytes.iter().flat_map(|b| [digit(b >> 4), digit(b & 15)]));
    text
}
