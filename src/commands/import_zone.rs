//! `fleet import-zone`: the records of a master file as a zone.

use std::collections::BTreeSet;
use std::path::PathBuf;

use clap::{Args, Command};
use serde_json::{Value, json};

use super::add::Add;
use super::add_record::zone_kind;
use super::edit::Edit;
use super::flags::{InWaves, Staging};
use super::{Ending, Example, Group, KindVerb, Verb};
use crate::context::Context;
use crate::diagnostic::{Diagnostic, Diagnostics, ticked};
use crate::kind::zone::{self, Zone, file};
use crate::kind::{Fleet, from_json, to_json};
use crate::model::{Resource, ResourceName};

/// Reads a master file (RFC 1035) as BIND and PowerDNS write them. A zone that is not there yet is added, one that is
/// gets these records in place of its own; where the file has just what fleet generates, that goes on to be generated.
#[derive(Args, Debug)]
pub struct ImportZone {
    /// The file; `-` reads standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The zone [default: that of the file's SOA or $ORIGIN]
    #[arg(long, value_name = "ZONE")]
    zone: Option<String>,
    /// Where a new zone goes, instead of the server with the most room
    #[arg(long, value_name = "SERVER")]
    server: Option<String>,
    /// Other servers of a new zone
    #[arg(long, value_name = "SERVER", value_delimiter = ',')]
    secondary: Vec<String>,
    /// So many more other servers of a new zone
    #[arg(long, value_name = "N")]
    secondaries: Option<u32>,
    #[command(flatten)]
    staging: Staging,
}

impl Verb for ImportZone {
    const NAME: &'static str = "import-zone";
    const ABOUT: &'static str = "Take the records of a master file for a zone";
    const GROUP: Group = Group::Of("zone");
    const EXAMPLES: &'static [Example] = &[
        ("fleet import-zone db.example.com --secondaries 1", ""),
        ("fleet import-zone transfer.txt --zone example.com --dry-run", "What a move would change"),
    ];

    fn run(self, context: &Context) -> anyhow::Result<Ending> {
        let kind = zone_kind()?;
        let shown = self.file.display().to_string();
        let text = context.read_file(&self.file)?;
        let given = match &self.zone {
            Some(zone) => {
                let subject = format!("zone {}", ticked(zone));
                Some((kind.canonical_name)(zone).map_err(|i| i.into_diagnostics(&subject))?)
            }
            None => None,
        };
        let read = file::read(&text, given.as_deref()).map_err(|i| i.into_diagnostics(&ticked(&shown)))?;
        for note in &read.notes {
            context.ui.warn(note);
        }
        let zone = given.or_else(|| read.zone.clone()).unwrap_or_default();
        let subject = format!("zone {}", ticked(&zone));
        let zone = (kind.canonical_name)(&zone).map_err(|i| i.into_diagnostics(&subject))?;
        let name = ResourceName::new(kind.word, zone.as_str());
        let there = match context.state_to_read()? {
            Some(state) => state.read(|state| state.find(&name))?,
            None => None,
        };
        if let Some(there) = there {
            self.refuse_moves(&there)?;
            let edit = Edit {
                command: Self::NAME,
                staging: self.staging,
                kind,
                name: &zone,
            };
            let served = served(context, &there);
            return edit.run(context, None, |spec: &mut Zone, _now| {
                let mut read = read;
                if let Some(served) = &served {
                    spec.leave_generated(&mut read, served);
                }
                spec.forget_soa(&read);
                spec.take_in(read, &zone);
                Ok(())
            });
        }
        let command = Add::arguments(kind, Command::new("add-zone"));
        let matches = command.try_get_matches_from(self.arguments(&zone))?;
        let mut edge = context.edge();
        let spec = (kind.parse)(&matches, &zone, &mut edge).map_err(|i| i.into_diagnostics(&subject))?;
        let mut spec: Zone = from_json(&spec).map_err(|i| i.into_diagnostics(&subject))?;
        spec.take_in(read, &zone);
        let spec = to_json(&spec).map_err(|i| i.into_diagnostics(&subject))?;
        Add::spec(context, kind, &matches, &zone, spec, &edge)
    }
}

/// The zone as it is now, as its master file says it; `None` where that cannot be told.
fn served(context: &Context, there: &Resource) -> Option<file::Read> {
    let spec: Zone = from_json(&there.spec).ok()?;
    let only = BTreeSet::from([there.name.clone()]);
    let followed = context.state_to_read().ok()??.read(|read| read.followed(Some(&only))).ok()?;
    let fleet = Fleet {
        servers: &context.inventory().ok()?.servers,
        resources: &followed,
    };
    let name = &there.name.name;
    let text = zone::export(&spec, name, &there.placements, fleet, 1).ok()?;
    file::read(&text, Some(name)).ok()
}

impl ImportZone {
    /// An import changes the records of a zone that is there, and not where it is.
    fn refuse_moves(&self, there: &Resource) -> Result<(), Diagnostics> {
        let zone = &there.name.name;
        let mut problems = Vec::new();
        let mut refuse = |flag: &str, hint: String| {
            let message = format!("zone `{zone}` is there already, and `--{flag}` is for a new one");
            problems.push(Diagnostic::usage(message).hint(hint));
        };
        let first = there.placements.first().map(|placement| placement.server.as_str());
        if let Some(server) = &self.server
            && first != Some(server.as_str())
        {
            refuse("server", format!("what is placed is never moved; it is on `{}`", first.unwrap_or("no server")));
        }
        let set = |words: String| format!("`fleet set-zone {zone} {words}` gives it others");
        let named = there.spec.get("secondary").cloned().unwrap_or_else(|| json!([]));
        if !self.secondary.is_empty() && named != json!(self.secondary) {
            refuse("secondary", set(format!("--secondary {}", self.secondary.join(","))));
        }
        if let Some(more) = self.secondaries
            && there.spec.get("secondaries").and_then(Value::as_u64).unwrap_or(0) != u64::from(more)
        {
            refuse("secondaries", set(format!("--secondaries {more}")));
        }
        if problems.is_empty() { Ok(()) } else { Err(Diagnostics(problems)) }
    }

    /// The arguments of `add-zone` that these stand for.
    fn arguments(&self, zone: &str) -> Vec<String> {
        let mut words = vec!["add-zone".to_owned(), zone.to_owned()];
        let mut flag = |name: &str, value: Option<String>| {
            words.push(match value {
                Some(value) => format!("--{name}={value}"),
                None => format!("--{name}"),
            });
        };
        if let Some(server) = &self.server {
            flag("server", Some(server.clone()));
        }
        for server in &self.secondary {
            flag("secondary", Some(server.clone()));
        }
        if let Some(more) = self.secondaries {
            flag("secondaries", Some(more.to_string()));
        }
        let flags = &self.staging.flags;
        for (name, is) in [
            ("dry-run", flags.dry_run),
            ("force", flags.force),
            ("adopt", flags.adopt),
            ("stage", self.staging.stage),
        ] {
            if is {
                flag(name, None);
            }
        }
        if let Some(wait) = flags.lock_wait {
            flag("lock-wait", Some(format!("{}ms", wait.as_millis())));
        }
        let confirm = flags.confirm_timeout.as_millis();
        flag("confirm-timeout", Some(format!("{confirm}ms")));
        let InWaves {
            waves,
            max_failures,
            wave_pause,
            away_fails,
        } = &flags.in_waves;
        if let Some(waves) = waves {
            flag("waves", Some(waves.to_string()));
        }
        if let Some(most) = max_failures {
            flag("max-failures", Some(most.to_string()));
        }
        if let Some(pause) = wave_pause {
            flag("wave-pause", Some(format!("{}ms", pause.as_millis())));
        }
        if *away_fails {
            flag("away-fails", None);
        }
        words
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use clap::FromArgMatches as _;

    use super::*;
    use crate::commands::flags::Flags;

    #[test]
    fn a_new_zone_is_added_as_the_import_was_to_be_carried_out() {
        let flags = [
            "--lock-wait=500ms",
            "--confirm-timeout=5m",
            "--waves=1,50%",
            "--max-failures=2",
            "--wave-pause=1500ms",
            "--away-fails",
            "--force",
            "--dry-run",
        ];
        let import = ImportZone::augment_args(Command::new(ImportZone::NAME));
        let words = [ImportZone::NAME, "-"].into_iter().chain(flags);
        let import = ImportZone::from_arg_matches(&import.get_matches_from(words)).unwrap();
        let add = Add::arguments(zone_kind().unwrap(), Command::new("add-zone"));
        let added = add.try_get_matches_from(import.arguments("example.com")).unwrap();
        let added = Flags::read(&added).unwrap();
        assert_eq!(format!("{added:?}"), format!("{:?}", import.staging.flags));
    }
}
