//! What a run amounts to.

#![allow(clippy::unwrap_used)]

use super::*;
use crate::model::ResourceName;
use crate::plan::Blocked;

#[test]
fn every_mix_of_outcomes_has_its_exit_code() {
    use Outcome::{
        Changed, Failed, Interrupted, Locked, Reverted, Stopped, Unchanged, Unreachable,
    };
    let report = |outcome: &Outcome| {
        let mut report = ServerReport::new("sg-1".parse().unwrap());
        report.outcome = *outcome;
        report
    };
    let cases: [(&[Outcome], u8); 16] = [
        (&[], 0),
        (&[Unchanged, Changed], 0),
        (&[Failed], 1),
        (&[Failed, Changed, Unchanged], 3),
        (&[Failed, Failed], 3),
        (&[Unreachable], 3),
        (&[Unreachable, Changed], 3),
        (&[Interrupted], 3),
        (&[Stopped, Stopped], 3),
        (&[Locked], 8),
        (&[Locked, Locked], 8),
        (&[Locked, Changed], 8),
        (&[Locked, Failed], 3),
        (&[Locked, Unreachable], 3),
        (&[Reverted], 7),
        (&[Changed, Reverted, Unreachable], 7),
    ];
    for (outcomes, code) in cases {
        let reports: Vec<_> = outcomes.iter().map(report).collect();
        assert_eq!(ending(&reports).exit_code(), code, "{outcomes:?}");
    }
    // Something stood in the way of a resource, and all else is as it should be.
    for (others, code) in [(0, 1), (2, 3)] {
        let mut reports = vec![report(&Unchanged); 1 + others];
        reports[0].plan.blocked.push(Blocked {
            resource: ResourceName::new("site", "example.com"),
            reason: "no nginx".to_owned(),
            hint: None,
        });
        assert_eq!(ending(&reports).exit_code(), code);
    }
}
