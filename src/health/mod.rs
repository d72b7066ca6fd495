//! Health: a read-only look at servers, all in parallel, and the verdict on each.

mod classify;
mod parse;
mod probe;

pub use classify::{Verdict, classify};
pub use parse::{Reading, parse};
pub use probe::probe;
