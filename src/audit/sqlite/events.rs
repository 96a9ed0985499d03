//! Where in the store an event's tickets and log entries are.

use std::time::Duration;

use rusqlite::{Connection, Row};

use super::widened;
use crate::audit::evidence::EventFacts;
use crate::domain::{SaleTerms, Timestamp};

/// An event and the numbers of its tickets.
#[derive(Debug)]
pub(super) struct EventPlace {
    /// Its key.
    pub(super) event_no: i64,
    /// The number of its first ticket.
    pub(super) first: i64,
    /// The number of its last ticket; below the first where it has none.
    pub(super) last: i64,
    /// What is stored about it.
    pub(super) facts: EventFacts,
}

/// Where in the log an event's entries are.
#[derive(Debug, Clone, Default)]
pub(super) struct LogSpan {
    /// The positions of the first and the last.
    pub(super) positions: Option<(i64, i64)>,
    /// The earliest and the latest time.
    pub(super) times: Option<(Timestamp, Timestamp)>,
    /// How many there are.
    pub(super) entries: u64,
}

impl LogSpan {
    pub(super) fn add(&mut self, position: i64, at: Timestamp) {
        let first = self.positions.map_or(position, |(first, _)| first);
        self.positions = Some((first, position));
        self.times = Some(widened(self.times, at));
        self.entries += 1;
    }
}

/// Every event: first those without tickets, which have no numbers that mean anything, then the
/// others by the numbers of their tickets.
pub(super) fn places(connection: &Connection) -> rusqlite::Result<Vec<EventPlace>> {
    let mut statement = connection.prepare(
        "SELECT event_no, first_ticket, tickets, event_id, limit_per_buyer, time_to_pay_ms,
                payment_time_ms, minted_at IS NOT NULL,
                (SELECT coalesce(sum(s.tickets), 0) FROM venue_sections s
                  WHERE s.event_no = e.event_no)
           FROM events e ORDER BY tickets > 0, first_ticket, event_no",
    )?;
    statement.query_map([], place)?.collect()
}

fn place(row: &Row<'_>) -> rusqlite::Result<EventPlace> {
    let (first, tickets): (i64, i64) = (row.get(1)?, row.get(2)?);
    let section_tickets: i64 = row.get(8)?;
    let terms = SaleTerms {
        limit: row.get(4)?,
        time_to_pay: span(row.get(5)?),
        payment_time: span(row.get(6)?),
    };
    Ok(EventPlace {
        event_no: row.get(0)?,
        first,
        last: first.saturating_add(tickets).saturating_sub(1),
        facts: EventFacts {
            event_id: row.get(3)?,
            terms,
            declared_tickets: u64::try_from(tickets).unwrap_or(0),
            section_tickets: u64::try_from(section_tickets).unwrap_or(0),
            minted: row.get(7)?,
        },
    })
}

fn span(millis: i64) -> Duration {
    Duration::from_millis(u64::try_from(millis).unwrap_or(0))
}

/// The event that has this ticket number.
pub(super) fn place_of(places: &[EventPlace], ticket_no: i64) -> Option<usize> {
    let after = places.partition_point(|place| place.first <= ticket_no);
    let place = after.checked_sub(1)?;
    (ticket_no <= places[place].last).then_some(place)
}

/// The ranges of numbers that no event has.
pub(super) fn gaps(places: &[EventPlace]) -> Vec<(i64, i64)> {
    let mut from = i64::MIN;
    let mut gaps = Vec::with_capacity(places.len() + 1);
    for place in places.iter().filter(|place| place.first <= place.last) {
        if from < place.first {
            gaps.push((from, place.first - 1));
        }
        from = from.max(place.last.saturating_add(1));
    }
    gaps.push((from, i64::MAX));
    gaps
}
