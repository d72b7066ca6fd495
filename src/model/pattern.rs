//! Shell-like patterns over names: `*`, `?`, `[abc]`, `[!a-c]`, and ranges of numbers such as `[1-12]`.

/// A parsed pattern. Matching takes time proportional to pattern times text, whatever the pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern(Vec<Piece>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    /// Exactly this character.
    Char(char),
    /// `?`: any one character.
    One,
    /// `*`: any characters, also none.
    Any,
    /// `[a-c]`: one character of a set (as in glob(7)).
    Class {
        negated: bool,
        ranges: Vec<(char, char)>,
    },
    /// `[1-12]`, `[01-12]`, `[1-3,7]`: one whole number.
    Numbers(Vec<Numbers>),
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Numbers {
    from: u64,
    to: u64,
    /// Digits of every number, when the bounds are written with leading zeros.
    width: Option<usize>,
}

impl Pattern {
    /// Whether `text` holds a character that makes it a pattern.
    pub fn is_pattern(text: &str) -> bool {
        text.contains(['*', '?', '['])
    }

    /// Parses a pattern; the error says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut pieces = Vec::new();
        let mut rest = text.chars();
        while let Some(c) = rest.next() {
            pieces.push(match c {
                '*' => Piece::Any,
                '?' => Piece::One,
                ']' => return Err("`]` without `[`".to_owned()),
                '[' => {
                    let (inside, after) = rest
                        .as_str()
                        .split_once(']')
                        .ok_or("`[` is not closed by `]`")?;
                    rest = after.chars();
                    bracket(inside)?
                }
                c => Piece::Char(c),
            });
        }
        Ok(Self(pieces))
    }

    /// Whether the whole of `text` matches.
    pub fn matches(&self, text: &str) -> bool {
        let text: Vec<char> = text.chars().collect();
        // reached[i]: the pieces so far can end before character i.
        let mut reached = vec![false; text.len() + 1];
        reached[0] = true;
        for piece in &self.0 {
            let mut next = vec![false; text.len() + 1];
            for start in (0..=text.len()).filter(|&start| reached[start]) {
                match piece {
                    Piece::Any => {
                        next[start..].fill(true);
                        break;
                    }
                    Piece::Numbers(numbers) => {
                        for end in number_ends(&text, start, numbers) {
                            next[end] = true;
                        }
                    }
                    single => {
                        if text.get(start).is_some_and(|&c| single.takes(c)) {
                            next[start + 1] = true;
                        }
                    }
                }
            }
            reached = next;
        }
        reached[text.len()]
    }
}

impl Piece {
    /// Whether a piece of one character takes `c`.
    fn takes(&self, c: char) -> bool {
        match self {
            Self::Char(own) => *own == c,
            Self::One => true,
            Self::Class { negated, ranges } => {
                ranges.iter().any(|&(from, to)| (from..=to).contains(&c)) != *negated
            }
            Self::Any | Self::Numbers(_) => false,
        }
    }
}

/// The ends of the numbers of the set that begin at `start`.
fn number_ends(text: &[char], start: usize, numbers: &[Numbers]) -> Vec<usize> {
    // A number that goes on to the left or right of the match would be another number.
    if start > 0 && text[start - 1].is_ascii_digit() {
        return Vec::new();
    }
    let digits: String = text[start..]
        .iter()
        .take_while(|c| c.is_ascii_digit())
        .collect();
    let Ok(value) = digits.parse::<u64>() else {
        return Vec::new();
    };
    let plain = value.to_string().len() == digits.len();
    let found = numbers.iter().any(|set| {
        let width_fits = set.width.map_or(plain, |width| width == digits.len());
        width_fits && (set.from..=set.to).contains(&value)
    });
    if found {
        vec![start + digits.len()]
    } else {
        Vec::new()
    }
}

fn bracket(inside: &str) -> Result<Piece, String> {
    if let Some(numbers) = numbers(inside) {
        return numbers;
    }
    let (negated, set) = match inside.strip_prefix(['!', '^']) {
        Some(set) => (true, set),
        None => (false, inside),
    };
    if set.is_empty() {
        return Err("`[]` names no character".to_owned());
    }
    if set.contains(',') {
        return Err(format!(
            "`[{inside}]` is neither a list of numbers nor a set of characters"
        ));
    }
    let set: Vec<char> = set.chars().collect();
    let mut ranges = Vec::new();
    let mut at = 0;
    while at < set.len() {
        if set.get(at + 1) == Some(&'-') && at + 2 < set.len() {
            if set[at] > set[at + 2] {
                return Err(format!("the range in `[{inside}]` runs backwards"));
            }
            ranges.push((set[at], set[at + 2]));
            at += 3;
        } else {
            ranges.push((set[at], set[at]));
            at += 1;
        }
    }
    Ok(Piece::Class { negated, ranges })
}

/// A set of numbers, when the bracket is one: ranges and lists of numbers, `[1-12]`, `[1-3,7]`. `[123]` stays a set
/// of characters.
fn numbers(inside: &str) -> Option<Result<Piece, String>> {
    let parts: Vec<(&str, &str)> = inside
        .split(',')
        .map(|part| part.split_once('-').unwrap_or((part, part)))
        .collect();
    let all_digits = parts.iter().all(|(from, to)| {
        [from, to]
            .iter()
            .all(|text| !text.is_empty() && text.chars().all(|c| c.is_ascii_digit()))
    });
    if !all_digits || !inside.contains([',', '-']) {
        return None;
    }
    let mut sets = Vec::new();
    for (from, to) in parts {
        let padded = |text: &str| text.len() > 1 && text.starts_with('0');
        let width = (padded(from) || padded(to)).then_some(to.len());
        if width.is_some() && from.len() != to.len() {
            return Some(Err(format!(
                "`{from}` and `{to}` in `[{inside}]` have different numbers of digits"
            )));
        }
        let (Ok(from), Ok(to)) = (from.parse::<u64>(), to.parse::<u64>()) else {
            return Some(Err(format!("a number in `[{inside}]` is too large")));
        };
        if from > to {
            return Some(Err(format!("the range in `[{inside}]` runs backwards")));
        }
        sets.push(Numbers { from, to, width });
    }
    Some(Ok(Piece::Numbers(sets)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::Pattern;

    #[test]
    fn patterns_match_as_documented() {
        for (pattern, yes, no) in [
            ("*", &["", "a", "sg-1"][..], &[][..]),
            ("sg-*", &["sg-", "sg-1", "sg-10"], &["sg", "jkt-1"]),
            ("*-1", &["sg-1", "-1"], &["sg-11", "sg-2"]),
            ("s?-1", &["sg-1"], &["s-1", "sgg-1"]),
            (
                "web-[1-9]",
                &["web-1", "web-9"],
                &["web-0", "web-10", "web-a"],
            ),
            (
                "web-[1-12]",
                &["web-1", "web-9", "web-12"],
                &["web-0", "web-13", "web-01", "web-112"],
            ),
            ("web-[01-12]", &["web-01", "web-12"], &["web-1", "web-13"]),
            ("web-[1-3,7]", &["web-2", "web-7"], &["web-4", "web-17"]),
            ("web-[1,12].*", &["web-12.sg"], &["web-2.sg"]),
            ("web-[abc]", &["web-a"], &["web-d", "web-ab"]),
            ("web-[!a-c]", &["web-d"], &["web-a"]),
            ("web-[123]", &["web-1", "web-3"], &["web-123"]),
            ("[a-]x", &["-x", "ax"], &["bx"]),
            ("*a*b*", &["ab", "xaxbx"], &["ba"]),
        ] {
            let parsed = Pattern::parse(pattern).unwrap();
            for text in yes {
                assert!(parsed.matches(text), "{pattern} {text}");
            }
            for text in no {
                assert!(!parsed.matches(text), "{pattern} {text}");
            }
        }
    }

    #[test]
    fn bad_patterns_say_why() {
        for (pattern, message) in [
            ("web-[1", "`[` is not closed by `]`"),
            ("web-1]", "`]` without `[`"),
            ("web-[]", "`[]` names no character"),
            ("web-[9-1]", "the range in `[9-1]` runs backwards"),
            ("web-[c-a]", "the range in `[c-a]` runs backwards"),
            (
                "web-[01-120]",
                "`01` and `120` in `[01-120]` have different numbers of digits",
            ),
            (
                "web-[a,b]",
                "`[a,b]` is neither a list of numbers nor a set of characters",
            ),
        ] {
            assert_eq!(Pattern::parse(pattern).unwrap_err(), message, "{pattern}");
        }
    }

    #[test]
    fn many_stars_stay_fast() {
        let parsed = Pattern::parse(&"*a".repeat(30)).unwrap();
        assert!(!parsed.matches(&"a".repeat(29)));
        assert!(parsed.matches(&"a".repeat(63)));
    }
}
