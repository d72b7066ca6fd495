//! Where the output of a script goes: line by line, or as the bytes it is.

use std::ops::ControlFlow;

/// Takes what a script prints.
pub(super) enum Sink<'a> {
    /// Line by line, as text.
    Lines(&'a mut (dyn FnMut(&str) + Send)),
    /// As it comes. While it does not return, nothing more is read from the server, which then has to wait; it may say
    /// that it wants no more.
    Bytes(&'a mut (dyn FnMut(&[u8]) -> ControlFlow<()> + Send)),
}

impl Sink<'_> {
    /// Whether it takes bytes.
    pub(super) fn is_raw(&self) -> bool {
        matches!(self, Self::Bytes(_))
    }

    /// Hands over a line, or bytes; breaks when no more are wanted.
    pub(super) fn give(&mut self, bytes: &[u8]) -> ControlFlow<()> {
        match self {
            Self::Lines(on_line) => on_line(&String::from_utf8_lossy(bytes)),
            Self::Bytes(_) if bytes.is_empty() => {}
            Self::Bytes(on_bytes) => return on_bytes(bytes),
        }
        ControlFlow::Continue(())
    }
}

/// Takes from `held` what comes before `mark`, and tells whether the mark was there. The mark itself stays, and so does
/// an end that may be the beginning of one; no more than that, for somebody may wait for what has been printed.
pub(super) fn until_mark(held: &mut Vec<u8>, mark: &[u8]) -> (Vec<u8>, bool) {
    let found = position(held, mark);
    let beginning = || {
        (1..mark.len())
            .rev()
            .find(|&length| held.ends_with(&mark[..length]))
    };
    let end = found.unwrap_or_else(|| held.len() - beginning().unwrap_or_default());
    let rest = held.split_off(end);
    (std::mem::replace(held, rest), found.is_some())
}

fn position(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    let first = *needle.first()?;
    let mut from = 0;
    while let Some(at) = haystack[from..].iter().position(|byte| *byte == first) {
        let here = from + at;
        if haystack[here..].starts_with(needle) {
            return Some(here);
        }
        from = here + 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_may_be_the_mark_waits() {
        for (text, waits) in [
            ("a line\n", ""),
            ("a 01", "01"),
            ("0123 e", "0123 e"),
            ("00", "0"),
            ("", ""),
        ] {
            let mut held = text.as_bytes().to_vec();
            let (taken, found) = until_mark(&mut held, b"0123 end");
            assert!(!found);
            assert_eq!(held, waits.as_bytes(), "{text:?}");
            assert_eq!(taken.len() + waits.len(), text.len());
        }
    }

    #[test]
    fn bytes_come_whole_however_they_are_cut() {
        let mark = b"0123 end";
        let sent = b"a\n0123 en0123\0\xff\n00123 end 0\n";
        for piece in 1..=sent.len() {
            let mut held = Vec::new();
            let mut got = Vec::new();
            let mut found = false;
            for part in sent.chunks(piece) {
                held.extend_from_slice(part);
                if !found {
                    let (bytes, end) = until_mark(&mut held, mark);
                    got.extend(bytes);
                    found = end;
                }
            }
            assert_eq!(got, b"a\n0123 en0123\0\xff\n0", "pieces of {piece}");
            assert!(found && held == b"0123 end 0\n");
        }
    }
}
