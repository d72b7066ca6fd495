//! `fleet resume-site` and its like: serving again after `suspend-`.

use clap::{ArgMatches, Command};

use super::{Ending, KindVerb, example_name, suspend};
use crate::context::Context;
use crate::kind::Kind;

/// Resumes a resource.
pub struct Resume;

impl KindVerb for Resume {
    fn name(kind: &'static Kind) -> String {
        format!("resume-{}", kind.word)
    }

    fn about(kind: &'static Kind) -> String {
        format!("Switch {} on again after it was suspended", kind.about)
    }

    fn arguments(kind: &'static Kind, command: Command) -> Command {
        suspend::arguments(kind, command)
    }

    fn examples(kind: &'static Kind) -> Vec<(String, String)> {
        vec![(format!("fleet resume-{} {}", kind.word, example_name(kind)), String::new())]
    }

    fn run(context: &Context, kind: &'static Kind, matches: &ArgMatches) -> anyhow::Result<Ending> {
        suspend::run(context, kind, matches, false)
    }
}
