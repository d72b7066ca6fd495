//! Words of a shell script: fixed text, quoted arguments and secrets, so that no value can become a command.

use std::fmt;

use zeroize::Zeroizing;

/// A text that must not be printed, logged or stored in clear.
///
/// `Debug` and `Display` mask it; only the transport reveals it, into the stream of an encrypted connection.
/// Its memory is cleared when it goes.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Wraps a secret text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    /// The text itself. Only `transport`, `state` (to seal it) and the pure compilers of secret files call this.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl Secret {
    /// Whether it is the empty text, which nobody can mean.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many characters it has.
    pub fn length(&self) -> usize {
        self.0.chars().count()
    }

    /// Its first line; `None` when that is empty.
    pub fn first_line(&self) -> Option<Self> {
        let line = self.0.lines().next()?;
        (!line.is_empty()).then(|| Self::new(line))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("********")
    }
}

/// Words per command line: an argument list holds 2 MiB (`execve(2)`), a path 4 KiB at the most, ours about 60 bytes.
pub const BATCH: usize = 1000;

/// A POSIX `sh` script under construction.
///
/// Fixed text can only be a `&'static str` of fleet's own source; every other value is quoted on its way in.
/// The text may hold secrets (it travels on standard input, never in an argument list), so `Debug` masks it.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Script {
    text: String,
}

impl Script {
    /// An empty script.
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends fixed text as it is.
    pub fn raw(&mut self, text: &'static str) -> &mut Self {
        self.text.push_str(text);
        self
    }

    /// Appends one quoted word.
    pub fn arg(&mut self, value: &str) -> &mut Self {
        quote_into(&mut self.text, value);
        self
    }

    /// Appends a decimal number.
    pub fn number(&mut self, value: u64) -> &mut Self {
        self.text.push_str(&value.to_string());
        self
    }

    /// Appends a line: each `{}` of the fixed `template` becomes the next argument, quoted.
    ///
    /// # Panics
    /// When the number of `{}` and of arguments differ: that is a mistake in fleet's source.
    pub fn line(&mut self, template: &'static str, args: &[&str]) -> &mut Self {
        let mut rest = template;
        let mut args_left = args.iter();
        while let Some(at) = rest.find("{}") {
            self.text.push_str(&rest[..at]);
            let value = args_left.next().expect("an argument for every {}");
            quote_into(&mut self.text, value);
            rest = &rest[at + 2..];
        }
        assert!(args_left.next().is_none(), "a {{}} for every argument");
        self.text.push_str(rest);
        self.text.push('\n');
        self
    }

    /// Appends ` word` for each value, quoted.
    pub fn words<'a>(&mut self, values: impl IntoIterator<Item = &'a str>) -> &mut Self {
        for value in values {
            self.text.push(' ');
            quote_into(&mut self.text, value);
        }
        self
    }

    /// Appends `command` with [`BATCH`] of the values after it, as quoted words, as often as it takes.
    pub fn each<'a>(
        &mut self,
        command: &'static str,
        values: impl IntoIterator<Item = &'a str>,
    ) -> &mut Self {
        let before = self.text.len();
        for (index, value) in values.into_iter().enumerate() {
            if index % BATCH == 0 {
                self.raw(if index == 0 { "" } else { "\n" }).raw(command);
            }
            self.raw(" ").arg(value);
        }
        if self.text.len() > before {
            self.raw("\n");
        }
        self
    }

    /// Appends another script.
    pub fn append(&mut self, other: &Script) -> &mut Self {
        self.text.push_str(&other.text);
        self
    }

    /// Whether nothing was written.
    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// The finished text; it may hold secrets.
    pub fn text(&self) -> &str {
        &self.text
    }
}

impl fmt::Debug for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Script({} bytes)", self.text.len())
    }
}

/// Appends `value` as one word of POSIX shell (XCU 2.2, "Quoting").
///
/// NUL cannot be in a shell word; values are checked for it at the edge, and it is dropped here.
fn quote_into(out: &mut String, value: &str) {
    if let Ok(word) = shlex::try_quote(value) {
        out.push_str(&word);
    } else {
        let without_nul = value.replace('\0', "");
        out.push_str(&shlex::try_quote(&without_nul).unwrap_or_default());
    }
}

/// `value` as one word of POSIX shell.
pub fn quote(value: &str) -> String {
    let mut out = String::with_capacity(value.len() + 2);
    quote_into(&mut out, value);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_quotes_each_argument() {
        let mut script = Script::new();
        script.line("mv -T -- {} {}", &["/tmp/a b", "/tmp/it's; rm -rf /"]);
        assert_eq!(
            script.text(),
            "mv -T -- '/tmp/a b' \"/tmp/it's; rm -rf /\"\n"
        );
    }

    #[test]
    fn long_lists_are_split() {
        let values: Vec<String> = (0..2001).map(|n| format!("/a b/{n}")).collect();
        let mut script = Script::new();
        script.each("rm -f --", values.iter().map(String::as_str));
        let lines: Vec<&str> = script.text().lines().collect();
        assert_eq!(lines.len(), 3);
        assert!(lines[1].starts_with("rm -f -- '/a b/1000' '/a b/1001'"));
        assert_eq!(lines[2], "rm -f -- '/a b/2000'");
        assert!(Script::new().each("rm -f --", []).is_empty());
    }

    #[test]
    fn debug_shows_no_text() {
        let mut script = Script::new();
        script.arg("hunter2");
        assert!(
            !format!(
                "{script:?} {:?} {}",
                Secret::new("hunter2"),
                Secret::new("hunter2")
            )
            .contains("hunter2")
        );
    }
}
