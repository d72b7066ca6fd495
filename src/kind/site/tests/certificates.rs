//! Certificates and keys that fit, and those that do not.

use super::*;

/// The first problem of a site with this certificate file and this key, or what is stored.
fn with(certificates: &[&str], key: &str, more: &[&str]) -> Result<Site, (String, String, String)> {
    let mut edge = TestEdge {
        files: vec![
            ("c", certificates.iter().map(|name| fixture(name)).collect()),
            ("k", fixture(key)),
        ],
        ..TestEdge::default()
    };
    let arguments = [&["--tls-certificate", "c", "--tls-key", "k"], more].concat();
    site_with(&arguments, &mut edge).map_err(|invalid| {
        let problem = invalid.problems.into_iter().next().unwrap();
        (
            problem.field,
            problem.message,
            problem.hint.unwrap_or_default(),
        )
    })
}

#[test]
fn every_kind_of_key_is_taken() {
    for (certificate, key) in [
        ("p256.crt", "p256.key"),
        ("p256.crt", "p256-sec1.key"),
        ("p384.crt", "p384.key"),
        ("p384.crt", "p384-sec1.key"),
        ("rsa.crt", "rsa.key"),
        ("rsa.crt", "rsa-pkcs1.key"),
        ("ed25519.crt", "ed25519.key"),
    ] {
        with(&[certificate, "inter.crt"], key, &[]).unwrap();
        with(&[certificate, "inter.crt", "root.crt"], key, &[]).unwrap();
    }
    with(&["self.crt"], "p256.key", &[]).unwrap();
}

#[test]
fn a_key_that_does_not_fit_is_refused() {
    let (field, message, _) = with(&["p256.crt", "inter.crt"], "p384.key", &[]).unwrap_err();
    assert_eq!(field, "tls_key");
    assert_eq!(
        message,
        "the key does not belong to the certificate of `CN=example.com`"
    );
    for (key, expected) in [
        ("p256-encrypted.key", "the key has a passphrase"),
        ("rsa-encrypted.key", "the key has a passphrase"),
        ("p521.key", "it is not a private key that can be used"),
        ("p256.crt", "there is no private key in it"),
    ] {
        let (field, message, hint) = with(&["p256.crt", "inter.crt"], key, &[]).unwrap_err();
        assert_eq!((field.as_str(), message.as_str()), ("tls_key", expected));
        assert!(!hint.is_empty(), "{key}");
    }
}

#[test]
fn the_chain_must_be_whole_and_in_order() {
    let (_, message, hint) = with(&["p256.crt"], "p256.key", &[]).unwrap_err();
    assert!(
        message.contains("`CN=Test Intermediate` is missing"),
        "{message}"
    );
    assert!(hint.contains("fullchain"));
    let (_, message, _) = with(&["inter.crt", "p256.crt"], "p256.key", &[]).unwrap_err();
    assert_eq!(
        message,
        "the key belongs to certificate 2 of the file, not to the first"
    );
    let (_, message, _) =
        with(&["p256.crt", "root.crt", "inter.crt"], "p256.key", &[]).unwrap_err();
    assert_eq!(
        message,
        "certificate 1 of the file (`CN=example.com`) is not issued by the next (`CN=Test Root`)"
    );
    // The name of the issuer alone is not enough: its signature is looked at.
    let (_, message, _) = with(&["p256.crt", "p384.crt"], "p256.key", &[]).unwrap_err();
    assert!(message.contains("not issued by the next"), "{message}");
}

#[test]
fn all_names_must_be_covered() {
    let (field, message, hint) = with(&["apex.crt", "inter.crt"], "p256.key", &[]).unwrap_err();
    assert_eq!(field, "tls_certificate");
    assert_eq!(message, "the certificate does not cover `www.example.com`");
    assert!(hint.contains("--no-www"), "{hint}");
    with(&["apex.crt", "inter.crt"], "p256.key", &["--no-www"]).unwrap();
    let chain = &["p256.crt", "inter.crt"];
    with(
        chain,
        "p256.key",
        &["--alias", "a.example.org,*.example.org"],
    )
    .unwrap();
    let (_, message, hint) = with(
        chain,
        "p256.key",
        &["--alias", "example.org,a.b.example.org,*.example.net"],
    )
    .unwrap_err();
    assert_eq!(
        message,
        "the certificate does not cover `example.org`, `a.b.example.org`, `*.example.net`"
    );
    assert!(
        hint.contains("example.com, www.example.com, *.example.org"),
        "{hint}"
    );
}

#[test]
fn dates_are_looked_at() {
    let (_, message, _) = with(&["expired.crt", "inter.crt"], "p256.key", &[]).unwrap_err();
    assert_eq!(
        message,
        "the certificate of `CN=example.com` expired on 2025-01-01T00:00:00Z"
    );
    let (_, message, _) = with(&["future.crt", "inter.crt"], "p256.key", &[]).unwrap_err();
    assert_eq!(
        message,
        "the certificate of `CN=example.com` is valid only from 2030-01-01T00:00:00Z"
    );
}

#[test]
fn a_certificate_that_expires_soon_is_warned_of() {
    let told = |at: &str| {
        let mut edge = TestEdge {
            files: vec![
                ("c", ["p256.crt", "inter.crt"].map(fixture).concat()),
                ("k", fixture("p256.key")),
            ],
            at: Some(at.parse().unwrap()),
            ..TestEdge::default()
        };
        let arguments = ["--tls-certificate", "c", "--tls-key", "k"];
        site_with(&arguments, &mut edge).unwrap();
        edge.warnings.into_iter().next()
    };
    assert_eq!(told("2124-12-10T00:00:00Z"), None);
    assert_eq!(
        told("2124-12-20T12:00:00Z").as_deref(),
        Some("the certificate of `CN=example.com` expires in 11 days, on 2125-01-01T00:00:00Z")
    );
}

#[test]
fn a_certificate_that_has_expired_since_keeps_nobody_from_other_settings() {
    let mut site = with(&["p256.crt", "inter.crt"], "p256.key", &[]).unwrap();
    let expired = ["expired.crt", "inter.crt"].map(fixture).concat();
    site.tls_certificate = Some(tls::certificates_of(&expired).unwrap());
    site.validate("example.com", TestEdge::default().now())
        .unwrap();
    // What it covers still counts.
    site.alias.push("shop.example.net".to_owned());
    site.validate("example.com", TestEdge::default().now())
        .unwrap_err();
}

#[test]
fn garbage_is_not_pem() {
    for (text, expected) in [
        ("", "there is no certificate in it"),
        ("hello\n", "there is no certificate in it"),
        ("-----BEGIN CERTIFICATE-----\nAAAA\n", "it is not PEM"),
        (
            "-----BEGIN CERTIFICATE-----\n!!!!\n-----END CERTIFICATE-----\n",
            "it is not PEM",
        ),
        (
            "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
            "cannot be read",
        ),
    ] {
        let mut edge = full_edge();
        edge.files[0].1 = text.to_owned();
        let result = site_with(
            &["--tls-certificate", "chain.pem", "--tls-key", "key.pem"],
            &mut edge,
        );
        let problem = result.unwrap_err().problems.remove(0);
        assert_eq!(problem.field, "tls_certificate");
        assert!(
            problem.message.contains(expected),
            "{text:?}: {}",
            problem.message
        );
    }
}

#[test]
fn a_private_key_beside_the_certificate_is_not_stored() {
    let site = with(&["p256.key", "p256.crt", "inter.crt"], "p256.key", &[]).unwrap();
    let stored = serde_json::to_string(&site).unwrap();
    assert!(!stored.contains("PRIVATE"));
    assert!(stored.contains("BEGIN CERTIFICATE"));
}

#[test]
fn certificate_and_key_come_together() {
    for (arguments, field) in [
        (["--tls-certificate", "chain.pem"], "tls_key"),
        (["--tls-key", "key.pem"], "tls_certificate"),
    ] {
        let problem = site_with(&arguments, &mut full_edge())
            .unwrap_err()
            .problems
            .remove(0);
        assert_eq!(problem.field, field);
    }
}
