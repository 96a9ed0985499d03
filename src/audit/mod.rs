//! The proof: that what is stored and what happened obeys the rules of a ticket sale.
//!
//! It shares no code with the repository's rules: it reads the store with queries of its own, and
//! judges by [`domain`](crate::domain) values alone.

use std::collections::HashMap;

use self::evidence::Evidence;
use self::findings::{Findings, Rule};
use self::store::StoreFacts;
use crate::domain::EventId;
use crate::repository::store_url::{ScyllaLocation, SqliteLocation};
use crate::repository::{Result, StoreError, StoreUrl};

pub mod evidence;
pub mod findings;
pub mod history;
mod ownership;
mod replay;
pub mod report;
pub mod rules;
mod scylla;
mod sqlite;
mod store;

pub use history::{Answer, History, Told};
pub use report::{AuditReport, Check, LogPeriod, Violation};

/// Audits one event of a store, or all of them, while others go on writing.
///
/// A SQLite store is judged as of one moment. A ScyllaDB store cannot be read at one moment: what
/// changed while it was read is judged by its change log alone, and a violation counts only if a
/// second and slower reading finds one, too.
///
/// `history` is what buyers were told, as far as it is known; what it says about other events is
/// passed over. One event is in memory at a time, and small ones together: 300 bytes for each of the
/// tickets, about.
///
/// # Errors
/// The store cannot be read, or it does not have the event. A broken rule is no error: the report
/// names it.
pub async fn run(url: &StoreUrl, event: Option<EventId>, history: &[Told]) -> Result<AuditReport> {
    let asked = |told: &&Told| event.is_none_or(|event| event == told.event_id);
    let history: Vec<Told> = history.iter().filter(asked).cloned().collect();
    match url {
        StoreUrl::Sqlite(location) => {
            let location = location.clone();
            let audit = move || sqlite_store(&location, event, &history);
            tokio::task::spawn_blocking(audit).await.map_err(StoreError::lost_task)?
        }
        StoreUrl::Scylla(location) => Box::pin(scylla_store(location, event, &history)).await,
    }
}

fn sqlite_store(
    location: &SqliteLocation,
    event: Option<EventId>,
    history: &[Told],
) -> Result<AuditReport> {
    let mut hearing = Hearing::of(history);
    let facts = sqlite::read(location, event, &mut |evidence| hearing.judge(evidence))?;
    Ok(hearing.report(facts))
}

async fn scylla_store(
    location: &ScyllaLocation,
    event: Option<EventId>,
    history: &[Told],
) -> Result<AuditReport> {
    let store = scylla::Store::open(location).await?;
    let mut report = None;
    for patience in [scylla::Patience::None, scylla::Patience::UntilSettled] {
        let mut hearing = Hearing::of(history);
        let facts = store.read(event, patience, &mut |evidence| hearing.judge(evidence)).await?;
        let found = hearing.report(facts);
        if found.passed {
            return Ok(found);
        }
        report = Some(found);
    }
    report.ok_or_else(scylla::unread)
}

/// Judges a store event by event.
struct Hearing<'h> {
    by_event: HashMap<EventId, Vec<&'h Told>>,
    findings: Findings,
}

impl<'h> Hearing<'h> {
    fn of(history: &'h [Told]) -> Self {
        let mut by_event: HashMap<EventId, Vec<&Told>> = HashMap::new();
        for told in history {
            by_event.entry(told.event_id).or_default().push(told);
        }
        Self { by_event, findings: Findings::default() }
    }

    fn judge(&mut self, evidence: &Evidence) {
        let told = self.by_event.remove(&evidence.event.event_id).unwrap_or_default();
        rules::judge(evidence, &told, &mut self.findings);
    }

    fn report(mut self, facts: StoreFacts) -> AuditReport {
        for (event, told) in &self.by_event {
            self.findings.examined(Rule::Acknowledged, told.len());
            self.findings.broken(Rule::Acknowledged, None, || {
                let answers = told.len();
                format!("{answers} answers are about event {event}, which is not stored")
            });
        }
        judge_store(&facts, &mut self.findings);
        let violations = self.findings.violations();
        let (unfinished, changing) = self.findings.open_ends();
        AuditReport {
            passed: violations.is_empty(),
            violations,
            checks: self.findings.checks(),
            log: facts.log,
            unfinished,
            changing,
        }
    }
}

/// What concerns the store as a whole.
fn judge_store(facts: &StoreFacts, findings: &mut Findings) {
    for stray in &facts.strays {
        findings.broken(Rule::Conservation, None, || stray.clone());
    }
    findings.examined(Rule::LogUnbroken, usize::try_from(facts.entries).unwrap_or(usize::MAX));
    if facts.entries_missing > 0 {
        findings.broken(Rule::LogUnbroken, None, || {
            let (missing, entries) = (facts.entries_missing, facts.entries);
            format!("{missing} entries are missing beside the {entries} that are there")
        });
    }
}
