//! `fleet remove-server`: takes a server out of the inventory. The server itself is not touched.

use std::collections::BTreeSet;

use clap::Args;
use serde_json::json;

use super::server_settings::server_name;
use super::{Ending, Example, Group, Verb};
use crate::context::Context;
use crate::diagnostic::{Diagnostic, Diagnostics, ticked};
use crate::inventory::edit::{self, Mode};
use crate::model::{Resource, ServerName};
use crate::ui::format;

/// The most resources that are named in a refusal.
const NAMED: usize = 20;

/// Takes a server out of the inventory.
#[derive(Args, Debug)]
pub struct RemoveServer {
    /// The server
    #[arg(value_name = "NAME", value_parser = server_name)]
    name: ServerName,
}

impl Verb for RemoveServer {
    const NAME: &'static str = "remove-server";
    const ABOUT: &'static str = "Take an empty server out of the inventory";
    const GROUP: Group = Group::Servers;
    const EXAMPLES: &'static [Example] = &[
        ("fleet remove-server sg-1", ""),
        ("fleet remove-server sg-1 --yes", "Without a question, for scripts"),
    ];

    fn run(self, context: &Context) -> anyhow::Result<Ending> {
        let name = &self.name;
        let path = &context.inventory()?.path;
        let home = context.home();
        edit::remove_server(path, home.as_deref(), Mode::Try, name)?;
        let here = BTreeSet::from([name.clone()]);
        if let Some(state) = context.state_to_read()? {
            state.read(|read| refuse_if_used(name, &read.resources_on(&here)?))?;
        }
        context.confirm(&format!("take server {} out of the inventory?", ticked(name.as_str())))?;
        context.record(Self::NAME, |record| {
            // Inside one transaction nothing can be placed there between the check and the edit.
            context.state()?.write(|write| {
                refuse_if_used(name, &write.resources_on(&here)?)?;
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
        Ok(Ending::Done)
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
        .into())
}
