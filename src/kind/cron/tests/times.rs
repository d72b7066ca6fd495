//! When a schedule fires, also when clocks change.

use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};

use crate::kind::cron::next;
use crate::kind::cron::schedule::Schedule;

const BERLIN: &str = "CET-1CEST,M3.5.0,M10.5.0/3";

fn at(zone: &str, time: &str) -> Zoned {
    let zone = next::zone(zone).unwrap();
    time.parse::<jiff::civil::DateTime>()
        .unwrap()
        .to_zoned(zone)
        .unwrap()
}

/// The next times as `MONTH-DAY HOUR:MINUTE ZONE`.
fn after(schedule: &str, from: &Zoned, count: usize) -> Vec<String> {
    let schedule = Schedule::parse(schedule).unwrap();
    schedule
        .after(from, count)
        .iter()
        .map(|time| time.strftime("%m-%d %H:%M %Z").to_string())
        .collect()
}

#[test]
fn the_next_times_are_those_of_the_calendar() {
    let from = at("UTC0", "2026-11-20T11:42:30");
    for (schedule, times) in [
        ("* * * * *", vec!["11-20 11:43 UTC", "11-20 11:44 UTC"]),
        ("42 11 * * *", vec!["11-21 11:42 UTC", "11-22 11:42 UTC"]),
        (
            "0 0 31 * *",
            vec!["12-31 00:00 UTC", "01-31 00:00 UTC", "03-31 00:00 UTC"],
        ),
        // Friday, or the 13th.
        (
            "0 0 13 * 5",
            vec![
                "11-27 00:00 UTC",
                "12-04 00:00 UTC",
                "12-11 00:00 UTC",
                "12-13 00:00 UTC",
            ],
        ),
        // With a star in it, both: uneven days that are a Friday.
        (
            "0 0 */2 * 5",
            vec!["11-27 00:00 UTC", "12-11 00:00 UTC", "12-25 00:00 UTC"],
        ),
        ("0 0 29 2 *", vec!["02-29 00:00 UTC"]),
        ("@yearly", vec!["01-01 00:00 UTC"]),
        ("@reboot", vec![]),
    ] {
        assert_eq!(
            after(schedule, &from, times.len().max(1)),
            times,
            "{schedule}"
        );
    }
}

#[test]
fn the_moment_itself_is_not_after_it() {
    assert_eq!(
        after("0 12 * * *", &at("UTC0", "2026-11-20T12:00:00"), 1),
        ["11-21 12:00 UTC"]
    );
    assert_eq!(
        after("0 12 * * *", &at("UTC0", "2026-11-20T11:59:59"), 1),
        ["11-20 12:00 UTC"]
    );
}

#[test]
fn a_rare_date_is_found() {
    // 29 February on a Sunday (`*/7` is 0 and 7), also over 2100, which is no leap year.
    let sunday = Schedule::parse("0 0 29 2 */7").unwrap();
    let next = sunday.after(&at("UTC0", "2026-11-20T00:00:00"), 1);
    assert_eq!(next[0].date().to_string(), "2032-02-29");
    let next = sunday.after(&at("UTC0", "2089-01-01T00:00:00"), 1);
    assert_eq!(next[0].date().to_string(), "2128-02-29");
}

#[test]
fn the_zone_of_the_server_counts() {
    let from = at(BERLIN, "2026-11-20T11:42:30");
    assert_eq!(after("0 12 * * *", &from, 1), ["11-20 12:00 CET"]);
    let from = at("<+0530>-5:30", "2026-11-20T23:59:30");
    assert_eq!(after("@daily", &from, 1), ["11-21 00:00 +0530"]);
}

#[test]
fn when_clocks_go_forward_a_fixed_time_is_made_up_for_and_a_frequent_one_is_not() {
    let from = at(BERLIN, "2026-03-28T23:00:00");
    assert_eq!(
        after("30 2 * * *", &from, 2),
        ["03-29 03:00 CEST", "03-30 02:30 CEST"]
    );
    assert_eq!(
        after("30 * * * *", &from, 5),
        [
            "03-28 23:30 CET",
            "03-29 00:30 CET",
            "03-29 01:30 CET",
            "03-29 03:30 CEST",
            "03-29 04:30 CEST"
        ]
    );
    // Two times in the gap are made up for at once.
    assert_eq!(
        after("15,45 2 * * *", &from, 2),
        ["03-29 03:00 CEST", "03-30 02:15 CEST"]
    );
}

#[test]
fn when_clocks_go_back_a_fixed_time_comes_once_and_a_frequent_one_goes_on() {
    let from = at(BERLIN, "2026-10-25T01:00:00");
    assert_eq!(
        after("30 2 * * *", &from, 2),
        ["10-25 02:30 CEST", "10-26 02:30 CET"]
    );
    assert_eq!(
        after("30 * * * *", &from, 4),
        [
            "10-25 01:30 CEST",
            "10-25 02:30 CEST",
            "10-25 02:30 CET",
            "10-25 03:30 CET"
        ]
    );
}

#[test]
fn what_lies_between_is_what_comes_after() {
    let (from, to) = (
        at(BERLIN, "2026-10-24T01:00:00"),
        at(BERLIN, "2026-10-26T03:00:00"),
    );
    for text in ["30 2 * * *", "*/30 * * * *", "0 1 * * *", "@weekly"] {
        let schedule = Schedule::parse(text).unwrap();
        let all: Vec<Timestamp> = schedule
            .after(&from, 500)
            .iter()
            .map(Zoned::timestamp)
            .collect();
        let all: Vec<Timestamp> = all
            .into_iter()
            .filter(|time| *time <= to.timestamp())
            .collect();
        assert_eq!(schedule.between(from.timestamp(), &to, 1000), all, "{text}");
        let latest = all[all.len().saturating_sub(3)..].to_vec();
        assert_eq!(schedule.between(from.timestamp(), &to, 3), latest, "{text}");
    }
}

#[test]
fn what_is_no_rule_is_no_zone() {
    assert!(next::zone("").is_none());
    assert!(next::zone("not a rule").is_none());
    assert_eq!(
        next::zone("UTC0\n").unwrap(),
        TimeZone::posix("UTC0").unwrap()
    );
}
