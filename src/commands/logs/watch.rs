//! Lines of several servers on their way to the terminal: in order of time, and for as long as somebody reads.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use serde_json::json;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};

use super::{SERVICES, TURN};
use crate::commands::Ending;
use crate::context::{Context, interrupted};
use crate::diagnostic::{Class, Diagnostic, did_you_mean};
use crate::logs::{Event, Line, Window};
use crate::model::ServerName;
use crate::transport::{Output, TransportError};
use crate::ui::{Page, Tone, format};

/// How long the old lines of all servers are waited for before the first are shown.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(3);

/// How many lines are written at once.
const BATCH: usize = 500;

/// The receiving ends of the streams.
type Receivers = Vec<(ServerName, mpsc::Receiver<Event>)>;

/// Shows lines.
pub(super) struct Screen<'a> {
    context: &'a Context,
    /// The servers by name, and how wide the longest is; empty where there is only one.
    numbers: BTreeMap<ServerName, usize>,
    width: usize,
    /// The servers that have not been found to lack the unit.
    having: BTreeSet<ServerName>,
    failed: BTreeSet<ServerName>,
    shown: bool,
    /// Whether none of them has the unit.
    unknown: bool,
}

/// Reads streams, and shows what comes.
pub(super) struct Watch<'a> {
    screen: Screen<'a>,
    interrupts: watch::Receiver<u32>,
}

impl<'a> Screen<'a> {
    /// For these servers.
    pub(super) fn new(context: &'a Context, servers: Vec<ServerName>) -> Self {
        let width = servers.iter().map(|name| name.as_str().len()).max();
        let several = servers.len() > 1;
        let having = servers.iter().cloned().collect();
        let numbers = servers.into_iter().enumerate().map(|(number, name)| (name, number));
        Self {
            context,
            numbers: if several { numbers.collect() } else { BTreeMap::new() },
            width: width.unwrap_or_default(),
            having,
            failed: BTreeSet::new(),
            shown: false,
            unknown: false,
        }
    }

    /// Writes lines; `false` when nobody reads any more.
    fn show(&mut self, lines: &[Line]) -> Result<bool> {
        self.shown |= !lines.is_empty();
        for lines in lines.chunks(BATCH) {
            let goes_on = if self.context.globals.wants_json() {
                self.context.ui.json_lines(lines.iter().map(|line| {
                    json!({
                        "server": line.server,
                        "log": &*line.log,
                        "at": line.at,
                        "process": line.process,
                        "text": line.text,
                    })
                }))?
            } else {
                self.context.ui.part(|page| {
                    for line in lines {
                        self.line(page, line);
                    }
                })?
            };
            if !goes_on {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// A line; a message of several is put below the name again for each of its lines.
    fn line(&self, page: &mut Page, line: &Line) {
        for (index, text) in line.text.split('\n').enumerate() {
            if let Some(number) = self.numbers.get(&line.server) {
                let name = format!("{:<width$}", line.server.as_str(), width = self.width);
                page.text(&name, Tone::One(*number)).text("  ", Tone::Plain);
            }
            if let (Some(process), 0) = (&line.process, index) {
                if let Some(at) = line.at {
                    page.text(&format::time(at), Tone::Dim).text(" ", Tone::Plain);
                }
                page.text(process, Tone::Strong).text(": ", Tone::Plain);
            } else if line.process.is_some() {
                page.text("    ", Tone::Plain);
            }
            page.line(text);
        }
    }

    /// Notes that a server has no such unit, and tells when none of them has it: on some of many it need not be.
    fn absent(&mut self, server: &ServerName, unit: &str) {
        if !self.having.remove(server) || !self.having.is_empty() {
            return;
        }
        let place = if self.numbers.is_empty() {
            format!("on `{server}`")
        } else {
            format!("on any of these {} servers", self.numbers.len())
        };
        let near = did_you_mean(unit, SERVICES).map(|near| format!("; did you mean `{near}`"));
        let near = near.unwrap_or_default();
        self.context.ui.warn(&format!("there is no unit `{unit}` {place}{near}"));
        self.unknown = true;
    }

    /// Tells how a stream ended, if that is worth it.
    fn ended(&mut self, server: &ServerName, ended: Result<Output, TransportError>) {
        let problem = match ended {
            Ok(output) if output.status == 0 => return,
            Ok(output) => {
                let message = format!("server `{server}`: its logs could not be read");
                let mut problem = Diagnostic::failed(message);
                let said = output.stderr.lines().filter(|line| !line.is_empty());
                problem.details = said.map(str::to_owned).collect();
                problem
            }
            Err(error) => error.diagnostic(server),
        };
        self.failed.insert(server.clone());
        self.context.ui.problem(&problem);
    }

    fn ending(&self) -> Ending {
        if !self.failed.is_empty() {
            Ending::With(Class::Partial)
        } else if self.unknown && !self.shown {
            // Of a unit that is gone, lines may be left.
            Ending::With(Class::Usage)
        } else {
            Ending::Done
        }
    }
}

impl<'a> Watch<'a> {
    /// Shows on `screen`, until the first interrupt.
    pub(super) fn new(screen: Screen<'a>, interrupts: watch::Receiver<u32>) -> Self {
        Self { screen, interrupts }
    }

    /// Shows all that there is. Each stream is in order, so the earliest of their next lines comes next.
    pub(super) async fn read(&mut self, mut streams: Receivers) -> Result<Ending> {
        let mut heads: Vec<Option<Line>> = streams.iter().map(|_| None).collect();
        let mut ready = Vec::new();
        loop {
            let mut at = 0;
            while at < streams.len() {
                if heads[at].is_some() {
                    at += 1;
                    continue;
                }
                let (server, receiver) = &mut streams[at];
                if receiver.is_empty() && !self.screen.show(&std::mem::take(&mut ready))? {
                    return Ok(Ending::Done);
                }
                let event = tokio::select! {
                    event = receiver.recv() => event,
                    _ = self.interrupts.wait_for(|count| *count > 0) => {
                        return Err(interrupted().into());
                    }
                };
                match event {
                    Some(Event::Line(line)) => heads[at] = Some(line),
                    Some(Event::Absent(unit)) => self.screen.absent(&server.clone(), &unit),
                    Some(Event::Live | Event::Lost(_) | Event::Back) => {}
                    Some(Event::Ended(ended)) => self.screen.ended(&server.clone(), ended),
                    None => {
                        streams.remove(at);
                        heads.remove(at);
                    }
                }
            }
            let next = heads.iter().enumerate().min_by_key(|(_, line)| line.as_ref().map(|l| l.at));
            let Some(next) = next.map(|(index, _)| index) else {
                break;
            };
            ready.extend(heads[next].take());
            if ready.len() >= BATCH && !self.screen.show(&std::mem::take(&mut ready))? {
                return Ok(Ending::Done);
            }
        }
        if !self.screen.show(&ready)? {
            return Ok(Ending::Done);
        }
        if !self.screen.shown && self.screen.failed.is_empty() {
            self.screen.context.ui.note("no lines");
        }
        Ok(self.screen.ending())
    }

    /// Shows what there is, and what comes. The old lines of all servers are waited for, but not for ever.
    pub(super) async fn follow(&mut self, streams: Receivers) -> Result<Ending> {
        let mut past: BTreeSet<ServerName> = streams.iter().map(|(name, _)| name.clone()).collect();
        let mut events = merged(streams);
        let mut window = Window::default();
        let patience = Instant::now() + PATIENCE;
        let mut turns = interval(TURN);
        turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let alone = past.len() == 1;
        let mut ready = Vec::new();
        let unread = self.screen.context.ui.unread();
        let mut unread = std::pin::pin!(unread);
        loop {
            let settled = past.is_empty();
            tokio::select! {
                () = &mut unread => return Ok(Ending::Done),
                event = events.recv() => {
                    let Some((server, event)) = event else { break };
                    match event {
                        // Of one server all lines are in order already.
                        Event::Line(line) if alone => ready.push(line),
                        Event::Line(line) => ready.extend(window.push(line)),
                        Event::Absent(unit) => self.screen.absent(&server, &unit),
                        Event::Live => { past.remove(&server); }
                        Event::Lost(error) => {
                            past.remove(&server);
                            let text = format!("{server}: {error}; trying again");
                            self.screen.context.ui.warn(&text);
                        }
                        Event::Back => self.screen.context.ui.note(&format!("{server}: is back")),
                        Event::Ended(ended) => {
                            past.remove(&server);
                            self.screen.ended(&server, ended);
                        }
                    }
                    if !settled && past.is_empty() {
                        ready.extend(window.clear());
                    }
                }
                _ = turns.tick(), if settled && !alone => ready.extend(window.turn()),
                () = sleep_until(patience), if !settled => {
                    past.clear();
                    ready.extend(window.clear());
                }
                _ = self.interrupts.wait_for(|count| *count > 0) => {
                    ready.extend(window.clear());
                    self.screen.show(&ready)?;
                    return Ok(Ending::Done);
                }
            }
            if (events.is_empty() || ready.len() >= BATCH)
                && !ready.is_empty()
                && !self.screen.show(&std::mem::take(&mut ready))?
            {
                return Ok(Ending::Done);
            }
        }
        ready.extend(window.clear());
        self.screen.show(&ready)?;
        Ok(self.screen.ending())
    }
}

/// All streams as one.
fn merged(streams: Receivers) -> mpsc::Receiver<(ServerName, Event)> {
    let (sender, receiver) = mpsc::channel(256);
    for (server, mut stream) in streams {
        let sender = sender.clone();
        tokio::spawn(async move {
            while let Some(event) = stream.recv().await {
                if sender.send((server.clone(), event)).await.is_err() {
                    return;
                }
            }
        });
    }
    receiver
}
