//! What must hold between the servers of an inventory: who is reached through whom, and that no machine is there twice.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use super::server::{Entries, Placed};
use super::source::Source;
use super::value::JumpText;
use crate::diagnostic::{did_you_mean, ticked};
use crate::model::{Jump, Server, ServerName, TransportKind};

/// A server while the inventory is read.
pub(super) struct Draft {
    pub(super) server: Server,
    pub(super) entries: Entries,
    /// Where its name is written.
    pub(super) span: Range<usize>,
}

/// Fills in the jumps, and notes those that lead nowhere or in a circle.
pub(super) fn jumps(
    source: &mut Source<'_>,
    drafts: &mut BTreeMap<ServerName, Draft>,
    defaults: &Entries,
) {
    let names: BTreeSet<ServerName> = drafts.keys().cloned().collect();
    let inherited = defaults
        .jump
        .as_ref()
        .and_then(|jump| resolve(source, "defaults", jump, &names));
    // The server that all others are reached through is itself reached directly, and so are those before it.
    let mut direct = BTreeSet::new();
    let mut next = inherited.clone();
    while let Some(Jump::Server(name)) = next {
        let own = drafts
            .get(&name)
            .and_then(|draft| draft.entries.jump.clone());
        next = match own.map(|own| own.value) {
            Some(JumpText::Name(further)) => further.parse().ok().map(Jump::Server),
            _ => None,
        };
        if !direct.insert(name) {
            break;
        }
    }
    for (name, draft) in drafts.iter_mut() {
        let section = format!("servers.{name}");
        let local = draft.server.transport == TransportKind::Local;
        draft.server.jump = match &draft.entries.jump {
            Some(jump) if local && jump.value != JumpText::None => {
                let message = format!("`jump` in `{section}` has no meaning: it is this machine");
                source.problem(&jump.span, &message, None);
                None
            }
            Some(jump) if jump.value == JumpText::Name(name.to_string()) => {
                let message = format!(
                    "`jump` in `{section}`: {} is the server itself",
                    ticked(name.as_str())
                );
                source.problem(&jump.span, &message, None);
                None
            }
            Some(jump) => resolve(source, &section, jump, &names),
            None if local || direct.contains(name) => None,
            None => inherited.clone(),
        };
    }
    circles(source, drafts);
}

fn resolve(
    source: &mut Source<'_>,
    section: &str,
    jump: &Placed<JumpText>,
    names: &BTreeSet<ServerName>,
) -> Option<Jump> {
    match &jump.value {
        JumpText::None => None,
        JumpText::Host {
            user,
            address,
            port,
        } => Some(Jump::Host {
            user: user.clone(),
            address: address.clone(),
            port: *port,
        }),
        JumpText::Name(text) => {
            if let Some(name) = names.iter().find(|name| name.as_str() == text) {
                return Some(Jump::Server(name.clone()));
            }
            let near = did_you_mean(text, names.iter().map(ServerName::as_str));
            // A name with a dot that resembles no server is a host; `host:22` always is.
            if text.contains('.') && near.is_none() {
                return Some(Jump::Host {
                    user: None,
                    address: text.clone(),
                    port: None,
                });
            }
            let message = format!("`jump` in `{section}`: unknown server {}", ticked(text));
            let hint = match near {
                Some(near) => format!(
                    "did you mean `{near}`; write `{text}:22` for a host that is not in the inventory"
                ),
                None => format!("write `{text}:22` for a host that is not in the inventory"),
            };
            source.problem(&jump.span, &message, Some(hint));
            None
        }
    }
}

/// Notes each circle of jumps once, at the server of it that comes first in the text.
fn circles(source: &mut Source<'_>, drafts: &BTreeMap<ServerName, Draft>) {
    let mut done: BTreeSet<&ServerName> = BTreeSet::new();
    for start in drafts.keys() {
        let mut path: Vec<&ServerName> = Vec::new();
        let mut at = start;
        while !done.contains(at) {
            if let Some(position) = path.iter().position(|name| *name == at) {
                report_circle(source, drafts, &path[position..]);
                break;
            }
            path.push(at);
            match drafts.get(at).and_then(|draft| draft.server.jump.as_ref()) {
                Some(Jump::Server(next)) if drafts.contains_key(next) => at = next,
                _ => break,
            }
        }
        done.extend(path);
    }
}

fn report_circle(
    source: &mut Source<'_>,
    drafts: &BTreeMap<ServerName, Draft>,
    circle: &[&ServerName],
) {
    let place = |name: &ServerName| {
        let draft = &drafts[name];
        draft
            .entries
            .jump
            .as_ref()
            .map_or(draft.span.clone(), |jump| jump.span.clone())
    };
    let Some(first) = (0..circle.len()).min_by_key(|&at| place(circle[at]).start) else {
        return;
    };
    let way: Vec<String> = (0..=circle.len())
        .map(|at| ticked(circle[(first + at) % circle.len()].as_str()))
        .collect();
    let message = format!("`jump` goes in a circle: {}", way.join(" through "));
    source.problem(&place(circle[first]), &message, None);
}

/// Notes servers that are the same machine: equal address and port by the same way.
pub(super) fn duplicates(source: &mut Source<'_>, drafts: &BTreeMap<ServerName, Draft>) {
    type Machine<'a> = (bool, Option<&'a Jump>, String, u16);
    let mut seen: Vec<(Machine<'_>, &Draft)> = Vec::new();
    for draft in drafts.values() {
        let server = &draft.server;
        let local = server.transport == TransportKind::Local;
        if draft.entries.refused.contains("address") || draft.entries.refused.contains("port") {
            continue;
        }
        let machine = if local {
            (true, None, String::new(), 0)
        } else {
            let jump = server.jump.as_ref();
            (
                false,
                jump,
                server.address.to_ascii_lowercase(),
                server.port.unwrap_or(22),
            )
        };
        seen.push((machine, draft));
    }
    // In the order of the text, so that the later one is the duplicate.
    seen.sort_by_key(|(_, draft)| draft.span.start);
    let mut first: std::collections::HashMap<String, &Draft> = std::collections::HashMap::new();
    for (machine, draft) in seen {
        let key = format!("{machine:?}");
        let Some(other) = first.get(&key) else {
            first.insert(key, draft);
            continue;
        };
        let name = &draft.server.name;
        let line = source.line_of(other.span.start);
        let other = &other.server.name;
        let (span, what) = match &draft.entries.address {
            Some(address) if !machine.0 => (
                address.span.clone(),
                format!("address {} port {}", ticked(&machine.2), machine.3),
            ),
            _ => (draft.span.clone(), "this machine".to_owned()),
        };
        let message = format!("`servers.{name}` is {what}, as is `servers.{other}` (line {line})");
        source.problem(
            &span,
            &message,
            Some("one server needs one entry".to_owned()),
        );
    }
}
