//! The Debian package on a bare server: installed, run, and removed without a trace.

use std::path::Path;
use std::process::Command;

use crate::world::{World, expect_same, expect_words};

/// Builds it of the binary that is tested; the name of its file, which lies in the world's home.
fn build(world: &World) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut path = vec![
        Path::new(env!("CARGO"))
            .parent()
            .expect("a directory")
            .to_owned(),
    ];
    path.extend(std::env::split_paths(
        &std::env::var_os("PATH").unwrap_or_default(),
    ));
    let built = Command::new(root.join("packaging/deb"))
        .args(["--quick", "--binary", env!("CARGO_BIN_EXE_fleet")])
        .arg(world.home.path())
        .env("PATH", std::env::join_paths(path).expect("a PATH"))
        .output()
        .expect("it runs");
    assert!(built.status.success(), "{built:?}");
    let mut names = std::fs::read_dir(world.home.path())
        .expect("its directory")
        .flatten()
        .filter_map(|entry| entry.file_name().into_string().ok());
    names
        .find(|name| {
            Path::new(name)
                .extension()
                .is_some_and(|extension| extension == "deb")
        })
        .expect("a package")
}

/// A user with a fleet, a sendmail that works as postfix's does (it hands the mail to a set-gid program, which alone may
/// write to the spool), and sudo.
fn prepare_user(world: &World) {
    world.sh(
        "lab-3",
        r#"set -e
        useradd --create-home --shell /bin/sh ops
        echo 'ops ALL=(ALL:ALL) NOPASSWD: ALL' >/etc/sudoers.d/ops
        install -d -o root -g mail -m 730 /var/spool/dropped
        install -o root -g mail -m 2755 /usr/bin/tee /usr/sbin/dropmail
        printf '#!/bin/sh\nexec /usr/sbin/dropmail /var/spool/dropped/$$ >/dev/null\n' >/usr/sbin/sendmail
        chmod 755 /usr/sbin/sendmail
        install -d -o ops -g ops -m 700 /home/ops/.config /home/ops/.config/fleet
        cat >/home/ops/.config/fleet/inventory.toml <<'TOML'
[health]
fail_after = 1
[notifications.ops]
type = "mail"
to = ["ops@example.com"]
on = ["offline"]
[servers.here]
transport = "local"
become = true
[servers.gone]
address = "127.0.0.1"
port = 1
TOML"#,
    );
}

/// The files below the directories that a package writes to, but for dpkg's own records.
fn files(world: &World) -> String {
    world.sh(
        "lab-3",
        "find /usr /etc /var/lib/systemd ! -path '*/__pycache__*' ! -name 'ld.so.cache' ! -name 'mandb*' | sort",
    )
}

#[test]
fn the_debian_package_can_be_installed_run_and_removed() {
    let Some(world) = World::new(&["lab-3"]) else {
        return;
    };
    let package = build(&world);
    prepare_user(&world);
    let before = files(&world);
    world
        .fleet(&format!("copy {package} lab-3:/root/fleet.deb"))
        .expect(0);
    world.sh("lab-3", "dpkg -i /root/fleet.deb 2>&1");

    let version = world.sh("lab-3", "fleet --version");
    expect_words(&version, &["fleet", env!("CARGO_PKG_VERSION")]);
    // A small server may leave manuals and documents out; they are in the package.
    world.sh(
        "lab-3",
        "set -e
        bash -n /usr/share/bash-completion/completions/fleet
        for file in man/man1/fleet.1.gz man/man5/fleet-inventory.5.gz doc/fleet/copyright doc/fleet/NEWS.gz; do
            dpkg -L fleet | grep -qx /usr/share/$file
        done
        [ \"$(stat -c '%U:%G %a' /usr/bin/fleet)\" = 'root:root 755' ]",
    );
    // A sweep of that server itself, under every restriction that comes along; the timer is only there.
    let strict =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging/systemd/fleet-health-hardening.conf");
    let drop_in = "/etc/systemd/system/fleet-health@.service.d";
    world.sh("lab-3", &format!("mkdir {drop_in}"));
    world
        .fleet(&format!("copy {} lab-3:{drop_in}/", strict.display()))
        .expect(0);
    world.sh(
        "lab-3",
        &format!(
            "set -e
            dpkg -L fleet | grep -qx /usr/share/doc/fleet/examples/fleet-health-hardening.conf
            systemctl daemon-reload
            [ \"$(systemctl is-enabled fleet-health@root.timer)\" = disabled ]
            install -d -m 700 /root/.config/fleet
            printf '[servers.here]\\ntransport = \"local\"\\n' >/root/.config/fleet/inventory.toml
            systemctl start fleet-health@root.service || {{ journalctl -u fleet-health@root.service >&2; exit 1; }}
            HOME=/root fleet status --json | grep -q '\"here\"'
            rm -r {drop_in}
            systemctl daemon-reload
            systemctl enable --now fleet-health@root.timer 2>/dev/null
            systemctl is-active --quiet fleet-health@root.timer"
        ),
    );
    // Of a plain user, under those of the unit alone: the mail leaves, and sudo lets a look be root's.
    let seen = world.sh(
        "lab-3",
        "set -e
        systemctl start fleet-health@ops.service || { journalctl -u fleet-health@ops.service >&2; exit 1; }
        grep -qh '^Subject: .*gone offline' /var/spool/dropped/*
        runuser -u ops -- env HOME=/home/ops fleet list-servers --json",
    );
    let seen: serde_json::Value = serde_json::from_str(&seen).expect("JSON");
    let here = &seen["servers"][1];
    // The machine may be at work.
    let health = here["health"].as_str().unwrap_or_default();
    assert!(["online", "degraded"].contains(&health), "{here:#}");

    world.sh("lab-3", "dpkg --remove fleet 2>&1");
    world.sh(
        "lab-3",
        "! systemctl is-active --quiet fleet-health@root.timer",
    );
    world.sh("lab-3", "dpkg --purge fleet 2>&1; ! command -v fleet");
    expect_same(&before, &files(&world), "after it was removed");
    // Inventories and states are their users'.
    world.sh("lab-3", "test -s /root/.config/fleet/inventory.toml");
}
