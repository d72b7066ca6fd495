//! The times at which a schedule fires, in the server's time zone and as cron treats its changes of the clock.

use jiff::civil::{Date, DateTime};
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{Timestamp, ToSpan, Zoned};

use super::schedule::{Fields, Schedule, When};

/// A year without a match: 29 February on a Monday comes after 40 years at the most, over 2100.
const HORIZON_DAYS: usize = 41 * 366;

impl Schedule {
    /// The first `count` times after `from`; none for `@reboot`.
    pub(super) fn after(&self, from: &Zoned, count: usize) -> Vec<Zoned> {
        let When::At(fields) = &self.when else {
            return Vec::new();
        };
        let zone = from.time_zone();
        let mut times: Vec<Timestamp> = Vec::new();
        // What a change of the clock moves comes from the day before at the earliest.
        let Ok(mut date) = from.date().yesterday() else {
            return Vec::new();
        };
        for _ in 0..HORIZON_DAYS {
            // A day's times may be out of order when the clock is changed, never by more than a day.
            times.extend(
                fields
                    .on_day(date, zone)
                    .into_iter()
                    .filter(|time| *time > from.timestamp()),
            );
            times.sort_unstable();
            times.dedup();
            let settled = times
                .get(count.saturating_sub(1))
                .map(|last| last.to_zoned(zone.clone()).date());
            if settled.is_some_and(|last| last < date) {
                break;
            }
            match date.tomorrow() {
                Ok(next) => date = next,
                Err(_) => break,
            }
        }
        times.truncate(count);
        times
            .into_iter()
            .map(|time| time.to_zoned(zone.clone()))
            .collect()
    }

    /// The times after `from` up to and including `to`, at most `most` of the latest.
    pub(super) fn between(&self, from: Timestamp, to: &Zoned, most: usize) -> Vec<Timestamp> {
        let When::At(fields) = &self.when else {
            return Vec::new();
        };
        let zone = to.time_zone();
        let mut times = Vec::new();
        let Ok(mut date) = to.date().tomorrow() else {
            return Vec::new();
        };
        let earliest = from
            .to_zoned(zone.clone())
            .date()
            .yesterday()
            .unwrap_or(Date::MIN);
        for _ in 0..HORIZON_DAYS {
            let day = fields.on_day(date, zone);
            times.extend(
                day.into_iter()
                    .filter(|time| *time > from && *time <= to.timestamp()),
            );
            if times.len() > most || date <= earliest {
                break;
            }
            match date.yesterday() {
                Ok(before) => date = before,
                Err(_) => break,
            }
        }
        times.sort_unstable();
        times.dedup();
        times.split_off(times.len().saturating_sub(most))
    }
}

impl Fields {
    /// The times of one day of the calendar.
    fn on_day(&self, date: Date, zone: &TimeZone) -> Vec<Timestamp> {
        let unsigned = |value: i8| u8::try_from(value).unwrap_or_default();
        let weekday = unsigned(date.weekday().to_sunday_zero_offset());
        if !self.on(unsigned(date.month()), unsigned(date.day()), weekday) {
            return Vec::new();
        }
        // Nearly every day is 24 hours long, and then one look at the zone is enough for all of its times.
        if let Some(midnight) = usual(date, zone) {
            let minutes = |hour: u8| self.minute.values().map(move |minute| (hour, minute));
            let times = self.hour.values().flat_map(minutes);
            let seconds =
                times.map(|(hour, minute)| i64::from(hour) * 3600 + i64::from(minute) * 60);
            return seconds
                .filter_map(|seconds| Timestamp::from_second(midnight + seconds).ok())
                .collect();
        }
        let mut times = Vec::new();
        for hour in self.hour.values() {
            for minute in self.minute.values() {
                let (Ok(hour), Ok(minute)) = (i8::try_from(hour), i8::try_from(minute)) else {
                    continue;
                };
                times.extend(self.at(date.at(hour, minute, 0, 0), zone));
            }
        }
        times
    }

    /// The moments that a reading of the clock stands for: none or two around a change of the clock. Jobs that run
    /// often follow the clock; the others run right after a gap they were to run in, and only the first time where an
    /// hour comes twice (cron(8)).
    fn at(&self, time: DateTime, zone: &TimeZone) -> Vec<Timestamp> {
        let moment = |offset: jiff::tz::Offset| offset.to_timestamp(time).ok();
        let all = match zone.to_ambiguous_timestamp(time).offset() {
            AmbiguousOffset::Unambiguous { offset } => [moment(offset), None],
            AmbiguousOffset::Fold { before, after } if self.often() => {
                [moment(before), moment(after)]
            }
            AmbiguousOffset::Fold { before, .. } => [moment(before), None],
            AmbiguousOffset::Gap { .. } if self.often() => [None, None],
            AmbiguousOffset::Gap { after, .. } => {
                // Read with the offset of afterwards, it lies before the change.
                let change = moment(after).and_then(|earlier| zone.following(earlier).next());
                [change.map(|change| change.timestamp()), None]
            }
        };
        all.into_iter().flatten().collect()
    }
}

/// The midnight with which a day begins on which the clock is not changed, nor the day before or after, in seconds since
/// 1970; `None` for other days.
fn usual(date: Date, zone: &TimeZone) -> Option<i64> {
    let midnight = date.at(0, 0, 0, 0);
    let offset = zone.to_ambiguous_timestamp(midnight).offset();
    let AmbiguousOffset::Unambiguous { offset } = offset else {
        return None;
    };
    let begins = offset.to_timestamp(midnight).ok()?;
    let day_before = begins.checked_sub(24.hours()).ok()?;
    let day_after = begins.checked_add(48.hours()).ok()?;
    let change = zone.following(day_before).next();
    let changes = change.is_some_and(|change| change.timestamp() <= day_after);
    (!changes).then(|| begins.as_second())
}

/// The zone of the last line of `/etc/localtime`: a POSIX rule such as `CET-1CEST,M3.5.0,M10.5.0/3` (tzfile(5)). It
/// holds for all that is to come and the recent past. `None` when it is not one.
pub(super) fn zone(rule: &str) -> Option<TimeZone> {
    TimeZone::posix(rule.trim()).ok()
}

/// `2026-11-20 12:05 CET`, with the day of the week.
pub(super) fn shown(time: &Zoned) -> String {
    time.strftime("%a %Y-%m-%d %H:%M %Z").to_string()
}

/// How far back runs are looked for.
pub(super) fn a_week_before(now: &Zoned) -> Timestamp {
    now.checked_sub(7.days())
        .map_or(Timestamp::MIN, |then| then.timestamp())
}
