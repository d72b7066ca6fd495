//! A site's nginx configuration.

use super::check::Checked;
use super::files::Paths;
use super::nginx::{Conf, Part, fixed, joined, value};
use crate::diagnostic::Invalid;
use crate::kind::Compile;
use crate::model::DomainName;
use crate::model::domain::HostPattern;

/// What a visitor of a suspended site sees.
const SUSPENDED: &str = "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content=width=device-width><title>Suspended</title><h1>This site is suspended</h1><p>Please come back later.</html>";

/// Longest name that fits nginx's default `server_names_hash_bucket_size` of 64 (`NGX_HASH_ELT_SIZE`, with the
/// pointer that ends a bucket).
const SHORT_NAME: usize = 46;

/// The text of the site's file.
pub(super) fn render(
    site: &Checked,
    paths: &Paths,
    input: &Compile<'_>,
) -> Result<String, Invalid> {
    let mut conf = Conf::new();
    conf.comment("Written by fleet; changes made here are shown by `fleet plan`.");
    let (main, others) = split_names(site);
    conf.block("server", [], |conf| {
        listen(conf, site.ipv6 && has_ipv6(input));
        conf.line("server_name", main.iter().map(|name| value(name)));
        log(conf, paths);
        if input.suspended {
            suspended(conf);
        } else {
            conf.gap();
            content(conf, site, paths);
        }
    });
    if let Some(canonical) = &site.canonical
        && !others.is_empty()
        && !input.suspended
    {
        conf.gap();
        redirect_names(&mut conf, site, input, &others, canonical, paths);
    }
    conf.finish()
}

/// Files that all sites of a server share, path and text. Their text depends on the server alone, so that the
/// items of many sites fold into one.
pub(super) fn shared(
    site: &Checked,
    input: &Compile<'_>,
) -> Result<Vec<(String, String)>, Invalid> {
    let mut default = Conf::new();
    default
        .comment("Written by fleet: answers requests for names that no site here has.")
        .comment(
            "The first server of a port is its default, unless another says `default_server`.",
        );
    default.block("server", [], |conf| {
        listen(conf, has_ipv6(input));
        conf.fixed("server_name _")
            .fixed("access_log off")
            .fixed("default_type text/plain")
            .fixed("return 421 \"There is no site of this name here.\\n\"");
    });
    let mut files = vec![(
        "/etc/nginx/conf.d/00-fleet-default.conf".to_owned(),
        default.finish()?,
    )];
    if site
        .names
        .iter()
        .any(|name| name.to_string().len() > SHORT_NAME)
    {
        let mut names = Conf::new();
        names
            .comment("Written by fleet: a site here has a name that is longer than nginx's default allows.")
            .fixed("server_names_hash_bucket_size 512");
        files.push((
            "/etc/nginx/conf.d/00-fleet-names.conf".to_owned(),
            names.finish()?,
        ));
    }
    Ok(files)
}

/// The names that serve, and the names that redirect to the canonical one.
fn split_names(site: &Checked) -> (Vec<String>, Vec<String>) {
    let canonical = site.canonical.clone().map(HostPattern::Exact);
    let (main, others): (Vec<&HostPattern>, Vec<&HostPattern>) = site
        .names
        .iter()
        .partition(|name| canonical.as_ref().is_none_or(|c| c == *name));
    let text = |names: Vec<&HostPattern>| names.iter().map(ToString::to_string).collect();
    (text(main), text(others))
}

/// Whether the server's kernel has IPv6; where it has not, nginx could not open the socket.
fn has_ipv6(input: &Compile<'_>) -> bool {
    input.facts.and_then(|facts| facts.ipv6).unwrap_or(true)
}

fn listen(conf: &mut Conf, ipv6: bool) {
    conf.fixed("listen 80");
    if ipv6 {
        conf.fixed("listen [::]:80");
    }
}

fn log(conf: &mut Conf, paths: &Paths) {
    let (access, error) = (
        format!("{}/access.log", paths.logs),
        format!("{}/error.log", paths.logs),
    );
    conf.line("access_log", [value(&access), fixed("combined")]);
    conf.line("error_log", [value(&error)]);
}

fn suspended(conf: &mut Conf) {
    conf.gap();
    conf.block("location", [fixed("/")], |conf| {
        conf.fixed("default_type text/html")
            .fixed("add_header Retry-After 86400 always")
            .fixed("add_header Cache-Control no-store always")
            .line("return", [fixed("503"), value(SUSPENDED)]);
    });
}

fn content(conf: &mut Conf, site: &Checked, paths: &Paths) {
    conf.line("root", [value(&paths.root)]);
    conf.line("index", site.index.iter().map(|file| value(file)));
    // nginx may read every site's files, so it must not follow a link to another's. All below the home is checked:
    // its owner could also put a link in place of the root itself.
    let from = joined([Part::Fixed("from="), Part::Value(&paths.home)]);
    conf.line("disable_symlinks", [fixed("if_not_owner"), from]);
    conf.fixed("absolute_redirect off");
    conf.gap();
    conf.comment("Hidden files (.git, .env) are nobody's business.");
    conf.block(
        "location",
        [fixed("~"), fixed("\"/\\.(?!well-known(?:/|$))\"")],
        |conf| {
            conf.fixed("return 404");
        },
    );
    conf.block("location", [fixed("/")], |conf| {
        conf.fixed("try_files $uri $uri/ =404");
    });
}

fn redirect_names(
    conf: &mut Conf,
    site: &Checked,
    input: &Compile<'_>,
    others: &[String],
    canonical: &DomainName,
    paths: &Paths,
) {
    conf.block("server", [], |conf| {
        listen(conf, site.ipv6 && has_ipv6(input));
        conf.line("server_name", others.iter().map(|name| value(name)));
        log(conf, paths);
        let target = joined([
            Part::Fixed("$scheme://"),
            Part::Value(canonical.as_str()),
            Part::Fixed("$request_uri"),
        ]);
        conf.line("return", [fixed("301"), target]);
    });
}
