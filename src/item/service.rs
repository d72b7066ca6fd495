//! A systemd service.

use super::{Atom, Props, Steps};
use crate::shell::Script;

/// A service that should be enabled and running.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    /// Unit name without the suffix: `nginx`, `php8.2-fpm`.
    pub unit: String,
}

impl Atom for Service {
    const WORD: &'static str = "service";

    fn name(&self) -> &str {
        &self.unit
    }

    fn wanted(&self) -> Props {
        Props::new()
    }

    fn observe(_names: &[&str], _out: &mut Script) {}

    fn apply(_changes: &[(&Self, Option<&Props>)], _steps: &mut Steps) {}

    fn remove(_removals: &[(&str, &Props)], _steps: &mut Steps) {}
}
