//! What others change while a run waits: what is made in the end is what is recorded by then.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "support/environment.rs"]
#[allow(dead_code, reason = "not all of it is used here")]
mod environment;
#[path = "support/played.rs"]
mod played;
#[path = "support/sshd.rs"]
mod sshd;

use std::os::unix::fs::PermissionsExt as _;
use std::sync::{Arc, Mutex};

use environment::Environment;
use played::Said;
use russh::keys::ssh_key::LineEnding;
use sshd::{Behaviour, Doing, Play, Shell, Sshd, new_key};
use tokio::runtime::Runtime;

/// A server with nothing on it but nginx, and somebody who runs fleet between its lock and the answer of its first read.
struct Server {
    environment: Arc<Environment>,
    /// What fleet is told to do meanwhile.
    meanwhile: Arc<Mutex<Option<String>>>,
    /// The scripts that it was sent.
    scripts: Arc<Mutex<Vec<String>>>,
    _sshd: Sshd,
    _runtime: Runtime,
}

/// What a read finds.
const NGINX: &str = "@section service
Id=nginx.service
LoadState=loaded
ActiveState=active
UnitFileState=enabled

@observed
";

impl Server {
    fn new() -> Self {
        let runtime = Runtime::new().unwrap();
        let environment = Arc::new(Environment::new());
        let scripts: Arc<Mutex<Vec<String>>> = Arc::default();
        let meanwhile: Arc<Mutex<Option<String>>> = Arc::default();
        let answer = {
            let (environment, scripts) = (Arc::clone(&environment), Arc::clone(&scripts));
            let meanwhile = Arc::clone(&meanwhile);
            move |script: &str| {
                scripts.lock().unwrap().push(script.to_owned());
                let is_read = script.contains("@observed");
                let line = meanwhile.lock().unwrap().take_if(|_| is_read);
                if let Some(line) = line {
                    environment.fleet(line.split_whitespace()).expect(0);
                }
                Said {
                    stdout: if is_read { NGINX.into() } else { Vec::new() },
                    ..Said::default()
                }
            }
        };
        let answer = Arc::new(answer);
        let play: Arc<Play> = Arc::new(move |command, reader, writer| -> Doing {
            let answer = Arc::clone(&answer);
            Box::pin(async move {
                played::play(&command, reader, &writer, |script| answer(script)).await;
                0
            })
        });
        let sshd = runtime.block_on(Sshd::start(Behaviour {
            shell: Shell::Play(play),
            ..Behaviour::default()
        }));
        let port = sshd.address.port();
        environment.write(
            "inventory.toml",
            &format!(
                "[settings]\nstate = \"state.db\"\nssh_config = false\n[servers.web-1]\naddress = \"127.0.0.1\"\nport = {port}\n"
            ),
        );
        environment.write("home/.ssh/known_hosts", &(sshd.known_hosts_line() + "\n"));
        let key = new_key().to_openssh(LineEnding::LF).unwrap();
        let path = environment.write("home/.ssh/id_ed25519", &key);
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
        Self {
            environment,
            meanwhile,
            scripts,
            _sshd: sshd,
            _runtime: runtime,
        }
    }

    fn run(&self, line: &str) -> environment::Outcome {
        self.environment.fleet(line.split_whitespace())
    }

    /// Has somebody run fleet as soon as the next run has the server's lock.
    fn meanwhile(&self, line: &str) {
        *self.meanwhile.lock().unwrap() = Some(line.to_owned());
    }

    /// The scripts that were sent since.
    fn sent(&self) -> Vec<String> {
        std::mem::take(&mut *self.scripts.lock().unwrap())
    }
}

#[test]
fn what_was_removed_while_a_run_waited_for_its_server_is_not_made_again() {
    let server = Server::new();
    server
        .run("add-site a.example --server web-1 --stage")
        .expect(0);
    server.meanwhile("remove-site a.example --stage --yes");
    let applied = server.run("apply --json").expect(0);
    assert_eq!(
        applied.json()["servers"][0]["outcome"],
        "unchanged",
        "{applied}"
    );
    let sent = server.sent();
    assert_eq!(
        sent.len(),
        2,
        "it is read twice, and nothing is sent: {sent:#?}"
    );
    let takes_lock = |script: &String| script.contains("\nlock 60 ");
    let locks: Vec<bool> = sent.iter().map(takes_lock).collect();
    assert_eq!(locks, [true, false], "the lock is kept between the two");
    let gone = server.run("show-site a.example").expect(2);
    assert!(gone.stderr.contains("a.example"), "{gone}");
}

#[test]
fn what_was_changed_while_a_run_waited_for_its_server_is_what_it_makes() {
    let server = Server::new();
    server
        .run("add-site a.example --server web-1 --stage --redirect https://old.example/")
        .expect(0);
    server
        .run("add-site b.example --server web-1 --stage")
        .expect(0);
    server.meanwhile("set-site a.example --stage --redirect https://new.example/");
    server.run("apply site:a.example");
    let made = server.sent().concat();
    assert!(
        made.contains("new.example") && !made.contains("old.example"),
        "{made}"
    );
    // A run that is narrowed to another looks at all there is: others may share what it makes.
    server.meanwhile("set-site a.example --stage --redirect https://newer.example/");
    server.run("apply site:b.example");
    let reads = server.sent().into_iter();
    assert_eq!(
        reads.filter(|script| script.contains("@observed")).count(),
        2
    );
}

#[test]
fn nobody_reads_twice_where_nothing_has_changed() {
    let server = Server::new();
    server
        .run("add-site a.example --server web-1 --stage")
        .expect(0);
    // Another server's affairs, and what is only looked at.
    server.meanwhile("list-sites");
    server.run("apply");
    let reads = server.sent().into_iter();
    assert_eq!(
        reads.filter(|script| script.contains("@observed")).count(),
        1
    );
}

#[test]
fn a_retry_of_a_reviewed_plan_makes_nothing_else() {
    let server = Server::new();
    server
        .run("add-site a.example --server web-1 --stage --redirect https://old.example/")
        .expect(0);
    server.run("plan --out reviewed.plan").expect(0);
    // Nobody can log in just now.
    let key = server.environment.path().join("home/.ssh/id_ed25519");
    let aside = server.environment.path().join("key");
    std::fs::rename(&key, &aside).unwrap();
    server.run("apply reviewed.plan");
    std::fs::rename(&aside, &key).unwrap();
    server.sent();
    // What is no look at what is there, or at whose names there are.
    let made = || {
        let looks = |script: &String| {
            script.contains("@observed") || script.contains("\ntell_taken /etc/nginx/")
        };
        let sent = server.sent().into_iter();
        sent.filter(|script| !looks(script))
            .collect::<Vec<String>>()
    };
    server.run("retry");
    assert!(
        made().concat().contains("old.example"),
        "what was reviewed is made"
    );
    for refused in ["retry --force", "retry --adopt"] {
        let refused = server.run(refused).expect(2);
        assert!(
            refused.stderr.contains("carried out a reviewed plan"),
            "{refused}"
        );
    }

    server
        .run("add-site b.example --server web-1 --stage")
        .expect(0);
    for retry in ["retry", "retry --dry-run"] {
        let stale = server.run(retry).expect(1);
        for part in [
            "does not fit any more, and nothing was changed",
            "site b.example",
        ] {
            assert!(stale.stderr.contains(part), "no `{part}`: {stale}");
        }
    }
    server.run("plan --out reviewed.plan").expect(0);
    let other = server.run("retry").expect(2);
    assert!(
        other.stderr.contains("another plan is there by now"),
        "{other}"
    );
    std::fs::remove_file(server.environment.path().join("reviewed.plan")).unwrap();
    let gone = server.run("retry").expect(2);
    assert!(
        gone.stderr.contains("which is not there any more"),
        "{gone}"
    );
    assert_eq!(made(), [""; 0]);
}

#[test]
fn without_the_key_a_plan_is_not_whole_and_says_why_once() {
    let server = Server::new();
    server.environment.write("password", "xyzzy-plugh-42\n");
    for site in ["a.example", "b.example"] {
        let line = format!(
            "add-site {site} --server web-1 --stage --auth-user bob --auth-password-file password"
        );
        server.run(&line).expect(0);
    }
    server.run("plan").expect(0);
    server.run("plan --detailed-exitcode").expect(6);
    let key = server.environment.path().join("home/.config/fleet/key");
    std::fs::remove_file(key).unwrap();
    for line in ["plan", "plan --detailed-exitcode", "apply --dry-run"] {
        let plan = server.run(line).expect(3);
        assert!(
            plan.stdout
                .contains("blocked site a.example, site b.example"),
            "{plan}"
        );
        assert_eq!(plan.stdout.matches("is not at").count(), 1, "{plan}");
    }
}
