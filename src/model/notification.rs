//! Channels over which changes of status are told, and what is told: plain data.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::Time;
use jiff::tz::TimeZone;
use serde::Serialize;

use super::{Selector, ServerName, Status};
use crate::shell::Secret;

/// A way to tell people (or programs) of changes: `[notifications.NAME]` of the inventory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Channel {
    /// Its name.
    pub name: String,
    /// How a message gets there.
    pub way: Way,
    /// Which changes it is for.
    pub on: BTreeSet<Change>,
    /// For which servers.
    pub servers: Selector,
    /// How a change is written as a line; `None` is fleet's own wording.
    pub template: Option<Template>,
    /// When it is silent.
    pub quiet: Option<QuietHours>,
    /// The zone of the quiet hours, and of the times in messages.
    pub zone: TimeZone,
    /// What still is not well is told again after this time.
    pub repeat: Option<Duration>,
    /// The least time between two messages; what happens meanwhile is told in the next.
    pub at_most_every: Duration,
    /// After this time of failures a change is not tried again.
    pub give_up_after: Duration,
}

/// How a message gets there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Way {
    /// A JSON document by POST.
    Webhook {
        /// Where to.
        url: SecretPlace,
        /// Sent as `Authorization: Bearer`.
        token: Option<SecretPlace>,
    },
    /// An incoming webhook of Slack, or of what speaks as it does (Mattermost, Rocket.Chat).
    Slack {
        /// Where to: who knows it can write there.
        url: SecretPlace,
    },
    /// A bot of Telegram.
    Telegram {
        /// What `@BotFather` gave.
        token: SecretPlace,
        /// The chat it writes to: a number, or `@name`.
        chat: String,
        /// The server of the Bot API.
        url: SecretPlace,
    },
    /// A topic of an ntfy server.
    Ntfy {
        /// The topic: `https://ntfy.sh/TOPIC`.
        url: SecretPlace,
        /// An access token.
        token: Option<SecretPlace>,
    },
    /// Mail through the local sendmail(8).
    Mail {
        /// To whom.
        to: Vec<String>,
        /// From whom; `None` leaves it to sendmail.
        from: Option<String>,
        /// The program.
        sendmail: PathBuf,
    },
    /// A program of this machine, without a shell; the message is JSON on its standard input.
    Command {
        /// The program and its arguments.
        argv: Vec<String>,
    },
}

impl Way {
    /// The word in the inventory and in lists.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Webhook { .. } => "webhook",
            Self::Slack { .. } => "slack",
            Self::Telegram { .. } => "telegram",
            Self::Ntfy { .. } => "ntfy",
            Self::Mail { .. } => "mail",
            Self::Command { .. } => "command",
        }
    }

    /// Where its address and its token are to be found.
    pub fn places(&self) -> (Option<&SecretPlace>, Option<&SecretPlace>) {
        match self {
            Self::Webhook { url, token } | Self::Ntfy { url, token } => (Some(url), token.as_ref()),
            Self::Slack { url } => (Some(url), None),
            Self::Telegram { token, url, .. } => (Some(url), Some(token)),
            Self::Mail { .. } | Self::Command { .. } => (None, None),
        }
    }
}

/// Where a secret is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretPlace {
    /// In the inventory, since the admin does not take it for one.
    Here(Secret),
    /// The first line of a file that is its owner's alone.
    File(PathBuf),
    /// The first line of what a command prints; run with `sh -c`.
    Command(String),
    /// A variable of the environment.
    Variable(String),
}

/// What may happen to the status of a server, or of a check on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Change {
    /// It cannot be reached.
    Offline,
    /// It can be reached, but not looked at; a check found that something does not work.
    Error,
    /// It needs attention.
    Degraded,
    /// It is well again, or better.
    Recovery,
}

impl Change {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Offline, Self::Error, Self::Degraded, Self::Recovery];

    /// The word in the inventory.
    pub fn word(self) -> &'static str {
        match self {
            Self::Offline => "offline",
            Self::Error => "error",
            Self::Degraded => "degraded",
            Self::Recovery => "recovery",
        }
    }

    /// What it is to come to `status`.
    pub fn to(status: Status) -> Self {
        match status {
            Status::Online | Status::Ok => Self::Recovery,
            Status::Degraded | Status::Warn => Self::Degraded,
            Status::Offline => Self::Offline,
            Status::Error | Status::Bad => Self::Error,
        }
    }
}

/// Hours of the day in which a channel is silent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuietHours {
    /// From this time of the day on.
    pub from: Time,
    /// Until this one; an earlier one than `from` is on the next day.
    pub to: Time,
    /// What is told all the same.
    pub except: BTreeSet<Change>,
}

/// A line with named placeholders: `{server} is {after}`. Nothing else is done with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template(Vec<Piece>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    Field(&'static str),
}

impl Template {
    /// Its placeholders.
    pub const FIELDS: [&'static str; 8] = [
        "server", "subject", "before", "after", "reasons", "since", "duration", "kind",
    ];

    /// Reads a template; `{{` and `}}` are braces.
    ///
    /// # Errors
    /// What is wrong with it, to be said after its text.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut pieces = Vec::new();
        let mut plain = String::new();
        let mut rest = text;
        while let Some(at) = rest.find(['{', '}']) {
            plain.push_str(&rest[..at]);
            let brace = &rest[at..=at];
            rest = &rest[at + 1..];
            if let Some(after) = rest.strip_prefix(brace) {
                plain.push_str(brace);
                rest = after;
                continue;
            }
            if brace == "}" {
                return Err("has a `}` without a `{`".to_owned());
            }
            let (name, after) = rest.split_once('}').ok_or("has a `{` without a `}`")?;
            let known = Self::FIELDS.into_iter().find(|field| *field == name);
            let field = known.ok_or_else(|| format!("has an unknown placeholder `{{{name}}}`"))?;
            pieces.push(Piece::Text(std::mem::take(&mut plain)));
            pieces.push(Piece::Field(field));
            rest = after;
        }
        plain.push_str(rest);
        pieces.push(Piece::Text(plain));
        Ok(Self(pieces))
    }

    /// The line, with what `value` says for each placeholder.
    pub fn fill(&self, value: impl Fn(&'static str) -> String) -> String {
        let mut line = String::new();
        for piece in &self.0 {
            match piece {
                Piece::Text(text) => line.push_str(text),
                Piece::Field(name) => line.push_str(&value(name)),
            }
        }
        line
    }
}

/// Something to tell over one channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// Its number; it stays the same when it is sent again.
    pub id: i64,
    /// Which channel.
    pub channel: String,
    /// When fleet came to know.
    pub at: Timestamp,
    /// Whether it is told again because it still is so.
    pub reminder: bool,
    /// The server.
    pub server: ServerName,
    /// The check on it; empty for the server itself.
    pub subject: String,
    /// What was told before; `None` when nothing was.
    pub before: Option<Status>,
    /// Since when it had been so.
    pub before_since: Option<Timestamp>,
    /// How it is now.
    pub after: Status,
    /// Since when.
    pub since: Timestamp,
    /// Why it is not well.
    pub reasons: Vec<String>,
    /// How often it was tried to be sent.
    pub attempts: u32,
}

impl Notice {
    /// What kind of change it is.
    pub fn change(&self) -> Change {
        match self.before {
            Some(before) if self.after < before && !self.reminder => Change::Recovery,
            _ => Change::to(self.after),
        }
    }
}

/// What was last told over a channel of a subject that is not well; nothing is kept of one that is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// As what it was told.
    pub status: Status,
    /// Since when it was so.
    pub since: Timestamp,
    /// When it was told last.
    pub at: Timestamp,
}

/// A server that is being worked on: its changes are not told, and it takes nothing new.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Maintenance {
    /// From when.
    pub since: Timestamp,
    /// Until when.
    pub until: Timestamp,
    /// Why; may be empty.
    pub reason: String,
    /// Who said so.
    pub operator: String,
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_template_has_named_placeholders_and_nothing_else() {
        let filled = |text: &str| Template::parse(text).map(|t| t.fill(str::to_uppercase));
        for (text, expected) in [
            ("", Ok("")),
            ("{server} is {after}", Ok("SERVER is AFTER")),
            ("{{server}} {server}", Ok("{server} SERVER")),
            ("{server", Err("has a `{` without a `}`")),
            ("server}", Err("has a `}` without a `{`")),
            ("{host}", Err("has an unknown placeholder `{host}`")),
            (
                "{server:>10}",
                Err("has an unknown placeholder `{server:>10}`"),
            ),
        ] {
            let expected = expected.map(str::to_owned).map_err(str::to_owned);
            assert_eq!(filled(text), expected, "{text}");
        }
        // What is filled in is not looked into again.
        let template = Template::parse("{reasons}").unwrap();
        assert_eq!(template.fill(|_| "{server}".to_owned()), "{server}");
    }
}
