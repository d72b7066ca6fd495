//! `fleet logs`: the logs of sites and services, merged over their servers.

use std::sync::Arc;
use std::time::Duration;

use clap::{ArgGroup, Args, ValueEnum};
use jiff::civil::{DateTime, Time};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::{Semaphore, mpsc};

use super::flags::time;
use super::selection::select;
use super::show::find;
use super::{Ending, Example, Group, Verb};
use crate::context::Context;
use crate::diagnostic::{Diagnostic, ticked};
use crate::kind::{kind, site};
use crate::logs::{Grep, Log, Query, Source, Stream};
use crate::model::Server;
use crate::plan::follow::staying;
use watch::{Screen, Watch};

mod watch;

/// Shows the logs of a site or of a service, merged by time over all servers. A server that goes away while it is
/// followed is tried again, and goes on where it was.
///
/// Times of lines without a zone are those of the server's; those that fleet itself puts before lines are UTC.
#[derive(Args, Debug)]
#[command(group = ArgGroup::new("what").required(true).args(["site", "service"]))]
pub struct Logs {
    /// The logs of this website, on the servers that have it
    #[arg(long, value_name = "DOMAIN")]
    site: Option<String>,
    /// Of a website only this log
    #[arg(long, value_name = "LOG", value_enum, requires = "site")]
    log: Option<SiteLog>,
    /// A service: `nginx`, `php`, `pdns`, `mariadb`, `postgres`, `cron`, `ssh`, or a unit of systemd
    #[arg(long, value_name = "SERVICE", value_parser = service)]
    service: Option<Source>,
    /// Only on these servers: `sg-1,jkt-*,region=singapore,!sg-3` [default: all active ones]
    #[arg(long, value_name = "SELECTOR")]
    server: Vec<String>,
    /// Wait for more, until Ctrl-C
    #[arg(short, long)]
    follow: bool,
    /// What was written since then, also in rotated files: `10m`, `2h`, `08:30`, `2026-11-20`, `2026-11-20T08:30:00Z`
    #[arg(long, value_name = "WHEN")]
    since: Option<String>,
    /// Lines in which this regular expression (of Perl's) is found; upper and lower case differ
    #[arg(long, value_name = "REGEX")]
    grep: Option<String>,
    /// `--grep` is a text that means only itself
    #[arg(long, requires = "grep")]
    fixed: bool,
    /// The last lines of each server [default: 100; 10 with --follow; all with --since]
    #[arg(short = 'n', long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    lines: Option<u32>,
}

/// The logs of a website.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum SiteLog {
    /// Requests
    Access,
    /// What went wrong in nginx
    Error,
    /// What went wrong in PHP
    Php,
}

impl SiteLog {
    fn word(self) -> &'static str {
        match self {
            Self::Access => "access",
            Self::Error => "error",
            Self::Php => "php",
        }
    }
}

impl Verb for Logs {
    const NAME: &'static str = "logs";
    const ABOUT: &'static str = "Show and follow the logs of sites and services";
    const GROUP: Group = Group::Health;
    const EXAMPLES: &'static [Example] = &[
        ("fleet logs --site example.com --follow", "Until Ctrl-C"),
        (
            "fleet logs --site example.com --log access --since 2h --grep '\" 50[234] '",
            "The requests that failed",
        ),
        ("fleet logs --service ssh --server 'sg-*' -n 20", ""),
        ("fleet logs --service postgres --since 08:30 --json", "A JSON object for each line"),
    ];

    fn run(self, context: &Context) -> anyhow::Result<Ending> {
        let query = self.query(context.now())?;
        let (servers, source) = self.places(context)?;
        let connector = context.connector()?;
        let doors = Arc::new(Semaphore::new(context.inventory()?.settings.parallel.max(1)));
        let names: Vec<_> = servers.iter().map(|server| server.name.clone()).collect();
        let streams: Vec<Stream> = servers
            .into_iter()
            .map(|server| Stream {
                connector: connector.clone(),
                server,
                source: source.clone(),
                query: query.clone(),
                now: context.clock(),
                doors: Arc::clone(&doors),
            })
            .collect();
        let screen = Screen::new(context, names);
        context.block_on(async {
            let interrupts = context.interrupts()?;
            let mut receivers = Vec::new();
            let mut running = tokio::task::JoinSet::new();
            for stream in streams {
                let (sender, receiver) = mpsc::channel(256);
                receivers.push((stream.server.name.clone(), receiver));
                running.spawn(stream.run(sender));
            }
            let mut watch = Watch::new(screen, interrupts);
            if query.follow {
                watch.follow(receivers).await
            } else {
                watch.read(receivers).await
            }
        })?
    }
}

impl Logs {
    fn query(&self, now: Timestamp) -> Result<Query, Diagnostic> {
        let since = self.since.as_ref().map(|text| since(text, now)).transpose()?;
        let grep = self.grep.as_ref().map(|pattern| Grep {
            pattern: pattern.clone(),
            fixed: self.fixed,
        });
        if let Some(pattern) = &self.grep
            && (pattern.is_empty() || pattern.contains(['\0', '\n']))
        {
            return Err(Diagnostic::usage("`--grep` takes a line that is not empty"));
        }
        let usual = match (since, self.follow) {
            (Some(_), _) => None,
            (None, true) => Some(10),
            (None, false) => Some(100),
        };
        Ok(Query {
            since,
            lines: self.lines.or(usual),
            grep,
            follow: self.follow,
        })
    }

    /// Which servers, and what there.
    fn places(&self, context: &Context) -> anyhow::Result<(Vec<Server>, Source)> {
        let chosen = select(context, &self.server)?;
        let chosen = chosen.into_iter().cloned();
        let Some(domain) = &self.site else {
            let source = self.service.clone().expect("clap requires it without a site");
            return Ok((chosen.collect(), source));
        };
        let sites = kind("site").expect("a kind of fleet");
        let found = find(context.state_to_read()?.as_ref(), sites, domain)?;
        let on: Vec<_> = staying(&found.placements).map(|placement| &placement.server).collect();
        let servers: Vec<Server> = chosen.filter(|server| on.contains(&&server.name)).collect();
        if servers.is_empty() {
            let message = format!("{} is on none of these servers", found.name);
            return Err(Diagnostic::usage(message)
                .hint(format!("`fleet show-site {}` tells where it is", found.name.name))
                .into());
        }
        let logs = site::log_files(&found.name.name).into_iter();
        let logs = logs.filter(|(name, _)| self.log.is_none_or(|only| only.word() == *name));
        let logs = logs.map(|(name, path)| Log::At {
            name: name.to_owned(),
            path,
        });
        Ok((servers, Source::Files(logs.collect())))
    }
}

/// Where a service writes, on Debian.
/// The services whose logs are found by a word of fleet's own.
pub(super) const SERVICES: [&str; 7] = ["nginx", "php", "pdns", "mariadb", "postgres", "cron", "ssh"];

fn service(text: &str) -> Result<Source, String> {
    let units = |units: &[&str]| Source::Journal(units.iter().map(|&unit| unit.to_owned()).collect());
    Ok(match text {
        "nginx" => Source::Files(vec![Log::Like("/var/log/nginx/*.log")]),
        "php" => Source::Files(vec![Log::Like("/var/log/php*-fpm.log")]),
        "postgres" => Source::Files(vec![Log::Like("/var/log/postgresql/*.log")]),
        "mariadb" => units(&["mariadb"]),
        "pdns" => units(&["pdns"]),
        "cron" => units(&["cron"]),
        "ssh" => units(&["ssh", "ssh@*"]),
        // systemd.unit(5), "Unit names".
        unit if !unit.starts_with('-')
            && unit.len() <= 255
            && unit.chars().all(|c| c.is_ascii_alphanumeric() || ":-_.\\@*".contains(c))
            && unit.contains(|c: char| c.is_ascii_alphanumeric()) =>
        {
            units(&[unit])
        }
        _ => {
            return Err(format!(
                "{} is no name of a unit; fleet knows {}",
                ticked(text),
                SERVICES.join(", ")
            ));
        }
    })
}

/// A time before now, or a moment; without a zone it is UTC, without a day it is the last time that it was so late.
fn since(text: &str, now: Timestamp) -> Result<Timestamp, Diagnostic> {
    if let Ok(ago) = time(text) {
        let ago = SignedDuration::try_from(ago).unwrap_or(SignedDuration::ZERO);
        return Ok(now.checked_sub(ago).unwrap_or(Timestamp::UNIX_EPOCH));
    }
    let utc = |at: DateTime| at.to_zoned(TimeZone::UTC).ok().map(|at| at.timestamp());
    let today = now.to_zoned(TimeZone::UTC).date();
    let of_day = |clock: Time| {
        let at = utc(today.to_datetime(clock))?;
        Some(if at > now { at - SignedDuration::from_hours(24) } else { at })
    };
    let at = text.parse::<Timestamp>().ok();
    // A day alone is its beginning.
    let at = at.or_else(|| utc(text.parse::<DateTime>().ok()?));
    let at = at.or_else(|| of_day(Time::strptime("%H:%M", text).ok()?));
    let at = at.or_else(|| of_day(Time::strptime("%H:%M:%S", text).ok()?));
    at.ok_or_else(|| {
        Diagnostic::usage(format!("{} is no time", ticked(text)))
            .hint("`10m`, `2h`, `7d`, `08:30`, `2026-11-20`, `2026-11-20T08:30:00Z`; without a zone it is UTC")
    })
}

/// How long lines are held back so that those of several servers come in order.
const TURN: Duration = Duration::from_millis(400);

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_time_may_be_written_in_many_ways() {
        let now: Timestamp = "2026-11-20T15:04:05Z".parse().unwrap();
        for (text, expected) in [
            ("10m", "2026-11-20T14:54:05Z"),
            ("1d", "2026-11-19T15:04:05Z"),
            ("08:30", "2026-11-20T08:30:00Z"),
            ("16:00", "2026-11-19T16:00:00Z"),
            ("15:04:05", "2026-11-20T15:04:05Z"),
            ("2026-11-18", "2026-11-18T00:00:00Z"),
            ("2026-11-18 12:00", "2026-11-18T12:00:00Z"),
            ("2026-11-18T12:00:00+07:00", "2026-11-18T05:00:00Z"),
        ] {
            assert_eq!(since(text, now).unwrap().to_string(), expected, "{text}");
        }
        for text in ["", "yesterday", "25:00", "10", "-5m"] {
            assert!(since(text, now).is_err(), "{text}");
        }
    }

    #[test]
    fn what_is_no_unit_is_refused() {
        assert_eq!(service("cron"), Ok(Source::Journal(vec!["cron".to_owned()])));
        assert!(service("foo@bar.service").is_ok());
        for text in ["", "-f", "a b", "a;b", "../x", "*", "ü", "a\nb"] {
            assert!(service(text).is_err(), "{text:?}");
        }
    }
}
