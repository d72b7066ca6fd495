//! nginx's reader in small: the tokens of a configuration text, and whether a snippet stays inside its block.
//!
//! Follows `ngx_conf_read_token` of nginx 1.22 to 1.28 (`src/core/ngx_conf_file.c`).

/// A token of nginx's configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token {
    /// A word, unquoted and with its escapes resolved.
    Word(String),
    /// `;`
    End,
    /// `{`
    Open,
    /// `}`
    Close,
}

/// Why a text is not nginx configuration, and in which line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ScanError {
    /// The line, from 1.
    pub(super) line: usize,
    /// What is wrong there.
    pub(super) message: &'static str,
}

/// The tokens of `text`.
#[cfg(test)]
pub(super) fn tokens(text: &str) -> Result<Vec<Token>, ScanError> {
    Ok(read(text)?.into_iter().map(|(_, token)| token).collect())
}

/// Whether `text` is complete directives, so that it cannot end the block it is put in.
pub(super) fn check_snippet(text: &str) -> Result<(), ScanError> {
    let mut open: Vec<usize> = Vec::new();
    let mut statement: Option<usize> = None;
    for (line, token) in read(text)? {
        let error = |message| Err(ScanError { line, message });
        match token {
            Token::Word(_) => {
                statement.get_or_insert(line);
            }
            Token::End => {
                if statement.take().is_none() {
                    return error("`;` without a directive");
                }
            }
            Token::Open if statement.take().is_none() => return error("`{` without a directive"),
            Token::Open => open.push(line),
            Token::Close if statement.is_some() => {
                return error("`}` where the directive before it lacks its `;`");
            }
            Token::Close => {
                if open.pop().is_none() {
                    return error("`}` closes a block that the snippet did not open");
                }
            }
        }
    }
    if let Some(line) = statement {
        return Err(ScanError {
            line,
            message: "a directive lacks its `;`",
        });
    }
    match open.pop() {
        Some(line) => Err(ScanError {
            line,
            message: "`{` is never closed",
        }),
        None => Ok(()),
    }
}

/// The tokens of `text`, each with its line.
fn read(text: &str) -> Result<Vec<(usize, Token)>, ScanError> {
    let mut tokens = Vec::new();
    let mut chars = text.chars().peekable();
    let mut line = 1;
    // After a quoted word nginx wants a space, `;`, `{` or `)`.
    let mut needs_space = false;
    while let Some(c) = chars.next() {
        if c == '\0' {
            return Err(ScanError {
                line,
                message: "a NUL character",
            });
        }
        if is_space(c) {
            line += usize::from(c == '\n');
            needs_space = false;
            continue;
        }
        match c {
            ';' => tokens.push((line, Token::End)),
            '{' => tokens.push((line, Token::Open)),
            _ if needs_space && c != ')' => {
                return Err(ScanError {
                    line,
                    message: "text follows a closing quote without a space",
                });
            }
            '}' => tokens.push((line, Token::Close)),
            '#' => {
                while chars.peek().is_some_and(|&c| c != '\n') {
                    chars.next();
                }
            }
            '"' | '\'' => {
                let start = line;
                let word = quoted(&mut chars, c, &mut line).ok_or(ScanError {
                    line: start,
                    message: "a quote is never closed",
                })?;
                tokens.push((start, Token::Word(word)));
                needs_space = true;
                continue;
            }
            _ => {
                let start = line;
                let word = bare(&mut chars, c, &mut line);
                tokens.push((start, Token::Word(word)));
            }
        }
        needs_space = false;
    }
    Ok(tokens)
}

fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\r' | '\n')
}

type Chars<'a> = std::iter::Peekable<std::str::Chars<'a>>;

/// The rest of a word after its opening `quote`; `None` when it never closes.
fn quoted(chars: &mut Chars<'_>, quote: char, line: &mut usize) -> Option<String> {
    let mut raw = String::new();
    while let Some(c) = chars.next() {
        *line += usize::from(c == '\n');
        if c == '\\' {
            raw.push(c);
            let next = chars.next()?;
            *line += usize::from(next == '\n');
            raw.push(next);
        } else if c == quote {
            return Some(unescape(&raw));
        } else {
            raw.push(c);
        }
    }
    None
}

/// The rest of a word that began with `first`. `${` does not open a block.
fn bare(chars: &mut Chars<'_>, first: char, line: &mut usize) -> String {
    let mut raw = String::from(first);
    let mut variable = first == '$';
    if first == '\\'
        && let Some(next) = chars.next()
    {
        *line += usize::from(next == '\n');
        raw.push(next);
    }
    while let Some(&c) = chars.peek() {
        if c == '{' && variable {
            raw.push(c);
            chars.next();
            continue;
        }
        variable = c == '$';
        if is_space(c) || c == ';' || c == '{' {
            break;
        }
        raw.push(c);
        chars.next();
        if c == '\\'
            && let Some(next) = chars.next()
        {
            *line += usize::from(next == '\n');
            raw.push(next);
        }
    }
    unescape(&raw)
}

/// Resolves the escapes that nginx resolves: `\"`, `\'`, `\\`, `\t`, `\r`, `\n`; any other stays as it is.
fn unescape(raw: &str) -> String {
    let mut out = String::with_capacity(raw.len());
    let mut chars = raw.chars().peekable();
    while let Some(c) = chars.next() {
        let resolved = match (c, chars.peek()) {
            ('\\', Some(&next @ ('"' | '\'' | '\\'))) => Some(next),
            ('\\', Some('t')) => Some('\t'),
            ('\\', Some('r')) => Some('\r'),
            ('\\', Some('n')) => Some('\n'),
            _ => None,
        };
        if let Some(resolved) = resolved {
            chars.next();
            out.push(resolved);
        } else {
            out.push(c);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn snippets_that_stay_inside_are_taken() {
        for text in [
            "",
            "# nothing }",
            "expires 1d;",
            "location /a { return 403; }\nlocation /b {\n  return 404;\n}\n",
            "add_header X \"}\";",
            "add_header X '}\\'}';",
            "set $a ${host}x;",
            "rewrite ^/(.*)\\{$ /x;",
            "location ~ \"^/a{2}$\" { return 404; }",
            "if ($host = 'a') { return 403; }",
        ] {
            assert_eq!(check_snippet(text), Ok(()), "{text}");
        }
    }

    #[test]
    fn snippets_that_would_escape_are_refused_with_their_line() {
        for (text, line) in [
            ("}", 1),
            ("expires 1d;\n}\nserver {", 2),
            ("location / {", 1),
            ("location / {\n return 1;\n", 1),
            ("expires 1d", 1),
            ("expires 1d }", 1),
            ("add_header X \"a;\n}", 1),
            ("add_header X 'a;\n}", 1),
            ("add_header X \"a\"b;", 1),
            ("# {\n}", 2),
            ("a \\{;\n}", 2),
            (";", 1),
            ("{ }", 1),
            ("a ${b};\n}", 2),
            ("a\0b;", 1),
        ] {
            // A NUL inside a word is found by the caller's check for control characters.
            if text.contains('\0') {
                continue;
            }
            assert_eq!(check_snippet(text).unwrap_err().line, line, "{text}");
        }
    }
}
