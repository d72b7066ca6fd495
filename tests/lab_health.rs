//! Health and setup on real servers: what is wrong with them is seen, and a bare one is set up.

#![allow(
    clippy::print_stderr,
    reason = "a test that is left out says so in one line"
)]

#[path = "lab/support.rs"]
mod lab;
mod support;

use lab::Lab;
use serde_json::Value;
use support::environment::{Environment, Outcome};

/// The lab, or `None` after saying why there is none.
fn lab() -> Option<Lab> {
    match Lab::available() {
        Ok(()) => Some(Lab::acquire()),
        Err(reason) => {
            eprintln!("left out: {reason}");
            None
        }
    }
}

/// A home whose inventory is the lab's.
fn environment(lab: &Lab) -> Environment {
    let inventory = lab.inventory_path();
    Environment::new()
        .with("FLEET_INVENTORY", &inventory.to_string_lossy())
        .with("FLEET_STATE", "state.db")
}

/// What `fleet health --json` says of a server.
fn health(environment: &Environment, server: &str) -> Value {
    // With patience, for a machine at work.
    let outcome = environment.fleet(["health", "--json", "--timeout=60s", "--server", server]);
    let report = outcome.json();
    let of_server = report["servers"][0].clone();
    let expected = if of_server["health"] == "online" {
        0
    } else {
        5
    };
    assert_eq!(outcome.code, expected, "{outcome}");
    of_server
}

#[track_caller]
fn expect(of_server: &Value, health: &str, reason: &str) {
    assert_eq!(of_server["health"], health, "{of_server:#}");
    let reasons = of_server["reasons"].to_string();
    assert!(reasons.contains(reason), "{of_server:#}");
}

/// Nothing is wrong with it, but perhaps the load: its processors are those of this machine, which is at work.
#[track_caller]
fn expect_well(of_server: &Value) {
    let reasons = of_server["reasons"].as_array().expect("reasons");
    let is_load = |reason: &Value| {
        reason
            .as_str()
            .is_some_and(|text| text.starts_with("load "))
    };
    assert!(reasons.iter().all(is_load), "{of_server:#}");
    let expected = if reasons.is_empty() {
        "online"
    } else {
        "degraded"
    };
    assert_eq!(of_server["health"], expected, "{of_server:#}");
}

#[test]
fn what_is_wrong_with_a_server_is_seen() {
    let Some(lab) = lab() else { return };
    let environment = environment(&lab);
    lab.reset("lab-1");
    lab.sh_ok("lab-1", "systemctl start nginx; systemctl reset-failed");
    let well = health(&environment, "lab-1");
    expect_well(&well);
    assert_eq!(well["facts"]["os_version"], "12", "{well:#}");
    assert_eq!(well["facts"]["services"]["nginx"], "active", "{well:#}");

    lab.sh_ok("lab-1", "systemctl stop nginx");
    expect(
        &health(&environment, "lab-1"),
        "degraded",
        "`nginx` does not run",
    );
    lab.sh_ok("lab-1", "systemctl start nginx");

    lab.sh(
        "lab-1",
        "systemd-run -q --wait --unit=fleet-test-broken false",
    );
    expect(
        &health(&environment, "lab-1"),
        "degraded",
        "unit `fleet-test-broken.service` has failed",
    );
    lab.sh_ok("lab-1", "systemctl reset-failed");

    lab.sh_ok(
        "lab-1",
        "mount -t tmpfs -o size=64k tmpfs /srv && { head -c 100k /dev/zero >/srv/full || :; }",
    );
    expect(
        &health(&environment, "lab-1"),
        "degraded",
        "`/srv` is 100 % full",
    );
    lab.sh_ok("lab-1", "rm /srv/full && mount -o remount,ro /srv");
    expect(
        &health(&environment, "lab-1"),
        "degraded",
        "`/srv` is read-only",
    );
    lab.sh_ok("lab-1", "umount /srv");
    lab.sh_ok(
        "lab-1",
        "mount -t tmpfs -o nr_inodes=2 tmpfs /srv && touch /srv/one",
    );
    expect(
        &health(&environment, "lab-1"),
        "degraded",
        "`/srv` has used 100 % of its inodes",
    );
    lab.sh_ok("lab-1", "umount /srv");
    expect_well(&health(&environment, "lab-1"));
}

#[test]
fn a_server_that_is_cut_off_costs_its_own_limit_and_the_others_are_seen() {
    let Some(lab) = lab() else { return };
    let environment = environment(&lab);
    // As the last test left them they may be anything.
    lab.reset_all(&["lab-1", "lab-2", "lab-3", "lab-4"]);
    lab.cut("lab-2");
    // With more patience where this machine is too slow for the well ones.
    for limit in [3, 12, 48] {
        let started = std::time::Instant::now();
        let timeout = format!("--timeout={limit}s");
        let outcome = environment.fleet([
            "health",
            "--server",
            "lab-[1-4]",
            timeout.as_str(),
            "--json",
        ]);
        let took = started.elapsed();
        let report = outcome.expect(5).json();
        let seen = |number: usize| report["servers"][number]["facts"].is_object();
        if [0, 2, 3].into_iter().all(seen) {
            assert_eq!(report["summary"]["offline"], 1, "{report:#}");
            assert_eq!(report["servers"][1]["name"], "lab-2", "{report:#}");
            assert_eq!(report["servers"][1]["health"], "offline", "{report:#}");
            assert!(took.as_secs() < limit + 20, "{took:?}");
            lab.mend("lab-2");
            return;
        }
        assert!(limit < 48, "{report:#}");
    }
}

#[test]
fn a_login_without_root_and_a_changed_host_key_are_errors() {
    let Some(lab) = lab() else { return };
    // The last test may have left a firewall.
    lab.reset_all(&["lab-1", "lab-2", "lab-4"]);
    let sudo = lab.server("lab-4");
    let key = lab.dir().join("id_ed25519");
    let known_hosts = std::fs::read_to_string(lab.dir().join("known_hosts")).expect("known_hosts");
    let environment = Environment::new().with("FLEET_STATE", "state.db");
    // The key of lab-1, recorded as that of lab-2.
    let (one, two) = (lab.server("lab-1").address, lab.server("lab-2").address);
    let swapped: Vec<String> = known_hosts
        .lines()
        .filter_map(|line| {
            let (names, rest) = line.split_once(' ')?;
            let has =
                |address: std::net::IpAddr| names.split(',').any(|n| n == address.to_string());
            if has(one) {
                Some(format!("{two} {rest}"))
            } else if has(two) {
                None
            } else {
                Some(line.to_owned())
            }
        })
        .collect();
    let known_hosts = environment.write("known_hosts", &format!("{}\n", swapped.join("\n")));
    environment.write(
        "inventory.toml",
        &format!(
            "[settings]\nknown_hosts = \"{}\"\nssh_config = false\n\
             [defaults]\nidentity_file = \"{}\"\n\
             [servers.plain]\naddress = \"{}\"\nuser = \"{}\"\n\
             [servers.changed]\naddress = \"{two}\"\nuser = \"root\"\n\
             [servers.stranger]\naddress = \"{}\"\nuser = \"nobody\"\nport = 22\n",
            known_hosts.display(),
            key.display(),
            sudo.address,
            sudo.user,
            sudo.address6,
        ),
    );
    expect(&health(&environment, "plain"), "error", "who is not root");
    let changed = health(&environment, "changed");
    expect(&changed, "error", "is not the recorded one");
    assert!(changed["facts"].is_null(), "{changed:#}");
    expect(&health(&environment, "stranger"), "error", "");

    let outcome = environment.fleet(["setup-server", "plain"]).expect(1);
    assert!(outcome.stderr.contains("who is not root"), "{outcome}");
}

#[test]
fn a_bare_server_is_set_up_once() {
    let Some(lab) = lab() else { return };
    let environment = environment(&lab);
    lab.reset("lab-3");
    let set_up = |arguments: &[&str]| -> Outcome {
        let mut words = vec!["setup-server", "lab-3"];
        words.extend(arguments);
        environment.fleet(words)
    };

    let dry = set_up(&["--dry-run"]).expect(0);
    assert!(dry.stdout.contains("package nginx"), "{dry}");
    lab.sh_ok("lab-3", "! command -v nginx");

    // Another system.
    lab.sh_ok("lab-3", "cp /usr/lib/os-release /root/ && rm -f /etc/os-release && printf 'ID=ubuntu\\nVERSION_ID=\"24.04\"\\n' >/etc/os-release");
    let ubuntu = set_up(&[]).expect(1);
    assert!(ubuntu.stderr.contains("runs ubuntu 24.04"), "{ubuntu}");
    lab.sh_ok("lab-3", "ln -sf ../usr/lib/os-release /etc/os-release");

    // No package sources.
    lab.sh_ok(
        "lab-3",
        &format!(
            "cd /etc/apt && mv sources.list away && rm -rf /var/lib/apt/lists/* && \
             echo 'deb http://{}/debian bookworm main' >sources.list",
            lab.address(254)
        ),
    );
    let cut_off = set_up(&[]).expect(1);
    assert!(
        cut_off
            .stderr
            .contains("does not reach its package sources"),
        "{cut_off}"
    );
    assert!(cut_off.stderr.contains("  E: "), "{cut_off}");
    lab.sh_ok("lab-3", "mv /etc/apt/away /etc/apt/sources.list");

    // No space: what the packages bring does not fit.
    lab.sh_ok(
        "lab-3",
        "mkdir -p /usr/share/nginx && mount -t tmpfs -o nr_inodes=2 tmpfs /usr/share/nginx",
    );
    let full = set_up(&[]).expect(1);
    assert!(full.stderr.contains("no space left on the disk"), "{full}");
    lab.sh_ok("lab-3", "umount /usr/share/nginx");

    // After all of that it is done, and done is done.
    let done = set_up(&["--json"]).expect(0).json();
    assert_eq!(done["servers"][0]["outcome"], "changed", "{done:#}");
    assert_eq!(lab.curl("lab-3", "lab-3", "/").0, 200);
    assert_eq!(
        lab.sh_ok("lab-3", "systemctl is-active php8.2-fpm"),
        "active"
    );
    assert_eq!(lab.sh_ok("lab-3", "ls -A /var/lib/fleet/tx"), "");

    let before = lab.sh_ok(
        "lab-3",
        "stat -c '%n %Y %Z' /etc /etc/nginx /var/lib/dpkg /var/lib/dpkg/status",
    );
    let again = set_up(&["--json"]).expect(0).json();
    assert_eq!(again["servers"][0]["outcome"], "unchanged", "{again:#}");
    assert_eq!(again["servers"][0]["changes"], serde_json::json!([]));
    let after = lab.sh_ok(
        "lab-3",
        "stat -c '%n %Y %Z' /etc /etc/nginx /var/lib/dpkg /var/lib/dpkg/status",
    );
    assert_eq!(before, after);

    // A stopped service is started, and nothing else.
    lab.sh_ok("lab-3", "systemctl disable --now nginx");
    let started = set_up(&["--json"]).expect(0).json();
    assert_eq!(
        started["servers"][0]["changes"].as_array().map(Vec::len),
        Some(1),
        "{started:#}"
    );
    assert_eq!(
        started["servers"][0]["changes"][0]["item"], "service nginx",
        "{started:#}"
    );
    assert_eq!(lab.sh_ok("lab-3", "systemctl is-enabled nginx"), "enabled");

    expect_well(&health(&environment, "lab-3"));
    let tasks = environment.fleet(["list-tasks", "--json"]).expect(0).json();
    let tasks = tasks["tasks"].as_array().expect("tasks");
    assert_eq!(
        tasks.len(),
        5,
        "two that failed, two that changed something, one that had nothing to do: {tasks:#?}"
    );
}

#[test]
fn a_setup_that_is_cut_off_is_finished_by_the_next() {
    let Some(lab) = lab() else { return };
    let environment = environment(&lab);
    lab.reset("lab-3");
    let mut running = environment
        .command(["setup-server", "lab-3"])
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .expect("fleet");
    // In the middle of dpkg's work.
    lab.sh_ok(
        "lab-3",
        "timeout 60 sh -c 'until pgrep -x dpkg; do sleep 0.05; done'",
    );
    running.kill().expect("killed");
    running.wait().expect("ended");
    // The one that lost its client ends in its own time, and has the lock until then.
    let again = || {
        let tries = (0..10).map(|_| environment.fleet(["setup-server", "lab-3"]));
        let mut free = tries.skip_while(|outcome| outcome.code == 8);
        free.next().expect("the lock").expect(0)
    };
    let done = again();
    assert_eq!(lab.curl("lab-3", "lab-3", "/").0, 200, "{done}");

    lab.reset("lab-3");
    let running = environment
        .command(["setup-server", "lab-3"])
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .expect("fleet");
    lab.sh_ok(
        "lab-3",
        "timeout 60 sh -c 'until pgrep -x dpkg; do sleep 0.05; done'",
    );
    lab.kill("lab-3");
    let ended = running.wait_with_output().expect("ended");
    assert!(!ended.status.success());
    lab.start("lab-3");
    again();
    assert_eq!(lab.curl("lab-3", "lab-3", "/").0, 200);
}
