//! SQL text under construction: fixed text, quoted names and quoted values, for one engine.

use std::fmt;

use crate::shell::Script;

/// Whose rules of quoting hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    /// MariaDB, in a session whose `sql_mode` has neither `ANSI_QUOTES` nor `NO_BACKSLASH_ESCAPES`.
    Mariadb,
    /// PostgreSQL, in a session with `standard_conforming_strings`.
    Postgres,
}

/// Statements. It may hold hashes of passwords, so `Debug` masks it.
#[derive(Clone)]
pub(super) struct Sql {
    dialect: Dialect,
    text: String,
}

impl Sql {
    /// No statement yet.
    pub(super) fn new(dialect: Dialect) -> Self {
        let text = String::new();
        Self { dialect, text }
    }

    /// Appends fixed text as it is.
    pub(super) fn raw(&mut self, text: &'static str) -> &mut Self {
        self.text.push_str(text);
        self
    }

    /// Appends a decimal number.
    pub(super) fn number(&mut self, value: i64) -> &mut Self {
        self.text.push_str(&value.to_string());
        self
    }

    /// Appends a quoted name.
    pub(super) fn name(&mut self, name: &str) -> &mut Self {
        match self.dialect {
            Dialect::Mariadb => self.quoted(name, '`', false),
            Dialect::Postgres => self.quoted(name, '"', false),
        }
    }

    /// Appends a quoted value.
    pub(super) fn value(&mut self, value: &str) -> &mut Self {
        self.quoted(value, '\'', self.dialect == Dialect::Mariadb)
    }

    /// Appends other statements.
    pub(super) fn append(&mut self, other: &Self) -> &mut Self {
        self.text.push_str(&other.text);
        self
    }

    fn quoted(&mut self, text: &str, quote: char, backslashes: bool) -> &mut Self {
        self.text.push(quote);
        for c in text.chars().filter(|c| *c != '\0') {
            if c == quote || (c == '\\' && backslashes) {
                self.text.push(c);
            }
            self.text.push(c);
        }
        self.text.push(quote);
        self
    }

    /// The text.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Whether there is none.
    pub(super) fn is_empty(&self) -> bool {
        self.text.is_empty()
    }
}

/// A part of a change.
pub(super) struct Step {
    /// What is done.
    pub(super) forward: Sql,
    /// What takes it back, when the step is known to have been made.
    pub(super) back: Sql,
    /// Whether it counts as made before it is: what takes it back does no harm then, and half of it may have happened.
    pub(super) early: bool,
    /// Whether what takes it back needs what was kept of the accounts.
    pub(super) kept: bool,
    /// The database that goes when it is taken back, with all that somebody may have put into it.
    pub(super) makes: Option<String>,
}

impl Dialect {
    /// The word in the names of the engine's shell functions and files.
    fn word(self) -> &'static str {
        match self {
            Self::Mariadb => "mariadb",
            Self::Postgres => "postgres",
        }
    }

    /// Appends the session that makes the steps, after what is to be kept of the accounts as they are.
    pub(super) fn run(self, part: &'static str, kept: &Sql, work: &[Step], script: &mut Script) {
        let engine = self.word();
        if !kept.is_empty() {
            script.raw("printf %s ").arg(kept.text()).raw(" | ");
            script
                .raw(engine)
                .raw("_keep \"$t/")
                .raw(engine)
                .raw("-kept-");
            script.raw(part).raw("\"\nsync -f \"$t\"\n");
        }
        let mut session = Sql::new(self);
        for (index, step) in work.iter().enumerate() {
            let number = i64::try_from(index + 1).unwrap_or(i64::MAX);
            let mark = |session: &mut Sql| {
                session.raw("SELECT 'did ").number(number).raw("';\n");
            };
            if step.early {
                mark(&mut session);
            }
            session.append(&step.forward);
            if !step.early {
                mark(&mut session);
            }
        }
        script.raw("printf %s ").arg(session.text()).raw(" | ");
        script.raw(engine).raw("_sql >\"$t/").raw(engine).raw("-");
        script.raw(part).raw("\"\n");
    }

    /// Begins what is done where a step was made; steps are counted from 1.
    fn if_did(self, part: &'static str, index: usize, script: &mut Script) {
        script.raw("if did ").raw(self.word());
        script.raw(" ").raw(part).raw(" ");
        script
            .number(u64::try_from(index + 1).unwrap_or(u64::MAX))
            .raw("; then ");
    }

    /// The script that takes back what was made, in the reverse order, in one session too; `functions` are those of the
    /// engine.
    pub(super) fn unrun(
        self,
        functions: &'static str,
        part: &'static str,
        work: &[Step],
    ) -> Script {
        let engine = self.word();
        let mut script = Script::new();
        script
            .raw(functions)
            .raw("if [ -s \"$t/")
            .raw(engine)
            .raw("-");
        script.raw(part).raw("\" ]; then\n");
        for (index, step) in work.iter().enumerate() {
            if let Some(database) = &step.makes {
                self.if_did(part, index, &mut script);
                script.raw(engine).raw("_late ").arg(database);
                script.raw(" || exit 1; fi\n");
            }
        }
        script.raw("{\n");
        if self == Self::Postgres {
            // There may be nothing to take back, and braces must not be empty.
            script.raw(":\n");
        }
        let mut kept = false;
        for (index, step) in work.iter().enumerate().rev() {
            kept |= step.kept;
            if step.back.is_empty() {
                continue;
            }
            self.if_did(part, index, &mut script);
            script.raw("printf %s ").arg(step.back.text()).raw("; fi\n");
        }
        if kept {
            // Each sets what is there, also where nothing was changed.
            script.raw("cat -- \"$t/").raw(engine).raw("-kept-");
            script.raw(part).raw("\"\n");
        }
        script
            .raw("} | ")
            .raw(engine)
            .raw("_sql >/dev/null || bad=1\nfi\n");
        script
    }
}

impl fmt::Debug for Sql {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sql({} bytes)", self.text.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_gets_out_of_its_quotes() {
        let hostile = "a'b\"c`d\\'; DROP DATABASE mysql; -- ü\0";
        let mut mariadb = Sql::new(Dialect::Mariadb);
        mariadb.name(hostile).raw(" ").value(hostile);
        assert_eq!(
            mariadb.text(),
            "`a'b\"c``d\\'; DROP DATABASE mysql; -- ü` 'a''b\"c`d\\\\''; DROP DATABASE mysql; -- ü'"
        );
        let mut postgres = Sql::new(Dialect::Postgres);
        postgres.name(hostile).raw(" ").value(hostile);
        assert_eq!(
            postgres.text(),
            "\"a'b\"\"c`d\\'; DROP DATABASE mysql; -- ü\" 'a''b\"c`d\\''; DROP DATABASE mysql; -- ü'"
        );
    }
}
