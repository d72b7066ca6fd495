//! The site kind as a whole: settings in, items out.

#![allow(clippy::unwrap_used)]

use std::path::Path;

use clap::{Args, Command, FromArgMatches};

use super::*;
use crate::item::file::Content;
use crate::kind::{SecretId, Secrets};
use crate::model::Server;
use crate::model::health::ServerFacts;
use crate::shell::Secret;

/// Opens nothing: for sites without secrets.
pub(super) struct NoSecrets;

impl Secrets for NoSecrets {
    fn open(&self, id: &SecretId) -> Result<Secret, String> {
        Err(format!("no secret `{}`", id.0))
    }
}

/// An edge whose files are a list and whose passwords are `hunter2`.
#[derive(Default)]
pub(super) struct TestEdge {
    pub(super) files: Vec<(&'static str, String)>,
    pub(super) sealed: Vec<(String, Secret)>,
}

impl Edge for TestEdge {
    fn read_file(&mut self, path: &Path) -> Result<String, String> {
        let found = self.files.iter().find(|(name, _)| Path::new(name) == path);
        found
            .map(|(_, text)| text.clone())
            .ok_or_else(|| "no such file".to_owned())
    }

    fn ask_password(&mut self, _prompt: &str) -> Result<Secret, String> {
        Ok(Secret::new("hunter2"))
    }

    fn now(&self) -> Timestamp {
        "2026-06-01T00:00:00Z".parse().unwrap()
    }

    fn derive(&mut self, secret: &Secret, purpose: &str) -> Result<[u8; 32], String> {
        use sha2::Digest;
        Ok(sha2::Sha256::digest(format!("{purpose}\0{}", secret.reveal())).into())
    }

    fn seal(&mut self, secret: Secret) -> Result<SecretId, String> {
        let hash = self.derive(&secret, "id")?;
        let id = format!(
            "sec_{:02x}{:02x}{:02x}{:02x}",
            hash[0], hash[1], hash[2], hash[3]
        );
        self.sealed.push((id.clone(), secret));
        Ok(SecretId(id))
    }
}

impl Secrets for TestEdge {
    fn open(&self, id: &SecretId) -> Result<Secret, String> {
        let found = self.sealed.iter().find(|(sealed, _)| *sealed == id.0);
        found
            .map(|(_, secret)| secret.clone())
            .ok_or_else(|| format!("no secret `{}`", id.0))
    }
}

/// The site that `arguments` make.
pub(super) fn site_with(arguments: &[&str], edge: &mut TestEdge) -> Result<Site, Invalid> {
    let words = ["add-site"].iter().chain(arguments);
    let matches = Site::augment_args(Command::new("add-site"))
        .try_get_matches_from(words)
        .unwrap();
    let mut site = Site::from_arg_matches(&matches).unwrap();
    site.absorb("example.com", edge)?;
    site.validate("example.com", edge.now())?;
    Ok(site)
}

/// The site that `arguments` make, with nothing outside.
pub(super) fn site(arguments: &[&str]) -> Result<Site, Invalid> {
    site_with(arguments, &mut TestEdge::default())
}

/// The items of `site` as text, files with their content.
pub(super) fn items_text(
    site: &Site,
    suspended: bool,
    facts: Option<&ServerFacts>,
    secrets: &dyn Secrets,
) -> String {
    let server = Server::new("sg-1".parse().unwrap(), "192.0.2.1");
    let input = Compile {
        name: "example.com",
        suspended,
        server: &server,
        facts,
        secrets,
    };
    let mut out = String::new();
    for item in site.items(&input).unwrap() {
        if let Item::File(file) = &item {
            let head = format!(
                "=== {} {:04o} {}:{} service={} seed={}\n",
                file.path,
                file.mode,
                file.owner,
                file.group,
                file.service.as_deref().unwrap_or("-"),
                file.seed
            );
            out.push_str(&head);
            match &file.content {
                Content::Text(text) => out.push_str(text),
                Content::Secret(secret) => {
                    out.push_str(&format!("(secret, {} bytes)\n", secret.reveal().len()));
                }
            }
        } else {
            out.push_str(&format!("{item:?}\n"));
        }
    }
    out
}

#[test]
fn a_static_site() {
    let site = site(&[]).unwrap();
    insta::assert_snapshot!(items_text(&site, false, None, &NoSecrets));
}

#[test]
fn a_suspended_site() {
    let site = site(&["--no-ipv6", "--canonical", "www.example.com"]).unwrap();
    insta::assert_snapshot!(items_text(&site, true, None, &NoSecrets));
}

#[test]
fn names_and_canonical() {
    let site = site(&[
        "--alias",
        "Bücher.example,*.example.com",
        "--alias",
        "www.example.com",
        "--alias",
        "a-name-that-is-longer-than-the-default-of-nginx.example.com",
        "--canonical",
        "www.Example.com.",
        "--root",
        "app/public/",
        "--index",
        "home.html",
    ])
    .unwrap();
    insta::assert_snapshot!(items_text(&site, false, None, &NoSecrets));
    assert_eq!(
        site.summary("example.com")[0].1,
        "www.example.com xn--bcher-kva.example *.example.com a-name-that-is-longer-than-the-default-of-nginx.example.com"
    );
    let claims: Vec<String> = site
        .claims("example.com")
        .into_iter()
        .map(|c| c.name)
        .collect();
    assert_eq!(claims.len(), 6);
}

#[test]
fn the_stored_json_is_the_flags_and_reads_back() {
    let site = site(&["--no-www", "--alias", "A.example.org"]).unwrap();
    let json = serde_json::to_value(&site).unwrap();
    assert_eq!(
        json,
        serde_json::json!({"alias": ["a.example.org"], "www": false})
    );
    assert_eq!(serde_json::from_value::<Site>(json).unwrap(), site);
    assert_eq!(serde_json::to_string(&Site::default()).unwrap(), "{}");
    assert!(serde_json::from_str::<Site>("{\"alais\": []}").is_err());
}

#[test]
fn every_argument_sets_a_stored_field() {
    let command = Site::augment_args(Command::new("add-site"));
    for argument in command.get_arguments() {
        let id = argument.get_id().as_str();
        let fields = match Site::sets(id) {
            [] => vec![id],
            fields => fields.to_vec(),
        };
        for field in fields {
            let known = STORED.contains(&field);
            assert!(known, "`{id}` sets `{field}`, which is not stored");
        }
    }
}

/// Every key of the stored JSON.
const STORED: &[&str] = &[
    "alias",
    "www",
    "canonical",
    "root",
    "index",
    "ipv6",
    "health_path",
    "health_status",
];
