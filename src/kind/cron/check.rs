//! From the settings as they are stored to typed values: every reason why they cannot be.

use super::schedule::{Schedule, When};
use super::{Cron, Mail, Overlap};
use crate::diagnostic::{Invalid, ticked};
use crate::model::DomainName;
use crate::model::selector::Selector;

/// A job whose settings were checked.
#[derive(Clone, Debug)]
pub(super) struct Checked {
    pub(super) schedule: Schedule,
    pub(super) command: String,
    /// Whom it runs as.
    pub(super) user: String,
    /// Seconds after which it is ended; 0 for never.
    pub(super) timeout: u64,
    pub(super) overlap: Overlap,
    /// Seconds within which it starts.
    pub(super) delay: u64,
    pub(super) env: Vec<(String, String)>,
    /// Where it runs; the user's home when `None`.
    pub(super) directory: Option<String>,
    pub(super) retries: u32,
    /// Seconds between two attempts.
    pub(super) pause: u64,
    pub(super) mail: Mail,
    pub(super) mail_to: String,
    /// Runs of which the output is kept.
    pub(super) keep: u32,
}

const DAY: u64 = 86_400;

/// The name of a job: what cron takes as the name of a file (cron(8): only letters, digits, underscores and hyphens).
pub(super) fn name(input: &str) -> Result<String, Invalid> {
    let mut invalid = Invalid::default();
    let shown = ticked(input);
    let fine = |c: char| c.is_ascii_alphanumeric() || "_-".contains(c);
    if input.is_empty() {
        invalid.push("", "a name is needed");
    } else if input.len() > 64 {
        invalid.push(
            "",
            format!(
                "a name has at most 64 characters, this one has {}",
                input.chars().count()
            ),
        );
    } else if let Some(bad) = input.chars().find(|c| !fine(*c)) {
        let hint = match bad {
            '.' => "cron passes over files with a dot in their name: write `-`",
            _ => "letters `A-Z a-z`, digits, `_` and `-`, as cron wants it of its files",
        };
        invalid.push_with_hint(
            "",
            format!("{shown} has a `{}` in it", bad.escape_debug()),
            hint,
        );
    } else if input.starts_with(['-', '_']) {
        invalid.push("", format!("{shown} does not begin with a letter or digit"));
    }
    invalid.into_result()?;
    Ok(input.to_owned())
}

impl Cron {
    /// The typed values of these settings, or every reason why they cannot be.
    pub(super) fn check(&self) -> Result<Checked, Invalid> {
        let mut invalid = Invalid::default();
        let schedule = match Schedule::parse(&self.schedule) {
            Ok(schedule) => Some(schedule),
            Err(problems) => {
                invalid.problems.extend(problems.problems);
                None
            }
        };
        let i = &mut invalid;
        let forever = schedule
            .as_ref()
            .is_some_and(|schedule| schedule.when == When::Reboot);
        let site_user = self.check_place(i);
        let timeout = match self.timeout.as_deref() {
            Some("none" | "0") => 0,
            Some(text) => seconds("timeout", text, 1, 30 * DAY, i),
            // What is started at boot is often meant to stay.
            None if forever => 0,
            None => DAY,
        };
        let given = |field: &'static str, text: &Option<String>, least, i: &mut Invalid| {
            text.as_deref()
                .map(|text| seconds(field, text, least, DAY, i))
        };
        let delay = given("random_delay", &self.random_delay, 0, i).unwrap_or(0);
        let pause = given("retry_delay", &self.retry_delay, 0, i).unwrap_or(60);
        if self.retry_delay.is_some() && self.retries.unwrap_or(0) == 0 {
            i.push_with_hint(
                "retry_delay",
                "means nothing without retries",
                "give `--retries 3` too",
            );
        }
        let checked = Checked {
            command: command(self.command.as_deref(), i),
            user: match (&self.user, site_user) {
                (Some(user), _) => user_name(user, i),
                (None, Some(user)) => user,
                (None, None) => "root".to_owned(),
            },
            timeout,
            overlap: self.overlap.unwrap_or(Overlap::Forbid),
            delay,
            env: environment(&self.env, i),
            directory: self.directory.as_deref().map(|text| directory(text, i)),
            retries: bounded("retries", self.retries.unwrap_or(0), 0, 20, i),
            pause,
            mail: self.mail.unwrap_or(Mail::OnFailure),
            mail_to: self
                .mail_to
                .as_deref()
                .map_or_else(|| "root".to_owned(), |text| address(text, i)),
            keep: bounded("keep", self.keep.unwrap_or(20), 1, 1000, i),
            schedule: match schedule {
                Some(schedule) => schedule,
                None => return Err(invalid),
            },
        };
        if self.mail_to.is_some() && checked.mail == Mail::Never {
            i.push("mail_to", "means nothing with `--mail never`");
        }
        invalid.into_result()?;
        Ok(checked)
    }

    /// Where it runs: beside a site, on every server of a selector, on one of them, or on one server. Returns the user
    /// of its site.
    fn check_place(&self, invalid: &mut Invalid) -> Option<String> {
        if self.site.is_some() && !self.on.is_empty() {
            invalid.push(
                "on",
                "a job follows its site, or runs on the servers of a selector, not both",
            );
        }
        if self.once_per_fleet && self.on.is_empty() {
            let hint = "name the servers that may run it: `--on 'role=web'`, or `--on '*'` for all";
            invalid.push_with_hint("once_per_fleet", "needs `--on`", hint);
        }
        for term in &self.on {
            if term.contains(['\n', '\t']) {
                invalid.push("on", "it has a line break or a tab in it");
            }
            visible("on", term, invalid);
        }
        if !self.on.is_empty()
            && let Err(error) = Selector::parse(&self.on)
        {
            invalid.push("on", error.to_string());
        }
        let site = self.site.as_deref()?;
        match site.parse::<DomainName>() {
            Ok(domain) => Some(crate::kind::site::user_name(&domain)),
            Err(error) => {
                invalid.push("site", error.message);
                None
            }
        }
    }
}

fn bounded(field: &str, value: u32, least: u32, most: u32, invalid: &mut Invalid) -> u32 {
    if !(least..=most).contains(&value) {
        invalid.push(
            field,
            format!("`{value}` is out of range: from {least} to {most}"),
        );
    }
    value
}

/// `90`, `90s`, `5m`, `1h30m`, `1d` as seconds.
fn seconds(field: &str, text: &str, least: u64, most: u64, invalid: &mut Invalid) -> u64 {
    match span(text) {
        Some(seconds) if (least..=most).contains(&seconds) => seconds,
        Some(_) => {
            invalid.push(
                field,
                format!(
                    "{} is out of range: from {least} s to {} h",
                    ticked(text),
                    most / 3600
                ),
            );
            0
        }
        None => {
            let hint = "seconds, or with a unit: `90s`, `5m`, `1h30m`, `1d`";
            invalid.push_with_hint(field, format!("{} is not a time span", ticked(text)), hint);
            0
        }
    }
}

fn span(text: &str) -> Option<u64> {
    if text.is_empty() || text.len() > 20 {
        return None;
    }
    let (mut total, mut number, mut digits, mut smallest) = (0_u64, 0_u64, false, u64::MAX);
    for byte in text.bytes() {
        if byte.is_ascii_digit() {
            number = number
                .checked_mul(10)?
                .checked_add(u64::from(byte - b'0'))?;
            digits = true;
            continue;
        }
        let unit = match byte {
            b's' => 1,
            b'm' => 60,
            b'h' => 3600,
            b'd' => DAY,
            _ => return None,
        };
        // The larger unit first, each once.
        if !digits || unit >= smallest {
            return None;
        }
        total = total.checked_add(number.checked_mul(unit)?)?;
        (number, digits, smallest) = (0, false, unit);
    }
    match (digits, smallest) {
        (true, u64::MAX) => Some(number),
        (true, _) => None,
        (false, _) => Some(total),
    }
}

/// What the shell gets: any text that can be seen for what it is.
fn command(text: Option<&str>, invalid: &mut Invalid) -> String {
    let Some(text) = text else {
        invalid.push_with_hint(
            "command",
            "a command is needed",
            "`--command '…'`, or `--command-file FILE`",
        );
        return String::new();
    };
    if text.trim().is_empty() {
        invalid.push("command", "it is empty");
    } else if text.len() > 65_536 {
        invalid.push_with_hint(
            "command",
            "it has more than 64 KiB",
            "put it into a file on the server, and run that",
        );
    }
    visible("command", text, invalid);
    text.to_owned()
}

/// Refuses characters that hide what a text is: control characters but tab and newline, and marks that turn the
/// direction of writing (U+202E and its like, Unicode TR 9), with which a text reads otherwise than it runs.
fn visible(field: &str, text: &str, invalid: &mut Invalid) {
    let turns = |c: char| matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let hidden = |c: &char| (c.is_control() && !matches!(c, '\n' | '\t')) || turns(*c);
    if let Some(bad) = text.chars().find(hidden) {
        let what = match bad {
            '\0' => "a NUL".to_owned(),
            '\r' => "a carriage return".to_owned(),
            c if turns(c) => format!(
                "U+{:04X}, which turns the direction of writing",
                u32::from(c)
            ),
            c => format!("the control character U+{:04X}", u32::from(c)),
        };
        let hint = match bad {
            '\r' => "save it with the line ends of Unix",
            _ => "let the command make it: `printf '\\033'`",
        };
        invalid.push_with_hint(field, format!("it has {what} in it"), hint);
    }
}

fn environment(texts: &[String], invalid: &mut Invalid) -> Vec<(String, String)> {
    let mut env: Vec<(String, String)> = Vec::new();
    for text in texts {
        let Some((key, value)) = text.split_once('=') else {
            invalid.push("env", format!("{} is not `NAME=VALUE`", ticked(text)));
            continue;
        };
        let fine = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if key.is_empty() || !key.chars().all(fine) || key.starts_with(|c: char| c.is_ascii_digit())
        {
            let hint = "letters, digits and `_`, not beginning with a digit";
            invalid.push_with_hint(
                "env",
                format!("{} cannot be the name of a variable", ticked(key)),
                hint,
            );
        } else if ["HOME", "USER", "LOGNAME", "IFS"].contains(&key) {
            invalid.push("env", format!("`{key}` is not to be chosen"));
        } else if env.iter().any(|(other, _)| other == key) {
            invalid.push("env", format!("`{key}` is given twice"));
        }
        if value.len() > 32_768 {
            invalid.push(
                "env",
                format!("the value of {} has more than 32 KiB", ticked(key)),
            );
        }
        visible("env", value, invalid);
        env.push((key.to_owned(), value.to_owned()));
    }
    env
}

fn directory(text: &str, invalid: &mut Invalid) -> String {
    if text.is_empty() {
        invalid.push("directory", "it is empty");
    } else if text.len() > 1024 {
        invalid.push("directory", "a path has at most 1024 bytes");
    } else if text.contains(['\n', '\t']) {
        invalid.push("directory", "it has a line break or a tab in it");
    }
    visible("directory", text, invalid);
    text.to_owned()
}

/// A name that Debian's useradd(8) would take.
fn user_name(text: &str, invalid: &mut Invalid) -> String {
    let fine = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    let first = |c: char| c.is_ascii_alphabetic() || c == '_';
    if text.len() > 32 || !text.starts_with(first) || !text.chars().all(fine) {
        let hint = "up to 32 of `A-Z a-z 0-9 . _ -`, beginning with a letter or `_`";
        invalid.push_with_hint("user", format!("{} cannot be a user", ticked(text)), hint);
    }
    text.to_owned()
}

/// An address that Debian's cron does not hold back (its `do_command.c`), and that needs no quotes.
fn address(text: &str, invalid: &mut Invalid) -> String {
    let fine = |c: char| c.is_ascii_alphanumeric() || "@.-_+".contains(c);
    let parts: Vec<&str> = text.split('@').collect();
    let shape = matches!(parts[..], [user] | [user, _] if !user.is_empty()) && !text.ends_with('@');
    if !shape || text.len() > 254 || text.starts_with('-') || !text.chars().all(fine) {
        let hint = "`ann@example.com`, or a user of the server";
        invalid.push_with_hint(
            "mail_to",
            format!("{} cannot be an address", ticked(text)),
            hint,
        );
    }
    text.to_owned()
}

#[cfg(test)]
mod tests {
    use super::span;

    #[test]
    fn spans_are_read() {
        for (text, seconds) in [
            ("0", Some(0)),
            ("90", Some(90)),
            ("90s", Some(90)),
            ("5m", Some(300)),
            ("1h30m", Some(5400)),
            ("1d", Some(86_400)),
            ("", None),
            ("m", None),
            ("5", Some(5)),
            ("5x", None),
            ("-5", None),
            ("1m1h", None),
            ("1m1m", None),
            ("1h30", None),
            ("99999999999999999999", None),
            ("9999999999999999999d", None),
            ("5 m", None),
        ] {
            assert_eq!(span(text), seconds, "{text}");
        }
    }
}
