//! When a channel speaks: quiet hours, and the least time between two messages. Pure.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::model::ServerName;
use crate::model::notification::{Change, Channel, Notice};

/// Whether `now` is in the quiet hours of `channel`.
pub fn is_quiet(channel: &Channel, now: Timestamp) -> bool {
    let Some(quiet) = &channel.quiet else {
        return false;
    };
    let time = now.to_zoned(channel.zone.clone()).time();
    if quiet.from <= quiet.to {
        quiet.from <= time && time < quiet.to
    } else {
        quiet.from <= time || time < quiet.to
    }
}

/// Those of `notices`, which are in the order in which they happened, that are to be sent over `channel` now: what is due,
/// and with it all that happened to the same subject before. Told later, that would be taken for what is so.
pub fn due(
    channel: &Channel,
    notices: Vec<Notice>,
    last: Option<Timestamp>,
    now: Timestamp,
) -> Vec<Notice> {
    let mut until: BTreeMap<(ServerName, String), i64> = BTreeMap::new();
    for notice in &notices {
        if is_due(channel, notice, last, now) {
            until.insert((notice.server.clone(), notice.subject.clone()), notice.id);
        }
    }
    let mut due = notices;
    due.retain(|notice| {
        let until = until.get(&(notice.server.clone(), notice.subject.clone()));
        until.is_some_and(|until| notice.id <= *until)
    });
    due
}

/// Whether `notice` is to be sent over `channel` now; `last` is when something was sent there last.
fn is_due(channel: &Channel, notice: &Notice, last: Option<Timestamp>, now: Timestamp) -> bool {
    if let Some(last) = last {
        let passed = now.duration_since(last).unsigned_abs();
        // A clock that was set back holds nothing up.
        if now >= last && passed < channel.at_most_every {
            return false;
        }
    }
    if !is_quiet(channel, now) {
        return true;
    }
    let Some(quiet) = &channel.quiet else {
        return true;
    };
    // That it is over is as good to know as that it began.
    let before = notice.before.map(Change::to);
    quiet.except.contains(&notice.change())
        || before.is_some_and(|before| quiet.except.contains(&before))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::time::Duration;

    use jiff::civil::time;
    use jiff::tz::TimeZone;

    use super::*;
    use crate::model::Status;
    use crate::model::notification::QuietHours;
    use crate::notify::message::tests::{channel, notice};

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn quiet_hours_are_those_of_the_zone_and_go_over_midnight() {
        let mut night = channel();
        night.zone = TimeZone::get("Europe/Berlin").unwrap();
        night.quiet = Some(QuietHours {
            from: time(22, 0, 0, 0),
            to: time(7, 0, 0, 0),
            except: [].into(),
        });
        for (moment, quiet) in [
            ("2026-01-10T20:59:59Z", false),
            ("2026-01-10T21:00:00Z", true),
            ("2026-01-11T05:59:59Z", true),
            ("2026-01-11T06:00:00Z", false),
            // Summer time.
            ("2026-07-10T20:00:00Z", true),
            ("2026-07-11T05:00:00Z", false),
        ] {
            assert_eq!(is_quiet(&night, at(moment)), quiet, "{moment}");
        }
        let mut noon = night.clone();
        noon.quiet = Some(QuietHours {
            from: time(12, 0, 0, 0),
            to: time(13, 0, 0, 0),
            except: [].into(),
        });
        assert!(is_quiet(&noon, at("2026-01-10T11:30:00Z")));
        assert!(!is_quiet(&noon, at("2026-01-10T12:00:00Z")));
        noon.quiet = None;
        assert!(!is_quiet(&noon, at("2026-01-10T11:30:00Z")));
    }

    #[test]
    fn what_is_excepted_goes_through_and_so_does_its_end() {
        let mut night = channel();
        night.quiet = Some(QuietHours {
            from: time(22, 0, 0, 0),
            to: time(7, 0, 0, 0),
            except: [Change::Offline].into(),
        });
        let now = at("2026-01-10T23:00:00Z");
        let due = |before, after| is_due(&night, &notice("sg-1", before, after), None, now);
        assert!(due(None, Status::Offline));
        assert!(due(Some(Status::Offline), Status::Online));
        assert!(!due(None, Status::Degraded));
        assert!(!due(Some(Status::Degraded), Status::Online));
    }

    #[test]
    fn what_goes_through_takes_with_it_what_was_before() {
        let mut night = channel();
        night.quiet = Some(QuietHours {
            from: time(22, 0, 0, 0),
            to: time(7, 0, 0, 0),
            except: [Change::Offline].into(),
        });
        let numbered = |id, server, before, after| Notice {
            id,
            ..notice(server, before, after)
        };
        let notices = vec![
            numbered(1, "sg-1", None, Status::Degraded),
            numbered(2, "sg-2", None, Status::Degraded),
            numbered(3, "sg-1", Some(Status::Degraded), Status::Offline),
            numbered(4, "sg-1", Some(Status::Offline), Status::Online),
            numbered(5, "sg-1", None, Status::Degraded),
        ];
        let ids = |now: &str| -> Vec<i64> {
            let due = due(&night, notices.clone(), None, at(now));
            due.iter().map(|notice| notice.id).collect()
        };
        assert_eq!(ids("2026-01-10T23:00:00Z"), [1, 3, 4]);
        assert_eq!(ids("2026-01-10T08:00:00Z"), [1, 2, 3, 4, 5]);
    }

    #[test]
    fn two_messages_keep_their_distance() {
        let mut slow = channel();
        slow.at_most_every = Duration::from_secs(600);
        let one = notice("sg-1", None, Status::Offline);
        let due = |last: &str| is_due(&slow, &one, Some(at(last)), at("2026-01-10T12:00:00Z"));
        assert!(!due("2026-01-10T11:50:01Z"));
        assert!(due("2026-01-10T11:50:00Z"));
        assert!(due("2026-01-10T12:30:00Z"));
    }
}
