//! The map of the fleet, region by region, and how much room is left.

use std::fmt::Write as _;

use super::Report;
use super::html::Html;
use super::plot::{bar, shape};
use super::top::{count, number};
use crate::picture::{Group, ServerPicture};
use crate::ui::format;

/// With more servers, each is a cell without its name.
const WITH_NAMES: usize = 72;
/// Cells of a row, and the size of one.
const ROW: usize = 20;
const CELL: usize = 16;
/// Servers that are shown by themselves as the fullest.
const FULLEST: usize = 10;
/// Steps of the distribution.
const STEPS: usize = 10;

/// The name of a region, or of what stands in its place.
fn name(group: &Group<'_>, others: bool) -> String {
    let nameless = if others {
        "without a region"
    } else {
        "all servers"
    };
    group.region.unwrap_or(nameless).to_owned()
}

/// The servers by region.
pub(super) fn map(html: &mut Html, report: &Report<'_>) {
    let regions = report.picture.regions();
    if regions.is_empty() {
        return;
    }
    let with_names = report.picture.servers.len() <= WITH_NAMES;
    html.fixed("<section aria-labelledby=\"map\"><h2 id=\"map\">Map</h2>");
    legend(html, report);
    html.class("div", "regions", |all| {
        for group in &regions {
            all.class("section", "card region", |region| {
                region.say("h3", &name(group, regions.len() > 1));
                region.class("p", "muted", |p| {
                    p.text(&count(group.summary.servers, "server"))
                        .text(": ")
                        .text(&group.summary.health_words());
                    p.text(&format!(
                        "; {} full",
                        format::percent(group.summary.load, group.summary.capacity)
                    ));
                });
                if with_names {
                    tiles(region, group);
                } else {
                    cells(region, group);
                }
            });
        }
    });
    html.fixed("</section>\n");
}

fn legend(html: &mut Html, report: &Report<'_>) {
    html.fixed("<ul class=\"legend\" aria-label=\"What the shapes mean\">");
    for (word, _) in report.picture.summary().states() {
        html.wrap("li", |item| {
            shape(item, word);
            item.text(word);
        });
    }
    html.fixed("</ul>");
}

/// Each server with its name and how full it is.
fn tiles(html: &mut Html, group: &Group<'_>) {
    html.class("ul", "tiles", |list| {
        for server in &group.servers {
            list.wrap("li", |tile| {
                shape(tile, server.word());
                tile.class("span", "name", |name| {
                    name.text(server.name.as_str());
                });
                tile.class("span", "hidden", |word| {
                    word.text(server.word());
                });
                tile.class("span", "share", |share| {
                    share.text(&format::percent(server.load, server.capacity));
                });
                bar(tile, server.fullness());
            });
        }
    });
}

/// Each server as a cell: its state is the shape and colour, how full it is the height. The table has them by name.
fn cells(html: &mut Html, group: &Group<'_>) {
    let rows = group.servers.len().div_ceil(ROW);
    let label = format!(
        "A cell for each of {}: {}",
        count(group.summary.servers, "server"),
        group.summary.health_words()
    );
    html.element(
        "svg",
        |svg| {
            svg.fixed("class", "cells")
                .any("viewBox", &format!("0 0 {} {}", ROW * CELL, rows * CELL))
                .fixed("role", "img")
                .any("aria-label", &label);
        },
        |svg| {
            for (index, server) in group.servers.iter().enumerate() {
                cell(svg, server, index % ROW * CELL, index / ROW * CELL);
            }
        },
    );
}

fn cell(svg: &mut Html, server: &ServerPicture, x: usize, y: usize) {
    let word = server.word();
    let class = match word {
        "online" => "online",
        "degraded" => "degraded",
        "offline" => "offline",
        "error" => "error",
        "inactive" => "inactive",
        _ => "unknown",
    };
    svg.element(
        "g",
        |g| {
            g.fixed("class", class);
        },
        |g| {
            g.wrap("title", |title| {
                let share = format::percent(server.load, server.capacity);
                title
                    .text(server.name.as_str())
                    .text(&format!(": {word}, {share} full"));
            });
            let mut path = String::new();
            let side = CELL - 2;
            let _ = write!(path, "M{x} {y}h{side}v{side}h-{side}z");
            outline(g, "room", &path);
            let full = usize::try_from(server.fullness().min(1000)).unwrap_or(1000);
            let height = (full * side).div_ceil(1000);
            path.clear();
            let _ = write!(path, "M{x} {}h{side}v{height}h-{side}z", y + side - height);
            outline(g, "load", &path);
            // The form tells what the colour tells.
            path.clear();
            match word {
                "offline" => {
                    let _ = write!(path, "M{} {}l8 8m0-8l-8 8", x + 3, y + 3);
                }
                "error" => {
                    let _ = write!(path, "M{} {}l5 5-5 5-5-5z", x + 7, y + 2);
                }
                "degraded" => {
                    let _ = write!(path, "M{} {}l5 9h-10z", x + 7, y + 2);
                }
                _ => {}
            }
            outline(g, "mark", &path);
        },
    );
}

fn outline(g: &mut Html, class: &'static str, path: &str) {
    if !path.is_empty() {
        g.element(
            "path",
            |attributes| {
                attributes.fixed("class", class).any("d", path);
            },
            |_| {},
        );
    }
}

/// How full the regions are, how the load is spread, and which servers are the fullest.
pub(super) fn capacity(html: &mut Html, report: &Report<'_>) {
    let regions = report.picture.regions();
    if regions.is_empty() {
        return;
    }
    html.fixed("<section aria-labelledby=\"capacity\"><h2 id=\"capacity\">Capacity</h2><div class=\"columns\">");
    html.class("div", "card", |card| {
        card.fixed("<table><caption>By region</caption><thead><tr><th scope=\"col\">Region</th><th scope=\"col\">Used</th>");
        card.fixed("<th scope=\"col\" class=\"wide\"><span class=\"hidden\">As a bar</span></th>");
        card.fixed("<th scope=\"col\" class=\"n\">Free units</th></tr></thead><tbody>");
        for group in &regions {
            let (load, capacity) = (group.summary.load, group.summary.capacity);
            row(card, &name(group, regions.len() > 1), load, capacity);
        }
        card.fixed("</tbody></table>");
    });
    let mut active: Vec<&ServerPicture> = report
        .picture
        .servers
        .iter()
        .filter(|server| server.active)
        .collect();
    html.class("div", "card", |card| {
        spread(card, &active);
    });
    active.sort_by_key(|server| (std::cmp::Reverse(server.fullness()), &server.name));
    html.class("div", "card", |card| {
        card.fixed("<table><caption>The fullest servers</caption><thead><tr><th scope=\"col\">Server</th><th scope=\"col\">Used</th>");
        card.fixed("<th scope=\"col\" class=\"wide\"><span class=\"hidden\">As a bar</span></th>");
        card.fixed("<th scope=\"col\" class=\"n\">Free units</th></tr></thead><tbody>");
        for server in active.iter().take(FULLEST) {
            row(card, server.name.as_str(), server.load, server.capacity);
        }
        card.fixed("</tbody></table>");
    });
    html.fixed("</div></section>\n");
}

fn row(table: &mut Html, name: &str, load: u64, capacity: u64) {
    table.wrap("tr", |row| {
        row.element(
            "th",
            |th| {
                th.fixed("scope", "row");
            },
            |th| {
                th.text(name);
            },
        );
        row.class("td", "n", |td| {
            td.text(&format::percent(load, capacity));
        });
        row.class("td", "wide", |td| {
            bar(
                td,
                load.saturating_mul(1000)
                    .checked_div(capacity)
                    .unwrap_or_default(),
            );
        });
        row.class("td", "n", |td| {
            td.text(&number(capacity.saturating_sub(load)));
        });
    });
}

/// How many servers are how full.
fn spread(html: &mut Html, servers: &[&ServerPicture]) {
    let mut steps = [0_u64; STEPS + 1];
    for server in servers {
        let step = usize::try_from(server.fullness() / 100)
            .unwrap_or(STEPS)
            .min(STEPS);
        steps[step] += 1;
    }
    let most = steps.iter().copied().max().unwrap_or_default().max(1);
    html.fixed("<table class=\"spread\"><caption>How the load is spread</caption><thead><tr><th scope=\"col\">Full</th>");
    html.fixed("<th scope=\"col\" class=\"wide\"><span class=\"hidden\">As a bar</span></th><th scope=\"col\" class=\"n\">Servers</th>");
    html.fixed("</tr></thead><tbody>");
    for (index, servers) in steps.into_iter().enumerate() {
        html.wrap("tr", |row| {
            row.element(
                "th",
                |th| {
                    th.fixed("scope", "row");
                },
                |th| {
                    th.text(&match index {
                        STEPS => "100 % and more".to_owned(),
                        _ => format!("{}–{} %", index * 10, index * 10 + 10),
                    });
                },
            );
            row.class("td", "wide", |td| {
                bar(td, (servers * 840).div_ceil(most));
            });
            row.class("td", "n", |td| {
                td.text(&number(servers));
            });
        });
    }
    html.fixed("</tbody></table>");
}
