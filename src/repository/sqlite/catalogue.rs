//! Events, sections and tickets as they were minted. None of it changes once the sale is open, so
//! what was read once is kept.

use std::collections::HashSet;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Instant;

use foldhash::HashMap;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::deletion;
use super::failure::{Failure, Outcome};
use super::statements::TicketNo;
use super::values::{count_column, decode, json_column, millis_column, unreadable};
use crate::domain::{
    Currency, Event, EventDraft, EventId, Money, Refusal, SaleTerms, SeatLabel, Section,
    SectionTickets, Ticket, TicketId, Venue, name,
};
use crate::repository::shared_text::SharedText;
use crate::repository::{DELETION_LAG_MAX, StoreError, StoreFault};

/// Tickets that are kept in memory before the cache is emptied and filled anew.
const TICKETS_CACHED_MAX: usize = 2_000_000;

/// An event with the keys that this engine knows it by.
#[derive(Debug, Clone)]
pub(super) struct StoredEvent {
    pub(super) event_no: i64,
    pub(super) first_ticket: TicketNo,
    pub(super) event: Event,
}

impl StoredEvent {
    /// The first and the last number of its tickets.
    pub(super) fn tickets(&self) -> (TicketNo, TicketNo) {
        let count = i64::try_from(self.event.tickets).unwrap_or(i64::MAX);
        (self.first_ticket, self.first_ticket.saturating_add(count) - 1)
    }
}

/// A ticket with the keys that this engine knows it by.
#[derive(Debug, Clone)]
pub(super) struct StoredTicket {
    pub(super) ticket_no: TicketNo,
    pub(super) event_no: i64,
    pub(super) ticket: Ticket,
}

/// A section with the keys that this engine knows it by.
#[derive(Debug, Clone)]
pub(super) struct StoredSection {
    pub(super) section: Section,
    pub(super) section_no: i64,
    pub(super) first_ticket: TicketNo,
}

impl StoredSection {
    /// The number behind that of its last ticket.
    pub(super) fn end(&self) -> TicketNo {
        self.first_ticket.saturating_add(i64::try_from(self.section.seats).unwrap_or(i64::MAX))
    }
}

/// A section and its tickets, as they were minted.
#[derive(Debug, Clone)]
pub(super) struct StoredSectionTickets {
    pub(super) first_ticket: TicketNo,
    pub(super) section: Arc<SectionTickets>,
}

/// What was read once of events whose sale is open.
#[derive(Debug, Default)]
pub(super) struct Cache {
    events: RwLock<HashMap<EventId, (Arc<StoredEvent>, Instant)>>,
    /// Whether no other process can delete an event, so that none needs to be read again.
    is_lasting: bool,
    tickets: RwLock<HashMap<TicketId, KnownTicket>>,
    sections: RwLock<HashMap<(EventId, Box<str>), StoredSectionTickets>>,
    /// The ticket types of each section, and how many tickets each has.
    types: RwLock<HashMap<(EventId, Box<str>), SectionTypes>>,
}

/// The ticket types of a section, in the order of their first seats, and how many tickets each has.
pub(super) type SectionTypes = Arc<[(Box<str>, u64)]>;

/// Where a ticket is that was read before.
#[derive(Debug, Clone)]
enum KnownTicket {
    /// It was asked for by itself.
    Alone(Arc<StoredTicket>),
    /// It is at this place of a section: nothing of it is in memory twice.
    In(Arc<KnownSection>, u32),
}

#[derive(Debug)]
struct KnownSection {
    event_no: i64,
    stored: StoredSectionTickets,
}

impl KnownTicket {
    fn stored(&self) -> Option<Arc<StoredTicket>> {
        match self {
            Self::Alone(stored) => Some(Arc::clone(stored)),
            Self::In(known, place) => {
                let ticket = known.stored.section.tickets().get(*place as usize)?.clone();
                let ticket_no = known.stored.first_ticket + i64::from(*place);
                Some(Arc::new(StoredTicket { ticket_no, event_no: known.event_no, ticket }))
            }
        }
    }
}

impl Cache {
    /// A cache of a store that only this process has.
    pub(super) fn lasting() -> Self {
        Self { is_lasting: true, ..Self::default() }
    }

    /// The event, unless it is to be read again: another process may have deleted it.
    pub(super) fn event(&self, event: EventId) -> Option<Arc<StoredEvent>> {
        let events = self.events.read().unwrap_or_else(PoisonError::into_inner);
        let (stored, read_at) = events.get(&event)?;
        let is_fresh = self.is_lasting || read_at.elapsed() < DELETION_LAG_MAX;
        is_fresh.then(|| Arc::clone(stored))
    }

    /// Drops everything.
    pub(super) fn clear(&self) {
        self.events.write().unwrap_or_else(PoisonError::into_inner).clear();
        self.tickets.write().unwrap_or_else(PoisonError::into_inner).clear();
        self.sections.write().unwrap_or_else(PoisonError::into_inner).clear();
        self.types.write().unwrap_or_else(PoisonError::into_inner).clear();
    }

    pub(super) fn keep_event(&self, stored: &Arc<StoredEvent>) {
        if stored.event.minted {
            let mut events = self.events.write().unwrap_or_else(PoisonError::into_inner);
            events.insert(stored.event.event_id, (Arc::clone(stored), Instant::now()));
        }
    }

    /// The tickets with these ids, if all of them are known.
    pub(super) fn tickets(&self, ids: &[TicketId]) -> Option<Vec<Arc<StoredTicket>>> {
        let tickets = self.tickets.read().unwrap_or_else(PoisonError::into_inner);
        ids.iter().map(|id| tickets.get(id)?.stored()).collect()
    }

    pub(super) fn keep_tickets(&self, stored: impl IntoIterator<Item = Arc<StoredTicket>>) {
        self.keep(stored.into_iter().map(|t| (t.ticket.ticket_id, KnownTicket::Alone(t))));
    }

    fn keep(&self, known: impl IntoIterator<Item = (TicketId, KnownTicket)>) {
        let mut tickets = self.tickets.write().unwrap_or_else(PoisonError::into_inner);
        if tickets.len() > TICKETS_CACHED_MAX {
            tickets.clear();
        }
        tickets.extend(known);
    }

    pub(super) fn types(&self, event: EventId, section: &str) -> Option<SectionTypes> {
        let types = self.types.read().unwrap_or_else(PoisonError::into_inner);
        types.get(&(event, section.into())).cloned()
    }

    pub(super) fn keep_types(&self, event: EventId, section: &str, found: &SectionTypes) {
        let mut types = self.types.write().unwrap_or_else(PoisonError::into_inner);
        types.insert((event, section.into()), Arc::clone(found));
    }

    pub(super) fn section(&self, event: EventId, name: &str) -> Option<StoredSectionTickets> {
        let sections = self.sections.read().unwrap_or_else(PoisonError::into_inner);
        sections.get(&(event, name.into())).cloned()
    }

    pub(super) fn keep_section(
        &self,
        event: EventId,
        event_no: i64,
        stored: &StoredSectionTickets,
    ) {
        let name = stored.section.section().name.clone().into_boxed_str();
        let mut sections = self.sections.write().unwrap_or_else(PoisonError::into_inner);
        let kept: usize = sections.values().map(|s| s.section.tickets().len()).sum();
        if kept > TICKETS_CACHED_MAX {
            sections.clear();
        }
        sections.insert((event, name), stored.clone());
        drop(sections);
        let known = Arc::new(KnownSection { event_no, stored: stored.clone() });
        let places = (0..).zip(stored.section.tickets());
        self.keep(
            places.map(|(place, ticket)| {
                (ticket.ticket_id, KnownTicket::In(Arc::clone(&known), place))
            }),
        );
    }
}

/// Every column of `events`.
const EVENT: &str = "SELECT * FROM events";

/// The column of the key among them.
const EVENT_NO: usize = 0;

/// Finds an event.
pub(super) fn event(connection: &Connection, event: EventId) -> Outcome<StoredEvent> {
    let sql = format!("{EVENT} WHERE event_id = ?1");
    let found = connection.prepare_cached(&sql)?.query_row([event], read_event).optional()?;
    found.ok_or_else(|| Refusal::UnknownEvent { name: event.to_string() }.into())
}

/// Finds an event by this engine's key.
pub(super) fn event_by_no(connection: &Connection, event_no: i64) -> Outcome<StoredEvent> {
    let sql = format!("{EVENT} WHERE event_no = ?1");
    let found = connection.prepare_cached(&sql)?.query_row([event_no], read_event).optional()?;
    // Rows of a deleted event may be left for a moment.
    match found {
        Some(found) => Ok(found),
        None if deletion::has_number(connection, event_no)? => {
            Err(Refusal::UnknownEvent { name: "it was deleted".into() }.into())
        }
        None => Err(Failure::missing_row("events", event_no)),
    }
}

/// All events, by their date.
pub(super) fn events(connection: &Connection) -> Outcome<Vec<Event>> {
    let sql = format!("{EVENT} ORDER BY starts_at, slug");
    let mut statement = connection.prepare_cached(&sql)?;
    let rows = statement.query_map([], |row| Ok(read_event(row)?.event))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn read_event(row: &Row<'_>) -> rusqlite::Result<StoredEvent> {
    decode("events", row, EVENT_NO, event_of)
}

fn event_of(row: &Row<'_>) -> rusqlite::Result<StoredEvent> {
    let draft = EventDraft {
        slug: row.get("slug")?,
        name: row.get("name")?,
        series: row.get("series")?,
        event_type: row.get("event_type")?,
        performers: json_column(row.get_ref("performers")?)?,
        description: row.get("description")?,
        duration_minutes: row.get("duration_minutes")?,
        language: row.get("language")?,
        currency: row.get("currency")?,
        doors_at: row.get("doors_at")?,
        starts_at: row.get("starts_at")?,
        venue: read_venue(row)?,
        terms: SaleTerms {
            limit: row.get("limit_per_buyer")?,
            time_to_pay: millis_column(row, "time_to_pay_ms")?,
            payment_time: millis_column(row, "payment_time_ms")?,
        },
        simulated: row.get("simulated")?,
    };
    let event = Event {
        event_id: row.get("event_id")?,
        draft,
        tickets: count_column(row, "tickets")?,
        minted: row.get::<_, Option<i64>>("minted_at")?.is_some(),
    };
    let (event_no, first_ticket) = (row.get("event_no")?, row.get("first_ticket")?);
    Ok(StoredEvent { event_no, first_ticket, event })
}

fn read_venue(row: &Row<'_>) -> rusqlite::Result<Venue> {
    Ok(Venue {
        name: row.get("venue")?,
        city: row.get("city")?,
        country: row.get("country")?,
        time_zone: row.get("time_zone")?,
        latitude: row.get("latitude")?,
        longitude: row.get("longitude")?,
    })
}

/// Adds an event unless its slug is taken.
pub(super) fn add_event(connection: &Connection, draft: &EventDraft) -> Outcome<StoredEvent> {
    if deletion::is_deleted(connection, EventId::of_slug(&draft.slug))? {
        let message = format!("the slug {} was that of a deleted event", draft.slug);
        return Err(StoreError::new(StoreFault::SlugOfDeleted, message).into());
    }
    insert_event(connection, draft)?;
    event(connection, EventId::of_slug(&draft.slug))
}

/// Writes an event unless its slug is taken.
pub(super) fn insert_event(connection: &Connection, draft: &EventDraft) -> Outcome<()> {
    let event_id = EventId::of_slug(&draft.slug);
    let performers = serde_json::to_string(&draft.performers).unwrap_or_default();
    let venue = &draft.venue;
    let mut statement = connection.prepare_cached(
        "INSERT INTO events (
            event_no, event_id, slug, name, series, event_type, performers, description,
            duration_minutes, language, currency, doors_at, starts_at, venue, city, country, time_zone, latitude,
            longitude, limit_per_buyer, time_to_pay_ms, payment_time_ms, simulated)
         VALUES ((SELECT max(coalesce((SELECT max(event_no) FROM events), 0),
                             coalesce((SELECT max(event_no) FROM deleted_events), 0)) + 1),
                 ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18,
                 ?19, ?20, ?21, ?22)
         ON CONFLICT (slug) DO NOTHING",
    )?;
    statement.execute(params![
        event_id,
        draft.slug,
        draft.name,
        draft.series,
        draft.event_type,
        performers,
        draft.description,
        draft.duration_minutes,
        draft.language,
        draft.currency,
        draft.doors_at,
        draft.starts_at,
        venue.name,
        venue.city,
        venue.country,
        venue.time_zone,
        venue.latitude,
        venue.longitude,
        draft.terms.limit,
        crate::domain::time::millis(draft.terms.time_to_pay),
        crate::domain::time::millis(draft.terms.payment_time),
        draft.simulated,
    ])?;
    Ok(())
}

const SECTION: &str = "SELECT section_no, name, type_id, entrance, row_count, first_ticket, \
     tickets FROM venue_sections";

fn read_section(row: &Row<'_>) -> rusqlite::Result<StoredSection> {
    decode("venue_sections", row, 0, section_of)
}

fn section_of(row: &Row<'_>) -> rusqlite::Result<StoredSection> {
    let section = Section {
        name: row.get("name")?,
        type_id: row.get("type_id")?,
        entrance: row.get("entrance")?,
        rows: row.get("row_count")?,
        seats: count_column(row, "tickets")?,
    };
    let (section_no, first_ticket) = (row.get("section_no")?, row.get("first_ticket")?);
    Ok(StoredSection { section, section_no, first_ticket })
}

/// The sections of an event, in the order of the venue.
pub(super) fn sections(connection: &Connection, event_no: i64) -> Outcome<Vec<StoredSection>> {
    let sql = format!("{SECTION} WHERE event_no = ?1 ORDER BY first_ticket");
    let mut statement = connection.prepare_cached(&sql)?;
    let rows = statement.query_map([event_no], read_section)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// The section of an event that a text names, in any spelling that only one has.
pub(super) fn section_named(
    connection: &Connection,
    event_no: i64,
    wanted: &str,
) -> Outcome<StoredSection> {
    let sections = sections(connection, event_no)?;
    let found = name::find(sections.iter(), |stored| &stored.section.name, wanted).cloned();
    found.ok_or_else(|| Refusal::UnknownSeat { seats: vec![wanted.to_owned()] }.into())
}

/// Columns of a ticket in the order in which [`read_ticket`] reads them, from `tickets t`,
/// `venue_sections s` and `events e`.
pub(super) const TICKET_COLUMNS: &str = "t.ticket_no, t.ticket_id, t.row_name, t.seat_name, \
     t.type_id, t.price, s.name, e.currency, e.event_no";

/// Reads the columns of [`TICKET_COLUMNS`], which begin at `first`.
pub(super) fn read_ticket(row: &Row<'_>, first: usize) -> rusqlite::Result<StoredTicket> {
    decode("tickets", row, first, |row| ticket_of(row, first))
}

/// Reads a price, which is never negative.
pub(super) fn price_column(row: &Row<'_>, column: usize) -> rusqlite::Result<i64> {
    let minor: i64 = row.get(column)?;
    if minor < 0 { Err(unreadable(format!("the price is {minor}"))) } else { Ok(minor) }
}

fn ticket_of(row: &Row<'_>, first: usize) -> rusqlite::Result<StoredTicket> {
    let currency: Currency = row.get(first + 7)?;
    let ticket = Ticket {
        ticket_id: row.get(first + 1)?,
        label: SeatLabel {
            section: row.get(first + 6)?,
            row: row.get(first + 2)?,
            seat: row.get(first + 3)?,
        },
        type_id: row.get(first + 4)?,
        price: Money::from_minor(price_column(row, first + 5)?, currency),
    };
    Ok(StoredTicket { ticket_no: row.get(first)?, event_no: row.get(first + 8)?, ticket })
}

/// The event's tickets with these ids; those that do not exist are left out. Reads all tickets of
/// the event: callers who have looked at a section find its tickets in the cache.
pub(super) fn tickets_by_id(
    connection: &Connection,
    event: &StoredEvent,
    ids: &[TicketId],
) -> Outcome<Vec<Arc<StoredTicket>>> {
    let wanted: HashSet<&TicketId> = ids.iter().collect();
    let (first, last) = event.tickets();
    let mut statement = connection.prepare_cached(
        "SELECT ticket_no, ticket_id FROM tickets WHERE ticket_no BETWEEN ?1 AND ?2",
    )?;
    let mut rows = statement.query(params![first, last])?;
    let mut numbers = Vec::with_capacity(ids.len());
    while let Some(row) = rows.next()? {
        let id: TicketId = decode("tickets", row, 0, |row| row.get(1))?;
        if wanted.contains(&id) {
            numbers.push(row.get(0)?);
        }
    }
    Ok(tickets_by_no(connection, &numbers)?.into_iter().map(Arc::new).collect())
}

/// The tickets with these numbers, in the order of the venue.
pub(super) fn tickets_by_no(
    connection: &Connection,
    numbers: &[TicketNo],
) -> Outcome<Vec<StoredTicket>> {
    let mut statement = connection.prepare_cached(&format!(
        "SELECT {TICKET_COLUMNS} FROM tickets t JOIN venue_sections s USING (section_no)
           JOIN events e USING (event_no) WHERE t.ticket_no = ?1"
    ))?;
    let mut found = Vec::with_capacity(numbers.len());
    for number in numbers {
        let ticket = statement.query_row([number], |row| read_ticket(row, 0)).optional()?;
        found.push(ticket.ok_or_else(|| Failure::missing_row("tickets", number))?);
    }
    Ok(found)
}

/// A section of an event with all of its tickets.
pub(super) fn section_tickets(
    connection: &Connection,
    stored: &StoredEvent,
    found: StoredSection,
) -> Outcome<StoredSectionTickets> {
    let mut statement = connection.prepare_cached(
        "SELECT ticket_id, row_name, seat_name, type_id, price, aisle_after, ticket_no FROM tickets
          WHERE ticket_no >= ?1 AND ticket_no < ?2 ORDER BY ticket_no",
    )?;
    let (mut shared, mut aisles, mut place) = (SharedText::default(), Vec::new(), 0);
    let section: Arc<str> = found.section.name.as_str().into();
    let currency = stored.event.currency;
    let rows = statement.query_map([found.first_ticket, found.end()], |row| {
        decode("tickets", row, 6, |row| {
            aisles.extend(row.get::<_, Option<bool>>(5)?.map(|aisle| (place, aisle)));
            place += 1;
            Ok(Ticket {
                ticket_id: row.get(0)?,
                label: SeatLabel {
                    section: Arc::clone(&section),
                    row: shared.of(row.get_ref(1)?.as_str()?),
                    seat: shared.of(row.get_ref(2)?.as_str()?),
                },
                type_id: shared.of(row.get_ref(3)?.as_str()?),
                price: Money::from_minor(price_column(row, 4)?, currency),
            })
        })
    })?;
    let tickets = rows.collect::<Result<_, _>>()?;
    let section = Arc::new(SectionTickets::with_aisles(found.section, tickets, &aisles));
    Ok(StoredSectionTickets { first_ticket: found.first_ticket, section })
}
