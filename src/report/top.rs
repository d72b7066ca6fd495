//! The head of the page: what it comes to in one sentence, the numbers, and who needs attention.

use std::cmp::Reverse;

use super::Report;
use super::html::Html;
use super::plot::{bar, shape};
use crate::model::ServerName;
use crate::picture::{Picture, ServerPicture};
use crate::ui::format;

/// Groups of servers with the same reasons that are told.
const TOLD: usize = 12;
/// Servers that are named with a reason.
const NAMED: usize = 8;

/// A number as text; more than there can be becomes the most there can be.
pub(super) fn number(number: u64) -> String {
    format::thousands(usize::try_from(number).unwrap_or(usize::MAX))
}

/// `1 server`, `3 servers`.
pub(super) fn count(number: u64, noun: &str) -> String {
    format::count(usize::try_from(number).unwrap_or(usize::MAX), noun)
}

/// What it comes to.
pub(super) fn sentence(picture: &Picture) -> String {
    let summary = picture.summary();
    let looked_at = summary.servers - summary.number("inactive");
    let unwell = looked_at - summary.number("online");
    match (looked_at, unwell) {
        (0, _) => "No servers yet".to_owned(),
        (1, 0) => "The server is online".to_owned(),
        (all, 0) => format!("All {} servers are online", number(all)),
        (all, some) if some == all && summary.number("unknown") == all => {
            format!("{} not looked at yet", count(all, "server"))
        }
        (all, some) => format!(
            "{} of {} are not online",
            number(some),
            count(all, "server")
        ),
    }
}

/// The title, and of when all this is.
pub(super) fn header(html: &mut Html, report: &Report<'_>) {
    let picture = report.picture;
    let summary = picture.summary();
    let worst = picture.worst_first();
    let worst = worst.first().map_or("unknown", |server| server.word());
    html.class("header", "top", |header| {
        header.wrap("h1", |title| {
            shape(title, worst);
            title.text(&sentence(picture));
        });
        header.class("p", "muted", |p| {
            p.text("Fleet on ").element(
                "time",
                |time| {
                    time.any("datetime", &picture.at.to_string());
                },
                |time| {
                    time.text(&picture.at.strftime("%Y-%m-%d %H:%M UTC").to_string());
                },
            );
            match (summary.newest_look, summary.oldest_look) {
                (Some(newest), Some(oldest)) => {
                    let newest = format::age(newest, picture.at);
                    let oldest = format::age(oldest, picture.at);
                    p.text(&format!(", as seen {newest}"));
                    if newest != oldest {
                        p.text(&format!("; the oldest look was {oldest}"));
                    }
                }
                _ => {
                    p.text(", before the first look at a server");
                }
            }
        });
    });
    html.end();
}

/// The numbers that are asked for first.
pub(super) fn numbers(html: &mut Html, report: &Report<'_>) {
    let picture = report.picture;
    let summary = picture.summary();
    let resources: u64 = picture.kinds.iter().map(|kind| kind.resources).sum();
    html.fixed(
        "<section aria-labelledby=\"numbers\"><h2 id=\"numbers\" class=\"hidden\">In numbers</h2>",
    );
    html.class("dl", "numbers", |dl| {
        entry(dl, "Servers", &number(summary.servers), |more| {
            for (word, number) in summary.states() {
                more.class("span", "state", |state| {
                    shape(state, word);
                    state.text(&format!("{number} {word}"));
                });
            }
        });
        let used = format::percent(summary.load, summary.capacity);
        entry(dl, "Capacity in use", &used, |more| {
            let thousandths = summary.load.saturating_mul(1000);
            bar(
                more,
                thousandths
                    .checked_div(summary.capacity)
                    .unwrap_or_default(),
            );
            more.text(&format!(
                "{} of {} units",
                number(summary.load),
                number(summary.capacity)
            ));
        });
        entry(dl, "Resources", &number(resources), |more| {
            more.text(&count(summary.placements, "placement"));
        });
        let to_do = summary.to_do.pending + summary.to_do.failed + summary.to_do.removing;
        entry(dl, "Still to be done", &number(to_do), |more| {
            let words: Vec<String> = summary
                .to_do
                .words()
                .map(|(some, word)| format!("{} {word}", number(some)))
                .collect();
            more.text(if words.is_empty() {
                "nothing waits"
            } else {
                ""
            })
            .text(&words.join(", "));
        });
        entry(dl, "Drifted", &number(summary.drift), |more| {
            more.text(
                match picture
                    .servers
                    .iter()
                    .filter_map(|server| server.compared_at)
                    .min()
                {
                    None => "no plan was made yet",
                    Some(_) if summary.drift == 0 => "as the last plans saw it",
                    Some(_) => "items changed by others",
                },
            );
        });
    });
    html.fixed("</section>\n");
}

fn entry(dl: &mut Html, term: &'static str, value: &str, more: impl FnOnce(&mut Html)) {
    dl.wrap("div", |entry| {
        entry.wrap("dt", |dt| {
            dt.fixed(term);
        });
        entry.class("dd", "number", |dd| {
            dd.text(value);
        });
        entry.class("dd", "muted", more);
    });
}

/// What is wrong, with the servers for which the same is: the worst first.
pub(super) fn attention(html: &mut Html, report: &Report<'_>) {
    let worst = report.picture.worst_first();
    let mut told: Vec<(String, Vec<&ServerPicture>)> = Vec::new();
    for server in worst.iter().filter(|server| server.needs_attention()) {
        let reason = reason(server);
        match told.iter().position(|(same, _)| *same == reason) {
            Some(at) => told[at].1.push(server),
            None => told.push((reason, vec![server])),
        }
    }
    if told.is_empty() && report.picture.strays.is_empty() {
        return;
    }
    // What concerns more comes first among what is equally bad; the sort is stable.
    told.sort_by_key(|(_, servers)| (rank(servers), Reverse(servers.len())));
    html.fixed("<section aria-labelledby=\"attention\"><h2 id=\"attention\">Needs attention</h2>");
    html.class("ul", "attention", |list| {
        for (reason, servers) in told.iter().take(TOLD) {
            list.wrap("li", |item| {
                shape(item, servers[0].word());
                item.wrap("div", |text| {
                    text.class("div", "names", |names| {
                        for (index, server) in servers.iter().take(NAMED).enumerate() {
                            names.text(if index > 0 { ", " } else { "" });
                            names.say("b", server.name.as_str());
                        }
                        if let more @ 1.. = servers.len().saturating_sub(NAMED) {
                            names.text(&format!(" and {} more", format::thousands(more)));
                        }
                    });
                    text.class("div", "muted", |why| {
                        why.text(reason);
                    });
                });
            });
        }
        if let [_, ..] = report.picture.strays.as_slice() {
            list.wrap("li", |item| {
                shape(item, "unknown");
                item.wrap("div", |text| {
                    text.class("div", "names", |names| {
                        let strays = report.picture.strays.iter().take(NAMED);
                        let strays: Vec<&str> = strays.map(ServerName::as_str).collect();
                        names.say("b", &strays.join(", "));
                    });
                    text.fixed("<div class=\"muted\">not in the inventory, and resources are placed there</div>");
                });
            });
        }
    });
    if let more @ 1.. = told.len().saturating_sub(TOLD) {
        html.class("p", "muted", |p| {
            p.text(&format!(
                "And {}; the table of all servers has them.",
                format::count(more, "other reason")
            ));
        });
    }
    html.fixed("</section>\n");
}

fn rank(servers: &[&ServerPicture]) -> u8 {
    match servers[0].word() {
        "offline" | "error" => 0,
        _ if servers[0].to_do.failed > 0 => 1,
        "degraded" => 2,
        _ => 3,
    }
}

/// All that is wrong with a server.
pub(super) fn reason(server: &ServerPicture) -> String {
    let mut reasons: Vec<String> = Vec::new();
    match server.word() {
        "unknown" => reasons.push("nobody has looked at it yet".to_owned()),
        word if word != "online" => {
            let why = server.reasons.join("; ");
            reasons.push(if why.is_empty() {
                word.to_owned()
            } else {
                format!("{word}: {why}")
            });
        }
        _ => {}
    }
    if server.to_do.failed > 0 {
        reasons.push("the last apply failed for some of its resources".to_owned());
    }
    if server.is_full() {
        reasons.push("it is full".to_owned());
    }
    if !server.drift.is_empty() {
        reasons.push("somebody changed what fleet had made".to_owned());
    }
    reasons.join("; ")
}

/// What made the page.
pub(super) fn footer(html: &mut Html, report: &Report<'_>) {
    html.class("footer", "muted", |footer| {
        footer.wrap("p", |p| {
            p.text(&format!(
                "Made by fleet {} from what it has on record; no server was asked for it. This page loads nothing.",
                report.version
            ));
        });
    });
    html.end();
}
