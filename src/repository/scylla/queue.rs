//! The steps that decide who owns one ticket.
//!
//! Each runs its statement, and where that was refused or its outcome is not known, looks at the row
//! that is there now. A row that is as the step would have left it means that the step is done,
//! whichever attempt did it; so every step can be repeated, and an unknown outcome is no guess.

use std::time::Duration;

use scylla::serialize::row::SerializeRow;

use super::database::{Database, Decision, Patience, Unread, jittered};
use super::failure::of_row;
use super::rows::{HoldRow, QueueRow};
use super::settlement;
use super::statements::Statement;
use crate::domain::{EventId, HoldId, OrderId, Refusal, TicketId, TicketStatus, Timestamp, time};
use crate::repository::Result;

/// How often a step looks at a row that changes while it is looked at.
const TRIES_MAX: u32 = 8;

/// The wait before the second look, about; it doubles with each.
const LOOK_AGAIN: Duration = Duration::from_millis(2);

/// How much longer than its hold a row stays if nobody ever comes back to it.
const SILENCE: Duration = Duration::from_mins(1);

/// What came of a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    /// The ticket is as the step wants it, by this attempt or an earlier one. The write time was
    /// taken right before: of two steps of a ticket the later one has the later time, as near as
    /// clocks agree, whatever else a call does before and after it.
    Done(i64),
    /// It is not, and this is what stands there; none where the ticket is available.
    Otherwise(Option<Box<QueueRow>>),
}

impl Step {
    /// Whether the ticket is as the step wants it.
    pub(super) fn is_done(&self) -> bool {
        matches!(self, Self::Done(_))
    }
}

/// What the row that is there means for a step.
enum Verdict {
    /// An earlier attempt did it.
    Done,
    /// Nothing stands in its way: try again.
    Again,
    /// Something else has happened.
    Otherwise,
}

/// Seconds to live for what belongs to a hold: all of its time, whatever is left of it, as a clock
/// that is wrong must not make it vanish before its deadline.
pub(super) fn time_to_live(hold: &HoldRow) -> i32 {
    let whole = time::millis(hold.expires_at.since(hold.started_at) + SILENCE);
    i32::try_from(whole / 1000 + 1).unwrap_or(i32::MAX)
}

/// Who owns a ticket; nobody where there is no row.
pub(super) async fn read(
    db: &Database,
    event: EventId,
    ticket: TicketId,
) -> Result<Option<QueueRow>> {
    let found = db.row(&db.statements.select_queue, (event, ticket)).await;
    found.map_err(|e| of_row(e, "order_queue", ticket))
}

async fn step(
    db: &Database,
    (event, ticket): (EventId, TicketId),
    statement: &Statement,
    values: impl SerializeRow,
    judge: impl Fn(Option<&QueueRow>) -> Verdict,
) -> Result<Step> {
    let mut patience = Patience::default();
    for tries in 1..=TRIES_MAX {
        let at = db.clock.write_time();
        let decision = db.decide::<Unread>(statement, &values).await?;
        let row = match decision {
            Decision::Applied => return Ok(Step::Done(at)),
            Decision::Refused(Unread) => read(db, event, ticket).await?,
            Decision::Unknown => read_serially(db, event, ticket).await?,
        };
        match judge(row.as_ref()) {
            Verdict::Done => return Ok(Step::Done(at)),
            Verdict::Otherwise => return Ok(Step::Otherwise(row.map(Box::new))),
            Verdict::Again if decision == Decision::Unknown => patience.lose(statement.what)?,
            Verdict::Again => tokio::time::sleep(jittered(LOOK_AGAIN, tries)).await,
        }
    }
    Err(busy(statement.what))
}

pub(super) async fn read_serially(
    db: &Database,
    event: EventId,
    ticket: TicketId,
) -> Result<Option<QueueRow>> {
    let found = db.row(&db.statements.select_queue_serially, (event, ticket)).await;
    found.map_err(|e| of_row(e, "order_queue", ticket))
}

pub(super) fn busy(what: &str) -> crate::repository::Error {
    let why = format!("its row changed {TRIES_MAX} times while tix tried to {what}");
    Refusal::Busy { why }.into()
}

/// Available, or lapsed → held by this hold. A payment that is overdue is given up first.
///
/// Makes `may_land` true where a request may yet arrive at the server, however this ends.
pub(super) async fn claim(
    db: &Database,
    hold: &HoldRow,
    ticket: TicketId,
    may_land: &mut bool,
) -> Result<Step> {
    let turn = db.claims.turn(ticket.as_uuid()).await?;
    let mut found = Found::Nothing;
    if turn.has_waited {
        // Somebody else of this process was at it: no need to ask Paxos who has it.
        found = read(db, hold.event_id, ticket).await?.into();
    }
    let (mut patience, what) = (Patience::default(), db.statements.claim.what);
    for tries in 1..=TRIES_MAX {
        let (now, at) = (db.now(), db.clock.write_time());
        found = match found {
            Found::Claimed(at) => return Ok(Step::Done(at)),
            Found::Row(row) if row.is_of(hold) => return Ok(Step::Done(at)),
            Found::Row(row) if row.is_held_by(hold.hold_id) => {
                // Left by an earlier attempt to start the same hold, which was refused.
                free_held(db, &row).await?;
                Found::Nothing
            }
            Found::Row(row) if row.is_lapsed(now) => {
                let decision = take_over(db, hold, &row).await?;
                look(db, hold, (ticket, what), (decision, at), &mut patience, may_land).await?
            }
            Found::Row(row) => {
                let Some(order) = row.overdue_order(now) else {
                    return Ok(Step::Otherwise(Some(row)));
                };
                settlement::give_up(db, &row, order).await?;
                Found::Nothing
            }
            Found::Nothing => {
                let decision = insert_claim(db, hold, ticket).await?;
                look(db, hold, (ticket, what), (decision, at), &mut patience, may_land).await?
            }
        };
        if tries > 2 {
            tokio::time::sleep(jittered(LOOK_AGAIN, tries)).await;
        }
    }
    match found {
        Found::Claimed(at) => Ok(Step::Done(at)),
        _ => Err(busy("claim a ticket")),
    }
}

/// What a claim found.
pub(super) enum Found {
    /// The ticket is claimed, as of this write time.
    Claimed(i64),
    Row(Box<QueueRow>),
    Nothing,
}

impl From<Option<QueueRow>> for Found {
    fn from(row: Option<QueueRow>) -> Self {
        row.map_or(Self::Nothing, |row| Self::Row(Box::new(row)))
    }
}

/// What an attempt to get a ticket, which is `what` it tries to do, has led to.
pub(super) async fn look(
    db: &Database,
    hold: &HoldRow,
    (ticket, what): (TicketId, &'static str),
    (decision, at): (Decision<Option<QueueRow>>, i64),
    patience: &mut Patience,
    may_land: &mut bool,
) -> Result<Found> {
    match decision {
        Decision::Applied => Ok(Found::Claimed(at)),
        Decision::Refused(Some(row)) => Ok(Found::Row(Box::new(row))),
        Decision::Refused(None) => Ok(read(db, hold.event_id, ticket).await?.into()),
        Decision::Unknown => {
            let landed_before = std::mem::replace(may_land, true);
            let row = read_serially(db, hold.event_id, ticket).await?;
            if row.as_ref().is_some_and(|row| row.is_of(hold)) {
                *may_land = landed_before;
                return Ok(Found::Claimed(at));
            }
            patience.lose(what)?;
            Ok(row.into())
        }
    }
}

pub(super) async fn insert_claim(
    db: &Database,
    hold: &HoldRow,
    ticket: TicketId,
) -> Result<Decision<Option<QueueRow>>> {
    let values = (
        hold.event_id,
        ticket,
        hold.hold_id,
        &hold.session_id,
        hold.buyer_id,
        hold.started_at,
        hold.expires_at,
        time_to_live(hold),
    );
    let decision = db.decide(&db.statements.claim, values).await;
    decision.map(|d| d.map(Some)).map_err(|e| of_row(e, "order_queue", ticket))
}

pub(super) async fn take_over(
    db: &Database,
    hold: &HoldRow,
    lapsed: &QueueRow,
) -> Result<Decision<Option<QueueRow>>> {
    let values = (
        time_to_live(hold),
        hold.hold_id,
        &hold.session_id,
        hold.buyer_id,
        hold.started_at,
        hold.expires_at,
        lapsed.event_id,
        lapsed.ticket_id,
        lapsed.hold_id,
    );
    let decision = db.decide::<Unread>(&db.statements.take_over, values).await?;
    Ok(decision.map(|Unread| None))
}

/// Held by this hold, in time → paying under this order.
pub(super) async fn pay(
    db: &Database,
    hold: &HoldRow,
    ticket: TicketId,
    order: OrderId,
    deadline: Timestamp,
) -> Result<Step> {
    let values = (
        hold.hold_id,
        order,
        &hold.session_id,
        hold.buyer_id,
        hold.started_at,
        hold.expires_at,
        deadline,
        hold.event_id,
        ticket,
        hold.hold_id,
    );
    let judge = |row: Option<&QueueRow>| match row {
        Some(row) if row.order_id == Some(order) => Verdict::Done,
        Some(row) if row.is_held_by(hold.hold_id) && !row.is_lapsed(db.now()) => Verdict::Again,
        _ => Verdict::Otherwise,
    };
    step(db, (hold.event_id, ticket), &db.statements.pay, values, judge).await
}

/// Paying under this order → sold.
pub(super) async fn sell(
    db: &Database,
    hold: &HoldRow,
    ticket: TicketId,
    order: OrderId,
) -> Result<Step> {
    let values = (
        hold.hold_id,
        order,
        &hold.session_id,
        hold.buyer_id,
        hold.started_at,
        hold.expires_at,
        hold.event_id,
        ticket,
        order,
    );
    let judge = |row: Option<&QueueRow>| match row {
        Some(row) if row.is_under(order, TicketStatus::Sold) => Verdict::Done,
        Some(row) if row.is_under(order, TicketStatus::Paying) => Verdict::Again,
        _ => Verdict::Otherwise,
    };
    step(db, (hold.event_id, ticket), &db.statements.sell, values, judge).await
}

/// Paying under this order → held again, with the time that is left.
pub(super) async fn give_back(
    db: &Database,
    hold: &HoldRow,
    ticket: TicketId,
    order: OrderId,
) -> Result<Step> {
    let values = (
        time_to_live(hold),
        hold.hold_id,
        &hold.session_id,
        hold.buyer_id,
        hold.started_at,
        hold.expires_at,
        hold.event_id,
        ticket,
        order,
    );
    let judge = |row: Option<&QueueRow>| match row {
        Some(row) if row.is_held_by(hold.hold_id) => Verdict::Done,
        Some(row) if row.is_under(order, TicketStatus::Paying) => Verdict::Again,
        _ => Verdict::Otherwise,
    };
    step(db, (hold.event_id, ticket), &db.statements.give_back, values, judge).await
}

/// Held as this row says → available. Done, too, where nobody has it: an answer may have got lost.
pub(super) async fn free_held(db: &Database, held: &QueueRow) -> Result<Step> {
    let key = (held.event_id, held.ticket_id);
    free_if_held(db, key, held.hold_id, held.started_at).await
}

/// Held by this hold → available, as [`free_held`].
pub(super) async fn free_claimed(db: &Database, hold: &HoldRow, ticket: TicketId) -> Result<Step> {
    let key = (hold.event_id, ticket);
    free_if_held(db, key, Some(hold.hold_id), Some(hold.started_at)).await
}

/// The time at which the hold was started tells it from a later attempt under the same id.
async fn free_if_held(
    db: &Database,
    key: (EventId, TicketId),
    hold: Option<HoldId>,
    started_at: Option<Timestamp>,
) -> Result<Step> {
    let as_named = |row: &QueueRow| {
        row.status == TicketStatus::Held && row.hold_id == hold && row.started_at == started_at
    };
    let judge = |row: Option<&QueueRow>| match row {
        Some(row) if as_named(row) => Verdict::Again,
        Some(_) => Verdict::Otherwise,
        None => Verdict::Done,
    };
    let values = (key.0, key.1, hold, started_at);
    step(db, key, &db.statements.free_held, values, judge).await
}

/// Paying or sold under this order → available, whichever of the two it is.
pub(super) async fn free_pinned(
    db: &Database,
    event: EventId,
    ticket: TicketId,
    order: OrderId,
) -> Result<Step> {
    let mut status = TicketStatus::Paying;
    for _ in 0..TRIES_MAX {
        let judge = |row: Option<&QueueRow>| match row {
            Some(row) if row.is_under(order, status) => Verdict::Again,
            _ => Verdict::Otherwise,
        };
        let values = (event, ticket, order, status);
        let freed = step(db, (event, ticket), &db.statements.free_pinned, values, judge).await?;
        match &freed {
            // Somebody who was slow sold it just now, under an order that has moved on since.
            Step::Otherwise(Some(row)) if row.order_id == Some(order) => status = row.status,
            _ => return Ok(freed),
        }
    }
    Err(busy("free a ticket of an order"))
}

/// Available, or lapsed → blocked `at` this time. A payment that is overdue is given up first.
///
/// What is blocked already is no step of this call's, unless its answer got lost: the time tells.
pub(super) async fn block(
    db: &Database,
    (event, ticket): (EventId, TicketId),
    at: Timestamp,
    reason: &str,
) -> Result<Step> {
    let mut lapsed: Option<QueueRow> = None;
    let mut patience = Patience::default();
    for tries in 1..=TRIES_MAX {
        let shown_at = db.clock.write_time();
        let decision = match &lapsed {
            None => {
                let values = (at, reason, event, ticket);
                db.decide::<Unread>(&db.statements.block, values).await?
            }
            Some(row) => {
                let values = (at, reason, event, ticket, row.hold_id);
                db.decide::<Unread>(&db.statements.block_lapsed, values).await?
            }
        };
        let unknown = decision == Decision::Unknown;
        let row = match decision {
            Decision::Applied => return Ok(Step::Done(shown_at)),
            Decision::Refused(Unread) => read(db, event, ticket).await?,
            Decision::Unknown => read_serially(db, event, ticket).await?,
        };
        let now = db.now();
        lapsed = None;
        match row {
            Some(row) if row.is_blocked_at(at, reason) => return Ok(Step::Done(shown_at)),
            Some(row) if row.is_lapsed(now) => lapsed = Some(row),
            Some(row) => match row.overdue_order(now) {
                Some(order) => settlement::give_up(db, &row, order).await?,
                None => return Ok(Step::Otherwise(Some(Box::new(row)))),
            },
            None => {}
        }
        if unknown {
            patience.lose(db.statements.block.what)?;
        }
        tokio::time::sleep(jittered(LOOK_AGAIN, tries)).await;
    }
    Err(busy("block a ticket"))
}

/// Blocked → available.
pub(super) async fn unblock(db: &Database, event: EventId, ticket: TicketId) -> Result<Step> {
    let judge = |row: Option<&QueueRow>| match row {
        Some(row) if row.status == TicketStatus::Blocked => Verdict::Again,
        _ => Verdict::Otherwise,
    };
    step(db, (event, ticket), &db.statements.unblock, (event, ticket), judge).await
}
