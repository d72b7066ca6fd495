//! What is said of the firewall before anything is carried out, as far as it goes without a server.

mod support;

use support::environment::Environment;

/// Servers that nobody listens at.
const INVENTORY: &str = r#"
[settings]
state = "state.db"
ssh_config = false
health_max_age = "365d"

[servers.sg-1]
address = "127.0.0.1"
port = 1
[servers.sg-2]
address = "127.0.0.2"
port = 1
[servers.sg-3]
address = "127.0.0.3"
port = 1
roles = ["database"]
"#;

fn environment() -> Environment {
    let environment = Environment::new();
    environment.write("inventory.toml", INVENTORY);
    environment
}

/// The warnings and the hints with commands of a line that only records.
#[track_caller]
fn staged(environment: &Environment, line: &str) -> Vec<String> {
    let line = format!("{line} --stage");
    said(&environment.fleet(line.split_whitespace()).expect(0).stderr)
}

fn said(stderr: &str) -> Vec<String> {
    let lines = stderr.lines().filter(|line| {
        line.starts_with("warning:") || line.contains("add-rule") || line.contains("move-rule")
    });
    lines.map(str::to_owned).collect()
}

const ENABLE: &str = "enable-firewall sg-1 --ssh-from 192.0.2.1";

#[test]
fn what_the_firewall_shuts_out_is_told_with_what_lets_it_in() {
    let environment = environment();
    for name in ["a", "b", "c", "d", "e", "f"] {
        let none = staged(
            &environment,
            &format!("add-site {name}.example --server sg-1"),
        );
        assert_eq!(none, [""; 0], "without a firewall");
    }
    staged(&environment, "add-site elsewhere.example --server sg-2");
    staged(
        &environment,
        "add-zone example.net --server sg-1 --secondary sg-2",
    );
    let told = [
        "warning: no rule lets anybody in to tcp 80 on `sg-1`: site a.example, site b.example, site c.example, \
         site d.example and 2 more",
        "hint: `fleet add-rule web --allow --port 80 --on role=web` lets them in",
        "warning: no rule lets anybody in to tcp 53 and udp 53 on `sg-1`: zone example.net",
        "hint: `fleet add-rule dns --allow --port 53 --protocol tcp,udp --on role=dns` lets them in",
    ];
    let dry = environment.fleet(format!("{ENABLE} --dry-run").split(' '));
    assert_eq!(said(&dry.stderr), told, "{dry}");
    assert_eq!(staged(&environment, ENABLE), told);
    // Whoever enables it once more is told once more, other changes of it tell what is new.
    assert_eq!(staged(&environment, ENABLE), told);
    assert_eq!(staged(&environment, "ban-address 198.51.100.7"), [""; 0]);

    // The lines are what they say.
    for hint in [told[1], told[3]] {
        let line = hint
            .split('`')
            .nth(1)
            .and_then(|line| line.strip_prefix("fleet "))
            .expect("a command of fleet");
        assert_eq!(staged(&environment, line), [""; 0], "{line}");
    }
    assert_eq!(staged(&environment, ENABLE), [""; 0]);
    let new = staged(&environment, "enable-firewall sg-2");
    assert_eq!(new, [""; 0], "its rules were there before");

    // What a change of the rules shuts out.
    let removed = "remove-rule dns --yes";
    assert_eq!(
        staged(&environment, removed)[..1],
        [told[2].replace("`sg-1`", "`sg-1`, `sg-2`")]
    );
    let suspended = staged(&environment, "suspend-rule web");
    assert!(
        suspended[0].ends_with("d.example and 3 more"),
        "{suspended:?}"
    );
    assert!(
        suspended[1].contains("`fleet add-rule web-2 --allow"),
        "{suspended:?}"
    );
    assert_eq!(staged(&environment, "resume-rule web"), [""; 0]);
    assert_eq!(
        staged(
            &environment,
            "add-rule wall --deny --port 1-1024 --before web"
        )[..],
        [
            "warning: rule `wall` keeps everybody out from tcp 80 on `sg-1`, `sg-2`: site a.example, \
             site b.example, site c.example, site d.example and 3 more",
            "hint: `fleet add-rule web-2 --allow --port 80 --on role=web --before wall` lets them in",
        ]
    );

    // And what is new where it is shut out.
    assert_eq!(
        staged(&environment, "add-site new.example --server sg-2")[..1],
        ["warning: rule `wall` keeps everybody out from tcp 80 on `sg-2`: site new.example"]
    );
    assert_eq!(
        staged(&environment, "set-site new.example --no-ipv6"),
        [""; 0]
    );
}

#[test]
fn a_rule_that_never_decides_is_told_when_it_is_added() {
    let environment = environment();
    staged(
        &environment,
        "add-rule wall --deny --port 1-1024 --from 0.0.0.0/0",
    );
    assert_eq!(
        staged(&environment, "add-rule web --allow --port 80"),
        [""; 0],
        "IPv6 comes to it"
    );
    assert_eq!(
        staged(
            &environment,
            "add-rule office --allow --port 443 --from 192.0.2.0/24"
        ),
        [
            "warning: rule `office` never decides: rule `wall` decides before it",
            "hint: `fleet move-rule office --before wall` has it asked first",
        ]
    );
    assert_eq!(
        staged(&environment, "set-rule office --comment ours"),
        [""; 0]
    );
    assert_eq!(
        staged(&environment, "move-rule office --before wall"),
        [""; 0]
    );
    assert_eq!(
        staged(
            &environment,
            "add-rule same --reject --port 22 --from 198.51.100.7"
        ),
        ["warning: rule `same` never decides: rule `wall` does the same before it"]
    );
    staged(&environment, "add-rule local --deny --port 8080 --on sg-1");
    assert_eq!(
        staged(
            &environment,
            "add-rule app --allow --port 8080 --from 192.0.2.7"
        )[0],
        "warning: rule `app` never decides on `sg-1`: rule `local` decides before it"
    );
    // What it is after that is told of it, and of no other.
    assert_eq!(
        staged(
            &environment,
            "add-rule first --allow --port 1-65535 --before office"
        ),
        [""; 0]
    );
}
