//! Servers that are full, read-only, talkative or locked up: a clear error, nothing half done, and it works afterwards.

use crate::watch::Watch;
use crate::world::{World, expect_same, expect_words};

#[test]
fn login_shells_and_banners_do_not_matter() {
    let Some(world) = World::new(&["lab-1", "lab-4"]) else {
        return;
    };
    world.sh(
        "lab-1",
        "dpkg -i /srv/lab-repo/tcsh_amd64.deb >/dev/null && ln -sf tcsh /bin/csh",
    );
    let talk = "echo Welcome; echo '@committed'; echo to the machine >&2";
    world.sh("lab-1", &format!("printf '%s\\n' \"{talk}\" | tee /root/.bashrc /root/.profile /root/.cshrc >/etc/csh.cshrc"));
    world.sh("lab-1", "mkdir -p /root/.config/fish /etc/fish; echo 'echo Welcome' | tee /etc/fish/config.fish >/root/.config/fish/config.fish");
    world.sh("lab-1", "echo 'Unauthorised access is prohibited.' >/etc/issue.net; echo 'Banner /etc/issue.net' >/etc/ssh/sshd_config.d/banner.conf; systemctl reload ssh");
    for shell in ["/usr/bin/fish", "/bin/csh", "/bin/bash"] {
        world.sh("lab-1", &format!("usermod -s {shell} root"));
        let name = format!("{}.example", shell.rsplit('/').next().expect("a name"));
        let added = world
            .fleet(&format!("add-site {name} --server lab-1"))
            .expect(0);
        assert!(!format!("{added}").contains("elcome"), "{added}");
        world.expect_served("lab-1", &name);
    }
    world.expect_settled();
    world.expect_tidy("lab-1");
    // An account that must not log in says so.
    world.sh("lab-1", "usermod -s /usr/sbin/nologin root");
    let refused = world.fleet("apply").expect(1);
    expect_words(
        &refused.stderr,
        &["lab-1", "This account is currently not available"],
    );
}

#[test]
fn a_full_disk_is_named_and_nothing_is_half_done() {
    let Some(world) = World::new(&["lab-1"]) else {
        return;
    };
    world.fleet("add-site a.example").expect(0);
    let before = world.contents("lab-1");
    let watch = Watch::site(&world, "lab-1", "a.example");
    // Each place that fleet writes to: its own journal, the configuration, the homes.
    let fill_up = |dir: &str, room: u32| {
        // Nobody sees it before it holds what was there.
        format!(
            "mount -t tmpfs -o size=4m,mode=755 full /mnt && cp -a {dir}/. /mnt
            head -c 9m /dev/zero >/mnt/.filler 2>/dev/null; truncate -s -{room} /mnt/.filler
            mount --bind /mnt {dir} && umount /mnt"
        )
    };
    for (dir, room) in [
        ("/var/lib/fleet", 0),
        ("/var/lib/fleet", 8192),
        ("/var/lib/fleet", 16384),
        ("/etc/nginx", 0),
        ("/etc/nginx", 4096),
        ("/srv/www", 0),
        ("/srv/www", 4096),
    ] {
        world.sh("lab-1", &fill_up(dir, room));
        let full = world.fleet("add-site b.example");
        if full.code == 0 && room > 0 {
            // There was room enough after all. What nginx has read is gone with the disk.
            world.sh("lab-1", &format!("umount -l {dir}; systemctl reload nginx"));
            world.fleet("remove-site b.example --yes").expect(0);
            world.fleet("apply").expect(0);
            world.sh(
                "lab-1",
                "rm -rf /srv/www/.fleet-trash /var/log/nginx/fleet/.fleet-trash /var/lib/fleet/trash",
            );
            continue;
        }
        assert_eq!(full.code, 1, "{dir} with {room} bytes: {full}");
        expect_words(&full.stderr.to_lowercase(), &["no space left on", "lab-1"]);
        world.sh("lab-1", &format!("umount -l {dir}; nginx -t -q"));
        world.expect_unknown("lab-1", "b.example");
        let repaired = world.fleet("apply");
        assert_eq!(repaired.code, 0, "{dir}: {full} and then {repaired}");
        expect_same(
            &before,
            &world.contents("lab-1"),
            &format!("after {dir} was full: {full}"),
        );
        world.expect_tidy("lab-1");
    }
    world.fleet("add-site b.example").expect(0);
    world.expect_served("lab-1", "b.example");
    watch.expect_never_failed();
}

#[test]
fn a_read_only_file_system_is_named_and_the_rest_is_put_back() {
    let Some(world) = World::new(&["lab-1"]) else {
        return;
    };
    world.fleet("add-site a.example").expect(0);
    let before = world.contents("lab-1");
    for dir in ["/etc", "/srv", "/var/lib", "/var/log/nginx"] {
        world.sh(
            "lab-1",
            &format!("mount --bind {dir} {dir} && mount -o remount,ro,bind {dir}"),
        );
        let refused = world.fleet("add-site b.example").expect(1);
        expect_words(&refused.stderr, &["Read-only file system", "lab-1"]);
        // What is right needs no writing.
        world.expect_settled();
        world.fleet("apply").expect(0);
        world.sh("lab-1", &format!("umount {dir}"));
        expect_same(
            &before,
            &world.contents("lab-1"),
            &format!("after {dir} was read-only: {refused}"),
        );
        world.expect_tidy("lab-1");
        world.expect_settled();
    }
    world.fleet("add-site b.example").expect(0);
    world.expect_served("lab-1", "b.example");
}

#[test]
fn sudo_that_does_not_let_us_is_told_apart() {
    let Some(world) = World::new(&["lab-4"]) else {
        return;
    };
    for (change, words) in [
        (
            "echo 'admin ALL=(ALL:ALL) ALL' >/etc/sudoers.d/admin",
            "asks for a password",
        ),
        ("echo >/etc/sudoers.d/admin", "asks for a password"),
        ("mv /usr/bin/sudo /root/", "sudo"),
    ] {
        world.sh("lab-4", change);
        let refused = world.fleet("add-site a.example --server lab-4").expect(4);
        expect_words(&refused.stderr, &["lab-4  error: ", words]);
        world
            .fleet("add-site a.example --server lab-4 --stage --force")
            .expect(0);
        let failed = world.fleet("apply").expect(1);
        expect_words(&failed.stderr, &["lab-4", words]);
        world.fleet("remove-site a.example --yes").expect(1);
    }
    world.sh(
        "lab-4",
        "mv /root/sudo /usr/bin/; echo 'admin ALL=(ALL:ALL) NOPASSWD: ALL' >/etc/sudoers.d/admin",
    );
    // It was in error a moment ago; with nobody else to ask it is looked at again.
    world.fleet("add-site b.example").expect(0);
    world.expect_served("lab-4", "b.example");
}

#[test]
fn a_host_key_that_changed_stops_everything_before_anything_is_sent() {
    let Some(world) = World::new(&["lab-1"]) else {
        return;
    };
    world.fleet("add-site a.example").expect(0);
    world.sh(
        "lab-1",
        "mkdir /root/keys && cp -a /etc/ssh/ssh_host_* /root/keys/ && rm /etc/ssh/ssh_host_* && ssh-keygen -q -A && systemctl restart ssh",
    );
    let before = world.stamps("lab-1");
    for line in ["apply", "add-site b.example --server lab-1 --force", "plan"] {
        let refused = world.fleet(line);
        assert!([1, 3, 4].contains(&refused.code), "{line}: {refused}");
        expect_words(&refused.stderr, &["SHA256:", "known_hosts", "lab-1"]);
    }
    expect_same(&before, &world.stamps("lab-1"), "behind another host key");
    // The command of the hint accepts it, once the admin has seen that it is the server's own.
    let file = world.lab.dir().join("known_hosts");
    let known = std::fs::read(&file).expect("the keys of the lab");
    let own = world.sh("lab-1", "ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub");
    let own = own.split(' ').nth(1).expect("a fingerprint");
    let line = format!("set-server lab-1 --fingerprint {own}");
    let hint = world.fleet("plan");
    expect_words(&hint.stderr, &[&format!("`fleet {line}`")]);
    let accepted = world.fleet(&line);
    let follows = world.fleet("apply");
    std::fs::write(&file, known).expect("the keys of the lab are as before");
    expect_words(&accepted.expect(0).stdout, &["host key: ", own]);
    follows.expect(0);
    world.sh(
        "lab-1",
        "rm /etc/ssh/ssh_host_*; mv /root/keys/* /etc/ssh/; rmdir /root/keys; systemctl restart ssh",
    );
    world.fleet("apply").expect(0);
    world.expect_served("lab-1", "a.example");
}

#[test]
fn a_login_that_is_refused_says_what_was_tried() {
    let Some(world) = World::new(&["lab-1"]) else {
        return;
    };
    let inventory = world.home.read("inventory.toml");
    let key = world.lab.dir().join("id_ed25519");
    let keygen = |passphrase: &str, file: &str| {
        let path = world.home.path().join(file);
        let made = std::process::Command::new("ssh-keygen")
            .args(["-q", "-t", "ed25519", "-N", passphrase, "-f"])
            .arg(&path)
            .status();
        assert!(made.expect("ssh-keygen").success());
        path.display().to_string()
    };
    let with = |from: &str, to: &str| {
        world
            .home
            .write("inventory.toml", &inventory.replace(from, to))
    };
    let key = key.display().to_string();

    with("user = \"root\"", "user = \"nobody\"");
    world
        .fleet("add-site a.example --server lab-1 --stage")
        .expect(0);
    let refused = world.fleet("apply").expect(1);
    expect_words(&refused.stderr, &["lab-1", "nobody", "id_ed25519"]);

    with(&key, &keygen("", "other"));
    let refused = world.fleet("apply").expect(1);
    expect_words(&refused.stderr, &["lab-1", "root", "other"]);

    with(&key, "/no/such/key");
    let refused = world.fleet("apply");
    assert!([1, 2, 3].contains(&refused.code), "{refused}");
    expect_words(&refused.stderr, &["/no/such/key"]);

    let locked = keygen("open sesame", "locked");
    let public = world.home.read("locked.pub");
    world.sh(
        "lab-1",
        &format!("echo '{}' >>/root/.ssh/authorized_keys", public.trim()),
    );
    with(&key, &locked);
    let asks = world.fleet("apply");
    assert!([1, 2, 3].contains(&asks.code), "{asks}");
    expect_words(&asks.stderr, &["passphrase", "FLEET_KEY_PASSPHRASE_FILE"]);
    for (passphrase, code) in [("wrong", 1), ("open sesame", 0)] {
        let file = world.home.write("passphrase", &format!("{passphrase}\n"));
        let mut command = world.command("apply");
        command.env("FLEET_KEY_PASSPHRASE_FILE", file);
        let outcome = crate::world::Running::start(command).outcome(&world);
        assert!(!format!("{outcome}").contains("sesame"), "{outcome}");
        if code == 0 {
            outcome.expect(0);
        } else {
            assert!([1, 2, 3].contains(&outcome.code), "{outcome}");
            expect_words(&outcome.stderr, &["passphrase", "locked"]);
        }
    }
    world.expect_served("lab-1", "a.example");
}
