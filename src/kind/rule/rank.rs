//! The place of a rule among the others: a number, so that one rule can move without touching another.

use serde_json::Value;

use super::parse::Refused;

/// The distance to the last rule of one that is added at the end.
const STEP: i64 = 1 << 40;

/// The distance to a neighbour of one that is put between two, at the most: so small a part of the gap that thousands
/// find room which are put in the same place again and again.
const NEAR: i64 = 1 << 16;

/// The rank for the rule `name` among `others` (name and stored settings, it may be among them): before or after
/// another, or at the end; where it stands already when nothing is asked.
///
/// # Errors
/// A neighbour that does not exist, or no room between two.
pub fn of(
    name: &str,
    before: Option<&str>,
    after: Option<&str>,
    others: &[(String, Value)],
) -> Result<i64, Refused> {
    let mut ranks: Vec<(i64, &str)> = Vec::new();
    let mut own = None;
    for (other, spec) in others {
        let rank = spec.get("rank").and_then(Value::as_i64).unwrap_or_default();
        if other == name {
            own = Some(rank);
        } else {
            ranks.push((rank, other));
        }
    }
    ranks.sort_unstable();
    let position = |neighbour: &str| {
        let neighbour = neighbour.to_ascii_lowercase();
        let found = ranks.iter().position(|(_, other)| *other == neighbour);
        found.ok_or_else(|| {
            let message = format!(
                "there is no other rule {}",
                crate::diagnostic::ticked(&neighbour)
            );
            (
                message,
                "`fleet list-rules` shows them in their order".to_owned(),
            )
        })
    };
    let rank = |index: usize| ranks.get(index).map(|(rank, _)| *rank);
    let (low, high, near_low) = match (before, after) {
        (Some(next), _) => {
            let at = position(next)?;
            (at.checked_sub(1).and_then(rank), rank(at), true)
        }
        (_, Some(last)) => {
            let at = position(last)?;
            (rank(at), rank(at + 1), false)
        }
        _ => {
            let end = ranks.last().map_or(0, |(rank, _)| *rank);
            return Ok(own.unwrap_or_else(|| end.saturating_add(STEP)));
        }
    };
    let lies_between =
        |rank: i64| low.is_none_or(|low| low < rank) && high.is_none_or(|high| rank < high);
    if let Some(own) = own.filter(|own| lies_between(*own)) {
        return Ok(own);
    }
    let found = match (low, high) {
        (None, None) => STEP,
        (Some(low), None) => low.saturating_add(STEP),
        (None, Some(high)) => high.saturating_sub(STEP),
        (Some(low), Some(high)) => {
            let step = (high.saturating_sub(low) >> 12).clamp(1, NEAR);
            if near_low { low + step } else { high - step }
        }
    };
    if lies_between(found) {
        Ok(found)
    } else {
        Err((
            "there is no room between those two rules".to_owned(),
            "move one of them away and back: `fleet move-rule RULE --last`".to_owned(),
        ))
    }
}
