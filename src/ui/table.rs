//! Tables: fitted to a terminal, or plain aligned columns that are never cut where there is no terminal.

use std::borrow::Cow;

use comfy_table::{Attribute, CellAlignment, Color, ContentArrangement};
use unicode_width::UnicodeWidthStr;

use super::style::{Tone, harmless, paint};

/// Blanks between two columns.
const GAP: usize = 2;

/// The narrowest a column may be squeezed to before columns are left out.
const NARROWEST: usize = 12;

/// One value of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cell {
    text: Cow<'static, str>,
    tone: Tone,
}

impl Cell {
    /// A value in a tone; an empty one is shown as `-`, so that every row has the same number of words.
    pub fn new(text: impl Into<Cow<'static, str>>, tone: Tone) -> Self {
        Self {
            text: text.into(),
            tone,
        }
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::new(text.to_owned(), Tone::Plain)
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self::new(text, Tone::Plain)
    }
}

/// A value as it is shown: on one line, never empty, and without what could steer a terminal.
fn shown(text: &str) -> Cow<'_, str> {
    if text.is_empty() {
        return "-".into();
    }
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return text.into();
    }
    let safe = harmless(text);
    if safe.contains(['\n', '\t']) {
        return safe.split_whitespace().collect::<Vec<_>>().join(" ").into();
    }
    safe
}

/// How a column is set.
#[derive(Clone, Debug)]
struct Column {
    heading: String,
    right: bool,
    droppable: bool,
    /// That of the widest value, or the heading.
    width: usize,
}

/// Columns and rows. All values are in one text: a list of 100,000 rows is mostly the memory that it takes.
#[derive(Clone, Debug, Default)]
pub struct Table {
    columns: Vec<Column>,
    text: String,
    /// Row by row, where each value ends in the text.
    ends: Vec<usize>,
    tones: Vec<Tone>,
    /// The rows in the order they are shown.
    order: Vec<usize>,
}

/// A table as text.
pub(super) struct Drawn {
    pub(super) text: String,
    pub(super) hidden_columns: usize,
}

impl Table {
    /// A table without columns.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a column that is always shown.
    #[must_use]
    pub fn column(self, heading: impl Into<String>) -> Self {
        self.add(heading, false, false)
    }

    /// Adds a column of numbers, set to the right.
    #[must_use]
    pub fn number(self, heading: impl Into<String>) -> Self {
        self.add(heading, true, false)
    }

    /// Adds a column that is left out when the terminal is too narrow; the last such column goes first, and a
    /// narrow one stays where leaving out a wide one is enough.
    #[must_use]
    pub fn extra(self, heading: impl Into<String>) -> Self {
        self.add(heading, false, true)
    }

    fn add(mut self, heading: impl Into<String>, right: bool, droppable: bool) -> Self {
        debug_assert!(self.is_empty(), "columns come before rows");
        let heading = heading.into().to_uppercase();
        self.columns.push(Column {
            width: display_width(&heading),
            heading,
            right,
            droppable,
        });
        self
    }

    /// Adds a row: one value per column, in their order.
    pub fn row(&mut self, cells: impl IntoIterator<Item = Cell>) -> &mut Self {
        let before = self.ends.len();
        for cell in cells {
            self.push(&cell.text, cell.tone);
        }
        self.end_row(before)
    }

    /// Adds a row of borrowed values; those that are missing at its end are empty.
    pub fn row_of<'v>(&mut self, values: impl IntoIterator<Item = (&'v str, Tone)>) -> &mut Self {
        let before = self.ends.len();
        for (text, tone) in values {
            self.push(text, tone);
        }
        while self.ends.len() < before + self.columns.len() {
            self.push("", Tone::Plain);
        }
        self.end_row(before)
    }

    fn push(&mut self, text: &str, tone: Tone) {
        let text = shown(text);
        let column = self.ends.len() % self.columns.len().max(1);
        if let Some(column) = self.columns.get_mut(column) {
            column.width = column.width.max(display_width(&text));
        }
        self.text.push_str(&text);
        self.ends.push(self.text.len());
        self.tones.push(tone);
    }

    fn end_row(&mut self, before: usize) -> &mut Self {
        debug_assert_eq!(
            self.ends.len() - before,
            self.columns.len(),
            "a value for every column"
        );
        self.order.push(self.order.len());
        self
    }

    /// Adds the rows of a table with the same columns.
    pub fn append(&mut self, other: &Self) {
        let (text, rows) = (self.text.len(), self.order.len());
        self.text.push_str(&other.text);
        self.ends.extend(other.ends.iter().map(|end| text + end));
        self.tones.extend(&other.tones);
        self.order.extend(other.order.iter().map(|row| rows + row));
        for (column, same) in self.columns.iter_mut().zip(&other.columns) {
            column.width = column.width.max(same.width);
        }
    }

    /// Sorts the rows by their first value. What is moved about are the first bytes of it, which most often decide,
    /// and the row's number.
    pub fn sort(&mut self) {
        let first_bytes = |row: usize| {
            let mut bytes = [0; 8];
            let value = self.value(row, 0).0.as_bytes();
            let length = value.len().min(8);
            bytes[..length].copy_from_slice(&value[..length]);
            u64::from_be_bytes(bytes)
        };
        let mut order: Vec<(u64, usize)> = self
            .order
            .iter()
            .map(|row| (first_bytes(*row), *row))
            .collect();
        order.sort_unstable_by(|a, b| {
            let values = || self.value(a.1, 0).0.cmp(self.value(b.1, 0).0);
            a.0.cmp(&b.0).then_with(values).then(a.1.cmp(&b.1))
        });
        self.order = order.into_iter().map(|(_, row)| row).collect();
    }

    fn value(&self, row: usize, column: usize) -> (&str, Tone) {
        let at = row * self.columns.len() + column;
        let start = at.checked_sub(1).map_or(0, |before| self.ends[before]);
        (&self.text[start..self.ends[at]], self.tones[at])
    }

    /// Whether it has no rows.
    pub fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    /// The table as text: within `width` by leaving columns out and wrapping, else each row on one line.
    pub(super) fn draw(&self, width: Option<usize>, colour: bool) -> Drawn {
        let widths: Vec<usize> = self.columns.iter().map(|column| column.width).collect();
        let all: Vec<usize> = (0..self.columns.len()).collect();
        let Some(width) = width else {
            return Drawn {
                text: self.draw_lines(&all, &widths, colour),
                hidden_columns: 0,
            };
        };
        let shown = self.columns_within(width, &widths);
        let text = if total(shown.iter().map(|&i| widths[i])) <= width {
            self.draw_lines(&shown, &widths, colour)
        } else {
            self.draw_wrapped(&shown, width, colour)
        };
        Drawn {
            text,
            hidden_columns: all.len() - shown.len(),
        }
    }

    /// The columns to show: all that fit, when long ones may be squeezed but not below [`NARROWEST`].
    fn columns_within(&self, width: usize, widths: &[usize]) -> Vec<usize> {
        let mut shown: Vec<usize> = (0..self.columns.len()).collect();
        let mut left_out = Vec::new();
        while total(shown.iter().map(|&i| widths[i])) > width {
            let Some(last) = shown.iter().rposition(|&i| self.columns[i].droppable) else {
                break;
            };
            // A single wide column that merely has to wrap a little is better than one that is missing.
            let squeezed = shown.iter().map(|&i| widths[i].min(NARROWEST * 2));
            if total(squeezed) <= width {
                break;
            }
            left_out.push(shown.remove(last));
        }
        while let Some(column) = left_out.pop() {
            let more: Vec<usize> = shown.iter().copied().chain([column]).collect();
            if total(more.iter().map(|&i| widths[i])) <= width {
                shown = more;
            }
        }
        shown.sort_unstable();
        shown
    }

    fn draw_lines(&self, shown: &[usize], widths: &[usize], colour: bool) -> String {
        let line_width = total(shown.iter().map(|&i| widths[i])) + 1;
        let mut out = String::with_capacity(line_width * (self.order.len() + 1));
        let heading = |i: usize| (self.columns[i].heading.as_str(), Tone::Dim);
        self.draw_line(&mut out, shown, widths, colour, heading);
        for row in &self.order {
            self.draw_line(&mut out, shown, widths, colour, |i| self.value(*row, i));
        }
        out
    }

    fn draw_line<'a>(
        &self,
        out: &mut String,
        shown: &[usize],
        widths: &[usize],
        colour: bool,
        value: impl Fn(usize) -> (&'a str, Tone),
    ) {
        for (position, &i) in shown.iter().enumerate() {
            let (text, tone) = value(i);
            let last = position + 1 == shown.len();
            let blanks = widths[i].saturating_sub(display_width(text));
            if self.columns[i].right {
                blank(out, blanks);
            }
            paint(out, text, tone, colour);
            if !last {
                let after = if self.columns[i].right { 0 } else { blanks };
                blank(out, after + GAP);
            }
        }
        out.push('\n');
    }

    fn draw_wrapped(&self, shown: &[usize], width: usize, colour: bool) -> String {
        let mut table = comfy_table::Table::new();
        table
            .load_style(comfy_table::presets::NOTHING)
            .set_content_arrangement(ContentArrangement::Dynamic)
            .set_width(u16::try_from(width).unwrap_or(u16::MAX));
        if colour {
            table.enforce_styling();
        } else {
            table.force_no_tty();
        }
        table.set_header(shown.iter().map(|&i| {
            comfy_table::Cell::new(&self.columns[i].heading).add_attribute(Attribute::Dim)
        }));
        for row in &self.order {
            table.add_row(shown.iter().map(|&i| comfy_cell(self.value(*row, i))));
        }
        for (position, &i) in shown.iter().enumerate() {
            if let Some(column) = table.column_mut(position) {
                let right = if position + 1 == shown.len() { 0 } else { 2 };
                column.set_padding((0, right));
                if self.columns[i].right {
                    column.set_cell_alignment(CellAlignment::Right);
                }
            }
        }
        let mut out = String::new();
        for line in table.lines() {
            out.push_str(line.trim_end());
            out.push('\n');
        }
        out
    }
}

fn comfy_cell((text, tone): (&str, Tone)) -> comfy_table::Cell {
    let out = comfy_table::Cell::new(text);
    match tone {
        Tone::Plain => out,
        Tone::Good => out.fg(Color::DarkGreen),
        Tone::Warn => out.fg(Color::DarkYellow),
        Tone::Bad => out.fg(Color::DarkRed),
        Tone::Hint => out.fg(Color::DarkCyan),
        Tone::Dim => out.add_attribute(Attribute::Dim),
        Tone::Strong => out.add_attribute(Attribute::Bold),
        Tone::One(number) => {
            let colours = [
                Color::DarkCyan,
                Color::DarkYellow,
                Color::DarkMagenta,
                Color::DarkGreen,
            ];
            out.fg(colours[number % colours.len()])
        }
    }
}

fn total(widths: impl ExactSizeIterator<Item = usize>) -> usize {
    let gaps = widths.len().saturating_sub(1) * GAP;
    widths.sum::<usize>() + gaps
}

fn blank(out: &mut String, mut blanks: usize) {
    const BLANKS: &str = "                                                                ";
    while blanks > 0 {
        let part = blanks.min(BLANKS.len());
        out.push_str(&BLANKS[..part]);
        blanks -= part;
    }
}

fn display_width(text: &str) -> usize {
    if text.is_ascii() {
        text.len()
    } else {
        text.width()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let mut table = Table::new()
            .column("name")
            .number("load")
            .extra("aliases")
            .extra("tls");
        let bad = Cell::new("none", Tone::Bad);
        table.row([
            "a".into(),
            "7".into(),
            "www.a.example b.example".into(),
            bad,
        ]);
        table.row([
            "bücher".into(),
            "100".into(),
            "".into(),
            "yes\tno\x07".into(),
        ]);
        table
    }

    fn drawn(width: Option<usize>, colour: bool) -> (String, usize) {
        let drawn = table().draw(width, colour);
        (drawn.text, drawn.hidden_columns)
    }

    #[test]
    fn rows_of_several_tables_are_sorted_by_their_first_value() {
        let part = |names: &[&str]| {
            let mut part = Table::new().column("name").extra("more");
            for name in names {
                part.row_of([(*name, Tone::Strong)]);
            }
            part
        };
        let mut table = part(&["b", "b.example.com.au", "", "\u{fc}"]);
        table.append(&part(&["b.example.com", "a much longer one", "b.exampl"]));
        table.sort();
        let expected = "\
NAME               MORE
-                  -
a much longer one  -
b                  -
b.exampl           -
b.example.com      -
b.example.com.au   -
\u{fc}                  -
";
        assert_eq!(table.draw(None, false).text, expected);
    }

    #[test]
    fn without_a_width_every_row_is_one_line_of_aligned_words() {
        let expected = "\
NAME    LOAD  ALIASES                  TLS
a          7  www.a.example b.example  none
bücher   100  -                        yes no\\u{7}
";
        assert_eq!(drawn(None, false), (expected.to_owned(), 0));
    }

    #[test]
    fn colours_do_not_move_columns() {
        let (text, _) = drawn(None, true);
        let bare = text
            .replace("\x1b[2m", "")
            .replace("\x1b[31m", "")
            .replace("\x1b[0m", "");
        assert_eq!(bare, drawn(None, false).0);
        assert!(text.contains("\x1b[31mnone\x1b[0m"), "{text}");
    }

    #[test]
    fn the_widest_extra_column_goes_and_narrow_ones_stay() {
        let (text, hidden) = drawn(Some(30), false);
        assert_eq!(hidden, 1);
        assert!(text.starts_with("NAME    LOAD  TLS\n"), "{text}");
        assert_eq!(drawn(Some(14), false).1, 2);
        assert_eq!(drawn(Some(54), false).1, 0);
    }

    #[test]
    fn what_must_be_shown_wraps_within_the_width() {
        let mut table = Table::new().column("name").column("why");
        let long = "the server said something that takes more than one line to tell";
        table.row(["sg-1".into(), long.into()]);
        let drawn = table.draw(Some(40), false);
        let widest = drawn.text.lines().map(|line| line.chars().count()).max();
        assert!(widest <= Some(40), "{}", drawn.text);
        let words = drawn.text.split_whitespace().skip(2);
        let told: Vec<&str> = words.filter(|word| *word != "sg-1").collect();
        assert_eq!(told.join(" "), long);
    }
}
