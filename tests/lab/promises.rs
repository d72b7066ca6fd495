//! The lab keeps its own promises: all that it started is gone after `down`, also when it or who uses it was killed.

use std::process::{Command, Stdio};

use crate::support::Lab;

#[test]
fn a_lab_leaves_nothing_behind_whoever_is_killed() {
    if Lab::available().is_err() {
        // The other tests say so.
        return;
    }
    // Not the one of the others: a second lab in namespaces of its own.
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/lab/promises");
    let output = Command::new("timeout")
        .args(["--kill-after=5", "300", script])
        .stdin(Stdio::null())
        .output()
        .expect("timeout(1)");
    assert!(
        output.status.success(),
        "{}: {}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
}
