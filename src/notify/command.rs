//! Programs of this machine that take a message: started without a shell, with the message on standard input.

use std::ffi::OsStr;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::Command;

use super::message::cropped;

/// For the whole run of a program.
const LIMIT: Duration = Duration::from_secs(20);

/// The variable `PATH` of a program: the environment of fleet is not handed on, since secrets may be in it.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// What is read of what a program says on standard error, in bytes.
const LARGEST_COMPLAINT: u64 = 4096;

/// Runs `program` with `input`; it has taken it when it ends with status 0.
///
/// # Errors
/// Why it has not.
pub(super) async fn run<A: AsRef<OsStr>>(
    program: &Path,
    arguments: impl IntoIterator<Item = A>,
    input: &[u8],
    home: Option<&Path>,
) -> Result<(), String> {
    let shown = program.display();
    let mut command = Command::new(program);
    command
        .args(arguments)
        .env_clear()
        .env("PATH", PATH)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    if let Some(home) = home {
        command.env("HOME", home);
    }
    let mut child = command
        .spawn()
        .map_err(|error| format!("`{shown}` cannot be run: {error}"))?;
    let (stdin, stderr) = (child.stdin.take(), child.stderr.take());
    let input = input.to_owned();
    // Both beside the program, and neither is waited for when it has ended: what it started may keep the pipes open.
    let feeding = tokio::spawn(async move {
        if let Some(mut stdin) = stdin {
            // One that does not read it all may still do what it should: its status counts.
            let _ = stdin.write_all(&input).await;
        }
    });
    let mut listening = tokio::spawn(async move {
        let mut complaint = Vec::new();
        if let Some(stderr) = stderr {
            let mut first = stderr.take(LARGEST_COMPLAINT);
            let _ = first.read_to_end(&mut complaint).await;
            // The rest is read as well, or a talkative program waits for ever.
            let _ = tokio::io::copy(&mut first.into_inner(), &mut tokio::io::sink()).await;
        }
        complaint
    });
    let ended = tokio::time::timeout(LIMIT, child.wait()).await;
    feeding.abort();
    let complaint = tokio::time::timeout(Duration::from_millis(500), &mut listening).await;
    listening.abort();
    let Ok(status) = ended else {
        return Err(format!(
            "`{shown}` has not ended within {} s",
            LIMIT.as_secs()
        ));
    };
    let status = status.map_err(|error| format!("`{shown}` cannot be waited for: {error}"))?;
    if status.success() {
        return Ok(());
    }
    let complaint = complaint.ok().and_then(Result::ok).unwrap_or_default();
    let said = String::from_utf8_lossy(&complaint);
    let said: String = said.split_whitespace().collect::<Vec<_>>().join(" ");
    let said: String = said.chars().filter(|c| !c.is_control()).collect();
    if said.is_empty() {
        Err(format!("`{shown}`: {status}"))
    } else {
        Err(format!("`{shown}`: {status}: {}", cropped(&said, 200)))
    }
}
