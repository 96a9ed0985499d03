//! The rules, a file for each family. They judge [`Evidence`] and nothing else.

use std::io;

use super::evidence::{Evidence, HoldNo};
use super::findings::Findings;
use super::history::History;
use super::lives::Lives;
use super::ownership::{Claims, Ownership};
use super::replay::{self, Trace};

mod acknowledged;
mod bounds;
mod closing;
mod conservation;
mod entries;
mod hold_ends;
mod holds;
mod limit;
mod log;
mod one_owner;
mod orders;
mod orders_logged;
mod references;
mod venue;
mod waitlist;

#[cfg(test)]
pub(super) mod sale;

/// Judges one event by every rule, and by what `history` says that buyers were told about it.
///
/// # Errors
/// The history cannot be read.
pub fn judge(evidence: &Evidence, history: &History, findings: &mut Findings) -> io::Result<()> {
    let traces = replay::traces(evidence);
    let changing = evidence.restless.tickets.iter().filter(|restless| **restless).count();
    findings.changing(changing as u64);
    conservation::judge(evidence, findings);
    holds::judge(evidence, &traces, findings);
    closing::judge(evidence, findings);
    orders::judge(evidence, findings);
    log::judge(evidence, findings);
    limit::judge(evidence, findings);
    waitlist::judge(evidence, findings);
    entries::judge(evidence, findings);
    bounds::judge(evidence, findings);
    venue::judge(evidence, findings);
    let lives = Lives::of(evidence);
    orders_logged::judge(evidence, &lives, findings);
    hold_ends::judge(evidence, &lives, findings);
    references::judge(evidence, &lives, findings);
    let ownership = hear(evidence, &traces, history, findings)?;
    one_owner::judge(&ownership, findings);
    limit::judge_history(evidence, &ownership, findings);
    Ok(())
}

/// Holds every answer against what is stored, and adds up what each hold was told to own.
fn hear(
    evidence: &Evidence,
    traces: &[Trace],
    history: &History,
    findings: &mut Findings,
) -> io::Result<Ownership> {
    let store = acknowledged::Store::of(evidence, traces);
    let mut claims = Claims::on(evidence);
    history.each(evidence.event.event_id, |told| {
        acknowledged::judge(&store, told, findings);
        claims.hear(told);
    })?;
    Ok(claims.settle(traces))
}

/// How a violation names a hold.
fn name_of(evidence: &Evidence, hold: HoldNo) -> String {
    let hold_id = evidence.holds.id(hold);
    match evidence.holds.get(hold) {
        Some(row) => {
            let buyer = evidence.buyers.id(row.buyer);
            format!("hold {hold_id} (buyer {buyer}, until {})", row.expires_at)
        }
        None => format!("hold {hold_id} (not stored)"),
    }
}
