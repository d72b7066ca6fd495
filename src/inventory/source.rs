//! The text of an inventory with the problems found in it, each shown with its place and the line.

use std::ops::Range;
use std::path::Path;

use crate::diagnostic::{Diagnostic, Diagnostics};

/// Columns of a line that are shown at most; a longer line is cropped around the problem.
const WIDTH: usize = 100;

/// A text and its problems.
pub(super) struct Source<'a> {
    path: &'a Path,
    text: &'a str,
    /// Byte offset and diagnostic, in the order they were found.
    problems: Vec<(usize, Diagnostic)>,
}

impl<'a> Source<'a> {
    pub(super) fn new(path: &'a Path, text: &'a str) -> Self {
        Self {
            path,
            text,
            problems: Vec::new(),
        }
    }

    /// The text at `span`.
    pub(super) fn at(&self, span: &Range<usize>) -> &'a str {
        self.text.get(span.clone()).unwrap_or_default()
    }

    /// Notes a problem at the bytes `span`; the caller may add hints to what is returned.
    pub(super) fn problem(&mut self, span: &Range<usize>, message: &str, hint: Option<String>) {
        let (place, details) = self.show(span);
        let mut diagnostic = Diagnostic::usage(format!("{place}: {message}"));
        diagnostic.details = details;
        diagnostic.hints.extend(hint);
        self.problems.push((span.start, diagnostic));
    }

    /// The line that the byte `offset` is in, from 1.
    pub(super) fn line_of(&self, offset: usize) -> usize {
        let mut end = offset.min(self.text.len());
        while !self.text.is_char_boundary(end) {
            end -= 1;
        }
        self.text[..end].matches('\n').count() + 1
    }

    /// All problems in the order of the text, or `Ok` without any.
    pub(super) fn finish(&mut self) -> Result<(), Diagnostics> {
        let mut problems = std::mem::take(&mut self.problems);
        if problems.is_empty() {
            return Ok(());
        }
        problems.sort_by_key(|(offset, _)| *offset);
        Err(Diagnostics(
            problems.into_iter().map(|(_, problem)| problem).collect(),
        ))
    }

    /// `file:line:column` (columns count characters from 1) and the line with a mark under the span.
    fn show(&self, span: &Range<usize>) -> (String, Vec<String>) {
        let floor = |mut offset: usize| {
            offset = offset.min(self.text.len());
            while !self.text.is_char_boundary(offset) {
                offset -= 1;
            }
            offset
        };
        let start = floor(span.start);
        let line_start = self.text[..start].rfind('\n').map_or(0, |at| at + 1);
        let line = self.text[line_start..]
            .split('\n')
            .next()
            .unwrap_or_default();
        let line = line.strip_suffix('\r').unwrap_or(line);
        let start = start.min(line_start + line.len());
        let end = floor(span.end).clamp(start, line_start + line.len());
        let number = self.line_of(start);
        let column = self.text[line_start..start].chars().count();
        let marked = self.text[start..end].chars().count().max(1);
        let place = format!("{}:{number}:{}", self.path.display(), column + 1);

        // One column per character: a tab or control character would move the mark, or worse.
        let chars: Vec<char> = line
            .chars()
            .map(|c| match c {
                '\t' => ' ',
                c if c.is_control() => '\u{fffd}',
                c => c,
            })
            .collect();
        let from = if chars.len() <= WIDTH {
            0
        } else {
            column.saturating_sub(WIDTH / 2)
        };
        let to = chars.len().min(from + WIDTH);
        let marked = marked.min((to - from.min(to)).saturating_sub(column - from).max(1));
        let mut shown: String = chars[from.min(to)..to].iter().collect();
        let mut indent = column - from;
        if from > 0 {
            shown.insert(0, '…');
            indent += 1;
        }
        if to < chars.len() {
            shown.push('…');
        }
        let gutter = number.to_string().len();
        let details = vec![
            format!("{number} | {}", shown.trim_end()),
            format!("{:gutter$} | {:indent$}{}", "", "", "^".repeat(marked)),
        ];
        (place, details)
    }
}
