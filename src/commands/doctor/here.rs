//! The inventory, the ways to log in, and this machine.

use std::collections::BTreeSet;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use super::finding::Finding;
use crate::context::Context;
use crate::model::TransportKind;
use crate::shell::quote;
use crate::transport::Settings;
use crate::ui::format;

/// Whether there is an inventory, what is wrong with it, and who may write it: it says where root logs in.
pub(super) fn inventory(context: &Context) -> Vec<Finding> {
    const CHECK: &str = "inventory";
    let Some(path) = context.inventory_path() else {
        let hint = "`fleet init` writes one; `--inventory FILE` and `FLEET_INVENTORY` name one elsewhere";
        let message = "there is none: neither `./inventory.toml` nor one in the configuration directory";
        return vec![Finding::bad(CHECK, message, hint)];
    };
    let shown = path.display();
    let mut findings = match context.inventory() {
        Err(error) => Finding::errors(CHECK, &error, "`inventory.example.toml` explains every key"),
        Ok(inventory) => {
            let active = inventory.servers.values().filter(|s| s.active).count();
            let all = inventory.servers.len();
            vec![if all == 0 {
                let hint = "`fleet add-server NAME --address HOST` adds one";
                Finding::warn(CHECK, format!("`{shown}` has no server yet"), hint)
            } else {
                let servers = format::count(all, "server");
                Finding::ok(CHECK, format!("`{shown}`: {servers}, {active} active"))
            }]
        }
    };
    if let Ok(found) = path.metadata()
        && found.mode() & 0o022 != 0
    {
        let mode = found.mode() & 0o7777;
        findings.push(Finding::warn(
            CHECK,
            format!("others may write `{shown}` (mode {mode:04o}): it says where to log in, and what to run for the key"),
            format!("`chmod go-w {}`", quote(&shown.to_string())),
        ));
    }
    findings
}

/// What is needed to log in: `ssh`, known hosts, key files, the agent.
pub(super) fn ssh(context: &Context) -> anyhow::Result<Vec<Finding>> {
    let inventory = context.inventory()?;
    let mut servers = inventory.servers.values();
    if !servers.any(|server| server.transport == TransportKind::Ssh) {
        return Ok(Vec::new());
    }
    let mut findings = Vec::new();
    if inventory.settings.ssh_config {
        findings.push(match context.program("ssh") {
            Some(path) => Finding::ok("ssh", format!("`{}` is asked what ssh_config says", path.display())),
            None => Finding::warn(
                "ssh",
                "the program `ssh` is not installed: what `~/.ssh/config` says cannot be asked for",
                "install openssh-client, or set `ssh_config = false` under [settings] of the inventory",
            ),
        });
    }
    findings.push(known_hosts(context)?);
    let files: BTreeSet<&Path> = inventory.servers.values().filter_map(|s| s.identity_file.as_deref()).collect();
    findings.extend(files.into_iter().map(identity));
    findings.push(agent(context.agent_socket().as_deref()));
    Ok(findings)
}

fn known_hosts(context: &Context) -> anyhow::Result<Finding> {
    const CHECK: &str = "known_hosts";
    // Not as the state has them, which may not be there to be asked.
    let usual = Settings::new(context.home().as_deref()).known_hosts;
    let own = context.inventory()?.settings.known_hosts.clone();
    let files: Vec<_> = own.into_iter().chain(usual).collect();
    let lines = |path: &Path| {
        let text = std::fs::read(path).ok()?;
        let lines = text.split(|byte| *byte == b'\n');
        Some(lines.filter(|line| !line.is_empty() && !line.starts_with(b"#")).count())
    };
    let Some((file, lines)) = files.iter().find_map(|file| Some((file, lines(file)?))) else {
        let hint = "`fleet add-server` asks for a server's host key and pins it; `ssh SERVER` does so too";
        let message = "no host key is known: no file of known hosts can be read";
        return Ok(Finding::warn(CHECK, message, hint));
    };
    let shown = file.display();
    if let Ok(found) = file.metadata()
        && found.mode() & 0o022 != 0
    {
        let message = format!("others may write `{shown}`: they decide which servers are trusted");
        return Ok(Finding::bad(CHECK, message, format!("`chmod go-w {}`", quote(&shown.to_string()))));
    }
    Ok(Finding::ok(CHECK, format!("`{shown}`: {}", format::count(lines, "line"))))
}

fn identity(path: &Path) -> Finding {
    const CHECK: &str = "key file";
    let shown = path.display();
    let quoted = quote(&shown.to_string());
    let hint = format!("`ssh-keygen -t ed25519 -f {quoted}` makes one; its public half belongs into `authorized_keys` on the servers");
    let found = match path.metadata() {
        Ok(found) => found,
        Err(error) => return Finding::bad(CHECK, format!("`{shown}` cannot be read: {error}"), hint),
    };
    if let Err(error) = std::fs::File::open(path) {
        return Finding::bad(CHECK, format!("`{shown}` cannot be read: {error}"), "it must be readable by you");
    }
    let mode = found.mode() & 0o7777;
    if mode & 0o077 != 0 {
        let message = format!("`{shown}` can be used by others (mode {mode:04o})");
        return Finding::warn(CHECK, message, format!("`chmod 600 {quoted}`, and consider who may have read it"));
    }
    Finding::ok(CHECK, format!("`{shown}`"))
}

/// Asks the agent for its keys (draft-ietf-sshm-ssh-agent, `SSH_AGENTC_REQUEST_IDENTITIES`).
fn agent(socket: Option<&Path>) -> Finding {
    const CHECK: &str = "ssh-agent";
    let Some(path) = socket else {
        return Finding::ok(CHECK, "none (`SSH_AUTH_SOCK` is not set): key files alone are tried");
    };
    let ask = || {
        let mut stream = UnixStream::connect(path)?;
        stream.set_read_timeout(Some(Duration::from_secs(5)))?;
        stream.set_write_timeout(Some(Duration::from_secs(5)))?;
        stream.write_all(&[0, 0, 0, 1, 11])?;
        // Length, type 12, number of keys.
        let mut answer = [0; 9];
        stream.read_exact(&mut answer)?;
        let [_, _, _, _, kind, number @ ..] = answer;
        Ok::<_, std::io::Error>((kind == 12).then(|| u32::from_be_bytes(number)))
    };
    let shown = path.display();
    match ask() {
        Ok(Some(0)) => Finding::warn(CHECK, "it holds no key", "`ssh-add` gives it one, unless your key files need no passphrase"),
        Ok(Some(keys)) => Finding::ok(CHECK, format!("it holds {}", format::count(keys as usize, "key"))),
        Ok(None) => Finding::warn(CHECK, "it does not tell its keys", "it may be locked: `ssh-add -X` opens it"),
        Err(error) => Finding::warn(
            CHECK,
            format!("`{shown}` (`SSH_AUTH_SOCK`) does not answer: {error}"),
            "start ssh-agent anew, or `unset SSH_AUTH_SOCK`",
        ),
    }
}

/// This machine: what a run over all servers takes of it.
pub(super) fn machine(context: &Context) -> Vec<Finding> {
    let servers = context.inventory().map_or(0, |inventory| inventory.servers.len());
    let (limit, needed) = context.open_files(servers);
    let files = match limit {
        Some(limit) if limit < needed => Finding::warn(
            "files",
            format!("{limit} files may be open at a time, and a run over all servers may take {needed}"),
            format!("raise it: `ulimit -Hn {needed}`, `LimitNOFILE=` of the unit, or limits.conf(5)"),
        ),
        _ => Finding::ok("files", format!("{} may be open at a time; {needed} are enough here", limit.map_or_else(|| "any number".to_owned(), |limit| limit.to_string()))),
    };
    vec![files]
}
