//! `fleet list-records`: what is recorded of a zone.

use clap::Args;
use serde_json::json;

use super::add_record::zone_kind;
use super::show::find;
use super::{Ending, Example, Group, Verb};
use crate::context::Context;
use crate::kind::from_json;
use crate::kind::zone::{Zone, records};
use crate::ui::{Cell, Table};

/// Lists the records that were added to a zone. What fleet generates besides, SOA and name servers, is in
/// `export-zone`.
#[derive(Args, Debug)]
pub struct ListRecords {
    /// The zone
    #[arg(value_name = "ZONE")]
    zone: String,
    /// Only those of this name: `www`, or `@` for the zone itself
    #[arg(value_name = "NAME")]
    name: Option<String>,
    /// Only those of this type
    #[arg(long = "type", value_name = "TYPE")]
    rtype: Option<String>,
}

impl Verb for ListRecords {
    const NAME: &'static str = "list-records";
    const ABOUT: &'static str = "List the records of a zone";
    const GROUP: Group = Group::Of("zone");
    const EXAMPLES: &'static [Example] = &[
        ("fleet list-records example.com", ""),
        ("fleet list-records example.com --type MX", ""),
    ];

    fn run(self, context: &Context) -> anyhow::Result<Ending> {
        let resource = find(context.state_to_read()?.as_ref(), zone_kind()?, &self.zone)?;
        let name = &resource.name.name;
        let spec: Zone = from_json(&resource.spec).map_err(|i| i.into_diagnostics(&resource.name.to_string()))?;
        let (own_name, rtype) = records::wanted(name, self.name.as_deref(), self.rtype.as_deref())
            .map_err(|i| i.into_diagnostics(&format!("zone `{name}`")))?;
        let is_wanted = |wanted: Option<&String>, value: &str| wanted.is_none_or(|wanted| wanted == value);
        let sets: Vec<_> = spec
            .records()
            .iter()
            .filter(|set| is_wanted(own_name.as_ref(), &set.name) && is_wanted(rtype.as_ref(), &set.rtype))
            .collect();
        let mut table = Table::new().column("name").column("type").column("value").column("ttl");
        for set in &sets {
            for value in &set.values {
                table.row(vec![
                    Cell::from(set.name.clone()),
                    Cell::from(set.rtype.clone()),
                    Cell::from(value.clone()),
                    Cell::from(set.ttl.map_or(String::new(), |ttl| ttl.to_string())),
                ]);
            }
        }
        context.ui.show(&json!({ "zone": name, "records": sets }), |page| {
            if !table.is_empty() {
                page.table(&table);
            }
        })?;
        if sets.is_empty() {
            context.ui.note(&format!("no records found in {name}"));
        }
        Ok(Ending::Done)
    }
}
