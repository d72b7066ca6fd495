//! The meaning of a schedule in words.

use super::schedule::{Element, Field, Fields, Schedule, When};

pub(super) const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

const WEEKDAYS: [&str; 8] = [
    "Sunday",
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
    "Sunday",
];

impl Schedule {
    /// What it means: `at 03:00 on Monday to Friday`.
    pub(super) fn meaning(&self) -> String {
        match &self.when {
            When::Reboot => "once after each boot".to_owned(),
            When::At(fields) => fields.meaning(),
        }
    }
}

impl Fields {
    fn meaning(&self) -> String {
        let mut words = self.time();
        let days = self.days();
        if days.is_empty() && !words.starts_with("every") && !words.contains("hour") {
            words.push_str(" every day");
        }
        words.push_str(&days);
        if !whole(&self.month, 1, 12) {
            words.push_str(" in ");
            words.push_str(&list(
                &self.month,
                &|value| MONTHS[usize::from(value) - 1].to_owned(),
                "month",
            ));
        }
        words
    }

    /// The time of the day.
    fn time(&self) -> String {
        let minutes: Vec<u8> = self.minute.values().collect();
        let hours: Vec<u8> = self.hour.values().collect();
        let every_hour = whole(&self.hour, 0, 23);
        // Few enough to be named: `at 03:00 and 15:00`.
        if !every_hour && minutes.len() * hours.len() <= 4 {
            let times = hours.iter().flat_map(|hour| {
                minutes
                    .iter()
                    .map(move |minute| format!("{hour:02}:{minute:02}"))
            });
            return format!("at {}", join(times.collect()));
        }
        let minute = match self.minute.elements[..] {
            [
                Element {
                    star: true,
                    step: 1,
                    ..
                },
            ] => "every minute".to_owned(),
            _ if whole(&self.minute, 0, 59) => "every minute".to_owned(),
            [
                Element {
                    star: true, step, ..
                },
            ] if 60 % u16::from(step) == 0 && step < 60 => {
                format!("every {step} minutes")
            }
            _ => format!("at {}", numbers(&self.minute, "minute")),
        };
        if every_hour {
            return if minute.starts_with("every") {
                minute
            } else {
                format!("{minute} of every hour")
            };
        }
        let hour = match self.hour.elements[..] {
            [
                Element {
                    star: true, step, ..
                },
            ] => format!("every {} hour", ordinal(step)),
            _ => numbers(&self.hour, "hour"),
        };
        if minute.starts_with("every") {
            format!("{minute} during {hour}")
        } else {
            format!("{minute} past {hour}")
        }
    }

    /// The days, with a blank before them; nothing when it is every day.
    fn days(&self) -> String {
        let all_days = whole(&self.day, 1, 31);
        let all_weekdays = whole(&self.weekday, 0, 6);
        let of_month = || format!("on {} of the month", numbers(&self.day, "day"));
        let of_week = || {
            format!(
                "on {}",
                list(
                    &self.weekday,
                    &|value| WEEKDAYS[usize::from(value)].to_owned(),
                    "weekday"
                )
            )
        };
        match (all_days, all_weekdays) {
            (true, false) if self.both_days() => format!(" {}", of_week()),
            (false, true) if self.both_days() => format!(" {}", of_month()),
            (false, false) if self.both_days() => {
                format!(" {}, if that is {}", of_month(), &of_week()[3..])
            }
            (false, false) => format!(" {}, and also {}", of_month(), of_week()),
            // Every day; or either will do, and one of them is every day.
            _ => String::new(),
        }
    }
}

/// Whether a field stands for all of its values.
fn whole(field: &Field, low: u8, high: u8) -> bool {
    (low..=high).all(|value| field.has(value))
}

/// The values of a field that counts, with the word for what it counts: `minutes 5 and 10`.
fn numbers(field: &Field, unit: &str) -> String {
    match field.elements[..] {
        [
            Element {
                first, last, step, ..
            },
        ] if step > 1 && field.values().count() > MOST_NAMED => {
            format!("every {} {unit} from {first} to {last}", ordinal(step))
        }
        _ => {
            let plural = if field.values().count() == 1 { "" } else { "s" };
            format!(
                "{unit}{plural} {}",
                list(field, &|value| value.to_string(), unit)
            )
        }
    }
}

/// The most values of a step that are named one by one.
const MOST_NAMED: usize = 12;

/// The values of a field, ranges as ranges.
fn list(field: &Field, name: &dyn Fn(u8) -> String, unit: &str) -> String {
    let words = field.elements.iter().map(|element| {
        let Element {
            first,
            last,
            step,
            star,
        } = *element;
        let values = first..=last;
        match (star, step) {
            (true, 1) => format!("every {unit}"),
            _ if first == last => name(first),
            (_, 1) if last == first + 1 => format!("{} and {}", name(first), name(last)),
            (_, 1) => format!("{} to {}", name(first), name(last)),
            _ => {
                let values: Vec<String> = values.step_by(usize::from(step)).map(name).collect();
                if values.len() <= MOST_NAMED {
                    join(values)
                } else {
                    format!(
                        "every {} from {} to {}",
                        ordinal(step),
                        name(first),
                        name(last)
                    )
                }
            }
        }
    });
    join(words.collect())
}

fn ordinal(number: u8) -> String {
    let ending = match (number % 10, number % 100) {
        (_, 11..=13) => "th",
        (1, _) => "st",
        (2, _) => "nd",
        (3, _) => "rd",
        _ => "th",
    };
    if number == 2 {
        "second".to_owned()
    } else {
        format!("{number}{ending}")
    }
}

/// `a, b and c`.
fn join(mut words: Vec<String>) -> String {
    match words.pop() {
        None => String::new(),
        Some(last) if words.is_empty() => last,
        Some(last) => format!("{} and {last}", words.join(", ")),
    }
}
