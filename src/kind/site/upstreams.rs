//! The way to the servers behind a site: which of them answers a request.
//!
//! nginx looks up a name in an `upstream` block while it reads its configuration, and does not start with one that
//! nobody knows: all sites of a server would be down for the upstream of one. So names stand in variables, and are
//! looked up when a request comes (`server ... resolve` does that too, but only from nginx 1.27.3 on).

use super::check::Checked;
use super::nginx::{Conf, Part, Word, fixed, joined, value};
use super::proxy::{Proxy, Upstream};
use crate::item::file::NAME_SERVERS;
use crate::kind::Compile;

/// A site's way to what is behind it.
pub(super) struct Way<'a> {
    site: &'a Checked,
    proxy: &'a Proxy,
    /// Addresses, sockets, and this machine: nginx keeps connections to them.
    fixed: Vec<&'a Upstream>,
    /// What is looked up with each request.
    named: Vec<&'a Upstream>,
}

impl<'a> Way<'a> {
    pub(super) fn of(site: &'a Checked, proxy: &'a Proxy) -> Self {
        let (named, fixed) = proxy
            .upstreams
            .iter()
            .partition(|upstream| upstream.is_looked_up());
        Self {
            site,
            proxy,
            fixed,
            named,
        }
    }

    /// Whether one of several is chosen by other means than nginx's `upstream`.
    fn has_choice(&self) -> bool {
        self.named.len() + usize::from(!self.fixed.is_empty()) > 1
    }

    /// The group of those that need no look-up, and what chooses between it and the others.
    pub(super) fn write_outside(&self, conf: &mut Conf) {
        if !self.fixed.is_empty() {
            conf.block("upstream", [self.word("fleet_")], |conf| {
                for upstream in &self.fixed {
                    let weight = upstream.weight.to_string();
                    let mut words = vec![value(&upstream.address)];
                    if upstream.weight != 1 {
                        words.push(joined([Part::Fixed("weight="), Part::Value(&weight)]));
                    }
                    conf.line("server", words);
                }
                conf.fixed("keepalive 16");
            });
        }
        if self.has_choice() {
            self.write_choice(conf);
        }
    }

    /// `$fleet_upstream_SITE` has the share of requests that its weight says, `$fleet_next_SITE` the one after it: both
    /// fall the same way, since the same is hashed.
    fn write_choice(&self, conf: &mut Conf) {
        let group = format!("fleet_{}", self.site.id);
        let weight = self.fixed.iter().map(|upstream| upstream.weight).sum();
        let group = (!self.fixed.is_empty()).then_some((group.as_str(), weight));
        let named = self.named.iter().map(|u| (u.address.as_str(), u.weight));
        let mut choices: Vec<(&str, u64)> = group.into_iter().chain(named).collect();
        // The last one has what the others leave, which is no less than its share only if that is the largest.
        choices.sort_by_key(|(_, weight)| *weight);
        let total: u64 = choices.iter().map(|(_, weight)| weight).sum();
        let last = choices.len() - 1;
        for (variable, shift) in [("$fleet_upstream_", 0), ("$fleet_next_", 1)] {
            let words = [fixed("$request_id"), self.word(variable)];
            conf.block("split_clients", words, |conf| {
                for (index, (_, weight)) in choices.iter().enumerate() {
                    let (to, _) = choices[(index + shift) % choices.len()];
                    // In hundredths of a percent, of which nginx wants at least one.
                    let share = (weight * 10_000 / total).max(1);
                    let share = format!("{}.{:02}%", share / 100, share % 100);
                    let share = if index == last { "*" } else { share.as_str() };
                    conf.entry(share, &value(to));
                }
            });
        }
        // A request that may have been carried out is not made twice, as in nginx's own `proxy_next_upstream`.
        let words = [
            fixed("\"$request_method $upstream_bytes_sent\""),
            self.word("$fleet_sent_"),
        ];
        conf.block("map", words, |conf| {
            conf.fixed("default \"\"")
                .fixed("\"~^(?:POST|LOCK|PATCH) .*[1-9]\" 1");
        });
    }

    /// The locations that pass everything on; `rest` is what they have in common, `errors` the site's error pages.
    pub(super) fn write_locations(
        &self,
        conf: &mut Conf,
        input: &Compile<'_>,
        errors: impl Fn(&mut Conf),
        rest: impl Fn(&mut Conf),
    ) {
        conf.block("location", [fixed("/")], |conf| {
            if let ([], [only]) = (&self.fixed[..], &self.named[..]) {
                let words = [self.word("$fleet_upstream_"), value(&only.address)];
                conf.line("set", words);
            }
            if self.has_choice() {
                conf.fixed("recursive_error_pages on")
                    .fixed("error_page 502 504 = @fleet_next");
                // One in a location hides all that the server has.
                errors(conf);
            }
            self.write_pass(conf, "$fleet_upstream_", input);
            rest(conf);
        });
        if self.has_choice() {
            conf.block("location", [fixed("@fleet_next")], |conf| {
                conf.fixed("recursive_error_pages on");
                let sent = [
                    Part::Fixed("($fleet_sent_"),
                    Part::Value(&self.site.id),
                    Part::Fixed(")"),
                ];
                conf.block("if", [joined(sent)], |conf| {
                    conf.fixed("return 502");
                });
                self.write_pass(conf, "$fleet_next_", input);
                rest(conf);
            });
        }
    }

    fn write_pass(&self, conf: &mut Conf, variable: &'static str, input: &Compile<'_>) {
        let scheme = if self.proxy.tls {
            "https://"
        } else {
            "http://"
        };
        let to = if self.named.is_empty() {
            "fleet_"
        } else {
            variable
        };
        let parts = [
            Part::Fixed(scheme),
            Part::Fixed(to),
            Part::Value(&self.site.id),
        ];
        conf.line("proxy_pass", [joined(parts)]);
        if self.named.is_empty() {
            return;
        }
        let mut words = vec![fixed(NAME_SERVERS)];
        if input.facts.and_then(|facts| facts.ipv6) == Some(false) {
            words.push(fixed("ipv6=off"));
        }
        conf.line("resolver", words);
        conf.fixed("resolver_timeout 5s");
    }

    /// A name that the site has for itself in nginx's one space of names.
    fn word(&self, prefix: &'static str) -> Word<'_> {
        joined([Part::Fixed(prefix), Part::Value(&self.site.id)])
    }
}
