//! What a test starts from: servers with fresh disks, an inventory of them alone, and a state that knows nothing.

use std::fmt::Write as _;
use std::io::{Read, Write as _};
use std::process::{Child, Command, Stdio};
use std::sync::Once;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::environment::{Environment, Outcome};
use crate::support::Lab;

/// A run of fleet that takes longer hangs.
const LIMIT: Duration = Duration::from_secs(240);

/// Paths that hold what fleet writes, without what the servers' own daemons write.
const OURS: &str = "/etc /srv /var/lib/fleet /var/log/nginx/fleet -name lab-repo -prune -o";

/// Servers and a home of fleet, for one test.
pub(crate) struct World {
    pub(crate) lab: Lab,
    pub(crate) home: Environment,
}

/// A run of fleet that has been started.
pub(crate) struct Running {
    child: Child,
    readers: [JoinHandle<String>; 2],
    started: Instant,
}

impl World {
    /// Fresh disks for `servers`, and nothing else in the inventory; `None`, after saying so, where there is no lab.
    pub(crate) fn new(servers: &[&str]) -> Option<Self> {
        Self::with(servers, |inventory| inventory)
    }

    /// The same with another inventory: `change` gets that of the lab, of these servers alone.
    pub(crate) fn with(servers: &[&str], change: impl FnOnce(String) -> String) -> Option<Self> {
        static SAID: Once = Once::new();
        if let Err(reason) = Lab::available() {
            let required = std::env::var_os("FLEET_LAB").is_some_and(|value| value == "required");
            assert!(!required, "the lab is required: {reason}");
            SAID.call_once(|| {
                // Past the capture of the test harness, which would keep it from everybody.
                let line = format!("left out: all tests on real servers, since {reason}\n");
                let _ = std::io::stderr().write_all(line.as_bytes());
            });
            return None;
        }
        let lab = Lab::acquire();
        lab.reset_all(servers);
        let home = Environment::new().with("FLEET_STATE", "state.db");
        let inventory = std::fs::read_to_string(lab.inventory_path()).expect("the inventory");
        home.write("inventory.toml", &change(only(&inventory, servers)));
        Some(Self { lab, home })
    }

    /// Fleet with the words of `line`, ready to be started.
    pub(crate) fn command(&self, line: &str) -> Command {
        let mut command = self.home.command(line.split_whitespace());
        // The clocks of the servers go on.
        command.env_remove("FLEET_TEST_NOW");
        command
    }

    /// Runs fleet with the words of `line`.
    pub(crate) fn fleet(&self, line: &str) -> Outcome {
        self.start(line).outcome(self)
    }

    /// Runs it and returns the JSON value that it prints.
    #[track_caller]
    pub(crate) fn json(&self, line: &str, code: i32) -> serde_json::Value {
        self.fleet(&format!("{line} --json")).expect(code).json()
    }

    /// Starts fleet with the words of `line`.
    pub(crate) fn start(&self, line: &str) -> Running {
        Running::start(self.command(line))
    }

    /// Runs a shell line on a server, as root; see [`Lab::sh_ok`].
    #[track_caller]
    pub(crate) fn sh(&self, server: &str, line: &str) -> String {
        self.lab.sh_ok(server, line)
    }

    /// The status and the body that a server answers for a site.
    pub(crate) fn get(&self, server: &str, site: &str) -> (u16, String) {
        self.lab.curl(server, site, "/")
    }

    /// The site is served, with the page that fleet put there.
    #[track_caller]
    pub(crate) fn expect_served(&self, server: &str, site: &str) {
        let (status, body) = self.get(server, site);
        assert!(
            status == 200 && body.contains(&format!("<title>{site}</title>")),
            "{site} on {server}: {status} {body}"
        );
    }

    /// The server knows nothing of the site: whoever is the default there answers. nginx may answer for a moment
    /// with what it had before an undo.
    #[track_caller]
    pub(crate) fn expect_unknown(&self, server: &str, site: &str) {
        let nobody = self.get(server, "nobody.invalid");
        let began = Instant::now();
        while self.get(server, site) != nobody && began.elapsed() < Duration::from_secs(30) {
            thread::sleep(Duration::from_millis(50));
        }
        assert_eq!(self.get(server, site), nobody, "{site} on {server}");
    }

    /// `plan` finds nothing to do on any server.
    #[track_caller]
    pub(crate) fn expect_settled(&self) {
        self.fleet("plan --detailed-exitcode").expect(0);
    }

    /// No trace of a transaction, nothing locked, and nginx sound and running.
    #[track_caller]
    pub(crate) fn expect_tidy(&self, server: &str) {
        let left = self.sh(
            server,
            "ls -A /var/lib/fleet/tx 2>/dev/null
            find /etc /srv /var/lib /var/log -name '.fleet-stage' -o -name '*.fleet-undo'
            [ ! -e /run/fleet/lock ] || flock -n /run/fleet/lock true || echo locked
            nginx -t -q 2>&1
            systemctl is-active nginx | grep -vx active || :",
        );
        assert_eq!(left, "", "on {server}");
    }

    /// What is on a server of all that fleet may write: content, owners and modes; to be compared by
    /// [`expect_same`].
    pub(crate) fn contents(&self, server: &str) -> String {
        self.sh(
            server,
            &format!(
                "find {OURS} ! -name '*.log' -printf '%p %y %M %u %g %l\\n' 2>/dev/null | sort
                find {OURS} -type f ! -name '*.log' ! -path '/etc/*shadow*' ! -path '/etc/passwd*' ! -path '/etc/group*' \
                    -exec sha256sum {{}} + 2>/dev/null | sort
                sort /etc/passwd /etc/group | cut -d : -f 1,5-"
            ),
        )
    }

    /// The same with every time stamp and inode: equal only if nothing was written at all.
    pub(crate) fn stamps(&self, server: &str) -> String {
        self.sh(
            server,
            &format!("find {OURS} ! -name '*.log' -printf '%p %y %M %U %G %i %T@ %C@\\n' 2>/dev/null | sort"),
        )
    }
}

/// Two states of a server are the same; if not, only their difference is shown.
#[track_caller]
pub(crate) fn expect_same(before: &str, after: &str, when: &str) {
    let diff = similar::TextDiff::from_lines(before, after);
    let changed = diff
        .iter_all_changes()
        .filter(|change| change.tag() != similar::ChangeTag::Equal);
    let changed: Vec<String> = changed
        .map(|change| format!("{} {}", change.tag(), change.value().trim_end()))
        .collect();
    assert!(
        changed.is_empty(),
        "not the same {when}:\n{}",
        changed.join("\n")
    );
}

impl Running {
    /// Starts a command and reads what it prints.
    pub(crate) fn start(mut command: Command) -> Self {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("a program that starts");
        let stdout = read(child.stdout.take().expect("its stdout"));
        let stderr = read(child.stderr.take().expect("its stderr"));
        Self {
            child,
            readers: [stdout, stderr],
            started: Instant::now(),
        }
    }

    /// Ends it on the spot, as `kill -9` does.
    pub(crate) fn kill(&mut self) {
        self.child.kill().expect("killed");
    }

    /// Sends SIGINT, as Ctrl-C does, as soon as the program has begun to heed it.
    pub(crate) fn interrupt(&self) {
        let pid = self.child.id().to_string();
        // `SigCgt` of `proc_pid_status`(5): a mask in hexadecimal, with signal 1 as the lowest bit.
        let heeds = || {
            let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
            let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:"));
            let mask = caught.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
            // One that has ended has no mask, and hears nothing any more.
            mask.is_none_or(|mask| mask & 0b10 != 0)
        };
        while !heeds() && self.started.elapsed() < LIMIT {
            thread::sleep(Duration::from_millis(1));
        }
        let sent = Command::new("kill").args(["-s", "INT", &pid]).status();
        assert!(sent.expect("kill(1)").success());
    }

    /// Waits for its end.
    #[track_caller]
    pub(crate) fn outcome(mut self, world: &World) -> Outcome {
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("a child") {
                break status;
            }
            if self.started.elapsed() > LIMIT {
                self.kill();
                let said = self
                    .readers
                    .map(|reader| reader.join().expect("its output"));
                panic!("it did not end within {LIMIT:?}: {said:?}");
            }
            thread::sleep(Duration::from_millis(2));
        };
        let [stdout, stderr] = self
            .readers
            .map(|reader| reader.join().expect("its output"));
        Outcome {
            code: status.code().unwrap_or(-1),
            stdout: world.home.normalise(&stdout),
            stderr: world.home.normalise(&stderr),
        }
    }
}

fn read(mut stream: impl Read + Send + 'static) -> JoinHandle<String> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = stream.read_to_end(&mut bytes);
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

/// The lab's inventory with these servers alone, without its state database, with little patience for
/// who does not answer, and much for who works.
fn only(inventory: &str, servers: &[&str]) -> String {
    let mut kept = String::new();
    let mut keep = true;
    for line in inventory.lines() {
        if let Some(name) = line.strip_prefix("[servers.") {
            keep = servers.contains(&name.trim_end_matches(']'));
        }
        if keep && !line.starts_with("state ") {
            let _ = writeln!(kept, "{line}");
        }
        if line == "[settings]" {
            kept.push_str("connect_timeout = \"3s\"\nhealth_timeout = \"60s\"\n");
        }
    }
    kept
}

/// It can be done within `limit`: tried again where the machine has other things to do.
#[track_caller]
pub(crate) fn expect_quick(limit: Duration, mut work: impl FnMut()) {
    let mut times = Vec::new();
    while times.len() < 20 {
        let began = Instant::now();
        work();
        let took = began.elapsed();
        if took < limit {
            return;
        }
        times.push(took);
    }
    panic!("never within {limit:?}: {times:?}");
}

/// Whether `text` holds every one of `parts`.
#[track_caller]
pub(crate) fn expect_words(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "no `{part}` in:\n{text}");
    }
}
