//! Rules, bans and the base policy on real servers, tried with real connections; and nobody is ever locked out.

use std::net::{IpAddr, SocketAddr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use crate::world::{World, expect_quick, expect_same, expect_words};

/// A table of somebody else's, as Docker or fail2ban have one.
const FOREIGN: &str = "nft 'table ip foreign { chain forward { type filter hook forward priority 0; tcp dport 7777 drop comment \"not of fleet\"; }; }'";

/// Whether a connection comes about in a second.
fn opens(address: IpAddr, port: u16) -> bool {
    TcpStream::connect_timeout(&SocketAddr::new(address, port), Duration::from_secs(1)).is_ok()
}

/// Which of both families of a server let us in at a port: `46`, `4`, `6` or nothing.
fn doors(world: &World, server: &str, port: u16) -> String {
    let server = world.lab.server(server);
    let mut doors = String::new();
    for (address, digit) in [(server.address, '4'), (server.address6, '6')] {
        if opens(address, port) {
            doors.push(digit);
        }
    }
    doors
}

/// The rules of a server, without what counts and passes.
fn rules(world: &World, server: &str) -> String {
    world.sh(
        server,
        "nft -s list ruleset | sed 's/ timeout [0-9a-z]*//; s/ expires [0-9a-z]*//' | \
         awk '/elements = \\{ ipv4/ { skip = 1 } skip { if (/}/) skip = 0; next } 1'",
    )
}

/// Waits until `holds`, for as long as it may take on a machine at work.
#[track_caller]
fn wait_until(what: &str, holds: impl Fn() -> bool) {
    let limit = Duration::from_secs(60);
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < limit, "{what} took longer than {limit:?}");
        thread::sleep(Duration::from_millis(100));
    }
}

fn has_rule(world: &World, server: &str, name: &str) -> bool {
    let line = format!("nft list table inet fleet | grep -q 'comment \"rule {name}\"'");
    world.lab.sh(server, &line).status.success()
}

/// Counters are no change; what somebody else does to the table is.
fn only_edits_are_a_change(world: &World) {
    let before = world.stamps("lab-1");
    world.expect_settled();
    world.fleet("apply").expect(0);
    expect_same(
        &before,
        &world.stamps("lab-1"),
        "after an apply that had nothing to do",
    );
    world.sh(
        "lab-1",
        "nft insert rule inet fleet input tcp dport 8080 accept",
    );
    let plan = world.fleet("plan --diff --detailed-exitcode").expect(6);
    expect_words(
        &plan.stdout,
        &[
            "ruleset fleet",
            "edited by somebody else",
            "+\t\ttcp dport 8080 accept",
        ],
    );
    world.fleet("apply").expect(0);
    assert!(!rules(world, "lab-1").contains("8080"));
    world.expect_settled();
}

#[test]
fn only_what_a_rule_lets_in_comes_in() {
    let Some(world) = World::new(&["lab-1", "lab-2"]) else {
        return;
    };
    let servers = ["lab-1", "lab-2"];
    for server in servers {
        world.sh(server, FOREIGN);
        assert_eq!(doors(&world, server, 80), "46", "{server} before");
    }
    // Recorded, and not in force where there is no firewall.
    world
        .fleet("add-rule web --allow --port 80,443 --comment sites")
        .expect(0);
    expect_words(
        &world.fleet("list-rules").expect(0).stdout,
        &["web", "no firewall there"],
    );
    world.fleet("suspend-rule web").expect(0);
    world.fleet("enable-firewall lab-*").expect(0);
    for server in servers {
        assert_eq!(doors(&world, server, 80), "", "{server}, closed");
        assert_eq!(
            doors(&world, server, 22),
            "4",
            "{server}: SSH, as fleet comes"
        );
    }
    world.expect_settled();
    world.fleet("resume-rule web").expect(0);
    for server in servers {
        assert_eq!(doors(&world, server, 80), "46", "{server}, open");
    }
    // What is removed comes back as it was.
    let removed = world.json("remove-rule web --yes", 0);
    assert_eq!(doors(&world, "lab-2", 80), "");
    world.fleet(&format!("undo {}", removed["task"])).expect(0);
    assert_eq!(doors(&world, "lab-2", 80), "46");
    world.expect_settled();
    // A rule before it decides first; IPv6 alone.
    world
        .fleet(&format!(
            "add-rule no-six --reject --port 80 --from {} --before web",
            world.lab.networks()[1]
        ))
        .expect(0);
    for server in servers {
        assert_eq!(doors(&world, server, 80), "4", "{server}, one family");
    }
    world.fleet("move-rule no-six --last").expect(0);
    assert_eq!(doors(&world, "lab-1", 80), "46");
    let list = world
        .fleet("list-rules --counters --existing --server lab-1")
        .expect(0);
    expect_words(
        &list.stdout,
        &[
            "shadowed by web",
            "table ip foreign",
            "not of fleet",
            "sites",
        ],
    );
    let json = world.json("list-rules --counters", 0);
    assert_eq!(json["rules"][0]["name"], "web", "{json:#}");
    let hits = json["rules"][0]["counters"]["lab-1"]["packets"].as_u64();
    assert!(hits.is_some_and(|hits| hits >= 2), "{json:#}");

    only_edits_are_a_change(&world);
    world.fleet("disable-firewall lab-1").expect(0);
    assert_eq!(doors(&world, "lab-1", 22), "46");
    let left = rules(&world, "lab-1");
    assert!(
        left.contains("table ip foreign") && !left.contains("fleet {"),
        "{left}"
    );
    assert_eq!(
        world.sh(
            "lab-1",
            "find /etc -name '*fleet*' -path '*system*'; ls -d /etc/fleet 2>/dev/null || :"
        ),
        ""
    );
    assert_eq!(doors(&world, "lab-2", 22), "4");
    for server in servers {
        assert!(rules(&world, server).contains("not of fleet"));
        world.expect_tidy(server);
    }
    world.expect_settled();
}

#[test]
fn what_locks_out_is_refused_and_with_force_it_does_not_last() {
    let Some(world) = World::new(&["lab-1", "lab-2"]) else {
        return;
    };
    world.fleet("enable-firewall lab-*").expect(0);
    let before = rules(&world, "lab-1");
    let files = world.contents("lab-1");
    let here = world.lab.address(1);
    let [network, _] = world.lab.networks();
    for cut in [
        "add-rule cut --deny --port 22",
        &format!("add-rule cut --reject --from {network}"),
    ] {
        let refused = world.fleet(&format!("{cut} --to-server lab-1")).expect(1);
        expect_words(
            &refused.stderr,
            &[&format!(
                "rule `cut` would cut the connection from {here} to port 22"
            )],
        );
    }
    for ban in [
        here.as_str(),
        &network,
        &world.lab.address(12),
        &world.lab.address6(12),
        "::/0",
    ] {
        world.fleet(&format!("ban-address {ban}")).expect(2);
    }
    // Not even with force.
    world
        .fleet("enable-firewall lab-* --ssh-from any")
        .expect(0);
    let ban = world
        .fleet(&format!("ban-address {here} --force"))
        .expect(3);
    expect_words(&ban.stderr, &[&format!("the ban of `{here}/32` would cut")]);
    world
        .fleet(&format!("enable-firewall lab-* --ssh-from {here}"))
        .expect(0);
    assert_eq!(rules(&world, "lab-1"), before);

    // Both servers at once, with a rule that really cuts SSH.
    let began = Instant::now();
    let reverted = world.json(
        "add-rule cut --deny --port 22 --force --confirm-timeout 5s",
        7,
    );
    assert!(
        began.elapsed() < Duration::from_secs(45),
        "{:?}",
        began.elapsed()
    );
    for server in reverted["servers"].as_array().expect("servers") {
        assert_eq!(server["outcome"], "reverted", "{reverted:#}");
    }
    assert_eq!(reverted["taken_back"], true);
    for server in ["lab-1", "lab-2"] {
        assert_eq!(rules(&world, server), before, "{server}");
        assert_eq!(doors(&world, server, 22), "4");
        world.expect_tidy(server);
    }
    expect_same(&files, &world.contents("lab-1"), "after it was reverted");
    world.expect_settled();
    expect_words(&world.fleet("list-tasks").expect(0).stdout, &["reverted"]);
}

#[test]
fn neither_a_dead_client_nor_a_cut_nor_a_reboot_leaves_rules_that_nobody_confirmed() {
    let Some(world) = World::new(&["lab-1", "lab-2"]) else {
        return;
    };
    world.fleet("enable-firewall lab-*").expect(0);
    world.fleet("add-rule web --allow --port 80").expect(0);
    let before = rules(&world, "lab-1");
    let cut = |server: &str, time: &str| {
        let line = format!(
            "add-rule cut --deny --port 22 --to-server {server} --force --confirm-timeout {time}"
        );
        let run = world.start(&line);
        wait_until("the new rules", || has_rule(&world, server, "cut"));
        run
    };

    let mut dead = cut("lab-1", "5s");
    dead.kill();
    drop(dead.outcome(&world));
    wait_until("the timer", || !has_rule(&world, "lab-1", "cut"));
    assert_eq!(rules(&world, "lab-1"), before, "after the client died");
    // What is recorded of it goes; then nothing is left to do.
    world.fleet("remove-rule cut --yes").expect(0);
    world.expect_settled();

    // The network goes while it waits, for longer than that.
    let alone = cut("lab-1", "5s");
    world.lab.cut("lab-1");
    wait_until("the timer", || !has_rule(&world, "lab-1", "cut"));
    world.lab.mend("lab-1");
    let outcome = alone.outcome(&world);
    assert_eq!(outcome.code, 7, "{outcome}");
    assert_eq!(rules(&world, "lab-1"), before, "after the network was cut");

    // The power goes: the server boots with the old rules, long before the time is over.
    let mut waiting = cut("lab-2", "10m");
    world.lab.kill("lab-2");
    world.lab.start("lab-2");
    waiting.kill();
    drop(waiting.outcome(&world));
    assert!(
        !has_rule(&world, "lab-2", "cut") && has_rule(&world, "lab-2", "web"),
        "{}",
        rules(&world, "lab-2")
    );
    world.fleet("remove-rule cut --yes").expect(0);
    assert_eq!(rules(&world, "lab-2"), before, "after the power was cut");
    for server in ["lab-1", "lab-2"] {
        world.expect_tidy(server);
    }
    world.expect_settled();
}

#[test]
fn bans_and_rules_end_by_themselves_and_outlive_a_boot() {
    let Some(world) = World::new(&["lab-1"]) else {
        return;
    };
    world.fleet("enable-firewall lab-1").expect(0);
    world
        .fleet("add-rule web --allow --port 80 --expires 1h")
        .expect(0);
    world
        .fleet("ban-address 198.51.100.0/24 --reason spam")
        .expect(0);
    let here6 = world.lab.address6(1);
    world
        .fleet(&format!("ban-address {here6} --expires 1h"))
        .expect(0);
    assert_eq!(doors(&world, "lab-1", 80), "4");
    // Others may load their rules with `flush ruleset`, as Debian does.
    world.sh(
        "lab-1",
        "systemctl restart nftables && systemctl reload nftables",
    );
    assert_eq!(doors(&world, "lab-1", 80), "4");
    world.lab.kill("lab-1");
    world.lab.start("lab-1");
    assert_eq!(doors(&world, "lab-1", 80), "4");
    world.expect_settled();
    world.fleet(&format!("unban-address {here6}")).expect(0);
    wait_until("the end of the ban", || doors(&world, "lab-1", 80) == "46");

    let began = Instant::now();
    world
        .fleet(&format!("ban-address {here6} --expires 10s"))
        .expect(0);
    let open = doors(&world, "lab-1", 80);
    // On a slow machine its time is over already.
    assert!(
        open == "4" || began.elapsed() > Duration::from_secs(10),
        "{open}"
    );
    wait_until("the end of the ban", || doors(&world, "lab-1", 80) == "46");
    world.fleet("set-rule web --expires 10s").expect(0);
    wait_until("the end of the rule", || {
        doors(&world, "lab-1", 80).is_empty()
    });
    world.expect_settled();
    let bans = world.fleet("list-bans").expect(0).stdout;
    assert!(
        bans.contains("198.51.100.0/24") && !bans.contains(&here6),
        "{bans}"
    );
    expect_words(&world.fleet("list-rules").expect(0).stdout, &["expired"]);

    // What systemd has in memory of nftables is read anew.
    world.fleet("disable-firewall lab-1").expect(0);
    world.sh(
        "lab-1",
        "systemctl daemon-reload && systemctl start nftables",
    );
    world.fleet("enable-firewall lab-1").expect(0);
    assert_eq!(doors(&world, "lab-1", 80), "");
    world.sh("lab-1", "systemctl restart nftables");
    assert_eq!(doors(&world, "lab-1", 80), "");
    world.expect_settled();
}

#[test]
fn sources_follow_the_inventory_and_a_rate_holds() {
    let Some(world) = World::new(&["lab-1", "lab-2", "lab-4"]) else {
        return;
    };
    world.fleet("enable-firewall lab-1 lab-4").expect(0);
    world
        .fleet("add-rule web --allow --port 80 --from server:region=singapore --to-server lab-1")
        .expect(0);
    let one = world.lab.address(11);
    let from = |server: &str| {
        world.sh(
            server,
            &format!("curl -s -o /dev/null -m 3 http://{one}/ && echo in || echo out"),
        )
    };
    assert_eq!(
        (from("lab-2").as_str(), doors(&world, "lab-1", 80).as_str()),
        ("in", "")
    );
    world.fleet("set-server lab-2 --region jakarta").expect(0);
    world.fleet("plan --detailed-exitcode").expect(6);
    world.fleet("apply").expect(0);
    assert_eq!(from("lab-2"), "out");

    world
        .fleet(&format!(
            "add-addresses desk {} {}",
            world.lab.address(1),
            world.lab.address6(1)
        ))
        .expect(0);
    world
        .fleet("set-rule web --from set:desk --rate 5/hour --log")
        .expect(0);
    let came = (0..8)
        .filter(|_| opens(world.lab.server("lab-1").address, 80))
        .count();
    assert_eq!(came, 5, "connections within the rate");
    let used = world.fleet("remove-addresses desk --all").expect(2);
    expect_words(&used.stderr, &["rule `web` refers to"]);
    world.fleet("remove-rule web --yes").expect(0);
    world.fleet("remove-addresses desk --all").expect(0);
    // Reached by sudo.
    assert_eq!(doors(&world, "lab-4", 80), "");
    world.expect_settled();
}

#[test]
fn a_hundred_rules_are_one_look() {
    let Some(world) = World::new(&["lab-1"]) else {
        return;
    };
    world.fleet("enable-firewall lab-1").expect(0);
    for number in 0..100 {
        let (port, net) = (2000 + number, number);
        world
            .fleet(&format!("add-rule r{number} --allow --port {port} --from 198.51.{net}.0/24,2001:db8:{net}::/48 --stage"))
            .expect(0);
    }
    world.fleet("apply").expect(0);
    let count = "nft list table inet fleet | grep -c 'comment \"rule r'";
    assert_eq!(world.sh("lab-1", count), "200");
    expect_quick(Duration::from_secs(2), || {
        world.fleet("apply").expect(0);
    });
    world.expect_settled();
}

#[test]
fn what_goes_on_when_the_firewall_comes_goes_on() {
    let Some(world) = World::new(&["lab-1", "lab-2"]) else {
        return;
    };
    // One server waits for what another will say, and says nothing itself meanwhile.
    let speaker = "use IO::Socket::INET; my $s = IO::Socket::INET->new(Listen => 1, LocalPort => 7070, ReuseAddr => 1) or die; \
         my $c = $s->accept; $c->autoflush(1); print $c qq(hello\\n); sleep 1 until -e q(/run/say-it); print $c qq(late\\n); close $c";
    world.sh(
        "lab-2",
        &format!(
            "rm -f /run/say-it; systemd-run --quiet --collect --unit=speaker perl -e '{speaker}'"
        ),
    );
    let address = world.lab.server("lab-2").address;
    world.sh(
        "lab-1",
        &format!("rm -f /run/heard; systemd-run --quiet --collect --unit=listener bash -c 'until exec 3<>/dev/tcp/{address}/7070; do sleep 0.1; done; cat <&3 >/run/heard'"),
    );
    let heard = |word: &str| {
        let line = format!("grep -q {word} /run/heard");
        world.lab.sh("lab-1", &line).status.success()
    };
    wait_until("a connection", || heard("hello"));
    world.fleet("enable-firewall lab-1").expect(0);
    world.sh("lab-2", "touch /run/say-it");
    wait_until("what was said late", || heard("late"));
    // Nothing of that is an edit of the rules, also where they are looked at anew.
    world.sh("lab-1", "nft list set inet fleet earlier | grep -q expires");
    world.sh("lab-1", "rm /run/fleet/firewall-as-kept");
    world.expect_settled();
    // A new connection is no earlier one.
    assert_eq!(doors(&world, "lab-1", 80), "");
    world.sh("lab-2", "rm -f /run/say-it");
}

#[test]
fn rules_that_cannot_be_written_for_the_next_boot_are_taken_back() {
    let Some(world) = World::new(&["lab-1"]) else {
        return;
    };
    world.fleet("enable-firewall lab-1").expect(0);
    world
        .fleet("add-rule web --allow --port 8080 --on lab-1")
        .expect(0);
    world.sh(
        "lab-1",
        "cp /etc/fleet/firewall /root/kept && mount -t tmpfs -o size=8k,mode=755 full /etc/fleet && \
         cp /root/kept /etc/fleet/firewall && head -c 4096 /dev/zero >/etc/fleet/more",
    );
    let full = world.fleet("set-rule web --port 8081").expect(1);
    expect_words(
        &full.stderr,
        &["/etc/fleet/firewall cannot be written", "as it was before"],
    );
    world.sh(
        "lab-1",
        "cmp /root/kept /etc/fleet/firewall && umount /etc/fleet",
    );
    assert!(rules(&world, "lab-1").contains("8080"));
    world.expect_settled();
    world.fleet("set-rule web --port 8081").expect(0);
}
