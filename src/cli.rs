//! The command line: the root parser, the flags of every command, and usage errors as diagnostics.

use std::ffi::OsString;
use std::fmt::Write as _;

use clap::builder::styling::{AnsiColor, Style, Styles};
use clap::builder::{StyledStr, ValueParser};
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Args, Command, FromArgMatches};

use crate::commands::{self, Call, Entry};
use crate::context::{Environment, Globals};
use crate::diagnostic::{Class, Diagnostic, Ending, did_you_mean};

/// What was asked for on the command line.
#[derive(Debug)]
pub enum Invocation {
    /// Run a command.
    Command(Call),
    /// Print this help or version text, and end like this.
    Help(StyledStr, Ending),
}

/// Reads the command line; an error is a usage error.
pub fn parse(arguments: &[OsString], environment: &Environment) -> Result<Invocation, Diagnostic> {
    if let [_, flag] = arguments
        && (flag == "--version" || flag == "-V")
    {
        // Scripts ask for nothing else very often; the parser of all commands would take longer than all the rest.
        let version = format!("fleet {}\n", env!("CARGO_PKG_VERSION"));
        return Ok(Invocation::Help(version.into(), Ending::Done));
    }
    let width = environment.stdout_width().unwrap_or(80).clamp(40, 100);
    let mut root = root(width);
    let arguments = &asked_for_help(arguments)[..];
    if arguments.len() <= 1 {
        // Somebody who types `fleet` wants to know what there is; a script that does so is wrong.
        return Ok(Invocation::Help(
            root.render_help(),
            Ending::With(Class::Usage),
        ));
    }
    let matches = match root.try_get_matches_from(arguments) {
        Ok(matches) => matches,
        Err(error) => {
            return match error.kind() {
                ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
                    Ok(Invocation::Help(error.render(), Ending::Done))
                }
                _ => Err(usage_error(&error, arguments)),
            };
        }
    };
    let Some((name, matches)) = matches.subcommand() else {
        return Err(Diagnostic::usage("no command was given").hint("see `fleet --help`"));
    };
    let globals =
        Globals::from_arg_matches(matches).map_err(|error| usage_error(&error, arguments))?;
    Ok(Invocation::Command(Call {
        name: name.to_owned(),
        globals,
        matches: matches.clone(),
    }))
}

/// `fleet help` and `fleet help add-site` as what they mean: `fleet --help`, `fleet add-site --help`.
fn asked_for_help(arguments: &[OsString]) -> Vec<OsString> {
    let is_help = |word: &OsString| word == "help";
    let mut arguments = arguments.to_vec();
    if arguments.len() <= 3 && arguments.get(1).is_some_and(is_help) {
        arguments.remove(1);
        arguments.push("--help".into());
    }
    arguments
}

/// The global flags of a command line that could not be parsed, as far as they say how to report that.
pub fn guess_globals(arguments: &[OsString]) -> Globals {
    let mut globals = Globals::default();
    let mut words = arguments.iter().filter_map(|a| a.to_str());
    while let Some(word) = words.next() {
        match word {
            "--" => break,
            "--json" | "--output=json" => globals.json = true,
            "--output" => globals.json |= words.next() == Some("json"),
            "--no-color" => globals.no_color = true,
            _ => {}
        }
    }
    globals
}

/// The whole parser; help is wrapped at `width` columns.
pub fn root(width: usize) -> Command {
    let entries = commands::all();
    let root = Globals::augment_args(Command::new("fleet"))
        .version(env!("CARGO_PKG_VERSION"))
        .about("Place websites and other resources on many servers, and apply them over SSH")
        .styles(styles())
        .term_width(width)
        .max_term_width(width)
        .color(clap::ColorChoice::Always)
        .subcommand_required(true)
        .disable_help_subcommand(true)
        .help_template(help_template(&entries, width));
    root.subcommands(entries.into_iter().map(|entry| {
        let examples = examples(&entry);
        let described = described(&entry, &examples, width);
        let command = entry.command.next_line_help(false).help_template(described);
        if examples.is_empty() {
            command
        } else {
            command.after_help(examples)
        }
    }))
}

/// The variables that fleet reads, and what they are for.
pub const ENVIRONMENT: [(&str, &str); 8] = [
    (
        "FLEET_INVENTORY",
        "inventory; without it ./inventory.toml, then ~/.config/fleet/inventory.toml",
    ),
    (
        "FLEET_STATE",
        "state database; without it settings.state of the inventory, then ~/.local/share/fleet/state.db",
    ),
    (
        "FLEET_KEY_FILE",
        "key that seals stored secrets; without it settings.key_command of the inventory, then ~/.config/fleet/key",
    ),
    (
        "FLEET_PASSPHRASE_FILE",
        "passphrase of the stored secrets, where one opens them and nobody can be asked",
    ),
    (
        "FLEET_KEY_PASSPHRASE_FILE",
        "passphrase of encrypted SSH keys, where nobody can be asked",
    ),
    ("FLEET_OPERATOR", "who runs fleet, for the record of tasks"),
    ("NO_COLOR", "no colours, when it is not empty"),
    ("CLICOLOR_FORCE", "colours without a terminal, too"),
];

/// The files that fleet reads and writes, here and on servers, and what they are.
pub const FILES: [(&str, &str); 7] = [
    (
        "./inventory.toml, ~/.config/fleet/inventory.toml",
        "the inventory of servers, see fleet-inventory(5)",
    ),
    (
        "~/.local/share/fleet/state.db",
        "what should be where, and what was done; backups of it lie beside it",
    ),
    ("~/.config/fleet/key", "the key that seals stored secrets"),
    (
        "~/.ssh/known_hosts, /etc/ssh/ssh_known_hosts",
        "host keys, as ssh keeps them",
    ),
    (
        "~/.ssh/config, /etc/ssh/ssh_config",
        "how servers are reached, where ssh is installed",
    ),
    (
        "/var/lib/fleet",
        "on a server: transactions and the trash of databases and signing keys",
    ),
    (".fleet-trash", "on a server: the trash of a directory"),
];

/// What the exit codes mean.
pub const EXIT_CODES: [(&str, &str); 9] = [
    ("0", "done"),
    ("1", "failed"),
    ("2", "wrong usage or invalid input"),
    (
        "3",
        "some servers failed or are pending, or resources are blocked; the others are done",
    ),
    ("4", "no server can take it"),
    ("5", "a server is not online"),
    ("6", "there are changes to apply (--detailed-exitcode)"),
    ("7", "a change was undone because it was not confirmed"),
    ("8", "a lock or a time limit stood in the way"),
];

/// The colours of help texts.
fn styles() -> Styles {
    Styles::plain()
        .header(HEADING)
        .usage(HEADING)
        .literal(LITERAL)
        .placeholder(AnsiColor::Cyan.on_default())
}

const HEADING: Style = Style::new().bold();
const LITERAL: Style = AnsiColor::Cyan.on_default().bold();

/// The help of `fleet` itself: the commands by subject, which clap cannot group.
fn help_template(entries: &[Entry], width: usize) -> String {
    let entries: Vec<&Entry> = entries
        .iter()
        .filter(|e| !e.command.is_hide_set())
        .collect();
    let mut out = String::from("{about}\n\n{usage-heading} fleet [OPTIONS] COMMAND\n");
    let widest = entries.iter().map(|e| e.command.get_name().len()).max();
    let widest = widest.unwrap_or_default();
    let mut group = "";
    for entry in entries {
        if entry.group != group {
            group = &entry.group;
            let _ = write!(out, "\n{HEADING}{group}:{HEADING:#}\n");
        }
        let name = entry.command.get_name();
        let about = entry.command.get_about().map(ToString::to_string);
        let about = about.unwrap_or_default();
        let _ = write!(out, "  {LITERAL}{name:<widest$}{LITERAL:#} ");
        wrap(&mut out, &about, widest + 3, width);
    }
    let _ = write!(out, "\n{HEADING}Options:{HEADING:#}\n{{options}}\n\n");
    for (heading, lines) in [
        ("Environment", &ENVIRONMENT[..]),
        ("Exit codes", &EXIT_CODES),
    ] {
        let _ = writeln!(out, "{HEADING}{heading}:{HEADING:#}");
        let widest = lines.iter().map(|(word, _)| word.len()).max();
        let widest = widest.unwrap_or_default();
        for (word, meaning) in lines {
            let _ = write!(out, "  {LITERAL}{word:<widest$}{LITERAL:#} ");
            wrap(&mut out, meaning, widest + 3, width);
        }
        out.push('\n');
    }
    out.push_str("See");
    let more = "`fleet COMMAND --help` for the arguments and examples of a command";
    wrap(&mut out, more, 3, width);
    out
}

/// The help of a command: its one line, what it does, then its arguments.
fn described(entry: &Entry, examples: &str, width: usize) -> String {
    let mut out = String::from("{about-with-newline}\n");
    for paragraph in &entry.description {
        let mut lines = String::new();
        wrap(&mut lines, paragraph, 0, width + 1);
        for line in lines.lines() {
            let _ = writeln!(out, "{}", line.trim_start());
        }
        out.push('\n');
    }
    out.push_str("{usage-heading} {usage}\n\n{all-args}");
    if !examples.is_empty() {
        // Not as `{after-help}`, which clap wraps: a line break within quotes makes another command of an example.
        let _ = write!(out, "\n\n{examples}");
    }
    out
}

/// Appends the words of `text`, each after a blank, and breaks lines before `width`; `column` is where the text
/// begins, and where its further lines begin.
fn wrap(out: &mut String, text: &str, column: usize, width: usize) {
    let mut at = column;
    for word in text.split_whitespace() {
        let length = 1 + word.chars().count();
        if at + length > width && at > column {
            let _ = write!(out, "\n{:1$}", "", column);
            at = column;
        }
        let _ = write!(out, " {word}");
        at += length;
    }
    out.push('\n');
}

fn examples(entry: &Entry) -> String {
    if entry.examples.is_empty() {
        return String::new();
    }
    let mut out = format!("{HEADING}Examples:{HEADING:#}");
    for (line, meaning) in &entry.examples {
        if !meaning.is_empty() {
            let _ = write!(out, "\n  # {meaning}");
        }
        let _ = write!(out, "\n  {LITERAL}{line}{LITERAL:#}");
    }
    out
}

/// A parser for a name that must not be empty or begin with a hyphen.
pub fn name_parser() -> ValueParser {
    ValueParser::from(|text: &str| {
        if text.is_empty() || text.starts_with('-') {
            Err("a name cannot be empty or begin with `-`".to_owned())
        } else {
            Ok(text.to_owned())
        }
    })
}

/// A clap error in fleet's own words.
fn usage_error(error: &clap::Error, arguments: &[OsString]) -> Diagnostic {
    let text = |kind: ContextKind| error.get(kind).map(plain);
    let argument = undecorated(&text(ContextKind::InvalidArg).unwrap_or_default());
    let value = text(ContextKind::InvalidValue).unwrap_or_default();
    let message = match error.kind() {
        ErrorKind::InvalidSubcommand => {
            let name = text(ContextKind::InvalidSubcommand).unwrap_or_default();
            format!("there is no command `{name}`")
        }
        ErrorKind::UnknownArgument => format!("unexpected argument `{argument}`"),
        ErrorKind::MissingRequiredArgument => {
            let missing = match error.get(ContextKind::InvalidArg) {
                Some(ContextValue::Strings(all)) => all.iter().map(|a| missing(a)).collect(),
                _ => vec![missing(&argument)],
            };
            format!("missing {}", missing.join(", "))
        }
        ErrorKind::ArgumentConflict => {
            match text(ContextKind::PriorArg).as_deref().map(undecorated) {
                Some(prior) if prior == argument => format!("`{argument}` is given more than once"),
                Some(prior) => format!("`{argument}` cannot be used with `{prior}`"),
                None => format!("`{argument}` cannot be used here"),
            }
        }
        ErrorKind::InvalidValue if value.is_empty() => format!("`{argument}` needs a value"),
        ErrorKind::InvalidValue => format!("`{value}` is not a value of `{argument}`"),
        ErrorKind::ValueValidation => {
            let cause = std::error::Error::source(error).map(ToString::to_string);
            let cause = cause.unwrap_or_else(|| "not valid".to_owned());
            // As the standard library says it (`ParseIntError`).
            let cause = match cause.as_str() {
                "invalid digit found in string" => "write a whole number".to_owned(),
                _ => cause,
            };
            format!("`{value}` is not a value of `{argument}`: {cause}")
        }
        ErrorKind::MissingSubcommand => "no command was given".to_owned(),
        ErrorKind::InvalidUtf8 => "an argument is not valid UTF-8".to_owned(),
        _ => first_line(error),
    };
    let mut diagnostic = Diagnostic::usage(message);
    if let Some(near) = nearest_command(error) {
        diagnostic = diagnostic.hint(format!("did you mean `{near}`"));
    }
    for kind in [ContextKind::SuggestedArg, ContextKind::SuggestedValue] {
        if let Some(suggestions) = error.get(kind) {
            diagnostic = diagnostic.hint(format!("did you mean {}", quoted(suggestions)));
        }
    }
    if let Some(valid) = error.get(ContextKind::ValidValue)
        && error.get(ContextKind::SuggestedValue).is_none()
    {
        let valid = quoted(valid);
        if !valid.is_empty() {
            diagnostic = diagnostic.hint(format!("the values are {valid}"));
        }
    }
    diagnostic.hint(format!("see `{} --help`", command_in(arguments)))
}

/// An argument as it is called in a sentence: without the marks of a usage line, `--for TIME`, `TASK`.
fn undecorated(argument: &str) -> String {
    argument
        .replace(['<', '>', '[', ']'], "")
        .replace("...", "")
}

/// What is missing: an argument, or one of a group of them (`<--site <DOMAIN>|--service <SERVICE>>`).
fn missing(argument: &str) -> String {
    let argument = undecorated(argument);
    let flags: Vec<&str> = argument
        .split('|')
        .map(|flag| flag.split(' ').next().unwrap_or(flag))
        .collect();
    match &flags[..] {
        [first @ .., last] if !first.is_empty() && last.starts_with("--") => {
            let first: Vec<String> = first.iter().map(|flag| format!("`{flag}`")).collect();
            format!("{} or `{last}`", first.join(", "))
        }
        _ => format!("`{argument}`"),
    }
}

/// The command that was probably meant.
fn nearest_command(error: &clap::Error) -> Option<String> {
    let typed = plain(error.get(ContextKind::InvalidSubcommand)?);
    let entries = commands::all();
    let names = entries.iter().map(|entry| entry.command.get_name());
    did_you_mean(&typed, names).map(str::to_owned)
}

/// `fleet add-site`, or `fleet` where no command is named.
fn command_in(arguments: &[OsString]) -> String {
    let entries = commands::all();
    let named = arguments.iter().skip(1).find(|argument| {
        let mut names = entries.iter().map(|entry| entry.command.get_name());
        names.any(|name| argument.to_str() == Some(name))
    });
    match named.and_then(|argument| argument.to_str()) {
        Some(name) => format!("fleet {name}"),
        None => "fleet".to_owned(),
    }
}

fn first_line(error: &clap::Error) -> String {
    let rendered = error.render().to_string();
    let line = rendered.lines().next().unwrap_or_default();
    line.trim_start_matches("error: ").to_owned()
}

fn plain(value: &ContextValue) -> String {
    match value {
        ContextValue::StyledStr(text) => text.to_string(),
        other => other.to_string(),
    }
}

fn quoted(value: &ContextValue) -> String {
    match value {
        ContextValue::Strings(all) => {
            let all: Vec<String> = all.iter().map(|one| format!("`{one}`")).collect();
            all.join(", ")
        }
        other => format!("`{}`", plain(other)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documented_exit_codes_are_those_of_the_classes() {
        let classes = [
            Class::Failed,
            Class::Usage,
            Class::Partial,
            Class::NoRoom,
            Class::Unhealthy,
            Class::Pending,
            Class::Reverted,
            Class::Locked,
        ];
        let codes = classes.map(Class::exit_code);
        let mut expected = vec![Ending::Done.exit_code()];
        expected.extend(codes);
        let documented: Vec<u8> = EXIT_CODES
            .iter()
            .filter_map(|(code, _)| code.parse().ok())
            .collect();
        assert_eq!(documented, expected);
    }

    #[test]
    fn what_is_missing_is_called_by_its_name() {
        for (argument, words) in [
            ("<FROM>", "`FROM`"),
            ("<COMMAND>...", "`COMMAND`"),
            ("--html <FILE>", "`--html FILE`"),
            ("--max-failures <N|N%>", "`--max-failures N|N%`"),
            (
                "<--site <DOMAIN>|--service <SERVICE>>",
                "`--site` or `--service`",
            ),
            (
                "<--for <TIME>|--until <WHEN>|--list>",
                "`--for`, `--until` or `--list`",
            ),
        ] {
            assert_eq!(missing(argument), words, "{argument}");
        }
    }

    #[test]
    fn help_is_a_word_too() {
        let words = |line: &str| line.split(' ').map(OsString::from).collect::<Vec<_>>();
        for (typed, meant) in [
            ("fleet help", "fleet --help"),
            ("fleet help add-site", "fleet add-site --help"),
            ("fleet run help", "fleet run help"),
            ("fleet help add-site x", "fleet help add-site x"),
        ] {
            assert_eq!(asked_for_help(&words(typed)), words(meant), "{typed}");
        }
    }

    #[test]
    fn a_command_line_that_cannot_be_parsed_still_says_how_to_report_that() {
        let globals = |line: &str| {
            let words: Vec<OsString> = line.split(' ').map(OsString::from).collect();
            guess_globals(&words)
        };
        assert!(globals("fleet x --json").wants_json());
        assert!(globals("fleet --output json x").wants_json());
        assert!(globals("fleet x --output=json --no-color").no_color);
        assert!(!globals("fleet x --output table").wants_json());
        assert!(!globals("fleet x -- --json").wants_json());
        assert!(!globals("fleet x --output").wants_json());
    }
}
