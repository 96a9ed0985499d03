//! Reads the evidence from a SQLite store, with queries of its own.
//!
//! Everything is read in one transaction, so that it is of one moment although others go on writing.
//! One event is in memory at a time.

use rusqlite::{Connection, Row, params};

use self::events::{Deleted, EventPlace, LogSpan};
use super::evidence::Evidence;
use super::store::{FAULTS_MAX, StoreFacts, note, wider};
use crate::audit::report::LogPeriod;
use crate::domain::{EventId, Refusal, Timestamp};
use crate::repository::sqlite::{EVENT_DELETED, open_reader};
use crate::repository::store_url::SqliteLocation;
use crate::repository::{Error, Result, StoreError, StoreFault};

mod events;
mod rows;

/// Reads one event, or all, and hands each to `judge`.
///
/// # Errors
/// The store cannot be read; [`Refusal::UnknownEvent`].
pub(super) fn read(
    location: &SqliteLocation,
    event: Option<EventId>,
    judge: &mut dyn FnMut(&Evidence),
) -> Result<StoreFacts> {
    let connection = open_reader(location)?;
    check_schema(&connection)?;
    let transaction = connection.unchecked_transaction().map_err(unreadable)?;
    let mut facts = StoreFacts::default();
    let places = events::places(&transaction, &mut facts).map_err(unreadable)?;
    if let Some(event) = event
        && facts.unreadable.is_empty()
        && !places.iter().any(|place| place.facts.event_id == event)
    {
        return Err(Refusal::UnknownEvent { name: event.to_string() }.into());
    }
    let unordered = unordered(&transaction).map_err(unreadable)?;
    let deleted = Deleted::read(&transaction).map_err(unreadable)?;
    let spans = survey(&transaction, &places, (unordered, &deleted), &mut facts);
    let spans = spans.map_err(unreadable)?;
    strays(&transaction, &places, &deleted, &mut facts).map_err(unreadable)?;
    lists(&transaction, (unordered, &deleted), &mut facts).map_err(unreadable)?;
    for (place, span) in places.into_iter().zip(spans) {
        if event.is_none_or(|event| event == place.facts.event_id) {
            facts.log = wider(facts.log.take(), period(&span));
            let until = (unordered.position > 0).then_some(unordered.time);
            judge(&rows::evidence(&transaction, place, &span, until).map_err(unreadable)?);
        }
    }
    Ok(facts)
}

/// An empty file is a database, too.
fn check_schema(connection: &Connection) -> Result<()> {
    let sql = "SELECT (SELECT count(*) FROM sqlite_schema WHERE name = 'change_log'),
                      (SELECT count(*) FROM sqlite_schema WHERE name = 'waitlist')";
    let (log, waitlist): (u32, u32) =
        connection.query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?))).map_err(unreadable)?;
    let (fault, why) = match (log, waitlist) {
        (0, _) => (StoreFault::Missing, "there is nothing to audit: the store has no schema"),
        (_, 0) => (StoreFault::SchemaBehind, "the store has the schema of an earlier tix"),
        _ => return Ok(()),
    };
    Err(StoreError::new(fault, why).into())
}

fn unreadable(error: rusqlite::Error) -> Error {
    let fault = match error.sqlite_error_code() {
        Some(rusqlite::ErrorCode::NotADatabase) => StoreFault::NotAStore,
        Some(rusqlite::ErrorCode::DatabaseCorrupt) => StoreFault::Damaged,
        _ => StoreFault::Failed,
    };
    StoreError::caused(fault, "could not read the store for the audit", error).into()
}

/// Up to which position and time a store was written by an earlier version, whose clock could step
/// back.
#[derive(Debug, Clone, Copy)]
struct Unordered {
    position: i64,
    time: Timestamp,
}

fn unordered(connection: &Connection) -> rusqlite::Result<Unordered> {
    let sql = "SELECT coalesce(max(until_position), 0), coalesce(max(until_time), ?1)
                 FROM unordered_log";
    let read = |row: &Row<'_>| Ok(Unordered { position: row.get(0)?, time: row.get(1)? });
    connection.query_row(sql, [i64::MIN], read)
}

/// Walks once through the log: finds where each event's entries are, and whether any is missing.
fn survey(
    connection: &Connection,
    places: &[EventPlace],
    (unordered, deleted): (Unordered, &Deleted),
    facts: &mut StoreFacts,
) -> rusqlite::Result<Vec<LogSpan>> {
    let mut spans = vec![LogSpan::default(); places.len()];
    let sql = "SELECT position, ticket_no, at, change FROM change_log ORDER BY position";
    let mut statement = connection.prepare(sql)?;
    let mut rows = statement.query([])?;
    let (mut last, mut latest) = (0, Timestamp::from_millis(i64::MIN));
    while let Some(row) = rows.next()? {
        let (position, ticket_no): (i64, i64) = (row.get(0)?, row.get(1)?);
        facts.entries += 1;
        facts.entries_missing += u64::try_from(position.saturating_sub(last + 1)).unwrap_or(0);
        let at: Timestamp = row.get(2)?;
        if at < latest && position > unordered.position {
            note(&mut facts.backwards, || {
                format!("entry {position} of the log is of {at}, the one before it of {latest}")
            });
        }
        (last, latest) = (position, at);
        match events::place_of(places, ticket_no) {
            Some(place) => spans[place].add(position, at),
            None if deleted.has(ticket_no) || row.get_ref(3)?.as_str()? == EVENT_DELETED => {}
            None => note(&mut facts.strays, || {
                format!(
                    "entry {position} of the log is about ticket {ticket_no}, which no event has"
                )
            }),
        }
    }
    // What was removed with deleted events is no loss.
    facts.entries_missing = facts.entries_missing.saturating_sub(deleted.log_entries);
    Ok(spans)
}

/// Finds tickets and rows with numbers that no event has.
fn strays(
    connection: &Connection,
    places: &[EventPlace],
    deleted: &Deleted,
    facts: &mut StoreFacts,
) -> rusqlite::Result<()> {
    for table in ["tickets", "order_queue"] {
        let sql = format!("SELECT ticket_no FROM {table} WHERE ticket_no BETWEEN ?1 AND ?2");
        let mut statement = connection.prepare(&sql)?;
        for (from, to) in events::gaps(places, deleted) {
            let number = |row: &Row<'_>| row.get::<_, i64>(0);
            for ticket_no in statement.query_map(params![from, to], number)?.take(FAULTS_MAX) {
                let ticket_no = ticket_no?;
                let stray = format!("{table} has a row for ticket {ticket_no}, which no event has");
                facts.strays.push(stray);
            }
        }
    }
    Ok(())
}

/// Finds rows of events that are not stored, and what the lists of the whole store say wrongly.
fn lists(
    connection: &Connection,
    (unordered, deleted): (Unordered, &Deleted),
    facts: &mut StoreFacts,
) -> rusqlite::Result<()> {
    let of_no_event = [
        ("holds", "hold", "hex(hold_id)"),
        ("orders", "order", "hex(order_id)"),
        ("waitlist", "entry of the waitlist", "entry_no"),
    ];
    for (table, what, key) in of_no_event {
        let sql = format!(
            "SELECT CAST({key} AS TEXT), event_no FROM {table}
              WHERE event_no NOT IN (SELECT event_no FROM events)
                AND event_no NOT IN (SELECT event_no FROM deleted_events WHERE cleared_at IS NULL)
              LIMIT {FAULTS_MAX}"
        );
        let mut statement = connection.prepare(&sql)?;
        let row = |row: &Row<'_>| Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?));
        for row in statement.query_map([], row)? {
            let (key, event_no) = row?;
            let event = format!("event number {event_no}, which is not stored");
            note(&mut facts.strays, || format!("{what} {key} is of {event}"));
        }
    }
    line(connection, (unordered, deleted), facts)?;
    references(connection, facts)?;
    let sql = "SELECT CAST(follower AS BLOB), position FROM log_progress
                WHERE position NOT BETWEEN 0 AND (SELECT coalesce(max(position), 0) FROM change_log)";
    let mut statement = connection.prepare(sql)?;
    let row = |row: &Row<'_>| Ok((row.get::<_, Vec<u8>>(0)?, row.get::<_, i64>(1)?));
    for row in statement.query_map([], row)? {
        let (follower, position) = row?;
        let follower = String::from_utf8_lossy(&follower).into_owned();
        note(&mut facts.gaps, || {
            format!("follower {follower} has read up to entry {position}, which is not there")
        });
    }
    Ok(())
}

/// Entries of the waitlist are numbered one after the other as they join, and removed only with their
/// event.
fn line(
    connection: &Connection,
    (unordered, deleted): (Unordered, &Deleted),
    facts: &mut StoreFacts,
) -> rusqlite::Result<()> {
    let sql = "SELECT entry_no, joined_at FROM waitlist ORDER BY entry_no";
    let mut statement = connection.prepare(sql)?;
    let mut rows = statement.query([])?;
    let (mut last, mut latest) = (0, Timestamp::from_millis(i64::MIN));
    let mut removed = deleted.line_entries;
    while let Some(row) = rows.next()? {
        let (number, at): (i64, Timestamp) = (row.get(0)?, row.get(1)?);
        let missing = u64::try_from(number.saturating_sub(last).saturating_sub(1)).unwrap_or(0);
        if missing <= removed {
            removed -= missing;
        } else {
            note(&mut facts.gaps, || {
                format!("entry {number} of the waitlist follows entry {last}: some are missing")
            });
        }
        if at < latest && at > unordered.time {
            note(&mut facts.backwards, || {
                format!("entry {number} of the waitlist joined at {at}, the one before at {latest}")
            });
        }
        (last, latest) = (number, at);
    }
    Ok(())
}

/// Finds payment references of holds that are not stored, or are another buyer's. They are removed
/// with their holds.
fn references(connection: &Connection, facts: &mut StoreFacts) -> rusqlite::Result<()> {
    let sql = "SELECT hex(r.buyer_id), CAST(r.payment_reference AS BLOB), hex(r.hold_id),
                      hex(h.buyer_id), h.hold_id IS NULL
                 FROM payment_references r LEFT JOIN holds h USING (hold_id)
                WHERE h.hold_id IS NULL OR h.buyer_id IS NOT r.buyer_id
                LIMIT ?1";
    let mut statement = connection.prepare(sql)?;
    let mut rows = statement.query([i64::try_from(FAULTS_MAX).unwrap_or(i64::MAX)])?;
    while let Some(row) = rows.next()? {
        let text: Vec<u8> = row.get(1)?;
        let (buyer, hold, other): (String, String, String) =
            (row.get(0)?, row.get(2)?, row.get(3)?);
        let is_lost: bool = row.get(4)?;
        note(&mut facts.references, || {
            let reference = String::from_utf8_lossy(&text);
            let fault =
                if is_lost { "which is not stored".into() } else { format!("buyer {other}'s") };
            format!("reference `{reference}` of buyer {buyer} is that of hold {hold}, {fault}")
        });
    }
    Ok(())
}

/// The period that the entries of one event cover.
fn period(span: &LogSpan) -> Option<LogPeriod> {
    let (from, to) = span.times?;
    Some(LogPeriod { from, to, entries: span.entries, whole: true })
}

/// The earlier and the later of what is known and one more time.
fn widened(times: Option<(Timestamp, Timestamp)>, at: Timestamp) -> (Timestamp, Timestamp) {
    times.map_or((at, at), |(from, to)| (from.min(at), to.max(at)))
}

#[cfg(test)]
mod tests;
