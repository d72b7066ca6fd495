//! A run of the real binary with what it took: time, processor time, memory at its peak.

use std::fmt;
use std::io::{Read, Write};
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use crate::environment::Environment;

/// How a run ended and what it took.
pub(crate) struct Measured {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    /// From start to end.
    pub(crate) took: Duration,
    /// On all processors, in user and kernel mode.
    pub(crate) cpu: Duration,
    /// Most memory it had (`VmHWM`), in KiB.
    pub(crate) peak_kib: u64,
}

impl fmt::Display for Measured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stdout: String = self.stdout.chars().take(2000).collect();
        write!(
            f,
            "exit code {}\n--- stdout\n{stdout}\n--- stderr\n{}",
            self.code, self.stderr
        )
    }
}

/// Runs fleet with `words` in a shell that sets `limits` first.
pub(crate) fn run(environment: &Environment, limits: &str, words: &[&str]) -> Measured {
    // The shell becomes fleet, so that it has the number of its process.
    let template = environment.command(words);
    let mut command = std::process::Command::new("sh");
    command
        .arg("-c")
        .arg(format!("{limits} exec \"$0\" \"$@\""))
        .arg(template.get_program())
        .args(template.get_args())
        .current_dir(environment.path())
        .env_clear()
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    for (name, value) in template.get_envs() {
        command.env(name, value.unwrap_or_default());
    }
    let began = Instant::now();
    let mut child = command.spawn().unwrap();
    let stdout = read(child.stdout.take().unwrap());
    let stderr = read(child.stderr.take().unwrap());
    let (mut cpu, mut peak_kib) = (Duration::ZERO, 0);
    let status = loop {
        if let Some(found) = times(child.id()) {
            cpu = found;
        }
        // It only grows, and what it says last is close to its end.
        peak_kib = peak(child.id()).unwrap_or(peak_kib);
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if began.elapsed() > Duration::from_secs(240) {
            child.kill().unwrap();
        }
        thread::sleep(Duration::from_millis(5));
    };
    Measured {
        code: status.code().unwrap_or(-1),
        stdout: stdout.join().unwrap(),
        stderr: stderr.join().unwrap(),
        took: began.elapsed(),
        cpu,
        peak_kib,
    }
}

fn read(mut stream: impl Read + Send + 'static) -> thread::JoinHandle<String> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = stream.read_to_end(&mut bytes);
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

/// `utime` and `stime` of `/proc/PID/stat` (`proc_pid_stat`(5)), in ticks of 10 ms.
fn times(pid: u32) -> Option<Duration> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let after_name = stat.rsplit_once(") ")?.1;
    let mut fields = after_name.split(' ').skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    let ticks = user + system;
    (ticks > 0).then(|| Duration::from_millis(10 * ticks))
}

fn peak(pid: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse().ok()
}

/// Past the capture of the test harness when `FLEET_TEST_FIGURES` asks for what was measured.
pub(crate) fn say(text: &str) {
    if std::env::var_os("FLEET_TEST_FIGURES").is_some() {
        let _ = std::io::stderr().write_all(format!("{text}\n").as_bytes());
    }
}
