//! Killed, cut off and switched off at any moment: the next run repairs, and meanwhile everybody else is served.

use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::watch::Watch;
use crate::world::{World, expect_words};

/// A server with a site that has to be served all the time, and a limit for silence.
fn world() -> Option<World> {
    world_with("3s")
}

fn world_with(idle: &str) -> Option<World> {
    let world = World::with(&["lab-1"], |inventory| {
        inventory.replace(
            "[settings]\n",
            &format!("[settings]\nidle_timeout = \"{idle}\"\nlock_wait = \"60s\"\n"),
        )
    })?;
    world.fleet("add-site neighbour.example").expect(0);
    Some(world)
}

/// Something to do that takes all kinds of steps: two sites come, one of them with a file of its own, one goes.
struct Round<'a> {
    world: &'a World,
    number: usize,
}

impl Round<'_> {
    fn sites(&self) -> [String; 2] {
        ["a", "b"].map(|letter| format!("{letter}{}.example", self.number))
    }

    fn stage(&self) {
        self.world
            .home
            .write("snippet", "add_header X-Fleet yes;\n");
        let [a, b] = self.sites();
        self.world
            .fleet(&format!("add-site {a} --snippet snippet --stage"))
            .expect(0);
        self.world.fleet(&format!("add-site {b} --stage")).expect(0);
        if self.number > 0 {
            let [gone, stays] = Round {
                number: self.number - 1,
                ..*self
            }
            .sites();
            self.world
                .fleet(&format!("remove-site {gone} --yes --stage"))
                .expect(0);
            self.world
                .fleet(&format!("set-site {stays} --cache 1d --stage"))
                .expect(0);
        }
    }

    /// One `fleet apply` brings everything to the wanted state, whatever has happened.
    #[track_caller]
    fn expect_repaired(&self) {
        let applied = self.world.fleet("apply");
        assert_eq!(applied.code, 0, "round {}: {applied}", self.number);
        for site in self.sites() {
            self.world.expect_served("lab-1", &site);
        }
        if self.number > 0 {
            let [gone, stays] = Round {
                number: self.number - 1,
                ..*self
            }
            .sites();
            self.world.expect_unknown("lab-1", &gone);
            self.world.expect_served("lab-1", &stays);
        }
        self.world.expect_settled();
        self.world.expect_tidy("lab-1");
    }
}

/// How long an undisturbed run takes.
fn usual(world: &World) -> Duration {
    let round = Round { world, number: 0 };
    round.stage();
    let began = Instant::now();
    world.fleet("apply").expect(0);
    let took = began.elapsed();
    round.expect_repaired();
    took
}

/// Disturbs `rounds` runs, each at another moment, spread over the usual time of one.
fn disturb(world: &World, rounds: usize, mut disturbance: impl FnMut(&mut crate::world::Running)) {
    let usual = usual(world);
    for number in 1..=rounds {
        let round = Round { world, number };
        round.stage();
        let moment =
            usual * u32::try_from(number).expect("few") / u32::try_from(rounds).expect("few");
        let mut running = world.start("apply");
        sleep(moment);
        disturbance(&mut running);
        let ended = running.outcome(world);
        assert!(
            [-1, 0, 3].contains(&ended.code),
            "after {moment:?}: {ended}"
        );
        round.expect_repaired();
    }
}

#[test]
fn a_client_that_is_killed_at_any_moment_is_forgotten_by_the_next_run() {
    let Some(world) = world() else { return };
    let watch = Watch::site(&world, "lab-1", "neighbour.example");
    disturb(&world, 14, crate::world::Running::kill);
    watch.expect_never_failed();
}

#[test]
fn a_connection_that_breaks_at_any_moment_leaves_nothing_half_done() {
    let Some(world) = world() else { return };
    let watch = Watch::site(&world, "lab-1", "neighbour.example");
    disturb(&world, 10, |_| {
        // The sessions; the daemon goes on.
        world.lab.sh("lab-1", "pkill -KILL -f '^sshd: [^/]'");
    });
    watch.expect_never_failed();
}

#[test]
fn a_server_that_loses_power_is_finished_when_it_is_back() {
    let Some(world) = world() else { return };
    disturb(&world, 4, |_| {
        world.lab.kill("lab-1");
        world.lab.start("lab-1");
    });
}

#[test]
fn what_came_into_what_a_dead_transaction_had_made_is_in_the_trash() {
    let Some(world) = World::new(&["lab-1"]) else {
        return;
    };
    world.fleet("setup-server lab-1 --role database").expect(0);
    for engine in ["mariadb", "postgres"] {
        world
            .fleet(&format!(
                "add-database d{engine} --engine {engine} --server lab-1 --stage"
            ))
            .expect(0);
    }
    world
        .fleet("add-site a.example --server lab-1 --stage")
        .expect(0);
    // The last thing that is tried before it is done takes for ever.
    world.sh(
        "lab-1",
        "mv /usr/bin/curl /usr/bin/curl.real
        printf '#!/bin/sh\\n: >/run/probing\\nsleep 900\\n' >/usr/bin/curl && chmod 755 /usr/bin/curl",
    );
    let running = world.start("apply");
    world.sh(
        "lab-1",
        "timeout 60 sh -c 'until [ -e /run/probing ]; do sleep 0.1; done'",
    );
    world.lab.kill("lab-1");
    running.outcome(&world).expect(3);
    world.lab.start("lab-1");
    world.sh(
        "lab-1",
        "mv -f /usr/bin/curl.real /usr/bin/curl
        timeout 120 sh -c 'until mariadb -e \"SELECT 1\" && runuser -u postgres -- psql -c \"SELECT 1\"; do sleep 0.2; done' 2>&1
        cd /srv/www/a.example/public && echo mine >mine && chown --reference=. mine
        mariadb dmariadb -e 'CREATE TABLE t (a int); INSERT INTO t VALUES (4711)'
        runuser -u postgres -- psql -q dpostgres -c 'CREATE TABLE t (a int); INSERT INTO t VALUES (4711)' 2>&1",
    );
    let owner = world.sh("lab-1", "stat -c %u /srv/www/a.example/public/mine");
    let applied = world.fleet("apply").expect(0);
    expect_words(
        &format!("{applied}"),
        &[
            "rolled back what an earlier run left half done",
            "fleet list-trash",
        ],
    );
    world.expect_served("lab-1", "a.example");
    let found = world.sh(
        "lab-1",
        "cat /srv/www/.fleet-trash/*/a.example/public/mine; stat -c %u /srv/www/a.example/public
        cd /var/lib/fleet/trash/*[0-9] && for engine in mariadb postgres; do zgrep -q 4711 $engine-d$engine/dump.sql.gz && echo $engine; done",
    );
    assert_eq!(found, format!("mine\n{owner}\nmariadb\npostgres"));
    world.expect_settled();
    world.expect_tidy("lab-1");
}

#[test]
fn a_network_that_is_cut_for_a_moment_holds_a_run_up_and_no_more() {
    // What was lost is sent again after ever longer pauses.
    let Some(world) = world_with("60s") else {
        return;
    };
    let usual = usual(&world);
    for number in 1..=3 {
        let round = Round {
            world: &world,
            number,
        };
        round.stage();
        let running = world.start("apply");
        sleep(usual * u32::try_from(number).expect("few") / 4);
        world.lab.cut("lab-1");
        sleep(Duration::from_millis(500));
        world.lab.mend("lab-1");
        running.outcome(&world).expect(0);
        round.expect_repaired();
    }
}

#[test]
fn a_network_that_is_cut_for_good_keeps_nobody_waiting() {
    let Some(world) = world() else { return };
    let usual = usual(&world);
    for number in 1..=3 {
        let round = Round {
            world: &world,
            number,
        };
        round.stage();
        let running = world.start("apply");
        sleep(usual * u32::try_from(number).expect("few") / 4);
        world.lab.cut("lab-1");
        let began = Instant::now();
        // Once asks it to stop, twice to leave at once.
        running.interrupt();
        sleep(Duration::from_millis(200));
        running.interrupt();
        let ended = running.outcome(&world);
        let took = began.elapsed();
        assert!(took < Duration::from_secs(20), "{took:?}: {ended}");
        assert!([0, 1, 3, 130].contains(&ended.code), "{ended}");

        let away = world.fleet("apply --json").expect(3).json();
        assert_eq!(away["servers"][0]["outcome"], "unreachable", "{away:#}");
        world.lab.mend("lab-1");
        round.expect_repaired();
    }
}

#[test]
fn a_network_that_is_cut_in_the_middle_of_a_change_is_noticed() {
    let Some(world) = world() else { return };
    let usual = usual(&world);
    let round = Round {
        world: &world,
        number: 1,
    };
    round.stage();
    let running = world.start("apply --json");
    sleep(usual / 2);
    world.lab.cut("lab-1");
    let began = Instant::now();
    let ended = running.outcome(&world);
    let took = began.elapsed();
    world.lab.mend("lab-1");
    assert!(took < Duration::from_secs(60), "{took:?}: {ended}");
    // It may have come to its end just before.
    assert!([0, 3].contains(&ended.code), "{ended}");
    if ended.code == 3 {
        expect_words(&ended.stdout, &["no sign of life"]);
    }
    round.expect_repaired();
}

#[test]
fn ctrl_c_lets_a_transaction_come_to_its_end() {
    let Some(world) = world() else { return };
    let usual = usual(&world);
    for number in 1..=4 {
        let round = Round {
            world: &world,
            number,
        };
        round.stage();
        let running = world.start("apply");
        sleep(usual * u32::try_from(number).expect("few") / 5);
        running.interrupt();
        let ended = running.outcome(&world);
        assert!([0, 3].contains(&ended.code), "{ended}");
        if ended.code == 3 {
            expect_words(&ended.stderr, &["stopping"]);
            expect_words(&ended.stdout, &["lab-1 stopped"]);
        }
        world.expect_tidy("lab-1");
        round.expect_repaired();
    }
}

#[test]
fn a_server_that_is_away_holds_up_nobody_else() {
    let Some(world) = World::new(&["lab-1", "lab-2", "lab-4"]) else {
        return;
    };
    for (site, server) in [
        ("a.example", "lab-1"),
        ("b.example", "lab-2"),
        ("c.example", "lab-4"),
    ] {
        world
            .fleet(&format!("add-site {site} --server {server} --stage"))
            .expect(0);
    }
    world.lab.kill("lab-2");
    let applied = world.fleet("apply").expect(3);
    expect_words(&applied.stderr, &["lab-2", "1 unreachable", "2 changed"]);
    world.expect_served("lab-1", "a.example");
    world.expect_served("lab-4", "c.example");
    let list = world.json("list-sites", 0);
    let b = &list["sites"][1]["placements"][0];
    assert_eq!(b["status"], "pending", "{list:#}");
    expect_words(&b.to_string(), &["lab-2"]);
    let shown = world.fleet("show-site b.example").expect(0);
    expect_words(&shown.stdout, &["pending"]);

    // The same for a single site: it is recorded, and told to be pending.
    let set = world.fleet("set-site b.example --cache 1d").expect(3);
    expect_words(&set.stderr, &["it stays recorded"]);

    world.lab.start("lab-2");
    let finished = world.fleet("apply").expect(0);
    expect_words(&format!("{finished}"), &["lab-2"]);
    world.expect_served("lab-2", "b.example");
    world.expect_settled();
}
