//! The end of the sale: nothing is held from the moment on at which the event begins.

use super::name_of;
use crate::audit::evidence::Evidence;
use crate::audit::findings::{Findings, Rule};

pub(super) fn judge(evidence: &Evidence, findings: &mut Findings) {
    let Some(closes_at) = evidence.event.closes_at else { return };
    for (number, hold) in evidence.holds.rows() {
        findings.examined(Rule::SaleOpen, 1);
        if hold.started_at >= closes_at {
            findings.broken(Rule::SaleOpen, None, || {
                let (name, at) = (name_of(evidence, number), hold.started_at);
                format!("{name} was started at {at}, but the sale closed at {closes_at}")
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::rules::sale::Sale;
    use crate::domain::Timestamp;

    #[test]
    fn hold_started_in_time_may_be_paid_after_the_sale_closed() {
        let mut sale = Sale::of(1);
        sale.evidence.event.closes_at = Some(Timestamp::from_millis(100));
        let hold = sale.held(1, &[0], 99);
        sale.paying(hold, 200);
        sale.sold(hold, 300);
        sale.passes();
    }

    #[test]
    fn no_hold_is_started_when_the_event_has_begun() {
        let mut sale = Sale::of(1);
        sale.evidence.event.closes_at = Some(Timestamp::from_millis(100));
        sale.held(1, &[0], 100);
        sale.breaks(&[Rule::SaleOpen]);
        sale.evidence.event.closes_at = None;
        sale.passes();
    }
}
