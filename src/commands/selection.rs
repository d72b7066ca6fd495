//! Which servers and resources a plan or an apply is about.

use std::collections::BTreeSet;

use clap::Args;

use super::jobs::{Jobs, servers_in_use};
use super::only::Only;
use super::plan_file::is_plan;
use crate::context::Context;
use crate::diagnostic::{Diagnostic, did_you_mean};
use crate::kind::KINDS;
use crate::model::selector::Selector;
use crate::model::{Pattern, ResourceName, Server};
use crate::state::{Filter, Read};

/// The servers that the terms select. An inactive one is among them only when it is named, and that is said.
pub(super) fn select<'c>(
    context: &'c Context,
    terms: &[String],
) -> anyhow::Result<Vec<&'c Server>> {
    let selected = Selector::parse(terms)?.select(&context.inventory()?.servers)?;
    for server in selected.iter().filter(|server| !server.active) {
        context.ui.note(&format!(
            "`{}` is not active; it takes part because it is named",
            server.name
        ));
    }
    Ok(selected)
}

/// Servers and resources.
#[derive(Args, Debug)]
pub(super) struct Selection {
    /// Only these resources: `example.com`, `site:example.com`; `*`, `?` and `[1-9]` stand for characters
    #[arg(value_name = "RESOURCE")]
    resources: Vec<String>,
    /// Only these servers: `sg-1,jkt-*,region=singapore,!sg-3` [default: all active ones]
    #[arg(long, value_name = "SELECTOR")]
    server: Vec<String>,
}

/// What a [`Selection`] selects.
pub(super) struct Chosen<'c> {
    servers: Vec<&'c Server>,
    /// Whether the servers were not named.
    all: bool,
    only: Only,
}

impl Selection {
    /// The one word that was given in place of resources, and nothing else.
    pub(super) fn alone(&self) -> Option<&str> {
        match &self.resources[..] {
            [word] => Some(word),
            _ => None,
        }
    }

    /// Whether servers were chosen.
    pub(super) fn names_servers(&self) -> bool {
        !self.server.is_empty()
    }

    /// The servers and resources; an error for what there is not.
    pub(super) fn choose<'c>(&self, context: &'c Context) -> anyhow::Result<Chosen<'c>> {
        let inventory = context.inventory()?;
        let servers: Vec<&Server> = if self.server.is_empty() {
            inventory
                .servers
                .values()
                .filter(|server| server.active)
                .collect()
        } else {
            select(context, &self.server)?
        };
        let only = match context.state_to_read()? {
            Some(state) => state.read(|read| self.only(read))?,
            None => None,
        };
        Ok(Chosen {
            servers,
            all: self.server.is_empty(),
            only: only.into(),
        })
    }

    fn only(&self, read: &Read) -> Result<Option<BTreeSet<ResourceName>>, Diagnostic> {
        if self.resources.is_empty() {
            return Ok(None);
        }
        let all = read.resources(&Filter {
            removing: true,
            ..Filter::default()
        })?;
        let mut only = BTreeSet::new();
        for text in &self.resources {
            let typed = text.split_once(':');
            let kind = typed.and_then(|(word, _)| KINDS.iter().find(|kind| kind.word == word));
            let name = match (kind, typed) {
                (Some(_), Some((_, name))) => name,
                _ => text,
            };
            let pattern = Pattern::parse(name).map_err(Diagnostic::usage)?;
            let chosen = all
                .iter()
                .map(|resource| &resource.name)
                .filter(|resource| {
                    kind.is_none_or(|kind| kind.word == resource.kind)
                        && pattern.matches(&resource.name)
                });
            let chosen: Vec<_> = chosen.cloned().collect();
            if chosen.is_empty() {
                let error = Diagnostic::usage(format!("no resource is called `{text}`"));
                let names = all.iter().map(|resource| resource.name.name.as_str());
                return Err(if is_plan(text) {
                    error.hint("the file of a plan stands alone: `fleet apply FILE`")
                } else if let Some(near) = did_you_mean(name, names) {
                    error.hint(format!("did you mean `{near}`"))
                } else {
                    error.hint("`fleet list-sites` lists the sites, and so for every kind")
                });
            }
            only.extend(chosen);
        }
        Ok(Some(only))
    }
}

impl<'c> Chosen<'c> {
    /// These servers, and of what is there only these resources.
    pub(super) fn of(servers: Vec<&'c Server>, only: impl Into<Only>) -> Self {
        Self {
            servers,
            all: false,
            only: only.into(),
        }
    }

    /// What is to be done on each of the servers that have something of fleet's.
    pub(super) fn jobs(&self, context: &'c Context) -> anyhow::Result<Jobs<'c>> {
        let inventory = context.inventory()?;
        let Some(state) = context.state_to_read()? else {
            return Ok(Jobs::default());
        };
        let (jobs, in_use) = state.read(|read| -> anyhow::Result<_> {
            let jobs = self.only.jobs(context, read, &self.servers)?;
            Ok((jobs, servers_in_use(read)?))
        })?;
        if self.all {
            for name in in_use {
                match inventory.servers.get(&name) {
                    None => {
                        context.ui.warn(&format!(
                            "resources are placed on `{name}`, which is not in the inventory"
                        ));
                        context.ui.hint(&format!(
                            "`fleet remove-server {name} --forget` forgets that, when it is gone for good"
                        ));
                    }
                    Some(server) if !server.active => {
                        context
                            .ui
                            .note(&format!("`{name}` is left out: it is not active"));
                    }
                    Some(_) => {}
                }
            }
        }
        Ok(jobs)
    }
}
