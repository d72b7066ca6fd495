//! How a run goes over many servers: in which waves, and after how many failures it stops.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::selector::Selector;
use super::{Server, ServerName};
use crate::diagnostic::Diagnostics;

/// A number of servers, or a share of all that take part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Share {
    /// So many.
    Count(usize),
    /// So many of a hundred, 0 to 100.
    Percent(u8),
}

impl Share {
    /// How many that are of `all`, rounded down: more than that is too many.
    pub fn at_most(self, all: usize) -> usize {
        match self {
            Self::Count(count) => count,
            Self::Percent(percent) => all * usize::from(percent) / 100,
        }
    }

    /// How many that are of `all`, rounded up: a wave of a tenth of three is one.
    pub fn at_least(self, all: usize) -> usize {
        match self {
            Self::Count(count) => count,
            Self::Percent(percent) => (all * usize::from(percent)).div_ceil(100),
        }
    }
}

impl FromStr for Share {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let bad = || format!("`{text}` is neither a number such as `3` nor a share such as `10%`");
        match text.strip_suffix('%') {
            Some(percent) => match percent.parse() {
                Ok(percent @ 0..=100) => Ok(Self::Percent(percent)),
                Ok(_) => Err(format!("`{text}` is more than all: 100% at most")),
                Err(_) => Err(bad()),
            },
            None => text.parse().map(Self::Count).map_err(|_| bad()),
        }
    }
}

impl TryFrom<String> for Share {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Share> for String {
    fn from(share: Share) -> Self {
        share.to_string()
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Count(count) => write!(f, "{count}"),
            Self::Percent(percent) => write!(f, "{percent}%"),
        }
    }
}

/// One entry of `--waves`.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Entry {
    /// A wave of so many.
    Size(Share),
    /// A wave of those that a term of a selector selects: canaries.
    Servers(Selector),
}

/// The sizes of waves: `1,10%,100%`. Each is a wave; the last one is repeated until every server had its turn. An entry
/// that is neither a number nor a share is a term of a selector: a wave of these servers, and all the others are one wave
/// more where it is the last.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Waves {
    text: String,
    entries: Vec<Entry>,
}

impl FromStr for Waves {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut entries = Vec::new();
        for word in words(text) {
            let digits = word.strip_suffix('%').unwrap_or(word);
            let is_size = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
            if is_size {
                let share: Share = word.parse()?;
                if matches!(share, Share::Count(0) | Share::Percent(0)) {
                    return Err(format!("a wave of `{word}` servers has no end"));
                }
                entries.push(Entry::Size(share));
                continue;
            }
            if word.starts_with('!') {
                return Err(format!("`{word}` says who is not in a wave, not who is"));
            }
            let selector = Selector::parse(&[word.to_owned()]);
            entries.push(Entry::Servers(selector.map_err(|wrong| wrong.to_string())?));
        }
        Ok(Self {
            text: text.to_owned(),
            entries,
        })
    }
}

impl TryFrom<String> for Waves {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Waves> for String {
    fn from(waves: Waves) -> Self {
        waves.text
    }
}

impl fmt::Display for Waves {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Waves {
    /// The waves of `servers`, which keep their order in each. Shares are of all of them; a wave that nobody is in is left
    /// out. `inventory` is what selectors select from.
    ///
    /// # Errors
    /// A term that selects no server of the inventory.
    pub fn of(
        &self,
        servers: &[ServerName],
        inventory: &BTreeMap<ServerName, Server>,
    ) -> Result<Vec<Vec<ServerName>>, Diagnostics> {
        let all = servers.len();
        let mut waiting: Vec<ServerName> = servers.to_vec();
        let mut waves = Vec::new();
        let mut last = Share::Percent(100);
        for entry in &self.entries {
            let wave = match entry {
                Entry::Size(share) => {
                    last = *share;
                    let size = share.at_least(all).min(waiting.len());
                    waiting.drain(..size).collect()
                }
                Entry::Servers(selector) => {
                    last = Share::Percent(100);
                    let selected = selector.select(inventory)?;
                    let names: BTreeSet<&ServerName> = selected.iter().map(|s| &s.name).collect();
                    let (chosen, others) =
                        waiting.into_iter().partition(|name| names.contains(name));
                    waiting = others;
                    chosen
                }
            };
            waves.push(wave);
        }
        let size = last.at_least(all).max(1);
        waves.extend(waiting.chunks(size).map(<[ServerName]>::to_vec));
        waves.retain(|wave: &Vec<ServerName>| !wave.is_empty());
        Ok(waves)
    }
}

/// The entries of a text: split at commas that are not inside `[...]`.
fn words(text: &str) -> impl Iterator<Item = &str> {
    let mut inside = false;
    text.split(move |c| {
        inside = (inside || c == '[') && c != ']';
        c == ',' && !inside
    })
    .map(str::trim)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn fleet(count: usize) -> (Vec<ServerName>, BTreeMap<ServerName, Server>) {
        let names: Vec<ServerName> = (1..=count)
            .map(|number| format!("sg-{number:02}").parse().unwrap())
            .collect();
        let inventory = names.iter().map(|name| {
            let mut server = Server::new(name.clone(), "192.0.2.1");
            if name.as_str().ends_with('7') {
                server.labels.insert("canary".to_owned(), "yes".to_owned());
            }
            (name.clone(), server)
        });
        (names.clone(), inventory.collect())
    }

    /// The sizes of the waves, with the name that begins each.
    fn split(waves: &str, count: usize) -> Vec<String> {
        let (names, inventory) = fleet(count);
        let waves: Waves = waves.parse().unwrap();
        let waves = waves.of(&names, &inventory).unwrap();
        let mut seen: Vec<&ServerName> = waves.iter().flatten().collect();
        seen.sort();
        assert!(seen.into_iter().eq(names.iter()), "each server once");
        waves
            .iter()
            .map(|wave| format!("{}:{}", wave[0], wave.len()))
            .collect()
    }

    #[test]
    fn the_last_size_is_repeated_until_all_had_their_turn() {
        let cases: [(&str, usize, &[&str]); 9] = [
            ("1,10%,100%", 20, &["sg-01:1", "sg-02:2", "sg-04:17"]),
            ("1,10%,100%", 3, &["sg-01:1", "sg-02:1", "sg-03:1"]),
            ("1,10%,100%", 1, &["sg-01:1"]),
            ("2", 5, &["sg-01:2", "sg-03:2", "sg-05:1"]),
            ("50%", 3, &["sg-01:2", "sg-03:1"]),
            ("100%", 4, &["sg-01:4"]),
            ("500", 4, &["sg-01:4"]),
            (
                "label:canary, 2, 100%",
                9,
                &["sg-07:1", "sg-01:2", "sg-03:6"],
            ),
            ("sg-[03-04],sg-05", 6, &["sg-03:2", "sg-05:1", "sg-01:3"]),
        ];
        for (waves, count, expected) in cases {
            assert_eq!(split(waves, count), expected, "{waves} of {count}");
        }
    }

    #[test]
    fn canaries_that_take_no_part_are_passed_over() {
        let (names, inventory) = fleet(8);
        let waves: Waves = "sg-07,100%".parse().unwrap();
        let waves = waves.of(&names[..3], &inventory).unwrap();
        assert_eq!(waves, [names[..3].to_vec()]);
    }

    #[test]
    fn what_is_no_wave_is_refused() {
        for text in ["", "0", "0%", "101%", "1,,2", "!sg-1", "label:"] {
            assert!(text.parse::<Waves>().is_err(), "{text}");
        }
        let (names, inventory) = fleet(3);
        let waves: Waves = "sg-9".parse().unwrap();
        assert!(waves.of(&names, &inventory).is_err());
    }

    #[test]
    fn a_share_of_failures_is_rounded_down_and_one_of_a_wave_up() {
        let tenth: Share = "10%".parse().unwrap();
        assert_eq!((tenth.at_most(19), tenth.at_least(19)), (1, 2));
        assert_eq!(tenth.at_most(9), 0);
        let two: Share = "2".parse().unwrap();
        assert_eq!((two.at_most(1), two.to_string().as_str()), (2, "2"));
        assert!("ten".parse::<Share>().is_err());
        assert!("-1".parse::<Share>().is_err());
    }
}
