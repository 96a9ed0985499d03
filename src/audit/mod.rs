//! The proof: that what is stored and what happened obeys the rules of a ticket sale.
//!
//! It shares no code with the repository's rules: it reads the store with queries of its own, and
//! judges by [`domain`](crate::domain) values alone.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;

use self::evidence::Evidence;
use self::findings::{Findings, Rule};
use self::store::StoreFacts;
use crate::domain::EventId;
use crate::output::grouped;
use crate::repository::store_url::{ScyllaLocation, SqliteLocation};
use crate::repository::{Result, StoreError, StoreFault, StoreUrl};

pub mod evidence;
pub mod findings;
pub mod history;
mod lives;
mod ownership;
mod replay;
pub mod report;
pub mod rules;
mod scylla;
mod seats;
mod sqlite;
mod store;
mod venue;

pub use history::{Answer, History, Told};
pub use report::{AuditReport, Check, LogPeriod, Violation};
pub use seats::name_seats;

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
/// The store or the history cannot be read, or the store does not have the event. A broken rule is
/// no error: the report names it.
pub async fn run(
    url: &StoreUrl,
    event: Option<EventId>,
    history: Arc<History>,
) -> Result<AuditReport> {
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
    history: &History,
) -> Result<AuditReport> {
    let mut hearing = Hearing::of(history, event);
    let facts = sqlite::read(location, event, &mut |evidence| hearing.judge(evidence))?;
    hearing.report(facts)
}

async fn scylla_store(
    location: &ScyllaLocation,
    event: Option<EventId>,
    history: &History,
) -> Result<AuditReport> {
    let store = scylla::Store::open(location).await?;
    let mut report = None;
    for patience in [scylla::Patience::None, scylla::Patience::UntilSettled] {
        let mut hearing = Hearing::of(history, event);
        let facts = store.read(event, patience, &mut |evidence| hearing.judge(evidence)).await?;
        let found = hearing.report(facts)?;
        if found.passed {
            return Ok(found);
        }
        report = Some(found);
    }
    report.ok_or_else(scylla::unread)
}

/// Judges a store event by event.
struct Hearing<'h> {
    history: &'h History,
    /// How many answers are about each event that was not judged yet.
    unheard: HashMap<EventId, u64>,
    findings: Findings,
    /// Why the history could not be read.
    failed: Option<io::Error>,
}

impl<'h> Hearing<'h> {
    /// Hears what `history` says about an event, or about all.
    fn of(history: &'h History, event: Option<EventId>) -> Self {
        let mut unheard = history.events();
        unheard.retain(|told, _| event.is_none_or(|event| event == *told));
        Self { history, unheard, findings: Findings::default(), failed: None }
    }

    fn judge(&mut self, evidence: &Evidence) {
        self.unheard.remove(&evidence.event.event_id);
        if let Err(e) = rules::judge(evidence, self.history, &mut self.findings) {
            self.failed.get_or_insert(e);
        }
    }

    /// # Errors
    /// The history could not be read.
    fn report(mut self, facts: StoreFacts) -> Result<AuditReport> {
        if let Some(e) = self.failed {
            let tried = "could not read again what the buyers were told";
            return Err(StoreError::caused(StoreFault::Failed, tried, e).into());
        }
        for (event, answers) in &self.unheard {
            self.findings.examined(Rule::Acknowledged, usize::try_from(*answers).unwrap_or(0));
            self.findings.broken(Rule::Acknowledged, None, || {
                format!("{answers} answers are about event {event}, which is not stored")
            });
        }
        judge_store(&facts, &mut self.findings);
        let violations = self.findings.violations();
        let (unfinished, changing) = self.findings.open_ends();
        Ok(AuditReport {
            passed: violations.is_empty(),
            violations,
            checks: self.findings.checks(),
            log: facts.log,
            unfinished,
            changing,
        })
    }
}

/// What concerns the store as a whole.
fn judge_store(facts: &StoreFacts, findings: &mut Findings) {
    for (rule, faults) in [
        (Rule::Conservation, &facts.strays),
        (Rule::Readable, &facts.unreadable),
        (Rule::LogInOrder, &facts.backwards),
        (Rule::LogUnbroken, &facts.gaps),
        (Rule::References, &facts.references),
    ] {
        for fault in faults {
            findings.broken(rule, None, || fault.clone());
        }
    }
    let entries = usize::try_from(facts.entries).unwrap_or(usize::MAX);
    findings.examined(Rule::LogUnbroken, entries);
    findings.examined(Rule::LogInOrder, entries);
    if facts.entries_missing > 0 {
        findings.broken(Rule::LogUnbroken, None, || {
            let (missing, entries) = (grouped(facts.entries_missing), grouped(facts.entries));
            format!("{missing} entries are missing beside the {entries} that are there")
        });
    }
}
