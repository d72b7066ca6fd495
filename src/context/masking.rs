//! What of a command line looks like a credential: the record of tasks has it masked.
//!
//! An argument may be a name and its value, or a whole script. What cannot be told apart is masked too much rather than
//! too little.

/// What the names end with whose values nobody else should read.
const NAMES: [&str; 19] = [
    "authorization",
    "cookie",
    "password",
    "passwd",
    "passphrase",
    "secret",
    "token",
    "apikey",
    "api-key",
    "api_key",
    "secret-key",
    "_key",
    "_pwd",
    "-pwd",
    "_pass",
    "-pass",
    "dbpass",
    "credential",
    "credentials",
];

const MASK: &str = "********";

/// The argument with what looks like a credential masked: the value of each header (`Authorization: Bearer ...`) and
/// setting (`DB_PASSWORD=...`) of such a name, and the password in each URL.
pub(super) fn masked(argument: &str) -> String {
    let text = without_passwords(argument);
    let mut out = String::with_capacity(text.len());
    let mut shell = Shell::default();
    // Up to where the text is copied or left out.
    let mut done = 0;
    for (at, letter) in text.char_indices() {
        if at < done {
            continue;
        }
        let value_at = at + letter.len_utf8();
        if matches!(letter, ':' | '=')
            && let Some(start) = credential_before(&text[..at])
        {
            let rest = &text[value_at..];
            let length = value_length(&text[..start], rest, letter, &shell);
            let value = &rest[..length];
            if !value.trim().is_empty() && !value.starts_with("//") {
                let space = if value.starts_with(' ') { " " } else { "" };
                out.push(letter);
                out.extend([space, MASK]);
                done = value_at + length;
                continue;
            }
        }
        out.push(letter);
        shell.step(letter);
    }
    out
}

/// Where the name of a credential begins that `text` ends with.
fn credential_before(text: &str) -> Option<usize> {
    // In JSON there is the closing quote of the name before the colon.
    let text = text.trim_end_matches(['"', '\'', '\\']);
    let is_part = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
    let start = text.trim_end_matches(is_part).len();
    let name = text[start..].to_ascii_lowercase();
    // A path that happens to have a colon behind it is no name, nor is the host of a URL.
    if text[..start].ends_with('/') {
        return None;
    }
    // Flags with `-key` name files.
    let is_key = name.ends_with("-key") && !name.starts_with('-');
    let is_one = is_key || name == "pass" || NAMES.iter().any(|end| name.ends_with(end));
    is_one.then_some(start)
}

/// How much of `rest` is the value of a name that stands after `before`.
fn value_length(before: &str, rest: &str, sign: char, shell: &Shell) -> usize {
    let is_first = before.is_empty() || is_flag(before);
    match shell.quote {
        // The argument is this one setting, or that of a flag.
        None if is_first => rest.len(),
        // `-H "Authorization: Bearer x"`: all that is quoted.
        Some(quote) if sign == ':' || before.ends_with(quote) => until_quote(rest, quote),
        None if sign == ':' && rest.starts_with(char::is_whitespace) => rest.len(),
        _ => word_length(rest, shell),
    }
}

/// Whether `text` is a flag up to its `=`, and nothing else.
fn is_flag(text: &str) -> bool {
    let Some(flag) = text.strip_prefix("--").and_then(|t| t.strip_suffix('=')) else {
        return false;
    };
    flag.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
}

/// How far it is to the closing quote.
fn until_quote(rest: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, letter) in rest.char_indices() {
        if escaped {
            escaped = false;
        } else if letter == '\\' && quote != '\'' {
            escaped = true;
        } else if letter == quote {
            return at;
        }
    }
    rest.len()
}

/// How far it is to the end of the word of the shell that `rest` begins in; `around` is what it stands in.
fn word_length(rest: &str, around: &Shell) -> usize {
    let mut shell = Shell::default();
    let mut depth = 0_usize;
    for (at, letter) in rest.char_indices() {
        let is_plain = shell.quote.is_none() && !shell.escaped;
        if is_plain {
            if around.quote == Some(letter) {
                return at;
            }
            match letter {
                '(' => depth += 1,
                ')' if depth > 0 => depth -= 1,
                ')' | ';' | '&' | '|' | '<' | '>' if depth == 0 => return at,
                c if c.is_whitespace() && depth == 0 => return at,
                _ => {}
            }
        }
        shell.step(letter);
    }
    rest.len()
}

/// What a letter stands in, for a shell.
#[derive(Default)]
struct Shell {
    quote: Option<char>,
    escaped: bool,
}

impl Shell {
    fn step(&mut self, letter: char) {
        if self.escaped {
            self.escaped = false;
            return;
        }
        match (self.quote, letter) {
            (Some('\''), '\\') => {}
            (_, '\\') => self.escaped = true,
            (Some(quote), letter) if letter == quote => self.quote = None,
            (None, '\'' | '"' | '`') => self.quote = Some(letter),
            _ => {}
        }
    }
}

/// Each `https://user:password@host/` without the password.
fn without_passwords(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (before, after) = rest.split_at(at + 3);
        out.push_str(before);
        rest = after;
        let ends = |c: char| c.is_whitespace() || "/?#\"'`".contains(c);
        let authority = rest.split(ends).next().unwrap_or(rest);
        let login = authority.rsplit_once('@').map(|(login, _)| login);
        if let Some((user, _)) = login.and_then(|login| login.split_once(':')) {
            out.extend([user, ":", MASK]);
            rest = &rest[authority.rfind('@').unwrap_or(0)..];
        }
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::masked;

    #[test]
    fn credentials_are_masked_and_nothing_else() {
        let cases = [
            ("Authorization: Bearer abc", "Authorization: ********"),
            ("proxy-authorization:abc", "proxy-authorization:********"),
            ("Set-Cookie: a=b", "Set-Cookie: ********"),
            ("X-Api-Key: abc", "X-Api-Key: ********"),
            ("X-Auth-Token: abc", "X-Auth-Token: ********"),
            (
                "--header=Authorization: Bearer abc",
                "--header=Authorization: ********",
            ),
            ("DB_PASSWORD=abc", "DB_PASSWORD=********"),
            ("DB_PASSWORD=correct horse", "DB_PASSWORD=********"),
            ("--env=DB_PASSWORD=a b", "--env=DB_PASSWORD=********"),
            (
                "--php-setting=session.secret=abc",
                "--php-setting=session.secret=********",
            ),
            (
                "https://bob:abc@example.com/a",
                "https://bob:********@example.com/a",
            ),
            (
                "--upstream=https://bob:abc@example.com",
                "--upstream=https://bob:********@example.com",
            ),
            // Nothing secret in these.
            ("X-Frame-Options: DENY", "X-Frame-Options: DENY"),
            (
                "--auth-password-file=/root/password",
                "--auth-password-file=/root/password",
            ),
            ("--auth-password-file", "--auth-password-file"),
            ("--tls-key=/root/key.pem", "--tls-key=/root/key.pem"),
            ("site:example.com", "site:example.com"),
            (
                "https://example.com:8443/a@b",
                "https://example.com:8443/a@b",
            ),
            ("http://token:8080/secret:x", "http://token:8080/secret:x"),
            ("404=/404.html", "404=/404.html"),
            ("cd /srv && PWD=/srv make", "cd /srv && PWD=/srv make"),
            ("--cache-bypass=1", "--cache-bypass=1"),
            ("token.example.com", "token.example.com"),
            ("secret://vault", "secret://vault"),
            ("PASSWORD= ", "PASSWORD= "),
            ("", ""),
        ];
        for (argument, expected) in cases {
            assert_eq!(masked(argument), expected);
        }
    }

    #[test]
    fn names_of_many_kinds_are_known() {
        for name in [
            "AWS_SECRET_ACCESS_KEY",
            "MYSQL_PWD",
            "DB_PASS",
            "DBPASS",
            "pass",
            "SECRET_KEY",
            "PRIVATE_KEY",
            "X-Vault-Key",
            "GOOGLE_CREDENTIALS",
            "--aws-secret-key",
            "passphrase",
        ] {
            assert_eq!(
                masked(&format!("run {name}=abc")),
                format!("run {name}=********")
            );
        }
    }

    #[test]
    fn a_script_is_masked_wherever_it_has_a_credential() {
        let cases = [
            (
                "LANG=C RESTIC_PASSWORD=xyz restic backup /",
                "LANG=C RESTIC_PASSWORD=******** restic backup /",
            ),
            (
                "curl -H \"Accept: x\" -H \"Authorization: Bearer t\" https://a/b",
                "curl -H \"Accept: x\" -H \"Authorization: ********\" https://a/b",
            ),
            (
                "curl -H Authorization:\\ Bearer\\ t https://a",
                "curl -H Authorization:******** https://a",
            ),
            (
                "rsync https://a.example https://bob:abc@b.example 'ftp://eve:d@c/'",
                "rsync https://a.example https://bob:********@b.example 'ftp://eve:********@c/'",
            ),
            (
                "export A_TOKEN='a b'\"c\" B_TOKEN=d; run",
                "export A_TOKEN=******** B_TOKEN=********; run",
            ),
            (
                "env DB_PASS=$(echo a b) x && y",
                "env DB_PASS=******** x && y",
            ),
            (
                "sh -c 'PGPASSWORD=a psql' && echo b",
                "sh -c 'PGPASSWORD=********' && echo b",
            ),
            (
                "sh -c 'A=1 PGPASSWORD=a psql' && echo b",
                "sh -c 'A=1 PGPASSWORD=******** psql' && echo b",
            ),
            (
                "curl -d '{\"user\": \"u\", \"password\": \"a b\"}' x",
                "curl -d '{\"user\": \"u\", \"password\": ********' x",
            ),
            (
                "curl \"https://a/?b=c&token=abc\" -o x",
                "curl \"https://a/?b=c&token=********\" -o x",
            ),
            (
                "cat <<E\nuser: u\npassword: a b\nE",
                "cat <<E\nuser: u\npassword: ********",
            ),
            ("it's A_TOKEN=a b 'c", "it's A_TOKEN=******** b 'c"),
        ];
        for (argument, expected) in cases {
            assert_eq!(masked(argument), expected);
        }
    }
}
