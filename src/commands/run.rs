//! `fleet run`: one command on many servers; equal output is shown once.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use clap::Args;
use serde_json::json;
use tokio::sync::watch;

use super::flags::{InWaves, time};
use super::outcome::NOT_BEGUN;
use super::retry::Retry;
use super::rolled::{Halt, goes_on};
use super::rollout::{Rollout, known_health};
use super::run_output::Files;
use super::{Ending, Example, Group, Verb};
use crate::apply::{Answer, Asking, Gap};
use crate::context::{Context, Record};
use crate::diagnostic::{Class, Diagnostic};
use crate::model::fold::fold;
use crate::model::selector::Selector;
use crate::model::{Course, Server, ServerName, Task};
use crate::shell::{Script, Secret};
use crate::state::{KeyPlace, Read, Sealed};
use crate::transport::TransportError;
use crate::ui::format;

mod shown;

use shown::{differences, gathered, summary, to_json};

/// Runs a command on servers, all at once, as the user that fleet works as there (root, or through sudo). What it
/// prints is shown when it has ended, equal output once for all servers that printed it.
///
/// One word is a line for the shell there; several words are a command with its arguments, each exactly as given.
/// Of all servers together 32 MiB of output are kept, and with `--output-dir` all of it is written as it comes; of what
/// each writes to standard error, 32 KiB are kept. When something was left out, the exit code is 3.
#[derive(Args, Debug)]
pub struct Run {
    /// The command
    #[arg(value_name = "COMMAND", trailing_var_arg = true, required_unless_present = "script")]
    command: Vec<String>,
    /// Only these servers: `sg-1,jkt-*,region=singapore,!sg-3` [default: all active ones]
    #[arg(long, value_name = "SELECTOR")]
    server: Vec<String>,
    /// Run a shell script from a file instead; `-` is standard input
    #[arg(long, value_name = "FILE", conflicts_with = "command")]
    script: Option<PathBuf>,
    /// Show what most servers printed, and how the others differ from it
    #[arg(long)]
    diff: bool,
    /// Write what each server prints to `DIR/SERVER.out`, byte for byte, and `DIR/SERVER.err` too, in place of what is
    /// there; a server that gave no answer has no `.err`
    #[arg(long, value_name = "DIR")]
    output_dir: Option<PathBuf>,
    /// How long it may take on a server, where it is ended then, with status 124 [default: as long as it wants]
    #[arg(long, value_name = "TIME", value_parser = limit)]
    timeout: Option<Duration>,
    /// Servers at the same time [default: the inventory's, else 32]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    parallel: Option<u16>,
    #[command(flatten)]
    in_waves: InWaves,
}

/// A time that is a limit: `timeout 0` on a server would be none.
fn limit(text: &str) -> Result<Duration, String> {
    let limit = time(text)?;
    if limit.is_zero() { Err("at least 1ms; without it there is no limit".to_owned()) } else { Ok(limit) }
}

/// As long as it wants: a week is more than anybody waits.
const ENDLESS: Duration = Duration::from_secs(7 * 86_400);

/// How long what is told to end may take for that before it is killed, and its server to tell.
const ENDING: Duration = Duration::from_secs(10);
const ANSWER: Duration = Duration::from_secs(10);

/// How much output is kept of all servers together, in bytes, and at least of each.
const KEPT: usize = 32 * 1024 * 1024;
const KEPT_EACH: usize = 64 * 1024;

/// The longest script from standard input that is kept for a retry, in bytes.
const LONGEST_KEPT: usize = 256 * 1024;

type Answers = BTreeMap<ServerName, Result<Answer, TransportError>>;

/// What goes to the servers, and where what they say goes.
struct Going<'a> {
    record: &'a Record<'a>,
    script: &'a Script,
    files: Option<&'a Files>,
    /// How much is kept of what each prints.
    keep: usize,
    stop: watch::Receiver<u32>,
}

/// What has come of it so far.
#[derive(Default)]
struct Heard {
    answers: Answers,
    /// Where it was under way when an interrupt came.
    cut: BTreeSet<ServerName>,
    /// What could not be recorded or written to a file.
    trouble: Vec<Diagnostic>,
}

impl Verb for Run {
    const NAME: &'static str = "run";
    const ABOUT: &'static str = "Run a command on many servers";
    const GROUP: Group = Group::Servers;
    const EXAMPLES: &'static [Example] = &[
        ("fleet run -- uptime", "On every active server"),
        (
            "fleet run --server 'web-*' --diff -- cat /etc/debian_version",
            "Who differs from the rest, and how",
        ),
        (
            "fleet run --server sg-1 'df -h | grep /srv'",
            "One word is a line for the shell",
        ),
        ("fleet run --waves 1,25% -- systemctl restart nginx", "Stops when a server is not well after it"),
        ("fleet run --script check.sh --output-dir results", ""),
    ];

    fn run(self, context: &Context) -> anyhow::Result<Ending> {
        let inventory = context.inventory()?;
        let servers = Selector::parse(&self.server)?.select(&inventory.servers)?;
        if self.server.is_empty() {
            self.refuse_a_server(&inventory.servers)?;
            if servers.len() > 1 && context.ui.settings().stderr.is_terminal && !context.globals.wants_json() {
                let count = format::count(servers.len(), "server");
                context.ui.note(&format!("on {count}; `--server` chooses"));
            }
        }
        self.go(context, &servers, None)
    }
}

impl Run {
    /// Refuses a command that begins with a server, or with a selector: whoever means only that one must not have it on
    /// all of them.
    fn refuse_a_server(&self, servers: &BTreeMap<ServerName, Server>) -> Result<(), Diagnostic> {
        let Some((first, rest)) = self.command.split_first() else {
            return Ok(());
        };
        let (term, rest) = match first.split_once([' ', '\t', '\n']) {
            Some((term, line)) if rest.is_empty() => (term, vec![crate::shell::quote(line.trim())]),
            _ => {
                let rest = rest.strip_prefix(&["--".to_owned()]).unwrap_or(rest);
                (&**first, rest.iter().map(|word| crate::shell::quote(word)).collect())
            }
        };
        let selects = |selector: Selector| selector.select(servers).is_ok();
        if term.is_empty() || !Selector::parse(&[term.to_owned()]).is_ok_and(selects) {
            return Ok(());
        }
        let what = if servers.keys().any(|name| name.as_str() == term) {
            "is a server, and no command"
        } else {
            "selects servers, and is no command"
        };
        let command = if rest.is_empty() { "COMMAND".to_owned() } else { rest.join(" ") };
        let message = format!("{} {what}", crate::diagnostic::ticked(term));
        Err(Diagnostic::usage(message)
            .hint(format!("`fleet run --server {} -- {command}`", crate::shell::quote(term))))
    }

    /// Runs it once more on servers that task number `task` left.
    pub(super) fn again(
        mut self,
        context: &Context,
        (task, first): (i64, &Task),
        servers: &[&Server],
        in_waves: InWaves,
        only_told: bool,
    ) -> anyhow::Result<Ending> {
        if only_told {
            return Err(Diagnostic::usage("what a command would change is not known before it runs").into());
        }
        let own = &mut self.in_waves;
        own.waves = in_waves.waves.or(own.waves.take());
        own.max_failures = in_waves.max_failures.or(own.max_failures);
        own.wave_pause = in_waves.wave_pause.or(own.wave_pause);
        own.away_fails |= in_waves.away_fails;
        let script = if self.takes_stdin() { Some(kept(context, first)?) } else { None };
        self.go(context, servers, Some((task, script)))
    }

    fn takes_stdin(&self) -> bool {
        self.script.as_deref() == Some(Path::new("-"))
    }

    /// Runs it; with the task that this one does again, and the script that this one had from standard input.
    fn go(
        &self,
        context: &Context,
        servers: &[&Server],
        retry: Option<(i64, Option<String>)>,
    ) -> anyhow::Result<Ending> {
        let (retry_of, given) = retry.map_or((None, None), |(of, script)| (Some(of), script));
        let verb = if retry_of.is_some() { Retry::NAME } else { Self::NAME };
        let text = match given {
            Some(script) => script,
            None => self.text(context)?,
        };
        let script = script(&text, self.timeout)?;
        self.in_waves.check(context.inventory()?)?;
        let sealed = match retry_of {
            None if self.takes_stdin() => seal(context, text)?,
            _ => None,
        };
        let files = self.output_dir.as_deref().map(|dir| Files::create(dir, servers)).transpose()?;
        context.record(verb, |record| {
            let started = Instant::now();
            let course = Course {
                servers: servers.iter().map(|server| server.name.clone()).collect(),
                script: sealed.as_ref().map(|sealed| sealed.id.0.clone()),
                ..Course::default()
            };
            context.state()?.write(|write| {
                if let Some(sealed) = &sealed {
                    write.store_secret(sealed, context.now())?;
                }
                write.record_course(record.id(), &course)?;
                retry_of.map_or(Ok(()), |of| write.record_retry(record.id(), of))
            })?;
            let going = Going {
                record,
                script: &script,
                files: files.as_ref(),
                keep: keep(servers.len()),
                stop: context.block_on(async { context.interrupts() })??,
            };
            let mut heard = Heard::default();
            let halt = self.in_waves(context, servers, &going, &mut heard)?;
            let Heard { answers, cut, trouble } = heard;
            let left = servers.iter().map(|server| &server.name);
            let left = left.filter(|name| !answers.contains_key(name) && !cut.contains(name));
            let left: Vec<&ServerName> = left.collect();
            for server in &left {
                record.outcome(server, "waiting", Some(NOT_BEGUN.to_owned()), Vec::new())?;
            }
            let mut value = json!({ "task": record.id(), "servers": to_json(&answers, &cut) });
            if let Some(halt) = &halt {
                value["stopped"] = halt.to_json();
            }
            context.ui.show(&value, |page| {
                if self.diff {
                    differences(page, &answers);
                } else {
                    gathered(page, &answers);
                }
            })?;
            summary(context, &answers, started);
            for problem in &trouble {
                context.ui.problem(problem);
            }
            let is_heard = Self::is_heard(context, &answers);
            let whole = (files.is_some() || Self::is_whole(context, &answers)) && is_heard;
            let Some(halt) = halt else {
                return Ok(match ending(&answers) {
                    Ending::Done if !whole || !trouble.is_empty() => Ending::With(Class::Partial),
                    ending => ending,
                });
            };
            if !context.globals.wants_json() {
                let mut error = Diagnostic::new(Class::Partial, halt.sentence());
                for (what, servers) in [("under way", cut.iter().collect()), ("not begun", left)] {
                    if !servers.is_empty() {
                        let count = format::count(servers.len(), "server");
                        error = error.detail(format!("{what}: {} ({count})", fold(servers)));
                    }
                }
                error.details.extend(halt.details);
                if !cut.is_empty() {
                    error = error.hint("what runs on servers ends when it next writes something");
                }
                context.ui.problem(&error.hint(goes_on(record.id())));
            }
            Ok(Ending::With(Class::Partial))
        })
    }

    /// Asks the servers, in waves where that is wanted; returns why not all of them were.
    fn in_waves(
        &self,
        context: &Context,
        servers: &[&Server],
        going: &Going<'_>,
        heard: &mut Heard,
    ) -> anyhow::Result<Option<Halt>> {
        let rollout = Rollout::new(&self.in_waves, &context.inventory()?.settings);
        let order = servers.iter().map(|server| server.name.clone()).collect();
        let waves = rollout.waves(context, order)?;
        let of = waves.len();
        let mut toll = rollout.toll(servers.len(), of > 1);
        let before = if of > 1 { known_health(context)? } else { BTreeMap::new() };
        for (index, names) in waves.iter().enumerate() {
            let wave = index + 1;
            if of > 1 {
                let count = format::count(names.len(), "server");
                context.ui.note(&format!("wave {wave} of {of}: {} ({count})", fold(names)));
            }
            let these = servers.iter().filter(|server| names.contains(&server.name));
            let these: Vec<&Server> = these.copied().collect();
            if !self.ask(context, &these, going, heard)? {
                return Ok(Some(Halt::interrupted(wave, of)));
            }
            let answered = heard.answers.iter().filter(|(server, _)| names.contains(server));
            let mut reached = BTreeMap::new();
            for (server, answer) in answered {
                match answer {
                    Ok(answer) if answer.status == 0 => {}
                    Err(error) if error.is_unreachable() => toll.away(server),
                    _ => toll.fail(server),
                }
                if answer.is_ok() {
                    reached.insert(server.clone(), Vec::new());
                }
            }
            if wave == of {
                break;
            }
            if toll.is_too_much() {
                return Ok(Some(toll.halt(wave, of)));
            }
            if !rollout.settle(context, &reached, &before, &going.stop, &mut toll)? {
                return Ok(Some(Halt::interrupted(wave, of)));
            }
            if toll.is_too_much() {
                return Ok(Some(toll.halt(wave, of)));
            }
        }
        Ok(None)
    }

    /// What the servers run.
    fn text(&self, context: &Context) -> anyhow::Result<String> {
        Ok(match (&self.script, self.command.as_slice()) {
            (Some(path), _) => context.read_file(path)?,
            (None, [line]) => line.clone(),
            (None, words) => {
                let words: Vec<String> = words.iter().map(|word| crate::shell::quote(word)).collect();
                words.join(" ")
            }
        })
    }

    /// Whether all that was printed is there; says what is not.
    fn is_whole(context: &Context, answers: &Answers) -> bool {
        let gaps = answers.iter().filter_map(|(server, answer)| Some((server, answer.as_ref().ok()?.gap?)));
        let gaps: Vec<(&ServerName, Gap)> = gaps.collect();
        for (server, gap) in gaps.iter().filter(|_| !context.globals.wants_json()) {
            let (all, what) = (format::bytes(KEPT as u64), format::bytes(gap.bytes));
            let message =
                format!("server `{server}` printed more than its share of {all}: {what} of its middle are left out");
            let hint = "`--output-dir DIR` writes all of it";
            context.ui.problem(&Diagnostic::new(Class::Partial, message).hint(hint));
        }
        gaps.is_empty()
    }

    /// Whether all that was written to standard error is there; says what is not.
    fn is_heard(context: &Context, answers: &Answers) -> bool {
        let left_out = |answer: &Result<Answer, TransportError>| answer.as_ref().map_or(0, |answer| answer.stderr_left_out);
        let gaps: Vec<_> = answers.iter().filter(|(_, answer)| left_out(answer) > 0).collect();
        for (server, answer) in gaps.iter().filter(|_| !context.globals.wants_json()) {
            let what = format::bytes(left_out(answer) as u64);
            let message =
                format!("server `{server}` wrote more than 32 KiB to standard error: {what} of its middle are left out");
            let hint = "with `2>&1` all of it is output";
            context.ui.problem(&Diagnostic::new(Class::Partial, message).hint(hint));
        }
        gaps.is_empty()
    }

    /// Asks servers; whether all have answered, and no interrupt came before.
    fn ask(
        &self,
        context: &Context,
        servers: &[&Server],
        going: &Going<'_>,
        heard: &mut Heard,
    ) -> anyhow::Result<bool> {
        let parallel = context.inventory()?.settings.parallel;
        let asking = Asking {
            parallel: self.parallel.map_or(parallel, usize::from),
            patience: Some(self.timeout.map_or(ENDLESS, |time| time + ENDING + ANSWER)),
            keep: Some(going.keep),
            on_bytes: going.files.map(Files::on_bytes),
        };
        let progress = context.ui.progress(servers.len());
        let under_way = RefCell::new(BTreeSet::new());
        let questions = servers.iter().map(|server| {
            progress.state(server.name.as_str(), "running");
            under_way.borrow_mut().insert(server.name.clone());
            ((*server).clone(), going.script.clone())
        });
        let connector = context.connector()?;
        let whole = context.block_on(async {
            let mut interrupts = going.stop.clone();
            let asked = asking.run(&connector, questions, |server, answer| {
                progress.end(server.as_str());
                under_way.borrow_mut().remove(&server);
                heard.take(going, server, answer);
            });
            tokio::select! {
                () = asked => true,
                _ = interrupts.wait_for(|count| *count > 0) => false,
            }
        })?;
        drop(progress);
        for server in under_way.into_inner() {
            heard.cut(going, server);
        }
        Ok(whole)
    }
}

impl Heard {
    /// Records what a server answered. That a record or a file cannot be written changes nothing of what was done, and
    /// is told at the end.
    fn take(&mut self, going: &Going<'_>, server: ServerName, answer: Result<Answer, TransportError>) {
        let (status, reason) = outcome(&answer);
        let recorded = going.record.outcome(&server, status, reason, Vec::new());
        let stderr = answer.as_ref().ok().map(|answer| &*answer.stderr);
        let written = going.files.map_or(Ok(()), |files| files.end(&server, stderr));
        self.trouble.extend([recorded, written].into_iter().filter_map(Result::err));
        self.answers.insert(server, answer);
    }

    /// Records that it is not known what becomes of it on a server.
    fn cut(&mut self, going: &Going<'_>, server: ServerName) {
        let reason = Some("an interrupt came while it ran".to_owned());
        let recorded = going.record.outcome(&server, "interrupted", reason, Vec::new());
        let written = going.files.map_or(Ok(()), |files| files.end(&server, None));
        self.trouble.extend([recorded, written].into_iter().filter_map(Result::err));
        self.cut.insert(server);
    }
}

/// A text in a shell of its own, so that it may change or end that as it likes. SIGPIPE is what it usually is: a loop
/// before `head` ends, and so does what runs when nobody is there to read it. With a limit the server ends it, and all
/// that it began, when that has passed.
fn script(text: &str, limit: Option<Duration>) -> Result<Script, Diagnostic> {
    if text.contains('\0') {
        return Err(Diagnostic::usage("a command cannot hold a NUL byte"));
    }
    let mut script = Script::new();
    let Some(limit) = limit else {
        script.raw("( trap - PIPE; eval ").arg(text).raw("\n)\n");
        return Ok(script);
    };
    let seconds = |time: Duration| format!("{}.{:03}", time.as_secs(), time.subsec_millis());
    // `timeout` needs a process. The text goes there through a pipe: it may hold a secret, and be longer than an argument.
    script.raw("( trap - PIPE; fleet_b=$(date +%s)\nprintf %s ").arg(text).raw(" | timeout -k ");
    script.arg(&seconds(ENDING)).raw(" ").arg(&seconds(limit));
    script.raw(" /bin/sh -c 'exec 3<&0 </dev/null; fleet_t=$(cat <&3); exec 3<&-; eval \"$fleet_t\"'\nfleet_n=$?\n");
    // A command may end with 124 by itself.
    script.raw("case $fleet_n in 124|137) [ $(($(date +%s)-fleet_b)) -lt ").arg(&limit.as_secs().to_string());
    script.raw(" ] || echo ").arg(&format!("ended after {} (`--timeout`)", format::duration(limit)));
    script.raw(" >&2;; esac\nexit $fleet_n )\n");
    Ok(script)
}

/// How much is kept of what each of so many servers prints.
fn keep(servers: usize) -> usize {
    (KEPT / servers.max(1)).max(KEPT_EACH)
}

/// Seals a script from standard input for a retry: it may hold anything. One that is too long is not kept, and none is
/// where the key would have to be asked for.
fn seal(context: &Context, text: String) -> anyhow::Result<Option<Sealed>> {
    let keys = context.keys()?;
    let at_hand = match context.state()?.read(Read::sealing)? {
        Some(sealing) => keys.is_at_hand(&sealing),
        None => keys.first_place() == KeyPlace::File,
    };
    if text.len() > LONGEST_KEPT || !at_hand {
        return Ok(None);
    }
    // A script runs also where there is no key to be had.
    let key = context.state()?.sealing_key(keys);
    Ok(key.ok().and_then(|key| key.seal(&Secret::new(text)).ok()))
}

/// The script that a task had from standard input.
fn kept(context: &Context, first: &Task) -> anyhow::Result<String> {
    let refused = |why: &str| {
        let message = format!("the script of task {} came from standard input, and {why}", first.id);
        Diagnostic::usage(message).hint("give it again, to the servers that are left: `fleet show-task` has them")
    };
    let Some(id) = first.course.as_ref().and_then(|course| course.script.clone()) else {
        let why = "was not kept: it is longer than 256 KiB, or the key that seals it has to be asked for";
        return Err(refused(why).into());
    };
    let keys = context.keys()?;
    let state = context.state()?;
    let text = state.read(|read| Ok::<_, Diagnostic>(read.sealed_text(&id, keys)))?;
    text.map_err(|why| refused(&format!("cannot be read again: {why}")).into())
}

/// The words for the record of the task.
fn outcome(answer: &Result<Answer, TransportError>) -> (&'static str, Option<String>) {
    match answer {
        Ok(answer) if answer.status == 0 => ("done", None),
        Ok(answer) => ("failed", Some(format!("status {}", answer.status))),
        Err(error) if error.is_unreachable() => ("unreachable", Some(error.to_string())),
        Err(error) => ("interrupted", Some(error.to_string())),
    }
}

fn ending(answers: &Answers) -> Ending {
    let failed = |answer: &&Result<Answer, TransportError>| !matches!(answer, Ok(a) if a.status == 0);
    if !answers.values().any(|answer| failed(&answer)) {
        Ending::Done
    } else if answers.values().all(|answer| matches!(answer, Ok(a) if a.status != 0)) {
        Ending::With(Class::Failed)
    } else {
        Ending::With(Class::Partial)
    }
}
