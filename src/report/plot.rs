//! The shapes and plots of the page, as SVG that takes the width there is: words and numbers stand beside them as text.

use std::fmt::Write as _;

use super::html::Html;
use crate::model::Health;

/// The shape of a state.
pub(super) fn shape(html: &mut Html, word: &str) {
    html.fixed(match word {
        "online" => "<svg class=\"s online\" aria-hidden=\"true\"><use href=\"#s-online\"/></svg>",
        "degraded" => {
            "<svg class=\"s degraded\" aria-hidden=\"true\"><use href=\"#s-degraded\"/></svg>"
        }
        "offline" => {
            "<svg class=\"s offline\" aria-hidden=\"true\"><use href=\"#s-offline\"/></svg>"
        }
        "error" => "<svg class=\"s error\" aria-hidden=\"true\"><use href=\"#s-error\"/></svg>",
        "inactive" => {
            "<svg class=\"s inactive\" aria-hidden=\"true\"><use href=\"#s-inactive\"/></svg>"
        }
        _ => "<svg class=\"s unknown\" aria-hidden=\"true\"><use href=\"#s-unknown\"/></svg>",
    });
}

/// A share of a whole, in thousandths; what is written beside it says the same.
pub(super) fn bar(html: &mut Html, thousandths: u64) {
    let class = match thousandths {
        1000.. => "bar full",
        850.. => "bar high",
        _ => "bar",
    };
    let width = i64::try_from(thousandths.min(1000)).unwrap_or(1000);
    html.element(
        "svg",
        |svg| {
            svg.fixed("class", class)
                .fixed("viewBox", "0 0 1000 10")
                .fixed("preserveAspectRatio", "none")
                .fixed("aria-hidden", "true");
        },
        |svg| {
            svg.element(
                "rect",
                |rect| {
                    rect.number("width", width).fixed("height", "10");
                },
                |_| {},
            );
        },
    );
}

/// Equal neighbours taken together: where each run begins, where it ends, and what it is of.
pub(super) fn runs<T: PartialEq + Copy>(values: &[T]) -> Vec<(usize, usize, T)> {
    let mut runs: Vec<(usize, usize, T)> = Vec::new();
    for (at, value) in values.iter().enumerate() {
        match runs.last_mut() {
            Some((_, end, same)) if same == value => *end = at + 1,
            _ => runs.push((at, at + 1, *value)),
        }
    }
    runs
}

/// A server's week: the worse, the higher and the more coloured. `label` says it in words.
pub(super) fn strip(html: &mut Html, worst: &[Option<Health>], label: &str) {
    html.element(
        "svg",
        |svg| {
            svg.fixed("class", "strip")
                .any("viewBox", &format!("0 0 {} 12", worst.len()))
                .fixed("preserveAspectRatio", "none")
                .fixed("role", "img")
                .any("aria-label", label);
        },
        |svg| {
            for health in [
                Health::Online,
                Health::Degraded,
                Health::Offline,
                Health::Error,
            ] {
                let (class, top) = match health {
                    Health::Online => ("online", 8),
                    Health::Degraded => ("degraded", 4),
                    Health::Offline => ("offline", 0),
                    Health::Error => ("error", 0),
                };
                let mut path = String::new();
                for (from, to, of) in runs(worst) {
                    if of == Some(health) {
                        let _ = write!(path, "M{from} {top}H{to}V12H{from}z");
                    }
                }
                draw(svg, class, &path);
            }
        },
    );
}

/// A small plot of a week of `values` from 0 to `top`, for a cell of a table; nothing where there is none. `label` says it
/// in words.
pub(super) fn spark(html: &mut Html, values: &[Option<u64>], top: u64, label: &str) {
    let top = top.max(1);
    html.element(
        "svg",
        |svg| {
            svg.fixed("class", "strip")
                .any("viewBox", &format!("0 0 {} 12", values.len()))
                .fixed("preserveAspectRatio", "none")
                .fixed("role", "img")
                .any("aria-label", label);
        },
        |svg| {
            let mut path = String::new();
            for (from, to, value) in runs(values) {
                if let Some(value) = value {
                    // What is there is seen, however little it is.
                    let height = (value.min(top) * 12 / top).max(1);
                    let _ = write!(path, "M{from} 12V{}H{to}V12z", 12 - height);
                }
            }
            draw(svg, "took", &path);
        },
    );
}

fn draw(svg: &mut Html, class: &'static str, path: &str) {
    if !path.is_empty() {
        svg.element(
            "path",
            |attributes| {
                attributes.fixed("class", class).any("d", path);
            },
            |_| {},
        );
    }
}

/// Columns of `values`, the highest `top`.
pub(super) fn columns(html: &mut Html, values: &[u64], top: u64, class: &'static str, label: &str) {
    let top = top.max(1);
    let mut path = String::new();
    for (from, to, value) in runs(values) {
        if value > 0 {
            // What is there is seen, however little it is.
            let height = (value.min(top) * 100 / top).max(4);
            let _ = write!(path, "M{from} 100V{}H{to}V100z", 100 - height);
        }
    }
    plane(html, values.len(), label, |svg| draw(svg, class, &path));
}

/// A line of a plot.
pub(super) struct Line<'v> {
    /// How it is drawn.
    pub(super) class: &'static str,
    /// Its points; nothing where it is broken.
    pub(super) values: &'v [Option<u64>],
}

/// Lines from 0 to `top`.
pub(super) fn lines(html: &mut Html, lines: &[Line<'_>], top: u64, label: &str) {
    let width = lines.first().map_or(1, |line| line.values.len());
    let top = top.max(1);
    plane(html, width, label, |svg| {
        for line in lines {
            let mut path = String::new();
            let mut is_drawing = false;
            for (at, value) in line.values.iter().enumerate() {
                let Some(value) = value else {
                    is_drawing = false;
                    continue;
                };
                let y = 100 - value.min(&top) * 100 / top;
                let alone = !is_drawing && line.values.get(at + 1).is_none_or(Option::is_none);
                let word = if is_drawing { 'L' } else { 'M' };
                let _ = write!(path, "{word}{at} {y}");
                if alone {
                    // A single point has no length of its own.
                    path.push_str("h.6");
                }
                is_drawing = true;
            }
            draw(svg, line.class, &path);
        }
    });
}

/// The plane of a plot over a week, with a thin line at the beginning of each day.
fn plane(html: &mut Html, width: usize, label: &str, inside: impl FnOnce(&mut Html)) {
    html.element(
        "svg",
        |svg| {
            svg.fixed("class", "plane")
                .any("viewBox", &format!("0 0 {width} 100"))
                .fixed("preserveAspectRatio", "none")
                .fixed("role", "img")
                .any("aria-label", label);
        },
        |svg| {
            let mut path = String::new();
            for at in (0..=width).step_by((width / 7).max(1)) {
                let _ = write!(path, "M{at} 0V100");
            }
            draw(svg, "grid", &path);
            inside(svg);
        },
    );
}

/// A number a little above `value` that is easy to read: 1, 2 or 5 times a power of ten.
pub(super) fn round_up(value: u64) -> u64 {
    let mut power: u64 = 1;
    loop {
        for step in [1, 2, 5] {
            if power.saturating_mul(step) >= value {
                return power.saturating_mul(step);
            }
        }
        power = power.saturating_mul(10);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_neighbours_are_one_run() {
        assert_eq!(runs(&[1, 1, 2, 1]), [(0, 2, 1), (2, 3, 2), (3, 4, 1)]);
        assert_eq!(runs::<u8>(&[]), []);
    }

    #[test]
    fn tops_are_easy_numbers() {
        for (value, top) in [
            (0, 1),
            (1, 1),
            (3, 5),
            (11, 20),
            (199, 200),
            (u64::MAX, u64::MAX),
        ] {
            assert_eq!(round_up(value), top, "{value}");
        }
    }

    #[test]
    fn what_is_little_is_seen_and_points_stand_alone() {
        let mut html = Html::new();
        columns(&mut html, &[0, 1, 1000], 1000, "offline", "label");
        let drawn = html.finish();
        assert!(drawn.contains("M1 100V96H2V100zM2 100V0H3V100z"), "{drawn}");
        let mut html = Html::new();
        let values = [Some(50), None, Some(0), Some(100)];
        let line = Line {
            class: "median",
            values: &values,
        };
        lines(&mut html, &[line], 100, "label");
        let drawn = html.finish();
        assert!(drawn.contains("\"M0 50h.6M2 100L3 0\""), "{drawn}");
    }

    #[test]
    fn a_strip_is_higher_where_it_was_worse() {
        let mut html = Html::new();
        let week = [
            None,
            Some(Health::Online),
            Some(Health::Online),
            Some(Health::Offline),
        ];
        strip(&mut html, &week, "a week");
        let drawn = html.finish();
        assert!(
            drawn.contains("class=\"online\" d=\"M1 8H3V12H1z\""),
            "{drawn}"
        );
        assert!(
            drawn.contains("class=\"offline\" d=\"M3 0H4V12H3z\""),
            "{drawn}"
        );
    }
}
