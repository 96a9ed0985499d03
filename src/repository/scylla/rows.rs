//! Rows as they are stored, and what follows from a row alone.

use std::ops::Deref;
use std::sync::Arc;

use scylla::cluster::metadata::ColumnType;
use scylla::deserialize::value::DeserializeValue;
use scylla::deserialize::{DeserializationError, FrameSlice, TypeCheckError};
use scylla::serialize::SerializationError;
use scylla::serialize::row::SerializeRow;
use scylla::serialize::value::SerializeValue;
use scylla::serialize::writers::{CellWriter, WrittenCellProof};
use scylla::{DeserializeRow, DeserializeValue, SerializeValue};
use uuid::Uuid;

use super::values::{Count, Price, Small, column};
use crate::domain::{
    BuyerId, Currency, Event, EventDraft, EventId, HoldId, HoldStatus, Obstacle, OrderId,
    OrderStatus, PaymentReference, SaleTerms, SeatLabel, Section, SessionId, Standing, Ticket,
    TicketId, TicketStatus, Timestamp, Venue,
};
use crate::repository::Caller;

/// A row of `events`.
#[derive(Debug, Clone, DeserializeRow)]
pub(super) struct EventRow {
    pub(super) event_id: EventId,
    slug: String,
    name: String,
    series: String,
    event_type: String,
    #[scylla(default_when_null)]
    performers: Vec<String>,
    description: String,
    duration_minutes: Small,
    language: String,
    currency: Currency,
    doors_at: Timestamp,
    starts_at: Timestamp,
    venue: String,
    city: String,
    country: String,
    time_zone: String,
    latitude: Option<f64>,
    longitude: Option<f64>,
    limit_per_buyer: Small,
    time_to_pay_ms: Count,
    payment_time_ms: Count,
    simulated: bool,
    /// The digest of the layout it is minted from; none before minting began.
    pub(super) layout_digest: Option<String>,
    tickets: Option<Count>,
    minted_at: Option<Timestamp>,
    /// Whether some of its tickets are said to be available; none before its sale opened.
    pub(super) has_tickets: Option<bool>,
}

impl From<EventRow> for Event {
    fn from(row: EventRow) -> Self {
        let venue = Venue {
            name: row.venue,
            city: row.city,
            country: row.country,
            time_zone: row.time_zone,
            latitude: row.latitude,
            longitude: row.longitude,
        };
        let terms = SaleTerms {
            limit: row.limit_per_buyer.0,
            time_to_pay: row.time_to_pay_ms.millis(),
            payment_time: row.payment_time_ms.millis(),
        };
        let draft = EventDraft {
            slug: row.slug,
            name: row.name,
            series: row.series,
            event_type: row.event_type,
            performers: row.performers,
            description: row.description,
            duration_minutes: row.duration_minutes.0,
            language: row.language,
            currency: row.currency,
            doors_at: row.doors_at,
            starts_at: row.starts_at,
            venue,
            terms,
            simulated: row.simulated,
        };
        let tickets = row.tickets.map_or(0, |tickets| tickets.0);
        let minted = row.minted_at.is_some();
        Self { event_id: row.event_id, draft, tickets, minted }
    }
}

/// A row of `venue_sections`.
#[derive(Debug, Clone, DeserializeRow)]
pub(super) struct SectionRow {
    /// The section's place in the venue, from 0.
    pub(super) section_id: i32,
    name: String,
    type_id: String,
    entrance: String,
    row_count: Small,
    seats: Count,
}

impl From<SectionRow> for Section {
    fn from(row: SectionRow) -> Self {
        Self {
            name: row.name,
            type_id: row.type_id,
            entrance: row.entrance,
            rows: row.row_count.0,
            seats: row.seats.0,
        }
    }
}

/// What a row of `tickets` has from its minting on.
#[derive(Debug, Clone, DeserializeRow)]
pub(super) struct TicketRow {
    pub(super) ticket_id: TicketId,
    pub(super) place: i32,
    pub(super) row_name: String,
    pub(super) seat_name: String,
    pub(super) type_id: String,
    pub(super) price: Price,
    pub(super) aisle_after: Option<bool>,
}

/// A row of `tickets` as a reader of maps sees it: a projection of who owns the ticket.
#[derive(Debug, Clone, DeserializeRow)]
pub(super) struct SeenRow {
    /// The ticket's place in its section, from 0.
    pub(super) place: i32,
    /// Its status when the projection was written last.
    pub(super) status: TicketStatus,
    /// Until when a held one is held, or the payment of a paying one may take.
    pub(super) held_until: Option<Timestamp>,
    /// The hold that has it.
    pub(super) hold_id: Option<HoldId>,
    /// Why it is blocked.
    pub(super) reason: Option<String>,
}

/// What is shown of a ticket, and since when.
#[derive(Debug, Clone, DeserializeRow)]
pub(super) struct ShownRow {
    pub(super) ticket_id: TicketId,
    /// A word that may mean nothing: it is only compared.
    pub(super) status: Option<String>,
    pub(super) held_until: Option<Timestamp>,
    pub(super) hold_id: Option<HoldId>,
    pub(super) reason: Option<String>,
    /// The write time of its status, in microseconds since 1970.
    pub(super) written_at: Option<i64>,
}

/// A ticket as holds and orders copy it.
#[derive(Debug, Clone, PartialEq, Eq, SerializeValue, DeserializeValue)]
pub(super) struct TicketCopy {
    pub(super) ticket_id: TicketId,
    pub(super) section_id: i32,
    pub(super) place: i32,
    pub(super) section: String,
    pub(super) row_name: String,
    pub(super) seat_name: String,
    pub(super) type_id: String,
    pub(super) price: Price,
}

impl TicketCopy {
    /// The seat's label.
    pub(super) fn label(&self) -> SeatLabel {
        SeatLabel {
            section: self.section.as_str().into(),
            row: self.row_name.as_str().into(),
            seat: self.seat_name.as_str().into(),
        }
    }

    /// The ticket, whose price is in the event's currency.
    pub(super) fn ticket(&self, currency: Currency) -> Ticket {
        Ticket {
            ticket_id: self.ticket_id,
            label: self.label(),
            type_id: Arc::from(self.type_id.as_str()),
            price: self.price.in_currency(currency),
        }
    }
}

/// The tickets of a hold or an order, in the order of the venue: at least one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TicketList(pub(super) Vec<TicketCopy>);

impl Deref for TicketList {
    type Target = Vec<TicketCopy>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl<'a> IntoIterator for &'a TicketList {
    type Item = &'a TicketCopy;
    type IntoIter = std::slice::Iter<'a, TicketCopy>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// A list of tickets that was lost: ScyllaDB does not tell an empty list from none.
#[derive(Debug, thiserror::Error)]
#[error("the list of tickets is empty")]
struct NoTickets;

column!(TicketList as Vec<TicketCopy>, |list| list.0.clone(), |tickets| {
    if tickets.is_empty() {
        return Err(DeserializationError::new(NoTickets));
    }
    Ok(TicketList(tickets))
});

/// The row of `order_queue` that says who owns a ticket.
#[derive(Debug, Clone, PartialEq, Eq, DeserializeRow)]
pub(super) struct QueueRow {
    pub(super) event_id: EventId,
    pub(super) ticket_id: TicketId,
    /// The hold that has the ticket; none where it is blocked, as are the next two.
    pub(super) hold_id: Option<HoldId>,
    /// The order that the ticket is pinned to, while paying and once sold.
    pub(super) order_id: Option<OrderId>,
    pub(super) session_id: Option<SessionId>,
    pub(super) buyer_id: Option<BuyerId>,
    /// Held, paying, sold or blocked.
    pub(super) status: TicketStatus,
    pub(super) started_at: Option<Timestamp>,
    /// The hold's deadline.
    pub(super) expires_at: Option<Timestamp>,
    /// Until when the payment may take.
    pub(super) payment_deadline: Option<Timestamp>,
    /// Why it is blocked.
    pub(super) reason: Option<String>,
}

impl QueueRow {
    /// How the ticket stands.
    pub(super) fn standing(&self) -> Standing {
        Standing {
            status: self.status,
            hold_id: self.hold_id,
            order_id: self.order_id,
            expires_at: self.expires_at,
            payment_deadline: self.payment_deadline,
        }
    }

    /// Whether the row's hold is over, so that anybody may take the ticket.
    pub(super) fn is_lapsed(&self, now: Timestamp) -> bool {
        self.standing().is_lapsed(now)
    }

    /// The order whose payment should have ended by now.
    pub(super) fn overdue_order(&self, now: Timestamp) -> Option<OrderId> {
        self.standing().overdue_order(now)
    }

    /// What this ticket is to others who want it.
    pub(super) fn obstacle(&self, ticket: &TicketCopy) -> Obstacle {
        Obstacle::new(ticket.label(), &self.standing(), self.reason.clone())
    }

    /// Whether the ticket is in this condition under this order.
    pub(super) fn is_under(&self, order: OrderId, status: TicketStatus) -> bool {
        self.order_id == Some(order) && self.status == status
    }

    /// Whether the ticket waits for this hold's payment.
    pub(super) fn is_held_by(&self, hold: HoldId) -> bool {
        self.hold_id == Some(hold) && self.status == TicketStatus::Held
    }

    /// The order under which the ticket waits for a payment of this hold, asked by another order of
    /// the same hold: one attempt begins only after the one before it was decided and undone.
    pub(super) fn stray_of(&self, hold: HoldId) -> Option<OrderId> {
        let stray = self.hold_id == Some(hold) && self.status == TicketStatus::Paying;
        self.order_id.filter(|_| stray)
    }

    /// Whether the ticket was blocked at this time, with this reason.
    pub(super) fn is_blocked_at(&self, at: Timestamp, reason: &str) -> bool {
        self.status == TicketStatus::Blocked
            && self.started_at == Some(at)
            && self.reason.as_deref() == Some(reason)
    }

    /// Whether nothing has happened between this row and another of the same ticket.
    pub(super) fn stands_as(&self, other: &Self) -> bool {
        (self.status, self.hold_id, self.order_id, self.started_at)
            == (other.status, other.hold_id, other.order_id, other.started_at)
    }

    /// Whether this hold has the ticket, and not an earlier attempt to start it.
    pub(super) fn is_of(&self, hold: &HoldRow) -> bool {
        self.hold_id == Some(hold.hold_id) && self.started_at == Some(hold.started_at)
    }
}

/// A row of `holds`.
#[derive(Debug, Clone, PartialEq, Eq, DeserializeRow)]
pub(super) struct HoldRow {
    pub(super) hold_id: HoldId,
    pub(super) event_id: EventId,
    pub(super) session_id: SessionId,
    pub(super) buyer_id: BuyerId,
    /// All of its tickets.
    pub(super) tickets: TicketList,
    pub(super) started_at: Timestamp,
    pub(super) expires_at: Timestamp,
    /// The attempt to pay that is under way, or that paid.
    pub(super) order_id: Option<OrderId>,
    pub(super) payment_reference: Option<PaymentReference>,
    pub(super) payment_deadline: Option<Timestamp>,
    /// How it ended, where somebody ended it.
    pub(super) ended_as: Option<HoldStatus>,
}

impl HoldRow {
    /// A hold that begins now, and that nobody has ended or pays for.
    pub(super) fn begun(
        hold_id: HoldId,
        event: &Event,
        caller: Caller,
        tickets: Vec<TicketCopy>,
        started_at: Timestamp,
    ) -> Self {
        Self {
            hold_id,
            event_id: event.event_id,
            session_id: caller.session_id,
            buyer_id: caller.buyer_id,
            tickets: TicketList(tickets),
            started_at,
            expires_at: started_at.plus(event.terms.time_to_pay),
            order_id: None,
            payment_reference: None,
            payment_deadline: None,
            ended_as: None,
        }
    }

    /// What is written of it when it begins.
    pub(super) fn beginning(&self) -> impl SerializeRow + '_ {
        (
            self.hold_id,
            self.event_id,
            &self.session_id,
            self.buyer_id,
            &self.tickets,
            self.started_at,
            self.expires_at,
        )
    }

    /// Whether another row has the same owner and the same tickets.
    pub(super) fn is_same_offer(&self, other: &Self) -> bool {
        self.session_id == other.session_id
            && self.buyer_id == other.buyer_id
            && self.tickets == other.tickets
    }

    /// Whether it was withdrawn before it was whole: its buyer, or the one who waits, never had it.
    pub(super) fn is_withdrawn(&self) -> bool {
        self.ended_as == Some(HoldStatus::Expired)
    }
}

/// Why one ticket counts towards a buyer's limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, SerializeValue, DeserializeValue)]
pub(super) struct LimitEntry {
    pub(super) ticket_id: TicketId,
    pub(super) hold_id: HoldId,
    /// The order it is pinned to: it counts beyond the hold's deadline.
    pub(super) order_id: Option<OrderId>,
    /// The hold's deadline, from which on it counts no more unless it is pinned.
    pub(super) expires_at: Timestamp,
}

/// A row of `limits`.
#[derive(Debug, Clone, DeserializeRow)]
pub(super) struct LimitRow {
    /// Fresh for every write.
    pub(super) version: Option<Uuid>,
    /// The buyer's tickets, each with why it counts.
    #[scylla(default_when_null)]
    pub(super) owned: Vec<LimitEntry>,
}

/// A row of `orders`.
#[derive(Debug, Clone, DeserializeRow)]
pub(super) struct OrderRow {
    pub(super) order_id: OrderId,
    pub(super) hold_id: HoldId,
    pub(super) event_id: EventId,
    pub(super) session_id: SessionId,
    pub(super) buyer_id: BuyerId,
    pub(super) payment_reference: PaymentReference,
    pub(super) status: OrderStatus,
    pub(super) amount: Price,
    pub(super) tickets: TicketList,
    pub(super) decided_at: Timestamp,
    pub(super) updated_at: Timestamp,
}
