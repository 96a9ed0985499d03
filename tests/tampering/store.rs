//! A SQLite store with something of everything in it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rusqlite::Connection;
use tempfile::TempDir;
use tix::clock::{Clock, VirtualClock};
use tix::domain::{
    BuyerId, Currency, EntryId, EventId, Hold, HoldId, Money, NewEntry, NewHold, Order,
    PaymentReference, SaleTerms, SessionId, TicketId, Timestamp, Wish,
};
use tix::minting::{Layout, ListedSeat, Seating, SectionLayout};
use tix::repository::{Access, PaymentOutcome, Repository, StoreUrl, open};
use uuid::Uuid;

use crate::hamlet;

const TIME_TO_PAY: Duration = Duration::from_mins(10);
const PAYMENT_TIME: Duration = Duration::from_mins(2);
const MOMENT: Duration = Duration::from_millis(700);

/// A store that was closed, in a folder of its own.
pub(crate) struct Store {
    folder: TempDir,
    bytes: Vec<u8>,
    /// When the sale was left.
    left_at: Timestamp,
}

/// The sale while it is played.
struct Play {
    repository: Arc<dyn Repository>,
    clock: Arc<VirtualClock>,
    event: EventId,
    ids: u128,
}

impl Store {
    pub(crate) async fn play() -> Self {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("whole.db");
        let clock = Arc::new(VirtualClock::starting_at(Timestamp::from_millis(1_800_000_000_000)));
        let time: Arc<dyn Clock> = Arc::clone(&clock) as Arc<dyn Clock>;
        let url: StoreUrl = format!("sqlite:{}", path.display()).parse().unwrap();
        let repository = open(&url, Access::Create, time).await.unwrap();
        let mut play = Play { repository, clock, event: EventId::of_slug("hamlet"), ids: 0 };
        play.hamlet().await;
        play.lear().await;
        play.repository.add_event(&hamlet::draft("othello", terms(3))).await.unwrap();
        let left_at = play.clock.now();
        play.repository.close().await;
        let connection = Connection::open(&path).unwrap();
        // A follower of the log, and nothing left beside the file.
        let follower = "INSERT INTO log_progress VALUES ('board', 5, 1800000001000)";
        connection.execute(follower, []).unwrap();
        connection.pragma_update(None, "journal_mode", "DELETE").unwrap();
        drop(connection);
        let bytes = std::fs::read(&path).unwrap();
        Self { folder, bytes, left_at }
    }

    /// A copy to tamper with.
    pub(crate) fn copy(&self) -> PathBuf {
        let path = self.folder.path().join("copy.db");
        for beside in ["copy.db-wal", "copy.db-shm", "copy.db-journal"] {
            let _ = std::fs::remove_file(self.folder.path().join(beside));
        }
        std::fs::write(&path, &self.bytes).unwrap();
        path
    }

    /// Does what a worker does.
    pub(crate) async fn work(&self, path: &Path) -> tix::repository::Result<()> {
        let url: StoreUrl = format!("sqlite:{}", path.display()).parse().unwrap();
        let clock = Arc::new(VirtualClock::starting_at(self.left_at));
        let repository = open(&url, Access::Existing, clock).await?;
        let mut outcome = Ok(());
        for event in repository.events().await?.iter().filter(|event| event.minted) {
            outcome = outcome.and(repository.repair(event.event_id).await.map(|_| ()));
            outcome = outcome.and(repository.waitlist(event.event_id).await.map(|_| ()));
            outcome = outcome.and(repository.orders(event.event_id).await.map(|_| ()));
        }
        repository.close().await;
        outcome
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

/// A connection for tampering: nothing holds it back.
pub(crate) fn open_raw(path: &Path) -> Connection {
    let connection = Connection::open(path).unwrap();
    let pragmas = "PRAGMA foreign_keys = OFF; PRAGMA synchronous = OFF;
                   PRAGMA ignore_check_constraints = ON;";
    connection.execute_batch(pragmas).unwrap();
    connection
}

fn terms(limit: u32) -> SaleTerms {
    SaleTerms { limit, time_to_pay: TIME_TO_PAY, payment_time: PAYMENT_TIME }
}

/// The digests of what is minted for the two events.
pub(crate) fn digests() -> [String; 2] {
    [layout().digest, lear_layout().digest]
}

fn lear_layout() -> Layout {
    hamlet::layout([("A", 1, 3, 2_000), ("B", 2, 2, 3_000)])
}

/// A grid of sixteen seats, and a box of six listed ones of two types and prices.
fn layout() -> Layout {
    let eur = |minor| Money::from_minor(minor, Currency::EUR);
    let seat = |row: &str, seat: u32, kind: &str, minor| ListedSeat {
        row: row.into(),
        seat: seat.to_string().into(),
        type_id: kind.into(),
        price: eur(minor),
        aisle_after: None,
    };
    let listed = (1..=4).map(|n| seat("front", n, "box", 9_000));
    let listed = listed.chain((1..=2).map(|n| seat("back", n, "view", 4_500))).collect();
    let section = |name: &str, kind: &str, seating| SectionLayout {
        name: name.into(),
        type_id: kind.into(),
        entrance: format!("Gate {name}"),
        seating,
    };
    let grid = Seating::Grid { rows: 2, seats_per_row: 8, price: eur(5_000) };
    Layout::of_sections(vec![
        section("Stalls", "regular", grid),
        section("Box", "box", Seating::Listed(listed)),
    ])
}

impl Play {
    fn id(&mut self) -> Uuid {
        self.ids += 1;
        let random = self.ids.wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
        uuid::Builder::from_random_bytes(random.to_be_bytes()).into_uuid()
    }

    fn pass(&self, span: Duration) {
        self.clock.advance(span);
    }

    async fn hold(&mut self, who: &str, seats: &[(&str, &str, u32)]) -> Hold {
        self.pass(MOMENT);
        let ticket = |(section, row, seat): &(&str, &str, u32)| {
            TicketId::of_seat(self.event, section, row, &seat.to_string())
        };
        let tickets = seats.iter().map(ticket).collect();
        let hold_id = HoldId::from_uuid(self.id());
        let session_id = SessionId::new(who).unwrap();
        let buyer_id = BuyerId::of_session(&session_id);
        let event_id = self.event;
        let new = NewHold { hold_id, event_id, session_id, buyer_id, tickets };
        self.repository.start_hold(&new).await.unwrap()
    }

    async fn begin(&self, hold: &Hold, card: &str) {
        self.pass(MOMENT);
        let card = PaymentReference::new(card).unwrap();
        self.repository.begin_payment(hold.hold_id, &hold.session_id, &card).await.unwrap();
    }

    async fn record(&self, hold: &Hold, card: &str, outcome: PaymentOutcome) -> Order {
        self.pass(MOMENT);
        let card = PaymentReference::new(card).unwrap();
        self.repository.record_payment(hold.hold_id, &card, outcome).await.unwrap()
    }

    async fn pay(&self, hold: &Hold) -> Order {
        self.begin(hold, "card").await;
        self.record(hold, "card", PaymentOutcome::Captured).await
    }

    async fn abandon(&self, hold: &Hold) {
        self.pass(MOMENT);
        self.repository.abandon(hold.hold_id, &hold.session_id).await.unwrap();
    }

    async fn refund(&self, order: &Order, to_the_end: bool) {
        self.pass(MOMENT);
        self.repository.begin_refund(order.order_id).await.unwrap();
        if to_the_end {
            self.pass(MOMENT);
            self.repository.finish_refund(order.order_id).await.unwrap();
        }
    }

    async fn joins(&mut self, who: &str, section: Option<&str>, size: u32) -> (EntryId, SessionId) {
        self.pass(MOMENT);
        let session_id = SessionId::new(who).unwrap();
        let entry_id = EntryId::from_uuid(self.id());
        let entry = NewEntry {
            entry_id,
            event_id: self.event,
            session_id: session_id.clone(),
            buyer_id: BuyerId::of_session(&session_id),
            wish: Wish { section: section.map(Into::into), ticket_type: None, size },
        };
        self.repository.join_waitlist(&entry).await.unwrap();
        (entry_id, session_id)
    }

    /// Holds and orders that came to every end.
    async fn hamlet(&mut self) {
        self.repository.add_event(&hamlet::draft("hamlet", terms(6))).await.unwrap();
        self.repository.mint(self.event, Arc::new(layout()), &|_| {}).await.unwrap();
        let box_seat =
            |row, seat: u32| TicketId::of_seat(self.event, "Box", row, &seat.to_string());
        let (kept, open) = (box_seat("back", 1), box_seat("back", 2));
        self.pass(MOMENT);
        self.repository.block(self.event, &[kept, open], "for the press").await.unwrap();
        self.pass(MOMENT);
        self.repository.unblock(self.event, &[open]).await.unwrap();

        // Nobody comes back to these in time.
        let expired = self.hold("fay", &[("Stalls", "1", 1), ("Stalls", "1", 2)]).await;
        self.hold("gus", &[("Stalls", "1", 3), ("Stalls", "1", 4)]).await;
        self.hold("liv", &[("Box", "front", 1)]).await;
        let silent = self.hold("ida", &[("Stalls", "1", 5)]).await;
        let aborted = self.hold("jan", &[("Stalls", "1", 6), ("Stalls", "1", 7)]).await;
        let returned = self.hold("lea", &[("Stalls", "1", 8)]).await;
        self.pass(TIME_TO_PAY - Duration::from_mins(1));
        let late = self.hold("kim", &[("Stalls", "2", 1)]).await;
        for hold in [&silent, &aborted, &returned] {
            self.begin(hold, "card").await;
        }
        self.pass(PAYMENT_TIME + MOMENT);
        self.repository.recover_payments(self.event).await.unwrap();
        self.record(&silent, "card", PaymentOutcome::Captured).await;
        let order = self.record(&returned, "card", PaymentOutcome::Captured).await;
        self.refund(&order, true).await;
        self.abandon(&expired).await;
        // One of the two lapsed seats goes to the next.
        let next = self.hold("hal", &[("Stalls", "1", 3)]).await;
        self.pay(&next).await;
        self.pass(TIME_TO_PAY - PAYMENT_TIME - Duration::from_mins(1));
        self.begin(&late, "card").await;
        self.pass(Duration::from_secs(119));
        self.record(&late, "card", PaymentOutcome::Declined).await;

        let paid = self.hold("ann", &[("Stalls", "2", 2), ("Stalls", "2", 3)]).await;
        self.pay(&paid).await;
        let refunded = self.hold("dan", &[("Stalls", "2", 4), ("Box", "front", 2)]).await;
        let order = self.pay(&refunded).await;
        self.refund(&order, true).await;
        let refunding = self.hold("dora", &[("Stalls", "2", 4)]).await;
        let order = self.pay(&refunding).await;
        self.refund(&order, false).await;
        let given_up = self.hold("eve", &[("Box", "front", 3), ("Box", "front", 4)]).await;
        self.abandon(&given_up).await;
        let again = self.hold("bob", &[("Stalls", "2", 5), ("Stalls", "2", 6)]).await;
        self.begin(&again, "first card").await;
        self.record(&again, "first card", PaymentOutcome::Declined).await;
        self.begin(&again, "second card").await;
        let declined = self.hold("mia", &[("Stalls", "2", 7)]).await;
        self.begin(&declined, "card").await;
        self.record(&declined, "card", PaymentOutcome::Declined).await;
        self.hold("ned", &[("Stalls", "2", 8), ("Box", "back", 2)]).await;
    }

    /// A waitlist with entries in every state, at a simulated event.
    async fn lear(&mut self) {
        self.event = EventId::of_slug("lear");
        let mut draft = hamlet::draft("lear", terms(4));
        draft.simulated = true;
        self.repository.add_event(&draft).await.unwrap();
        self.repository.mint(self.event, Arc::new(lear_layout()), &|_| {}).await.unwrap();
        let mut holds = Vec::new();
        for (who, seats) in [
            ("one", vec![("A", "1", 1), ("A", "1", 2)]),
            ("two", vec![("A", "1", 3)]),
            ("three", vec![("B", "1", 1), ("B", "1", 2)]),
            ("four", vec![("B", "2", 1), ("B", "2", 2)]),
        ] {
            holds.push(self.hold(who, &seats).await);
        }
        self.joins("large", None, 3).await;
        let (left, session) = self.joins("impatient", Some("A"), 1).await;
        self.joins("pays", Some("A"), 1).await;
        self.joins("silent", Some("B"), 2).await;
        self.joins("keeps", None, 1).await;
        self.joins("next", Some("B"), 2).await;
        self.joins("last", Some("A"), 1).await;
        self.pass(MOMENT);
        self.repository.leave_waitlist(left, &session).await.unwrap();
        self.abandon(&holds[0]).await;
        let offered = self.repository.waitlist(self.event).await.unwrap();
        let offer = offered.iter().find(|entry| entry.session_id.as_str() == "pays").unwrap();
        let hold = self.repository.hold(offer.hold_id.unwrap()).await.unwrap();
        self.pay(&hold).await;
        self.abandon(&holds[2]).await;
        // The offer lapses, and goes on to the next.
        self.pass(TIME_TO_PAY + MOMENT);
        self.repository.serve_waitlist(self.event).await.unwrap();
        self.joins("later", Some("B"), 4).await;
    }
}
