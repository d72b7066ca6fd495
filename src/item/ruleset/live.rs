//! What only the server knows of its rules: how often each was hit, and the tables of others.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::shell::Script;

/// How often a rule was hit since the rules were last loaded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Hits {
    /// Packets; of a connection that is let in, the first.
    pub packets: u64,
    /// Bytes of these packets.
    pub bytes: u64,
}

/// What a server says of its rules.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Live {
    /// By name of the rule.
    pub hits: BTreeMap<String, Hits>,
    /// The tables of others, as nftables writes them.
    pub others: Vec<String>,
}

/// The question; it changes nothing.
pub fn question() -> Script {
    let mut script = Script::new();
    script.raw(
        "command -v nft >/dev/null || exit 0
printf '@hits\\n'
nft -j list table inet fleet 2>/dev/null || :
printf '@others\\n'
nft list tables | while read -r _ family name; do
	[ \"$family $name\" = 'inet fleet' ] || nft -s list table \"$family\" \"$name\"
done
",
    );
    script
}

/// Reads the answer to [`question`].
pub fn live<'l>(lines: impl IntoIterator<Item = &'l str>) -> Live {
    let mut live = Live::default();
    let mut others = false;
    for line in lines {
        match line {
            "@hits" => others = false,
            "@others" => others = true,
            other if others => live.others.push(other.to_owned()),
            json => count(json, &mut live.hits),
        }
    }
    live
}

/// Adds up the counters of a listing in JSON (libnftables-json(5)): several lines may belong to one rule.
fn count(json: &str, hits: &mut BTreeMap<String, Hits>) {
    let Ok(value) = serde_json::from_str::<Value>(json) else {
        return;
    };
    let objects = value.get("nftables").and_then(Value::as_array);
    for rule in objects.into_iter().flatten().filter_map(|object| object.get("rule")) {
        let name = rule.get("comment").and_then(Value::as_str);
        let Some(name) = name.and_then(|comment| comment.strip_prefix("rule ")) else {
            continue;
        };
        let expressions = rule.get("expr").and_then(Value::as_array);
        for counter in expressions.into_iter().flatten().filter_map(|expr| expr.get("counter")) {
            let number = |key: &str| counter.get(key).and_then(Value::as_u64).unwrap_or_default();
            let sum = hits.entry(name.to_owned()).or_default();
            sum.packets = sum.packets.saturating_add(number("packets"));
            sum.bytes = sum.bytes.saturating_add(number("bytes"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_counters_of_all_lines_of_a_rule_add_up() {
        let live = live([
            "@hits",
            r#"{"nftables": [{"metainfo": {"version": "1.0.6"}}, {"rule": {"comment": "rule web", "expr": [{"counter": {"packets": 2, "bytes": 120}}, {"accept": null}]}}, {"rule": {"comment": "rule web", "expr": [{"counter": {"packets": 1, "bytes": 60}}]}}, {"rule": {"comment": "base ssh", "expr": [{"counter": {"packets": 9, "bytes": 9}}]}}]}"#,
            "@others",
            "table ip docker {",
            "}",
        ]);
        assert_eq!(live.hits.len(), 1);
        assert_eq!(live.hits["web"], Hits { packets: 3, bytes: 180 });
        assert_eq!(live.others, ["table ip docker {", "}"]);
        for odd in ["", "{", "[]", r#"{"nftables": 1}"#, r#"{"nftables": [{"rule": {"comment": "rule x", "expr": 1}}]}"#] {
            assert!(super::live(["@hits", odd]).hits.is_empty(), "{odd}");
        }
    }
}
