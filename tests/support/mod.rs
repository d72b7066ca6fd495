//! What the tests of the real binary share; each of them uses a part of it.

#![allow(dead_code)]

pub(crate) mod environment;
