//! `fleet list-sites` and its like: the resources of a kind, where they are, and how far their servers have followed.

use std::collections::{BTreeMap, BTreeSet};

use clap::{Arg, ArgAction, ArgMatches, Command};

use super::{Ending, KindVerb, ask, rows};
use crate::context::Context;
use crate::diagnostic::{Class, Diagnostic};
use crate::kind::{Kind, Live, Summary};
use crate::model::selector::Selector;
use crate::model::{Pattern, PlacementStatus, Resource, ServerName};
use crate::state::Filter;
use crate::ui::{Cell, Table, Tone};

/// Lists the resources of a kind.
pub struct List;

impl KindVerb for List {
    fn name(kind: &'static Kind) -> String {
        format!("list-{}", kind.plural)
    }

    fn about(kind: &'static Kind) -> String {
        format!("List the {}, and where they are", kind.plural)
    }

    fn arguments(kind: &'static Kind, command: Command) -> Command {
        let command = live_flag(kind, command);
        command
            .arg(
                Arg::new("names")
                    .value_name(kind.name_word)
                    .action(ArgAction::Append)
                    .help("Only these; `*`, `?` and `[1-9]` stand for characters"),
            )
            .arg(
                Arg::new("server")
                    .long("server")
                    .value_name("SELECTOR")
                    .action(ArgAction::Append)
                    .help("Only those on these servers: `sg-1,jkt-*,region=singapore,!sg-3`"),
            )
            .arg(
                Arg::new("pending")
                    .long("pending")
                    .action(ArgAction::SetTrue)
                    .help("Only those that a server has not followed yet"),
            )
    }

    fn examples(kind: &'static Kind) -> Vec<(String, String)> {
        let name = format!("fleet list-{}", kind.plural);
        vec![
            (name.clone(), String::new()),
            (
                format!("{name} --server sg-1 --pending"),
                "What is still to be done on a server".to_owned(),
            ),
            (
                format!("{name} --json | jq -r '.{}[].name'", kind.plural),
                "Names alone, for a script".to_owned(),
            ),
        ]
    }

    fn run(context: &Context, kind: &'static Kind, matches: &ArgMatches) -> anyhow::Result<Ending> {
        let wanted = Wanted::of(context, matches)?;
        let state = context.state_to_read()?;
        let filter = Filter {
            kind: Some(kind.word),
            servers: wanted.servers.as_ref(),
            unsettled: wanted.pending,
            removing: true,
            ..Filter::default()
        };
        if wants_live(kind, matches) {
            return list_live(context, kind, &filter, &wanted);
        }
        if context.globals.wants_json() {
            let mut resources = match &state {
                Some(state) => state.read(|read| read.resources(&filter))?,
                None => Vec::new(),
            };
            resources.retain(|resource| wanted.is_name(&resource.name.name));
            let value = BTreeMap::from([(kind.plural, resources)]);
            context.ui.show(&value, |_| {})?;
            return Ok(Ending::Done);
        }
        let Some(state) = &state else {
            return Ok(nothing(context, kind));
        };
        let adopted = state.read(|read| read.adopted(kind.word))?;
        let table = rows::table(kind, &adopted, |each| {
            state.read(|read| {
                read.each_listed(&filter, |listed| {
                    if wanted.is_name(listed.name) {
                        each(listed);
                    }
                })
            })
        })?;
        if table.is_empty() {
            return Ok(nothing(context, kind));
        }
        context.ui.show(&(), |page| {
            page.table(&table);
        })?;
        Ok(Ending::Done)
    }
}

fn nothing(context: &Context, kind: &Kind) -> Ending {
    context.ui.note(&format!("no {} found", kind.plural));
    Ending::Done
}

/// The flag that decides whether the servers are asked.
fn live_flag(kind: &'static Kind, command: Command) -> Command {
    let flag = |name: &'static str, help: &'static str| {
        Arg::new("live").long(name).action(ArgAction::SetTrue).help(help)
    };
    match kind.live {
        None => command,
        Some(Live { flag: Some(name), help }) => command.arg(flag(name, help)),
        Some(Live { flag: None, .. }) => command.arg(flag(
            "recorded",
            "Only what is recorded here, without asking the servers",
        )),
    }
}

fn wants_live(kind: &Kind, matches: &ArgMatches) -> bool {
    kind.live
        .is_some_and(|live| matches.get_flag("live") == live.flag.is_some())
}

/// Lists with what only the servers know: a row for each server that a resource is on.
fn list_live(
    context: &Context,
    kind: &'static Kind,
    filter: &Filter<'_>,
    wanted: &Wanted,
) -> anyhow::Result<Ending> {
    let mut resources = match context.state_to_read()? {
        Some(state) => state.read(|read| read.resources(filter))?,
        None => Vec::new(),
    };
    resources.retain(|resource| wanted.is_name(&resource.name.name));
    let known = ask::about(context, kind, &resources, wanted.servers.as_ref())?;
    let headings = known.headings();
    let mut table = Table::new().column("name").column("server").column("status");
    let mut rows = Vec::new();
    let mut values = Vec::new();
    for resource in &resources {
        let text = resource.spec.to_string();
        let summary = (kind.summary)(&text, &resource.name.name).unwrap_or_default();
        let mut value = serde_json::to_value(resource)?;
        let mut live = serde_json::Map::new();
        for placement in &resource.placements {
            if wanted.servers.as_ref().is_some_and(|only| !only.contains(&placement.server)) {
                continue;
            }
            let heard = known.of(&placement.server, &resource.name.name);
            let nothing = Summary::new();
            let heard = heard.unwrap_or(&nothing);
            live.insert(placement.server.to_string(), ask::json(kind, heard).into());
            let (word, tone) = status_of(
                &[placement.status].into_iter(),
                resource.removed_at.is_some(),
                resource.suspended,
            );
            let mut cells = vec![
                Cell::from(resource.name.name.clone()),
                Cell::from(placement.server.to_string()),
                Cell::new(word, tone),
            ];
            for heading in &headings {
                let said = heard.iter().find(|(of, _)| of == heading);
                cells.push(Cell::from(said.map_or(String::new(), |(_, value)| value.to_string())));
            }
            cells.extend(summary.iter().map(|(_, value)| Cell::from(value.to_string())));
            rows.push(cells);
        }
        value["live"] = live.into();
        values.push(value);
    }
    for heading in &headings {
        table = table.column(*heading);
    }
    let own = resources.iter().find_map(|resource| {
        (kind.summary)(&resource.spec.to_string(), &resource.name.name).ok()
    });
    for (heading, _) in own.unwrap_or_default() {
        table = table.extra(heading);
    }
    for cells in rows {
        table.row(cells);
    }
    context.ui.show(&BTreeMap::from([(kind.plural, values)]), |page| {
        if !table.is_empty() {
            page.table(&table);
        }
    })?;
    if resources.is_empty() {
        context.ui.note(&format!("no {} found", kind.plural));
    }
    for problem in &known.problems {
        context.ui.problem(problem);
    }
    Ok(if known.problems.is_empty() { Ending::Done } else { Ending::With(Class::Partial) })
}

/// What to list.
struct Wanted {
    names: Vec<Pattern>,
    servers: Option<BTreeSet<ServerName>>,
    pending: bool,
}

impl Wanted {
    fn of(context: &Context, matches: &ArgMatches) -> anyhow::Result<Self> {
        let mut names = Vec::new();
        for text in matches.get_many::<String>("names").into_iter().flatten() {
            let pattern = Pattern::parse(text).map_err(Diagnostic::usage)?;
            names.push(pattern);
        }
        let selectors: Vec<String> = matches
            .get_many("server")
            .into_iter()
            .flatten()
            .cloned()
            .collect();
        let servers = if selectors.is_empty() {
            None
        } else {
            let selector = Selector::parse(&selectors)?;
            let selected = selector.select(&context.inventory()?.servers)?;
            Some(selected.into_iter().map(|s| s.name.clone()).collect())
        };
        Ok(Self {
            names,
            servers,
            pending: matches.get_flag("pending"),
        })
    }

    fn is_name(&self, name: &str) -> bool {
        self.names.is_empty() || self.names.iter().any(|pattern| pattern.matches(name))
    }
}

/// How far the servers of a resource have followed, as one word.
pub(super) fn status(resource: &Resource) -> (&'static str, Tone) {
    let statuses = resource.placements.iter().map(|p| p.status);
    status_of(&statuses, resource.removed_at.is_some(), resource.suspended)
}

pub(super) fn status_of(
    statuses: &(impl ExactSizeIterator<Item = PlacementStatus> + Clone),
    removed: bool,
    suspended: bool,
) -> (&'static str, Tone) {
    let has = |status| statuses.clone().any(|of_one| of_one == status);
    if has(PlacementStatus::Failed) {
        (PlacementStatus::Failed.word(), Tone::Bad)
    } else if removed || has(PlacementStatus::Removing) {
        (PlacementStatus::Removing.word(), Tone::Warn)
    } else if has(PlacementStatus::Pending) || statuses.len() == 0 {
        (PlacementStatus::Pending.word(), Tone::Warn)
    } else if suspended {
        ("suspended", Tone::Dim)
    } else {
        (PlacementStatus::Applied.word(), Tone::Good)
    }
}
