//! Values that would do harm in SQL, a shell, or a zone file.

use super::*;

/// What no name in a zone can be.
const NAMES: &[&str] = &[
    "",
    "\0",
    "a\nb",
    "a b\nwww A 192.0.2.9",
    "a;b",
    "a\"b",
    "a(b",
    "$INCLUDE",
    "a..b",
    ".a",
    "\u{202e}a",
    "a\u{200b}b",
    "a\\",
    "a\\300",
    "www.example.org.",
    "\u{7f}",
];

/// What no value of these types can be.
#[rustfmt::skip]
const VALUES: &[(&str, &[&str])] = &[
    ("A", &["", "2001:db8::1", "192.0.2.1'", "192.0.2.256", "1.2.3", "192.0.2.1\n", "0x7f.1", "site:", "site:a b", "site:x.y;z"]),
    ("AAAA", &["192.0.2.1", "::g", "2001:db8::1%eth0", "[2001:db8::1]"]),
    ("CNAME", &["", "a b", "a;b", "a'b'c d", "\"a\"", "mail.dc1", "a..b", "a\nb", "site:example.com"]),
    ("MX", &["mail", "65536 mail", "-1 mail", "10", "10 mail mail", "10 \"mail\"", "1 ."]),
    ("TXT", &["a\0b", "a\nb", "\"open", "\"a\" b\"", "a\u{202e}\r"]),
    ("SRV", &["1 2 sip", "1 2 3 4 5", "1 2 99999 sip"]),
    ("CAA", &["0 issue", "1 issue \"x\"", "0 is-sue x", "0 issue \"x\" y"]),
    ("DS", &["1 2 3", "1 13 2 abc", "1 13 2 abcd", "x 13 2 abcd"]),
    ("SSHFP", &["4 2 abcd", "4 1 xyz"]),
    ("TLSA", &["4 1 1 abcd", "3 2 1 abcd", "3 1 3 abcd", "3 1 1 abcd"]),
    ("OPENPGPKEY", &["", "a b c", "====", "*"]),
    ("HTTPS", &["1", "x .", "1 . alpn=", "1 . port=99999", "1 . foo=1", "1 . alpn=h2 alpn=h3", "0 . alpn=h2", "1 . mandatory=port", "1 . no-default-alpn", "1 . ipv4hint=::1", "1 . alpn=h2;drop", "1 . key65535=x"]),
    ("LOC", &["", "91 N 0 E 0m", "1 60 N 0 E 0m", "1 N 181 E 0m", "1 N 1 E", "1 N 1 E 0m 0m 0m 0m 0m", "NaN N 1 E 0m", "1 N 1 E 1e9m"]),
    ("NAPTR", &["1 2 U", "1 2 U x y", "1 2 U x y z w"]),
    ("URI", &["1 1", "1 1 \"\"", "1 x \"y\""]),
    ("SOA", &["ns1 h 1 2 3 4", "ns1 h 4294967296 1 2 3 4", "ns1 h 1 1x 2 3 4"]),
    ("TYPE65280", &["abcd", "\\# 2 abc", "\\# 3 abcd", "\\# 2 wxyz"]),
    ("A", &["\\# 4 0a000001"]),
];

#[test]
fn hostile_names_are_refused() {
    for name in NAMES {
        let values = ["192.0.2.1".to_owned()];
        let refused = Typed::read("example.com", name, "A", &values, None, None);
        assert!(refused.is_err(), "{name:?} was taken");
        for problem in refused.unwrap_err().problems {
            assert!(
                !problem.message.contains(['\n', '\0', '\u{202e}']),
                "{problem:?}"
            );
        }
    }
}

#[test]
fn hostile_values_are_refused() {
    for (rtype, values) in VALUES {
        for value in *values {
            let refused = Typed::read(
                "example.com",
                "www",
                rtype,
                &[(*value).to_owned()],
                None,
                None,
            );
            assert!(refused.is_err(), "{rtype} {value:?} was taken: {refused:?}");
        }
    }
    for rtype in [
        "",
        "ANY",
        "AXFR",
        "SPF",
        "RRSIG",
        "TYPE0",
        "TYPE255",
        "TYPE65536",
        "TYPE-1",
        "A;B",
        "DNSKEY",
        "TYPE46",
    ] {
        assert!(
            Typed::read("example.com", "www", rtype, &["x".to_owned()], None, None).is_err(),
            "{rtype}"
        );
    }
    for ttl in ["-1", "2147483648", "1x", "", "1h30", "1.5h"] {
        assert!(
            Typed::read(
                "example.com",
                "www",
                "A",
                &["192.0.2.1".to_owned()],
                Some(ttl),
                None
            )
            .is_err(),
            "{ttl}"
        );
    }
}

#[test]
fn stored_records_that_somebody_wrote_by_hand_are_refused() {
    for (name, rtype, value) in [
        ("www", "A", "192.0.2.1'); drop table domains; --"),
        ("WWW", "A", "192.0.2.1"),
        ("www.example.com.", "A", "192.0.2.1"),
        ("a b", "A", "192.0.2.1"),
        ("www", "a", "192.0.2.01"),
        ("www", "CNAME", "example.net"),
        ("www", "TXT", "x"),
    ] {
        let zone = Zone {
            records: vec![RecordSet {
                name: name.to_owned(),
                rtype: rtype.to_owned(),
                ttl: None,
                values: vec![value.to_owned()],
            }],
            ..Zone::default()
        };
        assert!(zone.check("example.com").is_err(), "{name} {rtype} {value}");
    }
}

#[test]
fn names_that_the_server_would_not_serve_are_refused() {
    for name in ["o'brien", "a,b", "a%b", "{a}", "a~b", "a+b", "a!b"] {
        let found = problems(&[&format!("{name} A 192.0.2.1")]);
        assert_eq!(found.len(), 1, "{name}: {found:?}");
    }
}

#[test]
fn hostile_settings_are_refused() {
    let refused = |change: &dyn Fn(&mut Zone)| {
        let mut zone = Zone::default();
        change(&mut zone);
        assert!(zone.check("example.com").is_err(), "{zone:?}");
    };
    for email in [
        "",
        "a",
        "@b.com",
        "a b@example.com",
        "a@b@example.com\n",
        "a;@example.com",
        "a@",
        "a@b..com",
        "a@b c.com",
        "a@b\\.com",
    ] {
        refused(&|zone| zone.email = Some(email.to_owned()));
    }
    for ns in [
        "",
        "a b",
        "ns1",
        "_a.example.net",
        "ns.dc1",
        "-a.example.net",
        "a'.example.net",
    ] {
        refused(&|zone| zone.ns = vec![ns.to_owned()]);
    }
    for time in ["", "-1", "1y", "99999999999", "1;2"] {
        refused(&|zone| zone.refresh = Some(time.to_owned()));
    }
    for server in ["", "A", "a b", "$(id)"] {
        refused(&|zone| zone.secondary = vec![server.to_owned()]);
    }
    for name in [
        "",
        "com",
        "a b.com",
        "example.com;",
        "a..in-addr.arpa",
        "$x.in-addr.arpa",
        "1.2.3.4",
        "*.example.com",
    ] {
        assert!(check::zone_name(name).is_err(), "{name}");
    }
    for name in [
        "2.0.192.in-addr.arpa",
        "0-25.2.0.192.in-addr.arpa",
        "0/25.2.0.192.in-addr.arpa",
        "8.b.d.0.1.0.0.2.ip6.arpa",
        "Example.COM.",
    ] {
        assert!(check::zone_name(name).is_ok(), "{name}");
    }
}
