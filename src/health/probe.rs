//! The script that looks at a server: read-only, a handful of processes, about ten milliseconds.

use crate::shell::Script;

/// The script; [`super::parse()`] reads what it prints.
///
/// It holds no value of anybody's, so it is a file of its own that `dash -n` and shellcheck can read.
pub fn probe() -> Script {
    let mut script = Script::new();
    script.raw(include_str!("probe.sh"));
    script
}
