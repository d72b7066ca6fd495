//! Why a value is refused, before it is known which setting it belongs to.

use crate::diagnostic::Invalid;

/// Why a value is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    /// What is wrong.
    pub message: String,
    /// What to write instead.
    pub hint: Option<String>,
}

/// A refusal.
pub(super) fn refuse<T>(message: impl Into<String>) -> Result<T, Reason> {
    Err(Reason {
        message: message.into(),
        hint: None,
    })
}

/// A refusal with a hint.
pub(super) fn refuse_with_hint<T>(
    message: impl Into<String>,
    hint: impl Into<String>,
) -> Result<T, Reason> {
    Err(Reason {
        message: message.into(),
        hint: Some(hint.into()),
    })
}

/// `text` for a message: control characters escaped, cut after a line's worth.
pub(super) fn shown(text: &str) -> String {
    let mut out: String = text.chars().take(64).flat_map(char::escape_debug).collect();
    if text.chars().nth(64).is_some() {
        out.push('…');
    }
    out
}

/// Notes the users whose passwords do not open, with why. Where it is the same for all (the key is away), it is told once
/// and without their names: so other resources have the same reason, and are told together with this one.
pub(super) fn push_unopened(invalid: &mut Invalid, field: &str, unopened: &[(&str, String)]) {
    match unopened {
        [] => {}
        [(_, why), rest @ ..] if rest.iter().all(|(_, other)| other == why) => {
            invalid.push(field, why.as_str());
        }
        several => {
            for (user, why) in several {
                invalid.push(field, format!("`{user}`: {why}"));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn why_no_password_opens_is_told_once() {
        let messages = |unopened: &[(&str, &str)]| -> Vec<String> {
            let mut invalid = Invalid::default();
            let unopened: Vec<(&str, String)> = unopened
                .iter()
                .map(|(user, why)| (*user, (*why).to_owned()))
                .collect();
            push_unopened(&mut invalid, "user", &unopened);
            invalid
                .problems
                .into_iter()
                .map(|problem| problem.message)
                .collect()
        };
        assert_eq!(messages(&[("a", "no key"), ("b", "no key")]), ["no key"]);
        assert_eq!(messages(&[("a", "no key")]), ["no key"]);
        assert_eq!(
            messages(&[("a", "damaged 1"), ("b", "damaged 2")]),
            ["`a`: damaged 1", "`b`: damaged 2"]
        );
        assert!(messages(&[]).is_empty());
    }
}
