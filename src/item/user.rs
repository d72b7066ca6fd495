//! A system user with a group of the same name.

use super::{Atom, Props, Steps};
use crate::shell::Script;

/// A system user; its group has the same name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// User name: at most 32 of `a-z 0-9 _ -`.
    pub name: String,
    /// Home directory; made by a [`super::Dir`] of its own.
    pub home: String,
    /// Login shell.
    pub shell: String,
    /// GECOS field: what the user is for.
    pub comment: String,
}

impl Atom for User {
    const WORD: &'static str = "user";

    fn name(&self) -> &str {
        &self.name
    }

    fn wanted(&self) -> Props {
        Props::new()
    }

    fn observe(_names: &[&str], _out: &mut Script) {}

    fn apply(_changes: &[(&Self, Option<&Props>)], _steps: &mut Steps) {}

    fn remove(_removals: &[(&str, &Props)], _steps: &mut Steps) {}
}
