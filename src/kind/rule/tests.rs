//! Settings in, exact rules out; and what is refused.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::item::ruleset::{Ports, Rate, Unit};
use crate::kind::{SecretId, from_json, kind};
use crate::model::{Server, ServerName};
use crate::shell::Secret;

/// The outside of a spec: two other rules, a firewall, and a clock.
struct World;

impl Edge for World {
    fn read_file(&mut self, _path: &std::path::Path) -> Result<String, String> {
        Err("no files here".to_owned())
    }

    fn ask_password(&mut self, _prompt: &str) -> Result<Secret, String> {
        Err("nobody here".to_owned())
    }

    fn now(&self) -> Timestamp {
        Timestamp::from_second(1_000_000).unwrap()
    }

    fn derive(&mut self, _secret: &Secret, _purpose: &str) -> Result<[u8; 32], String> {
        Err("no key here".to_owned())
    }

    fn is_new(&self) -> bool {
        true
    }

    fn generate(&mut self) -> Result<Secret, String> {
        Err("no chance here".to_owned())
    }

    fn tell(&mut self, _what: String, _id: SecretId, _secret: Secret) {}

    fn seal(&mut self, _secret: Secret) -> Result<SecretId, String> {
        Err("no key here".to_owned())
    }

    fn others(&mut self, kind: &str) -> Result<Vec<(String, Value)>, String> {
        Ok(match kind {
            "rule" => vec![
                ("first".to_owned(), json!({"rank": 10})),
                ("last".to_owned(), json!({"rank": 20})),
            ],
            "firewall" => {
                let sets = json!({"office": ["192.0.2.0/24"]});
                vec![("fleet".to_owned(), json!({"sets": sets}))]
            }
            other => return Err(format!("who asks for a {other}?")),
        })
    }
}

/// The settings that a command line makes, validated; or all that is wrong with them.
fn spec(line: &[&str]) -> Result<Rule, Vec<String>> {
    let kind = kind("rule").unwrap();
    let command = (kind.augment)(clap::Command::new("add-rule").no_binary_name(true));
    let matches = command
        .try_get_matches_from(line)
        .map_err(|error| vec![error.to_string()])?;
    let mut world = World;
    let messages = |invalid: Invalid| {
        invalid
            .problems
            .into_iter()
            .map(|problem| problem.message)
            .collect::<Vec<_>>()
    };
    let value = (kind.parse)(&matches, "x", &mut world).map_err(messages)?;
    (kind.validate)(&value, "x", world.now()).map_err(messages)?;
    Ok(from_json(&value).unwrap())
}

fn servers() -> BTreeMap<ServerName, Server> {
    let mut servers = BTreeMap::new();
    for (name, address, v4) in [
        ("web-1", "192.0.2.1", None),
        ("web-2", "w2.example", Some("192.0.2.2")),
        ("odd", "odd.example", None),
    ] {
        let mut server = Server::new(name.parse().unwrap(), address);
        server
            .ipv4
            .extend(v4.map(|text| text.parse::<std::net::Ipv4Addr>().unwrap()));
        servers.insert(server.name.clone(), server);
    }
    servers
}

#[test]
fn any_protocol_is_any_whatever_stands_beside_it() {
    let rule = spec(&["--deny", "--protocol", "any,udp"]).unwrap();
    let compiled = rule.compiled("x", &servers()).unwrap();
    assert!(compiled.protocols.is_empty());
}

#[test]
fn a_server_is_let_in_from_each_of_its_addresses() {
    let mut servers = BTreeMap::new();
    let mut server = Server::new("db-1".parse().unwrap(), "10.0.0.5");
    server.ipv4.push("203.0.113.5".parse().unwrap());
    servers.insert(server.name.clone(), server);
    let sources = addresses::sources("from", &["server:db-1".to_owned()], &servers).unwrap();
    let networks: Vec<String> = sources.networks.iter().map(ToString::to_string).collect();
    assert_eq!(networks, ["10.0.0.5/32", "203.0.113.5/32"]);
}

#[test]
fn a_rule_has_one_action() {
    for two in [
        ["--allow", "--deny"],
        ["--reject", "--allow"],
        ["--deny", "--reject"],
    ] {
        let refused = spec(&two).unwrap_err().concat();
        let said = format!("'{}' cannot be used with", two[0]);
        assert!(refused.contains(&said), "{refused}");
    }
}

#[test]
fn a_set_that_does_not_exist_is_refused() {
    let from = ["set:offcie", "set:Office", "set:home"].map(str::to_owned);
    let firewalls = World.others("firewall").unwrap();
    let refused = |message: &str, hint: &str| (message.to_owned(), hint.to_owned());
    assert_eq!(
        addresses::unknown_sets(&from, &firewalls),
        [
            refused(
                "there is no set of addresses `offcie`",
                "did you mean `set:office`"
            ),
            refused(
                "there is no set of addresses `home`",
                "`fleet add-addresses home ADDRESS...` makes it"
            ),
        ]
    );
    let refused = spec(&["--allow", "--from", "192.0.2.1,set:offcie"]).unwrap_err();
    assert_eq!(refused, ["there is no set of addresses `offcie`"]);
    spec(&["--allow", "--from", "set:office"]).unwrap();
}

#[test]
fn a_command_line_becomes_a_rule() {
    let rule = spec(&[
        "--allow",
        "--port",
        "443,80,81-90",
        "--protocol",
        "TCP,udp",
        "--from",
        "192.0.2.0/24,server:web-*,set:office",
        "--rate",
        "10/minute",
        "--log",
        "--expires",
        "1h30m",
        "--comment",
        " the sites ",
        "--before",
        "last",
    ])
    .unwrap();
    let compiled = rule.compiled("x", &servers()).unwrap();
    assert_eq!(compiled.verdict, Verdict::Allow);
    assert_eq!(compiled.protocols, BTreeSet::from([6, 17]));
    assert_eq!(
        compiled.ports,
        BTreeSet::from([
            Ports {
                first: 80,
                last: 90
            },
            Ports::from(443)
        ])
    );
    let networks: Vec<String> = compiled
        .sources
        .networks
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(networks, ["192.0.2.0/24", "192.0.2.1/32", "192.0.2.2/32"]);
    assert_eq!(compiled.sources.sets, BTreeSet::from(["office".to_owned()]));
    assert_eq!(
        compiled.rate,
        Some(Rate {
            count: 10,
            per: Unit::Minute
        })
    );
    assert!(compiled.log && !compiled.sources.any);
    assert_eq!(compiled.until, Some(1_000_000 + 5400));
    assert!((11..20).contains(&compiled.rank), "{}", compiled.rank);
    let plain = spec(&["--deny"])
        .unwrap()
        .compiled("x", &servers())
        .unwrap();
    assert!(plain.sources.any && plain.protocols.is_empty() && plain.ports.is_empty());
    assert!(plain.rank > 20);
    let tcp = spec(&["--reject", "--port", "25"])
        .unwrap()
        .compiled("x", &servers())
        .unwrap();
    assert_eq!(tcp.protocols, BTreeSet::from([TCP]));
}

#[test]
fn every_problem_is_told_at_once() {
    let problems = spec(&[
        "--port",
        "0,99999,9-1",
        "--protocol",
        "tcpp",
        "--from",
        "300.1.1.1",
        "--rate",
        "x",
        "--comment",
        "a\u{202e}b",
    ])
    .unwrap_err();
    assert_eq!(problems.len(), 8, "{problems:#?}");
}

#[test]
fn what_is_hostile_or_makes_no_sense_is_refused() {
    let cases: &[&[&str]] = &[
        &[],
        &["--allow", "--port", "80;drop"],
        &["--allow", "--port", "80 }"],
        &["--allow", "--port", "+80"],
        &["--allow", "--port", "8٠"],
        &["--allow", "--port", ""],
        &["--allow", "--port", "-80"],
        &["--allow", "--port", "80-"],
        &["--allow", "--port", "00000000080"],
        &["--allow", "--port", "65536"],
        &["--allow", "--protocol", "256"],
        &["--allow", "--protocol", "tcp accept"],
        &["--allow", "--protocol", "\"tcp\""],
        &["--allow", "--port", "80", "--protocol", "icmp"],
        &["--allow", "--port", "80", "--protocol", "tcp,esp"],
        &["--allow", "--from", "10.0.0.1/8"],
        &["--allow", "--from", "10.0.0.0/33"],
        &["--allow", "--from", "::ffff:10.0.0.1"],
        &["--allow", "--from", "10.0.0.1; flush ruleset"],
        &["--allow", "--from", "10.0.0.1\n"],
        &["--allow", "--from", "@fleet"],
        &["--allow", "--from", "fe80::1%eth0"],
        &["--allow", "--from", "010.0.0.1"],
        &["--allow", "--from", "example.com"],
        &["--allow", "--from", "server:"],
        &["--allow", "--from", "server:!web-1\u{0}"],
        &["--allow", "--from", "set:"],
        &["--allow", "--from", "set:a b"],
        &["--allow", "--from", "set:a\"b"],
        &["--allow", "--rate", "0/minute"],
        &["--allow", "--rate", "10/fortnight"],
        &["--allow", "--rate", "10"],
        &["--allow", "--rate", "99999999999/minute"],
        &["--deny", "--rate", "10/minute"],
        &["--allow", "--expires", "9s"],
        &["--allow", "--expires", "-1h"],
        &["--allow", "--expires", "99999999999999d"],
        &["--allow", "--expires", "1x"],
        &["--allow", "--comment", ""],
        &["--allow", "--comment", "a\nb"],
        &["--allow", "--comment", "\u{200f}"],
        &["--allow", "--comment", "a\u{0}b"],
        &["--allow", "--to-server", "Web 1"],
        &["--allow", "--to-server", "role=web"],
        &["--allow", "--on", "role=wbe"],
        &["--allow", "--before", "nobody"],
        &["--allow", "--after", "x"],
        &["--allow", "--before", "first", "--after", "last"],
        &["--allow", "--on", "a", "--to-server", "b"],
    ];
    for case in cases {
        assert!(spec(case).is_err(), "{case:?}");
    }
    let long = "x".repeat(201);
    assert!(spec(&["--allow", "--comment", &long]).is_err());
    for name in [
        "",
        "-",
        "a b",
        "a\"",
        "a;b",
        "a\nb",
        "ä",
        "../x",
        "a/b",
        &"a".repeat(64),
    ] {
        assert!(Rule::canonical_name(name).is_err(), "{name:?}");
    }
    assert_eq!(Rule::canonical_name("Web-1.x").unwrap(), "web-1.x");
}

#[test]
fn what_looks_odd_and_is_right_is_taken() {
    for case in [
        &[
            "--allow",
            "--comment",
            "it's \"quoted\" $(x) `y` \\ 100% ünïcode 火",
        ][..],
        &["--allow", "--from", "0.0.0.0/0,::/0"],
        &["--allow", "--from", "ANY"],
        &["--allow", "--protocol", "0"],
        &["--allow", "--protocol", "any"],
        &["--allow", "--port", "1-65535"],
        &["--allow", "--from", "server:*"],
        &["--allow", "--rate", "1/s"],
    ] {
        assert!(spec(case).is_ok(), "{case:?}: {:?}", spec(case));
    }
}

#[test]
fn a_server_that_is_unknown_or_without_an_address_is_told() {
    let from = |text: &str| {
        spec(&["--allow", "--from", text])
            .unwrap()
            .compiled("x", &servers())
    };
    assert!(
        from("server:web-9")
            .unwrap_err()
            .to_string()
            .contains("web-9")
    );
    assert!(
        from("server:odd")
            .unwrap_err()
            .to_string()
            .contains("no address that is known")
    );
    // What matches nobody today lets nobody in today.
    assert_eq!(
        from("server:region=nowhere").unwrap().sources,
        crate::item::ruleset::Sources::default()
    );
}

#[test]
fn places_can_be_found_again_and_again() {
    let mut others: Vec<(String, Value)> = vec![
        ("a".to_owned(), json!({"rank": 0})),
        ("z".to_owned(), json!({"rank": 1_i64 << 40})),
    ];
    for index in 0..2000 {
        let name = format!("n{index}");
        let rank = rank::of(&name, Some("z"), None, &others).unwrap();
        others.push((name, json!({ "rank": rank })));
    }
    for index in 0..2000 {
        let name = format!("m{index}");
        let rank = rank::of(&name, None, Some("a"), &others).unwrap();
        others.push((name, json!({ "rank": rank })));
    }
    others.sort_by_key(|(_, spec)| spec["rank"].as_i64());
    let names: Vec<&str> = others.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!((names[0], names[1], names[2]), ("a", "m1999", "m1998"));
    assert_eq!(
        (names[4001], names[4000], names[3999]),
        ("z", "n1999", "n1998")
    );
    // Where it is already it stays, and nothing asked is nothing moved.
    let there = others[1].1["rank"].as_i64().unwrap();
    assert_eq!(rank::of("m1999", None, Some("a"), &others).unwrap(), there);
    assert_eq!(rank::of("m1999", None, None, &others).unwrap(), there);
}

proptest! {
    /// Whatever is typed: it is refused, or it is a rule that stands on its own lines, from which nothing breaks out.
    #[test]
    fn no_text_breaks_out_of_a_rule(
        port in "[0-9,;{}\"' \n@a-z-]{0,12}|[0-9]{1,5}(-[0-9]{1,5})?",
        from in "\\PC{0,20}|[0-9.]{7,15}(/[0-9]{1,2})?|[0-9a-f:]{2,20}(/[0-9]{1,3})?|set:[a-z\"; ]{0,9}",
        protocol in "[a-z0-9 \"{}]{0,8}|tcp|udp|icmp|any",
        comment in "\\PC{1,30}|[a-z\"'`$;{}\\\\#\n]{1,20}",
        rate in "[0-9/a-z ]{0,12}|[0-9]{1,5}/(second|minute|hour|day)",
    ) {
        let port = format!("--port={port}");
        let (from, protocol) = (format!("--from={from}"), format!("--protocol={protocol}"));
        let (comment, rate) = (format!("--comment={comment}"), format!("--rate={rate}"));
        let Ok(rule) = spec(&["--allow", &port, &from, &protocol, &comment, &rate]) else {
            return Ok(());
        };
        let Ok(compiled) = rule.compiled("x", &servers()) else {
            return Ok(());
        };
        let mut ruleset = Ruleset::rule(compiled);
        let quiet = crate::item::ruleset::Base::default();
        ruleset.base = Some(quiet);
        let script = ruleset.script();
        prop_assert_eq!(script.matches("\nEND\n").count(), 1);
        for line in script.lines().filter(|line| line.contains("comment \"rule x\"")) {
            prop_assert!(line.ends_with(" counter accept comment \"rule x\""), "{}", line);
            prop_assert_eq!(line.matches('"').count(), 2);
            prop_assert!(!line.contains(';') && !line.contains('$'), "{}", line);
        }
    }
}
