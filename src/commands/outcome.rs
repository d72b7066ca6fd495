//! What the report of a server means: for the record, and for the reader.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use crate::apply::{Failure, Outcome, ServerReport};
use crate::diagnostic::Diagnostic;
use crate::item::Applied;
use crate::model::{PlacementStatus, Resource, ResourceName};
use crate::plan::{Action, ServerPlan};
use crate::state::{self, PlacementResult};
use crate::ui::{Mark, format};

/// Stands in the place of a kind where a role is set up: `role web`.
pub(super) const ROLE: &str = "role";

/// What is to be recorded of a server before it is changed.
pub(super) fn before(plan: &ServerPlan) -> state::Outcome {
    state::Outcome {
        applied: plan.remember.iter().cloned().collect(),
        ..state::Outcome::default()
    }
}

/// What is to be recorded of a server.
pub(super) fn of(report: &ServerReport, resources: &[Resource]) -> state::Outcome {
    let mut outcome = state::Outcome::default();
    let remember = report.plan.remember.iter().cloned();
    outcome.applied.extend(remember);
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
    for resource in resources {
        outcome
            .placements
            .push((resource.id, settled(report, resource)));
    }
    outcome
}

/// Whether it is known what became of every change: neither cut off in the middle, nor left half undone.
fn is_known(report: &ServerReport) -> bool {
    report.outcome != Outcome::Interrupted && report.failures.iter().all(|failure| failure.undone)
}

fn settled(report: &ServerReport, resource: &Resource) -> PlacementResult {
    if let Some(reason) = not_tried(report) {
        return PlacementResult::Pending { reason };
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
        Outcome::Failed => error,
        outcome => Some(error.unwrap_or_else(|| outcome.word().to_owned())),
    }
}

/// Why a server is not as it should be, in one line.
pub(super) fn reason(report: &ServerReport) -> Option<String> {
    if let Some(error) = &report.error {
        return Some(error.message.clone());
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

/// The result line of a server.
pub(super) fn line(report: &ServerReport) -> (Mark, String) {
    let changes = format::count(report.done.len(), "change");
    let mut text = match report.outcome {
        Outcome::Unchanged => "nothing to do".to_owned(),
        Outcome::Changed | Outcome::Looked => changes,
        Outcome::Failed if report.done.is_empty() => "failed".to_owned(),
        Outcome::Failed => format!("{changes}, {} failed", report.failures.len()),
        outcome => outcome.word().to_owned(),
    };
    if !report.recovered.is_empty() {
        text += ", rolled back what an earlier run left half done";
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
    let of_role = |resource: &ResourceName| resource.kind == ROLE;
    if failure.undone && failure.resource.as_ref().is_some_and(of_role) {
        diagnostic.hint("packages that were installed stay; the command can be repeated")
    } else if failure.undone {
        diagnostic.hint("the server is as it was before")
    } else {
        diagnostic.hint("`fleet apply` tries again to put everything back")
    }
}

/// What was left alone on a server, as errors.
pub(super) fn held_back(report: &ServerReport) -> Vec<Diagnostic> {
    let blocked = report.plan.blocked.iter().map(|blocked| {
        let message = format!(
            "{} on `{}`: {}",
            blocked.resource, report.server, blocked.reason
        );
        let diagnostic = Diagnostic::failed(message);
        match &blocked.hint {
            Some(hint) => diagnostic.hint(hint.clone()),
            None => diagnostic,
        }
    });
    let conflicts = report.plan.conflicts.iter().map(|conflict| {
        let path = conflict.item.name();
        let message = if conflict.edited {
            format!("`{path}` on `{}` was edited since fleet wrote it", report.server)
        } else {
            format!("`{path}` is there on `{}`, and fleet did not write it", report.server)
        };
        Diagnostic::failed(message).hint(
            "`fleet plan --diff` shows the difference; `--force` replaces it, `--adopt` takes it over as it is",
        )
    });
    blocked.chain(conflicts).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::item::Props;
    use crate::plan::Change;

    /// The report on a server where one file was to change that an earlier transaction had made.
    fn report(outcome: Outcome, sent: bool) -> ServerReport {
        let of = |hash: &str| Props::from([("sha256".to_owned(), hash.to_owned())]);
        let change = Change {
            key: "file /etc/a".parse().unwrap(),
            action: Action::Update,
            before: Some(of("1")),
            after: of("2"),
            item: Some(crate::item::Item::from(crate::item::Service {
                unit: "nginx".to_owned(),
            })),
            owners: vec![ResourceName::new("site", "a")],
            drift: false,
        };
        let made = Applied {
            props: of("1"),
            ..Applied::default()
        };
        let mut report = ServerReport::new("sg-1".parse().unwrap());
        report.outcome = outcome;
        report.sent = sent;
        report.plan.remember.push((change.key.clone(), made));
        report.plan.changes.push(change);
        report
    }

    #[test]
    fn an_intent_is_withdrawn_only_when_it_was_made_and_is_known_to_be_undone() {
        let failure = |undone| Failure {
            resource: None,
            reason: "x".to_owned(),
            details: Vec::new(),
            undone,
        };
        let undone = |undone| {
            let mut report = report(Outcome::Failed, true);
            report.failures.push(failure(undone));
            report
        };
        let cases = [
            (report(Outcome::Stopped, false), false),
            (report(Outcome::Interrupted, true), false),
            (undone(false), false),
            (undone(true), true),
        ];
        for (report, withdrawn) in cases {
            let outcome = of(&report, &[]);
            assert_eq!(!outcome.withdrawn.is_empty(), withdrawn, "{report:?}");
            // It was recorded before the intent took its place.
            assert!(outcome.applied.is_empty(), "{report:?}");
            assert_eq!(before(&report.plan).applied.len(), 1);
        }
    }
}
