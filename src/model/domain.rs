//! Domain names: checked, folded to A-labels, safe in every file and command they reach.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A fully qualified host name in lower-case A-labels (RFC 1123, RFC 5891), without the final dot.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DomainName(String);

impl DomainName {
    /// The name in A-labels.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::str::FromStr for DomainName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let ascii = idna::domain_to_ascii_strict(text).map_err(|e| e.to_string())?;
        Ok(Self(ascii))
    }
}

impl TryFrom<String> for DomainName {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<DomainName> for String {
    fn from(name: DomainName) -> Self {
        name.0
    }
}

impl fmt::Display for DomainName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
