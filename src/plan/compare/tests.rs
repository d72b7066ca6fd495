//! Tests of the comparison: every case of an item as a table.

use super::*;
use crate::item::{Dir, File, RESTORED, Service, User, dir::OnRemove, file::Content};

fn file(content: &str) -> Item {
    Item::from(File {
        path: "/etc/a".to_owned(),
        content: Content::Text(content.to_owned()),
        mode: 0o644,
        owner: "root".to_owned(),
        group: "root".to_owned(),
        service: None,
        seed: false,
    })
}

fn site(name: &str) -> ResourceName {
    ResourceName::new("site", name)
}

fn desired(items: Vec<Item>) -> Desired {
    let mut desired = Desired::default();
    desired.add(&site("a"), items).expect("no clash");
    desired
}

fn there(items: &[&Item]) -> Facts {
    Facts {
        items: items
            .iter()
            .map(|item| (item.key(), item.wanted()))
            .collect(),
        ..Facts::default()
    }
}

fn record(item: &Item, owners: &[&str]) -> BTreeMap<Key, Applied> {
    BTreeMap::from([(
        item.key(),
        Applied {
            props: item.wanted(),
            owners: owners.iter().map(|owner| site(owner)).collect(),
            ..Applied::default()
        },
    )])
}

fn all(desired: &Desired, facts: &Facts, applied: &BTreeMap<Key, Applied>) -> ServerPlan {
    compare(desired, facts, applied, None, Mode::Respect)
}

/// What a plan says of `/etc/a`, in one word.
fn verdict(plan: &ServerPlan) -> &'static str {
    if let Some(conflict) = plan.conflicts.first() {
        if conflict.adopted {
            return "adopted";
        }
        return if conflict.edited { "edited" } else { "foreign" };
    }
    match plan.changes.first() {
        Some(change) if change.drift => "drift",
        Some(change) => change.action.word(),
        None if !plan.remember.is_empty() => "remember",
        None if !plan.forget.is_empty() => "forget",
        None => "nothing",
    }
}

#[test]
fn every_case_of_a_file() {
    let (one, two, three) = (file("1"), file("2"), file("3"));
    let want = |item: Option<&Item>| desired(item.cloned().into_iter().collect());
    let is = |item: Option<&Item>| there(&item.into_iter().collect::<Vec<_>>());
    let was = |item: Option<&Item>| item.map_or_else(BTreeMap::new, |item| record(item, &["a"]));
    let cases = [
        (Some(&one), None, None, "create"),
        (Some(&one), None, Some(&one), "drift"),
        (Some(&one), Some(&one), Some(&one), "nothing"),
        (Some(&one), Some(&one), None, "remember"),
        (Some(&one), Some(&one), Some(&two), "remember"),
        (Some(&two), Some(&one), Some(&one), "update"),
        (Some(&two), Some(&one), None, "foreign"),
        (Some(&three), Some(&two), Some(&one), "edited"),
        (Some(&one), Some(&two), Some(&one), "edited"),
        (None, Some(&one), Some(&one), "delete"),
        (None, Some(&two), Some(&one), "delete"),
        (None, None, Some(&one), "forget"),
        (None, Some(&one), None, "nothing"),
    ];
    for (wanted, fact, applied, expected) in cases {
        let plan = all(&want(wanted), &is(fact), &was(applied));
        assert_eq!(verdict(&plan), expected, "{wanted:?} {fact:?} {applied:?}");
    }
}

#[test]
fn what_a_transaction_wrote_that_nobody_recorded_is_ours() {
    let (one, two, three) = (file("1"), file("2"), file("3"));
    let mut applied = record(&one, &["a"]);
    applied.get_mut(&one.key()).expect("it").intent = Some(two.wanted());
    let plan = all(&desired(vec![three]), &there(&[&two]), &applied);
    assert_eq!(verdict(&plan), "update");
}

/// The record of `/etc/a` when only an intent to make `item` is known.
fn intent(item: &Item) -> BTreeMap<Key, Applied> {
    let mut applied = record(item, &["a"]);
    let known = applied.get_mut(&item.key()).expect("it");
    known.intent = Some(std::mem::take(&mut known.props));
    applied
}

#[test]
fn an_intent_makes_nothing_else_ours() {
    let (one, two) = (file("1"), file("2"));
    // Somebody made the file after a transaction that never ran.
    let plan = all(&desired(vec![one.clone()]), &there(&[&two]), &intent(&one));
    assert_eq!(verdict(&plan), "foreign");
    let plan = all(&desired(vec![one.clone()]), &there(&[&one]), &intent(&one));
    assert_eq!(verdict(&plan), "remember");
}

#[test]
fn what_an_intent_made_is_on_record_before_the_next_intent() {
    let (one, two, three) = (file("1"), file("2"), file("3"));
    let mut applied = record(&one, &["a"]);
    applied.get_mut(&one.key()).expect("it").intent = Some(two.wanted());
    let plan = all(&desired(vec![three]), &there(&[&two]), &applied);
    assert_eq!(plan.remember.len(), 1);
    assert_eq!(plan.remember[0].1.props, two.wanted());
    assert_eq!(plan.remember[0].1.intent, None);
}

#[test]
fn what_an_intent_made_goes_away_as_it_was_meant_to() {
    let home = Item::from(Dir {
        path: "/srv/www/a".to_owned(),
        mode: 0o750,
        owner: "root".to_owned(),
        group: "root".to_owned(),
        on_remove: OnRemove::Trash,
        service: None,
    });
    let plan = all(&desired(vec![]), &there(&[&home]), &intent(&home));
    assert_eq!(verdict(&plan), "delete");
    assert_eq!(plan.changes[0].after, home.wanted());
}

#[test]
fn what_stays_when_it_is_not_wanted_any_more_is_forgotten() {
    let service = Item::from(Service {
        unit: "nginx".to_owned(),
    });
    let plan = all(
        &desired(vec![]),
        &there(&[&service]),
        &record(&service, &["a"]),
    );
    assert_eq!(verdict(&plan), "forget");
}

#[test]
fn a_new_owner_of_what_is_left_alone_is_on_record() {
    let (one, two) = (file("1"), file("2"));
    let only = BTreeSet::from([site("a")]);
    let mut edited = record(&one, &["b"]);
    for adopted in [None, Some(two.wanted())] {
        edited.get_mut(&one.key()).expect("it").adopted = adopted;
        let plan = compare(
            &desired(vec![one.clone()]),
            &there(&[&two]),
            &edited,
            Some(&only),
            Mode::Respect,
        );
        assert!(plan.changes.is_empty());
        assert_eq!(plan.remember[0].1.owners, [site("a"), site("b")]);
    }
}

#[test]
fn force_replaces_and_adopt_takes_over_until_the_wish_changes() {
    let (one, two, three) = (file("1"), file("2"), file("3"));
    let none = BTreeMap::new();
    let by = |mode| {
        compare(
            &desired(vec![one.clone()]),
            &there(&[&two]),
            &none,
            None,
            mode,
        )
    };
    assert_eq!(verdict(&by(Mode::Force)), "update");
    let adopted: BTreeMap<_, _> = by(Mode::Adopt).remember.into_iter().collect();
    let kept = all(&desired(vec![one.clone()]), &there(&[&two]), &adopted);
    assert_eq!(verdict(&kept), "nothing");
    // It is told all the same.
    assert_eq!(kept.adopted, [(one.key(), vec![site("a")])]);
    let wished = all(&desired(vec![three.clone()]), &there(&[&two]), &adopted);
    assert_eq!(verdict(&wished), "adopted");
    assert_eq!(
        verdict(&all(&desired(vec![one]), &there(&[&three]), &adopted)),
        "edited"
    );
}

#[test]
fn a_directory_that_is_taken_over_is_made_right_at_once() {
    let home = |owner: &str| {
        Item::from(Dir {
            path: "/srv/www/a".to_owned(),
            mode: 0o751,
            owner: owner.to_owned(),
            group: "www-data".to_owned(),
            on_remove: OnRemove::Trash,
            service: None,
        })
    };
    let by = |fact: Facts, mode| {
        let wanted = desired(vec![home("root")]);
        compare(&wanted, &fact, &BTreeMap::new(), None, mode)
    };
    let found = || there(&[&home("ann")]);
    assert_eq!(verdict(&by(found(), Mode::Respect)), "foreign");
    let plan = by(found(), Mode::Adopt);
    assert_eq!(verdict(&plan), "update");
    assert!(
        plan.remember.is_empty() && plan.adopted.is_empty(),
        "{plan:?}"
    );
    // A file in its place is taken over as it is.
    let mut file = found();
    let fact = file.items.get_mut(&home("root").key()).expect("it");
    fact.insert("type".to_owned(), "file".to_owned());
    assert_eq!(verdict(&by(file, Mode::Adopt)), "remember");
}

#[test]
fn a_resource_alone_takes_nothing_from_others() {
    let one = file("1");
    let applied = record(&one, &["a", "b"]);
    let only = BTreeSet::from([site("a")]);
    let plan = compare(
        &desired(vec![]),
        &there(&[&one]),
        &applied,
        Some(&only),
        Mode::Respect,
    );
    assert!(plan.changes.is_empty());
    assert_eq!(plan.remember[0].1.owners, [site("b")]);
    let plan = compare(
        &desired(vec![one.clone()]),
        &there(&[&one]),
        &applied,
        Some(&only),
        Mode::Respect,
    );
    assert_eq!(verdict(&plan), "nothing");
}

#[test]
fn a_seed_is_written_only_with_its_directory() {
    let mut seed = file("welcome");
    if let Item::File(file) = &mut seed {
        file.seed = true;
    }
    let dir = Item::from(Dir {
        path: "/etc".to_owned(),
        mode: 0o755,
        owner: "root".to_owned(),
        group: "root".to_owned(),
        on_remove: OnRemove::Keep,
        service: None,
    });
    let wanted = desired(vec![dir.clone(), seed.clone()]);
    assert!(!keys(&wanted, &BTreeMap::new()).contains(&seed.key()));
    assert_eq!(all(&wanted, &there(&[]), &BTreeMap::new()).changes.len(), 2);
    assert_eq!(
        all(&wanted, &there(&[&dir]), &BTreeMap::new())
            .changes
            .len(),
        0
    );
}

#[test]
fn a_missing_service_blocks_its_resources_and_a_conflict_holds_its_own_back() {
    let service = Item::from(Service {
        unit: "nginx".to_owned(),
    });
    let user = Item::from(User {
        name: "w".to_owned(),
        home: "/".to_owned(),
        shell: "/bin/sh".to_owned(),
        comment: String::new(),
    });
    let facts = Facts {
        server: "sg-1".parse().ok(),
        ..there(&[])
    };
    let plan = all(
        &desired(vec![service, user.clone()]),
        &facts,
        &BTreeMap::new(),
    );
    assert_eq!(plan.blocked.len(), 1);
    let hint = plan.blocked[0].hint.as_deref();
    assert!(hint.is_some_and(|hint| hint.contains("`fleet setup-server sg-1 --role web`")));
    assert!(plan.ready().is_empty());
    let plan = all(
        &desired(vec![file("1"), user]),
        &there(&[&file("2")]),
        &BTreeMap::new(),
    );
    assert_eq!(plan.held().len(), 1);
    assert!(plan.ready().is_empty());
}

#[test]
fn after_going_back_to_a_backup_what_differs_is_a_conflict() {
    let (one, two, three) = (file("1"), file("2"), file("3"));
    let restored = |item: &Item, props: Props| {
        let mut known = record(item, &["a"]);
        for applied in known.values_mut() {
            applied.props = props.clone();
            applied.props.insert(RESTORED.to_owned(), "yes".to_owned());
        }
        known
    };
    let cases = [
        // As it was, as it should be by now, and as a forgotten fleet made it.
        (&one, &one, "remember"),
        (&two, &one, "update"),
        (&one, &three, "edited"),
    ];
    for (want, is, expected) in cases {
        let plan = all(
            &desired(vec![want.clone()]),
            &there(&[is]),
            &restored(&one, one.wanted()),
        );
        assert_eq!(verdict(&plan), expected);
    }
    let plan = all(
        &desired(vec![one.clone()]),
        &Facts::default(),
        &restored(&one, one.wanted()),
    );
    assert_eq!(verdict(&plan), "drift", "what is gone is made again");

    // Also what fleet otherwise mends by itself: accounts of databases, and what of a zone are no records.
    let mut other = one.wanted();
    other.insert("mode".to_owned(), "0600".to_owned());
    let facts = Facts {
        items: BTreeMap::from([(one.key(), other)]),
        ..Facts::default()
    };
    let plan = all(&desired(vec![one.clone()]), &facts, &record(&one, &["a"]));
    assert_eq!(verdict(&plan), "drift");
    let known = restored(&one, one.wanted());
    let plan = all(&desired(vec![one.clone()]), &facts, &known);
    assert_eq!(verdict(&plan), "edited");
    let forced = compare(
        &desired(vec![one.clone()]),
        &facts,
        &known,
        None,
        Mode::Force,
    );
    assert_eq!(verdict(&forced), "drift");
}

#[test]
fn rules_that_another_fleet_loaded_are_a_conflict_and_an_edit_is_a_drift() {
    use crate::item::{Ruleset, ruleset};
    let item = |banned: &[&str]| {
        let banned = banned
            .iter()
            .map(|net| (net.parse().expect("a network"), None));
        Item::from(Ruleset {
            base: Some(ruleset::Base {
                banned: banned.collect(),
                ..ruleset::Base::default()
            }),
            ..Ruleset::default()
        })
    };
    let (ours, newer) = (item(&[]), item(&["192.0.2.0/24"]));
    let mut facts = there(&[&newer]);
    for known in [BTreeMap::new(), record(&ours, &["a"])] {
        let plan = all(&desired(vec![ours.clone()]), &facts, &known);
        assert_eq!(plan.conflicts.len(), 1, "{plan:?}");
    }
    // Also where the firewall is not to be enabled at all, as far as this state knows.
    let off = Item::from(Ruleset::default());
    let plan = all(&desired(vec![off.clone()]), &facts, &BTreeMap::new());
    assert_eq!(plan.conflicts.len(), 1, "{plan:?}");
    let plan = all(
        &desired(vec![off]),
        &there(&[&ours]),
        &record(&ours, &["a"]),
    );
    assert_eq!(verdict(&plan), "update");

    for fact in facts.items.values_mut() {
        fact.insert("rules".to_owned(), ruleset::EDITED.to_owned());
    }
    let plan = all(&desired(vec![ours.clone()]), &facts, &record(&ours, &["a"]));
    assert_eq!(verdict(&plan), "drift");
}

mod folded {
    //! The firewall, to which several contribute: who is held back when it stays as it is.

    use super::*;
    use crate::item::{Ruleset, ruleset};

    fn rule(name: &str) -> ResourceName {
        ResourceName::new("rule", name)
    }

    /// A firewall that lets in SSH from these networks alone.
    fn firewall(ssh_from: &[&str]) -> Item {
        let networks = ssh_from.iter().map(|net| net.parse().expect("a network"));
        Item::from(Ruleset {
            base: Some(ruleset::Base {
                ssh_ports: BTreeSet::from([22]),
                ssh_from: ruleset::Sources::networks(networks),
                ..ruleset::Base::default()
            }),
            ..Ruleset::default()
        })
    }

    /// The comparison of a firewall that `a` alone contributes to any more, beside `door` on record.
    fn compared(
        wanted: &Item,
        facts: &Facts,
        known: &Item,
        only: &[ResourceName],
        mode: Mode,
    ) -> ServerPlan {
        let mut applied = record(known, &["a"]);
        for known in applied.values_mut() {
            known.owners.insert(0, rule("door"));
        }
        let only: BTreeSet<ResourceName> = only.iter().cloned().collect();
        let only = Some(&only).filter(|only| !only.is_empty());
        compare(&desired(vec![wanted.clone()]), facts, &applied, only, mode)
    }

    #[test]
    fn who_leaves_is_held_back_when_the_rest_would_lock_fleet_out() {
        let (open, closed) = (
            firewall(&["192.0.2.0/24", "10.0.0.0/8"]),
            firewall(&["10.0.0.0/8"]),
        );
        let mut facts = there(&[&open]);
        facts.reached_by = Some("192.0.2.7 40000 192.0.2.1 22".to_owned());
        let blocked = |plan: &ServerPlan| {
            let names = plan.blocked.iter().map(|blocked| blocked.resource.clone());
            names.collect::<Vec<ResourceName>>()
        };
        let only = [rule("door")];
        let plan = compared(&closed, &facts, &open, &only, Mode::Respect);
        assert_eq!(blocked(&plan), only);
        assert!(plan.changes.is_empty() && plan.held().contains(&rule("door")));
        // Everybody is, where all is looked at.
        let plan = compared(&closed, &facts, &open, &[], Mode::Respect);
        assert_eq!(blocked(&plan), [rule("door"), site("a")]);
        // Also where nothing of it is in force, or on record.
        facts.items.clear();
        let plan = compared(&closed, &facts, &open, &only, Mode::Respect);
        assert_eq!(blocked(&plan), only);
        let plan = compared(&closed, &facts, &open, &[rule("gone")], Mode::Respect);
        assert_eq!(blocked(&plan), [rule("gone")]);
        let plan = compared(&closed, &facts, &open, &only, Mode::Force);
        assert_eq!((blocked(&plan), plan.changes.len()), (Vec::new(), 1));
    }

    #[test]
    fn a_conflict_holds_back_all_who_contribute_and_who_leave() {
        let (ours, newer, other) = (
            firewall(&[]),
            firewall(&["10.0.0.0/8"]),
            firewall(&["192.0.2.0/24"]),
        );
        let facts = there(&[&newer]);
        for only in [&[][..], &[rule("door")]] {
            let plan = compared(&other, &facts, &ours, only, Mode::Respect);
            assert_eq!(plan.conflicts.len(), 1, "{plan:?}");
            let held: Vec<&ResourceName> = plan.held().into_iter().collect();
            assert_eq!(held, [&rule("door"), &site("a")]);
            assert_eq!(plan.remember, [], "who leaves it stays on record");
        }
    }

    #[test]
    fn who_leaves_is_held_back_when_nobody_can_look() {
        let ours = firewall(&[]);
        let mut facts = there(&[&ours]);
        for fact in facts.items.values_mut() {
            *fact = Props::from([(UNKNOWN.to_owned(), "nft does not answer".to_owned())]);
        }
        let plan = compared(&ours, &facts, &ours, &[rule("door")], Mode::Respect);
        assert!(plan.held().contains(&rule("door")), "{plan:?}");
    }
}
