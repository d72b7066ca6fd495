//! Tests of what is kept of looks: statuses, events, samples and uptime.

use std::time::Duration;

use super::*;
use crate::model::check::Vantage;
use crate::model::health::ServerFacts;
use crate::model::{Health, HealthEvent, Observation, Patience, Sight, Span, Status};

const GAP: Duration = Duration::from_secs(900);

const TWICE: Patience = Patience {
    fail_after: 2,
    recover_after: 2,
};

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn look(state: &mut State, name: &str, at: Timestamp, health: Health) -> Option<HealthEvent> {
    let facts = (health == Health::Online).then(|| ServerFacts {
        connect_ms: 30,
        load: [0.0, 0.5, 0.0],
        memory_total: 1000,
        memory_available: 250,
        ..ServerFacts::default()
    });
    let observation = Observation {
        at,
        health,
        reasons: match health {
            Health::Online => Vec::new(),
            _ => vec![format!("it is {}", health.word())],
        },
        facts,
    };
    let on = server(name);
    state
        .write(|write| write.record_observation(&on, &observation, TWICE, GAP))
        .unwrap()
}

fn minutes(start: Timestamp, minutes: i64) -> Timestamp {
    Timestamp::from_second(start.as_second() + 60 * minutes).unwrap()
}

#[test]
fn a_change_is_recorded_once_it_is_confirmed_with_the_event() {
    let (_dir, mut state) = fresh();
    let start = at("2026-03-01T10:00:00Z");
    let (up, down) = (Health::Online, Health::Offline);
    let seen = [up, down, down, down, up, up];
    let mut events = Vec::new();
    for (minute, health) in (0..).zip(seen) {
        events.extend(look(&mut state, "sg-1", minutes(start, minute), health));
        let standing = state
            .read(|read| read.standing(&server("sg-1"), ""))
            .unwrap();
        assert_eq!(standing.unwrap().seen, Status::from(health));
    }
    let told = |event: &HealthEvent| {
        let minute = |at: Timestamp| (at.as_second() - start.as_second()) / 60;
        (
            event.before.map(Status::word),
            event.after.word(),
            minute(event.since),
            minute(event.at),
        )
    };
    let shown: Vec<_> = events.iter().map(told).collect();
    assert_eq!(
        shown,
        [
            (Some("online"), "offline", 1, 2),
            (Some("offline"), "online", 4, 5)
        ]
    );
    assert_eq!(events[0].reasons, ["it is offline"]);
    assert_eq!(events[1].before_since, Some(minutes(start, 1)));

    let read = |filter: EventFilter<'_>| state.read(|read| read.events(&filter)).unwrap();
    assert_eq!(read(EventFilter::default()), events);
    let newest = EventFilter {
        limit: Some(1),
        ..EventFilter::default()
    };
    assert_eq!(read(newest), events[1..]);
    let after = EventFilter {
        after: Some(events[0].id),
        ..EventFilter::default()
    };
    assert_eq!(read(after), events[1..]);
    let (own, other) = (server("sg-1"), server("sg-2"));
    let of = |server| EventFilter {
        server: Some(server),
        since: Some(minutes(start, 3)),
        ..EventFilter::default()
    };
    assert_eq!(read(of(&own)), events[1..]);
    assert_eq!(read(of(&other)), []);
}

#[test]
fn what_is_confirmed_is_what_a_server_is_known_as() {
    let (_dir, mut state) = fresh();
    let start = at("2026-03-01T10:00:00Z");
    let record = |state: &State| {
        state
            .read(Read::servers)
            .unwrap()
            .remove(&server("sg-1"))
            .unwrap()
    };
    assert_eq!(look(&mut state, "sg-1", start, Health::Online), None);
    look(&mut state, "sg-1", minutes(start, 5), Health::Error);
    let known = record(&state);
    assert_eq!(known.health, Some(Health::Online));
    assert_eq!(known.observed_at, Some(minutes(start, 5)));
    let standing = known.standing.unwrap();
    assert_eq!(standing.seen, Status::Error);
    assert_eq!(standing.turning.unwrap().times, 1);
    look(&mut state, "sg-1", minutes(start, 10), Health::Error);
    assert_eq!(record(&state).health, Some(Health::Error));
    // Of one that is bad when it is seen first, an event tells.
    let event = look(&mut state, "sg-2", start, Health::Offline).unwrap();
    assert_eq!((event.before, event.before_since), (None, None));
}

#[test]
fn checks_have_a_standing_beside_their_server() {
    let (_dir, mut state) = fresh();
    let on = server("sg-1");
    look(&mut state, "sg-1", now(), Health::Online);
    let sight = |status| Sight {
        at: now(),
        status,
        reasons: vec!["404".to_owned()],
    };
    let see = |state: &mut State, subject: &str, status| {
        let sight = sight(status);
        state
            .write(|write| write.record_sight(&on, subject, &sight, TWICE))
            .unwrap()
    };
    assert_eq!(see(&mut state, "page of site a.example", Status::Ok), None);
    assert_eq!(see(&mut state, "page of site a.example", Status::Bad), None);
    let event = see(&mut state, "page of site a.example", Status::Bad).unwrap();
    assert_eq!(
        (event.subject.as_str(), event.after),
        ("page of site a.example", Status::Bad)
    );
    see(&mut state, "page of site b.example", Status::Ok);
    let all = |state: &State| -> Vec<String> {
        let found = state.read(|read| read.standings(&BTreeSet::from([on.clone()])));
        found
            .unwrap()
            .into_keys()
            .map(|(_, subject)| subject)
            .collect()
    };
    assert_eq!(
        all(&state),
        ["", "page of site a.example", "page of site b.example"]
    );
    let kept = BTreeSet::from(["page of site b.example".to_owned()]);
    see(&mut state, "page of site a.example, from here", Status::Bad);
    for (side, until) in [
        (Vantage::Server, now() - jiff::SignedDuration::from_secs(1)),
        (Vantage::Here, now() - jiff::SignedDuration::from_secs(1)),
        (Vantage::Server, now()),
    ] {
        state
            .write(|write| write.forget_other_checks(&on, &kept, side, until))
            .unwrap();
        let is_late = until == now();
        assert_eq!(all(&state).len(), if is_late { 3 } else { 4 }, "{side:?}");
    }
    assert_eq!(
        all(&state),
        [
            "",
            "page of site a.example, from here",
            "page of site b.example"
        ]
    );
    for (days, left) in [(6, 3), (8, 1)] {
        let then = now() + jiff::SignedDuration::from_hours(24 * days);
        state.write(|write| write.clear_old_checks(then)).unwrap();
        assert_eq!(all(&state).len(), left, "after {days} days");
    }
    let servers = state.read(Read::server_standings).unwrap();
    assert_eq!(servers.len(), 1);

    let told = [((on.clone(), String::new()), Status::Online)];
    state.write(|write| write.note_told(&told)).unwrap();
    look(&mut state, "sg-1", now(), Health::Offline);
    let standing = state.read(|read| read.standing(&on, "")).unwrap().unwrap();
    assert_eq!(
        standing.told,
        Some(Status::Online),
        "a look does not forget what was told"
    );
}

#[test]
fn uptime_counts_what_is_known_and_nothing_else() {
    let (_dir, mut state) = fresh();
    let start = at("2026-03-01T10:00:00Z");
    // Ten minutes up, five down, five up; then nobody looked for two hours; then five degraded.
    for (minute, health) in [
        (0, Health::Online),
        (5, Health::Online),
        (10, Health::Offline),
        (15, Health::Online),
        (20, Health::Online),
        (140, Health::Degraded),
        (145, Health::Error),
        (150, Health::Online),
    ] {
        look(&mut state, "sg-1", minutes(start, minute), health);
    }
    let now = minutes(start, 151);
    let uptime = state
        .read(|read| read.uptime(&server("sg-1"), now))
        .unwrap();
    // Of the gap the first 15 minutes; of the error nothing.
    assert_eq!(uptime.day.known_ms, (10 + 5 + 5 + 15 + 5) * 60_000);
    assert_eq!(uptime.day.up_ms, (10 + 5 + 15 + 5) * 60_000);
    assert_eq!(uptime.day, uptime.week);
    assert_eq!(uptime.day, uptime.month);
    let all = state.read(|read| read.uptimes(now)).unwrap();
    assert_eq!(all, BTreeMap::from([(server("sg-1"), uptime)]));
    // Days later it lies outside the day, then outside the week.
    for (days, day, week, month) in [(2, 0, 40, 40), (8, 0, 0, 40), (31, 0, 0, 0)] {
        let later = minutes(now, days * 24 * 60);
        let uptime = state
            .read(|read| read.uptime(&server("sg-1"), later))
            .unwrap();
        let known = [uptime.day, uptime.week, uptime.month].map(|share| share.known_ms / 60_000);
        assert_eq!(known, [day, week, month], "{days} days later");
        let all = state.read(|read| read.uptimes(later)).unwrap();
        assert_eq!(
            all.get(&server("sg-1")).copied().unwrap_or_default(),
            uptime
        );
    }
}

#[test]
fn samples_are_read_by_look_hour_and_day_and_thinned() {
    let (_dir, mut state) = fresh();
    let start = at("2026-03-01T22:30:00Z");
    for minute in 0..180 {
        let health = if minute == 100 {
            Health::Offline
        } else {
            Health::Online
        };
        look(&mut state, "sg-1", minutes(start, minute), health);
        look(&mut state, "sg-2", minutes(start, minute), Health::Online);
    }
    let on = server("sg-1");
    let read = |state: &State, span| state.read(|read| read.samples(&on, span, start)).unwrap();
    let looks = read(&state, Span::Minute);
    assert_eq!(looks.len(), 180);
    assert_eq!(looks[100].worst, Health::Offline);
    assert_eq!(looks[100].connect_ms, None);
    assert_eq!(looks[1].connect_ms, Some(30));
    assert_eq!(looks[1].memory_percent, Some(75.0));
    assert_eq!(looks[1].load, Some(0.5));

    let since = at("2026-03-01T00:00:00Z");
    let hours = state
        .read(|read| read.samples(&on, Span::Hour, since))
        .unwrap();
    let shown: Vec<_> = hours.iter().map(|hour| (hour.looks, hour.worst)).collect();
    let expected = [
        (30, Health::Online),
        (60, Health::Online),
        (60, Health::Offline),
        (30, Health::Online),
    ];
    assert_eq!(shown, expected);
    assert_eq!(
        hours[2].connect_ms,
        Some(30),
        "the mean of those that answered"
    );
    let days = state
        .read(|read| read.all_samples(Span::Day, since))
        .unwrap();
    assert_eq!(days.len(), 2);
    let of_days: Vec<_> = days[&on].iter().map(|day| day.looks).collect();
    assert_eq!(of_days, [90, 90]);
    let known: u64 = days[&on].iter().map(|day| day.share.known_ms).sum();
    assert_eq!(known, 179 * 60_000);

    // Two days later the single looks are gone, and what they measured is not.
    let uptime = |state: &State| {
        state
            .read(|read| read.uptime(&on, minutes(start, 200)))
            .unwrap()
    };
    let before = uptime(&state);
    state
        .write(|write| write.clear_old_samples(minutes(start, 2 * 24 * 60)))
        .unwrap();
    assert_eq!(read(&state, Span::Minute), []);
    assert_eq!(uptime(&state), before);
    state.write(|write| write.forget_server(&on)).unwrap();
    assert_eq!(
        state
            .read(|read| read.samples(&on, Span::Day, since))
            .unwrap(),
        []
    );
    assert_eq!(state.read(|read| read.standing(&on, "")).unwrap(), None);
}
