//! `tix event delete`, killed between any two of its writes.

use std::collections::HashSet;
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::future::join_all;
use scylla::client::session::Session;
use scylla::client::session_builder::SessionBuilder;
use tix::domain::{
    BuyerId, EntryId, EventDraft, EventId, Hold, HoldId, NewEntry, NewHold, Order,
    PaymentReference, SaleTerms, SeatLabel, SessionId, Wish,
};
use tix::payment::simulated::ProviderSettings;
use tix::payment::{self, SimulatedProvider};
use tix::repository::{Access, DELETION_LAG_MAX, Repository, TicketFilter};
use tokio::sync::Semaphore;
use tokio::time::sleep;
use uuid::Uuid;

use crate::hamlet;
use crate::proxy::{Counts, Fault, Proxy};
use crate::stage::{address, connect};
use crate::story::code;

/// More writes than a deletion has.
const WRITES_MAX: u32 = 80;
/// Processes at the same time; each waits most of its life.
const PROCESSES: usize = 16;
/// How long a killed deletion stops a sale at most, as `docs/protocol.md` says.
const ASKED_MAX: Duration = Duration::from_mins(1);
/// Whatever a busy machine adds to that.
const SLACK: Duration = Duration::from_secs(15);

/// Tables with rows of an event, and one that follows from them.
const TABLES: [&str; 13] = [
    "events",
    "venue_sections",
    "tickets",
    "order_queue",
    "holds",
    "holds_by_event",
    "orders",
    "orders_by_event",
    "limits",
    "waitlist",
    "waitlist_entries",
    "waitlist_counts",
    "available_tickets",
];

/// A store of the test's own.
struct Shop {
    node: std::net::SocketAddr,
    keyspace: &'static str,
    session: Session,
    store: Arc<dyn Repository>,
}

/// An event, and what was sold of it.
struct Sold {
    event: EventId,
    slug: String,
    ann: BuyerId,
    order: Order,
    hold: Hold,
}

impl Shop {
    async fn new(keyspace: &'static str) -> Option<Self> {
        let node = address().await?;
        let url = format!("scylla://{node}/{keyspace}");
        let store = connect(&url, Access::Create).await;
        let session = SessionBuilder::new().known_node_addr(node).build().await.unwrap();
        session.use_keyspace(keyspace, false).await.unwrap();
        Some(Self { node, keyspace, session, store })
    }

    fn url(&self, node: std::net::SocketAddr) -> String {
        format!("scylla://{node}/{}", self.keyspace)
    }

    fn tix(&self, arguments: &[&str]) -> Child {
        self.tix_through(self.node, arguments)
    }

    fn tix_through(&self, node: std::net::SocketAddr, arguments: &[&str]) -> Child {
        Command::new(env!("CARGO_BIN_EXE_tix"))
            .args(["--color", "never", "--store", &self.url(node)])
            .args(arguments)
            .env_remove("TIX_STORE")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    }

    /// Deletes an event, where another deletion may be about to end by itself.
    async fn delete(&self, slug: &str) -> Output {
        let begun = Instant::now();
        loop {
            let output = end(self.tix(&["event", "delete", slug])).await;
            if !errors(&output).contains("error: busy: ") {
                return output;
            }
            assert!(begun.elapsed() < ASKED_MAX + SLACK, "{slug}: {}", errors(&output));
            sleep(Duration::from_secs(1)).await;
        }
    }

    /// An event of nothing but six seats.
    async fn event(&self, simulated: bool) -> (EventId, String) {
        let terms = SaleTerms {
            limit: 10,
            time_to_pay: Duration::from_mins(10),
            payment_time: Duration::from_mins(2),
        };
        let slug = format!("deleted-{}", Uuid::new_v4().simple());
        let draft = EventDraft { simulated, ..hamlet::draft(&slug, terms) };
        let event = self.store.add_event(&draft).await.unwrap().event_id;
        let layout = hamlet::layout([("A", 2, 3, 8_000)]);
        self.store.mint(event, Arc::new(layout), &|_| {}).await.unwrap();
        (event, slug)
    }

    async fn claim(&self, event: EventId, seats: &[&str]) -> NewHold {
        let seats: Vec<SeatLabel> = seats.iter().map(|seat| seat.parse().unwrap()).collect();
        let session_id = SessionId::new(&Uuid::new_v4().simple().to_string()).unwrap();
        NewHold {
            hold_id: HoldId::fresh(),
            event_id: event,
            buyer_id: BuyerId::of_session(&session_id),
            session_id,
            tickets: self.store.find_seats(event, &seats).await.unwrap(),
        }
    }

    /// An event with a row in every table.
    async fn sold(&self, simulated: bool) -> Sold {
        let store = &*self.store;
        let (event, slug) = self.event(simulated).await;
        let ann = self.claim(event, &["A/1/1", "A/1/2"]).await;
        store.start_hold(&ann).await.unwrap();
        let provider = SimulatedProvider::new(ProviderSettings::default());
        let card = PaymentReference::new("card").unwrap();
        let order = payment::confirm(store, &provider, ann.hold_id, &ann.session_id, &card);
        let order = order.await.unwrap();
        let bob = self.claim(event, &["A/1/3"]).await;
        let hold = store.start_hold(&bob).await.unwrap();
        let blocked = self.claim(event, &["A/2/1"]).await.tickets;
        store.block(event, &blocked, "broken").await.unwrap();
        let entry = NewEntry {
            entry_id: EntryId::fresh(),
            event_id: event,
            session_id: bob.session_id,
            buyer_id: bob.buyer_id,
            wish: Wish { section: Some("A".into()), ticket_type: None, size: 3 },
        };
        store.join_waitlist(&entry).await.unwrap();
        Sold { event, slug, ann: ann.buyer_id, order, hold }
    }

    async fn count(&self, cql: &str, key: impl scylla::serialize::row::SerializeRow) -> i64 {
        let rows = self.session.query_unpaged(cql, key).await.unwrap().into_rows_result().unwrap();
        rows.single_row::<(i64,)>().unwrap().0
    }

    /// The tables that have rows of an event.
    async fn left(&self, sold: &Sold) -> HashSet<&'static str> {
        let mut left = HashSet::new();
        for table in TABLES {
            let cql = format!("SELECT count(*) FROM {table} WHERE event_id = ? ALLOW FILTERING");
            if self.count(&cql, (*sold.event.as_uuid(),)).await > 0 {
                left.insert(table);
            }
        }
        let cql = "SELECT count(*) FROM payment_references WHERE buyer_id = ? ALLOW FILTERING";
        if self.count(cql, (*sold.ann.as_uuid(),)).await > 0 {
            left.insert("payment_references");
        }
        let cql =
            "SELECT count(*) FROM orders_by_confirmation_number WHERE confirmation_number = ?";
        if self.count(cql, (sold.order.confirmation_number.to_string(),)).await > 0 {
            left.insert("orders_by_confirmation_number");
        }
        left
    }

    /// The state of an event's deletion.
    async fn state(&self, event: EventId) -> Option<String> {
        let cql = "SELECT state FROM deleted_events WHERE event_id = ?";
        let rows = self.session.query_unpaged(cql, (*event.as_uuid(),)).await.unwrap();
        let row = rows.into_rows_result().unwrap().maybe_first_row::<(Option<String>,)>().unwrap();
        row.and_then(|(state,)| state)
    }

    /// Waits until a deletion has marked an event as asked for.
    async fn until_asked(&self, event: EventId, deletion: &mut Child) {
        while self.state(event).await.as_deref() != Some("asked") {
            assert!(deletion.try_wait().unwrap().is_none(), "it ended before it asked");
            sleep(Duration::from_millis(5)).await;
        }
    }

    async fn passes_its_audit(&self) {
        let output = end(self.tix(&["audit"])).await;
        assert!(output.status.success(), "{output:?}");
    }

    /// Everything that can be read of an event.
    async fn reading(&self, sold: &Sold) -> String {
        let (store, event) = (&*self.store, sold.event);
        let tickets = store.tickets(event, &TicketFilter::default()).await.unwrap();
        let orders = store.orders(event).await.unwrap();
        let line = store.waitlist(event).await.unwrap();
        let hold = store.hold(sold.hold.hold_id).await.unwrap();
        let event = store.event(event).await.unwrap();
        format!("{event:?}\n{tickets:?}\n{orders:?}\n{line:?}\n{hold:?}")
    }

    /// Kills the deletion of an event before this write. None where it was through before.
    async fn killed_before(&self, sold: &Sold, write: u32) -> Option<String> {
        let proxy = Proxy::to(self.node).await;
        proxy.strike(Fault::DiesBefore, Counts::Writes, write, 1);
        let mut deletion = self.tix_through(proxy.address, &["event", "delete", &sold.slug]);
        loop {
            tokio::select! {
                () = proxy.death() => {
                    deletion.kill().unwrap();
                    deletion.wait().unwrap();
                    return proxy.struck();
                }
                () = sleep(Duration::from_millis(20)) => {}
            }
            if deletion.try_wait().unwrap().is_some() {
                let output = deletion.wait_with_output().unwrap();
                assert!(output.status.success(), "{output:?}");
                return None;
            }
        }
    }
}

async fn end(mut child: Child) -> Output {
    while child.try_wait().unwrap().is_none() {
        sleep(Duration::from_millis(20)).await;
    }
    child.wait_with_output().unwrap()
}

fn errors(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// The table that a statement writes to.
fn table(statement: &str) -> String {
    let words: Vec<&str> = statement.split_whitespace().collect();
    let at = words.iter().position(|word| matches!(*word, "FROM" | "INTO" | "UPDATE")).unwrap();
    words[at + 1].to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn deletion_killed_before_any_write_is_completed_by_the_next() {
    let Some(shop) = Shop::new("tix_deletions").await else { return };
    let other = shop.sold(true).await;
    let before = shop.reading(&other).await;
    let processes = Semaphore::new(PROCESSES);
    let killed = (1..=WRITES_MAX).map(async |write| {
        let _permit = processes.acquire().await.unwrap();
        let sold = shop.sold(true).await;
        (shop.killed_before(&sold, write).await, sold)
    });
    let killed = join_all(killed).await;
    let through = killed.iter().filter(|(statement, _)| statement.is_none()).count();
    assert!(through > 0, "a deletion has more than {WRITES_MAX} writes");
    let struck: HashSet<String> =
        killed.iter().filter_map(|(statement, _)| statement.as_deref().map(table)).collect();
    let lists = ["payment_references", "orders_by_confirmation_number", "deleted_events"];
    for wanted in TABLES.iter().chain(&lists).filter(|table| **table != "available_tickets") {
        assert!(struck.contains(*wanted), "no kill before a write to {wanted}: {struck:?}");
    }
    shop.passes_its_audit().await;
    let listed = end(shop.tix(&["event", "list", "--simulated", "-o", "json"])).await;
    let listed = String::from_utf8(listed.stdout).unwrap();

    let completed = killed.iter().map(async |(statement, sold)| {
        let _permit = processes.acquire().await.unwrap();
        let at = statement.as_deref().unwrap_or("the end");
        let state = shop.state(sold.event).await;
        let is_deleted = matches!(state.as_deref(), Some("deleted" | "cleared"));
        let shown = end(shop.tix(&["event", "show", &sold.slug])).await;
        let is_unknown = errors(&shown).contains("error: unknown_event: ");
        assert_eq!(is_unknown, is_deleted, "before {at}: {shown:?}");
        assert_eq!(listed.contains(&sold.slug), !is_deleted, "before {at}");
        let again = shop.delete(&sold.slug).await;
        if statement.is_some() {
            assert!(again.status.success(), "before {at}: {}", errors(&again));
        } else {
            assert!(errors(&again).contains("error: unknown_event: "), "{}", errors(&again));
        }
        assert_eq!(shop.left(sold).await, HashSet::new(), "before {at}");
        assert_eq!(shop.state(sold.event).await.as_deref(), Some("cleared"));
    });
    join_all(completed).await;
    assert_eq!(shop.reading(&other).await, before);
    shop.passes_its_audit().await;
    shop.store.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sale_goes_on_after_a_deletion_killed_while_asked() {
    let Some(shop) = Shop::new("tix_asked").await else { return };
    let (event, slug) = shop.event(false).await;
    let claim = shop.claim(event, &["A/1/1"]).await;
    let mut deletion = shop.tix(&["event", "delete", &slug, "--yes"]);
    shop.until_asked(event, &mut deletion).await;
    let asked = Instant::now();
    deletion.kill().unwrap();
    deletion.wait().unwrap();
    // By then every process has read the mark.
    sleep(DELETION_LAG_MAX).await;
    assert_eq!(code(shop.store.start_hold(&claim).await.map(drop)), "busy");
    while let Err(refused) = shop.store.start_hold(&claim).await {
        assert_eq!(code::<()>(Err(refused)), "busy");
        assert!(asked.elapsed() < ASKED_MAX + SLACK, "nothing is sold any more");
        sleep(Duration::from_millis(500)).await;
    }
    let again = end(shop.tix(&["event", "delete", &slug, "--yes"])).await;
    assert!(errors(&again).contains("error: has_history: "), "{again:?}");
    shop.passes_its_audit().await;
    shop.store.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sale_goes_on_after_a_deletion_is_refused_late() {
    let Some(shop) = Shop::new("tix_refused").await else { return };
    let (event, slug) = shop.event(false).await;
    let [first, second] = [["A/1/1"], ["A/1/2"]];
    let (first, second) = (shop.claim(event, &first).await, shop.claim(event, &second).await);
    let mut deletion = shop.tix(&["event", "delete", &slug, "--yes"]);
    // This process has the event in memory as it is before the deletion is asked for.
    let warm = async {
        loop {
            shop.store.section_map(event, "A").await.unwrap();
            sleep(DELETION_LAG_MAX / 8).await;
        }
    };
    tokio::select! {
        () = shop.until_asked(event, &mut deletion) => {}
        () = warm => {}
    }
    shop.store.start_hold(&first).await.unwrap();
    let output = end(deletion).await;
    assert!(errors(&output).contains("error: has_history: "), "{output:?}");
    assert_eq!(shop.state(event).await, None, "the mark is taken back");
    let other = connect(&shop.url(shop.node), Access::Existing).await;
    other.start_hold(&second).await.unwrap();
    other.close().await;
    shop.passes_its_audit().await;
    shop.store.close().await;
}
