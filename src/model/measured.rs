//! What the checks of resources measured: how fast sites answer, and when certificates expire. Plain data.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

use super::{ResourceName, ServerName};

/// How fast a resource answered at the last look.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Answer {
    /// The server that it is on.
    pub server: ServerName,
    /// The site.
    pub resource: ResourceName,
    /// Milliseconds until the answer, asked for on the server itself.
    pub on_server_ms: Option<u64>,
    /// The same, asked for from the machine that fleet runs on, as a visitor does.
    pub from_here_ms: Option<u64>,
}

impl Answer {
    /// Milliseconds as visitors know them: from here, or on the server where nobody asked from here.
    pub fn ms(&self) -> u64 {
        self.from_here_ms.or(self.on_server_ms).unwrap_or_default()
    }
}

/// Something that ends by itself: the certificate of a site.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Expiring {
    /// The server that it is on.
    pub server: ServerName,
    /// The resource whose it is.
    pub resource: ResourceName,
    /// When; the earlier, where the certificate on the disk and the one that is served differ.
    pub expires: Timestamp,
}

/// How fast resources answered on their servers over some days, in parts of some hours.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AnswerParts {
    /// When the first part began.
    pub from: Timestamp,
    /// How many parts there are.
    pub number: usize,
    /// Of each resource and part, milliseconds on average; nothing where nobody looked, or nothing answered.
    pub answers: BTreeMap<(ServerName, ResourceName), Vec<Option<u64>>>,
}

impl AnswerParts {
    /// Of each part, how many resources answered, and the times that 50 and 95 of 100 of them did not exceed.
    pub fn spread(&self) -> Vec<(u64, Option<u64>, Option<u64>)> {
        let of_part = |part: usize| {
            let mut times: Vec<u64> = self
                .answers
                .values()
                .filter_map(|answers| answers.get(part).copied().flatten())
                .collect();
            times.sort_unstable();
            (times.len() as u64, within(&times, 50), within(&times, 95))
        };
        (0..self.number).map(of_part).collect()
    }
}

/// The value that `percent` of 100 of `sorted`, which is ascending, do not exceed.
pub fn within(sorted: &[u64], percent: usize) -> Option<u64> {
    let last = sorted.len().checked_sub(1)?;
    sorted.get((last * percent).div_ceil(100)).copied()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_spread_of_a_part_is_that_of_those_that_answered() {
        let mut parts = AnswerParts {
            number: 2,
            ..AnswerParts::default()
        };
        for (name, answers) in [
            ("a", [Some(10), None]),
            ("b", [Some(30), None]),
            ("c", [Some(20), None]),
        ] {
            let key = ("sg-1".parse().unwrap(), ResourceName::new("site", name));
            parts.answers.insert(key, answers.to_vec());
        }
        assert_eq!(parts.spread(), [(3, Some(20), Some(30)), (0, None, None)]);
    }
}
