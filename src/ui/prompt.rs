//! Questions to a person at a terminal.

use std::io::{self, BufRead, Write};

use anyhow::Context as _;

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
    match rpassword::prompt_password(format!("{}: ", harmless(prompt))) {
        Ok(password) => Ok(Some(Secret::new(password))),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
            writeln!(io::stderr())?;
            Ok(None)
        }
        Err(error) => Err(error).with_context(|| format!("cannot ask for the {prompt}")),
    }
}
