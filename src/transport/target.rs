//! Where a connection goes and with which keys: the inventory's word first, then `ssh_config`(5), then the defaults.

use std::path::PathBuf;

use super::error::TransportError;
use super::known_hosts::HostName;
use super::proxy::{ProxyCommand, Tokens};
use super::ssh::Shared;
use super::ssh_config::{AgentChoice, Answer};
use crate::model::{Jump, Server, ServerName};

/// How many hosts may stand on the way to a server.
const MOST_HOPS: usize = 8;

/// The keys to log in with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Identities {
    /// Key files that were named, in their order.
    pub(super) files: Vec<PathBuf>,
    /// Whether the inventory named them: then a file that cannot be used is an error.
    pub(super) required: bool,
    /// Whether only those files count (`IdentitiesOnly`).
    pub(super) only: bool,
    /// Certificates that were named.
    pub(super) certificates: Vec<PathBuf>,
    /// The agent to ask.
    pub(super) agent: Option<PathBuf>,
    /// `SHA256:...` of the key that worked last time.
    pub(super) remembered: Option<String>,
}

/// Where to connect to.
#[derive(Clone, Debug)]
pub(super) struct Target {
    /// The server of the inventory, or its neighbour that the connection is made for.
    pub(super) name: ServerName,
    /// The server of the inventory that it is.
    pub(super) entry: Option<ServerName>,
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) user: String,
    pub(super) host_name: HostName,
    pub(super) user_known_hosts: Vec<PathBuf>,
    pub(super) global_known_hosts: Vec<PathBuf>,
    pub(super) pinned: Vec<String>,
    pub(super) identities: Identities,
    /// The host to go through.
    pub(super) via: Option<Box<Target>>,
    /// The program that makes the connection, where no host is gone through.
    pub(super) proxy: Option<ProxyCommand>,
    /// Whether scripts go through `sudo`.
    pub(super) sudo: bool,
}

impl Target {
    /// What an admin calls it: the name of the server that it is, else its address.
    pub(super) fn called(&self) -> &str {
        self.entry
            .as_ref()
            .map_or(&*self.host, |entry| entry.as_str())
    }

    /// The file that a host key is recorded in: not `/dev/null`, by which many have `ssh` remember nothing.
    pub(super) fn file_to_write(&self) -> Option<PathBuf> {
        let is_free = |path: &&PathBuf| path.metadata().map_or(true, |found| found.is_file());
        self.user_known_hosts.iter().find(is_free).cloned()
    }

    /// `user@host:port`, with the way to it: the same for the same connection.
    pub(super) fn route(&self) -> String {
        let this = format!("{}@{}:{}", self.user, self.host, self.port);
        match (&self.via, &self.proxy) {
            (Some(via), _) => format!("{}>{this}", via.route()),
            (None, Some(proxy)) => format!("{}|{this}", proxy.line()),
            (None, None) => this,
        }
    }
}

/// A host on the way, before it is looked up.
struct Hop {
    user: Option<String>,
    address: String,
    port: Option<u16>,
    /// Whether `ssh_config`(5) names it: then who runs fleet logs in there, unless it says otherwise.
    of_ssh_config: bool,
}

impl Shared {
    /// Works out where a server is.
    pub(super) async fn target(&self, server: &Server) -> Result<Target, TransportError> {
        self.target_within(server, MOST_HOPS).await
    }

    async fn target_within(&self, server: &Server, hops: usize) -> Result<Target, TransportError> {
        let hop = Hop {
            user: server.user.clone(),
            address: server.address.clone(),
            port: server.port,
            of_ssh_config: false,
        };
        let mut target = self
            .look_up(&server.name, &hop, hops, None, server.jump.as_ref())
            .await?;
        target.entry = Some(server.name.clone());
        target.pinned = self
            .settings
            .pinned
            .get(&server.name)
            .cloned()
            .unwrap_or_default();
        target.sudo = server.r#become && target.user != "root";
        target.identities.remembered = self.settings.login_keys.get(&server.name).cloned();
        if let Some(file) = &server.identity_file {
            target.identities.files = vec![self.at_home(file)];
            target.identities.required = true;
            target.identities.only = true;
        }
        Ok(target)
    }

    /// Works out where a host is that may not be in the inventory; `before` is the way to it if that is known.
    async fn look_up(
        &self,
        name: &ServerName,
        hop: &Hop,
        hops: usize,
        before: Option<Box<Target>>,
        jump: Option<&Jump>,
    ) -> Result<Target, TransportError> {
        let settings = &self.settings;
        let answer = self
            .ssh_config
            .about(settings, &hop.address, hop.user.as_deref(), hop.port)
            .await?;
        let host = answer
            .hostname
            .clone()
            .unwrap_or_else(|| hop.address.clone());
        let port = hop.port.or(answer.port).unwrap_or(22);
        let user = hop
            .user
            .clone()
            .or_else(|| answer.user.clone())
            .or_else(|| {
                let who = answer.runs_it.clone();
                who.or_else(|| settings.local_user.clone())
                    .filter(|_| hop.of_ssh_config)
            })
            .unwrap_or_else(|| "root".to_owned());
        let tokens = Tokens {
            host: &host,
            address: &hop.address,
            alias: answer.host_key_alias.as_deref().unwrap_or(&hop.address),
            port,
            user: &user,
        };
        let via = match (before, jump) {
            (Some(before), _) => Some(before),
            (None, Some(jump)) => Some(Box::new(self.jump(name, jump, &user, hops).await?)),
            (None, None) => match &answer.proxy_jump {
                Some(list) => {
                    let list = tokens.expand("ProxyJump", list)?;
                    self.proxy_jump(name, &list, hops).await?
                }
                None => None,
            },
        };
        let proxy = match (&via, &answer.proxy_command) {
            (None, Some(command)) => Some(proxy(command, &tokens, &answer)?),
            _ => None,
        };
        let of_user = answer
            .user_known_hosts
            .unwrap_or_else(|| settings.known_hosts.clone());
        Ok(Target {
            name: name.clone(),
            entry: None,
            host_name: HostName::new(&host, port, answer.host_key_alias.as_deref()),
            host,
            port,
            user,
            user_known_hosts: settings
                .own_known_hosts
                .iter()
                .cloned()
                .chain(of_user)
                .collect(),
            global_known_hosts: answer
                .global_known_hosts
                .unwrap_or_else(|| settings.global_known_hosts.clone()),
            pinned: Vec::new(),
            identities: Identities {
                files: answer.identity_files,
                required: false,
                only: answer.identities_only,
                certificates: answer.certificate_files,
                agent: match answer.identity_agent {
                    AgentChoice::Usual => settings.agent.clone(),
                    AgentChoice::None => None,
                    AgentChoice::At(socket) => Some(socket),
                },
                remembered: None,
            },
            via,
            proxy,
            sudo: false,
        })
    }

    /// The host that the inventory names as `jump`.
    async fn jump(
        &self,
        name: &ServerName,
        jump: &Jump,
        user_of_server: &str,
        hops: usize,
    ) -> Result<Target, TransportError> {
        let Some(hops) = hops.checked_sub(1) else {
            return Err(too_many_hops());
        };
        match jump {
            Jump::Server(other) => {
                let Some(server) = self.settings.servers.get(other) else {
                    return Err(TransportError::Settings {
                        reason: format!(
                            "its `jump` names `{other}`, which is not in the inventory"
                        ),
                        hint: None,
                    });
                };
                Box::pin(self.target_within(server, hops)).await
            }
            Jump::Host {
                user,
                address,
                port,
            } => {
                let hop = Hop {
                    user: Some(user.clone().unwrap_or_else(|| user_of_server.to_owned())),
                    address: address.clone(),
                    port: *port,
                    of_ssh_config: false,
                };
                Box::pin(self.look_up(name, &hop, hops, None, None)).await
            }
        }
    }

    /// The hosts of a `ProxyJump` list (`ssh_config`(5)): `[user@]host[:port]` or an `ssh://` URI, with commas between.
    async fn proxy_jump(
        &self,
        name: &ServerName,
        list: &str,
        hops: usize,
    ) -> Result<Option<Box<Target>>, TransportError> {
        let mut before = None;
        let mut left = hops;
        for text in list.split(',') {
            let Some(hops) = left.checked_sub(1) else {
                return Err(too_many_hops());
            };
            left = hops;
            let hop = parse_hop(text.trim())?;
            let target = Box::pin(self.look_up(name, &hop, left, before.take(), None)).await?;
            before = Some(Box::new(target));
        }
        Ok(before)
    }

    /// `path` with `~/` resolved.
    fn at_home(&self, path: &std::path::Path) -> PathBuf {
        match (path.strip_prefix("~"), &self.settings.home) {
            (Ok(rest), Some(home)) => home.join(rest),
            _ => path.to_owned(),
        }
    }
}

/// The `ProxyCommand` of a host.
fn proxy(
    command: &str,
    tokens: &Tokens<'_>,
    answer: &Answer,
) -> Result<ProxyCommand, TransportError> {
    if answer.proxy_passes {
        return Err(TransportError::Settings {
            reason: format!(
                "ssh_config(5) reaches `{}` by `ProxyCommand {command}` with `ProxyUseFdpass`",
                tokens.address
            ),
            hint: Some(
                "fleet takes a `ProxyCommand` without it, `ProxyJump`, or `jump` in the inventory"
                    .to_owned(),
            ),
        });
    }
    ProxyCommand::new(command, tokens)
}

fn too_many_hops() -> TransportError {
    TransportError::Settings {
        reason: format!("the way to it has more than {MOST_HOPS} jumps, or goes in a circle"),
        hint: Some("check `jump` in the inventory and `ProxyJump` in ssh_config(5)".to_owned()),
    }
}

/// One host of a `ProxyJump` list.
fn parse_hop(text: &str) -> Result<Hop, TransportError> {
    let bad = || TransportError::Settings {
        reason: format!("`ProxyJump {text}` of ssh_config(5) cannot be read"),
        hint: None,
    };
    let rest = text.strip_prefix("ssh://").unwrap_or(text);
    let (user, rest) = match rest.rsplit_once('@') {
        Some((user, rest)) => (Some(user.to_owned()), rest),
        None => (None, rest),
    };
    let (address, port) = if let Some(rest) = rest.strip_prefix('[') {
        let (address, rest) = rest.split_once(']').ok_or_else(bad)?;
        (address, rest.strip_prefix(':'))
    } else {
        match rest.split_once(':') {
            Some((address, port)) if !port.contains(':') => (address, Some(port)),
            _ => (rest, None),
        }
    };
    let port = port.map(str::parse).transpose().map_err(|_| bad())?;
    if address.is_empty() {
        return Err(bad());
    }
    Ok(Hop {
        user,
        address: address.to_owned(),
        port,
        of_ssh_config: true,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hops_of_a_proxy_jump() {
        for (text, user, address, port) in [
            ("bastion", None, "bastion", None),
            ("alice@bastion:2222", Some("alice"), "bastion", Some(2222)),
            (
                "ssh://a@[2001:db8::1]:22",
                Some("a"),
                "2001:db8::1",
                Some(22),
            ),
            ("2001:db8::1", None, "2001:db8::1", None),
        ] {
            let hop = parse_hop(text).expect(text);
            assert_eq!(hop.user.as_deref(), user, "{text}");
            assert_eq!(hop.address, address, "{text}");
            assert_eq!(hop.port, port, "{text}");
        }
        assert!(parse_hop("a:99999").is_err());
        assert!(parse_hop("").is_err());
    }
}
