//! Patterns of `ssh_config`(5) and `known_hosts`: `*`, `?`, and lists of them with `!` for "but not".

/// Whether `name` fits `pattern`, without regard to case.
pub(super) fn matches(pattern: &str, name: &str) -> bool {
    let pattern = pattern.as_bytes();
    let name = name.as_bytes();
    let (mut p, mut n) = (0, 0);
    // Where to go back to: after the last star, with one more byte of the name under it.
    let mut back: Option<(usize, usize)> = None;
    while n < name.len() {
        match pattern.get(p) {
            Some(b'*') => {
                back = Some((p + 1, n));
                p += 1;
            }
            Some(b'?') => {
                p += 1;
                n += 1;
            }
            Some(byte) if byte.eq_ignore_ascii_case(&name[n]) => {
                p += 1;
                n += 1;
            }
            _ => match back {
                Some((after_star, covered)) => {
                    p = after_star;
                    n = covered + 1;
                    back = Some((after_star, covered + 1));
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|byte| *byte == b'*')
}

/// Whether `name` fits a list of patterns with commas between: one fits, and none with a `!` in front does.
pub(super) fn list_matches(list: &str, name: &str) -> bool {
    any_matches(list.split(','), name)
}

/// The same for patterns that are split already.
pub(super) fn any_matches<'a>(patterns: impl IntoIterator<Item = &'a str>, name: &str) -> bool {
    let mut fits = false;
    for pattern in patterns {
        if let Some(negated) = pattern.strip_prefix('!') {
            if matches(negated, name) {
                return false;
            }
        } else if matches(pattern, name) {
            fits = true;
        }
    }
    fits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_and_question_marks() {
        for (pattern, name, fits) in [
            ("a", "a", true),
            ("A", "a", true),
            ("a", "ab", false),
            ("", "", true),
            ("*", "", true),
            ("*", "abc", true),
            ("?", "", false),
            ("a?c", "abc", true),
            ("*.example.com", "www.example.com", true),
            ("*.example.com", "example.com", false),
            ("*a*b*c", "xxaxxbxbxc", true),
            ("*a*b*c", "xxaxxbxbxcx", false),
            ("[*]:2222", "[10.0.0.1]:2222", true),
            ("10.0.?.1", "10.0.12.1", false),
            ("**", "x", true),
        ] {
            assert_eq!(matches(pattern, name), fits, "{pattern} {name}");
        }
    }

    #[test]
    fn a_negated_pattern_wins_wherever_it_stands() {
        assert!(list_matches(
            "*.example.com,!db.example.com",
            "www.example.com"
        ));
        assert!(!list_matches(
            "*.example.com,!db.example.com",
            "db.example.com"
        ));
        assert!(!list_matches(
            "!db.example.com,*.example.com",
            "db.example.com"
        ));
        assert!(!list_matches("!db.example.com", "www.example.com"));
    }
}
