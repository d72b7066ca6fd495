//! The conversation with one server: read, compare, change, over one connection.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot};

use super::guards::Intent;
use super::{Event, Message, Outcome, Purpose, Request, ServerReport, Work};
use crate::diagnostic::{Class, Diagnostic};
use crate::item::file::Content;
use crate::item::{Item, ruleset};
use crate::model::Server;
use crate::plan::{Blocked, Facts, Observing, compare, keys, lock, names, observe, trash};
use crate::transport::{Connector, Session, TransportError};

mod transacting;

/// How long a server may be silent while databases are dumped, or dumps are poured in. A connection that has died is
/// found out long before.
const PATIENCE_FOR_DUMPS: Duration = Duration::from_secs(86_400);

/// How often a server hears that its lock is still wanted while nothing happens there.
const SIGN: Duration = Duration::from_secs(15);

/// Works on one server; whatever happens is in the report.
pub(super) async fn hold(
    server: Server,
    connector: Connector,
    request: Request,
    sender: mpsc::UnboundedSender<Message>,
    permit: OwnedSemaphorePermit,
) -> ServerReport {
    let started = Instant::now();
    let mut conversation = Conversation {
        report: ServerReport::new(server.name.clone()),
        server,
        work: Work::default(),
        request,
        sender,
        connector,
        permit: Some(permit),
    };
    if let Err(error) = conversation.run().await {
        conversation.failed(&error);
    }
    let mut report = conversation.report;
    report.duration = started.elapsed();
    report
}

struct Conversation {
    server: Server,
    work: Work,
    request: Request,
    sender: mpsc::UnboundedSender<Message>,
    connector: Connector,
    report: ServerReport,
    /// Its place among those that are worked on at the same time.
    permit: Option<OwnedSemaphorePermit>,
}

/// Nobody is there any more to ask.
fn ended() -> Diagnostic {
    Diagnostic::failed("the run has ended")
}

impl Conversation {
    async fn run(&mut self) -> Result<(), TransportError> {
        if self.stopped() || *self.request.halt.borrow() {
            self.report.outcome = Outcome::Stopped;
            return Ok(());
        }
        self.tell(Event::Connecting);
        let (answer, prepared) = oneshot::channel();
        let prepare = Message::Prepare(self.server.name.clone(), answer);
        drop(self.sender.send(prepare));
        let mut session = self.connector.open(&self.server).await?;
        self.report.login_key.clone_from(&session.peer().login_key);
        let result = match prepared.await.unwrap_or_else(|_| Err(ended())) {
            Ok(work) => {
                self.take_on(work);
                self.talk(&mut session).await
            }
            Err(error) => {
                self.report.outcome = Outcome::Failed;
                self.report.error = Some(error);
                Ok(())
            }
        };
        session.close().await;
        result
    }

    fn take_on(&mut self, mut work: Work) {
        self.report.left_out = std::mem::take(&mut work.left_out);
        self.report.carried = std::mem::take(&mut work.carried);
        self.work = work;
    }

    async fn talk(&mut self, session: &mut Session) -> Result<(), TransportError> {
        let Some(mut facts) = self.read(session, self.request.purpose.observing()).await? else {
            return Ok(());
        };
        match self.renew().await {
            Ok(None) => {}
            Ok(Some(work)) => {
                let expected = self.work.expected.take();
                self.take_on(Work { expected, ..work });
                let Some(anew) = self.read(session, Observing::Again).await? else {
                    return Ok(());
                };
                facts = Facts {
                    recovered: facts.recovered,
                    ..anew
                };
            }
            Err(error) => {
                self.report.outcome = Outcome::Stopped;
                self.report.error = Some(error);
                return Ok(());
            }
        }
        self.work.desired.fill(&facts.name_servers);
        let work = &self.work;
        self.report.plan = compare(
            &work.desired,
            &facts,
            &work.applied,
            work.only.as_deref(),
            self.request.mode,
        );
        self.report.plan.blocked.append(&mut self.work.blocked);
        self.look_into_trash(session).await?;
        self.look_for_names(session).await?;
        self.report.recovered = facts.recovered;
        self.report.unfinished = facts.unfinished;
        if let Some(expected) = &self.work.expected {
            let differences = expected.differences(&self.report.plan);
            if !differences.is_empty() {
                let server = &self.server.name;
                let message = format!("`{server}`: the plan does not fit any more");
                let mut error = Diagnostic::failed(message);
                error.details = differences;
                self.report.outcome = Outcome::Stale;
                self.report.error = Some(error.hint("make it again: `fleet plan --out FILE`"));
                return Ok(());
            }
        }
        match self.request.purpose.clone() {
            Purpose::Look { contents } => {
                if contents {
                    self.fetch(session).await?;
                }
                self.report.outcome = Outcome::Looked;
            }
            Purpose::Change { task, .. } => {
                if self.report.plan.ready().is_empty() {
                    self.report.outcome = Outcome::Unchanged;
                } else if self.stopped() {
                    self.report.outcome = Outcome::Stopped;
                } else {
                    match self.intend(session).await? {
                        Ok(held) => {
                            self.report.plan.blocked.extend(held);
                            if self.report.plan.ready().is_empty() {
                                self.report.outcome = Outcome::Unchanged;
                            } else {
                                self.change(session, task).await?;
                            }
                        }
                        Err(error) => {
                            self.report.outcome = Outcome::Stopped;
                            self.report.error = Some(error);
                        }
                    }
                }
            }
        }
        Ok(())
    }

    /// Finds out what of the plan goes back from the trash.
    async fn look_into_trash(&mut self, session: &mut Session) -> Result<(), TransportError> {
        let plan = &mut self.report.plan;
        let kept = trash::kept(plan, &self.work.removed_by);
        if kept.is_empty() {
            return Ok(());
        }
        let mut lines = Vec::new();
        session
            .exchange(&trash::script(&kept), &mut |line| {
                lines.push(line.to_owned());
            })
            .await?;
        let found = trash::found(lines.iter().map(String::as_str));
        trash::put_back(plan, &kept, &found, self.request.mode);
        Ok(())
    }

    /// Finds out which names of sites are somebody else's on the server, where that is to be seen before a transaction
    /// finds it: in a plan, and in what must come to the one that was reviewed.
    async fn look_for_names(&mut self, session: &mut Session) -> Result<(), TransportError> {
        let looks = matches!(self.request.purpose, Purpose::Look { .. });
        if !looks && self.work.expected.is_none() {
            return Ok(());
        }
        let plan = &mut self.report.plan;
        if let Some(script) = names::script(plan, self.request.mode) {
            let mut lines = Vec::new();
            session
                .exchange(&script, &mut |line| lines.push(line.to_owned()))
                .await?;
            names::hold(plan, lines.iter().map(String::as_str));
        }
        Ok(())
    }

    /// Asks whether what was prepared is still what is to be done, now that nobody else changes the server: all that
    /// somebody has changed there is on record before its lock is asked for. It is asked also where nothing differs, since
    /// that too is put on record.
    async fn renew(&self) -> Result<Option<Work>, Diagnostic> {
        if !matches!(self.request.purpose, Purpose::Change { .. }) {
            return Ok(None);
        }
        let (answer, renewed) = oneshot::channel();
        drop(
            self.sender
                .send(Message::Renew(self.server.name.clone(), answer)),
        );
        renewed.await.unwrap_or_else(|_| Err(ended()))
    }

    /// Reads the server; `None` when it cannot be worked on, which is then in the report.
    async fn read(
        &mut self,
        session: &mut Session,
        how: Observing,
    ) -> Result<Option<Facts>, TransportError> {
        self.tell(Event::Step("reading".to_owned()));
        let usual = session.limits().clone();
        if let Observing::ToChange { wait, .. } = how {
            // The script is silent while it waits for the lock.
            let wait = Duration::from_secs(wait);
            let limits = session.limits();
            limits.idle += wait;
            // What an earlier run left is undone first, and gives signs for as long as that takes.
            limits.total += wait + PATIENCE_FOR_DUMPS;
        }
        let script = observe::script(&keys(&self.work.desired, &self.work.applied), &how);
        let mut lines = Vec::new();
        let mut permit = self.permit.take();
        let output = session
            .exchange(&script, &mut |line| {
                if let Some(holder) = line.strip_prefix("@wait ") {
                    self.tell(Event::Step(format!("waiting for {holder}")));
                    // Nobody else has to wait meanwhile.
                    permit = None;
                } else if let Some(id) = line.strip_prefix("@recovering ") {
                    self.tell(Event::Step(format!("rolling back {id} of an earlier run")));
                }
                lines.push(line.to_owned());
            })
            .await?;
        self.permit = permit;
        *session.limits() = usual;
        let server = &self.server.name;
        let facts = observe::facts(lines.iter().map(String::as_str)).map(|facts| Facts {
            server: Some(server.clone()),
            reached_by: session.seen_as().map(str::to_owned),
            ..facts
        });
        let Some(facts) = facts else {
            let mut error = Diagnostic::failed(format!(
                "`{server}`: reading it ended in the middle, with status {}",
                output.status
            ));
            error.details = output.stderr.lines().map(str::to_owned).collect();
            self.report.outcome = Outcome::Failed;
            self.report.error = Some(error);
            return Ok(None);
        };
        if let Some(holder) = &facts.locked {
            self.report.outcome = Outcome::Locked;
            self.report.error = Some(
                Diagnostic::new(Class::Locked, format!("`{server}` is locked by {holder}"))
                    .hint("wait until that has ended, or raise `--lock-wait`; `fleet list-locks` shows what it does"),
            );
            return Ok(None);
        }
        let trouble = match (&facts.broken, &facts.unrecovered) {
            (Some(reason), _) => format!("`{server}`: {reason}"),
            (_, Some(id)) => {
                format!("`{server}`: transaction {id} of an earlier run cannot be rolled back")
            }
            _ => return Ok(Some(facts)),
        };
        let mut error = Diagnostic::failed(trouble);
        error.details = facts.details;
        self.report.outcome = Outcome::Failed;
        self.report.error = Some(error);
        Ok(None)
    }

    /// Fetches the files that differ, but for those that are secret or go away: they are not shown.
    async fn fetch(&mut self, session: &mut Session) -> Result<(), TransportError> {
        let plan = &self.report.plan;
        let changed = plan.changes.iter().filter(|change| change.before.is_some());
        let changed = changed.filter_map(|change| change.item.as_ref());
        let items = changed.chain(plan.conflicts.iter().map(|conflict| &conflict.item));
        let paths: BTreeSet<&str> = items
            .filter_map(|item| match item {
                Item::File(file) if matches!(file.content, Content::Text(_)) => Some(&*file.path),
                Item::Ruleset(_) => Some(ruleset::BOOT),
                _ => None,
            })
            .collect();
        let paths: Vec<&str> = paths.into_iter().collect();
        if paths.is_empty() {
            return Ok(());
        }
        let mut lines = Vec::new();
        let script = observe::contents_script(&paths);
        session
            .exchange(&script, &mut |line| lines.push(line.to_owned()))
            .await?;
        self.report.contents = observe::contents(lines.iter().map(String::as_str))
            .into_iter()
            .filter_map(|(path, text)| Some((path, BASE64_STANDARD.decode(text).ok()?)))
            .collect();
        Ok(())
    }

    /// Has the intent recorded; what is held back besides. That may wait for other servers, and the lock lasts only as long
    /// as there are signs.
    async fn intend(
        &mut self,
        session: &mut Session,
    ) -> Result<Result<Vec<Blocked>, Diagnostic>, TransportError> {
        let (answer, mut verdict) = oneshot::channel();
        let plan = Box::new(self.report.plan.clone());
        let changing = plan.resources();
        let led = self.work.led.iter();
        let led = led.filter(|(name, _)| changing.contains(name));
        let led: BTreeMap<_, _> = led.map(|(n, first)| (n.clone(), first.clone())).collect();
        if !led.is_empty() {
            // The one that is waited for may need the place.
            self.permit = None;
        }
        let intent = Intent {
            server: self.server.name.clone(),
            plan,
            led,
            answer,
        };
        drop(self.sender.send(Message::Intend(Box::new(intent))));
        loop {
            match tokio::time::timeout(SIGN, &mut verdict).await {
                Ok(verdict) => return Ok(verdict.unwrap_or_else(|_| Err(ended()))),
                Err(_) => drop(session.exchange(&lock::sign(), &mut |_| {}).await?),
            }
        }
    }

    fn confirm_timeout(&self) -> Duration {
        match &self.request.purpose {
            Purpose::Change { confirm, .. } => *confirm,
            Purpose::Look { .. } => Duration::ZERO,
        }
    }

    fn stopped(&self) -> bool {
        *self.request.stop.borrow() > 0
    }

    fn tell(&self, event: Event) {
        let message = Message::Event(self.server.name.clone(), event);
        // Nobody listens any more only when the run has ended.
        drop(self.sender.send(message));
    }

    fn failed(&mut self, error: &TransportError) {
        self.report.outcome = if self.report.sent {
            Outcome::Interrupted
        } else if error.is_unreachable() {
            Outcome::Unreachable
        } else {
            Outcome::Failed
        };
        let mut diagnostic = error.diagnostic(&self.server.name);
        if self.report.sent && matches!(error, TransportError::Shell { status: None, .. }) {
            // It had run for a while: nothing is wrong with the shell.
            diagnostic.hints = vec![
                "somebody may have broken its lock; `fleet list-tasks` shows it, `fleet apply` finishes"
                    .to_owned(),
            ];
        }
        self.report.error = Some(diagnostic);
    }
}
