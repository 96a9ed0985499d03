//! Deleting an event and everything of it.
//!
//! One transaction takes the event out of `events` and writes a row into `deleted_events`: from then on
//! every process refuses it as unknown. Its other rows follow in short transactions, so that sales
//! beside it go on; a call that dies between two of them is completed by the next one. Holds go first,
//! because no step changes anything without a hold, and the log goes last, when nothing is added to it.
//!
//! The row stays. It keeps the numbers of the event and of its tickets from being used again, for which
//! other processes may have them in memory, and its slug, from which the ids of its tickets follow. It
//! also says how many entries the log has lost by it, so that the audit can tell them from missing ones.

use std::collections::HashSet;

use rusqlite::{Connection, OptionalExtension, params};

use super::catalogue::{self, Cache};
use super::failure::Outcome;
use super::ownership::log_end;
use super::writer::Tx;
use crate::domain::{EventId, Refusal};

/// Rows that one transaction looks at: bounds how long other requests wait.
const ROWS: i64 = 20_000;

/// The change by which the log notes that an event was deleted. It is of no ticket, and keeps the
/// positions of the entries before it from being used again.
pub(crate) const EVENT_DELETED: &str = "event_deleted";

/// The events that were deleted, as far as the writer of a process knows.
#[derive(Debug, Default)]
pub(super) struct Deletions {
    /// How many there are; none where nothing was read yet.
    count: Option<i64>,
    event_nos: HashSet<i64>,
}

impl Deletions {
    /// Learns what was deleted since the last transaction, by whatever process. Must be called in every
    /// transaction before a request runs; `count` is how many events are deleted, none where only this
    /// process deletes any.
    pub(super) fn catch_up(
        &mut self,
        connection: &Connection,
        cache: &Cache,
        count: Option<i64>,
    ) -> Outcome<()> {
        if self.count.is_some() && (count.is_none() || count == self.count) {
            return Ok(());
        }
        let mut statement = connection.prepare_cached("SELECT event_no FROM deleted_events")?;
        let event_nos = statement.query_map([], |row| row.get(0))?;
        self.event_nos = event_nos.collect::<Result<_, _>>()?;
        self.count = i64::try_from(self.event_nos.len()).ok();
        cache.clear();
        Ok(())
    }

    /// How many there are; none where nothing was read yet.
    pub(super) const fn count(&self) -> Option<i64> {
        self.count
    }

    /// Whether the event with this number was deleted.
    pub(super) fn contains(&self, event_no: i64) -> bool {
        self.event_nos.contains(&event_no)
    }

    fn add(&mut self, event_no: i64) {
        self.event_nos.insert(event_no);
        self.count = self.count.map(|count| count + 1);
    }

    /// Refuses whoever read the event before it was deleted.
    pub(super) fn check(&self, event_no: i64, event: EventId) -> Result<(), Refusal> {
        if self.contains(event_no) {
            return Err(Refusal::UnknownEvent { name: event.to_string() });
        }
        Ok(())
    }
}

/// What was held of an event, as of an entry of the log.
#[derive(Debug, Clone, Copy)]
pub(super) struct Past {
    pub(super) holds: u64,
    log_end: i64,
}

/// Counts what was ever held of an event. It looks at all holds of the store, so not in a transaction
/// that writes.
pub(super) fn past(connection: &Connection, event: EventId) -> Outcome<Past> {
    let log_end = log_end(connection)?;
    let sql = "SELECT count(*) FROM holds JOIN events USING (event_no) WHERE event_id = ?1";
    let holds: i64 = connection.query_row(sql, [event], |row| row.get(0))?;
    Ok(Past { holds: u64::try_from(holds).unwrap_or(0), log_end })
}

/// A deletion that was begun.
#[derive(Debug, Clone, Copy)]
pub(super) struct Deletion {
    event_no: i64,
    /// The number of its first ticket, and the one behind the last.
    tickets: (i64, i64),
}

/// The next transaction of a deletion.
#[derive(Debug, Clone)]
pub(super) enum Step {
    Holds { after: Vec<u8> },
    Orders,
    Waitlist,
    Tickets { from: i64 },
    Sections,
    Log { after: i64 },
    Finish,
}

impl Step {
    /// The first one after [`begin`].
    pub(super) const FIRST: Self = Self::Holds { after: Vec::new() };
}

/// Makes the event unknown, if it may be deleted; finds a deletion that was begun before.
pub(super) fn begin(tx: &mut Tx<'_, '_>, event: EventId, past: Past) -> Outcome<Deletion> {
    let connection = tx.statements.connection;
    if let Some(begun) = under_way(connection, event)? {
        return Ok(begun);
    }
    let stored = catalogue::event(connection, event)?;
    let (first, last) = stored.tickets();
    let sql = "SELECT count(*) FROM change_log
                WHERE position > ?1 AND ticket_no BETWEEN ?2 AND ?3 AND change = 'held'";
    let since: i64 =
        connection.query_row(sql, params![past.log_end, first, last], |row| row.get(0))?;
    stored.event.may_delete(past.holds.saturating_add(u64::try_from(since).unwrap_or(0)))?;
    connection.execute(
        "INSERT INTO deleted_events (event_no, event_id, slug, first_ticket, tickets, log_entries,
                                     line_entries, deleted_at)
         SELECT event_no, event_id, slug, first_ticket, tickets, 0, 0, ?2
           FROM events WHERE event_no = ?1",
        params![stored.event_no, tx.now],
    )?;
    connection.execute("DELETE FROM events WHERE event_no = ?1", [stored.event_no])?;
    connection.execute("DELETE FROM events_sold_late WHERE event_no = ?1", [stored.event_no])?;
    tx.deletions.add(stored.event_no);
    tx.cache.clear();
    Ok(Deletion { event_no: stored.event_no, tickets: (first, last + 1) })
}

fn under_way(connection: &Connection, event: EventId) -> Outcome<Option<Deletion>> {
    let sql = "SELECT event_no, first_ticket, first_ticket + tickets FROM deleted_events
                WHERE event_id = ?1 AND cleared_at IS NULL";
    let read = |row: &rusqlite::Row<'_>| {
        Ok(Deletion { event_no: row.get(0)?, tickets: (row.get(1)?, row.get(2)?) })
    };
    Ok(connection.query_row(sql, [event], read).optional()?)
}

/// Makes one step; returns the next one, none where nothing of the event is left.
pub(super) fn remove(tx: &Tx<'_, '_>, deletion: Deletion, step: &Step) -> Outcome<Option<Step>> {
    let Deletion { event_no, tickets: (first, end) } = deletion;
    let connection = tx.statements.connection;
    Ok(Some(match step {
        Step::Holds { after } => match remove_holds(connection, event_no, after)? {
            Some(after) => Step::Holds { after },
            None => Step::Orders,
        },
        Step::Orders => {
            let sql = "DELETE FROM orders WHERE order_id IN
                           (SELECT order_id FROM orders WHERE event_no = ?1 LIMIT ?2)";
            if connection.execute(sql, [event_no, ROWS])? > 0 {
                Step::Orders
            } else {
                Step::Waitlist
            }
        }
        Step::Waitlist => {
            let sql = "DELETE FROM waitlist WHERE entry_no IN
                           (SELECT entry_no FROM waitlist WHERE event_no = ?1 LIMIT ?2)";
            let removed = connection.execute(sql, [event_no, ROWS])?;
            connection.execute(
                "UPDATE deleted_events SET line_entries = line_entries + ?2 WHERE event_no = ?1",
                params![event_no, i64::try_from(removed).unwrap_or(i64::MAX)],
            )?;
            if removed > 0 { Step::Waitlist } else { Step::Tickets { from: first } }
        }
        Step::Tickets { from } if *from < end => {
            let to = end.min(from.saturating_add(ROWS));
            for table in ["order_queue", "tickets"] {
                let sql = format!("DELETE FROM {table} WHERE ticket_no >= ?1 AND ticket_no < ?2");
                connection.execute(&sql, [*from, to])?;
            }
            Step::Tickets { from: to }
        }
        Step::Tickets { .. } => Step::Sections,
        Step::Sections => {
            connection.execute("DELETE FROM venue_sections WHERE event_no = ?1", [event_no])?;
            Step::Log { after: 0 }
        }
        Step::Log { after: 0 } => {
            // Nothing is logged about the event any more: no position behind this one is removed, and
            // none is used again.
            connection.execute(
                "INSERT INTO change_log (at, ticket_no, change) VALUES (?1, 0, ?2)",
                params![tx.now, EVENT_DELETED],
            )?;
            Step::Log { after: 1 }
        }
        Step::Log { after } if *after < log_end(connection)? => {
            let to = after.saturating_add(ROWS);
            let sql = "DELETE FROM change_log WHERE position >= ?1 AND position <= ?2
                          AND ticket_no >= ?3 AND ticket_no < ?4";
            let removed = connection.execute(sql, [*after, to, first, end])?;
            connection.execute(
                "UPDATE deleted_events SET log_entries = log_entries + ?2 WHERE event_no = ?1",
                params![event_no, i64::try_from(removed).unwrap_or(i64::MAX)],
            )?;
            Step::Log { after: to }
        }
        Step::Log { .. } => Step::Finish,
        Step::Finish => {
            connection.execute(
                "UPDATE deleted_events SET cleared_at = ?2 WHERE event_no = ?1",
                params![event_no, tx.now],
            )?;
            return Ok(None);
        }
    }))
}

/// Removes those of the next holds that are of this event; returns the last one that was looked at, none
/// where there was none. Holds are not indexed by event.
fn remove_holds(connection: &Connection, event_no: i64, after: &[u8]) -> Outcome<Option<Vec<u8>>> {
    let sql = "SELECT max(hold_id) FROM
                   (SELECT hold_id FROM holds WHERE hold_id > ?1 ORDER BY hold_id LIMIT ?2)";
    let last: Option<Vec<u8>> =
        connection.query_row(sql, params![after, ROWS], |row| row.get(0))?;
    if let Some(last) = &last {
        let sql = "DELETE FROM payment_references WHERE hold_id IN
                       (SELECT hold_id FROM holds
                         WHERE hold_id > ?1 AND hold_id <= ?2 AND event_no = ?3)";
        connection.execute(sql, params![after, last, event_no])?;
        let sql = "DELETE FROM holds WHERE hold_id > ?1 AND hold_id <= ?2 AND event_no = ?3";
        connection.execute(sql, params![after, last, event_no])?;
    }
    Ok(last)
}

/// Whether a ticket with this number was of an event that was deleted, or of none because the entry of
/// the log only notes a deletion.
pub(super) fn was_of_deleted(connection: &Connection, ticket_no: i64) -> Outcome<bool> {
    let sql = "SELECT ?1 = 0 OR EXISTS (SELECT 1 FROM deleted_events
                WHERE ?1 >= first_ticket AND ?1 < first_ticket + tickets)";
    Ok(connection.prepare_cached(sql)?.query_row([ticket_no], |row| row.get(0))?)
}

/// Whether an event with this id was deleted.
pub(super) fn is_deleted(connection: &Connection, event: EventId) -> Outcome<bool> {
    let sql = "SELECT EXISTS (SELECT 1 FROM deleted_events WHERE event_id = ?1)";
    Ok(connection.prepare_cached(sql)?.query_row([event], |row| row.get(0))?)
}

/// Whether an event with this number was deleted.
pub(super) fn has_number(connection: &Connection, event_no: i64) -> Outcome<bool> {
    let sql = "SELECT EXISTS (SELECT 1 FROM deleted_events WHERE event_no = ?1)";
    Ok(connection.prepare_cached(sql)?.query_row([event_no], |row| row.get(0))?)
}
