//! The sweep: a look at many servers at once, each with its own time limit; results come as they arrive.

use std::collections::{BTreeSet, HashMap};
use std::pin::pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use tokio::task::JoinSet;

use super::checks::{self, Asked};
use super::classify::{Verdict, classify};
use super::parse::{Part, Reading, parse};
use super::probe::probe;
use crate::model::check::{CheckLimits, Extent, Extents};
use crate::model::health::Thresholds;
use crate::model::{Check, Health, Observation, Role, Server, ServerName};
use crate::transport::{Connector, Peer, TransportError};

/// Most that is kept of what a server prints, in bytes; the probe prints some 2 KiB, and the checks
/// some 200 bytes for each site.
const MOST_OUTPUT: usize = 512 * 1024;

/// How to sweep.
#[derive(Clone, Copy, Debug)]
pub struct Sweep {
    /// How long the look at one server may take, from the connection to its last line.
    pub limit: Duration,
    /// How much longer the checks of a server may take: what is not found out by then is not known.
    pub checks_limit: Duration,
    /// How many servers are looked at at the same time. A server that does not answer keeps its place for the
    /// whole limit, so this should be as large as the number of servers where that is possible.
    pub parallel: usize,
    /// When the sweep begins, as it is recorded.
    pub at: Timestamp,
    /// What the clock of this machine says when the sweep begins, to compare those of the servers with.
    pub clock: Timestamp,
}

/// A server to look at.
#[derive(Clone, Debug)]
pub struct Subject {
    /// The server.
    pub server: Server,
    /// The roles of the resources that fleet has placed there.
    pub placed: BTreeSet<Role>,
    /// From when on its figures need attention.
    pub thresholds: Thresholds,
    /// What is to be checked there; `None` for the server's own figures alone.
    pub asked: Option<Asked>,
    /// From when on what is checked needs attention.
    pub check_limits: CheckLimits,
}

/// What came of looking at a server.
#[derive(Clone, Debug)]
pub struct Look {
    /// The server.
    pub server: ServerName,
    /// What was seen; to be recorded.
    pub observation: Observation,
    /// How long it took.
    pub took: Duration,
    /// Whom was talked to; `None` when there was no login.
    pub peer: Option<Peer>,
    /// Why it could not be looked at, where the transport knows; it has hints.
    pub error: Option<TransportError>,
    /// What the checks found, in order of their keys; none when there was no look, or none were asked for.
    pub checks: Vec<Check>,
    /// Whether these are all checks there are, from each side.
    pub extents: Extents,
}

impl Sweep {
    /// Looks at all of `subjects` and hands each result to `on_look` as it arrives.
    ///
    /// No server waits for another: the whole takes as long as the slowest, and none longer than the limit (times
    /// the number of rounds where there are more servers than `parallel`). Dropping the future ends all of it.
    pub async fn run(
        self,
        connector: &Connector,
        subjects: Vec<Subject>,
        mut on_look: impl FnMut(Look),
    ) {
        let started = Instant::now();
        let parallel = self.parallel.clamp(1, connector.at_once().max(1));
        let mut waiting = subjects.into_iter();
        let mut running = JoinSet::new();
        let mut names = HashMap::new();
        loop {
            while running.len() < parallel
                && let Some(subject) = waiting.next()
            {
                let connector = connector.clone();
                let name = subject.server.name.clone();
                let task =
                    running.spawn(async move { self.look(&connector, &subject, started).await });
                names.insert(task.id(), name);
            }
            match running.join_next_with_id().await {
                None => return,
                Some(Ok((id, look))) => {
                    names.remove(&id);
                    on_look(look);
                }
                // A bug in the look at one server must not hide what is known of the others.
                Some(Err(error)) => {
                    if let Some(server) = names.remove(&error.id()) {
                        let verdict = Verdict::because(
                            Health::Error,
                            format!("fleet failed while looking at it: {error}"),
                        );
                        on_look(self.unseen(server, verdict, started.elapsed()));
                    }
                }
            }
        }
    }

    fn unseen(&self, server: ServerName, verdict: Verdict, took: Duration) -> Look {
        Look {
            server,
            observation: Observation {
                at: self.at,
                health: verdict.health,
                reasons: verdict.reasons,
                facts: None,
            },
            took,
            peer: None,
            error: None,
            checks: Vec::new(),
            extents: Extents::default(),
        }
    }

    /// Looks at one server, within the limit.
    async fn look(self, connector: &Connector, subject: &Subject, sweep_started: Instant) -> Look {
        let started = Instant::now();
        let seen = Mutex::new(Seen::default());
        let failure = {
            let mut conversation = pin!(self.converse(connector, subject, &seen));
            let mut limit = self.limit;
            let mut checking = false;
            loop {
                match tokio::time::timeout(limit, &mut conversation).await {
                    Ok(result) => break result.err().map(Failure::Transport),
                    // Who types a passphrase is not a slow server.
                    Err(_) if connector.is_asking() => {}
                    // The look at the server itself is over; its checks have a limit of their own.
                    Err(_) if !checking && subject.asked.is_some() && known(&seen).looked => {
                        checking = true;
                        limit = self.checks_limit;
                    }
                    Err(_) => break Some(Failure::Limit),
                }
            }
        };
        let took = started.elapsed();
        let seen = seen.into_inner().unwrap_or_else(PoisonError::into_inner);
        let mut reading = parse(seen.lines.iter().map(String::as_str));
        if let (Some(asked), Some(answered)) = (seen.asked, seen.answered) {
            let facts = &mut reading.facts;
            facts.connect_ms = millis(answered - started);
            facts.clock_error_s = (answered - asked).as_secs_f64() / 2.0;
            if let Some(time) = reading.time {
                let here = asked.duration_since(sweep_started).as_secs_f64() + facts.clock_error_s;
                facts.clock_offset_s = time - (seconds_since_1970(self.clock) + here);
            }
        }
        let verdict = verdict(
            &reading,
            subject,
            seen.peer.is_some(),
            failure.as_ref(),
            self.limit,
        );
        let mut extents = Extents::default();
        let checks = match &subject.asked {
            Some(asked) if reading.stopped_at.is_none() => {
                let findings = checks::parse(seen.lines.iter().map(String::as_str));
                if findings.ended && !asked.only {
                    extents.on_server = Extent::All;
                }
                let (name, facts) = (&subject.server.name, &reading.facts);
                checks::judge(
                    name,
                    facts,
                    asked,
                    &findings,
                    self.at,
                    &subject.check_limits,
                )
            }
            _ => Vec::new(),
        };
        Look {
            server: subject.server.name.clone(),
            observation: Observation {
                at: self.at,
                health: verdict.health,
                reasons: verdict.reasons,
                facts: (reading.stopped_at != Some(Part::Start)).then_some(reading.facts),
            },
            took,
            peer: seen.peer,
            error: match failure {
                Some(Failure::Transport(error)) => Some(error),
                _ => None,
            },
            checks,
            extents,
        }
    }
}

/// Why a look came to no end.
enum Failure {
    Transport(TransportError),
    /// The time limit of the look passed.
    Limit,
}

/// What is known of a server while the look at it goes on; it outlives a conversation that is cut off.
#[derive(Default)]
struct Seen {
    peer: Option<Peer>,
    /// When the script was sent.
    asked: Option<Instant>,
    /// When its first line arrived.
    answered: Option<Instant>,
    /// Whether the look at the server itself has come to its end.
    looked: bool,
    lines: Vec<String>,
    bytes: usize,
}

impl Seen {
    fn take(&mut self, line: &str) {
        self.answered.get_or_insert_with(Instant::now);
        self.looked |= line == "end";
        // An empty line takes memory too.
        self.bytes = self.bytes.saturating_add(line.len() + size_of::<String>());
        if self.bytes <= MOST_OUTPUT {
            self.lines.push(line.to_owned());
        }
    }
}

fn known(seen: &Mutex<Seen>) -> MutexGuard<'_, Seen> {
    seen.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Sweep {
    async fn converse(
        &self,
        connector: &Connector,
        subject: &Subject,
        seen: &Mutex<Seen>,
    ) -> Result<(), TransportError> {
        let mut session = connector.open(&subject.server).await?;
        let mut script = probe();
        let mut limit = self.limit;
        if let Some(asked) = &subject.asked {
            script.append(&asked.script());
            limit += self.checks_limit;
        }
        {
            let mut known = known(seen);
            known.peer = Some(session.peer().clone());
            known.asked = Some(Instant::now());
        }
        // The look has a limit of its own; the session's must not be longer, for whoever reads its error.
        let limits = session.limits();
        limits.idle = limits.idle.min(limit);
        limits.total = limits.total.min(limit);
        session
            .exchange(&script, &mut |line| known(seen).take(line))
            .await?;
        session.close().await;
        Ok(())
    }
}

fn verdict(
    reading: &Reading,
    subject: &Subject,
    logged_in: bool,
    failure: Option<&Failure>,
    limit: Duration,
) -> Verdict {
    let late = || format!("within {}", seconds(limit));
    match failure {
        Some(Failure::Transport(error)) => {
            let health = if error.is_unreachable() {
                Health::Offline
            } else {
                Health::Error
            };
            Verdict::because(health, error.to_string())
        }
        Some(Failure::Limit) if !logged_in => {
            Verdict::because(Health::Offline, format!("it did not answer {}", late()))
        }
        Some(Failure::Limit) if reading.stopped_at == Some(Part::Start) => Verdict::because(
            Health::Error,
            format!("the login works, but the shell did not answer {}", late()),
        ),
        Some(Failure::Limit) | None => classify(
            reading,
            &subject.server.roles,
            &subject.placed,
            &subject.thresholds,
        ),
    }
}

/// Whether what was seen at `observed_at` is too old to place by. What lies in the future is not to be trusted.
pub fn is_stale(observed_at: Option<Timestamp>, now: Timestamp, max_age: Duration) -> bool {
    observed_at.is_none_or(|at| {
        let age = now.duration_since(at);
        age.is_negative() || age.unsigned_abs() > max_age
    })
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

fn seconds_since_1970(at: Timestamp) -> f64 {
    at.duration_since(Timestamp::UNIX_EPOCH).as_secs_f64()
}

/// `10 s`, `0.5 s`.
fn seconds(duration: Duration) -> String {
    format!("{} s", duration.as_secs_f64())
}

#[cfg(test)]
#[path = "sweep_tests.rs"]
mod tests;
