//! What the commands share that change a resource: record the wish, carry it out, and take the wish back when the
//! server refuses it.

use std::collections::BTreeSet;
use std::time::Instant;

use clap::ArgMatches;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::carry_out::{Run, summary, to_json};
use super::flags::Flags;
use super::jobs::{Jobs, Source};
use super::letting_in::{self, Warning};
use super::rolled::{Rolled, goes_on};
use super::show::directions;
use super::{Ending, foreign, nowhere, outlook};
use crate::apply::{Outcome, ServerReport};
use crate::context::{Context, Edge, Told};
use crate::diagnostic::{Class, Diagnostic, Diagnostics};
use crate::inventory::Inventory;
use crate::kind::{self, Kind, Summary, Ties};
use crate::model::{Resource, ResourceName, Server, ServerName, Snapshot};
use crate::state::{Change, Filter, PlacementResult, Read, Taken, Write};
use crate::ui::{Page, Tone};

/// A change of one resource.
pub(super) struct Changing<'a> {
    pub(super) context: &'a Context,
    /// The verb: `add-site`.
    pub(super) command: String,
    pub(super) kind: &'static Kind,
    pub(super) name: ResourceName,
    pub(super) flags: Flags,
    /// Whether to record it only.
    pub(super) stage: bool,
    /// Servers whose firewall it enables, be it once more.
    pub(super) enabling: BTreeSet<ServerName>,
}

/// What the resource was before, to go back to when the server refuses the change.
pub(super) enum Before {
    /// It did not exist.
    Nothing,
    /// It was like this.
    Resource(Box<Resource>),
    /// Its removal is not taken back: what remains on the server still has to go.
    Leaving,
    /// Several were as the record of the task has them.
    Several,
}

/// What is recorded inside the transaction.
struct Recorded<'a> {
    task: i64,
    /// All that the task changes: the resource, and what goes along with it.
    names: BTreeSet<ResourceName>,
    jobs: Jobs<'a>,
    resource: Option<Resource>,
    before: Before,
    /// What an admin may not have meant.
    warnings: Vec<Warning>,
}

/// How the servers took it.
struct Changed {
    rolled: Rolled,
    /// Whether the wish was taken back.
    taken_back: bool,
    ending: Ending,
}

/// How that transaction ends.
enum Stop<'a> {
    /// The jobs are known, and nothing shall have happened.
    Roll(Box<Recorded<'a>>),
    Error(anyhow::Error),
}

impl From<Diagnostic> for Stop<'_> {
    fn from(diagnostic: Diagnostic) -> Self {
        Self::Error(diagnostic.into())
    }
}

impl<'a> Changing<'a> {
    /// The change that the arguments ask for.
    pub(super) fn new(
        context: &'a Context,
        verb: &str,
        kind: &'static Kind,
        name: &str,
        matches: &ArgMatches,
    ) -> anyhow::Result<Self> {
        Ok(Self {
            context,
            command: format!("{verb}-{}", kind.word),
            kind,
            name: ResourceName::new(kind.word, name),
            flags: Flags::read(matches)?,
            stage: matches.get_flag("stage"),
            enabling: BTreeSet::new(),
        })
    }

    /// Records with `work`, which returns what was before, and carries it out.
    pub(super) fn run(
        &self,
        edge: Option<&Edge<'_>>,
        work: impl FnOnce(&Write<'_>) -> anyhow::Result<Before>,
    ) -> anyhow::Result<Ending> {
        let started = Instant::now();
        let context = self.context;
        let inventory = context.inventory()?;
        if !self.stage {
            self.flags.in_waves.check(inventory)?;
        }
        let keys = context.keys()?;
        let now = context.now();
        context.open_key_early([&self.name])?;
        let recorded = context.state()?.write(|write| {
            let sealed = edge.map_or(&[][..], Edge::sealed);
            for secret in sealed {
                write.store_secret(secret, now)?;
            }
            let task = context.begin_task(&self.command, write)?;
            let before = work(write).map_err(Stop::Error)?;
            let resource = write.find(&self.name)?;
            let mut names = BTreeSet::from([self.name.clone()]);
            let changes = write.task_changes(task)?;
            let warnings = letting_in::warnings(write, inventory, &changes, &self.enabling, now)
                .map_err(Stop::Error)?;
            names.extend(changes.into_iter().map(|c| c.name));
            let servers = servers(write, inventory, &names)?;
            let vault = write.vault(keys)?;
            let source = Source {
                read: write,
                inventory,
                secrets: Box::new(vault),
                servers,
                only: Some(names.clone()),
            };
            let jobs = source.jobs()?;
            let recorded = Recorded {
                task,
                names,
                jobs,
                resource,
                before,
                warnings,
            };
            if self.flags.dry_run {
                return Err(Stop::Roll(Box::new(recorded)));
            }
            Ok(recorded)
        });
        match recorded {
            Ok(recorded) => {
                letting_in::tell(context, &recorded.warnings);
                self.carry_out(recorded, edge.map_or(&[], Edge::told), started)
            }
            Err(Stop::Error(error)) => Err(error),
            Err(Stop::Roll(recorded)) => {
                letting_in::tell(context, &recorded.warnings);
                let run = Run::new(context, &self.command, &self.flags)?;
                let mut extra = json!({ (self.kind.word): recorded.resource });
                also(&mut extra, &recorded.names);
                let outlook = self.outlook(recorded.resource.as_ref(), &recorded.before)?;
                let reports = run.preview(context, recorded.jobs, true, extra)?;
                context.ui.live(|page| outlook::print(page, &outlook));
                Ok(super::plan::ending(&reports, false))
            }
        }
    }

    fn carry_out(
        &self,
        recorded: Recorded<'_>,
        told: &[Told],
        started: Instant,
    ) -> anyhow::Result<Ending> {
        let context = self.context;
        let Recorded {
            task,
            names,
            jobs,
            before,
            ..
        } = recorded;
        if self.stage {
            context.end_task(task, &Ok(Ending::Done));
            let mut value = self.value(task, &names, &[], false)?;
            let shown = self.shown(&mut value, &before, told, false)?;
            context.ui.show(&value, |page| {
                for name in names.iter().filter(|_| !context.globals.quiet) {
                    page.line(&format!("staged {name}"));
                }
                lines(page, &shown);
            })?;
            context
                .ui
                .hint("`fleet plan` shows what it changes, `fleet apply` carries it out");
            return Ok(Ending::Done);
        }
        let result = self.change(task, &names, jobs, &before);
        context.end_task(
            task,
            &result
                .as_ref()
                .map_or(Ok(Ending::With(Class::Failed)), |r| Ok(r.ending)),
        );
        let Changed {
            rolled,
            taken_back,
            ending,
        } = result?;
        let reports = &rolled.reports;
        let mut value = self.value(task, &names, reports, taken_back)?;
        rolled.add_to(&mut value);
        let resource = self.context.state()?.read(|read| read.find(&self.name))?;
        let resource = resource.filter(|_| !taken_back);
        let outlook = self.outlook(resource.as_ref(), &before)?;
        let shown = self.shown(&mut value, &before, told, ending == Ending::Done)?;
        context.ui.show(&value, |page| {
            if !context.globals.quiet {
                outlook::print(page, &outlook);
                if let Some(line) = unchanged(&names, reports).filter(|_| ending == Ending::Done) {
                    page.line(&line);
                }
            }
            lines(page, &shown);
        })?;
        summary(context, reports, started);
        let line = goes_on(task);
        rolled.tell(context, (!taken_back).then_some(&*line));
        if taken_back {
            context.ui.note(match before {
                Before::Nothing => "nothing was recorded",
                _ => "what is recorded is as before",
            });
        } else if rolled.halt.is_none() && reports.iter().any(|report| !report.is_complete()) {
            let mut held = reports.iter().map(|report| report.plan.held());
            let finishes = if held.all(|held| held.is_empty()) {
                "`fleet apply` finishes it"
            } else {
                "`fleet apply` finishes it, with `--force` where that is what helps"
            };
            context.ui.hint(&match before {
                Before::Leaving => format!(
                    "it stays recorded that it goes; {finishes}, `fleet undo {task}` takes that back"
                ),
                _ => format!("it stays recorded; {finishes}"),
            });
        }
        Ok(ending)
    }

    /// What the resource amounts to now; nothing when its settings are as they were.
    fn outlook(&self, resource: Option<&Resource>, before: &Before) -> anyhow::Result<Summary> {
        match (resource, before) {
            (None, _) | (_, Before::Leaving) => Ok(Summary::new()),
            (Some(resource), _) if resource.suspended => Ok(Summary::new()),
            (Some(resource), Before::Resource(before)) if before.spec == resource.spec => {
                Ok(Summary::new())
            }
            (Some(resource), _) => outlook::of(self.context, self.kind, resource),
        }
    }

    /// What the admin must be told of what is recorded now: once of its secrets, and of what is new and `there` how to
    /// reach it.
    fn shown(
        &self,
        value: &mut Value,
        before: &Before,
        told: &[Told],
        there: bool,
    ) -> anyhow::Result<Vec<(String, String)>> {
        let resource = self.context.state()?.read(|read| read.find(&self.name))?;
        let Some(resource) = resource else {
            return Ok(Vec::new());
        };
        let mut shown = Vec::new();
        let known = match before {
            Before::Nothing => Some(Vec::new()),
            // What is new of it: the way of a further user.
            Before::Resource(before) => Some(directions(self.context, self.kind, before)?),
            Before::Leaving | Before::Several => None,
        };
        if let Some(known) = known {
            let mut directions = directions(self.context, self.kind, &resource)?;
            directions.retain(|way| !known.contains(way));
            if !directions.is_empty() {
                value["directions"] = directions.iter().cloned().collect();
            }
            if there && !self.context.globals.quiet {
                shown = directions;
            }
        }
        let ids = (self.kind.secrets)(&resource.spec)?;
        let foreign = foreign::of(self.context, self.kind, &resource)?;
        if !foreign.is_empty() {
            value["unknown_secrets"] = foreign.iter().map(|foreign| foreign.what.clone()).collect();
        }
        let holds = |told: &&Told| {
            ids.iter().any(|(_, id)| *id == told.id)
                && !foreign.iter().any(|foreign| foreign.id == told.id)
        };
        for told in told.iter().filter(holds) {
            let secret = told.secret.reveal();
            value["secrets"][&told.what] = secret.into();
            shown.push((told.what.clone(), secret.to_owned()));
        }
        Ok(shown)
    }

    fn change(
        &self,
        task: i64,
        names: &BTreeSet<ResourceName>,
        jobs: Jobs<'_>,
        before: &Before,
    ) -> anyhow::Result<Changed> {
        let run = Run::new(self.context, &self.command, &self.flags)?;
        let rolled = run.change(self.context, task, jobs)?;
        let reports = &rolled.reports;
        let ending = if reports.is_empty() && rolled.halt.is_none() {
            let state = self.context.state()?;
            let (there, on) = state.read(|read| {
                Ok::<_, Diagnostic>((read.find(&self.name)?, placed_on(read, names)?))
            })?;
            let placed = !on.is_empty();
            nowhere::tell(
                self.context,
                self.kind,
                &self.name,
                before,
                there.as_ref(),
                placed,
            )
        } else {
            rolled.ending(self.context)?
        };
        Ok(Changed {
            taken_back: refused(reports) && self.take_back(task)?,
            rolled,
            ending,
        })
    }

    fn value(
        &self,
        task: i64,
        names: &BTreeSet<ResourceName>,
        reports: &[ServerReport],
        taken_back: bool,
    ) -> anyhow::Result<Value> {
        let resource = self.context.state()?.read(|read| read.find(&self.name))?;
        let mut value = json!({
            (self.kind.word): resource,
            "task": task,
            "taken_back": taken_back,
            "servers": to_json(reports),
        });
        also(&mut value, names);
        Ok(value)
    }

    /// Takes the wish back: everything that the task changed, but what another fleet has changed meanwhile. Where
    /// something was removed all of it stays recorded: what was changed along with that would refer again to what is gone.
    fn take_back(&self, task: i64) -> anyhow::Result<bool> {
        let now = self.context.now();
        let done = self.context.state()?.write(|write| {
            let mut any = false;
            let changes = write.task_changes(task)?;
            if changes.iter().any(|change| change.after.is_none()) {
                return Ok(false);
            }
            for change in changes {
                let Some(after) = &change.after else { continue };
                let there = write.find(&change.name)?.filter(|there| {
                    there.id == change.resource_id && there.generation == after.generation
                });
                let Some(there) = there else { continue };
                match &change.before {
                    None => take_away(write, &there, now)?,
                    Some(before) => put_as_before(write, &there, before, now)?,
                }
                write.forget_change(task, there.id)?;
                any = true;
            }
            Ok::<_, Diagnostic>(any)
        })?;
        Ok(done)
    }
}

/// What is said of a success that changed nothing on any server: without a terminal nothing else would be.
fn unchanged(names: &BTreeSet<ResourceName>, reports: &[ServerReport]) -> Option<String> {
    let idle = |report: &ServerReport| report.outcome == Outcome::Unchanged;
    if reports.is_empty() || !reports.iter().all(idle) {
        return None;
    }
    let names: Vec<String> = names.iter().map(ToString::to_string).collect();
    let on: Vec<&str> = reports
        .iter()
        .map(|report| report.server.as_str())
        .collect();
    Some(format!(
        "unchanged: {} on {}",
        names.join(", "),
        on.join(", ")
    ))
}

fn lines(page: &mut Page, shown: &[(String, String)]) {
    page.fields(
        shown
            .iter()
            .map(|(what, text)| (what.as_str(), text.clone(), Tone::Plain)),
    );
}

/// Takes away a resource that no server has taken.
fn take_away(write: &Write<'_>, there: &Resource, now: Timestamp) -> Result<(), Diagnostic> {
    write.remove_resource(there.id, None, now)?;
    for placement in &there.placements {
        // Where something of it was left by an earlier removal, that still has to go.
        if placement.applied_generation == 0 {
            write.settle_placement(there.id, &placement.server, &PlacementResult::Removed)?;
        }
    }
    Ok(())
}

/// Makes a resource what it was, where no server has followed.
fn put_as_before(
    write: &Write<'_>,
    there: &Resource,
    before: &Snapshot,
    now: Timestamp,
) -> Result<(), Diagnostic> {
    let kind = kind::kind(&there.name.kind)
        .ok_or_else(|| Diagnostic::failed(format!("there is no kind `{}`", there.name.kind)))?;
    let ties = (kind.ties)(&before.spec, &there.name.name)
        .map_err(|invalid| Diagnostic::failed(invalid.to_string()))?;
    let change = Change {
        spec: &before.spec,
        weight: before.weight,
        suspended: before.suspended,
        ties: &ties,
    };
    let generation = write.update_resource(there.id, &change, now)?;
    let was_there = |server: &ServerName| before.placements.iter().any(|(was, _)| was == server);
    for placement in &there.placements {
        if !was_there(&placement.server) {
            write.displace(there.id, &placement.server)?;
            if placement.applied_generation == 0 {
                write.settle_placement(there.id, &placement.server, &PlacementResult::Removed)?;
            }
        }
    }
    for (server, position) in &before.placements {
        write.place_at(there.id, server, *position)?;
    }
    for placement in &there.placements {
        if placement.applied_generation == before.generation && was_there(&placement.server) {
            let applied = PlacementResult::Applied { generation };
            write.settle_placement(there.id, &placement.server, &applied)?;
        }
    }
    Ok(())
}

/// Names in a JSON value what a task changes, when that is more than one resource.
fn also(value: &mut Value, names: &BTreeSet<ResourceName>) {
    if names.len() > 1 {
        value["resources"] = names.iter().map(ToString::to_string).collect();
    }
}

/// The names of the servers on which resources are, or were and have not gone.
fn placed_on(
    read: &Read,
    names: &BTreeSet<ResourceName>,
) -> Result<BTreeSet<ServerName>, Diagnostic> {
    let mut on = BTreeSet::new();
    for name in names {
        let found = read.resources(&Filter {
            kind: Some(&name.kind),
            names: Some(&BTreeSet::from([name.name.clone()])),
            removing: true,
            ..Filter::default()
        })?;
        let placements = found.into_iter().flat_map(|resource| resource.placements);
        on.extend(placements.map(|placement| placement.server));
    }
    Ok(on)
}

/// Those of them that are in the inventory and active.
fn servers<'i>(
    read: &Read,
    inventory: &'i Inventory,
    resources: &BTreeSet<ResourceName>,
) -> Result<Vec<&'i Server>, Diagnostic> {
    let names = placed_on(read, resources)?;
    let servers = names.iter().filter_map(|name| inventory.servers.get(name));
    Ok(servers.filter(|server| server.active).collect())
}

/// Whether every server that had something to do has refused the change and is as it was: then the wish is no use to
/// anybody. The secondary of a zone has nothing to do when a record changes.
fn refused(reports: &[ServerReport]) -> bool {
    let refused = |report: &ServerReport| {
        let tried = matches!(
            report.outcome,
            Outcome::Failed | Outcome::Reverted | Outcome::Unchanged
        );
        let undone = report.failures.iter().all(|failure| failure.undone);
        let why = !report.failures.is_empty() || !report.plan.held().is_empty();
        tried && undone && why && report.done.is_empty() && report.error.is_none()
    };
    let idle = |report: &ServerReport| {
        report.outcome == Outcome::Waiting
            || report.outcome == Outcome::Unchanged
                && report.plan.is_empty()
                && report.done.is_empty()
                && report.error.is_none()
    };
    reports.iter().any(refused) && reports.iter().all(|report| refused(report) || idle(report))
}

/// Refuses what refers to a resource that does not exist.
pub(super) fn refuse_unknown(
    read: &Read,
    name: &ResourceName,
    ties: &Ties,
) -> Result<(), Diagnostics> {
    let mut problems = Vec::new();
    for followed in &ties.follows {
        let found = read
            .find(followed)
            .map_err(|error| Diagnostics(vec![error]))?;
        if found.is_none() {
            let ResourceName { kind, name: other } = followed;
            problems.push(
                Diagnostic::usage(format!("{name}: there is no {kind} `{other}`"))
                    .hint(format!("`fleet add-{kind} {other}` adds it")),
            );
        }
    }
    if problems.is_empty() {
        Ok(())
    } else {
        Err(Diagnostics(problems))
    }
}

/// The error for names that other resources hold.
pub(super) fn taken(name: &ResourceName, taken: &[Taken]) -> Diagnostics {
    let problem = |taken: &Taken| {
        let claim = &taken.claim.name;
        Diagnostic::usage(format!("{name}: `{claim}` belongs to {}", taken.owner)).hint(format!(
            "`fleet show-{} {}` shows it",
            taken.owner.kind, taken.owner.name
        ))
    };
    Diagnostics(taken.iter().map(problem).collect())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
mod tests {
    use super::*;

    #[test]
    fn only_what_changed_nothing_anywhere_is_told_as_unchanged() {
        let names = BTreeSet::from([ResourceName::new("site", "example.com")]);
        let report = |server: &str, outcome| {
            let mut report = ServerReport::new(server.parse().unwrap());
            report.outcome = outcome;
            report
        };
        let idle = || report("sg-1", Outcome::Unchanged);
        let both = [idle(), report("sg-2", Outcome::Unchanged)];
        assert_eq!(
            unchanged(&names, &both).unwrap(),
            "unchanged: site example.com on sg-1, sg-2"
        );
        assert_eq!(unchanged(&names, &[]), None);
        assert_eq!(
            unchanged(&names, &[idle(), report("sg-2", Outcome::Changed)]),
            None
        );
    }
}
