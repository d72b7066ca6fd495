//! Hostile values of every field: refused with the field's name before anything is sent, or kept byte for byte.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::kind::Spec;
use crate::kind::cron::Cron;

fn spec(field: &str, value: Value) -> Cron {
    let mut spec = json!({ "schedule": "@daily", "command": "true" });
    spec[field] = value;
    serde_json::from_value(spec).unwrap()
}

fn problems(field: &str, value: Value) -> Vec<String> {
    match spec(field, value).validate("job", Timestamp::UNIX_EPOCH) {
        Ok(()) => Vec::new(),
        Err(invalid) => invalid
            .problems
            .into_iter()
            .map(|problem| problem.field)
            .collect(),
    }
}

/// Texts that no field may take.
const NOWHERE: [&str; 7] = [
    "a\0b",
    "a\u{1b}[31mb",
    "a\rb",
    "a\u{7f}b",
    "a\u{202e}b",
    "a\u{2066}b",
    "a\u{200f}b",
];

/// Texts that mean something to a shell, to cron, to SQL or to nftables.
const META: [&str; 12] = [
    "a;b",
    "a b",
    "$(id)",
    "`id`",
    "a'b",
    "a\"b",
    "a\\b",
    "a%b",
    "a|b",
    "a\nb",
    "../../etc/passwd",
    "-rf",
];

#[test]
fn no_field_takes_what_hides_itself() {
    for text in NOWHERE {
        for field in [
            "schedule",
            "command",
            "user",
            "directory",
            "timeout",
            "random_delay",
            "mail_to",
            "site",
        ] {
            let problems = problems(field, text.into());
            assert!(
                problems.contains(&field.to_owned()),
                "{field}: {text:?}: {problems:?}"
            );
        }
        assert_eq!(
            problems("env", json!([format!("A={text}")])),
            ["env"],
            "{text:?}"
        );
        assert_eq!(
            problems("env", json!([format!("{text}=a")])),
            ["env"],
            "{text:?}"
        );
        assert!(
            problems("on", json!([text])).contains(&"on".to_owned()),
            "{text:?}"
        );
        assert!(Cron::canonical_name(text).is_err(), "{text:?}");
    }
}

#[test]
fn what_means_something_elsewhere_is_refused_where_it_cannot_be_meant() {
    for text in META {
        for field in [
            "schedule",
            "user",
            "timeout",
            "random_delay",
            "mail_to",
            "site",
        ] {
            let problems = problems(field, text.into());
            assert!(
                problems.contains(&field.to_owned()),
                "{field}: {text:?}: {problems:?}"
            );
        }
        assert_eq!(
            problems("env", json!([format!("{text}=a")])),
            ["env"],
            "{text:?}"
        );
        assert!(Cron::canonical_name(text).is_err(), "{text:?}");
    }
}

#[test]
fn a_command_and_a_value_may_be_anything_that_can_be_seen() {
    for text in META {
        assert!(problems("command", text.into()).is_empty(), "{text:?}");
        assert!(
            problems("env", json!([format!("A={text}")])).is_empty(),
            "{text:?}"
        );
    }
    for text in ["ä€😀", "a\tb", "#", "!", "~", "*", "@reboot root id"] {
        assert!(problems("command", text.into()).is_empty(), "{text:?}");
    }
}

#[test]
fn too_long_and_empty_values_are_refused() {
    let long = "a".repeat(70_000);
    for field in [
        "schedule",
        "command",
        "user",
        "directory",
        "timeout",
        "mail_to",
        "site",
    ] {
        assert!(
            problems(field, long.as_str().into()).contains(&field.to_owned()),
            "{field}"
        );
        assert!(
            problems(field, "".into()).contains(&field.to_owned()),
            "{field}"
        );
    }
    assert_eq!(problems("env", json!([format!("A={long}")])), ["env"]);
    for env in ["", "=", "=a", "A", "1A=b", "HOME=/", "A-B=c"] {
        assert_eq!(problems("env", json!([env])), ["env"], "{env}");
    }
    assert_eq!(problems("env", json!(["A=1", "A=2"])), ["env"]);
    assert!(Cron::canonical_name("").is_err());
    assert!(Cron::canonical_name(&"a".repeat(65)).is_err());
}

#[test]
fn numbers_have_bounds() {
    for (field, value) in [("retries", 21), ("keep", 0), ("keep", 1001)] {
        assert_eq!(problems(field, value.into()), [field], "{value}");
    }
    for (field, value) in [
        ("timeout", "31d"),
        ("random_delay", "25h"),
        ("timeout", "-1"),
        ("timeout", "1.5h"),
    ] {
        assert_eq!(problems(field, value.into()), [field], "{value}");
    }
}

#[test]
fn settings_that_contradict_each_other_are_refused() {
    let refused = |extra: Value, field: &str| {
        let mut spec = json!({ "schedule": "@daily", "command": "true" });
        for (key, value) in extra.as_object().unwrap() {
            spec[key] = value.clone();
        }
        let spec: Cron = serde_json::from_value(spec).unwrap();
        let invalid = spec.validate("job", Timestamp::UNIX_EPOCH).unwrap_err();
        assert!(
            invalid
                .problems
                .iter()
                .any(|problem| problem.field == field),
            "{extra}: {invalid}"
        );
    };
    refused(json!({ "site": "example.com", "on": ["*"] }), "on");
    refused(json!({ "once_per_fleet": true }), "once_per_fleet");
    refused(json!({ "retry_delay": "5s" }), "retry_delay");
    refused(
        json!({ "mail": "never", "mail_to": "ann@example.com" }),
        "mail_to",
    );
    refused(json!({ "command": null }), "command");
}

#[test]
fn names_are_what_cron_reads() {
    for name in ["a", "A1", "nightly-backup", "x_y", "0"] {
        assert_eq!(Cron::canonical_name(name).unwrap(), name);
    }
    for name in ["a.b", "a~", "-a", "_a", "a/b", "..", "ä", "a b", "a\n"] {
        assert!(Cron::canonical_name(name).is_err(), "{name}");
    }
    let foreign = Cron::canonical_name("bücher").unwrap_err();
    assert!(
        format!("{foreign:?}").contains("has a `ü` in it"),
        "{foreign:?}"
    );
}
