//! Deleting an event and everything of it.
//!
//! The row in `deleted_events` decides. An event that people may have held is first marked as `asked`,
//! with a time until which its sale stops; once every process has read that, it is looked whether
//! anything of it was ever held, and the mark becomes `deleted`, or is taken back. A process that dies in
//! between leaves a mark that ends by itself. From `deleted` on the event is unknown; its rows follow
//! once no claim that began before can be under way, and a call that dies meanwhile is completed by the
//! next one. The row stays: it keeps the slug, from which the ids of the tickets follow, from being used
//! again, and tells what the change log still says about the event from rows that belong to none.

use std::collections::HashSet;
use std::time::Duration;

use scylla::DeserializeRow;
use scylla::serialize::row::SerializeRow;
use uuid::Uuid;

use super::at_once::at_once;
use super::catalogue::{self, event_row};
use super::database::{Database, Decision, Patience, Unread};
use super::holds::BUCKETS;
use super::statements::{ANSWER_MAX, SERVER_GIVES_UP_AFTER, Statement};
use crate::domain::{
    BuyerId, ConfirmationNumber, EntryId, Event, EventId, HoldId, OrderId, Refusal, TicketId,
    Timestamp,
};
use crate::repository::{DELETION_LAG_MAX, Error, MintProgress, Result};

/// How long a claim may be under way that was begun when the event was not marked yet.
const CLAIM_MAX: Duration = ANSWER_MAX.saturating_add(SERVER_GIVES_UP_AFTER);
/// How long after a mark nothing of the event is changed any more by whoever did not read it.
const QUIET_AFTER: Duration = DELETION_LAG_MAX.saturating_add(CLAIM_MAX);
/// How long a sale stops at most while it is looked whether the event may be deleted.
const ASKED_FOR: Duration = Duration::from_mins(1);

/// Rows that are removed at the same time.
const ROWS_AT_ONCE: usize = 64;

/// How far the deletion of an event has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// It is looked whether the event may be deleted; nothing of it is sold until then.
    Asked { until: Timestamp },
    /// It is deleted; rows of it may be left.
    Deleted { at: Timestamp },
    /// Nothing of it is left.
    Cleared,
}

/// A row of `deleted_events`.
#[derive(Debug, DeserializeRow)]
struct Row {
    state: Option<String>,
    asked_by: Option<Uuid>,
    until: Option<Timestamp>,
    deleted_at: Option<Timestamp>,
}

impl Row {
    fn state(&self) -> State {
        let epoch = Timestamp::from_millis(0);
        match self.state.as_deref() {
            Some("cleared") => State::Cleared,
            Some("deleted") => State::Deleted { at: self.deleted_at.unwrap_or(epoch) },
            _ => State::Asked { until: self.until.unwrap_or(epoch) },
        }
    }
}

async fn read(db: &Database, event: EventId) -> Result<Option<Row>> {
    db.row(&db.statements.select_deletion, (event,)).await
}

/// How far the deletion of an event has come; none where nobody asked for it.
pub(super) async fn state(db: &Database, event: EventId) -> Result<Option<State>> {
    Ok(read(db, event).await?.map(|row| row.state()))
}

/// Whether an event was deleted.
pub(super) async fn is_deleted(db: &Database, event: EventId) -> Result<bool> {
    let state = state(db, event).await?;
    Ok(matches!(state, Some(State::Deleted { .. } | State::Cleared)))
}

/// Every event that was deleted.
pub(super) async fn deleted(db: &Database) -> Result<HashSet<EventId>> {
    let rows: Vec<(EventId, Option<String>)> = db.rows(&db.statements.select_deletions, ()).await?;
    let is_deleted = |state: &str| state == "deleted" || state == "cleared";
    let deleted = rows.into_iter().filter(|(_, state)| state.as_deref().is_some_and(is_deleted));
    Ok(deleted.map(|(event, _)| event).collect())
}

/// Deletes an event and everything of it.
pub(super) async fn delete(
    db: &Database,
    event: EventId,
    progress: MintProgress<'_>,
) -> Result<()> {
    let mut steps = Steps { done: 0, progress };
    let deleted_at = match state(db, event).await? {
        Some(State::Deleted { at }) => at,
        Some(State::Cleared) => {
            return Err(Refusal::UnknownEvent { name: event.to_string() }.into());
        }
        Some(State::Asked { .. }) | None => {
            let stored = Event::from(event_row(db, event).await?);
            decide(db, &stored, &mut steps).await?
        }
    };
    steps.made();
    settle(db, &db.statements.delete_event, (event,)).await?;
    db.cache.forget(event);
    steps.made();
    // Whoever read the event before may go on with it until then.
    tokio::time::sleep(deleted_at.plus(QUIET_AFTER).since(db.now())).await;
    clear(db, event, &mut steps).await?;
    settle(db, &db.statements.mark_cleared, (event,)).await?;
    steps.made();
    Ok(())
}

/// Counts the steps of a deletion.
struct Steps<'p> {
    done: u64,
    progress: MintProgress<'p>,
}

impl Steps<'_> {
    fn made(&mut self) {
        self.done += 1;
        (self.progress)(self.done);
    }
}

/// Marks the event as deleted, if it may be; returns since when it is.
async fn decide(db: &Database, event: &Event, steps: &mut Steps<'_>) -> Result<Timestamp> {
    let (id, s) = (event.event_id, &db.statements);
    if !event.simulated {
        event.may_delete(holds_of(db, id).await?.len() as u64)?;
    }
    let asked_by = Uuid::new_v4();
    let until = db.now().plus(ASKED_FOR);
    ask(db, event, asked_by, until).await?;
    steps.made();
    if !event.simulated {
        // From here on every process has read the mark, and what it began before is written.
        tokio::time::sleep(QUIET_AFTER).await;
        if let Err(refusal) = event.may_delete(holds_of(db, id).await?.len() as u64) {
            settle(db, &s.take_back_deletion, (id, asked_by)).await?;
            return Err(refusal.into());
        }
    }
    let deleted_at = db.now();
    let mut patience = Patience::default();
    loop {
        let decision = db.decide::<Unread>(&s.mark_deleted, (deleted_at, id, asked_by)).await?;
        match state(db, id).await? {
            Some(State::Deleted { at }) => return Ok(at),
            _ if decision == Decision::Unknown => patience.lose(s.mark_deleted.what)?,
            _ => return Err(busy(Duration::ZERO)),
        }
    }
}

/// Not asked, or asked by a call that has died → asked by this call.
async fn ask(db: &Database, event: &Event, asked_by: Uuid, until: Timestamp) -> Result<()> {
    let (id, s) = (event.event_id, &db.statements);
    let mut patience = Patience::default();
    loop {
        let decision = match read(db, id).await? {
            Some(row) if row.asked_by == Some(asked_by) => return Ok(()),
            None => {
                let values = (id, &event.slug, asked_by, until);
                db.decide::<Unread>(&s.ask_deletion, values).await?
            }
            Some(row) => match row.state() {
                // A simulated event may be deleted whatever was held: no answer is to be waited for.
                State::Asked { until: before } if event.simulated || before <= db.now() => {
                    let values = (asked_by, until, id, row.asked_by);
                    db.decide::<Unread>(&s.ask_deletion_again, values).await?
                }
                State::Asked { until } => return Err(busy(until.since(db.now()))),
                State::Deleted { .. } | State::Cleared => return Err(busy(Duration::ZERO)),
            },
        };
        match decision {
            Decision::Applied => return Ok(()),
            Decision::Refused(Unread) => {}
            Decision::Unknown => patience.lose(s.ask_deletion.what)?,
        }
    }
}

/// Another process deletes the event. Where it has died, that ends after `until_free`.
fn busy(until_free: Duration) -> Error {
    let why = match until_free.as_secs() {
        0 => "another process is deleting the event".to_owned(),
        seconds => format!(
            "another process is deleting the event; if it has died, try again in {seconds} s"
        ),
    };
    Refusal::Busy { why }.into()
}

/// Repeats a deciding step until its outcome is known; it leaves nothing to do where it was done before.
async fn settle(db: &Database, statement: &Statement, values: impl SerializeRow) -> Result<()> {
    let mut patience = Patience::default();
    while db.decide::<Unread>(statement, &values).await? == Decision::Unknown {
        patience.lose(statement.what)?;
    }
    Ok(())
}

/// Every hold of an event that was ever started. Reads all holds of the store: those of an event are
/// listed only while they have tickets.
pub(super) async fn holds_of(db: &Database, event: EventId) -> Result<Vec<HoldId>> {
    let rows: Vec<(HoldId,)> = db.rows(&db.statements.select_all_holds, (event,)).await?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

/// Removes what is left of a deleted event. Holds go first: no step changes anything without one.
async fn clear(db: &Database, event: EventId, steps: &mut Steps<'_>) -> Result<()> {
    let (s, at) = (&db.statements, db.clock.write_time());
    let holds = holds_of(db, event).await?;
    remove_references(db, at, &holds).await?;
    let holds = holds.into_iter().map(|id| db.write(&s.remove_hold, (at, id))).collect();
    at_once(ROWS_AT_ONCE, holds).await?;
    let lists = (0..BUCKETS).map(|bucket| db.write(&s.remove_holds_listed, (at, event, bucket)));
    at_once(ROWS_AT_ONCE, lists.collect()).await?;
    steps.made();

    let orders: Vec<(OrderId, Option<String>)> = db.rows(&s.select_all_orders, (event,)).await?;
    let orders = orders.into_iter().map(|(id, number)| remove_order(db, at, id, number)).collect();
    at_once(ROWS_AT_ONCE, orders).await?;
    let lists = (0..BUCKETS).map(|bucket| db.write(&s.remove_orders_listed, (at, event, bucket)));
    at_once(ROWS_AT_ONCE, lists.collect()).await?;
    steps.made();

    let buyers: Vec<(BuyerId,)> = db.rows(&s.select_all_limits, (event,)).await?;
    let limits = buyers.into_iter().map(|(buyer,)| db.write(&s.remove_limit, (at, event, buyer)));
    at_once(ROWS_AT_ONCE, limits.collect()).await?;
    steps.made();

    let entries: Vec<(EntryId,)> = db.rows(&s.select_all_entries, (event,)).await?;
    let entries = entries.into_iter().map(|(id,)| db.write(&s.remove_entry_name, (at, id)));
    at_once(ROWS_AT_ONCE, entries.collect()).await?;
    let owners: Vec<(BuyerId,)> = db.rows(&s.select_all_counts, (event,)).await?;
    let counts = owners.into_iter().map(|(owner,)| db.write(&s.remove_count, (at, event, owner)));
    at_once(ROWS_AT_ONCE, counts.collect()).await?;
    db.write(&s.remove_line, (at, event)).await?;
    steps.made();

    let tickets: Vec<(TicketId,)> = db.rows(&s.select_all_queue, (event,)).await?;
    let rows = tickets.into_iter().map(|(id,)| db.write(&s.remove_queue_row, (at, event, id)));
    at_once(ROWS_AT_ONCE, rows.collect()).await?;
    steps.made();

    let sections = catalogue::section_ids(db, event).await?;
    let rows = sections.into_iter().map(|id| db.write(&s.remove_tickets, (at, event, id)));
    at_once(ROWS_AT_ONCE, rows.collect()).await?;
    steps.made();
    // Last: without them the tickets would not be found.
    db.write(&s.remove_sections, (at, event)).await?;
    steps.made();
    Ok(())
}

/// Removes the payment references of these holds, which are found through the holds only.
async fn remove_references(db: &Database, at: i64, holds: &[HoldId]) -> Result<()> {
    let s = &db.statements;
    let ours: HashSet<HoldId> = holds.iter().copied().collect();
    let all: Vec<(BuyerId, String, Option<HoldId>)> = db.rows(&s.select_all_references, ()).await?;
    let own = all.into_iter().filter(|(_, _, hold)| hold.is_some_and(|hold| ours.contains(&hold)));
    let removed = own.map(|(buyer, text, _)| db.write(&s.remove_reference, (at, buyer, text)));
    at_once(ROWS_AT_ONCE, removed.collect()).await.map(|_: Vec<()>| ())
}

async fn remove_order(
    db: &Database,
    at: i64,
    order: OrderId,
    number: Option<String>,
) -> Result<()> {
    let number = number.unwrap_or_else(|| ConfirmationNumber::of_order(order).to_string());
    // The number first: it is found through the order only.
    db.write(&db.statements.remove_confirmation, (at, number, order)).await?;
    db.write(&db.statements.remove_order, (at, order)).await
}
