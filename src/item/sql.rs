//! SQL text under construction: fixed text, quoted names and quoted values, for one engine.

use std::fmt;

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
