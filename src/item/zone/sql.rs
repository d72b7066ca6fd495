//! Words of SQL for SQLite: fixed text, quoted literals and numbers, so that no value can become a statement.

/// SQL under construction. Fixed text can only be a `&'static str` of fleet's own source.
#[derive(Clone, Debug, Default)]
pub(super) struct Sql {
    text: String,
}

impl Sql {
    /// Appends fixed text as it is.
    pub(super) fn raw(&mut self, text: &'static str) -> &mut Self {
        self.text.push_str(text);
        self
    }

    /// Appends a string literal (<https://www.sqlite.org/lang_expr.html#literal_values_constants_>): quotes are doubled,
    /// and nothing else means anything in it. The names and values of zones hold no NUL and no line breaks.
    pub(super) fn text(&mut self, value: &str) -> &mut Self {
        self.text.push('\'');
        for c in value.chars().filter(|c| !c.is_control()) {
            if c == '\'' {
                self.text.push('\'');
            }
            self.text.push(c);
        }
        self.text.push('\'');
        self
    }

    /// Appends a number.
    pub(super) fn number(&mut self, value: u32) -> &mut Self {
        self.text.push_str(&value.to_string());
        self
    }

    /// Appends `('a','b')`, or `(null)` for nothing.
    pub(super) fn list<'a>(&mut self, values: impl IntoIterator<Item = &'a str>) -> &mut Self {
        self.raw("(");
        let mut any = false;
        for value in values {
            self.raw(if any { "," } else { "" }).text(value);
            any = true;
        }
        self.raw(if any { ")" } else { "null)" })
    }

    /// Appends a statement: each `{}` of the fixed `template` becomes the next value as a literal.
    ///
    /// # Panics
    /// When the number of `{}` and of values differ: that is a mistake in fleet's source.
    pub(super) fn line(&mut self, template: &'static str, values: &[&str]) -> &mut Self {
        let parts: Vec<&'static str> = template.split("{}").collect();
        assert_eq!(parts.len(), values.len() + 1, "a value for every {{}}");
        for (at, part) in parts.into_iter().enumerate() {
            self.raw(part);
            if let Some(value) = values.get(at) {
                self.text(value);
            }
        }
        self.raw("\n")
    }

    /// The finished text.
    pub(super) fn finished(&self) -> &str {
        &self.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_value_ends_its_literal() {
        let mut sql = Sql::default();
        sql.line("select {};", &["it's '; drop table domains; --\n.shell id\0"]);
        assert_eq!(sql.finished(), "select 'it''s ''; drop table domains; --.shell id';\n");
    }
}
