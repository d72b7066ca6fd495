//! Changes of confirmed statuses, a line each: for cron, and for a watch without a terminal.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::Known;
use super::table::tone;
use crate::context::Context;
use crate::diagnostic::Diagnostic;
use crate::model::{HealthEvent, Standing, Status};
use crate::state::SubjectName;
use crate::ui::{Page, Tone, format};

/// A status that a quiet sweep has not spoken of.
pub(super) struct Change<'k> {
    name: &'k SubjectName,
    standing: &'k Standing,
}

/// The changes since the last quiet sweep, whoever has looked meanwhile. That a subject is well which was never spoken
/// of is none, and neither is what happens to a server in maintenance: what is left of it is told when that ends. What
/// got worse meanwhile and is better by the last look waits for what is confirmed next.
pub(super) fn untold(known: &Known) -> Vec<Change<'_>> {
    let standings = known.standings.iter();
    standings
        .filter(|((server, _), _)| !known.resting.contains_key(server))
        .filter(|(_, standing)| match standing.told {
            Some(told) if told >= standing.status => told != standing.status,
            Some(_) => !standing.is_easing(),
            None => !standing.status.is_well() && !standing.is_easing(),
        })
        .map(|(name, standing)| Change { name, standing })
        .collect()
}

/// Notes that these were spoken of. It is done when they are printed: told twice is better than never.
pub(super) fn note(
    context: &Context,
    changes: &[Change<'_>],
    known: &Known,
) -> anyhow::Result<()> {
    let news = known.standings.iter();
    let news = news.filter(|(_, standing)| standing.told.is_none() && standing.status.is_well());
    let told: Vec<(SubjectName, Status)> = changes
        .iter()
        .map(|change| (change.name.clone(), change.standing.status))
        .chain(news.map(|(name, standing)| (name.clone(), standing.status)))
        .collect();
    if !told.is_empty() {
        let noted: Result<(), Diagnostic> = context.state()?.write(|write| write.note_told(&told));
        noted?;
    }
    Ok(())
}

/// `[{"server", "subject", "before", "after", "since", "reasons"}]`, as the events have it.
pub(super) fn to_json(changes: &[Change<'_>]) -> Value {
    let changes = changes.iter().map(|Change { name, standing }| {
        json!({
            "server": name.0,
            "subject": name.1,
            "before": standing.told,
            "after": standing.status,
            "since": standing.since,
            "reasons": standing.reasons,
        })
    });
    changes.collect()
}

/// One line for each.
pub(super) fn print(page: &mut Page, changes: &[Change<'_>], now: Timestamp) {
    for Change { name, standing } in changes {
        line(page, name, standing.told, standing, now);
    }
}

/// Prints what is confirmed of a subject, and what it was before.
pub(super) fn line(
    page: &mut Page,
    (server, subject): &SubjectName,
    before: Option<Status>,
    standing: &Standing,
    now: Timestamp,
) {
    page.text(server.as_str(), Tone::Strong);
    if !subject.is_empty() {
        page.text(&format!(", {subject}"), Tone::Plain);
    }
    page.text(": ", Tone::Plain);
    page.text(standing.status.word(), tone(standing.status));
    let was = before.map(|before| format!(", was {}", before.word()));
    page.text(&was.unwrap_or_default(), Tone::Plain);
    page.text(
        &format!(" ({}, {})", format::time(standing.since), format::age(standing.since, now)),
        Tone::Dim,
    );
    if !standing.reasons.is_empty() && !standing.status.is_well() {
        page.text(&format!(": {}", standing.reasons.join("; ")), Tone::Plain);
    }
    page.end();
}

/// Prints an event with its time.
pub(super) fn event(page: &mut Page, event: &HealthEvent) {
    page.text(&format::time(event.at), Tone::Dim);
    page.text("  ", Tone::Plain);
    page.text(event.server.as_str(), Tone::Strong);
    if !event.subject.is_empty() {
        page.text(&format!(", {}", event.subject), Tone::Plain);
    }
    page.text(": ", Tone::Plain);
    page.text(event.after.word(), tone(event.after));
    if let Some(before) = event.before {
        page.text(&format!(", was {}", before.word()), Tone::Plain);
    }
    if let Some(since) = event.before_since {
        let lasted = event.since.as_second() - since.as_second();
        let lasted = format::seconds(u64::try_from(lasted).unwrap_or_default());
        page.text(&format!(" for {lasted}"), Tone::Plain);
    }
    if !event.reasons.is_empty() && !event.after.is_well() {
        page.text(&format!(": {}", event.reasons.join("; ")), Tone::Plain);
    }
    page.end();
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn what_was_not_told_and_is_better_by_the_last_look_waits() {
        use Status::{Degraded, Offline, Online};
        for (told, status, seen, expected) in [
            (Some(Online), Offline, Offline, 1),
            // It was away while nothing was said of it, and the sweep reached it.
            (Some(Online), Offline, Online, 0),
            (None, Offline, Online, 0),
            (None, Degraded, Offline, 1),
            (Some(Offline), Online, Online, 1),
            (Some(Offline), Online, Offline, 1),
            (Some(Offline), Offline, Online, 0),
        ] {
            let standing = Standing {
                status,
                since: Timestamp::UNIX_EPOCH,
                reasons: Vec::new(),
                seen,
                seen_at: Timestamp::UNIX_EPOCH,
                turning: None,
                told,
            };
            let name = ("sg-3".parse().unwrap(), String::new());
            let known = Known {
                standings: BTreeMap::from([(name, standing)]),
                ..Known::default()
            };
            assert_eq!(untold(&known).len(), expected, "{told:?} {status:?} {seen:?}");
        }
    }
}
