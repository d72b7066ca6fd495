//! `fleet status`: the whole fleet on one screen, from what is recorded.

use std::collections::{HashMap, HashSet};
use std::collections::hash_map::Entry;

use clap::Args;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::list_tasks;
use super::{Ending, Example, Group, Verb};
use crate::context::Context;
use crate::diagnostic::Class;
use crate::model::check::FROM_HERE;
use crate::model::{Health, ServerName};
use crate::state::UnwellCheck;
use crate::picture::{Picture, ServerPicture, Summary, ToDo};
use crate::ui::{Cell, Page, Table, Tone, bar::bar, format};

/// So many servers are shown one by one; of more only the worst are.
const ONE_BY_ONE: usize = 12;
/// The worst that are shown beside the regions.
const WORST: usize = 8;
/// Regions that are shown; those with the most trouble when there are more.
const REGIONS: usize = 8;
/// Reasons that are told.
const REASONS: usize = 5;
/// Servers that are named with a reason.
const NAMED: usize = 3;
/// Servers in maintenance that are shown.
const RESTING: usize = 3;
/// Checks that are shown.
const CHECKS: usize = 5;
/// Tasks that are shown.
const TASKS: u32 = 5;
/// Cells of a bar.
const BAR: usize = 10;

/// Shows how all servers are, how full they are, what is still to be done, and what was done last, on one screen. Nothing
/// is asked of a server: `fleet health` looks at them, `fleet plan` finds what drifted.
#[derive(Args, Debug)]
pub struct Status {
    /// Exit with 5 when a server or a check is not well, with 6 when something is still to be done or has drifted
    #[arg(long)]
    check: bool,
}

impl Verb for Status {
    const NAME: &'static str = "status";
    const ABOUT: &'static str = "Show the whole fleet on one screen, as last seen";
    const GROUP: Group = Group::Health;
    const EXAMPLES: &'static [Example] = &[
        ("fleet status", ""),
        ("fleet status --check -q", "For a script: silent; exit code 5 or 6 unless all is well"),
        ("fleet status --json | jq .summary", ""),
    ];

    fn run(self, context: &Context) -> anyhow::Result<Ending> {
        let inventory = context.inventory()?;
        let now = context.now();
        let picture = match context.state_to_read()? {
            Some(state) => state.read(|read| Picture::take(inventory, Some(read), now, TASKS))?,
            None => Picture::take(inventory, None, now, TASKS)?,
        };
        let host = context.host();
        if context.globals.wants_json() {
            context.ui.show(&to_json(&picture, &host), |_| {})?;
        } else if !(context.globals.quiet && self.check) {
            let bars = context.ui.settings().stdout.is_terminal;
            context.ui.show(&(), |page| print(page, &picture, bars, &host))?;
            advise(context, &picture);
        }
        Ok(if self.check { verdict(&picture) } else { Ending::Done })
    }
}

/// What it comes to with `--check`; what is wrong with servers in maintenance is expected.
fn verdict(picture: &Picture) -> Ending {
    let servers = picture.servers.iter();
    let resting = servers.filter(|server| server.maintenance.is_some());
    let resting: HashSet<&ServerName> = resting.map(|server| &server.name).collect();
    let summary = picture.summary();
    if !picture.servers.iter().all(ServerPicture::is_well)
        || !picture.checks.iter().all(|check| resting.contains(&check.server))
    {
        Ending::With(Class::Unhealthy)
    } else if !summary.to_do.is_empty() || summary.drift > 0 {
        Ending::With(Class::Pending)
    } else {
        Ending::Done
    }
}

/// `{"at", "summary", "regions", "servers", "kinds", "checks", "answers", "expiries", "tasks", "strays"}`; servers in
/// order of name, of the checks those that are not well, of answers and expiries how many, and the worst by name.
fn to_json(picture: &Picture, host: &str) -> Value {
    let tasks = picture.tasks.iter();
    let tasks: Vec<Value> = tasks.map(|task| list_tasks::to_json(task, host)).collect();
    json!({
        "at": picture.at,
        "summary": picture.summary(),
        "regions": picture.regions(),
        "servers": picture.servers,
        "kinds": picture.kinds,
        "checks": picture.checks,
        "answers": picture.answers,
        "expiries": picture.expiries,
        "tasks": tasks,
        "strays": picture.strays,
    })
}

/// What to do next, where there is nothing to see yet or what is seen is old.
fn advise(context: &Context, picture: &Picture) {
    let unknown = picture.summary().number("unknown");
    if picture.servers.is_empty() {
        context.ui.note("the inventory has no servers");
        context.ui.hint("add one with `fleet add-server NAME --address ADDRESS`");
    } else if unknown > 0 {
        let servers = match unknown {
            1 => "server".to_owned(),
            _ => format::count(usize::try_from(unknown).unwrap_or(usize::MAX), "server"),
        };
        context.ui.hint(&format!("`fleet health` looks at the {servers} that nobody has looked at"));
    }
}

fn print(page: &mut Page, picture: &Picture, bars: bool, host: &str) {
    if picture.servers.is_empty() {
        return;
    }
    let summary = picture.summary();
    headline(page, picture, &summary);
    page.end();
    let worst = picture.worst_first();
    if worst.len() <= ONE_BY_ONE {
        servers(page, &worst, bars, picture.at);
    } else {
        let bad: Vec<&ServerPicture> = worst.iter().copied().filter(|s| s.needs_attention()).take(WORST).collect();
        if !bad.is_empty() {
            servers(page, &bad, bars, picture.at);
            let more = worst.iter().filter(|s| s.needs_attention()).count() - bad.len();
            if more > 0 {
                page.toned_line(&format!("and {more} more that need attention: `fleet list-servers`"), Tone::Dim);
            }
            page.end();
        }
        regions(page, picture, bars);
    }
    reasons(page, &worst);
    checks(page, picture);
    watched(page, picture);
    if !picture.kinds.is_empty() {
        page.end();
        kinds(page, picture);
    }
    if !picture.strays.is_empty() {
        page.end();
        let names: Vec<String> = picture.strays.iter().map(|name| format!("`{name}`")).collect();
        page.text("warning", Tone::Warn).text(": ", Tone::Plain);
        page.line(&format!("resources are placed on {}, not in the inventory", names.join(", ")));
    }
    if !picture.tasks.is_empty() {
        page.end();
        tasks(page, picture, host);
    }
}

/// The fleet in two lines: how it is, and of when that is.
fn headline(page: &mut Page, picture: &Picture, summary: &Summary) {
    let servers = usize::try_from(summary.servers).unwrap_or(usize::MAX);
    page.text(&format::count(servers, "server"), Tone::Strong).text(": ", Tone::Plain);
    for (index, (word, number)) in summary.states().enumerate() {
        let comma = if index > 0 { ", " } else { "" };
        page.text(&format!("{comma}{number} "), Tone::Plain).text(word, tone(word));
    }
    page.text("; ", Tone::Plain);
    page.line(&format!("{} full", share(summary.load, summary.capacity)));
    let seen = match (summary.newest_look, summary.oldest_look) {
        (Some(newest), Some(oldest)) => {
            let newest = format::age(newest, picture.at);
            let oldest = format::age(oldest, picture.at);
            if newest == oldest {
                format!("as seen {newest}")
            } else {
                format!("as seen {newest}, the oldest look {oldest}")
            }
        }
        _ => "no server was looked at yet".to_owned(),
    };
    page.toned_line(&seen, Tone::Dim);
}

fn tone(word: &str) -> Tone {
    match word {
        "online" => Tone::Good,
        "degraded" => Tone::Warn,
        "offline" | "error" => Tone::Bad,
        _ => Tone::Dim,
    }
}

/// `42%`; `-` of nothing.
fn share(load: u64, capacity: u64) -> String {
    format::percent(load, capacity)
}

/// A bar where somebody looks at it, with its tone.
fn gauge(load: u64, capacity: u64) -> Cell {
    let thousandths = load.saturating_mul(1000).checked_div(capacity).unwrap_or_default();
    let tone = match thousandths {
        1000.. => Tone::Bad,
        850.. => Tone::Warn,
        _ => Tone::Plain,
    };
    Cell::new(bar(thousandths, BAR), tone)
}

fn servers(page: &mut Page, servers: &[&ServerPicture], bars: bool, now: Timestamp) {
    let mut table = Table::new().column("server").column("health");
    if bars {
        table = table.column("load");
    }
    let mut table = table.number("units").number("used").column("to do").extra("region");
    for server in servers {
        let mut row = vec![Cell::new(server.name.to_string(), Tone::Strong), health(server, now)];
        if bars {
            row.push(gauge(server.load, server.capacity));
        }
        row.extend([
            Cell::from(format!("{}/{}", server.load, server.capacity)),
            Cell::from(share(server.load, server.capacity)),
            to_do(server.to_do, server.drift.len() as u64),
            Cell::from(server.region.clone().unwrap_or_default()),
        ]);
        table.row(row);
    }
    page.table(&table);
}

/// `offline 3h`, `online, cordoned`, `offline 3h, maintenance`: for how long, where it is not well.
fn health(server: &ServerPicture, now: Timestamp) -> Cell {
    let word = server.word();
    let since = server.since.filter(|_| server.active && server.health != Some(Health::Online));
    let passed = since.and_then(|since| u64::try_from(now.as_second() - since.as_second()).ok());
    let mut text = word.to_owned();
    if let Some(seconds) = passed {
        text = format!("{text} {}", format::seconds(seconds));
    }
    let is_online = server.health == Some(Health::Online);
    let mut tone = tone(word);
    if server.cordoned.is_some() {
        text.push_str(", cordoned");
        tone = if is_online { Tone::Warn } else { tone };
    }
    if server.maintenance.is_some() {
        text.push_str(", maintenance");
        tone = Tone::Dim;
    }
    Cell::new(text, tone)
}

/// `1 failed, 2 pending, 3 drifted`.
fn to_do(to_do: ToDo, drift: u64) -> Cell {
    let drifted = [(drift, "drifted")].into_iter().filter(|(number, _)| *number > 0);
    let words: Vec<String> = to_do
        .words()
        .chain(drifted)
        .map(|(number, word)| format!("{number} {word}"))
        .collect();
    let tone = match words.len() {
        0 => Tone::Dim,
        _ if to_do.failed > 0 => Tone::Bad,
        _ => Tone::Warn,
    };
    Cell::new(words.join(", "), tone)
}

fn regions(page: &mut Page, picture: &Picture, bars: bool) {
    let mut groups = picture.regions();
    let unwell = |group: &crate::picture::Group<'_>| {
        group.summary.servers - group.summary.number("online") - group.summary.number("inactive")
    };
    let left_out = groups.len().saturating_sub(REGIONS);
    if left_out > 0 {
        groups.sort_by_key(|group| std::cmp::Reverse((unwell(group), group.summary.servers)));
        groups.truncate(REGIONS);
    }
    let mut table = Table::new().column("region").number("servers").number("down").number("degraded");
    if bars {
        table = table.column("load");
    }
    let mut table = table.number("used").number("failed").number("pending").number("drift");
    for group in &groups {
        let summary = &group.summary;
        let down = summary.number("offline") + summary.number("error");
        let mut row = vec![
            Cell::new(group.region.unwrap_or("").to_owned(), Tone::Strong),
            Cell::from(summary.servers.to_string()),
            number(down, Tone::Bad),
            number(summary.number("degraded"), Tone::Warn),
        ];
        if bars {
            row.push(gauge(summary.load, summary.capacity));
        }
        row.extend([
            Cell::from(share(summary.load, summary.capacity)),
            number(summary.to_do.failed, Tone::Bad),
            number(summary.to_do.pending + summary.to_do.removing, Tone::Warn),
            number(summary.drift, Tone::Warn),
        ]);
        table.row(row);
    }
    page.table(&table);
    if left_out > 0 {
        let regions = format::count(left_out, "more region");
        page.toned_line(&format!("and {regions}"), Tone::Dim);
    }
}

/// A number that means something unless it is nothing.
fn number(number: u64, tone: Tone) -> Cell {
    match number {
        0 => Cell::new("", Tone::Dim),
        _ => Cell::new(number.to_string(), tone),
    }
}

/// What is wrong, of the worst servers first; the servers behind one dead link are told together.
fn reasons(page: &mut Page, worst: &[&ServerPicture]) {
    let mut told: Vec<(String, Vec<&ServerPicture>)> = Vec::new();
    // What is wrong in maintenance is expected.
    let tells = |server: &&&ServerPicture| {
        server.active && server.maintenance.is_none() && !server.reasons.is_empty()
    };
    for server in worst.iter().filter(tells) {
        let reason = server.reasons.join("; ");
        match told.iter().position(|(same, _)| *same == reason) {
            Some(at) => told[at].1.push(server),
            None if told.len() < REASONS => told.push((reason, vec![server])),
            None => {}
        }
    }
    if told.is_empty() {
        return;
    }
    page.end();
    for (reason, servers) in &told {
        for (index, server) in servers.iter().take(NAMED).enumerate() {
            let comma = if index > 0 { ", " } else { "" };
            page.text(comma, Tone::Plain).text(server.name.as_str(), tone(server.word()));
        }
        if servers.len() > NAMED {
            page.text(&format!(" and {} more", servers.len() - NAMED), Tone::Plain);
        }
        page.text(": ", Tone::Plain).line(reason);
    }
    let unwell = worst.iter().filter(tells).count();
    let more = unwell - told.iter().map(|(_, servers)| servers.len()).sum::<usize>();
    if more > 0 {
        page.toned_line(&format!("and {more} more with other reasons: `fleet health`"), Tone::Dim);
    }
}

/// The checks that are not well, the bad ones first: sites that do not answer, certificates that expire. What is the same
/// from both sides is told once.
fn checks(page: &mut Page, picture: &Picture) {
    let mut told: Vec<(&UnwellCheck, &str)> = Vec::new();
    let mut places: HashMap<(&ServerName, &str, &[String]), usize> = HashMap::new();
    for check in &picture.checks {
        let subject = check.subject.as_str();
        let bare = subject.strip_suffix(FROM_HERE).unwrap_or(subject);
        match places.entry((&check.server, bare, check.reasons.as_slice())) {
            Entry::Occupied(place) => told[*place.get()].1 = bare,
            Entry::Vacant(place) => {
                place.insert(told.len());
                told.push((check, subject));
            }
        }
    }
    if told.is_empty() {
        return;
    }
    page.end();
    for (check, subject) in told.iter().take(CHECKS) {
        let tone = if check.is_bad { Tone::Bad } else { Tone::Warn };
        page.text(&format!("{}: {subject}", check.server), tone).text(": ", Tone::Plain);
        page.line(&check.reasons.join("; "));
    }
    let more = told.len().saturating_sub(CHECKS);
    if more > 0 {
        let checks = format::count(more, "more check");
        page.toned_line(&format!("and {checks} not well: `fleet health`"), Tone::Dim);
    }
}

/// Who is being worked on, how fast sites answer, and which certificates expire next.
fn watched(page: &mut Page, picture: &Picture) {
    let mut fields: Vec<(&str, String, Tone)> = Vec::new();
    let mut resting: Vec<String> = Vec::new();
    for server in &picture.servers {
        if let Some(window) = &server.maintenance {
            let why = if window.reason.is_empty() { "" } else { ": " };
            let until = format::time(window.until);
            resting.push(format!("{} until {until}{why}{}", server.name, window.reason));
        }
    }
    if resting.len() > RESTING {
        let more = resting.len() - RESTING;
        resting.truncate(RESTING);
        resting.push(format!("and {more} more: `fleet maintenance --list`"));
    }
    if !resting.is_empty() {
        fields.push(("maintenance", resting.join("\n"), Tone::Plain));
    }
    let answers = &picture.answers;
    if let (Some(median), Some(most)) = (answers.median_ms, answers.most_ms) {
        let sites = format::count(usize::try_from(answers.sites).unwrap_or(usize::MAX), "site");
        let words = match answers.sites {
            1 => format!("{sites}: {}", milliseconds(median)),
            _ => format!(
                "{sites}: half within {}, 95% within {}",
                milliseconds(median),
                milliseconds(most)
            ),
        };
        fields.push(("answers", words, Tone::Plain));
    }
    if let Some(slowest) = answers.slowest.first().filter(|_| answers.sites > 1) {
        let took = milliseconds(slowest.ms());
        let words = format!("{} on {}, {took}", slowest.resource.name, slowest.server);
        fields.push(("slowest", words, Tone::Plain));
    }
    if let Some(next) = picture.expiries.next.first() {
        let when = format::age(next.expires, picture.at);
        let verb = if next.expires < picture.at { "expired" } else { "expires" };
        let first = format!("{} on {} {verb} {when}", next.resource.name, next.server);
        let words = match picture.expiries.number {
            1 => first,
            number => format!("{number}, the next: {first}"),
        };
        fields.push(("certificates", words, Tone::Plain));
    }
    if !fields.is_empty() {
        page.end();
        page.fields(fields);
    }
}

/// `23ms`, `1.2s`.
fn milliseconds(ms: u64) -> String {
    format::duration(std::time::Duration::from_millis(ms))
}

fn kinds(page: &mut Page, picture: &Picture) {
    let mut table = Table::new().column("resources").number("number").column("to do");
    for kind in &picture.kinds {
        let number = usize::try_from(kind.resources).unwrap_or(usize::MAX);
        table.row([
            Cell::new(kind.plural.clone(), Tone::Strong),
            Cell::from(format::thousands(number)),
            to_do(kind.to_do, 0),
        ]);
    }
    page.table(&table);
}

fn tasks(page: &mut Page, picture: &Picture, host: &str) {
    let mut table = Table::new()
        .number("task")
        .column("started")
        .column("result")
        .number("took")
        .column("by")
        .column("command");
    for task in &picture.tasks {
        let (result, tone) = list_tasks::result(task, host);
        let took = list_tasks::took(task).map(format::duration);
        table.row([
            Cell::new(task.id.to_string(), Tone::Strong),
            format::age(task.started_at, picture.at).into(),
            Cell::new(result, tone),
            took.unwrap_or_default().into(),
            task.operator.clone().into(),
            task.line().into(),
        ]);
    }
    page.table(&table);
}
