//! `[notifications.NAME]` of the inventory: channels over which changes of status are told.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::PathBuf;
use std::time::Duration;

use jiff::civil::Time;
use jiff::tz::TimeZone;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::read::{Entry, Reader};
use super::source::Source;
use super::value::{self, Refused};
use crate::diagnostic::{did_you_mean, ticked};
use crate::http::Url;
use crate::model::notification::{Change, Channel, QuietHours, SecretPlace, Template, Way};
use crate::model::{Selector, Server, ServerName};
use crate::shell::Secret;

const TYPES: [&str; 6] = ["webhook", "slack", "telegram", "ntfy", "mail", "command"];

/// Keys of every channel.
const KEYS: [&str; 10] = [
    "type",
    "on",
    "servers",
    "template",
    "quiet_hours",
    "except",
    "time_zone",
    "repeat",
    "at_most_every",
    "give_up_after",
];

/// Keys of a channel of each type beside them.
const OWN: [(&str, &[&str]); 6] = [
    (
        "webhook",
        &[
            "url",
            "url_file",
            "url_command",
            "url_variable",
            "token_file",
            "token_command",
            "token_variable",
        ],
    ),
    ("slack", &["url_file", "url_command", "url_variable"]),
    (
        "telegram",
        &[
            "token_file",
            "token_command",
            "token_variable",
            "chat",
            "url",
        ],
    ),
    (
        "ntfy",
        &[
            "url",
            "url_file",
            "url_command",
            "url_variable",
            "token_file",
            "token_command",
            "token_variable",
        ],
    ),
    ("mail", &["to", "from", "sendmail"]),
    ("command", &["command"]),
];

const ALIASES: [(&str, &str); 12] = [
    ("events", "on"),
    ("server", "servers"),
    ("selector", "servers"),
    ("message", "template"),
    ("quiet", "quiet_hours"),
    ("timezone", "time_zone"),
    ("remind", "repeat"),
    ("rate", "at_most_every"),
    ("chat_id", "chat"),
    ("channel", "chat"),
    ("webhook", "url"),
    ("argv", "command"),
];

/// A channel, and where its servers are named.
pub(super) struct Draft {
    pub(super) channel: Channel,
    servers: Option<Range<usize>>,
}

/// Reads all channels; what is wrong is noted, and a channel with it is left out.
pub(super) fn read(reader: &mut Reader<'_, '_>, table: &DeTable<'_>) -> BTreeMap<String, Draft> {
    let mut channels = BTreeMap::new();
    for (key, at) in table {
        let name = key.get_ref().as_ref();
        "notifications".clone_into(&mut reader.section);
        if let Err(refused) = value::word(name) {
            let message = format!("{} {}", ticked(name), refused.message);
            reader.problem(&key.span(), &message, refused.hint);
            continue;
        }
        let Some(table) = reader.table((name, at)) else {
            continue;
        };
        reader.section = format!("notifications.{name}");
        if let Some(draft) = channel(reader, key, table) {
            channels.insert(name.to_owned(), draft);
        }
    }
    channels
}

/// Notes what is wrong with the servers that the channels name.
pub(super) fn check(
    source: &mut Source<'_>,
    channels: &BTreeMap<String, Draft>,
    servers: &BTreeMap<ServerName, Server>,
) {
    for draft in channels.values() {
        let Some(span) = &draft.servers else { continue };
        for problem in draft.channel.servers.unknown(servers) {
            let section = format!("`servers` in `notifications.{}`", draft.channel.name);
            let message = format!("{section}: {}", problem.message);
            source.problem(span, &message, problem.hints.into_iter().next());
        }
    }
}

/// How an address can be given.
const URL: [&str; 4] = ["url", "url_file", "url_command", "url_variable"];

/// How a token can be given; the first is refused.
const TOKEN: [&str; 4] = ["token", "token_file", "token_command", "token_variable"];

/// The values of one table while they are read.
#[derive(Default)]
struct Values {
    /// The keys that are there, whether their values are of use or not.
    given: BTreeSet<&'static str>,
    texts: BTreeMap<&'static str, String>,
    paths: BTreeMap<&'static str, PathBuf>,
    lists: BTreeMap<&'static str, Vec<String>>,
}

fn channel(
    reader: &mut Reader<'_, '_>,
    name: &Spanned<Cow<'_, str>>,
    table: &DeTable<'_>,
) -> Option<Draft> {
    let Some(at) = table.get("type") else {
        let message = format!("`{}` has no `type`", reader.section);
        let hint = format!("one of {}", TYPES.join(", "));
        reader.problem(&name.span(), &message, Some(hint));
        return None;
    };
    let kind = reader.string(("type", at), |text| one_of("type", text, &TYPES))?;
    let own = OWN.iter().find(|(word, _)| *word == kind);
    let own = own.map_or(&[][..], |(_, own)| own);
    let known: Vec<&'static str> = KEYS.iter().chain(own).copied().collect();
    let mut common = Common::new();
    let mut values = Values::default();
    let mut whole = true;
    for (key, value) in table {
        let entry = (key.get_ref().as_ref(), value);
        if entry.0 == "type" {
            continue;
        }
        if let Some(known) = own.iter().find(|known| **known == entry.0) {
            whole &= values.read(reader, known, entry);
        } else if KEYS.contains(&entry.0) {
            whole &= common.read(reader, entry);
        } else {
            whole = false;
            unknown(reader, kind, key, &known);
        }
    }
    if common.quiet.is_none() && !common.except.is_empty() {
        let message = format!("`except` in `{}` without `quiet_hours`", reader.section);
        reader.problem(&name.span(), &message, None);
        whole = false;
    }
    let way = values.way(reader, &name.span(), kind);
    let way = way.filter(|_| whole)?;
    Some(common.draft(name.get_ref(), way))
}

/// A key that a channel of this type does not have; of secrets is told where they belong.
fn unknown(
    reader: &mut Reader<'_, '_>,
    kind: &str,
    key: &Spanned<Cow<'_, str>>,
    known: &[&'static str],
) {
    let name = key.get_ref().as_ref();
    let of_another = OWN.iter().any(|(_, own)| own.contains(&name));
    if ["token", "password"].contains(&name) || (name == "url" && kind == "slack") {
        let name = if name == "password" { "token" } else { name };
        let message = format!(
            "`{name}` in `{}` is a secret, and does not belong into the inventory",
            reader.section
        );
        let hint = format!(
            "write it into a file of mode 0600, and `{name}_file = \"FILE\"`; or use `{name}_command` or `{name}_variable`"
        );
        reader.problem(&key.span(), &message, Some(hint));
    } else if of_another {
        let message = format!(
            "{} in `{}` is no key of the type `{kind}`",
            ticked(name),
            reader.section
        );
        let hint = format!("known keys are {}", known.join(", "));
        reader.problem(&key.span(), &message, Some(hint));
    } else {
        reader.unknown_key(key, known, &ALIASES);
    }
}

impl Values {
    /// Takes the value of `key`; whether it is what it should be.
    fn read(&mut self, reader: &mut Reader<'_, '_>, key: &'static str, entry: Entry<'_>) -> bool {
        self.given.insert(key);
        match key {
            "url_file" | "token_file" | "sendmail" => {
                let path = reader.path(entry, value::path);
                path.map(|path| self.paths.insert(key, path)).is_some()
            }
            "to" => {
                let list = reader.strings(entry, mail_address);
                list.map(|list| self.lists.insert(key, list)).is_some()
            }
            "command" => {
                let list = arguments(reader, entry);
                list.map(|list| self.lists.insert(key, list)).is_some()
            }
            "chat" if entry.1.get_ref().as_integer().is_some() => {
                let number = reader.integer(entry, i64::MIN, i64::MAX);
                let chat = number.map(|number| number.to_string());
                chat.map(|chat| self.texts.insert(key, chat)).is_some()
            }
            _ => {
                let text = reader.string(entry, |text| match key {
                    "url" => url(text),
                    "from" => mail_address(text),
                    "chat" => chat(text),
                    "url_variable" | "token_variable" => variable(text),
                    _ => value::plain(text).map(str::to_owned),
                });
                text.map(|text| self.texts.insert(key, text)).is_some()
            }
        }
    }

    /// The way these values describe; what is missing is noted.
    fn way(mut self, reader: &mut Reader<'_, '_>, span: &Range<usize>, kind: &str) -> Option<Way> {
        let url = self.place(reader, span, URL);
        let token = self.place(reader, span, TOKEN);
        let needed: &[&str] = match kind {
            "slack" => &URL[1..],
            "webhook" | "ntfy" => &URL,
            "telegram" => &TOKEN[1..],
            "mail" => &["to"],
            _ => &["command"],
        };
        self.need(reader, span, needed);
        if kind == "telegram" {
            self.need(reader, span, &["chat"]);
        }
        match kind {
            "slack" => Some(Way::Slack { url: url? }),
            "webhook" => Some(Way::Webhook { url: url?, token }),
            "ntfy" => Some(Way::Ntfy { url: url?, token }),
            "telegram" => Some(Way::Telegram {
                token: token?,
                chat: self.texts.remove("chat")?,
                url: url
                    .unwrap_or_else(|| SecretPlace::Here(Secret::new("https://api.telegram.org"))),
            }),
            "mail" => Some(Way::Mail {
                to: self.lists.remove("to")?,
                from: self.texts.remove("from"),
                sendmail: self
                    .paths
                    .remove("sendmail")
                    .unwrap_or_else(|| PathBuf::from("/usr/sbin/sendmail")),
            }),
            _ => Some(Way::Command {
                argv: self.lists.remove("command")?,
            }),
        }
    }

    /// Notes that none of `keys` is there.
    fn need(&self, reader: &mut Reader<'_, '_>, span: &Range<usize>, keys: &[&str]) {
        if keys.iter().any(|key| self.given.contains(key)) {
            return;
        }
        let first = keys.first().copied().unwrap_or_default();
        let message = format!("`{}` has no `{first}`", reader.section);
        let hint = (keys.len() > 1).then(|| format!("write one of {}", keys.join(", ")));
        reader.problem(span, &message, hint);
    }

    /// Where a secret is that four keys can name; more than one of them is a problem.
    fn place(
        &mut self,
        reader: &mut Reader<'_, '_>,
        span: &Range<usize>,
        keys: [&'static str; 4],
    ) -> Option<SecretPlace> {
        let given: Vec<&str> = keys
            .into_iter()
            .filter(|key| self.given.contains(key))
            .collect();
        if given.len() > 1 {
            let message = format!(
                "`{}` has `{}`: one is enough",
                reader.section,
                given.join("` and `")
            );
            reader.problem(span, &message, None);
        }
        let [here, file, command, variable] = keys;
        let here = self
            .texts
            .remove(here)
            .map(|text| SecretPlace::Here(Secret::new(text)));
        here.or_else(|| self.paths.remove(file).map(SecretPlace::File))
            .or_else(|| self.texts.remove(command).map(SecretPlace::Command))
            .or_else(|| self.texts.remove(variable).map(SecretPlace::Variable))
    }
}

/// What channels of every type have.
struct Common {
    on: BTreeSet<Change>,
    servers: Selector,
    servers_at: Option<Range<usize>>,
    template: Option<Template>,
    quiet: Option<(Time, Time)>,
    except: BTreeSet<Change>,
    zone: TimeZone,
    repeat: Option<Duration>,
    at_most_every: Duration,
    give_up_after: Duration,
}

impl Common {
    fn new() -> Self {
        Self {
            on: Change::ALL.into(),
            servers: Selector::default(),
            servers_at: None,
            template: None,
            quiet: None,
            except: BTreeSet::new(),
            zone: TimeZone::UTC,
            repeat: None,
            at_most_every: Duration::ZERO,
            give_up_after: Duration::from_secs(3 * 86400),
        }
    }

    /// Takes the value of a key; whether it is what it should be.
    fn read(&mut self, reader: &mut Reader<'_, '_>, entry: Entry<'_>) -> bool {
        let minute = Duration::from_secs(60);
        match entry.0 {
            "on" => take(&mut self.on, changes(reader, entry)),
            "except" => take(&mut self.except, changes(reader, entry)),
            "servers" => {
                self.servers_at = Some(entry.1.span());
                take(&mut self.servers, selector(reader, entry))
            }
            "template" => {
                let template = reader.string(entry, |text| {
                    Template::parse(value::plain(text)?).map_err(|message| Refused {
                        message,
                        hint: Some(format!(
                            "placeholders are {{{}}}",
                            Template::FIELDS.join("}, {")
                        )),
                    })
                });
                take(&mut self.template, template.map(Some))
            }
            "quiet_hours" => take(&mut self.quiet, reader.string(entry, hours).map(Some)),
            "time_zone" => take(&mut self.zone, reader.string(entry, zone)),
            "repeat" => take(&mut self.repeat, reader.duration(entry, minute).map(Some)),
            "at_most_every" => {
                let every = reader.duration(entry, Duration::ZERO);
                take(&mut self.at_most_every, every)
            }
            _ => take(&mut self.give_up_after, reader.duration(entry, minute)),
        }
    }

    fn draft(self, name: &str, way: Way) -> Draft {
        let except = self.except;
        Draft {
            channel: Channel {
                name: name.to_owned(),
                way,
                on: self.on,
                servers: self.servers,
                template: self.template,
                quiet: self.quiet.map(|(from, to)| QuietHours { from, to, except }),
                zone: self.zone,
                repeat: self.repeat,
                at_most_every: self.at_most_every,
                give_up_after: self.give_up_after,
            },
            servers: self.servers_at,
        }
    }
}

fn take<T>(target: &mut T, value: Option<T>) -> bool {
    let whole = value.is_some();
    if let Some(value) = value {
        *target = value;
    }
    whole
}

fn changes(reader: &mut Reader<'_, '_>, entry: Entry<'_>) -> Option<BTreeSet<Change>> {
    let words = Change::ALL.map(Change::word);
    let list = reader.strings(entry, |text| one_of("change", text, &words))?;
    let all = Change::ALL.into_iter();
    Some(all.filter(|change| list.contains(&change.word())).collect())
}

fn selector(reader: &mut Reader<'_, '_>, entry: Entry<'_>) -> Option<Selector> {
    let terms = reader.strings(entry, |text| {
        let one = Selector::parse(&[text.to_owned()]);
        one.map(|_| text.to_owned()).map_err(|problems| {
            let first = problems.0.into_iter().next();
            Refused {
                message: format!(
                    "is no selector: {}",
                    first.as_ref().map_or("", |first| first.message.as_str())
                ),
                hint: first.and_then(|first| first.hints.into_iter().next()),
            }
        })
    })?;
    Selector::parse(&terms).ok()
}

/// A program and its arguments: an array, since there is no shell that would take a line apart.
fn arguments(reader: &mut Reader<'_, '_>, entry: Entry<'_>) -> Option<Vec<String>> {
    let (key, at) = entry;
    let Some(array) = at.get_ref().as_array() else {
        let refused = Refused {
            message: "is not an array: there is no shell that would take a line apart".to_owned(),
            hint: Some(format!(
                "write `{key} = [\"/path/to/program\", \"argument\"]`"
            )),
        };
        reader.refuse(key, at, refused);
        return None;
    };
    let elements: Vec<&Spanned<DeValue<'_>>> = array.iter().collect();
    let mut argv = Vec::new();
    for element in &elements {
        argv.push(reader.string((key, element), |text| {
            if text.contains('\0') {
                return Err(refused("contains a NUL"));
            }
            Ok(text.to_owned())
        })?);
    }
    let absolute = argv.first().is_some_and(|program| program.starts_with('/'));
    if !absolute {
        let refused = Refused {
            message: "does not begin with the absolute path of a program".to_owned(),
            hint: None,
        };
        reader.refuse(key, at, refused);
        return None;
    }
    Some(argv)
}

fn refused(message: &str) -> Refused {
    Refused {
        message: message.to_owned(),
        hint: None,
    }
}

fn one_of(what: &str, text: &str, known: &[&'static str]) -> Result<&'static str, Refused> {
    let found = known.iter().find(|word| **word == text);
    found.copied().ok_or_else(|| Refused {
        message: format!("is not a {what}"),
        hint: Some(match did_you_mean(text, known.iter().copied()) {
            Some(near) => format!("did you mean `{near}`"),
            None => format!("one of {}", known.join(", ")),
        }),
    })
}

fn url(text: &str) -> Result<String, Refused> {
    let parsed: Result<Url, _> = value::plain(text)?.parse();
    parsed.map_err(refused)?;
    Ok(text.to_owned())
}

/// An address of RFC 5321 without comments and quotes, so that nothing in it can begin a header or an option.
fn mail_address(text: &str) -> Result<String, Refused> {
    let fits = |c: char| c.is_ascii_alphanumeric() || ".!#$%&'*+/=?^_{|}~-@".contains(c);
    let begins = text.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
    let parts = text.split('@').count();
    if !begins || parts > 2 || !text.chars().all(fits) || text.ends_with('@') || text.len() > 254 {
        return Err(refused("is not a mail address"));
    }
    Ok(text.to_owned())
}

fn chat(text: &str) -> Result<String, Refused> {
    let number = text.parse::<i64>().is_ok();
    let name = text.strip_prefix('@');
    let named = name.is_some_and(|name| {
        !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    });
    if number || named {
        return Ok(text.to_owned());
    }
    Err(refused("is neither the number of a chat nor `@name`"))
}

fn variable(text: &str) -> Result<String, Refused> {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if text.is_empty() || !text.chars().all(fits) {
        return Err(refused("is not the name of a variable"));
    }
    Ok(text.to_owned())
}

fn hours(text: &str) -> Result<(Time, Time), Refused> {
    let bad = || Refused {
        message: "is not a span of the day".to_owned(),
        hint: Some("write `22:00-07:00`".to_owned()),
    };
    let time = |text: &str| -> Option<Time> {
        let (hour, minute) = text.trim().split_once(':')?;
        if hour.len() > 2 || minute.len() != 2 {
            return None;
        }
        Time::new(hour.parse().ok()?, minute.parse().ok()?, 0, 0).ok()
    };
    let (from, to) = text.split_once('-').ok_or_else(bad)?;
    let (from, to) = time(from).zip(time(to)).ok_or_else(bad)?;
    if from == to {
        return Err(refused("is the whole day, or nothing of it"));
    }
    Ok((from, to))
}

fn zone(text: &str) -> Result<TimeZone, Refused> {
    TimeZone::get(text).map_err(|_| Refused {
        message: "is not a time zone".to_owned(),
        hint: Some(
            "write one of the tz database: `Europe/Berlin`, `Asia/Singapore`, `UTC`".to_owned(),
        ),
    })
}
