//! Websites: nginx, with PHP-FPM where a site wants it.

use clap::Args;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Compile, Spec};
use crate::diagnostic::Invalid;
use crate::item::Item;
use crate::model::Role;

/// The settings of a website.
#[derive(Clone, Debug, Args, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Site {}

impl Spec for Site {
    const KIND: &'static str = "site";
    const PLURAL: &'static str = "sites";
    const ABOUT: &'static str = "a website";
    const NAME: &'static str = "DOMAIN";
    const ROLE: Role = Role::Web;
    const EXAMPLE: &'static str = "fleet add-site example.com --server sg-1";

    fn canonical_name(input: &str) -> Result<String, Invalid> {
        Ok(input.to_owned())
    }

    fn validate(&self, _name: &str, _now: Timestamp) -> Result<(), Invalid> {
        Ok(())
    }

    fn items(&self, _input: &Compile<'_>) -> Result<Vec<Item>, Invalid> {
        Ok(Vec::new())
    }

    fn summary(&self, _name: &str) -> Vec<(&'static str, String)> {
        Vec::new()
    }
}
