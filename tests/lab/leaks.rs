//! Secrets while fleet works: nowhere on either machine but where they belong.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::world::World;

/// A secret, and where it may be on the server: files, each with its mode and owner.
struct Guarded {
    text: String,
    on_server: Vec<(&'static str, &'static str)>,
    /// Below the home of the test: the files that it was typed into.
    here: Vec<&'static str>,
}

/// Looks into every process of this machine, which the servers of the lab share, until it is stopped.
struct Watch {
    stop: Arc<AtomicBool>,
    looking: JoinHandle<(usize, BTreeSet<String>)>,
}

impl Watch {
    fn begin(secrets: &[Guarded]) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let texts: Vec<String> = secrets.iter().map(|secret| secret.text.clone()).collect();
        let looking = thread::spawn(move || {
            let (mut rounds, mut found) = (0, BTreeSet::new());
            while !stopped.load(Ordering::Relaxed) {
                rounds += 1;
                look(&texts, &mut found);
            }
            (rounds, found)
        });
        Self { stop, looking }
    }

    #[track_caller]
    fn expect_nothing(self) {
        self.stop.store(true, Ordering::Relaxed);
        let (rounds, found) = self.looking.join().expect("a watcher");
        assert!(rounds > 3, "only {rounds} looks");
        assert!(found.is_empty(), "{found:#?}");
    }
}

/// Command lines and environments.
fn look(texts: &[String], found: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir("/proc").expect("/proc").flatten() {
        for file in ["cmdline", "environ"] {
            let bytes = std::fs::read(entry.path().join(file)).unwrap_or_default();
            let words = String::from_utf8_lossy(&bytes);
            for text in texts.iter().filter(|text| words.contains(*text)) {
                found.insert(format!("{text} in {file} of {}", words.replace('\0', " ")));
            }
        }
    }
    thread::sleep(Duration::from_millis(1));
}

fn backwards(text: &str) -> String {
    text.chars().rev().collect()
}

/// Every file below `place` that holds the text.
fn files_with(text: &str, place: &Path) -> Vec<String> {
    let found = Command::new("grep")
        .args(["-r", "-l", "-a", "-F", "-e", text])
        .arg(place)
        .output();
    let found = found.expect("grep runs");
    let names = String::from_utf8_lossy(&found.stdout).into_owned();
    let below = |name: &str| {
        name.strip_prefix(&format!("{}/", place.display()))
            .map(str::to_owned)
    };
    names.lines().filter_map(below).collect()
}

/// Looks on the server while a run is under way: what was written there lately, and who may read it.
fn begin_on_server(world: &World, secrets: &[Guarded]) {
    let patterns: Vec<String> = secrets.iter().map(|s| backwards(&s.text)).collect();
    let patterns = patterns.join("\n") + "\n";
    world.sh(
        "lab-1",
        &format!(
            "umask 077; mkdir -p /root/look && cd /root/look && rev >patterns <<'END'\n{patterns}END
            touch since; : >found
            (while [ ! -e stop ]; do
                find / -xdev -newer since -type f -perm /o+r ! -path '/proc/*' ! -path '/sys/*' \
                    -exec grep -l -a -F -f patterns -- {{}} + >>found 2>/dev/null
                find /run /tmp /dev/shm -type f ! -path '/run/fleet-lab*' \
                    -exec grep -l -a -F -f patterns -- {{}} + >>found 2>/dev/null
            done; : >ended) >/dev/null 2>&1 </dev/null &"
        ),
    );
}

#[track_caller]
fn end_on_server(world: &World, secrets: &[Guarded]) {
    let found = world.sh(
        "lab-1",
        "cd /root/look && : >stop && timeout 60 sh -c 'while [ ! -e ended ]; do sleep 0.05; done' && sort -u found",
    );
    assert_eq!(
        found, "",
        "world-readable, or in a temporary place, while fleet worked"
    );
    for secret in secrets {
        // Backwards, so that this look is not what it finds in the list of processes.
        let everywhere = world.sh(
            "lab-1",
            &format!(
                "cd /root/look && echo '{}' | rev >one
                grep -r -l -a -F -f one / --exclude-dir=proc --exclude-dir=sys --exclude-dir=look --exclude-dir=dev 2>/dev/null |
                    sort | while read -r file; do stat -c '%n %a:%U' -- \"$file\"; done",
                backwards(&secret.text)
            ),
        );
        let allowed: Vec<String> = secret
            .on_server
            .iter()
            .map(|(file, mode)| format!("{file} {mode}"))
            .collect();
        assert_eq!(
            everywhere.lines().collect::<Vec<_>>(),
            allowed,
            "{}",
            secret.text
        );
        let journal = "journalctl -q --no-pager | grep -c -F -f /root/look/one || :";
        let journal = world.sh("lab-1", journal);
        assert_eq!(journal, "0", "{} in the journal", secret.text);
    }
}

#[test]
fn no_secret_is_anywhere_but_where_it_belongs() {
    let Some(world) = World::new(&["lab-1"]) else {
        return;
    };
    let home = world.home.path();
    let made = Command::new("openssl")
        .args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
            "-days",
            "30",
        ])
        .args([
            "-subj",
            "/CN=a.example",
            "-addext",
            "subjectAltName=DNS:a.example,DNS:www.a.example",
        ])
        .args(["-keyout", "key.pem", "-out", "certificate.pem"])
        .current_dir(home)
        .output()
        .expect("openssl runs");
    assert!(made.status.success(), "{made:?}");
    let line_of_key = world
        .home
        .read("key.pem")
        .lines()
        .nth(1)
        .expect("a line of it")
        .to_owned();
    let password = "plugh-xyzzy-1977".to_owned();
    world.home.write("passwords", &format!("{password}\n"));
    let secrets = [
        Guarded {
            text: line_of_key,
            on_server: vec![("/etc/nginx/fleet/a.example/tls.key", "600:root")],
            here: vec!["key.pem"],
        },
        Guarded {
            // The server has its hash only.
            text: password,
            on_server: Vec::new(),
            here: vec!["passwords"],
        },
        Guarded {
            text: "frotz-rezrov-1983".to_owned(),
            on_server: Vec::new(),
            here: vec!["database-password"],
        },
    ];
    world.fleet("setup-server lab-1 --role database").expect(0);
    world.home.write("database-password", "frotz-rezrov-1983\n");
    let add = "add-site a.example --server lab-1 --tls-certificate certificate.pem --tls-key key.pem \
               --auth-user bob --auth-password-file passwords";
    begin_on_server(&world, &secrets);
    let watch = Watch::begin(&secrets);
    let mut said = String::new();
    for line in [
        &format!("{add} --dry-run -vv"),
        &format!("{add} -vv"),
        "set-site a.example --cache 1d --json",
        "plan --diff -vv",
        "apply --json",
        "show-site a.example --json",
        "rotate-key -vv",
        "remove-site a.example --yes -vv",
        "undo 6 -vv",
        "add-database shop --engine mariadb --server lab-1 --user boss --password-file database-password -vv",
        "add-database till --engine postgres --server lab-1 --user boss --password-file database-password --json",
        "remove-database shop --yes -vv",
        "undo 10 -vv",
        "list-tasks --json",
        "show-task 2 --json",
    ] {
        let outcome = world.fleet(line);
        assert!([0, 6].contains(&outcome.code), "{line}: {outcome}");
        said += line;
        said += &outcome.to_string();
    }
    watch.expect_nothing();
    end_on_server(&world, &secrets);
    for secret in &secrets {
        assert!(!said.contains(&secret.text), "{} in:\n{said}", secret.text);
        assert_eq!(
            files_with(&secret.text, home),
            secret.here,
            "{}",
            secret.text
        );
    }
}
