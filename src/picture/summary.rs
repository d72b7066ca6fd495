//! What the picture comes to: counts, the worst servers first, and regions.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

use super::{Picture, ServerPicture, ToDo};
use crate::model::Health;

/// How bad the state of a server is; the first is the worst.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Concern {
    Down,
    Failed,
    Degraded,
    Unknown,
    Full,
    Drifted,
    Unfinished,
    Maintenance,
    None,
    Inactive,
}

impl ServerPicture {
    fn concern(&self) -> Concern {
        if !self.active {
            return Concern::Inactive;
        }
        // Whatever is wrong with it, somebody is at it.
        if self.maintenance.is_some() {
            return Concern::Maintenance;
        }
        match self.health {
            Some(Health::Offline | Health::Error) => Concern::Down,
            _ if self.to_do.failed > 0 => Concern::Failed,
            Some(Health::Degraded) => Concern::Degraded,
            None => Concern::Unknown,
            _ if self.is_full() => Concern::Full,
            _ if !self.drift.is_empty() => Concern::Drifted,
            _ if !self.to_do.is_empty() => Concern::Unfinished,
            Some(Health::Online) => Concern::None,
        }
    }

    /// Whether it holds all that it may, or more.
    pub fn is_full(&self) -> bool {
        self.load >= self.capacity && self.capacity > 0
    }

    /// Whether somebody has to look after it.
    pub fn needs_attention(&self) -> bool {
        self.concern() < Concern::Unfinished
    }

    /// Whether nothing is wrong with it, or nobody wants to know: it is inactive, or in maintenance.
    pub fn is_well(&self) -> bool {
        !self.active || self.maintenance.is_some() || self.health == Some(Health::Online)
    }

    /// Thousandths of its capacity that are used.
    pub fn fullness(&self) -> u64 {
        self.load
            .saturating_mul(1000)
            .checked_div(self.capacity)
            .unwrap_or_default()
    }

    /// The word for how it is, `unknown` where nobody has looked, `inactive` where nobody is to.
    pub fn word(&self) -> &'static str {
        match self.health {
            _ if !self.active => "inactive",
            Some(health) => health.word(),
            None => "unknown",
        }
    }
}

/// Servers taken together.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// How many there are.
    pub servers: u64,
    /// How many of them are in each state, by [`ServerPicture::word`].
    pub health: BTreeMap<&'static str, u64>,
    /// Units that the active ones may hold.
    pub capacity: u64,
    /// Units placed on all of them.
    pub load: u64,
    /// Resources placed, counted on each server.
    pub placements: u64,
    /// What they have not followed yet.
    #[serde(flatten)]
    pub to_do: ToDo,
    /// Items that the last plans found changed by others.
    pub drift: u64,
    /// Servers that take no new resources.
    pub cordoned: u64,
    /// Servers that are being worked on.
    pub maintenance: u64,
    /// The oldest of the last looks at active servers; `None` when one of them was never looked at, too.
    pub oldest_look: Option<Timestamp>,
    /// The newest.
    pub newest_look: Option<Timestamp>,
}

/// Words of [`Summary::health`], the worst first.
pub(super) const WORDS: [&str; 6] = [
    "error", "offline", "degraded", "unknown", "online", "inactive",
];

impl Summary {
    /// These servers together.
    pub fn of<'p>(servers: impl IntoIterator<Item = &'p ServerPicture>) -> Self {
        let mut sum = Self::default();
        for server in servers {
            sum.servers += 1;
            *sum.health.entry(server.word()).or_default() += 1;
            if server.active {
                sum.capacity += server.capacity;
            }
            sum.load += server.load;
            sum.placements += server.resources;
            sum.to_do.pending += server.to_do.pending;
            sum.to_do.failed += server.to_do.failed;
            sum.to_do.removing += server.to_do.removing;
            sum.drift += server.drift.len() as u64;
            sum.maintenance += u64::from(server.maintenance.is_some());
            sum.cordoned += u64::from(server.cordoned.is_some());
            if let Some(at) = server.observed_at.filter(|_| server.active) {
                sum.oldest_look = Some(sum.oldest_look.map_or(at, |oldest| oldest.min(at)));
                sum.newest_look = Some(sum.newest_look.map_or(at, |newest| newest.max(at)));
            }
        }
        sum
    }

    /// How many are in a state.
    pub fn number(&self, word: &str) -> u64 {
        self.health.get(word).copied().unwrap_or_default()
    }

    /// `1 offline, 2 degraded, 37 online`: the worst first, without those there are none of.
    pub fn health_words(&self) -> String {
        let words: Vec<String> = self
            .states()
            .map(|(word, number)| format!("{number} {word}"))
            .collect();
        words.join(", ")
    }

    /// The states that servers are in, the worst first, with how many are.
    pub fn states(&self) -> impl Iterator<Item = (&'static str, u64)> {
        WORDS
            .into_iter()
            .map(|word| (word, self.number(word)))
            .filter(|(_, number)| *number > 0)
    }
}

/// The servers of a region.
#[derive(Clone, Debug, Serialize)]
pub struct Group<'p> {
    /// The region; `None` for servers without one.
    pub region: Option<&'p str>,
    /// They together.
    #[serde(flatten)]
    pub summary: Summary,
    /// They one by one, in order of name.
    #[serde(skip)]
    pub servers: Vec<&'p ServerPicture>,
}

impl Picture {
    /// All servers together.
    pub fn summary(&self) -> Summary {
        Summary::of(&self.servers)
    }

    /// The servers, the worst first; among equals the fullest, then by name.
    pub fn worst_first(&self) -> Vec<&ServerPicture> {
        let mut servers: Vec<&ServerPicture> = self.servers.iter().collect();
        servers.sort_by_key(|server| (server.concern(), Reverse(server.fullness()), &server.name));
        servers
    }

    /// The regions in order of name, at the end the servers without one.
    pub fn regions(&self) -> Vec<Group<'_>> {
        let mut groups: BTreeMap<(bool, Option<&str>), Vec<&ServerPicture>> = BTreeMap::new();
        for server in &self.servers {
            let region = server.region.as_deref();
            let group = groups.entry((region.is_none(), region)).or_default();
            group.push(server);
        }
        groups
            .into_iter()
            .map(|((_, region), servers)| Group {
                region,
                summary: Summary::of(servers.iter().copied()),
                servers,
            })
            .collect()
    }
}
