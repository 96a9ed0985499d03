//! What all requests share.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::calls::Calls;
use super::documents::booking::PaymentAnswer;
use super::documents::waitlist::EntryDocument;
use super::errand::Errand;
use super::health::Health;
use super::limits::RateLimit;
use super::live::{Live, Show};
use super::metrics::Metrics;
use super::problem::Result;
use super::waiting_room;
use crate::domain::{Event, EventId, HoldId, SessionId};
use crate::payment::simulated::ProviderSettings;
use crate::payment::{PaymentProvider, SilentProvider, SimulatedProvider};
use crate::repository::{self, Repository};

/// How old the list of shows may be; that it could not be read is told for as long, too.
const SHOWS_AGE_MAX: Duration = Duration::from_secs(2);

/// The list of shows, and when it was read.
type Shows = (Instant, Result<Arc<Vec<Event>>>);

/// The repository behind a server, and what it keeps in memory beside it.
#[derive(Debug)]
pub(super) struct House {
    pub(super) store: Arc<dyn Repository>,
    pub(super) live: Arc<Live>,
    pub(super) metrics: Arc<Metrics>,
    /// Whether the store takes writes.
    pub(super) health: Health,
    /// Says that the server shuts down.
    pub(super) closing: CancellationToken,
    /// What goes on though nobody waits for it any more.
    errands: TaskTracker,
    /// The way to the repository.
    pub(super) calls: Arc<Calls>,
    /// Waitlist entries of each client; any number where clients are not told apart.
    pub(super) joins: Option<RateLimit>,
    shows: Mutex<Option<Shows>>,
    captures: SimulatedProvider,
    declines: SimulatedProvider,
}

impl House {
    pub(super) fn new(
        store: Arc<dyn Repository>,
        room: Option<waiting_room::Terms>,
        joins: Option<RateLimit>,
        closing: CancellationToken,
    ) -> Self {
        let provider = |declined_share| {
            SimulatedProvider::new(ProviderSettings { declined_share, ..Default::default() })
        };
        let metrics = Arc::<Metrics>::default();
        let calls = Arc::new(Calls::new(Arc::clone(&metrics)));
        Self {
            live: Arc::new(Live::new(Arc::clone(&store), Arc::clone(&calls), room)),
            store,
            metrics,
            health: Health::default(),
            closing,
            errands: TaskTracker::new(),
            calls,
            joins,
            shows: Mutex::default(),
            captures: provider(0.0),
            declines: provider(1.0),
        }
    }

    /// Makes a call of the repository when it is its turn.
    pub(super) async fn ask<T>(
        &self,
        name: &'static str,
        call: impl Future<Output = repository::Result<T>>,
    ) -> Result<T> {
        self.calls.ask(name, call).await
    }

    /// Does to its end what changes something, also if whoever asked for it goes away.
    pub(super) async fn see_through<T: Send + 'static>(
        &self,
        errand: impl Future<Output = Result<T>> + Send + 'static,
    ) -> Result<T> {
        Errand::new(errand, &self.errands).await
    }

    /// Waits until all of that is done.
    pub(super) async fn errands_done(&self) {
        self.errands.close();
        self.errands.wait().await;
    }

    /// The seats of the show that a text names.
    pub(super) async fn show(&self, name: &str) -> Result<Arc<Show>> {
        self.live.show(event_id(name)).await.map_err(|problem| problem.of_event(name))
    }

    /// The show that a text names.
    pub(super) async fn event(&self, name: &str) -> Result<Event> {
        let event = self.ask("event", self.store.event(event_id(name))).await;
        event.map_err(|problem| problem.of_event(name))
    }

    /// A session's places in the waitlist of a show.
    pub(super) async fn waitlist_of(
        &self,
        show: &Show,
        session: &SessionId,
    ) -> Result<Vec<EntryDocument>> {
        show.waitlist.of((&self.calls, &self.store), show.event_id(), session).await
    }

    /// The checkout of a hold is over, which its waiting room need not wait for the log to hear.
    pub(super) fn checked_out(&self, event: EventId, session: &SessionId, hold: HoldId) {
        let show = self.live.known(event);
        if let Some(mut room) = show.as_ref().and_then(|show| show.room()) {
            let now = self.store.now();
            room.checked_out(session, hold, now, now);
        }
    }

    /// All shows, by their date; those that were added in the last moment may be missing.
    pub(super) async fn shows(&self) -> Result<Arc<Vec<Event>>> {
        let mut shows = self.shows.lock().await;
        if let Some((read_at, known)) = &*shows
            && read_at.elapsed() < SHOWS_AGE_MAX
        {
            return known.clone();
        }
        let read = self.ask("events", self.store.events()).await.map(Arc::new);
        *shows = Some((Instant::now(), read.clone()));
        read
    }

    /// The payment provider that answers like this.
    pub(super) fn provider(&self, answer: PaymentAnswer) -> &dyn PaymentProvider {
        match answer {
            PaymentAnswer::Captured => &self.captures,
            PaymentAnswer::Declined => &self.declines,
            PaymentAnswer::Silent => &SilentProvider,
        }
    }
}

/// The id of the show that a text names: it is the id, or the slug, from which the id follows.
fn event_id(name: &str) -> EventId {
    name.parse().unwrap_or_else(|_| EventId::of_slug(name))
}
