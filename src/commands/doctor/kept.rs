//! What fleet keeps: the state database, and the key that opens its secrets.

use std::os::unix::fs::MetadataExt as _;

use super::finding::Finding;
use crate::context::Context;
use crate::shell::quote;
use crate::state::{self, Read, State};

const GO_BACK: &str =
    "`fleet doctor --repair` goes back to the last backup that is sound, and keeps the damaged file";

/// What is damaged of the state file, looked at as a whole; nothing for one that is sound or not there.
pub(super) fn damage(context: &Context) -> anyhow::Result<Vec<String>> {
    let path = context.state_path()?;
    if let Err(lost) = state::refuse_lost(&path) {
        return Ok(vec![lost.message]);
    }
    if path.exists() {
        Ok(state::examine(&path)?)
    } else {
        Ok(Vec::new())
    }
}

/// The state: where, whose, sound; then the key, where it is needed.
pub(super) fn state_file(context: &Context) -> Vec<Finding> {
    const CHECK: &str = "state";
    let path = match context.state_path() {
        Ok(path) => path,
        Err(error) => return Finding::errors(CHECK, &error, "name a file with `--state`"),
    };
    if let Err(lost) = state::refuse_lost(&path) {
        return vec![Finding::error(CHECK, &lost, GO_BACK)];
    }
    let shown = path.display();
    let found = match path.metadata() {
        Ok(found) => found,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let message = format!("`{shown}` is not there yet: the first change makes it");
            return vec![Finding::ok(CHECK, message)];
        }
        Err(error) => {
            let message = format!("`{shown}` cannot be looked at: {error}");
            let hint = "its directories must be readable by you; `--state` names another file";
            return vec![Finding::bad(CHECK, message, hint)];
        }
    };
    let state = match State::open_read_only(&path) {
        Ok(state) => state,
        Err(error) => {
            let hint = "`--state`, `FLEET_STATE` and `[settings] state` name the file";
            return vec![Finding::error(CHECK, &error, hint)];
        }
    };
    let mut findings = Vec::new();
    let mode = found.mode() & 0o7777;
    if mode & 0o077 != 0 {
        findings.push(Finding::warn(
            CHECK,
            format!("`{shown}` can be read by others (mode {mode:04o})"),
            format!("`chmod 600 {}`", quote(&shown.to_string())),
        ));
    }
    if std::fs::OpenOptions::new().append(true).open(&path).is_err() {
        findings.push(Finding::warn(
            CHECK,
            format!("`{shown}` may not be written by you"),
            "lists and plans work; changes need its owner, or another `--state`",
        ));
    }
    match state.read(Read::damage) {
        Ok(None) => findings.push(Finding::ok(CHECK, format!("`{shown}` is sound"))),
        Ok(Some(damage)) => findings.push(Finding::bad(
            CHECK,
            format!("`{shown}` is damaged: {damage}"),
            GO_BACK,
        )),
        Err(error) => findings.push(Finding::error(CHECK, &error, GO_BACK)),
    }
    findings.extend(key(context, &state));
    findings
}

/// Whether the key that is here opens the secrets that are there. Nobody is asked for a passphrase.
fn key(context: &Context, state: &State) -> Vec<Finding> {
    const CHECK: &str = "key";
    let look = || -> anyhow::Result<Finding> {
        let (sealing, secrets) =
            state.read(|read| Ok::<_, crate::diagnostic::Diagnostic>((read.sealing()?, read.count_secrets()?)))?;
        let Some(sealing) = sealing else {
            return Ok(Finding::ok(CHECK, "not needed yet: no secret is stored"));
        };
        let keys = context.keys()?;
        if sealing.stretch.is_some() {
            let message = "a passphrase opens the stored secrets; whether you know it is not tried";
            return Ok(Finding::ok(CHECK, message));
        }
        keys.open(&sealing)?;
        Ok(Finding::ok(CHECK, format!("it opens the stored secrets ({secrets})")))
    };
    look().map_or_else(
        |error| Finding::errors(CHECK, &error, "put back the key from its backup; `FLEET_KEY_FILE` names the file"),
        |finding| vec![finding],
    )
}
