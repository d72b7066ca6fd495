//! What a resource was at one moment: to tell what a task changed, and to put it back.

use serde::{Deserialize, Serialize};

use super::{Resource, ResourceName, ServerName};

/// What should be of a resource at one moment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    /// The settings.
    pub spec: serde_json::Value,
    /// Units of capacity it takes.
    pub weight: u32,
    /// Whether it is suspended.
    pub suspended: bool,
    /// The generation it was.
    pub generation: i64,
    /// Its servers with their positions; not those it was leaving.
    pub placements: Vec<(ServerName, u32)>,
}

impl Snapshot {
    /// What a resource is now.
    pub fn of(resource: &Resource) -> Self {
        let staying = resource
            .placements
            .iter()
            .filter(|placement| placement.status != super::PlacementStatus::Removing);
        Self {
            spec: resource.spec.clone(),
            weight: resource.weight,
            suspended: resource.suspended,
            generation: resource.generation,
            placements: staying
                .map(|placement| (placement.server.clone(), placement.position))
                .collect(),
        }
    }
}

/// What a task changed of one resource.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TaskChange {
    /// Row number of the resource.
    pub resource_id: i64,
    /// Kind and name.
    #[serde(flatten)]
    pub name: ResourceName,
    /// What it was; `None` when the task added it.
    pub before: Option<Snapshot>,
    /// What it became; `None` when the task removed it.
    pub after: Option<Snapshot>,
}

impl TaskChange {
    /// `added`, `removed` or `changed`.
    pub fn word(&self) -> &'static str {
        match (&self.before, &self.after) {
            (None, _) => "added",
            (Some(_), None) => "removed",
            (Some(_), Some(_)) => "changed",
        }
    }
}
