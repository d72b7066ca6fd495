//! A message: all that is due for a channel at one time, as a title, lines of text, and JSON. Pure.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use crate::model::notification::{Channel, Notice, Template};
use crate::model::{ServerName, Status};

/// The most lines of a message; of the rest the number is told.
const MOST_LINES: usize = 40;

/// The most that is told of the reasons of one change, in characters.
const LONGEST_REASONS: usize = 300;

/// Names that a title has at most.
const NAMED: usize = 3;

/// What is sent.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    /// The name of the channel.
    pub channel: String,
    /// What happened, in a line.
    pub title: String,
    /// The changes, one in a line.
    pub lines: Vec<String>,
    /// The gravest status of it.
    pub worst: Status,
    /// The changes, each of them.
    changes: Vec<Value>,
    /// Whether it only tries the channel.
    test: bool,
}

impl Message {
    /// The message with `notices`, which are in the order in which they happened; `None` without any.
    pub fn of(channel: &Channel, notices: &[Notice], now: Timestamp) -> Option<Self> {
        let mut by_subject: BTreeMap<(&ServerName, &str), Vec<&Notice>> = BTreeMap::new();
        for notice in notices {
            let of_subject = by_subject.entry((&notice.server, &notice.subject));
            of_subject.or_default().push(notice);
        }
        let mut stories: Vec<Story<'_>> = by_subject
            .values()
            .filter_map(|notices| Story::of(notices))
            .collect();
        // The gravest first; the names are in order already.
        stories.sort_by_key(|story| std::cmp::Reverse(story.last.after));
        let worst = stories.iter().map(|story| story.last.after).max()?;
        let mut lines: Vec<String> = stories
            .iter()
            .take(MOST_LINES)
            .map(|story| story.line(channel, now))
            .collect();
        if stories.len() > MOST_LINES {
            lines.push(format!("... and {} more", stories.len() - MOST_LINES));
        }
        Some(Self {
            channel: channel.name.clone(),
            title: title(&stories),
            lines,
            worst,
            changes: notices.iter().map(change).collect(),
            test: false,
        })
    }

    /// A message that tries the channel; `from` is the machine fleet runs on.
    pub fn test(channel: &Channel, from: &str) -> Self {
        Self {
            channel: channel.name.clone(),
            title: format!("test of {}", channel.name),
            lines: vec![format!(
                "fleet on {from} can write to `{}`: nothing has happened",
                channel.name
            )],
            worst: Status::Ok,
            changes: Vec::new(),
            test: true,
        }
    }

    /// Its lines as one text.
    pub fn text(&self) -> String {
        self.lines.join("\n")
    }

    /// `{"version": 1, "channel", "title", "text", "test", "changes": [{"id", "kind", "server", "check", "before",
    /// "after", "since", "at", "reasons"}]}`.
    pub fn json(&self) -> Value {
        json!({
            "version": 1,
            "channel": self.channel,
            "title": self.title,
            "text": self.text(),
            "test": self.test,
            "changes": self.changes,
        })
    }
}

fn change(notice: &Notice) -> Value {
    json!({
        "id": notice.id,
        "kind": if notice.reminder { "reminder" } else { notice.change().word() },
        "server": notice.server,
        "check": (!notice.subject.is_empty()).then_some(&notice.subject),
        "before": notice.before.map(Status::word),
        "after": notice.after.word(),
        "since": notice.since,
        "at": notice.at,
        "reasons": notice.reasons,
    })
}

/// What happened to one subject: what flapped is one line, and that something lasted is no change.
struct Story<'n> {
    first: &'n Notice,
    last: &'n Notice,
    changes: usize,
}

impl<'n> Story<'n> {
    fn of(notices: &[&'n Notice]) -> Option<Self> {
        let real: Vec<&Notice> = notices
            .iter()
            .copied()
            .filter(|notice| !notice.reminder)
            .collect();
        let last = real.last().or(notices.last())?;
        Some(Self {
            first: real.first().unwrap_or(last),
            last,
            changes: real.len().max(1),
        })
    }

    fn name(&self) -> String {
        let (server, check) = (&self.last.server, &self.last.subject);
        if check.is_empty() {
            server.to_string()
        } else {
            format!("{server}, {}", one_line(check))
        }
    }

    fn line(&self, channel: &Channel, now: Timestamp) -> String {
        match &channel.template {
            Some(template) => self.filled(template, channel, now),
            None => self.told(&channel.zone, now),
        }
    }

    fn filled(&self, template: &Template, channel: &Channel, now: Timestamp) -> String {
        let last = self.last;
        let filled = template.fill(|field| match field {
            "server" => last.server.to_string(),
            "subject" => one_line(&last.subject),
            "before" => last.before.map_or("well", Status::word).to_owned(),
            "after" => last.after.word().to_owned(),
            "reasons" => reasons(last),
            "since" => moment(last.since, &channel.zone, now),
            "duration" => span(last.since, now),
            _ if last.reminder => "reminder".to_owned(),
            _ => last.change().word().to_owned(),
        });
        one_line(&filled)
    }

    fn told(&self, zone: &TimeZone, now: Timestamp) -> String {
        let Self { first, last, .. } = self;
        let name = self.name();
        let status = last.after.word();
        let because = match reasons(last) {
            reasons if reasons.is_empty() => String::new(),
            reasons => format!(": {reasons}"),
        };
        let since = moment(last.since, zone, now);
        if self.changes == 1 {
            let was = last.before.zip(last.before_since);
            return match was {
                _ if last.reminder => {
                    let lasts = span(last.since, now);
                    format!("{name}: still {status}, for {lasts}{because}")
                }
                Some((before, began)) if last.after.is_well() => {
                    let lasted = span(began, last.since);
                    format!(
                        "{name}: {status} again since {since}, was {} for {lasted}",
                        before.word()
                    )
                }
                Some((before, _)) => {
                    format!(
                        "{name}: {status} since {since}, was {}{because}",
                        before.word()
                    )
                }
                None => format!("{name}: {status} since {since}{because}"),
            };
        }
        if self.changes == 2 && first.before.is_none() && last.after.is_well() {
            let (was, began) = (first.after.word(), moment(first.since, zone, now));
            let because = match reasons(first) {
                reasons if reasons.is_empty() => String::new(),
                reasons => format!(" ({reasons})"),
            };
            return format!("{name}: {status} again, was {was} from {began} to {since}{because}");
        }
        let began = moment(first.since, zone, now);
        let times = self.changes;
        format!("{name}: {status} since {since}, after {times} changes since {began}{because}")
    }
}

/// `sg-1 offline`; `3 offline, 1 recovered: sg-1, sg-2, sg-3, ...`.
fn title(stories: &[Story<'_>]) -> String {
    if let [story] = stories {
        let still = if story.last.reminder { "still " } else { "" };
        return format!("{} {still}{}", story.name(), story.last.after.word());
    }
    let mut counts: Vec<(&str, usize)> = Vec::new();
    for story in stories {
        let word = match story.last.after {
            status if status.is_well() => "recovered",
            status => status.word(),
        };
        match counts.iter_mut().find(|(known, _)| *known == word) {
            Some((_, count)) => *count += 1,
            None => counts.push((word, 1)),
        }
    }
    let counts: Vec<String> = counts
        .iter()
        .map(|(word, n)| format!("{n} {word}"))
        .collect();
    let mut names: Vec<String> = stories.iter().take(NAMED).map(Story::name).collect();
    if stories.len() > NAMED {
        names.push("...".to_owned());
    }
    format!("{}: {}", counts.join(", "), names.join(", "))
}

fn reasons(notice: &Notice) -> String {
    let all = one_line(&notice.reasons.join("; "));
    cropped(&all, LONGEST_REASONS)
}

/// `text` with at most `most` characters.
pub(super) fn cropped(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    text.chars().take(most - 1).chain(['…']).collect()
}

/// `text` without line breaks and other control characters: reasons hold what servers say.
fn one_line(text: &str) -> String {
    let tamed = |c: char| if c.is_control() { ' ' } else { c };
    text.chars().map(tamed).collect()
}

/// `22:05`, and with the day when it was not within the last 12 hours: `2026-11-20 22:05`; with the zone, but for UTC's.
fn moment(at: Timestamp, zone: &TimeZone, now: Timestamp) -> String {
    let near = now.duration_since(at).unsigned_abs().as_secs() < 12 * 3600;
    let format = if near {
        "%H:%M %Z"
    } else {
        "%Y-%m-%d %H:%M %Z"
    };
    at.to_zoned(zone.clone()).strftime(format).to_string()
}

/// `45 s`, `12 min`, `3 h 5 min`, `2 d 4 h`.
fn span(from: Timestamp, to: Timestamp) -> String {
    let seconds = to.duration_since(from).as_secs().max(0);
    let (days, hours, minutes) = (seconds / 86400, seconds / 3600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, _) => format!("{minutes} min"),
        (0, _, 0) => format!("{hours} h"),
        (0, ..) => format!("{hours} h {minutes} min"),
        (_, 0, _) => format!("{days} d"),
        _ => format!("{days} d {hours} h"),
    }
}

#[cfg(test)]
pub(super) mod tests {
    #![allow(clippy::unwrap_used)]

    use std::time::Duration;

    use super::*;
    use crate::model::Selector;
    use crate::model::notification::{Change, Way};

    pub(in crate::notify) fn channel() -> Channel {
        Channel {
            name: "ops".to_owned(),
            way: Way::Command {
                argv: vec!["/bin/true".to_owned()],
            },
            on: Change::ALL.into(),
            servers: Selector::default(),
            template: None,
            quiet: None,
            zone: TimeZone::UTC,
            repeat: None,
            at_most_every: Duration::ZERO,
            give_up_after: Duration::from_secs(259_200),
        }
    }

    pub(in crate::notify) fn notice(server: &str, before: Option<Status>, after: Status) -> Notice {
        Notice {
            id: 7,
            channel: "ops".to_owned(),
            at: at("10:00"),
            reminder: false,
            server: server.parse().unwrap(),
            subject: String::new(),
            before,
            before_since: before.map(|_| at("09:00")),
            after,
            since: at("09:58"),
            reasons: if after.is_well() {
                Vec::new()
            } else {
                vec!["no\nroute".to_owned(), "x".to_owned()]
            },
            attempts: 0,
        }
    }

    fn at(time: &str) -> Timestamp {
        format!("2026-01-10T{time}:00Z").parse().unwrap()
    }

    fn told(notices: &[Notice]) -> (String, Vec<String>) {
        let message = Message::of(&channel(), notices, at("10:00")).unwrap();
        (message.title, message.lines)
    }

    #[test]
    fn one_change_is_one_line() {
        let offline = notice("sg-1", None, Status::Offline);
        let online = notice("sg-1", Some(Status::Offline), Status::Online);
        let better = notice("sg-1", Some(Status::Offline), Status::Degraded);
        let mut still = notice("sg-1", Some(Status::Offline), Status::Offline);
        (still.reminder, still.since) = (true, at("05:55"));
        let mut check = notice("sg-1", None, Status::Bad);
        check.subject = "http of site example.com".to_owned();
        for (notice, title, line) in [
            (
                offline,
                "sg-1 offline",
                "sg-1: offline since 09:58 UTC: no route; x",
            ),
            (
                online,
                "sg-1 online",
                "sg-1: online again since 09:58 UTC, was offline for 58 min",
            ),
            (
                better,
                "sg-1 degraded",
                "sg-1: degraded since 09:58 UTC, was offline: no route; x",
            ),
            (
                still,
                "sg-1 still offline",
                "sg-1: still offline, for 4 h 5 min: no route; x",
            ),
            (
                check,
                "sg-1, http of site example.com bad",
                "sg-1, http of site example.com: bad since 09:58 UTC: no route; x",
            ),
        ] {
            assert_eq!(told(&[notice]), (title.to_owned(), vec![line.to_owned()]));
        }
    }

    #[test]
    fn what_happened_meanwhile_is_one_line_for_each_subject() {
        let mut began = notice("sg-1", None, Status::Offline);
        began.since = at("02:10");
        let mut ended = notice("sg-1", Some(Status::Offline), Status::Online);
        ended.since = at("02:14");
        let (title, lines) = told(&[began.clone(), ended.clone()]);
        assert_eq!(title, "sg-1 online");
        assert_eq!(
            lines,
            ["sg-1: online again, was offline from 02:10 UTC to 02:14 UTC (no route; x)"]
        );
        let mut still = notice("sg-1", Some(Status::Offline), Status::Offline);
        (still.reminder, still.since) = (true, began.since);
        let (title, lines) = told(&[began.clone(), still.clone(), still.clone()]);
        assert_eq!(title, "sg-1 offline");
        assert_eq!(lines, ["sg-1: offline since 02:10 UTC: no route; x"]);
        let (title, lines) = told(&[still.clone(), still]);
        assert_eq!(title, "sg-1 still offline");
        assert_eq!(lines, ["sg-1: still offline, for 7 h 50 min: no route; x"]);
        let (_, lines) = told(&[began.clone(), ended, began]);
        assert_eq!(
            lines,
            ["sg-1: offline since 02:10 UTC, after 3 changes since 02:10 UTC: no route; x"]
        );
    }

    #[test]
    fn many_servers_are_one_message_that_has_an_end() {
        let mut many: Vec<Notice> = (1..=99)
            .map(|n| notice(&format!("sg-{n:02}"), None, Status::Offline))
            .collect();
        many.push(notice("ad-1", Some(Status::Error), Status::Online));
        let (title, lines) = told(&many);
        assert_eq!(title, "99 offline, 1 recovered: sg-01, sg-02, sg-03, ...");
        assert_eq!(lines.len(), MOST_LINES + 1);
        assert_eq!(lines.last().unwrap(), "... and 60 more");
        let message = Message::of(&channel(), &many, at("10:00")).unwrap();
        assert_eq!(message.json()["changes"].as_array().unwrap().len(), 100);
        assert_eq!(message.worst, Status::Offline);
        assert_eq!(Message::of(&channel(), &[], at("10:00")), None);
    }

    #[test]
    fn a_template_writes_each_line() {
        let mut own = channel();
        own.zone = TimeZone::get("Europe/Berlin").unwrap();
        own.template = Some(
            Template::parse(
                "{kind} {server}{subject} {before}>{after} {since} {duration} {reasons}",
            )
            .unwrap(),
        );
        let offline = notice("sg-1", None, Status::Offline);
        let message = Message::of(&own, &[offline], at("10:00")).unwrap();
        assert_eq!(
            message.lines,
            ["offline sg-1 well>offline 10:58 CET 2 min no route; x"]
        );
    }

    #[test]
    fn json_has_every_change() {
        let offline = notice("sg-1", None, Status::Offline);
        let message = Message::of(&channel(), &[offline], at("10:00")).unwrap();
        assert_eq!(
            message.json(),
            json!({
                "version": 1,
                "channel": "ops",
                "title": "sg-1 offline",
                "text": "sg-1: offline since 09:58 UTC: no route; x",
                "test": false,
                "changes": [{
                    "id": 7,
                    "kind": "offline",
                    "server": "sg-1",
                    "check": null,
                    "before": null,
                    "after": "offline",
                    "since": "2026-01-10T09:58:00Z",
                    "at": "2026-01-10T10:00:00Z",
                    "reasons": ["no\nroute", "x"],
                }],
            })
        );
    }

    #[test]
    fn times_have_a_day_when_it_matters() {
        let now = at("10:00");
        let then = "2026-01-09T10:00:00Z".parse().unwrap();
        assert_eq!(moment(then, &TimeZone::UTC, now), "2026-01-09 10:00 UTC");
        for (to, shown) in [
            ("10:00:45", "45 s"),
            ("10:12:30", "12 min"),
            ("13:00:00", "3 h"),
            ("13:05:00", "3 h 5 min"),
        ] {
            let to: Timestamp = format!("2026-01-10T{to}Z").parse().unwrap();
            assert_eq!(span(now, to), shown);
        }
        assert_eq!(span(then, now), "1 d");
        assert_eq!(span(now, then), "0 s");
    }
}
