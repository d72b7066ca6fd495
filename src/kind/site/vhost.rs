//! A site's nginx configuration: its server blocks.

use super::check::Checked;
use super::files::Paths;
use super::nginx::{Conf, Part, fixed, joined, value};
use super::shared::{self, Listen};
use super::{access, content};
use crate::diagnostic::Invalid;
use crate::kind::Compile;
use crate::model::domain::HostPattern;

/// What a visitor of a suspended site sees.
const SUSPENDED: &str = "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content=width=device-width><title>Suspended</title><h1>This site is suspended</h1><p>Please come back later.</html>";

/// The text of the site's file.
pub(super) fn render(
    site: &Checked,
    paths: &Paths,
    input: &Compile<'_>,
) -> Result<String, Invalid> {
    let mut conf = Conf::new();
    conf.comment("Written by fleet; changes made here are shown by `fleet plan`.");
    let blocks = Blocks { site, paths, input };
    if input.suspended {
        blocks.suspended(&mut conf);
    } else {
        blocks.serving(&mut conf);
    }
    conf.finish()
}

/// The server blocks of one site.
struct Blocks<'a> {
    site: &'a Checked,
    paths: &'a Paths,
    input: &'a Compile<'a>,
}

impl Blocks<'_> {
    /// One block that answers every name with 503, in clear and over TLS.
    fn suspended(&self, conf: &mut Conf) {
        let names: Vec<String> = self.site.names.iter().map(ToString::to_string).collect();
        self.block(conf, true, self.site.tls.is_some(), &names, |conf| {
            conf.gap();
            conf.block("location", [fixed("/")], |conf| {
                conf.fixed("default_type text/html")
                    .fixed("add_header Retry-After 86400 always")
                    .fixed("add_header Cache-Control no-store always")
                    .line("return", [fixed("503"), value(SUSPENDED)]);
            });
        });
    }

    fn serving(&self, conf: &mut Conf) {
        let site = self.site;
        content::write_outside(conf, site);
        access::write_zone(conf, site);
        let canonical = site.canonical.clone().map(HostPattern::Exact);
        let (main, others): (Vec<&HostPattern>, Vec<&HostPattern>) = site
            .names
            .iter()
            .partition(|name| canonical.as_ref().is_none_or(|c| c == *name));
        let text = |names: Vec<&HostPattern>| -> Vec<String> {
            names.iter().map(ToString::to_string).collect()
        };
        let (main, others) = (text(main), text(others));
        let tls = site.tls.is_some();
        let force = site.tls.as_ref().is_some_and(|tls| tls.force);
        if force {
            let all = [main.as_slice(), others.as_slice()].concat();
            self.block(conf, true, false, &all, |conf| {
                let host = match &site.canonical {
                    Some(canonical) => Part::Value(canonical.as_str()),
                    None => Part::Fixed("$host"),
                };
                let target = joined([Part::Fixed("https://"), host, Part::Fixed("$request_uri")]);
                conf.line("return", [fixed("301"), target]);
            });
            conf.gap();
        }
        self.block(conf, !force, tls, &main, |conf| {
            conf.gap();
            content::write(conf, site, self.paths, self.input);
        });
        if let Some(canonical) = &site.canonical
            && !others.is_empty()
        {
            conf.gap();
            self.block(conf, !force, tls, &others, |conf| {
                access::write_hsts(conf, site);
                let target = joined([
                    Part::Fixed("$scheme://"),
                    Part::Value(canonical.as_str()),
                    Part::Fixed("$request_uri"),
                ]);
                conf.line("return", [fixed("301"), target]);
            });
        }
    }

    /// A server block: where it listens, its names, logs and certificate, and what is in it.
    fn block(
        &self,
        conf: &mut Conf,
        plain: bool,
        tls: bool,
        names: &[String],
        inside: impl FnOnce(&mut Conf),
    ) {
        conf.block("server", [], |conf| {
            let listen = Listen::on(self.input, self.site.ipv6);
            Listen {
                plain,
                tls,
                ..listen
            }
            .write(conf);
            conf.line("server_name", names.iter().map(|name| value(name)));
            if self.site.log_access {
                let path = format!("{}/access.log", self.paths.logs);
                conf.line("access_log", [value(&path), fixed("combined")]);
            } else {
                conf.fixed("access_log off");
            }
            let path = format!("{}/error.log", self.paths.logs);
            conf.line("error_log", [value(&path)]);
            if tls {
                conf.line("ssl_certificate", [value(&self.paths.certificate())]);
                conf.line("ssl_certificate_key", [value(&self.paths.key())]);
                shared::write_tls(conf);
            }
            inside(conf);
        });
    }
}
