//! A sale on a live node, reached directly and through a line that can fail, and what must be true
//! of it whatever has failed.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use scylla::client::session::Session;
use scylla::client::session_builder::SessionBuilder;
use tix::clock::{Clock, SystemClock};
use tix::domain::{
    BuyerId, EventId, HoldId, NewHold, Order, OrderStatus, PaymentReference, SaleTerms, SeatLabel,
    SessionId, TicketId, TicketStatus,
};
use tix::payment::simulated::ProviderSettings;
use tix::payment::{self, SimulatedProvider};
use tix::repository::{Access, Repository, Result, StoreUrl, TicketFilter, open};
use tokio::sync::OnceCell;
use uuid::Uuid;

use crate::proxy::Proxy;
use crate::store::Store;
use crate::{hamlet, node};

const KEYSPACE: &str = "tix_faults";

/// Rows of the one section; each has seats for three parties of three.
const ROWS: u32 = 100;
const SEATS: u32 = 9;

/// A sale.
pub(crate) struct Stage {
    node: SocketAddr,
    /// For queries of the test's own.
    session: Session,
    /// A line to the store that never fails.
    pub(crate) direct: Arc<dyn Repository>,
    pub(crate) event: EventId,
    parties: AtomicU32,
}

/// Somebody who wants some seats side by side.
#[derive(Debug, Clone)]
pub(crate) struct Party {
    pub(crate) claim: NewHold,
    pub(crate) card: PaymentReference,
}

impl Party {
    pub(crate) fn hold(&self) -> HoldId {
        self.claim.hold_id
    }

    pub(crate) fn session(&self) -> &SessionId {
        &self.claim.session_id
    }

    /// The same seats, for somebody who has just come.
    pub(crate) fn somebody_else(&self) -> Self {
        let fresh = Uuid::new_v4().simple().to_string();
        let session_id = SessionId::new(&fresh).unwrap();
        let claim = NewHold {
            hold_id: HoldId::fresh(),
            event_id: self.claim.event_id,
            buyer_id: BuyerId::of_session(&session_id),
            session_id,
            tickets: self.claim.tickets.clone(),
        };
        Self { claim, card: PaymentReference::new(&fresh).unwrap() }
    }
}

/// The address of the live node; none where there is no ScyllaDB on this machine.
pub(crate) async fn address() -> Option<SocketAddr> {
    let url = tokio::task::spawn_blocking(|| node::url(KEYSPACE)).await.unwrap()?;
    let name = url.trim_start_matches("scylla://").split('/').next().unwrap();
    let address = tokio::net::lookup_host(name).await.unwrap().next().unwrap();
    let session = SessionBuilder::new().known_node_addr(address).build().await.unwrap();
    let cql = "SELECT rpc_address FROM system.local";
    let row = session.query_unpaged(cql, ()).await.unwrap().into_rows_result().unwrap();
    let (own,) = row.first_row::<(std::net::IpAddr,)>().unwrap();
    let is_here = own == address.ip() && std::net::TcpListener::bind((own, 0)).is_ok();
    if !is_here {
        eprintln!("no fault can be put before {address}, which is another machine: skipped");
    }
    is_here.then_some(address)
}

impl Stage {
    /// A sale with these times; none where there is no ScyllaDB.
    pub(crate) async fn with(time_to_pay: Duration, payment_time: Duration) -> Option<Self> {
        static MADE: OnceCell<()> = OnceCell::const_new();
        let node = address().await?;
        let url = |address: &SocketAddr| format!("scylla://{address}/{KEYSPACE}");
        MADE.get_or_init(|| async { connect(&url(&node), Access::Create).await.close().await })
            .await;
        let direct = connect(&url(&node), Access::Existing).await;
        let terms = SaleTerms { limit: 10, time_to_pay, payment_time };
        let slug = format!("faults-{}", Uuid::new_v4().simple());
        let event = direct.add_event(&hamlet::draft(&slug, terms)).await.unwrap().event_id;
        let layout = hamlet::layout([("A", ROWS, SEATS, 8_000)]);
        direct.mint(event, Arc::new(layout), &|_| {}).await.unwrap();
        let session = SessionBuilder::new().known_node_addr(node).build().await.unwrap();
        session.use_keyspace(KEYSPACE, false).await.unwrap();
        Some(Self { node, session, direct, event, parties: AtomicU32::new(0) })
    }

    /// A line to the store that can fail.
    pub(crate) async fn line(&self) -> (Proxy, Arc<dyn Repository>) {
        let proxy = Proxy::to(self.node).await;
        let url = format!("scylla://{}/{KEYSPACE}", proxy.address);
        (proxy, connect(&url, Access::Existing).await)
    }

    /// Somebody who wants so many seats that nobody else wants.
    pub(crate) async fn party(&self, of: u32) -> Party {
        let party = self.parties.fetch_add(1, Ordering::Relaxed);
        let (row, first) = (party / 3 + 1, party % 3 * 3 + 1);
        assert!(of <= 3 && row <= ROWS, "the venue is too small for this story");
        let seats = (first..first + of).map(|seat| format!("A/{row}/{seat}").parse().unwrap());
        let seats: Vec<SeatLabel> = seats.collect();
        let tickets = self.direct.find_seats(self.event, &seats).await.unwrap();
        let fresh = Uuid::new_v4().simple().to_string();
        let session_id = SessionId::new(&fresh).unwrap();
        let claim = NewHold {
            hold_id: HoldId::fresh(),
            event_id: self.event,
            buyer_id: BuyerId::of_session(&session_id),
            session_id,
            tickets,
        };
        Party { claim, card: PaymentReference::new(&fresh).unwrap() }
    }

    pub(crate) async fn confirm(
        &self,
        through: &dyn Repository,
        provider: &SimulatedProvider,
        party: &Party,
    ) -> Result<Order> {
        payment::confirm(through, provider, party.hold(), party.session(), &party.card).await
    }

    /// Whether these tickets are all the hold's; a hold that has some of them only fails the story.
    pub(crate) async fn has_all(&self, party: &Party) -> bool {
        let cql = "SELECT hold_id FROM order_queue WHERE event_id = ? AND ticket_id = ?";
        let mut own = 0;
        for ticket in &party.claim.tickets {
            let key = (*self.event.as_uuid(), *ticket.as_uuid());
            let rows = self.session.query_unpaged(cql, key).await.unwrap();
            let row = rows.into_rows_result().unwrap().maybe_first_row::<(Option<Uuid>,)>();
            let hold = row.unwrap().and_then(|(hold,)| hold);
            own += usize::from(hold == Some(*party.hold().as_uuid()));
        }
        match own {
            0 => false,
            all if all == party.claim.tickets.len() => true,
            some => panic!("{} has {some} of {}", party.hold(), party.claim.tickets.len()),
        }
    }

    /// Whether the map shows the party's seats like this.
    pub(crate) async fn shows(&self, party: &Party, status: TicketStatus) -> bool {
        let tickets = self.direct.tickets(self.event, &TicketFilter::default()).await.unwrap();
        let wanted = |id: &TicketId| party.claim.tickets.contains(id);
        tickets.iter().filter(|t| wanted(&t.ticket.ticket_id)).all(|t| t.status == status)
    }

    /// Holds everything that is stored against the rules, when all deadlines have passed and whoever
    /// wanted to has recovered: see [`Store::check`].
    pub(crate) async fn check(&self) -> Vec<String> {
        Store::read(&self.session, self.event).await.check(self.direct.now())
    }

    /// Tickets that somebody owns, and that are not counted for him; at no time may there be one.
    pub(crate) async fn uncounted(&self) -> Vec<String> {
        Store::read(&self.session, self.event).await.uncounted(self.direct.now())
    }

    /// As [`Self::uncounted`], for the seats of one party, while others are active.
    pub(crate) async fn uncounted_of(&self, party: &Party) -> Vec<String> {
        let mut store = Store::read(&self.session, self.event).await;
        store.queue.retain(|ticket, _| party.claim.tickets.contains(ticket));
        store.uncounted(self.direct.now())
    }

    /// The audit must pass.
    pub(crate) async fn audit_passes(&self, at: &str) {
        let url = format!("scylla://{}/{KEYSPACE}", self.node).parse().unwrap();
        let (event, here) = (self.event, tokio::runtime::Handle::current());
        let audit = move || here.block_on(tix::audit::run(&url, Some(event), Arc::default()));
        let report = tokio::task::spawn_blocking(audit).await.unwrap().unwrap();
        assert!(report.passed, "{at}: {:#?}", report.violations);
    }

    /// Gives every paid order back; then nothing may be left.
    pub(crate) async fn refund_all(&self) {
        let provider = SimulatedProvider::new(ProviderSettings::default());
        for order in self.direct.orders(self.event).await.unwrap() {
            if matches!(order.status, OrderStatus::Paid | OrderStatus::Refunding) {
                payment::cancel(&*self.direct, &provider, order.order_id).await.unwrap();
            }
        }
    }

    /// How many entries count towards anybody's limit.
    pub(crate) async fn counted(&self) -> usize {
        let store = Store::read(&self.session, self.event).await;
        store.limits.iter().filter(|entry| entry.counts(self.direct.now())).count()
    }
}

pub(crate) async fn connect(url: &str, access: Access) -> Arc<dyn Repository> {
    let url: StoreUrl = url.parse().unwrap();
    open(&url, access, Arc::new(SystemClock) as Arc<dyn Clock>).await.unwrap()
}
