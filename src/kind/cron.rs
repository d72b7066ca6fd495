//! Cron jobs: a file of `/etc/cron.d` for each, and a runner that keeps time limits, overlaps, retries and a history.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Compile, Edge, Spec, Summary};
use crate::diagnostic::Invalid;
use crate::item::Item;

mod check;
mod files;
mod next;
mod schedule;
mod words;

#[cfg(test)]
mod tests;

/// The settings of a cron job.
///
/// A setting that is absent has its default, which is what makes it possible to take one back.
#[derive(Clone, Debug, Default, PartialEq, Args, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Cron {
    /// When it runs, in the server's time zone: five fields as in crontab(5), or `@hourly`, `@daily`, `@reboot`, ...
    #[arg(long, value_name = "SCHEDULE", required = true, allow_hyphen_values = true)]
    schedule: String,
    /// What the shell runs, as typed: `%`, quotes and newlines mean nothing but to the shell
    #[arg(long, value_name = "COMMAND", allow_hyphen_values = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    command: Option<String>,
    /// The same from a file; `-` is standard input
    #[arg(long, value_name = "FILE", conflicts_with = "command")]
    #[serde(skip)]
    command_file: Option<PathBuf>,

    /// Runs where this site is, as the site's user, and moves and goes with it
    #[arg(long, value_name = "DOMAIN", help_heading = "Where it runs")]
    #[serde(skip_serializing_if = "Option::is_none")]
    site: Option<String>,
    /// Runs on every server of this selector, also on those added later: `region=singapore`, `'*'`
    #[arg(long, value_name = "SELECTOR", help_heading = "Where it runs")]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    on: Vec<String>,
    /// Runs on one server of --on, and on another one while that is offline
    #[arg(long, help_heading = "Where it runs")]
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    once_per_fleet: bool,

    /// Whom it runs as [default: the site's user, else root]
    #[arg(long, value_name = "USER", help_heading = "How it runs")]
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<String>,
    /// Where it runs: a path, or one below the user's home [default: the home]
    #[arg(long, value_name = "DIR", help_heading = "How it runs")]
    #[serde(skip_serializing_if = "Option::is_none")]
    directory: Option<String>,
    /// A variable of its environment; may be repeated
    #[arg(long, value_name = "NAME=VALUE", help_heading = "How it runs")]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    env: Vec<String>,
    /// Ended after this time, with all its processes; `none` for no limit [default: 1d; with @reboot none]
    #[arg(long, value_name = "TIME", help_heading = "How it runs")]
    #[serde(skip_serializing_if = "Option::is_none")]
    timeout: Option<String>,
    /// What happens when it is still running at its next time [default: forbid]
    #[arg(long, value_name = "POLICY", help_heading = "How it runs")]
    #[serde(skip_serializing_if = "Option::is_none")]
    overlap: Option<Overlap>,
    /// Starts within this time, at random, so that not all servers do at once
    #[arg(long, value_name = "TIME", help_heading = "How it runs")]
    #[serde(skip_serializing_if = "Option::is_none")]
    random_delay: Option<String>,
    /// Tries this many times again when it fails [default: 0]
    #[arg(long, value_name = "NUMBER", help_heading = "How it runs")]
    #[serde(skip_serializing_if = "Option::is_none")]
    retries: Option<u32>,
    /// Time between two attempts [default: 1m]
    #[arg(long, value_name = "TIME", help_heading = "How it runs")]
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_delay: Option<String>,

    /// When its output is sent by mail [default: on-failure]
    #[arg(long, value_name = "WHEN", help_heading = "Output")]
    #[serde(skip_serializing_if = "Option::is_none")]
    mail: Option<Mail>,
    /// Where to: an address or a user of the server [default: root]
    #[arg(long, value_name = "ADDRESS", help_heading = "Output")]
    #[serde(skip_serializing_if = "Option::is_none")]
    mail_to: Option<String>,
    /// Runs of which the output is kept on the server [default: 20]
    #[arg(long, value_name = "NUMBER", help_heading = "Output")]
    #[serde(skip_serializing_if = "Option::is_none")]
    keep: Option<u32>,
}

/// What happens when a job is still running at its next time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Overlap {
    /// Both run.
    Allow,
    /// The next one is left out.
    Forbid,
    /// The one that runs is ended.
    Replace,
}

/// When the output of a job is sent by mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mail {
    /// After each run.
    Always,
    /// After a run that failed.
    OnFailure,
    /// Not at all.
    Never,
}
