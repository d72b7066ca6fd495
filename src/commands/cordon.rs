//! `fleet cordon`: a server takes no new resources for a while; what it holds stays and is served.

use std::collections::BTreeMap;

use clap::Args;
use jiff::Timestamp;
use serde_json::json;

use super::{Ending, Example, Group, Verb};
use crate::context::Context;
use crate::diagnostic::Diagnostic;
use crate::model::{Selector, ServerName};
use crate::state::{Read, ServerRecord, Write};

/// Keeps new resources away from servers.
#[derive(Args, Debug)]
pub struct Cordon {
    /// The servers: `sg-1`, `jkt-*`, `region=singapore`, `label:tier=gold`, `!sg-3`
    #[arg(value_name = "SELECTOR", required = true)]
    servers: Vec<String>,
    /// Why, for those who wonder later
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    reason: String,
}

impl Verb for Cordon {
    const NAME: &'static str = "cordon";
    const ABOUT: &'static str = "Keep new resources away from servers";
    const GROUP: Group = Group::Servers;
    const EXAMPLES: &'static [Example] = &[
        ("fleet cordon sg-1 --reason 'disk is being replaced'", ""),
        ("fleet cordon region=singapore", "All servers of a region"),
    ];

    fn run(self, context: &Context) -> anyhow::Result<Ending> {
        if let Some(c) = self.reason.chars().find(|c| c.is_control()) {
            let c = c.escape_default();
            return Err(Diagnostic::usage(format!("`--reason` contains the control character `{c}`")).into());
        }
        let reason = self.reason.trim();
        let needed = |record: &ServerRecord| match &record.cordon {
            Some(cordon) => !reason.is_empty() && cordon.reason != reason,
            None => true,
        };
        switch(context, Self::NAME, &self.servers, needed, |write, name, now| {
            write.cordon(name, reason, now)
        })
    }
}

/// Does `change` to each of the selected servers that need it, records that, and shows all of them.
pub(super) fn switch(
    context: &Context,
    verb: &str,
    servers: &[String],
    needed: impl Fn(&ServerRecord) -> bool,
    change: impl Fn(&Write<'_>, &ServerName, Timestamp) -> Result<bool, Diagnostic>,
) -> anyhow::Result<Ending> {
    let selector = Selector::parse(servers)?;
    let selected = selector.select(&context.inventory()?.servers)?;
    let records = match context.state_to_read()? {
        Some(state) => state.read(Read::servers)?,
        None => BTreeMap::new(),
    };
    let unknown = ServerRecord::default();
    let names = selected.into_iter().map(|server| &server.name);
    let (changed, unchanged): (Vec<_>, Vec<_>) =
        names.partition(|name| needed(records.get(*name).unwrap_or(&unknown)));
    if !changed.is_empty() {
        context.record(verb, |record| {
            let now = context.now();
            context.state()?.write(|write| {
                changed.iter().try_for_each(|name| change(write, name, now).map(drop))
            })?;
            for name in &changed {
                record.outcome(name, "changed", None, vec![verb.to_owned()])?;
            }
            Ok(Ending::Done)
        })?;
    }
    let result = json!({ "changed": changed, "unchanged": unchanged });
    context.ui.show(&result, |page| {
        for name in &changed {
            page.line(&format!("server {name} {verb}ed"));
        }
        for name in &unchanged {
            page.line(&format!("server {name} unchanged"));
        }
    })?;
    Ok(Ending::Done)
}
