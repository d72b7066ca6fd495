//! Questions to servers that change nothing: one script each, all at once.

use std::collections::{BTreeMap, VecDeque};
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::model::{Server, ServerName};
use crate::shell::Script;
use crate::transport::{Connector, TransportError};

/// What one server said.
#[derive(Debug)]
pub struct Answer {
    /// The lines it printed, without those that were left out.
    pub lines: Vec<String>,
    /// What was left out of them.
    pub gap: Option<Gap>,
    /// What its script wrote to standard error.
    pub stderr: String,
    /// How many bytes of that were left out.
    pub stderr_left_out: usize,
    /// The status the script ended with.
    pub status: i32,
    /// The connection by which it was reached, as `SSH_CONNECTION` has it.
    pub seen_as: Option<String>,
    /// Fingerprint of the key that logged in.
    pub login_key: Option<String>,
}

/// What was left out of the middle of what a server printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gap {
    /// How many lines are before it.
    pub at: usize,
    /// How many are in it.
    pub lines: u64,
    /// How many bytes they have.
    pub bytes: u64,
}

/// Hears of what a server prints, byte for byte, as it comes.
pub type OnBytes = Arc<dyn Fn(&ServerName, &[u8]) + Send + Sync>;

/// How servers are asked.
#[derive(Clone)]
pub struct Asking {
    /// How many at a time.
    pub parallel: usize,
    /// How long a script may take, silent or not; `None` leaves the limits of the settings.
    pub patience: Option<Duration>,
    /// How many bytes of what each prints are kept, half of them of its beginning and half of its end; `None`: more
    /// than 16 MiB is an error, for the script is one of fleet's own.
    pub keep: Option<usize>,
    /// Hears of all that is printed; only where a bounded part of it is kept.
    pub on_bytes: Option<OnBytes>,
}

/// How much a server may say to a question of fleet's own, in bytes.
const MOST_SAID: usize = 16 * 1024 * 1024;

/// How much is kept of what is also shown as it comes, in bytes.
const KEPT: usize = 4 * 1024 * 1024;

/// What a line counts for besides its bytes.
const LINE_COST: usize = 32;

/// Sends each server its script and returns what they said, or why one could not; `parallel` servers at a time.
pub async fn ask(
    connector: &Connector,
    questions: Vec<(Server, Script)>,
    parallel: usize,
) -> BTreeMap<ServerName, Result<Answer, TransportError>> {
    let asking = Asking {
        parallel,
        patience: None,
        keep: None,
        on_bytes: None,
    };
    asking.all(connector, questions).await
}

impl Asking {
    /// Asks, and returns when all have answered.
    pub async fn all(
        self,
        connector: &Connector,
        questions: impl IntoIterator<Item = (Server, Script)>,
    ) -> BTreeMap<ServerName, Result<Answer, TransportError>> {
        let mut answers = BTreeMap::new();
        self.run(connector, questions, |server, answer| {
            answers.insert(server, answer);
        })
        .await;
        answers
    }

    /// Asks, and hands over each answer as it comes. A question is taken when its turn has come.
    pub async fn run(
        self,
        connector: &Connector,
        questions: impl IntoIterator<Item = (Server, Script)>,
        mut on_answer: impl FnMut(ServerName, Result<Answer, TransportError>),
    ) {
        let parallel = self.parallel.clamp(1, connector.at_once().max(1));
        let mut waiting = questions.into_iter();
        let mut running = JoinSet::new();
        loop {
            while running.len() < parallel
                && let Some((server, script)) = waiting.next()
            {
                let connector = connector.clone();
                let Self {
                    patience,
                    keep,
                    on_bytes,
                    ..
                } = self.clone();
                running.spawn(async move {
                    let limits = (patience, keep);
                    let mut tell = |bytes: &[u8]| {
                        if let Some(on_bytes) = &on_bytes {
                            on_bytes(&server.name, bytes);
                        }
                    };
                    let mut on_line = |_: &str| {};
                    let tell = match &on_bytes {
                        Some(_) => Tell::Bytes(&mut tell),
                        None => Tell::Lines(&mut on_line),
                    };
                    let answer = put(&connector, &server, &script, limits, tell).await;
                    (server.name, answer)
                });
            }
            match running.join_next().await {
                None => return,
                Some(Ok((server, answer))) => on_answer(server, answer),
                Some(Err(error)) if error.is_panic() => {
                    std::panic::resume_unwind(error.into_panic())
                }
                Some(Err(_)) => {}
            }
        }
    }
}

/// Who hears of what a server prints, while it does.
enum Tell<'a> {
    Lines(&'a mut (dyn FnMut(&str) + Send)),
    Bytes(&'a mut (dyn FnMut(&[u8]) + Send)),
}

/// Puts a script to one server and hands on each line as it comes; `patience` is how long it may take, silent or not.
///
/// # Errors
/// When the server could not be asked, or the connection broke.
pub async fn follow(
    connector: &Connector,
    server: &Server,
    script: &Script,
    patience: Duration,
    mut on_line: impl FnMut(&str),
) -> Result<Answer, TransportError> {
    let (sender, mut lines) = mpsc::unbounded_channel::<String>();
    let mut tell = |line: &str| {
        // Nobody listens any more only when nobody waits for the answer either.
        let _ = sender.send(line.to_owned());
    };
    let limits = (Some(patience), Some(KEPT));
    let asking = put(connector, server, script, limits, Tell::Lines(&mut tell));
    tokio::pin!(asking);
    let answer = loop {
        tokio::select! {
            biased;
            Some(line) = lines.recv() => on_line(&line),
            answer = &mut asking => break answer,
        }
    };
    while let Ok(line) = lines.try_recv() {
        on_line(&line);
    }
    answer
}

async fn put(
    connector: &Connector,
    server: &Server,
    script: &Script,
    (patience, keep): (Option<Duration>, Option<usize>),
    tell: Tell<'_>,
) -> Result<Answer, TransportError> {
    let mut session = connector.open(server).await?;
    let limits = session.limits();
    limits.printed = if keep.is_some() {
        usize::MAX
    } else {
        MOST_SAID
    };
    if let Some(patience) = patience {
        limits.idle = patience;
        limits.total = patience;
    }
    let mut kept = Kept::new(keep.unwrap_or(usize::MAX));
    let output = match tell {
        Tell::Lines(on_line) => {
            let mut on_line = |line: &str| {
                kept.push(line);
                on_line(line);
            };
            session.exchange(script, &mut on_line).await
        }
        Tell::Bytes(on_bytes) => {
            let mut on_bytes = |bytes: &[u8]| {
                on_bytes(bytes);
                kept.push_bytes(bytes);
                ControlFlow::Continue(())
            };
            session.receive(script, &mut on_bytes).await
        }
    };
    let seen_as = session.seen_as().map(str::to_owned);
    let login_key = session.peer().login_key.clone();
    session.close().await;
    let output = output?;
    let (lines, gap) = kept.all();
    Ok(Answer {
        lines,
        gap,
        stderr: output.stderr,
        stderr_left_out: output.left_out,
        status: output.status,
        seen_as,
        login_key,
    })
}

/// The beginning and the end of what a server prints.
struct Kept {
    /// How much each of both may have.
    most: usize,
    head: Vec<String>,
    head_size: usize,
    tail: VecDeque<String>,
    tail_size: usize,
    lines: u64,
    bytes: u64,
    /// A line whose end has not come yet.
    begun: Vec<u8>,
}

impl Kept {
    fn new(most: usize) -> Self {
        Self {
            most: most / 2,
            head: Vec::new(),
            head_size: 0,
            tail: VecDeque::new(),
            tail_size: 0,
            lines: 0,
            bytes: 0,
            begun: Vec::new(),
        }
    }

    /// Takes bytes that do not end where a line ends. One that is longer than all that is kept counts for several.
    fn push_bytes(&mut self, bytes: &[u8]) {
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            let (piece, ends) = match piece.strip_suffix(b"\n") {
                Some(line) => (line, true),
                None => (piece, false),
            };
            self.begun.extend_from_slice(piece);
            if ends || self.begun.len() > 2 * self.most {
                let line = std::mem::take(&mut self.begun);
                self.push(&String::from_utf8_lossy(&line));
            }
        }
    }

    fn push(&mut self, line: &str) {
        let size = line.len() + LINE_COST;
        if self.tail.is_empty() && self.lines == 0 && self.head_size + size <= self.most {
            self.head_size += size;
            self.head.push(line.to_owned());
            return;
        }
        self.tail_size += size;
        self.tail.push_back(line.to_owned());
        while self.tail_size > self.most
            && let Some(line) = self.tail.pop_front()
        {
            self.tail_size -= line.len() + LINE_COST;
            self.lines += 1;
            self.bytes += line.len() as u64 + 1;
        }
    }

    fn all(mut self) -> (Vec<String>, Option<Gap>) {
        if !self.begun.is_empty() {
            let line = std::mem::take(&mut self.begun);
            self.push(&String::from_utf8_lossy(&line));
        }
        let gap = (self.lines > 0).then_some(Gap {
            at: self.head.len(),
            lines: self.lines,
            bytes: self.bytes,
        });
        self.head.extend(self.tail);
        (self.head, gap)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(most: usize, lines: impl IntoIterator<Item = String>) -> (Vec<String>, Option<Gap>) {
        let mut kept = Kept::new(most);
        for line in lines {
            kept.push(&line);
            assert!(kept.head_size + kept.tail_size <= most);
        }
        kept.all()
    }

    #[test]
    fn the_beginning_and_the_end_are_kept() {
        let numbers = |count: u32| (0..count).map(|number| format!("{number:08}"));
        let (lines, gap) = kept(80 * 10, numbers(20));
        assert_eq!((lines.len(), gap), (20, None));
        let (lines, gap) = kept(80 * 10, numbers(1000));
        assert_eq!(lines[9..11], ["00000009", "00000990"]);
        assert_eq!(
            gap,
            Some(Gap {
                at: 10,
                lines: 980,
                bytes: 980 * 9
            })
        );
        // A line that is longer than all that is kept is left out too, and so is nothing after it.
        let long = std::iter::once("x".repeat(10_000)).chain(numbers(2));
        let (lines, gap) = kept(1000, long);
        assert_eq!(lines, ["00000000", "00000001"]);
        assert_eq!(gap.map(|gap| (gap.at, gap.bytes)), Some((0, 10_001)));
    }

    #[test]
    fn bytes_become_lines_however_they_are_cut() {
        let sent = b"one\n\ntwo \xff\nthree";
        for piece in 1..=sent.len() {
            let mut kept = Kept::new(1000);
            for part in sent.chunks(piece) {
                kept.push_bytes(part);
            }
            let expected = ["one", "", "two \u{fffd}", "three"].map(str::to_owned);
            assert_eq!(kept.all(), (expected.to_vec(), None), "pieces of {piece}");
        }
        let mut kept = Kept::new(1000);
        for _ in 0..1000 {
            kept.push_bytes(&[b'x'; 100]);
            assert!(kept.begun.len() <= 1100);
        }
        kept.push_bytes(b"\nlast\n");
        let (lines, gap) = kept.all();
        assert_eq!(lines.last().map(String::as_str), Some("last"));
        assert!(gap.is_some_and(|gap| gap.bytes > 99_000));
    }
}
