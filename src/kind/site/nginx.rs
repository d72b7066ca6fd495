//! nginx configuration under construction: fixed text of fleet's own, and values that cannot become anything else.
//!
//! The words follow nginx's own reader (`ngx_conf_read_token` in `src/core/ngx_conf_file.c`): inside double quotes
//! only `\` and `"` need an escape. A `$` cannot be escaped in nginx at all, so a value that holds one is refused,
//! as are control characters.

use crate::diagnostic::Invalid;

/// A part of a word.
#[derive(Clone, Copy, Debug)]
pub(super) enum Part<'a> {
    /// Text of fleet's own source, written as it is; variables work in it.
    Fixed(&'static str),
    /// A value, quoted; variables do not work in it.
    Value(&'a str),
}

/// A word of a directive: one or several parts without space between.
#[derive(Clone, Debug)]
pub(super) struct Word<'a>(Vec<Part<'a>>);

/// A word of fleet's own.
pub(super) fn fixed(text: &'static str) -> Word<'static> {
    Word(vec![Part::Fixed(text)])
}

/// A word that is a value.
pub(super) fn value(text: &str) -> Word<'_> {
    Word(vec![Part::Value(text)])
}

/// A word of several parts: `"/new"` and `$is_args$args`.
pub(super) fn joined<'a>(parts: impl IntoIterator<Item = Part<'a>>) -> Word<'a> {
    Word(parts.into_iter().collect())
}

/// A configuration file, or a part of one.
#[derive(Debug, Default)]
pub(super) struct Conf {
    text: String,
    depth: usize,
    refused: Vec<String>,
}

impl Conf {
    /// An empty file.
    pub(super) fn new() -> Self {
        Self::default()
    }

    /// A comment line.
    pub(super) fn comment(&mut self, text: &'static str) -> &mut Self {
        self.indent();
        self.text.push_str("# ");
        self.text.push_str(text);
        self.text.push('\n');
        self
    }

    /// An empty line.
    pub(super) fn gap(&mut self) -> &mut Self {
        self.text.push('\n');
        self
    }

    /// A directive that is fleet's own as a whole: `gzip on`.
    pub(super) fn fixed(&mut self, directive: &'static str) -> &mut Self {
        self.indent();
        self.text.push_str(directive);
        self.text.push_str(";\n");
        self
    }

    /// A directive with its words.
    pub(super) fn line<'a>(
        &mut self,
        name: &'static str,
        words: impl IntoIterator<Item = Word<'a>>,
    ) -> &mut Self {
        self.head(name, words);
        self.text.push_str(";\n");
        self
    }

    /// An entry of a block that is a table: a key of fleet's own making, and its value.
    pub(super) fn entry(&mut self, key: &str, to: &Word<'_>) -> &mut Self {
        self.indent();
        self.word(&[Part::Value(key)]);
        self.text.push(' ');
        self.word(&to.0);
        self.text.push_str(";\n");
        self
    }

    /// A block with its words and what is in it.
    pub(super) fn block<'a>(
        &mut self,
        name: &'static str,
        words: impl IntoIterator<Item = Word<'a>>,
        inside: impl FnOnce(&mut Self),
    ) -> &mut Self {
        self.head(name, words);
        self.text.push_str(" {\n");
        self.depth += 1;
        inside(self);
        self.depth -= 1;
        self.indent();
        self.text.push_str("}\n");
        self
    }

    /// The finished text; an error when a value cannot be written. Values are checked at the edge, so that error
    /// means a check is missing there.
    pub(super) fn finish(self) -> Result<String, Invalid> {
        let mut invalid = Invalid::default();
        for value in self.refused {
            invalid.push(
                "",
                format!(
                    "`{}` cannot be written to nginx's configuration",
                    value.escape_debug()
                ),
            );
        }
        invalid.into_result()?;
        Ok(self.text)
    }

    fn indent(&mut self) {
        for _ in 0..self.depth {
            self.text.push_str("    ");
        }
    }

    fn head<'a>(&mut self, name: &'static str, words: impl IntoIterator<Item = Word<'a>>) {
        self.indent();
        self.text.push_str(name);
        for Word(parts) in words {
            self.text.push(' ');
            self.word(&parts);
        }
    }

    /// Writes one word. nginx reads a quoted word as a whole, so all parts go into one pair of quotes.
    fn word(&mut self, parts: &[Part<'_>]) {
        for part in parts {
            if let Part::Value(text) = part
                && !is_writable(text)
            {
                self.refused.push((*text).to_owned());
                return;
            }
        }
        let bare = parts.iter().all(|part| match part {
            Part::Fixed(_) => true,
            Part::Value(text) => is_bare(text),
        });
        if bare {
            for part in parts {
                let (Part::Fixed(text) | Part::Value(text)) = part;
                self.text.push_str(text);
            }
            return;
        }
        self.text.push('"');
        for part in parts {
            match part {
                Part::Fixed(text) => self.text.push_str(text),
                Part::Value(text) => {
                    for c in text.chars() {
                        if c == '"' || c == '\\' {
                            self.text.push('\\');
                        }
                        self.text.push(c);
                    }
                }
            }
        }
        self.text.push('"');
    }
}

/// Whether nginx's reader can give `text` back exactly, as plain text.
pub(super) fn is_writable(text: &str) -> bool {
    !text.contains('$') && !text.chars().any(char::is_control)
}

/// Whether `text` reads as one word without quotes.
fn is_bare(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"-._/:@%+,=*?&[]~".contains(&b))
}

/// `text` as a literal inside a regular expression of nginx (PCRE).
pub(super) fn regex_literal(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if c.is_ascii() && !c.is_ascii_alphanumeric() && !"/_-".contains(c) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::super::scan::{Token, tokens};
    use super::*;

    #[test]
    fn words_are_quoted_when_they_must_be() {
        let mut conf = Conf::new();
        conf.block("location", [fixed("="), value("/a b")], |conf| {
            conf.line("add_header", [value("X-A"), value("a \"b\" \\ ; {c} # d")]);
            conf.line(
                "return",
                [
                    fixed("301"),
                    joined([Part::Value("/new"), Part::Fixed("$is_args$args")]),
                ],
            );
        });
        assert_eq!(
            conf.finish().unwrap(),
            "location = \"/a b\" {\n    add_header X-A \"a \\\"b\\\" \\\\ ; {c} # d\";\n    return 301 /new$is_args$args;\n}\n"
        );
    }

    #[test]
    fn variables_and_control_characters_are_refused() {
        for bad in ["$host", "a${b}", "a\nb", "a\0", "\u{7f}", "a\tb"] {
            let mut conf = Conf::new();
            conf.line("root", [value(bad)]);
            assert!(conf.finish().is_err(), "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn a_value_is_refused_or_read_back_exactly(text in any::<String>(), plain in "[ -~]{0,30}") {
            for text in [text, plain] {
                let mut conf = Conf::new();
                conf.block("server", [], |conf| {
                    conf.line("first", [value(&text), fixed("x")]);
                    conf.line("second", [joined([Part::Fixed("a"), Part::Value(&text)])]);
                });
                match conf.finish() {
                    Err(_) => prop_assert!(!is_writable(&text)),
                    Ok(written) => {
                        let word = |text: &str| Token::Word(text.to_owned());
                        prop_assert_eq!(tokens(&written).unwrap(), vec![
                            word("server"), Token::Open,
                            word("first"), word(&text), word("x"), Token::End,
                            word("second"), word(&format!("a{text}")), Token::End,
                            Token::Close,
                        ]);
                    }
                }
            }
        }
    }
}
