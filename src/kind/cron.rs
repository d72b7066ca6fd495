//! Cron jobs: a file of `/etc/cron.d` for each, and a runner that keeps time limits, overlaps, retries and a history.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use jiff::{Timestamp, Zoned};
use serde::{Deserialize, Serialize};

use super::wanted::Wanted;
use super::{Compile, Edge, Heard, Live, Scope, Spec, Summary};
use crate::diagnostic::Invalid;
use crate::item::Item;
use crate::model::{DomainName, ResourceName, Role};
use crate::shell::Script;

mod check;
#[cfg(test)]
mod corpus;
mod files;
mod history;
mod next;
mod schedule;
mod words;

pub use history::{PastRun, ask_output, ask_runs, runs};

use schedule::Schedule;

#[cfg(test)]
mod tests;

/// The settings of a cron job.
///
/// A setting that is absent has its default, which is what makes it possible to take one back.
#[derive(Clone, Debug, Default, PartialEq, Args, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Cron {
    /// When it runs, in the server's time zone: five fields as in crontab(5), or `@hourly`, `@daily`, `@reboot`, ...
    #[arg(
        long,
        value_name = "SCHEDULE",
        required = true,
        allow_hyphen_values = true
    )]
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

/// Appends what runs a job at once; its output comes on standard output, and the status is the job's.
pub fn run_now(name: &str, out: &mut Script) {
    files::run_now(name, out);
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

impl Spec for Cron {
    const KIND: &'static str = "cron";
    const PLURAL: &'static str = "crons";
    const ABOUT: &'static str = "a cron job";
    const NAME: &'static str = "NAME";
    /// Every Debian has cron.
    const ROLE: Option<Role> = None;
    const WEIGHT: u32 = 0;
    const CHECKED: bool = true;
    const LIVE: Option<Live> = Some(Live {
        flag: None,
        help: "When they last ran and how that went",
    });
    const EXAMPLE: &'static str = "fleet add-cron backup --schedule '30 3 * * *' --command 'tar czf /var/backups/etc.tgz /etc'";

    fn canonical_name(input: &str) -> Result<String, Invalid> {
        check::name(input)
    }

    fn absorb(&mut self, _name: &str, edge: &mut dyn Edge) -> Result<(), Invalid> {
        if let Some(path) = self.command_file.take() {
            let mut text = edge.read_file(&path).map_err(|error| {
                let mut invalid = Invalid::default();
                invalid.push("command_file", error);
                invalid
            })?;
            // The line break at the end of a file is none of the command.
            text.truncate(text.trim_end_matches('\n').len());
            self.command = Some(text);
        }
        if let Some(site) = &mut self.site
            && let Ok(domain) = site.parse::<DomainName>()
        {
            *site = domain.into();
        }
        // What cannot be one is told by the check.
        if let Ok(schedule) = Schedule::parse(&self.schedule) {
            schedule.text().clone_into(&mut self.schedule);
        }
        Ok(())
    }

    fn sets(id: &str) -> &'static [&'static str] {
        match id {
            "command_file" => &["command"],
            _ => &[],
        }
    }

    fn validate(&self, _name: &str, _now: Timestamp) -> Result<(), Invalid> {
        self.check().map(|_| ())
    }

    /// None: a job takes a server's time for moments, and neither a site that it follows nor a hundred others should
    /// find the server full because of it. Whoever has heavy ones says `--weight`, or gives a default in the inventory.
    fn scope(&self) -> Scope {
        match self.site_name() {
            Some(site) => Scope::With(site),
            None if self.on.is_empty() => Scope::One,
            None if self.once_per_fleet => Scope::AnyOf(self.on.clone()),
            None => Scope::Every(self.on.clone()),
        }
    }

    fn follows(&self, _name: &str) -> Vec<ResourceName> {
        self.site_name().into_iter().collect()
    }

    fn items(&self, input: &Compile<'_>) -> Result<Vec<Item>, Invalid> {
        files::items(self, input)
    }

    fn wanted(&self, _name: &str, suspended: bool) -> Vec<Wanted> {
        if suspended {
            Vec::new()
        } else {
            vec![Wanted::Cron]
        }
    }

    fn summary(&self, _name: &str) -> Summary {
        vec![
            ("schedule", self.schedule.clone().into()),
            ("command", self.command_line().into()),
        ]
    }

    fn outlook(&self, now: &Zoned) -> Summary {
        let Ok(schedule) = Schedule::parse(&self.schedule) else {
            return Summary::new();
        };
        let times: Vec<String> = schedule.after(now, 5).iter().map(next::shown).collect();
        let mut outlook: Summary = vec![("meaning", schedule.meaning().into())];
        if !times.is_empty() {
            outlook.push(("next runs", times.join("\n").into()));
        }
        outlook
    }

    fn ask(specs: &[(&str, Self)], out: &mut Script) {
        history::ask(specs, out);
    }

    fn heard(lines: &[&str], now: Timestamp) -> Heard {
        history::heard(lines, now)
    }
}

impl Cron {
    /// The site that it follows.
    fn site_name(&self) -> Option<ResourceName> {
        self.site
            .as_ref()
            .map(|site| ResourceName::new("site", site.as_str()))
    }

    /// The first line of its command, cropped.
    fn command_line(&self) -> String {
        let command = self.command.as_deref().unwrap_or_default().trim();
        let line = command.lines().next().unwrap_or_default();
        let mut shown: String = line.chars().take(40).collect();
        if shown.len() < command.len() {
            shown.push('…');
        }
        shown
    }
}
