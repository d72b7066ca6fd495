//! The text format of Prometheus (<https://prometheus.io/docs/instrumenting/exposition_formats/>, version 0.0.4). Pure.

use std::collections::BTreeSet;
use std::fmt::Write as _;

/// A text under construction. All values of one metric stand together, under its help and its type.
#[derive(Debug, Default)]
pub(super) struct Exposition {
    text: String,
    begun: BTreeSet<&'static str>,
    current: &'static str,
}

impl Exposition {
    /// An empty text.
    pub(super) fn new() -> Self {
        Self::default()
    }

    /// Begins the gauge `name`; the values that follow are its own. A metric that has no value is left out by not
    /// beginning it.
    ///
    /// # Panics
    /// When it was begun before: that is a mistake in fleet's source.
    pub(super) fn metric(&mut self, name: &'static str, help: &'static str) -> &mut Self {
        assert!(self.begun.insert(name), "{name} is begun twice");
        let help = help.replace('\\', "\\\\").replace('\n', "\\n");
        let _ = writeln!(self.text, "# HELP {name} {help}\n# TYPE {name} gauge");
        self.current = name;
        self
    }

    /// Adds a value of the metric that was begun last.
    pub(super) fn value(&mut self, labels: &[(&str, &str)], value: f64) -> &mut Self {
        self.text.push_str(self.current);
        for (index, (label, text)) in labels.iter().enumerate() {
            self.text.push(if index == 0 { '{' } else { ',' });
            self.text.push_str(label);
            self.text.push_str("=\"");
            for c in text.chars() {
                match c {
                    '\\' => self.text.push_str("\\\\"),
                    '"' => self.text.push_str("\\\""),
                    '\n' => self.text.push_str("\\n"),
                    c => self.text.push(c),
                }
            }
            self.text.push('"');
        }
        if !labels.is_empty() {
            self.text.push('}');
        }
        let value = match value {
            value if value.is_nan() => "NaN".to_owned(),
            value if value.is_infinite() && value > 0.0 => "+Inf".to_owned(),
            value if value.is_infinite() => "-Inf".to_owned(),
            value => value.to_string(),
        };
        let _ = writeln!(self.text, " {value}");
        self
    }

    /// The finished text.
    pub(super) fn finish(self) -> String {
        self.text
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::collections::BTreeMap;

    use super::*;

    /// What `promtool check metrics` complains of (its package `promlint`), and what the format forbids.
    pub(in crate::health) fn lint(text: &str) -> Vec<String> {
        let mut complaints = Vec::new();
        let mut types: BTreeMap<&str, &str> = BTreeMap::new();
        let mut helped = BTreeSet::new();
        let mut series = BTreeSet::new();
        let mut last = "";
        let mut done = BTreeSet::new();
        if !text.ends_with('\n') {
            complaints.push("the last line has no end".to_owned());
        }
        for line in text.lines() {
            if let Some(help) = line.strip_prefix("# HELP ") {
                let (name, words) = help.split_once(' ').unwrap_or((help, ""));
                if words.trim().is_empty() || !helped.insert(name) {
                    complaints.push(format!("{name}: no help, or twice"));
                }
                continue;
            }
            if let Some(of) = line.strip_prefix("# TYPE ") {
                let (name, kind) = of.split_once(' ').unwrap_or((of, ""));
                if types.insert(name, kind).is_some() {
                    complaints.push(format!("{name}: two types"));
                }
                complaints.extend(name_lint(name, kind));
                continue;
            }
            let Some((labelled, value)) = line.rsplit_once(' ') else {
                complaints.push(format!("not a value: {line}"));
                continue;
            };
            if value.parse::<f64>().is_err() && !["+Inf", "-Inf", "NaN"].contains(&value) {
                complaints.push(format!("not a number: {line}"));
            }
            if !series.insert(labelled) {
                complaints.push(format!("twice: {labelled}"));
            }
            let name = labelled.split('{').next().unwrap_or_default();
            if !types.contains_key(name) || !helped.contains(name) {
                complaints.push(format!("{name}: no type or help before it"));
            }
            if name != last {
                if !done.insert(name) {
                    complaints.push(format!("{name}: not in one piece"));
                }
                last = name;
            }
            if labelled.contains('{') && !labels_are_right(&labelled[name.len()..]) {
                complaints.push(format!("labels: {line}"));
            }
        }
        complaints
    }

    fn name_lint(name: &str, kind: &str) -> Vec<String> {
        let mut complaints = Vec::new();
        let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        if !name.chars().all(fits) || !name.starts_with(|c: char| c.is_ascii_lowercase()) {
            complaints.push(format!("{name}: not in snake case"));
        }
        if (kind == "counter") != name.ends_with("_total") {
            complaints.push(format!(
                "{name}: `_total` is for counters, and they have it"
            ));
        }
        for ending in ["_count", "_sum", "_bucket", "_info"] {
            if name.ends_with(ending) {
                complaints.push(format!("{name}: `{ending}` belongs to another type"));
            }
        }
        for word in name.split('_') {
            let not_base = [
                "milliseconds",
                "minutes",
                "hours",
                "days",
                "weeks",
                "kilobytes",
                "megabytes",
                "bits",
                "percent",
                "kelvin",
                "gauge",
                "counter",
                "histogram",
                "summary",
            ];
            let abbreviated = [
                "s", "ms", "us", "ns", "sec", "b", "kb", "mb", "gb", "m", "h", "d",
            ];
            if not_base.contains(&word) || abbreviated.contains(&word) {
                complaints.push(format!(
                    "{name}: `{word}` is no base unit, or says the type"
                ));
            }
        }
        complaints
    }

    /// `{name="value",...}` with `\\`, `\"` and `\n` as the only escapes.
    fn labels_are_right(text: &str) -> bool {
        let Some(mut rest) = text.strip_prefix('{').and_then(|t| t.strip_suffix('}')) else {
            return false;
        };
        loop {
            let Some((name, after)) = rest.split_once("=\"") else {
                return false;
            };
            let fits = |c: char| c.is_ascii_lowercase() || c == '_';
            if name.is_empty() || !name.chars().all(fits) || name == "le" || name == "quantile" {
                return false;
            }
            let mut escaped = false;
            let mut end = None;
            for (at, c) in after.char_indices() {
                match c {
                    _ if escaped && !['\\', '"', 'n'].contains(&c) => return false,
                    _ if escaped => escaped = false,
                    '\\' => escaped = true,
                    '"' => {
                        end = Some(at);
                        break;
                    }
                    _ => {}
                }
            }
            let Some(end) = end else { return false };
            rest = &after[end + 1..];
            match rest.strip_prefix(',') {
                Some(more) => rest = more,
                None => return rest.is_empty(),
            }
        }
    }

    #[test]
    fn values_stand_under_help_and_type() {
        let mut text = Exposition::new();
        text.metric("fleet_a_bytes", "What\nit \\ is.")
            .value(&[("server", "a\"b\\c\nd"), ("x", "")], 1.5)
            .value(&[("server", "e")], 1e15);
        text.metric("fleet_c_ratio", "Another.")
            .value(&[], f64::INFINITY);
        let text = text.finish();
        assert_eq!(
            text,
            "# HELP fleet_a_bytes What\\nit \\\\ is.\n# TYPE fleet_a_bytes gauge\n\
             fleet_a_bytes{server=\"a\\\"b\\\\c\\nd\",x=\"\"} 1.5\n\
             fleet_a_bytes{server=\"e\"} 1000000000000000\n\
             # HELP fleet_c_ratio Another.\n# TYPE fleet_c_ratio gauge\nfleet_c_ratio +Inf\n"
        );
        assert_eq!(lint(&text), Vec::<String>::new());
    }

    #[test]
    fn the_rules_find_what_they_are_for() {
        for (text, complaint) in [
            ("fleet_x 1\n", "no type or help"),
            (
                "# HELP fleet_x X.\n# TYPE fleet_x counter\nfleet_x 1\n",
                "_total",
            ),
            (
                "# HELP fleet_x_ms X.\n# TYPE fleet_x_ms gauge\nfleet_x_ms 1\n",
                "base unit",
            ),
            (
                "# HELP fleet_x X.\n# TYPE fleet_x gauge\nfleet_x 1\nfleet_x 1\n",
                "twice",
            ),
            (
                "# HELP fleet_x X.\n# TYPE fleet_x gauge\nfleet_x{a=\"\\q\"} 1\n",
                "labels",
            ),
            (
                "# HELP fleet_x X.\n# TYPE fleet_x gauge\nfleet_x one\n",
                "not a number",
            ),
            (
                "# HELP fleet_x X.\n# TYPE fleet_x gauge\nfleet_x 1",
                "no end",
            ),
        ] {
            let found = lint(text);
            assert!(
                found.iter().any(|c| c.contains(complaint)),
                "{text}: {found:?}"
            );
        }
    }
}
