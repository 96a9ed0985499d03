//! The engine's side of a walk.

use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;
use tix::clock::{Clock, SystemClock, VirtualClock};
use tix::domain::seating::Search;
use tix::domain::{
    BuyerId, EntryId, EventDraft, EventId, Hold, HoldId, NewEntry, NewHold, Order, OrderId,
    PaymentReference, Refusal, SaleTerms, SessionId, TicketId, TicketStatus, Timestamp,
    WaitlistEntry, WaitlistStatus, Wish,
};
use tix::minting::Layout;
use tix::repository::{
    Access, Error, PaymentOutcome, PaymentStart, Repository, StoreUrl, TicketFilter, open,
};

use crate::hamlet;
use crate::model::{LIMIT, PAYMENT_TIME, SECTIONS, TIME_TO_PAY, tally};
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
    /// The claims and offers that were made, in the model's numbering.
    claims: Vec<NewHold>,
    /// Those who joined the waitlist, in the order of the line.
    entries: Vec<NewEntry>,
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
        repository.mint(event, Arc::new(layout()), &|_| {}).await.unwrap();
        let all = repository.tickets(event, &TicketFilter::default()).await.unwrap();
        let tickets = all.iter().map(|t| t.ticket.ticket_id).collect();
        Self {
            url,
            time,
            repository,
            event,
            tickets,
            claims: Vec::new(),
            entries: Vec::new(),
            _folder: folder,
        }
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
        let answer = self.take_step(step).await;
        self.note_offers().await;
        answer
    }

    /// Numbers the offers that were made in the last step.
    async fn note_offers(&mut self) {
        for entry in self.line().await {
            let Some(hold_id) = entry.hold_id else { continue };
            if self.claims.iter().any(|claim| claim.hold_id == hold_id) {
                continue;
            }
            let hold = self.repository.hold(hold_id).await.unwrap();
            self.claims.push(NewHold {
                hold_id,
                event_id: self.event,
                session_id: hold.session_id,
                buyer_id: hold.buyer_id,
                tickets: hold.tickets.iter().map(|ticket| ticket.ticket_id).collect(),
            });
        }
    }

    async fn take_step(&mut self, step: &Step) -> String {
        match step {
            Step::Claim { buyer, session, seats } => {
                self.ask(self.claim(*buyer, *session, self.chosen(seats))).await
            }
            Step::Best { buyer, session, wish } => match self.best(wish).await {
                Ok(tickets) => self.ask(self.claim(*buyer, *session, tickets)).await,
                Err(refusal) => refusal.code().into(),
            },
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
                let card = self.reference(claim.hold_id, *card);
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
                let card = self.reference(claim.hold_id, *card);
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
                let order =
                    OrderId::of_payment(claim.hold_id, &self.reference(claim.hold_id, *card));
                word(self.repository.begin_refund(order).await, |o| o.status.word().into())
            }
            Step::FinishRefund { hold, card } => {
                let Some(claim) = self.asked(*hold) else { return "none".into() };
                let order =
                    OrderId::of_payment(claim.hold_id, &self.reference(claim.hold_id, *card));
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
            Step::Join { buyer, session, wish } => {
                let buyer_id = buyer_of(*buyer);
                let entry = NewEntry {
                    entry_id: EntryId::fresh(),
                    event_id: self.event,
                    session_id: session_of(buyer_id, *session),
                    buyer_id,
                    wish: wish.clone(),
                };
                let joined = self.repository.join_waitlist(&entry).await;
                if joined.is_ok() {
                    self.entries.push(entry);
                }
                word(joined, |entry| entry.status.word().into())
            }
            Step::Leave { entry, session } => {
                let at = self.entries.len().checked_sub(1 + entry);
                let Some(entry) = at.and_then(|at| self.entries.get(at)) else {
                    return "none".into();
                };
                let session = session_of(entry.buyer_id, *session);
                let left = self.repository.leave_waitlist(entry.entry_id, &session).await;
                word(left, |entry| entry.status.word().into())
            }
            Step::Serve => {
                let served = self.repository.serve_waitlist(self.event).await;
                word(served, |offers| offers.len().to_string())
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
    /// A reference: of card 0 one for each hold, of any other the same for all holds of the event.
    fn reference(&self, hold: HoldId, card: u8) -> PaymentReference {
        let text = match card {
            0 => format!("card 0 for {hold}"),
            _ => format!("card {card} at {}", self.event),
        };
        PaymentReference::new(&text).unwrap()
    }

    fn asked(&self, back: usize) -> Option<NewHold> {
        let at = self.claims.len().checked_sub(1 + back)?;
        self.claims.get(at).cloned()
    }

    async fn ask(&mut self, claim: NewHold) -> String {
        self.claims.push(claim.clone());
        word(self.repository.start_hold(&claim).await, |_| "ok".into())
    }

    /// What is best of what the maps show.
    async fn best(&self, wish: &Wish) -> Result<Vec<TicketId>, Refusal> {
        let mut search = Search::new(wish.size, wish.ticket_type.as_deref());
        for (name, ..) in SECTIONS {
            if wish.section.as_deref().is_none_or(|wanted| wanted == name) {
                search.look(&self.repository.section_map(self.event, name).await.unwrap());
            }
        }
        search.finish().map(|choice| choice.tickets)
    }

    fn claim(&self, buyer: u8, session: u8, tickets: Vec<TicketId>) -> NewHold {
        let buyer_id = buyer_of(buyer);
        NewHold {
            hold_id: HoldId::fresh(),
            event_id: self.event,
            session_id: session_of(buyer_id, session),
            buyer_id,
            tickets,
        }
    }

    fn chosen(&self, seats: &[usize]) -> Vec<TicketId> {
        seats.iter().map(|seat| self.tickets[*seat]).collect()
    }

    pub(crate) async fn statuses(&self) -> Vec<TicketStatus> {
        let all = self.repository.tickets(self.event, &TicketFilter::default()).await.unwrap();
        all.iter().map(|t| t.status).collect()
    }

    /// The waitlist, in the order of the line.
    pub(crate) async fn line(&self) -> Vec<WaitlistEntry> {
        self.repository.waitlist(self.event).await.unwrap()
    }

    /// The status and the place of everybody who ever joined the waitlist.
    pub(crate) async fn places(&self) -> Vec<(WaitlistStatus, Option<u64>)> {
        self.line().await.iter().map(|entry| (entry.status, entry.place)).collect()
    }

    /// How many tickets of each section are available, held, paying, sold and blocked, by three
    /// ways to ask.
    pub(crate) async fn counts(&self) -> [Vec<[u64; 5]>; 3] {
        let (mut counted, mut mapped, mut listed) = (Vec::new(), Vec::new(), Vec::new());
        for c in self.repository.counts(self.event).await.unwrap() {
            counted.push([c.available, c.held, c.paying, c.sold, c.blocked]);
            let map = self.repository.section_map(self.event, &c.section).await.unwrap();
            mapped.push(tally(map.statuses()));
            let filter = TicketFilter { section: Some(c.section), ..TicketFilter::default() };
            let tickets = self.repository.tickets(self.event, &filter).await.unwrap();
            listed.push(tally(&tickets.iter().map(|t| t.status).collect::<Vec<_>>()));
        }
        [counted, mapped, listed]
    }

    /// The holds that run, by their deadlines, and the orders.
    pub(crate) async fn books(&self) -> (Vec<Hold>, Vec<Order>) {
        let holds = self.repository.running_holds(self.event).await.unwrap();
        (holds, self.repository.orders(self.event).await.unwrap())
    }

    /// What became of every claim and offer; none for one that was refused.
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

fn buyer_of(number: u8) -> BuyerId {
    BuyerId::of_session(&SessionId::new(&format!("buyer {number}")).unwrap())
}

fn session_of(buyer: BuyerId, number: u8) -> SessionId {
    SessionId::new(&format!("session {number} of {buyer}")).unwrap()
}

fn layout() -> Layout {
    let sections = SECTIONS.iter().map(|(name, _, seats)| (*name, 1, *seats, 5_000));
    let mut layout = hamlet::layout(sections);
    for (section, (_, ticket_type, _)) in layout.sections.iter_mut().zip(SECTIONS) {
        section.type_id = ticket_type.into();
    }
    layout
}

fn draft(slug: &str, haste: u32) -> EventDraft {
    let terms = SaleTerms {
        limit: LIMIT,
        time_to_pay: Duration::from_millis(TIME_TO_PAY) / haste,
        payment_time: Duration::from_millis(PAYMENT_TIME) / haste,
    };
    hamlet::draft(slug, terms)
}
