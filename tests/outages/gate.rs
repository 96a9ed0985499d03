//! The real store behind a gate that can be shut: what a client sees when the store goes away.

use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;
use tix::domain::{
    ConfirmationNumber, EntryId, Event, EventDraft, EventId, EventPage, EventQuery, Hold, HoldId,
    NewEntry, NewHold, Offer, Order, OrderId, PaymentReference, Refusal, SeatLabel, Section,
    SectionMap, SessionId, TicketId, TicketState, Timestamp, WaitlistEntry,
};
use tix::minting::Layout;
use tix::repository::{
    ChangeFeed, ClockStatus, LogStart, MintProgress, Minted, PaymentOutcome, PaymentStart,
    Repaired, Repository, Result, SchemaStatus, SectionCounts, SectionOffer, StoreError,
    StoreFault, TicketFilter,
};

/// What the store does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    /// It answers.
    Open,
    /// No connection can be made.
    Refuses,
    /// It does what is asked, and its answers get lost.
    LosesAnswers,
    /// It answers reads and refuses writes: the disk is full.
    Full,
    /// Another program holds the lock.
    Locked,
}

/// The store and its gate.
#[derive(Debug)]
pub(crate) struct Gate {
    pub(crate) store: Arc<dyn Repository>,
    state: Mutex<State>,
}

impl Gate {
    pub(crate) fn before(store: Arc<dyn Repository>) -> Arc<Self> {
        Arc::new(Self { store, state: Mutex::new(State::Open) })
    }

    pub(crate) fn set(&self, state: State) {
        *self.state.lock().unwrap() = state;
    }

    fn state(&self) -> State {
        *self.state.lock().unwrap()
    }

    async fn read<T>(&self, call: impl Future<Output = Result<T>> + Send) -> Result<T> {
        match self.state() {
            State::Refuses => Err(failed(StoreFault::Unreachable, "connection refused")),
            State::LosesAnswers => Err(failed(StoreFault::Unanswered, "no answer")),
            State::Open | State::Full | State::Locked => call.await,
        }
    }

    async fn write<T>(&self, call: impl Future<Output = Result<T>> + Send) -> Result<T> {
        match self.state() {
            State::Open => call.await,
            State::Refuses => Err(failed(StoreFault::Unreachable, "connection refused")),
            State::LosesAnswers => {
                let _ = call.await;
                Err(failed(StoreFault::Unanswered, "no answer"))
            }
            State::Full => Err(failed(StoreFault::DiskFull, "the disk is full")),
            State::Locked => {
                Err(Refusal::Busy { why: "another program has the lock".into() }.into())
            }
        }
    }
}

fn failed(fault: StoreFault, why: &'static str) -> tix::repository::Error {
    StoreError::caused(fault, "could not reach the store", std::io::Error::other(why)).into()
}

#[async_trait]
impl Repository for Gate {
    fn engine(&self) -> String {
        self.store.engine()
    }

    fn now(&self) -> Timestamp {
        self.store.now()
    }

    fn time_to_pay_min(&self) -> Duration {
        self.store.time_to_pay_min()
    }

    async fn apply_schema(&self) -> Result<SchemaStatus> {
        self.store.apply_schema().await
    }

    async fn schema_status(&self) -> Result<SchemaStatus> {
        self.store.schema_status().await
    }

    async fn clock_status(&self) -> Result<ClockStatus> {
        self.store.clock_status().await
    }

    async fn accept_clock(&self) -> Result<ClockStatus> {
        self.store.accept_clock().await
    }

    async fn check_writes(&self) -> Result<()> {
        self.store.check_writes().await
    }

    async fn add_event(&self, draft: &EventDraft) -> Result<Event> {
        self.store.add_event(draft).await
    }

    async fn mint(
        &self,
        event: EventId,
        layout: Arc<Layout>,
        progress: MintProgress<'_>,
    ) -> Result<Minted> {
        self.store.mint(event, layout, progress).await
    }

    async fn delete_event(&self, event: EventId, progress: MintProgress<'_>) -> Result<()> {
        self.store.delete_event(event, progress).await
    }

    async fn holds_started(&self, event: EventId) -> Result<u64> {
        self.store.holds_started(event).await
    }

    async fn events(&self) -> Result<Vec<Event>> {
        self.store.events().await
    }

    async fn event(&self, event: EventId) -> Result<Event> {
        self.store.event(event).await
    }

    async fn sections(&self, event: EventId) -> Result<Vec<Section>> {
        self.store.sections(event).await
    }

    async fn search_events(&self, query: &EventQuery) -> Result<EventPage> {
        self.store.search_events(query).await
    }

    async fn offers(&self, event: EventId) -> Result<Vec<SectionOffer>> {
        self.store.offers(event).await
    }

    async fn section_map(&self, event: EventId, section: &str) -> Result<SectionMap> {
        self.read(self.store.section_map(event, section)).await
    }

    async fn tickets(&self, event: EventId, filter: &TicketFilter) -> Result<Vec<TicketState>> {
        self.store.tickets(event, filter).await
    }

    async fn find_seats(&self, event: EventId, seats: &[SeatLabel]) -> Result<Vec<TicketId>> {
        self.store.find_seats(event, seats).await
    }

    async fn counts(&self, event: EventId) -> Result<Vec<SectionCounts>> {
        self.read(self.store.counts(event)).await
    }

    async fn block(&self, event: EventId, tickets: &[TicketId], reason: &str) -> Result<u64> {
        self.store.block(event, tickets, reason).await
    }

    async fn unblock(&self, event: EventId, tickets: &[TicketId]) -> Result<u64> {
        self.store.unblock(event, tickets).await
    }

    async fn start_hold(&self, hold: &NewHold) -> Result<Hold> {
        self.write(self.store.start_hold(hold)).await
    }

    async fn abandon(&self, hold: HoldId, session: &SessionId) -> Result<Hold> {
        self.write(self.store.abandon(hold, session)).await
    }

    async fn hold(&self, hold: HoldId) -> Result<Hold> {
        self.read(self.store.hold(hold)).await
    }

    async fn running_holds(&self, event: EventId) -> Result<Vec<Hold>> {
        self.store.running_holds(event).await
    }

    async fn begin_payment(
        &self,
        hold: HoldId,
        session: &SessionId,
        reference: &PaymentReference,
    ) -> Result<PaymentStart> {
        self.write(self.store.begin_payment(hold, session, reference)).await
    }

    async fn record_payment(
        &self,
        hold: HoldId,
        reference: &PaymentReference,
        outcome: PaymentOutcome,
    ) -> Result<Order> {
        self.write(self.store.record_payment(hold, reference, outcome)).await
    }

    async fn recover_payments(&self, event: EventId) -> Result<Vec<Order>> {
        self.store.recover_payments(event).await
    }

    async fn repair(&self, event: EventId) -> Result<Repaired> {
        self.store.repair(event).await
    }

    async fn note_has_tickets(&self, event: EventId) -> Result<Option<bool>> {
        self.store.note_has_tickets(event).await
    }

    async fn repair_tickets(&self, event: EventId, tickets: &[TicketId]) -> Result<Repaired> {
        self.store.repair_tickets(event, tickets).await
    }

    async fn order(&self, order: OrderId) -> Result<Order> {
        self.store.order(order).await
    }

    async fn orders_numbered(&self, number: &ConfirmationNumber) -> Result<Vec<Order>> {
        self.store.orders_numbered(number).await
    }

    async fn orders(&self, event: EventId) -> Result<Vec<Order>> {
        self.store.orders(event).await
    }

    async fn begin_refund(&self, order: OrderId) -> Result<Order> {
        self.write(self.store.begin_refund(order)).await
    }

    async fn finish_refund(&self, order: OrderId) -> Result<Order> {
        self.write(self.store.finish_refund(order)).await
    }

    async fn join_waitlist(&self, entry: &NewEntry) -> Result<WaitlistEntry> {
        self.write(self.store.join_waitlist(entry)).await
    }

    async fn leave_waitlist(&self, entry: EntryId, session: &SessionId) -> Result<WaitlistEntry> {
        self.write(self.store.leave_waitlist(entry, session)).await
    }

    async fn waitlist(&self, event: EventId) -> Result<Vec<WaitlistEntry>> {
        self.store.waitlist(event).await
    }

    async fn offers_to(
        &self,
        event: EventId,
        entries: &[EntryId],
    ) -> Result<Vec<(EntryId, HoldId)>> {
        self.read(self.store.offers_to(event, entries)).await
    }

    async fn serve_waitlist(&self, event: EventId) -> Result<Vec<Offer>> {
        self.write(self.store.serve_waitlist(event)).await
    }

    async fn follow(&self, start: LogStart, lag: Option<Duration>) -> Result<Box<dyn ChangeFeed>> {
        self.store.follow(start, lag).await
    }

    async fn close(&self) {
        self.store.close().await;
    }
}
