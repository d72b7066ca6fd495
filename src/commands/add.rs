//! `fleet add-site` and its like: a new resource, placed by capacity or by hand, live at once.

use std::collections::{BTreeMap, BTreeSet};

use clap::{Arg, ArgAction, ArgMatches, Command};
use serde_json::{Value, json};

use super::candidates::refresh_health;
use super::change::{Before, Changing, refuse_unknown, taken};
use super::flags::Flags;
use super::placing::place_by_scope;
use super::point::point;
use super::{Ending, KindVerb};
use crate::context::{Context, Edge};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::inventory::Inventory;
use crate::kind::{Kind, Scope};
use crate::model::{PlacementStatus, Resource, ResourceName};
use crate::plan::place::Request;
use crate::state::{NewResource, Write};

/// Adds a resource.
pub struct Add;

impl KindVerb for Add {
    fn name(kind: &'static Kind) -> String {
        format!("add-{}", kind.word)
    }

    fn about(kind: &'static Kind) -> String {
        if kind.placed {
            format!("Add {}, placed by capacity or where you say", kind.about)
        } else {
            format!("Add {}", kind.about)
        }
    }

    fn arguments(kind: &'static Kind, command: Command) -> Command {
        let placement = "Where to put it";
        let command = command.arg(
            Arg::new("name")
                .value_name(kind.name_word)
                .help("Its name; asked for at a terminal when left out"),
        );
        if !kind.placed {
            return Flags::of_kind((kind.augment)(command));
        }
        let command = command
            .arg(
                Arg::new("server")
                    .long("server")
                    .value_name("SERVER")
                    .help_heading(placement)
                    .help("This server, instead of the one with the most room"),
            )
            .arg(
                Arg::new("region")
                    .long("region")
                    .value_name("REGION")
                    .help_heading(placement)
                    .help("Only a server of this region"),
            )
            .arg(
                Arg::new("label")
                    .long("label")
                    .value_name("KEY=VALUE")
                    .action(ArgAction::Append)
                    .value_parser(label)
                    .help_heading(placement)
                    .help("Only a server with this label; may be repeated"),
            )
            .arg(weight(placement));
        let command = if kind.hosts { command.arg(dns()) } else { command };
        Flags::of_kind((kind.augment)(command))
    }

    fn examples(kind: &'static Kind) -> Vec<(String, String)> {
        vec![
            (kind.example.to_owned(), String::new()),
            (
                format!("{} --dry-run", kind.example),
                "Where it would go and what would change, with diffs".to_owned(),
            ),
        ]
    }

    fn run(context: &Context, kind: &'static Kind, matches: &ArgMatches) -> anyhow::Result<Ending> {
        // What is wrong there is told by itself, and not as a mistake of the site.
        context.inventory()?;
        let asked;
        let typed = if let Some(typed) = matches.get_one::<String>("name") {
            typed
        } else {
            asked = context.ask(kind.name_word, &format!("{} of the new {}:", kind.name_word, kind.word))?;
            context.add_argument(&asked);
            &asked
        };
        let subject = format!("{} {}", kind.word, crate::diagnostic::ticked(typed));
        let name = (kind.canonical_name)(typed).map_err(|i| i.into_diagnostics(&subject))?;
        let mut edge = context.edge().for_new();
        let spec = (kind.parse)(matches, &name, &mut edge).map_err(|i| i.into_diagnostics(&subject))?;
        Self::spec(context, kind, matches, &name, spec, &edge)
    }
}

impl Add {
    /// Adds a resource of that canonical name and those settings; `matches` says where to, and how.
    pub(super) fn spec(
        context: &Context,
        kind: &'static Kind,
        matches: &ArgMatches,
        name: &str,
        spec: Value,
        edge: &Edge<'_>,
    ) -> anyhow::Result<Ending> {
        let subject = format!("{} {}", kind.word, crate::diagnostic::ticked(name));
        (kind.validate)(&spec, name, context.now()).map_err(|i| i.into_diagnostics(&subject))?;
        let inventory = context.inventory()?;
        let weight = given::<u32>(matches, "weight").copied();
        let scope = (kind.scope)(&spec).map_err(|i| i.into_diagnostics(&subject))?;
        let only = match given::<String>(matches, "server") {
            Some(server) => Some(inventory.server(server)?.name.clone()),
            None => None,
        };
        if !matches!(scope, Scope::One | Scope::Beside { .. }) {
            refuse_wishes(matches, &subject)?;
        }
        let changing = Changing::new(context, "add", kind, name, matches)?;
        let labels = matches.try_get_many::<(String, String)>("label").ok().flatten();
        let adding = Adding {
            kind,
            name: changing.name.clone(),
            spec,
            scope,
            dns: given::<bool>(matches, "dns").copied().unwrap_or(false),
            request: Request {
                weight: weight.unwrap_or_else(|| inventory.weight(kind)),
                role: kind.role,
                region: given::<String>(matches, "region").cloned(),
                labels: labels.into_iter().flatten().cloned().collect::<BTreeMap<_, _>>(),
                only,
                except: BTreeSet::new(),
                force: changing.flags.force,
            },
            weight_given: weight.is_some(),
        };
        if let Some(ending) = adding.unchanged(context)? {
            return Ok(ending);
        }
        if !changing.stage && matches!(adding.scope, Scope::One | Scope::Beside { .. }) {
            let connector = context.connector()?;
            context.block_on(refresh_health(context, &connector, &adding.request, Some((kind, &adding.spec))))??;
        }
        changing.run(Some(edge), |write| adding.record(write, inventory, context))
    }
}

/// `--dns`.
fn dns() -> Arg {
    Arg::new("dns")
        .long("dns")
        .action(ArgAction::SetTrue)
        .help_heading("Names")
        .help("Add records for its names to the zones of the fleet; they follow it to other servers")
}

/// `--weight UNITS`.
pub(super) fn weight(heading: &'static str) -> Arg {
    Arg::new("weight")
        .long("weight")
        .value_name("UNITS")
        .value_parser(clap::value_parser!(u32).range(1..))
        .help_heading(heading)
        .help("Units of capacity it takes [default: the inventory's, else its kind's]")
}

struct Adding {
    kind: &'static Kind,
    name: ResourceName,
    spec: Value,
    scope: Scope,
    /// Whether records for its names are added too.
    dns: bool,
    request: Request,
    weight_given: bool,
}

/// The value of an argument that the command may not have.
fn given<'m, T: Clone + Send + Sync + 'static>(matches: &'m ArgMatches, id: &str) -> Option<&'m T> {
    matches.try_get_one::<T>(id).ok().flatten()
}

/// Refuses wishes for a server where the settings say already where it goes.
fn refuse_wishes(matches: &ArgMatches, subject: &str) -> Result<(), Diagnostics> {
    let wishes = ["server", "region", "label"];
    let problems = wishes
        .into_iter()
        .filter(|wish| matches.ids().any(|id| id == *wish))
        .map(|wish| {
            let message = format!("{subject}: `--{wish}` says nothing here: its settings say where it goes");
            Diagnostic::usage(message).hint(format!("leave `--{wish}` out"))
        });
    let problems: Vec<Diagnostic> = problems.collect();
    if problems.is_empty() { Ok(()) } else { Err(Diagnostics(problems)) }
}

impl Adding {
    /// The end of it when there is nothing to do: it exists like this already, and its server has followed.
    fn unchanged(&self, context: &Context) -> anyhow::Result<Option<Ending>> {
        let Some(state) = context.state_to_read()? else {
            return Ok(None);
        };
        let Some(there) = state.read(|read| read.find(&self.name))? else {
            return Ok(None);
        };
        self.same(&there)?;
        let settled = !self.dns && !there.placements.is_empty() && there.placements.iter().all(|p| p.status == PlacementStatus::Applied);
        if !settled {
            return Ok(None);
        }
        let value = json!({ (self.kind.word): there, "unchanged": true, "servers": [] });
        context.ui.show(&value, |page| {
            let on: Vec<_> = there.placements.iter().map(|p| p.server.as_str()).collect();
            page.line(&format!("unchanged: {} on {}", self.name, on.join(", ")));
        })?;
        Ok(Some(Ending::Done))
    }

    /// Refuses when what exists is not what is asked for.
    fn same(&self, there: &Resource) -> Result<(), Diagnostic> {
        let spec = (self.kind.inherit)(&self.spec, &there.spec).unwrap_or_else(|_| self.spec.clone());
        let elsewhere = self.request.only.as_ref().filter(|only| {
            !there.placements.is_empty() && !there.placements.iter().any(|placement| placement.server == **only)
        });
        let differs: Vec<&str> = [
            ("settings", there.spec != spec),
            ("weight", self.weight_given && there.weight != self.request.weight),
            ("server", elsewhere.is_some()),
        ]
        .into_iter()
        .filter_map(|(word, differs)| differs.then_some(word))
        .collect();
        if differs.is_empty() {
            return Ok(());
        }
        let (kind, name) = (&self.name.kind, &self.name.name);
        let on: Vec<_> = there.placements.iter().map(|p| format!("`{}`", p.server)).collect();
        let on = if on.is_empty() { "no server".to_owned() } else { on.join(", ") };
        if differs == ["server"] {
            let message = format!("{kind} `{name}` exists already, on {on}");
            return Err(Diagnostic::usage(message).hint("a placement never moves by itself"));
        }
        let message = format!("{kind} `{name}` exists already on {on}, with other {}", differs.join(" and "));
        Err(Diagnostic::usage(message).hint(format!(
            "`fleet show-{kind} {name}` shows it, `fleet set-{kind} {name}` changes it"
        )))
    }

    /// Validates against the others, places and records.
    fn record(
        &self,
        write: &Write<'_>,
        inventory: &Inventory,
        context: &Context,
    ) -> anyhow::Result<Before> {
        if let Some(there) = write.find(&self.name)? {
            // It was recorded before, and its server has not followed: carry it out again.
            self.same(&there)?;
            if there.placements.is_empty() {
                // Its server is gone for good.
                place_by_scope(write, inventory, context.now(), &there, &self.scope, &self.request)?;
            }
            if self.dns {
                let ties = (self.kind.ties)(&self.spec, &self.name.name)?;
                point(write, context, &self.name, &ties)?;
            }
            return Ok(Before::Resource(Box::new(there)));
        }
        let ties = (self.kind.ties)(&self.spec, &self.name.name)?;
        let others = write.taken(&ties.claims, None)?;
        if !others.is_empty() {
            return Err(taken(&self.name, &others).into());
        }
        refuse_unknown(write, &self.name, &ties)?;
        let id = write.insert_resource(
            &NewResource {
                name: &self.name,
                spec: &self.spec,
                weight: self.request.weight,
                ties: &ties,
            },
            context.now(),
        )?;
        let resource = write.resource(id)?.ok_or_else(|| anyhow::anyhow!("resource {id} is gone"))?;
        place_by_scope(write, inventory, context.now(), &resource, &self.scope, &self.request)?;
        if self.dns {
            point(write, context, &self.name, &ties)?;
        }
        Ok(Before::Nothing)
    }
}

/// `KEY=VALUE` as key and value.
pub(super) fn label(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("a label is written `KEY=VALUE`".to_owned()),
    }
}
