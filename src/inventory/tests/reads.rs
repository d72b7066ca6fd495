//! What a valid inventory gives.

use std::time::{Duration, Instant};

use super::*;
use crate::model::{Jump, Role, Share, TransportKind};

fn one(inventory: &Inventory, name: &str) -> Server {
    inventory.server(name).unwrap().clone()
}

#[test]
fn an_empty_file_is_an_empty_inventory() {
    for text in [
        "",
        "# nothing yet\n",
        "[servers]\n[defaults]\n",
        "\u{feff}[settings]\n",
    ] {
        let inventory = parse(text).unwrap();
        assert!(inventory.servers.is_empty());
        assert_eq!(inventory.settings, InventorySettings::default());
    }
}

#[test]
fn every_key_is_read() {
    let inventory = parse(
        r#"
        [settings]
        state = "state.db"
        known_hosts = "~/.ssh/fleet_hosts"
        ssh_config = false
        operator = "ops"
        parallel = 64
        connect_timeout = "1500ms"
        idle_timeout = "2m"
        total_timeout = "1h30m"
        health_timeout = "5s"
        health_max_age = "0s"
        lock_wait = "10s"
        waves = "label:canary,10%"
        max_failures = "5%"
        wave_pause = "1m"
        key_command = "pass show fleet/key"
        trash_retention = "14d"
        [weights]
        site = 2
        [servers.gate]
        address = "gate.example.com"
        roles = []
        capacity = 0
        [servers.sg-1]
        address = "SG-1.example.com"
        port = 2222
        user = "admin"
        identity_file = "keys/sg"
        jump = "gate"
        become = true
        capacity = 80
        priority = -5
        region = "singapore"
        labels = { tier = "gold", "rack/unit" = "a 12" }
        active = false
        ipv4 = ["203.0.113.7", "203.0.113.8"]
        ipv6 = "2001:db8::7"
        roles = ["dns", "web"]
        "#,
    )
    .unwrap();
    assert_eq!(
        inventory.settings,
        InventorySettings {
            state: Some("/etc/fleet/state.db".into()),
            known_hosts: Some("/home/eva/.ssh/fleet_hosts".into()),
            ssh_config: false,
            operator: Some("ops".to_owned()),
            parallel: 64,
            connect_timeout: Duration::from_millis(1500),
            idle_timeout: Duration::from_secs(120),
            total_timeout: Duration::from_secs(5400),
            health_timeout: Duration::from_secs(5),
            health_max_age: Duration::ZERO,
            lock_wait: Duration::from_secs(10),
            waves: Some("label:canary,10%".parse().unwrap()),
            max_failures: Some(Share::Percent(5)),
            wave_pause: Duration::from_secs(60),
            key_command: Some("pass show fleet/key".to_owned()),
            trash_retention: Duration::from_secs(14 * 86400),
        }
    );
    assert_eq!(inventory.weights["site"], 2);
    let mut expected = Server::new("sg-1".parse().unwrap(), "SG-1.example.com");
    expected.port = Some(2222);
    expected.user = Some("admin".to_owned());
    expected.identity_file = Some(PathBuf::from("/etc/fleet/keys/sg"));
    expected.jump = Some(Jump::Server("gate".parse().unwrap()));
    expected.r#become = true;
    expected.capacity = 80;
    expected.priority = -5;
    expected.region = Some("singapore".to_owned());
    expected.labels.insert("tier".to_owned(), "gold".to_owned());
    expected
        .labels
        .insert("rack/unit".to_owned(), "a 12".to_owned());
    expected.active = false;
    expected.ipv4 = vec![
        "203.0.113.7".parse().unwrap(),
        "203.0.113.8".parse().unwrap(),
    ];
    expected.ipv6 = vec!["2001:db8::7".parse().unwrap()];
    expected.roles = [Role::Web, Role::Dns].into();
    assert_eq!(one(&inventory, "sg-1"), expected);
    assert!(one(&inventory, "gate").roles.is_empty());
}

#[test]
fn defaults_are_filled_in_and_labels_are_merged() {
    let inventory = parse(
        r#"
        [defaults]
        user = "admin"
        capacity = 20
        roles = ["web"]
        labels.tier = "silver"
        labels.rack = "a"
        [servers.a]
        address = "a"
        [servers.b]
        address = "b"
        user = "root"
        labels.tier = "gold"
        [servers.b.ignored-is-not]
        "#,
    );
    assert!(inventory.is_err());
    let inventory = parse(
        "[servers]\na.address = 'a'\nb = { address = 'b', user = 'root', labels.tier = 'gold' }\n\
         [defaults]\nuser = 'admin'\ncapacity = 20\nroles = 'web'\nlabels = {tier='silver',rack='a'}\n",
    )
    .unwrap();
    let (a, b) = (one(&inventory, "a"), one(&inventory, "b"));
    assert_eq!(
        (a.user.as_deref(), b.user.as_deref()),
        (Some("admin"), Some("root"))
    );
    assert_eq!((a.capacity, b.capacity), (20, 20));
    assert_eq!(b.roles, [Role::Web].into());
    assert_eq!((&*a.labels["tier"], &*a.labels["rack"]), ("silver", "a"));
    assert_eq!((&*b.labels["tier"], &*b.labels["rack"]), ("gold", "a"));
}

#[test]
fn jumps_are_servers_or_hosts() {
    let host = |user: Option<&str>, address: &str, port| {
        Some(Jump::Host {
            user: user.map(str::to_owned),
            address: address.to_owned(),
            port,
        })
    };
    let server = |name: &str| Some(Jump::Server(name.parse().unwrap()));
    for (text, expected) in [
        ("gate", server("gate")),
        ("gate.example.com", server("gate.example.com")),
        ("bastion.other.net", host(None, "bastion.other.net", None)),
        ("bastion:22", host(None, "bastion", Some(22))),
        ("eva@bastion", host(Some("eva"), "bastion", None)),
        ("eva@bastion:2222", host(Some("eva"), "bastion", Some(2222))),
        ("2001:db8::1", host(None, "2001:db8::1", None)),
        ("[2001:db8::1]:22", host(None, "2001:db8::1", Some(22))),
        (
            "eva@[2001:db8::1]:22",
            host(Some("eva"), "2001:db8::1", Some(22)),
        ),
        ("none", None),
    ] {
        let inventory = parse(&format!(
            "[servers.a]\naddress='a'\njump='{text}'\n[servers.gate]\naddress='g'\n\
             [servers.'gate.example.com']\naddress='h'\n"
        ));
        assert_eq!(one(&inventory.unwrap(), "a").jump, expected, "{text}");
    }
}

#[test]
fn a_default_jump_leaves_out_the_way_to_itself() {
    let inventory = parse(
        "[defaults]\njump='inner'\n[servers.inner]\naddress='i'\njump='outer'\n[servers.outer]\naddress='o'\n\
         [servers.a]\naddress='a'\n[servers.b]\naddress='b'\njump='none'\n[servers.me]\ntransport='local'\n",
    )
    .unwrap();
    let server = |name: &str| Some(Jump::Server(name.parse().unwrap()));
    assert_eq!(one(&inventory, "a").jump, server("inner"));
    assert_eq!(one(&inventory, "inner").jump, server("outer"));
    assert_eq!(one(&inventory, "outer").jump, None);
    assert_eq!(one(&inventory, "b").jump, None);
    assert_eq!(one(&inventory, "me").jump, None);
}

#[test]
fn this_machine_needs_no_address() {
    let inventory = parse("[servers.me]\ntransport = 'local'\n").unwrap();
    let me = one(&inventory, "me");
    assert_eq!(
        (me.transport, &*me.address),
        (TransportKind::Local, "localhost")
    );
    parse("[defaults]\ntransport = 'local'\n[servers.me]\n").unwrap();
}

#[test]
fn equal_addresses_are_fine_behind_different_jumps_or_ports() {
    parse(
        "[servers.a]\naddress='10.0.0.5'\njump='x@gate-a'\n[servers.b]\naddress='10.0.0.5'\njump='x@gate-b'\n\
         [servers.c]\naddress='10.0.0.5'\n[servers.d]\naddress='10.0.0.5'\nport=2222\n",
    )
    .unwrap();
}

#[test]
fn addresses_of_every_form_are_taken() {
    for address in [
        "sg-1",
        "sg_1.lan",
        "sg-1.example.com.",
        "10.0.0.1",
        "2001:DB8::1",
        "fe80::1%eth0",
    ] {
        let text = format!("[servers.a]\naddress = '{address}'\n");
        assert_eq!(
            one(&parse(&text).unwrap(), "a").address,
            match address {
                "2001:DB8::1" => "2001:db8::1",
                other => other,
            }
        );
    }
}

#[test]
fn a_file_is_read_from_disk_and_a_missing_one_says_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("inventory.toml");
    let missing = Inventory::load(&path, None).unwrap_err().0.remove(0);
    assert!(
        missing.message.starts_with("cannot read the inventory `"),
        "{missing}"
    );
    assert_eq!(missing.hints, ["`fleet init` writes one to start with"]);
    std::fs::write(&path, "[settings]\nstate = 's'\n").unwrap();
    let inventory = Inventory::load(&path, None).unwrap();
    assert_eq!(inventory.settings.state, Some(dir.path().join("s")));
    std::fs::write(&path, b"# a\n# b\n\xff").unwrap();
    let bad = Inventory::load(&path, None).unwrap_err();
    assert!(
        bad.to_string()
            .ends_with("inventory.toml:3: the inventory is not UTF-8 text"),
        "{bad}"
    );
    std::fs::write(&path, "[settings]\nstate = '~/s'\n").unwrap();
    let homeless = Inventory::load(&path, None).unwrap_err();
    assert!(
        homeless
            .to_string()
            .ends_with("needs a home directory, and `HOME` is not set")
    );
}

#[test]
fn a_thousand_servers_load_fast() {
    use std::fmt::Write as _;
    let mut text = String::from("[defaults]\nuser = 'root'\njump = 'server-0'\n");
    for n in 0..1000 {
        write!(
            text,
            "\n# number {n}\n[servers.server-{n}]\naddress = '10.0.{}.{}'\nregion = 'singapore'\ncapacity = 80\n\
             labels = {{ tier = 'gold', rack = 'r{n}' }}\nroles = ['web', 'dns']\n",
            n / 256,
            n % 256
        )
        .unwrap();
    }
    let before = Instant::now();
    assert_eq!(parse(&text).unwrap().servers.len(), 1000);
    // A few milliseconds when optimised; the limit only catches what is quadratic.
    assert!(
        before.elapsed() < Duration::from_secs(10),
        "{:?}",
        before.elapsed()
    );
}

#[test]
fn the_example_is_valid_and_explains_every_key() {
    let text = include_str!("../../../inventory.example.toml");
    let path = Path::new("inventory.example.toml");
    let inventory = Inventory::parse(path, text, Some(Path::new("/home/eva")))
        .unwrap_or_else(|e| panic!("{e}"));
    assert!(inventory.servers.len() >= 4);
    let explained = |key: &str| {
        let of_key = |line: &str| {
            let line = line.trim_start_matches("# ");
            line.split_once(['=', '.'])
                .is_some_and(|(before, _)| before.trim() == key)
        };
        assert!(text.lines().any(of_key), "`{key}` is missing");
    };
    for key in SERVER_KEYS
        .iter()
        .chain(&crate::inventory::settings::KEYS)
        .chain(&crate::inventory::health::KEYS)
        .filter(|key| **key != "overrides")
    {
        explained(key);
    }
    // The keys that are commented out are right too.
    let mut section = String::new();
    let mut all = String::new();
    for line in text.lines() {
        let bare = line.strip_prefix("# ").unwrap_or(line);
        if line.starts_with('[') {
            section = line.to_owned();
            all.extend([line, "\n"]);
        } else if ["[settings]", "[health]"].contains(&section.as_str())
            && bare
                .split_once(" = ")
                .is_some_and(|(key, _)| !key.contains(' '))
        {
            all.extend([bare, "\n"]);
        }
    }
    let settings = all.split("[[health").next().unwrap();
    let inventory = Inventory::parse(path, settings, Some(Path::new("/home/eva")))
        .unwrap_or_else(|e| panic!("{e}"));
    // What is shown for a setting is its default, unless it has none.
    let shown = InventorySettings {
        state: inventory.settings.state.clone(),
        known_hosts: inventory.settings.known_hosts.clone(),
        operator: inventory.settings.operator.clone(),
        key_command: inventory.settings.key_command.clone(),
        waves: inventory.settings.waves.clone(),
        max_failures: inventory.settings.max_failures,
        ..InventorySettings::default()
    };
    assert_eq!(inventory.settings, shown);
    assert_eq!(
        inventory.health,
        crate::inventory::HealthSettings::default()
    );
    assert!(shown.state.is_some() && shown.known_hosts.is_some() && shown.operator.is_some());
}

#[test]
fn the_last_override_for_a_server_goes_before() {
    let inventory = parse(
        "[health]\nfail_after = 3\ndisk_percent = 80\n\
         [[health.overrides]]\nservers = ['label:tier=gold', 'b']\ndisk_percent = 85\nload_per_core = 6\n\
         [[health.overrides]]\nservers = '!a'\nrecover_after = 1\ndisk_percent = 99\ncertificate_warn = '14d'\n\
         [servers.a]\naddress = 'a'\nlabels.tier = 'gold'\n\
         [servers.b]\naddress = 'b'\nactive = false\n\
         [servers.c]\naddress = 'c'\n",
    )
    .unwrap();
    let rules = |name: &str| {
        let rules = inventory.health.rules(inventory.server(name).unwrap());
        let thresholds = rules.thresholds;
        (
            rules.patience.fail_after,
            rules.patience.recover_after,
            thresholds.disk_percent,
            thresholds.load_per_core,
            thresholds.memory_percent,
        )
    };
    assert_eq!(rules("a"), (3, 2, 85, 6.0, 95));
    assert_eq!(rules("b"), (3, 1, 99, 6.0, 95));
    assert_eq!(rules("c"), (3, 1, 99, 4.0, 95));
    let warn = |name: &str| {
        let rules = inventory.health.rules(inventory.server(name).unwrap());
        rules.checks.certificate_warn.as_secs() / 86_400
    };
    assert_eq!((warn("a"), warn("b")), (21, 14));
}
