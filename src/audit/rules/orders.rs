//! Orders: what is paid is sold, what is sold is paid, and the money adds up.

use super::name_of;
use crate::audit::evidence::{Evidence, HoldNo, OrderNo, OrderRow, QueueRow, Standing, TicketNo};
use crate::audit::findings::{Findings, Rule};
use crate::domain::{ConfirmationNumber, OrderId, OrderStatus};

pub(super) fn judge(evidence: &Evidence, findings: &mut Findings) {
    let rows = rows_by_ticket(evidence);
    let mut buyers = vec![None; evidence.tickets.len()];
    for (number, order) in evidence.orders.rows() {
        judge_order(evidence, number, order, findings);
        judge_amount(evidence, number, order, findings);
        if order.status == OrderStatus::Paid && evidence.is_hold_settled(order.hold) {
            judge_paid(evidence, number, order, &rows, findings);
            judge_sold_once(evidence, number, order, &mut buyers, findings);
        }
    }
    for row in &evidence.queue {
        judge_row(evidence, row, findings);
    }
    judge_revenue(evidence, findings);
}

fn rows_by_ticket(evidence: &Evidence) -> Vec<Option<&QueueRow>> {
    let mut rows = vec![None; evidence.tickets.len()];
    for row in &evidence.queue {
        rows[row.ticket.place()] = Some(row);
    }
    rows
}

fn order_name(evidence: &Evidence, order: OrderNo) -> String {
    format!("order {}", evidence.orders.id(order))
}

/// The order by itself, and against the hold that it pays for.
fn judge_order(evidence: &Evidence, number: OrderNo, order: &OrderRow, findings: &mut Findings) {
    findings.examined(Rule::OrdersLegal, 1);
    let order_id = evidence.orders.id(number);
    let hold_id = evidence.holds.id(order.hold);
    let fault = match evidence.holds.get(order.hold) {
        None => "its hold is not stored",
        Some(_) if order_id != OrderId::of_payment(hold_id, &order.payment_reference) => {
            "its id is not that of its hold and payment reference"
        }
        Some(_) if order.confirmation != ConfirmationNumber::of_order(order_id) => {
            "its confirmation number is not derived from its id"
        }
        Some(hold) if evidence.is_later(hold.started_at, order.decided_at) => {
            "it is older than its hold"
        }
        Some(_) if evidence.is_later(order.decided_at, order.updated_at) => {
            "it changed before it was decided"
        }
        Some(_) => return,
    };
    findings.broken(Rule::OrdersLegal, None, || {
        format!("order {order_id}, {}, of {}: {fault}", order.status, name_of(evidence, order.hold))
    });
}

/// An order costs what its tickets cost.
fn judge_amount(evidence: &Evidence, number: OrderNo, order: &OrderRow, findings: &mut Findings) {
    findings.examined(Rule::Money, 1);
    if evidence.holds.get(order.hold).is_none() {
        return;
    }
    let prices = price_of(evidence, order.hold);
    if prices != i128::from(order.amount_minor) {
        findings.broken(Rule::Money, None, || {
            let (name, amount) = (order_name(evidence, number), order.amount_minor);
            format!("{name} is over {amount} minor units, its tickets cost {prices}")
        });
    }
}

fn price_of(evidence: &Evidence, hold: HoldNo) -> i128 {
    let price = |ticket: &TicketNo| i128::from(evidence.tickets[ticket.place()].price_minor);
    evidence.tickets_of(hold).iter().map(price).sum()
}

/// A paid order has all tickets of its hold, sold under it.
fn judge_paid(
    evidence: &Evidence,
    number: OrderNo,
    order: &OrderRow,
    rows: &[Option<&QueueRow>],
    findings: &mut Findings,
) {
    findings.examined(Rule::PaidHasTickets, 1);
    for ticket in evidence.tickets_of(order.hold) {
        let row = rows[ticket.place()];
        let sold = row.is_some_and(|row| {
            let under = row.owner.and_then(|owner| owner.order);
            // Where it is done in steps, the decision comes first, and the tickets follow.
            let follows = evidence.engine.in_steps && row.standing == Standing::Paying(order.hold);
            under == Some(number) && (follows || row.standing == Standing::Sold(order.hold))
        });
        if !sold {
            findings.broken(Rule::PaidHasTickets, Some(evidence.ticket_id(*ticket)), || {
                let name = order_name(evidence, number);
                let word = row.map_or("free", |row| row.standing.word());
                let by = row.and_then(|row| row.standing.hold());
                let by =
                    by.map_or(String::new(), |hold| format!(" by {}", name_of(evidence, hold)));
                format!("paid for by {name}, but {word}{by}")
            });
        }
    }
}

/// No ticket is paid for by two orders.
fn judge_sold_once(
    evidence: &Evidence,
    number: OrderNo,
    order: &OrderRow,
    buyers: &mut [Option<OrderNo>],
    findings: &mut Findings,
) {
    for ticket in evidence.tickets_of(order.hold) {
        findings.examined(Rule::SoldOnce, 1);
        if let Some(other) = buyers[ticket.place()].replace(number) {
            findings.broken(Rule::SoldOnce, Some(evidence.ticket_id(*ticket)), || {
                let names = [other, number].map(|order| order_name(evidence, order));
                format!("paid for by {} and by {}", names[0], names[1])
            });
        }
    }
}

/// A sold ticket has its paid order; one that is paying has an order that is not decided.
fn judge_row(evidence: &Evidence, row: &QueueRow, findings: &mut Findings) {
    let Some((number, owner)) = row.standing.hold().zip(row.owner) else { return };
    let Some(order_no) = owner.order else { return };
    let order = evidence.orders.get(order_no);
    if !evidence.is_hold_settled(number) {
        return;
    }
    let follows = evidence.engine.in_steps && is_to_follow(row.standing, order);
    if follows {
        findings.unfinished(1);
    }
    let ticket = Some(evidence.ticket_id(row.ticket));
    let status = || order.map_or("not stored", |order| order.status.word());
    let detail = || {
        let order = order_name(evidence, order_no);
        let (word, name) = (row.standing.word(), name_of(evidence, number));
        format!("{word} by {name} under {order}, which is {}", status())
    };
    match row.standing {
        Standing::Sold(hold) => {
            findings.examined(Rule::SoldIsPaid, 1);
            let paid = |order: &OrderRow| order.status == OrderStatus::Paid && order.hold == hold;
            if !follows && !order.is_some_and(paid) {
                findings.broken(Rule::SoldIsPaid, ticket, detail);
            }
        }
        Standing::Paying(_) => {
            findings.examined(Rule::OrdersLegal, 1);
            if !follows && order.is_some() {
                findings.broken(Rule::OrdersLegal, ticket, detail);
            }
        }
        _ => {}
    }
}

/// Whether a ticket is about to follow the decision about its order: to be sold, or to come free.
fn is_to_follow(standing: Standing, order: Option<&OrderRow>) -> bool {
    match (standing, order) {
        (Standing::Paying(hold), Some(order)) => order.hold == hold,
        (Standing::Sold(hold), Some(order)) => {
            order.hold == hold && order.status == OrderStatus::Refunding
        }
        _ => false,
    }
}

/// What was taken in is what the sold tickets cost.
fn judge_revenue(evidence: &Evidence, findings: &mut Findings) {
    findings.examined(Rule::Money, 1);
    let paid = |(_, order): &(OrderNo, &OrderRow)| {
        order.status == OrderStatus::Paid && evidence.is_hold_settled(order.hold)
    };
    let revenue: i128 =
        evidence.orders.rows().filter(paid).map(|(_, order)| i128::from(order.amount_minor)).sum();
    let sold = |row: &&QueueRow| is_sold(evidence, row);
    let price = |row: &QueueRow| i128::from(evidence.tickets[row.ticket.place()].price_minor);
    let prices: i128 = evidence.queue.iter().filter(sold).map(price).sum();
    if revenue != prices {
        findings.broken(Rule::Money, None, || {
            format!("paid orders took in {revenue} minor units, sold tickets cost {prices}")
        });
    }
}

/// Whether a ticket is sold, or surely will be as soon as it follows what is decided.
fn is_sold(evidence: &Evidence, row: &QueueRow) -> bool {
    let order = row.owner.and_then(|owner| owner.order);
    let order = order.and_then(|order| evidence.orders.get(order));
    let settled = row.standing.hold().is_some_and(|hold| evidence.is_hold_settled(hold));
    let follows = evidence.engine.in_steps && is_to_follow(row.standing, order);
    settled
        && match row.standing {
            Standing::Sold(_) => !follows,
            Standing::Paying(_) => {
                follows && order.is_some_and(|order| order.status == OrderStatus::Paid)
            }
            _ => false,
        }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::rules::sale::Sale;
    use crate::domain::{ChangeKind, PaymentReference, Timestamp};

    fn sold() -> (Sale, HoldNo) {
        let mut sale = Sale::of(3);
        let hold = sale.held(1, &[0, 1], 0);
        sale.paying(hold, 10);
        sale.sold(hold, 20);
        sale.passes();
        (sale, hold)
    }

    #[test]
    fn a_paid_order_has_all_of_its_tickets() {
        let (mut sale, _) = sold();
        sale.evidence.queue.clear();
        sale.breaks(&[Rule::PaidHasTickets, Rule::Money, Rule::LogMatchesState]);
    }

    #[test]
    fn a_sold_ticket_has_its_paid_order() {
        let (mut sale, _) = sold();
        *sale.evidence.orders.row_mut(OrderNo::at(0)) = None;
        sale.breaks(&[Rule::SoldIsPaid, Rule::Money, Rule::OrdersLogged, Rule::HoldEnds]);
    }

    #[test]
    fn a_refund_frees_the_tickets() {
        let (mut sale, hold) = sold();
        sale.refunded(hold, 30);
        sale.passes();

        let (mut sale, _) = sold();
        sale.order_row(0).status = OrderStatus::Refunding;
        sale.breaks(&[Rule::SoldIsPaid, Rule::Money, Rule::OrdersLogged, Rule::HoldEnds]);
    }

    #[test]
    fn money_that_came_too_late_takes_no_ticket() {
        let mut sale = Sale::of(1);
        let hold = sale.held(1, &[0], 0);
        sale.paying(hold, 10);
        sale.freed(hold, ChangeKind::Aborted, 300);
        sale.order(hold, OrderStatus::RefundDue, 300);
        sale.order_row(0).updated_at = Timestamp::from_millis(400);
        let next = sale.held(2, &[0], 350);
        sale.paying(next, 360);
        sale.sold(next, 370);
        sale.passes();
        sale.order_row(0).status = OrderStatus::Paid;
        let follow = [Rule::OrdersLogged, Rule::HoldEnds];
        sale.breaks(&[&[Rule::SoldOnce, Rule::PaidHasTickets, Rule::Money], &follow[..]].concat());
    }

    #[test]
    fn a_payment_that_nobody_has_ended_is_no_fault() {
        let mut sale = Sale::of(2);
        let hold = sale.held(1, &[0], 0);
        sale.paying(hold, 10);
        sale.held(2, &[1], 1_000_000);
        sale.passes();
        sale.order(hold, OrderStatus::Declined, 20);
        sale.breaks(&[Rule::OrdersLegal, Rule::References]);
    }

    #[test]
    fn an_order_costs_what_its_tickets_cost() {
        let mut sale = Sale::of(1);
        let hold = sale.held(1, &[0], 0);
        sale.order(hold, OrderStatus::Declined, 20);
        sale.passes();
        sale.order_row(0).amount_minor += 1;
        sale.breaks(&[Rule::Money]);
    }

    #[test]
    fn an_order_is_that_of_its_hold_and_payment_reference() {
        let (mut sale, _) = sold();
        sale.order_row(0).payment_reference = PaymentReference::new("another").unwrap();
        sale.breaks(&[Rule::OrdersLegal, Rule::References]);

        let (mut sale, _) = sold();
        sale.order_row(0).updated_at = Timestamp::from_millis(1);
        sale.breaks(&[Rule::OrdersLegal, Rule::OrdersLogged]);

        let (mut sale, hold) = sold();
        let other = OrderId::of_payment(
            sale.evidence.holds.id(hold),
            &PaymentReference::new("another").unwrap(),
        );
        sale.order_row(0).confirmation = ConfirmationNumber::of_order(other);
        sale.breaks(&[Rule::OrdersLegal]);

        let (mut sale, _) = sold();
        sale.hold_row(0).started_at = Timestamp::from_millis(21);
        let follow = [Rule::HoldsLogged];
        sale.breaks(
            &[&[Rule::OrdersLegal, Rule::LegalSteps, Rule::DeadlineKept], &follow[..]].concat(),
        );
    }
}
