//! `fleet add-server`: takes a server into the inventory, after its host key was checked and a login worked.

use std::path::Path;

use clap::Args;
use serde_json::{Value, json};

use super::{host_key, look};
use super::server_settings::{ServerSettings, server_name};
use super::show_server::{summary, system};
use super::{Ending, Example, Group, Verb};
use crate::context::Context;
use crate::diagnostic::Diagnostic;
use crate::health::Look;
use crate::inventory::Inventory;
use crate::inventory::edit::{self, Edited, Mode};
use crate::model::{Health, Server, ServerName, TransportKind};
use crate::shell::quote;
use crate::state::Read;
use crate::transport::{HostKey, TransportError};

/// Takes a server into the inventory.
#[derive(Args, Debug)]
pub struct AddServer {
    /// What to call it
    #[arg(value_name = "NAME", value_parser = server_name)]
    name: ServerName,
    #[command(flatten)]
    settings: ServerSettings,
    /// Accept this host key (`ssh-keygen -lf` shows it on the server) instead of asking; may be repeated
    #[arg(long, value_name = "SHA256:...", value_parser = host_key::fingerprint, conflicts_with = "no_connect")]
    fingerprint: Vec<String>,
    /// Only write the entry; do not connect
    #[arg(long)]
    no_connect: bool,
}

/// What connecting gave.
struct Met {
    look: Look,
    host_key: Option<HostKey>,
    pinned: bool,
}

impl Verb for AddServer {
    const NAME: &'static str = "add-server";
    const ABOUT: &'static str = "Take a server into the inventory, and look at it";
    const GROUP: Group = Group::Servers;
    const EXAMPLES: &'static [Example] = &[
        ("fleet add-server sg-1 --address sg-1.example.com --region singapore", ""),
        (
            "fleet add-server sg-2 --address 203.0.113.12 --user admin --become --jump sg-1",
            "With sudo, through another server",
        ),
        (
            "fleet add-server sg-3 --address 203.0.113.13 --fingerprint SHA256:jJ6bBqY1cVxU0kH0p5m3k6cQ8m9W4yqJ7t2fR1sD0eA",
            "Without a question, for scripts",
        ),
        ("fleet add-server here --transport local", "This machine"),
    ];

    fn run(self, context: &Context) -> anyhow::Result<Ending> {
        let path = context.inventory()?.path.clone();
        let home = context.home();
        let name = &self.name;
        let change = self.settings.change(&path)?;
        let write = |mode| edit::add_server(&path, home.as_deref(), mode, name, &change);
        let tried = write(Mode::Try)?;
        let server = &tried.after.servers[name];
        let seen_before = match context.state_to_read()? {
            Some(state) => state.read(Read::servers)?.remove(name),
            None => None,
        };
        let seen_before = seen_before.is_some_and(|record| record.observed_at.is_some());
        if !tried.changed && (self.no_connect || seen_before) {
            return shown(context, &tried, name, None);
        }
        let met = if self.no_connect {
            None
        } else {
            Some(self.meet(context, &tried.after, server)?)
        };
        context.record(Self::NAME, |record| {
            let edited = write(Mode::Write)?;
            if let Some(met) = &met {
                look::record(context, std::slice::from_ref(&met.look))?;
            }
            record.outcome(name, "changed", None, vec![format!("add server {name}")])?;
            shown(context, &edited, name, met.as_ref())
        })
    }
}

impl AddServer {
    /// Connects to the server: its host key is checked and recorded, then it is looked at.
    fn meet(
        &self,
        context: &Context,
        inventory: &Inventory,
        server: &Server,
    ) -> anyhow::Result<Met> {
        let connector = host_key::connector(context, inventory)?;
        let over_ssh = server.transport == TransportKind::Ssh;
        let failed = |error: &TransportError| {
            error
                .diagnostic(&server.name)
                .hint("`--no-connect` takes it into the inventory all the same")
        };
        let progress = context.ui.progress(1);
        progress.state(server.name.as_str(), "connecting");
        let mut host_key = None;
        let mut pinned = false;
        if over_ssh {
            let key = context
                .block_on(connector.fetch_host_key(server))?
                .map_err(|error| failed(&error))?;
            if self.accept(context, server, &key)? {
                context
                    .block_on(connector.pin(&key))?
                    .map_err(|error| error.diagnostic(&server.name))?;
                pinned = true;
            }
            host_key = Some(key);
        }
        let limit = inventory.settings.health_timeout;
        let looks = context.block_on(look::look(context, &connector, &[server], limit, |_| ()))??;
        let look = looks.into_iter().next();
        let look = look.ok_or_else(|| anyhow::anyhow!("nothing came of looking at the server"))?;
        drop(progress);
        if let Some(error) = &look.error {
            return Err(failed(error).into());
        }
        if look.observation.facts.is_none() {
            let reasons = look.observation.reasons.join("; ");
            return Err(Diagnostic::failed(format!("server `{}`: {reasons}", server.name))
                .hint("`--no-connect` takes it into the inventory all the same")
                .into());
        }
        Ok(Met {
            look,
            host_key,
            pinned,
        })
    }

    /// Whether the host key is to be recorded: `false` when it is already. An error when it is not to be trusted.
    fn accept(
        &self,
        context: &Context,
        server: &Server,
        key: &HostKey,
    ) -> Result<bool, anyhow::Error> {
        let presented = format!("{} {}", key.algorithm(), key.fingerprint());
        if !self.fingerprint.is_empty() {
            host_key::refuse_other(server, key, &self.fingerprint)?;
        }
        match key.verdict() {
            Ok(()) => return Ok(false),
            Err(TransportError::HostKeyUnknown { .. }) => {}
            Err(error) => {
                let mut refused = error.diagnostic(&server.name);
                // It is in no inventory yet.
                if let TransportError::HostKeyChanged { host, place: Some(place), .. } = error {
                    refused.hints.pop();
                    let file = quote(&place.file.display().to_string());
                    refused = refused.hint(format!(
                        "if you know why it changed: `ssh-keygen -f {file} -R '{host}'` forgets the recorded one"
                    ));
                }
                return Err(refused.into());
            }
        }
        if !self.fingerprint.is_empty() {
            return Ok(true);
        }
        let address = &server.address;
        if !context.ui.settings().can_ask {
            return Err(Diagnostic::usage(format!(
                "the host key of `{address}` is not known, and nobody can be asked: {presented}"
            ))
            .hint(format!(
                "compare it with the server's own, then give `--fingerprint {}`",
                key.fingerprint()
            ))
            .into());
        }
        // `--yes` does not answer this one: who says yes to a key has looked at it.
        context.ui.note(&format!("the host key of `{address}` is {presented}"));
        let asked = "is it the server's own? [yes/no/SHA256:...]";
        let answer = context.ask("--fingerprint", asked).unwrap_or_default();
        let answer = answer.trim();
        if answer == key.fingerprint() || ["y", "yes"].contains(&answer.to_lowercase().as_str()) {
            return Ok(true);
        }
        Err(Diagnostic::failed("the host key was not accepted; nothing was changed").into())
    }
}

fn shown(
    context: &Context,
    edited: &Edited,
    name: &ServerName,
    met: Option<&Met>,
) -> anyhow::Result<Ending> {
    let server = &edited.after.servers[name];
    let observation = met.map(|met| &met.look.observation);
    let facts = observation.and_then(|seen| seen.facts.as_ref());
    let host_key = met.and_then(|met| {
        let key = met.host_key.as_ref()?;
        Some(json!({
            "algorithm": key.algorithm(),
            "fingerprint": key.fingerprint(),
            "pinned": met.pinned,
            "file": key.file().map(Path::to_string_lossy),
        }))
    });
    let result = json!({
        "server": server,
        "changed": edited.changed,
        "health": observation.map(|seen| seen.health),
        "reasons": observation.map(|seen| &seen.reasons),
        "facts": facts,
        "host_key": host_key.unwrap_or(Value::Null),
    });
    context.ui.show(&result, |page| {
        let what = if edited.changed { "added" } else { "unchanged" };
        page.line(&format!("server {name} {what}"));
        if let Some(facts) = facts {
            page.line(&format!("  {}: {}", system(facts), summary(facts).join(", ")));
        }
        if let Some(met) = met.filter(|met| met.pinned)
            && let Some(file) = met.host_key.as_ref().and_then(HostKey::file)
        {
            page.line(&format!("  host key recorded in {}", file.display()));
        }
    })?;
    if let Some(seen) = observation
        && seen.health != Health::Online
    {
        let reasons = seen.reasons.join("; ");
        context.ui.warn(&format!("{name} is {}: {reasons}", seen.health.word()));
    }
    if facts.is_some_and(|facts| facts.nginx.is_none()) && server.roles.contains(&crate::model::Role::Web) {
        context.ui.hint(&format!("`fleet setup-server {name} --role web` installs what websites need"));
    }
    Ok(Ending::Done)
}
