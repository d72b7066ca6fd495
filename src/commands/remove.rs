//! `fleet remove-site` and its like: takes a resource away; its content moves to the trash.

use std::collections::BTreeSet;

use clap::{Arg, ArgAction, ArgMatches, Command};

use super::change::{Before, Changing};
use super::dependants::Dependants;
use super::flags::Flags;
use super::show::find;
use super::{Ending, KindVerb, example_name};
use crate::context::Context;
use crate::kind::Kind;
use crate::model::Resource;
use crate::state::Read;

/// Removes a resource.
pub struct Remove;

impl KindVerb for Remove {
    fn name(kind: &'static Kind) -> String {
        format!("remove-{}", kind.word)
    }

    fn about(kind: &'static Kind) -> String {
        format!("Remove {}; what it holds goes to the trash", kind.about)
    }

    fn arguments(kind: &'static Kind, command: Command) -> Command {
        let help = format!("The {} to remove", kind.word);
        let name = Arg::new("name").value_name(kind.name_word).required(true).help(help);
        let cascade = Arg::new("cascade")
            .long("cascade")
            .action(ArgAction::SetTrue)
            .help("Take along what depends on it, which is named otherwise");
        Flags::of_kind(command.arg(name).arg(cascade))
    }

    fn examples(kind: &'static Kind) -> Vec<(String, String)> {
        let line = format!("fleet remove-{} {}", kind.word, example_name(kind));
        vec![
            (line.clone(), String::new()),
            (format!("{line} --yes"), "Without a question, for a script".to_owned()),
        ]
    }

    fn run(context: &Context, kind: &'static Kind, matches: &ArgMatches) -> anyhow::Result<Ending> {
        let typed: &String = matches.get_one("name").expect("clap requires it");
        let there = find(context.state_to_read()?.as_ref(), kind, typed)?;
        let changing = Changing::new(context, "remove", kind, &there.name.name, matches)?;
        let cascade = matches.get_flag("cascade");
        let gone = BTreeSet::from([there.name.clone()]);
        let dependants = |read: &Read| {
            let dependants = Dependants::of(read, &gone)?;
            if dependants.is_empty() || cascade {
                Ok(dependants)
            } else {
                Err(dependants.refusal(&there.name))
            }
        };
        let along = match context.state_to_read()? {
            Some(state) => state.read(dependants)?,
            None => Dependants::default(),
        };
        if !changing.flags.dry_run {
            let also = names(kind, &there)?;
            let with = match along.lines() {
                lines if lines.is_empty() => String::new(),
                lines => format!(", and with it {}", lines.join(", ")),
            };
            let on: Vec<String> = there.placements.iter().map(|p| format!("`{}`", p.server)).collect();
            let from = if on.is_empty() { String::new() } else { format!(" from {}", on.join(", ")) };
            context.confirm(&format!("remove {} `{}`{also}{from}{with}?", kind.word, there.name.name))?;
        }
        let now = context.now();
        changing.run(None, |write| {
            let along = dependants(write)?;
            along.take_along(write, now)?;
            write.remove_resource(there.id, None, now)?;
            Ok(Before::Leaving)
        })
    }
}

/// The other names that go with a resource: ` (with www.example.com)`.
fn names(kind: &Kind, there: &Resource) -> anyhow::Result<String> {
    let ties = (kind.ties)(&there.spec, &there.name.name)?;
    let hosts = ties.claims.into_iter().filter(|claim| claim.space == "host");
    let names = hosts.map(|claim| claim.name);
    let others: Vec<String> = names
        .filter(|name| *name != there.name.name)
        .map(|name| format!("`{name}`"))
        .collect();
    if others.is_empty() {
        return Ok(String::new());
    }
    Ok(format!(" (with {})", others.join(", ")))
}
