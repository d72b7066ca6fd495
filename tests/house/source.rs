//! A source file with what is not code blanked out: comments, literals and tests.

/// A file below `src`.
#[derive(Clone, Debug)]
pub(crate) struct SourceFile {
    /// Path below `src`.
    pub(crate) name: String,
    /// As it is.
    pub(crate) text: String,
    /// Comments, the insides of literals, and what is compiled for tests only are blanks; lines stay where they are.
    pub(crate) code: String,
}

impl SourceFile {
    pub(crate) fn new(name: &str, text: &str) -> Self {
        let code = without_literals(text);
        let code = if is_test(name) {
            blank(&code)
        } else {
            without_tests(&code)
        };
        Self {
            name: name.to_owned(),
            text: text.to_owned(),
            code,
        }
    }

    /// The module directly below the crate that it belongs to.
    pub(crate) fn room(&self) -> &str {
        let first = self.name.split('/').next().unwrap_or_default();
        first.trim_end_matches(".rs")
    }

    /// Names of the modules it is in, from the crate down: `item`, `file`.
    pub(crate) fn module(&self) -> Vec<&str> {
        let path = self.name.trim_end_matches(".rs");
        let path = path.trim_end_matches("/mod");
        match path {
            "main" | "lib" => Vec::new(),
            path => path.split('/').collect(),
        }
    }

    /// The line (from 1) of an offset of [`Self::code`].
    pub(crate) fn line(&self, offset: usize) -> usize {
        self.code[..offset].matches('\n').count() + 1
    }

    /// `name:line`.
    pub(crate) fn place(&self, offset: usize) -> String {
        format!("{}:{}", self.name, self.line(offset))
    }

    /// Where `word` stands in the code, not as the end or the beginning of a longer identifier.
    pub(crate) fn find_all<'a>(&'a self, word: &'a str) -> impl Iterator<Item = usize> + 'a {
        let begins_with_letter = word.starts_with(is_identifier);
        let ends_with_letter = word.ends_with(is_identifier);
        self.code.match_indices(word).filter_map(move |(at, _)| {
            let before = self.code[..at].chars().next_back();
            let after = self.code[at + word.len()..].chars().next();
            let cut = (begins_with_letter && before.is_some_and(is_identifier))
                || (ends_with_letter && after.is_some_and(is_identifier));
            (!cut).then_some(at)
        })
    }
}

/// Whether a character may stand in an identifier.
pub(crate) fn is_identifier(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Files that hold tests only.
fn is_test(name: &str) -> bool {
    let mut parts = name.trim_end_matches(".rs").split('/');
    parts.any(|part| part == "tests" || part.ends_with("_tests"))
}

fn blank(code: &str) -> String {
    code.chars()
        .map(|c| if c == '\n' { c } else { ' ' })
        .collect()
}

/// Blanks comments and the insides of string and character literals.
fn without_literals(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    while at < chars.len() {
        let end = literal_end(&chars, at, out.chars().next_back());
        let Some(end) = end else {
            out.push(chars[at]);
            at += 1;
            continue;
        };
        // The quotes stay, so that `""` is still something between commas.
        let quoted = chars[at] != '/';
        for (index, &c) in chars[at..end].iter().enumerate() {
            let edge = quoted && (index == 0 || at + index + 1 == end);
            out.push(match c {
                '\n' => '\n',
                _ if edge => '"',
                _ => ' ',
            });
        }
        at = end;
    }
    out
}

/// Where the comment or literal that begins at `at` ends; `None` when none begins there.
fn literal_end(chars: &[char], at: usize, before: Option<char>) -> Option<usize> {
    let starts = |pattern: &str| {
        pattern
            .chars()
            .enumerate()
            .all(|(i, c)| chars.get(at + i) == Some(&c))
    };
    let until = |mut from: usize, pattern: &[char]| {
        while from < chars.len() && !chars[from..].starts_with(pattern) {
            from += 1;
        }
        (from + pattern.len()).min(chars.len())
    };
    if starts("//") {
        return Some(until(at, &['\n']).saturating_sub(1).max(at + 2));
    }
    if starts("/*") {
        let mut depth = 0;
        let mut from = at;
        while from < chars.len() {
            if chars[from..].starts_with(&['/', '*']) {
                depth += 1;
                from += 2;
            } else if chars[from..].starts_with(&['*', '/']) {
                depth -= 1;
                from += 2;
                if depth == 0 {
                    break;
                }
            } else {
                from += 1;
            }
        }
        return Some(from.min(chars.len()));
    }
    if before.is_some_and(is_identifier) {
        return None;
    }
    // The prefixes of a literal: b, c, r, br, cr.
    let prefix = ["br", "cr", "b", "c", "r"]
        .into_iter()
        .find(|p| starts(p) && matches!(chars.get(at + p.len()), Some('"' | '#' | '\'')));
    let open = at + prefix.map_or(0, str::len);
    if prefix.is_some_and(|p| p.ends_with('r')) {
        let hashes = chars[open..].iter().take_while(|c| **c == '#').count();
        if chars.get(open + hashes) != Some(&'"') {
            return None;
        }
        let close: Vec<char> = std::iter::once('"').chain(vec!['#'; hashes]).collect();
        return Some(until(open + hashes + 1, &close));
    }
    match chars.get(open)? {
        '"' => {
            let mut from = open + 1;
            while from < chars.len() && chars[from] != '"' {
                from += if chars[from] == '\\' { 2 } else { 1 };
            }
            Some((from + 1).min(chars.len()))
        }
        // A character, not a lifetime.
        '\'' if chars.get(open + 1) == Some(&'\\') => Some(until(open + 3, &['\''])),
        '\'' if chars.get(open + 2) == Some(&'\'') => Some(open + 3),
        _ => None,
    }
}

/// Blanks every item marked `#[cfg(test)]`.
fn without_tests(code: &str) -> String {
    const MARK: &str = "#[cfg(test)]";
    let mut out = String::with_capacity(code.len());
    let mut rest = code;
    while let Some(at) = rest.find(MARK) {
        out.push_str(&rest[..at]);
        let item = &rest[at..];
        let end = item_end(item);
        out.push_str(&blank(&item[..end]));
        rest = &item[end..];
    }
    out.push_str(rest);
    out
}

/// Where the item at the beginning of `code` ends: behind its `;` or its block.
fn item_end(code: &str) -> usize {
    let mut depth = 0_usize;
    for (at, c) in code.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return at + 1;
                }
            }
            ';' if depth == 0 => return at + 1,
            _ => {}
        }
    }
    code.len()
}
