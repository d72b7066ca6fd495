//! One block of text output while it is composed: lines, sections and tables for a known width and colours.

use super::style::{Tone, harmless, paint};
use super::table::Table;
use super::wrap::wrap;

/// Text for a terminal or a pipe; built whole, then written at once.
#[derive(Debug)]
pub struct Page {
    text: String,
    width: Option<usize>,
    colour: bool,
    hidden_columns: usize,
}

impl Page {
    /// An empty page for `width` columns (`None`: no limit), with or without colours.
    pub fn new(width: Option<usize>, colour: bool) -> Self {
        Self {
            text: String::new(),
            width,
            colour,
            hidden_columns: 0,
        }
    }

    /// Appends text in a tone, without a newline.
    pub fn text(&mut self, text: &str, tone: Tone) -> &mut Self {
        paint(&mut self.text, &harmless(text), tone, self.colour);
        self
    }

    /// Appends a line.
    pub fn line(&mut self, text: &str) -> &mut Self {
        self.text(text, Tone::Plain).end()
    }

    /// Appends a paragraph and ends it. It begins after so many columns (`error: `), and so does what does not fit into its
    /// line.
    pub fn prose(&mut self, after: usize, text: &str, tone: Tone) -> &mut Self {
        // With less than this most words stand alone: the terminal breaks lines better.
        const LEAST: usize = 24;
        let Some(room) = self.width.map(|width| width.saturating_sub(after)) else {
            return self.toned_line(text, tone);
        };
        if room < LEAST {
            return self.toned_line(text, tone);
        }
        let lines = wrap(&harmless(text), room);
        if lines.is_empty() {
            self.end();
        }
        for (index, line) in lines.iter().enumerate() {
            if index > 0 {
                self.text(&" ".repeat(after), Tone::Plain);
            }
            self.toned_line(line, tone);
        }
        self
    }

    /// Appends a line in a tone.
    pub fn toned_line(&mut self, text: &str, tone: Tone) -> &mut Self {
        self.text(text, tone).end()
    }

    /// Ends the line.
    pub fn end(&mut self) -> &mut Self {
        self.text.push('\n');
        self
    }

    /// Appends a table.
    pub fn table(&mut self, table: &Table) -> &mut Self {
        let drawn = table.draw(self.width, self.colour);
        if self.text.is_empty() {
            self.text = drawn.text;
        } else {
            self.text.push_str(&drawn.text);
        }
        self.hidden_columns = self.hidden_columns.max(drawn.hidden_columns);
        self
    }

    /// Appends aligned `name  value` lines: the details of one thing. Values of several lines are indented.
    pub fn fields<'a>(
        &mut self,
        fields: impl IntoIterator<Item = (&'a str, String, Tone)>,
    ) -> &mut Self {
        let fields: Vec<_> = fields.into_iter().collect();
        let widest = fields.iter().map(|(name, ..)| name.len()).max();
        let widest = widest.unwrap_or_default();
        for (name, value, tone) in fields {
            let mut lines = value.lines();
            self.text(&format!("{name:<widest$}  "), Tone::Dim);
            self.toned_line(lines.next().unwrap_or("-"), tone);
            for line in lines {
                self.text(&" ".repeat(widest + 2), Tone::Plain);
                self.toned_line(line, tone);
            }
        }
        self
    }

    /// How many columns did not fit.
    pub fn hidden_columns(&self) -> usize {
        self.hidden_columns
    }

    /// The width to fit into, where there is a limit.
    pub fn width(&self) -> Option<usize> {
        self.width
    }

    /// The finished text.
    pub fn finish(self) -> String {
        self.text
    }
}
