//! A directory.

use super::{Atom, Props, Steps};
use crate::shell::Script;

/// A directory that should exist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dir {
    /// Absolute path.
    pub path: String,
    /// Permission bits: `0o750`.
    pub mode: u32,
    /// Owning user.
    pub owner: String,
    /// Owning group.
    pub group: String,
    /// What happens to it when it is no longer wanted.
    pub on_remove: OnRemove,
}

/// What happens to a directory that is no longer wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnRemove {
    /// It stays.
    Keep,
    /// It is removed when it is empty.
    IfEmpty,
    /// It moves to the trash with all it holds.
    Trash,
}

impl Atom for Dir {
    const WORD: &'static str = "dir";

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
