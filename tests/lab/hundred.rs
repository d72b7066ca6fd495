//! A server that carries a hundred of each kind: the second apply changes nothing, in one connection and in no time.

use std::time::Duration;

use crate::world::{World, expect_quick, expect_same, expect_words};

/// How often the server's sshd has let somebody in.
fn logins(world: &World) -> usize {
    let count = "journalctl -q --no-pager -u ssh | grep -c 'Accepted publickey' || :";
    world.sh("lab-1", count).trim().parse().expect("a number")
}

#[test]
fn of_a_hundred_of_each_kind_nothing_changes_the_second_time() {
    let Some(world) = World::with(&["lab-1"], |inventory| {
        inventory.replace("capacity = 50", "capacity = 1000")
    }) else {
        return;
    };
    world
        .fleet("setup-server lab-1 --role web --role dns --role database")
        .expect(0);
    for i in 1..=100 {
        let (minute, port) = (i % 60, 10_000 + i);
        let engine = if i % 2 == 0 { "mariadb" } else { "postgres" };
        for line in [
            format!("add-site s{i}.example.com --no-www"),
            format!(
                "add-zone z{i}.example.org --template default --address 192.0.2.1 --ns ns1.example.net"
            ),
            format!("add-database d{i} --engine {engine}"),
            format!("add-rule r{i} --allow --port {port} --on lab-1"),
        ] {
            world.fleet(&format!("{line} --stage")).expect(0);
        }
        let mut cron = world.command(&format!(
            "add-cron c{i} --server lab-1 --stage --command true --schedule"
        ));
        cron.arg(format!("{minute} 3 * * *"));
        crate::world::Running::start(cron).outcome(&world).expect(0);
    }
    world
        .fleet("add-rule web --allow --port 80,443 --on lab-1 --stage")
        .expect(0);
    world.fleet("enable-firewall lab-1 --stage").expect(0);
    let first = world.fleet("apply").expect(0);
    expect_words(&first.stdout, &["499 more"]);
    world.expect_served("lab-1", "s100.example.com");
    assert_eq!(
        world.sh("lab-1", "dig +short @127.0.0.1 z100.example.org"),
        "192.0.2.1"
    );

    let before = world.stamps("lab-1");
    let logged_in = logins(&world);
    let second = world.json("apply", 0);
    assert_eq!(logins(&world), logged_in + 1);
    assert_eq!(second["servers"][0]["outcome"], "unchanged", "{second:#}");
    expect_same(&before, &world.stamps("lab-1"), "after the second apply");
    expect_quick(Duration::from_secs(2), || {
        world.fleet("apply").expect(0);
    });
}
