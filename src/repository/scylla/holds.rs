//! Claiming and giving up.

use std::sync::Arc;
use std::time::Duration;

use futures::future::{join_all, try_join_all};
use scylla::serialize::row::SerializeRow;

use super::at_once::at_once;
use super::catalogue::{self, StoredTicket};
use super::database::{Database, Decision, Unread, jittered};
use super::projection::{Shown, show};
use super::queue::{self, Step, time_to_live};
use super::rows::{HoldRow, QueueRow, TicketCopy};
use super::statements::Statement;
use super::{limits, settlement};
use crate::domain::{
    Event, EventId, Hold, HoldId, HoldStatus, NewHold, Refusal, SeatLabel, SessionId, TicketStatus,
    Timestamp,
};
use crate::repository::Result;

/// Partitions over which the holds and the orders of one event are listed.
pub(super) const BUCKETS: i32 = 16;

/// How long a hold that is being paid for stays listed if nobody ever comes back to it.
const PAYING_LISTED: Duration = Duration::from_hours(30 * 24);

/// Holds that are read at the same time.
const HOLDS_AT_ONCE: usize = 64;

/// How often a hold's row is looked at while others change it.
pub(super) const TRIES_MAX: u32 = 8;

/// The wait before the second look, about; it doubles with each.
pub(super) const LOOK_AGAIN: Duration = Duration::from_millis(2);

/// How often, and how long in all, a repeat looks whether the attempt it repeats has ended.
const REPEAT_LOOKS: u32 = 10;

/// The partition in which something with this id is listed.
pub(super) fn bucket(id: &uuid::Uuid) -> i32 {
    i32::from(id.as_bytes()[15]) % BUCKETS
}

/// Finds a hold's row.
pub(super) async fn find(db: &Database, hold: HoldId) -> Result<Option<HoldRow>> {
    db.row(&db.statements.select_hold, (hold,)).await
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
    let rows: Vec<_> =
        tickets.iter().map(|ticket| queue::read(db, event, ticket.ticket_id)).collect();
    try_join_all(rows).await
}

/// Who or what has the tickets that somebody wants.
#[derive(Default)]
pub(super) struct Obstacles {
    taken: Vec<SeatLabel>,
    until: Option<Timestamp>,
    blocked: Vec<SeatLabel>,
}

impl Obstacles {
    /// Adds a ticket that is not free.
    pub(super) fn add(&mut self, row: &QueueRow, label: SeatLabel) {
        if row.status == TicketStatus::Blocked {
            self.blocked.push(label);
            return;
        }
        self.taken.push(label);
        if row.status == TicketStatus::Held {
            let earlier = |until: Timestamp| self.until.map_or(until, |u| u.min(until));
            self.until = row.expires_at.map(earlier).or(self.until);
        }
    }

    /// The refusal they amount to.
    pub(super) fn refusal(self) -> Result<(), Refusal> {
        if !self.taken.is_empty() {
            Err(Refusal::Taken { seats: self.taken, until: self.until })
        } else if !self.blocked.is_empty() {
            Err(Refusal::Blocked { seats: self.blocked })
        } else {
            Ok(())
        }
    }
}

/// Claims all tickets or none.
pub(super) async fn start(
    db: &Database,
    event: &Event,
    tickets: &[Arc<StoredTicket>],
    new: &NewHold,
) -> Result<HoldRow> {
    for _ in 0..TRIES_MAX {
        let started_at = db.now();
        let hold = HoldRow {
            hold_id: new.hold_id,
            event_id: new.event_id,
            session_id: new.session_id.clone(),
            buyer_id: new.buyer_id,
            tickets: tickets.iter().map(|ticket| ticket.copy()).collect(),
            started_at,
            expires_at: started_at.plus(event.terms.time_to_pay),
            order_id: None,
            payment_reference: None,
            payment_deadline: None,
            ended_as: None,
        };
        if let Some(started) = attempt(db, event, hold).await? {
            return Ok(started);
        }
    }
    Err(busy())
}

/// Makes one attempt to claim. None where it repeats one that was refused in the meantime, so that
/// nothing is left of it and it may be made anew.
///
/// The buyer's limit first, then the hold's row, then ticket by ticket in the order of the venue:
/// whatever crashes in between, the limit counts every ticket that is claimed, and every claimed
/// ticket has a hold that knows the others.
async fn attempt(db: &Database, event: &Event, hold: HoldRow) -> Result<Option<HoldRow>> {
    if let Err(error) = may_claim(db, event, &hold).await {
        return match find(db, hold.hold_id).await? {
            Some(row) if error.refusal().is_some() => repeated(db, &hold, row).await,
            _ => Err(error),
        };
    }
    let at = db.clock.write_time();
    if let Some(row) = insert(db, &hold).await? {
        if row.buyer_id != hold.buyer_id {
            limits::let_go(db, &hold).await?;
        }
        return repeated(db, &hold, row).await;
    }
    claim_all(db, &hold).await?;
    show(db, hold.event_id, &hold.every_ticket(), Shown::held(&hold), at).await;
    Ok(Some(hold))
}

/// Reads whether the tickets can be had, and counts them towards the limit if so.
///
/// Reading first keeps hopeless claims, of which an on-sale has most, away from Paxos.
async fn may_claim(db: &Database, event: &Event, hold: &HoldRow) -> Result<()> {
    if let Err(refusal) = obstacles(db, hold, 0).await?.refusal() {
        limits::check(db, hold, event.terms.limit).await?;
        return Err(refusal.into());
    }
    limits::reserve(db, hold, event.terms.limit).await
}

/// What stands in the way of the hold's tickets from the one at `from` on. A payment that is
/// overdue does not: it is given up when its ticket is claimed.
async fn obstacles(db: &Database, hold: &HoldRow, from: usize) -> Result<Obstacles> {
    let tickets = hold.tickets.get(from..).unwrap_or_default();
    let rows = queue_rows(db, hold.event_id, tickets).await?;
    let now = db.now();
    let mut obstacles = Obstacles::default();
    for (ticket, row) in tickets.iter().zip(&rows) {
        let Some(row) = row else { continue };
        let own = row.hold_id == Some(hold.hold_id);
        if !own && !row.is_lapsed(now) && row.overdue_order(now).is_none() {
            obstacles.add(row, ticket.label());
        }
    }
    Ok(obstacles)
}

/// Writes the hold's row and lists it; answers with the row that is there already, if one is.
async fn insert(db: &Database, hold: &HoldRow) -> Result<Option<HoldRow>> {
    list(db, hold, time_to_live(hold.expires_at, db.now())).await?;
    for _ in 0..TRIES_MAX {
        let values = (
            hold.hold_id,
            hold.event_id,
            &hold.session_id,
            hold.buyer_id,
            &hold.tickets,
            hold.started_at,
            hold.expires_at,
        );
        match db.decide(&db.statements.insert_hold, values).await? {
            Decision::Applied => return Ok(None),
            Decision::Refused(row) => return Ok(Some(row)),
            Decision::Unknown => match find_serially(db, hold.hold_id).await? {
                Some(row) if row == *hold => return Ok(None),
                Some(row) => return Ok(Some(row)),
                None => {}
            },
        }
    }
    Err(busy())
}

async fn find_serially(db: &Database, hold: HoldId) -> Result<Option<HoldRow>> {
    db.row(&db.statements.select_hold_serially, (hold,)).await
}

pub(super) fn busy() -> crate::repository::Error {
    let why = format!("the hold changed {TRIES_MAX} times while it was looked at");
    Refusal::Busy { why }.into()
}

/// Claims the tickets of a hold whose row was just written. Where one is refused, the others are
/// released and nothing is left of the hold.
async fn claim_all(db: &Database, hold: &HoldRow) -> Result<()> {
    for (claimed, ticket) in hold.tickets.iter().enumerate() {
        let step = match queue::claim(db, hold, ticket.ticket_id).await {
            Ok(step) => step,
            Err(error) => {
                withdraw(db, hold, claimed + 1).await;
                return Err(error);
            }
        };
        if let Step::Otherwise(row) = step {
            let mut obstacles = obstacles(db, hold, claimed + 1).await?;
            if let Some(row) = row {
                obstacles.add(&row, ticket.label());
            }
            withdraw(db, hold, claimed).await;
            obstacles.refusal()?;
            return Err(busy());
        }
    }
    Ok(())
}

/// Undoes a claim that was refused or failed, after `claimed` tickets.
///
/// Where this fails in turn, what is left ends at the hold's deadline; the buyer was told that he
/// has nothing.
async fn withdraw(db: &Database, hold: &HoldRow, claimed: usize) {
    let tickets = hold.tickets.iter().take(claimed);
    let freed = tickets.map(|t| queue::free_held(db, hold.event_id, t.ticket_id, hold.hold_id));
    let freed: Vec<_> = freed.collect();
    let freed: Result<Vec<Step>> = join_all(freed).await.into_iter().collect();
    let withdrawn = async {
        freed?;
        limits::let_go(db, hold).await?;
        db.decide::<Unread>(&db.statements.forget_hold, (hold.hold_id,)).await?;
        unlist(db, hold).await
    };
    if let Err(error) = withdrawn.await {
        tracing::warn!(%error, hold = %hold.hold_id, "a refused hold is left until its deadline");
    }
}

/// The repeat of an attempt that was made before gets that one's answer, while it lasts.
///
/// A repeat only looks: were it to claim or to release tickets itself, it and an attempt that is
/// still under way could undo each other's steps under the same hold id.
async fn repeated(db: &Database, claim: &HoldRow, mut row: HoldRow) -> Result<Option<HoldRow>> {
    for looks in 1..=REPEAT_LOOKS {
        let same = row.session_id == claim.session_id
            && row.buyer_id == claim.buyer_id
            && row.tickets == claim.tickets;
        if !same {
            return Err(Refusal::NotYours.into());
        }
        let rows = queue_rows(db, row.event_id, &row.tickets).await?;
        let now = db.now();
        let own = |r: &QueueRow| r.hold_id == Some(row.hold_id) && !r.is_lapsed(now);
        let owned = rows.iter().flatten().filter(|row| own(row)).count();
        if row.ended_as.is_none() && owned == row.tickets.len() {
            return Ok(Some(row));
        }
        // Tickets are claimed in order: where the last one was never reached, somebody may be at it.
        let at_work = row.ended_as.is_none() && row.expires_at > now && row.order_id.is_none();
        if !at_work {
            return Err(Refusal::Expired { at: row.expires_at }.into());
        }
        tokio::time::sleep(jittered(LOOK_AGAIN, looks)).await;
        match find(db, row.hold_id).await? {
            Some(found) => row = found,
            None => return Ok(None),
        }
    }
    let why = "an earlier attempt to start this hold has not ended".to_owned();
    Err(Refusal::Busy { why }.into())
}

/// Lists a hold under its event for so many seconds.
async fn list(db: &Database, hold: &HoldRow, seconds: i32) -> Result<()> {
    let bucket = bucket(hold.hold_id.as_uuid());
    let values = (hold.event_id, bucket, hold.hold_id, db.clock.write_time(), seconds);
    db.write(&db.statements.list_hold, values).await
}

/// Lists a hold until its payment has ended.
pub(super) async fn list_paying(db: &Database, hold: &HoldRow) -> Result<()> {
    list(db, hold, i32::try_from(PAYING_LISTED.as_secs()).unwrap_or(i32::MAX)).await
}

/// Lists a hold until its deadline.
pub(super) async fn list_held(db: &Database, hold: &HoldRow) -> Result<()> {
    list(db, hold, time_to_live(hold.expires_at, db.now())).await
}

/// Takes a hold off the list of its event.
pub(super) async fn unlist(db: &Database, hold: &HoldRow) -> Result<()> {
    let bucket = bucket(hold.hold_id.as_uuid());
    let values = (db.clock.write_time(), hold.event_id, bucket, hold.hold_id);
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
    for _ in 0..TRIES_MAX {
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
    }
    Err(busy())
}

/// Gives a hold up. Giving up what is over already succeeds.
pub(super) async fn abandon(db: &Database, hold: HoldId, session: &SessionId) -> Result<HoldRow> {
    for tries in 1..=TRIES_MAX {
        let row = known(db, hold).await?;
        if row.session_id != *session {
            return Err(Refusal::NotYours.into());
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
                free(db, &row).await?;
                return known(db, hold).await;
            }
        }
        tokio::time::sleep(jittered(LOOK_AGAIN, tries)).await;
    }
    Err(busy())
}

/// Frees those tickets that an ended or lapsed hold still has and nobody pays for.
async fn free(db: &Database, hold: &HoldRow) -> Result<()> {
    let at = db.clock.write_time();
    let rows = queue_rows(db, hold.event_id, &hold.tickets).await?;
    let still_held =
        |row: &Option<QueueRow>| row.as_ref().is_some_and(|r| r.is_held_by(hold.hold_id));
    let tickets: Vec<&TicketCopy> =
        hold.tickets.iter().zip(&rows).filter(|(_, row)| still_held(row)).map(|(t, _)| t).collect();
    if tickets.is_empty() {
        return Ok(());
    }
    let free = |t: &&TicketCopy| queue::free_held(db, hold.event_id, t.ticket_id, hold.hold_id);
    let steps: Vec<_> = tickets.iter().map(free).collect();
    let steps = try_join_all(steps).await?;
    limits::let_go(db, hold).await?;
    unlist(db, hold).await?;
    show(db, hold.event_id, &done(tickets, &steps), Shown::AVAILABLE, at).await;
    Ok(())
}

/// Those of the tickets for which the step is done.
pub(super) fn done<'t>(
    tickets: impl IntoIterator<Item = &'t TicketCopy>,
    steps: &[Step],
) -> Vec<&'t TicketCopy> {
    let done = tickets.into_iter().zip(steps).filter(|(_, step)| step.is_done());
    done.map(|(ticket, _)| ticket).collect()
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

/// The rows of the holds that are listed under an event.
pub(super) async fn listed(db: &Database, event: EventId) -> Result<Vec<HoldRow>> {
    let read = |bucket| db.rows::<(HoldId,)>(&db.statements.select_holds, (event, bucket));
    let buckets: Vec<_> = (0..BUCKETS).map(read).collect();
    let ids = try_join_all(buckets).await?.concat();
    let rows = ids.into_iter().map(|(id,)| find(db, id)).collect();
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
