//! Rows as they are stored, before anybody believes them: every value may be missing.

use scylla::value::CqlTimeuuid;
use scylla::{DeserializeRow, DeserializeValue};

use crate::domain::{BuyerId, EntryId, EventId, HoldId, OrderId, TicketId, Timestamp};
use crate::repository::scylla::Amount;

#[derive(Debug, DeserializeRow)]
pub(super) struct EventRow {
    pub(super) event_id: EventId,
    pub(super) currency: Option<String>,
    pub(super) limit_per_buyer: Option<i32>,
    pub(super) time_to_pay_ms: Option<i64>,
    pub(super) payment_time_ms: Option<i64>,
    pub(super) tickets: Option<i64>,
    pub(super) minted_at: Option<Timestamp>,
    /// When it was added, in microseconds since 1970 as all write times.
    pub(super) written_at: Option<i64>,
}

pub(super) const EVENTS: &str = "SELECT event_id, currency, limit_per_buyer, time_to_pay_ms, \
     payment_time_ms, tickets, minted_at, WRITETIME(slug) AS written_at FROM events";

#[derive(Debug, DeserializeRow)]
pub(super) struct SectionRow {
    pub(super) section_id: i32,
    pub(super) name: Option<String>,
    pub(super) seats: Option<i64>,
}

pub(super) const SECTIONS: &str =
    "SELECT section_id, name, seats FROM venue_sections WHERE event_id = ?";

#[derive(Debug, DeserializeRow)]
pub(super) struct TicketRow {
    pub(super) ticket_id: TicketId,
    pub(super) type_id: Option<String>,
    pub(super) price: Option<Amount>,
}

pub(super) const TICKETS: &str =
    "SELECT ticket_id, type_id, price FROM tickets WHERE event_id = ? AND section_id = ?";

#[derive(Debug, DeserializeRow)]
pub(super) struct QueueRow {
    pub(super) event_id: EventId,
    pub(super) ticket_id: TicketId,
    pub(super) status: Option<String>,
    pub(super) hold_id: Option<HoldId>,
    pub(super) order_id: Option<OrderId>,
    pub(super) buyer_id: Option<BuyerId>,
    pub(super) started_at: Option<Timestamp>,
    pub(super) expires_at: Option<Timestamp>,
    pub(super) written_at: Option<i64>,
}

pub(super) const QUEUE: (&str, &str, &str) = (
    "event_id, ticket_id, status, hold_id, order_id, buyer_id, started_at, expires_at, \
     WRITETIME(status) AS written_at FROM order_queue",
    "event_id, ticket_id",
    "",
);

/// A ticket of a hold. What else is copied there is looked up where it was minted.
#[derive(Debug, DeserializeValue)]
pub(super) struct HeldTicket {
    pub(super) ticket_id: TicketId,
}

#[derive(Debug, DeserializeRow)]
pub(super) struct HoldRow {
    pub(super) hold_id: HoldId,
    pub(super) event_id: Option<EventId>,
    pub(super) buyer_id: Option<BuyerId>,
    pub(super) tickets: Option<Vec<HeldTicket>>,
    pub(super) started_at: Option<Timestamp>,
    pub(super) expires_at: Option<Timestamp>,
    pub(super) ended_as: Option<String>,
    pub(super) started_written_at: Option<i64>,
    pub(super) order_written_at: Option<i64>,
    pub(super) end_written_at: Option<i64>,
}

pub(super) const HOLDS: (&str, &str, &str) = (
    "hold_id, event_id, buyer_id, tickets, started_at, expires_at, ended_as, \
     WRITETIME(started_at) AS started_written_at, WRITETIME(order_id) AS order_written_at, \
     WRITETIME(ended_as) AS end_written_at FROM holds",
    "hold_id",
    "",
);

#[derive(Debug, DeserializeRow)]
pub(super) struct OrderRow {
    pub(super) order_id: OrderId,
    pub(super) hold_id: Option<HoldId>,
    pub(super) event_id: Option<EventId>,
    pub(super) status: Option<String>,
    pub(super) amount: Option<Amount>,
    pub(super) payment_reference: Option<String>,
    pub(super) decided_at: Option<Timestamp>,
    pub(super) updated_at: Option<Timestamp>,
    pub(super) written_at: Option<i64>,
}

pub(super) const ORDERS: (&str, &str, &str) = (
    "order_id, hold_id, event_id, status, amount, payment_reference, decided_at, updated_at, \
     WRITETIME(status) AS written_at FROM orders",
    "order_id",
    "",
);

#[derive(Debug, DeserializeRow)]
pub(super) struct WaitlistRow {
    pub(super) event_id: EventId,
    pub(super) entry_id: Option<EntryId>,
    pub(super) buyer_id: Option<BuyerId>,
    pub(super) section: Option<String>,
    pub(super) type_id: Option<String>,
    pub(super) size: Option<i32>,
    pub(super) status: Option<String>,
    pub(super) hold_id: Option<HoldId>,
    /// When it joined, by the write time of what is written then and never again.
    pub(super) joined_written_at: Option<i64>,
    pub(super) status_written_at: Option<i64>,
}

pub(super) const WAITLIST: (&str, &str, &str) = (
    "event_id, entry_id, buyer_id, section, type_id, size, status, hold_id, \
     WRITETIME(size) AS joined_written_at, WRITETIME(status) AS status_written_at FROM waitlist",
    "event_id",
    "",
);

#[derive(Debug, Clone, DeserializeRow)]
pub(super) struct LogRow {
    #[scylla(rename = "cdc$time")]
    pub(super) time: CqlTimeuuid,
    #[scylla(rename = "cdc$operation")]
    pub(super) operation: Option<i8>,
    #[scylla(rename = "cdc$end_of_batch")]
    pub(super) ends_batch: Option<bool>,
    pub(super) event_id: Option<EventId>,
    pub(super) ticket_id: Option<TicketId>,
    pub(super) status: Option<String>,
    pub(super) hold_id: Option<HoldId>,
    pub(super) order_id: Option<OrderId>,
    pub(super) buyer_id: Option<BuyerId>,
    pub(super) started_at: Option<Timestamp>,
    pub(super) expires_at: Option<Timestamp>,
    pub(super) payment_deadline: Option<Timestamp>,
}

/// The log from a time on.
pub(super) fn log_since(since: Timestamp) -> (&'static str, &'static str, String) {
    (
        "\"cdc$time\", \"cdc$operation\", \"cdc$end_of_batch\", event_id, ticket_id, status, \
         hold_id, order_id, buyer_id, started_at, expires_at, payment_deadline \
         FROM order_queue_scylla_cdc_log",
        "\"cdc$stream_id\"",
        format!(" AND \"cdc$time\" >= minTimeuuid({}) ALLOW FILTERING", since.as_millis()),
    )
}

/// What the change log was asked for, among what else ScyllaDB adds to a table.
pub(super) const LOG_TERMS: &str = "SELECT extensions FROM system_schema.tables \
     WHERE keyspace_name = ? AND table_name = 'order_queue'";
