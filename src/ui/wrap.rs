//! Paragraphs for a terminal: broken at blanks, so that no word, path or command is torn.

use unicode_width::UnicodeWidthStr;

/// The lines of `text` for `width` columns. What is in backticks stays in one piece where a line has room for it, to be
/// copied; what has no blank stays whole, however long it is.
pub(super) fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    for paragraph in text.lines() {
        let mut line = String::new();
        let mut used = 0;
        let mut begun = false;
        for piece in pieces(paragraph, width) {
            let wide = piece.width();
            if begun && used + 1 + wide > width {
                lines.push(std::mem::take(&mut line));
                used = 0;
            } else if begun {
                line.push(' ');
                used += 1;
            }
            line.push_str(piece);
            used += wide;
            begun = true;
        }
        lines.push(line);
    }
    lines
}

/// What a line is not broken within.
fn pieces(paragraph: &str, width: usize) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut begin = 0;
    let mut ticks = false;
    for (at, c) in paragraph.char_indices() {
        match c {
            '`' => ticks = !ticks,
            ' ' if !ticks => {
                pieces.push(&paragraph[begin..at]);
                begin = at + 1;
            }
            _ => {}
        }
    }
    pieces.push(&paragraph[begin..]);
    let apart = |piece: &'_ str| piece.width() > width;
    pieces
        .into_iter()
        .flat_map(|piece| {
            let words: Vec<&str> = if apart(piece) {
                piece.split(' ').collect()
            } else {
                vec![piece]
            };
            words
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::wrap;

    #[test]
    fn lines_break_at_blanks_and_nowhere_else() {
        for (text, width, expected) in [
            ("one two three", 7, &["one two", "three"][..]),
            ("one two three", 80, &["one two three"]),
            ("", 10, &[]),
            ("a  b", 10, &["a  b"]),
            // A path or an address is torn nowhere.
            (
                "see /var/lib/fleet/long there",
                8,
                &["see", "/var/lib/fleet/long", "there"],
            ),
            // A command stays in one piece, unless no line has room for it.
            ("see `fleet plan` now", 12, &["see", "`fleet plan`", "now"]),
            (
                "`fleet set-site a.example --www`",
                12,
                &["`fleet", "set-site", "a.example", "--www`"],
            ),
            (
                "an odd ` tick and more",
                8,
                &["an odd `", "tick and", "more"],
            ),
            ("äöü äöü", 7, &["äöü äöü"]),
            ("one\ntwo three", 5, &["one", "two", "three"]),
        ] {
            assert_eq!(wrap(text, width), expected, "{text:?} in {width}");
        }
    }
}
