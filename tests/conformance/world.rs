//! A small venue on a fresh store, and shorthand for telling stories in it.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use tempfile::TempDir;
use tix::clock::{Clock, SystemClock, VirtualClock};
use tix::domain::{
    BuyerId, Currency, EventDraft, EventId, Hold, HoldId, MachineTime, Money, NewHold,
    PaymentReference, Refusal, SaleTerms, SeatLabel, SessionId, TicketId, TicketStatus, Timestamp,
    Venue,
};
use tix::minting::Layout;
use tix::repository::{
    Access, PaymentOutcome, PaymentStart, Repository, Result, StoreUrl, TicketFilter, open,
};
use uuid::Uuid;

use crate::{hamlet, node};

/// How long a hold lasts in these stories: short, for engines whose clock cannot be moved.
pub(crate) const TIME_TO_PAY: Duration = Duration::from_secs(2);
/// How long a payment may take in these stories.
pub(crate) const PAYMENT_TIME: Duration = Duration::from_secs(3);
/// A moment, much shorter than the times above.
pub(crate) const MOMENT: Duration = Duration::from_millis(500);

/// What lets time pass in a world.
#[derive(Clone)]
enum Time {
    /// Its clock is moved.
    Virtual(Arc<VirtualClock>),
    /// Its engine judges by a clock of its own: it is waited for. That of the client can be set.
    Real(Arc<SettableClock>),
}

/// The machine's clock, which somebody may have set.
#[derive(Debug, Default)]
struct SettableClock(AtomicI64);

impl Clock for SettableClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(SystemClock.now().as_millis() + self.0.load(Ordering::SeqCst))
    }

    fn machine_time(&self) -> MachineTime {
        let machine = SystemClock.machine_time();
        let set_by_us = self.0.load(Ordering::SeqCst) * 1000;
        MachineTime { clock_us: machine.clock_us + set_by_us, ..machine }
    }
}

/// A store with one event: section A with 4 rows of 10 seats at 80.00, B with 2 rows of 5 at 35.50.
pub(crate) struct World {
    url: StoreUrl,
    pub(crate) repository: Arc<dyn Repository>,
    pub(crate) event: EventId,
    /// Begins the slug of every event of this world: its store may have others.
    prefix: String,
    time: Time,
    _folder: Option<TempDir>,
}

impl World {
    pub(crate) async fn sqlite_file() -> Option<Self> {
        let folder = TempDir::new().unwrap();
        let url = format!("sqlite:{}", folder.path().join("tix.db").display());
        Some(Self::sqlite(&url, Some(folder)).await)
    }

    pub(crate) async fn sqlite_memory() -> Option<Self> {
        Some(Self::sqlite("sqlite::memory:", None).await)
    }

    /// None where there is no ScyllaDB to run on. All worlds share its tables; each has an event of
    /// its own.
    pub(crate) async fn scylla() -> Option<Self> {
        let node = tokio::task::spawn_blocking(|| node::url("tix_conformance"));
        let url = node.await.unwrap()?;
        let prefix = format!("{}-", Uuid::new_v4().simple());
        let clock = Arc::<SettableClock>::default();
        let shared = Arc::clone(&clock) as Arc<dyn Clock>;
        Some(Self::on(&url, shared, Time::Real(clock), prefix, None).await)
    }

    async fn sqlite(url: &str, folder: Option<TempDir>) -> Self {
        let start = Timestamp::parse("2026-12-01T18:00:00Z").unwrap();
        let clock = Arc::new(VirtualClock::starting_at(start));
        let shared = Arc::clone(&clock) as Arc<dyn Clock>;
        Self::on(url, shared, Time::Virtual(clock), String::new(), folder).await
    }

    async fn on(
        url: &str,
        clock: Arc<dyn Clock>,
        time: Time,
        prefix: String,
        folder: Option<TempDir>,
    ) -> Self {
        let url: StoreUrl = url.parse().unwrap();
        let repository = open(&url, Access::Create, clock).await.unwrap();
        let event = repository.add_event(&draft(&format!("{prefix}hamlet"))).await.unwrap();
        let event = event.event_id;
        repository.mint(event, Arc::new(layout()), &|_| {}).await.unwrap();
        Self { url, repository, event, prefix, time, _folder: folder }
    }

    /// A world beside this one whose holds last as long as any crowd takes.
    pub(crate) async fn for_a_crowd(&self) -> Self {
        self.for_a_crowd_of("crowd").await
    }

    /// The same under another name.
    pub(crate) async fn for_a_crowd_of(&self, name: &str) -> Self {
        let terms = SaleTerms { time_to_pay: Duration::from_mins(5), ..terms() };
        let draft = EventDraft { terms, ..draft(&self.slug(name)) };
        let event = self.repository.add_event(&draft).await.unwrap().event_id;
        self.repository.mint(event, Arc::new(layout()), &|_| {}).await.unwrap();
        let (repository, prefix) = (Arc::clone(&self.repository), self.prefix.clone());
        let (url, time) = (self.url.clone(), Time::Real(Arc::default()));
        Self { url, repository, event, prefix, time, _folder: None }
    }

    /// This world with another of its events in place of its own.
    pub(crate) fn at(&self, event: EventId) -> Self {
        let (repository, prefix) = (Arc::clone(&self.repository), self.prefix.clone());
        let (url, time) = (self.url.clone(), self.time.clone());
        Self { url, repository, event, prefix, time, _folder: None }
    }

    /// The URL of its store.
    pub(crate) const fn url(&self) -> &StoreUrl {
        &self.url
    }

    /// Lets time pass.
    pub(crate) fn pass(&self, span: Duration) {
        match &self.time {
            Time::Virtual(clock) => clock.advance(span),
            Time::Real(_) => tokio::task::block_in_place(|| std::thread::sleep(span)),
        }
    }

    /// Sets the clock of the machine on which the repository runs; no time passes.
    pub(crate) fn set_clock_by(&self, by_ms: i64) {
        match &self.time {
            Time::Virtual(clock) => clock.step(by_ms),
            Time::Real(clock) => {
                clock.0.fetch_add(by_ms, Ordering::SeqCst);
            }
        }
    }

    /// Whether the store's time is derived from that clock.
    pub(crate) fn goes_by_own_clock(&self) -> bool {
        matches!(self.time, Time::Virtual(_))
    }

    /// The audit must pass.
    pub(crate) async fn audit_passes(&self) {
        let report = tix::audit::run(&self.url, Some(self.event), Arc::default()).await.unwrap();
        assert!(report.passed, "{:#?}", report.violations);
    }

    /// The slug of an event of this world.
    pub(crate) fn slug(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    /// A payment reference that only this world has: buyers have the same names in all of them.
    pub(crate) fn reference(&self, card: &str) -> PaymentReference {
        PaymentReference::new(&format!("{}{card}", self.prefix)).unwrap()
    }

    /// A word that only this world has.
    pub(crate) fn mark(&self) -> String {
        match self.prefix.trim_end_matches('-') {
            "" => "own".into(),
            prefix => format!("own{prefix}"),
        }
    }

    /// The same store as another process sees it.
    pub(crate) async fn opened_again(&self) -> Arc<dyn Repository> {
        let clock: Arc<dyn Clock> = match &self.time {
            Time::Virtual(clock) => Arc::clone(clock) as Arc<dyn Clock>,
            Time::Real(clock) => Arc::clone(clock) as Arc<dyn Clock>,
        };
        open(&self.url, Access::Existing, clock).await.unwrap()
    }

    /// Waits until everybody can see what was done, where that takes a moment.
    pub(crate) fn settle(&self) {
        if matches!(self.time, Time::Real(_)) {
            self.pass(MOMENT);
        }
    }

    pub(crate) async fn tickets(&self, seats: &[&str]) -> Vec<TicketId> {
        let labels: Vec<SeatLabel> = seats.iter().map(|seat| seat.parse().unwrap()).collect();
        self.repository.find_seats(self.event, &labels).await.unwrap()
    }

    /// A claim that nobody has made yet.
    pub(crate) async fn claim(&self, who: &Buyer, seats: &[&str]) -> NewHold {
        NewHold {
            hold_id: HoldId::fresh(),
            event_id: self.event,
            session_id: who.session.clone(),
            buyer_id: who.buyer,
            tickets: self.tickets(seats).await,
        }
    }

    pub(crate) async fn try_hold(&self, who: &Buyer, seats: &[&str]) -> Result<Hold> {
        self.repository.start_hold(&self.claim(who, seats).await).await
    }

    pub(crate) async fn hold(&self, who: &Buyer, seats: &[&str]) -> Hold {
        self.try_hold(who, seats).await.unwrap()
    }

    pub(crate) async fn begin(&self, who: &Buyer, hold: &Hold, card: &str) -> Result<PaymentStart> {
        self.repository.begin_payment(hold.hold_id, &who.session, &self.reference(card)).await
    }

    pub(crate) async fn record(
        &self,
        hold: &Hold,
        card: &str,
        outcome: PaymentOutcome,
    ) -> tix::domain::Order {
        self.repository.record_payment(hold.hold_id, &self.reference(card), outcome).await.unwrap()
    }

    /// Pays for a hold in one go.
    pub(crate) async fn pay(&self, who: &Buyer, hold: &Hold, card: &str) -> tix::domain::Order {
        self.begin(who, hold, card).await.unwrap();
        self.record(hold, card, PaymentOutcome::Captured).await
    }

    pub(crate) async fn status(&self, seat: &str) -> TicketStatus {
        let label: SeatLabel = seat.parse().unwrap();
        let filter =
            TicketFilter { section: Some(label.section.to_string()), ..TicketFilter::default() };
        let tickets = self.repository.tickets(self.event, &filter).await.unwrap();
        tickets.into_iter().find(|t| t.ticket.label == label).unwrap().status
    }
}

/// Who buys, and in which checkout.
#[derive(Debug, Clone)]
pub(crate) struct Buyer {
    pub(crate) session: SessionId,
    pub(crate) buyer: BuyerId,
}

/// A buyer with one checkout.
pub(crate) fn buyer(name: &str) -> Buyer {
    let session = SessionId::new(name).unwrap();
    Buyer { buyer: BuyerId::of_session(&session), session }
}

/// Another checkout of the same buyer.
pub(crate) fn elsewhere(who: &Buyer, name: &str) -> Buyer {
    Buyer { session: SessionId::new(name).unwrap(), buyer: who.buyer }
}

/// The refusal that an answer is; anything else fails the story.
pub(crate) fn refusal<T: std::fmt::Debug>(answer: Result<T>) -> Refusal {
    match answer {
        Err(tix::repository::Error::Refused(refusal)) => refusal,
        other => panic!("not refused: {other:?}"),
    }
}

pub(crate) fn code<T: std::fmt::Debug>(answer: Result<T>) -> &'static str {
    refusal(answer).code()
}

pub(crate) fn eur(minor: i64) -> Money {
    Money::from_minor(minor, Currency::EUR)
}

pub(crate) fn draft(slug: &str) -> EventDraft {
    let draft = hamlet::draft(slug, terms());
    let place = Venue { latitude: Some(51.508), longitude: Some(-0.097), ..draft.venue };
    EventDraft { performers: vec!["The Company".into()], venue: place, ..draft }
}

fn terms() -> SaleTerms {
    SaleTerms { limit: 10, time_to_pay: TIME_TO_PAY, payment_time: PAYMENT_TIME }
}

pub(crate) fn layout() -> Layout {
    hamlet::layout([("A", 4, 10, 8_000), ("B", 2, 5, 3_550)])
}
