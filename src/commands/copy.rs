//! `fleet copy`: files and directories to many servers, and back.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Args;
use serde_json::json;
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;

use super::selection::select;
use super::{Ending, Example, Group, Verb};
use crate::context::{Context, Record};
use crate::copy::{Broken, Copied, Manner, Tree, download, upload};
use crate::diagnostic::{Class, Diagnostic, ticked};
use crate::model::{Server, ServerName};
use crate::transport::Connector;
use crate::ui::progress::Mark;
use crate::ui::{Progress, format};

/// Copies a file, or with `--recursive` a directory, to servers or from them. A file is there as a whole or not at
/// all, is compared by its SHA-256 on both sides, and keeps its permissions; one that is the same already is left
/// alone. What breaks off goes on where it was when the same is said again.
///
/// One side is `SELECTOR:/PATH`. A directory becomes the one that is named: nothing in it is taken away. From several
/// servers each gets a directory of its own below the one that is named here. It works as the user that fleet works as
/// there, so what root alone may read or write is within reach.
#[derive(Args, Debug)]
pub struct Copy {
    /// What to copy: a path here, or `SELECTOR:/PATH`
    #[arg(value_name = "FROM")]
    from: String,
    /// Where to: `SELECTOR:/PATH`, or a path here; with a `/` at its end, into that directory
    #[arg(value_name = "TO")]
    to: String,
    /// Directories too, with all that is in them; links are left out
    #[arg(short, long)]
    recursive: bool,
    /// Permissions of the files, in octal; of directories the same, and who may read may look inside [default: as they are]
    #[arg(long, value_name = "MODE", value_parser = mode)]
    mode: Option<u32>,
    /// Who owns them on the servers: `USER` or `USER:GROUP` [default: as what they replace, else who fleet works as]
    #[arg(long, value_name = "OWNER", value_parser = owner)]
    owner: Option<String>,
}

/// How long two signs of progress are apart at least.
const PAUSE: Duration = Duration::from_millis(100);

/// What came of a server, and how far it is until then.
type Outcome = (ServerName, Result<Copied, Broken>, Duration);

/// Which way.
enum Way {
    To(Arc<Tree>, String),
    From(String, PathBuf),
}

impl Verb for Copy {
    const NAME: &'static str = "copy";
    const ABOUT: &'static str = "Copy files to many servers, and back";
    const GROUP: Group = Group::Servers;
    const EXAMPLES: &'static [Example] = &[
        ("fleet copy motd 'sg-*:/etc/motd'", "To every server that fits"),
        ("fleet copy -r dist sg-1:/srv/www/example.com/public --owner deploy", ""),
        ("fleet copy 'role=web:/etc/nginx/nginx.conf' configs", "To `configs/SERVER/nginx.conf`"),
    ];

    fn run(self, context: &Context) -> anyhow::Result<Ending> {
        let (terms, way) = match (remote(&self.from), remote(&self.to)) {
            (None, Some((terms, path))) => (terms, Way::To(self.tree(context)?, path)),
            (Some((terms, path)), None) => {
                if self.owner.is_some() {
                    return Err(Diagnostic::usage("`--owner` is for copies to servers").into());
                }
                (terms, Way::From(path, PathBuf::from(&self.to)))
            }
            (Some(_), Some(_)) => {
                return Err(Diagnostic::usage("one side of a copy is this machine")
                    .hint("copy to here first, and from here then")
                    .into());
            }
            (None, None) => {
                return Err(Diagnostic::usage("neither side of the copy is on a server")
                    .hint("a side on servers is `SELECTOR:/PATH`, with the whole path: `sg-1:/etc/motd`")
                    .into());
            }
        };
        let servers: Vec<Server> = select(context, &[terms])?.into_iter().cloned().collect();
        context.record(Self::NAME, |record| self.copy(context, record, servers, &way))
    }
}

impl Copy {
    fn tree(&self, context: &Context) -> anyhow::Result<Arc<Tree>> {
        let tree = Tree::look(Path::new(&self.from)).map_err(|(path, error)| {
            Diagnostic::usage(format!("cannot read `{}`: {error}", path.display()))
        })?;
        if tree.is_dir && !self.recursive {
            return Err(Diagnostic::usage(format!("{} is a directory", ticked(&self.from)))
                .hint("`--recursive` copies it")
                .into());
        }
        for name in &tree.skipped {
            context.ui.note(&left_out(name));
        }
        Ok(Arc::new(tree))
    }

    fn copy(&self, context: &Context, record: &Record<'_>, servers: Vec<Server>, way: &Way) -> anyhow::Result<Ending> {
        let several = servers.len() > 1;
        let progress = context.ui.progress(servers.len());
        let manner = Manner {
            recursive: self.recursive,
            mode: self.mode,
            owner: self.owner.clone(),
        };
        let connector = context.connector()?;
        let doors = Arc::new(Semaphore::new(context.inventory()?.settings.parallel.max(1)));
        let (sender, mut far) = mpsc::unbounded_channel();
        let mut outcomes: BTreeMap<ServerName, Result<Copied, Broken>> = BTreeMap::new();
        let mut jobs = Vec::new();
        for server in servers {
            let way = match way {
                Way::To(tree, path) => Way::To(Arc::clone(tree), path.clone()),
                Way::From(path, target) => Way::From(path.clone(), self.place(target, path, &server, several)?),
            };
            jobs.push((server, way));
        }
        let interrupted = context.block_on(async {
            let mut interrupts = context.interrupts()?;
            let mut running = JoinSet::new();
            for (server, way) in jobs {
                let job = one(connector.clone(), server, way, manner.clone(), sender.clone());
                let doors = Arc::clone(&doors);
                running.spawn(async move {
                    let _door = doors.acquire_owned().await;
                    job.await
                });
            }
            loop {
                tokio::select! {
                    Some((server, text)) = far.recv() => progress.state(ServerName::as_str(&server), &text),
                    ended = running.join_next() => match ended {
                        None => return Ok(false),
                        Some(Ok((server, outcome, took))) => {
                            tell(&progress, &server, &outcome, took);
                            let (status, reason, changes) = recorded(&outcome);
                            record.outcome(&server, status, reason, changes)?;
                            outcomes.insert(server, outcome);
                        }
                        Some(Err(error)) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
                        Some(Err(_)) => {}
                    },
                    _ = interrupts.wait_for(|count| *count > 0) => return anyhow::Ok(true),
                }
            }
        })??;
        drop(progress);
        if interrupted {
            return Err(crate::context::interrupted()
                .hint("the same again goes on where it was")
                .into());
        }
        if matches!(way, Way::From(..)) {
            for (server, copied) in outcomes.iter().filter_map(|(server, outcome)| Some((server, outcome.as_ref().ok()?))) {
                tell_skipped(context, server, &copied.skipped);
            }
        }
        report(context, record, &outcomes)
    }

    /// Where what comes from a server goes; its directories are made.
    fn place(&self, target: &Path, source: &str, server: &Server, several: bool) -> anyhow::Result<PathBuf> {
        let name = source.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
        let into = several || target.is_dir() || self.to.ends_with('/');
        let mut place = target.to_owned();
        if several {
            place.push(server.name.as_str());
        }
        // As to a server: a directory becomes the one that is named.
        let becomes = self.recursive && !self.to.ends_with('/');
        if into && !becomes && matches!(name, "" | "." | "..") {
            let message = format!("{} has no name that it could have in {}", ticked(source), ticked(&self.to));
            return Err(Diagnostic::usage(message).into());
        }
        let parent = if into && !becomes { Some(place.clone()) } else { place.parent().map(Path::to_owned) };
        if let Some(parent) = parent.filter(|parent| parent != Path::new("")) {
            std::fs::create_dir_all(&parent).map_err(|error| {
                Diagnostic::failed(format!("cannot make `{}`: {error}", parent.display()))
            })?;
        }
        if into && !becomes {
            place.push(name);
        }
        Ok(place)
    }
}

/// That something is not copied, and why.
fn left_out(name: &str) -> String {
    // What stands for bytes that are no text.
    let why = if name.contains(char::REPLACEMENT_CHARACTER) {
        "its name is not UTF-8"
    } else {
        "it is neither a file nor a directory"
    };
    format!("{name} is left out: {why}")
}

/// Tells what is not copied from a server: of many, the first.
fn tell_skipped(context: &Context, server: &ServerName, skipped: &[String]) {
    const TOLD: usize = 10;
    for name in skipped.iter().take(TOLD) {
        context.ui.note(&format!("{server}: {}", left_out(name)));
    }
    if skipped.len() > TOLD {
        context.ui.note(&format!("{server}: {} more are left out", skipped.len() - TOLD));
    }
}

/// The copy of one server.
async fn one(
    connector: Connector,
    server: Server,
    way: Way,
    manner: Manner,
    sender: mpsc::UnboundedSender<(ServerName, String)>,
) -> Outcome {
    let started = Instant::now();
    let name = server.name.clone();
    let mut last = started;
    let mut on_bytes = |done: u64, all: u64| {
        if done == 0 || last.elapsed() >= PAUSE {
            last = Instant::now();
            let _ = sender.send((name.clone(), far(done, all, started.elapsed())));
        }
    };
    let copied = match &way {
        Way::To(tree, path) => upload(&connector, &server, tree, path, &manner, &mut on_bytes).await,
        Way::From(path, target) => download(&connector, &server, path, target, &manner, &mut on_bytes).await,
    };
    (server.name, copied, started.elapsed())
}

/// How far it is, as a bar and in numbers.
fn far(done: u64, all: u64, took: Duration) -> String {
    const WIDTH: u64 = 16;
    let full = (done * WIDTH).checked_div(all).unwrap_or(WIDTH).min(WIDTH);
    let bar: String = (0..WIDTH).map(|at| if at < full { '━' } else { '╌' }).collect();
    let speed = u128::from(done) * 1000 / took.as_millis().max(1);
    format!(
        "{bar} {} {} of {}, {}/s",
        format::percent(done, all),
        format::bytes(done),
        format::bytes(all),
        format::bytes(u64::try_from(speed).unwrap_or_default())
    )
}

/// What was copied, in words.
fn words(copied: &Copied) -> String {
    let mut words = Vec::new();
    if copied.files > 0 {
        let files = format::count(copied.files, "file");
        words.push(format!("{files} copied, {}", format::bytes(copied.bytes)));
    }
    if copied.unchanged > 0 {
        words.push(format!("{} the same already", format::count(copied.unchanged, "file")));
    }
    if !copied.failed.is_empty() {
        words.push(format!("{} not copied", format::count(copied.failed.len(), "file")));
    }
    if words.is_empty() { "no files".to_owned() } else { words.join("; ") }
}

fn why(broken: &Broken) -> String {
    match broken {
        Broken::Transport(error) => error.to_string(),
        Broken::Here(path, error) => format!("`{}` here: {error}", path.display()),
        Broken::Refused(why) => why.clone(),
    }
}

fn tell(progress: &Progress<'_>, server: &ServerName, outcome: &Result<Copied, Broken>, took: Duration) {
    let (mark, text) = match outcome {
        Ok(copied) if !copied.failed.is_empty() => (Mark::Failed, words(copied)),
        Ok(copied) if copied.files == 0 => (Mark::Same, words(copied)),
        Ok(copied) => (Mark::Done, words(copied)),
        Err(broken) => (Mark::Failed, why(broken)),
    };
    progress.done(server.as_str(), mark, &text, took);
}

/// The words for the record of the task.
fn recorded(outcome: &Result<Copied, Broken>) -> (&'static str, Option<String>, Vec<String>) {
    match outcome {
        Ok(copied) => match copied.failed.first() {
            Some((name, why)) => ("failed", Some(format!("`{name}`: {why}")), vec![words(copied)]),
            None if copied.files == 0 => ("unchanged", None, Vec::new()),
            None => ("changed", None, vec![words(copied)]),
        },
        Err(Broken::Transport(error)) if error.is_unreachable() => ("unreachable", Some(error.to_string()), Vec::new()),
        Err(Broken::Transport(error)) => ("interrupted", Some(error.to_string()), Vec::new()),
        Err(broken) => ("failed", Some(why(broken)), Vec::new()),
    }
}

fn report(
    context: &Context,
    record: &Record<'_>,
    outcomes: &BTreeMap<ServerName, Result<Copied, Broken>>,
) -> anyhow::Result<Ending> {
    let mut values = Vec::new();
    let mut bad = 0;
    for (server, outcome) in outcomes {
        let (status, reason, _) = recorded(outcome);
        let copied = outcome.as_ref().ok().cloned().unwrap_or_default();
        let failed = copied.failed.iter().map(|(name, why)| json!({ "name": name, "reason": why }));
        values.push(json!({
            "server": server,
            "status": status,
            "files": copied.files,
            "bytes": copied.bytes,
            "unchanged": copied.unchanged,
            "failed": failed.collect::<Vec<_>>(),
            "skipped": copied.skipped,
            "reason": reason,
        }));
        bad += usize::from(!matches!(status, "changed" | "unchanged"));
        if context.globals.wants_json() {
            continue;
        }
        match outcome {
            Ok(copied) => {
                for (name, why) in &copied.failed {
                    context.ui.problem(&Diagnostic::failed(format!("server `{server}`: {}: {why}", ticked(name))));
                }
            }
            Err(Broken::Transport(error)) => {
                let problem = error.diagnostic(server);
                context.ui.problem(&problem.hint("the same again goes on where it was"));
            }
            Err(broken) => context.ui.problem(&Diagnostic::failed(format!("server `{server}`: {}", why(broken)))),
        }
    }
    context.ui.show(&json!({ "task": record.id(), "servers": values }), |_| {})?;
    Ok(match bad {
        0 => Ending::Done,
        bad if bad == outcomes.len() && outcomes.values().all(answered) => Ending::With(Class::Failed),
        _ => Ending::With(Class::Partial),
    })
}

/// Whether a server said itself what came of it.
fn answered(outcome: &Result<Copied, Broken>) -> bool {
    !matches!(outcome, Err(Broken::Transport(_)))
}

/// Selector and path of a side on servers; `None` for a path here.
fn remote(text: &str) -> Option<(String, String)> {
    let at = text.find(":/")?;
    let (terms, path) = (&text[..at], &text[at + 1..]);
    (!terms.is_empty() && !terms.contains('/')).then(|| (terms.to_owned(), path.to_owned()))
}

fn mode(text: &str) -> Result<u32, String> {
    let mode = u32::from_str_radix(text, 8).ok().filter(|_| (3..=4).contains(&text.len()));
    mode.filter(|mode| *mode <= 0o777)
        .ok_or_else(|| "permissions are three octal digits: `644`, `0600`".to_owned())
}

fn owner(text: &str) -> Result<String, String> {
    let is_name = |name: &str| {
        !name.is_empty()
            && !name.starts_with('-')
            && name.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c))
    };
    let (user, group) = text.split_once(':').unwrap_or((text, "x"));
    if is_name(user) && is_name(group) {
        Ok(text.to_owned())
    } else {
        Err("an owner is `USER` or `USER:GROUP`".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_side_on_servers_has_a_selector_and_a_whole_path() {
        let two = |a: &str, b: &str| Some((a.to_owned(), b.to_owned()));
        assert_eq!(remote("sg-1:/etc/motd"), two("sg-1", "/etc/motd"));
        assert_eq!(remote("label:tier=gold,!a:/x:/y"), two("label:tier=gold,!a", "/x:/y"));
        for here in ["motd", "./a:/b", "/a:/b", ":/x", "sg-1:x"] {
            assert_eq!(remote(here), None, "{here}");
        }
    }

    #[test]
    fn modes_and_owners_are_what_they_look_like() {
        assert_eq!((mode("644"), mode("0600")), (Ok(0o644), Ok(0o600)));
        for text in ["", "9", "4755", "0x1", "u+x", "64"] {
            assert!(mode(text).is_err(), "{text}");
        }
        assert!(owner("deploy:www-data").is_ok() && owner("w_a_b").is_ok());
        for text in ["", ":", "a:", "-R", "a b", "a:b:c", "$(id)"] {
            assert!(owner(text).is_err(), "{text}");
        }
    }

    #[test]
    fn how_far_it_is() {
        let second = Duration::from_secs(1);
        assert_eq!(far(512, 1024, second), "━━━━━━━━╌╌╌╌╌╌╌╌ 50% 512 B of 1.0 KiB, 512 B/s");
        assert_eq!(far(0, 0, second), "━━━━━━━━━━━━━━━━ - 0 B of 0 B, 0 B/s");
    }
}
