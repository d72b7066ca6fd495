//! Records in, their one form out; files there and back; rules; what would do harm.
#![allow(clippy::unwrap_used)]

use proptest::prelude::*;

use super::name::Name;
use super::*;
use crate::diagnostic::Problem;

mod files;
mod hostile;

/// The form of a value as an admin types it in the zone `example.com`.
fn form(rtype: &str, text: &str) -> Result<String, String> {
    let rtype = rtype.parse::<types::RecordType>()?;
    records::typed_value(rtype, text, &Name::zone("example.com")).map_err(|reason| reason.message)
}

/// A zone with these records, each `NAME TYPE VALUE`.
fn zone(lines: &[&str]) -> Zone {
    let mut zone = Zone::default();
    for line in lines {
        let mut words = line.splitn(3, ' ');
        let mut word = || words.next().unwrap().to_owned();
        let (name, rtype, value) = (word(), word(), word());
        let typed = Typed::read("example.com", &name, &rtype, &[value], None, None)
            .unwrap_or_else(|e| panic!("{line}: {e}"));
        typed.add_to(&mut zone.records, "example.com").unwrap();
    }
    zone
}

fn problems(lines: &[&str]) -> Vec<Problem> {
    match zone(lines).check("example.com") {
        Ok(_) => Vec::new(),
        Err(invalid) => invalid.problems,
    }
}

#[rustfmt::skip]
const FORMS: &[(&str, &str, &str)] = &[
    ("A", "192.0.2.1", "192.0.2.1"),
    ("a", "site:Example.com", "site:example.com"),
    ("AAAA", "2001:DB8:0:0::1", "2001:db8::1"),
    ("ALIAS", "www.example.org", "www.example.org."),
    ("CAA", "0 issue letsencrypt.org", "0 issue \"letsencrypt.org\""),
    ("CAA", "128 iodef \"mailto:a@example.com\"", "128 iodef \"mailto:a@example.com\""),
    ("CNAME", "@", "example.com."),
    ("CNAME", "WWW", "www.example.com."),
    ("CNAME", "münchen.de", "xn--mnchen-3ya.de."),
    ("DNAME", "example.org.", "example.org."),
    ("DS", "12345 13 2 3490A6806D47F17A34C29E2CE80E8A999FFBE4BE 8FDC83F8A4F1A4B5A3B5A7C8", "12345 13 2 3490a6806d47f17a34c29e2ce80e8a999ffbe4be8fdc83f8a4f1a4b5a3b5a7c8"),
    ("HTTPS", "1 . alpn=h3,h2 port=8443", "1 . alpn=h3,h2 port=8443"),
    ("HTTPS", "1 . port=8443 alpn=\"h2\"", "1 . alpn=h2 port=8443"),
    ("HTTPS", "0 www.example.net", "0 www.example.net."),
    ("SVCB", "2 svc key667=hello mandatory=port port=53", "2 svc.example.com. mandatory=port port=53 key667=\"hello\""),
    ("SVCB", "1 . dohpath=/dns{?dns} alpn=h2", "1 . alpn=h2 key7=\"/dns{?dns}\""),
    ("LOC", "51 30 12.748 N 0 7 39.611 W 0m", "51 30 12.748 N 0 7 39.611 W 0.00m 1.00m 10000.00m 10.00m"),
    ("LOC", "52 n 13 e -2.5 10m 20 5m", "52 0 0.000 N 13 0 0.000 E -2.50m 10.00m 20.00m 5.00m"),
    ("MX", "10 mail", "10 mail.example.com."),
    ("MX", "0 .", "0 ."),
    ("NAPTR", "100 10 U E2U+sip !^.*$!sip:info@example.com! .", "100 10 \"U\" \"E2U+sip\" \"!^.*$!sip:info@example.com!\" ."),
    ("NS", "ns1.example.net.", "ns1.example.net."),
    ("OPENPGPKEY", "aGVsbG8 =", "aGVsbG8="),
    ("PTR", "host.example.com", "host.example.com."),
    ("SOA", "ns1 hostmaster 2026010100 1h 10m 2w 300", "ns1.example.com. hostmaster.example.com. 2026010100 3600 600 1209600 300"),
    ("SRV", "10 5 5060 sip", "10 5 5060 sip.example.com."),
    ("SSHFP", "4 1 ABCDEF0123456789ABCDEF0123456789ABCDEF01", "4 1 abcdef0123456789abcdef0123456789abcdef01"),
    ("TLSA", "3 1 0 0A0B", "3 1 0 0a0b"),
    ("TXT", "v=spf1 mx -all", "\"v=spf1 mx -all\""),
    ("TXT", "it's \\ a \"quote\" inside; (really)", "\"it's \\\\ a \\\"quote\\\" inside; (really)\""),
    ("TXT", "\"a\" \"b c\"", "\"a\" \"b c\""),
    ("TXT", "ä", "\"\\195\\164\""),
    ("URI", "10 1 https://example.com/", "10 1 \"https://example.com/\""),
    ("HINFO", "CPU \"an OS\"", "\"CPU\" \"an OS\""),
    ("TYPE65280", "\\# 4 0A000001", "\\# 4 0a000001"),
    ("TYPE1", "192.0.2.1", "192.0.2.1"),
];

#[test]
fn every_value_has_one_form_and_keeps_it() {
    for (rtype, typed, expected) in FORMS {
        assert_eq!(
            form(rtype, typed).as_deref(),
            Ok(*expected),
            "{rtype} {typed}"
        );
        if rtype.parse::<types::RecordType>().unwrap() != types::RecordType::TXT {
            assert_eq!(
                form(rtype, expected).as_deref(),
                Ok(*expected),
                "{rtype} again"
            );
        }
        let rtype = rtype.parse().unwrap();
        records::check_value(rtype, expected, &Name::zone("example.com")).unwrap();
    }
}

#[test]
fn a_long_text_is_split() {
    let long = "x".repeat(600);
    let form = form("TXT", &long).unwrap();
    let lengths: Vec<usize> = form.split(' ').map(|part| part.len() - 2).collect();
    assert_eq!(lengths, [255, 255, 90]);
}

#[test]
fn the_names_of_its_own_servers_have_their_addresses() {
    for (lines, bad) in [
        (&["ns1 CNAME www", "www A 192.0.2.1"][..], true),
        (&["@ DNAME example.net"], true),
        // Of somebody else, or of nobody.
        (&["@ NS a.example.net.", "ns1 CNAME a.example.net."], false),
        (&["@ NS a.example.net.", "@ DNAME example.net."], false),
        (&["ns3 CNAME www", "ns01 CNAME www", "ns CNAME www"], false),
        (&["ns1 TXT x", "ns1 A 192.0.2.9"], false),
    ] {
        let said = problems(lines);
        let field = said.first().map(|problem| problem.field.as_str());
        assert_eq!(field, bad.then_some("ns"), "{lines:?}: {said:?}");
    }
    let mut zone = zone(&["ns3 CNAME www"]);
    zone.ns = vec!["a.example.net.".to_owned()];
    zone.check("example.com").unwrap();
    zone.ns.clear();
    zone.secondary = vec!["a".to_owned(), "b".to_owned()];
    assert!(zone.check("example.com").is_err());
}

#[test]
fn a_registrar_needs_addresses_of_names_in_the_zone_only() {
    let told = |zone: &Zone| zone.directions("example.com", &[])[0].1.clone();
    let own = zone(&[
        "@ NS ns9",
        "@ NS b.example.net.",
        "ns9 A 192.0.2.9",
        "ns9 AAAA 2001:db8::9",
        "www A 192.0.2.1",
    ]);
    let mut lines: Vec<String> = told(&own).lines().map(ToOwned::to_owned).collect();
    lines.sort();
    assert_eq!(
        lines,
        ["b.example.net", "ns9.example.com 192.0.2.9 2001:db8::9"]
    );
    let mut named = zone(&["ns A 192.0.2.7"]);
    named.ns = vec!["ns.example.com.".to_owned(), "a.example.net.".to_owned()];
    assert_eq!(told(&named), "ns.example.com 192.0.2.7\na.example.net");
}

#[test]
fn the_rules_of_the_dns_are_kept() {
    for (lines, said) in [
        (
            &["www CNAME example.net.", "www A 192.0.2.1"][..],
            "a CNAME cannot stand beside A",
        ),
        (
            &["@ CNAME example.net."],
            "a CNAME cannot stand at the zone itself",
        ),
        (
            &["www CNAME a.example.net.", "www CNAME b.example.net."],
            "one CNAME at the most",
        ),
        (
            &["www SOA ns1 h 1 2 3 4 5"],
            "the SOA is at the zone itself",
        ),
        (
            &["sub NS ns.sub.example.com"],
            "`ns.sub` is in the zone and has no address",
        ),
        (&["@ MX 10 mail", "mail CNAME example.net."], "is a CNAME"),
        (&["@ MX 10 _x.example.net."], "is not the name of a host"),
        (
            &["@ DS 1 13 2 3490a6806d47f17a34c29e2ce80e8a999ffbe4be8fdc83f8a4f1a4b5a3b5a7c8"],
            "not in the zone itself",
        ),
        (
            &["a DS 1 13 2 3490a6806d47f17a34c29e2ce80e8a999ffbe4be8fdc83f8a4f1a4b5a3b5a7c8"],
            "beside the NS",
        ),
        (
            &["a DNAME example.net.", "b.a A 192.0.2.1"],
            "nothing can be below `a`",
        ),
        (&["a.*.b A 192.0.2.1"], "only as the first label"),
        (
            &["*.b NS ns.example.net."],
            "a wildcard cannot be delegated",
        ),
        (
            &["a ALIAS example.net.", "a A 192.0.2.1"],
            "an ALIAS stands for A and AAAA",
        ),
    ] {
        let found = problems(lines);
        assert!(
            found.iter().any(|problem| problem.message.contains(said)),
            "{lines:?}: {found:?}"
        );
    }
    for fine in [
        &["sub NS ns.sub.example.com", "ns.sub A 192.0.2.1"][..],
        &["sub NS ns.example.net.", "other NS ns.sub.example.com"],
        &["@ MX 0 .", "*.b A 192.0.2.1", "* TXT x"],
        &["www A 192.0.2.1", "www TXT x", "www AAAA 2001:db8::1"],
        &["_sip._tcp SRV 10 5 5060 sip", "sip A 192.0.2.1"],
    ] {
        assert_eq!(problems(fine), [], "{fine:?}");
    }
}

#[test]
fn every_problem_is_said_at_once() {
    let typed = Typed::read(
        "example.com",
        "a..b",
        "AA",
        &["x".to_owned()],
        Some("-1"),
        None,
    )
    .unwrap_err();
    assert_eq!(typed.problems.len(), 3, "{typed:?}");
    let found = problems(&[
        "@ CNAME example.net.",
        "www SOA ns1 h 1 2 3 4 5",
        "a CNAME b",
        "a TXT x",
    ]);
    assert_eq!(found.len(), 3, "{found:?}");
}

#[test]
fn records_are_added_put_and_taken_away() {
    let mut zone = zone(&["www A 192.0.2.1", "www A 192.0.2.2"]);
    let typed = |values: &[&str], ttl| {
        let values: Vec<String> = values.iter().map(|value| (*value).to_owned()).collect();
        Typed::read("example.com", "www", "A", &values, ttl, None).unwrap()
    };
    let sets = &mut zone.records;
    let before = sets.clone();
    typed(&["192.0.2.1"], None)
        .add_to(sets, "example.com")
        .unwrap();
    assert_eq!(*sets, before);
    assert!(
        typed(&["192.0.2.1"], Some("5m"))
            .add_to(&mut sets.clone(), "example.com")
            .is_err()
    );
    typed(&[], Some("5m"))
        .put_into(sets, "example.com")
        .unwrap();
    assert_eq!((sets[0].ttl, sets[0].values.len()), (Some(300), 2));
    typed(&["192.0.2.2"], None)
        .take_from(sets, "example.com")
        .unwrap();
    assert_eq!(sets[0].values, ["192.0.2.1"]);
    assert!(
        typed(&["192.0.2.9"], None)
            .take_from(&mut sets.clone(), "example.com")
            .is_err()
    );
    typed(&["192.0.2.7", "192.0.2.6"], None)
        .put_into(sets, "example.com")
        .unwrap();
    assert_eq!(sets[0].values, ["192.0.2.6", "192.0.2.7"]);
    typed(&[], None).take_from(sets, "example.com").unwrap();
    assert!(sets.is_empty());
    assert!(
        typed(&["192.0.2.7"], None)
            .put_into(sets, "example.com")
            .is_err()
    );
}

#[test]
fn a_value_of_several_words_needs_no_quotes() {
    let values = ["10".to_owned(), "mail".to_owned()];
    let typed = Typed::read("example.com", "@", "MX", &values, None, None).unwrap();
    assert_eq!(typed.values, ["10 mail.example.com."]);
    let values = ["mail".to_owned(), "mx2".to_owned()];
    let typed = Typed::read("example.com", "@", "MX", &values, None, Some(5)).unwrap();
    assert_eq!(typed.values, ["5 mail.example.com.", "5 mx2.example.com."]);
    assert!(
        Typed::read(
            "example.com",
            "@",
            "A",
            &["192.0.2.1".to_owned()],
            None,
            Some(5)
        )
        .is_err()
    );
}

#[test]
fn templates_are_sound_with_and_without_addresses() {
    for word in template::WORDS {
        for addresses in [
            &[][..],
            &["192.0.2.1"],
            &["192.0.2.1", "2001:db8::1"],
            &["site:example.com"],
        ] {
            let addresses: Vec<String> = addresses
                .iter()
                .map(|address| (*address).to_owned())
                .collect();
            let text = template::named(word).unwrap();
            let mut zone = Zone {
                records: template::records(text, "example.com", &addresses).unwrap(),
                ..Zone::default()
            };
            assert!(
                zone.check("example.com").is_ok(),
                "{word} {addresses:?}: {:?}",
                zone.check("example.com").err()
            );
            if !addresses.is_empty() && word != "none" {
                assert!(zone.records.iter().any(|set| set.name == "www"), "{word}");
            }
            if addresses
                .first()
                .is_some_and(|address| address.starts_with("site:"))
            {
                assert_eq!(
                    zone.follows("example.com").len(),
                    usize::from(word != "none")
                );
            }
            zone.records.clear();
        }
    }
    assert!(template::records("@ A {ipv4}", "example.com", &["nonsense".to_owned()]).is_err());
}

#[test]
fn doubts_are_found() {
    let mut zones = lint::Zones::new();
    zones.insert(
        "example.com".to_owned(),
        zone(&[
            "@ MX 10 mail", "www CNAME nowhere", "@ NS ns.example.net.", "a A 192.0.2.1", "ok CNAME a", "gone CNAME x.example.org.",
            "spf TXT v=spf1 include:a.example.net include:b.example.net a mx include:c.example.net a:x mx:y exists:z a:b a:c include:more.example.com ~all",
            "more TXT v=spf1 a mx -all", "two TXT v=spf1 -all", "two TXT v=spf1 mx -all", "sub NS ns.example.net.", "deep.sub TXT x",
            "www.example.com.example.com TXT x",
        ]),
    );
    zones.insert("example.org".to_owned(), Zone::default());
    zones.insert("2.0.192.in-addr.arpa".to_owned(), Zone::default());
    let found: Vec<String> = lint::Lint::of(&zones)
        .doubts("example.com")
        .into_iter()
        .map(|d| format!("{}: {}", d.at, d.message))
        .collect();
    for said in [
        "@ MX: leads to `mail.example.com.`, and it has no address",
        "www CNAME: leads to `nowhere.example.com.`, and nothing is there",
        "gone CNAME: leads to `x.example.org.`",
        "@ NS: there is one name server only",
        "spf TXT: its SPF policy takes 13 look-ups",
        "two TXT: has more than one SPF policy",
        "deep.sub TXT: is below the delegation of `sub`",
        "a A: `192.0.2.1` has no PTR at `1.2.0.192.in-addr.arpa`",
        "@ TXT: there is mail (MX) and no SPF policy",
        "www.example.com TXT: it is `www.example.com.example.com.`, as if",
    ] {
        assert!(
            found.iter().any(|doubt| doubt.starts_with(said)),
            "{said}: {found:#?}"
        );
    }
    assert!(
        !found.iter().any(|doubt| doubt.starts_with("ok ")),
        "{found:?}"
    );
}

#[test]
fn a_zone_of_many_names_is_looked_through_at_once() {
    let many = 20_000_u32;
    let mut own = Zone::default();
    let mut reverse = Zone::default();
    for n in 0..many {
        let [_, _, high, low] = n.to_be_bytes();
        let set = |name: String, rtype: &str, value: String| RecordSet {
            name,
            rtype: rtype.to_owned(),
            ttl: None,
            values: vec![value],
        };
        let host = format!("h{n}");
        own.records
            .push(set(host.clone(), "A", format!("10.0.{high}.{low}")));
        own.records.push(set(
            format!("c{n}"),
            "CNAME",
            format!("{host}.example.com."),
        ));
        reverse.records.push(set(
            format!("{low}.{high}"),
            "PTR",
            format!("{host}.example.com."),
        ));
    }
    own.records.pop();
    own.records.remove(0);
    let mut zones = lint::Zones::new();
    zones.insert("example.com".to_owned(), own);
    zones.insert("0.10.in-addr.arpa".to_owned(), reverse);
    let lint = lint::Lint::of(&zones);
    let said = |zone: &str| -> Vec<String> {
        lint.doubts(zone)
            .into_iter()
            .map(|doubt| doubt.at)
            .collect()
    };
    assert_eq!(said("example.com"), ["c0 CNAME"]);
    assert_eq!(said("0.10.in-addr.arpa"), ["0.0 PTR"]);
}

proptest! {
    /// What an admin types is refused or takes one form, which is a value of a master file and stays as it is.
    #[test]
    fn any_value_is_refused_or_has_a_form(at in 0..FORMS.len(), text in "\\PC{0,40}|[ -~]{0,60}|[0-9a-fA-F .:\"\\\\]{0,40}") {
        let rtype: types::RecordType = FORMS[at].0.parse().unwrap();
        if let Ok(form) = form(FORMS[at].0, &text) {
            prop_assert!(form.bytes().all(|b| (b' '..=b'~').contains(&b)), "{form:?}");
            prop_assert!(records::check_value(rtype, &form, &Name::zone("example.com")).is_ok(), "{form:?}");
        }
    }
}

#[test]
fn a_new_name_that_looks_like_one_of_another_domain_is_not_guessed() {
    let read = |name: &str| {
        let values = ["192.0.2.1".to_owned()];
        Typed::read("example.com", name, "A", &values, None, None).unwrap()
    };
    let mut sets = Vec::new();
    for doubtful in ["www.other.org", "other.co.uk", "api.dev", "notexample.com"] {
        let refused = read(doubtful).add_to(&mut sets, "example.com").unwrap_err();
        let problem = &refused.problems[0];
        assert!(
            problem.message.contains("not in the zone `example.com`"),
            "{problem:?}"
        );
        let hint = format!("write `{doubtful}.example.com` for the name below the zone");
        assert_eq!(problem.hint.as_deref(), Some(hint.as_str()));
        assert!(sets.is_empty());
    }
    for sure in [
        "www",
        "a.b",
        "db1.internal",
        "_dmarc.mail",
        "other.org._report._dmarc",
        "www.example.com",
        "api.dev.example.com",
    ] {
        read(sure).add_to(&mut sets, "example.com").unwrap();
    }
    // What is there already is called as `list-records` has it.
    read("api.dev").add_to(&mut sets, "example.com").unwrap();
    read("api.dev").put_into(&mut sets, "example.com").unwrap();
    let before = sets.len();
    read("api.dev").take_from(&mut sets, "example.com").unwrap();
    assert_eq!(sets.len(), before - 1);
}
