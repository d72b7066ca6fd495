//! TLS for requests: the certificates this machine trusts, and the handshake.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::client::WebPkiServerVerifier;
use tokio_rustls::rustls::client::danger::ServerCertVerifier as _;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_rustls::rustls::{CertificateError, ClientConfig, Error, RootCertStore};

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
    known: Arc<OnceLock<Result<Known, String>>>,
}

/// What follows from the certificates that are trusted.
#[derive(Clone)]
struct Known {
    client: Arc<ClientConfig>,
    /// Who judges what others have shown; nobody where anybody is trusted.
    verifier: Option<Arc<WebPkiServerVerifier>>,
}

/// Why a certificate is not trusted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Distrust {
    /// Nobody who is trusted has signed it, by way of the certificates that came along.
    Issuer,
    /// One of these has expired, or is not valid yet.
    Time,
    /// Anything else, in words.
    Other(String),
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
        trust.known.get_or_init(|| {
            let client = super::any::config()?;
            let verifier = None;
            Ok(Known { client, verifier })
        });
        trust
    }

    /// Why a visitor who trusts these does not trust what a server showed: its certificate and those that came along (DER),
    /// at this time in seconds since 1970. `None` where there is nothing to object to but the host name, which is not
    /// looked at; an error where that cannot be told.
    pub fn objection(&self, shown: &[Vec<u8>], seconds: u64) -> Result<Option<Distrust>, String> {
        let Some(verifier) = self.known()?.verifier else {
            return Ok(None);
        };
        let Some((own, others)) = shown.split_first() else {
            return Ok(None);
        };
        let others: Vec<CertificateDer<'_>> =
            others.iter().map(|der| der.as_slice().into()).collect();
        // Names come last: what is for none at all has passed everything else.
        let nobody = ServerName::try_from("name.invalid").map_err(|error| error.to_string())?;
        let now = UnixTime::since_unix_epoch(Duration::from_secs(seconds));
        let verdict =
            verifier.verify_server_cert(&own.as_slice().into(), &others, &nobody, &[], now);
        Ok(match verdict {
            Ok(_) => None,
            Err(Error::InvalidCertificate(error)) => match error {
                CertificateError::NotValidForName
                | CertificateError::NotValidForNameContext { .. } => None,
                CertificateError::UnknownIssuer => Some(Distrust::Issuer),
                CertificateError::Expired
                | CertificateError::ExpiredContext { .. }
                | CertificateError::NotValidYet
                | CertificateError::NotValidYetContext { .. } => Some(Distrust::Time),
                other => Some(Distrust::Other(other.to_string())),
            },
            Err(error) => Some(Distrust::Other(error.to_string())),
        })
    }

    fn known(&self) -> Result<Known, String> {
        let known = self.known.get_or_init(|| {
            let file = match &self.file {
                Some(file) => Some(file.as_path()),
                None => BUNDLES.iter().map(Path::new).find(|file| file.exists()),
            };
            let file = file.ok_or(
                "this machine has no trusted certificates: install the package ca-certificates",
            )?;
            known(file)
        });
        known.clone()
    }
}

fn known(file: &Path) -> Result<Known, String> {
    let shown = file.display();
    let pem = fs::read(file).map_err(|error| format!("`{shown}` cannot be read: {error}"))?;
    let mut roots = RootCertStore::empty();
    let certificates = CertificateDer::pem_slice_iter(&pem).filter_map(Result::ok);
    let (taken, _) = roots.add_parsable_certificates(certificates);
    if taken == 0 {
        return Err(format!("`{shown}` holds no certificates"));
    }
    let provider = Arc::new(ring::default_provider());
    let verifier =
        WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider))
            .build()
            .map_err(|error| error.to_string())?;
    let client = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_webpki_verifier(Arc::clone(&verifier))
        .with_no_client_auth();
    Ok(Known {
        client: Arc::new(client),
        verifier: Some(verifier),
    })
}

/// Agrees on TLS with the server that `url` names.
pub(super) async fn shake(
    trust: &Trust,
    url: &Url,
    stream: TcpStream,
) -> Result<TlsStream<TcpStream>, Failure> {
    let name = ServerName::try_from(url.host().to_owned())
        .map_err(|_| Failure::Tls("the host is no name a certificate could have".to_owned()))?;
    let connector = TlsConnector::from(trust.known().map_err(Failure::Tls)?.client);
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
