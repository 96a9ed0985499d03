//! Where to look for the tickets that a buyer owns, so that his limit can be counted without an
//! index on disk.
//!
//! An index by buyer would be written at a random place for every claim, and halves the rate of an
//! on-sale. This one lives in the memory of the writer and is only ever a hint: it names *at least*
//! every ticket whose row has the buyer, and each is judged by its row. It is filled from the rows
//! when an event is first claimed from, grows with every claim of this process, and learns the
//! claims of other processes from the change log, inside the transaction that counts. Nothing is
//! ever taken out, which could leave a name too few; a name too many is harmless. A transaction
//! that is rolled back drops the whole of it.

use std::collections::{HashMap, HashSet};

use rusqlite::{Connection, Params, Row, params};
use smallvec::SmallVec;

use super::catalogue::StoredEvent;
use super::failure::Outcome;
use super::statements::TicketNo;
use crate::domain::BuyerId;

/// Buyers kept before all are dropped and filled anew from the rows: about 64 MiB.
const BUYERS_MAX: usize = 1_000_000;

/// The tickets of one buyer; few buy more than a pair.
type Names = SmallVec<[TicketNo; 2]>;

/// Which tickets each buyer may own.
#[derive(Debug, Default)]
pub(super) struct Ownership {
    /// The events whose rows were read.
    events: HashSet<i64>,
    /// How far the change log is known.
    position: i64,
    names: HashMap<BuyerId, Names>,
}

impl Ownership {
    /// Learns what other processes claimed since the last transaction of this one. Must be called
    /// first in every transaction.
    pub(super) fn catch_up(&mut self, connection: &Connection) -> Outcome<()> {
        if self.names.len() > BUYERS_MAX {
            *self = Self::default();
        }
        if self.events.is_empty() {
            return Ok(());
        }
        let end = log_end(connection)?;
        if end != self.position {
            let sql = "SELECT DISTINCT q.buyer_id, q.ticket_no FROM change_log l
                         JOIN order_queue q USING (ticket_no)
                        WHERE l.position > ?1 AND l.change = 'held' AND q.buyer_id IS NOT NULL";
            self.learn(connection, sql, [self.position])?;
            self.position = end;
        }
        Ok(())
    }

    /// Notes how far the log reaches once this process's transaction has committed; `end` was read
    /// inside of it.
    pub(super) fn committed(&mut self, end: i64) {
        self.position = end;
    }

    /// Whether a transaction has to tell where the log ended.
    pub(super) fn follows_log(&self) -> bool {
        !self.events.is_empty()
    }

    /// The tickets of the event that the buyer may own.
    pub(super) fn of(
        &mut self,
        connection: &Connection,
        buyer: BuyerId,
        event: &StoredEvent,
    ) -> Outcome<Names> {
        if self.events.is_empty() {
            self.position = log_end(connection)?;
        }
        let (first, last) = event.tickets();
        if self.events.insert(event.event_no) {
            let sql = "SELECT buyer_id, ticket_no FROM order_queue
                        WHERE ticket_no BETWEEN ?1 AND ?2 AND buyer_id IS NOT NULL";
            self.learn(connection, sql, params![first, last])?;
        }
        let Some(names) = self.names.get(&buyer) else { return Ok(Names::new()) };
        Ok(names.iter().copied().filter(|ticket| (first..=last).contains(ticket)).collect())
    }

    /// Adds the buyers and tickets that a query names.
    fn learn(&mut self, connection: &Connection, sql: &str, values: impl Params) -> Outcome<()> {
        let read = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?));
        for name in connection.prepare_cached(sql)?.query_map(values, read)? {
            let (buyer, ticket) = name?;
            self.claimed(buyer, ticket);
        }
        Ok(())
    }

    /// Notes that the buyer claims a ticket.
    pub(super) fn claimed(&mut self, buyer: BuyerId, ticket: TicketNo) {
        let names = self.names.entry(buyer).or_default();
        if !names.contains(&ticket) {
            names.push(ticket);
        }
    }
}

/// The last position of the change log, inside the caller's transaction.
pub(super) fn log_end(connection: &Connection) -> Outcome<i64> {
    let sql = "SELECT coalesce(max(position), 0) FROM change_log";
    Ok(connection.prepare_cached(sql)?.query_row([], |row| row.get(0))?)
}
