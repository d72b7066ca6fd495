//! How servers were over the last week, hour by hour, as far as anybody looked.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::diagnostic::Diagnostic;
use crate::model::measured::within;
use crate::model::{Health, ServerName, Span};
use crate::state::Read;

/// Hours that are shown: a week.
pub const HOURS: usize = 7 * 24;

/// Milliseconds of an hour.
const HOUR: i64 = 3_600_000;

/// The last week.
#[derive(Clone, Debug, Default)]
pub struct History {
    /// When the first of the hours began.
    pub from: Timestamp,
    /// What was seen of each server.
    pub servers: BTreeMap<ServerName, Past>,
}

/// The past of a server: of each hour what was seen, nothing where nobody looked.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Past {
    /// The gravest.
    pub worst: Vec<Option<Health>>,
    /// Milliseconds from connecting to the first answer, on average.
    pub connect_ms: Vec<Option<u64>>,
}

impl Past {
    /// One in which nobody looked.
    pub fn unknown() -> Self {
        Self {
            worst: vec![None; HOURS],
            connect_ms: vec![None; HOURS],
        }
    }

    /// The gravest of each run of `hours`.
    pub fn worst_of(&self, hours: usize) -> Vec<Option<Health>> {
        let parts = self.worst.chunks(hours.max(1));
        parts
            .map(|part| part.iter().copied().flatten().max())
            .collect()
    }
}

/// What was seen of all servers in one hour.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hour {
    /// Servers that were looked at.
    pub known: u64,
    /// Of these, by the gravest that was seen.
    pub degraded: u64,
    /// Not reached.
    pub offline: u64,
    /// Reached, and could not be looked at.
    pub error: u64,
    /// The times to the first answer, ascending.
    connect_ms: Vec<u64>,
}

impl Hour {
    /// The time to the first answer that `percent` of the servers stayed below.
    pub fn answered_within(&self, percent: usize) -> Option<u64> {
        within(&self.connect_ms, percent)
    }

    /// Servers that were not online.
    pub fn unwell(&self) -> u64 {
        self.degraded + self.offline + self.error
    }
}

impl History {
    /// The week up to the end of the hour that `now` is in.
    pub fn read(read: &Read, now: Timestamp) -> Result<Self, Diagnostic> {
        let hours = i64::try_from(HOURS).unwrap_or_default();
        let from = (now.as_millisecond().div_euclid(HOUR) + 1 - hours) * HOUR;
        let from = Timestamp::from_millisecond(from).unwrap_or(now);
        let mut servers = BTreeMap::new();
        for (name, samples) in read.all_samples(Span::Hour, from)? {
            let mut past = Past::unknown();
            for sample in samples {
                let passed = sample.at.as_millisecond() - from.as_millisecond();
                // A clock that was ahead has left hours that are still to come.
                let hour = usize::try_from(passed / HOUR).unwrap_or(HOURS);
                if let (Some(worst), Some(took)) =
                    (past.worst.get_mut(hour), past.connect_ms.get_mut(hour))
                {
                    *worst = Some(sample.worst);
                    *took = sample.connect_ms;
                }
            }
            servers.insert(name, past);
        }
        Ok(Self { from, servers })
    }

    /// Hour by hour, all servers together.
    pub fn hours(&self) -> Vec<Hour> {
        let mut hours = vec![Hour::default(); HOURS];
        for past in self.servers.values() {
            for (hour, worst) in hours.iter_mut().zip(&past.worst) {
                hour.known += u64::from(worst.is_some());
                match worst {
                    Some(Health::Degraded) => hour.degraded += 1,
                    Some(Health::Offline) => hour.offline += 1,
                    Some(Health::Error) => hour.error += 1,
                    Some(Health::Online) | None => {}
                }
            }
            for (hour, took) in hours.iter_mut().zip(&past.connect_ms) {
                hour.connect_ms.extend(took);
            }
        }
        for hour in &mut hours {
            hour.connect_ms.sort_unstable();
        }
        hours
    }

    /// When an hour began.
    pub fn at(&self, hour: usize) -> Timestamp {
        let passed = i64::try_from(hour).unwrap_or_default() * HOUR;
        let at = self.from.as_millisecond().saturating_add(passed);
        Timestamp::from_millisecond(at).unwrap_or(self.from)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn past(hour: usize, health: Health, took: Option<u64>) -> Past {
        let mut past = Past::unknown();
        past.worst[hour] = Some(health);
        past.connect_ms[hour] = took;
        past
    }

    #[test]
    fn hours_count_servers_and_keep_the_spread_of_times() {
        let mut history = History::default();
        for (index, took) in [10, 30, 20, 90].into_iter().enumerate() {
            let name = format!("s-{index}").parse().unwrap();
            history
                .servers
                .insert(name, past(3, Health::Online, Some(took)));
        }
        let down = past(3, Health::Offline, None);
        history.servers.insert("down".parse().unwrap(), down);
        let hours = history.hours();
        assert_eq!(
            (hours[3].known, hours[3].offline, hours[3].unwell()),
            (5, 1, 1)
        );
        assert_eq!(hours[3].answered_within(50), Some(30));
        assert_eq!(hours[3].answered_within(95), Some(90));
        assert_eq!(hours[4], Hour::default());
        assert_eq!(hours[4].answered_within(50), None);
        assert_eq!(history.at(3).as_millisecond(), 3 * HOUR);
    }

    #[test]
    fn a_run_of_hours_is_as_bad_as_the_worst_of_them() {
        let past = past(5, Health::Degraded, None);
        let worst = past.worst_of(3);
        assert_eq!(worst.len(), HOURS / 3);
        assert_eq!(worst[1], Some(Health::Degraded));
        assert_eq!(worst[0], None);
    }
}
