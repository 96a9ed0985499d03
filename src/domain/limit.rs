//! How many tickets of one event a buyer may own.

use serde::Serialize;

use super::{HoldId, OrderId, Refusal, Standing, TicketStatus, Timestamp};

/// Whether a buyer who owns `owned` tickets may have `asked` more, where `allowed` is the most.
///
/// Owned are tickets that are held, paying, sold or offered, over all of the buyer's sessions.
#[must_use]
pub const fn has_room(owned: u32, asked: u32, allowed: u32) -> bool {
    owned.saturating_add(asked) <= allowed
}

/// Tickets that count towards a buyer's limit, all of one hold and in one condition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Counted {
    /// The buyer's hold that has them.
    pub hold_id: HoldId,
    /// The order that pays or paid for them.
    pub order_id: Option<OrderId>,
    /// Held, paying or sold.
    pub status: TicketStatus,
    /// How many.
    pub tickets: u32,
    /// The deadline of the hold, or of the payment under way.
    pub until: Option<Timestamp>,
}

impl Counted {
    /// One ticket of a hold that stands like this.
    #[must_use]
    pub const fn one(hold_id: HoldId, standing: &Standing) -> Self {
        let Standing { order_id, status, .. } = *standing;
        Self { hold_id, order_id, status, tickets: 1, until: standing.until() }
    }
}

/// What a buyer owns of an event, ticket by ticket.
#[derive(Debug, Default)]
pub struct Tally(Vec<Counted>);

impl Tally {
    /// Adds tickets.
    pub fn add(&mut self, counted: Counted) {
        let kind = |of: &Counted| (of.hold_id, of.order_id, of.status, of.until);
        match self.0.iter_mut().find(|known| kind(known) == kind(&counted)) {
            Some(known) => known.tickets = known.tickets.saturating_add(counted.tickets),
            None => self.0.push(counted),
        }
    }

    /// When it may become less by itself: the first deadline of what it counts; none where there is
    /// none.
    #[must_use]
    pub fn changes_at(&self) -> Option<Timestamp> {
        self.0.iter().filter_map(|counted| counted.until).min()
    }

    /// How many tickets it counts.
    #[must_use]
    pub fn owned(&self) -> u32 {
        self.0.iter().fold(0, |owned, counted| owned.saturating_add(counted.tickets))
    }

    /// The answer to a buyer who would own too many: what counts, in the order in which his holds
    /// were started.
    #[must_use]
    pub fn refusal(self, asked: u32, allowed: u32) -> Refusal {
        let owned = self.owned();
        let mut counted = self.0;
        counted.sort_by_key(|counted| (counted.hold_id, counted.status));
        Refusal::Limit { owned, asked, allowed, counted }
    }

    /// Checks that the buyer may have `asked` more, where `allowed` is the most.
    ///
    /// # Errors
    /// [`Refusal::Limit`].
    pub fn check(self, asked: u32, allowed: u32) -> Result<(), Refusal> {
        if has_room(self.owned(), asked, allowed) {
            Ok(())
        } else {
            Err(self.refusal(asked, allowed))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn owned_and_asked_together_may_reach_the_limit_and_not_pass_it() {
        assert!(has_room(0, 10, 10));
        assert!(has_room(9, 1, 10));
        assert!(!has_room(9, 2, 10));
        assert!(!has_room(u32::MAX, 1, 10));
    }

    #[test]
    fn tickets_of_one_hold_are_counted_together() {
        let (first, second) = (HoldId::fresh(), HoldId::fresh());
        let one =
            |hold_id, status| Counted { hold_id, order_id: None, status, tickets: 1, until: None };
        let mut tally = Tally::default();
        tally.add(one(second, TicketStatus::Sold));
        tally.add(one(first, TicketStatus::Held));
        tally.add(one(second, TicketStatus::Sold));
        assert_eq!(tally.owned(), 3);
        let counted = vec![
            one(first, TicketStatus::Held),
            Counted { tickets: 2, ..one(second, TicketStatus::Sold) },
        ];
        let refused = Refusal::Limit { owned: 3, asked: 1, allowed: 3, counted };
        assert_eq!(tally.check(1, 3), Err(refused));
        assert_eq!(Tally::default().check(3, 3), Ok(()));
    }
}
