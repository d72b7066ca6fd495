//! fleet places websites and other resources on many Linux servers and applies them over SSH.
//!
//! The modules are listed in reading order; `ARCHITECTURE.md` tells how data flows through them.

pub mod diagnostic;
pub mod shell;

pub mod model;

pub mod item;
pub mod kind;
pub mod plan;
pub mod role;

pub mod inventory;

pub mod state;

pub mod http;
pub mod transport;

pub mod apply;
pub mod copy;
pub mod health;
pub mod logs;
pub mod notify;

pub mod ui;

pub mod picture;
pub mod report;

pub mod context;

pub mod commands;

pub mod cli;
