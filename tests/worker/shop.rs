//! A small sale with short times, on any engine.

use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;
use tix::audit;
use tix::clock::SystemClock;
use tix::domain::{
    BuyerId, EventId, Hold, HoldId, NewHold, PaymentReference, SaleTerms, SessionId, TicketId,
    TicketStatus,
};
use tix::repository::{Access, Repository, StoreUrl, TicketFilter, open};
use tix::worker::{Deed, Worker};
use uuid::Uuid;

use crate::hamlet;

/// How long holds and payments last here.
pub(crate) const TIME: Duration = Duration::from_secs(1);

/// How long a worker may take for what is due.
const PATIENCE: Duration = Duration::from_secs(20);

/// An event of its own in a store that others may use.
pub(crate) struct Shop {
    pub(crate) url: StoreUrl,
    pub(crate) repository: Arc<dyn Repository>,
    pub(crate) event: EventId,
    _folder: Option<TempDir>,
}

impl Shop {
    pub(crate) async fn on_sqlite() -> Self {
        let folder = TempDir::new().unwrap();
        let url = format!("sqlite:{}", folder.path().join("tix.db").display());
        Self { _folder: Some(folder), ..Self::at(&url).await }
    }

    pub(crate) async fn at(url: &str) -> Self {
        let url: StoreUrl = url.parse().unwrap();
        let repository = open(&url, Access::Create, Arc::new(SystemClock)).await.unwrap();
        let terms = SaleTerms { limit: 10, time_to_pay: TIME, payment_time: TIME };
        let slug = Uuid::new_v4().simple().to_string();
        let event = repository.add_event(&hamlet::draft(&slug, terms)).await.unwrap().event_id;
        let layout = hamlet::layout([("A", 1, 6, 5_000)]);
        repository.mint(event, Arc::new(layout), &|_| {}).await.unwrap();
        Self { url, repository, event, _folder: None }
    }

    pub(crate) async fn hold(&self, who: &str, seats: &[u32]) -> Hold {
        let ticket = |seat: &u32| TicketId::of_seat(self.event, "A", "1", &seat.to_string());
        let hold = NewHold {
            hold_id: HoldId::fresh(),
            event_id: self.event,
            session_id: SessionId::new(who).unwrap(),
            buyer_id: BuyerId::fresh(),
            tickets: seats.iter().map(ticket).collect(),
        };
        self.repository.start_hold(&hold).await.unwrap()
    }

    /// Begins to pay, and never comes back.
    pub(crate) async fn begin(&self, hold: &Hold) {
        let card = PaymentReference::new(&format!("card of {}", hold.hold_id)).unwrap();
        self.repository.begin_payment(hold.hold_id, &hold.session_id, &card).await.unwrap();
    }

    /// How many tickets are shown in this condition.
    pub(crate) async fn shown(&self, status: TicketStatus) -> usize {
        let filter = TicketFilter { status: Some(status), ..TicketFilter::default() };
        self.repository.tickets(self.event, &filter).await.unwrap().len()
    }

    /// Nothing is broken, nothing is left to be done.
    pub(crate) async fn is_in_order(&self) {
        let report = audit::run(&self.url, Some(self.event), Arc::default()).await.unwrap();
        assert_eq!((report.violations, report.unfinished), (vec![], 0));
        let repaired = self.repository.repair(self.event).await.unwrap();
        assert!(repaired.is_nothing(), "{repaired:?}");
    }

    /// What a worker did about this event, until it has done what is `wanted`.
    pub(crate) async fn until(
        &self,
        worker: &mut Worker,
        wanted: impl Fn(&[Deed]) -> bool,
    ) -> Vec<Deed> {
        let mut deeds = Vec::new();
        let work = async {
            while !wanted(&deeds) {
                let round = worker.next().await.unwrap();
                let of_event = |deed: &Deed| deed.event_id == self.event;
                deeds.extend(round.deeds.into_iter().filter(of_event));
            }
        };
        let done = tokio::time::timeout(PATIENCE, work).await;
        assert!(done.is_ok(), "the worker only did {deeds:?}");
        deeds
    }
}
