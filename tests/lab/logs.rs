//! Logs of real services on several servers, one of them reached by sudo: merged, followed, and nothing left behind.

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::world::{World, expect_words};

/// Runs fleet, which prints a JSON object for each line.
fn json_lines(world: &World, line: &str) -> Vec<serde_json::Value> {
    let outcome = world.fleet(line).expect(0);
    let lines = outcome.stdout.lines();
    lines
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect()
}

#[test]
fn logs_are_merged_over_servers_and_followed() {
    let Some(world) = World::new(&["lab-1", "lab-4"]) else {
        return;
    };
    world.fleet("add-site a.example --server lab-4").expect(0);
    for (server, host) in [
        ("lab-1", "localhost"),
        ("lab-4", "a.example"),
        ("lab-4", "localhost"),
    ] {
        world.sh(
            server,
            &format!(
                "curl -s -g -o /dev/null -H 'Host: {host}' 'http://127.0.0.1/for-{host}?x=%1b[2J'"
            ),
        );
    }
    // Of one site on one server the lines as they are.
    let site = world
        .fleet("logs --site a.example --log access --grep for-")
        .expect(0);
    assert!(site.stdout.starts_with("127.0.0.1 - - ["), "{site}");
    assert_eq!(site.stdout.lines().count(), 1, "{site}");
    let nginx = json_lines(
        &world,
        "logs --service nginx --since 5m --fixed --grep GET --json",
    );
    let servers: Vec<&str> = nginx
        .iter()
        .filter_map(|line| line["server"].as_str())
        .collect();
    assert_eq!(servers, ["lab-1", "lab-4"], "{nginx:#?}");
    let ssh = json_lines(
        &world,
        "logs --service ssh --grep Accepted --lines 2 --json",
    );
    assert_eq!(ssh.len(), 4, "{ssh:#?}");
    let times: Vec<&str> = ssh.iter().filter_map(|line| line["at"].as_str()).collect();
    assert!(times.is_sorted(), "{ssh:#?}");

    // Copies reach what only root may read and write, by sudo too.
    world.home.write("secret", "for root alone\n");
    world
        .fleet("copy secret *:/root/secret --mode 600")
        .expect(0);
    for server in ["lab-1", "lab-4"] {
        assert_eq!(world.sh(server, "stat -c '%a %U' /root/secret"), "600 root");
        assert_eq!(
            world.sh(server, "cat /root/secret; ls -A /root | grep -c fleet || :"),
            "for root alone\n0"
        );
    }
    world.fleet("copy *:/root/secret back").expect(0);
    assert_eq!(world.home.read("back/lab-4/secret"), "for root alone\n");

    // Followed until Ctrl-C: the journal and files, as root and by sudo.
    let mut command = world.command("logs --service here --follow --grep fleet-was-here");
    let mut child = command.stdout(Stdio::piped()).spawn().expect("it starts");
    let mut lines = BufReader::new(child.stdout.take().expect("its output")).lines();
    let (sender, told) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        while let Some(Ok(line)) = lines.next() {
            let _ = sender.send(line);
        }
    });
    let until = Instant::now() + Duration::from_secs(60);
    for server in ["lab-1", "lab-4"] {
        // Not before somebody listens.
        while !world.lab.sh(server, "pgrep -x journalctl").status.success() {
            assert!(Instant::now() < until, "{server} is followed");
            std::thread::sleep(Duration::from_millis(100));
        }
        world.sh(
            server,
            "systemd-run --quiet --unit=here echo fleet-was-here",
        );
    }
    let mut seen = std::collections::BTreeSet::new();
    while seen.len() < 2 {
        let line = told
            .recv_timeout(Duration::from_secs(30))
            .expect("a line of each");
        assert!(line.contains("fleet-was-here"), "{line}");
        seen.insert(
            line.split_whitespace()
                .next()
                .unwrap_or_default()
                .to_owned(),
        );
    }
    let interrupted = std::process::Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status();
    assert!(interrupted.expect("kill runs").success());
    assert!(child.wait().expect("it ends").success());
    let until = Instant::now() + Duration::from_secs(30);
    for server in ["lab-1", "lab-4"] {
        while world.lab.sh(server, "pgrep -x journalctl").status.success() {
            assert!(Instant::now() < until, "nothing is left on {server}");
            std::thread::sleep(Duration::from_millis(200));
        }
    }
}

#[test]
fn a_unit_that_none_of_the_servers_has_is_told() {
    let Some(world) = World::new(&["lab-1", "lab-4"]) else {
        return;
    };
    for line in ["logs --service mariadbb", "logs --service mariadbb --json"] {
        let unknown = world.fleet(line).expect(2);
        let words = [
            "no unit `mariadbb` on any of these 2 servers",
            "did you mean `mariadb`",
        ];
        expect_words(&unknown.stderr, &words);
    }
    // On some of many it need not be.
    world.sh(
        "lab-4",
        "systemd-run --quiet --wait --unit=only-here echo it-ran",
    );
    let one = world
        .fleet("logs --service only-here --grep it-ran")
        .expect(0);
    assert!(
        one.stdout.contains("it-ran") && !one.stderr.contains("no unit"),
        "{one}"
    );
}
