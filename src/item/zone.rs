//! A DNS zone in the SQLite database of `PowerDNS`: as the primary with its records, or as a secondary that transfers
//! them.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::{Atom, Props, Removal, Steps, props};
use crate::shell::{Script, Secret};

mod guard;
#[cfg(test)]
mod listens_tests;
mod make;
mod sql;

use sql::Sql;

/// Where `PowerDNS` answers on a server, as a shell function.
pub const LISTENS: &str = include_str!("zone/listens.sh");

/// The shell functions that work with zones.
pub const SHELL: &str = concat!(include_str!("zone/listens.sh"), include_str!("zone/zones.sh"));

/// A zone on a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Zone {
    /// Its name without the final dot.
    pub name: String,
    /// Kept, but not served.
    pub suspended: bool,
    /// What the server is for it.
    pub part: Part,
}

/// What a server is for a zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// It holds the records.
    Primary(Primary),
    /// It transfers them.
    Secondary(Secondary),
}

/// A zone where its records are made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Primary {
    /// The SOA, with serial 0: the server counts.
    pub soa: Row,
    /// All other records, and the names without records between them.
    pub rows: Vec<Row>,
    /// Addresses of the secondaries.
    pub notify: Vec<String>,
    /// The keys that transfers are signed with, the newest last.
    pub keys: Vec<TransferKey>,
    /// Whether it is signed (DNSSEC).
    pub signed: bool,
    /// The serial that it had elsewhere: it goes on from there.
    pub serial: Option<u32>,
}

/// A zone where its records come from another server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Secondary {
    /// Addresses of the primary.
    pub from: Vec<String>,
    /// The key that transfers are signed with.
    pub key: Option<TransferKey>,
}

/// A row of the table `records`, in the form that `PowerDNS` keeps.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Row {
    /// Owner, without the final dot.
    pub name: String,
    /// Type; empty for a name that has no records itself but some below it.
    pub rtype: String,
    /// Seconds that others may keep it.
    pub ttl: u32,
    /// Value, names without their final dots.
    pub content: String,
    /// Whether the zone itself answers for it; not for what belongs to a delegation.
    pub auth: bool,
}

/// A key for transfers (TSIG, HMAC-SHA256).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransferKey {
    /// Its name, by which both servers know it.
    pub name: String,
    /// The key in Base64.
    pub secret: Secret,
}

impl TransferKey {
    /// Name and hash: enough to see that it is the right one.
    fn fingerprint(&self) -> String {
        fingerprint(&self.name, self.secret.reveal())
    }
}

fn fingerprint(name: &str, secret: &str) -> String {
    format!("{name} {}", &sha256(&format!("{name} {secret}"))[..16])
}

/// The property with the records as text, one a line; it is never compared, its hash is.
pub const TEXT: &str = "_text";

/// Metadata of `PowerDNS` that fleet sets (and takes away).
const METADATA: [&str; 4] = ["ALSO-NOTIFY", "TSIG-ALLOW-AXFR", "AXFR-MASTER-TSIG", "SOA-EDIT"];

impl Primary {
    /// The records as text: what is compared, and shown in a diff. The serial is not in it.
    pub fn text(&self) -> String {
        let rows = [&self.soa].into_iter().chain(&self.rows);
        let rows = rows.filter(|row| !row.rtype.is_empty());
        text(rows.map(|row| (row.name.as_str(), row.ttl, row.rtype.as_str(), row.content.clone())))
    }
}

fn text<'a>(rows: impl Iterator<Item = (&'a str, u32, &'a str, String)>) -> String {
    let mut lines: Vec<String> = rows
        .map(|(name, ttl, rtype, content)| format!("{name}. {ttl} {rtype} {content}\n"))
        .collect();
    lines.sort();
    lines.concat()
}

/// The value of an SOA with its serial taken out.
fn without_serial(soa: &str) -> String {
    let mut words: Vec<&str> = soa.split(' ').collect();
    if let Some(serial) = words.get_mut(2) {
        *serial = "0";
    }
    words.join(" ")
}

impl Atom for Zone {
    const WORD: &'static str = "zone";

    fn name(&self) -> &str {
        &self.name
    }

    fn wanted(&self) -> Props {
        let on = |is: bool| if is { "on" } else { "off" }.to_owned();
        let mut wanted = match &self.part {
            Part::Primary(primary) => {
                let keys: Vec<String> = primary.keys.iter().rev().map(TransferKey::fingerprint).collect();
                props([
                    ("as", "primary".to_owned()),
                    ("dnssec", on(primary.signed)),
                    ("keys", keys.join(", ")),
                    ("notify", primary.notify.join(", ")),
                    ("sha256", sha256(&primary.text())),
                ])
            }
            Part::Secondary(secondary) => props([
                ("as", "secondary".to_owned()),
                ("keys", secondary.key.as_ref().map_or_else(String::new, TransferKey::fingerprint)),
                (
                    "from",
                    if self.suspended {
                        String::new()
                    } else {
                        secondary.from.join(", ")
                    },
                ),
            ]),
        };
        wanted.insert("served".to_owned(), on(!self.suspended));
        if self.suspended {
            // PowerDNS makes no keys for what it does not serve, and those that are there stay.
            wanted.remove("dnssec");
        }
        wanted
    }

    fn guarded(&self, fact: &Props) -> bool {
        // Records that somebody edited, or a zone that was there before fleet came, are somebody's work.
        let wanted = self.wanted();
        ["as", "sha256"].iter().any(|prop| fact.get(*prop) != wanted.get(*prop))
    }

    fn drastic(&self, fact: &Props) -> Option<String> {
        match &self.part {
            Part::Primary(primary) => guard::drastic(fact, primary, &self.name),
            Part::Secondary(_) => None,
        }
    }

    fn touched(&self, fact: Option<&Props>) -> Vec<String> {
        match &self.part {
            Part::Primary(primary) => guard::touched(fact, primary),
            Part::Secondary(_) => Vec::new(),
        }
    }

    fn kept(&self, task: i64) -> Option<String> {
        // The records are on record here; only the server has the keys that the parent's DS is made of.
        let signed = matches!(&self.part, Part::Primary(primary) if primary.signed);
        signed.then(|| format!("/var/lib/fleet/trash/{task}/dnssec-{}", self.name.replace('/', "%2F")))
    }

    fn observe(names: &[&str], out: &mut Script) {
        let mut sql = Sql::default();
        let of = |sql: &mut Sql, head: &'static str| {
            sql.raw(head).list(names.iter().copied()).raw(";\n");
        };
        of(&mut sql, "create temp table z as select id, name, type, master from domains where name in ");
        sql.raw(
            "select json_array('zone', name, type, coalesce(master, '')) from z;
select json_array('record', z.name, r.name, r.type, coalesce(r.ttl, 0), case when r.type in ('MX', 'SRV') then r.prio || ' ' || r.content else r.content end, r.disabled) from z join records r on r.domain_id = z.id where z.type <> 'SLAVE' and r.type <> '';
select json_array('hidden', z.name) from z where exists (select 1 from records r where r.domain_id = z.id and r.disabled);
select json_array('meta', z.name, m.kind, m.content) from z join domainmetadata m on m.domain_id = z.id where m.kind in ",
        );
        sql.list(METADATA).raw(" order by m.id;\n");
        sql.raw(
            "select distinct json_array('signed', z.name) from z join cryptokeys k on k.domain_id = z.id where k.active;
select distinct json_array('key', t.name, t.secret) from tsigkeys t join domainmetadata m on m.content = t.name join z on z.id = m.domain_id where m.kind in ('TSIG-ALLOW-AXFR', 'AXFR-MASTER-TSIG');
",
        );
        out.raw("if zones_ready; then printf %s ").arg(sql.finished());
        out.raw(" | zones_sql; fi\n");
    }

    fn facts(lines: &[&str]) -> BTreeMap<String, Props> {
        let mut seen: BTreeMap<String, Seen> = BTreeMap::new();
        let mut keys: BTreeMap<String, String> = BTreeMap::new();
        for line in lines {
            let Ok(Value::Array(row)) = serde_json::from_str(line) else {
                continue;
            };
            let word = |at: usize| row.get(at).and_then(Value::as_str).unwrap_or_default();
            let name = word(1).to_ascii_lowercase();
            if word(0) == "zone" {
                let zone = Seen {
                    secondary: word(2) == "SLAVE",
                    from: word(3).to_owned(),
                    ..Seen::default()
                };
                seen.insert(name, zone);
                continue;
            }
            if word(0) == "key" {
                keys.insert(name, word(2).to_owned());
                continue;
            }
            let Some(zone) = seen.get_mut(&name) else {
                continue;
            };
            match word(0) {
                "record" => {
                    let ttl = row.get(4).and_then(Value::as_u64).unwrap_or_default();
                    let content = match word(3) {
                        "SOA" => without_serial(word(5)),
                        _ => word(5).to_owned(),
                    };
                    let ttl = u32::try_from(ttl).unwrap_or(u32::MAX);
                    zone.records.push((word(2).to_owned(), ttl, word(3).to_owned(), content));
                }
                "hidden" => zone.hidden = true,
                "signed" => zone.signed = true,
                "meta" => zone.meta.push((word(2).to_ascii_uppercase(), word(3).to_owned())),
                _ => {}
            }
        }
        seen.into_iter().map(|(name, zone)| (name, zone.props(&keys))).collect()
    }

    fn apply(changes: &[(&Self, Option<&Props>)], steps: &mut Steps) {
        make::apply(changes, steps);
    }

    fn remove(removals: &[Removal<'_>], steps: &mut Steps) {
        make::remove(removals, steps);
    }
}

/// A zone as it was found.
#[derive(Default)]
struct Seen {
    secondary: bool,
    from: String,
    records: Vec<(String, u32, String, String)>,
    hidden: bool,
    signed: bool,
    meta: Vec<(String, String)>,
}

impl Seen {
    fn props(self, keys: &BTreeMap<String, String>) -> Props {
        let on = |is: bool| if is { "on" } else { "off" }.to_owned();
        let meta = |kind: &'static str| {
            let own = self.meta.iter().filter(move |(k, _)| k == kind);
            own.map(|(_, content)| content.as_str())
        };
        let key = |name: &str| {
            let secret = keys.get(&name.to_ascii_lowercase());
            secret.map_or_else(|| format!("{name} missing"), |secret| fingerprint(name, secret))
        };
        let listed = |kind: &'static str| meta(kind).map(key).collect::<Vec<_>>().join(", ");
        // A secondary that has not transferred anything yet has no records to hide.
        let hidden = self.hidden || (self.secondary && self.from.is_empty());
        let mut found = if self.secondary {
            props([
                ("as", "secondary".to_owned()),
                ("keys", listed("AXFR-MASTER-TSIG")),
                ("from", self.from.clone()),
            ])
        } else {
            let rows = self.records.iter();
            let text = text(rows.map(|(name, ttl, rtype, content)| (name.as_str(), *ttl, rtype.as_str(), content.clone())));
            props([
                ("as", "primary".to_owned()),
                ("dnssec", on(self.signed)),
                ("keys", listed("TSIG-ALLOW-AXFR")),
                ("notify", meta("ALSO-NOTIFY").collect::<Vec<_>>().join(", ")),
                ("sha256", sha256(&text)),
                (TEXT, text),
            ])
        };
        found.insert("served".to_owned(), on(!hidden));
        found
    }
}

/// SHA-256 in lower-case hexadecimal.
fn sha256(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().fold(String::with_capacity(64), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}
