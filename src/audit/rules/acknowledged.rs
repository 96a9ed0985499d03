//! Whatever a buyer was told is stored, and stays so.

use super::name_of;
use crate::audit::evidence::{Evidence, HoldNo, HoldRow, OrderNo};
use crate::audit::findings::{Findings, Rule};
use crate::audit::history::{Answer, Told};
use crate::audit::replay::Trace;
use crate::domain::{OrderId, OrderStatus, TicketId, Timestamp};

/// Holds one answer against what is stored.
pub(super) fn judge(store: &Store<'_>, told: &Told, findings: &mut Findings) {
    findings.examined(Rule::Acknowledged, 1);
    judge_deadline(store, told, findings);
    if let Some(fault) = store.fault(told) {
        findings.broken(Rule::Acknowledged, told.tickets.first().copied(), || {
            let (hold, buyer, word) = (told.hold_id, told.buyer_id, word(&told.answer));
            let at = told.told_at;
            format!("hold {hold} (buyer {buyer}) was told `{word}` at {at}, but {fault}")
        });
    }
}

const fn word(answer: &Answer) -> &'static str {
    match answer {
        Answer::Held { .. } => "held",
        Answer::Paid { .. } => "paid",
        Answer::NotPaid { .. } => "not_paid",
        Answer::Abandoned => "abandoned",
        Answer::Refunded { .. } => "refunded",
    }
}

/// The deadline that a buyer was told is the one that is stored.
fn judge_deadline(store: &Store<'_>, told: &Told, findings: &mut Findings) {
    let Answer::Held { until, .. } = told.answer else { return };
    let Some((number, hold)) = store.hold(told) else { return };
    findings.examined(Rule::DeadlineKept, 1);
    if hold.expires_at != until {
        findings.broken(Rule::DeadlineKept, None, || {
            format!("{} was told to last until {until}", name_of(store.evidence, number))
        });
    }
}

/// How many rows name a hold, and how many an order.
struct Rows {
    of_hold: Vec<u32>,
    of_order: Vec<u32>,
}

impl Rows {
    fn of(evidence: &Evidence) -> Self {
        let mut of_hold = vec![0; evidence.holds.ids_met()];
        let mut of_order = vec![0; evidence.orders.ids_met()];
        for row in &evidence.queue {
            if let Some(hold) = row.standing.hold() {
                of_hold[hold.place()] += 1;
            }
            if let Some(order) = row.owner.and_then(|owner| owner.order) {
                of_order[order.place()] += 1;
            }
        }
        Self { of_hold, of_order }
    }
}

/// What is stored, as far as an answer can be held against it.
pub(super) struct Store<'a> {
    evidence: &'a Evidence,
    traces: &'a [Trace],
    rows: Rows,
}

impl<'a> Store<'a> {
    pub(super) fn of(evidence: &'a Evidence, traces: &'a [Trace]) -> Self {
        Self { evidence, traces, rows: Rows::of(evidence) }
    }

    /// What is stored does not bear out the answer.
    fn fault(&self, told: &Told) -> Option<String> {
        match told.answer {
            Answer::Held { from, .. } => self.held_fault(told, from),
            Answer::Paid { order_id, amount_minor } => {
                self.paid_fault(told, order_id, amount_minor)
            }
            Answer::NotPaid { order_id } => self.not_paid_fault(order_id?),
            Answer::Abandoned => self.abandoned_fault(told),
            Answer::Refunded { order_id } => self.refunded_fault(order_id),
        }
    }

    fn hold(&self, told: &Told) -> Option<(HoldNo, &HoldRow)> {
        let number = self.evidence.holds.find(told.hold_id)?;
        Some((number, self.evidence.holds.get(number)?))
    }

    fn held_fault(&self, told: &Told, from: Timestamp) -> Option<String> {
        let Some((number, hold)) = self.hold(told) else {
            return Some("the hold is not stored".into());
        };
        let logged = self.traces.get(number.place()).map_or(0, |trace| trace.held as usize);
        if self.evidence.buyers.id(hold.buyer) != told.buyer_id {
            let buyer = self.evidence.buyers.id(hold.buyer);
            Some(format!("the hold is stored for buyer {buyer}"))
        } else if hold.started_at != from {
            let started_at = hold.started_at;
            Some(format!("the hold was started at {started_at} and not at {from}"))
        } else if self.tickets_of(number) != sorted(told.tickets.clone()) {
            Some("the hold is stored for other tickets".into())
        } else if logged < told.tickets.len() && self.evidence.log_covers(hold) {
            let all = told.tickets.len();
            Some(format!("the log has {logged} of its {all} claims"))
        } else {
            None
        }
    }

    fn log_covers(&self, hold: HoldNo) -> bool {
        self.evidence.holds.get(hold).is_none_or(|hold| self.evidence.log_covers(hold))
    }

    fn tickets_of(&self, hold: HoldNo) -> Vec<TicketId> {
        let tickets = self.evidence.tickets_of(hold).iter();
        sorted(tickets.map(|ticket| self.evidence.ticket_id(*ticket)).collect())
    }

    fn paid_fault(&self, told: &Told, order_id: OrderId, amount_minor: i64) -> Option<String> {
        let order = self.order(order_id).and_then(|number| self.evidence.orders.get(number));
        let Some(order) = order else {
            return Some(format!("order {order_id} is not stored"));
        };
        let sold = self.traces.get(order.hold.place()).map_or(0, |trace| trace.sold as usize);
        if self.evidence.holds.id(order.hold) != told.hold_id {
            Some(format!("order {order_id} is of another hold"))
        } else if order.amount_minor != amount_minor {
            let stored = order.amount_minor;
            Some(format!("order {order_id} is over {stored} minor units, not {amount_minor}"))
        } else if !is_paid_or_later(order.status) {
            Some(format!("order {order_id} is {}", order.status))
        } else if sold < told.tickets.len() && self.log_covers(order.hold) {
            let all = told.tickets.len();
            Some(format!("the log has {sold} of its {all} sales"))
        } else {
            None
        }
    }

    fn not_paid_fault(&self, order_id: OrderId) -> Option<String> {
        match self.order(order_id).and_then(|number| self.evidence.orders.get(number)) {
            None => Some(format!("order {order_id} is not stored")),
            Some(order) if order.status == OrderStatus::Paid => {
                Some(format!("order {order_id} is paid"))
            }
            Some(_) => None,
        }
    }

    fn abandoned_fault(&self, told: &Told) -> Option<String> {
        let Some((number, _)) = self.hold(told) else {
            return Some("the hold is not stored".into());
        };
        let rows = self.rows.of_hold[number.place()];
        (rows > 0).then(|| format!("it has {rows} tickets"))
    }

    fn refunded_fault(&self, order_id: OrderId) -> Option<String> {
        let number = self.order(order_id);
        let Some((number, order)) = number.and_then(|n| Some((n, self.evidence.orders.get(n)?)))
        else {
            return Some(format!("order {order_id} is not stored"));
        };
        let rows = self.rows.of_order[number.place()];
        if !matches!(order.status, OrderStatus::Refunding | OrderStatus::Refunded) {
            Some(format!("order {order_id} is {}", order.status))
        } else if rows > 0 {
            Some(format!("order {order_id} has {rows} tickets"))
        } else {
            None
        }
    }

    fn order(&self, order_id: OrderId) -> Option<OrderNo> {
        self.evidence.orders.find(order_id)
    }
}

const fn is_paid_or_later(status: OrderStatus) -> bool {
    matches!(status, OrderStatus::Paid | OrderStatus::Refunding | OrderStatus::Refunded)
}

fn sorted(mut tickets: Vec<TicketId>) -> Vec<TicketId> {
    tickets.sort_unstable();
    tickets
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::evidence::BuyerNo;
    use crate::audit::rules::sale::{Sale, order_id};
    use crate::domain::ChangeKind;

    fn held() -> (Sale, HoldNo) {
        let mut sale = Sale::of(3);
        let hold = sale.held(1, &[0, 1], 0);
        sale.tell_held(hold);
        sale.passes();
        (sale, hold)
    }

    fn paid() -> (Sale, HoldNo) {
        let (mut sale, hold) = held();
        sale.paying(hold, 10);
        sale.sold(hold, 20);
        sale.tell_paid(hold, 15);
        sale.passes();
        (sale, hold)
    }

    #[test]
    fn a_hold_that_was_acknowledged_is_stored() {
        let (mut sale, _) = held();
        sale.forget();
        sale.breaks(&[Rule::Acknowledged]);
    }

    #[test]
    fn a_hold_is_stored_as_it_was_acknowledged() {
        let (mut sale, _) = held();
        sale.history[0].tickets.pop();
        sale.breaks(&[Rule::Acknowledged]);

        let (mut sale, _) = held();
        sale.held(2, &[2], 5);
        sale.hold_row(0).buyer = BuyerNo::at(1);
        for row in &mut sale.evidence.queue {
            row.owner.as_mut().unwrap().buyer = BuyerNo::at(1);
        }
        sale.breaks(&[Rule::Acknowledged]);

        let (mut sale, _) = held();
        let Answer::Held { until, .. } = &mut sale.history[0].answer else { unreachable!() };
        *until = Timestamp::from_millis(until.as_millis() + 1);
        sale.breaks(&[Rule::DeadlineKept]);
    }

    #[test]
    fn every_claim_of_an_acknowledged_hold_is_in_the_log() {
        let (mut sale, _) = held();
        sale.evidence.log.pop();
        sale.breaks(&[Rule::Acknowledged, Rule::LogMatchesState, Rule::HoldsLogged]);
    }

    #[test]
    fn an_acknowledged_payment_stands_or_was_refunded() {
        let (mut sale, hold) = paid();
        sale.refunded(hold, 30);
        sale.passes();

        for status in [OrderStatus::Aborted, OrderStatus::RefundDue, OrderStatus::Declined] {
            let (mut sale, _) = paid();
            sale.order_row(0).status = status;
            let follow = [Rule::OrdersLogged, Rule::HoldEnds];
            sale.breaks(
                &[&[Rule::Acknowledged, Rule::SoldIsPaid, Rule::Money], &follow[..]].concat(),
            );
        }

        let (mut sale, _) = paid();
        let Answer::Paid { amount_minor, .. } = &mut sale.history[1].answer else { unreachable!() };
        *amount_minor += 1;
        sale.breaks(&[Rule::Acknowledged]);
    }

    #[test]
    fn an_acknowledged_decline_is_stored_and_not_paid() {
        let (mut sale, hold) = held();
        sale.order(hold, OrderStatus::Declined, 20);
        let order_id = Some(order_id(&sale, hold));
        sale.tell(hold, 15, Answer::NotPaid { order_id: None });
        sale.tell(hold, 15, Answer::NotPaid { order_id });
        sale.passes();

        *sale.evidence.orders.row_mut(OrderNo::at(0)) = None;
        sale.breaks(&[Rule::Acknowledged, Rule::References]);

        let (mut sale, hold) = paid();
        sale.tell(hold, 15, Answer::NotPaid { order_id });
        sale.breaks(&[Rule::Acknowledged]);
    }

    #[test]
    fn a_hold_that_was_given_up_has_no_ticket() {
        let (mut sale, hold) = held();
        sale.freed(hold, ChangeKind::Abandoned, 30);
        sale.tell(hold, 25, Answer::Abandoned);
        sale.passes();

        let (mut sale, hold) = held();
        sale.tell(hold, 25, Answer::Abandoned);
        sale.breaks(&[Rule::Acknowledged]);
    }

    #[test]
    fn a_cancelled_order_has_no_ticket() {
        let (mut sale, hold) = paid();
        let order_id = order_id(&sale, hold);
        sale.tell(hold, 25, Answer::Refunded { order_id });
        sale.breaks(&[Rule::Acknowledged]);
        sale.refunded(hold, 30);
        sale.passes();
    }
}
