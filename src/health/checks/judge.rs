//! From what was found out to checks with a status: pure, with every limit an argument.

use jiff::Timestamp;

use super::answers::{Archive, Findings, PageAnswer, Placed};
use super::asked::Asked;
use super::certificate::Certificate;
use super::{PATIENCE, debian};
use crate::kind::wanted::{self, Page};
use crate::model::check::{Aspect, Check, CheckLimits, Status, Subject, Unit, Vantage};
use crate::model::health::ServerFacts;
use crate::model::{ResourceName, ServerName};

/// Packages named in a detail; of the rest only the number is told.
const NAMED: usize = 3;

/// Judges what was found out on a server, in order of the checks' keys.
pub fn judge(
    server: &ServerName,
    facts: &ServerFacts,
    asked: &Asked,
    findings: &Findings,
    now: Timestamp,
    limits: &CheckLimits,
) -> Vec<Check> {
    let judge = Judge {
        server,
        now,
        limits,
    };
    let mut checks: Vec<Check> = Vec::new();
    checks.extend(judge.reboot(facts, findings));
    checks.extend(judge.updates(findings));
    checks.extend(judge.mail(findings));
    checks.extend(judge.nginx(facts, findings));
    checks.extend(judge.php(findings));
    checks.extend(judge.cron(findings));
    checks.extend(judge.databases(findings));
    for zone in asked.zones.iter().filter(|_| findings.zones_asked) {
        let (status, detail) = if findings.zones.contains(&zone.name) {
            (Status::Ok, "is answered for")
        } else {
            (Status::Bad, "is not answered for by the server itself")
        };
        checks.push(judge.resource(zone, Aspect::Dns, status, detail));
    }
    let mut answered = 0;
    for (number, (resource, page)) in asked.pages.iter().enumerate() {
        if let Some(certificate) = &page.certificate
            && let Some(placed) = findings.files.get(&certificate.path)
        {
            checks.push(judge.file(resource, page, certificate, placed));
        }
        if let Some(answer) = findings.pages.get(&page.url()) {
            answered += 1;
            let text = findings.texts.get(&number).copied();
            checks.push(judge.answer(resource, page, answer, text));
        }
    }
    // A limit of time that is too short for all of them must not look like all is well.
    if !asked.pages.is_empty() && (answered > 0 || !findings.ended) {
        let all = asked.pages.len();
        let (status, detail) = if answered == all {
            (Status::Ok, format!("all sites were asked for: {all}"))
        } else {
            let detail = format!("only {answered} of {all} sites could be asked for in time");
            (Status::Warn, detail)
        };
        checks.push(judge.own(Aspect::Http, status, detail));
    }
    checks.sort_by(|a, b| a.key.cmp(&b.key));
    checks
}

struct Judge<'a> {
    server: &'a ServerName,
    now: Timestamp,
    limits: &'a CheckLimits,
}

impl Judge<'_> {
    fn own(&self, aspect: Aspect, status: Status, detail: impl Into<String>) -> Check {
        let subject = Subject::server(self.server.clone());
        Check::new(subject, aspect, Vantage::Server, status, detail)
    }

    fn resource(
        &self,
        name: &ResourceName,
        aspect: Aspect,
        status: Status,
        detail: impl Into<String>,
    ) -> Check {
        let subject = Subject::resource(self.server.clone(), name.clone());
        Check::new(subject, aspect, Vantage::Server, status, detail)
    }

    fn reboot(&self, facts: &ServerFacts, findings: &Findings) -> Option<Check> {
        let required = findings.reboot?;
        let (running, flavour) = debian::kernel(&facts.kernel);
        let newest = findings
            .kernels
            .iter()
            .filter(|release| debian::kernel(release).1 == flavour)
            .max_by(|a, b| debian::compare(debian::kernel(a).0, debian::kernel(b).0))
            .filter(|release| debian::compare(debian::kernel(release).0, running).is_gt());
        let (status, detail) = if required {
            let names = named(findings.reboot_for.iter().map(String::as_str));
            let detail = if names.is_empty() {
                "a restart is required".to_owned()
            } else {
                format!("a restart is required, by {names}")
            };
            (Status::Warn, detail)
        } else if let Some(newest) = newest.filter(|_| !facts.kernel.is_empty()) {
            let detail = format!(
                "a restart is required: the kernel {} runs, {newest} is installed",
                facts.kernel
            );
            (Status::Warn, detail)
        } else {
            (Status::Ok, "no restart is required".to_owned())
        };
        Some(self.own(Aspect::Reboot, status, detail))
    }

    fn updates(&self, findings: &Findings) -> Option<Check> {
        match findings.archive {
            Archive::Unknown => return None,
            Archive::Missing => {
                let detail = "it has no package lists of a security archive, so that security updates are not seen";
                return Some(self.own(Aspect::Updates, Status::Warn, detail));
            }
            Archive::Read => {}
        }
        let age = findings
            .lists
            .and_then(|at| u64::try_from(self.now.as_second().saturating_sub(at)).ok());
        if let Some(age) = age.filter(|age| *age > self.limits.package_lists.as_secs()) {
            let days = age / 86_400;
            let detail = format!(
                "its package lists are {days} days old, so that security updates are not seen"
            );
            return Some(self.own(Aspect::Updates, Status::Warn, detail));
        }
        let newer = |(_, installed, offered): &&(String, String, Vec<String>)| {
            offered
                .iter()
                .any(|version| debian::compare(version, installed).is_gt())
        };
        let waiting: Vec<&str> = findings
            .updates
            .iter()
            .filter(newer)
            .map(|(name, _, _)| name.as_str())
            .collect();
        let count = u32::try_from(waiting.len()).unwrap_or(u32::MAX);
        let status = if count >= self.limits.security_updates.max(1) {
            Status::Warn
        } else {
            Status::Ok
        };
        let names = named(waiting.iter().copied());
        let detail = match count {
            0 => "no security update waits".to_owned(),
            1 => format!("1 security update waits: {names}"),
            count => format!("{count} security updates wait: {names}"),
        };
        let check = self.own(Aspect::Updates, status, detail);
        Some(check.measured(count.into(), Unit::Count))
    }

    fn mail(&self, findings: &Findings) -> Option<Check> {
        let waiting = u32::try_from(findings.mail?).unwrap_or(u32::MAX);
        let status = if waiting >= self.limits.mail_queue.max(1) {
            Status::Warn
        } else {
            Status::Ok
        };
        let detail = match waiting {
            0 => "no mail waits to be sent".to_owned(),
            1 => "1 message waits to be sent".to_owned(),
            10_000.. => "10,000 messages or more wait to be sent".to_owned(),
            count => format!("{count} messages wait to be sent"),
        };
        let check = self.own(Aspect::Mail, status, detail);
        Some(check.measured(waiting.into(), Unit::Count))
    }

    fn nginx(&self, facts: &ServerFacts, findings: &Findings) -> Option<Check> {
        let runs = facts.services.get("nginx").is_some_and(|s| s == "active");
        let (status, detail) = match findings.nginx.as_ref()? {
            Err(said) => (
                Status::Bad,
                format!("nginx would not start with its configuration: {said}"),
            ),
            Ok(()) if runs && !findings.listens.contains(&80) => {
                (Status::Bad, "nothing listens on port 80".to_owned())
            }
            Ok(()) => (Status::Ok, "the configuration of nginx is valid".to_owned()),
        };
        Some(self.own(Aspect::Nginx, status, detail))
    }

    fn php(&self, findings: &Findings) -> Option<Check> {
        let invalid = findings
            .php
            .iter()
            .find_map(|(version, verdict)| Some((version, verdict.as_ref().err()?)));
        let (status, detail) = match invalid {
            Some((version, said)) => (
                Status::Bad,
                format!("PHP-FPM {version} would not start with its configuration: {said}"),
            ),
            None if findings.php.is_empty() => return None,
            None => (
                Status::Ok,
                "the configuration of PHP-FPM is valid".to_owned(),
            ),
        };
        Some(self.own(Aspect::Php, status, detail))
    }

    fn cron(&self, findings: &Findings) -> Option<Check> {
        let state = findings.cron.as_deref()?;
        Some(match state {
            "active" => self.own(Aspect::Cron, Status::Ok, "the cron daemon runs"),
            // systemctl(1) did not answer: nothing is known.
            "" => return None,
            state => self.own(
                Aspect::Cron,
                Status::Bad,
                format!("the cron daemon is {state}, but cron jobs are placed here"),
            ),
        })
    }

    fn databases(&self, findings: &Findings) -> Vec<Check> {
        let mut checks = Vec::new();
        match &findings.mariadb {
            Some(Ok(())) => checks.push(self.own(Aspect::Mariadb, Status::Ok, "MariaDB answers")),
            Some(Err(said)) => checks.push(self.own(
                Aspect::Mariadb,
                Status::Bad,
                format!("MariaDB does not answer: {said}"),
            )),
            None => {}
        }
        // A cluster that is down though it should run has a reason of its own.
        if findings.postgres.values().any(Result::is_ok) {
            checks.push(self.own(Aspect::Postgres, Status::Ok, "PostgreSQL answers"));
        } else if !findings.postgres.is_empty() {
            let detail = "PostgreSQL does not answer";
            checks.push(self.own(Aspect::Postgres, Status::Bad, detail));
        }
        checks
    }

    fn file(
        &self,
        resource: &ResourceName,
        page: &Page,
        certificate: &wanted::Certificate,
        placed: &Placed,
    ) -> Check {
        let there = match placed {
            Placed::Missing => {
                let detail = format!("misses its certificate `{}`", certificate.path);
                return self.resource(resource, Aspect::Certificate, Status::Bad, detail);
            }
            Placed::Same => Certificate::of_pem(&certificate.pem),
            Placed::Other(text) => Certificate::of_base64(text),
        };
        let Some(there) = there else {
            let detail = format!("has a certificate in `{}` that is none", certificate.path);
            return self.resource(resource, Aspect::Certificate, Status::Bad, detail);
        };
        let foreign = *placed != Placed::Same;
        certificate_check(
            Subject::resource(self.server.clone(), resource.clone()),
            Vantage::Server,
            (&there, foreign, None),
            &page.host,
            self.now,
            self.limits,
        )
    }

    fn answer(
        &self,
        resource: &ResourceName,
        page: &Page,
        answer: &PageAnswer,
        text: Option<bool>,
    ) -> Check {
        let millis = (answer.seconds * 1000.0).round();
        let reached = match answer {
            PageAnswer {
                status: 0,
                exit: 28,
                ..
            } => Reached::Late,
            PageAnswer {
                status: 0, message, ..
            } => Reached::Silent(message),
            PageAnswer { status, .. } => Reached::Answer {
                status: *status,
                millis,
                text,
            },
        };
        let subject = Subject::resource(self.server.clone(), resource.clone());
        page_check(&subject, Vantage::Server, page, &reached, self.limits)
    }
}

/// What became of a request.
pub(super) enum Reached<'a> {
    /// It was answered.
    Answer {
        status: u16,
        /// Until the answer began.
        millis: f64,
        /// Whether the text was found; `None` when none was looked for.
        text: Option<bool>,
    },
    /// There was no answer in time.
    Late,
    /// There was none, for that reason.
    Silent(&'a str),
}

/// The check of a site's answer.
pub(super) fn page_check(
    subject: &Subject,
    from: Vantage,
    page: &Page,
    reached: &Reached<'_>,
    limits: &CheckLimits,
) -> Check {
    let check =
        |status, detail: String| Check::new(subject.clone(), Aspect::Http, from, status, detail);
    match reached {
        Reached::Late => check(
            Status::Bad,
            format!("does not answer within {} s", PATIENCE.as_secs()),
        ),
        Reached::Silent("") => check(Status::Bad, "does not answer".to_owned()),
        Reached::Silent(why) => check(Status::Bad, format!("does not answer: {why}")),
        Reached::Answer {
            status,
            millis,
            text,
        } => {
            let slow = *millis > limits.response_time.as_secs_f64() * 1000.0;
            let (verdict, detail) = if !(page.status_min..=page.status_max).contains(status) {
                let detail = format!("answers {status} instead of {}", page.statuses());
                (Status::Bad, detail)
            } else if page.text.is_some() && *text == Some(false) {
                let text = page.text.as_deref().unwrap_or_default();
                let detail = format!("answers {status}, but without the text `{}`", short(text));
                (Status::Bad, detail)
            } else if slow {
                let detail = format!("answers {status}, but only after {:.1} s", millis / 1000.0);
                (Status::Warn, detail)
            } else {
                (Status::Ok, format!("answers {status} in {millis:.0} ms"))
            };
            check(verdict, detail).measured(*millis, Unit::Milliseconds)
        }
    }
}

/// The check of a certificate: whether it is another than the one that was placed, and why visitors do not trust it.
pub(super) fn certificate_check(
    subject: Subject,
    from: Vantage,
    (certificate, foreign, distrust): (&Certificate, bool, Option<String>),
    host: &str,
    now: Timestamp,
    limits: &CheckLimits,
) -> Check {
    let judged = certificate.judge(host, now, limits);
    let (status, detail) = if foreign {
        let detail = format!(
            "has another certificate than the one that was placed; it {}",
            judged.detail
        );
        (judged.status.max(Status::Warn), detail)
    } else {
        (
            judged.status,
            format!("has a certificate that {}", judged.detail),
        )
    };
    let (status, detail) = match distrust {
        Some(why) => (
            status.max(Status::Warn),
            format!("{detail}; visitors do not trust it: {}", super::said(&why)),
        ),
        None => (status, detail),
    };
    let mut check = Check::new(subject, Aspect::Certificate, from, status, detail)
        .measured(judged.days, Unit::Days);
    check.expires = Some(certificate.until);
    check
}

/// `a, b, c and 4 more`.
fn named<'a>(names: impl ExactSizeIterator<Item = &'a str>) -> String {
    let all = names.len();
    let mut text = names
        .take(NAMED)
        .map(|name| format!("`{name}`"))
        .collect::<Vec<_>>()
        .join(", ");
    if all > NAMED {
        text += " and ";
        text += &(all - NAMED).to_string();
        text += " more";
    }
    text
}

/// The beginning of a text, for a line.
fn short(text: &str) -> String {
    if text.chars().count() <= 40 {
        text.to_owned()
    } else {
        let begin: String = text.chars().take(39).collect();
        format!("{begin}…")
    }
}

#[cfg(test)]
#[path = "judge_tests.rs"]
mod tests;
