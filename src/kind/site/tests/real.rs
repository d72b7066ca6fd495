//! What is rendered, read by the real nginx and PHP-FPM where they are installed.

use std::fs;
use std::path::PathBuf;
use std::process::Command as Process;

use super::*;

/// The path of `program`, or a line that says what was left out.
pub(super) fn installed(program: &str) -> Option<PathBuf> {
    let found = ["/usr/sbin", "/usr/bin", "/usr/local/sbin"]
        .iter()
        .map(|dir| Path::new(dir).join(program))
        .find(|path| path.exists());
    if found.is_none() {
        #[allow(clippy::print_stderr)]
        {
            eprintln!("left out: {program} is not installed here");
        }
    }
    found
}

/// The facts of a server with this nginx.
pub(super) fn facts_of(nginx: &Path) -> ServerFacts {
    let said = Process::new(nginx).arg("-v").output().unwrap().stderr;
    let said = String::from_utf8(said).unwrap();
    let version = said.trim().rsplit('/').next().unwrap();
    facts(version.split(' ').next().unwrap())
}

/// Makes the directories and files of these sites below `root`, with every path in them moved there, and each
/// text changed by `adapt`.
pub(super) fn items_below(
    root: &Path,
    sites: &[(&str, &Site, bool)],
    facts: &ServerFacts,
    secrets: &dyn Secrets,
    adapt: &dyn Fn(String) -> String,
) {
    let server = Server::new("sg-1".parse().unwrap(), "192.0.2.1");
    for (name, site, suspended) in sites {
        let input = Compile {
            name,
            suspended: *suspended,
            server: &server,
            facts: Some(facts),
            secrets,
            generation: 1,
            placements: &[],
            fleet: Fleet::EMPTY,
        };
        for item in site.items(&input).unwrap() {
            match item {
                Item::Dir(dir) => {
                    fs::create_dir_all(root.join(dir.path.trim_start_matches('/'))).unwrap();
                }
                Item::File(mut file) => {
                    file.fill(&[]);
                    let text = match &file.content {
                        Content::Text(text) => text.clone(),
                        Content::Secret(secret) | Content::Login(secret, _) => {
                            secret.reveal().to_owned()
                        }
                    };
                    let path = root.join(file.path.trim_start_matches('/'));
                    fs::create_dir_all(path.parent().unwrap()).unwrap();
                    fs::write(path, adapt(moved(&text, root))).unwrap();
                }
                _ => {}
            }
        }
    }
}

/// `text` with the directories of a server moved below `root`.
fn moved(text: &str, root: &Path) -> String {
    let root = root.to_str().unwrap();
    ["/etc/nginx/fleet", "/var/log/nginx", "/srv/www", "/run/php"]
        .iter()
        .fold(text.to_owned(), |text, dir| {
            text.replace(dir, &format!("{root}{dir}"))
        })
}

/// `text` with ports that need no rights and no IPv6.
#[allow(clippy::needless_pass_by_value)] // One shape for every way to adapt a text.
fn on_free_ports(text: String) -> String {
    text.replace("listen 80;", "listen 127.0.0.1:18080;")
        .replace("listen [::]:80;", "")
        .replace("listen 443", "listen 127.0.0.1:18443")
        .replace("listen [::]:443 ssl http2;", "")
        .replace("listen [::]:443 ssl;", "")
}

fn nginx_test(sites: &[(&str, &Site, bool)], secrets: &dyn Secrets) {
    let Some(nginx) = installed("nginx") else {
        return;
    };
    let tree = tempfile::tempdir().unwrap();
    items_below(
        tree.path(),
        sites,
        &facts_of(&nginx),
        secrets,
        &on_free_ports,
    );
    let conf = tree.path().join("etc/nginx/nginx.conf");
    let root = tree.path().to_str().unwrap();
    fs::copy(
        "/etc/nginx/fastcgi_params",
        tree.path().join("etc/nginx/fastcgi_params"),
    )
    .unwrap();
    fs::write(
        &conf,
        format!(
            "pid {root}/nginx.pid;\nerror_log stderr;\nevents {{}}\nhttp {{\n include /etc/nginx/mime.types;\n \
             include {root}/etc/nginx/conf.d/*.conf;\n}}\n"
        ),
    )
    .unwrap();
    let output = Process::new(&nginx)
        .args(["-t", "-q", "-p", root, "-c"])
        .arg(&conf)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let warnings: Vec<&str> = said
        .lines()
        .filter(|line| line.contains("[warn]") && !line.contains("\"user\" directive"))
        .collect();
    assert!(warnings.is_empty(), "{warnings:?}");
}

#[test]
fn nginx_takes_every_kind_of_site_together() {
    let mut edge = full_edge();
    let mut everything = EVERYTHING.to_vec();
    everything.extend([
        "--alias",
        "a-name-that-is-longer-than-the-default-of-nginx.example.org",
    ]);
    // The certificate covers one label below example.org.
    let everything = site_with(&everything, &mut edge).unwrap();
    let plain = Site::default();
    let php = site(&["--type", "php", "--alias", "*.example.net"]).unwrap();
    let proxy = site(&[
        "--upstream",
        "127.0.0.1:3000,weight=3",
        "--upstream",
        "unix:/run/app.sock",
        "--websocket",
        "--error-page",
        "502=/502.html",
        "--rate-limit",
        "5r/m",
    ])
    .unwrap();
    let remote = site(&[
        "--upstream",
        "https://localhost:8443",
        "--upstream-host",
        "app.example.net",
        "--no-upstream-verify",
    ])
    .unwrap();
    let named = site(&[
        "--upstream",
        "https://a.invalid",
        "--upstream-host",
        "b.invalid",
    ])
    .unwrap();
    let long = format!("{0}.{0}.{0}.invalid:80", "a".repeat(60));
    let several = site(&[
        "--upstream",
        "127.0.0.1:3000,weight=1000",
        "--upstream",
        &long,
        "--upstream",
        "b.invalid:80",
        "--upstream",
        "c.invalid:80,weight=1000",
        "--upstream",
        "d.invalid:80,weight=1000",
        "--error-page",
        "404,502=/sorry.html",
    ])
    .unwrap();
    let redirect = site(&[
        "--redirect",
        "https://example.net",
        "--redirect-path",
        "/a=/b",
    ])
    .unwrap();
    nginx_test(
        &[
            ("example.com", &everything, false),
            ("plain.example.com", &plain, false),
            ("php.example.com", &php, false),
            ("proxy.example.com", &proxy, false),
            ("remote.example.com", &remote, false),
            ("named.example.com", &named, false),
            ("several.example.com", &several, false),
            ("redirect.example.com", &redirect, false),
            ("xn--mnchen-3ya.de", &plain, true),
        ],
        &edge,
    );
    nginx_test(&[("example.com", &everything, true)], &edge);
}

#[test]
fn nginx_reads_hostile_headers_as_they_are() {
    let site = site(&[
        "--header",
        "X-A: \\\" ; } # ' \\n {",
        "--error-page",
        "404=/a;b}c \"d\".html",
    ])
    .unwrap();
    nginx_test(&[("example.com", &site, false)], &NoSecrets);
}

#[test]
fn php_fpm_takes_the_pool() {
    let Some(fpm) = installed("php-fpm8.2") else {
        return;
    };
    let mut edge = full_edge();
    let site = site_with(EVERYTHING, &mut edge).unwrap();
    let tree = tempfile::tempdir().unwrap();
    let sites = [("example.com", &site, false)];
    items_below(tree.path(), &sites, &facts("1.22.1"), &edge, &|text| text);
    let root = tree.path().to_str().unwrap();
    let pool = tree
        .path()
        .join("etc/php/8.2/fpm/pool.d/fleet-example.com.conf");
    // The site's user does not exist here.
    let text = fs::read_to_string(&pool).unwrap();
    let user = site.check("example.com").unwrap().user;
    let text = text
        .replace(&format!("user = {user}"), "user = www-data")
        .replace(&format!("group = {user}"), "group = www-data");
    fs::write(&pool, text).unwrap();
    fs::create_dir_all(tree.path().join("run/php")).unwrap();
    let conf = tree.path().join("php-fpm.conf");
    fs::write(
        &conf,
        format!(
            "[global]\npid = {root}/fpm.pid\nerror_log = {root}/fpm.log\ninclude = {}\n",
            pool.display()
        ),
    )
    .unwrap();
    let output = Process::new(&fpm)
        .args(["-t", "-y"])
        .arg(&conf)
        .output()
        .unwrap();
    let log = fs::read_to_string(tree.path().join("fpm.log")).unwrap_or_default();
    assert!(
        output.status.success(),
        "{}{log}",
        String::from_utf8_lossy(&output.stderr)
    );
}
