//! Entries of the waitlist, each by itself and against the hold that is derived from it.

use crate::audit::evidence::{Evidence, HoldNo, LineEntry};
use crate::audit::findings::{Findings, Rule};
use crate::domain::{HoldId, HoldStatus, Timestamp};

/// How many of the ids that are derived from an entry are looked at.
const ATTEMPTS: u32 = 16;

pub(super) fn judge(evidence: &Evidence, findings: &mut Findings) {
    findings.examined(Rule::WaitlistEntries, evidence.line.len());
    for entry in &evidence.line {
        if let Some(fault) = fault(evidence, entry) {
            findings.broken(Rule::WaitlistEntries, None, || {
                let LineEntry { entry_id, joined_at, .. } = entry;
                format!("entry {entry_id} of the waitlist (joined at {joined_at}) {fault}")
            });
        }
    }
}

fn fault(evidence: &Evidence, entry: &LineEntry) -> Option<String> {
    let size = entry.wish.size;
    if size == 0 || size > evidence.event.terms.limit {
        return Some(format!("waits for {size} tickets"));
    }
    if let Some(section) = &entry.wish.section
        && !evidence.areas.iter().any(|area| area.section == *section)
    {
        return Some(format!("waits for section {section}, which is not there"));
    }
    let early = |at: &Timestamp| {
        evidence.is_later(entry.joined_at, *at) && !evidence.may_be_unordered(entry.joined_at)
    };
    if let Some(ended_at) = entry.ended_at.filter(early) {
        return Some(format!("stopped to wait at {ended_at}"));
    }
    if let Some(hold) = entry.offer {
        return offer_fault(evidence, entry, hold);
    }
    let derived = HoldId::of_offer(entry.entry_id, entry.attempt);
    let made = evidence.holds.find(derived).is_some_and(|hold| {
        evidence.holds.get(hold).is_some()
            && evidence.is_hold_settled(hold)
            && !is_chosen(evidence, derived)
    });
    made.then(|| format!("does not say that it was offered hold {derived}"))
}

/// Whether a hold with an id that is derived from an entry may have been given it by a client of an
/// earlier version, which could choose such ids.
fn is_chosen(evidence: &Evidence, derived: HoldId) -> bool {
    let row = evidence.holds.find(derived).and_then(|hold| evidence.holds.get(hold));
    match row {
        Some(row) => evidence.may_be_unbounded(row.started_at),
        // It may be of another event.
        None => evidence.engine.unbounded_until.is_some(),
    }
}

/// Whether an entry is offered a hold under this id: the first that is derived from it and not taken.
/// Where it is done in steps, the entry itself counts those that were taken.
fn is_offer(evidence: &Evidence, entry: &LineEntry, hold_id: HoldId) -> bool {
    let derived = |attempt| HoldId::of_offer(entry.entry_id, attempt);
    let last = if evidence.engine.in_steps { 0 } else { ATTEMPTS };
    let mut attempts = entry.attempt..=entry.attempt.saturating_add(last);
    attempts
        .find(|attempt| derived(*attempt) == hold_id)
        .is_some_and(|own| (entry.attempt..own).all(|taken| is_chosen(evidence, derived(taken))))
}

fn offer_fault(evidence: &Evidence, entry: &LineEntry, hold: HoldNo) -> Option<String> {
    let hold_id = evidence.holds.id(hold);
    if !is_offer(evidence, entry, hold_id) {
        let derived = HoldId::of_offer(entry.entry_id, entry.attempt);
        return Some(format!("was offered hold {hold_id}, and not {derived}"));
    }
    let row = evidence.holds.get(hold).filter(|_| evidence.is_hold_settled(hold))?;
    if row.session != entry.session {
        return Some(format!("was offered hold {hold_id} of another session"));
    }
    let ended_at = entry.ended_at?;
    // Where it is done in steps, the entry is written by another clock; an offer that was withdrawn
    // before it was made is written later.
    let in_steps = evidence.engine.in_steps;
    let same = row.started_at == ended_at
        || (in_steps && row.ended_as == Some(HoldStatus::Expired))
        || (in_steps && !evidence.is_later(row.started_at, ended_at));
    (!same)
        .then(|| format!("was offered hold {hold_id} at {ended_at}, started at {}", row.started_at))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::rules::sale::{Sale, ms};

    fn offered() -> Sale {
        let mut sale = Sale::of(4);
        sale.waits(2, 1, 1);
        sale.offered(0, &[0], 10);
        sale.passes();
        sale
    }

    #[test]
    fn an_offer_is_the_hold_that_is_derived_from_its_entry() {
        let mut sale = offered();
        sale.evidence.line[0].attempt = 1;
        sale.breaks(&[Rule::WaitlistEntries]);
        let mut sale = offered();
        (sale.evidence.line[0].offer, sale.evidence.line[0].ended_at) = (None, None);
        sale.breaks(&[Rule::WaitlistEntries, Rule::WaitlistOrder]);
    }

    #[test]
    fn an_offer_has_the_first_derived_id_that_is_free() {
        let taken = |unbounded_until| {
            let mut sale = Sale::of(4);
            sale.evidence.engine.unbounded_until = unbounded_until;
            sale.waits(2, 1, 5);
            let entry = sale.evidence.line[0].entry_id;
            // A client of an earlier version chose the id that is derived first.
            sale.held_as(HoldId::of_offer(entry, 0), 1, &[1], 1);
            sale.evidence.line[0].attempt = 1;
            sale.offered(0, &[0], 10);
            sale.evidence.line[0].attempt = 0;
            sale
        };
        taken(Some(ms(4))).passes();
        taken(None).breaks(&[Rule::WaitlistEntries]);
    }

    #[test]
    fn an_offer_is_made_when_its_entry_stops_to_wait() {
        let mut sale = offered();
        sale.evidence.line[0].ended_at = Some(ms(9));
        sale.breaks(&[Rule::WaitlistEntries]);
        let mut sale = Sale::of(1);
        sale.waits(2, 1, 5);
        sale.leaves(0, 4);
        sale.breaks(&[Rule::WaitlistEntries]);
    }

    #[test]
    fn a_wish_can_be_granted() {
        for change in [
            (|sale: &mut Sale| sale.evidence.line[0].wish.size = 0) as fn(&mut Sale),
            |sale| sale.evidence.line[0].wish.size = 11,
            |sale| sale.evidence.line[0].wish.section = Some("Z".into()),
        ] {
            let mut sale = Sale::of(1);
            sale.waits(2, 1, 5);
            change(&mut sale);
            sale.breaks(&[Rule::WaitlistEntries]);
        }
    }
}
