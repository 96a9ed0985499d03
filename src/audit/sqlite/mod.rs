//! Reads the evidence from a SQLite store, with queries of its own.
//!
//! Everything is read in one transaction, so that it is of one moment although others go on writing.
//! One event is in memory at a time.

use rusqlite::{Connection, Row, params};

use self::events::{EventPlace, LogSpan};
use super::evidence::Evidence;
use super::store::{FAULTS_MAX, StoreFacts, note, wider};
use crate::audit::report::LogPeriod;
use crate::domain::{EventId, Refusal, Timestamp};
use crate::repository::sqlite::open_reader;
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
    let places = events::places(&transaction).map_err(unreadable)?;
    if let Some(event) = event
        && !places.iter().any(|place| place.facts.event_id == event)
    {
        return Err(Refusal::UnknownEvent { name: event.to_string() }.into());
    }
    let mut facts = StoreFacts::default();
    let spans = survey(&transaction, &places, &mut facts).map_err(unreadable)?;
    strays(&transaction, &places, &mut facts).map_err(unreadable)?;
    for (place, span) in places.into_iter().zip(spans) {
        if event.is_none_or(|event| event == place.facts.event_id) {
            facts.log = wider(facts.log.take(), period(&span));
            judge(&rows::evidence(&transaction, place, &span).map_err(unreadable)?);
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
        (_, 0) => (StoreFault::OtherSchema, "the store has the schema of an earlier tix"),
        _ => return Ok(()),
    };
    Err(StoreError::new(fault, why).into())
}

fn unreadable(error: rusqlite::Error) -> Error {
    let fault = match error.sqlite_error_code() {
        Some(rusqlite::ErrorCode::NotADatabase) => StoreFault::NotAStore,
        Some(rusqlite::ErrorCode::DatabaseCorrupt) => StoreFault::Corrupt,
        _ => StoreFault::Failed,
    };
    StoreError::caused(fault, "could not read the store for the audit", error).into()
}

/// Walks once through the log: finds where each event's entries are, and whether any is missing.
fn survey(
    connection: &Connection,
    places: &[EventPlace],
    facts: &mut StoreFacts,
) -> rusqlite::Result<Vec<LogSpan>> {
    let mut spans = vec![LogSpan::default(); places.len()];
    let sql = "SELECT position, ticket_no, at FROM change_log ORDER BY position";
    let mut statement = connection.prepare(sql)?;
    let mut rows = statement.query([])?;
    let mut last = 0;
    while let Some(row) = rows.next()? {
        let (position, ticket_no): (i64, i64) = (row.get(0)?, row.get(1)?);
        facts.entries += 1;
        facts.entries_missing += u64::try_from(position.saturating_sub(last + 1)).unwrap_or(0);
        last = position;
        match events::place_of(places, ticket_no) {
            Some(place) => spans[place].add(position, row.get(2)?),
            None => note(&mut facts.strays, || {
                format!(
                    "entry {position} of the log is about ticket {ticket_no}, which no event has"
                )
            }),
        }
    }
    Ok(spans)
}

/// Finds tickets and rows with numbers that no event has.
fn strays(
    connection: &Connection,
    places: &[EventPlace],
    facts: &mut StoreFacts,
) -> rusqlite::Result<()> {
    for table in ["tickets", "order_queue"] {
        let sql = format!("SELECT ticket_no FROM {table} WHERE ticket_no BETWEEN ?1 AND ?2");
        let mut statement = connection.prepare(&sql)?;
        for (from, to) in events::gaps(places) {
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
