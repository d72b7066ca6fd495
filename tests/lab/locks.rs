//! Two fleets on one server: who has its lock is told, and it can be broken.

use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::world::{World, expect_words};

#[test]
fn a_lock_tells_who_has_it_and_can_be_broken() {
    let Some(world) = World::new(&["lab-1"]) else {
        return;
    };
    // The first test of a configuration takes its time.
    world.sh(
        "lab-1",
        "touch /run/slow; mv /usr/sbin/nginx /usr/sbin/nginx.real
        printf '#!/bin/sh\\ncase \"$*\" in *-t*) ! mv /run/slow /run/slower || sleep 600 ;; esac\\nexec /usr/sbin/nginx.real \"$@\"\\n' >/usr/sbin/nginx
        chmod 755 /usr/sbin/nginx",
    );
    let slow = world.start("add-site a.example");
    let began = Instant::now();
    let lock = loop {
        let locks = world.json("list-locks", 0);
        let lock = locks["locks"][0].clone();
        if lock["work"][0] == "1-0" {
            break lock;
        }
        assert!(began.elapsed() < Duration::from_secs(120), "{locks:#}");
        sleep(Duration::from_millis(50));
    };
    assert_eq!(lock["operator"], "tester", "{lock:#}");
    assert_eq!(lock["task"], 1, "{lock:#}");
    assert_eq!(lock["command"], "fleet add-site a.example", "{lock:#}");
    let table = world.fleet("list-locks").expect(0);
    expect_words(&table.stdout, &["lab-1", "tester on ", "1-0 has ended"]);

    let locked = world.fleet("add-site b.example --lock-wait 0s").expect(8);
    expect_words(
        &locked.stderr,
        &[
            "is locked by tester on ",
            "(`fleet add-site a.example`, task 1), for ",
        ],
    );
    let asked = world.fleet("break-lock lab-1").expect(2);
    expect_words(
        &asked.stderr,
        &["this needs a yes", "in the middle of 1-0", "--yes"],
    );
    let broken = world.json("break-lock lab-1 --grace 0s --yes", 0);
    assert_eq!(broken["result"], "killed", "{broken:#}");
    slow.outcome(&world).expect(3);

    world.sh("lab-1", "mv /usr/sbin/nginx.real /usr/sbin/nginx");
    world.fleet("apply").expect(0);
    for site in ["a.example", "b.example"] {
        world.expect_served("lab-1", site);
    }
    world.expect_tidy("lab-1");
    let free = world.fleet("break-lock lab-1").expect(0);
    expect_words(&free.stderr, &["nobody has the lock of `lab-1`"]);
    let task = world.json(&format!("show-task {}", broken["task"]), 0);
    expect_words(
        &task.to_string(),
        &["break-lock", "break the lock of tester on "],
    );
}
