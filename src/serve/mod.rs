//! The sale over HTTP: the same repository for people with a browser and for programs.
//!
//! Requests go through `router`, which bounds and measures them, to a handler in `routes`; whatever
//! is to be changed goes to the repository, which alone decides. What is only read is answered by
//! `live`, the seat maps in memory that the change log keeps up to date. `connections` sees to it that
//! slow clients take nothing from the others. `docs/http.md` tells it to those who use it.

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use self::connections::Bounds;
use self::house::House;
use self::limits::RateLimit;
use self::live::{SharedFeed, Sharing};
use crate::repository::{Error, LogStart, Repository, Result, StoreError};
use crate::worker::{Round, Worker};

mod calls;
mod connections;
mod documents;
mod errand;
mod extract;
mod health;
mod house;
mod limits;
mod live;
mod metrics;
mod problem;
mod refused_io;
mod reply;
mod router;
mod routes;
mod seats;
pub mod waiting_room;
mod waitlist;

pub use router::openapi;

/// How often what is remembered of clients is tidied up.
const TIDY_EVERY: Duration = Duration::from_mins(1);
/// How long it is waited for what was begun for clients who have gone away, once all others are answered.
const ERRANDS_TIME_MAX: Duration = Duration::from_secs(30);
/// How long after a worker had to end another one begins.
const WORK_AGAIN: Duration = Duration::from_secs(5);

/// How to serve.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Requests that one client may send in a second; any number where there is none.
    pub rate: Option<NonZeroU32>,
    /// Whether every client comes through a proxy, which says for whom it asks.
    pub behind_proxy: bool,
    /// Connections at a time; fewer where the system has not as many file descriptors.
    pub connections_max: usize,
    /// The terms of the waiting rooms; none where nobody has to wait.
    pub room: Option<waiting_room::Terms>,
    /// Whether to do beside it what a worker does.
    pub worker: bool,
}

/// A server that is about to serve.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    store: Arc<dyn Repository>,
    settings: Settings,
}

impl Server {
    /// Takes the address, so that whoever connects from here on is served.
    ///
    /// # Errors
    /// The address is taken, or not one of this machine.
    pub async fn bind(
        address: SocketAddr,
        store: Arc<dyn Repository>,
        settings: Settings,
    ) -> std::io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        Ok(Self { listener, address, store, settings })
    }

    /// Where it serves.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until it is stopped, then answers whatever was accepted.
    ///
    /// # Errors
    /// The change log cannot be followed, or what keeps the maps up to date broke.
    pub async fn run(self, stopped: impl Future<Output = ()>) -> Result<()> {
        let Self { listener, store, settings, .. } = self;
        let feed = store.follow(LogStart::Now, None).await?;
        let closing = CancellationToken::new();
        let joins = settings.rate.map(|_| RateLimit::of_joins());
        let house = House::new(Arc::clone(&store), settings.room, joins, closing.clone());
        let house = Arc::new(house);
        let rate = settings.rate.map(|per_second| Arc::new(RateLimit::new(per_second)));
        let mut helpers = JoinSet::new();
        let sharing = if settings.worker {
            let (sharing, shared) = Sharing::begin(feed.standing());
            helpers.spawn(work(store, shared));
            sharing
        } else {
            Sharing::with_nobody()
        };
        helpers.spawn(Arc::clone(&house.live).follow(feed, sharing));
        if let Some(rate) = rate.clone() {
            helpers.spawn(tidy(rate, Arc::clone(&house)));
        }
        let router = router::router(&house, rate, settings.behind_proxy);
        let bounds = Bounds::of(settings.connections_max, settings.behind_proxy);
        let end = async {
            // None of them ends by itself.
            let ended = tokio::select! {
                () = stopped => Ok(()),
                Some(Err(broken)) = helpers.join_next() => Err(StoreError::lost_task(broken).into()),
            };
            closing.cancel();
            ended
        };
        let ((), ended) = tokio::join!(connections::serve(listener, router, &house, bounds), end);
        if tokio::time::timeout(ERRANDS_TIME_MAX, house.errands_done()).await.is_err() {
            tracing::warn!("not all that was begun has come to its end");
        }
        helpers.shutdown().await;
        ended
    }
}

async fn tidy(rate: Arc<RateLimit>, house: Arc<House>) {
    let mut every = tokio::time::interval(TIDY_EVERY);
    loop {
        every.tick().await;
        rate.tidy();
        if let Some(joins) = &house.joins {
            joins.tidy();
        }
    }
}

/// Does in good time what nobody else is there to do.
async fn work(store: Arc<dyn Repository>, feed: SharedFeed) {
    let mut begun = Ok(Worker::begin_with(Arc::clone(&store), Box::new(feed)).await);
    loop {
        let ended = match begun {
            Ok((worker, round)) => work_on(worker, round).await,
            Err(trouble) => trouble,
        };
        tracing::error!("the worker had to end: {ended}");
        tokio::time::sleep(WORK_AGAIN).await;
        begun = Worker::begin(Arc::clone(&store)).await;
    }
}

/// Works until it cannot go on; returns why.
async fn work_on(mut worker: Worker, mut round: Round) -> Error {
    loop {
        for trouble in &round.troubles {
            tracing::warn!("the worker tries again: {trouble}");
        }
        for deed in &round.deeds {
            tracing::debug!(did = deed.did.word(), event = %deed.event_id, "the worker");
        }
        round = match worker.next().await {
            Ok(round) => round,
            Err(trouble) => return trouble,
        };
    }
}
