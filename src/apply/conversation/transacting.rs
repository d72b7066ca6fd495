//! The changing part of a conversation: all at once, or what can be done without whoever is guilty.

use std::collections::BTreeSet;
use std::time::Duration;

use super::super::confirm::Trial;
use super::super::ending::{Ending, ending, parts};
use super::super::{Event, Failure, Outcome, Strangers};
use super::{Conversation, PATIENCE_FOR_DUMPS};
use crate::diagnostic::{Class, Diagnostic};
use crate::item::{ItemType, Key, Probe};
use crate::model::ResourceName;
use crate::plan::{Action, Change, Progress, Transaction};
use crate::transport::{Session, TransportError};

/// How long an installation of packages may be silent.
const PATIENCE_FOR_PACKAGES: Duration = Duration::from_secs(2400);

/// How long a server may be silent while it is changed: a busy disk takes its time for what is to be on it for good.
const PATIENCE: Duration = Duration::from_secs(180);

/// How many neighbours are asked: two of those that answer before must answer after.
const NEIGHBOURS: usize = 4;

/// How many requests are kept to be made again after the change.
const PROBES: usize = 64;

impl Conversation {
    /// Makes the changes: all at once, and when that fails in ever smaller parts, so that only the guilty resource is
    /// left out.
    pub(super) async fn change(
        &mut self,
        session: &mut Session,
        task: i64,
    ) -> Result<(), TransportError> {
        let plan = self.report.plan.clone();
        let ready = plan.ready();
        let mut resources = plan.resources();
        if let Some(only) = &self.work.only {
            // What others share in a change, they did not ask for.
            resources.retain(|resource| only.contains(*resource));
        }
        let limits = session.limits();
        limits.idle = limits.idle.max(PATIENCE) + self.confirm_timeout();
        limits.total += self.confirm_timeout();
        if let Some(patience) = patience(&ready, !plan.restored.is_empty()) {
            limits.idle = limits.idle.max(patience);
            limits.total = limits.total.max(patience);
        }
        self.report.sent = true;
        let changing = |(owner, _): &&(ResourceName, Probe)| resources.contains(owner);
        let probes = self.work.desired.probes.iter().filter(changing);
        self.report.probes = probes
            .map(|(_, probe)| probe.clone())
            .take(PROBES)
            .collect();
        match self.transact(session, &ready, &resources, task, 0).await? {
            Ending::Committed => {
                self.report.done = ready.iter().map(|change| change.key.clone()).collect();
                self.report.outcome = Outcome::Changed;
                return Ok(());
            }
            Ending::Reverted(failure) => {
                self.reverted(failure);
                return Ok(());
            }
            Ending::Lost(by, failure) => {
                self.lost(&by, failure);
                return Ok(());
            }
            Ending::Undone(mut failure, _) if resources.len() < 2 => {
                failure.resource = resources.first().map(|resource| (*resource).clone());
                self.report.failures.push(failure);
            }
            Ending::Undone(failure, _) if !failure.undone => self.report.failures.push(failure),
            Ending::Undone(failure, urls) => {
                let all: Vec<&ResourceName> = resources.iter().copied().collect();
                let groups = parts(&all, &self.work.desired.probes, &ready, &failure, &urls);
                self.narrow(session, &ready, groups, task).await?;
            }
        }
        let is_half_done = self.report.failures.iter().any(|failure| !failure.undone);
        self.report.outcome = if matches!(self.report.outcome, Outcome::Reverted | Outcome::Locked)
        {
            self.report.outcome
        } else if !self.report.untried.is_empty() && !is_half_done {
            Outcome::Stopped
        } else if self.report.failures.is_empty() {
            Outcome::Changed
        } else {
            Outcome::Failed
        };
        Ok(())
    }

    /// Makes the changes of ever fewer resources at once, until the guilty ones are alone.
    async fn narrow(
        &mut self,
        session: &mut Session,
        ready: &[&Change],
        mut groups: Vec<Vec<&ResourceName>>,
        task: i64,
    ) -> Result<(), TransportError> {
        let mut done: BTreeSet<&Key> = BTreeSet::new();
        let mut number = 0;
        while let Some(group) = groups.pop() {
            if self.stopped() {
                let untried = group.iter().map(|resource| (*resource).clone());
                self.report.untried.extend(untried);
                continue;
            }
            let members: BTreeSet<&ResourceName> = group.iter().copied().collect();
            let is_own = |change: &&&Change| {
                !done.contains(&change.key) && change.owners.iter().any(|o| members.contains(o))
            };
            let own: Vec<&Change> = ready.iter().filter(is_own).copied().collect();
            if own.is_empty() {
                continue;
            }
            self.tell(Event::Step(match &group[..] {
                [one] => format!("{one} alone"),
                some => format!("{} resources alone", some.len()),
            }));
            number += 1;
            match self.transact(session, &own, &members, task, number).await? {
                Ending::Committed => {
                    let keys = own.iter().map(|change| &change.key);
                    done.extend(keys.clone());
                    self.report.done.extend(keys.cloned());
                }
                Ending::Reverted(failure) => {
                    self.reverted(failure);
                    return Ok(());
                }
                Ending::Lost(by, failure) => {
                    self.lost(&by, failure);
                    return Ok(());
                }
                Ending::Undone(failure, urls) if failure.undone && group.len() > 1 => {
                    groups.extend(parts(
                        &group,
                        &self.work.desired.probes,
                        &own,
                        &failure,
                        &urls,
                    ));
                }
                Ending::Undone(mut failure, _) => {
                    if let [one] = &group[..] {
                        failure.resource = Some((*one).clone());
                    }
                    let undone = failure.undone;
                    self.report.failures.push(failure);
                    if !undone {
                        // Before anything else is tried there, the next run has to put this right.
                        let rest = groups.iter().flatten().map(|left| (*left).clone());
                        self.report.untried.extend(rest);
                        return Ok(());
                    }
                }
            }
        }
        Ok(())
    }

    /// New firewall rules were not confirmed, and the old ones are back.
    fn reverted(&mut self, failure: Failure) {
        self.report.failures.push(failure);
        self.report.outcome = Outcome::Reverted;
    }

    /// Notes that somebody has broken the lock.
    fn lost(&mut self, by: &str, failure: Failure) {
        let server = &self.server.name;
        let message = format!("the lock of `{server}` was broken by {by}");
        let error = Diagnostic::new(Class::Locked, message);
        self.report.outcome = Outcome::Locked;
        if failure.undone {
            self.report.error = Some(error.detail("what was under way there was undone"));
        } else {
            self.report.error = Some(error);
            self.report.failures.push(failure);
        }
    }

    async fn transact(
        &mut self,
        session: &mut Session,
        changes: &[&Change],
        resources: &BTreeSet<&ResourceName>,
        task: i64,
        number: usize,
    ) -> Result<Ending, TransportError> {
        let all = &self.work.desired.probes;
        let probes: Vec<&Probe> = all
            .iter()
            .filter(|(owner, _)| resources.contains(owner))
            .map(|(_, probe)| probe)
            .collect();
        // Those that are not to change at all answer most likely.
        let changing = self.report.plan.resources();
        let (others, unchanged): (Vec<_>, Vec<_>) = all
            .iter()
            .filter(|(owner, _)| !resources.contains(owner))
            .partition(|(owner, _)| changing.contains(owner));
        let neighbours: Vec<&Probe> = unchanged
            .into_iter()
            .chain(others)
            .map(|(_, probe)| probe)
            .chain(&self.work.neighbours)
            .take(NEIGHBOURS)
            .collect();
        let id = format!("{task}-{number}");
        let (mode, plan) = (self.request.mode, &self.report.plan);
        let transaction =
            Transaction::part_of(plan, changes, &probes, &neighbours, (task, &id), mode);
        let mut progress = Vec::new();
        let mut notices = BTreeSet::new();
        let mut trial = None;
        let output = session
            .exchange(
                transaction.script(),
                &mut |line| match Progress::parse(line) {
                    Some(Progress::Step(step)) => self.tell(Event::Step(step)),
                    Some(Progress::Confirm(id)) => {
                        self.tell(Event::Step("confirming by a new connection".to_owned()));
                        trial = Some(Trial::begin(
                            &self.connector,
                            &self.server,
                            &id,
                            self.confirm_timeout(),
                        ));
                    }
                    Some(Progress::Notice(notice)) => {
                        notices.insert(notice);
                    }
                    Some(other) => progress.push(other),
                    None => {}
                },
            )
            .await;
        self.report.notices.extend(notices);
        match (output, trial) {
            (Ok(output), trial) => {
                let said = progress.clone();
                let mut ending = ending(progress, &output.stderr);
                if matches!(ending, Ending::Committed) {
                    let strangers = said.iter().filter_map(Strangers::of);
                    self.report.strangers.extend(strangers);
                }
                if let (Ending::Reverted(failure), Some(trial)) = (&mut ending, trial) {
                    failure.details.extend(trial.trouble().await);
                }
                Ok(ending)
            }
            (Err(error), None) => Err(error),
            // The new rules may have cut this connection as well.
            (Err(error), Some(trial)) => {
                self.tell(Event::Step("waiting for the old firewall rules".to_owned()));
                match trial.aftermath().await {
                    Some(failure) => Ok(Ending::Reverted(failure)),
                    None => Err(error),
                }
            }
        }
    }
}

/// How long a server may be silent with these changes, and what goes back from the trash, where that is long.
fn patience(changes: &[&Change], restores: bool) -> Option<Duration> {
    let dumps = |change: &&Change| {
        change.action == Action::Delete
            && matches!(change.key.item_type, ItemType::Mariadb | ItemType::Postgres)
    };
    if restores || changes.iter().any(dumps) {
        return Some(PATIENCE_FOR_DUMPS);
    }
    let is_package = |change: &&Change| change.key.item_type == ItemType::Package;
    changes
        .iter()
        .any(is_package)
        .then_some(PATIENCE_FOR_PACKAGES)
}

#[cfg(test)]
mod tests;
