//! `fleet list-backups`: the backups of the state database, and whether each could take its place.

use clap::Args;
use serde_json::{Value, json};

use super::{Ending, Example, Group, Verb};
use crate::context::Context;
use crate::diagnostic::Class;
use crate::state::{Backup, backups, put_aside};
use crate::ui::{Cell, Table, Tone, format};

/// Lists the backups of the state database, newest first, and looks through each of them. Commands that write take
/// one, at most every hour: of the last ones four are kept, and of seven days before the last of each. What
/// `fleet restore-backup` has put aside comes last; it stays until you delete it.
#[derive(Args, Debug)]
pub struct ListBackups {}

impl Verb for ListBackups {
    const NAME: &'static str = "list-backups";
    const ABOUT: &'static str = "List the backups of the state database";
    const GROUP: Group = Group::Tasks;
    const EXAMPLES: &'static [Example] = &[
        ("fleet list-backups", ""),
        (
            "fleet list-backups --json | jq -r '.backups[0].path'",
            "The newest, to be copied to another machine",
        ),
    ];

    fn run(self, context: &Context) -> anyhow::Result<Ending> {
        let path = context.state_path()?;
        let look = |found: Vec<Backup>| -> Vec<(Backup, Option<String>)> {
            let looked = found.into_iter().map(|backup| {
                let fault = backup.fault();
                (backup, fault)
            });
            looked.collect()
        };
        let looked = look(backups(&path)?);
        let aside = look(put_aside(&path)?);
        let values = |looked: &[(Backup, Option<String>)]| -> Vec<Value> {
            let values = looked.iter().map(|(backup, fault)| value(backup, fault.as_deref()));
            values.collect()
        };
        let value = json!({ "backups": values(&looked), "aside": values(&aside) });
        let now = context.now();
        context.ui.show(&value, |page| {
            if looked.is_empty() && aside.is_empty() {
                return;
            }
            let mut table = Table::new()
                .column("backup")
                .column("taken")
                .number("size")
                .column("sound");
            for (backup, fault) in looked.iter().chain(&aside) {
                let name = backup.path.file_name().unwrap_or(backup.path.as_os_str());
                table.row([
                    Cell::new(name.to_string_lossy().into_owned(), Tone::Strong),
                    format::age(backup.at, now).into(),
                    format::bytes(backup.size).into(),
                    match fault {
                        None => Cell::new("yes", Tone::Good),
                        Some(fault) => Cell::new(fault.clone(), Tone::Bad),
                    },
                ]);
            }
            page.table(&table);
        })?;
        if looked.is_empty() && !context.globals.wants_json() {
            context
                .ui
                .note("no backups yet: the next command that changes something takes one");
        }
        // What was put aside may well have been so because it is damaged.
        let sound = looked.iter().all(|(_, fault)| fault.is_none());
        Ok(if sound {
            Ending::Done
        } else {
            Ending::With(Class::Failed)
        })
    }
}

/// A backup as JSON; `fault` is null for one that can take the place of the state.
pub(super) fn value(backup: &Backup, fault: Option<&str>) -> Value {
    json!({
        "path": backup.path,
        "at": backup.at,
        "schema": (backup.schema > 0).then_some(backup.schema),
        "size": backup.size,
        "fault": fault,
    })
}
