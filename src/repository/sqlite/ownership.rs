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

use std::collections::HashSet;

use foldhash::HashMap;
use rusqlite::{Connection, Params, Row, params};
use smallvec::SmallVec;

use super::failure::Outcome;
use super::outlook::Outlook;
use super::statements::TicketNo;
use super::values::decode;
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
    /// What may be left for those who wait: forgotten with the rest.
    pub(super) outlook: Outlook,
}

impl Ownership {
    /// Learns what other processes claimed since the last transaction of this one. Must be called in
    /// every transaction before a request runs; `end` is where the change log ends, none where only
    /// this process writes to it.
    pub(super) fn catch_up(&mut self, connection: &Connection, end: Option<i64>) -> Outcome<()> {
        if self.names.len() > BUYERS_MAX {
            self.forget();
        }
        if let Some(end) = end
            && end != self.position
            && !self.events.is_empty()
        {
            let sql = "SELECT DISTINCT q.buyer_id, q.ticket_no FROM change_log l
                         JOIN order_queue q USING (ticket_no)
                        WHERE l.position > ?1 AND l.change = 'held' AND q.buyer_id IS NOT NULL";
            self.learn(connection, sql, [self.position])?;
            self.position = end;
        }
        Ok(())
    }

    /// Forgets everything. Must be called when a transaction is rolled back: it may have learnt from
    /// log entries of that very transaction, whose positions another process will use.
    pub(super) fn forget(&mut self) {
        *self = Self::default();
    }

    /// Notes how far the log reaches once this process's transaction has committed; `end` was read
    /// inside of it.
    pub(super) fn committed(&mut self, end: i64) {
        self.position = end;
    }

    /// The tickets of an event, numbered from `first` to `last`, that the buyer may own.
    pub(super) fn of(
        &mut self,
        connection: &Connection,
        buyer: BuyerId,
        event_no: i64,
        (first, last): (TicketNo, TicketNo),
    ) -> Outcome<Names> {
        if self.events.is_empty() {
            self.position = log_end(connection)?;
        }
        if self.events.insert(event_no) {
            let sql = "SELECT buyer_id, ticket_no FROM order_queue
                        WHERE ticket_no BETWEEN ?1 AND ?2 AND buyer_id IS NOT NULL";
            self.learn(connection, sql, params![first, last])?;
        }
        let Some(names) = self.names.get(&buyer) else { return Ok(Names::new()) };
        Ok(names.iter().copied().filter(|ticket| (first..=last).contains(ticket)).collect())
    }

    /// Adds the buyers and tickets that a query names.
    fn learn(&mut self, connection: &Connection, sql: &str, values: impl Params) -> Outcome<()> {
        let read =
            |row: &Row<'_>| decode("order_queue", row, 1, |row| Ok((row.get(0)?, row.get(1)?)));
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::repository::sqlite::SCHEMA;
    use crate::repository::sqlite::failure::Failure;

    /// Two processes on one file, as far as this module is concerned.
    fn two_processes(folder: &tempfile::TempDir) -> (Connection, Connection) {
        let open = || Connection::open(folder.path().join("tix.db")).unwrap();
        let (one, other) = (open(), open());
        one.pragma_update(None, "journal_mode", "WAL").unwrap();
        one.execute_batch(SCHEMA).unwrap();
        (one, other)
    }

    fn claim(connection: &Connection, buyer: BuyerId, ticket: TicketNo) {
        let row = "INSERT INTO order_queue (ticket_no, status, buyer_id) VALUES (?1, 'held', ?2)";
        connection.execute(row, params![ticket, buyer]).unwrap();
        let log = "INSERT INTO change_log (at, ticket_no, change) VALUES (0, ?1, 'held')";
        connection.execute(log, [ticket]).unwrap();
    }

    fn names(ownership: &mut Ownership, connection: &Connection, buyer: BuyerId) -> Vec<TicketNo> {
        let found = ownership.of(connection, buyer, 1, (1, 100));
        let mut names: Vec<TicketNo> = found.map_err(|f| f.leave("count")).unwrap().to_vec();
        names.sort_unstable();
        names
    }

    #[test]
    fn it_names_what_was_claimed_before_by_others_and_by_itself() {
        let folder = tempfile::TempDir::new().unwrap();
        let (own, other) = two_processes(&folder);
        let (ann, bob) = (BuyerId::fresh(), BuyerId::fresh());
        claim(&own, ann, 1);
        let mut ownership = Ownership::default();
        assert_eq!(names(&mut ownership, &own, ann), [1]);
        claim(&other, ann, 2);
        claim(&other, bob, 3);
        let end = log_end(&own).map_err(|f: Failure| f.leave("find the end")).unwrap();
        ownership.catch_up(&own, Some(end)).map_err(|f: Failure| f.leave("catch up")).unwrap();
        ownership.claimed(ann, 4);
        assert_eq!(names(&mut ownership, &own, ann), [1, 2, 4]);
        assert_eq!(names(&mut ownership, &own, bob), [3]);
    }

    #[test]
    fn forgetting_after_a_rollback_finds_claims_at_reused_positions() {
        let folder = tempfile::TempDir::new().unwrap();
        let (own, other) = two_processes(&folder);
        let ann = BuyerId::fresh();
        let mut ownership = Ownership::default();
        own.execute_batch("BEGIN IMMEDIATE").unwrap();
        claim(&own, BuyerId::fresh(), 1);
        assert_eq!(names(&mut ownership, &own, ann), Vec::<TicketNo>::new());
        own.execute_batch("ROLLBACK").unwrap();
        ownership.forget();
        claim(&other, ann, 2);
        let end = log_end(&own).map_err(|f: Failure| f.leave("find the end")).unwrap();
        ownership.catch_up(&own, Some(end)).map_err(|f: Failure| f.leave("catch up")).unwrap();
        assert_eq!(names(&mut ownership, &own, ann), [2]);
    }
}
