//! Zones on PowerDNS, asked with `dig`: records, transfers between servers, signatures, guards, what comes back.

use std::thread;
use std::time::{Duration, Instant};

use crate::world::{Running, World, expect_quick, expect_words};

/// Servers with the role `dns`: the first is Debian 12, the second Debian 13.
fn name_servers(servers: &[&str]) -> Option<World> {
    let world = World::with(servers, |inventory| {
        inventory.replace("capacity = 50", "capacity = 500")
    })?;
    for server in servers {
        world
            .fleet(&format!("setup-server {server} --role dns"))
            .expect(0);
    }
    Some(world)
}

/// The answers of a server to a question over its own loopback.
fn dig(world: &World, server: &str, question: &str) -> String {
    world.sh(
        server,
        &format!("dig +short +tries=1 +time=2 @127.0.0.1 {question} | sort"),
    )
}

/// Waits until a server gives this answer.
#[track_caller]
fn expect_answer(world: &World, server: &str, question: &str, answer: &str) {
    let began = Instant::now();
    loop {
        let said = dig(world, server, question);
        if said == answer {
            return;
        }
        assert!(
            began.elapsed() < Duration::from_secs(60),
            "`{question}` on {server}: `{said}`, not `{answer}`"
        );
        thread::sleep(Duration::from_millis(100));
    }
}

fn serial(world: &World, server: &str) -> u32 {
    let soa = dig(world, server, "example.com SOA");
    let serial = soa.split(' ').nth(2).and_then(|word| word.parse().ok());
    serial.unwrap_or_else(|| panic!("the SOA on {server}: `{soa}`"))
}

/// From now on PowerDNS takes no orders on lab-1.
fn break_pdns(world: &World) {
    world.sh(
        "lab-1",
        "printf '#!/bin/sh\\necho no >&2\\nexit 1\\n' >/usr/local/sbin/pdns_control && chmod 755 /usr/local/sbin/pdns_control",
    );
}

/// It takes them again.
fn mend_pdns(world: &World) {
    world.sh(
        "lab-1",
        "rm /usr/local/sbin/pdns_control; pdns_control purge >/dev/null",
    );
}

/// What the primary refuses, the secondary has no part in.
fn expect_no_part_in_what_is_refused(world: &World) {
    let refused = world
        .fleet("set-zone example.com --secondaries 0 --transfer-key 3")
        .expect(3);
    expect_words(
        &refused.stderr,
        &["name servers of the zone itself change", "--force"],
    );
    for server in ["lab-1", "lab-2"] {
        expect_answer(world, server, "mail.example.com A", "192.0.2.13");
    }
    world.expect_settled();
}

#[test]
fn a_zone_is_served_by_two_servers_and_follows_each_change() {
    let Some(world) = name_servers(&["lab-1", "lab-2"]) else {
        return;
    };
    world
        .fleet("add-zone example.com --server lab-1 --secondaries 1 --address 192.0.2.10")
        .expect(0);
    for server in ["lab-1", "lab-2"] {
        expect_answer(&world, server, "example.com A", "192.0.2.10");
        expect_answer(&world, server, "www.example.com CNAME", "example.com.");
        let second = world.lab.address(12);
        expect_answer(&world, server, "ns2.example.com A", &second);
    }
    world.expect_settled();
    let before = serial(&world, "lab-1");
    assert_eq!(before, serial(&world, "lab-2"));

    // Notice and transfer, both signed.
    world
        .fleet("add-record example.com @ MX mail --priority 10 --stage")
        .expect(0);
    world
        .fleet("add-record example.com mail A 192.0.2.11 192.0.2.12 --ttl 5m")
        .expect(0);
    for server in ["lab-1", "lab-2"] {
        expect_answer(&world, server, "example.com MX", "10 mail.example.com.");
        expect_answer(
            &world,
            server,
            "mail.example.com A",
            "192.0.2.11\n192.0.2.12",
        );
    }
    let after = serial(&world, "lab-1");
    assert!(after > before, "{after} after {before}");
    world.expect_settled();
    assert_eq!(
        serial(&world, "lab-1"),
        after,
        "a second run counts nothing"
    );
    // What is undone is undone on both, with a serial that has grown again.
    let changed = world.json("set-record example.com mail A 192.0.2.99", 0);
    expect_answer(&world, "lab-2", "mail.example.com A", "192.0.2.99");
    world.fleet(&format!("undo {}", changed["task"])).expect(0);
    for server in ["lab-1", "lab-2"] {
        expect_answer(
            &world,
            server,
            "mail.example.com A",
            "192.0.2.11\n192.0.2.12",
        );
    }
    assert!(serial(&world, "lab-2") > after + 1);
    let ttl = world.sh("lab-2", "dig +noall +answer @127.0.0.1 mail.example.com A | head -n 1 | tr -s '\\t' ' ' | cut -d ' ' -f 2");
    assert_eq!(ttl, "300");

    // Nobody else gets it, and over the address of a server not without the key.
    let first = world.lab.address(11);
    let refused = world.sh(
        "lab-2",
        &format!("dig +tries=1 +time=2 @{first} example.com AXFR | grep -c SOA || :"),
    );
    assert_eq!(refused, "0", "a transfer without the key");
    let wrong = world.sh(
        "lab-2",
        &format!("dig +tries=1 +time=2 -y hmac-sha256:fleet-1.example.com:d3Jvbmc= @{first} example.com AXFR | grep -c SOA || :"),
    );
    assert_eq!(wrong, "0", "a transfer with another key");

    // A new key: both are taken for a while, and the transfers go on.
    world
        .fleet("set-zone example.com --transfer-key 2")
        .expect(0);
    world
        .fleet("set-record example.com mail A 192.0.2.13")
        .expect(0);
    expect_answer(&world, "lab-2", "mail.example.com A", "192.0.2.13");
    let keys = world.sh(
        "lab-2",
        "sqlite3 /var/lib/powerdns/pdns.sqlite3 'select name from tsigkeys'",
    );
    assert_eq!(keys, "fleet-2.example.com");
    world.expect_settled();

    expect_no_part_in_what_is_refused(&world);

    // Suspended, it is unknown on both, and comes back as it was.
    world.fleet("suspend-zone example.com").expect(0);
    for server in ["lab-1", "lab-2"] {
        expect_answer(&world, server, "mail.example.com A", "");
    }
    world.expect_settled();
    world.fleet("resume-zone example.com").expect(0);
    for server in ["lab-1", "lab-2"] {
        expect_answer(&world, server, "mail.example.com A", "192.0.2.13");
    }
    world.fleet("remove-zone example.com --yes").expect(0);
    for server in ["lab-1", "lab-2"] {
        expect_answer(&world, server, "example.com SOA", "");
        let left = world.sh(
            server,
            "sqlite3 /var/lib/powerdns/pdns.sqlite3 'select count(*) from domains, records, tsigkeys, domainmetadata'",
        );
        assert_eq!(left, "0");
        world.expect_tidy(server);
    }
}

/// A zone with a record of every type, and with names that mean something elsewhere.
const EVERY_TYPE: &str = r#"$ORIGIN example.com.
$TTL 1h
@ SOA ns1.example.net. a\.b.example.net. 2099010100 1h 10m 2w 5m
@ NS ns1.example.net.
@ NS ns2.example.net.
a A 192.0.2.1
aaaa AAAA 2001:db8::1
caa CAA 0 issue "letsencrypt.org"
cname CNAME a
dname DNAME example.org.
sub NS ns1.example.net.
sub DS 12345 13 2 3490a6806d47f17a34c29e2ce80e8a999ffbe4be8fdc83f8a4f1a4b5a3b5a7c8
https HTTPS 1 . alpn=h2,h3 port=8443 ipv4hint=192.0.2.1 key7="/dns{?dns}"
loc LOC 51 30 12.748 N 0 7 39.611 W 0m
mx MX 10 a
naptr NAPTR 100 10 "U" "E2U+sip" "!^.*$!sip:info@example.com!" .
openpgpkey OPENPGPKEY aGVsbG8=
ptr PTR a
_sip._tcp SRV 10 5 5060 a
sshfp SSHFP 4 1 abcdef0123456789abcdef0123456789abcdef01
svcb SVCB 0 a
_443._tcp TLSA 3 1 0 0a0b
txt TXT "it's; a \"test\" \\ \195\164 $(id) `id` '; drop table domains; --" "two"
uri URI 10 1 "https://example.com/"
type TYPE65280 \# 4 0a000001
*.wild A 192.0.2.2
x.deep.between A 192.0.2.3
a\032b A 192.0.2.4
a\.b/c:d\@e A 192.0.2.5
"#;

/// What is answered for it.
const ANSWERS: &[(&str, &str)] = &[
    ("a.example.com A", "192.0.2.1"),
    ("aaaa.example.com AAAA", "2001:db8::1"),
    ("caa.example.com CAA", "0 issue \"letsencrypt.org\""),
    ("cname.example.com CNAME", "a.example.com."),
    ("dname.example.com DNAME", "example.org."),
    // Made for each name below it.
    (
        "www.dname.example.com CNAME",
        "example.org.\nwww.example.org.",
    ),
    (
        "https.example.com HTTPS",
        "1 . alpn=\"h2,h3\" port=8443 ipv4hint=192.0.2.1 key7=\"/dns{?dns}\"",
    ),
    (
        "loc.example.com LOC",
        "51 30 12.748 N 0 7 39.611 W 0.00m 1m 10000m 10m",
    ),
    ("mx.example.com MX", "10 a.example.com."),
    (
        "naptr.example.com NAPTR",
        "100 10 \"U\" \"E2U+sip\" \"!^.*$!sip:info@example.com!\" .",
    ),
    ("openpgpkey.example.com OPENPGPKEY", "aGVsbG8="),
    ("ptr.example.com PTR", "a.example.com."),
    ("_sip._tcp.example.com SRV", "10 5 5060 a.example.com."),
    (
        "sshfp.example.com SSHFP",
        "4 1 ABCDEF0123456789ABCDEF0123456789ABCDEF01",
    ),
    ("svcb.example.com SVCB", "0 a.example.com."),
    ("_443._tcp.example.com TLSA", "3 1 0 0A0B"),
    (
        "txt.example.com TXT",
        "\"it's; a \\\"test\\\" \\\\ \\195\\164 $(id) `id` '; drop table domains; --\" \"two\"",
    ),
    ("uri.example.com URI", "10 1 \"https://example.com/\""),
    ("type.example.com TYPE65280", "\\# 4 0A000001"),
    ("any.wild.example.com A", "192.0.2.2"),
    ("'a\\032b.example.com' A", "192.0.2.4"),
    ("'a\\.b/c:d\\@e.example.com' A", "192.0.2.5"),
];

#[test]
fn every_type_is_served_as_it_was_typed() {
    let Some(world) = name_servers(&["lab-1", "lab-2"]) else {
        return;
    };
    world.home.write("db.example.com", EVERY_TYPE);
    world
        .fleet("import-zone db.example.com --server lab-2 --secondary lab-1")
        .expect(0);
    // The serial goes on where the old server was.
    assert_eq!(serial(&world, "lab-2"), 2_099_010_101);
    for server in ["lab-1", "lab-2"] {
        for (question, answer) in ANSWERS {
            expect_answer(&world, server, question, answer);
        }
    }
    // A name between others is there and has nothing; below a delegation only the child answers.
    let between = world.sh(
        "lab-2",
        "dig @127.0.0.1 between.example.com A | grep -o 'status: [A-Z]*'",
    );
    assert_eq!(between, "status: NOERROR");
    let referral = world.sh("lab-2", "dig +noall +authority @127.0.0.1 x.sub.example.com A | tr -s '\\t' ' ' | cut -d ' ' -f 4,5");
    expect_words(&referral, &["NS ns1.example.net."]);
    assert_eq!(
        world.sh(
            "lab-2",
            "pdnsutil check-zone example.com | grep -c Error || :"
        ),
        "0"
    );

    // What is exported is the same again.
    let exported = world.fleet("export-zone example.com").expect(0).stdout;
    world.home.write("again", &exported);
    let again = world.fleet("import-zone again --dry-run").expect(0);
    expect_words(&again.stderr, &["nothing to do"]);
    world.expect_settled();
}

#[test]
fn what_somebody_changed_is_seen_and_a_large_change_wants_somebody_who_insists() {
    let Some(world) = name_servers(&["lab-1"]) else {
        return;
    };
    world
        .fleet("add-zone example.com --address 192.0.2.10")
        .expect(0);
    for number in 1..=10 {
        world
            .fleet(&format!(
                "add-record example.com h{number} A 192.0.2.{number} --stage"
            ))
            .expect(0);
    }
    world.fleet("apply").expect(0);
    let before = serial(&world, "lab-1");

    // Somebody edits it on the server.
    world.sh(
        "lab-1",
        "pdnsutil add-record example.com. intruder A 300 198.51.100.1 >/dev/null",
    );
    let plan = world.fleet("plan --diff --detailed-exitcode").expect(6);
    expect_words(
        &plan.stdout,
        &[
            "zone example.com",
            "intruder.example.com. 300 A 198.51.100.1",
        ],
    );
    world.fleet("apply").expect(1);
    expect_answer(&world, "lab-1", "intruder.example.com A", "198.51.100.1");
    world.fleet("apply --force").expect(0);
    expect_answer(&world, "lab-1", "intruder.example.com A", "");
    assert!(serial(&world, "lab-1") > before);
    world.expect_settled();

    // More than three in ten, and the name servers.
    let here = world.lab.address(11);
    world.home.write("small", &format!("$ORIGIN example.com.\n@ SOA ns1 hostmaster 1 1h 10m 2w 5m\n@ NS ns1\nns1 A {here}\nh1 A 192.0.2.1\n"));
    let refused = world.fleet("import-zone small").expect(1);
    expect_words(
        &refused.stderr,
        &["records are changed or deleted", "--force"],
    );
    expect_answer(&world, "lab-1", "h2.example.com A", "192.0.2.2");
    // The wish is not kept.
    world.expect_settled();
    let refused = world
        .fleet("set-zone example.com --ns ns1.example.net")
        .expect(1);
    expect_words(
        &refused.stderr,
        &["the name servers of the zone itself change", "--force"],
    );
    world.fleet("remove-record example.com h1 A").expect(0);
    world.fleet("import-zone small --force").expect(0);
    expect_answer(&world, "lab-1", "h2.example.com A", "");
    expect_answer(&world, "lab-1", "h1.example.com A", "192.0.2.1");
    world.expect_settled();
    world.expect_tidy("lab-1");
}

#[test]
fn a_change_that_fails_is_undone_with_a_serial_that_secondaries_notice() {
    let Some(world) = name_servers(&["lab-1", "lab-2"]) else {
        return;
    };
    world
        .fleet(
            "add-zone example.com --server lab-1 --secondaries 1 --address 192.0.2.10 --dnssec on",
        )
        .expect(0);
    let ds = world.fleet("show-zone example.com --ds").expect(0).stdout;
    let before = serial(&world, "lab-1");
    break_pdns(&world);
    world
        .fleet("set-record example.com @ A 192.0.2.99")
        .expect(3);
    world
        .fleet("add-zone other.example --server lab-1")
        .expect(1);
    mend_pdns(&world);
    for server in ["lab-1", "lab-2"] {
        expect_answer(&world, server, "example.com A", "192.0.2.10");
    }
    assert_eq!(dig(&world, "lab-1", "other.example SOA"), "");
    assert!(serial(&world, "lab-1") > before, "{before}");
    let again = world.fleet("show-zone example.com --ds").expect(0).stdout;
    assert_eq!(again, ds, "the keys are there again");
    world.expect_settled();
    world.expect_tidy("lab-1");
}

#[test]
fn a_signed_zone_validates_on_every_server_with_the_ds_that_is_shown() {
    let Some(world) = name_servers(&["lab-1", "lab-2"]) else {
        return;
    };
    world
        .fleet(
            "add-zone example.com --server lab-1 --secondaries 1 --address 192.0.2.10 --dnssec on",
        )
        .expect(0);
    world
        .fleet("add-record example.com a.b.c TXT deep")
        .expect(0);
    // Suspended and back it has the same keys.
    world.fleet("suspend-zone example.com").expect(0);
    for server in ["lab-1", "lab-2"] {
        expect_answer(&world, server, "example.com SOA", "");
    }
    world.expect_settled();
    world.fleet("resume-zone example.com").expect(0);
    expect_answer(&world, "lab-2", "example.com A", "192.0.2.10");
    world.expect_settled();
    let ds = world.fleet("show-zone example.com --ds").expect(0).stdout;
    let digest = ds
        .lines()
        .find(|line| line.contains(" 13 2 "))
        .expect("a DS with SHA-256");
    // A validator that trusts this DS alone.
    let words: Vec<&str> = digest.split_whitespace().collect();
    let at = words.iter().position(|word| *word == "DS").expect("DS");
    let anchor = format!(
        "trust-anchors {{ example.com. static-ds {} {} {} \\\"{}\\\"; }};",
        words[at + 1],
        words[at + 2],
        words[at + 3],
        words[at + 4..].concat()
    );
    for server in ["lab-1", "lab-2"] {
        expect_answer(&world, server, "a.b.c.example.com TXT", "\"deep\"");
        world.sh(server, &format!("echo \"{anchor}\" >/tmp/anchor"));
        for question in [
            "example.com A",
            "a.b.c.example.com TXT",
            "www.example.com CNAME",
        ] {
            let said = world.sh(
                server,
                &format!("delv -a /tmp/anchor +root=example.com @127.0.0.1 {question} 2>&1"),
            );
            expect_words(&said, &["; fully validated"]);
        }
        let absent = world.sh(
            server,
            "delv -a /tmp/anchor +root=example.com @127.0.0.1 nothing.example.com A 2>&1 || :",
        );
        expect_words(&absent, &["negative response, fully validated"]);
    }
    world.expect_settled();
    let before = serial(&world, "lab-1");
    world.fleet("set-zone example.com --dnssec off").expect(0);
    expect_answer(&world, "lab-1", "example.com DNSKEY", "");
    expect_answer(&world, "lab-2", "example.com DNSKEY", "");
    assert!(serial(&world, "lab-1") > before, "the serial grows");
    // Signed again, it is by the same key: the parent need not change.
    world.fleet("set-zone example.com --dnssec on").expect(0);
    assert_eq!(
        world.fleet("show-zone example.com --ds").expect(0).stdout,
        ds
    );
    // The parent's DS names keys that only the server had: they come back with the zone.
    let removed = world.json("remove-zone example.com --yes", 0);
    assert_eq!(dig(&world, "lab-1", "example.com SOA"), "");
    world.fleet(&format!("undo {}", removed["task"])).expect(0);
    assert_eq!(
        world.fleet("show-zone example.com --ds").expect(0).stdout,
        ds
    );
    expect_answer(&world, "lab-2", "example.com A", "192.0.2.10");
    world.expect_settled();
}

#[test]
fn a_record_follows_its_site_and_a_hundred_zones_are_looked_at_in_a_moment() {
    let Some(world) = name_servers(&["lab-1"]) else {
        return;
    };
    world.fleet("add-site example.com").expect(0);
    world
        .fleet("add-zone example.com --address site:example.com")
        .expect(0);
    let (v4, v6) = (world.lab.address(11), world.lab.address6(11));
    expect_answer(&world, "lab-1", "example.com A", &v4);
    expect_answer(&world, "lab-1", "example.com AAAA", &v6);
    let address = world
        .home
        .read("inventory.toml")
        .replace(&format!("ipv4 = \"{v4}\""), "ipv4 = \"192.0.2.77\"");
    world.home.write("inventory.toml", &address);
    world.fleet("apply").expect(0);
    expect_answer(&world, "lab-1", "example.com A", "192.0.2.77");

    // A removal that the server refuses stays recorded as a whole: no record is left that follows what is gone.
    world.fleet("add-site staged.example --stage").expect(0);
    world
        .fleet("add-record example.com staged A site:staged.example")
        .expect(0);
    break_pdns(&world);
    let refused = world
        .fleet("remove-site staged.example --cascade --yes")
        .expect(1);
    expect_words(&refused.stderr, &["it stays recorded"]);
    mend_pdns(&world);
    world.fleet("apply").expect(0);
    expect_answer(&world, "lab-1", "staged.example.com A", "");
    world.expect_settled();

    for number in 0..100 {
        world
            .fleet(&format!(
                "add-zone z{number}.example --address 192.0.2.10 --template mail --stage"
            ))
            .expect(0);
    }
    world.fleet("apply").expect(0);
    expect_answer(&world, "lab-1", "mail.z99.example A", "192.0.2.10");
    expect_quick(Duration::from_secs(2), || {
        let again = world.json("apply", 0);
        assert_eq!(again["servers"][0]["outcome"], "unchanged", "{again:#}");
    });
    world.expect_tidy("lab-1");
}

#[test]
fn a_bare_server_becomes_a_name_server_that_listens_on_port_53_alone() {
    let Some(world) = World::with(&["lab-3"], |inventory| {
        inventory.replace("roles = [\"web\"]", "")
    }) else {
        return;
    };
    world.fleet("add-zone example.com").expect(4);
    world.fleet("setup-server lab-3 --role dns").expect(0);
    let again = world.json("setup-server lab-3 --role dns", 0);
    assert_eq!(again["servers"][0]["outcome"], "unchanged", "{again:#}");
    world
        .fleet("add-zone example.com --address 192.0.2.10")
        .expect(0);
    expect_answer(
        &world,
        "lab-3",
        "www.example.com A",
        "192.0.2.10\nexample.com.",
    );
    // Loopback and sshd aside.
    let listening = world.sh(
        "lab-3",
        "ss -Hlnt | grep -v ':22 ' | awk '{print $4}' | sort",
    );
    assert_eq!(listening, "0.0.0.0:53\n[::]:53");
    let readable = world.sh("lab-3", "stat -c '%U %a' /var/lib/powerdns/pdns.sqlite3");
    assert_eq!(readable, "pdns 640");
    world.expect_settled();
}

#[test]
fn a_secondary_that_no_notice_reaches_is_told_to_follow() {
    let Some(world) = name_servers(&["lab-1", "lab-2"]) else {
        return;
    };
    let zone = "add-zone example.com --server lab-1 --secondaries 1 --address 192.0.2.10 --stage";
    world.fleet(zone).expect(0);
    // It asks before there is anything, and is not told when there is.
    world.sh(
        "lab-2",
        "nft 'add table inet deaf; add chain inet deaf in { type filter hook input priority -300; }; \
            add rule inet deaf in udp dport 53 iifname != lo drop'",
    );
    world.fleet("apply --server lab-2").expect(0);
    world.fleet("apply --server lab-1").expect(0);
    assert_eq!(serial(&world, "lab-1"), serial(&world, "lab-2"));
    assert_eq!(dig(&world, "lab-2", "example.com A"), "192.0.2.10");
    world
        .fleet("set-record example.com @ A 192.0.2.11")
        .expect(0);
    assert_eq!(dig(&world, "lab-2", "example.com A"), "192.0.2.11");

    // Who lags is told.
    let own = serial(&world, "lab-2");
    world.sh(
        "lab-2",
        &format!(
            "sqlite3 /var/lib/powerdns/pdns.sqlite3 \"update records set content = replace(content, ' {own} ', ' {} ')\" && \
                pdns_control purge",
            own - 1
        ),
    );
    let shown = world.json("show-zone example.com", 0);
    let live = &shown["zone"]["live"];
    assert_eq!(live["lab-1"]["lags"], false, "{live:#}");
    assert_eq!(live["lab-2"]["lags"], true, "{live:#}");
    assert_eq!(live["lab-2"]["serial"], (own - 1).to_string());
    assert!(live["lab-1"].get("_sample").is_none(), "{live:#}");
    let shown = world.fleet("show-zone example.com").expect(0).stdout;
    expect_words(&shown, &[&format!("lab-2   {}  lags behind", own - 1)]);

    // Whoever waits for one that cannot follow need not wait to the end.
    world.sh(
        "lab-2",
        "nft 'add chain inet deaf out { type filter hook output priority 0; }; \
            add rule inet deaf out tcp dport 53 oifname != lo drop'",
    );
    let before = serial(&world, "lab-1");
    let change = Running::start(world.command("set-record example.com @ A 192.0.2.12"));
    while serial(&world, "lab-1") == before {
        thread::sleep(Duration::from_millis(100));
    }
    let changed = Instant::now();
    thread::sleep(Duration::from_millis(500));
    change.interrupt();
    let ended = change.outcome(&world).expect(3);
    assert!(changed.elapsed() < Duration::from_secs(8), "{ended}");
    expect_words(
        &ended.stderr,
        &["`lab-2` lags behind with zone example.com"],
    );
}

#[test]
fn a_name_server_is_asked_where_it_listens_and_its_configuration_may_have_remarks() {
    let Some(world) = name_servers(&["lab-1"]) else {
        return;
    };
    world
        .fleet("add-zone example.com --server lab-1 --address 192.0.2.10")
        .expect(0);
    let address = world.lab.address(11);
    for (at, config) in [
        format!("local-address={address} # the public one"),
        "local-port=5300".to_owned(),
        "gsqlite3-database=/var/lib/powerdns/pdns.sqlite3  # of all zones ".to_owned(),
    ]
    .iter()
    .enumerate()
    {
        world.sh(
            "lab-1",
            &format!(
                "printf '%s\\n' '{config}' >/etc/powerdns/pdns.d/own.conf && systemctl restart pdns"
            ),
        );
        world
            .fleet(&format!("add-record example.com host{at} A 192.0.2.{at}"))
            .expect(0);
        let shown = world.fleet("show-zone example.com").expect(0);
        expect_words(&shown.stdout, &["serial  20"]);
    }
    // One that is stopped is not passed over.
    world.sh("lab-1", "systemctl stop pdns");
    let shown = world.fleet("show-zone example.com").expect(0);
    expect_words(&shown.stdout, &["on lab-1", "tells nothing of it"]);
}
