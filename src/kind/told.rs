//! What is told of resources: columns of lists, settings in words, what only servers know.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::model::health::ServerFacts;

/// Questions that only a server can answer: when a job last ran, how big a database is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Live {
    /// The flag of `list-` that asks them (`counters`); `None` when they are asked unless `--recorded` is given.
    pub flag: Option<&'static str>,
    /// What the flag shows, for the help.
    pub help: &'static str,
}

/// What servers answered of each resource by its name, for the columns of a list.
pub type Heard = BTreeMap<String, Summary>;

/// Columns of a list: heading and value.
pub type Summary = Vec<(&'static str, Cow<'static, str>)>;

/// A setting in other words than those it is stored in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Words {
    /// Lines beside its name.
    Lines(String),
    /// A table below its name: headings, and rows of as many values.
    Table(&'static [&'static str], Vec<Vec<String>>),
}

/// What is the matter, and what to do about it.
pub type Told = (String, String);

/// What a server lacks to take a resource, as it was last seen.
pub type Lacking = dyn Fn(&ServerFacts) -> Option<&'static str>;
