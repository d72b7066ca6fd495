//! The table of all servers, the worst first.

use jiff::Timestamp;

use super::Report;
use super::html::Html;
use super::plot::{bar, shape, strip};
use super::top::{number, reason};
use crate::model::Health;
use crate::model::health::ServerFacts;
use crate::picture::ServerPicture;
use crate::ui::format;

/// So many are shown at once; the others after a click.
const OPEN: usize = 60;
/// Hours that are one step of a server's week.
const STEP: usize = 3;

/// All servers.
pub(super) fn servers(html: &mut Html, report: &Report<'_>) {
    let worst = report.picture.worst_first();
    if worst.is_empty() {
        return;
    }
    html.fixed("<section aria-labelledby=\"servers\"><h2 id=\"servers\">Servers</h2>");
    let (open, rest) = worst.split_at(worst.len().min(OPEN));
    table(html, report, open, "Servers, the worst first");
    if !rest.is_empty() {
        html.wrap("details", |details| {
            details.wrap("summary", |summary| {
                summary.text(&format!(
                    "The other {}",
                    format::count(rest.len(), "server")
                ));
            });
            table(details, report, rest, "The other servers");
        });
    }
    html.fixed("</section>\n");
}

fn table(html: &mut Html, report: &Report<'_>, servers: &[&ServerPicture], label: &'static str) {
    html.element(
        "div",
        |div| {
            div.fixed("class", "card scroll")
                .fixed("role", "region")
                .fixed("tabindex", "0")
                .fixed("aria-label", label);
        },
        |div| {
            div.fixed("<table class=\"servers\"><thead><tr><th scope=\"col\">Server</th><th scope=\"col\">Health</th>");
            div.fixed("<th scope=\"col\">Last week</th><th scope=\"col\" class=\"n\">Up, 7 days</th><th scope=\"col\" class=\"n\">Up, 30 days</th><th scope=\"col\" class=\"wide\">Used</th><th scope=\"col\" class=\"n\">Units</th>");
            div.fixed("<th scope=\"col\" class=\"n\">To do</th><th scope=\"col\" class=\"n\">Drift</th><th scope=\"col\" class=\"n\">Answer</th>");
            div.fixed("<th scope=\"col\" class=\"n\">Load</th><th scope=\"col\" class=\"n\">Memory</th><th scope=\"col\" class=\"n\">Disk</th>");
            div.fixed("<th scope=\"col\">Region</th></tr></thead><tbody>\n");
            for server in servers {
                row(div, report, server);
            }
            div.fixed("</tbody></table>");
        },
    );
}

fn row(html: &mut Html, report: &Report<'_>, server: &ServerPicture) {
    html.wrap("tr", |row| {
        row.fixed("<th scope=\"row\">")
            .text(server.name.as_str())
            .fixed("</th>");
        health(row, server, report.picture.at);
        row.wrap("td", |td| match report.history.servers.get(&server.name) {
            Some(past) => {
                let week = past.worst_of(STEP);
                strip(td, &week, &in_words(&past.worst));
            }
            None => {
                td.text("–");
            }
        });
        let uptime = report
            .uptimes
            .get(&server.name)
            .copied()
            .unwrap_or_default();
        for share in [uptime.week, uptime.month] {
            row.class("td", "n", |td| {
                td.text(&share.words());
            });
        }
        row.class("td", "wide", |td| {
            bar(td, server.fullness());
            td.class("span", "share", |share| {
                share.text(&format::percent(server.load, server.capacity));
            });
        });
        row.class("td", "n", |td| {
            td.text(&format!(
                "{}/{}",
                number(server.load),
                number(server.capacity)
            ));
        });
        let to_do = server.to_do;
        let class = if to_do.failed > 0 { "n bad" } else { "n warn" };
        super::tables::some(row, to_do.failed + to_do.pending + to_do.removing, class);
        super::tables::some(row, server.drift.len() as u64, "n warn");
        for value in measured(report.facts.get(&server.name)) {
            row.class("td", "n", |td| {
                td.text(&value);
            });
        }
        row.say("td", server.region.as_deref().unwrap_or("–"));
    });
    html.end();
}

fn health(row: &mut Html, server: &ServerPicture, at: Timestamp) {
    row.wrap("td", |td| {
        td.class("span", "state", |state| {
            shape(state, server.word());
            state.text(server.word());
            let since = server
                .since
                .filter(|_| server.active && server.health != Some(Health::Online));
            if let Some(since) = since {
                let passed = at.as_second() - since.as_second();
                state
                    .text(" ")
                    .text(&format::seconds(u64::try_from(passed).unwrap_or_default()));
            }
        });
        if let Some(reason) = &server.cordoned {
            td.class("span", "tag", |tag| {
                tag.text("cordoned")
                    .text(if reason.is_empty() { "" } else { ": " })
                    .text(reason);
            });
        }
        if let Some(window) = &server.maintenance {
            td.class("span", "tag", |tag| {
                tag.text("maintenance ends ")
                    .text(&format::age(window.until, at));
            });
        }
        if server.needs_attention() && server.health != Some(Health::Online) {
            td.class("div", "muted why", |why| {
                // Its state stands above.
                why.text(&match server.reasons.as_slice() {
                    [] => reason(server),
                    reasons => reasons.join("; "),
                });
            });
        }
    });
}

/// Time to the first answer, load, memory and disk as they were when it was last reached.
fn measured(facts: Option<&ServerFacts>) -> [String; 4] {
    let Some(facts) = facts else {
        return ["–", "–", "–", "–"].map(str::to_owned);
    };
    let used = facts.memory_total.saturating_sub(facts.memory_available);
    let disks = facts.disks.iter();
    let fullest = disks
        .map(|disk| disk.percent().max(disk.inode_percent()))
        .max();
    let [_, load, _] = facts.load;
    [
        format!("{} ms", number(facts.connect_ms)),
        format!("{load:.2}"),
        format::percent(used, facts.memory_total),
        fullest.map_or_else(|| "–".to_owned(), |percent| format!("{percent}%")),
    ]
}

/// What a strip shows.
fn in_words(worst: &[Option<Health>]) -> String {
    let hours = |wanted: Option<Health>| worst.iter().filter(|health| **health == wanted).count();
    let seen = worst.len() - hours(None);
    if seen == 0 {
        return "nobody looked".to_owned();
    }
    let mut words = Vec::new();
    for health in [Health::Offline, Health::Error, Health::Degraded] {
        if let some @ 1.. = hours(Some(health)) {
            words.push(format!("{} {}", format::count(some, "hour"), health.word()));
        }
    }
    if words.is_empty() {
        return format!(
            "online in all {} that somebody looked",
            format::count(seen, "hour")
        );
    }
    words.join(", ")
}
