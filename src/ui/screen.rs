//! The whole terminal as one picture that is drawn again and again: for a watch.

use std::fmt::Write as _;

use super::{Page, Ui};

/// Switches to the alternate screen, hides the cursor and lets lines that are too long be cut (xterm's control
/// sequences 1049, 25 and 7; <https://invisible-island.net/xterm/ctlseqs/ctlseqs.html>).
const ENTER: &str = "\x1b[?1049h\x1b[?25l\x1b[?7l";

/// The way back.
const LEAVE: &str = "\x1b[?7h\x1b[?25h\x1b[?1049l";

/// The screen of the terminal; what stood there comes back when it is dropped.
#[derive(Debug)]
pub struct Screen<'a> {
    ui: &'a Ui,
}

impl Ui {
    /// Takes the whole screen; `None` when stdout is no terminal that can move its cursor.
    pub fn screen(&self) -> Option<Screen<'_>> {
        if !self.settings.stdout.is_terminal || !self.settings.can_redraw {
            return None;
        }
        let _ = self.print(ENTER);
        Some(Screen { ui: self })
    }
}

impl Screen<'_> {
    /// Draws a page for a terminal of so many columns and rows; what does not fit is counted in the last line.
    pub fn draw(&self, (columns, rows): (usize, usize), text: impl FnOnce(&mut Page)) {
        let mut page = Page::new(Some(columns), self.ui.settings.stdout.colour);
        text(&mut page);
        // A terminal that is gone ends the watch by its signal.
        let _ = self.ui.print(&picture(&page.finish(), rows));
    }
}

impl Drop for Screen<'_> {
    fn drop(&mut self) {
        let _ = self.ui.print(LEAVE);
    }
}

/// The text from the upper left corner on, each line cleared to its end, and the rest of the screen cleared.
fn picture(text: &str, rows: usize) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let rows = rows.max(1);
    let shown = if lines.len() > rows {
        &lines[..rows - 1]
    } else {
        &lines[..]
    };
    let mut picture = "\x1b[H".to_owned();
    for (index, line) in shown.iter().enumerate() {
        if index > 0 {
            picture.push_str("\r\n");
        }
        picture.push_str(line);
        picture.push_str("\x1b[K");
    }
    let hidden = lines.len() - shown.len();
    if hidden > 0 {
        if !shown.is_empty() {
            picture.push_str("\r\n");
        }
        let _ = write!(picture, "... {hidden} more lines\x1b[K");
    }
    picture.push_str("\x1b[J");
    picture
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_fits_the_screen() {
        assert_eq!(picture("a\nb\n", 2), "\x1b[Ha\x1b[K\r\nb\x1b[K\x1b[J");
        assert_eq!(
            picture("a\nb\nc\n", 2),
            "\x1b[Ha\x1b[K\r\n... 2 more lines\x1b[K\x1b[J"
        );
        assert_eq!(picture("a\nb\n", 0), "\x1b[H... 2 more lines\x1b[K\x1b[J");
        assert_eq!(picture("", 5), "\x1b[H\x1b[J");
    }
}
