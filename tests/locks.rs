//! The lock of a server in the shells that `sh` can be there: who waits, who is told what, and what becomes of a holder
//! whose lock is broken.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const PATHS: &str = include_str!("../src/plan/paths.sh");
const NGINX: &str = include_str!("../src/plan/nginx.sh");
const PRELUDE: &str = include_str!("../src/plan/prelude.sh");
const LOCK: &str = include_str!("../src/plan/lock.sh");

/// A server's directories, and shells that work on it.
struct Server {
    top: tempfile::TempDir,
    shell: Vec<&'static str>,
}

/// A shell at work.
struct Working(Child);

impl Drop for Working {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What `sh` is on Debian, on Red Hat's systems, and on small ones (where this machine has it).
fn servers() -> Vec<Server> {
    let all = [vec!["sh"], vec!["bash", "--posix"], vec!["busybox", "sh"]];
    let is_there = |shell: &Vec<&str>| {
        let mut help = Command::new(shell[0]);
        help.arg("--help").stdin(Stdio::null()).output().is_ok()
    };
    let server = |shell| {
        let top = tempfile::tempdir().expect("a directory");
        std::fs::create_dir_all(top.path().join("state/tx")).expect("its directories");
        Server { top, shell }
    };
    all.into_iter().filter(is_there).map(server).collect()
}

impl Server {
    fn command(&self, body: &str) -> Command {
        let script = format!(
            "{PATHS}{NGINX}{PRELUDE}{LOCK}\ntop=$1 state=$1/state run=$1/run t=$1/state/tx/1-0\n{body}"
        );
        let mut command = Command::new(self.shell[0]);
        command.args(&self.shell[1..]).args(["-c", &script, "sh"]);
        command.arg(self.top.path()).stdin(Stdio::null());
        command
    }

    /// Begins something and goes on when `file` is there.
    fn begin(&self, body: &str, file: &str) -> Working {
        let mut command = self.command(body);
        let out = std::fs::File::create(self.top.path().join("out")).expect("a file");
        command.stdout(out).stderr(Stdio::null());
        let working = Working(command.spawn().expect("the shell runs"));
        wait_for(&self.top.path().join(file));
        working
    }

    fn run(&self, body: &str) -> String {
        let output = self.command(body).output().expect("the shell runs");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(stderr.is_empty(), "{:?}: {stderr}", self.shell);
        String::from_utf8(output.stdout).expect("text")
    }

    fn write(&self, file: &str) {
        std::fs::write(self.top.path().join(file), "").expect("a file");
    }

    fn is_there(&self, file: &str) -> bool {
        self.top.path().join(file).exists()
    }

    /// What the one that was begun has printed, when it has ended.
    fn said(&self, mut working: Working) -> String {
        let began = Instant::now();
        while working.0.try_wait().expect("a child").is_none() {
            assert!(began.elapsed() < Duration::from_secs(60), "it does not end");
            std::thread::sleep(Duration::from_millis(10));
        }
        std::fs::read_to_string(self.top.path().join("out")).expect("a file")
    }
}

fn wait_for(path: &Path) {
    let began = Instant::now();
    while !path.exists() {
        assert!(
            began.elapsed() < Duration::from_secs(60),
            "no {}",
            path.display()
        );
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Waits until a file is there, without end.
const UNTIL: &str = "until_there() { while [ ! -e \"$top/$1\" ]; do sleep 0.02; done; }\n";

#[test]
fn who_finds_it_locked_is_told_who_has_it_and_for_how_long() {
    for server in servers() {
        let holder = server.begin(
            &format!(
                "{UNTIL}lock 5 'ann on desk (`fleet apply`, task 3)
process 7'; : >\"$top/begun\"; until_there go"
            ),
            "begun",
        );
        let said = server.run("look_at_lock");
        for part in ["@held ", "@owner ann on desk", "@owner process 7", "@sign "] {
            assert!(
                said.contains(part),
                "{:?}: no `{part}` in {said}",
                server.shell
            );
        }
        let own = format!("@process {} ", holder.0.id());
        assert!(said.contains(&own), "{:?}: no {own}in {said}", server.shell);
        let said = server.run("lock 0 bob; echo went on");
        let who = "ann on desk (`fleet apply`, task 3), for ";
        let lines: Vec<&str> = said.lines().collect();
        assert_eq!(lines.len(), 2, "{:?}: {said}", server.shell);
        assert!(lines[0].starts_with(&format!("@wait {who}")), "{said}");
        assert!(lines[1].starts_with(&format!("@locked {who}")), "{said}");
        std::fs::remove_file(server.top.path().join("run/owner")).expect("a file");
        let said = server.run("lock 0 bob; echo went on");
        let who = "@locked a program that does not say who it is\n";
        assert!(said.ends_with(who), "{:?}: {said}", server.shell);
        // The lock goes with the holder, however that goes, and with what it has started.
        drop(holder);
        let said = server.run("lock 30 bob; held && echo mine");
        assert!(said.ends_with("mine\n"), "{:?}: {said}", server.shell);
    }
}

#[test]
fn a_holder_that_does_nothing_notices_before_it_changes_anything() {
    for server in servers() {
        let holder = server.begin(
            &format!(
                "{UNTIL}lock 5 ann; : >\"$top/begun\"; until_there go
                journal() {{ mkdir -p \"$t\"; held; }}; commit() {{ : >\"$top/changed\"; }}
                failed=; phase journal; phase commit"
            ),
            "begun",
        );
        let said = server.run("break_lock 5 bob 'bob on laptop'");
        assert_eq!(said, "@broken idle\n", "{:?}", server.shell);
        let next = server.run("lock 5 cid; held && echo mine");
        assert_eq!(next, "mine\n", "{:?}", server.shell);
        server.write("go");
        let said = server.said(holder);
        let expected = "@lost bob on laptop\n@failed journal\n@step undoing\n@undone\n";
        assert_eq!(said, expected, "{:?}", server.shell);
        assert!(!server.is_there("changed"));
        assert_eq!(server.run("break_lock 5 bob bob"), "@free\n");
    }
}

#[test]
fn what_is_under_way_is_taken_back_by_its_holder() {
    for server in servers() {
        let holder = server.begin(
            &format!(
                "{UNTIL}lock 5 ann
                journal() {{ mkdir -p \"$t\"; echo ': >'\"$top/undone\" >\"$t/undo.sh\"; : >\"$t/ready\"; }}
                stage() {{ : >\"$top/begun\"; while held; do sleep 0.02; done; }}; commit() {{ : >\"$top/changed\"; }}
                failed=; phase journal; phase stage; phase commit"
            ),
            "begun",
        );
        let said = server.run("break_lock 30 bob 'bob on laptop'; ls \"$state/tx\"");
        let lines: Vec<&str> = said.lines().collect();
        assert_eq!(
            lines.last(),
            Some(&"@broken ended"),
            "{:?}: {said}",
            server.shell
        );
        assert!(server.is_there("undone") && !server.is_there("changed"));
        assert!(
            server
                .said(holder)
                .contains("@lost bob on laptop\n@failed commit\n")
        );
    }
}

#[test]
fn what_does_not_end_is_killed_and_rolled_back() {
    for server in servers() {
        let holder = server.begin(
            "lock 5 ann
            journal() { mkdir -p \"$t\"; echo 'sleep 0.5; : >'\"$top/undone\" >\"$t/undo.sh\"; : >\"$t/ready\"; }
            stage() { : >\"$top/begun\"; sleep 300; }
            failed=; phase journal; phase stage",
            "begun",
        );
        let said = server.run("break_lock 0 bob 'bob on laptop' 2>/dev/null");
        let lines: Vec<&str> = said.lines().collect();
        assert_eq!(
            lines.last(),
            Some(&"@broken killed"),
            "{:?}: {said}",
            server.shell
        );
        assert!(lines.contains(&"@recovering 1-0"), "{said}");
        assert!(server.is_there("undone"));
        server.said(holder);
        // What said meanwhile that the rollback goes on keeps nobody from the next one.
        let said = server.run("flock -n \"$run/breaking\" echo free");
        assert_eq!(said, "free\n", "{:?}", server.shell);
        assert_eq!(
            server.run("ls \"$state/tx\"; lock 0 cid; held && echo mine"),
            "mine\n"
        );
    }
}

#[test]
fn who_waits_for_a_lock_that_is_broken_gets_the_new_one() {
    let server = servers().remove(0);
    let holder = server.begin(
        &format!("{UNTIL}lock 5 ann; : >\"$top/begun\"; until_there go"),
        "begun",
    );
    let mut waiting = server.command("lock 60 cid; held && echo mine; sed -n 1p \"$run/owner\"");
    let waiting = waiting.stdout(Stdio::piped()).spawn().expect("a shell");
    assert!(
        server
            .run("break_lock 5 bob bob")
            .ends_with("@broken idle\n")
    );
    server.write("go");
    drop(holder);
    let output = waiting.wait_with_output().expect("its end");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.ends_with("mine\ncid\n"), "{said}");
}

#[test]
fn who_breaks_a_lock_that_another_one_is_breaking_is_told_so() {
    for server in servers() {
        let breaking = server.begin(
            &format!(
                "{UNTIL}lock 5 bob; exec 7>>\"$run/breaking\"; flock -n 7; : >\"$top/begun\"; until_there go"
            ),
            "begun",
        );
        let said = server.run("patience=0; break_lock 5 cid cid");
        let begin = "@step waiting for another one that breaks it\n@breaking bob, for ";
        assert!(said.starts_with(begin), "{:?}: {said}", server.shell);
        drop(breaking);
    }
}

#[test]
fn a_holder_that_does_not_end_keeps_its_name() {
    for server in servers() {
        // As one that the kernel keeps waiting for a disk: it is not among those that can be killed.
        let holder = server.begin(
            &format!(
                "{UNTIL}lock 5 ann; exec 3>&9 9>&-; echo a dump >\"$run/busy\"; : >\"$top/begun\"; until_there go"
            ),
            "begun",
        );
        let said = server.run("patience=0; break_lock 0 bob 'bob on laptop'");
        assert!(said.contains("\n@stuck "), "{:?}: {said}", server.shell);
        let said = server.run("look_at_lock");
        for part in ["@owner ann\n", "@work a dump\n"] {
            assert!(
                said.contains(part),
                "{:?}: no `{part}` in {said}",
                server.shell
            );
        }
        drop(holder);
    }
}
