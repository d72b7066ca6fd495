//! A hermetic place to run the real binary in: own directory, cleared environment, fixed width and clock.

use std::ffi::OsStr;
use std::fmt;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Where the clock stands in tests.
pub(crate) const NOW: &str = "2026-01-02T03:04:05Z";

/// A temporary home with nothing of this machine's settings in it.
pub(crate) struct Environment {
    directory: tempfile::TempDir,
    variables: Vec<(String, String)>,
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Outcome {
    /// The exit code; -1 when a signal ended it.
    pub(crate) code: i32,
    /// What it printed as data.
    pub(crate) stdout: String,
    /// What it said besides.
    pub(crate) stderr: String,
}

impl Environment {
    /// An empty home.
    pub(crate) fn new() -> Self {
        let directory = tempfile::Builder::new()
            .prefix("fleet-")
            .tempdir()
            .expect("a temporary directory");
        std::fs::create_dir(directory.path().join("home")).expect("a home directory");
        Self {
            directory,
            variables: Vec::new(),
        }
    }

    /// The directory that runs start in.
    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

    /// Sets a variable for every run that follows.
    #[must_use]
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Writes a file below [`Self::path`], with its directories.
    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path().join(name);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("its directories");
        std::fs::write(&path, text).expect("a writable file");
        path
    }

    /// Reads a file below [`Self::path`].
    pub(crate) fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path().join(name)).expect("a readable file")
    }

    /// The binary with `arguments`, ready to be started.
    pub(crate) fn command<A: AsRef<OsStr>>(
        &self,
        arguments: impl IntoIterator<Item = A>,
    ) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_fleet"));
        let home = self.path().join("home");
        command
            .args(arguments)
            .current_dir(self.path())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", &home)
            .env("XDG_CONFIG_HOME", home.join(".config"))
            .env("XDG_DATA_HOME", home.join(".local/share"))
            .env("LC_ALL", "C.UTF-8")
            .env("TZ", "UTC")
            .env("TERM", "xterm-256color")
            .env("FLEET_OPERATOR", "tester")
            .env("FLEET_TEST_NOW", NOW)
            .envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Runs the binary without a terminal and with an empty stdin.
    pub(crate) fn fleet<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Outcome {
        self.fleet_with_input(arguments, "")
    }

    /// Runs the binary without a terminal; `input` is its stdin.
    pub(crate) fn fleet_with_input<A: AsRef<OsStr>>(
        &self,
        arguments: impl IntoIterator<Item = A>,
        input: &str,
    ) -> Outcome {
        self.finish(self.command(arguments), input)
    }

    /// Runs the binary at a terminal of `columns`; stdout and stderr are one there. Nobody answers its questions.
    ///
    /// The terminal is that of script(1), which Debian always has.
    pub(crate) fn fleet_at_terminal(&self, arguments: &[&str], columns: u16) -> Outcome {
        self.fleet_answered(arguments, columns, "")
    }

    /// Like [`Self::fleet_at_terminal`], with what is typed.
    pub(crate) fn fleet_answered(&self, arguments: &[&str], columns: u16, typed: &str) -> Outcome {
        let words = std::iter::once(env!("CARGO_BIN_EXE_fleet"));
        let words: Vec<String> = words
            .chain(arguments.iter().copied())
            .map(fleet::shell::quote)
            .collect();
        let line = format!("stty cols {columns} rows 50; exec {}", words.join(" "));
        let template = self.command([""; 0]);
        let mut command = Command::new("script");
        command
            .args(["--quiet", "--return", "--command", &line, "/dev/null"])
            .current_dir(self.path())
            .env_clear()
            .env("SHELL", "/bin/sh");
        for (name, value) in template.get_envs() {
            command.env(name, value.unwrap_or_default());
        }
        self.finish(command, typed)
    }

    fn finish(&self, mut command: Command, input: &str) -> Outcome {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("a program that starts");
        if let Some(mut stdin) = child.stdin.take() {
            // A program that does not read its input may be gone already.
            let _ = stdin.write_all(input.as_bytes());
        }
        let output = child.wait_with_output().expect("a program that ends");
        Outcome {
            code: output.status.code().unwrap_or(-1),
            stdout: self.normalise(&String::from_utf8_lossy(&output.stdout)),
            stderr: self.normalise(&String::from_utf8_lossy(&output.stderr)),
        }
    }

    /// What differs from run to run, replaced: the directory, durations, and the version.
    pub(crate) fn normalise(&self, text: &str) -> String {
        let directory = self.path().to_string_lossy().into_owned();
        let text = text.replace(&directory, "[DIR]");
        let text = text.replace(
            concat!("fleet ", env!("CARGO_PKG_VERSION")),
            "fleet [VERSION]",
        );
        without_durations(&text)
    }
}

impl Outcome {
    /// The outcome, if the exit code is `code`.
    #[track_caller]
    pub(crate) fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{self}");
        self
    }

    /// The JSON value on stdout, and nothing else there.
    #[track_caller]
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("not one JSON value ({error}): {self}"))
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "exit code {}\n--- stdout\n{}--- stderr\n{}",
            self.code, self.stdout, self.stderr
        )
    }
}

/// `0.4s`, `85ms` and `3m20s` become `[TIME]`, where they stand alone as words.
fn without_durations(text: &str) -> String {
    let is_duration = |word: &str| {
        let number = word.strip_suffix("ms").or_else(|| word.strip_suffix('s'));
        number.is_some_and(|number| {
            number.starts_with(|c: char| c.is_ascii_digit())
                && number.ends_with(|c: char| c.is_ascii_digit())
                && number
                    .chars()
                    .all(|c| c.is_ascii_digit() || ".m".contains(c))
        })
    };
    text.split_inclusive([' ', '\n', ',', ')', '('])
        .map(|piece| {
            let word = piece.trim_end_matches([' ', '\n', ',', ')', '(']);
            if is_duration(word) {
                format!("[TIME]{}", &piece[word.len()..])
            } else {
                piece.to_owned()
            }
        })
        .collect()
}

#[test]
fn output_repeats_after_normalising() {
    let environment = Environment::new();
    let text = format!(
        "{}/x took 0.4s, 85ms (3m20s) fleet {} ports 3 sites\n",
        environment.path().display(),
        env!("CARGO_PKG_VERSION"),
    );
    assert_eq!(
        environment.normalise(&text),
        "[DIR]/x took [TIME], [TIME] ([TIME]) fleet [VERSION] ports 3 sites\n"
    );
}
