//! `fleet set-server`: changes settings of a server in the inventory.

use std::collections::BTreeSet;

use clap::Args;
use serde_json::{Value, json};

use super::host_key::{self, Accepted};
use super::server_settings::{ServerSettings, server_name, unset_key};
use super::{Ending, Example, Group, Verb};
use crate::context::Context;
use crate::diagnostic::Diagnostic;
use crate::inventory::edit::{self, Edited, Mode};
use crate::kind;
use crate::model::{Server, ServerName, TransportKind};
use crate::ui::format;

/// Changes settings of a server.
#[derive(Args, Debug)]
pub struct SetServer {
    /// The server
    #[arg(value_name = "NAME", value_parser = server_name)]
    name: ServerName,
    #[command(flatten)]
    settings: ServerSettings,
    /// Take a setting out, so that the default holds again; may be repeated
    #[arg(long, value_name = "KEY", value_parser = unset_key)]
    unset: Vec<String>,
    /// Accept this host key (`ssh-keygen -lf` shows it on the server) in the place of the recorded one; may be repeated
    #[arg(long, value_name = "SHA256:...", value_parser = host_key::fingerprint)]
    fingerprint: Vec<String>,
}

impl Verb for SetServer {
    const NAME: &'static str = "set-server";
    const ABOUT: &'static str = "Change settings of a server";
    const GROUP: Group = Group::Servers;
    const EXAMPLES: &'static [Example] = &[
        ("fleet set-server sg-1 --capacity 80 --label tier=gold", ""),
        ("fleet set-server sg-1 --active=false", "Leave it out of sweeps and placement"),
        (
            "fleet set-server sg-1 --fingerprint SHA256:jJ6bBqY1cVxU0kH0p5m3k6cQ8m9W4yqJ7t2fR1sD0eA",
            "It was reinstalled",
        ),
        ("fleet set-server sg-1 --unset region --unset label:tier", "Back to the defaults"),
    ];

    fn run(self, context: &Context) -> anyhow::Result<Ending> {
        let path = &context.inventory()?.path;
        let home = context.home();
        let mut change = self.settings.change(path)?;
        change.unset = self.unset;
        if change.set.is_empty() && change.unset.is_empty() && self.fingerprint.is_empty() {
            return Err(Diagnostic::usage("nothing to change is given")
                .hint("`fleet set-server --help` shows the settings")
                .into());
        }
        let both = change.unset.iter().find(|key| change.set.iter().any(|(set, _)| set == *key));
        if let Some(key) = both {
            return Err(Diagnostic::usage(format!("`{key}` is both set and unset")).into());
        }
        let name = &self.name;
        let mut edited = edit::set_server(path, home.as_deref(), Mode::Try, name, &change)?;
        let server = &edited.after.servers[name];
        let met = if self.fingerprint.is_empty() {
            None
        } else {
            if server.transport != TransportKind::Ssh {
                let message = format!("server `{name}` is reached without SSH and has no host key");
                return Err(Diagnostic::usage(message).hint("leave `--fingerprint` out").into());
            }
            let connector = host_key::connector(context, &edited.after)?;
            Some((Accepted::meet(context, &connector, server, &self.fingerprint)?, connector))
        };
        let new_key = met.as_ref().and_then(|(key, _)| key.change().map(str::to_owned));
        let list = |edited: &Edited| {
            let mut changes = differences(&edited.before.servers[name], &edited.after.servers[name]);
            changes.extend(new_key.clone());
            changes
        };
        let changed = edited.changed || new_key.is_some();
        if changed {
            context.record(Self::NAME, |record| {
                edited = edit::set_server(path, home.as_deref(), Mode::Write, name, &change)?;
                if let Some((key, connector)) = &met {
                    key.record(context, connector, &edited.after.servers[name])?;
                }
                record.outcome(name, "changed", None, list(&edited))?;
                Ok(Ending::Done)
            })?;
        }
        let after = &edited.after.servers[name];
        let differences = list(&edited);
        let result = json!({ "server": after, "changed": changed, "changes": differences });
        context.ui.show(&result, |page| {
            if !changed {
                page.line(&format!("server {name} unchanged"));
                return;
            }
            page.line(&format!("server {name} changed"));
            for difference in &differences {
                page.line(&format!("  {difference}"));
            }
        })?;
        for warning in warnings(context, after)? {
            context.ui.warn(&warning);
        }
        Ok(Ending::Done)
    }
}

/// Each setting that is another one now: `capacity: 50 → 80`.
fn differences(before: &Server, after: &Server) -> Vec<String> {
    let (Ok(Value::Object(before)), Ok(Value::Object(after))) =
        (serde_json::to_value(before), serde_json::to_value(after))
    else {
        return Vec::new();
    };
    after
        .iter()
        .filter(|(key, value)| before.get(*key) != Some(value))
        .map(|(key, value)| {
            let before = before.get(key).map_or_else(|| "-".to_owned(), shown);
            format!("{key}: {before} → {}", shown(value))
        })
        .collect()
}

/// A value as one would say it.
fn shown(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(values) if values.is_empty() => "none".to_owned(),
        Value::Array(values) => {
            let values: Vec<String> = values.iter().map(shown).collect();
            values.join(", ")
        }
        Value::Object(values) if values.is_empty() => "none".to_owned(),
        Value::Object(values) => {
            let values: Vec<String> = values
                .iter()
                .map(|(key, value)| format!("{key}={}", shown(value)))
                .collect();
            values.join(", ")
        }
        other => other.to_string(),
    }
}

/// What is placed there and no longer fits: nothing moves by itself.
fn warnings(context: &Context, server: &Server) -> anyhow::Result<Vec<String>> {
    let mut warnings = Vec::new();
    let Some(state) = context.state_to_read()? else {
        return Ok(warnings);
    };
    let name = &server.name;
    let (load, resources) = state.read(|read| {
        let here = BTreeSet::from([name.clone()]);
        Ok::<_, Diagnostic>((read.load(name)?, read.resources_on(&here)?))
    })?;
    if load > u64::from(server.capacity) {
        warnings.push(format!(
            "{name} holds {load} units, more than its capacity of {}; they stay, and it takes no new ones",
            server.capacity
        ));
    }
    let misplaced = resources
        .iter()
        .filter(|resource| {
            let role = kind::kind(&resource.name.kind).and_then(|kind| kind.role);
            role.is_some_and(|role| !server.roles.contains(&role))
        })
        .count();
    if misplaced > 0 {
        warnings.push(format!(
            "{name} has not the role for {} that it holds; they stay",
            format::count(misplaced, "resource")
        ));
    }
    Ok(warnings)
}
