//! The lab as ring-3 tests see it: a lock, the servers by name, and what can be done to them.
//!
//! There are two labs, so that two tests can work at the same time: each has servers `lab-1` to `lab-4` of its own, with
//! other addresses. A test takes the one that is free, and does not know which.
//!
//! ```ignore
//! #[path = "lab/support.rs"]
//! mod lab;
//!
//! if let Err(reason) = lab::Lab::available() {
//!     return; // after saying so
//! }
//! let lab = lab::Lab::acquire();
//! lab.reset("lab-1");
//! assert!(lab.sh("lab-1", "nginx -t").status.success());
//! ```

#![allow(dead_code, reason = "no test binary uses all of it")]
#![allow(clippy::unused_self, reason = "only who holds the lab may touch it")]

use std::collections::BTreeSet;
use std::fs::{self, File, TryLockError};
use std::io::{Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Mutex;
use std::thread;
use std::time::Duration;

/// How many labs there are for tests: `FLEET_LAB_NUMBER` is 1 to this.
const LABS: u8 = 2;

/// Labs that this process has brought up, and in which shape: from then on only what a test left off or cut is for
/// `lab up` to mend.
static SEEN: Mutex<BTreeSet<(u8, String)>> = Mutex::new(BTreeSet::new());

/// Whoever has this is the next to get a lab.
const QUEUE: &str = "/run/fleet-lab.tests.queue";

/// How often somebody who waits for a lab asks again.
const PAUSE: Duration = Duration::from_millis(20);

/// How long a server may take to connect, and between two parts of an answer.
const HTTP_TIMEOUT: Duration = Duration::from_secs(10);

/// Servers that are up, and nobody else's until this is dropped: a lock is held for as long as it lives, by one test of
/// one process at a time.
///
/// Acquiring it starts what is off and mends what is cut, but leaves the disks as the last test left them: a test that
/// wants a fresh server resets it.
pub(crate) struct Lab {
    number: u8,
    dir: PathBuf,
    servers: Vec<LabServer>,
    _lock: File,
}

/// One server, as `lab list` shows it.
#[derive(Debug, Clone)]
pub(crate) struct LabServer {
    /// `lab-1` and so on, in the inventory too.
    pub(crate) name: String,
    /// `SUITE-BASE-USER`, for example `trixie-full-root`.
    pub(crate) kind: String,
    /// Who ssh lets in: `root`, or `admin` with sudo.
    pub(crate) user: String,
    /// On the lab's bridge.
    pub(crate) address: IpAddr,
    /// The same in the other family.
    pub(crate) address6: IpAddr,
}

impl Lab {
    /// Whether there can be a lab here, or the reason in words for the line that says what was left out.
    ///
    /// # Panics
    ///
    /// When there cannot, and `FLEET_LAB=required`.
    pub(crate) fn available() -> Result<(), String> {
        let setting = std::env::var("FLEET_LAB").unwrap_or_default();
        if setting == "off" {
            return Err("the lab is switched off (FLEET_LAB=off)".to_owned());
        }
        let possible = Self::possible();
        if let (Err(reason), "required") = (&possible, setting.as_str()) {
            panic!("FLEET_LAB=required, and {reason}");
        }
        possible
    }

    fn possible() -> Result<(), String> {
        if !cfg!(target_os = "linux") {
            return Err("the lab needs Linux".to_owned());
        }
        // The owner of this directory is the effective user of this process.
        match fs::metadata("/proc/self") {
            Ok(metadata) if metadata.uid() == 0 => Ok(()),
            Ok(_) => Err("the lab needs root".to_owned()),
            Err(error) => Err(format!("the lab needs /proc: {error}")),
        }
    }

    /// The usual four servers: `lab-1` has everything, `lab-2` is Debian 13, `lab-3` is bare, `lab-4` is reached by sudo.
    pub(crate) fn acquire() -> Self {
        Self::acquire_with(&["4"])
    }

    /// A lab of another shape, in the words of `lab up`: `&["6", "--full"]`.
    ///
    /// # Panics
    ///
    /// When the lab cannot be brought up, with what `lab up` said.
    pub(crate) fn acquire_with(shape: &[&str]) -> Self {
        if let Err(reason) = Self::available() {
            panic!("no lab: {reason}");
        }
        // One after the other, or who has just given a lab back would always be the first to have it again.
        let turn = open_lock(QUEUE);
        turn.lock()
            .unwrap_or_else(|error| panic!("no lab: cannot lock {QUEUE}: {error}"));
        let (number, lock) = loop {
            if let Some(free) = (1..=LABS).find_map(|number| Some((number, try_lock(number)?))) {
                break free;
            }
            thread::sleep(PAUSE);
        };
        drop(turn);
        let seen = (number, shape.join(" "));
        let list = || {
            let list = run(&mut lab_command(number, "list"));
            expect_success("list", &list);
            text(&list.stdout)
        };
        let known = SEEN.lock().is_ok_and(|all| all.contains(&seen));
        let mut shown = if known { list() } else { String::new() };
        let all_run = |line: &str| line.split_whitespace().nth(1) == Some("running");
        if shown.is_empty() || !shown.lines().all(all_run) {
            expect_success("up", &run(lab_command(number, "up").args(shape)));
            shown = list();
        }
        if let Ok(mut all) = SEEN.lock() {
            all.insert(seen);
        }
        Self {
            number,
            dir: format!("/run/{}", lab_name(number)).into(),
            servers: shown.lines().map(LabServer::parse).collect(),
            _lock: lock,
        }
    }

    /// Somebody's address on the lab's network: the machine's own with 1, that of a server with 10 more than its number.
    pub(crate) fn address(&self, last: u8) -> String {
        format!("10.{}.0.{last}", 82 + self.number)
    }

    /// The same in the other family.
    pub(crate) fn address6(&self, last: u8) -> String {
        format!("fd{}::{last}", 82 + self.number)
    }

    /// The network of both: `10.83.0.0/24` and `fd83::/64`.
    pub(crate) fn networks(&self) -> [String; 2] {
        let number = 82 + self.number;
        [format!("10.{number}.0.0/24"), format!("fd{number}::/64")]
    }

    /// Every server that is up, also those beyond the number asked for.
    pub(crate) fn servers(&self) -> &[LabServer] {
        &self.servers
    }

    /// A server by its name.
    ///
    /// # Panics
    ///
    /// When the lab has no such server.
    pub(crate) fn server(&self, name: &str) -> &LabServer {
        self.servers
            .iter()
            .find(|server| server.name == name)
            .unwrap_or_else(|| panic!("no server `{name}` in the lab"))
    }

    /// Where `inventory.toml`, `id_ed25519`, `known_hosts` and `ssh_config` are.
    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    /// A fleet inventory of all servers.
    pub(crate) fn inventory_path(&self) -> PathBuf {
        self.dir.join("inventory.toml")
    }

    /// Runs a shell line as root inside a server, without ssh and also when the network is cut.
    pub(crate) fn sh(&self, name: &str, line: &str) -> Output {
        run(lab_command(self.number, "shell").args([name, line]))
    }

    /// The same, for what must succeed: its standard output, trimmed.
    ///
    /// # Panics
    ///
    /// When the line fails, with all it said.
    #[track_caller]
    pub(crate) fn sh_ok(&self, name: &str, line: &str) -> String {
        let output = self.sh(name, line);
        assert!(
            output.status.success(),
            "`{line}` failed on {name} ({}):\n{}{}",
            output.status,
            text(&output.stdout),
            text(&output.stderr),
        );
        text(&output.stdout).trim().to_owned()
    }

    /// Cuts the network: packets vanish and connections hang.
    pub(crate) fn cut(&self, name: &str) {
        self.act("cut", name);
    }

    /// Undoes [`Lab::cut`].
    pub(crate) fn mend(&self, name: &str) {
        self.act("mend", name);
    }

    /// Cuts the power.
    pub(crate) fn kill(&self, name: &str) {
        self.act("kill", name);
    }

    /// Powers off in order.
    pub(crate) fn off(&self, name: &str) {
        self.act("off", name);
    }

    /// Boots a server that is off, with its disk as it was; comes back when ssh lets us in.
    pub(crate) fn start(&self, name: &str) {
        self.act("start", name);
    }

    /// Boots a server with a fresh disk; its host keys stay.
    pub(crate) fn reset(&self, name: &str) {
        self.reset_all(&[name]);
    }

    /// The same for several, at once.
    pub(crate) fn reset_all(&self, names: &[&str]) {
        expect_success("reset", &run(lab_command(self.number, "reset").args(names)));
    }

    /// Asks a server for a page over plain HTTP, from here to its address: the status and the body.
    ///
    /// # Panics
    ///
    /// When it cannot be reached or does not answer in HTTP.
    pub(crate) fn curl(&self, name: &str, host: &str, path: &str) -> (u16, String) {
        let address = SocketAddr::new(self.server(name).address, 80);
        let answer = fetch(address, host, path).unwrap_or_else(|error| {
            panic!("no answer from {name} for http://{host}{path}: {error}")
        });
        let answer = text(&answer);
        let (head, body) = answer
            .split_once("\r\n\r\n")
            .unwrap_or((answer.as_str(), ""));
        let status = head
            .split_whitespace()
            .nth(1)
            .and_then(|word| word.parse().ok())
            .unwrap_or_else(|| panic!("{name} does not speak HTTP: {head}"));
        (status, body.to_owned())
    }

    fn act(&self, verb: &str, name: &str) {
        let name = &self.server(name).name;
        expect_success(verb, &run(lab_command(self.number, verb).arg(name)));
    }
}

impl LabServer {
    fn parse(line: &str) -> Self {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [name, _state, kind, user, address, address6] = words[..] else {
            panic!("`lab list` shows something else than a server: {line}");
        };
        let parse = |word: &str| -> IpAddr {
            word.parse()
                .unwrap_or_else(|error| panic!("`lab list` shows a bad address `{word}`: {error}"))
        };
        Self {
            name: name.to_owned(),
            kind: kind.to_owned(),
            user: user.to_owned(),
            address: parse(address),
            address6: parse(address6),
        }
    }
}

/// What the machine knows a lab by.
fn lab_name(number: u8) -> String {
    match number {
        1 => "fleet-lab".to_owned(),
        _ => format!("fleet-lab-{number}"),
    }
}

fn open_lock(path: &str) -> File {
    let file = File::options().create(true).append(true).open(path);
    file.unwrap_or_else(|error| panic!("no lab: cannot open {path}: {error}"))
}

/// The lock of a lab, unless somebody has it.
fn try_lock(number: u8) -> Option<File> {
    let path = format!("/run/{}.tests.lock", lab_name(number));
    let lock = open_lock(&path);
    match lock.try_lock() {
        Ok(()) => Some(lock),
        Err(TryLockError::WouldBlock) => None,
        Err(TryLockError::Error(error)) => panic!("no lab: cannot lock {path}: {error}"),
    }
}

fn lab_command(number: u8, verb: &str) -> Command {
    // The first `up` on a machine builds the bases; nothing else takes longer than a boot.
    let limit = if verb == "up" { "1200" } else { "300" };
    let lab = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/lab/lab");
    let mut command = Command::new("timeout");
    command.args(["--kill-after=5", limit, lab, verb]);
    command.env("FLEET_LAB_NUMBER", number.to_string());
    // Those of one lab.
    command.env_remove("FLEET_LAB_DIR");
    command.env_remove("FLEET_LAB_DISKS");
    command.stdin(Stdio::null());
    command
}

fn run(command: &mut Command) -> Output {
    command.output().unwrap_or_else(|error| {
        panic!(
            "no lab: cannot run {}: {error}",
            command.get_program().display()
        )
    })
}

fn expect_success(verb: &str, output: &Output) {
    assert!(
        output.status.success(),
        "`lab {verb}` failed ({}):\n{}",
        output.status,
        text(&output.stderr)
    );
}

/// Version 1.0, so that the answer ends with the connection and comes in one piece.
fn fetch(address: SocketAddr, host: &str, path: &str) -> std::io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect_timeout(&address, HTTP_TIMEOUT)?;
    stream.set_read_timeout(Some(HTTP_TIMEOUT))?;
    write!(
        stream,
        "GET {path} HTTP/1.0\r\nHost: {host}\r\nConnection: close\r\n\r\n"
    )?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    Ok(answer)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
