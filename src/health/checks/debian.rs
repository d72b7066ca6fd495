//! Which of two versions of a Debian package is the newer (deb-version(7), "Sorting algorithm").

use std::cmp::Ordering;

/// Compares two versions: `1:2.0~rc1-3` is older than `1:2.0-1`.
pub(super) fn compare(a: &str, b: &str) -> Ordering {
    let (epoch_a, upstream_a, revision_a) = parts(a);
    let (epoch_b, upstream_b, revision_b) = parts(b);
    epoch_a
        .cmp(&epoch_b)
        .then_with(|| compare_part(upstream_a, upstream_b))
        .then_with(|| compare_part(revision_a, revision_b))
}

/// Epoch, upstream version and revision; what is missing is 0 or empty.
fn parts(version: &str) -> (u64, &str, &str) {
    let (epoch, rest) = match version.split_once(':') {
        Some((epoch, rest)) => (epoch.parse().unwrap_or(0), rest),
        None => (0, version),
    };
    let (upstream, revision) = rest.rsplit_once('-').unwrap_or((rest, ""));
    (epoch, upstream, revision)
}

/// Text and numbers by turns.
fn compare_part(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (a.as_bytes(), b.as_bytes());
    while !a.is_empty() || !b.is_empty() {
        let text = |bytes: &[u8]| bytes.iter().take_while(|c| !c.is_ascii_digit()).count();
        let (text_a, text_b) = (text(a), text(b));
        for index in 0..text_a.max(text_b) {
            let weight =
                |bytes: &[u8], length: usize| bytes[..length].get(index).map_or(0, |c| weight(*c));
            let order = weight(a, text_a).cmp(&weight(b, text_b));
            if order.is_ne() {
                return order;
            }
        }
        (a, b) = (&a[text_a..], &b[text_b..]);
        let digits = |bytes: &[u8]| bytes.iter().take_while(|c| c.is_ascii_digit()).count();
        let (digits_a, digits_b) = (digits(a), digits(b));
        let order = compare_number(&a[..digits_a], &b[..digits_b]);
        if order.is_ne() {
            return order;
        }
        (a, b) = (&a[digits_a..], &b[digits_b..]);
    }
    Ordering::Equal
}

/// `~` before the end, the end before letters, letters before all else.
fn weight(byte: u8) -> i32 {
    match byte {
        b'~' => -1,
        c if c.is_ascii_alphabetic() => i32::from(c),
        c => i32::from(c) + 256,
    }
}

/// Numbers of any length.
fn compare_number(a: &[u8], b: &[u8]) -> Ordering {
    let significant = |digits: &[u8]| {
        let zeros = digits.iter().take_while(|c| **c == b'0').count();
        digits[zeros..].to_vec()
    };
    let (a, b) = (significant(a), significant(b));
    a.len().cmp(&b.len()).then_with(|| a.cmp(&b))
}

/// The version of a kernel and its flavour: `6.1.0-13` and `cloud-amd64` of `6.1.0-13-cloud-amd64`.
pub(super) fn kernel(release: &str) -> (&str, &str) {
    let flavour = release
        .match_indices('-')
        .find(|(at, _)| release[at + 1..].starts_with(|c: char| c.is_ascii_alphabetic()));
    match flavour {
        Some((at, _)) => (&release[..at], &release[at + 1..]),
        None => (release, ""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_sort_as_dpkg_sorts_them() {
        // Each older than the next; taken from deb-version(7) and from dpkg's own tests.
        let ascending = [
            "0~~",
            "0~~a",
            "0~",
            "0",
            "0-1",
            "0a",
            "0+",
            "0.0",
            "1.0~rc1-1",
            "1.0-1",
            "1.0-1+b1",
            "1.0-1+deb12u2",
            "1.0-1+deb12u10",
            "1.0.1-1",
            "1.10-1",
            "1:0.1-1",
            "2:0.0-1",
        ];
        for (index, a) in ascending.iter().enumerate() {
            for (other, b) in ascending.iter().enumerate() {
                let expected = index.cmp(&other);
                assert_eq!(compare(a, b), expected, "{a} {b}");
            }
        }
        assert_eq!(compare("1.0", "1.00"), Ordering::Equal);
        assert_eq!(compare("0:1.0-1", "1.0-1"), Ordering::Equal);
        assert_eq!(
            compare("99999999999999999999999", "100000000000000000000000"),
            Ordering::Less
        );
    }

    #[test]
    fn hostile_versions_are_compared_too() {
        for text in ["", ":", "-", "::", "~", "x:y-z", "ä", "1\u{0}"] {
            assert_eq!(compare(text, text), Ordering::Equal);
            let _ = compare(text, "1.0");
        }
    }

    #[test]
    fn a_kernel_has_a_flavour() {
        assert_eq!(kernel("6.1.0-13-amd64"), ("6.1.0-13", "amd64"));
        assert_eq!(kernel("6.1.0-13-cloud-amd64"), ("6.1.0-13", "cloud-amd64"));
        assert_eq!(kernel("6.12.48+deb13-amd64"), ("6.12.48+deb13", "amd64"));
        assert_eq!(kernel("6.1.0"), ("6.1.0", ""));
        assert_eq!(kernel(""), ("", ""));
    }
}
