//! `fleet doctor`: looks at fleet's own set-up, here and on the servers, and says what to do about it.

use clap::Args;
use serde_json::json;

use super::restore_backup::RestoreBackup;
use super::selection::select;
use super::{Ending, Example, Group, Verb};
use crate::context::Context;
use crate::diagnostic::Class;
use crate::ui::{Page, Tone};

mod finding;
mod here;
mod kept;
mod servers;

use finding::{Finding, Status};

/// Looks at what fleet needs: the inventory, the state and its key, SSH keys and agent, this machine, and whether each
/// server can be reached and has what fleet's scripts use. Each problem comes with what to do about it. Without
/// `--repair` nothing is changed, here or there, and nothing is recorded. The exit code is 0 when fleet can work (warnings do not count), 1 when
/// something here is wrong, and 5 when only servers have problems.
#[derive(Args, Debug)]
pub struct Doctor {
    /// Only these servers: `sg-1,jkt-*,region=singapore,!sg-3` [default: all active ones]
    #[arg(long = "server", value_name = "SELECTOR", conflicts_with = "here")]
    servers: Vec<String>,
    /// Look at this machine alone, and connect to no server
    #[arg(long)]
    here: bool,
    /// Where the state database is damaged, go back to its last backup that is sound; the damaged file is kept
    #[arg(long, conflicts_with = "servers")]
    repair: bool,
}

impl Verb for Doctor {
    const NAME: &'static str = "doctor";
    const ABOUT: &'static str = "Check the set-up of fleet, and say what to do";
    const GROUP: Group = Group::Setup;
    const EXAMPLES: &'static [Example] = &[
        ("fleet doctor", ""),
        ("fleet doctor --here", "Without a connection to any server"),
        (
            "fleet doctor --repair",
            "After a disk has damaged the state: from the last good backup",
        ),
        (
            "fleet doctor -q --server sg-1",
            "Only what is wrong: nothing, when all is well",
        ),
        (
            "fleet doctor --json | jq -r '.doctor[] | select(.status != \"ok\") | .message'",
            "",
        ),
    ];

    fn run(self, context: &Context) -> anyhow::Result<Ending> {
        if self.repair {
            let damage = kept::damage(context)?;
            if let Some(first) = damage.first() {
                context.ui.warn(&format!("the state is damaged: {first}"));
                return RestoreBackup::newest().run(context);
            }
        }
        let mut findings = here::inventory(context);
        let is_valid = findings.iter().all(|f| f.status != Status::Bad);
        let has_inventory = is_valid && context.inventory().is_ok();
        // Where the state is stands in the inventory.
        if is_valid {
            findings.extend(kept::state_file(context));
        }
        if has_inventory {
            findings.extend(here::ssh(context)?);
        }
        findings.extend(here::machine(context));
        if has_inventory && !self.here && !context.inventory()?.servers.is_empty() {
            let servers = select(context, &self.servers)?;
            findings.extend(match context.transport_settings() {
                Ok(_) => servers::look(context, &servers)?,
                Err(error) => {
                    let message = format!("not looked at: {error:#}");
                    vec![Finding::bad("servers", message, "put that right, and look again")]
                }
            });
        }
        let value: Vec<_> = findings.iter().map(Finding::json).collect();
        context.ui.show(&json!({ "doctor": value }), |page| {
            print(page, &findings, context.globals.quiet);
        })?;
        let bad = |finding: &&Finding| finding.status == Status::Bad;
        Ok(if !findings.iter().any(|f| bad(&f)) {
            Ending::Done
        } else if findings.iter().filter(bad).all(|f| f.server.is_some()) {
            Ending::With(Class::Unhealthy)
        } else {
            Ending::With(Class::Failed)
        })
    }
}

fn print(page: &mut Page, findings: &[Finding], quiet: bool) {
    let shown = |finding: &&Finding| !quiet || finding.status != Status::Ok;
    let widest = findings.iter().map(|f| f.subject().chars().count()).max();
    let widest = widest.unwrap_or_default();
    for finding in findings.iter().filter(shown) {
        let (word, tone) = match finding.status {
            Status::Ok => ("ok  ", Tone::Good),
            Status::Warn => ("warn", Tone::Warn),
            Status::Bad => ("bad ", Tone::Bad),
        };
        page.text(word, tone)
            .text(&format!("  {:<widest$}  ", finding.subject()), Tone::Strong)
            .line(&finding.message);
        for hint in &finding.hints {
            page.text(&" ".repeat(widest + 8), Tone::Plain)
                .text("hint", Tone::Hint)
                .text(": ", Tone::Plain)
                .line(hint);
        }
    }
    let count = |status| findings.iter().filter(|f| f.status == status).count();
    let (warn, bad) = (count(Status::Warn), count(Status::Bad));
    if !quiet {
        page.end();
        page.line(&match (bad, warn) {
            (0, 0) => "all is well".to_owned(),
            (0, _) => format!("fleet can work; {}", crate::ui::format::count(warn, "warning")),
            (_, 0) => crate::ui::format::count(bad, "problem"),
            _ => format!(
                "{}, {}",
                crate::ui::format::count(bad, "problem"),
                crate::ui::format::count(warn, "warning")
            ),
        });
    }
}
