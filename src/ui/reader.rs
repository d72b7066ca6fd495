//! Whether anybody reads what is written, for what writes seldom and has no end.

use std::io;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::Ui;

/// How long a reader who left goes unnoticed.
const TURN: Duration = Duration::from_millis(200);

impl Ui {
    /// Comes to its end when stdout is a pipe or a socket that nobody reads any more (poll(2): `POLLERR`, `POLLHUP`). A file
    /// is always read, and a terminal that is gone ends the process by its signal.
    pub async fn unread(&self) {
        let mut turns = tokio::time::interval(TURN);
        loop {
            turns.tick().await;
            if is_unread() {
                return;
            }
        }
    }
}

fn is_unread() -> bool {
    let stdout = io::stdout();
    // Both are told without being asked for.
    let mut watched = [PollFd::new(&stdout, PollFlags::empty())];
    let at_once = Timespec::default();
    poll(&mut watched, Some(&at_once)).is_ok_and(|number| {
        number > 0
            && watched[0]
                .revents()
                .intersects(PollFlags::ERR | PollFlags::HUP)
    })
}
