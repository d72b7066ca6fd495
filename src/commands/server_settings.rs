//! The flags of `add-server` and `set-server` for the keys of a server, with the rules of the inventory.

use std::path::{Path, PathBuf};

use clap::Args;

use crate::diagnostic::{Diagnostic, did_you_mean, ticked};
use crate::inventory::edit::ServerChange;
use crate::inventory::value::{self, Refused};
use crate::inventory::{SERVER_KEYS, Value};
use crate::model::ServerName;

/// The settings of a server.
#[derive(Args, Clone, Debug, Default)]
pub(super) struct ServerSettings {
    /// Host name, IP address, or an alias of ~/.ssh/config
    #[arg(long, value_parser = checked(value::address))]
    address: Option<String>,
    /// TCP port of sshd [default: what `ssh_config` says, else 22]
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..))]
    port: Option<u16>,
    /// User to log in as [default: what `ssh_config` says, else root]
    #[arg(long, value_parser = checked(value::user))]
    user: Option<String>,
    /// Private key to log in with [default: those of ssh-agent and ~/.ssh]
    #[arg(long, value_name = "FILE", value_parser = checked(|text| value::identity_file(text).map(str::to_owned)))]
    identity_file: Option<String>,
    /// Reach it through another server, or `user@host:port`; `none` undoes a default
    #[arg(long, value_name = "SERVER", value_parser = checked(|text| value::jump(text).map(|_| text.to_owned())))]
    jump: Option<String>,
    /// How scripts reach it: `ssh`, or `local` for this machine
    #[arg(long, value_name = "HOW", value_parser = checked(|text| value::transport(text).map(|_| text.to_owned())))]
    transport: Option<String>,
    /// Whether to work as root through `sudo -n`
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true", hide_possible_values = true)]
    r#become: Option<bool>,
    /// Units that may be placed on it [default: 50]
    #[arg(long, value_name = "UNITS", allow_negative_numbers = true, value_parser = clap::value_parser!(u32).range(..=i64::from(value::CAPACITY_LIMIT)))]
    capacity: Option<u32>,
    /// Servers of higher priority are filled first [default: 0]
    #[arg(long, value_name = "NUMBER", allow_negative_numbers = true)]
    priority: Option<i32>,
    /// A word for where it stands
    #[arg(long, value_parser = checked(value::word))]
    region: Option<String>,
    /// A label of your own; may be repeated
    #[arg(long = "label", value_name = "KEY=VALUE", value_parser = checked(label))]
    labels: Vec<(String, String)>,
    /// Whether it takes resources and is part of sweeps [default: true]
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true", hide_possible_values = true)]
    active: Option<bool>,
    /// Public IPv4 addresses, for DNS
    #[arg(long, value_name = "IP", value_delimiter = ',', value_parser = checked(value::ipv4))]
    ipv4: Vec<std::net::Ipv4Addr>,
    /// Public IPv6 addresses, for DNS
    #[arg(long, value_name = "IP", value_delimiter = ',', value_parser = checked(value::ipv6))]
    ipv6: Vec<std::net::Ipv6Addr>,
    /// What it may be used for: `web`, `dns`, `database`, or `none` [default: all]
    #[arg(long = "role", value_name = "ROLE", value_delimiter = ',', value_parser = checked(role))]
    roles: Vec<String>,
}

impl ServerSettings {
    /// The flags that were given, as keys of the inventory at `inventory`.
    pub(super) fn change(&self, inventory: &Path) -> Result<ServerChange, Diagnostic> {
        let mut set: Vec<(String, Value)> = Vec::new();
        let mut put = |key: &str, value: Option<Value>| {
            set.extend(value.map(|value| (key.to_owned(), value)));
        };
        let text = |text: &Option<String>| text.clone().map(Value::Text);
        put("address", text(&self.address));
        put("port", self.port.map(|port| Value::Number(port.into())));
        put("user", text(&self.user));
        let identity_file = self.identity_file.as_deref();
        let identity_file = identity_file
            .map(|file| beside(inventory, file))
            .transpose()?;
        put("identity_file", identity_file.map(Value::Text));
        put("jump", text(&self.jump));
        put("transport", text(&self.transport));
        put("become", self.r#become.map(Value::Flag));
        put(
            "capacity",
            self.capacity.map(|units| Value::Number(units.into())),
        );
        put(
            "priority",
            self.priority.map(|number| Value::Number(number.into())),
        );
        put("region", text(&self.region));
        for (key, value) in &self.labels {
            put(&format!("labels.{key}"), Some(Value::Text(value.clone())));
        }
        put("active", self.active.map(Value::Flag));
        put("ipv4", list(&self.ipv4));
        put("ipv6", list(&self.ipv6));
        let none = self.roles.iter().any(|role| role == "none");
        if none && self.roles.len() > 1 {
            return Err(Diagnostic::usage("`--role none` stands alone"));
        }
        put(
            "roles",
            if none {
                Some(Value::List(Vec::new()))
            } else {
                list(&self.roles)
            },
        );
        Ok(ServerChange {
            set,
            unset: Vec::new(),
        })
    }
}

/// The name of a server, for a positional argument.
pub(super) fn server_name(text: &str) -> Result<ServerName, String> {
    checked(value::server_name)(text)
}

/// A key for `--unset`, as the inventory calls it.
pub(super) fn unset_key(text: &str) -> Result<String, String> {
    let key = text.replace('-', "_");
    for prefix in ["labels.", "labels:", "label.", "label:"] {
        if let Some(label) = text.strip_prefix(prefix) {
            return Ok(format!("labels.{label}"));
        }
    }
    if key == "address" {
        return Err("a server needs an address".to_owned());
    }
    let known = SERVER_KEYS.into_iter().filter(|known| *known != "address");
    if let Some(known) = known.clone().find(|known| *known == key) {
        return Ok(known.to_owned());
    }
    Err(match did_you_mean(&key, known) {
        Some(near) => format!("did you mean {}", ticked(near)),
        None => format!("the keys are {}, `labels.KEY`", SERVER_KEYS[1..].join(", ")),
    })
}

/// A rule of the inventory as a parser of clap.
fn checked<T>(
    rule: impl Fn(&str) -> Result<T, Refused> + Clone + Send + Sync + 'static,
) -> impl Fn(&str) -> Result<T, String> + Clone + Send + Sync + 'static {
    move |text: &str| {
        rule(text).map_err(|refused| match refused.hint {
            Some(hint) => format!("it {}; {hint}", refused.message),
            None => format!("it {}", refused.message),
        })
    }
}

fn label(text: &str) -> Result<(String, String), Refused> {
    let Some((key, value)) = text.split_once('=') else {
        return Err(Refused {
            message: "has no `=`".to_owned(),
            hint: Some("write KEY=VALUE".to_owned()),
        });
    };
    Ok((value::word(key)?, value::label_value(value)?))
}

fn role(text: &str) -> Result<String, Refused> {
    if text != "none" {
        value::role(text)?;
    }
    Ok(text.to_owned())
}

fn list<T: ToString>(values: &[T]) -> Option<Value> {
    let list: Vec<String> = values.iter().map(ToString::to_string).collect();
    (!list.is_empty()).then_some(Value::List(list))
}

/// A file that was named from the working directory, as the inventory has to name it.
fn beside(inventory: &Path, file: &str) -> Result<String, Diagnostic> {
    let directory = inventory.parent().unwrap_or(Path::new(""));
    if directory.as_os_str().is_empty() || file.starts_with('~') {
        return Ok(file.to_owned());
    }
    let absolute = |path: &Path| -> Result<PathBuf, Diagnostic> {
        std::path::absolute(path).map_err(|error| {
            Diagnostic::failed(format!("the working directory cannot be found: {error}"))
        })
    };
    let file = absolute(Path::new(file))?;
    let own = absolute(directory)?;
    let short = file.strip_prefix(own).unwrap_or(&file);
    short
        .to_str()
        .map(str::to_owned)
        .ok_or_else(|| Diagnostic::usage("the name of the key file is not UTF-8 text"))
}
