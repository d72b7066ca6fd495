//! Changes of servers in the file: only the bytes that must change do, so comments, order and layout stay.

use std::path::Path;

use super::layout::Layout;
use super::{Inventory, Value, replace};
use crate::diagnostic::{Diagnostic, Diagnostics, ticked};
use crate::model::selector::unknown_server;
use crate::model::{Jump, ServerName};

/// What to write into a server's entry. Keys are those of [`super::SERVER_KEYS`]; `labels.tier` is one label.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServerChange {
    /// Keys and their new values.
    pub set: Vec<(String, Value)>,
    /// Keys to take out, so that the defaults hold again.
    pub unset: Vec<String>,
}

/// Whether an edit reaches the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Only find out what it would give.
    Try,
    /// Write the file.
    Write,
}

/// The outcome of an edit.
#[derive(Clone, Debug)]
pub struct Edited {
    /// The inventory before.
    pub before: Inventory,
    /// The inventory with the edit.
    pub after: Inventory,
    /// Whether the text changes.
    pub changed: bool,
}

/// Adds `[servers.NAME]` after the last server.
///
/// # Errors
/// Of class usage: a name that is there with other settings, values that the inventory refuses. Nothing is written then.
pub fn add_server(
    path: &Path,
    home: Option<&Path>,
    mode: Mode,
    name: &ServerName,
    change: &ServerChange,
) -> Result<Edited, Diagnostics> {
    edit(path, home, mode, |before, text| {
        if before.servers.contains_key(name) {
            let without = Layout::new(text)?.without_server(name.as_str())?;
            let again = Layout::new(&without)?.with_server(name.as_str(), &change.set)?;
            let same = Inventory::parse(path, &again, home)
                .is_ok_and(|after| after.servers == before.servers);
            if same {
                return Ok(text.to_owned());
            }
            return Err(Diagnostic::usage(format!(
                "server {} is already in the inventory, with other settings",
                ticked(name.as_str())
            ))
            .hint(format!("change it with `fleet set-server {name}`"))
            .into());
        }
        Ok(Layout::new(text)?.with_server(name.as_str(), &change.set)?)
    })
}

/// Changes keys of a server, and nothing else.
///
/// # Errors
/// Of class usage: an unknown server, a key that is to be unset and is not set, values that the inventory refuses.
/// Nothing is written then.
pub fn set_server(
    path: &Path,
    home: Option<&Path>,
    mode: Mode,
    name: &ServerName,
    change: &ServerChange,
) -> Result<Edited, Diagnostics> {
    edit(path, home, mode, |before, text| {
        known(before, name)?;
        let mut text = text.to_owned();
        for key in &change.unset {
            text = Layout::new(&text)?.without_key(name.as_str(), key)?;
        }
        for (key, value) in &change.set {
            text = Layout::new(&text)?.with_key(name.as_str(), key, value)?;
        }
        Ok(text)
    })
}

/// Removes a server, with the comment right above it.
///
/// # Errors
/// Of class usage: an unknown server, a server that others are reached through. Nothing is written then.
pub fn remove_server(
    path: &Path,
    home: Option<&Path>,
    mode: Mode,
    name: &ServerName,
) -> Result<Edited, Diagnostics> {
    edit(path, home, mode, |before, text| {
        known(before, name)?;
        let through = Jump::Server(name.clone());
        let users: Vec<String> = before
            .servers
            .values()
            .filter(|server| server.jump.as_ref() == Some(&through))
            .map(|server| ticked(server.name.as_str()))
            .collect();
        if !users.is_empty() {
            return Err(Diagnostic::usage(format!(
                "{} {} reached through {} (`jump`)",
                users.join(", "),
                if users.len() == 1 { "is" } else { "are" },
                ticked(name.as_str())
            ))
            .hint("set another `jump` there first")
            .into());
        }
        Ok(Layout::new(text)?.without_server(name.as_str())?)
    })
}

fn known(inventory: &Inventory, name: &ServerName) -> Result<(), Diagnostic> {
    if inventory.servers.contains_key(name) {
        Ok(())
    } else {
        Err(unknown_server(name.as_str(), &inventory.servers))
    }
}

impl From<Diagnostic> for Diagnostics {
    fn from(diagnostic: Diagnostic) -> Self {
        Self(vec![diagnostic])
    }
}

/// Reads, changes, reads again what came out of it, and only then replaces the file.
fn edit(
    path: &Path,
    home: Option<&Path>,
    mode: Mode,
    change: impl Fn(&Inventory, &str) -> Result<String, Diagnostics>,
) -> Result<Edited, Diagnostics> {
    let attempt = |text: &str| {
        let before = Inventory::parse(path, text, home)?;
        let new = change(&before, text)?;
        let changed = new != text;
        let after = Inventory::parse(path, &new, home).map_err(|mut problems| {
            if let Some(last) = problems.0.last_mut() {
                last.hints.push(
                    "the file was not changed; the lines are those it would have had".to_owned(),
                );
            }
            problems
        })?;
        let edited = Edited {
            before,
            after,
            changed,
        };
        Ok((changed.then_some(new), edited))
    };
    match mode {
        Mode::Try => {
            let (_, edited) = attempt(&super::read_text(path)?)?;
            Ok(edited)
        }
        Mode::Write => replace::replace(path, attempt),
    }
}
