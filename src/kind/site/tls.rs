//! Own certificates: what is read from files, and whether key, chain, names and dates fit.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use ring::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING, EcdsaKeyPair, Ed25519KeyPair,
    KeyPair, RsaKeyPair,
};
use sha2::{Digest, Sha256};
use x509_parser::certificate::X509Certificate;
use x509_parser::error::X509Error;
use x509_parser::extensions::GeneralName;
use x509_parser::pem::Pem;
use x509_parser::prelude::FromDer;

use super::values::Span;
use super::{SecretId, Site};
use crate::diagnostic::Invalid;
use crate::kind::Edge;
use crate::kind::reason::{Reason, refuse, refuse_with_hint, shown};
use crate::model::check::CheckLimits;
use crate::model::domain::HostPattern;
use crate::shell::Secret;

/// TLS of a site.
#[derive(Clone, Debug)]
pub(super) struct Tls {
    /// Certificate and chain, PEM.
    pub(super) certificate: String,
    /// The sealed key.
    pub(super) key: SecretId,
    /// Whether http redirects to https.
    pub(super) force: bool,
    pub(super) hsts: Option<Hsts>,
}

/// HTTP Strict Transport Security (RFC 6797).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Hsts {
    seconds: u64,
    subdomains: bool,
    preload: bool,
}

impl Hsts {
    /// Parses `180d[,subdomains][,preload]`; `off` is none.
    pub(super) fn parse(text: &str) -> Result<Option<Self>, Reason> {
        if text == "off" {
            return Ok(None);
        }
        let mut words = text.split(',');
        let span = Span::parse(words.next().unwrap_or_default(), 10 * 31_536_000)?;
        let mut hsts = Self {
            seconds: span.seconds,
            subdomains: false,
            preload: false,
        };
        for word in words {
            match word {
                "subdomains" => hsts.subdomains = true,
                "preload" => hsts.preload = true,
                _ => {
                    return refuse_with_hint(
                        format!("`{}` is not an option of HSTS", shown(word)),
                        "`subdomains` or `preload`",
                    );
                }
            }
        }
        if hsts.preload && !(hsts.subdomains && hsts.seconds >= 31_536_000) {
            return refuse_with_hint(
                "browsers take a site into their list only with subdomains and for a year or more",
                "`1y,subdomains,preload`",
            );
        }
        Ok(Some(hsts))
    }

    /// The value of the header.
    pub(super) fn policy(&self) -> String {
        let mut policy = format!("max-age={}", self.seconds);
        if self.subdomains {
            policy.push_str("; includeSubDomains");
        }
        if self.preload {
            policy.push_str("; preload");
        }
        policy
    }
}

/// A private key as it was read.
#[derive(Debug)]
pub(super) struct PrivateKey {
    /// The key alone, PEM.
    pub(super) pem: Secret,
    /// SHA-256 of the public key's bits, in hexadecimal.
    pub(super) public: String,
}

/// The certificates in `text`, and nothing else of it.
pub(super) fn certificates_of(text: &str) -> Result<String, Reason> {
    let mut out = String::new();
    for pem in blocks(text)? {
        if pem.label == "CERTIFICATE" {
            out.push_str(&pem_text("CERTIFICATE", &pem.contents));
        }
    }
    if out.is_empty() {
        return refuse_with_hint(
            "there is no certificate in it",
            "a PEM file: `-----BEGIN CERTIFICATE-----`, the site's own first, then the chain",
        );
    }
    if out.len() > 256 * 1024 {
        return refuse("it is larger than 256 KiB");
    }
    Ok(out)
}

/// The private key in `text`.
pub(super) fn private_key_of(text: &str) -> Result<PrivateKey, Reason> {
    let without_passphrase = "write it without one: `openssl pkey -in KEY -out KEY.plain`";
    if text.contains("Proc-Type: 4,ENCRYPTED") {
        return refuse_with_hint("the key has a passphrase", without_passphrase);
    }
    let mut keys = blocks(text)?
        .into_iter()
        .filter(|pem| pem.label.ends_with("PRIVATE KEY"));
    let Some(pem) = keys.next() else {
        return refuse_with_hint(
            "there is no private key in it",
            "a PEM file: `-----BEGIN PRIVATE KEY-----`",
        );
    };
    if keys.next().is_some() {
        return refuse("there is more than one private key in it");
    }
    let (label, public) = match pem.label.as_str() {
        "PRIVATE KEY" => ("PRIVATE KEY", pkcs8_public(&pem.contents)),
        "RSA PRIVATE KEY" => (
            "RSA PRIVATE KEY",
            rsa_public(RsaKeyPair::from_der(&pem.contents)),
        ),
        "EC PRIVATE KEY" => ("EC PRIVATE KEY", sec1_public(&pem.contents)),
        "ENCRYPTED PRIVATE KEY" => {
            return refuse_with_hint("the key has a passphrase", without_passphrase);
        }
        other => return refuse(format!("`{}` is not a key for TLS", shown(other))),
    };
    let Some(public) = public else {
        return refuse_with_hint(
            "it is not a private key that can be used",
            "RSA of 2048 to 4096 bits, ECDSA P-256 or P-384, or Ed25519",
        );
    };
    Ok(PrivateKey {
        pem: Secret::new(pem_text(label, &pem.contents)),
        public: fingerprint(&public),
    })
}

fn blocks(text: &str) -> Result<Vec<Pem>, Reason> {
    Pem::iter_from_buffer(text.as_bytes())
        .collect::<Result<_, _>>()
        .or_else(|error| refuse(format!("it is not PEM: {error}")))
}

fn pem_text(label: &'static str, der: &[u8]) -> String {
    let base64 = STANDARD.encode(der);
    let mut out = format!("-----BEGIN {label}-----\n");
    for (at, c) in base64.chars().enumerate() {
        if at > 0 && at % 64 == 0 {
            out.push('\n');
        }
        out.push(c);
    }
    out + "\n-----END " + label + "-----\n"
}

fn fingerprint(bits: &[u8]) -> String {
    let bytes: Vec<String> = Sha256::digest(bits)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    bytes.concat()
}

fn rsa_public(pair: Result<RsaKeyPair, ring::error::KeyRejected>) -> Option<Vec<u8>> {
    Some(pair.ok()?.public_key().as_ref().to_vec())
}

/// The public key's bits of a PKCS#8 key (RFC 5958).
fn pkcs8_public(der: &[u8]) -> Option<Vec<u8>> {
    if let Some(public) = rsa_public(RsaKeyPair::from_pkcs8(der)) {
        return Some(public);
    }
    if let Ok(pair) = Ed25519KeyPair::from_pkcs8_maybe_unchecked(der) {
        return Some(pair.public_key().as_ref().to_vec());
    }
    let random = ring::rand::SystemRandom::new();
    for algorithm in [
        &ECDSA_P256_SHA256_ASN1_SIGNING,
        &ECDSA_P384_SHA384_ASN1_SIGNING,
    ] {
        if let Ok(pair) = EcdsaKeyPair::from_pkcs8(algorithm, der, &random) {
            return Some(pair.public_key().as_ref().to_vec());
        }
    }
    None
}

/// The public key's bits of an `EC PRIVATE KEY` (RFC 5915).
fn sec1_public(der: &[u8]) -> Option<Vec<u8>> {
    let (0x30, mut body, _) = element(der)? else {
        return None;
    };
    let (mut private, mut public) = (None, None);
    while !body.is_empty() {
        let (tag, content, rest) = element(body)?;
        body = rest;
        match tag {
            0x04 => private = Some(content),
            // [1] holds a BIT STRING, whose first byte counts unused bits.
            0xa1 => {
                let (0x03, bits, _) = element(content)? else {
                    return None;
                };
                public = bits.strip_prefix(&[0]);
            }
            _ => {}
        }
    }
    let (private, public) = (private?, public?);
    let random = ring::rand::SystemRandom::new();
    [
        &ECDSA_P256_SHA256_ASN1_SIGNING,
        &ECDSA_P384_SHA384_ASN1_SIGNING,
    ]
    .into_iter()
    .find_map(|algorithm| {
        EcdsaKeyPair::from_private_key_and_public_key(algorithm, private, public, &random).ok()
    })
    .map(|pair| pair.public_key().as_ref().to_vec())
}

/// Tag, content and rest of the first DER element.
fn element(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = der.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = if first < 0x80 {
        (usize::from(first), rest)
    } else {
        let count = usize::from(first & 0x7f);
        if count == 0 || count > 3 {
            return None;
        }
        let (bytes, rest) = rest.split_at_checked(count)?;
        let length = bytes
            .iter()
            .fold(0_usize, |length, &byte| (length << 8) | usize::from(byte));
        (length, rest)
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((tag, content, rest))
}

impl Site {
    /// Notes every reason why the certificate cannot serve this site, but for its dates: one that has expired is told by
    /// the checks, and stands in the way of no other setting.
    pub(super) fn check_certificate(&self, name: &str, invalid: &mut Invalid) {
        let Some(text) = &self.tls_certificate else {
            return;
        };
        let blocks = match blocks(text) {
            Ok(blocks) => blocks,
            Err(reason) => return invalid.push("tls_certificate", reason.message),
        };
        let mut chain = Vec::new();
        for (at, pem) in blocks.iter().enumerate() {
            match X509Certificate::from_der(&pem.contents) {
                Ok((_, certificate)) => chain.push(certificate),
                Err(error) => {
                    invalid.push(
                        "tls_certificate",
                        format!("certificate {} of the file cannot be read: {error}", at + 1),
                    );
                    return;
                }
            }
        }
        let Some(leaf) = chain.first() else {
            return;
        };
        check_key(
            leaf,
            &chain,
            self.tls_key.as_ref().map(|key| key.public.as_str()),
            invalid,
        );
        check_chain(&chain, invalid);
        check_names(leaf, &self.names(name), invalid);
    }
}

/// Notes which certificates of a file that is given cannot be used now, and warns of those that soon cannot; what is no certificate is passed
/// over.
pub(super) fn check_dates(text: &str, edge: &mut dyn Edge, invalid: &mut Invalid) {
    for pem in blocks(text).unwrap_or_default() {
        if let Ok((_, certificate)) = X509Certificate::from_der(&pem.contents) {
            check_date(&certificate, edge, invalid);
        }
    }
}

fn check_key(
    leaf: &X509Certificate<'_>,
    chain: &[X509Certificate<'_>],
    public: Option<&str>,
    invalid: &mut Invalid,
) {
    let Some(public) = public else { return };
    let fits = |certificate: &X509Certificate<'_>| {
        fingerprint(&certificate.public_key().subject_public_key.data) == public
    };
    if fits(leaf) {
        return;
    }
    if let Some(at) = chain.iter().position(fits) {
        invalid.push_with_hint(
            "tls_certificate",
            format!(
                "the key belongs to certificate {} of the file, not to the first",
                at + 1
            ),
            "the site's own certificate comes first, then each one's issuer",
        );
    } else {
        invalid.push_with_hint(
            "tls_key",
            format!(
                "the key does not belong to the certificate of `{}`",
                shown(&leaf.subject().to_string())
            ),
            "give the key that the certificate was requested with",
        );
    }
}

fn check_chain(chain: &[X509Certificate<'_>], invalid: &mut Invalid) {
    for (at, pair) in chain.windows(2).enumerate() {
        let [certificate, issuer] = pair else {
            continue;
        };
        let named = certificate.issuer().as_raw() == issuer.subject().as_raw();
        let signed = match certificate.verify_signature(Some(issuer.public_key())) {
            // An algorithm that cannot be checked here is left to the visitors.
            Ok(()) | Err(X509Error::SignatureUnsupportedAlgorithm) => true,
            Err(_) => false,
        };
        if !named || !signed {
            invalid.push_with_hint(
                "tls_certificate",
                format!(
                    "certificate {} of the file (`{}`) is not issued by the next (`{}`)",
                    at + 1,
                    shown(&certificate.subject().to_string()),
                    shown(&issuer.subject().to_string())
                ),
                "the site's own certificate comes first, then each one's issuer",
            );
            return;
        }
    }
    if let [only] = chain
        && only.issuer().as_raw() != only.subject().as_raw()
    {
        invalid.push_with_hint(
            "tls_certificate",
            format!(
                "the certificate of its issuer `{}` is missing, so browsers may refuse it",
                shown(&only.issuer().to_string())
            ),
            "append the chain; certificate authorities often call such a file `fullchain.pem`",
        );
    }
}

fn check_names(leaf: &X509Certificate<'_>, names: &[HostPattern], invalid: &mut Invalid) {
    let mut covered: Vec<String> = Vec::new();
    if let Ok(Some(extension)) = leaf.subject_alternative_name() {
        for name in &extension.value.general_names {
            if let GeneralName::DNSName(name) = name {
                covered.push(name.to_ascii_lowercase());
            }
        }
    }
    let missing: Vec<String> = names
        .iter()
        .map(ToString::to_string)
        .filter(|name| {
            // A wildcard stands for exactly one label (RFC 6125, section 6.4.3).
            let wildcard = name
                .split_once('.')
                .map(|(_, parent)| format!("*.{parent}"));
            !covered.contains(name) && !wildcard.is_some_and(|w| covered.contains(&w))
        })
        .map(|name| format!("`{name}`"))
        .collect();
    if missing.is_empty() {
        return;
    }
    let www = names
        .iter()
        .map(ToString::to_string)
        .find(|name| name.starts_with("www."))
        .filter(|www| missing.len() == 1 && missing[0] == format!("`{www}`"));
    invalid.push_with_hint(
        "tls_certificate",
        format!("the certificate does not cover {}", missing.join(", ")),
        if www.is_some() {
            "get one for all names of the site, or give `--no-www`".to_owned()
        } else {
            format!(
                "get one for all names of the site, or give it other aliases; this one covers {}",
                if covered.is_empty() {
                    "no DNS name".to_owned()
                } else {
                    shown(&covered.join(", "))
                }
            )
        },
    );
}

fn check_date(certificate: &X509Certificate<'_>, edge: &mut dyn Edge, invalid: &mut Invalid) {
    let now = edge.now();
    let validity = certificate.validity();
    let subject = shown(&certificate.subject().to_string());
    let date = |seconds: i64| {
        Timestamp::from_second(seconds).map_or_else(|_| "?".to_owned(), |t| t.to_string())
    };
    let (from, until) = (
        validity.not_before.timestamp(),
        validity.not_after.timestamp(),
    );
    let left = until - now.as_second();
    if left < 0 {
        invalid.push_with_hint(
            "tls_certificate",
            format!("the certificate of `{subject}` expired on {}", date(until)),
            "renew it",
        );
    } else if now.as_second() < from {
        invalid.push_with_hint(
            "tls_certificate",
            format!(
                "the certificate of `{subject}` is valid only from {}",
                date(from)
            ),
            "wait until then, or look whether this machine's clock is right",
        );
    } else if Duration::from_secs(left.unsigned_abs()) < CheckLimits::default().certificate_warn {
        let days = left / 86_400;
        edge.warn(
            format!(
                "the certificate of `{subject}` expires in {days} days, on {}",
                date(until)
            ),
            "renew it, and give the new one with `fleet set-site`".to_owned(),
        );
    }
}
