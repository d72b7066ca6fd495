//! What is to be told over a channel: the difference of what is so and what was told. Pure.
//!
//! Nothing gets lost that way: not what another command than a sweep saw, not what happened during maintenance and is
//! still so after it, not what is wrong already when a channel is added.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::model::notification::{Change, Channel, Notice, Told};
use crate::model::{Server, ServerName, Standing};

/// Who has a status: a server, and the check on it.
type Name = (ServerName, String);

/// What came of comparing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct News {
    /// What is to be told; the numbers are given when it is stored.
    pub notices: Vec<Notice>,
    /// What counts as told from now on; `None` where there is nothing to remember.
    pub told: Vec<(Name, Option<Told>)>,
}

/// What is to be told over `channel`. `subjects` are all that are not well, and those that are in `told`; one that is
/// there no more is forgotten. Nothing is said of servers in `maintenance`, now; `servers` are those of the inventory.
/// What got worse unnoticed and is better by the last look waits for what is confirmed next.
pub fn compare(
    channel: &Channel,
    subjects: &BTreeMap<Name, Standing>,
    told: &BTreeMap<Name, Told>,
    servers: &BTreeMap<ServerName, Server>,
    maintenance: &BTreeSet<ServerName>,
    now: Timestamp,
) -> News {
    let mut news = News::default();
    for (name, before) in told {
        if !subjects.contains_key(name) || !is_for(channel, servers, &name.0) {
            news.told.push((name.clone(), None));
        } else if let Some(subject) = subjects.get(name)
            && !maintenance.contains(&name.0)
        {
            again(channel, name, subject, before, now, &mut news);
        }
    }
    for (name, subject) in subjects {
        let first = !told.contains_key(name) && !subject.status.is_well();
        if first
            && !subject.is_easing()
            && is_for(channel, servers, &name.0)
            && !maintenance.contains(&name.0)
        {
            let change = Change::to(subject.status);
            if channel.on.contains(&change) {
                tell(channel, name, subject, None, now, &mut news);
            }
        }
    }
    news
}

fn is_for(channel: &Channel, servers: &BTreeMap<ServerName, Server>, server: &ServerName) -> bool {
    // Nobody looks at one that is not active.
    servers
        .get(server)
        .filter(|server| server.active)
        .is_some_and(|server| channel.servers.is_all() || channel.servers.holds(server))
}

/// What there is to say of what something was said of before.
fn again(
    channel: &Channel,
    name: &Name,
    subject: &Standing,
    before: &Told,
    now: Timestamp,
    news: &mut News,
) {
    if subject.status == before.status {
        let due = channel
            .repeat
            .is_some_and(|repeat| now.duration_since(before.at).unsigned_abs() >= repeat);
        if due && now >= before.at {
            tell(channel, name, subject, Some(before), now, news);
        }
        return;
    }
    let change = Change::to(subject.status);
    let better = subject.status < before.status;
    if !better && subject.is_easing() {
        return;
    }
    if channel.on.contains(&change) || (better && channel.on.contains(&Change::Recovery)) {
        tell(channel, name, subject, Some(before), now, news);
    } else if better {
        // Not to be told; but should it come back, it is news.
        news.told.push((name.clone(), None));
    }
}

fn tell(
    channel: &Channel,
    name: &Name,
    subject: &Standing,
    before: Option<&Told>,
    now: Timestamp,
    news: &mut News,
) {
    news.notices.push(Notice {
        id: 0,
        channel: channel.name.clone(),
        at: now,
        reminder: before.is_some_and(|before| before.status == subject.status),
        server: name.0.clone(),
        subject: name.1.clone(),
        before: before.map(|before| before.status),
        before_since: before.map(|before| before.since),
        after: subject.status,
        since: subject.since,
        reasons: subject.reasons.clone(),
        attempts: 0,
    });
    let told = (!subject.status.is_well()).then_some(Told {
        status: subject.status,
        since: subject.since,
        at: now,
    });
    news.told.push((name.clone(), told));
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::time::Duration;

    use super::*;
    use crate::inventory::Inventory;
    use crate::model::{Selector, Status};
    use crate::notify::message::tests::channel;

    fn servers() -> BTreeMap<ServerName, Server> {
        let text = "[servers.sg-1]\naddress = 'a'\n[servers.sg-2]\naddress = 'b'\n";
        let inventory = Inventory::parse("i".as_ref(), text, None).unwrap();
        inventory.servers
    }

    fn name(server: &str) -> Name {
        (server.parse().unwrap(), String::new())
    }

    fn minute(minute: i64) -> Timestamp {
        Timestamp::from_second(1_770_000_000 + 60 * minute).unwrap()
    }

    /// Compares again and again, as sweeps do: one status for each minute, `-` for maintenance; after `~` what was seen
    /// that is not confirmed yet.
    fn swept(channel: &Channel, statuses: &[&str]) -> Vec<String> {
        let mut told = BTreeMap::new();
        let mut said = Vec::new();
        let mut since = minute(0);
        let mut last = "";
        for (now, word) in (0..).map(minute).zip(statuses) {
            let (word, maintenance) = match word.strip_prefix('-') {
                Some(word) => (word, [name("sg-1").0].into()),
                None => (*word, BTreeSet::new()),
            };
            let (word, seen) = word.split_once('~').unwrap_or((word, word));
            if word != last {
                (since, last) = (now, word);
            }
            let subject = Status::of_word(word).map(|status| Standing {
                status,
                since,
                reasons: Vec::new(),
                seen: Status::of_word(seen).unwrap(),
                seen_at: now,
                turning: None,
                told: None,
            });
            let subjects = subject.into_iter().map(|s| (name("sg-1"), s)).collect();
            let news = compare(channel, &subjects, &told, &servers(), &maintenance, now);
            for notice in &news.notices {
                let before = notice.before.map_or("", Status::word);
                let mark = if notice.reminder { " still" } else { "" };
                said.push(format!("{before}>{}{mark}", notice.after.word()));
            }
            for (name, remembered) in news.told {
                match remembered {
                    Some(one) => told.insert(name, one),
                    None => told.remove(&name),
                };
            }
        }
        said
    }

    #[test]
    fn a_change_is_told_once() {
        let all = channel();
        for (statuses, said) in [
            (&["online", "online"][..], &[][..]),
            (
                &["online", "offline", "offline", "online", "online"],
                &[">offline", "offline>online"],
            ),
            (&["degraded"], &[">degraded"]),
            (
                &["offline", "error", "degraded", "online"],
                &[
                    ">offline",
                    "offline>error",
                    "error>degraded",
                    "degraded>online",
                ],
            ),
            // It is no longer looked at.
            (&["offline", "", "offline"], &[">offline", ">offline"]),
        ] {
            assert_eq!(swept(&all, statuses), said, "{statuses:?}");
        }
    }

    #[test]
    fn a_channel_gets_what_it_is_for() {
        let mut grave = channel();
        grave.on = [Change::Offline, Change::Recovery].into();
        for (statuses, said) in [
            (&["degraded", "online"][..], &[][..]),
            (
                &["degraded", "offline", "degraded", "online"],
                &[">offline", "offline>degraded", "degraded>online"],
            ),
            (&["offline", "error", "offline"], &[">offline"]),
        ] {
            assert_eq!(swept(&grave, statuses), said, "{statuses:?}");
        }
        grave.on = [Change::Offline].into();
        assert_eq!(
            swept(
                &grave,
                &["offline", "online", "offline", "degraded", "offline"]
            ),
            [">offline", ">offline", ">offline"]
        );
        grave.servers = Selector::parse(&["sg-2".to_owned()]).unwrap();
        assert!(swept(&grave, &["offline", "online"]).is_empty());

        // Who is not active is not looked at any more: what was told of it is over.
        let subject = Standing {
            status: Status::Offline,
            since: minute(0),
            reasons: Vec::new(),
            seen: Status::Offline,
            seen_at: minute(0),
            turning: None,
            told: None,
        };
        let told = Told {
            status: Status::Offline,
            since: minute(0),
            at: minute(0),
        };
        let mut often = channel();
        often.repeat = Some(Duration::from_secs(60));
        let mut servers = servers();
        for (active, notices) in [(true, 1), (false, 0)] {
            if let Some(server) = servers.get_mut(&name("sg-1").0) {
                server.active = active;
            }
            let subjects = [(name("sg-1"), subject.clone())].into();
            let told = [(name("sg-1"), told.clone())].into();
            let nobody = BTreeSet::new();
            let news = compare(&often, &subjects, &told, &servers, &nobody, minute(9));
            assert_eq!(news.notices.len(), notices, "active: {active}");
            assert_eq!(news.told[0].1.is_some(), active);
        }
    }

    #[test]
    fn maintenance_is_silent_and_what_is_left_of_it_is_told() {
        let all = channel();
        for (statuses, said) in [
            (&["online", "-offline", "-online", "online"][..], &[][..]),
            (&["online", "-offline", "offline"], &[">offline"]),
            // It is over, but not confirmed yet.
            (&["-offline", "offline~online", "online"], &[]),
            (&["-offline", "offline~online", "offline"], &[">offline"]),
            (
                &["degraded", "-offline", "offline~online", "online"],
                &[">degraded", "degraded>online"],
            ),
            (
                &["offline", "-online", "-online", "online"],
                &[">offline", "offline>online"],
            ),
        ] {
            assert_eq!(swept(&all, statuses), said, "{statuses:?}");
        }
    }

    #[test]
    fn what_lasts_is_told_again() {
        let mut often = channel();
        often.repeat = Some(Duration::from_secs(120));
        assert_eq!(
            swept(&often, &["offline"; 6]),
            [">offline", "offline>offline still", "offline>offline still"]
        );
        assert_eq!(swept(&often, &["online"; 6]), Vec::<String>::new());
    }
}
