//! Holds against the log: how each was claimed, what each of its steps changed, and how it ended.

use super::name_of;
use crate::audit::evidence::{Evidence, HoldNo, HoldRow, LogEntry, Standing, TicketNo};
use crate::audit::findings::{Findings, Rule};
use crate::audit::lives::{Lives, hold_steps};
use crate::audit::replay::{Steps, after};
use crate::domain::{ChangeKind, HoldStatus, OrderStatus};

pub(super) fn judge(evidence: &Evidence, lives: &Lives, findings: &mut Findings) {
    judge_tickets(evidence, findings);
    if evidence.engine.in_steps {
        judge_in_steps(evidence, findings);
    } else {
        judge_whole_steps(evidence, findings);
        judge_against_log(evidence, lives, findings);
    }
}

/// A hold is for tickets, each of them once.
fn judge_tickets(evidence: &Evidence, findings: &mut Findings) {
    let mut met: Vec<Option<HoldNo>> = vec![None; evidence.tickets.len()];
    for (number, _) in evidence.holds.rows() {
        findings.examined(Rule::HoldsLogged, 1);
        let tickets = evidence.tickets_of(number);
        let mut twice = None;
        for ticket in tickets {
            if met[ticket.place()].replace(number) == Some(number) {
                twice = Some(evidence.ticket_id(*ticket));
            }
        }
        if tickets.is_empty() || twice.is_some() {
            findings.broken(Rule::HoldsLogged, twice, || {
                let fault = if twice.is_some() { "a ticket twice" } else { "no tickets" };
                format!("{} is for {fault}", name_of(evidence, number))
            });
        }
    }
}

/// Where a step is one transaction, it changes all tickets of its hold, in their order, at one time.
fn judge_whole_steps(evidence: &Evidence, findings: &mut Findings) {
    let mut standings = vec![Standing::Free; evidence.tickets.len()];
    let mut steps = hold_steps(&evidence.log).peekable();
    let mut expected: Vec<TicketNo> = Vec::new();
    let mut entries = evidence.log.as_slice();
    while let Some(entry) = entries.first() {
        let whole = match steps.peek() {
            Some((_, step)) if std::ptr::eq(step.as_ptr(), entries.as_ptr()) => steps.next(),
            _ => None,
        };
        let length = whole.map_or(1, |(_, step)| step.len());
        if let Some((hold, step)) = whole
            && let Some(row) = evidence.holds.get(hold)
        {
            findings.examined(Rule::HoldsLogged, 1);
            expected.clear();
            let tickets = evidence.tickets_of(hold).iter();
            // What lapsed may have lost tickets to others; the rest of them come free.
            let changes = |ticket: &&TicketNo| {
                entry.change != ChangeKind::Expired
                    || standings[ticket.place()] == Standing::Held(hold)
            };
            expected.extend(tickets.filter(changes));
            judge_step(evidence, (hold, row), step, &expected, findings);
        }
        for entry in &entries[..length] {
            standings[entry.ticket.place()] = after(entry);
        }
        entries = &entries[length..];
    }
}

fn judge_step(
    evidence: &Evidence,
    (hold, row): (HoldNo, &HoldRow),
    step: &[LogEntry],
    expected: &[TicketNo],
    findings: &mut Findings,
) {
    let (change, at) = (step[0].change, step[0].at);
    let mut tickets = step.iter().map(|entry| entry.ticket);
    if !expected.iter().copied().eq(&mut tickets) {
        findings.broken(Rule::HoldsLogged, Some(evidence.ticket_id(step[0].ticket)), || {
            let (name, logged, all) = (name_of(evidence, hold), step.len(), expected.len());
            format!("{change} at {at} by {name}: {logged} entries in a row, for {all} tickets")
        });
    }
    if change == ChangeKind::Held && at != row.started_at {
        findings.broken(Rule::HoldsLogged, Some(evidence.ticket_id(step[0].ticket)), || {
            let name = name_of(evidence, hold);
            format!("held at {at} by {name}, which was started at {}", row.started_at)
        });
    }
}

/// Every hold is claimed in the log, and stores the end that the log says.
fn judge_against_log(evidence: &Evidence, lives: &Lives, findings: &mut Findings) {
    for (number, row) in evidence.holds.rows() {
        findings.examined(Rule::HoldEnds, 1);
        let life = lives.of_hold(number);
        if !life.is_claimed {
            findings.broken(Rule::HoldsLogged, None, || {
                format!("the log has no claim by {}", name_of(evidence, number))
            });
        }
        let end = life.last.and_then(end_of);
        if row.ended_as != end {
            findings.broken(Rule::HoldEnds, None, || {
                let said = |end: Option<HoldStatus>| end.map_or("no end", HoldStatus::word);
                let name = name_of(evidence, number);
                format!("the log says {}, {name} says {}", said(end), said(row.ended_as))
            });
        }
    }
}

/// The end that a hold stores after its last step.
const fn end_of(last: ChangeKind) -> Option<HoldStatus> {
    match last {
        ChangeKind::Abandoned => Some(HoldStatus::Abandoned),
        ChangeKind::Declined => Some(HoldStatus::Declined),
        ChangeKind::Aborted => Some(HoldStatus::Aborted),
        ChangeKind::Refunded => Some(HoldStatus::Refunded),
        // A deadline ends a hold by itself.
        _ => None,
    }
}

/// Where a hold ends first and its tickets follow: its end against its order, its tickets and the
/// log.
fn judge_in_steps(evidence: &Evidence, findings: &mut Findings) {
    let mut sold = vec![false; evidence.holds.ids_met()];
    for row in &evidence.queue {
        if let Standing::Sold(hold) = row.standing {
            sold[hold.place()] = true;
        }
    }
    for (number, row) in evidence.holds.rows() {
        if !evidence.is_hold_settled(number) {
            continue;
        }
        findings.examined(Rule::HoldEnds, 1);
        if let Some(fault) = end_fault(evidence, row, sold[number.place()]) {
            findings.broken(Rule::HoldEnds, None, || {
                let end = row.ended_as.map_or("no end", HoldStatus::word);
                format!("{} stores {end}, {fault}", name_of(evidence, number))
            });
        }
    }
    for step in Steps::of(evidence) {
        let (Standing::Held(hold), true) = (step.before, step.entry.change.frees()) else {
            continue;
        };
        let Some(row) = evidence.holds.get(hold).filter(|_| evidence.is_hold_settled(hold)) else {
            continue;
        };
        let goes_on = !row.ended() && row.attempt.is_none();
        if goes_on && !evidence.may_be_lapsed(hold, step.entry.at) {
            findings.broken(Rule::HoldEnds, Some(evidence.ticket_id(step.entry.ticket)), || {
                let (name, at) = (name_of(evidence, hold), step.entry.at);
                format!("{} at {at} by {name}, which stores no end", step.entry.change)
            });
        }
    }
}

fn end_fault(evidence: &Evidence, row: &HoldRow, is_sold: bool) -> Option<&'static str> {
    use OrderStatus::{Aborted, Declined, RefundDue, Refunded, Refunding};
    let order = row.attempt.and_then(|order| evidence.orders.get(order));
    let status = order.map(|order| order.status);
    match row.ended_as? {
        HoldStatus::Abandoned | HoldStatus::Expired if row.attempt.is_some() => {
            Some("and a payment for it")
        }
        HoldStatus::Abandoned | HoldStatus::Expired if is_sold => Some("and is sold"),
        HoldStatus::Abandoned | HoldStatus::Expired => None,
        HoldStatus::Declined => {
            (!matches!(status, Some(Declined | RefundDue | Refunding | Refunded)))
                .then_some("and its order is not declined")
        }
        HoldStatus::Aborted => {
            (!matches!(status, Some(Aborted | RefundDue | Refunding | Refunded)))
                .then_some("and its order is not aborted")
        }
        HoldStatus::Refunded => (!matches!(status, Some(Refunding | Refunded)))
            .then_some("and its order is not refunded"),
        HoldStatus::Held | HoldStatus::Paying | HoldStatus::Sold => Some("which is no end"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::rules::sale::{DEADLINE, Sale, ms};
    use crate::domain::Timestamp;

    #[test]
    fn a_hold_is_claimed_in_the_log_at_its_start() {
        let mut sale = Sale::of(2);
        sale.held(1, &[0], 5);
        sale.passes();
        sale.hold_row(0).started_at = ms(4);
        sale.hold_row(0).expires_at = ms(4 + DEADLINE);
        sale.evidence.queue[0].owner.as_mut().unwrap().expires_at = ms(4 + DEADLINE);
        sale.breaks(&[Rule::HoldsLogged]);

        // A hold that the log does not know.
        let mut sale = Sale::of(2);
        sale.held(1, &[0], 5);
        sale.evidence.log.clear();
        sale.evidence.queue.clear();
        sale.breaks(&[Rule::HoldsLogged]);
    }

    #[test]
    fn a_step_changes_all_tickets_of_its_hold_in_their_order() {
        let taken_over = || {
            let mut sale = Sale::of(3);
            let hold = sale.held(1, &[0, 1, 2], 0);
            sale.held(2, &[1], DEADLINE);
            sale.expires(hold, &[0, 2], DEADLINE + 5);
            sale.passes();
            sale
        };
        let mut sale = taken_over();
        sale.evidence.log.swap(0, 1);
        sale.breaks(&[Rule::HoldsLogged]);
        let mut sale = taken_over();
        sale.evidence.log[4].at = Timestamp::from_millis(DEADLINE + 4);
        sale.breaks(&[Rule::HoldsLogged]);
    }

    #[test]
    fn a_hold_stores_the_end_that_the_log_says() {
        for (change, other) in [
            (ChangeKind::Abandoned, HoldStatus::Aborted),
            (ChangeKind::Abandoned, HoldStatus::Expired),
        ] {
            let mut sale = Sale::of(1);
            let hold = sale.held(1, &[0], 0);
            sale.freed(hold, change, 10);
            sale.passes();
            sale.hold_row(0).ended_as = Some(other);
            sale.breaks(&[Rule::HoldEnds]);
            sale.hold_row(0).ended_as = None;
            sale.breaks(&[Rule::HoldEnds]);
        }
    }

    #[test]
    fn a_hold_is_for_tickets_and_each_of_them_once() {
        let mut sale = Sale::of(1);
        sale.held(1, &[], 0);
        sale.breaks(&[Rule::HoldsLogged]);
        let mut sale = Sale::of(1);
        sale.held(1, &[0, 0], 0);
        sale.evidence.queue.truncate(1);
        sale.evidence.log.truncate(1);
        let rules = [Rule::HoldsLogged, Rule::WholeGroups];
        let broken = sale.broken();
        assert!(broken.contains(rules[0].name()), "{broken:?}");
    }

    #[test]
    fn where_a_hold_ends_first_its_order_says_why() {
        let mut sale = Sale::of(1);
        let hold = sale.held(1, &[0], 0);
        sale.paying(hold, 10);
        sale.sold(hold, 20);
        sale.in_steps();
        sale.passes();
        sale.hold_row(0).ended_as = Some(HoldStatus::Abandoned);
        sale.breaks(&[Rule::HoldEnds]);

        let mut sale = Sale::of(1);
        let hold = sale.held(1, &[0], 0);
        sale.freed(hold, ChangeKind::Abandoned, 10);
        sale.in_steps();
        sale.passes();
        sale.hold_row(0).ended_as = None;
        sale.breaks(&[Rule::HoldEnds]);
    }
}
