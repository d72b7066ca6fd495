//! Any text as the schedule of a cron job: it is refused, or it has a meaning and times that come one after the other.

#![no_main]

use jiff::tz::TimeZone;
use libfuzzer_sys::fuzz_target;
use serde_json::json;

fuzz_target!(|text: &str| {
    let spec = json!({ "schedule": text, "command": "true" });
    let kind = fleet::kind::kind("cron").expect("the kind");
    let now = jiff::Timestamp::from_second(1_795_175_700).expect("a time");
    if (kind.validate)(&spec, "job", now).is_err() {
        return;
    }
    // In one with summer time, what is due only in the hour that a night lacks is never due (`* 2 28 3 */28`).
    let summer = TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").expect("a rule");
    for (zone, least) in [(TimeZone::UTC, 1), (summer, 0)] {
        let outlook = (kind.outlook)(&spec, &now.to_zoned(zone)).expect("an outlook");
        let value = |heading: &str| {
            let found = outlook.iter().find(|(there, _)| *there == heading);
            found.map(|(_, value)| value.to_string())
        };
        assert!(value("meaning").is_some_and(|words| !words.is_empty()));
        let runs = value("next runs").unwrap_or_default();
        // The years that are looked through end before the fifth of some: 29 February on a Sunday comes every 28 years.
        assert!(
            text.contains("@reboot") || (least..=5).contains(&runs.lines().count()),
            "{runs}"
        );
    }
});
