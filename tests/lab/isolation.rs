//! What one site may see of another: nothing.

use crate::world::World;

/// Runs PHP code that comes in the query, as an attacker who got in would.
const SHELL: &str = "<?php echo @eval($_GET['c']);";

#[test]
fn the_users_of_two_sites_see_nothing_of_each_other() {
    let Some(world) = World::new(&["lab-1", "lab-2"]) else {
        return;
    };
    for server in ["lab-1", "lab-2"] {
        for site in ["one", "two"] {
            world
                .fleet(&format!(
                    "add-site {site}-{server}.example --server {server} --type php"
                ))
                .expect(0);
        }
        let (one, two) = (
            format!("one-{server}.example"),
            format!("two-{server}.example"),
        );
        let secret = format!("/srv/www/{two}/public/secret.txt");
        world.sh(
            server,
            &format!(
                "install -o $(stat -c %U /srv/www/{two}/public) -m 644 /dev/null {secret}; echo secret >{secret}
                echo '{}' >/srv/www/{one}/public/x.php",
                SHELL.replace('\'', "'\\''")
            ),
        );
        let user = world.sh(server, &format!("stat -c %U /srv/www/{one}/public"));
        // By PHP, with and without its own checks, and as the user itself.
        let php = |code: &str| world.lab.curl(server, &one, &format!("/x.php?c={code}")).1;
        assert_eq!(php("echo%20posix_getpwuid(posix_geteuid())['name'];"), user);
        assert_eq!(php(&format!("echo%20file_get_contents('{secret}');")), "");
        assert_eq!(php("echo%20file_get_contents('/etc/passwd');"), "");
        assert_eq!(
            php("echo%20implode(glob('/srv/www/*'));"),
            format!("/srv/www/{one}")
        );
        let alone = world.lab.sh(
            server,
            &format!("setpriv --reuid {user} --regid {user} --clear-groups cat {secret}"),
        );
        assert!(!alone.status.success(), "{alone:?}");
        let alone = world.lab.sh(server, &format!("setpriv --reuid {user} --regid {user} --clear-groups ls /srv/www/{two} /srv/www/{two}/public"));
        assert!(
            !alone.status.success() && alone.stdout.is_empty(),
            "{alone:?}"
        );
        // A link to the neighbour's files is not followed by nginx either.
        world.sh(
            server,
            &format!("setpriv --reuid {user} --regid {user} --clear-groups ln -s {secret} /srv/www/{one}/public/link.txt || ln -s {secret} /srv/www/{one}/public/link.txt"),
        );
        let (status, body) = world.lab.curl(server, &one, "/link.txt");
        assert!(status >= 400 && !body.contains("secret"), "{status} {body}");
        assert_eq!(world.lab.curl(server, &two, "/secret.txt").0, 200);
        // The sockets of the pools are for nginx alone.
        let socket = world.lab.sh(server, &format!("setpriv --reuid {user} --regid {user} --clear-groups sh -c 'for s in /run/php/fleet-*; do [ ! -w $s ] || echo $s; done'"));
        assert_eq!(String::from_utf8_lossy(&socket.stdout), "");
        world.expect_tidy(server);
    }
    world.expect_settled();
}
