//! Looks at servers and changes them, all at once: one conversation per server, reported as it goes.
//!
//! A server's failure is a value in its report and never stops another server. Nothing here knows the state database:
//! what is to be recorded goes through [`Observer`].

mod ask;
mod confirm;
mod conversation;
mod ending;
mod guards;
mod report;
mod transfer;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::num::NonZero;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{Semaphore, mpsc, oneshot, watch};

pub use ask::{Answer, Asking, Gap, OnBytes, ask, follow};
pub use report::{Failure, Outcome, ServerReport, Strangers};
pub use transfer::{Broken, Brought, Source, bring, fetch};

use guards::{Guards, Intent};

use crate::diagnostic::{Class, Diagnostic};
use crate::item::{Applied, Key, Probe};
use crate::model::{Resource, ResourceName, Server, ServerName};
use crate::plan::reviewed::Expected;
use crate::plan::{Blocked, Desired, Mode, Observing, ServerPlan};
use crate::transport::Connector;

/// Finds out what is to be done on a server.
pub type Prepare<'a> = Box<dyn FnOnce() -> Result<Work, Diagnostic> + Send + 'a>;

/// A server to work on.
pub struct Job<'a> {
    /// The server.
    pub server: Server,
    /// Runs when the server's turn has come, while the connection is opened: the work of all servers together may be
    /// more than memory should hold.
    pub prepare: Prepare<'a>,
}

impl fmt::Debug for Job<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Job").field(&self.server.name).finish()
    }
}

/// What is to be done on one server.
#[derive(Clone, Debug, Default)]
pub struct Work {
    /// What should be there.
    pub desired: Desired,
    /// What was last applied there.
    pub applied: BTreeMap<Key, Applied>,
    /// Narrows it to these resources; see [`crate::plan::compare()`].
    pub only: Option<Arc<BTreeSet<ResourceName>>>,
    /// Resources that could not be compiled for this server.
    pub blocked: Vec<Blocked>,
    /// Resources that follow those it is narrowed to, were not asked for, and could not be compiled: they are not among
    /// `only`, so that all of theirs stays as it is.
    pub left_out: Vec<Blocked>,
    /// Resources that it is not about, and of which all is there once the items are that it shares with them: the rules of a
    /// firewall.
    pub carried: Vec<Arc<Resource>>,
    /// Resources whose removal is undone, with the task that removed them: their content goes back from the trash.
    pub removed_by: BTreeMap<ResourceName, i64>,
    /// The plan that this must come to; else nothing is changed.
    pub expected: Option<Expected>,
    /// Requests to sites that are not touched; the first two that answer before must answer after.
    pub neighbours: Vec<Probe>,
    /// Resources that are here beside another server, which is first: what is held back there is held back here.
    pub led: BTreeMap<ResourceName, ServerName>,
}

/// How far to go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Read and compare.
    Look {
        /// Whether to fetch the files that differ, for diffs.
        contents: bool,
    },
    /// Read, compare and change.
    Change {
        /// Number of the task: names the transaction and its part of the trash.
        task: i64,
        /// What a server's lock says of its holder.
        owner: String,
        /// How long to wait for a server's lock.
        lock_wait: Duration,
        /// How long new firewall rules wait for a new connection before the old ones come back.
        confirm: Duration,
        /// How long what is removed stays in the trash.
        retention: Duration,
    },
}

impl Purpose {
    /// How a server is read first.
    fn observing(&self) -> Observing {
        match self {
            Self::Look { .. } => Observing::Only,
            Self::Change {
                owner,
                lock_wait,
                confirm,
                retention,
                ..
            } => Observing::ToChange {
                wait: lock_wait.as_secs(),
                owner: owner.clone(),
                confirm: confirm.as_secs(),
                retention: retention.as_secs(),
            },
        }
    }
}

/// A run over servers.
#[derive(Clone, Debug)]
pub struct Request {
    /// How far to go.
    pub purpose: Purpose,
    /// What to do about differences that fleet did not cause.
    pub mode: Mode,
    /// How many servers at once.
    pub parallel: usize,
    /// Change nothing anywhere unless every server was reached and can be changed; all are then worked on at once.
    pub require_all: bool,
    /// Change nothing anywhere when a plan is not the expected one; all are then worked on at once. Servers that cannot be
    /// reached do not keep the others waiting for longer than it takes to find out.
    pub exact: bool,
    /// More than 0 when no new transaction may begin (Ctrl-C); those that run come to their end.
    pub stop: watch::Receiver<u32>,
    /// True when no further server may be begun, since too many have failed; those that were go on.
    pub halt: watch::Receiver<bool>,
}

/// What happens on a server while it happens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// It begins.
    Connecting,
    /// Another step: words for the progress line.
    Step(String),
}

/// Follows a run: shows it, and records what has to be recorded before a server is changed.
pub trait Observer {
    /// Something happened on a server.
    fn event(&mut self, server: &ServerName, event: &Event);

    /// A server was read that is to be changed, and its lock is held: what is to be done there when that is not what was
    /// prepared any more. Whoever waited for the lock may have waited for somebody who has changed what is wanted.
    fn renew(&mut self, server: &ServerName) -> Result<Option<Work>, Diagnostic>;

    /// What is ready of this plan is about to be made. Nothing is sent before this has returned; an error keeps the
    /// server unchanged.
    fn intend(&mut self, server: &ServerName, plan: &ServerPlan) -> Result<(), Diagnostic>;

    /// A server is done.
    fn done(&mut self, report: &ServerReport);
}

/// What a server's conversation tells the run.
enum Message {
    Event(ServerName, Event),
    Prepare(ServerName, oneshot::Sender<Result<Work, Diagnostic>>),
    Renew(
        ServerName,
        oneshot::Sender<Result<Option<Work>, Diagnostic>>,
    ),
    Intend(Box<Intent>),
    Done(Box<ServerReport>),
}

/// Works on all jobs in parallel and returns their reports in the order of the jobs.
pub async fn run(
    connector: &Connector,
    jobs: Vec<Job<'_>>,
    request: &Request,
    observer: &mut dyn Observer,
) -> Vec<ServerReport> {
    let order: Vec<ServerName> = jobs.iter().map(|job| job.server.name.clone()).collect();
    let together = request.require_all || request.exact;
    let parallel = if together {
        jobs.len()
    } else {
        request.parallel.min(connector.at_once())
    };
    let permits = Arc::new(Semaphore::new(parallel.max(1)));
    let (sender, mut receiver) = mpsc::unbounded_channel();
    let mut prepare = BTreeMap::new();
    for job in jobs {
        let server = job.server;
        prepare.insert(server.name.clone(), job.prepare);
        tokio::spawn(converse(
            server,
            connector.clone(),
            request.clone(),
            sender.clone(),
            Arc::clone(&permits),
        ));
    }
    drop(sender);
    let mut reports: BTreeMap<ServerName, ServerReport> = BTreeMap::new();
    let mut waiting: Vec<Intent> = Vec::new();
    let mut guards = Guards::new(&order);
    let threads = std::thread::available_parallelism().map_or(1, NonZero::get);
    while let Some(message) = receiver.recv().await {
        let mut due = Vec::new();
        let mut next = Some(message);
        while let Some(message) = next {
            match message {
                Message::Event(server, event) => observer.event(&server, &event),
                Message::Prepare(server, answer) => {
                    due.extend(prepare.remove(&server).map(|prepare| (prepare, answer)));
                }
                Message::Renew(server, answer) => drop(answer.send(observer.renew(&server))),
                Message::Intend(intent) => {
                    guards.note(&intent.server, &intent.plan);
                    waiting.push(*intent);
                }
                Message::Done(report) => {
                    guards.note(&report.server, &report.plan);
                    observer.done(&report);
                    reports.insert(report.server.clone(), *report);
                }
            }
            next = if due.len() < threads {
                receiver.try_recv().ok()
            } else {
                None
            };
        }
        prepare_all(due);
        if together && reports.len() + waiting.len() < order.len() {
            continue;
        }
        let is_missing = |report: &&ServerReport| {
            (request.require_all && !report.is_complete()) || report.outcome == Outcome::Stale
        };
        let missing = reports.values().find(is_missing);
        let missing = missing.map(|report| report.server.clone()).or_else(|| {
            let held = waiting.iter().find(|intent| !intent.plan.held().is_empty());
            held.filter(|_| request.require_all)
                .map(|intent| intent.server.clone())
        });
        let (decided, rest) = std::mem::take(&mut waiting)
            .into_iter()
            .partition(|intent: &Intent| guards.decide(&intent.led));
        waiting = rest;
        for mut intent in decided {
            let server = &intent.server;
            let verdict = match &missing {
                Some(missing) if together => Err(Diagnostic::new(
                    Class::Partial,
                    format!("`{server}` was left alone, since `{missing}` cannot be changed"),
                )),
                _ => {
                    let held = guards.held(&intent.led);
                    intent.plan.blocked.extend(held.iter().cloned());
                    if intent.plan.ready().is_empty() {
                        Ok(held)
                    } else {
                        observer.intend(server, &intent.plan).map(|()| held)
                    }
                }
            };
            drop(intent.answer.send(verdict));
        }
    }
    order
        .iter()
        .filter_map(|server| reports.remove(server))
        .collect()
}

/// Works on one server when its turn has come, and reports what became of it.
async fn converse(
    server: Server,
    connector: Connector,
    request: Request,
    sender: mpsc::UnboundedSender<Message>,
    permits: Arc<Semaphore>,
) {
    // It is never closed.
    let Ok(permit) = permits.acquire_owned().await else {
        return;
    };
    let started = Instant::now();
    let name = server.name.clone();
    let work = conversation::hold(server, connector, request, sender.clone(), permit);
    // In a task of its own, so that not even a panic takes the report of a server away.
    let report = match tokio::spawn(work).await {
        Ok(report) => report,
        Err(error) => ServerReport::broken(name, &error.to_string(), started.elapsed()),
    };
    drop(sender.send(Message::Done(Box::new(report))));
}

/// A server whose work is asked for, and who asks.
type Due<'a> = (Prepare<'a>, oneshot::Sender<Result<Work, Diagnostic>>);

/// Finds out what is to be done on these servers, on a thread each, and answers.
fn prepare_all(due: Vec<Due<'_>>) {
    let answer = |(prepare, asker): Due<'_>| drop(asker.send(prepare()));
    let mut due = due.into_iter();
    let Some(first) = due.next() else {
        return;
    };
    std::thread::scope(|scope| {
        for one in due {
            scope.spawn(move || answer(one));
        }
        answer(first);
    });
}
