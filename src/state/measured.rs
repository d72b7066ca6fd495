//! Queries of `measured` and `answer_samples`: how fast sites answer, and when certificates expire.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use rusqlite::params;

use super::rows::{self, count, millis, text, time};
use super::{Read, Write};
use crate::diagnostic::Diagnostic;
use crate::model::check::{Aspect, Subject, Vantage};
use crate::model::{Answer, AnswerParts, Check, CheckKey, Expiring, ResourceName, ServerName};

/// Over how long answers are summed up, in milliseconds: fine enough for a week in a small plot, and few rows for many
/// sites.
const PART: i64 = 3 * 3_600_000;

/// For how long the sums are kept, in milliseconds: the week that is shown, and a day.
const KEPT: i64 = 8 * 86_400_000;

impl Read {
    /// How fast each resource that answers did so at the last look, in order of server and name.
    pub fn answers(&self) -> Result<Vec<Answer>, Diagnostic> {
        let mut answers: Vec<Answer> = Vec::new();
        self.each(
            "SELECT server, kind, name, vantage, took_ms FROM measured
             WHERE took_ms IS NOT NULL ORDER BY server, kind, name",
            [],
            |row| {
                let server = rows::server(row, 0)?;
                let resource = ResourceName::new(text(row, 1)?, text(row, 2)?);
                let is_same = |last: &Answer| last.server == server && last.resource == resource;
                if !answers.last().is_some_and(is_same) {
                    answers.push(Answer {
                        server,
                        resource,
                        on_server_ms: None,
                        from_here_ms: None,
                    });
                }
                let took = Some(count(row, 4)?);
                if let Some(answer) = answers.last_mut() {
                    if text(row, 3)? == Vantage::Here.word() {
                        answer.from_here_ms = took;
                    } else {
                        answer.on_server_ms = took;
                    }
                }
                Ok(())
            },
        )?;
        Ok(answers)
    }

    /// What ends by itself, the first to end first.
    pub fn expiring(&self) -> Result<Vec<Expiring>, Diagnostic> {
        self.all(
            "SELECT server, kind, name, MIN(expires) FROM measured WHERE expires IS NOT NULL
             GROUP BY server, kind, name ORDER BY MIN(expires), server, kind, name",
            [],
            |row| {
                Ok(Expiring {
                    server: rows::server(row, 0)?,
                    resource: ResourceName::new(text(row, 1)?, text(row, 2)?),
                    expires: time(row, 3)?,
                })
            },
        )
    }

    /// How fast resources answered on their servers in the `days` up to the end of the part that `now` is in.
    pub fn answer_parts(&self, now: Timestamp, days: u32) -> Result<AnswerParts, Diagnostic> {
        let number = i64::from(days) * 86_400_000 / PART;
        let from = (millis(now).div_euclid(PART) + 1 - number) * PART;
        let mut parts = AnswerParts {
            from: Timestamp::from_millisecond(from).unwrap_or(now),
            number: usize::try_from(number).unwrap_or_default(),
            answers: BTreeMap::new(),
        };
        self.each(
            "SELECT server, kind, name, at, looks, took_ms FROM answer_samples WHERE at >= $1",
            params![from],
            |row| {
                let key = (
                    rows::server(row, 0)?,
                    ResourceName::new(text(row, 1)?, text(row, 2)?),
                );
                let all = parts
                    .answers
                    .entry(key)
                    .or_insert_with(|| vec![None; parts.number]);
                let at = (row.get::<_, i64>(3)? - from) / PART;
                // A clock that was ahead has left parts that are still to come.
                if let Some(part) = usize::try_from(at).ok().and_then(|at| all.get_mut(at)) {
                    *part = count(row, 5)?.checked_div(count(row, 4)?);
                }
                Ok(())
            },
        )?;
        Ok(parts)
    }
}

impl Write<'_> {
    /// Records what `checks`, those of one look at a server, have measured of the resources there.
    pub fn record_measured(
        &self,
        server: &ServerName,
        checks: &[Check],
        at: Timestamp,
    ) -> Result<(), Diagnostic> {
        for check in checks {
            let key = &check.key;
            let Some(resource) = &key.subject.resource else {
                continue;
            };
            let answer = (key.aspect == Aspect::Http)
                .then(|| whole(check.value))
                .flatten();
            if key.aspect != Aspect::Http && check.expires.is_none() {
                if key.aspect == Aspect::Certificate {
                    self.change(
                        "DELETE FROM measured
                         WHERE server = $1 AND kind = $2 AND name = $3 AND aspect = $4 AND vantage = $5",
                        params![
                            server.as_str(),
                            resource.kind,
                            resource.name,
                            key.aspect.word(),
                            key.from.word(),
                        ],
                    )?;
                }
                continue;
            }
            // What is as it was is not written.
            self.change(
                "INSERT INTO measured (server, kind, name, aspect, vantage, took_ms, expires)
                 VALUES ($1, $2, $3, $4, $5, $6, $7)
                 ON CONFLICT (server, kind, name, aspect, vantage) DO UPDATE SET
                     took_ms = excluded.took_ms, expires = excluded.expires
                 WHERE measured.took_ms IS DISTINCT FROM excluded.took_ms
                     OR measured.expires IS DISTINCT FROM excluded.expires",
                params![
                    server.as_str(),
                    resource.kind,
                    resource.name,
                    key.aspect.word(),
                    key.from.word(),
                    answer,
                    check.expires.map(millis),
                ],
            )?;
            if let (Some(answer), Vantage::Server) = (answer, key.from) {
                self.add_answer(server, resource, answer, at)?;
            }
        }
        Ok(())
    }

    fn add_answer(
        &self,
        server: &ServerName,
        resource: &ResourceName,
        took_ms: i64,
        at: Timestamp,
    ) -> Result<(), Diagnostic> {
        self.change(
            "INSERT INTO answer_samples (at, server, kind, name, looks, took_ms)
             VALUES ($1, $2, $3, $4, 1, $5)
             ON CONFLICT (at, server, kind, name) DO UPDATE SET
                 looks = answer_samples.looks + 1,
                 took_ms = answer_samples.took_ms + excluded.took_ms",
            params![
                millis(at).div_euclid(PART) * PART,
                server.as_str(),
                resource.kind,
                resource.name,
                took_ms,
            ],
        )?;
        Ok(())
    }

    /// Forgets what was measured on a server by checks that have no status there any more.
    pub(super) fn forget_measured(&self, server: &ServerName) -> Result<(), Diagnostic> {
        let names = self.all(
            "SELECT subject FROM health_statuses WHERE server = $1 AND subject <> ''",
            params![server.as_str()],
            |row| row.get::<_, String>(0),
        )?;
        let names: BTreeSet<String> = names.into_iter().collect();
        let measured = self.all(
            "SELECT kind, name, aspect, vantage FROM measured WHERE server = $1",
            params![server.as_str()],
            |row| {
                let resource = ResourceName::new(text(row, 0)?, text(row, 1)?);
                let (aspect, from) = (text(row, 2)?.to_owned(), text(row, 3)?.to_owned());
                Ok((resource, aspect, from))
            },
        )?;
        for (resource, aspect, from) in measured {
            let side = if from == Vantage::Here.word() {
                Vantage::Here
            } else {
                Vantage::Server
            };
            let name = Aspect::of(&aspect).map(|aspect| {
                let subject = Subject::resource(server.clone(), resource.clone());
                let key = CheckKey {
                    subject,
                    aspect,
                    from: side,
                };
                key.within_server()
            });
            if name.is_none_or(|name| !names.contains(&name)) {
                self.change(
                    "DELETE FROM measured
                     WHERE server = $1 AND kind = $2 AND name = $3 AND aspect = $4 AND vantage = $5",
                    params![server.as_str(), resource.kind, resource.name, aspect, from],
                )?;
            }
        }
        Ok(())
    }

    /// Forgets what checks have seen of a resource on a server that does not hold it any more: nobody would look at it
    /// again before the next sweep.
    pub(super) fn forget_checks_of(
        &self,
        resource: i64,
        server: &ServerName,
    ) -> Result<(), Diagnostic> {
        let name = self.first(
            "SELECT kind, name FROM resources WHERE id = $1",
            params![resource],
            |row| Ok(ResourceName::new(text(row, 0)?, text(row, 1)?)),
        )?;
        let Some(name) = name else { return Ok(()) };
        self.change(
            "DELETE FROM measured WHERE server = $1 AND kind = $2 AND name = $3",
            params![server.as_str(), name.kind, name.name],
        )?;
        for aspect in Aspect::ALL {
            for from in [Vantage::Server, Vantage::Here] {
                let key = CheckKey {
                    subject: Subject::resource(server.clone(), name.clone()),
                    aspect,
                    from,
                };
                self.change(
                    "DELETE FROM health_statuses WHERE server = $1 AND subject = $2",
                    params![server.as_str(), key.within_server()],
                )?;
            }
        }
        Ok(())
    }

    /// Clears answers that are older than they are kept.
    pub fn clear_old_answers(&self, now: Timestamp) -> Result<(), Diagnostic> {
        self.change(
            "DELETE FROM answer_samples WHERE at < $1",
            params![millis(now).saturating_sub(KEPT)],
        )?;
        Ok(())
    }
}

/// Milliseconds as they are stored; nothing of what is none.
#[expect(
    clippy::cast_possible_truncation,
    reason = "it is clamped to what fits"
)]
fn whole(value: Option<f64>) -> Option<i64> {
    value
        .filter(|ms| ms.is_finite())
        .map(|ms| ms.round().clamp(0.0, 1e9) as i64)
}
