//! Looking for events: in an index in memory that is built from the table `events`.
//!
//! ScyllaDB finds rows by their key. So the events are read as a whole, which takes moments for the
//! thousands that a store has, and are looked for where they can be: see [`EventIndex`]. The index
//! is brought up to date before it is asked, unless that was done less than [`SEARCH_LAG_MAX`] ago
//! and this process has not added anything since.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::time::Instant;

use super::at_once::at_once;
use super::catalogue;
use super::database::Database;
use super::rows::EventRow;
use crate::domain::{Availability, EventHit, EventId, EventPage, EventQuery, TicketId, Timestamp};
use crate::repository::sqlite::{EventIndex, IndexedEvent};
use crate::repository::{Result, SEARCH_LAG_MAX, StoreError};

/// Events that are checked for tickets at the same time.
const CHECKS_AT_ONCE: usize = 64;

/// The index, and when it was brought up to date.
#[derive(Debug, Default)]
pub(super) struct Search {
    state: tokio::sync::Mutex<State>,
    /// Whether this process changed an event since.
    changed: AtomicBool,
}

#[derive(Debug, Default)]
struct State {
    /// None before anybody asked.
    index: Option<Arc<Mutex<EventIndex>>>,
    read_at: Option<Instant>,
}

impl Search {
    /// An event was added or minted by this process.
    pub(super) fn event_changed(&self) {
        self.changed.store(true, Ordering::SeqCst);
    }

    /// Looks for events.
    pub(super) async fn events(&self, db: &Database, query: &EventQuery) -> Result<EventPage> {
        let index = self.index(db).await?;
        let asked = query.clone();
        let ask = move || lock(&index).search(&asked);
        let page = tokio::task::spawn_blocking(ask).await.map_err(StoreError::lost_task)??;
        match query.availability {
            Availability::Unasked => Ok(page),
            asked => checked(db, page, asked).await,
        }
    }

    /// The index, not older than it may be. Whoever comes while it is read waits for it.
    async fn index(&self, db: &Database) -> Result<Arc<Mutex<EventIndex>>> {
        let mut state = self.state.lock().await;
        let changed = self.changed.swap(false, Ordering::SeqCst);
        let fresh = state.read_at.is_some_and(|at| at.elapsed() < SEARCH_LAG_MAX);
        if let Some(index) = state.index.as_ref().filter(|_| fresh && !changed) {
            return Ok(Arc::clone(index));
        }
        // From here on, until it is read, it is older than it may be.
        state.read_at = None;
        let began = Instant::now();
        let rows = catalogue::event_rows(db).await?;
        let index = match &state.index {
            Some(index) => Arc::clone(index),
            None => Arc::new(Mutex::new(EventIndex::new()?)),
        };
        let kept = Arc::clone(&index);
        let update = move || lock(&kept).update(rows.into_iter().map(indexed).collect());
        tokio::task::spawn_blocking(update).await.map_err(StoreError::lost_task)??;
        state.index = Some(Arc::clone(&index));
        state.read_at = Some(began);
        Ok(index)
    }
}

fn lock(index: &Mutex<EventIndex>) -> std::sync::MutexGuard<'_, EventIndex> {
    index.lock().unwrap_or_else(PoisonError::into_inner)
}

fn indexed(row: EventRow) -> IndexedEvent {
    // Where nobody keeps the projection, a sale that is open is taken to have tickets.
    let has_tickets = row.has_tickets.unwrap_or(true);
    IndexedEvent { event: row.into(), has_tickets }
}

/// The page, with what was only said about tickets looked up.
async fn checked(db: &Database, page: EventPage, asked: Availability) -> Result<EventPage> {
    let EventPage { hits, total } = page;
    let shown = hits.len();
    let checks = hits.into_iter().map(|hit| check(db, hit)).collect();
    let mut hits = at_once(CHECKS_AT_ONCE, checks).await?;
    if asked == Availability::Required {
        hits.retain(|hit| hit.available == Some(true));
    }
    let total = total.saturating_sub((shown - hits.len()) as u64);
    Ok(EventPage { hits, total })
}

async fn check(db: &Database, hit: EventHit) -> Result<EventHit> {
    let on_sale = hit.event.is_on_sale(db.now());
    let available = on_sale && has_tickets(db, hit.event.event_id).await?;
    Ok(EventHit { available: Some(available), ..hit })
}

/// Whether an event has a ticket that is shown as available, or as held by a hold that has lapsed.
async fn has_tickets(db: &Database, event: EventId) -> Result<bool> {
    let one: Option<(TicketId,)> = db.row(&db.statements.select_one_available, (event,)).await?;
    if one.is_some() {
        return Ok(true);
    }
    let held: Vec<(Option<Timestamp>,)> =
        db.rows(&db.statements.select_held_until, (event,)).await?;
    let now = db.now();
    Ok(held.into_iter().any(|(until,)| until.is_some_and(|until| until <= now)))
}
