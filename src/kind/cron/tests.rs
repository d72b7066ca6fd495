//! Settings in, exact items out.

#![allow(clippy::unwrap_used)]
