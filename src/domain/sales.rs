//! What was sold and given back, hour by hour and section by section.

use std::collections::BTreeMap;
use std::ops::AddAssign;
use std::sync::Arc;

use jiff::tz::TimeZone;
use serde::Serialize;

use super::{Currency, Money, Order, OrderStatus, Ticket, Timestamp};

/// Tickets and what they cost together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Takings {
    /// How many tickets.
    pub tickets: u64,
    /// What they cost.
    pub amount: Money,
}

impl Takings {
    /// No tickets.
    #[must_use]
    pub const fn none(currency: Currency) -> Self {
        Self { tickets: 0, amount: Money::zero(currency) }
    }
}

impl AddAssign for Takings {
    fn add_assign(&mut self, other: Self) {
        self.tickets += other.tickets;
        self.amount = self.amount + other.amount;
    }
}

/// What was sold of one section in one hour.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SalesLine {
    /// When the hour began, by the venue's clocks.
    pub hour: Timestamp,
    /// The section.
    pub section: Arc<str>,
    /// Tickets that were paid for in this hour, and still are.
    pub sold: Takings,
    /// Tickets whose price was given back in this hour, or is on its way back since.
    pub refunded: Takings,
}

/// Sorts what `orders` sold into hours at `zone` and into sections, the earliest hour first.
///
/// Together the lines have every paid ticket once: their sum is the event's revenue. A refunded
/// order counts in the hour of its refund only.
#[must_use]
pub fn by_hour_and_section(
    orders: &[Order],
    zone: &TimeZone,
    currency: Currency,
) -> Vec<SalesLine> {
    let mut lines: BTreeMap<(Timestamp, Arc<str>), SalesLine> = BTreeMap::new();
    for order in orders {
        let is_sold = order.status == OrderStatus::Paid;
        if !is_sold && !matches!(order.status, OrderStatus::Refunding | OrderStatus::Refunded) {
            continue;
        }
        let hour = if is_sold { order.decided_at } else { order.updated_at }.hour_in(zone);
        for Ticket { label, price, .. } in &order.tickets {
            let none = Takings::none(currency);
            let section = Arc::clone(&label.section);
            let line = lines.entry((hour, Arc::clone(&section))).or_insert(SalesLine {
                hour,
                section,
                sold: none,
                refunded: none,
            });
            let taken = Takings { tickets: 1, amount: *price };
            if is_sold { line.sold += taken } else { line.refunded += taken }
        }
    }
    lines.into_values().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{
        BuyerId, ConfirmationNumber, EventId, HoldId, OrderId, PaymentReference, SeatLabel,
        SessionId, TicketId,
    };

    fn order(status: OrderStatus, decided: &str, updated: &str, seats: &[(&str, i64)]) -> Order {
        let hold_id = HoldId::fresh();
        let payment_reference = PaymentReference::new("card").unwrap();
        let order_id = OrderId::of_payment(hold_id, &payment_reference);
        let event_id = EventId::of_slug("hamlet");
        let session_id = SessionId::new("ann").unwrap();
        let ticket = |(seat, cents): &(&str, i64)| {
            let label: SeatLabel = seat.parse().unwrap();
            Ticket {
                ticket_id: TicketId::of_seat(event_id, &label.section, &label.row, &label.seat),
                label,
                type_id: "regular".into(),
                price: Money::from_minor(*cents, Currency::EUR),
            }
        };
        let tickets: Vec<Ticket> = seats.iter().map(ticket).collect();
        let amount = crate::domain::money::total(tickets.iter().map(|t| t.price), Currency::EUR);
        Order {
            order_id,
            confirmation_number: ConfirmationNumber::of_order(order_id),
            hold_id,
            event_id,
            buyer_id: BuyerId::of_session(&session_id),
            session_id,
            payment_reference,
            status,
            amount,
            tickets,
            decided_at: Timestamp::parse(decided).unwrap(),
            updated_at: Timestamp::parse(updated).unwrap(),
        }
    }

    /// The lines as `hour section sold refunded`, money in cents.
    fn lines(orders: &[Order], zone: &str) -> Vec<String> {
        let zone = TimeZone::get(zone).unwrap();
        let taken = |t: Takings| format!("{}/{}", t.tickets, t.amount.minor());
        let line = |l: &SalesLine| {
            format!("{} {} {} {}", l.hour, l.section, taken(l.sold), taken(l.refunded))
        };
        by_hour_and_section(orders, &zone, Currency::EUR).iter().map(line).collect()
    }

    #[test]
    fn every_paid_ticket_counts_once_in_the_hour_it_was_paid_for() {
        let (first, second) = ("2026-12-01T10:59:59.999Z", "2026-12-01T11:00:00Z");
        let orders = [
            order(OrderStatus::Paid, first, first, &[("B/1/1", 4950), ("A/1/1", 9999)]),
            order(OrderStatus::Paid, first, first, &[("B/1/2", 4950)]),
            order(OrderStatus::Paid, second, second, &[("B/1/3", 4951)]),
        ];
        assert_eq!(
            lines(&orders, "UTC"),
            [
                "2026-12-01T10:00:00.000Z A 1/9999 0/0",
                "2026-12-01T10:00:00.000Z B 2/9900 0/0",
                "2026-12-01T11:00:00.000Z B 1/4951 0/0",
            ]
        );
    }

    #[test]
    fn money_that_went_back_counts_when_it_went_and_what_was_never_paid_does_not() {
        let (paid, back) = ("2026-12-01T10:10:00Z", "2026-12-02T08:20:00Z");
        let orders = [
            order(OrderStatus::Refunded, paid, back, &[("A/1/1", 100)]),
            order(OrderStatus::Refunding, paid, back, &[("A/1/2", 200)]),
            order(OrderStatus::Declined, paid, paid, &[("A/1/3", 400)]),
            order(OrderStatus::Aborted, paid, paid, &[("A/1/4", 800)]),
            order(OrderStatus::RefundDue, paid, paid, &[("A/1/5", 1600)]),
        ];
        assert_eq!(lines(&orders, "UTC"), ["2026-12-02T08:00:00.000Z A 0/0 2/300"]);
    }

    #[test]
    fn hours_are_those_of_the_venue() {
        let paid = "2026-12-01T10:20:00Z";
        let orders = [order(OrderStatus::Paid, paid, paid, &[("A/1/1", 100)])];
        assert_eq!(lines(&orders, "Asia/Kolkata"), ["2026-12-01T09:30:00.000Z A 1/100 0/0"]);
    }
}
