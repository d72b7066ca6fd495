//! What a connection costs, on a real sshd on loopback: `cargo bench --bench connection`. Needs root, sshd(8) and
//! ssh-keygen(1).

#![allow(clippy::print_stdout, clippy::unwrap_used, missing_docs)]

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use fleet::model::Server;
use fleet::shell::Script;
use fleet::transport::{Connector, Session, Settings, SshConfig};

const SSHD: &str = "/usr/sbin/sshd";

/// A running sshd(8).
struct Sshd {
    address: SocketAddr,
    process: Child,
}

impl Sshd {
    /// Starts one below `home` that takes the key there, and makes that home know it.
    fn start(home: &Path) -> Self {
        let ssh = home.join(".ssh");
        std::fs::create_dir(&ssh).unwrap();
        drop(std::fs::create_dir_all("/run/sshd"));
        for file in [home.join("host_key"), ssh.join("id_ed25519")] {
            let made = Command::new("ssh-keygen")
                .args(["-q", "-t", "ed25519", "-N", "", "-f"])
                .arg(file)
                .status();
            assert!(made.unwrap().success());
        }
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        drop(listener);
        let (home, port) = (home.display(), address.port());
        let config = format!("{home}/sshd_config");
        // bash reads ~/.bashrc for sshd, but not when it is nested: what is in there is not what is measured.
        let text = format!(
            "ListenAddress {address}\nHostKey {home}/host_key\nAuthorizedKeysFile {home}/.ssh/id_ed25519.pub\n\
             StrictModes no\nUsePAM no\nPidFile none\nMaxStartups 300\nPermitRootLogin yes\nSetEnv SHLVL=3\n"
        );
        std::fs::write(&config, text).unwrap();
        let key = std::fs::read_to_string(format!("{home}/host_key.pub")).unwrap();
        std::fs::write(ssh.join("known_hosts"), format!("[127.0.0.1]:{port} {key}")).unwrap();
        let process = Command::new(SSHD)
            .args(["-D", "-e", "-f", &config])
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let begun = Instant::now();
        while TcpStream::connect(address).is_err() {
            assert!(
                begun.elapsed() < Duration::from_secs(10),
                "sshd does not listen"
            );
            std::thread::sleep(Duration::from_millis(10));
        }
        Self { address, process }
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

/// CPU time of all threads of this process that still run.
fn cpu() -> Duration {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap();
    let nanoseconds = tasks.flatten().filter_map(|task| {
        let text = std::fs::read_to_string(task.path().join("schedstat")).ok()?;
        text.split_whitespace().next()?.parse::<u64>().ok()
    });
    Duration::from_nanos(nanoseconds.sum())
}

/// Since when the clock and the processors are watched.
struct Watch(Instant, Duration);

impl Watch {
    fn start() -> Self {
        Self(Instant::now(), cpu())
    }

    fn print(&self, what: &str, each: u32) {
        let millis = |time: Duration| time.as_secs_f64() * 1e3 / f64::from(each);
        println!(
            "{what:<36} {:>8.2} ms   client CPU {:>6.2} ms",
            millis(self.0.elapsed()),
            millis(cpu().saturating_sub(self.1))
        );
    }
}

fn script(text: &str) -> Script {
    let mut script = Script::new();
    script.line("X={}", &[text]).raw("echo facts\n");
    script
}

async fn run(session: &mut Session, text: &str) {
    let output = session.exchange(&script(text), &mut |_| {}).await.unwrap();
    assert_eq!(output.status, 0);
}

fn main() {
    // `cargo test --benches` only wants to know that it runs.
    let measured = std::env::args().any(|argument| argument == "--bench");
    let many: u32 = if measured { 50 } else { 2 };
    let root = std::fs::metadata("/proc/self").is_ok_and(|me| {
        use std::os::unix::fs::MetadataExt;
        me.uid() == 0
    });
    if !root || !Path::new(SSHD).exists() {
        println!("left out: no sshd, or not root");
        return;
    }
    let home = tempfile::tempdir().unwrap();
    let sshd = Sshd::start(home.path());
    let mut settings = Settings::new(Some(home.path()));
    settings.global_known_hosts = Vec::new();
    settings.ssh_config = SshConfig::Ignore;
    let connector = Connector::new(settings);
    let mut server = Server::new("sg-1".parse().unwrap(), "127.0.0.1");
    server.port = Some(sshd.address.port());
    server.user = Some("root".to_owned());

    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let once = async || {
            let mut session = connector.open(&server).await.unwrap();
            run(&mut session, "").await;
            session
        };
        once().await.close().await;

        let watch = Watch::start();
        for _ in 0..many {
            once().await.close().await;
        }
        watch.print("connection, one after the other", many);

        let mut session = once().await;
        let watch = Watch::start();
        for _ in 0..many {
            run(&mut session, "").await;
        }
        watch.print("one more script", many);
        for size in [100_000, 2_000_000] {
            let text = "server { listen 80; }\n".repeat(size / 22);
            let watch = Watch::start();
            for _ in 0..5 {
                run(&mut session, &text).await;
            }
            watch.print(&format!("a script of {size} bytes"), 5);
        }
        session.close().await;

        let watch = Watch::start();
        let mut running = tokio::task::JoinSet::new();
        for _ in 0..many {
            let (connector, server) = (connector.clone(), server.clone());
            running.spawn(async move {
                let mut session = connector.open(&server).await.unwrap();
                run(&mut session, "").await;
            });
        }
        running.join_all().await;
        watch.print(&format!("connection, {many} at once"), many);
    });
}
