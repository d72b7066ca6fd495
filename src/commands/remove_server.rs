//! `fleet remove-server`: takes a server out of the inventory. The server itself is not touched.

use std::collections::BTreeSet;

use clap::Args;
use serde_json::json;

use super::server_settings::server_name;
use super::{Ending, Example, Group, Verb};
use crate::context::Context;
use crate::diagnostic::{Diagnostic, Diagnostics, ticked};
use crate::inventory::edit::{self, Mode};
use crate::model::{Resource, ResourceName, ServerName};
use crate::ui::format;

/// The most resources that are named in a refusal.
const NAMED: usize = 20;

/// Takes a server out of the inventory.
#[derive(Args, Debug)]
pub struct RemoveServer {
    /// The server
    #[arg(value_name = "NAME", value_parser = server_name)]
    name: ServerName,
    /// Although it holds resources: forget that they are there, for a server that is gone for good
    #[arg(long)]
    forget: bool,
}

impl Verb for RemoveServer {
    const NAME: &'static str = "remove-server";
    const ABOUT: &'static str = "Take an empty server out of the inventory";
    const GROUP: Group = Group::Servers;
    const EXAMPLES: &'static [Example] = &[
        ("fleet remove-server sg-1", ""),
        ("fleet remove-server sg-1 --yes", "Without a question, for scripts"),
        ("fleet remove-server sg-1 --forget", "It is gone for good, with all that was on it"),
    ];

    fn run(self, context: &Context) -> anyhow::Result<Ending> {
        let name = &self.name;
        let path = &context.inventory()?.path;
        let home = context.home();
        edit::remove_server(path, home.as_deref(), Mode::Try, name)?;
        let here = BTreeSet::from([name.clone()]);
        let lost = match context.state_to_read()? {
            Some(state) => state.read(|read| read.resources_on(&here))?,
            None => Vec::new(),
        };
        if !self.forget {
            refuse_if_used(name, &lost)?;
        }
        context.confirm(&question(name, &lost))?;
        context.record(Self::NAME, |record| {
            // Inside one transaction nothing can be placed there between the check and the edit.
            context.state()?.write(|write| {
                let there = write.resources_on(&here)?;
                if !self.forget {
                    refuse_if_used(name, &there)?;
                }
                for resource in &there {
                    write.forget_placement(resource.id, name)?;
                }
                edit::remove_server(path, home.as_deref(), Mode::Write, name)?;
                write.forget_server(name)?;
                Ok::<_, Diagnostics>(())
            })?;
            record.outcome(name, "changed", None, vec![format!("remove server {name}")])?;
            Ok(Ending::Done)
        })?;
        context.ui.show(&json!({ "server": name, "changed": true }), |page| {
            page.line(&format!("server {name} removed from {}", path.display()));
        })?;
        let nowhere = |resource: &&Resource| {
            resource.removed_at.is_none() && resource.placements.iter().all(|p| p.server == *name)
        };
        for resource in lost.iter().filter(nowhere) {
            let ResourceName { kind, name } = &resource.name;
            context.ui.warn(&format!("{kind} `{name}` is on no server any more"));
            context.ui.hint(&format!(
                "`fleet add-{kind} {name}` with the same settings places it anew, `fleet remove-{kind} {name}` forgets it"
            ));
        }
        Ok(Ending::Done)
    }
}

fn question(name: &ServerName, lost: &[Resource]) -> String {
    let name = ticked(name.as_str());
    match lost.len() {
        0 => format!("take server {name} out of the inventory?"),
        many => format!(
            "forget server {name} with the {} on it, as if it never came back?",
            format::count(many, "resource")
        ),
    }
}

fn refuse_if_used(name: &ServerName, resources: &[Resource]) -> Result<(), Diagnostics> {
    if resources.is_empty() {
        return Ok(());
    }
    let mut error = Diagnostic::usage(format!(
        "server {} still holds {}",
        ticked(name.as_str()),
        format::count(resources.len(), "resource")
    ));
    for resource in resources.iter().take(NAMED) {
        let going = if resource.removed_at.is_some() { " (being removed)" } else { "" };
        error = error.detail(format!("{}{going}", resource.name));
    }
    if resources.len() > NAMED {
        error = error.detail(format!("and {} more", resources.len() - NAMED));
    }
    Err(error
        .hint(format!("remove them first; `fleet cordon {name}` keeps new ones away meanwhile"))
        .hint("`--forget` forgets that they are there, when the server is gone for good")
        .into())
}
