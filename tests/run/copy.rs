//! `fleet copy` as a process: whole or not at all, resumed, compared, and never through somebody else's links.

use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{PermissionsExt as _, chown, symlink};
use std::path::Path;

use serde_json::Value;

use crate::sshd::Behaviour;
use crate::{Three, three, three_with};

fn mode(path: &Path) -> u32 {
    fs::metadata(path)
        .expect("it is there")
        .permissions()
        .mode()
        & 0o7777
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("its mode");
}

/// Runs a copy with `--json`; what is told of the first server.
fn copy(environment: &Three, arguments: &[&str], code: i32) -> Value {
    let arguments = ["copy", "--json"].iter().chain(arguments);
    let outcome = environment.fleet(arguments).expect(code);
    outcome.json()["servers"][0].clone()
}

/// Bytes that nothing makes smaller, the same each time.
fn noise(length: usize) -> Vec<u8> {
    let mut state: u64 = 0x9e37_79b9_7f4a_7c15;
    let next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[0]
    };
    std::iter::repeat_with(next).take(length).collect()
}

fn hidden(dir: &Path) -> Vec<String> {
    let names = fs::read_dir(dir).expect("a directory").flatten();
    let names = names.map(|entry| entry.file_name().to_string_lossy().into_owned());
    names.filter(|name| name.starts_with(".fleet")).collect()
}

#[test]
fn a_directory_arrives_as_it_is_and_the_second_time_nothing_is_done() {
    let environment = three();
    let there = environment.path().join("there");
    environment.write("here/a b/it's", "one\n");
    let script = environment.write("here/run.sh", "#!/bin/sh\n");
    environment.write("here/empty", "");
    set_mode(&script, 0o755);
    set_mode(&environment.path().join("here/a b"), 0o750);
    symlink("/etc/passwd", environment.path().join("here/link")).expect("a link");
    let to = format!("web-1:{}", there.display());
    environment.fleet(["copy", "here", &to]).expect(2);
    let done = copy(&environment, &["-r", "here", &to], 0);
    assert_eq!(
        (&done["status"], &done["files"]),
        (&"changed".into(), &3.into()),
        "{done:#}"
    );
    assert_eq!(done["skipped"][0], "link");
    assert_eq!(
        fs::read_to_string(there.join("a b/it's")).expect("a file"),
        "one\n"
    );
    assert_eq!(fs::read(there.join("empty")).expect("a file"), b"");
    assert_eq!(
        (mode(&there.join("run.sh")), mode(&there.join("a b"))),
        (0o755, 0o750)
    );
    assert!(hidden(&there).is_empty() && hidden(environment.path()).is_empty());
    assert!(!there.join("link").exists());
    let again = copy(&environment, &["-r", "here", &to], 0);
    assert_eq!(
        (&again["status"], &again["unchanged"]),
        (&"unchanged".into(), &3.into()),
        "{again:#}"
    );
    // What differs in its mode alone is set right.
    let done = copy(&environment, &["-r", "here", &to, "--mode", "640"], 0);
    assert_eq!(done["files"], 3, "{done:#}");
    assert_eq!(mode(&there.join("run.sh")), 0o640);
    let task = environment
        .fleet(["show-task", "1", "--json"])
        .expect(0)
        .json();
    assert_eq!(task["task"]["outcomes"][0]["status"], "changed", "{task:#}");

    // And back, from several servers: a directory for each.
    let from = format!("*:{}", there.display());
    let outcome = environment.fleet(["copy", "-r", &from, "back"]).expect(0);
    assert!(outcome.stdout.contains("3 files copied"), "{outcome}");
    for server in ["web-1", "web-2", "web-3"] {
        assert_eq!(
            environment.read(&format!("back/{server}/a b/it's")),
            "one\n"
        );
        assert_eq!(
            mode(&environment.path().join("back").join(server).join("run.sh")),
            0o640
        );
    }
}

#[test]
fn a_file_goes_into_a_directory_or_takes_the_place_of_another() {
    let environment = three();
    environment.write("motd", "hello\n");
    environment.write("there/old", "old\n");
    let there = environment.path().join("there").display().to_string();
    for to in [
        format!("{there}/new"),
        format!("{there}/old"),
        there.clone(),
        format!("{there}/"),
    ] {
        copy(&environment, &["motd", &format!("web-1:{to}")], 0);
    }
    for name in ["new", "old", "motd"] {
        assert_eq!(environment.read(&format!("there/{name}")), "hello\n");
    }
    let nowhere = copy(
        &environment,
        &["motd", &format!("web-1:{there}/no/where")],
        1,
    );
    assert!(
        nowhere["failed"][0]["reason"]
            .as_str()
            .expect("words")
            .contains("no directory"),
        "{nowhere:#}"
    );
    copy(&environment, &[&format!("web-1:{there}/new"), "fetched"], 0);
    assert_eq!(environment.read("fetched"), "hello\n");
    copy(
        &environment,
        &[&format!("web-1:{there}/gone"), "fetched"],
        1,
    );
    assert_eq!(environment.read("fetched"), "hello\n");
}

#[test]
fn with_a_slash_a_directory_goes_into_the_one_that_is_named() {
    let environment = three();
    environment.write("dist/index.html", "new\n");
    environment.write("there/index.html", "precious\n");
    let to = format!("web-1:{}/there/", environment.path().display());
    for from in ["dist", "dist/", "dist/../dist/."] {
        copy(&environment, &["-r", from, &to], 0);
    }
    assert_eq!(environment.read("there/dist/index.html"), "new\n");
    assert_eq!(environment.read("there/index.html"), "precious\n");
    // The working directory by the name that it has.
    environment.write("there/dist/deep/x", "");
    let from = format!("{}/there/dist/deep/..", environment.path().display());
    let to = format!("web-1:{}/other/", environment.path().display());
    std::fs::create_dir(environment.path().join("other")).expect("a directory");
    copy(&environment, &["-r", &from, &to], 0);
    assert_eq!(environment.read("other/dist/index.html"), "new\n");
}

#[test]
fn a_part_serves_one_of_those_with_its_content_and_not_for_ever() {
    let environment = three();
    let text = "the same in both\n";
    environment.write("here/a", text);
    environment.write("here/b", text);
    let there = environment.path().join("there");
    let to = format!("web-1:{}", there.display());
    copy(&environment, &["-r", "here", &to], 0);
    let sum = std::process::Command::new("sha256sum")
        .arg(there.join("a"))
        .output()
        .expect("a sum");
    for name in ["a", "b"] {
        fs::remove_file(there.join(name)).expect("it goes");
    }
    let stage = there.join(".fleet-copy");
    fs::create_dir(&stage).expect("a directory");
    set_mode(&stage, 0o700);
    let part = String::from_utf8_lossy(&sum.stdout[..32]).into_owned();
    fs::write(stage.join(part), &text[..5]).expect("a part");
    let old = fs::File::create(stage.join("0123456789abcdef0123456789abcdef")).expect("a part");
    let month = std::time::Duration::from_secs(30 * 86_400);
    old.set_modified(std::time::SystemTime::now() - month)
        .expect("its time");
    let done = copy(&environment, &["-r", "here", &to], 0);
    assert_eq!(done["bytes"], 2 * text.len() - 5, "{done:#}");
    for name in ["there/a", "there/b"] {
        assert_eq!(environment.read(name), text);
    }
    assert!(hidden(&there).is_empty());
}

#[test]
fn what_broke_off_goes_on_where_it_was() {
    let environment = three_with(|number| Behaviour {
        cut_input_after: (number == 1).then_some(3_600_000),
        ..Behaviour::default()
    });
    let bytes = noise(6_000_000);
    fs::write(environment.path().join("big"), &bytes).expect("a file");
    environment.write("there/big", "as it was\n");
    let there = environment.path().join("there");
    let cut = copy(
        &environment,
        &["big", &format!("web-1:{}/big", there.display())],
        3,
    );
    assert_eq!(cut["status"], "unreachable", "{cut:#}");
    // Nothing of it is to be seen yet.
    assert_eq!(environment.read("there/big"), "as it was\n");
    let done = copy(
        &environment,
        &["big", &format!("web-2:{}/big", there.display())],
        0,
    );
    let sent = done["bytes"].as_u64().expect("a number");
    assert!(sent > 1_000_000 && sent < 5_000_000, "{done:#}");
    assert_eq!(fs::read(there.join("big")).expect("a file"), bytes);
    assert!(hidden(&there).is_empty());

    // The same on the way back; one who has changed what came is found out.
    let from = format!("web-2:{}/big", there.display());
    environment.write("back/x", "");
    let sum = std::process::Command::new("sha256sum")
        .arg(there.join("big"))
        .output()
        .expect("a sum");
    let part = format!(
        "back/.fleet-copy-{}",
        &String::from_utf8_lossy(&sum.stdout)[..16]
    );
    fs::write(environment.path().join(&part), &bytes[..4_000_000]).expect("a part");
    let done = copy(&environment, &[&from, "back/"], 0);
    assert_eq!(done["bytes"], 2_000_000, "{done:#}");
    assert_eq!(
        fs::read(environment.path().join("back/big")).expect("a file"),
        bytes
    );
    fs::remove_file(environment.path().join("back/big")).expect("it goes");
    fs::write(environment.path().join(&part), vec![0; 4_000_000]).expect("a part");
    copy(&environment, &[&from, "back/"], 1);
    assert!(!environment.path().join("back/big").exists());
    copy(&environment, &[&from, "back/"], 0);
    assert_eq!(
        fs::read(environment.path().join("back/big")).expect("a file"),
        bytes
    );
}

#[test]
fn what_another_copy_is_at_is_left_to_it() {
    let environment = three();
    environment.write("there/big", "all of it\n");
    let from = format!("web-1:{}/there/big", environment.path().display());
    let sum = std::process::Command::new("sha256sum")
        .arg(environment.path().join("there/big"))
        .output()
        .expect("a sum");
    let part = format!(
        ".fleet-copy-{}",
        &String::from_utf8_lossy(&sum.stdout)[..16]
    );
    environment.write(&format!("back/{part}"), "all");
    let theirs = fs::File::open(environment.path().join("back").join(&part)).expect("a part");
    theirs.lock().expect("a lock");
    let refused = copy(&environment, &[&from, "back/"], 1);
    let why = &refused["failed"][0]["reason"];
    assert_eq!(why, "somebody else copies the same file", "{refused:#}");
    assert_eq!(environment.read(&format!("back/{part}")), "all");
    drop(theirs);
    let done = copy(&environment, &[&from, "back/"], 0);
    assert_eq!(done["bytes"], 7, "{done:#}");
    assert_eq!(environment.read("back/big"), "all of it\n");
}

#[test]
fn what_a_copy_has_left_is_not_copied() {
    let environment = three();
    let parts = [
        ".fleet-copy/0123",
        "deep/.fleet-copy/0123",
        "deep/.fleet-copy-0123456789abcdef",
    ];
    for name in parts
        .iter()
        .chain(&["deep/a", ".fleet-copy-notes", "deep/.fleet-copybook"])
    {
        environment.write(&format!("here/{name}"), "x\n");
    }
    let place = |name: &str| format!("web-1:{}/{name}", environment.path().display());
    let (to, from) = (place("there"), place("here"));
    for arguments in [["-r", "here", &to], ["-r", &from, "back"]] {
        let done = copy(&environment, &arguments, 0);
        assert_eq!(done["files"], 3, "{done:#}");
    }
    for top in ["there", "back"] {
        assert_eq!(environment.read(&format!("{top}/.fleet-copy-notes")), "x\n");
        assert_eq!(
            environment.read(&format!("{top}/deep/.fleet-copybook")),
            "x\n"
        );
        assert_eq!(
            hidden(&environment.path().join(top).join("deep")),
            [".fleet-copybook"]
        );
    }
}

#[test]
fn what_is_left_out_is_told_on_both_ways() {
    let environment = three();
    environment.write("here/a", "x\n");
    symlink("a", environment.path().join("here/link")).expect("a link");
    let bad = std::ffi::OsStr::from_bytes(b"here/bad\xff");
    fs::write(environment.path().join(bad), "").expect("a file");
    let place = |name: &str| format!("web-1:{}/{name}", environment.path().display());
    let (to, from) = (place("there"), place("here"));
    for (arguments, before) in [
        (["-r", "here", &to], ""),
        (["-r", &from, "back"], "web-1: "),
    ] {
        let outcome = environment
            .fleet(["copy"].iter().chain(&arguments))
            .expect(0);
        for note in [
            "link is left out: it is neither a file nor a directory",
            "bad\u{fffd} is left out: its name is not UTF-8",
        ] {
            assert!(
                outcome.stderr.contains(&format!("{before}{note}")),
                "{outcome}"
            );
        }
    }
}

#[test]
fn a_file_of_the_kernel_is_refused_with_the_way_to_get_it() {
    let environment = three();
    let refused = copy(&environment, &["web-1:/proc/meminfo", "x"], 1);
    let why = refused["failed"][0]["reason"].as_str().expect("words");
    assert!(why.contains("fleet run --output-dir"), "{refused:#}");
}

#[test]
fn what_has_no_room_here_does_not_keep_the_disk_full() {
    let environment = three();
    fs::write(environment.path().join("big"), noise(6_000_000)).expect("a file");
    fs::create_dir(environment.path().join("back")).expect("a directory");
    let from = format!("web-1:{}/big", environment.path().display());
    let own = environment.command(["copy", &from, "back/"]);
    // No file may have more than 2 MiB.
    let mut limited = std::process::Command::new("sh");
    let output = limited
        .args(["-c", "trap '' XFSZ; ulimit -f 4096; exec \"$@\"", "sh"])
        .arg(own.get_program())
        .args(own.get_args())
        .current_dir(environment.path())
        .env_clear()
        .envs(
            own.get_envs()
                .filter_map(|(name, value)| Some((name, value?))),
        )
        .output()
        .expect("it runs");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(
        !output.status.success() && stderr.contains("File too large"),
        "{stderr}"
    );
    let left = fs::read_dir(environment.path().join("back")).expect("a directory");
    assert_eq!(left.count(), 0, "{stderr}");
}

#[test]
fn links_of_somebody_else_lead_nowhere() {
    let environment = three();
    let theirs = environment.path().join("theirs");
    environment.write("theirs/x", "theirs\n");
    environment.write("victim/file", "precious\n");
    environment.write("new", "new\n");
    let victim = environment.path().join("victim");
    // Only root can give a directory away.
    if chown(&theirs, Some(12_345), Some(12_345)).is_err() {
        return;
    }
    symlink(&victim, theirs.join("dir")).expect("a link");
    symlink(victim.join("file"), theirs.join("file")).expect("a link");
    symlink(&victim, theirs.join(".fleet-copy")).expect("a link");
    let place = |name: &str| format!("web-1:{}/{name}", theirs.display());
    for (from, to) in [("new", place("dir/file")), ("new", place("x"))] {
        let refused = copy(&environment, &[from, &to], 1);
        assert_eq!(refused["status"], "failed", "{refused:#}");
    }
    assert_eq!(environment.read("theirs/x"), "theirs\n");
    assert_eq!(environment.read("victim/file"), "precious\n");
    for name in ["file", "dir/file"] {
        let refused = copy(&environment, &[&place(name), "stolen"], 1);
        assert_eq!(refused["status"], "failed", "{refused:#}");
    }
    assert!(!environment.path().join("stolen").exists());
    fs::remove_file(theirs.join(".fleet-copy")).expect("it goes");
    // A link in the file's own place is replaced, and not written through.
    copy(
        &environment,
        &[
            "new",
            &place("file"),
            "--mode",
            "0600",
            "--owner",
            "12345:12345",
        ],
        0,
    );
    assert_eq!(environment.read("theirs/file"), "new\n");
    assert_eq!(environment.read("victim/file"), "precious\n");
    assert_eq!(mode(&theirs.join("file")), 0o600);
}

#[test]
fn what_is_no_copy_is_a_usage_error() {
    let environment = three();
    environment.write("a", "");
    for arguments in [
        &["copy", "a", "b"][..],
        &["copy", "web-1:/a", "web-2:/b"],
        &["copy", "missing", "web-1:/b"],
        &["copy", "a", "nobody:/b"],
        &["copy", "a", "web-1:/b", "--mode", "4755"],
        &["copy", "a", "web-1:/b", "--owner", "$(id)"],
        &["copy", "web-1:/b", "a", "--owner", "root"],
        &["copy", "-r", "web-1:/etc/..", "a/b/"],
        &["copy", "-r", "web-1:/", "a/b/"],
    ] {
        environment.fleet(arguments).expect(2);
    }
}
