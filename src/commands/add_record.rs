//! `fleet add-record`: more records in a zone.

use clap::Args;

use super::edit::Edit;
use super::flags::Staging;
use super::{Ending, Example, Group, Verb};
use crate::context::Context;
use crate::kind::zone::{Typed, Zone};
use crate::kind::{self, Kind};

/// Adds values to the records of a name and type; the zone's secondaries follow within a moment.
#[derive(Args, Debug)]
pub struct AddRecord {
    #[command(flatten)]
    what: Record,
    /// The values; one with blanks in quotes. `site:DOMAIN` as the value of A or AAAA follows a site
    #[arg(value_name = "VALUE", required = true)]
    values: Vec<String>,
    #[command(flatten)]
    how: How,
}

/// The records that a command is about.
#[derive(Args, Debug)]
pub(super) struct Record {
    /// The zone
    #[arg(value_name = "ZONE")]
    zone: String,
    /// The name in the zone: `www`, or `@` for the zone itself
    #[arg(value_name = "NAME")]
    name: String,
    /// The type: A, AAAA, MX, ...
    #[arg(value_name = "TYPE")]
    rtype: String,
}

/// How long they may be kept, and how the change is carried out.
#[derive(Args, Debug)]
pub(super) struct How {
    /// How long others may keep them: seconds, or such as `1h30m` [default: the zone's]
    #[arg(long, value_name = "TIME")]
    pub(super) ttl: Option<String>,
    /// Priority of each value, of MX, SRV, URI, SVCB and HTTPS; else it is the first word of a value
    #[arg(long, value_name = "N")]
    pub(super) priority: Option<u16>,
    #[command(flatten)]
    pub(super) staging: Staging,
}

/// The kind.
pub(super) fn zone_kind() -> anyhow::Result<&'static Kind> {
    kind::kind("zone").ok_or_else(|| anyhow::anyhow!("there is no kind `zone`"))
}

/// What is done with the records that were typed: added, put, taken away.
type Change = fn(Typed, &mut Vec<kind::zone::RecordSet>, &str) -> Result<(), crate::diagnostic::Invalid>;

impl Record {
    /// Changes the zone's records by those that were typed.
    pub(super) fn change(
        self,
        context: &Context,
        command: &'static str,
        values: &[String],
        how: How,
        change: Change,
    ) -> anyhow::Result<Ending> {
        let kind = zone_kind()?;
        let subject = format!("zone {}", crate::diagnostic::ticked(&self.zone));
        let zone = (kind.canonical_name)(&self.zone).map_err(|i| i.into_diagnostics(&subject))?;
        let typed = Typed::read(&zone, &self.name, &self.rtype, values, how.ttl.as_deref(), how.priority)
            .map_err(|i| i.into_diagnostics(&subject))?;
        let edit = Edit {
            command,
            staging: how.staging,
            kind,
            name: &zone,
        };
        edit.run(context, None, |spec: &mut Zone, _now| change(typed, spec.records_mut(), &zone))
    }
}

impl Verb for AddRecord {
    const NAME: &'static str = "add-record";
    const ABOUT: &'static str = "Add records to a zone";
    const GROUP: Group = Group::Of("zone");
    const EXAMPLES: &'static [Example] = &[
        ("fleet add-record example.com www A 192.0.2.10", ""),
        ("fleet add-record example.com @ A site:example.com", "Follows the site from server to server"),
        ("fleet add-record example.com @ MX mail --priority 10", ""),
        ("fleet add-record example.com @ TXT 'v=spf1 mx -all' --ttl 1h", ""),
    ];

    fn run(self, context: &Context) -> anyhow::Result<Ending> {
        self.what.change(context, Self::NAME, &self.values, self.how, Typed::add_to)
    }
}
