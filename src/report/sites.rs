//! How fast sites answer, and which certificates expire next.

use jiff::SignedDuration;

use super::Report;
use super::html::Html;
use super::past::{cell, days, key};
use super::plot::{Line, lines, round_up, shape, spark};
use super::top::{count, number};
use crate::model::{Answer, AnswerParts, Expiring};
use crate::ui::format;

/// Within so many days, a certificate needs attention, or does not seem to be renewed: as the checks' own limits unless
/// the inventory has others; by those the checks that are not well go.
const SOON: i64 = 21;
const LATE: i64 = 7;

const DAY: i64 = 86_400;

/// The answers of all sites over the last week, and the slowest ones.
pub(super) fn answers(html: &mut Html, report: &Report<'_>) {
    let now = &report.picture.answers;
    let spread = report.answers.spread();
    if now.sites == 0 && spread.iter().all(|(sites, ..)| *sites == 0) {
        return;
    }
    html.fixed(
        "<section aria-labelledby=\"answers\"><h2 id=\"answers\">How fast sites answer</h2>",
    );
    html.class("p", "muted", |p| match (now.median_ms, now.most_ms) {
        (Some(median), Some(most)) => {
            p.text(&format!(
                "Last, half of {} answered within {} ms, and 95 of 100 within {} ms.",
                count(now.sites, "site"),
                number(median),
                number(most)
            ));
        }
        _ => {
            p.fixed("No site answered when it was asked last.");
        }
    });
    html.class("div", "stack", |stack| {
        stack.class("figure", "card", |figure| {
            week(figure, report.answers, &spread);
        });
        if !now.slowest.is_empty() {
            slowest(stack, report, &now.slowest);
        }
    });
    html.fixed("</section>\n");
}

/// The times of all sites, part by part.
fn week(html: &mut Html, parts: &AnswerParts, spread: &[(u64, Option<u64>, Option<u64>)]) {
    html.fixed("<figcaption>The last week <span class=\"muted\">asked for on their servers, by three hours</span></figcaption>");
    let median: Vec<Option<u64>> = spread.iter().map(|(_, median, _)| *median).collect();
    let most: Vec<Option<u64>> = spread.iter().map(|(.., most)| *most).collect();
    let Some(highest) = most.iter().flatten().max().copied() else {
        html.fixed("<p class=\"muted\">No site answered in the last week.</p>");
        return;
    };
    let top = round_up(highest);
    let last = |values: &[Option<u64>]| values.iter().rev().flatten().next().copied();
    let last = |values| number(last(values).unwrap_or_default());
    html.class("div", "muted y", |y| {
        y.text(&format!("{} ms", number(top)));
    });
    let label = format!(
        "Time to answer by three hours, from 0 to {top} milliseconds: the median is {} last, and 95 of 100 sites \
         answer within {}; at most {highest}",
        last(&median),
        last(&most)
    );
    let drawn = [
        Line {
            class: "slow",
            values: &most,
        },
        Line {
            class: "median",
            values: &median,
        },
    ];
    lines(html, &drawn, top, &label);
    days(html, parts.from);
    key(html, &last(&median), &last(&most));
    by_day(html, parts, spread);
}

/// The same as numbers, a row for each day.
fn by_day(html: &mut Html, parts: &AnswerParts, spread: &[(u64, Option<u64>, Option<u64>)]) {
    html.fixed("<details><summary>The same as a table</summary><div class=\"scroll\" role=\"region\" tabindex=\"0\" ");
    html.fixed("aria-label=\"The answers of the last week, day by day\"><table><thead><tr><th scope=\"col\">From (UTC)</th>");
    html.fixed("<th scope=\"col\" class=\"n\">Sites</th><th scope=\"col\" class=\"n\">Median, at most</th>");
    html.fixed("<th scope=\"col\" class=\"n\">95 of 100 within</th></tr></thead><tbody>");
    let of_day = (spread.len() / 7).max(1);
    for (day, from) in spread.chunks(of_day).zip(0_i64..) {
        html.wrap("tr", |row| {
            let from = parts
                .from
                .checked_add(SignedDuration::from_hours(24 * from));
            row.fixed("<th scope=\"row\">");
            if let Ok(from) = from {
                row.text(&from.strftime("%Y-%m-%d %H:%M").to_string());
            }
            row.fixed("</th>");
            let sites = day.iter().map(|(sites, ..)| *sites).max();
            cell(row, &number(sites.unwrap_or_default()));
            cell(
                row,
                &ms(day.iter().filter_map(|(_, median, _)| *median).max()),
            );
            cell(row, &ms(day.iter().filter_map(|(.., most)| *most).max()));
        });
    }
    html.fixed("</tbody></table></div></details>");
}

/// The sites that take longest.
fn slowest(html: &mut Html, report: &Report<'_>, slowest: &[Answer]) {
    html.fixed("<div class=\"card scroll\" role=\"region\" tabindex=\"0\" aria-label=\"The slowest sites\"><table>");
    html.fixed("<caption>The slowest sites</caption><thead><tr><th scope=\"col\">Site</th><th scope=\"col\">Server</th>");
    html.fixed("<th scope=\"col\" class=\"n\">From here</th><th scope=\"col\" class=\"n\">On the server</th><th scope=\"col\">Last week</th></tr></thead><tbody>");
    for answer in slowest {
        html.wrap("tr", |row| {
            row.fixed("<th scope=\"row\" class=\"long\">")
                .text(&answer.resource.name)
                .fixed("</th>");
            row.say("td", answer.server.as_str());
            cell(row, &ms(answer.from_here_ms));
            cell(row, &ms(answer.on_server_ms));
            let key = (answer.server.clone(), answer.resource.clone());
            row.wrap("td", |td| match report.answers.answers.get(&key) {
                Some(week) => {
                    let most = week.iter().flatten().max().copied().unwrap_or_default();
                    let label = format!("at most {} ms by three hours", number(most));
                    spark(td, week, most, &label);
                }
                None => {
                    td.text("–");
                }
            });
        });
    }
    html.fixed("</tbody></table></div>");
}

fn ms(value: Option<u64>) -> String {
    value.map_or_else(|| "–".to_owned(), |ms| format!("{} ms", number(ms)))
}

/// The certificates that are the next to expire.
pub(super) fn certificates(html: &mut Html, report: &Report<'_>) {
    let expiries = &report.picture.expiries;
    if expiries.next.is_empty() {
        return;
    }
    html.fixed("<section aria-labelledby=\"certificates\"><h2 id=\"certificates\">Certificates that expire next</h2><div class=\"card scroll\" ");
    html.fixed("role=\"region\" tabindex=\"0\" aria-labelledby=\"certificates\"><table><thead><tr><th scope=\"col\">Site</th><th scope=\"col\">Server</th>");
    html.fixed("<th scope=\"col\">Expires</th><th scope=\"col\">On (UTC)</th></tr></thead><tbody>");
    for expiring in &expiries.next {
        row(html, report, expiring);
    }
    html.fixed("</tbody></table></div>");
    if let more @ 1.. = expiries.number - expiries.next.len() as u64 {
        html.class("p", "muted", |p| {
            p.text(&format!("And {} later.", count(more, "other")));
        });
    }
    html.fixed("</section>\n");
}

fn row(html: &mut Html, report: &Report<'_>, expiring: &Expiring) {
    let left = expiring.expires.as_second() - report.picture.at.as_second();
    let shaped = match left.div_euclid(DAY) {
        ..LATE => "offline",
        LATE..SOON => "degraded",
        _ => "online",
    };
    html.wrap("tr", |row| {
        row.fixed("<th scope=\"row\" class=\"long\">")
            .text(&expiring.resource.name)
            .fixed("</th>");
        row.say("td", expiring.server.as_str());
        row.wrap("td", |td| {
            td.class("span", "state", |state| {
                shape(state, shaped);
                state.text(if left < 0 { "expired " } else { "" });
                state.text(&format::age(expiring.expires, report.picture.at));
            });
        });
        row.wrap("td", |td| {
            td.element(
                "time",
                |time| {
                    time.any("datetime", &expiring.expires.to_string());
                },
                |time| {
                    time.text(&expiring.expires.strftime("%Y-%m-%d %H:%M").to_string());
                },
            );
        });
    });
}
