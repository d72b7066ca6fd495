//! A site from nothing to gone: placed, served, changed, suspended, removed.

use serde_json::Value;

use crate::world::{World, expect_same, expect_words};

fn server_of(site: &Value) -> String {
    let server = &site["site"]["placements"][0]["server"];
    server.as_str().expect("a server").to_owned()
}

#[test]
fn sites_go_where_there_is_most_room_and_are_served() {
    let Some(world) = World::new(&["lab-1", "lab-2", "lab-4"]) else {
        return;
    };
    // Debian 12, Debian 13 with OpenSSH 10, and one that is reached without root, by sudo.
    for (site, expected) in [
        ("a.example", "lab-1"),
        ("b.example", "lab-2"),
        ("c.example", "lab-4"),
        ("d.example", "lab-1"),
    ] {
        let added = world.json(&format!("add-site {site}"), 0);
        assert_eq!(server_of(&added), expected, "{added:#}");
        world.expect_served(expected, site);
        world.expect_served(expected, site);
    }
    world.expect_unknown("lab-1", "b.example");
    world.expect_settled();

    let list = world.json("list-sites", 0);
    let sites = list["sites"].as_array().expect("sites");
    assert_eq!(sites.len(), 4);
    for site in sites {
        assert_eq!(site["placements"][0]["status"], "applied", "{list:#}");
    }
    for server in ["lab-1", "lab-2", "lab-4"] {
        world.expect_tidy(server);
    }
}

#[test]
fn every_name_of_a_site_is_served_on_both_families() {
    let Some(world) = World::new(&["lab-1"]) else {
        return;
    };
    world
        .fleet("add-site shop.example --alias store.example")
        .expect(0);
    let lab = &world.lab;
    for name in ["shop.example", "www.shop.example", "store.example"] {
        assert_eq!(lab.curl("lab-1", name, "/").0, 200, "{name}");
    }
    let six = world.sh(
        "lab-1",
        "curl -s -g -o /dev/null -w '%{http_code}' -H 'Host: shop.example' 'http://[::1]/'",
    );
    assert_eq!(six, "200");
    assert_eq!(lab.curl("lab-1", "shop.example", "/no-such-page").0, 404);
    assert_eq!(lab.curl("lab-1", "shop.example", "/.git/config").0, 404);

    world
        .fleet("set-site shop.example --canonical shop.example")
        .expect(0);
    assert_eq!(lab.curl("lab-1", "store.example", "/").0, 301);
    assert_eq!(lab.curl("lab-1", "shop.example", "/").0, 200);
    world.expect_settled();
}

#[test]
fn adding_what_is_there_changes_nothing_and_another_spec_is_refused() {
    let Some(world) = World::new(&["lab-1"]) else {
        return;
    };
    world.fleet("add-site a.example --cache 30d").expect(0);
    let before = world.stamps("lab-1");
    let again = world.fleet("add-site a.example --cache 30d").expect(0);
    expect_words(&format!("{again}"), &["unchanged"]);
    let other = world.fleet("add-site a.example --cache 7d").expect(2);
    expect_words(&other.stderr, &["a.example", "set-site"]);
    expect_same(&before, &world.stamps("lab-1"), "afterwards");
}

#[test]
fn a_suspended_site_answers_503_and_comes_back_as_it_was() {
    let Some(world) = World::new(&["lab-1"]) else {
        return;
    };
    world.fleet("add-site a.example").expect(0);
    world.sh("lab-1", "echo mine >/srv/www/a.example/public/mine.txt");
    world.fleet("suspend-site a.example").expect(0);
    let (status, page) = world.get("lab-1", "a.example");
    assert_eq!(status, 503, "{page}");
    assert_eq!(world.lab.curl("lab-1", "a.example", "/mine.txt").0, 503);
    world.expect_settled();
    world.fleet("suspend-site a.example").expect(0);

    world.fleet("resume-site a.example").expect(0);
    world.expect_served("lab-1", "a.example");
    let (status, mine) = world.lab.curl("lab-1", "a.example", "/mine.txt");
    assert_eq!((status, mine.trim()), (200, "mine"));
    world.expect_settled();
}

#[test]
fn a_removed_site_is_in_the_trash_and_can_be_added_again() {
    let Some(world) = World::new(&["lab-1"]) else {
        return;
    };
    world.fleet("add-site a.example").expect(0);
    world.fleet("add-site b.example").expect(0);
    let before = world.contents("lab-1");
    let user = world.sh("lab-1", "stat -c %U /srv/www/a.example/public");
    world.sh("lab-1", "echo mine >/srv/www/a.example/public/mine.txt");

    // Without a terminal nobody is asked, so nothing is removed.
    world.fleet("remove-site a.example").expect(2);
    world.expect_served("lab-1", "a.example");

    let removed = world.json("remove-site a.example --yes", 0);
    let task = removed["task"].as_i64().expect("its number");
    world.expect_unknown("lab-1", "a.example");
    world.expect_served("lab-1", "b.example");
    let trash = format!("/srv/www/.fleet-trash/{task}/a.example");
    assert_eq!(
        world.sh("lab-1", &format!("cat {trash}/public/mine.txt")),
        "mine"
    );
    // The trash is nobody's but root's.
    assert_eq!(
        world.sh("lab-1", "stat -c '%U %a' /srv/www/.fleet-trash"),
        "root 700"
    );
    world.sh(
        "lab-1",
        &format!("! getent passwd {user}; ! getent group {user}"),
    );
    let left = world.sh("lab-1", "find /etc /srv /var/log -name '*a.example*'");
    assert_eq!(
        left,
        format!("{trash}\n/var/log/nginx/fleet/.fleet-trash/{task}/a.example")
    );
    world.expect_tidy("lab-1");
    world.expect_settled();
    world.fleet("show-site a.example").expect(2);

    world.fleet("add-site a.example").expect(0);
    world.expect_served("lab-1", "a.example");
    assert_eq!(world.lab.curl("lab-1", "a.example", "/mine.txt").0, 404);
    world.sh(
        "lab-1",
        "rm -r /srv/www/.fleet-trash /var/log/nginx/fleet/.fleet-trash /var/lib/fleet/trash",
    );
    expect_same(&before, &world.contents("lab-1"), "afterwards");
}

#[test]
fn a_full_fleet_is_told_with_the_reasons_and_nothing_happens() {
    let Some(world) = World::with(&["lab-1", "lab-2"], |inventory| {
        inventory.replace("capacity = 50", "capacity = 2")
    }) else {
        return;
    };
    for site in ["a.example", "b.example", "c.example", "d.example"] {
        world.fleet(&format!("add-site {site}")).expect(0);
    }
    let before = (world.stamps("lab-1"), world.stamps("lab-2"));
    let full = world.fleet("add-site e.example").expect(4);
    expect_words(&full.stderr, &["lab-1", "lab-2", "2 of 2"]);
    world.fleet("add-site e.example --server lab-1").expect(4);
    world.fleet("place").expect(4);
    assert_eq!((world.stamps("lab-1"), world.stamps("lab-2")), before);
    world.fleet("show-site e.example").expect(2);

    world.fleet("remove-site b.example --yes").expect(0);
    let added = world.json("add-site e.example", 0);
    assert_eq!(server_of(&added), "lab-2");
    world.expect_served("lab-2", "e.example");
}

#[test]
fn a_bare_server_takes_nothing_says_what_to_do_and_serves_after_it() {
    let Some(world) = World::new(&["lab-1", "lab-3"]) else {
        return;
    };
    let before = world.stamps("lab-3");
    let bare = world.fleet("add-site a.example --server lab-3").expect(4);
    expect_words(&bare.stderr, &["lab-3  has no nginx", "fleet setup-server"]);
    let bare = world.fleet("add-database shop --server lab-3").expect(4);
    expect_words(&bare.stderr, &["has no MariaDB\n", "fleet setup-server"]);
    // The wish is not kept: there was never anything on the server.
    world.fleet("show-site a.example").expect(2);
    // Nobody else is sent there, although it is the emptiest.
    for site in ["a.example", "b.example"] {
        world.fleet(&format!("add-site {site}")).expect(0);
        world.expect_served("lab-1", site);
    }
    let place = world.fleet("place").expect(0);
    expect_words(&place.stdout, &["lab-3", "has no nginx"]);
    expect_same(&before, &world.stamps("lab-3"), "without setup-server");

    world.fleet("setup-server lab-3").expect(0);
    world.fleet("add-site c.example").expect(0);
    world.expect_served("lab-3", "c.example");
    world.expect_tidy("lab-3");
    world.expect_settled();
}

#[test]
fn an_upstream_is_looked_up_at_what_the_server_asks_by_now() {
    let Some(world) = World::new(&["lab-1"]) else {
        return;
    };
    let asks = |lines: &str| world.sh("lab-1", &format!("printf '{lines}' >/etc/resolv.conf"));
    let used = || {
        let line = "sed -n 's/^ *resolver //p' /etc/nginx/conf.d/fleet-a.example.conf";
        world.sh("lab-1", line)
    };
    // Nobody answers there.
    asks("nameserver 127.0.0.9\\n");
    let add = "add-site a.example --upstream http://app.example --health-status 502";
    world.fleet(add).expect(0);
    assert_eq!(used().trim(), "127.0.0.9;");
    world.expect_settled();
    asks("nameserver 127.0.0.8\\nnameserver fd88::53\\n");
    let plan = world.fleet("plan --detailed-exitcode").expect(6);
    expect_words(&format!("{plan}"), &["fleet-a.example.conf"]);
    world.fleet("apply").expect(0);
    assert_eq!(used().trim(), "127.0.0.8 [fd88::53];");
    world.expect_settled();
}
