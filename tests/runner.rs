//! What runs cron jobs on servers, in a directory of its own.

use std::fs;
use std::process::{Command, Stdio};

const RUNNER: &str = include_str!("../src/kind/cron/runner.sh");

/// Makes `job` with `set NAME=VALUE...` out of what comes on standard input, starts it with `start`, and waits until
/// something is with `until`.
const MEANS: &str = r#"
top=$1 runs=$1/var/job
mkdir -p "$top/bin" "$top/etc" "$top/run" "$runs"
set_up() {
    {
        printf '%s\n' "user=$(id -un)" timeout=100 overlap=forbid delay=0 retries=0 pause=0 mail=on-failure keep=20
        for setting; do printf '%s\n' "$setting"; done
    } >"$top/etc/job.conf"
    cat >"$top/etc/job.sh"
}
start() { exec sh "$top/cron-run" job "$@"; }
until_() {
    tries=0
    until "$@" 2>/dev/null; do
        tries=$((tries + 1))
        [ "$tries" -lt 1200 ] || { echo "never: $*"; exit 1; }
        sleep 0.05
    done
}
history() { sed -E 's/^(start|skip) [^ ]+/\1/; s/^end [^ ]+ [^ ]+/end/' "$runs/history"; }
"#;

/// What `body` prints; the runner finds in `$top` what it looks for in the directories of a server.
fn run(body: &str) -> String {
    let top = tempfile::tempdir().expect("a directory");
    let path = top.path().to_str().expect("text");
    let mut runner = RUNNER.to_owned();
    for (theirs, ours) in [
        ("\nPATH=", format!("\nPATH={path}/bin:")),
        ("etc=/etc/fleet/cron", format!("etc={path}/etc")),
        ("var=/var/lib/fleet/cron/", format!("var={path}/var/")),
        ("run=/run/fleet/cron", format!("run={path}/run")),
        // Only root may have others.
        ("--init-groups", "--keep-groups".to_owned()),
        // A tenth of the time that a job has to end.
        ("left=100", "left=10".to_owned()),
    ] {
        assert!(runner.contains(theirs), "{theirs}");
        runner = runner.replacen(theirs, &ours, 1);
    }
    fs::write(top.path().join("cron-run"), runner).expect("written");
    let output = Command::new("sh")
        .args(["-c", &format!("{MEANS}{body}"), "sh", path])
        .stdin(Stdio::null())
        .output()
        .expect("the shell runs");
    let said = String::from_utf8(output.stdout).expect("text");
    assert!(
        output.status.success(),
        "{said}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    said
}

#[test]
fn whatever_belongs_to_a_job_ends_with_it() {
    // The shell that waits for both ends at once, and one of them would not.
    let job = "set_up \"$@\" <<'JOB'
        sh -c 'trap : TERM; echo $$; while :; do sleep 0.1; done' | tee \"$JOB_TOP/process\"
JOB
        sed -i \"1i JOB_TOP=$top\" \"$top/etc/job.sh\"\n";
    let gone = "until_ test ! -e \"/proc/$(cat \"$top/process\")\"\nhistory";
    let said = run(&format!(
        "set -- timeout=1 mail=never\n{job}(start) || echo \"$?\"\n{gone}"
    ));
    assert_eq!(said, "124\nstart cron\nend 124 timeout 1\n");
    let said = run(&format!(
        "set -- mail=never\n{job}(start) &\nuntil_ test -s \"$top/process\"\nkill \"$!\"\nwait \"$!\" || echo \"$?\"\n{gone}"
    ));
    assert_eq!(said, "143\nstart cron\nend 143 stopped 1\n");
}

#[test]
fn a_job_that_is_ended_before_it_has_begun_does_not_run() {
    let said = run("
        set_up mail=never <<'JOB'
            sleep 30
JOB
        printf '#!/bin/sh\\n: >%s\\nwhile [ ! -e %s ]; do sleep 0.05; done\\nexec /usr/bin/mkfifo \"$@\"\\n' \
            \"$top/there\" \"$top/go\" >\"$top/bin/mkfifo\"
        chmod +x \"$top/bin/mkfifo\"
        (start) &
        until_ test -e \"$top/there\"
        kill \"$!\"
        : >\"$top/go\"
        wait \"$!\" || echo \"$?\"
        history");
    assert_eq!(said, "143\nstart cron\nend 143 stopped 1\n");
}

#[test]
fn the_pause_before_the_next_attempt_can_be_ended() {
    let said = run("
        set_up mail=never retries=1 pause=60 <<'JOB'
            echo said
            exit 3
JOB
        (start) &
        until_ grep -rq follows \"$runs\"
        kill \"$!\"
        wait \"$!\" || echo \"$?\"
        history
        cat \"$runs\"/*.out");
    assert_eq!(
        said,
        "3\nstart cron\nend 3 stopped 1\nsaid\nfailed (exit code 3), attempt 2 of 2 follows in 60 s\n"
    );
}

#[test]
fn a_job_runs_and_is_heard_where_nothing_can_be_written() {
    // The disk is full; nothing can be made on it at all; only the history cannot be written.
    for disk in [
        "ln -s /dev/full \"$runs/out\"; sed -i 's/^out=[^ ]*/out=$var\\/out/' \"$top/cron-run\"",
        "sed -i 's/^out=[^ ]*/out=$var\\/none\\/out/' \"$top/cron-run\"",
        "mkdir \"$runs/history\"",
    ] {
        for (how, first) in [("", "failed (exit code 3)"), ("now", "said")] {
            let said = run(&format!(
                "set_up retries=1 <<'JOB'
                    echo said
                    exit 3
JOB
                {disk}\n(start {how}) 2>&1 || echo \"$?\"\nls \"$top/run\"",
            ));
            let lines: Vec<&str> = said.lines().collect();
            assert!(lines[0].contains(first), "{disk} {how}: {said}");
            let told = lines.iter().filter(|line| **line == "said").count();
            assert_eq!(told, 2, "{disk} {how}: {said}");
            let [.., lost, code, holder, lock] = lines[..] else {
                panic!("{said}");
            };
            assert!(
                lost.contains("could not be kept") && lost.ends_with("cannot be written to"),
                "{disk} {how}: {said}"
            );
            assert_eq!([code, holder, lock], ["3", "job.holder", "job.lock"]);
        }
    }
}

#[test]
fn the_output_of_a_job_that_still_runs_stays() {
    let said = run("
        set_up overlap=allow keep=1 <<'JOB'
            echo said
            sleep 0.1
JOB
        : >\"$top/run/job.1\"
        echo before >\"$runs/1000-1.out\"
        echo over >\"$runs/1001-2.out\"
        (start)
        cat \"$runs\"/*.out");
    assert_eq!(said, "before\nsaid\n");
}
