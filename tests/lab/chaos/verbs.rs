//! Who acts in the chaos: each with resources of its own, so that what it was told can be compared with what is.

use std::process::Command;

use serde_json::Value;

use super::truth::Truth;
use crate::chance::Chance;
use crate::world::World;

/// What an actor knows of its resource, by what it was told with exit code 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Known {
    /// It may be anything: a command failed or was killed.
    Unknown,
    There,
    Suspended,
    Gone,
}

/// What it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verb {
    Add,
    Set,
    Suspend,
    Resume,
    Remove,
    Undo,
    Apply,
    Look,
}

/// A command that was drawn.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Doing {
    verb: Verb,
    number: u64,
}

/// One of those who work at the same time. It has one resource of one kind.
pub(crate) struct Actor {
    pub(crate) kind: &'static str,
    pub(crate) name: String,
    server: String,
    /// What it means to have, for what it does next: the same whatever becomes of it.
    intended: Known,
    known: Known,
    before: Known,
    /// Its last task that changed something, and ended well.
    task: Option<i64>,
}

impl Actor {
    pub(crate) fn new(number: usize, servers: &[&str]) -> Self {
        let (first, last) = (servers[0], servers[servers.len() - 1]);
        let any = servers[number % servers.len()];
        let (kind, name, server) = match number {
            0..3 => ("site", format!("s{number}.example"), any),
            3..5 => ("zone", format!("z{number}.example"), last),
            5..7 => ("database", format!("d{number}"), first),
            7..9 => ("cron", format!("c{number}"), any),
            _ => ("rule", format!("r{number}"), any),
        };
        Self {
            kind,
            name,
            server: server.to_owned(),
            intended: Known::Gone,
            known: Known::Gone,
            before: Known::Gone,
            task: None,
        }
    }

    /// What it does next.
    pub(crate) fn draw(&mut self, chance: &mut Chance) -> Doing {
        let (dice, number) = (chance.below(100), chance.below(50));
        let verb = match (self.intended, dice) {
            (_, 0..6) => Verb::Apply,
            (_, 6..10) => Verb::Look,
            (Known::There | Known::Suspended, 10..18) => Verb::Undo,
            (Known::Gone | Known::Unknown, _) => Verb::Add,
            (Known::There, 18..55) => Verb::Set,
            (Known::There, 55..75) => Verb::Suspend,
            (Known::Suspended, 18..70) => Verb::Resume,
            _ => Verb::Remove,
        };
        self.intended = match verb {
            Verb::Add | Verb::Resume => Known::There,
            Verb::Suspend => Known::Suspended,
            Verb::Remove => Known::Gone,
            // It adds again what may be there, which is refused then.
            Verb::Undo => Known::Unknown,
            _ => self.intended,
        };
        Doing { verb, number }
    }

    /// Takes in how a command ended.
    pub(crate) fn learn(&mut self, doing: &Doing, code: i32, value: &Value) {
        let after = match doing.verb {
            Verb::Apply | Verb::Look => return,
            Verb::Add | Verb::Resume => Known::There,
            Verb::Suspend => Known::Suspended,
            Verb::Remove => Known::Gone,
            Verb::Set => self.known,
            Verb::Undo => self.before,
        };
        if code == 2 {
            // Refused before anything was done; without a task, an undo has nothing to do.
            return;
        }
        if code == 0 {
            self.before = self.known;
            self.known = after;
            self.task = value["task"].as_i64();
        } else {
            self.before = Known::Unknown;
            self.known = Known::Unknown;
            self.task = None;
        }
    }

    /// What it was told, against what is on record.
    pub(crate) fn wrong_in(&self, truth: &Truth) -> Option<String> {
        let found = truth.suspended(self.kind, &self.name);
        let right = match self.known {
            Known::Unknown => true,
            Known::There => found == Some(false),
            Known::Suspended => found == Some(true),
            Known::Gone => found.is_none(),
        };
        (!right).then(|| {
            format!(
                "{} {} should be {:?}, and on record it is suspended: {found:?}",
                self.kind, self.name, self.known
            )
        })
    }
}

impl Doing {
    fn words(self, actor: &Actor) -> Vec<String> {
        let Actor {
            kind, name, server, ..
        } = actor;
        let number = self.number;
        let line = match self.verb {
            Verb::Add => match *kind {
                "site" => format!("add-site {name} --server {server}"),
                "zone" => format!(
                    "add-zone {name} --server {server} --secondaries 0 --address 192.0.2.{number}"
                ),
                "database" => format!("add-database {name} --server {server}"),
                "cron" => {
                    format!("add-cron {name} --on {server} --schedule @yearly --command true")
                }
                _ => format!(
                    "add-rule {name} --allow --port {} --to-server {server}",
                    2000 + number
                ),
            },
            Verb::Set => match *kind {
                "site" => format!("set-site {name} --cache {}d", number + 1),
                "zone" => format!("add-record {name} h{number} A 192.0.2.{number}"),
                "database" => format!("add-database-user {name} u{number}"),
                "cron" => format!("set-cron {name} --timeout {}s", number + 1),
                _ => format!("set-rule {name} --port {}", 2000 + number),
            },
            Verb::Suspend => format!("suspend-{kind} {name}"),
            Verb::Resume => format!("resume-{kind} {name}"),
            Verb::Remove => format!("remove-{kind} {name} --yes"),
            Verb::Undo => format!("undo {} --yes", actor.task.unwrap_or(0)),
            Verb::Apply => "apply".to_owned(),
            Verb::Look => "health".to_owned(),
        };
        let mut words: Vec<String> = line.split(' ').map(str::to_owned).collect();
        words.push("--json".to_owned());
        if !matches!(self.verb, Verb::Look) {
            words.extend(["--confirm-timeout", "5s"].map(str::to_owned));
        }
        words
    }

    pub(crate) fn line(self, actor: &Actor) -> String {
        self.words(actor).join(" ")
    }

    pub(crate) fn command(self, world: &World, actor: &Actor) -> Command {
        let mut command = world.home.command(self.words(actor));
        // The clocks of the servers go on.
        command.env_remove("FLEET_TEST_NOW");
        command
    }
}
