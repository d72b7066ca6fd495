//! Checks, changes of health, resources by kind, and the last tasks.

use jiff::Timestamp;

use super::Report;
use super::html::Html;
use super::plot::shape;
use super::top::number;
use crate::model::Status;
use crate::ui::format;

/// Checks and changes of health that are shown.
const MOST: usize = 40;

/// Servers that are being worked on.
pub(super) fn maintenance(html: &mut Html, report: &Report<'_>) {
    let servers = report.picture.servers.iter();
    let mut resting = servers
        .filter_map(|server| Some((server, server.maintenance.as_ref()?)))
        .peekable();
    if resting.peek().is_none() {
        return;
    }
    html.fixed("<section aria-labelledby=\"maintenance\"><h2 id=\"maintenance\">In maintenance</h2><div class=\"card scroll\" ");
    html.fixed("role=\"region\" tabindex=\"0\" aria-labelledby=\"maintenance\"><table><thead><tr><th scope=\"col\">Server</th>");
    html.fixed("<th scope=\"col\">Health</th><th scope=\"col\">Ends</th><th scope=\"col\">Until (UTC)</th><th scope=\"col\">By</th><th scope=\"col\">Why</th></tr></thead><tbody>");
    for (server, window) in resting {
        html.wrap("tr", |row| {
            row.fixed("<th scope=\"row\">")
                .text(server.name.as_str())
                .fixed("</th>");
            row.wrap("td", |td| {
                td.class("span", "state", |state| {
                    shape(state, server.word());
                    state.text(server.word());
                });
            });
            row.wrap("td", |td| {
                time(td, report, window.until);
            });
            row.say("td", &window.until.strftime("%Y-%m-%d %H:%M").to_string());
            row.say("td", &window.operator);
            long(row, &window.reason);
        });
    }
    html.fixed("</tbody></table></div></section>\n");
}

/// Checks that are not well: sites that do not answer, certificates that expire.
pub(super) fn checks(html: &mut Html, report: &Report<'_>) {
    let checks = &report.picture.checks;
    if checks.is_empty() {
        return;
    }
    html.fixed("<section aria-labelledby=\"checks\"><h2 id=\"checks\">Checks that are not well</h2><div class=\"card scroll\" ");
    html.fixed("role=\"region\" tabindex=\"0\" aria-labelledby=\"checks\"><table><thead><tr><th scope=\"col\">Check</th>");
    html.fixed("<th scope=\"col\">Server</th><th scope=\"col\">Status</th><th scope=\"col\">Why</th><th scope=\"col\" class=\"n\">Since</th></tr></thead><tbody>");
    for check in checks.iter().take(MOST) {
        html.wrap("tr", |row| {
            row.fixed("<th scope=\"row\" class=\"long\">")
                .text(&check.subject)
                .fixed("</th>");
            row.say("td", check.server.as_str());
            row.wrap("td", |td| {
                let (word, shaped) = if check.is_bad {
                    ("bad", "offline")
                } else {
                    ("warning", "degraded")
                };
                td.class("span", "state", |state| {
                    shape(state, shaped);
                    state.text(word);
                });
            });
            long(row, &check.reasons.join("; "));
            row.class("td", "n", |td| {
                time(td, report, check.since);
            });
        });
    }
    html.fixed("</tbody></table></div>");
    if let more @ 1.. = checks.len().saturating_sub(MOST) {
        html.class("p", "muted", |p| {
            p.text(&format!("And {}.", format::count(more, "other")));
        });
    }
    html.fixed("</section>\n");
}

/// A sentence, which may be long.
fn long(row: &mut Html, text: &str) {
    row.class("td", "long", |td| {
        td.text(text);
    });
}

/// How long ago, with the time itself for those who need it.
fn time(html: &mut Html, report: &Report<'_>, at: Timestamp) {
    html.element(
        "time",
        |time| {
            time.any("datetime", &at.to_string());
        },
        |time| {
            time.text(&format::age(at, report.picture.at));
        },
    );
}

/// What changed last in how servers and checks are.
pub(super) fn events(html: &mut Html, report: &Report<'_>) {
    if report.events.is_empty() {
        return;
    }
    html.fixed("<section aria-labelledby=\"events\"><h2 id=\"events\">What changed last</h2><div class=\"card scroll\" role=\"region\" ");
    html.fixed("tabindex=\"0\" aria-labelledby=\"events\"><table><thead><tr><th scope=\"col\">When</th><th scope=\"col\">Server</th>");
    html.fixed("<th scope=\"col\">Became</th><th scope=\"col\">Was</th><th scope=\"col\">Why</th></tr></thead><tbody>");
    for event in report.events.iter().take(MOST) {
        html.wrap("tr", |row| {
            row.fixed("<th scope=\"row\" class=\"when\">");
            time(row, report, event.at);
            row.fixed("</th>");
            row.wrap("td", |td| {
                td.text(event.server.as_str());
                if !event.subject.is_empty() {
                    td.class("div", "muted", |check| {
                        check.text(&event.subject);
                    });
                }
            });
            row.wrap("td", |td| {
                td.class("span", "state", |state| {
                    shape(state, shape_of(event.after));
                    state.text(event.after.word());
                });
            });
            row.wrap("td", |td| match (event.before, event.before_since) {
                (Some(before), Some(since)) => {
                    let lasted = u64::try_from(event.since.as_second() - since.as_second())
                        .unwrap_or_default();
                    td.text(&format!(
                        "{} for {}",
                        before.word(),
                        format::seconds(lasted)
                    ));
                }
                _ => {
                    td.text("–");
                }
            });
            long(row, &event.reasons.join("; "));
        });
    }
    html.fixed("</tbody></table></div></section>\n");
}

/// The word whose shape a status has.
fn shape_of(status: Status) -> &'static str {
    match status {
        Status::Online | Status::Ok => "online",
        Status::Degraded | Status::Warn => "degraded",
        Status::Offline | Status::Bad => "offline",
        Status::Error => "error",
    }
}

/// What there is of each kind, and what is still to be done.
pub(super) fn resources(html: &mut Html, report: &Report<'_>) {
    if report.picture.kinds.is_empty() {
        return;
    }
    html.fixed("<section aria-labelledby=\"resources\"><h2 id=\"resources\">Resources</h2><div class=\"card scroll\" role=\"region\" ");
    html.fixed("tabindex=\"0\" aria-labelledby=\"resources\"><table><thead><tr><th scope=\"col\">Kind</th>");
    html.fixed(
        "<th scope=\"col\" class=\"n\">Number</th><th scope=\"col\" class=\"n\">Failed</th>",
    );
    html.fixed("<th scope=\"col\" class=\"n\">Pending</th><th scope=\"col\" class=\"n\">To be removed</th></tr></thead><tbody>");
    for kind in &report.picture.kinds {
        html.wrap("tr", |row| {
            row.fixed("<th scope=\"row\">")
                .text(&kind.plural)
                .fixed("</th>");
            row.class("td", "n", |td| {
                td.text(&number(kind.resources));
            });
            for (value, class) in [
                (kind.to_do.failed, "n bad"),
                (kind.to_do.pending, "n warn"),
                (kind.to_do.removing, "n warn"),
            ] {
                some(row, value, class);
            }
        });
    }
    html.fixed("</tbody></table></div></section>\n");
}

/// A number that stands out unless it is nothing.
pub(super) fn some(row: &mut Html, value: u64, class: &'static str) {
    match value {
        0 => row.fixed("<td class=\"n none\">0</td>"),
        _ => row.class("td", class, |td| {
            td.text(&number(value));
        }),
    };
}

/// What was done last.
pub(super) fn tasks(html: &mut Html, report: &Report<'_>) {
    if report.tasks.is_empty() {
        return;
    }
    html.fixed("<section aria-labelledby=\"tasks\"><h2 id=\"tasks\">Last tasks</h2><div class=\"card scroll\" role=\"region\" ");
    html.fixed("tabindex=\"0\" aria-labelledby=\"tasks\"><table><thead><tr><th scope=\"col\" class=\"n\">Task</th><th scope=\"col\">Started</th>");
    html.fixed("<th scope=\"col\">Result</th><th scope=\"col\" class=\"n\">Took</th><th scope=\"col\">By</th><th scope=\"col\">Command</th></tr></thead><tbody>");
    for task in report.tasks {
        html.wrap("tr", |row| {
            row.fixed("<th scope=\"row\" class=\"n\">")
                .text(&task.id.to_string())
                .fixed("</th>");
            row.wrap("td", |td| {
                time(td, report, task.started_at);
            });
            let class = match task.is_well {
                Some(true) => "good",
                Some(false) => "bad",
                None => "warn",
            };
            row.class("td", class, |td| {
                td.text(task.result);
            });
            row.class("td", "n", |td| {
                td.text(&task.took.map(format::duration).unwrap_or_default());
            });
            row.say("td", &task.operator);
            row.class("td", "long", |td| {
                td.wrap("code", |code| {
                    // What is longer is a whole file in an argument.
                    let short: String = task.line.chars().take(300).collect();
                    code.text(&short);
                    if short.len() < task.line.len() {
                        code.text(" …");
                    }
                });
            });
        });
    }
    html.fixed("</tbody></table></div></section>\n");
}
