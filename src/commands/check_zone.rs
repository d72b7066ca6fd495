//! `fleet check-zone`: what is doubtful in zones and yet not wrong.

use clap::Args;
use serde_json::json;

use super::add_record::zone_kind;
use super::show::find;
use super::{Ending, Example, Group, Verb};
use crate::context::Context;
use crate::diagnostic::Class;
use crate::kind::from_json;
use crate::kind::zone::lint::{Lint, Zones};
use crate::state::Filter;
use crate::ui::{Cell, Table, Tone};

/// Looks for what is doubtful in zones: records that lead to nothing, mail policies with too many look-ups, addresses
/// without a reverse name. What breaks a rule of the DNS is refused before it is ever recorded.
#[derive(Args, Debug)]
pub struct CheckZone {
    /// The zones [default: all]
    #[arg(value_name = "ZONE")]
    zones: Vec<String>,
}

impl Verb for CheckZone {
    const NAME: &'static str = "check-zone";
    const ABOUT: &'static str = "Look for what is doubtful in zones";
    const GROUP: Group = Group::Of("zone");
    const EXAMPLES: &'static [Example] = &[("fleet check-zone example.com", "Exits with 1 if something is found")];

    fn run(self, context: &Context) -> anyhow::Result<Ending> {
        let kind = zone_kind()?;
        let state = context.state_to_read()?;
        let filter = Filter {
            kind: Some(kind.word),
            ..Filter::default()
        };
        let all = match &state {
            Some(state) => state.read(|read| read.resources(&filter))?,
            None => Vec::new(),
        };
        let mut names = Vec::new();
        for typed in &self.zones {
            names.push(find(state.as_ref(), kind, typed)?.name.name);
        }
        let mut zones = Zones::new();
        for resource in all {
            let spec = from_json(&resource.spec).map_err(|i| i.into_diagnostics(&resource.name.to_string()))?;
            zones.insert(resource.name.name, spec);
        }
        if names.is_empty() {
            names = zones.keys().cloned().collect();
        }
        let mut table = Table::new().column("zone").column("record").column("doubt");
        let mut found = Vec::new();
        let lint = Lint::of(&zones);
        for name in &names {
            for doubt in lint.doubts(name) {
                found.push(json!({ "zone": name, "record": doubt.at, "message": doubt.message }));
                table.row(vec![
                    Cell::from(name.clone()),
                    Cell::from(doubt.at),
                    Cell::new(doubt.message, Tone::Warn),
                ]);
            }
        }
        context.ui.show(&json!({ "checked": names, "doubts": found }), |page| {
            if !table.is_empty() {
                page.table(&table);
            }
        })?;
        if found.is_empty() {
            context.ui.note("nothing doubtful found");
            return Ok(Ending::Done);
        }
        Ok(Ending::With(Class::Failed))
    }
}
