//! Tests of the inventory: what is read, and how every error is shown.
#![allow(clippy::unwrap_used)]

use std::path::{Path, PathBuf};

use super::*;

mod edits;
mod errors;
mod notifications;
mod reads;

/// Reads `text` as `inventory.toml` in `/etc/fleet`, with the home directory `/home/eva`.
fn parse(text: &str) -> Result<Inventory, Diagnostics> {
    let path = Path::new("/etc/fleet/inventory.toml");
    Inventory::parse(path, text, Some(Path::new("/home/eva")))
}

/// The problems of `text` as an admin sees them, without the directory.
fn problems(text: &str) -> String {
    let errors = parse(text).unwrap_err();
    let mut lines = Vec::new();
    for error in errors.0 {
        assert_eq!(error.class, crate::diagnostic::Class::Usage);
        lines.push(error.message.replace("/etc/fleet/inventory.toml", "i"));
        lines.extend(error.details);
        lines.extend(error.hints.iter().map(|hint| format!("hint: {hint}")));
    }
    lines.join("\n")
}
