//! Lines of several servers by time, while they come in.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use jiff::Timestamp;

use super::Line;

/// How much is held back at most, in bytes; then the oldest line goes out, whatever may still come before it.
const ROOM: usize = 4 * 1024 * 1024;

/// What a line takes besides its text.
const COST: usize = 200;

/// Holds lines back for a moment, so that those of other servers which were written before them go first.
#[derive(Debug, Default)]
pub struct Window {
    held: BinaryHeap<Reverse<Held>>,
    bytes: usize,
    number: u64,
    /// The latest that came before the last turn, and after it.
    settled: Option<Key>,
    fresh: Option<Key>,
}

type Key = (Option<Timestamp>, u64);

#[derive(Debug)]
struct Held(Key, Line);

impl PartialEq for Held {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl Eq for Held {}

impl PartialOrd for Held {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Held {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.cmp(&other.0)
    }
}

impl Window {
    /// Takes a line; the oldest comes back when there is no more room.
    pub fn push(&mut self, line: Line) -> Option<Line> {
        self.number += 1;
        let key = (line.at, self.number);
        self.bytes += line.text.len() + COST;
        self.held.push(Reverse(Held(key, line)));
        self.fresh = self.fresh.max(Some(key));
        if self.bytes > ROOM { self.pop() } else { None }
    }

    /// Hands over, in order, all that has been held through a whole turn, and begins the next one.
    pub fn turn(&mut self) -> Vec<Line> {
        let mut out = Vec::new();
        while let Some(Reverse(held)) = self.held.peek()
            && Some(held.0) <= self.settled
        {
            out.extend(self.pop());
        }
        self.settled = self.fresh.take();
        out
    }

    /// Hands over all of it.
    pub fn clear(&mut self) -> Vec<Line> {
        self.settled = None;
        self.fresh = None;
        std::iter::from_fn(|| self.pop()).collect()
    }

    fn pop(&mut self) -> Option<Line> {
        let Reverse(Held(_, line)) = self.held.pop()?;
        self.bytes -= line.text.len() + COST;
        Some(line)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::sync::Arc;

    use super::*;

    fn line(at: i64, text: &str) -> Line {
        Line {
            server: "sg-1".parse().unwrap(),
            log: Arc::from("access"),
            at: Timestamp::from_second(at).ok(),
            text: text.to_owned(),
            process: None,
        }
    }

    fn texts(lines: &[Line]) -> Vec<&str> {
        lines.iter().map(|line| line.text.as_str()).collect()
    }

    #[test]
    fn what_comes_a_little_late_still_comes_in_order() {
        let mut window = Window::default();
        window.push(line(5, "five"));
        assert!(window.turn().is_empty());
        window.push(line(4, "four"));
        window.push(line(9, "nine"));
        assert_eq!(texts(&window.turn()), ["four", "five"]);
        assert_eq!(texts(&window.turn()), ["nine"]);
        assert!(window.turn().is_empty());
    }

    #[test]
    fn lines_of_one_moment_stay_as_they_came() {
        let mut window = Window::default();
        for text in ["a", "b", "c"] {
            window.push(line(5, text));
        }
        assert_eq!(texts(&window.clear()), ["a", "b", "c"]);
    }

    #[test]
    fn a_flood_takes_no_more_than_there_is_room() {
        let mut window = Window::default();
        let mut out = 0;
        for number in 0..100_000 {
            out += usize::from(window.push(line(number, &"x".repeat(1000))).is_some());
        }
        assert!(window.bytes <= ROOM);
        assert_eq!(out + window.clear().len(), 100_000);
    }
}
