//! Tones of text: what a piece of output means, and the colour that says so at a terminal.

/// What a piece of text means; a terminal with colours shows it, everything else gets the bare text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tone {
    /// Ordinary text.
    #[default]
    Plain,
    /// All is well; something was created.
    Good,
    /// Needs attention; something was changed.
    Warn,
    /// Failed; something was deleted.
    Bad,
    /// Of little interest.
    Dim,
    /// A heading or a name.
    Strong,
    /// What to do next.
    Hint,
    /// One of several things that are told apart; those of different numbers look different, as far as that goes.
    One(usize),
}

/// Colours that can be read on black and on white, and mean nothing by themselves.
const ONES: [&str; 6] = ["36", "33", "35", "32", "34", "1;36"];

impl Tone {
    /// The "Select Graphic Rendition" parameters (ECMA-48 8.3.117).
    fn parameters(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Good => "32",
            Self::Warn => "33",
            Self::Bad => "31",
            Self::Dim => "2",
            Self::Strong => "1",
            Self::Hint => "36",
            Self::One(number) => ONES[number % ONES.len()],
        }
    }
}

/// Appends `text` in `tone`; without `colour` the bare text.
pub fn paint(out: &mut String, text: &str, tone: Tone, colour: bool) {
    if colour && tone != Tone::Plain && !text.is_empty() {
        out.push_str("\x1b[");
        out.push_str(tone.parameters());
        out.push('m');
        out.push_str(text);
        out.push_str("\x1b[0m");
    } else {
        out.push_str(text);
    }
}

/// `text` without what could steer a terminal: control characters become `\u{..}`; newline and tab stay.
///
/// Names, file contents and error messages come from servers, and must not be able to move the cursor,
/// change the title or hide a line of a plan.
pub fn harmless(text: &str) -> std::borrow::Cow<'_, str> {
    let steers = |c: char| (c.is_control() && c != '\n' && c != '\t') || is_bidi(c);
    if !text.contains(steers) {
        return text.into();
    }
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if steers(c) {
            out.extend(c.escape_unicode());
        } else {
            out.push(c);
        }
    }
    out.into()
}

/// Characters that reorder the text around them (Unicode UAX #9), which lets a line read as what it is not.
fn is_bidi(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_from_a_server_cannot_steer_the_terminal() {
        assert_eq!(harmless("plain\ttext\n"), "plain\ttext\n");
        assert_eq!(harmless("a\x1b[2Jb\r"), "a\\u{1b}[2Jb\\u{d}");
        assert_eq!(harmless("\u{202e}gpj.exe"), "\\u{202e}gpj.exe");
        assert_eq!(harmless("\u{9b}31m"), "\\u{9b}31m");
    }

    #[test]
    fn colour_only_when_asked_for() {
        let mut out = String::new();
        paint(&mut out, "up", Tone::Good, false);
        paint(&mut out, "down", Tone::Bad, true);
        assert_eq!(out, "up\x1b[31mdown\x1b[0m");
    }
}
