//! The status of what is looked at again and again, a server or a check, and when a change of it counts.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Health, ServerName, check};

/// How a subject is, in order of gravity. A server is online, degraded, offline or error; a check ok, warn or bad.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// A server: [`Health::Online`].
    Online,
    /// A check found what it should.
    Ok,
    /// A server: [`Health::Degraded`].
    Degraded,
    /// A check found something that needs attention, but works.
    Warn,
    /// A server: [`Health::Offline`].
    Offline,
    /// A check found that it does not work.
    Bad,
    /// A server: [`Health::Error`].
    Error,
}

impl Status {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Online,
        Self::Ok,
        Self::Degraded,
        Self::Warn,
        Self::Offline,
        Self::Bad,
        Self::Error,
    ];

    /// The word for it in tables, JSON and the state database.
    pub fn word(self) -> &'static str {
        match self {
            Self::Online => "online",
            Self::Ok => "ok",
            Self::Degraded => "degraded",
            Self::Warn => "warn",
            Self::Offline => "offline",
            Self::Bad => "bad",
            Self::Error => "error",
        }
    }

    /// The status that is called `word`.
    pub fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.word() == word)
    }

    /// Whether nothing is wrong.
    pub fn is_well(self) -> bool {
        matches!(self, Self::Online | Self::Ok)
    }

    /// Of a server: how well it is; `None` for a status of a check.
    pub fn health(self) -> Option<Health> {
        match self {
            Self::Online => Some(Health::Online),
            Self::Degraded => Some(Health::Degraded),
            Self::Offline => Some(Health::Offline),
            Self::Error => Some(Health::Error),
            Self::Ok | Self::Warn | Self::Bad => None,
        }
    }
}

impl From<Health> for Status {
    fn from(health: Health) -> Self {
        match health {
            Health::Online => Self::Online,
            Health::Degraded => Self::Degraded,
            Health::Offline => Self::Offline,
            Health::Error => Self::Error,
        }
    }
}

impl From<check::Status> for Status {
    fn from(status: check::Status) -> Self {
        match status {
            check::Status::Ok => Self::Ok,
            check::Status::Warn => Self::Warn,
            check::Status::Bad => Self::Bad,
        }
    }
}

/// How many looks in a row must see another status before it counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// A worse one.
    pub fail_after: u32,
    /// A better one.
    pub recover_after: u32,
}

impl Patience {
    /// The first look decides.
    pub const NONE: Self = Self {
        fail_after: 1,
        recover_after: 1,
    };

    fn needed(self, turn: Turn) -> u32 {
        match turn {
            Turn::Worse => self.fail_after,
            Turn::Better => self.recover_after,
        }
    }
}

/// What one look saw of a subject.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sight {
    /// When.
    pub at: Timestamp,
    /// How it was.
    pub status: Status,
    /// Why it was not well.
    pub reasons: Vec<String>,
}

/// What is confirmed of a subject, and what was seen of it last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The confirmed status: what placement, events and `fleet health -q` go by.
    pub status: Status,
    /// The first of the looks that saw it.
    pub since: Timestamp,
    /// Why it is not well, as the last look told that saw this status.
    pub reasons: Vec<String>,
    /// What the last look saw.
    pub seen: Status,
    /// When that was.
    pub seen_at: Timestamp,
    /// Looks in a row that saw something else than what is confirmed.
    pub turning: Option<Turning>,
    /// The status that a quiet sweep spoke of last.
    pub told: Option<Status>,
}

/// A change that is not confirmed yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Turning {
    /// What the status becomes: of what the looks saw, the nearest to what is confirmed.
    pub to: Status,
    /// The looks so far.
    pub times: u32,
    /// The first of them.
    pub since: Timestamp,
    /// Why, as the last look told that saw this status.
    pub reasons: Vec<String>,
}

/// A change of a confirmed status.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct HealthEvent {
    /// Its number, ascending.
    pub id: i64,
    /// The look that confirmed it.
    pub at: Timestamp,
    /// The server.
    pub server: ServerName,
    /// Empty for the server itself, else the check on it.
    pub subject: String,
    /// The status before; `None` at the first look.
    pub before: Option<Status>,
    /// Since when it had been so.
    pub before_since: Option<Timestamp>,
    /// The new status.
    pub after: Status,
    /// The first look that saw it.
    pub since: Timestamp,
    /// Why it is not well.
    pub reasons: Vec<String>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Turn {
    Worse,
    Better,
}

impl Standing {
    /// The standing after a look; `before` is what was known. The first look at a subject decides alone, since nothing
    /// speaks against it. Else the status changes when as many looks in a row as `patience` asks for saw a worse (or
    /// a better) one; it becomes that which is nearest to the status before, as all of them agree that it is at least
    /// as bad (or good) as this.
    ///
    /// Returns whether the status changed.
    pub fn after(before: Option<Self>, sight: &Sight, patience: Patience) -> (Self, bool) {
        let Some(before) = before else {
            let first = Self {
                status: sight.status,
                since: sight.at,
                reasons: sight.reasons.clone(),
                seen: sight.status,
                seen_at: sight.at,
                turning: None,
                told: None,
            };
            return (first, true);
        };
        let mut now = Self {
            seen: sight.status,
            seen_at: sight.at,
            ..before
        };
        let Some(turn) = turn(now.status, sight.status) else {
            now.turning = None;
            now.reasons.clone_from(&sight.reasons);
            return (now, false);
        };
        let begun = now.turning.take();
        let begun = begun.filter(|turning| self::turn(now.status, turning.to) == Some(turn));
        let turning = match begun {
            None => Turning::begin(sight),
            Some(turning) => turning.go_on(sight, turn),
        };
        if turning.times < patience.needed(turn) {
            now.turning = Some(turning);
            return (now, false);
        }
        now.status = turning.to;
        now.since = turning.since;
        now.reasons = turning.reasons;
        now.turning = (sight.status != now.status).then(|| Turning::begin(sight));
        (now, true)
    }
}

impl Standing {
    /// Whether the last look saw something better than what is confirmed, so that it is too late to raise an alarm.
    pub fn is_easing(&self) -> bool {
        self.seen < self.status
    }

    /// How many looks it takes until the change that is under way is confirmed.
    pub fn needed(&self, patience: Patience) -> Option<u32> {
        let turning = self.turning.as_ref()?;
        Some(patience.needed(turn(self.status, turning.to)?))
    }
}

impl Turning {
    fn begin(sight: &Sight) -> Self {
        Self {
            to: sight.status,
            times: 1,
            since: sight.at,
            reasons: sight.reasons.clone(),
        }
    }

    fn go_on(mut self, sight: &Sight, turn: Turn) -> Self {
        self.times = self.times.saturating_add(1);
        let nearer = match turn {
            Turn::Worse => sight.status <= self.to,
            Turn::Better => sight.status >= self.to,
        };
        if nearer {
            self.to = sight.status;
            self.reasons.clone_from(&sight.reasons);
        }
        self
    }
}

fn turn(from: Status, to: Status) -> Option<Turn> {
    match to.cmp(&from) {
        std::cmp::Ordering::Equal => None,
        std::cmp::Ordering::Greater => Some(Turn::Worse),
        std::cmp::Ordering::Less => Some(Turn::Better),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    /// The confirmed statuses after looks, a minute apart, that saw what the letters say; the number of changes.
    fn confirmed(letters: &str, fail_after: u32, recover_after: u32) -> (String, usize) {
        let patience = Patience {
            fail_after,
            recover_after,
        };
        let mut standing = None;
        let mut changes = 0;
        let mut shown = String::new();
        for (minute, letter) in letters.chars().enumerate() {
            let status = match letter {
                'o' => Status::Online,
                'd' => Status::Degraded,
                'x' => Status::Offline,
                _ => Status::Error,
            };
            let at = Timestamp::from_second(60 * i64::try_from(minute).unwrap()).unwrap();
            let sight = Sight {
                at,
                status,
                reasons: vec![format!("{letter}{minute}")],
            };
            let (next, turned) = Standing::after(standing, &sight, patience);
            changes += usize::from(turned);
            shown.push(match next.status {
                Status::Online => 'o',
                Status::Degraded => 'd',
                Status::Offline => 'x',
                _ => 'e',
            });
            assert_eq!(next.seen, status);
            standing = Some(next);
        }
        (shown, changes)
    }

    #[test]
    fn a_status_changes_when_enough_looks_in_a_row_agree() {
        for (seen, fail, recover, expected, changes) in [
            // The first look decides.
            ("ox", 1, 1, "ox", 2),
            ("x", 3, 3, "x", 1),
            // A blip is none.
            ("ooxoo", 2, 2, "ooooo", 1),
            ("oxoxoxoxo", 2, 1, "ooooooooo", 1),
            ("oxxoxooo", 2, 2, "ooxxxxoo", 3),
            ("oxxxx", 3, 1, "oooxx", 2),
            // The mildest of what they saw, then the rest has to be seen as often.
            ("odxxx", 2, 2, "oodxx", 3),
            ("oxdoo", 2, 2, "ooddo", 3),
            // On the way up the gravest of what they saw.
            ("xdoo", 2, 2, "xxdo", 3),
            ("xodo", 2, 2, "xxdd", 2),
            // Another turn begins anew.
            ("dxoxo", 2, 2, "ddddd", 1),
            ("xexe", 2, 2, "xxxx", 1),
        ] {
            assert_eq!(
                confirmed(seen, fail, recover),
                (expected.to_owned(), changes),
                "{seen} with {fail} and {recover}"
            );
        }
    }

    #[test]
    fn since_is_the_first_look_that_saw_it_and_reasons_belong_to_the_status() {
        let sight = |second: i64, status| Sight {
            at: Timestamp::from_second(second).unwrap(),
            status,
            reasons: vec![format!("reason {second}")],
        };
        let patience = Patience {
            fail_after: 2,
            recover_after: 2,
        };
        let (standing, _) = Standing::after(None, &sight(0, Status::Ok), patience);
        let (standing, changed) =
            Standing::after(Some(standing), &sight(60, Status::Bad), patience);
        assert!(!changed);
        assert_eq!(standing.reasons, ["reason 0"]);
        assert_eq!(standing.turning.as_ref().unwrap().reasons, ["reason 60"]);
        let (standing, changed) =
            Standing::after(Some(standing), &sight(120, Status::Warn), patience);
        assert!(changed);
        assert_eq!(standing.status, Status::Warn);
        assert_eq!(standing.since.as_second(), 60);
        assert_eq!(standing.reasons, ["reason 120"]);
        assert_eq!(standing.turning, None);
    }

    #[test]
    fn every_status_has_its_word() {
        for status in Status::ALL {
            assert_eq!(Status::of_word(status.word()), Some(status));
            if let Some(health) = status.health() {
                assert_eq!(Status::from(health), status);
                assert_eq!(health.word(), status.word());
            }
        }
        assert_eq!(Status::of_word("great"), None);
    }
}
