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
    /// Although it holds resources: forget that they are there, for a server that is gone for good, also from the inventory
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
        let here = BTreeSet::from([name.clone()]);
        let (lost, on_record) = match context.state_to_read()? {
            Some(state) => state.read(|read| -> Result<_, Diagnostic> {
                let lost = read.resources_on(&here)?;
                let on_record = !lost.is_empty() || read.servers()?.contains_key(name);
                Ok((lost, on_record))
            })?,
            None => (Vec::new(), false),
        };
        // Somebody may have taken the entry out by hand: what is on record of it is to be forgotten all the same.
        let is_listed = context.inventory()?.servers.contains_key(name);
        if is_listed || !on_record {
            edit::remove_server(path, home.as_deref(), Mode::Try, name)?;
        }
        if !self.forget {
            refuse_if_used(name, is_listed, &lost)?;
        }
        context.confirm(&question(name, is_listed, &lost))?;
        context.record(Self::NAME, |record| {
            // Inside one transaction nothing can be placed there between the check and the edit.
            context.state()?.write(|write| {
                let there = write.resources_on(&here)?;
                if !self.forget {
                    refuse_if_used(name, is_listed, &there)?;
                }
                for resource in &there {
                    write.forget_placement(resource.id, name)?;
                }
                if is_listed {
                    edit::remove_server(path, home.as_deref(), Mode::Write, name)?;
                }
                write.forget_server(name)?;
                Ok::<_, Diagnostics>(())
            })?;
            record.outcome(name, "changed", None, vec![format!("remove server {name}")])?;
            Ok(Ending::Done)
        })?;
        context.ui.show(&json!({ "server": name, "changed": true }), |page| {
            page.line(&if is_listed {
                format!("server {name} removed from {}", path.display())
            } else {
                format!("server {name} forgotten")
            });
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

fn question(name: &ServerName, is_listed: bool, lost: &[Resource]) -> String {
    let name = ticked(name.as_str());
    match lost.len() {
        0 if !is_listed => format!("forget what is on record of server {name}?"),
        0 => format!("take server {name} out of the inventory?"),
        many => format!(
            "forget server {name} with the {} on it, as if it never came back?",
            format::count(many, "resource")
        ),
    }
}

fn refuse_if_used(name: &ServerName, is_listed: bool, resources: &[Resource]) -> Result<(), Diagnostics> {
    if resources.is_empty() {
        return Ok(());
    }
    let count = format::count(resources.len(), "resource");
    let what = ticked(name.as_str());
    let mut error = Diagnostic::usage(if is_listed {
        format!("server {what} still holds {count}")
    } else {
        format!("server {what} is not in the inventory, and holds {count} by what is recorded")
    });
    for resource in resources.iter().take(NAMED) {
        let going = if resource.removed_at.is_some() { " (being removed)" } else { "" };
        error = error.detail(format!("{}{going}", resource.name));
    }
    if resources.len() > NAMED {
        error = error.detail(format!("and {} more", resources.len() - NAMED));
    }
    Err(error
        .hint(if is_listed {
            format!("remove them first; `fleet cordon {name}` keeps new ones away meanwhile")
        } else {
            format!("`fleet add-server {name}` takes it in again, with what is on it")
        })
        .hint("`--forget` forgets that they are there, when the server is gone for good")
        .into())
}
