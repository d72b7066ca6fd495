//! Reads what the checks' script printed: tolerant of missing, garbled and hostile lines, since it comes from a server.

use std::collections::{BTreeMap, BTreeSet};

use super::said;

/// Most entries kept of any list: a server has no more sites, and whoever prints more means no good.
const MOST: usize = 10_000;

/// What was found out on a server.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Findings {
    /// Whether a package asks for a restart.
    pub reboot: Option<bool>,
    /// The packages that do.
    pub reboot_for: Vec<String>,
    /// Releases of the kernels in /boot; none in a container.
    pub kernels: Vec<String>,
    /// When its package lists were last fetched, in seconds since 1970.
    pub lists: Option<i64>,
    /// Packages of which the security archive has another version: name, the installed one, and those.
    pub updates: Vec<(String, String, Vec<String>)>,
    /// Whether those are all updates.
    pub archive: Archive,
    /// Messages that wait to be sent.
    pub mail: Option<u64>,
    /// Whether nginx would take its configuration; else what it said.
    pub nginx: Option<Result<(), String>>,
    /// The ports of 80 and 443 that somebody listens on.
    pub listens: BTreeSet<u16>,
    /// The same as for nginx, for each version of PHP-FPM.
    pub php: BTreeMap<String, Result<(), String>>,
    /// systemd's word for the cron daemon.
    pub cron: Option<String>,
    /// Whether MariaDB answers; else what its client said.
    pub mariadb: Option<Result<(), String>>,
    /// The same for each cluster of PostgreSQL.
    pub postgres: BTreeMap<String, Result<(), String>>,
    /// The zones that it answers for.
    pub zones: BTreeSet<String>,
    /// Whether it was asked for zones.
    pub zones_asked: bool,
    /// Certificates by path.
    pub files: BTreeMap<String, Placed>,
    /// Answers by URL.
    pub pages: BTreeMap<String, PageAnswer>,
    /// Whether the answer to the request of that number had its text.
    pub texts: BTreeMap<usize, bool>,
    /// Whether the script came to its end.
    pub ended: bool,
}

/// Whether the package lists of security archives were read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Archive {
    /// Not all of them.
    #[default]
    Unknown,
    /// There are none.
    Missing,
    /// All of them.
    Read,
}

/// What became of a certificate that was placed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Placed {
    /// It is as it was placed.
    Same,
    /// There is no such file.
    Missing,
    /// It is another: its DER in base64, perhaps.
    Other(String),
}

/// What curl(1) says of a request.
#[derive(Clone, Debug, PartialEq)]
pub struct PageAnswer {
    /// The status; 0 when there was none.
    pub status: u16,
    /// Seconds until the answer began.
    pub seconds: f64,
    /// Its exit code.
    pub exit: u32,
    /// Why there was none.
    pub message: String,
}

/// Reads the lines of a look; those of others, and those that are not understood, are passed over.
pub fn parse<'a>(lines: impl IntoIterator<Item = &'a str>) -> Findings {
    let mut findings = Findings::default();
    for line in lines {
        if let Some(finding) = line.trim_end().strip_prefix("check ") {
            let (word, rest) = finding.split_once(' ').unwrap_or((finding, ""));
            findings.take(word, rest);
        }
    }
    findings
}

impl Findings {
    fn take(&mut self, word: &str, rest: &str) {
        match word {
            "reboot" => match rest.split_once(' ') {
                Some(("for", name)) if self.reboot_for.len() < 16 => {
                    self.reboot_for.push(said(name));
                }
                _ if rest == "required" => self.reboot = Some(true),
                _ if rest == "no" => self.reboot = Some(false),
                _ => {}
            },
            "kernel" if self.kernels.len() < 64 => self.kernels.push(said(rest)),
            "lists" => self.lists = rest.parse().ok(),
            "update" if self.updates.len() < MOST => {
                let mut words = rest.split(' ').map(said);
                if let (Some(name), Some(installed)) = (words.next(), words.next()) {
                    self.updates.push((name, installed, words.collect()));
                }
            }
            "updates" => match rest {
                "read" => self.archive = Archive::Read,
                "nolists" => self.archive = Archive::Missing,
                _ => {}
            },
            "mail" => self.mail = rest.parse().ok(),
            "nginx" => self.nginx = verdict(rest),
            "listens" => self.listens.extend(rest.parse::<u16>().ok()),
            "php" => insert_verdict(&mut self.php, rest),
            "cron" => self.cron = Some(said(rest)),
            "mariadb" => self.mariadb = verdict(rest),
            "postgres" => insert_verdict(&mut self.postgres, rest),
            "zone" if self.zones.len() < MOST => {
                let name = rest.trim_end_matches('.').to_ascii_lowercase();
                self.zones.insert(said(&name));
            }
            "zones" => self.zones_asked = rest == "asked",
            "file" if self.files.len() < MOST => self.file(rest),
            "page" if self.pages.len() < MOST => {
                if let Some((url, answer)) = page(rest) {
                    self.pages.insert(url, answer);
                }
            }
            "text" if self.texts.len() < MOST => {
                if let Some((number, word)) = rest.split_once(' ')
                    && let Ok(number) = number.parse()
                {
                    self.texts.insert(number, word == "with");
                }
            }
            "end" => self.ended = true,
            _ => {}
        }
    }

    fn file(&mut self, rest: &str) {
        let mut words = rest.splitn(3, ' ');
        let (Some(path), Some(word)) = (words.next(), words.next()) else {
            return;
        };
        let placed = match word {
            "same" => Placed::Same,
            "missing" => Placed::Missing,
            _ => Placed::Other(words.next().unwrap_or_default().to_owned()),
        };
        self.files.insert(path.to_owned(), placed);
    }
}

/// `valid`, `answers`, or another word and what was said.
fn verdict(rest: &str) -> Option<Result<(), String>> {
    let (word, what) = rest.split_once(' ').unwrap_or((rest, ""));
    match word {
        "valid" | "answers" => Some(Ok(())),
        "invalid" | "silent" => Some(Err(said(what))),
        _ => None,
    }
}

/// A name before the verdict.
fn insert_verdict(map: &mut BTreeMap<String, Result<(), String>>, rest: &str) {
    if let Some((name, rest)) = rest.split_once(' ')
        && let Some(verdict) = verdict(rest)
        && map.len() < 64
    {
        map.insert(said(name), verdict);
    }
}

/// `200 0.012 0 http://example.com/ why not`.
fn page(rest: &str) -> Option<(String, PageAnswer)> {
    let mut words = rest.splitn(5, ' ');
    let status = words.next()?.parse().ok()?;
    let seconds: f64 = words.next()?.parse().ok()?;
    if !(0.0..=3600.0).contains(&seconds) {
        return None;
    }
    let exit = words.next()?.parse().ok()?;
    let url = words.next()?.to_owned();
    let answer = PageAnswer {
        status,
        seconds,
        exit,
        message: said(words.next().unwrap_or_default()),
    };
    Some((url, answer))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lines_of_a_look_are_read() {
        let lines = "time 5\ncheck begin\ncheck reboot required\ncheck reboot for linux-image-amd64\n\
            check kernel 6.1.0-13-amd64\ncheck lists 1795169066\ncheck update git 1:2.39-1 1:2.39-2 1:2.39-3\n\
            check updates read\ncheck mail 12\ncheck nginx invalid unknown   directive \"x\"\ncheck listens 80\n\
            check php 8.2 valid\ncheck postgres 15/main silent no response\ncheck mariadb answers\ncheck cron active\n\
            check zone Example.com.\ncheck zones asked\ncheck file /etc/a same\ncheck file /etc/b other MIIB\n\
            check page 000 0.000289 7 https://a.example/ Failed to connect\ncheck page 200 0.5 0 http://b.example/\n\
            check text 1 without\ncheck end";
        let findings = parse(lines.lines());
        let expected = Findings {
            reboot: Some(true),
            reboot_for: vec!["linux-image-amd64".to_owned()],
            kernels: vec!["6.1.0-13-amd64".to_owned()],
            lists: Some(1_795_169_066),
            updates: vec![(
                "git".to_owned(),
                "1:2.39-1".to_owned(),
                vec!["1:2.39-2".to_owned(), "1:2.39-3".to_owned()],
            )],
            archive: Archive::Read,
            mail: Some(12),
            nginx: Some(Err("unknown directive \"x\"".to_owned())),
            listens: [80].into(),
            php: [("8.2".to_owned(), Ok(()))].into(),
            cron: Some("active".to_owned()),
            mariadb: Some(Ok(())),
            postgres: [("15/main".to_owned(), Err("no response".to_owned()))].into(),
            zones: ["example.com".to_owned()].into(),
            zones_asked: true,
            files: [
                ("/etc/a".to_owned(), Placed::Same),
                ("/etc/b".to_owned(), Placed::Other("MIIB".to_owned())),
            ]
            .into(),
            pages: [
                (
                    "https://a.example/".to_owned(),
                    PageAnswer {
                        status: 0,
                        seconds: 0.000_289,
                        exit: 7,
                        message: "Failed to connect".to_owned(),
                    },
                ),
                (
                    "http://b.example/".to_owned(),
                    PageAnswer {
                        status: 200,
                        seconds: 0.5,
                        exit: 0,
                        message: String::new(),
                    },
                ),
            ]
            .into(),
            texts: [(1, false)].into(),
            ended: true,
        };
        assert_eq!(findings, expected);
    }

    #[test]
    fn what_makes_no_sense_is_passed_over() {
        let hostile = [
            "check",
            "check ",
            "check page",
            "check page x y z u",
            "check page 99999999 0 0 u",
            "check page 200 NaN 0 u",
            "check page 200 -1e300 -5 u",
            "check text 99999999999999999999999 with",
            "check file",
            "check file /x",
            "check mail -5",
            "check mail 18446744073709551616",
            "check lists never",
            "check php",
            "check nginx",
            "check nginx perhaps",
            "check listens 65536",
            "check update",
        ];
        assert_eq!(parse(hostile), Findings::default());
        let bell = parse(["check nginx invalid \u{1b}[2J\u{7}gone"]);
        assert_eq!(bell.nginx, Some(Err("[2Jgone".to_owned())));
        let long = format!("check nginx invalid {}", "x".repeat(100_000));
        let long = parse([long.as_str()]);
        assert!(matches!(long.nginx, Some(Err(text)) if text.len() <= 300));
        let many: Vec<String> = (0..50_000)
            .map(|n| format!("check update p{n} 1 2"))
            .collect();
        assert!(parse(many.iter().map(String::as_str)).updates.len() <= 10_000);
    }
}
