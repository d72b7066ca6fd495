//! What a user may do in a database.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// What a user may do in a database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Access {
    /// Everything in it: tables are made and dropped.
    Owner,
    /// Rows are read and written.
    ReadWrite,
    /// Rows are read.
    ReadOnly,
}

impl Access {
    /// Every one.
    pub const ALL: [Self; 3] = [Self::Owner, Self::ReadWrite, Self::ReadOnly];

    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::ReadWrite => "read-write",
            Self::ReadOnly => "read-only",
        }
    }
}

impl fmt::Display for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl FromStr for Access {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|access| access.word() == text);
        found.ok_or_else(|| "one of `owner`, `read-write`, `read-only`".to_owned())
    }
}
