//! Errors as an admin meets them: a class that becomes the exit code, a message, and hints at what to do next.

use std::fmt;

/// What kind of ending a run had; its number is the process's exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Class {
    /// Something failed.
    Failed = 1,
    /// The arguments, the inventory or a value in them are not usable.
    Usage = 2,
    /// Some servers failed or could not be reached; the rest is done.
    Partial = 3,
    /// No server can take the resource.
    NoRoom = 4,
    /// At least one server is not online.
    Unhealthy = 5,
    /// There are changes to apply (`--detailed-exitcode`).
    Pending = 6,
    /// A change was undone because it was not confirmed.
    Reverted = 7,
    /// A lock or a time limit stood in the way.
    Locked = 8,
}

impl Class {
    /// The process's exit code.
    pub fn exit_code(self) -> u8 {
        self as u8
    }

    /// The stable word for the class in JSON output.
    pub fn word(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Usage => "usage",
            Self::Partial => "partial",
            Self::NoRoom => "no_room",
            Self::Unhealthy => "unhealthy",
            Self::Pending => "pending",
            Self::Reverted => "reverted",
            Self::Locked => "locked",
        }
    }
}

/// How a command that could do its work ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// All is done: exit code 0.
    Done,
    /// The result is shown, and the exit code says what it amounts to: a server is unhealthy, changes are pending.
    With(Class),
}

impl Ending {
    /// The process's exit code.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::With(class) => class.exit_code(),
        }
    }
}

/// An error with a class, a message, and what to do about it.
///
/// Messages are lower case, put names in backticks and end without a full stop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Decides the exit code.
    pub class: Class,
    /// What failed, and where.
    pub message: String,
    /// Lines that show the place (a snippet of a file, the output of a service).
    pub details: Vec<String>,
    /// What to do next, one sentence each.
    pub hints: Vec<String>,
}

impl Diagnostic {
    /// A diagnostic of `class` that says `message`.
    pub fn new(class: Class, message: impl Into<String>) -> Self {
        Self {
            class,
            message: message.into(),
            details: Vec::new(),
            hints: Vec::new(),
        }
    }

    /// A failure of class [`Class::Failed`].
    pub fn failed(message: impl Into<String>) -> Self {
        Self::new(Class::Failed, message)
    }

    /// A failure of class [`Class::Usage`].
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(Class::Usage, message)
    }

    /// Adds a hint.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// Adds a line of detail.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.details.push(detail.into());
        self
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Diagnostic {}

/// Several diagnostics at once: an admin sees every problem, not the first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostics(pub Vec<Diagnostic>);

impl Diagnostics {
    /// The class of the whole: that of the gravest member (the first when equal).
    pub fn class(&self) -> Class {
        self.0
            .iter()
            .map(|d| d.class)
            .min()
            .unwrap_or(Class::Failed)
    }
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, diagnostic) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{diagnostic}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Diagnostics {}

/// One reason why a value is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The field of the spec, as in the stored JSON; empty for the name of the resource.
    pub field: String,
    /// What is wrong with it.
    pub message: String,
    /// What to write instead, where that is known.
    pub hint: Option<String>,
}

/// Every reason why a spec is refused, collected before anything is reported.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Invalid {
    /// The reasons, in the order they were found.
    pub problems: Vec<Problem>,
}

impl Invalid {
    /// Notes a problem of `field`.
    pub fn push(&mut self, field: impl Into<String>, message: impl Into<String>) {
        self.problems.push(Problem {
            field: field.into(),
            message: message.into(),
            hint: None,
        });
    }

    /// Notes a problem of `field` with a hint.
    pub fn push_with_hint(
        &mut self,
        field: impl Into<String>,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) {
        self.problems.push(Problem {
            field: field.into(),
            message: message.into(),
            hint: Some(hint.into()),
        });
    }

    /// `Ok` when no problem was noted.
    pub fn into_result(self) -> Result<(), Self> {
        if self.problems.is_empty() {
            Ok(())
        } else {
            Err(self)
        }
    }

    /// The problems as diagnostics of class [`Class::Usage`]; `subject` is what was being checked.
    pub fn into_diagnostics(self, subject: &str) -> Diagnostics {
        Diagnostics(
            self.problems
                .into_iter()
                .map(|problem| {
                    let flag = problem.field.replace('_', "-");
                    let message = if flag.is_empty() {
                        format!("{subject}: {}", problem.message)
                    } else {
                        format!("{subject}: --{flag}: {}", problem.message)
                    };
                    let diagnostic = Diagnostic::usage(message);
                    match problem.hint {
                        Some(hint) => diagnostic.hint(hint),
                        None => diagnostic,
                    }
                })
                .collect(),
        )
    }
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.problems.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            if !problem.field.is_empty() {
                write!(f, "{}: ", problem.field)?;
            }
            f.write_str(&problem.message)?;
        }
        Ok(())
    }
}

impl std::error::Error for Invalid {}

/// `text` in backticks, on one line: control characters are escaped and a long text is cropped.
pub fn ticked(text: &str) -> String {
    const LIMIT: usize = 80;
    let mut shown = String::from("`");
    for (index, c) in text.chars().enumerate() {
        if index == LIMIT {
            shown.push('…');
            break;
        }
        if c.is_control() {
            shown.extend(c.escape_default());
        } else {
            shown.push(c);
        }
    }
    shown.push('`');
    shown
}

/// The one of `candidates` that `word` was probably meant to be.
pub fn did_you_mean<'a>(
    word: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let fold = |text: &str| text.to_lowercase().replace('_', "-");
    let word: String = fold(word).chars().take(100).collect();
    let length = word.chars().count();
    candidates
        .into_iter()
        .filter_map(|candidate| {
            let folded = fold(candidate);
            let distance = strsim::osa_distance(&word, &folded);
            let limit = (length.max(folded.chars().count()) / 3).max(1);
            // A beginning is a good sign where the ending is long: `capa`, `singap`.
            let near = (distance <= limit && distance < length)
                || (length >= 3 && folded.starts_with(&word));
            near.then_some((distance, candidate))
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::{did_you_mean, ticked};

    #[test]
    fn suggestions_are_near_and_never_far() {
        let keys = ["address", "capacity", "identity_file", "ipv4", "ipv6"];
        for (word, expected) in [
            ("capcity", Some("capacity")),
            ("adress", Some("address")),
            ("Address", Some("address")),
            ("identity-file", Some("identity_file")),
            ("capa", Some("capacity")),
            ("ipv5", Some("ipv4")),
            ("colour", None),
            ("x", None),
            ("", None),
        ] {
            assert_eq!(did_you_mean(word, keys), expected, "{word}");
        }
    }

    #[test]
    fn shown_text_stays_on_one_line() {
        assert_eq!(ticked("a\nb\u{1b}[31m"), "`a\\nb\\u{1b}[31m`");
        assert_eq!(ticked(&"x".repeat(100)).chars().count(), 83);
    }
}
