//! Buyers who ask a running `tix serve`, as programs all over the world would.
//!
//! The server sells from the store of the rehearsal: the event is made and its end is read and audited
//! there, and only what buyers do goes over HTTP. `docs/http.md` is what is relied on. Requests name
//! themselves (a hold, a payment, an entry), so that one whose answer got lost is sent again.
//!
//! Everything buyers send comes from one address. Where the server holds them back, by its limit or
//! by its waiting room, they wait as long as it says; that is not counted as its time to answer.

use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;
use futures::{StreamExt, stream};
use reqwest::Method;
use serde::de::DeserializeOwned;

use self::client::{Client, Question};
use self::documents::{
    BookingDocument, ConfirmRequest, ConfirmedDocument, CountsDocument, EntriesDocument,
    JoinRequest, LayoutDocument, MapDocument, OneEntryDocument, ReserveRequest,
};
use super::box_office::{Answered, BoxOffice, Joined, OwnHold, OwnOrder, Stock, Waiter};
use super::metered::Metered;
use crate::domain::{
    EntryId, EventId, HoldId, HoldStatus, NewEntry, NewHold, Offer, OrderId, PaymentReference,
    Refusal, SectionMap, SectionTickets, SessionId, Timestamp,
};
use crate::payment::{self, Charge, PaymentProvider};
use crate::repository::{Caller, Repository, Result};

mod client;
mod documents;
mod problem;
mod target;
#[cfg(test)]
mod tests;

pub(super) use client::Manners;
pub use target::{Target, TargetError};

/// How many of those who wait are asked about at a time.
const WAITERS_AT_ONCE: usize = 32;

/// A server that sells the tickets of one event.
pub(super) struct OverHttp {
    client: Client,
    event: EventId,
    /// The store that the server sells from, for its clock alone.
    repository: Arc<dyn Repository>,
    /// Whoever captures the buyers' money: they tell the server what became of it.
    provider: Arc<dyn PaymentProvider>,
    /// Every section as it was minted, by its name.
    sections: HashMap<String, Arc<SectionTickets>>,
}

impl OverHttp {
    /// Reads the layout of an event, which never changes.
    ///
    /// # Errors
    /// The server does not tell.
    pub(super) async fn open(
        manners: Manners,
        event: EventId,
        repository: Arc<dyn Repository>,
        provider: Arc<dyn PaymentProvider>,
    ) -> Result<Self> {
        let client = Client::new(manners)?;
        let question = client.question(Method::GET, &["events", &event.to_string(), "layout"]);
        let layout: LayoutDocument = client.ask(&question).await.answer?;
        let sections = layout.sections.into_iter().map(|section| {
            let tickets = section.tickets(event)?;
            Ok((tickets.section().name.clone(), Arc::new(tickets)))
        });
        let sections = sections.collect::<Result<_>>()?;
        Ok(Self { client, event, repository, provider, sections })
    }

    /// Asks, while something may go wrong on purpose.
    async fn ask<T: DeserializeOwned>(&self, question: &Question) -> Answered<T> {
        self.client.pass(self.client.ask(question)).await
    }

    /// A question about the event.
    fn about(&self, what: &str) -> Question {
        self.client.question(Method::GET, &["events", &self.event.to_string(), what])
    }

    /// What was offered to somebody who waits.
    async fn offer_to(&self, waiter: Waiter) -> Answered<Option<(EntryId, HoldId)>> {
        let question = self
            .client
            .question(Method::GET, &["waitlist"])
            .about("event", &self.event.to_string())
            .of(&waiter.session_id);
        let entries: Answered<EntriesDocument> = self.client.ask(&question).await;
        entries.map(|document| document.offer_to(waiter.entry_id))
    }

    async fn offers(&self, waiting: &[Waiter]) -> Answered<Vec<(EntryId, HoldId)>> {
        let asked = stream::iter(waiting.to_vec()).map(|waiter| self.offer_to(waiter));
        let answers: Vec<_> = asked.buffer_unordered(WAITERS_AT_ONCE).collect().await;
        // They were asked side by side.
        let elsewhere = answers.iter().map(|answered| answered.elsewhere).max();
        let offers: Result<Vec<_>> = answers.into_iter().map(|answered| answered.answer).collect();
        Answered {
            answer: offers.map(|offers| offers.into_iter().flatten().collect()),
            elsewhere: elsewhere.unwrap_or_default(),
        }
    }
}

#[async_trait]
impl BoxOffice for OverHttp {
    fn now(&self) -> Timestamp {
        self.repository.now()
    }

    async fn counts(&self) -> Answered<Vec<Stock>> {
        let question = self.about("counts").about("by", "section");
        let counts: Answered<CountsDocument> = self.ask(&question).await;
        counts.map(|document| document.sections.into_iter().map(Stock::from).collect())
    }

    async fn section_map(&self, section: &str) -> Answered<SectionMap> {
        let Some(tickets) = self.sections.get(section) else {
            let refusal = Refusal::UnknownSeat { seats: vec![section.to_owned()] };
            return Answered::from(Err(refusal.into()));
        };
        let question = self.about("map").about("section", section);
        let map: Answered<MapDocument> = self.ask(&question).await;
        map.and_then(|document| document.section(tickets))
    }

    async fn start_hold(&self, hold: &NewHold) -> Answered<OwnHold> {
        let question = self
            .client
            .question(Method::POST, &["booking", "reserve"])
            .of(&hold.session_id)
            .by(hold.buyer_id)
            .with(&ReserveRequest::from(hold));
        let booking: Answered<BookingDocument> = self.ask(&question).await;
        booking.and_then(|document| document.hold.of_buyer(hold.buyer_id))
    }

    async fn abandon(&self, hold: HoldId, session: &SessionId) -> Answered<HoldStatus> {
        let path = ["booking", &hold.to_string()];
        let question = self.client.question(Method::DELETE, &path).of(session);
        let booking: Answered<BookingDocument> = self.ask(&question).await;
        booking.and_then(|document| document.hold.status())
    }

    async fn hold(&self, hold: HoldId, caller: &Caller) -> Answered<OwnHold> {
        let path = ["booking", &hold.to_string()];
        let question = self.client.question(Method::GET, &path).of(&caller.session_id);
        let booking: Answered<BookingDocument> = self.ask(&question).await;
        booking.and_then(|document| document.hold.of_buyer(caller.buyer_id))
    }

    async fn confirm(
        &self,
        hold: &OwnHold,
        session: &SessionId,
        reference: &PaymentReference,
    ) -> Answered<OwnOrder> {
        let provider = Metered::new(&*self.provider);
        let charge = Charge {
            order_id: OrderId::of_payment(hold.hold_id, reference),
            reference: reference.clone(),
            amount: hold.amount,
        };
        let outcome = payment::outcome_of(&provider, &charge).await;
        let question = self
            .client
            .question(Method::POST, &["booking", "confirm"])
            .of(session)
            .with(&ConfirmRequest::new(hold.hold_id, reference, outcome));
        let order: Answered<ConfirmedDocument> = self.ask(&question).await;
        let Answered { answer, elsewhere } = order.map(OwnOrder::from);
        Answered { answer, elsewhere: elsewhere + provider.waited() }
    }

    async fn join_waitlist(&self, entry: &NewEntry) -> Answered<Joined> {
        let question = self
            .client
            .question(Method::POST, &["waitlist"])
            .of(&entry.session_id)
            .by(entry.buyer_id)
            .with(&JoinRequest::from(entry));
        let entry: Answered<OneEntryDocument> = self.ask(&question).await;
        entry.map(|document| document.entry.into())
    }

    async fn leave_waitlist(
        &self,
        entry: EntryId,
        session: &SessionId,
    ) -> Answered<Option<HoldId>> {
        let path = ["waitlist", &entry.to_string()];
        let question = self.client.question(Method::DELETE, &path).of(session);
        let entry: Answered<OneEntryDocument> = self.ask(&question).await;
        entry.map(|document| document.entry.hold_id)
    }

    async fn offers_to(&self, waiting: &[Waiter]) -> Answered<Vec<(EntryId, HoldId)>> {
        self.client.pass(self.offers(waiting)).await
    }

    fn serves_the_line(&self) -> bool {
        true
    }

    async fn serve_waitlist(&self) -> Answered<Vec<Offer>> {
        Answered::from(Ok(Vec::new()))
    }
}
