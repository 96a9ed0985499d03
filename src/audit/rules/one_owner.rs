//! No ticket has two owners at once, by what buyers were told.

use crate::audit::findings::{Findings, Rule};
use crate::audit::ownership::{Owned, Ownership};
use crate::domain::TicketId;

pub(super) fn judge(ownership: &Ownership, findings: &mut Findings) {
    let mut claims: Vec<(TicketId, &Owned)> = Vec::new();
    for claim in ownership.holds() {
        claims.extend(ownership.tickets(claim).iter().map(|ticket| (*ticket, claim)));
    }
    claims.sort_unstable_by_key(|(ticket, claim)| (*ticket, claim.from, claim.hold_id));
    findings.examined(Rule::OneOwner, claims.len());
    for claims in claims.chunk_by(|a, b| a.0 == b.0) {
        judge_ticket(claims, findings);
    }
}

/// The claims of one ticket, by their beginning: none begins before all earlier ones have ended.
fn judge_ticket(claims: &[(TicketId, &Owned)], findings: &mut Findings) {
    let mut longest: Option<&Owned> = None;
    for (ticket, claim) in claims {
        if let Some(other) = longest.filter(|other| other.until > claim.from) {
            findings.broken(Rule::OneOwner, Some(*ticket), || {
                format!("{} while {}", said(claim), said(other))
            });
        }
        longest = longest.filter(|other| other.until >= claim.until).or(Some(claim));
    }
}

fn said(claim: &Owned) -> String {
    format!(
        "hold {} (buyer {}) was told to own it from {} until {}",
        claim.hold_id,
        claim.buyer_id,
        claim.from,
        claim.until_words()
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::evidence::HoldNo;
    use crate::audit::history::Answer;
    use crate::audit::rules::sale::{DEADLINE, Sale};
    use crate::domain::{ChangeKind, HoldId, OrderStatus};

    /// Two buyers of one ticket are told that it is theirs, one after the other.
    fn two(second_at: i64, between: impl FnOnce(&mut Sale, HoldNo)) -> Sale {
        let mut sale = Sale::of(1);
        let first = sale.held(1, &[0], 0);
        sale.tell_held(first);
        between(&mut sale, first);
        let second = sale.held(2, &[0], second_at);
        sale.tell_held(second);
        sale
    }

    #[test]
    fn a_deadline_ends_what_was_told() {
        two(DEADLINE, |_, _| {}).passes();
        two(DEADLINE - 1, |_, _| {}).breaks(&[Rule::OneOwner]);
    }

    #[test]
    fn the_moment_at_which_a_buyer_gives_up_ends_what_he_was_told() {
        let given_up = |sale: &mut Sale, hold| {
            sale.freed(hold, ChangeKind::Abandoned, 500);
            sale.tell(hold, 490, Answer::Abandoned);
        };
        two(500, given_up).passes();
        two(490, |sale, hold| sale.freed(hold, ChangeKind::Abandoned, 495))
            .breaks(&[Rule::OneOwner]);
    }

    #[test]
    fn what_is_paid_is_owned_until_it_is_refunded() {
        let paid = |sale: &mut Sale, hold| {
            sale.paying(hold, 10);
            sale.sold(hold, 20);
            sale.tell_paid(hold, 15);
        };
        two(DEADLINE + 10, |sale, hold| {
            paid(sale, hold);
            sale.refunded(hold, DEADLINE);
        })
        .passes();
        two(DEADLINE + 10, |sale, hold| {
            paid(sale, hold);
            sale.order_row(0).status = OrderStatus::Refunded;
        })
        .breaks(&[Rule::OneOwner, Rule::OrdersLogged, Rule::HoldEnds]);
    }

    #[test]
    fn a_payment_that_somebody_else_gave_up_ends_what_was_told() {
        two(400, |sale, hold| {
            sale.paying(hold, 10);
            sale.freed(hold, ChangeKind::Aborted, 300);
            sale.order(hold, OrderStatus::Aborted, 300);
        })
        .passes();
    }

    #[test]
    fn what_was_told_counts_even_where_the_store_has_forgotten_it() {
        let mut sale = Sale::of(1);
        let first = sale.held(1, &[0], 0);
        sale.tell_held(first);
        sale.forget();
        let second = sale.held(2, &[0], 500);
        sale.tell_held(second);
        sale.history[0].hold_id = HoldId::fresh();
        sale.breaks(&[Rule::OneOwner, Rule::Acknowledged]);
    }
}
