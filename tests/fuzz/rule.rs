//! Any text as the settings of a rule, a line for each: it is refused, or nothing of it breaks out of the lines of the rule.

#![no_main]

use std::collections::BTreeMap;

use fleet::item::ruleset::{Base, Ruleset};
use fleet::kind::rule::Rule;
use libfuzzer_sys::fuzz_target;
use serde_json::json;

fuzz_target!(|text: &str| {
    let mut fields = text.split('\n');
    let mut list = || -> Vec<&str> {
        let field = fields.next().unwrap_or_default();
        field.split(',').filter(|value| !value.is_empty()).collect()
    };
    let mut spec = json!({ "action": "allow", "rank": 1, "port": list(), "protocol": list(), "from": list() });
    let [rate, ..] = list()[..] else { return };
    spec["rate"] = rate.into();
    spec["comment"] = fields.collect::<Vec<_>>().join("\n").into();
    let kind = fleet::kind::kind("rule").expect("the kind");
    let now = jiff::Timestamp::from_second(1_795_175_700).expect("a time");
    if (kind.validate)(&spec, "x", now).is_err() {
        return;
    }
    let rule: Rule = fleet::kind::from_json(&spec).expect("a rule");
    let Ok(rule) = rule.compiled("x", &BTreeMap::new()) else {
        return;
    };
    let mut ruleset = Ruleset::rule(rule);
    ruleset.base = Some(Base::default());
    let script = ruleset.script();
    assert_eq!(script.matches("\nEND\n").count(), 1);
    // The admin's comment is a line of its own and may look like anything.
    let rules = script
        .lines()
        .map(str::trim_start)
        .filter(|line| !line.starts_with('#') && line.contains("comment \"rule x\""));
    for line in rules {
        // Without a condition nothing is before it but the indentation.
        let mut words: Vec<&str> = line.split_whitespace().rev().take(5).collect();
        words.reverse();
        assert_eq!(words.join(" "), "counter accept comment \"rule x\"", "{line}");
        assert_eq!(line.matches('"').count(), 2, "{line}");
    }
    let _ = ruleset.idle("x");
});
