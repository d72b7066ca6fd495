//! `fleet complete`: what can follow on a command line that is being typed; the shells' completion scripts ask it.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use serde_json::json;

use super::{Ending, Example, Group, Verb};
use crate::context::{Context, Globals};
use crate::ui::Page;

mod line;
mod place;
mod source;

use line::Line;
use place::{Candidate, Place};

/// The most candidates that are printed. Nobody reads more; what all of them begin with is still right, since the last
/// one is always among them.
const MOST: usize = 200;

/// The shells with a completion script.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Shell {
    /// GNU bash, 4.4 or later.
    Bash,
    /// zsh, with `compinit`.
    Zsh,
    /// fish, 3 or later.
    Fish,
    /// `PowerShell`, 5.1 or later.
    Powershell,
}

impl Shell {
    /// The script that this shell loads. All it does is to ask `fleet complete`, so it never grows old.
    pub fn script(self) -> &'static str {
        match self {
            Self::Bash => include_str!("complete/fleet.bash"),
            Self::Zsh => include_str!("complete/fleet.zsh"),
            Self::Fish => include_str!("complete/fleet.fish"),
            Self::Powershell => include_str!("complete/fleet.ps1"),
        }
    }
}

/// Prints `values`, then a line with each word that the one being typed may become, with a tab and what it means; or
/// `files` or `directories`, where the shell knows better. Nothing is said when there is no inventory or no state, when
/// they cannot be read or when the state is locked; nothing is ever written.
#[derive(Args, Debug)]
#[command(hide = true)]
pub struct Complete {
    /// The shell that asks: decides how values are quoted
    #[arg(value_name = "SHELL", value_enum)]
    shell: Shell,
    /// The line up to the cursor, from a shell that does not take words apart as they will be run
    #[arg(long, value_name = "LINE", allow_hyphen_values = true)]
    line: Option<String>,
    /// The characters that begin a new word for the shell's editor
    #[arg(long, value_name = "CHARACTERS", allow_hyphen_values = true)]
    breaks: Option<String>,
    /// The words up to the cursor, the program's name first; the last is the one being typed
    #[arg(value_name = "WORD", last = true)]
    words: Vec<String>,
}

impl Verb for Complete {
    const NAME: &'static str = "complete";
    const ABOUT: &'static str = "Say what can follow on a command line";
    const GROUP: Group = Group::Setup;
    const EXAMPLES: &'static [Example] = &[
        (
            "fleet complete zsh -- fleet show-site exa",
            "As the script of zsh asks",
        ),
        ("fleet complete bash --line 'fleet show-site exa'", ""),
    ];

    fn run(self, context: &Context) -> anyhow::Result<Ending> {
        let line = match self.line {
            Some(text) => Line::split(&text),
            None => Line::of_words(self.words),
        };
        let entries = super::all();
        let (directive, candidates) = match place::find(&entries, &line.words) {
            Some(typed) => offered(context, typed),
            None => ("values", Vec::new()),
        };
        let current = line.words.last().map_or("", String::as_str);
        let shown: Vec<(String, String)> = fewer(candidates)
            .into_iter()
            .map(|found| {
                let text = line::quoted(&found.text, self.shell, line.quote);
                let cut = self.breaks.as_deref().map_or(0, |breaks| line::cut(current, breaks));
                (text.get(cut..).unwrap_or(&text).to_owned(), found.meaning)
            })
            .collect();
        let value = json!({ "complete": { "directive": directive, "values": shown } });
        context.ui.show(&value, |page| print(page, directive, &shown))?;
        Ok(Ending::Done)
    }
}

/// What can stand at that place, and what the shell does with it.
fn offered(context: &Context, typed: place::Typed) -> (&'static str, Vec<Candidate>) {
    let asked = context.as_if(globals(context, &typed));
    match typed.place {
        Place::Known(candidates) => ("values", candidates),
        Place::Value {
            argument,
            before,
            text,
        } => {
            let source = source::of(&typed.command, &argument);
            let found = source.candidates(&asked, &typed.earlier, &text);
            let whole = |candidate: Candidate| candidate.after(&before);
            (source.directive(), found.into_iter().map(whole).collect())
        }
    }
}

/// The inventory and the state that the line being typed names.
fn globals(context: &Context, typed: &place::Typed) -> Globals {
    let named = |flag: &str| {
        let value = typed.globals.get(flag)?;
        Some(match (value.strip_prefix("~/"), context.home()) {
            (Some(below), Some(home)) => home.join(below),
            _ => PathBuf::from(value),
        })
    };
    Globals {
        inventory: named("inventory"),
        state: named("state"),
        ..Globals::default()
    }
}

/// At most [`MOST`] of them, the last one included.
fn fewer(mut candidates: Vec<Candidate>) -> Vec<Candidate> {
    if candidates.len() > MOST {
        candidates.drain(MOST - 1..candidates.len() - 1);
    }
    candidates
}

fn print(page: &mut Page, directive: &str, candidates: &[(String, String)]) {
    page.line(directive);
    for (text, meaning) in candidates {
        if meaning.is_empty() {
            page.line(text);
        } else {
            page.line(&format!("{text}\t{meaning}"));
        }
    }
}
