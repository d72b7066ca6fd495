//! What `ssh_config`(5) says about a server, asked of `ssh -G` where the files say anything at all.
//!
//! `ssh -G` costs 5 ms of CPU per server, so it is left out when neither file has a setting that fleet takes in a
//! block that can be about the server. `Match`, `Include` and canonical names are left to `ssh` to work out.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::sync::{Mutex, OnceCell, Semaphore};
use tokio::time::timeout;

use super::error::TransportError;
use super::pattern;
use super::settings::{Settings, SshConfig};
use paths::{Tokens, known_hosts};

mod paths;

/// How many `ssh -G` run at once.
const PARALLEL: usize = 8;

/// How deep `Include` may nest; `ssh_config`(5) itself allows 16.
const DEEPEST_INCLUDE: usize = 16;

/// The settings that fleet takes, and those that can change them.
const TAKEN: [&str; 17] = [
    "canonicaldomains",
    "canonicalizehostname",
    "certificatefile",
    "globalknownhostsfile",
    "hostkeyalias",
    "hostname",
    "identitiesonly",
    "identityagent",
    "identityfile",
    "pkcs11provider",
    "port",
    "proxycommand",
    "proxyjump",
    "securitykeyprovider",
    "tag",
    "user",
    "userknownhostsfile",
];

/// What the files say about one server; `None` and empty where they say nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) hostname: Option<String>,
    pub(super) port: Option<u16>,
    pub(super) user: Option<String>,
    /// Who runs `ssh`, where nobody else is named.
    pub(super) runs_it: Option<String>,
    pub(super) identity_files: Vec<PathBuf>,
    pub(super) certificate_files: Vec<PathBuf>,
    pub(super) identities_only: bool,
    pub(super) identity_agent: AgentChoice,
    pub(super) proxy_jump: Option<String>,
    pub(super) proxy_command: Option<String>,
    /// Whether the command hands over a connection instead of being one.
    pub(super) proxy_passes: bool,
    pub(super) host_key_alias: Option<String>,
    pub(super) user_known_hosts: Option<Vec<PathBuf>>,
    pub(super) global_known_hosts: Option<Vec<PathBuf>>,
}

/// What `IdentityAgent` says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum AgentChoice {
    /// Nothing: the usual agent.
    #[default]
    Usual,
    /// No agent.
    None,
    /// The agent at this socket.
    At(PathBuf),
}

/// What a question is about: address, user and port as the inventory has them.
type Question = (String, Option<String>, Option<u16>);

/// The answers of a run.
pub(super) struct Answers {
    blocks: OnceCell<Blocks>,
    given: Mutex<HashMap<Question, Arc<OnceCell<Answer>>>>,
    running: Semaphore,
}

impl Answers {
    pub(super) fn new() -> Self {
        Self {
            blocks: OnceCell::new(),
            given: Mutex::new(HashMap::new()),
            running: Semaphore::new(PARALLEL),
        }
    }

    /// What the files say about `address`.
    pub(super) async fn about(
        &self,
        settings: &Settings,
        address: &str,
        user: Option<&str>,
        port: Option<u16>,
    ) -> Result<Answer, TransportError> {
        let SshConfig::Use {
            user: user_file,
            system,
            program,
        } = &settings.ssh_config
        else {
            return Ok(Answer::default());
        };
        let blocks = self
            .blocks
            .get_or_init(async || Blocks::read(user_file.as_deref(), system))
            .await;
        if !blocks.may_say_something(address) {
            return Ok(Answer::default());
        }
        let question = (address.to_owned(), user.map(str::to_owned), port);
        let cell = Arc::clone(self.given.lock().await.entry(question).or_default());
        let answer = cell
            .get_or_try_init(async || {
                let _permit = self.running.acquire().await;
                let mut command = tokio::process::Command::new(program);
                command.arg("-G");
                if let (Some(file), false) = (user_file, blocks.system_matters) {
                    command.arg("-F").arg(file);
                }
                if let Some(user) = user {
                    command.arg("-l").arg(user);
                }
                if let Some(port) = port {
                    command.arg("-p").arg(port.to_string());
                }
                command.arg("--").arg(address);
                command
                    .stdin(std::process::Stdio::null())
                    .kill_on_drop(true);
                // `Match exec` runs programs, and canonical names are looked up: both may hang.
                let limit = settings.limits.connect;
                let output = match timeout(limit, command.output()).await {
                    Ok(Ok(output)) => output,
                    // Without `ssh` the files count for nothing; who has them but no `ssh` gets told.
                    Ok(Err(error)) => return Err(unusable(program, &error.to_string())),
                    Err(_) => {
                        let reason = format!("no answer within {} s", limit.as_secs_f64());
                        return Err(unusable(program, &reason));
                    }
                };
                if !output.status.success() {
                    let said = String::from_utf8_lossy(&output.stderr);
                    return Err(unusable(program, said.trim()));
                }
                let text = String::from_utf8_lossy(&output.stdout);
                let mut answer = parse(&text, settings, address)?;
                // Where the files name nobody, `ssh` says who runs it.
                let is_named = |user: &String| {
                    blocks.names_user(user)
                        || blocks.unclear && Some(user) != settings.local_user.as_ref()
                };
                if !answer.user.as_ref().is_some_and(is_named) {
                    answer.runs_it = answer.user.take();
                }
                Ok(answer)
            })
            .await?;
        Ok(answer.clone())
    }
}

fn unusable(program: &Path, reason: &str) -> TransportError {
    TransportError::Settings {
        reason: format!(
            "ssh_config(5) cannot be asked: `{} -G`: {reason}",
            program.display()
        ),
        hint: Some("repair `~/.ssh/config`, or install the OpenSSH client".to_owned()),
    }
}

/// Reads the output of `ssh -G`, which names every setting, given or not.
fn parse(text: &str, settings: &Settings, address: &str) -> Result<Answer, TransportError> {
    let mut answer = Answer::default();
    let mut identity_files = Vec::new();
    for line in text.lines() {
        let Some((keyword, value)) = line.split_once(' ') else {
            continue;
        };
        let value = value.trim();
        match keyword {
            "hostname" => answer.hostname = Some(value.to_owned()),
            "port" => answer.port = value.parse().ok(),
            "user" => answer.user = Some(value.to_owned()),
            "identityfile" => identity_files.push(value.to_owned()),
            "certificatefile" => answer.certificate_files.push(PathBuf::from(value)),
            "identitiesonly" => answer.identities_only = value == "yes",
            "identityagent" => {
                answer.identity_agent = match value {
                    "none" => AgentChoice::None,
                    "SSH_AUTH_SOCK" => AgentChoice::Usual,
                    // `$NAME` is older than `${NAME}`, and may be of nothing.
                    path => match path.strip_prefix('$').filter(|name| !name.starts_with('{')) {
                        Some(name) => (settings.variable)(name)
                            .map_or(AgentChoice::None, |path| AgentChoice::At(path.into())),
                        None => AgentChoice::At(PathBuf::from(path)),
                    },
                }
            }
            "proxyjump" if value != "none" => answer.proxy_jump = Some(value.to_owned()),
            "proxycommand" if value != "none" => answer.proxy_command = Some(value.to_owned()),
            "proxyusefdpass" => answer.proxy_passes = value == "yes",
            "hostkeyalias" => answer.host_key_alias = Some(value.to_owned()),
            "userknownhostsfile" => answer.user_known_hosts = known_hosts(value, true),
            "globalknownhostsfile" => answer.global_known_hosts = known_hosts(value, false),
            _ => {}
        }
    }
    let names: Vec<&str> = identity_files
        .iter()
        .map(|file| file.rsplit('/').next().unwrap_or(file))
        .collect();
    // Several files that are all among the defaults: nothing was said.
    let default = names.len() > 2 && names.iter().all(|name| DEFAULT_NAMES.contains(name));
    if !default {
        answer.identity_files = identity_files.iter().map(PathBuf::from).collect();
    }
    let tokens = Tokens {
        settings,
        address,
        alias: answer.host_key_alias.clone(),
        host: answer
            .hostname
            .clone()
            .unwrap_or_else(|| address.to_owned()),
        port: answer.port.unwrap_or(22),
        remote_user: answer.user.clone().unwrap_or_default(),
    };
    let lists = [&mut answer.identity_files, &mut answer.certificate_files];
    let paths = lists
        .into_iter()
        .flatten()
        .chain(answer.user_known_hosts.iter_mut().flatten())
        .chain(answer.global_known_hosts.iter_mut().flatten());
    for path in paths {
        *path = tokens.expand(path)?;
    }
    if let AgentChoice::At(path) = &mut answer.identity_agent {
        *path = tokens.expand(path)?;
    }
    Ok(answer)
}

/// The key files that ssh(1) tries by itself, of all versions.
const DEFAULT_NAMES: [&str; 7] = [
    "id_rsa",
    "id_dsa",
    "id_ecdsa",
    "id_ecdsa_sk",
    "id_ed25519",
    "id_ed25519_sk",
    "id_xmss",
];

/// The blocks of the two files, as far as it takes to see whether they matter.
#[derive(Debug, Default)]
struct Blocks {
    /// Patterns of the `Host` lines above settings that fleet takes; empty for "any host".
    taken: Vec<Vec<String>>,
    users: Vec<String>,
    /// Whether there may be more than was read.
    unclear: bool,
    /// Whether the system's file has any of them.
    system_matters: bool,
}

impl Blocks {
    fn read(user: Option<&Path>, system: &Path) -> Self {
        let mut blocks = Self::default();
        let above = system.parent().unwrap_or(Path::new("/"));
        blocks.add_file(system, above, &mut Vec::new(), 0);
        blocks.system_matters = !blocks.taken.is_empty();
        if let Some(user) = user {
            let above = user.parent().unwrap_or(Path::new("/"));
            blocks.add_file(user, above, &mut Vec::new(), 0);
        }
        blocks
    }

    /// Adds a file; `hosts` are the patterns that hold at its beginning and end.
    fn add_file(&mut self, path: &Path, relative_to: &Path, hosts: &mut Vec<String>, depth: usize) {
        let Ok(bytes) = std::fs::read(path) else {
            return;
        };
        for line in String::from_utf8_lossy(&bytes).lines() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let end = line
                .find(|c: char| c.is_whitespace() || c == '=')
                .unwrap_or(line.len());
            let keyword = line[..end].trim_matches('"').to_ascii_lowercase();
            let value = line[end..].trim_start_matches(|c: char| c.is_whitespace() || c == '=');
            match keyword.as_str() {
                "host" => {
                    *hosts = words(value);
                }
                // Only `ssh` can tell whom it is about.
                "match" => hosts.clear(),
                "include" => {
                    for pattern in words(value) {
                        let Some(files) = included(&pattern, relative_to) else {
                            // Only `ssh` knows what it means.
                            self.taken.push(hosts.clone());
                            self.unclear = true;
                            continue;
                        };
                        for file in files {
                            if depth < DEEPEST_INCLUDE {
                                self.add_file(&file, relative_to, &mut hosts.clone(), depth + 1);
                            } else {
                                self.taken.push(Vec::new());
                                self.unclear = true;
                            }
                        }
                    }
                }
                keyword if TAKEN.contains(&keyword) => {
                    if keyword == "user" {
                        // A comment may follow.
                        self.users.extend(words(value).into_iter().next());
                    }
                    self.taken.push(hosts.clone());
                }
                _ => {}
            }
        }
    }

    fn may_say_something(&self, address: &str) -> bool {
        self.taken.iter().any(|hosts| {
            hosts.is_empty() || pattern::any_matches(hosts.iter().map(String::as_str), address)
        })
    }

    fn names_user(&self, user: &str) -> bool {
        self.users
            .iter()
            .any(|named| named == user || named.contains(['%', '$']))
    }
}

/// The words of a value, of which those with blanks are quoted.
fn words(value: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut letters = value.chars().peekable();
    while let Some(letter) = letters.next() {
        match (quote, letter) {
            (_, '\\') if letters.peek().is_some_and(|next| "\"'\\ ".contains(*next)) => {
                word.get_or_insert_default().extend(letters.next());
            }
            (None, '"' | '\'') => {
                quote = Some(letter);
                word.get_or_insert_default();
            }
            (Some(open), letter) if letter == open => quote = None,
            (None, letter) if letter.is_whitespace() => words.extend(word.take()),
            (_, letter) => word.get_or_insert_default().push(letter),
        }
    }
    words.extend(word);
    words
}

/// The files that an `Include` names, of which any part may have wildcards; `None` when it takes more to know them: another
/// user's home, a variable, a token. There may be some that `ssh` would leave out.
fn included(pattern: &str, relative_to: &Path) -> Option<Vec<PathBuf>> {
    if pattern.contains(['$', '%']) {
        return None;
    }
    let path = match pattern.strip_prefix("~/") {
        // `~/.ssh/...` in the user's file, which lies in `~/.ssh`.
        Some(rest) => relative_to.parent().unwrap_or(relative_to).join(rest),
        None if pattern.starts_with('~') => return None,
        None => relative_to.join(pattern),
    };
    let mut found = vec![PathBuf::new()];
    for part in path.components() {
        let name = part.as_os_str().to_string_lossy();
        if !name.contains(['*', '?', '[']) {
            for path in &mut found {
                path.push(part);
            }
            continue;
        }
        let entries = found.iter().filter_map(|path| std::fs::read_dir(path).ok());
        found = entries
            .flat_map(Iterator::flatten)
            .filter(|entry| {
                // A bracket expression is not looked into: the file may be meant.
                name.contains('[') || pattern::matches(&name, &entry.file_name().to_string_lossy())
            })
            .map(|entry| entry.path())
            .collect();
        found.sort();
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_may_be_quoted() {
        for (value, expected) in [
            ("a  b\tc", &["a", "b", "c"][..]),
            ("\"a b\" c", &["a b", "c"]),
            ("x\"a b\"y '' 'c \"d'", &["xa by", "", "c \"d"]),
            ("a\\ b \\\"c\\\\ \\d", &["a b", "\"c\\", "\\d"]),
            ("", &[]),
        ] {
            assert_eq!(words(value), expected, "{value}");
        }
    }

    #[test]
    fn the_files_of_an_include_are_found_as_ssh_finds_them() {
        let home = tempfile::tempdir().expect("a directory");
        let ssh = home.path().join(".ssh");
        for file in [
            "conf.d/office/config",
            "conf.d/office/other",
            "conf.d/home/config",
            "my hosts/a",
            "b1",
        ] {
            let path = ssh.join(file);
            std::fs::create_dir_all(path.parent().expect("a parent")).expect("directories");
            std::fs::write(path, "").expect("a file");
        }
        for (pattern, expected) in [
            (
                "conf.d/*/config",
                Some(&["conf.d/home/config", "conf.d/office/config"][..]),
            ),
            (
                "~/.ssh/conf.d/off?ce/*",
                Some(&["conf.d/office/config", "conf.d/office/other"]),
            ),
            ("my hosts/a", Some(&["my hosts/a"])),
            ("[ab]1", Some(&["b1", "conf.d", "my hosts"])),
            ("none/*", Some(&[])),
            ("missing", Some(&["missing"])),
            ("~bob/config", None),
            ("${HOME}/config", None),
            ("%d/config", None),
        ] {
            let found = included(pattern, &ssh);
            let expected = expected.map(|files| files.iter().map(|file| ssh.join(file)).collect());
            assert_eq!(found, expected, "{pattern}");
        }
        let file = ssh.join("config");
        let blocks = |text: &str| {
            std::fs::write(&file, text).expect("a file");
            Blocks::read(Some(&file), Path::new("/no/such/file"))
        };
        std::fs::write(ssh.join("my hosts/a"), "Host db1\nUser deploy\n").expect("a file");
        for (text, asks) in [
            ("Include \"my hosts/a\"\n", true),
            ("Include my?hosts/a\n", true),
            ("Include ~bob/config\n", true),
            ("Host web*\nInclude ~bob/config\n", false),
            ("Include conf.d/*/config\n", false),
        ] {
            assert_eq!(blocks(text).may_say_something("db1"), asks, "{text}");
        }
    }

    #[test]
    fn variables_and_tokens_in_file_names() {
        let settings = Settings {
            home: Some(PathBuf::from("/home/ann")),
            variable: Arc::new(|name| (name == "X").then(|| "/run/$x".to_owned())),
            ..Settings::default()
        };
        let agent = |value: &str| {
            let answer = parse(&format!("identityagent {value}\n"), &settings, "web-1");
            answer.map(|answer| answer.identity_agent)
        };
        let at = |path: &str| Ok(AgentChoice::At(PathBuf::from(path)));
        assert_eq!(agent("$X"), at("/run/$x"));
        assert_eq!(agent("${X}/agent"), at("/run/$x/agent"));
        assert_eq!(agent("~/a%%$b"), at("/home/ann/a%$b"));
        assert_eq!(agent("$Y"), Ok(AgentChoice::None));
        let text = "identityfile ${X}/id_%k\ncertificatefile %d/${X}\nhostkeyalias web\n";
        let answer = parse(text, &settings, "web-1").expect("an answer");
        assert_eq!(answer.identity_files, [PathBuf::from("/run/$x/id_web")]);
        let certificates = [PathBuf::from("/home/ann//run/$x")];
        assert_eq!(answer.certificate_files, certificates);
        let error = parse("identityfile ${Y}/id\n", &settings, "web-1").expect_err("unset");
        assert!(error.to_string().contains("`Y` is not set"), "{error}");
    }
}
