//! Reading of typed values from a parsed TOML table, with a problem noted for each that is not what it should be.

use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Duration;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::source::Source;
use super::value::{self, Refused};
use crate::diagnostic::{Diagnostics, did_you_mean, ticked};
use crate::model::Selector;

/// Where relative paths and `~/` lead.
#[derive(Clone, Copy)]
pub(super) struct Places<'a> {
    /// The directory of the inventory.
    pub(super) base: &'a Path,
    /// The user's home directory.
    pub(super) home: Option<&'a Path>,
}

/// One table that is being read.
pub(super) struct Reader<'r, 'a> {
    pub(super) source: &'r mut Source<'a>,
    pub(super) places: Places<'a>,
    /// What the table is called in messages: `servers.sg-1`.
    pub(super) section: String,
}

/// A key and its value.
pub(super) type Entry<'e> = (&'e str, &'e Spanned<DeValue<'e>>);

impl Reader<'_, '_> {
    /// Notes a problem at `span`.
    pub(super) fn problem(&mut self, span: &Range<usize>, message: &str, hint: Option<String>) {
        self.source.problem(span, message, hint);
    }

    /// Notes that `value` of `key` is refused.
    pub(super) fn refuse(&mut self, key: &str, at: &Spanned<DeValue<'_>>, refused: Refused) {
        let text = match at.get_ref() {
            DeValue::String(text) => text.as_ref(),
            DeValue::Integer(number) => number.as_str(),
            DeValue::Float(number) => number.as_str(),
            _ => "",
        };
        let subject = format!("{} in `{}`", ticked(key), self.section);
        let message = value::refusal(&subject, text, &refused);
        self.problem(&at.span(), &message, refused.hint);
    }

    /// Notes a key that is not in `known`; `aliases` are words of other tools and what they are called here.
    pub(super) fn unknown_key(
        &mut self,
        key: &Spanned<std::borrow::Cow<'_, str>>,
        known: &[&'static str],
        aliases: &[(&str, &'static str)],
    ) {
        let name = key.get_ref().as_ref();
        let alias = aliases.iter().find(|(other, _)| *other == name);
        let near = alias
            .map(|(_, own)| *own)
            .or_else(|| did_you_mean(name, known.iter().copied()));
        let hint = match near {
            Some(near) => format!("did you mean `{near}`"),
            None => format!("known keys are {}", known.join(", ")),
        };
        let message = format!("unknown key {} in `{}`", ticked(name), self.section);
        self.problem(&key.span(), &message, Some(hint));
    }

    fn wrong_type(&mut self, entry: Entry<'_>, wanted: &str) {
        let (key, at) = entry;
        let hint = match (at.get_ref(), wanted) {
            (DeValue::String(text), "an integer") if text.trim().parse::<i64>().is_ok() => {
                Some(format!("write `{key} = {}` without quotes", text.trim()))
            }
            (DeValue::String(text), "`true` or `false`") => match text.to_lowercase().as_str() {
                "true" | "yes" | "on" | "1" => Some("write `true` without quotes".to_owned()),
                "false" | "no" | "off" | "0" => Some("write `false` without quotes".to_owned()),
                _ => None,
            },
            (DeValue::Integer(number), "a duration") => {
                Some(format!("write a unit: `{key} = \"{}s\"`", number.as_str()))
            }
            (DeValue::Integer(_) | DeValue::Float(_) | DeValue::Boolean(_), "a string") => {
                let text = self.source.at(&at.span());
                Some(format!("write it in quotes: `{key} = \"{text}\"`"))
            }
            _ => None,
        };
        let message = format!(
            "{} in `{}` must be {wanted}, not {}",
            ticked(key),
            self.section,
            article(at.get_ref().type_str())
        );
        self.problem(&at.span(), &message, hint);
    }

    /// A table.
    pub(super) fn table<'e>(&mut self, entry: Entry<'e>) -> Option<&'e DeTable<'e>> {
        let table = entry.1.get_ref().as_table();
        if table.is_none() {
            self.wrong_type(entry, "a table");
        }
        table
    }

    /// A string that `check` takes.
    pub(super) fn string<T>(
        &mut self,
        entry: Entry<'_>,
        check: impl FnOnce(&str) -> Result<T, Refused>,
    ) -> Option<T> {
        let Some(text) = entry.1.get_ref().as_str() else {
            self.wrong_type(entry, "a string");
            return None;
        };
        match check(text) {
            Ok(value) => Some(value),
            Err(refused) => {
                self.refuse(entry.0, entry.1, refused);
                None
            }
        }
    }

    /// A string, or an array of them, each of which `check` takes; the same one twice is refused.
    pub(super) fn strings<T: PartialEq>(
        &mut self,
        entry: Entry<'_>,
        check: impl Fn(&str) -> Result<T, Refused>,
    ) -> Option<Vec<T>> {
        let (key, at) = entry;
        let elements: Vec<&Spanned<DeValue<'_>>> = match at.get_ref() {
            DeValue::String(_) => vec![at],
            DeValue::Array(array) => array.iter().collect(),
            _ => {
                self.wrong_type(entry, "an array of strings");
                return None;
            }
        };
        let mut values = Vec::new();
        let mut complete = true;
        for element in elements {
            match self.string((key, element), &check) {
                Some(value) if values.contains(&value) => {
                    let message = "stands there twice".to_owned();
                    self.refuse(
                        key,
                        element,
                        Refused {
                            message,
                            hint: None,
                        },
                    );
                    complete = false;
                }
                Some(value) => values.push(value),
                None => complete = false,
            }
        }
        complete.then_some(values)
    }

    /// An integer between `least` and `most`.
    pub(super) fn integer(&mut self, entry: Entry<'_>, least: i64, most: i64) -> Option<i64> {
        let Some(number) = entry.1.get_ref().as_integer() else {
            self.wrong_type(entry, "an integer");
            return None;
        };
        let number = i64::from_str_radix(number.as_str(), number.radix()).ok();
        self.between(entry, number, least, most)
    }

    /// A number, with a fraction or without, between `least` and `most`.
    pub(super) fn number(&mut self, entry: Entry<'_>, least: f64, most: f64) -> Option<f64> {
        let text = match entry.1.get_ref() {
            DeValue::Float(number) => number.as_str(),
            DeValue::Integer(number) if number.radix() == 10 => number.as_str(),
            _ => {
                self.wrong_type(entry, "a number");
                return None;
            }
        };
        let number = text.parse::<f64>().ok();
        self.between(entry, number, least, most)
    }

    /// The number that was read, when it is between these two.
    fn between<N: Copy + PartialOrd + fmt::Display>(
        &mut self,
        entry: Entry<'_>,
        number: Option<N>,
        least: N,
        most: N,
    ) -> Option<N> {
        let number = number.filter(|number| (&least..=&most).contains(&number));
        if number.is_none() {
            let message = format!("is not between {least} and {most}");
            let refused = Refused {
                message,
                hint: None,
            };
            self.refuse(entry.0, entry.1, refused);
        }
        number
    }

    /// Terms that select servers: a string, or an array of them.
    pub(super) fn selector(&mut self, entry: Entry<'_>) -> Option<Selector> {
        let terms = self.strings(entry, |text| {
            let refused = |errors: Diagnostics| Refused {
                message: "is not a selector".to_owned(),
                hint: errors
                    .0
                    .into_iter()
                    .next()
                    .map(|error| error.hints.first().cloned().unwrap_or(error.message)),
            };
            let one = [text.to_owned()];
            Selector::parse(&one).map_err(refused)?;
            let [one] = one;
            Ok(one)
        })?;
        Selector::parse(&terms).ok()
    }

    /// `true` or `false`.
    pub(super) fn boolean(&mut self, entry: Entry<'_>) -> Option<bool> {
        let value = entry.1.get_ref().as_bool();
        if value.is_none() {
            self.wrong_type(entry, "`true` or `false`");
        }
        value
    }

    /// A duration of at least `least`.
    pub(super) fn duration(&mut self, entry: Entry<'_>, least: Duration) -> Option<Duration> {
        if entry.1.get_ref().as_integer().is_some() {
            self.wrong_type(entry, "a duration");
            return None;
        }
        self.string(entry, |text| {
            let duration = value::duration(text)?;
            if duration < least {
                // As it is written in the file.
                let least = match least.as_millis() {
                    millis if millis % 3_600_000 == 0 => format!("{}h", millis / 3_600_000),
                    millis if millis % 1000 == 0 => format!("{}s", millis / 1000),
                    millis => format!("{millis}ms"),
                };
                let message = format!("is shorter than {least}");
                return Err(Refused {
                    message,
                    hint: None,
                });
            }
            Ok(duration)
        })
    }

    /// A file name, with `~/` and relative names resolved.
    pub(super) fn path(
        &mut self,
        entry: Entry<'_>,
        check: impl FnOnce(&str) -> Result<&str, Refused>,
    ) -> Option<PathBuf> {
        let Places { base, home } = self.places;
        self.string(entry, |text| {
            let text = check(text)?;
            let Some(below) = text.strip_prefix('~') else {
                return Ok(base.join(text));
            };
            home.map(|home| home.join(below.trim_start_matches('/')))
                .ok_or_else(|| Refused {
                    message: "needs a home directory, and `HOME` is not set".to_owned(),
                    hint: None,
                })
        })
    }
}

fn article(word: &str) -> String {
    let article = if word.starts_with(['a', 'i']) {
        "an"
    } else {
        "a"
    };
    format!("{article} {word}")
}
