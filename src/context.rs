//! What a command knows of the world outside: the only reader of environment, clock, randomness and terminal size.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::future::Future;
use std::io::{IsTerminal, Read};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use jiff::Timestamp;
use ring::rand::{SecureRandom, SystemRandom};

use crate::cli::Globals;
use crate::diagnostic::{Class, Diagnostic};
use crate::shell::Secret;
use crate::ui::{self, Ui};

/// The most a file named in an argument may hold, in bytes.
const LARGEST_FILE: u64 = 16 << 20;

/// The process's surroundings, read once.
#[derive(Clone, Debug, Default)]
pub struct Environment {
    variables: BTreeMap<OsString, OsString>,
    stdin_is_terminal: bool,
    stdout_is_terminal: bool,
    stderr_is_terminal: bool,
    /// Columns of the terminal that stdout or stderr is.
    terminal_width: Option<usize>,
}

impl Environment {
    /// That of this process.
    pub fn of_this_process() -> Self {
        let size = terminal_size::terminal_size()
            .or_else(|| terminal_size::terminal_size_of(std::io::stderr()));
        Self {
            variables: std::env::vars_os().collect(),
            stdin_is_terminal: std::io::stdin().is_terminal(),
            stdout_is_terminal: std::io::stdout().is_terminal(),
            stderr_is_terminal: std::io::stderr().is_terminal(),
            terminal_width: size.map(|(width, _)| usize::from(width.0)),
        }
    }

    /// A variable that is set and not empty.
    pub fn variable(&self, name: &str) -> Option<&OsStr> {
        let value = self.variables.get(OsStr::new(name))?;
        (!value.is_empty()).then_some(value.as_os_str())
    }

    fn text(&self, name: &str) -> Option<String> {
        Some(self.variable(name)?.to_string_lossy().into_owned())
    }

    fn path(&self, name: &str) -> Option<PathBuf> {
        self.variable(name).map(PathBuf::from)
    }

    /// Columns to fit into: `COLUMNS`, else those of the terminal; `None` when stdout is no terminal.
    pub fn stdout_width(&self) -> Option<usize> {
        self.width(self.stdout_is_terminal)
    }

    fn width(&self, is_terminal: bool) -> Option<usize> {
        let asked = self.text("COLUMNS").and_then(|c| c.parse().ok());
        let asked = asked.filter(|columns| *columns >= 20);
        asked.or(if is_terminal {
            self.terminal_width.or(Some(80))
        } else {
            None
        })
    }

    /// Whether to write colours: not with `--no-color`, `NO_COLOR` (no-color.org) or a dumb terminal; else at a
    /// terminal, or always with `CLICOLOR_FORCE`.
    fn colour(&self, is_terminal: bool, no_color: bool) -> bool {
        if no_color || self.variable("NO_COLOR").is_some() {
            return false;
        }
        match self.text("CLICOLOR_FORCE").as_deref() {
            Some("0") | None => is_terminal && !self.is_dumb(),
            Some(_) => true,
        }
    }

    fn is_dumb(&self) -> bool {
        self.text("TERM").is_some_and(|term| term == "dumb")
    }

    fn ui_settings(&self, globals: &Globals) -> ui::Settings {
        let stream = |is_terminal| ui::Stream {
            is_terminal,
            width: self.width(is_terminal),
            colour: self.colour(is_terminal, globals.no_color),
        };
        ui::Settings {
            json: globals.wants_json(),
            quiet: globals.quiet,
            verbose: globals.verbose,
            can_redraw: self.stderr_is_terminal && !self.is_dumb(),
            can_ask: self.stdin_is_terminal && self.stderr_is_terminal,
            stdout: stream(self.stdout_is_terminal),
            stderr: stream(self.stderr_is_terminal),
        }
    }
}

/// What every command gets.
#[derive(Debug)]
pub struct Context {
    /// The flags of every command.
    pub globals: Globals,
    /// The only way to the terminal.
    pub ui: Ui,
    environment: Environment,
    arguments: Vec<String>,
}

impl Context {
    /// The context of a run with these flags; `arguments` is the whole command line.
    pub fn new(globals: Globals, environment: Environment, arguments: &[OsString]) -> Self {
        let ui = Ui::new(environment.ui_settings(&globals));
        let arguments = arguments.iter().skip(1);
        Self {
            globals,
            ui,
            environment,
            arguments: arguments
                .map(|a| a.to_string_lossy().into_owned())
                .collect(),
        }
    }

    /// The command line after the program's name, for the record. No secret can be in it: fleet takes none there.
    pub fn arguments(&self) -> &[String] {
        &self.arguments
    }

    /// The time. `FLEET_TEST_NOW` (RFC 3339) stops the clock there, so that tests can tell what will be printed.
    pub fn now(&self) -> Timestamp {
        let stopped = self.environment.text("FLEET_TEST_NOW");
        stopped
            .and_then(|at| at.parse().ok())
            .unwrap_or_else(Timestamp::now)
    }

    /// Fills `bytes` with random bytes of the operating system.
    pub fn random(&self, bytes: &mut [u8]) -> anyhow::Result<()> {
        SystemRandom::new()
            .fill(bytes)
            .map_err(|_| anyhow::anyhow!("the operating system gives no random bytes"))
    }

    /// Who runs this: `FLEET_OPERATOR`, else the user's name, else `uid N`.
    pub fn operator(&self) -> String {
        ["FLEET_OPERATOR", "USER", "LOGNAME"]
            .into_iter()
            .find_map(|name| self.environment.text(name))
            .unwrap_or_else(own_uid)
    }

    /// The name of this machine.
    pub fn host(&self) -> String {
        let of_kernel = std::fs::read_to_string("/proc/sys/kernel/hostname");
        let name = of_kernel.or_else(|_| std::fs::read_to_string("/etc/hostname"));
        let name = name.ok().map(|name| name.trim().to_owned());
        name.filter(|name| !name.is_empty())
            .or_else(|| self.environment.text("HOSTNAME"))
            .unwrap_or_else(|| "unknown".to_owned())
    }

    /// The user's home directory.
    pub fn home(&self) -> Option<PathBuf> {
        self.environment.path("HOME")
    }

    /// Where the user's ssh-agent listens.
    pub fn agent_socket(&self) -> Option<PathBuf> {
        self.environment.path("SSH_AUTH_SOCK")
    }

    /// The value of `PATH`.
    pub fn search_path(&self) -> Option<OsString> {
        self.environment.variable("PATH").map(OsStr::to_owned)
    }

    /// Finds the inventory: `--inventory`, `FLEET_INVENTORY`, `./inventory.toml`, then the configuration directory.
    ///
    /// The first two are taken as they are; of the last two the first that exists. `None` when there is none.
    pub fn inventory_path(&self) -> Option<PathBuf> {
        let named = self.globals.inventory.clone();
        named
            .or_else(|| self.environment.path("FLEET_INVENTORY"))
            .or_else(|| {
                let beside = Some(PathBuf::from("inventory.toml"));
                let places = [beside, self.configuration("inventory.toml")];
                places.into_iter().flatten().find(|path| path.exists())
            })
    }

    /// Where a new inventory is written: as [`Self::inventory_path`], else `./inventory.toml`.
    pub fn new_inventory_path(&self) -> PathBuf {
        let named = self.globals.inventory.clone();
        named
            .or_else(|| self.environment.path("FLEET_INVENTORY"))
            .unwrap_or_else(|| PathBuf::from("inventory.toml"))
    }

    /// Finds the state database: `--state`, `FLEET_STATE`, `of_inventory` (its `[settings] state`, relative to
    /// the inventory's directory), then the data directory. It need not exist.
    pub fn state_path(&self, of_inventory: Option<&Path>) -> anyhow::Result<PathBuf> {
        let named = self.globals.state.clone();
        named
            .or_else(|| self.environment.path("FLEET_STATE"))
            .or_else(|| of_inventory.map(Path::to_owned))
            .or_else(|| self.data("state.db"))
            .ok_or_else(|| {
                Diagnostic::usage("there is no place for the state database: `HOME` is not set")
                    .hint("name one with `--state FILE`")
                    .into()
            })
    }

    /// Where the key that seals secrets is kept: `FLEET_KEY_FILE`, then the configuration directory.
    pub fn key_path(&self) -> anyhow::Result<PathBuf> {
        let named = self.environment.path("FLEET_KEY_FILE");
        named.or_else(|| self.configuration("key")).ok_or_else(|| {
            Diagnostic::usage("there is no place for the key that seals secrets: `HOME` is not set")
                .hint("name one with `FLEET_KEY_FILE`")
                .into()
        })
    }

    /// The file with the passphrase of encrypted SSH keys: `FLEET_KEY_PASSPHRASE_FILE`.
    pub fn passphrase_file(&self) -> Option<PathBuf> {
        self.environment.path("FLEET_KEY_PASSPHRASE_FILE")
    }

    /// `name` in fleet's configuration directory (XDG Base Directory Specification).
    fn configuration(&self, name: &str) -> Option<PathBuf> {
        Some(self.xdg("XDG_CONFIG_HOME", ".config")?.join(name))
    }

    /// `name` in fleet's data directory (XDG Base Directory Specification).
    fn data(&self, name: &str) -> Option<PathBuf> {
        Some(self.xdg("XDG_DATA_HOME", ".local/share")?.join(name))
    }

    fn xdg(&self, variable: &str, below_home: &str) -> Option<PathBuf> {
        let base = self.environment.path(variable);
        // The specification has relative paths ignored.
        let base = base.filter(|path| path.is_absolute());
        let base = base.or_else(|| Some(self.home()?.join(below_home)))?;
        Some(base.join("fleet"))
    }

    /// Asks whether to go on. `--yes` answers; without a terminal it is needed.
    ///
    /// `question` is a whole sentence: "remove site `example.com` from `sg-1`?". A "no" is an error, so that
    /// the command ends there.
    pub fn confirm(&self, question: &str) -> anyhow::Result<()> {
        if self.globals.yes {
            return Ok(());
        }
        if !self.ui.settings().can_ask {
            return Err(
                Diagnostic::usage(format!("nobody can be asked: {question}"))
                    .hint("`--yes` answers with yes where there is no terminal")
                    .into(),
            );
        }
        let answer = self.ui.ask(&format!("{question} [y/N]"))?;
        match answer.unwrap_or_default().to_lowercase().as_str() {
            "y" | "yes" => Ok(()),
            _ => Err(Diagnostic::failed("not confirmed, nothing was changed").into()),
        }
    }

    /// Asks for the argument `name` (`DOMAIN`) that was left out; without a terminal that is a usage error.
    pub fn ask(&self, name: &str, question: &str) -> anyhow::Result<String> {
        if self.ui.settings().can_ask {
            let answer = self.ui.ask(question)?.unwrap_or_default();
            if !answer.is_empty() {
                return Ok(answer);
            }
        }
        Err(Diagnostic::usage(format!("missing `{name}`")).into())
    }

    /// Asks for a password or passphrase that exists already.
    pub fn ask_password(&self, prompt: &str) -> anyhow::Result<Secret> {
        if !self.ui.settings().can_ask {
            return Err(Diagnostic::usage(format!("nobody can be asked for the {prompt}")).into());
        }
        self.ui
            .ask_password(prompt)
            .with_context(|| format!("cannot ask for the {prompt}"))
    }

    /// Asks for a new password, twice.
    pub fn ask_new_password(&self, prompt: &str) -> anyhow::Result<Secret> {
        let first = self.ask_password(prompt)?;
        let second = self.ask_password(&format!("{prompt} (again)"))?;
        if first != second {
            return Err(Diagnostic::usage("the two passwords differ").into());
        }
        Ok(first)
    }

    /// The text of a file named in an argument; `-` is standard input.
    pub fn read_file(&self, path: &Path) -> anyhow::Result<String> {
        let mut bytes = Vec::new();
        let read = if path == Path::new("-") {
            std::io::stdin()
                .lock()
                .take(LARGEST_FILE + 1)
                .read_to_end(&mut bytes)
        } else {
            std::fs::File::open(path)
                .and_then(|file| file.take(LARGEST_FILE + 1).read_to_end(&mut bytes))
        };
        let name = path.display();
        read.map_err(|error| Diagnostic::usage(format!("cannot read `{name}`: {error}")))?;
        if bytes.len() as u64 > LARGEST_FILE {
            return Err(Diagnostic::usage(format!("`{name}` is larger than 16 MiB")).into());
        }
        String::from_utf8(bytes)
            .map_err(|_| Diagnostic::usage(format!("`{name}` is not UTF-8 text")).into())
    }

    /// Runs the asynchronous part of a command; the threads for it start here and end with it.
    pub fn block_on<T>(&self, work: impl Future<Output = T>) -> anyhow::Result<T> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .context("cannot start the threads for the network")?;
        let result = runtime.block_on(work);
        // A server that hangs must not keep the process from ending.
        runtime.shutdown_background();
        Ok(result)
    }

    /// Counts the interrupts (Ctrl-C, SIGTERM) from now on, instead of dying from them: at the first, begin no
    /// new work; at the second, stop waiting. Call it inside [`Self::block_on`].
    pub fn interrupts(&self) -> anyhow::Result<tokio::sync::watch::Receiver<u32>> {
        use tokio::signal::unix::{SignalKind, signal};
        let mut interrupt = signal(SignalKind::interrupt()).context("cannot catch Ctrl-C")?;
        let mut terminate = signal(SignalKind::terminate()).context("cannot catch SIGTERM")?;
        let (sender, receiver) = tokio::sync::watch::channel(0);
        tokio::spawn(async move {
            loop {
                tokio::select! {
                    _ = interrupt.recv() => {}
                    _ = terminate.recv() => {}
                    () = sender.closed() => break,
                }
                sender.send_modify(|count| *count += 1);
            }
        });
        Ok(receiver)
    }
}

/// An error for work that an interrupt ended.
pub fn interrupted() -> Diagnostic {
    Diagnostic::new(Class::Failed, "interrupted")
}

fn own_uid() -> String {
    use std::os::unix::fs::MetadataExt;
    match std::fs::metadata("/proc/self") {
        Ok(of_this_process) => format!("uid {}", of_this_process.uid()),
        Err(_) => "unknown".to_owned(),
    }
}
