//! An HTTP request made on the server itself after the reload: what was changed must answer.

use std::collections::BTreeMap;

use super::{Atom, Props, Removal, Steps};
use crate::shell::Script;

/// An HTTP request to the server itself. Never a change: it runs after changes of its resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Probe {
    /// The Host header (and TLS server name).
    pub host: String,
    /// Path and query: `/`.
    pub path: String,
    /// Over TLS to port 443 instead of in clear to port 80.
    pub tls: bool,
    /// Lowest status that counts as well.
    pub status_min: u16,
    /// Highest status that counts as well.
    pub status_max: u16,
}

impl Probe {
    /// The URL it asks for.
    pub fn url(&self) -> String {
        let scheme = if self.tls { "https" } else { "http" };
        format!("{scheme}://{}{}", self.host, self.path)
    }
}

impl Atom for Probe {
    const WORD: &'static str = "probe";

    fn name(&self) -> &str {
        &self.host
    }

    fn wanted(&self) -> Props {
        Props::new()
    }

    fn observe(_names: &[&str], _out: &mut Script) {}

    fn facts(_lines: &[&str]) -> BTreeMap<String, Props> {
        BTreeMap::new()
    }

    fn apply(_changes: &[(&Self, Option<&Props>)], _steps: &mut Steps) {}

    fn remove(_removals: &[Removal<'_>], _steps: &mut Steps) {}
}
