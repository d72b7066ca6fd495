//! The undo of an import: no setting was changed by it, but what was in the database before is in the trash.

use serde_json::json;
use tokio::sync::mpsc::channel;

use super::super::database_user::{database_on, databases};
use super::super::flags::Staging;
use super::super::import_database::{Filling, ImportDatabase};
use super::super::{Ending, Verb};
use super::Undo;
use crate::context::Context;
use crate::diagnostic::Diagnostic;
use crate::item::transfer;
use crate::model::{ResourceName, Task};
use crate::state::State;

/// An import, or the undo of one.
pub(super) struct Import {
    /// The task in whose trash the content is.
    task: i64,
    /// The database.
    database: String,
}

/// The import that this task was, or the undo of one, where its database is still recorded.
pub(super) fn of(state: &State, task: &Task) -> anyhow::Result<Option<Import>> {
    let mut import = Some(task.clone());
    // An undo of an import is undone like the import itself, whose number is among its arguments.
    while let Some(undo) = import.take_if(|task| task.command == Undo::NAME) {
        let mut undone = undo.arguments.iter().filter_map(|word| word.parse::<i64>().ok());
        if let Some(number) = undone.find(|number| *number < undo.id) {
            let before = state.read(|read| {
                let is_plain = read.task_changes(number)?.is_empty();
                Ok::<_, Diagnostic>(read.task(number)?.filter(|_| is_plain))
            })?;
            import = before;
        }
    }
    let Some(import) = import.filter(|task| task.command == ImportDatabase::NAME) else {
        return Ok(None);
    };
    let kind = databases();
    for word in &import.arguments {
        let Ok(name) = (kind.canonical_name)(word) else {
            continue;
        };
        if state.read(|read| read.find(&ResourceName::new(kind.word, &name)))?.is_some() {
            let task = task.id;
            return Ok(Some(Import { task, database: name }));
        }
    }
    Ok(None)
}

/// Puts back what was in the database; what is in it now goes to the trash of this task.
pub(super) fn undo(context: &Context, import: &Import, staging: &Staging) -> anyhow::Result<Ending> {
    let (name, spec, server) = database_on(context, &import.database)?;
    if staging.stage {
        let message = format!("task {} filled a database, which cannot be staged", import.task);
        return Err(Diagnostic::usage(message).hint("leave `--stage` out").into());
    }
    if staging.flags.dry_run {
        let value = json!({ "database": name, "server": server.name, "task": import.task });
        context.ui.show(&value, |page| {
            page.line(&format!(
                "database {name} on {} gets back what was in it before task {}; what is in it now goes to the trash",
                server.name, import.task
            ));
        })?;
        return Ok(Ending::Done);
    }
    let task = context.state()?.write(|write| context.begin_task(Undo::NAME, write))?;
    let script = transfer::put_back(&spec.carried(&name), import.task, task);
    let filling = Filling {
        command: Undo::NAME,
        name: &name,
        server: &server,
        task,
        lock_wait: staging.flags.lock_wait,
    };
    // There is nothing to bring: all is on the server.
    let (_, mut nothing) = channel(1);
    filling.run(context, &script, &mut nothing)?;
    let value = json!({ "database": name, "task": task });
    context.ui.show(&value, |page| {
        page.line(&format!("database {name} is as before task {}", import.task));
    })?;
    context.ui.hint(&format!("`fleet undo {task}` puts back what it held until now"));
    Ok(Ending::Done)
}
