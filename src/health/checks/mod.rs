//! Checks: what a sweep looks at beyond the server's own figures, from the server and from here.

mod answers;
mod asked;
mod certificate;
mod debian;
pub mod dns;
mod judge;
mod outside;

use std::time::Duration;

pub use answers::{Findings, parse};
pub use asked::Asked;
pub use judge::judge;
pub use outside::{Outside, Visit, Visited};

/// How long one request or question may take.
pub(crate) const PATIENCE: Duration = Duration::from_secs(5);

/// How far into an answer a text is looked for, in bytes; as in checks.sh.
pub(crate) const TEXT_WITHIN: usize = 256 * 1024;

/// Longest part of what somebody else said that is kept, in characters.
const LONGEST: usize = 300;

/// What somebody else said, fit to be stored and shown: on one line, not endless.
fn said(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    words
        .join(" ")
        .chars()
        .filter(|c| !c.is_control())
        .take(LONGEST)
        .collect()
}
