//! Completions and man pages in the repository are those of the parser; `FLEET_REGENERATE=1` writes them anew.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use clap::Command;
use fleet::commands::complete::Shell;

/// Every generated file: path in the repository and content.
fn generated() -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    for (shell, name) in [
        (Shell::Bash, "fleet.bash"),
        (Shell::Zsh, "_fleet"),
        (Shell::Fish, "fleet.fish"),
        (Shell::Powershell, "_fleet.ps1"),
    ] {
        files.insert(Path::new("completions").join(name), shell.script().into());
    }
    let mut root = fleet::cli::root(80);
    root.build();
    files.insert("man/fleet.1".into(), root_page(root.clone()));
    let descriptions: BTreeMap<String, String> = fleet::commands::all()
        .into_iter()
        .map(|entry| {
            (
                entry.command.get_name().to_owned(),
                entry.description.join("\n\n"),
            )
        })
        .filter(|(_, description)| !description.is_empty())
        .collect();
    for command in root
        .get_subcommands()
        .filter(|command| !command.is_hide_set())
    {
        let title = format!("fleet-{}", command.get_name());
        let mut command = command.clone();
        if let Some(description) = descriptions.get(command.get_name()) {
            command = command.long_about(description.clone());
        }
        let page = page(command.name(title.clone()));
        files.insert(format!("man/{title}.1").into(), page);
    }
    let example = include_str!("../inventory.example.toml");
    files.insert(
        "man/fleet-inventory.5".into(),
        inventory_page(example).into(),
    );
    files
}

/// What roff(7) would take for something else.
fn escaped(text: &str) -> String {
    let text = text.replace('\\', "\\e").replace('-', "\\-");
    if text.starts_with(['.', '\'']) {
        format!("\\&{text}")
    } else {
        text
    }
}

/// fleet-inventory(5): the example, which a test holds to every key there is, as a page. A comment is about the lines below it.
fn inventory_page(example: &str) -> String {
    let version = env!("CARGO_PKG_VERSION");
    let mut page = format!(
        ".TH fleet\\-inventory 5 \"\" \"fleet {version}\" fleet\n.SH NAME\n\
         fleet\\-inventory \\- the servers of fleet, and how it works with them\n.SH DESCRIPTION\n\
         The inventory is a file in TOML. Each entry below is a line of it, with its default or an example, as in\n\
         inventory.example.toml, where lines with defaults are commented.\n.PP\n"
    );
    let (mut words, mut keys): (Vec<String>, Vec<&str>) = (Vec::new(), Vec::new());
    let end = |page: &mut String, words: &mut Vec<String>, keys: &mut Vec<&str>| {
        for (at, key) in keys.iter().enumerate() {
            let request = if at == 0 { ".TP" } else { ".TQ" };
            let _ = writeln!(page, "{request}\n\\fB{}\\fR", escaped(key));
        }
        for line in words.drain(..) {
            let _ = writeln!(page, "{line}");
        }
        keys.clear();
    };
    for line in example.lines() {
        let bare = line.strip_prefix("# ").unwrap_or(line);
        let is_key = bare.split_once(" = ").is_some_and(|(key, _)| {
            key.chars()
                .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "_.".contains(c))
        });
        if let Some(title) = bare.strip_prefix("── ") {
            end(&mut page, &mut words, &mut keys);
            let title = title.trim_end_matches('─').trim();
            let _ = writeln!(page, ".SH {}", escaped(&title.to_uppercase()));
        } else if bare.starts_with('[') {
            // What was said just before is about the section.
            let about = std::mem::take(&mut words);
            end(&mut page, &mut words, &mut keys);
            let _ = writeln!(page, ".SS {}", escaped(bare));
            if !about.is_empty() {
                let _ = writeln!(page, "{}", about.join("\n"));
            }
        } else if is_key {
            keys.push(bare);
        } else if bare.is_empty() || bare == "#" {
            end(&mut page, &mut words, &mut keys);
            let _ = writeln!(page, ".PP");
        } else {
            if !keys.is_empty() {
                end(&mut page, &mut words, &mut keys);
            }
            words.push(escaped(bare));
        }
    }
    end(&mut page, &mut words, &mut keys);
    let _ = writeln!(page, ".SH SEE ALSO\n.BR fleet (1)");
    page
}

/// The page of `fleet` itself: that of the parser, with what concerns all commands.
fn root_page(command: Command) -> Vec<u8> {
    let mut text = String::from_utf8(page(command)).expect("a page in UTF-8");
    for (heading, lines) in [
        ("ENVIRONMENT", &fleet::cli::ENVIRONMENT[..]),
        ("FILES", &fleet::cli::FILES),
        ("EXIT STATUS", &fleet::cli::EXIT_CODES),
    ] {
        let _ = writeln!(text, ".SH {heading}");
        for (word, meaning) in lines {
            // roff(7): a line that begins with a dot is a request, a hyphen may be broken at.
            let meaning = meaning.replace('-', "\\-").replace("./", "\\&./");
            let _ = writeln!(text, ".TP\n\\fB{word}\\fR\n{meaning}");
        }
    }
    text.push_str(".SH SEE ALSO\n.BR fleet\\-inventory (5)\n");
    text.into_bytes()
}

fn page(command: Command) -> Vec<u8> {
    let mut text = Vec::new();
    clap_mangen::Man::new(command)
        .manual("fleet")
        .render(&mut text)
        .expect("a page in memory");
    // As they stand: in a filled paragraph, blanks and line breaks would get into what is quoted.
    let text = String::from_utf8(text).expect("UTF-8");
    match text.split_once(".SH EXTRA\nExamples:\n") {
        Some((before, examples)) => {
            format!("{before}.SH EXAMPLES\n.nf\n{}\n.fi\n", examples.trim_end()).into()
        }
        None => text.into(),
    }
}

#[test]
fn completions_and_man_pages_are_current() {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR"));
    let wanted = generated();
    let mut found = BTreeSet::new();
    for directory in ["completions", "man"] {
        for entry in std::fs::read_dir(repository.join(directory))
            .into_iter()
            .flatten()
        {
            let name = entry.expect("a directory entry").file_name();
            found.insert(Path::new(directory).join(name));
        }
    }
    let stale: Vec<&PathBuf> = wanted
        .iter()
        .filter(|(path, text)| std::fs::read(repository.join(path)).ok().as_ref() != Some(*text))
        .map(|(path, _)| path)
        .collect();
    let left_over: Vec<&PathBuf> = found
        .iter()
        .filter(|path| !wanted.contains_key(*path))
        .collect();

    if std::env::var_os("FLEET_REGENERATE").is_some() {
        for path in left_over {
            std::fs::remove_file(repository.join(path)).expect("a file that can be removed");
        }
        for (path, text) in &wanted {
            let path = repository.join(path);
            std::fs::create_dir_all(path.parent().expect("a parent")).expect("its directory");
            std::fs::write(path, text).expect("a writable file");
        }
        return;
    }
    assert!(
        stale.is_empty() && left_over.is_empty(),
        "stale: {stale:?}, left over: {left_over:?}\n\
         run `FLEET_REGENERATE=1 cargo test --test generated` and commit what it writes"
    );
}

#[test]
fn they_repeat() {
    assert_eq!(generated(), generated());
}

#[test]
fn the_parser_is_consistent() {
    fleet::cli::root(80).debug_assert();
}

#[test]
fn every_command_says_what_it_does_and_how() {
    for entry in fleet::commands::all() {
        let name = entry.command.get_name().to_owned();
        let about = entry.command.get_about().map(ToString::to_string);
        let about = about.unwrap_or_default();
        assert!(!about.is_empty(), "`{name}` has no line for the help");
        assert!(!about.ends_with('.'), "`{name}`: no full stop in the help");
        let length = about.chars().count();
        assert!(
            length <= 60,
            "`{name}`: {length} characters do not fit one line of the help: {about}"
        );
        assert!(!entry.examples.is_empty(), "`{name}` has no example");
        for (line, _) in &entry.examples {
            let words = shlex::split(line).unwrap_or_default();
            assert!(
                words.first().is_some_and(|w| w == "fleet") && words.contains(&name),
                "the example `{line}` is not one of `{name}`"
            );
            // A pipe or a second command of the example is the shell's.
            let own = words
                .iter()
                .take_while(|w| !["|", "&&", ";"].contains(&w.as_str()) && !w.starts_with('>'));
            if let Err(error) = fleet::cli::root(80).try_get_matches_from(own) {
                panic!("the example `{line}` cannot be parsed: {error}");
            }
        }
        for argument in entry.command.get_arguments() {
            let described = argument.get_help().is_some() || argument.is_hide_set();
            assert!(described, "`{name}`: `{}` has no help", argument.get_id());
        }
    }
}
