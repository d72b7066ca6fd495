//! Who follows a look at servers, which changes and records nothing.

use super::words;
use crate::apply::{Event, Observer, ServerReport, Work};
use crate::context::Context;
use crate::diagnostic::Diagnostic;
use crate::model::ServerName;
use crate::plan::ServerPlan;
use crate::ui::Progress;

/// Follows a look.
pub(in crate::commands) struct Watcher<'a> {
    progress: Progress<'a>,
}

impl<'a> Watcher<'a> {
    /// Follows a look at so many servers.
    pub(in crate::commands) fn new(context: &'a Context, servers: usize) -> Self {
        Self {
            progress: context.ui.progress(servers),
        }
    }
}

impl Observer for Watcher<'_> {
    fn event(&mut self, server: &ServerName, event: &Event) {
        self.progress.state(server.as_str(), words(event));
    }

    fn renew(&mut self, _server: &ServerName) -> Result<Option<Work>, Diagnostic> {
        Ok(None)
    }

    fn intend(&mut self, _server: &ServerName, _plan: &ServerPlan) -> Result<(), Diagnostic> {
        Err(Diagnostic::failed("a look changes nothing"))
    }

    fn done(&mut self, report: &ServerReport) {
        self.progress.end(report.server.as_str());
    }
}
