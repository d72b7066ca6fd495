//! Where the key that seals secrets comes from: the files, the command and the terminal of this run.

use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use super::Context;
use crate::diagnostic::Diagnostic;
use crate::model::ResourceName;
use crate::shell::Secret;
use crate::state::{AskPassphrase, Keys, Read, RunCommand};

/// How long a key command may take: it may ask for a PIN, or for a finger on a token.
const PATIENCE: Duration = Duration::from_secs(120);

/// The most that is read of what a key command prints, in bytes.
const LARGEST_KEY: u64 = 64 << 10;

/// The fewest characters of a new passphrase: whoever gets a copy of the state database may try as long as they like.
const SHORTEST_PASSPHRASE: usize = 12;

impl Context {
    /// Where the key that seals secrets comes from: the file that `FLEET_KEY_FILE` names; else what `[settings]
    /// key_command` prints, and the key file of the configuration directory. Nothing is read or run before a secret is
    /// needed.
    pub fn keys(&self) -> anyhow::Result<&Keys> {
        if self.keys.get().is_none() {
            let named = self.environment.path("FLEET_KEY_FILE");
            let is_named = named.is_some();
            let file = named.or_else(|| self.configuration("key"));
            let command = self
                .inventory_if_any()?
                .and_then(|inventory| inventory.settings.key_command.clone());
            let show = self.ui.settings().can_ask;
            let command: Option<RunCommand> =
                command.map(|command| Box::new(move || key_of(&command, show)) as RunCommand);
            let keys = Keys::new(file, is_named, command, self.ask_passphrase());
            let _ = self.keys.set(keys);
        }
        self.keys
            .get()
            .ok_or_else(|| anyhow::anyhow!("the places of keys are known"))
    }

    /// Opens the key before a transaction that will need it for one of `names`, where somebody is asked for it or a
    /// command runs: nobody answers questions while other fleets wait for the state database. That it cannot be opened
    /// is told by what needs it.
    pub fn open_key_early<'n>(
        &self,
        names: impl IntoIterator<Item = &'n ResourceName>,
    ) -> anyhow::Result<()> {
        let keys = self.keys()?;
        let state = self.state()?;
        let Some(sealing) = state.read(Read::sealing)? else {
            return Ok(());
        };
        if !keys.is_at_hand(&sealing) && state.read(|read| read.uses_secrets(names))? {
            drop(keys.open(&sealing));
        }
        Ok(())
    }

    /// The same before a transaction that brings back these settings.
    pub fn open_key_for<'s>(
        &self,
        specs: impl IntoIterator<Item = &'s serde_json::Value>,
    ) -> anyhow::Result<()> {
        let keys = self.keys()?;
        let Some(sealing) = self.state()?.read(Read::sealing)? else {
            return Ok(());
        };
        let has_secrets = specs.into_iter().any(crate::state::has_secrets);
        if has_secrets && !keys.is_at_hand(&sealing) {
            drop(keys.open(&sealing));
        }
        Ok(())
    }

    /// The passphrase: of the file that `FLEET_PASSPHRASE_FILE` names, else asked for at the terminal.
    fn ask_passphrase(&self) -> AskPassphrase {
        let file = self.environment.path("FLEET_PASSPHRASE_FILE");
        let ui = Arc::clone(&self.ui);
        Box::new(move |attempt| {
            if let Some(file) = &file {
                let passphrase = (attempt <= 1).then(|| passphrase_of(file)).transpose()?;
                return passphrase
                    .map(|text| long_enough(text, attempt))
                    .transpose();
            }
            if !ui.settings().can_ask {
                return Ok(None);
            }
            let ask = |prompt: &str| {
                let typed = ui.ask_password(prompt).map_err(|error| {
                    Diagnostic::failed(format!("the passphrase cannot be asked for: {error:#}"))
                })?;
                typed.ok_or_else(|| Diagnostic::usage("no passphrase was typed"))
            };
            if attempt > 0 {
                let again = if attempt > 1 { " (again)" } else { "" };
                return ask(&format!("passphrase of the stored secrets{again}")).map(Some);
            }
            let first = long_enough(ask("new passphrase of the stored secrets")?, 0)?;
            if first != ask("the same once more")? {
                return Err(Diagnostic::usage("the two passphrases differ"));
            }
            Ok(Some(first))
        })
    }
}

/// Refuses a new passphrase that is too short.
fn long_enough(passphrase: Secret, attempt: u32) -> Result<Secret, Diagnostic> {
    if attempt == 0 && passphrase.length() < SHORTEST_PASSPHRASE {
        return Err(Diagnostic::usage(format!(
            "the new passphrase is too short: {SHORTEST_PASSPHRASE} characters at least"
        ))
        .hint("four words that have nothing to do with each other make a good one"));
    }
    Ok(passphrase)
}

/// The first line of the file.
fn passphrase_of(path: &Path) -> Result<Secret, Diagnostic> {
    let shown = path.display();
    let unreadable = |error: std::io::Error| {
        Diagnostic::usage(format!(
            "the passphrase file `{shown}` cannot be read: {error}"
        ))
        .hint("`FLEET_PASSPHRASE_FILE` names this file")
    };
    let mut file = std::fs::File::open(path).map_err(unreadable)?;
    let found = file.metadata().map_err(unreadable)?;
    if found.is_file() && found.mode() & 0o077 != 0 {
        return Err(Diagnostic::usage(format!(
            "the passphrase file `{shown}` can be used by others (mode {:04o})",
            found.mode() & 0o7777
        ))
        .hint(format!(
            "`chmod 600 {shown}`, and consider who may have read it"
        )));
    }
    let mut text = String::with_capacity(4096);
    file.by_ref()
        .take(4096)
        .read_to_string(&mut text)
        .map_err(unreadable)?;
    let text = Secret::new(text);
    text.first_line()
        .ok_or_else(|| Diagnostic::usage(format!("the passphrase file `{shown}` is empty")))
}

/// What the key command prints.
fn key_of(command: &str, show: bool) -> Result<Secret, Diagnostic> {
    run("the key command", command, show, PATIENCE).map_err(|error| {
        error.hint(format!(
            "`[settings] key_command` of the inventory is `{command}`"
        ))
    })
}

/// Runs `command` with `sh -c`; its output is a secret, and is told to nobody. `what` is the command in messages. With
/// `show`, what it says on standard error is seen: it may ask for a PIN.
pub(super) fn run(
    what: &str,
    command: &str,
    show: bool,
    patience: Duration,
) -> Result<Secret, Diagnostic> {
    let failed = |how: String| Diagnostic::failed(format!("{what} {how}"));
    let stderr = if show {
        Stdio::inherit()
    } else {
        Stdio::null()
    };
    let mut child = Command::new("/bin/sh")
        .args(["-c", command])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(stderr)
        .spawn()
        .map_err(|error| failed(format!("cannot be run: {error}")))?;
    let Some(printed) = printed(&mut child, patience) else {
        // It may have ended meanwhile; what matters is that it does not stay.
        let _ = child.kill();
        let _ = child.wait();
        let seconds = patience.as_secs();
        return Err(failed(format!("has not ended within {seconds} seconds")));
    };
    let status = child
        .wait()
        .map_err(|error| failed(format!("cannot be waited for: {error}")))?;
    if !status.success() {
        return Err(failed(format!("failed: {status}")));
    }
    printed.map_err(|error| failed(format!("printed what cannot be read: {error}")))
}

/// What a process prints until it closes its output; `None` when that takes too long.
fn printed(child: &mut Child, patience: Duration) -> Option<std::io::Result<Secret>> {
    let output = child.stdout.take();
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        let mut text = String::with_capacity(4096);
        let read = match output {
            Some(output) => output.take(LARGEST_KEY).read_to_string(&mut text),
            None => Ok(0),
        };
        // Nobody listens any more when it took too long.
        let _ = sender.send(read.map(|_| Secret::new(text)));
    });
    receiver.recv_timeout(patience).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_command_tells_its_status_and_never_its_output() {
        let cases = [
            (
                "echo hunter2; echo hunter2 >&2; exit 3",
                "failed: exit status: 3",
            ),
            ("echo hunter2; kill -9 $$", "failed: signal: 9"),
            ("echo hunter2; sleep 60", "has not ended within"),
            ("printf '\\377hunter2'", "printed what cannot be read"),
        ];
        for (command, expected) in cases {
            let error = run(
                "the key command",
                command,
                false,
                Duration::from_millis(500),
            )
            .expect_err(command);
            assert!(error.message.contains(expected), "{}", error.message);
            assert!(!error.message.contains("hunter2"), "{}", error.message);
        }
        let key = run(
            "the key command",
            "echo key | tr a-z a-z",
            false,
            Duration::from_secs(10),
        )
        .expect("a key");
        assert_eq!(key, Secret::new("key\n"));
    }
}
