//! The only writer to the terminal: data on stdout, everything else on stderr.

use std::io::{self, Write};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Context as _;
use serde::Serialize;

use crate::diagnostic::Diagnostic;
use crate::shell::Secret;

pub mod bar;
pub mod diff;
mod error;
pub mod format;
pub mod json;
pub mod page;
pub mod plan;
pub mod progress;
mod prompt;
mod reader;
mod screen;
pub mod style;
pub mod table;
mod wrap;

pub use page::Page;
pub use progress::{Mark, Progress};
pub use screen::Screen;
pub use style::Tone;
pub use table::{Cell, Table};

/// What is known of stdout or stderr.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stream {
    /// Whether a person reads it.
    pub is_terminal: bool,
    /// Columns to fit into; `None` where there is no limit.
    pub width: Option<usize>,
    /// Whether to use colours.
    pub colour: bool,
}

/// How to write.
#[allow(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// One JSON value instead of text.
    pub json: bool,
    /// Only errors, and the data that was asked for.
    pub quiet: bool,
    /// More detail.
    pub verbose: u8,
    /// Whether lines may be redrawn: stderr is a terminal that can move its cursor.
    pub can_redraw: bool,
    /// Whether there is a person to ask: stdin and stderr are terminals.
    pub can_ask: bool,
    /// Where data goes.
    pub stdout: Stream,
    /// Where everything else goes.
    pub stderr: Stream,
}

/// Writes results, notes, errors and progress, and asks questions.
#[derive(Debug)]
pub struct Ui {
    settings: Settings,
    /// The progress lines on the screen, which other output must not tear.
    progress: Mutex<Option<indicatif::MultiProgress>>,
    /// Whether the one JSON value has been printed.
    told: AtomicBool,
}

impl Ui {
    /// A writer with these settings.
    pub fn new(settings: Settings) -> Self {
        Self {
            settings,
            progress: Mutex::new(None),
            told: AtomicBool::new(false),
        }
    }

    /// How it writes.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Prints the result of a command: `value` with `--output json`, else what `text` puts on the page.
    ///
    /// Call it once per command, so that there is one JSON value. Fails when stdout cannot be written (a full
    /// disk); a closed pipe is no failure: what the command did is done, and nobody wants to read about it.
    pub fn show(&self, value: &impl Serialize, text: impl FnOnce(&mut Page)) -> anyhow::Result<()> {
        let stdout = self.settings.stdout;
        if self.settings.json {
            let text =
                json::render(value, stdout.is_terminal).context("cannot print the result")?;
            self.told.store(true, Ordering::Relaxed);
            return self.print(&text);
        }
        let mut page = Page::new(stdout.width, stdout.colour);
        text(&mut page);
        let hidden = page.hidden_columns();
        self.print(&page.finish())?;
        if hidden > 0 {
            self.note(&format!(
                "{} left out; a wider terminal or `--output json` shows {}",
                format::count(hidden, "column"),
                if hidden == 1 { "it" } else { "them" },
            ));
        }
        Ok(())
    }

    /// Stdout for bytes that are no text: what a command fetches for a program. Nothing else is printed there then.
    pub fn raw(&self) -> Box<dyn Write + Send> {
        Box::new(io::stdout())
    }

    /// Prints a line of a running command's result on stdout (not with `--output json`, where the result comes
    /// as one value at the end). A closed pipe or a full disk does not stop the work.
    pub fn live(&self, text: impl FnOnce(&mut Page)) {
        if !self.settings.json {
            let stdout = self.settings.stdout;
            let mut page = Page::new(stdout.width, stdout.colour);
            text(&mut page);
            let _ = self.print(&page.finish());
        }
    }

    /// Prints a part of a result that may never end, at once; `false` when nobody reads it any more.
    pub fn part(&self, text: impl FnOnce(&mut Page)) -> anyhow::Result<bool> {
        let stdout = self.settings.stdout;
        let mut page = Page::new(stdout.width, stdout.colour);
        text(&mut page);
        self.put(&page.finish())
    }

    /// The same as JSON: one value on a line of its own for each thing.
    pub fn json_lines(&self, values: impl Iterator<Item = impl Serialize>) -> anyhow::Result<bool> {
        let mut text = String::new();
        for value in values {
            text += &json::render(&value, false).context("cannot print the result")?;
        }
        self.put(&text)
    }

    /// Prints the help or version text.
    pub fn help(&self, text: &clap::builder::StyledStr) -> anyhow::Result<()> {
        let mut text = if self.settings.stdout.colour {
            text.ansi().to_string()
        } else {
            text.to_string()
        };
        if !text.ends_with('\n') {
            text.push('\n');
        }
        self.print(&text)
    }

    /// Says something on stderr that is good to know (not with `-q`).
    pub fn note(&self, text: &str) {
        if !self.settings.quiet {
            self.say(|page| {
                page.prose(0, text, Tone::Dim);
            });
        }
    }

    /// Says something on stderr that needs attention, even with `-q`.
    pub fn warn(&self, text: &str) {
        self.say(|page| {
            page.text("warning", Tone::Warn).text(": ", Tone::Plain);
            page.prose("warning: ".len(), text, Tone::Plain);
        });
    }

    /// Says what to do next, on stderr (not with `-q`).
    pub fn hint(&self, text: &str) {
        if !self.settings.quiet {
            self.say(|page| {
                page.text("hint", Tone::Hint).text(": ", Tone::Plain);
                page.prose("hint: ".len(), text, Tone::Plain);
            });
        }
    }

    /// Reports an error and returns the exit code of its class: on stderr, or as JSON on stdout, unless the result is there
    /// already or nothing can be written.
    pub fn error(&self, error: &anyhow::Error) -> u8 {
        let (class, problems) = error::problems(error);
        let in_json = self.settings.json && !self.told.load(Ordering::Relaxed) && {
            let value = json::error(class, &problems);
            let text = json::render(&value, self.settings.stdout.is_terminal);
            text.is_ok_and(|text| self.print(&text).is_ok())
        };
        if !in_json {
            self.say(|page| error::render(page, &problems));
        }
        class.exit_code()
    }

    /// Reports a problem on stderr while the command goes on.
    pub fn problem(&self, problem: &Diagnostic) {
        self.say(|page| error::render(page, std::slice::from_ref(problem)));
    }

    /// Begins to show progress, one line per thing that is worked on; see [`Progress`].
    pub fn progress(&self, total: usize) -> Progress<'_> {
        Progress::begin(self, total)
    }

    /// Asks a question; `None` at the end of the input.
    pub(crate) fn ask(&self, question: &str) -> io::Result<Option<String>> {
        self.undisturbed(|| prompt::ask(question))
    }

    /// Asks for a password without showing it; `None` at the end of the input.
    pub(crate) fn ask_password(&self, prompt: &str) -> anyhow::Result<Option<Secret>> {
        self.undisturbed(|| prompt::password(prompt))
    }

    fn say(&self, text: impl FnOnce(&mut Page)) {
        let stderr = self.settings.stderr;
        // Programs that read it get each problem and each hint as one line.
        let mut page = Page::new(stderr.width.filter(|_| stderr.is_terminal), stderr.colour);
        text(&mut page);
        let text = page.finish();
        // Nothing can be said about a stderr that is gone.
        let _ = self.undisturbed(|| io::stderr().lock().write_all(text.as_bytes()));
    }

    fn print(&self, text: &str) -> anyhow::Result<()> {
        self.put(text).map(drop)
    }

    /// Writes to stdout; `false` when that is a pipe that nobody reads any more.
    fn put(&self, text: &str) -> anyhow::Result<bool> {
        let written = self.undisturbed(|| {
            let mut stdout = io::stdout().lock();
            stdout.write_all(text.as_bytes())?;
            stdout.flush()
        });
        match written {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
            Err(error) => Err(error).context("cannot write to standard output"),
        }
    }

    /// Runs `write` while no progress line is on the screen.
    fn undisturbed<T>(&self, write: impl FnOnce() -> T) -> T {
        match self.progress.lock().ok().and_then(|p| p.clone()) {
            Some(lines) => lines.suspend(write),
            None => write(),
        }
    }
}
