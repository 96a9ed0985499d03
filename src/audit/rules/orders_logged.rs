//! Orders against the log: every attempt to pay that ended has its order, and every order its attempt.

use super::name_of;
use crate::audit::evidence::{Evidence, HoldNo, OrderNo, OrderRow, Standing};
use crate::audit::findings::{Findings, Rule};
use crate::audit::lives::{Attempt, Lives};
use crate::audit::replay::{Step, Steps};
use crate::domain::{ChangeKind, OrderStatus};

pub(super) fn judge(evidence: &Evidence, lives: &Lives, findings: &mut Findings) {
    findings.examined(Rule::OrdersLogged, lives.attempts.len());
    for (number, order) in evidence.orders.rows() {
        findings.examined(Rule::OrdersLogged, 1);
        judge_update(evidence, number, order, findings);
    }
    if evidence.engine.in_steps {
        for step in Steps::of(evidence) {
            judge_step(evidence, &step, findings);
        }
        for attempt in &lives.attempts {
            judge_sale(evidence, attempt, findings);
        }
    } else {
        judge_holds(evidence, lives, findings);
    }
}

/// An order whose status never moved was never written again.
fn judge_update(evidence: &Evidence, number: OrderNo, order: &OrderRow, findings: &mut Findings) {
    let moved = matches!(
        order.status,
        OrderStatus::RefundDue | OrderStatus::Refunding | OrderStatus::Refunded
    );
    if !moved && order.updated_at != order.decided_at && evidence.is_hold_settled(order.hold) {
        broken(evidence, number, order, findings, || {
            let OrderRow { decided_at, updated_at, .. } = order;
            format!("it was decided at {decided_at} and written at {updated_at}")
        });
    }
}

fn broken(
    evidence: &Evidence,
    number: OrderNo,
    order: &OrderRow,
    findings: &mut Findings,
    fault: impl FnOnce() -> String,
) {
    findings.broken(Rule::OrdersLogged, None, || {
        let (order_id, hold) = (evidence.orders.id(number), name_of(evidence, order.hold));
        format!("order {order_id}, {}, of {hold}: {}", order.status, fault())
    });
}

/// Where a step is one transaction: an attempt ends in the moment in which its order is decided.
fn judge_holds(evidence: &Evidence, lives: &Lives, findings: &mut Findings) {
    let mut attempts: Vec<&Attempt> = lives.attempts.iter().collect();
    attempts.sort_by_key(|attempt| attempt.hold.place());
    let mut orders: Vec<(OrderNo, &OrderRow)> = evidence.orders.rows().collect();
    orders.sort_by_key(|(_, order)| order.hold.place());
    let (mut attempts, mut orders) = (attempts.as_slice(), orders.as_slice());
    for place in 0..evidence.holds.ids_met() {
        let hold = HoldNo::at(place);
        let own_attempts = take(&mut attempts, |attempt| attempt.hold == hold);
        let own_orders = take(&mut orders, |(_, order)| order.hold == hold);
        if evidence.holds.get(hold).is_some() {
            judge_attempts(evidence, hold, own_attempts, own_orders, findings);
        }
    }
}

/// Takes the items at the front for which something is true.
fn take<'s, T>(from: &mut &'s [T], own: impl Fn(&T) -> bool) -> &'s [T] {
    let all = *from;
    let (front, rest) = all.split_at(all.iter().take_while(|item| own(item)).count());
    *from = rest;
    front
}

/// The attempts of one hold against its orders.
fn judge_attempts(
    evidence: &Evidence,
    hold: HoldNo,
    attempts: &[&Attempt],
    orders: &[(OrderNo, &OrderRow)],
    findings: &mut Findings,
) {
    let mut used = vec![false; orders.len()];
    // The latest first: what ends a hold may have been decided in one way only.
    for attempt in attempts.iter().rev() {
        let Some((change, at)) = attempt.ended else { continue };
        let fitting = orders.iter().enumerate().filter(|(place, _)| !used[*place]);
        let ranked = fitting.filter_map(|(place, (_, order))| Some((rank(attempt, order)?, place)));
        match ranked.min() {
            Some((_, place)) => used[place] = true,
            None => findings.broken(Rule::OrdersLogged, None, || {
                let name = name_of(evidence, hold);
                let orders: Vec<String> = orders.iter().map(|(_, order)| said(order)).collect();
                let orders = if orders.is_empty() { "none".into() } else { orders.join(", ") };
                format!("the log says {change} at {at} by {name}, its orders are: {orders}")
            }),
        }
    }
    let must_be_logged = |order: &OrderRow| {
        // A payment may be recorded under a reference for which no ticket was pinned, but then
        // nothing is paid for and nothing aborted.
        matches!(order.status, OrderStatus::Paid | OrderStatus::Aborted)
    };
    for ((number, order), used) in orders.iter().zip(used) {
        if !used && must_be_logged(order) {
            broken(evidence, *number, order, findings, || {
                format!("the log has no attempt to pay that ended so at {}", order.decided_at)
            });
        }
    }
    judge_reference(evidence, hold, attempts.last().copied(), orders, findings);
}

fn said(order: &OrderRow) -> String {
    format!("{} at {}, changed at {}", order.status, order.decided_at, order.updated_at)
}

/// How well an order fits the end of an attempt, 0 best; none where it does not.
fn rank(attempt: &Attempt, order: &OrderRow) -> Option<u8> {
    use ChangeKind as Change;
    use OrderStatus::{Aborted, Declined, Paid, RefundDue, Refunded, Refunding};
    let (change, at) = attempt.ended?;
    if order.decided_at != at {
        return None;
    }
    match (change, attempt.refunded_at, order.status) {
        (Change::Sold, None, Paid)
        | (Change::Aborted, _, Aborted)
        | (Change::HeldAgain | Change::Declined, _, Declined) => Some(0),
        (Change::Sold, Some(refunded_at), Refunding) => {
            (order.updated_at == refunded_at).then_some(0)
        }
        (Change::Sold, Some(refunded_at), Refunded) => {
            (order.updated_at >= refunded_at).then_some(0)
        }
        // Money that was captured all the same goes back.
        (
            Change::Aborted | Change::HeldAgain | Change::Declined,
            _,
            RefundDue | Refunding | Refunded,
        ) => Some(1),
        _ => None,
    }
}

/// A hold stores the payment reference of its latest attempt to pay.
fn judge_reference(
    evidence: &Evidence,
    hold: HoldNo,
    latest: Option<&Attempt>,
    orders: &[(OrderNo, &OrderRow)],
    findings: &mut Findings,
) {
    findings.examined(Rule::HoldEnds, 1);
    let stored = evidence.holds.get(hold).and_then(|row| row.attempt);
    let fits = match (latest, stored) {
        (None, stored) => stored.is_none(),
        (Some(_), None) => false,
        // A ticket that is paying names the order: see the rule of rows and holds.
        (Some(Attempt { ended: None, .. }), Some(_)) => true,
        (Some(latest), Some(stored)) => {
            orders.iter().any(|(number, order)| *number == stored && rank(latest, order).is_some())
        }
    };
    if !fits {
        findings.broken(Rule::HoldEnds, None, || {
            let name = name_of(evidence, hold);
            format!("{name} does not store the payment reference of its latest attempt to pay")
        });
    }
}

/// Where a decision comes first and its tickets follow: an entry against the order that it names.
fn judge_step(evidence: &Evidence, step: &Step, findings: &mut Findings) {
    let (Some(hold), Some(number)) = (step.entry.hold, step.entry.order) else { return };
    let (change, at) = (step.entry.change, step.entry.at);
    if change == ChangeKind::Paying || !evidence.is_hold_settled(hold) {
        return;
    }
    findings.examined(Rule::OrdersLogged, 1);
    let fault = match evidence.orders.get(number) {
        None => "is not stored".to_owned(),
        Some(order) if order.hold != hold => "is of another hold".to_owned(),
        Some(order) if !explains(order.status, step.before, change) => {
            format!("is {}", order.status)
        }
        Some(order) if evidence.is_later(order.decided_at, at) => {
            format!("was decided at {}", order.decided_at)
        }
        Some(_) => return,
    };
    findings.broken(Rule::OrdersLogged, Some(evidence.ticket_id(step.entry.ticket)), || {
        let (name, order_id) = (name_of(evidence, hold), evidence.orders.id(number));
        format!("{change} at {at} by {name} under order {order_id}, which {fault}")
    });
}

/// Whether an order of this status lets a ticket under it change so.
const fn explains(status: OrderStatus, before: Standing, change: ChangeKind) -> bool {
    use OrderStatus::{Declined, Paid, RefundDue, Refunded, Refunding};
    match (before, change) {
        (_, ChangeKind::Sold) => matches!(status, Paid | Refunding | Refunded),
        (_, ChangeKind::HeldAgain) => {
            matches!(status, Declined | RefundDue | Refunding | Refunded)
        }
        (Standing::Paying(_), _) => !matches!(status, Paid),
        (Standing::Sold(_), _) => matches!(status, Refunding | Refunded),
        _ => true,
    }
}

/// An order is paid only once every ticket is pinned to it.
fn judge_sale(evidence: &Evidence, attempt: &Attempt, findings: &mut Findings) {
    let Some((ChangeKind::Sold, _)) = attempt.ended else { return };
    let Some(number) = attempt.order else { return };
    let Some(order) = evidence.orders.get(number) else { return };
    let is_early = evidence.is_later(attempt.begun_at, order.decided_at);
    if is_early && evidence.is_hold_settled(attempt.hold) {
        broken(evidence, number, order, findings, || {
            let (decided_at, begun_at) = (order.decided_at, attempt.begun_at);
            format!("it was decided at {decided_at}, and its last ticket pinned at {begun_at}")
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::rules::sale::{DEADLINE, Sale, ms};

    fn paid(at: i64) -> (Sale, HoldNo) {
        let mut sale = Sale::of(2);
        let hold = sale.held(1, &[0, 1], 0);
        sale.paying(hold, 10);
        sale.sold(hold, at);
        (sale, hold)
    }

    #[test]
    fn an_order_is_decided_when_the_log_says_so() {
        let (mut sale, _) = paid(20);
        sale.passes();
        sale.order_row(0).decided_at = ms(19);
        sale.order_row(0).updated_at = ms(19);
        sale.breaks(&[Rule::OrdersLogged, Rule::HoldEnds, Rule::References]);
    }

    #[test]
    fn a_refunded_order_cannot_be_removed_or_moved() {
        let refunded = || {
            let (mut sale, hold) = paid(20);
            sale.refunded(hold, 30);
            sale.passes();
            sale
        };
        let mut sale = refunded();
        sale.order_row(0).updated_at = ms(29);
        sale.breaks(&[Rule::OrdersLogged, Rule::HoldEnds]);
        for status in [OrderStatus::RefundDue, OrderStatus::Declined, OrderStatus::Aborted] {
            let mut sale = refunded();
            sale.order_row(0).status = status;
            sale.order_row(0).updated_at = ms(20);
            sale.breaks(&[Rule::OrdersLogged, Rule::HoldEnds]);
        }
        let mut sale = refunded();
        *sale.evidence.orders.row_mut(OrderNo::at(0)) = None;
        sale.breaks(&[Rule::OrdersLogged, Rule::HoldEnds]);
    }

    #[test]
    fn a_declined_payment_leaves_an_order_for_good() {
        let mut sale = Sale::of(1);
        let hold = sale.held(1, &[0], 0);
        sale.paying(hold, 10);
        sale.held_again(hold, 20);
        sale.order(hold, OrderStatus::Declined, 20);
        sale.passes();
        // Money that was captured after all.
        sale.order_row(0).status = OrderStatus::RefundDue;
        sale.order_row(0).updated_at = ms(25);
        sale.passes();
        sale.order_row(0).status = OrderStatus::Aborted;
        sale.order_row(0).updated_at = ms(20);
        sale.breaks(&[Rule::OrdersLogged, Rule::HoldEnds]);
    }

    #[test]
    fn an_order_whose_status_never_moved_is_written_once() {
        let mut sale = Sale::of(1);
        let hold = sale.held(1, &[0], 0);
        sale.paying(hold, 10);
        sale.freed(hold, ChangeKind::Aborted, DEADLINE);
        sale.order(hold, OrderStatus::Aborted, DEADLINE);
        sale.passes();
        sale.order_row(0).updated_at = ms(DEADLINE + 1);
        sale.breaks(&[Rule::OrdersLogged]);
    }

    #[test]
    fn the_reference_is_that_of_the_latest_attempt() {
        let (mut sale, _) = paid(20);
        sale.hold_row(0).attempt = None;
        sale.breaks(&[Rule::HoldEnds]);

        let mut sale = Sale::of(1);
        let hold = sale.held(1, &[0], 0);
        let other = sale
            .evidence
            .orders
            .number(crate::domain::OrderId::from_uuid(uuid::Uuid::from_u128(7)));
        sale.passes();
        sale.hold_row(hold.place()).attempt = Some(other);
        sale.breaks(&[Rule::HoldEnds, Rule::References]);
    }

    #[test]
    fn where_tickets_follow_the_order_explains_each_of_them() {
        let (mut sale, _) = paid(20);
        sale.in_steps();
        sale.order_row(0).decided_at = ms(15);
        sale.order_row(0).updated_at = ms(15);
        sale.passes();
        for at in [9, 21] {
            sale.order_row(0).decided_at = ms(at);
            sale.order_row(0).updated_at = ms(at);
            sale.breaks(&[Rule::OrdersLogged]);
        }
    }
}
