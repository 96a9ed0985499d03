//! The engine's side of a walk.

use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;
use tix::clock::{Clock, SystemClock, VirtualClock};
use tix::domain::{
    BuyerId, EventDraft, EventId, Hold, HoldId, NewHold, OrderId, PaymentReference, SaleTerms,
    SessionId, TicketId, TicketStatus, Timestamp,
};
use tix::repository::{
    Access, Error, PaymentOutcome, PaymentStart, Repository, StoreUrl, TicketFilter, open,
};

use crate::hamlet;
use crate::model::{LIMIT, PAYMENT_TIME, SEATS, TIME_TO_PAY};
use crate::steps::Step;

/// How much faster than the model's an engine's time passes that has a clock of its own.
const HASTE: u32 = 2;

/// What lets time pass.
enum Time {
    /// A clock that is moved.
    Virtual(Arc<VirtualClock>),
    /// The engine's own clock, and when the walk began by it.
    Real(Timestamp),
}

/// A repository beside which the model walks.
pub(crate) struct Walk {
    url: StoreUrl,
    time: Time,
    repository: Arc<dyn Repository>,
    event: EventId,
    tickets: Vec<TicketId>,
    /// The claims that were made, in the model's numbering.
    claims: Vec<NewHold>,
    _folder: Option<TempDir>,
}

impl Walk {
    pub(crate) async fn on_sqlite() -> Self {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("tix.db");
        // A crash of the process is what is tested here; a power cut needs no waiting for the disk.
        let url = format!("sqlite:{}?synchronous=normal", path.display());
        let clock = Arc::new(VirtualClock::starting_at(Timestamp::from_millis(0)));
        Self::begin(&url, "walk", Time::Virtual(clock), Some(folder)).await
    }

    pub(crate) async fn on_scylla(url: &str) -> Self {
        let slug = format!("walk-{}", uuid::Uuid::new_v4().simple());
        let mut walk = Self::begin(url, &slug, Time::Real(Timestamp::from_millis(0)), None).await;
        walk.time = Time::Real(walk.repository.now());
        walk
    }

    async fn begin(url: &str, slug: &str, time: Time, folder: Option<TempDir>) -> Self {
        let url: StoreUrl = url.parse().unwrap();
        let repository = open(&url, Access::Create, time.clock()).await.unwrap();
        let event = repository.add_event(&draft(slug, time.haste())).await.unwrap().event_id;
        let layout = hamlet::layout([("A", 1, u32::try_from(SEATS).unwrap(), 5_000)]);
        repository.mint(event, Arc::new(layout), &|_| {}).await.unwrap();
        let all = repository.tickets(event, &TicketFilter::default()).await.unwrap();
        let tickets = all.iter().map(|t| t.ticket.ticket_id).collect();
        Self { url, time, repository, event, tickets, claims: Vec::new(), _folder: folder }
    }

    /// How long the walk has been going on, in milliseconds of the model.
    pub(crate) fn now(&self) -> u64 {
        let since = match self.time {
            Time::Virtual(_) => Timestamp::from_millis(0),
            Time::Real(begun) => begun,
        };
        let elapsed = self.repository.now().since(since) * self.time.haste();
        u64::try_from(elapsed.as_millis()).unwrap()
    }

    /// Lets so many milliseconds of the model pass.
    pub(crate) async fn pass(&self, millis: u64) {
        let span = Duration::from_millis(millis) / self.time.haste();
        match &self.time {
            Time::Virtual(clock) => clock.advance(span),
            Time::Real(_) => tokio::time::sleep(span).await,
        }
    }

    /// Takes a step; says what came of it in one word: `ok`, an order's status, or the refusal.
    pub(crate) async fn take(&mut self, step: &Step) -> String {
        match step {
            Step::Claim { buyer, session, seats } => {
                let claim = self.claim(*buyer, *session, seats);
                self.claims.push(claim.clone());
                word(self.repository.start_hold(&claim).await, |_| "ok".into())
            }
            Step::Reclaim { hold } => match self.asked(*hold) {
                Some(claim) => word(self.repository.start_hold(&claim).await, |_| "ok".into()),
                None => "none".into(),
            },
            Step::Abandon { hold, session } => {
                let Some(claim) = self.asked(*hold) else { return "none".into() };
                let session = session_of(claim.buyer_id, *session);
                word(self.repository.abandon(claim.hold_id, &session).await, |_| "ok".into())
            }
            Step::Begin { hold, session, card } => {
                let Some(claim) = self.asked(*hold) else { return "none".into() };
                let session = session_of(claim.buyer_id, *session);
                let card = reference(*card);
                let begun = self.repository.begin_payment(claim.hold_id, &session, &card);
                word(begun.await, |start| match start {
                    PaymentStart::Pay { .. } => "ok".into(),
                    PaymentStart::Decided(order) => order.status.word().into(),
                })
            }
            Step::Record { hold, card, captured } => {
                let Some(claim) = self.asked(*hold) else { return "none".into() };
                let outcome =
                    if *captured { PaymentOutcome::Captured } else { PaymentOutcome::Declined };
                let card = reference(*card);
                let recorded = self.repository.record_payment(claim.hold_id, &card, outcome);
                word(recorded.await, |order| order.status.word().into())
            }
            _ => self.take_ops(step).await,
        }
    }

    /// The steps that buyers do not take.
    async fn take_ops(&mut self, step: &Step) -> String {
        match step {
            Step::BeginRefund { hold, card } => {
                let Some(claim) = self.asked(*hold) else { return "none".into() };
                let order = OrderId::of_payment(claim.hold_id, &reference(*card));
                word(self.repository.begin_refund(order).await, |o| o.status.word().into())
            }
            Step::FinishRefund { hold, card } => {
                let Some(claim) = self.asked(*hold) else { return "none".into() };
                let order = OrderId::of_payment(claim.hold_id, &reference(*card));
                word(self.repository.finish_refund(order).await, |o| o.status.word().into())
            }
            Step::Recover => {
                word(self.repository.recover_payments(self.event).await, |o| o.len().to_string())
            }
            Step::Block { seats } => {
                let tickets = self.chosen(seats);
                let blocked = self.repository.block(self.event, &tickets, "house");
                word(blocked.await, |n| n.to_string())
            }
            Step::Unblock { seats } => {
                let tickets = self.chosen(seats);
                word(self.repository.unblock(self.event, &tickets).await, |n| n.to_string())
            }
            Step::Pass { millis } => {
                self.pass(*millis).await;
                "ok".into()
            }
            _ => {
                self.repository.close().await;
                let clock = self.time.clock();
                self.repository = open(&self.url, Access::Existing, clock).await.unwrap();
                "ok".into()
            }
        }
    }

    /// The claim so many back from the latest.
    fn asked(&self, back: usize) -> Option<NewHold> {
        let at = self.claims.len().checked_sub(1 + back)?;
        self.claims.get(at).cloned()
    }

    fn claim(&self, buyer: u8, session: u8, seats: &[usize]) -> NewHold {
        let buyer_id = BuyerId::of_session(&SessionId::new(&format!("buyer {buyer}")).unwrap());
        NewHold {
            hold_id: HoldId::fresh(),
            event_id: self.event,
            session_id: session_of(buyer_id, session),
            buyer_id,
            tickets: self.chosen(seats),
        }
    }

    fn chosen(&self, seats: &[usize]) -> Vec<TicketId> {
        seats.iter().map(|seat| self.tickets[*seat]).collect()
    }

    pub(crate) async fn statuses(&self) -> Vec<TicketStatus> {
        let all = self.repository.tickets(self.event, &TicketFilter::default()).await.unwrap();
        all.iter().map(|t| t.status).collect()
    }

    /// What became of every claim; none for one that was refused.
    pub(crate) async fn holds(&self) -> Vec<Option<Hold>> {
        let mut holds = Vec::new();
        for claim in &self.claims {
            holds.push(self.repository.hold(claim.hold_id).await.ok());
        }
        holds
    }
}

impl Time {
    fn clock(&self) -> Arc<dyn Clock> {
        match self {
            Self::Virtual(clock) => Arc::clone(clock) as Arc<dyn Clock>,
            Self::Real(_) => Arc::new(SystemClock),
        }
    }

    const fn haste(&self) -> u32 {
        match self {
            Self::Virtual(_) => 1,
            Self::Real(_) => HASTE,
        }
    }
}

fn word<T>(answer: Result<T, Error>, ok: impl FnOnce(T) -> String) -> String {
    match answer {
        Ok(answer) => ok(answer),
        Err(Error::Refused(refusal)) => refusal.code().into(),
        Err(Error::Store(error)) => panic!("{error}: {:?}", error.cause),
    }
}

fn session_of(buyer: BuyerId, number: u8) -> SessionId {
    SessionId::new(&format!("session {number} of {buyer}")).unwrap()
}

fn reference(card: u8) -> PaymentReference {
    PaymentReference::new(&format!("card {card}")).unwrap()
}

fn draft(slug: &str, haste: u32) -> EventDraft {
    let terms = SaleTerms {
        limit: LIMIT,
        time_to_pay: Duration::from_millis(TIME_TO_PAY) / haste,
        payment_time: Duration::from_millis(PAYMENT_TIME) / haste,
    };
    hamlet::draft(slug, terms)
}
