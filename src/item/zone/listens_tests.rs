//! The shell function that says where `PowerDNS` answers, run in the shell of this machine.

#![allow(clippy::unwrap_used)]

use std::process::{Command, Stdio};

use super::LISTENS;

/// What is made of a configuration as `pdns_control current-config` prints it.
fn listens(config: &str) -> String {
    let script = format!(
        "timeout() {{ shift; \"$@\"; }}\npdns_control() {{ cat <<'END'\n{config}\nEND\n}}\n{LISTENS}set -e\npdns_at\n\
         printf '%s %s' \"$pdns_address\" \"$pdns_port\""
    );
    let output = Command::new("sh")
        .args(["-c", &script])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn it_is_asked_where_it_listens() {
    for (config, at) in [
        ("local-address=0.0.0.0, ::\nlocal-port=53", "127.0.0.1 53"),
        ("# local-address=0.0.0.0, ::\nlocal-port=53", "127.0.0.1 53"),
        ("", "127.0.0.1 53"),
        ("# local-port=53\nlocal-port=5300", "127.0.0.1 5300"),
        ("local-address=::\nlocal-port=53", "::1 53"),
        ("local-address=192.0.2.1, 2001:db8::1\nlocal-port=53", "192.0.2.1 53"),
        ("local-address=2001:db8::1 192.0.2.1\nlocal-port=54", "2001:db8::1 54"),
        ("local-address=192.0.2.1:54;192.0.2.2\nlocal-port=53", "192.0.2.1 54"),
        ("local-address=[2001:db8::1]:55\nlocal-port=53", "2001:db8::1 55"),
        ("local-address=[2001:db8::1]\nlocal-port=53", "2001:db8::1 53"),
        ("local-address-nonexist-fail=yes\nlocal-port=53", "127.0.0.1 53"),
    ] {
        assert_eq!(listens(config), at, "{config}");
    }
}
