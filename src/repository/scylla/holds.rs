//! Holds: finding and listing them, and giving them up.

use std::time::Duration;

use futures::future::try_join_all;
use scylla::serialize::row::SerializeRow;

use super::at_once::at_once;
use super::catalogue::{self};
use super::database::{Database, Decision, Patience, Unread, jittered};
use super::failure::of_row;
use super::projection::{Shown, show};
use super::queue::{self, Step, time_to_live};
use super::rows::{HoldRow, QueueRow, TicketCopy};
use super::statements::Statement;
use super::waitlist::{self, Passed};
use super::{limits, settlement};
use crate::domain::{
    Event, EventId, Hold, HoldId, HoldStatus, Owned, Refusal, SessionId, TicketStatus, Timestamp,
};
use crate::repository::Result;

/// Partitions over which the holds and the orders of one event are listed.
pub(super) const BUCKETS: i32 = 16;

/// How long a hold that is being paid for stays listed if nobody ever comes back to it.
const PAYING_LISTED: Duration = Duration::from_hours(30 * 24);

/// Tickets that are read at the same time; a hold rarely has more.
const TICKETS_AT_ONCE: usize = 32;

/// Holds that are read at the same time.
const HOLDS_AT_ONCE: usize = 64;

/// How often a hold's row is looked at while others change it.
pub(super) const TRIES_MAX: u32 = 8;

/// The wait before the second look, about; it doubles with each.
pub(super) const LOOK_AGAIN: Duration = Duration::from_millis(2);

/// For so long after it was started a hold may still be claiming its tickets, and who ends or pays
/// for it meanwhile waits until it has them all.
pub(super) const CLAIMING_MAX: Duration = Duration::from_secs(3);

/// The longest wait between two looks at a claim that is under way, about.
const LOOK_AGAIN_MAX: Duration = Duration::from_millis(100);

/// The partition in which something with this id is listed.
pub(super) fn bucket(id: &uuid::Uuid) -> i32 {
    i32::from(id.as_bytes()[15]) % BUCKETS
}

/// Finds a hold's row.
pub(super) async fn find(db: &Database, hold: HoldId) -> Result<Option<HoldRow>> {
    let found = db.row(&db.statements.select_hold, (hold,)).await;
    found.map_err(|e| of_row(e, "holds", hold))
}

/// Finds a hold's row, or says that there is none.
pub(super) async fn known(db: &Database, hold: HoldId) -> Result<HoldRow> {
    find(db, hold).await?.ok_or_else(|| Refusal::UnknownHold { name: hold.to_string() }.into())
}

/// The row of each ticket of a hold, in the hold's order.
pub(super) async fn queue_rows(
    db: &Database,
    event: EventId,
    tickets: &[TicketCopy],
) -> Result<Vec<Option<QueueRow>>> {
    let rows = tickets.iter().map(|ticket| queue::read(db, event, ticket.ticket_id)).collect();
    at_once(TICKETS_AT_ONCE, rows).await
}

/// Finds a hold's row as Paxos has it.
pub(super) async fn find_serially(db: &Database, hold: HoldId) -> Result<Option<HoldRow>> {
    let found = db.row(&db.statements.select_hold_serially, (hold,)).await;
    found.map_err(|e| of_row(e, "holds", hold))
}

/// The answer where a hold is never at rest.
pub(super) fn busy() -> crate::repository::Error {
    let why = format!("the hold changed {TRIES_MAX} times while it was looked at");
    Refusal::Busy { why }.into()
}

/// Lists a hold under its event for so many seconds, as of the write time `at`.
async fn list(db: &Database, hold: &HoldRow, seconds: i32, at: i64) -> Result<()> {
    let bucket = bucket(hold.hold_id.as_uuid());
    let values = (hold.event_id, bucket, hold.hold_id, at, seconds);
    db.write(&db.statements.list_hold, values).await
}

/// Lists a hold that is about to claim its tickets.
pub(super) async fn list_claiming(db: &Database, hold: &HoldRow) -> Result<()> {
    list(db, hold, time_to_live(hold), db.clock.write_time()).await
}

/// Lists a hold until its payment, or its refund, has ended.
pub(super) async fn list_paying(db: &Database, hold: &HoldRow) -> Result<()> {
    let seconds = i32::try_from(PAYING_LISTED.as_secs()).unwrap_or(i32::MAX);
    list(db, hold, seconds, db.clock.write_time()).await
}

/// Lists a hold until its deadline, unless it was listed anew after the write time `at`.
pub(super) async fn list_held(db: &Database, hold: &HoldRow, at: i64) -> Result<()> {
    list(db, hold, time_to_live(hold), at).await
}

/// Takes a hold off the list of its event, unless it was listed anew after the write time `at`.
pub(super) async fn unlist(db: &Database, hold: &HoldRow, at: i64) -> Result<()> {
    let bucket = bucket(hold.hold_id.as_uuid());
    let values = (at, hold.event_id, bucket, hold.hold_id);
    db.write(&db.statements.unlist_hold, values).await
}

/// Runs a step that decides about a hold as a whole. Says whether the hold is as the step wants it,
/// which `is_done` tells from its row.
pub(super) async fn step(
    db: &Database,
    hold: HoldId,
    statement: &Statement,
    values: impl SerializeRow,
    is_done: impl Fn(&HoldRow) -> bool,
) -> Result<bool> {
    let mut patience = Patience::default();
    loop {
        let row = match db.decide::<Unread>(statement, &values).await? {
            Decision::Applied => return Ok(true),
            Decision::Refused(Unread) => {
                return Ok(find(db, hold).await?.is_some_and(|row| is_done(&row)));
            }
            Decision::Unknown => find_serially(db, hold).await?,
        };
        if row.is_some_and(|row| is_done(&row)) {
            return Ok(true);
        }
        patience.lose(statement.what)?;
    }
}

/// Gives a hold up. Giving up what is over already succeeds.
pub(super) async fn abandon(db: &Database, hold: HoldId, session: &SessionId) -> Result<HoldRow> {
    for tries in 1..=TRIES_MAX {
        let row = known(db, hold).await?;
        if row.session_id != *session {
            return Err(Refusal::NotYours { what: Owned::Hold }.into());
        }
        if row.ended_as.is_none() && row.order_id.is_some() {
            settlement::meet(db, &row).await?;
        } else if row.ended_as.is_some() || row.expires_at <= db.now() {
            free(db, &row).await?;
            return Ok(row);
        } else {
            let abandoned = |row: &HoldRow| row.ended_as == Some(HoldStatus::Abandoned);
            let statement = &db.statements.abandon_hold;
            if step(db, hold, statement, (hold,), abandoned).await? {
                free_claimed_and_to_come(db, &row).await?;
                return known(db, hold).await;
            }
        }
        tokio::time::sleep(jittered(LOOK_AGAIN, tries)).await;
    }
    Err(busy())
}

/// Whether all tickets of a hold were claimed for it, or none will be any more.
pub(super) fn has_claimed(db: &Database, hold: &HoldRow, rows: &[Option<QueueRow>]) -> bool {
    let claimed = rows.iter().flatten().filter(|row| row.hold_id == Some(hold.hold_id)).count();
    claimed == rows.len() || db.now().since(hold.started_at) >= CLAIMING_MAX
}

/// Frees the tickets of a hold that was just given up, and those that somebody is about to claim
/// for it who does not know.
async fn free_claimed_and_to_come(db: &Database, hold: &HoldRow) -> Result<()> {
    for looks in 1.. {
        let rows = queue_rows(db, hold.event_id, &hold.tickets).await?;
        let last = has_claimed(db, hold, &rows);
        free(db, hold).await?;
        if last {
            break;
        }
        tokio::time::sleep(jittered(LOOK_AGAIN, looks).min(LOOK_AGAIN_MAX)).await;
    }
    Ok(())
}

/// Frees those tickets that an ended or lapsed hold still has and nobody pays for; those who wait
/// have the first choice.
pub(super) async fn free(db: &Database, hold: &HoldRow) -> Result<()> {
    let at = db.clock.write_time();
    let rows = queue_rows(db, hold.event_id, &hold.tickets).await?;
    let mut still: Vec<&QueueRow> =
        rows.iter().flatten().filter(|row| row.is_held_by(hold.hold_id)).collect();
    let mut passed = Passed::default();
    if !still.is_empty() {
        let in_hand = async || Ok(still.iter().copied().cloned().collect());
        passed = waitlist::pass_on(db, hold.event_id, in_hand, &hold.tickets, Some(hold)).await?;
        still.retain(|row| !passed.tickets.contains(&row.ticket_id));
    }
    let steps: Vec<_> = still.iter().map(|row| queue::free_held(db, row)).collect();
    let steps = try_join_all(steps).await?;
    let pinned = |row: &QueueRow| row.hold_id == Some(hold.hold_id) && row.order_id.is_some();
    if !rows.iter().flatten().any(pinned) {
        limits::let_go(db, hold).await?;
        unlist(db, hold, at).await?;
    }
    let tickets = hold.tickets.iter().filter(|t| still.iter().any(|r| r.ticket_id == t.ticket_id));
    show(db, hold.event_id, &done(tickets, &steps), Shown::AVAILABLE).await;
    if !still.is_empty() {
        waitlist::look_again(db, hold.event_id, &hold.tickets, &passed).await;
    }
    Ok(())
}

/// Those of the tickets for which the step is done, each with its write time.
pub(super) fn done<'t>(
    tickets: impl IntoIterator<Item = &'t TicketCopy>,
    steps: &[Step],
) -> Vec<(&'t TicketCopy, i64)> {
    let done = tickets.into_iter().zip(steps).filter_map(|(ticket, step)| match step {
        Step::Done(at) => Some((ticket, *at)),
        Step::Otherwise(_) => None,
    });
    done.collect()
}

/// A hold as it was started, whatever has become of it since.
pub(super) fn started(row: HoldRow, event: &Event) -> Hold {
    Hold {
        tickets: row.tickets.iter().map(|t| t.ticket(event.currency)).collect(),
        hold_id: row.hold_id,
        event_id: row.event_id,
        session_id: row.session_id,
        buyer_id: row.buyer_id,
        started_at: row.started_at,
        expires_at: row.expires_at,
        status: HoldStatus::Held,
        order_id: None,
        payment_deadline: None,
    }
}

/// A hold as it is now.
pub(super) async fn complete(db: &Database, row: HoldRow) -> Result<Hold> {
    let event = catalogue::event(db, row.event_id).await?;
    let rows = queue_rows(db, row.event_id, &row.tickets).await?;
    let own: Vec<QueueRow> =
        rows.into_iter().flatten().filter(|q| q.hold_id == Some(row.hold_id)).collect();
    let pinned = own.iter().find(|q| q.order_id.is_some());
    Ok(Hold {
        status: status(&row, &own, db.now()),
        order_id: pinned.and_then(|q| q.order_id),
        payment_deadline: pinned.and_then(|q| q.payment_deadline),
        ..started(row, &event)
    })
}

/// What has become of a hold: how somebody ended it, or else what its tickets are now.
fn status(row: &HoldRow, own: &[QueueRow], now: Timestamp) -> HoldStatus {
    let of_tickets = |status| own.iter().any(|q| q.status == status);
    match row.ended_as {
        Some(ended_as) => ended_as,
        None if of_tickets(TicketStatus::Sold) => HoldStatus::Sold,
        None if of_tickets(TicketStatus::Paying) => HoldStatus::Paying,
        None if !own.is_empty() && row.expires_at > now => HoldStatus::Held,
        None => HoldStatus::Expired,
    }
}

/// The ids of the holds that are listed under an event.
pub(super) async fn listed_ids(db: &Database, event: EventId) -> Result<Vec<HoldId>> {
    let read = |bucket| db.rows::<(HoldId,)>(&db.statements.select_holds, (event, bucket));
    let buckets: Vec<_> = (0..BUCKETS).map(read).collect();
    Ok(try_join_all(buckets).await?.concat().into_iter().map(|(id,)| id).collect())
}

/// The rows of the holds that are listed under an event.
pub(super) async fn listed(db: &Database, event: EventId) -> Result<Vec<HoldRow>> {
    let rows = listed_ids(db, event).await?.into_iter().map(|id| find(db, id)).collect();
    Ok(at_once(HOLDS_AT_ONCE, rows).await?.into_iter().flatten().collect())
}

/// The holds of an event that have tickets now and are not paid for, by their deadline.
pub(super) async fn running(db: &Database, event: EventId) -> Result<Vec<Hold>> {
    let rows = listed(db, event).await?;
    let holds = rows.into_iter().map(|row| complete(db, row)).collect();
    let mut running = at_once(HOLDS_AT_ONCE, holds).await?;
    running.retain(|hold| matches!(hold.status, HoldStatus::Held | HoldStatus::Paying));
    running.sort_by_key(|hold| (hold.expires_at, hold.hold_id));
    Ok(running)
}
