//! `fleet export-zone`: a zone as a master file.

use std::collections::BTreeSet;

use clap::Args;
use serde_json::json;

use super::add_record::zone_kind;
use super::show::find;
use super::{Ending, Example, Group, Verb, ask};
use crate::context::Context;
use crate::kind::zone::{self, Zone};
use crate::kind::{Fleet, from_json};

/// Prints a zone as a master file (RFC 1035) that `import-zone`, BIND and PowerDNS read, with all that fleet generates:
/// the SOA with the serial of its primary, the name servers, the addresses of sites.
#[derive(Args, Debug)]
pub struct ExportZone {
    /// The zone
    #[arg(value_name = "ZONE")]
    zone: String,
    /// Without asking the primary for the serial, which is 1 then
    #[arg(long)]
    recorded: bool,
}

impl Verb for ExportZone {
    const NAME: &'static str = "export-zone";
    const ABOUT: &'static str = "Print a zone as a master file";
    const GROUP: Group = Group::Of("zone");
    const EXAMPLES: &'static [Example] = &[("fleet export-zone example.com > db.example.com", "")];

    fn run(self, context: &Context) -> anyhow::Result<Ending> {
        let kind = zone_kind()?;
        let state = context.state_to_read()?;
        let resource = find(state.as_ref(), kind, &self.zone)?;
        let followed = match &state {
            Some(state) => state.read(|read| read.followed(Some(&BTreeSet::from([resource.name.clone()]))))?,
            None => std::collections::BTreeMap::new(),
        };
        let name = &resource.name.name;
        let subject = resource.name.to_string();
        let spec: Zone = from_json(&resource.spec).map_err(|i| i.into_diagnostics(&subject))?;
        let mut serial = 1;
        if !self.recorded && let Some(primary) = resource.placements.first() {
            let only = BTreeSet::from([primary.server.clone()]);
            let known = ask::about(context, kind, std::slice::from_ref(&resource), Some(&only))?;
            for problem in &known.problems {
                context.ui.problem(problem);
            }
            let columns = known.of(&primary.server, name).map(Vec::as_slice).unwrap_or_default();
            let found = columns.iter().find(|(heading, _)| *heading == "serial");
            match found.and_then(|(_, text)| text.parse().ok()) {
                Some(found) => serial = found,
                None => context.ui.warn("the primary does not tell its serial; it is 1 here"),
            }
        }
        let fleet = Fleet {
            servers: &context.inventory()?.servers,
            resources: &followed,
        };
        let text = zone::export(&spec, name, &resource.placements, fleet, serial).map_err(|i| i.into_diagnostics(&subject))?;
        context.ui.show(&json!({ "zone": name, "serial": serial, "text": text }), |page| {
            for line in text.lines() {
                page.line(line);
            }
        })?;
        Ok(Ending::Done)
    }
}
