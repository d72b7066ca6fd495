//! `fleet setup-server`: installs and starts what a role needs on a bare server.

use std::time::Instant;

use clap::Args;
use clap::builder::PossibleValuesParser;
use serde_json::json;

use super::carry_out::{Run, ending, summary, to_json};
use super::flags::Flags;
use super::jobs::Jobs;
use super::{Ending, Example, Group, Verb, look, outcome};
use crate::apply::{Job, Outcome, ServerReport, Work};
use crate::context::Context;
use crate::diagnostic::{Class, Diagnostic};
use crate::health::Look;
use crate::model::health::ServerFacts;
use crate::model::{Health, ResourceName, Role, Server};
use crate::plan::Desired;
use crate::role::{self, Release};
use crate::ui::plan;

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
        let started = Instant::now();
        let server = context.inventory()?.server(&self.server)?;
        let roles = self.roles(server)?;
        let release = release(server, &facts(context, server)?)?;
        let flags = Flags {
            dry_run: self.dry_run,
            ..Flags::default()
        };
        let mut run = Run::new(context, Self::NAME, &flags)?;
        // Of one server.
        run.rollout = run.rollout.at_once();
        // Software that was there first, or that others came to need, is not fleet's to take away.
        run.on_record = false;
        let jobs = Jobs {
            jobs: vec![job(server, &roles, release)?],
            ..Jobs::default()
        };
        let value = json!({ "system": release.to_string(), "roles": roles });
        if self.dry_run {
            let reports = run.preview(context, jobs, false, value)?;
            return Ok(super::plan::ending(&reports, false));
        }
        context.record(Self::NAME, |record| {
            let reports = run.change(context, record.id(), jobs)?.reports;
            if reports
                .iter()
                .any(|report| report.outcome == Outcome::Changed)
            {
                // What is known of the server has just become old.
                observe(context, server)?;
            }
            let mut value = value;
            value["task"] = record.id().into();
            value["servers"] = to_json(&reports);
            context.ui.show(&value, |page| {
                if context.globals.verbose == 0 {
                    plan::done(page, reports.iter().flat_map(ServerReport::changes_done));
                }
            })?;
            summary(context, &reports, started);
            Ok(ending(&reports))
        })
    }
}

/// What the server is now; an error when it cannot be worked on.
fn facts(context: &Context, server: &Server) -> anyhow::Result<ServerFacts> {
    let look = observe(context, server)?;
    let seen = look.observation;
    if let Some(facts) = seen.facts
        && seen.health != Health::Error
    {
        return Ok(facts);
    }
    let mut error = match look.error {
        Some(error) => error.diagnostic(&server.name),
        None => Diagnostic::failed(format!(
            "server `{}`: {}",
            server.name,
            seen.reasons.join("; ")
        )),
    };
    if seen.health == Health::Offline {
        error.class = Class::Partial;
    }
    Err(error.into())
}

/// Looks at the server, and records what is seen.
fn observe(context: &Context, server: &Server) -> anyhow::Result<Look> {
    let progress = context.ui.progress(1);
    progress.state(server.name.as_str(), "looking");
    let connector = context.connector()?;
    let limit = context.inventory()?.settings.health_timeout;
    let servers = [server];
    let looks = context.block_on(look::look(context, &connector, &servers, limit, |_| {}))??;
    drop(progress);
    look::record(context, &looks)?;
    let look = looks.into_iter().next();
    look.ok_or_else(|| anyhow::anyhow!("the look at `{}` has no result", server.name))
}

/// The release of Debian there; an error for any other system.
fn release(server: &Server, facts: &ServerFacts) -> Result<Release, Diagnostic> {
    Release::of(facts).map_err(|system| {
        Diagnostic::failed(format!(
            "server `{}` runs {system}, and fleet knows how to set up Debian 12 and Debian 13",
            server.name
        ))
        .hint("install nginx and PHP-FPM there in your own way: fleet works with what it finds")
    })
}

/// What should be on the server for the roles.
fn job(server: &Server, roles: &[Role], release: Release) -> Result<Job<'static>, Diagnostic> {
    let mut desired = Desired::default();
    for role in roles {
        let owner = ResourceName::new(outcome::ROLE, role.word());
        let items = role::items(*role, release);
        desired
            .add(&owner, items)
            .map_err(|clash| Diagnostic::failed(clash.to_string()))?;
    }
    let work = Work {
        desired,
        ..Work::default()
    };
    Ok(Job {
        server: server.clone(),
        prepare: Box::new(move || Ok(work)),
    })
}

impl SetupServer {
    /// The roles to set up: those asked for, else those of the inventory that need anything.
    fn roles(&self, server: &Server) -> anyhow::Result<Vec<Role>> {
        let asked = |role: &Role| self.roles.iter().any(|word| word == role.word());
        let roles: Vec<Role> = Role::ALL
            .into_iter()
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

fn words() -> Vec<&'static str> {
    Role::ALL.map(Role::word).into()
}
