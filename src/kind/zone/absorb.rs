//! What a zone's arguments name outside of them: templates, master files, keys.

use std::collections::BTreeSet;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::name::Name;
use super::records::RecordSet;
use super::{TransferKey, Zone, file, records, template};
use crate::diagnostic::Invalid;
use crate::kind::Edge;
use crate::shell::Secret;

impl Zone {
    pub(super) fn absorb_all(&mut self, name: &str, edge: &mut dyn Edge) -> Result<(), Invalid> {
        let mut invalid = Invalid::default();
        if let Some(path) = self.file.take() {
            match edge.read_file(&path) {
                Ok(text) => match file::read(&text, Some(name)) {
                    Ok(read) => self.take_in(read, name),
                    Err(found) => invalid.problems.extend(found.problems),
                },
                Err(message) => invalid.push("file", message),
            }
        } else {
            self.apply_template(name, edge, &mut invalid);
        }
        invalid.into_result()?;
        self.make_keys(name, edge)
    }

    fn apply_template(&mut self, name: &str, edge: &mut dyn Edge, invalid: &mut Invalid) {
        let addresses = std::mem::take(&mut self.address);
        let word = match self.template.take() {
            Some(word) => word,
            None if addresses.is_empty() => return,
            None => "default".to_owned(),
        };
        let text = match template::named(&word) {
            Some(text) => text.to_owned(),
            None if word.contains(['/', '.']) => match edge.read_file(Path::new(&word)) {
                Ok(text) => text,
                Err(message) => return invalid.push("template", message),
            },
            None => {
                let message = format!("`{}` is not a template", crate::kind::reason::shown(&word));
                let hint = format!("one of {}, or a file", template::WORDS.join(", "));
                return invalid.push_with_hint("template", message, hint);
            }
        };
        match template::records(&text, name, &addresses) {
            Ok(sets) => self.records = sets,
            Err(found) => invalid.problems.extend(found.problems),
        }
    }

    /// Forgets what a master file says anew: what it does not say stays as it was set.
    pub fn forget_soa(&mut self, read: &file::Read) {
        if read.ttl.is_some() {
            self.ttl = None;
        }
        if !read.sets.iter().any(RecordSet::is_soa) {
            return;
        }
        self.mname = None;
        self.email = None;
        self.refresh = None;
        self.retry = None;
        self.expire = None;
        self.negative_ttl = None;
    }

    /// Leaves to the zone what it generates where a file has just that, so that it goes on to follow sites and servers.
    /// `served` is the zone as it is now, as a master file.
    pub fn leave_generated(&self, read: &mut file::Read, served: &file::Read) {
        let of = |sets: &[RecordSet], like: &RecordSet| {
            let mut sets = sets.iter();
            sets.position(|set| (&set.name, &set.rtype) == (&like.name, &like.rtype))
        };
        let sorted = |set: &RecordSet| set.values.iter().cloned().collect::<BTreeSet<_>>();
        let default = read.ttl.or(served.ttl);
        let alike = |set: &RecordSet, now: &RecordSet| {
            sorted(set) == sorted(now) && set.ttl.or(default) == now.ttl.or(served.ttl)
        };
        let follows = |set: &&RecordSet| {
            set.values
                .iter()
                .any(|value| records::followed(value).is_some())
        };
        for own in self.records.iter().filter(follows) {
            match (of(&read.sets, own), of(&served.sets, own)) {
                (Some(at), Some(now)) if alike(&read.sets[at], &served.sets[now]) => {
                    read.sets[at].values.clone_from(&own.values);
                }
                // The site has no such address now.
                (None, None) => read.sets.push(own.clone()),
                _ => {}
            }
        }
        // All or none: a name server with an address of its own gets no other.
        let generated: Vec<&RecordSet> = served
            .sets
            .iter()
            .filter(|set| !set.is_soa() && of(&self.records, set).is_none())
            .collect();
        let there = |now: &&RecordSet| {
            let set = of(&read.sets, now).map(|at| &read.sets[at]);
            set.is_some_and(|set| set.ttl.is_none() && alike(set, now))
        };
        if generated.iter().all(there) {
            read.sets.retain(|set| {
                !generated
                    .iter()
                    .any(|now| (&now.name, &now.rtype) == (&set.name, &set.rtype))
            });
        }
    }

    /// Takes the records of a master file for its own: what the SOA says becomes settings, and so do the names of the
    /// name servers.
    pub fn take_in(&mut self, read: file::Read, name: &str) {
        let zone = Name::zone(name);
        self.records = read.sets;
        match (&self.ttl, read.ttl) {
            (None, ttl) => self.ttl = ttl.map(|ttl| ttl.to_string()),
            // Another default is asked for: each keeps the time to live that it has in the file.
            (Some(_), Some(ttl)) => {
                for set in &mut self.records {
                    set.ttl.get_or_insert(ttl);
                }
            }
            (Some(_), None) => {}
        }
        let Some(at) = self.records.iter().position(RecordSet::is_soa) else {
            return;
        };
        let soa = self.records.remove(at);
        let Some(words) = soa
            .values
            .first()
            .map(|value| value.split(' ').collect::<Vec<_>>())
        else {
            return;
        };
        if let [mname, mailbox, serial, refresh, retry, expire, negative] = words[..] {
            self.serial = serial.parse().ok();
            self.mname.get_or_insert_with(|| mname.to_owned());
            self.email = self.email.take().or_else(|| address(mailbox, &zone));
            let text = |own: &mut Option<String>, value: &str| {
                own.get_or_insert_with(|| value.to_owned());
            };
            text(&mut self.refresh, refresh);
            text(&mut self.retry, retry);
            text(&mut self.expire, expire);
            text(&mut self.negative_ttl, negative);
        }
        records::sort(&mut self.records);
    }

    /// The keys that a zone with secondaries needs, up to the number that is asked for. They follow from the
    /// installation's own key, so that the same command gives the same settings.
    fn make_keys(&mut self, name: &str, edge: &mut dyn Edge) -> Result<(), Invalid> {
        if !self.has_secondaries() && self.transfer_key.is_none() {
            return Ok(());
        }
        let newest = self.transfer_key.unwrap_or(1);
        self.keys.clear();
        // The one before is still taken, so that a server which cannot be reached now is not shut out.
        for number in newest.saturating_sub(1).max(1)..=newest {
            let seed = Secret::new("transfer key of a zone");
            let made = edge
                .derive(&seed, &format!("tsig {number} {name}"))
                .and_then(|bytes| edge.seal(Secret::new(STANDARD.encode(bytes))));
            match made {
                Ok(secret) => self.keys.push(TransferKey { number, secret }),
                Err(message) => {
                    let mut invalid = Invalid::default();
                    invalid.push("", message);
                    return Err(invalid);
                }
            }
        }
        Ok(())
    }
}

/// The mail address of an SOA's mailbox; `None` when it is that of the default, or none that can be written so.
fn address(mailbox: &str, zone: &Name) -> Option<String> {
    let name = Name::in_file(mailbox, zone).ok()?;
    let default = Name::in_file("hostmaster", zone).ok()?;
    if name == default {
        return None;
    }
    let local = String::from_utf8(name.labels().into_iter().next()?).ok()?;
    Some(format!("{local}@{}", name.parent()?.bare()))
}
