//! What stands in the way of a resource.

use serde::Serialize;

use crate::model::ResourceName;

/// A resource that cannot be applied as the server is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Blocked {
    /// The resource.
    pub resource: ResourceName,
    /// Why.
    pub reason: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl Blocked {
    /// All resources that have the same reason are named together: `rule a, rule b, 98 more`.
    pub fn together(all: &[Self]) -> Vec<(String, &Self)> {
        let mut together: Vec<(Vec<&ResourceName>, &Self)> = Vec::new();
        for blocked in all {
            let same = |other: &&mut (Vec<&ResourceName>, &Self)| {
                (&other.1.reason, &other.1.hint) == (&blocked.reason, &blocked.hint)
            };
            match together.iter_mut().find(same) {
                Some((names, _)) => names.push(&blocked.resource),
                None => together.push((vec![&blocked.resource], blocked)),
            }
        }
        let words = |names: Vec<&ResourceName>| {
            let named = if names.len() > 3 { 2 } else { names.len() };
            let mut words: Vec<String> = names[..named].iter().map(ToString::to_string).collect();
            if named < names.len() {
                words.push(format!("{} more", names.len() - named));
            }
            words.join(", ")
        };
        together
            .into_iter()
            .map(|(names, blocked)| (words(names), blocked))
            .collect()
    }
}
