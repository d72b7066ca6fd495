//! What the looks at a server measured over time, and how much of it the server was up.

use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;

use super::{Health, Observation};

/// How much time a sample stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Span {
    /// A minute: the finest that is kept, so that a screen that looks every other second does not fill the database.
    Minute,
    /// An hour.
    Hour,
    /// A day of UTC.
    Day,
}

impl Span {
    /// All of them, the finest first.
    pub const ALL: [Self; 3] = [Self::Minute, Self::Hour, Self::Day];

    /// Its length in milliseconds.
    pub fn millis(self) -> i64 {
        match self {
            Self::Minute => 60_000,
            Self::Hour => 3_600_000,
            Self::Day => 86_400_000,
        }
    }

    /// For how long samples of it are kept, in milliseconds: minutes for 26 hours, hours for 35 days, days for 400.
    pub fn kept_millis(self) -> i64 {
        match self {
            Self::Minute => 26 * 3_600_000,
            Self::Hour => 35 * 86_400_000,
            Self::Day => 400 * 86_400_000,
        }
    }

    /// When the span began that `millis` (since the Unix epoch) lies in.
    pub fn begin(self, millis: i64) -> i64 {
        millis.div_euclid(self.millis()) * self.millis()
    }
}

/// What the looks of a minute, an hour or a day measured of a server.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Sample {
    /// When the minute, hour or day begins (UTC).
    pub at: Timestamp,
    /// The gravest that was seen.
    pub worst: Health,
    /// How many looks there were.
    pub looks: u64,
    /// How much of the time up to these looks is known, and how much of that the server was up.
    #[serde(flatten)]
    pub share: Share,
    /// Milliseconds from connecting to the first answer, on average; this and what follows only when it answered.
    pub connect_ms: Option<u64>,
    /// Load average over five minutes, on average.
    pub load: Option<f64>,
    /// Memory in use, in percent, on average.
    pub memory_percent: Option<f64>,
    /// The most that was used of any of its disks, in percent; the same for inodes.
    pub disk_percent: Option<u8>,
}

/// How much of a time is known, and how much of that a server was up.
///
/// What a look saw holds until the next one, but no longer than `[health] longest_gap`: what comes after that is not
/// known, and not counted. Online and degraded are up, offline is down; after an error (reached, but it could not be
/// looked at) nothing is known either.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Share {
    /// Milliseconds of which something is known.
    pub known_ms: u64,
    /// Of these, milliseconds at which it was up.
    pub up_ms: u64,
}

impl Share {
    /// The share between two looks at `from` and `to`, of which the first saw `health`.
    pub fn between(health: Health, from: Timestamp, to: Timestamp, longest_gap: Duration) -> Self {
        let passed = to.as_millisecond().saturating_sub(from.as_millisecond());
        // A clock that was put back tells nothing.
        let passed = u64::try_from(passed).unwrap_or(0);
        let most = u64::try_from(longest_gap.as_millis()).unwrap_or(u64::MAX);
        let known_ms = passed.min(most);
        match health {
            Health::Online | Health::Degraded => Self {
                known_ms,
                up_ms: known_ms,
            },
            Health::Offline => Self { known_ms, up_ms: 0 },
            Health::Error => Self::default(),
        }
    }

    /// The sum of both.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            known_ms: self.known_ms.saturating_add(other.known_ms),
            up_ms: self.up_ms.saturating_add(other.up_ms),
        }
    }

    /// Of what is known, how much it was up, in percent; `None` while nothing is known.
    #[expect(
        clippy::cast_precision_loss,
        reason = "a year has less milliseconds than a double has digits"
    )]
    pub fn percent(self) -> Option<f64> {
        (self.known_ms > 0).then(|| self.up_ms as f64 * 100.0 / self.known_ms as f64)
    }

    /// [`Self::percent`] with two decimals, cut and not rounded, so that 100 means always: `99.98%`; `-` while nothing
    /// is known.
    pub fn words(self) -> String {
        if self.known_ms == 0 {
            return "-".to_owned();
        }
        let hundredths = u128::from(self.up_ms) * 10_000 / u128::from(self.known_ms);
        match (hundredths / 100, hundredths % 100) {
            (100, _) => "100%".to_owned(),
            (whole, part) => format!("{whole}.{part:02}%"),
        }
    }
}

/// How much a server was up over the last day, week and month, from the full hour on at which that time began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Uptime {
    /// Over 1 day.
    pub day: Share,
    /// Over 7 days.
    pub week: Share,
    /// Over 30 days.
    pub month: Share,
}

/// The figures of a look that samples are made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Figures {
    /// Milliseconds to the first answer.
    pub connect_ms: u32,
    /// Hundredths of the load over five minutes.
    pub load: u32,
    /// Memory in use, in tenths of a percent.
    pub memory: u32,
    /// The fullest disk, in percent.
    pub disk: u8,
}

impl Figures {
    /// Those of `observation`; `None` when the server told nothing.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a load is kept between 0 and what fits; what is no number becomes 0"
    )]
    pub fn of(observation: &Observation) -> Option<Self> {
        let facts = observation.facts.as_ref()?;
        let [_, load, _] = facts.load;
        let used = facts.memory_total.saturating_sub(facts.memory_available);
        let total = u128::from(facts.memory_total.max(1));
        let disks = facts.disks.iter();
        Some(Self {
            connect_ms: u32::try_from(facts.connect_ms).unwrap_or(u32::MAX),
            load: (load * 100.0).clamp(0.0, f64::from(u32::MAX)).round() as u32,
            memory: u32::try_from(u128::from(used) * 1000 / total).unwrap_or(1000),
            disk: disks
                .map(|disk| disk.percent().max(disk.inode_percent()))
                .max()
                .unwrap_or(0),
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn what_a_look_saw_holds_until_the_next_but_not_for_ever() {
        let gap = Duration::from_secs(900);
        let share = |health, from, to| Share::between(health, at(from), at(to), gap);
        let known = |known_ms, up_ms| Share { known_ms, up_ms };
        assert_eq!(share(Health::Online, 0, 60), known(60_000, 60_000));
        assert_eq!(share(Health::Degraded, 0, 60), known(60_000, 60_000));
        assert_eq!(share(Health::Offline, 0, 60), known(60_000, 0));
        assert_eq!(share(Health::Error, 0, 60), known(0, 0));
        // A night without a sweep is known for a quarter of an hour.
        assert_eq!(share(Health::Online, 0, 28_800), known(900_000, 900_000));
        assert_eq!(share(Health::Online, 60, 0), known(0, 0));
    }

    #[test]
    fn shares_are_cut_and_not_rounded() {
        let words = |up_ms, known_ms| Share { known_ms, up_ms }.words();
        assert_eq!(words(0, 0), "-");
        assert_eq!(words(0, 5), "0.00%");
        assert_eq!(words(5, 5), "100%");
        assert_eq!(words(999_999, 1_000_000), "99.99%");
        assert_eq!(words(2, 3), "66.66%");
        assert_eq!(Share::default().percent(), None);
        assert_eq!(
            Share {
                known_ms: 4,
                up_ms: 3
            }
            .percent(),
            Some(75.0)
        );
    }

    #[test]
    fn spans_begin_at_full_minutes_hours_and_days_of_utc() {
        let time: Timestamp = "2026-01-02T03:04:05.678Z".parse().unwrap();
        let begin = |span: Span| {
            let begin = span.begin(time.as_millisecond());
            Timestamp::from_millisecond(begin).unwrap().to_string()
        };
        assert_eq!(begin(Span::Minute), "2026-01-02T03:04:00Z");
        assert_eq!(begin(Span::Hour), "2026-01-02T03:00:00Z");
        assert_eq!(begin(Span::Day), "2026-01-02T00:00:00Z");
        assert_eq!(Span::Hour.begin(-1), -3_600_000);
    }
}
