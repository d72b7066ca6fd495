//! Cron jobs on Debian 12 and 13: what the real daemon makes of them, and what is read back of it.

use std::fmt::Write as _;
use std::thread;
use std::time::{Duration, Instant};

use crate::environment::Outcome;
use crate::world::{Running, World, expect_quick, expect_same, expect_words};

#[path = "../../src/kind/cron/corpus.rs"]
mod corpus;

const BOTH: [&str; 2] = ["lab-1", "lab-2"];

/// Prints what was typed, and who runs it where, with what.
const TYPED: &str = "printf '%s|' \"100% of it's \\\"q\\\" \\$x\" 'two\nlines' '%d'; date +%% | tr -d '\\n'; echo \"|$(id -un)|$PWD|$V\"";

/// Fleet with these arguments, ready to be started.
fn start<const N: usize>(world: &World, arguments: [&str; N]) -> Running {
    let mut command = world.home.command(arguments);
    // The clocks of the servers go on.
    command.env_remove("FLEET_TEST_NOW");
    Running::start(command)
}

fn fleet<const N: usize>(world: &World, arguments: [&str; N]) -> Outcome {
    start(world, arguments).outcome(world)
}

/// Adds a job, to be applied later, that runs each minute on all servers.
fn stage(world: &World, name: &str, command: &str, flags: &str) {
    let mut line = world.command(&format!("add-cron {name} --stage {flags}"));
    if !flags.contains("--site") {
        line.args(["--on", "*"]);
    }
    line.args(["--schedule", "* * * * *", "--command", command]);
    Running::start(line).outcome(world).expect(0);
}

/// The history of a job, without times and processes: `end 0 ok 1`.
fn history(world: &World, server: &str, name: &str) -> Vec<String> {
    let lines = world.sh(
        server,
        &format!(
            "sed -E 's/^(start|skip) [^ ]+/\\1/; s/^end [^ ]+ [^ ]+/end/' /var/lib/fleet/cron/{name}/history 2>/dev/null || :"
        ),
    );
    lines.lines().map(str::to_owned).collect()
}

/// What the first run of a job wrote.
fn output(world: &World, server: &str, name: &str) -> String {
    world.sh(
        server,
        &format!("cd /var/lib/fleet/cron/{name} && cat -- $(ls *.out | head -n 1)"),
    )
}

/// Waits until `is` on both servers: a minute and what cron and the jobs need, with much more for a machine at work.
fn wait(what: &str, is: impl Fn(&str) -> bool) {
    let began = Instant::now();
    for server in BOTH {
        while !is(server) {
            assert!(
                began.elapsed() < Duration::from_secs(240),
                "not on {server}: {what}"
            );
            thread::sleep(Duration::from_millis(500));
        }
    }
}

#[test]
fn the_daemon_runs_jobs_as_typed_and_what_became_of_them_is_told() {
    let Some(world) = World::new(&BOTH) else {
        return;
    };
    for server in BOTH {
        // What is not fleet's, and somebody who delivers mail.
        world.sh(
            server,
            "echo '* * * * * root touch /var/tmp/foreign-ran' >/etc/cron.d/foreign
            echo 'touch of somebody else' >/etc/cron.d/fleet.old
            mkdir -p /var/tmp/mail; chmod 1777 /var/tmp/mail
            printf '#!/bin/sh\\nexec cat >/var/tmp/mail/$$\\n' >/usr/sbin/sendmail; chmod +x /usr/sbin/sendmail",
        );
    }
    let foreign = world.sh("lab-1", "stat -c '%n %i %Y' /etc/cron.d/*");
    let mut typed =
        world.command("add-cron typed --stage --user www-data --directory /var/tmp --mail never");
    typed.args([
        "--on",
        "*",
        "--env",
        "V=a b%'\"\nc",
        "--schedule",
        "* * * * *",
        "--command",
        TYPED,
    ]);
    Running::start(typed).outcome(&world).expect(0);
    stage(
        &world,
        "fails",
        "echo out; echo err >&2; exit 3",
        "--mail-to ann@example.com",
    );
    stage(
        &world,
        "long",
        "sleep 987 & sleep 987",
        "--timeout 2s --mail never",
    );
    stage(
        &world,
        "again",
        "echo x >>/var/tmp/again; test \"$(wc -l </var/tmp/again)\" -ge 3",
        "--retries 3 --retry-delay 1s --mail always",
    );
    stage(
        &world,
        "nobody",
        "true",
        "--user nobody-of-that-name --mail never",
    );
    stage(
        &world,
        "much",
        "umask; yes | head -c 3000000",
        "--mail never",
    );
    stage(&world, "paused", "touch /var/tmp/paused-ran", "");
    stage(
        &world,
        "prying",
        "cat /var/lib/fleet/cron/typed/history /etc/fleet/cron/typed.sh; ls /var/lib/fleet /run/fleet; echo ok >/dev/stdout",
        "--user www-data --mail never",
    );
    fleet(&world, ["suspend-cron", "paused", "--stage"]).expect(0);
    fleet(&world, ["apply"]).expect(0);
    world.expect_settled();

    // While cron waits for its minute:
    agrees_with_cron(&world);
    overlaps_are_as_told(&world);
    missed_runs_are_told(&world);

    wait("all have run", |server| {
        [
            "typed", "fails", "long", "again", "nobody", "prying", "much",
        ]
        .iter()
        .all(|name| {
            history(&world, server, name)
                .iter()
                .any(|line| line.starts_with("end"))
        })
    });
    wait("mail", |server| {
        let mail = world.sh(server, "cat /var/tmp/mail/* 2>/dev/null || :");
        mail.contains("cron again on") && mail.contains("cron fails on")
    });
    for server in BOTH {
        // The next minute's runs are not wanted while these are looked at.
        world.sh(server, "systemctl stop cron");
    }
    for server in BOTH {
        let first = |name: &str| history(&world, server, name)[..2].to_vec();
        assert_eq!(first("typed"), ["start cron", "end 0 ok 1"], "{server}");
        assert_eq!(
            output(&world, server, "typed"),
            "100% of it's \"q\" $x|two\nlines|%d|%|www-data|/var/tmp|a b%'\"\nc",
            "{server}"
        );
        assert_eq!(first("fails"), ["start cron", "end 3 failed 1"], "{server}");
        assert_eq!(output(&world, server, "fails"), "out\nerr", "{server}");
        assert_eq!(
            first("long"),
            ["start cron", "end 124 timeout 1"],
            "{server}"
        );
        world.sh(server, "! pgrep -f 'sleep 987' >/dev/null || pgrep -f 'sleep 987' | grep -q . && pgrep -fa cron-run");
        assert_eq!(first("again"), ["start cron", "end 0 ok 3"], "{server}");
        assert_eq!(
            first("nobody"),
            ["start cron", "end 67 failed 0"],
            "{server}"
        );
        let much = output(&world, server, "much");
        assert!(
            much.starts_with("0022\ny\n") && much.len() < 1_100_000,
            "{} bytes",
            much.len()
        );
        expect_words(&much, &["(1951429 more bytes were not kept)"]);
        let prying = output(&world, server, "prying");
        assert_eq!(prying.matches("Permission denied").count(), 4, "{prying}");
        assert!(prying.ends_with("ok"), "{prying}");
        world.sh(server, "test -e /var/tmp/foreign-ran; test ! -e /var/tmp/paused-ran; test ! -e /etc/cron.d/fleet-paused");
        let mail = world.sh(server, "cat /var/tmp/mail/*");
        expect_words(
            &mail,
            &[
                "To: ann@example.com",
                "cron fails on ",
                "failed (exit code 3)",
                "out\nerr",
                "3 attempts",
            ],
        );
        for silent in ["cron typed", "cron long", "cron nobody"] {
            assert!(!mail.contains(silent), "{mail}");
        }
    }
    let list = world.json("list-crons", 0);
    let live = |name: &str, server: &str| {
        let crons = list["crons"].as_array().expect("crons");
        let cron = crons.iter().find(|cron| cron["name"] == name).expect(name);
        cron["live"][server].clone()
    };
    for server in BOTH {
        assert_eq!(live("fails", server)["result"], "3 (failed)", "{list:#}");
        assert_eq!(live("long", server)["result"], "124 (timeout)");
        assert_eq!(live("typed", server)["missed"], "");
        assert_eq!(live("paused", server)["next run"], "not scheduled");
        assert_eq!(live("paused", server)["last run"], "never");
    }
    let show = fleet(&world, ["show-cron", "typed"]).expect(0);
    expect_words(
        &show.stdout,
        &[
            "every minute",
            "next runs",
            "on lab-1",
            "on lab-2",
            "result",
            "0",
            "UTC",
        ],
    );

    let runs = world.json("list-runs fails --server lab-2", 0);
    assert_eq!(runs["runs"]["lab-2"][0]["exit_code"], 3, "{runs:#}");
    let run = fleet(&world, ["show-run", "fails", "--server", "lab-2"]).expect(0);
    assert_eq!(run.stdout, "out\nerr\n");
    expect_words(&run.stderr, &["3 (failed)"]);
    fleet(&world, ["show-run", "fails"]).expect(2);

    for server in BOTH {
        world.sh(server, "systemctl start cron");
    }
    // Resumed, it is there again; removed, nothing is left but the trash, and others' files are untouched.
    fleet(&world, ["resume-cron", "paused"]).expect(0);
    world.sh("lab-1", "test -e /etc/cron.d/fleet-paused");
    for name in [
        "typed", "fails", "long", "again", "nobody", "paused", "prying", "much", "one", "other",
        "both", "late",
    ] {
        fleet(&world, ["remove-cron", name, "--yes", "--stage"]).expect(0);
    }
    fleet(&world, ["apply", "--yes"]).expect(0);
    let left = world.sh(
        "lab-1",
        "ls -A /etc/fleet /usr/local/lib/fleet /var/lib/fleet/cron 2>/dev/null || :",
    );
    assert!(
        !left.contains("typed") && !left.contains("cron-run"),
        "{left}"
    );
    assert_eq!(
        world.sh("lab-1", "stat -c '%n %i %Y' /etc/cron.d/*"),
        foreign
    );
}

/// Debian's cron takes what fleet takes, and refuses what fleet says it refuses.
fn agrees_with_cron(world: &World) {
    let mut script = String::from("cd /var/tmp\n");
    for (list, verdict) in [
        (corpus::TAKEN, ""),
        (corpus::MISUNDERSTOOD, ""),
        (corpus::REFUSED, "! "),
    ] {
        for schedule in list {
            let _ = writeln!(
                script,
                "echo '{schedule} true' >tab; {verdict}crontab -n tab >/dev/null 2>&1 || echo '{schedule}'"
            );
        }
    }
    for server in BOTH {
        assert_eq!(world.sh(server, &script), "", "{server}");
    }
}

/// What runs already is left alone, replaced, or joined, as the policy says.
fn overlaps_are_as_told(world: &World) {
    let add = |name: &str, policy: &str| {
        fleet(
            world,
            [
                "add-cron",
                name,
                "--server",
                "lab-1",
                "--schedule",
                "@yearly",
                "--overlap",
                policy,
                "--stage",
                "--command",
                "echo began; sleep 654",
            ],
        )
        .expect(0);
    };
    add("one", "forbid");
    add("other", "replace");
    add("both", "allow");
    fleet(world, ["apply", "--server", "lab-1"]).expect(0);
    let runs = |name: &str, count: usize| {
        let began = Instant::now();
        let count_them = || {
            let marks = world.sh(
                "lab-1",
                &format!("ls /run/fleet/cron | grep -cE '^{name}[.][0-9]+$' || :"),
            );
            marks.parse::<usize>().expect("a number")
        };
        while count_them() != count {
            assert!(
                began.elapsed() < Duration::from_secs(60),
                "{name} runs {} times",
                count_them()
            );
            thread::sleep(Duration::from_millis(100));
        }
    };
    let end = |name: &str| {
        let runners = format!("ls /run/fleet/cron | sed -nE 's/^{name}[.]([0-9]+)$/\\1/p'");
        world.sh("lab-1", &format!("kill -TERM $({runners})"));
    };

    let first = start(world, ["run-cron", "one"]);
    runs("one", 1);
    let second = fleet(world, ["run-cron", "one"]).expect(1);
    expect_words(
        &second.stderr,
        &["cron one on lab-1 did not run", "it is running already"],
    );
    let show = fleet(world, ["list-crons", "one"]).expect(0);
    expect_words(&show.stdout, &["running"]);
    // It has its lock before it says that it began.
    thread::sleep(Duration::from_secs(1));
    end("one");
    let first = first.outcome(world).expect(1);
    expect_words(&first.stdout, &["began"]);
    expect_words(&first.stderr, &["ended with exit code"]);
    assert_eq!(
        history(world, "lab-1", "one"),
        ["start now", "skip now running", "end 143 stopped 1"]
    );

    let first = start(world, ["run-cron", "other"]);
    runs("other", 1);
    let second = start(world, ["run-cron", "other"]);
    first.outcome(world).expect(1);
    runs("other", 1);
    assert_eq!(
        history(world, "lab-1", "other"),
        ["start now", "end 143 replaced 1", "start now"]
    );
    end("other");
    second.outcome(world).expect(1);

    let first = start(world, ["run-cron", "both"]);
    let second = start(world, ["run-cron", "both"]);
    runs("both", 2);
    end("both");
    first.outcome(world).expect(1);
    second.outcome(world).expect(1);
    world.sh("lab-1", "! pgrep -x -f 'sleep 654'");
    // Runs are on record as tasks.
    let tasks = world.json("list-tasks", 0);
    assert!(tasks.to_string().contains("run-cron"), "{tasks:#}");
}

/// A job whose time went by without a run has missed it.
fn missed_runs_are_told(world: &World) {
    // Two of its times are over, and the next is most of an hour away.
    let minutes = world.sh("lab-2", "date -d '-7 min' +%-M; date -d '-4 min' +%-M");
    fleet(
        world,
        [
            "add-cron",
            "late",
            "--server",
            "lab-2",
            "--schedule",
            &format!("{} * * * *", minutes.replace('\n', ",")),
            "--command",
            "true",
        ],
    )
    .expect(0);
    world.sh("lab-2", "touch -d '10 minutes ago' /etc/cron.d/fleet-late");
    let list = world.json("list-crons late --server lab-2", 0);
    let missed = list["crons"][0]["live"]["lab-2"]["missed"]
        .as_str()
        .expect("text")
        .to_owned();
    assert!(missed.starts_with("2, last "), "{list:#}");
}

#[test]
fn a_job_of_a_site_runs_as_its_user_and_follows_it() {
    let Some(world) = World::new(&["lab-1"]) else {
        return;
    };
    fleet(
        &world,
        [
            "add-cron",
            "early",
            "--site",
            "a.example",
            "--schedule",
            "@daily",
            "--command",
            "true",
        ],
    )
    .expect(2);
    fleet(&world, ["add-site", "a.example"]).expect(0);
    let added = fleet(
        &world,
        [
            "add-cron",
            "late",
            "--site",
            "A.example.",
            "--schedule",
            "@daily",
            "--command",
            "id -un; pwd; echo \"$HOME\"",
        ],
    )
    .expect(0);
    expect_words(&added.stdout, &["at 00:00 every day", "00:00 UTC"]);
    let user = world.sh("lab-1", "stat -c %U /srv/www/a.example/public");
    let ran = fleet(&world, ["run-cron", "late"]).expect(0);
    assert_eq!(
        ran.stdout,
        format!("{user}\n/srv/www/a.example\n/srv/www/a.example\n")
    );
    slowly_collected(&world);
    // Whoever is without the site is without the job: it goes with it.
    fleet(&world, ["suspend-site", "a.example"]).expect(0);
    world.sh("lab-1", "test ! -e /etc/cron.d/fleet-late");
    fleet(&world, ["resume-site", "a.example"]).expect(0);
    world.sh("lab-1", "test -e /etc/cron.d/fleet-late");
    world.expect_settled();
    let list = world.json("list-servers", 0);
    assert_eq!(list["servers"][0]["load"], 1, "{list:#}");
}

/// A server with much to do looks at what a job says, and collects it, when the job has long ended: all is shown anyway,
/// of every attempt.
fn slowly_collected(world: &World) {
    world.sh(
        "lab-1",
        "for tool in wc stdbuf; do
            printf '#!/bin/sh\nsleep 0.4\nexec /usr/bin/%s \"$@\"\n' $tool >/usr/sbin/$tool; chmod +x /usr/sbin/$tool
        done",
    );
    let mut twice = world.command(
        "add-cron twice --on * --schedule @daily --retries 1 --retry-delay 1s --directory /var/tmp --mail never",
    );
    twice.args([
        "--command",
        "echo said; mkdir once 2>/dev/null && exit 3; rmdir once",
    ]);
    Running::start(twice).outcome(world).expect(0);
    let ran = fleet(world, ["run-cron", "twice"]).expect(0);
    let next = "failed (exit code 3), attempt 2 of 2 follows in 1 s";
    assert_eq!(ran.stdout, format!("said\n{next}\nsaid\n"));
    world.sh("lab-1", "rm /usr/sbin/wc /usr/sbin/stdbuf");
    // What a job leaves running keeps neither the next run waiting nor this one.
    let mut leaves = world.command("add-cron leaves --on * --schedule @daily --mail never");
    leaves.args(["--command", "echo first; sleep 987 & echo second"]);
    Running::start(leaves).outcome(world).expect(0);
    for _ in 0..2 {
        let ran = fleet(world, ["run-cron", "leaves"]).expect(0);
        assert_eq!(ran.stdout, "first\nsecond\n");
    }
    world.sh("lab-1", "pkill -x sleep");
}

#[test]
fn once_per_fleet_is_on_one_live_server() {
    let Some(world) = World::new(&BOTH) else {
        return;
    };
    fleet(
        &world,
        [
            "add-cron",
            "single",
            "--on",
            "*",
            "--once-per-fleet",
            "--schedule",
            "@hourly",
            "--command",
            "true",
        ],
    )
    .expect(0);
    let there = |server: &str| world.sh(server, "ls /etc/cron.d").contains("fleet-single");
    assert_eq!(BOTH.map(there), [true, false]);
    world.lab.cut("lab-1");
    world.fleet("health").expect(5);
    world.fleet("apply");
    assert!(there("lab-2"));
    world.lab.mend("lab-1");
    // A machine that is busy with tests is not quite well, but alive.
    world.fleet("health");
    world.fleet("apply").expect(0);
    assert_eq!(BOTH.map(there), [false, true]);
    world.expect_settled();
}

#[test]
fn a_hundred_jobs_are_found_as_they_should_be_in_under_two_seconds() {
    let Some(world) = World::new(&["lab-1"]) else {
        return;
    };
    for number in 0..100 {
        let name = format!("job{number}");
        fleet(
            &world,
            [
                "add-cron",
                &name,
                "--server",
                "lab-1",
                "--schedule",
                "30 3 * * *",
                "--command",
                "true",
                "--stage",
            ],
        )
        .expect(0);
    }
    fleet(&world, ["apply"]).expect(0);
    let before = world.stamps("lab-1");
    expect_quick(Duration::from_secs(2), || {
        fleet(&world, ["apply"]).expect(0);
    });
    expect_same(&before, &world.stamps("lab-1"), "after a second apply");
    expect_quick(Duration::from_secs(2), || {
        let list = world.json("list-crons", 0);
        assert_eq!(list["crons"].as_array().map(Vec::len), Some(100));
    });
}
