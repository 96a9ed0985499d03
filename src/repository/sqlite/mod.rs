//! The embedded engine: one SQLite file, shared by any number of processes.
//!
//! Who may own a ticket is decided by the guarded statements in `statements`, run by the process's
//! one `writer`; readers have connections of their own. `docs/protocol.md` argues why that sells
//! every seat exactly once.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use rusqlite::Connection;

use self::catalogue::{Cache, StoredEvent};
use self::deletion::Step;
use self::failure::Outcome;
use self::holds::Claim;
use self::readers::Readers;
use self::store_clock::StoreClock;
use self::store_file::StoreFile;
use self::writer::{Tx, Writer};
use super::store_url::{SqliteLocation, SqlitePlace};
use super::{
    Access, ChangeFeed, ClockStatus, Error, LogStart, MintProgress, Minted, PaymentOutcome,
    PaymentStart, Repaired, Repository, Result, SchemaStatus, SectionCounts, SectionOffer,
    StoreFault, TicketFilter,
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
mod deletion;
mod failure;
mod feed;
mod holds;
mod lock;
mod lookup;
mod minting;
mod outlook;
mod ownership;
mod payments;
mod readers;
mod references;
mod schema;
mod search;
mod statements;
mod store_clock;
mod store_file;
mod tickets;
mod values;
mod waiting;
mod waitlist;
mod writer;

pub use connect::open_reader;
pub(crate) use deletion::EVENT_DELETED;
pub use schema::SCHEMA;
pub(super) use search::{EventIndex, IndexedEvent};

/// A store in a SQLite file, or in memory.
#[derive(Debug)]
pub struct SqliteRepository {
    writer: Arc<Writer>,
    readers: Readers,
    cache: Arc<Cache>,
    clock: Arc<StoreClock>,
}

/// Bytes that are written to find out whether there is room: about what a claim takes.
const PROBE_BYTES: u32 = 16 * 1024;

impl SqliteRepository {
    /// Opens the store; with [`Access::Create`] makes it and its schema where they are missing.
    ///
    /// # Errors
    /// The store is missing, is none, cannot be written or has another schema.
    pub fn open(location: &SqliteLocation, access: Access, clock: Arc<dyn Clock>) -> Result<Self> {
        let name = connect::name_of(location);
        let location = connect::resolve(location, access)?;
        let connection = writable(&location, &name, access)?;
        let (file, is_shared) = match &location.place {
            SqlitePlace::File(path) => (StoreFile::of(path, &name), true),
            SqlitePlace::Memory(_) => (StoreFile::in_memory("memory"), false),
        };
        let clock = Arc::new(StoreClock::new(clock, is_shared));
        clock.load(&connection).map_err(|f| f.leave("read the store's clock"))?;
        let cache = Arc::<Cache>::default();
        let files = (connect::wal_to_sync(&location), file.clone());
        let writer = Writer::start(connection, files, Arc::clone(&cache), Arc::clone(&clock))?;
        let readers = Readers::new(location, file, Arc::clone(&clock));
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
        let connection = writable(location, &connect::name_of(location), Access::Create)?;
        let clock = Arc::new(StoreClock::new(clock, false));
        let cache = Arc::new(Cache::lasting());
        let writer = Writer::start_here(connection, Arc::clone(&cache), Arc::clone(&clock))?;
        let readers = Readers::here(location.clone(), Arc::clone(&clock));
        Ok(Self { writer: Arc::new(writer), readers, cache, clock })
    }

    /// Reads an entry beside the writer, which nobody is to wait for while others are counted.
    async fn waitlist_entry(&self, entry: EntryId) -> Result<WaitlistEntry> {
        let now = self.now();
        let read = move |c: &Connection| waitlist::read(c, entry, now);
        self.readers.read("read a waitlist entry", read).await
    }
}

/// The connection that writes, to a store with a schema.
fn writable(location: &SqliteLocation, name: &str, access: Access) -> Result<Connection> {
    let connection = connect::open_writer(location, name, access)?;
    match access {
        Access::Create => create_schema(&connection).map_err(|f| f.leave("make the schema"))?,
        Access::Existing => schema::require(&connection, name)?,
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
        self.writer.submit_always("apply the schema", apply).await?;
        self.schema_status().await
    }

    async fn schema_status(&self) -> Result<SchemaStatus> {
        self.readers.read("read the schema", schema::status).await
    }

    async fn clock_status(&self) -> Result<ClockStatus> {
        let clock = Arc::clone(&self.clock);
        let status = move |c: &Connection| clock.status(c);
        self.readers.read("read the store's clock", status).await
    }

    async fn accept_clock(&self) -> Result<ClockStatus> {
        let accept = |tx: &mut Tx<'_, '_>| tx.clock.accept(tx.statements.connection);
        self.writer.submit_always("accept the clock", accept).await?;
        self.clock_status().await
    }

    async fn check_writes(&self) -> Result<()> {
        if let Some(outcome) = self.writer.last_outcome() {
            return outcome;
        }
        let write = |tx: &mut Tx<'_, '_>| {
            let sql = "UPDATE store_clock SET probe = zeroblob(?1) WHERE one = 1";
            tx.statements.cached(sql)?.execute([PROBE_BYTES])?;
            Ok(())
        };
        self.writer.submit("write to the store", write).await
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
            let event = reserved.event.clone();
            let write = move |tx: &mut Tx<'_, '_>| minting::write(tx, &event, &rows);
            new += self.writer.submit("mint tickets", write).await?;
            done = end;
            progress(done);
        }
        let event_no = reserved.event.event_no;
        let open = move |tx: &mut Tx<'_, '_>| minting::open_sale(tx, event_no);
        self.writer.submit("open the sale", open).await?;
        Ok(Minted { new, existing: total - new })
    }

    async fn delete_event(&self, event: EventId, progress: MintProgress<'_>) -> Result<()> {
        let past = move |c: &Connection| deletion::past(c, event);
        let past = self.readers.read("look at the holds of an event", past).await?;
        let begin = move |tx: &mut Tx<'_, '_>| deletion::begin(tx, event, past);
        let deletion = self.writer.submit("delete an event", begin).await?;
        // What a reader kept of it while the transaction was on its way.
        self.cache.clear();
        let (mut next, mut done) = (Some(Step::FIRST), 1);
        while let Some(step) = next {
            progress(done);
            let remove = move |tx: &mut Tx<'_, '_>| deletion::remove(tx, deletion, &step);
            next = self.writer.submit("remove what is left of an event", remove).await?;
            done += 1;
        }
        progress(done);
        Ok(())
    }

    async fn holds_started(&self, event: EventId) -> Result<u64> {
        let past = move |c: &Connection| deletion::past(c, event);
        Ok(self.readers.read("look at the holds of an event", past).await?.holds)
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
        let query = query.clone();
        let read = move |c: &Connection, now| {
            search::search(c, &query, &|c, found| search::has_tickets(c, found, now))
        };
        self.readers.read_now("search the events", read).await
    }

    async fn offers(&self, event: EventId) -> Result<Vec<SectionOffer>> {
        let stored = self.stored_event(event).await?;
        let read = move |c: &Connection, now| tickets::offers(c, &stored, now);
        self.readers.read_now("read what is on offer", read).await
    }

    async fn section_map(&self, event: EventId, section: &str) -> Result<SectionMap> {
        let stored = self.section_tickets(event, section).await?;
        let section = Arc::clone(&stored.section);
        let read = move |c: &Connection, now| tickets::section_statuses(c, &stored, now);
        let statuses = self.readers.read_now("read a section", read).await?;
        Ok(SectionMap::new(section, statuses))
    }

    async fn tickets(&self, event: EventId, filter: &TicketFilter) -> Result<Vec<TicketState>> {
        let stored = self.stored_event(event).await?;
        let filter = filter.clone();
        let read = move |c: &Connection, now| tickets::list(c, &stored, &filter, now);
        self.readers.read_now("read the tickets", read).await
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
        let cache = Arc::clone(&self.cache);
        let read = move |c: &Connection, now| tickets::counts(c, &cache, &stored, now);
        self.readers.read_now("count the tickets", read).await
    }

    async fn block(&self, event: EventId, tickets: &[TicketId], reason: &str) -> Result<u64> {
        let stored = self.stored_event(event).await?;
        check_open(&stored)?;
        let tickets = self.stored_tickets(&stored, tickets).await?;
        let reason = reason.to_owned();
        let block = move |tx: &mut Tx<'_, '_>| blocks::block(tx, &stored, &tickets, &reason);
        self.writer.submit("block tickets", block).await
    }

    async fn unblock(&self, event: EventId, tickets: &[TicketId]) -> Result<u64> {
        let stored = self.stored_event(event).await?;
        check_open(&stored)?;
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
        let read = move |c: &Connection, now| holds::read(c, holds::known(c, hold)?, now);
        self.readers.read_now("read a hold", read).await
    }

    async fn running_holds(&self, event: EventId) -> Result<Vec<Hold>> {
        let stored = self.stored_event(event).await?;
        let read = move |c: &Connection, now| holds::running(c, &stored, now);
        self.readers.read_now("read the running holds", read).await
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
        let (orders, faults) = self.recover(event).await?;
        for fault in faults {
            tracing::warn!("{fault}");
        }
        Ok(orders)
    }

    async fn repair(&self, event: EventId) -> Result<Repaired> {
        let (given_up, faults) = self.recover(event).await?;
        let faults = faults.iter().map(ToString::to_string).collect();
        let mut repaired = Repaired { given_up, faults, ..Repaired::default() };
        match self.serve_waitlist(event).await {
            Ok(offers) => repaired.offers = offers,
            Err(Error::Store(error)) if error.fault == StoreFault::Corrupt => {
                repaired.faults.push(error.to_string());
            }
            Err(other) => return Err(other),
        }
        Ok(repaired)
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
        let list = move |c: &Connection, now| waitlist::list(c, &stored, now);
        self.readers.read_now("read the waitlist", list).await
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
        let clock = Arc::clone(&self.clock) as Arc<dyn Clock>;
        let feed = feed::begin(writer, readers, clock, start, lag).await?;
        Ok(Box::new(feed))
    }

    async fn close(&self) {
        let writer = Arc::clone(&self.writer);
        self.readers.close();
        // The last connection of the last process copies the write-ahead log into the file.
        let _ = tokio::task::spawn_blocking(move || writer.stop()).await;
    }
}
