//! What is a schedule, what is not, and what one means.

use proptest::prelude::*;

use crate::kind::cron::corpus;
use crate::kind::cron::schedule::{Schedule, When};

/// The message and the hint of a refusal.
fn refused(text: &str) -> (String, String) {
    let invalid = Schedule::parse(text).expect_err(text);
    let first = &invalid.problems[0];
    assert_eq!(first.field, "schedule");
    (
        first.message.clone(),
        first.hint.clone().unwrap_or_default(),
    )
}

#[test]
fn what_cron_takes_is_taken() {
    for text in corpus::TAKEN {
        assert!(
            Schedule::parse(text).is_ok(),
            "{text}: {:?}",
            Schedule::parse(text)
        );
    }
}

#[test]
fn what_cron_refuses_or_misunderstands_is_refused() {
    for text in corpus::REFUSED.iter().chain(corpus::MISUNDERSTOOD) {
        assert!(Schedule::parse(text).is_err(), "{text}");
    }
}

#[test]
fn refusals_say_what_to_write() {
    for (text, message, hint) in [
        ("", "it is empty", "`*/5 * * * *`"),
        ("* * * *", "it has 4 fields, not five", "day of week"),
        ("* * * * * *", "it has 6 fields, not five", ""),
        (
            "60 * * * *",
            "minute: `60` is out of range: from 0 to 59",
            "",
        ),
        (
            "0 0 * * fri-sun",
            "runs backwards",
            "write `fri-7`: 7 is Sunday too",
        ),
        ("0 22-6 * * *", "runs backwards", "write `22-23,0-6`"),
        ("0 0 * * 5-1", "runs backwards", "write `5-6,0-1`"),
        (
            "5/15 * * * *",
            "has a step without a range",
            "write `5-59/15`",
        ),
        ("*/0 * * * *", "has a step of 0", ""),
        (
            "0 0 * january *",
            "is not a name that cron knows",
            "write `jan`",
        ),
        (
            "0 0 * * Monday",
            "is not a name that cron knows",
            "write `mon`",
        ),
        (
            "0 0 * * x",
            "neither a number from 0 to 7 nor one of sun",
            "",
        ),
        ("1,,2 * * * *", "is an empty element", ""),
        ("0 0 L * *", "is not a number from 1 to 31", ""),
        (
            "0 0 31 2 *",
            "it never fires: there is no 31 of February",
            "",
        ),
        (
            "0 0 30,31 feb *",
            "it never fires: there is no 30, 31 of February",
            "",
        ),
        (
            "0 0 31 4,6,9,11 *",
            "there is no 31 of April, June, September, November",
            "",
        ),
        ("@Daily", "cron knows no `@Daily`", "did you mean `@daily`"),
        ("@every 5m", "nothing may follow `@every`", ""),
        ("* * * * *\n0", "`\\n` has no place", ""),
        ("* * * * \u{202e}*", "`\\u{202e}` has no place", ""),
    ] {
        let (said, hinted) = refused(text);
        assert!(said.contains(message), "{text}: {said}");
        assert!(hinted.contains(hint), "{text}: {hinted}");
    }
}

#[test]
fn every_problem_is_told_at_once() {
    let invalid = Schedule::parse("60 24 0 13 8,9").unwrap_err();
    let said: Vec<&str> = invalid
        .problems
        .iter()
        .map(|problem| problem.message.as_str())
        .collect();
    assert_eq!(said.len(), 6, "{said:?}");
}

#[test]
fn dates_that_some_year_has_are_taken() {
    for text in ["0 0 29 2 *", "0 0 31 2,3 *", "0 0 31 2 mon", "0 0 29 2 */2"] {
        assert!(Schedule::parse(text).is_ok(), "{text}");
    }
}

#[test]
fn blanks_are_folded() {
    assert_eq!(
        Schedule::parse("  */5\t* *  * * ").unwrap().text(),
        "*/5 * * * *"
    );
}

#[test]
fn a_star_makes_both_days_count() {
    for (text, both) in [
        ("0 0 * * 1", true),
        ("0 0 1 * *", true),
        // As cron has it: what begins with a star counts as one.
        ("0 0 */2 * 1", true),
        ("0 0 1-31 * 1", false),
        ("0 0 1,15 * 1", false),
    ] {
        let When::At(fields) = Schedule::parse(text).unwrap().when else {
            panic!("{text}")
        };
        assert_eq!(fields.both_days(), both, "{text}");
    }
}

#[test]
fn schedules_are_said_in_words() {
    for (text, words) in [
        ("* * * * *", "every minute"),
        ("*/5 * * * *", "every 5 minutes"),
        ("*/1 * * * *", "every minute"),
        (
            "*/7 * * * *",
            "at minutes 0, 7, 14, 21, 28, 35, 42, 49 and 56 of every hour",
        ),
        ("0 * * * *", "at minute 0 of every hour"),
        ("@hourly", "at minute 0 of every hour"),
        ("0,30 * * * *", "at minutes 0 and 30 of every hour"),
        ("0 3 * * *", "at 03:00 every day"),
        ("@daily", "at 00:00 every day"),
        (
            "0,30 3,15 * * *",
            "at 03:00, 03:30, 15:00 and 15:30 every day",
        ),
        ("0 3 * * 1-5", "at 03:00 on Monday to Friday"),
        ("0 3 * * mon,wed", "at 03:00 on Monday and Wednesday"),
        ("0 3 * * 6-7", "at 03:00 on Saturday and Sunday"),
        ("@weekly", "at 00:00 on Sunday"),
        ("@monthly", "at 00:00 on day 1 of the month"),
        ("@yearly", "at 00:00 on day 1 of the month in January"),
        (
            "0 3 13 * 5",
            "at 03:00 on day 13 of the month, and also on Friday",
        ),
        (
            "0 3 */2 * 5",
            "at 03:00 on every second day from 1 to 31 of the month, if that is Friday",
        ),
        ("0 3 * jan-mar *", "at 03:00 every day in January to March"),
        (
            "*/10 9-17 * * 1-5",
            "every 10 minutes during hours 9 to 17 on Monday to Friday",
        ),
        ("5 */2 * * *", "at minute 5 past every second hour"),
        ("0 0 1-31 * 1", "at 00:00 every day"),
        ("@reboot", "once after each boot"),
    ] {
        assert_eq!(Schedule::parse(text).unwrap().meaning(), words, "{text}");
    }
}

proptest! {
    #[test]
    fn no_text_is_too_strange(text in "\\PC{0,60}|[-*/,@0-9a-z ]{0,40}") {
        if let Ok(schedule) = Schedule::parse(&text) {
            // What cron gets is one line of plain characters, and means the same when it is read again.
            prop_assert!(schedule.text().bytes().all(|b| b.is_ascii_graphic() || b == b' '));
            prop_assert_eq!(Schedule::parse(schedule.text()).unwrap(), schedule);
        }
    }
}
