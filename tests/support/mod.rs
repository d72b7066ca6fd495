//! What the tests of the real binary share.

pub mod environment;
