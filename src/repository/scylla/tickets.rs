//! Reading the condition of tickets from the projection in `tickets`.
//!
//! Maps, lists and counts read whole sections, one partition each. Asking `order_queue`, which
//! decides, would be one read for every seat; and what a map shows is old anyway by the time that
//! somebody acts on it. Whoever changes a ticket writes the projection before it answers, so that a
//! caller sees what he did.

use std::sync::Arc;

use super::at_once::at_once;
use super::catalogue::{self, StoredSection};
use super::database::Database;
use super::rows::SeenRow;
use crate::domain::{
    Event, SectionMap, SectionTickets, Ticket, TicketState, TicketStatus, Timestamp,
};
use crate::repository::{Result, SectionCounts, SectionOffer, TicketFilter, TypeCounts, TypeOffer};

/// Sections that are read at the same time.
const SECTIONS_AT_ONCE: usize = 8;

impl SeenRow {
    /// The condition in which people see the ticket; a lapsed hold reads as available.
    fn seen(&self, now: Timestamp) -> TicketStatus {
        let lapsed =
            self.status == TicketStatus::Held && self.held_until.is_some_and(|at| at <= now);
        if lapsed { TicketStatus::Available } else { self.status }
    }

    fn state(&self, ticket: Ticket, now: Timestamp) -> TicketState {
        match self.seen(now) {
            TicketStatus::Available => available(ticket),
            status => TicketState {
                ticket,
                status,
                hold_id: self.hold_id,
                until: self.held_until,
                reason: self.reason.clone(),
            },
        }
    }
}

fn available(ticket: Ticket) -> TicketState {
    let status = TicketStatus::Available;
    TicketState { ticket, status, hold_id: None, until: None, reason: None }
}

/// A section with its tickets, and what is shown of each of them.
struct Seen {
    tickets: Arc<SectionTickets>,
    /// In the order of the tickets; none where a ticket's row is not there.
    rows: Vec<Option<SeenRow>>,
}

async fn see(db: &Database, event: &Event, section: &StoredSection) -> Result<Seen> {
    let tickets = catalogue::section_tickets(db, event, section).await?;
    let key = (event.event_id, section.section_id);
    let read = db.rows(&db.statements.select_seen, key).await;
    let read: Vec<SeenRow> = read.map_err(|e| catalogue::of_section(e, key))?;
    let mut rows: Vec<Option<SeenRow>> = vec![None; tickets.tickets().len()];
    for row in read {
        let place = usize::try_from(row.place).ok();
        if let Some(slot) = place.and_then(|place| rows.get_mut(place)) {
            *slot = Some(row);
        }
    }
    Ok(Seen { tickets, rows })
}

/// The tickets of a section with their condition.
pub(super) async fn map(db: &Database, event: &Event, name: &str) -> Result<SectionMap> {
    let section = catalogue::section(db, event, name).await?;
    let seen = see(db, event, &section).await?;
    let now = db.now();
    let status =
        |row: &Option<SeenRow>| row.as_ref().map_or(TicketStatus::Available, |r| r.seen(now));
    Ok(SectionMap::new(seen.tickets, seen.rows.iter().map(status).collect()))
}

/// Tickets of an event in the order of the venue.
pub(super) async fn list(
    db: &Database,
    event: &Event,
    filter: &TicketFilter,
) -> Result<Vec<TicketState>> {
    let sections = match &filter.section {
        Some(name) => vec![catalogue::section(db, event, name).await?],
        None => catalogue::sections(db, event).await?.to_vec(),
    };
    let most = filter.limit.and_then(|n| usize::try_from(n).ok()).unwrap_or(usize::MAX);
    let now = db.now();
    let mut found = Vec::new();
    for section in &sections {
        let seen = see(db, event, section).await?;
        for (ticket, row) in seen.tickets.tickets().iter().zip(&seen.rows) {
            let state = row
                .as_ref()
                .map_or_else(|| available(ticket.clone()), |row| row.state(ticket.clone(), now));
            if found.len() >= most {
                return Ok(found);
            }
            if filter.status.is_none_or(|status| status == state.status) {
                found.push(state);
            }
        }
    }
    Ok(found)
}

/// How many tickets of each section are in which condition.
pub(super) async fn counts(db: &Database, event: &Event) -> Result<Vec<SectionCounts>> {
    let sections = catalogue::sections(db, event).await?;
    let now = db.now();
    let seen =
        at_once(SECTIONS_AT_ONCE, sections.iter().map(|s| see(db, event, s)).collect()).await?;
    Ok(seen.iter().map(|seen| count(seen, event, now)).collect())
}

fn count(seen: &Seen, event: &Event, now: Timestamp) -> SectionCounts {
    let tickets = &seen.tickets;
    let mut types: Vec<TypeCounts> =
        tickets.types().map(|name| TypeCounts::minted(name, 0, event.currency)).collect();
    for (place, (ticket, row)) in tickets.tickets().iter().zip(&seen.rows).enumerate() {
        let counts = &mut types[tickets.type_number(place)];
        counts.minted += 1;
        counts.available += 1;
        if let Some(row) = row {
            counts.note(row.seen(now), 1, ticket.price);
        }
    }
    SectionCounts::of_types(tickets.section(), types, event.currency)
}

/// What each section has to offer.
pub(super) async fn offers(db: &Database, event: &Event) -> Result<Vec<SectionOffer>> {
    let sections = catalogue::sections(db, event).await?;
    let now = db.now();
    let seen =
        at_once(SECTIONS_AT_ONCE, sections.iter().map(|s| see(db, event, s)).collect()).await?;
    Ok(seen.iter().map(|seen| offer(seen, now)).collect())
}

fn offer(seen: &Seen, now: Timestamp) -> SectionOffer {
    let tickets = &seen.tickets;
    let mut types: Vec<TypeOffer> = tickets.types().map(TypeOffer::empty).collect();
    for (place, (ticket, row)) in tickets.tickets().iter().zip(&seen.rows).enumerate() {
        let is_free = row.as_ref().is_none_or(|row| row.seen(now) == TicketStatus::Available);
        types[tickets.type_number(place)].add(ticket.price, is_free);
    }
    SectionOffer::of_types(tickets.section().clone(), types)
}
