//! Plan and apply: what drifted is seen and repaired, what is right is left alone, what is only asked about stays.

use crate::world::{World, expect_same, expect_words};

#[test]
fn the_second_identical_apply_writes_nothing() {
    let Some(world) = World::new(&["lab-1", "lab-2", "lab-4"]) else {
        return;
    };
    for number in 1..=6 {
        world
            .fleet(&format!("add-site s{number}.example --stage"))
            .expect(0);
    }
    let first = world.json("apply", 0);
    assert!(first["servers"].as_array().expect("servers").len() == 3);
    for server in ["lab-1", "lab-2", "lab-4"] {
        let before = world.stamps(server);
        let again = world.json("apply", 0);
        for of_server in again["servers"].as_array().expect("servers") {
            assert_eq!(of_server["outcome"], "unchanged", "{again:#}");
        }
        let plan = world.fleet("plan --diff --detailed-exitcode").expect(0);
        expect_words(&plan.stderr, &["nothing to do"]);
        expect_same(&before, &world.stamps(server), "afterwards");
        world.expect_tidy(server);
    }
}

#[test]
fn every_drift_is_shown_and_repaired() {
    let Some(world) = World::new(&["lab-1"]) else {
        return;
    };
    world.fleet("add-site a.example").expect(0);
    world.fleet("add-site b.example").expect(0);
    let user = world.sh("lab-1", "stat -c %U /srv/www/a.example/public");
    let wanted = world.contents("lab-1");
    let cases = [
        (
            "rm /etc/nginx/conf.d/fleet-a.example.conf",
            "file /etc/nginx/conf.d/fleet-a.example.conf",
        ),
        (
            "chmod 600 /etc/nginx/conf.d/fleet-a.example.conf",
            "file /etc/nginx/conf.d/fleet-a.example.conf",
        ),
        (
            "chown games /etc/logrotate.d/fleet-a.example",
            "file /etc/logrotate.d/fleet-a.example",
        ),
        (
            "rm -r /etc/nginx/conf.d/*fleet*",
            "file /etc/nginx/conf.d/00-fleet-default.conf",
        ),
        ("chmod 777 /srv/www/a.example", "dir /srv/www/a.example"),
        (
            "chown root: /srv/www/a.example/public",
            "dir /srv/www/a.example/public",
        ),
        ("rm -r /srv/www/a.example", "dir /srv/www/a.example"),
        ("rm -r /srv/www", "dir /srv/www/b.example"),
        (
            "rm -r /var/log/nginx/fleet",
            "dir /var/log/nginx/fleet/a.example",
        ),
        ("systemctl stop nginx", "service nginx"),
        ("systemctl kill -s KILL nginx", "service nginx"),
        ("systemctl disable nginx", "service nginx"),
        (&format!("userdel {user}"), &format!("user {user}")),
        (
            &format!("usermod -s /bin/bash {user}"),
            &format!("user {user}"),
        ),
    ];
    for (damage, item) in cases {
        world.sh("lab-1", damage);
        world.sh("lab-1", "timeout 60 sh -c 'while systemctl is-active nginx | grep -q ^deactivating; do sleep 0.02; done'");
        let before = world.stamps("lab-1");
        let plan = world.fleet("plan --detailed-exitcode").expect(6);
        expect_words(&plan.stdout, &[item]);
        expect_same(&before, &world.stamps("lab-1"), "after a plan");
        let repaired = world.fleet("apply").expect(0);
        expect_same(
            &wanted,
            &world.contents("lab-1"),
            &format!("after `{damage}`: {repaired}"),
        );
        world.expect_served("lab-1", "a.example");
        world.expect_served("lab-1", "b.example");
        // nginx writes where the logs are now.
        world.sh("lab-1", "test -s /var/log/nginx/fleet/a.example/access.log");
        world.expect_settled();
        world.expect_tidy("lab-1");
    }
}

#[test]
fn a_dry_run_changes_nothing_on_either_side() {
    let Some(world) = World::new(&["lab-1"]) else {
        return;
    };
    world.fleet("add-site a.example").expect(0);
    let server = world.stamps("lab-1");
    let tasks = world.json("list-tasks", 0);
    let sites = world.json("list-sites", 0);

    let add = world.fleet("add-site b.example --dry-run").expect(0);
    expect_words(
        &add.stdout,
        &[
            "/etc/nginx/conf.d/fleet-b.example.conf",
            "+",
            "server_name",
            "lab-1",
        ],
    );
    let set = world
        .fleet("set-site a.example --cache 30d --dry-run")
        .expect(0);
    expect_words(&set.stdout, &["expires", "fleet-a.example.conf"]);
    let remove = world
        .fleet("remove-site a.example --yes --dry-run")
        .expect(0);
    expect_words(&remove.stdout, &["delete", "/srv/www/a.example"]);
    world.fleet("suspend-site a.example --dry-run").expect(0);
    world.sh("lab-1", "chmod 600 /etc/nginx/conf.d/fleet-a.example.conf");
    let drifted = world.stamps("lab-1");
    let apply = world.fleet("apply --dry-run").expect(0);
    expect_words(&apply.stdout, &["fleet-a.example.conf", "0600", "0644"]);

    assert_ne!(drifted, server);
    expect_same(&drifted, &world.stamps("lab-1"), "afterwards");
    assert_eq!(world.json("list-tasks", 0), tasks);
    assert_eq!(world.json("list-sites", 0), sites);
}

#[test]
fn what_is_staged_waits_for_apply_and_selectors_narrow_it() {
    let Some(world) = World::new(&["lab-1", "lab-2"]) else {
        return;
    };
    let untouched = (world.stamps("lab-1"), world.stamps("lab-2"));
    for (site, server) in [
        ("a.example", "lab-1"),
        ("b.example", "lab-1"),
        ("c.example", "lab-2"),
    ] {
        world
            .fleet(&format!("add-site {site} --server {server} --stage"))
            .expect(0);
    }
    assert_eq!((world.stamps("lab-1"), world.stamps("lab-2")), untouched);
    let pending = world.json("list-sites", 0);
    assert_eq!(pending["sites"][0]["placements"][0]["status"], "pending");

    world.fleet("apply a.example").expect(0);
    world.expect_served("lab-1", "a.example");
    world.expect_unknown("lab-1", "b.example");
    assert_eq!(world.stamps("lab-2"), untouched.1);

    world.fleet("apply --server lab-2").expect(0);
    world.expect_served("lab-2", "c.example");
    world.expect_unknown("lab-1", "b.example");

    world.fleet("remove-site a.example --yes --stage").expect(0);
    world.expect_served("lab-1", "a.example");
    world.fleet("apply").expect(0);
    world.expect_unknown("lab-1", "a.example");
    world.expect_served("lab-1", "b.example");
    world.expect_settled();

    world.fleet("apply --server lab-9").expect(2);
    world.fleet("apply z.example").expect(2);
}

#[test]
fn with_require_all_nothing_happens_unless_everything_can() {
    let Some(world) = World::new(&["lab-1", "lab-2"]) else {
        return;
    };
    world
        .fleet("add-site a.example --server lab-1 --stage")
        .expect(0);
    world
        .fleet("add-site b.example --server lab-2 --stage")
        .expect(0);
    let before = world.stamps("lab-1");
    world.lab.kill("lab-2");
    let refused = world.fleet("apply --require-all").expect(3);
    expect_words(&refused.stderr, &["lab-1", "lab-2", "left alone"]);
    expect_same(&before, &world.stamps("lab-1"), "afterwards");
    world.lab.start("lab-2");
    world.fleet("apply --require-all").expect(0);
    world.expect_served("lab-1", "a.example");
    world.expect_served("lab-2", "b.example");
}
