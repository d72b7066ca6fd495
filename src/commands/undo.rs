//! `fleet undo`: puts back what a task changed, through the same plan with the same guards.

use std::collections::BTreeSet;

use clap::Args;

use super::change::{Before, Changing, refuse_unknown, taken};
use super::dependants::Dependants;
use super::flags::Staging;
use super::placing::place_again;
use super::set::{record_change, refuse_overload};
use super::{Ending, Example, Group, Verb};
use crate::context::Context;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::kind::{self, Kind};
use crate::model::{ResourceName, Snapshot, TaskChange};
use crate::plan::place::Request;
use crate::plan::revert::revert;
use crate::state::{Change, Write};

mod import;

/// Puts back what a task changed.
#[derive(Args, Debug)]
pub struct Undo {
    /// The number of the task
    #[arg(value_name = "TASK", value_parser = clap::value_parser!(i64).range(1..))]
    task: i64,
    #[command(flatten)]
    staging: Staging,
}

impl Verb for Undo {
    const NAME: &'static str = "undo";
    const ABOUT: &'static str = "Put back what a task changed, with content from the trash";
    const GROUP: Group = Group::Tasks;
    const EXAMPLES: &'static [Example] = &[
        ("fleet undo 12", ""),
        (
            "fleet undo 12 --dry-run",
            "What that would change, with diffs",
        ),
        (
            "fleet undo 12 --force",
            "Although later tasks changed the same",
        ),
    ];

    fn run(self, context: &Context) -> anyhow::Result<Ending> {
        let unknown = || {
            Diagnostic::usage(format!("there is no task {}", self.task))
                .hint("`fleet list-tasks` lists them")
        };
        let state = context.state_to_read()?.ok_or_else(unknown)?;
        let (task, changes) = state.read(|read| {
            let task = read.task(self.task)?.ok_or_else(unknown)?;
            Ok::<_, Diagnostic>((task, read.task_changes(self.task)?))
        })?;
        let Some(first) = changes.first() else {
            if let Some(import) = import::of(&state, &task)? {
                return import::undo(context, &import, &self.staging);
            }
            let message = format!(
                "there is nothing to undo: task {} (`{}`) changed nothing of what is recorded",
                task.id, task.command
            );
            return Err(Diagnostic::usage(message)
                .hint("`fleet show-task` shows what it did on servers")
                .into());
        };
        let force = self.staging.flags.force;
        if !self.staging.flags.dry_run {
            confirm(context, &state, &changes)?;
        }
        let specs = changes.iter().filter_map(|change| change.before.as_ref());
        context.open_key_for(specs.map(|before| &before.spec))?;
        let changing = Changing {
            context,
            command: Self::NAME.to_owned(),
            kind: known_kind(&first.name)?,
            name: first.name.clone(),
            flags: self.staging.flags,
            stage: self.staging.stage,
            enabling: BTreeSet::new(),
        };
        let undoing = Undoing {
            task: self.task,
            changing: &changing,
            force,
        };
        let only_removes = changes.iter().all(|change| change.before.is_none());
        changing.run(None, |write| {
            undoing.record(write)?;
            Ok(if only_removes {
                Before::Leaving
            } else {
                Before::Several
            })
        })
    }
}

/// Asks before something is removed.
fn confirm(
    context: &Context,
    state: &crate::state::State,
    changes: &[TaskChange],
) -> anyhow::Result<()> {
    let mut going = Vec::new();
    for change in changes.iter().filter(|change| change.before.is_none()) {
        let there = state.read(|read| read.find(&change.name))?;
        if there.is_some_and(|there| there.id == change.resource_id) {
            going.push(format!("{} `{}`", change.name.kind, change.name.name));
        }
    }
    if going.is_empty() {
        return Ok(());
    }
    context.confirm(&format!("remove {}?", going.join(", ")))
}

fn known_kind(name: &ResourceName) -> Result<&'static Kind, Diagnostic> {
    kind::kind(&name.kind)
        .ok_or_else(|| Diagnostic::failed(format!("this fleet knows no kind `{}`", name.kind)))
}

struct Undoing<'a> {
    task: i64,
    changing: &'a Changing<'a>,
    force: bool,
}

impl Undoing<'_> {
    /// Records everything as it was before the task; every reason why it cannot be, at once.
    fn record(&self, write: &Write<'_>) -> anyhow::Result<()> {
        let changes = in_order(write.task_changes(self.task)?)?;
        let names: BTreeSet<ResourceName> = changes.iter().map(|c| c.name.clone()).collect();
        let mut problems = Vec::new();
        for change in &changes {
            let step = match (&change.before, &change.after) {
                (None, _) => self.remove(write, change, &names),
                (Some(before), None) => self.restore(write, change, before),
                (Some(before), Some(after)) => self.revert(write, change, before, after),
            };
            match step.map_err(anyhow::Error::downcast::<Diagnostics>) {
                Ok(()) => {}
                Err(Ok(several)) => problems.extend(several.0),
                Err(Err(error)) => match error.downcast::<Diagnostic>() {
                    Ok(one) => problems.push(one),
                    Err(error) => return Err(error),
                },
            }
        }
        if problems.is_empty() {
            Ok(())
        } else {
            Err(Diagnostics(problems).into())
        }
    }

    /// The refusal because of what came later; `what` says what that is about.
    fn refuse_later(
        &self,
        write: &Write<'_>,
        name: &ResourceName,
        what: &str,
    ) -> Result<Diagnostic, Diagnostic> {
        let mut later = write.later_changes(self.task, name)?;
        later.retain(|(id, _)| Some(*id) != write.task_here());
        let tasks: Vec<String> = later
            .iter()
            .map(|(id, command)| format!("{id} (`{command}`)"))
            .collect();
        let message = match tasks.len() {
            0 => format!("{name}: {what} has changed since task {}", self.task),
            1 => format!("{name}: task {} has changed {what} since", tasks[0]),
            _ => format!("{name}: tasks {} have changed {what} since", tasks.join(", ")),
        };
        let refusal = Diagnostic::usage(message);
        Ok(match later.last() {
            Some((last, _)) => refusal.hint(format!(
                "undo the later ones first, the last of them with `fleet undo {last}`"
            )),
            None => refusal,
        })
    }

    /// Takes away what the task added.
    fn remove(
        &self,
        write: &Write<'_>,
        change: &TaskChange,
        names: &BTreeSet<ResourceName>,
    ) -> anyhow::Result<()> {
        let name = &change.name;
        let there = write.find(name)?;
        let Some(there) = there.filter(|there| there.id == change.resource_id) else {
            // Gone already; what has its name now is another.
            return Ok(());
        };
        let added = change.after.as_ref().map(|after| after.generation);
        if added != Some(there.generation) && !self.force {
            let refusal = self.refuse_later(write, name, "it")?;
            return Err(refusal.hint("`--force` removes it all the same").into());
        }
        let dependants = Dependants::of(write, names)?;
        if !dependants.is_empty() {
            let mut refusal = dependants.refusal(name);
            refusal.hints = vec![format!(
                "`fleet remove-{} {} --cascade` removes it together with them",
                name.kind, name.name
            )];
            return Err(refusal.into());
        }
        write.remove_resource(there.id, None, self.changing.context.now())?;
        Ok(())
    }

    /// Brings back what the task removed, with its content from the trash.
    fn restore(
        &self,
        write: &Write<'_>,
        change: &TaskChange,
        before: &Snapshot,
    ) -> anyhow::Result<()> {
        let name = &change.name;
        if write.find(name)?.is_some() {
            let refusal = self.refuse_later(write, name, "it")?;
            let hint = format!("it exists again; `fleet remove-{name}` makes place");
            return Err(refusal.hint(hint).into());
        }
        let kind = known_kind(name)?;
        let ties = (kind.ties)(&before.spec, &name.name)?;
        let others = write.taken(&ties.claims, None)?;
        if !others.is_empty() {
            return Err(taken(name, &others).into());
        }
        refuse_unknown(write, name, &ties)?;
        let context = self.changing.context;
        let restored = Change {
            spec: &before.spec,
            weight: before.weight,
            suspended: before.suspended,
            ties: &ties,
        };
        write.restore_resource(change.resource_id, &restored, context.now())?;
        let there = write
            .find(name)?
            .ok_or_else(|| anyhow::anyhow!("{name} is gone"))?;
        let request = Request {
            force: self.force,
            ..Request::new(kind.role, before.weight)
        };
        let scope = (kind.scope)(&before.spec)?;
        let inventory = context.inventory()?;
        place_again(write, inventory, context.now(), &there, &scope, &before.placements, &request)?;
        write.place_from_trash(there.id, self.task)?;
        Ok(())
    }

    /// Takes the task's change out of the settings; what came later in others of them stays.
    fn revert(
        &self,
        write: &Write<'_>,
        change: &TaskChange,
        before: &Snapshot,
        after: &Snapshot,
    ) -> anyhow::Result<()> {
        let name = &change.name;
        let Some(there) = write.find(name)?.filter(|t| t.id == change.resource_id) else {
            return Err(self.refuse_later(write, name, "it")?.into());
        };
        let mut reverted = revert(&before.spec, &after.spec, &there.spec);
        let scalar = |was: &serde_json::Value, became, now| revert(was, &became, &now);
        let weight = scalar(&before.weight.into(), after.weight.into(), there.weight.into());
        let suspended = scalar(
            &before.suspended.into(),
            after.suspended.into(),
            there.suspended.into(),
        );
        if !weight.clashes.is_empty() {
            reverted.clashes.push("weight".to_owned());
        }
        if !reverted.clashes.is_empty() && !self.force {
            let settings: Vec<String> = reverted
                .clashes
                .iter()
                .map(|clash| format!("`{}`", clash.replace('_', "-")))
                .collect();
            let refusal = self.refuse_later(write, name, &settings.join(", "))?;
            let hint = "`--force` puts these settings back as they were before the task";
            return Err(refusal.hint(hint).into());
        }
        let weight = if weight.value == before.weight {
            before.weight
        } else {
            there.weight
        };
        let suspended = suspended.value == true;
        let unchanged = reverted.value == there.spec
            && weight == there.weight
            && suspended == there.suspended;
        if unchanged {
            return Ok(());
        }
        let kind = known_kind(name)?;
        let now = self.changing.context.now();
        let subject = format!("{} `{}`", name.kind, name.name);
        let refused = |invalid: crate::diagnostic::Invalid| invalid.into_diagnostics(&subject);
        // What was recorded as a whole was valid then.
        if reverted.value != before.spec {
            (kind.validate)(&reverted.value, &name.name, now).map_err(refused)?;
        }
        let spec = (kind.normalise)(&reverted.value).map_err(refused)?;
        let ties = (kind.ties)(&spec, &name.name)?;
        let others = write.taken(&ties.claims, Some(there.id))?;
        if !others.is_empty() {
            return Err(taken(name, &others).into());
        }
        let change = Change {
            spec: &spec,
            weight,
            suspended,
            ties: &ties,
        };
        if weight > there.weight && !self.force {
            refuse_overload(write, self.changing, &there, weight)?;
        }
        if spec == there.spec && weight == there.weight {
            write.update_resource(there.id, &change, now)?;
            return Ok(());
        }
        let of_this = Changing {
            context: self.changing.context,
            command: self.changing.command.clone(),
            kind,
            name: name.clone(),
            flags: self.changing.flags.clone(),
            stage: self.changing.stage,
            enabling: BTreeSet::new(),
        };
        record_change(write, &of_this, &there, &change)
    }
}

/// What others refer to first, so that it is there when they come back.
fn in_order(changes: Vec<TaskChange>) -> anyhow::Result<Vec<TaskChange>> {
    let mut ordered: Vec<TaskChange> = Vec::with_capacity(changes.len());
    let mut waiting = changes;
    while !waiting.is_empty() {
        let names: BTreeSet<ResourceName> = waiting.iter().map(|c| c.name.clone()).collect();
        let mut later = Vec::new();
        let before = ordered.len();
        for change in waiting {
            let follows = match (&change.before, kind::kind(&change.name.kind)) {
                (Some(was), Some(kind)) => (kind.ties)(&was.spec, &change.name.name)?.follows,
                _ => Vec::new(),
            };
            let waits = follows
                .iter()
                .any(|followed| *followed != change.name && names.contains(followed));
            if waits {
                later.push(change);
            } else {
                ordered.push(change);
            }
        }
        if ordered.len() == before {
            // They refer to each other in a circle; any order will do.
            ordered.append(&mut later);
        }
        waiting = later;
    }
    Ok(ordered)
}
