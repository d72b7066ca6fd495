//! Master files (RFC 1035, 5) as BIND and `PowerDNS` write them: read to the stored form, and written from it.

use std::fmt::Write as _;

use super::name::Name;
use super::records::{RecordSet, sort};
use super::token::{self, Token};
use super::types::{RecordType, SIGNATURES};
use super::value::{self, Reading};
use crate::diagnostic::Invalid;
use crate::kind::reason::{Reason, refuse, refuse_with_hint, shown};

/// What was read of a master file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Read {
    /// The zone, as its SOA or `$ORIGIN` says; `None` where neither does.
    pub zone: Option<String>,
    /// The records.
    pub sets: Vec<RecordSet>,
    /// The default time to live (`$TTL`).
    pub ttl: Option<u32>,
    /// What was left out or read in another way than written, one sentence each.
    pub notes: Vec<String>,
}

/// The largest file that is read.
const LARGEST: usize = 64 << 20;

/// Reads a master file. `zone` is the zone it is for, if that is known; every problem at once, with its line.
pub fn read(text: &str, zone: Option<&str>) -> Result<Read, Invalid> {
    let mut invalid = Invalid::default();
    if text.len() > LARGEST {
        invalid.push("", format!("the file has more than {} MiB", LARGEST >> 20));
        return Err(invalid);
    }
    let mut reader = Reader {
        origin: zone.map(Name::zone),
        zone: zone.map(Name::zone),
        owner: None,
        ttl: None,
        last_ttl: None,
        signed: 0,
        records: Vec::new(),
        notes: Vec::new(),
    };
    for entry in entries(text) {
        let line = entry.line;
        let refused = entry
            .tokens
            .and_then(|tokens| reader.entry(&tokens, entry.indented));
        if let Err(reason) = refused {
            let message = format!("line {line}: {}", reason.message);
            match reason.hint {
                Some(hint) => invalid.push_with_hint("", message, hint),
                None => invalid.push("", message),
            }
            if invalid.problems.len() == 50 {
                invalid.push("", "and perhaps more; the first 50 are shown");
                break;
            }
        }
    }
    if !invalid.problems.is_empty() {
        return Err(invalid);
    }
    reader.finish()
}

/// An entry of the file: the words of one line, or of several in parentheses.
struct Entry {
    /// Where it begins, from 1.
    line: usize,
    /// Whether it begins with blanks: then its name is that of the one before.
    indented: bool,
    tokens: Result<Vec<Token>, Reason>,
}

/// Takes a text apart into entries without blank ones.
fn entries(text: &str) -> Vec<Entry> {
    let mut entries = Vec::new();
    let mut rest = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut line = 1;
    while !rest.is_empty() {
        let (entry, after, lines) = entry(rest, line);
        if entry
            .tokens
            .as_ref()
            .map_or(true, |tokens| !tokens.is_empty())
        {
            entries.push(entry);
        }
        rest = after;
        line += lines;
    }
    entries
}

fn entry(text: &str, line: usize) -> (Entry, &str, usize) {
    let mut entry = Entry {
        line,
        indented: text.starts_with([' ', '\t']),
        tokens: Ok(Vec::new()),
    };
    let mut tokens = Vec::new();
    let mut rest = text;
    let mut lines = 0;
    let mut open = false;
    let failed = |entry: Entry, reason: Reason, lines: usize, rest| {
        // What follows on this line means nothing any more.
        let after = match str::find(rest, '\n') {
            Some(at) => &rest[at + 1..],
            None => "",
        };
        (
            Entry {
                tokens: Err(reason),
                ..entry
            },
            after,
            lines + 1,
        )
    };
    loop {
        rest = rest.trim_start_matches([' ', '\t', '\r']);
        let Some(first) = rest.chars().next() else {
            break;
        };
        match first {
            '\n' => {
                rest = &rest[1..];
                lines += 1;
                if !open {
                    break;
                }
            }
            ';' => rest = str::find(rest, '\n').map_or("", |at| &rest[at..]),
            '(' if !open => {
                open = true;
                rest = &rest[1..];
            }
            ')' if open => {
                open = false;
                rest = &rest[1..];
            }
            '(' | ')' => {
                let reason = Reason {
                    message: format!("a `{first}` too many"),
                    hint: None,
                };
                return failed(entry, reason, lines, rest);
            }
            _ => match token::next(rest) {
                Ok((token, after)) => {
                    tokens.push(token);
                    rest = after;
                }
                Err(reason) => return failed(entry, reason, lines, rest),
            },
        }
    }
    if open {
        entry.tokens = refuse("a `(` without its `)`");
    } else {
        entry.tokens = Ok(tokens);
    }
    (entry, rest, lines)
}

struct Record {
    name: Name,
    rtype: RecordType,
    ttl: Option<u32>,
    /// What is written beside it.
    own_ttl: Option<u32>,
    /// The `$TTL` in force.
    default: Option<u32>,
    value: String,
}

struct Reader {
    origin: Option<Name>,
    zone: Option<Name>,
    owner: Option<Name>,
    /// `$TTL`.
    ttl: Option<u32>,
    /// Of the record before: RFC 1035 takes it where none is written.
    last_ttl: Option<u32>,
    /// How many records were left out that the server makes.
    signed: usize,
    records: Vec<Record>,
    notes: Vec<String>,
}

impl Reader {
    fn entry(&mut self, tokens: &[Token], indented: bool) -> Result<(), Reason> {
        let first = &tokens[0];
        if !first.quoted && first.text.starts_with('$') && !indented {
            return self.control(&first.text.to_ascii_uppercase(), &tokens[1..]);
        }
        let mut rest = tokens;
        if !indented {
            rest = &tokens[1..];
            self.owner = Some(self.name(&first.text)?);
        }
        let Some(owner) = self.owner.clone() else {
            return refuse("the first record has no name");
        };
        let mut ttl = None;
        let mut class = false;
        // Time to live and class stand in any order, or not at all.
        while let Some(token) = rest.first() {
            if !class && is_class(&token.text) {
                if !token.text.eq_ignore_ascii_case("IN") {
                    return refuse(format!(
                        "class `{}` is not that of the Internet",
                        shown(&token.text)
                    ));
                }
                class = true;
            } else if ttl.is_none() && token.text.starts_with(|c: char| c.is_ascii_digit()) {
                let Some(seconds) = value::seconds(&token.text) else {
                    return refuse(format!("`{}` is not a time to live", shown(&token.text)));
                };
                ttl = Some(seconds);
            } else {
                break;
            }
            rest = &rest[1..];
        }
        let Some((word, values)) = rest.split_first() else {
            return refuse("a record without a type");
        };
        if SIGNATURES
            .iter()
            .any(|signature| word.text.eq_ignore_ascii_case(signature))
        {
            self.signed += 1;
            return Ok(());
        }
        let rtype: RecordType = word.text.parse().map_err(|message| Reason {
            message,
            hint: None,
        })?;
        let origin = self.origin.clone().unwrap_or_else(|| Name::zone(""));
        let mut names = rtype.fields().unwrap_or_default().iter().zip(values);
        if self.origin.is_none()
            && names.any(|(field, token)| {
                *field == super::types::Field::Name && !token.text.ends_with('.')
            })
        {
            return no_origin();
        }
        if values.is_empty() {
            return refuse_with_hint(
                format!("a {rtype} without a value"),
                format!("such as `{}`", rtype.example()),
            );
        }
        let value = value::parse(rtype, values, Reading::File(&origin))?;
        if rtype == RecordType::SOA && self.zone.is_none() {
            self.zone = Some(owner.clone());
        }
        if ttl.is_some() {
            self.last_ttl = ttl;
        } else if rtype == RecordType::SOA && self.ttl.is_none() {
            // Where a file says nothing of times to live, the last figure of the SOA is the default (BIND; RFC 1035, 3.3.13).
            self.last_ttl = value.split(' ').nth(6).and_then(|least| least.parse().ok());
        }
        let own_ttl = ttl;
        let ttl = ttl.or(if self.ttl.is_some() {
            None
        } else {
            self.last_ttl
        });
        self.records.push(Record {
            name: owner,
            rtype,
            // With `$TTL` in force the default is kept as such only where the file has just one.
            ttl: ttl.or(self.ttl),
            own_ttl,
            default: self.ttl,
            value,
        });
        Ok(())
    }

    fn control(&mut self, word: &str, arguments: &[Token]) -> Result<(), Reason> {
        let argument = arguments
            .first()
            .map(|token| token.text.as_str())
            .unwrap_or_default();
        match word {
            "$ORIGIN" => {
                self.origin = Some(self.name(argument)?);
                Ok(())
            }
            "$TTL" => match value::seconds(argument) {
                Some(ttl) => {
                    self.ttl = Some(ttl);
                    Ok(())
                }
                None => refuse(format!("`{}` is not a time to live", shown(argument))),
            },
            "$INCLUDE" => refuse_with_hint(
                "$INCLUDE is not followed",
                "put what it includes into this file",
            ),
            "$GENERATE" => refuse_with_hint(
                "$GENERATE is not understood",
                "write out the records it stands for",
            ),
            _ => refuse(format!(
                "`{}` is not a control of a master file",
                shown(word)
            )),
        }
    }

    fn name(&self, text: &str) -> Result<Name, Reason> {
        match &self.origin {
            Some(origin) => Name::in_file(text, origin),
            None if text.ends_with('.') => Name::in_file(text, &Name::zone("")),
            None => no_origin(),
        }
    }

    /// The time to live of what has none of its own in the zone.
    fn default_ttl(&mut self, zone: &Name) -> Option<u32> {
        let soa = self
            .records
            .iter()
            .find(|record| record.rtype == RecordType::SOA && record.name == *zone);
        let soa_ttl = soa.and_then(|soa| soa.own_ttl);
        // The SOA has the default of its zone: the one in force beside it. A transfer has no `$TTL`.
        let in_force = soa.and_then(|soa| soa.default);
        let default = in_force.or(self.ttl).or(soa_ttl);
        if let (Some(default), Some(own)) = (default, soa_ttl)
            && own != default
        {
            self.notes.push(format!(
                "the SOA gets the time to live of the zone, {default}, and not {own}"
            ));
        }
        default
    }

    fn finish(mut self) -> Result<Read, Invalid> {
        let mut invalid = Invalid::default();
        let zone = self.zone.take().or_else(|| self.origin.take());
        let Some(zone) = zone else {
            invalid.push_with_hint(
                "",
                "the file does not say of which zone it is",
                "it has neither an SOA nor $ORIGIN",
            );
            return Err(invalid);
        };
        if self.signed > 0 {
            self.notes.push(format!(
                "{} records of the signing are left out: the name server makes its own",
                self.signed
            ));
        }
        let default = self.default_ttl(&zone);
        let mut sets: Vec<RecordSet> = Vec::new();
        let mut outside = 0;
        let mut index = std::collections::HashMap::new();
        for record in self.records {
            if !record.name.is_in(&zone) {
                outside += 1;
                if outside <= 20 {
                    invalid.push(
                        "",
                        format!("`{}` is not in the zone `{}`", record.name, zone.bare()),
                    );
                }
                continue;
            }
            let name = record.name.relative(&zone).to_owned();
            let rtype = record.rtype.to_string();
            let ttl = record.ttl.filter(|ttl| Some(*ttl) != default);
            let at = *index
                .entry((name.clone(), record.rtype))
                .or_insert_with(|| {
                    sets.push(RecordSet {
                        name,
                        rtype,
                        ttl,
                        values: Vec::new(),
                    });
                    sets.len() - 1
                });
            let set = &mut sets[at];
            if set.ttl != ttl {
                let effective = [set.ttl, ttl].map(|ttl| ttl.or(default).unwrap_or(u32::MAX));
                // One set has one time to live (RFC 2181, 5.2); the shortest promises nothing that others did not.
                set.ttl = if effective[1] < effective[0] {
                    ttl
                } else {
                    set.ttl
                };
                let label = set.label();
                let note = format!(
                    "{label} has several times to live; the shortest is taken (RFC 2181, 5.2)"
                );
                if !self.notes.contains(&note) {
                    self.notes.push(note);
                }
            }
            if set.values.contains(&record.value) {
                // A transfer ends with the SOA that it began with.
                if record.rtype == RecordType::SOA {
                    continue;
                }
                self.notes.push(format!(
                    "{} {} is there twice",
                    set.label(),
                    shown(&record.value)
                ));
            } else {
                set.values.push(record.value);
            }
        }
        if outside > 20 {
            invalid.push("", format!("and {} more names", outside - 20));
        }
        if sets.iter().any(|set| set.is_soa() && set.values.len() > 1) {
            invalid.push(
                "",
                "the zone has several SOA, it can have one (RFC 1035, 5.2)",
            );
        }
        sort(&mut sets);
        invalid.into_result()?;
        Ok(Read {
            zone: Some(zone.bare().to_owned()),
            sets,
            ttl: default,
            notes: self.notes,
        })
    }
}

fn no_origin<T>() -> Result<T, Reason> {
    refuse_with_hint(
        "a relative name, and nothing says to what",
        "name the zone, or begin with $ORIGIN",
    )
}

fn is_class(text: &str) -> bool {
    ["IN", "CH", "HS", "CS"]
        .iter()
        .any(|class| text.eq_ignore_ascii_case(class))
}

/// The zone as a master file; `default` is the time to live of sets that have none of their own.
pub fn write(zone: &str, sets: &[RecordSet], default: u32) -> String {
    let mut out = format!("$ORIGIN {zone}.\n$TTL {default}\n");
    for set in sets {
        for value in &set.values {
            let ttl = set.ttl.map_or(String::new(), |ttl| ttl.to_string());
            let _ = writeln!(out, "{}\t{ttl}\tIN\t{}\t{value}", set.name, set.rtype);
        }
    }
    out
}
