//! Questions to a person at a terminal.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, Read, Write};

use anyhow::Context as _;
use rustix::process::{Signal, kill_current_process_group};
use rustix::termios::{
    LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr,
};

use super::style::harmless;
use crate::shell::Secret;

/// Asks on stderr and reads a line from stdin, without the line's end; `None` at the end of the input.
pub(super) fn ask(question: &str) -> io::Result<Option<String>> {
    let mut stderr = io::stderr().lock();
    write!(stderr, "{} ", harmless(question))?;
    stderr.flush()?;
    let mut answer = String::new();
    if io::stdin().lock().read_line(&mut answer)? == 0 {
        writeln!(stderr)?;
        return Ok(None);
    }
    Ok(Some(answer.trim().to_owned()))
}

/// Asks for a password on the controlling terminal, without showing it; `None` at the end of the input.
pub(super) fn password(prompt: &str) -> anyhow::Result<Option<Secret>> {
    match read_hidden(&format!("{}: ", harmless(prompt))) {
        Ok(password) => Ok(Some(Secret::new(password))),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
        Err(error) => Err(error).with_context(|| format!("cannot ask for the {prompt}")),
    }
}

fn read_hidden(prompt: &str) -> io::Result<String> {
    let mut terminal = OpenOptions::new().read(true).write(true).open("/dev/tty")?;
    let input = Hidden::begin(terminal.try_clone()?)?;
    let config = rpassword::ConfigBuilder::new().input_reader(input);
    let config = config.output_writer(terminal.try_clone()?).build();
    let typed = rpassword::prompt_password_with_config(prompt, config);
    writeln!(terminal)?;
    typed
}

/// What Ctrl-C is where the terminal makes no signal of it.
const INTERRUPT: u8 = 3;

/// The terminal while something is typed that it does not show. When this goes, it is as before; and before Ctrl-C ends
/// this process and what has started it, as it does at any other time: nobody could see what they type any more.
struct Hidden {
    terminal: File,
    before: Termios,
}

impl Hidden {
    fn begin(terminal: File) -> io::Result<Self> {
        let before = tcgetattr(&terminal)?;
        let mut modes = before.clone();
        modes.local_modes -=
            LocalModes::ECHO | LocalModes::ECHONL | LocalModes::ICANON | LocalModes::ISIG;
        modes.special_codes[SpecialCodeIndex::VMIN] = 1;
        modes.special_codes[SpecialCodeIndex::VTIME] = 0;
        tcsetattr(&terminal, OptionalActions::Now, &modes)?;
        Ok(Self { terminal, before })
    }

    fn end(&self) -> io::Result<()> {
        Ok(tcsetattr(
            &self.terminal,
            OptionalActions::Now,
            &self.before,
        )?)
    }
}

impl Read for Hidden {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.terminal.read(buffer)?;
        if buffer[..length].contains(&INTERRUPT) {
            self.end()?;
            kill_current_process_group(Signal::INT)?;
            // Where interrupts are counted, there is an end of this question alone.
            return Err(io::Error::other("interrupted"));
        }
        Ok(length)
    }
}

impl Drop for Hidden {
    fn drop(&mut self) {
        // A terminal that is gone needs nothing any more.
        let _ = self.end();
    }
}
