//! Reads a channel at all times, also between two scripts.
//!
//! All channels of a connection stand still while one of them is not read (see [`super::jump`]): a server that talks
//! while nobody listens would hold up all servers behind the same host on the way. What it says is kept up to a
//! bound; past that it has lost its turn, and what follows goes nowhere.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use russh::ChannelReadHalf;
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinHandle;

use super::session::{Event, next_of};

/// How many bytes may wait to be taken.
const ROOM: usize = 4 * 1024 * 1024;

/// A channel that is being read.
pub(super) struct Pump {
    events: mpsc::UnboundedReceiver<Event>,
    gauge: Arc<Gauge>,
    task: JoinHandle<()>,
}

/// What both sides know of the queue between them.
#[derive(Default)]
struct Gauge {
    bytes: AtomicUsize,
    /// Whether a script runs, so that whatever waits will be taken soon.
    listening: AtomicBool,
    changed: Notify,
}

impl Pump {
    /// Begins to read `channel`.
    pub(super) fn start(channel: ChannelReadHalf) -> Self {
        let gauge = Arc::new(Gauge::default());
        let (sender, events) = mpsc::unbounded_channel();
        Self {
            events,
            task: tokio::spawn(run(channel, sender, Arc::clone(&gauge))),
            gauge,
        }
    }

    /// Says whether a script runs.
    pub(super) fn listen(&self, listening: bool) {
        self.gauge.listening.store(listening, Ordering::SeqCst);
        self.gauge.changed.notify_one();
    }

    /// What came next.
    pub(super) async fn next(&mut self) -> Event {
        let Some(event) = self.events.recv().await else {
            return Event::Closed;
        };
        self.gauge.bytes.fetch_sub(event.size(), Ordering::SeqCst);
        self.gauge.changed.notify_one();
        event
    }
}

impl Drop for Pump {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn run(
    mut channel: ChannelReadHalf,
    sender: mpsc::UnboundedSender<Event>,
    gauge: Arc<Gauge>,
) {
    loop {
        let event = next_of(&mut channel).await;
        let last = matches!(event, Event::Closed);
        gauge.bytes.fetch_add(event.size(), Ordering::SeqCst);
        if sender.send(event).is_err() || last {
            return;
        }
        while gauge.bytes.load(Ordering::SeqCst) > ROOM {
            if gauge.listening.load(Ordering::SeqCst) {
                gauge.changed.notified().await;
                continue;
            }
            drop(sender.send(Event::Unasked));
            while channel.wait().await.is_some() {}
            return;
        }
    }
}
