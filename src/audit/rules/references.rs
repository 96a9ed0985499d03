//! Payment references: each belongs to one hold of its buyer, and pays for no other.

use std::collections::{HashMap, HashSet};

use super::name_of;
use crate::audit::evidence::{BuyerNo, Evidence, HoldNo, HoldRow, OrderNo, OrderRow, ReferenceRow};
use crate::audit::findings::{Findings, Rule};
use crate::audit::lives::{Attempt, Lives};
use crate::domain::{OrderId, Timestamp};

pub(super) fn judge(evidence: &Evidence, lives: &Lives, findings: &mut Findings) {
    let ledger = Ledger::of(evidence, lives);
    for (number, order) in evidence.orders.rows() {
        findings.examined(Rule::References, 1);
        if let Some(fault) = ledger.order_fault(number, order) {
            findings.broken(Rule::References, None, || {
                let (order_id, hold) = (evidence.orders.id(number), name_of(evidence, order.hold));
                let reference = order.payment_reference.as_str();
                format!("order {order_id} of {hold} is under reference `{reference}`: {fault}")
            });
        }
    }
    for (number, hold) in evidence.holds.rows() {
        if let Some(attempt) = hold.attempt
            && ledger.is_unclaimed(number, hold, attempt)
        {
            findings.broken(Rule::References, None, || {
                format!(
                    "{} is paid for under a reference that is not its own",
                    name_of(evidence, number)
                )
            });
        }
    }
    for row in &evidence.references {
        findings.examined(Rule::References, 1);
        if let Some(fault) = ledger.row_fault(row) {
            findings.broken(Rule::References, None, || {
                let (buyer, reference) = (evidence.buyers.id(row.buyer), row.reference.as_str());
                let ReferenceRow { hold_id, claimed_at, .. } = row;
                format!(
                    "reference `{reference}` of buyer {buyer} is hold {hold_id}'s since {claimed_at}: \
                     {fault}"
                )
            });
        }
    }
}

/// Whose each reference is, and when each attempt to pay began.
struct Ledger<'e> {
    evidence: &'e Evidence,
    owners: HashMap<(usize, &'e str), &'e ReferenceRow>,
    /// The orders that are paid for, or would be, under references of their own holds.
    claimed: HashSet<OrderId>,
    attempts: HashMap<usize, Vec<&'e Attempt>>,
}

impl<'e> Ledger<'e> {
    fn of(evidence: &'e Evidence, lives: &'e Lives) -> Self {
        let key = |row: &'e ReferenceRow| ((row.buyer.place(), row.reference.as_str()), row);
        let own = |row: &ReferenceRow| OrderId::of_payment(row.hold_id, &row.reference);
        let mut attempts: HashMap<usize, Vec<&Attempt>> = HashMap::new();
        for attempt in &lives.attempts {
            attempts.entry(attempt.hold.place()).or_default().push(attempt);
        }
        Self {
            evidence,
            owners: evidence.references.iter().map(key).collect(),
            claimed: evidence.references.iter().map(own).collect(),
            attempts,
        }
    }

    fn owner(&self, buyer: BuyerNo, order: &'e OrderRow) -> Option<&'e ReferenceRow> {
        self.owners.get(&(buyer.place(), order.payment_reference.as_str())).copied()
    }

    /// Why an order may not have the reference that it has. One whose attempt began before references
    /// were claimed may share it.
    fn order_fault(&self, number: OrderNo, order: &'e OrderRow) -> Option<String> {
        let evidence = self.evidence;
        let hold = evidence.holds.get(order.hold)?;
        if !evidence.is_hold_settled(order.hold) {
            return None;
        }
        let begun_at = self.begun_at(number, order, hold);
        match self.owner(hold.buyer, order) {
            Some(row) if row.hold_id == evidence.holds.id(order.hold) => None,
            Some(row) => (!evidence.may_be_unbounded(begun_at)).then(|| {
                let ReferenceRow { hold_id, claimed_at, .. } = row;
                format!(
                    "its attempt began at {begun_at}, and the reference is hold {hold_id}'s since \
                     {claimed_at}"
                )
            }),
            None => {
                // A step at a time, the references of before are learned when they are used again.
                let is_of_before =
                    evidence.engine.in_steps && evidence.may_be_unbounded(hold.started_at);
                (!is_of_before).then(|| "no hold has it".into())
            }
        }
    }

    /// When the attempt began that an order decides. Where the log does not say so, the earliest that
    /// is possible.
    fn begun_at(&self, number: OrderNo, order: &OrderRow, hold: &HoldRow) -> Timestamp {
        let is_it = |attempt: &&&Attempt| match attempt.order {
            Some(named) => named == number,
            None => attempt.ended.is_some_and(|(_, at)| at == order.decided_at),
        };
        let attempts = self.attempts.get(&order.hold.place());
        match attempts.and_then(|attempts| attempts.iter().find(is_it)) {
            Some(attempt) => attempt.begun_at,
            // It was recorded without an attempt.
            None if self.evidence.log_covers(hold) => order.decided_at,
            None => hold.started_at,
        }
    }

    /// Whether a hold names an attempt to pay under a reference that was not claimed for it.
    fn is_unclaimed(&self, number: HoldNo, hold: &HoldRow, attempt: OrderNo) -> bool {
        self.evidence.is_hold_settled(number)
            && !self.evidence.may_be_unbounded(hold.started_at)
            && !self.claimed.contains(&self.evidence.orders.id(attempt))
    }

    /// What is wrong with a row that names a hold of this event.
    fn row_fault(&self, row: &ReferenceRow) -> Option<String> {
        let evidence = self.evidence;
        let number = evidence.holds.find(row.hold_id)?;
        let hold = evidence.holds.get(number).filter(|_| evidence.is_hold_settled(number))?;
        if hold.buyer != row.buyer {
            return Some(format!("the hold is buyer {}'s", evidence.buyers.id(hold.buyer)));
        }
        match self.used_at(row, number, hold) {
            // A process that dies after claiming a reference leaves it unused.
            None if evidence.engine.in_steps => None,
            None => Some("no attempt to pay was made under it".into()),
            Some(begun_at) => {
                let is_of_before = evidence.may_be_unbounded(begun_at);
                let fits = if evidence.engine.in_steps {
                    is_of_before || !evidence.is_later(row.claimed_at, begun_at)
                } else {
                    row.claimed_at == begun_at || (is_of_before && row.claimed_at > begun_at)
                };
                (!fits).then(|| format!("the attempt to pay under it began at {begun_at}"))
            }
        }
    }

    /// When an attempt to pay for a hold under its reference began.
    fn used_at(&self, row: &ReferenceRow, number: HoldNo, hold: &HoldRow) -> Option<Timestamp> {
        let order_id = OrderId::of_payment(row.hold_id, &row.reference);
        let order_no = self.evidence.orders.find(order_id)?;
        if let Some(order) = self.evidence.orders.get(order_no) {
            return Some(self.begun_at(order_no, order, hold));
        }
        let last = self.attempts.get(&number.place()).and_then(|attempts| attempts.last());
        (hold.attempt == Some(order_no)).then_some(())?;
        last.map(|attempt| attempt.begun_at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::rules::sale::{Sale, ms};
    use crate::domain::{HoldId, PaymentReference};

    /// Buyer 1 paid for a hold, and is paying for another.
    fn sold() -> Sale {
        let mut sale = Sale::of(4);
        let hold = sale.held(1, &[0, 1], 0);
        sale.paying(hold, 10);
        sale.sold(hold, 20);
        sale.passes();
        sale
    }

    fn reference(text: &str) -> PaymentReference {
        PaymentReference::new(text).unwrap()
    }

    #[test]
    fn a_reference_pays_for_one_hold_of_its_buyer() {
        let mut sale = sold();
        let hold = sale.held(1, &[2], 30);
        sale.paying(hold, 40);
        sale.sold(hold, 50);
        sale.passes();
        // Both under the reference that the first hold claimed.
        sale.evidence.references.retain(|row| row.claimed_at == ms(10));
        sale.evidence.references[0].reference = sale.order_row(1).payment_reference.clone();
        sale.breaks(&[Rule::References]);
    }

    #[test]
    fn an_attempt_of_before_may_share_its_reference() {
        let mut sale = sold();
        let hold_id = HoldId::fresh();
        sale.evidence.references[0].hold_id = hold_id;
        sale.breaks(&[Rule::References]);
        sale.evidence.engine.unbounded_until = Some(ms(30));
        sale.evidence.references[0].claimed_at = ms(31);
        sale.passes();
        // One that began later may not.
        sale.evidence.engine.unbounded_until = Some(ms(9));
        sale.breaks(&[Rule::References]);
    }

    #[test]
    fn every_order_has_its_reference_claimed() {
        let mut sale = sold();
        sale.evidence.references.clear();
        sale.breaks(&[Rule::References]);
        sale.evidence.engine.unbounded_until = Some(ms(5));
        sale.breaks(&[Rule::References]);
        sale.in_steps();
        sale.passes();
    }

    #[test]
    fn a_reference_is_claimed_when_its_attempt_begins() {
        for claimed_at in [9, 11] {
            let mut sale = sold();
            sale.evidence.references[0].claimed_at = ms(claimed_at);
            sale.breaks(&[Rule::References]);
        }
        let mut sale = sold();
        sale.evidence.references[0].claimed_at = ms(31);
        sale.evidence.engine.unbounded_until = Some(ms(30));
        sale.passes();
    }

    #[test]
    fn a_reference_without_an_attempt_is_left_by_steps_only() {
        let mut sale = sold();
        let mut unused = sale.evidence.references[0].clone();
        unused.reference = reference("unused");
        sale.evidence.references.push(unused);
        sale.breaks(&[Rule::References]);
        sale.in_steps();
        sale.passes();
    }

    #[test]
    fn a_payment_under_way_has_its_reference_claimed() {
        let mut sale = Sale::of(1);
        let hold = sale.held(1, &[0], 0);
        sale.paying(hold, 10);
        sale.passes();
        sale.evidence.references.clear();
        sale.breaks(&[Rule::References]);
    }

    #[test]
    fn a_reference_is_of_the_buyer_of_its_hold() {
        let mut sale = sold();
        sale.held(2, &[2], 30);
        let other = sale.hold_row(1).buyer;
        sale.evidence.references[0].buyer = other;
        sale.breaks(&[Rule::References]);
    }
}
