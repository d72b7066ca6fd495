//! What is recorded of a server, by what became of it.

#![allow(clippy::unwrap_used)]

use super::*;
use crate::item::Props;
use crate::plan::Change;

/// The report on a server where one file was to change that an earlier transaction had made.
fn report(outcome: Outcome, sent: bool) -> ServerReport {
    let of = |hash: &str| Props::from([("sha256".to_owned(), hash.to_owned())]);
    let change = Change {
        key: "file /etc/a".parse().unwrap(),
        action: Action::Update,
        before: Some(of("1")),
        after: of("2"),
        item: Some(crate::item::Item::from(crate::item::Service {
            unit: "nginx".to_owned(),
        })),
        owners: vec![ResourceName::new("site", "a.example")],
        drift: false,
    };
    let made = Applied {
        props: of("1"),
        ..Applied::default()
    };
    let mut report = ServerReport::new("sg-1".parse().unwrap());
    report.outcome = outcome;
    report.sent = sent;
    report.plan.remember.push((change.key.clone(), made));
    report.plan.changes.push(change);
    report
}

/// A resource of the server in the report.
fn site(name: &str) -> Arc<Resource> {
    Arc::new(Resource {
        id: 1,
        name: ResourceName::new("site", name),
        spec: serde_json::json!({}),
        weight: 1,
        suspended: false,
        generation: 1,
        created_at: jiff::Timestamp::UNIX_EPOCH,
        updated_at: jiff::Timestamp::UNIX_EPOCH,
        removed_at: None,
        placements: Vec::new(),
    })
}

#[test]
fn a_result_says_what_is_now_there() {
    let mut report = report(Outcome::Changed, true);
    report.done.push(report.plan.changes[0].key.clone());
    let text = |report: &ServerReport, resources: &[Arc<Resource>]| line(report, resources).1;
    assert_eq!(text(&report, &[]), "1 change");
    let mut resources = vec![site("a.example")];
    assert_eq!(
        text(&report, &resources),
        "site a.example is live (1 change)"
    );
    Arc::make_mut(&mut resources[0]).suspended = true;
    assert_eq!(
        text(&report, &resources),
        "site a.example is suspended (1 change)"
    );
    Arc::make_mut(&mut resources[0]).removed_at = Some(jiff::Timestamp::UNIX_EPOCH);
    assert_eq!(
        text(&report, &resources),
        "site a.example is gone (1 change)"
    );
    // One that nothing was changed for is not spoken of.
    resources.push(site("b.example"));
    assert_eq!(
        text(&report, &resources),
        "site a.example is gone (1 change)"
    );
    let names = ["b.example", "c.example", "d.example", "e.example"];
    report.plan.changes[0]
        .owners
        .extend(names.map(|name| ResourceName::new("site", name)));
    resources.extend(names[1..].iter().map(|name| site(name)));
    assert_eq!(
        text(&report, &resources),
        "1 change: site a.example, site b.example, site c.example, 2 more"
    );
}

#[test]
fn what_could_not_follow_is_told_and_stays_on_record_as_it_was() {
    let mut report = report(Outcome::Changed, true);
    report.left_out.push(Blocked {
        resource: ResourceName::new("site", "a.example"),
        reason: "the key is lost".to_owned(),
        hint: None,
    });
    let resources = [
        site("a.example"),
        Arc::new(Resource {
            id: 2,
            ..Resource::clone(&site("b.example"))
        }),
    ];
    let placements = of(&report, &resources, None).placements;
    let applied = PlacementResult::Applied { generation: 1 };
    assert_eq!(placements, [(2, applied)]);
    assert_eq!(
        left_out(&report),
        [
            "on `sg-1` site a.example cannot follow, and everything of it stays as it is: the key is lost"
        ]
    );
}

#[test]
fn what_was_removed_is_told_where_it_is() {
    let mut report = report(Outcome::Changed, true);
    let gone = |path: &str, on_remove: &str| Change {
        key: format!("dir {path}").parse().unwrap(),
        action: Action::Delete,
        after: Props::from([("_on_remove".to_owned(), on_remove.to_owned())]),
        item: None,
        ..report.plan.changes[0].clone()
    };
    report.plan.changes = vec![
        gone("/srv/www/a", "trash"),
        gone("/srv/www/a/public", "trash"),
        gone("/srv/www/a.b", "trash"),
        gone("/srv/www/keep", "if-empty"),
    ];
    report.plan.changes.sort_by(|a, b| a.key.cmp(&b.key));
    report.done = report
        .plan
        .changes
        .iter()
        .map(|change| change.key.clone())
        .collect();
    assert_eq!(
        in_trash(&report, 7),
        ["/srv/www/.fleet-trash/7/a", "/srv/www/.fleet-trash/7/a.b"]
    );
}

#[test]
fn what_was_not_tried_any_more_is_pending() {
    let resource = |name: &str| Resource {
        id: 1,
        name: ResourceName::new("site", name),
        spec: serde_json::Value::Null,
        weight: 1,
        suspended: false,
        generation: 3,
        created_at: jiff::Timestamp::UNIX_EPOCH,
        updated_at: jiff::Timestamp::UNIX_EPOCH,
        removed_at: None,
        placements: Vec::new(),
    };
    let mut report = report(Outcome::Stopped, true);
    report.untried.push(ResourceName::new("site", "b"));
    let outcome = of(
        &report,
        &[resource("a"), resource("b")].map(Arc::new),
        Some(7),
    );
    let results: Vec<&PlacementResult> = outcome.placements.iter().map(|(_, r)| r).collect();
    assert_eq!(results[0], &PlacementResult::Applied { generation: 3 });
    assert!(
        matches!(results[1], PlacementResult::Pending { .. }),
        "{results:?}"
    );
    assert!(!report.is_complete());
}

#[test]
fn what_a_server_was_away_for_waits_where_the_run_lets_it() {
    let waits = |outcome, unattended| match settled(
        &report(outcome, outcome == Outcome::Interrupted),
        &site("b.example"),
        unattended,
    ) {
        PlacementResult::Pending { away, .. } => away,
        other => panic!("{other:?}"),
    };
    let away = [Outcome::Unreachable, Outcome::Locked, Outcome::Interrupted];
    for outcome in away {
        assert_eq!(waits(outcome, Some(7)), Some(7), "{outcome:?}");
        assert_eq!(waits(outcome, None), None, "{outcome:?}");
    }
    for outcome in [Outcome::Waiting, Outcome::Stale, Outcome::Stopped] {
        assert_eq!(waits(outcome, Some(7)), None, "{outcome:?}");
    }
    // What was being changed when the connection broke is done or undone.
    let cut = report(Outcome::Interrupted, true);
    assert!(matches!(
        settled(&cut, &site("a.example"), Some(7)),
        PlacementResult::Unknown { away: Some(7), .. }
    ));
}

#[test]
fn an_intent_is_withdrawn_only_when_it_was_made_and_is_known_to_be_undone() {
    let failure = |undone| Failure {
        resource: None,
        reason: "x".to_owned(),
        hints: Vec::new(),
        details: Vec::new(),
        undone,
    };
    let undone = |undone| {
        let mut report = report(Outcome::Failed, true);
        report.failures.push(failure(undone));
        report
    };
    let cases = [
        (report(Outcome::Stopped, false), false),
        (report(Outcome::Interrupted, true), false),
        (undone(false), false),
        (undone(true), true),
    ];
    for (report, withdrawn) in cases {
        let outcome = of(&report, &[], None);
        assert_eq!(!outcome.withdrawn.is_empty(), withdrawn, "{report:?}");
        // It was recorded before the intent took its place.
        assert!(outcome.applied.is_empty(), "{report:?}");
        assert_eq!(before(&report.plan).applied.len(), 1);
    }
}

#[test]
fn what_was_there_already_is_nobodys_where_its_owner_is_refused() {
    let mut report = report(Outcome::Failed, true);
    let key = report.plan.changes[0].key.clone();
    let recorded = |report: &ServerReport| of(report, &[site("a.example")], None).applied;
    // It is on its way: not by itself.
    report.plan.changes.clear();
    report.plan.remember[0].1.owners = vec![ResourceName::new("site", "a.example")];
    assert!(recorded(&report).contains_key(&key));
    report.plan.found.insert(key.clone());
    assert!(recorded(&report).contains_key(&key));
    assert!(before(&report.plan).applied.is_empty());
    report.plan.blocked.push(Blocked {
        resource: ResourceName::new("site", "a.example"),
        reason: "no".to_owned(),
        hint: None,
    });
    assert!(!recorded(&report).contains_key(&key));
    // With another owner, who is well, it belongs to both.
    report.plan.remember[0]
        .1
        .owners
        .push(ResourceName::new("site", "b.example"));
    assert!(recorded(&report).contains_key(&key));
    // What was on record stays there.
    report.plan.remember[0].1.owners.pop();
    report.plan.found.clear();
    assert!(recorded(&report).contains_key(&key));
}
