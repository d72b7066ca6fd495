//! A site's logs and their rotation (logrotate(8)).

use std::fmt::Write;

use super::check::{Backend, Checked};
use super::files::{HOMES, LOGS, Paths};

/// The logs of the site of that name, what they are called and where they are; one without PHP lacks the last.
pub(super) fn places(domain: &str) -> [(&'static str, String); 3] {
    [
        ("access", format!("{LOGS}/{domain}/access.log")),
        ("error", format!("{LOGS}/{domain}/error.log")),
        ("php", format!("{HOMES}/{domain}/logs/php-error.log")),
    ]
}

/// The text of the site's file in `/etc/logrotate.d`. Every word in it is fleet's own, a number, a domain name or
/// a user name, none of which means anything to logrotate.
pub(super) fn rotation(site: &Checked, paths: &Paths) -> String {
    let days = site.log_days;
    let logs = &paths.logs;
    // nginx opens its logs again at USR1; both Debian's and nginx.org's packages write this file.
    let mut text = format!(
        "# Written by fleet.\n\
         {logs}/*.log {{\n\
         \x20   daily\n\
         \x20   rotate {days}\n\
         \x20   missingok\n\
         \x20   notifempty\n\
         \x20   compress\n\
         \x20   delaycompress\n\
         \x20   create 0640 www-data adm\n\
         \x20   sharedscripts\n\
         \x20   postrotate\n\
         \x20       [ ! -f /run/nginx.pid ] || kill -USR1 \"$(cat /run/nginx.pid)\"\n\
         \x20   endscript\n\
         }}\n"
    );
    if matches!(site.backend, Backend::Php(_)) {
        // The directory is the site's own, so root must not work in it: a link there could point anywhere.
        let (home, user) = (&paths.home, &site.user);
        let _ = write!(
            text,
            "{home}/logs/*.log {{\n\
             \x20   su {user} {user}\n\
             \x20   daily\n\
             \x20   rotate {days}\n\
             \x20   missingok\n\
             \x20   notifempty\n\
             \x20   compress\n\
             \x20   delaycompress\n\
             \x20   create 0640 {user} {user}\n\
             }}\n"
        );
    }
    text
}
