//! `fleet suspend-site` and its like: kept, but not serving.

use clap::{Arg, ArgMatches, Command};

use super::change::{Before, Changing};
use super::flags::Flags;
use super::show::find;
use super::{Ending, KindVerb, example_name};
use crate::context::Context;
use crate::diagnostic::Diagnostic;
use crate::kind::Kind;
use crate::state::Change;

/// Suspends a resource.
pub struct Suspend;

impl KindVerb for Suspend {
    fn name(kind: &'static Kind) -> String {
        format!("suspend-{}", kind.word)
    }

    fn about(kind: &'static Kind) -> String {
        format!("Switch {} off, kept as it is to be resumed", kind.about)
    }

    fn arguments(kind: &'static Kind, command: Command) -> Command {
        arguments(kind, command)
    }

    fn examples(kind: &'static Kind) -> Vec<(String, String)> {
        vec![(format!("fleet suspend-{} {}", kind.word, example_name(kind)), String::new())]
    }

    fn run(context: &Context, kind: &'static Kind, matches: &ArgMatches) -> anyhow::Result<Ending> {
        run(context, kind, matches, true)
    }
}

/// The arguments of `suspend-` and `resume-`.
pub(super) fn arguments(kind: &'static Kind, command: Command) -> Command {
    let name = Arg::new("name").value_name(kind.name_word).required(true);
    Flags::of_kind(command.arg(name.help(format!("The {}", kind.word))))
}

/// Suspends or resumes.
pub(super) fn run(
    context: &Context,
    kind: &'static Kind,
    matches: &ArgMatches,
    suspended: bool,
) -> anyhow::Result<Ending> {
    let typed: &String = matches.get_one("name").expect("clap requires it");
    let there = find(context.state_to_read()?.as_ref(), kind, typed)?;
    let verb = if suspended { "suspend" } else { "resume" };
    let changing = Changing::new(context, verb, kind, &there.name.name, matches)?;
    let now = context.now();
    changing.run(None, |write| {
        let there = write
            .find(&there.name)?
            .ok_or_else(|| Diagnostic::usage(format!("{} was removed meanwhile", there.name)))?;
        if there.suspended != suspended {
            let ties = (kind.ties)(&there.spec, &there.name.name)?;
            let change = Change {
                spec: &there.spec,
                weight: there.weight,
                suspended,
                ties: &ties,
            };
            write.update_resource(there.id, &change, now)?;
        }
        Ok(Before::Resource(Box::new(there)))
    })
}
