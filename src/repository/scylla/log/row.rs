//! A row of the log table, as far as it can be read at all.

use std::fmt;

use scylla::value::CqlValue;
use scylla_cdc::consumer::CDCRow;
use uuid::Uuid;

use crate::domain::{BuyerId, EventId, HoldId, OrderId, SessionId, TicketId, Timestamp};

/// 100 ns intervals from the beginning of the Gregorian calendar, which time UUIDs count from, to
/// 1970-01-01T00:00:00Z.
const GREGORIAN_OFFSET: u64 = 0x01b2_1dd2_1381_4000;

/// Where a row stands in the log, and with it the order in which rows are looked at: by time. Rows
/// of one stream and time were written by one statement.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct RowKey {
    /// Microseconds since 1970-01-01T00:00:00Z.
    pub(super) micros: u64,
    pub(super) time: Uuid,
    pub(super) stream: String,
    pub(super) batch_seq_no: i32,
}

impl RowKey {
    pub(super) fn new(stream: String, time: Uuid, batch_seq_no: i32) -> Self {
        Self { micros: micros(&time), time, stream, batch_seq_no }
    }

    /// Whether both rows were written by one statement.
    pub(super) fn is_of_batch(&self, other: &Self) -> bool {
        (self.time, &self.stream) == (other.time, &other.stream)
    }
}

impl fmt::Display for RowKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "0x{} {} {}", self.stream, self.time, self.batch_seq_no)
    }
}

/// Microseconds since 1970-01-01T00:00:00Z of a time UUID.
pub(super) fn micros(time: &Uuid) -> u64 {
    let (high, middle, low, _) = time.as_fields();
    let intervals = u64::from(low & 0x0fff) << 48 | u64::from(middle) << 32 | u64::from(high);
    intervals.saturating_sub(GREGORIAN_OFFSET) / 10
}

/// The point in time of so many microseconds since 1970-01-01T00:00:00Z, cut to milliseconds.
pub(super) fn at(micros: u64) -> Timestamp {
    Timestamp::from_millis(i64::try_from(micros / 1000).unwrap_or(i64::MAX))
}

/// What a statement did to a row of `order_queue`, by the number that the log has for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operation {
    /// It updated columns, whether the row was there or not.
    Update,
    /// It inserted the row.
    Insert,
    /// It deleted the row.
    Delete,
    /// The row's time to live was over. Only releases of ScyllaDB that log this do.
    Expire,
    /// It did nothing: the row before or after the operation, where somebody asked for such.
    Image,
    /// Something that is never done to `order_queue`; none where the log does not say what.
    Other(Option<i8>),
}

impl Operation {
    pub(super) fn of_number(number: i8) -> Self {
        match number {
            0 | 9 => Self::Image,
            1 => Self::Update,
            2 => Self::Insert,
            3 | 4 => Self::Delete,
            -3 | -4 => Self::Expire,
            other => Self::Other(Some(other)),
        }
    }
}

/// A row of the log. Columns that are null, missing or of another type are none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct LogRow {
    pub(super) key: RowKey,
    pub(super) end_of_batch: bool,
    pub(super) operation: Operation,
    pub(super) event_id: Option<EventId>,
    pub(super) ticket_id: Option<TicketId>,
    pub(super) hold_id: Option<HoldId>,
    pub(super) order_id: Option<OrderId>,
    pub(super) session_id: Option<SessionId>,
    pub(super) buyer_id: Option<BuyerId>,
    pub(super) status: Option<String>,
    pub(super) expires_at: Option<Timestamp>,
}

impl LogRow {
    /// Takes over what a reader of the log read.
    pub(super) fn take(mut row: CDCRow<'_>) -> Self {
        let key = RowKey::new(row.stream_id.to_string(), row.time, row.batch_seq_no);
        let number = row.operation.clone() as i8;
        let operation = Operation::of_number(if row.is_expiration { -number } else { number });
        let mut uuid = |name| row.take_value(name).and_then(|value| value.as_uuid());
        let (event_id, ticket_id) = (uuid("event_id"), uuid("ticket_id"));
        let (hold_id, order_id, buyer_id) = (uuid("hold_id"), uuid("order_id"), uuid("buyer_id"));
        let mut text = |name| row.take_value(name).and_then(CqlValue::into_string);
        let (session_id, status) = (text("session_id"), text("status"));
        let expires_at = row.take_value("expires_at").and_then(|value| value.as_cql_timestamp());
        Self {
            key,
            end_of_batch: row.end_of_batch,
            operation,
            event_id: event_id.map(EventId::from_uuid),
            ticket_id: ticket_id.map(TicketId::from_uuid),
            hold_id: hold_id.map(HoldId::from_uuid),
            order_id: order_id.map(OrderId::from_uuid),
            session_id: session_id.and_then(|text| SessionId::stored(&text).ok()),
            buyer_id: buyer_id.map(BuyerId::from_uuid),
            status,
            expires_at: expires_at.map(|at| Timestamp::from_millis(at.0)),
        }
    }
}
