//! Tests of what checks measured: kept by resource, summed up by three hours, forgotten when it is looked at no more.

use super::*;
use crate::model::check::{Aspect, Status, Subject, Unit, Vantage};
use crate::model::{Check, Patience, Sight};

fn check(site: &str, aspect: Aspect, from: Vantage) -> Check {
    let subject = Subject::resource(server("sg-1"), ResourceName::new("site", site));
    Check::new(subject, aspect, from, Status::Ok, "is well")
}

fn answer(site: &str, from: Vantage, ms: f64) -> Check {
    check(site, Aspect::Http, from).measured(ms, Unit::Milliseconds)
}

#[test]
fn what_was_measured_last_counts_and_what_is_gone_is_forgotten() {
    let (_dir, mut state) = fresh();
    let hour = jiff::SignedDuration::from_hours(1);
    let mut placed = check("a", Aspect::Certificate, Vantage::Server);
    placed.expires = Some(now() + hour * 30);
    let mut served = check("a", Aspect::Certificate, Vantage::Here);
    served.expires = Some(now() + hour * 20);
    let silent = check("c", Aspect::Http, Vantage::Server);
    let checks = [
        answer("a", Vantage::Server, 20.4),
        answer("a", Vantage::Here, 55.0),
        answer("b", Vantage::Server, 10.0),
        placed,
        served,
        silent,
    ];
    let name = server("sg-1");
    state
        .write(|write| {
            for check in &checks {
                let sight = Sight {
                    at: now(),
                    status: check.status.into(),
                    reasons: Vec::new(),
                };
                let subject = check.key.within_server();
                write.record_sight(&name, &subject, &sight, Patience::NONE)?;
            }
            write.record_measured(&name, &checks, now())
        })
        .unwrap();
    let seen: Vec<_> = state
        .read(Read::answers)
        .unwrap()
        .into_iter()
        .map(|a| {
            (
                a.resource.name.clone(),
                a.on_server_ms,
                a.from_here_ms,
                a.ms(),
            )
        })
        .collect();
    assert_eq!(
        seen,
        [
            ("a".to_owned(), Some(20), Some(55), 55),
            ("b".to_owned(), Some(10), None, 10)
        ]
    );
    let expiring = state.read(Read::expiring).unwrap();
    assert_eq!(expiring.len(), 1, "the certificate of a site is one");
    assert_eq!(expiring[0].expires, now() + hour * 20);

    // A part of the checks changes what it saw; what is no check any more has measured nothing.
    let later = [answer("b", Vantage::Server, 30.0)];
    let made = later
        .iter()
        .map(|check| check.key.within_server())
        .collect();
    for (side, sites) in [
        (None, 2),
        (Some(Vantage::Here), 2),
        (Some(Vantage::Server), 1),
    ] {
        state
            .write(|write| {
                write.record_measured(&name, &later, now())?;
                side.map_or(Ok(()), |side| {
                    write.forget_other_checks(&name, &made, side, now())
                })
            })
            .unwrap();
        assert_eq!(state.read(Read::answers).unwrap().len(), sites, "{side:?}");
    }
    assert!(state.read(Read::expiring).unwrap().is_empty());

    let parts = state.read(|read| read.answer_parts(now(), 7)).unwrap();
    assert_eq!(parts.number, 56);
    let of = |site: &str| parts.answers[&(name.clone(), ResourceName::new("site", site))][55];
    assert_eq!(
        (of("a"), of("b")),
        (Some(20), Some((10 + 30 + 30 + 30) / 4))
    );

    let next_month = now() + hour * 24 * 30;
    state
        .write(|write| write.clear_old_answers(next_month))
        .unwrap();
    let parts = state.read(|read| read.answer_parts(now(), 7)).unwrap();
    assert!(parts.answers.is_empty());
}

#[test]
fn what_is_gone_from_a_server_has_no_checks_there() {
    let (_dir, mut state) = fresh();
    let name = server("sg-1");
    let bad = Sight {
        at: now(),
        status: crate::model::Status::Bad,
        reasons: vec!["answers 500".to_owned()],
    };
    let checks = [
        answer("a", Vantage::Server, 1.0),
        answer("a", Vantage::Here, 1.0),
        answer("b", Vantage::Server, 2.0),
    ];
    state
        .write(|write| {
            let gone = add(write, "a", 1, "sg-1")?;
            add(write, "b", 1, "sg-1")?;
            write.record_measured(&name, &checks, now())?;
            for subject in checks.iter().map(|check| check.key.within_server()) {
                write.record_sight(&name, &subject, &bad, Patience::NONE)?;
            }
            write.record_sight(&name, "updates", &bad, Patience::NONE)?;
            write.remove_resource(gone, None, now())?;
            write.settle_placement(gone, &name, &PlacementResult::Removed)
        })
        .unwrap();
    let answers = state.read(Read::answers).unwrap();
    assert_eq!(answers.len(), 1);
    assert_eq!(answers[0].resource, site("b"));
    let unwell = state.read(Read::unwell_checks).unwrap();
    let subjects: Vec<&str> = unwell.iter().map(|check| check.subject.as_str()).collect();
    assert_eq!(subjects, ["http of site b", "updates"]);
}
