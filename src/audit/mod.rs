//! The proof: that what is stored and what happened obeys the rules of a ticket sale.
//!
//! It shares no code with the repository's rules: it reads the store with queries of its own, and
//! judges by [`domain`](crate::domain) values alone.

use std::collections::HashMap;

use self::findings::{Findings, Rule};
use crate::domain::EventId;
use crate::repository::store_url::SqliteLocation;
use crate::repository::{Result, StoreError, StoreFault, StoreUrl};

pub mod evidence;
pub mod findings;
pub mod history;
mod ownership;
mod replay;
pub mod report;
pub mod rules;
mod sqlite;

pub use history::{Answer, History, Told};
pub use report::{AuditReport, Check, LogPeriod, Violation};

/// Audits one event of a store, or all of them, at one moment; others may go on writing.
///
/// `history` is what buyers were told, as far as it is known; what it says about other events is
/// passed over. One event is in memory at a time: 300 bytes for each of its tickets, about.
///
/// # Errors
/// The store cannot be read, or it does not have the event. A broken rule is no error: the report
/// names it.
pub async fn run(url: &StoreUrl, event: Option<EventId>, history: &[Told]) -> Result<AuditReport> {
    let StoreUrl::Sqlite(location) = url else {
        let message = format!("could not audit {url}: only SQLite stores can be audited yet");
        return Err(StoreError::new(StoreFault::Failed, message).into());
    };
    let location = location.clone();
    let asked = |told: &&Told| event.is_none_or(|event| event == told.event_id);
    let history: Vec<Told> = history.iter().filter(asked).cloned().collect();
    let task = tokio::task::spawn_blocking(move || audit(&location, event, &history));
    task.await.map_err(StoreError::lost_task)?
}

fn audit(
    location: &SqliteLocation,
    event: Option<EventId>,
    history: &[Told],
) -> Result<AuditReport> {
    let mut findings = Findings::default();
    let mut by_event: HashMap<EventId, Vec<&Told>> = HashMap::new();
    for told in history {
        by_event.entry(told.event_id).or_default().push(told);
    }
    let facts = sqlite::read(location, event, &mut |evidence| {
        let told = by_event.remove(&evidence.event.event_id).unwrap_or_default();
        rules::judge(evidence, &told, &mut findings);
    })?;
    for (event, told) in &by_event {
        findings.examined(Rule::Acknowledged, told.len());
        findings.broken(Rule::Acknowledged, None, || {
            let answers = told.len();
            format!("{answers} answers are about event {event}, which is not stored")
        });
    }
    judge_store(&facts, &mut findings);
    let violations = findings.violations();
    let passed = violations.is_empty();
    Ok(AuditReport { passed, violations, checks: findings.checks(), log: facts.log })
}

/// What concerns the store as a whole.
fn judge_store(facts: &sqlite::StoreFacts, findings: &mut Findings) {
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
