//! Rows as they are stored, before anybody believes them: every value may be missing.

use std::hash::BuildHasher;

use scylla::value::{CqlDecimal, CqlTimeuuid};
use scylla::{DeserializeRow, DeserializeValue};

use crate::domain::{BuyerId, Currency, EntryId, EventId, HoldId, OrderId, TicketId, Timestamp};

/// A decimal in minor units of a currency, where it is exactly so many of them.
pub(super) fn minor_of(decimal: &CqlDecimal, currency: Currency) -> Option<i64> {
    let (bytes, scale) = decimal.as_signed_be_bytes_slice_and_exponent();
    let filler = if *bytes.first()? & 0x80 == 0 { 0x00 } else { 0xff };
    let mut whole = [filler; 16];
    whole.get_mut(16_usize.checked_sub(bytes.len())?..)?.copy_from_slice(bytes);
    let mut digits = i128::from_be_bytes(whole);
    let mut missing = i64::from(currency.digits()) - i64::from(scale);
    while missing < 0 && digits % 10 == 0 && digits != 0 {
        (digits, missing) = (digits / 10, missing + 1);
    }
    if digits == 0 {
        return Some(0);
    }
    let factor = 10_i128.checked_pow(u32::try_from(missing).ok()?)?;
    i64::try_from(digits.checked_mul(factor)?).ok()
}

#[derive(Debug, DeserializeRow)]
pub(super) struct EventRow {
    pub(super) event_id: EventId,
    pub(super) slug: Option<String>,
    pub(super) name: Option<String>,
    pub(super) series: Option<String>,
    pub(super) event_type: Option<String>,
    pub(super) description: Option<String>,
    pub(super) duration_minutes: Option<i32>,
    pub(super) language: Option<String>,
    pub(super) doors_at: Option<Timestamp>,
    pub(super) starts_at: Option<Timestamp>,
    pub(super) venue: Option<String>,
    pub(super) city: Option<String>,
    pub(super) country: Option<String>,
    pub(super) time_zone: Option<String>,
    pub(super) simulated: Option<bool>,
    pub(super) layout_digest: Option<String>,
    pub(super) currency: Option<String>,
    pub(super) limit_per_buyer: Option<i32>,
    pub(super) time_to_pay_ms: Option<i64>,
    pub(super) payment_time_ms: Option<i64>,
    pub(super) tickets: Option<i64>,
    pub(super) minted_at: Option<Timestamp>,
    /// When it was added, in microseconds since 1970 as all write times.
    pub(super) written_at: Option<i64>,
}

pub(super) const EVENTS: &str = "SELECT event_id, slug, name, series, event_type, description, \
     duration_minutes, language, doors_at, starts_at, venue, city, country, time_zone, simulated, \
     layout_digest, currency, limit_per_buyer, time_to_pay_ms, \
     payment_time_ms, tickets, minted_at, WRITETIME(slug) AS written_at FROM events";

/// Events that were deleted, or are about to be.
pub(super) const DELETED: &str = "SELECT event_id, state FROM deleted_events";

/// Events of which holds may have been started after they had begun.
pub(super) const SOLD_LATE: &str = "SELECT event_id FROM events_sold_late";

#[derive(Debug, DeserializeRow)]
pub(super) struct SectionRow {
    pub(super) section_id: i32,
    pub(super) name: Option<String>,
    pub(super) type_id: Option<String>,
    pub(super) entrance: Option<String>,
    pub(super) row_count: Option<i32>,
    pub(super) seats: Option<i64>,
}

pub(super) const SECTIONS: &str = "SELECT section_id, name, type_id, entrance, row_count, seats FROM venue_sections WHERE event_id = ?";

#[derive(Debug, DeserializeRow)]
pub(super) struct TicketRow {
    pub(super) ticket_id: TicketId,
    pub(super) place: Option<i32>,
    pub(super) row_name: Option<String>,
    pub(super) seat_name: Option<String>,
    pub(super) type_id: Option<String>,
    pub(super) price: Option<CqlDecimal>,
    pub(super) aisle_after: Option<bool>,
}

pub(super) const TICKETS: &str = "SELECT ticket_id, place, row_name, seat_name, type_id, price, aisle_after FROM tickets \
     WHERE event_id = ? AND section_id = ?";

#[derive(Debug, DeserializeRow)]
pub(super) struct QueueRow {
    pub(super) event_id: EventId,
    pub(super) ticket_id: TicketId,
    pub(super) status: Option<String>,
    pub(super) hold_id: Option<HoldId>,
    pub(super) order_id: Option<OrderId>,
    pub(super) session_id: Option<String>,
    pub(super) buyer_id: Option<BuyerId>,
    pub(super) started_at: Option<Timestamp>,
    pub(super) expires_at: Option<Timestamp>,
    pub(super) payment_deadline: Option<Timestamp>,
    pub(super) reason: Option<String>,
    pub(super) written_at: Option<i64>,
}

pub(super) const QUEUE: (&str, &str, &str) = (
    "event_id, ticket_id, status, hold_id, order_id, session_id, buyer_id, started_at, \
     expires_at, payment_deadline, reason, WRITETIME(status) AS written_at FROM order_queue",
    "event_id, ticket_id",
    "",
);

/// A ticket as a hold, an order or an offer copies it.
#[derive(Debug, DeserializeValue)]
pub(super) struct TicketCopy {
    pub(super) ticket_id: Option<TicketId>,
    pub(super) section_id: Option<i32>,
    pub(super) place: Option<i32>,
    pub(super) section: Option<String>,
    pub(super) row_name: Option<String>,
    pub(super) seat_name: Option<String>,
    pub(super) type_id: Option<String>,
    pub(super) price: Option<CqlDecimal>,
}

/// Stands for where a ticket is, what it is and what it costs, of which only equality matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TicketPrint(u64);

impl TicketPrint {
    pub(super) fn of(
        (section_id, place): (i32, i32),
        [section, row, seat, type_id]: [&str; 4],
        price_minor: i64,
    ) -> Self {
        let all = (section_id, place, section, row, seat, type_id, price_minor);
        Self(foldhash::quality::FixedState::default().hash_one(all))
    }
}

impl TicketCopy {
    /// The print of the ticket that is copied; none where a value is missing.
    pub(super) fn print(&self, currency: Currency) -> Option<TicketPrint> {
        let names = [&self.section, &self.row_name, &self.seat_name, &self.type_id];
        let [section, row, seat, type_id] = names.map(Option::as_deref);
        let price_minor = minor_of(self.price.as_ref()?, currency)?;
        let names = [section?, row?, seat?, type_id?];
        Some(TicketPrint::of((self.section_id?, self.place?), names, price_minor))
    }
}

#[derive(Debug, DeserializeRow)]
pub(super) struct HoldRow {
    pub(super) hold_id: HoldId,
    pub(super) event_id: Option<EventId>,
    pub(super) session_id: Option<String>,
    pub(super) buyer_id: Option<BuyerId>,
    pub(super) tickets: Option<Vec<TicketCopy>>,
    pub(super) started_at: Option<Timestamp>,
    pub(super) expires_at: Option<Timestamp>,
    pub(super) order_id: Option<OrderId>,
    pub(super) payment_reference: Option<String>,
    pub(super) payment_deadline: Option<Timestamp>,
    pub(super) ended_as: Option<String>,
    pub(super) started_written_at: Option<i64>,
    pub(super) order_written_at: Option<i64>,
    pub(super) end_written_at: Option<i64>,
}

pub(super) const HOLDS: (&str, &str, &str) = (
    "hold_id, event_id, session_id, buyer_id, tickets, started_at, expires_at, order_id, \
     payment_reference, payment_deadline, ended_as, WRITETIME(started_at) AS started_written_at, WRITETIME(order_id) AS order_written_at, \
     WRITETIME(ended_as) AS end_written_at FROM holds",
    "hold_id",
    "",
);

#[derive(Debug, DeserializeRow)]
pub(super) struct OrderRow {
    pub(super) order_id: OrderId,
    pub(super) confirmation_number: Option<String>,
    pub(super) hold_id: Option<HoldId>,
    pub(super) event_id: Option<EventId>,
    pub(super) session_id: Option<String>,
    pub(super) buyer_id: Option<BuyerId>,
    pub(super) status: Option<String>,
    pub(super) amount: Option<CqlDecimal>,
    pub(super) tickets: Option<Vec<TicketCopy>>,
    pub(super) payment_reference: Option<String>,
    pub(super) decided_at: Option<Timestamp>,
    pub(super) updated_at: Option<Timestamp>,
    pub(super) written_at: Option<i64>,
}

pub(super) const ORDERS: (&str, &str, &str) = (
    "order_id, confirmation_number, hold_id, event_id, session_id, buyer_id, status, amount, \
     tickets, payment_reference, decided_at, updated_at, WRITETIME(status) AS written_at FROM orders",
    "order_id",
    "",
);

#[derive(Debug, DeserializeRow)]
pub(super) struct ReferenceRow {
    pub(super) buyer_id: BuyerId,
    pub(super) payment_reference: String,
    pub(super) hold_id: Option<HoldId>,
    pub(super) claimed_at: Option<Timestamp>,
    pub(super) written_at: Option<i64>,
}

pub(super) const REFERENCES: (&str, &str, &str) = (
    "buyer_id, payment_reference, hold_id, claimed_at, WRITETIME(hold_id) AS written_at \
     FROM payment_references",
    "buyer_id, payment_reference",
    "",
);

/// The hold that a reference belongs to, read by itself.
pub(super) const REFERENCE: &str = "SELECT hold_id FROM payment_references \
     WHERE buyer_id = ? AND payment_reference = ?";

/// The buyer of a hold, read by itself.
pub(super) const HOLD_BUYER: &str = "SELECT buyer_id FROM holds WHERE hold_id = ?";

/// When the schema came to its version, and to the one that set bounds first where that was before, in
/// microseconds since 1970.
pub(super) const BOUNDS_SINCE: &str = "SELECT WRITETIME(version) FROM schema_version";

#[derive(Debug, DeserializeRow)]
pub(super) struct WaitlistRow {
    pub(super) event_id: EventId,
    pub(super) entry_id: Option<EntryId>,
    pub(super) session_id: Option<String>,
    pub(super) buyer_id: Option<BuyerId>,
    pub(super) section: Option<String>,
    pub(super) type_id: Option<String>,
    pub(super) size: Option<i32>,
    pub(super) status: Option<String>,
    pub(super) attempt: Option<i32>,
    pub(super) hold_id: Option<HoldId>,
    /// When it joined, by the write time of what is written then and never again.
    pub(super) joined_written_at: Option<i64>,
    pub(super) status_written_at: Option<i64>,
}

pub(super) const WAITLIST: (&str, &str, &str) = (
    "event_id, entry_id, session_id, buyer_id, section, type_id, size, status, attempt, hold_id, \
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
    pub(super) session_id: Option<String>,
    pub(super) buyer_id: Option<BuyerId>,
    pub(super) started_at: Option<Timestamp>,
    pub(super) expires_at: Option<Timestamp>,
    pub(super) payment_deadline: Option<Timestamp>,
}

/// The log from a time on.
pub(super) fn log_since(since: Timestamp) -> (&'static str, &'static str, String) {
    (
        "\"cdc$time\", \"cdc$operation\", \"cdc$end_of_batch\", event_id, ticket_id, status, \
         hold_id, order_id, session_id, buyer_id, started_at, expires_at, payment_deadline \
         FROM order_queue_scylla_cdc_log",
        "\"cdc$stream_id\"",
        format!(" AND \"cdc$time\" >= minTimeuuid({}) ALLOW FILTERING", since.as_millis()),
    )
}

/// What the change log was asked for, among what else ScyllaDB adds to a table.
pub(super) const LOG_TERMS: &str = "SELECT extensions FROM system_schema.tables \
     WHERE keyspace_name = ? AND table_name = 'order_queue'";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decimal_is_exactly_so_many_minor_units_or_none() {
        let decimal = |digits: i64, scale| {
            CqlDecimal::from_signed_be_bytes_slice_and_exponent(&digits.to_be_bytes(), scale)
        };
        let yen = Currency::of_code("JPY").unwrap();
        let minor = |digits, scale| minor_of(&decimal(digits, scale), Currency::EUR);
        assert_eq!(
            (minor(4950, 2), minor(495, 1), minor(49_500, 3)),
            (Some(4950), Some(4950), Some(4950))
        );
        assert_eq!((minor(5, -2), minor(-5, 2), minor(0, 90)), (Some(50_000), Some(-5), Some(0)));
        assert_eq!((minor(49_505, 3), minor(1, -40), minor(i64::MAX, 0)), (None, None, None));
        assert_eq!(minor_of(&decimal(1_200, 2), yen), Some(12));
        let long = CqlDecimal::from_signed_be_bytes_slice_and_exponent(&[1; 40], 2);
        assert_eq!(minor_of(&long, Currency::EUR), None);
    }
}
