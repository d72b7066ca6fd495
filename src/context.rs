//! What a command knows of the world outside: the only reader of environment, clock, randomness and terminal size.

use std::cell::{OnceCell, RefCell, RefMut};
use std::ffi::OsString;
use std::future::Future;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use jiff::Timestamp;
use ring::rand::{SecureRandom, SystemRandom};
use tokio::runtime::Runtime;

use crate::diagnostic::{Class, Diagnostic};
use crate::inventory::Inventory;
use crate::shell::Secret;
use crate::state::{Keys, State, refuse_lost};
use crate::transport::LoginKeys;
use crate::ui::Ui;

mod edge;
mod environment;
mod globals;
mod keys;
mod masking;
mod places;
mod record;
mod servers;

pub use edge::{Edge, Told};
pub use environment::Environment;
pub use globals::{Globals, Output};
pub use record::Record;

/// The most a file named in an argument may hold, in bytes.
const LARGEST_FILE: u64 = 16 << 20;

/// What every command gets.
#[derive(Debug)]
pub struct Context {
    /// The flags of every command.
    pub globals: Globals,
    /// The only way to the terminal.
    pub ui: Arc<Ui>,
    environment: Environment,
    arguments: RefCell<Vec<String>>,
    inventory: OnceCell<Option<Inventory>>,
    state: OnceCell<RefCell<State>>,
    keys: OnceCell<Keys>,
    login_keys: OnceCell<Arc<LoginKeys>>,
    runtime: OnceCell<Runtime>,
}

impl Drop for Context {
    fn drop(&mut self) {
        // A server that hangs must not keep the process from ending.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Context {
    /// The context of a run with these flags; `arguments` is the whole command line.
    pub fn new(globals: Globals, environment: Environment, arguments: &[OsString]) -> Self {
        let ui = Arc::new(Ui::new(environment.ui_settings(&globals)));
        let arguments = arguments.iter().skip(1);
        Self {
            globals,
            ui,
            environment,
            arguments: RefCell::new(
                arguments
                    .map(|a| a.to_string_lossy().into_owned())
                    .collect(),
            ),
            inventory: OnceCell::new(),
            state: OnceCell::new(),
            keys: OnceCell::new(),
            login_keys: OnceCell::new(),
            runtime: OnceCell::new(),
        }
    }

    /// The inventory, read at the first call. An error when there is none.
    pub fn inventory(&self) -> anyhow::Result<&Inventory> {
        self.inventory_if_any()?.ok_or_else(|| {
            Diagnostic::usage("there is no inventory: neither `./inventory.toml` nor one in the configuration directory")
                .hint("`fleet init` writes one; `--inventory FILE` and `FLEET_INVENTORY` name one elsewhere")
                .into()
        })
    }

    /// The inventory, read at the first call; `None` when there is none in the usual places and none is named.
    pub fn inventory_if_any(&self) -> anyhow::Result<Option<&Inventory>> {
        if self.inventory.get().is_none() {
            let home = self.home();
            let read = match self.inventory_path() {
                Some(path) => Some(Inventory::load(&path, home.as_deref())?),
                None => None,
            };
            let _ = self.inventory.set(read);
        }
        Ok(self.inventory.get().and_then(Option::as_ref))
    }

    /// The state database, opened (and made, when it is missing) at the first call.
    pub fn state(&self) -> anyhow::Result<RefMut<'_, State>> {
        if self.state.get().is_none() {
            let state = State::open(&self.state_path()?, self.now())?;
            let _ = self.state.set(RefCell::new(state));
        }
        let state = self.state.get().context("the state database is open")?;
        state
            .try_borrow_mut()
            .context("the state database is in use by this run")
    }

    /// The state database for a command that only reads: never made; `None` when there is none yet.
    pub fn state_to_read(&self) -> anyhow::Result<Option<State>> {
        let path = self.state_path()?;
        refuse_lost(&path)?;
        if !is_there(&path) {
            return Ok(None);
        }
        // An older schema has to be brought up to date first, which takes the right to write.
        let state = State::open_read_only(&path).or_else(|_| State::open(&path, self.now()))?;
        Ok(Some(state))
    }

    /// The same surroundings with other flags: those of a command line that is still being typed.
    #[must_use]
    pub fn as_if(&self, globals: Globals) -> Self {
        Self::new(globals, self.environment.clone(), &[])
    }

    /// The inventory for completion: `None` unless it is an ordinary file that can be read, and valid.
    pub fn inventory_to_complete(&self) -> Option<&Inventory> {
        let path = self.inventory_path()?;
        // A pipe would wait for somebody to write.
        let is_file = path.metadata().is_ok_and(|found| found.is_file());
        if is_file {
            self.inventory_if_any().ok()?
        } else {
            None
        }
    }

    /// The state database for completion: `None` when there is none, and when it cannot be read at once.
    pub fn state_to_complete(&self) -> Option<State> {
        if self.globals.state.is_none() && self.environment.path("FLEET_STATE").is_none() {
            // Where it is stands in the inventory.
            let named = self.inventory_path();
            let is_file = |path: &PathBuf| path.metadata().is_ok_and(|found| found.is_file());
            if !named.as_ref().is_none_or(is_file) {
                return None;
            }
        }
        State::open_at_once(&self.state_path().ok()?).ok()
    }

    /// Backs the state database up, if this run has written to it and the last backup is an hour old. What was done is
    /// done: that there is no backup is only told.
    pub fn back_up_state(&self) {
        let state = self.state.get().and_then(|state| state.try_borrow().ok());
        if let Some(state) = state
            && let Err(problem) = state.back_up_if_due(self.now())
        {
            self.ui.warn(&problem.message);
            for hint in &problem.hints {
                self.ui.hint(hint);
            }
        }
    }

    /// What a spec may use while it is made from arguments.
    pub fn edge(&self) -> Edge<'_> {
        Edge::new(self)
    }

    /// The command line after the program's name, and what was asked for because it was missing there, for the
    /// record. No secret can be in it: fleet takes none there.
    pub fn arguments(&self) -> Vec<String> {
        self.arguments.borrow().clone()
    }

    /// Adds an argument that was asked for to [`Self::arguments`].
    pub fn add_argument(&self, answer: &str) {
        self.arguments.borrow_mut().push(answer.to_owned());
    }

    /// The time. `FLEET_TEST_NOW` (RFC 3339) stops the clock there, so that tests can tell what will be printed.
    pub fn now(&self) -> Timestamp {
        let stopped = self.environment.text("FLEET_TEST_NOW");
        stopped
            .and_then(|at| at.parse().ok())
            .unwrap_or_else(Timestamp::now)
    }

    /// What the clock of this machine says, wherever tests have stopped [`Self::now`]: to compare it with others.
    pub fn clock(&self) -> Timestamp {
        Timestamp::now()
    }

    /// Fills `bytes` with random bytes of the operating system.
    pub fn random(&self, bytes: &mut [u8]) -> anyhow::Result<()> {
        SystemRandom::new()
            .fill(bytes)
            .map_err(|_| anyhow::anyhow!("the operating system gives no random bytes"))
    }

    /// Who runs this: `FLEET_OPERATOR`, `[settings] operator` of an inventory that was read, else the
    /// user's name in the environment, in `passwd`(5), else `uid N`.
    pub fn operator(&self) -> String {
        let of_inventory = || {
            let inventory = self.inventory.get()?.as_ref()?;
            inventory.settings.operator.clone()
        };
        let named = self.environment.text("FLEET_OPERATOR");
        named
            .or_else(of_inventory)
            .or_else(|| self.local_user())
            .unwrap_or_else(of_process)
    }

    /// The user's name on this machine, where the environment has it.
    pub fn local_user(&self) -> Option<String> {
        let mut names = ["USER", "LOGNAME"].into_iter();
        names.find_map(|name| self.environment.text(name))
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

    /// Where the program called `name` is, by `PATH`.
    pub fn program(&self, name: &str) -> Option<PathBuf> {
        let directories = self.environment.path("PATH")?.into_os_string();
        let mut directories = std::env::split_paths(&directories).map(|path| path.join(name));
        directories.find(|path| path.is_file())
    }

    /// The user's home directory.
    pub fn home(&self) -> Option<PathBuf> {
        self.environment.path("HOME")
    }

    /// The user's shell.
    pub fn shell(&self) -> Option<PathBuf> {
        self.environment.path("SHELL")
    }

    /// Where the user's ssh-agent listens.
    pub fn agent_socket(&self) -> Option<PathBuf> {
        self.environment.path("SSH_AUTH_SOCK")
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
                places.into_iter().flatten().find(|path| is_there(path))
            })
    }

    /// Where a new inventory is written: as [`Self::inventory_path`], else `./inventory.toml`.
    pub fn new_inventory_path(&self) -> PathBuf {
        let named = self.globals.inventory.clone();
        named
            .or_else(|| self.environment.path("FLEET_INVENTORY"))
            .unwrap_or_else(|| PathBuf::from("inventory.toml"))
    }

    /// Finds the state database: `--state`, `FLEET_STATE`, `[settings] state` of the inventory, then the data
    /// directory. It need not exist.
    pub fn state_path(&self) -> anyhow::Result<PathBuf> {
        let named = self.globals.state.clone();
        if let Some(path) = named.or_else(|| self.environment.path("FLEET_STATE")) {
            return Ok(path);
        }
        let inventory = self.inventory_if_any()?;
        inventory
            .and_then(|inventory| inventory.settings.state.clone())
            .or_else(|| self.data("state.db"))
            .ok_or_else(|| {
                Diagnostic::usage("there is no place for the state database: `HOME` is not set")
                    .hint("name one with `--state FILE`")
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
            return Err(Diagnostic::usage(format!("this needs a yes: {question}"))
                .hint("add `--yes`: there is no terminal to ask at")
                .into());
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
        let missing = Diagnostic::usage(format!("missing `{name}`"));
        Err(missing
            .hint(if self.ui.settings().can_ask {
                "nothing was typed; give it as an argument, or answer the question"
            } else {
                "it is asked for only at a terminal"
            })
            .into())
    }

    /// Asks for a password or passphrase that exists already.
    pub fn ask_password(&self, prompt: &str) -> anyhow::Result<Secret> {
        if !self.ui.settings().can_ask {
            return Err(Diagnostic::usage(format!("nobody can be asked for the {prompt}")).into());
        }
        self.ui
            .ask_password(prompt)?
            .ok_or_else(|| Diagnostic::usage(format!("no {prompt} was typed")).into())
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

    /// Runs the asynchronous part of a command. The threads for it start at the first call and end with the context,
    /// since connections to hosts on the way live on between two calls.
    pub fn block_on<T>(&self, work: impl Future<Output = T>) -> anyhow::Result<T> {
        if self.runtime.get().is_none() {
            let runtime = tokio::runtime::Builder::new_multi_thread()
                .worker_threads(2)
                .enable_all()
                .build()
                .context("cannot start the threads for the network")?;
            let _ = self.runtime.set(runtime);
        }
        let runtime = self.runtime.get();
        let runtime = runtime.context("the threads for the network have started")?;
        Ok(runtime.block_on(work))
    }

    /// Says when the terminal has got another size (SIGWINCH). Call it inside [`Self::block_on`].
    pub fn resizes(&self) -> anyhow::Result<tokio::signal::unix::Signal> {
        use tokio::signal::unix::{SignalKind, signal};
        signal(SignalKind::window_change()).context("cannot follow the size of the terminal")
    }

    /// Columns and rows of the terminal just now.
    pub fn terminal_size(&self) -> (usize, usize) {
        Environment::terminal_size()
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

/// Whether something has this name. What cannot be looked at, and a link that leads nowhere, are there: to open them
/// says what is wrong.
fn is_there(path: &Path) -> bool {
    match path.symlink_metadata() {
        Ok(_) => true,
        Err(error) => error.kind() != std::io::ErrorKind::NotFound,
    }
}

/// Whether others than its owner and group can read a file; what cannot be looked at is not.
fn is_open_to_others(path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    path.metadata()
        .is_ok_and(|found| found.is_file() && found.mode() & 0o004 != 0)
}

/// Who this process runs as, where the environment does not say: cron, a service.
fn of_process() -> String {
    use std::os::unix::fs::MetadataExt;
    let Ok(of_this_process) = std::fs::metadata("/proc/self") else {
        return "unknown".to_owned();
    };
    let uid = of_this_process.uid();
    let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    user_of(uid, &users).map_or_else(|| format!("uid {uid}"), ToOwned::to_owned)
}

/// The name of a user's number in a `passwd`(5).
fn user_of(uid: u32, users: &str) -> Option<&str> {
    users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next().filter(|name| !name.is_empty())?;
        (fields.nth(1)?.parse() == Ok(uid)).then_some(name)
    })
}

#[cfg(test)]
mod tests {
    use super::user_of;

    #[test]
    fn a_user_has_the_name_that_passwd_has() {
        let users =
            "root:x:0:0:root:/root:/bin/sh\n+::::::\nbroken\nann:x:1000:1000::/home/ann:/bin/sh\n";
        assert_eq!(user_of(0, users), Some("root"));
        assert_eq!(user_of(1000, users), Some("ann"));
        assert_eq!(user_of(7, users), None);
    }
}
