//! `fleet dump-database`: carries a database away, to a file or stdout.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use serde_json::json;

use super::database_user::database_on;
use super::{Ending, Example, Group, Verb};
use crate::apply::{Broken, fetch};
use crate::context::{Context, interrupted};
use crate::diagnostic::Diagnostic;
use crate::item::transfer::{self, Packing};
use crate::model::Server;
use crate::ui::format;

/// Carries a database away as SQL, packed on its server; nothing of it is kept whole in memory. A file appears only when
/// the dump is known to be whole.
#[derive(Args, Debug)]
pub struct DumpDatabase {
    /// The database
    #[arg(value_name = "DATABASE")]
    database: String,
    /// File to write, `-` for stdout [default: DATABASE.sql.gz here]
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
    /// How it is packed [default: gzip]
    #[arg(long, value_name = "PACKING", value_enum)]
    compress: Option<Compression>,
    /// Replace the file if it is there
    #[arg(long)]
    force: bool,
}

/// How a dump is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Compression {
    /// By gzip
    Gzip,
    /// By zstd, where the server has it
    Zstd,
    /// Not at all
    None,
}

impl Compression {
    fn packing(self) -> Packing {
        match self {
            Self::Gzip => Packing::Gzip,
            Self::Zstd => Packing::Zstd,
            Self::None => Packing::None,
        }
    }

    fn ending(self) -> &'static str {
        match self {
            Self::Gzip => ".sql.gz",
            Self::Zstd => ".sql.zst",
            Self::None => ".sql",
        }
    }
}

impl Verb for DumpDatabase {
    const NAME: &'static str = "dump-database";
    const ABOUT: &'static str = "Carry a database away as SQL, to a file or stdout";
    const GROUP: Group = Group::Of("database");
    const EXAMPLES: &'static [Example] = &[
        ("fleet dump-database shop", "To `shop.sql.gz`"),
        ("fleet dump-database shop - --compress none", "To stdout, to be read"),
    ];

    fn run(self, context: &Context) -> anyhow::Result<Ending> {
        let (name, spec, server) = database_on(context, &self.database)?;
        let compression = self.compress.unwrap_or(Compression::Gzip);
        let file = self
            .file
            .clone()
            .unwrap_or_else(|| PathBuf::from(format!("{name}{}", compression.ending())));
        let script = transfer::dump(&spec.carried(&name), compression.packing());
        if file == Path::new("-") {
            if context.globals.wants_json() {
                return Err(Diagnostic::usage("a dump to stdout is SQL and no JSON")
                    .hint("name a file, or leave `--json` out")
                    .into());
            }
            if context.ui.settings().stdout.is_terminal && compression != Compression::None {
                return Err(Diagnostic::usage("a packed dump is nothing for a terminal")
                    .hint("name a file, or `--compress none`")
                    .into());
            }
            return context.record(Self::NAME, |_| {
                let mut out = context.ui.raw();
                receive(context, &server, &name, &script, &mut *out)?;
                Ok(Ending::Done)
            });
        }
        // A file takes the place of what has the name: of a device too, for the whole machine.
        if file.metadata().is_ok_and(|there| !there.is_file()) {
            let shown = file.display();
            return Err(Diagnostic::usage(format!("`{shown}` is there already, and no file"))
                .hint("`-` is stdout")
                .into());
        }
        if !self.force && file.symlink_metadata().is_ok() {
            let shown = file.display();
            return Err(Diagnostic::usage(format!("`{shown}` is there already"))
                .hint("`--force` replaces it")
                .into());
        }
        context.record(Self::NAME, |_| {
            let unfinished = Unfinished::new(&file)?;
            let mut out = &unfinished.file;
            let bytes = receive(context, &server, &name, &script, &mut out)?;
            unfinished.finish(&file)?;
            let shown = file.display().to_string();
            let value = json!({ "database": name, "file": shown, "bytes": bytes });
            context.ui.show(&value, |page| {
                page.line(&format!("{shown}: {}", format::bytes(bytes)));
            })?;
            Ok(Ending::Done)
        })
    }
}

/// Writes the dump to `out`; returns how many bytes it has.
fn receive(
    context: &Context,
    server: &Server,
    name: &str,
    script: &crate::shell::Script,
    out: &mut (dyn Write + Send),
) -> anyhow::Result<u64> {
    let progress = context.ui.progress(1);
    progress.state(server.name.as_str(), "dumping");
    let connector = context.connector()?;
    let mut bytes = 0;
    let received = context.block_on(async {
        let mut interrupts = context.interrupts()?;
        let mut take = |piece: &[u8]| {
            bytes += piece.len() as u64;
            out.write_all(piece)
        };
        tokio::select! {
            received = fetch(&connector, server, script, &mut take) => Ok(received),
            // What has come so far goes away with the file, and the task has its end.
            _ = interrupts.wait_for(|count| *count > 0) => Err(anyhow::Error::from(interrupted())),
        }
    })??;
    drop(progress);
    let failed = |why: String| Diagnostic::failed(format!("database `{name}` could not be dumped: {why}"));
    match received {
        Ok(output) if output.status == 0 => {
            out.flush().map_err(|error| failed(error.to_string()))?;
            let notices = output.stderr.lines().filter_map(|line| line.strip_prefix("@notice "));
            notices.for_each(|notice| context.ui.warn(notice));
            Ok(bytes)
        }
        Ok(output) => {
            let mut error = failed("the dump is not whole".to_owned());
            error.details = output.stderr.lines().map(str::to_owned).collect();
            Err(error.into())
        }
        Err(Broken::Here(error)) => Err(failed(error.to_string()).into()),
        Err(Broken::Transport(error)) => Err(error.diagnostic(&server.name).into()),
    }
}

/// A file that is not under its name yet, and goes away unless it gets there.
struct Unfinished {
    path: PathBuf,
    file: File,
}

impl Unfinished {
    fn new(target: &Path) -> Result<Self, Diagnostic> {
        let mut path = target.as_os_str().to_owned();
        path.push(format!(".part-{}", std::process::id()));
        let path = PathBuf::from(path);
        let open = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
        let refused = |error: io::Error| {
            Diagnostic::failed(format!("cannot write `{}`: {error}", path.display()))
        };
        let file = open.map_err(refused)?;
        Ok(Self { path, file })
    }

    /// Puts it under its name, when it is on the disk.
    fn finish(&self, target: &Path) -> Result<(), Diagnostic> {
        let moved = self.file.sync_all().and_then(|()| fs::rename(&self.path, target));
        moved.map_err(|error| {
            Diagnostic::failed(format!("cannot write `{}`: {error}", target.display()))
        })
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        // Gone already when it got there.
        drop(fs::remove_file(&self.path));
    }
}
