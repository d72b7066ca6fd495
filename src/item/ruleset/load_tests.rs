//! Shell functions that load the rules, run in the shell of this machine.

#![allow(clippy::unwrap_used)]

use std::process::{Command, Stdio};

/// What `sh` prints, with the functions there.
fn run(script: &str) -> String {
    let functions = [super::UNDO, super::LOAD].concat();
    let script = format!("{functions}why() {{ printf 'why %s\\n' \"$1\"; }}\nset -e\nput='' unwritten=''\n{script}");
    let output = Command::new("sh")
        .args(["-c", &script])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn a_file_for_the_next_boot_that_cannot_be_written_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("firewall");
    let path = path.to_str().unwrap();
    std::os::unix::fs::symlink("/dev/full", format!("{path}.fleet-undo")).unwrap();
    let put = format!("if firewall_put {path} rules; then echo new; fi; echo \"$unwritten\"");
    assert_eq!(run(&put), format!("new\n{path}\n"));
    std::fs::remove_file(format!("{path}.fleet-undo")).unwrap();
    assert_eq!(run(&put), "new\n\n");
    std::fs::write(path, "rules").unwrap();
    assert_eq!(run(&put), "\n");
}

#[test]
fn rules_that_cannot_be_kept_whole_are_not_replaced() {
    let dir = tempfile::tempdir().unwrap();
    let keep = |listing: &str| {
        let nft = format!("t={}; firewall_files=''; sync() {{ :; }}; nft() {{ {listing}; }}", dir.path().display());
        let said = run(&format!("{nft}\nrm -rf \"$t/firewall-before\" \"$t/firewall-kept\" \"$t/rules-before\"\nfirewall_keep || exit\necho kept\n[ ! -e \"$t/rules-before\" ] || echo rules"));
        assert_eq!(said.contains("kept\n"), dir.path().join("firewall-kept").exists());
        said
    };
    assert_eq!(keep("printf 'table inet fleet {\\n}\\n'"), "kept\nrules\n");
    assert_eq!(keep("return 1"), "kept\n");
    // nft ends well where a disk is full.
    for full in ["printf 'table inet fleet {\\n\\tset ban'", ":", "if [ -e \"$t/once\" ]; then rm -- \"$t/once\"; else : >\"$t/once\"; return 1; fi"] {
        assert_eq!(keep(full), "why the rules in force cannot be kept for the way back: is the disk full?\n");
    }
}

/// What nftables is asked and given while the rules of before are brought back.
fn restored(script: &str) -> String {
    let dir = tempfile::tempdir().unwrap();
    let stage = "nft() { printf 'nft %s\\n' \"$*\"; [ \"$1\" != -f ] || cat; }
        cat /proc/sys/kernel/random/boot_id >\"$t/boot-id\"\necho old >\"$t/rules-before\"\n: >\"$t/firewall-kept\"";
    run(&format!("t={}\n{stage}\n{script}", dir.path().display()))
}

#[test]
fn rules_that_were_brought_back_are_not_taken_away_by_who_comes_late() {
    let whole = "nft -f -\nadd table inet fleet\ndelete table inet fleet\nold\n";
    assert_eq!(restored("firewall_restore"), whole);
    // The timer waits for the undo, which takes everything away that it would bring back.
    let late = "exec 6<\"$t/firewall-kept\"; flock 6; firewall_restore 2>/dev/null & sleep 0.2; rm -r -- \"$t\"; flock -u 6; wait $! || :";
    assert_eq!(restored(late), "");
    // What cannot be read makes no ruleset that nftables takes.
    let unread = restored("rm -- \"$t/rules-before\"; mkdir -- \"$t/rules-before\"; firewall_restore 2>/dev/null");
    assert!(unread.ends_with("\nunread\n"), "{unread}");
}

#[test]
fn without_nftables_the_package_is_named() {
    let said = run("step() { :; }\nPATH=/nowhere\nfirewall_load rules unit drop-in undo || echo failed");
    assert_eq!(said, "why there is no nft: the package nftables is not installed\nfailed\n");
}
