//! `fleet show-site` and its like: everything that is recorded of one resource.

use clap::{Arg, ArgAction, ArgMatches, Command};
use serde_json::{Value, json};

use super::list::status;
use super::ask::Known;
use super::outcome::way_back;
use super::{Ending, KindVerb, ask, example_name, foreign, outlook};
use crate::context::Context;
use crate::diagnostic::{Class, Diagnostic, did_you_mean, ticked};
use crate::item::Key;
use crate::kind::{Foreign, Kind, Secrets, Summary, Words};
use crate::model::{PlacementStatus, Resource, ResourceName, Server, ServerName};
use crate::plan::follow::staying;
use crate::state::{Filter, State};
use crate::ui::{Cell, Page, Table, Tone, format};

mod live;

/// Shows one resource.
pub struct Show;

impl KindVerb for Show {
    fn name(kind: &'static Kind) -> String {
        format!("show-{}", kind.word)
    }

    fn about(kind: &'static Kind) -> String {
        format!("Show settings, place and status of {}", kind.about)
    }

    fn arguments(kind: &'static Kind, command: Command) -> Command {
        let help = format!("The {} to show", kind.word);
        let mut command =
            command.arg(Arg::new("name").value_name(kind.name_word).required(true).help(help));
        if kind.reveals {
            let help = "Show its secrets too; that they were shown is recorded as a task";
            let reveal = Arg::new("reveal").long("reveal").action(ArgAction::SetTrue).help(help);
            command = command.arg(reveal);
        }
        if kind.live.is_none() {
            return command;
        }
        if let Some((name, help)) = kind.alone {
            let alone = Arg::new("alone").long(name).action(ArgAction::SetTrue).help(help);
            command = command.arg(alone.conflicts_with("recorded"));
        }
        let help = "Only what is recorded here, without asking the servers";
        command.arg(Arg::new("recorded").long("recorded").action(ArgAction::SetTrue).help(help))
    }

    fn examples(kind: &'static Kind) -> Vec<(String, String)> {
        let line = format!("fleet show-{} {}", kind.word, example_name(kind));
        vec![(line, String::new())]
    }

    fn run(context: &Context, kind: &'static Kind, matches: &ArgMatches) -> anyhow::Result<Ending> {
        let typed: &String = matches.get_one("name").expect("clap requires it");
        let state = context.state_to_read()?;
        let resource = find_to_show(state.as_ref(), kind, typed)?;
        let recorded = kind.live.is_some() && matches.get_flag("recorded");
        if kind.alone.is_some()
            && matches.get_flag("alone")
            && let Some((message, hint)) = (kind.tells_nothing)(&resource.spec, &resource.name.name)?
        {
            return Err(Diagnostic::usage(message).hint(hint).into());
        }
        let known = if kind.live.is_some() && !recorded {
            ask::about(context, kind, std::slice::from_ref(&resource), None)?
        } else {
            Known::default()
        };
        if let Some((heading, _)) = kind.alone
            && matches.get_flag("alone")
        {
            return alone(context, &resource, &known, heading);
        }
        let mut value = json!({ (kind.word): resource });
        let told = live::json(kind, &resource, &known);
        if !told.is_empty() {
            value[kind.word]["live"] = told.into();
        }
        let directions = directions(context, kind, &resource)?;
        if !directions.is_empty() {
            value[kind.word]["directions"] = directions.iter().cloned().collect();
        }
        let revealed = if kind.reveals && matches.get_flag("reveal") {
            reveal(context, kind, &resource)?
        } else {
            Revealed::default()
        };
        if !revealed.known.is_empty() {
            value[kind.word]["secrets"] = revealed.known.iter().cloned().collect();
        }
        if !revealed.unknown.is_empty() {
            let unknown = revealed.unknown.iter().map(|foreign| foreign.what.clone());
            value[kind.word]["unknown_secrets"] = unknown.collect();
        }
        let adopted = match &state {
            Some(state) => state.read(|read| read.adopted_of(&resource))?,
            None => Vec::new(),
        };
        if !adopted.is_empty() {
            let items = adopted.iter().map(|(server, item)| json!({ "server": server, "item": item }));
            value[kind.word]["adopted"] = items.collect();
        }
        let outlook = match resource.removed_at {
            None => outlook::of(context, kind, &resource)?,
            Some(_) => Summary::new(),
        };
        if !outlook.is_empty() {
            value[kind.word]["outlook"] = outlook::json(&outlook);
        }
        let worded = (kind.worded)(&resource.spec)?;
        context.ui.show(&value, |page| {
            print(page, context, &resource, &adopted, &worded);
            if !outlook.is_empty() && !resource.suspended {
                page.end();
                outlook::print(page, &outlook);
            }
            let plain = |(what, text): &(String, String)| (what.clone(), text.clone());
            let unknown = revealed.unknown.iter().map(|foreign| {
                (foreign.what.clone(), "not known: it is kept as it is on the server".to_owned())
            });
            let told = directions.iter().chain(&revealed.known).map(plain);
            let more: Vec<_> = told.chain(unknown).collect();
            if !more.is_empty() {
                page.end();
                page.fields(more.iter().map(|(what, text)| (what.as_str(), text.clone(), Tone::Plain)));
            }
            live::print(page, kind, &resource, &known);
        })?;
        for problem in &known.problems {
            context.ui.problem(problem);
        }
        if !context.globals.wants_json() {
            for foreign in &revealed.unknown {
                context.ui.hint(&foreign.hint);
            }
        }
        Ok(if known.problems.is_empty() { Ending::Done } else { Ending::With(Class::Partial) })
    }
}

/// Prints what the first server that knows it tells under one heading.
fn alone(context: &Context, resource: &Resource, known: &Known, heading: &str) -> anyhow::Result<Ending> {
    let servers = resource.placements.iter().map(|placement| &placement.server);
    let text = servers.filter_map(|server| known.of(server, &resource.name.name)).find_map(|columns| {
        let found = columns.iter().find(|(own, _)| *own == heading);
        found.map(|(_, text)| text.to_string())
    });
    for problem in &known.problems {
        context.ui.problem(problem);
    }
    let Some(text) = text else {
        let message = format!("no server tells the {heading} of {}", resource.name);
        return Err(Diagnostic::failed(message).into());
    };
    let lines: Vec<&str> = text.lines().collect();
    context.ui.show(&json!({ (resource.name.kind.as_str()): resource.name.name, (heading): lines }), |page| {
        for line in &lines {
            page.line(line);
        }
    })?;
    Ok(Ending::Done)
}

/// What the users of the resource need to know to reach it.
pub(super) fn directions(
    context: &Context,
    kind: &Kind,
    resource: &Resource,
) -> anyhow::Result<Vec<(String, String)>> {
    let servers: Vec<&Server> = match context.inventory_if_any()? {
        Some(inventory) => staying(&resource.placements)
            .filter_map(|placement| inventory.servers.get(&placement.server))
            .collect(),
        None => Vec::new(),
    };
    Ok((kind.directions)(&resource.spec, &resource.name.name, &servers)?)
}

/// The secrets of a resource.
#[derive(Default)]
struct Revealed {
    /// What each is, and the secret itself.
    known: Vec<(String, String)>,
    /// Those of which the server has others.
    unknown: Vec<Foreign>,
}

/// Opens the secrets of the resource, as a task on the record.
fn reveal(context: &Context, kind: &Kind, resource: &Resource) -> anyhow::Result<Revealed> {
    let command = format!("show-{}", kind.word);
    let task = context.state()?.write(|write| context.begin_task(&command, write))?;
    let open = || -> anyhow::Result<Revealed> {
        let unknown = foreign::of(context, kind, resource)?;
        let keys = context.keys()?;
        let vault = context.state()?.read(|read| read.vault(keys))?;
        let mut known = Vec::new();
        for (what, id) in (kind.secrets)(&resource.spec)? {
            if unknown.iter().any(|foreign| foreign.id == id) {
                continue;
            }
            let secret = vault.open(&id).map_err(Diagnostic::failed)?;
            known.push((what, secret.reveal().to_owned()));
        }
        Ok(Revealed { known, unknown })
    };
    let revealed = open();
    let ending = if revealed.is_ok() { Ending::Done } else { Ending::With(Class::Failed) };
    context.end_task(task, &Ok(ending));
    revealed
}

/// The resource called `typed`, or an error that names the nearest one.
pub(super) fn find(state: Option<&State>, kind: &Kind, typed: &str) -> anyhow::Result<Resource> {
    // What cannot be a name is no name of a resource either; what is near to one still is worth saying.
    let name = (kind.canonical_name)(typed).unwrap_or_else(|_| typed.to_owned());
    let Some(state) = state else {
        return Err(unknown(kind, typed, &[]).into());
    };
    state.read(|read| {
        if let Some(found) = read.find(&ResourceName::new(kind.word, &name))? {
            return Ok(found);
        }
        if let Some(going) = read.find_removing(&ResourceName::new(kind.word, &name))? {
            return Err(removing(&going, read.removed_by(going.id)?).into());
        }
        let all = read.resources(&Filter {
            kind: Some(kind.word),
            ..Filter::default()
        })?;
        Err(unknown(kind, typed, &all).into())
    })
}

/// Like [`find`], but also what was removed and has not gone from its servers yet.
fn find_to_show(state: Option<&State>, kind: &Kind, typed: &str) -> anyhow::Result<Resource> {
    let name = (kind.canonical_name)(typed).unwrap_or_else(|_| typed.to_owned());
    let name = ResourceName::new(kind.word, name);
    if let Some(state) = state
        && state.read(|read| read.find(&name))?.is_none()
        && let Some(going) = state.read(|read| read.find_removing(&name))?
    {
        return Ok(going);
    }
    find(state, kind, typed)
}

/// The error for a command about what is going: where it still is, why, and both ways out. `task` removed it.
fn removing(going: &Resource, task: Option<i64>) -> Diagnostic {
    let ResourceName { kind, name } = &going.name;
    let mut error = Diagnostic::usage(format!("{kind} `{name}` is removed, but has not gone from its servers yet"));
    for placement in &going.placements {
        error = error.detail(match &placement.reason {
            Some(reason) => format!("still on `{}`: {reason}", placement.server),
            None => format!("still on `{}`", placement.server),
        });
    }
    error = error.hint("`fleet apply` goes on with its removal");
    match task {
        Some(task) => error.hint(format!("`fleet undo {task}` keeps it")),
        None => error,
    }
}

fn unknown(kind: &Kind, typed: &str, all: &[Resource]) -> Diagnostic {
    let error = Diagnostic::usage(format!("there is no {} {}", kind.word, ticked(typed)));
    match did_you_mean(typed, all.iter().map(|resource| resource.name.name.as_str())) {
        Some(near) => error.hint(format!("did you mean `{near}`")),
        None => error.hint(format!("`fleet list-{}` lists them", kind.plural)),
    }
}

fn print(
    page: &mut Page,
    context: &Context,
    resource: &Resource,
    adopted: &[(ServerName, Key)],
    worded: &[(&str, Words)],
) {
    let (word, tone) = status(resource);
    let now = context.now();
    let moment = |at| format!("{} ({})", format::time(at), format::age(at, now));
    let mut fields = vec![
        (resource.name.kind.as_str(), resource.name.name.clone(), Tone::Strong),
        ("status", word.to_owned(), tone),
    ];
    if resource.suspended {
        fields.push(("suspended", "yes".to_owned(), Tone::Warn));
    }
    for placement in &resource.placements {
        let server = placement.server.to_string();
        let (text, tone) = match (placement.status, &placement.reason) {
            (PlacementStatus::Applied, _) => (server, Tone::Plain),
            (status, None) => (format!("{server} ({})", status.word()), Tone::Warn),
            (status, Some(reason)) => {
                (format!("{server} ({}: {reason})", status.word()), Tone::Warn)
            }
        };
        fields.push(("server", text, tone));
    }
    for (server, item) in adopted {
        let text = format!(
            "{item} on {server}, as it was found and not as the settings have it{}",
            way_back(&resource.name)
        );
        fields.push(("adopted", text, Tone::Warn));
    }
    fields.push(("weight", resource.weight.to_string(), Tone::Plain));
    fields.push(("created", moment(resource.created_at), Tone::Plain));
    if resource.updated_at != resource.created_at && resource.removed_at.is_none() {
        fields.push(("changed", moment(resource.updated_at), Tone::Plain));
    }
    if let Some(removed) = resource.removed_at {
        fields.push(("removed", moment(removed), Tone::Warn));
    }
    page.fields(fields);

    settings(page, &resource.spec, worded);
}

fn settings(page: &mut Page, spec: &Value, worded: &[(&str, Words)]) {
    let Value::Object(settings) = spec else { return };
    let (mut lines, mut tables) = (Vec::new(), Vec::new());
    for (key, value) in settings {
        let heading = key.replace('_', "-");
        match worded.iter().find(|(field, _)| field == key) {
            None => lines.push((heading, setting(value))),
            Some((_, Words::Lines(words))) => lines.push((heading, words.clone())),
            Some((_, Words::Table(headings, rows))) => tables.push((heading, *headings, rows)),
        }
    }
    if !lines.is_empty() {
        page.end().toned_line("settings", Tone::Strong);
        page.fields(lines.iter().map(|(key, words)| (key.as_str(), words.clone(), Tone::Plain)));
    }
    for (heading, headings, rows) in tables {
        let columns = headings.iter().copied();
        let mut table = columns.fold(Table::new(), Table::column);
        for row in rows {
            table.row(row.iter().cloned().map(Cell::from));
        }
        page.end().toned_line(&heading, Tone::Strong).table(&table);
    }
}

/// A setting as it would be typed.
fn setting(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        Value::Array(values) => {
            let values: Vec<String> = values.iter().map(setting).collect();
            values.join("\n")
        }
        other => other.to_string(),
    }
}
