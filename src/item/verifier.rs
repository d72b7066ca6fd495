//! What a database keeps instead of a password: computed here, so that the password itself never travels, and a
//! password that somebody changed on the server is seen.

use std::num::NonZeroU32;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use ring::{digest, hmac, pbkdf2};

use crate::shell::Secret;

/// Rounds of SCRAM, as PostgreSQL itself takes (`SCRAM_SHA_256_DEFAULT_ITERATIONS`).
const ROUNDS: NonZeroU32 = NonZeroU32::new(4096).expect("more than none");

/// The hash of MariaDB's `mysql_native_password`: `*`, and SHA-1 of the SHA-1 in upper-case hexadecimal.
pub fn native(password: &Secret) -> Secret {
    let sha1 = &digest::SHA1_FOR_LEGACY_USE_ONLY;
    let once = digest::digest(sha1, password.reveal().as_bytes());
    let twice = digest::digest(sha1, once.as_ref());
    Secret::new(format!("*{}", hex(twice.as_ref()).to_ascii_uppercase()))
}

/// The verifier of PostgreSQL's `scram-sha-256` (RFC 5803 has the parts, RFC 5802 section 3 how they are made):
/// `SCRAM-SHA-256$ROUNDS:SALT$STORED-KEY:SERVER-KEY`.
///
/// The password is taken byte for byte: it must be one that `SASLprep` leaves as it is.
pub fn scram(password: &Secret, salt: &[u8; 16]) -> Secret {
    let mut salted = [0; digest::SHA256_OUTPUT_LEN];
    pbkdf2::derive(
        pbkdf2::PBKDF2_HMAC_SHA256,
        ROUNDS,
        salt,
        password.reveal().as_bytes(),
        &mut salted,
    );
    let salted = hmac::Key::new(hmac::HMAC_SHA256, &salted);
    let client = hmac::sign(&salted, b"Client Key");
    let stored = digest::digest(&digest::SHA256, client.as_ref());
    let server = hmac::sign(&salted, b"Server Key");
    Secret::new(format!(
        "SCRAM-SHA-256${ROUNDS}:{}${}:{}",
        BASE64_STANDARD.encode(salt),
        BASE64_STANDARD.encode(stored),
        BASE64_STANDARD.encode(server),
    ))
}

/// What stands for a verifier where it is compared, stored and shown.
pub fn print(verifier: &str) -> String {
    hex(&digest::digest(&digest::SHA256, verifier.as_bytes()).as_ref()[..8])
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_native_hash_is_that_of_mariadb() {
        // `SELECT PASSWORD('password'), PASSWORD('')` as its manual has them.
        let hash = native(&Secret::new("password"));
        assert_eq!(hash.reveal(), "*2470C0C06DEE42FD1618BB99005ADCA2EC9D1E19");
        let hash = native(&Secret::new("mariadb"));
        assert_eq!(hash.reveal(), "*54958E764CE10E50764C2EECBB71D01F08549980");
    }

    #[test]
    fn the_verifier_is_that_of_scram() {
        // RFC 7677 section 3: the user's password is `pencil`; the keys were made from its salt by PostgreSQL's rules.
        let salt: [u8; 16] = BASE64_STANDARD
            .decode("W22ZaJ0SNY7soEsUEjb6gQ==")
            .ok()
            .and_then(|salt| salt.try_into().ok())
            .expect("16 bytes");
        let verifier = scram(&Secret::new("pencil"), &salt);
        assert_eq!(
            verifier.reveal(),
            "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:\
             wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU="
        );
    }
}
