//! `add-site --dns` as it is recorded: the records of a new site in the zones that hold its names.

mod support;

use support::environment::{Environment, Outcome};

fn environment() -> Environment {
    let environment = Environment::new();
    environment.write(
        "inventory.toml",
        "[servers.sg-1]\naddress = \"192.0.2.1\"\nipv6 = [\"2001:db8::1\"]\n",
    );
    environment
}

fn stage(environment: &Environment, words: &str) -> Outcome {
    environment.fleet(words.split_whitespace().chain(["--stage", "--yes"]))
}

fn records(environment: &Environment, zone: &str) -> Vec<String> {
    let shown = environment
        .fleet(["show-zone", zone, "--recorded", "--json"])
        .expect(0)
        .json();
    let sets = shown["zone"]["spec"]["records"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    let text = |set: &serde_json::Value, field: &str| set[field].as_str().unwrap_or("").to_owned();
    sets.iter()
        .map(|set| {
            format!(
                "{} {} {}",
                text(set, "name"),
                text(set, "type"),
                set["values"][0]
            )
        })
        .collect()
}

#[test]
fn the_names_of_a_new_site_follow_it_in_the_zones_that_hold_them() {
    let environment = environment();
    stage(&environment, "add-zone example.com").expect(0);
    stage(&environment, "add-zone shop.example.com").expect(0);
    stage(
        &environment,
        "add-site example.com --alias blog.example.com,www.shop.example.com --dns",
    )
    .expect(0);
    let own = records(&environment, "example.com");
    for record in [
        "@ A \"site:example.com\"",
        "@ AAAA \"site:example.com\"",
        "www A \"site:example.com\"",
        "blog AAAA \"site:example.com\"",
    ] {
        assert!(own.iter().any(|there| there == record), "{record}: {own:?}");
    }
    // The longest zone that holds a name has it.
    assert!(!own.iter().any(|there| there.contains("shop")), "{own:?}");
    let shop = records(&environment, "shop.example.com");
    assert_eq!(
        shop,
        [
            "www A \"site:example.com\"",
            "www AAAA \"site:example.com\""
        ]
    );
    // The same again changes nothing, and one undo takes both away.
    let same = "add-site example.com --alias blog.example.com,www.shop.example.com --dns";
    stage(&environment, same).expect(0);
    assert_eq!(records(&environment, "shop.example.com"), shop);
    stage(&environment, "undo 3").expect(0);
    assert_eq!(records(&environment, "shop.example.com"), [] as [&str; 0]);
    // Whether it is anywhere is known when its server was asked.
    let gone = environment.fleet(["show-site", "example.com", "--json"]);
    assert!(gone.expect(0).stdout.contains("\"removing\""));
}

#[test]
fn what_is_in_the_way_is_said_all_at_once_and_nothing_is_recorded() {
    let environment = environment();
    stage(&environment, "add-zone example.com").expect(0);
    stage(&environment, "add-record example.com www A 192.0.2.99").expect(0);
    let refused = stage(
        &environment,
        "add-site example.com --alias example.org --dns",
    )
    .expect(2);
    for said in [
        "no zone of the fleet holds `example.org`",
        "`www A` is there already: 192.0.2.99",
    ] {
        assert!(refused.stderr.contains(said), "{said}: {refused}");
    }
    environment.fleet(["show-site", "example.com"]).expect(2);
    assert_eq!(
        records(&environment, "example.com"),
        ["www A \"192.0.2.99\""]
    );
}

#[test]
fn a_record_that_is_there_is_added_again_without_a_word() {
    let environment = environment();
    stage(&environment, "add-zone example.com").expect(0);
    let add = "add-record example.com www A 192.0.2.10";
    for _ in 0..2 {
        stage(&environment, add).expect(0);
    }
    stage(
        &environment,
        "add-record example.com www A 192.0.2.10 192.0.2.11 --ttl 5m",
    )
    .expect(2);
    assert_eq!(
        records(&environment, "example.com"),
        ["www A \"192.0.2.10\""]
    );
    stage(&environment, "set-record example.com www A --ttl 5m").expect(0);
    for words in [add.to_owned(), format!("{add} --ttl 300")] {
        stage(&environment, &words).expect(0);
    }
    let other = stage(&environment, &format!("{add} --ttl 1h")).expect(2);
    for said in ["is there already, with another time to live", "set-record"] {
        assert!(other.stderr.contains(said), "{other}");
    }
    for name in ["www", "www.example.com", "WWW.example.com."] {
        let list = environment
            .fleet(["list-records", "example.com", name, "--type", "a"])
            .expect(0);
        assert!(list.stdout.contains("192.0.2.10"), "{list}");
    }
    let no_type = environment
        .fleet(["list-records", "example.com", "--type", "AA"])
        .expect(2);
    assert!(no_type.stderr.contains("one of A "), "{no_type}");
}

#[test]
fn what_an_import_would_not_do_to_a_zone_that_is_there_is_refused() {
    let environment = environment();
    environment.write(
        "db",
        "$ORIGIN example.com.\n$TTL 1h\n@ SOA ns1 root.localhost. 1 1h 10m 2w 5m\nwww A 192.0.2.7\n",
    );
    stage(&environment, "import-zone db --server sg-1").expect(0);
    stage(&environment, "import-zone db --server sg-1 --secondaries 0").expect(0);
    let moved = "import-zone db --server sg-2 --secondaries 1 --secondary sg-2";
    let refused = stage(&environment, moved).expect(2);
    for said in [
        "`--server` is for a new one",
        "it is on `sg-1`",
        "`--secondaries` is for a new one",
        "fleet set-zone example.com --secondaries 1",
        "fleet set-zone example.com --secondary sg-2",
    ] {
        assert!(refused.stderr.contains(said), "{said}: {refused}");
    }
}

#[test]
fn the_servers_of_a_zone_change_without_its_key_and_what_they_cannot_be_is_said() {
    let environment = environment();
    let server = |n: u8| format!("[servers.sg-{n}]\naddress = \"192.0.2.{n}\"\n");
    let inventory: String = (1..=3).map(server).collect();
    environment.write("inventory.toml", &inventory);
    let add = "add-zone tk.test --server sg-1 --secondaries 1 --transfer-key 2";
    stage(&environment, add).expect(0);
    stage(&environment, "set-zone tk.test --secondaries 2").expect(0);
    stage(
        &environment,
        "set-zone tk.test --secondary sg-3 --secondaries 1",
    )
    .expect(0);
    let shown = environment.fleet(["show-zone", "tk.test", "--recorded", "--json"]);
    let keys = &shown.expect(0).json()["zone"]["spec"]["keys"];
    assert_eq!(keys[1]["number"], 2, "{keys}");

    let refused = stage(
        &environment,
        "add-zone x.test --server sg-1 --secondary sg-2,nosuch",
    );
    assert!(refused.expect(2).stderr.contains("nosuch"));
    let refused = stage(&environment, "add-zone x.test --secondaries 5").expect(4);
    for said in ["than its 3", "it is to be on 6"] {
        assert!(refused.stderr.contains(said), "{said}: {refused}");
    }
    let refused = environment
        .fleet(["show-zone", "tk.test", "--ds"])
        .expect(2);
    assert!(
        refused.stderr.contains("set-zone tk.test --dnssec on"),
        "{refused}"
    );
}

#[test]
fn what_is_shown_of_a_zone_is_a_table_and_nothing_of_how_it_is_stored() {
    let environment = environment();
    stage(
        &environment,
        "add-zone example.com --ttl 2h --secondaries 0 --address 192.0.2.10",
    )
    .expect(0);
    stage(
        &environment,
        "add-record example.com mail A 192.0.2.11 --ttl 60",
    )
    .expect(0);
    stage(&environment, "set-zone example.com --transfer-key 2").expect(0);
    let shown = environment
        .fleet(["show-zone", "example.com", "--recorded"])
        .expect(0);
    let (_, settings) = shown.stdout.split_once("settings\n").expect("settings");
    let records = [
        "NAME  TTL   TYPE   VALUE",
        "@     7200  A      192.0.2.10",
        "mail  60    A      192.0.2.11",
        "www   7200  CNAME  example.com.",
    ];
    let (settings, directions) = settings.split_once("\n\nname servers").expect("directions");
    assert_eq!(directions.trim(), "ns1.example.com 2001:db8::1");
    let lines: Vec<&str> = settings.lines().map(str::trim_end).collect();
    let (settings, table) = lines.split_at(lines.len() - records.len());
    assert_eq!(table, records);
    assert!(
        settings.contains(&"keys          number 2 signs the transfers"),
        "{settings:?}"
    );
    assert!(
        settings.contains(&"              number 1 is still valid"),
        "{settings:?}"
    );
    assert_eq!(settings.last(), Some(&"records"));
}

#[test]
fn the_keys_of_transfers_stay_as_long_as_somebody_transfers() {
    let environment = Environment::new();
    let servers = (1..=3).map(|n| format!("[servers.sg-{n}]\naddress = \"192.0.2.{n}\"\n"));
    environment.write("inventory.toml", &servers.collect::<String>());
    let add =
        "add-zone example.com --server sg-1 --secondary sg-2 --secondaries 1 --transfer-key 2";
    stage(&environment, add).expect(0);
    let keys = || {
        let shown = environment.fleet(["show-zone", "example.com", "--recorded", "--json"]);
        let spec = &shown.expect(0).json()["zone"]["spec"];
        let keys = spec["keys"].as_array().cloned().unwrap_or_default();
        keys.iter()
            .map(|key| key["number"].clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(keys(), [1, 2]);
    for unset in ["secondaries", "transfer-key"] {
        stage(
            &environment,
            &format!("set-zone example.com --unset {unset}"),
        )
        .expect(0);
        assert_eq!(keys(), [1, 2], "after --unset {unset}");
    }
    stage(&environment, "set-zone example.com --unset secondary").expect(0);
    assert_eq!(keys(), [0; 0]);
}
