//! The clustered engine: a ScyllaDB keyspace, shared by any number of machines.
//!
//! Who may own a ticket is decided by lightweight transactions on the ticket's one row, in
//! `queue.rs`; each says in full what it expects. `docs/protocol.md` argues why that sells every seat
//! exactly once, whatever crashes between two of them.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::task::AbortHandle;

use self::catalogue::StoredTicket;
use self::database::Database;
use self::search::Search;
use self::server_clock::{MEASURED_EVERY, ServerClock};
use self::statements::Statements;
use super::store_url::ScyllaLocation;
use super::{
    Access, ChangeFeed, ClockStatus, LogStart, MintProgress, Minted, PaymentOutcome, PaymentStart,
    Repaired, Repository, Result, SchemaStatus, SectionCounts, SectionOffer, StoreError,
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

mod at_once;
mod blocks;
mod catalogue;
mod claims;
mod clock_keeper;
mod connect;
mod database;
mod deletion;
mod failure;
mod holds;
mod keyspace;
mod limits;
mod lines;
mod log;
mod minting;
mod payments;
mod projection;
mod queue;
mod reader;
mod references;
mod repair;
mod rows;
mod schema;
mod schema_text;
mod search;
mod server_clock;
mod settlement;
mod statements;
mod tickets;
mod values;
mod waitlist;

pub(crate) use reader::{Reader, open_reader};
pub use schema::SCHEMA;

/// A store in a keyspace of a ScyllaDB cluster.
#[derive(Debug)]
pub struct ScyllaRepository {
    db: Arc<Database>,
    keyspace: String,
    version: String,
    search: Search,
    clock_keeper: AbortHandle,
}

impl ScyllaRepository {
    /// Opens the store; with [`Access::Create`] makes the keyspace and the schema where they are
    /// missing.
    ///
    /// # Errors
    /// No machine answers, it is no ScyllaDB, or the store is missing or has another schema.
    pub async fn open(
        location: &ScyllaLocation,
        access: Access,
        clock: Arc<dyn Clock>,
    ) -> Result<Self> {
        let session = connect::session(location).await?;
        let version = connect::version(&session).await?;
        let (keyspace, name) = (location.keyspace.clone(), location.to_string());
        if access == Access::Create {
            let mut warnings = keyspace::create(&session, location).await?;
            warnings.extend(schema::apply(&session, &keyspace).await?);
            for warning in warnings {
                tracing::warn!("the server warns: {warning}");
            }
        }
        let Some(datacenters) = keyspace::datacenters(&session, &keyspace).await? else {
            let message = format!("there is no keyspace {keyspace} in the store {name}");
            return Err(StoreError::new(StoreFault::Missing, message).into());
        };
        if access == Access::Existing {
            keyspace::enter(&session, &keyspace).await?;
        }
        schema::require(&session, &keyspace, &name).await?;
        let agreement = connect::agreement(location, datacenters)?;
        let statements = match Statements::prepare(&session, agreement).await {
            Ok(statements) => statements,
            Err(error) => return Err(schema::explain(&session, &keyspace, &name, error).await),
        };
        let db = Arc::new(Database::new(session, statements, ServerClock::new(clock)));
        db.identity.compare(&db).await?;
        clock_keeper::look(&db).await?;
        let clock_keeper = tokio::spawn(keep_clock(Arc::downgrade(&db))).abort_handle();
        Ok(Self { db, keyspace, version, search: Search::default(), clock_keeper })
    }

    /// The tickets with these ids in the order of the venue, each once.
    async fn stored_tickets(
        &self,
        event: &Event,
        ids: &[TicketId],
    ) -> Result<Vec<Arc<StoredTicket>>> {
        let found = catalogue::tickets_by_id(&self.db, event, ids).await?;
        let there = |id: &TicketId| found.iter().any(|t| t.ticket.ticket_id == *id);
        let unknown: Vec<String> =
            ids.iter().filter(|id| !there(id)).map(ToString::to_string).collect();
        if unknown.is_empty() && !found.is_empty() {
            Ok(found)
        } else {
            Err(Refusal::UnknownSeat { seats: unknown }.into())
        }
    }
}

impl Drop for ScyllaRepository {
    fn drop(&mut self) {
        self.clock_keeper.abort();
    }
}

/// Measures the distance of the clocks from time to time, and looks whether the keyspace is the same, as
/// long as the store is open.
async fn keep_clock(db: std::sync::Weak<Database>) {
    loop {
        tokio::time::sleep(MEASURED_EVERY).await;
        let Some(db) = db.upgrade() else { return };
        if let Err(error) = clock_keeper::look(&db).await {
            tracing::debug!(%error, "the server's clock was not measured");
        }
        if let Err(error) = db.identity.compare(&db).await {
            tracing::warn!(%error, "the keyspace was not found as it was opened");
        }
    }
}

/// An event whose minting is not complete has no open sale.
fn check_open(event: &Event) -> Result<()> {
    if event.minted {
        return Ok(());
    }
    let why = format!("the tickets of {} are not all minted yet", event.slug);
    Err(Refusal::Busy { why }.into())
}

#[async_trait]
impl Repository for ScyllaRepository {
    fn engine(&self) -> String {
        format!("ScyllaDB {}", self.version)
    }

    fn now(&self) -> Timestamp {
        self.db.now()
    }

    fn time_to_pay_min(&self) -> Duration {
        TIME_TO_PAY_MIN
    }

    async fn apply_schema(&self) -> Result<SchemaStatus> {
        schema::apply(&self.db.session, &self.keyspace).await?;
        self.schema_status().await
    }

    async fn schema_status(&self) -> Result<SchemaStatus> {
        schema::status(&self.db.session, &self.keyspace).await
    }

    async fn clock_status(&self) -> Result<ClockStatus> {
        clock_keeper::status(&self.db).await
    }

    async fn accept_clock(&self) -> Result<ClockStatus> {
        clock_keeper::accept(&self.db).await?;
        clock_keeper::status(&self.db).await
    }

    async fn check_writes(&self) -> Result<()> {
        self.db.identity.compare(&self.db).await?;
        clock_keeper::check_writes(&self.db).await
    }

    async fn add_event(&self, draft: &EventDraft) -> Result<Event> {
        let added = catalogue::add_event(&self.db, draft).await;
        self.search.event_changed();
        added
    }

    async fn mint(
        &self,
        event: EventId,
        layout: Arc<Layout>,
        progress: MintProgress<'_>,
    ) -> Result<Minted> {
        let minted = minting::mint(&self.db, event, &layout, progress).await;
        self.search.event_changed();
        minted
    }

    async fn delete_event(&self, event: EventId, progress: MintProgress<'_>) -> Result<()> {
        let deleted = deletion::delete(&self.db, event, progress).await;
        self.search.event_changed();
        deleted
    }

    async fn holds_started(&self, event: EventId) -> Result<u64> {
        Ok(deletion::holds_of(&self.db, event).await?.len() as u64)
    }

    async fn events(&self) -> Result<Vec<Event>> {
        catalogue::events(&self.db).await
    }

    async fn event(&self, event: EventId) -> Result<Event> {
        Ok(catalogue::event(&self.db, event).await?.as_ref().clone())
    }

    async fn sections(&self, event: EventId) -> Result<Vec<Section>> {
        let event = catalogue::event(&self.db, event).await?;
        let sections = catalogue::sections(&self.db, &event).await?;
        Ok(sections.iter().map(|s| s.section.clone()).collect())
    }

    async fn search_events(&self, query: &EventQuery) -> Result<EventPage> {
        self.search.events(&self.db, query).await
    }

    async fn offers(&self, event: EventId) -> Result<Vec<SectionOffer>> {
        let event = catalogue::event(&self.db, event).await?;
        tickets::offers(&self.db, &event).await
    }

    async fn section_map(&self, event: EventId, section: &str) -> Result<SectionMap> {
        let event = catalogue::event(&self.db, event).await?;
        tickets::map(&self.db, &event, section).await
    }

    async fn tickets(&self, event: EventId, filter: &TicketFilter) -> Result<Vec<TicketState>> {
        let event = catalogue::event(&self.db, event).await?;
        tickets::list(&self.db, &event, filter).await
    }

    async fn find_seats(&self, event: EventId, seats: &[SeatLabel]) -> Result<Vec<TicketId>> {
        let event = catalogue::event(&self.db, event).await?;
        catalogue::find_seats(&self.db, &event, seats).await
    }

    async fn counts(&self, event: EventId) -> Result<Vec<SectionCounts>> {
        let event = catalogue::event(&self.db, event).await?;
        tickets::counts(&self.db, &event).await
    }

    async fn block(&self, event: EventId, tickets: &[TicketId], reason: &str) -> Result<u64> {
        let stored = catalogue::event(&self.db, event).await?;
        check_open(&stored)?;
        let tickets = self.stored_tickets(&stored, tickets).await?;
        blocks::block(&self.db, event, &tickets, reason).await
    }

    async fn unblock(&self, event: EventId, tickets: &[TicketId]) -> Result<u64> {
        let stored = catalogue::event(&self.db, event).await?;
        check_open(&stored)?;
        let tickets = self.stored_tickets(&stored, tickets).await?;
        blocks::unblock(&self.db, event, &tickets).await
    }

    async fn start_hold(&self, hold: &NewHold) -> Result<Hold> {
        hold.hold_id.check_chosen()?;
        let event = catalogue::event_to_sell(&self.db, hold.event_id).await?;
        check_open(&event)?;
        let tickets = self.stored_tickets(&event, &hold.tickets).await?;
        let row = claims::start(&self.db, &event, &tickets, hold).await?;
        Ok(holds::started(row, &event))
    }

    async fn abandon(&self, hold: HoldId, session: &SessionId) -> Result<Hold> {
        let row = holds::abandon(&self.db, hold, session).await?;
        holds::complete(&self.db, row).await
    }

    async fn hold(&self, hold: HoldId) -> Result<Hold> {
        holds::complete(&self.db, holds::known(&self.db, hold).await?).await
    }

    async fn running_holds(&self, event: EventId) -> Result<Vec<Hold>> {
        catalogue::event(&self.db, event).await?;
        holds::running(&self.db, event).await
    }

    async fn begin_payment(
        &self,
        hold: HoldId,
        session: &SessionId,
        reference: &PaymentReference,
    ) -> Result<PaymentStart> {
        payments::begin(&self.db, hold, session, reference).await
    }

    async fn record_payment(
        &self,
        hold: HoldId,
        reference: &PaymentReference,
        outcome: PaymentOutcome,
    ) -> Result<Order> {
        payments::record(&self.db, hold, reference, outcome).await
    }

    async fn recover_payments(&self, event: EventId) -> Result<Vec<Order>> {
        catalogue::event(&self.db, event).await?;
        payments::recover(&self.db, event).await
    }

    async fn repair(&self, event: EventId) -> Result<Repaired> {
        catalogue::event(&self.db, event).await?;
        repair::event(&self.db, event).await
    }

    async fn note_has_tickets(&self, event: EventId) -> Result<Option<bool>> {
        repair::note_has_tickets(&self.db, event).await
    }

    async fn repair_tickets(&self, event: EventId, tickets: &[TicketId]) -> Result<Repaired> {
        repair::tickets(&self.db, event, tickets).await
    }

    async fn order(&self, order: OrderId) -> Result<Order> {
        payments::order(&self.db, order).await
    }

    async fn orders_numbered(&self, number: &ConfirmationNumber) -> Result<Vec<Order>> {
        payments::orders_numbered(&self.db, number).await
    }

    async fn orders(&self, event: EventId) -> Result<Vec<Order>> {
        catalogue::event(&self.db, event).await?;
        payments::orders(&self.db, event).await
    }

    async fn begin_refund(&self, order: OrderId) -> Result<Order> {
        payments::begin_refund(&self.db, order).await
    }

    async fn finish_refund(&self, order: OrderId) -> Result<Order> {
        payments::finish_refund(&self.db, order).await
    }

    async fn join_waitlist(&self, entry: &NewEntry) -> Result<WaitlistEntry> {
        entry.entry_id.check_chosen()?;
        let event = catalogue::event_to_sell(&self.db, entry.event_id).await?;
        check_open(&event)?;
        waitlist::join(&self.db, &event, entry).await
    }

    async fn leave_waitlist(&self, entry: EntryId, session: &SessionId) -> Result<WaitlistEntry> {
        waitlist::leave(&self.db, entry, session).await
    }

    async fn waitlist(&self, event: EventId) -> Result<Vec<WaitlistEntry>> {
        catalogue::event(&self.db, event).await?;
        waitlist::list(&self.db, event).await
    }

    async fn offers_to(
        &self,
        event: EventId,
        entries: &[EntryId],
    ) -> Result<Vec<(EntryId, HoldId)>> {
        catalogue::event(&self.db, event).await?;
        waitlist::offers_to(&self.db, event, entries).await
    }

    async fn serve_waitlist(&self, event: EventId) -> Result<Vec<Offer>> {
        catalogue::event(&self.db, event).await?;
        waitlist::serve(&self.db, event).await
    }

    async fn follow(&self, start: LogStart, lag: Option<Duration>) -> Result<Box<dyn ChangeFeed>> {
        let feed = log::begin(Arc::clone(&self.db), &self.keyspace, start, lag).await?;
        Ok(Box::new(feed))
    }

    async fn close(&self) {
        self.clock_keeper.abort();
    }
}
