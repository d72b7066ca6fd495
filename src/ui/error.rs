//! Errors as text: `error:` what, the place, then `hint:` what to do, for every problem.

use anyhow::Error;

use super::format::count;
use super::page::Page;
use super::style::Tone;
use crate::diagnostic::{Class, Diagnostic, Diagnostics};

/// More problems than these are counted, as the first of them may have left the screen.
const MANY: usize = 5;

/// The class of `error`, and everything that is wrong.
///
/// An error that is no diagnostic is of class [`Class::Failed`] with its causes in the message.
pub(super) fn problems(error: &Error) -> (Class, Vec<Diagnostic>) {
    if let Some(diagnostics) = error.downcast_ref::<Diagnostics>() {
        (diagnostics.class(), diagnostics.0.clone())
    } else if let Some(diagnostic) = error.downcast_ref::<Diagnostic>() {
        (diagnostic.class, vec![diagnostic.clone()])
    } else {
        (
            Class::Failed,
            vec![Diagnostic::failed(format!("{error:#}"))],
        )
    }
}

/// Appends the problems.
pub(super) fn render(page: &mut Page, problems: &[Diagnostic]) {
    // A problem of several lines would run into the next one.
    let apart = problems.len() > 1 && problems.iter().any(|p| !p.details.is_empty());
    for (index, problem) in problems.iter().enumerate() {
        if apart && index > 0 {
            page.end();
        }
        let mut lines = problem.message.lines();
        page.text("error", Tone::Bad).text(": ", Tone::Plain);
        page.prose(
            "error: ".len(),
            lines.next().unwrap_or_default(),
            Tone::Plain,
        );
        for line in lines.chain(problem.details.iter().flat_map(|d| d.lines())) {
            page.text("  ", Tone::Plain).line(line);
        }
        for hint in &problem.hints {
            page.text("hint", Tone::Hint).text(": ", Tone::Plain);
            page.prose("hint: ".len(), hint, Tone::Plain);
        }
    }
    if problems.len() > MANY {
        if apart {
            page.end();
        }
        page.toned_line(&count(problems.len(), "problem"), Tone::Strong);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn every_problem_is_shown_with_its_place_and_hints() {
        let error = Error::from(Diagnostics(vec![
            Diagnostic::usage("unknown key `adress`")
                .detail("inventory.toml:3:1")
                .hint("did you mean `address`"),
            Diagnostic::failed("no"),
        ]));
        let (class, all) = problems(&error);
        assert_eq!(class, Class::Failed);
        let mut page = Page::new(None, false);
        render(&mut page, &all);
        assert_eq!(
            page.finish(),
            "error: unknown key `adress`\n  inventory.toml:3:1\nhint: did you mean `address`\n\nerror: no\n"
        );
    }

    #[test]
    fn a_diagnostic_is_found_below_added_context() {
        let error = Error::from(Diagnostic::new(Class::Locked, "busy")).context("while applying");
        assert_eq!(problems(&error).0, Class::Locked);
        let other = Error::from(std::io::Error::other("disk")).context("cannot write `x`");
        assert_eq!(problems(&other).1[0].message, "cannot write `x`: disk");
    }
}
