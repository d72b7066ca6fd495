//! `fleet remove-site` and its like: takes a resource away; its content moves to the trash.

use clap::{Arg, ArgMatches, Command};

use super::change::{Before, Changing};
use super::flags::Flags;
use super::show::find;
use super::{Ending, KindVerb, example_name};
use crate::context::Context;
use crate::kind::Kind;

/// Removes a resource.
pub struct Remove;

impl KindVerb for Remove {
    fn name(kind: &'static Kind) -> String {
        format!("remove-{}", kind.word)
    }

    fn about(kind: &'static Kind) -> String {
        format!("Remove {}; what it holds goes to the server's trash", kind.about)
    }

    fn arguments(kind: &'static Kind, command: Command) -> Command {
        let help = format!("The {} to remove", kind.word);
        Flags::of_kind(command.arg(Arg::new("name").value_name(kind.name_word).required(true).help(help)))
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
        if !changing.flags.dry_run {
            let on: Vec<String> = there.placements.iter().map(|p| format!("`{}`", p.server)).collect();
            let from = if on.is_empty() { String::new() } else { format!(" from {}", on.join(", ")) };
            context.confirm(&format!("remove {} `{}`{from}?", kind.word, there.name.name))?;
        }
        let now = context.now();
        changing.run(None, |write| {
            write.remove_resource(there.id, None, now)?;
            Ok(Before::Leaving)
        })
    }
}
