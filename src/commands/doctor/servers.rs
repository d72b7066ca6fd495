//! The servers: whether each can be reached and logged in to, and has what fleet's scripts use.

use std::time::Duration;

use tokio::task::JoinSet;

use super::super::look::PARALLEL;
use super::finding::Finding;
use crate::context::Context;
use crate::model::Server;
use crate::shell::Script;
use crate::transport::{Connector, TransportError};

/// Less room than this below `/var/lib` is too little to keep what a change replaces, in KiB.
const LEAST_FREE: u64 = 100 << 10;

/// A clock further off than this makes certificates and expiries wrong, in seconds.
const CLOCK: i64 = 5;

/// Looks at all of them at the same time; nothing is recorded.
pub(super) fn look(context: &Context, servers: &[&Server]) -> anyhow::Result<Vec<Finding>> {
    let connector = context.connector()?;
    let limit = context.inventory()?.settings.health_timeout;
    let progress = context.ui.progress(servers.len());
    for server in servers {
        progress.state(server.name.as_str(), "looking");
    }
    let mut looks = context.block_on(async {
        let mut waiting = servers.iter().map(|server| (*server).clone());
        let mut running = JoinSet::new();
        let mut looks = Vec::with_capacity(servers.len());
        loop {
            while running.len() < PARALLEL
                && let Some(server) = waiting.next()
            {
                let connector = connector.clone();
                running.spawn(async move {
                    let answer = ask(&connector, &server, limit).await;
                    (server, answer)
                });
            }
            match running.join_next().await {
                None => break,
                Some(Ok((server, answer))) => {
                    progress.end(server.name.as_str());
                    looks.push((server, answer));
                }
                Some(Err(error)) => return Err(anyhow::anyhow!("fleet failed while looking at a server: {error}")),
            }
        }
        Ok(looks)
    })??;
    drop(progress);
    looks.sort_by(|a, b| a.0.name.cmp(&b.0.name));
    let here = context.clock().as_second();
    let judged = looks.iter().flat_map(|(server, answer)| {
        let findings = match answer {
            Ok(lines) => judge(server, lines),
            Err(problem) => vec![problem.clone()],
        };
        findings.into_iter().map(|finding| finding.of(&server.name))
    });
    let mut findings: Vec<Finding> = judged.collect();
    findings.extend(clock(&looks, here));
    Ok(findings)
}

/// What a server printed.
async fn ask(connector: &Connector, server: &Server, limit: Duration) -> Result<Vec<String>, Finding> {
    const CHECK: &str = "connection";
    let conversation = async {
        let mut lines = Vec::new();
        let mut session = connector.open(server).await?;
        session.limits().idle = limit;
        session.limits().total = limit;
        let mut script = Script::new();
        script.raw(include_str!("requirements.sh"));
        session.exchange(&script, &mut |line| lines.push(line.to_owned())).await?;
        session.close().await;
        Ok::<_, TransportError>(lines)
    };
    let mut conversation = std::pin::pin!(conversation);
    loop {
        match tokio::time::timeout(limit, &mut conversation).await {
            Ok(Ok(lines)) => return Ok(lines),
            Ok(Err(error)) => {
                let mut error = error.diagnostic(&server.name);
                // Its name stands before it.
                let named = format!("server `{}`: ", server.name);
                if let Some(rest) = error.message.strip_prefix(&named) {
                    error.message = rest.to_owned();
                }
                let hint = format!("`fleet show-server {}` says how it is reached", server.name);
                return Err(Finding::error(CHECK, &error, &hint));
            }
            // Who types a passphrase is not a slow server.
            Err(_) if connector.is_asking() => {}
            Err(_) => {
                let message = format!("it did not answer within {} s", limit.as_secs_f64());
                let hint = "is it up, and does a firewall let SSH in; `[settings] health_timeout` is the limit";
                return Err(Finding::bad(CHECK, message, hint));
            }
        }
    }
}

/// What the lines of the script say.
fn judge(server: &Server, lines: &[String]) -> Vec<Finding> {
    const CHECK: &str = "requirements";
    let name = &server.name;
    if lines.last().map(String::as_str) != Some("end") {
        let hint = "fleet needs a POSIX `/bin/sh` there";
        return vec![Finding::bad(CHECK, "the login works, but its `sh` did not run the look to its end", hint)];
    }
    let values = |key: &str| -> Vec<&str> {
        let of_key = lines.iter().filter_map(|line| line.split_once(' ').filter(|(k, _)| *k == key));
        of_key.map(|(_, value)| value).collect()
    };
    let mut findings = Vec::new();
    if let Some(uid) = values("uid").first().filter(|uid| **uid != "0") {
        let message = format!("the login is user number {uid}, who is not root");
        let hint = format!("log in as root, or `fleet set-server {name} --become true` where sudo asks for no password");
        findings.push(Finding::bad(CHECK, message, hint));
    }
    let missing = values("missing");
    if !missing.is_empty() {
        let message = format!("these programs are missing: {}", missing.join(", "));
        let hint = "on Debian: `apt-get install coreutils util-linux findutils sed grep gzip mawk`";
        findings.push(Finding::bad(CHECK, message, hint));
    }
    if !values("without").is_empty() {
        let message = "systemd does not run there";
        findings.push(Finding::warn(CHECK, message, "services are started and watched by systemd alone"));
    }
    if findings.is_empty() {
        for path in values("unwritable") {
            let message = format!("`{path}` cannot be written");
            findings.push(Finding::bad(CHECK, message, "is its file system read-only: `findmnt -T` and the kernel's log tell"));
        }
    }
    let free = values("free").iter().filter_map(|free| free.parse::<u64>().ok()).next_back();
    if let Some(free) = free.filter(|free| *free < LEAST_FREE) {
        let message = format!("{} MiB are left below `/var/lib`", free / 1024);
        let hint = "make room: a change keeps what it replaces until it is done; `fleet empty-trash` may help";
        findings.push(Finding::bad(CHECK, message, hint));
    }
    if let Some(owner) = values("locked").first() {
        let hint = "it ends with its work; a connection that hangs lets go after some minutes";
        findings.push(Finding::warn("lock", format!("another fleet is at work: {owner}"), hint));
    }
    for transaction in values("unfinished").iter().filter(|_| values("locked").is_empty()) {
        let message = format!("a change died in the middle (`{transaction}`)");
        let hint = format!("the next change there undoes it first: `fleet apply --server {name}`");
        findings.push(Finding::warn("transaction", message, hint));
    }
    if findings.is_empty() {
        findings.push(Finding::ok(CHECK, "reached, and has what fleet needs"));
    }
    findings
}

/// Whether the clocks agree. Most of the servers against this machine is this machine's fault.
fn clock(looks: &[(Server, Result<Vec<String>, Finding>)], here: i64) -> Vec<Finding> {
    const CHECK: &str = "clock";
    let mut offsets: Vec<(&Server, i64)> = looks
        .iter()
        .filter_map(|(server, answer)| {
            let mut lines = answer.as_ref().ok()?.iter();
            let time = lines.find_map(|line| line.strip_prefix("time "))?;
            Some((server, time.parse::<i64>().ok()? - here))
        })
        .collect();
    offsets.sort_by_key(|(_, offset)| *offset);
    let Some((_, middle)) = offsets.get(offsets.len() / 2).copied() else {
        return Vec::new();
    };
    // The look itself takes some seconds where a server is slow.
    let off = |offset: i64| offset.abs() > CLOCK + 10;
    if offsets.len() > 1 && off(middle) {
        let message = format!("this machine's clock is {} s off those of most servers", middle.abs());
        return vec![Finding::bad(CHECK, message, "set it right: `timedatectl set-ntp true`")];
    }
    let wrong = offsets.iter().filter(|(_, offset)| off(*offset));
    let mut findings: Vec<Finding> = wrong
        .map(|(server, offset)| {
            let way = if *offset > 0 { "ahead of" } else { "behind" };
            let message = format!("its clock is {} s {way} this machine's", offset.abs());
            let hint = "set it right there: `timedatectl set-ntp true`";
            Finding::warn(CHECK, message, hint).of(&server.name)
        })
        .collect();
    if findings.is_empty() {
        findings.push(Finding::ok(CHECK, "that of this machine agrees with the servers'"));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::super::finding::Status;
    use super::*;

    fn judged(lines: &[&str]) -> Vec<(Status, String)> {
        let server = Server::new("sg-1".parse().expect("a name"), "192.0.2.1");
        let lines: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
        judge(&server, &lines).into_iter().map(|f| (f.status, f.message)).collect()
    }

    #[test]
    fn what_a_server_lacks_is_named() {
        let well = ["uid 0", "free Available", "free 900000", "time 1", "end"];
        assert_eq!(judged(&well), [(Status::Ok, "reached, and has what fleet needs".to_owned())]);
        for (lines, expected) in [
            (&["uid 1000", "unwritable /run", "end"][..], "the login is user number 1000, who is not root"),
            (&["uid 0", "missing flock", "missing sed", "end"], "these programs are missing: flock, sed"),
            (&["uid 0", "unwritable /etc", "end"], "`/etc` cannot be written"),
            (&["uid 0", "free 2048", "end"], "2 MiB are left below `/var/lib`"),
            (&["uid 0"], "the login works, but its `sh` did not run the look to its end"),
        ] {
            assert_eq!(judged(lines), [(Status::Bad, expected.to_owned())]);
        }
        let working = ["uid 0", "locked alice apply", "unfinished /var/lib/fleet/tx/7-1", "end"];
        assert_eq!(judged(&working), [(Status::Warn, "another fleet is at work: alice apply".to_owned())]);
        assert_eq!(judged(&["uid 0", "unfinished /var/lib/fleet/tx/7-1", "end"])[0].0, Status::Warn);
    }

    #[test]
    fn most_clocks_are_right() {
        let of = |name: &str, time: i64| {
            let server = Server::new(name.parse().expect("a name"), "192.0.2.1");
            (server, Ok(vec![format!("time {time}"), "end".to_owned()]))
        };
        let status = |looks: &[_]| {
            let found = clock(looks, 1000);
            found.iter().map(|f| (f.status, f.server.is_some())).collect::<Vec<_>>()
        };
        assert_eq!(status(&[of("a", 1001), of("b", 999)]), [(Status::Ok, false)]);
        assert_eq!(status(&[of("a", 1001), of("b", 1002), of("c", 1500)]), [(Status::Warn, true)]);
        assert_eq!(status(&[of("a", 1500), of("b", 1501), of("c", 1000)]), [(Status::Bad, false)]);
        assert_eq!(status(&[]), []);
    }
}
