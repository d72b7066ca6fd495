//! Reads what the probe printed: tolerant of missing, garbled and hostile lines, since it comes from a server.

use std::collections::BTreeMap;

use crate::model::health::{DiskUse, ServerFacts};

/// Longest value kept of a line, in characters; more is not a fact but an accident.
const LONGEST: usize = 256;
/// Most entries kept of a list (disks, units): more would only fill the state database.
const MOST: usize = 64;

/// Largest figure taken with a fraction: a load, or seconds since 1970 in the year 33658.
const LARGEST: f64 = 1e12;

/// What the lines of one look say.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reading {
    /// What was measured; `connect_ms` and the clock's fields but for `time` are the caller's.
    pub facts: ServerFacts,
    /// The server's time, in seconds since 1970.
    pub time: Option<f64>,
    /// The user the script ran as; `None` without /proc.
    pub uid: Option<u32>,
    /// Whether systemd runs there as the first process.
    pub systemd: bool,
    /// Whether systemd told its units.
    pub units_known: bool,
    /// The part the probe was at when the lines ended; `None` when it came to its end.
    pub stopped_at: Option<Part>,
}

/// Parts of the probe in which it may get stuck.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Part {
    /// The kernel's figures.
    #[default]
    Start,
    /// df(1): a network file system that does not answer.
    Disks,
    /// systemctl(1): a first process that does not answer.
    Units,
}

/// Reads the probe's lines; what is not understood is passed over.
pub fn parse<'a>(lines: impl IntoIterator<Item = &'a str>) -> Reading {
    let mut reading = Reading {
        stopped_at: Some(Part::Start),
        ..Reading::default()
    };
    let mut services = Services::default();
    let mut unwritable = Vec::new();
    for line in lines {
        let line = line.trim_end_matches(['\r', '\n']);
        let (key, value) = line.split_once(' ').unwrap_or((line, ""));
        let facts = &mut reading.facts;
        match key {
            "time" => reading.time = number(value),
            "uid" => reading.uid = value.parse().ok(),
            "uptime" => facts.uptime_s = number(value).map_or(0, whole_seconds),
            "load" => facts.load = load(value).unwrap_or(facts.load),
            "memory_total_kib" => facts.memory_total = kibibytes(value),
            "memory_available_kib" => facts.memory_available = kibibytes(value),
            "cpus" => facts.cores = processors(value),
            "kernel" => facts.kernel = text(value),
            "ipv6" => facts.ipv6 = yes_or_no(value),
            "arch" => facts.arch = text(value),
            "timezone" => facts.timezone = text(value),
            "os" => facts.os = os_release_value(value),
            "os_version" => facts.os_version = os_release_value(value),
            "php" => push(&mut facts.php, text(value)),
            "nginx" => facts.nginx = value.strip_prefix("version: nginx/").map(first_word),
            "service" => services.known(value),
            "systemd" => reading.systemd = true,
            "unit" => services.listed(value, &mut facts.failed_units),
            "units_known" => reading.units_known = true,
            "unwritable" => push(&mut unwritable, text(value)),
            "at" if value == "disks" => reading.stopped_at = Some(Part::Disks),
            "at" if value == "units" => reading.stopped_at = Some(Part::Units),
            "end" => reading.stopped_at = None,
            _ if reading.stopped_at == Some(Part::Disks) => add_disk(&mut facts.disks, line),
            _ => {}
        }
    }
    let facts = &mut reading.facts;
    facts.php.sort_by_key(|version| version_key(version));
    facts.php.dedup();
    facts.failed_units.sort();
    facts.failed_units.dedup();
    facts.services = services.merged(reading.units_known);
    for path in &unwritable {
        mark_read_only(&mut facts.disks, path);
    }
    reading
}

/// Services by unit: what their files say, and what systemd says.
#[derive(Default)]
struct Services {
    files: BTreeMap<String, String>,
    units: BTreeMap<String, String>,
}

impl Services {
    /// `service UNIT enabled|disabled|masked|missing`.
    fn known(&mut self, value: &str) {
        if let Some((unit, word)) = value.split_once(' ')
            && self.files.len() < MOST
        {
            self.files.insert(text(unit), text(word));
        }
    }

    /// `unit UNIT.TYPE STATE`, for units that failed and for services.
    fn listed(&mut self, value: &str, failed: &mut Vec<String>) {
        let Some((unit, state)) = value.split_once(' ') else {
            return;
        };
        if state == "failed" {
            push(failed, text(unit));
        }
        if let Some(service) = unit.strip_suffix(".service")
            && self.units.len() < MOST
        {
            self.units.insert(text(service), text(state));
        }
    }

    fn merged(mut self, units_known: bool) -> BTreeMap<String, String> {
        // `postgresql` only starts the clusters: they stand for it where there are any.
        if self
            .files
            .keys()
            .any(|unit| unit.starts_with("postgresql@"))
        {
            self.files.remove("postgresql");
        } else if let Some(word) = self.files.get_mut("postgresql")
            && word == "enabled"
        {
            "disabled".clone_into(word);
        }
        let state = |unit: &str, word: &str| match (self.units.get(unit), word) {
            (Some(state), _) => state.clone(),
            (None, "missing" | "masked") => word.to_owned(),
            (None, _) if !units_known => "unknown".to_owned(),
            (None, "enabled") => "inactive".to_owned(),
            (None, _) => "disabled".to_owned(),
        };
        self.files
            .iter()
            .map(|(unit, word)| (unit.clone(), state(unit, word)))
            .collect()
    }
}

/// A line of `df --output=size,used,avail,itotal,iavail,target`; each file system once.
fn add_disk(disks: &mut Vec<DiskUse>, line: &str) {
    let mut rest = line;
    let mut figures = [0; 5];
    for figure in &mut figures {
        rest = rest.trim_start();
        let (word, after) = rest.split_once(' ').unwrap_or((rest, ""));
        *figure = match word {
            "-" => 0,
            digits => match digits.parse() {
                Ok(number) => number,
                Err(_) => return,
            },
        };
        rest = after;
    }
    let mount = text(rest.trim());
    let [total, used, available, inodes, inodes_free] = figures;
    let seen = disks.iter().any(|disk| disk.mount == mount);
    if total == 0 || mount.is_empty() || seen || disks.len() >= MOST {
        return;
    }
    disks.push(DiskUse {
        mount,
        total,
        used,
        available,
        inodes,
        inodes_free,
        read_only: false,
    });
}

/// Marks the file system that holds `path`: the one whose mount point is its longest prefix.
fn mark_read_only(disks: &mut [DiskUse], path: &str) {
    let holds = |mount: &str| {
        mount == "/"
            || path
                .strip_prefix(mount)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    if let Some(disk) = disks
        .iter_mut()
        .filter(|disk| holds(&disk.mount))
        .max_by_key(|disk| disk.mount.len())
    {
        disk.read_only = true;
    }
}

/// A value fit to be stored and shown: no control characters, not endless.
fn text(value: &str) -> String {
    value
        .chars()
        .filter(|c| !c.is_control())
        .take(LONGEST)
        .collect::<String>()
        .trim()
        .to_owned()
}

fn yes_or_no(value: &str) -> Option<bool> {
    match value {
        "yes" => Some(true),
        "no" => Some(false),
        _ => None,
    }
}

fn first_word(value: &str) -> String {
    text(value.split_whitespace().next().unwrap_or_default())
}

/// A value of os-release(5), without its quotes.
fn os_release_value(value: &str) -> String {
    let value = text(value);
    let inner = |quote| {
        value
            .strip_prefix(quote)
            .and_then(|rest: &str| rest.strip_suffix(quote))
    };
    inner('"')
        .or_else(|| inner('\''))
        .unwrap_or(&value)
        .to_owned()
}

/// A number that is not negative and no larger than anything that is measured: a figure is not to fill a screen.
fn number(value: &str) -> Option<f64> {
    value
        .trim()
        .parse()
        .ok()
        .filter(|number: &f64| (0.0..=LARGEST).contains(number))
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "not negative, and `as` saturates"
)]
fn whole_seconds(seconds: f64) -> u64 {
    seconds as u64
}

/// The first three figures of /proc/loadavg.
fn load(value: &str) -> Option<[f64; 3]> {
    let mut figures = value.split_whitespace().map(number);
    Some([figures.next()??, figures.next()??, figures.next()??])
}

fn kibibytes(value: &str) -> u64 {
    value
        .trim()
        .parse::<u64>()
        .map_or(0, |kib| kib.saturating_mul(1024))
}

/// How many processors a list like `0-3,8` names (the kernel's "cpulist" format); 0 when it is not one.
fn processors(cpulist: &str) -> u32 {
    let mut count = 0_u32;
    for range in cpulist.trim().split(',') {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        match (first.parse::<u32>(), last.parse::<u32>()) {
            (Ok(first), Ok(last)) if first <= last => {
                count = count.saturating_add((last - first).saturating_add(1));
            }
            _ => return 0,
        }
    }
    count
}

/// `8.2` before `8.10`.
fn version_key(version: &str) -> Vec<u32> {
    version
        .split('.')
        .map(|part| part.parse().unwrap_or(0))
        .collect()
}

fn push(list: &mut Vec<String>, value: String) {
    if !value.is_empty() && list.len() < MOST {
        list.push(value);
    }
}

#[cfg(test)]
#[path = "parse_tests.rs"]
mod tests;
