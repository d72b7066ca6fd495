//! `fleet restore-backup`: makes a backup of the state database the state again, and says what is forgotten by that.

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::{Value, json};

use super::list_backups;
use super::{Ending, Example, Group, Verb};
use crate::context::Context;
use crate::shell::quote;
use crate::state::{Repaired, repair};
use crate::ui::{Page, Tone, format};

/// Makes a backup the state database again. The present file is kept beside it, and nothing changes on any server:
/// what was made since then is there, and fleet leaves alone what it does not know.
#[derive(Args, Debug)]
pub struct RestoreBackup {
    /// The backup or what was put aside, as `fleet list-backups` has it [default: the newest that is sound]
    #[arg(value_name = "BACKUP")]
    backup: Option<PathBuf>,
}

impl RestoreBackup {
    /// To the newest backup that is sound.
    pub(super) fn newest() -> Self {
        Self { backup: None }
    }
}

impl Verb for RestoreBackup {
    const NAME: &'static str = "restore-backup";
    const ABOUT: &'static str = "Go back to a backup of the state database";
    const GROUP: Group = Group::Tasks;
    const EXAMPLES: &'static [Example] = &[
        ("fleet restore-backup", "The newest that is sound"),
        (
            "fleet restore-backup state.db.backup-1-20260102T030405Z --yes",
            "Another one, without a question",
        ),
    ];

    fn run(self, context: &Context) -> anyhow::Result<Ending> {
        context.confirm(
            "go back to a backup of the state database? What was recorded since then is forgotten",
        )?;
        let repaired = go_back(context, self.backup.as_deref())?;
        context.record(Self::NAME, |record| {
            let mut value = to_json(&repaired);
            value["task"] = json!(record.id());
            context.ui.show(&value, |page| print(page, context, &repaired))?;
            for (backup, fault) in &repaired.passed_over {
                let name = backup.path.display();
                context.ui.warn(&format!("passed over `{name}`: {fault}"));
            }
            if !repaired.complete {
                context.ui.warn(
                    "what was there could not be read to its end: more commands may be forgotten than these",
                );
            }
            for hint in HINTS {
                context.ui.hint(hint);
            }
            if let Some(aside) = repaired.aside.as_ref().filter(|_| repaired.complete) {
                let name = aside.file_name().unwrap_or(aside.as_os_str()).to_string_lossy();
                let back = quote(&name);
                context.ui.hint(&format!("`fleet restore-backup {back}` goes back to what was there"));
            }
            Ok(Ending::Done)
        })
    }
}

/// What is to be done after going back.
pub(super) const HINTS: [&str; 3] = [
    "`fleet plan` shows what differs on the servers: what was removed since would be made again, what was changed since is a conflict",
    "what was added since stays on its server until it is added again with `--server` and `--adopt`",
    "rules and bans of a firewall are one table: where it differs, nothing of it changes until forgotten ones are added \
     again with `--stage`, or `--force` replaces it",
];

/// Goes back to `from`, or to the newest backup that is sound; this run must not have opened the state yet.
pub(super) fn go_back(context: &Context, from: Option<&Path>) -> anyhow::Result<Repaired> {
    Ok(repair(&context.state_path()?, from, context.now())?)
}

/// What came of it as JSON.
pub(super) fn to_json(repaired: &Repaired) -> Value {
    let lost = repaired.lost.iter().map(|lost| {
        json!({ "task": lost.task, "at": lost.at, "command": lost.line })
    });
    let passed_over = repaired
        .passed_over
        .iter()
        .map(|(backup, fault)| list_backups::value(backup, Some(fault.as_str())));
    json!({
        "restored": list_backups::value(&repaired.from, None),
        "aside": repaired.aside,
        "forgotten": lost.collect::<Vec<Value>>(),
        "complete": repaired.complete,
        "passed_over": passed_over.collect::<Vec<Value>>(),
    })
}

/// What came of it in words.
pub(super) fn print(page: &mut Page, context: &Context, repaired: &Repaired) {
    page.line(&format!(
        "the state is that of {} again: `{}`",
        format::age(repaired.from.at, context.now()),
        repaired.from.path.display()
    ));
    if let Some(aside) = &repaired.aside {
        page.line(&format!("what was there is kept: `{}`", aside.display()));
    }
    if repaired.lost.is_empty() {
        return;
    }
    let count = format::count(repaired.lost.len(), "command");
    page.line(&format!("forgotten since then: {count}"));
    for lost in &repaired.lost {
        page.text(&format!("  task {}", lost.task), Tone::Strong)
            .text(&format!(" ({}): ", format::time(lost.at)), Tone::Plain)
            .line(&lost.line);
    }
}
