//! What each section may still have for those who wait, so that whoever joins the line need not look
//! into all of them.
//!
//! It lives in the memory of the writer and is only ever a hint: it says for how large a group a
//! section has room *at most*. That stays right while nothing comes free. What frees tickets says so
//! here, as it serves the line; what another process changed is noticed inside the transaction, and
//! makes all of it unknown; and no deadline passes unnoticed, because a hint ends with the first of
//! them. A transaction that is rolled back drops the whole of it.

use std::collections::HashMap;

use rusqlite::{Connection, params};

use super::catalogue::{self, StoredSection};
use super::failure::Outcome;
use super::statements::TicketNo;
use crate::domain::Timestamp;

/// What is known of the sections of the events that somebody waits for.
#[derive(Debug, Default)]
pub(super) struct Outlook {
    /// What SQLite counts up when another connection changes the store.
    version: Option<i64>,
    events: HashMap<i64, Vec<Prospect>>,
}

/// What is known of one section.
#[derive(Debug)]
pub(super) struct Prospect {
    /// The section.
    pub(super) stored: StoredSection,
    /// The largest group that has room in it, or had when it was looked at.
    largest: u32,
    /// When more may come free by itself.
    until: Timestamp,
}

impl Outlook {
    /// The sections of an event, in the order of the venue.
    pub(super) fn of(
        &mut self,
        connection: &Connection,
        event_no: i64,
    ) -> Outcome<&mut Vec<Prospect>> {
        let mut version = connection.prepare_cached("PRAGMA data_version")?;
        let version: i64 = version.query_row([], |row| row.get(0))?;
        if self.version.replace(version) != Some(version) {
            self.events.clear();
        }
        let prospects = self.events.entry(event_no).or_default();
        if prospects.is_empty() {
            let sections = catalogue::sections(connection, event_no)?;
            prospects.extend(sections.into_iter().map(Prospect::unknown));
        }
        Ok(prospects)
    }

    /// Notes that tickets of an event came free.
    pub(super) fn came_free(&mut self, event_no: i64, tickets: &[TicketNo]) {
        let prospects = self.events.get_mut(&event_no).into_iter().flatten();
        for prospect in prospects.filter(|prospect| prospect.has_any(tickets)) {
            prospect.until = Timestamp::from_millis(i64::MIN);
        }
    }
}

impl Prospect {
    fn unknown(stored: StoredSection) -> Self {
        Self { stored, largest: 0, until: Timestamp::from_millis(i64::MIN) }
    }

    /// The first number of its tickets, and the one behind the last.
    fn span(&self) -> (TicketNo, TicketNo) {
        (self.stored.first_ticket, self.stored.end())
    }

    /// Whether any of these tickets is of this section.
    pub(super) fn has_any(&self, tickets: &[TicketNo]) -> bool {
        let (first, end) = self.span();
        tickets.iter().any(|ticket| (first..end).contains(ticket))
    }

    /// Whether the section may have room for a group.
    pub(super) fn may_have(&self, group: u32, now: Timestamp) -> bool {
        now >= self.until || self.largest >= group
    }

    /// Notes the largest group that has room as of `now`. Holds that begin from now on last until
    /// `fresh_until` at least.
    pub(super) fn saw(
        &mut self,
        connection: &Connection,
        largest: u32,
        now: Timestamp,
        fresh_until: Timestamp,
    ) -> Outcome<()> {
        let (first, end) = self.span();
        // A payment that is declined gives its hold back with the deadline that it had.
        let sql = "SELECT min(expires_at) FROM order_queue
                    WHERE ticket_no >= ?1 AND ticket_no < ?2 AND expires_at > ?3
                      AND status IN ('held', 'paying')";
        let mut statement = connection.prepare_cached(sql)?;
        let next: Option<Timestamp> =
            statement.query_row(params![first, end, now], |row| row.get(0))?;
        self.until = next.map_or(fresh_until, |next| next.min(fresh_until));
        self.largest = largest;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::repository::sqlite::SCHEMA;
    use crate::repository::sqlite::failure::Failure;

    const ROWS: &str = "
        INSERT INTO venue_sections VALUES (1, 1, 'Floor', 'regular', '', 1, 1, 4),
                                          (2, 1, 'Box', 'regular', '', 1, 5, 2);
        INSERT INTO order_queue (ticket_no, status, expires_at)
        VALUES (1, 'held', 50), (2, 'paying', 40), (3, 'sold', 30), (5, 'held', 90);";

    fn ms(at: i64) -> Timestamp {
        Timestamp::from_millis(at)
    }

    fn done<T>(outcome: Outcome<T>) -> T {
        outcome.map_err(|f: Failure| f.leave("look")).unwrap()
    }

    /// Which sections may have room for a pair.
    fn rooms(outlook: &mut Outlook, connection: &Connection, now: i64) -> Vec<bool> {
        let sections = done(outlook.of(connection, 1));
        sections.iter().map(|section| section.may_have(2, ms(now))).collect()
    }

    #[test]
    fn a_section_that_was_full_is_looked_at_again_once_more_may_be_free() {
        let folder = tempfile::TempDir::new().unwrap();
        let open = || Connection::open(folder.path().join("tix.db")).unwrap();
        let (own, other) = (open(), open());
        own.pragma_update(None, "journal_mode", "WAL").unwrap();
        own.pragma_update(None, "foreign_keys", false).unwrap();
        own.execute_batch(SCHEMA).unwrap();
        own.execute_batch(ROWS).unwrap();

        let mut outlook = Outlook::default();
        let look = |outlook: &mut Outlook| {
            for section in done(outlook.of(&own, 1)) {
                done(section.saw(&own, 1, ms(10), ms(70)));
            }
        };
        assert_eq!(rooms(&mut outlook, &own, 10), [true, true], "nobody looked yet");
        look(&mut outlook);
        assert_eq!(rooms(&mut outlook, &own, 39), [false, false]);
        // The payment may be declined and its hold lapse; a hold of later on lapses at 70.
        assert_eq!(rooms(&mut outlook, &own, 40), [true, false]);
        assert_eq!(rooms(&mut outlook, &own, 70), [true, true]);

        outlook.came_free(1, &[6]);
        assert_eq!(rooms(&mut outlook, &own, 11), [false, true]);
        look(&mut outlook);
        own.execute("DELETE FROM order_queue WHERE ticket_no = 3", []).unwrap();
        assert_eq!(rooms(&mut outlook, &own, 11), [false, false], "its own changes are told");
        other.execute("DELETE FROM order_queue WHERE ticket_no = 5", []).unwrap();
        assert_eq!(rooms(&mut outlook, &own, 11), [true, true], "another process changed it");
    }
}
