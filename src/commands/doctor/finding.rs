//! One thing that was looked at, and what was found.

use serde_json::{Value, json};

use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::model::ServerName;

/// How it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Status {
    /// As it should be.
    Ok,
    /// fleet works, but somebody should know.
    Warn,
    /// fleet cannot work with it.
    Bad,
}

impl Status {
    fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Bad => "bad",
        }
    }
}

/// What was found.
#[derive(Clone, Debug)]
pub(super) struct Finding {
    /// What was looked at: `inventory`, `state`, `key`, `ssh`, `clock`; of a server what of it.
    check: &'static str,
    /// The server, where it is about one.
    pub(super) server: Option<ServerName>,
    pub(super) status: Status,
    pub(super) message: String,
    /// What to do; not empty unless it is ok.
    pub(super) hints: Vec<String>,
}

impl Finding {
    pub(super) fn ok(check: &'static str, message: impl Into<String>) -> Self {
        Self {
            check,
            server: None,
            status: Status::Ok,
            message: message.into(),
            hints: Vec::new(),
        }
    }

    pub(super) fn warn(
        check: &'static str,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) -> Self {
        Self {
            status: Status::Warn,
            hints: vec![hint.into()],
            ..Self::ok(check, message)
        }
    }

    pub(super) fn bad(
        check: &'static str,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) -> Self {
        Self {
            status: Status::Bad,
            ..Self::warn(check, message, hint)
        }
    }

    /// A problem that is an error elsewhere; `otherwise` is its hint where it has none.
    pub(super) fn error(check: &'static str, error: &Diagnostic, otherwise: &str) -> Self {
        let mut finding = Self::bad(check, &error.message, otherwise);
        if !error.hints.is_empty() {
            finding.hints.clone_from(&error.hints);
        }
        finding
    }

    /// All problems of an error.
    pub(super) fn errors(check: &'static str, error: &anyhow::Error, otherwise: &str) -> Vec<Self> {
        if let Some(all) = error.downcast_ref::<Diagnostics>() {
            let all = all.0.iter();
            return all.map(|one| Self::error(check, one, otherwise)).collect();
        }
        match error.downcast_ref::<Diagnostic>() {
            Some(one) => vec![Self::error(check, one, otherwise)],
            None => vec![Self::bad(check, format!("{error:#}"), otherwise)],
        }
    }

    pub(super) fn of(mut self, server: &ServerName) -> Self {
        self.server = Some(server.clone());
        self
    }

    /// Whom or what it is about.
    pub(super) fn subject(&self) -> &str {
        self.server.as_ref().map_or(self.check, ServerName::as_str)
    }

    pub(super) fn json(&self) -> Value {
        json!({
            "check": self.check,
            "server": self.server,
            "status": self.status.word(),
            "message": self.message,
            "hints": self.hints,
        })
    }
}
