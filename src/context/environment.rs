//! The process's surroundings, read once: variables, and what its standard streams are.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io::IsTerminal;
use std::path::PathBuf;

use super::Globals;
use crate::ui;

/// The process's surroundings, read once.
#[derive(Clone, Debug, Default)]
pub struct Environment {
    variables: BTreeMap<OsString, OsString>,
    stdin_is_terminal: bool,
    stdout_is_terminal: bool,
    stderr_is_terminal: bool,
    /// Columns of the terminal that stdout or stderr is.
    terminal_width: Option<usize>,
}

impl Environment {
    /// That of this process.
    pub fn of_this_process() -> Self {
        let size = terminal_size::terminal_size()
            .or_else(|| terminal_size::terminal_size_of(std::io::stderr()));
        Self {
            variables: std::env::vars_os().collect(),
            stdin_is_terminal: std::io::stdin().is_terminal(),
            stdout_is_terminal: std::io::stdout().is_terminal(),
            stderr_is_terminal: std::io::stderr().is_terminal(),
            terminal_width: size.map(|(width, _)| usize::from(width.0)),
        }
    }

    /// Columns and rows of the terminal just now; 80 and 24 when it does not say.
    pub(super) fn terminal_size() -> (usize, usize) {
        terminal_size::terminal_size().map_or((80, 24), |(columns, rows)| {
            (usize::from(columns.0), usize::from(rows.0))
        })
    }

    /// A variable that is set and not empty.
    pub fn variable(&self, name: &str) -> Option<&OsStr> {
        let value = self.variables.get(OsStr::new(name))?;
        (!value.is_empty()).then_some(value.as_os_str())
    }

    pub(super) fn text(&self, name: &str) -> Option<String> {
        Some(self.variable(name)?.to_string_lossy().into_owned())
    }

    pub(super) fn path(&self, name: &str) -> Option<PathBuf> {
        self.variable(name).map(PathBuf::from)
    }

    /// Columns to fit into: `COLUMNS`, else those of the terminal; `None` when stdout is no terminal.
    pub fn stdout_width(&self) -> Option<usize> {
        self.width(self.stdout_is_terminal)
    }

    fn width(&self, is_terminal: bool) -> Option<usize> {
        let asked = self.text("COLUMNS").and_then(|c| c.parse().ok());
        let asked = asked.filter(|columns| *columns >= 20);
        asked.or(if is_terminal {
            self.terminal_width.or(Some(80))
        } else {
            None
        })
    }

    /// Whether to write colours: not with `--no-color`, `NO_COLOR` (no-color.org) or a dumb terminal; else at a
    /// terminal, or always with `CLICOLOR_FORCE`.
    fn colour(&self, is_terminal: bool, no_color: bool) -> bool {
        if no_color || self.variable("NO_COLOR").is_some() {
            return false;
        }
        match self.text("CLICOLOR_FORCE").as_deref() {
            Some("0") | None => is_terminal && !self.is_dumb(),
            Some(_) => true,
        }
    }

    fn is_dumb(&self) -> bool {
        self.text("TERM").is_some_and(|term| term == "dumb")
    }

    pub(super) fn ui_settings(&self, globals: &Globals) -> ui::Settings {
        let stream = |is_terminal| ui::Stream {
            is_terminal,
            width: self.width(is_terminal),
            colour: self.colour(is_terminal, globals.no_color),
        };
        ui::Settings {
            json: globals.wants_json(),
            quiet: globals.quiet,
            verbose: globals.verbose,
            can_redraw: self.stderr_is_terminal && !self.is_dumb(),
            can_ask: self.stdin_is_terminal && self.stderr_is_terminal,
            stdout: stream(self.stdout_is_terminal),
            stderr: stream(self.stderr_is_terminal),
        }
    }
}
