//! One long conversation with a server about its logs, begun again where it was when the connection goes away.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{Semaphore, mpsc};
use tokio::time::sleep;

use super::Line;
use super::lines::{Said, Splitter, entry, said};
use super::script::{self, Query, Source};
use crate::model::Server;
use crate::shell::Script;
use crate::transport::{Connector, Output, Session, TransportError};

/// A server that is followed shows a sign of life every two seconds.
const SILENCE: Duration = Duration::from_secs(20);

/// How long a server may look for old lines before it shows the first.
const PATIENCE: Duration = Duration::from_secs(600);

/// As long as somebody wants to watch.
const ENDLESS: Duration = Duration::from_secs(365 * 86_400);

/// The longest pause between two attempts to reach a server again.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// What a stream tells.
#[derive(Debug)]
pub enum Event {
    /// A line.
    Line(Line),
    /// The server has no unit of that name.
    Absent(String),
    /// All that was there has been told; what follows is new.
    Live,
    /// The connection is gone, or was not there; it is tried again in a while.
    Lost(TransportError),
    /// It is there again.
    Back,
    /// The stream has ended: with the status and the complaints of its script, or with what broke it off.
    Ended(Result<Output, TransportError>),
}

/// The logs of one server.
pub struct Stream {
    /// How it is reached.
    pub connector: Connector,
    /// The server.
    pub server: Server,
    /// What is read there.
    pub source: Source,
    /// Which lines.
    pub query: Query,
    /// When it began: what is new is so since then.
    pub now: Timestamp,
    /// How many servers are being connected to at a time.
    pub doors: Arc<Semaphore>,
}

/// How far the logs have been read.
#[derive(Clone, Debug, Default)]
pub(super) struct Position {
    /// Of files, by their numbers.
    pub(super) logs: BTreeMap<u32, Place>,
    /// Of the journal.
    cursor: Option<String>,
    /// Whether that is the cursor of an entry that has been told.
    told: bool,
    /// Whether the past has been told.
    pub(super) live: bool,
}

/// How far a file has been read.
#[derive(Clone, Debug, Default)]
pub(super) struct Place {
    pub(super) name: Arc<str>,
    pub(super) path: String,
    pub(super) inode: u64,
    pub(super) offset: u64,
    /// How many lines came since; they come again when the connection breaks before the next mark.
    since: u64,
    /// How many of them are still to be left out.
    skip: u64,
}

/// Nobody listens any more.
struct Gone;

impl Stream {
    /// Reads, and follows if that was asked for; ends when nobody listens. The receiver decides how fast it goes.
    pub async fn run(self, sender: mpsc::Sender<Event>) {
        let mut position = Position::default();
        let mut pause = Duration::from_secs(1);
        let mut lost = false;
        loop {
            let before = progress(&position);
            let ended = self.attempt(&mut position, &sender, &mut lost).await;
            let error = match ended {
                Err(Gone) => return,
                Ok(Err(error)) if self.query.follow && is_passing(&error) => error,
                Ok(ended) => {
                    let _ = sender.send(Event::Ended(ended)).await;
                    return;
                }
            };
            if progress(&position) != before {
                pause = Duration::from_secs(1);
            }
            if !lost && sender.send(Event::Lost(error)).await.is_err() {
                return;
            }
            tokio::select! {
                () = sleep(pause) => {}
                () = sender.closed() => return,
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
            // What came after the last mark comes again.
            for place in position.logs.values_mut() {
                place.skip = place.since;
            }
            lost = true;
        }
    }

    /// One connection, from its beginning to its end.
    async fn attempt(
        &self,
        position: &mut Position,
        sender: &mpsc::Sender<Event>,
        lost: &mut bool,
    ) -> Result<Result<Output, TransportError>, Gone> {
        let opened = {
            let _door = self.doors.acquire().await;
            self.connector.open(&self.server).await
        };
        let mut session = match opened {
            Ok(session) => session,
            Err(error) => return Ok(Err(error)),
        };
        // The next time that it goes is told again.
        if std::mem::take(lost) && sender.send(Event::Back).await.is_err() {
            return Err(Gone);
        }
        let limits = session.limits();
        limits.total = ENDLESS;
        limits.idle = PATIENCE;
        let ended = match &self.source {
            Source::Files(logs) => {
                if position.live {
                    session.limits().idle = SILENCE;
                }
                let script = script::files(logs, &self.query, position);
                self.receive(&mut session, &script, position, sender)
                    .await?
            }
            Source::Journal(units) => {
                let mut past = None;
                // A past that broke off goes on behind its last entry, as what is new does.
                if position.told && !std::mem::replace(&mut position.live, true) {
                    sender.send(Event::Live).await.map_err(|_| Gone)?;
                }
                if !position.live {
                    let script = script::journal_past(units, &self.query);
                    let told = self
                        .receive(&mut session, &script, position, sender)
                        .await?;
                    position.live = matches!(&told, Ok(output) if output.status == 0);
                    if position.live && sender.send(Event::Live).await.is_err() {
                        return Err(Gone);
                    }
                    past = Some(told);
                }
                match past {
                    Some(told) if !self.query.follow || !position.live => told,
                    _ => {
                        session.limits().idle = SILENCE;
                        let cursor = position.cursor.clone();
                        let from = self.now.as_second();
                        let script =
                            script::journal_follow(units, &self.query, cursor.as_deref(), from);
                        self.receive(&mut session, &script, position, sender)
                            .await?
                    }
                }
            }
        };
        session.close().await;
        Ok(ended)
    }

    /// Runs a script and tells what it prints, while somebody listens.
    async fn receive(
        &self,
        session: &mut Session,
        script: &Script,
        position: &mut Position,
        sender: &mpsc::Sender<Event>,
    ) -> Result<Result<Output, TransportError>, Gone> {
        // Bounded by what one turn of the connection brings: while a line is being told, it is not read from.
        let (pieces, mut arriving) = mpsc::unbounded_channel::<Vec<u8>>();
        let mut on_bytes = move |bytes: &[u8]| match pieces.send(bytes.to_vec()) {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        };
        let receiving = session.receive(script, &mut on_bytes);
        tokio::pin!(receiving);
        let mut splitter = Splitter::default();
        let mut lines = Vec::new();
        let ended = loop {
            tokio::select! {
                biased;
                Some(piece) = arriving.recv() => {
                    splitter.take(&piece, |line| lines.push(line));
                    self.tell(lines.drain(..), position, sender).await?;
                }
                ended = &mut receiving => break ended,
                () = sender.closed() => return Err(Gone),
            }
        };
        while let Ok(piece) = arriving.try_recv() {
            splitter.take(&piece, |line| lines.push(line));
        }
        self.tell(lines.drain(..), position, sender).await?;
        Ok(ended)
    }

    async fn tell(
        &self,
        lines: impl Iterator<Item = String>,
        position: &mut Position,
        sender: &mpsc::Sender<Event>,
    ) -> Result<(), Gone> {
        for line in lines {
            if let Some(event) = self.event(&line, position) {
                sender.send(event).await.map_err(|_| Gone)?;
            }
        }
        Ok(())
    }

    /// What a printed line is, and what it says about how far it goes.
    fn event(&self, line: &str, position: &mut Position) -> Option<Event> {
        if line.starts_with('{') {
            let (line, cursor) = entry(&self.server.name, line)?;
            (position.cursor, position.told) = (Some(cursor), true);
            return Some(Event::Line(line));
        }
        match said(line)? {
            Said::Line(number, at, text) => {
                let place = position.logs.get_mut(&number)?;
                if place.skip > 0 {
                    place.skip -= 1;
                    return None;
                }
                place.since += 1;
                return Some(Event::Line(Line {
                    server: self.server.name.clone(),
                    log: Arc::clone(&place.name),
                    at,
                    text: text.to_owned(),
                    process: None,
                }));
            }
            Said::Log(number, name, path) => {
                let place = position.logs.entry(number).or_default();
                place.name = Arc::from(name);
                path.clone_into(&mut place.path);
            }
            Said::At(number, inode, offset) => {
                let place = position.logs.get_mut(&number)?;
                (place.inode, place.offset) = (inode, offset);
                (place.since, place.skip) = (0, 0);
            }
            Said::Live => {
                let first = !std::mem::replace(&mut position.live, true);
                return first.then_some(Event::Live);
            }
            Said::Absent(unit) => return Some(Event::Absent(unit.to_owned())),
            Said::Cursor(cursor) => position.cursor = Some(cursor.to_owned()),
        }
        None
    }
}

/// Whether a server may come back from it by itself.
fn is_passing(error: &TransportError) -> bool {
    match error {
        TransportError::Timeout { .. } | TransportError::Penalised { .. } => true,
        TransportError::Jump { error, .. } => is_passing(error),
        other => other.is_unreachable(),
    }
}

/// Something that differs when lines have come.
fn progress(position: &Position) -> (u64, Option<String>) {
    let told = position
        .logs
        .values()
        .map(|place| place.offset + place.since);
    (told.sum(), position.cursor.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_passes_on_a_server_passes_on_one_before_it() {
        let penalised = TransportError::Penalised {
            said: String::new(),
            waited: None,
        };
        let cases = [(penalised, true), (TransportError::Ended, false)];
        for (error, passes) in cases {
            assert_eq!(is_passing(&error), passes, "{error:?}");
            let before = TransportError::Jump {
                via: "gate".to_owned(),
                server: None,
                error: Box::new(error),
            };
            assert_eq!(is_passing(&before), passes, "{before:?}");
        }
    }
}
