//! The one way to the store: what every command, the simulation and the server go through.
//!
//! [`Repository`] speaks the words of [`domain`](crate::domain) and promises its rules; each engine
//! below keeps them in its own way. Which engine serves is decided by the store's URL, in
//! [`open`].

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde::Serialize;

use crate::clock::Clock;
use crate::domain::{
    BuyerId, ConfirmationNumber, EntryId, Event, EventDraft, EventId, EventPage, EventQuery, Hold,
    HoldId, Money, NewEntry, NewHold, Offer, Order, OrderId, PaymentReference, Refusal, SeatLabel,
    Section, SectionMap, SessionId, TicketId, TicketState, TicketStatus, Timestamp, WaitlistEntry,
};
use crate::minting::Layout;

mod clock_status;
mod counts;
pub mod error;
pub mod follow;
mod repaired;
pub mod scylla;
mod shared_text;
pub mod sqlite;
pub mod store_url;

pub use clock_status::ClockStatus;
pub use counts::{SectionCounts, SectionOffer, TypeCounts, TypeOffer};
pub use error::{Error, Result, StoreError, StoreFault};
pub use follow::{ChangeFeed, LogFault, LogStart, LogStep, Standing};
pub use repaired::Repaired;
pub use store_url::StoreUrl;

/// What a command is about to do with the store, which decides whether a missing one is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Make the store and its schema if they are not there.
    Create,
    /// Expect a store with a schema.
    Existing,
}

/// Opens the store behind `url`.
///
/// # Errors
/// The store is not there and `access` does not allow to make it, or it cannot be used.
pub async fn open(
    url: &StoreUrl,
    access: Access,
    clock: Arc<dyn Clock>,
) -> Result<Arc<dyn Repository>> {
    match url {
        StoreUrl::Sqlite(location) => {
            let location = location.clone();
            let opened = tokio::task::spawn_blocking(move || {
                sqlite::SqliteRepository::open(&location, access, clock)
            });
            let repository = opened.await.map_err(StoreError::lost_task)??;
            Ok(Arc::new(repository))
        }
        StoreUrl::Scylla(location) => {
            // Its future is large, and would make that of every command so.
            let opened = Box::pin(scylla::ScyllaRepository::open(location, access, clock));
            Ok(Arc::new(opened.await?))
        }
    }
}

/// Makes a store in memory that works on the thread of those who use it and on no other, so that no
/// virtual time passes while it works.
///
/// # Errors
/// The machine has no memory to give.
///
/// # Panics
/// Outside of a [`LocalSet`](tokio::task::LocalSet).
pub fn open_here(clock: Arc<dyn Clock>) -> Result<(StoreUrl, Arc<dyn Repository>)> {
    let location = store_url::SqliteLocation::fresh_memory();
    let repository = sqlite::SqliteRepository::open_here(&location, clock)?;
    Ok((StoreUrl::Sqlite(location), Arc::new(repository)))
}

/// The state of the store's schema.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SchemaStatus {
    /// The version this `tix` works with.
    pub expected_version: u32,
    /// The version that is applied; none where there is no schema.
    pub applied_version: Option<u32>,
    /// What differs from the schema of this version, one sentence each.
    pub differences: Vec<String>,
}

impl SchemaStatus {
    /// Whether the store can be used as it is.
    #[must_use]
    pub fn is_current(&self) -> bool {
        self.applied_version == Some(self.expected_version) && self.differences.is_empty()
    }
}

/// What minting did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Minted {
    /// Tickets minted by this call.
    pub new: u64,
    /// Tickets that were there before, from an earlier or an interrupted call.
    pub existing: u64,
}

/// Which tickets a listing is about.
#[derive(Debug, Clone, Default)]
pub struct TicketFilter {
    /// Only those of this section.
    pub section: Option<String>,
    /// Only those in this condition.
    pub status: Option<TicketStatus>,
    /// At most this many.
    pub limit: Option<u64>,
}

/// Where a payment stands after [`Repository::begin_payment`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PaymentStart {
    /// The tickets are `paying`: charge this amount, then record the outcome.
    Pay {
        /// The order that the outcome will be recorded under.
        order_id: OrderId,
        /// What to charge.
        amount: Money,
        /// Until when the payment may take.
        deadline: Timestamp,
    },
    /// This attempt was decided before.
    Decided(Box<Order>),
}

/// What the payment provider answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PaymentOutcome {
    /// It has the buyer's money.
    Captured,
    /// It said no.
    Declined,
}

/// How long it may take until [`Repository::search_events`] knows of an event that was added, or of
/// tickets that were minted, by another process.
pub const SEARCH_LAG_MAX: Duration = Duration::from_secs(2);

/// How long another process may go on with an event after it was deleted: what it read of it before is
/// read again after that. A claim is refused at once on SQLite; on a cluster one that is made within
/// this time may be granted, and is removed with the event.
pub const DELETION_LAG_MAX: Duration = Duration::from_secs(2);

/// Called with the number of tickets that exist so far while minting goes on.
pub type MintProgress<'a> = &'a (dyn Fn(u64) + Send + Sync);

/// A store of events, tickets, holds and orders that sells every seat exactly once.
///
/// Every method that changes something decides in one atomic step who may, names the hold or order
/// it acts on, and can be repeated: a repeat of what already happened succeeds. A call that was
/// answered survives a power cut. Refusals are [`Error::Refused`]; everything else is
/// [`Error::Store`] and says nothing about the request.
#[async_trait]
pub trait Repository: Send + Sync + Debug {
    /// The name and version of the engine, for reports.
    fn engine(&self) -> String;

    /// The present time by which deadlines are judged.
    fn now(&self) -> Timestamp;

    /// The shortest time to pay that the engine can keep.
    fn time_to_pay_min(&self) -> Duration;

    // ── schema ────────────────────────────────────────────────────────────────────────────────

    /// Makes whatever of the schema is missing; does nothing where all is there.
    async fn apply_schema(&self) -> Result<SchemaStatus>;

    /// Compares the schema that is applied with the one this version needs.
    async fn schema_status(&self) -> Result<SchemaStatus>;

    // ── the store itself ──────────────────────────────────────────────────────────────────────

    /// The store's time, and whether the clock that it is derived from is believed.
    async fn clock_status(&self) -> Result<ClockStatus>;

    /// Believes the clock as it is now. A clock that jumped ahead is followed; one that is behind is
    /// caught up with slowly, because what is written stays written.
    async fn accept_clock(&self) -> Result<ClockStatus>;

    /// Finds out whether a request that changes something would succeed now, by writing something
    /// where none did in the last second.
    ///
    /// # Errors
    /// Whatever that request would fail of.
    async fn check_writes(&self) -> Result<()>;

    // ── events ────────────────────────────────────────────────────────────────────────────────

    /// Adds an event, or finds the one that already has its slug, which then stays as it is.
    ///
    /// # Errors
    /// [`StoreFault::SlugOfDeleted`].
    async fn add_event(&self, draft: &EventDraft) -> Result<Event>;

    /// Mints one ticket for each seat of `layout`. An interrupted call is completed by the next.
    ///
    /// # Errors
    /// [`StoreFault::OtherLayout`] if the event is minted from another layout.
    async fn mint(
        &self,
        event: EventId,
        layout: Arc<Layout>,
        progress: MintProgress<'_>,
    ) -> Result<Minted>;

    /// Deletes an event and everything of it. Its slug stays taken: the ids of its tickets follow from
    /// it. An interrupted call is completed by the next, also where the event is no longer found.
    /// `progress` is called after each step with the number of steps so far.
    ///
    /// # Errors
    /// Refused with `unknown_event`; `has_history` where holds of it were started and no simulation
    /// made it.
    async fn delete_event(&self, event: EventId, progress: MintProgress<'_>) -> Result<()>;

    /// How many holds of an event were ever started.
    async fn holds_started(&self, event: EventId) -> Result<u64>;

    /// All events, by their date.
    async fn events(&self) -> Result<Vec<Event>>;

    /// One event.
    ///
    /// # Errors
    /// [`Refusal::UnknownEvent`].
    async fn event(&self, event: EventId) -> Result<Event>;

    /// The sections of an event, in the order of the venue.
    async fn sections(&self, event: EventId) -> Result<Vec<Section>>;

    /// Looks for events.
    ///
    /// An event that this repository added is found at once, one that was added elsewhere within
    /// [`SEARCH_LAG_MAX`]. On a cluster, whether an event has tickets is a projection: it is checked
    /// for the events of the page, of which those that are sold out are left out where only
    /// available ones are asked for, and `total` may count some of them.
    async fn search_events(&self, query: &EventQuery) -> Result<EventPage>;

    /// What each section of an event has to offer, in the order of the venue.
    async fn offers(&self, event: EventId) -> Result<Vec<SectionOffer>>;

    // ── tickets ───────────────────────────────────────────────────────────────────────────────

    /// The tickets of one section with their condition.
    ///
    /// # Errors
    /// [`Refusal::UnknownSeat`] if the event has no such section.
    async fn section_map(&self, event: EventId, section: &str) -> Result<SectionMap>;

    /// Tickets of an event in the order of the venue.
    async fn tickets(&self, event: EventId, filter: &TicketFilter) -> Result<Vec<TicketState>>;

    /// The ids of the tickets for these seats, in the order asked.
    ///
    /// # Errors
    /// [`Refusal::UnknownSeat`] naming every seat that the event does not have.
    async fn find_seats(&self, event: EventId, seats: &[SeatLabel]) -> Result<Vec<TicketId>>;

    /// How many tickets of each section are in which condition.
    async fn counts(&self, event: EventId) -> Result<Vec<SectionCounts>>;

    /// Keeps available tickets from the sale, all or none; returns how many were not blocked before.
    ///
    /// # Errors
    /// [`Refusal::Taken`] if somebody has one of them.
    async fn block(&self, event: EventId, tickets: &[TicketId], reason: &str) -> Result<u64>;

    /// Puts blocked tickets back into the sale; returns how many were blocked.
    async fn unblock(&self, event: EventId, tickets: &[TicketId]) -> Result<u64>;

    // ── holds ─────────────────────────────────────────────────────────────────────────────────

    /// Claims all tickets of a hold or none. Lapsed holds are taken over, unless somebody waits for
    /// their tickets; a payment that is overdue is given up first.
    ///
    /// # Errors
    /// Refused with `taken`, `blocked`, `limit`, `unknown_event`, `unknown_seat` or `busy`;
    /// `reserved_for_waitlist` where the tickets went to somebody who waited; `expired`
    /// for the repeat of an attempt whose time is over.
    async fn start_hold(&self, hold: &NewHold) -> Result<Hold>;

    /// Gives up a hold that is not paid for; its tickets come free.
    ///
    /// # Errors
    /// Refused with `unknown_hold`, `not_yours`, `payment_in_progress` or `already_paid`.
    async fn abandon(&self, hold: HoldId, session: &SessionId) -> Result<Hold>;

    /// One hold.
    ///
    /// # Errors
    /// [`Refusal::UnknownHold`].
    async fn hold(&self, hold: HoldId) -> Result<Hold>;

    /// The holds of an event that have tickets now and are not paid for, by their deadline.
    async fn running_holds(&self, event: EventId) -> Result<Vec<Hold>>;

    // ── payment ───────────────────────────────────────────────────────────────────────────────

    /// Begins to pay for a hold: pins all of its tickets to the order, or none.
    ///
    /// # Errors
    /// Refused with `unknown_hold`, `not_yours`, `expired`, `payment_in_progress` or `already_paid`.
    async fn begin_payment(
        &self,
        hold: HoldId,
        session: &SessionId,
        reference: &PaymentReference,
    ) -> Result<PaymentStart>;

    /// Records what the provider answered and acts on the order's status, whoever decided it:
    /// `paid` sells the tickets, everything else frees them or gives them back to the hold. Money
    /// that was captured for tickets which had to be let go makes the order `refund_due`.
    ///
    /// # Errors
    /// Refused with `unknown_hold`.
    async fn record_payment(
        &self,
        hold: HoldId,
        reference: &PaymentReference,
        outcome: PaymentOutcome,
    ) -> Result<Order>;

    /// Gives up every payment of an event that is beyond its deadline; its tickets come free.
    /// Returns the orders, now `aborted`.
    async fn recover_payments(&self, event: EventId) -> Result<Vec<Order>>;

    /// Does what nobody else is there to do: gives up overdue payments, follows decisions that were
    /// left half followed, frees what holds have that came to their end, and shows every ticket of
    /// the event as it is. Decides nothing that the other steps do not decide, and does no harm
    /// beside them.
    async fn repair(&self, event: EventId) -> Result<Repaired>;

    /// Notes whether an event has tickets left, for who lists events; tells what it says now if it
    /// said something else before.
    async fn note_has_tickets(&self, event: EventId) -> Result<Option<bool>>;

    /// The same as [`repair`](Self::repair) for some tickets of an event and the holds that have
    /// them; it may do more than that.
    async fn repair_tickets(&self, event: EventId, tickets: &[TicketId]) -> Result<Repaired>;

    // ── orders ────────────────────────────────────────────────────────────────────────────────

    /// One order.
    ///
    /// # Errors
    /// [`Refusal::UnknownHold`] naming the order.
    async fn order(&self, order: OrderId) -> Result<Order>;

    /// The orders with this confirmation number: one, or none. Several only where chance gave two
    /// orders the same one.
    async fn orders_numbered(&self, number: &ConfirmationNumber) -> Result<Vec<Order>>;

    /// The orders of an event, by the time they were decided.
    async fn orders(&self, event: EventId) -> Result<Vec<Order>>;

    /// Begins to give a buyer his money back: a `paid` or `refund_due` order becomes `refunding`,
    /// then its tickets come free.
    ///
    /// # Errors
    /// Refused with `unknown_hold`, or `declined` where nothing was paid.
    async fn begin_refund(&self, order: OrderId) -> Result<Order>;

    /// Records that the money is back: a `refunding` order becomes `refunded`.
    ///
    /// # Errors
    /// Refused with `unknown_hold`, or `declined` where no refund was begun.
    async fn finish_refund(&self, order: OrderId) -> Result<Order>;

    // ── waitlist ──────────────────────────────────────────────────────────────────────────────

    /// Joins the line of an event; what is available and fits is offered at once, unless somebody in
    /// front wants it.
    ///
    /// # Errors
    /// Refused with `unknown_event`, `unknown_seat` where there is no such section, `limit` where the
    /// buyer may not own that many more, or `busy`; `not_yours` where somebody else has this entry.
    async fn join_waitlist(&self, entry: &NewEntry) -> Result<WaitlistEntry>;

    /// Leaves the line; an offer that was made is given up, and goes on to the next. Leaving again
    /// succeeds.
    ///
    /// # Errors
    /// Refused with `unknown_hold` naming the entry, `not_yours`, or where there was an offer as
    /// [`abandon`](Self::abandon) is.
    async fn leave_waitlist(&self, entry: EntryId, session: &SessionId) -> Result<WaitlistEntry>;

    /// Every entry that an event's line ever had, in the order in which they joined.
    async fn waitlist(&self, event: EventId) -> Result<Vec<WaitlistEntry>>;

    /// Which of these entries of an event's line were offered tickets, and the hold that has or had
    /// them. For those who look often: nobody else's hold is looked up.
    async fn offers_to(
        &self,
        event: EventId,
        entries: &[EntryId],
    ) -> Result<Vec<(EntryId, HoldId)>>;

    /// Offers what is available to those who wait, in their order. Whoever frees tickets does this
    /// for what he freed; this does it for the whole event, lapsed holds among it.
    async fn serve_waitlist(&self, event: EventId) -> Result<Vec<Offer>>;

    // ── change log ────────────────────────────────────────────────────────────────────────────

    /// Follows the change log from `start` on. `lag` is how far behind the present the follower may
    /// be, where the engine's own choice does not fit; it trades promptness for certainty on a
    /// cluster, and promptness for work elsewhere.
    ///
    /// # Errors
    /// The log cannot be read.
    async fn follow(&self, start: LogStart, lag: Option<Duration>) -> Result<Box<dyn ChangeFeed>>;

    /// Finishes what was accepted and lets go of the store.
    async fn close(&self);
}

/// The buyer and the session that a request comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The checkout.
    pub session_id: SessionId,
    /// Whom the limit counts.
    pub buyer_id: BuyerId,
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}
