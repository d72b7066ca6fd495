//! The lock of a server: what it says of its holder, how it is taken, looked at and broken.

use std::fmt;

use super::observe::PRELUDE;
use super::{NGINX, PATHS};
use crate::item::zone;
use crate::shell::Script;

const FUNCTIONS: &str = include_str!("lock.sh");

/// How long a lock outlives the last sign of a fleet that does nothing with it, in seconds: `lock` of prelude.sh.
pub const LEASE: u64 = 60;

/// The longest command line that a lock tells of, in characters.
const LONGEST: usize = 200;

/// Who takes a lock, and what for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// Who runs fleet.
    pub operator: String,
    /// On which machine.
    pub host: String,
    /// Number of the process there.
    pub process: u32,
    /// Number of the task.
    pub task: i64,
    /// What was typed: `fleet apply --waves 1,10%`.
    pub command: String,
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            operator,
            host,
            task,
            command,
            ..
        } = self;
        write!(f, "{operator} on {host} (`{command}`, task {task})")
    }
}

impl Owner {
    /// What is written on the server: a line for people, and a line for each word and its value.
    pub fn text(&self) -> String {
        let plain = |text: &str| -> String {
            let plain = text.chars().map(|c| if c.is_control() { ' ' } else { c });
            plain.take(LONGEST).collect()
        };
        let own = Self {
            operator: plain(&self.operator),
            host: plain(&self.host),
            command: plain(&self.command),
            ..self.clone()
        };
        format!(
            "{own}\noperator {}\nhost {}\nprocess {}\ntask {}\ncommand {}",
            own.operator, own.host, own.process, own.task, own.command
        )
    }
}

/// A lock that is held.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Held {
    /// The line for people.
    pub who: String,
    /// Who runs the fleet that has it, where it says so.
    pub operator: Option<String>,
    /// On which machine.
    pub host: Option<String>,
    /// Number of the process there.
    pub process: Option<u32>,
    /// Number of the task.
    pub task: Option<i64>,
    /// What was typed.
    pub command: Option<String>,
    /// For how many seconds it has been held.
    pub held_s: Option<u64>,
    /// How many seconds ago its fleet gave the last sign.
    pub sign_s: Option<u64>,
    /// What is being changed under it; empty while nothing is.
    pub work: Vec<String>,
    /// The processes on the server that have it: number and name.
    pub processes: Vec<String>,
}

impl Held {
    /// In how many seconds it expires unless its fleet gives a sign; `None` while something is being changed.
    pub fn expires_s(&self) -> Option<u64> {
        let sign = self.sign_s.filter(|_| self.work.is_empty())?;
        Some(LEASE.saturating_sub(sign))
    }
}

/// A script with what the ones here need.
fn begin() -> Script {
    let mut script = Script::new();
    script.raw(PATHS).raw(NGINX).raw(zone::SHELL).raw(PRELUDE);
    script
}

/// Takes the lock for as long as the conversation lasts and rolls back what was left half done; `busy` says what is
/// changed under it. It prints what [`super::observe::facts`] knows: `@wait`, `@locked`, `@unrecovered`.
pub fn take(wait: u64, owner: &Owner, busy: &str) -> Script {
    let mut script = begin();
    // It may have to wait for what is to be brought longer than a lock lasts without a sign.
    script.raw("lock ").number(wait).raw(" ").arg(&owner.text());
    script.raw(" for-long\nrecover\nprintf '%s\\n' ").arg(busy);
    // What goes on in the background must not keep the output of the conversation open.
    script.raw(" >\"$run/busy\"\nexec 4>&-\nprintf '@taken\\n'\n");
    script
}

/// Gives the sign that whoever holds the lock is still there.
pub fn sign() -> Script {
    let mut script = Script::new();
    script.raw("touch -c -- \"$run/owner\"\n");
    script
}

/// Asks who has the lock, for [`held`].
pub fn look() -> Script {
    let mut script = begin();
    script.raw(FUNCTIONS).raw("look_at_lock\n");
    script
}

/// Reads what [`look`] printed; `None` when nobody has it.
pub fn held<'a>(lines: impl IntoIterator<Item = &'a str>) -> Option<Held> {
    let mut held = Held::default();
    let mut now: Option<u64> = None;
    let mut since: Option<u64> = None;
    let mut sign: Option<u64> = None;
    for line in lines {
        let Some((mark, rest)) = line.strip_prefix('@').and_then(|line| line.split_once(' '))
        else {
            continue;
        };
        match mark {
            "held" => now = rest.parse().ok(),
            "sign" => sign = rest.parse().ok(),
            "work" => held.work.push(rest.to_owned()),
            "process" => held.processes.push(rest.to_owned()),
            "owner" if held.who.is_empty() => rest.clone_into(&mut held.who),
            "owner" => {
                let (word, value) = rest.split_once(' ').unwrap_or((rest, ""));
                match word {
                    "operator" => held.operator = Some(value.to_owned()),
                    "host" => held.host = Some(value.to_owned()),
                    "process" => held.process = value.parse().ok(),
                    "task" => held.task = value.parse().ok(),
                    "command" => held.command = Some(value.to_owned()),
                    "since" => since = value.parse().ok(),
                    _ => {}
                }
            }
            _ => {}
        }
    }
    let now = now?;
    if held.who.is_empty() {
        "a program that does not say who it is".clone_into(&mut held.who);
    }
    held.held_s = since.map(|since| now.saturating_sub(since));
    held.sign_s = sign.map(|sign| now.saturating_sub(sign));
    Some(held)
}

/// How the lock of a server was broken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Breaking {
    /// Nobody had it.
    Free,
    /// Its holder had not begun to change anything, and will not.
    Idle,
    /// What its holder was doing has ended or was taken back, by the holder itself.
    Ended,
    /// What its holder was doing was killed and rolled back.
    Killed,
    /// Somebody else is breaking it, and has not come to an end.
    Busy(String),
    /// Processes that do not end have it still; nothing was changed.
    Stuck(String),
    /// What was under way could not be rolled back; the next apply tries again.
    Unrecovered(String),
}

/// Breaks the lock: what is under way has so many seconds to be taken back. `by` is what its holder is told.
pub fn breaking(grace: u64, owner: &Owner) -> Script {
    let mut script = begin();
    script.raw(FUNCTIONS);
    script.raw("break_lock ").number(grace).raw(" ");
    script.arg(&owner.text()).raw(" ").arg(&owner.to_string());
    script.raw("\n");
    script
}

/// Reads what [`breaking`] printed; `None` when it is not known how it ended.
pub fn broken<'a>(lines: impl IntoIterator<Item = &'a str>) -> Option<Breaking> {
    let mut end = None;
    for line in lines {
        let line = line.trim_end();
        let (mark, rest) = line.split_once(' ').unwrap_or((line, ""));
        let found = match (mark, rest) {
            ("@free", _) => Breaking::Free,
            ("@broken", "idle") => Breaking::Idle,
            ("@broken", "ended") => Breaking::Ended,
            ("@broken", "killed") => Breaking::Killed,
            ("@breaking", who) => Breaking::Busy(who.to_owned()),
            ("@stuck", processes) => Breaking::Stuck(processes.to_owned()),
            ("@unrecovered", id) => Breaking::Unrecovered(id.to_owned()),
            _ => continue,
        };
        end = Some(found);
    }
    end
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn ann() -> Owner {
        Owner {
            operator: "ann".to_owned(),
            host: "desk".to_owned(),
            process: 42,
            task: 12,
            command: "fleet apply --server 'a\nb'".to_owned(),
        }
    }

    #[test]
    fn what_a_lock_says_of_its_holder_is_read_back() {
        let text = ann().text();
        let mut lines = vec!["@held 1000".to_owned()];
        lines.extend(text.lines().map(|line| format!("@owner {line}")));
        lines.extend(["@owner since 940", "@sign 985", "@process 7 sh"].map(str::to_owned));
        let held = held(lines.iter().map(String::as_str)).unwrap();
        assert_eq!(
            held.who,
            "ann on desk (`fleet apply --server 'a b'`, task 12)"
        );
        assert_eq!((held.process, held.task), (Some(42), Some(12)));
        assert_eq!((held.held_s, held.sign_s), (Some(60), Some(15)));
        assert_eq!(held.expires_s(), Some(45));
        let busy = Held {
            work: vec!["12-0".to_owned()],
            ..held
        };
        assert_eq!(busy.expires_s(), None);
    }

    #[test]
    fn a_lock_that_says_nothing_is_held_all_the_same() {
        assert_eq!(held([]), None);
        let nameless = super::held(["@held 5"]).unwrap();
        assert_eq!(nameless.who, "a program that does not say who it is");
        let held = held(["@held 5", "@owner ann on desk"]).unwrap();
        assert_eq!((held.who.as_str(), held.held_s), ("ann on desk", None));
    }

    #[test]
    fn the_last_word_on_a_broken_lock_counts() {
        assert_eq!(broken(["@step x", "@broken idle"]), Some(Breaking::Idle));
        let lines = ["@step x", "@breaking bob on desk, for 5s"];
        let bob = "bob on desk, for 5s".to_owned();
        assert_eq!(broken(lines), Some(Breaking::Busy(bob)));
        let lines = ["@recovering 1-0", "@unrecovered 1-0"];
        assert_eq!(broken(lines), Some(Breaking::Unrecovered("1-0".to_owned())));
        assert_eq!(broken(["@recovering 1-0"]), None);
    }
}
