//! One conversation with a server: scripts go in whole, lines come out, with an exit status each.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use russh::{ChannelMsg, ChannelReadHalf};
use tokio::time::{Instant, sleep_until};

use super::bootstrap::{Marks, arrival};
use super::error::{Phase, TransportError};
use super::local::LocalReader;
use super::pump::Pump;
use super::sink::{Sink, until_mark};
use super::writer::Writer;
use super::{Bytes, Limits, Output};
use crate::shell::Script;

/// How much of what a script writes to stderr is kept: its beginning and its end.
const STDERR_KEPT: usize = 32 * 1024;

/// The longest line of output; a longer one ends the conversation.
const LONGEST_LINE: usize = 16 * 1024 * 1024;

/// What a line counts for besides its bytes: a flood of empty lines takes memory too.
const LINE_COST: usize = 32;

/// How much of the noise before the ready line is kept for an error message.
const NOISE_KEPT: usize = 4 * 1024;

/// What arrives from the other side.
pub(super) enum Event {
    /// A piece of stdout.
    Out(Vec<u8>),
    /// A piece of stderr.
    Err(Vec<u8>),
    /// The shell ended with this status.
    Status(i32),
    /// A signal ended the shell.
    Signal(String),
    /// Nothing more will come.
    Closed,
    /// More came while no script ran than there was room for; it is lost, and so is the conversation.
    Unasked,
}

impl Event {
    /// How many bytes it brings.
    pub(super) fn size(&self) -> usize {
        match self {
            Self::Out(bytes) | Self::Err(bytes) => bytes.len(),
            Self::Status(_) | Self::Signal(_) | Self::Closed | Self::Unasked => 0,
        }
    }
}

/// What comes next from a channel.
pub(super) async fn next_of(channel: &mut ChannelReadHalf) -> Event {
    loop {
        match channel.wait().await {
            Some(ChannelMsg::Data { data }) => return Event::Out(data.into()),
            Some(ChannelMsg::ExtendedData { data, .. }) => return Event::Err(data.into()),
            Some(ChannelMsg::ExitStatus { exit_status }) => {
                return Event::Status(i32::try_from(exit_status).unwrap_or(255));
            }
            Some(ChannelMsg::ExitSignal { signal_name, .. }) => {
                return Event::Signal(format!("{signal_name:?}"));
            }
            // Output may still follow an exit status or an EOF of stdout: only the close ends it.
            Some(ChannelMsg::Close) | None => return Event::Closed,
            Some(_) => {}
        }
    }
}

/// The receiving half of a conversation.
pub(super) enum Reader {
    /// A channel of an SSH connection.
    Ssh(ChannelReadHalf),
    /// The same, where the way to the server is shared with others.
    Shared(Pump),
    /// A child process.
    Local(Box<LocalReader>),
}

impl Reader {
    /// Says whether a script runs.
    fn listen(&self, listening: bool) {
        if let Self::Shared(pump) = self {
            pump.listen(listening);
        }
    }

    async fn next(&mut self) -> Event {
        match self {
            Self::Ssh(channel) => next_of(channel).await,
            Self::Shared(pump) => pump.next().await,
            Self::Local(reader) => reader.next().await,
        }
    }
}

/// A running shell loop (see [`super::bootstrap`]) and what is known of it.
pub(super) struct Conversation {
    reader: Reader,
    writer: Writer,
    marks: Marks,
    ready: bool,
    ended: bool,
    client: Option<String>,
}

impl Conversation {
    /// A conversation over a started loop.
    pub(super) fn new(reader: Reader, writer: Writer, marks: Marks) -> Self {
        Self {
            reader,
            writer,
            marks,
            ready: false,
            ended: false,
            client: None,
        }
    }

    /// `SSH_CONNECTION` as the server sees it, known after the first script.
    pub(super) fn client(&self) -> Option<&str> {
        self.client.as_deref()
    }

    /// Ends the input of the loop.
    pub(super) async fn finish(&mut self) {
        if !self.ended {
            self.ended = true;
            self.writer.finish().await;
        }
    }

    /// Sends a script, and the bytes that it reads, and hands over its output until it has ended.
    pub(super) async fn exchange(
        &mut self,
        script: &Script,
        bytes: Option<&mut Bytes<'_>>,
        limits: &Limits,
        sink: &mut Sink<'_>,
    ) -> Result<Output, Failure> {
        if self.ended {
            return Err(Failure::Known(TransportError::Ended));
        }
        if script.text().contains('\0') {
            return Err(Failure::Known(TransportError::Settings {
                reason: "a script with a NUL byte cannot be sent".to_owned(),
                hint: None,
            }));
        }
        // Whatever ends this early (a time limit, a dropped future) leaves a shell in an unknown state behind.
        self.ended = true;
        let (frame, after) = match bytes {
            None => (self.marks.frame(script.text()), None),
            Some(bytes) => {
                let (frame, end) = self.marks.frame_with_bytes(script.text());
                (frame, Some((bytes, end)))
            }
        };
        let mut reception = Reception::new(&self.marks, self.ready, limits.printed);
        let reader = &mut self.reader;
        let writer = &mut self.writer;
        let gone = AtomicBool::new(false);
        let mut sending = Box::pin(writer.send_all(frame, after, &gone));
        let mut sent = false;
        // Until all of the script is there, the server has nothing to say.
        let arrival = arrival(script.text().len());
        let mut there = Instant::now() + arrival;
        let total = there + limits.total;
        let mut idle = there + limits.idle;
        reader.listen(true);

        let outcome = loop {
            // Output that never pauses is always the first to be ready; the clock must be looked at all the same.
            if Instant::now() >= total {
                break Err(Failure::Known(timeout(total, limits)));
            }
            tokio::select! {
                biased;
                event = reader.next() => {
                    idle = Instant::now().max(there) + limits.idle;
                    if let Some(outcome) = reception.take(event, sink) {
                        break outcome;
                    }
                }
                outcome = &mut sending, if !sent => {
                    // Sent is what the way has taken, not what has arrived.
                    sent = true;
                    there = Instant::now() + arrival;
                    idle = there + limits.idle;
                    if outcome.is_err() {
                        break Err(Failure::Known(TransportError::Ended));
                    }
                }
                () = sleep_until(idle.min(total)) => {
                    // What goes out is a sign of life too.
                    if !gone.swap(false, Ordering::Relaxed) {
                        break Err(Failure::Known(timeout(total, limits)));
                    }
                    idle = Instant::now() + limits.idle;
                }
            }
        };
        drop(sending);
        self.reader.listen(false);
        if reception.client.is_some() {
            self.client = reception.client.take();
        }
        self.ready = reception.ready();
        match outcome {
            Ok(End { output, goes_on }) => {
                self.ended = !goes_on;
                Ok(output)
            }
            Err(failure) => Err(failure),
        }
    }
}

/// Which of the two limits of an exchange passed.
fn timeout(total: Instant, limits: &Limits) -> TransportError {
    let (phase, limit) = if Instant::now() >= total {
        (Phase::Total, limits.total)
    } else {
        (Phase::Idle, limits.idle)
    };
    TransportError::Timeout { phase, limit }
}

/// A server that prints without end.
fn endless(what: &str) -> Failure {
    Failure::Known(TransportError::Protocol {
        reason: format!("the server printed {what}"),
    })
}

/// Why an exchange failed.
pub(super) enum Failure {
    /// It can be told from the conversation alone.
    Known(TransportError),
    /// The connection went away; whoever holds it knows why.
    Cut,
    /// The loop never came up: what was printed instead, and the exit status.
    NotReady {
        /// stdout and stderr.
        said: String,
        /// The exit status; `None` when a signal ended the shell.
        status: Option<i32>,
    },
}

/// How a script ended.
struct End {
    output: Output,
    goes_on: bool,
}

/// The output of one script as it comes in.
#[allow(
    clippy::struct_excessive_bools,
    reason = "each output begins and ends by itself"
)]
struct Reception {
    ready_mark: Vec<u8>,
    end_mark: Vec<u8>,
    over_mark: Vec<u8>,
    out: Vec<u8>,
    err: Vec<u8>,
    out_ready: bool,
    err_ready: bool,
    out_end: Option<i32>,
    err_end: bool,
    /// Whether the loop has ended by itself, so that the script did not run.
    over: bool,
    noise: Vec<u8>,
    /// What the lines so far count for, and what they may.
    printed: usize,
    most: usize,
    kept: Kept,
    status: Option<i32>,
    signal: Option<String>,
    client: Option<String>,
}

impl Reception {
    fn new(marks: &Marks, ready: bool, most: usize) -> Self {
        Self {
            ready_mark: marks.ready().into_bytes(),
            end_mark: marks.end().into_bytes(),
            over_mark: marks.over().into_bytes(),
            out: Vec::new(),
            err: Vec::new(),
            out_ready: ready,
            err_ready: ready,
            out_end: None,
            err_end: false,
            over: false,
            noise: Vec::new(),
            printed: 0,
            most,
            kept: Kept::default(),
            status: None,
            signal: None,
            client: None,
        }
    }

    fn ready(&self) -> bool {
        self.out_ready && self.err_ready
    }

    /// Takes in one event; `Some` when the script, or the conversation, has ended.
    fn take(&mut self, event: Event, sink: &mut Sink<'_>) -> Option<Result<End, Failure>> {
        match event {
            Event::Out(bytes) => {
                let seen = self.out.len();
                self.out.extend_from_slice(&bytes);
                if self.take_out(seen, sink).is_break() {
                    return Some(Err(Failure::Known(TransportError::Ended)));
                }
                if self.out.len() > LONGEST_LINE {
                    return Some(Err(endless("a line without an end")));
                }
                if self.printed > self.most {
                    let most = self.most / (1024 * 1024);
                    return Some(Err(endless(&format!(
                        "more than the {most} MiB that fleet takes"
                    ))));
                }
            }
            Event::Err(bytes) => {
                let seen = self.err.len();
                self.err.extend_from_slice(&bytes);
                self.take_err(seen);
            }
            Event::Status(status) => self.status = Some(status),
            Event::Signal(name) => self.signal = Some(name),
            Event::Closed => return Some(self.close(sink)),
            Event::Unasked => return Some(Err(endless("what nobody had asked for"))),
        }
        let status = self.out_end?;
        if !self.err_end {
            return None;
        }
        Some(Ok(End {
            output: std::mem::take(&mut self.kept).output(status),
            goes_on: true,
        }))
    }

    /// Splits new stdout into lines; the bytes before `seen` have no newline.
    fn take_out(&mut self, seen: usize, sink: &mut Sink<'_>) -> ControlFlow<()> {
        if sink.is_raw() && self.out_ready {
            return self.take_raw(sink);
        }
        let mut start = 0;
        let mut from = seen;
        while let Some(at) = find_byte(&self.out[from..], b'\n') {
            let line = &self.out[start..from + at];
            start = from + at + 1;
            from = start;
            self.printed = self.printed.saturating_add(line.len() + LINE_COST);
            if self.printed > self.most {
                break;
            }
            if !self.out_ready {
                if let Some(before) = line.strip_suffix(&*self.ready_mark) {
                    self.out_ready = true;
                    self.client = client_of(before);
                    if sink.is_raw() {
                        break;
                    }
                } else {
                    keep_noise(&mut self.noise, line);
                }
            } else if let Some((before, after)) = split_once(line, &self.end_mark) {
                if !before.is_empty() {
                    sink.give(before)?;
                }
                self.out_end = String::from_utf8_lossy(after).trim().parse().ok();
            } else if line == self.over_mark {
                self.over = true;
            } else {
                sink.give(line)?;
            }
        }
        self.out.drain(..start);
        if sink.is_raw() && self.out_ready {
            return self.take_raw(sink);
        }
        ControlFlow::Continue(())
    }

    /// Hands over what came before the end of the script, byte for byte.
    fn take_raw(&mut self, sink: &mut Sink<'_>) -> ControlFlow<()> {
        let (bytes, found) = until_mark(&mut self.out, &self.end_mark);
        sink.give(&bytes)?;
        if found && let Some(end) = find_byte(&self.out, b'\n') {
            let after = &self.out[self.end_mark.len()..end];
            self.out_end = String::from_utf8_lossy(after).trim().parse().ok();
            self.out.drain(..=end);
        }
        ControlFlow::Continue(())
    }

    /// Splits new stderr into lines and keeps a part of them.
    fn take_err(&mut self, seen: usize) {
        let mut start = 0;
        let mut from = seen;
        while let Some(at) = find_byte(&self.err[from..], b'\n') {
            let line = &self.err[start..from + at];
            start = from + at + 1;
            from = start;
            if !self.err_ready {
                if line.ends_with(&self.ready_mark) {
                    self.err_ready = true;
                } else {
                    keep_noise(&mut self.noise, line);
                }
            } else if let Some((before, _)) = split_once(line, &self.end_mark) {
                self.kept.push(before);
                self.err_end = true;
            } else {
                self.kept.push(line);
                self.kept.push(b"\n");
            }
        }
        self.err.drain(..start);
        // A line that never ends must not fill the memory.
        if self.err.len() > 2 * STDERR_KEPT {
            let rest = std::mem::take(&mut self.err);
            if self.err_ready {
                self.kept.push(&rest);
            } else {
                keep_noise(&mut self.noise, &rest);
            }
        }
    }

    /// The other side has closed the channel.
    fn close(&mut self, sink: &mut Sink<'_>) -> Result<End, Failure> {
        if self.status.is_none() && self.signal.is_none() {
            return Err(Failure::Cut);
        }
        if !self.out_ready {
            keep_noise(&mut self.noise, &std::mem::take(&mut self.out));
            keep_noise(&mut self.noise, &std::mem::take(&mut self.err));
            return Err(Failure::NotReady {
                said: String::from_utf8_lossy(&self.noise).trim().to_owned(),
                status: self.status,
            });
        }
        if sink.is_raw() {
            // Only the end of the script tells that all of it came.
            return Err(Failure::Cut);
        }
        if self.over {
            // It says nothing where it has waited; else that it cannot run what it is made of.
            self.kept.push(&std::mem::take(&mut self.err));
            let said = std::mem::take(&mut self.kept).output(0).stderr;
            let line = said.lines().rfind(|line| !line.trim().is_empty());
            return Err(Failure::Known(TransportError::Cut {
                reason: match line {
                    Some(line) => {
                        format!("the shell on the server took no script: `{}`", line.trim())
                    }
                    None => "the server had waited too long for this script".to_owned(),
                },
            }));
        }
        let Some(status) = self.status else {
            return Err(Failure::NotReady {
                said: format!(
                    "ended by signal {}",
                    self.signal.as_deref().unwrap_or_default()
                ),
                status: None,
            });
        };
        if !self.out.is_empty() {
            let _ = sink.give(&self.out);
        }
        self.kept.push(&self.err);
        Ok(End {
            output: std::mem::take(&mut self.kept).output(status),
            goes_on: false,
        })
    }
}

/// The beginning and the end of a text that may be long.
#[derive(Default)]
struct Kept {
    head: Vec<u8>,
    tail: Vec<u8>,
    dropped: usize,
}

impl Kept {
    fn push(&mut self, bytes: &[u8]) {
        let room = (STDERR_KEPT / 2).saturating_sub(self.head.len());
        let (head, rest) = bytes.split_at(room.min(bytes.len()));
        self.head.extend_from_slice(head);
        self.tail.extend_from_slice(rest);
        // Trimmed in big steps, so that a flood costs no quadratic time.
        if self.tail.len() > 2 * STDERR_KEPT {
            self.trim();
        }
    }

    fn trim(&mut self) {
        let excess = self.tail.len().saturating_sub(STDERR_KEPT / 2);
        self.tail.drain(..excess);
        self.dropped += excess;
    }

    fn output(mut self, status: i32) -> Output {
        self.trim();
        let stderr = if self.dropped == 0 {
            self.head.append(&mut self.tail);
            String::from_utf8_lossy(&self.head).into_owned()
        } else {
            let head = String::from_utf8_lossy(&self.head);
            let tail = String::from_utf8_lossy(&self.tail);
            format!("{head}\n[{} bytes left out]\n{tail}", self.dropped)
        };
        Output {
            status,
            stderr,
            left_out: self.dropped,
        }
    }
}

/// Appends a line to the noise, up to its bound.
fn keep_noise(noise: &mut Vec<u8>, line: &[u8]) {
    let room = NOISE_KEPT.saturating_sub(noise.len());
    noise.extend_from_slice(&line[..line.len().min(room)]);
    if room > line.len() {
        noise.push(b'\n');
    }
}

/// `SSH_CONNECTION` (client address and port, server address and port) from what stands before the ready mark.
fn client_of(before: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(before);
    // Noise without a newline may stand in front.
    let words: Vec<&str> = text.split_whitespace().collect();
    let last = words.len().checked_sub(4)?;
    Some(words[last..].join(" "))
}

fn find_byte(haystack: &[u8], byte: u8) -> Option<usize> {
    haystack.iter().position(|b| *b == byte)
}

/// Splits `line` around `mark`. The mark is searched near the end only: it is followed by a number at most.
fn split_once<'a>(line: &'a [u8], mark: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    let from = line.len().saturating_sub(mark.len() + 12);
    let at = from
        + line[from..]
            .windows(mark.len())
            .position(|window| window == mark)?;
    Some((&line[..at], &line[at + mark.len()..]))
}

/// How long [`super::Session::close`] waits for its last messages to go out.
pub(super) const CLOSING: Duration = Duration::from_millis(500);
