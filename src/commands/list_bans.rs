//! `fleet list-bans`: who is kept out, since when, until when and why.

use clap::Args;
use serde_json::json;

use super::firewall::recorded;
use super::{Ending, Example, Group, Verb};
use crate::context::Context;
use crate::ui::{Cell, Table, format};

/// Lists the bans.
#[derive(Args, Debug)]
pub struct ListBans {}

impl Verb for ListBans {
    const NAME: &'static str = "list-bans";
    const ABOUT: &'static str = "List the banned addresses";
    const GROUP: Group = Group::Of("rule");
    const EXAMPLES: &'static [Example] = &[("fleet list-bans", "")];

    fn run(self, context: &Context) -> anyhow::Result<Ending> {
        let now = context.now();
        let mut bans = recorded(context)?.map(|(_, firewall)| firewall.bans).unwrap_or_default();
        bans.retain(|_, ban| !ban.is_over(now));
        if bans.is_empty() && !context.globals.wants_json() {
            context.ui.note("no bans found");
            return Ok(Ending::Done);
        }
        let values = bans.iter().map(|(address, ban)| {
            json!({ "address": address, "since": ban.since, "until": ban.until, "reason": ban.reason })
        });
        let mut table = Table::new().column("address").column("since").column("until").column("reason");
        for (address, ban) in &bans {
            table.row([
                Cell::from(address.clone()),
                Cell::from(format::time(ban.since)),
                Cell::from(ban.until.map_or("for good".to_owned(), format::time)),
                Cell::from(ban.reason.clone().unwrap_or_default()),
            ]);
        }
        context.ui.show(&json!({ "bans": values.collect::<Vec<_>>() }), |page| {
            page.table(&table);
        })?;
        Ok(Ending::Done)
    }
}
