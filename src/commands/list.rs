//! `fleet list-sites` and its like: the resources of a kind, where they are, and how far their servers have followed.

use std::collections::{BTreeMap, BTreeSet};

use clap::{Arg, ArgAction, ArgMatches, Command};

use super::{Ending, KindVerb};
use crate::context::Context;
use crate::diagnostic::Diagnostic;
use crate::kind::Kind;
use crate::model::selector::Selector;
use crate::model::{Pattern, Placement, PlacementStatus, Resource, ServerName};
use crate::state::Filter;
use crate::ui::{Cell, Page, Table, Tone};

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
        let mut resources = match context.state_to_read()? {
            Some(state) => state.read(|read| {
                read.resources(&Filter {
                    kind: Some(kind.word),
                    servers: wanted.servers.as_ref(),
                    unsettled: wanted.pending,
                    removing: wanted.pending,
                    ..Filter::default()
                })
            })?,
            None => Vec::new(),
        };
        resources.retain(|resource| wanted.is_name(&resource.name.name));

        let value = BTreeMap::from([(kind.plural, &resources)]);
        context.ui.show(&value, |page| {
            if !resources.is_empty() {
                print(page, kind, &resources);
            }
        })?;
        if resources.is_empty() && !context.globals.wants_json() {
            context.ui.note(&format!("no {} found", kind.plural));
        }
        Ok(Ending::Done)
    }
}

/// From this many resources on, the work is shared among the processors.
const MANY: usize = 5_000;

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

fn print(page: &mut Page, kind: &Kind, resources: &[Resource]) {
    let summaries = summaries(kind, resources);
    let headings: Vec<&str> = summaries
        .first()
        .map(|first| first.iter().map(|(heading, _)| *heading).collect())
        .unwrap_or_default();

    let mut table = Table::new().column("name").column("server").column("status");
    for heading in &headings {
        table = table.extra(*heading);
    }
    for (resource, summary) in resources.iter().zip(summaries) {
        let name = Cell::new(resource.name.name.clone(), Tone::Strong);
        let (status, tone) = status(resource);
        let cells = [name, servers(&resource.placements).into(), Cell::new(status, tone)];
        let mut values = summary.into_iter().map(|(_, value)| value.into());
        let more = headings.iter().map(|_| values.next().unwrap_or_else(|| Cell::from("")));
        table.row(cells.into_iter().chain(more));
    }
    page.table(&table);
}

/// What the kind says of each resource, in their order. A spec is read for each, which for very many of them is
/// worth all processors.
fn summaries(kind: &Kind, resources: &[Resource]) -> Vec<Vec<(&'static str, String)>> {
    let of_one = |resource: &Resource| {
        (kind.summary)(&resource.spec, &resource.name.name).unwrap_or_default()
    };
    if resources.len() < MANY {
        return resources.iter().map(of_one).collect();
    }
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let share = resources.len().div_ceil(threads);
    std::thread::scope(|scope| {
        let workers: Vec<_> = resources
            .chunks(share)
            .map(|chunk| scope.spawn(|| chunk.iter().map(of_one).collect::<Vec<_>>()))
            .collect();
        let shares = workers.into_iter().flat_map(|worker| match worker.join() {
            Ok(share) => share,
            Err(panic) => std::panic::resume_unwind(panic),
        });
        shares.collect()
    })
}

/// The servers of a resource, as one value.
fn servers(placements: &[Placement]) -> String {
    match placements {
        [] => String::new(),
        [only] => only.server.to_string(),
        [first, rest @ ..] => format!("{} +{}", first.server, rest.len()),
    }
}

/// How far the servers of a resource have followed, as one word.
pub(super) fn status(resource: &Resource) -> (&'static str, Tone) {
    let has = |status| resource.placements.iter().any(|p| p.status == status);
    if has(PlacementStatus::Failed) {
        (PlacementStatus::Failed.word(), Tone::Bad)
    } else if resource.removed_at.is_some() || has(PlacementStatus::Removing) {
        (PlacementStatus::Removing.word(), Tone::Warn)
    } else if has(PlacementStatus::Pending) || resource.placements.is_empty() {
        (PlacementStatus::Pending.word(), Tone::Warn)
    } else if resource.suspended {
        ("suspended", Tone::Dim)
    } else {
        (PlacementStatus::Applied.word(), Tone::Good)
    }
}
