//! Held, paying, sold, available and blocked tickets together are the minted ones.

use std::collections::HashSet;

use crate::audit::evidence::{Evidence, Standing};
use crate::audit::findings::{Findings, Rule};

pub(super) fn judge(evidence: &Evidence, findings: &mut Findings) {
    findings.examined(Rule::Conservation, evidence.tickets.len());
    findings.examined(Rule::Readable, evidence.queue.len() + evidence.log.len());
    judge_minting(evidence, findings);
    judge_rows(evidence, findings);
    judge_identity(evidence, findings);
    for stray in &evidence.strays {
        findings.broken(Rule::Conservation, None, || stray.clone());
    }
    for differing in &evidence.copies {
        findings.broken(Rule::RowHasHold, None, || differing.clone());
    }
    for unreadable in &evidence.unreadable {
        findings.broken(Rule::Readable, None, || unreadable.clone());
    }
}

/// All that was promised is minted, and nothing is for sale before.
fn judge_minting(evidence: &Evidence, findings: &mut Findings) {
    let event = &evidence.event;
    let minted = evidence.tickets.len() as u64;
    let whole = event.declared_tickets == minted && event.section_tickets == minted;
    if event.minted_at.is_some() && !whole {
        findings.broken(Rule::Conservation, None, || {
            let (id, declared) = (event.event_id, event.declared_tickets);
            let sections = event.section_tickets;
            format!("event {id} has {minted} tickets of {declared}, its sections have {sections}")
        });
    }
    // Ops may block seats before the sale opens.
    let sells = evidence.queue.iter().any(|row| row.owner.is_some());
    if event.minted_at.is_none() && sells {
        findings.broken(Rule::Conservation, None, || {
            format!("event {} sells tickets before all are minted", event.event_id)
        });
    }
}

/// A ticket is in one condition.
fn judge_rows(evidence: &Evidence, findings: &mut Findings) {
    let mut seen = vec![false; evidence.tickets.len()];
    for row in &evidence.queue {
        let ticket = Some(evidence.ticket_id(row.ticket));
        if std::mem::replace(&mut seen[row.ticket.place()], true) {
            findings.broken(Rule::Conservation, ticket, || "two rows say who owns it".into());
        }
        if row.standing == Standing::Free {
            findings.broken(Rule::Conservation, ticket, || "a row says that nobody owns it".into());
        }
    }
}

/// No two tickets are one and the same.
fn judge_identity(evidence: &Evidence, findings: &mut Findings) {
    let mut ids = HashSet::with_capacity(evidence.tickets.len());
    for ticket in &evidence.tickets {
        if !ids.insert(ticket.ticket_id) {
            findings.broken(Rule::Conservation, Some(ticket.ticket_id), || "minted twice".into());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::rules::sale::{Sale, ms};

    #[test]
    fn an_interrupted_minting_is_no_fault_while_nothing_is_sold() {
        let mut sale = Sale::of(3);
        sale.evidence.event.minted_at = None;
        sale.evidence.event.declared_tickets = 5;
        sale.blocked(0, 10);
        sale.passes();

        sale.evidence.event.minted_at = Some(ms(0));
        sale.breaks(&[Rule::Conservation]);
    }

    #[test]
    fn nothing_is_sold_before_all_is_minted() {
        let mut sale = Sale::of(1);
        sale.held(1, &[0], 0);
        sale.passes();
        sale.evidence.event.minted_at = None;
        sale.breaks(&[Rule::Conservation]);
    }

    #[test]
    fn a_ticket_is_minted_once_and_has_one_row() {
        let mut sale = Sale::of(2);
        sale.held(1, &[0], 0);
        sale.evidence.tickets[1] = sale.evidence.tickets[0];
        sale.breaks(&[Rule::Conservation]);

        let mut sale = Sale::of(2);
        sale.held(1, &[0], 0);
        sale.evidence.queue.push(sale.evidence.queue[0]);
        sale.breaks(&[Rule::Conservation]);
    }

    #[test]
    fn rows_about_nothing_and_rows_that_say_nothing_are_found() {
        let mut sale = Sale::of(1);
        sale.evidence.strays.push("order_queue has a row for ticket 7, which is not minted".into());
        sale.breaks(&[Rule::Conservation]);

        let mut sale = Sale::of(1);
        sale.evidence.unreadable.push("the row of ticket 0 has the status `gone`".into());
        sale.breaks(&[Rule::Readable]);
    }
}
