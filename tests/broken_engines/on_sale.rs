//! A small on-sale: many checkouts at once want the same few seats, and pay, give up, fall silent,
//! come too late or ask for their money back.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tempfile::TempDir;
use tix::audit::{Answer, AuditReport, History, Told};
use tix::clock::Clock;
use tix::domain::waitlist::WAITING_MAX;
use tix::domain::{
    BuyerId, EntryId, EventId, Hold, HoldId, NewEntry, NewHold, OrderStatus, PaymentReference,
    Refusal, SaleTerms, SessionId, TicketId, Timestamp, WaitlistEntry, Wish,
};
use tix::payment::simulated::ProviderSettings;
use tix::payment::{SimulatedProvider, cancel, confirm};
use tix::repository::{
    Access, PaymentOutcome, PaymentStart, Repository, StoreUrl, TicketFilter, open,
};

use crate::engine::Engine;
use crate::fault::Fault;
use crate::hamlet;

/// How many milliseconds of the sale one millisecond of the test is.
const SPEED: u32 = 25;
/// How long a hold lasts, and how long a payment may take, by the clock of the sale.
const TIME_TO_PAY: Duration = Duration::from_secs(5);
/// Longer than either.
const TOO_LONG: Duration = Duration::from_millis(5_500);
/// The most tickets of one buyer: low, so that buyers meet it.
const LIMIT: u32 = 4;
const BUYERS: u64 = 8;
const SESSIONS_PER_BUYER: u64 = 3;
const VISITS: u32 = 12;
const SEATS: u32 = 60;
/// Seats at the end that the crowd leaves to those who come too late, and to those who wait. The last
/// is a section of its own.
const SEATS_APART: usize = 5;
/// How often somebody tries to begin a payment in time, on a machine that may be slow.
const TRIES_MAX: u32 = 20;

/// A clock that runs faster than the machine's.
#[derive(Debug)]
struct FastClock(Instant);

impl Clock for FastClock {
    fn now(&self) -> Timestamp {
        let start = Timestamp::from_millis(1_800_000_000_000);
        start.plus(self.0.elapsed() * SPEED)
    }
}

/// Waits for a span of the sale's clock.
async fn pause(span: Duration) {
    tokio::time::sleep(span / SPEED).await;
}

/// What all checkouts share.
struct Shop {
    engine: Engine,
    provider: SimulatedProvider,
    event: EventId,
    tickets: Vec<TicketId>,
    history: Arc<History>,
}

/// An on-sale that is about to begin.
pub(crate) struct OnSale {
    shop: Arc<Shop>,
    url: StoreUrl,
    _folder: TempDir,
}

impl OnSale {
    /// Mints a small venue on an engine with this fault.
    pub(crate) async fn on_engine(fault: Option<Fault>) -> Self {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("tix.db");
        let url: StoreUrl =
            format!("sqlite:{}?synchronous=normal", path.display()).parse().unwrap();
        let clock = Arc::new(FastClock(Instant::now()));
        let inner = open(&url, Access::Create, clock).await.unwrap();
        let terms = SaleTerms { limit: LIMIT, time_to_pay: TIME_TO_PAY, payment_time: TIME_TO_PAY };
        let event = inner.add_event(&hamlet::draft("hamlet", terms)).await.unwrap().event_id;
        let layout = hamlet::layout([("Floor", 1, SEATS, 4_950), ("Box", 1, 1, 4_950)]);
        inner.mint(event, Arc::new(layout), &|_| {}).await.unwrap();
        let all = inner.tickets(event, &TicketFilter::default()).await.unwrap();
        let tickets: Vec<TicketId> = all.iter().map(|t| t.ticket.ticket_id).collect();
        inner.block(event, &tickets[..1], "broken seat").await.unwrap();
        let settings = ProviderSettings { declined_share: 0.2, ..ProviderSettings::default() };
        let provider = SimulatedProvider::new(settings);
        let engine = Engine::on(inner, &path, fault);
        let shop = Shop { engine, provider, event, tickets, history: Arc::default() };
        Self { shop: Arc::new(shop), url, _folder: folder }
    }

    /// Lets everybody in at once, waits until the last one has left, and audits.
    pub(crate) async fn run(self) -> AuditReport {
        let crowd = BUYERS * SESSIONS_PER_BUYER;
        let checkout = |number| Checkout::new(&self.shop, number);
        let checkouts: Vec<_> =
            (0..crowd).map(|number| tokio::spawn(checkout(number).visits())).collect();
        for checkout in checkouts {
            checkout.await.unwrap();
        }
        // What a crowd does only by chance is done on purpose: by buyers of their own, one after
        // the other, on seats that nobody else wants.
        let apart = self.shop.tickets.len() - SEATS_APART;
        let seats = [self.shop.tickets[apart], self.shop.tickets[apart + 1]];
        let alone = |number| Checkout::of_buyer(&self.shop, crowd + number, crowd + number);
        alone(0).comes_too_late(seats[0]).await;
        alone(1).pays_too_late(alone(2), seats[1]).await;
        let both = [self.shop.tickets[apart + 2], self.shop.tickets[apart + 3]];
        alone(7).pays_for_both_under_one_reference(both).await;
        let last = self.shop.tickets[apart + 4];
        alone(3).gives_up_what_others_wait_for([alone(4), alone(5)], alone(6), last).await;
        alone(8).joins_too_often("Box").await;
        self.shop.engine.close().await;
        let history = Arc::clone(&self.shop.history);
        tix::audit::run(&self.url, Some(self.shop.event), history).await.unwrap()
    }
}

/// One checkout of one buyer.
struct Checkout {
    shop: Arc<Shop>,
    session: SessionId,
    buyer: BuyerId,
    draw: ChaCha8Rng,
}

impl Checkout {
    fn new(shop: &Arc<Shop>, number: u64) -> Self {
        Self::of_buyer(shop, number, number % BUYERS)
    }

    fn of_buyer(shop: &Arc<Shop>, number: u64, buyer: u64) -> Self {
        let name = |text: String| SessionId::new(&text).unwrap();
        Self {
            shop: Arc::clone(shop),
            session: name(format!("checkout {number}")),
            buyer: BuyerId::of_session(&name(format!("buyer {buyer}"))),
            draw: ChaCha8Rng::seed_from_u64(number),
        }
    }

    /// Comes back again and again, for seats that others want, too.
    async fn visits(mut self) {
        for visit in 0..VISITS {
            let tickets = self.choose();
            let Some(hold) = self.hold(&tickets).await else { continue };
            let card = self.card(visit);
            match self.draw.random_range(0..10) {
                0..4 => self.pay(&hold, &card).await,
                4 => {
                    pause(TOO_LONG).await;
                    self.pay(&hold, &card).await;
                }
                5 if self.begins(&hold, &card).await => {
                    pause(TOO_LONG).await;
                    self.is_captured(&hold, &card).await;
                }
                6..8 => self.abandon(&hold).await,
                _ => {}
            }
        }
    }

    /// Pays when the time is over, for a seat that nobody else has claimed.
    async fn comes_too_late(mut self, ticket: TicketId) {
        let hold = self.hold(&[ticket]).await.expect("nobody else wants this seat");
        pause(TOO_LONG).await;
        let card = self.card(0);
        self.pay(&hold, &card).await;
    }

    /// Begins to pay in time, but the money comes when the next one has the seat.
    async fn pays_too_late(self, next: Self, ticket: TicketId) {
        for attempt in 0..TRIES_MAX {
            let card = self.card(attempt);
            if let Some(hold) = self.hold(&[ticket]).await
                && self.begins(&hold, &card).await
            {
                pause(TOO_LONG).await;
                next.hold(&[ticket]).await.expect("the overdue payment is given up");
                return self.is_captured(&hold, &card).await;
            }
            pause(TOO_LONG).await;
        }
        panic!("no payment was begun in time in {TRIES_MAX} tries");
    }

    /// Pays for a seat, and for another one under the same reference.
    async fn pays_for_both_under_one_reference(self, tickets: [TicketId; 2]) {
        let card = self.card(0);
        for ticket in tickets {
            let hold = self.hold(&[ticket]).await.expect("nobody else wants this seat");
            if self.begins(&hold, &card).await {
                self.is_captured(&hold, &card).await;
            }
        }
    }

    /// Joins the waitlist until that is refused. Where it never is, more often than the entries which are
    /// offered something meanwhile can make up for.
    async fn joins_too_often(self, section: &str) {
        for _ in 0..2 * WAITING_MAX {
            if self.tries_to_join(section).await.is_err() {
                return;
            }
        }
    }

    /// Gives up a seat for which two wait, and which somebody else would like as well.
    async fn gives_up_what_others_wait_for(self, line: [Self; 2], other: Self, ticket: TicketId) {
        let hold = self.hold(&[ticket]).await.expect("nobody else wants this seat");
        for waits in line {
            waits.joins("Box").await;
            // The clock tells one from the other.
            pause(Duration::from_millis(100)).await;
        }
        self.abandon(&hold).await;
        other.hold(&[ticket]).await;
    }

    /// Waits for one ticket of a section.
    async fn joins(&self, section: &str) {
        self.tries_to_join(section).await.unwrap();
    }

    async fn tries_to_join(&self, section: &str) -> tix::repository::Result<WaitlistEntry> {
        let entry = NewEntry {
            entry_id: EntryId::fresh(),
            event_id: self.shop.event,
            session_id: self.session.clone(),
            buyer_id: self.buyer,
            wish: Wish { section: Some(section.into()), ticket_type: None, size: 1 },
        };
        self.shop.engine.join_waitlist(&entry).await
    }

    /// A few seats side by side, wanted by many.
    fn choose(&mut self) -> Vec<TicketId> {
        let count = self.draw.random_range(1..=3);
        let last = self.shop.tickets.len() - SEATS_APART - count;
        let from = self.draw.random_range(0..=last);
        self.shop.tickets[from..from + count].to_vec()
    }

    fn card(&self, attempt: u32) -> PaymentReference {
        PaymentReference::new(&format!("{} {attempt}", self.session)).unwrap()
    }

    async fn hold(&self, tickets: &[TicketId]) -> Option<Hold> {
        let sent_at = self.shop.engine.now();
        let claim = NewHold {
            hold_id: HoldId::fresh(),
            event_id: self.shop.event,
            session_id: self.session.clone(),
            buyer_id: self.buyer,
            tickets: tickets.to_vec(),
        };
        let hold = self.shop.engine.start_hold(&claim).await.ok()?;
        let answer = Answer::Held { from: hold.started_at, until: hold.expires_at };
        self.told(sent_at, &hold, answer);
        Some(hold)
    }

    /// Pays as the payment module does, and may ask for the money back afterwards.
    async fn pay(&mut self, hold: &Hold, card: &PaymentReference) {
        let shop = Arc::clone(&self.shop);
        let sent_at = shop.engine.now();
        let paid = confirm(&shop.engine, &shop.provider, hold.hold_id, &self.session, card).await;
        let order = match paid {
            Ok(order) => order,
            Err(e) => {
                let order_id = match e.refusal() {
                    Some(Refusal::Declined { .. }) => {
                        Some(tix::domain::OrderId::of_payment(hold.hold_id, card))
                    }
                    Some(Refusal::Expired { .. }) => None,
                    _ => return,
                };
                return self.told(sent_at, hold, Answer::NotPaid { order_id });
            }
        };
        let (order_id, amount_minor) = (order.order_id, order.amount.minor());
        self.told(sent_at, hold, Answer::Paid { order_id, amount_minor });
        if self.draw.random_bool(0.6) {
            let sent_at = shop.engine.now();
            if cancel(&shop.engine, &shop.provider, order_id).await.is_ok() {
                self.told(sent_at, hold, Answer::Refunded { order_id });
            }
        }
    }

    async fn begins(&self, hold: &Hold, card: &PaymentReference) -> bool {
        let begun = self.shop.engine.begin_payment(hold.hold_id, &self.session, card).await;
        matches!(begun, Ok(PaymentStart::Pay { .. }))
    }

    async fn is_captured(&self, hold: &Hold, card: &PaymentReference) {
        let engine = &self.shop.engine;
        let sent_at = engine.now();
        let captured = PaymentOutcome::Captured;
        let Ok(order) = engine.record_payment(hold.hold_id, card, captured).await else { return };
        let order_id = order.order_id;
        let answer = match order.status {
            OrderStatus::Paid => Answer::Paid { order_id, amount_minor: order.amount.minor() },
            _ => Answer::NotPaid { order_id: Some(order_id) },
        };
        self.told(sent_at, hold, answer);
    }

    async fn abandon(&self, hold: &Hold) {
        let sent_at = self.shop.engine.now();
        if self.shop.engine.abandon(hold.hold_id, &self.session).await.is_ok() {
            self.told(sent_at, hold, Answer::Abandoned);
        }
    }

    fn told(&self, sent_at: Timestamp, hold: &Hold, answer: Answer) {
        let told = Told {
            sent_at,
            told_at: self.shop.engine.now(),
            event_id: self.shop.event,
            hold_id: hold.hold_id,
            buyer_id: self.buyer,
            tickets: hold.tickets.iter().map(|ticket| ticket.ticket_id).collect(),
            answer,
        };
        self.shop.history.record(&told).unwrap();
    }
}
