//! The JSON side of the output: one value per command on stdout, for results and errors alike.
//!
//! Every command but `logs`, whose result may never end, prints exactly one JSON object. A result's keys are documented with its command; an error is
//! `{"error": {"class", "exit_code", "message", "details", "hints", "problems"}}`, where `problems` holds one
//! object of the same keys (without `problems`) for each thing that is wrong. No result has a key `error`.

use serde::Serialize;
use serde_json::{Value, json};

use crate::diagnostic::{Class, Diagnostic};

/// `value` as text with a final newline: indented for a person, on one line for a program.
pub(super) fn render(value: &impl Serialize, for_a_person: bool) -> serde_json::Result<String> {
    let mut text = if for_a_person {
        serde_json::to_string_pretty(value)?
    } else {
        serde_json::to_string(value)?
    };
    text.push('\n');
    Ok(text)
}

/// The error object.
pub(super) fn error(class: Class, problems: &[Diagnostic]) -> Value {
    let join = |lines: fn(&Diagnostic) -> &Vec<String>| -> Vec<&String> {
        problems.iter().flat_map(lines).collect()
    };
    let messages: Vec<&str> = problems.iter().map(|p| p.message.as_str()).collect();
    json!({ "error": {
        "class": class.word(),
        "exit_code": class.exit_code(),
        "message": messages.join("\n"),
        "details": join(|p| &p.details),
        "hints": join(|p| &p.hints),
        "problems": problems.iter().map(|p| json!({
            "class": p.class.word(),
            "exit_code": p.class.exit_code(),
            "message": p.message,
            "details": p.details,
            "hints": p.hints,
        })).collect::<Vec<_>>(),
    }})
}
