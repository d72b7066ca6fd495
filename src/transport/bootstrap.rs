//! The shell loop that a server's login shell starts: it takes scripts whole, runs them and marks where their output ends.
//!
//! The login shell can be anything (sh, bash, zsh, fish, csh), so the command has no newline, no backslash, no `!`
//! and no quote inside its one quoted word. From there on everything is POSIX `sh`:
//!
//! 1. It prints `NONCE ready` on both outputs; what came before (banners, noise of rc files) is skipped.
//! 2. It reads a header of [`HEADER`] bytes with the length of the script and the key, then exactly so many bytes.
//! 3. Only when the last bytes are `#KEY`, the script has arrived whole, and runs in this very shell, with
//!    `/dev/null` as input: open files (a held lock) and variables survive to the next script.
//!    When they are `#KEY<`, bytes come after the script, which it reads from descriptor 5: exactly as many as were
//!    announced to it, for what stands there next has to be the key again. Otherwise the loop ends, so that nothing of
//!    the bytes is ever taken for a script.
//! 4. It prints `KEY end STATUS` on stdout and `KEY end` on stderr, and goes back to 2.
//! 5. When it waits for no further script, it prints `NONCE over`: an `exit` of a script looks different.
//!
//! The nonce is in the command, which every user of the server can read in its list of processes; the key comes on
//! standard input alone, so that nobody there can write the end of a script into what it prints (a log, a file).
//!
//! Both reads stand under `timeout`, the second one for longer where the script is long, so that a client that died cannot keep a lock: `read -t` is not in POSIX.
//! `head -c` reads no byte more than it was asked for (coreutils; verified in the tests). SIGPIPE is ignored, so that
//! a transaction whose client went away ends as it should instead of dying at its next line of output.

use std::time::Duration;

use super::error::TransportError;

/// Length of a key.
const KEY: usize = 16;

/// The slowest way on which a script is still waited for, in bytes a second.
const SLOWEST: u64 = 4096;

/// As many bytes of a script are on their way for no time that is worth counting.
const USUAL: usize = 64 * 1024;

/// How long a script of so many bytes may be on its way, besides the time that is given to any.
pub(super) fn arrival(length: usize) -> Duration {
    Duration::from_secs(length.saturating_sub(USUAL) as u64 / SLOWEST)
}

/// Length of a header: a number in ten places, a blank, the key and a newline. It is filled up with blanks: zeros
/// before it would make it an octal one.
pub(super) const HEADER: usize = 10 + 1 + KEY + 1;

/// The exit status of the loop when a script arrived cut off; nobody is there to see it but the server's own log.
const TRUNCATED: &str = "97";

/// The words that begin and end the output of a script.
#[derive(Clone, Debug)]
pub(super) struct Marks {
    nonce: String,
    key: String,
}

impl Marks {
    /// Marks that begin with `nonce` and `key`, which nobody could have foreseen. A key has [`KEY`] bytes.
    pub(super) fn new(nonce: String, key: String) -> Self {
        debug_assert_eq!(key.len(), KEY, "the header has room for");
        Self { nonce, key }
    }

    /// What a line of stdout ends with when the loop has started.
    pub(super) fn ready(&self) -> String {
        format!("{} ready", self.nonce)
    }

    /// What a line has when the output of a script ends there; on stdout the status follows.
    pub(super) fn end(&self) -> String {
        format!("{} end", self.key)
    }

    /// The line that the loop prints when it ends by itself: the client went away, or was silent for too long.
    pub(super) fn over(&self) -> String {
        format!("{} over", self.nonce)
    }

    /// The command for `/bin/sh -c`: the loop, which waits at most `hold` for the next script, unless a script sets
    /// `fleet_hold` to another number of seconds. It is without what an environment may have for tools to take options
    /// after operands for operands (`systemctl list-units --plain`), which is the mode of bash as well.
    fn body(&self, hold: Duration, client: &str) -> String {
        let nonce = &self.nonce;
        let hold = hold.as_secs().max(1);
        let header = HEADER;
        format!(
            "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin;LC_ALL=C;export PATH LC_ALL;\
             unset -v POSIXLY_CORRECT;case $BASH_VERSION in ?*)set -o posix;esac;\
             umask 022;cd /;trap \"\" PIPE;\
             echo \" {client} {nonce} ready\";set --;echo \"{nonce} ready\" >&2;\
             fleet_hold={hold};\
             while fleet_n=$(timeout $fleet_hold head -c {header})&&[ \"$fleet_n\" ];do \
             fleet_k=${{fleet_n##* }};\
             fleet_s=$(timeout $((fleet_hold+${{fleet_n%% *}}/{SLOWEST})) head -c \"${{fleet_n%% *}}\");\
             case $fleet_s in *\"#$fleet_k\")eval \"$fleet_s\" </dev/null;;\
             *\"#$fleet_k<\")eval \"$fleet_s\" 5<&0 </dev/null;;\
             *)echo \"{nonce} over\";exit {TRUNCATED};;esac;\
             fleet_n=$?;set +eu;fleet_s=;\
             echo \"$fleet_k end $fleet_n\";echo \"$fleet_k end\" >&2;\
             done;echo \"{nonce} over\";exit 0"
        )
    }

    /// The command line for the login shell of a server; with `sudo` when the scripts are to run as root.
    pub(super) fn login_command(&self, hold: Duration, sudo: bool) -> String {
        if sudo {
            // sudo drops SSH_CONNECTION; `env` makes it speak English, so that its refusals can be told apart. The shell's
            // name is what it is without sudo: it stands before each of its messages.
            let body = self.body(hold, "$1");
            format!(
                "exec env LC_ALL=C sudo -n -H -- /bin/sh -c '{body}' /bin/sh \"$SSH_CONNECTION\""
            )
        } else {
            format!("exec /bin/sh -c '{}'", self.body(hold, "$SSH_CONNECTION"))
        }
    }

    /// Program and arguments that start the loop on this machine.
    pub(super) fn local_command(&self, hold: Duration, sudo: bool) -> Vec<String> {
        let mut words: Vec<String> = Vec::new();
        if sudo {
            words.extend(["sudo", "-n", "-H", "--"].map(str::to_owned));
        }
        words.extend(["/bin/sh", "-c"].map(str::to_owned));
        words.push(self.body(hold, ""));
        words
    }

    /// What is sent for one script: header, script, and the mark that it is whole.
    pub(super) fn frame(&self, script: &str) -> Vec<u8> {
        self.framed(script, &format!("\n#{}", self.key))
    }

    /// The same for a script that bytes come after, and what has to come after them.
    pub(super) fn frame_with_bytes(&self, script: &str) -> (Vec<u8>, Vec<u8>) {
        // Were the bytes read, then the key comes now.
        let tail = format!(
            "\nfleet_n=$?;[ \"$(timeout $fleet_hold head -c {KEY} <&5)\" = \"$fleet_k\" ]||\
             {{ echo;echo \"{} over\";exit {TRUNCATED};}};(exit $fleet_n)\n#{}<",
            self.nonce, self.key
        );
        (self.framed(script, &tail), self.key.clone().into_bytes())
    }

    fn framed(&self, script: &str, tail: &str) -> Vec<u8> {
        let length = script.len() + tail.len();
        let mut frame = Vec::with_capacity(HEADER + length);
        frame.extend_from_slice(format!("{length:<10} {}\n", self.key).as_bytes());
        frame.extend_from_slice(script.as_bytes());
        frame.extend_from_slice(tail.as_bytes());
        frame
    }
}

/// What it means that the loop never said that it is ready: sudo is in the way, or the login shell.
pub(super) fn not_ready(user: &str, said: String, status: Option<i32>) -> TransportError {
    let user = if user.is_empty() { "this user" } else { user }.to_owned();
    let about_sudo = said
        .lines()
        .any(|line| line.contains("sudo") || line.contains("sudoers"));
    if said.contains("sudo: a password is required")
        || said.contains("sudo: a terminal is required to read the password")
    {
        TransportError::SudoPassword { user }
    } else if about_sudo {
        TransportError::NoSudo { user, said }
    } else {
        TransportError::Shell { status, said }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::process::{ChildStdin, Command, Stdio};

    use super::*;

    #[test]
    fn every_shell_can_read_the_command() {
        let marks = Marks::new("0123456789abcdef".to_owned(), "fedcba9876543210".to_owned());
        for command in [
            marks.login_command(Duration::from_secs(600), false),
            marks.login_command(Duration::from_secs(600), true),
        ] {
            assert_eq!(command.matches('\'').count(), 2, "{command}");
            assert!(!command.contains(['\\', '!', '\n', '`']), "{command}");
            assert!(command.len() < 1000, "csh has short words: {command}");
            assert!(!command.contains("fedcba"), "{command}");
        }
    }

    /// What the loop prints, on this machine, that waits as long for a script and is given one by `feed`.
    fn said(
        wait: Duration,
        variables: &[(&str, &str)],
        feed: impl FnOnce(&Marks, ChildStdin),
    ) -> String {
        let marks = Marks::new("0123456789abcdef".to_owned(), "fedcba9876543210".to_owned());
        let words = marks.local_command(wait, false);
        let mut child = Command::new(&words[0])
            .args(&words[1..])
            .envs(variables.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("a shell");
        feed(&marks, child.stdin.take().expect("its input"));
        let output = child.wait_with_output().expect("its end");
        String::from_utf8(output.stdout).expect("text")
    }

    #[test]
    fn a_long_script_may_take_longer_to_arrive_than_the_next_one_is_waited_for() {
        let said = said(Duration::from_secs(1), &[], |marks, mut stdin| {
            // A shell of 38,000 bytes may take nine seconds more than the one that any has.
            let frame = marks.frame(&format!("echo here # {}\n", "x".repeat(38_000)));
            let (first, second) = frame.split_at(20_000);
            stdin.write_all(first).expect("it reads");
            std::thread::sleep(Duration::from_secs(2));
            drop(stdin.write_all(second));
        });
        assert!(
            said.contains("ready\nhere\nfedcba9876543210 end 0\n"),
            "{said}"
        );
    }

    #[test]
    fn what_an_environment_says_of_operands_does_not_count() {
        let variables = [("POSIXLY_CORRECT", "1")];
        let said = said(Duration::from_secs(10), &variables, |marks, mut stdin| {
            stdin
                .write_all(&marks.frame("date +fine -u\n"))
                .expect("it reads");
        });
        assert!(
            said.contains("ready\nfine\nfedcba9876543210 end 0\n"),
            "{said}"
        );
    }

    #[test]
    fn a_frame_counts_bytes() {
        let key = "fedcba9876543210";
        let frame = Marks::new(String::new(), key.to_owned()).frame("echo ü\n");
        let expected = format!("26         {key}\necho ü\n\n#{key}");
        assert_eq!(frame, expected.as_bytes());
        assert_eq!(frame.len(), HEADER + 26);
    }
}
