//! `fleet report`: a picture of the fleet as a page for a browser, from what is recorded.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;

use super::replace_file::replace_file;
use super::{Ending, Example, Group, Verb, list_tasks};
use crate::context::Context;
use crate::diagnostic::Diagnostic;
use crate::inventory::Inventory;
use crate::model::health::ServerFacts;
use crate::model::{AnswerParts, HealthEvent, ServerName, Uptime};
use crate::picture::{History, Picture};
use crate::report::{self, Report as Page, TaskLine};
use crate::state::{EventFilter, Read};
use crate::ui::{Tone, format};

/// Tasks that are shown.
const TASKS: u32 = 20;
/// Days that are shown of how fast sites answered.
const DAYS: u32 = 7;
/// Changes of health that are shown.
const EVENTS: u32 = 40;

/// Writes one page of HTML that shows the whole fleet: who needs attention, a map, capacity, the last week, how fast sites
/// answer, certificates, tasks. It loads nothing, runs nothing, and can be sent by mail or put on any web server. Nothing
/// is asked of a server.
#[derive(Args, Debug)]
pub struct Report {
    /// Write the page to this file, as a whole or not at all; `-` is stdout
    #[arg(long, value_name = "FILE", required = true)]
    html: PathBuf,
}

/// What a page is made of.
#[derive(Default)]
struct Known {
    facts: BTreeMap<ServerName, ServerFacts>,
    history: History,
    answers: AnswerParts,
    uptimes: BTreeMap<ServerName, Uptime>,
    events: Vec<HealthEvent>,
}

impl Verb for Report {
    const NAME: &'static str = "report";
    const ABOUT: &'static str = "Write a page that shows the whole fleet, as last seen";
    const GROUP: Group = Group::Health;
    const EXAMPLES: &'static [Example] = &[
        ("fleet report --html fleet.html", ""),
        ("fleet report --html - | ssh www 'cat > /srv/www/status/index.html'", ""),
    ];

    fn run(self, context: &Context) -> anyhow::Result<Ending> {
        let to_stdout = self.html == Path::new("-");
        if to_stdout && context.globals.wants_json() {
            return Err(Diagnostic::usage("`--html -` prints the page, and `--json` has no place beside it")
                .hint("name a file")
                .into());
        }
        let inventory = context.inventory()?;
        let (picture, known) = match context.state_to_read()? {
            Some(state) => state.read(|read| gather(context, inventory, Some(read)))?,
            None => gather(context, inventory, None)?,
        };
        let host = context.host();
        let tasks: Vec<TaskLine> = picture.tasks.iter().map(|task| line(task, &host)).collect();
        let page = report::page(&Page {
            picture: &picture,
            facts: &known.facts,
            history: &known.history,
            answers: &known.answers,
            uptimes: &known.uptimes,
            events: &known.events,
            tasks: &tasks,
            version: env!("CARGO_PKG_VERSION"),
        });
        if to_stdout {
            let mut out = context.ui.raw();
            let written = out.write_all(page.as_bytes()).and_then(|()| out.flush());
            return match written {
                Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
                    Err(Diagnostic::failed(format!("cannot write to standard output: {error}")).into())
                }
                _ => Ok(Ending::Done),
            };
        }
        replace_file(&self.html, page.as_bytes())?;
        let shown = self.html.display().to_string();
        let value = json!({ "report": { "file": shown, "bytes": page.len(), "servers": picture.servers.len() } });
        context.ui.show(&value, |line| {
            if !context.globals.quiet {
                line.line(&format!("{shown}: {}", format::bytes(page.len() as u64)));
            }
        })?;
        Ok(Ending::Done)
    }
}

fn gather(context: &Context, inventory: &Inventory, read: Option<&Read>) -> Result<(Picture, Known), Diagnostic> {
    let picture = Picture::take(inventory, read, context.now(), TASKS)?;
    let mut known = Known::default();
    if let Some(read) = read {
        let names: BTreeSet<ServerName> = inventory.servers.keys().cloned().collect();
        known.facts = read.facts(&names)?;
        known.history = History::read(read, context.now())?;
        known.answers = read.answer_parts(context.now(), DAYS)?;
        known.uptimes = read.uptimes(context.now())?;
        let newest = EventFilter {
            limit: Some(EVENTS),
            ..EventFilter::default()
        };
        known.events = read.events(&newest)?;
        known.events.reverse();
    }
    Ok((picture, known))
}

fn line(task: &crate::model::Task, host: &str) -> TaskLine {
    let (result, tone) = list_tasks::result(task, host);
    TaskLine {
        id: task.id,
        started_at: task.started_at,
        took: list_tasks::took(task),
        result,
        is_well: match tone {
            Tone::Good => Some(true),
            Tone::Bad => Some(false),
            _ => None,
        },
        operator: task.operator.clone(),
        line: task.line(),
    }
}
