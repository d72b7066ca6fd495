//! A regular file and its content.

use super::{Atom, Props, Steps};
use crate::shell::{Script, Secret};

/// A regular file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// Absolute path.
    pub path: String,
    /// What it holds.
    pub content: Content,
    /// Permission bits: `0o644`.
    pub mode: u32,
    /// Owning user.
    pub owner: String,
    /// Owning group.
    pub group: String,
    /// The unit whose configuration this is: tested before the file is live, reloaded after (`nginx`).
    pub service: Option<String>,
    /// Written once when its directory is made, never compared or replaced afterwards (a welcome page).
    pub seed: bool,
}

/// What a file holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// Text that may be shown in a diff.
    Text(String),
    /// Text that must not be shown (a private key, password hashes).
    Secret(Secret),
}

impl Atom for File {
    const WORD: &'static str = "file";

    fn name(&self) -> &str {
        &self.path
    }

    fn wanted(&self) -> Props {
        Props::new()
    }

    fn observe(_names: &[&str], _out: &mut Script) {}

    fn apply(_changes: &[(&Self, Option<&Props>)], _steps: &mut Steps) {}

    fn remove(_removals: &[(&str, &Props)], _steps: &mut Steps) {}
}
