//! What the report of a server means: for the record, and for the reader.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::Arc;

use crate::apply::{self, Failure, Outcome, ServerReport, Strangers};
use crate::diagnostic::Diagnostic;
use crate::item::dir::goes_to_trash;
use crate::item::{Applied, Item, ItemType, Key};
use crate::kind::kind;
use crate::model::{PlacementStatus, Resource, ResourceName};
use crate::plan::{Action, Blocked, ServerPlan};
use crate::shell::quote;
use crate::state::{self, PlacementResult};
use crate::ui::{Mark, format};

/// Stands in the place of a kind where a role is set up: `role web`.
pub(super) const ROLE: &str = "role";

/// Why a server was not begun.
pub(super) const NOT_BEGUN: &str = "an earlier wave was not well";

/// What is to be recorded of a server before it is changed.
pub(super) fn before(plan: &ServerPlan) -> state::Outcome {
    let known = plan
        .remember
        .iter()
        .filter(|(key, _)| !plan.found.contains(key));
    state::Outcome {
        applied: known.cloned().collect(),
        ..state::Outcome::default()
    }
}

/// The items that others have changed since fleet made them, and that are still so after the run; `None` where nobody
/// could look.
pub(super) fn drift(report: &ServerReport) -> Option<BTreeSet<String>> {
    use apply::Outcome::{Changed, Failed, Looked, Reverted, Unchanged};
    if report.error.is_some()
        || !matches!(
            report.outcome,
            Looked | Unchanged | Changed | Failed | Reverted
        )
    {
        return None;
    }
    let done: BTreeSet<_> = report.done.iter().collect();
    let changes = report.plan.changes.iter();
    let drifted = changes
        .filter(|change| change.drift && !done.contains(&change.key))
        .map(|change| change.key.to_string());
    let edited = report
        .plan
        .conflicts
        .iter()
        .filter(|conflict| conflict.edited);
    Some(
        drifted
            .chain(edited.map(|conflict| conflict.item.key().to_string()))
            .collect(),
    )
}

/// What is to be recorded of a server. Where it was away, `unattended` is the task of which a sweep may finish what is
/// left.
pub(super) fn of(
    report: &ServerReport,
    resources: &[Arc<Resource>],
    unattended: Option<i64>,
) -> state::Outcome {
    let mut outcome = state::Outcome::default();
    let remember = report.plan.remember.iter();
    let remember = remember.filter(|(key, known)| is_taken_in(report, key, &known.owners));
    outcome.applied.extend(remember.cloned());
    outcome.forgotten.clone_from(&report.plan.forget);
    // What is to change was recorded with the intent, which is not to be touched before it is known what became of it;
    // and where no intent was recorded, an earlier one may still say what is there.
    for change in &report.plan.changes {
        outcome.applied.remove(&change.key);
    }
    for change in report.changes_done() {
        if change.action == Action::Delete {
            outcome.forgotten.push(change.key.clone());
        } else if change.is_recorded() {
            let applied = Applied {
                props: change.after.clone(),
                adopted: {
                    let (back, stays) = (&report.plan.taken_back, &report.plan.stays);
                    back.get(&change.key)
                        .or_else(|| stays.get(&change.key))
                        .cloned()
                },
                owners: change.owners.clone(),
                ..Applied::default()
            };
            outcome.applied.insert(change.key.clone(), applied);
        }
    }
    if report.sent && is_known(report) {
        let done: BTreeSet<_> = report.done.iter().collect();
        let ready = report.plan.ready().into_iter();
        let undone = ready.filter(|change| change.item.is_some() && !done.contains(&change.key));
        outcome
            .withdrawn
            .extend(undone.map(|change| change.key.clone()));
    }
    let is_left_out = |resource: &&Arc<Resource>| {
        let mut left_out = report.left_out.iter();
        left_out.any(|blocked| blocked.resource == resource.name)
    };
    for resource in resources.iter().filter(|resource| !is_left_out(resource)) {
        outcome
            .placements
            .push((resource.id, settled(report, resource, unattended)));
    }
    // Others that wait, or failed before, are there when what they share with these is.
    let waits = |resource: &&Arc<Resource>| {
        let mut placements = resource.placements.iter();
        let here = placements.find(|placement| placement.server == report.server);
        here.is_some_and(|here| here.status != PlacementStatus::Applied)
    };
    for resource in report.carried.iter().filter(waits) {
        if is_there(report, &resource.name) {
            let generation = resource.generation;
            let applied = PlacementResult::Applied { generation };
            outcome.placements.push((resource.id, applied));
        }
    }
    outcome
}

/// Whether what was there already belongs to its owners from now on. Who was refused has no part in it, or its wish being
/// taken back would take away what somebody else has made.
fn is_taken_in(report: &ServerReport, key: &Key, owners: &[ResourceName]) -> bool {
    let is_well =
        |owner: &ResourceName| report.trouble(owner).is_none() && !report.untried.contains(owner);
    !report.plan.found.contains(key) || owners.is_empty() || owners.iter().any(is_well)
}

/// Whether a server has all that one contributes to what it shares with others.
fn is_there(report: &ServerReport, name: &ResourceName) -> bool {
    let done: BTreeSet<_> = report.done.iter().collect();
    let mut changes = report.plan.changes.iter();
    is_known(report)
        && not_tried(report).is_none()
        && report.trouble(name).is_none()
        && !report.plan.held().contains(name)
        && !changes.any(|change| change.owners.contains(name) && !done.contains(&change.key))
}

/// Whether it is known what became of every change: neither cut off in the middle, nor left half undone.
fn is_known(report: &ServerReport) -> bool {
    report.outcome != Outcome::Interrupted && report.failures.iter().all(|failure| failure.undone)
}

fn settled(report: &ServerReport, resource: &Resource, unattended: Option<i64>) -> PlacementResult {
    if let Some(reason) = not_tried(report) {
        use apply::Outcome::{Interrupted, Locked, Unreachable};
        let is_away = matches!(report.outcome, Unreachable | Locked | Interrupted);
        let away = unattended.filter(|_| is_away);
        let is_touched = || report.plan.resources().contains(&resource.name);
        return if report.outcome == Interrupted && is_touched() {
            PlacementResult::Unknown { reason, away }
        } else {
            PlacementResult::Pending { reason, away }
        };
    }
    if report.untried.contains(&resource.name) {
        let reason = "stopped before it was tried".to_owned();
        return PlacementResult::Pending { reason, away: None };
    }
    if let Some(reason) = report.trouble(&resource.name) {
        return PlacementResult::Failed { reason };
    }
    let mut placements = resource.placements.iter();
    let here = placements.find(|placement| placement.server == report.server);
    let leaving = here.is_some_and(|here| here.status == PlacementStatus::Removing);
    if leaving || resource.removed_at.is_some() {
        PlacementResult::Removed
    } else {
        PlacementResult::Applied {
            generation: resource.generation,
        }
    }
}

fn not_tried(report: &ServerReport) -> Option<String> {
    let error = report.error.as_ref().map(|error| error.message.clone());
    match report.outcome {
        Outcome::Looked | Outcome::Unchanged | Outcome::Changed => None,
        Outcome::Failed | Outcome::Reverted => error,
        // What was tried before is done or undone.
        Outcome::Stopped if report.sent => error,
        Outcome::Waiting => Some(NOT_BEGUN.to_owned()),
        outcome => Some(error.unwrap_or_else(|| outcome.word().to_owned())),
    }
}

/// Why a server is not as it should be, in one line.
pub(super) fn reason(report: &ServerReport) -> Option<String> {
    if let Some(error) = &report.error {
        return Some(error.message.clone());
    }
    if report.outcome == Outcome::Waiting {
        return Some(NOT_BEGUN.to_owned());
    }
    let failures = report
        .failures
        .iter()
        .map(|failure| match &failure.resource {
            Some(resource) => format!("{resource}: {}", failure.reason),
            None => failure.reason.clone(),
        });
    let held = held_back(report).into_iter().map(|problem| problem.message);
    let reasons: Vec<String> = failures.chain(held).collect();
    (!reasons.is_empty()).then(|| reasons.join("; "))
}

/// How many resources are named in a line.
const NAMED: usize = 3;

/// What the changes that were made on a server have made of these resources.
fn made(report: &ServerReport, resources: &[Arc<Resource>]) -> String {
    let changes = format::count(report.done.len(), "change");
    let owners: BTreeSet<&ResourceName> = report
        .changes_done()
        .flat_map(|change| &change.owners)
        .collect();
    let touched: Vec<&Arc<Resource>> = resources
        .iter()
        .filter(|resource| owners.contains(&resource.name))
        .collect();
    match &touched[..] {
        [] => changes,
        [one] => format!("{} ({changes})", became(report, one)),
        many => {
            let mut names: Vec<String> = many
                .iter()
                .take(NAMED)
                .map(|one| one.name.to_string())
                .collect();
            if many.len() > NAMED {
                names.push(format!("{} more", many.len() - NAMED));
            }
            format!("{changes}: {}", names.join(", "))
        }
    }
}

/// `site example.com is live`.
fn became(report: &ServerReport, resource: &Resource) -> String {
    let name = &resource.name;
    match (settled(report, resource, None), kind(&name.kind)) {
        (PlacementResult::Removed, _) => format!("{name} is gone"),
        (PlacementResult::Applied { .. }, Some(_)) if resource.suspended => {
            format!("{name} is suspended")
        }
        (PlacementResult::Applied { .. }, Some(kind)) => {
            format!("{name} {}", kind.state)
        }
        _ => name.to_string(),
    }
}

/// Where on the server that is which the task moved to the trash.
pub(super) fn in_trash(report: &ServerReport, task: i64) -> Vec<String> {
    let trashed = report.changes_done().filter(|change| {
        change.action == Action::Delete
            && change.key.item_type == ItemType::Dir
            && goes_to_trash(&change.after)
    });
    let paths: BTreeSet<&str> = trashed.map(|change| change.key.name.as_str()).collect();
    let moved_with_another = |path: &str| {
        let mut slashes = path.match_indices('/');
        slashes.any(|(end, _)| paths.contains(&path[..end]))
    };
    let done = report.changes_done().map(|change| &change.key);
    let replaced = done.filter(|key| report.plan.replaced.contains(*key));
    let replaced: Vec<&str> = replaced.map(|key| key.name.as_str()).collect();
    paths
        .iter()
        .filter(|path| !moved_with_another(path))
        .chain(&replaced)
        .filter_map(|path| path.rsplit_once('/'))
        .map(|(dir, name)| format!("{dir}/.fleet-trash/{task}/{name}"))
        .collect()
}

/// The result line of a server, where these resources were to change.
pub(super) fn line(report: &ServerReport, resources: &[Arc<Resource>]) -> (Mark, String) {
    let changes = format::count(report.done.len(), "change");
    let mut text = match report.outcome {
        Outcome::Unchanged => "nothing to do".to_owned(),
        Outcome::Changed | Outcome::Looked => made(report, resources),
        Outcome::Failed if report.done.is_empty() => "failed".to_owned(),
        Outcome::Failed => format!("{changes}, {} failed", report.failures.len()),
        outcome => outcome.word().to_owned(),
    };
    if !report.recovered.is_empty() {
        text += ", rolled back what an earlier run left half done (`fleet list-trash` has what came to be in it since)";
    }
    let held = report.plan.conflicts.len() + report.plan.blocked.len();
    let mark = match report.outcome {
        Outcome::Unchanged | Outcome::Changed | Outcome::Looked if held > 0 => {
            let _ = write!(text, ", {held} left alone");
            Mark::Attention
        }
        Outcome::Unchanged => Mark::Same,
        Outcome::Changed | Outcome::Looked => Mark::Done,
        _ => Mark::Failed,
    };
    (mark, text)
}

/// A resource that failed on a server, as an error.
pub(super) fn failure(report: &ServerReport, failure: &Failure) -> Diagnostic {
    let what = match &failure.resource {
        Some(resource) => format!("{resource} on `{}`", report.server),
        None => format!("`{}`", report.server),
    };
    let mut diagnostic = Diagnostic::failed(format!("{what}: {}", failure.reason));
    diagnostic.details.clone_from(&failure.details);
    diagnostic.hints.clone_from(&failure.hints);
    let of_role = |resource: &ResourceName| resource.kind == ROLE;
    if failure.undone && failure.resource.as_ref().is_some_and(of_role) {
        diagnostic.hint("packages that were installed stay; the command can be repeated")
    } else if failure.undone {
        diagnostic.hint("the server is as it was before")
    } else {
        diagnostic.hint("`fleet apply` tries again to put everything back")
    }
}

/// What follows a change on a server and was left as it is, in a sentence each.
pub(super) fn left_out(report: &ServerReport) -> Vec<String> {
    let together = Blocked::together(&report.left_out).into_iter();
    let sentence = |(names, blocked): (String, &Blocked)| {
        let server = &report.server;
        let reason = &blocked.reason;
        format!(
            "on `{server}` {names} cannot follow, and everything of it stays as it is: {reason}"
        )
    };
    together.map(sentence).collect()
}

/// What lies in directories that were given to a user and is not theirs, as warnings, each with a hint.
pub(super) fn strangers(report: &ServerReport) -> Vec<(String, String)> {
    let server = &report.server;
    let warning = |found: &Strangers| {
        let (path, owner) = (&found.path, &found.owner);
        let (files, belong) = match found.count {
            1 => ("1 file".to_owned(), "is"),
            count => (
                format!(
                    "{} files",
                    format::thousands(usize::try_from(count).unwrap_or(usize::MAX))
                ),
                "are",
            ),
        };
        let message = format!(
            "{files} in `{path}` on `{server}` {belong} not `{owner}`, and may be readable or writable to somebody else instead"
        );
        let (owner, path) = (quote(owner), quote(path));
        let hint = format!(
            "`fleet run --server {server} -- chown -Rh {owner} {path}` gives them to the site"
        );
        (message, hint)
    };
    report.strangers.iter().map(warning).collect()
}

/// What is not as the settings want it, since it was taken over as it is, in a sentence each.
pub(super) fn adopted(report: &ServerReport) -> Vec<String> {
    let server = &report.server;
    let done = report.changes_done().map(|change| &change.key);
    let back = done.filter(|key| report.plan.taken_back.contains_key(*key));
    let back = back.map(|key| {
        format!("`{}` on `{server}` is back from the trash as it was, which is not what the settings want", key.name)
    });
    let kept = report.plan.adopted.iter();
    let kept = kept.filter(|(key, owners)| is_taken_in(report, key, owners));
    let kept = kept.map(|(key, owners)| {
        let way_back = owners.first().map_or_else(String::new, way_back);
        format!(
            "`{}` on `{server}` was taken over with `--adopt`, and is not what the settings want{way_back}",
            key.name
        )
    });
    back.chain(kept).collect()
}

/// How what was taken over becomes what the settings want.
pub(super) fn way_back(owner: &ResourceName) -> String {
    let (kind, name) = (&owner.kind, &owner.name);
    format!("; `fleet apply {kind}:{name} --force` makes it so")
}

/// What was left alone on a server, as errors.
pub(super) fn held_back(report: &ServerReport) -> Vec<Diagnostic> {
    let blocked = report.plan.blocked_together().into_iter();
    let blocked = blocked.map(|(names, blocked)| {
        let message = format!("{names} on `{}`: {}", report.server, blocked.reason);
        let diagnostic = Diagnostic::failed(message);
        match &blocked.hint {
            Some(hint) => diagnostic.hint(hint.clone()),
            None => diagnostic,
        }
    });
    let conflicts = report.plan.conflicts.iter().map(|conflict| {
        let path = conflict.item.name();
        let message = if conflict.edited || conflict.adopted {
            format!("`{path}` on `{}` {}", report.server, conflict.reason())
        } else {
            format!("`{path}` is there on `{}`, and fleet did not write it", report.server)
        };
        let copy = match conflict.item {
            Item::File(_) => ", with a copy in the trash",
            _ => "",
        };
        Diagnostic::failed(message).hint(if conflict.adopted {
            format!(
                "`--dry-run --diff` shows the difference; `--force` replaces it with what the settings want{copy}; \
                 `--adopt` keeps it as it is, whatever they want"
            )
        } else {
            format!("`fleet plan --diff` shows the difference; `--force` replaces it{copy}, `--adopt` takes it over as it is")
        })
    });
    blocked.chain(conflicts).collect()
}

#[cfg(test)]
mod tests;
