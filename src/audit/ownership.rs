//! Who owned what from when to when, by what buyers were told.

use std::collections::HashMap;

use super::evidence::Evidence;
use super::history::{Answer, Told};
use super::replay::Trace;
use crate::domain::time::millis;
use crate::domain::{BuyerId, HoldId, TicketId, Timestamp};

/// The end of what never ends.
const FOR_GOOD: Timestamp = Timestamp::from_millis(i64::MAX);

/// What one hold was told to own: from a moment on, and up to but not including another.
#[derive(Debug, Clone, Copy)]
pub(super) struct Owned<'a> {
    /// The hold.
    pub(super) hold_id: HoldId,
    /// Its buyer.
    pub(super) buyer_id: BuyerId,
    /// Its tickets.
    pub(super) tickets: &'a [TicketId],
    /// When it began to own them.
    pub(super) from: Timestamp,
    /// When it owned them no longer.
    pub(super) until: Timestamp,
}

impl Owned<'_> {
    /// How a violation says until when.
    #[must_use]
    pub(super) fn until_words(&self) -> String {
        if self.until == FOR_GOOD { "for good".into() } else { self.until.to_string() }
    }
}

/// Adds up what each hold was told.
///
/// A hold owns its tickets from the moment when it has all of them until its deadline, for good once
/// it is paid for, and in any case no longer than until its buyer asked to give it up or to get his
/// money back. Where the log says that it let go earlier, that counts: somebody else may have
/// cancelled the order or given up a payment that never ended. That another hold took the ticket
/// over is no such entry. An end that the clocks may take for an earlier one counts as that.
#[must_use]
pub(super) fn owned<'a>(
    evidence: &Evidence,
    traces: &[Trace],
    history: &[&'a Told],
) -> Vec<Owned<'a>> {
    let mut places = HashMap::with_capacity(history.len());
    let mut claims: Vec<Owned<'a>> = Vec::with_capacity(history.len());
    for told in history {
        let place = *places.entry(told.hold_id).or_insert_with(|| {
            claims.push(first_claim(evidence, told));
            claims.len() - 1
        });
        widen(&mut claims[place], told);
    }
    for told in history {
        if let (Answer::Abandoned | Answer::Refunded { .. }, Some(place)) =
            (&told.answer, places.get(&told.hold_id))
        {
            cut(&mut claims[*place], told.sent_at);
        }
    }
    for claim in &mut claims {
        let number = evidence.holds.find(claim.hold_id);
        let trace = number.and_then(|number| traces.get(number.place()));
        if let Some(held_at) = trace.and_then(|trace| trace.held_at) {
            claim.from = claim.from.max(held_at);
        }
        if let Some(freed_at) = trace.and_then(|trace| trace.freed_at) {
            cut(claim, freed_at);
        }
        if claim.until != FOR_GOOD {
            let error_ms = millis(evidence.engine.clocks_apart);
            claim.until = Timestamp::from_millis(claim.until.as_millis().saturating_sub(error_ms));
        }
    }
    claims.retain(|claim| claim.from < claim.until);
    claims
}

/// A claim on nothing yet, from the start of the hold.
fn first_claim<'a>(evidence: &Evidence, told: &'a Told) -> Owned<'a> {
    let stored = evidence.holds.find(told.hold_id).and_then(|number| evidence.holds.get(number));
    let from = match told.answer {
        Answer::Held { from, .. } => from,
        _ => stored.map_or(told.sent_at, |hold| hold.started_at),
    };
    Owned {
        hold_id: told.hold_id,
        buyer_id: told.buyer_id,
        tickets: &told.tickets,
        from,
        until: from,
    }
}

fn widen(claim: &mut Owned<'_>, told: &Told) {
    match told.answer {
        Answer::Held { until, .. } => claim.until = claim.until.max(until),
        Answer::Paid { .. } => claim.until = FOR_GOOD,
        Answer::NotPaid { .. } | Answer::Abandoned | Answer::Refunded { .. } => {}
    }
}

fn cut(claim: &mut Owned<'_>, at: Timestamp) {
    claim.until = claim.until.min(at);
}
