//! The last week: which servers were not online, and how fast they answered.

use jiff::{SignedDuration, Timestamp};

use super::Report;
use super::html::Html;
use super::plot::{Line, columns, lines, round_up, shape};
use super::top::{count, number};
use crate::picture::{HOURS, History, Hour};

const DAYS: usize = 7;

/// How many servers were in a state in an hour.
type Count = fn(&Hour) -> u64;

/// The plots of the last week, with what they show as a table.
pub(super) fn past(html: &mut Html, report: &Report<'_>) {
    let hours = report.history.hours();
    html.fixed("<section aria-labelledby=\"past\"><h2 id=\"past\">The last week</h2>");
    if hours.iter().all(|hour| hour.known == 0) {
        html.fixed(
            "<p class=\"muted\">Nobody has looked at a server in the last week.</p></section>\n",
        );
        return;
    }
    html.class("div", "columns two", |plots| {
        plots.class("figure", "card", |figure| {
            unwell(figure, report.history, &hours);
        });
        plots.class("figure", "card", |figure| {
            answers(figure, report.history, &hours);
        });
    });
    by_day(html, report.history, &hours);
    html.fixed("</section>\n");
}

/// How many servers were not online, a row for each state.
fn unwell(html: &mut Html, history: &History, hours: &[Hour]) {
    html.fixed("<figcaption>Servers that were not online <span class=\"muted\">by the hour</span></figcaption>");
    let states: [(&'static str, Count); 3] = [
        ("offline", |hour| hour.offline),
        ("error", |hour| hour.error),
        ("degraded", |hour| hour.degraded),
    ];
    let most = |number: Count| hours.iter().map(number).max().unwrap_or_default();
    let top = states
        .iter()
        .map(|(_, number)| most(*number))
        .max()
        .unwrap_or_default();
    if top == 0 {
        html.fixed("<p class=\"well\">");
        shape(html, "online");
        html.fixed("Every look found every server online.</p>");
        return;
    }
    for (word, value) in states {
        let highest = most(value);
        if highest == 0 {
            continue;
        }
        html.class("div", "band", |band| {
            band.class("div", "state", |state| {
                shape(state, word);
                state.text(&format!("{word}, at most {}", number(highest)));
            });
            let values: Vec<u64> = hours.iter().map(value).collect();
            let some = values.iter().filter(|value| **value > 0).count();
            let label = format!(
                "Servers {word} by the hour: at most {highest}, some in {}",
                count(some as u64, "hour")
            );
            columns(band, &values, top, word, &label);
        });
    }
    days(html, history.from);
}

/// How long servers took to their first answer.
fn answers(html: &mut Html, history: &History, hours: &[Hour]) {
    html.fixed("<figcaption>Time to the first answer <span class=\"muted\">connecting and logging in, by the hour</span></figcaption>");
    let median: Vec<Option<u64>> = hours.iter().map(|hour| hour.answered_within(50)).collect();
    let slow: Vec<Option<u64>> = hours.iter().map(|hour| hour.answered_within(95)).collect();
    let Some(highest) = slow.iter().flatten().max().copied() else {
        html.fixed("<p class=\"muted\">No server answered.</p>");
        return;
    };
    let top = round_up(highest);
    let last = |values: &[Option<u64>]| {
        values
            .iter()
            .rev()
            .flatten()
            .next()
            .copied()
            .unwrap_or_default()
    };
    html.class("div", "muted y", |y| {
        y.text(&format!("{} ms", number(top)));
    });
    let label = format!(
        "Time to the first answer by the hour, from 0 to {top} milliseconds: the median is {} last, and 95 of 100 servers \
         answer within {}; at most {highest}",
        last(&median),
        last(&slow)
    );
    let drawn = [
        Line {
            class: "slow",
            values: &slow,
        },
        Line {
            class: "median",
            values: &median,
        },
    ];
    lines(html, &drawn, top, &label);
    days(html, history.from);
    key(html, &number(last(&median)), &number(last(&slow)));
}

/// What the two lines of a plot of times mean, with the last value of each.
pub(super) fn key(html: &mut Html, median: &str, slow: &str) {
    html.fixed("<ul class=\"legend\"><li><svg class=\"key\" viewBox=\"0 0 24 8\" aria-hidden=\"true\"><path class=\"median\" d=\"M0 4h24\"/></svg>");
    html.text(&format!("median, {median} ms last"));
    html.fixed("</li><li><svg class=\"key\" viewBox=\"0 0 24 8\" aria-hidden=\"true\"><path class=\"slow\" d=\"M0 4h24\"/></svg>");
    html.text(&format!("95 of 100 within, {slow} ms last"));
    html.fixed("</li></ul>");
}

/// The days below a plot.
pub(super) fn days(html: &mut Html, from: Timestamp) {
    html.fixed("<div class=\"days\" aria-hidden=\"true\">");
    for day in (0_i64..).take(DAYS) {
        html.wrap("span", |span| {
            if let Ok(at) = from.checked_add(SignedDuration::from_hours(24 * day)) {
                span.text(&at.strftime("%b %-d").to_string());
            }
        });
    }
    html.fixed("</div>");
}

/// The same as numbers, a row for each day.
fn by_day(html: &mut Html, history: &History, hours: &[Hour]) {
    html.fixed("<details><summary>The same as a table</summary><div class=\"scroll\" role=\"region\" tabindex=\"0\" ");
    html.fixed("aria-label=\"The last week, day by day\"><table><thead><tr><th scope=\"col\">From (UTC)</th>");
    html.fixed("<th scope=\"col\" class=\"n\">Servers looked at</th><th scope=\"col\" class=\"n\">Offline, at most</th>");
    html.fixed("<th scope=\"col\" class=\"n\">Error, at most</th><th scope=\"col\" class=\"n\">Degraded, at most</th>");
    html.fixed("<th scope=\"col\" class=\"n\">Median answer</th><th scope=\"col\" class=\"n\">95 of 100 within</th></tr></thead><tbody>");
    for (index, day) in hours.chunks(HOURS / DAYS).enumerate() {
        html.wrap("tr", |row| {
            let from = history.at(index * HOURS / DAYS);
            row.fixed("<th scope=\"row\">");
            row.text(&from.strftime("%Y-%m-%d %H:%M").to_string())
                .fixed("</th>");
            let most = |value: Count| number(day.iter().map(value).max().unwrap_or_default());
            for value in [
                most(|h| h.known),
                most(|h| h.offline),
                most(|h| h.error),
                most(|h| h.degraded),
            ] {
                cell(row, &value);
            }
            for percent in [50, 95] {
                let most = day
                    .iter()
                    .filter_map(|hour| hour.answered_within(percent))
                    .max();
                cell(
                    row,
                    &most.map_or_else(|| "–".to_owned(), |ms| format!("{} ms", number(ms))),
                );
            }
        });
    }
    html.fixed("</tbody></table></div></details>");
}

/// A cell with a number.
pub(super) fn cell(row: &mut Html, value: &str) {
    row.class("td", "n", |td| {
        td.text(value);
    });
}
