//! Unified diffs of files, as a plan shows them.

use similar::{ChangeTag, TextDiff};

use super::page::Page;
use super::style::Tone;

/// The longest file that is compared line by line, in bytes; a longer one is summed up.
const LONGEST: usize = 1 << 20;

/// Lines of context around a change.
const CONTEXT: usize = 3;

/// Appends the difference of two texts, each line indented by `indent` blanks.
///
/// A text that is not there (`None`) reads as empty. What must not be shown has to be masked before.
pub fn unified(page: &mut Page, before: Option<&str>, after: Option<&str>, indent: usize) {
    let (before, after) = (before.unwrap_or_default(), after.unwrap_or_default());
    let margin = " ".repeat(indent);
    if before.len() > LONGEST || after.len() > LONGEST {
        let (from, to) = (before.len() as u64, after.len() as u64);
        let (from, to) = (super::format::bytes(from), super::format::bytes(to));
        page.toned_line(
            &format!("{margin}(too long to show: {from}, then {to})"),
            Tone::Dim,
        );
        return;
    }
    let diff = TextDiff::from_lines(before, after);
    for group in diff.grouped_ops(CONTEXT) {
        let (Some(first), Some(last)) = (group.first(), group.last()) else {
            continue;
        };
        let range = |from: usize, to: usize| {
            // A range of no lines names the line before it (diff(1), "Detailed Unified").
            let start = if from == to { from } else { from + 1 };
            match to - from {
                1 => start.to_string(),
                lines => format!("{start},{lines}"),
            }
        };
        let old = range(first.old_range().start, last.old_range().end);
        let new = range(first.new_range().start, last.new_range().end);
        page.toned_line(&format!("{margin}@@ -{old} +{new} @@"), Tone::Hint);
        for change in group.iter().flat_map(|op| diff.iter_changes(op)) {
            let (sign, tone) = match change.tag() {
                ChangeTag::Delete => ('-', Tone::Bad),
                ChangeTag::Insert => ('+', Tone::Good),
                ChangeTag::Equal => (' ', Tone::Plain),
            };
            let text = change.value();
            let line = text.trim_end_matches(['\n', '\r']);
            page.toned_line(&format!("{margin}{sign}{line}"), tone);
            if change.missing_newline() {
                page.toned_line(&format!("{margin}\\ No newline at end of file"), Tone::Dim);
            } else if text.ends_with("\r\n") && change.tag() != ChangeTag::Equal {
                page.toned_line(
                    &format!("{margin}\\ Carriage return at end of line"),
                    Tone::Dim,
                );
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(before: Option<&str>, after: Option<&str>) -> String {
        let mut page = Page::new(None, false);
        unified(&mut page, before, after, 2);
        page.finish()
    }

    #[test]
    fn a_change_is_shown_with_its_surroundings() {
        let before = "1\n2\n3\n4\n5\n6\n7\n8\n9\n";
        assert_eq!(
            shown(Some(before), Some(&before.replace("5\n", "five\n"))),
            "  @@ -2,7 +2,7 @@\n   2\n   3\n   4\n  -5\n  +five\n   6\n   7\n   8\n"
        );
    }

    #[test]
    fn a_new_and_a_deleted_file() {
        assert_eq!(shown(None, Some("a\n")), "  @@ -0,0 +1 @@\n  +a\n");
        assert_eq!(shown(Some("a\n"), None), "  @@ -1 +0,0 @@\n  -a\n");
    }

    #[test]
    fn what_cannot_be_seen_is_said() {
        assert_eq!(
            shown(Some("a"), Some("a\n")),
            "  @@ -1 +1 @@\n  -a\n  \\ No newline at end of file\n  +a\n"
        );
        assert_eq!(
            shown(Some("a\r\n"), Some("a\n")),
            "  @@ -1 +1 @@\n  -a\n  \\ Carriage return at end of line\n  +a\n"
        );
        assert_eq!(shown(Some("same\n"), Some("same\n")), "");
    }

    #[test]
    fn a_file_cannot_steer_the_terminal() {
        assert!(shown(None, Some("\x1b[2J\n")).contains("+\\u{1b}[2J"));
    }
}
