//! The way from the buyers to the store: as long as the store is modelled to take, and as bad as the
//! scenario wants it.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use self::faults::Faults;
use self::service::{Kind, Service};
use crate::domain::{
    ConfirmationNumber, EntryId, Event, EventDraft, EventId, EventPage, EventQuery, Hold, HoldId,
    NewEntry, NewHold, Offer, Order, OrderId, PaymentReference, SeatLabel, Section, SectionMap,
    SessionId, TicketId, TicketState, Timestamp, WaitlistEntry,
};
use crate::minting::Layout;
use crate::repository::{
    ChangeFeed, ClockStatus, LogStart, MintProgress, Minted, PaymentOutcome, PaymentStart,
    Repaired, Repository, Result, SchemaStatus, SectionCounts, SectionOffer, TicketFilter,
};

pub(super) mod faults;
pub(super) mod service;

/// The store as it is reached over a link.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) store: Arc<dyn Repository>,
    /// How long the store is modelled to take; none where it takes its own time.
    pub(super) service: Option<Service>,
    /// What goes wrong on the way; none where nothing does.
    pub(super) faults: Option<Arc<Faults>>,
}

impl Link {
    async fn read<T>(&self, call: impl Future<Output = Result<T>> + Send) -> Result<T> {
        self.pass(Kind::Read, call).await
    }

    async fn write<T>(&self, call: impl Future<Output = Result<T>> + Send) -> Result<T> {
        self.pass(Kind::Write, call).await
    }

    /// Sends a request over, has it served, and brings the answer back.
    async fn pass<T>(&self, kind: Kind, call: impl Future<Output = Result<T>> + Send) -> Result<T> {
        if let Some(faults) = &self.faults {
            faults.on_the_way_there().await?;
        }
        if let Some(service) = &self.service {
            service.serve(kind).await;
        }
        let answer = call.await;
        if let Some(faults) = &self.faults {
            faults.on_the_way_back()?;
        }
        answer
    }
}

/// What a run asks of the store goes over the link; what only prepares and reports goes past it.
#[async_trait]
impl Repository for Link {
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
