//! Holds: whole groups, one deadline, and rows that agree with them.

use super::name_of;
use crate::audit::evidence::{Evidence, HoldNo, HoldRow, Owner, QueueRow, Standing};
use crate::audit::findings::{Findings, Rule};
use crate::audit::replay::Trace;
use crate::domain::time::millis;
use crate::domain::{ChangeKind, Timestamp};

pub(super) fn judge(evidence: &Evidence, traces: &[Trace], findings: &mut Findings) {
    for row in &evidence.queue {
        judge_row(evidence, row, findings);
    }
    judge_payment_deadlines(evidence, findings);
    let standings = evidence.standings();
    let as_of = evidence.as_of();
    for (number, hold) in evidence.holds.rows() {
        judge_deadline(evidence, number, hold, findings);
        if evidence.is_hold_settled(number) {
            let group = Group::of(evidence, number, &standings);
            judge_group(evidence, &group, traces, as_of, findings);
        }
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
    if evidence.engine.in_steps && hold.ended() && matches!(row.standing, Standing::Held(_)) {
        findings.unfinished(1);
    }
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
    } else if hold.ended() && !evidence.engine.in_steps {
        // Where it is done in steps, a hold ends first, and its tickets follow.
        Some("which has come to its end")
    } else if matches!(row.standing, Standing::Held(_)) && owner.order.is_some() {
        Some("but under an order")
    } else if !matches!(row.standing, Standing::Held(_)) && owner.order.is_none() {
        Some("but under no order")
    } else if matches!(row.standing, Standing::Paying(_))
        && !evidence.engine.in_steps
        && owner.order != hold.attempt
    {
        Some("but under an order of another payment reference")
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

/// A payment that is under way has until the event's payment time after it began; no other row has a
/// time for it.
fn judge_payment_deadlines(evidence: &Evidence, findings: &mut Findings) {
    let mut begun: Vec<Option<(Timestamp, Option<Timestamp>)>> = vec![None; evidence.tickets.len()];
    for entry in evidence.log.iter().filter(|entry| entry.change == ChangeKind::Paying) {
        begun[entry.ticket.place()] = Some((entry.at, entry.payment_until));
    }
    for row in evidence.queue.iter().filter(|row| evidence.is_settled(row.ticket)) {
        let Some(owner) = row.owner else { continue };
        let is_paying = matches!(row.standing, Standing::Paying(_));
        findings.examined(Rule::DeadlineKept, usize::from(is_paying));
        let payment_time = evidence.event.terms.payment_time;
        let fits = match (is_paying, owner.payment_deadline, begun[row.ticket.place()]) {
            (false, deadline, _) => deadline.is_none(),
            (true, None, _) => false,
            // The log does not go back so far.
            (true, Some(_), None) => true,
            (true, Some(deadline), Some((_, Some(until)))) => {
                // It was written by a clock of its own before its tickets were pinned.
                deadline == until
                    && begun[row.ticket.place()]
                        .is_some_and(|(at, _)| !evidence.is_later(until, at.plus(payment_time)))
            }
            (true, Some(deadline), Some((at, None))) => deadline == at.plus(payment_time),
        };
        if !fits {
            findings.broken(Rule::DeadlineKept, Some(evidence.ticket_id(row.ticket)), || {
                let name = row.standing.hold().map(|hold| name_of(evidence, hold));
                let (word, by) = (row.standing.word(), name.unwrap_or_default());
                let until = owner.payment_deadline;
                let until =
                    until.map_or_else(|| "no time".into(), |until| format!("until {until}"));
                format!("{word} by {by}, its row gives the payment {until}")
            });
        }
    }
}

/// How many tickets of a hold are in which condition.
struct Group {
    number: HoldNo,
    all: usize,
    held: usize,
    paying: usize,
    sold: usize,
}

impl Group {
    fn of(evidence: &Evidence, number: HoldNo, standings: &[Standing]) -> Self {
        let tickets = evidence.tickets_of(number);
        let count = |wanted: Standing| {
            tickets.iter().filter(|ticket| standings[ticket.place()] == wanted).count()
        };
        let [held, paying, sold] =
            [Standing::Held(number), Standing::Paying(number), Standing::Sold(number)].map(count);
        Self { number, all: tickets.len(), held, paying, sold }
    }

    /// Whether all of its tickets share one condition.
    fn is_whole(&self) -> bool {
        let own = [self.held, self.paying, self.sold];
        own.contains(&self.all) || own.iter().sum::<usize>() == 0
    }

    /// Whether an engine that works in steps is between two of them, or has died there.
    fn is_between_steps(&self, evidence: &Evidence, had_all: bool, lapsed: bool) -> bool {
        let ended = evidence.holds.get(self.number).is_some_and(HoldRow::ended);
        if ended {
            // Its tickets come free one after the other.
            true
        } else if self.sold > 0 {
            self.sold + self.paying == self.all
        } else if self.paying > 0 {
            self.paying + self.held == self.all || lapsed
        } else {
            !had_all
        }
    }
}

/// All tickets of a hold share one condition; only a lapsed hold may have lost some to others.
fn judge_group(
    evidence: &Evidence,
    group: &Group,
    traces: &[Trace],
    as_of: Timestamp,
    findings: &mut Findings,
) {
    findings.examined(Rule::WholeGroups, 1);
    let lapsed = evidence.may_be_lapsed(group.number, as_of);
    let had_all =
        traces.get(group.number.place()).is_some_and(|trace| trace.held as usize >= group.all);
    let fine = group.is_whole()
        || (lapsed && group.paying + group.sold == 0)
        || (evidence.engine.in_steps && group.is_between_steps(evidence, had_all, lapsed));
    if !fine {
        findings.broken(Rule::WholeGroups, None, || {
            let Group { number, all, held, paying, sold } = group;
            let name = name_of(evidence, *number);
            format!("{name} is for {all} tickets: {held} held, {paying} paying, {sold} sold")
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::evidence::BuyerNo;
    use crate::audit::rules::sale::{DEADLINE, Sale};
    use crate::domain::HoldStatus;

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
            Rule::DeadlineKept,
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
    fn a_payment_has_the_time_of_the_event() {
        for deadline in [None, Some(209), Some(211), Some(i64::MAX)] {
            let mut sale = Sale::of(1);
            let hold = sale.held(1, &[0], 0);
            sale.paying(hold, 10);
            sale.passes();
            let owner = sale.evidence.queue[0].owner.as_mut().unwrap();
            owner.payment_deadline = deadline.map(Timestamp::from_millis);
            sale.breaks(&[Rule::DeadlineKept]);
        }
    }

    #[test]
    fn a_row_agrees_with_its_hold() {
        let mut sale = Sale::of(1);
        sale.held(1, &[0], 0);
        sale.hold_row(0).ended_as = Some(HoldStatus::Aborted);
        sale.breaks(&[Rule::RowHasHold, Rule::HoldEnds]);

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
