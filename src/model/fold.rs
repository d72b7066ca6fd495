//! Many server names as few words: `web-[1-3,7]`, in the notation of patterns.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::ServerName;

/// The names joined by commas, those that differ in their last number alone folded to ranges. Names that begin a number
/// with zeros fold only with those of the same length.
pub fn fold<'a>(names: impl IntoIterator<Item = &'a ServerName>) -> String {
    // By what stands before and after the number, and by its length where it begins with a zero.
    let mut groups: BTreeMap<(&str, &str, usize), Vec<u64>> = BTreeMap::new();
    let mut words: BTreeMap<(String, usize), String> = BTreeMap::new();
    for name in names {
        let text = name.as_str();
        match number(text) {
            Some((before, digits, after)) => {
                let width = if digits.starts_with('0') {
                    digits.len()
                } else {
                    0
                };
                let numbers = groups.entry((before, after, width)).or_default();
                numbers.extend(digits.parse::<u64>().ok());
            }
            None => {
                words.insert((text.to_owned(), 0), text.to_owned());
            }
        }
    }
    for ((before, after, width), mut numbers) in groups {
        numbers.sort_unstable();
        numbers.dedup();
        let first = numbers.first().copied().unwrap_or_default();
        let ranges = ranges(&numbers, width);
        let word = match numbers.as_slice() {
            [_] => format!("{before}{ranges}{after}"),
            _ => format!("{before}[{ranges}]{after}"),
        };
        words.insert((format!("{before}{first:0>20}{after}"), width), word);
    }
    let words: Vec<String> = words.into_values().collect();
    words.join(",")
}

/// The last run of digits of a name that fits a number, with what stands around it.
fn number(text: &str) -> Option<(&str, &str, &str)> {
    let end = text.rfind(|c: char| c.is_ascii_digit())? + 1;
    let start = text[..end]
        .rfind(|c: char| !c.is_ascii_digit())
        .map_or(0, |at| at + 1);
    let digits = &text[start..end];
    (digits.len() <= 18).then_some((&text[..start], digits, &text[end..]))
}

/// `1-3,7` for sorted numbers, each at least `width` digits long.
fn ranges(numbers: &[u64], width: usize) -> String {
    let mut text = String::new();
    let mut rest = numbers;
    while let [first, ..] = rest {
        let steps = rest.windows(2).take_while(|pair| pair[1] == pair[0] + 1);
        let last = first + steps.count() as u64;
        let comma = if text.is_empty() { "" } else { "," };
        // A String takes everything.
        let _ = write!(text, "{comma}{first:0width$}");
        if last > *first {
            let _ = write!(text, "-{last:0width$}");
        }
        let after = rest.iter().position(|number| *number > last);
        rest = &rest[after.unwrap_or(rest.len())..];
    }
    text
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn folded(names: &[&str]) -> String {
        let names: Vec<ServerName> = names.iter().map(|name| name.parse().unwrap()).collect();
        fold(&names)
    }

    #[test]
    fn names_fold_to_ranges() {
        assert_eq!(folded(&["sg-1"]), "sg-1");
        assert_eq!(folded(&["sg-3", "sg-1", "sg-2", "sg-7"]), "sg-[1-3,7]");
        assert_eq!(folded(&["web", "sg-1", "jkt-2"]), "jkt-2,sg-1,web");
        assert_eq!(folded(&["n1.sg", "n2.sg", "n2.jkt"]), "n[1-2].sg,n2.jkt");
        assert_eq!(folded(&["a-9", "a-10", "a-11"]), "a-[9-11]");
        assert_eq!(folded(&[]), "");
    }

    #[test]
    fn leading_zeros_stay() {
        assert_eq!(folded(&["w01", "w02", "w10"]), "w[01-02],w10");
        assert_eq!(folded(&["w1", "w01"]), "w1,w01");
    }

    #[test]
    fn a_folded_word_selects_what_was_folded() {
        use crate::model::Pattern;
        for names in [
            &["sg-1", "sg-2", "sg-3"][..],
            &["w01", "w02"],
            &["n1.sg", "n2.sg"],
        ] {
            let pattern = Pattern::parse(&folded(names)).unwrap();
            assert!(names.iter().all(|name| pattern.matches(name)), "{names:?}");
        }
    }
}
