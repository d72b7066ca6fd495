//! Every error an inventory can have, as the admin sees it.

use super::problems;

/// A server with one more line; the line is the third of the text.
fn line(line: &str) -> String {
    let shown = problems(&format!("[servers.a]\naddress = 'a'\n{line}\n"));
    shown
        .lines()
        .filter(|l| !l.contains(" | "))
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn the_place_is_shown_with_a_mark() {
    assert_eq!(
        problems("[servers.sg-1]\naddress = 'a'\n  capcity = 40\n"),
        "i:3:3: unknown key `capcity` in `servers.sg-1`\n\
         3 |   capcity = 40\n\
         \u{20} |   ^^^^^^^\n\
         hint: did you mean `capacity`"
    );
}

#[test]
fn marks_stand_right_after_tabs_wide_text_and_in_long_lines() {
    assert_eq!(
        problems("[servers.a]\r\naddress = 'a'\r\nlabels = {\tb = 'é', c = 1 }\r\n"),
        "i:3:25: `labels.c` in `servers.a` must be a string, not an integer\n\
         3 | labels = { b = 'é', c = 1 }\n\
         \u{20} |                         ^\n\
         hint: write it in quotes: `labels.c = \"1\"`"
    );
    let text = format!(
        "[servers.a]\naddress = 'a' # {}\nlabels = {{ x = '{}', y = 1 }}\n",
        "ü".repeat(300),
        "v".repeat(150)
    );
    assert_eq!(
        problems(&text),
        format!(
            "i:3:174: `labels.y` in `servers.a` must be a string, not an integer\n\
             3 | …{}', y = 1 }}\n\
             \u{20} |  {}^\n\
             hint: write it in quotes: `labels.y = \"1\"`",
            "v".repeat(43),
            " ".repeat(50)
        )
    );
}

/// A line of a server, and what is said about it.
const LINES: &[(&str, &str)] = &[
    (
        "port = 0",
        "i:3:8: `port` in `servers.a`: `0` is not between 1 and 65535",
    ),
    (
        "port = 70000",
        "i:3:8: `port` in `servers.a`: `70000` is not between 1 and 65535",
    ),
    (
        "port = '22'",
        "i:3:8: `port` in `servers.a` must be an integer, not a string\nhint: write `port = 22` without quotes",
    ),
    (
        "port = 2.5",
        "i:3:8: `port` in `servers.a` must be an integer, not a float",
    ),
    (
        "capacity = -1",
        "i:3:12: `capacity` in `servers.a`: `-1` is not between 0 and 1000000",
    ),
    (
        "capacity = 99999999999999999999",
        "i:3:12: `capacity` in `servers.a`: `99999999999999999999` is not between 0 and 1000000",
    ),
    (
        "priority = 3000000000",
        "i:3:12: `priority` in `servers.a`: `3000000000` is not between -2147483648 and 2147483647",
    ),
    (
        "active = 'yes'",
        "i:3:10: `active` in `servers.a` must be `true` or `false`, not a string\nhint: write `true` without quotes",
    ),
    (
        "become = 1",
        "i:3:10: `become` in `servers.a` must be `true` or `false`, not an integer",
    ),
    (
        "region = 7",
        "i:3:10: `region` in `servers.a` must be a string, not an integer\nhint: write it in quotes: `region = \"7\"`",
    ),
    (
        "region = 'south east'",
        "i:3:10: `region` in `servers.a`: `south east` may hold letters, digits and `. _ - /`, 63 at most",
    ),
    ("user = ''", "i:3:8: `user` in `servers.a` is empty"),
    (
        "user = \"ro\\not\"",
        "i:3:8: `user` in `servers.a`: `ro\\not` contains a line break",
    ),
    (
        "user = \"a\\u001bb\"",
        "i:3:8: `user` in `servers.a`: `a\\u{1b}b` contains the control character `\\u{1b}`",
    ),
    (
        "user = '-oProxyCommand=x'",
        "i:3:8: `user` in `servers.a`: `-oProxyCommand=x` is not a login name",
    ),
    (
        "user = 'a b'",
        "i:3:8: `user` in `servers.a`: `a b` is not a login name",
    ),
    (
        "identity_file = '~/.ssh/id.pub'",
        "i:3:17: `identity_file` in `servers.a`: `~/.ssh/id.pub` is the public half of a key\nhint: write `~/.ssh/id`",
    ),
    (
        "identity_file = '~root/id'",
        "i:3:17: `identity_file` in `servers.a`: `~root/id` begins with the home directory of another user\nhint: write the directory itself",
    ),
    (
        "identity_file = \"\"\"a\nb\"\"\"",
        "i:3:17: `identity_file` in `servers.a`: `a\\nb` contains a line break",
    ),
    (
        "transport = 'shh'",
        "i:3:13: `transport` in `servers.a`: `shh` is not a transport\nhint: did you mean `ssh`",
    ),
    (
        "roles = ['wbe']",
        "i:3:10: `roles` in `servers.a`: `wbe` is not a role\nhint: did you mean `web`",
    ),
    (
        "roles = ['mail']",
        "i:3:10: `roles` in `servers.a`: `mail` is not a role\nhint: one of web, dns, database",
    ),
    (
        "roles = ['web', 'web']",
        "i:3:17: `roles` in `servers.a`: `web` stands there twice",
    ),
    (
        "roles = [1]",
        "i:3:10: `roles` in `servers.a` must be a string, not an integer\nhint: write it in quotes: `roles = \"1\"`",
    ),
    (
        "roles = 1",
        "i:3:9: `roles` in `servers.a` must be an array of strings, not an integer",
    ),
    (
        "ipv4 = ['10.0.0.300']",
        "i:3:9: `ipv4` in `servers.a`: `10.0.0.300` is not an IPv4 address",
    ),
    (
        "ipv4 = ['2001:db8::1']",
        "i:3:9: `ipv4` in `servers.a`: `2001:db8::1` is an IPv6 address\nhint: write it in `ipv6`",
    ),
    (
        "ipv4 = '127.0.0.1'",
        "i:3:8: `ipv4` in `servers.a`: `127.0.0.1` cannot be the address of a server",
    ),
    (
        "ipv6 = ['10.0.0.3']",
        "i:3:9: `ipv6` in `servers.a`: `10.0.0.3` is an IPv4 address\nhint: write it in `ipv4`",
    ),
    (
        "ipv6 = 'fe80::1'",
        "i:3:8: `ipv6` in `servers.a`: `fe80::1` cannot be the public address of a server",
    ),
    (
        "labels = 'gold'",
        "i:3:10: `labels` in `servers.a` must be a table, not a string",
    ),
    (
        "labels.rack = 12",
        "i:3:15: `labels.rack` in `servers.a` must be a string, not an integer\nhint: write it in quotes: `labels.rack = \"12\"`",
    ),
    (
        "labels.tier = 'a,b'",
        "i:3:15: `labels.tier` in `servers.a`: `a,b` contains a comma, which separates selectors",
    ),
    (
        "labels.'a b' = 'x'",
        "i:3:8: the key of a label in `servers.a`: `a b` may hold letters, digits and `. _ - /`, 63 at most",
    ),
    (
        "jump = 'gate'",
        "i:3:8: `jump` in `servers.a`: unknown server `gate`\nhint: write `gate:22` for a host that is not in the inventory",
    ),
    (
        "jump = 'a'",
        "i:3:8: `jump` in `servers.a`: `a` is the server itself",
    ),
    (
        "jump = 'x@gate:99999'",
        "i:3:8: `jump` in `servers.a`: `x@gate:99999` has a bad port: 1 to 65535",
    ),
    (
        "jump = 'ssh -W x'",
        "i:3:8: `jump` in `servers.a`: `ssh -W x` is neither a server nor a host\nhint: write the name of a server, or `user@host:port`",
    ),
    (
        "host = 'x'",
        "i:3:1: unknown key `host` in `servers.a`\nhint: did you mean `address`",
    ),
    (
        "sudo = true",
        "i:3:1: unknown key `sudo` in `servers.a`\nhint: did you mean `become`",
    ),
    (
        "colour = 1",
        "i:3:1: unknown key `colour` in `servers.a`\nhint: known keys are address, port, user, identity_file, jump, transport, become, capacity, priority, region, labels, active, ipv4, ipv6, roles",
    ),
    (
        "transport = 'local'\njump = 'x@y'",
        "i:4:8: `jump` in `servers.a` has no meaning: it is this machine",
    ),
];

#[test]
fn single_lines() {
    for (text, expected) in LINES {
        assert_eq!(line(text), *expected, "{text}");
    }
}

#[test]
fn addresses() {
    for (address, expected) in [
        ("", "is empty"),
        ("a b", ": `a b` is neither a host name nor an IP address"),
        (
            "-oProxyCommand=x",
            ": `-oProxyCommand=x` is neither a host name nor an IP address",
        ),
        (
            "a;reboot",
            ": `a;reboot` is neither a host name nor an IP address",
        ),
        (
            "$(id)",
            ": `$(id)` is neither a host name nor an IP address",
        ),
        ("10.0.0.256", ": `10.0.0.256` is not an IPv4 address"),
        (
            "root@sg-1",
            ": `root@sg-1` contains `@`\nhint: write `address = \"sg-1\"` and `user = \"root\"`",
        ),
        (
            "root@sg-1:2222",
            ": `root@sg-1:2222` contains `@`\nhint: write `address = \"sg-1\"`, `port = 2222` and `user = \"root\"`",
        ),
        (
            "sg-1:2222",
            ": `sg-1:2222` contains a port\nhint: write `address = \"sg-1\"` and `port = 2222`",
        ),
        (
            "[2001:db8::1]:22",
            ": `[2001:db8::1]:22` contains a port\nhint: write `address = \"2001:db8::1\"` and `port = 22`",
        ),
        (
            "[2001:db8::1]",
            ": `[2001:db8::1]` has brackets\nhint: write `2001:db8::1` without them",
        ),
        (
            "2001:db8::zz",
            ": `2001:db8::zz` is neither a host name nor an IP address",
        ),
        (
            "münchen.example",
            ": `münchen.example` is not ASCII\nhint: write `xn--mnchen-3ya.example`",
        ),
        ("a..b", ": `a..b` is not a host name"),
    ] {
        let shown = problems(&format!("[servers.a]\naddress = '{address}'\n"));
        let shown: Vec<_> = shown.lines().filter(|l| !l.contains(" | ")).collect();
        let space = if address.is_empty() { " " } else { "" };
        assert_eq!(
            shown.join("\n"),
            format!("i:2:11: `address` in `servers.a`{space}{expected}")
        );
    }
    let long = "a".repeat(254);
    assert!(
        problems(&format!("[servers.a]\naddress = '{long}'\n")).contains("…` is not a host name")
    );
}

#[test]
fn settings_weights_and_sections() {
    for (text, expected) in [
        (
            "[settings]\nparallel = 0",
            "i:2:12: `parallel` in `settings`: `0` is not between 1 and 1000",
        ),
        (
            "[settings]\nlock_wait = 30",
            "i:2:13: `lock_wait` in `settings` must be a duration, not an integer\nhint: write a unit: `lock_wait = \"30s\"`",
        ),
        (
            "[settings]\nlock_wait = '30'",
            "i:2:13: `lock_wait` in `settings`: `30` is not a duration\nhint: write a number and a unit: `500ms`, `30s`, `5m`, `2h`, `1d`",
        ),
        (
            "[settings]\nlock_wait = '5 weeks'",
            "i:2:13: `lock_wait` in `settings`: `5 weeks` is not a duration\nhint: write a number and a unit: `500ms`, `30s`, `5m`, `2h`, `1d`",
        ),
        (
            "[settings]\nlock_wait = '9999999999999999999d'",
            "i:2:13: `lock_wait` in `settings`: `9999999999999999999d` is too long: 365 days at most",
        ),
        (
            "[settings]\nconnect_timeout = '0s'",
            "i:2:19: `connect_timeout` in `settings`: `0s` is shorter than 100ms",
        ),
        (
            "[settings]\nforks = 5",
            "i:2:1: unknown key `forks` in `settings`\nhint: did you mean `parallel`",
        ),
        (
            "[weights]\nsites = 5",
            "i:2:1: unknown key `sites` in `weights`\nhint: did you mean `site`",
        ),
        (
            "[weights]\nsite = -5",
            "i:2:8: `site` in `weights`: `-5` is not between 0 and 1000000",
        ),
        (
            "[defaults]\naddress = 'x'",
            "i:2:1: `address` in `defaults` would give all servers the same address\nhint: write `address` in each `[servers.NAME]`",
        ),
        (
            "[defaults]\njump = 'gate'",
            "i:2:8: `jump` in `defaults`: unknown server `gate`\nhint: write `gate:22` for a host that is not in the inventory",
        ),
        (
            "[server.a]\naddress = 'x'",
            "i:1:2: unknown key `server` in `the inventory`\nhint: did you mean `servers`",
        ),
        (
            "[[servers]]\naddress = 'x'",
            "i:1:1: `servers` is written as a list\nhint: write each server as `[servers.NAME]`",
        ),
        (
            "settings = 3",
            "i:1:12: `settings` in `the inventory` must be a table, not an integer",
        ),
        (
            "[servers]\na = 'x'",
            "i:2:5: `a` in `servers` must be a table, not a string",
        ),
        (
            "[servers.a]",
            "i:1:10: `servers.a` has no `address`\nhint: write `address = \"HOST\"`, or `transport = \"local\"` for this machine",
        ),
        (
            "[servers.SG-1]\naddress = 'x'",
            "i:1:10: `SG-1` is not a server name: a server name is 1 to 63 of `a-z 0-9 . _ -` and begins with a letter or digit\nhint: did you mean `sg-1`",
        ),
        (
            "[servers.'']\naddress = 'x'",
            "i:1:10: `` is not a server name: a server name is 1 to 63 of `a-z 0-9 . _ -` and begins with a letter or digit",
        ),
        (
            "[servers.\"a\\nb\"]\nadress = 'x'\naddress = 'y'",
            "i:1:10: `a\\nb` is not a server name: a server name is 1 to 63 of `a-z 0-9 . _ -` and begins with a letter or digit\nhint: did you mean `a-b`\ni:2:1: unknown key `adress` in `servers.a\\nb`\nhint: did you mean `address`",
        ),
    ] {
        let shown = problems(text);
        let shown: Vec<_> = shown.lines().filter(|l| !l.contains(" | ")).collect();
        assert_eq!(shown.join("\n"), expected, "{text}");
    }
}

#[test]
fn servers_that_do_not_fit_together() {
    for (text, expected) in [
        (
            "[servers.a]\naddress='10.0.0.1'\n[servers.b]\naddress='10.0.0.1'\nport=22\n",
            "i:4:9: `servers.b` is address `10.0.0.1` port 22, as is `servers.a` (line 1)\nhint: one server needs one entry",
        ),
        (
            "[servers.b]\naddress='SG.example.com'\n[servers.a]\naddress='sg.example.com'\n",
            "i:4:9: `servers.a` is address `sg.example.com` port 22, as is `servers.b` (line 1)\nhint: one server needs one entry",
        ),
        (
            "[servers.a]\ntransport='local'\n[servers.b]\ntransport='local'\naddress='x'\n",
            "i:3:10: `servers.b` is this machine, as is `servers.a` (line 1)\nhint: one server needs one entry",
        ),
        (
            "[servers.a]\naddress='a'\njump='b'\n[servers.b]\naddress='b'\njump='c'\n[servers.c]\naddress='c'\njump='a'\n",
            "i:3:6: `jump` goes in a circle: `a` through `b` through `c` through `a`",
        ),
        (
            // Outside of the circle nothing is reported.
            "[servers.x]\naddress='x'\njump='a'\n[servers.a]\naddress='a'\njump='b'\n[servers.b]\naddress='b'\njump='a'\n",
            "i:6:6: `jump` goes in a circle: `a` through `b` through `a`",
        ),
        (
            "[servers.gate-1]\naddress='g'\n[servers.a]\naddress='a'\njump='gate1'\n",
            "i:5:6: `jump` in `servers.a`: unknown server `gate1`\nhint: did you mean `gate-1`; write `gate1:22` for a host that is not in the inventory",
        ),
    ] {
        let shown = problems(text);
        let shown: Vec<_> = shown.lines().filter(|l| !l.contains(" | ")).collect();
        assert_eq!(shown.join("\n"), expected, "{text}");
    }
}

#[test]
fn syntax_errors_have_a_place_too() {
    let texts = [
        "[servers.a]\naddress = \n\nport = 22 23\n[servers.a]\n",
        "[servers.a\naddress = 'x'\n",
        "[servers.a]\naddress = \"x\n",
        "[servers.a]\naddress = 'x'\naddress = 'y'\n",
        "[servers.a]\naddress = 'x'\nlabels = { a = 'b'\nport = 22\n",
        "{ \"servers\": [] }\n",
        "servers:\n  a:\n    address: x\n",
        "[servers.a]\naddress = 'x\u{0}y'\n",
    ];
    insta::assert_snapshot!(texts.map(problems).join("\n\n"));
}

#[test]
fn every_problem_is_reported_at_once_in_the_order_of_the_text() {
    let shown = problems(
        "[settings]\nparalel = 3\n[servers.b]\naddress = ''\nport = 0\nroles = ['wbe', 'dns', 'x']\n\
         [servers.A]\nuser = 3\n[defaults]\ncapacity = -1\n",
    );
    let places: Vec<_> = shown
        .lines()
        .filter_map(|line| line.strip_prefix("i:"))
        .filter_map(|line| line.split_once(": "))
        .map(|(place, _)| place)
        .collect();
    assert_eq!(
        places,
        [
            "2:1", "4:11", "5:8", "6:10", "6:24", "7:10", "7:10", "8:8", "10:12"
        ]
    );
}

#[test]
fn every_mistake_in_health_is_told_at_once() {
    let shown = problems(
        "[health]\nfail_after = 0\ndisk_percent = 101\nload = 3\nmemory_percent = 'much'\n\
         load_per_core = -1.5\nclock_offset = 2\nlongest_gap = '1ms'\n\n\
         [[health.overrides]]\nservers = 'regoin=sg'\ndisk_percent = 97\n\n\
         [[health.overrides]]\nlongest_gap = '1h'\ninodes_percent = 1.5\n\n\
         [servers.a]\naddress = 'a'\n",
    );
    let shown: Vec<&str> = shown.lines().filter(|l| !l.contains(" | ")).collect();
    assert_eq!(
        shown,
        [
            "i:2:14: `fail_after` in `health`: `0` is not between 1 and 1000",
            "i:3:16: `disk_percent` in `health`: `101` is not between 1 and 100",
            "i:4:1: unknown key `load` in `health`",
            "hint: did you mean `load_per_core`",
            "i:5:18: `memory_percent` in `health` must be an integer, not a string",
            "i:6:17: `load_per_core` in `health`: `-1.5` is not between 0.01 and 10000",
            "i:7:16: `clock_offset` in `health` must be a duration, not an integer",
            "hint: write a unit: `clock_offset = \"2s\"`",
            "i:8:15: `longest_gap` in `health`: `1ms` is shorter than 1s",
            "i:11:11: `servers` in `health.overrides`: `regoin=sg` is not a selector",
            "hint: did you mean `region`",
            "i:14:1: an entry of `health.overrides` has no `servers`",
            "hint: write for whom it is: `servers = \"label:tier=gold,role=database\"`",
            "i:15:1: unknown key `longest_gap` in `health.overrides`",
            "hint: known keys are servers, fail_after, recover_after, load_per_core, memory_percent, \
             disk_percent, inodes_percent, clock_offset, certificate_warn, certificate_bad, signature_warn, \
             response_time, security_updates, package_lists, mail_queue",
            "i:16:18: `inodes_percent` in `health.overrides` must be an integer, not a float",
        ]
    );
    assert!(problems("[health]\noverrides = 3\n").contains("write each as `[[health.overrides]]`"));
    let unknown = problems(
        "[servers.a]\naddress = 'a'\n[[health.overrides]]\nservers = ['role=web', '!b']\n",
    );
    assert!(unknown.starts_with("i:4:"), "{unknown}");
    assert!(unknown.contains("unknown server `b`"), "{unknown}");
}
