//! Basic authentication: users, hashed passwords, and nginx's file of them.

use sha_crypt::{PasswordHasher, ShaCrypt};

use super::AuthUser;
use crate::diagnostic::Invalid;
use crate::kind::reason::{Reason, push_unopened, refuse, refuse_with_hint, shown};
use crate::kind::{Edge, Secrets};
use crate::shell::Secret;

/// Refuses a name that cannot stand in a line of nginx's user file.
pub(super) fn check_user(user: &str) -> Result<(), Reason> {
    let fine = (1..=64).contains(&user.len())
        && user
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"._@+-".contains(&b));
    if fine {
        Ok(())
    } else {
        refuse_with_hint(
            format!("`{}` is not a user name", shown(user)),
            "1 to 64 of `A-Z a-z 0-9 . _ @ + -`; the password is asked for or read from `--auth-password-file`",
        )
    }
}

/// Hashes a password as crypt(5) `$6$` and seals the hash; the password itself is kept nowhere.
///
/// The salt is a keyed hash of site, user and password, so that giving the same password again changes nothing.
pub(super) fn seal_password(
    site: &str,
    user: &str,
    password: &Secret,
    edge: &mut dyn Edge,
) -> Result<AuthUser, Reason> {
    let text = password.reveal();
    if text.is_empty() || text.len() > 256 {
        return refuse(format!("the password of `{user}` must have 1 to 256 bytes"));
    }
    if text.chars().any(char::is_control) {
        return refuse(format!(
            "the password of `{user}` holds a control character"
        ));
    }
    let unusable = |message| Reason {
        message,
        hint: None,
    };
    let salt = edge
        .derive(password, &format!("basic auth of {user} for site {site}"))
        .map_err(unusable)?;
    // 12 bytes become the 16 characters of salt that `$6$` uses.
    let hash = ShaCrypt::SHA512
        .hash_password_with_salt(text.as_bytes(), &salt[..12])
        .map_err(|error| Reason {
            message: format!("the password of `{user}` could not be hashed: {error}"),
            hint: None,
        })?;
    let sealed = edge.seal(Secret::new(hash.as_str())).map_err(unusable)?;
    Ok(AuthUser {
        user: user.to_owned(),
        password: sealed,
    })
}

/// The text of nginx's `auth_basic_user_file`.
pub(super) fn user_file(users: &[AuthUser], secrets: &dyn Secrets) -> Result<Secret, Invalid> {
    let mut text = String::new();
    let mut invalid = Invalid::default();
    let mut unopened = Vec::new();
    for user in users {
        match secrets.open(&user.password) {
            Ok(hash) => {
                text.push_str(&user.user);
                text.push(':');
                text.push_str(hash.reveal());
                text.push('\n');
            }
            Err(why) => unopened.push((user.user.as_str(), why)),
        }
    }
    push_unopened(&mut invalid, "auth_user", &unopened);
    invalid.into_result()?;
    Ok(Secret::new(text))
}
