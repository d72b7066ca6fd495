//! `fleet import-database`: fills a database from a dump.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use clap::Args;
use serde_json::json;
use tokio::sync::mpsc::channel;

use super::database_user::{database_on, databases};
use super::flags::time;
use super::show::find;
use super::{Ending, Example, Group, Verb, foreign};
use crate::apply::{Broken, Brought, Source, bring};
use crate::context::{Context, interrupted};
use crate::diagnostic::{Class, Diagnostic};
use crate::item::transfer::{self, Importer, Packing};
use crate::kind::Secrets;
use crate::model::Server;
use crate::plan::lock;
use crate::shell::Script;
use crate::ui::format;

/// How much is read to see how the dump is packed.
const BEGINNING: usize = 4;

/// How much is read of it at once.
const CHUNK: usize = 256 * 1024;

/// How many of those may wait for the server.
const AHEAD: usize = 16;

/// Fills a database from SQL: plain, or packed by gzip or zstd. It is read on the server as the database's owner and by a
/// process that may do nothing else, so that a dump cannot reach what is beside the database. When anything fails, the
/// database is as before.
#[derive(Args, Debug)]
pub struct ImportDatabase {
    /// The database
    #[arg(value_name = "DATABASE")]
    database: String,
    /// The dump, `-` for standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Replace what is in the database; it is saved to the trash of its server first
    #[arg(long)]
    force: bool,
    /// How long to wait for another fleet at work on the server [default: the inventory's, else 1m]
    #[arg(long, value_name = "TIME", value_parser = time)]
    lock_wait: Option<Duration>,
}

impl Verb for ImportDatabase {
    const NAME: &'static str = "import-database";
    const ABOUT: &'static str = "Fill a database from a dump";
    const GROUP: Group = Group::Of("database");
    const EXAMPLES: &'static [Example] = &[
        ("fleet import-database shop shop.sql.gz", "Into an empty database"),
        ("fleet import-database shop - --force", "From standard input, in place of what is in it"),
    ];

    fn run(self, context: &Context) -> anyhow::Result<Ending> {
        let (name, spec, server) = database_on(context, &self.database)?;
        let Some((user, password)) = spec.local_owner() else {
            let message = format!("database `{name}` has no owner who may come from the server itself");
            return Err(Diagnostic::usage(message)
                .hint(format!("`fleet add-database-user {name} USER --role owner` adds one"))
                .into());
        };
        let found = find(context.state_to_read()?.as_ref(), databases(), &name)?;
        let unknown = foreign::of(context, databases(), &found)?;
        if let Some(foreign) = unknown.iter().find(|foreign| foreign.id == *password) {
            let what = &foreign.what;
            let message = format!("database `{name}`: {what} is not known, and an import logs in with it");
            return Err(Diagnostic::usage(message).hint(foreign.hint.clone()).into());
        }
        let keys = context.keys()?;
        let vault = context.state()?.read(|read| read.vault(keys))?;
        let importer = Importer {
            user: user.to_owned(),
            password: vault.open(password).map_err(Diagnostic::failed)?,
        };
        let (packing, mut source) = open(&self.file)?;
        let carried = spec.carried(&name);
        let task = context.state()?.write(|write| context.begin_task(Self::NAME, write))?;
        let script = transfer::begin(&carried, packing, &importer, self.force, task);
        let filling = Filling {
            command: Self::NAME,
            name: &name,
            server: &server,
            task,
            lock_wait: self.lock_wait,
        };
        let brought = filling.run(context, &script, &mut source)?;
        let bytes = brought.bytes;
        let value = json!({ "database": name, "bytes": bytes, "task": task, "replaces": brought.replaces });
        context.ui.show(&value, |page| {
            page.line(&format!("database {name} is filled ({})", format::bytes(bytes)));
        })?;
        if brought.replaces {
            context.ui.hint(&format!("`fleet undo {task}` puts back what was in it"));
        }
        Ok(Ending::Done)
    }
}

/// A database that gets another content, as task number `task`.
pub(super) struct Filling<'a> {
    pub(super) command: &'static str,
    pub(super) name: &'a str,
    pub(super) server: &'a Server,
    pub(super) task: i64,
    pub(super) lock_wait: Option<Duration>,
}

impl Filling<'_> {
    /// Has the server do it under its lock, and ends the task.
    pub(super) fn run(&self, context: &Context, script: &Script, source: &mut Source) -> anyhow::Result<Brought> {
        let result = self.carry_out(context, script, source);
        let ending = match &result {
            Ok(_) => Ok(Ending::Done),
            Err(error) => Ok(Ending::With(error.downcast_ref::<Diagnostic>().map_or(Class::Failed, |error| error.class))),
        };
        context.end_task(self.task, &ending);
        let brought = result?;
        for notice in &brought.notices {
            context.ui.warn(notice);
        }
        Ok(brought)
    }

    fn carry_out(&self, context: &Context, script: &Script, source: &mut Source) -> anyhow::Result<Brought> {
        let progress = context.ui.progress(1);
        progress.state(self.server.name.as_str(), "importing");
        let connector = context.connector()?;
        let wait = self.lock_wait.unwrap_or(context.inventory()?.settings.lock_wait);
        let owner = context.lock_owner(self.command, self.task);
        let lock = lock::take(wait.as_secs(), &owner, &format!("the import of database {}", self.name));
        let locking = (&lock, wait);
        let brought = context.block_on(async {
            let mut interrupts = context.interrupts()?;
            tokio::select! {
                brought = bring(&connector, self.server, locking, script, source) => Ok(brought),
                // The session goes away, and the task has its end.
                _ = interrupts.wait_for(|count| *count > 0) => Err(anyhow::Error::from(
                    interrupted().hint("the server takes back by itself what had come"),
                )),
            }
        })??;
        drop(progress);
        Ok(outcome(self.name, self.server, brought)?)
    }
}

/// What became of it.
fn outcome(name: &str, server: &Server, brought: Result<Brought, Broken>) -> Result<Brought, Diagnostic> {
    let failed = |why: &str| Diagnostic::failed(format!("database `{name}` could not be filled{why}"));
    let brought = match brought {
        Ok(brought) => brought,
        Err(Broken::Transport(error)) => {
            return Err(error
                .diagnostic(&server.name)
                .hint("the server takes back by itself what had come"));
        }
        Err(Broken::Here(error)) => {
            let error = failed(&format!(": {error}"));
            return Err(error.hint("the server takes back by itself what had come"));
        }
    };
    let mut error = match brought.result.as_str() {
        "done" => return Ok(brought),
        "undone" => failed(", and is as before"),
        "stopped" => {
            failed(", and was not touched").hint("`fleet apply` makes it, if it is not there")
        }
        "unsaved" => failed(", and was not touched: what is in it could not be saved first")
            .hint("see to what the engine complains of; what cannot be saved is not replaced"),
        "packed" => failed(&format!(", and was not touched: there is no zstd on `{}`", server.name))
            .hint("`zstd -d` unpacks the dump here"),
        "gone" => {
            let message = format!("what was in database `{name}` before is not in the trash of `{}`", server.name);
            return Err(Diagnostic::usage(message).hint("`fleet list-trash` lists what is"));
        }
        "filled" => {
            let objects = brought.said.parse().map_or(brought.said, |number| format::count(number, "object"));
            return Err(Diagnostic::usage(format!("database `{name}` is not empty: it holds {objects}"))
                .hint("`--force` replaces what is in it, after saving that to the trash of the server"));
        }
        "locked" => {
            let message = format!("`{}` is locked by {}", server.name, brought.said);
            return Err(Diagnostic::new(Class::Locked, message)
                .hint("wait until that has ended, or raise `--lock-wait`; `fleet list-locks` shows what it does"));
        }
        "lost-lock" => {
            let message = format!("the lock of `{}` was broken by {}", server.name, brought.said);
            return Err(Diagnostic::new(Class::Locked, message)
                .hint("the server takes back by itself what had come"));
        }
        _ => failed(", and could not be put back")
            .hint(format!(
                "what was in it before is in `/var/lib/fleet/trash` on `{}`",
                server.name
            ))
            .hint("the next `fleet apply` on that server tries it again"),
    };
    error.details = brought.said.lines().map(str::to_owned).collect();
    Err(error)
}

/// Opens the dump: how it is packed, and its content. It is read beside the conversation with the server, which wants to
/// hear from somebody also while nothing comes.
fn open(path: &Path) -> Result<(Packing, Source), Diagnostic> {
    let refused = |error: io::Error| {
        Diagnostic::failed(format!("cannot read `{}`: {error}", path.display()))
    };
    let mut rest: Box<dyn Read + Send> = if path == Path::new("-") {
        Box::new(io::stdin())
    } else {
        Box::new(File::open(path).map_err(refused)?)
    };
    let mut beginning = Vec::new();
    let taken = (&mut rest).take(BEGINNING as u64).read_to_end(&mut beginning);
    taken.map_err(refused)?;
    if beginning.is_empty() {
        return Err(Diagnostic::usage(format!("`{}` is empty", path.display())));
    }
    let packing = Packing::of(&beginning);
    let (sender, source) = channel(AHEAD);
    thread::spawn(move || {
        let mut next = Ok(beginning);
        loop {
            let is_last = next.is_err();
            if sender.blocking_send(next).is_err() || is_last {
                return;
            }
            let mut chunk = vec![0; CHUNK];
            next = match rest.read(&mut chunk) {
                Ok(0) => return,
                Ok(length) => {
                    chunk.truncate(length);
                    Ok(chunk)
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(Vec::new()),
                Err(error) => Err(error),
            };
        }
    });
    Ok((packing, source))
}
