//! Tests of what is remembered of servers, and of tasks.

use super::*;
use crate::model::health::ServerFacts;
use crate::model::{Health, Observation, Patience, TaskOutcome};

const GAP: std::time::Duration = std::time::Duration::from_secs(900);

fn look(at: &str, health: Health, facts: Option<ServerFacts>) -> Observation {
    Observation {
        at: at.parse().unwrap(),
        health,
        reasons: vec!["because".to_owned()],
        facts,
    }
}

#[test]
fn the_last_look_is_kept_and_what_was_said_before_too() {
    let (_dir, mut state) = fresh();
    let on = server("sg-1");
    let only = BTreeSet::from([on.clone(), server("never-seen")]);
    let facts = ServerFacts {
        php: vec!["8.2".to_owned()],
        ..ServerFacts::default()
    };
    let online = look("2026-01-01T00:00:00Z", Health::Online, Some(facts.clone()));
    state
        .write(|write| write.record_observation(&on, &online, Patience::NONE, GAP))
        .unwrap();
    let seen = state.read(|read| read.observations(&only)).unwrap();
    assert_eq!(seen, BTreeMap::from([(on.clone(), online)]));
    let offline = look("2026-01-02T00:00:00Z", Health::Offline, None);
    state
        .write(|write| write.record_observation(&on, &offline, Patience::NONE, GAP))
        .unwrap();
    // The last look says nothing of PHP, and what it has is still known.
    let seen = state.read(|read| read.observations(&only)).unwrap();
    assert_eq!(seen, BTreeMap::from([(on.clone(), offline.clone())]));
    let known = state.read(|read| read.facts(&only)).unwrap();
    assert_eq!(known, BTreeMap::from([(on.clone(), facts)]));
    let record = state.read(Read::servers).unwrap().remove(&on).unwrap();
    assert_eq!(record.health, Some(Health::Offline));
    assert_eq!(record.observed_at, Some(offline.at));
}

#[test]
fn a_cordon_keeps_its_time_and_ends_once() {
    let (_dir, mut state) = fresh();
    let on = server("sg-1");
    let later = "2026-12-01T00:00:00Z".parse().unwrap();
    state
        .write(|write| {
            assert!(write.cordon(&on, "disk", now())?);
            assert!(!write.cordon(&on, "new disk", later)?);
            Ok::<_, Diagnostic>(())
        })
        .unwrap();
    let record = state.read(Read::servers).unwrap().remove(&on).unwrap();
    let expected = Cordon {
        at: now(),
        reason: "new disk".to_owned(),
    };
    assert_eq!(record.cordon, Some(expected));
    state
        .write(|write| {
            assert!(write.uncordon(&on)?);
            assert!(!write.uncordon(&on)?);
            assert!(!write.uncordon(&server("never-seen"))?);
            // Within the same millisecond it is a new one all the same.
            assert!(write.cordon(&on, "", now())?);
            Ok::<_, Diagnostic>(())
        })
        .unwrap();
}

#[test]
fn keys_are_remembered_and_a_server_can_be_forgotten() {
    let (_dir, mut state) = fresh();
    let on = server("sg-1");
    state
        .write(|write| {
            write.remember_identity(&on, "SHA256:a")?;
            write.remember_host_key(&on, "SHA256:b")?;
            write.remember_identity(&on, "SHA256:c")?;
            let wanted = props(&[("mode", "0644")]);
            write.record_intent(&on, [(&key("file /a"), &wanted, &[][..])], None, now())
        })
        .unwrap();
    let record = state.read(Read::servers).unwrap().remove(&on).unwrap();
    assert_eq!(record.identity.as_deref(), Some("SHA256:c"));
    assert_eq!(record.host_key.as_deref(), Some("SHA256:b"));
    state.write(|write| write.forget_server(&on)).unwrap();
    assert!(state.read(Read::servers).unwrap().is_empty());
    assert!(state.read(|read| read.applied_on(&on)).unwrap().is_empty());
}

#[test]
fn a_task_is_told_from_begin_to_end() {
    let (_dir, mut state) = fresh();
    let arguments = ["example.com".to_owned(), "--password=********".to_owned()];
    let new = NewTask {
        command: "add-site",
        arguments: &arguments,
        operator: "alice",
        host: "desk",
        process: 42,
    };
    let outcome = |name: &str, status: &str| TaskOutcome {
        server: server(name),
        status: status.to_owned(),
        duration_ms: 120,
        reason: (status == "failed").then(|| "nginx -t failed".to_owned()),
        changes: vec!["create file /etc/nginx/x".to_owned()],
    };
    // In the order they arrive, also twice for one server.
    let outcomes = [
        outcome("sg-2", "changed"),
        outcome("sg-1", "failed"),
        outcome("sg-2", "unchanged"),
    ];
    let (first, killed) = state
        .write(|write| {
            let first = write.begin_task(&new, now())?;
            let killed = write.begin_task(&new, now())?;
            for outcome in &outcomes {
                write.record_task_outcome(first, outcome)?;
            }
            write.record_task_outcome(killed, &outcomes[0])?;
            write.end_task(first, 3, now())?;
            Ok::<_, Diagnostic>((first, killed))
        })
        .unwrap();
    let task = state.read(|read| read.task(first)).unwrap().unwrap();
    assert_eq!(task.command, "add-site");
    assert_eq!(task.arguments, arguments);
    assert_eq!(
        (task.operator.as_str(), task.host.as_str()),
        ("alice", "desk")
    );
    assert_eq!((task.started_at, task.ended_at), (now(), Some(now())));
    assert_eq!(task.exit_code, Some(3));
    assert_eq!(task.outcomes, outcomes);
    let newest_first = state.read(|read| read.tasks(10)).unwrap();
    assert_eq!(newest_first.len(), 2);
    assert_eq!(newest_first[1], task);
    assert_eq!(newest_first[0].id, killed);
    assert_eq!(newest_first[0].ended_at, None);
    assert_eq!(newest_first[0].exit_code, None);
    assert_eq!(newest_first[0].outcomes, outcomes[..1]);
    assert_eq!(state.read(|read| read.tasks(1)).unwrap().len(), 1);
    assert_eq!(state.read(|read| read.task(99)).unwrap(), None);
}
