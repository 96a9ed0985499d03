//! What a worker did, one thing each.

use std::collections::{BTreeMap, HashMap};

use serde::Serialize;

use crate::domain::{EventId, HoldId, Order, OrderId, TicketId, Timestamp};
use crate::repository::Repaired;

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DeedKind {
    /// A hold's time was over: its tickets are shown as available.
    Expired,
    /// A payment was overdue and is given up; its tickets are free.
    GaveUp,
    /// What was decided about an order is followed to its end.
    Followed,
    /// A hold had been given up, and its tickets are free now.
    Freed,
    /// Tickets that came free are held for somebody who waited.
    Offered,
    /// Tickets are shown as they are.
    Shown,
    /// The event says that it has tickets left.
    OnSale,
    /// The event says that it has none left.
    SoldOut,
}

impl DeedKind {
    /// The word for it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Expired => "expired",
            Self::GaveUp => "gave_up",
            Self::Followed => "followed",
            Self::Freed => "freed",
            Self::Offered => "offered",
            Self::Shown => "shown",
            Self::OnSale => "on_sale",
            Self::SoldOut => "sold_out",
        }
    }
}

/// One thing that a worker did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Deed {
    /// When it was done.
    pub at: Timestamp,
    /// What it was.
    pub did: DeedKind,
    /// The event.
    pub event_id: EventId,
    /// The hold, where it is about one.
    pub hold_id: Option<HoldId>,
    /// The order, where it is about one.
    pub order_id: Option<OrderId>,
    /// How many tickets it is about; 0 where it is about the event, or a hold as a whole.
    pub tickets: u64,
}

impl Deed {
    fn of(event_id: EventId, at: Timestamp, did: DeedKind) -> Self {
        Self { at, did, event_id, hold_id: None, order_id: None, tickets: 0 }
    }
}

/// What a repair comes to, where the tickets of `expired_of` were looked at because the time of these
/// holds was over.
pub(super) fn of_repair(
    event: EventId,
    at: Timestamp,
    repaired: Repaired,
    expired_of: &HashMap<TicketId, HoldId>,
) -> Vec<Deed> {
    let of_order = |did| {
        move |order: Order| Deed {
            hold_id: Some(order.hold_id),
            order_id: Some(order.order_id),
            tickets: order.tickets.len() as u64,
            ..Deed::of(event, at, did)
        }
    };
    let freed = |hold| Deed { hold_id: Some(hold), ..Deed::of(event, at, DeedKind::Freed) };
    let mut deeds = Vec::new();
    deeds.extend(repaired.given_up.into_iter().map(of_order(DeedKind::GaveUp)));
    deeds.extend(repaired.followed.into_iter().map(of_order(DeedKind::Followed)));
    deeds.extend(repaired.freed.into_iter().map(freed));
    deeds.extend(repaired.offers.into_iter().map(|offer| Deed {
        hold_id: Some(offer.hold_id),
        tickets: offer.tickets.len() as u64,
        ..Deed::of(event, at, DeedKind::Offered)
    }));
    let shown = repaired.shown.iter().map(|ticket| expired_of.get(ticket).copied());
    let mut counts: BTreeMap<Option<HoldId>, u64> = BTreeMap::new();
    for hold in shown {
        *counts.entry(hold).or_default() += 1;
    }
    deeds.extend(counts.into_iter().map(|(hold_id, tickets)| {
        let did = if hold_id.is_some() { DeedKind::Expired } else { DeedKind::Shown };
        Deed { hold_id, tickets, ..Deed::of(event, at, did) }
    }));
    deeds.extend(of_mark(event, at, repaired.on_sale));
    deeds
}

/// What an event says of itself now.
pub(super) fn of_mark(event: EventId, at: Timestamp, said: Option<bool>) -> Option<Deed> {
    let did = |has_tickets| if has_tickets { DeedKind::OnSale } else { DeedKind::SoldOut };
    said.map(|has_tickets| Deed::of(event, at, did(has_tickets)))
}
