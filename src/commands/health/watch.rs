//! `fleet health --watch`: a screen that follows the servers; without a terminal a line for each change.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::super::checking::CheckArgs;
use super::super::notifying::Complaints;
use super::super::{look, notifying};
use super::{Ending, Known, changes, table};
use crate::context::Context;
use crate::diagnostic::Diagnostic;
use crate::health::Look;
use crate::model::{Health, Server, ServerName};
use crate::state::Sweeping;
use crate::transport::Connector;
use crate::ui::{Page, Screen, Tone, format};

/// The screen is not drawn more often than this while looks come in.
const BETWEEN_DRAWS: Duration = Duration::from_millis(150);

/// What is placed on the servers is checked not more often than this: each site is a request, from two sides.
const BETWEEN_CHECKS: Duration = Duration::from_secs(60);

/// How long to wait before a sweep is tried again that another one keeps from beginning.
const BUSY: Duration = Duration::from_millis(500);

/// Lines above the table.
const HEAD: usize = 3;

struct Watch<'c> {
    context: &'c Context,
    servers: &'c [&'c Server],
    screen: Option<Screen<'c>>,
    every: Duration,
    checks: &'c CheckArgs,
    /// When the checks were last begun.
    checked: Option<Instant>,
    /// The last look at each server, with what the last checks found.
    looks: BTreeMap<ServerName, Look>,
    known: Known,
    drawn: Option<Instant>,
    /// What keeps it from looking.
    trouble: Option<String>,
}

/// Looks again and again until Ctrl-C.
pub(super) fn watch(
    context: &Context,
    servers: &[&Server],
    checks: &CheckArgs,
    limit: Duration,
    every: Duration,
) -> anyhow::Result<Ending> {
    if context.globals.wants_json() {
        return Err(Diagnostic::usage("a watch has no end, and so no JSON value")
            .hint("`fleet health --json` again and again does the same")
            .into());
    }
    let connector = context.connector()?;
    // What cannot be recorded cannot be watched: that is told before the screen changes.
    drop(context.state()?);
    context.block_on(async {
        let mut interrupts = context.interrupts()?;
        let mut resizes = context.resizes()?;
        let unread = context.ui.unread();
        let mut unread = std::pin::pin!(unread);
        let watch = RefCell::new(Watch {
            context,
            servers,
            screen: context.ui.screen(),
            every,
            checks,
            checked: None,
            looks: BTreeMap::new(),
            known: Known::default(),
            drawn: None,
            trouble: None,
        });
        watch.borrow_mut().begin();
        loop {
            let next = Instant::now() + every;
            let after = {
                let sweep = sweep(&watch, &connector, limit);
                let mut sweep = std::pin::pin!(sweep);
                loop {
                    tokio::select! {
                        swept = &mut sweep => break swept?,
                        () = &mut unread => return Ok(Ending::Done),
                        _ = interrupts.wait_for(|count| *count > 0) => return Ok(Ending::Done),
                        _ = resizes.recv() => watch.borrow_mut().draw(),
                    }
                }
            };
            let next = match after {
                Next::InTurn => next,
                Next::After(wait) => Instant::now() + wait,
                Next::Over => return Ok(Ending::Done),
            };
            loop {
                tokio::select! {
                    () = tokio::time::sleep_until(next.into()) => break,
                    () = &mut unread => return Ok(Ending::Done),
                    _ = interrupts.wait_for(|count| *count > 0) => return Ok(Ending::Done),
                    _ = resizes.recv() => watch.borrow_mut().draw(),
                }
            }
        }
    })?
}

/// What follows a sweep.
enum Next {
    /// Another one, in its turn.
    InTurn,
    /// Another one after this time, since another fleet is at it.
    After(Duration),
    /// Nothing: nobody reads it any more.
    Over,
}

/// One sweep.
async fn sweep(
    watch: &RefCell<Watch<'_>>,
    connector: &Connector,
    limit: Duration,
) -> anyhow::Result<Next> {
    let (context, servers) = {
        let watch = watch.borrow();
        (watch.context, watch.servers)
    };
    let words = format!("a watch, process {}", std::process::id());
    let lock = match context.state()?.begin_sweep(&words)? {
        Sweeping::We(lock) => lock,
        Sweeping::Another(other) => {
            let mut watch = watch.borrow_mut();
            watch.trouble = Some(format!("waiting for another sweep ({})", other.words));
            watch.draw();
            return Ok(Next::After(BUSY));
        }
    };
    let checking = watch.borrow_mut().checks_now(Instant::now());
    let checking = match checking {
        Some(checks) => Some(checks.checking(context, servers)?),
        None => None,
    };
    let checked = checking.is_some();
    let on_look = |look: &Look| watch.borrow_mut().take(look);
    let looks =
        look::look_and_check(context, connector, servers, limit, checking, on_look).await?;
    if checked {
        watch.borrow_mut().looks = looks.iter().map(|look| (look.server.clone(), look.clone())).collect();
    }
    let events = look::record(context, &looks)?;
    drop(lock);
    // What cannot be sent is told by `list-notifications`, and must not tear the screen.
    notifying::deliver(context, Complaints::Kept).await?;
    let mut watch = watch.borrow_mut();
    watch.known = Known::read(context, servers)?;
    watch.trouble = None;
    if watch.screen.is_none() {
        let is_read = context.ui.part(|page| {
            for event in &events {
                changes::event(page, event);
            }
        })?;
        if !is_read {
            return Ok(Next::Over);
        }
    }
    watch.draw();
    Ok(Next::InTurn)
}

impl<'c> Watch<'c> {
    /// Without a terminal: what is not well already, since only changes follow.
    fn begin(&mut self) {
        self.known = Known::read(self.context, self.servers).unwrap_or_default();
        if self.screen.is_some() {
            self.draw();
            return;
        }
        if self.context.globals.quiet {
            return;
        }
        let now = self.context.now();
        self.context.ui.live(|page| {
            for (name, standing) in &self.known.standings {
                if !standing.status.is_well() {
                    changes::line(page, name, None, standing, now);
                }
            }
        });
    }

    /// What to check in the sweep that begins now, if it is time.
    fn checks_now(&mut self, now: Instant) -> Option<&'c CheckArgs> {
        let since = self.checked.map(|checked| now.duration_since(checked));
        // A sweep that begins a little early must not put the checks off by a whole turn.
        let due = since.is_none_or(|since| since + self.every / 2 >= BETWEEN_CHECKS);
        if !due {
            return None;
        }
        self.checked = Some(now);
        Some(self.checks)
    }

    /// Takes a look that has just come in. What the last checks found stays until the next ones are complete, unless the
    /// server went away.
    fn take(&mut self, look: &Look) {
        let mut look = look.clone();
        let before = self.looks.remove(&look.server);
        if let Some(before) = before.filter(|_| look.observation.health != Health::Offline) {
            look.checks = before.checks;
        }
        self.looks.insert(look.server.clone(), look);
        if self.drawn.is_none_or(|drawn| drawn.elapsed() >= BETWEEN_DRAWS) {
            self.draw();
        }
    }

    fn draw(&mut self) {
        self.drawn = Some(Instant::now());
        if let Some(screen) = &self.screen {
            let size = self.context.terminal_size();
            screen.draw(size, |page| self.page(page, size.1));
        }
    }

    fn page(&self, page: &mut Page, rows: usize) {
        let now = self.context.now();
        let looks: Vec<Look> = self.looks.values().cloned().collect();
        let mut every = format::seconds(self.every.as_secs());
        if self.checks.any() && self.every < BETWEEN_CHECKS {
            let checks = format::seconds(BETWEEN_CHECKS.as_secs());
            every = format!("{every}, checks every {checks}");
        }
        page.text(&format::time(now), Tone::Strong);
        page.line(&format!("  {}", table::sum(&looks)));
        let waits = self.servers.len().saturating_sub(looks.len());
        page.toned_line(
            &match (&self.trouble, waits) {
                (Some(trouble), _) => trouble.clone(),
                (None, 0) => format!("every {every}, Ctrl-C ends"),
                (None, waits) => format!("{waits} not seen yet; every {every}, Ctrl-C ends"),
            },
            Tone::Dim,
        );
        page.end();
        if looks.is_empty() {
            return;
        }
        servers(page, looks, &self.known, now, rows.saturating_sub(HEAD));
    }
}

/// The servers and what is wrong with them, on so many rows. What needs attention comes first: a screen has an end.
fn servers(page: &mut Page, looks: Vec<Look>, known: &Known, now: Timestamp, rows: usize) {
    let mut looks = looks;
    looks.sort_by_key(|look| (!table::is_worth_a_word(look, known), look.server.clone()));
    let mut servers = table::table();
    for look in &looks {
        servers.row(table::row(look, known));
    }
    let words = |page: &mut Page| {
        for look in &looks {
            table::words(page, look, known, now);
        }
    };
    let mut alone = Page::new(page.width(), false);
    words(&mut alone);
    let told = alone.finish().lines().count();
    if told == 0 {
        page.table(&servers);
    } else if 1 + looks.len() + 1 + told <= rows {
        page.table(&servers);
        page.end();
        words(page);
    } else {
        // The words name their servers; those that are well are what the screen has no room for.
        words(page);
        page.end();
        page.table(&servers);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::model::check::{Aspect, Extents, Status, Subject, Vantage};
    use crate::model::{Check, Observation, ResourceName};

    #[test]
    fn what_is_wrong_is_on_the_screen_however_many_servers_there_are() {
        let now: Timestamp = "2026-01-02T03:04:05Z".parse().unwrap();
        let look = |number: usize| {
            let server: ServerName = format!("sg-{number}").parse().unwrap();
            let site = ResourceName::new("site", "a.example");
            let subject = Subject::resource(server.clone(), site);
            let (aspect, from) = (Aspect::Http, Vantage::Server);
            let bad = Check::new(subject, aspect, from, Status::Bad, "answers 500");
            Look {
                server,
                observation: Observation {
                    at: now,
                    health: Health::Online,
                    reasons: Vec::new(),
                    facts: None,
                },
                took: Duration::ZERO,
                peer: None,
                error: None,
                checks: (number == 60).then_some(bad).into_iter().collect(),
                extents: Extents::default(),
            }
        };
        let shown = |number: usize, rows: usize| -> Vec<String> {
            let looks = (61 - number..=60).map(look).collect();
            let mut page = Page::new(Some(80), false);
            servers(&mut page, looks, &Known::default(), now, rows);
            page.finish().lines().map(|line| line.trim_end().to_owned()).collect()
        };
        let wrong = "sg-60: site a.example answers 500 (on the server)";
        let all = shown(60, 47);
        assert_eq!(all[0], wrong);
        assert!(all[2].starts_with("SERVER") && all[3].starts_with("sg-60"), "{all:?}");
        let few = shown(3, 47);
        assert!(few[1].starts_with("sg-60") && few[2].starts_with("sg-58"), "{few:?}");
        assert_eq!(few[5], wrong);
        assert_eq!(shown(3, 6), few);
        assert_eq!(shown(3, 5)[0], wrong);
    }
}
