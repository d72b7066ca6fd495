//! `fleet setup-server`: installs and starts what a role needs on a bare server.

use std::time::Instant;

use clap::Args;
use clap::builder::PossibleValuesParser;
use serde_json::json;

use super::look;
use super::{Ending, Example, Group, Verb};
use crate::context::Context;
use crate::diagnostic::Diagnostic;
use crate::item::ItemType;
use crate::model::{Role, Server};
use crate::plan::ServerPlan;
use crate::role::{self, Release};
use crate::ui::{Mark, Tone, format, plan};

mod conversation;

/// Installs the packages that a role needs and starts their services; what is there already stays as it is, and a
/// second run changes nothing. For Debian 12 and 13; on other systems install the software in your own way, and fleet
/// works with what it finds.
#[derive(Args, Debug)]
pub struct SetupServer {
    /// The server, as the inventory names it
    #[arg(value_name = "SERVER")]
    server: String,
    /// What to set it up for; may be repeated [default: its roles in the inventory]
    #[arg(long = "role", value_name = "ROLE", value_parser = PossibleValuesParser::new(words()))]
    roles: Vec<String>,
    /// Only show what would be done
    #[arg(long)]
    dry_run: bool,
}

impl Verb for SetupServer {
    const NAME: &'static str = "setup-server";
    const ABOUT: &'static str = "Install and start what a role needs on a bare server";
    const GROUP: Group = Group::Servers;
    const EXAMPLES: &'static [Example] = &[
        ("fleet setup-server sg-1 --dry-run", "What is missing there"),
        (
            "fleet setup-server sg-1 --role web",
            "nginx, PHP-FPM and what they need",
        ),
    ];

    fn run(self, context: &Context) -> anyhow::Result<Ending> {
        let server = context.inventory()?.server(&self.server)?;
        let roles = self.roles(server)?;
        let connector = context.connector()?;
        let started = Instant::now();
        let progress = context.ui.progress(1);
        let set_up =
            conversation::set_up(context, &connector, server, &roles, self.dry_run, &progress);
        let outcome = context.block_on(set_up)?;
        let name = server.name.as_str();
        let report = match outcome {
            Ok(report) => report,
            Err(error) => {
                progress.end(name);
                return Err(error);
            }
        };
        let changed = !self.dry_run && !report.plan.is_empty();
        if self.dry_run {
            progress.end(name);
        } else if changed {
            progress.done(name, Mark::Done, &sentence(&report.plan), started.elapsed());
        } else {
            let text = format!("unchanged: all of {} is there", all_words(&roles));
            progress.done(name, Mark::Same, &text, started.elapsed());
        }
        drop(progress);
        if changed {
            // What is known of the server has just become old.
            let limit = context.inventory()?.settings.health_timeout;
            let servers = [server];
            let look = look::look(context, &connector, &servers, limit, |_| {});
            let looks = context.block_on(look)??;
            look::record(&mut *context.state()?, &looks)?;
        }
        let mut value = json!({
            "system": report.release.to_string(),
            "roles": roles,
            "dry_run": self.dry_run,
            "changed": changed,
        });
        if let (Some(value), serde_json::Value::Object(plan)) = (
            value.as_object_mut(),
            plan::json(&server.name, &report.plan),
        ) {
            value.extend(plan);
        }
        context.ui.show(&value, |page| {
            if self.dry_run {
                plan::server(page, &server.name, &report.plan, None);
            } else {
                for change in &report.plan.changes {
                    page.text("  + ", Tone::Good).line(&change.key.to_string());
                }
            }
        })?;
        Ok(Ending::Done)
    }
}

impl SetupServer {
    /// The roles to set up: those asked for, else those of the inventory that need anything.
    fn roles(&self, server: &Server) -> anyhow::Result<Vec<Role>> {
        let asked = |role: &Role| self.roles.iter().any(|word| word == role.word());
        let roles: Vec<Role> = known_roles()
            .filter(|role| {
                if self.roles.is_empty() {
                    server.roles.contains(role)
                } else {
                    asked(role)
                }
            })
            .collect();
        if roles.is_empty() {
            let words: Vec<String> = words()
                .iter()
                .map(|word| format!("`--role {word}`"))
                .collect();
            return Err(Diagnostic::usage(format!(
                "server `{}` has no role that there is something to set up for",
                server.name
            ))
            .hint(format!("name one: {}", words.join(", ")))
            .into());
        }
        Ok(roles)
    }
}

/// The roles that there is something to set up for; the items differ by release, which roles have some does not.
fn known_roles() -> impl Iterator<Item = Role> {
    Role::ALL
        .into_iter()
        .filter(|role| role::items(*role, Release::Debian12).is_some())
}

fn words() -> Vec<&'static str> {
    known_roles().map(Role::word).collect()
}

fn all_words(roles: &[Role]) -> String {
    let words: Vec<String> = roles.iter().map(|role| format!("`{role}`")).collect();
    words.join(", ")
}

/// `12 packages installed, 2 services started`.
fn sentence(plan: &ServerPlan) -> String {
    let number = |item_type| {
        let such = plan.changes.iter().filter(|c| c.key.item_type == item_type);
        such.count()
    };
    let packages = number(ItemType::Package);
    let services = number(ItemType::Service);
    let mut parts = Vec::new();
    if packages > 0 {
        parts.push(format!("{} installed", format::count(packages, "package")));
    }
    if services > 0 {
        parts.push(format!("{} started", format::count(services, "service")));
    }
    parts.join(", ")
}
