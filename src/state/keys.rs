//! Where the key comes from: a file, a command or a passphrase; and which of them opens the secrets.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::key::{Master, Sealing, SealingKey, Stretch};
use super::keyfile;
use crate::diagnostic::{Class, Diagnostic};
use crate::shell::Secret;

/// How often a passphrase is asked for.
const ATTEMPTS: u32 = 3;

/// Runs the key command; returns what it printed.
pub type RunCommand = Box<dyn Fn() -> Result<Secret, Diagnostic> + Send + Sync>;

/// Gives the passphrase: `None` when there is no other than that of the attempt before. Attempts count from 1; 0 asks
/// for a new one.
pub type AskPassphrase = Box<dyn Fn(u32) -> Result<Option<Secret>, Diagnostic> + Send + Sync>;

/// The key in use, or why it is not to be had.
type Answer = Result<Arc<SealingKey>, Diagnostic>;

/// A place where keys come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyPlace {
    /// The key file.
    File,
    /// The command of the inventory.
    Command,
    /// A passphrase that somebody knows.
    Passphrase,
}

/// The places where keys come from, and the key once it was needed.
pub struct Keys {
    file: Option<PathBuf>,
    named: bool,
    command: Option<RunCommand>,
    passphrase: AskPassphrase,
    /// The last answer, with the epoch that was asked for: who has no key is asked once, not for each secret.
    known: Mutex<Option<(i64, Answer)>>,
    /// What the command printed: it is run once, since it may ask its user something.
    printed: Mutex<Option<Arc<Vec<Master>>>>,
}

/// What was written before another thread panicked is whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Keys({:?})", self.file)
    }
}

impl Keys {
    /// These places. A `file` that is `named` for this run goes before the command, the usual one after it.
    pub fn new(
        file: Option<PathBuf>,
        named: bool,
        command: Option<RunCommand>,
        passphrase: AskPassphrase,
    ) -> Self {
        Self {
            file,
            named,
            command,
            passphrase,
            known: Mutex::new(None),
            printed: Mutex::new(None),
        }
    }

    /// The key file alone; nobody can be asked.
    pub fn of_file(path: &Path) -> Self {
        let nobody = Box::new(|_| Ok(None));
        Self::new(Some(path.to_owned()), true, None, nobody)
    }

    /// The key file.
    pub fn file(&self) -> Result<&Path, Diagnostic> {
        self.file.as_deref().ok_or_else(|| {
            Diagnostic::usage("there is no place for the key that seals secrets: `HOME` is not set")
                .hint("name one with `FLEET_KEY_FILE`")
        })
    }

    /// Where a key is expected when nothing was sealed yet.
    pub fn first_place(&self) -> KeyPlace {
        match self.command {
            Some(_) if !self.named => KeyPlace::Command,
            _ => KeyPlace::File,
        }
    }

    /// The key that is in use, from wherever it is: asked for, or the command run, at the first call.
    pub fn open(&self, sealing: &Sealing) -> Result<Arc<SealingKey>, Diagnostic> {
        // Held until there is an answer: of several threads, one asks.
        let mut known = lock(&self.known);
        if let Some((epoch, answer)) = &*known
            && *epoch == sealing.epoch
        {
            return answer.clone();
        }
        let found = match &sealing.stretch {
            Some(stretch) => self.open_by_passphrase(sealing, stretch),
            None => self.open_by_place(sealing).map(|(key, _)| key),
        };
        let answer = found.map(Arc::new);
        *known = Some((sealing.epoch, answer.clone()));
        answer
    }

    /// Whether to open the key takes nobody's answer, no command and no time worth to speak of.
    pub fn is_at_hand(&self, sealing: &Sealing) -> bool {
        let known = lock(&self.known);
        known
            .as_ref()
            .is_some_and(|(epoch, _)| *epoch == sealing.epoch)
            || (sealing.stretch.is_none()
                && self.first_place() == KeyPlace::File
                && (self.command.is_none()
                    || matches!(self.search(KeyPlace::File, sealing), Ok(Ok(_)))))
    }

    /// Which place has the key in use.
    pub(super) fn place_in_use(&self, sealing: &Sealing) -> Result<KeyPlace, Diagnostic> {
        match sealing.stretch {
            Some(_) => Ok(KeyPlace::Passphrase),
            None => self.open_by_place(sealing).map(|(_, place)| place),
        }
    }

    /// The key to begin with where nothing was sealed yet; a key file is made when there is none.
    pub(super) fn first(&self) -> Result<Master, Diagnostic> {
        let mut keys = match self.first_place() {
            KeyPlace::Command => return self.newest_of_command(),
            _ => keyfile::read_or_create(self.file()?)?,
        };
        Ok(keys.remove(0))
    }

    /// A key that is not in use yet: a new one in the key file, the first that the command prints, or a new passphrase.
    pub(super) fn new_key(
        &self,
        place: KeyPlace,
        old: Option<&Sealing>,
    ) -> Result<(Master, Option<Stretch>), Diagnostic> {
        match place {
            KeyPlace::File => Ok((keyfile::prepend(self.file()?)?, None)),
            KeyPlace::Command => {
                let master = self.newest_of_command()?;
                if old.is_some_and(|old| SealingKey::new(&master, old).is_some()) {
                    return Err(Diagnostic::usage(
                        "the first key that the key command prints is the one in use already",
                    )
                    .hint("let it print a new key first and that one after it: one in each line")
                    .hint("`openssl rand -hex 32` makes a key"));
                }
                Ok((master, None))
            }
            KeyPlace::Passphrase => {
                let passphrase = (self.passphrase)(0)?.ok_or_else(nobody)?;
                let stretch = Stretch::generate()?;
                let master = Master::from_passphrase(&passphrase, &stretch)?;
                Ok((master, Some(stretch)))
            }
        }
    }

    /// Makes sure that the key file has this key.
    pub(super) fn keep(&self, key: &Master) -> Result<(), Diagnostic> {
        keyfile::keep(self.file()?, key)
    }

    /// Takes out of the key file what does not open `sealing`, whose key is at `place`; returns how many keys went.
    pub(super) fn forget_others(
        &self,
        place: KeyPlace,
        sealing: &Sealing,
    ) -> Result<usize, Diagnostic> {
        let Some(file) = &self.file else {
            return Ok(0);
        };
        // A file that should have the key and does not is another one than it was.
        keyfile::retain(file, place != KeyPlace::File, |key| {
            SealingKey::new(key, sealing).is_some()
        })
    }

    fn newest_of_command(&self) -> Result<Master, Diagnostic> {
        let keys = self.command_keys()?;
        let keys = keys.ok_or_else(|| {
            Diagnostic::usage("there is no key command")
                .hint("name one in the inventory: `[settings] key_command = \"…\"`")
        })?;
        keys.first()
            .map(Master::copy)
            .ok_or_else(|| Diagnostic::failed("the key command prints no key"))
    }

    /// What the command printed, of which it says nothing when that is no key; `None` without one.
    fn command_keys(&self) -> Result<Option<Arc<Vec<Master>>>, Diagnostic> {
        let Some(command) = &self.command else {
            return Ok(None);
        };
        if let Some(keys) = &*lock(&self.printed) {
            return Ok(Some(Arc::clone(keys)));
        }
        let printed = command()?;
        let keys = keyfile::parse(printed.reveal()).ok_or_else(|| {
            Diagnostic::failed("what the key command prints is not a fleet key")
                .hint("a key is 64 hexadecimal digits, the newest in the first line; `openssl rand -hex 32` makes one")
        })?;
        let keys = Arc::new(keys);
        *lock(&self.printed) = Some(Arc::clone(&keys));
        Ok(Some(keys))
    }

    fn open_by_place(&self, sealing: &Sealing) -> Result<(SealingKey, KeyPlace), Diagnostic> {
        let mut problems = Vec::new();
        let order: &[KeyPlace] = match (&self.command, self.named) {
            (None, _) => &[KeyPlace::File],
            (Some(_), true) => &[KeyPlace::File, KeyPlace::Command],
            (Some(_), false) => &[KeyPlace::Command, KeyPlace::File],
        };
        for &place in order {
            match self.search(place, sealing) {
                Ok(Ok(key)) => return Ok((key, place)),
                Ok(Err(reason)) => problems.push(Diagnostic::failed(reason)),
                Err(problem) => problems.push(problem),
            }
        }
        // With a command, that the usual file is not there is no news.
        if problems.len() > 1 && !self.named {
            problems.retain(|problem| !problem.message.contains("is not at"));
        }
        let mut error = problems.remove(0);
        error
            .details
            .extend(problems.into_iter().map(|other| other.message));
        Err(error
            .hint("restore it from a backup, or name it with `FLEET_KEY_FILE`")
            .hint("a lost key cannot be replaced; what it sealed is to be set again"))
    }

    /// Looks for the key in one place; the inner error says why it is not there.
    fn search(
        &self,
        place: KeyPlace,
        sealing: &Sealing,
    ) -> Result<Result<SealingKey, String>, Diagnostic> {
        let find = |keys: &[Master]| keys.iter().find_map(|key| SealingKey::new(key, sealing));
        if place == KeyPlace::Command {
            let keys = self.command_keys()?;
            let found = keys.as_ref().and_then(|keys| find(keys));
            return Ok(found.ok_or_else(|| {
                "the key that the key command prints does not open the stored secrets: they were sealed with another"
                    .to_owned()
            }));
        }
        let path = self.file()?;
        let keys = keyfile::read(path)?;
        let shown = path.display();
        if keys.is_empty() {
            return Ok(Err(format!(
                "the key that opens stored secrets is not at `{shown}`"
            )));
        }
        Ok(find(&keys).ok_or_else(|| {
            format!("the key at `{shown}` does not open the stored secrets: they were sealed with another")
        }))
    }

    fn open_by_passphrase(
        &self,
        sealing: &Sealing,
        stretch: &Stretch,
    ) -> Result<SealingKey, Diagnostic> {
        for attempt in 1..=ATTEMPTS {
            let Some(passphrase) = (self.passphrase)(attempt)? else {
                if attempt == 1 {
                    return Err(nobody());
                }
                break;
            };
            let master = Master::from_passphrase(&passphrase, stretch)?;
            if let Some(key) = SealingKey::new(&master, sealing) {
                return Ok(key);
            }
        }
        Err(Diagnostic::new(
            Class::Failed,
            "the passphrase does not open the stored secrets",
        )
        .hint("a lost passphrase cannot be replaced; what it sealed is to be set again"))
    }
}

fn nobody() -> Diagnostic {
    Diagnostic::failed("the stored secrets need a passphrase, and nobody can be asked for it")
        .hint("name a file that holds it with `FLEET_PASSPHRASE_FILE`")
}
