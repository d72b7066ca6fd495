//! What only the servers know of resources: asked of all of them at once, for lists and for one resource.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use crate::apply::{self, Answer};
use crate::context::Context;
use crate::diagnostic::Diagnostic;
use crate::kind::{Kind, Summary};
use crate::model::{Resource, Server, ServerName};
use crate::plan::follow::staying;
use crate::shell::Script;

/// What the servers said of resources.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// Columns by server and name of the resource.
    pub(super) columns: BTreeMap<(ServerName, String), Summary>,
    /// Who answered, also where that was nothing.
    pub(super) answered: BTreeSet<ServerName>,
    /// Why some servers said nothing.
    pub(super) problems: Vec<Diagnostic>,
}

impl Known {
    /// The headings, in the order in which they first came.
    pub(super) fn headings(&self) -> Vec<&'static str> {
        let mut headings: Vec<&'static str> = Vec::new();
        for (heading, _) in self.columns.values().flatten() {
            if !headings.contains(heading) && !heading.starts_with('_') {
                headings.push(heading);
            }
        }
        headings
    }

    /// What one server said of one resource.
    pub(super) fn of(&self, server: &ServerName, name: &str) -> Option<&Summary> {
        self.columns.get(&(server.clone(), name.to_owned()))
    }
}

/// What a server said of a resource of `kind`, as JSON has it.
pub(super) fn json(kind: &Kind, columns: &Summary) -> Map<String, Value> {
    let mut map = Map::new();
    for (heading, text) in columns {
        if kind.numbers.contains(heading) {
            let number = text.parse::<u64>().map_or(Value::Null, Value::from);
            map.insert(heading.trim_start_matches('_').to_owned(), number);
        } else if !heading.starts_with('_') {
            map.insert((*heading).to_owned(), text.as_ref().into());
        }
    }
    map
}

/// Asks the servers of `resources`, all of one kind, the questions of that kind; those of `only` if given.
pub(super) fn about(
    context: &Context,
    kind: &'static Kind,
    resources: &[Resource],
    only: Option<&BTreeSet<ServerName>>,
) -> anyhow::Result<Known> {
    about_with(context, kind, resources, only, |_, _, _| Ok(()))
}

/// The same; `more` adds to what a server is asked about those of the resources that it has.
pub(super) fn about_with(
    context: &Context,
    kind: &'static Kind,
    resources: &[Resource],
    only: Option<&BTreeSet<ServerName>>,
    more: impl Fn(&ServerName, &[&Resource], &mut Script) -> anyhow::Result<()>,
) -> anyhow::Result<Known> {
    let inventory = context.inventory()?;
    let mut on: BTreeMap<&ServerName, Vec<&Resource>> = BTreeMap::new();
    for resource in resources {
        for placement in staying(&resource.placements) {
            if only.is_none_or(|only| only.contains(&placement.server)) {
                on.entry(&placement.server).or_default().push(resource);
            }
        }
    }
    let mut questions = Vec::new();
    for (name, there) in on {
        let Some(server) = inventory.servers.get(name).filter(|server| server.active) else {
            continue;
        };
        let specs: Vec<_> = there
            .iter()
            .map(|resource| (resource.name.name.as_str(), &resource.spec))
            .collect();
        let mut script = Script::new();
        (kind.ask)(&specs, &mut script)?;
        more(name, &there, &mut script)?;
        questions.push((server.clone(), script));
    }
    let (answers, problems) = ask(context, questions)?;
    let mut known = Known {
        problems,
        ..Known::default()
    };
    for (server, answer) in answers {
        known.answered.insert(server.clone());
        let lines: Vec<&str> = answer.lines.iter().map(String::as_str).collect();
        for (name, summary) in (kind.heard)(&lines, context.now()) {
            // A server may tell of more than was asked.
            if !resources.iter().any(|resource| resource.name.name == name) {
                continue;
            }
            known.columns.insert((server.clone(), name), summary);
        }
    }
    Ok(known)
}

/// Puts a read-only script to each server; what they said, and why some did not.
pub(super) fn ask(
    context: &Context,
    questions: Vec<(Server, Script)>,
) -> anyhow::Result<(BTreeMap<ServerName, Answer>, Vec<Diagnostic>)> {
    let mut said = BTreeMap::new();
    let mut problems = Vec::new();
    if questions.is_empty() {
        return Ok((said, problems));
    }
    let progress = context.ui.progress(questions.len());
    for (server, _) in &questions {
        progress.state(server.name.as_str(), "asking");
    }
    let parallel = context.inventory()?.settings.parallel;
    let connector = context.connector()?;
    let answers = context.block_on(apply::ask(&connector, questions, parallel))?;
    drop(progress);
    for (server, answer) in answers {
        match answer {
            Ok(answer) if answer.status == 0 => {
                said.insert(server, answer);
            }
            Ok(answer) => {
                let message = format!("`{server}`: asking it failed with status {}", answer.status);
                let mut problem = Diagnostic::failed(message);
                problem.details = answer.stderr.lines().map(str::to_owned).collect();
                problems.push(problem);
            }
            Err(error) => problems.push(error.diagnostic(&server)),
        }
    }
    Ok((said, problems))
}
