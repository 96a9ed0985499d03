//! The limit per buyer: as things stand, at every moment of the log, and by what buyers were told.

use super::name_of;
use crate::audit::evidence::{BuyerNo, Evidence, HoldNo, Standing};
use crate::audit::findings::{Findings, Rule};
use crate::audit::ownership::Ownership;
use crate::audit::replay::{Step, Steps};
use crate::domain::event::LIMIT_MAX;
use crate::domain::{BuyerId, ChangeKind, Timestamp};

pub(super) fn judge(evidence: &Evidence, findings: &mut Findings) {
    judge_state(evidence, findings);
    let mut books = Books::of(evidence);
    for step in Steps::of(evidence) {
        books.enter(&step);
        if step.entry.change == ChangeKind::Held {
            findings.examined(Rule::Limit, 1);
            judge_moment(evidence, &mut books, &step, findings);
        }
    }
}

/// What every buyer owns now.
fn judge_state(evidence: &Evidence, findings: &mut Findings) {
    let as_of = evidence.as_of();
    let mut counts = vec![0_u32; evidence.buyers.ids_met()];
    for row in &evidence.queue {
        let Some(owner) = row.owner else { continue };
        let lapsed = matches!(row.standing, Standing::Held(_)) && owner.expires_at <= as_of;
        let ended = |hold| evidence.may_have_ended(hold, as_of);
        let over = lapsed || row.standing.hold().is_some_and(ended);
        counts[owner.buyer.place()] += u32::from(!over);
    }
    findings.examined(Rule::Limit, counts.iter().filter(|count| **count > 0).count());
    let limit = evidence.event.terms.limit;
    if !(1..=LIMIT_MAX).contains(&limit) {
        findings.broken(Rule::Limit, None, || {
            format!("event {} allows {limit} tickets, not 1 to {LIMIT_MAX}", evidence.event.slug)
        });
    }
    for (place, count) in counts.into_iter().enumerate().filter(|(_, count)| *count > limit) {
        findings.broken(Rule::Limit, None, || {
            let buyer = evidence.buyers.id(BuyerNo::at(place));
            format!("buyer {buyer} owns {count} tickets, {limit} are allowed")
        });
    }
}

/// What the buyer of a new hold owns at the moment he gets one of its tickets.
fn judge_moment(evidence: &Evidence, books: &mut Books<'_>, step: &Step, findings: &mut Findings) {
    let Some(hold) = step.after.hold() else { return };
    let Some(row) = evidence.holds.get(hold) else { return };
    let (owned, limit) = (books.owned(row.buyer, step.entry.at), evidence.event.terms.limit);
    if owned > limit {
        findings.broken(Rule::Limit, Some(evidence.ticket_id(step.entry.ticket)), || {
            let (name, at) = (name_of(evidence, hold), step.entry.at);
            format!("at {at} its buyer owned {owned} tickets with {name}, {limit} are allowed")
        });
    }
}

/// What a hold has at some moment of the log.
#[derive(Debug, Clone, Copy, Default)]
struct Has {
    /// Tickets that count until its deadline.
    held: u32,
    /// Tickets that count for as long as they are paying or sold.
    pinned: u32,
}

/// Who owns how much at some moment of the log.
pub(super) struct Books<'a> {
    evidence: &'a Evidence,
    holds: Vec<Has>,
    /// The holds of each buyer that may count.
    buyers: Vec<Vec<HoldNo>>,
}

impl<'a> Books<'a> {
    pub(super) fn of(evidence: &'a Evidence) -> Self {
        Self {
            evidence,
            holds: vec![Has::default(); evidence.holds.ids_met()],
            buyers: vec![Vec::new(); evidence.buyers.ids_met()],
        }
    }

    pub(super) fn enter(&mut self, step: &Step) {
        if let Some(count) = self.count(step.before) {
            *count = count.saturating_sub(1);
        }
        if let Some(count) = self.count(step.after) {
            *count += 1;
        }
        let buyer =
            step.after.hold().and_then(|hold| Some((hold, self.evidence.holds.get(hold)?.buyer)));
        if let Some((hold, buyer)) = buyer {
            let holds = &mut self.buyers[buyer.place()];
            if !holds.contains(&hold) {
                holds.push(hold);
            }
        }
    }

    fn count(&mut self, standing: Standing) -> Option<&mut u32> {
        let has = &mut self.holds[standing.hold()?.place()];
        Some(if matches!(standing, Standing::Held(_)) { &mut has.held } else { &mut has.pinned })
    }

    /// How many tickets a buyer owns at `time`. Holds that no longer count are forgotten: from its end
    /// on nobody can pay for one, even if some of its tickets are still to be freed.
    pub(super) fn owned(&mut self, buyer: BuyerNo, time: Timestamp) -> u32 {
        let mut owned = 0;
        self.buyers[buyer.place()].retain(|hold| {
            if self.evidence.may_have_ended(*hold, time) {
                return false;
            }
            let has = self.holds[hold.place()];
            let held = if self.evidence.may_be_lapsed(*hold, time) { 0 } else { has.held };
            owned += held + has.pinned;
            held + has.pinned > 0
        });
        owned
    }
}

/// What every buyer owned at any moment, by what buyers were told.
pub(super) fn judge_history(evidence: &Evidence, ownership: &Ownership, findings: &mut Findings) {
    let owned = ownership.holds();
    findings.examined(Rule::Limit, owned.len());
    let limit = i64::from(evidence.event.terms.limit);
    let mut changes: Vec<(BuyerId, Timestamp, i64)> = Vec::with_capacity(owned.len() * 2);
    for claim in owned {
        let tickets = i64::try_from(ownership.tickets(claim).len()).unwrap_or(i64::MAX);
        changes.push((claim.buyer_id, claim.from, tickets));
        changes.push((claim.buyer_id, claim.until, -tickets));
    }
    // At one and the same moment, what ends does so before something new begins.
    changes.sort_unstable();
    for changes in changes.chunk_by(|a, b| a.0 == b.0) {
        let mut owned = 0;
        for (buyer, time, change) in changes {
            owned += change;
            if owned > limit && *change > 0 {
                findings.broken(Rule::Limit, None, || {
                    let told = format!("buyer {buyer} was told at {time} to own {owned} tickets");
                    format!("{told}, {limit} are allowed")
                });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::rules::sale::{DEADLINE, Sale};

    const SIX: &[usize] = &[0, 1, 2, 3, 4, 5];

    #[test]
    fn held_paying_and_sold_tickets_of_all_sessions_count() {
        let mut sale = Sale::of(11);
        let hold = sale.held(1, SIX, 0);
        sale.paying(hold, 1);
        sale.held(1, &[6, 7, 8, 9], 2);
        sale.passes();
        sale.held(1, &[10], 3);
        sale.breaks(&[Rule::Limit]);
    }

    #[test]
    fn a_lapsed_hold_counts_no_longer_from_its_deadline_on() {
        let mut sale = Sale::of(12);
        sale.held(1, SIX, 0);
        sale.held(1, &[6, 7, 8, 9, 10], DEADLINE);
        sale.passes();

        let mut sale = Sale::of(12);
        sale.held(1, SIX, 0);
        sale.held(1, &[6, 7, 8, 9, 10], DEADLINE - 1);
        sale.breaks(&[Rule::Limit]);
    }

    #[test]
    fn a_hold_that_was_given_up_counts_no_longer_though_its_tickets_are_still_to_be_freed() {
        for (ended_at, fine) in [(5, true), (6, false)] {
            let mut sale = Sale::of(12);
            let hold = sale.held(1, SIX, 0);
            sale.hold_row(0).ended_at = Some(Timestamp::from_millis(ended_at));
            let next = sale.held(1, &[6, 7, 8, 9, 10], 5);
            sale.freed(hold, ChangeKind::Abandoned, 7);
            sale.freed(next, ChangeKind::Abandoned, 8);
            if fine { sale.passes() } else { sale.breaks(&[Rule::Limit]) }
        }
    }

    #[test]
    fn a_payment_counts_beyond_its_deadline() {
        let mut sale = Sale::of(12);
        let hold = sale.held(1, SIX, 0);
        sale.paying(hold, 1);
        sale.held(1, &[6, 7, 8, 9, 10], DEADLINE + 1);
        sale.breaks(&[Rule::Limit]);
    }

    #[test]
    fn a_moment_above_the_limit_is_found_even_if_it_has_passed() {
        let mut sale = Sale::of(12);
        let hold = sale.held(1, SIX, 0);
        let other = sale.held(1, &[6, 7, 8, 9, 10], 1);
        sale.freed(hold, ChangeKind::Abandoned, 2);
        sale.freed(other, ChangeKind::Abandoned, 3);
        sale.breaks(&[Rule::Limit]);
    }

    #[test]
    fn what_buyers_were_told_counts_even_where_the_store_has_other_buyers() {
        let mut sale = Sale::of(12);
        let first = sale.held(1, SIX, 0);
        let second = sale.held(2, &[6, 7, 8, 9, 10], 1);
        sale.tell_held(first);
        sale.tell_held(second);
        sale.passes();
        sale.history[1].buyer_id = sale.history[0].buyer_id;
        sale.breaks(&[Rule::Limit, Rule::Acknowledged]);
    }
}
