//! The house rules of `ARCHITECTURE.md`, held by reading the source: who may use whom, and who may do what.
//!
//! Each rule is a function from a file's path and text to complaints, tried here on small offenders first.

use std::path::{Path, PathBuf};

mod rules;
mod source;

use rules::Complaint;
use source::SourceFile;

/// Every Rust file below `src`, in order of path.
fn sources() -> Vec<SourceFile> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut paths = Vec::new();
    collect(&root, &mut paths);
    paths.sort();
    paths
        .iter()
        .map(|path| {
            let text = std::fs::read_to_string(path).expect("a readable source file");
            let name = path.strip_prefix(&root).expect("below src");
            SourceFile::new(&name.to_string_lossy(), &text)
        })
        .collect()
}

fn collect(directory: &Path, paths: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(directory).expect("a readable directory") {
        let path = entry.expect("a directory entry").path();
        if path.is_dir() {
            collect(&path, paths);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            paths.push(path);
        }
    }
}

/// Asserts that no file offends against `rule`, and that the rule looked at something.
fn hold(rule: impl Fn(&SourceFile) -> Vec<Complaint>) {
    let files = sources();
    assert!(files.len() > 20, "only {} source files found", files.len());
    let complaints: Vec<Complaint> = files.iter().flat_map(rule).collect();
    assert!(complaints.is_empty(), "\n{}\n", complaints.join("\n"));
}

#[test]
fn rooms_use_only_the_rooms_below_them() {
    hold(rules::imports);
}

#[test]
fn pure_rooms_stay_pure() {
    hold(rules::purity);
}

#[test]
fn each_privilege_has_one_room() {
    hold(rules::privileges);
}

#[test]
fn files_say_what_they_are_and_stay_small() {
    hold(rules::shape);
}

#[test]
fn every_file_is_part_of_the_crate() {
    let files = sources();
    let complaints = rules::orphans(&files);
    assert!(complaints.is_empty(), "\n{}\n", complaints.join("\n"));
}

#[test]
fn every_kind_item_and_command_is_registered() {
    let files = sources();
    let complaints = rules::registration(&files);
    assert!(complaints.is_empty(), "\n{}\n", complaints.join("\n"));
    // The rule looks for these words; were they gone, it would hold nothing.
    let registered = |room: &str| rules::registrants(&files, room).count();
    assert!(registered("kind") >= fleet::kind::KINDS.len());
    assert!(registered("item") >= fleet::item::ItemType::ALL.len());
    assert!(registered("commands") > 0);
}

#[test]
fn the_table_of_rooms_is_that_of_the_crate() {
    let mut rooms: Vec<String> = sources().iter().map(|f| f.room().to_owned()).collect();
    rooms.dedup();
    for room in &rooms {
        assert!(
            rules::below(room).is_some(),
            "`{room}` is not in the table of rooms"
        );
    }
    // No two rooms use each other, directly or around corners.
    for (room, _) in rules::ROOMS {
        let mut reached: Vec<&str> = rules::below(room).unwrap_or_default().to_vec();
        let mut next = 0;
        while next < reached.len() {
            for deeper in rules::below(reached[next]).unwrap_or_default() {
                if !reached.contains(deeper) {
                    reached.push(deeper);
                }
            }
            next += 1;
        }
        assert!(
            !reached.contains(room),
            "`{room}` reaches itself through the table"
        );
    }
}

/// There are two labs with servers of the same names: a test that knows the addresses of one fails in the other.
#[test]
fn tests_ask_the_lab_for_addresses() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let mut paths = ["lab_health.rs", "readme.rs", "transport/lab.rs"]
        .map(|name| root.join(name))
        .to_vec();
    collect(&root.join("lab"), &mut paths);
    assert!(paths.len() > 20, "{paths:?}");
    let known = [format!("10.{}.", 83), format!("fd{}:", 83)];
    for path in paths {
        let text = std::fs::read_to_string(&path).expect("a source file");
        let code = text
            .lines()
            .filter(|line| !line.trim_start().starts_with("//"));
        for line in code {
            assert!(
                !known.iter().any(|part| line.contains(part)),
                "{}: `{line}`\nhint: `Lab::address`",
                path.display()
            );
        }
    }
}

mod offenders {
    use super::*;

    #[track_caller]
    fn complains(
        rule: impl Fn(&SourceFile) -> Vec<Complaint>,
        name: &str,
        text: &str,
        expected: &[&str],
    ) {
        let complaints = rule(&SourceFile::new(name, text));
        assert_eq!(complaints, expected, "{name}: {text}");
    }

    #[test]
    fn an_import_upward_is_found_however_it_is_written() {
        let upward = "model/server.rs:2: `model` uses `state`";
        for text in [
            "\nuse crate::state::State;",
            "\nfn f() { crate::state::open() }",
            "\nuse crate::{state::State, model};",
            "\nuse super::super::state::State;",
            "\npub(in crate::state) fn f() {}",
        ] {
            complains(rules::imports, "model/server.rs", text, &[upward]);
        }
        complains(
            rules::imports,
            "item/mod.rs",
            "use super::plan::Plan;\nuse {\n    crate::{\n        shell,\n        kind::{self, Kind},\n    },\n};",
            &[
                "item/mod.rs:1: `item` uses `plan`",
                "item/mod.rs:5: `item` uses `kind`",
            ],
        );
    }

    #[test]
    fn what_is_no_import_is_not_taken_for_one() {
        for text in [
            "// use crate::state::State;",
            "/* crate::state /* nested */ crate::ui */",
            "/// See [`crate::state::State`].",
            "const A: &str = \"crate::state\";",
            "const A: &str = r#\"a \" crate::state\"#;",
            "const A: char = '\"'; const B: &str = \"crate::state\";",
            "fn f<'a>(x: &'a str) { let _ = \"crate::state\"; }",
            "#[cfg(test)]\nmod tests { use crate::state::State; }",
            "use crate::shell::Script; use super::resource;",
        ] {
            complains(rules::imports, "model/server.rs", text, &[]);
        }
        // What follows the tests counts again.
        complains(
            rules::imports,
            "item/file.rs",
            "#[cfg(test)]\nmod tests { fn f() { \"}\"; } }\nuse crate::ui;",
            &["item/file.rs:3: `item` uses `ui`"],
        );
    }

    #[test]
    fn a_pure_room_that_looks_outside_is_found() {
        for (text, what) in [
            ("std::fs::read(p)", "std::fs"),
            ("use std::{fs, fmt};", "std::fs"),
            ("std::time::Instant::now()", "Instant::now"),
            ("tokio::spawn(x)", "tokio"),
            ("use std::process::Command;", "std::process"),
            ("rusqlite::Connection::open(p)", "rusqlite"),
        ] {
            let expected = format!("plan/order.rs:1: a pure room uses `{what}`");
            complains(rules::purity, "plan/order.rs", text, &[&expected]);
            complains(rules::purity, "transport/ssh.rs", text, &[]);
        }
    }

    #[test]
    fn a_privilege_taken_elsewhere_is_found() {
        for (text, what) in [
            ("println!(\"x\")", "prints (`println!`): only `ui` may"),
            ("eprint!(\"x\")", "prints (`eprint!`): only `ui` may"),
            (
                "std::io::stdout().flush()",
                "prints (`stdout()`): only `ui` may",
            ),
            (
                "use std::env;",
                "reads the environment (`std::env`): only `context` may",
            ),
            (
                "env::var(\"A\")",
                "reads the environment (`env::`): only `context` may",
            ),
            (
                "SystemTime::now()",
                "reads the clock (`SystemTime::now`): only `context`, `transport` may",
            ),
            (
                "Timestamp::now()",
                "reads the clock (`Timestamp::now`): only `context`, `transport` may",
            ),
            (
                "std::process::exit(1)",
                "ends the process (`process::exit`): only `main` may",
            ),
            (
                "secret.reveal()",
                "reveals a secret (`.reveal()`): only `transport`, `notify`, `state`, `item`, `kind` may",
            ),
            ("x.unwrap()", "unwraps (`.unwrap()`): only tests may"),
            (
                "matches.try_contains_id(\"a\")",
                "asks for what no release says (`try_contains_id`): only tests may",
            ),
        ] {
            let expected = format!("health/sweep.rs:1: {what}");
            complains(rules::privileges, "health/sweep.rs", text, &[&expected]);
        }
        for (name, text) in [
            ("ui/mod.rs", "std::io::stdout()"),
            ("transport/local.rs", "command.stdout(Stdio::piped())"),
            ("context.rs", "std::env::vars_os()"),
            ("main.rs", "std::env::args_os()"),
            ("health/sweep.rs", "env!(\"CARGO_PKG_VERSION\")"),
            ("transport/session.rs", "script.reveal()"),
            (
                "health/sweep.rs",
                "#[cfg(test)]\nmod tests { fn f() { x.unwrap(); } }",
            ),
        ] {
            complains(rules::privileges, name, text, &[]);
        }
    }

    #[test]
    fn a_shapeless_file_is_found() {
        complains(
            rules::shape,
            "model/a.rs",
            "use x;",
            &["model/a.rs:1: does not begin with a `//!` sentence that says what it is"],
        );
        complains(
            rules::shape,
            "model/string_util.rs",
            "//! Strings.",
            &["model/string_util.rs:1: `util` says nothing about what is in it"],
        );
        complains(
            rules::shape,
            "helpers/a.rs",
            "//! A.",
            &["helpers/a.rs:1: `helpers` says nothing about what is in it"],
        );
        let long = format!("//! Long.\n{}", "\n".repeat(600));
        complains(
            rules::shape,
            "model/a.rs",
            &long,
            &["model/a.rs:1: 601 lines, more than 600"],
        );
    }

    #[test]
    fn a_file_that_nobody_registered_is_found() {
        let registry = SourceFile::new("kind/mod.rs", "pub mod site;\n[Kind::of::<site::Site>()]");
        let site = SourceFile::new("kind/site.rs", "impl Spec for Site {}");
        let zone = SourceFile::new("kind/zone.rs", "impl Spec for Zone {}");
        assert_eq!(
            rules::registration(&[registry.clone(), site.clone(), zone.clone()]),
            ["kind/zone.rs:1: `zone::Zone` is not in the list of kind/mod.rs"]
        );
        let root = SourceFile::new("lib.rs", "pub mod kind;");
        assert_eq!(
            rules::orphans(&[root, registry, site, zone]),
            ["kind/zone.rs:1: no module declares it"]
        );
    }
}
