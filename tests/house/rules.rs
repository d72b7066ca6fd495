//! The rules, each a function from source files to complaints.

use crate::source::{SourceFile, is_identifier};

/// `file:line: what is wrong`.
pub(crate) type Complaint = String;

/// Every room with the rooms it may use, from the ground up. An edge that is not here is not allowed.
pub(crate) const ROOMS: &[(&str, &[&str])] = &[
    ("diagnostic", &[]),
    ("shell", &[]),
    ("model", &["diagnostic", "shell"]),
    ("item", &["diagnostic", "shell", "model"]),
    ("kind", &["diagnostic", "shell", "model", "item"]),
    ("role", &["diagnostic", "shell", "model", "item"]),
    ("plan", &["diagnostic", "shell", "model", "item", "kind"]),
    (
        "inventory",
        &["diagnostic", "shell", "model", "kind", "http"],
    ),
    ("state", &["diagnostic", "shell", "model", "item", "kind"]),
    ("http", &[]),
    ("transport", &["diagnostic", "shell", "model"]),
    (
        "apply",
        &[
            "diagnostic",
            "shell",
            "model",
            "item",
            "kind",
            "plan",
            "transport",
        ],
    ),
    (
        "health",
        &[
            "diagnostic",
            "shell",
            "model",
            "item",
            "kind",
            "plan",
            "http",
            "transport",
        ],
    ),
    ("notify", &["diagnostic", "shell", "model", "http"]),
    ("copy", &["diagnostic", "shell", "model", "transport"]),
    ("logs", &["diagnostic", "shell", "model", "transport"]),
    (
        "ui",
        &["diagnostic", "shell", "model", "item", "kind", "plan"],
    ),
    (
        "picture",
        &["diagnostic", "model", "kind", "inventory", "state"],
    ),
    ("report", &["model", "ui", "picture"]),
    (
        "context",
        &[
            "diagnostic",
            "shell",
            "model",
            "kind",
            "plan",
            "inventory",
            "state",
            "transport",
            "notify",
            "ui",
        ],
    ),
    (
        "commands",
        &[
            "diagnostic",
            "shell",
            "model",
            "item",
            "kind",
            "role",
            "plan",
            "inventory",
            "state",
            "http",
            "transport",
            "apply",
            "copy",
            "health",
            "notify",
            "logs",
            "ui",
            "picture",
            "report",
            "context",
        ],
    ),
    ("cli", &["diagnostic", "ui", "context", "commands"]),
    ("main", &["diagnostic", "ui", "context", "commands", "cli"]),
    ("lib", &[]),
];

/// The rooms that do no I/O, read no clock and draw no random number.
const PURE: &[&str] = &[
    "diagnostic",
    "shell",
    "model",
    "item",
    "kind",
    "role",
    "plan",
    "report",
];

/// What a pure room must not use.
const IMPURE: &[&str] = &[
    "std::fs",
    "std::net::TcpStream",
    "std::net::UdpSocket",
    "std::net::ToSocketAddrs",
    "std::process",
    "std::thread",
    "std::env",
    "std::io",
    "Instant::now",
    "SystemRandom",
    "getrandom",
    "tokio",
    "rusqlite",
    "russh",
];

/// What only some rooms may do: the words that give it away, what it is, and who may.
const PRIVILEGES: &[(&[&str], &str, &[&str])] = &[
    (
        &[
            "println!",
            "print!",
            "eprintln!",
            "eprint!",
            "dbg!",
            "stdout()",
            "stderr()",
        ],
        "prints",
        &["ui"],
    ),
    (
        &["std::env", "env::"],
        "reads the environment",
        &["context"],
    ),
    (
        &["SystemTime::now", "Timestamp::now", "Zoned::now"],
        "reads the clock",
        // Transport compares certificates with the real clock: a clock that tests stop must not extend them.
        &["context", "transport"],
    ),
    (
        &["process::exit", "process::abort"],
        "ends the process",
        &["main"],
    ),
    (
        &[".reveal()"],
        "reveals a secret",
        // Notify sends those of a channel there.
        &["transport", "notify", "state", "item", "kind"],
    ),
    (&[".unwrap()"], "unwraps", &[]),
    (
        // An error in a build with debug assertions, as tests are, and none without them: clap knows its arguments only there.
        &["try_contains_id"],
        "asks for what no release says",
        &[],
    ),
];

/// Files that may do one thing more: file, word, and why.
const EXCEPTIONS: &[(&str, &str, &str)] = &[
    ("main.rs", "std::env", "argv comes in there"),
    (
        "kind/site/tls.rs",
        "SystemRandom",
        "ring wants one to read an ECDSA key; what is read does not depend on it",
    ),
    (
        "commands/change.rs",
        ".reveal()",
        "shows once what was generated",
    ),
    (
        "commands/show.rs",
        ".reveal()",
        "shows what it was told to reveal",
    ),
    (
        "context/environment.rs",
        "stdout()",
        "asks whether it is a terminal",
    ),
    (
        "context/environment.rs",
        "stderr()",
        "asks whether it is a terminal",
    ),
];

/// Files that may be longer than [`LONGEST`] lines: file, lines, and why.
const LONG: &[(&str, usize, &str)] = &[];

const LONGEST: usize = 600;

/// Words that say nothing about what is in a file.
const EMPTY_WORDS: &[&str] = &[
    "util", "utils", "helper", "helpers", "common", "manager", "misc",
];

/// The rooms that `room` may use.
pub(crate) fn below(room: &str) -> Option<&'static [&'static str]> {
    let mut rooms = ROOMS.iter();
    rooms
        .find(|(name, _)| *name == room)
        .map(|(_, below)| *below)
}

/// A room uses only the rooms below it.
pub(crate) fn imports(file: &SourceFile) -> Vec<Complaint> {
    let room = file.room();
    let allowed = below(room).unwrap_or_default();
    let mut complaints = Vec::new();
    for (at, target) in uses(file) {
        let own = target == room || room == "lib";
        if !own && below(&target).is_some() && !allowed.contains(&target.as_str()) {
            complaints.push(format!("{}: `{room}` uses `{target}`", file.place(at)));
        }
    }
    complaints
}

/// Every room that the file names in a path from the crate's root, with the place.
fn uses(file: &SourceFile) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let crate_word = if file.room() == "main" {
        "fleet"
    } else {
        "crate"
    };
    for at in file.find_all(crate_word) {
        let mut rest = at + crate_word.len();
        if file.code[..at].trim_end().ends_with("pub(in") || file.code[rest..].starts_with("::") {
            rest += 2;
            first_segments(&file.code, rest, &mut found);
        }
    }
    // `super::` chains that climb to the crate's root.
    let depth = file.module().len();
    for at in file.find_all("super") {
        if file.code[..at].ends_with("super::") {
            continue;
        }
        let chain = &file.code[at..];
        let climbs = chain
            .split("::")
            .take_while(|word| *word == "super")
            .count();
        if climbs == depth && climbs > 0 {
            first_segments(&file.code, at + climbs * "super::".len(), &mut found);
        }
    }
    found.sort_unstable();
    found
}

/// The first names of the path or the `{...}` group of paths at `at`.
fn first_segments(code: &str, at: usize, found: &mut Vec<(usize, String)>) {
    let rest = &code[at..];
    if !rest.starts_with('{') {
        let name: String = rest.chars().take_while(|c| is_identifier(*c)).collect();
        found.push((at, name));
        return;
    }
    let mut depth = 0;
    let mut expects_name = false;
    for (offset, c) in rest.char_indices() {
        match c {
            '{' => {
                depth += 1;
                expects_name = depth == 1;
            }
            '}' => {
                depth -= 1;
                if depth == 0 {
                    break;
                }
            }
            ',' => expects_name = depth == 1,
            c if is_identifier(c) && expects_name => {
                let name = rest[offset..].chars().take_while(|c| is_identifier(*c));
                found.push((at + offset, name.collect()));
                expects_name = false;
            }
            _ => {}
        }
    }
}

fn is_exception(file: &SourceFile, word: &str) -> bool {
    let mut exceptions = EXCEPTIONS.iter();
    exceptions.any(|(name, allowed, _)| *name == file.name && *allowed == word)
}

/// A pure room looks at nothing outside.
pub(crate) fn purity(file: &SourceFile) -> Vec<Complaint> {
    if !PURE.contains(&file.room()) {
        return Vec::new();
    }
    let mut complaints = Vec::new();
    for word in IMPURE.iter().filter(|word| !is_exception(file, word)) {
        let mut places: Vec<usize> = file.find_all(word).collect();
        if let Some(name) = word.strip_prefix("std::") {
            let mut grouped = Vec::new();
            for at in file.find_all("std::{") {
                first_segments(&file.code, at + "std::".len(), &mut grouped);
            }
            places.extend(grouped.iter().filter(|(_, n)| n == name).map(|(at, _)| *at));
        }
        for at in places {
            complaints.push(format!("{}: a pure room uses `{word}`", file.place(at)));
        }
    }
    complaints
}

/// What only some rooms may do, no other does.
pub(crate) fn privileges(file: &SourceFile) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    for (words, what, rooms) in PRIVILEGES {
        if rooms.contains(&file.room()) {
            continue;
        }
        for word in *words {
            if is_exception(file, word) {
                continue;
            }
            // `std::env::x` offends once; `command.stdout(..)` of a child process is no output of ours.
            let places = file.find_all(word).filter(|at| {
                let before = &file.code[..*at];
                let counted = *word == "env::" && before.ends_with("std::");
                let other = word.starts_with("std") && before.ends_with('.');
                !counted && !other
            });
            for at in places {
                let rooms: Vec<String> = rooms.iter().map(|room| format!("`{room}`")).collect();
                let who = if rooms.is_empty() {
                    "tests".to_owned()
                } else {
                    rooms.join(", ")
                };
                complaints.push(format!(
                    "{}: {what} (`{word}`): only {who} may",
                    file.place(at)
                ));
            }
        }
    }
    complaints
}

/// A file says what it is, has a name that means something, and is not too long.
pub(crate) fn shape(file: &SourceFile) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    let mut complain = |what: String| complaints.push(format!("{}:1: {what}", file.name));
    if !file.text.starts_with("//! ") {
        complain("does not begin with a `//!` sentence that says what it is".to_owned());
    }
    let words = file.name.trim_end_matches(".rs").split(['/', '_']);
    for word in words.filter(|word| EMPTY_WORDS.contains(word)) {
        complain(format!("`{word}` says nothing about what is in it"));
    }
    let lines = file.text.lines().count();
    let mut exceptions = LONG.iter();
    let longest = exceptions.find(|(name, ..)| *name == file.name);
    let longest = longest.map_or(LONGEST, |(_, lines, _)| *lines);
    if lines > longest {
        complain(format!("{lines} lines, more than {longest}"));
    }
    complaints
}

/// Every file is declared by the module above it.
pub(crate) fn orphans(files: &[SourceFile]) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    for file in files {
        let module = file.module();
        let Some((own, above)) = module.split_last() else {
            continue;
        };
        let above = above.join("/");
        let parents = if above.is_empty() {
            vec!["lib.rs".to_owned()]
        } else {
            vec![format!("{above}.rs"), format!("{above}/mod.rs")]
        };
        // `mod x;`, `#[cfg(test)] mod x;`, or `x::Type` in the list of a registry.
        let beside = format!("\"{own}.rs\"");
        let declared = files.iter().any(|parent| {
            let by_path = parent.module().starts_with(&module[..module.len() - 1])
                && parent.text.contains(&format!("#[path = {beside}]"));
            by_path
                || parents.contains(&parent.name)
                    && (parent.text.contains(&format!("mod {own};"))
                        || parent.find_all(&format!("{own}::")).next().is_some())
        });
        if !declared {
            complaints.push(format!("{}:1: no module declares it", file.name));
        }
    }
    complaints
}

/// What makes a file one of the registered: room and trait.
const REGISTERED: &[(&str, &[&str])] = &[
    ("kind", &["Spec"]),
    ("item", &["Atom"]),
    ("commands", &["Verb", "KindVerb"]),
];

/// The types of `room` that its list must hold, with their files.
pub(crate) fn registrants<'a>(
    files: &'a [SourceFile],
    room: &'a str,
) -> impl Iterator<Item = (&'a SourceFile, String)> + 'a {
    let traits = REGISTERED.iter().find(|(name, _)| *name == room);
    let traits = traits.map_or(&[][..], |(_, traits)| *traits);
    files
        .iter()
        .filter(move |file| file.room() == room)
        .flat_map(move |file| {
            traits.iter().flat_map(move |word| {
                let pattern = format!("impl {word} for ");
                let places: Vec<usize> = file
                    .code
                    .match_indices(&pattern)
                    .map(|(at, _)| at + pattern.len())
                    .collect();
                places.into_iter().map(move |at| {
                    let name = file.code[at..].chars().take_while(|c| is_identifier(*c));
                    (file, name.collect())
                })
            })
        })
}

/// Every kind, item and command is in the list of its room.
pub(crate) fn registration(files: &[SourceFile]) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    for (room, _) in REGISTERED {
        let list = format!("{room}/mod.rs");
        for (file, name) in registrants(files, room) {
            let module = file.module();
            let entry = format!("{}::{name}", module[1..].join("::"));
            let registered = files
                .iter()
                .any(|f| f.name == list && f.find_all(&entry).next().is_some());
            if !registered {
                complaints.push(format!(
                    "{}:1: `{entry}` is not in the list of {list}",
                    file.name
                ));
            }
        }
    }
    complaints
}
