//! Queries of `secrets`, and the vault from which specs take them while they compile.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use jiff::Timestamp;
use rusqlite::params;

use super::key::{Sealed, SealingKey};
use super::rows::millis;
use super::{Read, Write};
use crate::diagnostic::Diagnostic;
use crate::kind::{SecretId, Secrets};
use crate::shell::Secret;

/// The stored secrets, still sealed; the key is read when the first is opened.
#[derive(Debug)]
pub struct Vault {
    sealed: BTreeMap<SecretId, Vec<u8>>,
    key_path: PathBuf,
    key: OnceLock<Result<SealingKey, Diagnostic>>,
}

impl Vault {
    /// Adds a secret that is not stored yet, so that what needs it can be planned.
    pub fn add(&mut self, sealed: Sealed) {
        self.sealed.insert(sealed.id, sealed.bytes);
    }
}

impl Secrets for Vault {
    fn open(&self, id: &SecretId) -> Result<Secret, String> {
        let bytes = self
            .sealed
            .get(id)
            .ok_or_else(|| format!("the secret `{}` is not in the state database", id.0))?;
        let key = self.key.get_or_init(|| SealingKey::load(&self.key_path));
        let key = key.as_ref().map_err(|diagnostic| {
            let hints = diagnostic.hints.join("; ");
            format!("{} ({hints})", diagnostic.message)
        })?;
        let sealed = Sealed {
            id: id.clone(),
            bytes: bytes.clone(),
        };
        key.open(&sealed).ok_or_else(|| {
            format!(
                "the key at `{}` does not open the secret `{}`: it was sealed with another",
                self.key_path.display(),
                id.0
            )
        })
    }
}

impl Read {
    /// All stored secrets, sealed. The key at `key_path` need not exist as long as none is opened.
    pub fn vault(&self, key_path: &Path) -> Result<Vault, Diagnostic> {
        let sealed = self.all("SELECT id, sealed FROM secrets", [], |row| {
            Ok((SecretId(row.get(0)?), row.get(1)?))
        })?;
        Ok(Vault {
            sealed: sealed.into_iter().collect(),
            key_path: key_path.to_owned(),
            key: OnceLock::new(),
        })
    }

    /// The key to seal new secrets with: made when there is none and nothing is sealed yet; refused when it is not
    /// the one that sealed what is stored.
    pub fn sealing_key(&self, key_path: &Path) -> Result<SealingKey, Diagnostic> {
        let stored = self.first("SELECT id, sealed FROM secrets LIMIT 1", [], |row| {
            Ok(Sealed {
                id: SecretId(row.get(0)?),
                bytes: row.get(1)?,
            })
        })?;
        let Some(stored) = stored else {
            return SealingKey::load_or_create(key_path);
        };
        let key = SealingKey::load(key_path)?;
        if key.open(&stored).is_none() {
            return Err(Diagnostic::failed(format!(
                "the key at `{}` is not the one that sealed the secrets in `{}`",
                key_path.display(),
                self.path.display()
            ))
            .hint("name the right one with `FLEET_KEY_FILE`, or restore it from a backup"));
        }
        Ok(key)
    }
}

impl Write<'_> {
    /// Stores a sealed secret; one that is stored already stays as it is.
    pub fn store_secret(&self, sealed: &Sealed, now: Timestamp) -> Result<(), Diagnostic> {
        self.change(
            "INSERT INTO secrets (id, created_at, sealed) VALUES ($1, $2, $3)
             ON CONFLICT (id) DO NOTHING",
            params![sealed.id.0, millis(now), sealed.bytes],
        )?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::os::unix::fs::PermissionsExt;

    use tempfile::TempDir;

    use super::super::State;
    use super::*;

    struct Case {
        dir: TempDir,
        state: State,
    }

    impl Case {
        fn new() -> Self {
            let dir = TempDir::new().unwrap();
            let state = State::open(&dir.path().join("state.db"), Timestamp::UNIX_EPOCH).unwrap();
            Self { dir, state }
        }

        fn key_path(&self) -> PathBuf {
            self.dir.path().join("config/fleet/key")
        }

        fn key(&self) -> Result<SealingKey, Diagnostic> {
            self.state.read(|read| read.sealing_key(&self.key_path()))
        }

        fn store(&mut self, text: &str) -> SecretId {
            let sealed = self.key().unwrap().seal(&Secret::new(text)).unwrap();
            self.state
                .write(|write| write.store_secret(&sealed, Timestamp::UNIX_EPOCH))
                .unwrap();
            sealed.id
        }

        fn vault(&self) -> Vault {
            self.state
                .read(|read| read.vault(&self.key_path()))
                .unwrap()
        }
    }

    #[test]
    fn what_is_sealed_is_opened_and_nowhere_in_clear() {
        let mut case = Case::new();
        let text = "correct horse\nbattery staple ☃";
        let id = case.store(text);
        assert_eq!(case.vault().open(&id).unwrap().reveal(), text);
        assert!(id.0.starts_with("sec_") && id.0.len() == 36);
        for file in ["state.db", "state.db-wal"] {
            let bytes = std::fs::read(case.dir.path().join(file)).unwrap();
            let bare = b"battery staple";
            assert!(!bytes.windows(bare.len()).any(|window| window == bare));
        }
        let key_file = std::fs::metadata(case.key_path()).unwrap();
        assert_eq!(key_file.permissions().mode() & 0o7777, 0o600);
        let directory = std::fs::metadata(case.key_path().parent().unwrap()).unwrap();
        assert_eq!(directory.permissions().mode() & 0o7777, 0o700);
        // Nothing is left of the way it was made.
        let beside = std::fs::read_dir(case.key_path().parent().unwrap()).unwrap();
        assert_eq!(beside.count(), 1);
    }

    #[test]
    fn equal_secrets_have_equal_ids_and_different_seals() {
        let case = Case::new();
        let key = case.key().unwrap();
        let first = key.seal(&Secret::new("a")).unwrap();
        let second = key.seal(&Secret::new("a")).unwrap();
        assert_eq!(first.id, second.id);
        assert_ne!(first.bytes, second.bytes);
        assert_ne!(first.id, key.seal(&Secret::new("b")).unwrap().id);
        // Under another key neither the id nor the seal is the same.
        let other = Case::new().key().unwrap();
        assert_ne!(other.seal(&Secret::new("a")).unwrap().id, first.id);
        assert!(other.open(&first).is_none());
    }

    #[test]
    fn a_salt_repeats_and_depends_on_everything() {
        let case = Case::new();
        let key = case.key().unwrap();
        let salt = |secret: &str, purpose: &str| key.derive(&Secret::new(secret), purpose);
        assert_eq!(salt("a", "b"), salt("a", "b"));
        assert_ne!(salt("a", "b"), salt("b", "a"));
        assert_ne!(salt("bc", "a"), salt("c", "ab"));
        let other = Case::new().key().unwrap();
        assert_ne!(other.derive(&Secret::new("a"), "b"), salt("a", "b"));
    }

    #[test]
    fn a_seal_holds_for_its_id_and_unchanged_only() {
        let case = Case::new();
        let key = case.key().unwrap();
        let sealed = key.seal(&Secret::new("a")).unwrap();
        let moved = Sealed {
            id: key.seal(&Secret::new("b")).unwrap().id,
            ..sealed.clone()
        };
        assert!(key.open(&moved).is_none());
        for index in 0..sealed.bytes.len() {
            let mut damaged = sealed.clone();
            damaged.bytes[index] ^= 1;
            assert!(key.open(&damaged).is_none(), "byte {index}");
            damaged.bytes.truncate(index);
            assert!(key.open(&damaged).is_none(), "{index} bytes");
        }
        assert_eq!(key.open(&sealed), Some(Secret::new("a")));
    }

    #[test]
    fn nothing_needs_the_key_until_a_secret_is_opened() {
        let mut case = Case::new();
        let vault = case.vault();
        assert!(!case.key_path().exists());
        let unknown = vault.open(&SecretId("sec_0".to_owned())).unwrap_err();
        assert_eq!(unknown, "the secret `sec_0` is not in the state database");
        let id = case.store("a");
        std::fs::remove_file(case.key_path()).unwrap();
        let lost = case.vault().open(&id).unwrap_err();
        assert!(lost.starts_with("the key that opens stored secrets is not at"));
        assert!(lost.contains("restore it from a backup"));
    }

    #[test]
    fn a_lost_key_is_not_replaced_in_silence() {
        let mut case = Case::new();
        case.store("a");
        std::fs::remove_file(case.key_path()).unwrap();
        let error = case.key().unwrap_err();
        assert!(error.message.contains("is not at"), "{error}");
        assert!(!case.key_path().exists());
    }

    #[test]
    fn a_wrong_key_is_refused() {
        let mut case = Case::new();
        let id = case.store("a");
        let other = Case::new();
        other.key().unwrap();
        std::fs::copy(other.key_path(), case.key_path()).unwrap();
        let error = case.key().unwrap_err();
        assert!(error.message.contains("is not the one that sealed"));
        let error = case.vault().open(&id).unwrap_err();
        assert!(error.contains("it was sealed with another"), "{error}");
    }

    #[test]
    fn a_key_file_that_others_can_use_or_that_is_no_key_is_refused() {
        let case = Case::new();
        case.key().unwrap();
        for mode in [0o640, 0o604, 0o620] {
            let mode = std::fs::Permissions::from_mode(mode);
            std::fs::set_permissions(case.key_path(), mode).unwrap();
            let error = case.key().unwrap_err();
            assert!(error.message.contains("can be used by others"), "{error}");
            assert!(error.hints[0].starts_with("`chmod 600"));
        }
        for garbage in ["", "fleet-key-1", "fleet-key-1 abc", &"f".repeat(64)] {
            std::fs::remove_file(case.key_path()).unwrap();
            std::fs::write(case.key_path(), garbage).unwrap();
            let mode = std::fs::Permissions::from_mode(0o600);
            std::fs::set_permissions(case.key_path(), mode).unwrap();
            let error = case.key().unwrap_err();
            assert!(error.message.ends_with("does not hold a fleet key"));
        }
    }

    #[test]
    fn two_that_make_the_key_at_once_agree() {
        let dir = TempDir::new().unwrap();
        let path = dir.path().join("key");
        let ids: Vec<SecretId> = std::thread::scope(|scope| {
            let makers: Vec<_> = (0..8)
                .map(|_| {
                    scope.spawn(|| {
                        let key = SealingKey::load_or_create(&path).unwrap();
                        key.seal(&Secret::new("a")).unwrap().id
                    })
                })
                .collect();
            makers.into_iter().map(|m| m.join().unwrap()).collect()
        });
        assert!(ids.iter().all(|id| *id == ids[0]));
    }

    #[test]
    fn a_secret_that_is_not_stored_yet_can_be_planned_with() {
        let case = Case::new();
        let sealed = case.key().unwrap().seal(&Secret::new("new")).unwrap();
        let id = sealed.id.clone();
        let mut vault = case.vault();
        vault.add(sealed);
        assert_eq!(vault.open(&id), Ok(Secret::new("new")));
    }
}
