//! The README tells the truth: its commands are commands, its tables are those of the program, and its tour can be made.

#![allow(clippy::print_stdout, reason = "a test that is left out says so")]

#[path = "lab/support.rs"]
mod lab;
mod support;

use std::path::Path;

use fleet::cli;
use fleet::inventory::Inventory;
use support::environment::Environment;

/// The lines between two fences, with the word after the first one.
struct Block {
    language: String,
    lines: Vec<String>,
}

fn readme() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    std::fs::read_to_string(path).expect("the README")
}

/// The fenced blocks, and the indented ones without a word.
fn blocks(text: &str) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut fenced = false;
    for line in text.lines() {
        if let Some(language) = line.strip_prefix("```") {
            fenced = !fenced;
            if fenced {
                blocks.push(Block {
                    language: language.to_owned(),
                    lines: Vec::new(),
                });
            }
        } else if fenced {
            let block = blocks.last_mut().expect("an open block");
            block.lines.push(line.to_owned());
        } else if let Some(code) = line.strip_prefix("    ") {
            blocks.push(Block {
                language: String::new(),
                lines: vec![code.to_owned()],
            });
        }
    }
    assert!(!fenced, "a block is not closed");
    blocks
}

/// The commands of a block as words; a pipe, a redirection or `&&` ends one.
fn commands(block: &Block) -> Vec<Vec<String>> {
    let mut commands = Vec::new();
    for line in &block.lines {
        let line = match block.language.as_str() {
            "console" => line.strip_prefix("$ ").unwrap_or_default(),
            "crontab" if line.starts_with('#') || !line.contains("* ") => "",
            // Minute, hour, day, month and weekday stand before the command.
            "crontab" => line.rsplit_once("* ").map_or("", |(_, command)| command),
            // Of a unit of systemd: fleet by its absolute name.
            "ini" => line.strip_prefix("ExecStart=/usr/bin/").unwrap_or_default(),
            // Of a pipeline: what its shell runs.
            "yaml" => line.trim().strip_prefix("- run: ").unwrap_or_default(),
            "sh" | "" => line,
            _ => "",
        };
        let words = shlex::split(line.trim()).expect("a line with balanced quotes");
        for command in words.split(|word| ["&&", "||", "|"].contains(&word.as_str())) {
            let end = command.iter().position(|word| word.starts_with('>'));
            let command = &command[..end.unwrap_or(command.len())];
            if !command.is_empty() {
                commands.push(command.to_vec());
            }
        }
    }
    commands
}

fn all_commands() -> Vec<Vec<String>> {
    blocks(&readme()).iter().flat_map(commands).collect()
}

/// The rows below the heading `## title`, without the two lines of the table's head.
fn table(title: &str) -> Vec<Vec<String>> {
    let text = readme();
    let (_, section) = text
        .split_once(&format!("\n## {title}\n"))
        .unwrap_or_else(|| panic!("no section `{title}`"));
    let rows = section
        .lines()
        .take_while(|line| !line.starts_with("## "))
        .filter(|line| line.starts_with('|'));
    rows.skip(2)
        .map(|row| {
            row.trim_matches('|')
                .split('|')
                .map(|cell| cell.trim().replace('`', ""))
                .collect()
        })
        .collect()
}

#[test]
fn its_commands_are_commands_of_fleet() {
    let mut seen = 0;
    for words in all_commands() {
        if words[0] != "fleet" {
            continue;
        }
        seen += 1;
        if let Err(error) = cli::root(80).try_get_matches_from(&words) {
            panic!("`{}`: {error}", words.join(" "));
        }
    }
    assert!(seen > 20, "only {seen} commands found");
}

#[test]
fn its_scripts_are_there() {
    let mut seen = 0;
    for words in all_commands() {
        if words[0].starts_with("tests/") {
            seen += 1;
            let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(&words[0]);
            let mode = std::fs::metadata(&path)
                .map(|found| std::os::unix::fs::PermissionsExt::mode(&found.permissions()));
            assert_eq!(mode.ok().map(|mode| mode & 0o111), Some(0o111), "{path:?}");
        }
    }
    assert_eq!(seen, 2, "the newcomer's two commands");
}

#[test]
fn its_links_lead_somewhere() {
    let text = readme();
    let links = text
        .split("](")
        .skip(1)
        .filter_map(|rest| rest.split_once(')'));
    for (link, _) in links.filter(|(link, _)| !link.contains("://")) {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(link);
        assert!(path.exists(), "{link}");
    }
}

#[test]
fn its_exit_codes_are_those_of_the_program() {
    let documented: Vec<(String, String)> = table("Exit codes")
        .into_iter()
        .map(|row| (row[0].clone(), row[1].clone()))
        .collect();
    let known = cli::EXIT_CODES.map(|(code, meaning)| (code.to_owned(), meaning.to_owned()));
    assert_eq!(documented, known);
}

#[test]
fn its_variables_are_those_that_are_read() {
    let documented: Vec<(String, String)> = table("Environment and files")
        .into_iter()
        .map(|row| (row[0].clone(), row[1].clone()))
        .collect();
    let known = cli::ENVIRONMENT.map(|(name, meaning)| (name.to_owned(), meaning.to_owned()));
    assert_eq!(documented, known);

    // And those are the ones the source asks for: nothing else reads the environment (see the house rules).
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = vec![root.join("context.rs")];
    let others = std::fs::read_dir(root.join("context")).expect("the room of context");
    files.extend(others.map(|entry| entry.expect("a file").path()));
    let mut read = Vec::new();
    for file in files {
        let text = std::fs::read_to_string(file).expect("a source file");
        for (at, _) in text.match_indices("\"FLEET_") {
            let name = text[at + 1..].split('"').next().expect("a name");
            if name != "FLEET_TEST_NOW" {
                read.push(name.to_owned());
            }
        }
    }
    read.sort();
    read.dedup();
    let mut listed: Vec<&str> = cli::ENVIRONMENT.iter().map(|(name, _)| *name).collect();
    listed.retain(|name| name.starts_with("FLEET_"));
    listed.sort_unstable();
    assert_eq!(read, listed);
}

#[test]
fn its_json_is_what_is_printed() {
    let blocks = blocks(&readme());
    let block = blocks.iter().find(|block| block.language == "json");
    let documented: serde_json::Value =
        serde_json::from_str(&block.expect("a block of JSON").lines.join("\n")).expect("JSON");
    let printed = Environment::new().fleet(["show-site", "example.com", "--json"]);
    assert_eq!(printed.expect(2).json(), documented);
}

#[test]
fn its_inventory_can_be_read() {
    let blocks = blocks(&readme());
    let inventories = blocks.iter().filter(|block| block.language == "toml");
    // What is shown later is added to the first.
    let lines: Vec<&str> = inventories
        .flat_map(|block| block.lines.iter().map(String::as_str))
        .collect();
    let environment = Environment::new();
    let path = environment.write("inventory.toml", &lines.join("\n"));
    let inventory = Inventory::load(&path, None).expect("an inventory without mistakes");
    assert_eq!(inventory.servers.len(), 2);
}

/// The tour of the README, made: its words are those of the lab where they name servers.
#[test]
fn its_tour_can_be_made() {
    if let Err(reason) = lab::Lab::available() {
        println!("left out: {reason}");
        return;
    }
    let lab = lab::Lab::acquire();
    let key = lab.dir().join("id_ed25519").display().to_string();
    // The certificate is made now, so the clock has to run.
    let environment = Environment::new().with("FLEET_TEST_NOW", "");
    certificate(&environment, "example.com");
    for (name, address) in [("lab-1", "sg-1.example.com"), ("lab-4", "10.0.0.12")] {
        lab.reset(name);
        assert!(readme().contains(address), "the tour has `{address}`");
        // What the tour puts a proxy before.
        lab.sh_ok(name, "systemd-run --quiet python3 -m http.server 3000");
    }

    for mut words in tour() {
        for word in &mut words {
            match word.as_str() {
                "sg-1.example.com" => *word = lab.server("lab-1").address.to_string(),
                "10.0.0.12" => *word = lab.server("lab-4").address.to_string(),
                _ => {}
            }
        }
        let verb = words[1].clone();
        if verb == "add-server" {
            let address = words[4].clone();
            words.extend(["--identity-file".to_owned(), key.clone()]);
            words.extend(fingerprints(&lab, &address).map(|one| format!("--fingerprint={one}")));
        }
        if verb.starts_with("remove-") {
            words.push("--yes".to_owned());
        }
        let outcome = environment.fleet(&words[1..]);
        let line = words.join(" ");
        // A machine that is busy with tests is not quite well.
        let well = outcome.code == 0 || (verb == "health" && outcome.code == 5);
        assert!(well, "{line}: {outcome}");

        let (status, page) = lab.curl("lab-1", "example.com", "/");
        match (verb.as_str(), words.get(2).map(String::as_str)) {
            ("add-site" | "resume-site", Some("example.com"))
                if !line.ends_with("--dry-run") && status != 301 =>
            {
                assert_eq!(status, 200, "{line}");
                assert!(page.contains("<h1>example.com</h1>"), "{line}: {page}");
            }
            ("set-site", _) => assert_eq!(status, 301, "{line}"),
            ("suspend-site", _) => assert_eq!(status, 503, "{line}"),
            ("remove-site", _) => assert!(!page.contains("example.com"), "{line}: {page}"),
            _ => {}
        }
    }
}

/// The commands of the tour, as words.
fn tour() -> Vec<Vec<String>> {
    let text = readme();
    let (_, section) = text
        .split_once("\n## Five minutes")
        .expect("a section with the tour");
    let end = section.find("\n## ").unwrap_or(section.len());
    let tour: Vec<_> = blocks(&section[..end]).iter().flat_map(commands).collect();
    assert!(tour.len() > 10, "only {} commands", tour.len());
    tour
}

/// A certificate for `domain` and `www.` of it, with its key, as `example.pem` and `example.key`.
fn certificate(environment: &Environment, domain: &str) {
    let made = std::process::Command::new("openssl")
        .args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
        ])
        .args([
            "-nodes",
            "-days",
            "30",
            "-keyout",
            "example.key",
            "-out",
            "example.pem",
        ])
        .args(["-subj", &format!("/CN={domain}")])
        .args([
            "-addext",
            &format!("subjectAltName=DNS:{domain},DNS:www.{domain}"),
        ])
        .current_dir(environment.path())
        .output()
        .expect("openssl");
    assert!(made.status.success(), "{made:?}");
}

/// The fingerprints of a lab server's host keys.
fn fingerprints(lab: &lab::Lab, address: &str) -> impl Iterator<Item = String> + use<> {
    let found = std::process::Command::new("ssh-keygen")
        .args(["-l", "-F", address, "-f"])
        .arg(lab.dir().join("known_hosts"))
        .output()
        .expect("ssh-keygen");
    let text = String::from_utf8(found.stdout).expect("text");
    let words: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
    words.into_iter().filter(|word| word.starts_with("SHA256:"))
}
