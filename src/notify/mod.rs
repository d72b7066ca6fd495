//! Notifications: what is to be told of changes of status, when, in which words, and how it gets there.
//!
//! What is to be told over a channel is decided from what is confirmed of every subject and what was last told of it
//! ([`compare`]); it waits in the state database until it is due ([`due`]) and sent ([`send`]). All that is due for
//! a channel is one [`Message`].

mod command;
mod due;
mod mail;
mod message;
mod news;
mod send;
mod web;

pub use due::{due, is_quiet};
pub use message::Message;
pub use news::{News, compare};
pub use send::{Delivery, Keys, send};
