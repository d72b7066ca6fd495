//! Nothing is live before it is tested: what nginx refuses, what does not answer, and who is to blame.

use std::fmt::Write as _;

use crate::watch::Watch;
use crate::world::{World, expect_same, expect_words};

/// Directives that nginx refuses: the check of fleet itself lets them through, since a module may know them.
const REFUSED: &str = "no_such_directive on;\n";

#[test]
fn what_nginx_refuses_never_gets_live() {
    let Some(world) = World::new(&["lab-1"]) else {
        return;
    };
    world.fleet("add-site a.example").expect(0);
    world.home.write("bad.conf", REFUSED);
    let before = world.contents("lab-1");
    let watch = Watch::site(&world, "lab-1", "a.example");

    let set = world
        .fleet("set-site a.example --snippet bad.conf")
        .expect(1);
    expect_words(
        &set.stderr,
        &[
            "site a.example",
            "lab-1",
            "no_such_directive",
            "as it was before",
        ],
    );
    expect_same(&before, &world.contents("lab-1"), "after the bad snippet");
    // The wish is taken back: what is recorded is what is served.
    world.expect_settled();

    let add = world
        .fleet("add-site b.example --snippet bad.conf")
        .expect(1);
    expect_words(&add.stderr, &["site b.example", "no_such_directive"]);
    expect_same(&before, &world.contents("lab-1"), "after the bad site");
    world.fleet("show-site b.example").expect(2);
    watch.expect_never_failed();
    world.expect_tidy("lab-1");

    world.home.write("good.conf", "add_header X-Good yes;\n");
    world
        .fleet("set-site a.example --snippet good.conf")
        .expect(0);
    world.expect_served("lab-1", "a.example");
}

#[test]
fn what_links_in_the_configuration_lead_to_is_not_changed_by_a_test_of_it() {
    let Some(world) = World::new(&["lab-1"]) else {
        return;
    };
    world.fleet("add-site a.example").expect(0);
    world.home.write("bad.conf", REFUSED);
    world.sh(
        "lab-1",
        "mkdir /opt/nginx && mv /etc/nginx/conf.d /opt/nginx/ && ln -s /opt/nginx/conf.d /etc/nginx/conf.d",
    );
    let vhosts = || world.sh("lab-1", "cat /opt/nginx/conf.d/fleet-*");
    let before = vhosts();
    let set = world
        .fleet("set-site a.example --cache 1d --snippet bad.conf")
        .expect(1);
    expect_words(&set.stderr, &["no_such_directive", "as it was before"]);
    expect_same(&before, &vhosts(), "after the bad snippet");
    world.fleet("set-site a.example --cache 1d").expect(0);
    world.expect_served("lab-1", "a.example");
    assert!(vhosts().contains("expires"), "it is live");
    world.sh(
        "lab-1",
        "rm /etc/nginx/conf.d && mv /opt/nginx/conf.d /etc/nginx/ && rmdir /opt/nginx",
    );
    world.expect_settled();
}

#[test]
fn of_five_sites_only_the_guilty_one_is_left_out() {
    let Some(world) = World::new(&["lab-1", "lab-2"]) else {
        return;
    };
    world.home.write("bad.conf", REFUSED);
    world
        .fleet("add-site neighbour.example --server lab-1")
        .expect(0);
    for site in ["a", "b", "d", "e"] {
        world
            .fleet(&format!("add-site {site}.example --server lab-1 --stage"))
            .expect(0);
    }
    world
        .fleet("add-site c.example --server lab-1 --snippet bad.conf --stage")
        .expect(0);
    world
        .fleet("add-site f.example --server lab-2 --stage")
        .expect(0);
    let watch = Watch::site(&world, "lab-1", "neighbour.example");
    // One of two servers: the others are done.
    let applied = world.fleet("apply").expect(3);
    expect_words(
        &applied.stderr,
        &["site c.example on `lab-1`", "no_such_directive"],
    );
    for site in ["a", "b", "d", "e"] {
        let site = format!("{site}.example");
        world.expect_served("lab-1", &site);
        assert!(!applied.stderr.contains(&site), "{applied}");
    }
    world.expect_served("lab-2", "f.example");
    world.expect_unknown("lab-1", "c.example");
    watch.expect_never_failed();
    world.expect_tidy("lab-1");
    let left = world.sh("lab-1", "find /etc /srv /var/log/nginx -name '*c.example*'");
    assert_eq!(left, "");
    let list = world.json("list-sites", 0);
    for site in list["sites"].as_array().expect("sites") {
        let here = &site["placements"][0];
        let expected = if site["name"] == "c.example" {
            "failed"
        } else {
            "applied"
        };
        assert_eq!(here["status"], expected, "{site:#}");
    }
    let shown = world.fleet("show-site c.example").expect(0);
    expect_words(&shown.stdout, &["failed", "nginx"]);

    world.home.write("good.conf", "add_header X-Good yes;\n");
    world
        .fleet("set-site c.example --snippet good.conf")
        .expect(0);
    world.expect_served("lab-1", "c.example");
    world.expect_settled();
}

#[test]
fn a_configuration_that_somebody_else_broke_is_blamed_on_nobody_here() {
    let Some(world) = World::new(&["lab-1"]) else {
        return;
    };
    world.fleet("add-site a.example").expect(0);
    // The running nginx still has the old one.
    world.sh(
        "lab-1",
        "echo 'server { listen 80' >/etc/nginx/conf.d/theirs.conf",
    );
    let before = world.contents("lab-1");
    let add = world.fleet("add-site b.example").expect(1);
    expect_words(
        &add.stderr,
        &["broken before this change", "theirs.conf", "b.example"],
    );
    expect_same(&before, &world.contents("lab-1"), "afterwards");
    world.expect_served("lab-1", "a.example");
    world.fleet("show-site b.example").expect(2);
    // What changes no configuration of nginx is not held up by it.
    world.sh("lab-1", "chmod 777 /srv/www/a.example");
    world.fleet("apply").expect(0);

    world.sh("lab-1", "rm /etc/nginx/conf.d/theirs.conf");
    world.fleet("add-site b.example").expect(0);
    world.expect_served("lab-1", "b.example");
    world.expect_tidy("lab-1");

    // A name in directives of the admin's own, which is known no more.
    world.sh("lab-1", "echo '192.0.2.1 gone.invalid' >>/etc/hosts");
    let snippet = "location /api/ { proxy_pass http://gone.invalid; }\n";
    world.home.write("api.conf", snippet);
    world
        .fleet("set-site a.example --snippet api.conf")
        .expect(0);
    world.sh("lab-1", "sed -i /gone.invalid/d /etc/hosts");
    let set = world.fleet("set-site b.example --cache 7d").expect(1);
    expect_words(
        &set.stderr,
        &["that of site a.example", "host not found in upstream"],
    );
    world.home.write("none.conf", "");
    world
        .fleet("set-site a.example --snippet none.conf")
        .expect(0);
}

#[test]
fn a_site_that_answers_badly_is_taken_back() {
    let Some(world) = World::new(&["lab-1", "lab-3"]) else {
        return;
    };
    world.fleet("add-site a.example --server lab-1").expect(0);
    // Somebody else's trouble of long ago is not the reason.
    world.sh("lab-1", "echo 'of long ago' >>/var/log/nginx/error.log");
    let before = world.contents("lab-1");
    world
        .home
        .write("broken.conf", "location = / { return 500; }\n");
    let add = world
        .fleet("add-site b.example --server lab-1 --snippet broken.conf")
        .expect(1);
    expect_words(
        &add.stderr,
        &[
            "http://b.example/ answers 500 on the server itself",
            "as it was before",
        ],
    );
    assert!(!add.stderr.contains("of long ago"), "{add}");
    expect_same(
        &before,
        &world.contents("lab-1"),
        "after a new site that answers 500",
    );
    world.expect_unknown("lab-1", "b.example");

    let set = world
        .fleet("set-site a.example --snippet broken.conf")
        .expect(1);
    expect_words(&set.stderr, &["answers 500"]);
    expect_same(
        &before,
        &world.contents("lab-1"),
        "after a change that answers 500",
    );
    world.expect_served("lab-1", "a.example");
    world.expect_settled();

    // Unless that is what is wanted, or another path answers.
    world
        .fleet("set-site a.example --snippet broken.conf --health-status 500-599")
        .expect(0);
    assert_eq!(world.get("lab-1", "a.example").0, 500);
    world
        .fleet("add-site b.example --server lab-1 --snippet broken.conf --health-path /index.html")
        .expect(0);
    world.expect_tidy("lab-1");
}

#[test]
fn neighbours_that_were_well_must_stay_so_and_others_do_not_matter() {
    let Some(world) = World::new(&["lab-1"]) else {
        return;
    };
    world.fleet("add-site a.example").expect(0);
    // Somebody's hand breaks it without touching what fleet looks at: it answers 500 already.
    world.sh(
        "lab-1",
        "echo 'map $host $broken { a.example 1; }' >/etc/nginx/conf.d/map.conf
        sed -i 's/^    server_name .*a.example.*/&\\n    if ($broken) { return 500; }/' /etc/nginx/conf.d/fleet-a.example.conf
        systemctl reload nginx",
    );
    timeout_until(&world, "lab-1", "a.example", 500);
    world.fleet("apply --adopt").expect(0);
    world.fleet("add-site b.example").expect(0);
    world.expect_served("lab-1", "b.example");

    // A change of one site that would take another down: its name is taken away by a block that comes first.
    let mut snippet = String::new();
    let _ = writeln!(snippet, "limit_rate 1m;");
    world.home.write("c.conf", &snippet);
    world.sh("lab-1", "rm /etc/nginx/conf.d/map.conf; sed -i '/broken/d' /etc/nginx/conf.d/fleet-a.example.conf; systemctl reload nginx");
    timeout_until(&world, "lab-1", "a.example", 200);
    // Written by hand and not loaded yet: the reload for another site would make it live.
    world.sh(
        "lab-1",
        "printf 'server { listen 80; server_name b.example; return 500; }' >/etc/nginx/conf.d/0-theirs.conf",
    );
    let before = world.contents("lab-1");
    let refused = world.fleet("add-site c.example --snippet c.conf").expect(1);
    expect_words(&refused.stderr, &["http://b.example/ answers 500"]);
    expect_same(&before, &world.contents("lab-1"), "afterwards");
}

/// Waits until a site answers with that status.
#[track_caller]
fn timeout_until(world: &World, server: &str, site: &str, status: u16) {
    let began = std::time::Instant::now();
    while world.get(server, site).0 != status {
        assert!(
            began.elapsed().as_secs() < 60,
            "{site} never answered {status}"
        );
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
}

#[test]
fn a_site_with_another_canonical_name_tells_what_its_own_log_says() {
    let Some(world) = World::new(&["lab-1"]) else {
        return;
    };
    let add = "add-site a.example --canonical www.a.example --upstream http://127.0.0.1:9";
    let refused = world.fleet(add).expect(1);
    expect_words(
        &refused.stderr,
        &[
            "http://www.a.example/ answers 502",
            "Connection refused",
            "as it was before",
        ],
    );
}
