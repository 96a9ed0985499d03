//! Buyers who ask the store itself, through the repository like every command.

use std::sync::Arc;

use async_trait::async_trait;

use super::box_office::{Answered, BoxOffice, Joined, OwnHold, OwnOrder, Stock, Waiter};
use super::metered::Metered;
use crate::domain::{
    Currency, EntryId, EventId, Hold, HoldId, HoldStatus, NewEntry, NewHold, Offer, Order,
    PaymentReference, SectionMap, SessionId, StatusCounts, Timestamp, money,
};
use crate::payment::{self, PaymentProvider};
use crate::repository::{Caller, Repository, SectionCounts};

/// The store, and whoever captures the buyers' money.
pub(super) struct AtStore {
    pub(super) repository: Arc<dyn Repository>,
    pub(super) provider: Arc<dyn PaymentProvider>,
    pub(super) event: EventId,
}

#[async_trait]
impl BoxOffice for AtStore {
    fn now(&self) -> Timestamp {
        self.repository.now()
    }

    async fn counts(&self) -> Answered<Vec<Stock>> {
        let counts = self.repository.counts(self.event).await;
        Answered::from(counts).map(|counts| counts.into_iter().map(Stock::from).collect())
    }

    async fn section_map(&self, section: &str) -> Answered<SectionMap> {
        self.repository.section_map(self.event, section).await.into()
    }

    async fn start_hold(&self, hold: &NewHold) -> Answered<OwnHold> {
        Answered::from(self.repository.start_hold(hold).await).map(OwnHold::from)
    }

    async fn abandon(&self, hold: HoldId, session: &SessionId) -> Answered<HoldStatus> {
        Answered::from(self.repository.abandon(hold, session).await).map(|hold| hold.status)
    }

    async fn hold(&self, hold: HoldId, _: &Caller) -> Answered<OwnHold> {
        Answered::from(self.repository.hold(hold).await).map(OwnHold::from)
    }

    async fn confirm(
        &self,
        hold: &OwnHold,
        session: &SessionId,
        reference: &PaymentReference,
    ) -> Answered<OwnOrder> {
        let provider = Metered::new(&*self.provider);
        let (repository, hold) = (&*self.repository, hold.hold_id);
        let answer = payment::confirm(repository, &provider, hold, session, reference).await;
        Answered { answer, elsewhere: provider.waited() }.map(OwnOrder::from)
    }

    async fn join_waitlist(&self, entry: &NewEntry) -> Answered<Joined> {
        let entry = self.repository.join_waitlist(entry).await;
        Answered::from(entry).map(|entry| Joined { place: entry.place, hold_id: entry.hold_id })
    }

    async fn leave_waitlist(
        &self,
        entry: EntryId,
        session: &SessionId,
    ) -> Answered<Option<HoldId>> {
        let entry = self.repository.leave_waitlist(entry, session).await;
        Answered::from(entry).map(|entry| entry.hold_id)
    }

    async fn offers_to(&self, waiting: &[Waiter]) -> Answered<Vec<(EntryId, HoldId)>> {
        let entries: Vec<EntryId> = waiting.iter().map(|waiter| waiter.entry_id).collect();
        self.repository.offers_to(self.event, &entries).await.into()
    }

    fn serves_the_line(&self) -> bool {
        false
    }

    async fn serve_waitlist(&self) -> Answered<Vec<Offer>> {
        self.repository.serve_waitlist(self.event).await.into()
    }
}

impl From<SectionCounts> for Stock {
    fn from(counts: SectionCounts) -> Self {
        let SectionCounts { section, available, held, paying, sold, blocked, .. } = counts;
        Self { section, counts: StatusCounts { available, held, paying, sold, blocked } }
    }
}

impl From<Hold> for OwnHold {
    fn from(hold: Hold) -> Self {
        // A hold has at least one ticket, hence a currency.
        let currency = hold.tickets.first().map_or(Currency::EUR, |t| t.price.currency());
        Self {
            hold_id: hold.hold_id,
            buyer_id: hold.buyer_id,
            tickets: hold.tickets.iter().map(|ticket| ticket.ticket_id).collect(),
            amount: money::total(hold.tickets.iter().map(|ticket| ticket.price), currency),
            started_at: hold.started_at,
            expires_at: hold.expires_at,
            status: hold.status,
        }
    }
}

impl From<Order> for OwnOrder {
    fn from(order: Order) -> Self {
        Self { order_id: order.order_id, amount: order.amount }
    }
}
