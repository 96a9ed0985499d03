//! Where tickets sit. A ticket's id does not tell its section, so one that nobody has asked for yet
//! is looked for in all of them.

use std::collections::{HashMap, HashSet};

use super::decoder::{Entry, Key};
use crate::domain::{Event, EventId, SeatLabel, TicketId};
use crate::repository::scylla::at_once::at_once;
use crate::repository::scylla::catalogue;
use crate::repository::scylla::database::Database;
use crate::repository::scylla::deletion;
use crate::repository::{Error, Result};

/// Sections that are read at the same time.
const SECTIONS_AT_ONCE: usize = 8;

/// Tickets of an event that are looked for one by one at once, and how often that is done, before
/// all tickets of the event are read instead.
const TICKETS_MAX: usize = 64;
const LOOKS_MAX: u32 = 3;

/// Labels that are kept before all are forgotten and read again.
const LABELS_MAX: usize = 2_000_000;

/// The labels of the tickets that the log was about.
#[derive(Debug, Default)]
pub(super) struct Labels {
    known: HashMap<Key, SeatLabel>,
    /// Events that were deleted: what the log says about them is left out.
    deleted: HashSet<EventId>,
    looks: HashMap<EventId, u32>,
}

impl Labels {
    /// The label of a ticket; none where it does not exist, or was never asked for.
    pub(super) fn of(&self, ticket: &Key) -> Option<&SeatLabel> {
        self.known.get(ticket)
    }

    /// Whether an event was deleted.
    pub(super) fn is_deleted(&self, event: EventId) -> bool {
        self.deleted.contains(&event)
    }

    /// Learns which of the events of these entries were deleted; tickets of them may be known, and
    /// that they come free is no news.
    async fn learn_deleted(&mut self, db: &Database, entries: &[Entry]) -> Result<()> {
        let events: HashSet<EventId> = entries.iter().map(|entry| entry.ticket.0).collect();
        for event in events.difference(&self.deleted.clone()) {
            // Read anew from time to time only.
            if let Err(Error::Refused(_)) = catalogue::event(db, *event).await
                && deletion::is_deleted(db, *event).await?
            {
                self.deleted.insert(*event);
            }
        }
        Ok(())
    }

    /// Learns the labels of the tickets of these entries, as far as they exist.
    pub(super) async fn learn(&mut self, db: &Database, entries: &[Entry]) -> Result<()> {
        self.learn_deleted(db, entries).await?;
        let mut unknown: HashMap<EventId, HashSet<TicketId>> = HashMap::new();
        let tickets = entries.iter().map(|entry| entry.ticket);
        let deleted = self.deleted.clone();
        for (event, ticket) in tickets.filter(|(event, _)| !deleted.contains(event)) {
            if !self.known.contains_key(&(event, ticket)) {
                unknown.entry(event).or_default().insert(ticket);
            }
        }
        if !unknown.is_empty() && self.known.len() > LABELS_MAX {
            *self = Self::default();
            return Box::pin(self.learn(db, entries)).await;
        }
        for (event, tickets) in unknown {
            match catalogue::event(db, event).await {
                Ok(event) => self.learn_of(db, &event, tickets).await?,
                // Nobody has heard of it: neither of its tickets.
                Err(Error::Refused(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    async fn learn_of(
        &mut self,
        db: &Database,
        event: &Event,
        tickets: HashSet<TicketId>,
    ) -> Result<()> {
        let looks = self.looks.entry(event.event_id).or_default();
        *looks = looks.saturating_add(1);
        if tickets.len() > TICKETS_MAX || *looks > LOOKS_MAX {
            let sections = catalogue::sections(db, event).await?;
            let reads = sections.iter().map(|s| catalogue::section_tickets(db, event, s));
            for section in at_once(SECTIONS_AT_ONCE, reads.collect()).await? {
                let tickets = section.tickets().iter();
                let label =
                    |t: &crate::domain::Ticket| ((event.event_id, t.ticket_id), t.label.clone());
                self.known.extend(tickets.map(label));
            }
            return Ok(());
        }
        let tickets: Vec<TicketId> = tickets.into_iter().collect();
        let found = catalogue::tickets_by_id(db, event, &tickets).await?;
        let label = |t: &std::sync::Arc<catalogue::StoredTicket>| {
            ((event.event_id, t.ticket.ticket_id), t.ticket.label.clone())
        };
        self.known.extend(found.iter().map(label));
        Ok(())
    }
}
