//! Taking back one change of settings while keeping those that came after it.

use serde_json::{Map, Value};

/// What became of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Reverted {
    /// The settings with the change taken back.
    pub value: Value,
    /// The settings that something else has changed since, by name; they are as before the change.
    pub clashes: Vec<String>,
}

/// Takes the change from `before` to `after` out of `now`.
///
/// Setting by setting: one that the change did not touch stays as it is now. Of a list, what the change added goes and
/// what it took away comes back.
pub fn revert(before: &Value, after: &Value, now: &Value) -> Reverted {
    let mut clashes = Vec::new();
    let value = part(Some(before), Some(after), Some(now), "", &mut clashes);
    Reverted {
        value: value.unwrap_or(Value::Null),
        clashes,
    }
}

fn part(
    before: Option<&Value>,
    after: Option<&Value>,
    now: Option<&Value>,
    name: &str,
    clashes: &mut Vec<String>,
) -> Option<Value> {
    if before == after || now == before {
        return now.cloned();
    }
    if let (Some(Value::Object(before)), Some(Value::Object(after)), Some(Value::Object(now))) =
        (before, after, now)
    {
        return Some(object(before, after, now, name, clashes).into());
    }
    if now == after {
        return before.cloned();
    }
    let list = |value: Option<&Value>| match value {
        None => Some(Vec::new()),
        Some(Value::Array(items)) => Some(items.clone()),
        Some(_) => None,
    };
    if let (Some(before), Some(after), Some(now)) = (list(before), list(after), list(now))
        && let Some(reverted) = items(&before, &after, now)
    {
        return (!reverted.is_empty()).then_some(reverted.into());
    }
    clashes.push(name.to_owned());
    before.cloned()
}

fn object(
    before: &Map<String, Value>,
    after: &Map<String, Value>,
    now: &Map<String, Value>,
    name: &str,
    clashes: &mut Vec<String>,
) -> Map<String, Value> {
    let mut reverted = Map::new();
    // In the order they have now, then what comes back.
    let names = now.keys().chain(before.keys());
    for key in names {
        if reverted.contains_key(key) {
            continue;
        }
        let path = if name.is_empty() {
            key.clone()
        } else {
            format!("{name}.{key}")
        };
        let value = part(
            before.get(key),
            after.get(key),
            now.get(key),
            &path,
            clashes,
        );
        if let Some(value) = value {
            reverted.insert(key.clone(), value);
        }
    }
    // What the change made and something else has taken away since is gone either way.
    reverted
}

/// `now` without what is in `after` alone, and with what is in `before` alone; `None` when something else has changed what
/// the change added, or only the order differs.
fn items(before: &[Value], after: &[Value], mut now: Vec<Value>) -> Option<Vec<Value>> {
    let missing_in = |list: &[Value], other: &[Value]| {
        let mut rest = other.to_vec();
        let mut missing = Vec::new();
        for (index, item) in list.iter().enumerate() {
            match rest.iter().position(|other| other == item) {
                Some(at) => drop(rest.remove(at)),
                None => missing.push((index, item.clone())),
            }
        }
        missing
    };
    let added = missing_in(after, before);
    let removed = missing_in(before, after);
    if added.is_empty() && removed.is_empty() {
        return None;
    }
    for (_, item) in &added {
        let at = now.iter().position(|there| there == item)?;
        now.remove(at);
    }
    for (index, item) in removed {
        let count = |list: &[Value]| list.iter().filter(|other| **other == item).count();
        if count(&now) < count(before) {
            now.insert(index.min(now.len()), item);
        }
    }
    Some(now)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    #[allow(clippy::too_many_lines, reason = "a table")]
    fn only_what_the_change_touched_is_taken_back() {
        let cases = [
            // Nothing has changed since.
            (
                json!({"a": 1}),
                json!({"a": 2}),
                json!({"a": 2}),
                json!({"a": 1}),
                &[][..],
            ),
            // Something else has.
            (
                json!({}),
                json!({"a": 2}),
                json!({"a": 2, "b": 3}),
                json!({"b": 3}),
                &[],
            ),
            (
                json!({"a": 1, "b": 1}),
                json!({"b": 2}),
                json!({"b": 2, "c": 1}),
                json!({"b": 1, "c": 1, "a": 1}),
                &[],
            ),
            // It was taken back by hand.
            (
                json!({"a": 1}),
                json!({"a": 2}),
                json!({"a": 1}),
                json!({"a": 1}),
                &[],
            ),
            // The same setting has changed again.
            (
                json!({"a": 1}),
                json!({"a": 2}),
                json!({"a": 3}),
                json!({"a": 1}),
                &["a"],
            ),
            (
                json!({}),
                json!({"a": 2}),
                json!({"a": 3}),
                json!({}),
                &["a"],
            ),
            (
                json!({"o": {"x": 1, "y": 1}}),
                json!({"o": {"x": 2, "y": 1}}),
                json!({"o": {"x": 3, "y": 4}}),
                json!({"o": {"x": 1, "y": 4}}),
                &["o.x"],
            ),
            // Lists are taken apart.
            (
                json!({"l": ["a"]}),
                json!({"l": ["a", "b"]}),
                json!({"l": ["a", "b", "c"]}),
                json!({"l": ["a", "c"]}),
                &[],
            ),
            (
                json!({"l": ["a", "b"]}),
                json!({"l": ["b"]}),
                json!({"l": ["b", "c"]}),
                json!({"l": ["a", "b", "c"]}),
                &[],
            ),
            (
                json!({}),
                json!({"l": ["b"]}),
                json!({"l": ["b", "c"]}),
                json!({"l": ["c"]}),
                &[],
            ),
            (
                json!({}),
                json!({"l": ["b"]}),
                json!({"l": ["c"]}),
                json!({}),
                &["l"],
            ),
            (
                json!({"l": [{"n": 1, "v": 1}]}),
                json!({"l": [{"n": 1, "v": 2}]}),
                json!({"l": [{"n": 1, "v": 2}, {"n": 2, "v": 1}]}),
                json!({"l": [{"n": 1, "v": 1}, {"n": 2, "v": 1}]}),
                &[],
            ),
            (
                json!({"l": ["a", "a"]}),
                json!({"l": ["a"]}),
                json!({"l": ["a", "b"]}),
                json!({"l": ["a", "a", "b"]}),
                &[],
            ),
            // Another order is not taken apart.
            (
                json!({"l": [1, 2]}),
                json!({"l": [2, 1]}),
                json!({"l": [2, 1, 3]}),
                json!({"l": [1, 2]}),
                &["l"],
            ),
        ];
        for (before, after, now, expected, clashes) in cases {
            let reverted = revert(&before, &after, &now);
            assert_eq!(reverted.value, expected, "{before} {after} {now}");
            assert_eq!(reverted.clashes, clashes, "{before} {after} {now}");
        }
    }

    #[test]
    fn a_revert_of_the_revert_is_the_change() {
        let (before, after) = (json!({"a": 1, "l": [1]}), json!({"b": 2, "l": [1, 2]}));
        let now = json!({"b": 2, "l": [1, 2, 3], "c": 3});
        let once = revert(&before, &after, &now).value;
        assert_eq!(revert(&now, &once, &once).value, now);
    }
}
