//! The rows of the change log, put together to what was written.

use crate::domain::{BuyerId, EventId, HoldId, OrderId, TicketId, Timestamp};

use super::rows::LogRow;

/// Operations of the change log that a ticket's row goes through.
const UPDATE: i8 = 1;
const INSERT: i8 = 2;
const ROW_DELETE: i8 = 3;
const PARTITION_DELETE: i8 = 4;

/// How long ScyllaDB keeps a log where nobody says otherwise.
pub(super) const KEPT_SECONDS_DEFAULT: u64 = 24 * 60 * 60;

/// The rows of one time: what one statement wrote.
#[derive(Debug)]
pub(super) struct Batch {
    /// When it was written.
    pub(super) at: Timestamp,
    /// Whether its last row is there.
    pub(super) is_whole: bool,
    /// What it wrote, ticket by ticket.
    pub(super) writes: Vec<LoggedWrite>,
}

/// What was written into a ticket's row.
#[derive(Debug, Clone)]
pub(super) struct LoggedWrite {
    pub(super) at: Timestamp,
    /// The same time in units of 100 nanoseconds.
    pub(super) ticks: u64,
    pub(super) event_id: Option<EventId>,
    pub(super) ticket_id: Option<TicketId>,
    /// Whether the row was deleted, or what it says then.
    pub(super) row: Option<Columns>,
}

/// The columns of a row that was written.
#[derive(Debug, Clone, Default)]
pub(super) struct Columns {
    pub(super) status: Option<String>,
    pub(super) hold_id: Option<HoldId>,
    pub(super) order_id: Option<OrderId>,
    pub(super) session_id: Option<String>,
    pub(super) buyer_id: Option<BuyerId>,
    pub(super) started_at: Option<Timestamp>,
    pub(super) expires_at: Option<Timestamp>,
    pub(super) payment_deadline: Option<Timestamp>,
}

/// How long the log keeps its entries, in seconds, 0 for good. `terms` are what was asked for as the
/// server stores it: pairs of texts, each after its length in four bytes, after their number.
pub(super) fn kept_seconds(terms: &[u8]) -> Option<u64> {
    let mut rest = terms;
    let mut texts = Vec::new();
    for _ in 0..2 * number(&mut rest)? {
        let length = usize::try_from(number(&mut rest)?).ok()?;
        let (text, after) = rest.split_at_checked(length)?;
        texts.push(std::str::from_utf8(text).ok()?);
        rest = after;
    }
    let ttl = texts.chunks_exact(2).find(|pair| pair[0] == "ttl");
    ttl.map_or(Some(KEPT_SECONDS_DEFAULT), |pair| pair[1].parse().ok())
}

fn number(rest: &mut &[u8]) -> Option<u32> {
    let (number, after) = rest.split_first_chunk()?;
    *rest = after;
    Some(u32::from_le_bytes(*number))
}

/// Puts rows together that one statement wrote. A statement that sets some columns and nulls others
/// leaves two rows of one time.
pub(super) fn batches(rows: &[LogRow]) -> impl Iterator<Item = Batch> {
    rows.chunk_by(|a, b| a.time == b.time).map(|rows| {
        let (at, ticks) = time_of(&rows[0]);
        let tickets = rows.chunk_by(|a, b| a.ticket_id == b.ticket_id);
        Batch {
            at,
            is_whole: rows.iter().any(|row| row.ends_batch == Some(true)),
            writes: tickets.map(|rows| write(rows, at, ticks)).collect(),
        }
    })
}

fn write(rows: &[LogRow], at: Timestamp, ticks: u64) -> LoggedWrite {
    let (event_id, ticket_id) = (rows[0].event_id, rows[0].ticket_id);
    let deleted = |row: &LogRow| matches!(row.operation, Some(ROW_DELETE | PARTITION_DELETE));
    let row = (!rows.iter().any(deleted)).then(|| columns(rows));
    LoggedWrite { at, ticks, event_id, ticket_id, row }
}

fn columns(rows: &[LogRow]) -> Columns {
    let mut merged = Columns::default();
    for row in rows.iter().filter(|row| matches!(row.operation, Some(UPDATE | INSERT))) {
        merged.status = merged.status.or_else(|| row.status.clone());
        merged.hold_id = merged.hold_id.or(row.hold_id);
        merged.order_id = merged.order_id.or(row.order_id);
        merged.session_id = merged.session_id.or_else(|| row.session_id.clone());
        merged.buyer_id = merged.buyer_id.or(row.buyer_id);
        merged.started_at = merged.started_at.or(row.started_at);
        merged.expires_at = merged.expires_at.or(row.expires_at);
        merged.payment_deadline = merged.payment_deadline.or(row.payment_deadline);
    }
    merged
}

/// When a row was written, in milliseconds and in units of 100 nanoseconds.
fn time_of(row: &LogRow) -> (Timestamp, u64) {
    let (seconds, nanos) = row.time.as_ref().get_timestamp().map_or((0, 0), |at| at.to_unix());
    let millis = i64::try_from(seconds).unwrap_or(0) * 1000 + i64::from(nanos / 1_000_000);
    (Timestamp::from_millis(millis), seconds * 10_000_000 + u64::from(nanos / 100))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_terms_of_the_log_say_how_long_it_keeps_its_entries() {
        let terms = |pairs: &[&str]| {
            let mut bytes = u32::try_from(pairs.len() / 2).unwrap().to_le_bytes().to_vec();
            for text in pairs {
                bytes.extend(u32::try_from(text.len()).unwrap().to_le_bytes());
                bytes.extend(text.as_bytes());
            }
            bytes
        };
        assert_eq!(kept_seconds(&terms(&["enabled", "true", "ttl", "604800"])), Some(604_800));
        assert_eq!(kept_seconds(&terms(&["ttl", "0"])), Some(0));
        assert_eq!(kept_seconds(&terms(&["enabled", "true"])), Some(KEPT_SECONDS_DEFAULT));
        let whole = terms(&["ttl", "604800"]);
        for length in 0..whole.len() {
            assert_eq!(kept_seconds(&whole[..length]), None);
        }
    }
}
