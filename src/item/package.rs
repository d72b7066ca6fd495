//! A package of the distribution (apt).

use super::{Atom, Props, Steps};
use crate::shell::Script;

/// A Debian package that should be installed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Package {
    /// Its name.
    pub name: String,
}

impl Atom for Package {
    const WORD: &'static str = "package";

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
