//! PHP: the version, the site's own pool of PHP-FPM, and the location that hands scripts to it.

use std::fmt::Write;

use super::check::Checked;
use super::files::Paths;
use super::nginx::{Conf, Part, fixed, joined, regex_literal, value};
use super::values::{Size, UrlPath, number};
use crate::diagnostic::Invalid;
use crate::kind::Compile;
use crate::kind::reason::{Reason, refuse_with_hint, shown};
use crate::model::ServerName;

/// PHP of a site.
#[derive(Clone, Debug)]
pub(super) struct Php {
    /// `8.2`; the newest on the server when absent.
    pub(super) version: Option<String>,
    pub(super) memory: Size,
    pub(super) upload: Size,
    pub(super) children: u32,
    /// Seconds of one request.
    pub(super) timeout: u64,
    pub(super) ini: Vec<Ini>,
    /// Below these paths no script runs.
    pub(super) deny: Vec<UrlPath>,
}

/// A version such as `8.2`.
pub(super) fn version(text: &str) -> Result<String, Reason> {
    let fine = text.split_once('.').is_some_and(|(major, minor)| {
        let small = |part| number(part).is_some_and(|n| n < 100);
        small(major) && small(minor)
    });
    if fine {
        Ok(text.to_owned())
    } else {
        refuse_with_hint(
            format!("`{}` is not a PHP version", shown(text)),
            "major and minor, such as `8.2`",
        )
    }
}

/// A setting of php.ini.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Ini {
    key: String,
    value: String,
}

/// What a setting may be.
#[derive(Clone, Copy)]
enum Form {
    Bool,
    Number,
    Size,
    Word,
    Functions,
}

/// The settings a site may have: none of them reaches another site, loads code or opens a file.
const ALLOWED: &[(&str, Form)] = &[
    ("allow_url_fopen", Form::Bool),
    ("date.timezone", Form::Word),
    ("default_charset", Form::Word),
    ("default_socket_timeout", Form::Number),
    ("disable_functions", Form::Functions),
    ("display_errors", Form::Bool),
    ("error_reporting", Form::Number),
    ("expose_php", Form::Bool),
    ("html_errors", Form::Bool),
    ("intl.default_locale", Form::Word),
    ("log_errors", Form::Bool),
    ("max_file_uploads", Form::Number),
    ("max_input_nesting_level", Form::Number),
    ("max_input_time", Form::Number),
    ("max_input_vars", Form::Number),
    ("opcache.enable", Form::Bool),
    ("opcache.revalidate_freq", Form::Number),
    ("opcache.validate_timestamps", Form::Bool),
    ("output_buffering", Form::Size),
    ("pcre.backtrack_limit", Form::Number),
    ("pcre.jit", Form::Bool),
    ("pcre.recursion_limit", Form::Number),
    ("precision", Form::Number),
    ("realpath_cache_size", Form::Size),
    ("realpath_cache_ttl", Form::Number),
    ("serialize_precision", Form::Number),
    ("session.cookie_domain", Form::Word),
    ("session.cookie_httponly", Form::Bool),
    ("session.cookie_lifetime", Form::Number),
    ("session.cookie_samesite", Form::Word),
    ("session.cookie_secure", Form::Bool),
    ("session.gc_maxlifetime", Form::Number),
    ("session.name", Form::Word),
    ("session.use_strict_mode", Form::Bool),
    ("short_open_tag", Form::Bool),
    ("zend.exception_ignore_args", Form::Bool),
];

/// Settings that have a flag of their own.
const FLAGS: &[(&str, &str)] = &[
    ("max_execution_time", "--php-timeout"),
    ("memory_limit", "--php-memory"),
    ("post_max_size", "--max-body"),
    ("upload_max_filesize", "--php-upload"),
];

impl Ini {
    /// Parses `key=value`.
    pub(super) fn parse(text: &str) -> Result<Self, Reason> {
        let Some((key, value)) = text.split_once('=') else {
            return refuse_with_hint(
                format!("`{}` is not a setting", shown(text)),
                "such as `max_input_vars=5000`",
            );
        };
        let (key, value) = (key.trim(), value.trim());
        if let Some((_, flag)) = FLAGS.iter().find(|(name, _)| *name == key) {
            return refuse_with_hint(
                format!("`{key}` has a flag of its own"),
                format!("use `{flag}`"),
            );
        }
        let Some((_, form)) = ALLOWED.iter().find(|(name, _)| *name == key) else {
            let near = ALLOWED
                .iter()
                .map(|(name, _)| (strsim::jaro_winkler(name, key), *name))
                .filter(|(score, _)| *score > 0.85)
                .max_by(|a, b| a.0.total_cmp(&b.0));
            let hint = if let Some((_, name)) = near {
                format!("did you mean `{name}`")
            } else {
                let names: Vec<&str> = ALLOWED.iter().map(|(name, _)| *name).collect();
                format!("one of {}", names.join(", "))
            };
            return refuse_with_hint(
                format!("`{}` is not a setting that a site may have", shown(key)),
                hint,
            );
        };
        let Some(value) = form.value(value) else {
            return refuse_with_hint(
                format!("`{}` is not a value of `{key}`", shown(value)),
                form.hint(),
            );
        };
        Ok(Self {
            key: key.to_owned(),
            value,
        })
    }

    /// The setting's name.
    pub(super) fn key(&self) -> &str {
        &self.key
    }
}

impl Form {
    fn value(self, text: &str) -> Option<String> {
        let plain = |allowed: &[u8]| {
            !text.is_empty()
                && text.len() <= 500
                && text
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || allowed.contains(&b))
        };
        match self {
            Self::Bool => match text.to_ascii_lowercase().as_str() {
                "on" | "1" | "true" | "yes" => Some("1".to_owned()),
                "off" | "0" | "false" | "no" => Some("0".to_owned()),
                _ => None,
            },
            Self::Number => {
                let digits = text.strip_prefix('-').unwrap_or(text);
                number(digits).filter(|n| *n <= 2_147_483_647)?;
                Some(text.to_owned())
            }
            Self::Size => number(text)
                .map(|n| n.to_string())
                .or_else(|| Size::parse(text, 1 << 30).ok().map(|size| size.text)),
            Self::Word => plain(b"._/+-").then(|| text.to_owned()),
            Self::Functions => plain(b"_,").then(|| text.to_owned()),
        }
    }

    fn hint(self) -> &'static str {
        match self {
            Self::Bool => "`on` or `off`",
            Self::Number => "a number",
            Self::Size => "a number of bytes, or a size such as `4M`",
            Self::Word => "a word of `A-Z a-z 0-9 . _ / + -`",
            Self::Functions => "names of functions with `,` between them",
        }
    }
}

/// The version a site runs on this server.
pub(super) fn version_on(php: &Php, input: &Compile<'_>) -> Result<String, Invalid> {
    let server = &input.server.name;
    let mut invalid = Invalid::default();
    let Some(facts) = input.facts else {
        invalid.push_with_hint(
            "php",
            format!("what PHP `{server}` has is not known: it was never reached"),
            format!("look at it first: `fleet health --server {server}`"),
        );
        return Err(invalid);
    };
    let newest = || facts.php.iter().max_by_key(|version| order(version));
    let found = match &php.version {
        Some(wanted) => facts.php.iter().find(|have| *have == wanted),
        None => newest(),
    };
    if let Some(version) = found {
        return Ok(version.clone());
    }
    let message = match (&php.version, facts.php.is_empty()) {
        (Some(version), false) => format!(
            "`{server}` has no PHP {version}, but {}",
            facts.php.join(", ")
        ),
        (Some(version), true) => format!("`{server}` has no PHP {version}, nor any other"),
        (None, _) => format!("`{server}` has no PHP-FPM"),
    };
    invalid.push_with_hint("php", message, install(server));
    Err(invalid)
}

/// What to do about software that a server lacks.
pub(super) fn install(server: &ServerName) -> String {
    format!(
        "install it: `fleet setup-server {server} --role web`; when it was installed since, `fleet health --server {server}` notes it"
    )
}

/// `8.10` is newer than `8.9`.
fn order(version: &str) -> Vec<u64> {
    version
        .split('.')
        .map(|part| part.parse().unwrap_or(0))
        .collect()
}

/// The pool's file of PHP-FPM `version`.
///
/// Every value in it is a number, a size, a path or a user name of fleet's making, or a word of the forms above:
/// none means anything to the reader of ini files inside double quotes.
pub(super) fn pool(site: &Checked, php: &Php, paths: &Paths) -> String {
    let user = &site.user;
    let home = &paths.home;
    let mut text = format!(
        "; Written by fleet; changes made here are shown by `fleet plan`.\n\
         [{user}]\n\
         user = {user}\n\
         group = {user}\n\
         listen = {}\n\
         listen.owner = www-data\n\
         listen.group = www-data\n\
         listen.mode = 0600\n\
         pm = ondemand\n\
         pm.max_children = {}\n\
         pm.process_idle_timeout = 30s\n\
         pm.max_requests = 1000\n\
         request_terminate_timeout = {}s\n\
         security.limit_extensions = .php\n\
         env[PATH] = /usr/local/bin:/usr/bin:/bin\n\
         env[HOME] = {home}\n\
         env[TMPDIR] = {home}/tmp\n",
        paths.socket,
        php.children,
        // Wall-clock time: the script's own limit counts only the time it computes.
        php.timeout,
    );
    let mut set = |key: &str, value: &str| {
        let _ = writeln!(text, "php_admin_value[{key}] = \"{value}\"");
    };
    // The final slash matters: without it `/srv/www/example.com` would also open `/srv/www/example.com.au`.
    set("open_basedir", &format!("{home}/:/usr/share/php/"));
    set("upload_tmp_dir", &format!("{home}/tmp"));
    set("sys_temp_dir", &format!("{home}/tmp"));
    set("session.save_path", &format!("{home}/sessions"));
    // Debian's clean-up of sessions does not know this directory, so PHP does it.
    set("session.gc_probability", "1");
    set("session.gc_divisor", "100");
    set("error_log", &format!("{home}/logs/php-error.log"));
    // All pools share one opcache: a script in it must still be readable by who asks for it.
    set("opcache.validate_permission", "1");
    set("cgi.fix_pathinfo", "0");
    set("memory_limit", &php.memory.text);
    set("upload_max_filesize", &php.upload.text);
    set("post_max_size", &site.max_body.text);
    set("max_execution_time", &php.timeout.to_string());
    for (key, value) in [
        ("log_errors", "1"),
        ("display_errors", "0"),
        ("expose_php", "0"),
    ] {
        if !php.ini.iter().any(|ini| ini.key == key) {
            set(key, value);
        }
    }
    for ini in &php.ini {
        set(&ini.key, &ini.value);
    }
    text
}

/// The locations for scripts.
pub(super) fn write_locations(conf: &mut Conf, site: &Checked, php: &Php, paths: &Paths) {
    for path in &php.deny {
        // Behind the path, in any form a script could be asked for.
        let pattern = format!(
            "^{}/.*\\.(?:php[0-9]?|phtml|phar)(?:/|\\z)",
            regex_literal(path.0.trim_end_matches('/'))
        );
        conf.block("location", [fixed("~*"), value(&pattern)], |conf| {
            conf.fixed("return 403");
        });
    }
    // The script must exist before PHP sees the request: `/upload.jpg/x.php` is not run.
    conf.block(
        "location",
        [fixed("~"), fixed("\"[^/]\\.php(?:/|$)\"")],
        |conf| {
            conf.fixed("fastcgi_split_path_info \"^(.+?\\.php)(/.*)$\"")
                .fixed("try_files $fastcgi_script_name =404")
                // try_files clears $fastcgi_path_info, so it is kept before (nginx ticket 321).
                .fixed("set $fleet_path_info $fastcgi_path_info")
                .fixed("include fastcgi_params")
                .fixed("fastcgi_param SCRIPT_FILENAME $realpath_root$fastcgi_script_name")
                .fixed("fastcgi_param DOCUMENT_ROOT $realpath_root")
                .fixed("fastcgi_param PATH_INFO $fleet_path_info")
                // A visitor's Proxy header must not become HTTP_PROXY (httpoxy).
                .fixed("fastcgi_param HTTP_PROXY \"\"");
            let socket = joined([Part::Fixed("unix:"), Part::Value(&paths.socket)]);
            conf.line("fastcgi_pass", [socket]);
            let timeout = format!("{}s", php.timeout + 5);
            conf.line("fastcgi_read_timeout", [value(&timeout)]);
            conf.line("fastcgi_send_timeout", [value(&timeout)]);
            if !site.error_pages.is_empty() {
                conf.fixed("fastcgi_intercept_errors on");
            }
        },
    );
    // Whatever else could be PHP is neither run nor shown: `config.PHP`, `old.phps`.
    conf.block(
        "location",
        [
            fixed("~*"),
            fixed("\"\\.(?:php[0-9]?|phps|phtml|phar|inc)$\""),
        ],
        |conf| {
            conf.fixed("return 403");
        },
    );
}
