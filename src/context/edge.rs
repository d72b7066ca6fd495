//! The outside world for a spec that is made from arguments: files, prompts, and the key that seals its secrets.

use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;

use super::Context;
use crate::kind::{self, SecretId};
use crate::shell::{Secret, quote};
use crate::state::{Filter, Sealed, SealingKey};

/// Gives a spec what its arguments name. What it sealed is to be stored together with the spec: see
/// [`Self::sealed`].
#[derive(Debug)]
pub struct Edge<'a> {
    context: &'a Context,
    key: Option<Arc<SealingKey>>,
    sealed: Vec<Sealed>,
    stdin_is_read: bool,
    is_new: bool,
    told: Vec<Told>,
}

/// A secret to be shown once.
#[derive(Clone, Debug)]
pub struct Told {
    /// What it is.
    pub what: String,
    /// What stands for it in the spec.
    pub id: SecretId,
    /// The secret itself.
    pub secret: Secret,
}

impl<'a> Edge<'a> {
    pub(super) fn new(context: &'a Context) -> Self {
        Self {
            context,
            key: None,
            sealed: Vec::new(),
            stdin_is_read: false,
            is_new: false,
            told: Vec::new(),
        }
    }

    /// The same, for a resource that does not exist yet.
    #[must_use]
    pub fn for_new(mut self) -> Self {
        self.is_new = true;
        self
    }

    /// The secrets to be shown once, where what stands for them was recorded.
    pub fn told(&self) -> &[Told] {
        &self.told
    }

    /// The secrets that were sealed, for `store_secret` and `Vault::add`.
    pub fn sealed(&self) -> &[Sealed] {
        &self.sealed
    }

    /// The key; read, or made, when it is first needed.
    fn key(&mut self) -> anyhow::Result<&SealingKey> {
        if self.key.is_none() {
            let key = self.context.state()?.sealing_key(self.context.keys()?)?;
            self.key = Some(key);
        }
        self.key
            .as_deref()
            .ok_or_else(|| anyhow::anyhow!("there is no key"))
    }
}

impl kind::Edge for Edge<'_> {
    fn read_file(&mut self, path: &Path) -> Result<String, String> {
        if path == Path::new("-") && std::mem::replace(&mut self.stdin_is_read, true) {
            return Err("only one argument can be read from standard input".to_owned());
        }
        self.context
            .read_file(path)
            .map_err(|error| message(&error))
    }

    fn read_secret_file(&mut self, path: &Path) -> Result<String, String> {
        let text = self.read_file(path)?;
        if path != Path::new("-") && super::is_open_to_others(path) {
            let name = path.display();
            let path = quote(&name.to_string());
            self.warn(
                format!("`{name}` can be read by others on this machine"),
                format!("`chmod 600 {path}` leaves it to you alone"),
            );
        }
        Ok(text)
    }

    fn warn(&mut self, message: String, hint: String) {
        self.context.ui.warn(&message);
        self.context.ui.hint(&hint);
    }

    fn ask_password(&mut self, prompt: &str) -> Result<Secret, String> {
        self.context
            .ask_new_password(prompt)
            .map_err(|error| message(&error))
    }

    fn now(&self) -> Timestamp {
        self.context.now()
    }

    fn derive(&mut self, secret: &Secret, purpose: &str) -> Result<[u8; 32], String> {
        let key = self.key().map_err(|error| message(&error))?;
        Ok(key.derive(secret, purpose))
    }

    fn is_new(&self) -> bool {
        self.is_new
    }

    fn generate(&mut self) -> Result<Secret, String> {
        const LETTERS: &[u8; 62] =
            b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
        let mut text = String::with_capacity(GENERATED);
        while text.len() < GENERATED {
            let mut bytes = [0; 64];
            self.context
                .random(&mut bytes)
                .map_err(|error| message(&error))?;
            // Six bits each; the two values without a letter are passed over, so that all letters are as likely.
            let letters = bytes
                .iter()
                .filter_map(|byte| LETTERS.get(usize::from(byte & 63)));
            text.extend(
                letters
                    .take(GENERATED - text.len())
                    .map(|letter| char::from(*letter)),
            );
        }
        Ok(Secret::new(text))
    }

    fn tell(&mut self, what: String, id: SecretId, secret: Secret) {
        self.told.push(Told { what, id, secret });
    }

    fn seal(&mut self, secret: Secret) -> Result<SecretId, String> {
        let sealed = self
            .key()
            .and_then(|key| Ok(key.seal(&secret)?))
            .map_err(|error| message(&error))?;
        let id = sealed.id.clone();
        self.sealed.push(sealed);
        Ok(id)
    }

    fn others(&mut self, kind: &str) -> Result<Vec<(String, Value)>, String> {
        let filter = Filter {
            kind: Some(kind),
            ..Filter::default()
        };
        let found = self.context.state_to_read().and_then(|state| match state {
            Some(state) => Ok(state.read(|read| read.resources(&filter))?),
            None => Ok(Vec::new()),
        });
        let found = found.map_err(|error| message(&error))?.into_iter();
        Ok(found
            .map(|resource| (resource.name.name, resource.spec))
            .collect())
    }
}

/// Letters of a generated password: 24 of 62 are 142 bits.
const GENERATED: usize = 24;

fn message(error: &anyhow::Error) -> String {
    format!("{error:#}")
}
