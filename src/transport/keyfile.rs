//! Private key files: read once per run, decrypted once and only when needed.

use std::collections::HashMap;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use russh::keys::{Certificate, PrivateKey, PublicKey};
use tokio::sync::{Mutex, OnceCell};
use tokio::task::spawn_blocking;

use super::error::TransportError;
use super::settings::Passphrase;
use crate::shell::{Secret, quote};

/// How often a user may mistype a passphrase.
const ATTEMPTS: u32 = 3;

/// A key file as it was read.
pub(super) struct KeyFile {
    path: PathBuf,
    public: Option<PublicKey>,
    encrypted: Option<Secret>,
    secret: OnceLock<Arc<PrivateKey>>,
    unlocking: OnceCell<Result<(), TransportError>>,
}

impl KeyFile {
    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The public half, if the file shows it.
    pub(super) fn public(&self) -> Option<&PublicKey> {
        self.public.as_ref()
    }

    /// The private half, if it was never encrypted or has been decrypted.
    pub(super) fn secret(&self) -> Option<Arc<PrivateKey>> {
        self.secret.get().cloned()
    }

    /// Whether an agent would be of use: the private half is encrypted, or elsewhere.
    pub(super) fn needs_help(&self) -> bool {
        self.secret.get().is_none()
    }

    /// Whether it holds no private key at all.
    pub(super) fn is_public_only(&self) -> bool {
        self.encrypted.is_none() && self.secret.get().is_none()
    }
}

/// The key files of a run.
pub(super) struct Keyrings {
    passphrase: Passphrase,
    files: Mutex<HashMap<PathBuf, Arc<OnceCell<Arc<KeyFile>>>>>,
    /// One question at a time.
    asking: Mutex<()>,
}

impl Keyrings {
    pub(super) fn new(passphrase: Passphrase) -> Self {
        Self {
            passphrase,
            files: Mutex::new(HashMap::new()),
            asking: Mutex::new(()),
        }
    }

    /// Whether a question for a passphrase is open, or a key is being decrypted after one.
    pub(super) fn is_asking(&self) -> bool {
        self.asking.try_lock().is_err()
    }

    /// Whether there is somebody to ask for a passphrase.
    pub(super) fn asks(&self) -> bool {
        matches!(self.passphrase, Passphrase::Ask(_))
    }

    /// Reads a key file, once.
    pub(super) async fn load(&self, path: &Path) -> Result<Arc<KeyFile>, TransportError> {
        let cell = Arc::clone(self.files.lock().await.entry(path.to_owned()).or_default());
        let owned = path.to_owned();
        cell.get_or_try_init(async || {
            let file = spawn_blocking(move || read(&owned))
                .await
                .map_err(|error| unusable(path, error.to_string()))??;
            Ok(Arc::new(file))
        })
        .await
        .cloned()
    }

    /// Decrypts a key file, once; the passphrase may be asked for.
    pub(super) async fn unlock(&self, file: &KeyFile) -> Result<Arc<PrivateKey>, TransportError> {
        let outcome = file
            .unlocking
            .get_or_init(async || self.decrypt(file).await)
            .await;
        outcome.clone()?;
        file.secret()
            .ok_or_else(|| unusable(&file.path, "it holds no private key".to_owned()))
    }

    async fn decrypt(&self, file: &KeyFile) -> Result<(), TransportError> {
        let Some(text) = &file.encrypted else {
            return Ok(());
        };
        let _turn = self.asking.lock().await;
        for attempt in 1..=ATTEMPTS {
            let passphrase = match &self.passphrase {
                Passphrase::None => None,
                Passphrase::Known(secret) => Some(secret.clone()),
                Passphrase::Ask(ask) => {
                    let ask = Arc::clone(ask);
                    let path = file.path.clone();
                    spawn_blocking(move || ask(&path, attempt))
                        .await
                        .unwrap_or(None)
                }
            };
            let Some(passphrase) = passphrase else {
                let mut error = unusable(
                    &file.path,
                    "it is encrypted, and there is no passphrase".to_owned(),
                );
                if let TransportError::KeyUnusable { hint, .. } = &mut error {
                    *hint =
                        Some("load it into ssh-agent, or set FLEET_KEY_PASSPHRASE_FILE".to_owned());
                }
                return Err(error);
            };
            let text = text.clone();
            // bcrypt takes about half a second of CPU.
            let decrypted = spawn_blocking(move || {
                russh::keys::decode_secret_key(text.reveal(), Some(passphrase.reveal()))
            })
            .await;
            if let Ok(Ok(secret)) = decrypted {
                drop(file.secret.set(Arc::new(secret)));
                return Ok(());
            }
            if matches!(self.passphrase, Passphrase::Known(_)) {
                break;
            }
        }
        Err(unusable(&file.path, "the passphrase is wrong".to_owned()))
    }
}

/// An error about a key file.
pub(super) fn unusable(path: &Path, reason: String) -> TransportError {
    TransportError::KeyUnusable {
        file: path.to_owned(),
        reason,
        hint: None,
    }
}

fn read(path: &Path) -> Result<KeyFile, TransportError> {
    let text = std::fs::read_to_string(path).map_err(|error| {
        unusable(
            path,
            match error.kind() {
                std::io::ErrorKind::NotFound => "there is no such file".to_owned(),
                std::io::ErrorKind::InvalidData => "it is not a key file".to_owned(),
                _ => error.to_string(),
            },
        )
    })?;
    let text = Secret::new(text);
    let file = |public, encrypted, secret: Option<PrivateKey>| {
        let cell = OnceLock::new();
        if let Some(secret) = secret {
            drop(cell.set(Arc::new(secret)));
        }
        KeyFile {
            path: path.to_owned(),
            public,
            encrypted,
            secret: cell,
            unlocking: OnceCell::new(),
        }
    };
    // The file may be the public half of a key that the agent holds.
    if let Ok(public) = PublicKey::from_openssh(text.reveal().trim()) {
        return Ok(file(Some(public), None, None));
    }
    check_mode(path)?;
    match russh::keys::decode_secret_key(text.reveal(), None) {
        Ok(secret) => Ok(file(Some(secret.public_key().clone()), None, Some(secret))),
        Err(russh::keys::Error::KeyIsEncrypted) => {
            // The newer format shows its public half; for the older one there is usually a `.pub` file.
            let public = PrivateKey::from_openssh(text.reveal())
                .ok()
                .map(|key| key.public_key().clone())
                .or_else(|| public_beside(path));
            Ok(file(public, Some(text), None))
        }
        Err(error) => {
            if text.reveal().contains("ENCRYPTED") {
                return Ok(file(public_beside(path), Some(text), None));
            }
            Err(unusable(path, format!("it is not a key file: {error}")))
        }
    }
}

fn public_beside(path: &Path) -> Option<PublicKey> {
    let mut name = path.as_os_str().to_owned();
    name.push(".pub");
    let text = std::fs::read_to_string(PathBuf::from(name)).ok()?;
    PublicKey::from_openssh(text.trim()).ok()
}

/// Refuses a private key of ours that others may read, as ssh(1) does.
fn check_mode(path: &Path) -> Result<(), TransportError> {
    let (Ok(key), Ok(me)) = (std::fs::metadata(path), std::fs::metadata("/proc/self")) else {
        return Ok(());
    };
    if key.uid() == me.uid() && key.mode() & 0o077 != 0 {
        return Err(TransportError::KeyUnusable {
            file: path.to_owned(),
            reason: format!("others can read it (mode {:04o})", key.mode() & 0o7777),
            hint: Some(format!(
                "`chmod 600 {}`",
                quote(&path.display().to_string())
            )),
        });
    }
    Ok(())
}

/// The certificate in a file; `None` when there is no such file.
pub(super) fn certificate(path: &Path) -> Result<Option<Certificate>, String> {
    match std::fs::read_to_string(path) {
        Ok(text) => Certificate::from_openssh(text.trim())
            .map(Some)
            .map_err(|error| format!("it is not a certificate: {error}")),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error.to_string()),
    }
}
