//! The rules, a file for each family. They judge [`Evidence`] and nothing else.

use super::evidence::{Evidence, HoldNo};
use super::findings::Findings;
use super::history::Told;
use super::ownership;
use super::replay;

mod acknowledged;
mod conservation;
mod holds;
mod limit;
mod log;
mod one_owner;
mod orders;
mod waitlist;

#[cfg(test)]
pub(super) mod sale;

/// Judges one event by every rule. `history` is what buyers were told about it.
pub fn judge(evidence: &Evidence, history: &[&Told], findings: &mut Findings) {
    let traces = replay::traces(evidence);
    let changing = evidence.restless.tickets.iter().filter(|restless| **restless).count();
    findings.changing(changing as u64);
    conservation::judge(evidence, findings);
    holds::judge(evidence, &traces, findings);
    orders::judge(evidence, findings);
    log::judge(evidence, findings);
    limit::judge(evidence, findings);
    waitlist::judge(evidence, findings);
    acknowledged::judge(evidence, &traces, history, findings);
    let owned = ownership::owned(evidence, &traces, history);
    one_owner::judge(&owned, findings);
    limit::judge_history(evidence, &owned, findings);
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
