//! Waves over real servers, what goes on after they stopped, and plans that are applied as they were reviewed.

use std::os::unix::fs::PermissionsExt as _;

use crate::world::{World, expect_words};

const SERVERS: [&str; 2] = ["lab-1", "lab-2"];

#[test]
fn a_broken_canary_stops_a_rollout_and_a_retry_goes_on() {
    let Some(world) = World::new(&SERVERS) else {
        return;
    };
    for server in SERVERS {
        world
            .fleet(&format!(
                "add-site {server}.example --server {server} --stage"
            ))
            .expect(0);
    }
    world.sh("lab-2", "echo 'broken;' >/etc/nginx/conf.d/zz.conf");
    let stopped = world.fleet("apply --waves lab-2,100%").expect(3);
    expect_words(
        &stopped.stderr,
        &[
            "wave 1 of 2: lab-2 (1 server)",
            "stopped after wave 1 of 2: lab-2 failed",
            "not begun: lab-1 (1 server)",
            "`fleet retry 3` goes on",
        ],
    );
    world.expect_unknown("lab-1", "lab-1.example");

    world.sh("lab-2", "rm /etc/nginx/conf.d/zz.conf");
    let again = world.fleet("retry").expect(0);
    expect_words(&again.stderr, &["again lab-[1-2]", "wave 2 of 2: lab-1"]);
    for server in SERVERS {
        world.expect_served(server, &format!("{server}.example"));
    }

    // The page of the canary goes between the change and the look after the wave.
    for server in SERVERS {
        world
            .fleet(&format!("set-site {server}.example --cache 1d --stage"))
            .expect(0);
    }
    world.sh(
        "lab-2",
        "systemd-run -q --collect sh -c 'while ! grep -rqs 86400 /etc/nginx/conf.d/fleet-lab-2.example.conf || \
         [ -n \"$(ls /var/lib/fleet/tx)\" ]; do sleep 0.05; done; systemctl stop nginx'",
    );
    let unwell = world
        .fleet("apply --waves lab-2,100% --wave-pause 5s --json")
        .expect(3)
        .json();
    assert_eq!(
        unwell["stopped"]["reason"], "lab-2 is not well",
        "{unwell:#}"
    );
    assert_eq!(unwell["servers"][1]["outcome"], "waiting", "{unwell:#}");
    // A sweep does not bring it to the others behind the admin's back.
    let tasks = || world.json("list-tasks", 0);
    let before = tasks();
    world.fleet("health -q --apply-pending");
    assert_eq!(tasks(), before);
    // The canary that is not well is not done: it goes first again.
    let again = world.fleet("retry").expect(0);
    expect_words(&again.stderr, &["again lab-[1-2]", "wave 2 of 2: lab-1"]);
    world.expect_settled();
    for server in SERVERS {
        world.expect_served(server, &format!("{server}.example"));
        world.expect_tidy(server);
    }
}

#[test]
fn a_reviewed_plan_is_applied_as_it_is_or_not_at_all() {
    let Some(world) = World::new(&SERVERS) else {
        return;
    };
    world.home.write("passwords", "hunter2hunter2\n");
    for server in SERVERS {
        world
            .fleet(&format!(
                "add-site {server}.example --server {server} --auth-user ann --auth-password-file passwords --stage"
            ))
            .expect(0);
    }
    let plan = |code| {
        world
            .fleet("plan --out a.plan --detailed-exitcode")
            .expect(code)
    };
    expect_words(&plan(6).stderr, &["`fleet apply a.plan`"]);
    let file = world.home.path().join("a.plan");
    let mode = std::fs::metadata(&file).expect("the plan").permissions();
    assert_eq!(mode.mode() & 0o7777, 0o600);
    let text = world.home.read("a.plan");
    expect_words(&text, &["fleet-lab-1.example.conf"]);
    assert!(!text.contains("hunter2") && !text.contains("$6$") && !text.contains("$5$"));
    let nothing_changed = || {
        for server in SERVERS {
            world.expect_unknown(server, &format!("{server}.example"));
        }
    };

    // What should be has changed.
    world
        .fleet("set-site lab-2.example --cache 1d --stage")
        .expect(0);
    let stale = world.fleet("apply a.plan").expect(1);
    expect_words(
        &stale.stderr,
        &[
            "does not fit any more",
            "site lab-2.example: task 3 (`set-site`) has changed it since",
        ],
    );
    nothing_changed();

    // What is there has changed, on the second server only.
    plan(6);
    world.sh("lab-2", "touch /etc/nginx/conf.d/fleet-lab-2.example.conf");
    for line in ["apply a.plan", "apply a.plan --waves 1"] {
        let stale = world.fleet(line).expect(1);
        expect_words(
            &stale.stderr,
            &[
                "`lab-2`: the plan does not fit any more",
                "fleet-lab-2.example.conf",
            ],
        );
        nothing_changed();
    }
    world.sh("lab-2", "rm /etc/nginx/conf.d/fleet-lab-2.example.conf");

    // The file has changed, or is another state's.
    world
        .home
        .write("b.plan", &text.replace("lab-1.example", "lab-x.example"));
    let tampered = world.fleet("apply b.plan").expect(2);
    expect_words(&tampered.stderr, &["was changed since fleet wrote it"]);
    let other = world.fleet("apply a.plan --state other.db").expect(2);
    expect_words(&other.stderr, &["is not a plan of this state database"]);
    world.fleet("apply a.plan --force").expect(2);

    world.fleet("apply a.plan").expect(0);
    for server in SERVERS {
        assert_eq!(world.get(server, &format!("{server}.example")).0, 401);
    }
    world.fleet("apply a.plan").expect(1);
    plan(0);
    expect_words(
        &world.fleet("apply a.plan").expect(0).stderr,
        &["nothing to do"],
    );
}
