//! How fast sites answer and when certificates expire, as the last checks measured it.

use serde::Serialize;

use crate::model::measured::within;
use crate::model::{Answer, Expiring};

/// Of these, so many are kept by name.
const KEPT: usize = 12;

/// How fast the sites of a fleet answer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Answers {
    /// Sites that answered when they were asked last.
    pub sites: u64,
    /// Half of them take no longer, in milliseconds.
    pub median_ms: Option<u64>,
    /// 95 of 100 take no longer.
    pub most_ms: Option<u64>,
    /// Those that take longest, the slowest first.
    pub slowest: Vec<Answer>,
}

/// Certificates, and what else ends by itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Expiries {
    /// How many there are.
    pub number: u64,
    /// The next to end, the first to do so first.
    pub next: Vec<Expiring>,
}

impl Answers {
    /// What these come to.
    pub(super) fn of(mut answers: Vec<Answer>) -> Self {
        let mut times: Vec<u64> = answers.iter().map(Answer::ms).collect();
        times.sort_unstable();
        // Stable: those that are equally slow stay in order of server and name.
        answers.sort_by_key(|answer| std::cmp::Reverse(answer.ms()));
        answers.truncate(KEPT);
        Self {
            sites: times.len() as u64,
            median_ms: within(&times, 50),
            most_ms: within(&times, 95),
            slowest: answers,
        }
    }
}

impl Expiries {
    /// What these, the first to end first, come to.
    pub(super) fn of(mut expiring: Vec<Expiring>) -> Self {
        let number = expiring.len() as u64;
        expiring.truncate(KEPT);
        Self {
            number,
            next: expiring,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::model::ResourceName;

    fn answer(name: &str, there: Option<u64>, here: Option<u64>) -> Answer {
        Answer {
            server: "sg-1".parse().unwrap(),
            resource: ResourceName::new("site", name),
            on_server_ms: there,
            from_here_ms: here,
        }
    }

    #[test]
    fn what_visitors_wait_counts_where_it_is_known() {
        let all = vec![
            answer("a", Some(10), Some(900)),
            answer("b", Some(30), None),
            answer("c", None, Some(20)),
        ];
        let answers = Answers::of(all);
        assert_eq!(
            (answers.sites, answers.median_ms, answers.most_ms),
            (3, Some(30), Some(900))
        );
        let slowest: Vec<&str> = answers
            .slowest
            .iter()
            .map(|answer| answer.resource.name.as_str())
            .collect();
        assert_eq!(slowest, ["a", "b", "c"]);
        assert_eq!(Answers::of(Vec::new()), Answers::default());
    }
}
