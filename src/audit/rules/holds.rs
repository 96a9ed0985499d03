//! Holds: whole groups, one deadline, and rows that agree with them.

use super::name_of;
use crate::audit::evidence::{Evidence, HoldNo, HoldRow, Owner, QueueRow, Standing};
use crate::audit::findings::{Findings, Rule};
use crate::domain::Timestamp;
use crate::domain::time::millis;

pub(super) fn judge(evidence: &Evidence, findings: &mut Findings) {
    for row in &evidence.queue {
        judge_row(evidence, row, findings);
    }
    let standings = evidence.standings();
    let as_of = evidence.as_of();
    for (number, hold) in evidence.holds.rows() {
        judge_deadline(evidence, number, hold, findings);
        judge_group(evidence, number, &standings, as_of, findings);
    }
    for entry in evidence.log.iter().filter(|entry| entry.hold.is_some()) {
        findings.examined(Rule::RowHasHold, 1);
        let unknown = entry.hold.filter(|hold| evidence.holds.get(*hold).is_none());
        if let Some(hold) = unknown {
            findings.broken(Rule::RowHasHold, Some(evidence.ticket_id(entry.ticket)), || {
                format!("{} at {} by {}", entry.change, entry.at, name_of(evidence, hold))
            });
        }
    }
}

/// A row agrees with the hold that it names.
fn judge_row(evidence: &Evidence, row: &QueueRow, findings: &mut Findings) {
    let (Some(number), Some(owner)) = (row.standing.hold(), row.owner) else { return };
    findings.examined(Rule::RowHasHold, 1);
    let ticket = Some(evidence.ticket_id(row.ticket));
    let Some(hold) = evidence.holds.get(number) else {
        findings.broken(Rule::RowHasHold, ticket, || {
            format!("{} by {}", row.standing.word(), name_of(evidence, number))
        });
        return;
    };
    if let Some(fault) = row_fault(evidence, row, number, owner) {
        findings.broken(Rule::RowHasHold, ticket, || {
            format!("{} by {}, {fault}", row.standing.word(), name_of(evidence, number))
        });
    }
    if owner.expires_at != hold.expires_at {
        findings.broken(Rule::DeadlineKept, ticket, || {
            format!("its row says until {}, {}", owner.expires_at, name_of(evidence, number))
        });
    }
}

fn row_fault(
    evidence: &Evidence,
    row: &QueueRow,
    number: HoldNo,
    owner: Owner,
) -> Option<&'static str> {
    let hold = evidence.holds.get(number)?;
    if !evidence.tickets_of(number).contains(&row.ticket) {
        Some("which is not for it")
    } else if owner.buyer != hold.buyer {
        Some("but its row names another buyer")
    } else if hold.ended {
        Some("which has come to its end")
    } else if matches!(row.standing, Standing::Held(_)) && owner.order.is_some() {
        Some("but under an order")
    } else if !matches!(row.standing, Standing::Held(_)) && owner.order.is_none() {
        Some("but under no order")
    } else {
        None
    }
}

/// A hold lasts as long as the event says.
fn judge_deadline(evidence: &Evidence, number: HoldNo, hold: &HoldRow, findings: &mut Findings) {
    findings.examined(Rule::DeadlineKept, 1);
    let due = hold.started_at.plus(evidence.event.terms.time_to_pay);
    if hold.expires_at != due {
        findings.broken(Rule::DeadlineKept, None, || {
            let ms = millis(evidence.event.terms.time_to_pay);
            let name = name_of(evidence, number);
            format!("{name}, started at {}, should last {ms} ms", hold.started_at)
        });
    }
}

/// All tickets of a hold share one condition; only a lapsed hold may have lost some to others.
fn judge_group(
    evidence: &Evidence,
    number: HoldNo,
    standings: &[Standing],
    as_of: Timestamp,
    findings: &mut Findings,
) {
    findings.examined(Rule::WholeGroups, 1);
    let tickets = evidence.tickets_of(number);
    let count = |wanted: Standing| {
        tickets.iter().filter(|ticket| standings[ticket.place()] == wanted).count()
    };
    let [held, paying, sold] =
        [Standing::Held(number), Standing::Paying(number), Standing::Sold(number)].map(count);
    let whole = [held, paying, sold].contains(&tickets.len());
    let nothing = held + paying + sold == 0;
    let lapsed = paying + sold == 0 && evidence.is_lapsed(number, as_of);
    if !whole && !nothing && !lapsed {
        findings.broken(Rule::WholeGroups, None, || {
            let (name, all) = (name_of(evidence, number), tickets.len());
            format!("{name} is for {all} tickets: {held} held, {paying} paying, {sold} sold")
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::evidence::BuyerNo;
    use crate::audit::rules::sale::{DEADLINE, Sale};
    use crate::domain::ChangeKind;

    #[test]
    fn a_lapsed_hold_may_have_lost_a_part_of_its_tickets() {
        let mut sale = Sale::of(3);
        sale.held(1, &[0, 1, 2], 0);
        sale.held(2, &[1], DEADLINE + 5);
        sale.blocked(2, DEADLINE + 5);
        sale.passes();
    }

    #[test]
    fn a_hold_that_stands_has_all_of_its_tickets() {
        let mut sale = Sale::of(2);
        sale.held(1, &[0, 1], 0);
        sale.evidence.queue.pop();
        sale.breaks(&[Rule::WholeGroups, Rule::LogMatchesState]);
    }

    #[test]
    fn a_group_is_sold_as_a_whole() {
        let mut sale = Sale::of(2);
        let hold = sale.held(1, &[0, 1], 0);
        sale.paying(hold, 10);
        sale.sold(hold, 20);
        sale.passes();
        sale.evidence.queue[1].standing = Standing::Paying(hold);
        sale.breaks(&[
            Rule::WholeGroups,
            Rule::PaidHasTickets,
            Rule::LogMatchesState,
            Rule::Money,
            Rule::OrdersLegal,
        ]);
    }

    #[test]
    fn a_deadline_is_the_time_to_pay_after_the_start_and_never_moves() {
        let mut sale = Sale::of(1);
        sale.held(1, &[0], 0);
        sale.hold_row(0).expires_at = Timestamp::from_millis(DEADLINE + 1);
        sale.breaks(&[Rule::DeadlineKept]);

        let mut sale = Sale::of(1);
        sale.held(1, &[0], 0);
        sale.evidence.queue[0].owner.as_mut().unwrap().expires_at =
            Timestamp::from_millis(DEADLINE + 1);
        sale.breaks(&[Rule::DeadlineKept]);
    }

    #[test]
    fn a_row_agrees_with_its_hold() {
        let mut sale = Sale::of(1);
        sale.held(1, &[0], 0);
        sale.hold_row(0).ended = true;
        sale.breaks(&[Rule::RowHasHold]);

        let mut sale = Sale::of(2);
        sale.held(1, &[0], 0);
        sale.held(2, &[1], 0);
        sale.evidence.queue[0].owner.as_mut().unwrap().buyer = BuyerNo::at(1);
        sale.breaks(&[Rule::RowHasHold]);

        let mut sale = Sale::of(1);
        let hold = sale.held(1, &[0], 0);
        sale.freed(hold, ChangeKind::Abandoned, 10);
        sale.passes();
        *sale.evidence.holds.row_mut(hold) = None;
        sale.breaks(&[Rule::RowHasHold]);
    }
}
