//! Claiming: all tickets of a hold or none.

use std::sync::Arc;
use std::time::Duration;

use futures::future::try_join_all;
use tokio::time::Instant;

use super::catalogue::StoredTicket;
use super::database::{Database, Decision, Patience, Unread, jittered};
use super::failure::of_row;
use super::holds::{
    CLAIMING_MAX, LOOK_AGAIN, TRIES_MAX, busy, done, find, find_serially, free, list_claiming,
    queue_rows, unlist,
};
use super::projection::{Shown, show};
use super::queue::{self, Step};
use super::rows::{HoldRow, QueueRow, TicketCopy};
use super::waitlist::{self, Passed};
use super::{limits, settlement};
use crate::domain::{
    Event, HoldId, HoldStatus, IdempotencyKey, NewHold, Obstacle, Refusal, Timestamp, obstacles,
};
use crate::repository::{Caller, Result};

/// A claim that takes so long, which is well before others stop waiting for it, looks afterwards
/// whether its hold still stands.
const LOOKS_BACK_AFTER: Duration = Duration::from_secs(1);

/// How often, and how long in all, a repeat looks whether the attempt it repeats has ended.
const REPEAT_LOOKS: u32 = 10;

/// Claims all tickets or none.
pub(super) async fn start(
    db: &Database,
    event: &Event,
    tickets: &[Arc<StoredTicket>],
    new: &NewHold,
) -> Result<HoldRow> {
    for _ in 0..TRIES_MAX {
        let caller = Caller { session_id: new.session_id.clone(), buyer_id: new.buyer_id };
        let tickets = tickets.iter().map(|ticket| ticket.copy()).collect();
        let hold = HoldRow::begun(new.hold_id, event, caller, tickets, db.now());
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
    if let Some(row) = insert(db, &hold).await? {
        if row.started_at != hold.started_at {
            limits::take_back(db, &hold).await?;
        }
        return repeated(db, &hold, row).await;
    }
    let begun = Instant::now();
    let claimed = claim_all(db, &hold).await?;
    if begun.elapsed() >= LOOKS_BACK_AFTER {
        check_stands(db, &hold).await?;
    }
    let claimed = done(&hold.tickets, &claimed);
    show(db, hold.event_id, &claimed, Shown::held(&hold)).await;
    Ok(Some(hold))
}

/// Frees what was just claimed if the hold was ended meanwhile by somebody who did not wait for it.
async fn check_stands(db: &Database, hold: &HoldRow) -> Result<()> {
    match find(db, hold.hold_id).await? {
        Some(row) if row.started_at == hold.started_at && row.ended_as.is_none() => Ok(()),
        found => {
            free(db, hold).await?;
            let ended_as = found.and_then(|row| row.ended_as);
            Err(Refusal::over(hold.expires_at, ended_as).into())
        }
    }
}

/// Reads whether the tickets can be had, and counts them towards the limit if so.
///
/// Reading first keeps hopeless claims, of which an on-sale has most, away from Paxos. What is over is
/// given up and offered to those who wait, whatever else stands in the way, but not for somebody who
/// may own no more: his own would make room for him.
async fn may_claim(db: &Database, event: &Event, hold: &HoldRow) -> Result<()> {
    event.may_hold(hold.started_at)?;
    let mut rows = queue_rows(db, hold.event_id, &hold.tickets).await?;
    let now = db.now();
    let is_over = |row: &QueueRow| row.is_lapsed(now) || row.overdue_order(now).is_some();
    let mut over = Vec::new();
    if rows.iter().flatten().any(is_over) {
        over = end_what_is_over(db, event, hold, &rows).await?;
        if !over.is_empty() {
            rows = queue_rows(db, hold.event_id, &hold.tickets).await?;
        }
    }
    let now = db.now();
    let came_free = |ticket: &TicketCopy, row: &QueueRow| {
        let other = |before: &&QueueRow| before.hold_id != row.hold_id;
        over.iter().filter(other).any(|before| before.ticket_id == ticket.ticket_id)
    };
    let (quicker, others): (Vec<_>, Vec<_>) = in_the_way(hold, &hold.tickets, &rows, now)
        .partition(|(ticket, row)| came_free(ticket, row));
    let others = others.into_iter().map(|(ticket, row)| row.obstacle(ticket)).collect();
    if let Err(refusal) = obstacles::check(others) {
        limits::check(db, hold, event.terms.limit).await?;
        return Err(refusal.into());
    }
    if quicker.is_empty() {
        return limits::reserve(db, hold, event.terms.limit, &[]).await;
    }
    let holds: Vec<HoldId> = quicker.iter().filter_map(|(_, row)| row.hold_id).collect();
    if waitlist::is_offer(db, hold.event_id, &holds).await? {
        return Err(Refusal::ReservedForWaitlist.into());
    }
    // Somebody else was quicker.
    let quicker = quicker.into_iter().map(|(ticket, row)| row.obstacle(ticket)).collect();
    obstacles::check(quicker).map_err(Into::into)
}

/// Gives up what is overdue among the tickets of a claim, and offers what lapsed to those who wait.
/// Returns the rows that were over; other tickets of theirs may be somebody's, too.
async fn end_what_is_over(
    db: &Database,
    event: &Event,
    hold: &HoldRow,
    rows: &[Option<QueueRow>],
) -> Result<Vec<QueueRow>> {
    let now = db.now();
    let has_room = limits::has_room(db, hold, event.terms.limit);
    let overdue = |row: &QueueRow| row.overdue_order(now).is_some();
    if rows.iter().flatten().any(overdue) {
        if !has_room.await? {
            return Ok(Vec::new());
        }
    } else if !waitlist::anybody_waits(db, hold.event_id).await? || !has_room.await? {
        return Ok(Vec::new());
    }
    let (mut over, mut lapsed) = (Vec::new(), Vec::new());
    for (ticket, row) in hold.tickets.iter().zip(rows) {
        let Some(row) = row else { continue };
        // A ticket of a group that was given up just now may be somebody's already.
        let current = if over.is_empty() {
            Some(row.clone())
        } else {
            queue::read(db, hold.event_id, ticket.ticket_id).await?
        };
        let Some(row) = current else { continue };
        if let Some(order) = row.overdue_order(now) {
            settlement::give_up(db, &row, order).await?;
            over.push(row);
        } else if row.is_lapsed(now) {
            lapsed.push(ticket);
            over.push(row);
        }
    }
    waitlist::serve_sections(db, hold.event_id, lapsed).await?;
    Ok(over)
}

/// What stands in the way of these tickets of the hold. A payment that is overdue does not: it is
/// given up when its ticket is claimed.
fn obstacles_of(
    hold: &HoldRow,
    tickets: &[TicketCopy],
    rows: &[Option<QueueRow>],
    now: Timestamp,
) -> Vec<Obstacle> {
    in_the_way(hold, tickets, rows, now).map(|(ticket, row)| row.obstacle(ticket)).collect()
}

/// Those of the tickets that are somebody else's, each with its row.
fn in_the_way<'r>(
    hold: &HoldRow,
    tickets: &'r [TicketCopy],
    rows: &'r [Option<QueueRow>],
    now: Timestamp,
) -> impl Iterator<Item = (&'r TicketCopy, &'r QueueRow)> {
    let id = hold.hold_id;
    let is_free = move |row: &QueueRow| row.is_lapsed(now) || row.overdue_order(now).is_some();
    let present = tickets.iter().zip(rows).filter_map(|(t, row)| Some((t, row.as_ref()?)));
    present.filter(move |(_, row)| row.hold_id != Some(id) && !is_free(row))
}

/// Writes the hold's row and lists it; answers with the row that is there already, if one is.
pub(super) async fn insert(db: &Database, hold: &HoldRow) -> Result<Option<HoldRow>> {
    list_claiming(db, hold).await?;
    let mut patience = Patience::default();
    for _ in 0..TRIES_MAX {
        let decision = db.decide(&db.statements.insert_hold, hold.beginning()).await;
        match decision.map_err(|e| of_row(e, "holds", hold.hold_id))? {
            Decision::Applied => return Ok(None),
            Decision::Refused(row) => return Ok(Some(row)),
            Decision::Unknown => match find_serially(db, hold.hold_id).await? {
                Some(row) if row == *hold => return Ok(None),
                Some(row) => return Ok(Some(row)),
                None => patience.lose(db.statements.insert_hold.what)?,
            },
        }
    }
    Err(busy())
}

/// Claims the tickets of a hold whose row was just written. Where one is refused, the others are
/// released and nothing is left of the hold.
async fn claim_all(db: &Database, hold: &HoldRow) -> Result<Vec<Step>> {
    let mut steps = Vec::with_capacity(hold.tickets.len());
    let mut may_land = false;
    for (claimed, ticket) in hold.tickets.iter().enumerate() {
        let step = queue::claim(db, hold, ticket.ticket_id, &mut may_land).await;
        let step = match step {
            Ok(Step::Done(at)) => {
                steps.push(Step::Done(at));
                continue;
            }
            step => step,
        };
        let others = hold.tickets.get(claimed + 1..).unwrap_or_default();
        let rows = queue_rows(db, hold.event_id, others).await;
        let surely_not = step.is_ok() && !may_land;
        let tried = if surely_not { claimed } else { claimed + 1 };
        withdraw(db, hold, tried, may_land).await;
        let mut met = Vec::new();
        let rows = rows?;
        if let Step::Otherwise(Some(row)) = step? {
            met.push(row.obstacle(ticket));
        }
        met.extend(obstacles_of(hold, others, &rows, db.now()));
        obstacles::check(met)?;
        return Err(busy());
    }
    Ok(steps)
}

/// Undoes a claim that was refused or failed and that may have got its first `tried` tickets.
///
/// The hold is withdrawn first: where this process dies meanwhile, repair sees what is to be freed.
/// Where this fails in turn, what is left ends at the hold's deadline; the buyer was told that he
/// has nothing. Where a request to claim may yet land, his tickets are counted until then: it would
/// give him one that is not counted otherwise.
async fn withdraw(db: &Database, hold: &HoldRow, tried: usize, may_land: bool) {
    let tickets = hold.tickets.iter().take(tried);
    let withdrawn = async {
        let mut ended_as = None;
        if tried > 0 && waitlist::withdraw(db, hold).await? {
            ended_as = Some(HoldStatus::Expired);
        }
        let freed = tickets.clone().map(|t| queue::free_claimed(db, hold, t.ticket_id));
        try_join_all(freed).await?;
        if forget(db, hold, ended_as).await? && !may_land {
            limits::take_back(db, hold).await?;
        }
        unlist(db, hold, db.clock.write_time()).await
    };
    if let Err(error) = withdrawn.await {
        tracing::warn!(%error, hold = %hold.hold_id, "a refused hold is left until its deadline");
    }
    if tried > 0 {
        // Who joined while it had them found nothing free.
        waitlist::look_again(db, hold.event_id, tickets, &Passed::default()).await;
    }
}

/// Removes the row of a hold whose claim was refused. False where it has another end by now, or is
/// paid for: then whoever did so deals with what is left of it.
async fn forget(db: &Database, hold: &HoldRow, ended_as: Option<HoldStatus>) -> Result<bool> {
    let statement = &db.statements.forget_hold;
    let mut patience = Patience::default();
    loop {
        let values = (hold.hold_id, hold.started_at, ended_as);
        match db.decide::<Unread>(statement, values).await? {
            Decision::Applied => return Ok(true),
            Decision::Refused(Unread) => return Ok(find(db, hold.hold_id).await?.is_none()),
            Decision::Unknown if find_serially(db, hold.hold_id).await?.is_none() => {
                return Ok(true);
            }
            Decision::Unknown => patience.lose(statement.what)?,
        }
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
            return Err(Refusal::IdempotencyMismatch { key: IdempotencyKey::HoldId }.into());
        }
        let rows = queue_rows(db, row.event_id, &row.tickets).await?;
        let now = db.now();
        let own = |r: &QueueRow| r.is_of(&row) && !r.is_lapsed(now);
        let owned = rows.iter().flatten().filter(|row| own(row)).count();
        if row.ended_as.is_none() && owned == row.tickets.len() {
            return Ok(Some(row));
        }
        // Tickets are claimed in order: where the last one was never reached, somebody may be at it,
        // and where it was withdrawn, about to forget it.
        let is_withdrawn = row.is_withdrawn() && now.since(row.started_at) < CLAIMING_MAX;
        let goes_on = row.ended_as.is_none() && row.expires_at > now;
        let at_work = (goes_on || is_withdrawn) && row.order_id.is_none();
        if !at_work {
            return Err(Refusal::over(row.expires_at, row.ended_as).into());
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
