//! Why a value is refused, before it is known which setting it belongs to.

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
