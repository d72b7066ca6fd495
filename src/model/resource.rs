//! A resource and where it is placed.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::ServerName;

/// Kind and name of a resource: `site example.com`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ResourceName {
    /// The kind's word (`site`).
    pub kind: String,
    /// The name, unique within its kind.
    pub name: String,
}

impl ResourceName {
    /// The resource `name` of `kind`.
    pub fn new(kind: impl Into<String>, name: impl Into<String>) -> Self {
        Self {
            kind: kind.into(),
            name: name.into(),
        }
    }
}

impl fmt::Display for ResourceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind, self.name)
    }
}

/// One named thing that should exist.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Resource {
    /// Row number in the state database.
    pub id: i64,
    /// Kind and name.
    #[serde(flatten)]
    pub name: ResourceName,
    /// The settings, as the kind's spec serialises them; holds no secret.
    pub spec: serde_json::Value,
    /// Units of capacity it takes on each server it is placed on.
    pub weight: u32,
    /// Whether it is suspended (kept, but not serving).
    pub suspended: bool,
    /// Grows by one with every change of what should be.
    pub generation: i64,
    /// When it was first recorded.
    pub created_at: Timestamp,
    /// When what should be last changed.
    pub updated_at: Timestamp,
    /// Set when it should no longer exist; the row stays for the record.
    pub removed_at: Option<Timestamp>,
    /// Where it is placed, the first server first; those beside it in order of name.
    pub placements: Vec<Placement>,
}

/// Where a resource is, and how far the server has followed what should be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Placement {
    /// The server.
    pub server: ServerName,
    /// 0 for the first server (the primary of a zone), 1 for those beside it.
    pub position: u32,
    /// How far the server has followed.
    pub status: PlacementStatus,
    /// Why it is pending or failed.
    pub reason: Option<String>,
    /// The generation last applied there; 0 when never.
    pub applied_generation: i64,
    /// The task whose trash on the server holds its content, until that was put back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from_trash: Option<i64>,
}

/// How far a server has followed what should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PlacementStatus {
    /// Recorded, not yet applied.
    Pending,
    /// The server holds the current generation.
    Applied,
    /// The last attempt failed and was undone.
    Failed,
    /// To be taken off the server.
    Removing,
}

impl PlacementStatus {
    /// The word for it in tables, JSON and the state database.
    pub fn word(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Applied => "applied",
            Self::Failed => "failed",
            Self::Removing => "removing",
        }
    }
}
