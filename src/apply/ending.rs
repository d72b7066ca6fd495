//! How one transaction on a server ended, and what to try in place of one that failed.

use std::collections::BTreeSet;

use super::Failure;
use crate::item::{ItemType, Probe};
use crate::model::ResourceName;
use crate::plan::{Change, Progress};

/// How one transaction ended.
pub(super) enum Ending {
    /// All of it is there.
    Committed,
    /// Why, and the addresses of the requests that were not answered as they should be.
    Undone(Failure, Vec<String>),
    /// New firewall rules were not confirmed, and everything was put back.
    Reverted(Failure),
    /// Somebody has broken the lock; who, and what became of what was under way.
    Lost(String, Failure),
}

/// What to try in place of a group that failed, the next one last: all but those that the failure speaks of, by an
/// address or by a file, and these one by one; where it names nobody, two halves.
pub(super) fn parts<'n>(
    group: &[&'n ResourceName],
    probes: &[(ResourceName, Probe)],
    changes: &[&Change],
    failure: &Failure,
    urls: &[String],
) -> Vec<Vec<&'n ResourceName>> {
    let unwell = probes
        .iter()
        .filter(|(_, probe)| urls.contains(&probe.url()));
    let mut suspects: BTreeSet<&ResourceName> = unwell.map(|(owner, _)| owner).collect();
    for change in changes.iter().filter(|change| change.owners.len() == 1) {
        let name = &change.key.name;
        let file = change.key.item_type == ItemType::File;
        if file && failure.details.iter().any(|line| line.contains(name)) {
            suspects.insert(&change.owners[0]);
        }
    }
    let (suspects, others): (Vec<_>, Vec<_>) =
        group.iter().partition(|member| suspects.contains(**member));
    let parts: Vec<Vec<&ResourceName>> = if suspects.is_empty() || others.is_empty() {
        let (first, second) = group.split_at(group.len().div_ceil(2));
        vec![second.to_vec(), first.to_vec()]
    } else {
        let alone = suspects.into_iter().rev().map(|suspect| vec![suspect]);
        alone.chain([others]).collect()
    };
    parts.into_iter().filter(|part| !part.is_empty()).collect()
}

/// Reads how a transaction ended from what it said.
pub(super) fn ending(progress: Vec<Progress>, stderr: &str) -> Ending {
    let mut failure = Failure {
        resource: None,
        reason: String::new(),
        details: Vec::new(),
        hints: Vec::new(),
        undone: false,
    };
    let mut reasons = Vec::new();
    let mut phase = String::new();
    let mut urls = Vec::new();
    let mut confirmed = true;
    let mut lost = None;
    let mut unrecovered = None;
    for step in progress {
        match step {
            Progress::Committed => return Ending::Committed,
            Progress::Why(why) => reasons.push(why),
            Progress::Hint(hint) => failure.hints.push(hint),
            Progress::Suspect(url) => urls.push(url),
            Progress::Failed(name) => phase = name,
            Progress::Detail(detail) => failure.details.push(detail),
            Progress::Undone => failure.undone = true,
            Progress::Unrecovered(id) => unrecovered = Some(id),
            Progress::Unconfirmed => confirmed = false,
            Progress::Lost(by) => lost = Some(by),
            Progress::Step(_)
            | Progress::Confirm(_)
            | Progress::Strangers(_)
            | Progress::Notice(_) => {}
        }
    }
    if reasons.is_empty() {
        // The first line that a tool wrote says it best.
        let mut said = failure
            .details
            .iter()
            .map(String::as_str)
            .chain(stderr.lines());
        reasons.push(match (said.next(), phase.as_str()) {
            (Some(said), "") => said.to_owned(),
            (Some(said), phase) => format!("{phase}: {said}"),
            (None, "") => "the transaction ended in the middle".to_owned(),
            (None, phase) => format!("phase `{phase}` failed without a word"),
        });
    }
    if let Some(id) = unrecovered {
        reasons.push(format!(
            "and transaction {id} could not be undone; the next apply tries again"
        ));
    }
    failure.reason = reasons.join("; ");
    if let Some(by) = lost {
        return Ending::Lost(by, failure);
    }
    if !confirmed && failure.undone {
        return Ending::Reverted(failure);
    }
    Ending::Undone(failure, urls)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_that_could_not_be_undone_says_what_failed_first() {
        let detail = "mv: cannot move 'a' to 'b': Device or resource busy";
        let said = [
            "@failed commit",
            &format!("@detail {detail}"),
            "@unrecovered 3-0",
        ];
        let progress = said
            .iter()
            .filter_map(|line| Progress::parse(line))
            .collect();
        let Ending::Undone(failure, _) = ending(progress, "") else {
            panic!("it was neither committed nor anybody else's doing");
        };
        assert_eq!(
            failure.reason,
            format!(
                "commit: {detail}; and transaction 3-0 could not be undone; the next apply tries again"
            )
        );
    }
}
