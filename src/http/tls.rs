//! TLS for requests: the certificates this machine trusts, and the handshake.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use super::{Failure, Url};

/// Where distributions keep the certificates they trust, in one file: Debian and Arch, Fedora, SUSE, Alpine.
const BUNDLES: [&str; 4] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// Which certificates are trusted; they are read at the first use.
#[derive(Clone, Default)]
pub struct Trust {
    file: Option<PathBuf>,
    config: Arc<OnceLock<Result<Arc<ClientConfig>, String>>>,
}

impl std::fmt::Debug for Trust {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Trust({:?})", self.file)
    }
}

impl Trust {
    /// Those this machine trusts.
    pub fn system() -> Self {
        Self::default()
    }

    /// Those of a PEM file, and no others (`SSL_CERT_FILE` of OpenSSL).
    pub fn file(path: PathBuf) -> Self {
        Self {
            file: Some(path),
            ..Self::default()
        }
    }

    /// Anybody: to look at what is shown, and never to send a secret.
    pub fn any() -> Self {
        let trust = Self::default();
        trust.config.get_or_init(super::any::config);
        trust
    }

    fn config(&self) -> Result<Arc<ClientConfig>, Failure> {
        let config = self.config.get_or_init(|| {
            let file = match &self.file {
                Some(file) => Some(file.as_path()),
                None => BUNDLES.iter().map(Path::new).find(|file| file.exists()),
            };
            let file = file.ok_or(
                "this machine has no trusted certificates: install the package ca-certificates",
            )?;
            config(file)
        });
        config.clone().map_err(Failure::Tls)
    }
}

fn config(file: &Path) -> Result<Arc<ClientConfig>, String> {
    let shown = file.display();
    let pem = fs::read(file).map_err(|error| format!("`{shown}` cannot be read: {error}"))?;
    let mut roots = RootCertStore::empty();
    let certificates = CertificateDer::pem_slice_iter(&pem).filter_map(Result::ok);
    let (taken, _) = roots.add_parsable_certificates(certificates);
    if taken == 0 {
        return Err(format!("`{shown}` holds no certificates"));
    }
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}

/// Agrees on TLS with the server that `url` names.
pub(super) async fn shake(
    trust: &Trust,
    url: &Url,
    stream: TcpStream,
) -> Result<TlsStream<TcpStream>, Failure> {
    let name = ServerName::try_from(url.host().to_owned())
        .map_err(|_| Failure::Tls("the host is no name a certificate could have".to_owned()))?;
    let connector = TlsConnector::from(trust.config()?);
    connector
        .connect(name, stream)
        .await
        .map_err(|error: io::Error| Failure::Tls(error.to_string()))
}

/// The certificates the server showed (DER), its own first.
pub(super) fn certificates(stream: &TlsStream<TcpStream>) -> Vec<Vec<u8>> {
    let shown = stream.get_ref().1.peer_certificates().unwrap_or_default();
    shown.iter().map(|one| one.as_ref().to_vec()).collect()
}
