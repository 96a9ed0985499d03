//! Who owned what from when to when, by what buyers were told.

use std::collections::HashMap;
use std::ops::Range;

use super::evidence::Evidence;
use super::history::{Answer, Told};
use super::replay::Trace;
use crate::domain::time::millis;
use crate::domain::{BuyerId, HoldId, TicketId, Timestamp};

/// The end of what never ends.
const FOR_GOOD: Timestamp = Timestamp::from_millis(i64::MAX);

/// What one hold was told to own: from a moment on, and up to but not including another.
#[derive(Debug, Clone)]
pub(super) struct Owned {
    /// The hold.
    pub(super) hold_id: HoldId,
    /// Its buyer.
    pub(super) buyer_id: BuyerId,
    /// When it began to own them.
    pub(super) from: Timestamp,
    /// When it owned them no longer.
    pub(super) until: Timestamp,
    /// When its buyer asked to give them up.
    given_up_at: Timestamp,
    /// Where its tickets are among those of all.
    tickets: Range<u32>,
}

impl Owned {
    /// How a violation says until when.
    #[must_use]
    pub(super) fn until_words(&self) -> String {
        if self.until == FOR_GOOD { "for good".into() } else { self.until.to_string() }
    }

    fn cut(&mut self, at: Timestamp) {
        self.until = self.until.min(at);
    }
}

/// What all holds of an event were told to own.
#[derive(Debug)]
pub(super) struct Ownership {
    holds: Vec<Owned>,
    tickets: Vec<TicketId>,
}

impl Ownership {
    /// Each hold that owned something.
    pub(super) fn holds(&self) -> &[Owned] {
        &self.holds
    }

    /// The tickets of a hold.
    pub(super) fn tickets(&self, owned: &Owned) -> &[TicketId] {
        &self.tickets[owned.tickets.start as usize..owned.tickets.end as usize]
    }
}

/// Adds up what each hold was told, answer by answer.
///
/// A hold owns its tickets from the moment when it has all of them until its deadline, for good once
/// it is paid for, and in any case no longer than until its buyer asked to give it up or to get his
/// money back. Where the log says that it let go earlier, that counts: somebody else may have
/// cancelled the order or given up a payment that never ended. That another hold took the ticket
/// over is no such entry. An end that the clocks may take for an earlier one counts as that.
#[derive(Debug)]
pub(super) struct Claims<'a> {
    evidence: &'a Evidence,
    places: HashMap<HoldId, u32>,
    owned: Ownership,
}

impl<'a> Claims<'a> {
    /// No claims yet.
    pub(super) fn on(evidence: &'a Evidence) -> Self {
        let owned = Ownership { holds: Vec::new(), tickets: Vec::new() };
        Self { evidence, places: HashMap::new(), owned }
    }

    /// Adds what a hold was told.
    pub(super) fn hear(&mut self, told: &Told) {
        let place = match self.places.get(&told.hold_id) {
            Some(place) => *place as usize,
            None => self.begin(told),
        };
        let claim = &mut self.owned.holds[place];
        match told.answer {
            Answer::Held { until, .. } => claim.until = claim.until.max(until),
            Answer::Paid { .. } => claim.until = FOR_GOOD,
            Answer::Abandoned | Answer::Refunded { .. } => {
                claim.given_up_at = claim.given_up_at.min(told.sent_at);
            }
            Answer::NotPaid { .. } => {}
        }
    }

    /// Begins a claim on nothing yet, from the start of the hold.
    fn begin(&mut self, told: &Told) -> usize {
        let holds = &self.evidence.holds;
        let stored = holds.find(told.hold_id).and_then(|number| holds.get(number));
        let from = match told.answer {
            Answer::Held { from, .. } => from,
            _ => stored.map_or(told.sent_at, |hold| hold.started_at),
        };
        let Ownership { holds, tickets } = &mut self.owned;
        let begin = short(tickets.len());
        tickets.extend_from_slice(&told.tickets);
        self.places.insert(told.hold_id, short(holds.len()));
        holds.push(Owned {
            hold_id: told.hold_id,
            buyer_id: told.buyer_id,
            from,
            until: from,
            given_up_at: FOR_GOOD,
            tickets: begin..short(tickets.len()),
        });
        holds.len() - 1
    }

    /// What the holds owned, now that all is told.
    #[must_use]
    pub(super) fn settle(self, traces: &[Trace]) -> Ownership {
        let Self { evidence, places, mut owned } = self;
        drop(places);
        let error_ms = millis(evidence.engine.clocks_apart);
        for claim in &mut owned.holds {
            claim.cut(claim.given_up_at);
            let number = evidence.holds.find(claim.hold_id);
            let trace = number.and_then(|number| traces.get(number.place()));
            if let Some(held_at) = trace.and_then(|trace| trace.held_at) {
                claim.from = claim.from.max(held_at);
            }
            if let Some(freed_at) = trace.and_then(|trace| trace.freed_at) {
                claim.cut(freed_at);
            }
            if claim.until != FOR_GOOD {
                let until_ms = claim.until.as_millis().saturating_sub(error_ms);
                claim.until = Timestamp::from_millis(until_ms);
            }
        }
        owned.holds.retain(|claim| claim.from < claim.until);
        owned
    }
}

/// A place among tickets or holds, of which an event has far fewer than a `u32` can count.
fn short(place: usize) -> u32 {
    u32::try_from(place).unwrap_or(u32::MAX)
}
