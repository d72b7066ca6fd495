//! Which names an argument takes, and where they are looked up: the inventory, the state, the kinds.

use std::collections::BTreeSet;

use clap::{Arg, Command, ValueHint};
use serde_json::Value;

use super::super::logs;
use super::MOST;
use super::place::Candidate;
use crate::context::Context;
use crate::inventory::SERVER_KEYS;
use crate::kind::{self, KINDS, Spec as _, kind, zone};
use crate::model::{ResourceName, Role, Server};
use crate::state::{self, Read, State};
use crate::ui::format;

/// Where the values of an argument come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// Nobody knows them: a new name, a number, a text.
    Unknown,
    /// Files of this machine.
    Files,
    /// Directories of this machine.
    Directories,
    /// These words.
    Words(Vec<Candidate>),
    /// The servers of the inventory.
    Servers,
    /// Terms of a selector.
    Selectors,
    /// The regions of the inventory.
    Regions,
    /// The labels of the inventory, `KEY=VALUE`.
    Labels,
    /// The resources of a kind.
    Of(&'static str),
    /// Resources of all kinds, `example.com` or `site:example.com`.
    Resources,
    /// The names with records in the zone that was given first.
    RecordNames,
    /// The values of the records of zone, name and type that were given.
    RecordValues,
    /// The users of the database that was given first.
    DatabaseUsers,
    /// The sets of addresses.
    AddressSets,
    /// The addresses of the set that was given first.
    SetMembers,
    /// The addresses that are banned.
    Bans,
    /// The channels of the inventory.
    Channels,
    /// The backups of the state database.
    Backups,
    /// Tasks, the last first.
    Tasks,
}

/// Where the values of `argument` of `command` come from. What decides are its possible values, else the word that
/// stands for its value in the help, so that a new command has completion by calling a server `SERVER`.
pub(super) fn of(command: &str, argument: &Arg) -> Source {
    let possible = argument.get_possible_values();
    if !possible.is_empty() {
        let shown = possible.iter().filter(|value| !value.is_hide_set());
        return Source::Words(
            shown
                .map(|value| {
                    let help = value.get_help().map(ToString::to_string);
                    Candidate::new(value.get_name(), &help.unwrap_or_default())
                })
                .collect(),
        );
    }
    let (verb, subject) = command.split_once('-').unwrap_or((command, ""));
    let id = argument.get_id().as_str();
    let names = argument.get_value_names().unwrap_or_default();
    let word = names.first().map_or("", |name| name.as_str());
    if subject.starts_with("record") {
        match (verb, word) {
            (_, "NAME") => return Source::RecordNames,
            (_, "TYPE") => return words(zone::record_types()),
            ("remove", "VALUE") => return Source::RecordValues,
            _ => {}
        }
    }
    match word {
        "SERVER" => Source::Servers,
        "SELECTOR" => Source::Selectors,
        "REGION" if verb != "add" || subject != "server" => Source::Regions,
        "KEY=VALUE" if id.starts_with("label") => Source::Labels,
        "RESOURCE" => Source::Resources,
        "CHANNEL" => Source::Channels,
        "BACKUP" => Source::Backups,
        "DOMAIN" if !argument.is_positional() => Source::Of("site"),
        "SERVICE" => words(logs::SERVICES),
        "TEMPLATE" => words(zone::template_words()),
        "HOW" if subject == "server" => words(["ssh", "local"]),
        "BOOL" => words(["true", "false"]),
        "ADDRESS" if command == "unban-address" => Source::Bans,
        "ADDRESS" if command == "remove-addresses" => Source::SetMembers,
        "ZONE" => Source::Of("zone"),
        "DATABASE" => Source::Of("database"),
        "RULE" => Source::Of("rule"),
        "TASK" => Source::Tasks,
        "SET" => Source::AddressSets,
        "USER" if verb != "add" && argument.is_positional() => Source::DatabaseUsers,
        "ROLE" if subject == "server" => words(Role::ALL.map(Role::word)),
        "ROLE" => words(["owner", "read-write", "read-only"]),
        "KEY" if id == "unset" => words(SERVER_KEYS),
        "SETTING" if id == "unset" => settings(subject),
        _ if argument.is_positional() && id.starts_with("name") => named(verb, subject),
        _ => match argument.get_value_hint() {
            ValueHint::DirPath => Source::Directories,
            ValueHint::AnyPath | ValueHint::FilePath => {
                if word == "DIR" { Source::Directories } else { Source::Files }
            }
            // `--site` of a cron job.
            _ => kind(id).map_or(Source::Unknown, |kind| Source::Of(kind.word)),
        },
    }
}

/// What `NAME` is after `show-site`, `remove-server` or `list-runs`.
fn named(verb: &str, subject: &str) -> Source {
    match (verb, subject) {
        ("add", _) => Source::Unknown,
        (_, "server" | "servers") => Source::Servers,
        (_, "run" | "runs") => Source::Of("cron"),
        _ => {
            let mut kinds = KINDS.iter();
            let kind = kinds.find(|kind| subject == kind.word || subject == kind.plural);
            kind.map_or(Source::Unknown, |kind| Source::Of(kind.word))
        }
    }
}

/// The settings of a kind, by the names of their flags.
fn settings(word: &str) -> Source {
    let Some(kind) = kind(word) else { return Source::Unknown };
    let own = (kind.augment)(Command::new("own"));
    let settings = own.get_arguments().filter(|argument| !argument.is_hide_set());
    let named = settings.filter_map(|argument| {
        let help = argument.get_help().map(ToString::to_string).unwrap_or_default();
        Some(Candidate::new(argument.get_long()?, &help))
    });
    Source::Words(named.collect())
}

fn words(all: impl IntoIterator<Item = &'static str>) -> Source {
    Source::Words(all.into_iter().map(|word| Candidate::new(word, "")).collect())
}

impl Source {
    /// What the shell has to do with the candidates.
    pub(super) fn directive(&self) -> &'static str {
        match self {
            Self::Files => "files",
            Self::Directories => "directories",
            _ => "values",
        }
    }

    /// The values that begin with `typed`; none where anything is missing or cannot be read.
    pub(super) fn candidates(&self, context: &Context, earlier: &[String], typed: &str) -> Vec<Candidate> {
        match self {
            Self::Unknown | Self::Files | Self::Directories => Vec::new(),
            Self::Words(all) => beginning(all.clone(), typed),
            Self::Servers => servers(context, typed),
            Self::Selectors => selectors(context, typed),
            Self::Regions => beginning(regions(context), typed),
            Self::Labels => beginning(labels(context), typed),
            Self::Channels => beginning(channels(context), typed),
            Self::Backups => beginning(backups(context), typed),
            _ => context
                .state_to_complete()
                .and_then(|state| self.recorded(&state, earlier, typed).ok())
                .unwrap_or_default(),
        }
    }

    fn recorded(&self, state: &State, earlier: &[String], typed: &str) -> anyhow::Result<Vec<Candidate>> {
        let spec = |kind, name: &str| {
            let found = state.read(|read| read.find(&ResourceName::new(kind, name)))?;
            Ok::<_, anyhow::Error>(found.map_or(Value::Null, |resource| resource.spec))
        };
        let first = earlier.first().map_or("", String::as_str);
        let found = match self {
            Self::Of(kind) => plain(state.read(|read| read.names(kind, typed, MOST))?),
            Self::Resources => state.read(|read| resources(read, typed))?,
            Self::Tasks => {
                let latest = u32::try_from(MOST).unwrap_or(u32::MAX);
                let tasks = state.read(|read| read.tasks(latest))?;
                let tasks = tasks.iter().map(|task| {
                    let line = std::iter::once(&task.command).chain(&task.arguments);
                    let line: Vec<&str> = line.map(String::as_str).collect();
                    Candidate::new(task.id.to_string(), &line.join(" "))
                });
                tasks.collect()
            }
            Self::RecordNames => {
                let spec = spec("zone", first)?;
                let mut names = BTreeSet::new();
                names.extend(records(&spec).filter_map(|record| record["name"].as_str()));
                plain(names.into_iter().map(str::to_owned).collect())
            }
            Self::RecordValues => {
                let spec = spec("zone", first)?;
                let [_, name, rtype, ..] = earlier else {
                    return Ok(Vec::new());
                };
                let record = records(&spec).find(|record| {
                    record["name"] == **name
                        && record["type"].as_str().is_some_and(|word| word.eq_ignore_ascii_case(rtype))
                });
                let values = record.and_then(|record| record["values"].as_array());
                let values = values.into_iter().flatten().filter_map(Value::as_str);
                plain(values.map(str::to_owned).collect())
            }
            Self::DatabaseUsers => plain(keys(&spec("database", first)?["users"])),
            Self::AddressSets | Self::SetMembers | Self::Bans => {
                let spec = spec(kind::firewall::Firewall::KIND, kind::firewall::NAME)?;
                match self {
                    Self::AddressSets => plain(keys(&spec["sets"])),
                    Self::Bans => plain(keys(&spec["bans"])),
                    _ => {
                        let members = spec["sets"][first].as_array().into_iter().flatten();
                        plain(members.filter_map(Value::as_str).map(str::to_owned).collect())
                    }
                }
            }
            _ => Vec::new(),
        };
        Ok(beginning(found, typed))
    }
}

fn plain(names: Vec<String>) -> Vec<Candidate> {
    names.into_iter().map(|name| Candidate::new(name, "")).collect()
}

fn keys(value: &Value) -> Vec<String> {
    value.as_object().into_iter().flatten().map(|(key, _)| key.clone()).collect()
}

fn records(zone: &Value) -> impl Iterator<Item = &Value> {
    zone["records"].as_array().into_iter().flatten()
}

fn beginning(mut all: Vec<Candidate>, typed: &str) -> Vec<Candidate> {
    all.retain(|candidate| candidate.text.starts_with(typed));
    all
}

/// Names of any kind, or of the kind before the colon; and the kinds there are.
fn resources(read: &Read, typed: &str) -> Result<Vec<Candidate>, crate::diagnostic::Diagnostic> {
    let mut found = Vec::new();
    let of_kind = typed.split_once(':').and_then(|(word, name)| Some((kind(word)?, name)));
    if let Some((kind, name)) = of_kind {
        let names = read.names(kind.word, name, MOST)?;
        let own = |name| Candidate::new(format!("{}:{name}", kind.word), "");
        return Ok(names.into_iter().map(own).collect());
    }
    for kind in &KINDS {
        let names = read.names(kind.word, typed, MOST)?;
        if kind.word.starts_with(typed) && !read.names(kind.word, "", 1)?.is_empty() {
            found.push(Candidate::new(format!("{}:", kind.word), kind.about));
        }
        found.extend(names.into_iter().map(|name| Candidate::new(name, kind.word)));
    }
    found.sort_by(|a, b| a.text.cmp(&b.text));
    found.dedup_by(|a, b| a.text == b.text);
    Ok(found)
}

fn inventory(context: &Context) -> impl Iterator<Item = &Server> {
    let inventory = context.inventory_to_complete();
    inventory.into_iter().flat_map(|inventory| inventory.servers.values())
}

fn servers(context: &Context, typed: &str) -> Vec<Candidate> {
    inventory(context)
        .filter(|server| server.name.as_str().starts_with(typed))
        .map(|server| {
            let region = server.region.as_deref().unwrap_or(&server.address);
            Candidate::new(server.name.as_str(), region)
        })
        .collect()
}

fn channels(context: &Context) -> Vec<Candidate> {
    let inventory = context.inventory_to_complete();
    let channels = inventory.into_iter().flat_map(|inventory| &inventory.channels);
    channels.map(|(name, channel)| Candidate::new(name, channel.way.word())).collect()
}

fn backups(context: &Context) -> Vec<Candidate> {
    let found = context.state_path().ok().and_then(|state| state::backups(&state).ok());
    let now = context.now();
    let backups = found.into_iter().flatten();
    backups
        .map(|backup| Candidate::new(backup.path.to_string_lossy(), &format::age(backup.at, now)))
        .collect()
}

fn regions(context: &Context) -> Vec<Candidate> {
    let regions: BTreeSet<String> = inventory(context).filter_map(|s| s.region.clone()).collect();
    plain(regions.into_iter().collect())
}

fn labels(context: &Context) -> Vec<Candidate> {
    let labels = inventory(context).flat_map(|server| &server.labels);
    let labels: BTreeSet<String> = labels.map(|(key, value)| format!("{key}={value}")).collect();
    plain(labels.into_iter().collect())
}

/// One term: a server, or an attribute; what selects by an attribute appears whole once its name is typed.
fn selectors(context: &Context, typed: &str) -> Vec<Candidate> {
    let (not, term) = match typed.strip_prefix('!') {
        Some(term) => ("!", term),
        None => ("", typed),
    };
    let with = |attribute: &str, values: Vec<Candidate>| -> Vec<Candidate> {
        values.into_iter().map(|value| value.after(attribute)).collect()
    };
    let attributes: [(&str, &str, Vec<Candidate>); 5] = [
        ("region=", "the servers of a region", regions(context)),
        ("role=", "the servers with a role", plain(Role::ALL.map(|role| role.word().to_owned()).into())),
        ("label:", "the servers with a label", labels(context)),
        ("transport=", "the servers reached that way", plain(["ssh".into(), "local".into()].into())),
        ("active=", "the servers that are not active", plain(["false".into(), "true".into()].into())),
    ];
    let mut found = servers(context, term);
    for (attribute, meaning, values) in attributes {
        if term.starts_with(attribute) {
            found.extend(beginning(with(attribute, values), term));
        } else if attribute.starts_with(term) && !values.is_empty() {
            found.push(Candidate::new(attribute, meaning));
        }
    }
    with(not, found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn source(command: &str, argument: &str) -> Source {
        let entries = super::super::super::all();
        let entry = entries.iter().find(|entry| entry.command.get_name() == command).expect("a command");
        let mut arguments = entry.command.get_arguments();
        of(command, arguments.find(|a| a.get_id() == argument).expect("an argument"))
    }

    #[test]
    fn what_is_named_is_looked_up() {
        for (command, argument, expected) in [
            ("show-site", "name", Source::Of("site")),
            ("list-sites", "names", Source::Of("site")),
            ("list-sites", "server", Source::Selectors),
            ("remove-zone", "name", Source::Of("zone")),
            ("add-site", "name", Source::Unknown),
            ("add-site", "server", Source::Servers),
            ("add-site", "label", Source::Labels),
            ("add-cron", "site", Source::Of("site")),
            ("run-cron", "name", Source::Of("cron")),
            ("list-runs", "name", Source::Of("cron")),
            ("move-rule", "name", Source::Of("rule")),
            ("move-rule", "before", Source::Of("rule")),
            ("show-server", "name", Source::Servers),
            ("add-server", "name", Source::Unknown),
            ("show-task", "id", Source::Tasks),
            ("undo", "task", Source::Tasks),
            ("plan", "resources", Source::Resources),
            ("remove-record", "zone", Source::Of("zone")),
            ("remove-record", "name", Source::RecordNames),
            ("remove-database-user", "user", Source::DatabaseUsers),
            ("add-database-user", "user", Source::Unknown),
            ("remove-addresses", "set", Source::AddressSets),
            ("test-notification", "channels", Source::Channels),
            ("restore-backup", "backup", Source::Backups),
            ("unban-address", "addresses", Source::Bans),
            ("remove-addresses", "addresses", Source::SetMembers),
            ("maintenance", "servers", Source::Selectors),
            ("break-lock", "server", Source::Servers),
            ("retry", "task", Source::Tasks),
            ("health", "sites", Source::Of("site")),
            ("logs", "site", Source::Of("site")),
            ("run", "script", Source::Files),
            ("run", "output_dir", Source::Directories),
        ] {
            assert_eq!(source(command, argument), expected, "{command} {argument}");
        }
    }
}
