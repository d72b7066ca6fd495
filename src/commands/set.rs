//! `fleet set-site` and its like: changes only the settings that are given.

use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Command};
use serde_json::{Map, Value};

use super::add::weight;
use super::change::{Before, Changing, refuse_unknown, taken};
use super::flags::Flags;
use super::placing::place_by_scope;
use super::show::find;
use super::{Ending, KindVerb, example_name};
use crate::context::Context;
use crate::diagnostic::{Class, Diagnostic, Diagnostics, did_you_mean, ticked};
use crate::kind::{Entries, Kind, Scope};
use crate::model::Resource;
use crate::plan::place::Request;
use crate::state::{Change, Write};

/// Changes a resource.
pub struct Set;

impl KindVerb for Set {
    fn name(kind: &'static Kind) -> String {
        format!("set-{}", kind.word)
    }

    fn about(kind: &'static Kind) -> String {
        format!("Change settings of {}: only those given", kind.about)
    }

    fn arguments(kind: &'static Kind, command: Command) -> Command {
        let command = command
            .arg(
                Arg::new("name")
                    .value_name(kind.name_word)
                    .required(true)
                    .help(format!("The {} to change", kind.word)),
            )
            .arg(
                Arg::new("unset")
                    .long("unset")
                    .value_name("SETTING")
                    .action(ArgAction::Append)
                    .help("Take a setting back to its default: the name of its flag, without dashes"),
            );
        let command = kind.entries.iter().fold(command, |command, entries| {
            let name = removing(entries);
            command.arg(
                Arg::new(name.clone())
                    .long(name)
                    .value_name("NAME")
                    .action(ArgAction::Append)
                    .help(entries.help),
            )
        });
        let command = if kind.placed { command.arg(weight("Where it is")) } else { command };
        Flags::of_kind((kind.augment_for_update)(command))
    }

    fn examples(kind: &'static Kind) -> Vec<(String, String)> {
        let subject = format!("fleet set-{} {}", kind.word, example_name(kind));
        if !kind.placed {
            return vec![(kind.example.replacen("add-", "set-", 1), String::new())];
        }
        vec![(
            format!("{subject} --weight 3"),
            "It counts for three units of its server's capacity".to_owned(),
        )]
    }

    fn run(context: &Context, kind: &'static Kind, matches: &ArgMatches) -> anyhow::Result<Ending> {
        context.inventory()?;
        let typed: &String = matches.get_one("name").expect("clap requires it");
        let there = find(context.state_to_read()?.as_ref(), kind, typed)?;
        let name = &there.name.name;
        let subject = format!("{} `{name}`", kind.word);
        let mut edge = context.edge();
        let parsed = (kind.parse)(matches, name, &mut edge).map_err(|i| i.into_diagnostics(&subject))?;
        let setting = Setting {
            kind,
            given: given(kind, matches, &parsed),
            unset: unset(kind, matches, &there.spec)?,
            parsed,
            removed: removed(kind, matches),
            weight: matches.try_get_one::<u32>("weight").ok().flatten().copied(),
        };
        if setting.is_empty() {
            return Err(Diagnostic::usage(format!("nothing to change is given for {subject}"))
                .hint(format!("`fleet set-{} --help` shows the settings", kind.word))
                .into());
        }
        let changing = Changing::new(context, "set", kind, name, matches)?;
        changing.run(Some(&edge), |write| setting.record(write, &changing, &subject))
    }
}

struct Setting {
    kind: &'static Kind,
    /// The stored fields to take from `parsed`.
    given: Vec<String>,
    /// The stored fields to take back to their defaults.
    unset: Vec<String>,
    parsed: Value,
    /// The keys of entries to take away.
    removed: Vec<(Entries, Vec<String>)>,
    weight: Option<u32>,
}

impl Setting {
    fn is_empty(&self) -> bool {
        let none = self.removed.iter().all(|(_, keys)| keys.is_empty());
        none && self.given.is_empty() && self.unset.is_empty() && self.weight.is_none()
    }

    fn record(
        &self,
        write: &Write<'_>,
        changing: &Changing<'_>,
        subject: &str,
    ) -> anyhow::Result<Before> {
        let (kind, name) = (self.kind, &changing.name);
        let there = write
            .find(name)?
            .ok_or_else(|| Diagnostic::usage(format!("{subject} was removed meanwhile")))?;
        let parsed = (kind.inherit)(&self.parsed, &there.spec)
            .map_err(|invalid| invalid.into_diagnostics(subject))?;
        let mut spec = there.spec.clone();
        if let Some(fields) = spec.as_object_mut() {
            for field in &self.unset {
                // An absent field is read as its default.
                fields.remove(field);
            }
            for field in &self.given {
                let entries = kind.entries.iter().find(|entries| entries.field == field);
                match (parsed.get(field), entries) {
                    (Some(Value::Array(new)), Some(entries)) => add_entries(fields, entries, new),
                    (Some(value), _) => {
                        fields.insert(field.clone(), value.clone());
                    }
                    (None, _) => {
                        fields.remove(field);
                    }
                }
            }
            for (entries, keys) in &self.removed {
                remove_entries(fields, entries, keys, subject)?;
            }
        }
        if !self.unset.is_empty() {
            spec = (kind.retain)(&spec, &there.spec).map_err(|i| i.into_diagnostics(subject))?;
        }
        let now = changing.context.now();
        (kind.validate)(&spec, &name.name, now).map_err(|i| i.into_diagnostics(subject))?;
        let spec = (kind.normalise)(&spec).map_err(|i| i.into_diagnostics(subject))?;
        let ties = (kind.ties)(&spec, &name.name)?;
        let others = write.taken(&ties.claims, Some(there.id))?;
        if !others.is_empty() {
            return Err(taken(name, &others).into());
        }
        let change = Change {
            spec: &spec,
            weight: self.weight.unwrap_or(there.weight),
            suspended: there.suspended,
            ties: &ties,
        };
        if change.weight > there.weight && !changing.flags.force {
            refuse_overload(write, changing, &there, change.weight)?;
        }
        record_change(write, changing, &there, &change)?;
        Ok(Before::Resource(Box::new(there)))
    }
}

/// Records the new settings of a resource, and where they put it.
pub(super) fn record_change(
    write: &Write<'_>,
    changing: &Changing<'_>,
    there: &Resource,
    change: &Change<'_>,
) -> anyhow::Result<()> {
    if change.spec == &there.spec && change.weight == there.weight {
        return Ok(());
    }
    let kind = changing.kind;
    refuse_unknown(write, &there.name, change.ties)?;
    write.update_resource(there.id, change, changing.context.now())?;
    let (before, scope) = ((kind.scope)(&there.spec)?, (kind.scope)(change.spec)?);
    if scope == before {
        return Ok(());
    }
    let follows = |scope: &Scope| !matches!(scope, Scope::One | Scope::Beside { .. });
    if follows(&before) != follows(&scope) {
        let message = format!("{} cannot change between a place of its own and one that follows", there.name);
        let hint = format!("remove it and add it again: `fleet remove-{}`", there.name);
        return Err(Diagnostic::usage(message).hint(hint).into());
    }
    let request = Request {
        force: changing.flags.force,
        ..Request::new(kind.role, change.weight)
    };
    let inventory = changing.context.inventory()?;
    place_by_scope(write, inventory, changing.context.now(), there, &scope, &request)
}

/// Refuses a weight that takes a server over its capacity.
pub(super) fn refuse_overload(
    write: &Write<'_>,
    changing: &Changing<'_>,
    there: &Resource,
    weight: u32,
) -> anyhow::Result<()> {
    let servers = &changing.context.inventory()?.servers;
    let mut problems = Vec::new();
    for placement in &there.placements {
        let Some(server) = servers.get(&placement.server) else {
            continue;
        };
        let others = write.load(&server.name)?.saturating_sub(there.weight.into());
        let capacity = server.capacity;
        if others.saturating_add(weight.into()) <= capacity.into() {
            continue;
        }
        let message = format!(
            "server `{}` has no room for {weight} units of {}: others take {others} of its {capacity}",
            server.name, there.name
        );
        problems.push(Diagnostic::new(Class::NoRoom, message).hint(format!(
            "`fleet set-server {} --capacity UNITS` makes room, `--force` insists",
            server.name
        )));
    }
    if problems.is_empty() { Ok(()) } else { Err(Diagnostics(problems).into()) }
}

/// The stored fields that the arguments written on the command line set.
fn given(kind: &Kind, matches: &ArgMatches, parsed: &Value) -> Vec<String> {
    let own = (kind.augment)(Command::new("own"));
    let mut fields = Vec::new();
    for argument in own.get_arguments() {
        let id = argument.get_id().as_str();
        let is_there = matches.ids().any(|there| there == id);
        if !is_there || matches.value_source(id) != Some(ValueSource::CommandLine) {
            continue;
        }
        let sets = (kind.sets)(id);
        if sets.is_empty() {
            fields.push(id.to_owned());
        } else {
            fields.extend(sets.iter().map(|field| (*field).to_owned()));
        }
    }
    debug_assert!(parsed.is_object(), "a spec is an object");
    fields
}

/// The flag that takes entries of a list away.
fn removing(entries: &Entries) -> String {
    format!("remove-{}", entries.flag)
}

/// The entries that such flags name.
fn removed(kind: &Kind, matches: &ArgMatches) -> Vec<(Entries, Vec<String>)> {
    let keys = |entries: &Entries| -> Vec<String> {
        let named = matches.get_many::<String>(&removing(entries));
        named.into_iter().flatten().cloned().collect()
    };
    kind.entries.iter().map(|entries| (*entries, keys(entries))).collect()
}

/// Adds entries to a list of the settings; one with the key of another takes its place.
fn add_entries(fields: &mut Map<String, Value>, entries: &Entries, new: &[Value]) {
    let list = fields.entry(entries.field).or_insert_with(|| Value::Array(Vec::new()));
    let Value::Array(list) = list else {
        return;
    };
    for entry in new {
        let key = entry.get(entries.key);
        match list.iter_mut().find(|there| there.get(entries.key) == key) {
            Some(there) => *there = entry.clone(),
            None => list.push(entry.clone()),
        }
    }
}

/// Takes entries out of a list of the settings; an error for one that is not in it.
fn remove_entries(
    fields: &mut Map<String, Value>,
    entries: &Entries,
    keys: &[String],
    subject: &str,
) -> Result<(), Diagnostics> {
    let mut none = Vec::new();
    let list = fields.get_mut(entries.field).and_then(Value::as_array_mut).unwrap_or(&mut none);
    let key_of = |entry: &Value| entry.get(entries.key).and_then(Value::as_str).map(str::to_owned);
    let known: Vec<String> = list.iter().filter_map(key_of).collect();
    let mut problems = Vec::new();
    for key in keys.iter().filter(|key| !known.contains(key)) {
        let flag = entries.flag.replace('-', " ");
        let unknown = Diagnostic::usage(format!("{subject} has no {flag} {}", ticked(key)));
        problems.push(match did_you_mean(key, known.iter().map(String::as_str)) {
            Some(near) => unknown.hint(format!("did you mean `{near}`")),
            None => unknown,
        });
    }
    list.retain(|entry| key_of(entry).is_none_or(|key| !keys.contains(&key)));
    if problems.is_empty() { Ok(()) } else { Err(Diagnostics(problems)) }
}

/// The stored fields that `--unset` names.
fn unset(kind: &Kind, matches: &ArgMatches, spec: &Value) -> Result<Vec<String>, Diagnostic> {
    let own = (kind.augment)(Command::new("own"));
    let known: Vec<&str> = own.get_arguments().map(|a| a.get_id().as_str()).collect();
    let mut fields = Vec::new();
    for word in matches.get_many::<String>("unset").into_iter().flatten() {
        let id = word.trim_start_matches('-').replace('-', "_");
        if !known.contains(&id.as_str()) && spec.get(&id).is_none() {
            let unknown = Diagnostic::usage(format!("a {} has no setting `{word}`", kind.word));
            return Err(match did_you_mean(&id, known) {
                Some(near) => unknown.hint(format!("did you mean `{}`", near.replace('_', "-"))),
                None => unknown.hint(format!("`fleet set-{} --help` shows the settings", kind.word)),
            });
        }
        let sets = (kind.sets)(&id);
        if sets.is_empty() {
            fields.push(id);
        } else {
            fields.extend(sets.iter().map(|field| (*field).to_owned()));
        }
    }
    Ok(fields)
}
