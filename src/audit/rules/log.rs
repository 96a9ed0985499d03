//! The change log: every step is allowed, and all of them together lead to what is stored.

use super::name_of;
use crate::audit::evidence::{Evidence, HoldRow, Standing, TicketNo};
use crate::audit::findings::{Findings, Rule};
use crate::audit::replay::{Step, Steps};
use crate::domain::{ChangeKind, Timestamp};

pub(super) fn judge(evidence: &Evidence, findings: &mut Findings) {
    let mut steps = Steps::of(evidence);
    let mut sold = vec![false; evidence.tickets.len()];
    let mut payments = vec![Payment::default(); evidence.holds.ids_met()];
    for step in &mut steps {
        examine(step.entry.change, findings);
        judge_step(evidence, &step, findings);
        judge_entry(evidence, &step, findings);
        judge_sale(evidence, &step, &mut sold[step.entry.ticket.place()], findings);
        if let Some(hold) = step.entry.hold {
            judge_abort(evidence, &step, &mut payments[hold.place()], findings);
        }
    }
    compare(evidence, &steps.into_standings(), findings);
}

fn examine(change: ChangeKind, findings: &mut Findings) {
    findings.examined(Rule::LegalSteps, 1);
    match change {
        ChangeKind::Held => findings.examined(Rule::OneOwner, 1),
        ChangeKind::Paying => findings.examined(Rule::PaidInTime, 1),
        ChangeKind::Sold => findings.examined(Rule::SoldOnce, 1),
        _ => {}
    }
}

/// The step against the life of a ticket.
fn judge_step(evidence: &Evidence, step: &Step, findings: &mut Findings) {
    let Some(rule) = broken_by(evidence, step) else { return };
    let entry = step.entry;
    findings.broken(rule, Some(evidence.ticket_id(entry.ticket)), || {
        let by =
            entry.hold.map_or(String::new(), |hold| format!(" by {}", name_of(evidence, hold)));
        let was =
            step.before.hold().map_or(String::new(), |g| format!(" by {}", name_of(evidence, g)));
        format!("{} at {}{by}, when it was {}{was}", entry.change, entry.at, step.before.word())
    });
}

/// The rule that a step breaks, if it breaks one.
fn broken_by(evidence: &Evidence, step: &Step) -> Option<Rule> {
    let owner = step.before.hold();
    let own = owner == step.entry.hold;
    let at = step.entry.at;
    let lapsed = owner.is_some_and(|owner| evidence.may_be_lapsed(owner, at));
    let in_time = owner.is_none_or(|owner| evidence.may_stand(owner, at));
    match (step.before, step.entry.change) {
        (before, change) if is_legal(before, change, own, (lapsed, in_time)) => None,
        _ if follows_late(evidence, step) => None,
        (_, ChangeKind::Held) if owner.is_some() && !own => Some(Rule::OneOwner),
        (Standing::Held(_), ChangeKind::Paying) if own => Some(Rule::PaidInTime),
        _ => Some(Rule::LegalSteps),
    }
}

/// The life of a ticket: what may happen to it, where `own` means by the hold that has it, `lapsed`
/// that this hold's time may be over, and `in_time` that it may not be over yet.
const fn is_legal(
    before: Standing,
    change: ChangeKind,
    own: bool,
    (lapsed, in_time): (bool, bool),
) -> bool {
    use ChangeKind as Change;
    use Standing::{Blocked, Free, Held, Paying, Sold};
    match (before, change) {
        (Free, Change::Held | Change::Blocked) | (Blocked, Change::Unblocked) => true,
        (Held(_), Change::Held) => !own && lapsed,
        (Held(_), Change::Blocked) => lapsed,
        (Held(_), Change::Paying) | (Paying(_), Change::HeldAgain) => own && in_time,
        (Held(_), Change::Expired) | (Paying(_), Change::Declined) => own && lapsed,
        (Held(_), Change::Abandoned)
        | (Paying(_), Change::Sold | Change::Aborted)
        | (Sold(_), Change::Refunded) => own,
        _ => false,
    }
}

/// Whether an engine that works in steps may have been late to follow what was decided: a decision in
/// time after the deadline, or one after what came next.
fn follows_late(evidence: &Evidence, step: &Step) -> bool {
    let Standing::Paying(hold) = step.before else { return false };
    let ended = || evidence.holds.get(hold).is_some_and(HoldRow::ended);
    evidence.engine.in_steps
        && step.entry.hold == Some(hold)
        && match step.entry.change {
            ChangeKind::HeldAgain | ChangeKind::Refunded => true,
            ChangeKind::Declined => ended(),
            _ => false,
        }
}

/// The entry against the hold that it names.
fn judge_entry(evidence: &Evidence, step: &Step, findings: &mut Findings) {
    let entry = step.entry;
    let Some(hold) = entry.hold else { return };
    let Some(row) = evidence.holds.get(hold) else { return };
    let ticket = Some(evidence.ticket_id(entry.ticket));
    if evidence.is_later(row.started_at, entry.at) {
        findings.broken(Rule::LegalSteps, ticket, || {
            let name = name_of(evidence, hold);
            format!("{} at {}, before {name} was started", entry.change, entry.at)
        });
    }
    if !evidence.tickets_of(hold).contains(&entry.ticket) {
        findings.broken(Rule::LegalSteps, ticket, || {
            format!("{} by {}, which is not for it", entry.change, name_of(evidence, hold))
        });
    }
}

/// Sold again only after it was refunded, whatever happened in between.
fn judge_sale(evidence: &Evidence, step: &Step, sold: &mut bool, findings: &mut Findings) {
    match step.entry.change {
        ChangeKind::Sold if *sold => {
            let ticket = Some(evidence.ticket_id(step.entry.ticket));
            findings.broken(Rule::SoldOnce, ticket, || {
                let by = step.entry.hold.map_or(String::new(), |hold| name_of(evidence, hold));
                format!("sold again at {} to {by}, and never refunded", step.entry.at)
            });
        }
        ChangeKind::Sold => *sold = true,
        ChangeKind::Refunded => *sold = false,
        _ => {}
    }
}

/// The payment of a hold, as far as the log has told.
#[derive(Debug, Clone, Copy, Default)]
struct Payment {
    /// How many tickets are pinned to it.
    pinned: usize,
    /// From when on it may be given up.
    overdue_at: Option<Timestamp>,
}

/// A payment is given up only once it has had its time, or where it never got all of its tickets.
fn judge_abort(evidence: &Evidence, step: &Step, payment: &mut Payment, findings: &mut Findings) {
    let entry = step.entry;
    let Some(hold) = entry.hold else { return };
    let had_all = payment.pinned >= evidence.tickets_of(hold).len();
    if step.before == Standing::Paying(hold) {
        payment.pinned = payment.pinned.saturating_sub(1);
    }
    match (entry.change, payment.overdue_at) {
        (ChangeKind::Paying, _) => {
            let until = || entry.at.plus(evidence.event.terms.payment_time);
            payment.overdue_at = Some(entry.payment_until.unwrap_or_else(until));
            payment.pinned += 1;
        }
        (ChangeKind::Aborted, Some(until)) if had_all && evidence.is_later(until, entry.at) => {
            findings.broken(Rule::LegalSteps, Some(evidence.ticket_id(entry.ticket)), || {
                let by = name_of(evidence, hold);
                format!("aborted at {} by {by}, whose payment had until {until}", entry.at)
            });
        }
        _ => {}
    }
}

/// What the log leads to against what is stored.
fn compare(evidence: &Evidence, replayed: &[Standing], findings: &mut Findings) {
    let stored = evidence.standings();
    let as_of = evidence.as_of();
    for (place, (stored, replayed)) in stored.iter().zip(replayed).enumerate() {
        let ticket = TicketNo::at(place);
        if !evidence.is_settled(ticket) {
            continue;
        }
        findings.examined(Rule::LogMatchesState, 1);
        if stored != replayed && !is_forgotten(evidence, *stored, *replayed, as_of) {
            let ticket = &evidence.tickets[place];
            findings.broken(Rule::LogMatchesState, Some(ticket.ticket_id), || {
                let said = |standing: Standing| match standing.hold() {
                    Some(hold) => format!("{} by {}", standing.word(), name_of(evidence, hold)),
                    None => standing.word().to_owned(),
                };
                format!("the log says {}, the store says {}", said(*replayed), said(*stored))
            });
        }
    }
}

/// Whether a store that works in steps has forgotten a hold that nobody came back to. It logs nothing
/// then.
fn is_forgotten(
    evidence: &Evidence,
    stored: Standing,
    replayed: Standing,
    as_of: Timestamp,
) -> bool {
    let lapsed = |hold| evidence.may_be_lapsed(hold, as_of);
    evidence.engine.in_steps
        && stored == Standing::Free
        && matches!(replayed, Standing::Held(hold) if lapsed(hold))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::evidence::LogEntry;
    use crate::audit::rules::sale::{DEADLINE, Sale};
    use crate::domain::OrderStatus;

    #[test]
    fn a_lapsed_hold_may_be_taken_over_from_its_deadline_on() {
        let mut sale = Sale::of(2);
        sale.held(1, &[0, 1], 0);
        sale.held(2, &[0], DEADLINE);
        sale.passes();
    }

    #[test]
    fn a_hold_that_stands_may_not_be_taken_over() {
        let mut sale = Sale::of(1);
        sale.held(1, &[0], 0);
        sale.held(2, &[0], DEADLINE - 1);
        sale.breaks(&[Rule::OneOwner]);
    }

    #[test]
    fn a_payment_under_way_keeps_its_tickets_beyond_the_deadline() {
        let mut sale = Sale::of(1);
        let hold = sale.held(1, &[0], 0);
        sale.paying(hold, 10);
        sale.held(2, &[0], DEADLINE + 10);
        sale.breaks(&[Rule::OneOwner]);
    }

    #[test]
    fn a_payment_begins_before_the_deadline() {
        let mut sale = Sale::of(1);
        let hold = sale.held(1, &[0], 0);
        sale.paying(hold, DEADLINE - 1);
        sale.sold(hold, DEADLINE + 50);
        sale.passes();

        let mut sale = Sale::of(1);
        let hold = sale.held(1, &[0], 0);
        sale.paying(hold, DEADLINE);
        sale.breaks(&[Rule::PaidInTime]);
    }

    #[test]
    fn a_ticket_is_sold_again_only_after_it_was_refunded() {
        let mut sale = Sale::of(1);
        for (buyer, at) in [(1, 10), (2, 20)] {
            let hold = sale.held(buyer, &[0], at);
            sale.paying(hold, at + 1);
            sale.sold(hold, at + 2);
            sale.refunded(hold, at + 3);
        }
        sale.passes();

        let refund = |entry: &LogEntry| entry.change == ChangeKind::Refunded;
        let place = sale.evidence.log.iter().position(refund).unwrap();
        sale.evidence.log[place].change = ChangeKind::Abandoned;
        sale.breaks(&[Rule::SoldOnce, Rule::LegalSteps, Rule::OrdersLogged, Rule::HoldEnds]);
    }

    #[test]
    fn every_way_back_is_allowed_only_where_it_begins() {
        let mut sale = Sale::of(3);
        let hold = sale.held(1, &[0, 1], 0);
        sale.paying(hold, 10);
        sale.held_again(hold, 20);
        sale.order(hold, OrderStatus::Declined, 20);
        sale.freed(hold, ChangeKind::Abandoned, 25);
        let hold = sale.held(1, &[0, 1], 26);
        sale.paying(hold, 30);
        sale.freed(hold, ChangeKind::Aborted, 230);
        sale.order(hold, OrderStatus::Aborted, 230);
        let hold = sale.held(1, &[0, 1], 250);
        sale.freed(hold, ChangeKind::Abandoned, 260);
        sale.blocked(2, 270);
        sale.passes();

        sale.evidence.log.last_mut().unwrap().change = ChangeKind::Unblocked;
        sale.breaks(&[Rule::LegalSteps, Rule::LogMatchesState]);
    }

    #[test]
    fn a_payment_is_given_up_only_once_it_has_had_its_time() {
        let mut sale = Sale::of(1);
        let hold = sale.held(1, &[0], 0);
        sale.paying(hold, 10);
        sale.freed(hold, ChangeKind::Aborted, 209);
        sale.order(hold, OrderStatus::Aborted, 209);
        sale.breaks(&[Rule::LegalSteps]);
    }

    #[test]
    fn an_entry_is_about_a_ticket_of_its_hold_and_not_older_than_it() {
        let mut sale = Sale::of(2);
        sale.held(1, &[0], 100);
        sale.evidence.log[0].at = Timestamp::from_millis(99);
        sale.breaks(&[Rule::LegalSteps, Rule::HoldsLogged]);

        let mut sale = Sale::of(2);
        sale.held(1, &[0], 100);
        sale.evidence.log[0].ticket = TicketNo::at(1);
        sale.breaks(&[Rule::LegalSteps, Rule::LogMatchesState, Rule::HoldsLogged]);
    }

    #[test]
    fn the_log_leads_to_what_is_stored() {
        let mut sale = Sale::of(1);
        sale.held(1, &[0], 0);
        sale.evidence.log.clear();
        sale.breaks(&[Rule::LogMatchesState, Rule::HoldsLogged]);

        let mut sale = Sale::of(1);
        sale.held(1, &[0], 0);
        sale.evidence.queue.clear();
        sale.breaks(&[Rule::LogMatchesState]);
    }
}
