//! Queries of `secrets` and `sealing`, and the vault from which specs take secrets while they compile.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use rusqlite::{Row, params};

use super::key::{Sealed, Sealing, SealingKey, Stretch};
use super::keys::Keys;
use super::rows::{millis, text};
use super::{Read, Write};
use crate::diagnostic::{Class, Diagnostic};
use crate::kind::{SecretId, Secrets};
use crate::model::ResourceName;
use crate::shell::Secret;

/// The stored secrets, still sealed; the key is read when the first is opened.
#[derive(Debug)]
pub struct Vault<'k> {
    sealed: BTreeMap<SecretId, Vec<u8>>,
    sealing: Option<Sealing>,
    keys: &'k Keys,
}

impl Vault<'_> {
    /// Adds a secret that is not stored yet, so that what needs it can be planned.
    pub fn add(&mut self, sealed: Sealed) {
        self.sealed.insert(sealed.id, sealed.bytes);
    }
}

impl Secrets for Vault<'_> {
    fn open(&self, id: &SecretId) -> Result<Secret, String> {
        let (bytes, sealing) = self
            .sealed
            .get(id)
            .zip(self.sealing.as_ref())
            .ok_or_else(|| format!("the secret `{}` is not in the state database", id.0))?;
        let key = self.keys.open(sealing).map_err(|diagnostic| {
            let hints = diagnostic.hints.join("; ");
            format!("{} ({hints})", diagnostic.message)
        })?;
        key.open(id, bytes)
            .ok_or_else(|| format!("the secret `{}` is damaged: the key does not open it", id.0))
    }

    fn open_at_hand(&self, id: &SecretId) -> Result<Secret, String> {
        if self
            .sealing
            .as_ref()
            .is_some_and(|sealing| !self.keys.is_at_hand(sealing))
        {
            return Err("the key is not at hand".to_owned());
        }
        self.open(id)
    }
}

impl Read {
    /// All stored secrets, sealed. No key need exist as long as none is opened.
    pub fn vault<'k>(&self, keys: &'k Keys) -> Result<Vault<'k>, Diagnostic> {
        let sealed = self.all("SELECT id, sealed FROM secrets", [], |row| {
            Ok((SecretId(row.get(0)?), row.get(1)?))
        })?;
        Ok(Vault {
            sealed: sealed.into_iter().collect(),
            sealing: self.sealing()?,
            keys,
        })
    }

    /// A text that was sealed, as it was; else why it cannot be read.
    pub fn sealed_text(&self, id: &str, keys: &Keys) -> Result<String, String> {
        let vault = self.vault(keys).map_err(|error| error.message)?;
        let secret = vault.open(&SecretId(id.to_owned()))?;
        Ok(secret.reveal().to_owned())
    }

    /// What is known of the key in use; `None` when nothing was ever sealed.
    pub fn sealing(&self) -> Result<Option<Sealing>, Diagnostic> {
        self.first(
            "SELECT epoch, naming, salt, memory, passes, lanes FROM sealing",
            [],
            sealing,
        )
    }

    /// How many secrets are stored.
    pub fn count_secrets(&self) -> Result<u64, Diagnostic> {
        let count = self.first("SELECT COUNT(*) FROM secrets", [], |row| {
            super::rows::count(row, 0)
        })?;
        Ok(count.unwrap_or(0))
    }

    /// Whether one of these, or what follows it, or what it follows, has secrets.
    pub fn uses_secrets<'n>(
        &self,
        names: impl IntoIterator<Item = &'n ResourceName>,
    ) -> Result<bool, Diagnostic> {
        for name in names {
            let mut all = self.followers(name)?;
            all.extend(self.follows(name)?);
            all.insert(name.clone());
            for name in &all {
                let found = self.find(name)?;
                if found.is_some_and(|there| has_secrets(&there.spec)) {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    /// The ids of secrets in the specs of what should exist.
    fn used_secrets(&self) -> Result<BTreeSet<String>, Diagnostic> {
        let mut used = BTreeSet::new();
        self.each(
            "SELECT spec FROM resources WHERE removed_at IS NULL AND spec LIKE '%\"sec\\_%' ESCAPE '\\'",
            [],
            |row| {
                used.extend(ids(text(row, 0)?).map(str::to_owned));
                Ok(())
            },
        )?;
        Ok(used)
    }
}

impl Write<'_> {
    /// Makes `sealing` what is known of the key, unless another fleet was first; returns what is in use now.
    pub fn begin_sealing(&self, sealing: &Sealing) -> Result<Sealing, Diagnostic> {
        if let Some(there) = self.sealing()? {
            return Ok(there);
        }
        self.put_sealing(sealing)?;
        Ok(sealing.clone())
    }

    /// Stores a sealed secret; one that is stored already stays as it is.
    pub fn store_secret(&self, sealed: &Sealed, now: Timestamp) -> Result<(), Diagnostic> {
        let epoch = self.sealing()?.map(|sealing| sealing.epoch);
        if epoch != Some(sealed.epoch) {
            return Err(changed_meanwhile());
        }
        self.change(
            "INSERT INTO secrets (id, created_at, sealed) VALUES ($1, $2, $3)
             ON CONFLICT (id) DO UPDATE SET unused_since = NULL",
            params![sealed.id.0, millis(now), sealed.bytes],
        )?;
        Ok(())
    }

    /// Seals every secret again, with the key that `sealing` is of; returns how many there are. `old` opens what is there.
    pub(super) fn reseal(
        &self,
        old: Option<&SealingKey>,
        new: &SealingKey,
        sealing: &Sealing,
    ) -> Result<usize, Diagnostic> {
        let epoch = self.sealing()?.map(|sealing| sealing.epoch);
        if epoch != old.map(SealingKey::epoch) {
            return Err(changed_meanwhile());
        }
        let stored: Vec<(SecretId, Vec<u8>)> = match old {
            Some(_) => self.all("SELECT id, sealed FROM secrets", [], |row| {
                Ok((SecretId(row.get(0)?), row.get(1)?))
            })?,
            None => Vec::new(),
        };
        for (id, bytes) in &stored {
            let secret = old.and_then(|old| old.open(id, bytes)).ok_or_else(|| {
                Diagnostic::failed(format!(
                    "the secret `{}` is damaged: the key does not open it; nothing was changed",
                    id.0
                ))
                .hint("set it again, or remove what uses it, and empty the trash")
            })?;
            let sealed = new.seal_as(id, &secret)?;
            self.change(
                "UPDATE secrets SET sealed = $1 WHERE id = $2",
                params![sealed.bytes, id.0],
            )?;
        }
        self.put_sealing(sealing)?;
        Ok(stored.len())
    }

    /// Clears the secrets that no spec has used for `grace`, and notes since when others are not used: until then an
    /// undo may need them. Returns how many were cleared.
    pub fn clear_unused_secrets(
        &self,
        grace: SignedDuration,
        now: Timestamp,
    ) -> Result<usize, Diagnostic> {
        let stored: Vec<(String, bool)> = self.all(
            "SELECT id, unused_since IS NOT NULL FROM secrets",
            [],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )?;
        if stored.is_empty() {
            return Ok(0);
        }
        let used = self.used_secrets()?;
        for (id, unused) in &stored {
            if used.contains(id) == *unused {
                let since = (!unused).then(|| millis(now));
                self.change(
                    "UPDATE secrets SET unused_since = $1 WHERE id = $2",
                    params![since, id],
                )?;
            }
        }
        let before = now.checked_sub(grace).unwrap_or(Timestamp::MIN);
        self.change(
            "DELETE FROM secrets WHERE unused_since <= $1",
            params![millis(before)],
        )
    }

    fn put_sealing(&self, sealing: &Sealing) -> Result<(), Diagnostic> {
        let stretch = sealing.stretch.as_ref();
        self.change(
            "INSERT INTO sealing (id, epoch, naming, salt, memory, passes, lanes)
             VALUES (1, $1, $2, $3, $4, $5, $6)
             ON CONFLICT (id) DO UPDATE SET
                 epoch = excluded.epoch, naming = excluded.naming, salt = excluded.salt,
                 memory = excluded.memory, passes = excluded.passes, lanes = excluded.lanes",
            params![
                sealing.epoch,
                sealing.naming,
                stretch.map(|stretch| &stretch.salt),
                stretch.map(|stretch| stretch.memory),
                stretch.map(|stretch| stretch.passes),
                stretch.map(|stretch| stretch.lanes),
            ],
        )?;
        Ok(())
    }
}

impl super::State {
    /// The key to seal new secrets with: where nothing was sealed yet, one is made and becomes the one in use; refused
    /// when it is not the one that sealed what is stored.
    pub fn sealing_key(&mut self, keys: &Keys) -> Result<Arc<SealingKey>, Diagnostic> {
        let known = self.read(Read::sealing)?;
        let sealing = if let Some(sealing) = known {
            sealing
        } else {
            // Not inside the transaction: a command may ask its user something.
            let first = Sealing::begin(&keys.first()?, None, 1)?;
            self.write(|write| write.begin_sealing(&first))?
        };
        keys.open(&sealing)
    }
}

/// Whether settings refer to a secret.
pub fn has_secrets(spec: &serde_json::Value) -> bool {
    ids(&spec.to_string()).next().is_some()
}

/// The ids of secrets in the text of a spec.
fn ids(spec: &str) -> impl Iterator<Item = &str> {
    let starts = spec.match_indices("\"sec_");
    let words = starts.filter_map(|(at, _)| spec[at + 1..].split('"').next());
    words.filter(|id| id.len() == 36)
}

fn changed_meanwhile() -> Diagnostic {
    Diagnostic::new(
        Class::Locked,
        "the key that seals secrets was changed by another fleet meanwhile",
    )
    .hint("run it again")
}

fn sealing(row: &Row<'_>) -> rusqlite::Result<Sealing> {
    let salt: Option<Vec<u8>> = row.get(2)?;
    let stretch = match salt {
        Some(salt) => Some(Stretch {
            salt,
            memory: row.get(3)?,
            passes: row.get(4)?,
            lanes: row.get(5)?,
        }),
        None => None,
    };
    Ok(Sealing {
        epoch: row.get(0)?,
        naming: row.get(1)?,
        stretch,
    })
}
