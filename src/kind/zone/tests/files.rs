//! Master files there and back.

use proptest::prelude::*;

use super::*;

fn read(text: &str) -> Result<file::Read, Vec<String>> {
    file::read(text, Some("example.com"))
        .map_err(|invalid| invalid.problems.into_iter().map(|p| p.message).collect())
}

fn lines(read: &file::Read) -> Vec<String> {
    let mut lines = Vec::new();
    for set in &read.sets {
        for value in &set.values {
            let ttl = set.ttl.map_or("-".to_owned(), |ttl| ttl.to_string());
            lines.push(format!("{} {ttl} {} {value}", set.name, set.rtype));
        }
    }
    lines
}

#[test]
fn a_file_as_bind_has_it_is_read() {
    let text = r#"
; a comment
$TTL 1d
@	IN SOA ns1 hostmaster.example.com. (
		2026010100 ; serial
		1h 15m 2w
		5m )
	IN NS ns1
	NS	ns2.example.net.
ns1	300 IN A 192.0.2.1
	IN 300 AAAA 2001:db8::1
WWW.example.com.  CNAME @
a\.b	A 192.0.2.2
txt	TXT ( "one; (two)"
		three\"four ) ; five
$ORIGIN sub.example.com.
host	A 192.0.2.3
@	MX 10 host
	TYPE65280 \# 4 0A 00 00 01
	TYPE1 192.0.2.4
"#;
    let read = read(text).unwrap();
    assert_eq!(
        lines(&read),
        [
            "@ - NS ns1.example.com.",
            "@ - NS ns2.example.net.",
            "@ - SOA ns1.example.com. hostmaster.example.com. 2026010100 3600 900 1209600 300",
            "a\\.b - A 192.0.2.2",
            "ns1 300 A 192.0.2.1",
            "ns1 300 AAAA 2001:db8::1",
            "sub - A 192.0.2.4",
            "sub - MX 10 host.sub.example.com.",
            "sub - TYPE65280 \\# 4 0a000001",
            "host.sub - A 192.0.2.3",
            "txt - TXT \"one; (two)\" \"three\\\"four\"",
            "www - CNAME example.com.",
        ]
    );
    assert_eq!(
        (read.ttl, read.zone.as_deref()),
        (Some(86_400), Some("example.com"))
    );
}

#[test]
fn a_transfer_as_dig_prints_it_is_read() {
    let text = "\n; <<>> DiG 9.18 <<>> AXFR\nexample.org.\t3600\tIN\tSOA\tns1.example.org. h.example.org. 7 1 2 3 4\n\
        example.org.\t3600\tIN\tRRSIG\tSOA 13 2 3600 20260101000000 20251201000000 1 example.org. abc=\n\
        example.org.\t3600\tIN\tDNSKEY\t257 3 13 abc=\nexample.org.\t60\tIN\tTXT\t\"a\" \"b\"\n\
        example.org.\t3600\tIN\tSOA\tns1.example.org. h.example.org. 7 1 2 3 4\n;; Query time: 1 msec\n";
    let read = file::read(text, None).unwrap();
    assert_eq!(read.zone.as_deref(), Some("example.org"));
    assert_eq!(
        lines(&read),
        [
            "@ - SOA ns1.example.org. h.example.org. 7 1 2 3 4",
            "@ 60 TXT \"a\" \"b\""
        ]
    );
    // As it was served: the SOA has the default of its zone.
    assert_eq!(read.ttl, Some(3600));
    assert_eq!(read.notes.len(), 1, "{:?}", read.notes);
    assert!(read.notes[0].starts_with("2 records of the signing"));
}

#[test]
fn what_a_file_does_not_say_stays_as_it_was_set() {
    let settings = || Zone {
        ttl: Some("5m".to_owned()),
        mname: Some("ns.example.net".to_owned()),
        email: Some("me@example.net".to_owned()),
        refresh: Some("2h".to_owned()),
        ..Zone::default()
    };
    let import = |text: &str| {
        let read = file::read(text, Some("example.com")).unwrap();
        let mut zone = settings();
        zone.forget_soa(&read);
        zone.take_in(read, "example.com");
        zone
    };
    let records = import("@ A 192.0.2.1\n");
    assert_eq!(records.records.len(), 1);
    let kept = Zone {
        records: records.records.clone(),
        ..settings()
    };
    assert_eq!(
        serde_json::to_value(&records).unwrap(),
        serde_json::to_value(&kept).unwrap()
    );
    assert_eq!(
        import("$TTL 60\n@ A 192.0.2.1\n").ttl.as_deref(),
        Some("60")
    );
    let soa = import("@ SOA ns1 hostmaster 1 1h 10m 2w 5m\n@ A 192.0.2.1\n");
    assert_eq!(soa.mname.as_deref(), Some("ns1.example.com."));
    assert_eq!((soa.email, soa.refresh.as_deref()), (None, Some("3600")));
}

#[test]
fn what_is_generated_goes_on_to_be_generated() {
    let records = "@ A site:a.example\nlonger 60 A 192.0.2.9\nsix AAAA site:a.example\n";
    let set = |line: &str| {
        let words: Vec<&str> = line.split(' ').collect();
        RecordSet {
            name: words[0].to_owned(),
            rtype: words[words.len() - 2].to_owned(),
            ttl: words[1].parse().ok(),
            values: vec![words[words.len() - 1].to_owned()],
        }
    };
    let zone = Zone {
        records: records.lines().map(set).collect(),
        ..Zone::default()
    };
    // `a.example` has no IPv6.
    let served = "$TTL 1h\n@ SOA ns1 h 1 1h 10m 2w 5m\n@ NS ns1\n@ A 192.0.2.1\nlonger 60 A 192.0.2.9\nns1 A 192.0.2.1\n";
    let import = |text: &str| {
        let mut file = read(text).unwrap();
        zone.leave_generated(&mut file, &read(served).unwrap());
        let mut after = zone.clone();
        after.forget_soa(&file);
        after.take_in(file, "example.com");
        let sets = after.records.iter();
        sets.map(|set| format!("{} {} {}", set.name, set.rtype, set.values.join(" ")))
            .collect::<Vec<_>>()
    };
    let own = [
        "@ A site:a.example",
        "longer A 192.0.2.9",
        "six AAAA site:a.example",
    ];
    assert_eq!(import(served), own);
    assert_eq!(
        import(
            &served
                .replace("1h\n@ SOA", "1h\n@ 1h SOA")
                .replace("$TTL 1h\n", "")
                .replace("ns1 A", "ns1 1h A")
        ),
        own
    );
    // Other addresses are wanted, or another time to live: then all is as it is written.
    assert_eq!(
        import(&served.replace("192.0.2.1\n", "192.0.2.2\n")),
        [
            "@ A 192.0.2.2",
            "@ NS ns1.example.com.",
            "longer A 192.0.2.9",
            "ns1 A 192.0.2.2",
            "six AAAA site:a.example"
        ]
    );
    assert_eq!(
        import(&served.replace("ns1 A", "ns1 7 A"))[1],
        "@ NS ns1.example.com."
    );
}

#[test]
fn the_soa_has_the_default_of_its_zone_and_that_is_told() {
    let one = read("$TTL 1h\n@ 60 SOA ns1 hostmaster 1 1h 10m 2w 5m\na A 192.0.2.1\n").unwrap();
    assert_eq!(one.ttl, Some(3600));
    assert_eq!(
        one.notes,
        ["the SOA gets the time to live of the zone, 3600, and not 60"]
    );
    let text =
        "$TTL 1h\n@ SOA ns1 hostmaster 1 1h 10m 2w 5m\na A 192.0.2.1\n$TTL 60\nb A 192.0.2.1\n";
    let read = read(text).unwrap();
    assert_eq!(read.ttl, Some(3600));
    assert_eq!(
        lines(&read)[1..],
        ["a - A 192.0.2.1", "b 60 A 192.0.2.1"].map(str::to_owned)
    );
    assert_eq!(read.notes.len(), 0, "{:?}", read.notes);
}

#[test]
fn of_several_soa_none_is_chosen() {
    let text = "@ SOA ns1 hostmaster 1 1h 10m 2w 5m\n@ SOA ns2 hostmaster 2 1h 10m 2w 5m\n";
    assert_eq!(
        read(text).unwrap_err(),
        ["the zone has several SOA, it can have one (RFC 1035, 5.2)"]
    );
}

#[test]
fn every_mistake_is_told_with_its_line() {
    let text = "$INCLUDE other\n$GENERATE 1-2 a A 1.2.3.4\nwww A 1.2.3\nwww CH TXT x\nx MX mail\n$TTL x\nexample.org. A 192.0.2.1\ny TXT \"open\nz A (\n 192.0.2.1\n";
    let problems = read(text).unwrap_err();
    for (line, said) in [
        (1, "$INCLUDE"),
        (2, "$GENERATE"),
        (3, "`1.2.3` is not an IPv4 address"),
        (4, "class"),
        (5, "is not a number"),
        (6, "time to live"),
        (8, "quote"),
        (9, "a `(` without"),
    ] {
        let fits = |problem: &String| {
            problem.starts_with(&format!("line {line}: ")) && problem.contains(said)
        };
        assert!(problems.iter().any(fits), "{line} {said}: {problems:#?}");
    }
    assert!(file::read("www A 192.0.2.1\n", None).is_err());
    assert!(file::read("", None).is_err());
}

#[test]
fn what_is_exported_is_imported_as_it_was() {
    let mut zone = zone(&[
        "@ MX 10 mail",
        "mail A 192.0.2.1",
        "txt TXT it's; (a) \"b\" \\ c",
        "a\\.b A 192.0.2.2",
        "*.w TXT x",
        "_sip._tcp SRV 1 2 3 mail",
        "h HTTPS 1 . alpn=h2 key7=\"/x\"",
        "l LOC 1 N 2 E 3m",
        "n NAPTR 1 2 U x !a!b! .",
        "t TYPE65280 \\# 2 0a0b",
        "e TXT \"\" \"a\"",
    ]);
    zone.ttl = Some("7200".to_owned());
    zone.mname = Some("ns.example.net.".to_owned());
    zone.email = Some("a.b@example.net".to_owned());
    let mut fleet = std::collections::BTreeMap::new();
    let server = crate::model::Server::new("sg-1".parse().unwrap(), "192.0.2.9");
    fleet.insert(server.name.clone(), server.clone());
    let placements = [crate::model::Placement {
        from_trash: None,
        server: server.name,
        position: 0,
        status: crate::model::PlacementStatus::Applied,
        reason: None,
        applied_generation: 1,
    }];
    let resources = std::collections::BTreeMap::new();
    let fleet = crate::kind::Fleet {
        servers: &fleet,
        resources: &resources,
    };
    let text = export(&zone, "example.com", &placements, fleet, 77).unwrap();
    assert!(
        text.contains("SOA\tns.example.net. a\\.b.example.net. 77 "),
        "{text}"
    );
    let mut again = Zone::default();
    again.take_in(file::read(&text, None).unwrap(), "example.com");
    assert_eq!(
        export(&again, "example.com", &placements, fleet, 77).unwrap(),
        text
    );
    assert_eq!(again.serial, Some(77));
    assert_eq!(again.email.as_deref(), Some("a.b@example.net"));
}

#[test]
fn without_times_to_live_the_soa_has_the_default() {
    let file = |soa_ttl: &str| {
        let text = format!(
            "@ {soa_ttl} SOA ns1 hostmaster 1 1h 10m 2w 5m\na A 192.0.2.1\nb 7 A 192.0.2.1\nc A 192.0.2.1\n"
        );
        lines(&read(&text).unwrap())[1..].to_vec()
    };
    assert_eq!(
        file(""),
        ["a 300 A 192.0.2.1", "b 7 A 192.0.2.1", "c 7 A 192.0.2.1"]
    );
    assert_eq!(file("60")[0], "a - A 192.0.2.1");
}

#[test]
fn the_mailbox_of_a_master_file_may_be_any_name() {
    for (mailbox, email) in [
        ("root.localhost.", Some("root@localhost")),
        ("root", Some("root@example.com")),
        ("example.com.", Some("example@com")),
        ("root.", Some("root@.")),
        ("a\\.b.c_d.example.net.", Some("a.b@c_d.example.net")),
        ("hostmaster", None),
    ] {
        let text = format!(
            "$ORIGIN example.com.\n$TTL 1h\n@ SOA ns1.example.net. {mailbox} 1 1h 10m 2w 5m\n@ NS ns1.example.net.\n"
        );
        let mut zone = Zone::default();
        zone.take_in(file::read(&text, None).unwrap(), "example.com");
        assert_eq!(zone.email.as_deref(), email);
        let checked = zone.check("example.com").unwrap();
        let origin = Name::zone("example.com");
        assert_eq!(checked.mailbox, Name::in_file(mailbox, &origin).unwrap());
    }
}

/// What the test below once found.
#[test]
fn a_default_of_no_seconds_survives_a_file() {
    let soa = "ns1.example.com. hostmaster.example.com. 2026010100 3600 600 1209600 300";
    let set = RecordSet {
        name: "0".to_owned(),
        rtype: "SOA".to_owned(),
        ttl: None,
        values: vec![soa.to_owned()],
    };
    let text = file::write("example.com", std::slice::from_ref(&set), 0);
    let read = file::read(&text, Some("example.com")).unwrap();
    assert_eq!(read.sets, [set], "{text}");
    assert_eq!(read.ttl, Some(0));
}

/// One record as an admin could have it, with a name.
fn any_record() -> impl Strategy<Value = (String, String, String)> {
    let name = prop_oneof![
        Just("@".to_owned()),
        "[a-z0-9_]{1,8}(\\.[a-z0-9-]{1,8}){0,2}",
        "\\*\\.[a-z]{1,5}",
        "[a-z]{1,3}\\\\\\.[a-z]{1,3}",
    ];
    let value = (0..FORMS.len(), "[ -~]{0,40}").prop_map(|(at, text)| match FORMS[at].0 {
        "TXT" => (
            "TXT".to_owned(),
            form("TXT", &text).unwrap_or_else(|_| "\"x\"".to_owned()),
        ),
        rtype => (
            rtype.parse::<types::RecordType>().unwrap().to_string(),
            FORMS[at].2.to_owned(),
        ),
    });
    (name, value).prop_map(|(name, (rtype, value))| (name, rtype, value))
}

proptest! {
    /// Whatever stands in a zone is the same after it was written and read.
    #[test]
    fn sets_survive_a_file(records in prop::collection::vec((any_record(), prop::option::of(0..100_000_u32)), 0..20), default in 0..1_000_000_u32) {
        let mut sets: Vec<RecordSet> = Vec::new();
        for ((name, rtype, value), ttl) in records {
            // A master file has no word for a site.
            if value.starts_with("site:") {
                continue;
            }
            let ttl = ttl.filter(|ttl| *ttl != default);
            match sets.iter_mut().find(|set| set.name == name && set.rtype == rtype) {
                Some(set) if set.values.contains(&value) => {}
                Some(set) => set.values.push(value),
                None => sets.push(RecordSet { name, rtype, ttl, values: vec![value] }),
            }
        }
        records::sort(&mut sets);
        let text = file::write("example.com", &sets, default);
        let read = file::read(&text, Some("example.com")).unwrap();
        prop_assert_eq!(read.sets, sets, "{}", text);
        prop_assert_eq!(read.ttl, Some(default));
    }

    /// No text makes the reader fall over, and what it takes is in one form.
    #[test]
    fn any_text_is_read_or_refused(text in "(?s).{0,200}|([ -~]{0,30}\n){0,8}|(([a-z@.*$\"\\\\();0-9]{0,6}|IN|A|TXT|MX|SOA|TTL|ORIGIN|INCLUDE)[ \t\n]){0,40}") {
        if let Ok(read) = file::read(&text, Some("example.com")) {
            let written = file::write("example.com", &read.sets, read.ttl.unwrap_or(3600));
            let again = file::read(&written, None);
            prop_assert!(again.is_ok(), "{:?} of {:?}", again, written);
            prop_assert_eq!(again.unwrap().sets.len(), read.sets.len());
        }
    }
}

#[test]
fn a_text_at_the_name_of_a_server_takes_nothing_from_its_addresses() {
    let server = crate::model::Server::new("sg-1".parse().unwrap(), "192.0.2.9");
    let servers = std::collections::BTreeMap::from([(server.name.clone(), server.clone())]);
    let placements = [crate::model::Placement {
        from_trash: None,
        server: server.name,
        position: 0,
        status: crate::model::PlacementStatus::Applied,
        reason: None,
        applied_generation: 1,
    }];
    let resources = std::collections::BTreeMap::new();
    let fleet = crate::kind::Fleet {
        servers: &servers,
        resources: &resources,
    };
    let text = export(&zone(&["ns1 TXT x"]), "example.com", &placements, fleet, 1).unwrap();
    assert!(text.contains("192.0.2.9"), "{text}");
    let own = zone(&["ns1 A 192.0.2.77"]);
    let text = export(&own, "example.com", &placements, fleet, 1).unwrap();
    assert!(!text.contains("192.0.2.9"), "{text}");
}
