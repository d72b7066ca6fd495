//! The site kind as a whole: settings in, items out.

#![allow(clippy::unwrap_used)]

use std::fmt::Write;
use std::path::Path;

use clap::{Args, Command, FromArgMatches};

use super::*;
use crate::item::file::Content;
use crate::kind::{Fleet, SecretId, Secrets};
use crate::model::Server;
use crate::model::health::ServerFacts;
use crate::shell::Secret;

mod certificates;
mod hostile;
mod live;
mod real;

/// Opens nothing: for sites without secrets.
pub(super) struct NoSecrets;

impl Secrets for NoSecrets {
    fn open(&self, id: &SecretId) -> Result<Secret, String> {
        Err(format!("no secret `{}`", id.0))
    }
}

/// An edge whose files are a list and whose passwords are `hunter2`.
#[derive(Default)]
pub(in crate::kind) struct TestEdge {
    pub(in crate::kind) files: Vec<(&'static str, String)>,
    pub(in crate::kind) sealed: Vec<(String, Secret)>,
    pub(in crate::kind) told: Vec<String>,
    pub(in crate::kind) warnings: Vec<String>,
    pub(in crate::kind) at: Option<Timestamp>,
}

impl Edge for TestEdge {
    fn read_file(&mut self, path: &Path) -> Result<String, String> {
        let found = self.files.iter().find(|(name, _)| Path::new(name) == path);
        found
            .map(|(_, text)| text.clone())
            .ok_or_else(|| "no such file".to_owned())
    }

    fn warn(&mut self, message: String, _hint: String) {
        self.warnings.push(message);
    }

    fn ask_password(&mut self, _prompt: &str) -> Result<Secret, String> {
        Ok(Secret::new("hunter2"))
    }

    fn now(&self) -> Timestamp {
        self.at
            .unwrap_or_else(|| "2027-01-01T00:00:00Z".parse().unwrap())
    }

    fn derive(&mut self, secret: &Secret, purpose: &str) -> Result<[u8; 32], String> {
        use sha2::Digest;
        Ok(sha2::Sha256::digest(format!("{purpose}\0{}", secret.reveal())).into())
    }

    fn is_new(&self) -> bool {
        true
    }

    fn generate(&mut self) -> Result<Secret, String> {
        Ok(Secret::new("generated"))
    }

    fn tell(&mut self, what: String, _id: SecretId, _secret: Secret) {
        self.told.push(what);
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

/// What a server with nginx and PHP said of itself.
pub(super) fn facts(nginx: &str) -> ServerFacts {
    ServerFacts {
        nginx: Some(nginx.to_owned()),
        php: vec!["8.2".to_owned(), "8.10".to_owned()],
        ipv6: Some(true),
        ..ServerFacts::default()
    }
}

/// A file of the fixtures: keys and certificates made for these tests alone.
pub(super) fn fixture(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("src/kind/site/fixtures")
        .join(name);
    std::fs::read_to_string(path).unwrap()
}

/// An edge with a key, a chain, a snippet and passwords.
pub(super) fn full_edge() -> TestEdge {
    TestEdge {
        files: vec![
            ("chain.pem", fixture("p256.crt") + &fixture("inter.crt")),
            ("key.pem", fixture("p256.key")),
            (
                "snippet",
                "location /internal {\n    return 403;\n}\n".to_owned(),
            ),
            ("-", "correct horse\nbattery staple\n".to_owned()),
        ],
        ..TestEdge::default()
    }
}

/// Every setting of a PHP site at once.
pub(super) const EVERYTHING: &[&str] = &[
    "--php",
    "8.2",
    "--php-memory",
    "512M",
    "--php-upload",
    "32M",
    "--php-children",
    "12",
    "--php-timeout",
    "2m",
    "--php-ini",
    "max_input_vars=5000",
    "--php-ini",
    "display_errors=on",
    "--php-ini",
    "date.timezone=Asia/Jakarta",
    "--php-deny",
    "/wp-content/uploads",
    "--alias",
    "shop.example.org",
    "--canonical",
    "www.example.com",
    "--root",
    "app/public",
    "--index",
    "index.php,home.html",
    "--error-page",
    "404=/404.html",
    "--error-page",
    "500,502=/sorry page.html",
    "--cache",
    "30d",
    "--header",
    "X-Frame-Options: DENY",
    "--header",
    "Content-Security-Policy: default-src 'self'; img-src \"x\" {y} # z \\ ~",
    "--redirect-path",
    "/old=/new",
    "--redirect-path",
    "/caf%C3%A9 1=https://bücher.example/?a=b,302",
    "--max-body",
    "128m",
    "--allow",
    "192.0.2.0/24",
    "--allow",
    "2001:db8::/32",
    "--deny",
    "192.0.2.7",
    "--rate-limit",
    "10r/s,burst=50",
    "--auth-user",
    "alice,bob",
    "--auth-password-file",
    "-",
    "--tls-certificate",
    "chain.pem",
    "--tls-key",
    "key.pem",
    "--hsts",
    "1y,subdomains,preload",
    "--log-days",
    "30",
    "--snippet",
    "snippet",
    "--health-path",
    "/status?full=1",
    "--health-status",
    "200-299",
];

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
        generation: 1,
        placements: &[],
        fleet: Fleet::EMPTY,
    };
    let mut out = String::new();
    for item in site.items(&input).unwrap() {
        if let Item::File(mut file) = item {
            file.fill(&[]);
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
                Content::Secret(secret) | Content::Login(secret, _) => {
                    let _ = writeln!(out, "(secret, {} bytes)", secret.reveal().len());
                }
            }
        } else {
            let _ = writeln!(out, "{item:?}");
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
fn a_php_site_with_everything() {
    let mut edge = full_edge();
    let site = site_with(EVERYTHING, &mut edge).unwrap();
    insta::assert_snapshot!(items_text(&site, false, Some(&facts("1.22.1")), &edge));
}

#[test]
fn a_plain_php_site() {
    let site = site(&["--type", "php"]).unwrap();
    insta::assert_snapshot!(items_text(&site, false, Some(&facts("1.22.1")), &NoSecrets));
}

#[test]
fn a_proxy_site_with_tls_on_a_new_nginx() {
    let mut edge = full_edge();
    let arguments = [
        "--upstream",
        "127.0.0.1:3000,weight=3",
        "--upstream",
        "[::1]:3000",
        "--upstream",
        "localhost:3001",
        "--upstream",
        "unix:/run/app.sock",
        "--websocket",
        "--proxy-timeout",
        "5m",
        "--tls-certificate",
        "chain.pem",
        "--tls-key",
        "key.pem",
        "--no-force-https",
        "--no-access-log",
        "--no-gzip",
        "--error-page",
        "502=/502.html",
    ];
    let site = site_with(&arguments, &mut edge).unwrap();
    insta::assert_snapshot!(items_text(&site, false, Some(&facts("1.26.3")), &edge));
}

#[test]
fn a_proxy_site_with_a_remote_upstream() {
    let site = site(&[
        "--upstream",
        "https://backend.example.net",
        "--upstream",
        "https://10.0.0.2:8443/",
        "--upstream-host",
        "backend.example.net:8443",
    ])
    .unwrap();
    insta::assert_snapshot!(items_text(&site, false, None, &NoSecrets));
}

#[test]
fn an_upstream_with_a_name_is_looked_up_with_each_request() {
    let facts = ServerFacts {
        ipv6: Some(false),
        ..facts("1.22.1")
    };
    let site = site(&["--upstream", "https://api.partner.example"]).unwrap();
    let text = items_text(&site, false, Some(&facts), &NoSecrets);
    assert!(
        !text.contains("upstream {") && !text.contains("split_clients"),
        "{text}"
    );
    let lines = "        set $fleet_upstream_example_com_dzgwopzf6x api.partner.example:443;
        proxy_pass https://$fleet_upstream_example_com_dzgwopzf6x;
        resolver 127.0.0.1 ipv6=off;
        resolver_timeout 5s;
";
    assert!(text.contains(lines), "{text}");
}

#[test]
fn a_suspended_site_with_everything() {
    let mut edge = full_edge();
    let site = site_with(EVERYTHING, &mut edge).unwrap();
    insta::assert_snapshot!(items_text(&site, true, Some(&facts("1.26.3")), &edge));
}

#[test]
fn a_site_that_redirects() {
    let site = site(&[
        "--redirect",
        "https://Bücher.example:8443",
        "--redirect-code",
        "308",
        "--redirect-path",
        "/stay=/here?x=1",
        "--type",
        "proxy",
    ])
    .unwrap();
    insta::assert_snapshot!(items_text(&site, false, None, &NoSecrets));
}

#[test]
fn a_single_page_site() {
    let site = site(&["--single-page", "--redirect", "https://example.org/a?b=c"]).unwrap();
    assert!(
        items_text(&site, false, None, &NoSecrets)
            .contains("return 301 https://example.org/a?b=c;")
    );
    let site = super::tests::site(&["--single-page", "--index", "app.html"]).unwrap();
    assert!(
        items_text(&site, false, None, &NoSecrets).contains("try_files $uri $uri/ /app.html =404;")
    );
}

#[test]
fn the_php_version_must_be_on_the_server() {
    let server = Server::new("sg-1".parse().unwrap(), "192.0.2.1");
    let facts_with = facts("1.22.1");
    let without = ServerFacts {
        php: Vec::new(),
        ..facts("1.22.1")
    };
    let error = |arguments: &[&str], facts: Option<&ServerFacts>| {
        let input = Compile {
            name: "example.com",
            suspended: false,
            server: &server,
            facts,
            secrets: &NoSecrets,
            generation: 1,
            placements: &[],
            fleet: Fleet::EMPTY,
        };
        site(arguments).unwrap().items(&input).map(drop)
    };
    assert!(error(&["--php", "8.10"], Some(&facts_with)).is_ok());
    let problem = |result: Result<(), Invalid>| result.unwrap_err().problems.remove(0);
    let missing = problem(error(&["--php", "7.4"], Some(&facts_with)));
    assert_eq!(missing.message, "`sg-1` has no PHP 7.4, but 8.2, 8.10");
    assert!(missing.hint.unwrap().contains("fleet setup-server sg-1"));
    let none = problem(error(&["--type", "php"], Some(&without)));
    assert_eq!(none.message, "`sg-1` has no PHP-FPM");
    let bare = error(&["--type", "php"], Some(&ServerFacts::default())).unwrap_err();
    let messages: Vec<&str> = bare.problems.iter().map(|p| p.message.as_str()).collect();
    assert_eq!(messages, ["`sg-1` has no nginx", "`sg-1` has no PHP-FPM"]);
    let unknown = problem(error(&["--type", "php"], None));
    assert!(unknown.hint.unwrap().contains("fleet health --server sg-1"));
    // 8.10 is newer than 8.2.
    let text = items_text(
        &site(&["--type", "php"]).unwrap(),
        false,
        Some(&facts_with),
        &NoSecrets,
    );
    assert!(text.contains("/etc/php/8.10/fpm/pool.d/fleet-example.com.conf"));
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
    let summary: Vec<String> = site
        .summary("example.com")
        .into_iter()
        .map(|(_, v)| v.into_owned())
        .collect();
    assert_eq!(
        summary,
        [
            "static",
            "www.example.com xn--bcher-kva.example *.example.com a-name-that-is-longer-than-the-default-of-nginx.example.com",
            "no",
            "",
        ]
    );
    let claims: Vec<String> = site
        .claims("example.com")
        .into_iter()
        .map(|claim| format!("{} {}", claim.space, claim.name))
        .collect();
    assert_eq!(claims.len(), 6);
    assert_eq!(claims[0], "host example.com");
    assert!(claims[5].starts_with("user w_example-com_"));
}

#[test]
fn the_stored_json_is_the_flags_and_reads_back() {
    let site = site(&[
        "--no-www",
        "--alias",
        "A.example.org",
        "--gzip",
        "--type",
        "static",
    ])
    .unwrap();
    let json = serde_json::to_value(&site).unwrap();
    assert_eq!(
        json,
        serde_json::json!({"type": "static", "alias": ["a.example.org"], "www": false, "gzip": true})
    );
    assert_eq!(serde_json::from_value::<Site>(json).unwrap(), site);
    assert_eq!(serde_json::to_string(&Site::default()).unwrap(), "{}");
    assert!(serde_json::from_str::<Site>("{\"alais\": []}").is_err());
}

#[test]
fn the_same_arguments_give_the_same_spec_and_no_secret_in_it() {
    let stored = |edge: &mut TestEdge| {
        let site = site_with(EVERYTHING, edge).unwrap();
        serde_json::to_string(&site).unwrap()
    };
    let (mut first, mut second) = (full_edge(), full_edge());
    let text = stored(&mut first);
    assert_eq!(text, stored(&mut second));
    for secret in ["correct horse", "battery", "$6$", "PRIVATE KEY"] {
        assert!(!text.contains(secret), "{secret}");
    }
    let site: Site = serde_json::from_str(&text).unwrap();
    site.validate("example.com", first.now()).unwrap();
}

#[test]
fn passwords_are_hashed_as_crypt_does() {
    use sha_crypt::{PasswordVerifier, ShaCrypt};
    let mut edge = full_edge();
    site_with(
        &["--auth-user", "alice,bob", "--auth-password-file", "-"],
        &mut edge,
    )
    .unwrap();
    let hashes: Vec<&str> = edge
        .sealed
        .iter()
        .map(|(_, secret)| secret.reveal())
        .collect();
    assert!(
        hashes.iter().all(|hash| hash.starts_with("$6$")),
        "{hashes:?}"
    );
    ShaCrypt::SHA512
        .verify_password(b"correct horse", hashes[0])
        .unwrap();
    ShaCrypt::SHA512
        .verify_password(b"battery staple", hashes[1])
        .unwrap();
    assert!(
        ShaCrypt::SHA512
            .verify_password(b"battery staple", hashes[0])
            .is_err()
    );
}

#[test]
fn a_switch_can_be_turned_back() {
    for (arguments, expected) in [
        (&["--www", "--no-www"][..], Some(false)),
        (&["--no-www", "--www"], Some(true)),
        (&["--www"], Some(true)),
        (&[], None),
    ] {
        assert_eq!(site(arguments).unwrap().www, expected, "{arguments:?}");
    }
}

#[test]
fn every_argument_sets_a_stored_field() {
    let known: Site = serde_json::from_value(serde_json::json!({})).unwrap();
    assert_eq!(known, Site::default());
    let command = Site::augment_args(Command::new("add-site"));
    for argument in command.get_arguments() {
        let id = argument.get_id().as_str();
        let fields = match Site::sets(id) {
            [] => vec![id],
            fields => fields.to_vec(),
        };
        for field in fields {
            // An unknown field is refused as such; a known one at most for the type of its value.
            let error =
                serde_json::from_value::<Site>(serde_json::json!({ field: {} })).unwrap_err();
            assert!(
                !error.to_string().contains("unknown field"),
                "`{id}` sets `{field}`, which is not stored"
            );
        }
    }
}
