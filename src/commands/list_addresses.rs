//! `fleet list-addresses`: the named sets of addresses.

use clap::Args;
use serde_json::json;

use super::firewall::recorded;
use super::{Ending, Example, Group, Verb};
use crate::context::Context;
use crate::ui::{Cell, Table};

/// Lists the sets.
#[derive(Args, Debug)]
pub struct ListAddresses {}

impl Verb for ListAddresses {
    const NAME: &'static str = "list-addresses";
    const ABOUT: &'static str = "List the sets of addresses";
    const GROUP: Group = Group::Of("rule");
    const EXAMPLES: &'static [Example] = &[("fleet list-addresses", "")];

    fn run(self, context: &Context) -> anyhow::Result<Ending> {
        let sets = recorded(context)?.map(|(_, firewall)| firewall.sets).unwrap_or_default();
        if sets.is_empty() && !context.globals.wants_json() {
            context.ui.note("no sets of addresses found");
            return Ok(Ending::Done);
        }
        let mut table = Table::new().column("set").column("address");
        for (name, members) in &sets {
            for member in members {
                table.row([Cell::from(name.clone()), Cell::from(member.clone())]);
            }
        }
        context.ui.show(&json!({ "addresses": sets }), |page| {
            page.table(&table);
        })?;
        Ok(Ending::Done)
    }
}
