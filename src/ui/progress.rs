//! Progress of long work on many servers: a line per server in work at a terminal, and a result line for each.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::{Tone, Ui, format, style};

/// The most lines of servers in work; more of them only turn over too fast to be read.
const LINES: usize = 8;

/// How a server came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// Done, and something changed or was learnt.
    Done,
    /// Nothing was to be done; shown at a terminal or with `-v` only.
    Same,
    /// Done, but something needs attention.
    Attention,
    /// Not done.
    Failed,
}

impl Mark {
    fn sign(self) -> (&'static str, Tone) {
        match self {
            Self::Done => ("✓", Tone::Good),
            Self::Same => ("=", Tone::Dim),
            Self::Attention => ("!", Tone::Warn),
            Self::Failed => ("✗", Tone::Bad),
        }
    }
}

/// Shows what each server is at, and how it came out.
///
/// At a terminal the servers in work have a line each on stderr that follows [`Self::state`]; the result lines
/// of [`Self::done`] go to stdout. Without a terminal there are only result lines, with `-q` only those of
/// failed servers, and with `--output json` none. Dropping it clears the lines.
#[derive(Debug)]
pub struct Progress<'a> {
    ui: &'a Ui,
    screen: Option<Screen>,
}

#[derive(Debug)]
struct Screen {
    lines: MultiProgress,
    overall: ProgressBar,
    servers: Mutex<BTreeMap<String, AtWork>>,
}

/// A server in work.
#[derive(Debug)]
struct AtWork {
    state: String,
    /// Its line, if there was room for one.
    line: Option<ProgressBar>,
}

impl<'a> Progress<'a> {
    pub(super) fn begin(ui: &'a Ui, total: usize) -> Self {
        let settings = ui.settings();
        let wanted = settings.can_redraw && !settings.quiet && !settings.json;
        let screen = wanted.then(|| Screen::new(total, settings.stderr.colour));
        if let (Some(screen), Ok(mut shown)) = (&screen, ui.progress.lock()) {
            *shown = Some(screen.lines.clone());
        }
        Self { ui, screen }
    }

    /// Says what `server` is at: `connecting`, `observing`, `applying`, `testing`, `probing`.
    pub fn state(&self, server: &str, state: &str) {
        if self.ui.settings().verbose > 1 {
            self.ui.note(&format!("{server}: {state}"));
        }
        if let Some(screen) = &self.screen {
            screen.state(server, state);
        }
    }

    /// Ends the line of `server` without a result line: the result is shown in another way.
    pub fn end(&self, server: &str) {
        if let Some(screen) = &self.screen {
            screen.done(server);
        }
    }

    /// Says how `server` came out, and what that took.
    pub fn done(&self, server: &str, mark: Mark, text: &str, took: Duration) {
        self.end(server);
        let settings = self.ui.settings();
        let shown = match mark {
            Mark::Failed => true,
            Mark::Done | Mark::Attention => !settings.quiet,
            Mark::Same => !settings.quiet && (self.screen.is_some() || settings.verbose > 0),
        };
        if !shown {
            return;
        }
        let (sign, tone) = mark.sign();
        self.ui.live(|page| {
            page.text(sign, tone)
                .text(" ", Tone::Plain)
                .text(server, Tone::Strong)
                .text(" ", Tone::Plain)
                .text(text, Tone::Plain)
                .text(" ", Tone::Plain)
                .toned_line(&format::duration(took), Tone::Dim);
        });
    }
}

impl Drop for Progress<'_> {
    fn drop(&mut self) {
        if let Some(screen) = &self.screen {
            screen.overall.finish_and_clear();
            let _ = screen.lines.clear();
        }
        if let Ok(mut shown) = self.ui.progress.lock() {
            *shown = None;
        }
    }
}

impl Screen {
    fn new(total: usize, colour: bool) -> Self {
        let lines = MultiProgress::with_draw_target(ProgressDrawTarget::stderr());
        let overall = ProgressBar::new(total as u64).with_style(template(if colour {
            "{pos:.bold}/{len} servers done{msg} {elapsed:.dim}"
        } else {
            "{pos}/{len} servers done{msg} {elapsed}"
        }));
        let overall = lines.add(overall);
        overall.enable_steady_tick(Duration::from_millis(250));
        Self {
            lines,
            overall,
            servers: Mutex::default(),
        }
    }

    fn state(&self, server: &str, state: &str) {
        let Ok(mut servers) = self.servers.lock() else {
            return;
        };
        let state = style::harmless(state).into_owned();
        if let Some(at_work) = servers.get_mut(server) {
            if let Some(line) = &at_work.line {
                line.set_message(state.clone());
            }
            at_work.state = state;
            return;
        }
        let shown = servers.values().filter(|s| s.line.is_some()).count();
        let line = (shown < LINES).then(|| self.line(server, &state));
        servers.insert(server.to_owned(), AtWork { state, line });
        self.count(&servers);
    }

    fn done(&self, server: &str) {
        let Ok(mut servers) = self.servers.lock() else {
            return;
        };
        if let Some(line) = servers.remove(server).and_then(|at_work| at_work.line) {
            line.finish_and_clear();
            self.lines.remove(&line);
            // The room goes to the first that has none.
            if let Some((name, next)) = servers.iter_mut().find(|(_, s)| s.line.is_none()) {
                next.line = Some(self.line(name, &next.state));
            }
        }
        self.overall.inc(1);
        self.count(&servers);
    }

    fn line(&self, server: &str, state: &str) -> ProgressBar {
        let line = ProgressBar::new_spinner()
            .with_style(template("{spinner} {prefix} {msg}"))
            .with_prefix(style::harmless(server).into_owned())
            .with_message(state.to_owned());
        let line = self.lines.insert_before(&self.overall, line);
        line.enable_steady_tick(Duration::from_millis(100));
        line
    }

    fn count(&self, servers: &BTreeMap<String, AtWork>) {
        let hidden = servers.values().filter(|s| s.line.is_none()).count();
        self.overall.set_message(if hidden > 0 {
            format!(", {hidden} more at work")
        } else {
            String::new()
        });
    }
}

fn template(text: &str) -> ProgressStyle {
    ProgressStyle::with_template(text).unwrap_or_else(|_| ProgressStyle::default_spinner())
}
