//! Health: a read-only look at servers, all in parallel, and the verdict on each.

pub mod checks;
mod classify;
pub mod parse;
mod probe;
mod sweep;

/// What a check found: see [`crate::model::check`].
pub use crate::model::check;
pub use classify::{Verdict, classify};
pub use parse::{Reading, parse};
pub use probe::probe;
pub use sweep::{Look, Subject, Sweep, is_stale};
