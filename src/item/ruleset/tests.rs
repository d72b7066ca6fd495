//! Rules in, exact text out; and what they do with connections.

#![allow(clippy::unwrap_used)]

use super::*;

fn net(text: &str) -> IpNet {
    text.parse::<IpAddr>().map_or_else(|_| text.parse().unwrap(), IpNet::from)
}

fn rule(name: &str, rank: i64, verdict: Verdict, ports: &[u16], from: &[&str]) -> Rule {
    Rule {
        name: name.parse().unwrap(),
        rank,
        verdict,
        protocols: if ports.is_empty() { BTreeSet::new() } else { BTreeSet::from([TCP]) },
        ports: ports.iter().map(|port| Ports::from(*port)).collect(),
        sources: if from.is_empty() { Sources::any() } else { Sources::networks(from.iter().map(|text| net(text))) },
        rate: None,
        log: false,
        until: None,
        comment: None,
    }
}

fn base() -> Ruleset {
    Ruleset {
        base: Some(Base {
            ssh_ports: BTreeSet::from([22]),
            ssh_from: Sources::networks([net("192.0.2.1")]),
            ..Base::default()
        }),
        ..Ruleset::default()
    }
}

fn with(rules: impl IntoIterator<Item = Rule>) -> Ruleset {
    let mut ruleset = base();
    for rule in rules {
        ruleset.fold(&Ruleset::rule(rule));
    }
    ruleset
}

/// The lines of the chain that belong to rules, openings and bans.
fn own_lines(ruleset: &Ruleset) -> Vec<String> {
    let script = ruleset.script();
    let lines = script.lines().map(str::trim).filter(|line| !line.contains("comment \"base "));
    let chain = lines.skip_while(|line| !line.starts_with("type filter")).skip(1);
    chain.take_while(|line| *line != "}").map(str::to_owned).collect()
}

#[test]
fn the_script_of_a_ruleset_with_everything() {
    let mut web = rule("web", 1, Verdict::Allow, &[80, 443], &[]);
    web.comment = Some("the sites".to_owned());
    let mut limited = rule("limited", 2, Verdict::Allow, &[22], &["10.0.0.0/8", "2001:db8::/32"]);
    limited.rate = Some(Rate { count: 10, per: Unit::Minute });
    limited.log = true;
    let mut passing = rule("passing", 3, Verdict::Reject, &[], &[]);
    passing.until = Some(1_800_000_000);
    let mut ruleset = with([web, limited, passing]);
    let base = ruleset.base.as_mut().unwrap();
    base.banned.insert(net("198.51.100.7"), Some(1_800_000_001));
    base.banned.insert(net("203.0.113.0/24"), None);
    ruleset.fold(&Ruleset::opening("database shop, user app", 3306, TCP, Sources::networks([net("192.0.2.9")])));
    insta::assert_snapshot!(ruleset.script());
}

#[test]
fn a_rule_is_as_many_lines_as_it_needs() {
    let lines = |rule: Rule| own_lines(&with([rule]));
    assert_eq!(
        lines(rule("a", 1, Verdict::Deny, &[25], &["192.0.2.7", "2001:db8::1"])),
        [
            "ip saddr 192.0.2.7 meta l4proto 6 th dport 25 counter drop comment \"rule a\"",
            "ip6 saddr 2001:db8::1 meta l4proto 6 th dport 25 counter drop comment \"rule a\"",
        ]
    );
    let mut ranges = rule("b", 1, Verdict::Allow, &[], &[]);
    ranges.protocols = BTreeSet::from([TCP, UDP]);
    ranges.ports = BTreeSet::from([Ports { first: 1000, last: 2000 }, Ports::from(53)]);
    assert_eq!(lines(ranges), ["meta l4proto { 6, 17 } th dport { 53, 1000-2000 } counter accept comment \"rule b\""]);
    assert_eq!(
        lines(rule("c", 1, Verdict::Reject, &[], &[])),
        [
            "meta l4proto 6 counter reject with tcp reset comment \"rule c\"",
            "counter reject comment \"rule c\"",
        ]
    );
    let mut icmp = rule("d", 1, Verdict::Deny, &[], &[]);
    icmp.protocols = BTreeSet::from([ICMP, ICMPV6]);
    assert_eq!(lines(icmp), ["meta l4proto { 1, 58 } counter drop comment \"rule d\""]);
    // Whoever allows nobody allows nothing.
    let mut nobody = rule("e", 1, Verdict::Allow, &[], &[]);
    nobody.sources = Sources::default();
    assert!(lines(nobody).is_empty());
}

#[test]
fn rules_of_resources_fold_in_the_order_of_rank_and_need_a_base() {
    let ruleset = with([rule("late", 9, Verdict::Deny, &[1], &[]), rule("early", -9, Verdict::Deny, &[2], &[])]);
    let names: Vec<&str> = ruleset.rules().map(|rule| rule.name.as_str()).collect();
    assert_eq!(names, ["early", "late"]);
    let without = Ruleset::rule(rule("a", 1, Verdict::Deny, &[1], &[]));
    assert_eq!(without.script(), "");
    assert_eq!(without.wanted()["table"], "no");
}

#[test]
fn a_set_of_addresses_is_looked_up_and_a_missing_one_refused() {
    let mut office = rule("office", 1, Verdict::Allow, &[443], &[]);
    office.sources = Sources { sets: BTreeSet::from(["office".to_owned()]), ..Sources::default() };
    let mut ruleset = with([office]);
    let refusals = ruleset.refusals(None);
    assert_eq!(refusals.len(), 1);
    assert!(refusals[0].reason.contains("`office` refers to a set of addresses `office`"), "{refusals:?}");
    let sets = &mut ruleset.base.as_mut().unwrap().sets;
    sets.insert("office".to_owned(), BTreeSet::from([net("192.0.2.0/25"), net("192.0.2.128/25")]));
    assert!(ruleset.refusals(None).is_empty());
    assert_eq!(
        own_lines(&ruleset),
        ["ip saddr 192.0.2.0/24 meta l4proto 6 th dport 443 counter accept comment \"rule office\""]
    );
}

fn by() -> Option<(IpAddr, u16)> {
    connection("192.0.2.1 51000 192.0.2.99 22")
}

fn reasons(ruleset: &Ruleset) -> Vec<String> {
    ruleset.cuts(by()).iter().map(Cut::reason).collect()
}

#[test]
fn what_would_lock_fleet_out_is_named() {
    const US: &str = "the connection from 192.0.2.1 to port 22 by which fleet comes";
    assert!(reasons(&base()).is_empty());
    let cut = |rule: Rule| reasons(&with([rule]));
    assert_eq!(cut(rule("x", 1, Verdict::Deny, &[22], &[])), [format!("rule `x` would cut {US}")]);
    assert_eq!(cut(rule("x", 1, Verdict::Reject, &[], &["192.0.2.0/24"])), [format!("rule `x` would cut {US}")]);
    for harmless in [
        rule("x", 1, Verdict::Deny, &[22], &["192.0.2.2"]),
        rule("x", 1, Verdict::Deny, &[23], &[]),
        rule("x", 1, Verdict::Deny, &[22], &["2001:db8::/32"]),
    ] {
        assert!(cut(harmless).is_empty());
    }
    let let_in_first = with([
        rule("door", 1, Verdict::Allow, &[22], &["192.0.2.1"]),
        rule("wall", 2, Verdict::Deny, &[22], &[]),
    ]);
    assert!(reasons(&let_in_first).is_empty());

    let mut closed = base();
    closed.base.as_mut().unwrap().ssh_from = Sources::networks([net("10.0.0.1")]);
    assert_eq!(reasons(&closed), [format!("no rule would let in {US}")]);
    // What ends by itself is nothing to depend on.
    let mut passing = rule("passing", 1, Verdict::Allow, &[22], &[]);
    passing.until = Some(1);
    closed.fold(&Ruleset::rule(passing));
    assert_eq!(reasons(&closed), [format!("only rule `passing` lets in {US}, and that rule ends by itself")]);

    // Nor is what lets in the first connection, and then none for an hour; whatever stands behind it.
    let rated = |count, per| {
        let mut slow = rule("slow", 1, Verdict::Allow, &[22], &[]);
        slow.rate = Some(Rate { count, per });
        with([slow, rule("open", 2, Verdict::Allow, &[22], &[])])
    };
    for (count, per) in [(1, Unit::Hour), (2, Unit::Day), (5, Unit::Minute)] {
        let ruleset = rated(count, per);
        let said = format!("rule `slow` would let in only {count}/{} of {US}", per.word());
        assert_eq!(reasons(&ruleset), [said]);
        let refusals = ruleset.refusals(Some("192.0.2.1 51000 192.0.2.99 22"));
        assert!(refusals.iter().all(|refusal| !refusal.absolute && refusal.hint.contains("--force")));
    }
    for (count, per) in [(1, Unit::Second), (10, Unit::Minute), (400, Unit::Hour)] {
        assert!(reasons(&rated(count, per)).is_empty(), "{count}/{}", per.word());
    }

    let mut banned = base();
    banned.base.as_mut().unwrap().banned.insert(net("192.0.2.0/24"), None);
    assert_eq!(reasons(&banned), [format!("the ban of `192.0.2.0/24` would cut {US}")]);
}

#[test]
fn what_others_need_is_kept_open_too() {
    let mut ruleset = with([rule("no-db", 1, Verdict::Deny, &[3306], &["10.0.0.0/8"])]);
    ruleset.fold(&Ruleset::opening("database shop", 3306, TCP, Sources::networks([net("192.0.2.9")])));
    assert!(reasons(&ruleset).is_empty());
    ruleset.fold(&Ruleset::opening("database blog", 3306, TCP, Sources::networks([net("10.1.2.3")])));
    assert_eq!(reasons(&ruleset), ["rule `no-db` would cut what comes from 10.1.2.3/32 for database blog"]);
    let mut jump = with([rule("wall", 1, Verdict::Deny, &[22], &["192.0.2.50"])]);
    jump.needs.insert(Need { from: "192.0.2.50".parse().unwrap(), protocol: TCP, port: 22, what: "SSH from `jump`".to_owned() });
    assert_eq!(reasons(&jump), ["rule `wall` would cut SSH from `jump`"]);
}

#[test]
fn a_connection_is_read_as_sshd_writes_it() {
    let read = |text: &str| connection(text).map(|(from, port)| (from.to_string(), port));
    assert_eq!(read("192.0.2.1 51000 192.0.2.99 22"), Some(("192.0.2.1".to_owned(), 22)));
    assert_eq!(read("::ffff:192.0.2.1 5 ::1 2222"), Some(("192.0.2.1".to_owned(), 2222)));
    assert_eq!(read("fe80::1%eth0 5 fe80::2%eth0 22"), Some(("fe80::1".to_owned(), 22)));
    for odd in ["", "192.0.2.1", "a b c d", "192.0.2.1 1 192.0.2.2 x", "192.0.2.1 1 192.0.2.2 22 "] {
        assert_eq!(read(odd), None, "{odd}");
    }
}

#[test]
fn rules_that_never_decide_are_found() {
    let words = |rules: Vec<Rule>, name: &str| with(rules).idle(name).map(|idle| idle.words());
    let all = rule("all", 1, Verdict::Deny, &[], &[]);
    let web = rule("web", 2, Verdict::Allow, &[80], &[]);
    assert_eq!(words(vec![all.clone(), web.clone()], "web").unwrap(), "shadowed by all");
    assert_eq!(words(vec![all.clone(), rule("b", 2, Verdict::Reject, &[80], &[])], "b").unwrap(), "unreachable: decided by all");
    assert_eq!(words(vec![web.clone(), rule("b", 3, Verdict::Deny, &[], &[])], "b"), None);
    // Two halves are a whole.
    let halves = vec![
        rule("low", 1, Verdict::Allow, &[80], &["0.0.0.0/1"]),
        rule("high", 2, Verdict::Allow, &[80, 81], &["128.0.0.0/1"]),
        rule("all4", 3, Verdict::Allow, &[80], &["0.0.0.0/0"]),
        rule("all6", 4, Verdict::Allow, &[80], &[]),
    ];
    assert_eq!(words(halves.clone(), "all4").unwrap(), "unreachable: decided by low, high");
    assert_eq!(words(halves, "all6"), None);
    // What ends by itself does not decide for good.
    let mut passing = all.clone();
    passing.until = Some(1);
    assert_eq!(words(vec![passing, web.clone()], "web"), None);
    let mut nobody = web;
    nobody.sources = Sources::default();
    assert_eq!(words(vec![nobody], "web").unwrap(), "unreachable: no source address");
}

#[test]
fn what_is_served_to_all_is_shut_out_when_no_rule_lets_anybody_in() {
    let http = Served { protocol: TCP, port: 80 };
    let out = |rules: Vec<Rule>| with(rules).shuts_out(http);
    let by = |name: &str| Some(Decider::Rule(name.to_owned()));
    let wall = || rule("wall", 1, Verdict::Deny, &[], &[]);
    let web = |rank| rule("web", rank, Verdict::Allow, &[80, 443], &[]);
    assert_eq!(Ruleset::default().shuts_out(http), None, "no firewall");
    assert_eq!(out(vec![]), Some(Decider::Nobody));
    assert_eq!(out(vec![rule("tls", 1, Verdict::Allow, &[443], &[])]), Some(Decider::Nobody));
    assert_eq!(out(vec![web(2)]), None);
    assert_eq!(out(vec![wall(), web(2)]), by("wall"));
    assert_eq!(out(vec![wall(), web(0)]), None);
    // The office alone is enough: that is what the admin wants then.
    let office = |rank| rule("office", rank, Verdict::Allow, &[80], &["192.0.2.0/24"]);
    assert_eq!(out(vec![office(0)]), None);
    assert_eq!(out(vec![office(0), wall()]), None);
    let no_office = || rule("no-office", 1, Verdict::Deny, &[80], &["192.0.2.0/23"]);
    assert_eq!(out(vec![no_office(), office(2)]), Some(Decider::Nobody));
    assert_eq!(out(vec![no_office(), web(2)]), None);
    // Several keep everybody out together: the first of them is in the way.
    let rest = |rank| rule("rest", rank, Verdict::Reject, &[80], &[]);
    assert_eq!(out(vec![no_office(), rest(2), web(3)]), by("no-office"));
    let mut udp = web(1);
    udp.protocols = BTreeSet::from([super::rule::UDP]);
    assert_eq!(out(vec![udp]), Some(Decider::Nobody));
    // What is opened for one in particular is not open to all.
    let mut opened = base();
    opened.fold(&Ruleset::opening("zone transfer", 80, TCP, Sources::networks([net("192.0.2.7")])));
    assert_eq!(opened.shuts_out(http), Some(Decider::Nobody));
}

#[test]
fn facts_say_whether_it_is_there_and_whose_it_is() {
    let fact = |lines: &[&str]| Ruleset::facts(lines).remove(NAME);
    let hash = file::sha256("x");
    let seen = fact(&["table yes", &format!("rules {hash}"), "boot yes"]).unwrap();
    assert_eq!(seen, props([("table", "yes".to_owned()), ("rules", hash), ("boot", "yes".to_owned())]));
    assert_eq!(fact(&["table no", "boot no"]).unwrap().len(), 2);
    assert_eq!(fact(&["garbage"]), None);
    let edited = fact(&["table yes", "rules edited", "in_force a {", "in_force  b", "in_script a {", "boot yes"]).unwrap();
    assert_eq!((&*edited[IN_FORCE], &*edited[IN_SCRIPT]), ("a {\n b\n", "a {\n"));
    let without = Ruleset::default();
    assert!(super::super::satisfies(&fact(&["table no", "boot no"]).unwrap(), &without.wanted()));
    assert!(!super::super::satisfies(&fact(&["table yes", "rules edited", "boot no"]).unwrap(), &base().wanted()));
}
