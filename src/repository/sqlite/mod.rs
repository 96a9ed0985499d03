//! The embedded engine: one SQLite file, shared by any number of processes.
//!
//! Who may own a ticket is decided by the guarded statements in `statements`, run by the process's
//! one `writer`; readers have connections of their own. `docs/protocol.md` argues why that sells
//! every seat exactly once.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use rusqlite::Connection;

use self::catalogue::{Cache, StoredEvent, StoredSectionTickets, StoredTicket};
use self::failure::Outcome;
use self::holds::Claim;
use self::readers::Readers;
use self::writer::{Tx, Writer};
use super::store_url::SqliteLocation;
use super::{
    Access, ChangeFeed, Error, LogStart, MintProgress, Minted, PaymentOutcome, PaymentStart,
    Repaired, Repository, Result, SchemaStatus, SectionCounts, SectionOffer, TicketFilter,
};
use crate::clock::Clock;
use crate::domain::event::TIME_TO_PAY_MIN;
use crate::domain::{
    ConfirmationNumber, EntryId, Event, EventDraft, EventId, EventPage, EventQuery, Hold, HoldId,
    NewEntry, NewHold, Offer, Order, OrderId, PaymentReference, Refusal, SeatLabel, Section,
    SectionMap, SessionId, TicketId, TicketState, Timestamp, WaitlistEntry,
};
use crate::minting::Layout;

mod answers;
mod blocks;
mod catalogue;
mod change_log;
mod connect;
mod failure;
mod feed;
mod holds;
mod minting;
mod outlook;
mod ownership;
mod payments;
mod readers;
mod references;
mod schema;
mod search;
mod statements;
mod tickets;
mod values;
mod waiting;
mod waitlist;
mod writer;

pub use connect::open_reader;
pub use schema::SCHEMA;
pub(super) use search::{EventIndex, IndexedEvent};

/// A store in a SQLite file, or in memory.
#[derive(Debug)]
pub struct SqliteRepository {
    writer: Arc<Writer>,
    readers: Readers,
    cache: Arc<Cache>,
    clock: Arc<dyn Clock>,
}

impl SqliteRepository {
    /// Opens the store; with [`Access::Create`] makes it and its schema where they are missing.
    ///
    /// # Errors
    /// The store is missing, is none, cannot be written or has another schema.
    pub fn open(location: &SqliteLocation, access: Access, clock: Arc<dyn Clock>) -> Result<Self> {
        let (connection, wal) = (writable(location, access)?, connect::wal_to_sync(location));
        let cache = Arc::<Cache>::default();
        let writer = Writer::start(connection, wal, Arc::clone(&cache), Arc::clone(&clock))?;
        let readers = Readers::new(location.clone());
        Ok(Self { writer: Arc::new(writer), readers, cache, clock })
    }

    /// Makes a store in memory that works on the thread of those who use it and on no other, so that
    /// no virtual time passes while it works.
    ///
    /// # Errors
    /// The system has no memory to give.
    ///
    /// # Panics
    /// Outside of a [`LocalSet`](tokio::task::LocalSet).
    pub fn open_here(location: &SqliteLocation, clock: Arc<dyn Clock>) -> Result<Self> {
        let connection = writable(location, Access::Create)?;
        let cache = Arc::<Cache>::default();
        let writer = Writer::start_here(connection, Arc::clone(&cache), Arc::clone(&clock))?;
        let readers = Readers::here(location.clone());
        Ok(Self { writer: Arc::new(writer), readers, cache, clock })
    }

    /// Reads an entry beside the writer, which nobody is to wait for while others are counted.
    async fn waitlist_entry(&self, entry: EntryId) -> Result<WaitlistEntry> {
        let now = self.now();
        let read = move |c: &Connection| waitlist::read(c, entry, now);
        self.readers.read("read a waitlist entry", read).await
    }

    async fn stored_event(&self, event: EventId) -> Result<Arc<StoredEvent>> {
        if let Some(known) = self.cache.event(event) {
            return Ok(known);
        }
        let read = move |c: &Connection| catalogue::event(c, event);
        let stored = Arc::new(self.readers.read("read an event", read).await?);
        self.cache.keep_event(&stored);
        Ok(stored)
    }

    /// The tickets with these ids in the order of the venue, each once.
    async fn stored_tickets(
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

    async fn read_tickets(
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

    /// A section with its tickets, read once.
    async fn section_tickets(&self, event: EventId, name: &str) -> Result<StoredSectionTickets> {
        if let Some(known) = self.cache.section(event, name) {
            return Ok(known);
        }
        let stored = self.stored_event(event).await?;
        let (name, of) = (name.to_owned(), Arc::clone(&stored));
        let read = move |c: &Connection| catalogue::section_tickets(c, &of, &name);
        let section = self.readers.read("read a section", read).await?;
        if stored.event.minted {
            self.cache.keep_section(event, stored.event_no, &section);
        }
        Ok(section)
    }

    /// The ticket for a seat; none where the event has no such seat.
    async fn ticket_at(&self, event: EventId, seat: &SeatLabel) -> Result<Option<TicketId>> {
        match self.section_tickets(event, &seat.section).await {
            Ok(stored) => {
                let found = stored.section.tickets().iter().find(|ticket| ticket.label == *seat);
                Ok(found.map(|ticket| ticket.ticket_id))
            }
            Err(Error::Refused(Refusal::UnknownSeat { .. })) => Ok(None),
            Err(other) => Err(other),
        }
    }
}

/// The connection that writes, to a store with a schema.
fn writable(location: &SqliteLocation, access: Access) -> Result<Connection> {
    let connection = connect::open_writer(location, access)?;
    match access {
        Access::Create => create_schema(&connection).map_err(|f| f.leave("make the schema"))?,
        Access::Existing => schema::require(&connection, &connect::name_of(location))?,
    }
    Ok(connection)
}

fn create_schema(connection: &Connection) -> Outcome<()> {
    if schema::is_applied(connection)? {
        return Ok(());
    }
    connection.execute_batch("BEGIN IMMEDIATE")?;
    let made = schema::apply(connection);
    connection.execute_batch(if made.is_ok() { "COMMIT" } else { "ROLLBACK" })?;
    made
}

/// An event whose minting is not complete has no open sale.
fn check_open(event: &StoredEvent) -> Result<()> {
    if event.event.minted {
        return Ok(());
    }
    let why = format!("the tickets of {} are not all minted yet", event.event.slug);
    Err(Refusal::Busy { why }.into())
}

#[async_trait]
impl Repository for SqliteRepository {
    fn engine(&self) -> String {
        format!("SQLite {}", rusqlite::version())
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn time_to_pay_min(&self) -> Duration {
        TIME_TO_PAY_MIN
    }

    async fn apply_schema(&self) -> Result<SchemaStatus> {
        let apply = |tx: &mut Tx<'_, '_>| schema::apply(tx.statements.connection);
        self.writer.submit("apply the schema", apply).await?;
        self.schema_status().await
    }

    async fn schema_status(&self) -> Result<SchemaStatus> {
        self.readers.read("read the schema", schema::status).await
    }

    async fn add_event(&self, draft: &EventDraft) -> Result<Event> {
        let draft = draft.clone();
        let add = move |tx: &mut Tx<'_, '_>| {
            Ok(catalogue::add_event(tx.statements.connection, &draft)?.event)
        };
        self.writer.submit("add an event", add).await
    }

    async fn mint(
        &self,
        event: EventId,
        layout: Arc<Layout>,
        progress: MintProgress<'_>,
    ) -> Result<Minted> {
        let plan = Arc::clone(&layout);
        let reserve = move |tx: &mut Tx<'_, '_>| minting::reserve(tx, event, &plan);
        let reserved = self.writer.submit("reserve ticket numbers", reserve).await?;
        let total = layout.tickets();
        let mut new = 0;
        let mut done = reserved.existing;
        while done < total {
            let end = total.min(done + minting::CHUNK);
            let rows = minting::rows(&reserved, &layout, done, end);
            let write = move |tx: &mut Tx<'_, '_>| minting::write(tx, &rows);
            new += self.writer.submit("mint tickets", write).await?;
            done = end;
            progress(done);
        }
        let event_no = reserved.event.event_no;
        let open = move |tx: &mut Tx<'_, '_>| minting::open_sale(tx, event_no);
        self.writer.submit("open the sale", open).await?;
        Ok(Minted { new, existing: total - new })
    }

    async fn events(&self) -> Result<Vec<Event>> {
        self.readers.read("read the events", catalogue::events).await
    }

    async fn event(&self, event: EventId) -> Result<Event> {
        Ok(self.stored_event(event).await?.event.clone())
    }

    async fn sections(&self, event: EventId) -> Result<Vec<Section>> {
        let event_no = self.stored_event(event).await?.event_no;
        let read = move |c: &Connection| catalogue::sections(c, event_no);
        let sections = self.readers.read("read the sections", read).await?;
        Ok(sections.into_iter().map(|s| s.section).collect())
    }

    async fn search_events(&self, query: &EventQuery) -> Result<EventPage> {
        let (query, now) = (query.clone(), self.now());
        let read = move |c: &Connection| {
            search::search(c, &query, &|c, found| search::has_tickets(c, found, now))
        };
        self.readers.read("search the events", read).await
    }

    async fn offers(&self, event: EventId) -> Result<Vec<SectionOffer>> {
        let stored = self.stored_event(event).await?;
        let now = self.now();
        let read = move |c: &Connection| tickets::offers(c, &stored, now);
        self.readers.read("read what is on offer", read).await
    }

    async fn section_map(&self, event: EventId, section: &str) -> Result<SectionMap> {
        let stored = self.section_tickets(event, section).await?;
        let now = self.now();
        let section = Arc::clone(&stored.section);
        let read = move |c: &Connection| tickets::section_statuses(c, &stored, now);
        let statuses = self.readers.read("read a section", read).await?;
        Ok(SectionMap::new(section, statuses))
    }

    async fn tickets(&self, event: EventId, filter: &TicketFilter) -> Result<Vec<TicketState>> {
        let stored = self.stored_event(event).await?;
        let (filter, now) = (filter.clone(), self.now());
        let read = move |c: &Connection| tickets::list(c, &stored, &filter, now);
        self.readers.read("read the tickets", read).await
    }

    async fn find_seats(&self, event: EventId, seats: &[SeatLabel]) -> Result<Vec<TicketId>> {
        self.stored_event(event).await?;
        let (mut ids, mut unknown) = (Vec::with_capacity(seats.len()), Vec::new());
        for seat in seats {
            match self.ticket_at(event, seat).await? {
                Some(ticket) => ids.push(ticket),
                None => unknown.push(seat.to_string()),
            }
        }
        if unknown.is_empty() {
            Ok(ids)
        } else {
            Err(Refusal::UnknownSeat { seats: unknown }.into())
        }
    }

    async fn counts(&self, event: EventId) -> Result<Vec<SectionCounts>> {
        let stored = self.stored_event(event).await?;
        let now = self.now();
        let read = move |c: &Connection| tickets::counts(c, &stored, now);
        self.readers.read("count the tickets", read).await
    }

    async fn block(&self, event: EventId, tickets: &[TicketId], reason: &str) -> Result<u64> {
        let stored = self.stored_event(event).await?;
        let tickets = self.stored_tickets(&stored, tickets).await?;
        let reason = reason.to_owned();
        let block = move |tx: &mut Tx<'_, '_>| blocks::block(tx, &tickets, &reason);
        self.writer.submit("block tickets", block).await
    }

    async fn unblock(&self, event: EventId, tickets: &[TicketId]) -> Result<u64> {
        let stored = self.stored_event(event).await?;
        let tickets = self.stored_tickets(&stored, tickets).await?;
        let unblock = move |tx: &mut Tx<'_, '_>| blocks::unblock(tx, &tickets);
        self.writer.submit("unblock tickets", unblock).await
    }

    async fn start_hold(&self, hold: &NewHold) -> Result<Hold> {
        hold.hold_id.check_chosen()?;
        let event = self.stored_event(hold.event_id).await?;
        check_open(&event)?;
        let tickets = self.stored_tickets(&event, &hold.tickets).await?;
        let claim = Arc::new(Claim { event, tickets, hold: hold.clone() });
        let shared = Arc::clone(&claim);
        let start = move |tx: &mut Tx<'_, '_>| holds::start(tx, &shared);
        let span = self.writer.submit("start a hold", start).await?;
        Ok(claim.granted(span))
    }

    async fn abandon(&self, hold: HoldId, session: &SessionId) -> Result<Hold> {
        let session = session.clone();
        let abandon = move |tx: &mut Tx<'_, '_>| {
            holds::abandon(tx, hold, &session)?;
            let connection = tx.statements.connection;
            holds::read(connection, holds::known(connection, hold)?, tx.now)
        };
        self.writer.submit("abandon a hold", abandon).await
    }

    async fn hold(&self, hold: HoldId) -> Result<Hold> {
        let now = self.now();
        let read = move |c: &Connection| holds::read(c, holds::known(c, hold)?, now);
        self.readers.read("read a hold", read).await
    }

    async fn running_holds(&self, event: EventId) -> Result<Vec<Hold>> {
        let stored = self.stored_event(event).await?;
        let now = self.now();
        let read = move |c: &Connection| holds::running(c, &stored, now);
        self.readers.read("read the running holds", read).await
    }

    async fn begin_payment(
        &self,
        hold: HoldId,
        session: &SessionId,
        reference: &PaymentReference,
    ) -> Result<PaymentStart> {
        let (session, reference) = (session.clone(), reference.clone());
        let begin = move |tx: &mut Tx<'_, '_>| payments::begin(tx, hold, &session, &reference);
        self.writer.submit("begin a payment", begin).await
    }

    async fn record_payment(
        &self,
        hold: HoldId,
        reference: &PaymentReference,
        outcome: PaymentOutcome,
    ) -> Result<Order> {
        let reference = reference.clone();
        let record = move |tx: &mut Tx<'_, '_>| payments::record(tx, hold, &reference, outcome);
        self.writer.submit("record a payment", record).await
    }

    async fn recover_payments(&self, event: EventId) -> Result<Vec<Order>> {
        let tickets = self.stored_event(event).await?.tickets();
        let recover = move |tx: &mut Tx<'_, '_>| payments::recover(tx, tickets);
        self.writer.submit("recover payments", recover).await
    }

    async fn repair(&self, event: EventId) -> Result<Repaired> {
        let given_up = self.recover_payments(event).await?;
        let offers = self.serve_waitlist(event).await?;
        Ok(Repaired { given_up, offers, ..Repaired::default() })
    }

    async fn note_has_tickets(&self, _: EventId) -> Result<Option<bool>> {
        // It is asked of the tickets themselves.
        Ok(None)
    }

    async fn repair_tickets(&self, event: EventId, _: &[TicketId]) -> Result<Repaired> {
        self.repair(event).await
    }

    async fn order(&self, order: OrderId) -> Result<Order> {
        let read = move |c: &Connection| payments::order(c, order);
        self.readers.read("read an order", read).await
    }

    async fn orders_numbered(&self, number: &ConfirmationNumber) -> Result<Vec<Order>> {
        let number = number.to_string();
        let read = move |c: &Connection| payments::orders_numbered(c, &number);
        self.readers.read("find an order", read).await
    }

    async fn orders(&self, event: EventId) -> Result<Vec<Order>> {
        let event_no = self.stored_event(event).await?.event_no;
        let read = move |c: &Connection| payments::orders(c, event_no);
        self.readers.read("read the orders", read).await
    }

    async fn begin_refund(&self, order: OrderId) -> Result<Order> {
        let begin = move |tx: &mut Tx<'_, '_>| payments::begin_refund(tx, order);
        self.writer.submit("begin a refund", begin).await
    }

    async fn finish_refund(&self, order: OrderId) -> Result<Order> {
        let finish = move |tx: &mut Tx<'_, '_>| payments::finish_refund(tx, order);
        self.writer.submit("finish a refund", finish).await
    }

    async fn join_waitlist(&self, entry: &NewEntry) -> Result<WaitlistEntry> {
        entry.entry_id.check_chosen()?;
        let event = self.stored_event(entry.event_id).await?;
        check_open(&event)?;
        let (entry_id, entry) = (entry.entry_id, entry.clone());
        let join = move |tx: &mut Tx<'_, '_>| waitlist::join(tx, &event, &entry);
        self.writer.submit("join the waitlist", join).await?;
        self.waitlist_entry(entry_id).await
    }

    async fn leave_waitlist(&self, entry: EntryId, session: &SessionId) -> Result<WaitlistEntry> {
        let session = session.clone();
        let leave = move |tx: &mut Tx<'_, '_>| waitlist::leave(tx, entry, &session);
        self.writer.submit("leave the waitlist", leave).await?;
        self.waitlist_entry(entry).await
    }

    async fn waitlist(&self, event: EventId) -> Result<Vec<WaitlistEntry>> {
        let stored = self.stored_event(event).await?;
        let now = self.now();
        let list = move |c: &Connection| waitlist::list(c, &stored, now);
        self.readers.read("read the waitlist", list).await
    }

    async fn offers_to(
        &self,
        event: EventId,
        entries: &[EntryId],
    ) -> Result<Vec<(EntryId, HoldId)>> {
        let event_no = self.stored_event(event).await?.event_no;
        let entries = entries.to_vec();
        let read = move |c: &Connection| waitlist::offers_to(c, event_no, &entries);
        self.readers.read("read the offers", read).await
    }

    async fn serve_waitlist(&self, event: EventId) -> Result<Vec<Offer>> {
        let event_no = self.stored_event(event).await?.event_no;
        let serve = move |tx: &mut Tx<'_, '_>| waitlist::serve(tx, event_no, None);
        self.writer.submit("serve the waitlist", serve).await
    }

    async fn follow(&self, start: LogStart, lag: Option<Duration>) -> Result<Box<dyn ChangeFeed>> {
        let (writer, readers) = (Arc::clone(&self.writer), self.readers.clone());
        let feed = feed::begin(writer, readers, Arc::clone(&self.clock), start, lag).await?;
        Ok(Box::new(feed))
    }

    async fn close(&self) {
        let writer = Arc::clone(&self.writer);
        self.readers.close();
        // The last connection of the last process copies the write-ahead log into the file.
        let _ = tokio::task::spawn_blocking(move || writer.stop()).await;
    }
}
