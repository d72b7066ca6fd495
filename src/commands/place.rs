//! `fleet place`: where a new resource would go, and why not elsewhere; nothing is placed.

use std::collections::{BTreeMap, BTreeSet};

use clap::Args;
use clap::builder::PossibleValuesParser;

use super::add::label;
use super::candidates::{candidates, hints, refresh_health, table, to_json};
use super::{Ending, Example, Group, Verb};
use crate::context::Context;
use crate::diagnostic::Class;
use crate::kind::{self, KINDS};
use crate::model::Role;
use crate::model::selector::no_servers;
use crate::plan::place::{Request, explain};

/// Explains a placement.
#[derive(Args, Debug)]
pub struct Place {
    /// Kind of the resource: decides the role a server needs and the default weight
    #[arg(value_name = "KIND", default_value = "site",
          value_parser = PossibleValuesParser::new(KINDS.iter().map(|kind| kind.word)))]
    kind: String,
    /// Any resource that needs a server of this role, instead of one of a kind
    #[arg(long, value_name = "ROLE", conflicts_with = "kind",
          value_parser = PossibleValuesParser::new(Role::ALL.map(Role::word)))]
    role: Option<String>,
    /// Units of capacity it takes [default: the inventory's weights.KIND, else what the kind takes]
    #[arg(long, value_name = "UNITS")]
    weight: Option<u32>,
    /// Only servers of this region
    #[arg(long, value_name = "REGION")]
    region: Option<String>,
    /// Only servers with this label; may be repeated
    #[arg(long = "label", value_name = "KEY=VALUE", value_parser = label)]
    labels: Vec<(String, String)>,
    /// This server and no other
    #[arg(long, value_name = "SERVER")]
    server: Option<String>,
    /// With --server: although it is full, cordoned, in maintenance or unhealthy
    #[arg(long, requires = "server")]
    force: bool,
}

impl Verb for Place {
    const NAME: &'static str = "place";
    const ABOUT: &'static str = "Explain where a new resource would go, and why not elsewhere";
    const GROUP: Group = Group::Apply;
    const EXAMPLES: &'static [Example] = &[
        ("fleet place", "Every server: its load, and its rank or every reason against it"),
        ("fleet place --weight 3 --region singapore", ""),
        ("fleet place --role dns", "Servers for name servers"),
        ("fleet place --json | jq -r .place.server", "The server's name alone, for a script"),
    ];

    fn run(self, context: &Context) -> anyhow::Result<Ending> {
        let inventory = context.inventory()?;
        if inventory.servers.is_empty() {
            return Err(no_servers().into());
        }
        let only = match &self.server {
            Some(name) => Some(inventory.server(name)?.name.clone()),
            None => None,
        };
        let kind = kind::kind(&self.kind).filter(|_| self.role.is_none());
        let asked = Role::ALL.into_iter().find(|role| self.role.as_deref() == Some(role.word()));
        let default = || kind.map_or(1, |kind| inventory.weight(kind));
        let request = Request {
            weight: self.weight.unwrap_or_else(default),
            role: asked.or(kind.and_then(|kind| kind.role)),
            region: self.region,
            labels: self.labels.into_iter().collect::<BTreeMap<_, _>>(),
            only,
            except: BTreeSet::new(),
            force: self.force,
        };
        let connector = context.connector()?;
        context.block_on(refresh_health(context, &connector, &request, None))??;
        let candidates = context
            .state()?
            .read(|read| candidates(read, &inventory.servers, context.now(), None))?;
        let explained = explain(&candidates, &request);
        let value = serde_json::json!({ "place": to_json(&request, &explained) });
        context.ui.show(&value, |page| {
            if !explained.is_empty() {
                page.table(&table(&explained));
            }
        })?;
        if explained.iter().any(|row| row.rank.is_some()) {
            return Ok(Ending::Done);
        }
        if !context.globals.wants_json() {
            context.ui.warn("no server can take it");
            let refusals: Vec<_> = explained.iter().flat_map(|row| &row.refusals).collect();
            for hint in hints(&refusals) {
                context.ui.hint(hint);
            }
        }
        Ok(Ending::With(Class::NoRoom))
    }
}
