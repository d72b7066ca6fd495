//! What a server knows of its jobs: when they last ran and how that went, when they run next, what they missed.

use std::collections::{BTreeMap, BTreeSet};

use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};
use serde::Serialize;

use super::schedule::Schedule;
use super::{Cron, files, next};
use crate::kind::{Heard, Summary};
use crate::shell::Script;

/// A run that has not begun so long after its time has been missed: cron starts jobs within the minute, and a server
/// that boots may need another one. Milliseconds.
const PATIENCE: i64 = 120_000;

/// The most missed runs that are counted.
const MOST: usize = 100;

/// The runs of one job, as its server recorded them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct History {
    /// By their number, the oldest first.
    pub(super) runs: BTreeMap<RunId, Run>,
    /// Since when all runs are known (milliseconds since 1970), by the first line that was asked for. A run that ended then
    /// may have begun long before, and others been left out meanwhile.
    known: Option<i64>,
}

/// When a run began (milliseconds since 1970), and the process that ran it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct RunId {
    pub(super) began: i64,
    process: u32,
}

/// One run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Run {
    /// Whether `run-cron` started it, not the schedule.
    pub(super) by_hand: bool,
    /// Why it did not take place: `running`, another one still ran.
    pub(super) skipped: Option<String>,
    pub(super) end: Option<End>,
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct End {
    /// Milliseconds since 1970.
    at: i64,
    pub(super) code: u8,
    /// `ok`, `failed`, `timeout`, `stopped`, `replaced`.
    pub(super) why: String,
    pub(super) attempts: u32,
}

impl RunId {
    fn parse(text: &str) -> Option<Self> {
        let (began, process) = text.split_once('-')?;
        let began = began
            .parse()
            .ok()
            .filter(|began| (0..=MAX_MILLIS).contains(began))?;
        Some(Self {
            began,
            process: process.parse().ok()?,
        })
    }
}

/// The year 9000: beyond it there is no calendar.
const MAX_MILLIS: i64 = 221_845_392_000_000;

impl History {
    /// Takes in a line of a history; what is not understood is passed over.
    pub(super) fn line(&mut self, line: &str) {
        let known = self.take(line);
        self.known = self.known.or(known);
    }

    /// The same with a line from elsewhere; returns since when nothing is missing after it.
    fn take(&mut self, line: &str) -> Option<i64> {
        let words: Vec<&str> = line.split(' ').collect();
        let (word, id) = (words.first()?, RunId::parse(words.get(1)?)?);
        let rest = &words[2..];
        let run = match (*word, rest) {
            ("start", [how]) => Run {
                by_hand: *how == "now",
                ..Run::default()
            },
            ("skip", [how, why]) => Run {
                by_hand: *how == "now",
                skipped: Some(plain(why)),
                ..Run::default()
            },
            ("end", [at, code, why, attempts]) => {
                let at = at.parse().ok().filter(|at| (0..=MAX_MILLIS).contains(at))?;
                let end = End {
                    at,
                    code: code.parse().ok()?,
                    why: plain(why),
                    attempts: attempts.parse().ok()?,
                };
                self.runs.entry(id).or_default().end = Some(end);
                return Some(at);
            }
            _ => return None,
        };
        self.runs.entry(id).or_insert(run);
        // Cron starts it within the minute.
        Some(id.began - 60_000)
    }

    /// The last run that took place.
    fn last(&self) -> Option<(&RunId, &Run)> {
        self.runs
            .iter()
            .rev()
            .find(|(_, run)| run.skipped.is_none())
    }
}

/// A word of a server's, fit to be shown.
fn plain(word: &str) -> String {
    word.chars()
        .filter(char::is_ascii_alphanumeric)
        .take(20)
        .collect()
}

/// Prints the rule of the server's time zone.
const ZONE: &str =
    "printf '@zone %s\\n' \"$(tail -n 1 /etc/localtime 2>/dev/null | tr -d '\\000')\"\n";

/// Prints the processes that run a job just now, each with the line of the history that tells when it began: after it there may
/// be any number of others, for what was left out meanwhile.
const MARKS: &str = "for mark in /run/fleet/cron/*.*; do\n\
    process=${mark##*.}\n\
    case $process in *[!0-9]*) continue ;; esac\n\
    [ -d \"/proc/$process\" ] || continue\n\
    line=\n\
    { read -r line <\"$mark\"; } 2>/dev/null\n\
    printf '@running %s %s\\n' \"${mark##*/}\" \"$line\"\n\
    done\n";

/// Asks a server about all of these: four processes, however many they are.
pub(super) fn ask(specs: &[(&str, Cron)], out: &mut Script) {
    out.raw("date '+@now %s'\n");
    out.raw(ZONE);
    for (name, cron) in specs {
        let delay = cron.check().map_or(0, |job| job.delay).to_string();
        out.line(
            "printf '@job %s %s %s\\n' {} {} {}",
            &[name, &delay, &cron.schedule],
        );
    }
    out.raw(MARKS);
    let tables: Vec<String> = specs.iter().map(|(name, _)| files::crontab(name)).collect();
    out.each(
        "stat -c '@since %Y %n' --",
        tables.iter().map(String::as_str),
    );
    let histories: Vec<String> = specs.iter().map(|(name, _)| files::history(name)).collect();
    out.raw("{\n");
    out.each("tail -v -n 40 --", histories.iter().map(String::as_str));
    out.raw("} 2>/dev/null\ntrue\n");
}

/// A run of one job, as a server recorded it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PastRun {
    /// What tells it from others: when it began and its process.
    pub id: String,
    /// When it began.
    pub began: Timestamp,
    /// The same in the server's time.
    pub at: String,
    /// Whether `run-cron` started it, not the schedule.
    pub by_hand: bool,
    /// How long it took, in milliseconds; `None` while it runs, or when it was broken off or left out.
    pub took_ms: Option<i64>,
    /// The job's exit code.
    pub exit_code: Option<u8>,
    /// `0`, `3 (failed)`, `124 (timeout)`, `running`, `broken off`, `left out`.
    pub result: String,
    /// How often it was tried.
    pub attempts: u32,
    /// Bytes of its output that are kept.
    pub output: u64,
}

impl PastRun {
    /// How long it took, in words.
    pub fn took(&self) -> String {
        self.took_ms.map_or_else(String::new, duration)
    }
}

/// Asks a server about the last `count` runs of one job.
pub fn ask_runs(name: &str, count: u32, out: &mut Script) {
    out.raw(ZONE);
    out.raw(MARKS);
    let (dir, lines) = (files::runs(name), format!("-n{}", count.saturating_mul(2)));
    out.line(
        "find {} -maxdepth 1 -name '*.out' -printf '@output %f %s\\n' 2>/dev/null",
        &[&dir],
    );
    out.line(
        "tail {} -- {} 2>/dev/null",
        &[&lines, &files::history(name)],
    );
    out.raw("true\n");
}

/// Reads what [`ask_runs`] made a server print: the newest run first.
pub fn runs(name: &str, lines: &[&str], now: Timestamp) -> Vec<PastRun> {
    let mut job = Job::default();
    let mut zone = TimeZone::UTC;
    let mut kept: BTreeMap<RunId, u64> = BTreeMap::new();
    for line in lines {
        let Some((word, rest)) = line.strip_prefix('@').and_then(|rest| rest.split_once(' '))
        else {
            job.history.line(line);
            continue;
        };
        match word {
            "zone" => zone = next::zone(rest).unwrap_or(TimeZone::UTC),
            "running" => {
                if let Some((of, process, line)) = mark(rest)
                    && of == name
                {
                    job.runs_as(process, line);
                }
            }
            "output" => {
                if let Some((file, size)) = rest.split_once(' ')
                    && let Some(id) = file.strip_suffix(".out").and_then(RunId::parse)
                {
                    kept.insert(id, size.parse().unwrap_or(0));
                }
            }
            _ => {}
        }
    }
    let now = now.to_zoned(zone);
    let run = |(id, run): (&RunId, &Run)| PastRun {
        id: format!("{}-{}", id.began, id.process),
        began: Timestamp::from_millisecond(id.began).unwrap_or_default(),
        at: local(id.began, &now),
        by_hand: run.by_hand,
        took_ms: run.end.as_ref().map(|end| end.at - id.began),
        exit_code: run.end.as_ref().map(|end| end.code),
        result: match &run.skipped {
            Some(_) => "left out".to_owned(),
            None => job.ending(*id, run),
        },
        attempts: run.end.as_ref().map_or(0, |end| end.attempts),
        output: kept.get(id).copied().unwrap_or(0),
    };
    job.history.runs.iter().rev().map(run).collect()
}

/// Asks for the output of a run; `id` is that of a [`PastRun`].
pub fn ask_output(name: &str, id: &str, out: &mut Script) {
    let file = format!("{}/{id}.out", files::runs(name));
    out.line("if [ -e {} ]; then cat -- {}; fi", &[&file, &file]);
}

/// What was asked about one job.
#[derive(Default)]
struct Job {
    schedule: String,
    /// Seconds within which it starts.
    delay: i64,
    /// When the file that cron reads was last changed (seconds since 1970); `None` when there is none.
    since: Option<i64>,
    running: BTreeSet<u32>,
    history: History,
}

/// Reads what the fragment of [`ask`] printed.
pub(super) fn heard(lines: &[&str], now: Timestamp) -> Heard {
    let mut jobs: BTreeMap<String, Job> = BTreeMap::new();
    let mut zone = TimeZone::UTC;
    let mut server_now = now;
    let mut reading: Option<String> = None;
    for line in lines {
        if let Some(path) = line
            .strip_prefix("==> ")
            .and_then(|rest| rest.strip_suffix(" <=="))
        {
            let name = jobs.keys().find(|name| files::history(name) == path);
            reading = name.cloned();
            continue;
        }
        let Some((word, rest)) = line.strip_prefix('@').and_then(|rest| rest.split_once(' '))
        else {
            if let Some(job) = reading.as_ref().and_then(|name| jobs.get_mut(name)) {
                job.history.line(line);
            }
            continue;
        };
        match word {
            "now" => server_now = seconds(rest).unwrap_or(now),
            "zone" => zone = next::zone(rest).unwrap_or(TimeZone::UTC),
            "job" => {
                let mut words = rest.splitn(3, ' ');
                if let (Some(name), Some(delay), Some(schedule)) =
                    (words.next(), words.next(), words.next())
                {
                    let job = Job {
                        schedule: schedule.to_owned(),
                        delay: delay.parse().unwrap_or(0),
                        ..Job::default()
                    };
                    jobs.insert(name.to_owned(), job);
                }
            }
            "running" => {
                if let Some((name, process, line)) = mark(rest)
                    && let Some(job) = jobs.get_mut(name)
                {
                    job.runs_as(process, line);
                }
            }
            "since" => {
                if let Some((time, path)) = rest.split_once(' ')
                    && let Some(job) = jobs
                        .iter_mut()
                        .find(|(name, _)| files::crontab(name) == path)
                {
                    job.1.since = time.parse().ok();
                }
            }
            _ => {}
        }
    }
    let now = server_now.to_zoned(zone);
    jobs.into_iter()
        .map(|(name, job)| (name, job.summary(&now)))
        .collect()
}

/// Reads what [`MARKS`] prints: name, process, and the line of the history.
fn mark(text: &str) -> Option<(&str, u32, &str)> {
    let (mark, line) = text.split_once(' ').unwrap_or((text, ""));
    let (name, process) = mark.rsplit_once('.')?;
    Some((name, process.parse().ok()?, line))
}

fn seconds(text: &str) -> Option<Timestamp> {
    Timestamp::from_second(text.trim().parse().ok()?).ok()
}

impl Job {
    /// Notes that it runs just now.
    fn runs_as(&mut self, process: u32, line: &str) {
        self.running.insert(process);
        self.history.take(line);
    }

    fn summary(&self, now: &Zoned) -> Summary {
        let schedule = Schedule::parse(&self.schedule).ok();
        let (last, took, ended) = match self.history.last() {
            None => ("never".to_owned(), String::new(), String::new()),
            Some((id, run)) => (
                local(id.began, now),
                run.end
                    .as_ref()
                    .map_or_else(String::new, |end| duration(end.at - id.began)),
                self.ending(*id, run),
            ),
        };
        let next = match (&schedule, self.since) {
            (_, None) => "not scheduled".to_owned(),
            (Some(schedule), Some(_)) if schedule.is_reboot() => "at the next boot".to_owned(),
            (Some(schedule), Some(_)) => schedule
                .after(now, 1)
                .first()
                .map_or_else(String::new, next::shown),
            (None, Some(_)) => String::new(),
        };
        let missed = schedule
            .as_ref()
            .map_or_else(Vec::new, |schedule| self.missed(schedule, now));
        let missed = match missed[..] {
            [] => String::new(),
            [one] => local(one.as_millisecond(), now),
            [.., last] => format!(
                "{}{}, last {}",
                missed.len(),
                if missed.len() >= MOST { "+" } else { "" },
                local(last.as_millisecond(), now)
            ),
        };
        vec![
            ("last run", last.into()),
            ("took", took.into()),
            ("result", ended.into()),
            ("next run", next.into()),
            ("missed", missed.into()),
        ]
    }

    /// How a run ended, in words: `0`, `3 (failed)`, `running`.
    fn ending(&self, id: RunId, run: &Run) -> String {
        match &run.end {
            None if self.running.contains(&id.process) => "running".to_owned(),
            // The runner was killed, or the power went.
            None => "broken off".to_owned(),
            Some(end) if end.why == "ok" => "0".to_owned(),
            Some(end) => format!("{} ({})", end.code, end.why),
        }
    }

    /// The times since the job was last changed at which it should have begun and did not; since the oldest run that is
    /// known, and for a week at the most.
    fn missed(&self, schedule: &Schedule, now: &Zoned) -> Vec<Timestamp> {
        let Some(since) = self.since else {
            return Vec::new();
        };
        let known = self.history.known.map_or(0, |known| known / 1000);
        let week = next::a_week_before(now).as_second();
        // Cron takes up a new file within a minute.
        let from = (since + 60).max(week).max(known);
        let patience = PATIENCE + self.delay.clamp(0, 86_400) * 1000;
        let until = now.timestamp().as_millisecond() - patience;
        let (Ok(from), Ok(until)) = (
            Timestamp::from_second(from),
            Timestamp::from_millisecond(until),
        ) else {
            return Vec::new();
        };
        let times = schedule.between(from, &until.to_zoned(now.time_zone().clone()), MOST);
        let begun = |time: &Timestamp| {
            let from = time.as_millisecond();
            let mut runs = self.history.runs.range(
                RunId {
                    began: from - 2000,
                    process: 0,
                }..,
            );
            runs.next()
                .is_some_and(|(id, _)| id.began <= from + patience)
        };
        times.into_iter().filter(|time| !begun(time)).collect()
    }
}

fn local(millis: i64, now: &Zoned) -> String {
    Timestamp::from_millisecond(millis).map_or_else(
        |_| String::new(),
        |time| next::shown(&time.to_zoned(now.time_zone().clone())),
    )
}

/// `0.4 s`, `12 s`, `3 min 20 s`, `2 h 5 min`.
fn duration(millis: i64) -> String {
    let seconds = millis.max(0) / 1000;
    match seconds {
        0..10 => format!("{}.{} s", seconds, millis.max(0) % 1000 / 100),
        10..60 => format!("{seconds} s"),
        60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
    }
}
