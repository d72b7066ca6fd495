//! `fleet list-backups`: the backups of the state database, and whether each could take its place.

use clap::Args;
use serde_json::{Value, json};

use super::{Ending, Example, Group, Verb};
use crate::context::Context;
use crate::diagnostic::Class;
use crate::state::{Backup, backups};
use crate::ui::{Cell, Table, Tone, format};

/// Lists the backups of the state database, newest first, and looks through each of them. Commands that write take
/// one, at most every hour: of the last ones four are kept, and of seven days before the last of each.
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
        let found = backups(&context.state_path()?)?;
        let looked: Vec<(Backup, Option<String>)> = found
            .into_iter()
            .map(|backup| {
                let fault = backup.fault();
                (backup, fault)
            })
            .collect();
        let values = looked.iter().map(|(backup, fault)| value(backup, fault.as_deref()));
        let value = json!({ "backups": values.collect::<Vec<Value>>() });
        let now = context.now();
        context.ui.show(&value, |page| {
            if looked.is_empty() {
                return;
            }
            let mut table = Table::new()
                .column("backup")
                .column("taken")
                .number("size")
                .column("sound");
            for (backup, fault) in &looked {
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
        "schema": backup.schema,
        "size": backup.size,
        "fault": fault,
    })
}
