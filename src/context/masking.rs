//! What of a command line looks like a credential: the record of tasks has it masked.

/// Parts of names whose values nobody else should read.
const NAMES: [&str; 10] = [
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
];

const MASK: &str = "********";

/// The argument with what looks like a credential masked: the value of a header (`Authorization: Bearer ...`) or of a
/// setting (`DB_PASSWORD=...`) of such a name, and the password in a URL.
pub(super) fn masked(argument: &str) -> String {
    for separator in [':', '='] {
        let found = argument.split_once(separator).filter(|(name, value)| {
            is_credential(name) && !value.trim().is_empty() && !value.starts_with("//")
        });
        if let Some((name, value)) = found {
            // `--header=Authorization: x` and `--setting=password=x` have their names behind the flag's.
            if name.starts_with("--") && value.contains([':', '=']) {
                let inner = masked(value);
                if inner != value {
                    return format!("{name}{separator}{inner}");
                }
            }
            // A file is named, not its content.
            if name.starts_with("--") && name.ends_with("-file") {
                break;
            }
            let space = if value.starts_with(' ') { " " } else { "" };
            return format!("{name}{separator}{space}{MASK}");
        }
    }
    if let Some((flag, value)) = argument.split_once('=')
        && flag.starts_with("--")
    {
        return format!("{flag}={}", masked(value));
    }
    without_password(argument)
}

fn is_credential(name: &str) -> bool {
    // A path or a sentence that happens to have a colon in it is no name.
    let name = name.rsplit(' ').next().unwrap_or(name).to_lowercase();
    let ends = |word: &str| name.ends_with(word);
    !name.contains('/')
        && (NAMES.iter().any(|word| ends(word)) || name.ends_with("-key") && name.starts_with("x-"))
}

/// `https://user:password@host/` without the password.
fn without_password(text: &str) -> String {
    let Some((scheme, rest)) = text.split_once("://") else {
        return text.to_owned();
    };
    let authority = rest.split(['/', '?', '#', ' ']).next().unwrap_or(rest);
    let Some((user, _)) = authority
        .rsplit_once('@')
        .and_then(|(login, _)| login.split_once(':'))
    else {
        return text.to_owned();
    };
    let host = &rest[authority.rfind('@').unwrap_or(0)..];
    format!("{scheme}://{user}:{MASK}{host}")
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
            ("--env=DB_PASSWORD=abc", "--env=DB_PASSWORD=********"),
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
            ("site:example.com", "site:example.com"),
            (
                "https://example.com:8443/a@b",
                "https://example.com:8443/a@b",
            ),
            ("404=/404.html", "404=/404.html"),
            ("token.example.com", "token.example.com"),
            ("", ""),
        ];
        for (argument, expected) in cases {
            assert_eq!(masked(argument), expected);
        }
    }
}
