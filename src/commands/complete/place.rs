//! Where on a command line the cursor stands: at a command, a flag, or the value of an argument.

use std::collections::BTreeMap;

use clap::{Arg, ArgAction, Args, Command};

use super::super::Entry;
use crate::context::Globals;

/// Something that the word being typed may become.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Candidate {
    /// The whole word.
    pub(super) text: String,
    /// What it means; may be empty.
    pub(super) meaning: String,
}

impl Candidate {
    /// A word with its meaning, of which the first line is kept, cropped.
    pub(super) fn new(text: impl Into<String>, meaning: &str) -> Self {
        const LONGEST: usize = 70;
        let line = meaning.lines().next().unwrap_or_default();
        let mut meaning: String = line.chars().take(LONGEST).collect();
        if meaning.len() < line.len() {
            meaning.push('…');
        }
        Self {
            text: text.into(),
            meaning,
        }
    }

    /// The same after what stands before it in the same word.
    pub(super) fn after(mut self, before: &str) -> Self {
        self.text.insert_str(0, before);
        self
    }
}

/// Where the cursor stands.
#[derive(Debug)]
pub(super) enum Place {
    /// Where everything that fits is known from the parser alone.
    Known(Vec<Candidate>),
    /// At the value of an argument.
    Value {
        /// The argument.
        argument: Box<Arg>,
        /// What stands before the value in the same word: `--server=`, or `sg-1,`.
        before: String,
        /// What is typed of the value.
        text: String,
    },
}

/// A line up to the cursor, understood.
#[derive(Debug)]
pub(super) struct Typed {
    /// The command's name; empty as long as there is none.
    pub(super) command: String,
    /// The positional values before the cursor.
    pub(super) earlier: Vec<String>,
    /// The values of global flags by their names.
    pub(super) globals: BTreeMap<String, String>,
    /// Where the cursor stands.
    pub(super) place: Place,
}

/// Finds the place of the last of `words`, of which the first is the program's name. `None` where nothing can follow.
pub(super) fn find(entries: &[Entry], words: &[String]) -> Option<Typed> {
    let root = Globals::augment_args(Command::new("fleet"));
    let (current, words) = words.get(1..)?.split_last()?;
    let mut reader = Reader {
        entries,
        root: &root,
        command: None,
        earlier: Vec::new(),
        given: Vec::new(),
        globals: BTreeMap::new(),
        flags_end: false,
        waiting: None,
    };
    for word in words {
        reader.read(word)?;
    }
    let place = reader.place(current)?;
    Some(Typed {
        command: reader.name().to_owned(),
        earlier: reader.earlier,
        globals: reader.globals,
        place,
    })
}

struct Reader<'a> {
    entries: &'a [Entry],
    root: &'a Command,
    command: Option<&'a Command>,
    earlier: Vec<String>,
    /// The flags before the cursor.
    given: Vec<String>,
    globals: BTreeMap<String, String>,
    /// Whether `--` was there.
    flags_end: bool,
    /// The flag whose value comes next.
    waiting: Option<Arg>,
}

impl<'a> Reader<'a> {
    fn name(&self) -> &'a str {
        self.command.map_or("", Command::get_name)
    }

    /// The arguments that may be given here: those of the command, then the global ones.
    fn arguments(&self) -> impl Iterator<Item = &'a Arg> {
        let own = self.command.into_iter().flat_map(Command::get_arguments);
        own.chain(self.root.get_arguments())
    }

    fn flag(&self, name: &str) -> Option<&'a Arg> {
        let mut arguments = self.arguments();
        arguments.find(|argument| argument.get_long() == Some(name))
    }

    /// The short flag that waits for a value after this word: the last of `-qn`.
    fn short(&self, word: &str) -> Option<&'a Arg> {
        let letter = word.strip_prefix('-')?.chars().last()?;
        let mut arguments = self.arguments();
        arguments.find(|argument| argument.get_short() == Some(letter))
    }

    fn note(&mut self, flag: &Arg, value: &str) {
        let name = flag.get_long().unwrap_or_default();
        self.globals.insert(name.to_owned(), value.to_owned());
    }

    /// Takes a whole word; `None` when no command line can go on after it.
    fn read(&mut self, word: &str) -> Option<()> {
        if let Some(flag) = self.waiting.take() {
            self.note(&flag, word);
        } else if word == "--" && !self.flags_end {
            self.flags_end = true;
        } else if let Some(rest) = word.strip_prefix("--").filter(|_| !self.flags_end) {
            let (name, value) = match rest.split_once('=') {
                Some((name, value)) => (name, Some(value)),
                None => (rest, None),
            };
            self.given.push(name.to_owned());
            if let Some(flag) = self.flag(name) {
                match value {
                    Some(value) => self.note(flag, value),
                    None => self.waiting = takes_value(flag).then(|| flag.clone()),
                }
            }
        } else if word.starts_with('-') && word.len() > 1 && !self.flags_end {
            self.waiting = self.short(word).filter(|flag| takes_value(flag)).cloned();
        } else if self.command.is_none() {
            let mut entries = self.entries.iter();
            let entry = entries.find(|entry| entry.command.get_name() == word)?;
            self.command = Some(&entry.command);
        } else {
            self.earlier.push(word.to_owned());
        }
        Some(())
    }

    fn place(&self, word: &str) -> Option<Place> {
        if let Some(flag) = &self.waiting {
            return Some(value(flag, "", word));
        }
        if word.starts_with('-') && !self.flags_end {
            if let Some((name, typed)) = word.split_once('=') {
                let flag = self.flag(name.strip_prefix("--")?)?;
                return takes_value(flag).then(|| value(flag, &format!("{name}="), typed));
            }
            return Some(Place::Known(self.flags(word)));
        }
        let Some(command) = self.command else {
            return Some(Place::Known(commands(self.entries, word)));
        };
        let positionals: Vec<&Arg> = command.get_positionals().collect();
        let repeated = |argument: &&&Arg| matches!(argument.get_action(), ArgAction::Append);
        let argument = positionals
            .get(self.earlier.len())
            .or_else(|| positionals.last().filter(repeated))?;
        Some(value(argument, "", word))
    }

    fn flags(&self, word: &str) -> Vec<Candidate> {
        let typed = word.trim_start_matches('-');
        let mut found: Vec<Candidate> = self
            .arguments()
            .filter(|argument| !argument.is_hide_set())
            .filter_map(|argument| {
                let name = argument.get_long()?;
                let again = matches!(argument.get_action(), ArgAction::Append | ArgAction::Count);
                let fits = name.starts_with(typed) && (again || !self.given.iter().any(|g| g == name));
                let help = argument.get_help().map(ToString::to_string).unwrap_or_default();
                fits.then(|| Candidate::new(format!("--{name}"), &help))
            })
            .collect();
        let mut own = vec![("help", "Print help")];
        if self.command.is_none() {
            own.push(("version", "Print version"));
        }
        let own = own.into_iter().filter(|(name, _)| name.starts_with(typed));
        found.extend(own.map(|(name, help)| Candidate::new(format!("--{name}"), help)));
        found
    }
}

fn takes_value(flag: &Arg) -> bool {
    flag.get_action().takes_values()
}

/// The place at a value: of an argument with a delimiter, or of a selector, at the last of its parts.
fn value(argument: &Arg, before: &str, word: &str) -> Place {
    let is_list = argument.get_value_delimiter() == Some(',')
        || argument.get_value_names().is_some_and(|names| names.iter().any(|n| n == "SELECTOR"));
    let at = match word.rfind(',') {
        Some(comma) if is_list => comma + 1,
        _ => 0,
    };
    let (earlier, text) = word.split_at(at);
    Place::Value {
        argument: Box::new(argument.clone()),
        before: format!("{before}{earlier}"),
        text: text.to_owned(),
    }
}

fn commands(entries: &[Entry], typed: &str) -> Vec<Candidate> {
    entries
        .iter()
        .map(|entry| &entry.command)
        .filter(|command| !command.is_hide_set() && command.get_name().starts_with(typed))
        .map(|command| {
            let about = command.get_about().map(ToString::to_string);
            Candidate::new(command.get_name(), &about.unwrap_or_default())
        })
        .collect()
}
