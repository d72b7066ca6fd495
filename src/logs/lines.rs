//! What a server prints of its logs, line by line: bounded, and taken apart.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;

use crate::model::ServerName;

/// The longest line that is kept, in bytes; of a longer one the beginning.
const LONGEST: usize = 64 * 1024;

/// A line of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Where it was written.
    pub server: ServerName,
    /// The log: `access`, or a unit's identifier.
    pub log: Arc<str>,
    /// When, as far as it says.
    pub at: Option<Timestamp>,
    /// The line; of the journal, the message.
    pub text: String,
    /// Which process wrote it, where the journal knows; its time is not in `text` then.
    pub process: Option<String>,
}

/// Cuts bytes into lines.
#[derive(Debug, Default)]
pub(super) struct Splitter {
    held: Vec<u8>,
    /// Whether the line was longer than is kept.
    cut: bool,
}

impl Splitter {
    /// Takes a piece, and hands over each line that ends in it.
    pub(super) fn take(&mut self, piece: &[u8], mut on_line: impl FnMut(String)) {
        let mut parts = piece.split(|byte| *byte == b'\n').peekable();
        while let Some(part) = parts.next() {
            let room = LONGEST.saturating_sub(self.held.len());
            self.cut |= part.len() > room;
            self.held.extend_from_slice(&part[..part.len().min(room)]);
            if parts.peek().is_some() {
                let mut line = String::from_utf8_lossy(&self.held).into_owned();
                if std::mem::take(&mut self.cut) {
                    line.push('…');
                }
                self.held.clear();
                on_line(line);
            }
        }
    }
}

/// What a printed line says.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Said<'a> {
    /// A line of the log with that number.
    Line(u32, Option<Timestamp>, &'a str),
    /// The log with that number: its name and path.
    Log(u32, &'a str, &'a str),
    /// How far it was read: inode and offset.
    At(u32, u64, u64),
    /// What follows is new.
    Live,
    /// Where the journal ends.
    Cursor(&'a str),
    /// There is no such unit.
    Absent(&'a str),
}

/// Reads a line that a script of this room printed; `None` for anything else.
pub(super) fn said(line: &str) -> Option<Said<'_>> {
    if let Some(rest) = line.strip_prefix(':') {
        let (time, rest) = rest.split_once(' ')?;
        let (number, text) = rest.split_once(' ')?;
        return Some(Said::Line(number.parse().ok()?, moment(time), text));
    }
    let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
    match word {
        "@live" => Some(Said::Live),
        "@cursor" => Some(Said::Cursor(rest)),
        "@absent" => Some(Said::Absent(rest)),
        "@log" => {
            let (number, rest) = rest.split_once(' ')?;
            let (name, path) = rest.split_once(' ')?;
            Some(Said::Log(number.parse().ok()?, name, path))
        }
        "@at" => {
            let mut numbers = rest.split(' ');
            let number = numbers.next()?.parse().ok()?;
            let inode = numbers.next()?.parse().ok()?;
            Some(Said::At(number, inode, numbers.next()?.parse().ok()?))
        }
        _ => None,
    }
}

/// Seconds since 1970 with fractions; zero is none.
fn moment(text: &str) -> Option<Timestamp> {
    let (seconds, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits: String = fraction
        .chars()
        .chain("000000000".chars())
        .take(9)
        .collect();
    let at = Timestamp::new(seconds.parse().ok()?, digits.parse().ok()?).ok()?;
    (at.as_second() != 0).then_some(at)
}

/// An entry of the journal as JSON, and its cursor; see journalctl(1), `json`.
pub(super) fn entry(server: &ServerName, line: &str) -> Option<(Line, String)> {
    let value: Value = serde_json::from_str(line).ok()?;
    let micros: i64 = value["__REALTIME_TIMESTAMP"].as_str()?.parse().ok()?;
    let log = text(&value["SYSLOG_IDENTIFIER"]);
    let process = text(&value["_PID"]);
    let line = Line {
        server: server.clone(),
        log: Arc::from(log.as_str()),
        at: Timestamp::from_microsecond(micros).ok(),
        text: text(&value["MESSAGE"]),
        process: Some(if process.is_empty() {
            log
        } else {
            format!("{log}[{process}]")
        }),
    };
    Some((line, value["__CURSOR"].as_str()?.to_owned()))
}

/// A field: a text, or an array of bytes when it is none; of a field that is there twice, the first.
fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(all) if all.iter().all(Value::is_u64) => {
            let bytes = all
                .iter()
                .filter_map(|byte| u8::try_from(byte.as_u64()?).ok());
            String::from_utf8_lossy(&bytes.collect::<Vec<u8>>()).into_owned()
        }
        Value::Array(all) => all.first().map(text).unwrap_or_default(),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn split(pieces: &[&[u8]]) -> Vec<String> {
        let mut splitter = Splitter::default();
        let mut lines = Vec::new();
        for piece in pieces {
            splitter.take(piece, |line| lines.push(line));
        }
        lines
    }

    #[test]
    fn lines_are_the_same_however_they_are_cut() {
        let whole = b"a\n\nb\xff c\nrest";
        for size in 1..whole.len() {
            let pieces: Vec<&[u8]> = whole.chunks(size).collect();
            assert_eq!(split(&pieces), ["a", "", "b\u{fffd} c"], "{size}");
        }
    }

    #[test]
    fn a_line_without_end_takes_no_more_than_its_share() {
        let mut splitter = Splitter::default();
        for _ in 0..100 {
            splitter.take(&[b'x'; 10_000], |_| panic!("no line yet"));
        }
        assert!(splitter.held.capacity() <= 4 * LONGEST);
        let mut lines = Vec::new();
        splitter.take(b"\nnext\n", |line| lines.push(line));
        assert_eq!(lines[0].chars().count(), LONGEST + 1);
        assert_eq!(lines[1], "next");
    }

    #[test]
    fn what_is_said_is_taken_apart() {
        let at = Timestamp::new(1_795_187_528, 250_000_000).unwrap();
        assert_eq!(
            said(":1795187528.25 2 @at 1 2 3"),
            Some(Said::Line(2, Some(at), "@at 1 2 3"))
        );
        assert_eq!(said(":0 1 x"), Some(Said::Line(1, None, "x")));
        assert_eq!(
            said("@log 1 access /a b"),
            Some(Said::Log(1, "access", "/a b"))
        );
        assert_eq!(said("@at 1 77 1024"), Some(Said::At(1, 77, 1024)));
        assert_eq!(said("@live"), Some(Said::Live));
        assert_eq!(said("@absent ngnix"), Some(Said::Absent("ngnix")));
        for other in ["", ":", ":x", "@at 1", "@at a b c", "@log 1", "noise"] {
            assert_eq!(said(other), None, "{other}");
        }
    }

    #[test]
    fn an_entry_may_hold_bytes_that_are_no_text() {
        let name: ServerName = "sg-1".parse().unwrap();
        let json = r#"{"__CURSOR":"s=1;i=2","__REALTIME_TIMESTAMP":"1795187528598373","MESSAGE":[97,255,27],"SYSLOG_IDENTIFIER":"sshd","_PID":"7"}"#;
        let (line, cursor) = entry(&name, json).unwrap();
        assert_eq!(line.text, "a\u{fffd}\u{1b}");
        assert_eq!(line.process.as_deref(), Some("sshd[7]"));
        assert_eq!(cursor, "s=1;i=2");
        assert_eq!(entry(&name, "-- No entries --"), None);
    }
}
