//! The real engine with one thing wrong with it.

use std::path::Path;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use tix::domain::money::total;
use tix::domain::{
    BuyerId, ConfirmationNumber, Currency, EntryId, Event, EventDraft, EventId, EventPage,
    EventQuery, Hold, HoldId, NewEntry, NewHold, Offer, Order, OrderId, OrderStatus,
    PaymentReference, Refusal, SeatLabel, Section, SectionMap, SessionId, TicketId, TicketState,
    Timestamp, WaitlistEntry,
};
use tix::minting::Layout;
use tix::repository::{
    ChangeFeed, ClockStatus, LogStart, MintProgress, Minted, PaymentOutcome, PaymentStart,
    Repaired, Repository, Result, SchemaStatus, SectionCounts, SectionOffer, TicketFilter,
};

use crate::fault::Fault;
use crate::tamper::Tamper;

/// Of so many writes an engine that loses some loses one.
const LOSES_ONE_OF: u32 = 3;

/// How many maps an engine that stalls has read before, and how long it does.
const STALLS_AFTER: u32 = 200;
pub(crate) const STALL: Duration = Duration::from_secs(1);

/// The real engine, which does everything right, and what goes wrong around it.
#[derive(Debug)]
pub(crate) struct Engine {
    inner: Arc<dyn Repository>,
    store: Tamper,
    fault: Option<Fault>,
    writes: AtomicU32,
    /// In whose name the inner engine sold, and to whom.
    renamed: Mutex<Vec<(BuyerId, BuyerId)>>,
}

impl Engine {
    pub(crate) fn on(inner: Arc<dyn Repository>, path: &Path, fault: Option<Fault>) -> Self {
        let (writes, renamed) = (AtomicU32::new(0), Mutex::default());
        Self { inner, store: Tamper::with(path), fault, writes, renamed }
    }

    fn loses_this_one(&self) -> bool {
        self.writes.fetch_add(1, Ordering::Relaxed).is_multiple_of(LOSES_ONE_OF)
    }

    /// A claim was granted.
    fn after_claim(&self, hold: HoldId) {
        match self.fault {
            Some(Fault::LosesHolds) if self.loses_this_one() => self.store.lose_hold(hold),
            Some(Fault::SellsAfterTheStart) if self.loses_this_one() => {
                self.store.begin_event_before(hold);
            }
            Some(Fault::ProlongsHolds) => self.store.prolong(hold),
            Some(Fault::LogsNoClaims) => self.store.forget_claims(hold),
            Some(Fault::EmptiesTheLog) => self.store.forget_first_entry(),
            Some(Fault::LogsInThePast) => self.store.backdate_claims(hold),
            _ => {}
        }
    }

    /// An order was decided.
    fn after_order(&self, order: &Order) {
        let paid = order.status == OrderStatus::Paid;
        let late = order.status == OrderStatus::RefundDue;
        match self.fault {
            Some(Fault::LosesPayments) if paid && self.loses_this_one() => {
                self.store.lose_payment(order);
            }
            Some(Fault::SellsHalfOfAGroup) if paid && order.tickets.len() > 1 => {
                self.store.keep_one_ticket_back(order);
            }
            Some(Fault::TakesAnotherAmount) if paid => self.store.raise_amount(order.order_id),
            Some(Fault::ForgetsDeclinedOrders) if order.status == OrderStatus::Declined => {
                self.store.forget_order(order.order_id);
            }
            Some(Fault::BackdatesOrders) if paid => self.store.backdate_order(order.order_id),
            Some(Fault::NumbersOrdersAnew) if paid => self.store.renumber(order.order_id),
            Some(Fault::HonoursLateMoney) if late => {
                self.store.move_order(order.order_id, "refund_due", "paid");
            }
            _ => {}
        }
    }

    /// Claims in the name of the checkout, as if every checkout were a buyer of its own.
    async fn claim_per_session(&self, hold: &NewHold) -> Result<Hold> {
        let session = BuyerId::of_session(&hold.session_id);
        self.renamed.lock().unwrap().push((session, hold.buyer_id));
        let inner = NewHold { buyer_id: session, ..hold.clone() };
        Ok(Hold { buyer_id: hold.buyer_id, ..self.inner.start_hold(&inner).await? })
    }
}

#[async_trait]
impl Repository for Engine {
    async fn start_hold(&self, hold: &NewHold) -> Result<Hold> {
        if self.fault == Some(Fault::CountsTheLimitPerSession) {
            return self.claim_per_session(hold).await;
        }
        let answer = self.inner.start_hold(hold).await;
        if let (Some(Fault::ForgetsTheOwner { rewrites_the_log }), Err(refused)) =
            (self.fault, &answer)
            && matches!(refused.refusal(), Some(Refusal::Taken { .. }))
            && self.store.take(hold, self.now(), rewrites_the_log)
        {
            return self.inner.hold(hold.hold_id).await;
        }
        if let Ok(hold) = &answer {
            self.after_claim(hold.hold_id);
        }
        answer
    }

    async fn begin_payment(
        &self,
        hold: HoldId,
        session: &SessionId,
        reference: &PaymentReference,
    ) -> Result<PaymentStart> {
        let answer = self.inner.begin_payment(hold, session, reference).await;
        let expired =
            |e: &tix::repository::Error| matches!(e.refusal(), Some(Refusal::Expired { .. }));
        if self.fault == Some(Fault::KeepsNoReferences) {
            self.store.forget_reference(reference);
        }
        if self.fault == Some(Fault::LetsStaleHoldsPay) && answer.as_ref().is_err_and(expired) {
            let stale = self.inner.hold(hold).await?;
            if let Some(deadline) = self.store.begin_payment(&stale, reference, self.now()) {
                let amount = total(stale.tickets.iter().map(|t| t.price), Currency::EUR);
                let order_id = OrderId::of_payment(hold, reference);
                return Ok(PaymentStart::Pay { order_id, amount, deadline });
            }
        }
        answer
    }

    async fn record_payment(
        &self,
        hold: HoldId,
        reference: &PaymentReference,
        outcome: PaymentOutcome,
    ) -> Result<Order> {
        let order = self.inner.record_payment(hold, reference, outcome).await?;
        self.after_order(&order);
        match self.fault {
            Some(Fault::HonoursLateMoney) => self.inner.order(order.order_id).await,
            _ => Ok(order),
        }
    }

    async fn begin_refund(&self, order: OrderId) -> Result<Order> {
        if self.fault == Some(Fault::KeepsRefundedTickets) {
            self.store.move_order(order, "paid", "refunding");
        }
        self.inner.begin_refund(order).await
    }

    async fn close(&self) {
        self.inner.close().await;
        match self.fault {
            // What is minted is kept in memory while the engine runs.
            Some(Fault::MintsUnderAnotherId) => self.store.exchange_seats(),
            Some(Fault::MintsAtAnotherPrice) => self.store.raise_prices(),
            _ => {}
        }
        for (from, to) in self.renamed.lock().unwrap().drain(..) {
            self.store.rename_buyer(from, to);
        }
    }

    // What no fault touches.

    fn engine(&self) -> String {
        format!("{}, broken: {:?}", self.inner.engine(), self.fault)
    }

    fn now(&self) -> Timestamp {
        self.inner.now()
    }

    fn time_to_pay_min(&self) -> Duration {
        self.inner.time_to_pay_min()
    }

    async fn apply_schema(&self) -> Result<SchemaStatus> {
        self.inner.apply_schema().await
    }

    async fn schema_status(&self) -> Result<SchemaStatus> {
        self.inner.schema_status().await
    }

    async fn clock_status(&self) -> Result<ClockStatus> {
        self.inner.clock_status().await
    }

    async fn accept_clock(&self) -> Result<ClockStatus> {
        self.inner.accept_clock().await
    }

    async fn check_writes(&self) -> Result<()> {
        self.inner.check_writes().await
    }

    async fn add_event(&self, draft: &EventDraft) -> Result<Event> {
        self.inner.add_event(draft).await
    }

    async fn mint(
        &self,
        event: EventId,
        layout: Arc<Layout>,
        progress: MintProgress<'_>,
    ) -> Result<Minted> {
        self.inner.mint(event, layout, progress).await
    }

    async fn delete_event(&self, event: EventId, progress: MintProgress<'_>) -> Result<()> {
        self.inner.delete_event(event, progress).await
    }

    async fn holds_started(&self, event: EventId) -> Result<u64> {
        self.inner.holds_started(event).await
    }

    async fn events(&self) -> Result<Vec<Event>> {
        self.inner.events().await
    }

    async fn event(&self, event: EventId) -> Result<Event> {
        self.inner.event(event).await
    }

    async fn sections(&self, event: EventId) -> Result<Vec<Section>> {
        self.inner.sections(event).await
    }

    async fn search_events(&self, query: &EventQuery) -> Result<EventPage> {
        self.inner.search_events(query).await
    }

    async fn offers(&self, event: EventId) -> Result<Vec<SectionOffer>> {
        self.inner.offers(event).await
    }

    async fn section_map(&self, event: EventId, section: &str) -> Result<SectionMap> {
        if self.fault == Some(Fault::Stalls)
            && self.writes.fetch_add(1, Ordering::Relaxed) == STALLS_AFTER
        {
            std::thread::sleep(STALL);
        }
        self.inner.section_map(event, section).await
    }

    async fn tickets(&self, event: EventId, filter: &TicketFilter) -> Result<Vec<TicketState>> {
        self.inner.tickets(event, filter).await
    }

    async fn find_seats(&self, event: EventId, seats: &[SeatLabel]) -> Result<Vec<TicketId>> {
        self.inner.find_seats(event, seats).await
    }

    async fn counts(&self, event: EventId) -> Result<Vec<SectionCounts>> {
        self.inner.counts(event).await
    }

    async fn block(&self, event: EventId, tickets: &[TicketId], reason: &str) -> Result<u64> {
        self.inner.block(event, tickets, reason).await
    }

    async fn unblock(&self, event: EventId, tickets: &[TicketId]) -> Result<u64> {
        self.inner.unblock(event, tickets).await
    }

    async fn abandon(&self, hold: HoldId, session: &SessionId) -> Result<Hold> {
        let hidden = match self.fault {
            Some(Fault::ServesTheLastFirst) => self.store.hide_first_in_line(),
            Some(Fault::ForgetsTheWaitlist) => self.store.hide_line(),
            _ => Vec::new(),
        };
        let answer = self.inner.abandon(hold, session).await;
        self.store.put_back_in_line(&hidden);
        match self.fault {
            Some(Fault::ForgetsHowHoldsEnd) => self.store.forget_end(hold),
            Some(Fault::BackdatesOffers) => self.store.backdate_offers(),
            _ => {}
        }
        answer
    }

    async fn hold(&self, hold: HoldId) -> Result<Hold> {
        self.inner.hold(hold).await
    }

    async fn running_holds(&self, event: EventId) -> Result<Vec<Hold>> {
        self.inner.running_holds(event).await
    }

    async fn recover_payments(&self, event: EventId) -> Result<Vec<Order>> {
        self.inner.recover_payments(event).await
    }

    async fn repair(&self, event: EventId) -> Result<Repaired> {
        self.inner.repair(event).await
    }

    async fn note_has_tickets(&self, event: EventId) -> Result<Option<bool>> {
        self.inner.note_has_tickets(event).await
    }

    async fn repair_tickets(&self, event: EventId, tickets: &[TicketId]) -> Result<Repaired> {
        self.inner.repair_tickets(event, tickets).await
    }

    async fn order(&self, order: OrderId) -> Result<Order> {
        self.inner.order(order).await
    }

    async fn orders_numbered(&self, number: &ConfirmationNumber) -> Result<Vec<Order>> {
        self.inner.orders_numbered(number).await
    }

    async fn orders(&self, event: EventId) -> Result<Vec<Order>> {
        self.inner.orders(event).await
    }

    async fn finish_refund(&self, order: OrderId) -> Result<Order> {
        self.inner.finish_refund(order).await
    }

    async fn join_waitlist(&self, entry: &NewEntry) -> Result<WaitlistEntry> {
        let hidden = match self.fault {
            Some(Fault::CountsNoEntries) => self.store.hide_line(),
            _ => Vec::new(),
        };
        let answer = self.inner.join_waitlist(entry).await;
        self.store.put_back_in_line(&hidden);
        answer
    }

    async fn leave_waitlist(&self, entry: EntryId, session: &SessionId) -> Result<WaitlistEntry> {
        self.inner.leave_waitlist(entry, session).await
    }

    async fn waitlist(&self, event: EventId) -> Result<Vec<WaitlistEntry>> {
        self.inner.waitlist(event).await
    }

    async fn offers_to(
        &self,
        event: EventId,
        entries: &[EntryId],
    ) -> Result<Vec<(EntryId, HoldId)>> {
        self.inner.offers_to(event, entries).await
    }

    async fn serve_waitlist(&self, event: EventId) -> Result<Vec<Offer>> {
        self.inner.serve_waitlist(event).await
    }

    async fn follow(&self, start: LogStart, lag: Option<Duration>) -> Result<Box<dyn ChangeFeed>> {
        self.inner.follow(start, lag).await
    }
}
