//! What servers printed, as it is shown: equal output once, or how it differs.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use serde_json::{Value, json};

use super::Answers;
use crate::apply::Answer;
use crate::context::Context;
use crate::model::ServerName;
use crate::model::fold::fold;
use crate::ui::{Page, Tone, diff, format};

/// What a server wrote to stdout and stderr, and its status.
type Printed<'a> = (String, &'a str, i32);

/// Servers that printed the same.
type Same<'a> = (Printed<'a>, BTreeSet<&'a ServerName>);


pub(super) fn to_json(answers: &Answers, cut: &BTreeSet<ServerName>) -> Value {
    let without_answer = |server: &ServerName, error: &str| {
        json!({
            "server": server,
            "status": null,
            "stdout": null,
            "left_out_bytes": null,
            "stderr": null,
            "stderr_left_out_bytes": null,
            "error": error,
        })
    };
    let answers = answers
        .iter()
        .map(|(server, answer)| match answer {
            Ok(answer) => json!({
                "server": server,
                "status": answer.status,
                "stdout": text(answer),
                "left_out_bytes": answer.gap.map_or(0, |gap| gap.bytes),
                "stderr": answer.stderr,
                "stderr_left_out_bytes": answer.stderr_left_out,
                "error": null,
            }),
            Err(error) => without_answer(server, &error.to_string()),
        });
    answers
        .chain(cut.iter().map(|server| without_answer(server, "interrupted")))
        .collect()
}

/// What a server printed, and a line in the place of what was left out.
fn text(answer: &Answer) -> String {
    let mut text = String::new();
    for (index, line) in answer.lines.iter().enumerate() {
        gap(answer, index, &mut text);
        text.push_str(line);
        text.push('\n');
    }
    gap(answer, answer.lines.len(), &mut text);
    text
}

fn gap(answer: &Answer, index: usize, text: &mut String) {
    if let Some(gap) = answer.gap.filter(|gap| gap.at == index) {
        let lines = format::count(usize::try_from(gap.lines).unwrap_or(usize::MAX), "line");
        text.extend(["[", &lines, ", ", &format::bytes(gap.bytes), ", left out]\n"]);
    }
}

/// What a server printed and its status.
fn printed(answer: &Answer) -> Printed<'_> {
    (text(answer), answer.stderr.as_str(), answer.status)
}

/// The servers by what they printed: most servers first, then by name.
fn groups(answers: &Answers) -> Vec<Same<'_>> {
    let mut groups: BTreeMap<Printed<'_>, BTreeSet<&ServerName>> = BTreeMap::new();
    for (server, answer) in answers {
        if let Ok(answer) = answer {
            groups.entry(printed(answer)).or_default().insert(server);
        }
    }
    let mut groups: Vec<_> = groups.into_iter().collect();
    groups.sort_by(|(_, a), (_, b)| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
    groups
}

/// Each output once, under the servers that printed it; of a single server the output alone.
pub(super) fn gathered(page: &mut Page, answers: &Answers) {
    let alone = answers.len() == 1;
    for (index, ((stdout, stderr, status), servers)) in groups(answers).into_iter().enumerate() {
        if !alone {
            if index > 0 {
                page.end();
            }
            heading(page, &servers, status);
        }
        body(page, &stdout, stderr);
    }
}

fn heading(page: &mut Page, servers: &BTreeSet<&ServerName>, status: i32) {
    page.text(&fold(servers.iter().copied()), Tone::Strong);
    if servers.len() > 1 {
        page.text(&format!(" ({})", servers.len()), Tone::Dim);
    }
    if status != 0 {
        page.text(&format!(" status {status}"), Tone::Bad);
    }
    page.end();
}

fn body(page: &mut Page, stdout: &str, stderr: &str) {
    for line in stdout.lines() {
        page.line(line);
    }
    for line in stderr.lines() {
        page.toned_line(line, Tone::Warn);
    }
}

/// What most printed, then how the others differ from it.
pub(super) fn differences(page: &mut Page, answers: &Answers) {
    let groups = groups(answers);
    let Some(((stdout, stderr, status), servers)) = groups.first() else {
        return;
    };
    heading(page, servers, *status);
    body(page, stdout, stderr);
    for ((other, errors, status), servers) in &groups[1..] {
        page.end();
        heading(page, servers, *status);
        diff::unified(page, Some(stdout), Some(other), 0);
        if errors != stderr {
            diff::unified(page, Some(stderr), Some(errors), 0);
        }
    }
}

pub(super) fn summary(context: &Context, answers: &Answers, started: Instant) {
    if context.globals.wants_json() {
        return;
    }
    for (server, answer) in answers {
        if let Err(error) = answer {
            context.ui.problem(&error.diagnostic(server));
        }
    }
    let mut statuses: BTreeMap<i32, usize> = BTreeMap::new();
    for answer in answers.values().flatten() {
        *statuses.entry(answer.status).or_default() += 1;
    }
    if answers.is_empty() || answers.len() == 1 && statuses.contains_key(&0) {
        return;
    }
    let mut words: Vec<String> = statuses
        .iter()
        .map(|(status, count)| format!("{count} with status {status}"))
        .collect();
    let missing = answers.values().filter(|answer| answer.is_err()).count();
    if missing > 0 {
        words.push(format!("{missing} without an answer"));
    }
    let servers = format::count(answers.len(), "server");
    let took = format::duration(started.elapsed());
    context.ui.note(&format!("{servers}: {} in {took}", words.join(", ")));
}
