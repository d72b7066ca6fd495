//! After going back to a backup of the state: what servers have that it does not know is told, and stays.

use serde_json::Value;

use crate::world::{World, expect_same, expect_words};

/// The items in conflict on lab-1, by their keys.
fn conflicts(plan: &Value) -> Vec<&str> {
    let found = plan["servers"][0]["conflicts"]
        .as_array()
        .expect("conflicts");
    found
        .iter()
        .filter_map(|conflict| conflict["item"].as_str())
        .collect()
}

/// What fleet has made on lab-1, in files, in services and in the kernel.
fn all(world: &World) -> String {
    let services = world.sh(
        "lab-1",
        "nft -s list table inet fleet
        mariadb -N -B -e 'select user, host, authentication_string from mysql.global_priv_view' 2>/dev/null ||
            mariadb -N -B -e 'select user, host, priv from mysql.global_priv order by user, host'
        echo 'select name, type, content from records order by 1, 2, 3;' | sqlite3 /var/lib/powerdns/pdns.sqlite3
        echo 'select count(*) from cryptokeys;' | sqlite3 /var/lib/powerdns/pdns.sqlite3",
    );
    world.contents("lab-1") + &services
}

#[test]
fn what_a_forgotten_command_made_of_any_kind_is_a_conflict_and_stays() {
    let Some(world) = World::new(&["lab-1"]) else {
        return;
    };
    for line in [
        "setup-server lab-1 --role dns",
        "setup-server lab-1 --role database",
        "add-site a.example --server lab-1",
        "add-zone z.example --server lab-1 --secondaries 0 --address 192.0.2.1",
        "add-database shop --server lab-1",
        "add-cron tidy --on lab-1 --schedule @daily --command true",
        "add-rule web --allow --port 80 --to-server lab-1",
        "enable-firewall lab-1",
    ] {
        world.fleet(line).expect(0);
    }
    // The next command that changes something makes a backup, with all of this in it.
    for entry in std::fs::read_dir(world.home.path())
        .expect("entries")
        .flatten()
    {
        if entry.file_name().to_string_lossy().contains(".backup-") {
            std::fs::remove_file(entry.path()).expect("it goes");
        }
    }
    world.fleet("set-cron tidy --timeout 60s").expect(0);
    assert_eq!(
        world.json("list-backups", 0)["backups"]
            .as_array()
            .map(Vec::len),
        Some(1)
    );
    let older = all(&world);

    for line in [
        "set-site a.example --cache 7d",
        "add-record z.example h7 A 192.0.2.7",
        "rotate-password shop",
        "set-cron tidy --timeout 90s",
        "add-rule mail --allow --port 25 --to-server lab-1",
        "add-site new.example --server lab-1",
    ] {
        world.fleet(line).expect(0);
    }
    let newer = all(&world);
    assert!(newer != older);

    let restored = world.fleet("restore-backup --yes").expect(0);
    expect_words(
        &restored.stdout,
        &["forgotten since then: 6 commands", "add-rule mail"],
    );
    let plan = world.fleet("plan --detailed-exitcode --json").expect(6);
    let plan = plan.json();
    let found = conflicts(&plan);
    for item in [
        "file /etc/nginx/conf.d/fleet-a.example.conf",
        "zone z.example",
        "mariadb ",
        "file /etc/fleet/cron/tidy.conf",
        "ruleset fleet",
    ] {
        let told = found.iter().any(|key| key.starts_with(item));
        assert!(told, "no {item} in {found:#?}");
    }
    assert_eq!(
        plan["servers"][0]["changes"].as_array().map(Vec::len),
        Some(0),
        "{plan:#}"
    );
    let told = world.fleet("plan --detailed-exitcode").expect(6);
    expect_words(&told.stdout, &["conflict ruleset fleet"]);
    let applied = world.fleet("apply");
    assert_ne!(applied.code, 0, "{applied}");
    expect_same(&newer, &all(&world), "after an apply");
    world.expect_served("lab-1", "new.example");

    // What is added again as it was is no conflict any more; the rest goes back when that is wanted.
    world
        .fleet("add-rule mail --allow --port 25 --to-server lab-1 --stage")
        .expect(0);
    let plan = world.json("plan", 0);
    assert!(!conflicts(&plan).contains(&"ruleset fleet"), "{plan:#}");
    world.fleet("apply --force").expect(0);
    world.expect_settled();
    world.expect_served("lab-1", "new.example");
    world.sh("lab-1", "nft list table inet fleet | grep -q 'rule mail'");
    world.expect_tidy("lab-1");
}
