//! Tests of placement: the rules as cases, and as properties.

#![allow(clippy::unwrap_used)]

use proptest::prelude::*;

use super::*;

fn name(text: &str) -> ServerName {
    text.parse().unwrap()
}

fn candidate(text: &str, capacity: u32, load: u64) -> Candidate {
    let mut server = Server::new(name(text), "192.0.2.1");
    server.capacity = capacity;
    Candidate::new(&server, load, None, None)
}

fn chosen(candidates: &[Candidate], request: &Request) -> String {
    place(candidates, request).unwrap().server.to_string()
}

fn web(weight: u32) -> Request {
    Request::new(Some(Role::Web), weight)
}

/// Why the one candidate is refused, as an admin reads it.
fn refused(candidate: &Candidate, request: &Request) -> Vec<String> {
    let mut refused = place(std::slice::from_ref(candidate), request).unwrap_err();
    assert_eq!(refused.len(), 1);
    let (server, refusals) = refused.remove(0);
    assert_eq!(server, candidate.name);
    refusals.iter().map(ToString::to_string).collect()
}

#[test]
fn the_lowest_fraction_wins_not_the_lowest_load() {
    let candidates = [candidate("small", 10, 5), candidate("big", 100, 20)];
    assert_eq!(chosen(&candidates, &web(1)), "big");
}

#[test]
fn near_fractions_are_told_apart_exactly() {
    // 1431655765/4294967295 is exactly 1/3; the other is above it by less than a double can say.
    let third = candidate("third", u32::MAX, 1_431_655_765);
    let above = candidate("above", u32::MAX - 1, 1_431_655_765);
    assert_eq!(chosen(&[above, third], &web(1)), "third");
}

#[test]
fn equal_fractions_go_to_the_lower_load_then_the_first_name() {
    let candidates = [
        candidate("c", 20, 4),
        candidate("b", 10, 2),
        candidate("a", 10, 2),
    ];
    assert_eq!(chosen(&candidates, &web(1)), "a");
}

#[test]
fn priority_comes_before_load() {
    let mut preferred = candidate("z", 10, 9);
    preferred.priority = 1;
    let mut shunned = candidate("a", 10, 0);
    shunned.priority = -1;
    let candidates = [shunned, candidate("m", 10, 0), preferred];
    assert_eq!(chosen(&candidates, &web(1)), "z");
    // Full is full, whatever the priority.
    assert_eq!(chosen(&candidates, &web(2)), "m");
}

#[test]
fn exactly_full_is_allowed_and_one_more_is_not() {
    assert_eq!(chosen(&[candidate("a", 50, 47)], &web(3)), "a");
    assert_eq!(
        refused(&candidate("a", 50, 48), &web(3)),
        ["full: 48 of 50 units used, 3 wanted"]
    );
    assert_eq!(
        refused(&candidate("a", u32::MAX, u64::MAX), &web(u32::MAX)),
        ["full: 18446744073709551615 of 4294967295 units used, 4294967295 wanted"]
    );
}

#[test]
fn no_capacity_takes_nothing_but_what_weighs_nothing() {
    assert_eq!(
        refused(&candidate("a", 0, 0), &web(1)),
        ["full: 0 of 0 units used, 1 wanted"]
    );
    let candidates = [candidate("a", 0, 0), candidate("b", 10, 9)];
    assert_eq!(chosen(&candidates, &web(0)), "b");
    assert_eq!(chosen(&candidates[..1], &web(0)), "a");
}

#[test]
fn every_reason_is_told() {
    let mut bad = candidate("sg-1", 50, 50);
    bad.active = false;
    bad.cordoned = Some("disk replaced".to_owned());
    bad.maintenance = Some("noon".to_owned());
    bad.roles = [Role::Dns].into();
    bad.region = Some("singapore".to_owned());
    bad.labels = BTreeMap::from([("tier".to_owned(), "gold".to_owned())]);
    bad.health = Some(Health::Offline);
    let mut request = web(1);
    request.region = Some("jakarta".to_owned());
    request.labels = BTreeMap::from([
        ("disk".to_owned(), "nvme".to_owned()),
        ("tier".to_owned(), "silver".to_owned()),
    ]);
    assert_eq!(
        refused(&bad, &request),
        [
            "not active",
            "cordoned: disk replaced",
            "in maintenance until noon",
            "has not the role `web`",
            "region is `singapore`, not `jakarta`",
            "has no label `disk`, `nvme` wanted",
            "label `tier` is `gold`, not `silver`",
            "offline",
            "full: 50 of 50 units used, 1 wanted",
        ]
    );
    bad.region = None;
    bad.cordoned = Some(String::new());
    let refused = refused(&bad, &request);
    assert_eq!(refused[1], "cordoned");
    assert_eq!(refused[4], "has no region, `jakarta` wanted");
}

#[test]
fn health_refuses_only_what_is_known_to_be_broken() {
    for (health, taken) in [
        (None, true),
        (Some(Health::Online), true),
        (Some(Health::Degraded), true),
        (Some(Health::Offline), false),
        (Some(Health::Error), false),
    ] {
        let mut server = candidate("a", 50, 0);
        server.health = health;
        assert_eq!(place(&[server], &web(1)).is_ok(), taken, "{health:?}");
    }
}

#[test]
fn a_named_server_is_taken_or_refused_never_replaced() {
    let candidates = [candidate("a", 50, 0), candidate("b", 50, 40)];
    let mut request = web(1);
    request.only = Some(name("b"));
    assert_eq!(chosen(&candidates, &request), "b");
    request.weight = 11;
    let refused = place(&candidates, &request).unwrap_err();
    assert_eq!(
        refused,
        [(
            name("b"),
            vec![Refusal::Full {
                load: 40,
                capacity: 50,
                weight: 11
            }]
        )]
    );
    request.only = Some(name("c"));
    let refused = place(&candidates, &request).unwrap_err();
    assert_eq!(refused, [(name("c"), vec![Refusal::Unknown])]);
}

#[test]
fn force_insists_on_a_named_server_only() {
    let mut full = candidate("a", 10, 10);
    full.cordoned = Some("old".to_owned());
    full.health = Some(Health::Error);
    let mut request = web(1);
    request.force = true;
    assert!(place(std::slice::from_ref(&full), &request).is_err());
    request.only = Some(name("a"));
    let taken = place(std::slice::from_ref(&full), &request).unwrap();
    assert_eq!(taken.overridden.len(), 3);
    assert!(taken.overridden.iter().all(Refusal::yields_to_force));
    // What contradicts the inventory or the request is not a matter of insisting.
    for break_it in [
        (|c| c.active = false) as fn(&mut Candidate),
        |c| c.roles.clear(),
        |c| c.region = None,
    ] {
        let mut server = full.clone();
        server.region = Some("sg".to_owned());
        let mut request = request.clone();
        request.region = Some("sg".to_owned());
        assert!(place(std::slice::from_ref(&server), &request).is_ok());
        break_it(&mut server);
        assert!(place(&[server], &request).is_err());
    }
}

#[test]
fn explain_ranks_then_tells_why_not() {
    let mut cordoned = candidate("a", 50, 0);
    cordoned.cordoned = Some(String::new());
    let candidates = [candidate("c", 50, 10), cordoned, candidate("b", 50, 20)];
    let rows: Vec<(String, Option<usize>, usize)> = explain(&candidates, &web(1))
        .into_iter()
        .map(|e| (e.name.to_string(), e.rank, e.refusals.len()))
        .collect();
    assert_eq!(
        rows,
        [
            ("c".to_owned(), Some(1), 0),
            ("b".to_owned(), Some(2), 0),
            ("a".to_owned(), None, 1)
        ]
    );
}

fn candidates() -> impl Strategy<Value = Vec<Candidate>> {
    let health = prop_oneof![
        3 => Just(None),
        2 => Just(Some(Health::Online)),
        1 => Just(Some(Health::Degraded)),
        1 => Just(Some(Health::Offline)),
        1 => Just(Some(Health::Error)),
    ];
    let one = (
        0_u32..12,
        0_u64..12,
        -1_i32..2,
        prop::option::of(prop_oneof![Just("sg"), Just("jkt")]),
        prop::option::of(prop_oneof![Just("gold"), Just("silver")]),
        prop::bool::weighted(0.8),
        prop::bool::weighted(0.9),
        prop::option::weighted(0.1, Just(String::new())),
        health,
    );
    prop::collection::vec(one, 0..12).prop_map(|rows| {
        rows.into_iter()
            .enumerate()
            .map(
                |(index, (capacity, load, priority, region, tier, web, active, cordon, health))| {
                    let mut candidate = candidate(&format!("s{index}"), capacity, load);
                    candidate.priority = priority;
                    candidate.region = region.map(str::to_owned);
                    candidate.labels = tier
                        .map(|tier| ("tier".to_owned(), tier.to_owned()))
                        .into_iter()
                        .collect();
                    if !web {
                        candidate.roles = [Role::Dns].into();
                    }
                    candidate.active = active;
                    candidate.cordoned = cordon;
                    candidate.maintenance = (load % 7 == 3).then(|| "noon".to_owned());
                    candidate.health = health;
                    candidate
                },
            )
            .collect()
    })
}

fn requests() -> impl Strategy<Value = Request> {
    (
        0_u32..6,
        prop::option::weighted(0.3, Just("sg".to_owned())),
        prop::option::weighted(0.3, Just("gold".to_owned())),
        prop::option::weighted(0.2, 0_usize..12),
    )
        .prop_map(|(weight, region, tier, only)| Request {
            weight,
            role: Some(Role::Web),
            except: BTreeSet::new(),
            region,
            labels: tier.map(|t| ("tier".to_owned(), t)).into_iter().collect(),
            only: only.map(|index| name(&format!("s{index}"))),
            force: false,
        })
}

/// Eligibility as the issue states it, written independently of the code under test.
fn may_take(c: &Candidate, r: &Request) -> bool {
    let room = c
        .load
        .checked_add(u64::from(r.weight))
        .is_some_and(|sum| sum <= u64::from(c.capacity));
    c.active
        && c.cordoned.is_none()
        && c.maintenance.is_none()
        && r.role.is_none_or(|role| c.roles.contains(&role))
        && r.region
            .as_ref()
            .is_none_or(|region| c.region.as_ref() == Some(region))
        && r.labels.iter().all(|(k, v)| c.labels.get(k) == Some(v))
        && !matches!(c.health, Some(Health::Offline | Health::Error))
        && r.only.as_ref().is_none_or(|only| *only == c.name)
        && room
}

proptest! {
    #[test]
    fn an_eligible_server_is_found_exactly_when_there_is_one(
        candidates in candidates(), request in requests()
    ) {
        let any = candidates.iter().any(|c| may_take(c, &request));
        match place(&candidates, &request) {
            Ok(taken) => {
                let server = candidates.iter().find(|c| c.name == taken.server).unwrap();
                prop_assert!(may_take(server, &request));
                prop_assert!(server.load + u64::from(request.weight) <= u64::from(server.capacity));
                prop_assert!(taken.overridden.is_empty());
            }
            Err(refused) => {
                prop_assert!(!any);
                // Every server is told of, or the one that was asked for, each with at least one reason.
                let told = request.only.as_ref().map_or(candidates.len(), |_| 1);
                prop_assert_eq!(refused.len(), told);
                prop_assert!(refused.iter().all(|(_, refusals)| !refusals.is_empty()));
            }
        }
    }

    #[test]
    fn the_order_of_the_input_makes_no_difference(
        (candidates, shuffled) in candidates().prop_flat_map(|c| (Just(c.clone()), Just(c).prop_shuffle())),
        request in requests()
    ) {
        prop_assert_eq!(place(&candidates, &request), place(&shuffled, &request));
        prop_assert_eq!(explain(&candidates, &request), explain(&shuffled, &request));
    }

    #[test]
    fn nothing_eligible_is_better_than_what_is_chosen(
        candidates in candidates(), request in requests()
    ) {
        if let Ok(taken) = place(&candidates, &request) {
            let best = candidates.iter().find(|c| c.name == taken.server).unwrap();
            for other in candidates.iter().filter(|c| may_take(c, &request) && c.name != best.name) {
                prop_assert!(other.priority <= best.priority);
                if other.priority == best.priority && other.capacity > 0 {
                    let (a, b) = (best.load * u64::from(other.capacity), other.load * u64::from(best.capacity));
                    prop_assert!(a <= b);
                    if a == b && best.capacity > 0 {
                        prop_assert!((best.load, &best.name) <= (other.load, &other.name));
                    }
                }
            }
        }
    }

    #[test]
    fn explain_agrees_with_place(candidates in candidates(), request in requests()) {
        let explained = explain(&candidates, &request);
        let asked = |c: &&Candidate| request.only.as_ref().is_none_or(|only| *only == c.name);
        prop_assert_eq!(explained.len(), candidates.iter().filter(asked).count());
        let first = explained.iter().find(|e| e.rank == Some(1)).map(|e| e.name.clone());
        prop_assert_eq!(first, place(&candidates, &request).ok().map(|taken| taken.server));
        for e in &explained {
            prop_assert_eq!(e.rank.is_none(), !e.refusals.is_empty());
        }
    }

    #[test]
    fn placing_one_after_another_never_exceeds_a_capacity(
        mut candidates in candidates(), weights in prop::collection::vec(0_u32..4, 0..60)
    ) {
        let over: Vec<bool> = candidates.iter().map(|c| c.load > u64::from(c.capacity)).collect();
        for weight in weights {
            if let Ok(taken) = place(&candidates, &web(weight)) {
                let server = candidates.iter_mut().find(|c| c.name == taken.server).unwrap();
                server.load += u64::from(weight);
            }
        }
        for (candidate, over) in candidates.iter().zip(over) {
            prop_assert!(over || candidate.load <= u64::from(candidate.capacity));
        }
    }
}

#[test]
fn a_server_that_lacks_what_the_role_needs_takes_nothing_of_it() {
    let mut bare = candidate("bare", 10, 0);
    bare.lacks.insert(Role::Web, "nginx".to_owned());
    assert_eq!(refused(&bare, &web(1)), ["has no nginx"]);
    let insisting = Request {
        only: Some(name("bare")),
        force: true,
        ..web(1)
    };
    assert_eq!(refused(&bare, &insisting), ["has no nginx"]);
    let candidates = [bare, candidate("full", 10, 9)];
    assert_eq!(chosen(&candidates, &web(1)), "full");
    assert_eq!(
        chosen(&candidates, &Request::new(Some(Role::Database), 1)),
        "bare"
    );
}

#[test]
fn the_refusal_of_a_server_in_error_says_why() {
    let mut candidate = candidate("sg-1", 10, 0);
    candidate.health = Some(Health::Error);
    assert_eq!(refused(&candidate, &web(1)), ["error"]);
    candidate.reasons = vec!["sudo asks for a password".to_owned()];
    assert_eq!(
        refused(&candidate, &web(1)),
        ["error: sudo asks for a password"]
    );
}
