//! nginx configuration that all sites of a server share, and what each server block begins with.
//!
//! A shared file's text depends on the server alone, so that the items of many sites fold into one.

use super::check::Checked;
use super::nginx::Conf;
use crate::diagnostic::Invalid;
use crate::kind::Compile;

/// Longest name that fits nginx's default `server_names_hash_bucket_size` of 64 (`NGX_HASH_ELT_SIZE`, and the
/// pointer that ends a bucket).
const SHORT_NAME: usize = 46;

/// What a server block listens on.
#[allow(clippy::struct_excessive_bools)] // Four independent facts.
#[derive(Clone, Copy, Debug)]
pub(super) struct Listen {
    pub(super) plain: bool,
    pub(super) tls: bool,
    pub(super) ipv6: bool,
    /// nginx 1.25.1 and later say `http2 on`; before it is a word of `listen`.
    pub(super) http2_directive: bool,
}

impl Listen {
    /// As a block on this server would, in clear and without TLS.
    pub(super) fn on(input: &Compile<'_>, ipv6: bool) -> Self {
        // Where the kernel has no IPv6, nginx could not open the socket.
        let has_ipv6 = input.facts.and_then(|facts| facts.ipv6).unwrap_or(true);
        let nginx = input.facts.and_then(|facts| facts.nginx.as_deref());
        Self {
            plain: true,
            tls: false,
            ipv6: ipv6 && has_ipv6,
            http2_directive: nginx.is_some_and(|version| at_least(version, [1, 25, 1])),
        }
    }

    /// Writes the directives.
    pub(super) fn write(self, conf: &mut Conf) {
        if self.plain {
            conf.fixed("listen 80");
            if self.ipv6 {
                conf.fixed("listen [::]:80");
            }
        }
        if !self.tls {
            return;
        }
        if self.http2_directive {
            conf.fixed("listen 443 ssl");
            if self.ipv6 {
                conf.fixed("listen [::]:443 ssl");
            }
            conf.fixed("http2 on");
        } else {
            conf.fixed("listen 443 ssl http2");
            if self.ipv6 {
                conf.fixed("listen [::]:443 ssl http2");
            }
        }
    }
}

fn at_least(version: &str, wanted: [u64; 3]) -> bool {
    let mut parts = version.split('.').map(|part| part.parse().unwrap_or(0));
    let have: [u64; 3] = std::array::from_fn(|_| parts.next().unwrap_or(0));
    have >= wanted
}

/// TLS for every block that has it: what Mozilla calls intermediate. In the default server too, since OpenSSL
/// takes the protocol versions from there.
pub(super) fn write_tls(conf: &mut Conf) {
    conf.fixed("ssl_protocols TLSv1.2 TLSv1.3")
        .fixed("ssl_ciphers ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305")
        .fixed("ssl_prefer_server_ciphers off")
        .fixed("ssl_session_cache shared:fleet_tls:10m")
        .fixed("ssl_session_timeout 1d")
        .fixed("ssl_session_tickets off");
}

/// The shared files that this site needs, each with path and text.
pub(super) fn files(site: &Checked, input: &Compile<'_>) -> Result<Vec<(String, String)>, Invalid> {
    let listen = Listen::on(input, true);
    let mut files = vec![(
        "/etc/nginx/conf.d/00-fleet-default.conf".to_owned(),
        default(listen)?,
    )];
    if site.tls.is_some() {
        let listen = Listen {
            plain: false,
            tls: true,
            ..listen
        };
        files.push((
            "/etc/nginx/conf.d/00-fleet-default-tls.conf".to_owned(),
            default_tls(listen)?,
        ));
    }
    let mut names = site.names.iter().map(ToString::to_string);
    if names.any(|name| name.len() > SHORT_NAME) {
        let mut conf = Conf::new();
        conf.comment(
            "Written by fleet: a site here has a name that is longer than nginx's default allows.",
        )
        .fixed("server_names_hash_bucket_size 512");
        files.push((
            "/etc/nginx/conf.d/00-fleet-names.conf".to_owned(),
            conf.finish()?,
        ));
    }
    Ok(files)
}

/// Answers for unknown names on port 80. It is the default because it is the first in the order of file names, not
/// by `default_server`: that word may stand only once, and Debian's own default site has it. Its name is nobody's
/// (RFC 6761): of two servers with one name, such as Debian's `_`, nginx ignores one and warns at every test.
fn default(listen: Listen) -> Result<String, Invalid> {
    let mut conf = Conf::new();
    conf.comment("Written by fleet: answers requests for names that no site here has.")
        .comment(
            "The first server of a port is its default, unless another says `default_server`.",
        );
    conf.block("server", [], |conf| {
        listen.write(conf);
        conf.fixed("server_name fleet.invalid")
            .fixed("access_log off")
            .fixed("default_type text/plain")
            .fixed("return 421 \"There is no site of this name here.\\n\"");
    });
    conf.finish()
}

/// Refuses the handshake for unknown names on port 443, without any certificate.
fn default_tls(listen: Listen) -> Result<String, Invalid> {
    let mut conf = Conf::new();
    conf.comment(
        "Written by fleet: refuses TLS for names that no site here has a certificate for.",
    );
    conf.block("server", [], |conf| {
        listen.write(conf);
        conf.fixed("server_name fleet.invalid");
        write_tls(conf);
        conf.fixed("ssl_reject_handshake on");
    });
    conf.finish()
}
