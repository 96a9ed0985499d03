//! Who waits, by what they wait for: the next entry to serve, found without reading those that cannot
//! be served.
//!
//! Entries of one scope (section and type) and size fit the same tickets, so where the first of a group
//! does not fit, none of it does. An entry whose buyer may own no more is parked until that can change,
//! and not read again before. So what serving costs depends on the number of groups and of offers, not
//! on the number of entries.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use rusqlite::{Connection, OptionalExtension, params};

use super::failure::Outcome;
use super::writer::Tx;
use crate::domain::limit::Tally;
use crate::domain::waitlist::{WAITING_MAX, check_waiting};
use crate::domain::{BuyerId, NewEntry, Timestamp, Wish};

/// Entries of one scope and size.
#[derive(Debug)]
struct Group {
    scope: String,
    size: u32,
}

/// The groups that may be served, each with its first entry.
#[derive(Debug, Default)]
pub(super) struct Groups {
    groups: Vec<Group>,
    heads: BinaryHeap<Reverse<(i64, usize)>>,
}

impl Groups {
    /// The groups of an event that wait for tickets of these sections, of `largest` tickets at most.
    pub(super) fn of<'s>(
        connection: &Connection,
        event_no: i64,
        sections: impl Iterator<Item = &'s str>,
        largest: u32,
    ) -> Outcome<Self> {
        let mut found = Self::default();
        for section in sections.chain([""]) {
            found.add(connection, event_no, section, largest)?;
        }
        Ok(found)
    }

    fn add(
        &mut self,
        connection: &Connection,
        event_no: i64,
        section: &str,
        largest: u32,
    ) -> Outcome<()> {
        let sql = "SELECT scope, size, entry_no FROM waitlist
                    WHERE event_no = ?1 AND status = 'waiting' AND parked_until IS NULL
                      AND (scope, size) > (?2, ?3) AND scope < ?4
                    ORDER BY scope, size, entry_no LIMIT 1";
        let mut statement = connection.prepare_cached(sql)?;
        let (mut scope, end) = Wish::scopes_of(section);
        let mut size = 0;
        loop {
            let next = statement.query_row(params![event_no, scope, size, end], |row| {
                Ok((row.get::<_, String>(0)?, row.get::<_, u32>(1)?, row.get::<_, i64>(2)?))
            });
            let Some((next_scope, next_size, first)) = next.optional()? else { return Ok(()) };
            if next_size <= largest {
                self.heads.push(Reverse((first, self.groups.len())));
                self.groups.push(Group { scope: next_scope.clone(), size: next_size });
            }
            scope = next_scope;
            // The groups of a scope are read by size: from here on they are too large.
            size = if next_size < largest { next_size } else { u32::MAX };
        }
    }

    /// The next entry in line and the number of its group, which then has no entry until
    /// [`Self::go_on`].
    pub(super) fn next(&mut self) -> Option<(i64, usize)> {
        self.heads.pop().map(|Reverse(head)| head)
    }

    /// Goes on to the next entry of a group that can be served.
    pub(super) fn go_on(
        &mut self,
        connection: &Connection,
        event_no: i64,
        (last, number): (i64, usize),
    ) -> Outcome<()> {
        let Some(Group { scope, size }) = self.groups.get(number) else { return Ok(()) };
        let sql = "SELECT entry_no FROM waitlist
                    WHERE event_no = ?1 AND status = 'waiting' AND parked_until IS NULL
                      AND scope = ?2 AND size = ?3 AND entry_no > ?4
                    ORDER BY entry_no LIMIT 1";
        let mut statement = connection.prepare_cached(sql)?;
        let values = params![event_no, scope, size, last];
        let next = statement.query_row(values, |row| row.get(0)).optional()?;
        self.heads.extend(next.map(|next| Reverse((next, number))));
        Ok(())
    }
}

/// Does not read an entry again before its buyer may own more: when the first of what the buyer owns
/// may lapse, or when a step frees some of it.
pub(super) fn park(tx: &Tx<'_, '_>, entry_no: i64, owned: &Tally) -> Outcome<()> {
    let until = owned.changes_at().unwrap_or(Timestamp::from_millis(i64::MAX));
    let sql = "UPDATE waitlist SET parked_until = ?2 WHERE entry_no = ?1";
    tx.statements.cached(sql)?.execute(params![entry_no, until])?;
    Ok(())
}

/// Reads the entries of an event again whose buyers may own more by now.
pub(super) fn unpark_due(tx: &Tx<'_, '_>, event_no: i64) -> Outcome<()> {
    let sql = "UPDATE waitlist SET parked_until = NULL
                WHERE event_no = ?1 AND status = 'waiting' AND parked_until <= ?2";
    tx.statements.cached(sql)?.execute(params![event_no, tx.now])?;
    Ok(())
}

/// Reads the entries of a buyer again who owns less of an event now, or will sooner.
pub(super) fn unpark(tx: &Tx<'_, '_>, event_no: i64, buyer: BuyerId) -> Outcome<()> {
    let sql = "UPDATE waitlist SET parked_until = NULL
                WHERE event_no = ?1 AND buyer_id = ?2 AND status = 'waiting'
                  AND parked_until IS NOT NULL";
    tx.statements.cached(sql)?.execute(params![event_no, buyer])?;
    Ok(())
}

/// Checks that neither the buyer nor the session of a new entry has too many that wait.
pub(super) fn check_room(tx: &Tx<'_, '_>, event_no: i64, new: &NewEntry) -> Outcome<()> {
    let sql = "SELECT max(
            (SELECT count(*) FROM (SELECT 1 FROM waitlist
               WHERE event_no = ?1 AND buyer_id = ?2 AND status = 'waiting' LIMIT ?4)),
            (SELECT count(*) FROM (SELECT 1 FROM waitlist
               WHERE event_no = ?1 AND session_id = ?3 AND status = 'waiting' LIMIT ?4)))";
    let mut statement = tx.statements.cached(sql)?;
    let values = params![event_no, new.buyer_id, new.session_id, WAITING_MAX];
    let waiting = statement.query_row(values, |row| row.get(0))?;
    Ok(check_waiting(waiting)?)
}
