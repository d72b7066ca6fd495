//! A command line that is being typed: taken apart into words, and words made fit to stand in it.

use super::Shell;

/// The words of a line up to the cursor.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Line {
    /// Without quotes; the last is the one being typed, and may be empty.
    pub(super) words: Vec<String>,
    /// The quote that the last word is in.
    pub(super) quote: Option<char>,
}

impl Line {
    /// The words as a shell took them apart.
    pub(super) fn of_words(words: Vec<String>) -> Self {
        Self { words, quote: None }
    }

    /// Takes a line apart by the rules of POSIX shells (XCU 2.2), where a quote may still be open at the end.
    pub(super) fn split(text: &str) -> Self {
        let mut words = Vec::new();
        let mut word = String::new();
        let mut within = false;
        let mut quote = None;
        let mut letters = text.chars();
        while let Some(letter) = letters.next() {
            match (quote, letter) {
                (None, ' ' | '\t' | '\n') => {
                    if within {
                        words.push(std::mem::take(&mut word));
                    }
                    within = false;
                    continue;
                }
                (None, '\'' | '"') => quote = Some(letter),
                (Some(open), _) if open == letter => quote = None,
                (None | Some('"'), '\\') => word.extend(letters.next()),
                _ => word.push(letter),
            }
            within = true;
        }
        words.push(word);
        Self { words, quote }
    }
}

/// `text` as it is typed where words are quoted with `quote`.
pub(super) fn quoted(text: &str, shell: Shell, quote: Option<char>) -> String {
    let plain = |c: char| c.is_alphanumeric() || "_./:=@%+-".contains(c);
    match shell {
        // These quote what they are given.
        Shell::Zsh | Shell::Fish => text.to_owned(),
        Shell::Bash if quote.is_some() => text.to_owned(),
        Shell::Bash => {
            let mut out = String::with_capacity(text.len());
            for c in text.chars() {
                if !plain(c) && c != ',' {
                    out.push('\\');
                }
                out.push(c);
            }
            out
        }
        Shell::Powershell if text.chars().all(plain) && !text.starts_with('@') => text.to_owned(),
        Shell::Powershell => format!("'{}'", text.replace('\'', "''")),
    }
}

/// How many bytes of the word being typed the shell's editor takes for words of their own, since they end with one of
/// `breaks` (`COMP_WORDBREAKS` of bash(1)): what replaces the last of them begins after that.
pub(super) fn cut(word: &str, breaks: &str) -> usize {
    let last = word.char_indices().rfind(|(_, c)| breaks.contains(*c));
    last.map_or(0, |(at, c)| at + c.len_utf8())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_line_is_taken_apart_as_the_shell_will() {
        let cases: [(&str, &[&str], Option<char>); 9] = [
            ("fleet ", &["fleet", ""], None),
            ("fleet add-site exa", &["fleet", "add-site", "exa"], None),
            ("fleet  'a b' c", &["fleet", "a b", "c"], None),
            ("fleet 'a b", &["fleet", "a b"], Some('\'')),
            ("fleet \"a 'b\\\" ", &["fleet", "a 'b\" "], Some('"')),
            ("fleet a\\ b", &["fleet", "a b"], None),
            ("fleet a\\", &["fleet", "a"], None),
            ("fleet '' ", &["fleet", "", ""], None),
            ("", &[""], None),
        ];
        for (text, words, quote) in cases {
            let line = Line::split(text);
            assert_eq!(line.words, words, "{text}");
            assert_eq!(line.quote, quote, "{text}");
        }
    }

    #[test]
    fn what_is_offered_survives_the_shell() {
        for text in ["*.example.com", "tier=a b", "it's", "$HOME", "@", "a,b", "ä"] {
            let words = shlex::split(&quoted(text, Shell::Bash, None)).unwrap();
            assert_eq!(words, [text]);
        }
        assert_eq!(quoted("a,b", Shell::Powershell, None), "'a,b'");
        assert_eq!(quoted("it's", Shell::Powershell, None), "'it''s'");
        assert_eq!(quoted("@", Shell::Powershell, None), "'@'");
        assert_eq!(quoted("--server", Shell::Powershell, None), "--server");
    }

    #[test]
    fn what_the_editor_broke_off_stays() {
        let breaks = " \t\n\"'@><=;|&(:";
        assert_eq!(cut("region=sing", breaks), 7);
        assert_eq!(cut("--server=label:tier=g", breaks), 20);
        assert_eq!(cut("site:", breaks), 5);
        assert_eq!(cut("sg-1", breaks), 0);
    }
}
