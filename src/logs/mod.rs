//! Logs: read where they are, merged by time on each server, and followed in one long conversation with it.

mod lines;
mod merge;
mod script;
mod stream;

pub use lines::Line;
pub use merge::Window;
pub use script::{Grep, Log, Query, Source};
pub use stream::{Event, Stream};
