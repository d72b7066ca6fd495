//! Placing a resource by the scope of its spec: by capacity, beside others, or where it follows to.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::candidates::{candidates, no_room};
use super::jobs::surroundings;
use crate::diagnostic::Diagnostic;
use crate::inventory::Inventory;
use crate::kind::{self, Scope};
use crate::model::{Resource, ResourceName, ServerName};
use crate::plan::follow::{moves, staying};
use crate::plan::place::{Request, place};
use crate::state::Write;

/// Places a new resource, or one whose settings have changed: where it is already it stays, as far as its scope lets it.
pub(super) fn place_by_scope(
    write: &Write<'_>,
    inventory: &Inventory,
    now: Timestamp,
    resource: &Resource,
    scope: &Scope,
    request: &Request,
) -> anyhow::Result<()> {
    match scope {
        Scope::One => first(write, inventory, now, resource, request).map(drop),
        Scope::Beside { named, more } => {
            let first = first(write, inventory, now, resource, request)?;
            beside(
                write,
                inventory,
                now,
                resource,
                &first,
                (named, *more),
                request,
            )
        }
        Scope::With(other) => with(write, inventory, now, resource, other, request),
        Scope::Every(_) | Scope::AnyOf(_) | Scope::Nowhere => {
            let surroundings = surroundings(write, inventory)?;
            let targets = surroundings.targets(scope, &resource.placements, None)?;
            go(write, resource, &targets.unwrap_or_default())
        }
    }
}

/// Places a resource where it was before it was removed, if there is room. What follows others or the inventory goes where
/// it belongs by now.
pub(super) fn place_again(
    write: &Write<'_>,
    inventory: &Inventory,
    now: Timestamp,
    resource: &Resource,
    scope: &Scope,
    before: &[(ServerName, u32)],
    request: &Request,
) -> anyhow::Result<()> {
    if !matches!(scope, Scope::One | Scope::Beside { .. }) {
        return place_by_scope(write, inventory, now, resource, scope, request);
    }
    for (server, position) in before {
        // Where something of it has not gone yet, it still has its room.
        let is_there = resource.placements.iter().any(|p| p.server == *server);
        if !is_there {
            inventory.server(server.as_str())?;
            choose_this(write, inventory, now, resource, server, request)?;
        }
        write.place_at(resource.id, server, *position)?;
    }
    Ok(())
}

/// Moves what follows the inventory to where it belongs by now; returns a sentence about each that has nowhere to be.
pub(super) fn follow_inventory(
    write: &Write<'_>,
    inventory: &Inventory,
) -> anyhow::Result<Vec<String>> {
    let roaming = write.roaming()?;
    let mut lost = Vec::new();
    if roaming.is_empty() {
        return Ok(lost);
    }
    let surroundings = surroundings(write, inventory)?;
    for resource in &roaming {
        let Some(kind) = kind::kind(&resource.name.kind) else {
            continue;
        };
        let scope = (kind.scope)(&resource.spec)?;
        match surroundings.targets(&scope, &resource.placements, None) {
            Ok(targets) => go(write, resource, &targets.unwrap_or_default())?,
            Err(errors) => {
                let reasons: Vec<&str> = errors.0.iter().map(|e| e.message.as_str()).collect();
                lost.push(format!(
                    "{} stays where it is: {}",
                    resource.name,
                    reasons.join("; ")
                ));
            }
        }
    }
    Ok(lost)
}

/// The server a resource is placed on first; the best one when it is nowhere yet.
fn first(
    write: &Write<'_>,
    inventory: &Inventory,
    now: Timestamp,
    resource: &Resource,
    request: &Request,
) -> anyhow::Result<ServerName> {
    let there = staying(&resource.placements).find(|placement| placement.position == 0);
    if let Some(placement) = there {
        return Ok(placement.server.clone());
    }
    let chosen = choose(
        write,
        inventory,
        now,
        resource,
        &words(&resource.name),
        request,
    )?;
    write.place(resource.id, &chosen)?;
    Ok(chosen)
}

/// Places it on servers beside the first: those that are named, and so many more.
fn beside(
    write: &Write<'_>,
    inventory: &Inventory,
    now: Timestamp,
    resource: &Resource,
    first: &ServerName,
    (named, more): (&[ServerName], u32),
    request: &Request,
) -> anyhow::Result<()> {
    let name = &resource.name;
    let mut wanted: BTreeSet<ServerName> = BTreeSet::new();
    for server in named {
        inventory.server(server.as_str())?;
    }
    for server in named {
        if server == first {
            return Err(Diagnostic::usage(format!(
                "{name} is on `{first}` first and cannot be beside itself"
            ))
            .hint("name another server")
            .into());
        }
        let insisting = Request {
            force: true,
            region: None,
            labels: BTreeMap::new(),
            except: BTreeSet::new(),
            ..request.clone()
        };
        if !staying(&resource.placements).any(|p| p.server == *server) {
            choose_this(write, inventory, now, resource, server, &insisting)?;
        }
        wanted.insert(server.clone());
    }
    let there = staying(&resource.placements).filter(|p| p.position > 0);
    let there: BTreeSet<ServerName> = there.map(|p| p.server.clone()).collect();
    let enough = named.len() + usize::try_from(more)?;
    for server in &there {
        if wanted.len() < enough {
            wanted.insert(server.clone());
        }
    }
    while wanted.len() < enough {
        let mut except = wanted.clone();
        except.insert(first.clone());
        let another = Request {
            only: None,
            force: false,
            except,
            ..request.clone()
        };
        let what = format!(
            "{} on another server than its {} (it is to be on {})",
            words(name),
            wanted.len() + 1,
            enough + 1
        );
        wanted.insert(choose(write, inventory, now, resource, &what, &another)?);
    }
    for server in &wanted {
        write.place_at(resource.id, server, 1)?;
    }
    for server in there.difference(&wanted) {
        write.displace(resource.id, server)?;
    }
    Ok(())
}

/// Places it where another resource is.
fn with(
    write: &Write<'_>,
    inventory: &Inventory,
    now: Timestamp,
    resource: &Resource,
    other: &ResourceName,
    request: &Request,
) -> anyhow::Result<()> {
    let found = write.find(other)?;
    let surroundings = surroundings(write, inventory)?;
    let scope = Scope::With(other.clone());
    let targets = surroundings.targets(&scope, &resource.placements, found.as_ref())?;
    let Some(server) = targets.as_ref().and_then(|targets| targets.first()) else {
        let message = format!(
            "{}: there is no {} `{}`",
            resource.name, other.kind, other.name
        );
        return Err(Diagnostic::usage(message)
            .hint(format!("`fleet add-{} {}` adds it", other.kind, other.name))
            .into());
    };
    if !staying(&resource.placements).any(|placement| placement.server == *server) {
        choose_this(write, inventory, now, resource, server, request)?;
    }
    go(write, resource, std::slice::from_ref(server))
}

fn go(write: &Write<'_>, resource: &Resource, targets: &[ServerName]) -> anyhow::Result<()> {
    let (come, leave) = moves(&resource.placements, targets);
    Ok(write.move_to(resource.id, &come, &leave)?)
}

/// Refuses this server where it cannot take the resource.
fn choose_this(
    write: &Write<'_>,
    inventory: &Inventory,
    now: Timestamp,
    resource: &Resource,
    server: &ServerName,
    request: &Request,
) -> anyhow::Result<()> {
    let this = Request {
        only: Some(server.clone()),
        ..request.clone()
    };
    let what = words(&resource.name);
    choose(write, inventory, now, resource, &what, &this)?;
    Ok(())
}

fn choose(
    write: &Write<'_>,
    inventory: &Inventory,
    now: Timestamp,
    resource: &Resource,
    what: &str,
    request: &Request,
) -> anyhow::Result<ServerName> {
    let settings = kind::kind(&resource.name.kind).map(|kind| (kind, &resource.spec));
    let candidates = candidates(write, &inventory.servers, now, settings)?;
    let chosen = place(&candidates, request).map_err(|refused| no_room(what, &refused))?;
    Ok(chosen.server)
}

/// What is to be placed, as a refusal calls it.
fn words(name: &ResourceName) -> String {
    format!("{} `{}`", name.kind, name.name)
}
