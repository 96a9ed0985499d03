//! Events, sections and tickets as they were minted. None of it changes once the sale is open, so
//! what was read once is kept.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Instant;

use scylla::SerializeRow;

use super::at_once::at_once;
use super::database::{Database, Decision, Unread};
use super::deletion::{self, State};
use super::failure::{of_partition, of_row};
use super::rows::{EventRow, SectionRow, TicketCopy, TicketRow};
use crate::domain::{
    Currency, Event, EventDraft, EventId, Money, Refusal, SeatLabel, Section, SectionTickets,
    Ticket, TicketId, Timestamp, name, time,
};
use crate::repository::shared_text::SharedText;
use crate::repository::{DELETION_LAG_MAX, Error, Result, StoreError, StoreFault};

/// Tickets that are kept in memory before the cache is emptied and filled anew.
const TICKETS_CACHED_MAX: usize = 2_000_000;

/// Sections that are looked through at the same time for a ticket that nobody has read yet.
const SECTIONS_AT_ONCE: usize = 64;

/// How often an event whose writing was left open is written again.
const TRIES_MAX: u32 = 3;

/// A ticket with the keys that this engine knows it by. The order is that of the venue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct StoredTicket {
    pub(super) event_id: EventId,
    /// The section's place in the venue, from 0.
    pub(super) section_id: i32,
    /// The ticket's place in the section, from 0.
    pub(super) place: i32,
    pub(super) ticket: Ticket,
}

impl StoredTicket {
    /// The ticket as holds and orders keep it.
    pub(super) fn copy(&self) -> TicketCopy {
        let label = &self.ticket.label;
        TicketCopy {
            ticket_id: self.ticket.ticket_id,
            section_id: self.section_id,
            place: self.place,
            section: label.section.to_string(),
            row_name: label.row.to_string(),
            seat_name: label.seat.to_string(),
            type_id: self.ticket.type_id.to_string(),
            price: self.ticket.price.into(),
        }
    }
}

/// A section with the key that this engine knows it by.
#[derive(Debug, Clone)]
pub(super) struct StoredSection {
    pub(super) section_id: i32,
    pub(super) section: Section,
}

/// What was read once of events whose sale is open.
#[derive(Debug, Default)]
pub(super) struct Cache {
    events: RwLock<HashMap<EventId, KnownEvent>>,
    sections: RwLock<HashMap<EventId, Arc<Vec<StoredSection>>>>,
    section_tickets: RwLock<HashMap<(EventId, i32), Arc<SectionTickets>>>,
    tickets: RwLock<HashMap<TicketId, Arc<StoredTicket>>>,
}

/// An event as it was read.
#[derive(Debug, Clone)]
struct KnownEvent {
    event: Arc<Event>,
    read_at: Instant,
    /// Until when nothing of it is sold, because it may be deleted.
    halted_until: Option<Timestamp>,
}

impl KnownEvent {
    /// Whether it need not be read again: another process may have deleted it.
    fn is_fresh(&self) -> bool {
        self.read_at.elapsed() < DELETION_LAG_MAX
    }
}

fn kept<K: std::hash::Hash + Eq, V: Clone>(map: &RwLock<HashMap<K, V>>, key: &K) -> Option<V> {
    map.read().unwrap_or_else(PoisonError::into_inner).get(key).cloned()
}

fn keep<K: std::hash::Hash + Eq, V>(map: &RwLock<HashMap<K, V>>, key: K, value: V) {
    map.write().unwrap_or_else(PoisonError::into_inner).insert(key, value);
}

impl Cache {
    /// Drops an event, and what was read of it.
    pub(super) fn forget(&self, event: EventId) {
        self.events.write().unwrap_or_else(PoisonError::into_inner).remove(&event);
        self.sections.write().unwrap_or_else(PoisonError::into_inner).remove(&event);
        let mut maps = self.section_tickets.write().unwrap_or_else(PoisonError::into_inner);
        maps.retain(|(of, _), _| *of != event);
    }

    fn keep_tickets(&self, stored: impl IntoIterator<Item = StoredTicket>) {
        let mut tickets = self.tickets.write().unwrap_or_else(PoisonError::into_inner);
        if tickets.len() > TICKETS_CACHED_MAX {
            tickets.clear();
        }
        tickets.extend(stored.into_iter().map(|t| (t.ticket.ticket_id, Arc::new(t))));
    }
}

/// Finds an event.
pub(super) async fn event(db: &Database, event: EventId) -> Result<Arc<Event>> {
    Ok(known_event(db, event).await?.event)
}

/// Finds an event of which something is to be sold or waited for.
///
/// # Errors
/// Refused with `busy` while it is looked whether the event may be deleted.
pub(super) async fn event_to_sell(db: &Database, event: EventId) -> Result<Arc<Event>> {
    let known = known_event(db, event).await?;
    if known.halted_until.is_some_and(|until| db.now() < until) {
        let why = format!("the event {} is about to be deleted", known.event.slug);
        return Err(Refusal::Busy { why }.into());
    }
    Ok(known.event)
}

async fn known_event(db: &Database, event: EventId) -> Result<KnownEvent> {
    if let Some(known) = kept(&db.cache.events, &event).filter(KnownEvent::is_fresh) {
        return Ok(known);
    }
    let read_at = Instant::now();
    let (row, deletion) = tokio::try_join!(event_row(db, event), deletion::state(db, event))
        .inspect_err(|_| db.cache.forget(event))?;
    let halted_until = match deletion {
        Some(State::Deleted { .. } | State::Cleared) => {
            db.cache.forget(event);
            return Err(Refusal::UnknownEvent { name: event.to_string() }.into());
        }
        Some(State::Asked { until }) => Some(until),
        None => None,
    };
    let known = KnownEvent { event: Arc::new(Event::from(row)), read_at, halted_until };
    if known.event.minted {
        keep(&db.cache.events, event, known.clone());
    }
    Ok(known)
}

/// Reads an event's row.
pub(super) async fn event_row(db: &Database, event: EventId) -> Result<EventRow> {
    let found = db.row(&db.statements.select_event, (event,)).await;
    let found = found.map_err(|e| of_row(e, "events", event))?;
    found.ok_or_else(|| Refusal::UnknownEvent { name: event.to_string() }.into())
}

/// The rows of all events, but not that of an event whose deletion stopped before it was removed. Where
/// one cannot be read, the error names it.
pub(super) async fn event_rows(db: &Database) -> Result<Vec<EventRow>> {
    // Deletions first: a row that is read afterwards is not older than they are.
    let deleted = deletion::deleted(db).await?;
    let read = db.rows(&db.statements.select_events, ()).await;
    if matches!(&read, Err(Error::Store(error)) if error.fault == StoreFault::Corrupt) {
        let ids: Vec<(EventId,)> = db.rows(&db.statements.select_event_ids, ()).await?;
        for (event,) in ids {
            event_row(db, event).await?;
        }
    }
    let mut rows: Vec<EventRow> = read?;
    rows.retain(|row| !deleted.contains(&row.event_id));
    Ok(rows)
}

/// All events, by their date.
pub(super) async fn events(db: &Database) -> Result<Vec<Event>> {
    let mut events: Vec<Event> = event_rows(db).await?.into_iter().map(Event::from).collect();
    events.sort_by(|a, b| (a.starts_at, &a.slug).cmp(&(b.starts_at, &b.slug)));
    Ok(events)
}

/// A new event as it is written.
#[derive(SerializeRow)]
struct NewEvent<'a> {
    event_id: EventId,
    slug: &'a str,
    name: &'a str,
    series: &'a str,
    event_type: &'a str,
    performers: &'a [String],
    description: &'a str,
    duration_minutes: i32,
    language: &'a str,
    currency: Currency,
    doors_at: Timestamp,
    starts_at: Timestamp,
    venue: &'a str,
    city: &'a str,
    country: &'a str,
    time_zone: &'a str,
    latitude: Option<f64>,
    longitude: Option<f64>,
    limit_per_buyer: i32,
    time_to_pay_ms: i64,
    payment_time_ms: i64,
    simulated: bool,
}

impl<'a> From<&'a EventDraft> for NewEvent<'a> {
    fn from(draft: &'a EventDraft) -> Self {
        Self {
            event_id: EventId::of_slug(&draft.slug),
            slug: &draft.slug,
            name: &draft.name,
            series: &draft.series,
            event_type: &draft.event_type,
            performers: &draft.performers,
            description: &draft.description,
            duration_minutes: i32::try_from(draft.duration_minutes).unwrap_or(i32::MAX),
            language: &draft.language,
            currency: draft.currency,
            doors_at: draft.doors_at,
            starts_at: draft.starts_at,
            venue: &draft.venue.name,
            city: &draft.venue.city,
            country: &draft.venue.country,
            time_zone: &draft.venue.time_zone,
            latitude: draft.venue.latitude,
            longitude: draft.venue.longitude,
            limit_per_buyer: i32::try_from(draft.terms.limit).unwrap_or(i32::MAX),
            time_to_pay_ms: time::millis(draft.terms.time_to_pay),
            payment_time_ms: time::millis(draft.terms.payment_time),
            simulated: draft.simulated,
        }
    }
}

/// Adds an event unless its slug is taken.
pub(super) async fn add_event(db: &Database, draft: &EventDraft) -> Result<Event> {
    let new = NewEvent::from(draft);
    if deletion::is_deleted(db, new.event_id).await? {
        let message = format!("the slug {} was that of a deleted event", draft.slug);
        return Err(StoreError::new(StoreFault::SlugOfDeleted, message).into());
    }
    for _ in 0..TRIES_MAX {
        // Writing it again where the outcome is not known does no harm: the first one stands.
        if db.decide::<Unread>(&db.statements.insert_event, &new).await? != Decision::Unknown {
            return event_row(db, new.event_id).await.map(Event::from);
        }
    }
    let message = format!("could not add the event {}: the store did not answer", draft.slug);
    Err(StoreError::new(StoreFault::Failed, message).into())
}

/// The sections of an event, in the order of the venue.
pub(super) async fn sections(db: &Database, event: &Event) -> Result<Arc<Vec<StoredSection>>> {
    if let Some(known) = kept(&db.cache.sections, &event.event_id) {
        return Ok(known);
    }
    let read = db.rows(&db.statements.select_sections, (event.event_id,)).await;
    let rows: Vec<SectionRow> =
        read.map_err(|e| of_partition(e, "venue_sections", event.event_id))?;
    let stored =
        |row: SectionRow| StoredSection { section_id: row.section_id, section: row.into() };
    let found: Arc<Vec<StoredSection>> = Arc::new(rows.into_iter().map(stored).collect());
    if event.minted {
        keep(&db.cache.sections, event.event_id, Arc::clone(&found));
    }
    Ok(found)
}

/// The ids of the sections of an event, also of one that is deleted.
pub(super) async fn section_ids(db: &Database, event: EventId) -> Result<Vec<i32>> {
    let rows: Vec<(i32,)> = db.rows(&db.statements.select_section_ids, (event,)).await?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

/// The section of an event that a text names, in any spelling that only one has.
pub(super) async fn section(db: &Database, event: &Event, wanted: &str) -> Result<StoredSection> {
    let all = sections(db, event).await?;
    let found = named(&all, wanted).cloned();
    found.ok_or_else(|| Refusal::UnknownSeat { seats: vec![wanted.to_owned()] }.into())
}

fn named<'a>(sections: &'a [StoredSection], wanted: &str) -> Option<&'a StoredSection> {
    name::find(sections.iter(), |stored| &stored.section.name, wanted)
}

/// A section of an event with all of its tickets.
pub(super) async fn section_tickets(
    db: &Database,
    event: &Event,
    stored: &StoredSection,
) -> Result<Arc<SectionTickets>> {
    let key = (event.event_id, stored.section_id);
    if let Some(known) = kept(&db.cache.section_tickets, &key) {
        return Ok(known);
    }
    let rows = db.rows(&db.statements.select_tickets, key).await;
    let rows: Vec<TicketRow> = rows.map_err(|e| of_section(e, key))?;
    let mut shared = SharedText::default();
    let read = |row: &TicketRow| stored_ticket(event, stored, row, &mut shared);
    let mut tickets: Vec<StoredTicket> = rows.iter().map(read).collect();
    tickets.sort_by_key(|ticket| ticket.place);
    let said = |row: &TicketRow| Some((usize::try_from(row.place).ok()?, row.aisle_after?));
    let aisles: Vec<(usize, bool)> = rows.iter().filter_map(said).collect();
    let found = Arc::new(SectionTickets::with_aisles(
        stored.section.clone(),
        tickets.iter().map(|t| t.ticket.clone()).collect(),
        &aisles,
    ));
    if event.minted {
        keep(&db.cache.section_tickets, key, Arc::clone(&found));
        db.cache.keep_tickets(tickets);
    }
    Ok(found)
}

/// The same error; one about what is stored names the section of `tickets`.
pub(super) fn of_section(error: Error, (event, section): (EventId, i32)) -> Error {
    of_partition(error, "tickets", format_args!("{event}, section {section}"))
}

fn stored_ticket(
    event: &Event,
    section: &StoredSection,
    row: &TicketRow,
    shared: &mut SharedText,
) -> StoredTicket {
    let ticket = Ticket {
        ticket_id: row.ticket_id,
        label: SeatLabel {
            section: shared.of(&section.section.name),
            row: shared.of(&row.row_name),
            seat: shared.of(&row.seat_name),
        },
        type_id: shared.of(&row.type_id),
        price: row.price.in_currency(event.currency),
    };
    let (section_id, place) = (section.section_id, row.place);
    StoredTicket { event_id: event.event_id, section_id, place, ticket }
}

/// The tickets of the event with these ids, in the order of the venue, each once; those that do not
/// exist are left out.
///
/// A ticket that this process has not read yet is looked for in every section, because a ticket's
/// id does not tell its section.
pub(super) async fn tickets_by_id(
    db: &Database,
    event: &Event,
    ids: &[TicketId],
) -> Result<Vec<Arc<StoredTicket>>> {
    let known: Vec<_> = ids.iter().filter_map(|id| kept(&db.cache.tickets, id)).collect();
    let mut found = if known.len() == ids.len() {
        known
    } else {
        let all = sections(db, event).await?;
        let looks = all.iter().map(|section| some_tickets(db, event, section, ids)).collect();
        at_once(SECTIONS_AT_ONCE, looks).await?.concat()
    };
    found.retain(|ticket| ticket.event_id == event.event_id);
    found.sort_by_key(|ticket| (ticket.section_id, ticket.place));
    found.dedup_by_key(|ticket| ticket.ticket.ticket_id);
    Ok(found)
}

/// Those of the tickets with these ids that are in this section.
async fn some_tickets(
    db: &Database,
    event: &Event,
    section: &StoredSection,
    ids: &[TicketId],
) -> Result<Vec<Arc<StoredTicket>>> {
    let known: Vec<_> = ids.iter().filter_map(|id| kept(&db.cache.tickets, id)).collect();
    if known.len() == ids.len() {
        return Ok(known);
    }
    let (event_id, section_id) = (event.event_id, section.section_id);
    let rows = db.rows(&db.statements.select_some_tickets, (event_id, section_id, ids)).await;
    let rows: Vec<TicketRow> = rows.map_err(|e| of_section(e, (event_id, section_id)))?;
    let mut shared = SharedText::default();
    let read = |row: &TicketRow| stored_ticket(event, section, row, &mut shared);
    let found: Vec<StoredTicket> = rows.iter().map(read).collect();
    if event.minted {
        db.cache.keep_tickets(found.iter().cloned());
    }
    Ok(found.into_iter().map(Arc::new).collect())
}

/// The ids of the tickets for these seats, in the order asked; seats may have any spelling.
///
/// A seat that is spelled as the venue spells it is looked up by its ticket id; the tickets of a whole
/// section are read only for other spellings.
///
/// # Errors
/// [`Refusal::UnknownSeat`] naming every seat that the event does not have.
pub(super) async fn find_seats(
    db: &Database,
    event: &Event,
    seats: &[SeatLabel],
) -> Result<Vec<TicketId>> {
    let all = sections(db, event).await?;
    let placed: Vec<Option<(&StoredSection, TicketId)>> = seats
        .iter()
        .map(|seat| {
            let section = named(&all, &seat.section)?;
            let name = &section.section.name;
            Some((section, TicketId::of_seat(event.event_id, name, &seat.row, &seat.seat)))
        })
        .collect();
    let mut by_section: HashMap<i32, Vec<TicketId>> = HashMap::new();
    for (section, ticket) in placed.iter().flatten() {
        by_section.entry(section.section_id).or_default().push(*ticket);
    }
    let asked = all
        .iter()
        .filter_map(|section| by_section.get(&section.section_id).map(|ids| (section, ids)));
    let looks = asked.map(|(section, ids)| some_tickets(db, event, section, ids)).collect();
    let found = at_once(SECTIONS_AT_ONCE, looks).await?;
    let known: HashSet<TicketId> = found.iter().flatten().map(|t| t.ticket.ticket_id).collect();
    let (mut tickets, mut unknown) = (Vec::with_capacity(seats.len()), Vec::new());
    for (seat, placed) in seats.iter().zip(placed) {
        let ticket = match placed {
            Some((_, ticket)) if known.contains(&ticket) => Some(ticket),
            Some((section, _)) => {
                let stored = section_tickets(db, event, section).await?;
                stored.find(&seat.row, &seat.seat).map(|ticket| ticket.ticket_id)
            }
            None => None,
        };
        match ticket {
            Some(ticket) => tickets.push(ticket),
            None => unknown.push(seat.to_string()),
        }
    }
    if unknown.is_empty() {
        Ok(tickets)
    } else {
        Err(Refusal::UnknownSeat { seats: unknown }.into())
    }
}

/// What tickets cost together.
pub(super) fn price(tickets: &[TicketCopy], currency: Currency) -> Money {
    crate::domain::money::total(tickets.iter().map(|t| t.price.in_currency(currency)), currency)
}
