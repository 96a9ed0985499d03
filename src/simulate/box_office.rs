//! Where the buyers of a run ask: for maps, for seats, to pay, for a place in line.
//!
//! Behind it is the store, asked by [`AtStore`](super::at_store::AtStore), or a server that sells
//! from it, asked by [`OverHttp`](super::over_http::OverHttp). Buyers cannot tell them apart: the
//! same plan drives both.

use std::time::Duration;

use async_trait::async_trait;
use tokio::time::Instant;

use crate::domain::{
    BuyerId, EntryId, HoldId, HoldStatus, Money, NewEntry, NewHold, Offer, OrderId,
    PaymentReference, SectionMap, SessionId, StatusCounts, TicketId, Timestamp,
};
use crate::repository::{Caller, Result};

/// Sells the tickets of one event.
///
/// What is refused, and when a repeat succeeds, is as the methods of
/// [`Repository`](crate::repository::Repository) of the same names say.
#[async_trait]
pub(super) trait BoxOffice: Send + Sync {
    /// The present time by which deadlines are judged.
    fn now(&self) -> Timestamp;

    /// How many tickets of each section are in which condition.
    async fn counts(&self) -> Answered<Vec<Stock>>;

    /// The tickets of one section with their condition.
    async fn section_map(&self, section: &str) -> Answered<SectionMap>;

    /// Claims all tickets of a hold or none.
    async fn start_hold(&self, hold: &NewHold) -> Answered<OwnHold>;

    /// Gives up a hold that is not paid for; says what has become of it.
    async fn abandon(&self, hold: HoldId, session: &SessionId) -> Answered<HoldStatus>;

    /// A hold of this caller.
    async fn hold(&self, hold: HoldId, caller: &Caller) -> Answered<OwnHold>;

    /// Pays for a hold, from the first step to the last.
    ///
    /// # Errors
    /// Refused as [`payment::confirm`](crate::payment::confirm()) says.
    async fn confirm(
        &self,
        hold: &OwnHold,
        session: &SessionId,
        reference: &PaymentReference,
    ) -> Answered<OwnOrder>;

    /// Joins the line.
    async fn join_waitlist(&self, entry: &NewEntry) -> Answered<Joined>;

    /// Leaves the line; tells the hold that was offered before, if one was.
    async fn leave_waitlist(&self, entry: EntryId, session: &SessionId)
    -> Answered<Option<HoldId>>;

    /// Which of those who wait were offered tickets, and the hold that has or had them.
    async fn offers_to(&self, waiting: &[Waiter]) -> Answered<Vec<(EntryId, HoldId)>>;

    /// Whether it serves the line by itself, so that nobody of the run has to.
    fn serves_the_line(&self) -> bool;

    /// Offers what is available to those who wait, in their order.
    async fn serve_waitlist(&self) -> Answered<Vec<Offer>>;
}

/// An answer, and how much of the time until it was there somebody else took.
pub(super) struct Answered<T> {
    pub(super) answer: Result<T>,
    /// How long was waited for the payment provider, or for one's turn.
    pub(super) elsewhere: Duration,
}

impl<T> Answered<T> {
    /// When it would have been there if nobody else had been waited for, of a request that was sent
    /// at `sent` and is answered now.
    pub(super) fn answered_at(&self, sent: Instant) -> Instant {
        let now = Instant::now();
        now.checked_sub(self.elsewhere).unwrap_or(now).max(sent)
    }

    pub(super) fn map<U>(self, change: impl FnOnce(T) -> U) -> Answered<U> {
        self.and_then(|value| Ok(change(value)))
    }

    pub(super) fn and_then<U>(self, change: impl FnOnce(T) -> Result<U>) -> Answered<U> {
        Answered { answer: self.answer.and_then(change), elsewhere: self.elsewhere }
    }
}

impl<T> From<Result<T>> for Answered<T> {
    /// Nobody else was waited for.
    fn from(answer: Result<T>) -> Self {
        Self { answer, elsewhere: Duration::ZERO }
    }
}

/// How many tickets of a section are in which condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stock {
    pub(super) section: String,
    pub(super) counts: StatusCounts,
}

/// A hold as its buyer knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct OwnHold {
    pub(super) hold_id: HoldId,
    pub(super) buyer_id: BuyerId,
    pub(super) tickets: Vec<TicketId>,
    /// What they cost together.
    pub(super) amount: Money,
    pub(super) started_at: Timestamp,
    pub(super) expires_at: Timestamp,
    pub(super) status: HoldStatus,
}

/// A paid order as its buyer knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct OwnOrder {
    pub(super) order_id: OrderId,
    pub(super) amount: Money,
}

/// What somebody who joins the line is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Joined {
    /// His place, 1 for the first; none for who does not wait.
    pub(super) place: Option<u64>,
    /// The hold that he was offered at once.
    pub(super) hold_id: Option<HoldId>,
}

/// Somebody who waits in line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Waiter {
    pub(super) entry_id: EntryId,
    pub(super) session_id: SessionId,
}
