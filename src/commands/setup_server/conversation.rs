//! The conversation that sets a server up: what is it, what is there, what is missing, and the change.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::time::{Duration, Instant};

use crate::context::{Context, interrupted};
use crate::diagnostic::{Class, Diagnostic};
use crate::health;
use crate::item::Key;
use crate::model::{ResourceName, Role, Server, TaskOutcome};
use crate::plan::{
    Desired, Facts, Mode, Observing, Progress, ServerPlan, Transaction, compare, observe,
};
use crate::role::{self, Release};
use crate::shell::Script;
use crate::transport::{Connector, Session};
use crate::ui;

/// For all of the packages: downloads may be slow, and another package manager may be at work first.
const LONGEST_INSTALLATION: Duration = Duration::from_secs(3600);

/// What came of it.
pub(super) struct Report {
    /// The system of the server.
    pub(super) release: Release,
    /// What was missing; with a dry run it still is.
    pub(super) plan: ServerPlan,
}

/// Sets `server` up for `roles`, or only finds out what is missing.
pub(super) async fn set_up(
    context: &Context,
    connector: &Connector,
    server: &Server,
    roles: &[Role],
    dry_run: bool,
    progress: &ui::Progress<'_>,
) -> anyhow::Result<Report> {
    let started = Instant::now();
    let name = server.name.as_str();
    progress.state(name, "connecting");
    let session = connector.open(server).await;
    let mut dialogue = Dialogue {
        server,
        session: session.map_err(|error| error.diagnostic(&server.name))?,
    };
    progress.state(name, "observing");
    let release = dialogue.release().await?;
    let desired = desired(roles, release)?;
    let how = if dry_run {
        Observing::Only
    } else {
        let mut owner = format!("{}@{}", context.operator(), context.host());
        let _ = write!(
            owner,
            ", fleet setup-server {name}, since {}",
            ui::format::time(context.now())
        );
        Observing::ToChange {
            wait: context.inventory()?.settings.lock_wait.as_secs(),
            owner,
        }
    };
    let facts = dialogue.facts(&desired, &how).await?;
    let plan = compare(&desired, &facts, &BTreeMap::new(), None, Mode::Respect);
    if let Some(blocked) = plan.blocked.first() {
        return Err(dialogue
            .failed(&blocked.reason)
            .hint(
                "the packages are there, so something else provides the service; start it yourself",
            )
            .into());
    }
    if dry_run || plan.is_empty() {
        dialogue.session.close().await;
        return Ok(Report { release, plan });
    }
    let task = begin(context)?;
    let outcome = dialogue.apply(context, &plan, task, progress).await;
    end(
        context,
        task,
        server,
        &plan,
        outcome.as_ref().err(),
        started,
    )?;
    outcome?;
    dialogue.session.close().await;
    Ok(Report { release, plan })
}

/// The items of all roles.
fn desired(roles: &[Role], release: Release) -> anyhow::Result<Desired> {
    let mut desired = Desired::default();
    for role in roles {
        let owner = ResourceName::new("role", role.word());
        let items = role::items(*role, release).unwrap_or_default();
        desired
            .add(&owner, items)
            .map_err(|clash| Diagnostic::failed(clash.to_string()))?;
    }
    Ok(desired)
}

/// A session with the server it is with.
struct Dialogue<'a> {
    server: &'a Server,
    session: Session,
}

impl Dialogue<'_> {
    fn failed(&self, message: &str) -> Diagnostic {
        Diagnostic::failed(format!("server `{}`: {message}", self.server.name))
    }

    /// The lines that a script prints.
    async fn lines(&mut self, script: &Script) -> Result<Vec<String>, Diagnostic> {
        let mut lines = Vec::new();
        self.session
            .exchange(script, &mut |line| lines.push(line.to_owned()))
            .await
            .map_err(|error| error.diagnostic(&self.server.name))?;
        Ok(lines)
    }

    /// The release of Debian there; an error for another system, and where the login is not root.
    async fn release(&mut self) -> Result<Release, Diagnostic> {
        let lines = self.lines(&health::probe()).await?;
        let reading = health::parse(lines.iter().map(String::as_str));
        if let Some(uid) = reading.uid.filter(|uid| *uid != 0) {
            return Err(self
                .failed(&format!("the login is user number {uid}, who is not root"))
                .hint("log in as root, or set `become = true` for the server"));
        }
        Release::of(&reading.facts).map_err(|system| {
            self.failed(&format!(
                "it runs {system}, and fleet knows how to set up Debian 12 and Debian 13"
            ))
            .hint("install nginx and PHP-FPM there in your own way: fleet works with what it finds")
        })
    }

    /// What is there of what should be.
    async fn facts(&mut self, desired: &Desired, how: &Observing) -> Result<Facts, Diagnostic> {
        let keys: BTreeSet<Key> = desired.items.keys().cloned().collect();
        if let Observing::ToChange { wait, .. } = how {
            // The server says nothing while it waits for its lock.
            let limits = self.session.limits();
            limits.idle = limits.idle.max(Duration::from_secs(wait + 30));
        }
        let lines = self.lines(&observe::script(&keys, how)).await?;
        let facts = observe::facts(lines.iter().map(String::as_str))
            .ok_or_else(|| self.failed("the look at its packages did not come to its end"))?;
        if let Some(holder) = &facts.locked {
            let message = format!("server `{}` is being changed by {holder}", self.server.name);
            return Err(Diagnostic::new(Class::Locked, message));
        }
        if let Some(why) = &facts.broken {
            return Err(self.failed(why));
        }
        if let Some(transaction) = &facts.unrecovered {
            let mut error = self.failed(&format!(
                "an earlier change died in the middle and cannot be undone: {transaction}"
            ));
            error.details.clone_from(&facts.details);
            return Err(error.hint("see `/var/lib/fleet/tx` on the server"));
        }
        Ok(facts)
    }

    /// Installs and starts what is missing.
    async fn apply(
        &mut self,
        context: &Context,
        plan: &ServerPlan,
        task: i64,
        progress: &ui::Progress<'_>,
    ) -> anyhow::Result<()> {
        let mut random = [0; 4];
        context.random(&mut random)?;
        let id = format!("{task}-{:08x}", u32::from_be_bytes(random));
        let changes = plan.ready();
        let transaction = Transaction::new(&changes, &[], &[], task, &id);
        let limits = self.session.limits();
        limits.idle = LONGEST_INSTALLATION;
        limits.total = LONGEST_INSTALLATION;

        let name = self.server.name.as_str();
        let mut said = Vec::new();
        let mut on_line = |line: &str| match Progress::parse(line) {
            Some(Progress::Step(step)) => progress.state(name, &step),
            Some(other) => said.push(other),
            None => {}
        };
        let mut interrupts = context.interrupts()?;
        let ended = {
            let mut exchange =
                std::pin::pin!(self.session.exchange(transaction.script(), &mut on_line));
            loop {
                tokio::select! {
                    ended = &mut exchange => break ended,
                    _ = interrupts.changed() => {
                        if *interrupts.borrow() > 1 {
                            return Err(interrupted()
                                .hint("the server goes on by itself; the same command again tells how it ended")
                                .into());
                        }
                        context.ui.note("the installation goes on to its end; a second Ctrl-C leaves the server alone with it");
                    }
                }
            }
        };
        ended.map_err(|error| {
            error
                .diagnostic(&self.server.name)
                .hint("run the command again: what was left half done is put right first")
        })?;
        if said.iter().any(|line| matches!(line, Progress::Committed)) {
            return Ok(());
        }
        Err(self.failure(&said).into())
    }

    /// Why the transaction did not happen.
    fn failure(&self, said: &[Progress]) -> Diagnostic {
        let why = said.iter().find_map(|line| match line {
            Progress::Why(why) => Some(why.clone()),
            _ => None,
        });
        let phase = said.iter().find_map(|line| match line {
            Progress::Failed(phase) => Some(format!("the phase `{phase}` failed")),
            _ => None,
        });
        let message = why.or(phase);
        let mut error = self.failed(
            message
                .as_deref()
                .unwrap_or("the setup did not come to its end"),
        );
        error.details = said
            .iter()
            .filter_map(|line| match line {
                Progress::Detail(detail) => Some(detail.clone()),
                _ => None,
            })
            .collect();
        error.hint("packages that were installed stay; the command can be repeated")
    }
}

/// Records that the command begins to change something.
fn begin(context: &Context) -> anyhow::Result<i64> {
    let mut state = context.state()?;
    Ok(state.write(|write| context.begin_task("setup-server", write))?)
}

/// Records how it ended.
fn end(
    context: &Context,
    task: i64,
    server: &Server,
    plan: &ServerPlan,
    error: Option<&anyhow::Error>,
    started: Instant,
) -> anyhow::Result<()> {
    let changes = plan.ready();
    let changes = changes
        .iter()
        .map(|c| format!("{} {}", c.action.word(), c.key));
    let outcome = TaskOutcome {
        server: server.name.clone(),
        status: if error.is_none() { "changed" } else { "failed" }.to_owned(),
        duration_ms: u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
        reason: error.map(|error| format!("{error:#}")),
        changes: if error.is_none() {
            changes.collect()
        } else {
            Vec::new()
        },
    };
    let class = error.map(|error| {
        let diagnostic = error.downcast_ref::<Diagnostic>();
        diagnostic.map_or(Class::Failed, |diagnostic| diagnostic.class)
    });
    let now = context.now();
    context.state()?.write(|write| {
        write.record_task_outcome(task, &outcome)?;
        write.end_task(task, class.map_or(0, Class::exit_code), now)
    })?;
    Ok(())
}
