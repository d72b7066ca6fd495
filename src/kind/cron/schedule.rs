//! When a job runs: the five fields and the `@` words, read as Debian's cron reads them (crontab(5), its `entry.c`).
//!
//! What Debian's cron takes without a word although nobody can mean it is refused: a range that runs backwards
//! (`fri-sun` never fires), what follows a number without a comma (`5#2` is 5), a number that overflows, and dates
//! that do not exist.

use crate::diagnostic::{Invalid, did_you_mean, ticked};

/// What a field of a schedule counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Unit {
    /// What it is called: `day of month`.
    pub(super) name: &'static str,
    low: u8,
    high: u8,
    names: &'static [&'static str],
}

const MINUTE: Unit = Unit {
    name: "minute",
    low: 0,
    high: 59,
    names: &[],
};
const HOUR: Unit = Unit {
    name: "hour",
    low: 0,
    high: 23,
    names: &[],
};
const DAY: Unit = Unit {
    name: "day of month",
    low: 1,
    high: 31,
    names: &[],
};
const MONTH: Unit = Unit {
    name: "month",
    low: 1,
    high: 12,
    names: &[
        "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
    ],
};
/// 7 is Sunday as well as 0.
const WEEKDAY: Unit = Unit {
    name: "day of week",
    low: 0,
    high: 7,
    names: &["sun", "mon", "tue", "wed", "thu", "fri", "sat"],
};

/// One field: the values it stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Field {
    bits: u64,
    /// Whether it begins with `*`, which decides more than its values: `*/2` does too.
    pub(super) star: bool,
    /// The elements as they were written, for the words.
    pub(super) elements: Vec<Element>,
}

/// An element of a list: first value, last value, step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Element {
    pub(super) first: u8,
    pub(super) last: u8,
    pub(super) step: u8,
    /// Whether it was written `*`.
    pub(super) star: bool,
}

impl Field {
    /// Whether it stands for `value`.
    pub(super) fn has(&self, value: u8) -> bool {
        value < 64 && self.bits & (1 << value) != 0
    }

    /// Its values, ascending.
    pub(super) fn values(&self) -> impl Iterator<Item = u8> + '_ {
        (0..64).filter(|value| self.has(*value))
    }

    fn whole(unit: &Unit) -> Self {
        let element = Element {
            first: unit.low,
            last: unit.high,
            step: 1,
            star: true,
        };
        Self::of(vec![element], true)
    }

    fn single(value: u8) -> Self {
        Self::of(
            vec![Element {
                first: value,
                last: value,
                step: 1,
                star: false,
            }],
            false,
        )
    }

    fn of(elements: Vec<Element>, star: bool) -> Self {
        let mut bits = 0_u64;
        for element in &elements {
            let values = (element.first..=element.last).step_by(usize::from(element.step));
            bits |= values.fold(0, |bits, value| bits | 1 << value);
        }
        Self {
            bits,
            star,
            elements,
        }
    }
}

/// Five fields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fields {
    pub(super) minute: Field,
    pub(super) hour: Field,
    pub(super) day: Field,
    pub(super) month: Field,
    pub(super) weekday: Field,
}

/// When a job runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum When {
    /// Once after each boot.
    Reboot,
    /// At every minute that the fields match.
    At(Fields),
}

/// A schedule that was checked, with its text as cron gets it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Schedule {
    text: String,
    pub(super) when: When,
}

impl Schedule {
    /// Reads five fields or one of the `@` words; every reason why it cannot be.
    pub(super) fn parse(text: &str) -> Result<Self, Invalid> {
        if text.len() > 1000 {
            return refuse("a schedule has at most 1000 bytes");
        }
        if let Some(bad) = text
            .chars()
            .find(|c| !c.is_ascii_graphic() && !" \t".contains(*c))
        {
            return refuse(format!(
                "`{}` has no place in a schedule",
                bad.escape_default()
            ));
        }
        let words: Vec<&str> = text.split_ascii_whitespace().collect();
        let when = match words[..] {
            [] => return refuse_with_hint("it is empty", FORM),
            [word] if word.starts_with('@') => at_word(word)?,
            [word, ..] if word.starts_with('@') => {
                return refuse(format!("nothing may follow {}", ticked(word)));
            }
            [minute, hour, day, month, weekday] => {
                let mut invalid = Invalid::default();
                let mut read = |unit, text| field(unit, text, &mut invalid);
                let minute = read(&MINUTE, minute);
                let hour = read(&HOUR, hour);
                let day = read(&DAY, day);
                let month = read(&MONTH, month);
                let weekday = sundays(read(&WEEKDAY, weekday));
                invalid.into_result()?;
                When::At(Fields {
                    minute,
                    hour,
                    day,
                    month,
                    weekday,
                })
            }
            _ => {
                let s = if words.len() == 1 { "" } else { "s" };
                let message = format!("it has {} field{s}, not five", words.len());
                return refuse_with_hint(message, FORM);
            }
        };
        if let When::At(fields) = &when {
            fields.refuse_impossible()?;
        }
        Ok(Self {
            text: words.join(" "),
            when,
        })
    }

    /// Whether it runs after each boot alone.
    pub(super) fn is_reboot(&self) -> bool {
        self.when == When::Reboot
    }

    /// The text as cron gets it, with single blanks.
    pub(super) fn text(&self) -> &str {
        &self.text
    }
}

const FORM: &str =
    "minute, hour, day of month, month and day of week: `*/5 * * * *`, or a word such as `@daily`";

fn refuse<T>(message: impl Into<String>) -> Result<T, Invalid> {
    let mut invalid = Invalid::default();
    invalid.push(FLAG, message);
    Err(invalid)
}

fn refuse_with_hint<T>(message: impl Into<String>, hint: impl Into<String>) -> Result<T, Invalid> {
    let mut invalid = Invalid::default();
    invalid.push_with_hint(FLAG, message, hint);
    Err(invalid)
}

/// The field of the spec.
const FLAG: &str = "schedule";

const WORDS: [&str; 8] = [
    "@hourly",
    "@daily",
    "@midnight",
    "@weekly",
    "@monthly",
    "@yearly",
    "@annually",
    "@reboot",
];

/// What the `@` words stand for. As cron has it, `@hourly` has a star in its hour and `@daily` none that counts.
fn at_word(word: &str) -> Result<When, Invalid> {
    let whole = Field::whole;
    let single = Field::single;
    let hour = if word == "@hourly" {
        whole(&HOUR)
    } else {
        single(0)
    };
    let (day, month, weekday) = match word {
        "@reboot" => return Ok(When::Reboot),
        "@hourly" | "@daily" | "@midnight" => (whole(&DAY), whole(&MONTH), whole(&WEEKDAY)),
        "@weekly" => (whole(&DAY), whole(&MONTH), single(0)),
        "@monthly" => (single(1), whole(&MONTH), whole(&WEEKDAY)),
        "@yearly" | "@annually" => (single(1), single(1), whole(&WEEKDAY)),
        _ => {
            let near = did_you_mean(word, WORDS);
            let hint = match near {
                Some(near) => format!("did you mean `{near}`"),
                None => format!(
                    "it knows {}",
                    WORDS.map(|word| format!("`{word}`")).join(", ")
                ),
            };
            return refuse_with_hint(format!("cron knows no {}", ticked(word)), hint);
        }
    };
    let weekday = sundays(weekday);
    Ok(When::At(Fields {
        minute: single(0),
        hour,
        day,
        month,
        weekday,
    }))
}

/// 0 and 7 are the same day.
fn sundays(mut weekday: Field) -> Field {
    if weekday.has(7) {
        weekday.bits |= 1;
    }
    weekday.bits &= 0x7f;
    weekday
}

/// Reads a field: a list of elements. What is wrong is noted, and left out of what is returned.
fn field(unit: &Unit, text: &str, invalid: &mut Invalid) -> Field {
    let mut elements = Vec::new();
    for part in text.split(',') {
        match element(unit, part) {
            Ok(element) => elements.push(element),
            Err(Wrong { why, hint }) => {
                let message = format!("{}: {} {why}", unit.name, ticked(part));
                match hint {
                    Some(hint) => invalid.push_with_hint(FLAG, message, hint),
                    None => invalid.push(FLAG, message),
                }
            }
        }
    }
    Field::of(elements, text.starts_with('*'))
}

/// What is wrong with an element: words to follow it.
struct Wrong {
    why: String,
    hint: Option<String>,
}

fn wrong<T>(why: impl Into<String>) -> Result<T, Wrong> {
    Err(Wrong {
        why: why.into(),
        hint: None,
    })
}

fn wrong_with_hint<T>(why: impl Into<String>, hint: impl Into<String>) -> Result<T, Wrong> {
    Err(Wrong {
        why: why.into(),
        hint: Some(hint.into()),
    })
}

/// Reads an element of a list: `*`, `*/5`, `5`, `1-5`, `1-5/2`.
fn element(unit: &Unit, text: &str) -> Result<Element, Wrong> {
    if text.is_empty() {
        return wrong("is an empty element");
    }
    let (range, step) = match text.split_once('/') {
        None => (text, None),
        Some((range, step)) => (range, Some(step)),
    };
    let every = match step {
        None => 1,
        Some(step) => match digits(step) {
            Some(0) => return wrong("has a step of 0"),
            // More than the whole of the field is as good as the whole.
            Some(step) => u8::try_from(step).unwrap_or(u8::MAX),
            None => return wrong("has a step that is not a number"),
        },
    };
    if range == "*" {
        return Ok(Element {
            first: unit.low,
            last: unit.high,
            step: every,
            star: true,
        });
    }
    let Some((first, last)) = range.split_once('-') else {
        let value = number(unit, range)?;
        if step.is_some() {
            let hint = format!("write `{range}-{}/{every}`", unit.high);
            return wrong_with_hint("has a step without a range", hint);
        }
        return Ok(Element {
            first: value,
            last: value,
            step: 1,
            star: false,
        });
    };
    let (from, to) = (number(unit, first)?, number(unit, last)?);
    if from > to {
        let hint = if to == 0 && unit.high == 7 {
            format!("write `{first}-7`: 7 is Sunday too")
        } else {
            let high = if unit.high == 7 { 6 } else { unit.high };
            format!("write `{first}-{high},{}-{last}`", unit.low)
        };
        return wrong_with_hint("runs backwards, and cron would never fire", hint);
    }
    Ok(Element {
        first: from,
        last: to,
        step: every,
        star: false,
    })
}

/// A number of digits alone, with a limit that no field reaches.
fn digits(text: &str) -> Option<u32> {
    let plain = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    plain.then(|| text.parse().unwrap_or(u32::MAX))
}

/// A value of the unit: a number or a name.
fn number(unit: &Unit, text: &str) -> Result<u8, Wrong> {
    let name = unit
        .names
        .iter()
        .zip(unit.low..)
        .find(|(name, _)| name.eq_ignore_ascii_case(text));
    if let Some((_, value)) = name {
        return Ok(value);
    }
    let (low, high) = (unit.low, unit.high);
    if let Some(value) = digits(text) {
        return match u8::try_from(value) {
            Ok(value) if (low..=high).contains(&value) => Ok(value),
            _ => wrong(format!("is out of range: from {low} to {high}")),
        };
    }
    let lower = text.to_ascii_lowercase();
    let short = unit
        .names
        .iter()
        .find(|name| lower.len() > 3 && lower.starts_with(**name));
    match short {
        Some(short) => wrong_with_hint("is not a name that cron knows", format!("write `{short}`")),
        None if !unit.names.is_empty() => wrong(format!(
            "is neither a number from {low} to {high} nor one of {}",
            unit.names.join(", ")
        )),
        None => wrong(format!(
            "is not a number from {low} to {high}, a range or `*`"
        )),
    }
}

/// The most days a month may have.
const LENGTHS: [u8; 12] = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

impl Fields {
    /// Whether a day must match both the day of month and the day of week: so it is when one of them begins with
    /// `*`. Else either will do (crontab(5)).
    pub(super) fn both_days(&self) -> bool {
        self.day.star || self.weekday.star
    }

    /// Whether the job runs on a day: `month` and `day` from 1, `weekday` from Sunday, 0.
    pub(super) fn on(&self, month: u8, day: u8, weekday: u8) -> bool {
        let (of_month, of_week) = (self.day.has(day), self.weekday.has(weekday));
        let days = if self.both_days() {
            of_month && of_week
        } else {
            of_month || of_week
        };
        self.month.has(month) && days
    }

    /// Whether its minute or its hour begins with `*`: what runs often is not made up for when clocks go forward,
    /// and goes on when they go back (cron(8)).
    pub(super) fn often(&self) -> bool {
        self.minute.star || self.hour.star
    }

    /// Refuses dates that no year has. Every day of a year falls on each day of the week, in one year or another.
    fn refuse_impossible(&self) -> Result<(), Invalid> {
        let exists = |month: u8| {
            self.day
                .values()
                .any(|day| day <= LENGTHS[usize::from(month - 1)])
        };
        if !self.both_days() || self.month.values().any(exists) {
            return Ok(());
        }
        let list = |field: &Field, of: &dyn Fn(u8) -> String| {
            field.values().map(of).collect::<Vec<_>>().join(", ")
        };
        let days = list(&self.day, &|day| day.to_string());
        let months = list(&self.month, &|month| {
            super::words::MONTHS[usize::from(month - 1)].to_owned()
        });
        refuse(format!("it never fires: there is no {days} of {months}"))
    }
}
