//! Secrets of channels: read from where the inventory says they are, when they are needed.

use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{Context, keys};
use crate::model::notification::{SecretPlace, Way};
use crate::notify::Keys;
use crate::shell::Secret;

/// How long a command may take that prints a secret: nobody is there to be asked for anything.
const PATIENCE: Duration = Duration::from_secs(10);

/// The most that is read of a file, in bytes.
const LARGEST: u64 = 64 << 10;

impl Context {
    /// The secrets of a channel.
    ///
    /// # Errors
    /// Why they are not to be had; never with anything of them in it.
    pub fn channel_keys(&self, way: &Way) -> Result<Keys, String> {
        let (url, token) = way.places();
        let read = |place: Option<&SecretPlace>, what: &str| {
            let secret = place.map(|place| self.secret_at(place));
            secret
                .transpose()
                .map_err(|why| format!("its {what} is not to be had: {why}"))
        };
        Ok(Keys {
            url: read(url, "address")?,
            token: read(token, "token")?,
        })
    }

    /// The file of certificates to trust in place of this machine's: `SSL_CERT_FILE`, as OpenSSL has it.
    pub fn trusted_certificates(&self) -> Option<PathBuf> {
        self.environment.path("SSL_CERT_FILE")
    }

    fn secret_at(&self, place: &SecretPlace) -> Result<Secret, String> {
        let (secret, shown) = match place {
            SecretPlace::Here(secret) => return Ok(secret.clone()),
            SecretPlace::File(path) => (file(path)?, format!("`{}`", path.display())),
            SecretPlace::Command(command) => {
                let secret = keys::run("the command", command, false, PATIENCE);
                let secret = secret.map_err(|error| error.message)?;
                (secret, "what the command prints".to_owned())
            }
            SecretPlace::Variable(name) => {
                let text = self.environment.text(name);
                let text = text.ok_or_else(|| format!("`{name}` is not set"))?;
                (Secret::new(text), format!("`{name}`"))
            }
        };
        secret
            .first_line()
            .ok_or_else(|| format!("{shown} begins with an empty line"))
    }
}

/// What is in a file that others must not be able to read.
fn file(path: &Path) -> Result<Secret, String> {
    let shown = path.display();
    let unreadable = |error: std::io::Error| format!("`{shown}` cannot be read: {error}");
    let file = std::fs::File::open(path).map_err(unreadable)?;
    let found = file.metadata().map_err(unreadable)?;
    if found.is_file() && found.mode() & 0o007 != 0 {
        let mode = found.mode() & 0o7777;
        return Err(format!(
            "`{shown}` can be read by everybody (mode {mode:04o}); `chmod 600 {shown}`"
        ));
    }
    let mut text = String::with_capacity(4096);
    file.take(LARGEST)
        .read_to_string(&mut text)
        .map_err(unreadable)?;
    Ok(Secret::new(text))
}
