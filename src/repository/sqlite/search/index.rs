//! Events in memory, to be looked for: what an engine keeps whose own tables cannot be.

use std::collections::{HashMap, HashSet};

use rusqlite::{Connection, params};

use super::super::failure::Outcome;
use super::super::{catalogue, schema};
use super::{Found, search};
use crate::domain::{Event, EventId, EventPage, EventQuery, Timestamp};
use crate::repository::Result;

/// An event, and whether it is said to have tickets that can be had.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::repository) struct IndexedEvent {
    pub(in crate::repository) event: Event,
    pub(in crate::repository) has_tickets: bool,
}

/// The events of a store that is somewhere else, as they were when it was last updated.
#[derive(Debug)]
pub(in crate::repository) struct EventIndex {
    connection: Connection,
    known: HashMap<EventId, IndexedEvent>,
    sold_out: HashSet<i64>,
}

impl EventIndex {
    /// An index of no events.
    pub(in crate::repository) fn new() -> Result<Self> {
        Self::empty().map_err(|failure| failure.leave("make an index of events"))
    }

    fn empty() -> Outcome<Self> {
        let connection = Connection::open_in_memory()?;
        // Nothing here outlives the process.
        connection.pragma_update(None, "journal_mode", "OFF")?;
        connection.pragma_update(None, "synchronous", "OFF")?;
        connection.set_prepared_statement_cache_capacity(64);
        schema::apply(&connection)?;
        Ok(Self { connection, known: HashMap::new(), sold_out: HashSet::new() })
    }

    /// Makes these events the ones to be looked for.
    pub(in crate::repository) fn update(&mut self, events: Vec<IndexedEvent>) -> Result<()> {
        let Err(failure) = self.bring_up_to(events) else { return Ok(()) };
        // How much of it was done is not known.
        *self = Self::new()?;
        Err(failure.leave("bring the index of events up to date"))
    }

    fn bring_up_to(&mut self, events: Vec<IndexedEvent>) -> Outcome<()> {
        self.connection.execute_batch("BEGIN")?;
        let there: HashSet<EventId> = events.iter().map(|e| e.event.event_id).collect();
        let gone: Vec<EventId> =
            self.known.keys().filter(|id| !there.contains(id)).copied().collect();
        for id in gone {
            self.remove(id)?;
        }
        for event in events {
            if self.known.get(&event.event.event_id) != Some(&event) {
                self.put(event)?;
            }
        }
        self.connection.execute_batch("COMMIT")?;
        Ok(())
    }

    /// Looks for events. Whether one has tickets is what the index was told.
    pub(in crate::repository) fn search(&self, query: &EventQuery) -> Result<EventPage> {
        let available = |_: &Connection, found: &Found| {
            Ok(found.on_sale > 0 && !self.sold_out.contains(&found.event_no))
        };
        search(&self.connection, query, &available)
            .map_err(|failure| failure.leave("search the events"))
    }

    fn put(&mut self, new: IndexedEvent) -> Outcome<()> {
        let event = &new.event;
        let before = self.known.get(&event.event_id);
        if before.is_some_and(|before| before.event.draft != event.draft) {
            self.remove(event.event_id)?;
        }
        let connection = &self.connection;
        catalogue::insert_event(connection, &event.draft)?;
        let minted_at = event.minted.then_some(Timestamp::from_millis(0));
        let event_no = connection
            .prepare_cached(
                "UPDATE events SET tickets = ?2, minted_at = ?3 WHERE event_id = ?1
                 RETURNING event_no",
            )?
            .query_row(params![event.event_id, event.tickets.cast_signed(), minted_at], |row| {
                row.get(0)
            })?;
        if new.has_tickets {
            self.sold_out.remove(&event_no);
        } else {
            self.sold_out.insert(event_no);
        }
        self.known.insert(event.event_id, new);
        Ok(())
    }

    fn remove(&mut self, event: EventId) -> Outcome<()> {
        self.connection.execute("DELETE FROM events WHERE event_id = ?1", [event])?;
        self.known.remove(&event);
        Ok(())
    }
}
