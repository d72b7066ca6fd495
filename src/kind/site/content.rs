//! What a site serves: its files, its error pages, and how long browsers keep them.

use super::check::{Backend, Checked};
use super::files::Paths;
use super::nginx::{Conf, Part, fixed, joined, value};
use super::values::{UrlPath, number};
use super::{access, php, proxy, redirect};
use crate::kind::Compile;
use crate::kind::reason::{Reason, refuse, refuse_with_hint, shown};

/// The page for some statuses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ErrorPage {
    pub(super) statuses: Vec<u16>,
    pub(super) page: UrlPath,
}

impl ErrorPage {
    /// Parses `404=/404.html` or `500,502=/sorry.html`.
    pub(super) fn parse(text: &str) -> Result<Self, Reason> {
        let Some((statuses, page)) = text.split_once('=') else {
            return refuse_with_hint(
                format!("`{}` is not an error page", shown(text)),
                "such as `404=/404.html`",
            );
        };
        let page = UrlPath::parse(page)?;
        if page.0.to_ascii_lowercase().contains(".php") {
            return refuse(format!("`{}`: an error page is a plain file", shown(text)));
        }
        let parsed: Option<Vec<u16>> = statuses
            .split(',')
            // 499 is nginx's word for a visitor who left.
            .map(|status| {
                number(status)
                    .and_then(|n| u16::try_from(n).ok())
                    .filter(|n| (400..=599).contains(n) && *n != 499)
            })
            .collect();
        match parsed {
            Some(statuses) => Ok(Self { statuses, page }),
            None => refuse(format!(
                "`{}` is not a status of an error: from 400 to 599",
                shown(statuses)
            )),
        }
    }
}

/// Extensions of files that change seldom.
const KEPT: &str = "\"~*\\.(?:css|js|mjs|map|json|wasm|svg|svgz|png|jpe?g|gif|webp|avif|ico|bmp|woff2?|ttf|otf|eot|mp3|m4a|ogg|mp4|webm|pdf)$\"";

/// What is worth compressing; HTML always is.
const GZIP_TYPES: &str = "gzip_types text/plain text/css text/xml text/javascript application/javascript application/json application/ld+json application/manifest+json application/xml application/rss+xml application/atom+xml application/wasm image/svg+xml font/ttf font/otf";

/// What must stand outside the server block.
pub(super) fn write_outside(conf: &mut Conf, site: &Checked) {
    if let Some(cache) = &site.cache {
        let variable = joined([Part::Fixed("$fleet_expires_"), Part::Value(&site.id)]);
        let seconds = format!("{}s", cache.seconds);
        conf.block("map", [fixed("$uri"), variable], |conf| {
            conf.fixed("default off").line(KEPT, [value(&seconds)]);
        });
    }
    if let Backend::Proxy(proxy) = &site.backend
        && site.redirect.is_none()
    {
        proxy::write_outside(conf, site, proxy);
    }
}

/// Everything of the server block that answers requests.
pub(super) fn write(conf: &mut Conf, site: &Checked, paths: &Paths, input: &Compile<'_>) {
    access::write_headers(conf, site);
    access::write_rules(conf, site, paths);
    conf.line("client_max_body_size", [value(&site.max_body.text)]);
    write_gzip(conf, site.gzip);
    conf.line("root", [value(&paths.root)]);
    // nginx may read every site's files, so it must not follow a link to another's. All below the home is checked:
    // its owner could also put a link in place of the root itself.
    let from = joined([Part::Fixed("from="), Part::Value(&paths.home)]);
    conf.line("disable_symlinks", [fixed("if_not_owner"), from]);
    conf.fixed("absolute_redirect off");
    if site.redirect.is_none() {
        conf.line("index", site.index.iter().map(|file| value(file)));
        if site.cache.is_some() {
            let variable = joined([Part::Fixed("$fleet_expires_"), Part::Value(&site.id)]);
            conf.line("expires", [variable]);
        }
        write_error_pages(conf, site);
    }
    conf.gap();
    for redirect in &site.redirect_paths {
        redirect.write(conf);
    }
    if let Some((to, code)) = &site.redirect {
        redirect::write_whole(conf, to, *code);
    } else {
        write_backend(conf, site, paths, input);
    }
    if site.snippet.is_some() {
        conf.gap();
        // A file of its own: nginx does not let an included file end the block it is included in.
        conf.line("include", [value(&paths.snippet())]);
    }
}

fn write_backend(conf: &mut Conf, site: &Checked, paths: &Paths, input: &Compile<'_>) {
    if let Backend::Proxy(proxy) = &site.backend {
        proxy::write_locations(conf, site, proxy, input, |conf| {
            for error_page in &site.error_pages {
                write_error_page(conf, error_page);
            }
        });
        return;
    }
    conf.comment("Hidden files (.git, .env) are nobody's business.");
    conf.block(
        "location",
        [fixed("~"), fixed("\"/\\.(?!well-known(?:/|$))\"")],
        |conf| {
            conf.fixed("return 404");
        },
    );
    if let Backend::Php(php) = &site.backend {
        php::write_locations(conf, site, php, paths);
    }
    conf.block("location", [fixed("/")], |conf| {
        let front = front(site);
        let mut words = vec![fixed("$uri"), fixed("$uri/")];
        match &site.backend {
            // The location of scripts looks whether it exists.
            Backend::Php(_) if site.fallback => {
                words.push(joined([Part::Value(&front), Part::Fixed("$is_args$args")]));
            }
            // With `=404` last it is looked for too, instead of going round in circles when it is missing.
            _ if site.fallback => words.extend([value(&front), fixed("=404")]),
            _ => words.push(fixed("=404")),
        }
        conf.line("try_files", words);
    });
}

/// The file that answers for paths that are no file.
fn front(site: &Checked) -> String {
    let (default, fits): (&str, fn(&str) -> bool) = match &site.backend {
        Backend::Php(_) => ("index.php", |file| {
            file.rsplit_once('.')
                .is_some_and(|(_, extension)| extension == "php")
        }),
        _ => ("index.html", |_| true),
    };
    let file = site.index.iter().find(|file| fits(file.as_str()));
    format!("/{}", file.map_or(default, String::as_str))
}

fn write_error_page(conf: &mut Conf, error_page: &ErrorPage) {
    let statuses: Vec<String> = error_page.statuses.iter().map(u16::to_string).collect();
    let words = statuses.iter().map(|status| value(status));
    conf.line("error_page", words.chain([value(&error_page.page.0)]));
}

fn write_error_pages(conf: &mut Conf, site: &Checked) {
    let mut seen: Vec<&UrlPath> = Vec::new();
    for error_page in &site.error_pages {
        write_error_page(conf, error_page);
        if seen.contains(&&error_page.page) {
            continue;
        }
        seen.push(&error_page.page);
        conf.block(
            "location",
            [fixed("="), value(&error_page.page.0)],
            |conf| {
                conf.fixed("internal");
                access::write_exempt(conf, site);
            },
        );
    }
}

fn write_gzip(conf: &mut Conf, on: bool) {
    if on {
        conf.fixed("gzip on")
            .fixed("gzip_vary on")
            .fixed("gzip_proxied any")
            .fixed("gzip_comp_level 5")
            .fixed("gzip_min_length 256")
            .fixed(GZIP_TYPES);
    } else {
        conf.fixed("gzip off");
    }
}
