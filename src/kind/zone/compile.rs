//! A zone for one of its servers: the records with all that is generated, as items.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use ipnet::IpNet;

use super::check::Checked;
use super::name::Name;
use super::records::{RecordSet, followed, sort};
use super::types::RecordType;
use super::{Zone, file, value};
use crate::diagnostic::Invalid;
use crate::item::{Item, Ruleset, Service, Zone as ZoneItem, ruleset, zone as item};
use crate::kind::{Compile, Fleet};
use crate::model::{Placement, Server};

/// A record as it is served.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Line {
    /// Owner with its final dot.
    pub name: String,
    /// Type.
    pub rtype: String,
    /// Time to live.
    pub ttl: u32,
    /// Value in its one form.
    pub value: String,
}

/// The items of a zone on one of its servers.
pub(super) fn items(zone: &Zone, input: &Compile<'_>) -> Result<Vec<Item>, Invalid> {
    let checked = zone.check(input.name)?;
    let mut invalid = Invalid::default();
    let first = input.placements.first().map(|placement| &placement.server);
    let others: Vec<&Placement> = input.placements.iter().skip(1).collect();
    let service = Item::from(Service {
        unit: "pdns".to_owned(),
    });
    let mut keys = Vec::new();
    if !others.is_empty() {
        for key in &zone.keys {
            match input.secrets.open(&key.secret) {
                Ok(secret) => keys.push(item::TransferKey {
                    name: format!("fleet-{}.{}", key.number, input.name),
                    secret,
                }),
                Err(message) => invalid.push("", message),
            }
        }
    }
    let part = if first.is_none_or(|first| *first == input.server.name) {
        let scene = Scene {
            zone,
            checked: &checked,
            placements: input.placements,
            own: input.server,
            fleet: input.fleet,
        };
        let mut lines = scene.lines(&mut invalid);
        let soa = lines.remove(0);
        let mut notify = BTreeSet::new();
        for placement in &others {
            if let Some(server) = input.fleet.servers.get(&placement.server) {
                notify.extend(addresses(server, &mut invalid));
            }
        }
        item::Part::Primary(item::Primary {
            soa: stored(&soa),
            rows: rows(&lines, &checked.zone),
            notify: notify
                .into_iter()
                .map(|address| address.to_string())
                .collect(),
            keys,
            signed: zone.is_signed(),
            serial: zone.serial,
        })
    } else {
        let from = first.and_then(|first| input.fleet.servers.get(first));
        let from = from.map_or_else(Vec::new, |server| addresses(server, &mut invalid));
        item::Part::Secondary(item::Secondary {
            from: from.iter().map(ToString::to_string).collect(),
            key: keys.pop(),
        })
    };
    invalid.into_result()?;
    let zone = ZoneItem {
        name: input.name.to_owned(),
        suspended: input.suspended,
        part,
    };
    let mut items = vec![service, Item::from(zone)];
    if !input.suspended {
        items.extend(openings(input)?);
    }
    Ok(items)
}

/// What lets transfers and notices of the other servers of the zone in where there is a firewall. Zones that share their
/// servers share these.
fn openings(input: &Compile<'_>) -> Result<Vec<Item>, Invalid> {
    let mut invalid = Invalid::default();
    let mut openings = Vec::new();
    let others = input.placements.iter().map(|placement| &placement.server);
    for name in others.filter(|name| **name != input.server.name) {
        let Some(server) = input.fleet.servers.get(name) else {
            continue;
        };
        let from: Vec<IpNet> = addresses(server, &mut invalid)
            .into_iter()
            .map(IpNet::from)
            .collect();
        for (protocol, word) in [(ruleset::TCP, "tcp"), (ruleset::UDP, "udp")] {
            let what = format!("zone transfer with {name}, {word}");
            let sources = ruleset::Sources::networks(from.iter().copied());
            openings.push(Ruleset::opening(&what, 53, protocol, sources).into());
        }
    }
    invalid.into_result()?;
    Ok(openings)
}

/// The zone as a master file, with all that is generated but the serial, which only the server knows.
pub fn export(
    zone: &Zone,
    name: &str,
    placements: &[Placement],
    fleet: Fleet<'_>,
    serial: u32,
) -> Result<String, Invalid> {
    let checked = zone.check(name)?;
    let mut invalid = Invalid::default();
    let own = placements
        .first()
        .and_then(|placement| fleet.servers.get(&placement.server));
    let nowhere;
    let own = if let Some(own) = own {
        own
    } else {
        nowhere = Server::new("none".parse().map_err(|_| Invalid::default())?, "");
        &nowhere
    };
    let scene = Scene {
        zone,
        checked: &checked,
        placements,
        own,
        fleet,
    };
    let lines = scene.lines(&mut invalid);
    invalid.into_result()?;
    let mut sets: Vec<RecordSet> = Vec::new();
    for line in lines {
        let owner =
            Name::in_file(&line.name, &checked.zone).unwrap_or_else(|_| checked.zone.clone());
        let name = owner.relative(&checked.zone).to_owned();
        let ttl = Some(line.ttl).filter(|ttl| *ttl != checked.ttl);
        let value = match line.rtype.as_str() {
            "SOA" => line.value.replacen(" 0 ", &format!(" {serial} "), 1),
            _ => line.value,
        };
        match sets.last_mut() {
            Some(set) if set.name == name && set.rtype == line.rtype => set.values.push(value),
            _ => sets.push(RecordSet {
                name,
                rtype: line.rtype,
                ttl,
                values: vec![value],
            }),
        }
    }
    Ok(file::write(name, &sets, checked.ttl))
}

struct Scene<'a> {
    zone: &'a Zone,
    checked: &'a Checked,
    placements: &'a [Placement],
    own: &'a Server,
    fleet: Fleet<'a>,
}

impl Scene<'_> {
    /// Every record, the SOA (with serial 0) first.
    fn lines(&self, invalid: &mut Invalid) -> Vec<Line> {
        let Checked { zone, ttl, .. } = self.checked;
        let mut sets = self.zone.records.clone();
        self.name_servers(&mut sets, invalid);
        self.resolve(&mut sets, invalid);
        sort(&mut sets);
        let line = |name: &Name, rtype: &str, ttl: u32, value: String| Line {
            name: name.to_string(),
            rtype: rtype.to_owned(),
            ttl,
            value,
        };
        let soa = sets
            .iter()
            .position(|set| set.rtype == "SOA")
            .map(|at| sets.remove(at));
        let soa = match soa {
            // The serial in it is where fleet's begins; the server counts.
            Some(soa) => {
                let words: Vec<&str> = soa.values[0].split(' ').collect();
                let value = format!("{} {} 0 {}", words[0], words[1], words[3..].join(" "));
                line(zone, "SOA", soa.ttl.unwrap_or(*ttl), value)
            }
            None => line(zone, "SOA", *ttl, self.soa(&sets)),
        };
        let mut lines = vec![soa];
        for set in &sets {
            let name = set.absolute(zone);
            for value in &set.values {
                lines.push(line(
                    &name,
                    &set.rtype,
                    set.ttl.unwrap_or(*ttl),
                    value.clone(),
                ));
            }
        }
        lines
    }

    /// The value of the SOA by the settings, with serial 0.
    fn soa(&self, sets: &[RecordSet]) -> String {
        let Checked {
            zone,
            mailbox,
            refresh,
            retry,
            expire,
            negative_ttl,
            ..
        } = self.checked;
        let named = self.checked.mname.as_ref().or(self.checked.ns.first());
        let first = named.map(ToString::to_string).or_else(|| {
            let ns = sets.iter().find(|set| set.name == "@" && set.rtype == "NS");
            ns.and_then(|set| set.values.first().cloned())
        });
        let first = first.unwrap_or_else(|| zone.to_string());
        format!("{first} {mailbox} 0 {refresh} {retry} {expire} {negative_ttl}")
    }

    /// Adds the NS of the zone itself where the records have none.
    fn name_servers(&self, sets: &mut Vec<RecordSet>, invalid: &mut Invalid) {
        let servers = self.placements.iter();
        let mut servers: Vec<&Server> = servers
            .filter_map(|placement| self.fleet.servers.get(&placement.server))
            .collect();
        if servers.is_empty() {
            servers.push(self.own);
        }
        name_servers(self.checked, &servers, sets, invalid);
    }

    /// Puts the addresses of a site's server in the place of the site.
    fn resolve(&self, sets: &mut Vec<RecordSet>, invalid: &mut Invalid) {
        for set in sets.iter_mut() {
            let mut values = BTreeSet::new();
            for text in std::mem::take(&mut set.values) {
                let Some(site) = followed(&text) else {
                    values.insert(text);
                    continue;
                };
                let Some(server) = self.fleet.server_of(&site) else {
                    let message = format!("`{}` follows {site}, which is nowhere", set.label());
                    let hint = format!("`fleet add-site {}` adds it", site.name);
                    invalid.push_with_hint("", message, hint);
                    continue;
                };
                let wants_v4 = set.rtype == "A";
                let all = addresses(server, invalid);
                values.extend(
                    all.iter()
                        .filter(|a| a.is_ipv4() == wants_v4)
                        .map(ToString::to_string),
                );
            }
            set.values = values.into_iter().collect();
        }
        // A server without IPv6 has no AAAA.
        sets.retain(|set| !set.values.is_empty());
    }
}

/// Adds the NS of the zone itself where the records have none: those that are named, else one for each of its servers, with
/// its addresses.
fn name_servers(
    checked: &Checked,
    servers: &[&Server],
    sets: &mut Vec<RecordSet>,
    invalid: &mut Invalid,
) {
    if sets.iter().any(|set| set.name == "@" && set.rtype == "NS") {
        return;
    }
    let set = |name: &str, rtype: &str, values: Vec<String>| RecordSet {
        name: name.to_owned(),
        rtype: rtype.to_owned(),
        ttl: None,
        values,
    };
    if !checked.ns.is_empty() {
        let values = checked.ns.iter().map(ToString::to_string).collect();
        sets.push(set("@", "NS", values));
        return;
    }
    let mut names = Vec::new();
    for (at, server) in servers.iter().enumerate() {
        let label = format!("ns{}", at + 1);
        names.push(Name::absolute(&label, &checked.zone).to_string());
        let has_address = |set: &RecordSet| {
            set.name == label && ["A", "AAAA", "ALIAS"].contains(&set.rtype.as_str())
        };
        if sets.iter().any(has_address) {
            continue;
        }
        let (mut v4, mut v6) = (Vec::new(), Vec::new());
        for address in addresses(server, invalid) {
            match address {
                IpAddr::V4(address) => v4.push(address.to_string()),
                IpAddr::V6(address) => v6.push(address.to_string()),
            }
        }
        for (rtype, values) in [("A", v4), ("AAAA", v6)] {
            if !values.is_empty() {
                sets.push(set(&label, rtype, values));
            }
        }
    }
    sets.push(set("@", "NS", names));
}

/// What the parent of a zone on these servers has to know: each name server, with its addresses where its name lies in the
/// zone (RFC 1034, section 4.2.1).
pub(super) fn delegated(zone: &Zone, checked: &Checked, servers: &[&Server]) -> Vec<String> {
    let mut sets = zone.records.clone();
    // What is not known of a server is told when it is compiled.
    name_servers(checked, servers, &mut sets, &mut Invalid::default());
    let named = sets
        .iter()
        .filter(|set| set.name == "@" && set.rtype == "NS")
        .flat_map(|set| &set.values);
    named
        .map(|name| {
            let glue = sets.iter().filter(|set| {
                ["A", "AAAA"].contains(&set.rtype.as_str())
                    && set.absolute(&checked.zone).to_string() == *name
            });
            let addresses = glue
                .flat_map(|set| &set.values)
                .filter(|value| followed(value).is_none());
            let words =
                std::iter::once(name.trim_end_matches('.')).chain(addresses.map(String::as_str));
            words.collect::<Vec<_>>().join(" ")
        })
        .collect()
}

/// The public addresses of a server; that there are none is a problem.
fn addresses(server: &Server, invalid: &mut Invalid) -> Vec<IpAddr> {
    let all = server.public_addresses();
    if !all.is_empty() {
        return all;
    }
    let message = format!(
        "the inventory has no public address of server `{}`",
        server.name
    );
    if !invalid
        .problems
        .iter()
        .any(|problem| problem.message == message)
    {
        let hint = format!("`fleet set-server {} --ipv4 ADDRESS` sets it", server.name);
        invalid.push_with_hint("", message, hint);
    }
    Vec::new()
}

fn stored(line: &Line) -> item::Row {
    let rtype: Option<RecordType> = line.rtype.parse().ok();
    item::Row {
        name: unescaped(&line.name),
        rtype: line.rtype.clone(),
        ttl: line.ttl,
        content: rtype.map_or_else(
            || line.value.clone(),
            |rtype| value::stored(rtype, &line.value),
        ),
        auth: true,
    }
}

fn unescaped(name: &str) -> String {
    Name::in_file(name, &Name::zone("")).map_or_else(|_| name.to_owned(), |name| name.stored())
}

/// The rows of `PowerDNS`'s table: with the names between that have no records, and with what is below a delegation
/// marked as not the zone's own, as `pdnsutil rectify-zone` does it.
fn rows(lines: &[Line], zone: &Name) -> Vec<item::Row> {
    let mut cuts = BTreeSet::new();
    let mut names = BTreeSet::new();
    let mut parsed: BTreeMap<&str, Name> = BTreeMap::new();
    for line in lines {
        let Ok(name) = Name::in_file(&line.name, zone) else {
            continue;
        };
        if line.rtype == "NS" && name != *zone {
            cuts.insert(name.clone());
        }
        names.insert(name.clone());
        parsed.insert(&line.name, name);
    }
    let below_cut = |name: &Name| {
        let mut at = name.parent();
        while let Some(parent) = at.filter(|parent| parent.is_in(zone)) {
            if cuts.contains(&parent) {
                return true;
            }
            at = parent.parent();
        }
        false
    };
    let mut rows = Vec::new();
    for line in lines {
        let Some(name) = parsed.get(line.name.as_str()) else {
            continue;
        };
        let mut row = stored(line);
        row.auth = !below_cut(name) && (!cuts.contains(name) || line.rtype == "DS");
        rows.push(row);
    }
    let mut between = BTreeSet::new();
    for name in names.iter().filter(|name| !below_cut(name)) {
        let mut at = name.parent();
        while let Some(parent) = at.filter(|parent| parent != zone && parent.is_in(zone)) {
            if !names.contains(&parent) {
                between.insert(parent.clone());
            }
            at = parent.parent();
        }
    }
    rows.extend(between.iter().map(|name| item::Row {
        name: name.stored(),
        rtype: String::new(),
        ttl: 0,
        content: String::new(),
        auth: true,
    }));
    rows
}
