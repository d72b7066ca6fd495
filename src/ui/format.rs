//! Sizes, durations, ages and counts as a person reads them, in one place.

use std::time::Duration;

use jiff::Timestamp;

/// `1 server`, `3 servers`.
pub fn count(number: usize, noun: &str) -> String {
    if number == 1 {
        format!("1 {noun}")
    } else {
        format!("{} {noun}s", thousands(number))
    }
}

/// `100,000`.
pub fn thousands(number: usize) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// Bytes in binary units with three digits at most: `512 B`, `1.5 KiB`, `23 GiB`.
pub fn bytes(bytes: u64) -> String {
    const UNITS: [&str; 6] = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    // In tenths, so that rounding carries into the next unit instead of showing `1024.0 KiB`.
    let mut tenths = u128::from(bytes) * 10;
    let mut unit = 0;
    tenths = (tenths + 512) / 1024;
    while tenths >= 10_235 && unit + 1 < UNITS.len() {
        tenths = (tenths + 512) / 1024;
        unit += 1;
    }
    if tenths < 100 {
        format!("{}.{} {}", tenths / 10, tenths % 10, UNITS[unit])
    } else {
        format!("{} {}", (tenths + 5) / 10, UNITS[unit])
    }
}

/// How long something took: `85ms`, `0.4s`, `12s`, `3m20s`.
pub fn duration(duration: Duration) -> String {
    let ms = duration.as_millis();
    match ms {
        0..100 => format!("{ms}ms"),
        100..9_950 => {
            let tenths = (ms + 50) / 100;
            format!("{}.{}s", tenths / 10, tenths % 10)
        }
        _ => long(u64::try_from((ms + 500) / 1000).unwrap_or(u64::MAX), ""),
    }
}

/// How long something has been going on, in seconds: `45s`, `12m`, `3h`, `42d`.
pub fn seconds(seconds: u64) -> String {
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3_600 => format!("{}m", seconds / 60),
        3_600..172_800 => format!("{}h", seconds / 3_600),
        _ => format!("{}d", seconds / 86_400),
    }
}

/// How long ago `then` was: `3m ago`; `just now` within a second and for times that lie ahead a little.
pub fn age(then: Timestamp, now: Timestamp) -> String {
    let passed = now.as_second() - then.as_second();
    match u64::try_from(passed) {
        Ok(passed @ 1..) => format!("{} ago", seconds(passed)),
        _ if passed < -60 => format!("in {}", seconds(passed.unsigned_abs())),
        _ => "just now".to_owned(),
    }
}

/// A point in time, in UTC to the second: `2026-11-20 08:33:50Z`.
pub fn time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%SZ").to_string()
}

/// The day of a point in time, in UTC: `2026-11-20`.
pub fn day(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d").to_string()
}

/// A share of a whole in percent: `73%`; `-` of nothing.
pub fn percent(part: u64, whole: u64) -> String {
    if whole == 0 {
        return "-".to_owned();
    }
    let share = (u128::from(part) * 100 + u128::from(whole) / 2) / u128::from(whole);
    format!("{share}%")
}

fn long(seconds: u64, gap: &str) -> String {
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3_600 => format!("{}m{gap}{:02}s", seconds / 60, seconds % 60),
        _ => format!("{}h{gap}{:02}m", seconds / 3_600, seconds % 3_600 / 60),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn sizes_carry_into_the_next_unit() {
        for (given, shown) in [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1.0 KiB"),
            (1536, "1.5 KiB"),
            (10 * 1024, "10 KiB"),
            (1024 * 1024 - 1, "1.0 MiB"),
            (23 * 1024 * 1024 * 1024, "23 GiB"),
            (u64::MAX, "16 EiB"),
        ] {
            assert_eq!(bytes(given), shown, "{given}");
        }
    }

    #[test]
    fn durations_keep_two_digits_that_matter() {
        for (ms, shown) in [
            (0, "0ms"),
            (99, "99ms"),
            (100, "0.1s"),
            (1_949, "1.9s"),
            (9_949, "9.9s"),
            (9_950, "10s"),
            (59_400, "59s"),
            (59_500, "1m00s"),
            (200_000, "3m20s"),
            (7_260_000, "2h01m"),
        ] {
            assert_eq!(duration(Duration::from_millis(ms)), shown, "{ms}");
        }
    }

    #[test]
    fn ages_look_back_and_forgive_a_fast_clock() {
        let now: Timestamp = "2026-01-02T00:00:00Z".parse().unwrap();
        let ago = |s: i64| Timestamp::from_second(now.as_second() - s).unwrap();
        assert_eq!(age(ago(0), now), "just now");
        assert_eq!(age(ago(-5), now), "just now");
        assert_eq!(age(ago(-120), now), "in 2m");
        assert_eq!(age(ago(59), now), "59s ago");
        assert_eq!(age(ago(3 * 86_400), now), "3d ago");
        assert_eq!(time(now), "2026-01-02 00:00:00Z");
    }

    #[test]
    fn counts_and_shares() {
        assert_eq!(count(1, "server"), "1 server");
        assert_eq!(count(0, "server"), "0 servers");
        assert_eq!(count(1_234_567, "site"), "1,234,567 sites");
        assert_eq!(percent(1, 3), "33%");
        assert_eq!(percent(2, 3), "67%");
        assert_eq!(percent(1, 0), "-");
    }
}
