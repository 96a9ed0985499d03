//! Who or what has a ticket, and what that means for somebody else who wants it.

use serde::Serialize;

use super::{HoldId, OrderId, Refusal, SeatLabel, TicketStatus, Timestamp};

/// How a ticket that somebody has stands, as each engine reads it from a row of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// Held, paying, sold or blocked.
    pub status: TicketStatus,
    /// The hold that has the ticket; none where it is blocked.
    pub hold_id: Option<HoldId>,
    /// The order that it is pinned to, while paying and once sold.
    pub order_id: Option<OrderId>,
    /// The hold's deadline.
    pub expires_at: Option<Timestamp>,
    /// Until when the payment under way may take.
    pub payment_deadline: Option<Timestamp>,
}

impl Standing {
    /// Whether the ticket's hold is over, so that anybody may claim it.
    #[must_use]
    pub fn is_lapsed(&self, now: Timestamp) -> bool {
        self.status == TicketStatus::Held && self.expires_at.is_some_and(|at| at <= now)
    }

    /// The order whose payment should have ended by now.
    #[must_use]
    pub fn overdue_order(&self, now: Timestamp) -> Option<OrderId> {
        let overdue = self.status == TicketStatus::Paying
            && self.payment_deadline.is_some_and(|at| at <= now);
        self.order_id.filter(|_| overdue)
    }

    /// Until when it stands like this at the most; none where it has no end.
    #[must_use]
    pub const fn until(&self) -> Option<Timestamp> {
        match self.status {
            TicketStatus::Held => self.expires_at,
            TicketStatus::Paying => self.payment_deadline,
            TicketStatus::Available | TicketStatus::Sold | TicketStatus::Blocked => None,
        }
    }
}

/// A seat that cannot be had, and what stands in the way.
///
/// It names the hold and the order that have the seat, and never the session or the buyer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Obstacle {
    /// The seat.
    pub seat: SeatLabel,
    /// Held, paying, sold or blocked.
    pub status: TicketStatus,
    /// The hold that has it.
    pub hold_id: Option<HoldId>,
    /// The order that pays or paid for it.
    pub order_id: Option<OrderId>,
    /// The deadline of the hold, or of the payment under way.
    pub until: Option<Timestamp>,
    /// Why it is blocked.
    pub reason: Option<String>,
}

impl Obstacle {
    /// The obstacle that a seat is which stands like this.
    #[must_use]
    pub fn new(seat: SeatLabel, standing: &Standing, reason: Option<String>) -> Self {
        Self {
            seat,
            status: standing.status,
            hold_id: standing.hold_id,
            order_id: standing.order_id,
            until: standing.until(),
            reason,
        }
    }
}

/// Lets a request for several tickets pass where nothing is `in_the_way`, which is to be in the
/// order of the venue.
///
/// # Errors
/// [`Refusal::Taken`] where somebody has a seat, [`Refusal::Blocked`] where all that stands in the
/// way are blocked seats.
pub fn check(in_the_way: Vec<Obstacle>) -> Result<(), Refusal> {
    if in_the_way.is_empty() {
        Ok(())
    } else if in_the_way.iter().all(|obstacle| obstacle.status == TicketStatus::Blocked) {
        Err(Refusal::Blocked { in_the_way })
    } else {
        Err(Refusal::Taken { in_the_way })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEADLINE: Timestamp = Timestamp::from_millis(60_000);
    const BEFORE: Timestamp = Timestamp::from_millis(59_999);

    fn standing(status: TicketStatus) -> Standing {
        let hold = HoldId::fresh();
        let card = "card".parse().unwrap();
        Standing {
            status,
            hold_id: Some(hold),
            order_id: Some(OrderId::of_payment(hold, &card)),
            expires_at: Some(Timestamp::from_millis(900_000)),
            payment_deadline: Some(DEADLINE),
        }
    }

    fn obstacle(status: TicketStatus) -> Obstacle {
        Obstacle::new("A/1/1".parse().unwrap(), &standing(status), None)
    }

    #[test]
    fn a_hold_ends_at_its_deadline_and_a_payment_at_its_own() {
        let held = Standing { expires_at: Some(DEADLINE), ..standing(TicketStatus::Held) };
        assert!(!held.is_lapsed(BEFORE));
        assert!(held.is_lapsed(DEADLINE));
        assert_eq!(held.overdue_order(DEADLINE), None);
        let paying = standing(TicketStatus::Paying);
        assert_eq!(paying.overdue_order(BEFORE), None);
        assert_eq!(paying.overdue_order(DEADLINE), paying.order_id);
        assert!(!paying.is_lapsed(Timestamp::from_millis(i64::MAX)));
    }

    #[test]
    fn only_what_is_held_or_being_paid_for_stands_until_a_deadline() {
        let until = |status| standing(status).until();
        assert_eq!(until(TicketStatus::Held), Some(Timestamp::from_millis(900_000)));
        assert_eq!(until(TicketStatus::Paying), Some(DEADLINE));
        assert_eq!(until(TicketStatus::Sold), None);
        assert_eq!(until(TicketStatus::Blocked), None);
    }

    #[test]
    fn one_seat_that_somebody_has_makes_it_taken() {
        assert_eq!(check(vec![]), Ok(()));
        let code = |statuses: &[TicketStatus]| {
            check(statuses.iter().map(|status| obstacle(*status)).collect()).unwrap_err().code()
        };
        assert_eq!(code(&[TicketStatus::Blocked, TicketStatus::Blocked]), "blocked");
        assert_eq!(code(&[TicketStatus::Blocked, TicketStatus::Sold]), "taken");
    }
}
