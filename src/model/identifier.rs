//! Names of databases and their users: what MariaDB and PostgreSQL both take, and no shell, SQL or file can misread.

use std::fmt;

/// A name that needs no thought wherever it is quoted: letters and digits of any script, and `_ - . $` after the first.
///
/// Both engines could take more between quotes, but every program that is handed such a name (a dump, a URL, a
/// configuration file) would have to quote it as well.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Identifier(String);

/// Why a text is no identifier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotAnIdentifier(String);

impl fmt::Display for NotAnIdentifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Identifier {
    /// The longest, in characters: a name of MariaDB has 64 (its manual, "Identifier Names").
    pub const LONGEST: usize = 64;

    /// Reads a name.
    ///
    /// # Errors
    /// What stands in the way, in words that follow the name.
    pub fn parse(text: &str) -> Result<Self, NotAnIdentifier> {
        let refuse = |why: String| Err(NotAnIdentifier(why));
        let Some(first) = text.chars().next() else {
            return refuse("is empty".to_owned());
        };
        if !is_letter(first) && first != '_' {
            return refuse("does not begin with a letter, a digit or `_`".to_owned());
        }
        if let Some(bad) = text
            .chars()
            .find(|c| !is_letter(*c) && !"_-.$".contains(*c))
        {
            let shown = bad.escape_debug();
            return refuse(format!(
                "has `{shown}` in it: only letters, digits and `_ - . $` can be"
            ));
        }
        let length = text.chars().count();
        if length > Self::LONGEST {
            return refuse(format!(
                "has {length} characters, and {} are the most",
                Self::LONGEST
            ));
        }
        Ok(Self(text.to_owned()))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Identifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Of the basic plane alone: MariaDB keeps names in three bytes per character.
fn is_letter(c: char) -> bool {
    c.is_alphanumeric() && u32::from(c) <= 0xFFFF
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_nothing_misreads_are_taken_as_they_are() {
        for name in [
            "shop",
            "Shop_2",
            "a-b.c$d",
            "bücher",
            "データ",
            "_",
            "9lives",
        ] {
            assert_eq!(Identifier::parse(name).map(|n| n.0), Ok(name.to_owned()));
        }
        assert!(Identifier::parse(&"ü".repeat(64)).is_ok());
    }

    #[test]
    fn all_else_is_refused() {
        for name in [
            "",
            "-x",
            ".x",
            "$x",
            "a b",
            "a'b",
            "a\"b",
            "a`b",
            "a\\b",
            "a;b",
            "a/b",
            "a@b",
            "a%b",
            "a\nb",
            "a\0b",
            "a\u{202e}b",
            "a\u{200b}b",
            "e\u{301}",
            "😀",
            "a=b",
            "a:b",
            "a#b",
            "a*b",
            "a,b",
        ] {
            assert!(Identifier::parse(name).is_err(), "{name:?}");
        }
        assert!(Identifier::parse(&"a".repeat(65)).is_err());
    }
}
