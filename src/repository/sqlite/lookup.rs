//! Finding events, sections and tickets, which are kept once they were read.

use std::sync::Arc;

use rusqlite::Connection;

use super::SqliteRepository;
use super::catalogue::{self, StoredEvent, StoredSectionTickets, StoredTicket};
use super::payments;
use super::writer::Tx;
use crate::domain::{EventId, Order, Refusal, SeatLabel, TicketId};
use crate::repository::{Error, Result, StoreError};

impl SqliteRepository {
    pub(super) async fn stored_event(&self, event: EventId) -> Result<Arc<StoredEvent>> {
        if let Some(known) = self.cache.event(event) {
            return Ok(known);
        }
        let read = move |c: &Connection| catalogue::event(c, event);
        let stored = Arc::new(self.readers.read("read an event", read).await?);
        self.cache.keep_event(&stored);
        Ok(stored)
    }

    /// The tickets with these ids in the order of the venue, each once.
    pub(super) async fn stored_tickets(
        &self,
        event: &StoredEvent,
        ids: &[TicketId],
    ) -> Result<Vec<Arc<StoredTicket>>> {
        let mut found = match self.cache.tickets(ids) {
            Some(known) => known,
            None => self.read_tickets(event, ids).await?,
        };
        let unknown: Vec<String> = ids
            .iter()
            .filter(|id| {
                let is = |t: &Arc<StoredTicket>| {
                    t.ticket.ticket_id == **id && t.event_no == event.event_no
                };
                !found.iter().any(is)
            })
            .map(ToString::to_string)
            .collect();
        if !unknown.is_empty() || found.is_empty() {
            return Err(Refusal::UnknownSeat { seats: unknown }.into());
        }
        found.sort_by_key(|ticket| ticket.ticket_no);
        found.dedup_by_key(|ticket| ticket.ticket_no);
        Ok(found)
    }

    pub(super) async fn read_tickets(
        &self,
        event: &StoredEvent,
        ids: &[TicketId],
    ) -> Result<Vec<Arc<StoredTicket>>> {
        let (event, ids) = (event.clone(), ids.to_vec());
        let read = move |c: &Connection| catalogue::tickets_by_id(c, &event, &ids);
        let found = self.readers.read("read tickets", read).await?;
        self.cache.keep_tickets(found.iter().cloned());
        Ok(found)
    }

    /// Gives up overdue payments; says also which could not be.
    pub(super) async fn recover(&self, event: EventId) -> Result<(Vec<Order>, Vec<StoreError>)> {
        let tickets = self.stored_event(event).await?.tickets();
        let recover = move |tx: &mut Tx<'_, '_>| payments::recover(tx, tickets);
        self.writer.submit("recover payments", recover).await
    }

    /// A section with its tickets, read once; its name may have any spelling.
    pub(super) async fn section_tickets(
        &self,
        event: EventId,
        name: &str,
    ) -> Result<StoredSectionTickets> {
        if let Some(known) = self.cache.section(event, name) {
            return Ok(known);
        }
        let stored = self.stored_event(event).await?;
        let (name, cache) = (name.to_owned(), Arc::clone(&self.cache));
        let read = move |c: &Connection| {
            let section = catalogue::section_named(c, stored.event_no, &name)?;
            if let Some(known) = cache.section(event, &section.section.name) {
                return Ok(known);
            }
            let read = catalogue::section_tickets(c, &stored, section)?;
            if stored.event.minted {
                cache.keep_section(event, stored.event_no, &read);
            }
            Ok(read)
        };
        self.readers.read("read a section", read).await
    }

    /// The ticket for a seat; none where the event has no such seat.
    pub(super) async fn ticket_at(
        &self,
        event: EventId,
        seat: &SeatLabel,
    ) -> Result<Option<TicketId>> {
        match self.section_tickets(event, &seat.section).await {
            Ok(stored) => {
                Ok(stored.section.find(&seat.row, &seat.seat).map(|ticket| ticket.ticket_id))
            }
            Err(Error::Refused(Refusal::UnknownSeat { .. })) => Ok(None),
            Err(other) => Err(other),
        }
    }
}
