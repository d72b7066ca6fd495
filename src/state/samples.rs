//! Queries of `health_samples`: what the looks at servers measured, and how much of the time they were up.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::types::Type;
use rusqlite::{Row, params};

use super::rows::{self, count, millis, time, unfit};
use super::{Read, Write};
use crate::diagnostic::Diagnostic;
use crate::model::sample::{Figures, Share};
use crate::model::{Health, Observation, Sample, ServerName, Span, Standing, Uptime};

const DAY: i64 = 86_400_000;

impl Read {
    /// The samples of a server since a time, oldest first.
    ///
    /// The rows are in order of time, so the times are gone through one by one (there are at most some thousand) and the
    /// server's row of each is looked up, instead of reading the rows of all servers.
    pub fn samples(
        &self,
        server: &ServerName,
        span: Span,
        since: Timestamp,
    ) -> Result<Vec<Sample>, Diagnostic> {
        self.all(
            "WITH RECURSIVE times (at) AS (
                 SELECT MIN(at) FROM health_samples WHERE span = $1 AND at >= $2
                 UNION ALL
                 SELECT (SELECT MIN(later.at) FROM health_samples AS later
                         WHERE later.span = $1 AND later.at > times.at)
                 FROM times WHERE times.at IS NOT NULL
             )
             SELECT one.at, one.worst, one.looks, one.known_ms, one.up_ms, one.answered,
                    one.connect_ms, one.load, one.memory, one.disk
             FROM times CROSS JOIN health_samples AS one
             WHERE one.span = $1 AND one.at = times.at AND one.server = $3
             ORDER BY one.at",
            params![span.millis(), millis(since), server.as_str()],
            |row| sample(row, 0),
        )
    }

    /// The samples of all servers since a time, oldest first. Servers that the inventory no longer has may be among them.
    pub fn all_samples(
        &self,
        span: Span,
        since: Timestamp,
    ) -> Result<BTreeMap<ServerName, Vec<Sample>>, Diagnostic> {
        let mut samples: BTreeMap<ServerName, Vec<Sample>> = BTreeMap::new();
        self.each(
            "SELECT server, at, worst, looks, known_ms, up_ms, answered, connect_ms, load, memory, disk
             FROM health_samples WHERE span = $1 AND at >= $2 ORDER BY at",
            params![span.millis(), millis(since)],
            |row| {
                let of_server = samples.entry(rows::server(row, 0)?).or_default();
                of_server.push(sample(row, 1)?);
                Ok(())
            },
        )?;
        Ok(samples)
    }

    /// How much each server was up until now.
    pub fn uptimes(&self, now: Timestamp) -> Result<BTreeMap<ServerName, Uptime>, Diagnostic> {
        let now = millis(now);
        let mut uptimes: BTreeMap<String, Uptime> = BTreeMap::new();
        let starts = [1, 7, 30].map(|days| Span::Hour.begin(now.saturating_sub(days * DAY)));
        for (window, start) in starts.into_iter().enumerate() {
            let days = first_day(start);
            for (span, from, to) in [(Span::Hour, start, days), (Span::Day, days, i64::MAX)] {
                self.each(
                    "SELECT server, known_ms, up_ms FROM health_samples
                     WHERE span = $1 AND at >= $2 AND at < $3",
                    params![span.millis(), from, to],
                    |row| {
                        let name = rows::text(row, 0)?;
                        let share = Share {
                            known_ms: count(row, 1)?,
                            up_ms: count(row, 2)?,
                        };
                        if !uptimes.contains_key(name) {
                            uptimes.insert(name.to_owned(), Uptime::default());
                        }
                        if let Some(uptime) = uptimes.get_mut(name) {
                            let windows = [&mut uptime.day, &mut uptime.week, &mut uptime.month];
                            if let Some(sum) = windows.into_iter().nth(window) {
                                *sum = sum.plus(share);
                            }
                        }
                        Ok(())
                    },
                )?;
            }
        }
        let named = uptimes
            .into_iter()
            .filter_map(|(name, uptime)| Some((name.parse().ok()?, uptime)));
        Ok(named.collect())
    }

    /// How much one server was up until now.
    pub fn uptime(&self, server: &ServerName, now: Timestamp) -> Result<Uptime, Diagnostic> {
        let now = millis(now);
        let [day, week, month] = [1, 7, 30].map(|days| {
            let start = Span::Hour.begin(now.saturating_sub(days * DAY));
            let days = first_day(start);
            let hours = self.share(server, Span::Hour, start, days)?;
            Ok::<_, Diagnostic>(hours.plus(self.share(server, Span::Day, days, i64::MAX)?))
        });
        Ok(Uptime {
            day: day?,
            week: week?,
            month: month?,
        })
    }

    /// The sum over the spans of a server that begin at `from` or later, and before `to`.
    fn share(
        &self,
        server: &ServerName,
        span: Span,
        from: i64,
        to: i64,
    ) -> Result<Share, Diagnostic> {
        let mut sum = Share::default();
        let mut at = from;
        // Every span in question can be named: no need to look for those there are.
        while at < to && at <= from.saturating_add(31 * DAY) {
            let share = self.first(
                "SELECT known_ms, up_ms FROM health_samples WHERE span = $1 AND at = $2 AND server = $3",
                params![span.millis(), at, server.as_str()],
                |row| {
                    Ok(Share {
                        known_ms: count(row, 0)?,
                        up_ms: count(row, 1)?,
                    })
                },
            )?;
            sum = sum.plus(share.unwrap_or_default());
            at = at.saturating_add(span.millis());
        }
        Ok(sum)
    }
}

/// The first beginning of a day at `start` or later: until there hours are summed up, then days.
fn first_day(start: i64) -> i64 {
    Span::Day.begin(start.saturating_add(DAY - 1))
}

impl Write<'_> {
    /// Records what a look measured, and what came before it; `before` is the server's standing then.
    pub(super) fn record_sample(
        &self,
        server: &ServerName,
        observation: &Observation,
        before: Option<&Standing>,
        longest_gap: Duration,
    ) -> Result<(), Diagnostic> {
        let seen = before.and_then(|before| Some((before.seen.health()?, before.seen_at)));
        let share = seen.map_or_else(Share::default, |(health, from)| {
            Share::between(health, from, observation.at, longest_gap)
        });
        let figures = Figures::of(observation);
        let at = millis(observation.at);
        for span in Span::ALL {
            self.change(
                "INSERT INTO health_samples
                     (span, at, server, worst, looks, known_ms, up_ms, answered, connect_ms, load, memory, disk)
                 VALUES ($1, $2, $3, $4, 1, $5, $6, $7, $8, $9, $10, $11)
                 ON CONFLICT (span, at, server) DO UPDATE SET
                     worst = CASE WHEN excluded.worst > health_samples.worst
                         THEN excluded.worst ELSE health_samples.worst END,
                     looks = health_samples.looks + 1,
                     known_ms = health_samples.known_ms + excluded.known_ms,
                     up_ms = health_samples.up_ms + excluded.up_ms,
                     answered = health_samples.answered + excluded.answered,
                     connect_ms = health_samples.connect_ms + excluded.connect_ms,
                     load = health_samples.load + excluded.load,
                     memory = health_samples.memory + excluded.memory,
                     disk = CASE WHEN excluded.disk > health_samples.disk
                         THEN excluded.disk ELSE health_samples.disk END",
                params![
                    span.millis(),
                    span.begin(at),
                    server.as_str(),
                    gravity(observation.health),
                    stored(share.known_ms),
                    stored(share.up_ms),
                    u8::from(figures.is_some()),
                    figures.map_or(0, |figures| figures.connect_ms),
                    figures.map_or(0, |figures| figures.load),
                    figures.map_or(0, |figures| figures.memory),
                    figures.map_or(0, |figures| figures.disk),
                ],
            )?;
        }
        Ok(())
    }

    /// Clears samples that are older than their span is kept. What they measured is in the sums of longer spans.
    pub fn clear_old_samples(&self, now: Timestamp) -> Result<(), Diagnostic> {
        for span in Span::ALL {
            self.change(
                "DELETE FROM health_samples WHERE span = $1 AND at < $2",
                params![
                    span.millis(),
                    millis(now).saturating_sub(span.kept_millis())
                ],
            )?;
        }
        Ok(())
    }
}

const HEALTHS: [Health; 4] = [
    Health::Online,
    Health::Degraded,
    Health::Offline,
    Health::Error,
];

/// As SQLite has integers.
fn stored(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A health as a number, so that the graver is the larger.
fn gravity(health: Health) -> u8 {
    (0..)
        .zip(HEALTHS)
        .find(|(_, other)| *other == health)
        .map_or(0, |(gravity, _)| gravity)
}

/// The sample in the ten columns from `first` on.
#[expect(
    clippy::cast_precision_loss,
    reason = "sums of at most a few thousand small figures"
)]
fn sample(row: &Row<'_>, first: usize) -> rusqlite::Result<Sample> {
    let worst: u8 = row.get(first + 1)?;
    let worst = HEALTHS.get(usize::from(worst)).copied();
    let answered = count(row, first + 5)?;
    let mean = |column: usize| -> rusqlite::Result<Option<f64>> {
        let sum = count(row, first + column)?;
        Ok((answered > 0).then(|| sum as f64 / answered as f64))
    };
    Ok(Sample {
        at: time(row, first)?,
        worst: worst.ok_or_else(|| unfit(first + 1, Type::Integer, "it is not a health"))?,
        looks: count(row, first + 2)?,
        share: Share {
            known_ms: count(row, first + 3)?,
            up_ms: count(row, first + 4)?,
        },
        connect_ms: count(row, first + 6)?.checked_div(answered),
        load: mean(7)?.map(|load| load / 100.0),
        memory_percent: mean(8)?.map(|memory| memory / 10.0),
        disk_percent: match answered {
            0 => None,
            _ => Some(row.get(first + 9)?),
        },
    })
}
