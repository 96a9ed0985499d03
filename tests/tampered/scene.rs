//! A sale with something of everything in it, and a hand that writes into its store.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use scylla::DeserializeRow;
use scylla::client::session::Session;
use scylla::client::session_builder::SessionBuilder;
use scylla::value::CqlTimeuuid;
use tix::audit::{self, Answer, AuditReport, History, Told};
use tix::clock::SystemClock;
use tix::domain::{
    BuyerId, ConfirmationNumber, EventId, Hold, HoldId, NewHold, Order, OrderId, PaymentReference,
    SaleTerms, SessionId, TicketId, Timestamp,
};
use tix::repository::{Access, PaymentOutcome, Repository, StoreUrl, open};
use uuid::Uuid;

use crate::{hamlet, node};

pub(crate) const TIME_TO_PAY: Duration = Duration::from_mins(10);
const PAYMENT_TIME: Duration = Duration::from_mins(5);
/// Where the log of who owns what is.
const LOG: &str = "order_queue_scylla_cdc_log";
/// Seats of the one row.
const SEATS: u32 = 12;
/// What every ticket costs, in cents.
const PRICE: i64 = 5_000;

/// A store, and a session of one's own in it.
pub(crate) struct Stage {
    pub(crate) url: StoreUrl,
    pub(crate) repository: Arc<dyn Repository>,
    session: Session,
}

/// A hold, in short.
pub(crate) struct Seats {
    pub(crate) hold_id: HoldId,
    pub(crate) session_id: SessionId,
    pub(crate) buyer_id: BuyerId,
    pub(crate) tickets: Vec<TicketId>,
    pub(crate) started_at: Timestamp,
    pub(crate) expires_at: Timestamp,
}

/// One event, twelve tickets: two are sold, two held, one is being paid for, one blocked, one was
/// refunded.
pub(crate) struct Scene<'s> {
    pub(crate) stage: &'s Stage,
    pub(crate) event: EventId,
    pub(crate) sold: Seats,
    pub(crate) order: Order,
    pub(crate) held: Seats,
    pub(crate) paying: Seats,
    pub(crate) given_up: Seats,
    pub(crate) blocked: Seats,
    pub(crate) free: Seats,
}

/// A row of the log, as far as it tells which one it is.
#[derive(Debug, DeserializeRow)]
pub(crate) struct Entry {
    #[scylla(rename = "cdc$stream_id")]
    stream: Vec<u8>,
    #[scylla(rename = "cdc$time")]
    time: CqlTimeuuid,
    #[scylla(rename = "cdc$batch_seq_no")]
    pub(crate) number: i32,
}

impl Stage {
    /// None where there is no ScyllaDB.
    pub(crate) async fn new(keyspace: &'static str) -> Option<Self> {
        let found = tokio::task::spawn_blocking(move || node::url(keyspace)).await.unwrap()?;
        let url: StoreUrl = found.parse().unwrap();
        let repository = open(&url, Access::Create, Arc::new(SystemClock)).await.unwrap();
        let address = found.trim_start_matches("scylla://").split('/').next().unwrap();
        let session = SessionBuilder::new().known_node(address).build().await.unwrap();
        session.use_keyspace(keyspace, false).await.unwrap();
        Some(Self { url, repository, session })
    }

    /// Empties the store.
    pub(crate) async fn start_over(&self) {
        for table in ["events", "venue_sections", "tickets", "order_queue", "holds", "orders"]
            .into_iter()
            .chain(["payment_references"])
        {
            self.session.query_unpaged(format!("TRUNCATE {table}"), ()).await.unwrap();
        }
        let log = "TRUNCATE order_queue_scylla_cdc_log";
        self.session.query_unpaged(log, ()).await.unwrap();
    }

    async fn hold(&self, event: EventId, who: &str, seats: &[u32]) -> Hold {
        let ticket = |seat: &u32| TicketId::of_seat(event, "A", "1", &seat.to_string());
        let hold = NewHold {
            hold_id: HoldId::fresh(),
            event_id: event,
            session_id: SessionId::new(who).unwrap(),
            buyer_id: BuyerId::fresh(),
            tickets: seats.iter().map(ticket).collect(),
        };
        self.repository.start_hold(&hold).await.unwrap()
    }

    async fn begin(&self, hold: &Hold) {
        let card = PaymentReference::new("card").unwrap();
        self.repository.begin_payment(hold.hold_id, &hold.session_id, &card).await.unwrap();
    }

    /// The payment is declined in time, and the hold goes on.
    async fn decline(&self, hold: &Hold) {
        self.begin(hold).await;
        let card = PaymentReference::new("card").unwrap();
        let declined = PaymentOutcome::Declined;
        self.repository.record_payment(hold.hold_id, &card, declined).await.unwrap();
    }

    async fn pay(&self, hold: &Hold) -> Order {
        self.begin(hold).await;
        let card = PaymentReference::new("card").unwrap();
        let captured = PaymentOutcome::Captured;
        self.repository.record_payment(hold.hold_id, &card, captured).await.unwrap()
    }

    /// Sells tickets of an event that nobody else uses.
    pub(crate) async fn play(&self) -> Scene<'_> {
        let terms = SaleTerms { limit: 10, time_to_pay: TIME_TO_PAY, payment_time: PAYMENT_TIME };
        let slug = Uuid::new_v4().simple().to_string();
        let event = self.repository.add_event(&hamlet::draft(&slug, terms)).await.unwrap().event_id;
        let layout = hamlet::layout([("A", 1, SEATS, PRICE)]);
        self.repository.mint(event, Arc::new(layout), &|_| {}).await.unwrap();
        let sold = self.hold(event, "ann", &[1, 2]).await;
        let order = self.pay(&sold).await;
        let held = self.hold(event, "bob", &[3, 4]).await;
        self.decline(&held).await;
        let paying = self.hold(event, "carl", &[5]).await;
        self.begin(&paying).await;
        let refunded = self.hold(event, "dora", &[6]).await;
        let refunded = self.pay(&refunded).await.order_id;
        self.repository.begin_refund(refunded).await.unwrap();
        self.repository.finish_refund(refunded).await.unwrap();
        let blocked = TicketId::of_seat(event, "A", "1", "7");
        self.repository.block(event, &[blocked], "broken seat").await.unwrap();
        let given_up = self.hold(event, "eve", &[8]).await;
        let session = &given_up.session_id;
        self.repository.abandon(given_up.hold_id, session).await.unwrap();
        let nobodys = |ticket| Seats {
            hold_id: HoldId::fresh(),
            session_id: SessionId::new("hand").unwrap(),
            buyer_id: BuyerId::fresh(),
            tickets: vec![ticket],
            started_at: held.started_at,
            expires_at: held.expires_at,
        };
        let blocked = nobodys(blocked);
        let free = nobodys(TicketId::of_seat(event, "A", "1", "9"));
        let (sold, held, paying) = (sold.into(), held.into(), paying.into());
        let given_up = given_up.into();
        Scene { stage: self, event, sold, order, held, paying, given_up, blocked, free }
    }
}

impl From<Hold> for Seats {
    fn from(hold: Hold) -> Self {
        Self {
            hold_id: hold.hold_id,
            session_id: hold.session_id,
            buyer_id: hold.buyer_id,
            tickets: hold.tickets.iter().map(|ticket| ticket.ticket_id).collect(),
            started_at: hold.started_at,
            expires_at: hold.expires_at,
        }
    }
}

impl Scene<'_> {
    /// Runs a statement of one's own.
    pub(crate) async fn run(&self, cql: &str) {
        self.stage.session.query_unpaged(cql, ()).await.unwrap_or_else(|e| panic!("{cql}: {e}"));
    }

    pub(crate) async fn audit(&self) -> AuditReport {
        audit::run(&self.stage.url, Some(self.event), Arc::default()).await.unwrap()
    }

    pub(crate) async fn audit_of_all(&self) -> AuditReport {
        audit::run(&self.stage.url, None, Arc::default()).await.unwrap()
    }

    /// The rules that are broken.
    pub(crate) async fn broken(&self, told: &[Told]) -> BTreeSet<&'static str> {
        let history = History::default();
        for told in told {
            history.record(told).unwrap();
        }
        let report =
            audit::run(&self.stage.url, Some(self.event), Arc::new(history)).await.unwrap();
        report.violations.iter().map(|violation| violation.rule).collect()
    }

    /// One ticket more is held, and one comes free.
    pub(crate) async fn go_on(&self) {
        self.stage.hold(self.event, "fay", &[10, 11]).await;
        self.stage.repository.begin_refund(self.order.order_id).await.unwrap();
    }

    pub(crate) fn told(&self, seats: &Seats, answer: Answer) -> Told {
        Told {
            sent_at: seats.started_at,
            told_at: seats.started_at,
            event_id: self.event,
            hold_id: seats.hold_id,
            buyer_id: seats.buyer_id,
            tickets: seats.tickets.clone(),
            answer,
        }
    }

    /// The key of a ticket's row.
    pub(crate) fn key_of(&self, seats: &Seats, ticket: usize) -> String {
        format!("event_id = {} AND ticket_id = {}", self.event, seats.tickets[ticket])
    }

    /// Logs once more that a ticket was blocked, as of the same time.
    pub(crate) async fn repeat_block(&self) {
        let (event, ticket) = (self.event, self.blocked.tickets[0]);
        for entry in self.entries(&self.blocked).await {
            let time = uuid::Uuid::from_u128(entry.time.as_ref().as_u128() ^ 1);
            let insert = format!(
                "INSERT INTO {LOG} (\"cdc$stream_id\", \"cdc$time\", \"cdc$batch_seq_no\", \
                 \"cdc$operation\", \"cdc$end_of_batch\", event_id, ticket_id, status) \
                 VALUES (?, {time}, 0, 2, true, {event}, {ticket}, 'blocked')"
            );
            self.stage.session.query_unpaged(insert, (entry.stream,)).await.unwrap();
        }
        assert_eq!(self.entries(&self.blocked).await.len(), 2);
    }

    async fn entries(&self, seats: &Seats) -> Vec<Entry> {
        let key = self.key_of(seats, 0);
        let read = format!(
            "SELECT \"cdc$stream_id\", \"cdc$time\", \"cdc$batch_seq_no\" FROM {LOG} \
             WHERE {key} ALLOW FILTERING"
        );
        let rows = self.stage.session.query_unpaged(read, ()).await.unwrap();
        let rows = rows.into_rows_result().unwrap();
        rows.rows().unwrap().map(Result::unwrap).collect()
    }

    /// Takes those rows of the log away that tell of a ticket and are chosen.
    pub(crate) async fn forget_entries(&self, seats: &Seats, chosen: fn(&Entry) -> bool) {
        let (log, session) = (LOG, &self.stage.session);
        let entries = self.entries(seats).await;
        let mut forgotten = 0;
        for entry in entries.into_iter().filter(chosen) {
            let delete = format!(
                "DELETE FROM {log} WHERE \"cdc$stream_id\" = ? AND \"cdc$time\" = ? \
                 AND \"cdc$batch_seq_no\" = ?"
            );
            let key = (entry.stream, entry.time, entry.number);
            session.query_unpaged(delete, key).await.unwrap();
            forgotten += 1;
        }
        assert!(forgotten > 0, "nothing was forgotten");
    }

    /// Somebody who wants a ticket of theirs.
    pub(crate) fn stranger(&self, seats: &Seats, ticket: usize, from: Timestamp) -> Hand {
        Hand {
            event: self.event,
            ticket: seats.tickets[ticket],
            hold: HoldId::fresh(),
            session: "hand".into(),
            buyer: BuyerId::fresh(),
            from: from.as_millis(),
            until: from.plus(TIME_TO_PAY).as_millis(),
            reference: "card".into(),
        }
    }

    /// The hold itself.
    pub(crate) fn as_held(&self, seats: &Seats, ticket: usize) -> Hand {
        let (hold, buyer, session) = (seats.hold_id, seats.buyer_id, seats.session_id.to_string());
        Hand { hold, session, buyer, ..self.stranger(seats, ticket, seats.started_at) }
    }
}

/// Rows as somebody writes them by hand, of one hold with one ticket.
pub(crate) struct Hand {
    pub(crate) event: EventId,
    pub(crate) ticket: TicketId,
    pub(crate) hold: HoldId,
    pub(crate) session: String,
    pub(crate) buyer: BuyerId,
    pub(crate) from: i64,
    pub(crate) until: i64,
    pub(crate) reference: String,
}

impl Hand {
    pub(crate) fn order_id(&self) -> OrderId {
        OrderId::of_payment(self.hold, &PaymentReference::new(&self.reference).unwrap())
    }

    pub(crate) fn key(&self) -> String {
        format!("event_id = {} AND ticket_id = {}", self.event, self.ticket)
    }

    fn ticket_copy(&self) -> String {
        let ticket = self.ticket;
        let is_seat =
            |seat: &u32| TicketId::of_seat(self.event, "A", "1", &seat.to_string()) == ticket;
        let seat = (1..=SEATS).find(is_seat).unwrap();
        let place = seat - 1;
        format!(
            "{{ticket_id: {ticket}, section_id: 0, place: {place}, section: 'A', row_name: '1', \
             seat_name: '{seat}', type_id: 'regular', price: 50.00}}"
        )
    }

    pub(crate) fn hold_row(&self) -> String {
        let Self { event, hold, session, buyer, from, until, .. } = self;
        let tickets = self.ticket_copy();
        format!(
            "INSERT INTO holds (hold_id, event_id, session_id, buyer_id, tickets, started_at, \
             expires_at) VALUES ({hold}, {event}, '{session}', {buyer}, [{tickets}], {from}, {until})"
        )
    }

    pub(crate) fn order_row(&self) -> String {
        let Self { event, hold, session, buyer, from, reference, .. } = self;
        let (order, tickets) = (self.order_id(), self.ticket_copy());
        let number = ConfirmationNumber::of_order(order);
        format!(
            "INSERT INTO orders (order_id, confirmation_number, hold_id, event_id, session_id, buyer_id, \
             payment_reference, status, amount, tickets, decided_at, updated_at) VALUES ({order}, \
             '{number}', {hold}, {event}, '{session}', {buyer}, '{reference}', 'paid', 50.00, [{tickets}], \
             {from}, {from})"
        )
    }

    pub(crate) fn queue_row(&self, status: &str, order: Option<OrderId>) -> String {
        let Self { event, ticket, hold, session, buyer, from, until, .. } = self;
        let order = order.map_or_else(|| "null".to_owned(), |order| order.to_string());
        let deadline = if status == "paying" { until.to_string() } else { "null".to_owned() };
        format!(
            "INSERT INTO order_queue (event_id, ticket_id, hold_id, order_id, session_id, \
             buyer_id, status, started_at, expires_at, payment_deadline) VALUES ({event}, \
             {ticket}, {hold}, {order}, '{session}', {buyer}, '{status}', {from}, {until}, {deadline})"
        )
    }
}
